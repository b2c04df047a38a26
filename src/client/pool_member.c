/* pool_member: the connections of a pool. */
#include "client/pool_priv.h"

#include <string.h>

enum { US_PER_MS = 1000 };

/* ---- what they say ---- */

static void on_ended(struct engram_conn *c, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct pool_member *m = arg;
    struct engram_pool *p = m->pool;
    memcpy(p->error, c->error, sizeof p->error);
    if (retry_ms < 0 && why != ENGRAM_OK) {
        p->counters.gave_up++;
        m->reopen_at_us =
            pool_now_us(p) + (int64_t)c->options.backoff_max_ms * US_PER_MS;
        pool_wake(p, m->reopen_at_us);
    }
}

/* Once a turn; only those who wait for something make it worth a look. */
static void on_settled(struct engram_conn *c, void *arg)
{
    struct engram_pool *p = ((struct pool_member *)arg)->pool;
    (void)c;
    if (p->waiters.head != NULL || p->is_refusing) {
        pool_enter(p);
        pool_serve(p);
        pool_tell_drained(p);
        pool_leave(p);
    }
}

static const struct conn_tap tap = { .is_sole = true,
                                     .on_ended = on_ended,
                                     .on_settled = on_settled };

/* ---- making and ending ---- */

static enum engram_status begin(struct engram_pool *p, struct pool_member *m)
{
    struct engram_options o = conn_recall_options(p->anchor);
    struct conn_env env = p->env;
    enum engram_status st;
    env.seed = random_next(&p->random);
    m->conn = conn_create_in(&o, &env, &st);
    if (m->conn == NULL) {
        return st;
    }
    m->pool = p;
    m->conn->tap = tap;
    m->conn->tap.arg = m;
    member_set_shared(m, true);
    conn_share_tls(m->conn, p->anchor);
    st = p->options.hooks.attach(m->conn, p->options.hooks.loop);
    if (st == ENGRAM_OK) {
        (void)engram_conn_open(m->conn);
    } else {
        engram_conn_destroy(&m->conn);
    }
    return st;
}

struct pool_member *pool_add(struct engram_pool *p, enum engram_status *st)
{
    struct pool_member *m = mem_alloc_zeroed(&p->account, sizeof *m);
    *st = m == NULL ? ENGRAM_NOMEM : begin(p, m);
    if (*st != ENGRAM_OK) {
        mem_free(&p->account, m);
        return NULL;
    }
    m->used_at_us = pool_now_us(p);
    p->members[p->member_count++] = m;
    p->counters.made++;
    if (p->member_count > p->options.connections_min &&
        p->options.idle_timeout_ms > 0) {
        pool_wake(p, m->used_at_us +
                         (int64_t)p->options.idle_timeout_ms * US_PER_MS);
    }
    return m;
}

void member_end(struct pool_member *m)
{
    struct engram_pool *p = m->pool;
    if (m->conn == NULL) {
        return;
    }
    member_count_past(m, &p->counters);
    m->conn->tap = (struct conn_tap){ NULL };
    p->options.hooks.detach(m->conn, p->options.hooks.loop);
    engram_conn_destroy(&m->conn);
}

void member_count_past(const struct pool_member *m,
                       struct engram_pool_counters *to)
{
    const struct engram_counters *n = &m->conn->counters;
    to->commands += n->commands;
    to->replies += n->replies;
    to->timeouts += n->timeouts;
    to->lost += n->lost;
    to->resent += n->resent;
    to->would_block += n->would_block;
}

/* ---- as they are ---- */

bool member_is_free(const struct pool_member *m)
{
    return !m->is_taken && m->conn->state == LINK_READY &&
           m->conn->waiting.count == 0 && m->conn->failing.count == 0;
}

void member_set_shared(struct pool_member *m, bool is_shared)
{
    struct engram_options *o = &m->conn->options;
    const struct engram_options *own = &m->pool->anchor->options;
    const struct engram_pool_options *all = &m->pool->options;
    m->conn->is_shared = is_shared;
    m->conn->is_refusing = false;
    m->conn->others_queued = 0;
    m->conn->others_in_flight = 0;
    o->max_queued_bytes =
        is_shared ? all->max_queued_bytes : own->max_queued_bytes;
    o->max_in_flight = is_shared ? all->max_in_flight : own->max_in_flight;
}

bool pool_may_grow(const struct engram_pool *p)
{
    for (uint32_t i = 0; i < p->member_count; i++) {
        const struct pool_member *m = p->members[i];
        if (!m->is_taken && m->conn->state == LINK_CLOSED) {
            return false;
        }
    }
    return p->member_count < p->options.connections_max;
}

/* ---- care ---- */

static void retire(struct engram_pool *p, uint32_t i)
{
    struct pool_member *m = p->members[i];
    member_end(m);
    p->members[i] = p->members[--p->member_count];
    if (p->reserved == m) {
        p->reserved = NULL;
    }
    mem_free(&p->account, m);
    p->counters.retired++;
}

/* When there is something to do for it; NO_DEADLINE: nothing. One that has given
 * up is let go if it is one too many. */
static int64_t due_us(const struct engram_pool *p, const struct pool_member *m,
                      bool *is_retirement)
{
    bool is_surplus = p->member_count > p->options.connections_min &&
                      p->options.idle_timeout_ms > 0;
    *is_retirement = is_surplus && m->conn->waiting.count == 0;
    if (m->is_taken) {
        return REQUEST_NO_DEADLINE;
    }
    if (*is_retirement && m->conn->state != LINK_CLOSED) {
        return m->used_at_us +
               (int64_t)p->options.idle_timeout_ms * US_PER_MS;
    }
    return m->conn->state == LINK_CLOSED ? m->reopen_at_us
                                         : REQUEST_NO_DEADLINE;
}

int64_t pool_tend(struct engram_pool *p, int64_t now_us)
{
    int64_t next_us = REQUEST_NO_DEADLINE;
    for (uint32_t i = p->member_count; i > 0; i--) {
        struct pool_member *m = p->members[i - 1];
        bool is_retirement;
        int64_t at_us = due_us(p, m, &is_retirement);
        if (at_us == REQUEST_NO_DEADLINE) {
            continue;
        }
        if (at_us > now_us) {
            next_us = next_us == REQUEST_NO_DEADLINE || at_us < next_us
                          ? at_us
                          : next_us;
        } else if (is_retirement) {
            retire(p, i - 1);
        } else {
            (void)engram_conn_open(m->conn);
        }
    }
    return next_us;
}
