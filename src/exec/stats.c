/* stats: latencies fall into 8 buckets an octave: a value's bucket is its
 * highest bit and the three bits below it, so a quantile is off by at most
 * one part in eight. */
#include "exec/stats.h"

#include <assert.h>

uint32_t latency_bucket(uint64_t ns)
{
    if (ns < 8) {
        return (uint32_t)ns;
    }
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(ns);
    uint32_t bucket = (octave - 2) * 8 + (uint32_t)((ns >> (octave - 3)) & 7);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

uint64_t latency_bucket_ns(uint32_t bucket)
{
    assert(bucket < LATENCY_BUCKETS);
    if (bucket < 8) {
        return bucket;
    }
    uint32_t octave = bucket / 8 + 2;
    uint64_t low = (uint64_t)(8 + bucket % 8) << (octave - 3);
    return low + ((uint64_t)1 << (octave - 3)) - 1;
}

double latency_quantile_us(const uint64_t *counts, uint64_t total, double q)
{
    uint64_t seen = 0;
    double want = q * (double)total;
    for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += counts[i];
        if (seen > 0 && (double)seen >= want) {
            return (double)latency_bucket_ns(i) / 1000.0;
        }
    }
    return 0;
}
