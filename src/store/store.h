/* store: shards, databases, lookup, expiry, flush, compaction.
 *
 * The store is a matrix: shard x database -> keyspace. A keyspace is a bundle
 * (heap, table, expiry wheel, byte account, counters) of its own, so
 * that flushing a database is setting its keyspaces aside, swapping two is
 * swapping pointers, and each database's bytes are exact.
 *
 * Threads: every function that takes a keyspace needs its shard's lock, which
 * only the dispatcher (exec) takes; with one worker there is one shard and no
 * lock. What needs less says so. */
#ifndef ENGRAM_STORE_STORE_H
#define ENGRAM_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/pages.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/status.h"
#include "structs/table.h"
#include "sync/lock.h"
#include "types/entry.h"
#include "types/string.h"
#include "types/value.h"

struct store;
struct keyspace;

/* A key that has been hashed: its shard is known. */
struct key {
    struct slice name;
    uint64_t hash;
};

/* One effect of a write, as the log and the replicas will see it. Borrowed. */
struct change {
    uint32_t database;
    uint32_t argc;
    const struct slice *argv;
};

/* Who listens to changes. Called while the shards concerned are held, so the
 * order of calls agrees with the order in every shard. */
struct change_sink {
    void (*put)(void *self, const struct change *c);
    void *self;
};

/* Events that the store itself raises ("expired"; "hexpired" of a hash that has
 * lost fields; "del" of one that has lost them all), shards held; that
 * store_next_due_ms of a shard, which is held, has become earlier; and that there
 * is something for store_reclaim, shards held. */
struct store_events {
    void (*raise)(void *self, uint32_t database, const char *event,
                  struct slice key);
    void (*due_sooner)(void *self, uint32_t shard);
    void (*set_aside)(void *self);
    void *self;
};

struct store_options {
    uint32_t shard_count;    /* 1 or a power of two <= 4096 */
    uint32_t database_count; /* 1 .. */
    struct pages *pages;     /* borrowed */
    struct hash_seed seed;
    struct change_sink sink;    /* put may be NULL */
    struct store_events events; /* its functions may be NULL */
    int64_t now_ms;
};

struct store *store_create(const struct store_options *o); /* NULL: no memory */
void store_destroy(struct store **s);

uint32_t store_shard_count(const struct store *s);
uint32_t store_database_count(const struct store *s);
uint64_t store_hash(const struct store *s, struct slice key);
static inline struct key store_key(const struct store *s, struct slice name)
{
    return (struct key){name, store_hash(s, name)};
}
/* The shard a hash belongs to: its lowest bits (the table uses the highest). */
uint32_t store_shard_of(const struct store *s, uint64_t hash);
struct lock *store_lock(struct store *s, uint32_t shard);
void store_prefetch_lock(const struct store *s, uint32_t shard);

/* The keyspace; NULL if nothing was ever stored there (or all was flushed). */
struct keyspace *store_keyspace(struct store *s, uint32_t shard,
                                uint32_t database);
/* The same, made if it is not there; NULL: out of memory. */
struct keyspace *store_keyspace_make(struct store *s, uint32_t shard,
                                     uint32_t database);

/* Seconds, for entries' access clocks; set once a turn, any worker. */
void store_set_clock(struct store *s, uint32_t seconds);

/* Where packed forms end; may be written at any time. */
struct value_limits *store_limits(struct store *s);

/* ---- one keyspace; `ks` NULL is an empty one wherever it is only read ---- */

void keyspace_prefetch_bucket(const struct keyspace *ks, uint64_t hash);
void keyspace_prefetch_entry(const struct keyspace *ks, uint64_t hash);

/* The entry, expired ones included; NULL: none. Valid until the next write to
 * this keyspace. */
struct entry *keyspace_find(struct keyspace *ks, const struct key *k);
/* NULL when it is missing or its deadline has passed. */
struct entry *keyspace_find_live(struct keyspace *ks, const struct key *k,
                                 int64_t now_ms);
/* Notes an access in the entry (clock, and hits under an LFU policy). */
void keyspace_touch(struct keyspace *ks, struct entry *e);

/* Whether uses are counted (an LFU policy), and lfu-log-factor and
 * lfu-decay-time; any thread. */
void store_set_frequency(struct store *s, bool on, uint32_t log_factor,
                         uint32_t decay_minutes);
bool store_counts_frequency(const struct store *s);
enum { FREQUENCY_INITIAL = 5 }; /* of a new key, so that it is not the first to
                                   go */
/* How often the entry was used, decayed to now; 0 .. 255, logarithmic. */
uint8_t keyspace_frequency(const struct keyspace *ks, const struct entry *e);

enum { DEADLINE_NONE = 0, DEADLINE_KEEP = -1 }; /* else unix ms */

/* Sets key to a string, whatever was there. `value` is stored as an integer
 * where its text is one. */
STATUS_CHECKED enum status keyspace_set_string(struct keyspace *ks,
                                               const struct key *k,
                                               struct slice value,
                                               int64_t deadline_ms);
STATUS_CHECKED enum status keyspace_set_int(struct keyspace *ks,
                                            const struct key *k, int64_t value,
                                            int64_t deadline_ms);
/* The string's bytes for writing, at least `len` of them (new ones zero); makes
 * an empty string where there is no key; keeps the deadline. The value must
 * be a string. *bytes is valid until the next call here. */
STATUS_CHECKED enum status keyspace_edit_string(struct keyspace *ks,
                                                const struct key *k, size_t len,
                                                uint8_t **bytes);
/* DEADLINE_NONE persists. ST_NOT_FOUND: no such key. */
STATUS_CHECKED enum status keyspace_set_deadline(struct keyspace *ks,
                                                 const struct key *k,
                                                 int64_t deadline_ms);
/* Puts an entry made with keyspace_memory under its key `k`, over what is there,
 * without a deadline. Takes it, on an error too. */
STATUS_CHECKED enum status keyspace_put(struct keyspace *ks,
                                        const struct key *k, struct entry *e);
const struct entry_memory *keyspace_memory(const struct keyspace *ks);

/* A collection opened for change: the functions of its type take &edit.entry and
 * edit.memory. While it is open nothing else may be written, nor looked up in
 * a way that deletes what has expired, in its keyspace. */
struct keyspace_edit {
    struct entry *entry;
    const struct entry_memory *memory;
    bool is_new; /* there was no key before */
    /* keyspace.c's */
    struct keyspace *ks;
    struct entry *before;
    struct table_at at;
    int64_t due_ms; /* before */
};
/* `e` is a collection, and what has been looked up last. */
void keyspace_edit_begin(struct keyspace *ks, struct entry *e,
                         struct keyspace_edit *edit);
/* `k` has none: begins with an empty collection of that type. */
STATUS_CHECKED enum status keyspace_edit_begin_new(struct keyspace *ks,
                                                   const struct key *k,
                                                   enum value_type type,
                                                   struct keyspace_edit *edit);
/* Puts the entry back; a collection that has no elements goes. True: it went. */
bool keyspace_edit_end(struct keyspace_edit *edit);
/* Puts back and destroys a big value that an edit took from its entry. */
void keyspace_edit_discard(struct keyspace_edit *edit, struct value *v);

/* Fields of an open hash whose time has passed go; the sink is told (HDEL), and
 * the listeners ("hexpired"). One that is there; or at most `max` of those that
 * are due, how many went (there may be more, see hash_expire). */
void keyspace_edit_expire_field(struct keyspace_edit *edit,
                                struct slice field);
size_t keyspace_edit_expire(struct keyspace_edit *edit, int64_t now_ms,
                            size_t max);
/* As keyspace_edit_end; raises "del" where the collection goes. */
bool keyspace_edit_end_expired(struct keyspace_edit *edit);

/* False: there was none. */
bool keyspace_delete(struct keyspace *ks, const struct key *k);
/* Moves `from` (must exist, in its keyspace) over `to`, deadline and
 * all, across shards and databases. */
STATUS_CHECKED enum status keyspace_rename(struct keyspace *from_ks,
                                           const struct key *from,
                                           struct keyspace *to_ks,
                                           const struct key *to);
STATUS_CHECKED enum status keyspace_copy(struct keyspace *from_ks,
                                         const struct key *from,
                                         struct keyspace *to_ks,
                                         const struct key *to);
/* A fair choice among the entries, expired ones included; NULL: empty. */
struct entry *keyspace_random(struct keyspace *ks, struct random *r);
/* As table_scan, expired entries included. */
typedef void keyspace_visit_fn(void *self, const struct entry *e);
uint64_t keyspace_scan(const struct keyspace *ks, uint64_t cursor,
                       keyspace_visit_fn *visit, void *self);
/* Deletes an entry whose deadline has passed and tells the sink (DEL). */
void keyspace_expire(struct keyspace *ks, const struct key *k);

/* These four without the lock, from a worker inside the gate. */
size_t keyspace_count(const struct keyspace *ks);
size_t keyspace_deadline_count(const struct keyspace *ks);
/* Keys whose elements have deadlines, or had until lately: value_due_ms is a
 * bound. */
size_t keyspace_due_count(const struct keyspace *ks);
size_t keyspace_bytes(const struct keyspace *ks);
/* What all its memory is charged to: for statistics, and for tests that make
 * allocations fail. */
struct mem_account *keyspace_account(struct keyspace *ks);
/* As above, for the matrix and the keyspaces' own structs. */
struct mem_account *store_account(struct store *s);
/* Bytes of one of its entries, value included. */
size_t keyspace_entry_bytes(const struct keyspace *ks, const struct entry *e);
/* Bytes of its table and of its expiry wheel. */
size_t keyspace_table_bytes(const struct keyspace *ks);
size_t keyspace_expiry_bytes(const struct keyspace *ks);
size_t keyspace_expiry_records(const struct keyspace *ks); /* on the wheel */
/* Walks the table: slow. */
void keyspace_table_stats(const struct keyspace *ks, struct table_stats *out);
/* Invariants; slow; asserts. */
void keyspace_check(struct keyspace *ks);

/* ---- whole databases ---- */

/* Sets a database (or, database_count, all) aside; its memory is freed by
 * store_reclaim. O(shards); all shards held. How many keys went. */
size_t store_flush(struct store *s, uint32_t database);
void store_swap(struct store *s, uint32_t a, uint32_t b); /* all shards held */
/* Sums over shards; no lock, from a worker inside the gate (or alone); exact
 * when nobody writes. */
size_t store_database_size(const struct store *s, uint32_t database);
size_t store_database_deadlines(const struct store *s, uint32_t database);
size_t store_database_dues(const struct store *s, uint32_t database);
size_t store_database_bytes(const struct store *s, uint32_t database);
int64_t store_database_ttl_average_ms(const struct store *s, uint32_t database,
                                      int64_t now_ms);

/* Frees a slice of what was set aside, no longer than `budget_us`; true: there
 * is more. One thread at a time, no lock needed: what is set aside is nobody
 * else's. */
bool store_reclaim(struct store *s, int64_t budget_us);
size_t store_reclaim_pending(const struct store *s); /* keys; any thread */

/* ---- background, for one shard, its lock held ---- */

struct store_turn {
    int64_t now_ms;      /* wall clock, unix */
    int64_t deadline_us; /* monotonic; stop when clock_monotonic_us passes it */
};
/* The earliest time anything in the shard may be due, INT64_MAX: never, or
 * nothing is to be expired; any thread. */
int64_t store_next_due_ms(const struct store *s, uint32_t shard);
/* Deletes due keys; true: more are due now. */
bool store_expire_due(struct store *s, uint32_t shard,
                      const struct store_turn *turn);
/* Is anything left that was deleted and not freed? Any thread. */
bool store_has_doomed(const struct store *s, uint32_t shard);
/* Frees that; true: not finished. */
bool store_free_doomed(struct store *s, uint32_t shard,
                       const struct store_turn *turn);
/* Sweeps, shrinks, compacts; true: not finished. False: nothing is left to be
 * done until something has changed. */
bool store_tidy(struct store *s, uint32_t shard, const struct store_turn *turn);
/* DEBUG SET-ACTIVE-EXPIRE. */
void store_set_active_expire(struct store *s, bool on);

/* Sums over shards; from a worker inside the gate. */
struct store_stats {
    uint64_t expired_count, expired_lazily_count, moved_count;
    uint64_t expired_field_count;
    uint64_t hits, misses;
    uint64_t sweep_count;
    int64_t expire_lag_ms_max; /* how late a key was deleted, worst */
    size_t data_bytes;         /* all keyspaces */
    size_t reclaim_bytes;      /* set aside, not yet freed */
};
void store_stats_read(const struct store *s, struct store_stats *out);
void store_stats_reset(struct store *s);
void store_count_lookup(struct store *s, uint32_t shard, bool hit);
/* A key has been deleted because its time had passed when it was given one. */
void store_count_expired(struct store *s, uint32_t shard);

#endif
