/* ranking_shape: when nodes split, share with siblings, merge and go.
 *
 * What holds for a leaf and its slots holds for an inner node and its children,
 * so both are "a node of a level and its items" here. Room is made from the
 * highest level that needs it down, with a new way down before each step: the
 * step above may have brought the node under another parent. Repair goes up. */
#include "structs/ranking_priv.h"

static inline unsigned capacity(unsigned level)
{
    return level == 0 ? LEAF_SLOTS : INNER_CHILDREN;
}

/* --- items ---------------------------------------------------------------- */

static void inner_move(struct inner *dst, unsigned dst_at, struct inner *src,
                       unsigned src_at, unsigned count)
{
    unsigned behind = dst->count - dst_at;
    unsigned left = src->count - src_at - count;

#define MOVE_ITEMS(array)                                                   \
    do {                                                                    \
        memmove(dst->array + dst_at + count, dst->array + dst_at,           \
                behind * sizeof(dst->array[0]));                            \
        memcpy(dst->array + dst_at, src->array + src_at,                    \
               count * sizeof(dst->array[0]));                              \
        memmove(src->array + src_at, src->array + src_at + count,           \
                left * sizeof(dst->array[0]));                              \
    } while (0)
    MOVE_ITEMS(images);
    MOVE_ITEMS(children);
    MOVE_ITEMS(counts);
    MOVE_ITEMS(firsts);
#undef MOVE_ITEMS
    dst->count = (uint16_t)(dst->count + count);
    src->count = (uint16_t)(src->count - count);
}

void ranking_move_items(unsigned level, void *dst, unsigned dst_at, void *src,
                        unsigned src_at, unsigned count)
{
    if (count == 0) {
        return;
    }
    assert(node_count(dst, level) + count <= capacity(level));
    if (level == 0) {
        ranking_leaf_move(dst, dst_at, src, src_at, count);
    } else {
        inner_move(dst, dst_at, src, src_at, count);
    }
}

void ranking_inner_open(struct inner *p, unsigned at, void *child)
{
    unsigned behind = p->count - at;

    assert(p->count < INNER_CHILDREN);
    memmove(p->images + at + 1, p->images + at, behind * sizeof(p->images[0]));
    memmove(p->children + at + 1, p->children + at,
            behind * sizeof(p->children[0]));
    memmove(p->counts + at + 1, p->counts + at, behind * sizeof(p->counts[0]));
    memmove(p->firsts + at + 1, p->firsts + at, behind * sizeof(p->firsts[0]));
    p->children[at] = child;
    p->counts[at] = 0;
    p->count++;
}

void ranking_inner_close(struct inner *p, unsigned at)
{
    unsigned behind = p->count - at - 1;

    memmove(p->images + at, p->images + at + 1, behind * sizeof(p->images[0]));
    memmove(p->children + at, p->children + at + 1,
            behind * sizeof(p->children[0]));
    memmove(p->counts + at, p->counts + at + 1, behind * sizeof(p->counts[0]));
    memmove(p->firsts + at, p->firsts + at + 1, behind * sizeof(p->firsts[0]));
    p->count--;
}

void ranking_refresh(struct inner *p, unsigned i, unsigned level)
{
    if (level == 0) {
        const struct leaf *f = p->children[i];

        p->counts[i] = f->count;
        p->firsts[i] = slot_cell(f->slots[0]);
        p->images[i] = cell_image(p->firsts[i]);
        return;
    }

    const struct inner *child = p->children[i];

    p->counts[i] = 0;
    for (unsigned k = 0; k < child->count; k++) {
        p->counts[i] += child->counts[k];
    }
    p->firsts[i] = child->firsts[0];
    p->images[i] = child->images[0];
}

void ranking_sharpen(struct inner *p, unsigned i, unsigned level)
{
    if (level == 0) {
        ranking_leaf_sharpen(p->children[i]);
    }
}

/* --- memory --------------------------------------------------------------- */

static struct inner *take_inner(struct ranking *g, struct reserve *spare)
{
    assert(spare->inner_count > 0);

    struct inner *p = spare->inners[--spare->inner_count];

    p->count = 0;
    g->inner_count++;
    return p;
}

static void *take_node(struct ranking *g, struct reserve *spare, unsigned level)
{
    struct leaf *f = spare->leaf;

    if (level > 0) {
        return take_inner(g, spare);
    }
    assert(f != NULL);
    spare->leaf = NULL;
    f->count = 0;
    f->low = 0;
    f->shift = 0;
    g->leaf_count++;
    return f;
}

void ranking_free_node(struct ranking *g, void *node, unsigned level)
{
    slab_free(g->heap, node);
    if (level == 0) {
        g->leaf_count--;
    } else {
        g->inner_count--;
    }
}

enum status ranking_reserve(struct ranking *g, struct reserve *spare,
                            unsigned leaves, unsigned inners)
{
    assert(leaves <= 1);
    assert(inners <= RANKING_LEVELS_MAX);
    if (leaves > 0 && spare->leaf == NULL) {
        spare->leaf = slab_alloc(g->heap, sizeof(struct leaf));
        if (spare->leaf == NULL) {
            goto release;
        }
    }
    while (spare->inner_count < inners) {
        struct inner *p = slab_alloc(g->heap, sizeof(*p));

        if (p == NULL) {
            goto release;
        }
        spare->inners[spare->inner_count++] = p;
    }
    return ST_OK;
release:
    ranking_unreserve(g, spare);
    return ST_NOMEM;
}

void ranking_unreserve(struct ranking *g, struct reserve *spare)
{
    if (spare->leaf != NULL) {
        slab_free(g->heap, spare->leaf);
        spare->leaf = NULL;
    }
    while (spare->inner_count > 0) {
        slab_free(g->heap, spare->inners[--spare->inner_count]);
    }
}

/* --- room ----------------------------------------------------------------- */

enum { NO_SIBLING = INNER_CHILDREN };

/* A leaf's count is known without a look at the leaf. */
static inline unsigned child_count(const struct inner *p, unsigned i,
                                   unsigned level)
{
    return level == 0 ? (unsigned)p->counts[i]
                      : node_count(p->children[i], level);
}

/* The sibling of child i with the fewest items (more = false) or the most. */
static unsigned choose_sibling(const struct inner *p, unsigned i,
                               unsigned level, bool more)
{
    unsigned left, right;

    if (p->count == 1) {
        return NO_SIBLING;
    }
    if (i == 0 || i + 1u == p->count) {
        return i == 0 ? 1 : i - 1;
    }
    left = child_count(p, i - 1, level);
    right = child_count(p, i + 1, level);
    return (left < right) != more ? i - 1 : i + 1;
}

/* Will the item go to the very end of its level (or begin it)? */
static bool goes_to_end(const struct ranking *g,
                        const struct ranking_step *path, unsigned level)
{
    size_t last = node_count(path[level].node, level) - (level > 0);

    for (unsigned i = 0; i < level; i++) {
        if (path[i].index + (i > 0) != node_count(path[i].node, i)) {
            return false;
        }
    }
    return path[level].index == last && ranking_is_last(g, path, level);
}

static bool goes_to_front(const struct ranking *g,
                          const struct ranking_step *path, unsigned level)
{
    for (unsigned i = 0; i <= level; i++) {
        if (path[i].index != 0) {
            return false;
        }
    }
    return ranking_is_first(g, path, level);
}

/* The sibling that can take some of the full node's items, or NO_SIBLING. */
static unsigned sibling_with_room(const struct ranking *g,
                                  const struct ranking_step *path,
                                  unsigned level)
{
    unsigned room = level == 0 ? LEAF_ROOM : INNER_ROOM, sibling;

    if (level == g->height || goes_to_end(g, path, level)
        || goes_to_front(g, path, level)) {
        return NO_SIBLING;
    }

    const struct inner *p = path[level + 1].node;

    sibling = choose_sibling(p, (unsigned)path[level + 1].index, level, false);
    if (sibling == NO_SIBLING
        || child_count(p, sibling, level) + room > capacity(level)) {
        return NO_SIBLING;
    }
    return sibling;
}

/* Shares the items of children l and l + 1 evenly. */
static void balance(struct inner *p, unsigned l, unsigned level)
{
    void *left = p->children[l], *right = p->children[l + 1];
    unsigned a = node_count(left, level), b = node_count(right, level);
    unsigned half = (a + b + 1) / 2;

    if (a > half) {
        ranking_move_items(level, right, 0, left, half, a - half);
    } else {
        ranking_move_items(level, left, a, right, 0, half - a);
    }
    ranking_refresh(p, l, level);
    ranking_refresh(p, l + 1, level);
    ranking_sharpen(p, l, level);
    ranking_sharpen(p, l + 1, level);
}

/* Child i keeps `keep` items, the rest go to a new one behind it. */
static void split_one(struct inner *p, unsigned i, unsigned level, void *made,
                      unsigned keep)
{
    void *node = p->children[i];

    ranking_move_items(level, made, 0, node, keep, node_count(node, level) - keep);
    ranking_inner_open(p, i + 1, made);
    ranking_refresh(p, i, level);
    ranking_refresh(p, i + 1, level);
    ranking_sharpen(p, i, level);
    ranking_sharpen(p, i + 1, level);
}

/* Children l and l + 1 become three of equal size. */
static void split_two(struct inner *p, unsigned l, unsigned level, void *made)
{
    void *left = p->children[l], *right = p->children[l + 1];
    unsigned a = node_count(left, level), b = node_count(right, level);
    unsigned third = (a + b) / 3;

    ranking_move_items(level, made, 0, left, third, a - third);
    ranking_move_items(level, made, a - third, right, 0, b - third);
    ranking_inner_open(p, l + 1, made);
    for (unsigned i = l; i <= l + 2; i++) {
        ranking_refresh(p, i, level);
        ranking_sharpen(p, i, level);
    }
}

static void grow_root(struct ranking *g, struct ranking_step *path,
                      struct reserve *spare)
{
    struct inner *root = take_inner(g, spare);

    assert(g->height + 1 < RANKING_LEVELS_MAX);
    ranking_inner_open(root, 0, g->root);
    ranking_refresh(root, 0, g->height);
    g->root = root;
    g->height++;
    path[g->height] = (struct ranking_step){root, 0};
}

/* The path's node of that level is full, its parent is not. */
static void make_room_at(struct ranking *g, struct ranking_step *path,
                         unsigned level, struct reserve *spare)
{
    bool to_end = goes_to_end(g, path, level);
    bool to_front = goes_to_front(g, path, level);
    unsigned sibling = sibling_with_room(g, path, level);

    if (level == g->height) {
        grow_root(g, path, spare);
    }

    struct inner *p = path[level + 1].node;
    unsigned i = (unsigned)path[level + 1].index;

    if (sibling != NO_SIBLING) {
        balance(p, i < sibling ? i : sibling, level);
        return;
    }

    void *made = take_node(g, spare, level);

    sibling = choose_sibling(p, i, level, true);
    if (to_end || to_front) {
        split_one(p, i, level, made, to_end ? capacity(level) - 1 : 1);
    } else if (sibling == NO_SIBLING) {
        split_one(p, i, level, made, capacity(level) / 2);
    } else {
        split_two(p, i < sibling ? i : sibling, level, made);
    }
}

static enum status make_first_leaf(struct ranking *g, struct ranking_step *path,
                                   struct reserve *spare)
{
    enum status st = ranking_reserve(g, spare, 1, 0);

    if (st != ST_OK) {
        return st;
    }
    g->root = take_node(g, spare, 0);
    path[0] = (struct ranking_step){g->root, 0};
    return ST_OK;
}

enum status ranking_make_room(struct ranking *g, const struct goal *goal,
                              struct ranking_step *path, struct reserve *spare)
{
    unsigned top = 0, leaves = 1, inners;

    if (g->root == NULL) {
        return make_first_leaf(g, path, spare);
    }
    /* Up to `top` all are full; all below it will split, and it too unless a
     * sibling has room. */
    while (top < g->height && sibling_with_room(g, path, top) == NO_SIBLING
           && node_count(path[top + 1].node, top + 1) == INNER_CHILDREN) {
        top++;
    }
    if (sibling_with_room(g, path, top) != NO_SIBLING) {
        leaves = top > 0;
        inners = top > 0 ? top - 1 : 0;
    } else {
        inners = top + (top == g->height);
    }

    enum status st = ranking_reserve(g, spare, leaves, inners);

    if (st != ST_OK) {
        return st;
    }
    for (unsigned level = top + 1; level-- > 0;) {
        ranking_descend(g, goal, path);
        if (node_count(path[level].node, level) == capacity(level)) {
            make_room_at(g, path, level, spare);
        }
    }
    ranking_descend(g, goal, path);
    ranking_unreserve(g, spare);
    return ST_OK;
}

/* --- repair --------------------------------------------------------------- */

/* Frees the path's node of that level, which is empty. */
static void drop_empty(struct ranking *g, const struct ranking_step *path,
                       unsigned level)
{
    struct inner *p = path[level + 1].node;
    unsigned i = (unsigned)path[level + 1].index;

    ranking_free_node(g, path[level].node, level);
    ranking_inner_close(p, i);
    if (i == 0 && p->count > 0) {
        ranking_set_first(g, path, level + 1, p->firsts[0], p->images[0]);
    }
}

static void merge(struct ranking *g, struct inner *p, unsigned l,
                  unsigned level)
{
    void *left = p->children[l], *right = p->children[l + 1];

    ranking_move_items(level, left, node_count(left, level), right, 0,
               node_count(right, level));
    ranking_refresh(p, l, level);
    ranking_free_node(g, right, level);
    ranking_inner_close(p, l + 1);
    ranking_sharpen(p, l, level);
}

/* The node of that level has lost items; true: its parent has too. */
static bool repair_at(struct ranking *g, const struct ranking_step *path,
                      unsigned level)
{
    struct inner *p = path[level + 1].node;
    unsigned i = (unsigned)path[level + 1].index;
    unsigned count = node_count(path[level].node, level), sibling, sum, l;
    unsigned least = level == 0 ? LEAF_MIN : INNER_MIN;
    bool is_edge;

    if (count == 0) {
        drop_empty(g, path, level);
        return true;
    }
    is_edge = ranking_is_first(g, path, level)
              || ranking_is_last(g, path, level);
    if (count >= (is_edge ? capacity(level) / 2 : least)) {
        return false;
    }
    sibling = choose_sibling(p, i, level, false);
    if (sibling == NO_SIBLING) {
        return false;
    }
    sum = count + child_count(p, sibling, level);
    l = i < sibling ? i : sibling;
    if (is_edge && sum > capacity(level) / 2) {
        return false;
    }
    if (sum > capacity(level) - capacity(level) / 8) {
        balance(p, l, level);
        return false;
    }
    merge(g, p, l, level);
    return true;
}

void ranking_shrink_root(struct ranking *g)
{
    if (g->height == 0 && node_count(g->root, 0) == 0) {
        ranking_free_node(g, g->root, 0);
        g->root = NULL;
    }
    while (g->height > 0 && node_count(g->root, g->height) == 1) {
        struct inner *old = g->root;

        g->root = old->children[0];
        ranking_free_node(g, old, g->height);
        g->height--;
    }
}

bool ranking_repair(struct ranking *g, const struct ranking_step *path,
                    unsigned from)
{
    unsigned level = from;

    while (level < g->height && repair_at(g, path, level)) {
        level++;
    }
    if (level == g->height) {
        ranking_shrink_root(g);
    }
    return level > from;
}
