/* nodes: a block is aligned to its size, so that a node's address tells its
 * block. Blocks with free nodes are linked; a block is taken off when its last
 * node is handed out and comes back, to the front, with the first one released:
 * so few blocks are in use when few nodes are. */
#include "base/nodes.h"

#include <assert.h>
#include <stdint.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

enum { BLOCK_BYTES = 4096 };

struct free_node {
    struct free_node *next;
};

struct node_block {
    struct node_block *prev, *next; /* while it has free nodes */
    struct free_node *free;
    size_t used_count;
    _Alignas(8) uint8_t bytes[];
};

void node_pool_init(struct node_pool *p, struct mem_account *account,
                    size_t node_bytes)
{
    assert(node_bytes >= sizeof(struct free_node));
    assert(node_bytes <= NODE_BYTES_MAX);
    assert(node_bytes % 8 == 0);
    *p = (struct node_pool){
        .account = account,
        .node_bytes = node_bytes,
        .block_nodes = (BLOCK_BYTES - sizeof(struct node_block)) / node_bytes,
    };
}

/* All of a free node but its link is nobody's. */
static inline void forbid(const struct node_pool *p, struct free_node *n)
{
    ASAN_POISON_MEMORY_REGION(n + 1, p->node_bytes - sizeof *n);
}

static inline void allow(const struct node_pool *p, struct free_node *n)
{
    ASAN_UNPOISON_MEMORY_REGION(n + 1, p->node_bytes - sizeof *n);
}

static struct node_block *block_of(const void *node)
{
    uintptr_t at = (uintptr_t)node;
    return (struct node_block *)(at & ~(uintptr_t)(BLOCK_BYTES - 1));
}

static void link_block(struct node_pool *p, struct node_block *b)
{
    b->prev = NULL;
    b->next = p->open;
    if (b->next != NULL) {
        b->next->prev = b;
    }
    p->open = b;
}

static void unlink_block(struct node_pool *p, struct node_block *b)
{
    if (b->prev == NULL) {
        p->open = b->next;
    } else {
        b->prev->next = b->next;
    }
    if (b->next != NULL) {
        b->next->prev = b->prev;
    }
}

/* NULL: out of memory. */
static struct node_block *add_block(struct node_pool *p)
{
    struct node_block *b = mem_map(p->account, BLOCK_BYTES);
    if (b == NULL) {
        return NULL;
    }
    assert(b == block_of(b->bytes));
    for (size_t i = p->block_nodes; i > 0; i--) {
        struct free_node *n =
            (struct free_node *)(b->bytes + (i - 1) * p->node_bytes);
        n->next = b->free;
        b->free = n;
        forbid(p, n);
    }
    p->free_count += p->block_nodes;
    link_block(p, b);
    return b;
}

void *node_acquire(struct node_pool *p)
{
    struct node_block *b = p->open != NULL ? p->open : add_block(p);
    if (b == NULL) {
        return NULL;
    }
    struct free_node *n = b->free;
    b->free = n->next;
    b->used_count++;
    p->free_count--;
    if (b->free == NULL) {
        unlink_block(p, b);
    }
    allow(p, n);
    return n;
}

void node_release(struct node_pool *p, void *node)
{
    struct node_block *b = block_of(node);
    struct free_node *n = node;
    assert(b->used_count > 0);
    if (b->free == NULL) {
        link_block(p, b);
    }
    n->next = b->free;
    b->free = n;
    forbid(p, n);
    b->used_count--;
    p->free_count++;
}

bool node_pool_has_spare(const struct node_pool *p, size_t keep)
{
    return p->free_count >= keep + p->block_nodes;
}

void node_pool_trim(struct node_pool *p, size_t keep)
{
    struct node_block *b = p->open;
    while (b != NULL && node_pool_has_spare(p, keep)) {
        struct node_block *next = b->next;
        if (b->used_count == 0) {
            unlink_block(p, b);
            p->free_count -= p->block_nodes;
            mem_unmap(p->account, b, BLOCK_BYTES);
        }
        b = next;
    }
}
