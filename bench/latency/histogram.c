/* histogram: see histogram.h. Cell c holds the durations whose highest bit is
 * c / 64 + 5 and whose next six bits are c % 64; the first 64 cells hold the
 * durations below 64 ns themselves. */
#include "histogram.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum { CELL_BITS = 6, CELLS_A_POWER = 1 << CELL_BITS };

static size_t cell_of(uint64_t ns)
{
    if (ns < CELLS_A_POWER) {
        return (size_t)ns;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - CELL_BITS;
    size_t cell = (size_t)(shift + 1) * CELLS_A_POWER
                  + (size_t)((ns >> shift) - CELLS_A_POWER);
    assert(cell < HISTOGRAM_CELLS);
    return cell;
}

/* The largest duration that falls into the cell. */
static uint64_t cell_end(size_t cell)
{
    if (cell < CELLS_A_POWER) {
        return cell;
    }
    unsigned shift = (unsigned)(cell / CELLS_A_POWER) - 1;
    uint64_t first = (CELLS_A_POWER + cell % CELLS_A_POWER) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->count++;
    h->cells[cell_of(ns)]++;
    h->over_1ms += ns > 1000 * 1000;
    if (ns > h->max_ns) {
        h->max_ns = ns;
    }
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->count), seen = 0;
    for (size_t cell = 0; cell < HISTOGRAM_CELLS && h->count > 0; cell++) {
        seen += h->cells[cell];
        if (seen > wanted || seen == h->count) {
            uint64_t end = cell_end(cell);
            return end < h->max_ns ? end : h->max_ns;
        }
    }
    return 0;
}

void histogram_print(const struct histogram *h, const char *name)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {
        {"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        uint64_t ns = histogram_quantile(h, quantiles[i].share);
        printf("%s_%s_us=%.1f\n", name, quantiles[i].name, (double)ns / 1e3);
    }
    printf("%s_max_us=%.1f\n", name, (double)h->max_ns / 1e3);
    printf("%s_count=%" PRIu64 "\n", name, h->count);
    printf("%s_over_1ms=%" PRIu64 "\n", name, h->over_1ms);
}
