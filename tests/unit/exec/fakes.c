/* fakes: a small family of commands made for testing the dispatcher: each does
 * one thing that the dispatcher must get right. */
#include "fakes.h"

#include "exec/exec_priv.h"
#include "exec/find_keys.h"

static void noop_run(struct cmd_ctx *c)
{
    reply_ok(c->reply);
}

static void fail_run(struct cmd_ctx *c)
{
    reply_error(c->reply, "BAD it failed");
}

static void put_run(struct cmd_ctx *c)
{
    if (ctx_set_string(c, &c->keys[0], c->argv[2], DEADLINE_NONE)) {
        ctx_changed(c, &c->keys[0], EVENT_STRING, "put");
        reply_ok(c->reply);
    }
}

/* PUTUNTIL key ms value */
static void putuntil_run(struct cmd_ctx *c)
{
    int64_t due;
    if (ctx_arg_deadline(c, 2, true, false, true, &due)
        && ctx_set_string(c, &c->keys[0], c->argv[3], due)) {
        reply_ok(c->reply);
    }
}

static void fetch_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (e == NULL) {
        reply_null(c->reply);
    } else {
        ctx_reply_string(c, e);
    }
}

/* Adds one to each key; the sum. */
static void bump_run(struct cmd_ctx *c)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < c->key_count; i++) {
        struct entry *e = ctx_read(c, &c->keys[i]);
        int64_t v = 0;
        if (e != NULL && !string_get_int(e, &v)) {
            reply_error(c->reply, "ERR not a number");
            return;
        }
        if (!ctx_set_int(c, &c->keys[i], ++v, DEADLINE_KEEP)) {
            return;
        }
        ctx_changed(c, &c->keys[i], EVENT_STRING, "bump");
        sum += v;
    }
    reply_int(c->reply, sum);
}

/* ADD key n: a purse of coins, which is a number. */
static void add_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_read(c, &c->keys[0]);
    int64_t have = 0, more;
    if (!ctx_arg_int(c, 2, &more)
        || (e != NULL && !string_get_int(e, &have))
        || !ctx_set_int(c, &c->keys[0], have + more, DEADLINE_NONE)) {
        return;
    }
    ctx_changed(c, &c->keys[0], EVENT_STRING, "add");
    reply_int(c->reply, have + more);
}

/* A coin leaves the purse, which goes when it is empty. */
static bool take_coin(struct cmd_ctx *c, const struct key *k)
{
    struct entry *e = ctx_read(c, k);
    int64_t have = 0;
    if (e == NULL || !string_get_int(e, &have)) {
        return false;
    }
    if (have > 1) {
        (void)ctx_set_int(c, k, have - 1, DEADLINE_NONE);
    } else {
        (void)ctx_delete(c, k);
    }
    ctx_changed(c, k, EVENT_STRING, "take");
    return true;
}

/* TAKE timeout key ...: a coin out of the first purse that has one; its name. */
static void take_run(struct cmd_ctx *c)
{
    int64_t deadline_ms;
    if (!ctx_arg_timeout(c, 1, &deadline_ms)) {
        return;
    }
    for (uint32_t i = 0; i < c->key_count; i++) {
        if (take_coin(c, &c->keys[i])) {
            reply_bulk(c->reply, c->keys[i].name);
            return;
        }
    }
    if (!ctx_block(c, TYPE_STRING, c->key_count, deadline_ms)) {
        reply_null(c->reply);
    }
}

/* HAND timeout from to: a coin goes from one purse to another. */
static void hand_run(struct cmd_ctx *c)
{
    int64_t deadline_ms, have = 0;
    if (!ctx_arg_timeout(c, 1, &deadline_ms)) {
        return;
    }
    if (!take_coin(c, &c->keys[0])) {
        if (!ctx_block(c, TYPE_STRING, 1, deadline_ms)) {
            reply_int(c->reply, 0);
        }
        return;
    }
    struct entry *e = ctx_read(c, &c->keys[1]);
    if (e != NULL && !string_get_int(e, &have)) {
        reply_error(c->reply, "BAD purse");
        return;
    }
    (void)ctx_set_int(c, &c->keys[1], have + 1, DEADLINE_NONE);
    ctx_changed(c, &c->keys[1], EVENT_STRING, "hand");
    reply_int(c->reply, have + 1);
}

/* Databases 0 and 1 in the house's two ways to change at once. */
static void empty_run(struct cmd_ctx *c)
{
    ctx_flushing(c, c->database);
    (void)store_flush(c->store, c->database);
    reply_ok(c->reply);
}

static void swap_run(struct cmd_ctx *c)
{
    store_swap(c->store, 0, 1);
    ctx_swapped(c, 0, 1);
    reply_ok(c->reply);
}

/* 1 if all keys are equal. */
static void same_run(struct cmd_ctx *c)
{
    int64_t first = 0, v;
    bool is_same = true;
    for (uint32_t i = 0; i < c->key_count; i++) {
        struct entry *e = ctx_peek(c, &c->keys[i]);
        v = 0;
        if (e != NULL && !string_get_int(e, &v)) {
            v = -1;
        }
        first = i == 0 ? v : first;
        is_same &= v == first;
    }
    reply_int(c->reply, is_same);
}

/* Which shards are locked, as a set of bits. */
static void held_run(struct cmd_ctx *c)
{
    int64_t set = 0;
    for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
        struct lock *l = store_lock(c->store, i);
        bool is_held = atomic_load_explicit(&l->word, memory_order_relaxed);
        set |= (int64_t)is_held << i;
    }
    reply_int(c->reply, set);
}

static void whole_run(struct cmd_ctx *c)
{
    struct house *h = c->host;
    h->guarded++;
    held_run(c);
}

/* Two effects of its own, whatever it was called with. */
static void told_run(struct cmd_ctx *c)
{
    struct slice first[] = {SLICE_LIT("EFFECT"), c->keys[0].name};
    struct slice second[] = {SLICE_LIT("AND"), SLICE_LIT("more"), c->argv[1]};
    ctx_propagate(c, 2, first);
    ctx_propagate(c, 3, second);
    ctx_changed(c, &c->keys[0], EVENT_GENERIC, "told");
    reply_ok(c->reply);
}

static void hushed_run(struct cmd_ctx *c)
{
    ctx_propagate(c, 0, NULL);
    ctx_changed(c, &c->keys[0], EVENT_GENERIC, "hushed");
    reply_ok(c->reply);
}

static void key_count_run(struct cmd_ctx *c)
{
    reply_array(c->reply, c->key_count);
    for (uint32_t i = 0; i < c->key_count; i++) {
        reply_bulk(c->reply, c->keys[i].name);
    }
}

/* SCRATCH bytes: writes to all of it. */
static void scratch_run(struct cmd_ctx *c)
{
    int64_t bytes;
    if (!ctx_arg_int_in(c, 1, 1, 1 << 20, &bytes)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        uint8_t *p = ctx_scratch(c, (size_t)bytes);
        if (p == NULL) {
            return;
        }
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 1, (size_t)bytes);
    }
    reply_ok(c->reply);
}

/* TRAIL from to: visits the shards, with each of which alone held. */
static void trail_run(struct cmd_ctx *c)
{
    int64_t from;
    int64_t *left;
    if (!ctx_arg_int(c, 1, &from)) {
        return;
    }
    if (from < 0) {
        reply_simple(c->reply, "NOWALK");
        return;
    }
    left = ctx_scratch(c, sizeof *left);
    if (left == NULL || !ctx_arg_int(c, 2, left)) {
        return;
    }
    ctx_walk_from(c, (uint32_t)from, left);
}

static bool trail_step(struct cmd_ctx *c, uint32_t shard)
{
    int64_t *left = c->walk_state;
    reply_int(c->reply, shard);
    held_run(c);
    return --*left > 0;
}

static void trail_end(struct cmd_ctx *c)
{
    reply_simple(c->reply, "END");
}

static const struct cmd_walk trail_walk = {trail_step, trail_end};

static void reply_off_run(struct cmd_ctx *c)
{
    c->session->reply_off = true;
    c->reply->is_muted = true;
}

static void reply_on_run(struct cmd_ctx *c)
{
    c->session->reply_off = false;
    c->reply->is_muted = false;
    reply_ok(c->reply);
}

static void reply_skip_run(struct cmd_ctx *c)
{
    c->session->reply_skip = 2;
    c->reply->is_muted = true;
}

static void leave_run(struct cmd_ctx *c)
{
    reply_ok(c->reply);
    c->session->close_after_reply = true;
}

static void choose_run(struct cmd_ctx *c)
{
    int64_t n;
    if (ctx_arg_int_in(c, 1, 0, HOUSE_DATABASES - 1, &n)) {
        c->session->database = (uint32_t)n;
        reply_ok(c->reply);
    }
}

static const struct cmd_spec box_subs[] = {
    {.name = "one", .arity = 2, .run = noop_run},
    {.name = "keyed", .arity = -3, .keys = KEYS_AT(2), .run = key_count_run},
    {.name = NULL},
};

#define ONE KEYS_AT(1)
#define ALL KEYS_RANGE(1, -1, 1)
#define ROW(word, args, bits, where, fn) \
    {.name = word, .arity = args, .flags = bits, .keys = where, .run = fn}

const struct cmd_spec fake_cmds[] = {
    ROW("noop", 1, CMD_FAST, KEYS_NONE, noop_run),
    ROW("fail", 1, 0, KEYS_NONE, fail_run),
    ROW("put", 3, CMD_WRITE | CMD_DENYOOM, ONE, put_run),
    ROW("putuntil", 4, CMD_WRITE, ONE, putuntil_run),
    ROW("fetch", 2, CMD_READONLY, ONE, fetch_run),
    ROW("bump", -2, CMD_WRITE, ALL, bump_run),
    ROW("same", -2, CMD_READONLY, ALL, same_run),
    ROW("held", -1, 0, ALL, held_run),
    ROW("whole", 1, CMD_ALL_SHARDS, KEYS_NONE, whole_run),
    ROW("told", 2, CMD_WRITE, ONE, told_run),
    ROW("hushed", 2, CMD_WRITE, ONE, hushed_run),
    ROW("butlast", -3, 0, KEYS_RANGE(1, -2, 1), key_count_run),
    ROW("bytwo", -3, 0, KEYS_RANGE(1, -1, 2), key_count_run),
    ROW("counted", -2, 0, KEYS_COUNTED(1, 1), key_count_run),
    ROW("pairs", -2, 0, KEYS_COUNTED(2, 2), key_count_run),
    ROW("into", -3, 0, KEYS_DEST_COUNTED(1), key_count_run),
    ROW("add", 3, CMD_WRITE | CMD_DENYOOM, ONE, add_run),
    ROW("take", -3, CMD_WRITE | CMD_BLOCKING, KEYS_RANGE(2, -1, 1), take_run),
    ROW("hand", 4, CMD_WRITE | CMD_BLOCKING, KEYS_RANGE(2, 3, 1), hand_run),
    ROW("multi", 1, CMD_NOT_QUEUED | CMD_NO_MULTI, KEYS_NONE,
        transaction_multi),
    ROW("exec", 1, CMD_NOT_QUEUED | CMD_RUNS_QUEUE, KEYS_NONE,
        transaction_exec),
    ROW("discard", 1, CMD_NOT_QUEUED, KEYS_NONE, transaction_discard),
    ROW("watch", -2, CMD_NOT_QUEUED | CMD_NO_MULTI, ALL, transaction_watch),
    ROW("unwatch", 1, 0, KEYS_NONE, transaction_unwatch),
    ROW("empty", 1, CMD_WRITE | CMD_ALL_SHARDS, KEYS_NONE, empty_run),
    ROW("swap", 1, CMD_WRITE | CMD_ALL_SHARDS, KEYS_NONE, swap_run),
    {.name = "sorted", .arity = -2, .keys = KEYS_FOUND,
     .find_keys = find_keys_sort, .run = key_count_run},
    {.name = "heldfound", .arity = -2, .keys = KEYS_FOUND,
     .find_keys = find_keys_xread, .run = held_run},
    ROW("scratch", 2, 0, KEYS_NONE, scratch_run),
    {.name = "trail", .arity = 3, .run = trail_run, .walk = &trail_walk},
    ROW("off", 1, 0, KEYS_NONE, reply_off_run),
    ROW("on", 1, 0, KEYS_NONE, reply_on_run),
    ROW("skip", 1, 0, KEYS_NONE, reply_skip_run),
    ROW("leave", 1, CMD_NO_AUTH, KEYS_NONE, leave_run),
    ROW("choose", 2, 0, KEYS_NONE, choose_run),
    {.name = "box", .arity = -2, .subcommands = box_subs},
    {.name = NULL},
};

const struct cmd_spec *const fake_families[] = {fake_cmds, NULL};

void fake_each(void (*test)(struct house *h))
{
    static const struct house_options houses[] = {
        {.families = fake_families},
        {.families = fake_families, .shard_count = 4, .worker_count = 2},
    };
    for (size_t i = 0; i < sizeof houses / sizeof *houses; i++) {
        struct house h;
        house_init(&h, &houses[i]);
        test(&h);
        house_check(&h);
        house_deinit(&h);
    }
}
