/* loop_epoll: the engine on epoll, which emulates completions.
 *
 * Receiving: conns are registered edge-triggered, so a busy conn costs no
 * second look by the kernel. A conn that may have bytes stands in `ready`;
 * each turn reads it once, into an arena from whose front the reads are cut and
 * which starts anew each turn: the bytes of a quiet turn lie in one warm page.
 * A read that fills all it was offered leaves the conn ready.
 *
 * Sending: at the end of the turn, directly. EPOLLOUT is asked for only while a
 * socket is full. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_priv.h"

enum {
    EPOLL_EVENTS_MAX = 512,
    EPOLL_ACCEPTS_MAX = 256, /* a listener, a turn */
    EPOLL_SENDS_MAX = 4,     /* a conn, a turn */
    EPOLL_READ_ALIGN = 64,
    EPOLL_TRIM_PERIOD_US = 1000 * 1000,
    EPOLL_ARENA_KEEP = 8 * LOOP_BUFFER_BYTES,
};

enum event_kind { EVENT_CONN, EVENT_LISTENER, EVENT_WAKE, EVENT_KIND_MASK = 3 };

struct epoll_conn {
    struct conn base;
    struct link ready_link;
    bool is_readable; /* the kernel may have more */
    bool has_hung_up; /* ... and will not tell us again */
    bool is_blocked;  /* waits for EPOLLOUT */
};

struct epoll_loop {
    struct loop base;
    int fd;
    bool has_pwait2; /* waits in nanoseconds */
    uint8_t *arena;
    size_t arena_bytes, arena_used;
    size_t arena_charged; /* bytes of it that are touched */
    size_t arena_recent;  /* the most used in a turn since the last trim */
    int64_t arena_trim_us; /* when to trim next */
    struct link ready;
    struct epoll_event events[EPOLL_EVENTS_MAX];
};

static struct epoll_loop *epoll_of(struct loop *l)
{
    return CONTAINER_OF(l, struct epoll_loop, base);
}

static struct epoll_conn *epoll_conn_of(struct conn *c)
{
    return CONTAINER_OF(c, struct epoll_conn, base);
}

static bool control(struct epoll_loop *e, int op, int fd, uint32_t events,
                    const void *object, enum event_kind kind)
{
    struct epoll_event ev = {
        .events = events,
        .data.u64 = (uint64_t)(uintptr_t)object | (uint64_t)kind};
    return epoll_ctl(e->fd, op, fd, &ev) == 0;
}

/* ---- conns ---- */

static bool epoll_conn_start(struct conn *c)
{
    struct epoll_conn *ec = epoll_conn_of(c);
    link_init(&ec->ready_link);
    return control(epoll_of(c->loop), EPOLL_CTL_ADD, c->fd,
                   EPOLLIN | EPOLLRDHUP | EPOLLET, ec, EVENT_CONN);
}

static void epoll_conn_update(struct conn *c)
{
    struct epoll_conn *ec = epoll_conn_of(c);
    bool is_listed = !link_is_alone(&ec->ready_link);
    bool wants = ec->is_readable && conn_wants_data(c);
    if (wants && !is_listed) {
        link_add(&epoll_of(c->loop)->ready, &ec->ready_link);
    } else if (!wants && is_listed) {
        link_remove(&ec->ready_link);
    }
}

static void epoll_conn_abort(struct conn *c)
{
    link_remove(&epoll_conn_of(c)->ready_link);
    /* Closing the descriptor takes it out of the epoll set. */
    conn_released(c);
}

static void set_blocked(struct epoll_conn *ec, bool is_blocked)
{
    if (ec->is_blocked == is_blocked) {
        return;
    }
    ec->is_blocked = is_blocked;
    control(epoll_of(ec->base.loop), EPOLL_CTL_MOD, ec->base.fd,
            EPOLLIN | EPOLLRDHUP | EPOLLET | (is_blocked ? EPOLLOUT : 0u), ec,
            EVENT_CONN);
}

/* What was sent, or -1 and errno; *all: everything that was offered. */
static ssize_t send_once(struct conn *c, bool *all)
{
    struct iovec vectors[LOOP_SEND_VECTORS];
    int count = chain_vectors(&c->out, vectors, LOOP_SEND_VECTORS);
    assert(count > 0);
    ssize_t sent;
    size_t offered = 0;
    for (int i = 0; i < count; i++) {
        offered += vectors[i].iov_len;
    }
    if (count == 1) {
        sent = send(c->fd, vectors[0].iov_base, vectors[0].iov_len,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        struct msghdr header = {.msg_iov = vectors,
                                .msg_iovlen = (size_t)count};
        sent = sendmsg(c->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    *all = sent >= 0 && (size_t)sent == offered;
    return sent;
}

static void epoll_conn_send(struct conn *c)
{
    struct epoll_conn *ec = epoll_conn_of(c);
    if (ec->is_blocked) {
        return; /* EPOLLOUT goes on with what is there by then */
    }
    for (int i = 0; i < EPOLL_SENDS_MAX; i++) {
        bool all;
        ssize_t sent = send_once(c, &all);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) {
            conn_send_failed(c, errno);
            return;
        }
        if (!all) {
            set_blocked(ec, true);
        }
        if (sent > 0) {
            conn_sent(c, (size_t)sent);
        }
        if (!all || c->is_closing || c->out.bytes == 0) {
            return;
        }
    }
    conn_flush(c); /* others first */
}

/* ---- receiving ---- */

static void conn_event(struct epoll_loop *e, struct epoll_conn *ec,
                       uint32_t events)
{
    (void)e;
    struct conn *c = &ec->base;
    if (c->is_closing) {
        return;
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        ec->has_hung_up = true;
        ec->is_readable = true;
    }
    if ((events & EPOLLIN) != 0) {
        ec->is_readable = true;
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0 && ec->is_blocked) {
        set_blocked(ec, false);
        conn_flush(c);
    }
    epoll_conn_update(c);
}

static void read_conn(struct epoll_loop *e, struct epoll_conn *ec)
{
    struct conn *c = &ec->base;
    uint8_t *data = e->arena + e->arena_used;
    ssize_t got = recv(c->fd, data, LOOP_BUFFER_BYTES, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) {
        return; /* stays ready */
    }
    if (got <= 0) {
        int error = got == 0 ? 0 : errno;
        ec->is_readable = false;
        link_remove(&ec->ready_link);
        if (got == 0 || error != EAGAIN) {
            conn_ended(c, error);
        }
        return;
    }
    /* A short read has emptied the socket, but the end that was reported
     * with the bytes is not reported again. */
    if (got < LOOP_BUFFER_BYTES && !ec->has_hung_up) {
        ec->is_readable = false;
        link_remove(&ec->ready_link);
    }
    e->arena_used += ((size_t)got + EPOLL_READ_ALIGN - 1) &
                     ~(size_t)(EPOLL_READ_ALIGN - 1);
    conn_received(c, data, (size_t)got);
}

/* Reads each ready conn once, as far as the arena goes. */
static void read_ready(struct epoll_loop *e)
{
    struct link conns;
    link_init(&conns);
    link_move_all(&conns, &e->ready);
    while (!link_is_alone(&conns) &&
           e->arena_used + LOOP_BUFFER_BYTES <= e->arena_bytes) {
        struct epoll_conn *ec = CONTAINER_OF(conns.next, struct epoll_conn,
                                             ready_link);
        link_remove(&ec->ready_link);
        link_add(&e->ready, &ec->ready_link);
        read_conn(e, ec);
    }
    /* Those not reached come first in the next turn. */
    while (!link_is_alone(&e->ready)) {
        struct link *k = e->ready.next;
        link_remove(k);
        link_add(&conns, k);
    }
    link_move_all(&e->ready, &conns);
}

/* ---- listeners ---- */

static bool epoll_listener_start(struct listener *li)
{
    return control(epoll_of(li->loop), EPOLL_CTL_ADD, li->fd, EPOLLIN, li,
                   EVENT_LISTENER);
}

static void epoll_listener_abort(struct listener *li)
{
    listener_released(li);
}

static void accept_ready(struct epoll_loop *e, struct listener *li)
{
    for (int i = 0; i < EPOLL_ACCEPTS_MAX && !li->is_closing; i++) {
        int fd = accept4(li->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener_accepted(li, fd);
            continue;
        }
        int error = errno;
        if (error == EAGAIN) {
            return;
        }
        if (listener_failed(li, error)) {
            epoll_ctl(e->fd, EPOLL_CTL_DEL, li->fd, NULL);
            return;
        }
    }
}

/* ---- the turn ---- */

static int wait_for_events(struct epoll_loop *e, int64_t timeout_us)
{
    if (timeout_us > 0 && e->has_pwait2) {
        struct timespec ts = {.tv_sec = timeout_us / 1000000,
                              .tv_nsec = timeout_us % 1000000 * 1000};
        int n = epoll_pwait2(e->fd, e->events, EPOLL_EVENTS_MAX, &ts, NULL);
        if (n >= 0 || errno == EINTR) {
            return n;
        }
        e->has_pwait2 = false; /* an old kernel, or a filter */
    }
    int64_t timeout_ms = timeout_us < 0 ? -1 : (timeout_us + 999) / 1000;
    if (timeout_ms > INT32_MAX) {
        timeout_ms = INT32_MAX;
    }
    return epoll_wait(e->fd, e->events, EPOLL_EVENTS_MAX, (int)timeout_ms);
}

static void dispatch(struct epoll_loop *e, const struct epoll_event *ev)
{
    void *object = (void *)(uintptr_t)(ev->data.u64 &
                                       ~(uint64_t)EVENT_KIND_MASK);
    switch ((enum event_kind)(ev->data.u64 & EVENT_KIND_MASK)) {
    case EVENT_CONN:
        conn_event(e, object, ev->events);
        break;
    case EVENT_LISTENER:
        accept_ready(e, object);
        break;
    case EVENT_WAKE: {
        uint64_t value;
        ssize_t rc = read(e->base.wake_fd, &value, sizeof value);
        (void)rc; /* it is there to make the loop turn, nothing else */
        break;
    }
    case EVENT_KIND_MASK:
        assert(false);
    }
}

static void epoll_poll(struct loop *l, int64_t timeout_us)
{
    struct epoll_loop *e = epoll_of(l);
    int n = wait_for_events(e, link_is_alone(&e->ready) ? timeout_us : 0);
    loop_awake(l);
    for (int i = 0; i < n; i++) {
        dispatch(e, &e->events[i]);
    }
    read_ready(e);
}

static size_t whole_buffers(size_t bytes)
{
    return (bytes + LOOP_BUFFER_BYTES - 1) & ~(size_t)(LOOP_BUFFER_BYTES - 1);
}

/* A burst's memory goes back when no turn of a whole period came near it. */
static void trim_arena(struct epoll_loop *e)
{
    size_t keep = 2 * whole_buffers(e->arena_recent) + EPOLL_ARENA_KEEP;
    if (keep < e->arena_charged
        && madvise(e->arena + keep, e->arena_charged - keep, MADV_DONTNEED)
               == 0) {
        mem_charge(e->base.account, -(ptrdiff_t)(e->arena_charged - keep));
        e->arena_charged = keep;
    }
    e->arena_recent = 0;
    e->arena_trim_us = e->base.now_us + EPOLL_TRIM_PERIOD_US;
}

static void epoll_end_turn(struct loop *l)
{
    struct epoll_loop *e = epoll_of(l);
    if (e->arena_used > e->arena_recent) {
        e->arena_recent = e->arena_used;
    }
    if (__builtin_expect(e->arena_used > e->arena_charged, 0)) {
        size_t bytes = whole_buffers(e->arena_used);
        mem_charge(l->account, (ptrdiff_t)(bytes - e->arena_charged));
        e->arena_charged = bytes;
    }
    if (__builtin_expect(l->now_us >= e->arena_trim_us, 0)) {
        trim_arena(e);
    }
    e->arena_used = 0;
}

static void epoll_nothing(struct loop *l)
{
    (void)l;
}

static void epoll_free(struct epoll_loop *e)
{
    if (e->fd >= 0) {
        close(e->fd);
    }
    if (e->arena != NULL) {
        munmap(e->arena, e->arena_bytes);
        mem_charge(e->base.account, -(ptrdiff_t)e->arena_charged);
    }
}

static void epoll_close(struct loop *l)
{
    epoll_free(epoll_of(l));
}

static const struct loop_ops epoll_ops = {
    .name = "epoll",
    .conn_bytes = sizeof(struct epoll_conn),
    .listener_bytes = sizeof(struct listener),
    .start = epoll_nothing,
    .poll = epoll_poll,
    .end_turn = epoll_end_turn,
    .stop = epoll_nothing,
    .conn_start = epoll_conn_start,
    .conn_update = epoll_conn_update,
    .conn_send = epoll_conn_send,
    .conn_abort = epoll_conn_abort,
    .listener_start = epoll_listener_start,
    .listener_abort = epoll_listener_abort,
    .close = epoll_close,
};

static enum status epoll_init(struct epoll_loop *e)
{
    if (mem_must_fail(e->base.account)) {
        return ST_NOMEM;
    }
    void *arena = mmap(NULL, e->arena_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED) {
        return ST_NOMEM;
    }
    e->arena = arena;
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    e->base.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->fd < 0 || e->base.wake_fd < 0 ||
        !control(e, EPOLL_CTL_ADD, e->base.wake_fd, EPOLLIN, NULL,
                 EVENT_WAKE)) {
        return ST_IO;
    }
    return ST_OK;
}

enum status loop_epoll_open(const struct loop_options *o, struct loop **out)
{
    struct epoll_loop *e = mem_alloc_zeroed(o->account, sizeof *e);
    if (e == NULL) {
        return ST_NOMEM;
    }
    e->base.account = o->account;
    e->base.ops = &epoll_ops;
    e->base.wake_fd = -1;
    e->fd = -1;
    e->has_pwait2 = true;
    e->arena_bytes = (size_t)o->buffer_count * LOOP_BUFFER_BYTES;
    link_init(&e->ready);
    enum status st = epoll_init(e);
    if (st != ST_OK) {
        if (e->base.wake_fd >= 0) {
            close(e->base.wake_fd);
        }
        epoll_free(e);
        mem_free(o->account, e);
        return st;
    }
    *out = &e->base;
    return ST_OK;
}
