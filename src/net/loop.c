/* loop: the half of the event loop that does not depend on the engine: the
 * order of a turn, the life of a conn (see loop_priv.h), waking, background
 * work, listeners that rest.
 *
 * Waking: the loop says ASLEEP before it waits and AWAKE after. Whoever
 * wakes it says NOTIFIED, and writes to the eventfd only if it was ASLEEP; a
 * busy loop is woken for the price of one exchange. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop_priv.h"

static void read_clock(struct loop *l)
{
    l->now_us = clock_monotonic_us();
    /* The wall clock is read once a millisecond, which is its resolution. */
    if (l->now_us - l->wall_read_us >= LOOP_WALL_REFRESH_US) {
        l->wall_offset_us = clock_wall_us() - l->now_us;
        l->wall_read_us = l->now_us;
    }
    l->wall_ms = (l->now_us + l->wall_offset_us) / 1000;
}

static enum status engine_open(const struct loop_options *o, struct loop **out)
{
#ifdef ENGRAM_URING
    if (o->engine != LOOP_EPOLL) {
        enum status st = loop_uring_open(o, out);
        /* Any failure makes AUTO fall back: newer kernels charge the rings to
         * RLIMIT_MEMLOCK, and say then that there is no memory. */
        if (o->engine == LOOP_URING || st == ST_OK) {
            return st;
        }
    }
#else
    if (o->engine == LOOP_URING) {
        return ST_UNSUPPORTED;
    }
#endif
    return loop_epoll_open(o, out);
}

enum status loop_create(const struct loop_options *o,
                        const struct loop_handlers *h, void *loop_arg,
                        struct loop **out)
{
    assert(o->buffer_count > 0);
    assert((o->buffer_count & (o->buffer_count - 1)) == 0);
    assert(h->on_data != NULL);
    assert(h->on_end != NULL);
    struct loop *l;
    enum status st = engine_open(o, &l);
    if (st != ST_OK) {
        return st;
    }
    l->handlers = *h;
    l->arg = loop_arg;
    timer_heap_init(&l->timers, o->account);
    link_init(&l->conns);
    link_init(&l->flushes);
    link_init(&l->released);
    link_init(&l->listeners);
    link_init(&l->released_listeners);
    atomic_init(&l->wake_state, LOOP_AWAKE);
    l->wall_read_us = INT64_MIN / 2;
    read_clock(l);
    *out = l;
    return ST_OK;
}

const char *loop_engine_name(const struct loop *l)
{
    return l->ops->name;
}

int64_t loop_now_us(const struct loop *l)
{
    return l->now_us;
}

int64_t loop_wall_ms(const struct loop *l)
{
    return l->wall_ms;
}

void loop_stop(struct loop *l)
{
    l->is_stopping = true;
}

void loop_wake(struct loop *l)
{
    /* release: pairs with the acquire in loop_awake and before_wait */
    if (atomic_exchange_explicit(&l->wake_state, LOOP_NOTIFIED,
                                 memory_order_acq_rel) == LOOP_ASLEEP) {
        uint64_t one = 1;
        /* It fails only when the counter is full, and then it is not zero. */
        ssize_t rc = write(l->wake_fd, &one, sizeof one);
        (void)rc;
    }
}

bool loop_is_asleep(const struct loop *l)
{
    return atomic_load_explicit(&l->wake_state, memory_order_relaxed)
           == LOOP_ASLEEP;
}

/* False: someone has woken us since the last turn; do not wait. */
static bool before_wait(struct loop *l)
{
    uint32_t expected = LOOP_AWAKE;
    return atomic_compare_exchange_strong_explicit(
        &l->wake_state, &expected, LOOP_ASLEEP, memory_order_acq_rel,
        memory_order_acquire);
}

void loop_awake(struct loop *l)
{
    /* A notice that the relaxed look misses keeps the next turn from
     * waiting. acquire: pairs with the release in loop_wake. */
    if (atomic_load_explicit(&l->wake_state, memory_order_relaxed) !=
        LOOP_AWAKE) {
        atomic_exchange_explicit(&l->wake_state, LOOP_AWAKE,
                                 memory_order_acq_rel);
    }
    read_clock(l);
}

/* ---- conns ---- */

struct conn *conn_open(struct loop *l, int fd, void *conn_arg)
{
    struct conn *c = mem_alloc_zeroed(l->account, l->ops->conn_bytes);
    if (c == NULL) {
        return NULL;
    }
    c->loop = l;
    c->arg = conn_arg;
    c->fd = fd;
    link_init(&c->conn_link);
    link_init(&c->flush_link);
    if (!l->ops->conn_start(c)) {
        mem_free(l->account, c);
        return NULL;
    }
    link_add(&l->conns, &c->conn_link);
    return c;
}

void conn_init_out(struct conn *c, struct chunk_pool *pool)
{
    chain_init(&c->out, pool);
}

struct chain *conn_out(struct conn *c)
{
    return &c->out;
}

int conn_fd(const struct conn *c)
{
    return c->fd;
}

void conn_flush(struct conn *c)
{
    if (c->is_closing || c->has_failed || !link_is_alone(&c->flush_link)) {
        return;
    }
    link_add(&c->loop->flushes, &c->flush_link);
}

void conn_pause(struct conn *c)
{
    if (!c->is_paused) {
        c->is_paused = true;
        c->loop->ops->conn_update(c);
    }
}

void conn_resume(struct conn *c)
{
    if (c->is_paused) {
        c->is_paused = false;
        c->loop->ops->conn_update(c);
    }
}

static void close_now(struct conn *c)
{
    assert(!c->is_closing);
    c->is_closing = true;
    link_remove(&c->flush_link);
    c->loop->ops->conn_abort(c);
}

void conn_close(struct conn *c, bool after_flush)
{
    if (c->is_closing) {
        return;
    }
    if (!after_flush || c->out.bytes == 0 || c->has_failed) {
        close_now(c);
        return;
    }
    if (!c->is_draining) {
        c->is_draining = true;
        c->loop->ops->conn_update(c);
    }
    conn_flush(c);
}

void conn_ended(struct conn *c, int error)
{
    if (c->has_ended || c->is_draining || c->is_closing) {
        return;
    }
    c->has_ended = true;
    c->loop->ops->conn_update(c);
    c->loop->handlers.on_end(c->arg, error);
}

void conn_sent(struct conn *c, size_t n)
{
    if (c->is_closing) {
        return;
    }
    chain_consume(&c->out, n);
    if (c->loop->handlers.on_sent != NULL) {
        c->loop->handlers.on_sent(c->arg, n);
    }
    if (c->is_draining && c->out.bytes == 0 && !c->is_closing) {
        close_now(c);
    }
}

void conn_send_failed(struct conn *c, int error)
{
    if (c->is_closing) {
        return;
    }
    c->has_failed = true;
    link_remove(&c->flush_link);
    if (c->is_draining) {
        close_now(c);
    } else {
        conn_ended(c, error);
    }
}

void conn_released(struct conn *c)
{
    assert(c->is_closing);
    assert(link_is_alone(&c->flush_link));
    close(c->fd);
    c->fd = -1;
    link_add(&c->loop->released, &c->flush_link);
}

/* What was made for a peer that has not taken it does not stay in the pool, but
 * for one chunk, which any other would take too. */
static void free_out(struct chain *out)
{
    struct chunk_pool *pool = out->pool;
    uint32_t free_before = pool->free_count;
    chain_deinit(out);
    chunk_pool_trim(pool, free_before + 1);
}

static void conn_free(struct conn *c)
{
    struct loop *l = c->loop;
    void *arg = c->arg;
    if (c->out.pool != NULL) {
        free_out(&c->out);
    }
    link_remove(&c->flush_link);
    link_remove(&c->conn_link);
    mem_free(l->account, c);
    if (l->handlers.on_closed != NULL) {
        l->handlers.on_closed(arg);
    }
}

/* Frees what was released in earlier turns; true: there was something. */
static bool free_released(struct loop *l)
{
    struct link conns;
    link_init(&conns);
    link_move_all(&conns, &l->released);
    bool any = !link_is_alone(&conns);
    while (!link_is_alone(&conns)) {
        conn_free(CONTAINER_OF(conns.next, struct conn, flush_link));
    }
    while (!link_is_alone(&l->released_listeners)) {
        struct listener *li = CONTAINER_OF(l->released_listeners.next,
                                           struct listener, listener_link);
        link_remove(&li->listener_link);
        mem_free(l->account, li);
    }
    return any;
}

/* ---- listeners ---- */

struct listener *listener_open(struct loop *l, int fd, void *listener_arg)
{
    struct listener *li = mem_alloc_zeroed(l->account, l->ops->listener_bytes);
    if (li == NULL) {
        return NULL;
    }
    li->loop = l;
    li->arg = listener_arg;
    li->fd = fd;
    link_init(&li->listener_link);
    if (!l->ops->listener_start(li)) {
        mem_free(l->account, li);
        return NULL;
    }
    link_add(&l->listeners, &li->listener_link);
    return li;
}

void listener_close(struct listener **lp)
{
    struct listener *li = *lp;
    *lp = NULL;
    assert(!li->is_closing);
    li->is_closing = true;
    if (li->rest_until_us != 0) {
        li->rest_until_us = 0;
        li->loop->resting_listeners--;
    }
    li->loop->ops->listener_abort(li);
}

void listener_released(struct listener *li)
{
    assert(li->is_closing);
    close(li->fd);
    li->fd = -1;
    link_remove(&li->listener_link);
    link_add(&li->loop->released_listeners, &li->listener_link);
}

void listener_accepted(struct listener *li, int fd)
{
    if (li->is_closing) {
        close(fd);
        return;
    }
    li->loop->handlers.on_accept(li->arg, fd);
}

bool listener_failed(struct listener *li, int error)
{
    bool is_shortage = error == EMFILE || error == ENFILE || error == ENOMEM ||
                       error == ENOBUFS;
    if (!is_shortage || li->is_closing) {
        return false;
    }
    assert(li->rest_until_us == 0);
    li->rest_until_us = li->loop->now_us + LOOP_ACCEPT_REST_MS * 1000;
    li->loop->resting_listeners++;
    /* io_uring takes a descriptor before it looks for a peer, so it can fail
     * when nobody is waiting, which is no event worth telling. */
    struct pollfd waiting = {.fd = li->fd, .events = POLLIN};
    if (li->loop->handlers.on_accept_error != NULL &&
        poll(&waiting, 1, 0) > 0) {
        li->loop->handlers.on_accept_error(li->arg, error);
    }
    return true;
}

/* Starts those that have rested enough; the time at which the next has,
 * INT64_MAX: none rests. */
static int64_t wake_listeners(struct loop *l)
{
    int64_t next = INT64_MAX;
    if (l->resting_listeners == 0) {
        return next;
    }
    for (struct link *k = l->listeners.next; k != &l->listeners; k = k->next) {
        struct listener *li = CONTAINER_OF(k, struct listener, listener_link);
        if (li->rest_until_us == 0) {
            continue;
        }
        if (li->rest_until_us > l->now_us || !l->ops->listener_start(li)) {
            next = li->rest_until_us < next ? li->rest_until_us : next;
            continue;
        }
        li->rest_until_us = 0;
        l->resting_listeners--;
    }
    return next;
}

/* ---- the turn ---- */

static void run_background(struct loop *l)
{
    if (l->handlers.on_background == NULL) {
        return;
    }
    if (l->now_us < l->background_due_us) {
        return;
    }
    int64_t after_us = l->handlers.on_background(l->arg);
    assert(after_us >= 0);
    l->background_due_us = after_us > INT64_MAX - l->now_us
                               ? INT64_MAX
                               : l->now_us + after_us;
}

void loop_background_soon(struct loop *l)
{
    l->background_due_us = l->now_us;
}

/* How long this turn may wait, < 0: for ever. */
static int64_t wait_us(struct loop *l, int64_t listeners_due_us)
{
    int64_t due = timer_heap_next_due(&l->timers);
    if (listeners_due_us < due) {
        due = listeners_due_us;
    }
    if (l->handlers.on_background != NULL && l->background_due_us < due) {
        due = l->background_due_us;
    }
    if (due == INT64_MAX) {
        return -1;
    }
    return due > l->now_us ? due - l->now_us : 0;
}

static void send_queued(struct loop *l)
{
    /* What a callback queues meanwhile waits for the next turn. */
    struct link conns;
    link_init(&conns);
    link_move_all(&conns, &l->flushes);
    while (!link_is_alone(&conns)) {
        struct conn *c = CONTAINER_OF(conns.next, struct conn, flush_link);
        link_remove(&c->flush_link);
        if (c->out.bytes > 0) {
            l->ops->conn_send(c);
        }
    }
}

static void turn(struct loop *l)
{
    bool has_work = free_released(l) || !link_is_alone(&l->flushes);
    int64_t timeout_us = wait_us(l, wake_listeners(l));
    if (has_work || (timeout_us != 0 && !before_wait(l))) {
        timeout_us = 0;
    }
    l->ops->poll(l, timeout_us);
    timer_heap_fire(&l->timers, l->now_us);
    if (l->handlers.on_turn != NULL) {
        l->handlers.on_turn(l->arg);
    }
    run_background(l);
    send_queued(l);
    l->ops->end_turn(l);
}

void loop_run(struct loop *l)
{
    l->is_stopping = false;
    l->ops->start(l);
    while (!l->is_stopping) {
        turn(l);
    }
    l->ops->stop(l);
}

void loop_destroy(struct loop **lp)
{
    struct loop *l = *lp;
    *lp = NULL;
    struct link *next;
    for (struct link *k = l->conns.next; k != &l->conns; k = next) {
        next = k->next;
        conn_close(CONTAINER_OF(k, struct conn, conn_link), false);
    }
    for (struct link *k = l->listeners.next; k != &l->listeners; k = next) {
        next = k->next;
        struct listener *li = CONTAINER_OF(k, struct listener, listener_link);
        if (!li->is_closing) {
            listener_close(&li);
        }
    }
    l->ops->close(l);
    free_released(l);
    assert(link_is_alone(&l->conns));
    assert(link_is_alone(&l->listeners));
    timer_heap_deinit(&l->timers);
    close(l->wake_fd);
    mem_free(l->account, l);
}
