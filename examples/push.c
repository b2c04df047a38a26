/* push: what a server says without being asked. With CLIENT TRACKING (RESP3) it
 * tells when a key that was read has changed: the program reads a key on one
 * connection, changes it on another, and waits for the news.
 *
 *   push [URL] */
#include <stdio.h>
#include <string.h>

#include <engram/engram.h>

struct news {
    struct engram_loop *loop;
    int has_come;
};

static void give_up(struct news *n, const char *why)
{
    fprintf(stderr, "push: %s\n", why);
    engram_loop_stop(n->loop);
}

/* Replies and pushes are told apart by the library; only pushes come here. */
static void on_push(struct engram_conn *c, const struct engram_reply *push,
                    void *arg)
{
    struct news *n = arg;
    const struct engram_reply *kind = engram_reply_at(push, 0);
    (void)c;
    if (kind != NULL &&
        strcmp(engram_reply_text(kind, NULL), "invalidate") == 0) {
        printf("changed: push:key\n");
        n->has_come = 1;
        engram_loop_stop(n->loop);
    }
}

static void on_tracking(struct engram_conn *c, enum engram_status st,
                        const struct engram_reply *reply, void *arg)
{
    (void)c;
    if (st != ENGRAM_OK) {
        give_up(arg, engram_status_text(st));
    } else if (engram_reply_is_error(reply)) {
        give_up(arg, engram_reply_text(reply, NULL));
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
    struct news news = { .loop = engram_loop_create() };
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.on_push = on_push;
    o.arg = &news;
    struct engram_conn *reader = engram_conn_create(&o, NULL);
    struct engram_conn *writer = engram_conn_create(&o, NULL);
    int ok = news.loop != NULL && reader != NULL && writer != NULL &&
             engram_loop_add(news.loop, reader) == ENGRAM_OK &&
             engram_loop_add(news.loop, writer) == ENGRAM_OK &&
             engram_conn_open(reader) == ENGRAM_OK &&
             engram_conn_open(writer) == ENGRAM_OK &&
             engram_send(reader, NULL, on_tracking, &news,
                         "CLIENT TRACKING ON") == ENGRAM_OK &&
             engram_send(reader, NULL, on_read, writer, "GET push:key") ==
                 ENGRAM_OK &&
             engram_loop_run(news.loop) == ENGRAM_OK;
    engram_conn_destroy(&reader);
    engram_conn_destroy(&writer);
    engram_loop_destroy(&news.loop);
    return ok && news.has_come ? 0 : 1;
}
