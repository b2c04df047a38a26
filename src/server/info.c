/* info: INFO. A section is a row: its names and a function that writes its
 * lines (info_*.c). Numbers are summed over workers and shards when they are
 * asked for; nobody keeps a sum.
 *
 * Field names and formats are Redis's, since tools read them; what Redis has and
 * this server never will (forks) stands there as zero where tools look for it.
 *
 * Threads: runs on any worker inside the gate; what is read is an atomic
 * counter, or constant since the start, or, where a section wants figures of the
 * shards' own structures, read shard by shard under its lock. */
#include <sys/resource.h>

#include "base/clock.h"
#include "base/number.h"
#include "server/info_priv.h"

/* ---- lines ---- */

void info_number(struct text *t, const char *name, uint64_t v)
{
    text_add(t, "%s:%" PRIu64 "\r\n", name, v);
}

void info_bytes(struct text *t, const char *name, uint64_t v)
{
    char human[32];
    number_format_human(human, sizeof human, v);
    text_add(t, "%s:%" PRIu64 "\r\n%s_human:%s\r\n", name, v, name, human);
}

void info_zeros(struct text *t, const char *const *names)
{
    for (; *names != NULL; names++) {
        text_add(t, "%s:0\r\n", *names);
    }
}

/* ---- sums ---- */

static uint64_t worker_value(const struct server *s, uint32_t i, size_t offset)
{
    const char *w = (const char *)&s->workers[i];
    return counter_get((const struct counter *)(const void *)(w + offset));
}

uint64_t info_sum_workers(const struct server *s, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        sum += worker_value(s, i, offset);
    }
    return sum;
}

uint64_t info_max_workers(const struct server *s, size_t offset)
{
    uint64_t max = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        uint64_t v = worker_value(s, i, offset);
        max = v > max ? v : max;
    }
    return max;
}

uint64_t info_sum_execs(const struct server *s, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const char *st = (const char *)exec_stats(s->workers[i].exec);
        sum += counter_get((const struct counter *)(const void *)(st + offset));
    }
    return sum;
}

uint64_t info_sum_command_ticks(const struct server *s)
{
    uint64_t sum = 0;
    for (uint32_t w = 0; w < s->worker_count; w++) {
        const struct exec_stats *st = exec_stats(s->workers[w].exec);
        for (uint32_t i = 0; i < st->command_count; i++) {
            sum += counter_get(&st->commands[i].ticks);
        }
    }
    return sum;
}

void info_sample(struct server *s)
{
    struct rate_sample now = {
        .at_ms = clock_monotonic_us() / 1000,
        .commands = SUM_EXECS(s, command_total),
        .bytes_in = SUM_WORKERS(s, stats.bytes_in),
        .bytes_out = SUM_WORKERS(s, stats.bytes_out),
        .turns = SUM_WORKERS(s, stats.turns),
        .turns_us = (uint64_t)((double)SUM_WORKERS(s, stats.turn_ticks)
                               / s->ticks_per_us),
    };
    rates_note(&s->rates, &now);
}

/* ---- small sections ---- */

/* There is nothing to save to yet: what tools look for, at rest. */
static void info_persistence(struct info *in)
{
    static const char *const zeros[] = {
        "loading", "async_loading", "current_cow_peak", "current_cow_size",
        "current_cow_size_age", NULL,
    };
    struct text *t = &in->text;
    info_zeros(t, zeros);
    text_add(t, "current_fork_perc:0.00\r\ncurrent_save_keys_processed:0\r\n"
                "current_save_keys_total:0\r\n");
    info_number(t, "rdb_changes_since_last_save",
                SUM_EXECS(in->server, change_total));
    text_add(t, "rdb_bgsave_in_progress:0\r\n");
    text_add(t, "rdb_last_save_time:%" PRId64 "\r\n"
                "rdb_last_bgsave_status:ok\r\nrdb_last_bgsave_time_sec:-1\r\n"
                "rdb_current_bgsave_time_sec:-1\r\n",
             in->server->start_wall_ms / 1000);
    text_add(t, "rdb_saves:0\r\nrdb_last_cow_size:0\r\n"
                "rdb_last_load_keys_expired:0\r\n"
                "rdb_last_load_keys_loaded:0\r\naof_enabled:0\r\n"
                "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n"
                "aof_last_rewrite_time_sec:-1\r\n"
                "aof_current_rewrite_time_sec:-1\r\n"
                "aof_last_bgrewrite_status:ok\r\naof_rewrites:0\r\n"
                "aof_rewrites_consecutive_failures:0\r\n"
                "aof_last_write_status:ok\r\naof_last_cow_size:0\r\n"
                "module_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n");
}

static void info_replication(struct info *in)
{
    struct text *t = &in->text;
    text_add(t, "role:master\r\nconnected_slaves:0\r\n"
                "replicas_waiting_psync:0\r\n"
                "master_failover_state:no-failover\r\nmaster_replid:%s\r\n"
                "master_replid2:%040d\r\n", in->server->replication_id, 0);
    text_add(t, "master_repl_offset:0\r\nsecond_repl_offset:-1\r\n"
                "repl_backlog_active:0\r\nrepl_backlog_size:%" PRId64 "\r\n"
                "repl_backlog_first_byte_offset:0\r\n"
                "repl_backlog_histlen:0\r\n",
             in->server->options.repl_backlog_size);
}

static void add_time(struct text *t, const char *name, struct timeval v)
{
    text_add(t, "%s:%ld.%06ld\r\n", name, (long)v.tv_sec, (long)v.tv_usec);
}

static void info_cpu(struct info *in)
{
    struct text *t = &in->text;
    struct rusage self = {0}, thread = {0};
    (void)getrusage(RUSAGE_SELF, &self);
    (void)getrusage(RUSAGE_THREAD, &thread);
    add_time(t, "used_cpu_sys", self.ru_stime);
    add_time(t, "used_cpu_user", self.ru_utime);
    text_add(t, "used_cpu_sys_children:0.000000\r\n"
                "used_cpu_user_children:0.000000\r\n");
    /* Of the worker that answers. */
    add_time(t, "used_cpu_sys_main_thread", thread.ru_stime);
    add_time(t, "used_cpu_user_main_thread", thread.ru_utime);
}

static void info_modules(struct info *in)
{
    (void)in;
}

static void info_cluster(struct info *in)
{
    text_add(&in->text, "cluster_enabled:0\r\n");
}

/* What only this server has. */
static void info_engram(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    info_number(t, "worker_threads", s->worker_count);
    info_number(t, "shards", store_shard_count(s->store));
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const struct worker *w = &s->workers[i];
        text_add(t, "worker%u:sessions=%" PRIu64 ",commands=%" PRIu64
                    ",turns=%" PRIu64 ",usec=%" PRIu64 "\r\n",
                 i, counter_get(&w->stats.sessions),
                 counter_get(&exec_stats(w->exec)->command_total),
                 counter_get(&w->stats.turns),
                 (uint64_t)((double)counter_get(&w->stats.turn_ticks)
                            / s->ticks_per_us));
    }
    info_number(t, "table_bytes", in->shards.table_bytes);
    info_number(t, "expiry_index_bytes", in->shards.expiry_bytes);
    for (uint32_t i = 0; i < store_database_count(s->store); i++) {
        size_t bytes = store_database_bytes(s->store, i);
        if (bytes > 0) {
            text_add(t, "db%u_bytes:%zu\r\n", i, bytes);
        }
    }
}

/* ---- the command ---- */

enum section_flag {
    IN_DEFAULT = 1, IN_ALL = 2, /* which words mean it, beside its name */
    ASKS_SHARDS = 4,
};

/* In the order in which they are shown. */
static const struct section {
    const char *name, *title;
    unsigned flags;
    void (*write)(struct info *in);
} sections[] = {
    {"server", "Server", IN_DEFAULT | IN_ALL, info_server},
    {"clients", "Clients", IN_DEFAULT | IN_ALL | ASKS_SHARDS, info_clients},
    {"memory", "Memory", IN_DEFAULT | IN_ALL | ASKS_SHARDS, info_memory},
    {"persistence", "Persistence", IN_DEFAULT | IN_ALL, info_persistence},
    {"stats", "Stats", IN_DEFAULT | IN_ALL, info_stats},
    {"replication", "Replication", IN_DEFAULT | IN_ALL, info_replication},
    {"cpu", "CPU", IN_DEFAULT | IN_ALL, info_cpu},
    {"modules", "Modules", IN_DEFAULT, info_modules},
    {"commandstats", "Commandstats", IN_ALL, info_commandstats},
    {"errorstats", "Errorstats", IN_DEFAULT | IN_ALL, info_errorstats},
    {"latencystats", "Latencystats", IN_ALL, info_latencystats},
    {"cluster", "Cluster", IN_DEFAULT | IN_ALL, info_cluster},
    {"keyspace", "Keyspace", IN_DEFAULT | IN_ALL, info_keyspace},
    {"engram", "Engram", IN_DEFAULT | IN_ALL | ASKS_SHARDS, info_engram},
    {"debug", "Debug", 0, info_debug},
};

enum { SECTION_COUNT = sizeof sections / sizeof sections[0] };

static bool is_asked(const struct cmd_ctx *c, const struct section *section)
{
    bool in_default = (section->flags & IN_DEFAULT) != 0;
    bool in_all = (section->flags & IN_ALL) != 0;
    if (c->argc == 1) {
        return in_default;
    }
    for (uint32_t i = 1; i < c->argc; i++) {
        if (ctx_arg_is(c, i, section->name)
            || (in_all && ctx_arg_is(c, i, "all"))
            || ((in_all || in_default) && ctx_arg_is(c, i, "everything"))
            || (in_default && ctx_arg_is(c, i, "default"))) {
            return true;
        }
    }
    return false;
}

static void write_sections(struct cmd_ctx *c, struct info *in)
{
    struct text *t = &in->text;
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (is_asked(c, &sections[i])) {
            text_add(t, "%s# %s\r\n", t->used > 0 ? "\r\n" : "",
                     sections[i].title);
            sections[i].write(in);
        }
    }
    if (t->failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", text_slice(t));
    }
    text_deinit(t);
}

static void info_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct info *in = ctx_scratch(c, sizeof *in);
    bool asks_shards = false;
    if (in == NULL) {
        return;
    }
    *in = (struct info){.server = s, .now_ms = c->now_ms,
                        .text = {.account = &s->account}};
    for (int i = 0; i < SECTION_COUNT; i++) {
        asks_shards |= (sections[i].flags & ASKS_SHARDS) != 0
                       && is_asked(c, &sections[i]);
    }
    if (asks_shards) {
        ctx_walk_from(c, 0, in);
    } else {
        write_sections(c, in);
    }
}

static void count_interest(void *info, struct interest *i)
{
    struct info *in = info;
    in->watched_keys += i->watches != NULL;
    in->awaited_keys += i->waits != NULL;
}

static bool info_step(struct cmd_ctx *c, uint32_t shard)
{
    struct info *in = c->walk_state;
    shard_figures_add(&in->shards, c->store, shard);
    interests_visit(in->server->interests, shard, count_interest, in);
    return true;
}

static void info_end(struct cmd_ctx *c)
{
    write_sections(c, c->walk_state);
}

static const struct cmd_walk info_walk = {.step = info_step, .end = info_end};

/* The house stands still: nobody holds what is read here, or ever will. */
void info_report(struct server *s)
{
    struct info in = {.server = s, .now_ms = clock_wall_us() / 1000,
                      .text = {.account = &s->account}};
    for (uint32_t i = 0; i < store_shard_count(s->store); i++) {
        shard_figures_add(&in.shards, s->store, i);
    }
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (sections[i].flags & IN_DEFAULT) {
            text_add(&in.text, "# %s\r\n", sections[i].title);
            sections[i].write(&in);
        }
    }
    struct slice text = text_slice(&in.text);
    log_write_raw(s->log, text.data, text.len);
    text_deinit(&in.text);
}

const struct cmd_spec info_cmds[] = {
    {.name = "info", .arity = -1, .flags = CMD_LOADING | CMD_STALE,
     .categories = CAT_DANGEROUS, .run = info_run, .walk = &info_walk},
    {.name = NULL},
};
