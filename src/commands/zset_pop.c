/* zset_pop: taking the least or the greatest, also where one has to wait for
 * them. What is told to replicas is ZPOPMIN or ZPOPMAX of what was taken. */
#include "base/number.h"
#include "commands/zset_priv.h"

enum end { LEAST, GREATEST };

/* How the elements are replied. */
enum pop_form {
    FORM_FLAT,    /* member, score */
    FORM_PAIRS,   /* as WITHSCORES */
    FORM_KEYED,   /* key, member, score */
    FORM_NESTED,  /* key, array of arrays */
};

static const char *event_of(enum end end)
{
    return end == LEAST ? "zpopmin" : "zpopmax";
}

static bool write_nested(void *reply, struct slice member, double score)
{
    reply_array(reply, 2);
    reply_bulk(reply, member);
    reply_double(reply, score);
    return true;
}

static bool write_flat(void *reply, struct slice member, double score)
{
    reply_bulk(reply, member);
    reply_double(reply, score);
    return true;
}

/* Replies `count` elements and takes them from the set that is open, which is
 * closed. */
static void pop(struct cmd_ctx *c, const struct key *k,
                struct keyspace_edit *edit, enum end end, size_t count,
                enum pop_form form)
{
    struct zset_writer w = {c->reply, true};
    size_t have = value_count(edit->entry);
    bool is_downward = end == GREATEST;
    size_t first = is_downward ? have - 1 : 0;
    zset_visit_fn *write = write_flat;
    void *self = c->reply;
    assert(count <= have);
    switch (form) {
    case FORM_FLAT:
        reply_array(c->reply, 2);
        break;
    case FORM_PAIRS:
        zset_write_count(&w, count);
        write = zset_write_element;
        self = &w;
        break;
    case FORM_KEYED:
        reply_array(c->reply, 3);
        reply_bulk(c->reply, k->name);
        break;
    case FORM_NESTED:
        reply_array(c->reply, 2);
        reply_bulk(c->reply, k->name);
        reply_array(c->reply, (int64_t)count);
        write = write_nested;
        break;
    }
    zset_visit(edit->entry, first, count, is_downward, write, self);
    zset_cut_out(c, k, edit, is_downward ? have - count : 0, count,
                 event_of(end));
}

static size_t at_most(uint64_t count, const struct keyspace_edit *edit)
{
    size_t have = value_count(edit->entry);
    return count < have ? (size_t)count : have;
}

/* ---- ZPOPMIN, ZPOPMAX ---- */

static void pop_from_one(struct cmd_ctx *c, enum end end)
{
    struct keyspace_edit edit;
    int64_t count = 1;
    if (c->argc > 3) {
        ctx_error_syntax(c);
        return;
    }
    bool has_count = c->argc == 3;
    if (has_count && (!number_parse_int64(c->argv[2], &count) || count < 0)) {
        reply_error(c->reply, "ERR value is out of range, must be positive");
        return;
    }
    if (!ctx_edit_open(c, &c->keys[0], TYPE_ZSET, false, &edit)) {
        return;
    }
    if (edit.entry == NULL || count == 0) {
        ctx_edit_close(c, &c->keys[0], &edit);
        reply_array(c->reply, 0);
        return;
    }
    pop(c, &c->keys[0], &edit, end, at_most((uint64_t)count, &edit),
        has_count ? FORM_PAIRS : FORM_FLAT);
}

void zset_zpopmin_run(struct cmd_ctx *c)
{
    pop_from_one(c, LEAST);
}

void zset_zpopmax_run(struct cmd_ctx *c)
{
    pop_from_one(c, GREATEST);
}

/* ---- from the first that has any ---- */

static void propagate_pop(struct cmd_ctx *c, const struct key *k, enum end end,
                          size_t count, bool has_count)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    struct slice argv[3] = {end == LEAST ? SLICE_LIT("ZPOPMIN")
                                         : SLICE_LIT("ZPOPMAX"),
                            k->name};
    argv[2] = slice_of(text, number_format_uint64(text, count));
    ctx_propagate(c, has_count ? 3 : 2, argv);
}

/* False: there was none, and nothing has been replied. */
static bool pop_from_first(struct cmd_ctx *c, enum end end, uint64_t count,
                           enum pop_form form)
{
    for (uint32_t i = 0; i < c->key_count; i++) {
        struct keyspace_edit edit;
        const struct key *k = &c->keys[i];
        if (!ctx_edit_open(c, k, TYPE_ZSET, false, &edit)) {
            return true;
        }
        if (edit.entry != NULL) {
            size_t n = at_most(count, &edit);
            propagate_pop(c, k, end, n, form == FORM_NESTED);
            pop(c, k, &edit, end, n, form);
            return true;
        }
    }
    return false;
}

static void wait_for_any(struct cmd_ctx *c, int64_t deadline_ms)
{
    if (!ctx_block(c, TYPE_ZSET, c->key_count, deadline_ms)) {
        reply_null_array(c->reply);
    }
}

static void pop_or_wait(struct cmd_ctx *c, enum end end)
{
    int64_t deadline_ms;
    if (ctx_arg_timeout(c, c->argc - 1, &deadline_ms)
        && !pop_from_first(c, end, 1, FORM_KEYED)) {
        wait_for_any(c, deadline_ms);
    }
}

void zset_bzpopmin_run(struct cmd_ctx *c)
{
    pop_or_wait(c, LEAST);
}

void zset_bzpopmax_run(struct cmd_ctx *c)
{
    pop_or_wait(c, GREATEST);
}

/* ---- ZMPOP, BZMPOP ---- */

/* numkeys key [key ...] MIN|MAX [COUNT count], from argv[at] on. */
static bool parse_mpop(struct cmd_ctx *c, uint32_t at, enum end *end,
                       int64_t *count)
{
    int64_t numkeys;
    if (!number_parse_int64(c->argv[at], &numkeys) || numkeys < 1) {
        reply_error(c->reply, "ERR numkeys should be greater than 0");
        return false;
    }
    if (numkeys >= (int64_t)(c->argc - at - 1)) {
        ctx_error_syntax(c);
        return false;
    }
    uint32_t i = at + 1 + (uint32_t)numkeys;
    if (!ctx_arg_is(c, i, "min") && !ctx_arg_is(c, i, "max")) {
        ctx_error_syntax(c);
        return false;
    }
    *end = ctx_arg_is(c, i, "min") ? LEAST : GREATEST;
    *count = 1;
    i++;
    if (i == c->argc) {
        return true;
    }
    if (!ctx_arg_is(c, i, "count") || i + 1 == c->argc) {
        ctx_error_syntax(c);
        return false;
    }
    if (!number_parse_int64(c->argv[i + 1], count) || *count < 1) {
        reply_error(c->reply, "ERR count should be greater than 0");
        return false;
    }
    if (i + 2 < c->argc) {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

void zset_zmpop_run(struct cmd_ctx *c)
{
    enum end end;
    int64_t count;
    if (parse_mpop(c, 1, &end, &count)
        && !pop_from_first(c, end, (uint64_t)count, FORM_NESTED)) {
        reply_null_array(c->reply);
    }
}

void zset_bzmpop_run(struct cmd_ctx *c)
{
    enum end end;
    int64_t count, deadline_ms;
    if (parse_mpop(c, 2, &end, &count) && ctx_arg_timeout(c, 1, &deadline_ms)
        && !pop_from_first(c, end, (uint64_t)count, FORM_NESTED)) {
        wait_for_any(c, deadline_ms);
    }
}
