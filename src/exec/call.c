/* call: from a request to a call: its command looked up, its keys found and
 * hashed, their cache lines asked for. */
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

/* Most commands have one, and its place is known. */
void exec_find_keys(struct exec *x, struct call *call)
{
    const struct cmd_keys *spec = &call->cmd->spec->keys;
    if (__builtin_expect(spec->kind != KEYS_KIND_RANGE
                         || spec->first != spec->last
                         || x->key_count == EXEC_BATCH_KEYS, 0)) {
        find_keys(x, call);
        return;
    }
    struct key *key = &x->keys[x->key_count++];
    *key = store_key(x->o.store, call->argv[spec->first]);
    call->keys = key;
    call->key_count = 1;
    prefetch_first(x, call, key);
}

/* Amply what a request may add to the memory used, as far as its arguments
 * show it; the command tells of the rest (ctx_note_growth). */
static int64_t memory_of(const struct call *call)
{
    return (int64_t)(2 * call->bytes + (size_t)MEMORY_A_CALL * call->argc);
}

void exec_add(struct exec *x, struct session *s, const struct slice *argv,
              uint32_t argc)
{
    assert(x->call_count < EXEC_BATCH_MAX);
    assert(argc > 0);
    struct call *call = &x->calls[x->call_count++];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < argc; i++) {
        bytes += argv[i].len;
    }
    *call = (struct call){.session = s, .argv = argv, .argc = argc,
                          .bytes = bytes};
    if (argv == x->args + x->arg_count) {
        x->arg_count += argc;
    }
    x->memory_left -= memory_of(call);
    look_up(x, call);
    if (call->problem == PROBLEM_NONE
        && call->cmd->spec->keys.kind != KEYS_KIND_NONE) {
        exec_find_keys(x, call);
    }
}
