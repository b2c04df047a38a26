/* generic: what can be done with a key whatever its value: delete, test, name,
 * move, copy, look into. Deadlines are in expire.c, whole-keyspace walks in
 * scan.c. */
#include "commands/commands.h"

#include "commands/generic_priv.h"
#include "exec/find_keys.h"

/* ---- DEL, UNLINK, EXISTS, TOUCH, TYPE ---- */

static void del_run(struct cmd_ctx *c)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < c->key_count; i++) {
        if (ctx_delete(c, &c->keys[i])) {
            ctx_changed(c, &c->keys[i], EVENT_GENERIC, "del");
            count++;
        }
    }
    reply_int(c->reply, count);
}

static void exists_run(struct cmd_ctx *c)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < c->key_count; i++) {
        count += ctx_peek(c, &c->keys[i]) != NULL;
    }
    reply_int(c->reply, count);
}

static void touch_run(struct cmd_ctx *c)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < c->key_count; i++) {
        count += ctx_touch(c, &c->keys[i]);
    }
    reply_int(c->reply, count);
}

static void type_run(struct cmd_ctx *c)
{
    const struct entry *e = ctx_peek(c, &c->keys[0]);
    reply_simple(c->reply, e == NULL
                               ? "none"
                               : value_type_name((enum value_type)e->type));
}

/* ---- RENAME, RENAMENX ---- */

static void rename_key(struct cmd_ctx *c, bool is_nx)
{
    const struct key *from = &c->keys[0], *to = &c->keys[1];
    struct keyspace *to_ks;
    enum status st;

    if (ctx_peek(c, from) == NULL) {
        reply_error(c->reply, "ERR no such key");
        return;
    }
    if (slice_equal(from->name, to->name)) {
        if (is_nx) {
            reply_int(c->reply, 0);
        } else {
            reply_ok(c->reply);
        }
        return;
    }
    if (is_nx && ctx_peek(c, to) != NULL) {
        reply_int(c->reply, 0);
        return;
    }
    to_ks = ctx_keyspace_make(c, c->database, to);
    if (to_ks == NULL) {
        return;
    }
    st = keyspace_rename(ctx_keyspace(c, c->database, from), from, to_ks, to);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    ctx_changed(c, from, EVENT_GENERIC, "rename_from");
    ctx_changed(c, to, EVENT_GENERIC, "rename_to");
    if (is_nx) {
        reply_int(c->reply, 1);
    } else {
        reply_ok(c->reply);
    }
}

static void rename_run(struct cmd_ctx *c)
{
    rename_key(c, false);
}

static void renamenx_run(struct cmd_ctx *c)
{
    rename_key(c, true);
}

/* ---- MOVE, COPY ---- */

/* The functions of the context work in the context's database; these two look
 * and tell in another one. */
static bool exists_in(struct cmd_ctx *c, uint32_t database, const struct key *k)
{
    uint32_t home = c->database;
    bool found;
    c->database = database;
    found = ctx_peek(c, k) != NULL;
    c->database = home;
    return found;
}

static void changed_in(struct cmd_ctx *c, uint32_t database,
                       const struct key *k, const char *event)
{
    uint32_t home = c->database;
    c->database = database;
    ctx_changed(c, k, EVENT_GENERIC, event);
    c->database = home;
}

static void move_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct keyspace *to_ks;
    uint32_t database;
    enum status st;

    if (!ctx_arg_database(c, 2, &database)) {
        return;
    }
    if (database == c->database) {
        reply_error(c->reply,
                    "ERR source and destination objects are the same");
        return;
    }
    if (ctx_peek(c, k) == NULL || exists_in(c, database, k)) {
        reply_int(c->reply, 0);
        return;
    }
    to_ks = ctx_keyspace_make(c, database, k);
    if (to_ks == NULL) {
        return;
    }
    st = keyspace_rename(ctx_keyspace(c, c->database, k), k, to_ks, k);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    ctx_changed(c, k, EVENT_GENERIC, "move_from");
    changed_in(c, database, k, "move_to");
    reply_int(c->reply, 1);
}

static bool parse_copy(struct cmd_ctx *c, uint32_t *database, bool *is_replace)
{
    *database = c->database;
    *is_replace = false;
    for (uint32_t i = 3; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "replace")) {
            *is_replace = true;
        } else if (ctx_arg_is(c, i, "db") && i + 1 < c->argc) {
            i++;
            if (!ctx_arg_database(c, i, database)) {
                return false;
            }
        } else {
            ctx_error_syntax(c);
            return false;
        }
    }
    return true;
}

static void copy_run(struct cmd_ctx *c)
{
    const struct key *from = &c->keys[0], *to = &c->keys[1];
    struct keyspace *to_ks;
    uint32_t database;
    const struct entry *e;
    bool is_replace;
    size_t bytes;
    enum status st;

    if (!parse_copy(c, &database, &is_replace)) {
        return;
    }
    if (database == c->database && slice_equal(from->name, to->name)) {
        reply_error(c->reply,
                    "ERR source and destination objects are the same");
        return;
    }
    e = ctx_read(c, from);
    bytes = e == NULL ? 0 : keyspace_entry_bytes(ctx_keyspace(c, c->database,
                                                              from), e);
    if (e == NULL || (exists_in(c, database, to) && !is_replace)) {
        reply_int(c->reply, 0);
        return;
    }
    to_ks = ctx_keyspace_make(c, database, to);
    if (to_ks == NULL) {
        return;
    }
    st = keyspace_copy(ctx_keyspace(c, c->database, from), from, to_ks, to);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    ctx_note_growth(c, bytes);
    changed_in(c, database, to, "copy_to");
    reply_int(c->reply, 1);
}

/* ---- the rows ---- */

#define ONE_KEY {KEYS_KIND_RANGE, 1, 1, 1}
#define TWO_KEYS {KEYS_KIND_RANGE, 1, 2, 1}
#define ALL_KEYS {KEYS_KIND_RANGE, 1, -1, 1}

const struct cmd_spec generic_cmds[] = {
    {.name = "copy", .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_KEYSPACE, .keys = TWO_KEYS, .run = copy_run},
    {.name = "del", .arity = -2, .flags = CMD_WRITE,
     .categories = CAT_KEYSPACE, .keys = ALL_KEYS, .run = del_run},
    {.name = "exists", .arity = -2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ALL_KEYS, .run = exists_run},
    {.name = "expire", .arity = -3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = expire_run},
    {.name = "expireat", .arity = -3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = expireat_run},
    {.name = "expiretime", .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = expiretime_run},
    {.name = "keys", .arity = 2, .flags = CMD_READONLY | CMD_ALL_SHARDS,
     .categories = CAT_KEYSPACE | CAT_DANGEROUS, .run = keys_run},
    {.name = "move", .arity = 3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = move_run},
    {.name = "object", .arity = -2,
     .subcommands = object_subcommands},
    {.name = "persist", .arity = 2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = persist_run},
    {.name = "pexpire", .arity = -3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = pexpire_run},
    {.name = "pexpireat", .arity = -3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = pexpireat_run},
    {.name = "pexpiretime", .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = pexpiretime_run},
    {.name = "pttl", .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = pttl_run},
    {.name = "randomkey", .arity = 1, .flags = CMD_READONLY | CMD_ALL_SHARDS,
     .categories = CAT_KEYSPACE, .run = randomkey_run},
    {.name = "rename", .arity = 3, .flags = CMD_WRITE,
     .categories = CAT_KEYSPACE, .keys = TWO_KEYS, .run = rename_run},
    {.name = "renamenx", .arity = 3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = TWO_KEYS, .run = renamenx_run},
    {.name = "scan", .arity = -2, .flags = CMD_READONLY,
     .categories = CAT_KEYSPACE, .run = scan_run, .walk = &scan_walk},
    {.name = "sort", .arity = -2,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS | CMD_ALL_SHARDS,
     .categories = CAT_SET | CAT_SORTEDSET | CAT_LIST | CAT_DANGEROUS,
     .keys = KEYS_FOUND, .find_keys = find_keys_sort, .run = sort_run},
    {.name = "sort_ro", .arity = -2,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS | CMD_ALL_SHARDS,
     .categories = CAT_SET | CAT_SORTEDSET | CAT_LIST | CAT_DANGEROUS,
     .keys = ONE_KEY, .run = sort_ro_run},
    {.name = "touch", .arity = -2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ALL_KEYS, .run = touch_run},
    {.name = "ttl", .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = ttl_run},
    {.name = "type", .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ONE_KEY, .run = type_run},
    {.name = "unlink", .arity = -2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_KEYSPACE, .keys = ALL_KEYS, .run = del_run},
    {.name = NULL},
};
