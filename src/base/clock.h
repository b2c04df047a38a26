/* clock: time as an input. Whoever needs time is handed a reading; only the
 * loop and the composition root call these. */
#ifndef ENGRAM_BASE_CLOCK_H
#define ENGRAM_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_us(void);      /* since 1970 UTC, may jump */
int64_t clock_monotonic_us(void); /* never goes back */
/* Processor time that the calling thread has had; a system call. */
int64_t clock_thread_us(void);

/* Cheap ticks for measuring short spans on one thread, and their rate. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return (uint64_t)clock_monotonic_us() * 1000;
#endif
}
/* Ticks a microsecond, found by waiting a few milliseconds; call once. */
double clock_ticks_per_us(void);

#endif
