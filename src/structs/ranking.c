/* ranking: a counted B+tree of references to ranked cells.
 *
 *   leaf    512 bytes: up to 62 slots of 8 bytes. A slot is the cell's address
 *           (44 bits, for it is 8-byte aligned and below 2^47) and a 20-bit
 *           tag, the cell's place in the leaf's own stretch of scores. So a
 *           search in a leaf reads a cell only where tags agree.
 *   inner   1,000 bytes: up to 31 children. For each: how many elements lie
 *           below it, the first of them, and its score as an ordered integer,
 *           the image; so no cell is read here either, except among equal
 *           scores.
 *
 * Writing:   a way down from the root is kept as a path, so nodes know neither
 *            their parent nor their neighbours. What a write changes in the
 *            counts and firsts of the ancestors it changes along the path.
 * Fill:      a full node first gives to a sibling that has room; two full
 *            siblings become three. At either end of the ranking it splits so
 *            that the full part stays full, since what is appended once tends
 *            to be appended again. A node below LEAF_MIN or INNER_MIN is merged
 *            or refilled; the first and the last of a level may hold less, down
 *            to one item, so that popping from an end moves nothing.
 * Invariant: every node holds an item; the root, if inner, at least two.
 *            Counts, firsts and images are exact.
 * Memory:    all that a write needs is allocated before it changes anything.
 *
 * Files: ranking_leaf.c (slots and tags), ranking_shape.c (splits, merges),
 * ranking_cut.c (long ranges cut out), ranking_walk.c (cursors, taking,
 * compaction, checks). */
#include "structs/ranking_priv.h"

struct ranking *ranking_create(struct slab_heap *heap)
{
    struct ranking *g = slab_alloc(heap, sizeof(*g));

    if (g != NULL) {
        *g = (struct ranking){.heap = heap};
    }
    return g;
}

size_t ranking_count(const struct ranking *g)
{
    return g->element_count;
}

size_t ranking_bytes(const struct ranking *g)
{
    return slab_class_bytes(sizeof(*g))
           + g->leaf_count * slab_class_bytes(sizeof(struct leaf))
           + g->inner_count * slab_class_bytes(sizeof(struct inner));
}

/* --- paths ---------------------------------------------------------------- */

/* The child that the cut lies in or behind: the last whose first cell is before
 * the cut, or the first child. */
static unsigned inner_cut(const struct inner *p, const struct key *k)
{
    const uint64_t *images = p->images + 1;
    const uint64_t image = k->image;
    unsigned count = p->count - 1u;
    unsigned at = lower_bound(images, count, image), to = at;

    while (to < count && images[to] == image) {
        to++;
    }
    if (at == to || k->side == CUT_BEFORE_SCORE) {
        return at;
    }
    if (k->side == CUT_AFTER_SCORE) {
        return to;
    }
    while (at < to) {
        unsigned middle = at + (to - at) / 2;

        if (to - at > 2) {
            __builtin_prefetch(p->firsts[1 + at + (to - at) / 4]);
            __builtin_prefetch(p->firsts[2 + middle + (to - middle - 1) / 2]);
        }
        if (ranking_is_before(p->firsts[middle + 1], k)) {
            at = middle + 1;
        } else {
            to = middle;
        }
    }
    return at;
}

static inline unsigned goal_child(const struct inner *p,
                                  const struct goal *goal)
{
    if (goal->kind == GOAL_KEY) {
        return inner_cut(p, &goal->key);
    }
    return goal->kind == GOAL_FIRST ? 0 : p->count - 1u;
}

static inline unsigned goal_slot(const struct leaf *f, const struct goal *goal)
{
    if (goal->kind == GOAL_KEY) {
        return ranking_leaf_cut(f, &goal->key);
    }
    return goal->kind == GOAL_FIRST ? 0 : f->count;
}

/* Down to the leaf, whose slot is left to the caller. */
static struct leaf *descend_to_leaf(const struct ranking *g,
                                    const struct goal *goal,
                                    struct ranking_step *path)
{
    void *node = g->root;

    assert(node != NULL);
    for (unsigned level = g->height; level > 0; level--) {
        struct inner *p = node;
        unsigned index = goal_child(p, goal);

        node = p->children[index];
        prefetch_node(node, level - 1);
        path[level] = (struct ranking_step){p, index};
    }
    path[0] = (struct ranking_step){node, 0};
    return node;
}

void ranking_descend(const struct ranking *g, const struct goal *goal,
                     struct ranking_step *path)
{
    const struct leaf *f = descend_to_leaf(g, goal, path);

    path[0].index = goal_slot(f, goal);
}

void ranking_descend_rank(const struct ranking *g, size_t rank,
                          struct ranking_step *path)
{
    void *node = g->root;

    assert(node != NULL);
    assert(rank <= g->element_count);
    for (unsigned level = g->height; level > 0; level--) {
        struct inner *p = node;
        unsigned index = 0;

        while (index + 1u < p->count && rank >= p->counts[index]) {
            rank -= p->counts[index++];
        }
        node = p->children[index];
        if (rank > 0) { /* of the way to the first little is read */
            prefetch_node(node, level - 1);
        }
        path[level] = (struct ranking_step){p, index};
    }
    path[0] = (struct ranking_step){node, rank};
}

/* A cell that is in lies in the leaf of the cut behind it, whereas the cut
 * before it may be the end of the leaf before. */
static struct goal goal_behind(const struct ranked *r)
{
    return (struct goal){
        .kind = GOAL_KEY,
        .key = key_of(r->score, ranked_member(r), CUT_AFTER_MEMBER),
    };
}

void ranking_locate(const struct ranking *g, const struct ranked *r,
                    struct ranking_step *path)
{
    struct goal goal = goal_behind(r);
    const struct leaf *f = descend_to_leaf(g, &goal, path);

    path[0].index = ranking_leaf_find(f, goal.key.image, r);
}

bool ranking_is_first(const struct ranking *g, const struct ranking_step *path,
                      unsigned level)
{
    for (unsigned i = level + 1; i <= g->height; i++) {
        if (path[i].index != 0) {
            return false;
        }
    }
    return true;
}

bool ranking_is_last(const struct ranking *g, const struct ranking_step *path,
                     unsigned level)
{
    for (unsigned i = level + 1; i <= g->height; i++) {
        if (path[i].index + 1 != node_count(path[i].node, i)) {
            return false;
        }
    }
    return true;
}

void ranking_set_first(const struct ranking *g, const struct ranking_step *path,
                       unsigned level, struct ranked *r, uint64_t image)
{
    for (unsigned i = level + 1; i <= g->height; i++) {
        struct inner *p = path[i].node;

        p->firsts[path[i].index] = r;
        p->images[path[i].index] = image;
        if (path[i].index != 0) {
            return;
        }
    }
}

/* Elements before the path's place. */
static size_t path_rank(const struct ranking *g,
                        const struct ranking_step *path)
{
    size_t rank = path[0].index;

    for (unsigned level = 1; level <= g->height; level++) {
        const struct inner *p = path[level].node;

        for (unsigned i = 0; i < path[level].index; i++) {
            rank += p->counts[i];
        }
    }
    return rank;
}

/* --- finding -------------------------------------------------------------- */

static struct goal goal_at(const struct ranking_cut *cut)
{
    return (struct goal){
        .kind = GOAL_KEY,
        .key = key_of(cut->score, cut->member, cut->side),
    };
}

size_t ranking_count_before(const struct ranking *g,
                            const struct ranking_cut *cut)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct goal goal = goal_at(cut);

    if (g->root == NULL) {
        return 0;
    }
    ranking_descend(g, &goal, path);
    return path_rank(g, path);
}

size_t ranking_rank(const struct ranking *g, const struct ranked *r)
{
    struct ranking_step path[RANKING_LEVELS_MAX];

    ranking_locate(g, r, path);
    return path_rank(g, path);
}

struct ranked *ranking_at_rank(const struct ranking *g, size_t rank)
{
    struct ranking_step path[RANKING_LEVELS_MAX];

    if (rank >= g->element_count) {
        return NULL;
    }
    ranking_descend_rank(g, rank, path);
    return slot_cell(((struct leaf *)path[0].node)->slots[path[0].index]);
}

/* What is equal is the last element that is not behind it. */
struct ranked *ranking_find(const struct ranking *g, double score,
                            struct slice member)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct goal goal = {.kind = GOAL_KEY,
                        .key = key_of(score, member, CUT_AFTER_MEMBER)};
    struct ranked *r;

    if (g->root == NULL) {
        return NULL;
    }
    ranking_descend(g, &goal, path);
    if (path[0].index == 0) {
        return NULL;
    }
    r = slot_cell(((struct leaf *)path[0].node)->slots[path[0].index - 1]);
    if (cell_image(r) != goal.key.image
        || !slice_equal(ranked_member(r), member)) {
        return NULL;
    }
    return r;
}

void ranking_prefetch(const struct ranking *g, const struct ranking_cut *cut)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct goal goal = goal_at(cut);

    if (g->root != NULL) {
        descend_to_leaf(g, &goal, path);
    }
}

/* --- writing -------------------------------------------------------------- */

static void add_to_counts(struct ranking *g, const struct ranking_step *path,
                          size_t added)
{
    for (unsigned level = 1; level <= g->height; level++) {
        struct inner *p = path[level].node;

        p->counts[path[level].index] += added;
    }
    g->element_count += added;
}

static enum status insert_with(struct ranking *g, const struct goal *goal,
                               struct ranked *r, struct reserve *spare)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct leaf *f;

    if (g->root != NULL) {
        ranking_descend(g, goal, path);
    }
    if (g->root == NULL || node_count(path[0].node, 0) == LEAF_SLOTS) {
        enum status st = ranking_make_room(g, goal, path, spare);

        if (st != ST_OK) {
            return st;
        }
    }
    f = path[0].node;
    ranking_leaf_insert(f, (unsigned)path[0].index, r);
    add_to_counts(g, path, 1);
    if (path[0].index == 0) {
        ranking_set_first(g, path, 0, r, cell_image(r));
    }
    return ST_OK;
}

static struct goal goal_before(const struct ranked *r)
{
    return (struct goal){
        .kind = GOAL_KEY,
        .key = key_of(r->score, ranked_member(r), CUT_BEFORE_MEMBER),
    };
}

enum status ranking_insert(struct ranking *g, struct ranked *r)
{
    struct reserve spare = {0};
    struct goal goal = goal_before(r);

    return insert_with(g, &goal, r, &spare);
}

enum status ranking_append(struct ranking *g, struct ranked *r)
{
    struct reserve spare = {0};
    struct goal goal = {.kind = GOAL_LAST};

    return insert_with(g, &goal, r, &spare);
}

enum status ranking_prepend(struct ranking *g, struct ranked *r)
{
    struct reserve spare = {0};
    struct goal goal = {.kind = GOAL_FIRST};

    return insert_with(g, &goal, r, &spare);
}

void ranking_remove_slots(struct ranking *g, struct ranking_step *path,
                          unsigned count)
{
    struct leaf *f = path[0].node;

    ranking_leaf_remove(f, (unsigned)path[0].index, count);
    add_to_counts(g, path, (size_t)0 - count);
    if (path[0].index == 0 && f->count > 0) {
        struct ranked *first = slot_cell(f->slots[0]);

        ranking_set_first(g, path, 0, first, cell_image(first));
    }
    (void)ranking_repair(g, path, 0);
}

void ranking_remove(struct ranking *g, struct ranked *r)
{
    struct ranking_step path[RANKING_LEVELS_MAX];

    ranking_locate(g, r, path);
    ranking_remove_slots(g, path, 1);
}

void ranking_replace(struct ranking *g, struct ranked *old, struct ranked *new)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct leaf *f;
    uint64_t *slot;

    ranking_locate(g, old, path);
    f = path[0].node;
    slot = &f->slots[path[0].index];
    *slot = slot_make(slot_tag(*slot), new);
    if (path[0].index == 0) {
        ranking_set_first(g, path, 0, new, cell_image(new));
    }
}

/* --- another score -------------------------------------------------------- */

/* Does the cell keep its place with its new score? Certain only within the
 * leaf; a no at its ends costs no more than a removal and an insertion. */
static bool keeps_place(const struct ranking *g,
                        const struct ranking_step *path, const struct key *k,
                        bool rises)
{
    const struct leaf *f = path[0].node;
    size_t at = path[0].index;

    if (rises) {
        if (at + 1 == f->count) {
            return ranking_is_last(g, path, 0);
        }
        return !ranking_is_before(slot_cell(f->slots[at + 1]), k);
    }
    if (at == 0) {
        return ranking_is_first(g, path, 0);
    }
    return ranking_is_before(slot_cell(f->slots[at - 1]), k);
}

/* Is there certain to be room where `path` leads, whatever a removal elsewhere
 * does? That fills no node up, and can pass the cut only to a neighbour. */
static bool leaves_room(const struct ranking *g,
                        const struct ranking_step *path)
{
    const struct inner *p;

    if (g->height == 0) {
        return true;
    }
    p = path[1].node;
    if (path[1].index == 0 || path[1].index + 1 >= p->count) {
        return false;
    }
    for (size_t i = path[1].index - 1; i <= path[1].index + 1; i++) {
        if (p->counts[i] == LEAF_SLOTS) {
            return false;
        }
    }
    return true;
}

static enum status move_to_score(struct ranking *g, struct ranked *r,
                                 struct ranking_step *path,
                                 const struct goal *goal, double score,
                                 bool is_roomy)
{
    struct reserve spare = {0};
    enum status st;

    if (!is_roomy) {
        st = ranking_reserve(g, &spare, 1, g->height + 1);
        if (st != ST_OK) {
            return st;
        }
    }
    ranking_remove_slots(g, path, 1);
    r->score = score;
    st = insert_with(g, goal, r, &spare);
    assert(st == ST_OK);
    ranking_unreserve(g, &spare);
    return ST_OK;
}

enum status ranking_rescore(struct ranking *g, struct ranked *r, double score)
{
    struct ranking_step path[RANKING_LEVELS_MAX];
    struct goal goal = {
        .kind = GOAL_KEY,
        .key = key_of(score, ranked_member(r), CUT_BEFORE_MEMBER),
    };
    uint64_t old = cell_image(r);
    struct leaf *f;

    if (goal.key.image == old) {
        r->score = score; /* its sign, where it is zero */
        return ST_OK;
    }
    /* Both ways down before either leaf is read: their misses overlap. */
    descend_to_leaf(g, &goal, path);
    bool is_roomy = leaves_room(g, path);
    ranking_locate(g, r, path);
    if (!keeps_place(g, path, &goal.key, goal.key.image > old)) {
        return move_to_score(g, r, path, &goal, score, is_roomy);
    }
    f = path[0].node;
    r->score = score;
    ranking_leaf_remove(f, (unsigned)path[0].index, 1);
    ranking_leaf_insert(f, (unsigned)path[0].index, r);
    if (path[0].index == 0) {
        ranking_set_first(g, path, 0, r, goal.key.image);
    }
    return ST_OK;
}
