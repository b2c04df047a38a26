/* loop_libuv: a connection on a libuv loop, which a program has for its other
 * work: here, a timer that counts every ten milliseconds.
 *
 *   loop_libuv [URL] */
#include <stdio.h>

#include <engram/adapters/libuv.h>

struct program {
    uv_timer_t ticker;
    struct engram_conn *conn;
    struct engram_libuv *adapter;
    int answered;
};

enum { TICKS = 5 };

static void stop(struct program *p)
{
    uv_close((uv_handle_t *)&p->ticker, NULL);
    engram_libuv_detach(&p->adapter);
    engram_conn_destroy(&p->conn);
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

static void on_tick(uv_timer_t *ticker)
{
    struct program *p = ticker->data;
    (void)engram_send(p->conn, NULL, on_reply, p, "INCR loop:ticks");
}

/* A server that is not there ends the program. */
static void on_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms, void *arg)
{
    (void)why;
    (void)retry_ms;
    fprintf(stderr, "loop_libuv: %s\n", engram_conn_error(c));
    stop(arg);
}

int main(int argc, char **argv)
{
    struct program p = { .answered = 0 };
    uv_loop_t *loop = uv_default_loop();
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.on_disconnected = on_disconnected;
    o.arg = &p;
    p.conn = engram_conn_create(&o, NULL);
    p.adapter = p.conn == NULL ? NULL : engram_libuv_attach(p.conn, loop);
    if (p.adapter == NULL || engram_conn_open(p.conn) != ENGRAM_OK) {
        return 1;
    }
    uv_timer_init(loop, &p.ticker);
    p.ticker.data = &p;
    uv_timer_start(&p.ticker, on_tick, 0, 10);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("answered %d of %d\n", p.answered, TICKS);
    return uv_loop_close(loop) == 0 && p.answered == TICKS ? 0 : 1;
}
