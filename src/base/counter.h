/* counter: a number that one thread writes and any thread reads; load + store,
 * no locked instruction. */
#ifndef ENGRAM_BASE_COUNTER_H
#define ENGRAM_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic(uint64_t) value; /* relaxed everywhere */
};

static inline uint64_t counter_get(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static inline void counter_set(struct counter *c, uint64_t v)
{
    atomic_store_explicit(&c->value, v, memory_order_relaxed);
}

/* The one writer only; `n` may be "negative" (wraps). */
static inline void counter_add(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) + n);
}

#endif
