/* server: puts the house together, and takes it apart in reverse. The only place
 * that knows all rooms.
 *
 * Threads: the caller of server_run is worker 0; the others and the housekeeper
 * are started there. The housekeeper touches pages before they are needed, gives
 * free ones back and frees what was flushed; it runs at the least priority, so that a
 * worker on the same processor always goes first. */
#include "server/server.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "manual/manual.h"
#include "server/connection.h"
#include "server/housekeeper.h"
#include "server/listening.h"
#include "server/monitor.h"
#include "server/observe.h"
#include "server/process.h"
#include "server/server_priv.h"
#include "server/worker.h"

enum {
    SHARDS_A_WORKER = 32,     /* at least, with several workers */
    SHARDS_MAX = 4096,
    SPARE_EXTENTS = 3,        /* touched ahead of need: 6 MB */
    SAMPLE_PERIOD_US = 100 * 1000, /* at least, between two of INFO's rates */
    CLOCK_STEP_MS = 5,        /* a wall clock that is off by more was set */
};

/* ---- configuration in force ---- */

static void apply_value_limits(const struct options *o, struct value_limits *l)
{
    const struct {
        _Atomic(int64_t) *at;
        int64_t value;
    } all[] = {
        {&l->hash_entries_max, o->hash_entries_max},
        {&l->hash_value_max, o->hash_value_max},
        {&l->set_intset_max, o->set_intset_max},
        {&l->set_listpack_max, o->set_listpack_max},
        {&l->set_value_max, o->set_value_max},
        {&l->zset_entries_max, o->zset_entries_max},
        {&l->zset_value_max, o->zset_value_max},
        {&l->list_listpack_size, o->list_listpack_size},
        {&l->list_compress_depth, o->list_compress_depth},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        atomic_store_explicit(all[i].at, all[i].value, memory_order_relaxed);
    }
}

static void apply_to_store(struct server *s)
{
    const struct options *o = &s->options;
    bool is_lfu = o->maxmemory_policy == POLICY_VOLATILE_LFU
                  || o->maxmemory_policy == POLICY_ALLKEYS_LFU;
    store_set_frequency(s->store, is_lfu, (uint32_t)o->lfu_log_factor,
                        (uint32_t)o->lfu_decay_time);
}

static void publish_output_limits(struct server *s)
{
    for (int i = 0; i < CLIENT_CLASS_COUNT; i++) {
        const struct output_limit *from = &s->options.output_limits[i];
        struct shared_output_limit *to = &s->output_limits[i];
        atomic_store_explicit(&to->hard_bytes, from->hard_bytes,
                              memory_order_relaxed);
        atomic_store_explicit(&to->soft_bytes, from->soft_bytes,
                              memory_order_relaxed);
        atomic_store_explicit(&to->soft_seconds, (uint64_t)from->soft_seconds,
                              memory_order_relaxed);
    }
}

void server_apply_options(struct server *s)
{
    const struct options *o = &s->options;
    apply_value_limits(o, store_limits(s->store));
    mem_set_background_purge(o->jemalloc_bg_thread);
    atomic_store_explicit(&s->max_clients, (uint64_t)o->maxclients,
                          memory_order_relaxed);
    atomic_store_explicit(&s->memory_limit, (uint64_t)o->maxmemory,
                          memory_order_relaxed);
    atomic_fetch_add_explicit(&s->exec_shared.limit_serial, 1,
                              memory_order_relaxed);
    atomic_store_explicit(&s->query_buffer_limit,
                          (uint64_t)o->client_query_buffer_limit,
                          memory_order_relaxed);
    atomic_store_explicit(&s->exec_shared.string_bytes_max,
                          (uint64_t)o->proto_max_bulk_len,
                          memory_order_relaxed);
    publish_output_limits(s);
    atomic_store_explicit(&s->timeout_s, (uint32_t)o->timeout,
                          memory_order_relaxed);
    atomic_store_explicit(&s->keepalive_s, (uint32_t)o->tcp_keepalive,
                          memory_order_relaxed);
    atomic_store_explicit(&s->hz, (uint32_t)o->hz, memory_order_relaxed);
    atomic_store_explicit(&s->watchdog_us, o->watchdog_period * 1000,
                          memory_order_relaxed);
    signal_event_set(&s->housekeeper_wake);
    log_set_level(s->log, (enum log_level)o->loglevel);
    log_set_form(s->log, (enum log_format)o->log_format,
                 (enum log_time)o->log_timestamp_format);
    log_set_hide_user_data(s->log, o->hide_user_data);
    bool has_password = option_text(o->requirepass).len > 0;
    atomic_store_explicit(&s->exec_shared.needs_auth, has_password,
                          memory_order_relaxed);
    atomic_store_explicit(&s->is_protected,
                          o->protected_mode && !has_password,
                          memory_order_relaxed);
    observe_apply_options(s);
    apply_to_store(s);
}

size_t server_used_memory(struct server *s)
{
    struct store_stats st;
    store_stats_read(s->store, &st);
    size_t n = st.data_bytes + st.reclaim_bytes + mem_used(&s->account);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        n += mem_used(&s->workers[i].account);
    }
    uint64_t peak = server_used_memory_peak(s);
    while (n > peak && !atomic_compare_exchange_weak_explicit(
                           &s->used_memory_peak, &peak, n,
                           memory_order_relaxed, memory_order_relaxed)) {
    }
    return n;
}

uint64_t server_used_memory_peak(const struct server *s)
{
    return atomic_load_explicit(&s->used_memory_peak, memory_order_relaxed);
}

void server_reset_peak(struct server *s)
{
    atomic_store_explicit(&s->used_memory_peak, server_used_memory(s),
                          memory_order_relaxed);
}

int64_t server_memory_check(void *server)
{
    struct server *s = server;
    uint64_t limit = atomic_load_explicit(&s->memory_limit,
                                          memory_order_relaxed);
    uint64_t used = server_used_memory(s);
    bool is_full = limit > 0 && used > limit;
    atomic_store_explicit(&s->exec_shared.is_memory_full, is_full,
                          memory_order_relaxed);
    if (limit == 0) {
        return INT64_MAX;
    }
    return is_full ? 0 : (int64_t)((limit - used) / s->worker_count);
}

/* Shards whose keys have changed may want to be tidied. */
static void tell_changes(struct server *s, const struct store_stats *st)
{
    uint64_t n = st->expired_count + st->expired_lazily_count
                 + st->expired_field_count;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        n += counter_get(&exec_stats(s->workers[i].exec)->change_total);
    }
    if (n != s->changes_seen) {
        s->changes_seen = n;
        workers_notify(s, NOTICE_TIDY);
    }
}

/* Waits until a wall time are made on the clock that nobody sets, and made anew
 * when the other one is. */
static void tell_clock(struct server *s)
{
    const struct loop *l = s->workers[0].loop;
    int64_t offset_ms = loop_wall_ms(l) - loop_now_us(l) / 1000;
    int64_t moved_ms = offset_ms - s->wall_offset_ms;
    if (moved_ms > CLOCK_STEP_MS || moved_ms < -CLOCK_STEP_MS) {
        s->wall_offset_ms = offset_ms;
        workers_notify(s, NOTICE_ALL);
    }
}

void server_cron(struct server *s)
{
    struct store_stats st;
    int64_t now_us = loop_now_us(s->workers[0].loop);
    if (s->gate != NULL) {
        gate_enter(s->gate, 0);
    }
    (void)server_memory_check(s);
    store_stats_read(s->store, &st);
    if (s->gate != NULL) {
        gate_leave(s->gate, 0);
    }
    tell_changes(s, &st);
    tell_clock(s);
    housekeeper_tick(s);
    if (now_us - s->sampled_us >= SAMPLE_PERIOD_US) {
        s->sampled_us = now_us;
        info_sample(s);
    }
}

/* ---- building ---- */

/* One with one worker. Else enough that two workers seldom meet in one, and no
 * more: each shard rounds its memory up to pages of its own. */
static uint32_t default_shards(uint32_t workers)
{
    uint32_t shards = 1;
    while (workers > 1 && shards < workers * SHARDS_A_WORKER
           && shards < SHARDS_MAX) {
        shards *= 2;
    }
    return shards;
}

/* The worker that owns the shard may sleep until a later one. */
static void due_sooner(void *server, uint32_t shard)
{
    struct server *s = server;
    worker_notify(&s->workers[shard % s->worker_count], NOTICE_DUE);
}

static void wake_housekeeper(void *server)
{
    struct server *s = server;
    signal_event_set(&s->housekeeper_wake);
}

/* The store has deleted a key that was due. */
static void key_gone(void *server, uint32_t database, const char *event,
                     struct slice key)
{
    struct server *s = server;
    (void)event;
    exec_key_gone(s->interests, s->store, database, key);
}

static bool build_store(struct server *s, char *err, size_t cap)
{
    struct pages_options po = {.use_huge_pages = true,
                               .spare_extents = SPARE_EXTENTS,
                               .on_spare_taken = wake_housekeeper, .self = s};
    struct store_options so = {
        .database_count = (uint32_t)s->options.databases,
        .sink = s->sink,
        .events = {key_gone, due_sooner, wake_housekeeper, s},
        .now_ms = clock_wall_us() / 1000,
    };
    int64_t shards = s->options.shards;
    so.shard_count = shards > 0 ? (uint32_t)shards
                                : default_shards(s->worker_count);
    if (random_secret(&so.seed, sizeof so.seed) != ST_OK) {
        snprintf(err, cap, "no randomness from the system");
        return false;
    }
    s->pages = pages_create(&po);
    so.pages = s->pages;
    if (s->pages != NULL) {
        s->store = store_create(&so);
    }
    bool gated = s->worker_count > 1 || so.shard_count > 1;
    if (gated) {
        s->gate = gate_create(s->worker_count);
    }
    if (s->store != NULL) {
        s->interests = interests_create(&s->account,
                                        store_shard_count(s->store));
    }
    if (s->interests == NULL || (gated && s->gate == NULL)) {
        snprintf(err, cap, "out of memory");
        return false;
    }
    return true;
}

static bool build_workers(struct server *s, char *err, size_t cap)
{
    static const enum loop_engine engines[] = {LOOP_AUTO, LOOP_URING,
                                               LOOP_EPOLL};
    enum loop_engine engine = engines[s->options.io_engine];
    size_t bytes = s->worker_count * sizeof *s->workers;
    s->workers = mem_alloc_aligned(&s->account, 64, bytes);
    if (s->workers == NULL) {
        snprintf(err, cap, "out of memory");
        return false;
    }
    memset(s->workers, 0, bytes);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        if (!worker_init(&s->workers[i], s, i, engine, err, cap)) {
            return false;
        }
    }
    s->io_engine = loop_engine_name(s->workers[0].loop);
    if (engine == LOOP_AUTO && strcmp(s->io_engine, "io_uring") != 0) {
        log_write(s->log, LOG_NOTICE, "io_uring is not available here: "
                                      "going on with epoll");
    }
    return true;
}

static void reduce_maxclients(struct server *s)
{
    int64_t max = process_sessions_max(s->options.maxclients);
    if (max < s->options.maxclients) {
        s->options.maxclients = max;
        log_write(s->log, LOG_WARNING,
                  "maxclients has been reduced to %lld: the system allows this "
                  "process no more descriptors", (long long)max);
    }
}

/* What rename-command lines ask for. */
static bool rename_commands(struct server *s, char *err, size_t cap)
{
    struct slice rest = slice_of_text(s->options.renames);
    bool ok = true;
    uint8_t *scratch = mem_alloc(&s->account, rest.len + 1);
    if (scratch == NULL) {
        snprintf(err, cap, "out of memory");
        return false;
    }
    while (ok && rest.len > 0) {
        struct slice words[2];
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = (size_t)(end - rest.data);
        int count = config_split_line(slice_of(rest.data, len), scratch, words,
                                      2);
        assert(count == 2);
        enum status st = cmd_table_rename(s->commands, words[0], words[1]);
        ok = st == ST_OK;
        if (!ok) {
            snprintf(err, cap, "rename-command %.*s: %s", (int)len,
                     (const char *)rest.data,
                     st == ST_NOT_FOUND ? "No such command in rename-command"
                     : st == ST_INVALID ? "Target command name already exists"
                                        : status_text(st));
        }
        rest = slice_of(end + 1, rest.len - len - 1);
    }
    mem_free(&s->account, scratch);
    return ok;
}

const struct cmd_spec *const server_families[] = {
    string_cmds, bitmap_cmds, generic_cmds, connection_cmds,
    keyspace_cmds, config_cmds, info_cmds, command_cmds, auth_cmds,
    client_cmds, monitor_cmds, server_cmds, transaction_cmds, set_cmds,
    list_cmds, zset_cmds, hash_cmds, commandlog_cmds, latency_cmds, memory_cmds,
    lolwut_cmds, debug_cmds,
    NULL,
};

static bool build(struct server *s, char *err, size_t cap)
{
    s->worker_count = s->options.worker_threads > 0
                          ? (uint32_t)s->options.worker_threads
                          : thread_cpu_count();
    s->commands = cmd_table_create(&s->account, server_families);
    if (s->commands == NULL) {
        snprintf(err, cap, "out of memory");
        return false;
    }
    cmd_table_join_docs(s->commands, manual_groups);
    if (!rename_commands(s, err, cap)) {
        return false;
    }
    s->ticks_per_us = clock_ticks_per_us();
    reduce_maxclients(s);
    if (!build_store(s, err, cap)) {
        return false;
    }
    server_apply_options(s);
    if (!build_workers(s, err, cap)
        || !listening_start(s, err, cap)) {
        return false;
    }
    if (s->listener_count == 0) {
        snprintf(err, cap, "Configured to not listen anywhere");
        return false;
    }
    return true;
}

/* Not fatal, as users of Redis know it: the file is for others. */
static void write_pidfile(struct server *s)
{
    const char *path = s->options.pidfile;
    int error = path[0] == 0 ? 0 : process_write_pid(path);
    s->has_pidfile = path[0] != 0 && error == 0;
    if (error != 0) {
        log_write(s->log, LOG_WARNING, "Failed to write the pid file %s: %s",
                  path, strerror(error));
    }
}

enum status server_create(const struct options *o, const char *config_path,
                          struct server **out, char *err, size_t cap)
{
    struct mem_account account;
    mem_account_init_shared(&account);
    struct server *s = mem_alloc_zeroed(&account, sizeof *s);
    snprintf(err, cap, "out of memory");
    if (s == NULL) {
        return ST_NOMEM;
    }
    s->account = account;
    commandlog_init(&s->commandlog, &s->account);
    latency_init(&s->latency);
    lock_init(&s->config_lock, LOCK_RANK_SERVER, 0);
    lock_init(&s->stop_lock, LOCK_RANK_SERVER, 1);
    signal_event_init(&s->housekeeper_wake);
    s->start_wall_ms = clock_wall_us() / 1000;
    if (options_copy(&s->options, o, &s->account) != ST_OK
        || random_secret_hex(s->run_id, RUN_ID_LEN) != ST_OK
        || random_secret_hex(s->replication_id, RUN_ID_LEN) != ST_OK) {
        goto destroy;
    }
    s->log = log_open(o->logfile, (enum log_level)o->loglevel);
    if (s->log == NULL) {
        snprintf(err, cap, "Can't open the log file: %s", strerror(errno));
        goto destroy;
    }
    if (o->syslog_enabled) {
        log_use_syslog(s->log, s->options.syslog_ident, o->syslog_facility);
    }
    s->supervisor = supervise_find((enum supervisor)o->supervised);
    crash_init(&s->crash, s->log);
    if (config_path != NULL && config_path[0] != 0) {
        s->config_path = mem_alloc(&s->account, strlen(config_path) + 1);
        if (s->config_path == NULL) {
            goto destroy;
        }
        memcpy(s->config_path, config_path, strlen(config_path) + 1);
    }
    if (!build(s, err, cap)) {
        log_write(s->log, LOG_WARNING, "%s", err);
        goto destroy;
    }
    write_pidfile(s);
    /* A system that refuses is no reason not to start; it has been logged. */
    (void)oom_apply(&s->oom, o, OOM_PRIMARY, s->log);
    *out = s;
    return ST_OK;
destroy:
    server_destroy(&s);
    return ST_INVALID;
}

void server_destroy(struct server **server)
{
    struct server *s = *server;
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; s->workers != NULL && i < s->worker_count; i++) {
        worker_deinit(&s->workers[i]);
    }
    if (s->has_pidfile) {
        unlink(s->options.pidfile);
    }
    if (s->has_unix_socket) {
        unlink(s->options.unixsocket);
    }
    mem_free(&s->account, s->workers);
    interests_destroy(&s->interests);
    store_destroy(&s->store);
    gate_destroy(&s->gate);
    pages_destroy(&s->pages);
    cmd_table_destroy(&s->commands);
    mem_free(&s->account, s->config_path);
    commandlog_deinit(&s->commandlog);
    options_deinit(&s->options);
    log_close(&s->log);
    struct mem_account account = s->account;
    mem_free(&account, s);
    *server = NULL;
}

/* ---- running ---- */

static bool start_threads(struct server *s)
{
    for (uint32_t i = 1; i < s->worker_count; i++) {
        struct worker *w = &s->workers[i];
        char name[32];
        snprintf(name, sizeof name, "worker-%u", i);
        if (thread_start(name, worker_run, w, &w->thread) != ST_OK) {
            return false;
        }
    }
    return thread_start("housekeeper", housekeeper_run, s, &s->housekeeper)
           == ST_OK;
}

static void join_threads(struct server *s)
{
    for (uint32_t i = 1; i < s->worker_count; i++) {
        if (s->workers[i].thread != NULL) {
            thread_join(&s->workers[i].thread);
        }
    }
    if (s->housekeeper != NULL) {
        thread_join(&s->housekeeper);
    }
}

/* One line for each option that was set and changes nothing. */
static void log_inert(struct server *s)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        if ((row->flags & OPTION_INERT) && !options_is_default(&s->options, row)) {
            log_write(s->log, LOG_WARNING, "%s is set but changes nothing: %s",
                      row->name, option_reason_text(row));
        }
    }
}

static void log_start(struct server *s)
{
    uint32_t shards = store_shard_count(s->store);
    log_write(s->log, LOG_NOTICE,
              "engram %s, %u worker%s, %s, %u shard%s, PID: %ld",
              ENGRAM_VERSION, s->worker_count, s->worker_count == 1 ? "" : "s",
              s->io_engine, shards, shards == 1 ? "" : "s", (long)getpid());
    log_write(s->log, LOG_NOTICE, "Configuration: %s",
              s->config_path != NULL ? s->config_path
                                     : "defaults and the command line");
    log_inert(s);
    log_write(s->log, LOG_NOTICE, "Server initialized");
    if (s->options.port != 0) {
        log_write(s->log, LOG_NOTICE, "Ready to accept connections tcp");
    }
    if (s->has_unix_socket) {
        log_write(s->log, LOG_NOTICE, "Ready to accept connections unix");
    }
}

void server_set_title(struct server *s, struct proc_title *t)
{
    s->title = t;
    proc_title_set(t, &s->options);
}

bool server_run(struct server *s)
{
    barrier_init(&s->loops_ended, s->worker_count);
    if (!start_threads(s)) {
        atomic_store_explicit(&s->is_half_started, true, memory_order_relaxed);
        server_stop(s, "Can't start all threads");
        join_threads(s);
        return false;
    }
    server_cron(s);
    s->startup_bytes = (size_t)server_used_memory_peak(s);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        s->startup_clients_bytes += mem_used(&s->workers[i].account);
    }
    log_start(s);
    supervise_ready(s->supervisor, s->log);
    worker_run(&s->workers[0]);
    join_threads(s);
    log_write(s->log, LOG_NOTICE, "Engram is now ready to exit, bye bye...");
    return true;
}

void server_stop(struct server *s, const char *why)
{
    lock_acquire(&s->stop_lock);
    if (!atomic_exchange_explicit(&s->is_stopping, true,
                                  memory_order_acq_rel)) {
        log_write(s->log, LOG_WARNING, "%s", why);
        supervise_stopping(s->supervisor, s->log);
        for (uint32_t i = 0; i < s->worker_count; i++) {
            worker_stop(&s->workers[i]);
        }
        signal_event_set(&s->housekeeper_wake);
    }
    lock_release(&s->stop_lock);
}
