/* loop: one event loop a worker, completion-shaped: it hands over bytes that
 * have come and takes bytes to be sent. loop_uring.c is native (multishot
 * receive into provided buffers, one submit a turn); loop_epoll.c emulates it.
 * Both keep this contract exactly; loop.c dispatches.
 *
 * A turn: wait (bounded by timers and background) -> hand over completions
 * (on_data, on_closed ...) -> on_turn once, where the owner runs what came in
 * and queues sends -> background work -> send what was queued.
 *
 * Threads: a loop and its conns belong to one thread; only loop_wake may be
 * called from elsewhere. */
#ifndef ENGRAM_NET_LOOP_H
#define ENGRAM_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chain.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/status.h"

enum loop_engine { LOOP_AUTO, LOOP_URING, LOOP_EPOLL };

struct loop;
struct conn; /* a connected stream socket on a loop */

struct loop_handlers {
    /* `data` is valid until on_turn returns. Several may come in a turn. */
    void (*on_data)(void *conn_arg, struct slice data);
    /* The peer has shut its side, or the socket failed (error: errno, 0 for a
     * clean end). No more on_data. The owner decides when to conn_close. */
    void (*on_end)(void *conn_arg, int error);
    /* `bytes` left the conn's chain for the kernel. What is sent while the
     * chain is short (<= 16 KB) may be told as late as in the next turn that
     * happens for any reason. May be NULL, as all below. */
    void (*on_sent)(void *conn_arg, size_t bytes);
    /* After conn_close, when the kernel has let go of every buffer: the owner
     * may free its side; the conn is gone. */
    void (*on_closed)(void *conn_arg);
    /* A listener's new socket, non-blocking; the callee owns fd. */
    void (*on_accept)(void *listener_arg, int fd);
    /* accept failed for want of descriptors or memory (errno); the listener
     * rests for 100 ms and goes on. */
    void (*on_accept_error)(void *listener_arg, int error);
    /* Once a turn, after all of the above. */
    void (*on_turn)(void *loop_arg);
    /* Background work in a slice of its own choosing (<= 200 us): returns after
     * how many microseconds it wants to run again; 0: at once, after the next
     * poll for completions; INT64_MAX: not before loop_background_soon. */
    int64_t (*on_background)(void *loop_arg);
};

struct loop_options {
    enum loop_engine engine; /* AUTO: io_uring where it works, else epoll */
    uint32_t buffer_count;   /* receive buffers of LOOP_BUFFER_BYTES at most;
                                a power of two; charged as they are used */
    struct mem_account *account;
};

enum { LOOP_BUFFER_BYTES = 16 * 1024 };

/* ST_UNSUPPORTED: the asked engine is not available here. */
STATUS_CHECKED enum status loop_create(const struct loop_options *o,
                                       const struct loop_handlers *h,
                                       void *loop_arg, struct loop **out);
/* Closes what is open (on_closed is called for each conn). */
void loop_destroy(struct loop **l);
const char *loop_engine_name(const struct loop *l); /* "io_uring", "epoll" */

/* Turns until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l); /* from the loop's own thread */
/* Makes the loop turn soon; any thread, async-signal-safe. */
void loop_wake(struct loop *l);
/* Does it wait, and nobody has woken it? Any thread. */
bool loop_is_asleep(const struct loop *l);
/* on_background is to run in this turn, or in the next one, whatever it said
 * last; from the loop's own thread. */
void loop_background_soon(struct loop *l);
/* The time read at the start of this turn. */
int64_t loop_now_us(const struct loop *l); /* monotonic */
int64_t loop_wall_ms(const struct loop *l);

/* Takes fd (non-blocking stream). Starts to receive. NULL: out of memory, fd
 * still the caller's. */
struct conn *conn_open(struct loop *l, int fd, void *conn_arg);
/* The conn's bytes on their way out: append here at any time in on_turn (or any
 * callback), then conn_flush. */
struct chain *conn_out(struct conn *c);
void conn_init_out(struct conn *c, struct chunk_pool *pool);
/* Sends what is in the chain at the end of this turn, and goes on until it is
 * empty. Cheap to call again. */
void conn_flush(struct conn *c);
/* Stops (starts) receiving; what the kernel had already handed over may still
 * come. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/* Begins to close; `after_flush`: once the chain is empty (bounded by
 * the owner, who may call again with false). Of the callbacks only on_sent
 * (until the chain is empty) and on_closed still come, on_closed in a later
 * turn, when the conn has been freed. */
void conn_close(struct conn *c, bool after_flush);
int conn_fd(const struct conn *c);

/* Listening sockets: fd is bound and listening; taken. */
struct listener;
struct listener *listener_open(struct loop *l, int fd, void *listener_arg);
void listener_close(struct listener **l);

/* Timers: coarse (1 ms), one-shot, intrusive; fire in on_turn's turn, before
 * on_turn. A timer may be started again from its own callback, which does not
 * fail (before others are) and fires in a later turn. ST_NOMEM otherwise. */
struct timer {
    int64_t due_us;
    void (*fire)(void *arg);
    void *arg;
    uint32_t heap_index; /* UINT32_MAX: not started */
};
void timer_init(struct timer *t, void (*fire)(void *arg), void *arg);
STATUS_CHECKED enum status timer_start(struct loop *l, struct timer *t,
                                       int64_t after_us);
void timer_stop(struct loop *l, struct timer *t);

#endif
