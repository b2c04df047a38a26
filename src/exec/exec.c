/* exec: batches, the checks before a command, its lock plan, and its counting.
 *
 * A batch goes through in passes. Adding a request looks its command up, hashes
 * its keys and asks for their buckets' cache lines; the run first asks for the
 * entries' lines (the buckets have come by then), and then executes in order.
 * Nothing found in a pass is kept for the next: execution looks up afresh, in
 * warm lines, so a table that changes in between does no harm.
 *
 * With several workers the shard's lock is held for each of these steps; the
 * worker is inside the gate from the first to the last request of a batch, and
 * leaves it only for a command that needs all shards. */
#include "exec/exec.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/number.h"
#include "exec/exec_priv.h"

struct exec *exec_create(const struct exec_options *o)
{
    uint32_t total = cmd_table_total(o->commands);
    struct exec *x = mem_alloc_zeroed(o->account, sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    x->o = *o;
    x->tidy_shard = o->worker;
    x->stats.ticks_per_us = o->ticks_per_us;
    x->stats.command_count = total;
    exec_stats_init(&x->stats);
    x->ns_per_tick_32 = (uint64_t)(1000.0 / o->ticks_per_us * 4294967296.0);
    x->stats.commands = mem_alloc_zeroed(o->account,
                                         total * sizeof *x->stats.commands);
    if (x->stats.commands == NULL) {
        exec_destroy(&x);
        return NULL;
    }
    random_init(&x->random, o->random_seed);
    chunk_pool_init(&x->pool, o->account);
    return x;
}

void exec_destroy(struct exec **exec)
{
    struct exec *x = *exec;
    if (x == NULL) {
        return;
    }
    struct mem_account *a = x->o.account;
    for (uint32_t i = 0; x->stats.commands != NULL
                         && i < x->stats.command_count; i++) {
        mem_free(a, x->stats.commands[i].latency);
    }
    mem_free(a, x->stats.commands);
    mem_free(a, x->ready);
    chunk_pool_deinit(&x->pool);
    mem_free(a, x);
    *exec = NULL;
}

void exec_set_now(struct exec *x, int64_t wall_ms, int64_t monotonic_us)
{
    x->wall_ms = wall_ms;
    x->monotonic_us = monotonic_us;
    x->now_ticks = clock_ticks();
    store_set_clock(x->o.store, (uint32_t)(wall_ms / 1000));
}

void *exec_scratch(struct exec *x, size_t bytes)
{
    struct scratch_block *b = mem_alloc(x->o.account, sizeof *b + bytes);
    if (b == NULL) {
        return NULL;
    }
    b->next = x->scratch;
    x->scratch = b;
    return b->bytes;
}

static void free_scratch(struct exec *x)
{
    while (x->scratch != NULL) {
        struct scratch_block *b = x->scratch;
        x->scratch = b->next;
        mem_free(x->o.account, b);
    }
}

/* ---- sessions on hold ---- */

RARE void exec_set_aside(struct exec *x, const struct call *call, bool is_first)
{
    struct session *s = call->session;
    struct saved_request *r = saved_create(x->o.account, call->argv,
                                           call->argc);
    if (r == NULL) {
        s->reply.out->failed = CHAIN_NO_MEMORY; /* its owner closes it */
        s->close_after_reply = true;
        return;
    }
    if (is_first) {
        saved_push_front(&s->set_aside, r);
    } else {
        saved_push(&s->set_aside, r);
    }
}

void exec_release(struct exec *x, struct session *s)
{
    (void)x;
    s->command_count += s->hold != HOLD_PAUSE; /* that one has not run yet */
    s->hold = HOLD_NONE;
}

bool exec_add_set_aside(struct exec *x, struct session *s)
{
    assert(exec_is_empty(x));
    assert(s->hold == HOLD_NONE);
    struct saved_request *r = saved_pop(&s->set_aside);
    if (r == NULL) {
        return false;
    }
    saved_push(&x->ran, r);
    exec_add(x, s, r->argv, r->argc);
    x->calls[0].was_set_aside = true;
    return true;
}

void exec_session_end(struct exec *x, struct session *s)
{
    assert(exec_is_empty(x));
    saved_clear(&s->set_aside, x->o.account);
    exec_session_leave(x, s);
    transaction_forget(x, s);
}

/* ---- running, with what the plan asks for held ---- */

static RARE void run_walk(struct exec *x, struct cmd_ctx *c)
{
    struct store *s = x->o.store;
    const struct cmd_walk *walk = c->spec->walk;
    c->spec->run(c);
    if (c->walk_shard < 0) {
        return;
    }
    bool more = true;
    bool locks = x->o.gate != NULL && !x->has_all_shards;
    for (uint32_t i = (uint32_t)c->walk_shard;
         more && i < store_shard_count(s); i++) {
        if (locks) {
            lock_acquire(store_lock(s, i));
        }
        more = walk->step(c, i);
        if (locks) {
            lock_release(store_lock(s, i));
        }
    }
    walk->end(c);
}

void exec_tell(struct exec *x, const struct change *change)
{
    const struct change_sink *sink = &x->o.sink;
    if (sink->put == NULL) {
        return;
    }
    if (x->is_in_transaction && !x->is_multi_told) {
        struct slice multi = SLICE_LIT("MULTI");
        struct change begin = {change->database, 1, &multi};
        x->is_multi_told = true;
        sink->put(sink->self, &begin);
    }
    sink->put(sink->self, change);
}

/* The command as it stands is its effect, unless it said otherwise. */
static RARE void tell_command(struct exec *x, const struct cmd_ctx *c)
{
    struct change change = {c->database, c->argc, c->argv};
    if (!c->is_propagated) {
        exec_tell(x, &change);
    }
}

/* Told still under the plan, so that the order of changes is the order of
 * execution. */
static inline void run_and_tell(struct exec *x, struct cmd_ctx *c)
{
    c->spec->run(c);
    if (c->changes > 0) {
        counter_add(&x->stats.change_total, c->changes);
        if (x->o.sink.put != NULL) {
            tell_command(x, c);
        }
    }
}

void exec_run_held(struct exec *x, struct cmd_ctx *c)
{
    if (c->spec->walk != NULL) {
        run_walk(x, c);
    } else {
        run_and_tell(x, c);
    }
}

void exec_close_house(struct exec *x)
{
    if (x->o.gate != NULL) {
        gate_leave(x->o.gate, x->o.worker);
        gate_close(x->o.gate);
    }
    x->has_all_shards = true;
}

void exec_open_house(struct exec *x)
{
    x->has_all_shards = false;
    if (x->o.gate != NULL) {
        gate_open(x->o.gate);
        gate_enter(x->o.gate, x->o.worker);
    }
}

static RARE void run_all_shards(struct exec *x, struct cmd_ctx *c)
{
    exec_close_house(x);
    run_and_tell(x, c);
    exec_open_house(x);
}

static void run_with_one_shard(struct exec *x, struct cmd_ctx *c)
{
    struct store *s = x->o.store;
    struct lock *l = store_lock(s, store_shard_of(s, c->keys[0].hash));
    lock_acquire(l);
    run_and_tell(x, c);
    lock_release(l);
}

static RARE void run_planned(struct exec *x, struct cmd_ctx *c)
{
    struct store *s = x->o.store;
    struct plan plan;
    plan_make(&plan, s, c->keys, c->key_count);
    plan_acquire(&plan, s);
    run_and_tell(x, c);
    plan_release(&plan, s);
}

/* What goes through the shards, asks for all of them, or finds its own plan. */
static RARE void run_special(struct exec *x, struct cmd_ctx *c)
{
    if (c->spec->walk != NULL) {
        run_walk(x, c);
    } else if (c->spec->flags & CMD_RUNS_QUEUE) {
        c->spec->run(c);
    } else if (x->o.gate == NULL) {
        run_and_tell(x, c);
    } else {
        run_all_shards(x, c);
    }
}

static void run_ctx(struct exec *x, struct cmd_ctx *c)
{
    const uint32_t special = CMD_ALL_SHARDS | CMD_RUNS_QUEUE | CMD_WALKS;
    if (__builtin_expect(c->cmd->flags & special, 0)) {
        run_special(x, c);
    } else if (x->o.gate == NULL || c->key_count == 0) {
        run_and_tell(x, c);
    } else if (c->key_count == 1) {
        run_with_one_shard(x, c);
    } else {
        run_planned(x, c);
    }
    if (__builtin_expect(x->ready_count > 0, 0)) {
        exec_serve_ready(x);
    }
}

/* ---- counting ---- */

static void count_call(struct exec *x, const struct cmd *cmd, uint64_t ticks)
{
    struct cmd_stats *st = &x->stats.commands[cmd->index];
    counter_add(&st->calls, 1);
    counter_add(&st->ticks, ticks);
    if (__builtin_expect(x->skips_latencies, 0)) {
        return;
    }
    if (__builtin_expect(st->latency == NULL, 0)) {
        struct counter *l = mem_alloc_zeroed(x->o.account,
                                             LATENCY_BUCKETS * sizeof *l);
        /* release: another thread that sees the pointer sees zeros behind it */
        __atomic_store_n(&st->latency, l, __ATOMIC_RELEASE);
        if (l == NULL) {
            return;
        }
    }
    uint64_t ns = (uint64_t)((unsigned __int128)ticks * x->ns_per_tick_32 >> 32);
    counter_add(&st->latency[latency_bucket(ns)], 1);
}

/* ---- reporting ---- */

void exec_read_shared(struct exec *x)
{
    struct exec_shared *sh = x->o.shared;
    uint64_t us = atomic_load_explicit(&sh->report_us_min,
                                       memory_order_relaxed);
    x->report_request_min = atomic_load_explicit(
        &sh->report_request_bytes_min, memory_order_relaxed) - 1;
    x->report_reply_min = atomic_load_explicit(
        &sh->report_reply_bytes_min, memory_order_relaxed) - 1;
    /* One less, so that 0, never, becomes the largest number. */
    x->report_ticks_min = us == 0 ? UINT64_MAX
                                  : (uint64_t)((double)us * x->o.ticks_per_us);
    x->pause_until_ms = atomic_load_explicit(&sh->pause_until_ms,
                                             memory_order_relaxed);
    x->skips_latencies = atomic_load_explicit(&sh->skips_latencies,
                                              memory_order_relaxed);
    x->is_monitored = x->o.on_monitor != NULL
                      && atomic_load_explicit(&sh->monitor_count,
                                              memory_order_relaxed) > 0;
}

static RARE void report(struct exec *x, const struct call *call, uint64_t ticks,
                   uint64_t reply_bytes)
{
    struct call_report r = {
        .session = call->session, .cmd = call->cmd, .argv = call->argv,
        .argc = call->argc, .request_bytes = call->bytes,
        .reply_bytes = reply_bytes,
        .duration_us = (uint64_t)((double)ticks / x->o.ticks_per_us),
    };
    if (x->o.on_call != NULL) {
        x->o.on_call(x->o.host, &r);
    }
}

/* ---- one request ---- */

struct cmd_ctx exec_ctx_of(struct exec *x, const struct call *call)
{
    struct session *s = call->session;
    return (struct cmd_ctx){
        .spec = call->cmd->spec, .cmd = call->cmd, .exec = x, .session = s,
        .reply = &s->reply, .store = x->o.store, .host = x->o.host,
        .argv = call->argv, .argc = call->argc, .database = s->database,
        .keys = call->keys, .key_count = call->key_count,
        .now_ms = x->wall_ms, .random = &x->random, .walk_shard = -1,
    };
}

/* Its reply is an error; `ran`: and it ran at all. */
static RARE void count_error(struct exec *x, const struct call *call, bool ran)
{
    const struct reply *r = &call->session->reply;
    exec_stats_count_error(&x->stats, r->error_code);
    if (call->cmd != NULL) {
        struct cmd_stats *st = &x->stats.commands[call->cmd->index];
        counter_add(ran ? &st->failed : &st->rejected, 1);
    }
}

static inline void count_errors(struct exec *x, const struct call *call,
                                bool ran)
{
    if (__builtin_expect(call->session->reply.error_count > 0, 0)) {
        count_error(x, call, ran);
    }
}

static inline bool is_reported(const struct exec *x, const struct call *call,
                               uint64_t ticks, uint64_t replied)
{
    return (ticks >= x->report_ticks_min)
           | (call->bytes > x->report_request_min)
           | (replied > x->report_reply_min);
}

void exec_count_waited(struct exec *x, struct session *s,
                       const struct saved_request *q, uint64_t ticks,
                       uint64_t replied)
{
    struct call call = {.session = s, .cmd = q->cmd, .argv = q->argv,
                        .argc = q->argc};
    for (uint32_t i = 0; i < q->argc; i++) {
        call.bytes += q->argv[i].len;
    }
    count_call(x, q->cmd, ticks);
    if (is_reported(x, &call, ticks, replied)) {
        report(x, &call, ticks, replied);
    }
}

/* Runs it and counts what it took since `ticks`, which becomes now. One that
 * waits for a key is counted when it has its answer. */
static inline void run_counted(struct exec *x, const struct call *call,
                               uint64_t *ticks, struct cmd_ctx *c,
                               void (*run)(struct exec *, struct cmd_ctx *))
{
    struct session *s = call->session;
    uint64_t reply_start = s->reply.out->bytes;
    const struct cmd_ctx *outer = x->running; /* EXEC, or none */
    x->running = c;
    run(x, c);
    x->running = outer;
    if (__builtin_expect(x->is_monitored, 0)
        && !(call->cmd->flags & CMD_SKIP_MONITOR)) {
        x->o.on_monitor(x->o.host, s, call->cmd, call->argv, call->argc);
    }
    uint64_t now = clock_ticks();
    uint64_t spent = now - *ticks;
    *ticks = now;
    if (__builtin_expect(c->is_blocked, 0)) {
        exec_note_waiting(s, spent);
        return;
    }
    count_call(x, call->cmd, spent);
    uint64_t replied = s->reply.out->bytes - reply_start;
    if (__builtin_expect(is_reported(x, call, spent, replied), 0)) {
        report(x, call, spent, replied);
        *ticks = clock_ticks(); /* that was not the next command's time */
    }
}

void exec_run_queued(struct exec *x, const struct call *call)
{
    uint64_t ticks = clock_ticks();
    struct reply *r = &call->session->reply;
    struct cmd_ctx c = exec_ctx_of(x, call);
    c.is_in_transaction = true;
    r->error_count = 0;
    if (!(call->cmd->flags & CMD_DENYOOM) || exec_has_memory(x, r)) {
        run_counted(x, call, &ticks, &c, exec_run_held);
        count_errors(x, call, true);
    } else {
        count_errors(x, call, false);
    }
    r->error_count = 0;
}

/* CLIENT REPLY SKIP is for one command. */
static inline void end_skip(struct session *s)
{
    if (__builtin_expect(s->reply_skip > 0, 0)) {
        s->reply_skip--;
    }
}

/* Most calls need not be asked more than this. */
static inline bool is_plain(struct exec *x, const struct call *call)
{
    const struct session *s = call->session;
    bool is_special = s->close_after_reply | s->is_monitor | s->reply_off
                      | (s->reply_skip != 0) | (s->hold != HOLD_NONE)
                      | !s->is_authenticated;
    return call->problem == PROBLEM_NONE && !is_special
           && s->transaction == NULL && s->set_aside.head == NULL
           && x->pause_until_ms == 0
           && !((call->cmd->flags & CMD_DENYOOM) && exec_is_memory_full(x));
}

/* Another call: true if it is to be run now. */
static RARE bool prepare_call(struct exec *x, const struct call *call,
                              uint64_t *ticks)
{
    struct session *s = call->session;
    if (s->close_after_reply) {
        return false;
    }
    /* What was set aside comes first, even if the hold has just ended. */
    if (s->hold != HOLD_NONE
        || (s->set_aside.head != NULL && !call->was_set_aside)) {
        exec_set_aside(x, call, false);
        return false;
    }
    s->reply.is_muted = s->reply_off || s->reply_skip == 1;
    s->reply.error_count = 0;
    if (!exec_may_run(x, &s->reply, call)) {
        if (s->hold != HOLD_NONE) {
            *ticks = clock_ticks();
            return false; /* paused: all of it happens later */
        }
        transaction_spoil(s);
    } else if (s->transaction != NULL && !(call->cmd->flags & CMD_NOT_QUEUED)) {
        transaction_queue(x, call);
    } else {
        return true;
    }
    *ticks = clock_ticks();
    count_errors(x, call, false);
    end_skip(s);
    return false;
}

static void run_call(struct exec *x, const struct call *call, uint64_t *ticks)
{
    struct session *s = call->session;
    if (__builtin_expect(is_plain(x, call), 1)) {
        s->reply.is_muted = false;
        s->reply.error_count = 0;
    } else if (!prepare_call(x, call, ticks)) {
        return;
    }
    struct cmd_ctx c = exec_ctx_of(x, call);
    s->last_command = call->cmd;
    run_counted(x, call, ticks, &c, run_ctx);
    s->command_count += s->hold == HOLD_NONE;
    count_errors(x, call, true);
    end_skip(s);
}

/* With several workers: asks for the buckets, and then the entries, each under
 * its shard's lock, whose own line was asked for when the request was added. */
static void prefetch_locked(struct exec *x, const struct key *k, uint32_t db,
                            void (*fetch)(const struct keyspace *, uint64_t))
{
    struct store *s = x->o.store;
    uint32_t shard = store_shard_of(s, k->hash);
    struct lock *l = store_lock(s, shard);
    lock_acquire(l);
    fetch(store_keyspace(s, shard, db), k->hash);
    lock_release(l);
}

static void prefetch(struct exec *x)
{
    bool locked = x->o.gate != NULL;
    for (int pass = locked ? 0 : 1; pass < 2; pass++) {
        const struct key *seen = NULL; /* of the call before, which it may share */
        for (uint32_t i = 0; i < x->call_count; i++) {
            const struct call *call = &x->calls[i];
            if (call->keys == seen) {
                continue;
            }
            seen = call->keys;
            uint32_t db = call->session->database;
            for (uint32_t k = 0; k < call->key_count; k++) {
                const struct key *key = &call->keys[k];
                if (locked) {
                    prefetch_locked(x, key, db,
                                    pass == 0 ? keyspace_prefetch_bucket
                                              : keyspace_prefetch_entry);
                    continue;
                }
                keyspace_prefetch_entry(store_keyspace(x->o.store, 0, db),
                                        key->hash);
            }
        }
    }
}

const struct cmd_ctx *exec_running(const struct exec *x)
{
    return x->running;
}

void exec_run(struct exec *x)
{
    if (x->call_count == 0) {
        return;
    }
    if (x->o.gate != NULL) {
        gate_enter(x->o.gate, x->o.worker);
    }
    if (x->call_count > 1) {
        prefetch(x);
    }
    exec_check_memory(x);
    exec_read_shared(x);
    uint64_t ticks = clock_ticks();
    const struct call *end = x->calls + x->call_count;
    for (const struct call *call = x->calls; call < end; call++) {
        run_call(x, call, &ticks);
    }
    if (x->o.gate != NULL) {
        gate_leave(x->o.gate, x->o.worker);
    }
    counter_add(&x->stats.command_total, x->call_count);
    x->call_count = 0;
    x->arg_count = 0;
    x->key_count = 0;
    if (__builtin_expect(x->scratch != NULL, 0)) {
        free_scratch(x);
    }
    if (__builtin_expect(x->ran.head != NULL, 0)) {
        saved_clear(&x->ran, x->o.account);
    }
}

/* ---- what others may see ---- */

const struct exec_stats *exec_stats(const struct exec *x)
{
    return &x->stats;
}

void exec_stats_reset(struct exec *x)
{
    exec_stats_clear(&x->stats);
}

const struct cmd_table *exec_commands(const struct exec *x)
{
    return x->o.commands;
}

uint32_t exec_worker(const struct exec *x)
{
    return x->o.worker;
}
