/* wait: sessions that wait for a key to hold something (BLPOP and its like).
 *
 * A waiter stands in the queue of each key it waits for, in order of arrival.
 * When a command has changed such a key, the worker that ran it runs the waiters'
 * commands, oldest first, each under its own lock plan, until one finds nothing
 * to take; a waiter on another worker gets its answer by mail. So what was
 * pushed is handed out before anything else of the pusher runs, and a session is
 * never touched by a worker that is not its own.
 *
 * A waiter is in one of three states: linked in its queues; served, when it is
 * out of them and its answer is in the mail; gone. The first change needs the
 * shards of all its keys, so whoever holds them knows which it is. */
#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "base/number.h"
#include "exec/exec_priv.h"

struct waiter {
    struct message mail; /* first */
    struct exec *exec;   /* of the session's worker */
    struct session *session; /* NULL: gone while the answer was in the mail.
                                Its worker only */
    struct saved_request *request;
    struct key *keys; /* all of the request's, for its plan; they follow */
    uint64_t id;      /* a waiter freed and made anew is another */
    uint32_t key_count, link_count;
    uint32_t database;
    uint8_t type, protocol;
    bool is_served; /* its keys' shards held */
    bool is_muted;  /* CLIENT REPLY OFF or SKIP: the answer is not written */
    /* Spent on it before it waited (its worker's) and on answering it (of who
     * did); the time between is nobody's. */
    uint64_t first_ticks, answer_ticks;
    uint8_t *answer; /* in the mail; interests_account */
    size_t answer_len;
    struct wait_link links[];
};

/* ---- beginning ---- */

static struct waiter *create(struct cmd_ctx *c, uint32_t count)
{
    struct exec *x = c->exec;
    struct mem_account *a = interests_account(x->o.interests);
    size_t head = sizeof(struct waiter) + count * sizeof(struct wait_link);
    struct waiter *w = mem_alloc_zeroed(
        a, head + c->key_count * sizeof(struct key));
    if (w == NULL) {
        return NULL;
    }
    w->request = saved_create(a, c->argv, c->argc);
    if (w->request == NULL) {
        mem_free(a, w);
        return NULL;
    }
    w->request->cmd = c->cmd;
    w->exec = x;
    w->session = c->session;
    w->id = ++x->wait_serial * 4096 + x->o.worker;
    w->database = c->database;
    w->protocol = c->reply->protocol;
    w->is_muted = c->reply->is_muted;
    w->keys = (struct key *)(void *)((uint8_t *)w + head);
    w->key_count = c->key_count;
    for (uint32_t i = 0; i < c->key_count; i++) {
        /* The same bytes, where the copy of the request has them. */
        uint32_t arg = 0;
        while (c->argv[arg].data != c->keys[i].name.data
               || c->argv[arg].len != c->keys[i].name.len) {
            arg++;
        }
        w->keys[i] = (struct key){w->request->argv[arg], c->keys[i].hash};
    }
    return w;
}

static void destroy(struct waiter *w)
{
    struct mem_account *a = interests_account(w->exec->o.interests);
    mem_free(a, w->answer);
    mem_free(a, w->request);
    mem_free(a, w);
}

/* Its keys' shards are held. */
static void unlink_all(struct waiter *w)
{
    for (uint32_t i = 0; i < w->link_count; i++) {
        interest_remove_wait(&w->links[i]);
        interests_drop(w->exec->o.interests, w->links[i].at);
    }
    w->link_count = 0;
}

static bool link_all(struct exec *x, struct waiter *w, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shard = store_shard_of(x->o.store, w->keys[i].hash);
        struct interest *at = interests_make(x->o.interests, shard,
                                             w->database, &w->keys[i]);
        if (at == NULL) {
            unlink_all(w);
            return false;
        }
        struct wait_link *l = &w->links[w->link_count++];
        l->waiter = w;
        interest_add_wait(at, l);
    }
    return true;
}

bool ctx_block(struct cmd_ctx *c, enum value_type type, uint32_t count,
               int64_t deadline_ms)
{
    struct exec *x = c->exec;
    assert(count > 0);
    assert(count <= c->key_count);
    if (c->is_in_transaction) {
        return false;
    }
    c->is_blocked = true;
    if (c->retry != NULL) {
        return true; /* it stays where it stands */
    }
    struct waiter *w = create(c, count);
    if (w == NULL || !link_all(x, w, count)) {
        if (w != NULL) {
            destroy(w);
        }
        ctx_error_status(c, ST_NOMEM);
        return true;
    }
    w->type = (uint8_t)type;
    c->session->waiter = w;
    c->session->hold = HOLD_KEYS;
    if (x->o.on_block != NULL) {
        x->o.on_block(x->o.host, c->session, deadline_ms);
    }
    return true;
}

bool ctx_arg_timeout(struct cmd_ctx *c, uint32_t i, int64_t *deadline_ms)
{
    long double seconds;
    if (!number_parse_long_double(c->argv[i], &seconds)) {
        reply_error(c->reply, "ERR timeout is not a float or out of range");
        return false;
    }
    if (seconds < 0) {
        reply_error(c->reply, "ERR timeout is negative");
        return false;
    }
    long double ms = ceill(seconds * 1000);
    if (ms > (long double)(INT64_MAX - c->now_ms)) {
        reply_error(c->reply, "ERR timeout is out of range");
        return false;
    }
    *deadline_ms = ms > 0 ? c->now_ms + (int64_t)ms : 0;
    return true;
}

/* ---- changes ---- */

/* The key's shard is held. For lack of memory the waiters wait for the next
 * change. */
static void make_ready(struct exec *x, struct interest *i)
{
    if (x->ready_count == x->ready_cap) {
        uint32_t cap = x->ready_cap == 0 ? 16 : x->ready_cap * 2;
        struct interest **p = mem_realloc(x->o.account, x->ready,
                                          cap * sizeof *p);
        if (p == NULL) {
            return;
        }
        x->ready = p;
        x->ready_cap = cap;
    }
    i->ready_count++;
    x->ready[x->ready_count++] = i;
}

void exec_touch(struct exec *x, uint32_t database, const struct key *k)
{
    uint32_t shard = store_shard_of(x->o.store, k->hash);
    struct interest *i = interests_find(x->o.interests, shard, database, k);
    if (i == NULL) {
        return;
    }
    interest_dirty(i);
    bool is_new = x->ready_count == 0 || x->ready[x->ready_count - 1] != i;
    if (i->waits != NULL && is_new) {
        make_ready(x, i);
    }
}

void exec_key_gone(struct interests *in, const struct store *s,
                   uint32_t database, struct slice key)
{
    struct key k = store_key(s, key);
    uint32_t shard = store_shard_of(s, k.hash);
    struct interest *i = interests_find(in, shard, database, &k);
    if (i == NULL) {
        return;
    }
    for (struct watch *w = i->watches; w != NULL; w = w->next) {
        if (w->was_expired) {
            w->was_expired = false; /* it is as it was when watched: gone */
        } else {
            interest_dirty_one(w);
        }
    }
}

/* What happens to whole databases. */
struct whole {
    struct exec *exec;
    uint32_t a, b; /* databases */
    bool is_flush;
};

enum presence { ABSENT, EXPIRED, PRESENT };

static enum presence presence(const struct exec *x, uint32_t database,
                              const struct interest *i)
{
    struct key k = interest_key(i);
    struct keyspace *ks = store_keyspace(x->o.store, i->shard, database);
    const struct entry *e = keyspace_find(ks, &k);
    if (e == NULL) {
        return ABSENT;
    }
    return entry_deadline_ms(e) > x->wall_ms ? PRESENT : EXPIRED;
}

/* The key had been `before` when it became `after`. To one who watches, a key
 * that had expired when the watch began is as good as absent, and what is
 * absent or expired afterwards is no change to it. */
static void judge_watch(struct watch *w, enum presence before,
                        enum presence after)
{
    if (w->was_expired && after != PRESENT) {
        w->was_expired = after == EXPIRED;
    } else if (before == ABSENT && after == EXPIRED) {
        w->was_expired = true;
    } else if (before != ABSENT || after != ABSENT) {
        interest_dirty_one(w);
    }
}

static void visit_whole(void *self, struct interest *i)
{
    const struct whole *w = self;
    struct exec *x = w->exec;
    bool is_all = w->a == store_database_count(x->o.store);
    if (!is_all && i->database != w->a && i->database != w->b) {
        return;
    }
    uint32_t other = i->database == w->a ? w->b : w->a;
    enum presence here = presence(x, i->database, i);
    enum presence before = w->is_flush ? here : presence(x, other, i);
    enum presence after = w->is_flush ? ABSENT : here;
    for (struct watch *each = i->watches; each != NULL; each = each->next) {
        judge_watch(each, before, after);
    }
    if (after == PRESENT && i->waits != NULL) {
        make_ready(x, i);
    }
}

static void visit_all(const struct whole *w)
{
    const struct exec *x = w->exec;
    for (uint32_t i = 0; i < store_shard_count(x->o.store); i++) {
        struct whole copy = *w;
        interests_visit(x->o.interests, i, visit_whole, &copy);
    }
}

void ctx_flushing(struct cmd_ctx *c, uint32_t database)
{
    struct whole w = {c->exec, database, database, true};
    visit_all(&w);
}

void ctx_swapped(struct cmd_ctx *c, uint32_t a, uint32_t b)
{
    struct whole w = {c->exec, a, b, false};
    visit_all(&w);
}

/* ---- serving ---- */

/* A command may have taken long (DEBUG SLEEP in a transaction): what has expired
 * meanwhile is not handed out. */
static int64_t now_ms(const struct exec *x)
{
    double us = (double)(clock_ticks() - x->now_ticks) / x->o.ticks_per_us;
    return x->wall_ms + (int64_t)(us / 1000);
}

/* The next to be tried on a ready key: the oldest that waits for what is there.
 * The key's shard is held. */
static struct waiter *next_waiter(const struct exec *x, struct interest *i,
                                  uint64_t after_id, bool *passed)
{
    struct key k = interest_key(i);
    struct keyspace *ks = store_keyspace(x->o.store, i->shard, i->database);
    const struct entry *e = keyspace_find_live(ks, &k, now_ms(x));
    struct wait_link *l = i->waits;
    *passed = after_id == 0;
    for (; e != NULL && l != NULL; l = l->next) {
        if (*passed && l->waiter->type == e->type) {
            return l->waiter;
        }
        *passed |= l->waiter->id == after_id;
    }
    return NULL;
}

/* Runs the waiter's command; its keys are held. The answer is written to `r`.
 * False: there was nothing for it. */
static bool try_one(struct exec *x, struct waiter *w, struct reply *r)
{
    const struct saved_request *q = w->request;
    struct session stand_in = {
        .id = 0, .worker = x->o.worker, .database = w->database,
        .is_authenticated = true, .reply = *r,
    };
    struct call call = {.session = &stand_in, .cmd = q->cmd, .argv = q->argv,
                        .argc = q->argc, .keys = w->keys,
                        .key_count = w->key_count};
    struct cmd_ctx c = exec_ctx_of(x, &call);
    c.reply = r;
    c.retry = w;
    c.now_ms = now_ms(x);
    r->error_count = 0;
    uint64_t begin = clock_ticks();
    exec_run_held(x, &c);
    if (c.is_blocked) {
        return false;
    }
    w->answer_ticks = clock_ticks() - begin;
    if (r->error_count > 0) {
        exec_stats_count_error(&x->stats, r->error_code);
        counter_add(&x->stats.commands[q->cmd->index].failed, 1);
        r->error_count = 0;
    }
    return true;
}

RARE void exec_note_waiting(struct session *s, uint64_t ticks)
{
    /* There is none if memory ran out, or if it has been served already. */
    if (s->waiter != NULL) {
        s->waiter->first_ticks = ticks;
    }
}

/* Its session goes on: `w` has been answered with so many bytes. */
static void finish(struct exec *x, const struct waiter *w, uint64_t replied)
{
    struct session *s = w->session;
    exec_count_waited(x, s, w->request, w->first_ticks + w->answer_ticks,
                      replied);
    s->waiter = NULL;
    exec_release(x, s);
    if (x->o.on_release != NULL) {
        x->o.on_release(x->o.host, s);
    }
}

/* An answer has come by mail to the session's worker. */
static void receive(void *owner, struct message *m)
{
    struct waiter *w = (struct waiter *)(void *)m;
    struct session *s = w->session;
    (void)owner;
    if (s != NULL) {
        if (w->answer == NULL) {
            s->reply.out->failed = CHAIN_NO_MEMORY;
        } else if (!w->is_muted) {
            chain_append(s->reply.out, w->answer, w->answer_len);
        }
        finish(w->exec, w, w->answer_len);
    }
    destroy(w);
}

/* Copies what a chain holds into the waiter; false: out of memory. */
static bool pack_answer(struct waiter *w, const struct chain *from)
{
    size_t at = 0;
    w->answer = mem_alloc(interests_account(w->exec->o.interests),
                          from->bytes + 1);
    if (w->answer == NULL) {
        return false;
    }
    for (const struct chunk *k = from->head; k != NULL; k = k->next) {
        size_t len = k->cap == 0 ? k->pinned_len : k->len;
        memcpy(w->answer + at, k->data, len);
        at += len;
    }
    assert(at == from->bytes);
    w->answer_len = at;
    return true;
}

static bool serve_own(struct exec *x, struct waiter *w)
{
    struct session *s = w->session;
    uint64_t before = s->reply.out->bytes;
    s->reply.is_muted = w->is_muted;
    if (!try_one(x, w, &s->reply)) {
        return false;
    }
    unlink_all(w);
    finish(x, w, s->reply.out->bytes - before);
    destroy(w);
    return true;
}

static bool serve_foreign(struct exec *x, struct waiter *w)
{
    struct chain chain;
    struct reply r = {.out = &chain, .protocol = w->protocol};
    chain_init(&chain, &x->pool);
    bool served = try_one(x, w, &r);
    if (served) {
        unlink_all(w);
        w->is_served = true;
        if (chain.failed || !pack_answer(w, &chain)) {
            mem_free(interests_account(w->exec->o.interests), w->answer);
            w->answer = NULL; /* the session is closed: see receive */
        }
        w->mail.run = receive;
        x->o.post(x->o.host, w->exec->o.worker, &w->mail);
    }
    chain_deinit(&chain);
    return served;
}

/* Is it still there, after its shard was let go for a moment? */
static bool is_linked(const struct interest *i, const struct waiter *w,
                      uint64_t id)
{
    for (const struct wait_link *l = i->waits; l != NULL; l = l->next) {
        if (l->waiter == w) {
            return w->id == id;
        }
    }
    return false;
}

/* Its keys are held. */
static bool serve_one(struct exec *x, struct waiter *w)
{
    return w->exec == x ? serve_own(x, w) : serve_foreign(x, w);
}

/* With several shards: `w` was found with the key's shard held, which has been
 * released since; `keys` is a copy of its keys. True: served. */
static bool serve_planned(struct exec *x, struct interest *i, struct waiter *w,
                          uint64_t id, const struct key *keys, uint32_t count)
{
    struct plan plan;
    plan_make(&plan, x->o.store, keys, count);
    plan_acquire(&plan, x->o.store);
    bool served = is_linked(i, w, id) && serve_one(x, w);
    plan_release(&plan, x->o.store);
    return served;
}

/* Serves those who wait for one key, oldest first, until it has nothing more. */
static void serve_key(struct exec *x, struct interest *i)
{
    struct lock *l = store_lock(x->o.store, i->shard);
    bool locks = x->o.gate != NULL;
    uint64_t after_id = 0;
    for (;;) {
        bool passed;
        if (locks) {
            lock_acquire(l);
        }
        struct waiter *w = next_waiter(x, i, after_id, &passed);
        if (w == NULL && passed) {
            break;
        }
        if (w == NULL) {
            after_id = 0; /* that one has left: from the front again */
            if (locks) {
                lock_release(l);
            }
            continue;
        }
        uint64_t id = w->id;
        if (!locks) {
            after_id = serve_one(x, w) ? after_id : id;
            continue;
        }
        uint32_t count = w->key_count;
        struct key *keys = exec_scratch(x, count * sizeof *keys);
        if (keys == NULL) {
            break;
        }
        memcpy(keys, w->keys, count * sizeof *keys);
        lock_release(l);
        after_id = serve_planned(x, i, w, id, keys, count) ? after_id : id;
    }
    assert(i->ready_count > 0);
    i->ready_count--;
    interests_drop(x->o.interests, i);
    if (locks) {
        lock_release(l);
    }
}

RARE void exec_serve_ready(struct exec *x)
{
    if (x->is_serving) {
        return;
    }
    x->is_serving = true;
    /* Serving may make more ready, which come behind. */
    for (uint32_t n = 0; n < x->ready_count; n++) {
        serve_key(x, x->ready[n]);
    }
    x->ready_count = 0;
    x->is_serving = false;
}

/* ---- ending ---- */

/* Takes the waiter out of its queues. False: it has been served meanwhile. */
static bool cancel(struct exec *x, struct waiter *w)
{
    struct plan plan;
    if (x->o.gate != NULL) {
        gate_enter(x->o.gate, x->o.worker);
        plan_make(&plan, x->o.store, w->keys, w->key_count);
        plan_acquire(&plan, x->o.store);
    }
    bool was_waiting = !w->is_served;
    if (was_waiting) {
        unlink_all(w);
    }
    if (x->o.gate != NULL) {
        plan_release(&plan, x->o.store);
        gate_leave(x->o.gate, x->o.worker);
    }
    return was_waiting;
}

bool exec_unblock(struct exec *x, struct session *s, enum unblock how)
{
    struct waiter *w = s->waiter;
    assert(exec_is_empty(x));
    if (w == NULL || !cancel(x, w)) {
        return false;
    }
    uint64_t before = s->reply.out->bytes;
    s->reply.is_muted = w->is_muted;
    if (how == UNBLOCK_ERROR) {
        reply_error(&s->reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
        exec_stats_count_error(&x->stats, s->reply.error_code);
        counter_add(&x->stats.commands[w->request->cmd->index].rejected, 1);
        s->reply.error_count = 0;
    } else {
        reply_null_array(&s->reply);
    }
    finish(x, w, s->reply.out->bytes - before);
    destroy(w);
    return true;
}

void exec_session_leave(struct exec *x, struct session *s)
{
    struct waiter *w = s->waiter;
    if (w == NULL) {
        return;
    }
    s->waiter = NULL;
    if (cancel(x, w)) {
        destroy(w);
    } else {
        w->session = NULL; /* its answer comes by mail, to nobody */
    }
}
