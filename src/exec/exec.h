/* exec: the dispatcher of one worker; the only place that locks.
 *
 * Requests are added as they are decoded, then run together: a batch is looked
 * up, hashed and prefetched in passes, so that its cache misses overlap, and
 * then executed one by one, in order. From the keys a command names follows its
 * lock plan: no shard, the shards of its keys in ascending order, or all (the
 * gate). With one worker and one shard no lock is taken at all.
 *
 * Threads: one exec a worker. */
#ifndef ENGRAM_EXEC_EXEC_H
#define ENGRAM_EXEC_EXEC_H

#include "base/counter.h"
#include "exec/cmd.h"
#include "exec/interest.h"
#include "exec/stats.h"
#include "exec/table.h"
#include "sync/gate.h"
#include "sync/mailbox.h"

enum {
    EXEC_BATCH_MAX = 64,      /* requests a batch */
    EXEC_BATCH_ARGS = 1024,   /* arguments decoded in the fast way */
};

/* What all workers' execs share; written by the server, read at each batch. */
struct exec_shared {
    _Atomic(bool) is_memory_full;   /* used memory is above maxmemory */
    _Atomic(bool) needs_auth;       /* new sessions must authenticate */
    _Atomic(uint64_t) string_bytes_max; /* proto-max-bulk-len */
    _Atomic(uint32_t) limit_serial; /* grows when maxmemory is changed */
    /* CLIENT PAUSE: requests are set aside while now < pause_until_ms (unix). */
    _Atomic(int64_t) pause_until_ms;
    _Atomic(bool) pause_is_all; /* else only what may write */
    _Atomic(uint32_t) monitor_count; /* sessions for whom on_monitor is called */
    _Atomic(bool) skips_latencies; /* latencies are not counted */
    /* on_call is called for what took or held at least this; 0: never */
    _Atomic(uint64_t) report_us_min;
    _Atomic(uint64_t) report_request_bytes_min, report_reply_bytes_min;
};

/* A command that has just run, with nothing held; one that had waited for a key,
 * with the key's shards held. */
struct call_report {
    struct session *session;
    const struct cmd *cmd;
    const struct slice *argv;
    uint32_t argc;
    uint64_t duration_us, request_bytes, reply_bytes;
};

struct exec_options {
    struct store *store;
    const struct cmd_table *commands;
    struct gate *gate; /* NULL: one worker, one shard */
    struct exec_shared *shared;
    struct interests *interests; /* all workers' */
    uint32_t worker, worker_count;
    struct mem_account *account;
    struct change_sink sink; /* put may be NULL */
    void *host;
    uint64_t random_seed;
    double ticks_per_us;
    /* Looks at the memory limit anew; how many bytes this worker may add before
     * it asks again. Called inside the gate, no shard held; NULL: no limit. */
    int64_t (*memory_check)(void *host);
    /* Raised for each keyspace event, shards held; may be NULL. */
    void (*notify)(void *host, uint32_t database, enum event_class cls,
                   const char *event, struct slice key);
    /* A command has passed one of the report limits; may be NULL. */
    void (*on_call)(void *host, const struct call_report *r);
    /* A session waits for a key, until `deadline_ms` (unix; 0: for ever), when
     * exec_unblock is to be called; it is held. May be NULL. */
    void (*on_block)(void *host, struct session *s, int64_t deadline_ms);
    /* Its answer is written, it goes on. May be called within exec_run. */
    void (*on_release)(void *host, struct session *s);
    /* Sends mail to another worker, whose `run` is called with any owner. */
    void (*post)(void *host, uint32_t worker, struct message *m);
    /* A command has run, or waits, while monitor_count > 0; may be NULL. Inside
     * EXEC the plan is held. */
    void (*on_monitor)(void *host, struct session *s, const struct cmd *cmd,
                       const struct slice *argv, uint32_t argc);
};

struct exec *exec_create(const struct exec_options *o); /* NULL: no memory */
void exec_destroy(struct exec **x);

/* Time for what runs from now on. */
void exec_set_now(struct exec *x, int64_t wall_ms, int64_t monotonic_us);

/* Where the next request's arguments may be decoded to: room for *max slices.
 * 0: the batch must be run first. */
struct slice *exec_room(struct exec *x, uint32_t *max);
/* Adds a request. `argv` lies in exec_room's space or anywhere else that lives
 * until exec_run has returned, as do the bytes it points at. */
void exec_add(struct exec *x, struct session *s, const struct slice *argv,
              uint32_t argc);
bool exec_is_full(const struct exec *x);
bool exec_is_empty(const struct exec *x);
/* Runs all that was added. */
void exec_run(struct exec *x);
/* Reads exec_shared anew, as each batch does: for a command that changes it, so
 * that what follows in its batch heeds it. */
void exec_read_shared(struct exec *x);
/* The command that is being run, or NULL. For reports of a crash: from the
 * worker's own thread. */
const struct cmd_ctx *exec_running(const struct exec *x);

/* Ends a session's hold. The caller then adds what was set aside, one request
 * at a time, before anything newer: exec_add_set_aside, exec_run, while it is not
 * on hold again. */
void exec_release(struct exec *x, struct session *s);
/* Adds the oldest request that was set aside (the batch must be empty); false:
 * there is none. */
bool exec_add_set_aside(struct exec *x, struct session *s);
/* The session is about to end: it no longer waits for keys. No batch running. */
void exec_session_leave(struct exec *x, struct session *s);
/* Frees what a session holds here. Before it goes, batch not running. */
void exec_session_end(struct exec *x, struct session *s);

/* How a wait for a key ends before there is something. */
enum unblock { UNBLOCK_TIMEOUT, UNBLOCK_ERROR };
/* The session is answered and released. False: it does not wait for a key, or
 * what it waits for is already on its way to it. Its worker, no batch
 * running. */
bool exec_unblock(struct exec *x, struct session *s, enum unblock how);
/* The store has deleted a key by itself (store_events), its shard held: watchers
 * are told. Any worker. */
void exec_key_gone(struct interests *in, const struct store *s,
                   uint32_t database, struct slice key);

/* Background work of the shards this worker owns (those whose number modulo
 * worker_count is its own): due keys, tidying; no longer than `budget_us`.
 * After how many microseconds to call again; 0: at once; INT64_MAX: when there
 * is a reason. Reasons to call it at once, whatever it has said: a deadline has
 * come nearer (store_events), exec_want_tidy, a pause has ended before its time,
 * the wall clock was set. */
int64_t exec_background(struct exec *x, int64_t budget_us);
/* Keys have changed: at its next calls it looks whether tidying is worth while. */
void exec_want_tidy(struct exec *x);

const struct exec_stats *exec_stats(const struct exec *x); /* any thread */
/* Sets the counts back; any thread, all shards held. What a worker counts at
 * this very moment may survive. */
void exec_stats_reset(struct exec *x);
const struct cmd_table *exec_commands(const struct exec *x);

/* The worker's own view for introspection commands (HELLO, INFO). */
uint32_t exec_worker(const struct exec *x);

#endif
