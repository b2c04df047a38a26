/* quicklist_squeeze: chunks that lie deep in a list are kept as LZF, the format
 * of dumps, which <lzf.h> reads and writes.
 *
 * Rule:      a chunk that has at least `depth` others on either side is
 *            squeezed, if that saves an eighth of it, and it has
 *            SQUEEZE_BYTES_MIN at least and UINT16_MAX at most; so an element
 *            of up to 64 KB with a chunk of its own is, too. Any other chunk is
 *            loose. Only where memory was lacking when a chunk should have been
 *            made what its place asks for, it is something else, until the next
 *            chance.
 * Reading:   changes nothing in the list, and so neither its bytes nor what
 *            moves it nor who else may read it. The entries are unpacked into
 *            the window, a buffer of the thread's own that is large enough for
 *            every chunk. So no read can lack memory, and nobody has to hand a
 *            buffer down to here. A place remembers its visit to a chunk, by
 *            number; if the window shows another visit by then, since the
 *            thread has read elsewhere, the chunk is unpacked anew. So places do
 *            not disturb each other, though what they point at is short-lived.
 * Changing:  makes the chunk loose first, which may lack memory. What must not
 *            fail does without: whole chunks go as they are, and entries at
 *            either edge by a move of begin and end.
 * Stack:     lzf_compress keeps a table of 256 KB there, and what it writes
 *            lies beside. */
#include <lzf.h>

#include "structs/quicklist_priv.h"

enum { SQUEEZE_BYTES_MIN = 48, SQUEEZE_SHARE = 8 };

/* What a chunk looks like while it is read; a thread's own. */
static _Thread_local struct window {
    uint64_t visit;      /* that it shows; 0: none */
    uint64_t last_visit; /* that was begun */
    _Alignas(struct chunk) uint8_t chunk[CHUNK_HEADER_BYTES + UINT16_MAX];
} window;

/* --- reading --- */

static void unpack(const struct chunk *c, uint8_t *to)
{
    const struct squeezed *s = squeezed_of(c);
    unsigned n = lzf_decompress(s->lzf, s->lzf_bytes, to, s->raw_bytes);
    assert(n == s->raw_bytes);
}

uint64_t window_visit(void)
{
    return ++window.last_visit;
}

const struct chunk *window_view(const struct quicklist_at *at)
{
    struct window *w = &window;
    struct chunk *view = (struct chunk *)(void *)w->chunk;
    if (w->visit != at->visit) {
        const struct chunk *c = at->chunk;
        w->visit = at->visit;
        *view = *c;
        view->cap = squeezed_of(c)->raw_bytes;
        unpack(c, view->data);
    }
    return view;
}

/* --- one chunk --- */

static struct chunk *squeezed_alloc(const struct quicklist_memory *m,
                                    size_t lzf_bytes)
{
    size_t total = CHUNK_HEADER_BYTES + sizeof(struct squeezed) + lzf_bytes;
    return total <= SLAB_CELL_MAX ? slab_alloc(m->heap, total)
                                  : mem_alloc(m->account, total);
}

struct chunk *squeezed_copy(const struct quicklist_memory *m,
                            const struct chunk *c)
{
    struct chunk *to = squeezed_alloc(m, squeezed_of(c)->lzf_bytes);
    if (to != NULL) {
        memcpy(to, c, squeezed_total(c));
    }
    return to;
}

/* Writes the entries of a loose chunk to `lzf`, of UINT16_MAX; how many bytes.
 * 0: it is not worth it. */
static size_t pack(const struct chunk *c, uint8_t *lzf)
{
    size_t raw = chunk_used(c);
    if (raw < SQUEEZE_BYTES_MIN || raw > UINT16_MAX) {
        return 0;
    }
    size_t most = raw - raw / SQUEEZE_SHARE - sizeof(struct squeezed);
    return lzf_compress(chunk_first(c), (unsigned)raw, lzf, (unsigned)most);
}

/* A squeezed copy; NULL: it is not worth it, or out of memory. */
static struct chunk *chunk_squeeze(const struct quicklist_memory *m,
                                   const struct chunk *c)
{
    uint8_t lzf[UINT16_MAX];
    size_t bytes = pack(c, lzf);
    struct chunk *to = bytes == 0 ? NULL : squeezed_alloc(m, bytes);
    if (to != NULL) {
        size_t raw = chunk_used(c);
        struct squeezed head = {(uint16_t)raw, (uint16_t)bytes};
        *to = (struct chunk){.end = (uint16_t)raw, .count = c->count};
        memcpy(to->data, &head, sizeof head);
        memcpy(to->data + sizeof head, lzf, bytes);
    }
    return to;
}

static struct chunk *chunk_loosen(const struct quicklist *q,
                                  const struct quicklist_memory *m,
                                  const struct chunk *c)
{
    size_t raw = squeezed_of(c)->raw_bytes;
    bool is_plain = is_plain_bytes(q, raw);
    struct chunk *to = is_plain ? chunk_create_plain(m, raw)
                                : chunk_create(m, raw + CHUNK_HEADER_BYTES,
                                               QUICKLIST_TAIL);
    if (to != NULL) {
        unpack(c, to->data + to->begin);
        to->count = c->count;
        if (!is_plain) {
            to->begin = c->begin;
            to->end = c->end;
        }
    }
    return to;
}

enum status at_loosen(struct quicklist *q, const struct quicklist_memory *m,
                      struct quicklist_at *at)
{
    const struct chunk *c = at->chunk;
    if (!chunk_is_squeezed(c)) {
        return ST_OK;
    }
    struct chunk *to = chunk_loosen(q, m, c);
    if (to == NULL) {
        return ST_NOMEM;
    }
    if (chunk_is_plain(to)) {
        at->offset = to->begin;
    }
    sequence_replace(q, m, at, to);
    at->visit = 0;
    return ST_OK;
}

/* --- which chunks --- */

static bool is_deep(const struct quicklist *q, const struct quicklist_at *at)
{
    struct quicklist_at before = *at;
    struct quicklist_at behind = *at;
    for (uint32_t i = 0; i < q->depth; i++) {
        if (!sequence_prev(q, &before) || !sequence_next(q, &behind)) {
            return false;
        }
    }
    return q->depth > 0;
}

static void squeeze_if_deep(struct quicklist *q,
                            const struct quicklist_memory *m,
                            struct quicklist_at *at)
{
    if (chunk_is_squeezed(at->chunk) || !is_deep(q, at)) {
        return;
    }
    struct chunk *c = chunk_squeeze(m, at->chunk);
    if (c != NULL) {
        sequence_replace(q, m, at, c);
    }
}

static struct quicklist_at outermost(const struct quicklist *q,
                                     enum quicklist_end end)
{
    return (struct quicklist_at){.chunk = end == QUICKLIST_HEAD ? q->head
                                                                : q->tail};
}

static bool step_inwards(const struct quicklist *q, struct quicklist_at *at,
                         enum quicklist_end end)
{
    return end == QUICKLIST_HEAD ? sequence_next(q, at) : sequence_prev(q, at);
}

void squeeze_behind(struct quicklist *q, const struct quicklist_memory *m,
                    enum quicklist_end end)
{
    struct quicklist_at at = outermost(q, end);
    for (uint32_t i = 0; i < q->depth; i++) {
        if (!step_inwards(q, &at, end)) {
            return;
        }
    }
    squeeze_if_deep(q, m, &at);
}

void loosen_near(struct quicklist *q, const struct quicklist_memory *m,
                 enum quicklist_end end)
{
    struct quicklist_at at = outermost(q, end);
    for (uint32_t i = 0; i < q->depth && at.chunk != NULL; i++) {
        if (at_loosen(q, m, &at) != ST_OK) {
            return;
        }
        (void)step_inwards(q, &at, end);
    }
}

/* The chunks with the elements beside `index`: no change reaches further. */
static void squeeze_around(struct quicklist *q,
                           const struct quicklist_memory *m, uint64_t index)
{
    struct quicklist_at at;
    uint64_t from = index > 0 ? index - 1 : 0;
    if (from >= q->count) {
        return;
    }
    from -= sequence_seek(q, from, &at);
    while (at.chunk != NULL && from <= index + 1) {
        squeeze_if_deep(q, m, &at);
        from += ((const struct chunk *)at.chunk)->count;
        (void)sequence_next(q, &at);
    }
}

void squeeze_again(struct quicklist *q, const struct quicklist_memory *m,
                   uint64_t index)
{
    if (q->depth == 0 || q->head == NULL) {
        return;
    }
    loosen_near(q, m, QUICKLIST_HEAD);
    loosen_near(q, m, QUICKLIST_TAIL);
    squeeze_around(q, m, index);
    squeeze_behind(q, m, QUICKLIST_HEAD);
    squeeze_behind(q, m, QUICKLIST_TAIL);
}

void quicklist_check_depth(const struct quicklist *q)
{
    struct quicklist_at at = outermost(q, QUICKLIST_HEAD);
    for (; at.chunk != NULL; (void)sequence_next(q, &at)) {
        uint8_t lzf[UINT16_MAX];
        if (chunk_is_squeezed(at.chunk)) {
            assert(is_deep(q, &at));
        } else if (is_deep(q, &at)) {
            assert(pack(at.chunk, lzf) == 0);
        }
    }
}
