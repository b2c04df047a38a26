/* waits: how long the server's threads and the calling thread were ready to run
 * but had no processor, from /proc/PID/task/TID/schedstat. A latency less that
 * time is what the server is to blame for, on a machine that others use too.
 *
 * Reading the files costs some microseconds, so they are read every 100 us at
 * most, and the readings of the last while are kept: a request that took long
 * is charged from the last reading before it was sent.
 * Threads: owned by the one that called waits_open(). */
#ifndef BENCH_WAITS_H
#define BENCH_WAITS_H

#include <stddef.h>
#include <stdint.h>

enum { WAITS_FILES_MAX = 64, WAITS_READINGS = 4096 };

struct waits_reading {
    uint64_t at_ns;
    uint64_t waited_ns;
    uint64_t server_ran_ns;
};

struct waits {
    int files[WAITS_FILES_MAX]; /* the calling thread's is the last */
    size_t file_count;
    uint64_t reading_count;
    struct waits_reading readings[WAITS_READINGS];
};

uint64_t clock_now_ns(void);

/* The threads that the server has now are the ones watched. */
void waits_open(struct waits *w, int server_pid);
void waits_close(struct waits *w);

/* The latency net of waits, of a request sent at `sent_ns` and answered at
 * `now_ns`. To be called with every answer, as it is what takes the readings. */
uint64_t waits_net(struct waits *w, uint64_t sent_ns, uint64_t now_ns);

/* The same, and no more than the processor time that the server used meanwhile
 * and 1 ms: what a hypervisor took from the whole machine is in no file. */
uint64_t waits_net_capped(struct waits *w, uint64_t sent_ns, uint64_t now_ns);

#endif
