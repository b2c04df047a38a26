/* pool_stage: see pool_stage.h. */
#include "pool_stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "tests.h"

enum { TURNS_MAX = 100000 };

/* ---- the transport ---- */

static struct pool_stage_link *find_link(struct pool_stage *s, int client_fd)
{
    for (size_t i = 0; i < POOL_STAGE_LINKS; i++) {
        if (s->links[i].client_fd == client_fd) {
            return &s->links[i];
        }
    }
    return NULL;
}

static enum transport_result stage_next(struct transport *t)
{
    struct pool_stage *s = t->state;
    t->has_more = false;
    s->attempts++;
    if (s->refusals != 0) {
        s->refusals -= s->refusals > 0;
        t->err = ECONNREFUSED;
        return TRANSPORT_FAILED;
    }
    struct pool_stage_link *link = find_link(s, -1);
    assert_non_null(link);
    if (link->server_fd >= 0) {
        close(link->server_fd);
    }
    link->server_fd = fake_connect(t);
    link->client_fd = t->fd;
    return TRANSPORT_AGAIN;
}

static void stage_drop(struct transport *t)
{
    struct pool_stage *s = t->state;
    if (t->fd >= 0) {
        struct pool_stage_link *link = find_link(s, t->fd);
        fake_drop(t);
        if (link->server_fd >= 0) {
            close(link->server_fd);
        }
        *link = (struct pool_stage_link){ -1, -1 };
    }
}

static const struct transport_ops fake_transport = {
    .open = fake_open,
    .next = stage_next,
    .advance = fake_advance,
    .read = fake_read,
    .write = fake_write,
    .drop = stage_drop,
    .close = stage_drop,
    .forget = fake_forget,
};

static int64_t fake_now_us(void *arg)
{
    return ((struct pool_stage *)arg)->now_us;
}

/* ---- the loop ---- */

static enum engram_status hook_attach(struct engram_conn *c, void *loop)
{
    struct pool_stage *s = loop;
    if (s->attach_failures != 0) {
        s->attach_failures -= s->attach_failures > 0;
        return ENGRAM_NOMEM;
    }
    assert_true(s->conn_count < POOL_STAGE_LINKS);
    s->conns[s->conn_count++] = c;
    return ENGRAM_OK;
}

static void hook_detach(struct engram_conn *c, void *loop)
{
    struct pool_stage *s = loop;
    for (size_t i = 0; i < s->conn_count; i++) {
        if (s->conns[i] == c) {
            s->conns[i] = s->conns[--s->conn_count];
            return;
        }
    }
    fail_msg("a connection that was not on the loop");
}

void pool_stage_turn(struct pool_stage *s)
{
    bool is_busy = true;
    for (int i = 0; is_busy; i++) {
        assert_true(i < TURNS_MAX);
        is_busy = false;
        for (size_t k = 0; k < s->conn_count; k++) {
            is_busy = fake_turn(s->conns[k], s->now_us, false) || is_busy;
        }
    }
}

void pool_stage_pass_ms(struct pool_stage *s, int64_t ms)
{
    s->now_us += ms * 1000;
    pool_stage_turn(s);
}

/* ---- the play ---- */

static void on_drained(struct engram_pool *pool, void *arg)
{
    struct pool_stage *s = arg;
    assert_ptr_equal(pool, s->pool);
    pool_stage_note(s, "drained");
}

void pool_stage_init(struct pool_stage *s)
{
    *s = (struct pool_stage){ .now_us = 1000000,
                              .pool_fail_after = -1,
                              .conn_fail_after = -1 };
    for (size_t i = 0; i < POOL_STAGE_LINKS; i++) {
        s->links[i] = (struct pool_stage_link){ -1, -1 };
    }
    engram_options_init(&s->conn);
    s->conn.protocol = 2;
    engram_pool_options_init(&s->options);
    s->options.conn = &s->conn;
    s->options.hooks = (struct engram_hooks){ hook_attach, hook_detach, s };
    s->options.on_drained = on_drained;
    s->options.arg = s;
}

enum engram_status pool_stage_create(struct pool_stage *s)
{
    struct conn_env env = { .transport = &fake_transport,
                            .now_us = fake_now_us,
                            .arg = s,
                            .seed = 1,
                            .fail_after = s->pool_fail_after };
    enum engram_status st = ENGRAM_OK;
    s->pool = pool_create_in(&s->options, &env, &st);
    assert_true((s->pool == NULL) == (st != ENGRAM_OK));
    if (s->pool != NULL) {
        /* Connections have a count of their own. */
        s->pool->env.fail_after = s->conn_fail_after;
    }
    return st;
}

void pool_stage_begin(struct pool_stage *s)
{
    assert_int_equal(pool_stage_create(s), ENGRAM_OK);
    assert_int_equal(engram_pool_open(s->pool), ENGRAM_OK);
    pool_stage_turn(s);
}

void pool_stage_end(struct pool_stage *s)
{
    engram_pool_destroy(&s->pool);
    assert_int_equal(s->conn_count, 0);
    for (size_t i = 0; i < POOL_STAGE_LINKS; i++) {
        assert_int_equal(s->links[i].client_fd, -1);
    }
}

struct pool_stage_link *pool_stage_link_of(struct pool_stage *s,
                                           const struct engram_conn *c)
{
    assert_true(c->transport.fd >= 0);
    return find_link(s, c->transport.fd);
}

/* As many of the bytes as hold `max` requests. */
static size_t cut(const char *data, size_t len, size_t max, size_t *requests)
{
    size_t at = 0;
    while (at < len && (data[at] != '*' || *requests < max)) {
        *requests += data[at++] == '*';
    }
    return at;
}

size_t pool_stage_answer(struct pool_stage_link *link, size_t max)
{
    char heard[16 * 1024];
    size_t n = 0, len;
    do {
        ssize_t got = link->server_fd < 0 ? -1
                                          : recv(link->server_fd, heard,
                                                 sizeof heard, MSG_PEEK);
        size_t before = n;
        len = got <= 0 ? 0 : cut(heard, (size_t)got, max, &n);
        (void)!recv(link->server_fd, heard, len, 0);
        for (; before < n; before++) {
            (void)!send(link->server_fd, "+OK\r\n", 5, MSG_NOSIGNAL);
        }
    } while (len > 0);
    return n;
}

void pool_stage_answer_all(struct pool_stage *s)
{
    size_t n;
    do {
        pool_stage_turn(s);
        n = 0;
        for (size_t i = 0; i < POOL_STAGE_LINKS; i++) {
            n += pool_stage_answer(&s->links[i], SIZE_MAX);
        }
    } while (n > 0);
}

void pool_stage_hang_up(struct pool_stage *s, struct pool_stage_link *link)
{
    close(link->server_fd);
    link->server_fd = -1;
    pool_stage_turn(s);
}

const char *pool_stage_log(struct pool_stage *s, char *out, size_t cap)
{
    size_t len = strlen(s->log);
    assert_true(len < cap);
    memcpy(out, s->log, len + 1);
    if (len > 0) {
        out[len - 1] = '\0';
    }
    s->log[0] = '\0';
    return out;
}

void pool_stage_note(struct pool_stage *s, const char *text)
{
    size_t len = strlen(s->log);
    assert_true(len + strlen(text) + 2 < sizeof s->log);
    memcpy(s->log + len, text, strlen(text));
    memcpy(s->log + len + strlen(text), " ", 2);
}
