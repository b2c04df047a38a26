/* Tests of the command logs and of the latency monitor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "server/commandlog.h"
#include "server/latency.h"

/* ---- the command logs ---- */

static bool never(const void *arg, uint32_t i)
{
    (void)arg;
    (void)i;
    return false;
}

static bool second_is_secret(const void *arg, uint32_t i)
{
    (void)arg;
    return i == 1;
}

static struct commandlog_call call_of(const struct slice *argv, uint32_t argc)
{
    return (struct commandlog_call){
        .argv = argv, .argc = argc, .secret = never, .address = "1.2.3.4:5",
        .name = "me", .time_s = 1000,
    };
}

/* What the log replies, as bytes. */
static size_t show(struct commandlog *l, uint64_t max, char *out, size_t cap)
{
    struct mem_account account;
    struct chunk_pool pool;
    struct chain chain;
    mem_account_init(&account);
    chunk_pool_init(&pool, &account);
    chain_init(&chain, &pool);
    struct reply r = {.out = &chain, .protocol = 2};
    commandlog_reply(l, COMMANDLOG_SLOW, max, &r);
    struct iovec parts[64];
    size_t len = 0;
    int count = chain_vectors(&chain, parts, 64);
    for (int i = 0; i < count; i++) {
        assert_true(len + parts[i].iov_len < cap);
        memcpy(out + len, parts[i].iov_base, parts[i].iov_len);
        len += parts[i].iov_len;
    }
    assert_int_equal(len, chain.bytes);
    out[len] = '\0';
    chain_deinit(&chain);
    chunk_pool_deinit(&pool);
    assert_int_equal(mem_used(&account), 0);
    return len;
}

static void test_log_entries(void **state)
{
    (void)state;
    struct mem_account account;
    struct commandlog l;
    char text[4096];
    const struct slice argv[] = {SLICE_LIT("GET"), SLICE_LIT("a")};
    struct commandlog_call call = call_of(argv, 2);
    mem_account_init(&account);
    commandlog_init(&l, &account);
    assert_false(commandlog_wants(&l, COMMANDLOG_SLOW, UINT64_MAX));
    commandlog_set_limits(&l, COMMANDLOG_SLOW, 10, 2);
    assert_false(commandlog_wants(&l, COMMANDLOG_SLOW, 9));
    assert_true(commandlog_wants(&l, COMMANDLOG_SLOW, 10));
    assert_false(commandlog_wants(&l, COMMANDLOG_REPLY, 10));
    commandlog_add(&l, COMMANDLOG_SLOW, 10, &call);
    commandlog_add(&l, COMMANDLOG_SLOW, 11, &call);
    call.secret = second_is_secret;
    commandlog_add(&l, COMMANDLOG_SLOW, 12, &call);
    assert_int_equal(commandlog_len(&l, COMMANDLOG_SLOW), 2);
    assert_int_equal(commandlog_len(&l, COMMANDLOG_REQUEST), 0);
    show(&l, UINT64_MAX, text, sizeof text);
    assert_string_equal(text,
        "*2\r\n*6\r\n:2\r\n:1000\r\n:12\r\n*2\r\n$3\r\nGET\r\n"
        "$10\r\n(redacted)\r\n$9\r\n1.2.3.4:5\r\n$2\r\nme\r\n"
        "*6\r\n:1\r\n:1000\r\n:11\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
        "$9\r\n1.2.3.4:5\r\n$2\r\nme\r\n");
    show(&l, 0, text, sizeof text);
    assert_string_equal(text, "*0\r\n");
    commandlog_set_limits(&l, COMMANDLOG_SLOW, 0, 0);
    assert_false(commandlog_wants(&l, COMMANDLOG_SLOW, 5));
    commandlog_reset(&l, COMMANDLOG_SLOW);
    assert_int_equal(commandlog_len(&l, COMMANDLOG_SLOW), 0);
    commandlog_deinit(&l);
    assert_int_equal(mem_used(&account), 0);
}

static void test_log_trims(void **state)
{
    (void)state;
    struct mem_account account;
    struct commandlog l;
    char text[16384], long_arg[200];
    struct slice argv[40];
    memset(long_arg, 'x', sizeof long_arg);
    for (int i = 0; i < 40; i++) {
        argv[i] = slice_of(long_arg, sizeof long_arg);
    }
    mem_account_init(&account);
    commandlog_init(&l, &account);
    commandlog_set_limits(&l, COMMANDLOG_SLOW, 0, 10);
    struct commandlog_call call = call_of(argv, 40);
    commandlog_add(&l, COMMANDLOG_SLOW, 1, &call);
    show(&l, 1, text, sizeof text);
    assert_non_null(strstr(text, "\r\n*32\r\n"));
    assert_non_null(strstr(text, "x... (72 more bytes)\r\n"));
    assert_non_null(strstr(text, "\r\n... (9 more arguments)\r\n"));
    commandlog_deinit(&l);
    assert_int_equal(mem_used(&account), 0);
}

static void test_log_without_memory(void **state)
{
    (void)state;
    struct mem_account account;
    struct commandlog l;
    const struct slice argv[] = {SLICE_LIT("GET")};
    struct commandlog_call call = call_of(argv, 1);
    mem_account_init(&account);
    commandlog_init(&l, &account);
    commandlog_set_limits(&l, COMMANDLOG_SLOW, 0, 10);
    account.fail_after = 0;
    commandlog_add(&l, COMMANDLOG_SLOW, 1, &call);
    assert_int_equal(commandlog_len(&l, COMMANDLOG_SLOW), 0);
    account.fail_after = -1;
    commandlog_add(&l, COMMANDLOG_SLOW, 1, &call);
    assert_int_equal(commandlog_len(&l, COMMANDLOG_SLOW), 1);
    commandlog_deinit(&l);
    assert_int_equal(mem_used(&account), 0);
}

/* ---- the latency monitor ---- */

static void test_latency_threshold(void **state)
{
    (void)state;
    struct latency_monitor m;
    latency_init(&m);
    assert_false(latency_wants(&m, UINT64_MAX));
    latency_set_threshold(&m, 5);
    assert_false(latency_wants(&m, 4999));
    assert_true(latency_wants(&m, 5000));
    latency_set_threshold(&m, INT64_MAX);
    assert_false(latency_wants(&m, 5000));
    latency_set_threshold(&m, 0);
    assert_false(latency_wants(&m, 5000));
}

static void test_latency_history(void **state)
{
    (void)state;
    struct latency_monitor m;
    struct latency_history h;
    latency_init(&m);
    latency_note(&m, LATENCY_COMMAND, 7000, 100);
    latency_note(&m, LATENCY_COMMAND, 9000, 100);
    latency_note(&m, LATENCY_COMMAND, 8000, 100);
    latency_note(&m, LATENCY_COMMAND, 3000, 101);
    latency_read(&m, LATENCY_COMMAND, &h);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.max_ms, 9);
    assert_int_equal(latency_at(&h, 0)->ms, 9);
    assert_int_equal(latency_at(&h, 1)->ms, 3);
    for (int i = 0; i < 1000; i++) {
        latency_note(&m, LATENCY_COMMAND, 1000 * (uint64_t)i, 200 + i);
    }
    latency_read(&m, LATENCY_COMMAND, &h);
    assert_int_equal(h.count, LATENCY_SAMPLES_MAX);
    for (uint32_t i = 0; i < h.count; i++) {
        assert_int_equal(latency_at(&h, i)->time_s,
                         200 + 1000 - LATENCY_SAMPLES_MAX + (int)i);
    }
    assert_true(latency_reset(&m, LATENCY_COMMAND));
    assert_false(latency_reset(&m, LATENCY_COMMAND));
    latency_read(&m, LATENCY_COMMAND, &h);
    assert_int_equal(h.count, 0);
    assert_int_equal(h.max_ms, 0);
}

static void test_latency_summary(void **state)
{
    (void)state;
    struct latency_monitor m;
    struct latency_history h;
    struct latency_summary sum;
    latency_init(&m);
    latency_note(&m, LATENCY_CRON, 100000, 10);
    latency_read(&m, LATENCY_CRON, &h);
    latency_summarize(&h, &sum);
    assert_true(sum.period_s == 0);
    latency_note(&m, LATENCY_CRON, 150000, 12);
    latency_read(&m, LATENCY_CRON, &h);
    latency_summarize(&h, &sum);
    assert_int_equal(sum.min_ms, 100);
    assert_int_equal(sum.max_ms, 150);
    assert_true(sum.average_ms == 125);
    assert_true(sum.deviation_ms == 25);
    assert_true(sum.period_s == 2);
}

static void test_latency_names(void **state)
{
    (void)state;
    for (int i = 0; i < LATENCY_EVENT_COUNT; i++) {
        enum latency_event event = (enum latency_event)i;
        struct slice name = slice_of_text(latency_event_name(event));
        assert_int_equal(latency_event_find(name), event);
        assert_true(strlen(latency_event_advice(event)) > 0);
    }
    assert_int_equal(latency_event_find(SLICE_LIT("nosuch")),
                     LATENCY_EVENT_COUNT);
    assert_int_equal(latency_event_find(SLICE_LIT("")), LATENCY_EVENT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_entries),
        cmocka_unit_test(test_log_trims),
        cmocka_unit_test(test_log_without_memory),
        cmocka_unit_test(test_latency_threshold),
        cmocka_unit_test(test_latency_history),
        cmocka_unit_test(test_latency_summary),
        cmocka_unit_test(test_latency_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
