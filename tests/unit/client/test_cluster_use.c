/* Tests of the cluster's client: deadlines, replicas, limits, replies in pieces,
 * callbacks that end it, and options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "tests.h"

/* ---- time ---- */

static void a_deadline_is_for_all_redirections(void **state)
{
    struct net *n = net_create(2, 2);
    const char *a = net_key_of(n, 0), *b = net_key_of(n, 1);
    const struct engram_cluster_how none = { .timeout_ms = -1 };
    (void)state;
    n->conn_options.command_timeout_ms = 300;
    net_begin(n);
    n->servers[0].answer = "-TRYAGAIN later\r\n";
    n->servers[0].answers_left = -1;
    n->servers[1].is_silent = true;
    net_send(n, NULL, "GET %s", a);
    net_send(n, NULL, "GET %s", b);
    net_send(n, &none, "GET %s", b);
    net_pass_ms(n, 290);
    assert_int_equal(n->callbacks, 0);
    net_pass_ms(n, 20);
    assert_string_equal(net_log(n), "timeout,timeout");
    /* The one that its server still has counts until its reply comes. */
    assert_int_equal(net_counters(n).in_flight, 2);
    net_cut(n, 1);
    net_turn(n);
    assert_string_equal(net_log(n), "lost");
    assert_int_equal(net_counters(n).in_flight, 0);
    assert_int_equal(net_counters(n).timeouts, 2);
    net_end(&n);
}

/* ---- replicas ---- */

static void reads_go_to_replicas(void **state)
{
    struct net *n = net_create(1, 3);
    const struct engram_cluster_how read = { .flags = ENGRAM_READ };
    (void)state;
    n->options.read_from = ENGRAM_READ_PREFER_REPLICA;
    net_begin(n);
    for (int i = 0; i < 10; i++) {
        net_send(n, &read, "GET a");
        net_send(n, NULL, "SET a");
    }
    net_turn(n);
    assert_int_equal(n->servers[0].commands, 10);
    assert_int_equal(n->servers[1].commands, 5);
    assert_int_equal(n->servers[2].commands, 5);
    assert_int_equal(n->servers[1].reads_refused, 0);
    (void)net_log(n);
    /* One that breaks is left out, at last the master answers. */
    net_kill(n, 1);
    net_turn(n);
    net_send(n, &read, "GET a");
    net_send(n, &read, "GET a");
    net_expect(n, "ok:2 GET a,ok:2 GET a");
    net_kill(n, 2);
    net_turn(n);
    net_send(n, &read, "GET a");
    net_expect(n, "ok:0 GET a");
    /* It comes back. */
    n->servers[1].is_down = false;
    net_pass_ms(n, 10000);
    net_send(n, &read, "GET a");
    net_expect(n, "ok:1 GET a");
    net_end(&n);
}

static void reads_of_replicas_alone_wait_for_one(void **state)
{
    struct net *n = net_create(1, 2);
    const struct engram_cluster_how read = { .flags = ENGRAM_READ };
    (void)state;
    n->options.read_from = ENGRAM_READ_REPLICA;
    net_begin(n);
    net_send(n, &read, "GET a");
    net_expect(n, "ok:1 GET a");
    net_kill(n, 1);
    net_turn(n);
    net_send(n, &read, "GET a");
    net_pass_ms(n, 3000);
    assert_int_equal(n->callbacks, 1);
    n->servers[1].is_down = false;
    net_pass_ms(n, 6000);
    assert_string_equal(net_log(n), "ok:1 GET a");
    net_end(&n);
}

static void a_replica_that_loads_is_left(void **state)
{
    struct net *n = net_create(1, 2);
    const struct engram_cluster_how read = { .flags = ENGRAM_READ };
    (void)state;
    n->options.read_from = ENGRAM_READ_PREFER_REPLICA;
    net_begin(n);
    n->servers[1].answer = "-LOADING Redis is loading the dataset\r\n";
    n->servers[1].answers_left = -1;
    net_send(n, &read, "GET a");
    net_pass_ms(n, 100);
    assert_string_equal(net_log(n), "ok:0 GET a");
    net_end(&n);
}

/* ---- limits ---- */

static void limits_hold_over_all_nodes(void **state)
{
    struct net *n = net_create(2, 2);
    const char *keys[] = { net_key_of(n, 0), net_key_of(n, 1) };
    enum engram_status st = ENGRAM_OK;
    size_t sent = 0;
    (void)state;
    n->options.max_in_flight = 10;
    net_begin(n);
    for (; st == ENGRAM_OK; sent += st == ENGRAM_OK) {
        st = engram_cluster_send(n->k, NULL, net_on_reply, n, "GET %s",
                                 keys[sent % 2]);
    }
    assert_int_equal(st, ENGRAM_WOULD_BLOCK);
    assert_int_equal(sent, 10);
    assert_int_equal(n->drains, 0);
    net_turn(n);
    assert_int_equal(n->drains, 1);
    assert_int_equal(n->callbacks, 10);
    net_end(&n);
}

static void bytes_are_limited_until_the_reply(void **state)
{
    struct net *n = net_create(1, 1);
    char *value = calloc(1, 1001);
    memset(value, 'x', 1000);
    (void)state;
    n->options.max_queued_bytes = 5000;
    net_begin(n);
    n->servers[0].is_silent = true;
    for (int i = 0; i < 4; i++) {
        net_send(n, NULL, "SET a %s", value);
    }
    net_turn(n); /* The kernel has them, but they may have to be sent again. */
    assert_int_equal(
        engram_cluster_send(n->k, NULL, net_on_reply, n, "SET a %s", value),
        ENGRAM_WOULD_BLOCK);
    assert_int_equal(engram_cluster_send(n->k, NULL, net_on_reply, n,
                                         "MSET a %s a %s a %s a %s a %s", value,
                                         value, value, value, value),
                     ENGRAM_TOO_BIG);
    assert_true(net_counters(n).queued_bytes > 4000);
    net_cut(n, 0);
    net_turn(n);
    assert_string_equal(net_log(n), "lost,lost,lost,lost");
    assert_int_equal(net_counters(n).queued_bytes, 0);
    assert_int_equal(n->drains, 1);
    free(value);
    net_end(&n);
}

static void count_release(void *arg)
{
    ++*(int *)arg;
}

static void borrowed_bytes_follow_redirections(void **state)
{
    enum { LARGE = 100000 };
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    char *value = malloc(LARGE);
    int released = 0;
    char log[64];
    (void)state;
    memset(value, 'x', LARGE);
    net_begin(n);
    net_move_slot(n, key, 1);
    struct engram_command *cmd = engram_cluster_command_create(n->k);
    assert_int_equal(engram_command_add(cmd, "SET", 3), ENGRAM_OK);
    assert_int_equal(engram_command_add(cmd, key, strlen(key)), ENGRAM_OK);
    assert_int_equal(engram_command_add_borrowed(cmd, value, LARGE,
                                                 count_release, &released),
                     ENGRAM_OK);
    assert_int_equal(
        engram_cluster_send_command(n->k, NULL, net_on_reply, n, &cmd),
        ENGRAM_OK);
    assert_null(cmd);
    assert_int_equal(released, 0);
    snprintf(log, sizeof log, "ok:1 SET %s", key);
    net_expect(n, log);
    assert_int_equal(released, 1);
    assert_int_equal(net_counters(n).moved, 1);
    free(value);
    net_end(&n);
}

/* ---- replies in pieces ---- */

static void note_event(struct engram_conn *c, const struct engram_event *e,
                       void *arg)
{
    (void)c;
    net_note(arg, "event:%.*s,", (int)e->len, e->text);
}

static void events_begin_with_the_answer(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    const struct engram_cluster_how how = { .on_event = note_event };
    char log[128];
    (void)state;
    n->options.redirections_max = 1;
    net_begin(n);
    net_move_slot(n, key, 1);
    net_send(n, &how, "GET %s", key);
    snprintf(log, sizeof log, "event:1 GET %s,ok:nil", key);
    net_expect(n, log);
    /* One that is not followed comes as it is. */
    char answer[64];
    snprintf(answer, sizeof answer, "-MOVED %d h:7001\r\n", net_slot_of(key));
    n->servers[1].answer = answer;
    n->servers[1].answers_left = -1;
    net_send(n, &how, "GET %s", key);
    snprintf(log, sizeof log, "event:MOVED %d h:7001,ok:nil", net_slot_of(key));
    net_expect(n, log);
    net_end(&n);
}

/* ---- callbacks that end it ---- */

static void destroy_on_reply(struct engram_cluster *k, enum engram_status st,
                             const struct engram_reply *reply, void *arg)
{
    struct net *n = arg;
    (void)reply;
    n->callbacks++;
    if (st == ENGRAM_OK) {
        assert_ptr_equal(k, n->k);
        engram_cluster_destroy(&n->k);
    }
}

static void a_callback_may_destroy(void **state)
{
    struct net *n = net_create(2, 2);
    (void)state;
    net_begin(n);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(engram_cluster_send(n->k, NULL, destroy_on_reply, n,
                                             "GET k%d", i),
                         ENGRAM_OK);
    }
    net_turn(n);
    assert_null(n->k);
    assert_int_equal(n->callbacks, 20);
    net_end(&n);
}

static void destroy_on_ready(struct engram_cluster *k, void *arg)
{
    struct net *n = arg;
    (void)k;
    engram_cluster_destroy(&n->k);
}

static void destroy_on_error(struct engram_cluster *k, enum engram_status why,
                             int retry_ms, void *arg)
{
    (void)why;
    (void)retry_ms;
    destroy_on_ready(k, arg);
}

static void other_callbacks_may_destroy_too(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct net *n = net_create(2, 2);
        n->options.on_ready = destroy_on_ready;
        n->options.on_error = destroy_on_error;
        n->servers[0].is_down = which == 1;
        assert_int_equal(net_create_cluster(n), ENGRAM_OK);
        assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
        net_send(n, NULL, "GET a");
        net_turn(n);
        assert_null(n->k);
        assert_string_equal(net_log(n), "cancelled");
        net_end(&n);
    }
}

/* ---- options ---- */

static void options_are_checked(void **state)
{
    static const char *const bad[] = { "unix:///x", "redis://h/2", "h:99999",
                                       "user@h", "h:0", "http://h" };
    static const char *seeds[1];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct net *n = net_create(1, 1);
        seeds[0] = bad[i];
        n->options.seeds = seeds;
        if (net_create_cluster(n) != ENGRAM_INVALID) {
            fail_msg("%s is taken", bad[i]);
        }
        net_end(&n);
    }
    struct net *n = net_create(1, 1);
    n->options.seed_count = 0;
    assert_int_equal(net_create_cluster(n), ENGRAM_INVALID);
    n->options.seed_count = 1;
    n->options.hooks.attach = NULL;
    assert_int_equal(net_create_cluster(n), ENGRAM_INVALID);
    net_end(&n);
}

static void nodes_share_what_tls_reads(void **state)
{
    const char *const seeds[] = { "rediss://h:7000" };
    struct net *n = net_create(2, 2);
    (void)state;
    n->options.seeds = seeds;
    net_begin(n);
    for (int i = 0; i < 2; i++) {
        net_send(n, NULL, "GET %s", net_key_of(n, i));
    }
    net_turn(n);
    const struct tls_context *kept = n->k->control->transport.tls;
    assert_non_null(kept);
    assert_int_equal(n->k->node_count, 2);
    for (int i = 0; i < 2; i++) {
        assert_ptr_equal(n->k->nodes[i]->conn->transport.tls, kept);
    }
    net_end(&n);
}

int test_cluster_use_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_for_all_redirections),
        cmocka_unit_test(reads_go_to_replicas),
        cmocka_unit_test(reads_of_replicas_alone_wait_for_one),
        cmocka_unit_test(a_replica_that_loads_is_left),
        cmocka_unit_test(limits_hold_over_all_nodes),
        cmocka_unit_test(bytes_are_limited_until_the_reply),
        cmocka_unit_test(borrowed_bytes_follow_redirections),
        cmocka_unit_test(events_begin_with_the_answer),
        cmocka_unit_test(a_callback_may_destroy),
        cmocka_unit_test(other_callbacks_may_destroy_too),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(nodes_share_what_tls_reads),
    };
    return cmocka_run_group_tests_name("cluster use", tests, NULL, NULL);
}
