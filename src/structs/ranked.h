/* ranked: a member with its score, in one cell. A big sorted set keeps one for
 * each member; its table and its ranking both hold the cell's address, so a
 * member's bytes are stored once.
 *
 * Layout:    score (8) | length (1), or 255 and length (4) | member
 * Invariant: the score is not NaN.
 * Memory:    a cell of the heap, or of mem_alloc where that would be larger
 *            than SLAB_CELL_MAX; the length says which. 8-byte aligned, below
 *            2^47.
 * Threads:   owned by one shard, no locks. */
#ifndef ENGRAM_STRUCTS_RANKED_H
#define ENGRAM_STRUCTS_RANKED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/slab.h"
#include "base/slice.h"

enum { RANKED_LONG = 255 };

struct ranked {
    double score;
    uint8_t body[];
};

/* Copies `member`, of less than 4 GB. The score is not NaN. NULL: out of
 * memory. `a` is charged for what the heap cannot hold. */
struct ranked *ranked_create(struct slab_heap *heap, struct mem_account *a,
                             double score, struct slice member);
/* NULL is let be. */
void ranked_destroy(struct ranked **r, struct slab_heap *heap,
                    struct mem_account *a);
/* What it takes, in the allocator's measure. */
size_t ranked_bytes(const struct ranked *r);
/* For compaction: a copy if it lies in a source page of the heap. The caller
 * replaces what points at the old one and then destroys it. NULL: it stays. */
struct ranked *ranked_copy_out(const struct ranked *r, struct slab_heap *heap);

static inline struct slice ranked_member(const struct ranked *r)
{
    uint32_t len;

    if (__builtin_expect(r->body[0] != RANKED_LONG, 1)) {
        return slice_of(r->body + 1, r->body[0]);
    }
    memcpy(&len, r->body + 1, sizeof(len));
    return slice_of(r->body + 1 + sizeof(len), len);
}

/* Integers in the order of the scores; -0.0 and 0.0 give the same. */
static inline uint64_t ranked_image(double score)
{
    uint64_t bits;

    score += 0.0; /* -0.0 + 0.0 is 0.0 */
    memcpy(&bits, &score, sizeof(bits));
    return bits ^ ((uint64_t)((int64_t)bits >> 63) | (uint64_t)1 << 63);
}

/* By score, then by the member's bytes, the shorter first. */
static inline int ranked_compare(const struct ranked *a, const struct ranked *b)
{
    uint64_t x = ranked_image(a->score), y = ranked_image(b->score);

    if (x != y) {
        return x < y ? -1 : 1;
    }
    return slice_compare(ranked_member(a), ranked_member(b));
}

#endif
