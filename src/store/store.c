/* store: the matrix of keyspaces, and what is done to whole databases.
 *
 * A cell of the matrix is an atomic pointer: set under its shard's lock (or with
 * all shards held), read by any worker that is inside the gate. Flush and swap
 * need all shards, so no worker is inside the gate then, and what a worker read
 * there stays valid until it leaves. */
#include "store/store_priv.h"

#include <assert.h>

struct store *store_create(const struct store_options *o)
{
    assert((o->shard_count & (o->shard_count - 1)) == 0);
    assert(o->database_count > 0);
    struct mem_account account;
    mem_account_init_shared(&account);
    struct store *s = mem_alloc_zeroed(&account, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->account = account;
    s->account.shared = true;
    s->shard_count = o->shard_count;
    s->database_count = o->database_count;
    s->pages = o->pages;
    s->seed = o->seed;
    s->sink = o->sink;
    s->events = o->events;
    s->start_ms = o->now_ms;
    value_limits_init(&s->limits);
    atomic_init(&s->now_ms, o->now_ms);
    lock_init(&s->reclaim_lock, LOCK_RANK_LEAF, 0);
    size_t cells = (size_t)o->shard_count * o->database_count;
    s->shards = mem_alloc_aligned(&s->account, 64,
                                  o->shard_count * sizeof *s->shards);
    s->cells = mem_alloc_zeroed(&s->account, cells * sizeof *s->cells);
    if (s->shards == NULL || s->cells == NULL) {
        mem_free(&s->account, s->cells);
        mem_free(&s->account, s->shards);
        account = s->account;
        mem_free(&account, s);
        return NULL;
    }
    memset(s->shards, 0, o->shard_count * sizeof *s->shards);
    for (uint32_t i = 0; i < o->shard_count; i++) {
        struct shard *sh = &s->shards[i];
        lock_init(&sh->lock, LOCK_RANK_SHARD, (uint16_t)i);
        atomic_init(&sh->next_due_ms, INT64_MAX);
        sh->keyspaces = s->cells + (size_t)i * o->database_count;
    }
    return s;
}

void store_destroy(struct store **store)
{
    struct store *s = *store;
    if (s == NULL) {
        return;
    }
    store_flush(s, s->database_count);
    while (store_reclaim(s, INT64_MAX)) {
    }
    mem_free(&s->account, s->cells);
    mem_free(&s->account, s->shards);
    struct mem_account account = s->account;
    mem_free(&account, s);
    *store = NULL;
}

uint32_t store_shard_count(const struct store *s)
{
    return s->shard_count;
}

uint32_t store_database_count(const struct store *s)
{
    return s->database_count;
}

uint64_t store_hash(const struct store *s, struct slice key)
{
    return hash_keyed(&s->seed, key.data, key.len);
}

uint32_t store_shard_of(const struct store *s, uint64_t hash)
{
    return (uint32_t)hash & (s->shard_count - 1);
}

struct lock *store_lock(struct store *s, uint32_t shard)
{
    return &s->shards[shard].lock;
}

void store_prefetch_lock(const struct store *s, uint32_t shard)
{
    __builtin_prefetch(&s->shards[shard].lock, 1);
}

struct keyspace *store_keyspace(struct store *s, uint32_t shard,
                                uint32_t database)
{
    assert(database < s->database_count);
    /* acquire: pairs with the release in store_keyspace_make */
    return atomic_load_explicit(&s->shards[shard].keyspaces[database],
                                memory_order_acquire);
}

struct keyspace *store_keyspace_make(struct store *s, uint32_t shard,
                                     uint32_t database)
{
    struct keyspace *ks = store_keyspace(s, shard, database);
    if (ks == NULL) {
        ks = keyspace_create(s, shard, database);
        if (ks != NULL) {
            /* release: pairs with the acquire in store_keyspace */
            atomic_store_explicit(&s->shards[shard].keyspaces[database], ks,
                                  memory_order_release);
        }
    }
    return ks;
}

struct value_limits *store_limits(struct store *s)
{
    return &s->limits;
}

void store_set_clock(struct store *s, uint32_t seconds)
{
    if (atomic_load_explicit(&s->clock, memory_order_relaxed)
        != (seconds & 0xffffff)) {
        atomic_store_explicit(&s->clock, seconds & 0xffffff,
                              memory_order_relaxed);
        atomic_store_explicit(&s->now_ms, (int64_t)seconds * 1000,
                              memory_order_relaxed);
    }
}

void store_count_lookup(struct store *s, uint32_t shard, bool hit)
{
    struct shard *sh = &s->shards[shard];
    counter_add(hit ? &sh->hits : &sh->misses, 1);
}

void store_count_expired(struct store *s, uint32_t shard)
{
    counter_add(&s->shards[shard].expired, 1);
}

/* ---- whole databases ---- */

static struct keyspace *take_cell(struct store *s, uint32_t shard, uint32_t db)
{
    struct keyspace *ks = store_keyspace(s, shard, db);
    if (ks != NULL) {
        atomic_store_explicit(&s->shards[shard].keyspaces[db], NULL,
                              memory_order_release);
    }
    return ks;
}

size_t store_flush(struct store *s, uint32_t database)
{
    bool all = database == s->database_count;
    uint32_t first = all ? 0 : database;
    uint32_t last = all ? s->database_count - 1 : database;
    size_t count = 0;
    for (uint32_t i = 0; i < s->shard_count; i++) {
        for (uint32_t db = first; db <= last; db++) {
            struct keyspace *ks = take_cell(s, i, db);
            if (ks != NULL) {
                count += keyspace_count(ks);
                store_set_aside(s, ks);
            }
        }
    }
    return count;
}

void store_swap(struct store *s, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < s->shard_count; i++) {
        struct keyspace *ka = store_keyspace(s, i, a);
        struct keyspace *kb = store_keyspace(s, i, b);
        if (ka != NULL) {
            ka->database = b;
        }
        if (kb != NULL) {
            kb->database = a;
        }
        atomic_store_explicit(&s->shards[i].keyspaces[a], kb,
                              memory_order_release);
        atomic_store_explicit(&s->shards[i].keyspaces[b], ka,
                              memory_order_release);
    }
}

static const struct keyspace *peek_cell(const struct store *s, uint32_t shard,
                                        uint32_t db)
{
    return atomic_load_explicit(&s->shards[shard].keyspaces[db],
                                memory_order_acquire);
}

size_t store_database_size(const struct store *s, uint32_t database)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->shard_count; i++) {
        n += keyspace_count(peek_cell(s, i, database));
    }
    return n;
}

size_t store_database_deadlines(const struct store *s, uint32_t database)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->shard_count; i++) {
        n += keyspace_deadline_count(peek_cell(s, i, database));
    }
    return n;
}

size_t store_database_dues(const struct store *s, uint32_t database)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->shard_count; i++) {
        n += keyspace_due_count(peek_cell(s, i, database));
    }
    return n;
}

size_t store_database_bytes(const struct store *s, uint32_t database)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->shard_count; i++) {
        n += keyspace_bytes(peek_cell(s, i, database));
    }
    return n;
}

int64_t store_database_ttl_average_ms(const struct store *s, uint32_t database,
                                      int64_t now_ms)
{
    uint64_t count = 0;
    double sum = 0;
    for (uint32_t i = 0; i < s->shard_count; i++) {
        const struct keyspace *ks = peek_cell(s, i, database);
        if (ks != NULL) {
            count += counter_get(&ks->deadline_count);
            sum += (double)counter_get(&ks->deadline_sum_ms);
        }
    }
    if (count == 0) {
        return 0;
    }
    int64_t average = (int64_t)(sum / (double)count) - (now_ms - s->start_ms);
    return average > 0 ? average : 0;
}

struct mem_account *store_account(struct store *s)
{
    return &s->account;
}

/* ---- statistics ---- */

void store_stats_read(const struct store *s, struct store_stats *out)
{
    *out = (struct store_stats){0};
    for (uint32_t i = 0; i < s->shard_count; i++) {
        const struct shard *sh = &s->shards[i];
        out->expired_count += counter_get(&sh->expired);
        out->expired_lazily_count += counter_get(&sh->expired_lazily);
        out->expired_field_count += counter_get(&sh->expired_fields);
        out->moved_count += counter_get(&sh->moved);
        out->sweep_count += counter_get(&sh->sweeps);
        out->hits += counter_get(&sh->hits);
        out->misses += counter_get(&sh->misses);
        int64_t lag = (int64_t)counter_get(&sh->lag_ms_max);
        if (lag > out->expire_lag_ms_max) {
            out->expire_lag_ms_max = lag;
        }
        for (uint32_t db = 0; db < s->database_count; db++) {
            out->data_bytes += keyspace_bytes(peek_cell(s, i, db));
        }
    }
    out->data_bytes += mem_used(&s->account);
    out->reclaim_bytes = atomic_load_explicit(&s->reclaim_bytes,
                                              memory_order_relaxed);
}

void store_stats_reset(struct store *s)
{
    for (uint32_t i = 0; i < s->shard_count; i++) {
        struct shard *sh = &s->shards[i];
        counter_set(&sh->expired, 0);
        counter_set(&sh->expired_lazily, 0);
        counter_set(&sh->expired_fields, 0);
        counter_set(&sh->moved, 0);
        counter_set(&sh->sweeps, 0);
        counter_set(&sh->hits, 0);
        counter_set(&sh->misses, 0);
        counter_set(&sh->lag_ms_max, 0);
    }
}
