/* Tests of the link: greeting, breaking, trying again, deadlines, closing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static const struct engram_how idempotent = { .flags = ENGRAM_IDEMPOTENT };

static void hello_says_it_all(void **state)
{
    struct stage *s = *state;
    s->options.protocol = 3;
    s->options.password = "pw";
    s->options.client_name = "me";
    s->options.db = 2;
    s->is_slow = true;
    stage_begin(s);
    stage_send(s, "PING");
    assert_string_equal(stage_hear(s), "*7|$5|HELLO|$1|3|$4|AUTH|$7|default|"
                                       "$2|pw|$7|SETNAME|$2|me|");
    stage_say(s, "%1\r\n+proto\r\n:3\r\n");
    assert_string_equal(stage_hear(s), "*2|$6|SELECT|$1|2|");
    assert_string_equal(stage_log(s), "");
    stage_say(s, "+OK\r\n");
    assert_string_equal(stage_hear(s), "*1|$4|PING|");
    assert_string_equal(stage_log(s), "connected");
    assert_int_equal(engram_conn_protocol(s->c), 3);
    stage_say(s, "+PONG\r\n");
}

static void an_old_server_is_greeted_its_way(void **state)
{
    struct stage *s = *state;
    s->options.protocol = 3;
    s->options.password = "pw";
    s->options.client_name = "me";
    stage_begin(s);
    (void)stage_hear(s);
    stage_say(s, "-ERR unknown command `HELLO`, with args\r\n");
    assert_string_equal(stage_hear(s), "*2|$4|AUTH|$2|pw|");
    stage_say(s, "+OK\r\n");
    assert_string_equal(stage_hear(s), "*3|$6|CLIENT|$7|SETNAME|$2|me|");
    stage_say(s, "+OK\r\n");
    assert_string_equal(stage_log(s), "connected");
    assert_int_equal(engram_conn_protocol(s->c), 2);
}

static void a_refused_greeting_ends_the_link(void **state)
{
    struct stage *s = *state;
    s->options.protocol = 3;
    s->options.reconnect = 0;
    stage_begin(s);
    stage_send(s, "PING");
    (void)stage_hear(s);
    stage_say(s, "-WRONGPASS invalid username-password pair\r\n");
    assert_string_equal(stage_log(s), "unsent ended(handshake,for good)");
    assert_string_equal(engram_conn_error(s->c),
                        "greeting: WRONGPASS invalid username-password pair");
    assert_int_equal(engram_send(s->c, NULL, NULL, NULL, "PING"),
                     ENGRAM_CLOSED);
}

static void what_was_in_flight_is_told_apart(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "SET a 1");
    assert_int_equal(
        engram_send(s->c, &idempotent, stage_on_reply, s, "GET a"), ENGRAM_OK);
    (void)stage_hear(s);
    s->writes_left = 0;
    stage_send(s, "SET b 2");
    assert_int_equal(
        engram_send(s->c, &idempotent, stage_on_reply, s, "GET b"), ENGRAM_OK);
    stage_turn(s);
    s->writes_left = -1;
    close(s->server_fd);
    s->server_fd = -1;
    engram_conn_on_ready(s->c, ENGRAM_READABLE);
    assert_string_equal(stage_log(s), "connected lost unsent ended(eof)");
    stage_send(s, "PING");
    stage_pass_ms(s, 1000);
    assert_string_equal(stage_hear(s),
                        "*2|$3|GET|$1|a|*2|$3|GET|$1|b|*1|$4|PING|");
    stage_say(s, "+1\r\n+2\r\n+3\r\n");
    assert_string_equal(stage_log(s), "connected ok:1 ok:2 ok:3");
    struct engram_counters n;
    engram_conn_counters(s->c, &n, sizeof n);
    assert_int_equal(n.resent, 2);
    assert_int_equal(n.lost, 2);
    assert_int_equal(n.queued_bytes, 0);
}

/* Half a transaction must not be said on another link. */
static void a_transaction_is_not_sent_again(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "MULTI");
    assert_int_equal(
        engram_send(s->c, &idempotent, stage_on_reply, s, "INCR a"), ENGRAM_OK);
    stage_send(s, "EXEC");
    assert_int_equal(
        engram_send(s->c, &idempotent, stage_on_reply, s, "GET a"), ENGRAM_OK);
    (void)stage_hear(s);
    stage_hang_up(s);
    assert_string_equal(stage_log(s), "connected lost lost lost ended(eof)");
    stage_pass_ms(s, 1000);
    assert_string_equal(stage_hear(s), "*2|$3|GET|$1|a|");
    stage_say(s, "+x\r\n");
}

/* ---- what stands on a connection ---- */

static void tap_ready(struct engram_conn *c, void *arg)
{
    (void)c;
    stage_note(arg, "tap-ready ");
}

static void tap_ended(struct engram_conn *c, enum engram_status why,
                      int retry_ms, void *arg)
{
    (void)c;
    (void)retry_ms;
    stage_note(arg, "tap-ended:%s ", engram_status_text(why));
}

static bool tap_push(struct engram_conn *c, const struct engram_reply *push,
                     void *arg)
{
    (void)c;
    stage_note(arg, "tap-push ");
    return strcmp(engram_reply_text(engram_reply_at(push, 0), NULL),
                  "invalidate") == 0;
}

/* As TLS may have it. The stage notices a loop that is woken for nothing. */
static void a_write_may_wait_for_the_server(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    s->is_write_crossed = true;
    stage_send(s, "PING");
    stage_turn(s);
    assert_string_equal(stage_hear(s), "");
    assert_int_equal(engram_conn_wish(s->c).events, ENGRAM_READABLE);
    stage_say(s, ">1\r\n+x\r\n");
    assert_string_equal(stage_hear(s), "*1|$4|PING|");
    stage_say(s, "+PONG\r\n");
    assert_string_equal(stage_log(s), "connected push:<x> ok:PONG");
}

static void a_read_may_wait_for_room(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "PING");
    stage_turn(s);
    s->is_read_crossed = true;
    s->writes_left = 0;
    stage_say(s, "+PONG\r\n");
    assert_string_equal(stage_log(s), "connected");
    assert_int_equal(engram_conn_wish(s->c).events, ENGRAM_WRITABLE);
    s->writes_left = -1;
    stage_turn(s);
    assert_string_equal(stage_log(s), "ok:PONG");
    assert_int_equal(engram_conn_wish(s->c).events, ENGRAM_READABLE);
}

static void a_tap_sees_all_before_the_program(void **state)
{
    struct stage *s = *state;
    assert_int_equal(stage_create_conn(s), ENGRAM_OK);
    s->c->tap = (struct conn_tap){ .on_ready = tap_ready,
                                      .on_ended = tap_ended,
                                      .on_push = tap_push,
                                      .arg = s };
    assert_int_equal(engram_conn_open(s->c), ENGRAM_OK);
    stage_turn(s);
    assert_string_equal(stage_log(s), "tap-ready connected");
    stage_say(s, ">1\r\n+invalidate\r\n");
    assert_string_equal(stage_log(s), "tap-push");
    stage_say(s, ">1\r\n+other\r\n");
    assert_string_equal(stage_log(s), "tap-push push:<other>");
    stage_hang_up(s);
    assert_string_equal(stage_log(s),
                        "tap-ended:the server closed the connection "
                        "ended(eof)");
}

static void note_alarm(struct engram_conn *c, void *arg)
{
    (void)c;
    stage_note(arg, "alarm ");
}

static void an_alarm_rings_once(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    (void)stage_log(s);
    s->c->tap.arg = s;
    conn_set_alarm(s->c, s->now_us + 20000, note_alarm, s);
    stage_pass_ms(s, 19);
    assert_string_equal(stage_log(s), "");
    stage_pass_ms(s, 1);
    assert_string_equal(stage_log(s), "alarm");
    stage_pass_ms(s, 100);
    assert_string_equal(stage_log(s), "");
    /* Whatever the link does. */
    engram_conn_close(s->c);
    conn_set_alarm(s->c, s->now_us + 5000, note_alarm, s);
    assert_int_equal(engram_conn_wish(s->c).wake_at_ms,
                     (s->now_us + 5000) / 1000);
    stage_pass_ms(s, 5);
    assert_string_equal(stage_log(s), "alarm");
}

static void the_next_attempt_goes_elsewhere(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    char name[64];
    assert_int_equal(engram_conn_set_address(s->c, "::1", 7000), ENGRAM_OK);
    target_name(&s->c->target, name, sizeof name);
    assert_string_equal(name, "[::1]:7000");
    assert_true(engram_conn_is_ready(s->c));
    assert_int_equal(engram_conn_set_address(s->c, "::1", 0), ENGRAM_INVALID);
    assert_int_equal(engram_conn_set_address(s->c, "", 1), ENGRAM_INVALID);
    assert_int_equal(engram_conn_set_address(s->c, "a", 65536),
                     ENGRAM_INVALID);
    target_name(&s->c->target, name, sizeof name);
    assert_string_equal(name, "[::1]:7000");
}

static void attempts_come_later_and_later(void **state)
{
    struct stage *s = *state;
    s->refusals = -1;
    s->options.backoff_min_ms = 100;
    s->options.backoff_max_ms = 1000;
    s->options.attempts_max = 8;
    stage_begin(s);
    stage_send(s, "PING");
    int64_t began = s->now_us;
    while (!engram_conn_is_closed(s->c)) {
        struct engram_wish w = engram_conn_wish(s->c);
        assert_true(w.wake_at_ms * 1000 > s->now_us);
        s->now_us = w.wake_at_ms * 1000;
        stage_turn(s);
    }
    assert_int_equal(s->attempts, 8);
    /* 100 200 400 800 1000 1000 1000, each up to its half less. */
    assert_in_range(s->now_us - began, 2250 * 1000, 4500 * 1000);
    assert_non_null(strstr(stage_log(s), "unsent ended(connect,for good)"));
    assert_int_equal(engram_conn_open(s->c), ENGRAM_OK);
}

static void deadlines_pass(void **state)
{
    struct stage *s = *state;
    s->options.command_timeout_ms = 100;
    const struct engram_how blocking = { .flags = ENGRAM_BLOCKING };
    const struct engram_how patient = { .timeout_ms = 300 };
    stage_begin(s);
    stage_send(s, "GET a");
    assert_int_equal(
        engram_send(s->c, &patient, stage_on_reply, s, "GET b"), ENGRAM_OK);
    assert_int_equal(
        engram_send(s->c, &blocking, stage_on_reply, s, "BLPOP c 0"),
        ENGRAM_OK);
    (void)stage_hear(s);
    stage_pass_ms(s, 99);
    assert_string_equal(stage_log(s), "connected");
    stage_pass_ms(s, 1);
    assert_string_equal(stage_log(s), "timeout");
    stage_pass_ms(s, 200);
    assert_string_equal(stage_log(s), "timeout");
    stage_pass_ms(s, 10000);
    /* Late replies are dropped, and the right one is found. */
    stage_say(s, "*1\r\n$1\r\nx\r\n+late\r\n+c\r\n");
    assert_string_equal(stage_log(s), "ok:c");
}

static void unsent_commands_time_out_unsent(void **state)
{
    struct stage *s = *state;
    s->options.command_timeout_ms = 100;
    s->refusals = 1;
    stage_begin(s);
    stage_send(s, "SET a 1");
    assert_int_equal(
        engram_send(s->c, &idempotent, stage_on_reply, s, "SET b 1"),
        ENGRAM_OK);
    s->refusals = 1;
    stage_pass_ms(s, 100);
    assert_string_equal(stage_log(s),
                        "ended(connect) timeout timeout ended(connect)");
    struct engram_counters n;
    engram_conn_counters(s->c, &n, sizeof n);
    assert_int_equal(n.queued_bytes, 0);
    stage_send(s, "PING");
    stage_pass_ms(s, 99);
    stage_pass_ms(s, 5000);
    (void)stage_log(s);
    stage_send(s, "PING");
    assert_string_equal(stage_hear(s), "*1|$4|PING|*1|$4|PING|");
    stage_say(s, "+1\r\n+2\r\n");
}

static void a_silent_server_is_left(void **state)
{
    struct stage *s = *state;
    s->options.stall_timeout_ms = 1000;
    stage_begin(s);
    stage_pass_ms(s, 5000);
    stage_send(s, "GET a");
    stage_send(s, "GET b");
    (void)stage_hear(s);
    stage_pass_ms(s, 900);
    stage_say(s, "+a\r\n");
    stage_pass_ms(s, 900);
    assert_string_equal(stage_log(s), "connected ok:a");
    stage_pass_ms(s, 100);
    assert_string_equal(stage_log(s), "lost ended(silent)");
}

static void connecting_has_a_limit(void **state)
{
    struct stage *s = *state;
    s->options.protocol = 3;
    s->options.connect_timeout_ms = 500;
    stage_begin(s);
    stage_pass_ms(s, 499);
    assert_string_equal(stage_log(s), "");
    stage_pass_ms(s, 1);
    assert_string_equal(stage_log(s), "ended(connect)");
    close(s->server_fd);
    s->server_fd = -1;
}

static void a_silent_address_leaves_time_for_others(void **state)
{
    struct stage *s = *state;
    s->options.connect_timeout_ms = 400;
    s->silent_addresses = 2;
    stage_begin(s);
    stage_pass_ms(s, 199);
    assert_int_equal(s->attempts, 1);
    stage_pass_ms(s, 1);
    assert_int_equal(s->attempts, 2);
    stage_pass_ms(s, 99);
    assert_string_equal(stage_log(s), "");
    stage_pass_ms(s, 1);
    assert_string_equal(stage_log(s), "connected");
}

static void finishing_waits_for_replies(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "PING");
    engram_conn_finish(s->c);
    assert_int_equal(engram_send(s->c, NULL, NULL, NULL, "PING"),
                     ENGRAM_CLOSED);
    (void)stage_hear(s);
    stage_say(s, "+PONG\r\n");
    assert_string_equal(stage_log(s), "connected ok:PONG ended(ok,for good)");
    assert_true(engram_conn_is_closed(s->c));
}

static void closing_cancels(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "PING");
    engram_conn_close(s->c);
    assert_string_equal(stage_log(s), "connected cancelled");
    close(s->server_fd);
    s->server_fd = -1;
    assert_int_equal(engram_conn_open(s->c), ENGRAM_OK);
    stage_turn(s);
    stage_send(s, "PING");
    (void)stage_hear(s);
    stage_say(s, "+PONG\r\n");
    assert_string_equal(stage_log(s), "connected ok:PONG");
}

/* The reply stays readable until the callback returns. */
static void close_and_log(struct engram_conn *c, enum engram_status st,
                          const struct engram_reply *r, void *arg)
{
    engram_conn_close(c);
    stage_on_reply(c, st, r, arg);
}

static void destroy_and_log(struct engram_conn *c, enum engram_status st,
                            const struct engram_reply *r, void *arg)
{
    struct stage *s = arg;
    engram_conn_destroy(&s->c);
    stage_on_reply(c, st, r, arg);
}

static void a_callback_may_close_or_destroy(void **state)
{
    engram_reply_fn *const callbacks[] = { close_and_log, destroy_and_log };
    for (int i = 0; i < 2; i++) {
        struct stage *s = *state;
        stage_init(s);
        stage_begin(s);
        assert_int_equal(
            engram_send(s->c, NULL, callbacks[i], s, "LRANGE l 0 -1"),
            ENGRAM_OK);
        stage_send(s, "PING");
        (void)stage_hear(s);
        stage_say(s, "*2\r\n$3\r\nabc\r\n$3\r\ndef\r\n+PONG\r\n");
        assert_string_equal(stage_log(s), "connected cancelled ok:[abc def]");
        assert_int_equal(s->c == NULL, i);
        stage_end(s);
    }
}

static void send_another(struct engram_conn *c, enum engram_status st,
                         const struct engram_reply *r, void *arg)
{
    stage_on_reply(c, st, r, arg);
    assert_int_equal(engram_send(c, NULL, stage_on_reply, arg, "PING"),
                     ENGRAM_OK);
}

static void a_callback_of_failure_may_send(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    assert_int_equal(engram_send(s->c, NULL, send_another, s, "GET a"),
                     ENGRAM_OK);
    (void)stage_hear(s);
    stage_hang_up(s);
    assert_string_equal(stage_log(s), "connected lost ended(eof)");
    stage_pass_ms(s, 1000);
    assert_string_equal(stage_hear(s), "*1|$4|PING|");
    stage_say(s, "+PONG\r\n");
    assert_string_equal(stage_log(s), "connected ok:PONG");
}

static void nonsense_ends_the_link(void **state)
{
    static const char *const said[] = {
        "HTTP/1.1 400 Bad Request\r\n", "+nobody asked\r\n+twice\r\n",
        ":12x\r\n", "$-5\r\n", "*2147483648\r\n", "$99999999999\r\n",
    };
    struct stage *s = *state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        stage_init(s);
        stage_begin(s);
        stage_send(s, "PING");
        (void)stage_hear(s);
        stage_say(s, said[i]);
        assert_non_null(strstr(stage_log(s), "ended(protocol)"));
        stage_end(s);
    }
}

static void an_endless_line_costs_little(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "PING");
    (void)stage_hear(s);
    char *line = malloc(1 << 20);
    memset(line, 'x', 1 << 20);
    line[0] = '+';
    stage_say_bytes(s, line, 1 << 20);
    free(line);
    assert_string_equal(stage_log(s), "connected lost ended(protocol)");
    struct engram_counters n;
    engram_conn_counters(s->c, &n, sizeof n);
    assert_in_range(n.memory_bytes, 1, 256 * 1024);
}

static void ten_thousand_levels_end_the_link(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_send(s, "PING");
    (void)stage_hear(s);
    char *text = malloc(40000);
    for (int i = 0; i < 10000; i++) {
        memcpy(text + 4 * i, "*1\r\n", 4);
    }
    stage_say_bytes(s, text, 40000);
    free(text);
    assert_string_equal(stage_log(s), "connected lost ended(protocol)");
}

/* A server that says why it hangs up is quoted. */
static void last_words_are_kept(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    stage_say(s, "-ERR max number of clients reached\r\n");
    assert_string_equal(stage_log(s), "connected ended(eof)");
    assert_string_equal(engram_conn_error(s->c),
                        "server: ERR max number of clients reached");
}

struct told {
    struct engram_wish wish;
    int count;
};

static void take_note(struct engram_conn *c, void *arg)
{
    struct told *t = arg;
    t->wish = engram_conn_wish(c);
    t->count++;
}

/* A loop hears of every change, of a socket's end before it is closed, and again
 * of a timer that went off too early. */
static void a_loop_is_told(void **state)
{
    struct stage *s = *state;
    struct told t = { .count = 0 };
    assert_int_equal(stage_create_conn(s), ENGRAM_OK);
    engram_conn_attach(s->c, take_note, &t);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.wish.fd, -1);
    assert_int_equal(engram_conn_open(s->c), ENGRAM_OK);
    assert_int_equal(t.wish.wake_at_ms, s->now_us / 1000);
    stage_turn(s);
    assert_true(t.wish.fd >= 0);
    assert_int_equal(t.wish.events, ENGRAM_READABLE);
    stage_send(s, "PING");
    assert_int_equal(t.wish.events, ENGRAM_READABLE | ENGRAM_WRITABLE);
    int64_t wake = t.wish.wake_at_ms;
    assert_true(wake > s->now_us / 1000);
    (void)stage_hear(s);
    assert_int_equal(t.wish.events, ENGRAM_READABLE);
    t = (struct told){ .count = 0 };
    engram_conn_on_timer(s->c);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.wish.wake_at_ms, wake);
    stage_hang_up(s);
    assert_int_equal(t.wish.fd, -1);
    engram_conn_attach(s->c, NULL, NULL);
}

/* What the guide says of a connection that has nothing to do. */
static void a_quiet_link_is_small(void **state)
{
    struct stage *s = *state;
    stage_begin(s);
    for (int i = 0; i < 5000; i++) {
        stage_send(s, "PING");
    }
    (void)stage_hear(s);
    for (int i = 0; i < 5000; i++) {
        stage_say(s, "+PONG\r\n");
    }
    stage_pass_ms(s, 1000);
    stage_pass_ms(s, 1000);
    struct engram_counters n;
    engram_conn_counters(s->c, &n, sizeof n);
    assert_in_range(n.memory_bytes, 1, 36 * 1024);
    assert_int_equal(engram_conn_wish(s->c).wake_at_ms, -1);
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int test_link_run(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(hello_says_it_all),
        LINK_TEST(an_old_server_is_greeted_its_way),
        LINK_TEST(a_refused_greeting_ends_the_link),
        LINK_TEST(what_was_in_flight_is_told_apart),
        LINK_TEST(a_transaction_is_not_sent_again),
        LINK_TEST(attempts_come_later_and_later),
        LINK_TEST(deadlines_pass),
        LINK_TEST(unsent_commands_time_out_unsent),
        LINK_TEST(a_silent_server_is_left),
        LINK_TEST(connecting_has_a_limit),
        LINK_TEST(a_silent_address_leaves_time_for_others),
        LINK_TEST(finishing_waits_for_replies),
        LINK_TEST(closing_cancels),
        LINK_TEST(a_callback_may_close_or_destroy),
        LINK_TEST(a_callback_of_failure_may_send),
        LINK_TEST(nonsense_ends_the_link),
        LINK_TEST(an_endless_line_costs_little),
        LINK_TEST(ten_thousand_levels_end_the_link),
        LINK_TEST(last_words_are_kept),
        LINK_TEST(a_loop_is_told),
        LINK_TEST(a_quiet_link_is_small),
        LINK_TEST(a_write_may_wait_for_the_server),
        LINK_TEST(a_read_may_wait_for_room),
        LINK_TEST(a_tap_sees_all_before_the_program),
        LINK_TEST(an_alarm_rings_once),
        LINK_TEST(the_next_attempt_goes_elsewhere),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
