/* clock: the system's clocks, read plainly. clock_gettime goes through the
 * vDSO, so a reading costs some 20 ns and no system call, but for a thread's
 * own time. */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

enum { CALIBRATION_US = 5000 };

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    (void)rc;
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_thread_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

double clock_ticks_per_us(void)
{
    int64_t start_us = clock_monotonic_us();
    uint64_t start_ticks = clock_ticks();
    int64_t now_us = start_us;
    while (now_us - start_us < CALIBRATION_US) {
        now_us = clock_monotonic_us();
    }
    return (double)(clock_ticks() - start_ticks) / (double)(now_us - start_us);
}
