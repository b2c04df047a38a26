/* memory_cmds: MEMORY: what one key takes, what all of it goes to, and what
 * may be wrong with that. */
#include <stdio.h>

#include "base/number.h"
#include "server/info_priv.h"

enum {
    SLOT_BYTES = 8, /* an entry's place in its table */
    MEBI = 1024 * 1024,
};

/* ---- USAGE ---- */

/* SAMPLES is taken for the callers that know it: the answer is exact, however
 * few elements one wants looked at. */
static bool parse_samples(struct cmd_ctx *c)
{
    int64_t samples;
    for (uint32_t i = 3; i < c->argc; i += 2) {
        if (!ctx_arg_is(c, i, "samples") || i + 1 == c->argc) {
            ctx_error_syntax(c);
            return false;
        }
        if (!ctx_arg_int(c, i + 1, &samples)) {
            return false;
        }
        if (samples < 0) {
            ctx_error_syntax(c);
            return false;
        }
    }
    return true;
}

static void memory_usage_run(struct cmd_ctx *c)
{
    if (!parse_samples(c)) {
        return;
    }
    const struct entry *e = ctx_peek(c, &c->keys[0]);
    if (e == NULL) {
        reply_null(c->reply);
        return;
    }
    const struct keyspace *ks = ctx_keyspace(c, c->database, &c->keys[0]);
    reply_int(c->reply, (int64_t)keyspace_entry_bytes(ks, e) + SLOT_BYTES);
}

/* ---- figures ---- */

/* With all shards held. */
static void read_figures(struct cmd_ctx *c, struct memory_figures *m,
                         struct shard_figures *shards)
{
    *shards = (struct shard_figures){0};
    for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
        shard_figures_add(shards, c->store, i);
    }
    memory_figures_read(c->host, shards, m);
}

static double ratio(size_t a, size_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

/* ---- STATS ---- */

static void stat_int(struct reply *r, const char *name, size_t v)
{
    reply_bulk_text(r, name);
    reply_int(r, (int64_t)v);
}

static void stat_double(struct reply *r, const char *name, double v)
{
    reply_bulk_text(r, name);
    reply_double(r, v);
}

/* "x.ratio" and "x.bytes": a over b. */
static void stat_ratio(struct reply *r, const char *name, size_t a, size_t b)
{
    char text[64];
    snprintf(text, sizeof text, "%s.ratio", name);
    stat_double(r, text, ratio(a, b));
    snprintf(text, sizeof text, "%s.bytes", name);
    reply_bulk_text(r, text);
    reply_int(r, (int64_t)a - (int64_t)b);
}

/* False: nothing is stored there. */
static bool stat_database(struct cmd_ctx *c, uint32_t db)
{
    struct reply *r = c->reply;
    size_t table = 0, expiry = 0;
    char name[32];
    if (store_database_size(c->store, db) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
        const struct keyspace *ks = store_keyspace(c->store, i, db);
        if (ks != NULL) {
            table += keyspace_table_bytes(ks);
            expiry += keyspace_expiry_bytes(ks);
        }
    }
    snprintf(name, sizeof name, "db.%u", db);
    reply_bulk_text(r, name);
    reply_map(r, 2);
    stat_int(r, "overhead.hashtable.main", table);
    stat_int(r, "overhead.hashtable.expires", expiry);
    return true;
}

static void stat_allocator(struct reply *r, const struct memory_figures *m)
{
    stat_double(r, "dataset.percentage", m->dataset_percent);
    stat_double(r, "peak.percentage", m->peak_percent);
    stat_int(r, "allocator.allocated", m->allocated);
    stat_int(r, "allocator.active", m->active);
    stat_int(r, "allocator.resident", m->resident);
    stat_int(r, "allocator.muzzy", 0);
    stat_ratio(r, "allocator-fragmentation", m->active, m->allocated);
    stat_ratio(r, "allocator-rss", m->resident, m->active);
    stat_ratio(r, "rss-overhead", m->rss, m->resident);
    stat_double(r, "fragmentation", ratio(m->rss, m->used));
    reply_bulk_text(r, "fragmentation.bytes");
    reply_int(r, (int64_t)m->rss - (int64_t)m->used);
}

enum { STATS_BEFORE = 10, STATS_BEHIND = 21 };

static void memory_stats_run(struct cmd_ctx *c)
{
    struct reply *r = c->reply;
    struct memory_figures m;
    struct shard_figures shards;
    struct reply_deferred deferred;
    size_t keys = 0;
    int64_t databases = 0;
    read_figures(c, &m, &shards);
    reply_deferred_begin(r, &deferred);
    stat_int(r, "peak.allocated", m.peak);
    stat_int(r, "total.allocated", m.used);
    stat_int(r, "startup.allocated", m.startup);
    stat_int(r, "replication.backlog", 0);
    stat_int(r, "clients.slaves", 0);
    stat_int(r, "clients.normal", m.clients);
    stat_int(r, "cluster.links", 0);
    stat_int(r, "aof.buffer", 0);
    stat_int(r, "lua.caches", 0);
    stat_int(r, "functions.caches", 0);
    for (uint32_t db = 0; db < store_database_count(c->store); db++) {
        databases += stat_database(c, db);
        keys += store_database_size(c->store, db);
    }
    stat_int(r, "overhead.db.hashtable.lut", shards.table_bytes);
    stat_int(r, "overhead.db.hashtable.rehashing", 0);
    stat_int(r, "overhead.total", m.overhead);
    stat_int(r, "db.dict.rehashing.count", 0);
    stat_int(r, "keys.count", keys);
    stat_int(r, "keys.bytes-per-key",
             keys == 0 || m.used < m.startup ? 0 : (m.used - m.startup) / keys);
    stat_int(r, "dataset.bytes", m.dataset);
    stat_allocator(r, &m);
    reply_deferred_map(r, &deferred, STATS_BEFORE + STATS_BEHIND + databases);
}

/* ---- DOCTOR ---- */

/* One finding: what is found when `a` is more than `times` b and by more than
 * `bytes`. */
static bool is_over(size_t a, size_t b, double times, size_t bytes)
{
    return (double)a > (double)b * times && a > b + bytes;
}

static void add_findings(struct text *t, const struct server *s,
                         const struct memory_figures *m)
{
    uint64_t sessions = SUM_WORKERS(s, stats.sessions);
    if (is_over(m->peak, m->used, 1.5, 0)) {
        text_add(t, "* The peak was more than half again of what is used now: "
                    "the resident set may stay as large as it was then. "
                    "MEMORY PURGE gives back what is free.\n");
    }
    if (is_over(m->rss, m->used, 1.4, 10 * MEBI)) {
        text_add(t, "* The process holds %.2f times what is used.\n",
                 ratio(m->rss, m->used));
    }
    if (is_over(m->active, m->allocated, 1.1, 10 * MEBI)) {
        text_add(t, "* Pages are only partly filled (%.2f times what is in "
                    "them): values of changing sizes do that. They are "
                    "compacted in the background.\n",
                 ratio(m->active, m->allocated));
    }
    if (is_over(m->resident, m->active, 1.1, 10 * MEBI)) {
        text_add(t, "* Free pages have not gone back to the system (%.2f times "
                    "those in use). MEMORY PURGE hurries that.\n",
                 ratio(m->resident, m->active));
    }
    if (is_over(m->rss, m->resident, 1.1, 10 * MEBI)) {
        text_add(t, "* Something beside the allocator holds memory (%.2f times "
                    "the allocator's).\n", ratio(m->rss, m->resident));
    }
    if (sessions > 0 && m->clients / sessions > 200 * 1024) {
        text_add(t, "* Sessions hold %zu KB each on average: replies that are "
                    "not read, or requests that do not end. "
                    "client-output-buffer-limit bounds it; CLIENT LIST names "
                    "them.\n", m->clients / sessions / 1024);
    }
}

static void memory_doctor_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct memory_figures m;
    struct shard_figures shards;
    struct text t = {.account = &s->account};
    read_figures(c, &m, &shards);
    if (m.used - (m.used < m.startup ? m.used : m.startup) < 5 * MEBI) {
        text_add(&t, "There is too little data here to judge its memory by.\n");
    } else {
        add_findings(&t, s, &m);
        if (t.used == 0) {
            text_add(&t, "The memory is in order.\n");
        }
    }
    if (t.failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", text_slice(&t));
    }
    text_deinit(&t);
}

/* ---- MALLOC-STATS, PURGE ---- */

static void add_report(void *text, const char *piece)
{
    text_add_slice(text, slice_of_text(piece));
}

static void memory_malloc_stats_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct pages_stats pages;
    struct text t = {.account = &s->account};
    pages_stats_read(s->pages, &pages);
    text_add(&t, "allocator: %s\npages in use: %zu bytes\n"
                 "pages resident: %zu bytes\n",
             mem_allocator_name(), pages.used_bytes, pages.resident_bytes);
    mem_report(add_report, &t);
    if (t.failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", text_slice(&t));
    }
    text_deinit(&t);
}

/* The housekeeper gives pages back as well, but keeps some for what comes. */
static void memory_purge_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    mem_purge();
    (void)pages_trim(s->pages, SIZE_MAX / 2);
    reply_ok(c->reply);
}

/* ---- the rows ---- */

static void memory_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DOCTOR",
        "    Say what may be wrong with the use of memory.",
        "MALLOC-STATS",
        "    Show the allocator's own report.",
        "PURGE",
        "    Give free pages back to the system.",
        "STATS",
        "    Show what the memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    Say how many bytes a key and its value take. The number is exact;",
        "    SAMPLES is accepted and changes nothing.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

static const struct cmd_spec memory_subcommands[] = {
    {.name = "doctor", .arity = 2, .flags = CMD_ALL_SHARDS,
     .run = memory_doctor_run},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .run = memory_help_run},
    {.name = "malloc-stats", .arity = 2, .flags = CMD_LOADING,
     .run = memory_malloc_stats_run},
    {.name = "purge", .arity = 2, .flags = CMD_LOADING,
     .run = memory_purge_run},
    {.name = "stats", .arity = 2, .flags = CMD_ALL_SHARDS,
     .run = memory_stats_run},
    {.name = "usage", .arity = -3, .flags = CMD_READONLY, .keys = KEYS_AT(2),
     .run = memory_usage_run},
    {.name = NULL},
};

const struct cmd_spec memory_cmds[] = {
    {.name = "memory", .arity = -2, .subcommands = memory_subcommands},
    {.name = NULL},
};
