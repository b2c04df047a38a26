/* Tests of MULTI, EXEC, DISCARD, WATCH with one worker and with several. */
#include "fakes.h"
#include "tests.h"

static void runs_in_order(struct house *h)
{
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "bump a b", "+QUEUED|");
    house_expect(h, 0, "fetch a", "+QUEUED|");
    house_expect(h, 0, "fail", "+QUEUED|");
    house_expect(h, 0, "bump a", "+QUEUED|");
    house_expect(h, 1, "fetch a", "$-1|"); /* nothing has run yet */
    house_expect_effects(h, "");
    house_expect(h, 0, "exec", "*4|:2|$1|1|-BAD it failed|:2|");
    house_expect_effects(h, "MULTI; bump a b; bump a; EXEC");
    house_expect(h, 1, "fetch a", "$1|2|");
    house_expect(h, 0, "exec", "-ERR EXEC without MULTI|");
    house_expect(h, 0, "discard", "-ERR DISCARD without MULTI|");
}

/* What is queued may need all shards, or walk through them. */
static void needs_the_house(struct house *h)
{
    house_expect(h, 0, "bump a b c d e f", ":6|");
    house_expect_effects(h, "bump a b c d e f");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "bump a", "+QUEUED|");
    house_expect(h, 0, "trail 0 0", "+QUEUED|");
    house_expect(h, 0, "whole", "+QUEUED|");
    house_expect(h, 0, "empty", "+QUEUED|");
    house_add(h, 0, "exec");
    house_run(h);
    assert_memory_equal(house_take(h, 0).data, "*4\r\n:2\r\n", 8);
    house_expect(h, 1, "fetch a", "$-1|");
    house_expect_effects(h, "MULTI; bump a; EXEC");
}

static void reads_leave_no_mark(struct house *h)
{
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "fetch a", "+QUEUED|");
    house_expect(h, 0, "exec", "*1|$-1|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "exec", "*0|");
    house_expect_effects(h, "");
}

static void errors_spoil(struct house *h)
{
    static const char *const wrong[] = {"nonsense", "fetch", "multi",
                                        "watch a"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        house_expect(h, 0, "multi", "+OK|");
        house_expect(h, 0, "bump a", "+QUEUED|");
        house_add(h, 0, wrong[i]);
        house_run(h);
        assert_memory_equal(house_take(h, 0).data, "-ERR", 4);
        house_expect(h, 0, "exec", "-EXECABORT Transaction discarded because "
                                   "of previous errors.|");
        house_expect(h, 0, "fetch a", "$-1|");
    }
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "bump a", "+QUEUED|");
    house_expect(h, 0, "discard", "+OK|");
    house_expect(h, 0, "fetch a", "$-1|");
}

static void watches(struct house *h)
{
    house_expect(h, 0, "watch a b a", "+OK|");
    house_expect(h, 1, "bump b", ":1|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "bump c", "+QUEUED|");
    house_expect(h, 0, "exec", "*-1|");
    house_expect(h, 0, "fetch c", "$-1|");
    /* The watch ended with EXEC. */
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "bump c", "+QUEUED|");
    house_expect(h, 0, "exec", "*1|:1|");
    /* Other keys, UNWATCH and DISCARD. */
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "bump b", ":2|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "exec", "*0|");
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "bump a", ":1|");
    house_expect(h, 0, "unwatch", "+OK|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "exec", "*0|");
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "bump a", ":2|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "discard", "+OK|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "exec", "*0|");
    /* One's own changes count as well. */
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 0, "bump a", ":3|");
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "exec", "*-1|");
}

static void expect_exec(struct house *h, const char *reply)
{
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "exec", reply);
}

static void watches_what_expires(struct house *h)
{
    house_expect(h, 0, "putuntil a 100 x", "+OK|");
    house_expect(h, 0, "watch a", "+OK|");
    house_wait(h, 200); /* still there, for nobody has looked */
    expect_exec(h, "*-1|");
    house_expect(h, 0, "putuntil a 100 x", "+OK|");
    house_expect(h, 0, "watch a", "+OK|");
    house_wait(h, 200);
    house_expect(h, 1, "fetch a", "$-1|"); /* now it goes */
    expect_exec(h, "*-1|");
    /* It was gone in all but name when the watch began. */
    house_expect(h, 0, "putuntil a 100 x", "+OK|");
    house_wait(h, 200);
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "fetch a", "$-1|");
    expect_exec(h, "*0|");
    house_expect(h, 0, "putuntil a 100 x", "+OK|");
    house_wait(h, 200);
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "put a 1", "+OK|");
    expect_exec(h, "*-1|");
}

static void watches_whole_databases(struct house *h)
{
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "empty", "+OK|");
    expect_exec(h, "*0|"); /* there was nothing */
    house_expect(h, 0, "bump a", ":1|");
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "empty", "+OK|");
    expect_exec(h, "*-1|");
    house_expect(h, 0, "bump a", ":1|");
    house_expect(h, 0, "watch a", "+OK|");
    house_expect(h, 1, "swap", "+OK|");
    expect_exec(h, "*-1|");
    house_expect(h, 0, "watch a b", "+OK|");
    house_expect(h, 1, "swap", "+OK|"); /* a comes back */
    expect_exec(h, "*-1|");
    house_expect(h, 0, "watch b", "+OK|");
    house_expect(h, 1, "swap", "+OK|");
    expect_exec(h, "*0|");
}

/* Every allocation of queueing, watching and EXEC fails in turn. */
static void memory_lacks(struct house *h)
{
    bool done = false;
    for (int n = 0; !done; n++) {
        assert_true(n < 50);
        h->accounts[0].fail_after = n;
        h->interests_account.fail_after = n;
        const char *const lines[] = {"watch a b", "multi", "bump a b c",
                                     "exec"};
        for (int i = 0; i < 4; i++) {
            house_add(h, 0, lines[i]);
            house_run(h);
            struct slice s = house_take(h, 0);
            assert_true(s.len > 0);
            done = i == 3 && s.data[0] == '*';
        }
        h->accounts[0].fail_after = -1;
        h->interests_account.fail_after = -1;
        house_add(h, 0, "discard");
        house_add(h, 0, "unwatch");
        house_run(h);
        (void)house_take(h, 0);
    }
}

FAKE_EACH(runs_in_order)
FAKE_EACH(needs_the_house)
FAKE_EACH(reads_leave_no_mark)
FAKE_EACH(errors_spoil)
FAKE_EACH(watches)
FAKE_EACH(watches_what_expires)
FAKE_EACH(watches_whole_databases)
FAKE_EACH(memory_lacks)

int test_transaction_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_in_order),
        cmocka_unit_test(test_needs_the_house),
        cmocka_unit_test(test_reads_leave_no_mark),
        cmocka_unit_test(test_errors_spoil),
        cmocka_unit_test(test_watches),
        cmocka_unit_test(test_watches_what_expires),
        cmocka_unit_test(test_watches_whole_databases),
        cmocka_unit_test(test_memory_lacks),
    };
    return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
