/* Tests of client/pool: who gets a command, who gets a connection, and what
 * becomes of both when things break. */
#include <engram/cache.h>

#include "pool_stage.h"

#include <string.h>

#include "tests.h"

struct taker {
    struct pool_stage *s;
    const char *name;
    struct engram_conn *c;
    enum engram_status st;
    int called;
};

static char log_text[POOL_STAGE_TEXT_BYTES];

#define expect_log(s, text)                                                  \
    assert_string_equal(pool_stage_log((s), log_text, sizeof log_text), (text))

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    (void)c;
    assert_true((st == ENGRAM_OK) == (reply != NULL));
    pool_stage_note(arg, st == ENGRAM_OK          ? "ok"
                         : st == ENGRAM_LOST      ? "lost"
                         : st == ENGRAM_NOT_SENT  ? "unsent"
                         : st == ENGRAM_CANCELLED ? "cancelled"
                         : st == ENGRAM_TIMEOUT   ? "timeout"
                                                  : "?");
}

static void on_taken(struct engram_pool *pool, enum engram_status st,
                     struct engram_conn *c, void *arg)
{
    struct taker *t = arg;
    /* NULL: it is being destroyed. */
    assert_true(pool == t->s->pool || t->s->pool == NULL);
    assert_true((st == ENGRAM_OK) == (c != NULL));
    t->called++;
    t->st = st;
    t->c = c;
    pool_stage_note(t->s, t->name);
}

static enum engram_status send_one(struct pool_stage *s)
{
    return engram_pool_send(s->pool, NULL, on_reply, s, "PING");
}

static void send_many(struct pool_stage *s, int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(send_one(s), ENGRAM_OK);
    }
}

static void take(struct pool_stage *s, struct taker *t, const char *name)
{
    *t = (struct taker){ .s = s, .name = name };
    assert_int_equal(engram_pool_take(s->pool, on_taken, t), ENGRAM_OK);
}

static struct engram_pool_counters counters(const struct pool_stage *s)
{
    struct engram_pool_counters n;
    engram_pool_counters(s->pool, &n, sizeof n);
    return n;
}

static struct engram_conn *member(const struct pool_stage *s, uint32_t i)
{
    assert_true(i < s->pool->member_count);
    return s->pool->members[i]->conn;
}

/* ---- sending ---- */

static void the_least_loaded_gets_it(void **state)
{
    (void)state;
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_min = 3;
    s.options.connections_max = 3;
    pool_stage_begin(&s);
    assert_int_equal(counters(&s).ready, 3);
    send_many(&s, 6);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(member(&s, i)->waiting.count, 2);
    }
    pool_stage_turn(&s);
    assert_int_equal(
        pool_stage_answer(pool_stage_link_of(&s, member(&s, 1)), 2), 2);
    pool_stage_turn(&s);
    expect_log(&s, "ok ok");
    send_many(&s, 2);
    assert_int_equal(member(&s, 1)->waiting.count, 2);
    pool_stage_answer_all(&s);
    expect_log(&s, "ok ok ok ok ok ok");
    assert_int_equal(counters(&s).commands, 8);
    assert_int_equal(counters(&s).replies, 8);
    assert_int_equal(counters(&s).in_flight, 0);
    pool_stage_end(&s);
}

static void it_grows_when_busy_and_shrinks_when_idle(void **state)
{
    (void)state;
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_max = 3;
    s.options.busy_at = 2;
    pool_stage_begin(&s);
    assert_int_equal(counters(&s).connections, 1);
    send_many(&s, 2);
    assert_int_equal(counters(&s).connections, 1);
    send_many(&s, 3);
    /* One at a time: the second is not ready yet. */
    assert_int_equal(counters(&s).connections, 2);
    assert_int_equal(member(&s, 0)->waiting.count, 5);
    pool_stage_turn(&s);
    send_many(&s, 20);
    pool_stage_turn(&s);
    assert_int_equal(counters(&s).connections, 3);
    pool_stage_answer_all(&s);
    assert_int_equal(counters(&s).replies, 25);
    pool_stage_pass_ms(&s, 59000);
    assert_int_equal(counters(&s).connections, 3);
    send_many(&s, 1);
    pool_stage_answer_all(&s);
    pool_stage_pass_ms(&s, 2000);
    assert_int_equal(counters(&s).connections, 1);
    assert_int_equal(counters(&s).retired, 2);
    assert_int_equal(counters(&s).commands, 26);
    send_many(&s, 1);
    pool_stage_answer_all(&s);
    assert_int_equal(counters(&s).replies, 27);
    pool_stage_end(&s);
}

static void the_limits_hold_for_all_together(void **state)
{
    (void)state;
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_min = 2;
    s.options.connections_max = 2;
    s.options.max_in_flight = 4;
    pool_stage_begin(&s);
    send_many(&s, 4);
    assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    assert_int_equal(counters(&s).would_block, 2);
    pool_stage_turn(&s);
    (void)pool_stage_answer(pool_stage_link_of(&s, member(&s, 0)), 1);
    pool_stage_turn(&s);
    expect_log(&s, "ok");
    (void)pool_stage_answer(pool_stage_link_of(&s, member(&s, 1)), 1);
    pool_stage_turn(&s);
    expect_log(&s, "ok drained");
    pool_stage_answer_all(&s);
    expect_log(&s, "ok ok");
    pool_stage_end(&s);
}

static void bytes_have_a_limit_too(void **state)
{
    (void)state;
    static const char big[700];
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_min = 2;
    s.options.connections_max = 2;
    s.options.max_queued_bytes = 1000;
    s.conn.max_queued_bytes = 10; /* a taken connection's */
    pool_stage_begin(&s);
    /* Less than half of the limit waits for the turn. */
    assert_int_equal(engram_pool_send(s.pool, NULL, on_reply, &s, "SET k %b",
                                      big, sizeof big / 2),
                     ENGRAM_OK);
    assert_int_equal(engram_pool_send(s.pool, NULL, on_reply, &s, "SET k %b",
                                      big, sizeof big),
                     ENGRAM_WOULD_BLOCK);
    assert_int_equal(engram_pool_send(s.pool, NULL, on_reply, &s, "SET k %b%b",
                                      big, sizeof big, big, sizeof big),
                     ENGRAM_TOO_BIG);
    pool_stage_turn(&s);
    expect_log(&s, "drained");
    pool_stage_answer_all(&s);
    expect_log(&s, "ok");
    pool_stage_end(&s);
}

static void what_changes_a_connection_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "MULTI", "EXEC", "DISCARD", "WATCH k", "UNWATCH", "SUBSCRIBE c",
        "PSUBSCRIBE c", "SSUBSCRIBE c", "MONITOR", "RESET", "SELECT 1",
        "AUTH p", "HELLO 3", "client id", "QUIT", "READONLY", "READWRITE",
    };
    struct pool_stage s;
    struct engram_how how = { .flags = ENGRAM_BLOCKING };
    pool_stage_init(&s);
    pool_stage_begin(&s);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(
            engram_pool_send(s.pool, NULL, on_reply, &s, refused[i]),
            ENGRAM_INVALID);
    }
    assert_int_equal(
        engram_pool_send(s.pool, &how, on_reply, &s, "BLPOP k 0"),
        ENGRAM_INVALID);
    assert_int_equal(counters(&s).commands, 0);
    pool_stage_end(&s);
}

static void release(void *arg)
{
    pool_stage_note(arg, "released");
}

static void commands_are_built_before_a_connection_is_known(void **state)
{
    (void)state;
    const char *argv[] = { "PING" };
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.max_in_flight = 1;
    pool_stage_begin(&s);
    struct engram_command *cmd = engram_pool_command_create(s.pool);
    assert_int_equal(engram_command_add(cmd, "PING", 4), ENGRAM_OK);
    assert_int_equal(engram_command_add_borrowed(cmd, "large", 5, release, &s),
                     ENGRAM_OK);
    assert_int_equal(engram_pool_send_argv(s.pool, NULL, on_reply, &s, 1, argv,
                                           NULL),
                     ENGRAM_OK);
    assert_int_equal(
        engram_pool_send_command(s.pool, NULL, on_reply, &s, &cmd),
        ENGRAM_WOULD_BLOCK);
    assert_non_null(cmd);
    pool_stage_answer_all(&s);
    expect_log(&s, "ok drained");
    assert_int_equal(
        engram_pool_send_command(s.pool, NULL, on_reply, &s, &cmd), ENGRAM_OK);
    assert_null(cmd);
    pool_stage_answer_all(&s);
    expect_log(&s, "released ok");
    cmd = engram_pool_command_create(s.pool);
    assert_int_equal(engram_command_add_borrowed(cmd, "large", 5, release, &s),
                     ENGRAM_OK);
    engram_command_destroy(&cmd);
    expect_log(&s, "released");
    pool_stage_end(&s);
}

/* ---- taking ---- */

static void a_connection_may_be_taken(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker a, b;
    pool_stage_init(&s);
    s.options.connections_max = 2;
    s.conn.max_in_flight = 3;
    pool_stage_begin(&s);
    take(&s, &a, "a");
    assert_int_equal(a.called, 0);
    pool_stage_turn(&s);
    expect_log(&s, "a");
    assert_true(engram_conn_is_ready(a.c));
    assert_null(engram_cache_create(a.c, NULL, NULL));
    /* Commands of others go elsewhere, and this one's have its own limits. */
    send_many(&s, 5);
    assert_int_equal(a.c->waiting.count, 0);
    assert_int_equal(counters(&s).connections, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(engram_send(a.c, NULL, on_reply, &s, "MULTI"),
                         ENGRAM_OK);
    }
    assert_int_equal(engram_send(a.c, NULL, on_reply, &s, "MULTI"),
                     ENGRAM_WOULD_BLOCK);
    take(&s, &b, "b");
    pool_stage_answer_all(&s);
    /* The last shared one is not reserved while another is taken; but it has
     * come free. */
    assert_int_equal(b.called, 1);
    assert_ptr_not_equal(a.c, b.c);
    assert_int_equal(counters(&s).taken, 2);
    assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    (void)pool_stage_log(&s, log_text, sizeof log_text);
    assert_int_equal(engram_pool_give(s.pool, b.c), ENGRAM_OK);
    assert_int_equal(engram_pool_give(s.pool, b.c), ENGRAM_INVALID);
    expect_log(&s, "");
    pool_stage_turn(&s);
    expect_log(&s, "drained");
    assert_int_equal(engram_pool_give(s.pool, a.c), ENGRAM_OK);
    pool_stage_end(&s);
}

/* Each leaves something behind. */
static void who_leaves_traces_is_replaced(void **state)
{
    (void)state;
    static const char *const traces[] = {
        "MULTI", "WATCH k", "SELECT 1", "CLIENT NO-EVICT on", "RESET",
        "AUTH p", "HELLO 3", "MONITOR",
    };
    static const char *const clean[] = { "PING", "EXEC", "UNWATCH" };
    struct pool_stage s;
    struct taker t;
    pool_stage_init(&s);
    s.options.connections_max = 1;
    pool_stage_begin(&s);
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++) {
        take(&s, &t, "taken");
        pool_stage_turn(&s);
        if (i > 0) {
            engram_send(t.c, NULL, NULL, NULL, "WATCH k");
        }
        engram_send(t.c, NULL, NULL, NULL, clean[i]);
        pool_stage_answer_all(&s);
        assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
        pool_stage_turn(&s);
        assert_int_equal(s.attempts, 1);
    }
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        take(&s, &t, "taken");
        pool_stage_turn(&s);
        engram_send(t.c, NULL, NULL, NULL, traces[i]);
        pool_stage_answer_all(&s);
        assert_int_equal(t.c->waiting.count, 0);
        assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
        pool_stage_turn(&s);
        assert_int_equal(s.attempts, 2 + i);
        send_many(&s, 1);
        pool_stage_answer_all(&s);
    }
    assert_int_equal(counters(&s).given_back_dirty,
                     sizeof traces / sizeof traces[0]);
    /* What is still in flight is called back. */
    (void)pool_stage_log(&s, log_text, sizeof log_text);
    take(&s, &t, "taken");
    pool_stage_turn(&s);
    engram_send(t.c, NULL, on_reply, &s, "SUBSCRIBE c");
    assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
    expect_log(&s, "taken cancelled");
    pool_stage_turn(&s);
    assert_int_equal(counters(&s).ready, 1);
    /* It was closed, or is about to close by itself. */
    take(&s, &t, "taken");
    pool_stage_turn(&s);
    engram_conn_finish(t.c);
    assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
    take(&s, &t, "taken");
    pool_stage_turn(&s);
    engram_conn_close(t.c);
    assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
    send_many(&s, 1);
    pool_stage_answer_all(&s);
    expect_log(&s, "taken taken ok");
    pool_stage_end(&s);
}

static void those_who_wait_keep_their_order(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker t[4];
    static const char *const names[] = { "a", "b", "c", "d" };
    pool_stage_init(&s);
    s.options.connections_max = 2;
    s.options.max_waiting = 4;
    pool_stage_begin(&s);
    for (int i = 0; i < 4; i++) {
        take(&s, &t[i], names[i]);
    }
    assert_int_equal(engram_pool_take(s.pool, on_taken, &t[0]),
                     ENGRAM_WOULD_BLOCK);
    assert_int_equal(counters(&s).waiting, 4);
    pool_stage_turn(&s);
    expect_log(&s, "a b");
    assert_int_equal(counters(&s).connections, 2);
    assert_int_equal(engram_pool_give(s.pool, t[1].c), ENGRAM_OK);
    pool_stage_turn(&s);
    expect_log(&s, "c");
    pool_stage_pass_ms(&s, 4999);
    expect_log(&s, "");
    pool_stage_pass_ms(&s, 1);
    expect_log(&s, "d");
    assert_int_equal(t[3].st, ENGRAM_TIMEOUT);
    assert_int_equal(counters(&s).take_timeouts, 1);
    assert_int_equal(counters(&s).takes, 3);
    pool_stage_end(&s);
}

static void who_waits_is_served_before_the_crowd(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker t;
    pool_stage_init(&s);
    s.options.connections_max = 1;
    s.options.take_timeout_ms = 0;
    pool_stage_begin(&s);
    send_many(&s, 3);
    take(&s, &t, "taken");
    pool_stage_turn(&s);
    /* It gets no more commands, and so has nothing to do soon. */
    assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    (void)pool_stage_answer(pool_stage_link_of(&s, member(&s, 0)), 2);
    pool_stage_turn(&s);
    expect_log(&s, "ok ok");
    pool_stage_answer_all(&s);
    expect_log(&s, "ok taken");
    assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
    pool_stage_turn(&s);
    expect_log(&s, "drained");
    send_many(&s, 1);
    pool_stage_end(&s);
}

/* A free one is not lost to those who send before the loop's next turn. */
static void what_is_free_is_kept_for_who_waits(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker t;
    pool_stage_init(&s);
    s.options.connections_min = 2;
    s.options.connections_max = 2;
    pool_stage_begin(&s);
    take(&s, &t, "taken");
    send_many(&s, 10);
    pool_stage_turn(&s);
    expect_log(&s, "taken");
    assert_int_equal(counters(&s).in_flight, 10);
    assert_int_equal(t.c->waiting.count, 0);
    pool_stage_end(&s);
}

/* ---- breaking ---- */

static void one_that_breaks_leaves_the_others(void **state)
{
    (void)state;
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_min = 2;
    s.options.connections_max = 2;
    pool_stage_begin(&s);
    send_many(&s, 2);
    pool_stage_turn(&s);
    s.refusals = -1;
    pool_stage_hang_up(&s, pool_stage_link_of(&s, member(&s, 0)));
    expect_log(&s, "lost");
    assert_int_equal(counters(&s).ready, 1);
    assert_string_equal(engram_pool_error(s.pool),
                        "read: Connection reset by peer");
    send_many(&s, 3);
    assert_int_equal(member(&s, 1)->waiting.count, 4);
    pool_stage_answer_all(&s);
    expect_log(&s, "ok ok ok ok");
    s.refusals = 0;
    pool_stage_pass_ms(&s, 5000);
    assert_int_equal(counters(&s).ready, 2);
    pool_stage_end(&s);
}

static void one_that_has_given_up_is_tried_again(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker t;
    pool_stage_init(&s);
    s.conn.attempts_max = 1;
    s.refusals = -1;
    pool_stage_begin(&s);
    assert_int_equal(counters(&s).gave_up, 1);
    assert_int_equal(s.attempts, 1);
    /* None is made for each command meanwhile. */
    for (int i = 0; i < 10; i++) {
        assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    }
    take(&s, &t, "taken");
    pool_stage_pass_ms(&s, 4000);
    assert_int_equal(s.attempts, 1);
    expect_log(&s, "");
    s.refusals = 1;
    pool_stage_pass_ms(&s, 1000);
    assert_int_equal(s.attempts, 2);
    expect_log(&s, "taken drained");
    assert_int_equal(t.st, ENGRAM_TIMEOUT);
    take(&s, &t, "taken");
    pool_stage_pass_ms(&s, 4999);
    assert_int_equal(counters(&s).ready, 0);
    pool_stage_pass_ms(&s, 1);
    assert_int_equal(counters(&s).ready, 1);
    pool_stage_end(&s);
}

static void who_has_taken_one_sees_it_break(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker t;
    pool_stage_init(&s);
    s.options.connections_max = 1;
    pool_stage_begin(&s);
    take(&s, &t, "taken");
    pool_stage_turn(&s);
    engram_send(t.c, NULL, on_reply, &s, "BLPOP k 0");
    pool_stage_turn(&s);
    pool_stage_hang_up(&s, pool_stage_link_of(&s, t.c));
    expect_log(&s, "taken lost");
    assert_false(engram_conn_is_ready(t.c));
    assert_int_equal(engram_pool_give(s.pool, t.c), ENGRAM_OK);
    send_many(&s, 1);
    pool_stage_pass_ms(&s, 100);
    pool_stage_answer_all(&s);
    expect_log(&s, "ok");
    pool_stage_end(&s);
}

static void closing_calls_all_back(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker a, b;
    pool_stage_init(&s);
    s.options.connections_max = 1;
    pool_stage_begin(&s);
    take(&s, &a, "a");
    pool_stage_turn(&s);
    take(&s, &b, "b");
    engram_send(a.c, NULL, on_reply, &s, "PING");
    engram_pool_close(s.pool);
    expect_log(&s, "a b cancelled");
    assert_int_equal(b.st, ENGRAM_CANCELLED);
    assert_int_equal(send_one(&s), ENGRAM_CLOSED);
    assert_int_equal(engram_pool_take(s.pool, on_taken, &b), ENGRAM_CLOSED);
    assert_true(engram_conn_is_closed(a.c));
    pool_stage_turn(&s);
    assert_int_equal(engram_pool_open(s.pool), ENGRAM_OK);
    assert_int_equal(engram_pool_open(s.pool), ENGRAM_INVALID);
    assert_int_equal(engram_pool_give(s.pool, a.c), ENGRAM_OK);
    send_many(&s, 1);
    pool_stage_answer_all(&s);
    expect_log(&s, "ok");
    pool_stage_end(&s);
}

/* Nor does it keep the loop busy until connections would have been idle for too
 * long; opened again, it counts anew. */
static void closed_it_wants_nothing(void **state)
{
    (void)state;
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_max = 2;
    s.options.busy_at = 1;
    pool_stage_begin(&s);
    send_many(&s, 2);
    pool_stage_answer_all(&s);
    assert_int_equal(counters(&s).connections, 2);
    engram_pool_close(s.pool);
    assert_true(s.pool->anchor->alarm.at_us == REQUEST_NO_DEADLINE);
    assert_int_equal(engram_pool_open(s.pool), ENGRAM_OK);
    pool_stage_turn(&s);
    pool_stage_answer_all(&s);
    assert_int_equal(counters(&s).connections, 2);
    pool_stage_pass_ms(&s, 61000);
    assert_int_equal(counters(&s).connections, 1);
    pool_stage_end(&s);
}

/* ---- destroyed in a callback ---- */

static void destroy_on_reply(struct engram_conn *c, enum engram_status st,
                             const struct engram_reply *reply, void *arg)
{
    struct pool_stage *s = arg;
    on_reply(c, st, reply, arg);
    engram_pool_destroy(&s->pool);
}

static void destroy_on_taken(struct engram_pool *pool, enum engram_status st,
                             struct engram_conn *c, void *arg)
{
    struct taker *t = arg;
    on_taken(pool, st, c, arg);
    engram_pool_destroy(&t->s->pool);
}

static void destroy_on_drained(struct engram_pool *pool, void *arg)
{
    struct pool_stage *s = arg;
    assert_ptr_equal(pool, s->pool);
    engram_pool_destroy(&s->pool);
}

static void a_callback_may_destroy_it(void **state)
{
    (void)state;
    struct pool_stage s;
    struct taker a, b;
    pool_stage_init(&s);
    s.options.connections_min = 2;
    pool_stage_begin(&s);
    send_many(&s, 3);
    assert_int_equal(engram_pool_send(s.pool, NULL, destroy_on_reply, &s, "X"),
                     ENGRAM_OK);
    send_many(&s, 4);
    pool_stage_answer_all(&s);
    assert_null(s.pool);
    pool_stage_end(&s);

    /* Out of the alarm, and out of a connection's turn. */
    for (int is_busy = 0; is_busy < 2; is_busy++) {
        pool_stage_init(&s);
        s.options.connections_max = 1;
        pool_stage_begin(&s);
        send_many(&s, is_busy);
        a = (struct taker){ .s = &s, .name = "a" };
        assert_int_equal(engram_pool_take(s.pool, destroy_on_taken, &a),
                         ENGRAM_OK);
        take(&s, &b, "b");
        pool_stage_answer_all(&s);
        assert_null(s.pool);
        assert_int_equal(a.called, 1);
        assert_int_equal(b.called, 1);
        assert_int_equal(b.st, ENGRAM_CANCELLED);
        pool_stage_end(&s);
    }

    pool_stage_init(&s);
    s.options.max_in_flight = 1;
    s.options.on_drained = destroy_on_drained;
    pool_stage_begin(&s);
    send_many(&s, 1);
    assert_int_equal(send_one(&s), ENGRAM_WOULD_BLOCK);
    pool_stage_answer_all(&s);
    assert_null(s.pool);
    pool_stage_end(&s);
}

static void options_are_looked_at(void **state)
{
    (void)state;
    struct pool_stage s;
    pool_stage_init(&s);
    s.options.connections_min = 9;
    assert_int_equal(pool_stage_create(&s), ENGRAM_INVALID);
    pool_stage_init(&s);
    s.options.hooks.attach = NULL;
    assert_int_equal(pool_stage_create(&s), ENGRAM_INVALID);
    pool_stage_init(&s);
    s.conn.fd = 0;
    assert_int_equal(pool_stage_create(&s), ENGRAM_INVALID);
    pool_stage_init(&s);
    s.conn.url = "http://h";
    assert_int_equal(pool_stage_create(&s), ENGRAM_INVALID);
    pool_stage_init(&s);
    s.conn.url = "rediss://me:pw@h:1/2";
    s.conn.tls_ca_file = "ca.pem";
    s.conn.tls_cert_file = "cert.pem";
    pool_stage_begin(&s);
    const struct target *t = &member(&s, 0)->target;
    assert_string_equal(t->host, "h");
    assert_string_equal(t->user, "me");
    assert_string_equal(t->password, "pw");
    assert_int_equal(t->port, 1);
    assert_int_equal(t->db, 2);
    assert_true(t->tls.is_on);
    assert_string_equal(t->tls.ca_file, "ca.pem");
    assert_string_equal(t->tls.key_file, "cert.pem");
    assert_non_null(member(&s, 0)->transport.tls);
    assert_ptr_equal(member(&s, 0)->transport.tls,
                     s.pool->anchor->transport.tls);
    pool_stage_end(&s);
}

int test_pool_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_loaded_gets_it),
        cmocka_unit_test(it_grows_when_busy_and_shrinks_when_idle),
        cmocka_unit_test(the_limits_hold_for_all_together),
        cmocka_unit_test(bytes_have_a_limit_too),
        cmocka_unit_test(what_changes_a_connection_is_refused),
        cmocka_unit_test(commands_are_built_before_a_connection_is_known),
        cmocka_unit_test(a_connection_may_be_taken),
        cmocka_unit_test(who_leaves_traces_is_replaced),
        cmocka_unit_test(those_who_wait_keep_their_order),
        cmocka_unit_test(who_waits_is_served_before_the_crowd),
        cmocka_unit_test(what_is_free_is_kept_for_who_waits),
        cmocka_unit_test(one_that_breaks_leaves_the_others),
        cmocka_unit_test(one_that_has_given_up_is_tried_again),
        cmocka_unit_test(who_has_taken_one_sees_it_break),
        cmocka_unit_test(closing_calls_all_back),
        cmocka_unit_test(closed_it_wants_nothing),
        cmocka_unit_test(a_callback_may_destroy_it),
        cmocka_unit_test(options_are_looked_at),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
