/* histogram: from a duration to its bucket by its highest bit. */
#include "bench/histogram.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "bench/memory.h"

static size_t bucket_of(const struct histogram *h, uint64_t ns)
{
    if (ns < UINT64_C(2) << h->bits) {
        return (size_t)ns;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - h->bits;
    return ((size_t)shift << h->bits) + (size_t)(ns >> shift);
}

uint64_t histogram_bucket_end(const struct histogram *h, size_t i)
{
    if (i < (size_t)2 << h->bits) {
        return i;
    }
    unsigned shift = (unsigned)(i >> h->bits) - 1;
    uint64_t top = (i & (((size_t)1 << h->bits) - 1)) + ((size_t)1 << h->bits);
    return ((top + 1) << shift) - 1;
}

void histogram_init(struct histogram *h, int digits)
{
    /* Half of the first power of two that holds 2 * 10^digits. */
    static const unsigned bits[] = {4, 7, 10};
    assert(digits >= 1);
    assert(digits <= 3);
    *h = (struct histogram){.bits = bits[digits - 1]};
    h->bucket_count = bucket_of(h, HISTOGRAM_NS_MAX) + 1;
    h->buckets = memory_zeroed(h->bucket_count, sizeof h->buckets[0]);
}

void histogram_deinit(struct histogram *h)
{
    free(h->buckets);
    h->buckets = NULL;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    ns = ns < HISTOGRAM_NS_MAX ? ns : HISTOGRAM_NS_MAX;
    h->buckets[bucket_of(h, ns)]++;
    h->min_ns = h->count == 0 || ns < h->min_ns ? ns : h->min_ns;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
    h->sum_ns += (double)ns;
    h->count++;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    assert(to->bits == from->bits);
    if (from->count == 0) {
        return;
    }
    for (size_t i = 0; i < to->bucket_count; i++) {
        to->buckets[i] += from->buckets[i];
    }
    to->min_ns = to->count == 0 || from->min_ns < to->min_ns ? from->min_ns
                                                             : to->min_ns;
    to->max_ns = from->max_ns > to->max_ns ? from->max_ns : to->max_ns;
    to->sum_ns += from->sum_ns;
    to->count += from->count;
}

double histogram_mean(const struct histogram *h)
{
    return h->count == 0 ? 0 : h->sum_ns / (double)h->count;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    /* One that half a unit of rounding would push past the last is the last. */
    double rank = ceil(percent / 100.0 * (double)h->count - 1e-9);
    uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank;
    uint64_t seen = 0;
    for (size_t i = 0; i < h->bucket_count && h->count > 0; i++) {
        seen += h->buckets[i];
        if (seen >= wanted) {
            uint64_t end = histogram_bucket_end(h, i);
            return end < h->max_ns ? end : h->max_ns;
        }
    }
    return h->max_ns;
}
