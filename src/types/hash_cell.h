/* hash_cell: one field of a big hash, in one allocation.
 *
 * Layout:  flags (1) | length of field (1 or 4) | length of value (1 or 4)
 *          | [deadline (8)] | field | value, or a pointer to its blob (8)
 * A value is in a blob when the whole would not fit a cell of the heap.
 *
 * Memory: a cell of the heap, of the class of its own size, or, for long fields,
 * of mem_alloc; hash_cell_destroy knows which. */
#ifndef ENGRAM_TYPES_HASH_CELL_H
#define ENGRAM_TYPES_HASH_CELL_H

#include "types/cell_table.h"
#include "types/hash.h"

enum hash_cell_flag {
    CELL_DEADLINE = 1 << 0,
    CELL_INDEXED = 1 << 1, /* a record on the hash's wheel fires no later than
                              the deadline */
    CELL_PARITY = 1 << 2,  /* the sweep of the wheel that last saw it */
    CELL_LONG_FIELD = 1 << 3,
    CELL_LONG_VALUE = 1 << 4,
    CELL_BLOB = 1 << 5,
    CELL_OF_INDEX = CELL_INDEXED | CELL_PARITY,
};

enum { CELL_LEN1_MAX = 255 };

static inline size_t hash_cell_head(uint8_t flags)
{
    size_t n = 3;
    n += (flags & CELL_LONG_FIELD) ? 3 : 0;
    n += (flags & CELL_LONG_VALUE) ? 3 : 0;
    n += (flags & CELL_DEADLINE) ? 8 : 0;
    return n;
}

static inline struct slice hash_cell_field(const uint8_t *cell)
{
    uint32_t len = cell[1];
    if (__builtin_expect((cell[0] & CELL_LONG_FIELD) != 0, 0)) {
        memcpy(&len, cell + 1, sizeof len);
    }
    return slice_of(cell + hash_cell_head(cell[0]), len);
}

static inline int64_t *hash_cell_deadline_at(uint8_t *cell)
{
    assert(cell[0] & CELL_DEADLINE);
    return (int64_t *)(void *)(cell + hash_cell_head(cell[0]) - 8);
}

static inline int64_t hash_cell_deadline_ms(const uint8_t *cell)
{
    int64_t ms;
    if ((cell[0] & CELL_DEADLINE) == 0) {
        return HASH_FOREVER;
    }
    memcpy(&ms, cell + hash_cell_head(cell[0]) - 8, sizeof ms);
    return ms;
}

/* All of it; valid as long as the cell. */
struct hash_item hash_cell_item(const uint8_t *cell);
/* Makes one; `index_flags` are CELL_INDEXED and CELL_PARITY. The blob, if there
 * is one, holds the value and is taken; else a value that needs one gets one.
 * ST_RANGE: too long. */
STATUS_CHECKED enum status hash_cell_create(const struct entry_memory *m,
                                            const struct hash_item *item,
                                            uint8_t index_flags,
                                            uint8_t **out);
/* Writes value and deadline where the old ones are, in a cell that takes as much
 * as before; false: there is no room. */
bool hash_cell_overwrite(uint8_t *cell, const struct hash_item *item,
                         uint8_t index_flags);
/* Without its blob, which is another's now. */
void hash_cell_free_shell(uint8_t *cell, const struct entry_memory *m);
void hash_cell_destroy(uint8_t *cell, const struct entry_memory *m);
/* Its own bytes, the blob's not. */
size_t hash_cell_bytes(const uint8_t *cell);
/* What it takes, its blob included. */
struct cell_size hash_cell_size(const uint8_t *cell);

#endif
