/* histogram: durations in nanoseconds, 64 cells a power of two, so that a
 * quantile is at most 1.6 % too large. The largest is kept exactly. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_CELLS = 64 * 64 };

struct histogram {
    uint64_t count;
    uint64_t max_ns;
    uint64_t over_1ms;
    uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* What `share` (0 to 1) of the durations do not exceed; 0 of an empty one. */
uint64_t histogram_quantile(const struct histogram *h, double share);

/* Prints NAME_p50_us=..., NAME_p99_us, NAME_p99.9_us, NAME_p99.99_us,
 * NAME_max_us, NAME_count and NAME_over_1ms, a line each. */
void histogram_print(const struct histogram *h, const char *name);

#endif
