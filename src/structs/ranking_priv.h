/* ranking_priv: the nodes of a ranking, for ranking*.c alone. */
#ifndef ENGRAM_STRUCTS_RANKING_PRIV_H
#define ENGRAM_STRUCTS_RANKING_PRIV_H

#include "structs/ranking.h"

#include <assert.h>

enum {
    LEAF_SLOTS = 62,
    INNER_CHILDREN = 31,
    /* A sibling with so many free places takes some of a full node's items
     * before one is split. */
    LEAF_ROOM = 6,
    INNER_ROOM = 4,
    /* A node below that is merged or refilled, unless it is at an edge. */
    LEAF_MIN = 24,
    INNER_MIN = 12,
    TAG_BITS = 20,
    POINTER_BITS = 44,
};

#define TAG_MAX (((uint64_t)1 << TAG_BITS) - 1)

/* Slots ascend in the order of their cells. A slot's tag is the cell's image
 * shifted right by `shift`, less `low`. */
struct leaf {
    uint64_t low;
    uint16_t count;
    uint8_t shift;
    uint64_t slots[LEAF_SLOTS];
};
static_assert(sizeof(struct leaf) == 512, "a leaf is eight cache lines");

/* What is known of child i: the first cell below it and that one's image, and
 * how many there are. */
struct inner {
    uint16_t count;
    uint64_t images[INNER_CHILDREN];
    void *children[INNER_CHILDREN];
    uint64_t counts[INNER_CHILDREN];
    struct ranked *firsts[INNER_CHILDREN];
};
static_assert(sizeof(struct inner) <= 1024, "an inner node is one cell");

struct ranking {
    struct slab_heap *heap;
    void *root;      /* NULL: empty */
    unsigned height; /* levels above the leaves */
    size_t element_count, leaf_count, inner_count;
    /* What was cut out and is not yet freed; its nodes are counted above. */
    size_t part_count;
};

/* A cut, ready to be compared. */
struct key {
    uint64_t image;
    struct slice member;
    enum ranking_side side;
};

static inline struct key key_of(double score, struct slice member,
                                enum ranking_side side)
{
    return (struct key){ranked_image(score), member, side};
}

/* Where a write is going. */
enum goal_kind { GOAL_KEY, GOAL_FIRST, GOAL_LAST };

struct goal {
    enum goal_kind kind;
    struct key key;
};

/* Nodes got in advance, so that what follows cannot fail. */
struct reserve {
    struct leaf *leaf;
    struct inner *inners[RANKING_LEVELS_MAX + 1];
    unsigned inner_count;
};

/* --- slots ---------------------------------------------------------------- */

static inline struct ranked *slot_cell(uint64_t slot)
{
    return (struct ranked *)(uintptr_t)((slot << TAG_BITS) >> (TAG_BITS - 3));
}

static inline uint64_t slot_tag(uint64_t slot)
{
    return slot >> POINTER_BITS;
}

static inline uint64_t slot_make(uint64_t tag, const struct ranked *r)
{
    return tag << POINTER_BITS | (uint64_t)(uintptr_t)r >> 3;
}

static inline uint64_t cell_image(const struct ranked *r)
{
    return ranked_image(r->score);
}

/* --- leaves: ranking_leaf.c -------------------------------------------------
 * */

/* How many of the leaf's cells are before the cut. */
unsigned ranking_leaf_cut(const struct leaf *f, const struct key *k);
/* The slot that holds r, whose image it is. */
unsigned ranking_leaf_find(const struct leaf *f, uint64_t image,
                           const struct ranked *r);
/* There is room; r's score is its new one. */
void ranking_leaf_insert(struct leaf *f, unsigned at, struct ranked *r);
void ranking_leaf_remove(struct leaf *f, unsigned at, unsigned count);
/* Moves `count` slots; dst has room. */
void ranking_leaf_move(struct leaf *dst, unsigned dst_at, struct leaf *src,
                       unsigned src_at, unsigned count);
/* After its range has shrunk: tags that tell its cells apart again. */
void ranking_leaf_sharpen(struct leaf *f);
/* Is the cell before the cut? */
bool ranking_is_before(const struct ranked *r, const struct key *k);

/* --- paths: ranking.c ------------------------------------------------------
 * */

/* Leads to the leaf that the cut lies in (or behind), and to its slot there.
 * The ranking is not empty. */
void ranking_descend(const struct ranking *g, const struct goal *goal,
                     struct ranking_step *path);
void ranking_descend_rank(const struct ranking *g, size_t rank,
                          struct ranking_step *path);
/* Leads to the slot of a cell that is in. */
void ranking_locate(const struct ranking *g, const struct ranked *r,
                    struct ranking_step *path);
/* Is the node of that level the first (last) one of its level? */
bool ranking_is_first(const struct ranking *g, const struct ranking_step *path,
                      unsigned level);
bool ranking_is_last(const struct ranking *g, const struct ranking_step *path,
                     unsigned level);
/* The first cell below the node of that level is now r: tells its ancestors. */
void ranking_set_first(const struct ranking *g, const struct ranking_step *path,
                       unsigned level, struct ranked *r, uint64_t image);
/* Takes `count` slots, from the path's on, out of the path's leaf. */
void ranking_remove_slots(struct ranking *g, struct ranking_step *path,
                          unsigned count);

/* --- shape: ranking_shape.c -------------------------------------------------
 * */

/* Afterwards the leaf that `goal` leads to has room, and `path` leads there;
 * the ranking may be empty. Nodes that `spare` lacks are added to it. ST_NOMEM:
 * nothing changed. */
STATUS_CHECKED enum status ranking_make_room(struct ranking *g,
                                             const struct goal *goal,
                                             struct ranking_step *path,
                                             struct reserve *spare);
/* After the path's node of level `from` has lost items: merges, refills, frees,
 * there and above. True: its parent has one less child. */
bool ranking_repair(struct ranking *g, const struct ranking_step *path,
                    unsigned from);
/* Unless the root has more than one child, the child is the root. */
void ranking_shrink_root(struct ranking *g);
/* Items of one node of the level go to another, which has room. What the parents
 * know is for ranking_refresh to say. */
void ranking_move_items(unsigned level, void *dst, unsigned dst_at, void *src,
                        unsigned src_at, unsigned count);
void ranking_inner_open(struct inner *p, unsigned at, void *child);
void ranking_inner_close(struct inner *p, unsigned at);
/* Reads anew what `p` knows of its child i, a node of `level`. */
void ranking_refresh(struct inner *p, unsigned i, unsigned level);
void ranking_sharpen(struct inner *p, unsigned i, unsigned level);
STATUS_CHECKED enum status ranking_reserve(struct ranking *g,
                                           struct reserve *spare,
                                           unsigned leaves, unsigned inners);
void ranking_unreserve(struct ranking *g, struct reserve *spare);
void ranking_free_node(struct ranking *g, void *node, unsigned level);

static inline unsigned node_count(const void *node, unsigned level)
{
    return level == 0 ? ((const struct leaf *)node)->count
                      : ((const struct inner *)node)->count;
}

/* The first of `count` ascending numbers that is not below `x`. A mask, because
 * gcc would branch where nobody can predict. */
static inline unsigned lower_bound(const uint64_t *in, unsigned count,
                                   uint64_t x)
{
    unsigned at = 0;

    for (unsigned n = count, half; n > 0; n = half) {
        half = n / 2;
        at += (n - half) & (0u - (in[at + half] < x));
    }
    return at;
}

static inline void prefetch_lines(const char *p, unsigned bytes)
{
    /* One instruction each: two ways down a large ranking fetch 70. */
#pragma GCC unroll 16
    for (unsigned i = 0; i < bytes; i += 64) {
        __builtin_prefetch(p + i);
    }
}

static inline void prefetch_node(const void *node, unsigned level)
{
    if (level == 0) {
        prefetch_lines(node, sizeof(struct leaf));
    } else {
        prefetch_lines(node, sizeof(struct inner));
    }
}

#endif
