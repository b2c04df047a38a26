/* option_table: every option in one line. The lines make the fields of struct
 * options and the rows that the config file, the command line and CONFIG read.
 * Included by options.h and options.c only.
 *
 * An INERT option is one that Redis or Valkey knows and this server does not
 * need or does not serve yet: it is checked, kept and shown, and changes
 * nothing. The log says so at the start when it is set to something else than
 * its default. Whoever puts one in force takes OPT_... off its line. */
#ifndef ENGRAM_SERVER_OPTION_TABLE_H
#define ENGRAM_SERVER_OPTION_TABLE_H

#define OPT_IM OPTION_IMMUTABLE
/* Inert, and why. */
#define OPT_INERT(reason) (OPTION_INERT | (uint32_t)(reason) << OPTION_REASON)
#define OPT_LATER OPT_INERT(REASON_LATER)
#define OPT_NEEDLESS OPT_INERT(REASON_NEEDLESS)
#define OPT_FORK OPT_INERT(REASON_FORK)
#define OPT_DISK OPT_INERT(REASON_DISK)
#define OPT_REPL OPT_INERT(REASON_REPLICATION)
#define OPT_CLUSTER OPT_INERT(REASON_CLUSTER)
#define OPT_TLS OPT_INERT(REASON_TLS)
#define OPT_RDMA OPT_INERT(REASON_RDMA)
#define OPT_SCRIPTS OPT_INERT(REASON_SCRIPTS)

/* X(field, name, alias, initial, flags) */
#define OPTION_BOOL_MAP(X) \
    X(protected_mode, "protected-mode", NULL, true, 0) \
    X(daemonize, "daemonize", NULL, false, OPT_IM) \
    X(activedefrag, "activedefrag", NULL, false, OPT_NEEDLESS) \
    X(lazyfree_lazy_eviction, "lazyfree-lazy-eviction", NULL, true, \
      OPT_NEEDLESS) \
    X(lazyfree_lazy_expire, "lazyfree-lazy-expire", NULL, true, \
      OPT_NEEDLESS) \
    X(lazyfree_lazy_server_del, "lazyfree-lazy-server-del", NULL, true, \
      OPT_NEEDLESS) \
    X(lazyfree_lazy_user_del, "lazyfree-lazy-user-del", NULL, true, \
      OPT_NEEDLESS) \
    X(lazyfree_lazy_user_flush, "lazyfree-lazy-user-flush", NULL, true, \
      OPT_NEEDLESS) \
    X(latency_tracking, "latency-tracking", NULL, true, 0) \
    X(appendonly, "appendonly", NULL, false, OPTION_ONLY_NO) \
    X(cluster_enabled, "cluster-enabled", NULL, false, OPT_IM | \
      OPTION_ONLY_NO) \
    X(extended_redis_compat, "extended-redis-compatibility", NULL, false, \
      OPT_LATER) \
    X(import_mode, "import-mode", NULL, false, OPT_LATER) \
    X(hide_user_data, "hide-user-data-from-log", NULL, true, 0) \
    X(enable_debug_assert, "enable-debug-assert", NULL, false, OPT_IM | \
      OPT_LATER | OPTION_HIDDEN) \
    X(always_show_logo, "always-show-logo", NULL, false, OPT_IM | \
      OPT_NEEDLESS) \
    X(set_proc_title, "set-proc-title", NULL, true, OPT_IM) \
    X(syslog_enabled, "syslog-enabled", NULL, false, OPT_IM) \
    X(crash_log_enabled, "crash-log-enabled", NULL, true, 0) \
    X(crash_memcheck_enabled, "crash-memcheck-enabled", NULL, true, \
      OPT_NEEDLESS) \
    X(use_exit_on_panic, "use-exit-on-panic", NULL, false, OPT_IM | OPT_LATER \
      | OPTION_HIDDEN) \
    X(dynamic_hz, "dynamic-hz", NULL, true, OPT_NEEDLESS) \
    X(activerehashing, "activerehashing", NULL, true, OPT_NEEDLESS) \
    X(disable_thp, "disable-thp", NULL, true, OPT_IM | OPT_NEEDLESS) \
    X(io_threads_do_reads, "io-threads-do-reads", NULL, false, OPT_IM | \
      OPT_NEEDLESS | OPTION_HIDDEN) \
    X(jemalloc_bg_thread, "jemalloc-bg-thread", NULL, true, 0) \
    X(lua_enable_deprecated_api, "lua-enable-deprecated-api", NULL, false, \
      OPT_IM | OPT_SCRIPTS | OPTION_HIDDEN) \
    X(aof_load_truncated, "aof-load-truncated", NULL, true, OPT_DISK) \
    X(aof_use_rdb_preamble, "aof-use-rdb-preamble", NULL, true, OPT_DISK) \
    X(aof_timestamp_enabled, "aof-timestamp-enabled", NULL, false, OPT_DISK) \
    X(aof_rewrite_fsync, "aof-rewrite-incremental-fsync", NULL, true, \
      OPT_DISK) \
    X(aof_disable_auto_gc, "aof-disable-auto-gc", NULL, false, OPT_DISK | \
      OPTION_HIDDEN) \
    X(no_appendfsync, "no-appendfsync-on-rewrite", NULL, false, OPT_DISK) \
    X(rdb_fsync, "rdb-save-incremental-fsync", NULL, true, OPT_DISK) \
    X(rdbcompression, "rdbcompression", NULL, true, OPT_DISK) \
    X(rdbchecksum, "rdbchecksum", NULL, true, OPT_IM | OPT_DISK) \
    X(rdb_del_sync_files, "rdb-del-sync-files", NULL, false, OPT_DISK) \
    X(stop_writes_on_error, "stop-writes-on-bgsave-error", NULL, true, \
      OPT_DISK) \
    X(repl_diskless_sync, "repl-diskless-sync", NULL, true, OPT_REPL) \
    X(repl_disable_nodelay, "repl-disable-tcp-nodelay", NULL, false, \
      OPT_REPL) \
    X(dual_channel, "dual-channel-replication-enabled", NULL, false, \
      OPT_REPL) \
    X(replica_read_only, "replica-read-only", "slave-read-only", true, \
      OPT_REPL) \
    X(replica_serve_stale, "replica-serve-stale-data", \
      "slave-serve-stale-data", true, OPT_REPL) \
    X(replica_lazy_flush, "replica-lazy-flush", "slave-lazy-flush", true, \
      OPT_REPL) \
    X(replica_ignore_maxmemory, "replica-ignore-maxmemory", \
      "slave-ignore-maxmemory", true, OPT_REPL) \
    X(replica_ignore_disk_errors, "replica-ignore-disk-write-errors", NULL, \
      false, OPT_REPL) \
    X(replica_announced, "replica-announced", NULL, true, OPT_REPL) \
    X(cluster_full_coverage, "cluster-require-full-coverage", NULL, true, \
      OPT_CLUSTER) \
    X(cluster_replica_no_failover, "cluster-replica-no-failover", \
      "cluster-slave-no-failover", false, OPT_CLUSTER) \
    X(cluster_reads_when_down, "cluster-allow-reads-when-down", NULL, false, \
      OPT_CLUSTER) \
    X(cluster_pubsub_when_down, "cluster-allow-pubsubshard-when-down", NULL, \
      true, OPT_CLUSTER) \
    X(cluster_replica_migration, "cluster-allow-replica-migration", NULL, \
      true, OPT_CLUSTER) \
    X(cluster_slot_stats, "cluster-slot-stats-enabled", NULL, false, \
      OPT_CLUSTER) \
    X(tls_cluster, "tls-cluster", NULL, false, OPT_TLS) \
    X(tls_replication, "tls-replication", NULL, false, OPT_TLS) \
    X(tls_prefer_server_ciphers, "tls-prefer-server-ciphers", NULL, false, \
      OPT_TLS) \
    X(tls_session_caching, "tls-session-caching", NULL, true, OPT_TLS)

/* X(field, name, alias, initial, min, max, flags) */
#define OPTION_INT_MAP(X) \
    X(port, "port", NULL, 6379, 0, 65535, 0) \
    X(unixsocketperm, "unixsocketperm", NULL, 0, 0, 511, OPT_IM | \
      OPTION_OCTAL) \
    X(tcp_backlog, "tcp-backlog", NULL, 511, 0, INT32_MAX, OPT_IM) \
    X(maxclients, "maxclients", NULL, 10000, 1, UINT32_MAX, 0) \
    X(timeout, "timeout", NULL, 0, 0, INT32_MAX, 0) \
    X(tcp_keepalive, "tcp-keepalive", NULL, 300, 0, INT32_MAX, 0) \
    X(worker_threads, "worker-threads", NULL, 0, 0, 256, OPT_IM | OPTION_OWN) \
    X(databases, "databases", NULL, 16, 1, 1 << 20, OPT_IM) \
    X(shards, "shards", NULL, 0, 0, 4096, \
      OPT_IM | OPTION_OWN | OPTION_POWER_OF_TWO) \
    X(hz, "hz", NULL, 10, 0, INT32_MAX, 0) \
    X(commandlog_execution_slower_than, "commandlog-execution-slower-than", \
      "slowlog-log-slower-than", 10000, -1, INT64_MAX, 0) \
    X(commandlog_slow_execution_max_len, "commandlog-slow-execution-max-len", \
      "slowlog-max-len", 128, 0, INT64_MAX, 0) \
    X(commandlog_request_larger_than, "commandlog-request-larger-than", NULL, \
      1024 * 1024, -1, INT64_MAX, 0) \
    X(commandlog_large_request_max_len, "commandlog-large-request-max-len", \
      NULL, 128, 0, INT64_MAX, 0) \
    X(commandlog_reply_larger_than, "commandlog-reply-larger-than", NULL, \
      1024 * 1024, -1, INT64_MAX, 0) \
    X(commandlog_large_reply_max_len, "commandlog-large-reply-max-len", NULL, \
      128, 0, INT64_MAX, 0) \
    X(latency_monitor_threshold, "latency-monitor-threshold", NULL, 0, 0, \
      INT64_MAX, 0) \
    X(watchdog_period, "watchdog-period", NULL, 0, 0, INT32_MAX, OPTION_HIDDEN) \
    X(shutdown_timeout, "shutdown-timeout", NULL, 10, 0, INT32_MAX, \
      OPT_LATER) \
    X(acllog_max_len, "acllog-max-len", NULL, 128, 0, INT64_MAX, OPT_LATER) \
    X(tracking_keys_max, "tracking-table-max-keys", NULL, 1000000, 0, \
      INT64_MAX, OPT_LATER) \
    X(maxmemory_samples, "maxmemory-samples", NULL, 5, 1, 64, OPT_LATER) \
    X(maxmemory_tenacity, "maxmemory-eviction-tenacity", NULL, 10, 0, 100, \
      OPT_LATER) \
    X(lfu_log_factor, "lfu-log-factor", NULL, 10, 0, INT32_MAX, 0) \
    X(lfu_decay_time, "lfu-decay-time", NULL, 1, 0, INT32_MAX, 0) \
    X(connections_a_cycle, "max-new-connections-per-cycle", NULL, 10, 1, \
      1000, OPT_LATER) \
    X(socket_mark_id, "socket-mark-id", NULL, 0, 0, UINT32_MAX, OPT_IM | \
      OPT_LATER) \
    X(io_threads, "io-threads", NULL, 1, 1, 256, OPT_IM | OPT_NEEDLESS) \
    X(events_per_io_thread, "events-per-io-thread", NULL, 2, 0, INT32_MAX, \
      OPT_NEEDLESS | OPTION_HIDDEN) \
    X(prefetch_batch_max, "prefetch-batch-max-size", NULL, 16, 0, 128, \
      OPT_NEEDLESS) \
    X(active_expire_effort, "active-expire-effort", NULL, 1, 1, 10, \
      OPT_NEEDLESS) \
    X(defrag_cycle_min, "active-defrag-cycle-min", NULL, 1, 1, 99, \
      OPT_NEEDLESS) \
    X(defrag_cycle_max, "active-defrag-cycle-max", NULL, 25, 1, 99, \
      OPT_NEEDLESS) \
    X(defrag_cycle_us, "active-defrag-cycle-us", NULL, 500, 0, 100000, \
      OPT_NEEDLESS) \
    X(defrag_threshold_lower, "active-defrag-threshold-lower", NULL, 10, 0, \
      1000, OPT_NEEDLESS) \
    X(defrag_threshold_upper, "active-defrag-threshold-upper", NULL, 100, 0, \
      1000, OPT_NEEDLESS) \
    X(defrag_scan_fields, "active-defrag-max-scan-fields", NULL, 1000, 1, \
      INT64_MAX, OPT_NEEDLESS) \
    X(busy_reply_threshold, "busy-reply-threshold", "lua-time-limit", 5000, \
      0, INT64_MAX, OPT_SCRIPTS) \
    X(hash_entries_max, "hash-max-listpack-entries", \
      "hash-max-ziplist-entries", 512, 0, INT64_MAX, 0) \
    X(set_intset_max, "set-max-intset-entries", NULL, 512, 0, INT64_MAX, \
      0) \
    X(set_listpack_max, "set-max-listpack-entries", NULL, 128, 0, INT64_MAX, \
      0) \
    X(zset_entries_max, "zset-max-listpack-entries", \
      "zset-max-ziplist-entries", 128, 0, INT64_MAX, 0) \
    X(list_listpack_size, "list-max-listpack-size", "list-max-ziplist-size", \
      -2, INT32_MIN, INT32_MAX, 0) \
    X(list_compress_depth, "list-compress-depth", NULL, 0, 0, INT32_MAX, 0) \
    X(stream_node_entries, "stream-node-max-entries", NULL, 100, 0, \
      INT64_MAX, OPT_LATER) \
    X(set_value_max, "set-max-listpack-value", NULL, 64, 0, INT64_MAX, \
      0) \
    X(aof_rewrite_percent, "auto-aof-rewrite-percentage", NULL, 100, 0, \
      INT32_MAX, OPT_DISK) \
    X(key_load_delay, "key-load-delay", NULL, 0, INT32_MIN, INT32_MAX, \
      OPT_DISK | OPTION_HIDDEN) \
    X(rdb_key_save_delay, "rdb-key-save-delay", NULL, 0, INT32_MIN, \
      INT32_MAX, OPT_DISK | OPTION_HIDDEN) \
    X(loading_events_bytes, "loading-process-events-interval-bytes", NULL, 2 \
      * 1024 * 1024, 1024, INT32_MAX, OPT_DISK | OPTION_HIDDEN) \
    X(repl_timeout, "repl-timeout", NULL, 60, 1, INT32_MAX, OPT_REPL) \
    X(repl_ping_period, "repl-ping-replica-period", "repl-ping-slave-period", \
      10, 1, INT32_MAX, OPT_REPL) \
    X(repl_diskless_delay, "repl-diskless-sync-delay", NULL, 5, 0, INT32_MAX, \
      OPT_REPL) \
    X(repl_diskless_replicas, "repl-diskless-sync-max-replicas", NULL, 0, 0, \
      INT32_MAX, OPT_REPL) \
    X(repl_backlog_ttl, "repl-backlog-ttl", NULL, 3600, 0, INT64_MAX, \
      OPT_REPL) \
    X(replica_priority, "replica-priority", "slave-priority", 100, 0, \
      INT32_MAX, OPT_REPL) \
    X(replica_announce_port, "replica-announce-port", "slave-announce-port", \
      0, 0, 65535, OPT_REPL) \
    X(min_replicas, "min-replicas-to-write", "min-slaves-to-write", 0, 0, \
      INT32_MAX, OPT_REPL) \
    X(min_replicas_lag, "min-replicas-max-lag", "min-slaves-max-lag", 10, 0, \
      INT32_MAX, OPT_REPL) \
    X(cluster_node_timeout, "cluster-node-timeout", NULL, 15000, 0, \
      INT64_MAX, OPT_CLUSTER) \
    X(cluster_ping_interval, "cluster-ping-interval", NULL, 0, 0, INT32_MAX, \
      OPT_CLUSTER | OPTION_HIDDEN) \
    X(cluster_port, "cluster-port", NULL, 0, 0, 65535, OPT_IM | OPT_CLUSTER) \
    X(cluster_announce_port, "cluster-announce-port", NULL, 0, 0, 65535, \
      OPT_CLUSTER) \
    X(cluster_announce_bus_port, "cluster-announce-bus-port", NULL, 0, 0, \
      65535, OPT_CLUSTER) \
    X(cluster_announce_tls_port, "cluster-announce-tls-port", NULL, 0, 0, \
      65535, OPT_CLUSTER) \
    X(cluster_migration_barrier, "cluster-migration-barrier", NULL, 1, 0, \
      INT32_MAX, OPT_CLUSTER) \
    X(cluster_replica_validity, "cluster-replica-validity-factor", \
      "cluster-slave-validity-factor", 10, 0, INT32_MAX, OPT_CLUSTER) \
    X(cluster_blacklist_ttl, "cluster-blacklist-ttl", NULL, 60, 0, INT64_MAX, \
      OPT_CLUSTER) \
    X(tls_port, "tls-port", NULL, 0, 0, 0, OPT_TLS) \
    X(tls_session_cache_size, "tls-session-cache-size", NULL, 20480, 0, \
      INT32_MAX, OPT_TLS) \
    X(tls_session_cache_timeout, "tls-session-cache-timeout", NULL, 300, 0, \
      INT32_MAX, OPT_TLS) \
    X(tls_connections_a_cycle, "max-new-tls-connections-per-cycle", NULL, 1, \
      1, 1000, OPT_TLS) \
    X(rdma_port, "rdma-port", NULL, 0, 0, 0, OPT_RDMA) \
    X(rdma_rx_size, "rdma-rx-size", NULL, 1024 * 1024, 64 * 1024, 16 * 1024 * \
      1024, OPT_IM | OPT_RDMA) \
    X(rdma_vector, "rdma-completion-vector", NULL, -1, -1, 1024, OPT_IM | \
      OPT_RDMA)

/* X(field, name, alias, initial, min, max, flags); bytes, units taken */
#define OPTION_BYTES_MAP(X) \
    X(maxmemory, "maxmemory", NULL, 0, 0, INT64_MAX, 0) \
    X(maxmemory_clients, "maxmemory-clients", NULL, 0, 0, INT64_MAX, \
      OPTION_PERCENT | OPT_LATER) \
    X(client_query_buffer_limit, "client-query-buffer-limit", NULL, 1024 * \
      1024 * 1024, 1024 * 1024, INT64_MAX, 0) \
    X(proto_max_bulk_len, "proto-max-bulk-len", NULL, 512 * 1024 * 1024, 1024 \
      * 1024, INT64_MAX, 0) \
    X(hash_value_max, "hash-max-listpack-value", "hash-max-ziplist-value", \
      64, 0, INT64_MAX, 0) \
    X(zset_value_max, "zset-max-listpack-value", "zset-max-ziplist-value", \
      64, 0, INT64_MAX, 0) \
    X(hll_sparse_max, "hll-sparse-max-bytes", NULL, 3000, 0, INT64_MAX, \
      OPT_LATER) \
    X(stream_node_bytes, "stream-node-max-bytes", NULL, 4096, 0, INT64_MAX, \
      OPT_LATER) \
    X(defrag_ignore_bytes, "active-defrag-ignore-bytes", NULL, 100 * 1024 * \
      1024, 1, INT64_MAX, OPT_NEEDLESS) \
    X(aof_rewrite_min_size, "auto-aof-rewrite-min-size", NULL, 64 * 1024 * \
      1024, 0, INT64_MAX, OPT_DISK) \
    X(repl_backlog_size, "repl-backlog-size", NULL, 10 * 1024 * 1024, 1, \
      INT64_MAX, OPT_REPL) \
    X(cluster_link_sendbuf, "cluster-link-sendbuf-limit", NULL, 0, 0, \
      INT64_MAX, OPT_CLUSTER)

/* X(field, name, alias, words, initial, flags) */
#define OPTION_ENUM_MAP(X) \
    X(io_engine, "io-engine", NULL, engine_words, 0, OPT_IM | OPTION_OWN) \
    X(maxmemory_policy, "maxmemory-policy", NULL, policy_words, \
      POLICY_NOEVICTION, OPT_LATER) \
    X(loglevel, "loglevel", NULL, level_words, 2, 0) \
    X(enable_debug_command, "enable-debug-command", NULL, permit_words, \
      PERMIT_NO, OPT_IM) \
    X(enable_protected_configs, "enable-protected-configs", NULL, \
      permit_words, PERMIT_NO, OPT_IM) \
    X(enable_module_command, "enable-module-command", NULL, permit_words, \
      PERMIT_NO, OPT_IM | OPT_NEEDLESS) \
    X(shutdown_on_sigint, "shutdown-on-sigint", NULL, shutdown_words, 0, \
      OPTION_BITS | OPT_LATER) \
    X(shutdown_on_sigterm, "shutdown-on-sigterm", NULL, shutdown_words, 0, \
      OPTION_BITS | OPT_LATER) \
    X(acl_pubsub_default, "acl-pubsub-default", NULL, channel_words, 1, \
      OPT_LATER) \
    X(sanitize_dump, "sanitize-dump-payload", NULL, sanitize_words, 0, \
      OPT_LATER) \
    X(oom_score_adj, "oom-score-adj", NULL, oom_words, 0, 0) \
    X(log_format, "log-format", NULL, log_format_words, 0, 0) \
    X(log_timestamp_format, "log-timestamp-format", NULL, timestamp_words, 0, \
      0) \
    X(syslog_facility, "syslog-facility", NULL, facility_words, 1, OPT_IM) \
    X(supervised, "supervised", NULL, supervised_words, 3, OPT_IM) \
    X(propagation_error, "propagation-error-behavior", NULL, \
      propagation_words, 0, OPT_REPL) \
    X(appendfsync, "appendfsync", NULL, fsync_words, 0, OPT_DISK) \
    X(repl_diskless_load, "repl-diskless-load", NULL, diskless_words, 0, \
      OPT_REPL) \
    X(cluster_endpoint_type, "cluster-preferred-endpoint-type", NULL, \
      endpoint_words, 0, OPT_CLUSTER) \
    X(tls_auth_clients, "tls-auth-clients", NULL, auth_words, 1, OPT_TLS)

/* X(field, name, alias, initial, kind, flags) */
#define OPTION_STRING_MAP(X) \
    X(unixsocket, "unixsocket", NULL, "", TEXT_ANY, OPT_IM) \
    X(unixsocketgroup, "unixsocketgroup", NULL, "", TEXT_ANY, OPT_IM) \
    X(logfile, "logfile", NULL, "", TEXT_ANY, OPT_IM) \
    X(dir, "dir", NULL, "./", TEXT_DIRECTORY, OPTION_PROTECTED) \
    X(requirepass, "requirepass", NULL, "", TEXT_BINARY, OPTION_SECRET) \
    X(pidfile, "pidfile", NULL, "", TEXT_ANY, OPT_IM) \
    X(aclfile, "aclfile", NULL, "", TEXT_ANY, OPT_IM | OPT_LATER) \
    X(notify_keyspace_events, "notify-keyspace-events", NULL, "", \
      TEXT_EVENTS, OPT_LATER) \
    X(proc_title, "proc-title-template", NULL, \
      "{title} {listen-addr} {server-mode}", TEXT_TITLE, 0) \
    X(locale_collate, "locale-collate", NULL, "", TEXT_LOCALE, OPT_LATER) \
    X(availability_zone, "availability-zone", NULL, "", TEXT_ANY, 0) \
    X(syslog_ident, "syslog-ident", NULL, "engram", TEXT_ANY, OPT_IM) \
    X(debug_context, "debug-context", NULL, "", TEXT_ANY, OPT_LATER | \
      OPTION_HIDDEN) \
    X(ignore_warnings, "ignore-warnings", NULL, "", TEXT_ANY, OPT_NEEDLESS) \
    X(server_cpulist, "server-cpulist", "server_cpulist", "", TEXT_ANY, \
      OPT_IM | OPT_LATER) \
    X(bio_cpulist, "bio-cpulist", "bio_cpulist", "", TEXT_ANY, OPT_IM | \
      OPT_LATER) \
    X(aof_cpulist, "aof-rewrite-cpulist", "aof_rewrite_cpulist", "", \
      TEXT_ANY, OPT_IM | OPT_FORK) \
    X(bgsave_cpulist, "bgsave-cpulist", "bgsave_cpulist", "", TEXT_ANY, \
      OPT_IM | OPT_FORK) \
    X(dbfilename, "dbfilename", NULL, "dump.rdb", TEXT_FILE, OPTION_PROTECTED \
      | OPT_DISK) \
    X(appendfilename, "appendfilename", NULL, "appendonly.aof", TEXT_FILE, \
      OPT_IM | OPT_DISK) \
    X(appenddirname, "appenddirname", NULL, "appendonlydir", TEXT_DIRNAME, \
      OPT_IM | OPT_DISK) \
    X(bind_source_addr, "bind-source-addr", NULL, "", TEXT_ANY, OPT_REPL) \
    X(primaryauth, "primaryauth", "masterauth", "", TEXT_BINARY, \
      OPTION_SECRET | OPT_REPL) \
    X(primaryuser, "primaryuser", "masteruser", "", TEXT_ANY, \
      OPTION_SECRET | OPT_REPL) \
    X(replica_announce_ip, "replica-announce-ip", "slave-announce-ip", "", \
      TEXT_ANY, OPT_REPL) \
    X(cluster_config_file, "cluster-config-file", NULL, "nodes.conf", \
      TEXT_ANY, OPT_IM | OPT_CLUSTER) \
    X(cluster_announce_ip, "cluster-announce-ip", NULL, "", TEXT_ANY, \
      OPT_CLUSTER) \
    X(cluster_client_ipv4, "cluster-announce-client-ipv4", NULL, "", \
      TEXT_IPV4, OPT_CLUSTER) \
    X(cluster_client_ipv6, "cluster-announce-client-ipv6", NULL, "", \
      TEXT_IPV6, OPT_CLUSTER) \
    X(cluster_hostname, "cluster-announce-hostname", NULL, "", TEXT_HOST, \
      OPT_CLUSTER) \
    X(cluster_nodename, "cluster-announce-human-nodename", NULL, "", \
      TEXT_NODE, OPT_CLUSTER) \
    X(tls_cert_file, "tls-cert-file", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_key_file, "tls-key-file", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_key_file_pass, "tls-key-file-pass", NULL, "", TEXT_ANY, \
      OPTION_SECRET | OPT_TLS) \
    X(tls_client_cert_file, "tls-client-cert-file", NULL, "", TEXT_ANY, \
      OPT_TLS) \
    X(tls_client_key_file, "tls-client-key-file", NULL, "", TEXT_ANY, \
      OPT_TLS) \
    X(tls_client_key_file_pass, "tls-client-key-file-pass", NULL, "", \
      TEXT_ANY, OPTION_SECRET | OPT_TLS) \
    X(tls_dh_params_file, "tls-dh-params-file", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_ca_cert_file, "tls-ca-cert-file", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_ca_cert_dir, "tls-ca-cert-dir", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_protocols, "tls-protocols", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_ciphers, "tls-ciphers", NULL, "", TEXT_ANY, OPT_TLS) \
    X(tls_ciphersuites, "tls-ciphersuites", NULL, "", TEXT_ANY, OPT_TLS)

/* X(field, name, alias, initial, kind, flags): values of several words, kept as
 * one text with single blanks. */
#define OPTION_LIST_MAP(X) \
    X(bind, "bind", NULL, "* -::*", WORDS_ADDRESSES, 0) \
    X(save, "save", NULL, "3600 1 300 100 60 10000", WORDS_SAVE, \
      OPTION_REPEATS | OPT_DISK) \
    X(latency_percentiles, "latency-tracking-info-percentiles", NULL, \
      "50 99 99.9", WORDS_PERCENTILES, 0) \
    X(oom_score_values, "oom-score-adj-values", NULL, "0 200 800", \
      WORDS_SCORES, 0) \
    X(replicaof, "replicaof", "slaveof", "", WORDS_PRIMARY, OPT_IM | \
      OPT_REPL) \
    X(rdma_bind, "rdma-bind", NULL, "", WORDS_NONE, OPT_RDMA)

/* X(field, name, flags): a line each time, not by CONFIG. Kept as the lines'
 * words behind the name, quoted, a line each. */
#define OPTION_LINES_MAP(X) \
    X(users, "user", OPTION_SECRET | OPT_LATER) \
    X(renames, "rename-command", 0)

#endif
