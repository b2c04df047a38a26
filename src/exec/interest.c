/* interest: chained hash maps that double as they fill. They hold as many keys
 * as are watched or waited for, which is few, so growth at once does no harm. */
#include "exec/interest.h"

#include <assert.h>
#include <string.h>

enum { BUCKETS_MIN = 16 };

struct interest_map {
    _Alignas(64) uint32_t count;
    uint32_t bucket_count; /* 0 or a power of two */
    struct interest **buckets;
};

struct interests {
    struct mem_account *account;
    uint32_t shard_count;
    struct interest_map *maps;
};

struct interests *interests_create(struct mem_account *shared,
                                   uint32_t shard_count)
{
    struct interests *in = mem_alloc_zeroed(shared, sizeof *in);
    size_t bytes = shard_count * sizeof *in->maps;
    if (in == NULL) {
        return NULL;
    }
    in->account = shared;
    in->shard_count = shard_count;
    in->maps = mem_alloc_aligned(shared, 64, bytes);
    if (in->maps == NULL) {
        mem_free(shared, in);
        return NULL;
    }
    memset(in->maps, 0, bytes);
    return in;
}

void interests_destroy(struct interests **interests)
{
    struct interests *in = *interests;
    if (in == NULL) {
        return;
    }
    for (uint32_t i = 0; i < in->shard_count; i++) {
        assert(in->maps[i].count == 0);
        mem_free(in->account, in->maps[i].buckets);
    }
    mem_free(in->account, in->maps);
    mem_free(in->account, in);
    *interests = NULL;
}

struct mem_account *interests_account(struct interests *in)
{
    return in->account;
}

bool interests_any(const struct interests *in, uint32_t shard)
{
    return in->maps[shard].count > 0;
}

/* The highest bits: the lowest are the shard, alike for all of a map. */
static struct interest **bucket_of(const struct interest_map *m, uint64_t hash)
{
    return &m->buckets[(hash >> 32) & (m->bucket_count - 1)];
}

struct interest *interests_find(const struct interests *in, uint32_t shard,
                                uint32_t database, const struct key *k)
{
    const struct interest_map *m = &in->maps[shard];
    if (m->count == 0) {
        return NULL;
    }
    for (struct interest *i = *bucket_of(m, k->hash); i != NULL; i = i->next) {
        if (i->hash == k->hash && i->database == database
            && slice_equal(slice_of(i->key, i->key_len), k->name)) {
            return i;
        }
    }
    return NULL;
}

static bool grow(struct interests *in, struct interest_map *m)
{
    struct interest_map to = *m;
    to.bucket_count = m->bucket_count == 0 ? BUCKETS_MIN : m->bucket_count * 2;
    to.buckets = mem_alloc_zeroed(in->account,
                                  to.bucket_count * sizeof *to.buckets);
    if (to.buckets == NULL) {
        return m->bucket_count > 0; /* longer chains, then */
    }
    for (uint32_t b = 0; b < m->bucket_count; b++) {
        for (struct interest *i = m->buckets[b], *next; i != NULL; i = next) {
            struct interest **at = bucket_of(&to, i->hash);
            next = i->next;
            i->next = *at;
            *at = i;
        }
    }
    mem_free(in->account, m->buckets);
    *m = to;
    return true;
}

struct interest *interests_make(struct interests *in, uint32_t shard,
                                uint32_t database, const struct key *k)
{
    struct interest_map *m = &in->maps[shard];
    struct interest *i = interests_find(in, shard, database, k);
    if (i != NULL) {
        return i;
    }
    if (m->count >= m->bucket_count && !grow(in, m)) {
        return NULL;
    }
    i = mem_alloc(in->account, sizeof *i + k->name.len);
    if (i == NULL) {
        return NULL;
    }
    *i = (struct interest){.hash = k->hash, .shard = shard,
                           .database = database,
                           .key_len = (uint32_t)k->name.len};
    if (k->name.len > 0) {
        memcpy(i->key, k->name.data, k->name.len);
    }
    struct interest **at = bucket_of(m, k->hash);
    i->next = *at;
    *at = i;
    m->count++;
    return i;
}

void interests_drop(struct interests *in, struct interest *i)
{
    if (i->watches != NULL || i->waits != NULL || i->ready_count > 0) {
        return;
    }
    struct interest_map *m = &in->maps[i->shard];
    struct interest **at = bucket_of(m, i->hash);
    while (*at != i) {
        at = &(*at)->next;
    }
    *at = i->next;
    m->count--;
    mem_free(in->account, i);
    if (m->count == 0) {
        mem_free(in->account, m->buckets);
        *m = (struct interest_map){0};
    }
}

struct key interest_key(const struct interest *i)
{
    return (struct key){slice_of(i->key, i->key_len), i->hash};
}

void interest_dirty(struct interest *i)
{
    for (struct watch *w = i->watches; w != NULL; w = w->next) {
        interest_dirty_one(w);
    }
}

void interest_dirty_one(struct watch *w)
{
    atomic_store_explicit(&w->session->is_watch_dirty, true,
                          memory_order_relaxed);
}

void interests_visit(struct interests *in, uint32_t shard,
                     void (*visit)(void *self, struct interest *i), void *self)
{
    const struct interest_map *m = &in->maps[shard];
    for (uint32_t b = 0; b < m->bucket_count; b++) {
        for (struct interest *i = m->buckets[b], *next; i != NULL; i = next) {
            next = i->next;
            visit(self, i);
        }
    }
}

void interest_add_watch(struct interest *i, struct watch *w)
{
    w->at = i;
    w->prev = NULL;
    w->next = i->watches;
    if (w->next != NULL) {
        w->next->prev = w;
    }
    i->watches = w;
}

void interest_remove_watch(struct watch *w)
{
    if (w->prev != NULL) {
        w->prev->next = w->next;
    } else {
        w->at->watches = w->next;
    }
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
}

void interest_add_wait(struct interest *i, struct wait_link *l)
{
    l->at = i;
    l->next = NULL;
    l->prev = i->last_wait;
    if (l->prev != NULL) {
        l->prev->next = l;
    } else {
        i->waits = l;
    }
    i->last_wait = l;
}

void interest_remove_wait(struct wait_link *l)
{
    struct interest *i = l->at;
    if (l->prev != NULL) {
        l->prev->next = l->next;
    } else {
        i->waits = l->next;
    }
    if (l->next != NULL) {
        l->next->prev = l->prev;
    } else {
        i->last_wait = l->prev;
    }
}
