/* call: from a request to a call: its command looked up, its keys found and
 * hashed, their cache lines asked for. Pipelines repeat themselves: what the
 * request before had too, the command or the key, is taken from there, whose
 * bytes live as long. */
#include <assert.h>

#include "exec/exec_priv.h"

enum { MEMORY_A_CALL = 256 }; /* what a small request may add, amply */

struct slice *exec_room(struct exec *x, uint32_t *max)
{
    *max = exec_is_full(x) ? 0 : EXEC_BATCH_ARGS - x->arg_count;
    return x->args + x->arg_count;
}

bool exec_is_full(const struct exec *x)
{
    return x->call_count == EXEC_BATCH_MAX;
}

bool exec_is_empty(const struct exec *x)
{
    return x->call_count == 0;
}

static RARE void refuse_unknown(struct call *call)
{
    bool is_http = slice_equal_nocase(call->argv[0], "post")
                   || slice_equal_nocase(call->argv[0], "host:");
    call->problem = is_http ? PROBLEM_HTTP : PROBLEM_UNKNOWN;
}

/* Puts the subcommand in its container's place. */
static RARE void look_up_sub(struct call *call)
{
    const struct cmd *sub = cmd_find_sub(call->cmd, call->argv[1]);
    if (sub == NULL) {
        call->problem = PROBLEM_UNKNOWN_SUB;
    } else {
        call->cmd = sub;
    }
}

static inline void look_up(struct exec *x, struct call *call)
{
    call->cmd = cmd_table_find(x->o.commands, call->argv[0]);
    if (__builtin_expect(call->cmd == NULL, 0)) {
        refuse_unknown(call);
        return;
    }
    if (__builtin_expect(call->cmd->sub_count > 0, 0) && call->argc > 1) {
        look_up_sub(call);
        if (call->problem != PROBLEM_NONE) {
            return;
        }
    }
    const struct cmd_spec *spec = call->cmd->spec;
    if (__builtin_expect(!cmd_arity_ok(spec, call->argc) || spec->run == NULL,
                         0)) {
        call->problem = PROBLEM_ARITY;
    }
}

/* Fetches what the look-up of a key begins with. */
static inline void prefetch_first(struct exec *x, const struct call *call,
                           const struct key *k)
{
    struct store *s = x->o.store;
    uint32_t shard = store_shard_of(s, k->hash);
    if (x->o.gate != NULL) {
        store_prefetch_lock(s, shard);
        return;
    }
    keyspace_prefetch_bucket(store_keyspace(s, shard, call->session->database),
                             k->hash);
}

/* The `n` keys that do not stand in steps, to call->keys, which has room. */
static void hash_scattered(struct exec *x, struct call *call, uint32_t n)
{
    uint32_t few[16], *at = few;
    if (n > sizeof few / sizeof few[0]) {
        at = exec_scratch(x, n * sizeof *at);
        if (at == NULL) {
            call->problem = PROBLEM_NOMEM;
            return;
        }
    }
    cmd_find_keys(call->cmd->spec, call->argv, call->argc, at);
    for (uint32_t i = 0; i < n; i++) {
        call->keys[i] = store_key(x->o.store, call->argv[at[i]]);
        prefetch_first(x, call, &call->keys[i]);
    }
    call->key_count = n;
}

/* Any number of keys, anywhere. */
static RARE void find_keys(struct exec *x, struct call *call)
{
    const struct cmd_keys *spec = &call->cmd->spec->keys;
    int64_t count = cmd_find_keys(call->cmd->spec, call->argv, call->argc,
                                  NULL);
    if (count <= 0) {
        return; /* none, or nonsense: the command itself says what is wrong */
    }
    uint32_t n = (uint32_t)count;
    if (__builtin_expect(n <= EXEC_BATCH_KEYS - x->key_count, 1)) {
        call->keys = x->keys + x->key_count;
        x->key_count += n;
    } else {
        call->keys = exec_scratch(x, n * sizeof *call->keys);
        if (call->keys == NULL) {
            call->problem = PROBLEM_NOMEM;
            return;
        }
    }
    if (spec->kind >= KEYS_KIND_DEST_COUNTED) {
        hash_scattered(x, call, n);
        return;
    }
    uint32_t at = spec->kind == KEYS_KIND_COUNTED ? (uint32_t)spec->first + 1
                                                  : (uint32_t)spec->first;
    for (uint32_t i = 0; i < n; i++, at += (uint32_t)spec->step) {
        call->keys[i] = store_key(x->o.store, call->argv[at]);
        prefetch_first(x, call, &call->keys[i]);
    }
    call->key_count = n;
}

/* The one key, whose place is known. `before`: the request before this one, or
 * NULL; if it has the same key, this is a long one. */
static RARE void add_key(struct exec *x, struct call *call,
                         const struct call *before, struct slice name)
{
    if (name.len > SLICE_SHORT_MAX && before != NULL && before->key_count > 0
        && slice_equal(before->keys[0].name, name)) {
        call->keys = before->keys;
    } else if (x->key_count < EXEC_BATCH_KEYS) {
        call->keys = &x->keys[x->key_count++];
        call->keys[0] = store_key(x->o.store, name);
        prefetch_first(x, call, call->keys);
    } else {
        find_keys(x, call);
        return;
    }
    call->key_count = 1;
}

/* Many a request of a pipeline has the key of the one before it, which is hashed
 * and on its way. */
static inline void find_keys_after(struct exec *x, struct call *call,
                                   const struct call *before)
{
    uint32_t at = call->cmd->key_at;
    if (at == 0) {
        find_keys(x, call);
        return;
    }
    struct slice name = call->argv[at];
    if (before != NULL && before->key_count > 0
        && slice_equal_short(before->keys[0].name, name)) {
        call->keys = before->keys;
        call->key_count = 1;
        return;
    }
    add_key(x, call, before, name);
}

void exec_find_keys(struct exec *x, struct call *call)
{
    find_keys_after(x, call, NULL);
}

/* Amply what a request may add to the memory used, as far as its arguments
 * show it; the command tells of the rest (ctx_note_growth). */
static int64_t memory_of(const struct call *call)
{
    return (int64_t)(2 * call->bytes + (size_t)MEMORY_A_CALL * call->argc);
}

/* A command other than that of the request before. */
static RARE void add_other(struct exec *x, struct call *call,
                           const struct call *before)
{
    look_up(x, call);
    if (call->problem == PROBLEM_NONE) {
        find_keys_after(x, call, before);
    }
}

/* Pipelines repeat themselves: is it the command of the request before, with as
 * many arguments? */
static inline bool is_alike(const struct call *call, const struct call *before)
{
    return before != NULL && before->problem == PROBLEM_NONE
           && before->argc == call->argc && before->cmd->parent == NULL
           && slice_equal_short(before->argv[0], call->argv[0]);
}

/* What is off the common way is called last, so that this needs no frame. */
void exec_add(struct exec *x, struct session *s, const struct slice *argv,
              uint32_t argc)
{
    assert(x->call_count < EXEC_BATCH_MAX);
    assert(argc > 0);
    struct call *call = &x->calls[x->call_count];
    const struct call *before = x->call_count > 0 ? call - 1 : NULL;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < argc; i++) {
        bytes += argv[i].len;
    }
    *call = (struct call){.session = s, .argv = argv, .argc = argc,
                          .bytes = bytes};
    x->call_count++;
    if (argv == x->args + x->arg_count) {
        x->arg_count += argc;
    }
    x->memory_left -= memory_of(call);
    if (__builtin_expect(!is_alike(call, before), 0)) {
        add_other(x, call, before);
        return;
    }
    call->cmd = before->cmd;
    find_keys_after(x, call, before);
}
