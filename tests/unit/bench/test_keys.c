/* Tests of the key distributions: how often each key comes, beside how often it
 * should, with fixed seeds. */
#include <math.h>
#include <string.h>

#include "bench/keys.h"
#include "tests.h"

enum { RANGE = 1000, DRAWS = 1000000 };

static void draw(const struct keys *k, uint64_t seed, uint64_t *counts)
{
    struct stream s;
    stream_init(&s, seed, 0);
    memset(counts, 0, RANGE * sizeof counts[0]);
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t key = keys_next(k, &s, i);
        assert_true(key < k->range);
        counts[key]++;
    }
}

/* Of `n` draws of probability p, five standard deviations are all but never
 * exceeded. */
static void is_near(uint64_t count, double p)
{
    double mean = p * DRAWS;
    double sigma = sqrt(mean * (1 - p));
    assert_true(fabs((double)count - mean) <= 5 * sigma + 1);
}

static void uniform_keys_are_as_likely(void **state)
{
    (void)state;
    struct keys k;
    uint64_t counts[RANGE];
    keys_init(&k, KEYS_UNIFORM, RANGE, 0);
    draw(&k, 1, counts);
    for (size_t i = 0; i < RANGE; i++) {
        is_near(counts[i], 1.0 / RANGE);
    }
}

static void zipf_keys_follow_their_law(void **state)
{
    (void)state;
    const double thetas[] = {0.2, 0.5, 0.99, 1.0, 1.5, 3.0};
    for (size_t t = 0; t < sizeof thetas / sizeof thetas[0]; t++) {
        struct keys k;
        uint64_t counts[RANGE];
        double all = 0;
        keys_init(&k, KEYS_ZIPF, RANGE, thetas[t]);
        draw(&k, 2 + t, counts);
        for (size_t i = 0; i < RANGE; i++) {
            all += pow((double)i + 1, -thetas[t]);
        }
        for (size_t i = 0; i < RANGE; i++) {
            is_near(counts[i], pow((double)i + 1, -thetas[t]) / all);
        }
    }
}

static void zipf_keys_stay_in_their_range(void **state)
{
    (void)state;
    const uint64_t ranges[] = {1, 2, 3, UINT64_C(1000000000000)};
    const double thetas[] = {0.01, 1.0, 10.0};
    for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
        for (size_t t = 0; t < sizeof thetas / sizeof thetas[0]; t++) {
            struct keys k;
            struct stream s;
            keys_init(&k, KEYS_ZIPF, ranges[r], thetas[t]);
            stream_init(&s, r, t);
            for (int i = 0; i < 10000; i++) {
                assert_true(keys_next(&k, &s, 0) < ranges[r]);
            }
        }
    }
}

static void sequential_keys_come_in_turn(void **state)
{
    (void)state;
    struct keys k;
    struct stream s = {0};
    keys_init(&k, KEYS_SEQUENTIAL, 7, 0);
    for (uint64_t i = 0; i < 30; i++) {
        assert_int_equal(keys_next(&k, &s, i), i % 7);
    }
}

static void a_seed_gives_the_same_keys(void **state)
{
    (void)state;
    struct stream a, b, c, d;
    stream_init(&a, 5, 1);
    stream_init(&b, 5, 1);
    stream_init(&c, 5, 2);
    stream_init(&d, 6, 1);
    size_t same_c = 0, same_d = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = stream_below(&a, 1000);
        assert_int_equal(x, stream_below(&b, 1000));
        same_c += x == stream_below(&c, 1000);
        same_d += x == stream_below(&d, 1000);
    }
    assert_true(same_c < 20);
    assert_true(same_d < 20);
}

int test_keys_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_keys_are_as_likely),
        cmocka_unit_test(zipf_keys_follow_their_law),
        cmocka_unit_test(zipf_keys_stay_in_their_range),
        cmocka_unit_test(sequential_keys_come_in_turn),
        cmocka_unit_test(a_seed_gives_the_same_keys),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
