/* cache_priv: a cache's body.
 *
 *   cache.c          what the program calls; asks
 *   cache_tracking.c what the server says; forgetting
 *   cache_store.c    what is kept, within limits
 */
#ifndef ENGRAM_CLIENT_CACHE_PRIV_H
#define ENGRAM_CLIENT_CACHE_PRIV_H

#include <engram/cache.h>

#include "base/hash.h"
#include "client/cache_store.h"
#include "client/conn_priv.h"

enum tracking {
    TRACKING_NONE,  /* on this link it has not been asked for */
    TRACKING_ASKED,
    TRACKING_ON,
    TRACKING_REFUSED,
};

struct engram_cache {
    struct engram_conn *conn;
    struct conn_tap below; /* who was there before */
    struct engram_cache_options options; /* its strings are in `words` */
    struct cache_store store;
    struct hash_seed seed;

    const char **words; /* of CLIENT TRACKING, and behind them the prefixes */
    size_t word_count;
    size_t first_prefix;

    enum tracking tracking;
    uint64_t epoch; /* the link's that `tracking` and the entries are of */
    uint64_t generation;
    struct hash_index asks; /* by key */
    size_t in_flight;       /* asks, and CLIENT TRACKING */
    uint64_t raced;
    bool is_destroyed;
    char error[ERROR_TEXT_BYTES];
};

/* A command on its way whose reply may be kept. */
struct ask {
    struct hash_node by_key;
    struct engram_cache *cache;
    engram_reply_fn *on_reply;
    void *arg;
    uint64_t generation;
    int64_t sent_us; /* the reply is no older */
    bool is_stale;
    struct cache_command command; /* its bytes lie behind */
    uint8_t bytes[];
};

/* ---- cache_tracking.c ---- */
extern const struct conn_tap cache_tap; /* but for its arg */
/* What belongs to a link that has ended, or that RESET has made forget its
 * tracking, is forgotten. Comes before anything is found or kept. */
void cache_follow_link(struct engram_cache *cache);
/* If it can be had now and has not been asked for on this link. */
void cache_begin_tracking(struct engram_cache *cache);
void cache_forget_all(struct engram_cache *cache);
void cache_forget_key(struct engram_cache *cache, struct slice key);
/* One in flight less. The last of a destroyed cache frees it. */
void cache_leave_flight(struct engram_cache *cache);

#endif
