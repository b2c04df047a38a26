/* cache_store: replies by the bytes of the command that fetched them, within
 * limits, and forgotten by the key they were read from. It knows nothing of
 * connections; time and hashes are handed in. */
#ifndef ENGRAM_CLIENT_CACHE_STORE_H
#define ENGRAM_CLIENT_CACHE_STORE_H

#include "base/slice.h"
#include "client/hash_index.h"
#include "client/tree.h"

enum { CACHE_SHARE_MAX = 8 }; /* no entry takes more than 1/8 of bytes_max */

struct cache_entry;

struct cache_limits {
    size_t bytes_max;   /* of the account: entries and tables */
    size_t entries_max; /* 0: none */
    int64_t age_us_max; /* 0: none */
};

struct cache_counts {
    uint64_t hits, misses;
    uint64_t stored;
    uint64_t evicted;     /* for want of room */
    uint64_t expired;     /* for their age */
    uint64_t invalidated; /* because of their key, or all at once */
};

struct cache_store {
    struct mem_account account;
    struct hash_index by_command, by_key;
    struct cache_entry *newest, *oldest;
    struct cache_entry *hand; /* of the eviction; NULL: at the oldest */
    struct cache_limits limits;
    struct cache_counts counts;
};

/* What a command is to the store. `key` lies within `bytes`. */
struct cache_command {
    struct slice bytes;
    uint64_t hash;
    struct slice key;
    uint64_t key_hash;
};

/* The account has been initialised by the caller. */
STATUS_CHECKED enum status cache_store_init(struct cache_store *s,
                                            const struct cache_limits *limits);
void cache_store_deinit(struct cache_store *s);

/* NULL: there is none. It lives until the store is changed. */
const struct engram_reply *cache_store_find(struct cache_store *s,
                                            struct slice bytes, uint64_t hash,
                                            int64_t now_us);
/* Copies the reply, in the place of an older one of the same command; its age
 * counts from `since_us`. Without memory, or if it is too large, there is none
 * of this command afterwards. */
void cache_store_put(struct cache_store *s, const struct cache_command *cmd,
                     const struct engram_reply *reply, int64_t since_us);
void cache_store_drop_key(struct cache_store *s, struct slice key,
                          uint64_t key_hash);
void cache_store_clear(struct cache_store *s);

/* For tests: aborts where something is out of order. */
void cache_store_check(const struct cache_store *s);

#endif
