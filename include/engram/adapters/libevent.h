/* libevent: a connection on a libevent base. Include it where it is used; the
 * library itself does not know libevent. */
#ifndef ENGRAM_ADAPTERS_LIBEVENT_H
#define ENGRAM_ADAPTERS_LIBEVENT_H

#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include <engram/engram.h>

struct engram_libevent {
    struct event_base *base;
    struct event *socket; /* NULL: there is none */
    struct event *timer;
    unsigned events; /* that the socket is watched for */
    struct engram_conn *conn;
};

static inline void engram_libevent_on_socket(evutil_socket_t fd, short what,
                                             void *arg)
{
    struct engram_libevent *a = (struct engram_libevent *)arg;
    unsigned ready = (what & EV_READ ? (unsigned)ENGRAM_READABLE : 0u) |
                     (what & EV_WRITE ? (unsigned)ENGRAM_WRITABLE : 0u);
    (void)fd;
    engram_conn_on_ready(a->conn, ready);
}

static inline void engram_libevent_on_timer(evutil_socket_t fd, short what,
                                            void *arg)
{
    struct engram_libevent *a = (struct engram_libevent *)arg;
    (void)fd;
    (void)what;
    engram_conn_on_timer(a->conn);
}

static inline void engram_libevent_forget(struct engram_libevent *a)
{
    if (a->socket != NULL) {
        event_free(a->socket);
        a->socket = NULL;
        a->events = 0;
    }
}

/* Out of memory, the socket goes unwatched and the connection's timeouts end
 * it. */
static inline void engram_libevent_watch(struct engram_libevent *a, int fd,
                                         unsigned events)
{
    if (a->socket != NULL && a->events == events) {
        return;
    }
    engram_libevent_forget(a);
    short what = (short)(EV_PERSIST | (events & ENGRAM_READABLE ? EV_READ : 0) |
                         (events & ENGRAM_WRITABLE ? EV_WRITE : 0));
    a->socket = event_new(a->base, fd, what, engram_libevent_on_socket, a);
    if (a->socket != NULL) {
        a->events = events;
        event_add(a->socket, NULL);
    }
}

static inline void engram_libevent_on_wish(struct engram_conn *c, void *arg)
{
    struct engram_libevent *a = (struct engram_libevent *)arg;
    struct engram_wish w = engram_conn_wish(c);
    if (w.fd < 0) {
        engram_libevent_forget(a);
    } else {
        engram_libevent_watch(a, w.fd, w.events);
    }
    if (w.wake_at_ms < 0) {
        event_del(a->timer);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left = w.wake_at_ms - (int64_t)now.tv_sec * 1000 -
                   (int64_t)now.tv_nsec / 1000000;
    left = left > 0 ? left : 0;
    struct timeval wait;
    wait.tv_sec = (time_t)(left / 1000);
    wait.tv_usec = (suseconds_t)(left % 1000 * 1000);
    event_add(a->timer, &wait);
}

/* NULL: out of memory. */
static inline struct engram_libevent *
engram_libevent_attach(struct engram_conn *c, struct event_base *base)
{
    struct engram_libevent *a = (struct engram_libevent *)malloc(sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->timer = event_new(base, -1, 0, engram_libevent_on_timer, a);
    if (a->timer == NULL) {
        free(a);
        return NULL;
    }
    a->base = base;
    a->socket = NULL;
    a->events = 0;
    a->conn = c;
    engram_conn_attach(c, engram_libevent_on_wish, a);
    return a;
}

/* Before the connection is destroyed; in one of its callbacks too. */
static inline void engram_libevent_detach(struct engram_libevent **adapter)
{
    struct engram_libevent *a = *adapter;
    *adapter = NULL;
    if (a != NULL) {
        engram_conn_attach(a->conn, NULL, NULL);
        engram_libevent_forget(a);
        event_free(a->timer);
        free(a);
    }
}

/* ---- for those who make connections by themselves ---- */

static inline enum engram_status
engram_libevent_hook_attach(struct engram_conn *c, void *base)
{
    return engram_libevent_attach(c, (struct event_base *)base) != NULL
               ? ENGRAM_OK
               : ENGRAM_NOMEM;
}

static inline void engram_libevent_hook_detach(struct engram_conn *c,
                                               void *base)
{
    struct engram_libevent *a = (struct engram_libevent *)engram_conn_loop(c);
    (void)base;
    engram_libevent_detach(&a);
}

static inline struct engram_hooks engram_libevent_hooks(struct event_base *base)
{
    struct engram_hooks hooks = { engram_libevent_hook_attach,
                                  engram_libevent_hook_detach, base };
    return hooks;
}

#endif
