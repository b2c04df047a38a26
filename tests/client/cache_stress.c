/* cache_stress: a cache beside a server whose keys change all the time, whose
 * links are cut and whose database is flushed now and then. What is read never
 * goes back, and once all writers are answered and the server's word has come,
 * what is kept is what there is.
 *
 *   cache_stress PORT SEED ROUNDS [opt-in | broadcast] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <engram/cache.h>

enum { KEYS = 50, READS = 40, WRITES = 6, ROUNDS_BETWEEN_CUTS = 60 };

struct stress {
    struct engram_loop *loop;
    struct engram_conn *reader, *writer;
    struct engram_cache *cache;
    unsigned random;
    int waiting; /* commands whose replies are waited for */
    int failed;
    long long seen[KEYS]; /* the most that was read */
    long long held[KEYS]; /* the server's, as the writer reads it */
    long long written;
    unsigned long long compared;
};

static unsigned below(struct stress *s, unsigned bound)
{
    s->random = s->random * 1664525u + 1013904223u;
    return (s->random >> 8) % bound;
}

static void complain(struct stress *s, const char *what, int key,
                     long long got, long long wanted)
{
    fprintf(stderr, "cache_stress: %s: key %d holds %lld, not %lld\n", what,
            key, got, wanted);
    s->failed = 1;
}

static long long number_in(const struct engram_reply *r)
{
    return engram_reply_type(r) == ENGRAM_TYPE_NULL
               ? 0
               : atoll(engram_reply_text(r, NULL));
}

/* ---- reading ---- */

struct read {
    struct stress *s;
    int key;
};

/* A flushed key is 0 and may be so at any time. */
static void see(struct stress *s, int key, long long got)
{
    if (got != 0 && got < s->seen[key]) {
        complain(s, "went back", key, got, s->seen[key]);
    }
    s->seen[key] = got > s->seen[key] ? got : s->seen[key];
}

static void on_read(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct read *r = arg;
    (void)c;
    r->s->waiting--;
    if (st == ENGRAM_OK) {
        see(r->s, r->key, number_in(reply));
    }
    free(r);
}

static void read_one(struct stress *s)
{
    int key = (int)below(s, KEYS);
    const struct engram_reply *found =
        engram_cache_lookup(s->cache, "GET key:%d", key);
    if (found != NULL) {
        see(s, key, number_in(found));
        return;
    }
    struct read *r = malloc(sizeof *r);
    *r = (struct read){ s, key };
    if (engram_cache_send(s->cache, 0, NULL, on_read, r, "GET key:%d", key) ==
        ENGRAM_OK) {
        s->waiting++;
    } else {
        free(r);
    }
}

/* ---- writing ---- */

static void on_done(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct stress *s = arg;
    (void)c;
    (void)st;
    (void)reply;
    s->waiting--;
}

static void on_held(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct stress *s = arg;
    on_done(c, st, reply, arg);
    for (size_t i = 0; st == ENGRAM_OK && i < engram_reply_count(reply); i++) {
        s->held[i] = number_in(engram_reply_at(reply, i));
    }
}

static void write_some(struct stress *s)
{
    for (int i = 0; i < WRITES; i++) {
        int flush = below(s, 2000) == 0;
        enum engram_status st =
            flush ? engram_send(s->writer, NULL, on_done, s, "FLUSHALL")
                  : engram_send(s->writer, NULL, on_done, s, "SET key:%d %lld",
                                (int)below(s, KEYS), ++s->written);
        s->waiting += st == ENGRAM_OK;
    }
}

/* ---- the play ---- */

static void turn(struct stress *s, int timeout_ms)
{
    if (engram_loop_turn(s->loop, timeout_ms) != ENGRAM_OK) {
        s->failed = 1;
    }
}

static void wait_for_all(struct stress *s)
{
    while (s->waiting > 0 && !s->failed) {
        turn(s, -1);
    }
}

static void wait_active(struct stress *s)
{
    for (int i = 0; i < 1000 && !engram_cache_is_active(s->cache); i++) {
        turn(s, 20);
    }
    if (!engram_cache_is_active(s->cache)) {
        fprintf(stderr, "cache_stress: no tracking: %s %s\n",
                engram_cache_error(s->cache), engram_conn_error(s->reader));
        s->failed = 1;
    }
}

/* The writer's replies say that all is written, the reader's that all was
 * told. */
static void compare(struct stress *s)
{
    char command[KEYS * 16] = "MGET";
    wait_for_all(s);
    for (int key = 0; key < KEYS; key++) {
        size_t len = strlen(command);
        snprintf(command + len, sizeof command - len, " key:%d", key);
    }
    s->waiting +=
        engram_send(s->writer, NULL, on_held, s, command) == ENGRAM_OK;
    wait_for_all(s);
    s->waiting +=
        engram_send(s->reader, NULL, on_done, s, "PING") == ENGRAM_OK;
    wait_for_all(s);
    for (int key = 0; key < KEYS; key++) {
        const struct engram_reply *found =
            engram_cache_lookup(s->cache, "GET key:%d", key);
        if (found != NULL) {
            s->compared++;
            if (number_in(found) != s->held[key]) {
                complain(s, "is old", key, number_in(found), s->held[key]);
            }
        }
    }
}

static void play(struct stress *s, int rounds)
{
    s->waiting +=
        engram_send(s->writer, NULL, on_done, s, "FLUSHALL") == ENGRAM_OK;
    wait_for_all(s);
    for (int round = 1; round <= rounds && !s->failed; round++) {
        wait_active(s);
        if (round % ROUNDS_BETWEEN_CUTS == 0) {
            s->waiting += engram_send(s->writer, NULL, on_done, s,
                                      "CLIENT KILL TYPE normal SKIPME yes") ==
                          ENGRAM_OK;
        }
        for (int i = 0; i < READS; i++) {
            read_one(s);
            if (i % 8 == 0) {
                write_some(s);
                turn(s, 0);
            }
        }
        compare(s);
    }
}

int main(int argc, char **argv)
{
    struct stress s = { .loop = engram_loop_create() };
    struct engram_options o;
    struct engram_cache_options cache;
    static const char *const prefixes[] = { "key:1", "key:2", "other" };
    if (argc < 4) {
        fprintf(stderr, "cache_stress PORT SEED ROUNDS [MODE]\n");
        return 2;
    }
    engram_options_init(&o);
    engram_cache_options_init(&cache);
    o.port = atoi(argv[1]);
    o.backoff_max_ms = 50;
    s.random = (unsigned)atoi(argv[2]);
    cache.max_entries = KEYS - 10;
    if (argc > 4 && strcmp(argv[4], "opt-in") == 0) {
        cache.flags = ENGRAM_CACHE_OPT_IN;
    } else if (argc > 4) {
        cache.flags = ENGRAM_CACHE_BROADCAST;
        cache.prefixes = prefixes;
        cache.prefix_count = 3;
    }
    s.reader = engram_conn_create(&o, NULL);
    s.writer = engram_conn_create(&o, NULL);
    s.cache = engram_cache_create(s.reader, &cache, NULL);
    if (engram_loop_add(s.loop, s.reader) != ENGRAM_OK ||
        engram_loop_add(s.loop, s.writer) != ENGRAM_OK ||
        engram_conn_open(s.reader) != ENGRAM_OK ||
        engram_conn_open(s.writer) != ENGRAM_OK) {
        return 2;
    }
    play(&s, atoi(argv[3]));
    struct engram_cache_counters n;
    engram_cache_counters(s.cache, &n, sizeof n);
    printf("hits %llu misses %llu raced %llu invalidated %llu evicted %llu "
           "compared %llu\n",
           (unsigned long long)n.hits, (unsigned long long)n.misses,
           (unsigned long long)n.raced, (unsigned long long)n.invalidated,
           (unsigned long long)n.evicted, s.compared);
    engram_cache_destroy(&s.cache);
    engram_conn_destroy(&s.reader);
    engram_conn_destroy(&s.writer);
    engram_loop_destroy(&s.loop);
    return s.failed;
}
