/* intset: a sorted array of integers in flat memory, byte for byte in the
 * published snapshot format, so that a snapshot or a dump holds a copy of it.
 *
 * Layout:    width (u32: 2, 4 or 8) | count (u32) | values, ascending,
 *            `width` bytes each, little-endian
 * Invariant: values strictly increase. A value that does not fit widens all;
 *            removing never narrows.
 *
 * The memory is the caller's, as a listpack's is: ask how many bytes it will
 * have, make room, then insert. Threads, memory: the caller's. */
#ifndef ENGRAM_STRUCTS_INTSET_H
#define ENGRAM_STRUCTS_INTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { INTSET_HEADER_BYTES = 8 };

/* Makes an empty set of INTSET_HEADER_BYTES. */
void intset_init(uint8_t *set);
/* Are these bytes, from whatever source, an intset? */
bool intset_validate(struct slice bytes);

static inline uint32_t intset_width(const uint8_t *set)
{
    uint32_t width;
    memcpy(&width, set, sizeof width);
    return width;
}

static inline uint32_t intset_count(const uint8_t *set)
{
    uint32_t count;
    memcpy(&count, set + 4, sizeof count);
    return count;
}

static inline size_t intset_bytes(const uint8_t *set)
{
    return INTSET_HEADER_BYTES + (size_t)intset_width(set) * intset_count(set);
}

/* The value of rank `index`, which is below the count; 0 is the least. */
int64_t intset_get(const uint8_t *set, uint32_t index);
/* *rank (may be NULL): where it is, or where it would be inserted. */
bool intset_find(const uint8_t *set, int64_t v, uint32_t *rank);

/* Bytes the set will have when `v` is in it (as many as now if it is). */
size_t intset_insert_bytes(const uint8_t *set, int64_t v);
/* `set` has room for that many. False: it was there already. */
bool intset_insert(uint8_t *set, int64_t v);
/* False: it was not there. */
bool intset_remove(uint8_t *set, int64_t v);
/* `count` values from rank `index` on, which must be there. */
void intset_remove_range(uint8_t *set, uint32_t index, uint32_t count);

#endif
