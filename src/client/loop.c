/* loop: poll(2) over a few connections. Each turn asks every connection for its
 * wish, so nothing has to be kept in step. */
#include "client/conn_priv.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"

enum { CONNS_MIN = 8 };

struct engram_loop {
    struct mem_account account;
    struct engram_conn **conns; /* NULL: it left during this turn */
    struct pollfd *polled;      /* as many as conns */
    size_t count, cap;
    bool is_stopped;
};

struct engram_loop *engram_loop_create(void)
{
    struct mem_account start;
    mem_account_init(&start);
    struct engram_loop *loop = mem_alloc_zeroed(&start, sizeof *loop);
    if (loop != NULL) {
        mem_account_init(&loop->account);
        mem_hand_over(&start, &loop->account, loop);
    }
    return loop;
}

void engram_loop_destroy(struct engram_loop **l)
{
    struct engram_loop *loop = *l;
    *l = NULL;
    if (loop == NULL) {
        return;
    }
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->conns[i] != NULL) {
            loop->conns[i]->home = NULL;
        }
    }
    mem_free(&loop->account, loop->conns);
    mem_free(&loop->account, loop->polled);
    struct mem_account end;
    mem_account_init(&end);
    mem_hand_over(&loop->account, &end, loop);
    mem_free(&end, loop);
}

static bool make_room(struct engram_loop *loop)
{
    if (loop->count < loop->cap) {
        return true;
    }
    size_t cap = loop->cap == 0 ? CONNS_MIN : loop->cap * 2;
    struct engram_conn **conns = mem_realloc(&loop->account, loop->conns,
                                             cap * sizeof conns[0]);
    if (conns == NULL) {
        return false;
    }
    loop->conns = conns;
    struct pollfd *polled =
        mem_realloc(&loop->account, loop->polled, cap * sizeof polled[0]);
    if (polled == NULL) {
        return false;
    }
    loop->polled = polled;
    loop->cap = cap;
    return true;
}

enum engram_status engram_loop_add(struct engram_loop *loop,
                                   struct engram_conn *c)
{
    if (c->home != NULL || c->on_wish != NULL) {
        return ENGRAM_INVALID;
    }
    if (!make_room(loop)) {
        return ENGRAM_NOMEM;
    }
    loop->conns[loop->count++] = c;
    c->home = loop;
    return ENGRAM_OK;
}

void loop_remove(struct engram_loop *loop, struct engram_conn *c)
{
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->conns[i] == c) {
            loop->conns[i] = NULL;
        }
    }
    c->home = NULL;
}

static void close_gaps(struct engram_loop *loop)
{
    size_t n = 0;
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->conns[i] != NULL) {
            loop->conns[n++] = loop->conns[i];
        }
    }
    loop->count = n;
}

static struct pollfd polled_of(const struct engram_wish *w)
{
    return (struct pollfd){
        .fd = w->fd,
        .events = (short)((w->events & ENGRAM_READABLE ? POLLIN : 0) |
                          (w->events & ENGRAM_WRITABLE ? POLLOUT : 0)),
    };
}

/* How long poll may wait, with a timer and a caller that both have an opinion. */
static int shorter(int timeout_ms, int64_t wake_at_ms, int64_t now_ms)
{
    if (wake_at_ms < 0) {
        return timeout_ms;
    }
    int64_t left = wake_at_ms > now_ms ? wake_at_ms - now_ms : 0;
    left = left < INT_MAX ? left : INT_MAX;
    return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

static void handle(struct engram_conn *c, short revents)
{
    unsigned events = 0;
    /* An error or the other end's hanging up shows when it is read. */
    if (revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) {
        events |= ENGRAM_READABLE;
    }
    if (revents & POLLOUT) {
        events |= ENGRAM_WRITABLE;
    }
    if (events != 0) {
        engram_conn_on_ready(c, events);
    } else {
        engram_conn_on_timer(c);
    }
}

/* Polls `count` connections once. `conns` is read anew for each, since callbacks
 * may change it. */
static enum engram_status turn(struct engram_conn **const *conns,
                               struct pollfd **polled, size_t count,
                               int timeout_ms)
{
    int64_t now_ms = clock_monotonic_us() / 1000;
    for (size_t i = 0; i < count; i++) {
        engram_conn_flush((*conns)[i]);
        struct engram_wish w = engram_conn_wish((*conns)[i]);
        (*polled)[i] = polled_of(&w);
        timeout_ms = shorter(timeout_ms, w.wake_at_ms, now_ms);
    }
    if (poll(*polled, (nfds_t)count, timeout_ms) < 0) {
        return errno == EINTR ? ENGRAM_OK : ENGRAM_IO;
    }
    now_ms = clock_monotonic_us() / 1000;
    for (size_t i = 0; i < count; i++) {
        struct engram_conn *c = (*conns)[i];
        if (c == NULL) {
            continue;
        }
        int64_t wake = engram_conn_wish(c).wake_at_ms;
        if ((*polled)[i].revents != 0 || (wake >= 0 && wake <= now_ms)) {
            handle(c, (*polled)[i].revents);
        }
    }
    return ENGRAM_OK;
}

enum engram_status engram_loop_turn(struct engram_loop *loop, int timeout_ms)
{
    close_gaps(loop);
    return turn(&loop->conns, &loop->polled, loop->count, timeout_ms);
}

/* One that is closed, but has an alarm, is about to be opened again. */
static bool has_open(const struct engram_loop *loop)
{
    for (size_t i = 0; i < loop->count; i++) {
        const struct engram_conn *c = loop->conns[i];
        if (c != NULL && (c->state != LINK_CLOSED ||
                          c->alarm.at_us != REQUEST_NO_DEADLINE)) {
            return true;
        }
    }
    return false;
}

enum engram_status engram_loop_run(struct engram_loop *loop)
{
    enum engram_status st = ENGRAM_OK;
    loop->is_stopped = false;
    while (st == ENGRAM_OK && !loop->is_stopped && has_open(loop)) {
        st = engram_loop_turn(loop, -1);
    }
    return st;
}

void engram_loop_stop(struct engram_loop *loop)
{
    loop->is_stopped = true;
}

enum engram_status conn_wait(struct engram_conn *c)
{
    struct pollfd one;
    struct pollfd *polled = &one;
    struct engram_conn **conns = &c;
    return turn(&conns, &polled, 1, -1);
}

/* ---- for those who make connections by themselves ---- */

static enum engram_status hook_attach(struct engram_conn *c, void *loop)
{
    return engram_loop_add(loop, c);
}

static void hook_detach(struct engram_conn *c, void *loop)
{
    loop_remove(loop, c);
}

struct engram_hooks engram_loop_hooks(struct engram_loop *loop)
{
    return (struct engram_hooks){ hook_attach, hook_detach, loop };
}
