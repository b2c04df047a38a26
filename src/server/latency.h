/* latency: the latency monitor: of each kind of event, the last samples that
 * passed latency-monitor-threshold, for LATENCY to show.
 *
 * Threads: any worker notes and reads; a lock (LEAF) guards the samples. */
#ifndef ENGRAM_SERVER_LATENCY_H
#define ENGRAM_SERVER_LATENCY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sync/lock.h"

/* X(name, word, what it is and what to do about it) */
#define LATENCY_EVENT_MAP(X) \
    X(COMMAND, "command", \
      "Commands ran for long. COMMANDLOG GET -1 slow names them; KEYS, and " \
      "collections with many members, are what it usually is.") \
    X(FAST_COMMAND, "fast-command", \
      "Commands that need little work took long: the process did not get its " \
      "processor. Look for other busy processes, swapping, a virtual machine " \
      "that is held back.") \
    X(EXPIRE_CYCLE, "expire-cycle", \
      "A slice of background work was long: large values that were due are " \
      "taken apart in it. Smaller values, or deadlines further apart, help.") \
    X(LOOP_TURN, "loop-turn", \
      "A worker was long over the requests that had come together. The other " \
      "events say which of them; without one it was many small ones: shorter " \
      "pipelines, or more worker-threads, help.") \
    X(CRON, "cron", \
      "The periodic work of a worker was long, as it is with very many " \
      "sessions.")
#define LATENCY_EVENT_ENUM(name, word, advice) LATENCY_##name,
enum latency_event {
    LATENCY_EVENT_MAP(LATENCY_EVENT_ENUM) LATENCY_EVENT_COUNT,
};
#undef LATENCY_EVENT_ENUM

enum { LATENCY_SAMPLES_MAX = 160 };

struct latency_sample {
    int64_t time_s; /* unix */
    uint32_t ms;
};

/* The worst sample of each second, oldest first from `next` once it is full. */
struct latency_history {
    struct latency_sample samples[LATENCY_SAMPLES_MAX];
    uint32_t count, next;
    uint32_t max_ms; /* ever, or since a reset */
};

struct latency_monitor {
    struct lock lock;
    _Atomic(int64_t) threshold_us; /* 0: off */
    struct latency_history events[LATENCY_EVENT_COUNT];
};

void latency_init(struct latency_monitor *m);
void latency_set_threshold(struct latency_monitor *m, int64_t ms);
/* Whether an event of that length is to be noted. */
static inline bool latency_wants(const struct latency_monitor *m, uint64_t us)
{
    int64_t limit = atomic_load_explicit(&m->threshold_us,
                                         memory_order_relaxed);
    return __builtin_expect(limit > 0, 0) && us >= (uint64_t)limit;
}
void latency_note(struct latency_monitor *m, enum latency_event event,
                  uint64_t us, int64_t now_s);
/* A copy of an event's history. */
void latency_read(struct latency_monitor *m, enum latency_event event,
                  struct latency_history *out);
/* The i-th sample, oldest first; i < h->count. */
const struct latency_sample *latency_at(const struct latency_history *h,
                                        uint32_t i);
/* False: there was nothing. */
bool latency_reset(struct latency_monitor *m, enum latency_event event);
const char *latency_event_name(enum latency_event event);
const char *latency_event_advice(enum latency_event event);
/* LATENCY_EVENT_COUNT: there is none of that name. */
enum latency_event latency_event_find(struct slice name);

/* Figures over a history that is not empty. */
struct latency_summary {
    uint32_t min_ms, max_ms;  /* of the samples kept */
    double average_ms, deviation_ms, period_s;
};
void latency_summarize(const struct latency_history *h,
                       struct latency_summary *out);

#endif
