/* stats: latencies fall into 8 buckets an octave: a value's bucket is its
 * highest bit and the three bits below it, so a quantile is off by at most
 * one part in eight. */
#include "exec/stats.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Codes that the server itself replies; scripts may add theirs. */
static const char *const own_codes[] = {
    "ERR", "WRONGTYPE", "OOM", "NOAUTH", "WRONGPASS", "NOPERM", "NOPROTO",
    "EXECABORT", "NOSCRIPT", "NOTBUSY", "BUSY", "BUSYKEY", "BUSYGROUP",
    "NOGROUP", "UNBLOCKED", "UNKILLABLE", "LOADING", "MISCONF", "READONLY",
    "MASTERDOWN", "NOREPLICAS", "NOMASTERLINK", "CROSSSLOT", "CLUSTERDOWN",
    "MOVED", "ASK", "TRYAGAIN", "INVALIDOBJ", "IOERR", "NONEXT", "DENIED",
};
enum { OWN_CODE_COUNT = sizeof own_codes / sizeof own_codes[0] };
static_assert(OWN_CODE_COUNT + 128 == ERROR_KINDS_MAX,
              "room for 128 of the scripts' beside");

void exec_stats_init(struct exec_stats *st)
{
    for (uint32_t i = 0; i < OWN_CODE_COUNT; i++) {
        snprintf(st->errors[i].code, ERROR_CODE_MAX, "%s", own_codes[i]);
    }
    counter_set(&st->error_kinds, OWN_CODE_COUNT);
}

void exec_stats_count_error(struct exec_stats *st, const char *code)
{
    uint32_t used = (uint32_t)counter_get(&st->error_kinds), i = 0;
    counter_add(&st->error_total, 1);
    while (i < used && strcmp(st->errors[i].code, code) != 0) {
        i++;
    }
    if (i == ERROR_KINDS_MAX) {
        counter_add(&st->error_overflow, 1);
        return;
    }
    if (i == used) {
        snprintf(st->errors[i].code, ERROR_CODE_MAX, "%s", code);
        /* Readers look at `code` only below error_kinds. */
        atomic_store_explicit(&st->error_kinds.value, used + 1,
                              memory_order_release);
    }
    counter_add(&st->errors[i].count, 1);
}

void exec_stats_clear(struct exec_stats *st)
{
    for (uint32_t i = 0; i < st->command_count; i++) {
        struct cmd_stats *cmd = &st->commands[i];
        struct counter *l = __atomic_load_n(&cmd->latency, __ATOMIC_ACQUIRE);
        counter_set(&cmd->calls, 0);
        counter_set(&cmd->ticks, 0);
        counter_set(&cmd->failed, 0);
        counter_set(&cmd->rejected, 0);
        for (uint32_t b = 0; l != NULL && b < LATENCY_BUCKETS; b++) {
            counter_set(&l[b], 0);
        }
    }
    for (uint32_t i = 0; i < ERROR_KINDS_MAX; i++) {
        counter_set(&st->errors[i].count, 0);
    }
    counter_set(&st->error_kinds, OWN_CODE_COUNT);
    counter_set(&st->error_overflow, 0);
    counter_set(&st->command_total, 0);
    counter_set(&st->error_total, 0);
}

uint32_t latency_bucket(uint64_t ns)
{
    if (ns < 8) {
        return (uint32_t)ns;
    }
    uint32_t octave = 63 ^ (uint32_t)__builtin_clzll(ns);
    uint32_t bucket = (octave - 2) * 8 + (uint32_t)((ns >> (octave - 3)) & 7);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

uint64_t latency_bucket_ns(uint32_t bucket)
{
    assert(bucket < LATENCY_BUCKETS);
    if (bucket < 8) {
        return bucket;
    }
    uint32_t octave = bucket / 8 + 2;
    uint64_t low = (uint64_t)(8 + bucket % 8) << (octave - 3);
    return low + ((uint64_t)1 << (octave - 3)) - 1;
}

double latency_quantile_us(const uint64_t *counts, uint64_t total, double q)
{
    uint64_t seen = 0;
    double want = q * (double)total;
    for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += counts[i];
        if (seen > 0 && (double)seen >= want) {
            return (double)latency_bucket_ns(i) / 1000.0;
        }
    }
    return 0;
}
