/* gate: many pass, or one has the whole house.
 *
 * Layout:    the closing side's words, then one cache line a slot.
 * Protocol:  Dekker's. A worker writes `inside` and then reads `closed`; the
 *            closer writes `closed` and then reads every `inside`. All four are
 *            seq_cst operations on the atomics themselves, so at least one side
 *            sees the other; a worker that sees `closed` steps back.
 * Sleeping:  each word has a third value, "waited for": who is about to sleep
 *            turns 1 into 2, and who turns a 2 into 0 wakes. An `inside` of 2
 *            is only ever made from 1 and unmade by its worker, so the worker's
 *            own 0 -> 1 cannot run over one.
 * Memory:    made once at start, outside every account. */
#include "sync/gate.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "sync/futex_priv.h"
#include "sync/lock.h"
#include "sync/thread.h"

enum { GATE_LINE_BYTES = 64, GATE_SPINS = 1000 };

struct gate_slot {
    /* 0 outside, 1 inside, 2 inside and waited for */
    _Alignas(GATE_LINE_BYTES) _Atomic(uint32_t) inside;
};

struct gate {
    /* held from gate_close to gate_open */
    struct lock closers;
    unsigned slot_count;
    unsigned spins;
    /* 0 open, 1 closed, 2 closed and waited for; a line of its own, since every
     * worker reads it */
    _Alignas(GATE_LINE_BYTES) _Atomic(uint32_t) closed;
    struct gate_slot slots[];
};

static_assert(sizeof(struct gate_slot) == GATE_LINE_BYTES,
              "no two workers write to one cache line");

struct gate *gate_create(unsigned slots)
{
    size_t bytes = sizeof(struct gate) + slots * sizeof(struct gate_slot);
    struct gate *g = aligned_alloc(GATE_LINE_BYTES, bytes);
    if (g == NULL) {
        return NULL;
    }
    lock_init(&g->closers, LOCK_RANK_GATE, 0);
    g->slot_count = slots;
    g->spins = thread_cpu_count() > 1 ? GATE_SPINS : 0;
    atomic_init(&g->closed, 0);
    for (unsigned i = 0; i < slots; i++) {
        atomic_init(&g->slots[i].inside, 0);
    }
    return g;
}

void gate_destroy(struct gate **g)
{
    free(*g);
    *g = NULL;
}

/* Waits while `word` is not 0, telling whoever makes it 0 to wake us. */
static void wait_for_zero(_Atomic(uint32_t) *word, unsigned spins)
{
    for (;;) {
        uint32_t seen = atomic_load_explicit(word, memory_order_seq_cst);
        if (seen == 0) {
            return;
        }
        if (spins > 0) {
            spins--;
            cpu_relax();
            continue;
        }
        if (seen == 2 || atomic_compare_exchange_strong_explicit(
                             word, &seen, 2, memory_order_seq_cst,
                             memory_order_seq_cst)) {
            futex_wait(word, 2, NULL);
        }
    }
}

void gate_leave(struct gate *g, unsigned slot)
{
    assert(slot < g->slot_count);
    _Atomic(uint32_t) *inside = &g->slots[slot].inside;
    /* seq_cst: pairs with the closer's look in wait_for_zero */
    uint32_t old = atomic_exchange_explicit(inside, 0, memory_order_seq_cst);
    assert(old != 0);
    if (__builtin_expect(old == 2, 0)) {
        futex_wake(inside, 1);
    }
}

void gate_enter(struct gate *g, unsigned slot)
{
    assert(slot < g->slot_count);
    for (;;) {
        uint32_t old = atomic_exchange_explicit(&g->slots[slot].inside, 1,
                                                memory_order_seq_cst);
        assert(old == 0);
        /* seq_cst: pairs with the store in gate_close */
        if (__builtin_expect(
                atomic_load_explicit(&g->closed, memory_order_seq_cst) == 0,
                1)) {
            return;
        }
        gate_leave(g, slot);
        wait_for_zero(&g->closed, g->spins);
    }
}

void gate_close(struct gate *g)
{
    lock_acquire(&g->closers);
    /* seq_cst: pairs with the load in gate_enter */
    atomic_store_explicit(&g->closed, 1, memory_order_seq_cst);
    for (unsigned i = 0; i < g->slot_count; i++) {
        wait_for_zero(&g->slots[i].inside, g->spins);
    }
}

void gate_open(struct gate *g)
{
    uint32_t old = atomic_exchange_explicit(&g->closed, 0,
                                            memory_order_seq_cst);
    assert(old != 0);
    if (old == 2) {
        futex_wake(&g->closed, INT_MAX);
    }
    lock_release(&g->closers);
}
