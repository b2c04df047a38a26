/* exec_priv: the dispatcher's inside, for the files of this folder. */
#ifndef ENGRAM_EXEC_EXEC_PRIV_H
#define ENGRAM_EXEC_EXEC_PRIV_H

#include "base/rare.h"
#include "exec/exec.h"
#include "exec/saved.h"
#include "exec/transaction.h"

enum {
    EXEC_BATCH_KEYS = 256,
    PLAN_SHARDS_MAX = 4096, /* as many as a store may have */
};

enum call_problem {
    PROBLEM_NONE, PROBLEM_UNKNOWN, PROBLEM_UNKNOWN_SUB, PROBLEM_ARITY,
    PROBLEM_NOMEM, PROBLEM_HTTP,
};

/* One request of a batch. */
struct call {
    struct session *session;
    const struct cmd *cmd;
    const struct slice *argv;
    uint32_t argc;
    uint32_t key_count;
    struct key *keys;
    uint64_t bytes; /* of the arguments */
    enum call_problem problem;
    bool was_set_aside; /* and now its turn has come */
};

/* A block of memory that lives to the end of the batch. */
struct scratch_block {
    struct scratch_block *next;
    _Alignas(16) uint8_t bytes[];
};

struct exec {
    struct exec_options o;
    struct exec_stats stats;
    struct random random;
    int64_t wall_ms, monotonic_us;
    uint64_t now_ticks; /* when they were set */
    struct call calls[EXEC_BATCH_MAX];
    uint32_t call_count;
    const struct cmd_ctx *running; /* NULL: between two commands */
    struct slice args[EXEC_BATCH_ARGS];
    uint32_t arg_count;
    struct key keys[EXEC_BATCH_KEYS];
    uint32_t key_count;
    struct scratch_block *scratch;
    struct saved_queue ran; /* requests of this batch that were set aside */
    /* exec_shared's report limits, read once a batch */
    uint64_t report_ticks_min, report_request_min, report_reply_min;
    bool is_monitored, skips_latencies; /* as exec_shared's */
    int64_t pause_until_ms;
    bool has_all_shards; /* a command or transaction holds the whole house */
    /* The effects of a transaction stand between MULTI and EXEC, which are told
     * when there are any. */
    bool is_in_transaction, is_multi_told;
    /* Keys that have changed and are waited for, ready_count held. */
    struct interest **ready;
    uint32_t ready_count, ready_cap;
    uint64_t wait_serial;
    struct chunk_pool pool; /* for replies to sessions of other workers */
    bool is_serving; /* waiters are being served; what they make ready follows */
    int64_t memory_left; /* bytes to be added before memory_check */
    uint32_t limit_serial; /* of the limit that memory_left is about */
    bool is_memory_stale;  /* to be checked within the batch: one has grown */
    bool wants_tidy; /* something has changed since tidying began */
    bool is_tidying; /* and it goes on at tidy_shard */
    int64_t tidy_next_us;
    uint32_t tidy_shard;
    uint64_t ns_per_tick_32; /* times 2^32 */
};

/* The shards of a call's keys, each once, ascending. */
struct plan {
    uint32_t count;
    uint16_t few[16]; /* count <= 16 */
    uint64_t *many;   /* else a bit set of PLAN_SHARDS_MAX bits */
    uint64_t bits[PLAN_SHARDS_MAX / 64];
};

void plan_make(struct plan *p, const struct store *s, const struct key *keys,
               uint32_t key_count);
void plan_acquire(const struct plan *p, struct store *s);
void plan_release(const struct plan *p, struct store *s);

/* check.c. False: it may not run, and has been answered or set aside. */
bool exec_may_run(struct exec *x, struct reply *r, const struct call *call);
bool exec_is_memory_full(struct exec *x);
/* False: replied -OOM. */
bool exec_has_memory(struct exec *x, struct reply *r);
/* Asks for the memory limit's state anew where that is due. */
void exec_check_memory(struct exec *x);

/* Keeps a copy of the call for when its session goes on: behind what is kept
 * already or, where it is the one the session stops at, before it. */
void exec_set_aside(struct exec *x, const struct call *call, bool is_first);

/* Finds, hashes and prefetches the keys of a call whose command is known. */
void exec_find_keys(struct exec *x, struct call *call);
/* Its context; the caller sets what differs. */
struct cmd_ctx exec_ctx_of(struct exec *x, const struct call *call);
/* Runs a command whose shards are held (a walk: all of them, or none with one
 * worker), and tells its effect. */
void exec_run_held(struct exec *x, struct cmd_ctx *c);
/* As a request of its own: counted, observed. */
void exec_run_queued(struct exec *x, const struct call *call);
/* Acquires and releases all shards, from within a batch. */
void exec_close_house(struct exec *x);
void exec_open_house(struct exec *x);
/* Hands an effect to the sink. */
void exec_tell(struct exec *x, const struct change *change);

/* transaction.c */
/* Queues the call and replies; out of memory: replied, and the transaction will
 * not run. */
void transaction_queue(struct exec *x, const struct call *call);
/* The flags of all that is queued. */
uint32_t transaction_flags(const struct session *s);
/* A request between MULTI and EXEC was refused: EXEC will refuse all. */
void transaction_spoil(struct session *s);

/* wait.c. After a command, with nothing held: serves those who wait for the keys
 * it has changed. */
void exec_serve_ready(struct exec *x);
/* The key is changed, its shard held: watchers and waiters are told. */
void exec_touch(struct exec *x, uint32_t database, const struct key *k);

/* Memory to the end of the batch; NULL: out of memory. */
void *exec_scratch(struct exec *x, size_t bytes);

/* A request that waited for a key has its answer: counts and reports it. The
 * session's worker. */
void exec_count_waited(struct exec *x, struct session *s,
                       const struct saved_request *q, uint64_t ticks,
                       uint64_t replied);
/* What was spent on a request before it had to wait. */
void exec_note_waiting(struct session *s, uint64_t ticks);

#endif
