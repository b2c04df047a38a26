/* store_priv: the matrix and its keyspaces, for the files of this folder. */
#ifndef ENGRAM_STORE_STORE_PRIV_H
#define ENGRAM_STORE_STORE_PRIV_H

#include "base/counter.h"
#include "base/mem.h"
#include "base/rare.h"
#include "base/slab.h"
#include "store/store.h"
#include "structs/expiry.h"
#include "types/home.h"

/* 34 years. */
#define DEADLINE_COUNTED_MS ((int64_t)1 << 40)

struct keyspace {
    struct store *store;
    uint32_t shard;
    uint32_t database;
    struct mem_account account; /* every byte of it but this struct */
    struct slab_heap *heap;
    struct table *table;
    struct expiry *expiry; /* NULL until a key gets a deadline */
    struct entry_memory memory;
    /* What was looked up last: an entry (NULL: nothing), the bytes its name was
     * read from, its place. */
    struct entry *found;
    const uint8_t *found_name;
    struct table_at at;
    struct counter key_count, deadline_count;
    struct counter due_count; /* entries that have a value_due_ms */
    /* For INFO's avg_ttl: from the store's start to each deadline, each at most
     * DEADLINE_COUNTED_MS, so that the sum of 16 M of them does not wrap. */
    struct counter deadline_sum_ms;
    size_t external_count; /* entries with memory outside the heap */
    struct value *doomed; /* big values that nobody has any more, to be freed */
    struct home_list homes; /* those that want to be tidied */
    uint32_t edit_count;
    bool is_edited;       /* between keyspace_edit_begin and _end */
    uint64_t use_random;   /* keyspace_count_use's */
    uint8_t parity;        /* ENTRY_PARITY of the current sweep, or 0 */
    bool is_compacting;
    bool is_value_unfinished; /* of the bucket at the cursor */
    uint64_t compact_cursor;
    size_t compact_from_bytes; /* the heap's pages when it began */
    uint64_t compact_round;
    struct keyspace *reclaim_next; /* set aside; the reclaimer's */
    uint64_t reclaim_cursor;
    bool reclaim_externals_done;
};

struct shard {
    _Alignas(64) struct lock lock;
    _Atomic(int64_t) next_due_ms; /* relaxed; written under the lock */
    _Atomic(struct keyspace *) *keyspaces; /* [database_count]; set under the
                                              lock, read in the gate */
    struct counter expired, expired_lazily, expired_fields, moved, sweeps;
    struct counter hits, misses;
    struct counter lag_ms_max;
    _Atomic(uint32_t) doomed_count; /* values; relaxed; written under the lock */
};

struct store {
    uint32_t shard_count, database_count;
    struct shard *shards;
    _Atomic(struct keyspace *) *cells; /* the matrix, shard by shard */
    struct pages *pages;
    struct hash_seed seed;
    struct change_sink sink;
    struct store_events events;
    struct value_limits limits;
    int64_t start_ms; /* unix */
    struct mem_account account; /* shared: the matrix, keyspace structs */
    _Atomic(uint32_t) clock;       /* seconds, 24 bits */
    /* An LFU policy is on (read with the clock at each look-up), and how. */
    _Atomic(bool) counts_frequency;
    _Atomic(uint32_t) frequency_factor, frequency_decay;
    _Atomic(int64_t) now_ms;       /* of the last store_set_clock, coarse */
    _Atomic(bool) is_expire_paused;
    struct lock reclaim_lock;
    struct keyspace *reclaim_head, *reclaim_tail; /* under reclaim_lock */
    _Atomic(size_t) reclaim_keys, reclaim_bytes;
    struct keyspace *reclaim_current; /* the reclaiming thread only */
};

struct keyspace *keyspace_create(struct store *s, uint32_t shard,
                                 uint32_t database);
/* To be called before entries move or go by other ways than these. */
void keyspace_forget_found(struct keyspace *ks);
/* When the entry is to be looked at: its own deadline, or that of the first of its
 * elements; INT64_MAX: never. */
static inline int64_t keyspace_due_ms(const struct entry *e)
{
    int64_t own_ms = entry_deadline_ms(e), inner_ms = value_due_ms(e);
    return own_ms < inner_ms ? own_ms : inner_ms;
}
/* As keyspace_edit_begin, of the entry at `at`. */
void keyspace_edit_begin_at(struct keyspace *ks, const struct table_at *at,
                            struct entry *e, struct keyspace_edit *edit);
/* Takes off the index, counters and table, frees. */
void keyspace_remove_at(struct keyspace *ks, struct table_at *at,
                        struct entry *e);
/* Frees a big value that nothing leads to any more: at once if it is small, else
 * in the background. Takes `v`. */
void keyspace_doom(struct keyspace *ks, struct value *v);
/* Deletes an entry that is due and tells the sink and the listeners. */
void keyspace_expire_at(struct keyspace *ks, struct table_at *at,
                        struct entry *e);
/* Counts a use of the entry and sets its access clock; seldom asked for. */
RARE void keyspace_count_use(struct keyspace *ks, struct entry *e);
/* Notes in its shard that something is due then. */
void keyspace_note_due(struct keyspace *ks, int64_t deadline_ms);
/* Hands a keyspace that is out of the matrix to the reclaimer. */
void store_set_aside(struct store *s, struct keyspace *ks);

#endif
