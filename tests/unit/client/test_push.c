/* Tests of what comes without being asked for: pushes, subscriptions in both
 * protocols, MONITOR. */
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

static void begin_resp3(struct stage *s)
{
    s->options.protocol = 3;
    stage_begin(s);
    (void)stage_hear(s);
    stage_say(s, "%1\r\n+proto\r\n:3\r\n");
    (void)stage_log(s);
}

#define CONFIRM(mark, kind, len, channel, n) \
    mark "3\r\n$" len "\r\n" kind "\r\n$1\r\n" channel "\r\n:" n "\r\n"

static void pushes_come_between_replies(void **state)
{
    struct stage *s = *state;
    begin_resp3(s);
    stage_send(s, "SUBSCRIBE a b");
    stage_send(s, "GET k");
    (void)stage_hear(s);
    stage_say(s, CONFIRM(">", "subscribe", "9", "a", "1"));
    assert_string_equal(stage_log(s), "push:<subscribe a 1>");
    stage_say(s, CONFIRM(">", "subscribe", "9", "b", "2"));
    assert_string_equal(stage_log(s),
                        "push:<subscribe b 2> ok:<subscribe b 2>");
    stage_say(s, ">3\r\n+message\r\n+a\r\n+hi\r\n$1\r\n");
    stage_say(s, "v\r\n>2\r\n+invalidate\r\n*1\r\n+k\r\n");
    assert_string_equal(stage_log(s),
                        "push:<message a hi> ok:v push:<invalidate [k]>");
    stage_send(s, "UNSUBSCRIBE");
    (void)stage_hear(s);
    stage_say(s, CONFIRM(">", "unsubscribe", "11", "a", "1"));
    assert_string_equal(stage_log(s), "push:<unsubscribe a 1>");
    stage_say(s, CONFIRM(">", "unsubscribe", "11", "b", "0"));
    assert_string_equal(stage_log(s),
                        "push:<unsubscribe b 0> ok:<unsubscribe b 0>");
}

static void resp2_arrays_are_messages(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "LRANGE l 0 -1");
    stage_send(s, "SUBSCRIBE a");
    stage_send(s, "PSUBSCRIBE b");
    (void)stage_hear(s);
    stage_say(s, "*1\r\n$7\r\nmessage\r\n");
    assert_string_equal(stage_log(s), "connected ok:[message]");
    stage_say(s, CONFIRM("*", "subscribe", "9", "a", "1"));
    stage_say(s, CONFIRM("*", "psubscribe", "10", "b", "2"));
    assert_string_equal(stage_log(s),
                        "push:[subscribe a 1] ok:[subscribe a 1] "
                        "push:[psubscribe b 2] ok:[psubscribe b 2]");
    stage_send(s, "PING");
    (void)stage_hear(s);
    stage_say(s, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
                 "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    assert_string_equal(stage_log(s), "push:[message a hi] ok:[pong ]");
    stage_send(s, "UNSUBSCRIBE");
    stage_send(s, "PUNSUBSCRIBE b x");
    stage_send(s, "LRANGE l 0 -1");
    (void)stage_hear(s);
    stage_say(s, CONFIRM("*", "unsubscribe", "11", "a", "1"));
    stage_say(s, CONFIRM("*", "punsubscribe", "12", "b", "0"));
    stage_say(s, CONFIRM("*", "punsubscribe", "12", "x", "0"));
    (void)stage_log(s);
    stage_say(s, "*1\r\n$7\r\nmessage\r\n");
    assert_string_equal(stage_log(s), "ok:[message]");
}

static void unsubscribing_from_nothing_is_confirmed(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "UNSUBSCRIBE");
    stage_send(s, "SUBSCRIBE");
    (void)stage_hear(s);
    stage_say(s, "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
    stage_say(s, "-ERR wrong number of arguments\r\n");
    assert_string_equal(stage_log(s),
                        "connected push:[unsubscribe nil 0] "
                        "ok:[unsubscribe nil 0] "
                        "ok:(error)ERR wrong number of arguments");
}

static void monitor_lines_are_pushes(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "MONITOR");
    stage_send(s, "PING");
    (void)stage_hear(s);
    stage_say(s, "+OK\r\n+1700000000.123456 [0 127.0.0.1:5] \"get\" \"k\"\r\n"
                 "+PONG\r\n+1700000000.123457 [0 lua] \"get\" \"k\"\r\n");
    assert_string_equal(
        stage_log(s),
        "connected ok:OK push:1700000000.123456 [0 127.0.0.1:5] \"get\" \"k\" "
        "ok:PONG push:1700000000.123457 [0 lua] \"get\" \"k\"");
    stage_send(s, "RESET");
    (void)stage_hear(s);
    stage_say(s, "+RESET\r\n+1700000000.123456 [0 x] \"get\"\r\n");
    assert_string_equal(stage_log(s), "ok:RESET ended(protocol)");
}

static void unsubscribe_all(struct engram_conn *c,
                            const struct engram_reply *push, void *arg)
{
    (void)push;
    (void)arg;
    engram_conn_close(c);
}

static void a_push_callback_may_close(void **state)
{
    struct stage *s = *state;
    s->options.on_push = unsubscribe_all;
    stage_begin(s);
    stage_send(s, "SUBSCRIBE a");
    (void)stage_hear(s);
    stage_say(s, CONFIRM("*", "subscribe", "9", "a", "1"));
    assert_string_equal(stage_log(s), "connected cancelled");
}

#define PUSH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int test_push_run(void)
{
    const struct CMUnitTest tests[] = {
        PUSH_TEST(pushes_come_between_replies),
        PUSH_TEST(resp2_arrays_are_messages),
        PUSH_TEST(unsubscribing_from_nothing_is_confirmed),
        PUSH_TEST(monitor_lines_are_pushes),
        PUSH_TEST(a_push_callback_may_close),
    };
    return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
