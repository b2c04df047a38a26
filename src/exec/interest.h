/* interest: keys that somebody has an eye on: sessions that WATCH them, and
 * sessions that wait for them to hold something (waiters). One map a shard.
 *
 * A change of a key is told here (interests_touch) while its shard is held. With
 * nobody interested in the shard that costs one load.
 *
 * Threads: each shard's part is under that shard's lock, or under all shards.
 * Memory: of an account that all workers share. */
#ifndef ENGRAM_EXEC_INTEREST_H
#define ENGRAM_EXEC_INTEREST_H

#include <stdatomic.h>

#include "exec/session.h"
#include "store/store.h"

struct interests;

/* A key that is watched or waited for. */
struct interest {
    struct interest *next; /* the bucket's */
    uint64_t hash;
    uint32_t shard, database;
    struct watch *watches;               /* any order */
    struct wait_link *waits, *last_wait; /* order of arrival */
    uint32_t ready_count; /* lists of ready keys it is in */
    uint32_t key_len;
    uint8_t key[];
};

/* One session's eye on one key. */
struct watch {
    struct watch *next_of_session;
    struct watch *prev, *next; /* of the key */
    struct interest *at;
    struct session *session;
    bool was_expired; /* when the watch began: its deletion is no change */
};

/* A waiter's place in one key's queue. */
struct wait_link {
    struct wait_link *prev, *next;
    struct interest *at;
    struct waiter *waiter;
};

/* NULL: out of memory. `shared` is a shared account that outlives it. */
struct interests *interests_create(struct mem_account *shared,
                                   uint32_t shard_count);
/* Nobody may be interested in anything any more. */
void interests_destroy(struct interests **in);
struct mem_account *interests_account(struct interests *in);

/* Is anybody interested in anything of the shard? */
bool interests_any(const struct interests *in, uint32_t shard);
/* NULL: nobody is interested. */
struct interest *interests_find(const struct interests *in, uint32_t shard,
                                uint32_t database, const struct key *k);
/* Made if it is not there; NULL: out of memory. */
struct interest *interests_make(struct interests *in, uint32_t shard,
                                uint32_t database, const struct key *k);
/* Frees it if nobody is interested any more. */
void interests_drop(struct interests *in, struct interest *i);

struct key interest_key(const struct interest *i);
/* The key has changed: sessions that watch it will not EXEC. */
void interest_dirty(struct interest *i);
void interest_dirty_one(struct watch *w);
/* Calls `visit` for each key of the shard; it must not drop any. */
void interests_visit(struct interests *in, uint32_t shard,
                     void (*visit)(void *self, struct interest *i), void *self);

void interest_add_watch(struct interest *i, struct watch *w);
/* Takes it off its key; the key may have to be dropped. */
void interest_remove_watch(struct watch *w);
void interest_add_wait(struct interest *i, struct wait_link *l);
void interest_remove_wait(struct wait_link *l);

#endif
