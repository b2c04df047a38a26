/* hash_index: a hash table whose nodes lie inside of what it finds. It compares
 * hashes only; whoever looks compares the rest. It grows by one bucket with
 * each node (linear hashing), so that no insertion looks at the nodes of more
 * than two, and where there is no memory to grow it is only slower. */
#ifndef ENGRAM_CLIENT_HASH_INDEX_H
#define ENGRAM_CLIENT_HASH_INDEX_H

#include <stdint.h>

#include "base/mem.h"
#include "base/status.h"

/* What `node`, a pointer to member `member` of `type`, lies in. */
#define HASH_INDEX_ITEM(node, type, member) \
    ((type *)(void *)((char *)(node) - offsetof(type, member)))

struct hash_node {
    struct hash_node *next;
    struct hash_node *before; /* NULL: the bucket */
    uint64_t hash;
};

struct hash_index {
    struct mem_account *account;
    struct hash_node **buckets;
    size_t bucket_count, bucket_cap;
    size_t round; /* a power of two, <= bucket_count < 2 * round */
    size_t count;
};

STATUS_CHECKED enum status hash_index_init(struct hash_index *ix,
                                           struct mem_account *account);
/* The nodes are the callers': there may be some still. */
void hash_index_deinit(struct hash_index *ix);

void hash_index_add(struct hash_index *ix, struct hash_node *n, uint64_t hash);
void hash_index_remove(struct hash_index *ix, struct hash_node *n);

/* The nodes of this hash, one after the other; NULL: no more. The one at hand
 * may be removed once the next is known. */
struct hash_node *hash_index_first(const struct hash_index *ix, uint64_t hash);
struct hash_node *hash_index_next(const struct hash_node *n);

/* For tests: aborts where something is out of order. */
void hash_index_check(const struct hash_index *ix);

#endif
