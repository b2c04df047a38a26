/* slab: see slab.h for the contract.
 *
 * Layout:    a page holds cells of one class from offset 0 on. Cells never cut
 *            yet start at `bump`; freed ones are a list of 16-bit offsets kept
 *            in their own first bytes. What is known about a page lies in its
 *            page_info, so a page with live cells is nothing but cells.
 * Pages:     a class allocates from its `current` page. Others are full (on no
 *            list), partial, or sources (on a list of their own). The page that
 *            was full last is used first: it is the fullest, so that the others
 *            drain, and what was freed in it is still in the cache. One empty
 *            page a heap is kept as `spare`, so that a cell coming and going on
 *            a page's edge costs no lock. All pages are on the heap's list, for
 *            the wholesale free.
 * Invariant: hist[b] counts the class's pages whose occupancy lies in the b-th
 *            eighth. It is kept as cells come and go, which is what lets a
 *            compaction begin without visiting a page.
 * Sources:   a page is judged once an epoch, when it is first asked about or
 *            about to be allocated from: it is a source if it lies at or below
 *            the class's threshold and the class's quota is not used up. Ending
 *            joins two lists a class; the marks lapse with the epoch.
 * Adopted:   a cell's page says whose it is. The former heap does with it as with
 *            any of its own; the new one only counts the bytes.
 * Sanitizer: free cells are poisoned for AddressSanitizer, so it sees uses
 *            after free and overruns here as it does with malloc.
 * Threads:   one at a time. */
#include "base/slab.h"

#include <assert.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SLAB_POISONS 1
#endif
#ifdef SLAB_POISONS
#include <sanitizer/asan_interface.h>
#define CELL_POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define CELL_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define CELL_POISON(p, n) ((void)(p), (void)(n))
#define CELL_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum {
    CELL_MIN = 16,
    FINE_MAX = 512, /* classes are 8 apart up to here, then COARSE_STEP */
    COARSE_STEP = 32,
    COARSE_MAX = 1024, /* beyond, a class is so many cells a page */
    FINE_COUNT = (FINE_MAX - CELL_MIN) / 8 + 1,
    STEPPED_COUNT = FINE_COUNT + (COARSE_MAX - FINE_MAX) / COARSE_STEP,
    CELLS_MAX = PAGE_BYTES / COARSE_MAX - 1, /* in a page of such a class */
    CELLS_MIN = PAGE_BYTES / SLAB_CELL_MAX,
    CLASS_COUNT = STEPPED_COUNT + CELLS_MAX - CELLS_MIN + 1,
    HIST_BUCKETS = 8,
    JUDGE_MAX = 8, /* pages turned into sources by one allocation */
};

#define NO_PAGE UINT32_MAX
#define NO_CELL UINT16_MAX

enum page_state {
    PAGE_CURRENT,
    PAGE_FULL,
    PAGE_LISTED, /* on the class's partial or, if a source, source list */
    PAGE_SPARE,
};

/* A page_info as the slab sees it. */
struct slab_page {
    struct slab_heap *heap;
    uint32_t next, prev;         /* on the class's list */
    uint32_t all_next, all_prev; /* on the heap's */
    uint32_t epoch;              /* when last judged */
    uint16_t class_id;
    uint16_t cell_bytes;
    uint16_t used; /* live cells */
    uint16_t cap;
    uint16_t bump;      /* offset of the first cell never cut */
    uint16_t free_head; /* offset, or NO_CELL */
    uint8_t state;
    bool was_source; /* in `epoch` */
};

static_assert(sizeof(struct slab_page) <= sizeof(struct page_info),
              "the descriptor fits");
static_assert(PAGE_BYTES < NO_CELL, "an offset in a page fits 16 bits");

struct page_list {
    uint32_t first, last;
};

struct slab_class {
    struct slab_page *current;
    struct page_list partial;
    uint64_t cell_count;
    uint32_t hist[HIST_BUCKETS];
    struct page_list sources;
    uint32_t source_quota; /* pages that may still become sources */
    uint16_t hist_scale;   /* eighths per cell, 16 bits after the point */
    uint8_t source_bucket; /* at or below: may become a source */
};

struct slab_heap {
    struct pages_map map;
    struct mem_account *account;
    struct pages *pages;
    uint32_t epoch;
    uint32_t spare;
    uint32_t all_first;
    size_t page_count;
    size_t foreign_bytes; /* adopted cells, in other heaps */
    bool is_compacting;
    bool is_draining;
    struct slab_class classes[CLASS_COUNT];
};

/* --- classes --- */

static inline unsigned class_of(size_t bytes)
{
    if (bytes <= CELL_MIN) {
        return 0;
    }
    if (bytes <= FINE_MAX) {
        return (unsigned)((bytes - CELL_MIN + 7) / 8);
    }
    if (bytes <= COARSE_MAX) {
        return FINE_COUNT - 1 +
               (unsigned)((bytes - FINE_MAX + COARSE_STEP - 1) / COARSE_STEP);
    }
    size_t whole = (bytes + 7) & ~(size_t)7; /* as the classes are */
    return STEPPED_COUNT + CELLS_MAX - (unsigned)(PAGE_BYTES / whole);
}

static size_t class_bytes(unsigned class_id)
{
    if (class_id < FINE_COUNT) {
        return CELL_MIN + (size_t)class_id * 8;
    }
    if (class_id < STEPPED_COUNT) {
        return FINE_MAX + (size_t)(class_id - FINE_COUNT + 1) * COARSE_STEP;
    }
    size_t cells = CELLS_MAX - (class_id - STEPPED_COUNT);
    return PAGE_BYTES / cells & ~(size_t)7;
}

size_t slab_class_bytes(size_t bytes)
{
    assert(bytes >= 1);
    assert(bytes <= SLAB_CELL_MAX);
    return class_bytes(class_of(bytes));
}

static inline unsigned hist_bucket(const struct slab_class *c, unsigned used)
{
    return used * c->hist_scale >> 16;
}

/* --- pages and their lists --- */

static inline struct slab_page *page_at(const struct slab_heap *h, uint32_t n)
{
    return (struct slab_page *)&h->map.infos[n];
}

static inline uint32_t page_number(const struct slab_heap *h,
                                   const struct slab_page *pg)
{
    return (uint32_t)((const struct page_info *)pg - h->map.infos);
}

static inline uint8_t *page_start(const struct slab_heap *h,
                                  const struct slab_page *pg)
{
    return h->map.base + (size_t)page_number(h, pg) * PAGE_BYTES;
}

static inline struct slab_page *page_of(const struct slab_heap *h,
                                        const void *cell)
{
    uintptr_t offset = (uintptr_t)cell - (uintptr_t)h->map.base;
    struct slab_page *pg =
        (struct slab_page *)&h->map.infos[offset / PAGE_BYTES];
    assert(pg->heap == h || h->foreign_bytes > 0);
    return pg;
}

static void list_push(struct slab_heap *h, struct page_list *list,
                      struct slab_page *pg)
{
    uint32_t n = page_number(h, pg);
    pg->prev = NO_PAGE;
    pg->next = list->first;
    if (list->first == NO_PAGE) {
        list->last = n;
    } else {
        page_at(h, list->first)->prev = n;
    }
    list->first = n;
}

static void list_remove(struct slab_heap *h, struct page_list *list,
                        const struct slab_page *pg)
{
    if (pg->prev == NO_PAGE) {
        list->first = pg->next;
    } else {
        page_at(h, pg->prev)->next = pg->next;
    }
    if (pg->next == NO_PAGE) {
        list->last = pg->prev;
    } else {
        page_at(h, pg->next)->prev = pg->prev;
    }
}

/* Moves all of `from` to the end of `to`. */
static void list_join(struct slab_heap *h, struct page_list *to,
                      struct page_list *from)
{
    if (from->first == NO_PAGE) {
        return;
    }
    if (to->last == NO_PAGE) {
        *to = *from;
    } else {
        page_at(h, to->last)->next = from->first;
        page_at(h, from->first)->prev = to->last;
        to->last = from->last;
    }
    from->first = NO_PAGE;
    from->last = NO_PAGE;
}

static bool page_is_source(const struct slab_heap *h,
                           const struct slab_page *pg)
{
    return h->is_compacting && pg->epoch == h->epoch && pg->was_source;
}

static void page_unlist(struct slab_heap *h, const struct slab_page *pg)
{
    struct slab_class *c = &h->classes[pg->class_id];
    assert(pg->state == PAGE_LISTED);
    list_remove(h, page_is_source(h, pg) ? &c->sources : &c->partial, pg);
}

/* Decides, once an epoch, whether the page is a source. */
static bool page_judge(struct slab_heap *h, struct slab_page *pg)
{
    if (!h->is_compacting) {
        return false;
    }
    if (pg->epoch == h->epoch) {
        return pg->was_source;
    }
    struct slab_class *c = &h->classes[pg->class_id];
    bool is_source = pg->state == PAGE_LISTED && c->source_quota > 0 &&
                     hist_bucket(c, pg->used) <= c->source_bucket;
    if (is_source) {
        page_unlist(h, pg);
        list_push(h, &c->sources, pg);
        c->source_quota--;
    }
    pg->epoch = h->epoch;
    pg->was_source = is_source;
    return is_source;
}

/* --- pages that come and go --- */

static struct slab_page *page_adopt(struct slab_heap *h)
{
    void *start = pages_acquire(h->pages);
    if (start == NULL) {
        return NULL;
    }
    struct slab_page *pg = (struct slab_page *)pages_info(h->pages, start);
    pg->heap = h;
    pg->all_prev = NO_PAGE;
    pg->all_next = h->all_first;
    if (h->all_first != NO_PAGE) {
        page_at(h, h->all_first)->all_prev = page_number(h, pg);
    }
    h->all_first = page_number(h, pg);
    h->page_count++;
    CELL_POISON(start, PAGE_BYTES);
    return pg;
}

static void page_give_back(struct slab_heap *h, struct slab_page *pg)
{
    if (pg->all_prev == NO_PAGE) {
        h->all_first = pg->all_next;
    } else {
        page_at(h, pg->all_prev)->all_next = pg->all_next;
    }
    if (pg->all_next != NO_PAGE) {
        page_at(h, pg->all_next)->all_prev = pg->all_prev;
    }
    h->page_count--;
    pg->heap = NULL;
    CELL_UNPOISON(page_start(h, pg), PAGE_BYTES);
    pages_release(h->pages, page_start(h, pg));
}

/* Gives an empty page to a class. */
static void page_cut(struct slab_heap *h, struct slab_page *pg,
                     unsigned class_id)
{
    struct slab_class *c = &h->classes[class_id];
    size_t bytes = class_bytes(class_id);
    pg->class_id = (uint16_t)class_id;
    pg->cell_bytes = (uint16_t)bytes;
    pg->cap = (uint16_t)(PAGE_BYTES / bytes);
    pg->used = 0;
    pg->bump = 0;
    pg->free_head = NO_CELL;
    pg->epoch = h->epoch;
    pg->was_source = false;
    c->hist[0]++;
}

/* A page whose last cell is gone leaves its class. One is kept as long as the
 * heap has other pages, so an empty heap holds nothing. */
static void page_retire(struct slab_heap *h, struct slab_page *pg)
{
    struct slab_class *c = &h->classes[pg->class_id];
    assert(pg->used == 0);
    if (pg->state == PAGE_CURRENT) {
        c->current = NULL;
    } else {
        page_unlist(h, pg);
    }
    c->hist[0]--;
    size_t page_count_live = h->page_count - 1 - (h->spare != NO_PAGE);
    if (h->spare == NO_PAGE && page_count_live > 0) {
        h->spare = page_number(h, pg);
        pg->state = PAGE_SPARE;
        return;
    }
    page_give_back(h, pg);
    if (page_count_live == 0 && h->spare != NO_PAGE) {
        page_give_back(h, page_at(h, h->spare));
        h->spare = NO_PAGE;
    }
}

/* The class's next page to allocate from: the first partial page that is no
 * source, else the spare, else a new one. NULL: out of memory; the full page
 * stays current. */
static struct slab_page *current_renew(struct slab_heap *h, unsigned class_id)
{
    struct slab_class *c = &h->classes[class_id];
    struct slab_page *pg = NULL;
    for (int i = 0; i < JUDGE_MAX && c->partial.first != NO_PAGE; i++) {
        pg = page_at(h, c->partial.first);
        if (!page_judge(h, pg)) {
            break;
        }
        pg = NULL;
    }
    if (pg == NULL && c->partial.first != NO_PAGE) {
        /* The bound is reached: this one is spared rather than judged. */
        pg = page_at(h, c->partial.first);
        pg->epoch = h->epoch;
        pg->was_source = false;
    }
    if (pg != NULL) {
        page_unlist(h, pg);
    } else {
        if (h->spare != NO_PAGE) {
            pg = page_at(h, h->spare);
            h->spare = NO_PAGE;
        } else {
            pg = page_adopt(h);
        }
        if (pg == NULL) {
            return NULL;
        }
        page_cut(h, pg, class_id);
    }
    if (c->current != NULL) {
        assert(c->current->used == c->current->cap);
        c->current->state = PAGE_FULL;
    }
    pg->state = PAGE_CURRENT;
    c->current = pg;
    return pg;
}

/* --- cells --- */

/* Counts one cell more or less. */
static inline void page_recount(struct slab_heap *h, struct slab_class *c,
                                struct slab_page *pg, int step)
{
    unsigned used = (unsigned)((int)pg->used + step);
    unsigned before = hist_bucket(c, pg->used);
    unsigned after = hist_bucket(c, used);
    if (before != after) {
        c->hist[before]--;
        c->hist[after]++;
    }
    pg->used = (uint16_t)used;
    c->cell_count += (uint64_t)(int64_t)step;
    mem_charge(h->account, (ptrdiff_t)step * pg->cell_bytes);
}

void *slab_alloc(struct slab_heap *h, size_t bytes)
{
    assert(bytes - 1 < SLAB_CELL_MAX);
    assert(!h->is_draining);
    unsigned class_id = class_of(bytes);
    struct slab_class *c = &h->classes[class_id];
    struct slab_page *pg = c->current;
    if (mem_must_fail(h->account)) {
        return NULL;
    }
    if (__builtin_expect(pg == NULL || pg->used == pg->cap, 0)) {
        pg = current_renew(h, class_id);
        if (pg == NULL) {
            return NULL;
        }
    }
    uint8_t *cell = page_start(h, pg);
    if (pg->free_head != NO_CELL) {
        cell += pg->free_head;
        CELL_UNPOISON(cell, pg->cell_bytes);
        pg->free_head = *(const uint16_t *)cell;
    } else {
        cell += pg->bump;
        CELL_UNPOISON(cell, pg->cell_bytes);
        pg->bump = (uint16_t)(pg->bump + pg->cell_bytes);
    }
    page_recount(h, c, pg, 1);
    return cell;
}

/* A page that was full has a free cell: it becomes current at once if the
 * current page is full, else it waits first in line. */
static void page_reopen(struct slab_heap *h, struct slab_class *c,
                        struct slab_page *pg)
{
    pg->epoch = h->epoch;
    pg->was_source = false;
    if (c->current != NULL && c->current->used < c->current->cap) {
        pg->state = PAGE_LISTED;
        list_push(h, &c->partial, pg);
        return;
    }
    if (c->current != NULL) {
        c->current->state = PAGE_FULL;
    }
    pg->state = PAGE_CURRENT;
    c->current = pg;
}

void slab_free(struct slab_heap *h, void *cell)
{
    struct slab_page *pg = page_of(h, cell);
    if (__builtin_expect(pg->heap != h, 0)) {
        assert(h->foreign_bytes >= pg->cell_bytes);
        h->foreign_bytes -= pg->cell_bytes;
        h = pg->heap;
        assert(h != NULL);
    }
    struct slab_class *c = &h->classes[pg->class_id];
    assert(pg->used > 0);
    assert(!h->is_draining);
    *(uint16_t *)cell = pg->free_head;
    pg->free_head = (uint16_t)((uintptr_t)cell & (PAGE_BYTES - 1));
    CELL_POISON(cell, pg->cell_bytes);
    page_recount(h, c, pg, -1);
    if (__builtin_expect(pg->state == PAGE_FULL, 0)) {
        page_reopen(h, c, pg);
    }
    if (__builtin_expect(pg->used == 0, 0)) {
        page_retire(h, pg);
    }
}

size_t slab_cell_bytes(const struct slab_heap *h, const void *cell)
{
    return page_of(h, cell)->cell_bytes;
}

/* --- the heap --- */

struct slab_heap *slab_heap_create(struct pages *p, struct mem_account *a)
{
    struct slab_heap *h = mem_alloc_zeroed(a, sizeof(*h));
    if (h == NULL) {
        return NULL;
    }
    h->map = pages_map_of(p);
    h->account = a;
    h->pages = p;
    h->spare = NO_PAGE;
    h->all_first = NO_PAGE;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        struct slab_class *c = &h->classes[i];
        size_t cap = PAGE_BYTES / class_bytes(i);
        c->hist_scale = (uint16_t)(HIST_BUCKETS * 65536 / (cap + 1));
        c->partial = (struct page_list){ NO_PAGE, NO_PAGE };
        c->sources = (struct page_list){ NO_PAGE, NO_PAGE };
    }
    return h;
}

struct slab_heap *slab_heap_create_like(const struct slab_heap *like,
                                        struct mem_account *a)
{
    return slab_heap_create(like->pages, a);
}

void slab_heap_adopt(struct slab_heap *h, size_t bytes)
{
    h->foreign_bytes += bytes;
}

size_t slab_heap_foreign_bytes(const struct slab_heap *h)
{
    return h->foreign_bytes;
}

bool slab_heap_drain(struct slab_heap *h, size_t max_pages)
{
    assert(h->foreign_bytes == 0);
    h->is_draining = true;
    for (size_t i = 0; i < max_pages && h->all_first != NO_PAGE; i++) {
        struct slab_page *pg = page_at(h, h->all_first);
        if (pg->state != PAGE_SPARE) {
            size_t bytes = (size_t)pg->used * pg->cell_bytes;
            h->classes[pg->class_id].cell_count -= pg->used;
            mem_charge(h->account, -(ptrdiff_t)bytes);
        }
        page_give_back(h, pg);
    }
    return h->all_first != NO_PAGE;
}

void slab_heap_destroy(struct slab_heap **h)
{
    if (*h == NULL) {
        return;
    }
    (void)slab_heap_drain(*h, SIZE_MAX);
    mem_free((*h)->account, *h);
    *h = NULL;
}

void slab_stats_read(const struct slab_heap *h, struct slab_stats *out)
{
    out->cell_bytes = 0;
    out->page_bytes = h->page_count * PAGE_BYTES;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        out->cell_bytes += h->classes[i].cell_count * class_bytes(i);
    }
}

/* --- compaction --- */

/* How many pages of the class would be saved, and which are to go. */
static size_t class_choose_sources(struct slab_class *c, unsigned class_id)
{
    size_t cap = PAGE_BYTES / class_bytes(class_id);
    size_t page_count = 0;
    for (unsigned b = 0; b < HIST_BUCKETS; b++) {
        page_count += c->hist[b];
    }
    /* Pages needed when they are 9/10 full, rounded up. */
    size_t wanted = (size_t)((c->cell_count * 10 + cap * 9 - 1) / (cap * 9));
    c->source_quota = 0;
    c->source_bucket = 0;
    if (page_count <= wanted) {
        return 0;
    }
    c->source_quota = (uint32_t)(page_count - wanted);
    size_t below = c->hist[0];
    while (below < c->source_quota && c->source_bucket < HIST_BUCKETS - 1) {
        below += c->hist[++c->source_bucket];
    }
    return c->source_quota;
}

size_t slab_begin_compaction(struct slab_heap *h)
{
    assert(!h->is_draining);
    slab_end_compaction(h);
    size_t saved = 0;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        saved += class_choose_sources(&h->classes[i], i);
    }
    if (saved * 32 < h->page_count || saved == 0) {
        return 0;
    }
    h->is_compacting = true;
    h->epoch++;
    return saved * PAGE_BYTES;
}

void slab_end_compaction(struct slab_heap *h)
{
    if (!h->is_compacting) {
        return;
    }
    h->is_compacting = false;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        list_join(h, &h->classes[i].partial, &h->classes[i].sources);
    }
}

bool slab_is_source(struct slab_heap *h, const void *cell)
{
    struct slab_page *pg = page_of(h, cell);
    return pg->heap != h || page_judge(h, pg);
}

/* --- checks --- */

static void check_free_cells(const struct slab_heap *h,
                             const struct slab_page *pg)
{
    const uint8_t *start = page_start(h, pg);
    size_t free_count = 0;
    uint8_t seen[PAGE_BYTES / CELL_MIN] = { 0 };
    for (uint16_t at = pg->free_head; at != NO_CELL;) {
        assert(at % pg->cell_bytes == 0);
        assert(at < pg->bump);
        assert(!seen[at / pg->cell_bytes]);
        seen[at / pg->cell_bytes] = 1;
        free_count++;
        CELL_UNPOISON(start + at, 8);
        uint16_t next = *(const uint16_t *)(start + at);
        CELL_POISON(start + at, 8);
        at = next;
    }
    assert(pg->bump % pg->cell_bytes == 0);
    assert(pg->bump <= pg->cap * pg->cell_bytes);
    assert(pg->used + free_count == (size_t)pg->bump / pg->cell_bytes);
}

struct class_sums {
    uint64_t cell_count;
    uint32_t hist[HIST_BUCKETS];
    size_t listed;
};

static void check_page(const struct slab_heap *h, const struct slab_page *pg,
                       struct class_sums *sums)
{
    assert(pg->heap == h);
    if (pg->state == PAGE_SPARE) {
        assert(h->spare == page_number(h, pg));
        return;
    }
    const struct slab_class *c = &h->classes[pg->class_id];
    struct class_sums *s = &sums[pg->class_id];
    assert(pg->cell_bytes == class_bytes(pg->class_id));
    assert(pg->used > 0);
    assert(pg->used <= pg->cap);
    assert((pg->state == PAGE_CURRENT) == (c->current == pg));
    assert((pg->state == PAGE_FULL) <= (pg->used == pg->cap));
    assert((pg->state == PAGE_LISTED) <= (pg->used < pg->cap));
    s->cell_count += pg->used;
    s->hist[hist_bucket(c, pg->used)]++;
    s->listed += pg->state == PAGE_LISTED;
    check_free_cells(h, pg);
}

static size_t check_list(const struct slab_heap *h,
                         const struct page_list *list, unsigned class_id,
                         bool is_source)
{
    size_t count = 0;
    uint32_t prev = NO_PAGE;
    for (uint32_t n = list->first; n != NO_PAGE; n = page_at(h, n)->next) {
        const struct slab_page *pg = page_at(h, n);
        assert(pg->state == PAGE_LISTED);
        assert(pg->class_id == class_id);
        assert(pg->prev == prev);
        assert(page_is_source(h, pg) == is_source);
        prev = n;
        count++;
    }
    assert(list->last == prev);
    return count;
}

void slab_check(const struct slab_heap *h)
{
    struct class_sums sums[CLASS_COUNT] = { 0 };
    size_t page_count = 0;
    uint32_t prev = NO_PAGE;
    for (uint32_t n = h->all_first; n != NO_PAGE;
         n = page_at(h, n)->all_next) {
        assert(page_at(h, n)->all_prev == prev);
        prev = n;
        page_count++;
        check_page(h, page_at(h, n), sums);
    }
    assert(page_count == h->page_count);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        const struct slab_class *c = &h->classes[i];
        assert(sums[i].cell_count == c->cell_count);
        for (unsigned b = 0; b < HIST_BUCKETS; b++) {
            assert(sums[i].hist[b] == c->hist[b]);
        }
        size_t listed = check_list(h, &c->partial, i, false) +
                        check_list(h, &c->sources, i, true);
        assert(listed == sums[i].listed);
    }
}
