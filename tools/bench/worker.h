/* worker: a thread with some of the connections of a test.
 *
 * A race is what the workers of one test share: the description, which stays as
 * it is, the count of requests claimed, and the sign to stop. All else is one
 * worker's own, and read by others only when its thread has ended. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <engram/engram.h>

#include "bench/cluster.h"
#include "bench/histogram.h"
#include "bench/options.h"
#include "bench/plan.h"

enum { FAILURE_BYTES = 512 };

struct race {
    const struct options *options;
    const struct engram_options *link; /* how to connect */
    const struct cluster *cluster;     /* NULL: there is none */
    const struct plan *plan;           /* NULL: only connect, and wait */
    uint64_t seed;
    uint64_t limit; /* requests in all */
    int64_t rps;    /* 0: as fast as it goes */
    /* Written before `begin` is passed. */
    int64_t start_ns, end_ns;
    /* Passed twice by all workers and whoever started them: when everybody is
     * connected, and when start_ns stands. */
    pthread_barrier_t begin;
    /* Any worker; relaxed, since nothing else is published with them. */
    _Atomic uint64_t claimed;
    _Atomic bool is_over; /* one has failed: the others stop too */
    /* Workers that have not ended. */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    size_t running;
};

/* What a worker has found. */
struct tally {
    struct histogram latency; /* --rps: from when a request was due */
    struct histogram service; /* --rps: from when it was sent; else empty */
    uint64_t requests, reads, misses, wrong;
    char wrong_text[FAILURE_BYTES]; /* of the first wrong value */
    int64_t last_ns;                /* when the last reply came */
};

struct worker {
    struct race *race;
    size_t number;       /* from 0 */
    size_t client_count; /* how many connections, and */
    size_t client_first; /* how many are others' before */
    pthread_t thread;
    /* Its own, and after it has ended anybody's. */
    struct tally tally;
    char failure[FAILURE_BYTES]; /* "": none */
    bool is_unknown_command;     /* the failure is that */
    /* Written by the worker, read by who shows the progress; relaxed. */
    _Atomic uint64_t done, latency_ns;
    _Atomic uint64_t ready_count;
};

/* The thread's function; `arg` is a struct worker. */
void *worker_run(void *arg);

#endif
