/* string_multi: strings of several keys at once. The keys were hashed and
 * prefetched before the command ran; the loops here only use them. */
#include "base/number.h"
#include "commands/string_priv.h"

void string_mget_run(struct cmd_ctx *c)
{
    reply_array(c->reply, c->key_count);
    for (uint32_t i = 0; i < c->key_count; i++) {
        struct entry *e = ctx_read(c, &c->keys[i]);
        if (e && e->type == TYPE_STRING) {
            ctx_reply_string(c, e);
        } else {
            reply_null(c->reply);
        }
    }
}

/* The effects of having set the first `count` keys only. */
static void propagate_first(struct cmd_ctx *c, uint32_t count, uint32_t first,
                            int64_t deadline_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        string_propagate_set(c, &c->keys[i], c->argv[first + 2 * i],
                             deadline_ms);
    }
}

/* Sets every key to the argument behind it, argv[first] being the first value.
 * When memory ends midway (false, replied), what was set so far is what the
 * log is told. */
static bool set_all(struct cmd_ctx *c, uint32_t first, int64_t deadline_ms)
{
    for (uint32_t i = 0; i < c->key_count; i++) {
        const struct key *k = &c->keys[i];
        if (!ctx_set_string(c, k, c->argv[first + 2 * i], deadline_ms)) {
            propagate_first(c, i, first, deadline_ms);
            return false;
        }
        ctx_changed(c, k, EVENT_STRING, "set");
        if (deadline_ms > 0) {
            ctx_notify(c, k, EVENT_GENERIC, "expire");
        }
    }
    return true;
}

static bool is_paired(struct cmd_ctx *c)
{
    if (c->argc % 2 == 0) {
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                     c->spec->name);
        return false;
    }
    return true;
}

void string_mset_run(struct cmd_ctx *c)
{
    if (is_paired(c) && set_all(c, 2, DEADLINE_NONE)) {
        reply_ok(c->reply);
    }
}

/* How many of the keys exist; a key named twice counts twice. */
static uint32_t count_existing(struct cmd_ctx *c)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->key_count; i++) {
        count += (ctx_peek(c, &c->keys[i]) != NULL);
    }
    return count;
}

void string_msetnx_run(struct cmd_ctx *c)
{
    if (!is_paired(c)) {
        return;
    }
    if (count_existing(c) > 0) {
        reply_int(c->reply, 0);
    } else if (set_all(c, 2, DEADLINE_NONE)) {
        reply_int(c->reply, 1);
    }
}

/* MSETEX's effect: no condition, and an absolute deadline. */
static void msetex_propagate(struct cmd_ctx *c, struct slice *argv,
                             int64_t deadline_ms)
{
    char text[NUMBER_INT64_TEXT_MAX];
    uint32_t argc = 2 + 2 * c->key_count;
    memcpy(argv, c->argv, argc * sizeof *argv);
    argc = string_append_deadline(argv, argc, deadline_ms, text);
    ctx_propagate(c, argc, argv);
}

static void msetex_past(struct cmd_ctx *c)
{
    bool is_changed = false;
    for (uint32_t i = 0; i < c->key_count; i++) {
        is_changed |= string_put_past(c, &c->keys[i]);
    }
    if (!is_changed) {
        ctx_propagate(c, 0, NULL);
    }
    reply_int(c->reply, 1);
}

static void msetex_set(struct cmd_ctx *c, int64_t deadline_ms)
{
    /* Room for the effect first: with the keys set it must not fail. */
    struct slice *argv =
        ctx_scratch(c, (4 + 2 * (size_t)c->key_count) * sizeof *argv);
    if (!argv) {
        return;
    }
    if (set_all(c, 3, deadline_ms)) {
        msetex_propagate(c, argv, deadline_ms);
        reply_int(c->reply, 1);
    }
}

/* numkeys, and as many pairs behind it; false: replied. */
static bool msetex_check_count(struct cmd_ctx *c)
{
    int64_t count;
    if (!number_parse_int64(c->argv[1], &count) || count <= 0
        || count > INT32_MAX) {
        reply_error(c->reply, "ERR invalid numkeys value");
        return false;
    }
    if ((uint64_t)count * 2 > c->argc - 2 || c->key_count != count) {
        reply_error(c->reply, "ERR wrong number of key-value pairs");
        return false;
    }
    return true;
}

void string_msetex_run(struct cmd_ctx *c)
{
    const uint32_t allowed = OPTION_NX | OPTION_XX | OPTION_KEEPTTL
                             | OPTION_EXPIRES;
    struct string_options o;
    int64_t deadline_ms;
    if (!msetex_check_count(c)
        || !string_options_parse(c, 2 + 2 * c->key_count, allowed, &o)
        || !string_options_deadline(c, &o, &deadline_ms)) {
        return;
    }
    if (((o.given & OPTION_NX) && count_existing(c) > 0)
        || ((o.given & OPTION_XX) && count_existing(c) < c->key_count)) {
        reply_int(c->reply, 0);
    } else if (string_is_past(c, deadline_ms)) {
        msetex_past(c);
    } else {
        msetex_set(c, deadline_ms);
    }
}
