/* town: see town.h. */
#include "town.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "tests.h"

enum { TURNS_MAX = 100000, STEP_MS = 5 };

struct town_house *town_at(struct town *t, int port)
{
    for (size_t i = 0; i < t->house_count; i++) {
        if (t->houses[i].port == port) {
            return &t->houses[i];
        }
    }
    return NULL;
}

/* ---- the transport ---- */

static enum transport_result town_next(struct transport *t)
{
    struct town *town = t->state;
    struct town_house *house =
        strcmp(t->target->host, "h") == 0 ? town_at(town, t->target->port)
                                          : NULL;
    t->has_more = false;
    if (house == NULL || house->is_down) {
        t->err = ECONNREFUSED;
        return TRANSPORT_FAILED;
    }
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        struct town_link *l = &town->links[i];
        if (l->fd >= 0) {
            continue;
        }
        l->fd = fake_connect(t);
        l->port = house->port;
        l->is_listening = false;
        l->in_len = 0;
        house->links++;
        return TRANSPORT_DONE;
    }
    fail_msg("too many links");
    return TRANSPORT_FAILED;
}

static void town_drop(struct transport *t)
{
    if (t->fd >= 0) {
        close(t->fd);
        t->fd = -1;
    }
}

static const struct transport_ops fake_transport = {
    .open = fake_open,
    .next = town_next,
    .advance = fake_advance,
    .read = fake_read,
    .write = fake_write,
    .drop = town_drop,
    .close = town_drop,
    .forget = fake_forget,
};

static int64_t fake_now_us(void *arg)
{
    return ((struct town *)arg)->now_us;
}

/* ---- the program's loop ---- */

static enum engram_status attach(struct engram_conn *c, void *loop)
{
    struct town *t = loop;
    if (t->refused_attachments >= 0 && t->refused_attachments-- == 0) {
        return ENGRAM_NOMEM;
    }
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        if (t->conns[i] == NULL) {
            t->conns[i] = c;
            t->attached++;
            /* A cache finds its owner's tap. */
            assert_non_null(c->tap.arg);
            return ENGRAM_OK;
        }
    }
    return ENGRAM_NOMEM;
}

static void detach(struct engram_conn *c, void *loop)
{
    struct town *t = loop;
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        if (t->conns[i] == c) {
            t->conns[i] = NULL;
            t->attached--;
            return;
        }
    }
    fail_msg("detached twice");
}

/* ---- the houses ---- */

static void say(struct town_link *l, const char *text)
{
    ssize_t len = (ssize_t)strlen(text);
    if (l->fd >= 0 && send(l->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
        assert_int_equal(errno, EPIPE);
    }
}

static void say_address(struct town_link *l, int port)
{
    char text[64];
    snprintf(text, sizeof text, "*2\r\n$1\r\nh\r\n$4\r\n%d\r\n", port);
    say(l, text);
}

/* Flat arrays, as RESP2 has them; in RESP3 they would be maps. */
static void say_list(struct town_link *l, const int *ports, const char *flags)
{
    char text[512];
    int count = 0;
    while (count < TOWN_LISTED_MAX && ports[count] != 0) {
        count++;
    }
    snprintf(text, sizeof text, "*%d\r\n", count);
    say(l, text);
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text,
                 "*8\r\n+ip\r\n+h\r\n+port\r\n+%d\r\n+flags\r\n+%s\r\n"
                 "+master-link-status\r\n+ok\r\n",
                 ports[i], flags);
        say(l, text);
    }
}

static void say_epoch(struct town_link *l, int epoch)
{
    char text[64];
    snprintf(text, sizeof text, "*4\r\n+ip\r\n+?\r\n+config-epoch\r\n+%d\r\n",
             epoch);
    say(l, text);
}

static void answer_sentinel(struct town_house *house, struct town_link *l,
                            struct slice *words)
{
    if (house->answer != NULL) {
        say(l, house->answer);
    } else if (house->master == 0 ||
               !slice_equal(words[2], SLICE_LIT("mymaster"))) {
        say(l, "*-1\r\n");
    } else if (slice_equal_nocase(words[1], "get-master-addr-by-name")) {
        say_address(l, house->master);
    } else if (slice_equal_nocase(words[1], "master")) {
        say_epoch(l, house->epoch);
    } else if (slice_equal_nocase(words[1], "sentinels")) {
        say_list(l, house->sentinels, "sentinel");
    } else {
        assert_true(slice_equal_nocase(words[1], "replicas"));
        say_list(l, house->replicas, house->flags);
    }
}

static void answer_role(const struct town_house *house, struct town_link *l)
{
    char text[64];
    if (house->role == NULL) {
        say(l, "-NOPERM this user has no permissions to run ROLE\r\n");
        return;
    }
    snprintf(text, sizeof text, "*1\r\n$%zu\r\n%s\r\n", strlen(house->role),
             house->role);
    say(l, text);
}

static void answer(struct town *t, struct town_link *l, struct slice *words,
                   size_t count)
{
    struct town_house *house = town_at(t, l->port);
    char text[256];
    if (house->is_silent) {
        return;
    }
    if (slice_equal_nocase(words[0], "hello")) {
        say(l, "%1\r\n+proto\r\n:3\r\n");
    } else if (slice_equal_nocase(words[0], "sentinel")) {
        answer_sentinel(house, l, words);
    } else if (slice_equal_nocase(words[0], "subscribe")) {
        l->is_listening = true;
        house->subscriptions++;
        for (size_t i = 1; i < count; i++) {
            snprintf(text, sizeof text,
                     "%c3\r\n+subscribe\r\n$%zu\r\n%.*s\r\n:%zu\r\n",
                     t->sentinel.protocol == 3 ? '>' : '*', words[i].len,
                     (int)words[i].len, (const char *)words[i].data, i);
            say(l, text);
        }
    } else if (slice_equal_nocase(words[0], "role")) {
        answer_role(house, l);
    } else {
        snprintf(text, sizeof text, "+%d %.*s %.*s\r\n", l->port,
                 (int)words[0].len, (const char *)words[0].data,
                 count > 1 ? (int)words[1].len : 0,
                 count > 1 ? (const char *)words[1].data : "");
        say(l, text);
    }
}

/* Answers the first command that has come; false: none has come whole. */
static bool answer_first(struct town *t, struct town_link *l)
{
    struct slice words[TOWN_WORDS_MAX];
    size_t count;
    size_t used =
        fake_read_command(l->in, l->in_len, words, TOWN_WORDS_MAX, &count);
    if (used == 0) {
        return false;
    }
    answer(t, l, words, count);
    memmove(l->in, l->in + used, l->in_len - used);
    l->in_len -= used;
    return true;
}

static void end_link(struct town_link *l)
{
    close(l->fd);
    l->fd = -1;
}

static bool turn_link(struct town *t, struct town_link *l)
{
    ssize_t got =
        recv(l->fd, l->in + l->in_len, sizeof l->in - 1 - l->in_len, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        end_link(l);
        return true;
    }
    if (got < 0) {
        return false;
    }
    l->in_len += (size_t)got;
    l->in[l->in_len] = '\0';
    while (answer_first(t, l)) {
    }
    return true;
}

void town_cut(struct town *t, int port)
{
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        if (t->links[i].fd >= 0 && t->links[i].port == port) {
            end_link(&t->links[i]);
        }
    }
}

void town_kill(struct town *t, int port)
{
    town_at(t, port)->is_down = true;
    town_cut(t, port);
}

void town_publish(struct town *t, const char *channel, const char *text)
{
    char message[512];
    snprintf(message, sizeof message,
             "%c3\r\n+message\r\n+%s\r\n$%zu\r\n%s\r\n",
             t->sentinel.protocol == 3 ? '>' : '*', channel, strlen(text),
             text);
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        if (t->links[i].fd >= 0 && t->links[i].is_listening) {
            say(&t->links[i], message);
        }
    }
}

int town_epoch(const struct town *t)
{
    int epoch = 0;
    for (size_t i = 0; i < t->house_count; i++) {
        if (t->houses[i].epoch > epoch) {
            epoch = t->houses[i].epoch;
        }
    }
    return epoch;
}

void town_move(struct town *t, int port, bool is_told)
{
    int old = 0;
    int epoch = town_epoch(t) + 1;
    for (size_t i = 0; i < t->house_count; i++) {
        struct town_house *house = &t->houses[i];
        if (house->port >= TOWN_SENTINEL) {
            house->epoch = epoch;
            old = house->master;
            house->master = port;
            for (int n = 0; n < TOWN_LISTED_MAX; n++) {
                house->replicas[n] =
                    house->replicas[n] == port ? old : house->replicas[n];
            }
        }
    }
    town_at(t, old)->role = "slave";
    town_at(t, port)->role = "master";
    if (is_told) {
        char text[128];
        snprintf(text, sizeof text, "mymaster h %d h %d", old, port);
        town_publish(t, "+switch-master", text);
    }
}

/* ---- what happens is written down ---- */

void town_note(struct town *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    size_t room = sizeof t->log - t->log_len;
    int n = vsnprintf(t->log + t->log_len, room, format, values);
    va_end(values);
    assert_true(n >= 0 && (size_t)n < room);
    t->log_len += (size_t)n;
}

const char *town_log(struct town *t)
{
    static char copy[TOWN_TEXT_BYTES];
    memcpy(copy, t->log, t->log_len);
    copy[t->log_len > 0 ? t->log_len - 1 : 0] = '\0';
    t->log_len = 0;
    t->log[0] = '\0';
    return copy;
}

void town_on_reply(struct engram_conn *c, enum engram_status st,
                   const struct engram_reply *reply, void *arg)
{
    struct town *t = arg;
    (void)c;
    t->callbacks++;
    if (st == ENGRAM_OK) {
        town_note(t, "ok:%s ", engram_reply_text(reply, NULL));
    } else {
        town_note(t, "%s ",
                  st == ENGRAM_LOST        ? "lost"
                  : st == ENGRAM_NOT_SENT  ? "unsent"
                  : st == ENGRAM_CANCELLED ? "cancelled"
                  : st == ENGRAM_TIMEOUT   ? "timeout"
                                           : "?");
    }
}

static void on_connected(struct engram_conn *c, void *arg)
{
    struct town *t = arg;
    if (c == engram_sentinel_conn(t->s)) {
        town_note(t, "connected ");
    }
}

static void on_master(struct engram_sentinel *s, const char *host, int port,
                      void *arg)
{
    (void)s;
    town_note(arg, "master:%s:%d ", host, port);
}

static void on_error(struct engram_sentinel *s, enum engram_status why,
                     int retry_ms, void *arg)
{
    (void)s;
    town_note(arg, "error(%s%s) ",
              why == ENGRAM_RESOLVE        ? "name"
              : why == ENGRAM_CONNECT      ? "connect"
              : why == ENGRAM_DISCONNECTED ? "eof"
              : why == ENGRAM_TIMEOUT      ? "silent"
              : why == ENGRAM_PROTOCOL     ? "protocol"
              : why == ENGRAM_NOMEM        ? "nomem"
                                           : "?",
              retry_ms > 0 ? ",later" : "");
}

/* ---- the play ---- */

struct town *town_create(void)
{
    static const char *const seeds[] = { "h" };
    struct town *t = calloc(1, sizeof *t);
    t->now_us = 1000000;
    t->refused_attachments = -1;
    for (int i = 0; i < 3; i++) {
        t->houses[i] = (struct town_house){
            .port = TOWN_SENTINEL + i,
            .master = TOWN_SERVER,
            .sentinels = { TOWN_SENTINEL + (i + 1) % 3,
                           TOWN_SENTINEL + (i + 2) % 3 },
            .replicas = { TOWN_SERVER + 1, TOWN_SERVER + 2 },
            .flags = "slave",
        };
        t->houses[3 + i] = (struct town_house){
            .port = TOWN_SERVER + i,
            .role = i == 0 ? "master" : "slave",
        };
    }
    t->house_count = 6;
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        t->links[i].fd = -1;
    }
    t->env = (struct conn_env){ .transport = &fake_transport,
                                .now_us = fake_now_us,
                                .arg = t,
                                .seed = 1,
                                .fail_after = -1 };
    engram_options_init(&t->server);
    t->server.protocol = 2;
    t->server.on_connected = on_connected;
    t->server.arg = t;
    engram_options_init(&t->sentinel);
    engram_sentinel_options_init(&t->options);
    t->options.seeds = seeds;
    t->options.seed_count = 1;
    t->options.master_name = "mymaster";
    t->options.sentinel = &t->sentinel;
    t->options.server = &t->server;
    t->options.hooks = (struct engram_hooks){ attach, detach, t };
    t->options.on_master = on_master;
    t->options.on_error = on_error;
    t->options.arg = t;
    return t;
}

enum engram_status town_create_sentinel(struct town *t)
{
    enum engram_status st = ENGRAM_OK;
    t->s = sentinel_create_in(&t->options, &t->env, &st);
    assert_true((t->s == NULL) == (st != ENGRAM_OK));
    return st;
}

void town_begin(struct town *t)
{
    assert_int_equal(town_create_sentinel(t), ENGRAM_OK);
    assert_int_equal(engram_sentinel_open(t->s), ENGRAM_OK);
    town_turn(t);
}

void town_end(struct town **town)
{
    struct town *t = *town;
    engram_sentinel_destroy(&t->s);
    assert_int_equal(t->attached, 0);
    town_turn(t);
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        assert_int_equal(t->links[i].fd, -1);
    }
    free(t);
    *town = NULL;
}

/* Everything that is due now is done before time passes. */
void town_turn(struct town *t)
{
    bool did = true;
    for (int turn = 0; did; turn++) {
        did = false;
        assert_true(turn < TURNS_MAX);
        for (int i = 0; i < TOWN_LINKS_MAX; i++) {
            did = (t->conns[i] != NULL &&
                   fake_turn(t->conns[i], t->now_us, false)) ||
                  did;
        }
        for (int i = 0; i < TOWN_LINKS_MAX; i++) {
            did = (t->links[i].fd >= 0 && turn_link(t, &t->links[i])) || did;
        }
    }
}

void town_pass_ms(struct town *t, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= STEP_MS) {
        t->now_us += (left < STEP_MS ? left : STEP_MS) * 1000;
        town_turn(t);
    }
}

void town_send(struct town *t, uint32_t flags, const char *format)
{
    struct engram_how how = { .flags = flags };
    assert_int_equal(engram_send(engram_sentinel_conn(t->s), &how,
                                 town_on_reply, t, format),
                     ENGRAM_OK);
}

void town_expect_master(struct town *t, const char *answer)
{
    (void)town_log(t);
    town_send(t, 0, "GET k");
    town_turn(t);
    assert_string_equal(town_log(t), answer);
}

int town_replica_port(const struct town *t, size_t i)
{
    struct engram_conn *c = engram_sentinel_replica_conn(t->s, i);
    return engram_conn_is_ready(c) ? c->target.port : 0;
}

int town_replica_ports(const struct town *t)
{
    int sum = 0;
    for (size_t i = 0; i < t->options.replicas; i++) {
        sum += town_replica_port(t, i);
    }
    return sum;
}
