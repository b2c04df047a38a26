/* set: commands on one set; those on several are in set_algebra.c. */
#include "types/set.h"

#include "base/number.h"
#include "commands/commands.h"
#include "commands/member_scan.h"
#include "commands/sample.h"
#include "commands/set_priv.h"

/* ---- SADD, SREM, SMOVE ---- */

static void sadd_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    int64_t count = 0;
    enum status st = ST_OK;
    if (!ctx_edit_open(c, &c->keys[0], TYPE_SET, true, &edit)) {
        return;
    }
    if (c->argc > 3) {
        st = set_expect(edit.memory, ctx_limits(c), &edit.entry, c->argv + 2,
                        c->argc - 2);
    }
    uint32_t i = 2;
    for (; st == ST_OK && i < c->argc; i++) {
        bool added;
        st = set_add(edit.memory, ctx_limits(c), &edit.entry, c->argv[i],
                     &added);
        if (st != ST_OK) {
            break;
        }
        count += added;
    }
    ctx_edit_close(c, &c->keys[0], &edit);
    if (count > 0) {
        if (st != ST_OK) {
            ctx_propagate(c, i, c->argv);
        }
        ctx_changed(c, &c->keys[0], EVENT_SET, "sadd");
    }
    if (st != ST_OK) {
        ctx_error_status(c, st); /* what was added before stays */
        return;
    }
    reply_int(c->reply, count);
}

static void srem_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    int64_t count = 0;
    if (!ctx_edit_open(c, &c->keys[0], TYPE_SET, false, &edit)) {
        return;
    }
    for (uint32_t i = 2; edit.entry != NULL && i < c->argc; i++) {
        count += set_remove(edit.memory, &edit.entry, c->argv[i]);
    }
    if (count > 0) {
        ctx_changed(c, &c->keys[0], EVENT_SET, "srem");
    }
    ctx_edit_close(c, &c->keys[0], &edit);
    reply_int(c->reply, count);
}

/* The member has been put into the second set; now it leaves the first. */
static void smove_leave(struct cmd_ctx *c, struct slice member)
{
    struct keyspace_edit edit;
    if (ctx_edit_open(c, &c->keys[0], TYPE_SET, false, &edit)) {
        (void)set_remove(edit.memory, &edit.entry, member);
        ctx_changed(c, &c->keys[0], EVENT_SET, "srem");
        ctx_edit_close(c, &c->keys[0], &edit);
    }
}

static void smove_run(struct cmd_ctx *c)
{
    const struct key *from = &c->keys[0], *to = &c->keys[1];
    struct slice member = c->argv[3];
    struct keyspace_edit edit;
    bool added;
    const struct entry *src = ctx_read(c, from);
    if (src == NULL) {
        reply_int(c->reply, 0);
        return;
    }
    if (!ctx_check_type(c, src, TYPE_SET)
        || !ctx_check_type(c, ctx_peek(c, to), TYPE_SET)) {
        return;
    }
    if (!set_contains(src, member)) {
        reply_int(c->reply, 0);
        return;
    }
    if (slice_equal(from->name, to->name)) {
        reply_int(c->reply, 1);
        return;
    }
    if (!ctx_edit_open(c, to, TYPE_SET, true, &edit)) {
        return;
    }
    enum status st = set_add(edit.memory, ctx_limits(c), &edit.entry, member,
                             &added);
    ctx_edit_close(c, to, &edit);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    smove_leave(c, member);
    if (added) {
        ctx_changed(c, to, EVENT_SET, "sadd");
    }
    reply_int(c->reply, 1);
}

/* ---- reading ---- */

/* The set to be read: false if a wrong type was replied; NULL: no such key. */
static bool read_set(struct cmd_ctx *c, const struct entry **e)
{
    *e = ctx_read(c, &c->keys[0]);
    return ctx_check_type(c, *e, TYPE_SET);
}

static bool contains(const struct entry *e, struct slice member)
{
    return e != NULL && set_contains(e, member);
}

static void scard_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (read_set(c, &e)) {
        reply_int(c->reply, e == NULL ? 0 : (int64_t)value_count(e));
    }
}

static void sismember_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (read_set(c, &e)) {
        reply_int(c->reply, contains(e, c->argv[2]));
    }
}

static void smismember_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (!read_set(c, &e)) {
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        reply_int(c->reply, contains(e, c->argv[i]));
    }
}

bool set_reply_member(void *reply, struct slice member)
{
    reply_bulk(reply, member);
    return true;
}

static void smembers_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (!read_set(c, &e)) {
        return;
    }
    reply_set(c->reply, e == NULL ? 0 : (int64_t)value_count(e));
    if (e != NULL) {
        set_visit(e, set_reply_member, c->reply);
    }
}

static bool scan_member(void *self, struct slice member)
{
    void **two = self;
    struct member_scan *s = two[0];
    s->seen++;
    if (member_scan_wants(s, member)) {
        reply_bulk(two[1], member);
        s->written++;
    }
    return true;
}

static void sscan_run(struct cmd_ctx *c)
{
    struct member_scan s;
    const struct entry *e = member_scan_open(c, TYPE_SET, NULL, &s);
    if (e == NULL) {
        return;
    }
    void *two[] = {&s, c->reply};
    uint64_t buckets = 0;
    member_scan_begin(c, &s);
    do {
        s.cursor = set_scan(e, s.cursor, scan_member, two);
        buckets++;
    } while (s.cursor != 0 && !member_scan_is_enough(&s, buckets));
    member_scan_end(c, &s);
}

/* ---- SPOP ---- */

/* Replies a member that is about to go; its effect is SREM key member. */
static bool tell_popped(void *ctx, struct slice member)
{
    struct cmd_ctx *c = ctx;
    struct slice argv[3] = {SLICE_LIT("SREM"), c->keys[0].name, member};
    reply_bulk(c->reply, member);
    ctx_propagate(c, 3, argv);
    return true;
}

/* The whole set is the reply; the key goes. */
static void spop_all(struct cmd_ctx *c, struct keyspace_edit *edit)
{
    struct slice del[2] = {SLICE_LIT("DEL"), c->keys[0].name};
    reply_set(c->reply, (int64_t)value_count(edit->entry));
    set_visit(edit->entry, set_reply_member, c->reply);
    (void)keyspace_edit_end(edit);
    ctx_propagate(c, 2, del);
    ctx_changed(c, &c->keys[0], EVENT_SET, "spop");
    ctx_delete(c, &c->keys[0]);
    ctx_notify(c, &c->keys[0], EVENT_GENERIC, "del");
}

static bool parse_pop_count(struct cmd_ctx *c, int64_t *count)
{
    if (c->argc > 3) {
        ctx_error_syntax(c);
        return false;
    }
    if (!number_parse_int64(c->argv[2], count) || *count < 0) {
        reply_error(c->reply, "ERR value is out of range, must be positive");
        return false;
    }
    return true;
}

static void spop_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    int64_t count = 1;
    bool has_count = c->argc > 2;
    if ((has_count && !parse_pop_count(c, &count))
        || !ctx_edit_open(c, &c->keys[0], TYPE_SET, false, &edit)) {
        return;
    }
    if (edit.entry == NULL || count == 0) {
        if (has_count) {
            reply_set(c->reply, 0);
        } else {
            reply_null(c->reply);
        }
        ctx_edit_close(c, &c->keys[0], &edit);
        return;
    }
    if (has_count && (uint64_t)count >= value_count(edit.entry)) {
        spop_all(c, &edit);
        return;
    }
    if (has_count) {
        reply_set(c->reply, count);
    }
    for (int64_t i = 0; i < count; i++) {
        set_take_random(edit.memory, &edit.entry, c->random, tell_popped, c);
    }
    ctx_changed(c, &c->keys[0], EVENT_SET, "spop");
    ctx_edit_close(c, &c->keys[0], &edit);
}

/* ---- SRANDMEMBER ---- */

struct chooser {
    struct sample sample;
    struct reply *reply;
};

static bool reply_chosen(void *self, struct slice member)
{
    struct chooser *s = self;
    if (sample_takes(&s->sample)) {
        reply_bulk(s->reply, member);
    }
    return s->sample.wanted > 0;
}

static void reply_repeating(struct cmd_ctx *c, const struct entry *e,
                            uint64_t count)
{
    uint64_t bytes_max;
    if (!sample_repeat(c, count, &bytes_max)) {
        return;
    }
    reply_array(c->reply, (int64_t)count);
    for (uint64_t i = 0; i < count && sample_goes_on(c, bytes_max); i++) {
        char scratch[SET_SCRATCH_BYTES];
        reply_bulk(c->reply, set_random(e, c->random, scratch));
    }
}

struct drawing {
    const struct entry *from;
    struct random *random;
    char scratch[SET_SCRATCH_BYTES];
};

static struct slice draw(void *self)
{
    struct drawing *d = self;
    return set_random(d->from, d->random, d->scratch);
}

static void reply_few(struct cmd_ctx *c, const struct entry *e, uint64_t count)
{
    struct drawing d = {.from = e, .random = c->random};
    struct entry *drawn = sample_few(c, count, draw, &d);
    if (drawn != NULL) {
        reply_array(c->reply, (int64_t)count);
        set_visit(drawn, set_reply_member, c->reply);
        entry_destroy(drawn, ctx_memory(c, &c->keys[0]));
    }
}

static void reply_distinct(struct cmd_ctx *c, const struct entry *e,
                           uint64_t count)
{
    uint64_t have = value_count(e);
    count = count < have ? count : have;
    if (e->encoding == ENC_BIG && sample_is_few(count, have)) {
        reply_few(c, e, count);
        return;
    }
    struct chooser s = {{c->random, have, count}, c->reply};
    reply_array(c->reply, (int64_t)count);
    if (count > 0) {
        set_visit(e, reply_chosen, &s);
    }
}

static void srandmember_run(struct cmd_ctx *c)
{
    const struct entry *e;
    char scratch[SET_SCRATCH_BYTES];
    int64_t count;
    if (c->argc > 3) {
        ctx_error_syntax(c);
        return;
    }
    if (c->argc == 2) {
        if (!read_set(c, &e)) {
            return;
        }
        if (e == NULL) {
            reply_null(c->reply);
        } else {
            reply_bulk(c->reply, set_random(e, c->random, scratch));
        }
        return;
    }
    if (!ctx_arg_int_in(c, 2, -INT64_MAX, INT64_MAX, &count)
        || !read_set(c, &e)) {
        return;
    }
    if (e == NULL || count == 0) {
        reply_array(c->reply, 0);
    } else if (count < 0) {
        reply_repeating(c, e, (uint64_t)-count);
    } else {
        reply_distinct(c, e, (uint64_t)count);
    }
}

enum { WRITES = CMD_WRITE | CMD_DENYOOM | CMD_FAST, READS = CMD_READONLY };

const struct cmd_spec set_cmds[] = {
    {.name = "sadd", .arity = -3, .flags = WRITES, .categories = CAT_SET,
     .keys = KEYS_AT(1), .run = sadd_run},
    {.name = "scard", .arity = 2, .flags = READS | CMD_FAST,
     .categories = CAT_SET, .keys = KEYS_AT(1), .run = scard_run},
    {.name = "sdiff", .arity = -2, .flags = READS, .categories = CAT_SET,
     .keys = KEYS_RANGE(1, -1, 1), .run = set_sdiff_run},
    {.name = "sdiffstore", .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_SET, .keys = KEYS_RANGE(1, -1, 1),
     .run = set_sdiffstore_run},
    {.name = "sinter", .arity = -2, .flags = READS, .categories = CAT_SET,
     .keys = KEYS_RANGE(1, -1, 1), .run = set_sinter_run},
    {.name = "sintercard", .arity = -3, .flags = READS, .categories = CAT_SET,
     .keys = KEYS_COUNTED(1, 1), .run = set_sintercard_run},
    {.name = "sinterstore", .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_SET, .keys = KEYS_RANGE(1, -1, 1),
     .run = set_sinterstore_run},
    {.name = "sismember", .arity = 3, .flags = READS | CMD_FAST,
     .categories = CAT_SET, .keys = KEYS_AT(1), .run = sismember_run},
    {.name = "smembers", .arity = 2, .flags = READS, .categories = CAT_SET,
     .keys = KEYS_AT(1), .run = smembers_run},
    {.name = "smismember", .arity = -3, .flags = READS | CMD_FAST,
     .categories = CAT_SET, .keys = KEYS_AT(1), .run = smismember_run},
    {.name = "smove", .arity = 4, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_SET, .keys = KEYS_RANGE(1, 2, 1), .run = smove_run},
    {.name = "spop", .arity = -2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_SET, .keys = KEYS_AT(1), .run = spop_run},
    {.name = "srandmember", .arity = -2, .flags = READS,
     .categories = CAT_SET, .keys = KEYS_AT(1), .run = srandmember_run},
    {.name = "srem", .arity = -3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_SET, .keys = KEYS_AT(1), .run = srem_run},
    {.name = "sscan", .arity = -3, .flags = READS, .categories = CAT_SET,
     .keys = KEYS_AT(1), .run = sscan_run},
    {.name = "sunion", .arity = -2, .flags = READS, .categories = CAT_SET,
     .keys = KEYS_RANGE(1, -1, 1), .run = set_sunion_run},
    {.name = "sunionstore", .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_SET, .keys = KEYS_RANGE(1, -1, 1),
     .run = set_sunionstore_run},
    {.name = NULL},
};
