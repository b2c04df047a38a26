/* hash_index: see hash_index.h. In a round the buckets [0, round) are split in
 * their order; what a split moves goes `round` buckets further. */
#include "client/hash_index.h"

#include <assert.h>
#include <stddef.h>

enum { BUCKETS_MIN = 16 };

enum status hash_index_init(struct hash_index *ix, struct mem_account *account)
{
    *ix = (struct hash_index){
        .account = account,
        .bucket_count = BUCKETS_MIN,
        .bucket_cap = BUCKETS_MIN,
        .round = BUCKETS_MIN,
    };
    ix->buckets =
        mem_alloc_zeroed(account, BUCKETS_MIN * sizeof ix->buckets[0]);
    return ix->buckets == NULL ? ST_NOMEM : ST_OK;
}

void hash_index_deinit(struct hash_index *ix)
{
    mem_free(ix->account, ix->buckets);
    ix->buckets = NULL;
}

static size_t bucket_of(const struct hash_index *ix, uint64_t hash)
{
    size_t b = (size_t)hash & (2 * ix->round - 1);
    return b < ix->bucket_count ? b : (size_t)hash & (ix->round - 1);
}

static void push(struct hash_index *ix, size_t bucket, struct hash_node *n)
{
    n->next = ix->buckets[bucket];
    n->before = NULL;
    if (n->next != NULL) {
        n->next->before = n;
    }
    ix->buckets[bucket] = n;
}

static bool make_room(struct hash_index *ix)
{
    if (ix->bucket_count < ix->bucket_cap) {
        return true;
    }
    struct hash_node **grown = mem_realloc(
        ix->account, ix->buckets, 2 * ix->bucket_cap * sizeof grown[0]);
    if (grown == NULL) {
        return false;
    }
    ix->buckets = grown;
    ix->bucket_cap *= 2;
    return true;
}

static void split_one(struct hash_index *ix)
{
    if (!make_room(ix)) {
        return;
    }
    size_t from = ix->bucket_count - ix->round;
    size_t to = ix->bucket_count++;
    struct hash_node *next;
    struct hash_node *n = ix->buckets[from];
    ix->buckets[from] = NULL;
    ix->buckets[to] = NULL;
    for (; n != NULL; n = next) {
        next = n->next;
        push(ix, n->hash & ix->round ? to : from, n);
    }
    if (ix->bucket_count == 2 * ix->round) {
        ix->round *= 2;
    }
}

void hash_index_add(struct hash_index *ix, struct hash_node *n, uint64_t hash)
{
    n->hash = hash;
    ix->count++;
    if (ix->count > ix->bucket_count) {
        split_one(ix);
    }
    push(ix, bucket_of(ix, hash), n);
}

void hash_index_remove(struct hash_index *ix, struct hash_node *n)
{
    assert(ix->count > 0);
    ix->count--;
    if (n->next != NULL) {
        n->next->before = n->before;
    }
    if (n->before != NULL) {
        n->before->next = n->next;
    } else {
        ix->buckets[bucket_of(ix, n->hash)] = n->next;
    }
}

static struct hash_node *skip_others(struct hash_node *n, uint64_t hash)
{
    while (n != NULL && n->hash != hash) {
        n = n->next;
    }
    return n;
}

struct hash_node *hash_index_first(const struct hash_index *ix, uint64_t hash)
{
    return skip_others(ix->buckets[bucket_of(ix, hash)], hash);
}

struct hash_node *hash_index_next(const struct hash_node *n)
{
    return skip_others(n->next, n->hash);
}

void hash_index_check(const struct hash_index *ix)
{
    size_t count = 0;
    assert(ix->round <= ix->bucket_count);
    assert(ix->bucket_count < 2 * ix->round);
    assert(ix->bucket_count <= ix->bucket_cap);
    for (size_t i = 0; i < ix->bucket_count; i++) {
        const struct hash_node *before = NULL;
        for (const struct hash_node *n = ix->buckets[i]; n != NULL;
             n = n->next) {
            assert(n->before == before);
            assert(bucket_of(ix, n->hash) == i);
            before = n;
            count++;
        }
    }
    assert(count == ix->count);
}
