/* json: results as one JSON document, written piece by piece. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

#include "bench/race.h"

struct json {
    FILE *out;
    bool has_test;
};

/* Begins the document with the options. */
void json_begin(struct json *j, FILE *out, const struct options *o,
                uint64_t seed);
void json_outcome(struct json *j, const struct server *server,
                  const struct options *o, const struct outcome *r);
void json_end(struct json *j);

#endif
