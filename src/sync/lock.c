/* lock: Drepper's three-state futex mutex ("Futexes Are Tricky", 2011, mutex
 * number 2) with a short spin before the sleep.
 *
 * Why a spin: a shard is held for about a microsecond, a sleep and a wakeup
 * cost ten. With one processor the holder cannot run while another spins, so
 * lock_init sets no spin there.
 *
 * Ranks: the locks a thread holds are kept in a thread-local array, the one
 * thread-local of the house, and in checking builds only. */
#include "sync/lock.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync/futex_priv.h"
#include "sync/thread.h"

enum { LOCK_SPINS = 100 };

static_assert(sizeof(struct lock) == 8, "a lock is one word and its rank");

void lock_init(struct lock *l, enum lock_rank rank, uint16_t order)
{
    assert(rank < LOCK_RANK_COUNT);
    atomic_init(&l->word, 0);
    l->rank = (uint8_t)rank;
    l->spins = thread_cpu_count() > 1 ? LOCK_SPINS : 0;
    l->order = order;
}

/* True: the lock came free while we looked, and is ours. */
static bool spin_acquire(struct lock *l)
{
    for (unsigned i = 0; i < l->spins; i++) {
        uint32_t seen = atomic_load_explicit(&l->word, memory_order_relaxed);
        /* acquire: pairs with the release in lock_release */
        if (seen == 0 && atomic_compare_exchange_weak_explicit(
                             &l->word, &seen, 1, memory_order_acquire,
                             memory_order_relaxed)) {
            return true;
        }
        if (seen == 2) {
            return false; /* others sleep already: stand in line */
        }
        cpu_relax();
    }
    return false;
}

void lock_acquire_slow(struct lock *l)
{
    if (spin_acquire(l)) {
        return;
    }
    /* Whoever has slept takes the lock as 2, since others may sleep still; the
     * price is one needless wakeup at the end of a queue. */
    while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0) {
        futex_wait(&l->word, 2, NULL);
    }
}

void lock_wake(struct lock *l)
{
    futex_wake(&l->word, 1);
}

#ifdef ENGRAM_LOCK_CHECKS

enum { LOCK_HELD_MAX = 1024 };

struct held_locks {
    unsigned count;
    const struct lock *lock[LOCK_HELD_MAX];
};

static _Thread_local struct held_locks held;

static const char *rank_name(const struct lock *l)
{
#define LOCK_RANK_NAME(name) #name,
    static const char *const names[] = {LOCK_RANK_MAP(LOCK_RANK_NAME)};
#undef LOCK_RANK_NAME
    return l->rank < LOCK_RANK_COUNT ? names[l->rank] : "?";
}

static uint32_t position(const struct lock *l)
{
    return ((uint32_t)l->rank << 16) | l->order;
}

void lock_note_acquired(const struct lock *l)
{
    for (unsigned i = 0; i < held.count; i++) {
        if (position(held.lock[i]) >= position(l)) {
            fprintf(stderr, "lock %s %u taken while holding %s %u\n",
                    rank_name(l), l->order, rank_name(held.lock[i]),
                    held.lock[i]->order);
            abort();
        }
    }
    assert(held.count < LOCK_HELD_MAX);
    held.lock[held.count++] = l;
}

void lock_note_released(const struct lock *l)
{
    /* The last taken is the likeliest. */
    for (unsigned i = held.count; i-- > 0;) {
        if (held.lock[i] == l) {
            held.lock[i] = held.lock[--held.count];
            return;
        }
    }
    fprintf(stderr, "lock %s %u released by a thread that does not hold it\n",
            rank_name(l), l->order);
    abort();
}

#else

void lock_note_acquired(const struct lock *l)
{
    (void)l;
}

void lock_note_released(const struct lock *l)
{
    (void)l;
}

#endif
