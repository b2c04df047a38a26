/* libuv: a connection on a libuv loop. Include it where it is used; the library
 * itself does not know libuv.
 *
 * A handle of libuv is freed only by its close callback, so each socket has one
 * of its own and the adapter outlives them until the loop has closed them. */
#ifndef ENGRAM_ADAPTERS_LIBUV_H
#define ENGRAM_ADAPTERS_LIBUV_H

#include <stdlib.h>

#include <uv.h>

#include <engram/engram.h>

struct engram_libuv {
    uv_timer_t timer;
    uv_poll_t *poll; /* NULL: there is no socket */
    struct engram_conn *conn;
};

static inline void engram_libuv_on_poll(uv_poll_t *poll, int status, int events)
{
    struct engram_libuv *a = (struct engram_libuv *)poll->data;
    unsigned ready = 0;
    /* An error shows when the socket is read. */
    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))) {
        ready |= ENGRAM_READABLE;
    }
    if (events & UV_WRITABLE) {
        ready |= ENGRAM_WRITABLE;
    }
    if (a->conn != NULL) {
        engram_conn_on_ready(a->conn, ready);
    }
}

static inline void engram_libuv_on_timer(uv_timer_t *timer)
{
    struct engram_libuv *a = (struct engram_libuv *)timer->data;
    if (a->conn != NULL) {
        engram_conn_on_timer(a->conn);
    }
}

static inline void engram_libuv_free(uv_handle_t *handle)
{
    free(handle);
}

static inline void engram_libuv_free_adapter(uv_handle_t *handle)
{
    free(handle->data);
}

static inline void engram_libuv_close_poll(struct engram_libuv *a)
{
    if (a->poll != NULL) {
        uv_poll_stop(a->poll);
        uv_close((uv_handle_t *)a->poll, engram_libuv_free);
        a->poll = NULL;
    }
}

/* Out of memory, the socket goes unwatched and the connection's timeouts end
 * it. */
static inline void engram_libuv_watch(struct engram_libuv *a, int fd,
                                      unsigned events)
{
    if (a->poll == NULL) {
        a->poll = (uv_poll_t *)malloc(sizeof *a->poll);
        if (a->poll == NULL) {
            return;
        }
        if (uv_poll_init(a->timer.loop, a->poll, fd) != 0) {
            free(a->poll);
            a->poll = NULL;
            return;
        }
        a->poll->data = a;
    }
    uv_poll_start(a->poll,
                  (events & ENGRAM_READABLE ? UV_READABLE : 0) |
                      (events & ENGRAM_WRITABLE ? UV_WRITABLE : 0),
                  engram_libuv_on_poll);
}

static inline void engram_libuv_on_wish(struct engram_conn *c, void *arg)
{
    struct engram_libuv *a = (struct engram_libuv *)arg;
    struct engram_wish w = engram_conn_wish(c);
    if (w.fd < 0) {
        engram_libuv_close_poll(a);
    } else {
        engram_libuv_watch(a, w.fd, w.events);
    }
    if (w.wake_at_ms < 0) {
        uv_timer_stop(&a->timer);
        return;
    }
    int64_t left = w.wake_at_ms - (int64_t)(uv_hrtime() / 1000000);
    uv_update_time(a->timer.loop);
    uv_timer_start(&a->timer, engram_libuv_on_timer,
                   left > 0 ? (uint64_t)left : 0, 0);
}

/* NULL: out of memory. */
static inline struct engram_libuv *engram_libuv_attach(struct engram_conn *c,
                                                       uv_loop_t *loop)
{
    struct engram_libuv *a = (struct engram_libuv *)malloc(sizeof *a);
    if (a != NULL) {
        uv_timer_init(loop, &a->timer);
        a->timer.data = a;
        a->poll = NULL;
        a->conn = c;
        engram_conn_attach(c, engram_libuv_on_wish, a);
    }
    return a;
}

/* Before the connection is destroyed; in one of its callbacks too. The loop must
 * run once more to free what this closes. */
static inline void engram_libuv_detach(struct engram_libuv **adapter)
{
    struct engram_libuv *a = *adapter;
    *adapter = NULL;
    if (a == NULL) {
        return;
    }
    engram_conn_attach(a->conn, NULL, NULL);
    a->conn = NULL;
    engram_libuv_close_poll(a);
    uv_timer_stop(&a->timer);
    uv_close((uv_handle_t *)&a->timer, engram_libuv_free_adapter);
}

/* ---- for those who make connections by themselves ---- */

static inline enum engram_status engram_libuv_hook_attach(struct engram_conn *c,
                                                          void *loop)
{
    return engram_libuv_attach(c, (uv_loop_t *)loop) != NULL ? ENGRAM_OK
                                                             : ENGRAM_NOMEM;
}

static inline void engram_libuv_hook_detach(struct engram_conn *c, void *loop)
{
    struct engram_libuv *a = (struct engram_libuv *)engram_conn_loop(c);
    (void)loop;
    engram_libuv_detach(&a);
}

static inline struct engram_hooks engram_libuv_hooks(uv_loop_t *loop)
{
    struct engram_hooks hooks = { engram_libuv_hook_attach,
                                  engram_libuv_hook_detach, loop };
    return hooks;
}

#endif
