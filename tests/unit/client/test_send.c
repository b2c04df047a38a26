/* Tests of sending: what leaves, what is refused, what is counted. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"
#include "tests.h"

static int setup(void **state)
{
    struct stage *s = malloc(sizeof *s);
    stage_init(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    stage_end(*state);
    free(*state);
    return 0;
}

static struct engram_counters counters_of(struct stage *s)
{
    struct engram_counters n;
    engram_conn_counters(s->c, &n, sizeof n);
    return n;
}

static void replies_find_their_commands(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "SET k v");
    stage_send(s, "GET k");
    assert_string_equal(stage_hear(s),
                        "*3|$3|SET|$1|k|$1|v|*2|$3|GET|$1|k|");
    stage_say(s, "+OK\r\n$1\r\n");
    stage_say(s, "v\r\n");
    assert_string_equal(stage_log(s), "connected ok:OK ok:v");
    assert_int_equal(counters_of(s).replies, 2);
    assert_int_equal(counters_of(s).in_flight, 0);
}

static void commands_wait_for_the_link(void **state)
{
    struct stage *s = *state;
    assert_int_equal(stage_create_conn(s), ENGRAM_OK);
    assert_int_equal(engram_send(s->c, NULL, NULL, NULL, "PING"),
                     ENGRAM_CLOSED);
    s->refusals = 2;
    assert_int_equal(engram_conn_open(s->c), ENGRAM_OK);
    assert_int_equal(engram_conn_open(s->c), ENGRAM_INVALID);
    stage_send(s, "PING");
    stage_turn(s);
    stage_pass_ms(s, 10000);
    stage_pass_ms(s, 10000);
    assert_string_equal(stage_log(s),
                        "ended(connect) ended(connect) connected");
    assert_string_equal(stage_hear(s), "*1|$4|PING|");
    stage_say(s, "+PONG\r\n");
    assert_string_equal(stage_log(s), "ok:PONG");
}

static void the_count_has_a_limit(void **state)
{
    struct stage *s = *state;
    s->options.max_in_flight = 4;
    stage_begin(s);
    for (int i = 0; i < 4; i++) {
        stage_send(s, "PING");
    }
    assert_int_equal(engram_send(s->c, NULL, stage_on_reply, s, "PING"),
                     ENGRAM_WOULD_BLOCK);
    stage_turn(s);
    stage_say(s, "+1\r\n");
    assert_string_equal(stage_log(s), "connected ok:1");
    stage_say(s, "+2\r\n");
    assert_string_equal(stage_log(s), "ok:2 drained");
    stage_send(s, "PING");
    stage_turn(s);
    stage_say(s, "+3\r\n+4\r\n+5\r\n");
    assert_string_equal(stage_log(s), "ok:3 ok:4 ok:5");
    assert_int_equal(counters_of(s).would_block, 1);
    assert_int_equal(counters_of(s).in_flight_peak, 4);
}

/* A server that does not read: memory stays below the limit, whatever is
 * offered, and comes back when it reads again. */
static void the_bytes_have_a_limit(void **state)
{
    enum { LIMIT = 1 << 20, VALUE = 1000, OFFERED = 20000 };
    struct stage *s = *state;
    char *value = malloc(VALUE);
    memset(value, 'x', VALUE);
    s->options.max_queued_bytes = LIMIT;
    s->writes_left = 0;
    stage_begin(s);
    size_t before = counters_of(s).memory_bytes;
    size_t taken = 0;
    for (int i = 0; i < OFFERED; i++) {
        enum engram_status st = engram_send(s->c, NULL, stage_on_reply, s,
                                            "SET k %b", value, (size_t)VALUE);
        assert_true(st == ENGRAM_OK || st == ENGRAM_WOULD_BLOCK);
        taken += st == ENGRAM_OK;
    }
    struct engram_counters n = counters_of(s);
    assert_in_range(n.queued_bytes, LIMIT - 2 * VALUE, LIMIT);
    assert_in_range(n.memory_bytes, LIMIT, before + LIMIT + LIMIT / 4);
    assert_int_equal(engram_send(s->c, NULL, NULL, NULL, "SET k %b", value,
                                 (size_t)LIMIT),
                     ENGRAM_TOO_BIG);
    (void)stage_log(s);
    s->writes_left = -1;
    for (size_t i = 0; i < taken; i++) {
        (void)stage_hear(s);
        stage_say(s, "+OK\r\n");
    }
    assert_non_null(strstr(stage_log(s), "drained"));
    assert_int_equal(s->callbacks, taken);
    stage_pass_ms(s, 1000);
    stage_pass_ms(s, 1000);
    n = counters_of(s);
    assert_int_equal(n.queued_bytes, 0);
    assert_in_range(n.memory_bytes, 1, before + 64 * 1024);
    free(value);
}

static void short_writes_lose_nothing(void **state)
{
    struct stage *s = *state;
    s->write_bytes_max = 3;
    stage_begin(s);
    stage_send(s, "SET key value");
    stage_send(s, "GET key");
    assert_string_equal(stage_hear(s),
                        "*3|$3|SET|$3|key|$5|value|*2|$3|GET|$3|key|");
    stage_say(s, "+OK\r\n+x\r\n");
}

/* What the guide says a command takes beside its bytes. */
static void a_command_takes_little_beside_its_bytes(void **state)
{
    enum { COMMANDS = 10000, EACH = 80, EACH_KEPT = 400 };
    struct stage *s = *state;
    const struct engram_how again = { .flags = ENGRAM_IDEMPOTENT };
    s->options.max_in_flight = 2 * COMMANDS;
    s->writes_left = 0;
    stage_begin(s);
    struct engram_counters before = counters_of(s);
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(engram_send(s->c, NULL, NULL, NULL, "PING"), ENGRAM_OK);
    }
    struct engram_counters n = counters_of(s);
    assert_in_range(n.memory_bytes - before.memory_bytes, n.queued_bytes,
                    n.queued_bytes + COMMANDS * EACH);
    before = n;
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(engram_send(s->c, &again, NULL, NULL, "PING"),
                         ENGRAM_OK);
    }
    n = counters_of(s);
    assert_in_range(n.memory_bytes - before.memory_bytes,
                    n.queued_bytes - before.queued_bytes,
                    n.queued_bytes - before.queued_bytes +
                        COMMANDS * EACH_KEPT);
    engram_conn_close(s->c);
}

/* With a small limit too, what the kernel takes need not wait for a turn. */
static void a_send_writes_before_the_limit(void **state)
{
    struct stage *s = *state;
    s->options.max_queued_bytes = 1000;
    stage_begin(s);
    for (int i = 0; i < 100; i++) {
        stage_send(s, "SET key value");
    }
    assert_in_range(counters_of(s).queued_bytes, 1, 500);
    (void)stage_hear(s);
    for (int i = 0; i < 100; i++) {
        stage_say(s, "+OK\r\n");
    }
}

static void count_release(void *arg)
{
    ++*(int *)arg;
}

static void built_commands_borrow(void **state)
{
    struct stage *s = *state;
    int released = 0;
    char value[2001];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    stage_begin(s);
    struct engram_command *cmd = engram_command_create(s->c);
    assert_int_equal(engram_send_command(s->c, NULL, NULL, NULL, &cmd),
                     ENGRAM_INVALID);
    assert_int_equal(engram_command_add(cmd, "SET", 3), ENGRAM_OK);
    assert_int_equal(engram_command_add_integer(cmd, -12), ENGRAM_OK);
    assert_int_equal(engram_command_add_borrowed(cmd, value, 2000,
                                                 count_release, &released),
                     ENGRAM_OK);
    assert_int_equal(
        engram_send_command(s->c, NULL, stage_on_reply, s, &cmd), ENGRAM_OK);
    assert_null(cmd);
    assert_int_equal(released, 0);
    const char *heard = stage_hear(s);
    assert_memory_equal(heard, "*3|$3|SET|$3|-12|$2000|vvv", 26);
    assert_int_equal(strlen(heard), 23 + 2000 + 1);
    assert_int_equal(released, 1);
    stage_say(s, "+OK\r\n");

    /* Kept until the reply, or until it is clear that there will be none. */
    const struct engram_how again = { .flags = ENGRAM_IDEMPOTENT };
    cmd = engram_command_create(s->c);
    assert_int_equal(engram_command_add_borrowed(cmd, "PING", 4, count_release,
                                                 &released),
                     ENGRAM_OK);
    assert_int_equal(
        engram_send_command(s->c, &again, stage_on_reply, s, &cmd), ENGRAM_OK);
    (void)stage_hear(s);
    assert_int_equal(released, 1);
    assert_int_equal(counters_of(s).queued_bytes, 14);
    stage_say(s, "+PONG\r\n");
    assert_int_equal(released, 2);
    assert_int_equal(counters_of(s).queued_bytes, 0);

    cmd = engram_command_create(s->c);
    assert_int_equal(engram_command_add_borrowed(cmd, "PING", 4, count_release,
                                                 &released),
                     ENGRAM_OK);
    engram_command_destroy(&cmd);
    assert_int_equal(released, 3);
}

static void small_arguments_are_not_worth_borrowing(void **state)
{
    struct stage *s = *state;
    int released = 0;
    stage_begin(s);
    struct engram_command *cmd = engram_command_create(s->c);
    assert_int_equal(engram_command_add(cmd, "GET", 3), ENGRAM_OK);
    assert_int_equal(engram_command_add_borrowed(cmd, "key", 3, count_release,
                                                 &released),
                     ENGRAM_OK);
    assert_int_equal(released, 0);
    assert_int_equal(
        engram_send_command(s->c, NULL, stage_on_reply, s, &cmd), ENGRAM_OK);
    assert_int_equal(released, 1);
    assert_string_equal(stage_hear(s), "*2|$3|GET|$3|key|");
    stage_say(s, "$-1\r\n");
}

static void a_refused_command_can_be_sent_later(void **state)
{
    struct stage *s = *state;
    s->options.max_in_flight = 1;
    stage_begin(s);
    stage_send(s, "PING");
    struct engram_command *cmd = engram_command_create(s->c);
    assert_int_equal(engram_command_add(cmd, "GET", 3), ENGRAM_OK);
    assert_int_equal(
        engram_send_command(s->c, NULL, stage_on_reply, s, &cmd),
        ENGRAM_WOULD_BLOCK);
    assert_int_equal(engram_command_add(cmd, "k", 1), ENGRAM_OK);
    (void)stage_hear(s);
    stage_say(s, "+PONG\r\n");
    assert_int_equal(
        engram_send_command(s->c, NULL, stage_on_reply, s, &cmd), ENGRAM_OK);
    assert_string_equal(stage_hear(s), "*2|$3|GET|$1|k|");
    stage_say(s, "$-1\r\n");
    assert_string_equal(stage_log(s), "connected ok:PONG drained ok:nil");
}

static void on_event(struct engram_conn *c, const struct engram_event *e,
                     void *arg)
{
    (void)c;
    static const char *const names[] = { "value", "text", "open", "close" };
    stage_note(arg, "%s%u=%.*s ", names[e->kind], e->depth, (int)e->len,
               e->text);
}

static void replies_can_be_streamed(void **state)
{
    struct stage *s = *state;
    const struct engram_how how = { .on_event = on_event };
    stage_begin(s);
    assert_int_equal(
        engram_send(s->c, &how, stage_on_reply, s, "LRANGE l 0 -1"), ENGRAM_OK);
    stage_send(s, "PING");
    (void)stage_hear(s);
    stage_say(s, "*2\r\n$6\r\nabc");
    stage_say(s, "def\r\n:1\r\n+PONG\r\n");
    assert_string_equal(stage_log(s),
                        "connected open0= text1=abc text1=def value1=1 close0= "
                        "ok:nil ok:PONG");
    assert_int_equal(engram_send(s->c, &how, NULL, s, "SUBSCRIBE x"),
                     ENGRAM_INVALID);
}

static void an_empty_command_is_refused(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    assert_int_equal(engram_send(s->c, NULL, NULL, NULL, ""), ENGRAM_INVALID);
    assert_int_equal(engram_send(s->c, NULL, NULL, NULL, "GET %q", 1),
                     ENGRAM_INVALID);
    assert_int_equal(engram_send_argv(s->c, NULL, NULL, NULL, 0, NULL, NULL),
                     ENGRAM_INVALID);
}

#define SEND_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void words_may_be_sent_as_a_line(void **state)
{
    struct stage *s = *state;
    const struct engram_how line = { .flags = ENGRAM_INLINE };
    const struct engram_how again = { .flags = ENGRAM_INLINE |
                                               ENGRAM_IDEMPOTENT };
    const char *words[] = { "SET", "k\xc3\xa4", "*v" };
    stage_begin(s);
    assert_int_equal(engram_send_argv(s->c, &line, stage_on_reply, s, 3, words,
                                      NULL),
                     ENGRAM_OK);
    assert_int_equal(engram_send_argv(s->c, &again, stage_on_reply, s, 1, words,
                                      NULL),
                     ENGRAM_OK);
    stage_send(s, "PING");
    assert_string_equal(stage_hear(s), "SET k\xc3\xa4 *v|SET|*1|$4|PING|");
    stage_say(s, "+1\r\n-2\r\n+3\r\n");
    assert_string_equal(stage_log(s), "connected ok:1 ok:(error)2 ok:3");
}

static void what_is_no_word_is_no_line(void **state)
{
    struct stage *s = *state;
    const struct engram_how line = { .flags = ENGRAM_INLINE };
    const char *const wrong[] = { "", "a b", "a\r\n", "\"a", "'", "\\",
                                  "\t", "*1", "\x7f" };
    stage_begin(s);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *words[] = { "GET", wrong[i] };
        size_t from = wrong[i][0] == '*' ? 1 : 0;
        assert_int_equal(engram_send_argv(s->c, &line, NULL, NULL, 2 - from,
                                          words + from, NULL),
                         ENGRAM_INVALID);
    }
    struct engram_command *cmd = engram_command_create(s->c);
    assert_int_equal(engram_command_add(cmd, "PING", 4), ENGRAM_OK);
    assert_int_equal(engram_send_command(s->c, &line, NULL, NULL, &cmd),
                     ENGRAM_INVALID);
    engram_command_destroy(&cmd);
    assert_int_equal(engram_send(s->c, &line, NULL, NULL, "PING"),
                     ENGRAM_INVALID);
    assert_string_equal(stage_hear(s), "");
    assert_int_equal(counters_of(s).commands, 0);
}

int test_send_run(void)
{
    const struct CMUnitTest tests[] = {
        SEND_TEST(replies_find_their_commands),
        SEND_TEST(commands_wait_for_the_link),
        SEND_TEST(words_may_be_sent_as_a_line),
        SEND_TEST(what_is_no_word_is_no_line),
        SEND_TEST(the_count_has_a_limit),
        SEND_TEST(the_bytes_have_a_limit),
        SEND_TEST(short_writes_lose_nothing),
        SEND_TEST(a_command_takes_little_beside_its_bytes),
        SEND_TEST(a_send_writes_before_the_limit),
        SEND_TEST(built_commands_borrow),
        SEND_TEST(small_arguments_are_not_worth_borrowing),
        SEND_TEST(a_refused_command_can_be_sent_later),
        SEND_TEST(replies_can_be_streamed),
        SEND_TEST(an_empty_command_is_refused),
    };
    return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
