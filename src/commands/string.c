/* string: the commands that read and set one whole string, and the family's
 * rows. Ranges, numbers, several keys at once and LCS have files of their own.
 *
 * A command that answers with the old value and then sets the key (GETSET, SET
 * ... GET) holds the old value until setting has succeeded: a reply must not
 * promise what memory then refuses. */
#include "base/number.h"
#include "commands/string_priv.h"

/* A value that outlives the entry it was read from. */
struct held_value {
    bool is_missing;
    struct blob *pinned; /* NULL: the bytes are a copy */
    struct slice bytes;
};

/* `e` may be NULL. False: replied. */
static bool hold(struct cmd_ctx *c, const struct entry *e, struct held_value *h)
{
    char text[STRING_SCRATCH_BYTES];
    struct slice now;
    void *copy;
    *h = (struct held_value){.is_missing = (e == NULL)};
    if (!e) {
        return true;
    }
    h->pinned = string_blob_to_pin(e);
    if (h->pinned) {
        blob_pin(h->pinned);
        h->bytes = slice_of(h->pinned->bytes, h->pinned->len);
        return true;
    }
    now = string_bytes(e, text);
    if (now.len == 0) {
        return true;
    }
    copy = ctx_scratch(c, now.len);
    if (!copy) {
        return false;
    }
    memcpy(copy, now.data, now.len);
    h->bytes = slice_of(copy, now.len);
    return true;
}

static void held_reply(struct cmd_ctx *c, struct held_value *h)
{
    if (h->is_missing) {
        reply_null(c->reply);
    } else if (h->pinned) {
        reply_bulk_pinned(c->reply, h->bytes, blob_unpin, h->pinned);
    } else {
        reply_bulk(c->reply, h->bytes);
    }
}

static void held_drop(struct held_value *h)
{
    if (h->pinned) {
        blob_unpin(h->pinned);
    }
}

static void reply_value(struct cmd_ctx *c, const struct entry *e)
{
    if (e) {
        ctx_reply_string(c, e);
    } else {
        reply_null(c->reply);
    }
}

static bool value_equals(const struct entry *e, struct slice value)
{
    char text[STRING_SCRATCH_BYTES];
    return slice_equal(string_bytes(e, text), value);
}

static void get_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (ctx_check_type(c, e, TYPE_STRING)) {
        reply_value(c, e);
    }
}

/* Sets the key and answers with the value it had. */
static void set_and_reply_old(struct cmd_ctx *c, const struct entry *old,
                              struct slice value, int64_t deadline_ms)
{
    struct held_value h;
    if (!hold(c, old, &h)) {
        return;
    }
    if (!string_put(c, &c->keys[0], value, deadline_ms)) {
        held_drop(&h);
        return;
    }
    held_reply(c, &h);
}

static bool set_condition_holds(const struct cmd_ctx *c,
                                const struct string_options *o,
                                const struct entry *e)
{
    if (o->given & OPTION_NX) {
        return e == NULL;
    }
    if (o->given & OPTION_XX) {
        return e != NULL;
    }
    if (o->given & OPTION_IFEQ) {
        return e != NULL && value_equals(e, c->argv[o->compare_at]);
    }
    return true;
}

static void set_with_options(struct cmd_ctx *c)
{
    const uint32_t allowed = OPTION_NX | OPTION_XX | OPTION_IFEQ | OPTION_GET
                             | OPTION_KEEPTTL | OPTION_EXPIRES;
    struct string_options o;
    int64_t deadline_ms;
    if (!string_options_parse(c, 3, allowed, &o)
        || !string_options_deadline(c, &o, &deadline_ms)) {
        return;
    }
    bool has_get = (o.given & OPTION_GET) != 0;
    struct entry *e = has_get ? ctx_read(c, &c->keys[0])
                              : ctx_peek(c, &c->keys[0]);
    if ((o.given & (OPTION_GET | OPTION_IFEQ))
        && !ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    if (!set_condition_holds(c, &o, e)) {
        reply_value(c, has_get ? e : NULL);
        return;
    }
    if (has_get) {
        set_and_reply_old(c, e, c->argv[2], deadline_ms);
    } else if (string_put(c, &c->keys[0], c->argv[2], deadline_ms)) {
        reply_ok(c->reply);
    }
}

static void set_run(struct cmd_ctx *c)
{
    if (c->argc > 3) {
        set_with_options(c);
        return;
    }
    if (ctx_set_string(c, &c->keys[0], c->argv[2], DEADLINE_NONE)) {
        ctx_changed(c, &c->keys[0], EVENT_STRING, "set");
        reply_ok(c->reply);
    }
}

static void set_expiring(struct cmd_ctx *c, bool is_ms)
{
    int64_t deadline_ms;
    if (ctx_arg_deadline(c, 2, is_ms, false, false, &deadline_ms)
        && string_put(c, &c->keys[0], c->argv[3], deadline_ms)) {
        reply_ok(c->reply);
    }
}

static void setex_run(struct cmd_ctx *c)
{
    set_expiring(c, false);
}

static void psetex_run(struct cmd_ctx *c)
{
    set_expiring(c, true);
}

static void setnx_run(struct cmd_ctx *c)
{
    if (ctx_peek(c, &c->keys[0])) {
        reply_int(c->reply, 0);
    } else if (string_put(c, &c->keys[0], c->argv[2], DEADLINE_NONE)) {
        reply_int(c->reply, 1);
    }
}

static void getset_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (ctx_check_type(c, e, TYPE_STRING)) {
        set_and_reply_old(c, e, c->argv[2], DEADLINE_NONE);
    }
}

static void getdel_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    reply_value(c, e);
    if (e) {
        string_delete(c, &c->keys[0]);
    }
}

/* GETEX with a deadline to come, or DEADLINE_NONE for PERSIST: the entry may
 * move, so it is looked up again for the reply. */
static void getex_set_deadline(struct cmd_ctx *c, int64_t deadline_ms)
{
    const struct key *k = &c->keys[0];
    char text[NUMBER_INT64_TEXT_MAX];
    struct slice argv[] = {SLICE_LIT("PEXPIREAT"), k->name, {NULL, 0}};
    if (!ctx_set_deadline(c, k, deadline_ms)) {
        return;
    }
    if (deadline_ms == DEADLINE_NONE) {
        argv[0] = SLICE_LIT("PERSIST");
        ctx_propagate(c, 2, argv);
        ctx_changed(c, k, EVENT_GENERIC, "persist");
    } else {
        argv[2] = slice_of(text, number_format_int64(text, deadline_ms));
        ctx_propagate(c, 3, argv);
        ctx_changed(c, k, EVENT_GENERIC, "expire");
    }
    reply_value(c, ctx_peek(c, k));
}

static void getex_run(struct cmd_ctx *c)
{
    struct string_options o;
    int64_t deadline_ms;
    if (!string_options_parse(c, 2, OPTION_PERSIST | OPTION_EXPIRES, &o)) {
        return;
    }
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!e) {
        reply_null(c->reply);
        return;
    }
    if (!ctx_check_type(c, e, TYPE_STRING)
        || !string_options_deadline(c, &o, &deadline_ms)) {
        return;
    }
    if (string_is_past(c, deadline_ms)) {
        reply_value(c, e);
        string_delete(c, &c->keys[0]);
    } else if (deadline_ms > 0
               || ((o.given & OPTION_PERSIST) && entry_has_deadline(e))) {
        getex_set_deadline(c, deadline_ms);
    } else {
        reply_value(c, e);
    }
}

static void delifeq_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_peek(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    if (!e || !value_equals(e, c->argv[2])) {
        reply_int(c->reply, 0);
        return;
    }
    string_delete(c, &c->keys[0]);
    reply_int(c->reply, 1);
}

#define WRITES (CMD_WRITE | CMD_DENYOOM)
#define ROW(word, args, bits, where, fn) \
    { .name = word, .arity = args, .flags = bits, .categories = CAT_STRING, \
      .keys = where, .run = fn }

const struct cmd_spec string_cmds[] = {
    ROW("append", 3, WRITES | CMD_FAST, KEYS_AT(1), string_append_run),
    ROW("decr", 2, WRITES | CMD_FAST, KEYS_AT(1), string_decr_run),
    ROW("decrby", 3, WRITES | CMD_FAST, KEYS_AT(1), string_decrby_run),
    ROW("delifeq", 3, CMD_WRITE | CMD_FAST, KEYS_AT(1), delifeq_run),
    ROW("get", 2, CMD_READONLY | CMD_FAST, KEYS_AT(1), get_run),
    ROW("getdel", 2, CMD_WRITE | CMD_FAST, KEYS_AT(1), getdel_run),
    ROW("getex", -2, CMD_WRITE | CMD_FAST, KEYS_AT(1), getex_run),
    ROW("getrange", 4, CMD_READONLY, KEYS_AT(1), string_getrange_run),
    ROW("getset", 3, WRITES | CMD_FAST, KEYS_AT(1), getset_run),
    ROW("incr", 2, WRITES | CMD_FAST, KEYS_AT(1), string_incr_run),
    ROW("incrby", 3, WRITES | CMD_FAST, KEYS_AT(1), string_incrby_run),
    ROW("incrbyfloat", 3, WRITES | CMD_FAST, KEYS_AT(1), string_incrbyfloat_run),
    ROW("lcs", -3, CMD_READONLY, KEYS_RANGE(1, 2, 1), string_lcs_run),
    ROW("mget", -2, CMD_READONLY | CMD_FAST, KEYS_RANGE(1, -1, 1),
        string_mget_run),
    ROW("mset", -3, WRITES, KEYS_RANGE(1, -1, 2), string_mset_run),
    ROW("msetex", -4, WRITES | CMD_MOVABLE_KEYS, KEYS_COUNTED(1, 2),
        string_msetex_run),
    ROW("msetnx", -3, WRITES, KEYS_RANGE(1, -1, 2), string_msetnx_run),
    ROW("psetex", 4, WRITES, KEYS_AT(1), psetex_run),
    ROW("set", -3, WRITES, KEYS_AT(1), set_run),
    ROW("setex", 4, WRITES, KEYS_AT(1), setex_run),
    ROW("setnx", 3, WRITES | CMD_FAST, KEYS_AT(1), setnx_run),
    ROW("setrange", 4, WRITES, KEYS_AT(1), string_setrange_run),
    ROW("strlen", 2, CMD_READONLY | CMD_FAST, KEYS_AT(1), string_strlen_run),
    ROW("substr", 4, CMD_READONLY, KEYS_AT(1), string_getrange_run),
    {.name = NULL},
};
