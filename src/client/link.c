/* link: from one state to the next.
 *
 *   CLOSED -open-> WAITING -its time-> RESOLVING -addresses-> CONNECTING
 *      ^              ^                     |                      |  socket
 *      |              |                     |                   GREETING -> READY
 *      +--- for good -+------ break --------+----------------------+----------+
 *
 * RESOLVING is passed at once where there is no name to be looked up.
 *
 * While a link is being made, commands gather in `out` and none of their bytes
 * leave, so an attempt that fails costs them nothing. Once it is ready, what was
 * sent on it and what it knows (a transaction, a database) cannot be told apart
 * from outside: when it breaks all commands fail, but those that the caller has
 * declared idempotent. These are pinned into the emptied chain in their order.
 *
 * Ending a link needs no memory but for that pinning; where it cannot be had the
 * command fails too. */
#include "client/conn_priv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { VECTORS_MAX = 64, WRITE_ROUNDS_MAX = 16 };

static void set_transport_error(struct engram_conn *c, const char *what)
{
    char name[ERROR_TEXT_BYTES / 2];
    char text[ERROR_TEXT_BYTES / 4];
    target_name(&c->target, name, sizeof name);
    conn_set_error(c, "%s %s: %s", what, name,
                   c->transport.text != NULL
                       ? c->transport.text
                       : strerror_r(c->transport.err, text, sizeof text));
}

/* ---- making a link ---- */

/* Connected: say hello. */
static void greet(struct engram_conn *c)
{
    c->state = LINK_GREETING;
    c->transport.wants = 0;
    c->last_progress_us = c->now_us;
    greeting_begin(c);
}

/* While others are left, one that does not answer gets half of the time. */
static void limit_address(struct engram_conn *c)
{
    int64_t end_us = c->connect_deadline_us;
    c->address_deadline_us = REQUEST_NO_DEADLINE;
    if (c->transport.has_more && end_us != REQUEST_NO_DEADLINE) {
        c->address_deadline_us = c->now_us + (end_us - c->now_us) / 2;
    }
}

/* Tries address after address until one is under way. */
static void try_addresses(struct engram_conn *c)
{
    struct transport *t = &c->transport;
    enum transport_result r = TRANSPORT_FAILED;
    while (r == TRANSPORT_FAILED && t->has_more) {
        conn_forget_fd(c);
        t->ops->drop(t);
        r = t->ops->next(t);
    }
    if (r == TRANSPORT_DONE) {
        greet(c);
    } else if (r == TRANSPORT_FAILED) {
        set_transport_error(c, "connect");
        link_break(c, ENGRAM_CONNECT);
    } else {
        limit_address(c);
    }
}

void link_try_next(struct engram_conn *c)
{
    assert(c->transport.has_more);
    try_addresses(c);
}

void link_resolve(struct engram_conn *c)
{
    enum engram_status why = ENGRAM_CONNECT;
    assert(c->state == LINK_RESOLVING);
    conn_forget_fd(c);
    switch (c->transport.ops->open(&c->transport, &why)) {
    case TRANSPORT_DONE:
        /* From here on the transport closes a socket that was handed in. */
        c->is_adopted = true;
        c->state = LINK_CONNECTING;
        try_addresses(c);
        break;
    case TRANSPORT_AGAIN: break;
    case TRANSPORT_FAILED:
        set_transport_error(c, why == ENGRAM_RESOLVE ? "resolve" : "connect");
        link_break(c, why);
        break;
    }
}

void link_open(struct engram_conn *c)
{
    c->state = LINK_RESOLVING;
    c->address_deadline_us = REQUEST_NO_DEADLINE;
    c->connect_deadline_us =
        c->options.connect_timeout_ms == 0
            ? REQUEST_NO_DEADLINE
            : c->now_us + (int64_t)c->options.connect_timeout_ms * 1000;
    link_resolve(c);
}

void link_advance(struct engram_conn *c)
{
    assert(c->state == LINK_CONNECTING);
    switch (c->transport.ops->advance(&c->transport)) {
    case TRANSPORT_DONE: greet(c); break;
    case TRANSPORT_AGAIN: break;
    case TRANSPORT_FAILED:
        set_transport_error(c, "connect");
        if (c->transport.has_more) {
            try_addresses(c);
        } else {
            link_break(c, ENGRAM_CONNECT);
        }
        break;
    }
}

void link_become_ready(struct engram_conn *c)
{
    c->state = LINK_READY;
    c->ready_since_us = c->now_us;
    c->last_progress_us = c->now_us;
    c->connect_deadline_us = REQUEST_NO_DEADLINE;
    c->is_unwritable = false;
    c->counters.connections++;
    uint64_t epoch = c->epoch;
    if (c->tap.on_ready != NULL) {
        c->tap.on_ready(c, c->tap.arg);
    }
    if (c->epoch == epoch && c->options.on_connected != NULL) {
        c->options.on_connected(c, c->options.arg);
    }
}

/* ---- writing ---- */

bool link_write(struct engram_conn *c)
{
    if (c->write_failure != ENGRAM_OK) {
        return false;
    }
    for (int round = 0; round < WRITE_ROUNDS_MAX; round++) {
        struct chain *from = c->first.bytes > 0 ? &c->first : &c->out;
        if (from->bytes == 0 || (from == &c->out && c->state != LINK_READY)) {
            return true;
        }
        struct iovec v[VECTORS_MAX];
        int count = chain_vectors(from, v, VECTORS_MAX);
        ssize_t n = c->transport.ops->write(&c->transport, v, count);
        if (n < 0) {
            if (c->transport.err == EAGAIN || c->transport.err == EWOULDBLOCK) {
                c->is_unwritable = true;
                return true;
            }
            set_transport_error(c, "write to");
            c->write_failure = ENGRAM_IO;
            return false;
        }
        c->counters.bytes_out += (uint64_t)n;
        if (from == &c->out) {
            c->taken += (uint64_t)n;
        }
        chain_consume(from, (size_t)n);
    }
    return true;
}

/* ---- ending a link ---- */

/* Nothing of it is left but the commands and their bytes. */
static void tear_down(struct engram_conn *c)
{
    conn_forget_fd(c);
    c->transport.ops->close(&c->transport);
    c->epoch++;
    c->write_failure = ENGRAM_OK;
    c->is_unwritable = false;
    c->connect_deadline_us = REQUEST_NO_DEADLINE;
    c->protocol = 2;
    c->subscriptions = (struct subscriptions){ 0 };
    chain_deinit(&c->first);
    chain_init(&c->first, &c->pool);
    receive_reset(c);
}

static void fail(struct engram_conn *c, struct request *r,
                 enum engram_status why)
{
    r->failure = (uint8_t)why;
    request_push(&c->failing, r);
}

/* Queues the request anew, at the end of the emptied chain. */
static void send_again(struct engram_conn *c, struct request *r)
{
    if (!command_pin(r->kept, &c->out)) {
        fail(c, r, ENGRAM_NOMEM);
        return;
    }
    r->begin = c->queued_end;
    c->queued_end += r->kept->bytes;
    r->end = c->queued_end;
    c->counters.resent++;
    request_push(&c->waiting, r);
}

/* Of the link, which no command has been sent on. */
static void forget_state(struct engram_conn *c)
{
    c->is_in_multi = false;
    c->is_watching = false;
    c->is_altered = false;
}

/* The link was ready: commands fail, or wait to be sent again. */
static void sort_out_requests(struct engram_conn *c, bool is_retried)
{
    struct request_list line = c->waiting;
    uint64_t taken = c->taken;
    struct request *r;
    c->waiting = (struct request_list){ NULL, NULL, 0 };
    c->line++;
    forget_state(c);
    chain_deinit(&c->out);
    chain_init(&c->out, &c->pool);
    c->taken = c->queued_end;
    while ((r = request_pop(&line)) != NULL) {
        if (is_retried && r->kept != NULL && !r->is_abandoned) {
            send_again(c, r);
        } else {
            fail(c, r, r->begin >= taken ? ENGRAM_NOT_SENT : ENGRAM_LOST);
        }
    }
}

/* All that waits, for one reason. */
static void give_up_requests(struct engram_conn *c, enum engram_status why)
{
    struct request *r;
    c->line++;
    forget_state(c);
    chain_deinit(&c->out);
    chain_init(&c->out, &c->pool);
    c->taken = c->queued_end;
    while ((r = request_pop(&c->waiting)) != NULL) {
        fail(c, r, why);
    }
}

int link_backoff_ms(struct engram_conn *c, uint32_t failures)
{
    int64_t ms = c->options.backoff_min_ms;
    for (uint32_t i = 0; i < failures && ms < c->options.backoff_max_ms; i++) {
        ms *= 2;
    }
    if (ms > c->options.backoff_max_ms) {
        ms = c->options.backoff_max_ms;
    }
    return (int)(ms - (int64_t)random_below(&c->random, (uint64_t)ms / 2 + 1));
}

static bool may_retry(const struct engram_conn *c)
{
    uint32_t max = c->options.attempts_max;
    return c->options.reconnect && c->target.fd < 0 && !c->is_finishing &&
           (max == 0 || c->failures + 1 < max);
}

void link_break(struct engram_conn *c, enum engram_status why)
{
    bool was_ready = c->state == LINK_READY;
    /* One that has held for a while makes up for those that did not. */
    if (was_ready && c->now_us - c->ready_since_us >=
                         (int64_t)c->options.backoff_max_ms * 1000) {
        c->failures = 0;
    }
    bool is_retried = may_retry(c);
    int retry_ms = is_retried ? link_backoff_ms(c, c->failures) : -1;
    tear_down(c);
    c->last_why = why;
    c->failures++;
    c->state = is_retried ? LINK_WAITING : LINK_CLOSED;
    c->retry_at_us = c->now_us + (int64_t)retry_ms * 1000;
    if (was_ready || !is_retried) {
        sort_out_requests(c, is_retried);
    }
    uint64_t epoch = c->epoch;
    timers_want_shrink(c);
    conn_fail_requests(c);
    if (c->epoch == epoch && !c->is_destroyed) {
        conn_tell_disconnected(c, why, retry_ms);
    }
}

void link_close(struct engram_conn *c, enum engram_status why)
{
    tear_down(c);
    c->state = LINK_CLOSED;
    give_up_requests(c, why);
    timers_want_shrink(c);
    conn_fail_requests(c);
}

void link_leave(struct engram_conn *c, enum engram_status why)
{
    conn_enter(c);
    conn_refresh_now(c);
    link_break(c, why);
    conn_leave(c);
}

void link_wait_until(struct engram_conn *c, int64_t at_us)
{
    if (c->state == LINK_WAITING) {
        c->retry_at_us = at_us;
        if (c->callback_depth == 0) {
            conn_update_wish(c);
        }
    }
}
