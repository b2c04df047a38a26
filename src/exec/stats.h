/* stats: what an exec counts: calls, time and latencies a command, errors.
 * Written by its worker, read by any thread (relaxed counters). */
#ifndef ENGRAM_EXEC_STATS_H
#define ENGRAM_EXEC_STATS_H

#include "base/counter.h"
#include "base/mem.h"

enum {
    LATENCY_BUCKETS = 256,  /* 8 to an octave, from 1 ns */
    /* Codes told apart in errorstats: the server's own, which are known from the
     * start, and as many that scripts make up. */
    ERROR_KINDS_MAX = 128 + 31,
    ERROR_CODE_MAX = 32,
};

struct cmd_stats {
    struct counter calls;
    struct counter ticks;    /* clock_ticks spent running */
    struct counter failed;   /* replied an error */
    struct counter rejected; /* refused before it ran */
    struct counter *latency; /* LATENCY_BUCKETS, made at the first call */
};

struct error_stats {
    char code[ERROR_CODE_MAX];
    struct counter count;
};

struct exec_stats {
    double ticks_per_us;
    uint32_t command_count;      /* elements of commands */
    struct cmd_stats *commands;  /* by cmd.index */
    struct counter watching_sessions; /* WATCH: now */
    struct counter command_total;
    struct counter change_total; /* keys changed */
    struct counter error_total;
    struct counter error_overflow; /* of codes there was no more room for */
    struct counter error_kinds;  /* elements of errors in use */
    struct error_stats errors[ERROR_KINDS_MAX];
};

/* Names the server's own codes; before anything is counted. */
void exec_stats_init(struct exec_stats *st);
/* Counts an error reply by its code; the writing worker. */
void exec_stats_count_error(struct exec_stats *st, const char *code);
/* Sets all counts back and forgets the codes met; nobody reads meanwhile. */
void exec_stats_clear(struct exec_stats *st);

/* The bucket a span of nanoseconds falls in, and a bucket's upper end. */
uint32_t latency_bucket(uint64_t ns);
uint64_t latency_bucket_ns(uint32_t bucket);
/* The `q`-th quantile (0..1) in microseconds over counts summed by the caller. */
double latency_quantile_us(const uint64_t *counts, uint64_t total, double q);

#endif
