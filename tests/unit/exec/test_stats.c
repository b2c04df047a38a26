/* Tests of the counting: calls, failures, refusals, errors by code, latencies. */
#include <stdio.h>

#include "fakes.h"
#include "tests.h"

static const struct house_options options = {.families = fake_families};

static const struct cmd_stats *stats_of(const struct house *h, const char *name)
{
    const struct cmd *c = cmd_table_find(h->commands, slice_of_text(name));
    return &exec_stats(h->execs[0])->commands[c->index];
}

static void check_counts(const struct house *h, const char *name,
                         uint64_t calls, uint64_t failed, uint64_t rejected)
{
    const struct cmd_stats *st = stats_of(h, name);
    assert_int_equal(counter_get(&st->calls), calls);
    assert_int_equal(counter_get(&st->failed), failed);
    assert_int_equal(counter_get(&st->rejected), rejected);
    uint64_t sum = 0;
    for (int i = 0; st->latency != NULL && i < LATENCY_BUCKETS; i++) {
        sum += counter_get(&st->latency[i]);
    }
    assert_int_equal(sum, calls);
}

/* How often a code was counted; -1: it has not been met. */
static int64_t errors_of(const struct exec_stats *st, const char *code)
{
    for (uint64_t i = 0; i < counter_get(&st->error_kinds); i++) {
        if (strcmp(st->errors[i].code, code) == 0) {
            return (int64_t)counter_get(&st->errors[i].count);
        }
    }
    return -1;
}

static void run_some(struct house *h)
{
    static const char *const lines[] = {
        "noop", "noop", "noop 1", "fail", "fail", "fail", "put", "put a x",
        "bump a", "bump b", "nosuch", "box", "box nosuch", "box one",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        house_add(h, 0, lines[i]);
    }
    house_run(h);
    house_take(h, 0);
}

static void test_counts(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    run_some(&h);
    const struct exec_stats *st = exec_stats(h.execs[0]);
    check_counts(&h, "noop", 2, 0, 1);
    check_counts(&h, "fail", 3, 3, 0);
    check_counts(&h, "put", 1, 0, 1);
    check_counts(&h, "bump", 2, 1, 0);
    check_counts(&h, "box", 0, 0, 2);
    assert_int_equal(counter_get(&st->command_total), 14);
    assert_int_equal(counter_get(&st->error_total), 9);
    assert_int_equal(errors_of(st, "ERR"), 6);
    assert_int_equal(errors_of(st, "BAD"), 3);
    assert_int_equal(errors_of(st, "WRONGTYPE"), 0);
    assert_int_equal(h.seats[0].session.command_count, 9);
    assert_string_equal(h.seats[0].session.last_command->full_name, "box|one");
    house_deinit(&h);
}

static void test_reset(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    run_some(&h);
    exec_stats_reset(h.execs[0]);
    assert_int_equal(errors_of(exec_stats(h.execs[0]), "BAD"), -1);
    const struct exec_stats *st = exec_stats(h.execs[0]);
    check_counts(&h, "noop", 0, 0, 0);
    check_counts(&h, "fail", 0, 0, 0);
    assert_int_equal(counter_get(&st->command_total), 0);
    assert_int_equal(counter_get(&st->error_total), 0);
    run_some(&h);
    check_counts(&h, "noop", 2, 0, 1);
    check_counts(&h, "fail", 3, 3, 0);
    assert_int_equal(errors_of(st, "BAD"), 3);
    house_deinit(&h);
}

/* However many codes are made up, the server's own are told apart. */
static void test_made_up_codes(void **state)
{
    (void)state;
    struct exec_stats st = {0};
    char code[ERROR_CODE_MAX];
    exec_stats_init(&st);
    for (int i = 0; i < 1100; i++) {
        snprintf(code, sizeof code, "%d", i);
        exec_stats_count_error(&st, code);
    }
    assert_int_equal(counter_get(&st.error_overflow), 1100 - 128);
    assert_int_equal(errors_of(&st, "127"), 1);
    assert_int_equal(errors_of(&st, "128"), -1);
    exec_stats_count_error(&st, "ERR");
    exec_stats_count_error(&st, "5");
    assert_int_equal(errors_of(&st, "ERR"), 1);
    assert_int_equal(errors_of(&st, "5"), 2);
    assert_int_equal(counter_get(&st.error_total), 1102);
    exec_stats_clear(&st);
    assert_int_equal(errors_of(&st, "5"), -1);
    assert_int_equal(counter_get(&st.error_overflow), 0);
    exec_stats_count_error(&st, "1099");
    assert_int_equal(errors_of(&st, "1099"), 1);
}

static void test_latency_buckets(void **state)
{
    (void)state;
    uint32_t last = 0;
    for (uint32_t b = 0; b < LATENCY_BUCKETS; b++) {
        uint64_t end = latency_bucket_ns(b);
        assert_int_equal(latency_bucket(end), b);
        assert_true(b == 0 || end > latency_bucket_ns(b - 1));
        assert_int_equal(latency_bucket(end + 1), b + 1 < LATENCY_BUCKETS
                                                      ? b + 1 : b);
    }
    for (uint64_t ns = 0; ns < (uint64_t)1 << 62; ns += ns / 50 + 1) {
        uint32_t b = latency_bucket(ns);
        assert_true(b >= last && b < LATENCY_BUCKETS);
        last = b;
    }
    assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void test_quantiles(void **state)
{
    (void)state;
    uint64_t counts[LATENCY_BUCKETS] = {0};
    assert_true(latency_quantile_us(counts, 0, 0.5) == 0);
    counts[latency_bucket(1000)] = 90;
    counts[latency_bucket(100000)] = 9;
    counts[latency_bucket(10000000)] = 1;
    const struct {
        double q, us;
    } cases[] = {{0, 1}, {0.5, 1}, {0.9, 1}, {0.91, 100}, {0.99, 100},
                 {0.999, 10000}, {1, 10000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double us = latency_quantile_us(counts, 100, cases[i].q);
        assert_true(us >= cases[i].us && us <= cases[i].us * 1.13);
    }
}

int test_stats_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_made_up_codes),
        cmocka_unit_test(test_latency_buckets),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
