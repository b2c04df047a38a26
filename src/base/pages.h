/* pages: where slabs come from. One span of address space is reserved at start;
 * it is filled extent by extent (2 MB, huge pages asked for with madvise) and
 * handed out in pages of 16 KB. Because the span is one, a page's number is a
 * subtraction and a shift, and its descriptor an array element: no header
 * stands inside a page, so 64-byte cells stay 64-byte aligned.
 *
 * The first touch of a huge page costs 270 us, so a helper thread keeps a few
 * extents touched in advance (pages_prefault). Free pages go back to the system
 * in bounded slices (pages_trim).
 *
 * Threads: any; one internal lock, taken once a page (not once a cell). */
#ifndef ENGRAM_BASE_PAGES_H
#define ENGRAM_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAGE_BYTES = 16 * 1024,
    EXTENT_BYTES = 2 * 1024 * 1024,
};

struct pages;

/* What a slab heap keeps about one page: 64 bytes, out of line. Only slab.c
 * looks inside. */
struct page_info {
    uint64_t words[8];
};

struct pages_options {
    size_t reserve_bytes; /* address space, not memory; 0: twice the RAM */
    bool use_huge_pages;
    uint32_t spare_extents; /* kept touched in advance by pages_prefault */
    /* Called by any thread when a spare one has been begun, so that there is
     * something for pages_prefault. May be NULL. */
    void (*on_spare_taken)(void *self);
    void *self;
};

/* NULL: the address space could not be had. */
struct pages *pages_create(const struct pages_options *o);
void pages_destroy(struct pages **p);

/* 16 KB, 16 KB-aligned, contents unspecified; NULL: out of memory. Prefers the
 * fullest extents, so that the others drain. */
void *pages_acquire(struct pages *p);
void pages_release(struct pages *p, void *page);

/* Where the span and its descriptors lie, constant for the span's life: page
 * number n is at base + n * PAGE_BYTES, its descriptor is infos[n]. For slab.c,
 * whose every free goes this way. */
struct pages_map {
    uint8_t *base;
    struct page_info *infos;
};
struct pages_map pages_map_of(const struct pages *p);
/* The descriptor of the page that `ptr` lies in. */
struct page_info *pages_info(const struct pages *p, const void *ptr);
/* Does `ptr` lie in this span at all? */
bool pages_owns(const struct pages *p, const void *ptr);

/* Touches extents until `spare_extents` untouched-by-us ones are ready; called
 * from a helper thread. True: it did something, call again. */
bool pages_prefault(struct pages *p);
/* Returns about `max_bytes` of free pages to the system, spare extents left
 * alone; what was returned, 0 when there is nothing more to return. A wholly
 * free extent is never cut, so it may be up to one extent more. Extents that
 * are 7/8 full keep their free pages: a split huge page costs more than it
 * would give. */
size_t pages_trim(struct pages *p, size_t max_bytes);

struct pages_stats {
    size_t used_bytes;     /* pages handed out */
    size_t resident_bytes; /* touched, not yet returned */
};
void pages_stats_read(struct pages *p, struct pages_stats *out);

#endif
