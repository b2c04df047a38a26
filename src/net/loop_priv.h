/* loop_priv: what loop.c and the engines share.
 *
 * The contract is kept by loop.c: the order of a turn, which callbacks a conn
 * may still make, when it may be freed. An engine moves bytes: it waits, calls
 * conn_received and its kin, and says conn_released when the kernel holds
 * nothing of a conn any more.
 *
 * A conn's life: open -> (ended: on_end has been called) -> (draining: closes
 * when its chain is empty; only on_sent may still come) -> closing (only
 * on_closed may still come) -> released (fd closed) -> on_closed and freed at
 * the start of the next turn, so that no callback on the stack, and no event
 * already fetched, meets freed memory. */
#ifndef ENGRAM_NET_LOOP_PRIV_H
#define ENGRAM_NET_LOOP_PRIV_H

#include <assert.h>
#include <stdatomic.h>

#include "net/loop.h"

/* A ring of intrusive links; a link alone points to itself. */
struct link {
    struct link *prev, *next;
};

#define CONTAINER_OF(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static inline void link_init(struct link *k)
{
    k->prev = k->next = k;
}

static inline bool link_is_alone(const struct link *k)
{
    return k->next == k;
}

static inline void link_add(struct link *list, struct link *k)
{
    k->prev = list->prev;
    k->next = list;
    list->prev->next = k;
    list->prev = k;
}

static inline void link_remove(struct link *k)
{
    k->prev->next = k->next;
    k->next->prev = k->prev;
    link_init(k);
}

/* Moves all of `from` into the empty `to`. */
static inline void link_move_all(struct link *to, struct link *from)
{
    assert(link_is_alone(to));
    if (link_is_alone(from)) {
        return;
    }
    *to = *from;
    to->prev->next = to;
    to->next->prev = to;
    link_init(from);
}

struct timer_slot {
    int64_t due_us;
    struct timer *timer;
};

/* A binary heap by due time; each timer knows its slot. Never shrinks. */
struct timer_heap {
    struct mem_account *account;
    struct timer_slot *slots;
    uint32_t count, capacity;
};

void timer_heap_init(struct timer_heap *h, struct mem_account *a);
void timer_heap_deinit(struct timer_heap *h);
/* INT64_MAX: none. */
int64_t timer_heap_next_due(const struct timer_heap *h);
/* Fires what is due at now_us. */
void timer_heap_fire(struct timer_heap *h, int64_t now_us);

/* What loop_wake and the waiting loop tell each other. */
enum wake_state { LOOP_AWAKE, LOOP_ASLEEP, LOOP_NOTIFIED };

enum {
    LOOP_SEND_VECTORS = 16,
    LOOP_ACCEPT_REST_MS = 100,
    LOOP_WALL_REFRESH_US = 1000,
};

struct loop_ops {
    const char *name;
    size_t conn_bytes, listener_bytes; /* the engine's, the base first */
    /* loop_run begins and ends, on the loop's thread; stop pushes out what was
     * queued, without waiting. */
    void (*start)(struct loop *l);
    void (*stop)(struct loop *l);
    /* Waits at most timeout_us (< 0: for ever, 0: not at all), calls
     * loop_awake, hands over what has come. */
    void (*poll)(struct loop *l, int64_t timeout_us);
    /* on_turn is over and sends are queued: receive buffers may be reused. */
    void (*end_turn)(struct loop *l);
    /* The conn is new; receives. False: the kernel refused. */
    bool (*conn_start)(struct conn *c);
    /* Starts or stops receiving as conn_wants_data says. */
    void (*conn_update)(struct conn *c);
    /* Sends what is in the chain, unless it is at it already. */
    void (*conn_send)(struct conn *c);
    /* Gives up all that is under way, then conn_released. */
    void (*conn_abort)(struct conn *c);
    bool (*listener_start)(struct listener *li);
    /* Gives up, then listener_released. */
    void (*listener_abort)(struct listener *li);
    /* Frees the engine's parts; the kernel lets go of all. */
    void (*close)(struct loop *l);
};

struct loop {
    struct loop_handlers handlers;
    void *arg;
    struct mem_account *account;
    const struct loop_ops *ops;
    bool is_stopping;
    int64_t background_due_us; /* INT64_MAX: when it is asked for */
    int64_t now_us, wall_ms;
    int64_t wall_offset_us, wall_read_us; /* wall - monotonic, and when read */
    struct timer_heap timers;
    struct link conns;
    struct link flushes;   /* conns with something to send, by flush_link */
    struct link released;  /* conns to be freed, by flush_link */
    struct link listeners;
    struct link released_listeners;
    uint32_t resting_listeners;
    int wake_fd;           /* an eventfd, the engine waits for it */
    /* any thread: exchange in loop_wake (release), in the loop (acquire) */
    _Atomic(uint32_t) wake_state;
};

struct conn {
    struct loop *loop;
    void *arg;
    struct chain out;
    struct link conn_link;
    struct link flush_link;
    int fd;
    bool is_paused;
    bool has_ended;   /* no more to receive */
    bool has_failed;  /* no more can be sent */
    bool is_draining; /* close once the chain is empty */
    bool is_closing;
};

struct listener {
    struct loop *loop;
    void *arg;
    struct link listener_link;
    int fd;
    bool is_closing;
    int64_t rest_until_us; /* 0: not resting */
};

/* engine -> loop.c */

/* The wait is over: reads the time. */
void loop_awake(struct loop *l);

static inline bool conn_wants_data(const struct conn *c)
{
    return !c->is_paused && !c->has_ended && !c->is_draining && !c->is_closing;
}

static inline void conn_received(struct conn *c, const void *data, size_t len)
{
    if (!c->has_ended && !c->is_draining && !c->is_closing) {
        c->loop->handlers.on_data(c->arg, slice_of(data, len));
    }
}

/* End of the peer's bytes (error 0) or a failure to receive. */
void conn_ended(struct conn *c, int error);
/* n bytes of the chain have left. */
void conn_sent(struct conn *c, size_t n);
/* A send has failed for good. */
void conn_send_failed(struct conn *c, int error);
/* The kernel holds nothing of a closing conn: closes its fd. */
void conn_released(struct conn *c);
void listener_accepted(struct listener *li, int fd);
/* True: it was want of descriptors or memory; the listener rests, and
 * listener_start follows in 100 ms. False: try again at once. */
bool listener_failed(struct listener *li, int error);
void listener_released(struct listener *li);

/* The engines; ST_UNSUPPORTED, ST_NOMEM. `l` comes back with what the engine
 * owns filled in (ops, wake_fd), to be completed by loop_create. */
#ifdef ENGRAM_URING
enum status loop_uring_open(const struct loop_options *o, struct loop **out);
#endif
enum status loop_epoll_open(const struct loop_options *o, struct loop **out);

#endif
