/* client-stall: a producer that goes on while its server stands still.
 *
 *   client-stall engram|hiredis PORT PID RATE SECONDS STALL_AT STALL_SECONDS
 *                VALUE_BYTES LIMIT_BYTES CSV
 *
 * RATE SETs fall due every second; from STALL_AT on the server PID is stopped for
 * STALL_SECONDS. libengram has LIMIT_BYTES as max_queued_bytes: a SET that it
 * refuses, and those that fall due until on_drained is called, are given up, and
 * counted. hiredis has no limit and takes everything.
 *
 * Every SAMPLE_MS a line goes to CSV: milliseconds, resident bytes, bytes queued
 * in the client, SETs offered and answered so far. At the end, when all is
 * answered, name=value lines: offered = taken + refused and
 * taken = answered + failed must hold. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <engram/engram.h>

#ifdef HAS_HIREDIS
#include "hiredis_loop.h"
#endif

enum {
    SAMPLE_MS = 50,
    TICK_US = 1000, /* what has fallen due is offered once a tick */
    DRAIN_MS_MAX = 60 * 1000, /* waited at the end for the last answers */
    KEYS = 100 * 1000,
};

/* A producer without limits is ended before it fills the machine. */
static const uint64_t resident_bytes_max = (uint64_t)4 << 30;

struct run {
    int64_t rate, end_ms, stall_from_ms, stall_to_ms;
    pid_t server;
    struct timespec began;
    FILE *csv;
    int statm;

    uint64_t offered, taken, refused, answered, failed, errors;
    bool is_waiting; /* for on_drained */
    bool is_stalled;
    int64_t sampled_ms, ticked_us;
    int64_t stalled_at_ms, resumed_at_ms;

    const char *argv[3];
    size_t lens[3];
    char key[32];
    struct engram_conn *conn;
    struct engram_loop *loop;
#ifdef HAS_HIREDIS
    struct hiredis_loop hiredis;
#endif
};

/* What differs between the libraries. */
struct library {
    const char *name;
    void (*open)(struct run *run, int port, size_t limit);
    bool (*send)(struct run *run); /* false: refused */
    void (*turn)(struct run *run);
    uint64_t (*queued)(const struct run *run);
};

/* ---- libengram ---- */

static void engram_on_reply(struct engram_conn *c, enum engram_status st,
                            const struct engram_reply *r, void *arg)
{
    struct run *run = arg;
    (void)c;
    if (st != ENGRAM_OK) {
        run->failed++;
        return;
    }
    run->answered++;
    run->errors += (uint64_t)engram_reply_is_error(r);
}

static void engram_on_drained(struct engram_conn *c, void *arg)
{
    struct run *run = arg;
    (void)c;
    run->is_waiting = false;
}

static void engram_begin(struct run *run, int port, size_t limit)
{
    struct engram_options o;
    engram_options_init(&o);
    o.port = port;
    o.max_queued_bytes = limit;
    o.on_drained = engram_on_drained;
    o.arg = run;
    run->loop = engram_loop_create();
    run->conn = engram_conn_create(&o, NULL);
    if (run->loop == NULL || run->conn == NULL ||
        engram_loop_add(run->loop, run->conn) != ENGRAM_OK ||
        engram_conn_open(run->conn) != ENGRAM_OK) {
        fprintf(stderr, "client-stall: out of memory\n");
        exit(1);
    }
}

static bool engram_send_one(struct run *run)
{
    if (run->is_waiting) {
        return false;
    }
    enum engram_status st = engram_send_argv(run->conn, NULL, engram_on_reply,
                                             run, 3, run->argv, run->lens);
    run->is_waiting = st == ENGRAM_WOULD_BLOCK;
    return st == ENGRAM_OK;
}

static void engram_turn(struct run *run)
{
    (void)engram_loop_turn(run->loop, 1);
}

static uint64_t engram_queued(const struct run *run)
{
    struct engram_counters n;
    engram_conn_counters(run->conn, &n, sizeof n);
    return n.queued_bytes;
}

/* ---- hiredis ---- */

#ifdef HAS_HIREDIS
static void hiredis_on_reply(redisAsyncContext *c, void *reply, void *arg)
{
    struct run *run = arg;
    (void)c;
    if (reply == NULL) {
        run->failed++;
        return;
    }
    run->answered++;
    run->errors += ((redisReply *)reply)->type == REDIS_REPLY_ERROR;
}

static void hiredis_begin(struct run *run, int port, size_t limit)
{
    (void)limit;
    hiredis_loop_open(&run->hiredis, port);
}

static bool hiredis_send_one(struct run *run)
{
    return redisAsyncCommandArgv(run->hiredis.context, hiredis_on_reply, run, 3,
                                 run->argv, run->lens) == REDIS_OK;
}

static void hiredis_turn(struct run *run)
{
    hiredis_loop_turn(&run->hiredis, 1);
}

static uint64_t hiredis_queued(const struct run *run)
{
    return sdslen(run->hiredis.context->c.obuf);
}
#endif

static const struct library libraries[] = {
    { "engram", engram_begin, engram_send_one, engram_turn, engram_queued },
#ifdef HAS_HIREDIS
    { "hiredis", hiredis_begin, hiredis_send_one, hiredis_turn, hiredis_queued },
#endif
};

/* ---- the run ---- */

static int64_t elapsed_us(const struct run *run)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - run->began.tv_sec) * 1000000 +
           (now.tv_nsec - run->began.tv_nsec) / 1000;
}

static void signal_server(const struct run *run, int number)
{
    if (kill(run->server, number) < 0) {
        perror("client-stall: kill");
        exit(1);
    }
}

/* The second number of statm: resident pages. */
static uint64_t resident_bytes(const struct run *run)
{
    char text[128];
    ssize_t n = pread(run->statm, text, sizeof text - 1, 0);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    const char *second = strchr(text, ' ');
    return second == NULL ? 0
                          : strtoull(second, NULL, 10) *
                                (uint64_t)sysconf(_SC_PAGESIZE);
}

static void sample(struct run *run, const struct library *lib, int64_t now_ms)
{
    if (now_ms < run->sampled_ms + SAMPLE_MS) {
        return;
    }
    uint64_t resident = resident_bytes(run);
    run->sampled_ms = now_ms;
    fprintf(run->csv, "%lld,%llu,%llu,%llu,%llu\n", (long long)now_ms,
            (unsigned long long)resident,
            (unsigned long long)lib->queued(run),
            (unsigned long long)run->offered,
            (unsigned long long)run->answered);
    if (resident > resident_bytes_max) {
        fprintf(stderr, "client-stall: %s has taken 4 GB\n", lib->name);
        signal_server(run, SIGCONT);
        exit(1);
    }
}

static void stall_server(struct run *run, int64_t now_ms)
{
    if (!run->is_stalled && run->stalled_at_ms == 0 &&
        now_ms >= run->stall_from_ms) {
        signal_server(run, SIGSTOP);
        run->is_stalled = true;
        run->stalled_at_ms = now_ms;
    } else if (run->is_stalled && now_ms >= run->stall_to_ms) {
        signal_server(run, SIGCONT);
        run->is_stalled = false;
        run->resumed_at_ms = now_ms;
    }
}

static void offer(struct run *run, const struct library *lib)
{
    run->lens[1] = (size_t)snprintf(run->key, sizeof run->key, "key:%llu",
                                    (unsigned long long)run->offered % KEYS);
    run->offered++;
    if (lib->send(run)) {
        run->taken++;
    } else {
        run->refused++;
    }
}

/* One turn; `now_us` is when it began. */
static void step(struct run *run, const struct library *lib, int64_t now_us)
{
    int64_t until_us = now_us < run->end_ms * 1000 ? now_us : run->end_ms * 1000;
    uint64_t due = (uint64_t)(until_us * run->rate / 1000000);
    stall_server(run, now_us / 1000);
    sample(run, lib, now_us / 1000);
    if (now_us >= run->ticked_us + TICK_US || now_us >= run->end_ms * 1000) {
        run->ticked_us = now_us;
        while (run->offered < due) {
            offer(run, lib);
        }
    }
    lib->turn(run);
}

static void produce(struct run *run, const struct library *lib)
{
    clock_gettime(CLOCK_MONOTONIC, &run->began);
    uint64_t wanted = (uint64_t)(run->end_ms * run->rate / 1000);
    int64_t now_us = 0;
    while (run->offered < wanted ||
           (run->answered + run->failed < run->taken &&
            now_us < (run->end_ms + DRAIN_MS_MAX) * 1000)) {
        step(run, lib, now_us);
        now_us = elapsed_us(run);
    }
}

static void report(const struct run *run)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    const struct {
        const char *name;
        unsigned long long value;
    } rows[] = {
        { "offered", run->offered },
        { "taken", run->taken },
        { "refused", run->refused },
        { "answered", run->answered },
        { "errors", run->errors },
        { "failed", run->failed },
        { "stalled_at_ms", (unsigned long long)run->stalled_at_ms },
        { "resumed_at_ms", (unsigned long long)run->resumed_at_ms },
        { "cpu_ms", (unsigned long long)(used.ru_utime.tv_sec +
                                         used.ru_stime.tv_sec) * 1000 +
                        (unsigned long long)(used.ru_utime.tv_usec +
                                             used.ru_stime.tv_usec) / 1000 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        printf("%s=%llu\n", rows[i].name, rows[i].value);
    }
}

static const struct library *library_of(const char *name)
{
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        if (strcmp(libraries[i].name, name) == 0) {
            return &libraries[i];
        }
    }
    fprintf(stderr, "client-stall: %s is not built in\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    if (argc != 11) {
        fprintf(stderr, "usage: client-stall engram|hiredis PORT PID RATE "
                        "SECONDS STALL_AT STALL_SECONDS VALUE_BYTES "
                        "LIMIT_BYTES CSV\n");
        return 2;
    }
    const struct library *lib = library_of(argv[1]);
    struct run run = { .server = (pid_t)atoi(argv[3]), .rate = atoll(argv[4]) };
    run.end_ms = atoll(argv[5]) * 1000;
    run.stall_from_ms = atoll(argv[6]) * 1000;
    run.stall_to_ms = run.stall_from_ms + atoll(argv[7]) * 1000;
    size_t value_bytes = strtoul(argv[8], NULL, 10);
    char *value = malloc(value_bytes + 1);
    run.csv = fopen(argv[10], "w");
    run.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (value == NULL || run.csv == NULL || run.statm < 0) {
        perror("client-stall");
        return 1;
    }
    memset(value, 'x', value_bytes);
    run.argv[0] = "SET";
    run.lens[0] = 3;
    run.argv[1] = run.key;
    run.argv[2] = value;
    run.lens[2] = value_bytes;
    fprintf(run.csv, "ms,resident_bytes,queued_bytes,offered,answered\n");
    lib->open(&run, atoi(argv[2]), strtoul(argv[9], NULL, 10));
    produce(&run, lib);
    fclose(run.csv);
    report(&run);
    free(value);
    return 0;
}
