/* Tests of the cluster's client beside servers that a test moves slots between:
 * where commands go, what redirections do, and how often the map is asked for. */
#include <engram/cache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "tests.h"

/* Begins, and connects to this key's node. */
static void begin_with(struct net *n, const char *key)
{
    net_begin(n);
    net_send(n, NULL, "SET %s", key);
    net_turn(n);
    (void)net_log(n);
}

/* ---- where commands go ---- */

static void commands_go_to_the_owners(void **state)
{
    struct net *n = net_create(3, 3);
    char log[256];
    (void)state;
    net_begin(n);
    assert_int_equal(n->readies, 1);
    for (int i = 0; i < 3; i++) {
        const char *key = net_key_of(n, i);
        net_send(n, NULL, "SET %s v", key);
        net_send(n, NULL, "GET %s", key);
        snprintf(log, sizeof log, "ok:%d SET %s,ok:%d GET %s", i, key, i, key);
        net_expect(n, log);
        assert_int_equal(n->servers[i].commands, 2);
    }
    /* One more for the map, of the seed. */
    assert_int_equal(n->servers[0].connections, 2);
    assert_int_equal(n->servers[1].connections, 1);
    assert_int_equal(net_counters(n).refreshes, 1);
    assert_int_equal(net_counters(n).in_flight, 0);
    assert_int_equal(net_counters(n).queued_bytes, 0);
    assert_int_equal(net_counters(n).replies, 6);
    net_end(&n);
}

static void commands_wait_for_the_map(void **state)
{
    struct net *n = net_create(2, 2);
    (void)state;
    assert_int_equal(net_create_cluster(n), ENGRAM_OK);
    assert_int_equal(
        engram_cluster_send(n->k, NULL, net_on_reply, n, "GET a"),
        ENGRAM_CLOSED);
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_INVALID);
    net_send(n, NULL, "GET %s", net_key_of(n, 1));
    net_send(n, NULL, "PING");
    assert_int_equal(n->callbacks, 0);
    net_turn(n);
    assert_int_equal(n->callbacks, 2);
    assert_non_null(strstr(net_log(n), "ok:1 GET"));
    net_end(&n);
}

static void commands_without_keys_go_anywhere(void **state)
{
    struct net *n = net_create(3, 6);
    (void)state;
    net_begin(n);
    for (int i = 0; i < 6; i++) {
        net_send(n, NULL, "PING");
        net_turn(n);
    }
    for (int i = 0; i < 6; i++) {
        assert_int_equal(n->servers[i].commands, i < 3 ? 2 : 0);
    }
    net_end(&n);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    struct net *n = net_create(2, 2);
    const char *a = net_key_of(n, 0), *b = net_key_of(n, 1);
    struct engram_cluster_how how = { .key = a, .key_len = strlen(a) };
    char log[128];
    (void)state;
    net_begin(n);
    assert_int_equal(
        engram_cluster_send(n->k, NULL, net_on_reply, n, "MGET %s %s", a, b),
        ENGRAM_INVALID);
    assert_non_null(strstr(engram_cluster_error(n->k), "CROSSSLOT"));
    assert_int_equal(
        engram_cluster_send(n->k, NULL, net_on_reply, n, "MULTI"),
        ENGRAM_INVALID);
    assert_non_null(strstr(engram_cluster_error(n->k), "engram_cluster_conn"));
    assert_int_equal(engram_cluster_send(n->k, NULL, net_on_reply, n, "%y"),
                     ENGRAM_INVALID);
    /* A key that is named says where. */
    net_send(n, &how, "PUBLISH %s x", a);
    snprintf(log, sizeof log, "ok:0 PUBLISH %s", a);
    net_expect(n, log);
    assert_int_equal(net_counters(n).in_flight, 0);
    net_end(&n);
}

static void send_to_masters(struct engram_cluster *k,
                            const struct engram_cluster_node *node, void *arg)
{
    const struct engram_cluster_how how = { .node = node->name };
    if (node->is_master) {
        assert_true(node->slot_count > 0);
        assert_int_equal(engram_cluster_send(k, &how, net_on_reply, arg,
                                             "FLUSHALL"),
                         ENGRAM_OK);
    }
}

static void each_node_can_be_named(void **state)
{
    struct net *n = net_create(3, 6);
    const struct engram_cluster_how nobody = { .node = "h:1" };
    const struct engram_cluster_how bound = { .node = "h:7002" };
    (void)state;
    net_begin(n);
    assert_int_equal(engram_cluster_each(n->k, send_to_masters, n), 6);
    net_turn(n);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(n->servers[i].commands, i < 3 ? 1 : 0);
    }
    assert_int_equal(
        engram_cluster_send(n->k, &nobody, net_on_reply, n, "PING"),
        ENGRAM_INVALID);
    (void)net_log(n);
    /* Redirections of one that is named are its reply. */
    char log[128];
    const char *key = net_key_of(n, 0);
    net_send(n, &bound, "GET %s", key);
    snprintf(log, sizeof log, "ok:(error)MOVED %d h:7000", net_slot_of(key));
    net_expect(n, log);
    net_end(&n);
}

static void a_transaction_has_a_connection(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 1);
    (void)state;
    assert_int_equal(net_create_cluster(n), ENGRAM_OK);
    assert_null(engram_cluster_conn(n->k, key, strlen(key)));
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    assert_null(engram_cluster_conn(n->k, key, strlen(key)));
    net_turn(n);
    struct engram_conn *c = engram_cluster_conn(n->k, key, strlen(key));
    assert_non_null(c);
    assert_null(engram_cache_create(c, NULL, NULL));
    assert_int_equal(engram_send(c, NULL, NULL, NULL, "MULTI"), ENGRAM_OK);
    assert_int_equal(engram_send(c, NULL, NULL, NULL, "GET %s", key),
                     ENGRAM_OK);
    assert_int_equal(engram_send(c, NULL, NULL, NULL, "EXEC"), ENGRAM_OK);
    net_turn(n);
    assert_int_equal(n->servers[1].commands, 3);
    net_end(&n);
}

/* ---- MOVED ---- */

static void a_storm_of_moved_asks_once(void **state)
{
    enum { STORM = 1000 };
    struct net *n = net_create(3, 3);
    const char *key = net_key_of(n, 0);
    (void)state;
    net_begin(n);
    net_pass_ms(n, 5000);
    net_move_slot(n, key, 2);
    for (int i = 0; i < STORM; i++) {
        net_send(n, NULL, "GET %s", key);
    }
    net_turn(n);
    assert_int_equal(n->callbacks, STORM);
    assert_int_equal(n->servers[2].commands, STORM);
    assert_int_equal(net_counters(n).moved, STORM);
    const char *log = net_log(n);
    assert_null(strstr(log, "error"));
    /* Known from the first: those that follow go there at once. */
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    assert_int_equal(n->servers[0].commands, STORM);
    net_pass_ms(n, 10000);
    assert_int_equal(net_counters(n).refreshes, 2);
    assert_int_equal(net_counters(n).refresh_failures, 0);
    net_end(&n);
}

static void maps_keep_their_distance(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    (void)state;
    net_begin(n);
    for (int i = 0; i < 500; i++) {
        net_move_slot(n, key, i % 2 == 0);
        net_send(n, NULL, "GET %s", key);
        net_pass_ms(n, 10);
    }
    /* In 5 seconds, with 1 to 1.5 seconds between. */
    uint64_t refreshes = net_counters(n).refreshes;
    assert_true(refreshes >= 4 && refreshes <= 6);
    assert_int_equal(n->callbacks, 500);
    net_end(&n);
}

static void an_unknown_endpoint_is_the_host_asked(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    char log[64];
    (void)state;
    n->hides_hosts = true;
    net_begin(n);
    net_move_slot(n, key, 1);
    net_send(n, NULL, "GET %s", key);
    snprintf(log, sizeof log, "ok:1 GET %s", key);
    net_expect(n, log);
    net_end(&n);
}

static void redirections_end(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    char answers[2][64], log[64];
    (void)state;
    n->options.redirections_max = 7;
    net_begin(n);
    for (int i = 0; i < 2; i++) {
        snprintf(answers[i], sizeof answers[i], "-MOVED %d h:%d\r\n",
                 net_slot_of(key), NET_PORT + 1 - i);
        n->servers[i].answer = answers[i];
        n->servers[i].answers_left = -1;
    }
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    snprintf(log, sizeof log, "ok:(error)MOVED %d h:7000", net_slot_of(key));
    assert_string_equal(net_log(n), log);
    assert_int_equal(n->servers[0].commands + n->servers[1].commands, 8);
    assert_int_equal(net_counters(n).in_flight, 0);
    net_end(&n);
}

static void moved_to_nobody_waits_for_the_map(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    char answer[64], log[64];
    (void)state;
    net_begin(n);
    snprintf(answer, sizeof answer, "-MOVED %d h:9999\r\n", net_slot_of(key));
    n->servers[0].answer = answer;
    n->servers[0].answers_left = 1;
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    assert_int_equal(n->callbacks, 0);
    assert_int_equal(net_counters(n).nodes, 3);
    net_pass_ms(n, 3000);
    snprintf(log, sizeof log, "ok:0 GET %s", key);
    assert_string_equal(net_log(n), log);
    assert_int_equal(net_counters(n).nodes, 2);
    net_end(&n);
}

/* A server that names another node each time: they are bounded. */
static void nodes_are_bounded(void **state)
{
    struct net *n = net_create(1, 1);
    char answer[64];
    (void)state;
    n->options.redirections_max = 0;
    net_begin(n);
    n->servers[0].answer = answer;
    n->servers[0].answers_left = -1;
    snprintf(answer, sizeof answer, "-MOVED 0 h:9999\r\n");
    net_send(n, NULL, "GET a");
    net_expect(n, "ok:(error)MOVED 0 h:9999");
    assert_int_equal(net_counters(n).nodes, 1);
    net_end(&n);
}

/* ---- ASK, TRYAGAIN, CLUSTERDOWN ---- */

static void ask_changes_nothing(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    char log[128];
    (void)state;
    net_begin(n);
    n->migrating[net_slot_of(key)] = 1;
    net_send(n, NULL, "GET %s", key);
    net_send(n, NULL, "GET %s", key);
    snprintf(log, sizeof log, "ok:1 GET %s,ok:1 GET %s", key, key);
    net_expect(n, log);
    assert_int_equal(n->servers[1].asked, 2);
    assert_int_equal(net_counters(n).asked, 2);
    n->migrating[net_slot_of(key)] = -1;
    net_send(n, NULL, "GET %s", key);
    snprintf(log, sizeof log, "ok:0 GET %s", key);
    net_expect(n, log);
    net_pass_ms(n, 5000);
    assert_int_equal(net_counters(n).refreshes, 1);
    net_end(&n);
}

static void tryagain_waits(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    char log[128];
    (void)state;
    net_begin(n);
    n->servers[0].answer = "-TRYAGAIN Multiple keys request\r\n";
    n->servers[0].answers_left = 3;
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    assert_int_equal(n->callbacks, 0);
    assert_int_equal(n->servers[0].commands, 1);
    net_pass_ms(n, 200);
    snprintf(log, sizeof log, "ok:0 GET %s", key);
    assert_string_equal(net_log(n), log);
    assert_int_equal(net_counters(n).retried, 3);
    assert_int_equal(net_counters(n).refreshes, 1);
    net_end(&n);
}

static void a_storm_of_tryagain_has_an_end(void **state)
{
    enum { STORM = 1000 };
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 0);
    const struct engram_cluster_how how = { .timeout_ms = 20000 };
    (void)state;
    net_begin(n);
    n->servers[0].answer = "-TRYAGAIN Multiple keys request\r\n";
    n->servers[0].answers_left = -1;
    for (int i = 0; i < STORM; i++) {
        net_send(n, NULL, "GET %s", key);
    }
    net_send(n, &how, "GET %s", key);
    net_pass_ms(n, 15000);
    assert_int_equal(n->callbacks, STORM);
    assert_int_equal(net_counters(n).retried / (STORM + 1), 16);
    assert_memory_equal(net_log(n), "ok:(error)TRYAGAIN", 18);
    net_pass_ms(n, 6000);
    assert_string_equal(net_log(n), "timeout");
    assert_int_equal(net_counters(n).in_flight, 0);
    net_end(&n);
}

static void a_slot_that_nobody_serves_is_waited_for(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 1);
    char log[128];
    (void)state;
    n->owners[net_slot_of(key)] = -1;
    net_begin(n);
    net_send(n, NULL, "GET %s", key);
    net_pass_ms(n, 500);
    assert_int_equal(n->callbacks, 0);
    net_move_slot(n, key, 1);
    net_pass_ms(n, 3000);
    snprintf(log, sizeof log, "ok:1 GET %s", key);
    assert_string_equal(net_log(n), log);
    net_end(&n);
}

static void what_a_script_met_is_its_reply(void **state)
{
    struct net *n = net_create(1, 1);
    (void)state;
    net_begin(n);
    n->servers[0].answer =
        "-CLUSTERDOWN not served script: abc, on @user_script:1.\r\n";
    n->servers[0].answers_left = -1;
    net_send(n, NULL, "EVAL x 1 k");
    net_expect(n,
           "ok:(error)CLUSTERDOWN not served script: abc, on @user_script:1.");
    net_end(&n);
}

/* ---- the map ---- */

static void a_map_of_nonsense_is_told(void **state)
{
    static const char *const seeds[] = { "h:7000", "redis://h:7001" };
    struct net *n = net_create(2, 2);
    (void)state;
    n->map = "*1\r\n*1\r\n:5\r\n";
    n->options.seeds = seeds;
    n->options.seed_count = 2;
    assert_int_equal(net_create_cluster(n), ENGRAM_OK);
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    net_send(n, NULL, "GET a");
    net_turn(n);
    assert_int_equal(n->errors, 1);
    assert_int_equal(n->last_why, ENGRAM_PROTOCOL);
    assert_true(n->last_retry_ms > 0);
    assert_int_equal(net_counters(n).refresh_failures, 2);
    assert_string_equal(engram_cluster_error(n->k),
                        "h:7001: CLUSTER SLOTS: the reply makes no sense");
    n->map = "-ERR This instance has cluster support disabled\r\n";
    net_pass_ms(n, 200);
    assert_int_equal(n->last_why, ENGRAM_UNSUPPORTED);
    assert_non_null(strstr(engram_cluster_error(n->k), "support disabled"));
    n->map = NULL;
    net_pass_ms(n, 10000);
    assert_int_equal(n->callbacks, 1);
    assert_int_equal(n->readies, 1);
    net_end(&n);
}

static void nobody_there_is_told(void **state)
{
    struct net *n = net_create(2, 2);
    (void)state;
    n->servers[0].is_down = true;
    n->conn_options.attempts_max = 3;
    assert_int_equal(net_create_cluster(n), ENGRAM_OK);
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    net_send(n, NULL, "GET a");
    net_pass_ms(n, 2000);
    assert_int_equal(n->errors, 3);
    assert_int_equal(n->last_why, ENGRAM_CONNECT);
    assert_int_equal(n->last_retry_ms, -1);
    assert_non_null(strstr(engram_cluster_error(n->k), "Connection refused"));
    assert_string_equal(net_log(n), "unsent");
    n->servers[0].is_down = false;
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    net_turn(n);
    assert_true(engram_cluster_is_ready(n->k));
    net_end(&n);
}

static void a_silent_node_is_passed_over(void **state)
{
    struct net *n = net_create(3, 3);
    (void)state;
    net_begin(n);
    n->servers[0].is_silent = true;
    n->servers[1].is_silent = true;
    engram_cluster_refresh(n->k);
    net_pass_ms(n, 30000);
    assert_true(net_counters(n).refreshes <= 4);
    assert_int_equal(n->errors, 0);
    assert_int_equal(n->servers[2].maps, 1);
    net_end(&n);
}

static void a_node_that_is_gone_ends_when_it_has_answered(void **state)
{
    struct net *n = net_create(3, 3);
    const char *key = net_key_of(n, 2);
    (void)state;
    begin_with(n, key);
    n->servers[2].answer = "$5\r\nhal";
    n->servers[2].answers_left = 1;
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    for (int i = 0; i < SLOTS_COUNT; i++) {
        n->owners[i] = n->owners[i] == 2 ? 1 : n->owners[i];
    }
    engram_cluster_refresh(n->k);
    net_pass_ms(n, 3000);
    assert_int_equal(net_counters(n).nodes, 2);
    /* The map's, the two that stay, and it. */
    assert_int_equal(n->attached, 4);
    assert_int_equal(n->callbacks, 1);
    for (int i = 0; i < NET_LINKS_MAX; i++) {
        if (n->links[i].fd >= 0 && n->links[i].server == 2) {
            memcpy(n->links[i].out, "lo\r\n", 4);
            n->links[i].out_len = 4;
        }
    }
    net_expect(n, "ok:hallo");
    assert_int_equal(n->attached, 3);
    net_end(&n);
}

/* ---- connections that break ---- */

static void what_breaks_is_told_apart(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 1);
    const struct engram_cluster_how again = { .flags = ENGRAM_IDEMPOTENT };
    char log[128];
    (void)state;
    begin_with(n, key);
    n->servers[1].is_silent = true;
    net_send(n, NULL, "INCR %s", key);
    net_send(n, &again, "GET %s", key);
    net_turn(n);
    n->servers[1].is_silent = false;
    net_cut(n, 1);
    net_turn(n);
    assert_string_equal(net_log(n), "lost");
    net_send(n, NULL, "STRLEN %s", key);
    net_pass_ms(n, 200);
    snprintf(log, sizeof log, "ok:1 GET %s,ok:1 STRLEN %s", key, key);
    assert_string_equal(net_log(n), log);
    assert_int_equal(net_counters(n).resent, 1);
    assert_int_equal(net_counters(n).lost, 1);
    net_end(&n);
}

static void a_successor_takes_over(void **state)
{
    struct net *n = net_create(2, 3);
    const char *key = net_key_of(n, 0);
    const struct engram_cluster_how again = { .flags = ENGRAM_IDEMPOTENT };
    char log[128];
    (void)state;
    begin_with(n, key);
    n->servers[0].is_silent = true;
    net_send(n, &again, "GET %s", key);
    net_turn(n);
    net_kill(n, 0);
    net_pass_ms(n, 1000);
    net_send(n, NULL, "INCR %s", key);
    assert_int_equal(n->callbacks, 1);
    n->servers[2].master = -1;
    for (int i = 0; i < SLOTS_COUNT; i++) {
        n->owners[i] = n->owners[i] == 0 ? 2 : n->owners[i];
    }
    net_pass_ms(n, 3000);
    snprintf(log, sizeof log, "ok:2 GET %s,ok:2 INCR %s", key, key);
    assert_string_equal(net_log(n), log);
    assert_int_equal(net_counters(n).nodes, 2);
    assert_true(net_counters(n).refreshes < 8);
    net_end(&n);
}

static void closing_calls_everything_back(void **state)
{
    struct net *n = net_create(2, 2);
    const char *key = net_key_of(n, 1);
    (void)state;
    net_begin(n);
    n->servers[0].answer = "-TRYAGAIN later\r\n";
    n->servers[0].answers_left = -1;
    net_send(n, NULL, "GET %s", net_key_of(n, 0));
    n->servers[1].is_silent = true;
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    net_send(n, NULL, "GET %s", key);
    engram_cluster_close(n->k);
    assert_string_equal(net_log(n), "cancelled,cancelled,cancelled");
    assert_false(engram_cluster_is_ready(n->k));
    assert_int_equal(net_counters(n).in_flight, 0);
    assert_int_equal(n->attached, 1);
    n->servers[1].is_silent = false;
    assert_int_equal(engram_cluster_open(n->k), ENGRAM_OK);
    net_send(n, NULL, "GET %s", key);
    net_turn(n);
    assert_memory_equal(net_log(n), "ok:1", 4);
    net_end(&n);
}

int test_cluster_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_go_to_the_owners),
        cmocka_unit_test(commands_wait_for_the_map),
        cmocka_unit_test(commands_without_keys_go_anywhere),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(each_node_can_be_named),
        cmocka_unit_test(a_transaction_has_a_connection),
        cmocka_unit_test(a_storm_of_moved_asks_once),
        cmocka_unit_test(maps_keep_their_distance),
        cmocka_unit_test(an_unknown_endpoint_is_the_host_asked),
        cmocka_unit_test(redirections_end),
        cmocka_unit_test(moved_to_nobody_waits_for_the_map),
        cmocka_unit_test(nodes_are_bounded),
        cmocka_unit_test(ask_changes_nothing),
        cmocka_unit_test(tryagain_waits),
        cmocka_unit_test(a_storm_of_tryagain_has_an_end),
        cmocka_unit_test(a_slot_that_nobody_serves_is_waited_for),
        cmocka_unit_test(what_a_script_met_is_its_reply),
        cmocka_unit_test(a_map_of_nonsense_is_told),
        cmocka_unit_test(nobody_there_is_told),
        cmocka_unit_test(a_silent_node_is_passed_over),
        cmocka_unit_test(a_node_that_is_gone_ends_when_it_has_answered),
        cmocka_unit_test(what_breaks_is_told_apart),
        cmocka_unit_test(a_successor_takes_over),
        cmocka_unit_test(closing_calls_everything_back),
    };
    return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
