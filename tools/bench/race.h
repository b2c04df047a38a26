/* race: one test on one server, from its first connection to its last reply. */
#ifndef BENCH_RACE_H
#define BENCH_RACE_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/worker.h"

struct outcome {
    const char *title; /* the plan's */
    struct tally tally;
    double seconds;
    char failure[FAILURE_BYTES]; /* "": it ran to its end */
    bool is_unknown_command;     /* the failure is that */
};

struct server {
    const char *name; /* for people: "127.0.0.1:6379" */
    struct engram_options link;
    const struct cluster *cluster; /* NULL: there is none */
};

/* Writes how far it is to `progress` four times a second, if it is not NULL.
 * Deinit `out` in any case. */
void race_run(const struct options *o, const struct server *server,
              const struct plan *plan, uint64_t seed, FILE *progress,
              struct outcome *out);
/* Opens the connections and waits until it fails; why is in `out`. */
void race_idle(const struct options *o, const struct server *server,
               FILE *progress, struct outcome *out);
void outcome_deinit(struct outcome *out);

double outcome_rps(const struct outcome *out);

#endif
