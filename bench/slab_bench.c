/* slab_bench: nanoseconds an operation for slab cells and, beside them, for the
 * process's malloc; and for records through the expiry index.
 * Fill: allocate all cells. Churn (cold pair): free a random cell and allocate
 * one, so that each free misses the caches. Hot: the same over 1000 cells. All
 * after a first fill that touches the memory. Each: bytes of pages a cell, or
 * malloc's usable size.
 *     slab_bench [cells] */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/pages.h"
#include "base/slab.h"
#include "structs/expiry.h"

struct bench {
    struct slab_heap *heap; /* NULL: malloc */
    size_t count, bytes;
    void **cells;
    uint64_t seed;
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *cell_alloc(struct bench *b)
{
    void *cell = b->heap != NULL ? slab_alloc(b->heap, b->bytes)
                                 : malloc(b->bytes);
    if (cell == NULL) {
        abort();
    }
    memset(cell, 1, 16);
    return cell;
}

static void cell_free(struct bench *b, void *cell)
{
    if (b->heap != NULL) {
        slab_free(b->heap, cell);
    } else {
        free(cell);
    }
}

static size_t random_below(struct bench *b, size_t bound)
{
    b->seed = b->seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((b->seed >> 32) * bound >> 32);
}

static double churn_ns(struct bench *b, size_t among, size_t steps)
{
    double start = now_ns();
    for (size_t i = 0; i < steps; i++) {
        size_t k = random_below(b, among);
        cell_free(b, b->cells[k]);
        b->cells[k] = cell_alloc(b);
    }
    return (now_ns() - start) / (double)steps;
}

static double fill_ns(struct bench *b)
{
    double start = now_ns();
    for (size_t i = 0; i < b->count; i++) {
        b->cells[i] = cell_alloc(b);
    }
    return (now_ns() - start) / (double)b->count;
}

static double empty_ns(struct bench *b)
{
    double start = now_ns();
    for (size_t i = 0; i < b->count; i++) {
        cell_free(b, b->cells[i]);
    }
    return (now_ns() - start) / (double)b->count;
}

static double cell_cost_bytes(const struct bench *b)
{
    struct slab_stats stats;
    if (b->heap == NULL) {
        return (double)mem_usable(b->cells[0]);
    }
    slab_stats_read(b->heap, &stats);
    return (double)stats.page_bytes / (double)b->count;
}

static void bench_cells(struct bench *b)
{
    b->seed = 1;
    fill_ns(b);
    double cell_bytes = cell_cost_bytes(b);
    empty_ns(b);
    double fill = fill_ns(b);
    double hot = churn_ns(b, 1000, b->count);
    double cold = churn_ns(b, b->count, b->count);
    double empty = empty_ns(b);
    printf("%-6s %5zu B  fill %5.1f  hot pair %5.1f  cold pair %6.1f  "
           "free all %5.1f ns  each %7.1f B\n",
           b->heap != NULL ? "slab" : "malloc", b->bytes, fill, hot, cold,
           empty, cell_bytes);
}

static void bench_expiry(size_t count)
{
    static uint64_t out[256];
    struct mem_account a;
    mem_account_init(&a);
    struct expiry *e = expiry_create(&a, 1000);
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        int64_t deadline = 60000 + (int64_t)(i * 7919 % 1000);
        if (expiry_add(e, deadline, i) != ST_OK) {
            abort();
        }
    }
    double add = (now_ns() - start) / (double)count;
    double bytes = (double)expiry_bytes(e) / (double)count;
    /* First they sink to their milliseconds, then they are taken for good. */
    size_t taken = 0, moved = 0, n;
    start = now_ns();
    for (int64_t now = 1000; expiry_count(e) > 0; now++) {
        while ((n = expiry_take(e, now, out, 256)) > 0) {
            for (size_t i = 0; i < n; i++) {
                int64_t deadline = 60000 + (int64_t)(out[i] * 7919 % 1000);
                if (deadline > now &&
                    expiry_add(e, deadline, out[i]) != ST_OK) {
                    abort();
                }
                moved += deadline > now;
                taken += deadline <= now;
            }
        }
    }
    double all = (now_ns() - start) / (double)count;
    printf("expiry  %zu records in 1 s: add %.1f ns, %.2f B each; sink and "
           "take %.1f ns (%.2f moves each)\n",
           taken, add, bytes, all, (double)moved / (double)count);
    expiry_destroy(&e);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = { 16, 24, 40, 64, 72, 104, 200, 512, 1000 };
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    if (count < 1000) {
        fprintf(stderr, "usage: slab_bench [cells >= 1000]\n");
        return 1;
    }
    struct pages_options o = { .use_huge_pages = true, .spare_extents = 0 };
    struct pages *p = pages_create(&o);
    struct mem_account a;
    mem_account_init(&a);
    struct bench b = { .count = count, .cells = calloc(count, sizeof(void *)) };
    if (p == NULL || b.cells == NULL) {
        return 1;
    }
    memset(b.cells, 1, count * sizeof(void *));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        b.bytes = sizes[i];
        b.heap = slab_heap_create(p, &a);
        bench_cells(&b);
        slab_heap_destroy(&b.heap);
        while (pages_trim(p, SIZE_MAX) > 0) {
        }
        bench_cells(&b);
    }
    free(b.cells);
    pages_destroy(&p);
    bench_expiry(2000000);
    return 0;
}
