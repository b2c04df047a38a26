/* quicklist: making one, its ends, walking and searching. Changes elsewhere are
 * in quicklist_edit.c; quicklist_priv.h explains the layout. */
#include "structs/quicklist_priv.h"

#include "base/rare.h"

/* --- making and freeing --- */

static void limit_set(struct quicklist *q, int chunk_limit)
{
    if (chunk_limit < -LIMIT_SIZES) {
        chunk_limit = -LIMIT_SIZES;
    } else if (chunk_limit > LIMIT_COUNT_MAX) {
        chunk_limit = LIMIT_COUNT_MAX;
    }
    q->limit = (int16_t)chunk_limit;
    if (chunk_limit < 0) {
        q->limit_size = (uint64_t)(-chunk_limit - 1) & 15;
        q->limit_count = UINT16_MAX;
        return;
    }
    q->limit_size = 1; /* 8 KB: so large may a counted chunk be */
    q->limit_count = (uint16_t)(chunk_limit == 0 ? 1 : chunk_limit);
}

struct quicklist *quicklist_create(const struct quicklist_memory *m,
                                   int chunk_limit, uint32_t depth)
{
    struct quicklist *q = slab_alloc(m->heap, sizeof *q);
    if (q != NULL) {
        *q = (struct quicklist){.count = 0};
        q->depth = (uint16_t)(depth < DEPTH_MAX ? depth : DEPTH_MAX);
        limit_set(q, chunk_limit);
    }
    return q;
}

struct quicklist *quicklist_create_like(const struct quicklist_memory *m,
                                        const struct quicklist *like)
{
    return quicklist_create(m, like->limit, like->depth);
}

bool quicklist_destroy_some(struct quicklist **q,
                            const struct quicklist_memory *m, size_t chunks_max)
{
    struct quicklist *old = *q;
    if (sequence_drain(old, m, chunks_max)) {
        return true;
    }
    if (old->tail != NULL && old->tail != old->head) {
        chunk_destroy(m, old->tail);
    }
    if (old->head != NULL) {
        chunk_destroy(m, old->head);
    }
    slab_free(m->heap, old);
    *q = NULL;
    return false;
}

void quicklist_destroy(struct quicklist **q, const struct quicklist_memory *m)
{
    bool has_more = quicklist_destroy_some(q, m, SIZE_MAX);
    assert(!has_more);
}

uint64_t quicklist_count(const struct quicklist *q)
{
    return q->count;
}

size_t quicklist_bytes(const struct quicklist *q)
{
    size_t bytes = slab_class_bytes(sizeof *q);
    if (q->head != NULL) {
        bytes += chunk_bytes(q->head);
    }
    if (q->tail != q->head) {
        bytes += chunk_bytes(q->tail);
    }
    return bytes + (q->middle == NULL ? 0 : q->middle->bytes);
}

size_t quicklist_outside_bytes(const struct quicklist *q)
{
    struct quicklist_at at = {.chunk = q->head};
    size_t bytes = 0;
    while (at.chunk != NULL) {
        bytes += chunk_is_cell(at.chunk) ? 0 : chunk_bytes(at.chunk);
        (void)sequence_next(q, &at);
    }
    return bytes;
}

void quicklist_figures_read(const struct quicklist *q,
                            struct quicklist_figures *out)
{
    struct quicklist_at at = {.chunk = q->head};
    *out = (struct quicklist_figures){.chunk_limit = q->limit,
                                      .depth = q->depth};
    for (; at.chunk != NULL; (void)sequence_next(q, &at)) {
        out->chunk_count++;
        out->squeezed_count += chunk_is_squeezed(at.chunk);
        out->entry_bytes += chunk_used(at.chunk);
    }
}

/* --- the size of chunks --- */

/* A sixteenth of the list, within bounds. */
static size_t chunk_share(const struct quicklist *q)
{
    size_t total = CHUNK_SMALL_BYTES;
    if (q->middle != NULL) {
        size_t limit = chunk_limit_bytes(q);
        size_t share = q->middle->bytes / CHUNK_LIST_SHARE;
        while (total < limit && total < share) {
            total *= 2;
        }
    }
    return total;
}

size_t chunk_total_max(const struct quicklist *q)
{
    /* What is to be squeezed is better large. */
    return q->depth > 0 ? chunk_limit_bytes(q) : chunk_share(q);
}

size_t chunk_total_for(const struct quicklist *q, size_t used)
{
    size_t max = chunk_total_max(q);
    size_t need = used + CHUNK_HEADER_BYTES;
    if (need > max) {
        return 0;
    }
    size_t step = q->middle != NULL               ? chunk_share(q) / 4
                  : need <= CHUNK_SMALL_BYTES / 2 ? CHUNK_STEP_BYTES
                  : need <= CHUNK_SMALL_BYTES     ? 2 * CHUNK_STEP_BYTES
                                                  : max / 8;
    size_t total = (need + step - 1) / step * step;
    return total < max ? total : max;
}

/* No less than `total`; more if `hint` bytes of entries then fit. */
static size_t total_with_hint(const struct quicklist *q, size_t total,
                              size_t hint)
{
    size_t wish = hint + CHUNK_HEADER_BYTES;
    size_t max = chunk_total_max(q);
    wish = wish < max ? wish : max;
    return total > wish ? total : wish;
}

struct chunk *chunk_create_for(const struct quicklist *q,
                               const struct quicklist_memory *m, uint64_t bytes,
                               size_t hint, enum quicklist_end end)
{
    if (is_plain_bytes(q, bytes)) {
        return chunk_create_plain(m, bytes);
    }
    size_t total = chunk_total_for(q, bytes);
    if (total == 0 || hint > bytes) {
        total = total_with_hint(q, bytes + CHUNK_HEADER_BYTES, hint);
    }
    return chunk_create(m, total, end);
}

bool chunk_resize(struct quicklist *q, const struct quicklist_memory *m,
                  struct quicklist_at *at, size_t total, enum quicklist_end end)
{
    struct chunk *c = chunk_copy(m, at->chunk, total, end);
    if (c == NULL) {
        return false;
    }
    sequence_replace(q, m, at, c);
    return true;
}

/* --- the ends --- */

static inline struct chunk *chunk_at_end(const struct quicklist *q,
                                         enum quicklist_end end)
{
    return end == QUICKLIST_HEAD ? q->head : q->tail;
}

/* Where to write an outermost entry of `bytes`; NULL: there is no room. */
static inline uint8_t *end_take(struct quicklist *q, enum quicklist_end end,
                                uint64_t bytes)
{
    struct chunk *c = chunk_at_end(q, end);
    if (c == NULL || !chunk_takes_more(q, c)) {
        return NULL;
    }
    size_t offset = c->end;
    if (end == QUICKLIST_HEAD) {
        if (c->begin < bytes) {
            return NULL;
        }
        c->begin = (uint16_t)(c->begin - bytes);
        offset = c->begin;
    } else {
        if ((uint64_t)(c->cap - c->end) < bytes) {
            return NULL;
        }
        c->end = (uint16_t)(c->end + bytes);
    }
    c->count++;
    q->count++;
    return c->data + offset;
}

/* What an only chunk has to spare, it keeps at both ends. */
static void slide_for(const struct quicklist *q, struct chunk *c,
                      enum quicklist_end end, uint64_t bytes)
{
    size_t spare = chunk_free_bytes(c) - bytes;
    size_t other = q->head == q->tail ? spare / 2 : 0;
    chunk_slide(c, end == QUICKLIST_TAIL ? other : spare - other + bytes);
}

/* A chunk that is no longer pushed to gives back what it has to spare. */
static void chunk_trim(struct quicklist *q, const struct quicklist_memory *m,
                       struct quicklist_at *at, enum quicklist_end end)
{
    const struct chunk *c = at->chunk;
    if (chunk_free_bytes(c) > c->cap / 8u) {
        /* Without memory it stays as it is. */
        (void)chunk_resize(q, m, at, chunk_used(c) + CHUNK_HEADER_BYTES, end);
    }
}

enum status end_link(struct quicklist *q, const struct quicklist_memory *m,
                     enum quicklist_end end, struct chunk *c)
{
    struct quicklist_at at = {.chunk = chunk_at_end(q, end)};
    bool was_empty = at.chunk == NULL;
    if (c == NULL) {
        return ST_NOMEM;
    }
    enum status st = sequence_link(q, m, &at, end == QUICKLIST_TAIL, c);
    if (st != ST_OK) {
        chunk_destroy(m, c);
        return st;
    }
    if (!was_empty) {
        chunk_trim(q, m, &at, end == QUICKLIST_TAIL ? QUICKLIST_HEAD
                                                    : QUICKLIST_TAIL);
    }
    if (q->depth > 0) {
        squeeze_behind(q, m, end);
    }
    return ST_OK;
}

enum status end_make_room(struct quicklist *q, const struct quicklist_memory *m,
                          enum quicklist_end end, uint64_t bytes, size_t hint)
{
    struct quicklist_at at = {.chunk = chunk_at_end(q, end)};
    if (at.chunk != NULL && chunk_takes_more(q, at.chunk)) {
        struct chunk *c = at.chunk;
        size_t used = chunk_used(c);
        size_t total = chunk_total_for(q, used + bytes);
        /* In a large chunk, sliding for little room would soon be done again,
         * and again. */
        if (chunk_free_bytes(c) >= bytes + (total == 0 ? used / 16 : 0)) {
            slide_for(q, c, end, bytes);
            return ST_OK;
        }
        if (total > 0 && hint > bytes) {
            total = total_with_hint(q, used + bytes + CHUNK_HEADER_BYTES,
                                    used + hint);
        }
        if (total > 0) {
            return chunk_resize(q, m, &at, total, end) ? ST_OK : ST_NOMEM;
        }
    }
    return end_link(q, m, end, chunk_create_for(q, m, bytes, hint, end));
}

bool item_prepare(struct slice text, struct pack_item *item)
{
    if (text.len > LISTPACK_BYTES_MAX - PACK_HEAD_MAX - PACK_BACK_MAX) {
        return false;
    }
    *item = pack_item_of(text);
    return true;
}

static enum status push_plain(struct quicklist *q,
                              const struct quicklist_memory *m,
                              enum quicklist_end end,
                              const struct pack_item *item)
{
    struct chunk *c = chunk_create_plain(m, item->bytes);
    enum status st = end_link(q, m, end, c);
    if (st == ST_OK) {
        pack_write(c->data + c->begin, item);
        q->count++;
    }
    return st;
}

static enum status push_one(struct quicklist *q,
                            const struct quicklist_memory *m,
                            enum quicklist_end end, struct slice text,
                            size_t hint)
{
    struct pack_item item;
    if (!item_prepare(text, &item)) {
        return ST_RANGE;
    }
    uint8_t *to = end_take(q, end, item.bytes);
    if (__builtin_expect(to == NULL, 0)) {
        if (is_plain_bytes(q, item.bytes)) {
            return push_plain(q, m, end, &item);
        }
        enum status st = end_make_room(q, m, end, item.bytes, hint);
        if (st != ST_OK) {
            return st;
        }
        to = end_take(q, end, item.bytes);
        assert(to != NULL);
    }
    pack_write(to, &item);
    return ST_OK;
}

enum status quicklist_push(struct quicklist *q,
                           const struct quicklist_memory *m,
                           enum quicklist_end end, const struct slice *items,
                           size_t count)
{
    /* About what is still to come, so that chunks are made to measure. */
    size_t hint = 0;
    for (size_t i = 0; count > 1 && i < count; i++) {
        hint += items[i].len + 2;
    }
    for (size_t i = 0; i < count; i++) {
        enum status st = push_one(q, m, end, items[i], hint);
        if (st != ST_OK) {
            for (; i > 0; i--) {
                quicklist_pop(q, m, end);
            }
            return st;
        }
        hint -= count > 1 ? items[i].len + 2 : 0;
    }
    return ST_OK;
}

/* The chunk has more than one entry. `view` shows it, or is it. */
static inline void chunk_drop_end(struct chunk *c, const struct chunk *view,
                                  enum quicklist_end end)
{
    c->count--;
    if (end == QUICKLIST_HEAD) {
        c->begin = (uint16_t)(c->begin + pack_bytes(view->data + c->begin));
    } else {
        c->end = (uint16_t)(pack_before(view->data + c->end) - view->data);
    }
}

/* What the list has lost was all of a chunk, or lies in one that has remained
 * squeezed for lack of memory. */
static RARE void pop_rarely(struct quicklist *q,
                            const struct quicklist_memory *m,
                            enum quicklist_end end)
{
    struct quicklist_at at = {.chunk = chunk_at_end(q, end)};
    if (((const struct chunk *)at.chunk)->count == 1) {
        sequence_remove(q, m, &at);
        loosen_near(q, m, end);
        return;
    }
    loosen_near(q, m, end);
    at.chunk = chunk_at_end(q, end);
    at_enter(&at);
    chunk_drop_end(at.chunk, at_view(&at), end);
}

static RARE void shrink_end(struct quicklist *q,
                            const struct quicklist_memory *m,
                            enum quicklist_end end)
{
    struct quicklist_at at = {.chunk = chunk_at_end(q, end)};
    (void)chunk_resize(q, m, &at, chunk_sparse_total(at.chunk), end);
}

void quicklist_pop(struct quicklist *q, const struct quicklist_memory *m,
                   enum quicklist_end end)
{
    struct chunk *c = chunk_at_end(q, end);
    assert(q->count > 0);
    q->count--;
    if (__builtin_expect(c->count == 1 || chunk_is_closed(c), 0)) {
        pop_rarely(q, m, end);
        return;
    }
    chunk_drop_end(c, c, end);
    /* In a long list the next push finds the room of use. */
    if (q->middle == NULL && chunk_is_sparse(c)) {
        shrink_end(q, m, end);
    }
}

/* --- places --- */

void at_set(const struct quicklist *q, uint64_t index, struct quicklist_at *at)
{
    uint32_t local = sequence_seek(q, index, at);
    at_enter(at);
    at->offset = chunk_seek(at_view(at), local);
    at->index = index;
}

bool quicklist_seek(const struct quicklist *q, int64_t index,
                    struct quicklist_at *at)
{
    uint64_t count = q->count;
    uint64_t from_front = (uint64_t)index;
    if (index < 0) {
        uint64_t from_back = (uint64_t)(-(index + 1));
        if (from_back >= count) {
            return false;
        }
        from_front = count - 1 - from_back;
    }
    if (from_front >= count) {
        return false;
    }
    at_set(q, from_front, at);
    return true;
}

/* To the first entry of the next chunk. */
static RARE bool to_next_chunk(const struct quicklist *q,
                               struct quicklist_at *at)
{
    if (!sequence_next(q, at)) {
        return false;
    }
    at_enter(at);
    at->offset = ((const struct chunk *)at->chunk)->begin;
    return true;
}

static inline bool next_within(const struct quicklist *q,
                               struct quicklist_at *at,
                               const struct chunk *view)
{
    const uint8_t *p = view->data + at->offset;
    p += pack_bytes(p);
    at->index++;
    /* A plain one has one entry, and its end is 0. */
    if (p < view->data + view->end) {
        at->offset = (size_t)(p - view->data);
        return true;
    }
    return to_next_chunk(q, at);
}

static RARE bool next_in_window(const struct quicklist *q,
                                struct quicklist_at *at)
{
    return next_within(q, at, window_view(at));
}

bool quicklist_next(const struct quicklist *q, struct quicklist_at *at)
{
    if (__builtin_expect(at->visit != 0, 0)) {
        return next_in_window(q, at);
    }
    return next_within(q, at, at->chunk);
}

bool quicklist_prev(const struct quicklist *q, struct quicklist_at *at)
{
    const struct chunk *c = at_view(at);
    const uint8_t *p = c->data + at->offset;
    if (at->offset == c->begin) {
        if (!sequence_prev(q, at)) {
            return false;
        }
        at_enter(at);
        c = at_view(at);
        p = chunk_limit(c);
    }
    at->index--;
    at->offset = (size_t)(pack_before(p) - c->data);
    return true;
}

static bool find_forward(const struct quicklist *q, struct quicklist_at *at,
                         const struct pack_needle *n, uint64_t max)
{
    uint64_t start = at->index;
    do {
        const struct chunk *c = at_view(at);
        uint64_t passed;
        const uint8_t *p = pack_find(c->data + at->offset, chunk_limit(c), n,
                                     0, &passed);
        at->index += passed;
        if (p != NULL) {
            at->offset = (size_t)(p - c->data);
            return true;
        }
        if (at->index - start >= max || !to_next_chunk(q, at)) {
            return false;
        }
    } while (true);
}

static bool find_backward(const struct quicklist *q, struct quicklist_at *at,
                          const struct pack_needle *n, uint64_t max)
{
    uint64_t start = at->index;
    do {
        const struct chunk *c = at_view(at);
        uint64_t passed;
        const uint8_t *p = pack_find_back(chunk_first(c), c->data + at->offset,
                                          n, &passed);
        at->index -= passed;
        if (p != NULL) {
            at->offset = (size_t)(p - c->data);
            return true;
        }
        if (start - at->index >= max || !sequence_prev(q, at)) {
            return false;
        }
        at_enter(at);
        c = at_view(at);
        at->offset = (size_t)(pack_before(chunk_limit(c)) - c->data);
    } while (true);
}

bool quicklist_find(const struct quicklist *q, struct quicklist_at *at,
                    struct slice text, enum quicklist_end towards, uint64_t max)
{
    struct pack_needle n = pack_needle_of(text);
    return towards == QUICKLIST_TAIL ? find_forward(q, at, &n, max)
                                     : find_backward(q, at, &n, max);
}

struct listpack_value quicklist_get(const struct quicklist_at *at)
{
    const struct chunk *c = at_view(at);
    return pack_get(c->data + at->offset);
}

static RARE struct slice text_in_window(const struct quicklist_at *at,
                                        char *scratch)
{
    return listpack_value_text(quicklist_get(at), scratch);
}

struct slice quicklist_text(const struct quicklist_at *at, char *scratch)
{
    if (__builtin_expect(at->visit != 0, 0)) {
        return text_in_window(at, scratch);
    }
    const struct chunk *c = at->chunk;
    return listpack_value_text(pack_get(c->data + at->offset), scratch);
}

struct slice quicklist_chunk_entries(const struct quicklist_at *at,
                                     uint32_t *count)
{
    const struct chunk *c = at_view(at);
    *count = c->count;
    return slice_of(chunk_first(c), chunk_used(c));
}

bool quicklist_next_chunk(const struct quicklist *q, struct quicklist_at *at)
{
    const struct chunk *c = at_view(at);
    at->index += c->count - chunk_rank(c, at->offset);
    return to_next_chunk(q, at);
}

void quicklist_check(const struct quicklist *q,
                     const struct quicklist_memory *m)
{
    assert((q->head == NULL) == (q->tail == NULL));
    assert((q->head == NULL) == (q->count == 0));
    uint64_t count = 0;
    struct quicklist_at at = {.chunk = q->head};
    while (at.chunk != NULL) {
        const struct chunk *c = at.chunk;
        at_enter(&at);
        chunk_check(c, at_view(&at), m);
        assert(c->count <= q->limit_count);
        assert(chunk_is_closed(c) || c->cap + (size_t)CHUNK_HEADER_BYTES <=
                                        chunk_limit_bytes(q));
        count += c->count;
        (void)sequence_next(q, &at);
    }
    assert(count == q->count);
    sequence_check(q);
}
