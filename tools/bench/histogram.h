/* histogram: counts of durations, in buckets whose width grows with the
 * duration, so that each tells it to a number of significant digits.
 *
 * Layout:    2^(bits+1) buckets of one unit, then for each doubling 2^bits
 *            buckets, each twice as wide as those before.
 * Unit:      a nanosecond. What is over HISTOGRAM_NS_MAX counts as that.
 * Threads:   one owner; histogram_merge adds another's up. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_NS_MAX ((UINT64_C(1) << 40) - 1) /* 18 minutes */

struct histogram {
    unsigned bits;
    size_t bucket_count;
    uint64_t *buckets;
    uint64_t count;
    uint64_t min_ns, max_ns; /* exact; 0 where count is 0 */
    double sum_ns;
};

/* `digits` 1 to 3: a value is off by less than 1/10 to 1/1000 of itself. */
void histogram_init(struct histogram *h, int digits);
void histogram_deinit(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
/* Both have the same digits. */
void histogram_merge(struct histogram *to, const struct histogram *from);

double histogram_mean(const struct histogram *h);
/* The least duration that `percent` of all do not exceed, as the upper end of
 * its bucket but at most max_ns; 0 where there is none. */
uint64_t histogram_percentile(const struct histogram *h, double percent);
/* The upper end of bucket `i`. */
uint64_t histogram_bucket_end(const struct histogram *h, size_t i);

#endif
