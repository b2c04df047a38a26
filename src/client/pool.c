/* pool: making, opening, closing, destroying, and what can be asked. */
#include "client/pool_priv.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "client/sized.h"

void engram_pool_options_init_sized(struct engram_pool_options *o, size_t size)
{
    const struct engram_pool_options defaults = {
        .size = size,
        .connections_min = 1,
        .connections_max = 8,
        .busy_at = 32,
        .idle_timeout_ms = 60000,
        .max_queued_bytes = 16 * 1024 * 1024,
        .max_in_flight = 65536,
        .max_waiting = 1024,
        .take_timeout_ms = 5000,
    };
    sized_fill(o, size, &defaults, sizeof defaults);
}

/* As a connection's options are read: what a program does not know of keeps its
 * default. */
static bool read_options(struct engram_pool_options *to,
                         const struct engram_pool_options *from)
{
    engram_pool_options_init(to);
    if (!sized_take(to, sizeof *to, from, from->size)) {
        return false;
    }
    to->size = sizeof *to;
    return to->hooks.attach != NULL && to->hooks.detach != NULL &&
           (to->conn == NULL || to->conn->fd < 0) &&
           to->connections_max >= 1 &&
           to->connections_max <= POOL_CONNECTIONS_MAX &&
           to->connections_min <= to->connections_max && to->busy_at >= 1 &&
           to->idle_timeout_ms >= 0 && to->take_timeout_ms >= 0 &&
           to->max_queued_bytes >= 1 && to->max_in_flight >= 1;
}

/* What is there of it is freed, half made or whole. */
static void pool_free(struct engram_pool *p)
{
    for (uint32_t i = 0; i < p->member_count; i++) {
        assert(p->members[i]->conn == NULL);
        mem_free(&p->account, p->members[i]);
    }
    mem_free(&p->account, p->members);
    /* What is left is the pool itself. */
    assert(mem_used(&p->account) == mem_usable(p));
    struct mem_account end;
    mem_account_init(&end);
    mem_hand_over(&p->account, &end, p);
    mem_free(&end, p);
}

/* False: *st says why, and there is none. */
static bool make_anchor(struct engram_pool *p, enum engram_status *st)
{
    struct engram_options defaults;
    const struct engram_options *o = p->options.conn;
    if (o == NULL) {
        engram_options_init(&defaults);
        o = &defaults;
    }
    p->anchor = conn_create_in(o, &p->env, st);
    if (p->anchor == NULL) {
        return false;
    }
    conn_keep_tls(p->anchor);
    p->anchor->tap = (struct conn_tap){ .is_sole = true, .arg = p };
    *st = p->options.hooks.attach(p->anchor, p->options.hooks.loop);
    if (*st != ENGRAM_OK) {
        engram_conn_destroy(&p->anchor);
    }
    return *st == ENGRAM_OK;
}

struct engram_pool *pool_create_in(const struct engram_pool_options *o,
                                   const struct conn_env *env,
                                   enum engram_status *st)
{
    struct engram_pool_options options;
    struct mem_account start;
    if (!read_options(&options, o)) {
        *st = ENGRAM_INVALID;
        return NULL;
    }
    mem_account_init(&start);
    start.fail_after = env->fail_after;
    struct engram_pool *p = mem_alloc_zeroed(&start, sizeof *p);
    if (p == NULL) {
        *st = ENGRAM_NOMEM;
        return NULL;
    }
    mem_account_init(&p->account);
    mem_hand_over(&start, &p->account, p);
    p->account.fail_after = start.fail_after;
    p->options = options;
    p->env = *env;
    random_init(&p->random, env->seed);
    p->members = mem_alloc(&p->account,
                           options.connections_max * sizeof p->members[0]);
    *st = p->members == NULL ? ENGRAM_NOMEM : ENGRAM_OK;
    if (*st != ENGRAM_OK || !make_anchor(p, st)) {
        pool_free(p);
        return NULL;
    }
    p->options.conn = NULL;
    return p;
}

struct engram_pool *engram_pool_create(const struct engram_pool_options *o,
                                       enum engram_status *st)
{
    enum engram_status unasked;
    struct conn_env env = conn_real_env();
    return pool_create_in(o, &env, st == NULL ? &unasked : st);
}

/* ---- callbacks ---- */

int64_t pool_now_us(const struct engram_pool *p)
{
    return p->env.now_us(p->env.arg);
}

void pool_enter(struct engram_pool *p)
{
    p->depth++;
}

void pool_leave(struct engram_pool *p)
{
    assert(p->depth > 0);
    p->depth--;
    if (p->depth == 0 && p->is_destroyed) {
        pool_free(p);
    }
}

static int64_t sooner(int64_t a_us, int64_t b_us)
{
    return a_us == REQUEST_NO_DEADLINE ||
                   (b_us != REQUEST_NO_DEADLINE && b_us < a_us)
               ? b_us
               : a_us;
}

static void on_alarm(struct engram_conn *anchor, void *arg)
{
    struct engram_pool *p = arg;
    (void)anchor;
    pool_enter(p);
    int64_t now_us = pool_now_us(p);
    int64_t next_us = p->is_open ? pool_tend(p, now_us) : REQUEST_NO_DEADLINE;
    pool_expire(p, now_us);
    pool_serve(p);
    pool_tell_drained(p);
    if (p->is_open && p->waiters.head != NULL) {
        next_us = sooner(next_us, p->waiters.head->deadline_us);
    }
    if (p->is_open && next_us != REQUEST_NO_DEADLINE) {
        pool_wake(p, next_us);
    }
    pool_leave(p);
}

void pool_wake(struct engram_pool *p, int64_t at_us)
{
    int64_t set_us = p->anchor->alarm.at_us;
    if (set_us == REQUEST_NO_DEADLINE || at_us < set_us) {
        conn_set_alarm(p->anchor, at_us, on_alarm, p);
    }
}

/* ---- opening and closing ---- */

enum engram_status engram_pool_open(struct engram_pool *p)
{
    if (p->is_open || p->is_destroyed) {
        return ENGRAM_INVALID;
    }
    enum engram_status st = ENGRAM_OK;
    p->is_open = true;
    p->session++;
    for (uint32_t i = 0; i < p->member_count; i++) {
        if (!p->members[i]->is_taken) {
            (void)engram_conn_open(p->members[i]->conn);
        }
    }
    while (p->member_count < p->options.connections_min && st == ENGRAM_OK) {
        (void)pool_add(p, &st);
    }
    if (st != ENGRAM_OK) {
        engram_pool_close(p);
    } else {
        pool_wake(p, pool_now_us(p)); /* finds out when to look again */
    }
    return st;
}

/* Callbacks may open it again or destroy it; then others have taken over. */
static void end(struct engram_pool *p)
{
    p->is_open = false;
    p->is_refusing = false;
    p->reserved = NULL;
    uint64_t session = ++p->session;
    conn_set_alarm(p->anchor, REQUEST_NO_DEADLINE, NULL, NULL);
    pool_fail_waiters(p, ENGRAM_CANCELLED);
    for (uint32_t i = 0; i < p->member_count && p->session == session; i++) {
        if (p->members[i]->conn != NULL) {
            engram_conn_close(p->members[i]->conn);
        }
    }
}

void engram_pool_close(struct engram_pool *p)
{
    if (p->is_open) {
        pool_enter(p);
        end(p);
        pool_leave(p);
    }
}

void engram_pool_destroy(struct engram_pool **pool)
{
    struct engram_pool *p = *pool;
    *pool = NULL;
    if (p == NULL) {
        return;
    }
    assert(!p->is_destroyed);
    p->is_destroyed = true;
    pool_enter(p);
    end(p);
    for (uint32_t i = 0; i < p->member_count; i++) {
        member_end(p->members[i]);
    }
    p->options.hooks.detach(p->anchor, p->options.hooks.loop);
    engram_conn_destroy(&p->anchor);
    pool_leave(p);
}

/* ---- questions ---- */

const char *engram_pool_error(const struct engram_pool *p)
{
    return p->error;
}

void *engram_pool_arg(const struct engram_pool *p)
{
    return p->options.arg;
}

void engram_pool_counters(const struct engram_pool *p,
                          struct engram_pool_counters *out, size_t size)
{
    struct engram_pool_counters now = p->counters;
    now.memory_bytes = mem_used(&p->account) + mem_used(&p->anchor->account);
    now.connections = p->member_count;
    now.waiting = p->waiting;
    for (uint32_t i = 0; i < p->member_count; i++) {
        const struct pool_member *m = p->members[i];
        if (m->conn == NULL) {
            continue;
        }
        now.memory_bytes += mem_used(&m->conn->account);
        now.queued_bytes += conn_queued_bytes(m->conn);
        now.in_flight += m->conn->waiting.count;
        now.ready += m->conn->state == LINK_READY;
        now.taken += m->is_taken;
        member_count_past(m, &now);
    }
    sized_fill(out, size, &now, sizeof now);
}
