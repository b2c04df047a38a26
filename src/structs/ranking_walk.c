/* ranking_walk: cursors, taking many elements out, compaction, destroying,
 * figures and checks. */
#include "structs/ranking_priv.h"

enum { PREFETCH_CELLS = 12 };

/* --- cursors -------------------------------------------------------------- */

static void prefetch_cells(const struct leaf *f, size_t from, size_t count)
{
    for (size_t i = from; i < from + count && i < f->count; i++) {
        __builtin_prefetch(slot_cell(f->slots[i]));
    }
}

void ranking_seek(const struct ranking *g, const struct ranking_cut *cut,
                  struct ranking_cursor *c)
{
    struct goal goal = {
        .kind = GOAL_KEY,
        .key = key_of(cut->score, cut->member, cut->side),
    };

    c->ranking = g;
    if (g->root != NULL) {
        ranking_descend(g, &goal, c->steps);
    }
}

void ranking_seek_rank(const struct ranking *g, size_t rank,
                       struct ranking_cursor *c)
{
    c->ranking = g;
    if (g->root != NULL) {
        ranking_descend_rank(g, rank, c->steps);
    }
}

/* Goes to the beginning of the next leaf; false: there is none, nothing done.
 * */
static bool next_leaf(struct ranking_cursor *c)
{
    unsigned level = 1, height = c->ranking->height;
    void *node;

    while (level <= height
           && c->steps[level].index + 1
                  == node_count(c->steps[level].node, level)) {
        level++;
    }
    if (level > height) {
        return false;
    }
    c->steps[level].index++;
    for (; level > 0; level--) {
        node = ((struct inner *)c->steps[level].node)
                   ->children[c->steps[level].index];
        c->steps[level - 1] = (struct ranking_step){node, 0};
    }
    return true;
}

/* Goes to the end of the leaf before; false: there is none, nothing done. */
static bool prev_leaf(struct ranking_cursor *c)
{
    unsigned level = 1, height = c->ranking->height;
    void *node;

    while (level <= height && c->steps[level].index == 0) {
        level++;
    }
    if (level > height) {
        return false;
    }
    c->steps[level].index--;
    for (; level > 0; level--) {
        node = ((struct inner *)c->steps[level].node)
                   ->children[c->steps[level].index];
        /* A leaf's cursor may stand behind its last slot. */
        c->steps[level - 1] = (struct ranking_step){
            node, node_count(node, level - 1) - (level > 1)};
    }
    return true;
}

/* The leaf behind this one, or before it, as far as the parent knows it. */
static const struct leaf *neighbour(const struct ranking_cursor *c, int where)
{
    const struct inner *p = c->steps[1].node;
    size_t i = c->steps[1].index + (size_t)where;

    return c->ranking->height > 0 && i < p->count ? p->children[i] : NULL;
}

/* Fetches ahead; when it nears the leaf's end, what the next leaf begins with.
 * */
static void look_ahead(const struct ranking_cursor *c, const struct leaf *f,
                       size_t at)
{
    const struct leaf *next;

    if (at + PREFETCH_CELLS < f->count) {
        __builtin_prefetch(slot_cell(f->slots[at + PREFETCH_CELLS]));
        if (at == 0) {
            prefetch_cells(f, 1, PREFETCH_CELLS - 1);
        } else if (at + 2 * PREFETCH_CELLS == f->count
                   && (next = neighbour(c, 1)) != NULL) {
            prefetch_node(next, 0);
        }
    } else if (at + PREFETCH_CELLS == f->count
               && (next = neighbour(c, 1)) != NULL) {
        prefetch_cells(next, 0, PREFETCH_CELLS);
    }
}

static void look_back(const struct ranking_cursor *c, const struct leaf *f,
                      size_t at)
{
    const struct leaf *prev;

    if (at >= PREFETCH_CELLS) {
        __builtin_prefetch(slot_cell(f->slots[at - PREFETCH_CELLS]));
        if (at + 1 == f->count) {
            prefetch_cells(f, at - PREFETCH_CELLS, PREFETCH_CELLS);
        } else if (at == 2 * PREFETCH_CELLS
                   && (prev = neighbour(c, -1)) != NULL) {
            prefetch_node(prev, 0);
        }
    } else if (at + 1 == PREFETCH_CELLS
               && (prev = neighbour(c, -1)) != NULL) {
        size_t count = prev->count;

        prefetch_cells(prev, count > PREFETCH_CELLS ? count - PREFETCH_CELLS
                                                    : 0,
                       PREFETCH_CELLS);
    }
}

struct ranked *ranking_next(struct ranking_cursor *c)
{
    const struct leaf *f;
    size_t at;

    if (c->ranking->root == NULL) {
        return NULL;
    }
    f = c->steps[0].node;
    if (c->steps[0].index == f->count) {
        if (!next_leaf(c)) {
            return NULL;
        }
        f = c->steps[0].node;
    }
    at = c->steps[0].index++;
    look_ahead(c, f, at);
    return slot_cell(f->slots[at]);
}

struct ranked *ranking_prev(struct ranking_cursor *c)
{
    const struct leaf *f;
    size_t at;

    if (c->ranking->root == NULL
        || (c->steps[0].index == 0 && !prev_leaf(c))) {
        return NULL;
    }
    f = c->steps[0].node;
    at = --c->steps[0].index;
    look_back(c, f, at);
    return slot_cell(f->slots[at]);
}

/* --- taking out ----------------------------------------------------------- */

size_t ranking_take(struct ranking *g, size_t first, size_t max,
                    ranking_visit_fn *visit, void *self)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct ranked *taken[LEAF_SLOTS];
    const struct leaf *f;
    size_t at, count;

    if (first >= g->element_count || max == 0) {
        return 0;
    }
    ranking_descend_rank(g, first, path);
    f = path[0].node;
    at = path[0].index;
    count = f->count - at < max ? f->count - at : max;
    for (size_t i = 0; i < count; i++) {
        taken[i] = slot_cell(f->slots[at + i]);
        __builtin_prefetch(taken[i]);
    }
    ranking_remove_slots(g, path, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        visit(self, taken[i]);
    }
    return count;
}

/* Frees the last leaf, and the ancestors that have no other child. Counts and
 * the least fill are no longer kept. */
static size_t free_last_leaf(struct ranking *g, ranking_visit_fn *visit,
                             void *self)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct goal goal = {.kind = GOAL_LAST};
    unsigned level = 0;
    struct leaf *f;
    size_t count;

    ranking_descend(g, &goal, path);
    f = path[0].node;
    count = f->count;
    if (visit != NULL) {
        prefetch_cells(f, 0, count);
        for (size_t i = count; i-- > 0;) {
            visit(self, slot_cell(f->slots[i]));
        }
    }
    ranking_free_node(g, f, 0);
    while (++level <= g->height) {
        struct inner *p = path[level].node;

        if (--p->count > 0) {
            return count;
        }
        ranking_free_node(g, p, level);
    }
    g->root = NULL;
    return count;
}

/* True: there are more. */
static bool free_leaves(struct ranking *dead, size_t max,
                        ranking_visit_fn *visit, void *self)
{
    for (size_t done = 0; dead->root != NULL;) {
        if (done >= max) {
            return true;
        }
        done += free_last_leaf(dead, visit, self);
    }
    return false;
}

bool ranking_destroy_some(struct ranking **g, size_t max,
                          ranking_visit_fn *visit, void *self)
{
    struct ranking *dead = *g;

    if (free_leaves(dead, max, visit, self)) {
        return true;
    }
    assert(dead->leaf_count == 0 || dead->part_count > 0);
    assert(dead->inner_count == 0 || dead->part_count > 0);
    slab_free(dead->heap, dead);
    *g = NULL;
    return false;
}

bool ranking_destroy_part(struct ranking *g, struct ranking **part, size_t max,
                          ranking_visit_fn *visit, void *self)
{
    struct ranking *dead = *part;
    bool more = free_leaves(dead, max, visit, self);

    /* The part itself has counted from 0 down. */
    if (g != NULL) {
        g->leaf_count += dead->leaf_count;
        g->inner_count += dead->inner_count;
        g->part_count -= !more;
    }
    dead->leaf_count = 0;
    dead->inner_count = 0;
    if (!more) {
        slab_free(dead->heap, dead);
        *part = NULL;
    }
    return more;
}

void ranking_destroy(struct ranking **g)
{
    if (*g != NULL) {
        ranking_destroy_some(g, SIZE_MAX, NULL, NULL);
    }
}

/* --- compaction ------------------------------------------------------------
 * */

/* Moves the path's node of that level if it lies in a source page. */
static void move_node(struct ranking *g, struct ranking_step *path,
                      unsigned level)
{
    size_t bytes = level == 0 ? sizeof(struct leaf) : sizeof(struct inner);
    void *old = path[level].node, *copy;

    if (!slab_is_source(g->heap, old)) {
        return;
    }
    copy = slab_alloc(g->heap, bytes);
    if (copy == NULL) {
        return;
    }
    memcpy(copy, old, bytes);
    slab_free(g->heap, old);
    path[level].node = copy;
    if (level == g->height) {
        g->root = copy;
    } else {
        struct inner *p = path[level + 1].node;

        p->children[path[level + 1].index] = copy;
    }
}

size_t ranking_compact(struct ranking *g, size_t cursor, ranking_move_fn *move,
                       void *self)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct leaf *f;

    if (cursor >= g->element_count) {
        return 0;
    }
    ranking_descend_rank(g, cursor, path);
    for (unsigned level = g->height + 1; level-- > 0;) {
        move_node(g, path, level);
    }
    f = path[0].node;
    for (size_t i = path[0].index; i < f->count; i++) {
        struct ranked *moved = move(self, slot_cell(f->slots[i]));

        if (moved == NULL) {
            continue;
        }
        f->slots[i] = slot_make(slot_tag(f->slots[i]), moved);
        if (i == 0) {
            ranking_set_first(g, path, 0, moved, cell_image(moved));
        }
    }
    cursor += f->count - path[0].index;
    return cursor < g->element_count ? cursor : 0;
}

void ranking_set_home(struct ranking *g, struct slab_heap *heap)
{
    g->heap = heap;
}

struct ranking *ranking_compact_handle(struct ranking *g)
{
    struct ranking *copy;

    if (!slab_is_source(g->heap, g)) {
        return g;
    }
    copy = slab_alloc(g->heap, sizeof(*copy));
    if (copy == NULL) {
        return g;
    }
    *copy = *g;
    slab_free(g->heap, g);
    return copy;
}

/* --- figures and checks -----------------------------------------------------
 * */

void ranking_stats_read(const struct ranking *g, struct ranking_stats *out)
{
    *out = (struct ranking_stats){
        .element_count = g->element_count,
        .leaf_count = g->leaf_count,
        .inner_count = g->inner_count,
        .slot_count = g->leaf_count * LEAF_SLOTS,
        .levels = g->root == NULL ? 0 : g->height + 1,
    };
}

/* Slots in order and each tag that of its cell; `last` is the one before. */
static const struct ranked *check_leaf(const struct leaf *f,
                                       const struct ranked *last)
{
    assert(f->count > 0);
    assert(f->count <= LEAF_SLOTS);
    for (unsigned i = 0; i < f->count; i++) {
        const struct ranked *r = slot_cell(f->slots[i]);
        uint64_t unit = cell_image(r) >> f->shift;

        assert(unit >= f->low);
        assert(unit - f->low == slot_tag(f->slots[i]));
        assert(last == NULL || ranked_compare(last, r) < 0);
        last = r;
    }
    return last;
}

static void check_inner(const struct inner *p, unsigned level)
{
    assert(p->count > 0);
    assert(p->count <= INNER_CHILDREN);
    for (unsigned i = 0; i < p->count; i++) {
        size_t count = 0;

        assert(p->images[i] == cell_image(p->firsts[i]));
        if (level == 1) {
            const struct leaf *f = p->children[i];

            assert(p->firsts[i] == slot_cell(f->slots[0]));
            assert(p->counts[i] == f->count);
            continue;
        }

        const struct inner *child = p->children[i];

        for (unsigned k = 0; k < child->count; k++) {
            count += child->counts[k];
        }
        assert(p->firsts[i] == child->firsts[0]);
        assert(p->counts[i] == count);
    }
}

/* The nodes that the cursor has come to with the leaf it is at, that leaf
 * included; how many of them are inner. */
static size_t check_new_nodes(const struct ranking_cursor *c)
{
    const struct ranking *g = c->ranking;
    size_t inner_count = 0;

    for (unsigned level = 0; level <= g->height; level++) {
        unsigned least = level == 0 ? LEAF_MIN : INNER_MIN;

        assert(level == g->height || ranking_is_first(g, c->steps, level)
               || ranking_is_last(g, c->steps, level)
               || node_count(c->steps[level].node, level) >= least);
        if (level > 0) {
            check_inner(c->steps[level].node, level);
            inner_count++;
        }
        if (level < g->height && c->steps[level + 1].index != 0) {
            break;
        }
    }
    return inner_count;
}

void ranking_check(const struct ranking *g)
{
    struct ranking_cursor c = {.ranking = g};
    const struct ranked *last = NULL;
    size_t elements = 0, leaves = 0, inners = 0;

    if (g->root == NULL) {
        assert(g->element_count == 0);
        assert(g->leaf_count + g->inner_count == 0 || g->part_count > 0);
        assert(g->height == 0);
        return;
    }
    assert(g->height == 0 || node_count(g->root, g->height) >= 2);
    ranking_descend_rank(g, 0, c.steps);
    do {
        inners += check_new_nodes(&c);
        last = check_leaf(c.steps[0].node, last);
        elements += node_count(c.steps[0].node, 0);
        leaves++;
    } while (next_leaf(&c));
    assert(elements == g->element_count);
    assert(g->part_count > 0 || leaves == g->leaf_count);
    assert(g->part_count > 0 || inners == g->inner_count);
}
