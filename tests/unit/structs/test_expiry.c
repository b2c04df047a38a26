/* Tests of structs/expiry with a naive owner: an array of deadlines by position
 * that follows the protocol of the header, and a count of the records it has
 * put on the wheel and not got back. */
#include "structs/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int test_expiry_run(void);

enum { ENTRIES = 4096, BATCH = 64 };

#define START_MS INT64_C(1795000000000)
#define NEVER INT64_MIN
#define HOUR_MS INT64_C(3600000)
#define YEAR_MS (INT64_C(24) * 365 * HOUR_MS)

struct owner {
    struct mem_account account;
    struct expiry *index;
    int64_t now_ms;
    uint64_t seed;
    int64_t deadlines[ENTRIES]; /* NEVER: no such entry */
    uint8_t parities[ENTRIES];
    uint8_t sweep_parity;
    uint32_t outstanding[ENTRIES]; /* records on the wheel */
    size_t record_count;
    size_t expired_count;
    int64_t worst_lag_ms;
    size_t early_count; /* records that had to be added again */
};

static uint64_t owner_random(struct owner *o, uint64_t bound)
{
    o->seed = o->seed * 6364136223846793005u + 1442695040888963407u;
    return (o->seed >> 20) % bound;
}

static struct owner *owner_open(uint64_t seed)
{
    struct owner *o = calloc(1, sizeof(*o));
    mem_account_init(&o->account);
    o->now_ms = START_MS;
    o->seed = seed;
    o->index = expiry_create(&o->account, o->now_ms);
    assert_non_null(o->index);
    for (size_t i = 0; i < ENTRIES; i++) {
        o->deadlines[i] = NEVER;
    }
    return o;
}

static void owner_close(struct owner *o)
{
    expiry_destroy(&o->index);
    assert_null(o->index);
    assert_int_equal(mem_used(&o->account), 0);
    free(o);
}

/* Positions use all 40 bits. */
static uint64_t position_of(size_t i)
{
    return (uint64_t)i * 268435399u;
}

static size_t entry_at(uint64_t position)
{
    size_t i = (size_t)(position / 268435399u);
    assert_int_equal(position_of(i), position);
    assert_true(i < ENTRIES);
    return i;
}

static void owner_add_record(struct owner *o, size_t i)
{
    assert_int_equal(expiry_add(o->index, o->deadlines[i], position_of(i)),
                     ST_OK);
    if (expiry_is_sweeping(o->index)) {
        o->parities[i] = o->sweep_parity;
    }
    o->outstanding[i]++;
    o->record_count++;
}

static void owner_got(struct owner *o, size_t i)
{
    assert_true(o->outstanding[i] > 0);
    o->outstanding[i]--;
    o->record_count--;
}

static void owner_set(struct owner *o, size_t i, int64_t deadline_ms)
{
    int64_t before = o->deadlines[i];
    o->deadlines[i] = deadline_ms;
    if (before == NEVER || deadline_ms < before) {
        if (before == NEVER) {
            o->parities[i] = o->sweep_parity;
        }
        owner_add_record(o, i);
    }
}

static void owner_take_record(struct owner *o, size_t i)
{
    owner_got(o, i);
    if (o->deadlines[i] == NEVER) {
        return;
    }
    if (o->deadlines[i] > o->now_ms) {
        o->early_count++;
        owner_add_record(o, i);
        return;
    }
    int64_t lag = o->now_ms - o->deadlines[i];
    o->worst_lag_ms = lag > o->worst_lag_ms ? lag : o->worst_lag_ms;
    o->deadlines[i] = NEVER;
    o->expired_count++;
}

static size_t owner_poll_once(struct owner *o, size_t max)
{
    uint64_t out[BATCH];
    size_t n = expiry_take(o->index, o->now_ms, out, max);
    assert_true(n <= max);
    for (size_t i = 0; i < n; i++) {
        owner_take_record(o, entry_at(out[i]));
    }
    return n;
}

static void owner_poll(struct owner *o)
{
    size_t turns = 0;
    while (owner_poll_once(o, BATCH) > 0) {
        assert_true(++turns < 100000); /* it must come to an end */
    }
}

static void owner_check(const struct owner *o)
{
    expiry_check(o->index);
    assert_int_equal(expiry_count(o->index), o->record_count);
    assert_true(expiry_bytes(o->index) <= mem_used(&o->account));
}

/* After a poll nothing that is due is left, everything live has a record, and
 * the index does not sleep past the next deadline. */
static void owner_check_polled(const struct owner *o, int64_t tolerance_ms)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < ENTRIES; i++) {
        if (o->deadlines[i] == NEVER) {
            continue;
        }
        assert_true(o->deadlines[i] > o->now_ms - tolerance_ms);
        assert_true(o->outstanding[i] > 0);
        first = o->deadlines[i] < first ? o->deadlines[i] : first;
    }
    if (first != INT64_MAX) {
        assert_true(expiry_next_ms(o->index) - tolerance_ms <= first);
    }
}

static int64_t random_ttl(struct owner *o)
{
    switch (owner_random(o, 8)) {
    case 0:
        return (int64_t)owner_random(o, 3) - 1;
    case 1:
    case 2:
        return (int64_t)owner_random(o, 300);
    case 3:
    case 4:
        return (int64_t)owner_random(o, 70000);
    case 5:
        return (int64_t)owner_random(o, 5 * HOUR_MS);
    case 6:
        return (int64_t)owner_random(o, 2 * YEAR_MS);
    default:
        return (int64_t)owner_random(o, 100 * YEAR_MS);
    }
}

static void random_change(struct owner *o)
{
    size_t i = owner_random(o, ENTRIES);
    switch (owner_random(o, 10)) {
    case 0:
        o->deadlines[i] = NEVER; /* deleted: its record goes stale */
        break;
    case 1:
        owner_set(o, i, owner_random(o, 2) ? INT64_MAX : INT64_MAX - 5);
        break;
    case 2:
        owner_set(o, i, owner_random(o, 2) ? -1 : INT64_MIN / 2);
        break;
    default:
        owner_set(o, i, o->now_ms + random_ttl(o));
    }
}

static void test_empty(void **state)
{
    (void)state;
    struct owner *o = owner_open(1);
    uint64_t out[1];
    size_t empty_bytes = expiry_bytes(o->index);
    assert_int_equal(expiry_count(o->index), 0);
    assert_int_equal(expiry_next_ms(o->index), INT64_MAX);
    assert_int_equal(expiry_take(o->index, START_MS, out, 1), 0);
    assert_int_equal(expiry_take(o->index, INT64_MAX, out, 1), 0);
    assert_int_equal(expiry_take(o->index, 0, out, 1), 0);
    assert_int_equal(expiry_take(o->index, START_MS, out, 1), 0);
    owner_set(o, 7, START_MS + 70000);
    assert_int_equal(expiry_take(o->index, START_MS, out, 0), 0);
    assert_true(expiry_bytes(o->index) > empty_bytes);
    o->now_ms += 70000;
    owner_poll(o);
    assert_int_equal(o->expired_count, 1);
    assert_int_equal(expiry_bytes(o->index), empty_bytes);
    assert_true(expiry_sweep_begin(o->index));
    assert_int_equal(expiry_sweep_take(o->index, out, 1), 0);
    assert_false(expiry_is_sweeping(o->index));
    owner_close(o);
}

/* Polled each millisecond, every key goes in exactly its millisecond. */
static void test_to_the_millisecond(void **state)
{
    (void)state;
    struct owner *o = owner_open(2);
    for (int step = 0; step < 400000; step++) {
        o->now_ms++;
        size_t i = owner_random(o, ENTRIES);
        if (o->deadlines[i] == NEVER) {
            owner_set(o, i, o->now_ms + 1 +
                                (int64_t)owner_random(o, 200000));
        }
        owner_poll(o);
        if (step % 5000 == 0) {
            owner_check(o);
            owner_check_polled(o, 0);
        }
    }
    assert_true(o->expired_count > 2000);
    assert_int_equal(o->worst_lag_ms, 0);
    owner_close(o);
}

/* Sleeping until expiry_next_ms misses nothing either. */
static void test_sleeping_until_next(void **state)
{
    (void)state;
    struct owner *o = owner_open(3);
    for (size_t i = 0; i < ENTRIES; i++) {
        owner_set(o, i, o->now_ms + random_ttl(o));
    }
    size_t turns = 0;
    owner_poll(o);
    while (expiry_count(o->index) > 0) {
        int64_t next = expiry_next_ms(o->index);
        assert_true(next > o->now_ms);
        o->now_ms = next;
        owner_poll(o);
        turns++;
    }
    assert_int_equal(o->worst_lag_ms, 1); /* the ones due before the start */
    assert_int_equal(o->expired_count, ENTRIES);
    assert_true(turns < ENTRIES * 6);
    assert_int_equal(expiry_next_ms(o->index), INT64_MAX);
    owner_close(o);
}

static void random_run(uint64_t seed, int steps, bool clock_goes_back)
{
    struct owner *o = owner_open(seed);
    int64_t tolerance_ms = clock_goes_back ? 1001 : 0;
    for (int step = 0; step < steps; step++) {
        random_change(o);
        uint64_t dice = owner_random(o, 1000);
        if (dice < 200) {
            o->now_ms += (int64_t)owner_random(o, 5);
        } else if (dice < 205) {
            o->now_ms += (int64_t)owner_random(o, 100000);
        } else if (dice == 206 && step % 16 == 0) {
            o->now_ms += (int64_t)owner_random(o, 3 * YEAR_MS);
        } else if (clock_goes_back && dice < 210) {
            o->now_ms -= (int64_t)owner_random(o, 3000);
        } else if (clock_goes_back && dice == 211) {
            o->now_ms -= (int64_t)owner_random(o, 2 * YEAR_MS);
        }
        o->now_ms = o->now_ms < 0 ? 0 : o->now_ms;
        if (dice < 400) {
            owner_poll_once(o, 1 + owner_random(o, BATCH));
        }
        if (step % 512 == 0) {
            owner_poll(o);
            owner_check(o);
            owner_check_polled(o, tolerance_ms);
        }
    }
    owner_close(o);
}

static void test_random(void **state)
{
    (void)state;
    random_run(4, 1500000, false);
}

static void test_random_clock_back(void **state)
{
    (void)state;
    random_run(5, 1500000, true);
}

/* A step back hands out what is there once, and new keys are in time. */
static void test_clock_set_back_a_year(void **state)
{
    (void)state;
    struct owner *o = owner_open(6);
    for (size_t i = 0; i < ENTRIES / 2; i++) {
        owner_set(o, i, o->now_ms + 1 + (int64_t)owner_random(o, HOUR_MS));
    }
    o->now_ms -= YEAR_MS;
    /* An owner that sleeps until expiry_next_ms must wake for a new key. */
    owner_set(o, ENTRIES - 2, o->now_ms + HOUR_MS);
    assert_int_equal(expiry_next_ms(o->index), 0);
    owner_poll(o);
    assert_in_range(o->early_count, ENTRIES / 2 + 1, ENTRIES / 2 + 2);
    owner_check(o);
    owner_set(o, ENTRIES - 1, o->now_ms + 10);
    assert_true(expiry_next_ms(o->index) <= o->now_ms + 10);
    o->now_ms += 10;
    owner_poll(o);
    assert_int_equal(o->expired_count, 1);
    assert_int_equal(o->worst_lag_ms, 0);
    owner_check_polled(o, 0);
    owner_close(o);
}

static size_t owner_sweep_once(struct owner *o, size_t max)
{
    uint64_t out[BATCH];
    size_t n = expiry_sweep_take(o->index, out, max);
    for (size_t k = 0; k < n; k++) {
        size_t i = entry_at(out[k]);
        owner_got(o, i);
        if (o->deadlines[i] != NEVER && o->parities[i] != o->sweep_parity) {
            owner_add_record(o, i);
        }
    }
    return n;
}

static void owner_begin_sweep(struct owner *o)
{
    /* The owner flips before it begins, so that all is as the header says. */
    o->sweep_parity = !o->sweep_parity;
    assert_true(expiry_sweep_begin(o->index));
}

/* With nothing else going on, exactly the live records remain. */
static void test_sweep_at_rest(void **state)
{
    (void)state;
    struct owner *o = owner_open(7);
    uint64_t out[1];
    assert_int_equal(expiry_sweep_take(o->index, out, 1), 0);
    for (int round = 0; round < 20; round++) {
        size_t live = 0;
        for (int i = 0; i < 20000; i++) {
            random_change(o);
        }
        owner_poll(o);
        for (size_t i = 0; i < ENTRIES; i++) {
            live += o->deadlines[i] != NEVER;
        }
        assert_true(expiry_count(o->index) > live);
        owner_begin_sweep(o);
        owner_check(o);
        while (owner_sweep_once(o, BATCH) > 0) {
            assert_true(expiry_is_sweeping(o->index));
        }
        assert_false(expiry_is_sweeping(o->index));
        assert_int_equal(expiry_count(o->index), live);
        owner_check(o);
        owner_check_polled(o, 0);
        o->now_ms += (int64_t)owner_random(o, HOUR_MS);
        owner_poll(o);
    }
    owner_close(o);
}

/* Sweeps while keys come, go and fall due, with the clock set back too. */
static void sweep_under_load(uint64_t seed, bool clock_goes_back)
{
    struct owner *o = owner_open(seed);
    int64_t tolerance_ms = clock_goes_back ? 1001 : 0;
    int sweeps = 0;
    for (int step = 0; step < 500000; step++) {
        random_change(o);
        if (step % 7 == 0) {
            o->now_ms += (int64_t)owner_random(o, 3);
        }
        if (clock_goes_back && owner_random(o, 20000) == 0) {
            o->now_ms -= (int64_t)owner_random(o, HOUR_MS);
        }
        if (step % 5 == 0) {
            owner_poll_once(o, 1 + owner_random(o, BATCH));
        }
        if (expiry_is_sweeping(o->index)) {
            sweeps += owner_sweep_once(o, owner_random(o, 4) + 1) == 0;
        } else if (owner_random(o, 3000) == 0) {
            owner_poll(o);
            owner_begin_sweep(o);
        }
        if (step % 1024 == 0) {
            owner_poll(o);
            owner_check(o);
            owner_check_polled(o, tolerance_ms);
        }
    }
    assert_true(sweeps > 10);
    owner_close(o);
}

static void test_sweep_under_load(void **state)
{
    (void)state;
    sweep_under_load(8, false);
}

static void test_sweep_under_load_clock_back(void **state)
{
    (void)state;
    sweep_under_load(9, true);
}

static void test_burst_in_slices(void **state)
{
    (void)state;
    enum { BURST = 300000 };
    struct mem_account a;
    mem_account_init(&a);
    struct expiry *e = expiry_create(&a, START_MS);
    uint8_t *seen = calloc(BURST, 1);
    uint64_t out[256];
    for (uint64_t i = 0; i < BURST; i++) {
        assert_int_equal(expiry_add(e, START_MS + 60000, i), ST_OK);
    }
    assert_true(expiry_bytes(e) < BURST * 5 + BURST / 10 + 8192);
    size_t taken = 0;
    size_t n;
    while ((n = expiry_take(e, START_MS + 60000, out, 256)) > 0) {
        for (size_t i = 0; i < n; i++) {
            assert_true(out[i] < BURST);
            assert_int_equal(seen[out[i]]++, 0);
        }
        taken += n;
        assert_int_equal(expiry_count(e), BURST - taken);
    }
    assert_int_equal(taken, BURST);
    free(seen);
    expiry_destroy(&e);
    assert_int_equal(mem_used(&a), 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    a.fail_after = 0;
    assert_null(expiry_create(&a, START_MS));
    a.fail_after = -1;
    struct expiry *e = expiry_create(&a, START_MS);
    size_t failures = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        /* Scales that open new levels as well as new chunks. */
        int64_t deadline = START_MS + (INT64_C(1) << (i * 7 % 45));
        size_t count = expiry_count(e);
        size_t bytes = expiry_bytes(e);
        enum status st = ST_NOMEM;
        for (int64_t fail_after = 0; st != ST_OK; fail_after++) {
            a.fail_after = fail_after;
            st = expiry_add(e, deadline, i);
            a.fail_after = -1;
            if (st != ST_OK) {
                assert_int_equal(st, ST_NOMEM);
                assert_int_equal(expiry_count(e), count);
                assert_int_equal(expiry_bytes(e), bytes);
                failures++;
            }
        }
        assert_int_equal(expiry_count(e), count + 1);
        expiry_check(e);
    }
    assert_true(failures > 20);
    /* Taking needs no memory. */
    a.fail_after = 0;
    uint64_t out[64];
    assert_true(expiry_sweep_begin(e));
    size_t taken = 0;
    size_t n;
    while ((n = expiry_sweep_take(e, out, 64)) > 0) {
        taken += n;
    }
    assert_int_equal(taken, 3000);
    expiry_destroy(&e);
    assert_int_equal(mem_used(&a), 0);
}

/* With records due, on all levels of both wheels, and one slot half visited. */
static void test_destroy_in_slices(void **state)
{
    (void)state;
    enum { COUNT = 30000, BUDGET = 3 };
    struct mem_account a;
    mem_account_init(&a);
    struct expiry *e = expiry_create(&a, START_MS);
    uint64_t out[10];
    for (uint64_t i = 0; i < 2 * COUNT; i++) {
        if (i == COUNT) {
            assert_true(expiry_sweep_begin(e));
            assert_int_equal(expiry_sweep_take(e, out, 10), 10);
        }
        int64_t deadline = START_MS + (INT64_C(1) << (i * 7 % 30));
        assert_int_equal(expiry_add(e, deadline, i), ST_OK);
    }
    assert_int_equal(expiry_take(e, START_MS + 1, out, 10), 10);
    size_t slices = 0;
    a.fail_after = 0;
    for (size_t before = expiry_bytes(e);
         !expiry_destroy_some(&e, BUDGET); slices++) {
        size_t now = expiry_bytes(e);
        assert_int_equal(now, mem_used(&a));
        assert_true(now < before && before - now <= (size_t)BUDGET * 4200);
        before = now;
    }
    assert_null(e);
    assert_true(slices > 20);
    assert_int_equal(mem_used(&a), 0);
}

int test_expiry_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_to_the_millisecond),
        cmocka_unit_test(test_sleeping_until_next),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_clock_back),
        cmocka_unit_test(test_clock_set_back_a_year),
        cmocka_unit_test(test_sweep_at_rest),
        cmocka_unit_test(test_sweep_under_load),
        cmocka_unit_test(test_sweep_under_load_clock_back),
        cmocka_unit_test(test_burst_in_slices),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_destroy_in_slices),
    };
    return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
