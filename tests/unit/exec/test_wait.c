/* Tests of sessions that wait for keys: seats 0 and 2 are worker 0's, 1 and 3
 * worker 1's where there are two. */
#include "fakes.h"
#include "tests.h"

static struct exec *exec_of(struct house *h, uint32_t seat)
{
    return h->execs[h->seats[seat].session.worker];
}

/* Adds and runs; mail is handed out. */
static void run(struct house *h, uint32_t seat, const char *line)
{
    house_add(h, seat, line);
    house_run(h);
    for (uint32_t i = 0; i < h->worker_count; i++) {
        house_read_mail(h, i);
    }
}

static void expect_waiting(struct house *h, uint32_t seat)
{
    house_expect_reply(h, seat, "");
    assert_int_equal(h->seats[seat].session.hold, HOLD_KEYS);
}

static void expect_answer(struct house *h, uint32_t seat, const char *reply)
{
    house_expect_reply(h, seat, reply);
    assert_int_equal(h->seats[seat].session.hold, HOLD_NONE);
    assert_null(h->seats[seat].session.waiter);
}

static void in_order_of_arrival(struct house *h)
{
    for (uint32_t seat = 0; seat < 4; seat++) {
        run(h, seat, "take 0 purse");
        expect_waiting(h, seat);
        assert_int_equal(h->seats[seat].block_deadline_ms, 0);
        if (seat == 2) {
            break;
        }
    }
    run(h, 3, "add purse 2");
    house_expect_reply(h, 3, ":2|");
    expect_answer(h, 0, "$5|purse|");
    expect_answer(h, 1, "$5|purse|");
    expect_waiting(h, 2);
    house_expect(h, 3, "fetch purse", "$-1|");
    run(h, 3, "add purse 5");
    expect_answer(h, 2, "$5|purse|");
    house_take(h, 3);
    house_expect(h, 3, "fetch purse", "$1|4|");
    house_expect(h, 0, "take 0 purse", "$5|purse|");
}

static void several_keys(struct house *h)
{
    run(h, 0, "take 0 a b c d e");
    run(h, 1, "take 0 e d c b a");
    run(h, 2, "add c 1");
    expect_answer(h, 0, "$1|c|");
    expect_waiting(h, 1);
    run(h, 2, "add a 1");
    expect_answer(h, 1, "$1|a|");
    run(h, 0, "take 0 a a a"); /* thrice in one queue */
    expect_waiting(h, 0);
    run(h, 2, "add a 3");
    expect_answer(h, 0, "$1|a|");
    house_take(h, 2);
    house_expect(h, 2, "fetch a", "$1|2|");
}

/* What follows in the same batch comes after the answer. */
static void what_follows_is_set_aside(struct house *h)
{
    house_add(h, 0, "take 0 purse");
    house_add(h, 0, "noop");
    house_add(h, 2, "noop");
    house_add(h, 0, "fetch purse");
    house_run(h);
    expect_waiting(h, 0);
    house_expect_reply(h, 2, "+OK|");
    run(h, 3, "add purse 7");
    expect_answer(h, 0, "$5|purse|");
    assert_int_equal(h->seats[0].session.set_aside.count, 2);
    /* Something newer does not overtake them. */
    house_add(h, 0, "fail");
    house_run(h);
    assert_int_equal(h->seats[0].session.set_aside.count, 3);
    while (exec_add_set_aside(exec_of(h, 0), &h->seats[0].session)) {
        house_run(h);
    }
    house_expect_reply(h, 0, "+OK|$1|6|-BAD it failed|");
}

static void the_wrong_type_wakes_nobody(struct house *h)
{
    run(h, 0, "take 0 purse");
    run(h, 3, "put purse text"); /* a string that is no number: waits on */
    expect_waiting(h, 0);
    run(h, 3, "put purse 5");
    expect_answer(h, 0, "$5|purse|");
}

/* A hands to B, for which another waits, and so on. */
static void chains(struct house *h)
{
    run(h, 0, "hand 0 a b");
    run(h, 1, "hand 0 b c");
    run(h, 2, "take 0 c");
    expect_waiting(h, 0);
    expect_waiting(h, 1);
    expect_waiting(h, 2);
    run(h, 3, "add a 1");
    house_expect_reply(h, 3, ":1|");
    expect_answer(h, 0, ":1|");
    expect_answer(h, 1, ":1|");
    expect_answer(h, 2, "$1|c|");
    house_expect(h, 3, "same a b c", ":1|");
    run(h, 0, "hand 0 a a"); /* to itself */
    run(h, 3, "add a 1");
    expect_answer(h, 0, ":1|");
}

/* CLIENT REPLY SKIP before it: the answer is for nobody. */
static void unanswered(struct house *h)
{
    for (uint32_t seat = 0; seat < 2; seat++) {
        run(h, seat, "skip");
        run(h, seat, "take 0 purse");
        run(h, 3, "add purse 1");
        house_take(h, 3);
        expect_answer(h, seat, "");
        house_expect(h, seat, "noop", "+OK|");
    }
    house_expect(h, 3, "fetch purse", "$-1|");
}

static void ends_without(struct house *h)
{
    run(h, 0, "take 0.5 purse");
    assert_int_equal(h->seats[0].block_deadline_ms, h->now_ms + 500);
    run(h, 1, "hand 0 purse other");
    run(h, 2, "take 0 purse");
    assert_true(exec_unblock(exec_of(h, 0), &h->seats[0].session,
                             UNBLOCK_TIMEOUT));
    expect_answer(h, 0, "*-1|");
    assert_false(exec_unblock(exec_of(h, 0), &h->seats[0].session,
                              UNBLOCK_TIMEOUT));
    assert_true(exec_unblock(exec_of(h, 1), &h->seats[1].session,
                             UNBLOCK_TIMEOUT));
    expect_answer(h, 1, "*-1|");
    assert_true(exec_unblock(exec_of(h, 2), &h->seats[2].session,
                             UNBLOCK_ERROR));
    expect_answer(h, 2, "-UNBLOCKED client unblocked via CLIENT UNBLOCK|");
    run(h, 3, "add purse 1");
    house_expect_reply(h, 3, ":1|");
    house_expect(h, 3, "fetch purse", "$1|1|");
    house_expect(h, 0, "take -1 purse", "-ERR timeout is negative|");
    house_expect(h, 0, "take x purse",
                 "-ERR timeout is not a float or out of range|");
    house_expect(h, 0, "take 1e300 purse", "-ERR timeout is out of range|");
}

static void who_leaves_is_passed_over(struct house *h)
{
    run(h, 0, "take 0 purse");
    run(h, 1, "take 0 purse");
    exec_session_leave(exec_of(h, 0), &h->seats[0].session);
    exec_release(exec_of(h, 0), &h->seats[0].session);
    run(h, 3, "add purse 1");
    house_expect_reply(h, 0, "");
    expect_answer(h, 1, "$5|purse|");
    /* An answer in the mail finds nobody. */
    run(h, 1, "take 0 purse");
    house_add(h, 0, "add purse 1");
    house_run(h);
    exec_session_leave(exec_of(h, 1), &h->seats[1].session);
    exec_release(exec_of(h, 1), &h->seats[1].session);
    house_read_mail(h, h->seats[1].session.worker);
    if (h->worker_count > 1) {
        house_expect_reply(h, 1, "");
    }
    house_take(h, 1);
}

static void in_a_transaction(struct house *h)
{
    house_expect(h, 0, "multi", "+OK|");
    house_expect(h, 0, "take 0 purse", "+QUEUED|");
    house_expect(h, 0, "add purse 3", "+QUEUED|");
    house_expect(h, 0, "take 0 purse", "+QUEUED|");
    run(h, 1, "take 0 purse");
    house_expect(h, 0, "exec", "*3|$-1|:3|$5|purse|");
    house_read_mail(h, h->seats[1].session.worker);
    expect_answer(h, 1, "$5|purse|"); /* served when all had run */
    house_expect(h, 0, "fetch purse", "$1|1|");
}

static void databases(struct house *h)
{
    run(h, 0, "take 0 purse");
    h->seats[1].session.database = 1;
    run(h, 1, "add purse 2");
    expect_waiting(h, 0);
    run(h, 1, "swap");
    expect_answer(h, 0, "$5|purse|");
    house_take(h, 1);
    h->seats[1].session.database = 0;
    house_expect(h, 1, "fetch purse", "$1|1|");
}

static void memory_lacks(struct house *h)
{
    bool done = false;
    for (int n = 0; !done; n++) {
        assert_true(n < 50);
        h->accounts[0].fail_after = n;
        h->interests_account.fail_after = n;
        house_add(h, 0, "take 0 a b c");
        house_run(h);
        h->accounts[0].fail_after = -1;
        h->interests_account.fail_after = -1;
        done = h->seats[0].session.hold == HOLD_KEYS;
        struct slice s = house_take(h, 0);
        assert_true(done || memcmp(s.data, "-OOM", 4) == 0);
    }
    run(h, 1, "add b 1");
    house_take(h, 1);
    expect_answer(h, 0, "$1|b|");
}

FAKE_EACH(in_order_of_arrival)
FAKE_EACH(several_keys)
FAKE_EACH(what_follows_is_set_aside)
FAKE_EACH(the_wrong_type_wakes_nobody)
FAKE_EACH(chains)
FAKE_EACH(unanswered)
FAKE_EACH(ends_without)
FAKE_EACH(who_leaves_is_passed_over)
FAKE_EACH(in_a_transaction)
FAKE_EACH(databases)
FAKE_EACH(memory_lacks)

int test_wait_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_of_arrival),
        cmocka_unit_test(test_several_keys),
        cmocka_unit_test(test_what_follows_is_set_aside),
        cmocka_unit_test(test_the_wrong_type_wakes_nobody),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_unanswered),
        cmocka_unit_test(test_ends_without),
        cmocka_unit_test(test_who_leaves_is_passed_over),
        cmocka_unit_test(test_in_a_transaction),
        cmocka_unit_test(test_databases),
        cmocka_unit_test(test_memory_lacks),
    };
    return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
