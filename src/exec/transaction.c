/* transaction: MULTI, EXEC, DISCARD, WATCH, UNWATCH; the header says how. */
#include "exec/transaction.h"

#include <assert.h>

#include "exec/exec_priv.h"

struct transaction {
    struct saved_queue queue;
    uint32_t flags; /* of all queued commands */
    size_t bytes;
    bool is_spoilt; /* a request was refused: EXEC refuses all */
};

/* ---- queueing ---- */

void transaction_multi(struct cmd_ctx *c)
{
    struct session *s = c->session;
    assert(s->transaction == NULL); /* CMD_NO_MULTI */
    s->transaction = mem_alloc_zeroed(c->exec->o.account,
                                      sizeof *s->transaction);
    if (s->transaction == NULL) {
        ctx_error_status(c, ST_NOMEM);
        return;
    }
    reply_ok(c->reply);
}

RARE void transaction_queue(struct exec *x, const struct call *call)
{
    struct session *s = call->session;
    struct transaction *t = s->transaction;
    struct saved_request *r = saved_create(x->o.account, call->argv,
                                           call->argc);
    if (r == NULL) {
        t->is_spoilt = true;
        reply_error(&s->reply, "OOM out of memory: the command was not queued");
        return;
    }
    r->cmd = call->cmd;
    saved_push(&t->queue, r);
    t->flags |= call->cmd->flags;
    t->bytes += r->bytes;
    reply_simple(&s->reply, "QUEUED");
}

void transaction_spoil(struct session *s)
{
    if (s->transaction != NULL && s->hold == HOLD_NONE) {
        s->transaction->is_spoilt = true;
    }
}

uint32_t transaction_flags(const struct session *s)
{
    return s->transaction != NULL ? s->transaction->flags : 0;
}

int64_t transaction_queued(const struct session *s)
{
    return s->transaction != NULL ? (int64_t)s->transaction->queue.count
                                  : -1;
}

uint32_t transaction_watched(const struct session *s)
{
    uint32_t n = 0;
    for (const struct watch *w = s->watches; w != NULL;
         w = w->next_of_session) {
        n++;
    }
    return n;
}

size_t transaction_bytes(const struct session *s)
{
    return s->transaction != NULL ? s->transaction->bytes : 0;
}

static void free_queue(struct exec *x, struct session *s)
{
    if (s->transaction != NULL) {
        saved_clear(&s->transaction->queue, x->o.account);
        mem_free(x->o.account, s->transaction);
        s->transaction = NULL;
    }
}

/* ---- watches ---- */

static bool is_expired(const struct exec *x, uint32_t shard, uint32_t database,
                       const struct key *k)
{
    struct keyspace *ks = store_keyspace(x->o.store, shard, database);
    const struct entry *e = keyspace_find(ks, k);
    return e != NULL && entry_deadline_ms(e) <= x->wall_ms;
}

/* True: watched already, or now; the key's shard is held. */
static bool watch_key(struct exec *x, struct session *s, const struct key *k)
{
    struct interests *in = x->o.interests;
    uint32_t shard = store_shard_of(x->o.store, k->hash);
    struct interest *i = interests_make(in, shard, s->database, k);
    if (i == NULL) {
        return false;
    }
    for (const struct watch *w = s->watches; w != NULL;
         w = w->next_of_session) {
        if (w->at == i) {
            return true;
        }
    }
    struct watch *w = mem_alloc(interests_account(in), sizeof *w);
    if (w == NULL) {
        interests_drop(in, i);
        return false;
    }
    if (s->watches == NULL) {
        counter_add(&x->stats.watching_sessions, 1);
    }
    *w = (struct watch){.next_of_session = s->watches, .session = s};
    w->was_expired = is_expired(x, shard, s->database, k);
    interest_add_watch(i, w);
    s->watches = w;
    return true;
}

void transaction_watch(struct cmd_ctx *c)
{
    for (uint32_t i = 0; i < c->key_count; i++) {
        if (!watch_key(c->exec, c->session, &c->keys[i])) {
            ctx_error_status(c, ST_NOMEM);
            return;
        }
    }
    reply_ok(c->reply);
}

/* From within the gate. is_held: the shards of all that is watched are. */
static void unwatch(struct exec *x, struct session *s, bool is_held)
{
    struct interests *in = x->o.interests;
    bool locks = !is_held && x->o.gate != NULL && !x->has_all_shards;
    if (s->watches != NULL) {
        counter_add(&x->stats.watching_sessions, (uint64_t)-1);
    }
    while (s->watches != NULL) {
        struct watch *w = s->watches;
        struct interest *i = w->at;
        struct lock *l = store_lock(x->o.store, i->shard);
        s->watches = w->next_of_session;
        if (locks) {
            lock_acquire(l);
        }
        interest_remove_watch(w);
        interests_drop(in, i);
        if (locks) {
            lock_release(l);
        }
        mem_free(interests_account(in), w);
    }
    atomic_store_explicit(&s->is_watch_dirty, false, memory_order_relaxed);
}

void transaction_unwatch(struct cmd_ctx *c)
{
    if (c->is_in_transaction) {
        reply_ok(c->reply); /* EXEC has ended the watches already */
        return;
    }
    unwatch(c->exec, c->session, false);
    reply_ok(c->reply);
}

void transaction_discard(struct cmd_ctx *c)
{
    if (c->session->transaction == NULL) {
        reply_error(c->reply, "ERR DISCARD without MULTI");
        return;
    }
    free_queue(c->exec, c->session);
    unwatch(c->exec, c->session, false);
    reply_ok(c->reply);
}

void transaction_reset(struct cmd_ctx *c)
{
    free_queue(c->exec, c->session);
    unwatch(c->exec, c->session, false);
}

void transaction_forget(struct exec *x, struct session *s)
{
    bool enters = x->o.gate != NULL && s->watches != NULL;
    free_queue(x, s);
    if (enters) {
        gate_enter(x->o.gate, x->o.worker);
    }
    unwatch(x, s, false);
    if (enters) {
        gate_leave(x->o.gate, x->o.worker);
    }
}

/* ---- EXEC ---- */

/* Of the queued and the watched, all keys, one behind the other. */
struct union_keys {
    struct key *keys;
    uint32_t count;
    struct call *calls;
    uint32_t call_count;
    bool needs_all; /* shards */
};

static bool prepare_call(struct exec *x, struct session *s,
                         const struct saved_request *r, struct call *call)
{
    *call = (struct call){.session = s, .cmd = r->cmd, .argv = r->argv,
                          .argc = r->argc, .bytes = r->bytes};
    if (r->cmd->spec->keys.kind == KEYS_KIND_NONE) {
        return true;
    }
    exec_find_keys(x, call);
    return call->problem == PROBLEM_NONE;
}

/* False: out of memory. */
static bool gather(struct exec *x, struct session *s, struct union_keys *u)
{
    const struct transaction *t = s->transaction;
    uint32_t watched = transaction_watched(s), total = watched, n = 0;
    *u = (struct union_keys){.call_count = t->queue.count};
    u->calls = exec_scratch(x, (t->queue.count + 1) * sizeof *u->calls);
    if (u->calls == NULL) {
        return false;
    }
    for (const struct saved_request *r = t->queue.head; r != NULL;
         r = r->next) {
        struct call *call = &u->calls[n++];
        if (!prepare_call(x, s, r, call)) {
            return false;
        }
        total += call->key_count;
        u->needs_all |= r->cmd->spec->walk != NULL
                        || (r->cmd->flags & CMD_ALL_SHARDS);
    }
    u->keys = exec_scratch(x, (total + 1) * sizeof *u->keys);
    if (u->keys == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < u->calls[i].key_count; k++) {
            u->keys[u->count++] = u->calls[i].keys[k];
        }
    }
    for (const struct watch *w = s->watches; w != NULL;
         w = w->next_of_session) {
        u->keys[u->count++] = interest_key(w->at);
    }
    return true;
}

/* Has something that is watched changed? The watched keys are held. */
static bool is_dirty(const struct exec *x, const struct session *s)
{
    if (atomic_load_explicit(&s->is_watch_dirty, memory_order_relaxed)) {
        return true;
    }
    for (const struct watch *w = s->watches; w != NULL;
         w = w->next_of_session) {
        struct key k = interest_key(w->at);
        if (!w->was_expired
            && is_expired(x, w->at->shard, w->at->database, &k)) {
            return true;
        }
    }
    return false;
}

/* What EXEC asks for is held. */
static void run_held(struct exec *x, struct cmd_ctx *c,
                     const struct union_keys *u)
{
    struct session *s = c->session;
    bool dirty = is_dirty(x, s);
    unwatch(x, s, true);
    if (dirty) {
        reply_null_array(c->reply);
        return;
    }
    x->is_in_transaction = true;
    x->is_multi_told = false;
    reply_array(c->reply, u->call_count);
    for (uint32_t i = 0; i < u->call_count; i++) {
        exec_run_queued(x, &u->calls[i]);
    }
    if (x->is_multi_told) {
        struct slice word = SLICE_LIT("EXEC");
        struct change end = {s->database, 1, &word};
        x->is_in_transaction = false;
        exec_tell(x, &end);
    }
    x->is_in_transaction = false;
}

static void run_planned(struct exec *x, struct cmd_ctx *c,
                        const struct union_keys *u)
{
    if (u->needs_all) {
        exec_close_house(x);
        run_held(x, c, u);
        exec_open_house(x);
        return;
    }
    if (x->o.gate == NULL || u->count == 0) {
        run_held(x, c, u);
        return;
    }
    struct plan plan;
    plan_make(&plan, x->o.store, u->keys, u->count);
    plan_acquire(&plan, x->o.store);
    run_held(x, c, u);
    plan_release(&plan, x->o.store);
}

/* EXEC refuses all that was queued, for this reason. */
static void abort_all(struct exec *x, struct cmd_ctx *c, const char *why)
{
    free_queue(x, c->session);
    unwatch(x, c->session, false);
    reply_error(c->reply, why);
}

void transaction_exec(struct cmd_ctx *c)
{
    struct exec *x = c->exec;
    struct session *s = c->session;
    struct transaction *t = s->transaction;
    struct union_keys u;
    if (t == NULL) {
        reply_error(c->reply, "ERR EXEC without MULTI");
        return;
    }
    if (t->is_spoilt) {
        abort_all(x, c, "EXECABORT Transaction discarded because of previous "
                        "errors.");
        return;
    }
    if ((t->flags & CMD_DENYOOM) && exec_is_memory_full(x)) {
        abort_all(x, c, "EXECABORT Transaction discarded because of: OOM "
                        "command not allowed when used memory > 'maxmemory'.");
        return;
    }
    if (!gather(x, s, &u)) {
        abort_all(x, c, "EXECABORT Transaction discarded because of: OOM out "
                        "of memory");
        return;
    }
    /* Commands that run now are no longer between MULTI and EXEC. The queue's
     * memory holds their arguments until all have run. */
    s->transaction = NULL;
    run_planned(x, c, &u);
    saved_clear(&t->queue, x->o.account);
    mem_free(x->o.account, t);
}
