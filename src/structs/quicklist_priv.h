/* quicklist_priv: the layout, for quicklist*.c alone.
 *
 * Layout:    the first and the last chunk hang on the list itself, so that the
 *            ends are pushed to and popped from without a look at the others.
 *            Those between hang on a treap in list order: a node knows how many
 *            elements its left subtree has, so an index finds its chunk. A list
 *            of up to two chunks has no treap.
 * Chunk:     header | slack | entries | slack. A chunk that is pushed to at the
 *            front keeps its slack there: nothing moves. A chunk with cap 0 is
 *            closed: nothing is added to it. If its end is 0 it is plain: it
 *            holds one entry, larger than a chunk may be, and its length before
 *            it. Else it is squeezed (quicklist_squeeze.c): it holds LZF of
 *            what would be its data, in which begin and end are offsets.
 * Sizes:     a chunk grows in steps up to a sixteenth of the list, at least
 *            CHUNK_SMALL_BYTES (cells of the heap, whose classes are close
 *            together), at most what the list's limit says.
 * Invariant: no chunk is empty. count is the sum over the chunks; a node's
 *            counts are those of its chunk and its left subtree, its bytes
 *            likewise; middle->bytes is all that hangs on it.
 * Balance:   priorities are random, so the treap's depth is O(log n) expected,
 *            whatever the order of insertion (Seidel and Aragon, "Randomized
 *            search trees", 1996). */
#ifndef ENGRAM_STRUCTS_QUICKLIST_PRIV_H
#define ENGRAM_STRUCTS_QUICKLIST_PRIV_H

#include "structs/listpack_priv.h"
#include "structs/quicklist.h"

struct chunk {
    uint16_t cap; /* of data; 0: closed */
    uint16_t begin, end;
    uint16_t count;
    uint8_t data[];
};

/* The data of a squeezed chunk. */
struct squeezed {
    uint16_t raw_bytes, lzf_bytes;
    uint8_t lzf[];
};

enum {
    CHUNK_HEADER_BYTES = sizeof(struct chunk),
    PLAIN_LENGTH_BYTES = 8, /* before the entry of a plain chunk */
    CHUNK_SMALL_BYTES = 1024,
    CHUNK_STEP_BYTES = 32, /* by which small chunks grow, at least */
    CHUNK_SPARSE_MIN = 64,
    CHUNK_LIST_SHARE = 16, /* a chunk is at most this part of the list */
    LIMIT_SIZES = 5,       /* -1..-5 */
    LIMIT_BYTES_MIN = 4096,
    LIMIT_COUNT_MAX = 32767,
    DEPTH_MAX = UINT16_MAX,
};
static_assert((LIMIT_BYTES_MIN << (LIMIT_SIZES - 1)) - CHUNK_HEADER_BYTES <=
                  UINT16_MAX,
              "offsets in a chunk fit 16 bits");

struct node {
    struct node *left, *right, *parent;
    struct chunk *chunk;
    size_t bytes; /* of this and of its chunk */
    /* elements and bytes in the left subtree */
    uint64_t left_count;
    size_t left_bytes;
    uint32_t count;
    uint32_t priority; /* a parent's is not less */
};
static_assert(sizeof(struct node) == 64, "a node is one cache line");

/* What lies between the first and the last chunk. */
struct middle {
    struct node *root;
    size_t bytes; /* of this, of the nodes and of their chunks */
    uint64_t seed;
};

#define QUICKLIST_COUNT_MAX ((UINT64_C(1) << 44) - 1)

struct quicklist {
    uint64_t count : 44;
    uint64_t limit_size : 4;   /* a chunk has LIMIT_BYTES_MIN << this */
    uint64_t limit_count : 16; /* elements a chunk */
    uint16_t depth;            /* list-compress-depth */
    int16_t limit;             /* as it was given */
    struct chunk *head, *tail; /* the same one if there is only one */
    struct middle *middle;     /* NULL: at most two chunks */
};

/* --- chunks (quicklist_chunk.c) --- */

static inline bool chunk_is_closed(const struct chunk *c)
{
    return c->cap == 0;
}

static inline bool chunk_is_plain(const struct chunk *c)
{
    return chunk_is_closed(c) && c->end == 0;
}

static inline bool chunk_is_squeezed(const struct chunk *c)
{
    return chunk_is_closed(c) && c->end != 0;
}

static inline const struct squeezed *squeezed_of(const struct chunk *c)
{
    return (const struct squeezed *)(const void *)c->data;
}

/* As many bytes were asked for. */
static inline size_t squeezed_total(const struct chunk *c)
{
    return CHUNK_HEADER_BYTES + sizeof(struct squeezed) +
           squeezed_of(c)->lzf_bytes;
}

/* The first entry. This and what is built on it is not for a squeezed chunk but
 * for its view. */
static inline const uint8_t *chunk_first(const struct chunk *c)
{
    return c->data + c->begin;
}

/* Bytes of its entries, squeezed or not. */
static inline size_t chunk_used(const struct chunk *c)
{
    if (__builtin_expect(chunk_is_plain(c), 0)) {
        uint64_t n;
        memcpy(&n, c->data, sizeof n);
        return n;
    }
    return (size_t)(c->end - c->begin);
}

static inline size_t chunk_free_bytes(const struct chunk *c)
{
    return chunk_is_closed(c) ? 0 : c->cap - chunk_used(c);
}

/* Is it a cell of the heap? */
static inline bool chunk_is_cell(const struct chunk *c)
{
    if (chunk_is_closed(c)) {
        return !chunk_is_plain(c) && squeezed_total(c) <= SLAB_CELL_MAX;
    }
    return c->cap + (size_t)CHUNK_HEADER_BYTES <= SLAB_CELL_MAX;
}

/* The byte behind the last entry. */
static inline const uint8_t *chunk_limit(const struct chunk *c)
{
    return chunk_first(c) + chunk_used(c);
}

/* So much of it is free that it should be smaller. */
static inline bool chunk_is_sparse(const struct chunk *c)
{
    return c->cap > CHUNK_SPARSE_MIN && chunk_used(c) < c->cap / 4u;
}

/* The size such a chunk should have instead. */
static inline size_t chunk_sparse_total(const struct chunk *c)
{
    size_t total = CHUNK_HEADER_BYTES + 2 * chunk_used(c);
    return total > CHUNK_SPARSE_MIN ? total : (size_t)CHUNK_SPARSE_MIN;
}

/* `total` with the header; slack at the front if the end is the head. */
struct chunk *chunk_create(const struct quicklist_memory *m, size_t total,
                           enum quicklist_end end);
struct chunk *chunk_create_plain(const struct quicklist_memory *m,
                                 uint64_t bytes);
void chunk_destroy(const struct quicklist_memory *m, struct chunk *c);
/* What the allocator keeps for it. */
size_t chunk_bytes(const struct chunk *c);
/* A copy of another size, slack towards `end`; NULL: out of memory. */
struct chunk *chunk_copy(const struct quicklist_memory *m,
                         const struct chunk *c, size_t total,
                         enum quicklist_end end);
/* Moves the entries so that `front` bytes are free before them. */
void chunk_slide(struct chunk *c, size_t front);
/* Opens a gap of `bytes`, which are free, for `count` entries before the entry
 * at `offset`; where it is. */
size_t chunk_open(struct chunk *c, size_t offset, size_t bytes,
                  uint32_t count);
/* Removes `count` entries, the bytes [from, to); where the next one is now. */
size_t chunk_cut(struct chunk *c, size_t from, size_t to, uint32_t count);
/* Where entry `index` begins, from the nearer end; index may be the count. */
size_t chunk_seek(const struct chunk *c, uint32_t index);
/* Entries before `offset`. */
uint32_t chunk_rank(const struct chunk *c, size_t offset);
/* `view`: its own, or itself. */
void chunk_check(const struct chunk *c, const struct chunk *view,
                 const struct quicklist_memory *m);

/* --- the sequence of chunks (quicklist_tree.c); these see at->node and
 * at->chunk only --- */

struct node *node_next(const struct node *n);
struct node *node_prev(const struct node *n);
/* False: there is none, at->chunk is NULL. */
bool sequence_next(const struct quicklist *q, struct quicklist_at *at);
bool sequence_prev(const struct quicklist *q, struct quicklist_at *at);
/* The chunk with element `index`, which must be there; the index in it. */
uint32_t sequence_seek(const struct quicklist *q, uint64_t index,
                       struct quicklist_at *at);
/* Links `c` beside the chunk `at` (ignored if the list is empty), whose node
 * may change; does not touch q->count. */
STATUS_CHECKED enum status sequence_link(struct quicklist *q,
                                         const struct quicklist_memory *m,
                                         struct quicklist_at *at,
                                         bool is_after, struct chunk *c);
/* Takes the chunk out and frees it; does not touch q->count. */
void sequence_remove(struct quicklist *q, const struct quicklist_memory *m,
                     const struct quicklist_at *at);
/* The chunk's count has changed by so much. */
void sequence_adjust(const struct quicklist_at *at, int64_t change);
/* Takes out those chunks of the treap that lie wholly within [from, to), and
 * hands them over as a list that can only be destroyed; how many elements.
 * 0: there are none, or no memory for the list. Corrects q->count. */
uint64_t sequence_detach(struct quicklist *q, const struct quicklist_memory *m,
                         uint64_t from, uint64_t to,
                         struct quicklist **removed);
/* `c` takes the place of at->chunk, which is freed; the same count. */
void sequence_replace(struct quicklist *q, const struct quicklist_memory *m,
                      struct quicklist_at *at, struct chunk *c);
/* Moves nodes and the struct middle out of source pages. */
void sequence_compact(struct quicklist *q, const struct quicklist_memory *m,
                      struct quicklist_at *at);
/* Frees up to `chunks_max` nodes with their chunks, in no order, without
 * keeping the counts; true: there are more. */
bool sequence_drain(struct quicklist *q, const struct quicklist_memory *m,
                    size_t chunks_max);
void sequence_check(const struct quicklist *q);

/* --- shape (quicklist.c), for quicklist_edit.c --- */

static inline size_t chunk_limit_bytes(const struct quicklist *q)
{
    return (size_t)LIMIT_BYTES_MIN << q->limit_size;
}

/* Does an entry need a chunk of its own? */
static inline bool is_plain_bytes(const struct quicklist *q, uint64_t bytes)
{
    return bytes > chunk_limit_bytes(q) - CHUNK_HEADER_BYTES;
}

/* May the chunk have one more element, if there is room? */
static inline bool chunk_takes_more(const struct quicklist *q,
                                    const struct chunk *c)
{
    return c->count < q->limit_count && !chunk_is_closed(c);
}

/* The most that a chunk of this list should have now, header included. */
size_t chunk_total_max(const struct quicklist *q);
/* The size to give a chunk so that it can hold `used` bytes; 0: too many. */
size_t chunk_total_for(const struct quicklist *q, size_t used);
/* An empty chunk for an entry of `bytes`, or the plain one for it, with room
 * for `hint` bytes if a chunk may be that large. */
struct chunk *chunk_create_for(const struct quicklist *q,
                               const struct quicklist_memory *m, uint64_t bytes,
                               size_t hint, enum quicklist_end end);
/* Gives the chunk `at` another size; false: out of memory. */
bool chunk_resize(struct quicklist *q, const struct quicklist_memory *m,
                  struct quicklist_at *at, size_t total,
                  enum quicklist_end end);
/* Room at that end for an entry of `bytes`, which is not plain, or more: for
 * `hint` bytes as above. There may be a new, empty chunk afterwards, which the
 * caller fills at once. */
STATUS_CHECKED enum status end_make_room(struct quicklist *q,
                                         const struct quicklist_memory *m,
                                         enum quicklist_end end, uint64_t bytes,
                                         size_t hint);
/* Links a new outermost chunk, which it takes, succeed or not; NULL: that is
 * ST_NOMEM. */
STATUS_CHECKED enum status end_link(struct quicklist *q,
                                    const struct quicklist_memory *m,
                                    enum quicklist_end end, struct chunk *c);
/* Prepares an element for writing; false: more than an entry can be. */
bool item_prepare(struct slice text, struct pack_item *item);
/* `at` becomes the element `index`, which is there. */
void at_set(const struct quicklist *q, uint64_t index, struct quicklist_at *at);

/* --- squeezed chunks (quicklist_squeeze.c) --- */

/* What at_view returns for a squeezed chunk. */
const struct chunk *window_view(const struct quicklist_at *at);
/* A number that no other visit of this thread has. */
uint64_t window_visit(void);

/* at->chunk has become another: before the next at_view. */
static inline void at_enter(struct quicklist_at *at)
{
    const struct chunk *c = at->chunk;
    at->visit = 0;
    if (__builtin_expect(chunk_is_closed(c), 0) && chunk_is_squeezed(c)) {
        at->visit = window_visit();
    }
}

/* The chunk as it is to be read: itself, or its entries at the same offsets
 * elsewhere, until another view of this thread is asked for. */
static inline const struct chunk *at_view(const struct quicklist_at *at)
{
    if (__builtin_expect(at->visit != 0, 0)) {
        return window_view(at);
    }
    return at->chunk;
}

/* A copy of a squeezed chunk, squeezed; NULL: out of memory. */
struct chunk *squeezed_copy(const struct quicklist_memory *m,
                            const struct chunk *c);
/* Makes the chunk one that can be changed; at->offset stays right. */
STATUS_CHECKED enum status at_loosen(struct quicklist *q,
                                     const struct quicklist_memory *m,
                                     struct quicklist_at *at);
/* A chunk has come at that end: another one may have to be squeezed. Leaves
 * views as they are. */
void squeeze_behind(struct quicklist *q, const struct quicklist_memory *m,
                    enum quicklist_end end);
/* Chunks have gone: those that are near the end now are loosened. */
void loosen_near(struct quicklist *q, const struct quicklist_memory *m,
                 enum quicklist_end end);
/* After a change around element `index`, which may be gone: every chunk becomes
 * what its place asks for. No place is one afterwards. */
void squeeze_again(struct quicklist *q, const struct quicklist_memory *m,
                   uint64_t index);

#endif
