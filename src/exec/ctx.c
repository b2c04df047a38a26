/* ctx: what command functions may do: look keys up, write them, tell of changes,
 * read arguments. Everything here runs with the command's shards held. */
#include "base/number.h"
#include "exec/exec_priv.h"

/* Shorter values are within what is counted for any request. */
enum { GROWTH_NOTED_BYTES = 4096 };
/* Due fields that one command takes off at most. */
enum { FIELDS_EXPIRED_MAX = 64 };

/* ---- keys ---- */

static uint32_t shard_of(const struct cmd_ctx *c, const struct key *k)
{
    return store_shard_of(c->store, k->hash);
}

struct keyspace *ctx_keyspace(struct cmd_ctx *c, uint32_t database,
                              const struct key *k)
{
    return store_keyspace(c->store, shard_of(c, k), database);
}

static RARE struct keyspace *make_keyspace(struct cmd_ctx *c, uint32_t database,
                                           const struct key *k)
{
    struct keyspace *ks = store_keyspace_make(c->store, shard_of(c, k),
                                              database);
    if (ks == NULL) {
        ctx_error_status(c, ST_NOMEM);
    }
    return ks;
}

struct keyspace *ctx_keyspace_make(struct cmd_ctx *c, uint32_t database,
                                   const struct key *k)
{
    struct keyspace *ks = ctx_keyspace(c, database, k);
    return ks != NULL ? ks : make_keyspace(c, database, k);
}

/* While CLIENT PAUSE lasts nothing changes, so that what is due stays, unseen. */
static bool may_expire(const struct cmd_ctx *c)
{
    const struct exec *x = c->exec;
    return x->wall_ms >= x->pause_until_ms || (c->spec->flags & CMD_WRITE);
}

/* What find answers where the key has a deadline. */
static RARE struct entry *find_timed(struct cmd_ctx *c, const struct key *k,
                                     struct keyspace *ks, struct entry *e)
{
    if (entry_deadline_ms(e) > c->now_ms) {
        return e;
    }
    if (may_expire(c)) {
        keyspace_expire(ks, k);
    }
    return NULL;
}

/* The live entry; one whose time has passed is deleted. */
static inline struct entry *find(struct cmd_ctx *c, const struct key *k,
                                 struct keyspace **out)
{
    struct keyspace *ks = ctx_keyspace(c, c->database, k);
    struct entry *e = keyspace_find(ks, k);
    *out = ks;
    if (e != NULL && __builtin_expect(entry_has_deadline(e), 0)) {
        return find_timed(c, k, ks, e);
    }
    return e;
}

struct entry *ctx_read(struct cmd_ctx *c, const struct key *k)
{
    struct keyspace *ks;
    struct entry *e = find(c, k, &ks);
    store_count_lookup(c->store, shard_of(c, k), e != NULL);
    if (e != NULL && !c->session->no_touch) {
        keyspace_touch(ks, e);
    }
    return e;
}

bool ctx_touch(struct cmd_ctx *c, const struct key *k)
{
    struct keyspace *ks;
    struct entry *e = find(c, k, &ks);
    store_count_lookup(c->store, shard_of(c, k), e != NULL);
    if (e != NULL) {
        keyspace_touch(ks, e);
    }
    return e != NULL;
}

struct entry *ctx_peek(struct cmd_ctx *c, const struct key *k)
{
    struct keyspace *ks;
    return find(c, k, &ks);
}

bool ctx_check_type(struct cmd_ctx *c, const struct entry *e,
                    enum value_type type)
{
    if (e == NULL || __builtin_expect(e->type == type, 1)) {
        return true;
    }
    reply_error(c->reply, "WRONGTYPE Operation against a key holding the wrong "
                          "kind of value");
    return false;
}

size_t ctx_string_max(const struct cmd_ctx *c)
{
    return (size_t)atomic_load_explicit(&c->exec->o.shared->string_bytes_max,
                                        memory_order_relaxed);
}

static bool done(struct cmd_ctx *c, enum status st)
{
    if (__builtin_expect(st == ST_OK, 1)) {
        return true;
    }
    ctx_error_status(c, st);
    return false;
}

bool ctx_set_string(struct cmd_ctx *c, const struct key *k, struct slice value,
                    int64_t deadline_ms)
{
    if (deadline_ms == DEADLINE_KEEP) {
        ctx_peek(c, k); /* what has expired must not lend its deadline */
    }
    struct keyspace *ks = ctx_keyspace_make(c, c->database, k);
    return ks != NULL && done(c, keyspace_set_string(ks, k, value,
                                                     deadline_ms));
}

bool ctx_set_int(struct cmd_ctx *c, const struct key *k, int64_t value,
                 int64_t deadline_ms)
{
    struct keyspace *ks = ctx_keyspace_make(c, c->database, k);
    return ks != NULL && done(c, keyspace_set_int(ks, k, value, deadline_ms));
}

bool ctx_edit_string(struct cmd_ctx *c, const struct key *k, size_t len,
                     uint8_t **bytes)
{
    const struct entry *e = ctx_peek(c, k);
    if (__builtin_expect(len >= GROWTH_NOTED_BYTES, 0)) {
        size_t old_len = e != NULL ? string_len(e) : 0;
        ctx_note_growth(c, len > old_len ? len - old_len : 0);
    }
    struct keyspace *ks = ctx_keyspace_make(c, c->database, k);
    return ks != NULL && done(c, keyspace_edit_string(ks, k, len, bytes));
}

/* ---- collections ---- */

bool ctx_edit_open(struct cmd_ctx *c, const struct key *k, enum value_type type,
                   bool make, struct keyspace_edit *edit)
{
    struct keyspace *ks;
    struct entry *e = find(c, k, &ks);
    edit->entry = NULL;
    if (!ctx_check_type(c, e, type)) {
        return false;
    }
    if (e != NULL) {
        keyspace_touch(ks, e);
        keyspace_edit_begin(ks, e, edit);
        return true;
    }
    if (!make) {
        return true;
    }
    ks = ctx_keyspace_make(c, c->database, k);
    return ks != NULL && done(c, keyspace_edit_begin_new(ks, k, type, edit));
}

bool ctx_edit_close(struct cmd_ctx *c, const struct key *k,
                    struct keyspace_edit *edit)
{
    if (edit->entry == NULL || !keyspace_edit_end(edit)) {
        return false;
    }
    if (edit->is_new) {
        return false; /* nobody has ever seen it */
    }
    ctx_notify(c, k, EVENT_GENERIC, "del");
    return true;
}

struct entry *ctx_expire_fields(struct cmd_ctx *c, const struct key *k,
                                const struct slice *field)
{
    struct keyspace_edit edit;
    if (__builtin_expect(!may_expire(c), 0)) {
        return ctx_peek(c, k);
    }
    struct keyspace *ks = ctx_keyspace(c, c->database, k);
    keyspace_edit_begin(ks, keyspace_find(ks, k), &edit);
    if (field != NULL) {
        keyspace_edit_expire_field(&edit, *field);
    } else {
        keyspace_edit_expire(&edit, c->now_ms, FIELDS_EXPIRED_MAX);
    }
    return keyspace_edit_end_expired(&edit) ? NULL : edit.entry;
}

const struct entry_memory *ctx_memory(struct cmd_ctx *c, const struct key *k)
{
    struct keyspace *ks = ctx_keyspace_make(c, c->database, k);
    return ks != NULL ? keyspace_memory(ks) : NULL;
}

bool ctx_put(struct cmd_ctx *c, const struct key *k, struct entry *e)
{
    struct keyspace *ks = ctx_keyspace(c, c->database, k);
    return done(c, keyspace_put(ks, k, e));
}

void ctx_store_result(struct cmd_ctx *c, const struct key *k,
                      struct entry *made, enum event_class cls,
                      const char *event)
{
    int64_t count = (int64_t)value_count(made);
    if (count == 0) {
        entry_destroy(made, ctx_memory(c, k));
        if (ctx_delete(c, k)) {
            ctx_changed(c, k, EVENT_GENERIC, "del");
        }
    } else if (!ctx_put(c, k, made)) {
        return;
    } else {
        ctx_changed(c, k, cls, event);
    }
    reply_int(c->reply, count);
}

const struct value_limits *ctx_limits(const struct cmd_ctx *c)
{
    return store_limits(c->store);
}

void ctx_note_growth(struct cmd_ctx *c, size_t bytes)
{
    struct exec *x = c->exec;
    x->memory_left -= (int64_t)bytes * 2;
    x->is_memory_stale |= x->memory_left < 0;
}

bool ctx_set_deadline(struct cmd_ctx *c, const struct key *k,
                      int64_t deadline_ms)
{
    struct keyspace *ks = ctx_keyspace(c, c->database, k);
    return done(c, keyspace_set_deadline(ks, k, deadline_ms));
}

bool ctx_delete(struct cmd_ctx *c, const struct key *k)
{
    struct keyspace *ks;
    return find(c, k, &ks) != NULL && keyspace_delete(ks, k);
}

void ctx_reply_string(struct cmd_ctx *c, const struct entry *e)
{
    char scratch[STRING_SCRATCH_BYTES];
    struct blob *b = string_blob_to_pin(e);
    if (__builtin_expect(b != NULL, 0)) {
        blob_pin(b);
        reply_bulk_pinned(c->reply, slice_of(b->bytes, b->len), blob_unpin, b);
        return;
    }
    reply_bulk(c->reply, string_bytes(e, scratch));
}

void ctx_reply_help(struct cmd_ctx *c, const char *const *lines, size_t count)
{
    reply_array(c->reply, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        reply_simple(c->reply, lines[i]);
    }
}

/* ---- effects ---- */

void ctx_notify(struct cmd_ctx *c, const struct key *k, enum event_class cls,
                const char *event)
{
    const struct exec_options *o = &c->exec->o;
    if (o->notify != NULL) {
        o->notify(o->host, c->database, cls, event, k->name);
    }
}

static RARE void tell_change(struct cmd_ctx *c, const struct key *k,
                             enum event_class cls, const char *event)
{
    exec_touch(c->exec, c->database, k);
    ctx_notify(c, k, cls, event);
}

void ctx_changed(struct cmd_ctx *c, const struct key *k, enum event_class cls,
                 const char *event)
{
    const struct exec_options *o = &c->exec->o;
    c->changes++;
    if (__builtin_expect(interests_any(o->interests, shard_of(c, k))
                         || o->notify != NULL, 0)) {
        tell_change(c, k, cls, event);
    }
}

void ctx_propagate(struct cmd_ctx *c, uint32_t argc, const struct slice *argv)
{
    c->is_propagated = true;
    if (argc > 0) {
        struct change change = {c->database, argc, argv};
        exec_tell(c->exec, &change);
    }
}

/* ---- arguments ---- */

bool ctx_arg_int(struct cmd_ctx *c, uint32_t i, int64_t *out)
{
    if (number_parse_int64(c->argv[i], out)) {
        return true;
    }
    reply_error(c->reply, "ERR value is not an integer or out of range");
    return false;
}

bool ctx_arg_int_in(struct cmd_ctx *c, uint32_t i, int64_t min, int64_t max,
                    int64_t *out)
{
    if (!ctx_arg_int(c, i, out)) {
        return false;
    }
    if (*out < min || *out > max) {
        reply_errorf(c->reply, "ERR value is out of range, value must between "
                               "%lld and %lld", (long long)min, (long long)max);
        return false;
    }
    return true;
}

bool ctx_arg_database(struct cmd_ctx *c, uint32_t i, uint32_t *out)
{
    int64_t v;
    if (!ctx_arg_int(c, i, &v)) {
        return false;
    }
    if (v < INT32_MIN || v > INT32_MAX) {
        reply_errorf(c->reply, "ERR value is out of range, value must "
                               "between %d and %d", INT32_MIN, INT32_MAX);
        return false;
    }
    if (v < 0 || v >= store_database_count(c->store)) {
        reply_error(c->reply, "ERR DB index is out of range");
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

bool ctx_arg_double(struct cmd_ctx *c, uint32_t i, double *out)
{
    if (number_parse_double(c->argv[i], out)) {
        return true;
    }
    reply_error(c->reply, "ERR value is not a valid float");
    return false;
}

bool ctx_arg_is(const struct cmd_ctx *c, uint32_t i, const char *word)
{
    return slice_equal_nocase(c->argv[i], word);
}

bool ctx_arg_deadline(struct cmd_ctx *c, uint32_t i, bool is_ms,
                      bool is_absolute, bool allow_past, int64_t *out_ms)
{
    int64_t v;
    if (!ctx_arg_int(c, i, &v)) {
        return false;
    }
    bool bad = !allow_past && v <= 0;
    bad |= !is_ms && __builtin_mul_overflow(v, (int64_t)1000, &v);
    bad |= !is_absolute && __builtin_add_overflow(v, c->now_ms, &v);
    if (bad) {
        reply_errorf(c->reply, "ERR invalid expire time in '%s' command",
                     c->spec->name);
        return false;
    }
    *out_ms = v;
    return true;
}

void ctx_error_syntax(struct cmd_ctx *c)
{
    reply_error(c->reply, "ERR syntax error");
}

void ctx_error_status(struct cmd_ctx *c, enum status st)
{
    switch (st) {
    case ST_NOMEM:
        reply_error(c->reply, "OOM out of memory: the command was not "
                              "carried out");
        return;
    case ST_NOT_FOUND:
        reply_error(c->reply, "ERR no such key");
        return;
    default:
        reply_errorf(c->reply, "ERR %s", status_text(st));
        return;
    }
}

bool ctx_may_hold(const struct cmd_ctx *c)
{
    return !c->is_in_transaction;
}

void ctx_hold(struct cmd_ctx *c)
{
    assert(ctx_may_hold(c));
    c->session->hold = HOLD_ANSWER;
}

void ctx_walk_from(struct cmd_ctx *c, uint32_t shard, void *state)
{
    assert(c->spec->walk != NULL);
    c->walk_shard = shard;
    c->walk_state = state;
}

void *ctx_scratch(struct cmd_ctx *c, size_t bytes)
{
    void *p = exec_scratch(c->exec, bytes);
    if (p == NULL) {
        ctx_error_status(c, ST_NOMEM);
    }
    return p;
}
