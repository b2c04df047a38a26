/* Tests of whole tests, threads and all, on a server that follows a script. */
#include <string.h>

#include "bench/link.h"
#include "bench/race.h"
#include "fake_server.h"
#include "tests.h"

#define NS_PER_MS 1000000

struct fixture {
    struct options o;
    struct server server;
    struct plan *plans;
    size_t count;
    struct outcome out;
};

/* Runs the test to its end; `rps` NULL: as fast as it goes. */
static void race(struct fixture *f, struct fake_server *fake,
                 const char *clients, const char *threads, const char *requests,
                 const char *rps)
{
    const char *argv[] = {"engram-benchmark",
                          "-t",
                          "ping_mbulk",
                          "-c",
                          clients,
                          "--threads",
                          threads,
                          "-n",
                          requests,
                          "--rps",
                          rps};
    int argc = sizeof argv / sizeof argv[0] - (rps == NULL ? 2 : 0);
    fake_start(fake);
    assert_int_equal(
        options_parse(&f->o, argc, (char **)(uintptr_t)argv, stdout, stderr),
        OPTIONS_RUN);
    f->o.port = fake->port;
    link_init(&f->server, &f->o);
    f->plans = plans_create(&f->o, stderr, &f->count);
    race_run(&f->o, &f->server, &f->plans[0], 1, NULL, &f->out);
    fake_stop(fake);
}

static void end(struct fixture *f)
{
    outcome_deinit(&f->out);
    plans_destroy(&f->plans, f->count);
    link_deinit(&f->server);
}

/* How many took more than `ms`. */
static uint64_t slower_than(const struct histogram *h, uint64_t ms)
{
    uint64_t n = 0;
    for (size_t i = 0; i < h->bucket_count; i++) {
        n += histogram_bucket_end(h, i) > ms * NS_PER_MS ? h->buckets[i] : 0;
    }
    return n;
}

static void every_request_is_sent_once(void **state)
{
    (void)state;
    struct fixture f;
    struct fake_server fake = {.deed = FAKE_ANSWERS};
    race(&f, &fake, "10", "3", "5003", NULL);
    assert_string_equal(f.out.failure, "");
    assert_int_equal(f.out.tally.requests, 5003);
    assert_int_equal(f.out.tally.latency.count, 5003);
    assert_int_equal(f.out.tally.service.count, 0);
    assert_int_equal(fake.pings, 5003);
    assert_true(f.out.seconds > 0);
    assert_true(outcome_rps(&f.out) > 0);
    end(&f);
}

/* 1000 requests a second on two connections, and a server that answers nobody
 * for 400 ms: some 300 requests were due 100 ms or more before it answered again.
 * A clock that stands still with the server would show two of them. */
static void a_pause_is_in_the_latencies(void **state)
{
    (void)state;
    struct fixture f;
    struct fake_server fake = {.deed = FAKE_PAUSES, .at = 200, .pause_ms = 400};
    race(&f, &fake, "2", "1", "1000", "1000");
    assert_int_equal(f.out.tally.requests, 1000);
    uint64_t corrected = slower_than(&f.out.tally.latency, 100);
    uint64_t service = slower_than(&f.out.tally.service, 100);
    assert_true(corrected >= 250);
    assert_true(f.out.tally.latency.max_ns >= 399 * (uint64_t)NS_PER_MS);
    assert_true(service >= 1);
    assert_true(corrected >= 4 * service);
    assert_true(f.out.seconds >= 0.99);
    end(&f);
}

static void a_rate_is_kept_by_all_threads_together(void **state)
{
    (void)state;
    struct fixture f;
    struct fake_server fake = {.deed = FAKE_ANSWERS};
    race(&f, &fake, "4", "3", "500", "2000");
    assert_int_equal(f.out.tally.requests, 500);
    /* The last is due after 249.5 ms, and no thread is ahead of the clock. */
    assert_true(f.out.seconds >= 0.249);
    end(&f);
}

static void an_error_ends_it(void **state)
{
    (void)state;
    struct fixture f;
    struct fake_server fake = {.deed = FAKE_FAILS, .at = 50};
    race(&f, &fake, "4", "2", "100000000", NULL);
    assert_string_equal(f.out.failure, "Error from server: ERR scripted");
    assert_false(f.out.is_unknown_command);
    end(&f);
}

static void a_server_that_leaves_ends_it(void **state)
{
    (void)state;
    const char *const rates[] = {NULL, "100000"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct fake_server fake = {.deed = FAKE_LEAVES, .at = 50};
        race(&f, &fake, "4", "2", "100000000", rates[i]);
        assert_non_null(strstr(f.out.failure, "Error: "));
        end(&f);
    }
}

int test_race_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_sent_once),
        cmocka_unit_test(a_pause_is_in_the_latencies),
        cmocka_unit_test(a_rate_is_kept_by_all_threads_together),
        cmocka_unit_test(an_error_ends_it),
        cmocka_unit_test(a_server_that_leaves_ends_it),
    };
    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
