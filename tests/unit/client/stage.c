/* stage: see stage.h. */
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "tests.h"

enum { TURNS_MAX = 100000 };

/* ---- the transport ---- */

static enum transport_result stage_next(struct transport *t)
{
    struct stage *s = t->state;
    s->attempts++;
    t->has_more = s->silent_addresses > 0;
    if (t->has_more) {
        s->silent_addresses--;
        t->wants = 0;
        return TRANSPORT_AGAIN;
    }
    if (s->refusals != 0) {
        s->refusals -= s->refusals > 0;
        t->err = ECONNREFUSED;
        return TRANSPORT_FAILED;
    }
    assert_int_equal(s->server_fd, -1);
    s->server_fd = fake_connect(t);
    return s->is_slow ? TRANSPORT_AGAIN : TRANSPORT_DONE;
}

static ssize_t stage_read(struct transport *t, void *out, size_t len)
{
    struct stage *s = t->state;
    if (s->is_read_crossed && s->writes_left == 0) {
        t->wants |= ENGRAM_WRITABLE;
        t->err = EAGAIN;
        return -1;
    }
    t->wants &= ~(unsigned)ENGRAM_WRITABLE;
    ssize_t n = recv(t->fd, out, len, 0);
    t->err = n < 0 ? errno : 0;
    s->is_write_crossed = s->is_write_crossed && n <= 0;
    return n;
}

static ssize_t stage_write(struct transport *t, const struct iovec *v,
                           int count)
{
    struct stage *s = t->state;
    if (s->is_write_crossed) {
        t->wants |= ENGRAM_READABLE;
        t->err = EAGAIN;
        return -1;
    }
    t->wants &= ~(unsigned)ENGRAM_READABLE;
    if (s->writes_left == 0) {
        t->err = EAGAIN;
        return -1;
    }
    s->writes_left -= s->writes_left > 0;
    struct iovec one = v[0];
    if (s->write_bytes_max > 0) {
        count = 1;
        one.iov_len = one.iov_len < s->write_bytes_max ? one.iov_len
                                                       : s->write_bytes_max;
        v = &one;
    }
    struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)v,
                        .msg_iovlen = (size_t)count };
    ssize_t n = sendmsg(t->fd, &m, MSG_NOSIGNAL);
    t->err = n < 0 ? errno : 0;
    return n;
}

static const struct transport_ops fake_transport = {
    .open = fake_open,
    .next = stage_next,
    .advance = fake_advance,
    .read = stage_read,
    .write = stage_write,
    .drop = fake_drop,
    .close = fake_drop,
    .forget = fake_forget,
};

static int64_t fake_now_us(void *arg)
{
    return ((struct stage *)arg)->now_us;
}

/* ---- what happens is written down ---- */

void stage_note(struct stage *s, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    size_t room = sizeof s->log - s->log_len;
    int n = vsnprintf(s->log + s->log_len, room, format, values);
    va_end(values);
    assert_true(n >= 0 && (size_t)n < room);
    s->log_len += (size_t)n;
}

const char *stage_log(struct stage *s)
{
    /* The text stays where it is until something is noted. */
    s->log_len = 0;
    char *text = s->log;
    size_t len = strlen(text);
    static char copy[STAGE_TEXT_BYTES];
    memcpy(copy, text, len + 1);
    if (len > 0 && copy[len - 1] == ' ') {
        copy[len - 1] = '\0';
    }
    s->log[0] = '\0';
    return copy;
}

static void put(char *out, size_t cap, const char *text, size_t len)
{
    size_t at = strlen(out);
    assert_true(at + len + 1 < cap);
    memcpy(out + at, text, len);
    out[at + len] = '\0';
}

static void show_scalar(const struct engram_reply *r, char *out, size_t cap)
{
    char number[32];
    size_t len;
    const char *text = engram_reply_text(r, &len);
    switch (engram_reply_type(r)) {
    case ENGRAM_TYPE_INTEGER:
        snprintf(number, sizeof number, "%lld",
                 (long long)engram_reply_integer(r));
        put(out, cap, number, strlen(number));
        break;
    case ENGRAM_TYPE_BOOL:
        put(out, cap, engram_reply_integer(r) ? "#t" : "#f", 2);
        break;
    case ENGRAM_TYPE_NULL: put(out, cap, "nil", 3); break;
    case ENGRAM_TYPE_ERROR:
        put(out, cap, "(error)", 7);
        put(out, cap, text, len);
        break;
    default: put(out, cap, text, len); break;
    }
    assert_int_equal(text[len], '\0');
}

/* Replies in these tests are few levels deep, so this may call itself. */
void stage_show_reply(const struct engram_reply *r, char *out, size_t cap)
{
    if (engram_reply_type(r) < ENGRAM_TYPE_ARRAY) {
        show_scalar(r, out, cap);
        return;
    }
    static const char open[] = "[({<|", close[] = "])}>|";
    int kind = engram_reply_type(r) - ENGRAM_TYPE_ARRAY;
    put(out, cap, &open[kind], 1);
    for (size_t i = 0; i < engram_reply_count(r); i++) {
        put(out, cap, " ", i > 0);
        stage_show_reply(engram_reply_at(r, i), out, cap);
    }
    put(out, cap, &close[kind], 1);
}

void stage_on_reply(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    static const char *const names[] = {
        [ENGRAM_OK] = "ok",           [ENGRAM_TIMEOUT] = "timeout",
        [ENGRAM_NOT_SENT] = "unsent", [ENGRAM_LOST] = "lost",
        [ENGRAM_CANCELLED] = "cancelled", [ENGRAM_NOMEM] = "nomem",
    };
    struct stage *s = arg;
    char text[STAGE_TEXT_BYTES / 4] = "";
    (void)c;
    s->callbacks++;
    assert_non_null(names[st]);
    assert_true((st == ENGRAM_OK) == (reply != NULL));
    if (reply != NULL) {
        stage_show_reply(reply, text, sizeof text);
    }
    stage_note(s, "%s%s%s ", names[st], reply != NULL ? ":" : "", text);
}

static void on_connected(struct engram_conn *c, void *arg)
{
    (void)c;
    stage_note(arg, "connected ");
}

static void on_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms, void *arg)
{
    struct stage *s = arg;
    (void)c;
    stage_note(s, "ended(%s%s) ",
               why == ENGRAM_OK             ? "ok"
               : why == ENGRAM_CONNECT      ? "connect"
               : why == ENGRAM_DISCONNECTED ? "eof"
               : why == ENGRAM_IO           ? "io"
               : why == ENGRAM_PROTOCOL     ? "protocol"
               : why == ENGRAM_HANDSHAKE    ? "handshake"
               : why == ENGRAM_TIMEOUT      ? "silent"
               : why == ENGRAM_NOMEM        ? "nomem"
                                            : "?",
               retry_ms < 0 ? ",for good" : "");
}

static void on_push(struct engram_conn *c, const struct engram_reply *push,
                    void *arg)
{
    char text[STAGE_TEXT_BYTES / 4] = "";
    (void)c;
    stage_show_reply(push, text, sizeof text);
    stage_note(arg, "push:%s ", text);
}

static void on_drained(struct engram_conn *c, void *arg)
{
    (void)c;
    stage_note(arg, "drained ");
}

/* ---- the play ---- */

void stage_init(struct stage *s)
{
    *s = (struct stage){ .now_us = 1000000,
                         .fail_after = -1,
                         .server_fd = -1,
                         .writes_left = -1 };
    engram_options_init(&s->options);
    s->options.protocol = 2;
    s->options.on_connected = on_connected;
    s->options.on_disconnected = on_disconnected;
    s->options.on_push = on_push;
    s->options.on_drained = on_drained;
    s->options.arg = s;
}

enum engram_status stage_create_conn(struct stage *s)
{
    struct conn_env env = { .transport = &fake_transport,
                            .now_us = fake_now_us,
                            .arg = s,
                            .seed = 1,
                            .fail_after = s->fail_after };
    enum engram_status st = ENGRAM_OK;
    s->c = conn_create_in(&s->options, &env, &st);
    assert_true((s->c == NULL) == (st != ENGRAM_OK));
    return st;
}

void stage_begin(struct stage *s)
{
    assert_int_equal(stage_create_conn(s), ENGRAM_OK);
    assert_int_equal(engram_conn_open(s->c), ENGRAM_OK);
    stage_turn(s);
}

void stage_end(struct stage *s)
{
    engram_conn_destroy(&s->c);
    if (s->server_fd >= 0) {
        char byte;
        while (recv(s->server_fd, &byte, 1, 0) > 0) {
        }
        assert_int_equal(recv(s->server_fd, &byte, 1, 0), 0);
        close(s->server_fd);
        s->server_fd = -1;
    }
}

/* Everything that is due now is done before time passes. */
void stage_turn(struct stage *s)
{
    for (int i = 0; i < TURNS_MAX && s->c != NULL; i++) {
        if (!fake_turn(s->c, s->now_us, s->writes_left == 0)) {
            return;
        }
    }
    assert_true(s->c == NULL);
}

void stage_pass_ms(struct stage *s, int64_t ms)
{
    s->now_us += ms * 1000;
    stage_turn(s);
}

void stage_say_bytes(struct stage *s, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        assert_true(s->server_fd >= 0);
        ssize_t n = send(s->server_fd, at, len, MSG_NOSIGNAL);
        if (n < 0) {
            /* The client has hung up, or must read first. */
            if (errno == EPIPE || errno == ECONNRESET) {
                return;
            }
            assert_int_equal(errno, EAGAIN);
            stage_turn(s);
            continue;
        }
        at += n;
        len -= (size_t)n;
    }
    stage_turn(s);
}

void stage_say(struct stage *s, const char *text)
{
    stage_say_bytes(s, text, strlen(text));
}

const char *stage_hear(struct stage *s)
{
    size_t n = 0;
    ssize_t got;
    stage_turn(s);
    while (s->server_fd >= 0 &&
           (got = recv(s->server_fd, s->said + n, sizeof s->said - 1 - n, 0)) >
               0) {
        n += (size_t)got;
        stage_turn(s);
    }
    s->said[n] = '\0';
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->said[i] == '\r') {
            continue;
        }
        s->said[to++] = s->said[i] == '\n' ? '|' : s->said[i];
    }
    s->said[to] = '\0';
    return s->said;
}

void stage_hang_up(struct stage *s)
{
    close(s->server_fd);
    s->server_fd = -1;
    stage_turn(s);
}

void stage_send(struct stage *s, const char *format)
{
    assert_int_equal(engram_send(s->c, NULL, stage_on_reply, s, format),
                     ENGRAM_OK);
}
