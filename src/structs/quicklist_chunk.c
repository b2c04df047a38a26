/* quicklist_chunk: the memory of a chunk and the entries in it. The layout is
 * in quicklist_priv.h. */
#include "structs/quicklist_priv.h"

static struct chunk *chunk_alloc(const struct quicklist_memory *m, size_t total)
{
    return total <= SLAB_CELL_MAX ? slab_alloc(m->heap, total)
                                  : mem_alloc(m->account, total);
}

struct chunk *chunk_create(const struct quicklist_memory *m, size_t total,
                           enum quicklist_end end)
{
    total = total <= SLAB_CELL_MAX ? slab_class_bytes(total) : total;
    struct chunk *c = chunk_alloc(m, total);
    if (c == NULL) {
        return NULL;
    }
    assert(total > CHUNK_HEADER_BYTES);
    assert(total - CHUNK_HEADER_BYTES <= UINT16_MAX);
    *c = (struct chunk){.cap = (uint16_t)(total - CHUNK_HEADER_BYTES)};
    c->begin = end == QUICKLIST_HEAD ? c->cap : 0;
    c->end = c->begin;
    return c;
}

struct chunk *chunk_create_plain(const struct quicklist_memory *m,
                                 uint64_t bytes)
{
    struct chunk *c = mem_alloc(
        m->account, CHUNK_HEADER_BYTES + PLAIN_LENGTH_BYTES + bytes);
    if (c != NULL) {
        *c = (struct chunk){.begin = PLAIN_LENGTH_BYTES, .count = 1};
        memcpy(c->data, &bytes, sizeof bytes);
    }
    return c;
}

void chunk_destroy(const struct quicklist_memory *m, struct chunk *c)
{
    if (chunk_is_cell(c)) {
        slab_free(m->heap, c);
    } else {
        mem_free(m->account, c);
    }
}

size_t chunk_bytes(const struct chunk *c)
{
    if (!chunk_is_cell(c)) {
        return mem_usable(c);
    }
    return chunk_is_squeezed(c) ? slab_class_bytes(squeezed_total(c))
                                : c->cap + (size_t)CHUNK_HEADER_BYTES;
}

struct chunk *chunk_copy(const struct quicklist_memory *m,
                         const struct chunk *c, size_t total,
                         enum quicklist_end end)
{
    size_t used = chunk_used(c);
    assert(!chunk_is_closed(c));
    assert(total >= used + CHUNK_HEADER_BYTES);
    struct chunk *to = chunk_create(m, total, end);
    if (to == NULL) {
        return NULL;
    }
    if (end == QUICKLIST_HEAD) {
        to->begin = (uint16_t)(to->end - used);
    } else {
        to->end = (uint16_t)used;
    }
    to->count = c->count;
    memcpy(to->data + to->begin, chunk_first(c), used);
    return to;
}

void chunk_slide(struct chunk *c, size_t front)
{
    size_t used = chunk_used(c);
    assert(front + used <= c->cap);
    memmove(c->data + front, c->data + c->begin, used);
    c->begin = (uint16_t)front;
    c->end = (uint16_t)(front + used);
}

size_t chunk_open(struct chunk *c, size_t offset, size_t bytes, uint32_t count)
{
    size_t before = offset - c->begin;
    size_t after = c->end - offset;
    assert(bytes <= chunk_free_bytes(c));
    c->count = (uint16_t)(c->count + count);
    bool fits_front = c->begin >= bytes;
    bool fits_back = (size_t)(c->cap - c->end) >= bytes;
    if (fits_front && (before < after || !fits_back)) {
        memmove(c->data + c->begin - bytes, c->data + c->begin, before);
        c->begin = (uint16_t)(c->begin - bytes);
        return offset - bytes;
    }
    if (!fits_back) {
        chunk_slide(c, 0);
        offset = before;
    }
    memmove(c->data + offset + bytes, c->data + offset, after);
    c->end = (uint16_t)(c->end + bytes);
    return offset;
}

size_t chunk_cut(struct chunk *c, size_t from, size_t to, uint32_t count)
{
    size_t before = from - c->begin;
    size_t after = c->end - to;
    assert(from >= c->begin);
    assert(to <= c->end);
    assert(count < c->count);
    c->count = (uint16_t)(c->count - count);
    if (before < after) {
        memmove(c->data + to - before, c->data + c->begin, before);
        c->begin = (uint16_t)(to - before);
        return to;
    }
    memmove(c->data + from, c->data + to, after);
    c->end = (uint16_t)(from + after);
    return from;
}

size_t chunk_seek(const struct chunk *c, uint32_t index)
{
    assert(index <= c->count);
    const uint8_t *p;
    if (index <= c->count / 2) {
        p = chunk_first(c);
        for (uint32_t i = 0; i < index; i++) {
            p += pack_bytes(p);
        }
    } else {
        p = chunk_limit(c);
        for (uint32_t i = c->count; i > index; i--) {
            p = pack_before(p);
        }
    }
    return (size_t)(p - c->data);
}

uint32_t chunk_rank(const struct chunk *c, size_t offset)
{
    uint32_t rank = 0;
    const uint8_t *p = chunk_first(c);
    for (; p < c->data + offset; rank++) {
        p += pack_bytes(p);
    }
    assert(p == c->data + offset);
    return rank;
}

void chunk_check(const struct chunk *c, const struct chunk *view,
                 const struct quicklist_memory *m)
{
    assert(c->count > 0);
    assert(view->count == c->count);
    assert(view->begin == c->begin);
    if (chunk_is_plain(c)) {
        assert(c->count == 1);
        assert(c->begin == PLAIN_LENGTH_BYTES);
    } else {
        assert(c->begin <= c->end);
        assert(c->end <= view->cap);
        assert(view->end == c->end);
    }
    if (chunk_is_cell(c)) {
        assert(slab_cell_bytes(m->heap, c) == chunk_bytes(c));
    }
    const uint8_t *p = chunk_first(view);
    for (uint32_t i = 0; i < c->count; i++) {
        const uint8_t *next = p + pack_bytes(p);
        assert(next <= chunk_limit(view));
        assert(pack_before(next) == p);
        p = next;
    }
    assert(p == chunk_limit(view));
}
