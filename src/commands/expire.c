/* expire: EXPIRE and its kin, TTL and its kin, PERSIST.
 *
 * Whatever form the client used, the log and the replicas see an absolute time
 * in milliseconds, or the deletion when that time has passed already: they must
 * come to the same state whenever they read it. */
#include "commands/generic_priv.h"

#include "base/number.h"

struct expire_condition {
    bool nx, xx, gt, lt;
};

static bool parse_condition(struct cmd_ctx *c, struct expire_condition *out)
{
    *out = (struct expire_condition){0};
    for (uint32_t i = 3; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "nx")) {
            out->nx = true;
        } else if (ctx_arg_is(c, i, "xx")) {
            out->xx = true;
        } else if (ctx_arg_is(c, i, "gt")) {
            out->gt = true;
        } else if (ctx_arg_is(c, i, "lt")) {
            out->lt = true;
        } else {
            size_t len = c->argv[i].len < 128 ? c->argv[i].len : 128;
            reply_errorf(c->reply, "ERR Unsupported option %.*s", (int)len,
                         (const char *)c->argv[i].data);
            return false;
        }
    }
    if (out->nx && (out->xx || out->gt || out->lt)) {
        reply_error(c->reply, "ERR NX and XX, GT or LT options at the same "
                              "time are not compatible");
        return false;
    }
    if (out->gt && out->lt) {
        reply_error(c->reply, "ERR GT and LT options at the same time are not "
                              "compatible");
        return false;
    }
    return true;
}

/* A key without a deadline lasts for ever: nothing is greater. */
static bool condition_holds(const struct expire_condition *when, bool has_old,
                            int64_t old_ms, int64_t new_ms)
{
    if ((when->nx && has_old) || (when->xx && !has_old)) {
        return false;
    }
    if (when->gt && (!has_old || new_ms <= old_ms)) {
        return false;
    }
    return !(when->lt && has_old && new_ms >= old_ms);
}

static void propagate_deadline(struct cmd_ctx *c, const struct key *k,
                               int64_t deadline_ms)
{
    char text[NUMBER_INT64_TEXT_MAX];
    struct slice argv[3];
    argv[0] = SLICE_LIT("PEXPIREAT");
    argv[1] = k->name;
    argv[2] = slice_of(text, number_format_int64(text, deadline_ms));
    ctx_propagate(c, 3, argv);
}

static void set_deadline(struct cmd_ctx *c, bool is_ms, bool is_absolute)
{
    const struct key *k = &c->keys[0];
    struct expire_condition when;
    struct entry *e;
    int64_t deadline_ms;

    if (!parse_condition(c, &when)
        || !ctx_arg_deadline(c, 2, is_ms, is_absolute, true, &deadline_ms)) {
        return;
    }
    e = ctx_peek(c, k);
    if (e == NULL
        || !condition_holds(&when, entry_has_deadline(e), entry_deadline_ms(e),
                            deadline_ms)) {
        reply_int(c->reply, 0);
        return;
    }
    if (deadline_ms <= c->now_ms) {
        struct slice argv[2] = {SLICE_LIT("DEL"), k->name};
        ctx_propagate(c, 2, argv);
        (void)ctx_delete(c, k);
        store_count_expired(c->store, store_shard_of(c->store, k->hash));
        ctx_changed(c, k, EVENT_GENERIC, "del");
        reply_int(c->reply, 1);
        return;
    }
    if (!ctx_set_deadline(c, k, deadline_ms)) {
        return;
    }
    propagate_deadline(c, k, deadline_ms);
    ctx_changed(c, k, EVENT_GENERIC, "expire");
    reply_int(c->reply, 1);
}

void expire_run(struct cmd_ctx *c)
{
    set_deadline(c, false, false);
}

void pexpire_run(struct cmd_ctx *c)
{
    set_deadline(c, true, false);
}

void expireat_run(struct cmd_ctx *c)
{
    set_deadline(c, false, true);
}

void pexpireat_run(struct cmd_ctx *c)
{
    set_deadline(c, true, true);
}

/* Seconds are rounded to the nearest, without overflow near the end of time. */
static int64_t to_seconds(int64_t ms)
{
    return ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
}

static void reply_deadline(struct cmd_ctx *c, bool is_ms, bool is_absolute)
{
    struct entry *e = ctx_peek(c, &c->keys[0]);
    int64_t ms;
    if (e == NULL || !entry_has_deadline(e)) {
        reply_int(c->reply, e == NULL ? -2 : -1);
        return;
    }
    ms = entry_deadline_ms(e);
    if (!is_absolute) {
        ms = ms > c->now_ms ? ms - c->now_ms : 0;
    }
    reply_int(c->reply, is_ms ? ms : to_seconds(ms));
}

void ttl_run(struct cmd_ctx *c)
{
    reply_deadline(c, false, false);
}

void pttl_run(struct cmd_ctx *c)
{
    reply_deadline(c, true, false);
}

void expiretime_run(struct cmd_ctx *c)
{
    reply_deadline(c, false, true);
}

void pexpiretime_run(struct cmd_ctx *c)
{
    reply_deadline(c, true, true);
}

void persist_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct entry *e = ctx_peek(c, k);
    if (e == NULL || !entry_has_deadline(e)) {
        reply_int(c->reply, 0);
        return;
    }
    if (!ctx_set_deadline(c, k, DEADLINE_NONE)) {
        return;
    }
    ctx_changed(c, k, EVENT_GENERIC, "persist");
    reply_int(c->reply, 1);
}
