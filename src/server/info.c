/* info: INFO. A section is a row: its names and a function that writes its
 * lines. Numbers are summed over workers and shards when they are asked for;
 * nobody keeps a sum.
 *
 * Field names and formats are Redis's, since tools read them; what Redis has and
 * this server never will (forks) stands there as zero where tools look for it.
 *
 * Threads: runs on any worker inside the gate; everything read here is an
 * atomic counter, or constant since the start. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "server/server_priv.h"
#include "server/version.h"

/* ---- the text ---- */

struct text {
    struct mem_account *account;
    char *bytes;
    size_t used, cap;
    bool failed;
};

static bool text_reserve(struct text *t, size_t n)
{
    size_t cap = t->cap == 0 ? 8192 : t->cap;
    char *bytes;
    while (cap - t->used < n) {
        cap *= 2;
    }
    if (cap == t->cap) {
        return true;
    }
    bytes = mem_realloc(t->account, t->bytes, cap);
    if (bytes == NULL) {
        t->failed = true;
        return false;
    }
    t->bytes = bytes;
    t->cap = cap;
    return true;
}

enum { INFO_LINE_MAX = 4096 + 256 }; /* a path and its name */

static void add(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
    va_list args;
    int n;
    if (t->failed || !text_reserve(t, INFO_LINE_MAX)) {
        return;
    }
    va_start(args, format);
    n = vsnprintf(t->bytes + t->used, INFO_LINE_MAX, format, args);
    va_end(args);
    assert(n >= 0);
    t->used += n < INFO_LINE_MAX ? (size_t)n : INFO_LINE_MAX - 1;
}

static void add_number(struct text *t, const char *name, uint64_t v)
{
    add(t, "%s:%" PRIu64 "\r\n", name, v);
}

/* name:123 and name_human:0.12K */
static void add_bytes(struct text *t, const char *name, uint64_t v)
{
    char human[32];
    number_format_human(human, sizeof human, v);
    add(t, "%s:%" PRIu64 "\r\n%s_human:%s\r\n", name, v, name, human);
}

/* Names that are there for the tools that read them. */
static void add_zeros(struct text *t, const char *const *names)
{
    for (; *names != NULL; names++) {
        add(t, "%s:0\r\n", *names);
    }
}

/* ---- sums ---- */

#define SUM_WORKERS(s, field) \
    sum_workers((s), offsetof(struct worker, field))

static uint64_t sum_workers(const struct server *s, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const char *w = (const char *)&s->workers[i];
        sum += counter_get((const struct counter *)(const void *)(w + offset));
    }
    return sum;
}

static uint64_t sum_commands(const struct server *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        sum += counter_get(&exec_stats(s->workers[i].exec)->command_total);
    }
    return sum;
}

static uint64_t sum_errors(const struct server *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        sum += counter_get(&exec_stats(s->workers[i].exec)->error_total);
    }
    return sum;
}

void info_sample(struct server *s)
{
    struct rate_sample now = {
        .at_ms = clock_monotonic_us() / 1000,
        .commands = sum_commands(s),
        .bytes_in = SUM_WORKERS(s, stats.bytes_in),
        .bytes_out = SUM_WORKERS(s, stats.bytes_out),
    };
    rates_note(&s->rates, &now);
}

/* ---- sections ---- */

/* What a section may use. */
struct info {
    struct server *server;
    struct text text;
    int64_t now_ms;
};

static void add_server(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    struct utsname os;
    int64_t up_s = (in->now_ms - s->start_wall_ms) / 1000;
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    if (uname(&os) != 0) {
        os = (struct utsname){0};
    }
    add(t, "redis_version:%s\r\nengram_version:%s\r\n", SERVER_REDIS_VERSION,
        SERVER_ENGRAM_VERSION);
    add(t, "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\n"
           "redis_build_id:0\r\nredis_mode:standalone\r\n");
    add(t, "os:%s %s %s\r\narch_bits:%zu\r\n", os.sysname, os.release,
        os.machine, sizeof(void *) * 8);
    add(t, "monotonic_clock:POSIX clock_gettime\r\nmultiplexing_api:%s\r\n",
        s->io_engine);
    add(t, "atomicvar_api:c11-builtin\r\ngcc_version:%d.%d.%d\r\n", __GNUC__,
        __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
    add(t, "process_id:%ld\r\nprocess_supervised:no\r\nrun_id:%s\r\n",
        (long)getpid(), s->run_id);
    add(t, "tcp_port:%" PRId64 "\r\nserver_time_usec:%" PRId64 "\r\n",
        s->options.port, clock_wall_us());
    add(t, "uptime_in_seconds:%" PRId64 "\r\nuptime_in_days:%" PRId64 "\r\n",
        up_s, up_s / 86400);
    lock_acquire(&s->config_lock);
    add(t, "hz:%" PRId64 "\r\nconfigured_hz:%" PRId64 "\r\n", s->options.hz,
        s->options.hz);
    lock_release(&s->config_lock);
    add(t, "lru_clock:%" PRId64 "\r\n", in->now_ms / 1000 & 0xffffff);
    add(t, "executable:%s\r\nconfig_file:%s\r\n", program,
        s->config_path != NULL ? s->config_path : "");
    add(t, "io_threads_active:0\r\nworker_threads:%u\r\nshards:%u\r\n",
        s->worker_count, store_shard_count(s->store));
}

static void add_clients(struct info *in)
{
    static const char *const zeros[] = {
        "client_recent_max_input_buffer", "client_recent_max_output_buffer",
        "blocked_clients", "tracking_clients", "clients_in_timeout_table",
        "total_blocking_keys", "total_blocking_keys_on_nokey", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    add_number(t, "connected_clients", SUM_WORKERS(s, stats.sessions));
    add(t, "cluster_connections:0\r\n");
    add_number(t, "maxclients",
               atomic_load_explicit(&s->max_clients, memory_order_relaxed));
    add_zeros(t, zeros);
}

/* A part of a whole in percent; 0 of nothing is nothing. */
static double percent(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part * 100 / (double)whole;
}

static double ratio(size_t a, size_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

static void add_ratio(struct text *t, const char *name, size_t a, size_t b)
{
    add(t, "%s_ratio:%.2f\r\n%s_bytes:%" PRId64 "\r\n", name, ratio(a, b), name,
        (int64_t)a - (int64_t)b);
}

/* Bytes of each database that has any. */
static void add_database_bytes(struct info *in)
{
    struct store *store = in->server->store;
    for (uint32_t i = 0; i < store_database_count(store); i++) {
        size_t bytes = store_database_bytes(store, i);
        if (bytes > 0) {
            add(&in->text, "used_memory_db%u:%zu\r\n", i, bytes);
        }
    }
}

static void add_used_memory(struct info *in, const struct mem_stats *m,
                            size_t used)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    struct store_stats st;
    uint64_t peak = server_used_memory_peak(s);
    size_t overhead, dataset;
    peak = used > peak ? used : peak;
    store_stats_read(s->store, &st);
    dataset = st.data_bytes < used ? st.data_bytes : used;
    overhead = used - dataset;
    add_bytes(t, "used_memory", used);
    add_bytes(t, "used_memory_rss", m->rss);
    add_bytes(t, "used_memory_peak", peak);
    add(t, "used_memory_peak_perc:%.2f%%\r\n", percent(used, peak));
    add_number(t, "used_memory_overhead", overhead);
    add_number(t, "used_memory_startup", s->startup_bytes);
    add_number(t, "used_memory_dataset", dataset);
    add(t, "used_memory_dataset_perc:%.2f%%\r\n",
        percent(dataset, used > s->startup_bytes ? used - s->startup_bytes
                                                 : used));
    add_number(t, "allocator_allocated", m->allocated);
    add_number(t, "allocator_active", m->active);
    add_number(t, "allocator_resident", m->resident);
    add_number(t, "lazyfree_pending_bytes", st.reclaim_bytes);
}

static void add_scripts(struct text *t)
{
    static const char *const zeros[] = {
        "used_memory_vm_eval", "used_memory_scripts_eval",
        "number_of_cached_scripts", "number_of_functions",
        "number_of_libraries", "used_memory_vm_functions", NULL,
    };
    add_bytes(t, "used_memory_lua", 0);
    add_zeros(t, zeros);
    add_bytes(t, "used_memory_vm_total", 0);
    add_number(t, "used_memory_functions", 0);
    add_bytes(t, "used_memory_scripts", 0);
}

static void add_memory(struct info *in)
{
    static const char *const zeros[] = {
        "mem_not_counted_for_evict", "mem_replication_backlog",
        "mem_total_replication_buffers", "mem_clients_slaves", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    struct mem_stats m;
    size_t used = server_used_memory(s), clients = 0;
    char policy[64];
    const struct option *row = option_find(SLICE_LIT("maxmemory-policy"));

    mem_stats_read(&m);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        clients += mem_used(&s->workers[i].account);
    }
    lock_acquire(&s->config_lock);
    (void)options_get_row(&s->options, row, policy, sizeof policy);
    lock_release(&s->config_lock);
    add_used_memory(in, &m, used);
    add_bytes(t, "total_system_memory",
              (uint64_t)sysconf(_SC_PHYS_PAGES)
                  * (uint64_t)sysconf(_SC_PAGESIZE));
    add_scripts(t);
    add_bytes(t, "maxmemory",
              atomic_load_explicit(&s->memory_limit, memory_order_relaxed));
    add(t, "maxmemory_policy:%s\r\n", policy);
    add_ratio(t, "allocator_frag", m.active, m.allocated);
    add_ratio(t, "allocator_rss", m.resident, m.active);
    add_ratio(t, "rss_overhead", m.rss, m.resident);
    add_ratio(t, "mem_fragmentation", m.rss, used);
    add_zeros(t, zeros);
    add_number(t, "mem_clients_normal", clients);
    add(t, "mem_cluster_links:0\r\nmem_aof_buffer:0\r\nmem_allocator:%s\r\n",
        mem_allocator_name());
    add(t, "mem_overhead_db_hashtable_rehashing:0\r\n"
           "active_defrag_running:0\r\n");
    add_number(t, "lazyfree_pending_objects", store_reclaim_pending(s->store));
    add_number(t, "lazyfreed_objects", 0);
    add_database_bytes(in);
}

/* There is nothing to save to yet: what tools look for, at rest. */
static void add_persistence(struct info *in)
{
    static const char *const zeros[] = {
        "loading", "async_loading", "current_cow_peak", "current_cow_size",
        "current_cow_size_age", "current_fork_perc",
        "current_save_keys_processed", "current_save_keys_total",
        "rdb_changes_since_last_save", "rdb_bgsave_in_progress", NULL,
    };
    struct text *t = &in->text;
    add_zeros(t, zeros);
    add(t, "rdb_last_save_time:%" PRId64 "\r\nrdb_last_bgsave_status:ok\r\n"
           "rdb_last_bgsave_time_sec:-1\r\nrdb_current_bgsave_time_sec:-1\r\n",
        in->server->start_wall_ms / 1000);
    add(t, "rdb_saves:0\r\nrdb_last_cow_size:0\r\n"
           "rdb_last_load_keys_expired:0\r\nrdb_last_load_keys_loaded:0\r\n"
           "aof_enabled:0\r\naof_rewrite_in_progress:0\r\n"
           "aof_rewrite_scheduled:0\r\naof_last_rewrite_time_sec:-1\r\n"
           "aof_current_rewrite_time_sec:-1\r\naof_last_bgrewrite_status:ok\r\n"
           "aof_last_write_status:ok\r\naof_last_cow_size:0\r\n"
           "module_fork_in_progress:0\r\nmodule_fork_last_cow_size:0\r\n");
}

static void add_traffic(struct info *in)
{
    static const char *const zeros[] = {
        "total_net_repl_input_bytes", "total_net_repl_output_bytes", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    add_number(t, "total_connections_received",
               SUM_WORKERS(s, stats.connections_received));
    add_number(t, "total_commands_processed", sum_commands(s));
    add_number(t, "instantaneous_ops_per_sec",
               counter_get(&s->rates.commands_per_s));
    add_number(t, "total_net_input_bytes", SUM_WORKERS(s, stats.bytes_in));
    add_number(t, "total_net_output_bytes", SUM_WORKERS(s, stats.bytes_out));
    add_zeros(t, zeros);
    add(t, "instantaneous_input_kbps:%.2f\r\n"
           "instantaneous_output_kbps:%.2f\r\n",
        (double)counter_get(&s->rates.bytes_in_per_s) / 1024,
        (double)counter_get(&s->rates.bytes_out_per_s) / 1024);
    add(t, "instantaneous_input_repl_kbps:0.00\r\n"
           "instantaneous_output_repl_kbps:0.00\r\n");
    add_number(t, "rejected_connections",
               SUM_WORKERS(s, stats.connections_rejected));
}

static void add_stats(struct info *in)
{
    static const char *const before[] = {
        "sync_full", "sync_partial_ok", "sync_partial_err", NULL,
    };
    static const char *const middle[] = {
        "expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds",
        "evicted_keys", "evicted_clients", "evicted_scripts",
        "total_eviction_exceeded_time", "current_eviction_exceeded_time", NULL,
    };
    static const char *const after[] = {
        "pubsub_channels", "pubsub_patterns", "pubsubshard_channels",
        "latest_fork_usec", "total_forks", "migrate_cached_sockets",
        "slave_expires_tracked_keys", "active_defrag_hits",
        "active_defrag_misses", "active_defrag_key_hits",
        "active_defrag_key_misses", "total_active_defrag_time",
        "current_active_defrag_time", "tracking_total_keys",
        "tracking_total_items", "tracking_total_prefixes",
        "unexpected_error_replies", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    struct store_stats st;
    store_stats_read(s->store, &st);
    add_traffic(in);
    add_zeros(t, before);
    add_number(t, "expired_keys", st.expired_count + st.expired_lazily_count);
    add_number(t, "expired_lazily", st.expired_lazily_count);
    add(t, "expired_stale_perc:0.00\r\nexpire_lag_ms_max:%" PRId64 "\r\n",
        st.expire_lag_ms_max);
    add_zeros(t, middle);
    add_number(t, "keyspace_hits", st.hits);
    add_number(t, "keyspace_misses", st.misses);
    add_zeros(t, after);
    add_number(t, "moved_entries", st.moved_count);
    add_number(t, "total_error_replies", sum_errors(s));
    add(t, "dump_payload_sanitizations:0\r\n");
    add_number(t, "total_reads_processed", SUM_WORKERS(s, stats.reads));
    add_number(t, "total_writes_processed", SUM_WORKERS(s, stats.writes));
    add(t, "io_threaded_reads_processed:0\r\nio_threaded_writes_processed:0\r\n"
           "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\n");
    add_number(t, "eventloop_cycles", SUM_WORKERS(s, stats.turns));
    add_number(t, "client_query_buffer_limit_disconnections",
               SUM_WORKERS(s, stats.query_buffer_disconnects));
    add_number(t, "client_output_buffer_limit_disconnections",
               SUM_WORKERS(s, stats.output_buffer_disconnects));
}

static void add_replication(struct info *in)
{
    struct text *t = &in->text;
    add(t, "role:master\r\nconnected_slaves:0\r\n"
           "master_failover_state:no-failover\r\nmaster_replid:%s\r\n"
           "master_replid2:%040d\r\n", in->server->run_id, 0);
    add(t, "master_repl_offset:0\r\nsecond_repl_offset:-1\r\n"
           "repl_backlog_active:0\r\nrepl_backlog_size:1048576\r\n"
           "repl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n");
}

static void add_time(struct text *t, const char *name, struct timeval v)
{
    add(t, "%s:%ld.%06ld\r\n", name, (long)v.tv_sec, (long)v.tv_usec);
}

static void add_cpu(struct info *in)
{
    struct text *t = &in->text;
    struct rusage self = {0}, thread = {0};
    (void)getrusage(RUSAGE_SELF, &self);
    (void)getrusage(RUSAGE_THREAD, &thread);
    add_time(t, "used_cpu_sys", self.ru_stime);
    add_time(t, "used_cpu_user", self.ru_utime);
    add(t, "used_cpu_sys_children:0.000000\r\n"
           "used_cpu_user_children:0.000000\r\n");
    /* Of the worker that answers. */
    add_time(t, "used_cpu_sys_main_thread", thread.ru_stime);
    add_time(t, "used_cpu_user_main_thread", thread.ru_utime);
}

static void add_modules(struct info *in)
{
    (void)in;
}

static void add_commandstats(struct info *in)
{
    struct server *s = in->server;
    for (uint32_t i = 0; i < cmd_table_total(s->commands); i++) {
        const struct cmd *cmd = cmd_table_by_index(s->commands, i);
        uint64_t calls = 0, ticks = 0, failed = 0, rejected = 0, us;
        for (uint32_t w = 0; w < s->worker_count; w++) {
            const struct cmd_stats *st =
                &exec_stats(s->workers[w].exec)->commands[i];
            calls += counter_get(&st->calls);
            ticks += counter_get(&st->ticks);
            failed += counter_get(&st->failed);
            rejected += counter_get(&st->rejected);
        }
        if (calls + failed + rejected == 0) {
            continue;
        }
        us = (uint64_t)((double)ticks / s->ticks_per_us);
        add(&in->text,
            "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64
            ",usec_per_call=%.2f,rejected_calls=%" PRIu64
            ",failed_calls=%" PRIu64 "\r\n",
            cmd->full_name, calls, us,
            calls == 0 ? 0 : (double)ticks / s->ticks_per_us / (double)calls,
            rejected, failed);
    }
}

/* The same code counted by a worker before `w`: it has been shown. */
static bool was_shown(const struct server *s, uint32_t w, const char *code)
{
    for (uint32_t i = 0; i < w; i++) {
        const struct exec_stats *st = exec_stats(s->workers[i].exec);
        uint64_t kinds = atomic_load_explicit(&st->error_kinds.value,
                                              memory_order_acquire);
        for (uint64_t k = 0; k < kinds; k++) {
            if (strcmp(st->errors[k].code, code) == 0) {
                return true;
            }
        }
    }
    return false;
}

static uint64_t sum_error(const struct server *s, const char *code)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const struct exec_stats *st = exec_stats(s->workers[i].exec);
        uint64_t kinds = atomic_load_explicit(&st->error_kinds.value,
                                              memory_order_acquire);
        for (uint64_t k = 0; k < kinds; k++) {
            if (strcmp(st->errors[k].code, code) == 0) {
                sum += counter_get(&st->errors[k].count);
            }
        }
    }
    return sum;
}

static void add_errorstats(struct info *in)
{
    const struct server *s = in->server;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const struct exec_stats *st = exec_stats(s->workers[i].exec);
        uint64_t kinds = atomic_load_explicit(&st->error_kinds.value,
                                              memory_order_acquire);
        for (uint64_t k = 0; k < kinds; k++) {
            const char *code = st->errors[k].code;
            uint64_t sum = was_shown(s, i, code) ? 0 : sum_error(s, code);
            if (sum > 0) {
                add(&in->text, "errorstat_%s:count=%" PRIu64 "\r\n", code,
                    sum);
            }
        }
    }
}

static uint64_t sum_latencies(const struct server *s, uint32_t cmd,
                              uint64_t *counts)
{
    uint64_t total = 0;
    memset(counts, 0, LATENCY_BUCKETS * sizeof *counts);
    for (uint32_t w = 0; w < s->worker_count; w++) {
        const struct cmd_stats *st =
            &exec_stats(s->workers[w].exec)->commands[cmd];
        /* acquire: pairs with the release of the worker that made it */
        struct counter *l = __atomic_load_n(&st->latency, __ATOMIC_ACQUIRE);
        for (uint32_t b = 0; l != NULL && b < LATENCY_BUCKETS; b++) {
            uint64_t n = counter_get(&l[b]);
            counts[b] += n;
            total += n;
        }
    }
    return total;
}

static void add_latencystats(struct info *in)
{
    struct server *s = in->server;
    uint64_t counts[LATENCY_BUCKETS];
    for (uint32_t i = 0; i < cmd_table_total(s->commands); i++) {
        uint64_t total = sum_latencies(s, i, counts);
        if (total == 0) {
            continue;
        }
        add(&in->text,
            "latency_percentiles_usec_%s:p50=%.3f,p99=%.3f,p99.9=%.3f\r\n",
            cmd_table_by_index(s->commands, i)->full_name,
            latency_quantile_us(counts, total, 0.5),
            latency_quantile_us(counts, total, 0.99),
            latency_quantile_us(counts, total, 0.999));
    }
}

static void add_cluster(struct info *in)
{
    add(&in->text, "cluster_enabled:0\r\n");
}

static void add_keyspace(struct info *in)
{
    struct store *store = in->server->store;
    for (uint32_t i = 0; i < store_database_count(store); i++) {
        size_t keys = store_database_size(store, i);
        if (keys == 0) {
            continue;
        }
        add(&in->text, "db%u:keys=%zu,expires=%zu,avg_ttl=%" PRId64 "\r\n", i,
            keys, store_database_deadlines(store, i),
            store_database_ttl_average_ms(store, i, in->now_ms));
    }
}

/* In the order in which they are shown. */
static const struct section {
    const char *name, *title;
    bool in_default, in_all;
    void (*write)(struct info *in);
} sections[] = {
    {"server", "Server", true, true, add_server},
    {"clients", "Clients", true, true, add_clients},
    {"memory", "Memory", true, true, add_memory},
    {"persistence", "Persistence", true, true, add_persistence},
    {"stats", "Stats", true, true, add_stats},
    {"replication", "Replication", true, true, add_replication},
    {"cpu", "CPU", true, true, add_cpu},
    {"modules", "Modules", true, true, add_modules},
    {"commandstats", "Commandstats", false, true, add_commandstats},
    {"errorstats", "Errorstats", true, true, add_errorstats},
    {"latencystats", "Latencystats", false, true, add_latencystats},
    {"cluster", "Cluster", true, true, add_cluster},
    {"keyspace", "Keyspace", true, true, add_keyspace},
};

enum { SECTION_COUNT = sizeof sections / sizeof sections[0] };

static bool is_asked(const struct cmd_ctx *c, const struct section *section)
{
    if (c->argc == 1) {
        return section->in_default;
    }
    for (uint32_t i = 1; i < c->argc; i++) {
        if (ctx_arg_is(c, i, section->name) || ctx_arg_is(c, i, "everything")
            || (section->in_all && ctx_arg_is(c, i, "all"))
            || (section->in_default && ctx_arg_is(c, i, "default"))) {
            return true;
        }
    }
    return false;
}

static void info_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct info in = {.server = s, .now_ms = c->now_ms};
    in.text.account = &s->account;
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (!is_asked(c, &sections[i])) {
            continue;
        }
        add(&in.text, "%s# %s\r\n", in.text.used > 0 ? "\r\n" : "",
            sections[i].title);
        sections[i].write(&in);
    }
    if (in.text.failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", slice_of(in.text.bytes, in.text.used));
    }
    mem_free(&s->account, in.text.bytes);
}

const struct cmd_spec info_cmds[] = {
    {.name = "info", .arity = -1, .flags = CMD_LOADING | CMD_STALE,
     .categories = CAT_DANGEROUS, .run = info_run, .since = "1.0.0",
     .summary = "Tells how the server is doing."},
    {.name = NULL},
};
