/* sentinel: making, opening, closing, destroying, and what can be asked. */
#include <assert.h>
#include <string.h>

#include "client/sentinel_priv.h"
#include "client/sized.h"

enum {
    SENTINEL_PORT = 26379,
    PORT_MAX = 65535,
};

/* ---- addresses ---- */

bool address_equal(const struct address *a, const struct address *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool address_set(struct address *a, const char *host, int64_t port)
{
    size_t len = strlen(host);
    if (len == 0 || len >= sizeof a->host || port < 1 || port > PORT_MAX) {
        return false;
    }
    memcpy(a->host, host, len + 1);
    a->port = (int)port;
    return true;
}

int64_t sentinel_now_us(const struct engram_sentinel *s)
{
    return s->env.now_us(s->env.arg);
}

/* ---- options ---- */

void engram_sentinel_options_init_sized(struct engram_sentinel_options *o,
                                        size_t size)
{
    const struct engram_sentinel_options defaults = {
        .size = size,
        .ask_timeout_ms = 1000,
        .refresh_ms = 30000,
    };
    sized_fill(o, size, &defaults, sizeof defaults);
}

static bool read_options(struct engram_sentinel_options *to,
                         const struct engram_sentinel_options *from)
{
    engram_sentinel_options_init(to);
    if (!sized_take(to, sizeof *to, from, from->size)) {
        return false;
    }
    return to->seeds != NULL && to->seed_count >= 1 &&
           to->seed_count <= SENTINEL_SEEDS_MAX && to->master_name != NULL &&
           to->master_name[0] != '\0' && to->hooks.attach != NULL &&
           to->hooks.detach != NULL &&
           to->replicas <= SENTINEL_REPLICAS_MAX &&
           to->ask_timeout_ms >= 1 && to->refresh_ms >= 1;
}

/* ---- making ---- */

struct engram_conn *sentinel_create_conn(struct engram_sentinel *s,
                                         const struct engram_options *o,
                                         const struct conn_tap *tap, void *arg,
                                         enum engram_status *st)
{
    struct conn_env env = s->env;
    env.seed = random_next(&s->random);
    struct engram_conn *c = conn_create_in(o, &env, st);
    if (c == NULL) {
        return NULL;
    }
    c->tap = *tap;
    c->tap.arg = arg;
    *st = s->options.hooks.attach(c, s->options.hooks.loop);
    if (*st != ENGRAM_OK) {
        engram_conn_destroy(&c);
    }
    return c;
}

/* The guide presents itself as the first seed has it. */
static enum engram_status create_guide(struct engram_sentinel *s,
                                       const struct engram_options *o)
{
    enum engram_status st = ENGRAM_OK;
    s->guide = sentinel_create_conn(s, o, &sentinel_guide_tap, s, &st);
    if (s->guide != NULL) {
        conn_keep_tls(s->guide);
    }
    return st;
}

static enum engram_status add_seed(struct engram_sentinel *s, const char *seed,
                                   struct engram_options *o)
{
    struct target t;
    char *url = seed == NULL ? NULL : target_seed_url(&s->account, seed);
    if (url == NULL) {
        return seed == NULL ? ENGRAM_INVALID : ENGRAM_NOMEM;
    }
    o->url = url;
    enum engram_status st = target_init(&t, &s->account, o);
    if (st == ENGRAM_OK) {
        struct address *a = &s->sentinels[s->seed_count];
        if (t.path == NULL && address_set(a, t.host, t.port)) {
            s->seed_count++;
        } else {
            st = ENGRAM_INVALID;
        }
        target_deinit(&t);
    }
    if (st == ENGRAM_OK && s->guide == NULL) {
        st = create_guide(s, o);
    }
    o->url = NULL;
    mem_free(&s->account, url);
    return st;
}

static enum engram_status
create_guide_and_seeds(struct engram_sentinel *s,
                       const struct engram_sentinel_options *from)
{
    struct engram_options o;
    if (!conn_copy_options(&o, from->sentinel)) {
        return ENGRAM_INVALID;
    }
    o.connect_timeout_ms = from->ask_timeout_ms;
    o.stall_timeout_ms = from->ask_timeout_ms;
    o.port = SENTINEL_PORT;
    o.command_timeout_ms = 0;
    o.reconnect = 0;
    o.on_connected = NULL;
    o.on_disconnected = NULL;
    o.on_push = NULL;
    o.on_drained = NULL;
    enum engram_status st = ENGRAM_OK;
    for (size_t i = 0; i < from->seed_count && st == ENGRAM_OK; i++) {
        st = add_seed(s, from->seeds[i], &o);
    }
    s->sentinel_count = s->seed_count;
    return st;
}

static enum engram_status create_servers(struct engram_sentinel *s,
                                         const struct engram_options *from)
{
    struct engram_options o;
    if (!conn_copy_options(&o, from)) {
        return ENGRAM_INVALID;
    }
    /* Nobody is there, should it be opened by itself. */
    o.host = "127.0.0.1";
    o.port = 1;
    o.attempts_max = 0;
    enum engram_status st = sentinel_server_create(s, &s->master, &o, "master");
    for (uint32_t i = 0; i < s->options.replicas && st == ENGRAM_OK; i++) {
        st = sentinel_server_create(s, &s->replicas[i], &o, "slave");
    }
    return st;
}

static enum engram_status init_body(struct engram_sentinel *s,
                                    const struct engram_sentinel_options *o)
{
    size_t name_bytes = strlen(o->master_name) + 1;
    s->options.seeds = NULL;
    s->options.master_name = NULL;
    s->options.sentinel = NULL;
    s->options.server = NULL;
    random_init(&s->random, s->env.seed);
    s->ask_at_us = REQUEST_NO_DEADLINE;
    s->connect_at_us = REQUEST_NO_DEADLINE;
    s->master_name = mem_alloc(&s->account, name_bytes);
    if (s->master_name == NULL) {
        return ENGRAM_NOMEM;
    }
    memcpy(s->master_name, o->master_name, name_bytes);
    enum engram_status st = create_guide_and_seeds(s, o);
    return st == ENGRAM_OK ? create_servers(s, o->server) : st;
}

static void free_body(struct engram_sentinel *s)
{
    mem_free(&s->account, s->master_name);
    /* What is left is the sentinel itself. */
    assert(mem_used(&s->account) == mem_usable(s));
    struct mem_account end;
    mem_account_init(&end);
    mem_hand_over(&s->account, &end, s);
    mem_free(&end, s);
}

static void destroy_connections(struct engram_sentinel *s)
{
    if (s->guide != NULL) {
        s->guide->tap = (struct conn_tap){ .arg = NULL };
        s->options.hooks.detach(s->guide, s->options.hooks.loop);
        engram_conn_destroy(&s->guide);
    }
    sentinel_server_destroy(&s->master);
    for (uint32_t i = 0; i < s->options.replicas; i++) {
        sentinel_server_destroy(&s->replicas[i]);
    }
}

struct engram_sentinel *
sentinel_create_in(const struct engram_sentinel_options *o,
                   const struct conn_env *env, enum engram_status *st)
{
    struct engram_sentinel_options options;
    struct mem_account start;
    if (!read_options(&options, o)) {
        *st = ENGRAM_INVALID;
        return NULL;
    }
    mem_account_init(&start);
    start.fail_after = env->fail_after;
    struct engram_sentinel *s = mem_alloc_zeroed(&start, sizeof *s);
    if (s == NULL) {
        *st = ENGRAM_NOMEM;
        return NULL;
    }
    mem_account_init(&s->account);
    mem_hand_over(&start, &s->account, s);
    s->account.fail_after = start.fail_after;
    s->options = options;
    s->env = *env;
    *st = init_body(s, &options);
    if (*st != ENGRAM_OK) {
        destroy_connections(s);
        free_body(s);
        return NULL;
    }
    return s;
}

struct engram_sentinel *
engram_sentinel_create(const struct engram_sentinel_options *o,
                       enum engram_status *st)
{
    enum engram_status unasked;
    struct conn_env env = conn_real_env();
    return sentinel_create_in(o, &env, st == NULL ? &unasked : st);
}

/* ---- entering and leaving ---- */

void sentinel_enter(struct engram_sentinel *s)
{
    s->depth++;
}

void sentinel_leave(struct engram_sentinel *s)
{
    assert(s->depth > 0);
    if (--s->depth == 0 && s->is_destroyed) {
        free_body(s);
    }
}

enum engram_status engram_sentinel_open(struct engram_sentinel *s)
{
    if (s->is_open || s->is_destroyed) {
        return ENGRAM_INVALID;
    }
    s->is_open = true;
    sentinel_server_open(&s->master);
    for (uint32_t i = 0; i < s->options.replicas; i++) {
        sentinel_server_open(&s->replicas[i]);
    }
    sentinel_guide_start(s);
    return ENGRAM_OK;
}

void engram_sentinel_close(struct engram_sentinel *s)
{
    if (!s->is_open) {
        return;
    }
    sentinel_enter(s);
    s->is_open = false;
    sentinel_guide_stop(s);
    engram_conn_close(s->master.conn);
    /* What it calls back may open it again, or destroy it and them. */
    for (uint32_t i = 0;
         i < s->options.replicas && !s->is_open && !s->is_destroyed; i++) {
        engram_conn_close(s->replicas[i].conn);
    }
    sentinel_leave(s);
}

void engram_sentinel_destroy(struct engram_sentinel **pointer)
{
    struct engram_sentinel *s = *pointer;
    *pointer = NULL;
    if (s == NULL) {
        return;
    }
    sentinel_enter(s);
    s->is_destroyed = true;
    /* What calls back meanwhile may still look at all of them. */
    engram_sentinel_close(s);
    destroy_connections(s);
    sentinel_leave(s);
}

/* ---- questions ---- */

struct engram_conn *engram_sentinel_conn(const struct engram_sentinel *s)
{
    return s->master.conn;
}

struct engram_conn *
engram_sentinel_replica_conn(const struct engram_sentinel *s, size_t i)
{
    return i < s->options.replicas ? s->replicas[i].conn : NULL;
}

int engram_sentinel_master(const struct engram_sentinel *s, const char **host)
{
    if (host != NULL) {
        *host = s->master.at.host;
    }
    return s->master.at.port;
}

const char *engram_sentinel_error(const struct engram_sentinel *s)
{
    return s->error;
}

void *engram_sentinel_arg(const struct engram_sentinel *s)
{
    return s->options.arg;
}

void engram_sentinel_counters(const struct engram_sentinel *s,
                              struct engram_sentinel_counters *out,
                              size_t size)
{
    struct engram_sentinel_counters now = s->counters;
    now.memory_bytes = mem_used(&s->account) + mem_used(&s->guide->account) +
                       mem_used(&s->master.conn->account);
    for (uint32_t i = 0; i < s->options.replicas; i++) {
        now.memory_bytes += mem_used(&s->replicas[i].conn->account);
        now.replicas += s->replicas[i].at.port != 0;
    }
    now.sentinels = s->sentinel_count;
    sized_fill(out, size, &now, sizeof now);
}
