/* debug_data: DEBUG's looks at keys, tables and whole datasets, and the means to
 * fill a database quickly. */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "server/debug_priv.h"
#include "server/digest.h"
#include "server/text.h"
#include "types/list.h"

/* ---- one key ---- */

/* The live entry argv[2] names, which does not count as a use; else replies. */
static struct entry *find_entry(struct cmd_ctx *c, struct keyspace **ks)
{
    struct key k = store_key(c->store, c->argv[2]);
    *ks = store_keyspace(c->store, store_shard_of(c->store, k.hash),
                         c->database);
    struct entry *e = keyspace_find_live(*ks, &k, c->now_ms);
    if (e == NULL) {
        reply_error(c->reply, "ERR no such key");
    }
    return e;
}

/* What a string takes in a dump: a length of 1, 2 or 5 bytes before the bytes,
 * or an integer of 1, 2 or 4 bytes behind one that says so. */
static size_t dumped_string_bytes(const struct entry *e)
{
    size_t len = string_len(e);
    if (e->encoding <= ENC_INT32) {
        return 1 + ((size_t)1 << e->encoding);
    }
    return len + (len < 64 ? 1 : len < 16384 ? 2 : 5);
}

static void add_sizes(struct cmd_ctx *c, const struct keyspace *ks,
                      const struct entry *e, char *out, size_t cap)
{
    size_t bytes = e->type == TYPE_STRING ? dumped_string_bytes(e)
                                          : keyspace_entry_bytes(ks, e);
    bool is_fast = c->argc == 4 && ctx_arg_is(c, 3, "fast");
    out[0] = '\0';
    if (!is_fast) {
        snprintf(out, cap, " serializedlength:%zu", bytes);
    }
}

/* What the field tells of a quicklist; a chunk counts with the header and the
 * end that it would have as a listpack. */
static void add_chunks(const struct entry *e, char *out, size_t cap)
{
    struct quicklist_figures f;
    out[0] = '\0';
    if (e->type == TYPE_LIST && list_figures_read(e, &f)) {
        snprintf(out, cap,
                 " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%d "
                 "ql_compressed:%d ql_uncompressed_size:%" PRIu64,
                 f.chunk_count,
                 (double)value_count(e) / (double)f.chunk_count, f.chunk_limit,
                 f.depth > 0,
                 f.entry_bytes + f.chunk_count * LISTPACK_EMPTY_BYTES);
    }
}

void debug_object(struct cmd_ctx *c)
{
    struct keyspace *ks;
    const struct entry *e = find_entry(c, &ks);
    char text[512], sizes[64], chunks[160];
    if (e == NULL) {
        return;
    }
    uint32_t idle_s = (uint32_t)(c->now_ms / 1000 - e->access_clock) & 0xffffff;
    add_sizes(c, ks, e, sizes, sizeof sizes);
    add_chunks(e, chunks, sizeof chunks);
    snprintf(text, sizeof text,
             "Value at:%p refcount:1 encoding:%s%s lru:%u lru_seconds_idle:%u "
             "lfu_freq:%u%s",
             (const void *)e, entry_encoding_name(e), sizes, e->access_clock,
             idle_s > 0x7fffff ? 0 : idle_s, keyspace_frequency(ks, e), chunks);
    reply_simple(c->reply, text);
}

void debug_sdslen(struct cmd_ctx *c)
{
    struct keyspace *ks;
    const struct entry *e = find_entry(c, &ks);
    char text[256];
    if (e == NULL) {
        return;
    }
    if (e->type != TYPE_STRING || e->encoding <= ENC_INT64) {
        reply_error(c->reply, "ERR Not an sds encoded string.");
        return;
    }
    /* Key and value lie in one piece of memory, unless the value is large. */
    size_t key_len = entry_key(e).len, len = string_len(e);
    size_t all = keyspace_entry_bytes(ks, e);
    snprintf(text, sizeof text,
             "key_sds_len:%zu, key_sds_avail:0, key_zmalloc:%zu, "
             "val_sds_len:%zu, val_sds_avail:%zu, val_zmalloc:%zu",
             key_len, key_len, len,
             all > key_len + len + sizeof *e ? all - key_len - len - sizeof *e
                                             : 0,
             all - key_len);
    reply_simple(c->reply, text);
}

static void check_encoding(struct cmd_ctx *c, const char *name)
{
    struct keyspace *ks;
    const struct entry *e = find_entry(c, &ks);
    char text[128];
    if (e == NULL) {
        return;
    }
    /* "listpackex" is a listpack too. */
    if (strncmp(entry_encoding_name(e), name, strlen(name)) != 0) {
        reply_errorf(c->reply, "ERR Not a %s encoded object.", name);
        return;
    }
    snprintf(text, sizeof text, "%s of %zu bytes", name,
             keyspace_entry_bytes(ks, e));
    reply_simple(c->reply, text);
}

void debug_listpack(struct cmd_ctx *c)
{
    check_encoding(c, "listpack");
}

void debug_quicklist(struct cmd_ctx *c)
{
    check_encoding(c, "quicklist");
}

/* ---- POPULATE ---- */

static bool parse_positive(struct cmd_ctx *c, uint32_t i, int64_t *out)
{
    if (number_parse_int64(c->argv[i], out) && *out >= 0) {
        return true;
    }
    reply_error(c->reply, "ERR value is out of range, must be positive");
    return false;
}

/* One key, unless it is there; false: out of memory. */
static bool populate_one(struct cmd_ctx *c, struct slice name,
                         struct slice value)
{
    struct key k = store_key(c->store, name);
    struct keyspace *ks = store_keyspace_make(
        c->store, store_shard_of(c->store, k.hash), c->database);
    if (ks == NULL) {
        return false;
    }
    return keyspace_find(ks, &k) != NULL
           || keyspace_set_string(ks, &k, value, DEADLINE_NONE) == ST_OK;
}

static bool populate(struct cmd_ctx *c, int64_t count, struct slice prefix,
                     size_t size, char *name, char *value, size_t value_cap)
{
    for (int64_t i = 0; i < count; i++) {
        /* The store knows the last key by where its name lies: two names take
         * turns, so that none is taken for the one before. */
        char *at = name + (i & 1) * (prefix.len + NUMBER_INT64_TEXT_MAX + 2);
        memcpy(at, prefix.data, prefix.len);
        at[prefix.len] = ':';
        size_t len = prefix.len + 1
                     + number_format_int64(at + prefix.len + 1, i);
        size_t value_len = (size_t)snprintf(value, value_cap, "value:%lld",
                                            (long long)i);
        value_len = value_len < value_cap ? value_len : value_cap - 1;
        value[value_len] = '\0';
        if (!populate_one(c, slice_of(at, len),
                          slice_of(value, size > 0 ? size : value_len))) {
            return false;
        }
    }
    return true;
}

void debug_populate(struct cmd_ctx *c)
{
    enum { VALUE_MIN = 64 };
    int64_t count, size = 0;
    struct slice prefix = c->argc >= 4 ? c->argv[3] : SLICE_LIT("key");
    if (c->argc > 5) {
        ctx_error_syntax(c);
        return;
    }
    if (!parse_positive(c, 2, &count)
        || (c->argc == 5 && !parse_positive(c, 4, &size))) {
        return;
    }
    if ((uint64_t)size > ctx_string_max(c)) {
        reply_error(c->reply, "ERR value is out of range");
        return;
    }
    size_t value_cap = (size_t)size + VALUE_MIN;
    char *name = ctx_scratch(c, 2 * (prefix.len + NUMBER_INT64_TEXT_MAX + 2));
    char *value = name == NULL ? NULL : ctx_scratch(c, value_cap);
    if (value == NULL) {
        return;
    }
    memset(value, 0, value_cap);
    if (populate(c, count, prefix, (size_t)size, name, value, value_cap)) {
        reply_ok(c->reply);
    } else {
        ctx_error_status(c, ST_NOMEM);
    }
}

/* ---- tables ---- */

/* A table takes several shapes at once: the sums say what all of them hold. */
static void add_table(struct text *t, const struct table_stats *sum,
                      bool is_full)
{
    if (sum->entry_count == 0) {
        text_add(t, "No stats available for empty dictionaries\n");
        return;
    }
    text_add(t, "Hash table 0 stats (main hash table):\n table size: %zu\n"
                " number of entries: %zu\n", sum->slot_count, sum->entry_count);
    if (is_full) {
        text_add(t, " segments: %zu\n buckets: %zu\n displaced: %zu (%.2f%%)\n"
                    " directory depth: %u\n",
                 sum->segment_count, sum->bucket_count, sum->displaced,
                 (double)sum->displaced * 100 / (double)sum->entry_count,
                 sum->depth_max);
    }
}

static void sum_tables(struct cmd_ctx *c, uint32_t db, struct table_stats *sum,
                       struct table_stats *expires)
{
    *sum = *expires = (struct table_stats){0};
    for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
        const struct keyspace *ks = store_keyspace(c->store, i, db);
        struct table_stats one;
        if (ks == NULL) {
            continue;
        }
        keyspace_table_stats(ks, &one);
        sum->entry_count += one.entry_count;
        sum->segment_count += one.segment_count;
        sum->bucket_count += one.bucket_count;
        sum->slot_count += one.slot_count;
        sum->displaced += one.displaced;
        sum->depth_max = one.depth_max > sum->depth_max ? one.depth_max
                                                        : sum->depth_max;
        expires->entry_count += keyspace_deadline_count(ks);
        expires->slot_count += keyspace_expiry_records(ks);
    }
}

void debug_htstats(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct table_stats sum, expires;
    struct text t = {.account = &s->account};
    int64_t db;
    bool is_full = c->argc == 4 && ctx_arg_is(c, 3, "full");
    if (c->argc > 4) {
        ctx_error_syntax(c);
        return;
    }
    if (!ctx_arg_int(c, 2, &db)) {
        return;
    }
    if (db < 0 || db >= store_database_count(c->store)) {
        reply_error(c->reply, "ERR Out of range database");
        return;
    }
    sum_tables(c, (uint32_t)db, &sum, &expires);
    text_add(&t, "[Dictionary HT]\n");
    add_table(&t, &sum, is_full);
    text_add(&t, "[Expires HT]\n");
    add_table(&t, &expires, false);
    if (t.failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", text_slice(&t));
    }
    text_deinit(&t);
}

void debug_htstats_key(struct cmd_ctx *c)
{
    struct keyspace *ks;
    if (find_entry(c, &ks) != NULL) {
        reply_error(c->reply, "ERR The value stored at the specified key is "
                              "not represented using an hash table");
    }
}

/* ---- digests ---- */

struct digest_walk {
    struct digest sum;
    uint32_t database;
    int64_t now_ms;
    bool is_unknown; /* a value could not be mixed in */
};

static void add_entry(void *walk, const struct entry *e)
{
    struct digest_walk *w = walk;
    struct digest d = {{0}};
    if (entry_deadline_ms(e) <= w->now_ms) {
        return;
    }
    digest_mix(&d, slice_of(&w->database, sizeof w->database));
    digest_mix(&d, entry_key(e));
    w->is_unknown |= !digest_mix_value(&d, e);
    if (entry_has_deadline(e)) {
        digest_mix(&d, SLICE_LIT("expires"));
    }
    digest_add(&w->sum, &d);
}

static void reply_digest(struct cmd_ctx *c, const struct digest *d)
{
    char text[DIGEST_TEXT_LEN + 1];
    digest_format(d, text);
    reply_simple(c->reply, text);
}

#define DIGEST_UNKNOWN_TEXT "ERR a value of a type that has no digest"

void debug_digest(struct cmd_ctx *c)
{
    struct digest_walk w = {.now_ms = c->now_ms};
    for (uint32_t db = 0; db < store_database_count(c->store); db++) {
        w.database = db;
        for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
            const struct keyspace *ks = store_keyspace(c->store, i, db);
            uint64_t cursor = 0;
            do {
                cursor = keyspace_scan(ks, cursor, add_entry, &w);
            } while (cursor != 0);
        }
    }
    if (w.is_unknown) {
        reply_error(c->reply, DIGEST_UNKNOWN_TEXT);
    } else {
        reply_digest(c, &w.sum);
    }
}

void debug_digest_value(struct cmd_ctx *c)
{
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        struct key k = store_key(c->store, c->argv[i]);
        struct keyspace *ks = store_keyspace(
            c->store, store_shard_of(c->store, k.hash), c->database);
        const struct entry *e = keyspace_find_live(ks, &k, c->now_ms);
        struct digest d = {{0}};
        if (e != NULL && !digest_mix_value(&d, e)) {
            reply_error(c->reply, DIGEST_UNKNOWN_TEXT);
            continue;
        }
        reply_digest(c, &d);
    }
}

/* ---- CHECK ---- */

/* Asserts every shard's invariants: slow, for tests. */
void debug_check(struct cmd_ctx *c)
{
    for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
        for (uint32_t db = 0; db < store_database_count(c->store); db++) {
            struct keyspace *ks = store_keyspace(c->store, i, db);
            if (ks != NULL) {
                keyspace_check(ks);
            }
        }
    }
    reply_ok(c->reply);
}
