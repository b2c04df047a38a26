/* quicklist_tree: the sequence of chunks: first, treap, last. The layout is in
 * quicklist_priv.h.
 *
 * A node's left_total changes where an element comes or goes below its left
 * link, and in rotations; so a change costs a walk to the root, and a look-up
 * reads no node beside its path. */
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

static void node_adjust(struct node *n, int64_t change)
{
    n->count += (uint32_t)change;
    for (const struct node *at = n; at->parent != NULL; at = at->parent) {
        if (at->parent->left == at) {
            at->parent->left_total += (uint64_t)change;
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
        p->left_total -= n->left_total + n->count;
        if (p->left != NULL) {
            p->left->parent = p;
        }
    } else {
        p->right = n->left;
        n->left = p;
        n->left_total += p->left_total + p->count;
        if (p->right != NULL) {
            p->right->parent = p;
        }
    }
}

/* NULL: as the first one. */
static void tree_insert_after(struct middle *mid, struct node *after,
                              struct node *n)
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
    uint32_t count = n->count;
    n->count = 0;
    node_adjust(n, count);
    while (n->parent != NULL && n->parent->priority < n->priority) {
        rotate_up(mid, n);
    }
}

static void tree_remove(struct middle *mid, struct node *n)
{
    node_adjust(n, -(int64_t)n->count);
    while (n->left != NULL || n->right != NULL) {
        bool is_left = n->right == NULL ||
                       (n->left != NULL &&
                        n->left->priority > n->right->priority);
        rotate_up(mid, is_left ? n->left : n->right);
    }
    *link_to(mid, n) = NULL;
}

/* --- nodes and the middle --- */

/* A node for the chunk, and a middle if there is none yet. */
static struct node *node_create(struct quicklist *q,
                                const struct quicklist_memory *m,
                                struct chunk *c)
{
    struct node *n = slab_alloc(m->heap, sizeof *n);
    if (n == NULL) {
        return NULL;
    }
    if (q->middle == NULL) {
        q->middle = slab_alloc(m->heap, sizeof *q->middle);
        if (q->middle == NULL) {
            slab_free(m->heap, n);
            return NULL;
        }
        *q->middle = (struct middle){.seed = (uintptr_t)n | 1};
        q->middle->bytes = slab_class_bytes(sizeof *q->middle);
    }
    /* A step of xorshift64 (G. Marsaglia, 2003). */
    uint64_t seed = q->middle->seed;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    q->middle->seed = seed;
    q->middle->bytes += slab_class_bytes(sizeof *n) + chunk_bytes(c);
    q->middle->chunk_count++;
    *n = (struct node){.chunk = c, .count = c->count,
                       .priority = (uint32_t)(seed >> 32)};
    return n;
}

/* Frees the node, not its chunk. */
static void node_unlink(struct quicklist *q, const struct quicklist_memory *m,
                        struct node *n)
{
    struct middle *mid = q->middle;
    tree_remove(mid, n);
    mid->bytes -= slab_class_bytes(sizeof *n) + chunk_bytes(n->chunk);
    mid->chunk_count--;
    slab_free(m->heap, n);
    if (mid->root == NULL) {
        assert(mid->chunk_count == 0);
        slab_free(m->heap, mid);
        q->middle = NULL;
    }
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
    struct node *n = q->middle->root;
    while (index - n->left_total >= n->count) {
        if (index < n->left_total) {
            n = n->left;
        } else {
            index -= n->left_total + n->count;
            n = n->right;
        }
    }
    at->node = n;
    at->chunk = n->chunk;
    return (uint32_t)(index - n->left_total);
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
        node_adjust(at->node, change);
    }
}

void sequence_replace(struct quicklist *q, const struct quicklist_memory *m,
                      struct quicklist_at *at, struct chunk *c)
{
    struct chunk *old = at->chunk;
    if (at->node != NULL) {
        ((struct node *)at->node)->chunk = c;
        q->middle->bytes += chunk_bytes(c) - chunk_bytes(old);
    } else {
        q->head = q->head == old ? c : q->head;
        q->tail = q->tail == old ? c : q->tail;
    }
    at->chunk = c;
    chunk_destroy(m, old);
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

static uint64_t node_rank(const struct node *n)
{
    uint64_t rank = n->left_total;
    for (; n->parent != NULL; n = n->parent) {
        if (n->parent->right == n) {
            rank += n->parent->left_total + n->parent->count;
        }
    }
    return rank;
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
    size_t chunk_count = 0;
    uint64_t rank = 0;
    for (const struct node *n = leftmost(mid->root); n != NULL;
         n = node_next(n)) {
        assert(n->left == NULL || n->left->parent == n);
        assert(n->right == NULL || n->right->parent == n);
        assert(n->parent == NULL || n->parent->priority >= n->priority);
        assert(n->left != NULL || n->left_total == 0);
        assert(n->count == n->chunk->count);
        assert(node_rank(n) == rank);
        rank += n->count;
        bytes += slab_class_bytes(sizeof *n) + chunk_bytes(n->chunk);
        chunk_count++;
    }
    assert(bytes == mid->bytes);
    assert(chunk_count == mid->chunk_count);
}
