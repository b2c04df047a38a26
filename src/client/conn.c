/* conn: making, opening, closing, destroying, and what can be asked.
 *
 * The connection's own memory, the connection itself included, is charged to the
 * account inside it. It is freed where the last callback has returned. */
#include "client/conn_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/sized.h"
#include "client/tls_context.h"

enum {
    LINE_BYTES_MAX = 64 * 1024,
    TEXT_BYTES_MAX = 1 << 30,
    ELEMENTS_MAX = INT32_MAX,
};

#define STATUS_TEXT(name, text) [ENGRAM_##name] = text,
const char *engram_status_text(enum engram_status st)
{
    static const char *const texts[] = { ENGRAM_STATUS_MAP(STATUS_TEXT) };
    return (unsigned)st < ENGRAM_STATUS_COUNT ? texts[st] : "unknown status";
}
#undef STATUS_TEXT

const char *engram_version(void)
{
    return ENGRAM_VERSION;
}

void engram_options_init_sized(struct engram_options *o, size_t size)
{
    const struct engram_options defaults = {
        .size = size,
        .fd = -1,
        .protocol = 3,
        .connect_timeout_ms = 5000,
        .stall_timeout_ms = 30000,
        .keepalive_s = 60,
        .max_queued_bytes = 16 * 1024 * 1024,
        .max_in_flight = 65536,
        .max_reply_bytes = 1024 * 1024 * 1024,
        .max_reply_depth = 32,
        .reconnect = 1,
        .backoff_min_ms = 50,
        .backoff_max_ms = 5000,
        .tls_verify = 1,
    };
    sized_fill(o, size, &defaults, sizeof defaults);
}

/* Later members keep their defaults for a program that was built before they
 * were there. */
static bool read_options(struct engram_options *to,
                         const struct engram_options *from)
{
    engram_options_init(to);
    if (!sized_take(to, sizeof *to, from, from->size)) {
        return false;
    }
    to->size = sizeof *to;
    return (to->protocol == 2 || to->protocol == 3) &&
           to->max_reply_depth >= 1 &&
           to->max_reply_depth <= DECODE_REPLY_DEPTH_MAX &&
           to->max_in_flight >= 1 && to->max_queued_bytes >= 1 &&
           to->connect_timeout_ms >= 0 && to->command_timeout_ms >= 0 &&
           to->stall_timeout_ms >= 0 && to->backoff_min_ms >= 1 &&
           to->backoff_max_ms >= to->backoff_min_ms;
}

bool conn_copy_options(struct engram_options *to,
                       const struct engram_options *from)
{
    engram_options_init(to);
    if (from != NULL && !read_options(to, from)) {
        return false;
    }
    to->fd = -1;
    to->unix_path = NULL;
    to->url = NULL;
    to->host = NULL;
    to->port = 0;
    to->reconnect = 1;
    return true;
}

static void forget_strings(struct engram_options *o)
{
    o->unix_path = NULL;
    o->url = NULL;
    o->host = NULL;
    o->user = NULL;
    o->password = NULL;
    o->client_name = NULL;
    o->tls_ca_file = NULL;
    o->tls_ca_dir = NULL;
    o->tls_cert_file = NULL;
    o->tls_key_file = NULL;
    o->tls_ciphers = NULL;
    o->tls_ciphersuites = NULL;
    o->tls_server_name = NULL;
}

struct engram_options conn_recall_options(const struct engram_conn *c)
{
    struct engram_options o = c->options;
    target_recall(&c->target, &o);
    return o;
}

static void init_body(struct engram_conn *c, const struct conn_env *env)
{
    c->env = *env;
    random_init(&c->random, env->seed);
    c->transport = (struct transport){
        .ops = env->transport != NULL    ? env->transport
               : c->target.tls.is_on ? &transport_tls
                                     : &transport_plain,
        .target = &c->target,
        .keepalive_s = c->options.keepalive_s,
        .find = env->find,
        .fd = -1,
        .state = env->arg,
    };
    c->protocol = 2;
    c->next_deadline_us = REQUEST_NO_DEADLINE;
    c->shrink_at_us = REQUEST_NO_DEADLINE;
    c->alarm.at_us = REQUEST_NO_DEADLINE;
    c->told = (struct engram_wish){ .fd = -1, .wake_at_ms = -1 };
    c->limits = (struct decode_reply_limits){
        .line_bytes_max = LINE_BYTES_MAX,
        .depth_max = c->options.max_reply_depth,
        .text_bytes_max = TEXT_BYTES_MAX,
        .elements_max = ELEMENTS_MAX,
    };
    if (c->limits.text_bytes_max > (int64_t)c->options.max_reply_bytes) {
        c->limits.text_bytes_max = (int64_t)c->options.max_reply_bytes;
    }
    chunk_pool_init_mapped(&c->pool, &c->account);
    chain_init(&c->first, &c->pool);
    chain_init(&c->out, &c->pool);
    node_pool_init(&c->requests, &c->account, sizeof(struct request));
    shelf_init(&c->shelf, &c->account);
    tree_init(&c->tree, &c->account, c->options.max_reply_bytes);
    conn_refresh_now(c);
}

struct engram_conn *conn_create_in(const struct engram_options *o,
                                   const struct conn_env *env,
                                   enum engram_status *st)
{
    struct engram_options options;
    struct mem_account start;
    if (!read_options(&options, o)) {
        *st = ENGRAM_INVALID;
        return NULL;
    }
    mem_account_init(&start);
    start.fail_after = env->fail_after;
    struct engram_conn *c = mem_alloc_zeroed(&start, sizeof *c);
    if (c == NULL) {
        *st = ENGRAM_NOMEM;
        return NULL;
    }
    mem_account_init(&c->account);
    mem_hand_over(&start, &c->account, c);
    c->account.fail_after = start.fail_after;
    *st = target_init(&c->target, &c->account, &options);
    if (*st != ENGRAM_OK) {
        mem_free(&c->account, c);
        return NULL;
    }
    forget_strings(&options);
    c->options = options;
    init_body(c, env);
    return c;
}

void conn_keep_tls(struct engram_conn *c)
{
    assert(c->transport.tls == NULL);
    if (c->target.tls.is_on) {
        c->transport.tls = tls_context_create();
    }
}

void conn_share_tls(struct engram_conn *c, const struct engram_conn *with)
{
    assert(c->transport.tls == NULL);
    if (with->transport.tls != NULL) {
        c->transport.tls = tls_context_acquire(with->transport.tls);
    }
}

static int64_t real_now_us(void *arg)
{
    (void)arg;
    return clock_monotonic_us();
}

struct conn_env conn_real_env(void)
{
    struct conn_env env = { .now_us = real_now_us, .fail_after = -1 };
    /* Without the system's randomness the time will do for spreading. */
    if (random_secret(&env.seed, sizeof env.seed) != ST_OK) {
        env.seed = (uint64_t)clock_monotonic_us();
    }
    return env;
}

struct engram_conn *engram_conn_create(const struct engram_options *o,
                                       enum engram_status *st)
{
    enum engram_status unasked;
    struct conn_env env = conn_real_env();
    return conn_create_in(o, &env, st == NULL ? &unasked : st);
}

/* ---- entering and leaving ---- */

void conn_refresh_now(struct engram_conn *c)
{
    c->now_us = c->env.now_us(c->env.arg);
}

void conn_enter(struct engram_conn *c)
{
    c->callback_depth++;
}

static void conn_free(struct engram_conn *c)
{
    assert(c->waiting.count == 0);
    assert(c->failing.count == 0);
    tree_deinit(&c->tree);
    mem_free(&c->account, c->rest);
    chain_deinit(&c->first);
    chain_deinit(&c->out);
    assert(c->kept_bytes == 0);
    chunk_pool_deinit(&c->pool);
    node_pool_trim(&c->requests, 0);
    shelf_trim(&c->shelf);
    c->transport.ops->forget(&c->transport);
    tls_context_release(&c->transport.tls);
    target_deinit(&c->target);
    /* What is left is the connection itself. */
    assert(mem_used(&c->account) == mem_usable(c));
    struct mem_account end;
    mem_account_init(&end);
    mem_hand_over(&c->account, &end, c);
    mem_free(&end, c);
}

/* What callbacks may have made possible is done while they are still allowed. */
static void settle(struct engram_conn *c)
{
    conn_tell_drained(c);
    if (c->is_finishing && c->waiting.count == 0 && !c->is_destroyed &&
        c->state != LINK_CLOSED) {
        link_close(c, ENGRAM_OK);
        conn_tell_disconnected(c, ENGRAM_OK, -1);
    }
    if (c->tap.on_settled != NULL && !c->is_destroyed) {
        c->tap.on_settled(c, c->tap.arg);
    }
}

void conn_leave(struct engram_conn *c)
{
    assert(c->callback_depth > 0);
    if (c->callback_depth == 1 && !c->is_destroyed) {
        settle(c);
    }
    c->callback_depth--;
    if (c->callback_depth > 0) {
        return;
    }
    if (c->is_destroyed) {
        conn_free(c);
    } else {
        conn_update_wish(c);
    }
}

void engram_conn_destroy(struct engram_conn **conn)
{
    struct engram_conn *c = *conn;
    *conn = NULL;
    if (c == NULL) {
        return;
    }
    assert(!c->is_destroyed);
    conn_enter(c);
    c->is_destroyed = true;
    link_close(c, ENGRAM_CANCELLED);
    conn_update_wish(c);
    c->on_wish = NULL;
    if (c->home != NULL) {
        loop_remove(c->home, c);
    }
    /* A socket that was handed in and never used. */
    if (c->target.fd >= 0 && !c->is_adopted) {
        close(c->target.fd);
    }
    conn_leave(c);
}

enum engram_status engram_conn_open(struct engram_conn *c)
{
    if (c->state != LINK_CLOSED || c->is_destroyed ||
        (c->target.fd >= 0 && c->is_adopted)) {
        return ENGRAM_INVALID;
    }
    c->is_finishing = false;
    c->failures = 0;
    conn_refresh_now(c);
    /* The attempt begins with the loop's next turn, since callbacks come of
     * it, and they never come out of this. */
    c->state = LINK_WAITING;
    c->retry_at_us = c->now_us;
    conn_update_wish(c);
    return ENGRAM_OK;
}

void engram_conn_close(struct engram_conn *c)
{
    if (c->state != LINK_CLOSED) {
        conn_enter(c);
        link_close(c, ENGRAM_CANCELLED);
        conn_leave(c);
    }
}

void engram_conn_finish(struct engram_conn *c)
{
    c->is_finishing = true;
    conn_update_wish(c);
}

/* ---- what the loop calls ---- */

void engram_conn_on_ready(struct engram_conn *c, unsigned events)
{
    if (c->callback_depth > 0) {
        return;
    }
    conn_enter(c);
    conn_refresh_now(c);
    if (c->state == LINK_RESOLVING) {
        link_resolve(c);
    } else if (c->state == LINK_CONNECTING) {
        link_advance(c);
    }
    bool has_socket = c->state >= LINK_GREETING;
    if (has_socket && (events & c->transport.wants)) {
        events = ENGRAM_READABLE | ENGRAM_WRITABLE;
    }
    if (has_socket && (events & ENGRAM_READABLE)) {
        conn_receive(c);
    }
    if (c->state >= LINK_GREETING && (events & ENGRAM_WRITABLE)) {
        c->is_unwritable = false;
        (void)link_write(c);
    }
    timers_run(c);
    conn_leave(c);
}

void engram_conn_on_timer(struct engram_conn *c)
{
    if (c->callback_depth > 0) {
        return;
    }
    conn_enter(c);
    conn_refresh_now(c);
    /* The loop's timer has gone off, be it early: it must be told again. */
    c->told.wake_at_ms = -1;
    timers_run(c);
    conn_leave(c);
}

void engram_conn_attach(struct engram_conn *c, engram_wish_fn *on_wish,
                        void *loop)
{
    c->on_wish = on_wish;
    c->loop = loop;
    if (on_wish != NULL) {
        c->told = engram_conn_wish(c);
        on_wish(c, loop);
    }
}

void *engram_conn_loop(const struct engram_conn *c)
{
    return c->on_wish == NULL ? NULL : c->loop;
}

void engram_conn_flush(struct engram_conn *c)
{
    if (c->state >= LINK_GREETING && !c->is_unwritable &&
        c->callback_depth == 0) {
        (void)link_write(c);
        conn_update_wish(c);
    }
}

enum engram_status engram_conn_set_address(struct engram_conn *c,
                                           const char *host, int port)
{
    return target_move(&c->target, host, port);
}

/* ---- questions ---- */

int engram_conn_is_ready(const struct engram_conn *c)
{
    return c->state == LINK_READY;
}

int engram_conn_is_closed(const struct engram_conn *c)
{
    return c->state == LINK_CLOSED;
}

int engram_conn_protocol(const struct engram_conn *c)
{
    return c->protocol;
}

const char *engram_conn_error(const struct engram_conn *c)
{
    return c->error;
}

void *engram_conn_arg(const struct engram_conn *c)
{
    return c->options.arg;
}

void conn_tell_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms)
{
    uint64_t epoch = c->epoch;
    if (c->tap.on_ended != NULL) {
        c->tap.on_ended(c, why, retry_ms, c->tap.arg);
    }
    if (c->epoch == epoch && !c->is_destroyed &&
        c->options.on_disconnected != NULL) {
        c->options.on_disconnected(c, why, retry_ms, c->options.arg);
    }
}

void conn_set_error(struct engram_conn *c, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(c->error, sizeof c->error, format, values);
    va_end(values);
}

void engram_conn_counters(const struct engram_conn *c,
                          struct engram_counters *out, size_t size)
{
    struct engram_counters now = c->counters;
    now.memory_bytes = mem_used(&c->account);
    now.queued_bytes = conn_queued_bytes(c);
    now.in_flight = c->waiting.count;
    sized_fill(out, size, &now, sizeof now);
}
