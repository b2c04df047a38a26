/* waits: how long the server's serving thread and the calling thread were ready
 * to run but had no processor, from /proc/PID/task/TID/schedstat. A latency less
 * that time is what the server is to blame for, on a machine that others use
 * too. While the server's other threads ran, the serving one waited for them,
 * and that is to its own blame: it stays in. Which of the two it was at a time
 * is not known, so where both processors are wanted by others, too much stays.
 *
 * Reading the files costs some microseconds, so they are read every 100 us at
 * most, and the readings of the last while are kept: a request that took long
 * is charged from the last reading before it was sent.
 * Threads: owned by the one that called waits_open(). */
#ifndef BENCH_WAITS_H
#define BENCH_WAITS_H

#include <stddef.h>
#include <stdint.h>

struct client;

enum { WAITS_FILES_MAX = 64, WAITS_READINGS = 4096 };

struct waits_reading {
    uint64_t at_ns;
    uint64_t serving_waited_ns, own_waited_ns;
    uint64_t serving_ran_ns, others_ran_ns;
};

struct waits {
    int files[WAITS_FILES_MAX]; /* the calling thread's is the last */
    size_t file_count;
    size_t serving; /* the file of the thread that answers */
    uint64_t reading_count;
    struct waits_reading readings[WAITS_READINGS];
};

uint64_t clock_now_ns(void);

/* The threads that the server has now are the ones watched. Which one serves is
 * found by sending GETs over `c`. */
void waits_open(struct waits *w, int server_pid, struct client *c);
void waits_close(struct waits *w);

/* The latency net of waits, of a request sent at `sent_ns` and answered at
 * `now_ns`. To be called with every answer, as it is what takes the readings. */
uint64_t waits_net(struct waits *w, uint64_t sent_ns, uint64_t now_ns);

/* The same, and no more than the processor time that the server used meanwhile
 * and 1 ms: what a hypervisor took from the whole machine is in no file. */
uint64_t waits_net_capped(struct waits *w, uint64_t sent_ns, uint64_t now_ns);

#endif
