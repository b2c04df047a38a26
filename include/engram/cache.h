/* cache: replies kept beside a connection, and forgotten when the server says
 * that their key has changed (CLIENT TRACKING, RESP3).
 *
 * A look-up costs no system call and no memory; what it does not find is asked
 * for with engram_cache_send, which is engram_send but for keeping the reply:
 *
 *     r = engram_cache_lookup(cache, "GET %s", key);
 *     if (r == NULL) {
 *         st = engram_cache_send(cache, 0, NULL, on_reply, arg,
 *                                "GET %s", key);
 *     }
 *
 * A reply is kept under all bytes of its command, and belongs to one key. Only
 * commands that read that one key, and whose reply depends on nothing else, may
 * be sent so: GET, HGET, LRANGE, ZSCORE; not MGET, TTL, SRANDMEMBER. Errors and
 * replies that are taken in pieces are not kept, nor is what is sent in a
 * transaction, nor a reply whose key changed while it was on its way.
 *
 * Whenever the connection ends the cache is emptied, and tracking is asked for
 * anew on the next one. Where it cannot be had (RESP2, a server that refuses)
 * everything is passed through and nothing is kept.
 *
 * How old a reply can be: a change is known once the server's word has come,
 * about as long after as a reply takes. A connection that has died without a
 * word is noticed by its timeouts (check_ms, then stall_timeout_ms); max_age_ms
 * is a bound that needs nobody's word.
 *
 * On a cache's connection, leave CLIENT TRACKING, CLIENT CACHING and SELECT to
 * the library: keys are known by name alone. RESET empties the cache and ends
 * its keeping until the next connection. The rules of engram.h for threads,
 * callbacks and strings hold here too. */
#ifndef ENGRAM_CACHE_H
#define ENGRAM_CACHE_H

#include <engram/engram.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engram_cache;

enum engram_cache_flag {
    /* The server remembers nothing: it reports every key that begins with one
     * of `prefixes` (none: every key), read or not. Other keys are not kept. */
    ENGRAM_CACHE_BROADCAST = 1,
    /* The server remembers only keys that were read with engram_cache_send,
     * which costs a few bytes more each (CLIENT CACHING YES). Without it all
     * keys read on this connection. Not with BROADCAST. */
    ENGRAM_CACHE_OPT_IN = 2,
    /* What this connection changes is not reported to it: call
     * engram_cache_forget. */
    ENGRAM_CACHE_NO_LOOP = 4
};

struct engram_cache_options {
    size_t size; /* set by engram_cache_options_init */

    /* Memory, of all that the cache holds; no reply larger than an eighth of
     * it is kept. */
    size_t max_bytes;   /* 64 MiB; at least 4096 */
    size_t max_entries; /* 0: as many as fit */
    int max_age_ms;     /* since the command was sent; 0: no limit */
    /* When nothing has come for so long, the server is asked whether it is
     * still there (PING), lest stall_timeout_ms never begins. 0: never. */
    int check_ms; /* 10000 */

    uint32_t flags; /* enum engram_cache_flag */
    const char *const *prefixes;
    size_t prefix_count;
};

#define engram_cache_options_init(o) \
    engram_cache_options_init_sized((o), sizeof *(o))
ENGRAM_API void engram_cache_options_init_sized(struct engram_cache_options *o,
                                                size_t size);

/* For this connection, which may be open or not, and is not one of a pool's or
 * a cluster's; destroy the cache before it. `o` NULL: the defaults. NULL: *st
 * says why (`st` may be NULL); INVALID also where the connection has a cache
 * already, or is a pool's or a cluster's. */
ENGRAM_API struct engram_cache *
engram_cache_create(struct engram_conn *c,
                    const struct engram_cache_options *o,
                    enum engram_status *st);
/* What has been sent is called back all the same. *cache may be NULL. */
ENGRAM_API void engram_cache_destroy(struct engram_cache **cache);

/* Are replies being kept now? */
ENGRAM_API int engram_cache_is_active(const struct engram_cache *cache);
/* Why not, if the server has refused: its error. Else "". */
ENGRAM_API const char *engram_cache_error(const struct engram_cache *cache);

/* The reply of exactly this command, if it is kept; else NULL. It lives until
 * another function of the cache is called, or a loop turns. */
ENGRAM_API const struct engram_reply *
engram_cache_lookup(struct engram_cache *cache, const char *format, ...);
ENGRAM_API const struct engram_reply *
engram_cache_lookup_argv(struct engram_cache *cache, size_t argc,
                         const char *const *argv, const size_t *lens);

/* As engram_send, and the reply is kept. `key_at` says which argument is the
 * key, the command's name being argument 0; 0 means 1. */
ENGRAM_API enum engram_status
engram_cache_send(struct engram_cache *cache, size_t key_at,
                  const struct engram_how *how, engram_reply_fn *on_reply,
                  void *arg, const char *format, ...);
ENGRAM_API enum engram_status
engram_cache_send_argv(struct engram_cache *cache, size_t key_at,
                       const struct engram_how *how, engram_reply_fn *on_reply,
                       void *arg, size_t argc, const char *const *argv,
                       const size_t *lens);

/* Forgets what was read from the key, and does not keep what is on its way: for
 * who changes a key and wants to read nothing older from now on. */
ENGRAM_API void engram_cache_forget(struct engram_cache *cache,
                                    const void *key, size_t len);
ENGRAM_API void engram_cache_clear(struct engram_cache *cache);

struct engram_cache_counters {
    /* Now. */
    uint64_t bytes;
    uint64_t entries;
    /* Since it was created. */
    uint64_t hits; /* of look-ups */
    uint64_t misses;
    uint64_t stored;      /* replies */
    uint64_t evicted;     /* for want of room */
    uint64_t expired;     /* older than max_age_ms */
    uint64_t invalidated; /* their key has changed, or the connection ended */
    uint64_t raced;       /* not kept: their key changed meanwhile */
};
/* Fills the first `size` bytes, or fewer if the library knows fewer. */
ENGRAM_API void engram_cache_counters(const struct engram_cache *cache,
                                      struct engram_cache_counters *out,
                                      size_t size);

#ifdef __cplusplus
}
#endif

#endif
