/* info_commands: INFO commandstats, errorstats, latencystats, out of what each
 * worker's dispatcher counts. */
#include <stdio.h>
#include <stdlib.h>

#include "server/info_priv.h"

enum { PERCENTILES_MAX = 64 };

/* ---- commandstats ---- */

void command_sums_read(const struct server *s, uint32_t index,
                       struct command_sums *out)
{
    uint64_t ticks = 0;
    *out = (struct command_sums){0};
    for (uint32_t w = 0; w < s->worker_count; w++) {
        const struct cmd_stats *st =
            &exec_stats(s->workers[w].exec)->commands[index];
        out->calls += counter_get(&st->calls);
        out->failed += counter_get(&st->failed);
        out->rejected += counter_get(&st->rejected);
        ticks += counter_get(&st->ticks);
    }
    out->us = (double)ticks / s->ticks_per_us;
}

void info_commandstats(struct info *in)
{
    const struct server *s = in->server;
    for (uint32_t i = 0; i < cmd_table_total(s->commands); i++) {
        struct command_sums sums;
        command_sums_read(s, i, &sums);
        if (sums.calls + sums.failed + sums.rejected == 0) {
            continue;
        }
        text_add(&in->text,
                 "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64
                 ",usec_per_call=%.2f,rejected_calls=%" PRIu64
                 ",failed_calls=%" PRIu64 "\r\n",
                 cmd_table_by_index(s->commands, i)->full_name, sums.calls,
                 (uint64_t)sums.us,
                 sums.calls == 0 ? 0 : sums.us / (double)sums.calls,
                 sums.rejected, sums.failed);
    }
}

/* ---- errorstats ---- */

/* What a worker has counted for a code; *is_known: it has met it. */
static uint64_t count_of(const struct exec_stats *st, const char *code,
                         bool *is_known)
{
    /* acquire: pairs with the release of the worker that named the code */
    uint64_t kinds = atomic_load_explicit(&st->error_kinds.value,
                                          memory_order_acquire);
    for (uint64_t k = 0; k < kinds; k++) {
        if (strcmp(st->errors[k].code, code) == 0) {
            *is_known = true;
            return counter_get(&st->errors[k].count);
        }
    }
    *is_known = false;
    return 0;
}

/* The sum over all workers; 0 as well where a worker before `w` knows the code:
 * it has been shown then. */
static uint64_t sum_from(const struct server *s, uint32_t w, const char *code)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        bool is_known;
        sum += count_of(exec_stats(s->workers[i].exec), code, &is_known);
        if (is_known && i < w) {
            return 0;
        }
    }
    return sum;
}

void info_errorstats(struct info *in)
{
    const struct server *s = in->server;
    uint64_t overflow = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const struct exec_stats *st = exec_stats(s->workers[i].exec);
        uint64_t kinds = atomic_load_explicit(&st->error_kinds.value,
                                              memory_order_acquire);
        overflow += counter_get(&st->error_overflow);
        for (uint64_t k = 0; k < kinds; k++) {
            uint64_t sum = sum_from(s, i, st->errors[k].code);
            if (sum > 0) {
                text_add(&in->text, "errorstat_%s:count=%" PRIu64 "\r\n",
                         st->errors[k].code, sum);
            }
        }
    }
    if (overflow > 0) {
        text_add(&in->text,
                 "errorstat_ERRORSTATS_OVERFLOW:count=%" PRIu64 "\r\n",
                 overflow);
    }
}

/* ---- latencystats ---- */

uint64_t command_latencies_read(const struct server *s, uint32_t index,
                                uint64_t *counts)
{
    uint64_t total = 0;
    memset(counts, 0, LATENCY_BUCKETS * sizeof *counts);
    for (uint32_t w = 0; w < s->worker_count; w++) {
        const struct cmd_stats *st =
            &exec_stats(s->workers[w].exec)->commands[index];
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

/* The percentiles to show; how many. */
static size_t read_percentiles(struct server *s, double *out)
{
    size_t count = 0;
    lock_acquire(&s->config_lock);
    const char *at = s->options.latency_percentiles;
    while (count < PERCENTILES_MAX) {
        char *end;
        double p = strtod(at, &end);
        if (end == at) {
            break;
        }
        out[count++] = p < 0 ? 0 : p > 100 ? 100 : p;
        at = end;
    }
    lock_release(&s->config_lock);
    return count;
}

/* "99.9": the fewest decimals that read back the same. */
static void add_shortest(struct text *t, double p)
{
    char digits[64];
    for (int decimals = 0; decimals <= 17; decimals++) {
        snprintf(digits, sizeof digits, "%.*f", decimals, p);
        if (strtod(digits, NULL) == p) {
            break;
        }
    }
    text_add(t, "%s", digits);
}

void info_latencystats(struct info *in)
{
    struct server *s = in->server;
    struct text *t = &in->text;
    uint64_t counts[LATENCY_BUCKETS];
    double percentiles[PERCENTILES_MAX];
    size_t percentile_count = read_percentiles(s, percentiles);
    for (uint32_t i = 0; i < cmd_table_total(s->commands); i++) {
        uint64_t total = command_latencies_read(s, i, counts);
        if (total == 0) {
            continue;
        }
        text_add(t, "latency_percentiles_usec_%s:",
                 cmd_table_by_index(s->commands, i)->full_name);
        for (size_t p = 0; p < percentile_count; p++) {
            text_add(t, p == 0 ? "p" : ",p");
            add_shortest(t, percentiles[p]);
            text_add(t, "=%.3f", latency_quantile_us(counts, total,
                                                     percentiles[p] / 100));
        }
        text_add(t, "\r\n");
    }
}
