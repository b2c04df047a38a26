/* cache: replies kept beside the connection until the server says that their
 * key has changed. The program asks for a key, finds it without asking, has it
 * changed by somebody else, and asks again.
 *
 *   cache [URL] */
#include <stdio.h>

#include <engram/cache.h>

struct program {
    struct engram_loop *loop;
    struct engram_conn *writer;
    struct engram_cache *cache;
    int is_changed;
};

static const char command[] = "GET cache:key";

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg);

/* The way to read: look first, ask if there is nothing. 1: it was found. */
static int read_key(struct program *p)
{
    const struct engram_reply *found = engram_cache_lookup(p->cache, command);
    if (found != NULL) {
        printf("found %s\n", engram_reply_text(found, NULL));
        return 1;
    }
    if (engram_cache_send(p->cache, 0, NULL, on_reply, p, command) !=
        ENGRAM_OK) {
        engram_loop_stop(p->loop);
    }
    return 0;
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct program *p = arg;
    (void)c;
    if (st != ENGRAM_OK) {
        fprintf(stderr, "cache: %s\n", engram_status_text(st));
        engram_loop_stop(p->loop);
        return;
    }
    printf("asked %s\n", engram_reply_text(reply, NULL));
    if (!engram_cache_is_active(p->cache)) {
        printf("not kept: %s\n", engram_cache_error(p->cache));
        engram_loop_stop(p->loop);
    } else if (!read_key(p) || p->is_changed ||
               engram_send(p->writer, NULL, NULL, NULL,
                           "SET cache:key new") != ENGRAM_OK) {
        engram_loop_stop(p->loop);
    }
}

/* The cache has already seen to it when the program is told. */
static void on_push(struct engram_conn *c, const struct engram_reply *push,
                    void *arg)
{
    struct program *p = arg;
    (void)c;
    (void)push;
    printf("changed\n");
    p->is_changed = 1;
    (void)read_key(p);
}

/* The key has its first value: the reader may begin. */
static void on_set(struct engram_conn *c, enum engram_status st,
                   const struct engram_reply *reply, void *arg)
{
    struct program *p = arg;
    (void)reply;
    if (st != ENGRAM_OK) {
        fprintf(stderr, "cache: %s\n", engram_conn_error(c));
        engram_loop_stop(p->loop);
        return;
    }
    (void)read_key(p);
}

static int play(struct program *p, struct engram_conn *reader)
{
    struct engram_cache_counters n;
    if (engram_loop_add(p->loop, reader) != ENGRAM_OK ||
        engram_loop_add(p->loop, p->writer) != ENGRAM_OK ||
        engram_conn_open(reader) != ENGRAM_OK ||
        engram_conn_open(p->writer) != ENGRAM_OK) {
        return 0;
    }
    /* What is asked for before the connection is ready is not kept. */
    while (!engram_conn_is_ready(reader) && !engram_conn_is_closed(reader)) {
        if (engram_loop_turn(p->loop, -1) != ENGRAM_OK) {
            return 0;
        }
    }
    if (engram_send(p->writer, NULL, on_set, p, "SET cache:key old") !=
            ENGRAM_OK ||
        engram_loop_run(p->loop) != ENGRAM_OK) {
        return 0;
    }
    engram_cache_counters(p->cache, &n, sizeof n);
    printf("%d hits, %d misses, %d forgotten\n", (int)n.hits, (int)n.misses,
           (int)n.invalidated);
    return n.hits + n.misses > 0;
}

int main(int argc, char **argv)
{
    struct program p = { .loop = engram_loop_create() };
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.reconnect = 0;
    o.arg = &p;
    p.writer = engram_conn_create(&o, NULL);
    o.on_push = on_push;
    struct engram_conn *reader = engram_conn_create(&o, NULL);
    int ok = 0;
    if (p.loop != NULL && p.writer != NULL && reader != NULL) {
        p.cache = engram_cache_create(reader, NULL, NULL);
        ok = p.cache != NULL && play(&p, reader);
    }
    engram_cache_destroy(&p.cache);
    engram_conn_destroy(&reader);
    engram_conn_destroy(&p.writer);
    engram_loop_destroy(&p.loop);
    return ok ? 0 : 1;
}
