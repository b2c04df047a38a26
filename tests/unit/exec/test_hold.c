/* Tests of sessions that are on hold: what CLIENT PAUSE stops and what it lets
 * through, the order afterwards, what stays undone while it lasts; and of what
 * a session has asked not to count. */
#include "fakes.h"
#include "tests.h"

static const struct house_options options = {.families = fake_families};

enum { PAUSE_MS = 1000 };

static void pause_for(struct house *h, int64_t ms, bool is_all)
{
    atomic_store(&h->shared.pause_is_all, is_all);
    atomic_store(&h->shared.pause_until_ms, h->now_ms + ms);
}

/* The seat goes on, until it is held again. */
static void go_on(struct house *h, uint32_t seat)
{
    struct session *s = &h->seats[seat].session;
    struct exec *x = h->execs[0];
    exec_release(x, s);
    while (s->hold == HOLD_NONE && exec_add_set_aside(x, s)) {
        exec_run(x);
    }
}

static void test_pause_stops_writing(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    pause_for(&h, PAUSE_MS, false);
    house_expect(&h, 0, "fetch a", "$-1|");
    house_expect(&h, 0, "put a", /* what is wrong is said at once */
                 "-ERR wrong number of arguments for 'put' command|");
    house_expect(&h, 0, "put a 1", "");
    assert_int_equal(h.seats[0].session.hold, HOLD_PAUSE);
    house_expect(&h, 0, "noop", ""); /* comes behind */
    house_expect(&h, 1, "noop", "+OK|");
    house_expect(&h, 1, "fetch a", "$-1|");
    house_expect_effects(&h, "");
    house_wait(&h, PAUSE_MS);
    go_on(&h, 0);
    house_expect_reply(&h, 0, "+OK|+OK|");
    house_expect(&h, 1, "fetch a", "$1|1|");
    house_deinit(&h);
}

static void test_pause_stops_all(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    pause_for(&h, PAUSE_MS, true);
    house_expect(&h, 0, "noop", "");
    house_expect(&h, 1, "fetch a", "");
    house_expect(&h, 2, "nosuch",
                 "-ERR unknown command 'nosuch', with args beginning with: |");
    go_on(&h, 0); /* too early: it is held again */
    house_expect_reply(&h, 0, "");
    assert_int_equal(h.seats[0].session.hold, HOLD_PAUSE);
    atomic_store(&h.shared.pause_until_ms, 0);
    go_on(&h, 0);
    go_on(&h, 1);
    house_expect_reply(&h, 0, "+OK|");
    house_expect_reply(&h, 1, "$-1|");
    assert_int_equal(h.seats[0].session.command_count, 1);
    house_deinit(&h);
}

/* One that is stopped a second time stays before what came behind it. */
static void test_order_after_two_pauses(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    pause_for(&h, PAUSE_MS, false);
    house_add(&h, 0, "put a 1");
    house_add(&h, 0, "fetch a");
    house_add(&h, 0, "put a 2");
    house_add(&h, 0, "fetch a");
    house_run(&h);
    assert_int_equal(h.seats[0].session.set_aside.count, 4);
    go_on(&h, 0);
    go_on(&h, 0);
    assert_int_equal(h.seats[0].session.set_aside.count, 4);
    atomic_store(&h.shared.pause_until_ms, 0);
    go_on(&h, 0);
    house_expect_reply(&h, 0, "+OK|$1|1|+OK|$1|2|");
    assert_int_equal(h.seats[0].session.set_aside.count, 0);
    house_deinit(&h);
}

/* CLIENT REPLY SKIP waits with the command that it silences. */
static void test_skip_is_not_used_up(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "skip", "");
    pause_for(&h, PAUSE_MS, false);
    house_expect(&h, 0, "put a 1", "");
    house_expect(&h, 0, "noop", "");
    atomic_store(&h.shared.pause_until_ms, 0);
    go_on(&h, 0);
    house_expect_reply(&h, 0, "+OK|");
    house_expect(&h, 1, "fetch a", "$1|1|");
    house_deinit(&h);
}

static void test_goes_while_held(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    pause_for(&h, PAUSE_MS, false);
    house_expect(&h, 0, "put a 1", "");
    house_expect(&h, 0, "put b 1", "");
    exec_session_end(h.execs[0], &h.seats[0].session);
    assert_int_equal(h.seats[0].session.set_aside.count, 0);
    house_deinit(&h); /* nothing is left */
}

/* What is due is not shown, and stays until the pause is over. */
static void test_nothing_expires(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "putuntil a 5 v", "+OK|");
    house_expect(&h, 0, "putuntil b 5 v", "+OK|");
    pause_for(&h, PAUSE_MS, false);
    house_wait(&h, 10);
    house_expect(&h, 0, "fetch a", "$-1|");
    exec_background(h.execs[0], 1000000);
    house_expect_effects(&h, "");
    assert_int_equal(store_database_size(h.store, 0), 2);
    atomic_store(&h.shared.pause_until_ms, 0);
    house_expect(&h, 0, "fetch a", "$-1|");
    exec_background(h.execs[0], 1000000);
    house_expect_effects(&h, "DEL a; DEL b");
    house_deinit(&h);
}

/* The one that follows in the batch heeds it already. */
static void test_shared_read_anew(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "noop", "+OK|");
    pause_for(&h, PAUSE_MS, true);
    exec_read_shared(h.execs[0]);
    house_expect(&h, 0, "noop", "");
    exec_session_end(h.execs[0], &h.seats[0].session);
    house_deinit(&h);
}

static void test_reading_untouched(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "put a 1", "+OK|");
    uint32_t before = house_find(&h, 0, "a")->access_clock;
    house_wait(&h, 5000);
    h.seats[0].session.no_touch = true;
    house_expect(&h, 0, "fetch a", "$1|1|");
    assert_int_equal(house_find(&h, 0, "a")->access_clock, before);
    house_expect(&h, 1, "fetch a", "$1|1|");
    assert_int_not_equal(house_find(&h, 0, "a")->access_clock, before);
    house_deinit(&h);
}

int test_hold_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause_stops_writing),
        cmocka_unit_test(test_pause_stops_all),
        cmocka_unit_test(test_order_after_two_pauses),
        cmocka_unit_test(test_skip_is_not_used_up),
        cmocka_unit_test(test_goes_while_held),
        cmocka_unit_test(test_nothing_expires),
        cmocka_unit_test(test_shared_read_anew),
        cmocka_unit_test(test_reading_untouched),
    };
    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
