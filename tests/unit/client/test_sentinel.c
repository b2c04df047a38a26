/* Tests of the sentinel: asking, verifying, moving, and what goes wrong with
 * each. */
#include <engram/cache.h>

#include <stdlib.h>
#include <string.h>

#include "tests.h"
#include "town.h"

static int setup(void **state)
{
    *state = town_create();
    return 0;
}

static int teardown(void **state)
{
    struct town *t = *state;
    town_end(&t);
    return 0;
}

static struct engram_sentinel_counters counters(const struct town *t)
{
    struct engram_sentinel_counters n;
    engram_sentinel_counters(t->s, &n, sizeof n);
    return n;
}

/* The sentinel that is listened to. */
static struct town_house *heard(struct town *t)
{
    return town_at(t, t->s->sentinels[t->s->current].port);
}

static uint32_t links_to_sentinels(struct town *t)
{
    uint32_t links = 0;
    for (int i = 0; i < 3; i++) {
        links += town_at(t, TOWN_SENTINEL + i)->links;
    }
    return links;
}

/* ---- the way to the master ---- */

static void the_master_is_asked_for(void **state)
{
    struct town *t = *state;
    const char *host;
    assert_int_equal(town_create_sentinel(t), ENGRAM_OK);
    assert_int_equal(engram_sentinel_master(t->s, &host), 0);
    assert_string_equal(host, "");
    assert_int_equal(engram_sentinel_open(t->s), ENGRAM_OK);
    assert_int_equal(engram_sentinel_open(t->s), ENGRAM_INVALID);
    town_send(t, 0, "GET k");
    town_turn(t);
    assert_string_equal(town_log(t), "master:h:7000 connected ok:7000 GET k");
    assert_int_equal(engram_sentinel_master(t->s, &host), FIRST);
    assert_string_equal(host, "h");
    assert_string_equal(engram_sentinel_error(t->s), "");
    assert_int_equal(counters(t).sentinels, 3);
    /* All have been asked, each once. */
    assert_int_equal(counters(t).answers, 3);
    assert_int_equal(links_to_sentinels(t), 3);
    assert_int_equal(counters(t).moves, 1);
    assert_true(counters(t).memory_bytes > 0);
    assert_ptr_equal(engram_sentinel_arg(t->s), t);
    assert_null(engram_sentinel_replica_conn(t->s, 0));
}

static void who_moves_is_followed_at_once(void **state)
{
    struct town *t = *state;
    town_begin(t);
    town_at(t, FIRST)->is_silent = true;
    town_send(t, 0, "SET a 1");
    town_send(t, ENGRAM_IDEMPOTENT, "GET b");
    town_turn(t);
    (void)town_log(t);
    int64_t before = t->now_us;
    town_publish(t, "+switch-master", "other h 7000 h 7002");
    town_publish(t, "+switch-master", "mymaster h 7000 h");
    town_publish(t, "+switch-master", "mymaster h 7000 h 70000");
    town_turn(t);
    assert_string_equal(town_log(t), "");
    town_move(t, SECOND, true);
    town_turn(t);
    assert_string_equal(town_log(t),
                        "lost master:h:7001 connected ok:7001 GET b");
    assert_int_equal(t->now_us, before);
    /* After the first three, one for what told nothing new, one for the move. */
    assert_int_equal(counters(t).answers, 5);
    town_expect_master(t, "ok:7001 GET k");
}

static void a_link_that_ends_is_asked_about(void **state)
{
    struct town *t = *state;
    town_begin(t);
    (void)town_log(t);
    town_move(t, SECOND, false);
    town_cut(t, FIRST);
    town_turn(t);
    town_send(t, 0, "GET k");
    town_pass_ms(t, 100);
    assert_string_equal(town_log(t), "master:h:7001 connected ok:7001 GET k");
    /* It had been at the old one but once. */
    assert_int_equal(town_at(t, FIRST)->links, 1);
}

static void a_lost_message_is_made_up_for(void **state)
{
    struct town *t = *state;
    town_begin(t);
    town_pass_ms(t, 2 * t->options.refresh_ms);
    assert_int_equal(counters(t).answers, 5);
    assert_int_equal(links_to_sentinels(t), 5);
    assert_int_equal(town_at(t, TOWN_SENTINEL)->subscriptions, 2);
    town_move(t, SECOND, false);
    town_pass_ms(t, t->options.refresh_ms);
    town_expect_master(t, "ok:7001 GET k");
}

static void old_news_do_not_part_from_a_master(void **state)
{
    struct town *t = *state;
    town_begin(t);
    town_move(t, SECOND, true);
    town_turn(t);
    town_expect_master(t, "ok:7001 GET k");
    /* Two have not heard of it, and the old one says that it is a master. */
    town_at(t, FIRST)->role = "master";
    for (int i = 0; i < 2; i++) {
        town_at(t, TOWN_SENTINEL + i)->master = FIRST;
        town_at(t, TOWN_SENTINEL + i)->epoch = 0;
    }
    uint32_t links = links_to_sentinels(t);
    town_pass_ms(t, 4 * t->options.refresh_ms);
    assert_true(links_to_sentinels(t) >= links + 4);
    town_cut(t, SECOND);
    town_pass_ms(t, 1000);
    town_expect_master(t, "ok:7001 GET k");
    assert_int_equal(town_at(t, FIRST)->links, 1);
    /* Nor when there is nobody else to be asked. */
    town_kill(t, TOWN_SENTINEL + 2);
    town_pass_ms(t, 4 * t->options.refresh_ms);
    town_expect_master(t, "ok:7001 GET k");
    assert_int_equal(town_at(t, FIRST)->links, 1);
    /* If all say so, it has been set up anew. */
    town_at(t, TOWN_SENTINEL + 2)->is_down = false;
    town_at(t, TOWN_SENTINEL + 2)->master = FIRST;
    town_at(t, TOWN_SENTINEL + 2)->epoch = 0;
    town_pass_ms(t, 2 * t->options.refresh_ms);
    town_expect_master(t, "ok:7000 GET k");
}

/* The first sentinel and the old master have been cut off from the others, but
 * not from us. */
static void who_is_cut_off_is_outvoted(void **state)
{
    struct town *t = *state;
    town_move(t, SECOND, false);
    town_at(t, FIRST)->role = "master";
    town_at(t, TOWN_SENTINEL)->master = FIRST;
    town_at(t, TOWN_SENTINEL)->epoch = 0;
    int64_t before = t->now_us;
    town_begin(t);
    assert_string_equal(town_log(t),
                        "master:h:7000 connected master:h:7001 connected");
    assert_int_equal(t->now_us, before);
    town_expect_master(t, "ok:7001 GET k");
    /* A link that ends is no reason to believe it. */
    for (int i = 0; i < 5; i++) {
        town_cut(t, SECOND);
        town_pass_ms(t, 10000);
        town_expect_master(t, "ok:7001 GET k");
    }
    assert_in_range(town_at(t, FIRST)->links, 0, 1);
    /* It was at the old one when the others chose another. */
    town_at(t, TOWN_SENTINEL)->master = SECOND;
    town_at(t, TOWN_SENTINEL)->epoch = 1;
    town_move(t, THIRD, false);
    town_at(t, SECOND)->role = "master";
    heard(t)->master = SECOND;
    heard(t)->epoch = 1;
    town_pass_ms(t, t->options.refresh_ms);
    town_expect_master(t, "ok:7002 GET k");
}

static void whoever_is_no_master_is_left(void **state)
{
    struct town *t = *state;
    town_at(t, FIRST)->role = "slave";
    town_at(t, SECOND)->role = "master";
    town_at(t, TOWN_SENTINEL + 1)->master = SECOND;
    town_at(t, TOWN_SENTINEL + 2)->master = SECOND;
    assert_int_equal(town_create_sentinel(t), ENGRAM_OK);
    assert_int_equal(engram_sentinel_open(t->s), ENGRAM_OK);
    town_send(t, 0, "GET k");
    town_turn(t);
    assert_string_equal(town_log(t), "master:h:7000 master:h:7001");
    assert_string_equal(engram_conn_error(engram_sentinel_conn(t->s)),
                        "greeting: the server is not a master but a slave");
    town_pass_ms(t, 200);
    assert_string_equal(town_log(t), "connected ok:7001 GET k");
}

static void who_may_not_ask_for_the_role_trusts(void **state)
{
    struct town *t = *state;
    town_at(t, FIRST)->role = NULL;
    town_begin(t);
    town_expect_master(t, "ok:7000 GET k");
}

static void a_dead_master_is_asked_about_with_patience(void **state)
{
    struct town *t = *state;
    town_begin(t);
    town_kill(t, FIRST);
    town_pass_ms(t, 60000);
    assert_in_range(links_to_sentinels(t), 10, 40);
    (void)town_log(t);
    /* A new one is tried again soon, should it need a moment. */
    town_at(t, THIRD)->is_down = true;
    town_move(t, THIRD, true);
    town_turn(t);
    town_at(t, THIRD)->is_down = false;
    town_pass_ms(t, 100);
    assert_string_equal(town_log(t), "master:h:7002 connected");
    /* And at once, whenever the news comes. */
    town_at(t, FIRST)->is_down = false;
    for (int i = 1; i < 6; i++) {
        int from = i % 2 == 0 ? FIRST : THIRD;
        int to = FIRST + THIRD - from;
        town_kill(t, from);
        town_pass_ms(t, 20000 + 777 * i);
        (void)town_log(t);
        town_at(t, to)->is_down = false;
        town_move(t, to, true);
        town_turn(t);
        assert_non_null(strstr(town_log(t), "connected"));
    }
}

static void who_brings_news_is_not_doubted(void **state)
{
    struct town *t = *state;
    town_begin(t);
    town_at(t, FIRST)->is_silent = true;
    town_cut(t, FIRST);
    town_pass_ms(t, 100);
    (void)town_log(t);
    /* While it waits for the old one to say its role. */
    town_move(t, SECOND, true);
    for (int i = 0; i < 3; i++) {
        struct town_house *sentinel = town_at(t, TOWN_SENTINEL + i);
        if (sentinel != heard(t)) {
            sentinel->master = FIRST;
            sentinel->epoch = 0;
        }
    }
    town_pass_ms(t, 5000);
    assert_string_equal(town_log(t), "master:h:7001 connected");
}

/* ---- sentinels ---- */

static void another_sentinel_takes_over(void **state)
{
    struct town *t = *state;
    town_begin(t);
    (void)town_log(t);
    assert_int_equal(heard(t)->port, TOWN_SENTINEL + 2);
    town_kill(t, TOWN_SENTINEL + 2);
    town_turn(t);
    assert_string_equal(town_log(t), "error(eof)");
    assert_string_equal(
        engram_sentinel_error(t->s),
        "sentinel h:26381: the server closed the connection");
    town_move(t, SECOND, true);
    town_turn(t);
    assert_string_equal(town_log(t), "master:h:7001 connected");
    assert_int_equal(counters(t).failures, 1);
    assert_int_equal(counters(t).sentinels, 3);
}

static void a_silent_sentinel_is_left(void **state)
{
    struct town *t = *state;
    static const char *const seeds[] = { "h:26379", "redis://h:26380" };
    t->options.seeds = seeds;
    t->options.seed_count = 2;
    town_at(t, TOWN_SENTINEL)->is_silent = true;
    town_begin(t);
    town_pass_ms(t, 1100);
    assert_string_equal(town_log(t), "error(connect) master:h:7000 connected");
}

static void without_sentinels_the_last_place_is_tried(void **state)
{
    struct town *t = *state;
    town_begin(t);
    (void)town_log(t);
    for (int i = 0; i < 3; i++) {
        town_kill(t, TOWN_SENTINEL + i);
    }
    town_turn(t);
    assert_string_equal(town_log(t),
                        "error(eof) error(connect) error(connect,later)");
    town_pass_ms(t, 60000);
    (void)town_log(t);
    town_cut(t, FIRST);
    town_pass_ms(t, 100);
    assert_string_equal(town_log(t), "connected");
    for (int i = 0; i < 3; i++) {
        town_at(t, TOWN_SENTINEL + i)->is_down = false;
    }
    town_pass_ms(t, 10000);
    (void)town_log(t);
    /* They are asked first again. */
    town_move(t, SECOND, false);
    town_cut(t, FIRST);
    town_pass_ms(t, 100);
    assert_string_equal(town_log(t), "master:h:7001 connected");
    assert_int_equal(town_at(t, FIRST)->links, 2);
    /* A new absence begins with short waits. */
    uint64_t answers = counters(t).answers;
    for (int i = 0; i < 3; i++) {
        town_kill(t, TOWN_SENTINEL + i);
    }
    town_turn(t);
    assert_int_equal(counters(t).answers, answers);
    for (int i = 0; i < 3; i++) {
        town_at(t, TOWN_SENTINEL + i)->is_down = false;
    }
    town_pass_ms(t, 100);
    assert_int_equal(counters(t).answers, answers + 1);
    (void)town_log(t);
    for (int i = 0; i < 3; i++) {
        town_at(t, TOWN_SENTINEL + i)->is_silent = true;
    }
    town_cut(t, SECOND);
    town_pass_ms(t, 5000);
    assert_non_null(strstr(town_log(t), "connected"));
    town_expect_master(t, "ok:7001 GET k");
}

static void an_unknown_name_is_told(void **state)
{
    struct town *t = *state;
    t->options.master_name = "yours";
    town_begin(t);
    assert_string_equal(town_log(t), "error(name,later)");
    assert_string_equal(engram_sentinel_error(t->s),
                        "sentinel h:26379: it knows no master named yours");
    /* Less and less often. */
    town_pass_ms(t, 60000);
    assert_in_range(counters(t).failures, 10, 40);
    assert_false(engram_conn_is_ready(engram_sentinel_conn(t->s)));
}

static void answers_may_be_nonsense(void **state)
{
    struct town *t = *state;
    static const char *const answers[] = {
        "-NOAUTH Authentication required.\r\n",
        "+h\r\n",
        "*0\r\n",
        "*1\r\n$1\r\nh\r\n",
        "*2\r\n$1\r\nh\r\n$1\r\nx\r\n",
        "*2\r\n$1\r\nh\r\n$5\r\n70000\r\n",
        "*2\r\n$1\r\nh\r\n:0\r\n",
        "*2\r\n$0\r\n\r\n$4\r\n7000\r\n",
        "*2\r\n*1\r\n:1\r\n$4\r\n7000\r\n",
        "%1\r\n+a\r\n+b\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        town_at(t, TOWN_SENTINEL)->answer = answers[i];
        town_begin(t);
        assert_string_equal(town_log(t), i == 0 ? "error(name,later)"
                                                : "error(protocol,later)");
        town_at(t, TOWN_SENTINEL)->answer = NULL;
        town_pass_ms(t, 100);
        assert_string_equal(town_log(t), "master:h:7000 connected");
        engram_sentinel_destroy(&t->s);
        town_turn(t);
    }
}

static void resp2_is_spoken_too(void **state)
{
    struct town *t = *state;
    t->sentinel.protocol = 2;
    t->options.refresh_ms = 1000;
    town_begin(t);
    (void)town_log(t);
    town_move(t, SECOND, true);
    town_turn(t);
    assert_string_equal(town_log(t), "master:h:7001 connected");
    /* Each question needs a link, and listening goes on. */
    town_pass_ms(t, 5000);
    assert_in_range(links_to_sentinels(t), 8, 12);
    town_move(t, FIRST, true);
    town_turn(t);
    assert_string_equal(town_log(t), "master:h:7000 connected");
    assert_int_equal(counters(t).failures, 0);
}

/* ---- replicas ---- */

static void replicas_are_led_too(void **state)
{
    struct town *t = *state;
    t->options.replicas = 3;
    town_begin(t);
    assert_int_equal(town_replica_ports(t), SECOND + THIRD);
    assert_int_equal(counters(t).replicas, 2);
    /* They stay where they are. */
    town_pass_ms(t, 5000);
    assert_int_equal(town_at(t, SECOND)->links, 1);
    /* A fourth server comes, and is heard of. */
    t->houses[t->house_count++] =
        (struct town_house){ .port = THIRD + 1, .role = "slave" };
    for (int i = 0; i < 3; i++) {
        town_at(t, TOWN_SENTINEL + i)->replicas[2] = THIRD + 1;
    }
    town_publish(t, "+slave", "slave h:7003 h 7003 @ mymaster h 7000");
    town_pass_ms(t, 300);
    assert_int_equal(town_replica_ports(t), SECOND + THIRD + THIRD + 1);
    /* A replica is promoted: its connection has the old master now. */
    town_move(t, SECOND, true);
    town_pass_ms(t, 1000);
    assert_int_equal(town_replica_ports(t), FIRST + THIRD + THIRD + 1);
    /* All are down, as the sentinel has it. */
    for (int i = 0; i < 3; i++) {
        town_at(t, TOWN_SENTINEL + i)->flags = "s_down,slave";
    }
    town_publish(t, "+sdown", "slave h:7003 h 7003 @ mymaster h 7000");
    town_pass_ms(t, 300);
    assert_int_equal(town_replica_ports(t), 0);
    assert_int_equal(counters(t).replicas, 0);
    for (int i = 0; i < 3; i++) {
        town_at(t, TOWN_SENTINEL + i)->flags = "slave";
    }
    town_pass_ms(t, 2000);
    assert_int_equal(counters(t).replicas, 3);
    town_expect_master(t, "ok:7001 GET k");
}

static void a_replica_that_dies_is_replaced(void **state)
{
    struct town *t = *state;
    t->options.replicas = 1;
    town_begin(t);
    int port = town_replica_port(t, 0);
    int other = SECOND + THIRD - port;
    town_kill(t, port);
    heard(t)->replicas[0] = other;
    heard(t)->replicas[1] = 0;
    town_pass_ms(t, 100);
    assert_int_equal(town_replica_port(t, 0), other);
    /* Without the list it tries where it was. */
    town_at(t, TOWN_SENTINEL)->is_silent = true;
    town_at(t, TOWN_SENTINEL + 1)->is_down = true;
    town_at(t, TOWN_SENTINEL + 2)->is_down = true;
    town_cut(t, other);
    town_pass_ms(t, 3000);
    assert_int_equal(town_replica_port(t, 0), other);
}

/* ---- the program's ways ---- */

static void a_cache_may_stand_on_it(void **state)
{
    struct town *t = *state;
    t->server.protocol = 3;
    town_begin(t);
    struct engram_conn *c = engram_sentinel_conn(t->s);
    struct engram_cache *cache = engram_cache_create(c, NULL, NULL);
    assert_non_null(cache);
    town_turn(t);
    assert_int_equal(engram_cache_send(cache, 0, NULL, NULL, NULL, "GET k"),
                     ENGRAM_OK);
    town_turn(t);
    assert_non_null(engram_cache_lookup(cache, "GET k"));
    town_move(t, SECOND, true);
    town_turn(t);
    assert_null(engram_cache_lookup(cache, "GET k"));
    assert_true(engram_cache_is_active(cache));
    town_expect_master(t, "ok:7001 GET k");
    town_kill(t, SECOND);
    town_move(t, THIRD, false);
    town_pass_ms(t, 1000);
    town_expect_master(t, "ok:7002 GET k");
    engram_cache_destroy(&cache);
}

static void close_and_open(void **state)
{
    struct town *t = *state;
    t->options.replicas = 2;
    town_begin(t);
    (void)town_log(t);
    town_at(t, FIRST)->is_silent = true;
    town_send(t, ENGRAM_IDEMPOTENT, "GET k");
    engram_sentinel_close(t->s);
    engram_sentinel_close(t->s);
    assert_string_equal(town_log(t), "cancelled");
    assert_int_equal(engram_send(engram_sentinel_conn(t->s), NULL, NULL, NULL,
                                 "PING"),
                     ENGRAM_CLOSED);
    town_pass_ms(t, 60000);
    assert_string_equal(town_log(t), "");
    for (int i = 0; i < TOWN_LINKS_MAX; i++) {
        assert_int_equal(t->links[i].fd, -1);
    }
    town_at(t, FIRST)->is_silent = false;
    assert_int_equal(engram_sentinel_open(t->s), ENGRAM_OK);
    town_turn(t);
    assert_string_equal(town_log(t), "connected");
}

static void calls_do_not_wait_for_ever(void **state)
{
    struct town *t = *state;
    enum engram_status st;
    assert_int_equal(town_create_sentinel(t), ENGRAM_OK);
    assert_int_equal(engram_sentinel_open(t->s), ENGRAM_OK);
    assert_null(engram_call(engram_sentinel_conn(t->s), &st, "PING"));
    assert_int_equal(st, ENGRAM_INVALID);
}

static void destroy(struct town *t)
{
    engram_sentinel_destroy(&t->s);
    town_note(t, "destroyed ");
}

static void destroy_on_master(struct engram_sentinel *s, const char *host,
                              int port, void *arg)
{
    (void)s;
    (void)host;
    (void)port;
    destroy(arg);
}

static void destroy_on_error(struct engram_sentinel *s, enum engram_status why,
                             int retry_ms, void *arg)
{
    (void)s;
    (void)why;
    (void)retry_ms;
    destroy(arg);
}

static void destroy_on_connected(struct engram_conn *c, void *arg)
{
    (void)c;
    destroy(arg);
}

static void destroy_on_disconnected(struct engram_conn *c,
                                    enum engram_status why, int retry_ms,
                                    void *arg)
{
    (void)c;
    (void)why;
    (void)retry_ms;
    destroy(arg);
}

static void destroy_on_reply(struct engram_conn *c, enum engram_status st,
                             const struct engram_reply *reply, void *arg)
{
    struct town *t = arg;
    town_on_reply(c, st, reply, arg);
    if (t->s != NULL) {
        destroy(t);
    }
}

static void it_may_go_in_any_callback(void **state)
{
    struct town *t = *state;
    t->options.replicas = 2;
    t->options.on_master = destroy_on_master;
    town_begin(t);
    assert_string_equal(town_log(t), "destroyed");
    t->options.on_master = NULL;
    t->options.on_error = destroy_on_error;
    town_at(t, TOWN_SENTINEL)->is_down = true;
    town_begin(t);
    assert_string_equal(town_log(t), "destroyed");
    town_at(t, TOWN_SENTINEL)->is_down = false;
    t->options.master_name = "yours";
    town_begin(t);
    assert_string_equal(town_log(t), "destroyed");
    t->options.master_name = "mymaster";
    t->server.on_connected = destroy_on_connected;
    town_begin(t);
    assert_string_equal(town_log(t), "destroyed");
    t->server.on_connected = NULL;
    /* In the midst of a move, by what the move has lost. */
    town_begin(t);
    town_at(t, FIRST)->is_silent = true;
    assert_int_equal(engram_send(engram_sentinel_conn(t->s), NULL,
                                 destroy_on_reply, t, "GET a"),
                     ENGRAM_OK);
    assert_int_equal(engram_send(engram_sentinel_conn(t->s), NULL,
                                 destroy_on_reply, t, "GET b"),
                     ENGRAM_OK);
    town_turn(t);
    town_move(t, SECOND, true);
    town_turn(t);
    assert_string_equal(town_log(t), "lost lost destroyed");
    town_at(t, FIRST)->is_silent = false;
    t->server.on_disconnected = destroy_on_disconnected;
    town_move(t, FIRST, false);
    town_begin(t);
    town_move(t, SECOND, true);
    town_turn(t);
    assert_string_equal(town_log(t), "destroyed");
}

static void it_may_go_while_it_closes(void **state)
{
    struct town *t = *state;
    t->options.replicas = 2;
    town_begin(t);
    town_at(t, FIRST)->is_silent = true;
    assert_int_equal(engram_send(engram_sentinel_conn(t->s), NULL,
                                 destroy_on_reply, t, "GET a"),
                     ENGRAM_OK);
    engram_sentinel_close(t->s);
    assert_string_equal(town_log(t),
                        "master:h:7000 connected cancelled destroyed");
}

static void impossible_options_are_refused(void **state)
{
    struct town *t = *state;
    static const char *const seeds[] = { "unix:///tmp/x", NULL, "h:x" };
    struct engram_sentinel_options good = t->options;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        t->options.seeds = &seeds[i];
        assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
    }
    t->options = good;
    t->options.seed_count = 0;
    assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
    t->options = good;
    t->options.master_name = NULL;
    assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
    t->options = good;
    t->options.hooks.detach = NULL;
    assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
    t->options = good;
    t->options.replicas = SENTINEL_REPLICAS_MAX + 1;
    assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
    t->options = good;
    t->options.ask_timeout_ms = 0;
    assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
    t->options = good;
    t->server.protocol = 4;
    assert_int_equal(town_create_sentinel(t), ENGRAM_INVALID);
}

static void servers_share_what_tls_reads(void **state)
{
    struct town *t = *state;
    t->server.tls = 1;
    t->options.replicas = 1;
    town_begin(t);
    const struct tls_context *kept =
        engram_sentinel_conn(t->s)->transport.tls;
    assert_non_null(kept);
    assert_ptr_equal(engram_sentinel_replica_conn(t->s, 0)->transport.tls,
                     kept);
    /* The sentinels are spoken to in plain text. */
    assert_null(t->s->guide->transport.tls);
}

#define SENTINEL_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup, teardown)

int test_sentinel_run(void)
{
    const struct CMUnitTest tests[] = {
        SENTINEL_TEST(the_master_is_asked_for),
        SENTINEL_TEST(who_moves_is_followed_at_once),
        SENTINEL_TEST(a_link_that_ends_is_asked_about),
        SENTINEL_TEST(a_lost_message_is_made_up_for),
        SENTINEL_TEST(old_news_do_not_part_from_a_master),
        SENTINEL_TEST(who_is_cut_off_is_outvoted),
        SENTINEL_TEST(whoever_is_no_master_is_left),
        SENTINEL_TEST(who_may_not_ask_for_the_role_trusts),
        SENTINEL_TEST(a_dead_master_is_asked_about_with_patience),
        SENTINEL_TEST(who_brings_news_is_not_doubted),
        SENTINEL_TEST(another_sentinel_takes_over),
        SENTINEL_TEST(a_silent_sentinel_is_left),
        SENTINEL_TEST(without_sentinels_the_last_place_is_tried),
        SENTINEL_TEST(an_unknown_name_is_told),
        SENTINEL_TEST(answers_may_be_nonsense),
        SENTINEL_TEST(resp2_is_spoken_too),
        SENTINEL_TEST(replicas_are_led_too),
        SENTINEL_TEST(a_replica_that_dies_is_replaced),
        SENTINEL_TEST(a_cache_may_stand_on_it),
        SENTINEL_TEST(close_and_open),
        SENTINEL_TEST(calls_do_not_wait_for_ever),
        SENTINEL_TEST(it_may_go_in_any_callback),
        SENTINEL_TEST(it_may_go_while_it_closes),
        SENTINEL_TEST(impossible_options_are_refused),
        SENTINEL_TEST(servers_share_what_tls_reads),
    };
    return cmocka_run_group_tests_name("sentinel", tests, NULL, NULL);
}
