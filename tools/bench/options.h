/* options: the command line. Names, meanings and defaults are redis-benchmark's
 * where it has them. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/keys.h"
#include "bench/sizes.h"

enum cluster_readers { CLUSTER_PRIMARIES, CLUSTER_REPLICAS, CLUSTER_ALL };

struct options {
    /* Where to. */
    const char *host, *unix_path, *url, *user, *password;
    int64_t port, db;
    bool is_resp3, has_tracking, is_cluster;
    enum cluster_readers readers; /* who is sent to, in a cluster */
    const char *compare;          /* a second server; NULL: none */
    /* TLS. */
    bool has_tls, is_insecure;
    const char *sni, *ca_file, *ca_dir, *cert, *key, *ciphers, *ciphersuites;
    /* How much. */
    int64_t clients, threads, pipeline, keep_alive;
    int64_t requests, duration_s; /* duration_s 0: requests count */
    int64_t rps;                  /* 0: as fast as it goes */
    bool is_endless, is_idle;
    /* What. */
    const char *tests; /* NULL: all */
    int64_t key_range; /* 0: __rand_int__ stays as it is */
    int64_t data_bytes;
    struct sizes sizes; /* of data_bytes where it is not given */
    enum key_order key_order;
    double theta;
    int64_t reads, writes; /* both 0: no mixed test */
    bool has_verify;
    int64_t seed; /* -1: by the clock */
    bool takes_stdin;
    /* Output. */
    bool is_quiet, is_csv, is_silent_meanwhile;
    int64_t precision;
    const char *json_path;
    /* The command and its arguments, borrowed from argv; argc 0: none. */
    int argc;
    char **argv;
};

enum options_outcome {
    OPTIONS_RUN,
    OPTIONS_DONE,   /* --help, --version: it has been written to `out` */
    OPTIONS_REFUSED /* why has been written to `err` */
};

/* Strings are borrowed from `argv`. */
enum options_outcome options_parse(struct options *o, int argc, char **argv,
                                   FILE *out, FILE *err);

#endif
