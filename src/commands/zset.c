/* zset: commands on single elements of a sorted set, what the family shares, and
 * its rows. Ranges are in zset_range.c, ZPOPMIN and its kin in zset_pop.c, those
 * on several sets in zset_algebra.c. */
#include "types/zset.h"

#include "base/number.h"
#include "commands/commands.h"
#include "commands/member_scan.h"
#include "commands/sample.h"
#include "commands/zset_priv.h"
#include "types/set.h"

/* ---- shared ---- */

bool zset_read(struct cmd_ctx *c, const struct entry **e)
{
    *e = ctx_read(c, &c->keys[0]);
    return ctx_check_type(c, *e, TYPE_ZSET);
}

void zset_write_count(const struct zset_writer *w, size_t count)
{
    bool is_flat = w->with_scores && w->reply->protocol < 3;
    reply_array(w->reply, (int64_t)(is_flat ? count * 2 : count));
}

bool zset_write_element(void *writer, struct slice member, double score)
{
    const struct zset_writer *w = writer;
    if (!w->with_scores) {
        reply_bulk(w->reply, member);
        return true;
    }
    if (w->reply->protocol >= 3) {
        reply_array(w->reply, 2);
    }
    reply_bulk(w->reply, member);
    reply_double(w->reply, score);
    return true;
}

void zset_cut_out(struct cmd_ctx *c, const struct key *k,
                  struct keyspace_edit *edit, size_t first, size_t count,
                  const char *event)
{
    struct value *removed;
    if (count < value_count(edit->entry)) {
        zset_remove_ranks(edit->memory, &edit->entry, first, count, &removed);
        if (removed != NULL) {
            keyspace_edit_discard(edit, removed);
        }
        ctx_changed(c, k, EVENT_ZSET, event);
        ctx_edit_close(c, k, edit);
        return;
    }
    (void)keyspace_edit_end(edit);
    ctx_changed(c, k, EVENT_ZSET, event);
    ctx_delete(c, k);
    ctx_notify(c, k, EVENT_GENERIC, "del");
}

/* ---- single elements ---- */

static void zrem_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    int64_t count = 0;
    if (!ctx_edit_open(c, &c->keys[0], TYPE_ZSET, false, &edit)) {
        return;
    }
    for (uint32_t i = 2; edit.entry != NULL && i < c->argc; i++) {
        count += zset_remove(edit.memory, &edit.entry, c->argv[i]);
    }
    if (count > 0) {
        ctx_changed(c, &c->keys[0], EVENT_ZSET, "zrem");
    }
    ctx_edit_close(c, &c->keys[0], &edit);
    reply_int(c->reply, count);
}

static void zcard_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (zset_read(c, &e)) {
        reply_int(c->reply, e == NULL ? 0 : (int64_t)value_count(e));
    }
}

static void reply_score_of(struct cmd_ctx *c, const struct entry *e,
                           struct slice member)
{
    double score;
    if (e != NULL && zset_score(e, member, &score)) {
        reply_double(c->reply, score);
    } else {
        reply_null(c->reply);
    }
}

static void zscore_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (zset_read(c, &e)) {
        reply_score_of(c, e, c->argv[2]);
    }
}

static void zmscore_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (!zset_read(c, &e)) {
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        reply_score_of(c, e, c->argv[i]);
    }
}

static void reply_rank(struct cmd_ctx *c, bool is_downward)
{
    const struct entry *e;
    size_t rank;
    double score;
    if (c->argc > 4) {
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                     c->spec->name);
        return;
    }
    bool with_score = c->argc == 4;
    if (with_score && !ctx_arg_is(c, 3, "withscore")) {
        ctx_error_syntax(c);
        return;
    }
    if (!zset_read(c, &e)) {
        return;
    }
    if (e == NULL || !zset_rank(e, c->argv[2], &rank, &score)) {
        if (with_score) {
            reply_null_array(c->reply);
        } else {
            reply_null(c->reply);
        }
        return;
    }
    rank = is_downward ? value_count(e) - 1 - rank : rank;
    if (with_score) {
        reply_array(c->reply, 2);
    }
    reply_int(c->reply, (int64_t)rank);
    if (with_score) {
        reply_double(c->reply, score);
    }
}

static void zrank_run(struct cmd_ctx *c)
{
    reply_rank(c, false);
}

static void zrevrank_run(struct cmd_ctx *c)
{
    reply_rank(c, true);
}

/* ---- ZSCAN ---- */

struct scanner {
    struct member_scan scan;
    struct reply *reply;
};

/* Scores are text in both protocols. */
static bool scan_element(void *self, struct slice member, double score)
{
    struct scanner *s = self;
    char text[NUMBER_DOUBLE_TEXT_MAX];
    s->scan.seen++;
    if (!member_scan_wants(&s->scan, member)) {
        return true;
    }
    reply_bulk(s->reply, member);
    s->scan.written++;
    if (!s->scan.is_bare) {
        reply_bulk(s->reply, slice_of(text, number_format_double(text, score)));
        s->scan.written++;
    }
    return true;
}

static void zscan_run(struct cmd_ctx *c)
{
    struct scanner s = {.reply = c->reply};
    const struct entry *e = member_scan_open(c, TYPE_ZSET, "noscores", &s.scan);
    uint64_t buckets = 0;
    if (e == NULL) {
        return;
    }
    member_scan_begin(c, &s.scan);
    do {
        s.scan.cursor = zset_scan(e, s.scan.cursor, scan_element, &s);
        buckets++;
    } while (s.scan.cursor != 0 && !member_scan_is_enough(&s.scan, buckets));
    member_scan_end(c, &s.scan);
}

/* ---- ZRANDMEMBER ---- */

struct chooser {
    struct sample sample;
    struct zset_writer *writer;
};

static bool reply_chosen(void *self, struct slice member, double score)
{
    struct chooser *x = self;
    if (sample_takes(&x->sample)) {
        (void)zset_write_element(x->writer, member, score);
    }
    return x->sample.wanted > 0;
}

static void reply_repeating(struct cmd_ctx *c, const struct entry *e,
                            struct zset_writer *w, uint64_t count)
{
    uint64_t bytes_max;
    if (!sample_repeat(c, count, &bytes_max)) {
        return;
    }
    zset_write_count(w, count);
    for (uint64_t i = 0; i < count && sample_goes_on(c, bytes_max); i++) {
        char scratch[ZSET_SCRATCH_BYTES];
        double score;
        struct slice member = zset_random(e, c->random, scratch, &score);
        (void)zset_write_element(w, member, score);
    }
}

struct drawing {
    const struct entry *from;
    struct random *random;
    struct zset_writer *writer;
    char scratch[ZSET_SCRATCH_BYTES];
};

static struct slice draw(void *self)
{
    struct drawing *d = self;
    double score;
    return zset_random(d->from, d->random, d->scratch, &score);
}

static bool reply_drawn(void *self, struct slice member)
{
    const struct drawing *d = self;
    double score;
    bool is_there = zset_score(d->from, member, &score);
    assert(is_there);
    (void)is_there;
    return zset_write_element(d->writer, member, score);
}

static void reply_few(struct cmd_ctx *c, const struct entry *e,
                      struct zset_writer *w, uint64_t count)
{
    struct drawing d = {.from = e, .random = c->random, .writer = w};
    struct entry *drawn = sample_few(c, count, draw, &d);
    if (drawn != NULL) {
        zset_write_count(w, count);
        set_visit(drawn, reply_drawn, &d);
        entry_destroy(drawn, ctx_memory(c, &c->keys[0]));
    }
}

static void reply_distinct(struct cmd_ctx *c, const struct entry *e,
                           struct zset_writer *w, uint64_t count)
{
    uint64_t have = value_count(e);
    count = count < have ? count : have;
    if (e->encoding == ENC_BIG && sample_is_few(count, have)) {
        reply_few(c, e, w, count);
        return;
    }
    struct chooser x = {{c->random, have, count}, w};
    zset_write_count(w, count);
    if (count > 0) {
        zset_visit(e, 0, have, false, reply_chosen, &x);
    }
}

/* ZRANDMEMBER key [count [WITHSCORES]] */
static void zrandmember_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct zset_writer w = {c->reply, false};
    int64_t count = 0;
    if ((c->argc > 2
         && !sample_parse(c, "withscores", &count, &w.with_scores))
        || !zset_read(c, &e)) {
        return;
    }
    if (c->argc == 2) {
        char scratch[ZSET_SCRATCH_BYTES];
        double score;
        if (e == NULL) {
            reply_null(c->reply);
        } else {
            reply_bulk(c->reply, zset_random(e, c->random, scratch, &score));
        }
    } else if (e == NULL || count == 0) {
        reply_array(c->reply, 0);
    } else if (count < 0) {
        reply_repeating(c, e, &w, (uint64_t)-count);
    } else {
        reply_distinct(c, e, &w, (uint64_t)count);
    }
}

/* ---- rows ---- */

#define ROW(word, args, flag_bits, where, function) \
    {.name = (word), .arity = (args), .flags = (flag_bits), \
     .categories = CAT_SORTEDSET, .keys = where, .run = (function)}

enum {
    READS = CMD_READONLY,
    READS_FAST = CMD_READONLY | CMD_FAST,
    READS_MANY = CMD_READONLY | CMD_MOVABLE_KEYS,
    TAKES = CMD_WRITE,
    TAKES_FAST = CMD_WRITE | CMD_FAST,
    ADDS_FAST = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
    STORES = CMD_WRITE | CMD_DENYOOM,
    STORES_MANY = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
    WAITS = CMD_WRITE | CMD_BLOCKING,
};

const struct cmd_spec zset_cmds[] = {
    ROW("bzmpop", -5, WAITS | CMD_MOVABLE_KEYS, KEYS_COUNTED(2, 1),
        zset_bzmpop_run),
    ROW("bzpopmax", -3, WAITS | CMD_FAST, KEYS_RANGE(1, -2, 1),
        zset_bzpopmax_run),
    ROW("bzpopmin", -3, WAITS | CMD_FAST, KEYS_RANGE(1, -2, 1),
        zset_bzpopmin_run),
    ROW("zadd", -4, ADDS_FAST, KEYS_AT(1), zset_zadd_run),
    ROW("zcard", 2, READS_FAST, KEYS_AT(1), zcard_run),
    ROW("zcount", 4, READS_FAST, KEYS_AT(1), zset_zcount_run),
    ROW("zdiff", -3, READS_MANY, KEYS_COUNTED(1, 1), zset_zdiff_run),
    ROW("zdiffstore", -4, STORES_MANY, KEYS_DEST_COUNTED(1),
        zset_zdiffstore_run),
    ROW("zincrby", 4, ADDS_FAST, KEYS_AT(1), zset_zincrby_run),
    ROW("zinter", -3, READS_MANY, KEYS_COUNTED(1, 1), zset_zinter_run),
    ROW("zintercard", -3, READS_MANY, KEYS_COUNTED(1, 1), zset_zintercard_run),
    ROW("zinterstore", -4, STORES_MANY, KEYS_DEST_COUNTED(1),
        zset_zinterstore_run),
    ROW("zlexcount", 4, READS_FAST, KEYS_AT(1), zset_zlexcount_run),
    ROW("zmpop", -4, TAKES | CMD_MOVABLE_KEYS, KEYS_COUNTED(1, 1),
        zset_zmpop_run),
    ROW("zmscore", -3, READS_FAST, KEYS_AT(1), zmscore_run),
    ROW("zpopmax", -2, TAKES_FAST, KEYS_AT(1), zset_zpopmax_run),
    ROW("zpopmin", -2, TAKES_FAST, KEYS_AT(1), zset_zpopmin_run),
    ROW("zrandmember", -2, READS, KEYS_AT(1), zrandmember_run),
    ROW("zrange", -4, READS, KEYS_AT(1), zset_zrange_run),
    ROW("zrangebylex", -4, READS, KEYS_AT(1), zset_zrangebylex_run),
    ROW("zrangebyscore", -4, READS, KEYS_AT(1), zset_zrangebyscore_run),
    ROW("zrangestore", -5, STORES, KEYS_RANGE(1, 2, 1), zset_zrangestore_run),
    ROW("zrank", -3, READS_FAST, KEYS_AT(1), zrank_run),
    ROW("zrem", -3, TAKES_FAST, KEYS_AT(1), zrem_run),
    ROW("zremrangebylex", 4, TAKES, KEYS_AT(1), zset_zremrangebylex_run),
    ROW("zremrangebyrank", 4, TAKES, KEYS_AT(1), zset_zremrangebyrank_run),
    ROW("zremrangebyscore", 4, TAKES, KEYS_AT(1), zset_zremrangebyscore_run),
    ROW("zrevrange", -4, READS, KEYS_AT(1), zset_zrevrange_run),
    ROW("zrevrangebylex", -4, READS, KEYS_AT(1), zset_zrevrangebylex_run),
    ROW("zrevrangebyscore", -4, READS, KEYS_AT(1), zset_zrevrangebyscore_run),
    ROW("zrevrank", -3, READS_FAST, KEYS_AT(1), zrevrank_run),
    ROW("zscan", -3, READS, KEYS_AT(1), zscan_run),
    ROW("zscore", 3, READS_FAST, KEYS_AT(1), zscore_run),
    ROW("zunion", -3, READS_MANY, KEYS_COUNTED(1, 1), zset_zunion_run),
    ROW("zunionstore", -4, STORES_MANY, KEYS_DEST_COUNTED(1),
        zset_zunionstore_run),
    {.name = NULL},
};
