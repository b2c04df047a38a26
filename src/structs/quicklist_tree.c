/* quicklist_tree: the sequence of chunks: first, treap, last. The layout is in
 * quicklist_priv.h.
 *
 * A node's left_count changes where an element comes or goes below its left
 * link, and in rotations; so a change costs a walk to the root, and a look-up
 * reads no node beside its path.
 *
 * The treap is cut by putting an empty node at the place and rotating it to the
 * root: its subtrees are the two parts. Two parts are joined the other way
 * round, under an empty root that is rotated down and out. */
#include "structs/quicklist_priv.h"

/* --- the treap --- */

static struct node *leftmost(struct node *n)
{
    while (n->left != NULL) {
        n = n->left;
    }
    return n;
}

static struct node *rightmost(struct node *n)
{
    while (n->right != NULL) {
        n = n->right;
    }
    return n;
}

struct node *node_next(const struct node *n)
{
    if (n->right != NULL) {
        return leftmost(n->right);
    }
    while (n->parent != NULL && n->parent->right == n) {
        n = n->parent;
    }
    return n->parent;
}

struct node *node_prev(const struct node *n)
{
    if (n->left != NULL) {
        return rightmost(n->left);
    }
    while (n->parent != NULL && n->parent->left == n) {
        n = n->parent;
    }
    return n->parent;
}

static struct node **link_to(struct middle *mid, const struct node *n)
{
    if (n->parent == NULL) {
        return &mid->root;
    }
    return n->parent->left == n ? &n->parent->left : &n->parent->right;
}

static void node_adjust(struct node *n, int64_t count, ptrdiff_t bytes)
{
    n->count += (uint32_t)count;
    n->bytes += (size_t)bytes;
    for (const struct node *at = n; at->parent != NULL; at = at->parent) {
        if (at->parent->left == at) {
            at->parent->left_count += (uint64_t)count;
            at->parent->left_bytes += (size_t)bytes;
        }
    }
}

/* `n` and its parent change places. */
static void rotate_up(struct middle *mid, struct node *n)
{
    struct node *p = n->parent;
    *link_to(mid, p) = n;
    n->parent = p->parent;
    p->parent = n;
    if (p->left == n) {
        p->left = n->right;
        n->right = p;
        p->left_count -= n->left_count + n->count;
        p->left_bytes -= n->left_bytes + n->bytes;
        if (p->left != NULL) {
            p->left->parent = p;
        }
    } else {
        p->right = n->left;
        n->left = p;
        n->left_count += p->left_count + p->count;
        n->left_bytes += p->left_bytes + p->bytes;
        if (p->right != NULL) {
            p->right->parent = p;
        }
    }
}

/* An empty leaf; after == NULL: as the first one. */
static void tree_hang(struct middle *mid, struct node *after, struct node *n)
{
    if (mid->root == NULL) {
        mid->root = n;
    } else if (after != NULL && after->right == NULL) {
        after->right = n;
        n->parent = after;
    } else {
        n->parent = leftmost(after != NULL ? after->right : mid->root);
        n->parent->left = n;
    }
}

static void tree_insert_after(struct middle *mid, struct node *after,
                              struct node *n)
{
    tree_hang(mid, after, n);
    node_adjust(n, n->chunk->count, (ptrdiff_t)(slab_class_bytes(sizeof *n) +
                                                chunk_bytes(n->chunk)));
    mid->bytes += n->bytes;
    while (n->parent != NULL && n->parent->priority < n->priority) {
        rotate_up(mid, n);
    }
}

/* An empty node, wherever it is. */
static void tree_rotate_out(struct middle *mid, struct node *n)
{
    assert(n->count == 0);
    assert(n->bytes == 0);
    while (n->left != NULL || n->right != NULL) {
        bool is_left = n->right == NULL ||
                       (n->left != NULL &&
                        n->left->priority > n->right->priority);
        rotate_up(mid, is_left ? n->left : n->right);
    }
    *link_to(mid, n) = NULL;
}

static void tree_remove(struct middle *mid, struct node *n)
{
    mid->bytes -= n->bytes;
    node_adjust(n, -(int64_t)n->count, -(ptrdiff_t)n->bytes);
    tree_rotate_out(mid, n);
}

/* Cuts the treap behind `after` (NULL: before all): `cut` has both parts, and
 * figures of the left one. */
static void tree_cut(struct middle *mid, struct node *after, struct node *cut)
{
    *cut = (struct node){.count = 0};
    tree_hang(mid, after, cut);
    while (cut->parent != NULL) {
        rotate_up(mid, cut);
    }
    if (cut->left != NULL) {
        cut->left->parent = NULL;
    }
    if (cut->right != NULL) {
        cut->right->parent = NULL;
    }
}

/* Takes the nodes `first` to `last` out of the treap: the left part of *out. */
static void tree_detach(struct middle *mid, struct node *first,
                        struct node *last, struct node *out)
{
    struct node joint;
    tree_cut(mid, node_prev(first), &joint);
    mid->root = joint.right;
    tree_cut(mid, last, out);
    joint.right = out->right;
    mid->root = &joint;
    if (joint.left != NULL) {
        joint.left->parent = &joint;
    }
    if (joint.right != NULL) {
        joint.right->parent = &joint;
    }
    tree_rotate_out(mid, &joint);
    mid->bytes -= out->left_bytes;
}

/* The node with element `index` of the treap; *local: the index in it. */
static struct node *tree_seek(const struct middle *mid, uint64_t index,
                              uint32_t *local)
{
    struct node *n = mid->root;
    while (index - n->left_count >= n->count) {
        if (index < n->left_count) {
            n = n->left;
        } else {
            index -= n->left_count + n->count;
            n = n->right;
        }
    }
    *local = (uint32_t)(index - n->left_count);
    return n;
}

/* --- nodes and the middle --- */

static struct middle *middle_create(const struct quicklist_memory *m)
{
    struct middle *mid = slab_alloc(m->heap, sizeof *mid);
    if (mid != NULL) {
        *mid = (struct middle){.bytes = slab_class_bytes(sizeof *mid),
                               .seed = (uintptr_t)mid};
    }
    return mid;
}

static void middle_free_if_empty(struct quicklist *q,
                                 const struct quicklist_memory *m)
{
    if (q->middle->root == NULL) {
        assert(q->middle->bytes == slab_class_bytes(sizeof *q->middle));
        slab_free(m->heap, q->middle);
        q->middle = NULL;
    }
}

/* A node for the chunk, not yet in the treap; a middle if there is none. */
static struct node *node_create(struct quicklist *q,
                                const struct quicklist_memory *m,
                                struct chunk *c)
{
    struct node *n = slab_alloc(m->heap, sizeof *n);
    if (n == NULL) {
        return NULL;
    }
    if (q->middle == NULL) {
        q->middle = middle_create(m);
        if (q->middle == NULL) {
            slab_free(m->heap, n);
            return NULL;
        }
    }
    /* A step of xorshift64 (G. Marsaglia, 2003). */
    uint64_t seed = q->middle->seed;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    q->middle->seed = seed;
    *n = (struct node){.chunk = c, .priority = (uint32_t)(seed >> 32)};
    return n;
}

/* Frees the node, not its chunk. */
static void node_unlink(struct quicklist *q, const struct quicklist_memory *m,
                        struct node *n)
{
    tree_remove(q->middle, n);
    slab_free(m->heap, n);
    middle_free_if_empty(q, m);
}

/* --- the sequence --- */

static struct quicklist_at at_node(struct node *n)
{
    return (struct quicklist_at){.node = n, .chunk = n->chunk};
}

bool sequence_next(const struct quicklist *q, struct quicklist_at *at)
{
    struct node *next;
    if (at->node != NULL) {
        next = node_next(at->node);
    } else if (at->chunk == q->tail) {
        at->chunk = NULL;
        return false;
    } else {
        next = q->middle == NULL ? NULL : leftmost(q->middle->root);
    }
    at->node = next;
    at->chunk = next == NULL ? q->tail : next->chunk;
    return true;
}

bool sequence_prev(const struct quicklist *q, struct quicklist_at *at)
{
    struct node *prev;
    if (at->node != NULL) {
        prev = node_prev(at->node);
    } else if (at->chunk == q->head) {
        at->chunk = NULL;
        return false;
    } else {
        prev = q->middle == NULL ? NULL : rightmost(q->middle->root);
    }
    at->node = prev;
    at->chunk = prev == NULL ? q->head : prev->chunk;
    return true;
}

uint32_t sequence_seek(const struct quicklist *q, uint64_t index,
                       struct quicklist_at *at)
{
    assert(index < q->count);
    at->node = NULL;
    at->chunk = q->head;
    if (index < q->head->count) {
        return (uint32_t)index;
    }
    uint64_t tail_start = q->count - q->tail->count;
    if (index >= tail_start) {
        at->chunk = q->tail;
        return (uint32_t)(index - tail_start);
    }
    index -= q->head->count;
    uint32_t local;
    struct node *n = tree_seek(q->middle, index, &local);
    at->node = n;
    at->chunk = n->chunk;
    return local;
}

/* The new chunk is the outermost; the one that was goes to the treap. */
static enum status link_outermost(struct quicklist *q,
                                  const struct quicklist_memory *m,
                                  struct quicklist_at *at,
                                  enum quicklist_end end, struct chunk *c)
{
    struct chunk **outermost = end == QUICKLIST_HEAD ? &q->head : &q->tail;
    if (q->head != q->tail) {
        struct node *n = node_create(q, m, *outermost);
        if (n == NULL) {
            return ST_NOMEM;
        }
        struct node *root = q->middle->root;
        tree_insert_after(q->middle,
                          end == QUICKLIST_HEAD || root == NULL
                              ? NULL
                              : rightmost(root),
                          n);
        *at = at_node(n);
    }
    *outermost = c;
    return ST_OK;
}

enum status sequence_link(struct quicklist *q, const struct quicklist_memory *m,
                          struct quicklist_at *at, bool is_after,
                          struct chunk *c)
{
    if (q->head == NULL) {
        q->head = c;
        q->tail = c;
        return ST_OK;
    }
    if (is_after && at->chunk == q->tail) {
        return link_outermost(q, m, at, QUICKLIST_TAIL, c);
    }
    if (!is_after && at->chunk == q->head) {
        return link_outermost(q, m, at, QUICKLIST_HEAD, c);
    }
    struct quicklist_at after = *at;
    if (!is_after) {
        (void)sequence_prev(q, &after);
    }
    struct node *n = node_create(q, m, c);
    if (n == NULL) {
        return ST_NOMEM;
    }
    tree_insert_after(q->middle, after.node, n);
    return ST_OK;
}

void sequence_remove(struct quicklist *q, const struct quicklist_memory *m,
                     const struct quicklist_at *at)
{
    struct chunk *c = at->chunk;
    if (at->node != NULL) {
        node_unlink(q, m, at->node);
    } else if (q->head == q->tail) {
        q->head = NULL;
        q->tail = NULL;
    } else if (q->middle == NULL) {
        q->head = c == q->head ? q->tail : q->head;
        q->tail = q->head;
    } else {
        bool is_head = c == q->head;
        struct node *root = q->middle->root;
        struct node *n = is_head ? leftmost(root) : rightmost(root);
        *(is_head ? &q->head : &q->tail) = n->chunk;
        node_unlink(q, m, n);
    }
    chunk_destroy(m, c);
}

void sequence_adjust(const struct quicklist_at *at, int64_t change)
{
    if (at->node != NULL) {
        node_adjust(at->node, change, 0);
    }
}

void sequence_replace(struct quicklist *q, const struct quicklist_memory *m,
                      struct quicklist_at *at, struct chunk *c)
{
    struct chunk *old = at->chunk;
    if (at->node != NULL) {
        ptrdiff_t more = (ptrdiff_t)(chunk_bytes(c) - chunk_bytes(old));
        ((struct node *)at->node)->chunk = c;
        node_adjust(at->node, 0, more);
        q->middle->bytes += (size_t)more;
    } else {
        q->head = q->head == old ? c : q->head;
        q->tail = q->tail == old ? c : q->tail;
    }
    at->chunk = c;
    chunk_destroy(m, old);
}

/* The nodes that lie wholly within the treap's elements [from, to); NULL: there
 * are none. */
static struct node *tree_range(const struct middle *mid, uint64_t total,
                               uint64_t from, uint64_t to, struct node **last)
{
    uint32_t local;
    if (from >= total) {
        return NULL;
    }
    struct node *first = tree_seek(mid, from, &local);
    if (local > 0) {
        from += first->count - local;
        first = node_next(first);
    }
    if (to >= total) {
        *last = rightmost(mid->root);
        return first;
    }
    *last = node_prev(tree_seek(mid, to, &local));
    return to - local > from ? first : NULL;
}

uint64_t sequence_detach(struct quicklist *q, const struct quicklist_memory *m,
                         uint64_t from, uint64_t to,
                         struct quicklist **removed)
{
    if (q->middle == NULL || to <= q->head->count) {
        return 0;
    }
    uint64_t head = q->head->count;
    struct node *last;
    struct node *first =
        tree_range(q->middle, q->count - head - q->tail->count,
                   from > head ? from - head : 0, to - head, &last);
    struct quicklist *out = NULL;
    if (first != NULL) {
        out = slab_alloc(m->heap, sizeof *out);
    }
    if (out == NULL) {
        return 0;
    }
    *out = (struct quicklist){.middle = middle_create(m)};
    if (out->middle == NULL) {
        slab_free(m->heap, out);
        return 0;
    }
    struct node parts;
    tree_detach(q->middle, first, last, &parts);
    out->middle->root = parts.left;
    out->middle->bytes += parts.left_bytes;
    q->count = (q->count - parts.left_count) & QUICKLIST_COUNT_MAX;
    middle_free_if_empty(q, m);
    *removed = out;
    return parts.left_count;
}

/* --- all of it --- */

/* A copy outside of source pages, the old one freed; NULL: it may stay. */
static void *move_cell(const struct quicklist_memory *m, void *cell,
                       size_t bytes)
{
    if (!slab_is_source(m->heap, cell)) {
        return NULL;
    }
    void *to = slab_alloc(m->heap, bytes);
    if (to != NULL) {
        memcpy(to, cell, bytes);
        slab_free(m->heap, cell);
    }
    return to;
}

void sequence_compact(struct quicklist *q, const struct quicklist_memory *m,
                      struct quicklist_at *at)
{
    if (q->middle == NULL) {
        return;
    }
    struct middle *mid = move_cell(m, q->middle, sizeof *mid);
    q->middle = mid != NULL ? mid : q->middle;
    if (at->node == NULL) {
        return;
    }
    struct node **link = link_to(q->middle, at->node);
    struct node *n = move_cell(m, at->node, sizeof *n);
    if (n == NULL) {
        return;
    }
    *link = n;
    if (n->left != NULL) {
        n->left->parent = n;
    }
    if (n->right != NULL) {
        n->right->parent = n;
    }
    at->node = n;
}

/* Frees leaves: from one it goes on at its parent, so a whole treap costs no
 * more than a walk through it. */
bool sequence_drain(struct quicklist *q, const struct quicklist_memory *m,
                    size_t chunks_max)
{
    if (q->middle == NULL) {
        return false;
    }
    struct node *n = q->middle->root;
    while (n != NULL && chunks_max > 0) {
        if (n->left != NULL || n->right != NULL) {
            n = n->left != NULL ? n->left : n->right;
            continue;
        }
        struct node *parent = n->parent;
        *link_to(q->middle, n) = NULL;
        chunk_destroy(m, n->chunk);
        slab_free(m->heap, n);
        n = parent;
        chunks_max--;
    }
    if (q->middle->root != NULL) {
        return true;
    }
    slab_free(m->heap, q->middle);
    q->middle = NULL;
    return false;
}

/* The count and the bytes that the figures say lie before the node. */
static struct node node_before(const struct node *n)
{
    struct node sum = {.bytes = n->left_bytes, .count = (uint32_t)n->left_count};
    for (; n->parent != NULL; n = n->parent) {
        if (n->parent->right == n) {
            sum.count += (uint32_t)n->parent->left_count + n->parent->count;
            sum.bytes += n->parent->left_bytes + n->parent->bytes;
        }
    }
    return sum;
}

void sequence_check(const struct quicklist *q)
{
    const struct middle *mid = q->middle;
    if (mid == NULL) {
        return;
    }
    assert(q->head != q->tail);
    assert(mid->root != NULL);
    assert(mid->root->parent == NULL);
    size_t bytes = slab_class_bytes(sizeof *mid);
    uint64_t rank = 0;
    for (const struct node *n = leftmost(mid->root); n != NULL;
         n = node_next(n)) {
        assert(n->left == NULL || n->left->parent == n);
        assert(n->right == NULL || n->right->parent == n);
        assert(n->parent == NULL || n->parent->priority >= n->priority);
        assert(n->left != NULL || n->left_count == 0);
        assert(n->count == n->chunk->count);
        assert(n->bytes ==
               slab_class_bytes(sizeof *n) + chunk_bytes(n->chunk));
        struct node before = node_before(n);
        assert(before.count == rank);
        assert(before.bytes == bytes - slab_class_bytes(sizeof *mid));
        rank += n->count;
        bytes += n->bytes;
    }
    assert(bytes == mid->bytes);
}
