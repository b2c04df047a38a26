/* engram/cluster: the same client for a cluster: it finds out which node serves
 * which slot, sends each command to the node of its key, and follows what moves.
 *
 * A cluster (struct engram_cluster) has a connection to each node that it has
 * commands for, made when the first is sent, and one more while it asks for the
 * map of slots. All are put on the program's loop by its hooks.
 *
 * Redirections. A node that answers MOVED is believed at once: that slot is
 * there from now on, the command is sent there, and the whole map is asked for,
 * once, however many commands were moved, no more often than refresh_min_ms and
 * at a moment left to chance, since other clients are told the same. ASK sends
 * the command behind ASKING and changes nothing else. TRYAGAIN, CLUSTERDOWN,
 * LOADING, READONLY and MASTERDOWN are asked again after a while. All of these say
 * that the command was not executed, so following them never executes it twice.
 *
 * When a node's connection breaks, commands of which no byte had left and those
 * marked ENGRAM_IDEMPOTENT are sent again: to that node, or to whoever has its
 * slots when the map has been asked for. Others are called back with ENGRAM_LOST.
 *
 * Order. Commands whose keys have the same slot are sent in the order in which
 * they were given, but one that is redirected or sent again may be overtaken.
 * Whoever needs the order waits for the reply, or uses a transaction on
 * engram_cluster_conn.
 *
 * Memory. A command's bytes are kept until its reply, as it may have to be sent
 * again; that is bounded by max_queued_bytes over all nodes together. Over a
 * limit a send returns ENGRAM_WOULD_BLOCK and changes nothing.
 *
 * Callbacks come exactly once, and never out of a send. In a callback everything
 * may be called, engram_cluster_destroy included.
 *
 * Threads. A cluster and its loop are used by one thread at a time. */
#ifndef ENGRAM_CLUSTER_H
#define ENGRAM_CLUSTER_H

#include <engram/engram.h>

#ifdef __cplusplus
extern "C" {
#endif

struct engram_cluster;

/* Whom commands sent with ENGRAM_READ are for. Replicas lag behind. */
enum engram_read_from {
    ENGRAM_READ_MASTER,
    ENGRAM_READ_PREFER_REPLICA, /* the master, while no replica can be reached */
    ENGRAM_READ_REPLICA /* the master, where there is no replica at all */
};

/* Has a map for the first time since it was opened. */
typedef void engram_cluster_ready_fn(struct engram_cluster *k, void *arg);
/* Nobody could be asked for the map: `why`, and engram_cluster_error says more.
 * It tries again after `retry_ms`; < 0: it has given up and is closed, and the
 * commands that waited have been called back with ENGRAM_NOT_SENT. */
typedef void engram_cluster_error_fn(struct engram_cluster *k,
                                     enum engram_status why, int retry_ms,
                                     void *arg);
/* There is room again after ENGRAM_WOULD_BLOCK. */
typedef void engram_cluster_drained_fn(struct engram_cluster *k, void *arg);

struct engram_cluster_options {
    size_t size; /* set by engram_cluster_options_init */

    /* Nodes that may be asked first, "host", "host:port" or URLs (redis://,
     * rediss://). Users, passwords and TLS are taken from the first and hold for
     * all nodes. At least one. */
    const char *const *seeds;
    size_t seed_count;

    /* What all connections are like; NULL: the defaults. Where to is not taken
     * from here, nor is `reconnect`; db must be 0. command_timeout_ms is a
     * command's time over all redirections. attempts_max is for the map: that
     * many rounds, in each of which nobody could be asked, and it gives up.
     * Callbacks are called for each node's connection. */
    const struct engram_options *conn;
    struct engram_hooks hooks; /* both functions are needed */

    enum engram_read_from read_from; /* ENGRAM_READ_MASTER */
    int redirections_max; /* 5; then the redirection is the command's reply */
    /* How often a command that has no deadline is asked again after TRYAGAIN
     * and the like; then that is its reply. One with a deadline is asked again
     * until then. */
    int retries_max;    /* 16; some five seconds */
    int refresh_min_ms; /* 1000 */

    /* Over all nodes. */
    size_t max_queued_bytes; /* 64 MiB: bytes of commands without a reply */
    uint32_t max_in_flight;  /* 65536 of these */

    /* Any may be NULL. */
    engram_cluster_ready_fn *on_ready;
    engram_cluster_error_fn *on_error;
    engram_cluster_drained_fn *on_drained;
    void *arg; /* given to these */
};

/* The defaults. */
#define engram_cluster_options_init(o) \
    engram_cluster_options_init_sized((o), sizeof *(o))
ENGRAM_API void
engram_cluster_options_init_sized(struct engram_cluster_options *o,
                                  size_t size);

/* Does not connect yet. NULL: *st says why (`st` may be NULL). */
ENGRAM_API struct engram_cluster *
engram_cluster_create(const struct engram_cluster_options *o,
                      enum engram_status *st);
/* Closes, and frees; *k becomes NULL and may be NULL. Before the loop is
 * destroyed. */
ENGRAM_API void engram_cluster_destroy(struct engram_cluster **k);

/* Begins to ask for the map. ENGRAM_INVALID: it is open. */
ENGRAM_API enum engram_status engram_cluster_open(struct engram_cluster *k);
/* Ends all connections; what waits is called back with ENGRAM_CANCELLED. May be
 * opened again. */
ENGRAM_API void engram_cluster_close(struct engram_cluster *k);

/* Has it a map? */
ENGRAM_API int engram_cluster_is_ready(const struct engram_cluster *k);
/* What went wrong last, for people. Valid until the next call; "" at first. */
ENGRAM_API const char *engram_cluster_error(const struct engram_cluster *k);
/* The `arg` of the options. */
ENGRAM_API void *engram_cluster_arg(const struct engram_cluster *k);

struct engram_cluster_counters {
    /* Now. */
    uint64_t memory_bytes; /* all that it and its connections hold */
    uint64_t queued_bytes; /* of commands not called back or not yet answered */
    uint64_t in_flight;    /* these commands */
    uint64_t nodes;        /* known, connected or not */
    /* Since it was created. */
    uint64_t commands; /* taken */
    uint64_t replies;  /* of which answered */
    uint64_t timeouts; /* of which called back with ENGRAM_TIMEOUT */
    uint64_t lost;     /* of which had no reply for another reason */
    uint64_t moved, asked; /* MOVED and ASK that were followed */
    uint64_t retried;      /* TRYAGAIN and the like that were waited for */
    uint64_t resent;       /* sent again after a connection broke */
    uint64_t would_block;  /* sends refused by a limit */
    uint64_t refreshes;    /* maps asked for, one a node asked */
    uint64_t refresh_failures; /* of which in vain */
};
/* Fills the first `size` bytes, or fewer if the library knows fewer. */
ENGRAM_API void
engram_cluster_counters(const struct engram_cluster *k,
                        struct engram_cluster_counters *out, size_t size);

/* ---- sending ---- */

/* `st` ENGRAM_OK: `reply` is the reply, which may be of type ERROR. Else
 * `reply` is NULL and `st` says why there is none. */
typedef void engram_cluster_reply_fn(struct engram_cluster *k,
                                     enum engram_status st,
                                     const struct engram_reply *reply,
                                     void *arg);

/* How a command is sent; all zero is the usual way, and so is NULL. */
struct engram_cluster_how {
    /* ENGRAM_IDEMPOTENT, ENGRAM_READ; ENGRAM_BLOCKING: until it is answered, it
     * holds up what is behind it on its node's connection. */
    uint32_t flags;
    int timeout_ms; /* 0: command_timeout_ms; < 0: none */
    engram_event_fn *on_event; /* as in struct engram_how */
    /* A key whose slot the command is for; NULL: it is found in the command. */
    const void *key;
    size_t key_len;
    /* The node it is for, as engram_cluster_each names it; redirections are not
     * followed then. ENGRAM_INVALID: there is none of that name. NULL: the
     * slot's, and for a command without a key any. */
    const char *node;
};

/* All of these are as engram_send and its kin, with these differences. The key
 * is found in the command: the first argument, but for the commands in whose
 * syntax it stands elsewhere. ENGRAM_INVALID is returned also where the
 * command's keys lie in different slots, and for commands that change the
 * connection they are said on (MULTI, WATCH, SUBSCRIBE, SELECT ...): these need
 * engram_cluster_conn. engram_cluster_error says which it was.
 * Without a map the command waits for one. */
ENGRAM_API enum engram_status
engram_cluster_send(struct engram_cluster *k,
                    const struct engram_cluster_how *how,
                    engram_cluster_reply_fn *on_reply, void *arg,
                    const char *format, ...);
ENGRAM_API enum engram_status
engram_cluster_send_va(struct engram_cluster *k,
                       const struct engram_cluster_how *how,
                       engram_cluster_reply_fn *on_reply, void *arg,
                       const char *format, va_list values);
ENGRAM_API enum engram_status
engram_cluster_send_argv(struct engram_cluster *k,
                         const struct engram_cluster_how *how,
                         engram_cluster_reply_fn *on_reply, void *arg,
                         size_t argc, const char *const *argv,
                         const size_t *lens);
/* A command to be put together with engram_command_add and its kin. What it
 * borrows is released when the reply has come or the command has failed. Destroy
 * or send it before the cluster is destroyed. NULL: out of memory. */
ENGRAM_API struct engram_command *
engram_cluster_command_create(struct engram_cluster *k);
/* Takes *cmd and nulls it on ENGRAM_OK only. */
ENGRAM_API enum engram_status
engram_cluster_send_command(struct engram_cluster *k,
                            const struct engram_cluster_how *how,
                            engram_cluster_reply_fn *on_reply, void *arg,
                            struct engram_command **cmd);

/* ---- slots and nodes ---- */

/* 0 .. 16383. */
ENGRAM_API int engram_cluster_slot(const void *key, size_t len);

struct engram_cluster_node {
    size_t size; /* of this struct, as the library knows it */
    const char *name; /* "host:port" */
    const char *host;
    int port;
    int is_master;
    int is_ready;   /* connected */
    int slot_count; /* that it serves */
};
/* `node` lives as long as the call, in which commands may be sent, but nothing
 * else may be done with the cluster. */
typedef void engram_cluster_node_fn(struct engram_cluster *k,
                                    const struct engram_cluster_node *node,
                                    void *arg);
/* Calls `fn` for each node that the map names, for FLUSHALL, SCAN and the like.
 * How many there were. */
ENGRAM_API size_t engram_cluster_each(struct engram_cluster *k,
                                      engram_cluster_node_fn *fn, void *arg);

/* The connection to the master of this key's slot, for a transaction: MULTI, the
 * commands and EXEC, sent without returning to the loop in between, are not
 * mixed with others. It is the cluster's and lent until then: do not keep it,
 * close it or set anything on it. What is sent on it is not redirected: a reply
 * of MOVED or ASK is the program's to act on. NULL: there is no map, or nobody
 * serves the slot. */
ENGRAM_API struct engram_conn *engram_cluster_conn(struct engram_cluster *k,
                                                   const void *key, size_t len);
/* The map seems to be old: asks for it, under the rules above. */
ENGRAM_API void engram_cluster_refresh(struct engram_cluster *k);

#ifdef __cplusplus
}
#endif

#endif
