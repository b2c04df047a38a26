/* Tests of the histogram, beside a sorted array. */
#include <math.h>
#include <stdlib.h>

#include "bench/histogram.h"
#include "bench/random.h"
#include "tests.h"

enum { SAMPLES = 20000 };

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Durations over eight orders of magnitude. */
static uint64_t sample(struct stream *s)
{
    return (uint64_t)pow(10, 2 + 8 * stream_unit(s));
}

static void percentiles_are_near_the_truth(void **state)
{
    (void)state;
    const double percents[] = {0, 1, 25, 50, 90, 99, 99.9, 99.99, 100};
    static uint64_t samples[SAMPLES];
    for (int digits = 1; digits <= 3; digits++) {
        struct histogram h;
        struct stream s;
        stream_init(&s, 3, (uint64_t)digits);
        histogram_init(&h, digits);
        double sum = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = sample(&s);
            sum += (double)samples[i];
            histogram_add(&h, samples[i]);
        }
        qsort(samples, SAMPLES, sizeof samples[0], by_size);
        for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
            double rank = ceil(percents[i] / 100 * SAMPLES - 1e-9);
            uint64_t truth = samples[rank < 1 ? 0 : (size_t)rank - 1];
            uint64_t found = histogram_percentile(&h, percents[i]);
            assert_true(found >= truth);
            assert_true((double)(found - truth)
                        <= (double)truth / pow(10, digits));
        }
        assert_int_equal(h.min_ns, samples[0]);
        assert_int_equal(h.max_ns, samples[SAMPLES - 1]);
        assert_true(fabs(histogram_mean(&h) - sum / SAMPLES) < 1);
        histogram_deinit(&h);
    }
}

static void buckets_follow_one_another(void **state)
{
    (void)state;
    for (int digits = 1; digits <= 3; digits++) {
        struct histogram h;
        histogram_init(&h, digits);
        uint64_t begin = 0;
        for (size_t i = 0; i < h.bucket_count; i++) {
            uint64_t end = histogram_bucket_end(&h, i);
            assert_true(end >= begin);
            histogram_add(&h, begin);
            histogram_add(&h, end);
            assert_int_equal(h.buckets[i], 2);
            begin = end + 1;
        }
        assert_int_equal(begin, HISTOGRAM_NS_MAX + 1);
        histogram_add(&h, UINT64_MAX);
        assert_int_equal(h.max_ns, HISTOGRAM_NS_MAX);
        histogram_deinit(&h);
    }
}

static void merged_they_are_one(void **state)
{
    (void)state;
    struct histogram all, parts[3], sum;
    struct stream s;
    stream_init(&s, 4, 0);
    histogram_init(&all, 2);
    histogram_init(&sum, 2);
    for (size_t i = 0; i < 3; i++) {
        histogram_init(&parts[i], 2);
    }
    /* The last part stays empty. */
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t ns = sample(&s);
        histogram_add(&all, ns);
        histogram_add(&parts[i % 2], ns);
    }
    for (size_t i = 0; i < 3; i++) {
        histogram_merge(&sum, &parts[i]);
        histogram_deinit(&parts[i]);
    }
    assert_int_equal(sum.count, all.count);
    assert_int_equal(sum.min_ns, all.min_ns);
    assert_int_equal(sum.max_ns, all.max_ns);
    assert_memory_equal(sum.buckets, all.buckets,
                        all.bucket_count * sizeof all.buckets[0]);
    histogram_deinit(&all);
    histogram_deinit(&sum);
}

static void an_empty_one_has_zeros(void **state)
{
    (void)state;
    struct histogram h;
    histogram_init(&h, 3);
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_true(histogram_mean(&h) == 0);
    histogram_deinit(&h);
}

int test_histogram_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_near_the_truth),
        cmocka_unit_test(buckets_follow_one_another),
        cmocka_unit_test(merged_they_are_one),
        cmocka_unit_test(an_empty_one_has_zeros),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
