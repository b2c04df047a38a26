/* pages: see pages.h for the contract.
 *
 * Layout:    one span of address space, accessible from the start, for changing
 *            that later would wait for whoever touches or returns pages (only
 *            where the system counts address space as memory, extents are
 *            made accessible one by one); a second, lazily touched mapping
 *            holds, in this order, struct pages, one struct extent for each
 *            2 MB, one page_info a page.
 * Extents:   fresh (never committed, from `fresh` on), cold (nothing resident),
 *            listed in the bucket of their used count, full, or busy.
 * Invariant: an extent is listed exactly if it has a free page and is neither
 *            cold nor busy; `filled` has the bit of each bucket that is not
 *            empty, so the fullest extent is found with one bit scan.
 * Busy:      a helper that populates or returns memory takes the extent out of
 *            its bucket, works without the lock, and puts it back. Pages may be
 *            released into a busy extent meanwhile, never acquired from it.
 * Trim:      extents that saw a release wait in a queue. Partly used ones give
 *            back runs of pages. That splits a huge page, and khugepaged would
 *            fill the holes again, so such an extent is advised against huge
 *            pages until it is full or empty again. (The kernel frees the parts
 *            of a split huge page when memory is short, not at once.)
 * Residence: a bit a page, "may be resident". The first touch in a cold extent
 *            makes all of it resident where huge pages are in use.
 * Threads:   any. The lock is a plain mutex, as inside malloc: it is a leaf,
 *            nothing is called with it held but, on such a system, mprotect. */
#include "base/pages.h"

#include <assert.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    EXTENT_PAGES = EXTENT_BYTES / PAGE_BYTES,
    /* Partly used extents below this give their free pages back. */
    TRIM_USED_MAX = EXTENT_PAGES - EXTENT_PAGES / 8,
    MAP_WORDS = EXTENT_PAGES / 64,
    SYSTEM_PAGE_BYTES = 4096,
};

#define NO_EXTENT UINT32_MAX
#define RESERVE_BYTES_MIN ((size_t)4 << 30)

enum extent_flags {
    EXTENT_IS_LISTED = 1,
    EXTENT_IS_COLD = 2,
    EXTENT_IS_BUSY = 4,
    EXTENT_IS_QUEUED = 8, /* waits for trim */
    EXTENT_IS_SPLIT = 16, /* advised against huge pages */
};

struct extent {
    uint64_t free[MAP_WORDS];
    uint64_t resident[MAP_WORDS];
    uint32_t next, prev; /* in its bucket or the cold list */
    uint32_t trim_next;
    uint8_t used;
    uint8_t flags;
};

static_assert(EXTENT_PAGES == 128, "used counts and bit maps assume 128");

struct pages {
    /* constant after pages_create */
    uint8_t *base;
    struct page_info *infos;
    struct extent *extents;
    size_t span_bytes;
    size_t meta_bytes;
    uint32_t extent_count;
    uint32_t spare_extents;
    void (*on_spare_taken)(void *self);
    void *self;
    bool use_huge_pages;
    bool is_open; /* all of the span is accessible */

    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t settled; /* an extent stopped being busy */
    uint32_t fresh;
    uint32_t cold;
    uint32_t buckets[EXTENT_PAGES]; /* by used count */
    uint64_t filled[MAP_WORDS];
    uint32_t trim_first, trim_last;
    uint32_t ready_count; /* extents in bucket 0 */
    uint32_t busy_count;
    size_t used_pages;
    size_t resident_pages;
};

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static uint8_t *extent_start(const struct pages *p, uint32_t x)
{
    return p->base + (size_t)x * EXTENT_BYTES;
}

static uint32_t count_bits(const uint64_t *map)
{
    return (uint32_t)(__builtin_popcountll(map[0]) +
                      __builtin_popcountll(map[1]));
}

/* --- lists, all with the lock held --- */

static void chain_push(struct pages *p, uint32_t *first, uint32_t x)
{
    p->extents[x].prev = NO_EXTENT;
    p->extents[x].next = *first;
    if (*first != NO_EXTENT) {
        p->extents[*first].prev = x;
    }
    *first = x;
}

static void chain_remove(struct pages *p, uint32_t *first, uint32_t x)
{
    const struct extent *e = &p->extents[x];
    if (e->prev == NO_EXTENT) {
        assert(*first == x);
        *first = e->next;
    } else {
        p->extents[e->prev].next = e->next;
    }
    if (e->next != NO_EXTENT) {
        p->extents[e->next].prev = e->prev;
    }
}

static void bucket_link(struct pages *p, uint32_t x)
{
    struct extent *e = &p->extents[x];
    assert(e->used < EXTENT_PAGES);
    assert((e->flags & (EXTENT_IS_LISTED | EXTENT_IS_COLD)) == 0);
    chain_push(p, &p->buckets[e->used], x);
    p->filled[e->used / 64] |= (uint64_t)1 << (e->used % 64);
    p->ready_count += e->used == 0;
    e->flags |= EXTENT_IS_LISTED;
}

static void bucket_unlink(struct pages *p, uint32_t x)
{
    struct extent *e = &p->extents[x];
    assert(e->flags & EXTENT_IS_LISTED);
    chain_remove(p, &p->buckets[e->used], x);
    if (p->buckets[e->used] == NO_EXTENT) {
        p->filled[e->used / 64] &= ~((uint64_t)1 << (e->used % 64));
    }
    p->ready_count -= e->used == 0;
    e->flags &= (uint8_t)~EXTENT_IS_LISTED;
}

static void trim_enqueue(struct pages *p, uint32_t x)
{
    struct extent *e = &p->extents[x];
    if (e->flags & EXTENT_IS_QUEUED) {
        return;
    }
    e->flags |= EXTENT_IS_QUEUED;
    e->trim_next = NO_EXTENT;
    if (p->trim_first == NO_EXTENT) {
        p->trim_first = x;
    } else {
        p->extents[p->trim_last].trim_next = x;
    }
    p->trim_last = x;
}

static uint32_t trim_dequeue(struct pages *p)
{
    uint32_t x = p->trim_first;
    if (x != NO_EXTENT) {
        p->trim_first = p->extents[x].trim_next;
        p->extents[x].flags &= (uint8_t)~EXTENT_IS_QUEUED;
    }
    return x;
}

/* Puts an extent that is nowhere where its contents say. */
static void extent_settle(struct pages *p, uint32_t x)
{
    struct extent *e = &p->extents[x];
    bool has_free_resident = ((e->free[0] & e->resident[0]) |
                              (e->free[1] & e->resident[1])) != 0;
    if (e->flags & EXTENT_IS_BUSY) {
        e->flags &= (uint8_t)~EXTENT_IS_BUSY;
        p->busy_count--;
        pthread_cond_broadcast(&p->settled);
    }
    if (e->used == 0 && !has_free_resident) {
        e->flags |= EXTENT_IS_COLD;
        chain_push(p, &p->cold, x);
        return;
    }
    if (e->used < EXTENT_PAGES) {
        bucket_link(p, x);
    }
    if (has_free_resident) {
        trim_enqueue(p, x);
    }
}

static void extent_make_busy(struct pages *p, uint32_t x)
{
    struct extent *e = &p->extents[x];
    assert((e->flags & (EXTENT_IS_LISTED | EXTENT_IS_BUSY)) == 0);
    e->flags |= EXTENT_IS_BUSY;
    p->busy_count++;
}

/* --- extents that hold nothing yet --- */

/* Takes an extent without memory: cold, else fresh. It is nowhere then. */
static uint32_t extent_take_cold(struct pages *p)
{
    uint32_t x = p->cold;
    if (x != NO_EXTENT) {
        chain_remove(p, &p->cold, x);
        p->extents[x].flags &= (uint8_t)~EXTENT_IS_COLD;
        return x;
    }
    x = p->fresh;
    if (x == p->extent_count) {
        return NO_EXTENT;
    }
    if (!p->is_open
        && mprotect(extent_start(p, x), EXTENT_BYTES, PROT_READ | PROT_WRITE)) {
        return NO_EXTENT;
    }
    p->fresh++;
    p->extents[x].free[0] = UINT64_MAX;
    p->extents[x].free[1] = UINT64_MAX;
    return x;
}

/* The fullest extent with a free page; one in bucket 0 is the last choice. */
static uint32_t extent_pick(struct pages *p)
{
    for (int w = MAP_WORDS - 1; w >= 0; w--) {
        if (p->filled[w] != 0) {
            int bit = 63 - __builtin_clzll(p->filled[w]);
            return p->buckets[w * 64 + bit];
        }
    }
    uint32_t x = extent_take_cold(p);
    if (x != NO_EXTENT) {
        bucket_link(p, x);
    }
    return x;
}

static void mark_resident(struct pages *p, struct extent *e, uint32_t page)
{
    bool is_whole = p->use_huge_pages && !(e->flags & EXTENT_IS_SPLIT) &&
                    (e->resident[0] | e->resident[1]) == 0;
    uint32_t before = count_bits(e->resident);
    if (is_whole) {
        e->resident[0] = UINT64_MAX;
        e->resident[1] = UINT64_MAX;
    } else {
        e->resident[page / 64] |= (uint64_t)1 << (page % 64);
    }
    p->resident_pages += count_bits(e->resident) - before;
}

/* The lowest free page, resident ones first. */
static uint32_t lowest_free(const struct extent *e)
{
    for (uint32_t w = 0; w < MAP_WORDS; w++) {
        uint64_t both = e->free[w] & e->resident[w];
        if (both != 0) {
            return w * 64 + (uint32_t)__builtin_ctzll(both);
        }
    }
    assert((e->free[0] | e->free[1]) != 0);
    return e->free[0] != 0 ? (uint32_t)__builtin_ctzll(e->free[0])
                           : 64 + (uint32_t)__builtin_ctzll(e->free[1]);
}

static void *extent_take_page(struct pages *p, uint32_t x)
{
    struct extent *e = &p->extents[x];
    uint32_t page = lowest_free(e);
    bucket_unlink(p, x);
    e->free[page / 64] &= ~((uint64_t)1 << (page % 64));
    e->used++;
    p->used_pages++;
    mark_resident(p, e, page);
    if (e->used < EXTENT_PAGES) {
        bucket_link(p, x);
    } else if (e->flags & EXTENT_IS_SPLIT) {
        trim_enqueue(p, x); /* trim makes it fit for a huge page again */
    }
    return extent_start(p, x) + (size_t)page * PAGE_BYTES;
}

void *pages_acquire(struct pages *p)
{
    void *page = NULL;
    pthread_mutex_lock(&p->lock);
    uint32_t ready_count = p->ready_count;
    uint32_t x = extent_pick(p);
    while (x == NO_EXTENT && p->busy_count > 0) {
        /* A helper holds the only extents with room, for microseconds. */
        pthread_cond_wait(&p->settled, &p->lock);
        x = extent_pick(p);
    }
    if (x != NO_EXTENT) {
        page = extent_take_page(p, x);
    }
    bool is_spare_taken =
        p->ready_count < ready_count && p->ready_count < p->spare_extents;
    pthread_mutex_unlock(&p->lock);
    if (__builtin_expect(is_spare_taken, 0) && p->on_spare_taken != NULL) {
        p->on_spare_taken(p->self);
    }
    return page;
}

void pages_release(struct pages *p, void *page)
{
    assert(pages_owns(p, page));
    assert(((uintptr_t)page & (PAGE_BYTES - 1)) == 0);
    size_t offset = (size_t)((uint8_t *)page - p->base);
    uint32_t x = (uint32_t)(offset / EXTENT_BYTES);
    uint32_t n = (uint32_t)(offset % EXTENT_BYTES / PAGE_BYTES);
    uint64_t bit = (uint64_t)1 << (n % 64);

    pthread_mutex_lock(&p->lock);
    struct extent *e = &p->extents[x];
    assert(x < p->fresh);
    assert((e->free[n / 64] & bit) == 0);
    bool is_busy = (e->flags & EXTENT_IS_BUSY) != 0;
    if (e->flags & EXTENT_IS_LISTED) {
        bucket_unlink(p, x);
    }
    e->free[n / 64] |= bit;
    e->used--;
    p->used_pages--;
    if (!is_busy) {
        extent_settle(p, x);
    }
    pthread_mutex_unlock(&p->lock);
}

/* --- memory from and to the system --- */

static void extent_populate(const struct pages *p, uint32_t x)
{
    uint8_t *start = extent_start(p, x);
#ifdef MADV_POPULATE_WRITE
    if (madvise(start, EXTENT_BYTES, MADV_POPULATE_WRITE) == 0) {
        return;
    }
#endif
    /* An older kernel. The pages are free, so writing zeros loses nothing. */
    for (size_t i = 0; i < EXTENT_BYTES; i += SYSTEM_PAGE_BYTES) {
        *(volatile uint8_t *)(start + i) = 0;
    }
}

bool pages_prefault(struct pages *p)
{
    pthread_mutex_lock(&p->lock);
    uint32_t x = NO_EXTENT;
    if (p->ready_count < p->spare_extents) {
        x = extent_take_cold(p);
    }
    if (x != NO_EXTENT) {
        extent_make_busy(p, x);
    }
    pthread_mutex_unlock(&p->lock);
    if (x == NO_EXTENT) {
        return false;
    }

    extent_populate(p, x);

    pthread_mutex_lock(&p->lock);
    struct extent *e = &p->extents[x];
    assert(e->used == 0);
    e->resident[0] = UINT64_MAX;
    e->resident[1] = UINT64_MAX;
    p->resident_pages += EXTENT_PAGES;
    extent_settle(p, x);
    pthread_mutex_unlock(&p->lock);
    return true;
}

/* What one step of trim does to one busy extent. */
struct trim_plan {
    uint32_t x;
    uint64_t give[MAP_WORDS]; /* pages to return */
    bool is_whole;
    bool is_splitting;  /* advise against huge pages first */
    bool is_restoring; /* advise for them again */
};

/* Keeps only the lowest `max` set bits. */
static void keep_lowest(uint64_t *map, uint32_t max)
{
    for (uint32_t page = 0; page < EXTENT_PAGES; page++) {
        uint64_t bit = (uint64_t)1 << (page % 64);
        if ((map[page / 64] & bit) == 0) {
            continue;
        }
        if (max == 0) {
            map[page / 64] &= ~bit;
        } else {
            max--;
        }
    }
}

/* Decides about one queued extent, which is busy then; false: leave it be. */
static bool trim_plan_one(struct pages *p, uint32_t x, uint32_t pages_max,
                          struct trim_plan *out)
{
    struct extent *e = &p->extents[x];
    *out = (struct trim_plan){ .x = x };
    if (e->flags & (EXTENT_IS_BUSY | EXTENT_IS_COLD)) {
        return false; /* whoever made it busy settles, so queues, it */
    }
    bool is_split = (e->flags & EXTENT_IS_SPLIT) != 0;
    for (int w = 0; w < MAP_WORDS; w++) {
        out->give[w] = e->free[w] & e->resident[w];
    }
    if (e->used >= TRIM_USED_MAX) {
        out->give[0] = out->give[1] = 0;
        out->is_restoring = is_split && e->used == EXTENT_PAGES;
        if (!out->is_restoring) {
            return false;
        }
    } else if (e->used == 0) {
        if (p->ready_count <= p->spare_extents) {
            return false;
        }
        out->is_whole = true;
        out->is_restoring = is_split;
    } else if ((out->give[0] | out->give[1]) != 0) {
        keep_lowest(out->give, pages_max);
        out->is_splitting = p->use_huge_pages && !is_split;
    } else {
        return false;
    }
    if (e->flags & EXTENT_IS_LISTED) {
        bucket_unlink(p, x);
    }
    extent_make_busy(p, x);
    return true;
}

/* Without the lock; how many pages went. False in *ok: the system refused. */
static uint32_t trim_execute(const struct pages *p, const struct trim_plan *t,
                             bool *ok)
{
    uint8_t *start = extent_start(p, t->x);
    *ok = true;
    if (t->is_restoring) {
        (void)madvise(start, EXTENT_BYTES, MADV_HUGEPAGE);
    }
    if (t->is_splitting && madvise(start, EXTENT_BYTES, MADV_NOHUGEPAGE) != 0) {
        *ok = false; /* most likely too many mappings */
        return 0;
    }
    if (t->is_whole) {
        *ok = madvise(start, EXTENT_BYTES, MADV_DONTNEED) == 0;
        return *ok ? count_bits(t->give) : 0;
    }
    uint32_t returned = 0;
    for (uint32_t from = 0, to; from < EXTENT_PAGES; from = to + 1) {
        to = from;
        while (to < EXTENT_PAGES && (t->give[to / 64] >> (to % 64) & 1)) {
            to++;
        }
        if (to > from && *ok) {
            *ok = madvise(start + (size_t)from * PAGE_BYTES,
                          (size_t)(to - from) * PAGE_BYTES,
                          MADV_DONTNEED) == 0;
            returned += *ok ? to - from : 0;
        }
    }
    return returned;
}

/* With the lock. Where the system refused half-way the pages count as returned:
 * that only makes the resident figure too low by an extent. */
static void trim_finish(struct pages *p, const struct trim_plan *t,
                        uint32_t returned)
{
    struct extent *e = &p->extents[t->x];
    if (t->is_splitting) {
        e->flags |= EXTENT_IS_SPLIT;
    }
    if (t->is_restoring) {
        e->flags &= (uint8_t)~EXTENT_IS_SPLIT;
    }
    if (returned > 0) {
        for (int w = 0; w < MAP_WORDS; w++) {
            e->resident[w] &= ~t->give[w];
        }
        p->resident_pages -= count_bits(t->give);
    }
    extent_settle(p, t->x);
}

size_t pages_trim(struct pages *p, size_t max_bytes)
{
    size_t returned = 0;
    bool ok = true;
    pthread_mutex_lock(&p->lock);
    while (ok && returned < max_bytes) {
        struct trim_plan plan;
        uint32_t x = trim_dequeue(p);
        if (x == NO_EXTENT) {
            break;
        }
        size_t pages_max = (max_bytes - returned + PAGE_BYTES - 1) / PAGE_BYTES;
        if (pages_max > EXTENT_PAGES) {
            pages_max = EXTENT_PAGES;
        }
        if (!trim_plan_one(p, x, (uint32_t)pages_max, &plan)) {
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        uint32_t page_count = trim_execute(p, &plan, &ok);
        pthread_mutex_lock(&p->lock);
        trim_finish(p, &plan, page_count);
        returned += (size_t)page_count * PAGE_BYTES;
    }
    pthread_mutex_unlock(&p->lock);
    return returned;
}

/* --- the span --- */

static size_t reserve_bytes_default(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return RESERVE_BYTES_MIN; /* shadow memory is reserved beside it */
#else
    size_t ram = (size_t)sysconf(_SC_PHYS_PAGES) *
                 (size_t)sysconf(_SC_PAGESIZE);
    return 2 * ram > RESERVE_BYTES_MIN ? 2 * ram : RESERVE_BYTES_MIN;
#endif
}

/* Address space, `align`ed; NULL if there is none. */
static void *reserve(size_t bytes, size_t align, int protection)
{
    uint8_t *raw = mmap(NULL, bytes + align, protection,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        return NULL;
    }
    size_t head = (align - (uintptr_t)raw % align) % align;
    if (head > 0) {
        munmap(raw, head);
    }
    munmap(raw + head + bytes, align - head);
    return raw + head;
}

static void lists_init(struct pages *p)
{
    p->cold = NO_EXTENT;
    p->trim_first = NO_EXTENT;
    p->trim_last = NO_EXTENT;
    for (int i = 0; i < EXTENT_PAGES; i++) {
        p->buckets[i] = NO_EXTENT;
    }
}

static struct pages *create_sized(const struct pages_options *o, size_t span)
{
    size_t extent_count = span / EXTENT_BYTES;
    size_t extents_at = round_up(sizeof(struct pages), 64);
    /* Descriptors start on an extent's boundary so that they, too, can lie in
     * huge pages: every free looks one up. */
    size_t infos_at = round_up(
        extents_at + extent_count * sizeof(struct extent), EXTENT_BYTES);
    size_t meta = round_up(
        infos_at + extent_count * EXTENT_PAGES * sizeof(struct page_info),
        EXTENT_BYTES);

    uint8_t *base = reserve(span, EXTENT_BYTES, PROT_READ | PROT_WRITE);
    bool is_open = base != NULL;
    if (!is_open) {
        base = reserve(span, EXTENT_BYTES, PROT_NONE);
    }
    if (base == NULL) {
        return NULL;
    }
    uint8_t *head = reserve(meta, EXTENT_BYTES, PROT_READ | PROT_WRITE);
    if (head == NULL) {
        munmap(base, span);
        return NULL;
    }
    if (o->use_huge_pages) {
        /* Advice: a kernel without huge pages is no error. */
        (void)madvise(base, span, MADV_HUGEPAGE);
        (void)madvise(head + infos_at, meta - infos_at, MADV_HUGEPAGE);
    }
    struct pages *p = (struct pages *)head;
    p->base = base;
    p->infos = (struct page_info *)(head + infos_at);
    p->extents = (struct extent *)(head + extents_at);
    p->span_bytes = span;
    p->meta_bytes = meta;
    p->extent_count = (uint32_t)extent_count;
    p->spare_extents = o->spare_extents;
    p->on_spare_taken = o->on_spare_taken;
    p->self = o->self;
    p->use_huge_pages = o->use_huge_pages;
    p->is_open = is_open;
    lists_init(p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->settled, NULL);
    return p;
}

struct pages *pages_create(const struct pages_options *o)
{
    bool is_default = o->reserve_bytes == 0;
    size_t span = round_up(is_default ? reserve_bytes_default()
                                      : o->reserve_bytes, EXTENT_BYTES);
    struct pages *p = create_sized(o, span);
    /* Address space may be limited (ulimit -v): then less has to do. */
    while (p == NULL && is_default && span > RESERVE_BYTES_MIN) {
        span = round_up(span / 2, EXTENT_BYTES);
        p = create_sized(o, span);
    }
    return p;
}

void pages_destroy(struct pages **p)
{
    struct pages *pages = *p;
    *p = NULL;
    if (pages == NULL) {
        return;
    }
    assert(pages->busy_count == 0);
    pthread_cond_destroy(&pages->settled);
    pthread_mutex_destroy(&pages->lock);
    munmap(pages->base, pages->span_bytes);
    munmap(pages, pages->meta_bytes);
}

struct pages_map pages_map_of(const struct pages *p)
{
    return (struct pages_map){ .base = p->base, .infos = p->infos };
}

bool pages_owns(const struct pages *p, const void *ptr)
{
    return (uintptr_t)ptr - (uintptr_t)p->base < p->span_bytes;
}

struct page_info *pages_info(const struct pages *p, const void *ptr)
{
    assert(pages_owns(p, ptr));
    return &p->infos[((uintptr_t)ptr - (uintptr_t)p->base) / PAGE_BYTES];
}

void pages_stats_read(struct pages *p, struct pages_stats *out)
{
    pthread_mutex_lock(&p->lock);
    out->used_bytes = p->used_pages * PAGE_BYTES;
    out->resident_bytes = p->resident_pages * PAGE_BYTES;
    pthread_mutex_unlock(&p->lock);
}
