/* probe: another session beside an event. A thread of its own sends GETs at a
 * steady rate, whether or not the earlier ones are answered, and times each
 * from when it was due to be sent, so that a pause of the server is felt by all
 * the requests that fall into it.
 * Threads: probe_start() to probe_stop() by one thread, which may change
 * `window` meanwhile; the histograms are whole after probe_stop(). */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <pthread.h>
#include <stdatomic.h>

#include "histogram.h"
#include "waits.h"

enum { PROBE_OUTSTANDING_MAX = 1 << 16, PROBE_RATE = 2000, PROBE_KEYS = 1000 };

/* What answers are counted to: those that come while it is the window. */
enum probe_window { PROBE_BEFORE, PROBE_DURING, PROBE_AFTER, PROBE_WINDOWS };

struct probe {
    int port, server_pid;
    /* Relaxed: a request more or less in a window does not matter. */
    _Atomic(enum probe_window) window;
    _Atomic(int) is_stopping;
    pthread_t thread;

    /* The probe's thread only, until it has ended. */
    struct histogram raw[PROBE_WINDOWS];
    struct histogram net[PROBE_WINDOWS]; /* less waits, see waits.h */
    struct waits waits;
    uint64_t sent, answered;
    uint64_t due_ns[PROBE_OUTSTANDING_MAX];
};

struct probe *probe_start(int port, int server_pid);
void probe_set_window(struct probe *p, enum probe_window window);
/* Waits until every request is answered. */
void probe_stop(struct probe *p);
/* Prints the figures of the windows before and during, raw and net. */
void probe_print(const struct probe *p);
void probe_destroy(struct probe **p);

#endif
