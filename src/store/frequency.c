/* frequency: how often keys are used, in the 8 bits an entry has for it: a
 * counter that grows with the logarithm of the uses (each use moves it up with a
 * chance that falls as it grows) and goes down by one for each so many minutes
 * without a use. Counted only while the store is told to, under an LFU policy;
 * else a look-up does not come here. */
#include "store/store_priv.h"

enum { SECONDS_A_MINUTE = 60 };

void store_set_frequency(struct store *s, bool on, uint32_t log_factor,
                         uint32_t decay_minutes)
{
    atomic_store_explicit(&s->frequency_factor, log_factor,
                          memory_order_relaxed);
    atomic_store_explicit(&s->frequency_decay, decay_minutes,
                          memory_order_relaxed);
    atomic_store_explicit(&s->counts_frequency, on, memory_order_relaxed);
}

bool store_counts_frequency(const struct store *s)
{
    return atomic_load_explicit(&s->counts_frequency, memory_order_relaxed);
}

uint8_t keyspace_frequency(const struct keyspace *ks, const struct entry *e)
{
    const struct store *s = ks->store;
    uint32_t decay = atomic_load_explicit(&s->frequency_decay,
                                          memory_order_relaxed);
    uint32_t clock = atomic_load_explicit(&s->clock, memory_order_relaxed);
    if (decay == 0) {
        return e->hits;
    }
    /* Whole minutes of the clock, so that uses a few seconds apart do not keep
     * the decay off for ever. */
    uint32_t idle_s = (clock - e->access_clock) & 0xffffff;
    uint32_t minutes = (e->access_clock % SECONDS_A_MINUTE + idle_s)
                       / SECONDS_A_MINUTE;
    uint32_t periods = minutes / decay;
    return periods >= e->hits ? 0 : (uint8_t)(e->hits - periods);
}

void keyspace_count_use(struct keyspace *ks, struct entry *e)
{
    uint8_t hits = keyspace_frequency(ks, e);
    uint32_t above = hits > FREQUENCY_INITIAL ? hits - FREQUENCY_INITIAL : 0;
    uint64_t one_in = 1 + (uint64_t)above
                              * atomic_load_explicit(
                                  &ks->store->frequency_factor,
                                  memory_order_relaxed);
    /* A step of splitmix64: need not be good, but not correlated either. */
    uint64_t x = ks->use_random += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    x ^= x >> 31;
    if (hits < UINT8_MAX && x % one_in == 0) {
        hits++;
    }
    e->hits = hits;
    e->access_clock = atomic_load_explicit(&ks->store->clock,
                                           memory_order_relaxed) & 0xffffff;
}
