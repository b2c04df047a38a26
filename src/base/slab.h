/* slab: a heap of small cells in size classes 8 bytes apart (Debian's jemalloc
 * steps by 16), then wider apart up to SLAB_CELL_MAX: the last ones are what
 * divides a page into 15, 14 ... 8 cells. Each 16 KB page holds cells of one
 * class, cut from the front as needed and kept on a free list inside the page
 * afterwards. A heap belongs to one database of one shard:
 * its byte count is exact, its lock is the shard's, and dropping a whole
 * database is handing back its pages.
 *
 * A cell whose size is a multiple of 64 is 64-byte aligned.
 *
 * Compaction: slab_begin_compaction decides how many of the emptiest pages of
 * each class are to become sources; the owner walks its cells, asks
 * slab_is_source for each, and moves those for which it is true (allocate,
 * copy, free). Allocation never takes from a source. Beginning and ending take
 * microseconds at any size: a page is judged when first asked about.
 *
 * Adoption: a heap may be told that its owner keeps cells in another heap of the
 * same shard, its former one. They are freed through the new heap, which counts
 * them down, and each counts as lying in a source, so that the walk of a
 * compaction brings them over.
 *
 * Threads: one at a time (the shard's lock), for heaps that adopt from one
 * another together. */
#ifndef ENGRAM_BASE_SLAB_H
#define ENGRAM_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/pages.h"

enum { SLAB_CELL_MAX = 2048 };

struct slab_heap;

/* Borrows both, which must outlive the heap. Cells are charged to `a` at their
 * class's size. NULL: out of memory. */
struct slab_heap *slab_heap_create(struct pages *p, struct mem_account *a);
/* Another heap of the same pages. */
struct slab_heap *slab_heap_create_like(const struct slab_heap *like,
                                        struct mem_account *a);
/* Hands every page back, live cells or not: the wholesale free. The charge of
 * live cells is taken off the account. */
void slab_heap_destroy(struct slab_heap **h);
/* The same in slices: hands back at most `max_pages`; true: there are more.
 * After the first call only this and destroy may be called. */
bool slab_heap_drain(struct slab_heap *h, size_t max_pages);

/* Cells of `bytes` in all, at their classes' sizes, lie in another heap and are to
 * be freed through this one from now on. */
void slab_heap_adopt(struct slab_heap *h, size_t bytes);
/* So many of them are still there. */
size_t slab_heap_foreign_bytes(const struct slab_heap *h);

/* 1 <= bytes <= SLAB_CELL_MAX; 8-byte aligned; NULL: out of memory. */
void *slab_alloc(struct slab_heap *h, size_t bytes);
/* Of this heap, or one that it has adopted. */
void slab_free(struct slab_heap *h, void *cell);
/* The cell size that slab_alloc(bytes) gives. */
size_t slab_class_bytes(size_t bytes);
/* The size of a live cell's class. */
size_t slab_cell_bytes(const struct slab_heap *h, const void *cell);

struct slab_stats {
    size_t cell_bytes; /* live cells, at class size */
    size_t page_bytes; /* pages held */
};
void slab_stats_read(const struct slab_heap *h, struct slab_stats *out);

/* Chooses sources so that evacuating them all would leave the pages about 9/10
 * full; how many bytes of pages that would free (0: less than 1/32 of the heap,
 * not worth it, nothing chosen). An earlier compaction is ended first. */
size_t slab_begin_compaction(struct slab_heap *h);
void slab_end_compaction(struct slab_heap *h);
/* The answer for a page stays the same until the compaction ends. Adopted cells
 * always are, compaction or not. */
bool slab_is_source(struct slab_heap *h, const void *cell);

/* Every invariant of the heap, slow; asserts. For tests. */
void slab_check(const struct slab_heap *h);

#endif
