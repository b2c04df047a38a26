/* nodes: many pieces of one small size, cut from blocks that are mapped (see
 * mem_map). A block goes back to the system once none of its nodes is in use; as
 * pieces of the process's heap the few that stay would keep those of a whole
 * burst from going back.
 *
 * Threads: a pool belongs to one thread at a time. */
#ifndef ENGRAM_BASE_NODES_H
#define ENGRAM_BASE_NODES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum { NODE_BYTES_MAX = 1024 };

struct node_block;

struct node_pool {
    struct mem_account *account;
    struct node_block *open; /* blocks that have free nodes */
    size_t node_bytes;
    size_t block_nodes; /* in each block */
    size_t free_count;
};

/* `node_bytes` is a multiple of 8, at most NODE_BYTES_MAX. There is nothing to
 * deinit once all nodes are released and the pool is trimmed to 0. */
void node_pool_init(struct node_pool *p, struct mem_account *account,
                    size_t node_bytes);
/* NULL: out of memory. What is in the node is undefined; alignment is 8. */
void *node_acquire(struct node_pool *p);
void node_release(struct node_pool *p, void *node);

/* Would trimming to `keep` give back a block, if none were in use? */
bool node_pool_has_spare(const struct node_pool *p, size_t keep);
/* Gives back blocks without a node in use while more than `keep` are free. */
void node_pool_trim(struct node_pool *p, size_t keep);

#endif
