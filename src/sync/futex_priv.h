/* futex_priv: the two futex calls that sync's files share. What orders memory
 * are the atomics around them, never the system call. */
#ifndef ENGRAM_SYNC_FUTEX_PRIV_H
#define ENGRAM_SYNC_FUTEX_PRIV_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *word == value; may wake without cause. `deadline`: monotonic,
 * NULL for none. False: the deadline has passed. */
static inline bool futex_wait(_Atomic(uint32_t) *word, uint32_t value,
                              const struct timespec *deadline)
{
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                      value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
    return !(rc == -1 && errno == ETIMEDOUT);
}

static inline void futex_wake(_Atomic(uint32_t) *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL,
            0);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
