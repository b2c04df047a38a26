/* loop: the wishes of the connections, brought to epoll.
 *
 * on_wish only takes note, as its contract says; but for a socket that is about
 * to be closed, which must be taken from epoll at once. Timers are not sorted:
 * the earliest is known, or one that was the earliest, and when it comes all
 * connections are asked. A connection's timers are seconds, so that is rare. */
#include "bench/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/memory.h"

enum { EVENTS_MAX = 256 };

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t loop_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

bool loop_init(struct loop *l, size_t cap)
{
    *l = (struct loop){.cap = cap, .wake_at_ms = INT64_MAX};
    l->fd = epoll_create1(EPOLL_CLOEXEC);
    l->watches = memory_zeroed(cap, sizeof l->watches[0]);
    l->changed = memory_zeroed(cap, sizeof(struct watch *));
    return l->fd >= 0;
}

void loop_deinit(struct loop *l)
{
    if (l->fd >= 0) {
        close(l->fd);
    }
    free(l->watches);
    free(l->changed);
    *l = (struct loop){.fd = -1};
}

/* False: the kernel refuses. */
static bool tell(struct watch *w, const struct engram_wish *wish)
{
    if (wish->fd == w->fd && (wish->fd < 0 || wish->events == w->events)) {
        return true;
    }
    int op = wish->fd < 0 ? EPOLL_CTL_DEL
             : w->fd < 0  ? EPOLL_CTL_ADD
                          : EPOLL_CTL_MOD;
    int fd = wish->fd < 0 ? w->fd : wish->fd;
    assert(w->fd < 0 || fd == w->fd);
    struct epoll_event e = {
        .events = (wish->events & ENGRAM_READABLE ? EPOLLIN : 0U)
                  | (wish->events & ENGRAM_WRITABLE ? EPOLLOUT : 0U),
        .data.ptr = w,
    };
    w->fd = wish->fd;
    w->events = wish->events;
    return epoll_ctl(w->loop->fd, op, fd, &e) == 0;
}

static void on_wish(struct engram_conn *c, void *arg)
{
    struct watch *w = arg;
    struct engram_wish wish = engram_conn_wish(c);
    if (wish.fd < 0) {
        (void)tell(w, &wish);
    }
    if (!w->is_changed) {
        w->is_changed = true;
        w->loop->changed[w->loop->changed_count++] = w;
    }
}

void loop_add(struct loop *l, struct engram_conn *c)
{
    assert(l->count < l->cap);
    struct watch *w = &l->watches[l->count++];
    *w = (struct watch){.loop = l, .conn = c, .fd = -1};
    engram_conn_attach(c, on_wish, w);
}

static bool tell_changes(struct loop *l)
{
    bool ok = true;
    for (size_t i = 0; i < l->changed_count; i++) {
        struct watch *w = l->changed[i];
        engram_conn_flush(w->conn);
        struct engram_wish wish = engram_conn_wish(w->conn);
        ok = tell(w, &wish) && ok;
        w->is_changed = false;
        if (wish.wake_at_ms >= 0 && wish.wake_at_ms < l->wake_at_ms) {
            l->wake_at_ms = wish.wake_at_ms;
        }
    }
    l->changed_count = 0;
    return ok;
}

static int wait(int fd, struct epoll_event *events, int64_t left_ns)
{
    left_ns = left_ns > 0 ? left_ns : 0;
    struct timespec left = {.tv_sec = left_ns / NS_PER_S,
                            .tv_nsec = left_ns % NS_PER_S};
    int n = epoll_pwait2(fd, events, EVENTS_MAX, &left, NULL);
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) {
        /* A kernel before 5.11, or a jail that does not know it. */
        int64_t ms = left_ns / NS_PER_MS;
        n = epoll_wait(fd, events, EVENTS_MAX,
                       ms < INT_MAX ? (int)ms : INT_MAX);
    }
    return n < 0 && errno == EINTR ? 0 : n;
}

static void run_timers(struct loop *l, int64_t now_ms)
{
    l->wake_at_ms = INT64_MAX;
    for (size_t i = 0; i < l->count; i++) {
        struct watch *w = &l->watches[i];
        int64_t at = engram_conn_wish(w->conn).wake_at_ms;
        if (at >= 0 && at <= now_ms) {
            engram_conn_on_timer(w->conn);
            at = engram_conn_wish(w->conn).wake_at_ms;
        }
        if (at >= 0 && at < l->wake_at_ms) {
            l->wake_at_ms = at;
        }
    }
}

bool loop_turn(struct loop *l, int64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    if (!tell_changes(l)) {
        return false;
    }
    if (l->wake_at_ms < until_ns / NS_PER_MS) {
        until_ns = l->wake_at_ms * NS_PER_MS;
    }
    int64_t left_ns = until_ns == LOOP_NEVER ? NS_PER_S
                                             : until_ns - loop_now_ns();
    int n = wait(l->fd, events, left_ns);
    for (int i = 0; i < n; i++) {
        struct watch *w = events[i].data.ptr;
        /* One that a callback before it has closed knows by itself. */
        unsigned ready =
            (events[i].events & EPOLLOUT ? (unsigned)ENGRAM_WRITABLE : 0U)
            | (events[i].events & ~(unsigned)EPOLLOUT
                   ? (unsigned)ENGRAM_READABLE
                   : 0U);
        engram_conn_on_ready(w->conn, ready);
    }
    int64_t now_ms = loop_now_ns() / NS_PER_MS;
    if (now_ms >= l->wake_at_ms) {
        run_timers(l, now_ms);
    }
    return n >= 0;
}
