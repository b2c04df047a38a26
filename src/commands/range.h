/* range: the inclusive ranges of GETRANGE, BITCOUNT and their like. */
#ifndef ENGRAM_COMMANDS_RANGE_H
#define ENGRAM_COMMANDS_RANGE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* Makes [*start, *end], in which negative positions count from the end, a range
 * inside [0, len). False: it is empty. */
static inline bool range_clamp(int64_t *start, int64_t *end, int64_t len)
{
    assert(len >= 0);
    *start = (*start < 0) ? *start + len : *start;
    *end = (*end < 0) ? *end + len : *end;
    *start = (*start < 0) ? 0 : *start;
    *end = (*end < 0) ? 0 : *end;
    *end = (*end >= len) ? len - 1 : *end;
    return *start <= *end && len > 0;
}

/* True for -1 -3: backwards already as written. GETRANGE and BITCOUNT call that
 * empty even where clamping would leave the first byte; BITPOS does not. */
static inline bool range_is_backwards(int64_t start, int64_t end)
{
    return start < 0 && end < 0 && start > end;
}

#endif
