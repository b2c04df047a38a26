/* loop_uring: the engine on io_uring.
 *
 * Receiving: one multishot receive a conn, into a ring of provided buffers that
 * all conns share. Buffers handed over in a turn go back at its end. A conn
 * that found none waits in `starved`; each turn lets the first of them try
 * again, as many as there are buffers: were all tried, five thousand conns
 * would cost five thousand entries a turn, most in vain.
 *
 * The kernel takes buffers in the ring's order, so the smallest load touches
 * all that are in it before long. Hence few are at first, and twice as many
 * each time that many conns found none; one that sends without end would take
 * whatever there is and is served as well by few. What is in the ring is what is
 * charged. A conn's bytes lie in few pages, too, while few are enough.
 *
 * Sending: loop_uring_send.c. Lifetime: loop_uring_priv.h.
 *
 * Threads: IORING_SETUP_SINGLE_ISSUER; the ring is enabled by the first turn,
 * so a loop may be made on one thread and run on another. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/loop_uring_priv.h"

enum {
    URING_SQ_ENTRIES = 1024,
    URING_CQ_ENTRIES_MIN = 16384,
    URING_CLOSE_ROUNDS_MAX = 1000,
    URING_BUFFER_GROUP = 0,
    URING_BUFFERS_START = 32,
    STARVED_PART = 8, /* of the buffers; as many conns without one are many */
};

/* ---- entries ---- */

static void enable(struct uring_loop *u)
{
    if (!u->is_enabled) {
        /* liburing 2.3 declares io_uring_enable_rings without exporting it. */
        int rc = io_uring_register((unsigned)u->ring.ring_fd,
                                   IORING_REGISTER_ENABLE_RINGS, NULL, 0);
        assert(rc == 0);
        (void)rc;
        u->is_enabled = true;
    }
}

static void uring_start(struct loop *l)
{
    struct uring_loop *u = uring_of(l);
    enable(u);
    /* Saves a look-up of the descriptor a call; works without, too. The
     * registration is this thread's, so it ends with loop_run. */
    int rc = io_uring_register_ring_fd(&u->ring);
    (void)rc;
}

void uring_submit_all(struct uring_loop *u)
{
    enable(u);
    /* Less than all is taken only when the kernel is out of memory for a
     * moment or its completion queue is full. */
    while (io_uring_sq_ready(&u->ring) > 0 && !u->is_unusable) {
        int rc = io_uring_submit(&u->ring);
        if (rc == -EBUSY) {
            io_uring_get_events(&u->ring);
        } else if (rc < 0 && rc != -EAGAIN && rc != -EINTR &&
                   rc != -ENOMEM) {
            u->is_unusable = true; /* such as from a wrong thread */
            break;
        }
    }
    u->block_count = 0;
}

static void arm_wake(struct uring_loop *u)
{
    struct io_uring_sqe *sqe = uring_next_entry(u);
    io_uring_prep_read(sqe, u->base.wake_fd, &u->wake_value,
                       sizeof u->wake_value, 0);
    io_uring_sqe_set_data64(sqe, uring_tag(NULL, ENTRY_WAKE));
}

static void arm_receive(struct uring_loop *u, struct uring_conn *uc)
{
    assert(!uc->is_receiving);
    struct io_uring_sqe *sqe = uring_next_entry(u);
    io_uring_prep_recv_multishot(sqe, uc->base.fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = URING_BUFFER_GROUP;
    io_uring_sqe_set_data64(sqe, uring_tag(uc, ENTRY_RECEIVE));
    uc->is_receiving = true;
    uc->pending++;
}

static void cancel_receive(struct uring_loop *u, struct uring_conn *uc)
{
    struct io_uring_sqe *sqe = uring_next_entry(u);
    io_uring_prep_cancel64(sqe, uring_tag(uc, ENTRY_RECEIVE), 0);
    io_uring_sqe_set_data64(sqe, uring_tag(uc, ENTRY_CANCEL));
    uc->is_cancelling = true;
    uc->pending++;
}

static void uring_conn_update(struct conn *c)
{
    struct uring_loop *u = uring_of(c->loop);
    struct uring_conn *uc = uring_conn_of(c);
    bool wants = conn_wants_data(c);
    if (uc->is_receiving) {
        /* A cancel that is under way already is answered when the receive
         * ends: receive_over looks again at what is wanted. */
        if (!wants && !uc->is_cancelling && !c->has_ended) {
            cancel_receive(u, uc);
        }
        return;
    }
    if (wants && link_is_alone(&uc->starved_link)) {
        arm_receive(u, uc);
    }
}

static bool uring_conn_start(struct conn *c)
{
    struct uring_conn *uc = uring_conn_of(c);
    link_init(&uc->starved_link);
    link_init(&uc->inline_link);
    arm_receive(uring_of(c->loop), uc);
    return true;
}

static void uring_conn_abort(struct conn *c)
{
    struct uring_loop *u = uring_of(c->loop);
    struct uring_conn *uc = uring_conn_of(c);
    uc->is_aborting = true;
    link_remove(&uc->starved_link);
    if (!link_is_alone(&uc->inline_link)) {
        /* Its entry, which nobody counts, may not have been submitted, and
         * names a descriptor whose number may soon be another's. */
        uring_submit_all(u);
        link_remove(&uc->inline_link);
    }
    if (uc->pending == 0) {
        conn_released(c);
        return;
    }
    struct io_uring_sqe *sqe = uring_next_entry(u);
    if (sqe == NULL) {
        return; /* uring_close releases by force */
    }
    io_uring_prep_cancel_fd(sqe, c->fd, IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(sqe, uring_tag(uc, ENTRY_CANCEL));
    uc->pending++;
}

/* ---- receiving ---- */

/* Adds buffers to those that the end of the turn puts into the ring: as many as
 * there are, if there are so many more. */
static void offer_buffers(struct uring_loop *u)
{
    uint32_t count =
        u->offered_count > 0 ? u->offered_count : URING_BUFFERS_START;
    if (count > u->buffer_count - u->offered_count) {
        count = u->buffer_count - u->offered_count;
    }
    for (uint32_t i = 0; i < count; i++) {
        u->used_ids[u->used_count++] = (uint16_t)u->offered_count++;
    }
    mem_charge(u->base.account, (ptrdiff_t)count * LOOP_BUFFER_BYTES);
}

/* Would more buffers serve more conns? */
static bool starves_many(const struct uring_loop *u)
{
    uint32_t count = 0;
    const struct link *l = u->starved.next;
    while (l != &u->starved && count < u->offered_count / STARVED_PART) {
        l = l->next;
        count++;
    }
    return count == u->offered_count / STARVED_PART;
}

static void uring_end_turn(struct loop *l)
{
    struct uring_loop *u = uring_of(l);
    if (__builtin_expect(!link_is_alone(&u->starved), 0) && starves_many(u)) {
        offer_buffers(u);
    }
    if (u->used_count > 0) {
        int mask = io_uring_buf_ring_mask(u->buffer_count);
        for (uint32_t i = 0; i < u->used_count; i++) {
            uint16_t id = u->used_ids[i];
            io_uring_buf_ring_add(u->provided,
                                  u->buffers + (size_t)id * LOOP_BUFFER_BYTES,
                                  LOOP_BUFFER_BYTES, id, mask, (int)i);
        }
        io_uring_buf_ring_advance(u->provided, (int)u->used_count);
        u->used_count = 0;
    }
    for (uint32_t i = 0; i < u->offered_count && !link_is_alone(&u->starved);
         i++) {
        struct uring_conn *uc = CONTAINER_OF(u->starved.next,
                                             struct uring_conn, starved_link);
        link_remove(&uc->starved_link);
        uring_conn_update(&uc->base);
    }
}

/* The multishot receive has ended for the reason `result`. */
static void receive_over(struct uring_loop *u, struct uring_conn *uc,
                         int result)
{
    if (uc->base.is_closing || uc->is_receiving) {
        return; /* closed, or armed again by a callback */
    }
    switch (result) {
    case 0:
        conn_ended(&uc->base, 0);
        return;
    case -ENOBUFS:
        link_remove(&uc->starved_link);
        link_add(&u->starved, &uc->starved_link);
        return;
    case -ECANCELED:
    case -EAGAIN:
    case -EINTR:
    case -ENOMEM:
        break;
    default:
        if (result < 0) {
            conn_ended(&uc->base, -result);
            return;
        }
    }
    uring_conn_update(&uc->base);
}

static void received(struct uring_loop *u, const struct io_uring_cqe *cqe)
{
    struct uring_conn *uc = uring_tagged(cqe->user_data);
    int result = cqe->res;
    bool has_more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (__builtin_expect(!has_more, 0)) {
        uc->is_receiving = false;
        uc->is_cancelling = false; /* the cancel's answer is of no use now */
        uring_entry_over(uc);
    }
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        assert(id < u->offered_count);
        assert(u->used_count < u->offered_count);
        u->used_ids[u->used_count++] = id;
        if (result > 0) {
            conn_received(&uc->base,
                          u->buffers + (size_t)id * LOOP_BUFFER_BYTES,
                          (size_t)result);
        }
    }
    if (__builtin_expect(!has_more, 0)) {
        receive_over(u, uc, result);
    }
}

static void cancel_over(struct uring_conn *uc, int result)
{
    uc->is_cancelling = false;
    uring_entry_over(uc);
    /* On success the receive's own completion follows. Else it has escaped. */
    if (result < 0 && !uc->base.is_closing) {
        uring_conn_update(&uc->base);
    }
}

/* ---- listeners ---- */

static bool uring_listener_start(struct listener *li)
{
    struct uring_loop *u = uring_of(li->loop);
    struct uring_listener *ul = CONTAINER_OF(li, struct uring_listener, base);
    assert(!ul->is_accepting);
    struct io_uring_sqe *sqe = uring_next_entry(u);
    io_uring_prep_multishot_accept(sqe, li->fd, NULL, NULL,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, uring_tag(ul, ENTRY_ACCEPT));
    ul->is_accepting = true;
    ul->pending++;
    return true;
}

static void accept_entry_over(struct uring_listener *ul)
{
    assert(ul->pending > 0);
    ul->pending--;
    if (ul->pending == 0 && ul->base.is_closing) {
        listener_released(&ul->base);
    }
}

static void uring_listener_abort(struct listener *li)
{
    struct uring_listener *ul = CONTAINER_OF(li, struct uring_listener, base);
    if (ul->pending == 0) {
        listener_released(li);
        return;
    }
    struct io_uring_sqe *sqe = uring_next_entry(uring_of(li->loop));
    if (sqe == NULL) {
        return; /* uring_close releases by force */
    }
    io_uring_prep_cancel64(sqe, uring_tag(ul, ENTRY_ACCEPT), 0);
    io_uring_sqe_set_data64(sqe, uring_tag(ul, ENTRY_ACCEPT_CANCEL));
    ul->pending++;
}

static void accepted(const struct io_uring_cqe *cqe)
{
    struct uring_listener *ul = uring_tagged(cqe->user_data);
    int result = cqe->res;
    bool has_more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (result >= 0) {
        listener_accepted(&ul->base, result);
    }
    if (has_more) {
        return;
    }
    ul->is_accepting = false;
    accept_entry_over(ul);
    bool rests = result < 0 && listener_failed(&ul->base, -result);
    if (!rests && !ul->base.is_closing) {
        uring_listener_start(&ul->base);
    }
}

/* ---- the turn ---- */

static void completed(struct uring_loop *u, const struct io_uring_cqe *cqe)
{
    switch ((enum uring_entry)(cqe->user_data & ENTRY_KIND_MASK)) {
    case ENTRY_RECEIVE:
        received(u, cqe);
        break;
    case ENTRY_SEND:
        uring_send_over(u, uring_tagged(cqe->user_data), cqe->res);
        break;
    case ENTRY_CANCEL:
        cancel_over(uring_tagged(cqe->user_data), cqe->res);
        break;
    case ENTRY_ACCEPT:
        accepted(cqe);
        break;
    case ENTRY_ACCEPT_CANCEL:
        accept_entry_over(uring_tagged(cqe->user_data));
        break;
    case ENTRY_WAKE:
        arm_wake(u);
        break;
    case ENTRY_SEND_INLINE: /* settled before */
    case ENTRY_NOTHING:
        break;
    }
}

static void reap(struct uring_loop *u)
{
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_for_each_cqe(&u->ring, head, cqe)
        {
            seen++;
            completed(u, cqe);
        }
        io_uring_cq_advance(&u->ring, seen);
        if (!io_uring_cq_has_overflow(&u->ring)) {
            return;
        }
        io_uring_get_events(&u->ring);
    }
}

static void wait_for_events(struct uring_loop *u, int64_t timeout_us)
{
    if (timeout_us < 0) {
        io_uring_submit_and_wait(&u->ring, 1);
    } else if (timeout_us == 0) {
        io_uring_submit_and_get_events(&u->ring);
    } else {
        struct __kernel_timespec ts = {
            .tv_sec = timeout_us / 1000000,
            .tv_nsec = timeout_us % 1000000 * 1000};
        struct io_uring_cqe *cqe;
        io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
    }
}

static void uring_poll(struct loop *l, int64_t timeout_us)
{
    struct uring_loop *u = uring_of(l);
    wait_for_events(u, link_is_alone(&u->starved) ? timeout_us : 0);
    uring_submit_all(u); /* what the kernel did not take at first */
    u->inline_left = u->inline_cap;
    loop_awake(l);
    uring_settle_inline_sends(u);
    reap(u);
}

static void submit_and_settle(struct uring_loop *u)
{
    uring_submit_all(u);
    u->inline_left = u->inline_cap;
    uring_settle_inline_sends(u);
    uring_submit_all(u);
}

static void uring_stop(struct loop *l)
{
    struct uring_loop *u = uring_of(l);
    submit_and_settle(u);
    int rc = io_uring_unregister_ring_fd(&u->ring);
    (void)rc; /* it was not registered, then */
}

/* ---- open and close ---- */

static void uring_free(struct uring_loop *u)
{
    struct mem_account *a = u->base.account;
    if (u->provided != NULL) {
        munmap(u->provided, u->buffer_count * sizeof(struct io_uring_buf));
    }
    if (u->buffers != NULL) {
        munmap(u->buffers, (size_t)u->buffer_count * LOOP_BUFFER_BYTES);
        mem_charge(a, -(ptrdiff_t)u->offered_count * LOOP_BUFFER_BYTES);
    }
    mem_free(a, u->used_ids);
    u->provided = NULL;
    u->buffers = NULL;
    u->used_ids = NULL;
}

static void release_by_force(struct uring_loop *u)
{
    struct loop *l = &u->base;
    for (struct link *k = l->conns.next; k != &l->conns; k = k->next) {
        struct uring_conn *uc = CONTAINER_OF(
            CONTAINER_OF(k, struct conn, conn_link), struct uring_conn, base);
        if (uc->base.fd >= 0) {
            uc->pending = 0;
            conn_released(&uc->base);
        }
    }
    while (!link_is_alone(&l->listeners)) {
        listener_released(CONTAINER_OF(l->listeners.next, struct listener,
                                       listener_link));
    }
}

static bool is_all_released(struct loop *l)
{
    if (!link_is_alone(&l->listeners)) {
        return false;
    }
    for (struct link *k = l->conns.next; k != &l->conns; k = k->next) {
        if (CONTAINER_OF(k, struct conn, conn_link)->fd >= 0) {
            return false;
        }
    }
    return true;
}

static void uring_close(struct loop *l)
{
    struct uring_loop *u = uring_of(l);
    submit_and_settle(u);
    for (int i = 0; i < URING_CLOSE_ROUNDS_MAX && !is_all_released(l); i++) {
        wait_for_events(u, 10 * 1000);
        reap(u);
        uring_end_turn(l);
    }
    io_uring_queue_exit(&u->ring);
    /* Normally nothing is left. When the loop's thread has gone, the kernel
     * has cancelled everything with it, and the ring answers nobody else. */
    release_by_force(u);
    uring_free(u);
}

static const struct loop_ops uring_ops = {
    .name = "io_uring",
    .conn_bytes = sizeof(struct uring_conn),
    .listener_bytes = sizeof(struct uring_listener),
    .start = uring_start,
    .poll = uring_poll,
    .end_turn = uring_end_turn,
    .stop = uring_stop,
    .conn_start = uring_conn_start,
    .conn_update = uring_conn_update,
    .conn_send = uring_conn_send,
    .conn_abort = uring_conn_abort,
    .listener_start = uring_listener_start,
    .listener_abort = uring_listener_abort,
    .close = uring_close,
};

static void *map_pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static enum status make_ring(struct uring_loop *u)
{
    u->inline_cap = u->buffer_count > URING_CQ_ENTRIES_MIN / 4
                        ? u->buffer_count
                        : URING_CQ_ENTRIES_MIN / 4;
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_R_DISABLED,
        .cq_entries = 4 * u->inline_cap};
    int rc = io_uring_queue_init_params(URING_SQ_ENTRIES, &u->ring, &params);
    if (rc != 0) {
        return rc == -ENOMEM ? ST_NOMEM : ST_UNSUPPORTED;
    }
    return ST_OK;
}

static enum status provide_buffers(struct uring_loop *u)
{
    size_t bytes = (size_t)u->buffer_count * LOOP_BUFFER_BYTES;
    u->provided = map_pages(u->buffer_count * sizeof(struct io_uring_buf));
    u->used_ids = mem_alloc(u->base.account,
                            u->buffer_count * sizeof *u->used_ids);
    if (mem_must_fail(u->base.account) || u->provided == NULL ||
        u->used_ids == NULL || (u->buffers = map_pages(bytes)) == NULL) {
        return ST_NOMEM;
    }
    u->has_inline_sends = uring_probe_inline_sends(u->buffers, bytes);
    struct io_uring_buf_reg reg = {.ring_addr = (uintptr_t)u->provided,
                                   .ring_entries = u->buffer_count,
                                   .bgid = URING_BUFFER_GROUP};
    int rc = io_uring_register_buf_ring(&u->ring, &reg, 0);
    if (rc != 0) {
        return rc == -ENOMEM ? ST_NOMEM : ST_UNSUPPORTED;
    }
    io_uring_buf_ring_init(u->provided);
    offer_buffers(u);
    return ST_OK;
}

enum status loop_uring_open(const struct loop_options *o, struct loop **out)
{
    assert(o->buffer_count <= 32768);
    struct uring_loop *u = mem_alloc_zeroed(o->account, sizeof *u);
    if (u == NULL) {
        return ST_NOMEM;
    }
    u->base.account = o->account;
    u->base.ops = &uring_ops;
    u->buffer_count = o->buffer_count;
    link_init(&u->starved);
    link_init(&u->inline_sends);
    enum status st = make_ring(u);
    if (st != ST_OK) {
        goto free_loop;
    }
    st = provide_buffers(u);
    if (st != ST_OK) {
        goto close_ring;
    }
    uring_end_turn(&u->base);
    u->inline_left = u->inline_cap;
    /* Blocking: a read on a non-blocking one would fail instead of waiting. */
    u->base.wake_fd = eventfd(0, EFD_CLOEXEC);
    if (u->base.wake_fd < 0) {
        st = ST_IO;
        goto close_ring;
    }
    arm_wake(u);
    *out = &u->base;
    return ST_OK;

close_ring:
    io_uring_queue_exit(&u->ring);
    uring_free(u);
free_loop:
    mem_free(o->account, u);
    return st;
}
