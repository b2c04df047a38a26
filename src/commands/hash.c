/* hash: commands on the fields of a hash. Fields whose time has passed are there
 * until they are taken away in the background, or by a command that asks for
 * them. No command shows them; HLEN counts them, as its time must not depend on
 * them. */
#include "types/hash.h"

#include "commands/commands.h"
#include "commands/hash_priv.h"
#include "commands/member_scan.h"
#include "types/string.h"

/* ---- what they share ---- */

bool hash_read(struct cmd_ctx *c, const struct entry **e)
{
    *e = ctx_read(c, &c->keys[0]);
    return ctx_check_type(c, *e, TYPE_HASH);
}

bool hash_find_live(struct cmd_ctx *c, const struct entry **e,
                    struct slice field, char *scratch, struct hash_item *out)
{
    if (*e == NULL || !hash_find(*e, field, scratch, out)) {
        return false;
    }
    if (__builtin_expect(hash_is_live(c, out), 1)) {
        return true;
    }
    *e = ctx_expire_fields(c, &c->keys[0], &field);
    return false;
}

bool hash_edit_find_live(struct cmd_ctx *c, struct keyspace_edit *edit,
                         struct slice field, char *scratch,
                         struct hash_item *out)
{
    if (edit->entry == NULL || !hash_find(edit->entry, field, scratch, out)) {
        return false;
    }
    if (__builtin_expect(hash_is_live(c, out), 1)) {
        return true;
    }
    keyspace_edit_expire_field(edit, field);
    return false;
}

bool hash_edit_close(struct cmd_ctx *c, struct keyspace_edit *edit,
                     enum status st)
{
    ctx_edit_close(c, &c->keys[0], edit);
    if (st != ST_OK) {
        ctx_error_status(c, st);
    }
    return st == ST_OK;
}

struct live_counter {
    const struct cmd_ctx *c;
    uint64_t count;
};

static bool count_live(void *self, const struct hash_item *item)
{
    struct live_counter *l = self;
    l->count += hash_is_live(l->c, item);
    return true;
}

uint64_t hash_live_count(const struct cmd_ctx *c, const struct entry *e)
{
    struct live_counter l = {c, 0};
    if (!hash_hides_any(c, e)) {
        return value_count(e);
    }
    hash_visit(e, count_live, &l);
    return l.count;
}

void hash_reply_value(struct reply *r, const struct hash_item *item)
{
    if (item->blob != NULL && item->value.len >= STRING_PIN_BYTES) {
        blob_pin(item->blob);
        reply_bulk_pinned(r, item->value, blob_unpin, item->blob);
        return;
    }
    reply_bulk(r, item->value);
}

/* ---- HSET, HMSET, HSETNX, HDEL ---- */

/* A field that is due goes before it is set anew, so that it counts as new. */
static void make_way(struct cmd_ctx *c, struct keyspace_edit *edit,
                     struct slice field)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item old;
    (void)hash_edit_find_live(c, edit, field, scratch, &old);
}

/* Sets the fields and values from argv[2] on; false: replied. */
static bool set_all(struct cmd_ctx *c, int64_t *count)
{
    struct keyspace_edit edit;
    enum status st = ST_OK;
    uint32_t i = 2;
    *count = 0;
    if (c->argc % 2 != 0) {
        reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                     c->spec->name);
        return false;
    }
    if (!ctx_edit_open(c, &c->keys[0], TYPE_HASH, true, &edit)) {
        return false;
    }
    bool hides_any = hash_hides_any(c, edit.entry);
    if (c->argc > 4) {
        st = hash_expect(edit.memory, ctx_limits(c), &edit.entry,
                         (c->argc - 2) / 2, c->now_ms);
    }
    for (; st == ST_OK && i < c->argc; i += 2) {
        struct hash_item item = {c->argv[i], c->argv[i + 1], HASH_FOREVER,
                                 NULL};
        bool added;
        if (__builtin_expect(hides_any, 0)) {
            make_way(c, &edit, item.field);
        }
        st = hash_set(edit.memory, ctx_limits(c), &edit.entry, &item, c->now_ms,
                      &added);
        if (st != ST_OK) {
            break;
        }
        *count += added;
    }
    ctx_edit_close(c, &c->keys[0], &edit);
    if (st != ST_OK) { /* what was set before stays */
        ctx_propagate(c, i > 2 ? i : 0, c->argv);
        ctx_error_status(c, st);
    }
    if (i > 2) {
        ctx_changed(c, &c->keys[0], EVENT_HASH, "hset");
    }
    return st == ST_OK;
}

static void hset_run(struct cmd_ctx *c)
{
    int64_t count;
    if (set_all(c, &count)) {
        reply_int(c->reply, count);
    }
}

static void hmset_run(struct cmd_ctx *c)
{
    int64_t count;
    if (set_all(c, &count)) {
        reply_ok(c->reply);
    }
}

static void hsetnx_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    struct hash_item item = {c->argv[2], c->argv[3], HASH_FOREVER, NULL};
    struct hash_item old;
    char scratch[HASH_SCRATCH_BYTES];
    bool added = false;
    enum status st = ST_OK;
    if (!ctx_edit_open(c, &c->keys[0], TYPE_HASH, true, &edit)) {
        return;
    }
    bool is_there = hash_edit_find_live(c, &edit, item.field, scratch, &old);
    if (!is_there) {
        st = hash_set(edit.memory, ctx_limits(c), &edit.entry, &item, c->now_ms,
                      &added);
    }
    if (!hash_edit_close(c, &edit, st)) {
        return;
    }
    if (!is_there) {
        ctx_changed(c, &c->keys[0], EVENT_HASH, "hset");
    }
    reply_int(c->reply, !is_there);
}

static void hdel_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    int64_t count = 0;
    if (!ctx_edit_open(c, &c->keys[0], TYPE_HASH, false, &edit)) {
        return;
    }
    for (uint32_t i = 2; edit.entry != NULL && i < c->argc; i++) {
        count += hash_remove(edit.memory, &edit.entry, c->argv[i]);
    }
    if (count > 0) {
        ctx_changed(c, &c->keys[0], EVENT_HASH, "hdel");
    }
    ctx_edit_close(c, &c->keys[0], &edit);
    reply_int(c->reply, count);
}

/* ---- reading ---- */

static void hget_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct hash_item item;
    char scratch[HASH_SCRATCH_BYTES];
    if (!hash_read(c, &e)) {
        return;
    }
    if (hash_find_live(c, &e, c->argv[2], scratch, &item)) {
        hash_reply_value(c->reply, &item);
    } else {
        reply_null(c->reply);
    }
}

static void hmget_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct hash_item item;
    char scratch[HASH_SCRATCH_BYTES];
    if (!hash_read(c, &e)) {
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (hash_find_live(c, &e, c->argv[i], scratch, &item)) {
            hash_reply_value(c->reply, &item);
        } else {
            reply_null(c->reply);
        }
    }
}

static void hlen_run(struct cmd_ctx *c)
{
    const struct entry *e;
    if (hash_read(c, &e)) {
        reply_int(c->reply, e == NULL ? 0 : (int64_t)value_count(e));
    }
}

static void hstrlen_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct hash_item item;
    char scratch[HASH_SCRATCH_BYTES];
    if (hash_read(c, &e)) {
        bool is_there = hash_find_live(c, &e, c->argv[2], scratch, &item);
        reply_int(c->reply, is_there ? (int64_t)item.value.len : 0);
    }
}

static void hexists_run(struct cmd_ctx *c)
{
    const struct entry *e;
    struct hash_item item;
    char scratch[HASH_SCRATCH_BYTES];
    if (hash_read(c, &e)) {
        reply_int(c->reply,
                  hash_find_live(c, &e, c->argv[2], scratch, &item));
    }
}

/* Which parts of an item are replied. */
struct teller {
    struct cmd_ctx *c;
    bool has_fields, has_values;
};

static bool tell(void *self, const struct hash_item *item)
{
    struct teller *t = self;
    if (!hash_is_live(t->c, item)) {
        return true;
    }
    if (t->has_fields) {
        reply_bulk(t->c->reply, item->field);
    }
    if (t->has_values) {
        hash_reply_value(t->c->reply, item);
    }
    return true;
}

static void reply_all(struct cmd_ctx *c, bool has_fields, bool has_values)
{
    const struct entry *e;
    struct teller t = {c, has_fields, has_values};
    if (!hash_read(c, &e)) {
        return;
    }
    int64_t count = e != NULL ? (int64_t)hash_live_count(c, e) : 0;
    if (has_fields && has_values) {
        reply_map(c->reply, count);
    } else {
        reply_array(c->reply, count);
    }
    if (count > 0) {
        hash_visit(e, tell, &t);
    }
}

static void hgetall_run(struct cmd_ctx *c)
{
    reply_all(c, true, true);
}

static void hkeys_run(struct cmd_ctx *c)
{
    reply_all(c, true, false);
}

static void hvals_run(struct cmd_ctx *c)
{
    reply_all(c, false, true);
}

/* ---- HSCAN ---- */

struct scan {
    struct member_scan *s;
    struct cmd_ctx *c;
};

static bool scan_item(void *self, const struct hash_item *item)
{
    struct scan *x = self;
    x->s->seen++;
    if (!hash_is_live(x->c, item) || !member_scan_wants(x->s, item->field)) {
        return true;
    }
    reply_bulk(x->c->reply, item->field);
    x->s->written++;
    if (!x->s->is_bare) {
        hash_reply_value(x->c->reply, item);
        x->s->written++;
    }
    return true;
}

static void hscan_run(struct cmd_ctx *c)
{
    struct member_scan s;
    struct scan x = {&s, c};
    const struct entry *e = member_scan_open(c, TYPE_HASH, "novalues", &s);
    uint64_t buckets = 0;
    if (e == NULL) {
        return;
    }
    member_scan_begin(c, &s);
    do {
        s.cursor = hash_scan(e, s.cursor, scan_item, &x);
        buckets++;
    } while (s.cursor != 0 && !member_scan_is_enough(&s, buckets));
    member_scan_end(c, &s);
}

enum {
    WRITES = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
    READS = CMD_READONLY,
    FAST_READS = CMD_READONLY | CMD_FAST,
};

#define ROW(word, n, what, function) \
    {.name = (word), .arity = (n), .flags = (what), .categories = CAT_HASH, \
     .keys = KEYS_AT(1), .run = (function)}

const struct cmd_spec hash_cmds[] = {
    ROW("hdel", -3, CMD_WRITE | CMD_FAST, hdel_run),
    ROW("hexpire", -6, WRITES, hash_hexpire_run),
    ROW("hexpireat", -6, WRITES, hash_hexpireat_run),
    ROW("hexpiretime", -5, FAST_READS, hash_hexpiretime_run),
    ROW("hgetdel", -5, CMD_WRITE | CMD_FAST, hash_hgetdel_run),
    ROW("hgetex", -5, WRITES, hash_hgetex_run),
    ROW("hpersist", -5, CMD_WRITE | CMD_FAST, hash_hpersist_run),
    ROW("hpexpire", -6, WRITES, hash_hpexpire_run),
    ROW("hpexpireat", -6, WRITES, hash_hpexpireat_run),
    ROW("hpexpiretime", -5, FAST_READS, hash_hpexpiretime_run),
    ROW("hpttl", -5, FAST_READS, hash_hpttl_run),
    ROW("hsetex", -6, WRITES, hash_hsetex_run),
    ROW("httl", -5, FAST_READS, hash_httl_run),
    ROW("hexists", 3, FAST_READS, hexists_run),
    ROW("hget", 3, FAST_READS, hget_run),
    ROW("hgetall", 2, READS, hgetall_run),
    ROW("hincrby", 4, WRITES, hash_hincrby_run),
    ROW("hincrbyfloat", 4, WRITES, hash_hincrbyfloat_run),
    ROW("hkeys", 2, READS, hkeys_run),
    ROW("hlen", 2, FAST_READS, hlen_run),
    ROW("hmget", -3, FAST_READS, hmget_run),
    ROW("hmset", -4, WRITES, hmset_run),
    ROW("hrandfield", -2, READS, hash_hrandfield_run),
    ROW("hscan", -3, READS, hscan_run),
    ROW("hset", -4, WRITES, hset_run),
    ROW("hsetnx", 4, WRITES, hsetnx_run),
    ROW("hstrlen", 3, FAST_READS, hstrlen_run),
    ROW("hvals", 2, READS, hvals_run),
    {.name = NULL},
};
