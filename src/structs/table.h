/* table: hash -> pointer, for keyspaces, sets, hashes and everything keyed. It
 * knows bytes, not keys: the caller hashes, compares, and owns what the
 * pointers point at.
 *
 * Only the top TABLE_POSITION_BITS of the hash, the entry's position, order it;
 * positions are also SCAN cursors. table.c explains the layout.
 *
 * Threads: owned by one shard, no locks. Memory: chunks come from `heap`, and
 * are charged to its account. A table that was never inserted into holds none. */
#ifndef ENGRAM_STRUCTS_TABLE_H
#define ENGRAM_STRUCTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "base/slab.h"
#include "base/status.h"

enum { TABLE_POSITION_BITS = 40 };

struct table;

/* Needed only when a very large table must re-read an entry's hash. */
typedef uint64_t table_hash_fn(void *self, const void *entry);

/* Borrows heap, which outlives the table; NULL: out of memory. */
struct table *table_create(struct slab_heap *heap, table_hash_fn *hash,
                           void *hash_self);
/* Frees the table's own memory, not the entries. */
void table_destroy(struct table **t);

typedef void table_visit_fn(void *self, void *entry);
/* The same in slices: frees `budget` cells of the table's, or calls `visit`
 * (NULL: for none) for as many entries, which may free them; a chunk of 112
 * entries more at most. Each entry is visited once. After the first call only
 * this, table_destroy and table_bytes may be called. True: it is gone, and *t
 * NULL. */
bool table_destroy_some(struct table **t, size_t budget, table_visit_fn *visit,
                        void *self);

/* Its parts: `hash` gives position by its top bits. */
static inline uint64_t table_position(uint64_t hash)
{
    return hash >> (64 - TABLE_POSITION_BITS);
}

size_t table_count(const struct table *t);
/* Bytes of chunks, segments, directory and the struct itself. */
size_t table_bytes(const struct table *t);

/* A place in the table; valid until the next insert or remove. */
struct table_at {
    struct table *table;
    void *bucket; /* table.c's */
    void *segment;
    uint64_t hash;
    uint32_t bucket_index, slot;
    uint32_t matches;
};

/* Fetches the cache lines that table_find_first(t, hash) will need: first the
 * bucket, then (called later, when that has arrived) the candidate entry. */
void table_prefetch_bucket(const struct table *t, uint64_t hash);
void table_prefetch_entry(const struct table *t, uint64_t hash);

/* Candidates whose stored hash bits agree with `hash`: the caller compares keys
 * and goes on with table_find_next while they differ. NULL: no more. */
void *table_find_first(struct table *t, uint64_t hash, struct table_at *at);
void *table_find_next(struct table_at *at);
/* As above by position only, for the expiry index: what it finds agrees in the
 * bits that are stored (the top 28 at least). */
void *table_find_position(struct table *t, uint64_t position,
                          struct table_at *at);

/* Adds without looking for an equal one. `entry` is 8-byte aligned, below 2^47,
 * not NULL; owned by the caller. ST_NOMEM: nothing changed. ST_RANGE, nothing
 * changed: 1,680 entries share the hash's top 24 bits, which a keyed hash does
 * not do by chance. */
STATUS_CHECKED enum status table_insert(struct table *t, uint64_t hash,
                                        void *entry);
/* One store: the entry at `at` is now `entry` (same hash). */
void table_replace(const struct table_at *at, void *entry);
/* Removes; may shrink or merge; never fails (shrinking that lacks memory is
 * left for later). */
void table_remove(struct table_at *at);

/* Calls visit for every entry whose position lies in the bucket at `cursor`,
 * and returns the next cursor, 0 when the end is reached. Each entry that stays
 * in the table from a first call with 0 until 0 comes back is visited, however
 * the table grows or shrinks between calls; none twice unless it was removed
 * and inserted again. `visit` must not change the table. */
uint64_t table_scan(const struct table *t, uint64_t cursor,
                    table_visit_fn *visit, void *self);

/* A fair choice: each entry equally likely, O(1) expected at any load; NULL:
 * empty. `at` may be NULL. */
void *table_random(struct table *t, struct random *r, struct table_at *at);

/* Compaction: asks `move` for each entry of the bucket at `cursor`; what it
 * returns (NULL: as it was) takes the entry's place. Chunks that lie in source
 * pages of the heap are moved as well. Returns the next cursor as table_scan. */
typedef void *table_move_fn(void *self, void *entry);
uint64_t table_compact(struct table *t, uint64_t cursor, table_move_fn *move,
                       void *self);

/* The table's memory is `heap`'s from now on, which has adopted what it has; its
 * entries are hashed for `hash_self`. */
void table_set_home(struct table *t, struct slab_heap *heap, void *hash_self);
/* Moves the struct itself out of a source page: where it is now. */
struct table *table_compact_handle(struct table *t);

/* For DEBUG HTSTATS and the tests. */
struct table_stats {
    size_t entry_count, segment_count, bucket_count;
    size_t slot_count; /* entry_count / slot_count is the load */
    size_t displaced;  /* entries outside their home bucket */
    unsigned depth_max;
};
void table_stats_read(const struct table *t, struct table_stats *out);

/* Every invariant, slow; asserts. For tests. */
void table_check(const struct table *t);

#endif
