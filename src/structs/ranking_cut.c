/* ranking_cut: a long range is cut out of the tree.
 *
 * The ways down to the range's first and last element part at one node. Below
 * it the nodes on either way are split in two: what belongs to the range goes
 * to new nodes, which become the left and the right edge of a tree as high as
 * that node, under a new root. All between goes along with its parents. Then
 * the two ways that are left behind are mended, from above, so that a node that
 * has lost items has siblings to share with. */
#include "structs/ranking_priv.h"

/* Where a range begins and ends, the nodes for its edges, and its tree. */
struct cut_out {
    struct ranking_step from[RANKING_LEVELS_MAX], to[RANKING_LEVELS_MAX];
    unsigned top; /* level of the node where the ways part */
    void *left[RANKING_LEVELS_MAX], *right[RANKING_LEVELS_MAX];
};

/* --- memory --------------------------------------------------------------- */

static void *create_node(struct ranking *g, unsigned level)
{
    size_t bytes = level == 0 ? sizeof(struct leaf) : sizeof(struct inner);
    void *node = slab_alloc(g->heap, bytes);

    if (node == NULL) {
        return NULL;
    }
    if (level == 0) {
        struct leaf *f = node;

        f->count = 0;
        f->low = 0;
        f->shift = 0;
        g->leaf_count++;
    } else {
        struct inner *p = node;

        p->count = 0;
        g->inner_count++;
    }
    return node;
}

static void free_edges(struct ranking *g, const struct cut_out *c)
{
    for (unsigned level = 0; level <= c->top; level++) {
        if (c->left[level] != NULL) {
            ranking_free_node(g, c->left[level], level);
        }
        if (c->right[level] != NULL) {
            ranking_free_node(g, c->right[level], level);
        }
    }
}

/* left[top] is the root. */
static bool create_edges(struct ranking *g, struct cut_out *c)
{
    for (unsigned level = 0; level <= c->top; level++) {
        c->left[level] = create_node(g, level);
        if (c->left[level] == NULL) {
            return false;
        }
        if (level < c->top) {
            c->right[level] = create_node(g, level);
            if (c->right[level] == NULL) {
                return false;
            }
        }
    }
    return true;
}

/* --- the part ------------------------------------------------------------- */

static void put_child(struct inner *p, unsigned at, void *child, unsigned level)
{
    ranking_inner_open(p, at, child);
    ranking_refresh(p, at, level - 1);
}

/* What follows the way down to the first element, on a level below the top. */
static void take_left(const struct cut_out *c, unsigned level)
{
    void *node = c->from[level].node;
    unsigned at = (unsigned)c->from[level].index + (level > 0);

    if (level > 0) {
        put_child(c->left[level], 0, c->left[level - 1], level);
    }
    ranking_move_items(level, c->left[level], level > 0, node, at,
                       node_count(node, level) - at);
}

/* What comes before the way down to the last one. */
static void take_right(const struct cut_out *c, unsigned level)
{
    unsigned count = (unsigned)c->to[level].index + (level == 0);

    ranking_move_items(level, c->right[level], 0, c->to[level].node, 0, count);
    if (level > 0) {
        put_child(c->right[level], count, c->right[level - 1], level);
    }
}

static void take_middle(const struct cut_out *c)
{
    struct inner *root = c->left[c->top];
    unsigned at = (unsigned)c->from[c->top].index + 1;

    put_child(root, 0, c->left[c->top - 1], c->top);
    ranking_move_items(c->top, root, 1, c->from[c->top].node, at,
                       (unsigned)c->to[c->top].index - at);
    put_child(root, root->count, c->right[c->top - 1], c->top);
}

/* --- what stays ----------------------------------------------------------- */

/* Child i, of that level, has lost items, maybe all. */
static void settle_child(struct ranking *g, struct inner *p, size_t i,
                         unsigned level)
{
    if (node_count(p->children[i], level) == 0) {
        ranking_free_node(g, p->children[i], level);
        ranking_inner_close(p, (unsigned)i);
    } else {
        ranking_sharpen(p, (unsigned)i, level);
        ranking_refresh(p, (unsigned)i, level);
    }
}

static void settle_ways(struct ranking *g, const struct cut_out *c)
{
    for (unsigned level = 0; level < c->top; level++) {
        /* What was before it on the way has gone. */
        size_t at = level + 1 < c->top ? 0 : c->from[c->top].index + 1;

        settle_child(g, c->to[level + 1].node, at, level);
        settle_child(g, c->from[level + 1].node, c->from[level + 1].index,
                     level);
    }
    for (unsigned level = c->top; level < g->height; level++) {
        settle_child(g, c->from[level + 1].node, c->from[level + 1].index,
                     level);
    }
}

/* The nodes that lead to that element may hold too little. */
static void mend(struct ranking *g, size_t rank)
{
    struct ranking_step path[RANKING_LEVELS_MAX];

    for (unsigned level = g->height; level-- > 0;) {
        while (level < g->height) {
            ranking_descend_rank(g, rank, path);
            if (!ranking_repair(g, path, level)) {
                break;
            }
        }
    }
}

struct ranking *ranking_cut_out(struct ranking *g, size_t first, size_t count)
{
    struct cut_out c = {.top = g->height};
    struct ranking *part;

    assert(count >= RANKING_PART_MIN);
    assert(first < g->element_count);
    assert(count <= g->element_count - first);
    assert(count < g->element_count);
    ranking_descend_rank(g, first, c.from);
    ranking_descend_rank(g, first + count - 1, c.to);
    while (c.from[c.top].index == c.to[c.top].index) {
        c.top--;
        assert(c.top > 0);
    }
    part = ranking_create(g->heap);
    if (part == NULL) {
        return NULL;
    }
    if (!create_edges(g, &c)) {
        free_edges(g, &c);
        slab_free(g->heap, part);
        return NULL;
    }
    for (unsigned level = 0; level < c.top; level++) {
        take_left(&c, level);
        take_right(&c, level);
    }
    take_middle(&c);
    part->root = c.left[c.top];
    part->height = c.top;
    part->element_count = count;
    g->element_count -= count;
    g->part_count++;
    settle_ways(g, &c);
    ranking_shrink_root(g);
    if (first > 0) {
        mend(g, first - 1);
    }
    if (first < g->element_count) {
        mend(g, first);
    }
    return part;
}
