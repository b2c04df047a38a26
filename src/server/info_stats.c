/* info_stats: INFO stats and debug: what has happened since the start, or since
 * CONFIG RESETSTAT. */
#include "server/info_priv.h"

static uint64_t ticks_us(const struct server *s, uint64_t ticks)
{
    return (uint64_t)((double)ticks / s->ticks_per_us);
}

static void add_traffic(struct info *in)
{
    static const char *const zeros[] = {
        "total_net_repl_input_bytes", "total_net_repl_output_bytes", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    info_number(t, "total_connections_received",
                SUM_WORKERS(s, stats.connections_received));
    info_number(t, "total_commands_processed", SUM_EXECS(s, command_total));
    info_number(t, "instantaneous_ops_per_sec",
                counter_get(&s->rates.commands_per_s));
    info_number(t, "total_net_input_bytes", SUM_WORKERS(s, stats.bytes_in));
    info_number(t, "total_net_output_bytes", SUM_WORKERS(s, stats.bytes_out));
    info_zeros(t, zeros);
    text_add(t, "instantaneous_input_kbps:%.2f\r\n"
                "instantaneous_output_kbps:%.2f\r\n",
             (double)counter_get(&s->rates.bytes_in_per_s) / 1024,
             (double)counter_get(&s->rates.bytes_out_per_s) / 1024);
    text_add(t, "instantaneous_input_repl_kbps:0.00\r\n"
                "instantaneous_output_repl_kbps:0.00\r\n");
    info_number(t, "rejected_connections",
                SUM_WORKERS(s, stats.connections_rejected));
}

static void add_keys(struct info *in)
{
    static const char *const zeros[] = {
        "evicted_keys", "evicted_clients", "evicted_scripts",
        "total_eviction_exceeded_time", "current_eviction_exceeded_time", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    struct store_stats st;
    store_stats_read(s->store, &st);
    info_number(t, "expired_keys", st.expired_count);
    info_number(t, "expired_lazily", st.expired_lazily_count);
    info_number(t, "expired_subkeys", st.expired_field_count);
    text_add(t, "expired_stale_perc:0.00\r\nexpire_lag_ms_max:%" PRId64
                "\r\nexpired_time_cap_reached_count:0\r\n",
             st.expire_lag_ms_max);
    info_number(t, "expire_cycle_cpu_milliseconds",
                ticks_us(s, SUM_WORKERS(s, stats.background_ticks)) / 1000);
    info_zeros(t, zeros);
    info_number(t, "keyspace_hits", st.hits);
    info_number(t, "keyspace_misses", st.misses);
    info_number(t, "moved_entries", st.moved_count);
}

static void add_loop(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    info_number(t, "eventloop_cycles", SUM_WORKERS(s, stats.turns));
    info_number(t, "eventloop_duration_sum",
                ticks_us(s, SUM_WORKERS(s, stats.turn_ticks)));
    info_number(t, "eventloop_duration_cmd_sum",
                ticks_us(s, info_sum_command_ticks(s)));
    info_number(t, "instantaneous_eventloop_cycles_per_sec",
                counter_get(&s->rates.turns_per_s));
    info_number(t, "instantaneous_eventloop_duration_usec",
                counter_get(&s->rates.turn_us));
    info_number(t, "background_slice_max_usec",
                MAX_WORKERS(s, stats.background_us_max));
    info_number(t, "background_slice_cpu_max_usec",
                MAX_WORKERS(s, stats.background_cpu_us_max));
}

void info_stats(struct info *in)
{
    static const char *const sync[] = {
        "sync_full", "sync_partial_ok", "sync_partial_err", NULL,
    };
    static const char *const absent[] = {
        "pubsub_channels", "pubsub_patterns", "pubsubshard_channels",
        "latest_fork_usec", "total_forks", "migrate_cached_sockets",
        "slave_expires_tracked_keys", "active_defrag_hits",
        "active_defrag_misses", "active_defrag_key_hits",
        "active_defrag_key_misses", "total_active_defrag_time",
        "current_active_defrag_time", "tracking_total_keys",
        "tracking_total_items", "tracking_total_prefixes",
        "unexpected_error_replies", NULL,
    };
    static const char *const threads[] = {
        "io_threaded_reads_processed", "io_threaded_writes_processed",
        "io_threaded_freed_objects", "io_threaded_accept_processed",
        "io_threaded_poll_processed", "io_threaded_total_prefetch_batches",
        "io_threaded_total_prefetch_entries", NULL,
    };
    static const char *const last[] = {
        "reply_buffer_shrinks", "reply_buffer_expands", NULL,
    };
    static const char *const denied[] = {
        "acl_access_denied_cmd",
        "acl_access_denied_key", "acl_access_denied_channel", NULL,
    };
    struct server *s = in->server;
    struct text *t = &in->text;
    add_traffic(in);
    info_zeros(t, sync);
    add_keys(in);
    info_zeros(t, absent);
    info_number(t, "total_error_replies", SUM_EXECS(s, error_total));
    text_add(t, "dump_payload_sanitizations:0\r\n");
    info_number(t, "total_reads_processed", SUM_WORKERS(s, stats.reads));
    info_number(t, "total_writes_processed", SUM_WORKERS(s, stats.writes));
    info_zeros(t, threads);
    info_number(t, "client_query_buffer_limit_disconnections",
                SUM_WORKERS(s, stats.query_buffer_disconnects));
    info_number(t, "client_output_buffer_limit_disconnections",
                SUM_WORKERS(s, stats.output_buffer_disconnects));
    info_zeros(t, last);
    add_loop(in);
    info_number(t, "acl_access_denied_auth",
                SUM_WORKERS(s, stats.auth_denied));
    info_zeros(t, denied);
}

void info_debug(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    info_number(t, "eventloop_duration_aof_sum", 0);
    info_number(t, "eventloop_duration_cron_sum",
                ticks_us(s, SUM_WORKERS(s, stats.cron_ticks)));
    info_number(t, "eventloop_duration_max",
                ticks_us(s, MAX_WORKERS(s, stats.turn_ticks_max)));
    info_number(t, "eventloop_cmd_per_cycle_max",
                MAX_WORKERS(s, stats.turn_commands_max));
}
