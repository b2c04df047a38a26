/* push: what a server says without being asked. With CLIENT TRACKING (RESP3) it
 * tells when a key that was read has changed: the program reads a key on one
 * connection, changes it on another, and waits for the news.
 *
 *   push [URL] */
#include <stdio.h>
#include <string.h>

#include <engram/engram.h>

static void stop(struct engram_loop *loop, const char *why)
{
    printf("%s\n", why);
    engram_loop_stop(loop);
}

/* Replies and pushes are told apart by the library; only pushes come here. */
static void on_push(struct engram_conn *c, const struct engram_reply *push,
                    void *arg)
{
    const struct engram_reply *kind = engram_reply_at(push, 0);
    (void)c;
    if (kind != NULL &&
        strcmp(engram_reply_text(kind, NULL), "invalidate") == 0) {
        stop(arg, "changed: push:key");
    }
}

static void on_tracking(struct engram_conn *c, enum engram_status st,
                        const struct engram_reply *reply, void *arg)
{
    (void)c;
    if (st != ENGRAM_OK) {
        stop(arg, engram_status_text(st));
    } else if (engram_reply_is_error(reply)) {
        stop(arg, engram_reply_text(reply, NULL));
    }
}

/* The reader has read: now the key may change. `arg` is the writer. */
static void on_read(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    (void)c;
    (void)reply;
    if (st == ENGRAM_OK) {
        (void)engram_send(arg, NULL, NULL, NULL, "SET push:key new");
    }
}

int main(int argc, char **argv)
{
    struct engram_loop *loop = engram_loop_create();
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.on_push = on_push;
    o.arg = loop;
    struct engram_conn *reader = engram_conn_create(&o, NULL);
    struct engram_conn *writer = engram_conn_create(&o, NULL);
    int ok = loop != NULL && reader != NULL && writer != NULL &&
             engram_loop_add(loop, reader) == ENGRAM_OK &&
             engram_loop_add(loop, writer) == ENGRAM_OK &&
             engram_conn_open(reader) == ENGRAM_OK &&
             engram_conn_open(writer) == ENGRAM_OK &&
             engram_send(reader, NULL, on_tracking, loop,
                         "CLIENT TRACKING ON") == ENGRAM_OK &&
             engram_send(reader, NULL, on_read, writer, "GET push:key") ==
                 ENGRAM_OK &&
             engram_loop_run(loop) == ENGRAM_OK;
    engram_conn_destroy(&reader);
    engram_conn_destroy(&writer);
    engram_loop_destroy(&loop);
    return ok ? 0 : 1;
}
