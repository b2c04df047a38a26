/* reconnect: what becomes of commands when a connection breaks. The program has
 * the server close its connection in the midst of a pipeline. What is marked
 * idempotent is sent again on the next connection and answered; the rest is told
 * whether it may have been executed.
 *
 *   reconnect [URL] */
#include <stdio.h>

#include <engram/engram.h>

struct play {
    struct engram_loop *loop;
    int connections;
};

static void on_connected(struct engram_conn *c, void *arg)
{
    struct play *p = arg;
    (void)c;
    p->connections++;
    printf("connected, time %d\n", p->connections);
}

static void on_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms, void *arg)
{
    (void)arg;
    printf("ended: %s\n", engram_status_text(why));
    if (retry_ms < 0 && why != ENGRAM_OK) {
        fprintf(stderr, "reconnect: %s\n", engram_conn_error(c));
    }
}

/* `arg` is the command's name. Callbacks come exactly once, so this is the one
 * place that needs to know. */
static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    (void)c;
    printf("%s: %s\n", (const char *)arg,
           st == ENGRAM_OK ? engram_reply_text(reply, NULL)
                           : engram_status_text(st));
}

static void on_last(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    on_reply(c, st, reply, arg);
    engram_conn_finish(c);
}

int main(int argc, char **argv)
{
    char set[] = "set", quit[] = "quit", incr[] = "incr", get[] = "get";
    struct play p = { .loop = engram_loop_create() };
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.on_connected = on_connected;
    o.on_disconnected = on_disconnected;
    o.attempts_max = 3;
    o.arg = &p;
    struct engram_conn *c = engram_conn_create(&o, NULL);
    const struct engram_how again = { .flags = ENGRAM_IDEMPOTENT };
    int ok = p.loop != NULL && c != NULL &&
             engram_loop_add(p.loop, c) == ENGRAM_OK &&
             engram_conn_open(c) == ENGRAM_OK &&
             engram_send(c, &again, on_reply, set, "SET reconnect:a kept") ==
                 ENGRAM_OK &&
             engram_send(c, NULL, on_reply, quit, "QUIT") == ENGRAM_OK &&
             engram_send(c, NULL, on_reply, incr, "INCR reconnect:n") ==
                 ENGRAM_OK &&
             engram_send(c, &again, on_last, get, "GET reconnect:a") ==
                 ENGRAM_OK &&
             engram_loop_run(p.loop) == ENGRAM_OK;
    ok = ok && p.connections == 2;
    engram_conn_destroy(&c);
    engram_loop_destroy(&p.loop);
    return ok ? 0 : 1;
}
