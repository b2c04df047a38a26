/* sized: structures that the program hands in or has filled, with the size that
 * they had when it was built. Members are only ever added at the end: what is
 * beyond the program's size it does not know of, and what is beyond ours we do
 * not. */
#ifndef ENGRAM_CLIENT_SIZED_H
#define ENGRAM_CLIENT_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { SIZED_GROWTH_MAX = 16 }; /* more is a size that nobody has set */

/* `out` has `size` bytes; what `from` does not have of them becomes 0. */
static inline void sized_fill(void *out, size_t size, const void *from,
                              size_t known)
{
    memset(out, 0, size);
    memcpy(out, from, size < known ? size : known);
}

/* `to` has its defaults, which it keeps where `from` has nothing. False: the
 * size of `from` cannot be right. */
static inline bool sized_take(void *to, size_t known, const void *from,
                              size_t size)
{
    if (size == 0 || size > SIZED_GROWTH_MAX * known) {
        return false;
    }
    memcpy(to, from, size < known ? size : known);
    return true;
}

#endif
