/* latency: rings of samples. */
#include "server/latency.h"

#include <assert.h>
#include <math.h>

void latency_init(struct latency_monitor *m)
{
    *m = (struct latency_monitor){0};
    lock_init(&m->lock, LOCK_RANK_LEAF, 0);
}

void latency_set_threshold(struct latency_monitor *m, int64_t ms)
{
    int64_t us = ms > INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
    atomic_store_explicit(&m->threshold_us, us, memory_order_relaxed);
}

static struct latency_sample *newest(struct latency_history *h)
{
    uint32_t i = (h->next + LATENCY_SAMPLES_MAX - 1) % LATENCY_SAMPLES_MAX;
    return h->count == 0 ? NULL : &h->samples[i];
}

void latency_note(struct latency_monitor *m, enum latency_event event,
                  uint64_t us, int64_t now_s)
{
    struct latency_history *h = &m->events[event];
    uint32_t ms = us / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(us / 1000);
    lock_acquire(&m->lock);
    struct latency_sample *last = newest(h);
    h->max_ms = ms > h->max_ms ? ms : h->max_ms;
    if (last != NULL && last->time_s == now_s) {
        last->ms = ms > last->ms ? ms : last->ms;
    } else {
        h->samples[h->next] = (struct latency_sample){now_s, ms};
        h->next = (h->next + 1) % LATENCY_SAMPLES_MAX;
        h->count += h->count < LATENCY_SAMPLES_MAX ? 1 : 0;
    }
    lock_release(&m->lock);
}

void latency_read(struct latency_monitor *m, enum latency_event event,
                  struct latency_history *out)
{
    assert(event < LATENCY_EVENT_COUNT);
    lock_acquire(&m->lock);
    *out = m->events[event];
    lock_release(&m->lock);
}

const struct latency_sample *latency_at(const struct latency_history *h,
                                        uint32_t i)
{
    assert(i < h->count);
    uint32_t first = h->count < LATENCY_SAMPLES_MAX ? 0 : h->next;
    return &h->samples[(first + i) % LATENCY_SAMPLES_MAX];
}

bool latency_reset(struct latency_monitor *m, enum latency_event event)
{
    assert(event < LATENCY_EVENT_COUNT);
    lock_acquire(&m->lock);
    bool was = m->events[event].count > 0;
    m->events[event] = (struct latency_history){0};
    lock_release(&m->lock);
    return was;
}

const char *latency_event_name(enum latency_event event)
{
#define LATENCY_EVENT_NAME(name, word, advice) word,
    static const char *const names[] = {LATENCY_EVENT_MAP(LATENCY_EVENT_NAME)};
#undef LATENCY_EVENT_NAME
    assert(event < LATENCY_EVENT_COUNT);
    return names[event];
}

const char *latency_event_advice(enum latency_event event)
{
#define LATENCY_EVENT_ADVICE(name, word, advice) advice,
    static const char *const texts[] = {
        LATENCY_EVENT_MAP(LATENCY_EVENT_ADVICE)
    };
#undef LATENCY_EVENT_ADVICE
    assert(event < LATENCY_EVENT_COUNT);
    return texts[event];
}

enum latency_event latency_event_find(struct slice name)
{
    int i = 0;
    while (i < LATENCY_EVENT_COUNT
           && !slice_equal(name, slice_of_text(latency_event_name(
                                     (enum latency_event)i)))) {
        i++;
    }
    return (enum latency_event)i;
}

void latency_summarize(const struct latency_history *h,
                       struct latency_summary *out)
{
    double sum = 0, deviations = 0;
    assert(h->count > 0);
    *out = (struct latency_summary){.min_ms = UINT32_MAX};
    for (uint32_t i = 0; i < h->count; i++) {
        uint32_t ms = latency_at(h, i)->ms;
        out->min_ms = ms < out->min_ms ? ms : out->min_ms;
        out->max_ms = ms > out->max_ms ? ms : out->max_ms;
        sum += ms;
    }
    out->average_ms = sum / h->count;
    for (uint32_t i = 0; i < h->count; i++) {
        deviations += fabs(latency_at(h, i)->ms - out->average_ms);
    }
    out->deviation_ms = deviations / h->count;
    if (h->count > 1) {
        int64_t span = latency_at(h, h->count - 1)->time_s
                       - latency_at(h, 0)->time_s;
        out->period_s = (double)span / (h->count - 1);
    }
}
