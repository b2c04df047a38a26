/* section: a timed part of a bench that measures a structure alone. It gives
 * nanoseconds an operation; under callgrind it is also dumped by its name, and
 * bench/structs makes instructions an operation of that. */
#ifndef ENGRAM_BENCH_SECTION_H
#define ENGRAM_BENCH_SECTION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(text) (void)(text)
#endif

struct section {
    double ticks_per_us;
    uint64_t start;
    char of[64]; /* what the sections are of: "ranking 1000 random" */
};

static inline struct section section_init(void)
{
    return (struct section){.ticks_per_us = clock_ticks_per_us()};
}

__attribute__((format(printf, 2, 3))) static inline void
section_of(struct section *s, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(s->of, sizeof s->of, format, values);
    va_end(values);
}

/* Fewer operations do where each is counted and none is timed. */
static inline size_t section_count(size_t operations)
{
    return RUNNING_ON_VALGRIND ? operations / 20 + 1 : operations;
}

static inline void section_begin(struct section *s)
{
    CALLGRIND_ZERO_STATS;
    s->start = clock_ticks();
}

/* Nanoseconds an operation since section_begin. */
static inline double section_end(const struct section *s, const char *name,
                                 size_t operations)
{
    double ticks = (double)(clock_ticks() - s->start);
    if (RUNNING_ON_VALGRIND) {
        char text[160];
        (void)snprintf(text, sizeof text, "%s, %s: %zu", s->of, name,
                       operations);
        CALLGRIND_DUMP_STATS_AT(text);
    }
    return ticks / s->ticks_per_us * 1000 / (double)operations;
}

#endif
