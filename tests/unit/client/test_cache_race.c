/* A test of the cache against a server that tracks keys and takes its time:
 * commands, replies and invalidations are on their way for as long as chance
 * has it, and some invalidations overtake replies, as they may where a server
 * has threads. Nothing is ever found that is older than what was told. */
#include <engram/cache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "stage.h"
#include "tests.h"

enum { KEYS = 8, MESSAGES_MAX = 64, MOMENTS = 40000 };

enum message_kind { MESSAGE_REPLY, MESSAGE_CHANGE, MESSAGE_CHANGE_OF_ALL };

struct message {
    enum message_kind kind;
    int key; /* of a CHANGE */
    int64_t values[KEYS]; /* what there was behind it */
    char text[64];
};

struct world {
    struct stage s;
    struct engram_cache *cache;
    struct random r;
    int64_t values[KEYS];
    bool is_tracked[KEYS];
    int64_t told[KEYS]; /* what there was when a change was last told */
    struct message line[MESSAGES_MAX];
    size_t count;
    size_t hits, overtaken;
};

static void put_in_line(struct world *w, size_t at, struct message m)
{
    assert_true(w->count < MESSAGES_MAX);
    memmove(&w->line[at + 1], &w->line[at], (w->count - at) * sizeof m);
    memcpy(m.values, w->values, sizeof m.values);
    w->line[at] = m;
    w->count++;
}

/* Behind all, or in front of the replies, but never of another push. */
static void tell(struct world *w, struct message m)
{
    size_t at = w->count;
    if (random_below(&w->r, 2) == 0) {
        while (at > 0 && w->line[at - 1].kind == MESSAGE_REPLY) {
            at--;
        }
        w->overtaken += at < w->count;
    }
    put_in_line(w, at, m);
}

static void change_one(struct world *w)
{
    struct message m = { .kind = MESSAGE_CHANGE,
                         .key = (int)random_below(&w->r, KEYS) };
    w->values[m.key]++;
    if (w->is_tracked[m.key]) {
        w->is_tracked[m.key] = false;
        snprintf(m.text, sizeof m.text,
                 ">2\r\n+invalidate\r\n*1\r\n+%d\r\n", m.key);
        tell(w, m);
    }
}

static void change_all(struct world *w)
{
    struct message m = { .kind = MESSAGE_CHANGE_OF_ALL,
                         .text = ">2\r\n+invalidate\r\n_\r\n" };
    for (int key = 0; key < KEYS; key++) {
        w->values[key]++;
        w->is_tracked[key] = false;
    }
    tell(w, m);
}

/* Executes what has come. */
static void serve(struct world *w)
{
    static const char command[] = "GET|$1|";
    const char *at = stage_hear(&w->s);
    while ((at = strstr(at, command)) != NULL) {
        at += strlen(command);
        struct message m = { .kind = MESSAGE_REPLY, .key = at[0] - '0' };
        w->is_tracked[m.key] = true;
        snprintf(m.text, sizeof m.text, ":%lld\r\n",
                 (long long)w->values[m.key]);
        put_in_line(w, w->count, m);
    }
}

static void deliver_one(struct world *w)
{
    if (w->count == 0) {
        return;
    }
    struct message m = w->line[0];
    memmove(&w->line[0], &w->line[1], --w->count * sizeof m);
    stage_say(&w->s, m.text);
    for (int key = 0; key < KEYS; key++) {
        if (m.kind == MESSAGE_CHANGE_OF_ALL ||
            (m.kind == MESSAGE_CHANGE && m.key == key)) {
            w->told[key] = m.values[key];
        }
    }
}

static void read_one(struct world *w)
{
    int key = (int)random_below(&w->r, KEYS);
    const struct engram_reply *r = engram_cache_lookup(w->cache, "GET %d", key);
    struct engram_counters n;
    engram_conn_counters(w->s.c, &n, sizeof n);
    if (r != NULL) {
        w->hits++;
        assert_in_range(engram_reply_integer(r), w->told[key], w->values[key]);
    } else if (n.in_flight < MESSAGES_MAX / 4) {
        assert_int_equal(engram_cache_send(w->cache, 0, NULL, NULL, NULL,
                                           "GET %d", key),
                         ENGRAM_OK);
    }
}

/* Once all is told, what is found is what there is. */
static void settle(struct world *w)
{
    serve(w);
    while (w->count > 0) {
        deliver_one(w);
    }
    for (int key = 0; key < KEYS; key++) {
        const struct engram_reply *r =
            engram_cache_lookup(w->cache, "GET %d", key);
        assert_true(r == NULL || engram_reply_integer(r) == w->values[key]);
    }
}

static void one_moment(struct world *w)
{
    switch (random_below(&w->r, 10)) {
    case 0: change_one(w); break;
    case 1: serve(w); break;
    case 2:
    case 3:
    case 4: deliver_one(w); break;
    default: read_one(w); break;
    }
    if (random_below(&w->r, 2000) == 0) {
        change_all(w);
    }
    if (random_below(&w->r, 100) == 0) {
        settle(w);
    }
}

static void nothing_old_is_found(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof *w);
    stage_init(&w->s);
    random_init(&w->r, 5);
    w->s.options.protocol = 3;
    w->s.options.on_push = NULL;
    stage_begin(&w->s);
    w->cache = engram_cache_create(w->s.c, NULL, NULL);
    assert_non_null(w->cache);
    (void)stage_hear(&w->s);
    stage_say(&w->s, "%1\r\n+proto\r\n:3\r\n");
    (void)stage_hear(&w->s);
    stage_say(&w->s, "+OK\r\n");
    for (int i = 0; i < MOMENTS; i++) {
        one_moment(w);
    }
    struct engram_cache_counters n;
    engram_cache_counters(w->cache, &n, sizeof n);
    assert_true(w->hits > 1000);
    assert_true(w->overtaken > 100);
    assert_true(n.raced > 100);
    engram_cache_destroy(&w->cache);
    stage_end(&w->s);
    free(w);
}

int test_cache_race_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_old_is_found),
    };
    return cmocka_run_group_tests_name("cache_race", tests, NULL, NULL);
}
