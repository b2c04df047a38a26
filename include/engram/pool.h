/* engram/pool: several connections to one server behind one limit.
 *
 * A pool (struct engram_pool) shares its connections among all who send: each
 * command goes to the one with the fewest commands in flight. When all of them
 * are busy another is made, up to connections_max; one that nobody has needed
 * for idle_timeout_ms is closed, down to connections_min. All are put on the
 * program's loop by its hooks.
 *
 * What needs a connection for itself (a transaction, WATCH, blocking commands,
 * subscriptions) takes one and gives it back. Those who wait for one are served
 * in their order, and before the shared commands if need be.
 *
 * Failure. A connection that breaks comes back by itself, as its options say;
 * its commands fare as engram.h has it, and the others go on. One that has given
 * up (attempts_max) is tried again after backoff_max_ms.
 *
 * Order. Two commands that are sent through the pool may be executed in any
 * order. Who needs one takes a connection.
 *
 * Callbacks come exactly once, and only out of the loop, engram_pool_close,
 * engram_pool_destroy and, for what had been sent on that connection,
 * engram_pool_give. In a callback everything may be called, engram_pool_destroy
 * included.
 *
 * Threads. A pool and its loop are used by one thread at a time. */
#ifndef ENGRAM_POOL_H
#define ENGRAM_POOL_H

#include <engram/engram.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engram_pool;

/* There is room again after ENGRAM_WOULD_BLOCK. */
typedef void engram_pool_drained_fn(struct engram_pool *pool, void *arg);

struct engram_pool_options {
    size_t size; /* set by engram_pool_options_init */

    /* What all connections are like; NULL: the defaults. `fd` must not be given.
     * Its callbacks are called for each connection. Its limits of what is queued
     * and in flight hold for a connection that has been taken. */
    const struct engram_options *conn;
    struct engram_hooks hooks; /* both functions are needed */

    uint32_t connections_min; /* 1 */
    uint32_t connections_max; /* 8; at most 1024 */
    uint32_t busy_at;         /* 32 commands in flight: the connection is busy */
    int idle_timeout_ms;      /* 60000; 0: none is closed */

    /* Of commands sent through the pool, over all connections. */
    size_t max_queued_bytes; /* 16 MiB */
    uint32_t max_in_flight;  /* 65536 */

    uint32_t max_waiting; /* 1024 who wait for a connection of their own */
    int take_timeout_ms;  /* 5000, how long each waits; 0: as long as it takes */

    engram_pool_drained_fn *on_drained; /* may be NULL */
    void *arg;                          /* given to it */
};

/* The defaults. */
#define engram_pool_options_init(o) \
    engram_pool_options_init_sized((o), sizeof *(o))
ENGRAM_API void engram_pool_options_init_sized(struct engram_pool_options *o,
                                               size_t size);

/* Does not connect yet. NULL: *st says why (`st` may be NULL). */
ENGRAM_API struct engram_pool *
engram_pool_create(const struct engram_pool_options *o, enum engram_status *st);
/* Closes, and frees, connections that are taken too; *pool becomes NULL and may
 * be NULL. Before the loop is destroyed. */
ENGRAM_API void engram_pool_destroy(struct engram_pool **pool);

/* Begins to make connections_min connections. ENGRAM_INVALID: it is open. */
ENGRAM_API enum engram_status engram_pool_open(struct engram_pool *pool);
/* Closes all connections at once, those that are taken too (they must still be
 * given back); what waits is called back with ENGRAM_CANCELLED. May be opened
 * again. */
ENGRAM_API void engram_pool_close(struct engram_pool *pool);

/* Why a connection ended last, for people. Valid until the next call; "" at
 * first. */
ENGRAM_API const char *engram_pool_error(const struct engram_pool *pool);
/* The `arg` of the options. */
ENGRAM_API void *engram_pool_arg(const struct engram_pool *pool);

struct engram_pool_counters {
    /* Now. */
    uint64_t memory_bytes; /* all that it and its connections hold */
    uint64_t queued_bytes; /* as in engram_counters, of all its connections, */
    uint64_t in_flight;    /* be they taken or not */
    uint64_t connections;
    uint64_t ready;   /* of which connected and greeted */
    uint64_t taken;   /* of which taken */
    uint64_t waiting; /* for a connection of their own */
    /* Since it was created. Of all connections there have been: */
    uint64_t commands, replies, timeouts, lost, resent;
    uint64_t would_block;      /* sends refused by a limit */
    uint64_t takes;            /* connections taken */
    uint64_t take_timeouts;    /* waited for in vain */
    uint64_t made;             /* connections */
    uint64_t retired;          /* of which closed as nobody needed them */
    uint64_t given_back_dirty; /* and had to be made anew */
    uint64_t gave_up;          /* connections that had attempts_max failures */
};
/* Fills the first `size` bytes, or fewer if the library knows fewer. */
ENGRAM_API void engram_pool_counters(const struct engram_pool *pool,
                                     struct engram_pool_counters *out,
                                     size_t size);

/* ---- sending ---- */

/* All of these are as engram_send and its kin. The callback's connection is the
 * one that the reply came on. ENGRAM_WOULD_BLOCK: a limit is reached, or all
 * connections are taken; on_drained follows. ENGRAM_INVALID is returned also for
 * commands that need a connection of their own: those sent with ENGRAM_BLOCKING,
 * MULTI, WATCH, SUBSCRIBE and their kin, MONITOR, RESET, SELECT, AUTH, HELLO,
 * CLIENT, QUIT, READONLY, READWRITE. */
ENGRAM_API enum engram_status
engram_pool_send(struct engram_pool *pool, const struct engram_how *how,
                 engram_reply_fn *on_reply, void *arg, const char *format, ...);
ENGRAM_API enum engram_status
engram_pool_send_va(struct engram_pool *pool, const struct engram_how *how,
                    engram_reply_fn *on_reply, void *arg, const char *format,
                    va_list values);
ENGRAM_API enum engram_status
engram_pool_send_argv(struct engram_pool *pool, const struct engram_how *how,
                      engram_reply_fn *on_reply, void *arg, size_t argc,
                      const char *const *argv, const size_t *lens);
/* A command to be put together with engram_command_add and its kin. Destroy or
 * send it before the pool is destroyed. NULL: out of memory. */
ENGRAM_API struct engram_command *
engram_pool_command_create(struct engram_pool *pool);
/* Takes *cmd and nulls it on ENGRAM_OK only. */
ENGRAM_API enum engram_status
engram_pool_send_command(struct engram_pool *pool, const struct engram_how *how,
                         engram_reply_fn *on_reply, void *arg,
                         struct engram_command **cmd);

/* ---- a connection of one's own ---- */

/* ENGRAM_OK: `c` is ready, nothing is in flight on it, and it is yours until
 * engram_pool_give. It may break and come back while you have it: its commands
 * and its callbacks tell. Else `c` is NULL: ENGRAM_TIMEOUT, or ENGRAM_CANCELLED
 * when the pool is closed. */
typedef void engram_pool_taken_fn(struct engram_pool *pool,
                                  enum engram_status st, struct engram_conn *c,
                                  void *arg);
/* ENGRAM_OK: `on_taken` will be called exactly once. ENGRAM_WOULD_BLOCK:
 * max_waiting wait already; on_drained is not owed for that. CLOSED, NOMEM. */
ENGRAM_API enum engram_status engram_pool_take(struct engram_pool *pool,
                                               engram_pool_taken_fn *on_taken,
                                               void *arg);
/* Do not destroy the connection, and do not use it after this. If it is in a
 * transaction or subscribed, watches keys, has commands in flight or has been
 * altered (SELECT, CLIENT, ...), it is closed and made anew; commands in flight
 * are called back with ENGRAM_CANCELLED. ENGRAM_INVALID: it is not a connection
 * that was taken from this pool. */
ENGRAM_API enum engram_status engram_pool_give(struct engram_pool *pool,
                                               struct engram_conn *c);

#ifdef __cplusplus
}
#endif

#endif
