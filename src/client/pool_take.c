/* pool_take: connections of one's own.
 *
 * Who waits is given the first connection that has nothing to do, which is
 * reserved for him until the loop's next turn. While there may be more
 * connections, others are made; else one of the shared ones is reserved: it gets
 * no more commands and so comes free. One at a time, and not the last that is
 * shared while somebody has one to give back. */
#include "client/pool_priv.h"

#include <assert.h>

/* ---- those who wait ---- */

static void push(struct pool_waiters *l, struct pool_waiter *w)
{
    w->next = NULL;
    if (l->tail == NULL) {
        l->head = w;
    } else {
        l->tail->next = w;
    }
    l->tail = w;
}

static struct pool_waiter *pop(struct pool_waiters *l)
{
    struct pool_waiter *w = l->head;
    if (w != NULL) {
        l->head = w->next;
        l->tail = w->next == NULL ? NULL : l->tail;
    }
    return w;
}

static void call_back(struct engram_pool *p, struct pool_waiter *w,
                      enum engram_status st, struct engram_conn *c)
{
    engram_pool_taken_fn *on_taken = w->on_taken;
    void *arg = w->arg;
    mem_free(&p->account, w);
    on_taken(p, st, c, arg);
}

static void fail_first(struct engram_pool *p, enum engram_status why)
{
    struct pool_waiter *w = pop(&p->waiters);
    w->failure = why;
    p->waiting--;
    push(&p->failing, w);
}

static void tell_failing(struct engram_pool *p)
{
    struct pool_waiter *w;
    while ((w = pop(&p->failing)) != NULL) {
        call_back(p, w, w->failure, NULL);
    }
}

void pool_fail_waiters(struct engram_pool *p, enum engram_status why)
{
    while (p->waiters.head != NULL) {
        fail_first(p, why);
    }
    tell_failing(p);
}

static bool is_late(const struct pool_waiter *w, int64_t now_us)
{
    return w != NULL && w->deadline_us != REQUEST_NO_DEADLINE &&
           w->deadline_us <= now_us;
}

void pool_expire(struct engram_pool *p, int64_t now_us)
{
    while (is_late(p->waiters.head, now_us)) {
        fail_first(p, ENGRAM_TIMEOUT);
        p->counters.take_timeouts++;
    }
    tell_failing(p);
}

/* ---- what they get ---- */

struct survey {
    uint32_t taken;
    uint32_t coming; /* free, or about to be connected */
    uint32_t ready;
    struct pool_member *least; /* to do, of the ready ones */
};

static struct survey look(const struct engram_pool *p)
{
    struct survey s = { 0, 0, 0, NULL };
    for (uint32_t i = 0; i < p->member_count; i++) {
        struct pool_member *m = p->members[i];
        enum link_state state = m->conn->state;
        if (m->is_taken) {
            s.taken++;
            continue;
        }
        s.coming += member_is_free(m) || (state != LINK_READY &&
                                          state != LINK_CLOSED);
        if (state != LINK_READY) {
            continue;
        }
        s.ready++;
        if (s.least == NULL ||
            m->conn->waiting.count < s.least->conn->waiting.count) {
            s.least = m;
        }
    }
    return s;
}

void pool_prepare(struct engram_pool *p)
{
    if (p->reserved != NULL &&
        (p->waiters.head == NULL || p->reserved->conn->state != LINK_READY)) {
        p->reserved = NULL;
    }
    if (p->waiters.head == NULL || !p->is_open) {
        return;
    }
    struct survey s = look(p);
    enum engram_status st = ENGRAM_OK;
    while (s.coming < p->waiting && st == ENGRAM_OK && pool_may_grow(p)) {
        (void)pool_add(p, &st);
        s.coming++;
    }
    bool is_wanted =
        s.least != NULL && (s.coming == 0 || member_is_free(s.least));
    if (is_wanted && p->reserved == NULL && (s.ready > 1 || s.taken == 0)) {
        p->reserved = s.least;
    }
}

static struct pool_member *find_free(const struct engram_pool *p)
{
    if (p->reserved != NULL && member_is_free(p->reserved)) {
        return p->reserved;
    }
    for (uint32_t i = 0; i < p->member_count; i++) {
        if (member_is_free(p->members[i])) {
            return p->members[i];
        }
    }
    return NULL;
}

static void hand_over(struct engram_pool *p, struct pool_member *m)
{
    struct pool_waiter *w = pop(&p->waiters);
    p->waiting--;
    p->reserved = p->reserved == m ? NULL : p->reserved;
    m->is_taken = true;
    member_set_shared(m, false);
    p->counters.takes++;
    call_back(p, w, ENGRAM_OK, m->conn);
}

void pool_serve(struct engram_pool *p)
{
    struct pool_member *m;
    while (p->is_open && p->waiters.head != NULL &&
           (m = find_free(p)) != NULL) {
        hand_over(p, m);
    }
    pool_prepare(p);
}

/* ---- taking and giving ---- */

enum engram_status engram_pool_take(struct engram_pool *p,
                                    engram_pool_taken_fn *on_taken, void *arg)
{
    if (on_taken == NULL) {
        return ENGRAM_INVALID;
    }
    if (!p->is_open) {
        return ENGRAM_CLOSED;
    }
    if (p->waiting >= p->options.max_waiting) {
        return ENGRAM_WOULD_BLOCK;
    }
    struct pool_waiter *w = mem_alloc_zeroed(&p->account, sizeof *w);
    if (w == NULL) {
        return ENGRAM_NOMEM;
    }
    int64_t now_us = pool_now_us(p);
    w->on_taken = on_taken;
    w->arg = arg;
    w->deadline_us = p->options.take_timeout_ms == 0
                         ? REQUEST_NO_DEADLINE
                         : now_us + (int64_t)p->options.take_timeout_ms * 1000;
    push(&p->waiters, w);
    p->waiting++;
    pool_prepare(p);
    /* Callbacks never come out of this. */
    pool_wake(p, now_us);
    return ENGRAM_OK;
}

/* Would the next one notice who has had it? */
static bool is_dirty(const struct engram_conn *c)
{
    const struct subscriptions *s = &c->subscriptions;
    return c->waiting.count > 0 || c->is_in_multi || c->is_watching ||
           c->is_altered || c->is_finishing || s->is_monitoring ||
           s->channels + s->patterns + s->shard_channels > 0;
}

static struct pool_member *find_taken(const struct engram_pool *p,
                                      const struct engram_conn *c)
{
    for (uint32_t i = 0; i < p->member_count; i++) {
        if (p->members[i]->conn == c && p->members[i]->is_taken) {
            return p->members[i];
        }
    }
    return NULL;
}

enum engram_status engram_pool_give(struct engram_pool *p,
                                    struct engram_conn *c)
{
    struct pool_member *m = c == NULL ? NULL : find_taken(p, c);
    if (m == NULL) {
        return ENGRAM_INVALID;
    }
    pool_enter(p);
    if (is_dirty(c)) {
        /* Still taken, so that nobody is given it in between. */
        p->counters.given_back_dirty++;
        engram_conn_close(c);
    }
    if (!p->is_destroyed) {
        int64_t now_us = pool_now_us(p);
        m->is_taken = false;
        m->used_at_us = now_us;
        member_set_shared(m, true);
        if (p->is_open && m->reopen_at_us <= now_us) {
            (void)engram_conn_open(c);
        }
        pool_wake(p, now_us);
    }
    pool_leave(p);
    return ENGRAM_OK;
}
