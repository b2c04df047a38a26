/* list_move: elements from one list to another, from the first of several lists
 * that has any, and waiting until there are some. */
#include "base/number.h"
#include "commands/list_priv.h"

bool list_arg_end(struct cmd_ctx *c, uint32_t i, enum list_end *end)
{
    if (ctx_arg_is(c, i, "left")) {
        *end = LIST_HEAD;
    } else if (ctx_arg_is(c, i, "right")) {
        *end = LIST_TAIL;
    } else {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

void list_propagate_pop(struct cmd_ctx *c, const struct key *k,
                        enum list_end end, uint64_t count)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    struct slice argv[3] = {
        end == LIST_HEAD ? SLICE_LIT("LPOP") : SLICE_LIT("RPOP"), k->name,
        slice_of(text, number_format_uint64(text, count)),
    };
    ctx_propagate(c, count == 1 ? 2 : 3, argv);
}

/* ---- LMOVE and its kin ---- */

/* A copy that outlives the list it is in; false: replied. */
static bool copy_end(struct cmd_ctx *c, const struct entry *e,
                     enum list_end end, struct slice *out)
{
    char scratch[LIST_SCRATCH_BYTES];
    struct slice text = list_end_text(e, end, scratch);
    uint8_t *bytes = ctx_scratch(c, text.len + 1);
    if (bytes == NULL) {
        return false;
    }
    if (text.len > 0) {
        memcpy(bytes, text.data, text.len);
    }
    *out = slice_of(bytes, text.len);
    return true;
}

/* The element goes where it is to go before it leaves where it was, since only
 * the first can fail; in a list that is turned round, the other way about. */
static enum status put(struct cmd_ctx *c, const struct key *to,
                       enum list_end end, struct slice item)
{
    struct keyspace_edit edit;
    if (!ctx_edit_open(c, to, TYPE_LIST, true, &edit)) {
        return ST_INVALID; /* replied */
    }
    enum status st = list_push(edit.memory, ctx_limits(c), &edit.entry, end,
                               &item, 1);
    ctx_edit_close(c, to, &edit);
    if (st != ST_OK) {
        ctx_error_status(c, st);
    }
    return st;
}

/* Removes the element that was at the end `from` before one was pushed to the
 * end `pushed` of the same list. */
static void leave_turned(struct cmd_ctx *c, const struct key *k,
                         enum list_end from, enum list_end pushed)
{
    struct keyspace_edit edit;
    struct value *removed;
    if (!ctx_edit_open(c, k, TYPE_LIST, false, &edit)) {
        return;
    }
    uint64_t have = value_count(edit.entry);
    uint64_t index = from == LIST_HEAD ? (pushed == LIST_HEAD ? 1 : 0)
                                       : have - (pushed == LIST_TAIL ? 2 : 1);
    list_delete(edit.memory, ctx_limits(c), &edit.entry, index, 1, &removed);
    assert(removed == NULL);
    ctx_changed(c, k, EVENT_LIST, from == LIST_HEAD ? "lpop" : "rpop");
    ctx_edit_close(c, k, &edit);
}

static void propagate_move(struct cmd_ctx *c, enum list_end from,
                           enum list_end to)
{
    struct slice argv[5] = {
        SLICE_LIT("LMOVE"), c->keys[0].name, c->keys[1].name,
        from == LIST_HEAD ? SLICE_LIT("LEFT") : SLICE_LIT("RIGHT"),
        to == LIST_HEAD ? SLICE_LIT("LEFT") : SLICE_LIT("RIGHT"),
    };
    ctx_propagate(c, 5, argv);
}

/* The source has an element; false: replied an error. */
static bool move_one(struct cmd_ctx *c, const struct entry *e,
                     enum list_end from, enum list_end to)
{
    const struct key *src = &c->keys[0], *dst = &c->keys[1];
    struct slice item;
    if (!ctx_check_type(c, ctx_peek(c, dst), TYPE_LIST)
        || !copy_end(c, e, from, &item) || put(c, dst, to, item) != ST_OK) {
        return false;
    }
    ctx_changed(c, dst, EVENT_LIST, to == LIST_HEAD ? "lpush" : "rpush");
    if (slice_equal(src->name, dst->name)) {
        leave_turned(c, src, from, to);
    } else {
        list_drop(c, src, from, 1);
    }
    c->changes = 1; /* as the field counts: one element has moved */
    reply_bulk(c->reply, item);
    return true;
}

/* The list at the first key; false: replied. NULL: no such key. */
static bool source(struct cmd_ctx *c, const struct entry **e)
{
    *e = ctx_read(c, &c->keys[0]);
    return ctx_check_type(c, *e, TYPE_LIST);
}

static void move(struct cmd_ctx *c, enum list_end from, enum list_end to)
{
    const struct entry *e;
    if (!source(c, &e)) {
        return;
    }
    if (e == NULL) {
        reply_null(c->reply);
        return;
    }
    (void)move_one(c, e, from, to);
}

void list_lmove_run(struct cmd_ctx *c)
{
    enum list_end from, to;
    if (list_arg_end(c, 3, &from) && list_arg_end(c, 4, &to)) {
        move(c, from, to);
    }
}

void list_rpoplpush_run(struct cmd_ctx *c)
{
    move(c, LIST_TAIL, LIST_HEAD);
}

static void move_or_wait(struct cmd_ctx *c, enum list_end from,
                         enum list_end to, uint32_t timeout_at)
{
    const struct entry *e;
    int64_t deadline_ms;
    if (!ctx_arg_timeout(c, timeout_at, &deadline_ms) || !source(c, &e)) {
        return;
    }
    if (e != NULL) {
        if (move_one(c, e, from, to)) {
            propagate_move(c, from, to);
        }
        return;
    }
    if (!ctx_block(c, TYPE_LIST, 1, deadline_ms)) {
        reply_null(c->reply);
    }
}

void list_blmove_run(struct cmd_ctx *c)
{
    enum list_end from, to;
    if (list_arg_end(c, 3, &from) && list_arg_end(c, 4, &to)) {
        move_or_wait(c, from, to, 5);
    }
}

void list_brpoplpush_run(struct cmd_ctx *c)
{
    move_or_wait(c, LIST_TAIL, LIST_HEAD, 3);
}

/* ---- BLPOP, BRPOP ---- */

static void pop_or_wait(struct cmd_ctx *c, enum list_end end)
{
    int64_t deadline_ms;
    if (!ctx_arg_timeout(c, c->argc - 1, &deadline_ms)) {
        return;
    }
    for (uint32_t i = 0; i < c->key_count; i++) {
        const struct key *k = &c->keys[i];
        const struct entry *e = ctx_read(c, k);
        char scratch[LIST_SCRATCH_BYTES];
        if (!ctx_check_type(c, e, TYPE_LIST)) {
            return;
        }
        if (e == NULL) {
            continue;
        }
        reply_array(c->reply, 2);
        reply_bulk(c->reply, k->name);
        reply_bulk(c->reply, list_end_text(e, end, scratch));
        list_drop(c, k, end, 1);
        list_propagate_pop(c, k, end, 1);
        return;
    }
    if (!ctx_block(c, TYPE_LIST, c->key_count, deadline_ms)) {
        reply_null_array(c->reply);
    }
}

void list_blpop_run(struct cmd_ctx *c)
{
    pop_or_wait(c, LIST_HEAD);
}

void list_brpop_run(struct cmd_ctx *c)
{
    pop_or_wait(c, LIST_TAIL);
}

/* ---- LMPOP, BLMPOP ---- */

struct mpop {
    enum list_end end;
    int64_t count;
};

/* `numkeys_at`: the number of keys; behind them LEFT|RIGHT [COUNT n]. */
static bool parse_mpop(struct cmd_ctx *c, uint32_t numkeys_at, struct mpop *o)
{
    int64_t numkeys;
    *o = (struct mpop){.count = 1};
    if (!number_parse_int64(c->argv[numkeys_at], &numkeys) || numkeys < 1) {
        reply_error(c->reply, "ERR numkeys should be greater than 0");
        return false;
    }
    uint64_t where = numkeys_at + (uint64_t)numkeys + 1;
    if (numkeys > INT32_MAX || where >= c->argc) {
        ctx_error_syntax(c);
        return false;
    }
    uint32_t i = (uint32_t)where;
    if (!list_arg_end(c, i, &o->end)) {
        return false;
    }
    if (i + 1 == c->argc) {
        return true;
    }
    if (i + 2 == c->argc || !ctx_arg_is(c, i + 1, "count")) {
        ctx_error_syntax(c);
        return false;
    }
    if (!number_parse_int64(c->argv[i + 2], &o->count) || o->count < 1) {
        reply_error(c->reply, "ERR count should be greater than 0");
        return false;
    }
    if (i + 3 < c->argc) {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

/* True: replied, be it an error. */
static bool mpop(struct cmd_ctx *c, const struct mpop *o)
{
    for (uint32_t i = 0; i < c->key_count; i++) {
        const struct key *k = &c->keys[i];
        const struct entry *e = ctx_read(c, k);
        if (!ctx_check_type(c, e, TYPE_LIST)) {
            return true;
        }
        if (e == NULL) {
            continue;
        }
        uint64_t have = value_count(e);
        uint64_t n = (uint64_t)o->count < have ? (uint64_t)o->count : have;
        reply_array(c->reply, 2);
        reply_bulk(c->reply, k->name);
        list_reply_end(c, e, o->end, n);
        list_drop(c, k, o->end, n);
        list_propagate_pop(c, k, o->end, n);
        return true;
    }
    return false;
}

void list_lmpop_run(struct cmd_ctx *c)
{
    struct mpop o;
    if (parse_mpop(c, 1, &o) && !mpop(c, &o)) {
        reply_null_array(c->reply);
    }
}

void list_blmpop_run(struct cmd_ctx *c)
{
    struct mpop o;
    int64_t deadline_ms;
    if (!parse_mpop(c, 2, &o) || !ctx_arg_timeout(c, 1, &deadline_ms)
        || mpop(c, &o)) {
        return;
    }
    if (!ctx_block(c, TYPE_LIST, c->key_count, deadline_ms)) {
        reply_null_array(c->reply);
    }
}
