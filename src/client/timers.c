/* timers: what time brings, and what the loop is asked for.
 *
 * Commands' deadlines are not sorted. The earliest is known, or one that was the
 * earliest and has been answered; when it passes, all that wait are looked at
 * once. With one timeout for all commands, the usual case, that happens about
 * once a timeout, and the number of commands has a limit.
 *
 * Memory of a burst goes back in two ticks: each keeps what the last second
 * needed at most. */
#include "client/conn_priv.h"

#include <assert.h>

enum { US_PER_MS = 1000 };

/* ---- deadlines ---- */

void timers_note_deadline(struct engram_conn *c, int64_t deadline_us)
{
    if (c->next_deadline_us == REQUEST_NO_DEADLINE ||
        deadline_us < c->next_deadline_us) {
        c->next_deadline_us = deadline_us;
    }
}

/* It keeps its place, for its reply to be recognised, but nobody waits. */
static void abandon(struct engram_conn *c, struct request *r)
{
    engram_reply_fn *on_reply = r->on_reply;
    void *arg = r->arg;
    r->is_abandoned = true;
    c->counters.timeouts++;
    if (r->kept != NULL) {
        command_unkeep(r->kept);
        command_release(r->kept);
        r->kept = NULL;
    }
    if (on_reply != NULL) {
        on_reply(c, ENGRAM_TIMEOUT, NULL, arg);
    }
}

/* Callbacks may add to the line's end; if they empty it by force, `line` tells
 * and the nodes must not be touched any more. */
static void expire(struct engram_conn *c)
{
    uint64_t line = c->line;
    c->next_deadline_us = REQUEST_NO_DEADLINE;
    for (struct request *r = c->waiting.head; r != NULL; r = r->next) {
        if (r->deadline_us == REQUEST_NO_DEADLINE || r->is_abandoned) {
            continue;
        }
        if (r->deadline_us > c->now_us) {
            timers_note_deadline(c, r->deadline_us);
            continue;
        }
        abandon(c, r);
        if (c->line != line) {
            /* All have been called back, or wait anew: these are counted at
             * the next turn. */
            c->next_deadline_us = c->now_us;
            return;
        }
    }
}

/* Before a link is ready none of the commands' bytes have left: those that are
 * given up need not be sent at all, as far as they are the oldest. */
static void drop_unsent(struct engram_conn *c)
{
    while (c->state != LINK_READY && c->waiting.head != NULL &&
           c->waiting.head->is_abandoned) {
        struct request *r = request_pop(&c->waiting);
        assert(r->begin == c->taken);
        chain_consume(&c->out, (size_t)(r->end - r->begin));
        c->taken = r->end;
        request_finish(c, r, ENGRAM_TIMEOUT, NULL);
    }
}

/* ---- stall ---- */

static int64_t stall_at(const struct engram_conn *c)
{
    if (c->state != LINK_READY || c->waiting.head == NULL ||
        c->waiting.head->is_blocking || c->options.stall_timeout_ms == 0) {
        return REQUEST_NO_DEADLINE;
    }
    return c->last_progress_us +
           (int64_t)c->options.stall_timeout_ms * US_PER_MS;
}

/* ---- shrinking ---- */

static bool holds_spare(const struct engram_conn *c)
{
    return node_pool_has_spare(&c->requests, POOL_REQUESTS_MIN) ||
           c->pool.free_count > POOL_CHUNKS_MIN || c->waiting.count > 0 ||
           c->tree.arena.small != NULL;
}

void timers_want_shrink(struct engram_conn *c)
{
    if (c->shrink_at_us == REQUEST_NO_DEADLINE) {
        c->shrink_at_us = c->now_us + SHRINK_MS * (int64_t)US_PER_MS;
    }
}

static void shrink(struct engram_conn *c)
{
    size_t requests = c->peak_in_flight < POOL_REQUESTS_MIN
                          ? POOL_REQUESTS_MIN
                          : c->peak_in_flight;
    size_t chunks = c->peak_queued / CHUNK_BYTES + POOL_CHUNKS_MIN;
    node_pool_trim(&c->requests, requests);
    shelf_trim(&c->shelf);
    chunk_pool_trim(&c->pool,
                    chunks < UINT32_MAX ? (uint32_t)chunks : UINT32_MAX);
    if (!c->is_in_reply && !c->is_delivering) {
        tree_reset(&c->tree, false);
    }
    c->peak_in_flight = c->waiting.count;
    c->peak_queued = conn_queued_bytes(c);
    c->shrink_at_us = REQUEST_NO_DEADLINE;
    if (holds_spare(c)) {
        timers_want_shrink(c);
    }
}

/* ---- what is due ---- */

static bool is_due(const struct engram_conn *c, int64_t at_us)
{
    return at_us != REQUEST_NO_DEADLINE && c->now_us >= at_us;
}

/* A write has failed. What the server said before it hung up comes first. */
static void end_unwritable(struct engram_conn *c)
{
    uint64_t epoch = c->epoch;
    enum engram_status why = c->write_failure;
    conn_receive(c);
    if (c->epoch == epoch) {
        link_break(c, why);
    }
}

/* Has an attempt begun that is not through? */
static bool is_attempting(const struct engram_conn *c)
{
    return c->state >= LINK_RESOLVING && c->state <= LINK_GREETING;
}

static void give_up_attempt(struct engram_conn *c)
{
    bool is_resolving = c->state == LINK_RESOLVING;
    char name[ERROR_TEXT_BYTES / 2];
    target_name(&c->target, name, sizeof name);
    conn_set_error(c, "%s %s: no answer after %d ms%s",
                   is_resolving ? "resolve" : "connect", name,
                   c->options.connect_timeout_ms,
                   c->transport.text != NULL ? c->transport.text : "");
    link_break(c, is_resolving ? ENGRAM_RESOLVE : ENGRAM_CONNECT);
}

static void run_link(struct engram_conn *c)
{
    if (c->write_failure != ENGRAM_OK) {
        end_unwritable(c);
    } else if (c->state == LINK_WAITING && is_due(c, c->retry_at_us)) {
        link_open(c);
    } else if (is_attempting(c) && is_due(c, c->connect_deadline_us)) {
        give_up_attempt(c);
    } else if (c->state == LINK_CONNECTING &&
               is_due(c, c->address_deadline_us)) {
        link_try_next(c);
    } else if (is_due(c, stall_at(c))) {
        conn_set_error(c, "the server has been silent for %d ms",
                       c->options.stall_timeout_ms);
        link_break(c, ENGRAM_TIMEOUT);
    }
}

void conn_set_alarm(struct engram_conn *c, int64_t at_us, conn_alarm_fn *fn,
                    void *arg)
{
    assert(fn == NULL || arg == c->tap.arg);
    c->alarm.at_us = at_us;
    c->alarm.fn = fn;
    c->alarm.arg = arg;
    if (c->callback_depth == 0) {
        conn_update_wish(c);
    }
}

static void ring(struct engram_conn *c)
{
    c->alarm.at_us = REQUEST_NO_DEADLINE;
    c->alarm.fn(c, c->alarm.arg);
}

void timers_run(struct engram_conn *c)
{
    if (c->state >= LINK_GREETING && c->transport.has_input) {
        conn_receive(c);
    }
    if (is_due(c, c->next_deadline_us)) {
        expire(c);
        drop_unsent(c);
    }
    run_link(c);
    if (is_due(c, c->shrink_at_us)) {
        shrink(c);
    }
    if (is_due(c, c->alarm.at_us) && !c->is_destroyed) {
        ring(c);
    }
}

/* ---- the wish ---- */

static void sooner(int64_t *at_us, int64_t candidate_us)
{
    if (candidate_us != REQUEST_NO_DEADLINE &&
        (*at_us == REQUEST_NO_DEADLINE || candidate_us < *at_us)) {
        *at_us = candidate_us;
    }
}

static int64_t wake_at(const struct engram_conn *c)
{
    int64_t at = c->next_deadline_us;
    sooner(&at, c->shrink_at_us);
    sooner(&at, c->alarm.at_us);
    sooner(&at, stall_at(c));
    if (c->state == LINK_WAITING) {
        sooner(&at, c->retry_at_us);
    }
    if (is_attempting(c)) {
        sooner(&at, c->connect_deadline_us);
    }
    if (c->state == LINK_CONNECTING) {
        sooner(&at, c->address_deadline_us);
    }
    bool is_finished = c->is_finishing && c->waiting.count == 0 &&
                       c->state != LINK_CLOSED;
    if (c->write_failure != ENGRAM_OK || is_finished ||
        (c->state >= LINK_GREETING && c->transport.has_input)) {
        sooner(&at, 0);
    }
    return at;
}

struct engram_wish engram_conn_wish(const struct engram_conn *c)
{
    int64_t at = wake_at(c);
    struct engram_wish w = {
        .fd = c->state >= LINK_RESOLVING ? c->transport.fd : -1,
        .wake_at_ms = at < 0 ? -1 : (at + US_PER_MS - 1) / US_PER_MS,
    };
    if (w.fd < 0) {
        return w;
    }
    if (c->state <= LINK_CONNECTING) {
        w.events = c->transport.wants;
        return w;
    }
    w.events = c->transport.wants & ENGRAM_WRITABLE ? ENGRAM_WRITABLE
                                                    : ENGRAM_READABLE;
    if (c->write_failure == ENGRAM_OK &&
        !(c->transport.wants & ENGRAM_READABLE) &&
        (c->first.bytes > 0 || (c->state == LINK_READY && c->out.bytes > 0))) {
        w.events |= ENGRAM_WRITABLE;
    }
    return w;
}

/* A timer that is only later than the loop thinks is left alone: it would move
 * with every reply, and waking once in vain costs less. */
static bool is_told(const struct engram_conn *c, const struct engram_wish *w)
{
    if (w->fd != c->told.fd || w->events != c->told.events) {
        return false;
    }
    if (w->wake_at_ms == c->told.wake_at_ms) {
        return true;
    }
    return c->told.wake_at_ms > c->now_us / US_PER_MS &&
           (w->wake_at_ms < 0 || w->wake_at_ms > c->told.wake_at_ms);
}

void conn_update_wish(struct engram_conn *c)
{
    if (c->on_wish == NULL) {
        return;
    }
    struct engram_wish w = engram_conn_wish(c);
    if (!is_told(c, &w)) {
        c->told = w;
        c->on_wish(c, c->loop);
    }
}

void conn_forget_fd(struct engram_conn *c)
{
    if (c->on_wish == NULL || c->told.fd < 0) {
        return;
    }
    /* So that engram_conn_wish agrees while the loop looks. */
    int fd = c->transport.fd;
    c->transport.fd = -1;
    c->told = engram_conn_wish(c);
    c->on_wish(c, c->loop);
    c->transport.fd = fd;
}
