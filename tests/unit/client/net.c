/* net: see net.h. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "fake.h"
#include "stage.h"
#include "tests.h"

enum { TURNS_MAX = 1000000, STEP_MS = 10, STEPS_MAX = 200, READ_BYTES = 16384 };

/* ---- the transport ---- */

static struct net_server *server_at(struct net *n, const struct target *t)
{
    int i = t->port - NET_PORT;
    bool is_there = strcmp(t->host, "h") == 0 && i >= 0 && i < n->server_count;
    return is_there ? &n->servers[i] : NULL;
}

static enum transport_result net_next(struct transport *t)
{
    struct net *n = t->state;
    struct net_server *server = server_at(n, t->target);
    t->has_more = false;
    if (server == NULL || server->is_down) {
        t->err = ECONNREFUSED;
        return TRANSPORT_FAILED;
    }
    for (int i = 0; i < NET_LINKS_MAX; i++) {
        struct net_link *l = &n->links[i];
        if (l->fd >= 0) {
            continue;
        }
        *l = (struct net_link){ .fd = fake_connect(t),
                                .server = (int)(server - n->servers) };
        server->connections++;
        return TRANSPORT_AGAIN;
    }
    fail_msg("too many links");
    return TRANSPORT_FAILED;
}

static const struct transport_ops fake_transport = {
    .open = fake_open,
    .next = net_next,
    .advance = fake_advance,
    .read = fake_read,
    .write = fake_write,
    .drop = fake_drop,
    .close = fake_drop,
    .forget = fake_forget,
};

static int64_t fake_now_us(void *arg)
{
    return ((struct net *)arg)->now_us;
}

/* ---- the program's loop ---- */

static enum engram_status attach(struct engram_conn *c, void *loop)
{
    struct net *n = loop;
    if (n->refused_attachments > 0) {
        n->refused_attachments--;
        return ENGRAM_NOMEM;
    }
    for (int i = 0; i < NET_CONNS_MAX; i++) {
        if (n->conns[i] == NULL) {
            n->conns[i] = c;
            n->attached++;
            return ENGRAM_OK;
        }
    }
    return ENGRAM_NOMEM;
}

static void detach(struct engram_conn *c, void *loop)
{
    struct net *n = loop;
    for (int i = 0; i < NET_CONNS_MAX; i++) {
        if (n->conns[i] == c) {
            n->conns[i] = NULL;
            n->attached--;
            return;
        }
    }
    fail_msg("detached twice");
}

/* ---- the servers ---- */

static void say(struct net_link *l, const char *text, size_t len)
{
    if (l->out_cap < l->out_len + len + 1) {
        l->out_cap = (l->out_len + len + 1) * 2;
        l->out = realloc(l->out, l->out_cap);
    }
    memcpy(l->out + l->out_len, text, len);
    l->out_len += len;
}

static void say_text(struct net_link *l, const char *text)
{
    say(l, text, strlen(text));
}

static void say_node(const struct net *n, struct net_link *l, int server)
{
    char text[128];
    snprintf(text, sizeof text, "*4\r\n%s:%d\r\n$2\r\nid\r\n*0\r\n",
             n->hides_hosts ? "$-1\r\n" : "$1\r\nh\r\n", NET_PORT + server);
    say_text(l, text);
}

static void say_range(const struct net *n, struct net_link *l, int first,
                      int last)
{
    char text[128];
    int owner = n->owners[first];
    int count = 3;
    for (int i = 0; i < n->server_count; i++) {
        count += n->servers[i].master == owner;
    }
    snprintf(text, sizeof text, "*%d\r\n:%d\r\n:%d\r\n", count, first, last);
    say_text(l, text);
    say_node(n, l, owner);
    for (int i = 0; i < n->server_count; i++) {
        if (n->servers[i].master == owner) {
            say_node(n, l, i);
        }
    }
}

/* First counts the ranges, then says them. */
static void say_map(const struct net *n, struct net_link *l)
{
    char text[64];
    int count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int first = 0, last; first < SLOTS_COUNT; first = last + 1) {
            for (last = first; last + 1 < SLOTS_COUNT &&
                               n->owners[last + 1] == n->owners[first];
                 last++) {
            }
            if (n->owners[first] < 0) {
                continue;
            }
            count += pass == 0;
            if (pass == 1) {
                say_range(n, l, first, last);
            }
        }
        if (pass == 0) {
            snprintf(text, sizeof text, "*%d\r\n", count);
            say_text(l, text);
        }
    }
}

static void say_redirection(const struct net *n, struct net_link *l,
                            const char *kind, int slot, int server)
{
    char text[128];
    snprintf(text, sizeof text, "-%s %d %s:%d\r\n", kind, slot,
             n->hides_hosts ? "" : "h", NET_PORT + server);
    say_text(l, text);
}

static void execute(struct net *n, struct net_link *l, struct slice *argv,
                    size_t argc, bool is_asking)
{
    char text[1024];
    uint64_t id;
    struct net_server *server = &n->servers[l->server];
    int slot = argc > 1 ? slots_of_key(argv[1]) : -1;
    int serves = server->master >= 0 && l->is_readonly ? server->master
                                                       : l->server;
    if (slot >= 0 && n->owners[slot] < 0) {
        say_text(l, "-CLUSTERDOWN Hash slot not served\r\n");
    } else if (slot >= 0 && n->owners[slot] != serves &&
               !(is_asking && n->migrating[slot] == l->server)) {
        server->reads_refused += server->master >= 0;
        say_redirection(n, l, "MOVED", slot, n->owners[slot]);
    } else if (slot >= 0 && n->migrating[slot] >= 0 && !is_asking) {
        say_redirection(n, l, "ASK", slot, n->migrating[slot]);
    } else {
        if (n->executions != NULL && argc > 2 &&
            number_parse_uint64(argv[2], &id)) {
            n->executions[id]++;
        }
        snprintf(text, sizeof text, "+%d %.*s %.*s\r\n", l->server,
                 (int)argv[0].len, (const char *)argv[0].data,
                 argc > 1 ? (int)argv[1].len : 0,
                 argc > 1 ? (const char *)argv[1].data : "");
        say_text(l, text);
    }
}

static void handle(struct net *n, struct net_link *l, struct slice *argv,
                   size_t argc)
{
    struct net_server *server = &n->servers[l->server];
    bool is_asking = l->is_asking;
    l->is_asking = false;
    if (slice_equal_nocase(argv[0], "cluster")) {
        server->maps++;
        if (n->map != NULL) {
            say_text(l, n->map);
        } else {
            say_map(n, l);
        }
        return;
    }
    if (slice_equal_nocase(argv[0], "asking")) {
        l->is_asking = true;
        server->asked++;
        say_text(l, "+OK\r\n");
        return;
    }
    if (slice_equal_nocase(argv[0], "readonly") ||
        slice_equal_nocase(argv[0], "client")) {
        l->is_readonly |= slice_equal_nocase(argv[0], "readonly");
        say_text(l, "+OK\r\n");
        return;
    }
    server->commands++;
    if (server->answer != NULL && server->answers_left != 0) {
        server->answers_left -= server->answers_left > 0;
        say_text(l, server->answer);
        return;
    }
    execute(n, l, argv, argc, is_asking);
}

/* Handles the first command in the buffer; false: it is not whole. */
static bool handle_first(struct net *n, struct net_link *l)
{
    struct slice argv[NET_ARGS_MAX];
    size_t argc;
    size_t used =
        fake_read_command(l->in, l->in_len, argv, NET_ARGS_MAX, &argc);
    if (used == 0) {
        return false;
    }
    handle(n, l, argv, argc);
    memmove(l->in, l->in + used, l->in_len - used);
    l->in_len -= used;
    return true;
}

static void end_link(struct net_link *l)
{
    close(l->fd);
    free(l->in);
    free(l->out);
    *l = (struct net_link){ .fd = -1 };
}

/* A silent server does not read, as if it were stopped. */
static bool turn_silent_link(struct net_link *l)
{
    struct pollfd p = { .fd = l->fd };
    assert_true(poll(&p, 1, 0) >= 0);
    if (p.revents & POLLHUP) {
        end_link(l);
    }
    return false;
}

static bool turn_link(struct net *n, struct net_link *l)
{
    bool did = false;
    if (n->servers[l->server].is_silent) {
        return turn_silent_link(l);
    }
    if (l->in_cap < l->in_len + READ_BYTES + 1) {
        l->in_cap = (l->in_len + READ_BYTES + 1) * 2;
        l->in = realloc(l->in, l->in_cap);
    }
    ssize_t got = recv(l->fd, l->in + l->in_len, READ_BYTES, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        end_link(l);
        return true;
    }
    if (got > 0) {
        l->in_len += (size_t)got;
        l->in[l->in_len] = '\0';
        did = true;
        while (handle_first(n, l)) {
        }
    }
    ssize_t put = l->out_len == 0
                      ? 0
                      : send(l->fd, l->out, l->out_len, MSG_NOSIGNAL);
    if (put > 0) {
        memmove(l->out, l->out + put, l->out_len - (size_t)put);
        l->out_len -= (size_t)put;
        did = true;
    }
    return did;
}

void net_cut(struct net *n, int server)
{
    for (int i = 0; i < NET_LINKS_MAX; i++) {
        if (n->links[i].fd >= 0 && n->links[i].server == server) {
            end_link(&n->links[i]);
        }
    }
}

void net_kill(struct net *n, int server)
{
    n->servers[server].is_down = true;
    net_cut(n, server);
}

/* ---- what happens is written down ---- */

void net_note(struct net *n, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    size_t room = sizeof n->log - n->log_len;
    int len = vsnprintf(n->log + n->log_len, room, format, values);
    va_end(values);
    assert_true(len >= 0 && (size_t)len < room);
    n->log_len += (size_t)len;
}

const char *net_log(struct net *n)
{
    static char copy[NET_TEXT_BYTES];
    memcpy(copy, n->log, n->log_len);
    copy[n->log_len - (n->log_len > 0)] = '\0';
    n->log_len = 0;
    n->log[0] = '\0';
    return copy;
}

void net_on_reply(struct engram_cluster *k, enum engram_status st,
                  const struct engram_reply *reply, void *arg)
{
    static const char *const names[] = {
        [ENGRAM_OK] = "ok",           [ENGRAM_TIMEOUT] = "timeout",
        [ENGRAM_NOT_SENT] = "unsent", [ENGRAM_LOST] = "lost",
        [ENGRAM_CANCELLED] = "cancelled", [ENGRAM_NOMEM] = "nomem",
    };
    struct net *n = arg;
    char text[2048] = "";
    (void)k;
    n->callbacks++;
    assert_non_null(names[st]);
    assert_true((st == ENGRAM_OK) == (reply != NULL));
    if (reply != NULL) {
        stage_show_reply(reply, text, sizeof text);
    }
    net_note(n, "%s%s%s,", names[st], reply != NULL ? ":" : "", text);
}

static void on_ready(struct engram_cluster *k, void *arg)
{
    struct net *n = arg;
    assert_true(engram_cluster_is_ready(k));
    n->readies++;
}

static void on_error(struct engram_cluster *k, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct net *n = arg;
    assert_true(strlen(engram_cluster_error(k)) > 0);
    n->errors++;
    n->last_why = why;
    n->last_retry_ms = retry_ms;
}

static void on_drained(struct engram_cluster *k, void *arg)
{
    (void)k;
    ((struct net *)arg)->drains++;
}

/* ---- the play ---- */

struct net *net_create(int masters, int servers)
{
    static const char *const seeds[] = { "h:7000" };
    struct net *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->now_us = 1000000;
    n->server_count = servers;
    for (int i = 0; i < servers; i++) {
        n->servers[i].master = i < masters ? -1 : i % masters;
    }
    for (int i = 0; i < SLOTS_COUNT; i++) {
        n->owners[i] = (int16_t)(i * masters / SLOTS_COUNT);
        n->migrating[i] = -1;
    }
    for (int i = 0; i < NET_LINKS_MAX; i++) {
        n->links[i].fd = -1;
    }
    n->env = (struct cluster_env){ .conn = { .transport = &fake_transport,
                                             .now_us = fake_now_us,
                                             .arg = n,
                                             .seed = 1,
                                             .fail_after = -1 },
                                   .fail_after = -1 };
    engram_options_init(&n->conn_options);
    n->conn_options.protocol = 2;
    engram_cluster_options_init(&n->options);
    n->options.seeds = seeds;
    n->options.seed_count = 1;
    n->options.conn = &n->conn_options;
    n->options.hooks = (struct engram_hooks){ attach, detach, n };
    n->options.on_ready = on_ready;
    n->options.on_error = on_error;
    n->options.on_drained = on_drained;
    n->options.arg = n;
    return n;
}

enum engram_status net_create_cluster(struct net *n)
{
    enum engram_status st = ENGRAM_OK;
    n->k = cluster_create_in(&n->options, &n->env, &st);
    assert_true((n->k == NULL) == (st != ENGRAM_OK));
    return st;
}

void net_begin(struct net *n)
{
    assert_int_equal(net_create_cluster(n), ENGRAM_OK);
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    net_turn(n);
    assert_true(engram_cluster_is_ready(n->k));
}

void net_end(struct net **net)
{
    struct net *n = *net;
    engram_cluster_destroy(&n->k);
    assert_int_equal(n->attached, 0);
    net_turn(n);
    for (int i = 0; i < NET_LINKS_MAX; i++) {
        assert_int_equal(n->links[i].fd, -1);
    }
    free(n);
    *net = NULL;
}

void net_turn(struct net *n)
{
    bool did = true;
    for (int turn = 0; did; turn++) {
        did = false;
        assert_true(turn < TURNS_MAX);
        for (int i = 0; i < NET_CONNS_MAX; i++) {
            struct engram_conn *c = n->conns[i];
            did = (c != NULL && fake_turn(c, n->now_us, false)) || did;
        }
        for (int i = 0; i < NET_LINKS_MAX; i++) {
            did = (n->links[i].fd >= 0 && turn_link(n, &n->links[i])) || did;
        }
    }
}

void net_pass_ms(struct net *n, int64_t ms)
{
    int64_t step = ms / STEPS_MAX > STEP_MS ? ms / STEPS_MAX : STEP_MS;
    for (int64_t left = ms; left > 0; left -= step) {
        n->now_us += (left < step ? left : step) * 1000;
        net_turn(n);
    }
}

void net_send(struct net *n, const struct engram_cluster_how *how,
              const char *format, ...)
{
    va_list values;
    va_start(values, format);
    enum engram_status st =
        engram_cluster_send_va(n->k, how, net_on_reply, n, format, values);
    va_end(values);
    assert_int_equal(st, ENGRAM_OK);
}

void net_expect(struct net *n, const char *log)
{
    net_turn(n);
    assert_string_equal(net_log(n), log);
}

int net_slot_of(const char *key)
{
    return slots_of_key(slice_of_text(key));
}

void net_move_slot(struct net *n, const char *key, int to)
{
    n->owners[net_slot_of(key)] = (int16_t)to;
}

const char *net_key_of(const struct net *n, int server)
{
    static const char *const keys[] = { "k0", "k1", "k2", "k3", "k4", "k5",
                                        "k6", "k7", "k8", "k9", "ka", "kb",
                                        "kc", "kd", "ke", "kf", "kg", "kh" };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (n->owners[net_slot_of(keys[i])] == server) {
            return keys[i];
        }
    }
    fail_msg("no key for server %d", server);
    return NULL;
}

struct engram_cluster_counters net_counters(const struct net *n)
{
    struct engram_cluster_counters now;
    engram_cluster_counters(n->k, &now, sizeof now);
    return now;
}
