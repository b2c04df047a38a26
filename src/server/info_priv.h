/* info_priv: INFO's inside: what a section may use, and the sections, each in
 * the file named beside it.
 *
 * Sums over workers are made when they are asked for; nobody keeps one. Figures
 * of the shards that cannot be read without their locks (struct shard_figures)
 * are collected before the sections are written. */
#ifndef ENGRAM_SERVER_INFO_PRIV_H
#define ENGRAM_SERVER_INFO_PRIV_H

#include <inttypes.h>

#include "server/memory_figures.h"
#include "server/server_priv.h"
#include "server/text.h"

struct info {
    struct server *server;
    struct text text;
    int64_t now_ms;
    /* Where a section has asked for them: */
    struct shard_figures shards;
    size_t watched_keys, awaited_keys;
};

/* ---- lines ---- */

void info_number(struct text *t, const char *name, uint64_t v);
/* name:123 and name_human:0.12K */
void info_bytes(struct text *t, const char *name, uint64_t v);
/* Names that are there for the tools that read them; NULL ends the list. */
void info_zeros(struct text *t, const char *const *names);

/* ---- sums ---- */

#define SUM_WORKERS(s, field) \
    info_sum_workers((s), offsetof(struct worker, field))
#define MAX_WORKERS(s, field) \
    info_max_workers((s), offsetof(struct worker, field))
uint64_t info_sum_workers(const struct server *s, size_t offset);
uint64_t info_max_workers(const struct server *s, size_t offset);
#define SUM_EXECS(s, field) \
    info_sum_execs((s), offsetof(struct exec_stats, field))
uint64_t info_sum_execs(const struct server *s, size_t offset);
uint64_t info_sum_command_ticks(const struct server *s);

/* One command's calls, summed. */
struct command_sums {
    uint64_t calls, failed, rejected;
    double us;
};
void command_sums_read(const struct server *s, uint32_t index,
                       struct command_sums *out);
/* One command's latencies: fills counts[LATENCY_BUCKETS]; how many. */
uint64_t command_latencies_read(const struct server *s, uint32_t index,
                                uint64_t *counts);

/* ---- sections ---- */

void info_server(struct info *in);       /* info_server.c */
void info_clients(struct info *in);      /* info_server.c */
void info_memory(struct info *in);       /* info_memory.c */
void info_keyspace(struct info *in);     /* info_memory.c */
void info_stats(struct info *in);        /* info_stats.c */
void info_debug(struct info *in);        /* info_stats.c */
void info_commandstats(struct info *in); /* info_commands.c */
void info_errorstats(struct info *in);   /* info_commands.c */
void info_latencystats(struct info *in); /* info_commands.c */

#endif
