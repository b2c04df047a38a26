/* list: commands on one list; those that move elements, or wait for them, are in
 * list_move.c. */
#include "base/number.h"
#include "commands/list_priv.h"

/* ---- pushing ---- */

static void push(struct cmd_ctx *c, enum list_end end, bool make)
{
    const struct key *k = &c->keys[0];
    struct keyspace_edit edit;
    if (!ctx_edit_open(c, k, TYPE_LIST, make, &edit)) {
        return;
    }
    if (edit.entry == NULL) {
        reply_int(c->reply, 0);
        return;
    }
    enum status st = list_push(edit.memory, ctx_limits(c), &edit.entry, end,
                               c->argv + 2, c->argc - 2);
    int64_t count = (int64_t)value_count(edit.entry);
    ctx_edit_close(c, k, &edit);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    ctx_changed(c, k, EVENT_LIST, end == LIST_HEAD ? "lpush" : "rpush");
    reply_int(c->reply, count);
}

static void lpush_run(struct cmd_ctx *c)
{
    push(c, LIST_HEAD, true);
}

static void rpush_run(struct cmd_ctx *c)
{
    push(c, LIST_TAIL, true);
}

static void lpushx_run(struct cmd_ctx *c)
{
    push(c, LIST_HEAD, false);
}

static void rpushx_run(struct cmd_ctx *c)
{
    push(c, LIST_TAIL, false);
}

/* ---- popping ---- */

bool list_arg_count(struct cmd_ctx *c, uint32_t i, int64_t *count)
{
    if (!number_parse_int64(c->argv[i], count) || *count < 0) {
        reply_error(c->reply, "ERR value is out of range, must be positive");
        return false;
    }
    return true;
}

void list_drop(struct cmd_ctx *c, const struct key *k, enum list_end end,
               uint64_t count)
{
    struct keyspace_edit edit;
    struct value *removed;
    if (!ctx_edit_open(c, k, TYPE_LIST, false, &edit) || edit.entry == NULL) {
        return; /* the caller has just looked: cannot be */
    }
    uint64_t have = value_count(edit.entry);
    list_delete(edit.memory, ctx_limits(c), &edit.entry,
                end == LIST_HEAD ? 0 : have - count, count, &removed);
    if (removed != NULL) {
        keyspace_edit_discard(&edit, removed);
    }
    ctx_changed(c, k, EVENT_LIST, end == LIST_HEAD ? "lpop" : "rpop");
    ctx_edit_close(c, k, &edit);
}

void list_reply_end(struct cmd_ctx *c, const struct entry *e,
                    enum list_end end, uint64_t count)
{
    struct list_at at;
    char scratch[LIST_SCRATCH_BYTES];
    bool more = list_seek(e, end == LIST_HEAD ? 0 : -1, &at);
    reply_array(c->reply, (int64_t)count);
    for (uint64_t i = 0; more && i < count; i++) {
        reply_bulk(c->reply, list_text(&at, scratch));
        more = list_step(&at, end == LIST_HEAD ? LIST_TAIL : LIST_HEAD);
    }
}

/* LPOP and RPOP without a count. */
static void pop_one(struct cmd_ctx *c, enum list_end end)
{
    const struct key *k = &c->keys[0];
    struct keyspace_edit edit;
    char scratch[LIST_SCRATCH_BYTES];
    if (!ctx_edit_open(c, k, TYPE_LIST, false, &edit)) {
        return;
    }
    if (edit.entry == NULL) {
        reply_null(c->reply);
        return;
    }
    reply_bulk(c->reply, list_end_text(edit.entry, end, scratch));
    list_pop(edit.memory, ctx_limits(c), &edit.entry, end);
    ctx_changed(c, k, EVENT_LIST, end == LIST_HEAD ? "lpop" : "rpop");
    ctx_edit_close(c, k, &edit);
}

static void pop(struct cmd_ctx *c, enum list_end end)
{
    const struct key *k = &c->keys[0];
    int64_t count;
    if (c->argc > 3) {
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                     c->spec->name);
        return;
    }
    if (c->argc == 2) {
        pop_one(c, end);
        return;
    }
    if (!list_arg_count(c, 2, &count)) {
        return;
    }
    const struct entry *e = ctx_peek(c, k);
    if (!ctx_check_type(c, e, TYPE_LIST)) {
        return;
    }
    if (e == NULL) {
        reply_null_array(c->reply);
        return;
    }
    uint64_t have = value_count(e);
    uint64_t n = (uint64_t)count < have ? (uint64_t)count : have;
    list_reply_end(c, e, end, n);
    if (n > 0) {
        list_drop(c, k, end, n);
    }
}

static void lpop_run(struct cmd_ctx *c)
{
    pop(c, LIST_HEAD);
}

static void rpop_run(struct cmd_ctx *c)
{
    pop(c, LIST_TAIL);
}

/* ---- reading ---- */

/* False: a wrong type was replied. NULL: no such key. */
static bool read_list(struct cmd_ctx *c, const struct entry **e)
{
    *e = ctx_read(c, &c->keys[0]);
    return ctx_check_type(c, *e, TYPE_LIST);
}

static void llen_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (read_list(c, &e)) {
        reply_int(c->reply, e == NULL ? 0 : (int64_t)value_count(e));
    }
}

static void lindex_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct list_at at;
    char scratch[LIST_SCRATCH_BYTES];
    int64_t index;
    if (!read_list(c, &e)) {
        return;
    }
    if (e == NULL) {
        reply_null(c->reply);
        return;
    }
    if (!ctx_arg_int(c, 2, &index)) {
        return;
    }
    if (list_seek(e, index, &at)) {
        reply_bulk(c->reply, list_text(&at, scratch));
    } else {
        reply_null(c->reply);
    }
}

/* What [start, end] means in a list of `count`; false: nothing. */
static bool clip(int64_t *start, int64_t *end, int64_t count)
{
    *start = *start < 0 ? *start + count : *start;
    *end = *end < 0 ? *end + count : *end;
    *start = *start < 0 ? 0 : *start;
    *end = *end >= count ? count - 1 : *end;
    return *start <= *end && *start < count;
}

static void lrange_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct list_at at;
    char scratch[LIST_SCRATCH_BYTES];
    int64_t start, end;
    if (!ctx_arg_int(c, 2, &start) || !ctx_arg_int(c, 3, &end)
        || !read_list(c, &e)) {
        return;
    }
    if (e == NULL || !clip(&start, &end, (int64_t)value_count(e))) {
        reply_array(c->reply, 0);
        return;
    }
    bool more = list_seek(e, start, &at);
    reply_array(c->reply, end - start + 1);
    for (int64_t i = start; more && i <= end; i++) {
        reply_bulk(c->reply, list_text(&at, scratch));
        more = list_step(&at, LIST_TAIL);
    }
}

/* ---- LPOS ---- */

struct lpos {
    int64_t rank, count, max_len;
    bool has_count;
};

static bool parse_lpos(struct cmd_ctx *c, struct lpos *o)
{
    *o = (struct lpos){.rank = 1, .count = 1};
    for (uint32_t i = 3; i < c->argc; i += 2) {
        bool has_value = i + 1 < c->argc;
        if (has_value && ctx_arg_is(c, i, "rank")) {
            if (!ctx_arg_int_in(c, i + 1, -INT64_MAX, INT64_MAX, &o->rank)) {
                return false;
            }
            if (o->rank == 0) {
                reply_error(c->reply,
                            "ERR RANK can't be zero: use 1 to start from the "
                            "first match, 2 from the second ... or use "
                            "negative to start from the end of the list");
                return false;
            }
        } else if (has_value && ctx_arg_is(c, i, "count")) {
            if (!number_parse_int64(c->argv[i + 1], &o->count)
                || o->count < 0) {
                reply_error(c->reply, "ERR COUNT can't be negative");
                return false;
            }
            o->has_count = true;
        } else if (has_value && ctx_arg_is(c, i, "maxlen")) {
            if (!number_parse_int64(c->argv[i + 1], &o->max_len)
                || o->max_len < 0) {
                reply_error(c->reply, "ERR MAXLEN can't be negative");
                return false;
            }
        } else {
            ctx_error_syntax(c);
            return false;
        }
    }
    return true;
}

/* Replies the indexes it finds; how many. */
static int64_t find_all(struct cmd_ctx *c, const struct entry *e,
                        const struct lpos *o)
{
    enum list_end towards = o->rank > 0 ? LIST_TAIL : LIST_HEAD;
    uint64_t skip = (uint64_t)(o->rank > 0 ? o->rank : -o->rank) - 1;
    uint64_t have = value_count(e);
    int64_t found = 0;
    struct list_at at;
    bool more = list_seek(e, o->rank > 0 ? 0 : -1, &at);
    uint64_t max = o->max_len > 0 ? (uint64_t)o->max_len : have;
    while (more && list_find(&at, c->argv[2], towards, max)) {
        uint64_t seen = towards == LIST_TAIL ? at.index : have - 1 - at.index;
        if (o->max_len > 0 && seen >= (uint64_t)o->max_len) {
            break;
        }
        if (skip > 0) {
            skip--;
        } else {
            reply_int(c->reply, (int64_t)at.index);
            found++;
        }
        if (o->count > 0 && found == o->count) {
            break;
        }
        more = list_step(&at, towards);
    }
    return found;
}

static void lpos_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct lpos o;
    struct reply_deferred d;
    if (!parse_lpos(c, &o) || !read_list(c, &e)) {
        return;
    }
    if (!o.has_count) {
        if (e == NULL || find_all(c, e, &o) == 0) {
            reply_null(c->reply);
        }
        return;
    }
    reply_deferred_begin(c->reply, &d);
    reply_deferred_array(c->reply, &d, e == NULL ? 0 : find_all(c, e, &o));
}

/* ---- changing in the middle ---- */

static void lset_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct keyspace_edit edit;
    struct list_at at;
    int64_t index;
    const struct entry *e = ctx_read(c, k);
    if (e == NULL) {
        reply_error(c->reply, "ERR no such key");
        return;
    }
    if (!ctx_check_type(c, e, TYPE_LIST) || !ctx_arg_int(c, 2, &index)
        || !ctx_edit_open(c, k, TYPE_LIST, false, &edit)) {
        return;
    }
    bool found = list_seek(edit.entry, index, &at);
    enum status st = ST_OK;
    if (found) {
        st = list_replace(edit.memory, ctx_limits(c), &edit.entry, &at,
                          c->argv[3]);
    }
    ctx_edit_close(c, k, &edit);
    if (!found) {
        reply_error(c->reply, "ERR index out of range");
    } else if (st != ST_OK) {
        ctx_error_status(c, st);
    } else {
        ctx_changed(c, k, EVENT_LIST, "lset");
        reply_ok(c->reply);
    }
}

static void linsert_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct keyspace_edit edit;
    struct list_at at;
    bool is_after = ctx_arg_is(c, 2, "after");
    if (!is_after && !ctx_arg_is(c, 2, "before")) {
        ctx_error_syntax(c);
        return;
    }
    if (!ctx_edit_open(c, k, TYPE_LIST, false, &edit)) {
        return;
    }
    if (edit.entry == NULL) {
        reply_int(c->reply, 0);
        return;
    }
    enum status st = ST_OK;
    bool found = list_seek(edit.entry, 0, &at)
                 && list_find(&at, c->argv[3], LIST_TAIL, UINT64_MAX);
    if (found) {
        st = list_insert(edit.memory, ctx_limits(c), &edit.entry, &at, is_after,
                         c->argv[4]);
    }
    int64_t count = (int64_t)value_count(edit.entry);
    ctx_edit_close(c, k, &edit);
    if (!found) {
        reply_int(c->reply, -1);
    } else if (st != ST_OK) {
        ctx_error_status(c, st);
    } else {
        ctx_changed(c, k, EVENT_LIST, "linsert");
        reply_int(c->reply, count);
    }
}

static void ltrim_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct keyspace_edit edit;
    int64_t start, end;
    if (!ctx_arg_int(c, 2, &start) || !ctx_arg_int(c, 3, &end)
        || !ctx_edit_open(c, k, TYPE_LIST, false, &edit)) {
        return;
    }
    if (edit.entry == NULL) {
        reply_ok(c->reply);
        return;
    }
    const struct value_limits *l = ctx_limits(c);
    int64_t count = (int64_t)value_count(edit.entry);
    struct value *removed[2] = {NULL, NULL};
    if (!clip(&start, &end, count)) {
        list_delete(edit.memory, l, &edit.entry, 0, (uint64_t)count,
                    &removed[0]);
    } else {
        list_delete(edit.memory, l, &edit.entry, (uint64_t)end + 1,
                    (uint64_t)(count - end - 1), &removed[0]);
        list_delete(edit.memory, l, &edit.entry, 0, (uint64_t)start,
                    &removed[1]);
    }
    for (int i = 0; i < 2; i++) {
        if (removed[i] != NULL) {
            keyspace_edit_discard(&edit, removed[i]);
        }
    }
    ctx_changed(c, k, EVENT_LIST, "ltrim");
    ctx_edit_close(c, k, &edit);
    reply_ok(c->reply);
}

static void lrem_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct keyspace_edit edit;
    int64_t count;
    if (!ctx_arg_int_in(c, 2, -INT64_MAX, INT64_MAX, &count)
        || !ctx_edit_open(c, k, TYPE_LIST, false, &edit)) {
        return;
    }
    if (edit.entry == NULL) {
        reply_int(c->reply, 0);
        return;
    }
    uint64_t max = (uint64_t)(count < 0 ? -count : count);
    max = count == 0 ? UINT64_MAX : max;
    uint64_t n;
    enum status st = list_remove_equal(edit.memory, ctx_limits(c), &edit.entry,
                                       c->argv[3], max,
                                       count < 0 ? LIST_HEAD : LIST_TAIL, &n);
    if (n > 0) {
        ctx_changed(c, k, EVENT_LIST, "lrem");
    }
    ctx_edit_close(c, k, &edit);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    reply_int(c->reply, (int64_t)n);
}

enum {
    ADDS = CMD_WRITE | CMD_DENYOOM,
    BLOCKS = CMD_BLOCKING,
};

#define ROW(word, args, bits, where, fn) \
    {.name = word, .arity = args, .flags = bits, .categories = CAT_LIST, \
     .keys = where, .run = fn}
#define ONE KEYS_AT(1)
#define TWO KEYS_RANGE(1, 2, 1)

const struct cmd_spec list_cmds[] = {
    ROW("blmove", 6, ADDS | BLOCKS, TWO, list_blmove_run),
    ROW("blmpop", -5, CMD_WRITE | BLOCKS, KEYS_COUNTED(2, 1), list_blmpop_run),
    ROW("blpop", -3, CMD_WRITE | BLOCKS, KEYS_RANGE(1, -2, 1), list_blpop_run),
    ROW("brpop", -3, CMD_WRITE | BLOCKS, KEYS_RANGE(1, -2, 1), list_brpop_run),
    ROW("brpoplpush", 4, ADDS | BLOCKS, TWO, list_brpoplpush_run),
    ROW("lindex", 3, CMD_READONLY, ONE, lindex_run),
    ROW("linsert", 5, ADDS, ONE, linsert_run),
    ROW("llen", 2, CMD_READONLY | CMD_FAST, ONE, llen_run),
    ROW("lmove", 5, ADDS, TWO, list_lmove_run),
    ROW("lmpop", -4, CMD_WRITE, KEYS_COUNTED(1, 1), list_lmpop_run),
    ROW("lpop", -2, CMD_WRITE | CMD_FAST, ONE, lpop_run),
    ROW("lpos", -3, CMD_READONLY, ONE, lpos_run),
    ROW("lpush", -3, ADDS | CMD_FAST, ONE, lpush_run),
    ROW("lpushx", -3, ADDS | CMD_FAST, ONE, lpushx_run),
    ROW("lrange", 4, CMD_READONLY, ONE, lrange_run),
    ROW("lrem", 4, CMD_WRITE, ONE, lrem_run),
    ROW("lset", 4, ADDS, ONE, lset_run),
    ROW("ltrim", 4, CMD_WRITE, ONE, ltrim_run),
    ROW("rpop", -2, CMD_WRITE | CMD_FAST, ONE, rpop_run),
    ROW("rpoplpush", 3, ADDS, TWO, list_rpoplpush_run),
    ROW("rpush", -3, ADDS | CMD_FAST, ONE, rpush_run),
    ROW("rpushx", -3, ADDS | CMD_FAST, ONE, rpushx_run),
    {.name = NULL},
};
