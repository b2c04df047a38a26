/* mem: allocation with an owner. Every byte is charged to an account, exactly
 * (the allocator's usable size, not the asked one), so that a sum over accounts
 * is what INFO calls used_memory.
 *
 * Threads: an account is written by one thread at a time (its shard's lock
 * holder or its worker) and may be read by any: the counter is a relaxed atomic
 * written with load + store, which costs no locked instruction.
 * Accounts that several threads write (few, cold) are opened with `shared`. */
#ifndef ENGRAM_BASE_MEM_H
#define ENGRAM_BASE_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem_account {
    _Atomic(size_t) used_bytes; /* relaxed everywhere */
    /* < 0: off. Else the number of allocations that still succeed; the tests'
     * way to make every allocation fail in turn. */
    int64_t fail_after;
    bool shared;
};

void mem_account_init(struct mem_account *a);        /* one writer */
void mem_account_init_shared(struct mem_account *a); /* many writers */

static inline size_t mem_used(const struct mem_account *a)
{
    return atomic_load_explicit(&a->used_bytes, memory_order_relaxed);
}

/* Adds (or, negative, takes off) bytes that the account owns but mem_alloc did
 * not hand out, such as slab cells. */
static inline void mem_charge(struct mem_account *a, ptrdiff_t bytes)
{
    if (a->shared) {
        atomic_fetch_add_explicit(&a->used_bytes, (size_t)bytes,
                                  memory_order_relaxed);
        return;
    }
    atomic_store_explicit(&a->used_bytes, mem_used(a) + (size_t)bytes,
                          memory_order_relaxed);
}

/* Counts one allocation against `fail_after`; true: this one must fail. */
static inline bool mem_must_fail(struct mem_account *a)
{
    if (__builtin_expect(a->fail_after < 0, 1)) {
        return false;
    }
    if (a->fail_after == 0) {
        return true;
    }
    a->fail_after--;
    return false;
}

/* NULL: out of memory. The memory is not cleared; alignment is 16. */
void *mem_alloc(struct mem_account *a, size_t bytes);
void *mem_alloc_zeroed(struct mem_account *a, size_t bytes);
/* `align` is a power of two. Freed with mem_free. */
void *mem_alloc_aligned(struct mem_account *a, size_t align, size_t bytes);
/* As realloc: NULL leaves `p` as it was and still owned by the caller. `p` may
 * be NULL. Not for aligned memory. */
void *mem_realloc(struct mem_account *a, void *p, size_t bytes);
/* `p` may be NULL; it must come from the same account. */
void mem_free(struct mem_account *a, void *p);
/* Whole pages from the system, cleared and aligned to pages; they go back to it
 * at once when they are unmapped, whatever is allocated around them. For buffers
 * of which there are many now and none a second later. */
void *mem_map(struct mem_account *a, size_t bytes);
/* `p` and `bytes` as they were mapped. */
void mem_unmap(struct mem_account *a, void *p, size_t bytes);
/* What the allocator really keeps for `p` (>= what was asked). */
size_t mem_usable(const void *p);
/* Moves the charge for `p` from one account to another. */
void mem_hand_over(struct mem_account *from, struct mem_account *to, void *p);

/* Takes `p` off the account without freeing it; mem_free_disowned frees it later,
 * on any thread. For memory that outlives its owner (pinned by a reply). */
void mem_disown(struct mem_account *a, void *p);
void mem_free_disowned(void *p);

/* What the process and the allocator hold, bytes; for INFO. */
struct mem_stats {
    size_t allocated, active, resident; /* the allocator's; 0 if unknown */
    size_t rss;                         /* the process's resident set */
};
void mem_stats_read(struct mem_stats *out);
/* The allocator's own report, piece by piece; nothing where it has none. */
void mem_report(void (*write)(void *arg, const char *text), void *arg);
/* One of the allocator's tuning numbers; false: there is none of that name. */
bool mem_tuning_read(const char *name, int64_t *out);
/* Gives the allocator's free pages back to the system. */
void mem_purge(void);
/* Whether a thread of the allocator's own does so, bit by bit. Else whoever frees
 * or allocates at the wrong moment does, of all that has gathered, and nobody does
 * while nobody allocates. */
void mem_set_background_purge(bool on);
/* "jemalloc-5.3.0", "libc" */
const char *mem_allocator_name(void);

#endif
