/* lock: a mutex of one 32-bit word (uncontended: one atomic exchange each way;
 * contended: a short spin, then futex), with a rank. In debug builds a thread
 * that takes a lock whose rank and order are not above those it holds aborts.
 *
 * Padding to a cache line is the owner's choice. */
#ifndef ENGRAM_SYNC_LOCK_H
#define ENGRAM_SYNC_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Ranks, outermost first; within one rank, locks are taken by ascending
 * `order`. */
#define LOCK_RANK_MAP(X) X(GATE) X(SHARD) X(SERVER) X(MAILBOX) X(LEAF)
#define LOCK_RANK_ENUM(name) LOCK_RANK_##name,
enum lock_rank { LOCK_RANK_MAP(LOCK_RANK_ENUM) LOCK_RANK_COUNT };
#undef LOCK_RANK_ENUM

struct lock {
    _Atomic(uint32_t) word; /* 0 free, 1 held, 2 held and waited for */
    uint8_t rank;
    uint8_t spins; /* looks before it sleeps; 0 with one processor */
    uint16_t order;
};

void lock_init(struct lock *l, enum lock_rank rank, uint16_t order);
void lock_acquire_slow(struct lock *l);
void lock_wake(struct lock *l);
/* Debug builds only; no-ops otherwise. */
void lock_note_acquired(const struct lock *l);
void lock_note_released(const struct lock *l);

static inline void lock_acquire(struct lock *l)
{
    uint32_t expected = 0;
    /* acquire: pairs with the release in lock_release */
    if (__builtin_expect(!atomic_compare_exchange_strong_explicit(
                             &l->word, &expected, 1, memory_order_acquire,
                             memory_order_relaxed), 0)) {
        lock_acquire_slow(l);
    }
#ifdef ENGRAM_LOCK_CHECKS
    lock_note_acquired(l);
#endif
}

static inline bool lock_try_acquire(struct lock *l)
{
    uint32_t expected = 0;
    bool got = atomic_compare_exchange_strong_explicit(
        &l->word, &expected, 1, memory_order_acquire, memory_order_relaxed);
#ifdef ENGRAM_LOCK_CHECKS
    if (got) {
        lock_note_acquired(l);
    }
#endif
    return got;
}

static inline void lock_release(struct lock *l)
{
#ifdef ENGRAM_LOCK_CHECKS
    lock_note_released(l);
#endif
    /* release: pairs with the acquire in lock_acquire */
    if (__builtin_expect(atomic_exchange_explicit(&l->word, 0,
                                                  memory_order_release) == 2,
                         0)) {
        lock_wake(l);
    }
}

#endif
