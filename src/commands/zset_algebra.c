/* zset_algebra: union, intersection and difference of sorted sets and sets,
 * replied, stored or counted. A member of a set has the score 1.
 *
 * The result is made as a sorted set, so that it comes out in order. Operands
 * are taken from the smallest to the largest: that is least work for an
 * intersection, and sums of scores are rounded in the same order everywhere.
 * A difference keeps the order of its operands. */
#include <math.h>
#include <stdlib.h>

#include "base/number.h"
#include "commands/zset_priv.h"
#include "types/set.h"

enum operation { UNION, INTERSECTION, DIFFERENCE };
enum aggregate { AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX };

struct operand {
    const struct entry *e; /* NULL: no such key */
    double weight;
    size_t count;
    uint32_t place; /* among the arguments */
};

struct algebra {
    struct cmd_ctx *c;
    enum operation operation;
    enum aggregate aggregate;
    struct operand *operands;
    uint32_t count;
    bool with_scores;
    const struct operand *walked;
    /* the result */
    const struct entry_memory *m;
    struct entry *made;
    int64_t found, limit; /* ZINTERCARD: counted, not made */
    enum status st;
};

/* ---- operands ---- */

static bool score_in(const struct operand *o, struct slice member,
                     double *score)
{
    if (o->e == NULL) {
        return false;
    }
    if (o->e->type == TYPE_SET) {
        *score = 1;
        return set_contains(o->e, member);
    }
    return zset_score(o->e, member, score);
}

static double weighted(const struct operand *o, double score)
{
    double v = score * o->weight;
    return isnan(v) ? 0 : v;
}

static double combine(const struct algebra *a, double x, double y)
{
    switch (a->aggregate) {
    case AGGREGATE_SUM:
        return isnan(x + y) ? 0 : x + y; /* infinities of both signs */
    case AGGREGATE_MIN:
        return y < x ? y : x;
    case AGGREGATE_MAX:
        return y > x ? y : x;
    }
    return x;
}

struct walker {
    zset_visit_fn *visit;
    void *self;
};

static bool visit_member(void *self, struct slice member)
{
    const struct walker *w = self;
    return w->visit(w->self, member, 1);
}

static void walk(struct algebra *a, const struct operand *o,
                 zset_visit_fn *visit)
{
    struct walker w = {visit, a};
    a->walked = o;
    if (o->e == NULL || a->st != ST_OK) {
        return;
    }
    if (o->e->type == TYPE_SET) {
        set_visit(o->e, visit_member, &w);
    } else {
        zset_visit(o->e, 0, value_count(o->e), false, visit, a);
    }
}

static int by_size(const void *x, const void *y)
{
    const struct operand *a = x, *b = y;
    if (a->count != b->count) {
        return a->count < b->count ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

/* ---- the operations ---- */

static bool take(struct algebra *a, struct slice member, double score)
{
    struct zset_at at;
    a->found++;
    if (a->made == NULL) {
        return a->found != a->limit;
    }
    zset_find(a->made, member, &at);
    if (at.is_found) {
        score = combine(a, at.score, score);
    }
    if (!at.is_found || score != at.score) {
        a->st = zset_put(a->m, ctx_limits(a->c), &a->made, member, score, &at);
    }
    return a->st == ST_OK;
}

static bool unite(void *self, struct slice member, double score)
{
    struct algebra *a = self;
    return take(a, member, weighted(a->walked, score));
}

/* The walked one is the first. Where a weight of nothing meets an infinite score
 * in another, the product stays what it is: sums with it are nothing, and it is
 * no minimum and no maximum. Redis and Valkey agree in this. */
static bool intersect(void *self, struct slice member, double score)
{
    struct algebra *a = self;
    double sum = weighted(a->walked, score);
    for (uint32_t i = 1; i < a->count; i++) {
        double other;
        if (!score_in(&a->operands[i], member, &other)) {
            return true;
        }
        sum = combine(a, sum, other * a->operands[i].weight);
    }
    return take(a, member, sum);
}

static bool subtract(void *self, struct slice member, double score)
{
    struct algebra *a = self;
    for (uint32_t i = 1; i < a->count; i++) {
        double other;
        if (score_in(&a->operands[i], member, &other)) {
            return true;
        }
    }
    return take(a, member, score);
}

static void operate(struct algebra *a)
{
    if (a->operation != DIFFERENCE) {
        qsort(a->operands, a->count, sizeof *a->operands, by_size);
    }
    switch (a->operation) {
    case UNION:
        for (uint32_t i = 0; i < a->count; i++) {
            walk(a, &a->operands[i], unite);
        }
        break;
    case INTERSECTION:
        walk(a, &a->operands[0], intersect);
        break;
    case DIFFERENCE:
        walk(a, &a->operands[0], subtract);
        break;
    }
}

/* ---- arguments ---- */

static bool check_operand(struct cmd_ctx *c, const struct entry *e)
{
    return e == NULL || e->type == TYPE_SET || ctx_check_type(c, e, TYPE_ZSET);
}

/* The keys from c->keys[first_key] on, whose number stands at argv[at]. False:
 * replied. */
static bool read_operands(struct cmd_ctx *c, uint32_t at, uint32_t first_key,
                          struct algebra *a)
{
    int64_t numkeys;
    if (!ctx_arg_int(c, at, &numkeys)) {
        return false;
    }
    if (numkeys < 1) {
        reply_errorf(c->reply, "ERR at least 1 input key is needed for '%s' "
                               "command", c->spec->name);
        return false;
    }
    if (numkeys > (int64_t)(c->argc - at - 1)) {
        ctx_error_syntax(c);
        return false;
    }
    a->count = (uint32_t)numkeys;
    assert(c->key_count == first_key + a->count);
    a->operands = ctx_scratch(c, a->count * sizeof *a->operands);
    if (a->operands == NULL) {
        return false;
    }
    /* Two passes: what has expired is deleted first, which may move entries. */
    for (uint32_t i = 0; i < a->count; i++) {
        if (!check_operand(c, ctx_read(c, &c->keys[first_key + i]))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->count; i++) {
        const struct entry *e = ctx_peek(c, &c->keys[first_key + i]);
        size_t count = e == NULL ? 0 : value_count(e);
        a->operands[i] = (struct operand){e, 1, count, i};
    }
    return true;
}

static bool parse_weights(struct cmd_ctx *c, uint32_t at, struct algebra *a)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!number_parse_double(c->argv[at + i], &a->operands[i].weight)) {
            reply_error(c->reply, "ERR weight value is not a float");
            return false;
        }
    }
    return true;
}

static bool parse_aggregate(const struct cmd_ctx *c, uint32_t at,
                            struct algebra *a)
{
    if (ctx_arg_is(c, at, "sum")) {
        a->aggregate = AGGREGATE_SUM;
    } else if (ctx_arg_is(c, at, "min")) {
        a->aggregate = AGGREGATE_MIN;
    } else if (ctx_arg_is(c, at, "max")) {
        a->aggregate = AGGREGATE_MAX;
    } else {
        return false;
    }
    return true;
}

static bool parse_options(struct cmd_ctx *c, uint32_t at, bool is_stored,
                          struct algebra *a)
{
    bool has_scores = a->operation != DIFFERENCE;
    for (uint32_t i = at; i < c->argc; i++) {
        uint32_t behind = c->argc - i - 1;
        if (has_scores && behind >= a->count && ctx_arg_is(c, i, "weights")) {
            if (!parse_weights(c, i + 1, a)) {
                return false;
            }
            i += a->count;
        } else if (has_scores && behind > 0 && ctx_arg_is(c, i, "aggregate")
                   && parse_aggregate(c, i + 1, a)) {
            i++;
        } else if (!is_stored && ctx_arg_is(c, i, "withscores")) {
            a->with_scores = true;
        } else {
            ctx_error_syntax(c);
            return false;
        }
    }
    return true;
}

/* Makes the result under the name of the first key; false: replied. */
static bool make(struct cmd_ctx *c, bool is_stored, struct algebra *a)
{
    uint32_t at = is_stored ? 2 : 1;
    if (!read_operands(c, at, is_stored, a)
        || !parse_options(c, at + 1 + a->count, is_stored, a)) {
        return false;
    }
    a->m = ctx_memory(c, &c->keys[0]);
    if (a->m == NULL) {
        return false;
    }
    a->st = value_create_empty(a->m, c->keys[0].name, TYPE_ZSET, 0, &a->made);
    if (a->st != ST_OK) {
        ctx_error_status(c, a->st);
        return false;
    }
    operate(a);
    if (a->st != ST_OK) {
        entry_destroy(a->made, a->m);
        ctx_error_status(c, a->st);
        return false;
    }
    return true;
}

/* ---- the commands ---- */

static void reply_result(struct cmd_ctx *c, enum operation operation)
{
    struct algebra a = {.c = c, .operation = operation};
    if (!make(c, false, &a)) {
        return;
    }
    struct zset_writer w = {c->reply, a.with_scores};
    size_t count = value_count(a.made);
    zset_write_count(&w, count);
    zset_visit(a.made, 0, count, false, zset_write_element, &w);
    entry_destroy(a.made, a.m);
}

void zset_zunion_run(struct cmd_ctx *c)
{
    reply_result(c, UNION);
}

void zset_zinter_run(struct cmd_ctx *c)
{
    reply_result(c, INTERSECTION);
}

void zset_zdiff_run(struct cmd_ctx *c)
{
    reply_result(c, DIFFERENCE);
}

static void store_result(struct cmd_ctx *c, enum operation operation,
                         const char *event)
{
    struct algebra a = {.c = c, .operation = operation};
    if (make(c, true, &a)) {
        ctx_store_result(c, &c->keys[0], a.made, EVENT_ZSET, event);
    }
}

void zset_zunionstore_run(struct cmd_ctx *c)
{
    store_result(c, UNION, "zunionstore");
}

void zset_zinterstore_run(struct cmd_ctx *c)
{
    store_result(c, INTERSECTION, "zinterstore");
}

void zset_zdiffstore_run(struct cmd_ctx *c)
{
    store_result(c, DIFFERENCE, "zdiffstore");
}

void zset_zintercard_run(struct cmd_ctx *c)
{
    struct algebra a = {.c = c, .operation = INTERSECTION};
    if (!read_operands(c, 1, 0, &a)) {
        return;
    }
    for (uint32_t i = 2 + a.count; i < c->argc; i += 2) {
        if (!ctx_arg_is(c, i, "limit") || i + 1 == c->argc) {
            ctx_error_syntax(c);
            return;
        }
        if (!number_parse_int64(c->argv[i + 1], &a.limit) || a.limit < 0) {
            reply_error(c->reply, "ERR LIMIT can't be negative");
            return;
        }
    }
    operate(&a);
    reply_int(c->reply, a.found);
}
