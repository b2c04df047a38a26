/* scan: the commands that go over whole keyspaces: SCAN, KEYS, RANDOMKEY.
 *
 * A SCAN cursor is the shard in the high bits and the position in that shard's
 * table in the low SCAN_POSITION_BITS. Both are stateless, so is the cursor: it
 * stays good over any growth, shrinking and restart with as many shards. */
#include "commands/generic_priv.h"
#include "commands/member_scan.h"

#include "base/number.h"

enum {
    SCAN_POSITION_BITS = TABLE_POSITION_BITS,
    SCAN_COUNT_INITIAL = 10,
    /* Buckets a call looks at for each key that it was asked for, so that a
     * sparse table does not hold a shard for long. */
    SCAN_BUCKETS_A_KEY = 10,
    RANDOM_TRIES_MAX = 128,
    TYPE_SHOWN_MAX = 128, /* of an unknown type's name */
    EXPIRED_MAX = 32, /* noted while one bucket is looked at */
};

/* What an entry must be like to be named. */
struct key_filter {
    struct slice pattern; /* data NULL: any */
    const char *type;     /* NULL: any; else the type's name */
    int64_t now_ms;
    struct reply *reply;
    uint64_t seen_count, named_count;
    /* Those among them that have expired; more than these are left. */
    struct slice expired[EXPIRED_MAX];
    uint32_t expired_count;
};

/* A star alone takes the empty name too, which no other pattern with a star
 * does. */
static struct slice pattern_of(struct slice word)
{
    bool is_any = word.len == 1 && word.data[0] == '*';
    return is_any ? (struct slice){0} : word;
}

static void name_if_wanted(void *self, const struct entry *e)
{
    struct key_filter *f = self;
    struct slice name = entry_key(e);
    f->seen_count++;
    if (f->type != NULL
        && strcmp(f->type, value_type_name((enum value_type)e->type)) != 0) {
        return;
    }
    if (f->pattern.data != NULL
        && !slice_match_glob(f->pattern, name, false)) {
        return;
    }
    if (entry_deadline_ms(e) <= f->now_ms) {
        if (f->expired_count < EXPIRED_MAX) {
            f->expired[f->expired_count++] = name;
        }
        return;
    }
    reply_bulk(f->reply, name);
    f->named_count++;
}

/* ---- SCAN ---- */

struct scan_state {
    struct key_filter filter;
    struct reply_deferred deferred;
    uint64_t position, cursor;
    uint64_t count, buckets_left;
};

/* NULL: there is no such type. */
static const char *type_named(struct slice word)
{
    for (int t = 0; t < VALUE_TYPE_COUNT; t++) {
        const char *name = value_type_name((enum value_type)t);
        if (slice_equal_nocase(word, name)) {
            return name;
        }
    }
    return NULL;
}

static bool parse_type(struct cmd_ctx *c, struct slice word,
                       struct scan_state *s)
{
    s->filter.type = type_named(word);
    if (s->filter.type == NULL) {
        size_t len = word.len < TYPE_SHOWN_MAX ? word.len : TYPE_SHOWN_MAX;
        reply_errorf(c->reply, "ERR unknown type name '%.*s'", (int)len,
                     (const char *)word.data);
        return false;
    }
    return true;
}

static bool parse_scan(struct cmd_ctx *c, struct scan_state *s)
{
    int64_t count = SCAN_COUNT_INITIAL;
    for (uint32_t i = 2; i < c->argc; i += 2) {
        if (i + 1 == c->argc) {
            ctx_error_syntax(c);
            return false;
        }
        if (ctx_arg_is(c, i, "count")) {
            if (!ctx_arg_int(c, i + 1, &count)) {
                return false;
            }
            if (count < 1) {
                ctx_error_syntax(c);
                return false;
            }
        } else if (ctx_arg_is(c, i, "match")) {
            s->filter.pattern = pattern_of(c->argv[i + 1]);
        } else if (ctx_arg_is(c, i, "type")) {
            if (!parse_type(c, c->argv[i + 1], s)) {
                return false;
            }
        } else {
            ctx_error_syntax(c);
            return false;
        }
    }
    s->count = (uint64_t)count;
    s->buckets_left = s->count > UINT64_MAX / SCAN_BUCKETS_A_KEY
                          ? UINT64_MAX : s->count * SCAN_BUCKETS_A_KEY;
    return true;
}

void scan_run(struct cmd_ctx *c)
{
    struct scan_state *s;
    uint64_t cursor, shard;

    if (!number_parse_uint64(c->argv[1], &cursor)) {
        reply_error(c->reply, "ERR invalid cursor");
        return;
    }
    s = ctx_scratch(c, sizeof *s);
    if (s == NULL) {
        return;
    }
    *s = (struct scan_state){0};
    if (!parse_scan(c, s)) {
        return;
    }
    shard = cursor >> SCAN_POSITION_BITS;
    if (shard >= store_shard_count(c->store)) {
        scan_reply_empty(c->reply);
        return;
    }
    s->position = cursor & (((uint64_t)1 << SCAN_POSITION_BITS) - 1);
    s->filter.now_ms = c->now_ms;
    s->filter.reply = c->reply;
    reply_deferred_begin(c->reply, &s->deferred);
    ctx_walk_from(c, (uint32_t)shard, s);
}

/* What has expired goes when it is met, as it does when it is read. */
static void drop_expired(struct cmd_ctx *c, struct key_filter *f)
{
    for (uint32_t i = 0; i < f->expired_count; i++) {
        struct key k = store_key(c->store, f->expired[i]);
        (void)ctx_peek(c, &k);
    }
    f->expired_count = 0;
}

static bool scan_step(struct cmd_ctx *c, uint32_t shard)
{
    struct scan_state *s = c->walk_state;
    struct keyspace *ks = store_keyspace(c->store, shard, c->database);
    bool is_enough = false;

    while (ks != NULL && !is_enough) {
        s->position = keyspace_scan(ks, s->position, name_if_wanted,
                                    &s->filter);
        drop_expired(c, &s->filter);
        s->buckets_left--;
        is_enough = s->filter.seen_count >= s->count || s->buckets_left == 0
                    || c->reply->out->failed;
        if (s->position == 0) {
            break;
        }
    }
    if (ks != NULL && s->position != 0) {
        s->cursor = (uint64_t)shard << SCAN_POSITION_BITS | s->position;
        return false;
    }
    s->position = 0;
    if (shard + 1 == store_shard_count(c->store)) {
        s->cursor = 0;
        return false;
    }
    s->cursor = (uint64_t)(shard + 1) << SCAN_POSITION_BITS;
    return !is_enough;
}

static void scan_end(struct cmd_ctx *c)
{
    struct scan_state *s = c->walk_state;
    scan_reply_end(c->reply, &s->deferred, s->cursor,
                   (int64_t)s->filter.named_count);
}

const struct cmd_walk scan_walk = {.step = scan_step, .end = scan_end};

/* ---- KEYS ---- */

void keys_run(struct cmd_ctx *c)
{
    uint32_t shards = store_shard_count(c->store);
    struct reply_deferred deferred;
    struct key_filter f = {.pattern = pattern_of(c->argv[1]),
                           .now_ms = c->now_ms, .reply = c->reply};

    reply_deferred_begin(c->reply, &deferred);
    for (uint32_t i = 0; i < shards; i++) {
        struct keyspace *ks = store_keyspace(c->store, i, c->database);
        uint64_t position = 0;
        if (ks == NULL) {
            continue;
        }
        do {
            position = keyspace_scan(ks, position, name_if_wanted, &f);
        } while (position != 0 && !c->reply->out->failed);
    }
    reply_deferred_array(c->reply, &deferred, (int64_t)f.named_count);
}

/* ---- RANDOMKEY ---- */

/* The keyspace of the n-th key of the database, counted over its shards. */
static struct keyspace *keyspace_of_nth(struct cmd_ctx *c, uint64_t n)
{
    uint32_t shards = store_shard_count(c->store);
    for (uint32_t i = 0; i < shards; i++) {
        struct keyspace *ks = store_keyspace(c->store, i, c->database);
        size_t count = ks == NULL ? 0 : keyspace_count(ks);
        if (n < count) {
            return ks;
        }
        n -= count;
    }
    return NULL;
}

void randomkey_run(struct cmd_ctx *c)
{
    uint64_t total = store_database_size(c->store, c->database);
    for (int i = 0; total > 0 && i < RANDOM_TRIES_MAX; i++) {
        struct keyspace *ks;
        struct entry *e;
        ks = keyspace_of_nth(c, random_below(c->random, total));
        e = ks == NULL ? NULL : keyspace_random(ks, c->random);
        if (e != NULL && entry_deadline_ms(e) > c->now_ms) {
            reply_bulk(c->reply, entry_key(e));
            return;
        }
    }
    reply_null(c->reply);
}
