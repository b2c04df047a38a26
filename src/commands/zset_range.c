/* zset_range: ranges of sorted sets by rank, score or name, to be replied,
 * stored, counted or removed.
 *
 * A range is read from the arguments first, then turned into ranks: each end of
 * a range of scores or names is a cut (ranking.h), and the cut has a rank. What
 * is done with it needs no more than ranks. */
#include <math.h>

#include "base/number.h"
#include "commands/zset_priv.h"

enum range_kind { BY_RANK, BY_SCORE, BY_LEX };

/* What the arguments ask for. */
struct range {
    enum range_kind kind;
    bool is_downward, with_scores;
    int64_t start, stop;          /* BY_RANK */
    struct ranking_cut low, high; /* else; BY_LEX without their scores */
    int64_t offset, limit;        /* < 0: all */
};

/* The same as ranks. */
struct span {
    size_t first, count; /* downward: first is the highest */
};

/* ---- reading the ends ---- */

static bool parse_score_end(struct slice text, bool is_low,
                            struct ranking_cut *cut)
{
    bool is_open = text.len > 0 && text.data[0] == '(';
    if (is_open) {
        text = slice_of(text.data + 1, text.len - 1);
    }
    cut->side = is_open == is_low ? CUT_AFTER_SCORE : CUT_BEFORE_SCORE;
    bool in_range; /* what is beyond all doubles is as good as infinite */
    return number_parse_loosely(text, &cut->score, &in_range);
}

/* "-" and "+" lie beyond all scores. */
static bool parse_lex_end(struct slice text, bool is_low,
                          struct ranking_cut *cut)
{
    if (text.len == 1 && (text.data[0] == '-' || text.data[0] == '+')) {
        bool is_last = text.data[0] == '+';
        cut->score = is_last ? INFINITY : -INFINITY;
        cut->side = is_last ? CUT_AFTER_SCORE : CUT_BEFORE_SCORE;
        return true;
    }
    if (text.len == 0 || (text.data[0] != '(' && text.data[0] != '[')) {
        return false;
    }
    bool is_open = text.data[0] == '(';
    cut->member = slice_of(text.data + 1, text.len - 1);
    cut->side = is_open == is_low ? CUT_AFTER_MEMBER : CUT_BEFORE_MEMBER;
    return true;
}

/* Reads the ends at argv[at] and behind it; the higher first if downward. */
static bool parse_ends(struct cmd_ctx *c, uint32_t at, struct range *r)
{
    bool is_swapped = r->is_downward && r->kind != BY_RANK;
    struct slice low = c->argv[is_swapped ? at + 1 : at];
    struct slice high = c->argv[is_swapped ? at : at + 1];
    r->low = r->high = (struct ranking_cut){0};
    if (r->kind == BY_RANK) {
        return ctx_arg_int(c, at, &r->start)
               && ctx_arg_int(c, at + 1, &r->stop);
    }
    if (r->kind == BY_SCORE) {
        if (parse_score_end(low, true, &r->low)
            && parse_score_end(high, false, &r->high)) {
            return true;
        }
        reply_error(c->reply, "ERR min or max is not a float");
        return false;
    }
    if (parse_lex_end(low, true, &r->low)
        && parse_lex_end(high, false, &r->high)) {
        return true;
    }
    reply_error(c->reply, "ERR min or max not valid string range item");
    return false;
}

/* ---- reading the options ---- */

/* Which options a command of this family knows. */
enum option {
    OPTION_KIND = 1 << 0, /* BYSCORE, BYLEX, REV */
    OPTION_SCORES = 1 << 1,
};

static bool parse_option(struct cmd_ctx *c, uint32_t *i, unsigned allowed,
                         struct range *r)
{
    bool is_free = (allowed & OPTION_KIND) != 0;
    if ((allowed & OPTION_SCORES) && ctx_arg_is(c, *i, "withscores")) {
        r->with_scores = true;
    } else if (c->argc - *i > 2 && ctx_arg_is(c, *i, "limit")) {
        if (!ctx_arg_int(c, *i + 1, &r->offset)
            || !ctx_arg_int(c, *i + 2, &r->limit)) {
            return false;
        }
        *i += 2;
    } else if (is_free && !r->is_downward && ctx_arg_is(c, *i, "rev")) {
        r->is_downward = true;
    } else if (is_free && r->kind == BY_RANK && ctx_arg_is(c, *i, "bylex")) {
        r->kind = BY_LEX;
    } else if (is_free && r->kind == BY_RANK && ctx_arg_is(c, *i, "byscore")) {
        r->kind = BY_SCORE;
    } else {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

/* The ends at argv[at] and the options behind them; kind and direction are the
 * command's own, where it has no options for these. */
static bool parse_range(struct cmd_ctx *c, uint32_t at, unsigned allowed,
                        struct range *r)
{
    r->limit = -1;
    for (uint32_t i = at + 2; i < c->argc; i++) {
        if (!parse_option(c, &i, allowed, r)) {
            return false;
        }
    }
    if (r->limit != -1 && r->kind == BY_RANK) {
        reply_error(c->reply, "ERR syntax error, LIMIT is only supported in "
                              "combination with either BYSCORE or BYLEX");
        return false;
    }
    if (r->with_scores && r->kind == BY_LEX) {
        reply_error(c->reply, "ERR syntax error, WITHSCORES not supported in "
                              "combination with BYLEX");
        return false;
    }
    return parse_ends(c, at, r);
}

/* ---- ranks ---- */

/* Sets *low and *high to the ranks of the two ends; empty: false. */
static bool resolve_ends(const struct entry *e, const struct range *r,
                         size_t *low, size_t *high)
{
    if (r->kind == BY_LEX) {
        zset_find_names(e, &r->low, &r->high, r->is_downward, low, high);
    } else {
        *low = zset_count_before(e, &r->low);
        *high = zset_count_before(e, &r->high);
    }
    return *low < *high;
}

static struct span resolve_ranks(const struct entry *e, const struct range *r)
{
    int64_t count = (int64_t)value_count(e);
    int64_t start = r->start < 0 ? r->start + count : r->start;
    int64_t stop = r->stop < 0 ? r->stop + count : r->stop;
    start = start < 0 ? 0 : start;
    stop = stop >= count ? count - 1 : stop;
    if (start > stop) {
        return (struct span){0, 0};
    }
    return (struct span){
        (size_t)(r->is_downward ? count - 1 - start : start),
        (size_t)(stop - start + 1),
    };
}

static struct span resolve(const struct entry *e, const struct range *r)
{
    if (r->kind == BY_RANK) {
        return resolve_ranks(e, r);
    }
    size_t low, high;
    if (!resolve_ends(e, r, &low, &high) || r->offset < 0
        || (size_t)r->offset >= high - low) {
        return (struct span){0, 0};
    }
    size_t offset = (size_t)r->offset, count = high - low - offset;
    if (r->limit >= 0 && (size_t)r->limit < count) {
        count = (size_t)r->limit;
    }
    return (struct span){
        r->is_downward ? high - 1 - offset : low + offset, count,
    };
}

/* ---- replying ---- */

static void reply_range(struct cmd_ctx *c, unsigned allowed, struct range r)
{
    const struct entry *e;
    if (!parse_range(c, 2, allowed, &r) || !zset_read(c, &e)) {
        return;
    }
    struct span s = {0, 0};
    struct zset_writer w = {c->reply, r.with_scores};
    if (e != NULL) {
        s = resolve(e, &r);
    }
    zset_write_count(&w, s.count);
    if (s.count > 0) {
        zset_visit(e, s.first, s.count, r.is_downward, zset_write_element, &w);
    }
}

void zset_zrange_run(struct cmd_ctx *c)
{
    reply_range(c, OPTION_KIND | OPTION_SCORES, (struct range){.kind = BY_RANK});
}

void zset_zrangebyscore_run(struct cmd_ctx *c)
{
    reply_range(c, OPTION_SCORES, (struct range){.kind = BY_SCORE});
}

void zset_zrangebylex_run(struct cmd_ctx *c)
{
    reply_range(c, OPTION_SCORES, (struct range){.kind = BY_LEX});
}

void zset_zrevrange_run(struct cmd_ctx *c)
{
    reply_range(c, OPTION_SCORES,
                (struct range){.kind = BY_RANK, .is_downward = true});
}

void zset_zrevrangebyscore_run(struct cmd_ctx *c)
{
    reply_range(c, OPTION_SCORES,
                (struct range){.kind = BY_SCORE, .is_downward = true});
}

void zset_zrevrangebylex_run(struct cmd_ctx *c)
{
    reply_range(c, OPTION_SCORES,
                (struct range){.kind = BY_LEX, .is_downward = true});
}

/* ---- counting ---- */

static void reply_count(struct cmd_ctx *c, struct range r)
{
    const struct entry *e;
    if (parse_range(c, 2, 0, &r) && zset_read(c, &e)) {
        reply_int(c->reply, e == NULL ? 0 : (int64_t)resolve(e, &r).count);
    }
}

void zset_zcount_run(struct cmd_ctx *c)
{
    reply_count(c, (struct range){.kind = BY_SCORE});
}

void zset_zlexcount_run(struct cmd_ctx *c)
{
    reply_count(c, (struct range){.kind = BY_LEX});
}

/* ---- removing ---- */

static void remove_range(struct cmd_ctx *c, const char *event, struct range r)
{
    struct keyspace_edit edit;
    struct span s = {0, 0};
    if (!parse_range(c, 2, 0, &r)
        || !ctx_edit_open(c, &c->keys[0], TYPE_ZSET, false, &edit)) {
        return;
    }
    if (edit.entry != NULL) {
        s = resolve(edit.entry, &r);
    }
    if (s.count > 0) {
        zset_cut_out(c, &c->keys[0], &edit, s.first, s.count, event);
    } else {
        ctx_edit_close(c, &c->keys[0], &edit);
    }
    reply_int(c->reply, (int64_t)s.count);
}

void zset_zremrangebyrank_run(struct cmd_ctx *c)
{
    remove_range(c, "zremrangebyrank", (struct range){.kind = BY_RANK});
}

void zset_zremrangebyscore_run(struct cmd_ctx *c)
{
    remove_range(c, "zremrangebyscore", (struct range){.kind = BY_SCORE});
}

void zset_zremrangebylex_run(struct cmd_ctx *c)
{
    remove_range(c, "zremrangebylex", (struct range){.kind = BY_LEX});
}

/* ---- storing ---- */

struct copier {
    const struct entry_memory *m;
    const struct value_limits *limits;
    struct entry *made;
    enum status st;
};

static bool copy_element(void *self, struct slice member, double score)
{
    struct copier *to = self;
    struct zset_at at;
    zset_find(to->made, member, &at);
    to->st = zset_put(to->m, to->limits, &to->made, member, score, &at);
    return to->st == ST_OK;
}

void zset_zrangestore_run(struct cmd_ctx *c)
{
    struct range r = {.kind = BY_RANK};
    if (!parse_range(c, 3, OPTION_KIND, &r)) {
        return;
    }
    const struct entry *e = ctx_read(c, &c->keys[1]);
    if (!ctx_check_type(c, e, TYPE_ZSET)) {
        return;
    }
    struct copier to = {ctx_memory(c, &c->keys[0]), ctx_limits(c), NULL, ST_OK};
    if (to.m == NULL) {
        return;
    }
    to.st = value_create_empty(to.m, c->keys[0].name, TYPE_ZSET, 0, &to.made);
    if (to.st != ST_OK) {
        ctx_error_status(c, to.st);
        return;
    }
    if (e != NULL) {
        struct span s = resolve(e, &r);
        zset_visit(e, s.first, s.count, r.is_downward, copy_element, &to);
    }
    if (to.st != ST_OK) {
        entry_destroy(to.made, to.m);
        ctx_error_status(c, to.st);
        return;
    }
    ctx_store_result(c, &c->keys[0], to.made, EVENT_ZSET, "zrangestore");
}
