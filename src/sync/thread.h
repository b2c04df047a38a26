/* thread: start, name, pin, stop. */
#ifndef ENGRAM_SYNC_THREAD_H
#define ENGRAM_SYNC_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct thread; /* opaque */

/* Runs fn(arg) on a new thread called `name` (15 characters shown), all signals
 * blocked in it. */
STATUS_CHECKED enum status thread_start(const char *name, void (*fn)(void *arg),
                                        void *arg, struct thread **out);
/* Waits for its end; nulls. */
void thread_join(struct thread **t);
/* How many processors this process may run on, >= 1. */
unsigned thread_cpu_count(void);

/* Where several threads wait for one another. */
struct barrier {
    _Atomic(uint32_t) left; /* still to come; 0: everyone has */
};
void barrier_init(struct barrier *b, uint32_t count);
/* Waits until `count` threads have called this (each once). */
void barrier_wait(struct barrier *b);

/* An event that one thread waits for and others set (futex). */
struct signal_event {
    _Atomic(uint32_t) word;
};
void signal_event_init(struct signal_event *e);
/* Any thread. */
void signal_event_set(struct signal_event *e);
/* Waits until set or timeout_ms passed (< 0: for ever), then clears it; true:
 * it was set. */
bool signal_event_wait(struct signal_event *e, int64_t timeout_ms);

#endif
