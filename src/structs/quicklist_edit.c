/* quicklist_edit: changes in the middle, whole listpacks, compaction.
 *
 * An insertion tries, in this order: the room in the chunk, a larger chunk, the
 * neighbour if the place is on the edge, splitting the chunk, a chunk of its
 * own. A deletion that leaves a chunk sparse joins it with a neighbour, or
 * shrinks it. A squeezed chunk is loosened first, and squeezed again at the
 * end. */
#include "structs/quicklist_priv.h"

enum { DELETE_CHUNKS_MAX = 32 }; /* freed at once, where they may be kept */

/* --- inserting --- */

/* ST_AGAIN: the chunk cannot take it; nothing changed. */
static enum status chunk_put(struct quicklist *q,
                             const struct quicklist_memory *m,
                             struct quicklist_at *at, size_t offset,
                             const struct pack_item *item)
{
    struct chunk *c = at->chunk;
    if (!chunk_takes_more(q, c)) {
        return ST_AGAIN;
    }
    if (chunk_free_bytes(c) < item->bytes) {
        size_t total = chunk_total_for(q, chunk_used(c) + item->bytes);
        size_t before = offset - c->begin;
        if (total == 0) {
            return ST_AGAIN;
        }
        if (!chunk_resize(q, m, at, total, QUICKLIST_TAIL)) {
            return ST_NOMEM;
        }
        c = at->chunk;
        offset = c->begin + before;
    }
    offset = chunk_open(c, offset, item->bytes, 1);
    pack_write(c->data + offset, item);
    sequence_adjust(at, 1);
    q->count++;
    return ST_OK;
}

static size_t end_offset(const struct chunk *c)
{
    return (size_t)(chunk_limit(c) - c->data);
}

/* Into the chunk before or behind, at the edge towards this one. */
static enum status neighbour_put(struct quicklist *q,
                                 const struct quicklist_memory *m,
                                 struct quicklist_at near, bool is_next,
                                 const struct pack_item *item)
{
    if (!(is_next ? sequence_next(q, &near) : sequence_prev(q, &near))) {
        return ST_AGAIN;
    }
    const struct chunk *c = near.chunk;
    if (chunk_is_squeezed(c)) {
        if (c->count >= q->limit_count ||
            chunk_total_for(q, chunk_used(c) + item->bytes) == 0) {
            return ST_AGAIN;
        }
        enum status st = at_loosen(q, m, &near);
        if (st != ST_OK) {
            return st;
        }
        c = near.chunk;
    }
    return chunk_put(q, m, &near, is_next ? c->begin : end_offset(c), item);
}

static enum status own_chunk_put(struct quicklist *q,
                                 const struct quicklist_memory *m,
                                 struct quicklist_at *at, bool is_after,
                                 const struct pack_item *item)
{
    struct chunk *c = chunk_create_for(q, m, item->bytes, 0, QUICKLIST_TAIL);
    if (c == NULL) {
        return ST_NOMEM;
    }
    pack_write(c->data + c->begin, item);
    if (!chunk_is_plain(c)) {
        c->end = (uint16_t)(c->begin + item->bytes);
        c->count = 1;
    }
    enum status st = sequence_link(q, m, at, is_after, c);
    if (st != ST_OK) {
        chunk_destroy(m, c);
        return st;
    }
    q->count++;
    return ST_OK;
}

/* What lies from `offset` on, not all of the chunk, goes to a new one. */
static enum status chunk_split(struct quicklist *q,
                               const struct quicklist_memory *m,
                               struct quicklist_at *at, size_t offset)
{
    struct chunk *c = at->chunk;
    uint16_t moved = (uint16_t)(c->count - chunk_rank(c, offset));
    size_t bytes = c->end - offset;
    struct chunk *right = chunk_create(m, bytes + CHUNK_HEADER_BYTES,
                                       QUICKLIST_TAIL);
    if (right == NULL) {
        return ST_NOMEM;
    }
    memcpy(right->data, c->data + offset, bytes);
    right->end = (uint16_t)bytes;
    right->count = moved;
    bool has_node = at->node != NULL;
    c->count = (uint16_t)(c->count - moved);
    enum status st = sequence_link(q, m, at, true, right);
    if (st != ST_OK) {
        c->count = (uint16_t)(c->count + moved);
        chunk_destroy(m, right);
        return st;
    }
    c->end = (uint16_t)offset;
    if (has_node) {
        sequence_adjust(at, -(int64_t)moved);
    }
    return ST_OK;
}

/* Before the entry at `offset`, or at the chunk's end. */
static enum status insert_item(struct quicklist *q,
                               const struct quicklist_memory *m,
                               struct quicklist_at *at, size_t offset,
                               const struct pack_item *item)
{
    const struct chunk *c = at->chunk;
    bool is_front = offset == c->begin;
    bool is_back = offset == end_offset(c);
    bool is_plain = is_plain_bytes(q, item->bytes);
    enum status st = is_plain ? ST_AGAIN : chunk_put(q, m, at, offset, item);
    if (st != ST_AGAIN) {
        return st;
    }
    if (!is_front && !is_back) {
        st = chunk_split(q, m, at, offset);
        if (st != ST_OK) {
            return st;
        }
        c = at->chunk;
        st = is_plain ? ST_AGAIN : chunk_put(q, m, at, end_offset(c), item);
        if (st != ST_AGAIN) {
            return st;
        }
    }
    st = is_plain ? ST_AGAIN : neighbour_put(q, m, *at, !is_front, item);
    if (st != ST_AGAIN) {
        return st;
    }
    return own_chunk_put(q, m, at, !is_front, item);
}

static enum status insert_at(struct quicklist *q,
                             const struct quicklist_memory *m,
                             struct quicklist_at *at, bool is_after,
                             const struct pack_item *item)
{
    const struct chunk *c = at->chunk;
    size_t offset = at->offset;
    if (is_after) {
        offset += pack_bytes(c->data + offset);
    }
    return insert_item(q, m, at, offset, item);
}

enum status quicklist_insert(struct quicklist *q,
                             const struct quicklist_memory *m,
                             struct quicklist_at *at, bool is_after,
                             struct slice item)
{
    struct pack_item packed;
    struct quicklist_at place = *at;
    if (!item_prepare(item, &packed)) {
        return ST_RANGE;
    }
    enum status st = at_loosen(q, m, &place);
    if (st == ST_OK) {
        st = insert_at(q, m, &place, is_after, &packed);
        squeeze_again(q, m, at->index + is_after);
    }
    if (st != ST_OK) {
        /* The chunk may have been split. */
        at_set(q, at->index, at);
    }
    return st;
}

/* Within the chunk; false: it has no room. */
static bool replace_in_place(struct quicklist_at *at,
                             const struct pack_item *item)
{
    struct chunk *c = at->chunk;
    size_t offset = at->offset;
    uint64_t old_bytes = pack_bytes(c->data + offset);
    if (item->bytes > old_bytes) {
        if (item->bytes - old_bytes > chunk_free_bytes(c)) {
            return false;
        }
        offset = chunk_open(c, offset, item->bytes - old_bytes, 0);
    } else if (item->bytes < old_bytes) {
        if (chunk_is_plain(c)) {
            return false;
        }
        offset = chunk_cut(c, offset, offset + (old_bytes - item->bytes), 0);
    }
    pack_write(c->data + offset, item);
    return true;
}

/* --- deleting --- */

/* Joins the chunk, which is not squeezed, with its neighbour, whose place both
 * then have. */
static bool chunk_join(struct quicklist *q, const struct quicklist_memory *m,
                       const struct quicklist_at *at, bool is_next)
{
    struct quicklist_at near = *at;
    if (!(is_next ? sequence_next(q, &near) : sequence_prev(q, &near))) {
        return false;
    }
    const struct chunk *c = at->chunk;
    const struct chunk *other = near.chunk;
    size_t bytes = chunk_used(c) + chunk_used(other);
    if (chunk_is_plain(other) || bytes > chunk_total_max(q) / 4 * 3 ||
        c->count + other->count > (int)q->limit_count) {
        return false;
    }
    struct chunk *joint = chunk_create(m, bytes + CHUNK_HEADER_BYTES,
                                       QUICKLIST_TAIL);
    if (joint == NULL) {
        return false;
    }
    at_enter(&near);
    const struct chunk *other_view = at_view(&near);
    const struct chunk *first = is_next ? c : other_view;
    const struct chunk *second = is_next ? other_view : c;
    memcpy(joint->data, chunk_first(first), chunk_used(first));
    memcpy(joint->data + chunk_used(first), chunk_first(second),
           chunk_used(second));
    joint->end = (uint16_t)bytes;
    joint->count = (uint16_t)(c->count + other->count);
    sequence_replace(q, m, &near, joint);
    sequence_adjust(&near, c->count);
    sequence_remove(q, m, at);
    return true;
}

/* Without memory a sparse chunk stays sparse. */
static void chunk_tidy(struct quicklist *q, const struct quicklist_memory *m,
                       struct quicklist_at *at)
{
    if (!chunk_join(q, m, at, true) && !chunk_join(q, m, at, false)) {
        (void)chunk_resize(q, m, at, chunk_sparse_total(at->chunk),
                           QUICKLIST_TAIL);
    }
}

/* The element at `at`, of a chunk that is not squeezed. */
static void delete_one(struct quicklist *q, const struct quicklist_memory *m,
                       struct quicklist_at *at)
{
    struct chunk *c = at->chunk;
    q->count--;
    if (c->count == 1) {
        sequence_remove(q, m, at);
        return;
    }
    size_t to = at->offset + pack_bytes(c->data + at->offset);
    (void)chunk_cut(c, at->offset, to, 1);
    sequence_adjust(at, -1);
    if (chunk_is_sparse(c)) {
        chunk_tidy(q, m, at);
    }
}

enum status quicklist_replace(struct quicklist *q,
                              const struct quicklist_memory *m,
                              struct quicklist_at *at, struct slice item)
{
    struct pack_item packed;
    if (!item_prepare(item, &packed)) {
        return ST_RANGE;
    }
    enum status st = at_loosen(q, m, at);
    if (st == ST_OK && !replace_in_place(at, &packed)) {
        struct quicklist_at place = *at;
        st = insert_at(q, m, &place, true, &packed);
        if (st == ST_OK) {
            at_set(q, at->index, at);
            delete_one(q, m, at);
        }
    }
    squeeze_again(q, m, at->index);
    if (st != ST_OK) {
        at_set(q, at->index, at);
    }
    return st;
}

/* Removes `count` entries, not all, from the one at `local` on. */
static enum status chunk_delete(struct quicklist *q,
                                const struct quicklist_memory *m,
                                struct quicklist_at *at, uint32_t local,
                                uint32_t count)
{
    at_enter(at);
    const struct chunk *view = at_view(at);
    size_t from = chunk_seek(view, local);
    size_t to = chunk_seek(view, local + count);
    enum status st = at_loosen(q, m, at);
    struct chunk *c = at->chunk;
    if (st == ST_OK) {
        (void)chunk_cut(c, from, to, count);
    } else if (from == c->begin) {
        c->begin = (uint16_t)to;
        c->count = (uint16_t)(c->count - count);
    } else if (to == c->end) {
        c->end = (uint16_t)from;
        c->count = (uint16_t)(c->count - count);
    } else {
        return st;
    }
    sequence_adjust(at, -(int64_t)count);
    return ST_OK;
}

/* Up to *count elements of the chunk with element `index`; *count: how many. */
static enum status delete_in_chunk(struct quicklist *q,
                                   const struct quicklist_memory *m,
                                   uint64_t index, uint64_t *count)
{
    struct quicklist_at at;
    uint32_t local = sequence_seek(q, index, &at);
    const struct chunk *c = at.chunk;
    uint32_t rest = c->count - local;
    uint32_t gone = *count < rest ? (uint32_t)*count : rest;
    if (gone == c->count) {
        sequence_remove(q, m, &at);
    } else {
        enum status st = chunk_delete(q, m, &at, local, gone);
        if (st != ST_OK) {
            return st;
        }
    }
    q->count -= gone;
    *count = gone;
    return ST_OK;
}

static void tidy_around(struct quicklist *q, const struct quicklist_memory *m,
                        uint64_t index)
{
    struct quicklist_at at;
    if (index < q->count) {
        (void)sequence_seek(q, index, &at);
        if (chunk_is_sparse(at.chunk)) {
            chunk_tidy(q, m, &at);
        }
    }
}

enum status quicklist_delete(struct quicklist *q,
                             const struct quicklist_memory *m, uint64_t index,
                             uint64_t count, struct quicklist **removed)
{
    size_t chunks = 0;
    if (removed != NULL) {
        *removed = NULL;
    }
    if (index >= q->count) {
        return ST_OK;
    }
    if (count > q->count - index) {
        count = q->count - index;
    }
    while (count > 0) {
        if (removed != NULL && chunks++ == DELETE_CHUNKS_MAX) {
            count -= sequence_detach(q, m, index, index + count, removed);
            continue;
        }
        uint64_t gone = count;
        enum status st = delete_in_chunk(q, m, index, &gone);
        if (st != ST_OK) {
            assert(chunks <= 1); /* nothing has gone yet */
            return st;
        }
        count -= gone;
    }
    tidy_around(q, m, index);
    if (index > 0) {
        tidy_around(q, m, index - 1);
    }
    squeeze_again(q, m, index);
    return ST_OK;
}

/* Removes up to `max` entries equal to the needle, from the one at `at` on
 * towards `towards`, of a chunk that is not squeezed; how many. `at` is no
 * place afterwards. */
static uint64_t chunk_remove_equal(struct quicklist *q,
                                   const struct quicklist_memory *m,
                                   struct quicklist_at *at,
                                   const struct pack_needle *n,
                                   enum quicklist_end towards, uint64_t max)
{
    struct chunk *c = at->chunk;
    const uint8_t *p = c->data + at->offset;
    uint64_t gone = 0;
    while (p != NULL && gone < max) {
        uint64_t passed;
        gone++;
        if (c->count == 1) {
            sequence_remove(q, m, at);
            return gone;
        }
        size_t from = (size_t)(p - c->data);
        p = c->data + chunk_cut(c, from, from + pack_bytes(p), 1);
        if (towards == QUICKLIST_TAIL) {
            p = pack_find(p, chunk_limit(c), n, 0, &passed);
        } else {
            const uint8_t *first = chunk_first(c);
            p = p == first
                    ? NULL
                    : pack_find_back(first, pack_before(p), n, &passed);
        }
    }
    sequence_adjust(at, -(int64_t)gone);
    if (chunk_is_sparse(c)) {
        chunk_tidy(q, m, at);
    }
    return gone;
}

enum status quicklist_remove_equal(struct quicklist *q,
                                   const struct quicklist_memory *m,
                                   struct slice text,
                                   enum quicklist_end towards, uint64_t max,
                                   uint64_t *gone)
{
    struct pack_needle needle = pack_needle_of(text);
    bool forward = towards == QUICKLIST_TAIL;
    struct quicklist_at at;
    bool more = max > 0 && quicklist_seek(q, forward ? 0 : -1, &at);
    while (more && quicklist_find(q, &at, text, towards, UINT64_MAX)) {
        uint32_t before = chunk_rank(at_view(&at), at.offset);
        uint32_t count = ((const struct chunk *)at.chunk)->count;
        uint64_t first = at.index - before;
        enum status st = at_loosen(q, m, &at);
        if (st != ST_OK) {
            return st;
        }
        uint64_t n = chunk_remove_equal(q, m, &at, &needle, towards, max);
        q->count = (q->count - n) & QUICKLIST_COUNT_MAX;
        max -= n;
        *gone += n;
        squeeze_again(q, m, first);
        uint64_t next = forward ? first + count - n : first - 1;
        more = max > 0 && next < q->count;
        if (more) {
            at_set(q, next, &at);
        }
    }
    return ST_OK;
}

/* --- whole listpacks --- */

/* Copies as many entries as the last chunk has room for; how many bytes. */
static size_t append_run(struct quicklist *q, struct slice entries)
{
    struct chunk *c = q->tail;
    if (c == NULL || chunk_is_closed(c)) {
        return 0;
    }
    size_t room = (size_t)(c->cap - c->end);
    size_t bytes = 0;
    uint32_t count = 0;
    while (bytes < entries.len && c->count + count < q->limit_count) {
        uint64_t n = pack_bytes(entries.data + bytes);
        if (n > room - bytes) {
            break;
        }
        bytes += n;
        count++;
    }
    memcpy(c->data + c->end, entries.data, bytes);
    c->end = (uint16_t)(c->end + bytes);
    c->count = (uint16_t)(c->count + count);
    q->count += count;
    return bytes;
}

static enum status append_plain(struct quicklist *q,
                                const struct quicklist_memory *m,
                                struct slice entry)
{
    struct chunk *c = chunk_create_plain(m, entry.len);
    if (c != NULL) {
        memcpy(c->data + c->begin, entry.data, entry.len);
    }
    enum status st = end_link(q, m, QUICKLIST_TAIL, c);
    q->count += st == ST_OK;
    return st;
}

static enum status append_entries(struct quicklist *q,
                                  const struct quicklist_memory *m,
                                  struct slice entries)
{
    while (entries.len > 0) {
        size_t bytes = append_run(q, entries);
        if (bytes == 0) {
            uint64_t next = pack_bytes(entries.data);
            bool is_plain = is_plain_bytes(q, next);
            enum status st =
                is_plain ? append_plain(q, m, slice_of(entries.data, next))
                         : end_make_room(q, m, QUICKLIST_TAIL, next,
                                         entries.len);
            if (st != ST_OK) {
                return st;
            }
            bytes = is_plain ? next : 0;
        }
        entries = slice_of(entries.data + bytes, entries.len - bytes);
    }
    return ST_OK;
}

enum status quicklist_append_listpack(struct quicklist *q,
                                      const struct quicklist_memory *m,
                                      const uint8_t *lp)
{
    uint64_t old_count = q->count;
    enum status st = append_entries(
        q, m, listpack_entries(lp, LISTPACK_HEADER_BYTES, listpack_end(lp)));
    if (st != ST_OK) {
        enum status undone = quicklist_delete(q, m, old_count, UINT64_MAX,
                                              NULL);
        assert(undone == ST_OK); /* up to an end, so it needs no memory */
    }
    return st;
}

size_t quicklist_listpack_bytes(const struct quicklist *q, size_t max)
{
    size_t bytes = LISTPACK_EMPTY_BYTES;
    struct quicklist_at at = {.chunk = q->head};
    while (at.chunk != NULL && bytes <= max) {
        bytes += chunk_used(at.chunk);
        (void)sequence_next(q, &at);
    }
    return bytes <= max ? bytes : 0;
}

void quicklist_write_listpack(const struct quicklist *q, uint8_t *lp)
{
    struct quicklist_at at = {.chunk = q->head};
    listpack_init(lp);
    while (at.chunk != NULL) {
        uint32_t count;
        at_enter(&at);
        struct slice entries = quicklist_chunk_entries(&at, &count);
        listpack_insert_entries(lp, listpack_end(lp), entries, count);
        (void)sequence_next(q, &at);
    }
}

/* --- compaction --- */

static void chunk_compact(struct quicklist *q, const struct quicklist_memory *m,
                          struct quicklist_at *at)
{
    const struct chunk *c = at->chunk;
    if (!chunk_is_cell(c) || !slab_is_source(m->heap, c)) {
        /* It stays. */
    } else if (chunk_is_squeezed(c)) {
        struct chunk *to = squeezed_copy(m, c);
        if (to != NULL) {
            sequence_replace(q, m, at, to);
        }
    } else {
        (void)chunk_resize(q, m, at, chunk_bytes(c),
                           c == q->head && c != q->tail ? QUICKLIST_HEAD
                                                        : QUICKLIST_TAIL);
    }
    sequence_compact(q, m, at);
}

uint64_t quicklist_compact(struct quicklist *q,
                           const struct quicklist_memory *m, uint64_t cursor,
                           size_t chunks_max)
{
    if (cursor >= q->count) {
        return 0;
    }
    struct quicklist_at at;
    cursor -= sequence_seek(q, cursor, &at);
    for (; chunks_max > 0 && at.chunk != NULL; chunks_max--) {
        chunk_compact(q, m, &at);
        cursor += ((const struct chunk *)at.chunk)->count;
        (void)sequence_next(q, &at);
    }
    return cursor < q->count ? cursor : 0;
}

struct quicklist *quicklist_compact_handle(struct quicklist *q,
                                           const struct quicklist_memory *m)
{
    if (!slab_is_source(m->heap, q)) {
        return q;
    }
    struct quicklist *to = slab_alloc(m->heap, sizeof *to);
    if (to == NULL) {
        return q;
    }
    *to = *q;
    slab_free(m->heap, q);
    return to;
}
