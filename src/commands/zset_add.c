/* zset_add: ZADD and ZINCRBY. */
#include <math.h>

#include "commands/zset_priv.h"

enum add_flag {
    ADD_NX = 1 << 0, ADD_XX = 1 << 1, ADD_GT = 1 << 2, ADD_LT = 1 << 3,
    ADD_CH = 1 << 4, ADD_INCR = 1 << 5,
};

struct addition {
    unsigned flags;
    const double *scores;
    double one; /* where there is no more than one */
    uint32_t first; /* argument: score, member, score, member ... */
    uint32_t count;
    /* what came of it */
    int64_t added, changed;
    double score;    /* INCR: the new one */
    bool is_refused; /* INCR: the conditions did not hold */
    bool is_nan;
};

/* Most scores begin as no word does. */
static bool may_be_word(struct slice arg)
{
    return arg.len > 0 && (arg.data[0] | 0x20) >= 'a';
}

/* The words before the first score. */
static uint32_t parse_flags(struct cmd_ctx *c, unsigned *flags)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {
        {"nx", ADD_NX}, {"xx", ADD_XX}, {"gt", ADD_GT}, {"lt", ADD_LT},
        {"ch", ADD_CH}, {"incr", ADD_INCR},
    };
    enum { WORD_COUNT = sizeof words / sizeof words[0] };
    uint32_t i = 2;
    *flags = 0;
    for (; i < c->argc && may_be_word(c->argv[i]); i++) {
        size_t w = 0;
        while (w < WORD_COUNT && !ctx_arg_is(c, i, words[w].word)) {
            w++;
        }
        if (w == WORD_COUNT) {
            break;
        }
        *flags |= words[w].flag;
    }
    return i;
}

static bool check_flags(struct cmd_ctx *c, const struct addition *a)
{
    unsigned f = a->flags;
    if ((f & ADD_NX) && (f & ADD_XX)) {
        reply_error(c->reply, "ERR XX and NX options at the same time are not "
                              "compatible");
        return false;
    }
    unsigned exclusive = f & (ADD_NX | ADD_GT | ADD_LT);
    if (exclusive & (exclusive - 1)) {
        reply_error(c->reply, "ERR GT, LT, and/or NX options at the same time "
                              "are not compatible");
        return false;
    }
    if ((f & ADD_INCR) && a->count > 1) {
        reply_error(c->reply, "ERR INCR option supports a single "
                              "increment-element pair");
        return false;
    }
    return true;
}

static bool parse_scores(struct cmd_ctx *c, struct addition *a)
{
    double *scores = a->count == 1
        ? &a->one
        : ctx_scratch(c, a->count * sizeof *scores);
    if (scores == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (!ctx_arg_double(c, a->first + i * 2, &scores[i])) {
            return false;
        }
    }
    a->scores = scores;
    return true;
}

/* Is a member that has `old` to get `score`? */
static bool may_change(unsigned flags, double old, double score)
{
    return !(flags & ADD_NX) && !((flags & ADD_GT) && score <= old)
           && !((flags & ADD_LT) && score >= old);
}

static enum status add_one(struct cmd_ctx *c, struct keyspace_edit *edit,
                           struct addition *a, double score,
                           struct slice member)
{
    struct zset_at at;
    zset_find(edit->entry, member, &at);
    if (at.is_found && (a->flags & ADD_INCR)) {
        score += at.score;
        a->is_nan = isnan(score) && !(a->flags & ADD_NX);
    }
    a->is_refused = at.is_found ? !may_change(a->flags, at.score, score)
                                : (a->flags & ADD_XX) != 0;
    a->score = score;
    if (a->is_refused || a->is_nan || (at.is_found && score == at.score)) {
        return ST_OK;
    }
    enum status st = zset_put(edit->memory, ctx_limits(c), &edit->entry, member,
                              score, &at);
    if (st == ST_OK) {
        a->added += !at.is_found;
        a->changed += at.is_found;
    }
    return st;
}

static void reply_addition(struct cmd_ctx *c, const struct addition *a)
{
    if (a->is_nan) {
        reply_error(c->reply, "ERR resulting score is not a number (NaN)");
    } else if (!(a->flags & ADD_INCR)) {
        reply_int(c->reply, a->added + ((a->flags & ADD_CH) ? a->changed : 0));
    } else if (a->is_refused) {
        reply_null(c->reply);
    } else {
        reply_double(c->reply, a->score);
    }
}

static void add(struct cmd_ctx *c, struct addition *a)
{
    struct keyspace_edit edit;
    enum status st = ST_OK;
    if (!parse_scores(c, a)
        || !ctx_edit_open(c, &c->keys[0], TYPE_ZSET, !(a->flags & ADD_XX),
                          &edit)) {
        return;
    }
    a->is_refused = edit.entry == NULL;
    if (edit.entry != NULL && a->count > 1) {
        st = zset_expect(edit.memory, ctx_limits(c), &edit.entry, a->count);
    }
    uint32_t done = 0;
    for (; edit.entry != NULL && st == ST_OK && done < a->count; done++) {
        st = add_one(c, &edit, a, a->scores[done],
                     c->argv[a->first + done * 2 + 1]);
        if (st != ST_OK) {
            break;
        }
    }
    ctx_edit_close(c, &c->keys[0], &edit);
    if (a->added > 0 || a->changed > 0) {
        if (st != ST_OK) {
            ctx_propagate(c, a->first + done * 2, c->argv);
        }
        ctx_changed(c, &c->keys[0], EVENT_ZSET,
                    (a->flags & ADD_INCR) ? "zincr" : "zadd");
    }
    if (st != ST_OK) {
        ctx_error_status(c, st); /* what was added before stays */
        return;
    }
    reply_addition(c, a);
}

void zset_zadd_run(struct cmd_ctx *c)
{
    struct addition a = {0};
    a.first = parse_flags(c, &a.flags);
    uint32_t left = c->argc - a.first;
    a.count = left / 2;
    if (left == 0 || left % 2 != 0) {
        ctx_error_syntax(c);
    } else if (check_flags(c, &a)) {
        add(c, &a);
    }
}

void zset_zincrby_run(struct cmd_ctx *c)
{
    struct addition a = {.flags = ADD_INCR, .first = 2, .count = 1};
    add(c, &a);
}
