/* sentinel: a connection to the master of a name that Redis Sentinel watches
 * over, wherever that master is, and if wanted connections to its replicas.
 *
 * The sentinels are asked in turn until one answers. The connection then goes
 * to the master it names, and before it is ready the server is asked whether it
 * is one (ROLE); if not, or if it cannot be reached, another sentinel is asked
 * after a while. One sentinel is listened to (+switch-master): when it says
 * that the master has moved, the connection goes there at once. Whenever the
 * connection ends, the sentinels are asked before it is made again. While none
 * of them answers it tries where the master was last.
 *
 * A sentinel that is cut off from the others may name a master that has been
 * replaced and does not know. So, once there is a first answer, all others are
 * asked as well, one after the other and within moments, and whoever has a newer
 * one (its config-epoch) is followed; an older one than is known is not, unless
 * all say so. Later another one is asked every refresh_ms. What is written in
 * between to a master that has been cut off may be lost: min-replicas-to-write
 * is the server's part.
 *
 * For the program it is an ordinary connection (engram_sentinel_conn) that
 * lives as long as the engram_sentinel: it sends and is called back as engram.h
 * says. To a command, a move is a connection that breaks: ENGRAM_IDEMPOTENT
 * ones are sent again to the new master, and those that wait for a connection
 * wait on.
 *
 * Callbacks come out of the loop, engram_sentinel_close and
 * engram_sentinel_destroy, never out of a send. In a callback everything may be
 * called, engram_sentinel_destroy included.
 *
 * Threads. A sentinel and its loop are used by one thread at a time. */
#ifndef ENGRAM_SENTINEL_H
#define ENGRAM_SENTINEL_H

#include <engram/engram.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engram_sentinel;

/* A master is named for the first time, or another than before. The connection
 * to it is yet to be made. */
typedef void engram_sentinel_master_fn(struct engram_sentinel *s,
                                       const char *host, int port, void *arg);
/* A sentinel could not be asked, or gave no answer; engram_sentinel_error says
 * which and more. ENGRAM_RESOLVE: it knows no master of that name. The next one
 * is asked in `retry_ms`. */
typedef void engram_sentinel_error_fn(struct engram_sentinel *s,
                                      enum engram_status why, int retry_ms,
                                      void *arg);

struct engram_sentinel_options {
    size_t size; /* set by engram_sentinel_options_init */

    /* Sentinels that are asked first, "host", "host:port" or URLs (redis://,
     * rediss://); default port 26379. User, password and TLS are taken from the
     * first and hold for all sentinels; the others are learned. At least one,
     * at most 16. */
    const char *const *seeds;
    size_t seed_count;
    const char *master_name; /* "mymaster"; needed */

    /* What connections to sentinels are like; NULL: the defaults. Its backoff
     * is what follows when all of them have failed. Where to is not taken from
     * here, nor are its timeouts, `reconnect`, `attempts_max` and callbacks. */
    const struct engram_options *sentinel;
    /* What connections to the master and the replicas are like; NULL: the
     * defaults. Where to is not taken from here, nor are `reconnect` and
     * `attempts_max`: they go on until they are closed. Its callbacks are
     * called for each of these connections. */
    const struct engram_options *server;
    struct engram_hooks hooks; /* both functions are needed */

    uint32_t replicas; /* 0: connections to as many replicas; at most 16 */
    int ask_timeout_ms; /* 1000; to connect to a sentinel; to have an answer */
    /* How often another sentinel is asked, and then listened to, although the
     * one before has said nothing. */
    int refresh_ms; /* 30000 */

    /* Any may be NULL. */
    engram_sentinel_master_fn *on_master;
    engram_sentinel_error_fn *on_error;
    void *arg; /* given to these */
};

/* The defaults. */
#define engram_sentinel_options_init(o) \
    engram_sentinel_options_init_sized((o), sizeof *(o))
ENGRAM_API void
engram_sentinel_options_init_sized(struct engram_sentinel_options *o,
                                   size_t size);

/* Does not connect yet. NULL: *st says why (`st` may be NULL). */
ENGRAM_API struct engram_sentinel *
engram_sentinel_create(const struct engram_sentinel_options *o,
                       enum engram_status *st);
/* Closes, and frees, its connections too; *s becomes NULL and may be NULL.
 * Before the loop is destroyed, and after the connections' caches. */
ENGRAM_API void engram_sentinel_destroy(struct engram_sentinel **s);

/* Begins to ask. ENGRAM_INVALID: it is open. */
ENGRAM_API enum engram_status engram_sentinel_open(struct engram_sentinel *s);
/* Ends all connections; what waits is called back with ENGRAM_CANCELLED. May be
 * opened again. */
ENGRAM_API void engram_sentinel_close(struct engram_sentinel *s);

/* The connection to the master: always the same. It must not be destroyed, and
 * engram_call works only while it is ready (else ENGRAM_INVALID), since it
 * turns no other connection. */
ENGRAM_API struct engram_conn *
engram_sentinel_conn(const struct engram_sentinel *s);
/* Connection `i` to a replica; NULL: `i` is not less than `replicas`. It goes
 * to another replica when its own is down, and waits while there is none left
 * for it (engram_conn_is_ready). Different ones go to different replicas. */
ENGRAM_API struct engram_conn *
engram_sentinel_replica_conn(const struct engram_sentinel *s, size_t i);

/* Where the master is, as far as is known: the port, and its host in *host,
 * until the next call. 0, "": not known yet. */
ENGRAM_API int engram_sentinel_master(const struct engram_sentinel *s,
                                      const char **host);
/* What went wrong last, for people: "sentinel 10.0.0.1:26379: it knows no
 * master named x". Valid until the next call; "" at first. */
ENGRAM_API const char *engram_sentinel_error(const struct engram_sentinel *s);
/* The `arg` of the options. */
ENGRAM_API void *engram_sentinel_arg(const struct engram_sentinel *s);

struct engram_sentinel_counters {
    /* Now. */
    uint64_t memory_bytes; /* all that it and its connections hold */
    uint64_t sentinels;    /* known */
    uint64_t replicas;     /* connections that have a replica to go to */
    /* Since it was created. */
    uint64_t answers;  /* that named a master */
    uint64_t failures; /* sentinels asked in vain */
    uint64_t moves;    /* of the master, the first time it was named included */
};
/* Fills the first `size` bytes, or fewer if the library knows fewer. */
ENGRAM_API void
engram_sentinel_counters(const struct engram_sentinel *s,
                         struct engram_sentinel_counters *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
