/* Tests of the cache beside a connection: a server that says what the test
 * wants, and memory that runs out. */
#include <engram/cache.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage.h"
#include "tests.h"

#define HELLO "%1\r\n+proto\r\n:3\r\n"
#define TRACKING "*3|$6|CLIENT|$8|TRACKING|$2|ON|"
#define CACHING "*3|$6|CLIENT|$7|CACHING|$3|YES|"
#define GET_A "*2|$3|GET|$1|a|"
#define CHANGED_A ">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n"

struct play {
    struct stage s;
    struct engram_cache_options options;
    struct engram_cache *cache;
};

static int setup(void **state)
{
    struct play *p = calloc(1, sizeof *p);
    stage_init(&p->s);
    p->s.options.protocol = 3;
    p->s.options.on_push = NULL;
    engram_cache_options_init(&p->options);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct play *p = *state;
    engram_cache_destroy(&p->cache);
    stage_end(&p->s);
    free(p);
    return 0;
}

static void create(struct play *p)
{
    enum engram_status st;
    assert_int_equal(stage_create_conn(&p->s), ENGRAM_OK);
    p->cache = engram_cache_create(p->s.c, &p->options, &st);
    assert_non_null(p->cache);
    assert_int_equal(engram_conn_open(p->s.c), ENGRAM_OK);
    stage_turn(&p->s);
}

/* Ready, with tracking granted. */
static void begin(struct play *p)
{
    create(p);
    (void)stage_hear(&p->s);
    stage_say(&p->s, HELLO);
    assert_non_null(strstr(stage_hear(&p->s), "TRACKING"));
    stage_say(&p->s, "+OK\r\n");
    assert_true(engram_cache_is_active(p->cache));
    (void)stage_log(&p->s);
}

static void again(struct play *p)
{
    stage_pass_ms(&p->s, 10000);
    (void)stage_hear(&p->s);
    stage_say(&p->s, HELLO);
}

static void ask(struct play *p, const char *command)
{
    assert_int_equal(engram_cache_send(p->cache, 0, NULL, stage_on_reply, &p->s,
                                       command),
                     ENGRAM_OK);
}

/* Asked and answered. */
static void fetch(struct play *p, const char *command, const char *reply)
{
    ask(p, command);
    (void)stage_hear(&p->s);
    stage_say(&p->s, reply);
    (void)stage_log(&p->s);
}

static void expect(struct play *p, const char *command, const char *text)
{
    char shown[256] = "";
    const struct engram_reply *r = engram_cache_lookup(p->cache, command);
    if (r == NULL) {
        assert_null(text);
        return;
    }
    stage_show_reply(r, shown, sizeof shown);
    assert_non_null(text);
    assert_string_equal(shown, text);
}

static struct engram_cache_counters counters(const struct play *p)
{
    struct engram_cache_counters n;
    engram_cache_counters(p->cache, &n, sizeof n);
    return n;
}

/* ---- keeping and forgetting ---- */

static void a_reply_is_kept_until_its_key_changes(void **state)
{
    struct play *p = *state;
    begin(p);
    expect(p, "GET a", NULL);
    ask(p, "GET a");
    assert_string_equal(stage_hear(&p->s), GET_A);
    stage_say(&p->s, "$3\r\nold\r\n");
    assert_string_equal(stage_log(&p->s), "ok:old");
    expect(p, "GET a", "old");
    expect(p, "get a", NULL);
    fetch(p, "LRANGE a 0 -1", "*2\r\n$1\r\nx\r\n:5\r\n");
    fetch(p, "GET b", "_\r\n");
    expect(p, "LRANGE a 0 -1", "[x 5]");
    expect(p, "GET b", "nil");
    stage_say(&p->s, CHANGED_A);
    expect(p, "GET a", NULL);
    expect(p, "LRANGE a 0 -1", NULL);
    expect(p, "GET b", "nil");
    stage_say(&p->s, ">2\r\n+invalidate\r\n_\r\n");
    expect(p, "GET b", NULL);
    struct engram_cache_counters n = counters(p);
    assert_int_equal(n.hits, 4);
    assert_int_equal(n.misses, 5);
    assert_int_equal(n.stored, 3);
    assert_int_equal(n.invalidated, 3);
    assert_int_equal(n.entries, 0);
    assert_string_equal(stage_hear(&p->s), "");
}

static void arguments_are_bytes(void **state)
{
    struct play *p = *state;
    const char *argv[] = { "OBJECT", "ENCODING", "a\0b" };
    const size_t lens[] = { 6, 8, 3 };
    const char changed[] = ">2\r\n+invalidate\r\n*1\r\n$3\r\na\0b\r\n";
    static char large[2000];
    memset(large, 'x', sizeof large - 1);
    begin(p);
    assert_int_equal(engram_cache_send_argv(p->cache, 2, NULL, stage_on_reply,
                                            &p->s, 3, argv, lens),
                     ENGRAM_OK);
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+raw\r\n");
    assert_non_null(engram_cache_lookup_argv(p->cache, 3, argv, lens));
    stage_say_bytes(&p->s, changed, sizeof changed - 1);
    assert_null(engram_cache_lookup_argv(p->cache, 3, argv, lens));
    assert_int_equal(engram_cache_send(p->cache, 0, NULL, stage_on_reply, &p->s,
                                       "GETRANGE %s %d %d", large, 0, 1),
                     ENGRAM_OK);
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+xx\r\n");
    assert_non_null(engram_cache_lookup(p->cache, "GETRANGE %s %d %d", large,
                                        0, 1));
    assert_null(
        engram_cache_lookup(p->cache, "GETRANGE %s %d %d", large, 0, 2));
    assert_int_equal(
        engram_cache_send(p->cache, 2, NULL, NULL, NULL, "GET a"),
        ENGRAM_INVALID);
    assert_int_equal(engram_cache_send(p->cache, 0, NULL, NULL, NULL, "PING"),
                     ENGRAM_INVALID);
    assert_null(engram_cache_lookup(p->cache, ""));
}

static void a_change_on_the_way_is_noticed(void **state)
{
    struct play *p = *state;
    begin(p);
    ask(p, "GET a");
    ask(p, "GET b");
    (void)stage_hear(&p->s);
    stage_say(&p->s, CHANGED_A "+old\r\n+b\r\n");
    assert_string_equal(stage_log(&p->s), "ok:old ok:b");
    expect(p, "GET a", NULL);
    expect(p, "GET b", "b");
    ask(p, "GET a");
    ask(p, "GET b");
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+a\r\n>2\r\n+invalidate\r\n_\r\n+b\r\n");
    expect(p, "GET a", NULL);
    expect(p, "GET b", NULL);
    ask(p, "GET a");
    engram_cache_forget(p->cache, "a", 1);
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+a\r\n");
    expect(p, "GET a", NULL);
    assert_int_equal(counters(p).raced, 3);
}

static void some_replies_are_not_kept(void **state)
{
    struct play *p = *state;
    const struct engram_how quick = { .timeout_ms = 10 };
    begin(p);
    fetch(p, "GET a", "-WRONGTYPE no\r\n");
    expect(p, "GET a", NULL);
    stage_send(&p->s, "MULTI");
    ask(p, "GET a");
    stage_send(&p->s, "EXEC");
    ask(p, "GET b");
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+OK\r\n+QUEUED\r\n*1\r\n+a\r\n+b\r\n");
    assert_string_equal(stage_log(&p->s), "ok:OK ok:QUEUED ok:[a] ok:b");
    expect(p, "GET a", NULL);
    expect(p, "GET b", "b");
    assert_int_equal(engram_cache_send(p->cache, 0, &quick, stage_on_reply,
                                       &p->s, "GET a"),
                     ENGRAM_OK);
    (void)stage_hear(&p->s);
    stage_pass_ms(&p->s, 10);
    stage_say(&p->s, "+late\r\n");
    assert_string_equal(stage_log(&p->s), "timeout");
    expect(p, "GET a", NULL);
}

static void on_event(struct engram_conn *c, const struct engram_event *e,
                     void *arg)
{
    (void)c;
    (void)e;
    stage_note(arg, "event ");
}

static void a_reply_in_pieces_is_not_kept(void **state)
{
    struct play *p = *state;
    const struct engram_how pieces = { .on_event = on_event };
    begin(p);
    assert_int_equal(engram_cache_send(p->cache, 0, &pieces, stage_on_reply,
                                       &p->s, "GET a"),
                     ENGRAM_OK);
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+a\r\n");
    assert_string_equal(stage_log(&p->s), "event ok:nil");
    expect(p, "GET a", NULL);
}

static void replies_grow_old(void **state)
{
    struct play *p = *state;
    p->options.max_age_ms = 100;
    begin(p);
    fetch(p, "GET a", "+a\r\n");
    p->s.now_us += 99000;
    expect(p, "GET a", "a");
    p->s.now_us += 1000;
    expect(p, "GET a", NULL);
    assert_int_equal(counters(p).expired, 1);
    /* On its way it grew old too. */
    assert_int_equal(engram_cache_send(p->cache, 0, NULL, NULL, NULL, "GET a"),
                     ENGRAM_OK);
    (void)stage_hear(&p->s);
    p->s.now_us += 60000;
    stage_say(&p->s, "+b\r\n");
    expect(p, "GET a", "b");
    p->s.now_us += 40000;
    expect(p, "GET a", NULL);
    assert_int_equal(counters(p).expired, 2);
}

/* ---- the link ---- */

static void look_when_lost(struct engram_conn *c, enum engram_status st,
                           const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    (void)c;
    (void)reply;
    assert_int_equal(st, ENGRAM_LOST);
    assert_false(engram_cache_is_active(p->cache));
    expect(p, "GET a", NULL);
    stage_note(&p->s, "looked ");
}

static void a_lost_link_empties_it(void **state)
{
    struct play *p = *state;
    const struct engram_how idempotent = { .flags = ENGRAM_IDEMPOTENT };
    begin(p);
    fetch(p, "GET a", "+a\r\n");
    assert_int_equal(engram_send(p->s.c, NULL, look_when_lost, p, "PING"),
                     ENGRAM_OK);
    assert_int_equal(engram_cache_send(p->cache, 0, &idempotent, stage_on_reply,
                                       &p->s, "GET b"),
                     ENGRAM_OK);
    (void)stage_hear(&p->s);
    stage_hang_up(&p->s);
    assert_string_equal(stage_log(&p->s), "looked ended(eof)");
    again(p);
    /* What is sent again stands before the tracking. */
    assert_string_equal(stage_hear(&p->s), "*2|$3|GET|$1|b|" TRACKING);
    ask(p, "GET c");
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+b\r\n+OK\r\n+c\r\n");
    assert_string_equal(stage_log(&p->s), "connected ok:b ok:c");
    assert_true(engram_cache_is_active(p->cache));
    expect(p, "GET b", NULL);
    expect(p, "GET c", "c");
    engram_conn_close(p->s.c);
    assert_false(engram_cache_is_active(p->cache));
    assert_int_equal(counters(p).entries, 0);
    assert_int_equal(p->s.c->alarm.at_us, REQUEST_NO_DEADLINE);
    expect(p, "GET c", NULL);
}

static void what_waited_for_the_link_is_not_kept(void **state)
{
    struct play *p = *state;
    create(p);
    ask(p, "GET a");
    (void)stage_hear(&p->s);
    stage_say(&p->s, HELLO);
    assert_string_equal(stage_hear(&p->s), GET_A TRACKING);
    stage_say(&p->s, "+a\r\n+OK\r\n");
    expect(p, "GET a", NULL);
    assert_true(engram_cache_is_active(p->cache));
}

static void tracking_may_be_refused(void **state)
{
    struct play *p = *state;
    create(p);
    (void)stage_hear(&p->s);
    stage_say(&p->s, HELLO);
    (void)stage_hear(&p->s);
    ask(p, "GET a");
    (void)stage_hear(&p->s);
    stage_say(&p->s, "-ERR unknown subcommand 'TRACKING'\r\n+a\r\n");
    assert_string_equal(stage_log(&p->s), "connected ok:a");
    assert_false(engram_cache_is_active(p->cache));
    assert_string_equal(engram_cache_error(p->cache),
                        "ERR unknown subcommand 'TRACKING'");
    fetch(p, "GET a", "+a\r\n");
    expect(p, "GET a", NULL);
    stage_hang_up(&p->s);
    again(p);
    assert_string_equal(stage_hear(&p->s), TRACKING);
    stage_say(&p->s, "+OK\r\n");
    assert_true(engram_cache_is_active(p->cache));
    assert_string_equal(engram_cache_error(p->cache), "");
}

static void resp2_passes_through(void **state)
{
    struct play *p = *state;
    p->s.options.protocol = 2;
    create(p);
    ask(p, "GET a");
    assert_string_equal(stage_hear(&p->s), GET_A);
    stage_say(&p->s, "$1\r\na\r\n");
    assert_string_equal(stage_log(&p->s), "connected ok:a");
    assert_false(engram_cache_is_active(p->cache));
    expect(p, "GET a", NULL);
}

static void reset_ends_it(void **state)
{
    struct play *p = *state;
    begin(p);
    fetch(p, "GET a", "+a\r\n");
    stage_send(&p->s, "RESET");
    ask(p, "GET b");
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+RESET\r\n$1\r\nb\r\n");
    assert_false(engram_cache_is_active(p->cache));
    expect(p, "GET a", NULL);
    expect(p, "GET b", NULL);
    assert_string_equal(stage_hear(&p->s), "");
}

static void a_silent_server_is_asked(void **state)
{
    struct play *p = *state;
    p->options.check_ms = 1000;
    p->s.options.stall_timeout_ms = 3000;
    begin(p);
    fetch(p, "GET a", "+a\r\n");
    stage_pass_ms(&p->s, 999);
    assert_string_equal(stage_hear(&p->s), "");
    stage_pass_ms(&p->s, 1);
    assert_string_equal(stage_hear(&p->s), "*1|$4|PING|");
    stage_say(&p->s, "+PONG\r\n");
    stage_pass_ms(&p->s, 1000);
    assert_string_equal(stage_hear(&p->s), "*1|$4|PING|");
    stage_pass_ms(&p->s, 2000);
    assert_string_equal(stage_hear(&p->s), "");
    expect(p, "GET a", "a");
    stage_pass_ms(&p->s, 1000);
    assert_string_equal(stage_log(&p->s), "ended(silent)");
    expect(p, "GET a", NULL);
    close(p->s.server_fd);
    p->s.server_fd = -1;
}

/* ---- ways of tracking ---- */

static void only_what_is_asked_for_is_tracked(void **state)
{
    struct play *p = *state;
    p->options.flags = ENGRAM_CACHE_OPT_IN | ENGRAM_CACHE_NO_LOOP;
    create(p);
    (void)stage_hear(&p->s);
    stage_say(&p->s, HELLO);
    assert_string_equal(stage_hear(&p->s),
                        "*5|$6|CLIENT|$8|TRACKING|$2|ON|$5|OPTIN|$6|NOLOOP|");
    stage_say(&p->s, "+OK\r\n");
    ask(p, "GET a");
    assert_string_equal(stage_hear(&p->s), CACHING GET_A);
    stage_say(&p->s, "+OK\r\n+a\r\n");
    expect(p, "GET a", "a");
    assert_string_equal(stage_log(&p->s), "connected ok:a");
    engram_cache_forget(p->cache, "a", 1);
    expect(p, "GET a", NULL);
}

static void without_room_for_both_it_is_sent_alone(void **state)
{
    struct play *p = *state;
    p->options.flags = ENGRAM_CACHE_OPT_IN;
    p->s.options.max_in_flight = 1;
    begin(p);
    ask(p, "GET a");
    assert_string_equal(stage_hear(&p->s), GET_A);
    stage_say(&p->s, "+a\r\n");
    expect(p, "GET a", NULL);
}

static void prefixes_say_what_is_kept(void **state)
{
    struct play *p = *state;
    const char *prefixes[] = { "user:", "x" };
    p->options.flags = ENGRAM_CACHE_BROADCAST;
    p->options.prefixes = prefixes;
    p->options.prefix_count = 2;
    create(p);
    prefixes[0] = "gone";
    (void)stage_hear(&p->s);
    stage_say(&p->s, HELLO);
    assert_string_equal(
        stage_hear(&p->s),
        "*8|$6|CLIENT|$8|TRACKING|$2|ON|$5|BCAST|$6|PREFIX|$5|user:|"
        "$6|PREFIX|$1|x|");
    stage_say(&p->s, "+OK\r\n");
    fetch(p, "GET user:1", "+u\r\n");
    fetch(p, "GET xy", "+x\r\n");
    fetch(p, "GET user", "+n\r\n");
    fetch(p, "GET yx", "+n\r\n");
    expect(p, "GET user:1", "u");
    expect(p, "GET xy", "x");
    expect(p, "GET user", NULL);
    expect(p, "GET yx", NULL);
}

static void impossible_options_are_refused(void **state)
{
    struct play *p = *state;
    static const char *const prefixes[] = { "a" };
    enum engram_status st;
    begin(p);
    assert_null(engram_cache_create(p->s.c, NULL, &st));
    assert_int_equal(st, ENGRAM_INVALID);
    engram_cache_destroy(&p->cache);
    const struct engram_cache_options bad[] = {
        { .max_bytes = 4095 },
        { .max_bytes = 4096, .flags = 8 },
        { .max_bytes = 4096, .flags = 3 },
        { .max_bytes = 4096, .max_age_ms = -1 },
        { .max_bytes = 4096, .check_ms = -1 },
        { .max_bytes = 4096, .prefixes = prefixes, .prefix_count = 1 },
        { .max_bytes = 4096, .flags = 1, .prefix_count = 1 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct engram_cache_options o = bad[i];
        o.size = sizeof o;
        assert_null(engram_cache_create(p->s.c, &o, &st));
        assert_int_equal(st, ENGRAM_INVALID);
    }
}

/* ---- limits and ends ---- */

static void waiting_commands_are_bounded(void **state)
{
    struct play *p = *state;
    p->s.options.max_queued_bytes = 20000;
    begin(p);
    char key[1000];
    memset(key, 'k', sizeof key);
    size_t taken = 0;
    while (engram_cache_send(p->cache, 0, NULL, stage_on_reply, &p->s, "GET %b",
                             (const void *)key, sizeof key) == ENGRAM_OK) {
        /* The kernel takes the bytes; the copies wait for the replies. */
        (void)stage_hear(&p->s);
        taken++;
    }
    assert_in_range(taken, 15, 20);
    for (size_t i = 0; i < taken; i++) {
        stage_say(&p->s, "+a\r\n");
    }
    assert_non_null(strstr(stage_log(&p->s), "drained"));
    struct engram_counters n;
    engram_conn_counters(p->s.c, &n, sizeof n);
    assert_int_equal(n.queued_bytes, 0);
}

static void destroy_cache(struct engram_conn *c, enum engram_status st,
                          const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    stage_on_reply(c, st, reply, &p->s);
    engram_cache_destroy(&p->cache);
}

static void it_may_go_at_any_time(void **state)
{
    struct play *p = *state;
    begin(p);
    fetch(p, "GET a", "+a\r\n");
    assert_int_equal(engram_cache_send(p->cache, 0, NULL, destroy_cache, p,
                                       "GET b"),
                     ENGRAM_OK);
    ask(p, "GET c");
    ask(p, "GET d");
    (void)stage_hear(&p->s);
    stage_say(&p->s, "+b\r\n+c\r\n");
    assert_null(p->cache);
    assert_string_equal(stage_log(&p->s), "ok:b ok:c");
    stage_say(&p->s, CHANGED_A);
    /* Another one comes while the last of the first is on its way. */
    p->cache = engram_cache_create(p->s.c, &p->options, NULL);
    assert_non_null(p->cache);
    stage_say(&p->s, "+d\r\n");
    assert_string_equal(stage_hear(&p->s), TRACKING);
    engram_cache_destroy(&p->cache);
    stage_say(&p->s, "+OK\r\n");
    assert_string_equal(stage_log(&p->s), "ok:d");
}

/* ---- no memory ---- */

static void say(struct play *p, const char *text)
{
    struct stage *s = &p->s;
    if (s->server_fd >= 0 && s->c->transport.fd >= 0) {
        (void)stage_hear(s);
    }
    if (s->server_fd >= 0 && s->c->transport.fd >= 0) {
        stage_say(s, text);
    }
    if (s->server_fd >= 0 && s->c->transport.fd < 0) {
        close(s->server_fd);
        s->server_fd = -1;
    }
}

/* The server answers what it has got, so that nothing is answered twice. */
static size_t play_short(struct play *p)
{
    size_t taken = 0;
    if (engram_conn_open(p->s.c) != ENGRAM_OK) {
        return 0;
    }
    stage_turn(&p->s);
    say(p, HELLO);
    if (engram_conn_is_ready(p->s.c)) {
        /* Without memory for the first, tracking is tried with the next. */
        for (int i = 0; i < 3; i++) {
            taken += engram_cache_send(p->cache, 0, NULL, stage_on_reply, &p->s,
                                       "GET a") == ENGRAM_OK;
        }
        const char *heard = stage_hear(&p->s);
        char answers[64] = "";
        while ((heard = strchr(heard, '*')) != NULL) {
            strcat(answers, heard[1] == '3' ? "+OK\r\n" : "+v\r\n");
            heard++;
        }
        stage_say(&p->s, answers);
        const struct engram_reply *r = engram_cache_lookup(p->cache, "GET a");
        assert_true(r == NULL ||
                    strcmp(engram_reply_text(r, NULL), "v") == 0);
        if (r != NULL) {
            stage_note(&p->s, "kept ");
        }
    }
    if (p->s.server_fd >= 0) {
        stage_hang_up(&p->s);
    }
    return taken;
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    bool is_whole = false;
    int64_t n = 0;
    for (; !is_whole; n++) {
        void *made;
        enum engram_status st;
        setup(&made);
        struct play *p = made;
        assert_true(n < 100);
        p->s.fail_after = n;
        if (stage_create_conn(&p->s) != ENGRAM_OK) {
            free(p);
            continue;
        }
        p->cache = engram_cache_create(p->s.c, NULL, &st);
        if (p->cache == NULL) {
            assert_int_equal(st, ENGRAM_NOMEM);
        } else {
            size_t taken = play_short(p);
            assert_int_equal(p->s.callbacks, taken);
            is_whole = p->s.c->account.fail_after > 0;
            assert_true(!is_whole || strstr(p->s.log, "kept") != NULL);
        }
        teardown(&made);
    }
    assert_true(n > 10);
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int test_cache_run(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(a_reply_is_kept_until_its_key_changes),
        CACHE_TEST(arguments_are_bytes),
        CACHE_TEST(a_change_on_the_way_is_noticed),
        CACHE_TEST(some_replies_are_not_kept),
        CACHE_TEST(a_reply_in_pieces_is_not_kept),
        CACHE_TEST(replies_grow_old),
        CACHE_TEST(a_lost_link_empties_it),
        CACHE_TEST(what_waited_for_the_link_is_not_kept),
        CACHE_TEST(tracking_may_be_refused),
        CACHE_TEST(resp2_passes_through),
        CACHE_TEST(reset_ends_it),
        CACHE_TEST(a_silent_server_is_asked),
        CACHE_TEST(only_what_is_asked_for_is_tracked),
        CACHE_TEST(without_room_for_both_it_is_sent_alone),
        CACHE_TEST(prefixes_say_what_is_kept),
        CACHE_TEST(impossible_options_are_refused),
        CACHE_TEST(waiting_commands_are_bounded),
        CACHE_TEST(it_may_go_at_any_time),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
