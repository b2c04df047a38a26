/* loop_libevent: a connection on a libevent base, which a program has for its
 * other work: here, a timer that counts every ten milliseconds.
 *
 *   loop_libevent [URL] */
#include <stdio.h>

#include <engram/adapters/libevent.h>

struct program {
    struct event_base *base;
    struct event *ticker;
    struct engram_conn *conn;
    struct engram_libevent *adapter;
    int answered;
};

enum { TICKS = 5 };

static void stop(struct program *p)
{
    engram_libevent_detach(&p->adapter);
    engram_conn_destroy(&p->conn);
    event_base_loopbreak(p->base);
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct program *p = arg;
    (void)c;
    (void)reply;
    if (st == ENGRAM_OK && ++p->answered == TICKS) {
        stop(p);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct program *p = arg;
    (void)fd;
    (void)what;
    (void)engram_send(p->conn, NULL, on_reply, p, "INCR loop:ticks");
}

/* A server that is not there ends the program. */
static void on_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms, void *arg)
{
    (void)why;
    (void)retry_ms;
    fprintf(stderr, "loop_libevent: %s\n", engram_conn_error(c));
    stop(arg);
}

int main(int argc, char **argv)
{
    struct program p = { .base = event_base_new() };
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.on_disconnected = on_disconnected;
    o.arg = &p;
    p.conn = engram_conn_create(&o, NULL);
    p.adapter = p.conn == NULL ? NULL : engram_libevent_attach(p.conn, p.base);
    p.ticker = event_new(p.base, -1, EV_PERSIST, on_tick, &p);
    if (p.adapter == NULL || p.ticker == NULL ||
        engram_conn_open(p.conn) != ENGRAM_OK) {
        return 1;
    }
    const struct timeval ten_ms = { .tv_usec = 10000 };
    event_add(p.ticker, &ten_ms);
    event_base_dispatch(p.base);
    event_free(p.ticker);
    event_base_free(p.base);
    printf("answered %d of %d\n", p.answered, TICKS);
    return p.answered == TICKS ? 0 : 1;
}
