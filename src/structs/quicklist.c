/* quicklist: making one, its ends, walking and searching. Changes elsewhere are
 * in quicklist_edit.c; quicklist_priv.h explains the layout. */
#include "structs/quicklist_priv.h"

/* --- making and freeing --- */

static void limit_set(struct quicklist *q, int chunk_limit)
{
    if (chunk_limit < 0) {
        int size = chunk_limit < -LIMIT_SIZES ? LIMIT_SIZES : -chunk_limit;
        q->limit_size = (uint64_t)(size - 1) & 15;
        q->limit_count = UINT16_MAX;
        return;
    }
    if (chunk_limit == 0) {
        chunk_limit = 1;
    } else if (chunk_limit > LIMIT_COUNT_MAX) {
        chunk_limit = LIMIT_COUNT_MAX;
    }
    q->limit_size = 1; /* 8 KB: so large may a counted chunk be */
    q->limit_count = (uint16_t)chunk_limit;
}

struct quicklist *quicklist_create(const struct quicklist_memory *m,
                                   int chunk_limit)
{
    struct quicklist *q = slab_alloc(m->heap, sizeof *q);
    if (q != NULL) {
        *q = (struct quicklist){.count = 0};
        limit_set(q, chunk_limit);
    }
    return q;
}

struct quicklist *quicklist_create_like(const struct quicklist_memory *m,
                                        const struct quicklist *like)
{
    struct quicklist *q = slab_alloc(m->heap, sizeof *q);
    if (q != NULL) {
        *q = (struct quicklist){.limit_size = like->limit_size,
                                .limit_count = like->limit_count};
    }
    return q;
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

size_t quicklist_chunk_count(const struct quicklist *q)
{
    struct quicklist_at at = {.chunk = q->head};
    size_t count = 0;
    for (; at.chunk != NULL; count++) {
        (void)sequence_next(q, &at);
    }
    return count;
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

/* --- the size of chunks --- */

size_t chunk_total_max(const struct quicklist *q)
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

size_t chunk_total_for(const struct quicklist *q, size_t used)
{
    size_t max = chunk_total_max(q);
    size_t need = used + CHUNK_HEADER_BYTES;
    if (need > max) {
        return 0;
    }
    size_t step = q->middle != NULL   ? max / 4
                  : need <= max / 2   ? CHUNK_STEP_BYTES
                                      : 2 * CHUNK_STEP_BYTES;
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
    if (!chunk_is_plain(c) && chunk_free_bytes(c) > c->cap / 8u) {
        /* Without memory it stays as it is. */
        (void)chunk_resize(q, m, at, chunk_used(c) + CHUNK_HEADER_BYTES, end);
    }
}

/* Links a new outermost chunk. */
static enum status end_link(struct quicklist *q,
                            const struct quicklist_memory *m,
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

void quicklist_pop(struct quicklist *q, const struct quicklist_memory *m,
                   enum quicklist_end end)
{
    struct quicklist_at at = {.chunk = chunk_at_end(q, end)};
    struct chunk *c = at.chunk;
    assert(q->count > 0);
    q->count--;
    if (c->count == 1) {
        sequence_remove(q, m, &at);
        return;
    }
    c->count--;
    if (end == QUICKLIST_HEAD) {
        c->begin = (uint16_t)(c->begin + pack_bytes(c->data + c->begin));
    } else {
        c->end = (uint16_t)(pack_before(c->data + c->end) - c->data);
    }
    /* In a long list the next push finds the room of use. */
    if (q->middle == NULL && chunk_is_sparse(c)) {
        (void)chunk_resize(q, m, &at, chunk_sparse_total(c), end);
    }
}

/* --- places --- */

void at_set(const struct quicklist *q, uint64_t index, struct quicklist_at *at)
{
    uint32_t local = sequence_seek(q, index, at);
    at->offset = chunk_seek(at->chunk, local);
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

bool quicklist_next(const struct quicklist *q, struct quicklist_at *at)
{
    const struct chunk *c = at->chunk;
    const uint8_t *p = c->data + at->offset;
    p += pack_bytes(p);
    at->index++;
    if (p < chunk_limit(c)) {
        at->offset = (size_t)(p - c->data);
        return true;
    }
    if (!sequence_next(q, at)) {
        return false;
    }
    at->offset = ((const struct chunk *)at->chunk)->begin;
    return true;
}

bool quicklist_prev(const struct quicklist *q, struct quicklist_at *at)
{
    const struct chunk *c = at->chunk;
    const uint8_t *p = c->data + at->offset;
    if (at->offset == c->begin) {
        if (!sequence_prev(q, at)) {
            return false;
        }
        c = at->chunk;
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
        const struct chunk *c = at->chunk;
        uint64_t passed;
        const uint8_t *p = pack_find(c->data + at->offset, chunk_limit(c), n,
                                     0, &passed);
        at->index += passed;
        if (p != NULL) {
            at->offset = (size_t)(p - c->data);
            return true;
        }
        if (at->index - start >= max || !sequence_next(q, at)) {
            return false;
        }
        at->offset = ((const struct chunk *)at->chunk)->begin;
    } while (true);
}

static bool find_backward(const struct quicklist *q, struct quicklist_at *at,
                          const struct pack_needle *n, uint64_t max)
{
    uint64_t start = at->index;
    do {
        const struct chunk *c = at->chunk;
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
        c = at->chunk;
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
    const struct chunk *c = at->chunk;
    return pack_get(c->data + at->offset);
}

struct slice quicklist_text(const struct quicklist_at *at, char *scratch)
{
    return listpack_value_text(quicklist_get(at), scratch);
}

struct slice quicklist_chunk_entries(const struct quicklist_at *at,
                                     uint32_t *count)
{
    const struct chunk *c = at->chunk;
    *count = c->count;
    return slice_of(chunk_first(c), chunk_used(c));
}

bool quicklist_next_chunk(const struct quicklist *q, struct quicklist_at *at)
{
    const struct chunk *c = at->chunk;
    at->index += c->count - chunk_rank(c, at->offset);
    if (!sequence_next(q, at)) {
        return false;
    }
    at->offset = ((const struct chunk *)at->chunk)->begin;
    return true;
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
        chunk_check(c, m);
        assert(c->count <= q->limit_count);
        assert(chunk_is_plain(c) || c->cap + (size_t)CHUNK_HEADER_BYTES <=
                                        chunk_limit_bytes(q));
        count += c->count;
        (void)sequence_next(q, &at);
    }
    assert(count == q->count);
    sequence_check(q);
}
