/* report: results for people and as CSV, in redis-benchmark's forms. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "bench/race.h"

/* What the server said of its configuration; "" where it did not. */
struct settings {
    char save[128], appendonly[16];
};

void report_csv_header(const struct options *o, FILE *out);
/* In the form the options ask for. */
void report_outcome(const struct options *o, const struct server *server,
                    const struct settings *settings, const struct outcome *r,
                    FILE *out);
/* Behind both outcomes: what the second server's are to the first's. */
void report_ratios(const struct options *o, const struct server *first,
                   const struct outcome *a, const struct server *second,
                   const struct outcome *b, FILE *out);
/* What --verify found. False: a value was wrong. */
bool report_verified(const struct outcome *r, FILE *err);

#endif
