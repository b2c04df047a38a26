/* option_table: every option in one line. The lines make the fields of struct
 * options and the rows that the config file, the command line and CONFIG read.
 * Included by options.h and options.c only.
 *
 * An INERT option is one that Redis knows and this server does not need or does
 * not serve yet: it is checked, kept and shown, and changes nothing. */
#ifndef ENGRAM_SERVER_OPTION_TABLE_H
#define ENGRAM_SERVER_OPTION_TABLE_H

#define OPT_IM OPTION_IMMUTABLE
#define OPT_IN OPTION_INERT

/* X(field, name, alias, initial, flags) */
#define OPTION_BOOL_MAP(X) \
    X(protected_mode, "protected-mode", NULL, true, 0) \
    X(daemonize, "daemonize", NULL, false, OPT_IM) \
    X(activedefrag, "activedefrag", NULL, false, 0) \
    X(lazyfree_lazy_eviction, "lazyfree-lazy-eviction", NULL, true, 0) \
    X(lazyfree_lazy_expire, "lazyfree-lazy-expire", NULL, true, 0) \
    X(lazyfree_lazy_server_del, "lazyfree-lazy-server-del", NULL, true, 0) \
    X(lazyfree_lazy_user_del, "lazyfree-lazy-user-del", NULL, true, 0) \
    X(lazyfree_lazy_user_flush, "lazyfree-lazy-user-flush", NULL, true, 0) \
    X(latency_tracking, "latency-tracking", NULL, true, 0) \
    X(appendonly, "appendonly", NULL, false, OPTION_ONLY_NO) \
    X(cluster_enabled, "cluster-enabled", NULL, false, \
      OPT_IM | OPTION_ONLY_NO) \
    X(dynamic_hz, "dynamic-hz", NULL, true, OPT_IN) \
    X(activerehashing, "activerehashing", NULL, true, OPT_IN) \
    X(always_show_logo, "always-show-logo", NULL, false, OPT_IM | OPT_IN) \
    X(aof_load_truncated, "aof-load-truncated", NULL, true, OPT_IN) \
    X(aof_use_rdb_preamble, "aof-use-rdb-preamble", NULL, true, OPT_IN) \
    X(aof_timestamp_enabled, "aof-timestamp-enabled", NULL, false, OPT_IN) \
    X(aof_rewrite_fsync, "aof-rewrite-incremental-fsync", NULL, true, OPT_IN) \
    X(no_appendfsync, "no-appendfsync-on-rewrite", NULL, false, OPT_IN) \
    X(rdb_fsync, "rdb-save-incremental-fsync", NULL, true, OPT_IN) \
    X(rdbcompression, "rdbcompression", NULL, true, OPT_IN) \
    X(rdbchecksum, "rdbchecksum", NULL, true, OPT_IM | OPT_IN) \
    X(rdb_del_sync_files, "rdb-del-sync-files", NULL, false, OPT_IN) \
    X(stop_writes_on_error, "stop-writes-on-bgsave-error", NULL, true, OPT_IN) \
    X(crash_log_enabled, "crash-log-enabled", NULL, true, OPT_IN) \
    X(crash_memcheck_enabled, "crash-memcheck-enabled", NULL, true, OPT_IN) \
    X(disable_thp, "disable-thp", NULL, false, OPT_IM | OPT_IN) \
    X(io_threads_do_reads, "io-threads-do-reads", NULL, false, \
      OPT_IM | OPT_IN) \
    X(jemalloc_bg_thread, "jemalloc-bg-thread", NULL, true, OPT_IN) \
    X(set_proc_title, "set-proc-title", NULL, true, OPT_IM | OPT_IN) \
    X(syslog_enabled, "syslog-enabled", NULL, false, OPT_IM | OPT_IN) \
    X(repl_diskless_sync, "repl-diskless-sync", NULL, true, OPT_IN) \
    X(repl_disable_nodelay, "repl-disable-tcp-nodelay", NULL, false, OPT_IN) \
    X(replica_read_only, "replica-read-only", "slave-read-only", true, OPT_IN) \
    X(replica_serve_stale, "replica-serve-stale-data", \
      "slave-serve-stale-data", true, OPT_IN) \
    X(replica_lazy_flush, "replica-lazy-flush", "slave-lazy-flush", true, \
      OPT_IN) \
    X(replica_ignore_maxmemory, "replica-ignore-maxmemory", \
      "slave-ignore-maxmemory", true, OPT_IN) \
    X(replica_announced, "replica-announced", NULL, true, OPT_IN) \
    X(enable_debug_assert, "enable-debug-assert", NULL, false, \
      OPT_IM | OPT_IN | OPTION_HIDDEN) \
    X(hide_user_data, "hide-user-data-from-log", NULL, true, OPT_IN)

/* X(field, name, alias, initial, min, max, flags) */
#define OPTION_INT_MAP(X) \
    X(port, "port", NULL, 6379, 0, 65535, OPT_IM) \
    X(unixsocketperm, "unixsocketperm", NULL, 0, 0, 511, \
      OPT_IM | OPTION_OCTAL) \
    X(tcp_backlog, "tcp-backlog", NULL, 511, 0, INT32_MAX, OPT_IM) \
    X(maxclients, "maxclients", NULL, 10000, 1, INT32_MAX, 0) \
    X(timeout, "timeout", NULL, 0, 0, INT32_MAX, 0) \
    X(tcp_keepalive, "tcp-keepalive", NULL, 300, 0, INT32_MAX, 0) \
    X(worker_threads, "worker-threads", NULL, 0, 0, 256, OPT_IM) \
    X(databases, "databases", NULL, 16, 1, 1 << 20, OPT_IM) \
    X(shards, "shards", NULL, 0, 0, 4096, OPT_IM | OPTION_POWER_OF_TWO) \
    X(hz, "hz", NULL, 10, 0, INT32_MAX, 0) \
    X(io_threads, "io-threads", NULL, 1, 1, 128, OPT_IM | OPT_IN) \
    X(maxmemory_samples, "maxmemory-samples", NULL, 5, 1, 64, OPT_IN) \
    X(maxmemory_tenacity, "maxmemory-eviction-tenacity", NULL, 10, 0, 100, \
      OPT_IN) \
    X(lfu_log_factor, "lfu-log-factor", NULL, 10, 0, INT32_MAX, OPT_IN) \
    X(lfu_decay_time, "lfu-decay-time", NULL, 1, 0, INT32_MAX, OPT_IN) \
    X(active_expire_effort, "active-expire-effort", NULL, 1, 1, 10, OPT_IN) \
    X(defrag_cycle_min, "active-defrag-cycle-min", NULL, 1, 1, 99, OPT_IN) \
    X(defrag_cycle_max, "active-defrag-cycle-max", NULL, 25, 1, 99, OPT_IN) \
    X(defrag_threshold_lower, "active-defrag-threshold-lower", NULL, 10, 0, \
      1000, OPT_IN) \
    X(defrag_threshold_upper, "active-defrag-threshold-upper", NULL, 100, 0, \
      1000, OPT_IN) \
    X(defrag_scan_fields, "active-defrag-max-scan-fields", NULL, 1000, 1, \
      INT32_MAX, OPT_IN) \
    X(slowlog_slower_than, "slowlog-log-slower-than", NULL, 10000, -1, \
      INT64_MAX, OPT_IN) \
    X(slowlog_max_len, "slowlog-max-len", NULL, 128, 0, INT64_MAX, OPT_IN) \
    X(latency_threshold, "latency-monitor-threshold", NULL, 0, 0, INT64_MAX, \
      OPT_IN) \
    X(busy_reply_threshold, "busy-reply-threshold", "lua-time-limit", 5000, \
      0, INT64_MAX, OPT_IN) \
    X(shutdown_timeout, "shutdown-timeout", NULL, 10, 0, INT32_MAX, OPT_IN) \
    X(acllog_max_len, "acllog-max-len", NULL, 128, 0, INT64_MAX, OPT_IN) \
    X(tracking_keys_max, "tracking-table-max-keys", NULL, 1000000, 0, \
      INT64_MAX, OPT_IN) \
    X(hash_entries_max, "hash-max-listpack-entries", \
      "hash-max-ziplist-entries", 512, 0, INT64_MAX, OPT_IN) \
    X(hash_value_max, "hash-max-listpack-value", "hash-max-ziplist-value", \
      64, 0, INT64_MAX, OPT_IN) \
    X(set_intset_max, "set-max-intset-entries", NULL, 512, 0, INT64_MAX, \
      OPT_IN) \
    X(set_listpack_max, "set-max-listpack-entries", NULL, 128, 0, INT64_MAX, \
      OPT_IN) \
    X(set_value_max, "set-max-listpack-value", NULL, 64, 0, INT64_MAX, \
      OPT_IN) \
    X(zset_entries_max, "zset-max-listpack-entries", \
      "zset-max-ziplist-entries", 128, 0, INT64_MAX, OPT_IN) \
    X(zset_value_max, "zset-max-listpack-value", "zset-max-ziplist-value", \
      64, 0, INT64_MAX, OPT_IN) \
    X(list_listpack_size, "list-max-listpack-size", "list-max-ziplist-size", \
      -2, INT32_MIN, INT32_MAX, OPT_IN) \
    X(list_compress_depth, "list-compress-depth", NULL, 0, 0, INT32_MAX, \
      OPT_IN) \
    X(stream_node_entries, "stream-node-max-entries", NULL, 100, 0, \
      INT64_MAX, OPT_IN) \
    X(aof_rewrite_percent, "auto-aof-rewrite-percentage", NULL, 100, 0, \
      INT32_MAX, OPT_IN) \
    X(repl_timeout, "repl-timeout", NULL, 60, 1, INT32_MAX, OPT_IN) \
    X(repl_ping_period, "repl-ping-replica-period", \
      "repl-ping-slave-period", 10, 1, INT32_MAX, OPT_IN) \
    X(repl_diskless_delay, "repl-diskless-sync-delay", NULL, 5, 0, \
      INT32_MAX, OPT_IN) \
    X(repl_diskless_replicas, "repl-diskless-sync-max-replicas", NULL, 0, 0, \
      INT32_MAX, OPT_IN) \
    X(repl_backlog_ttl, "repl-backlog-ttl", NULL, 3600, 0, INT64_MAX, OPT_IN) \
    X(replica_priority, "replica-priority", "slave-priority", 100, 0, \
      INT32_MAX, OPT_IN) \
    X(replica_announce_port, "replica-announce-port", "slave-announce-port", \
      0, 0, 65535, OPT_IN) \
    X(min_replicas, "min-replicas-to-write", "min-slaves-to-write", 0, 0, \
      INT32_MAX, OPT_IN) \
    X(min_replicas_lag, "min-replicas-max-lag", "min-slaves-max-lag", 10, 0, \
      INT32_MAX, OPT_IN) \
    X(key_load_delay, "key-load-delay", NULL, 0, INT32_MIN, INT32_MAX, \
      OPT_IN | OPTION_HIDDEN)

/* X(field, name, alias, initial, min, max, flags); bytes, units taken */
#define OPTION_BYTES_MAP(X) \
    X(maxmemory, "maxmemory", NULL, 0, 0, INT64_MAX, 0) \
    X(client_query_buffer_limit, "client-query-buffer-limit", NULL, \
      1024 * 1024 * 1024, 1024 * 1024, INT64_MAX, 0) \
    X(proto_max_bulk_len, "proto-max-bulk-len", NULL, 512 * 1024 * 1024, \
      1024 * 1024, INT64_MAX, 0) \
    X(maxmemory_clients, "maxmemory-clients", NULL, 0, 0, INT64_MAX, OPT_IN) \
    X(repl_backlog_size, "repl-backlog-size", NULL, 1024 * 1024, 1, \
      INT64_MAX, OPT_IN) \
    X(defrag_ignore_bytes, "active-defrag-ignore-bytes", NULL, \
      100 * 1024 * 1024, 1, INT64_MAX, OPT_IN) \
    X(aof_rewrite_min_size, "auto-aof-rewrite-min-size", NULL, \
      64 * 1024 * 1024, 0, INT64_MAX, OPT_IN) \
    X(stream_node_bytes, "stream-node-max-bytes", NULL, 4096, 0, INT64_MAX, \
      OPT_IN) \
    X(hll_sparse_bytes, "hll-sparse-max-bytes", NULL, 3000, 0, INT64_MAX, \
      OPT_IN)

/* X(field, name, alias, words, initial, flags) */
#define OPTION_ENUM_MAP(X) \
    X(io_engine, "io-engine", NULL, engine_words, 0, OPT_IM) \
    X(maxmemory_policy, "maxmemory-policy", NULL, policy_words, \
      POLICY_NOEVICTION, 0) \
    X(loglevel, "loglevel", NULL, level_words, 2, 0) \
    X(enable_debug_command, "enable-debug-command", NULL, permit_words, \
      PERMIT_NO, OPT_IM) \
    X(enable_protected_configs, "enable-protected-configs", NULL, \
      permit_words, PERMIT_NO, OPT_IM) \
    X(enable_module_command, "enable-module-command", NULL, permit_words, \
      PERMIT_NO, OPT_IM | OPT_IN) \
    X(appendfsync, "appendfsync", NULL, fsync_words, 1, OPT_IN) \
    X(supervised, "supervised", NULL, supervised_words, 0, OPT_IM | OPT_IN) \
    X(repl_diskless_load, "repl-diskless-load", NULL, diskless_words, 0, \
      OPT_IN) \
    X(acl_pubsub_default, "acl-pubsub-default", NULL, channel_words, 0, \
      OPT_IN) \
    X(propagation_error, "propagation-error-behavior", NULL, \
      propagation_words, 0, OPT_IN) \
    X(shutdown_on_sigint, "shutdown-on-sigint", NULL, shutdown_words, 0, \
      OPTION_BITS | OPT_IN) \
    X(shutdown_on_sigterm, "shutdown-on-sigterm", NULL, shutdown_words, 0, \
      OPTION_BITS | OPT_IN) \
    X(sanitize_dump, "sanitize-dump-payload", NULL, sanitize_words, 0, OPT_IN)

/* X(field, name, alias, initial, flags) */
#define OPTION_STRING_MAP(X) \
    X(unixsocket, "unixsocket", NULL, "", OPT_IM) \
    X(logfile, "logfile", NULL, "", OPT_IM) \
    X(dir, "dir", NULL, "", OPTION_PROTECTED) \
    X(requirepass, "requirepass", NULL, "", OPTION_SECRET) \
    X(pidfile, "pidfile", NULL, "", OPT_IM) \
    X(dbfilename, "dbfilename", NULL, "dump.rdb", OPTION_PROTECTED | OPT_IN) \
    X(appendfilename, "appendfilename", NULL, "appendonly.aof", \
      OPT_IM | OPT_IN) \
    X(appenddirname, "appenddirname", NULL, "appendonlydir", OPT_IM | OPT_IN) \
    X(aclfile, "aclfile", NULL, "", OPT_IM | OPT_IN) \
    X(masterauth, "masterauth", NULL, "", OPTION_SECRET | OPT_IN) \
    X(masteruser, "masteruser", NULL, "", OPT_IN) \
    X(notify_keyspace_events, "notify-keyspace-events", NULL, "", OPT_IN) \
    X(syslog_ident, "syslog-ident", NULL, "engram", OPT_IM | OPT_IN) \
    X(syslog_facility, "syslog-facility", NULL, "local0", OPT_IM | OPT_IN) \
    X(proc_title, "proc-title-template", NULL, \
      "{title} {listen-addr} {server-mode}", OPT_IN) \
    X(ignore_warnings, "ignore-warnings", NULL, "", OPT_IN) \
    X(bind_source_addr, "bind-source-addr", NULL, "", OPT_IN) \
    X(locale_collate, "locale-collate", NULL, "", OPT_IN) \
    X(oom_score_adj, "oom-score-adj", NULL, "no", OPT_IN) \
    X(replica_announce_ip, "replica-announce-ip", "slave-announce-ip", "", \
      OPT_IN)

/* X(field, name, alias, initial, kind, flags): values of several words, kept as
 * one text with single blanks. */
#define OPTION_LIST_MAP(X) \
    X(bind, "bind", NULL, "* -::*", WORDS_ADDRESSES, OPT_IM) \
    X(save, "save", NULL, "3600 1 300 100 60 10000", WORDS_SAVE, \
      OPTION_REPEATS) \
    X(oom_score_values, "oom-score-adj-values", NULL, "0 200 800", WORDS_ANY, \
      OPT_IN) \
    X(latency_percentiles, "latency-tracking-info-percentiles", NULL, \
      "50 99 99.9", WORDS_ANY, OPT_IN)

#endif
