/* listpack: a sequence of strings and integers in flat memory, byte for byte
 * in the published format (https://github.com/antirez/listpack), so that what
 * lies in memory is what a snapshot or a dump holds.
 *
 * Layout:  bytes (u32) | count (u16, 65535: not known) | entries | 0xff
 * Entry:   kind with length or value | text | its own length, to be read
 *          backwards; listpack_priv.h has the details
 *
 * The memory is the caller's: it may lie inside an entry, in a cell or in a
 * blob. Functions that change a listpack never allocate; the caller asks first
 * how many bytes it will have, makes room (or gives it back afterwards), and
 * then lets the change be carried out. Positions are offsets, so they survive
 * a move of the memory. Text that is the canonical form of an int64 is stored
 * as an integer; it reads back the same.
 *
 * Invariant: bytes come from these functions or have passed listpack_validate;
 * nothing else is checked again. Threads, memory: the caller's. */
#ifndef ENGRAM_STRUCTS_LISTPACK_H
#define ENGRAM_STRUCTS_LISTPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    LISTPACK_HEADER_BYTES = 6,
    LISTPACK_EMPTY_BYTES = 7,
    LISTPACK_SCRATCH_BYTES = 24, /* room for any integer's text */
    LISTPACK_NONE = 0,           /* no position */
};
/* The format ends here. */
#define LISTPACK_BYTES_MAX ((size_t)UINT32_MAX)

/* An element: bytes inside the listpack, or an integer if text.data is NULL. */
struct listpack_value {
    struct slice text;
    int64_t integer;
};

/* Makes an empty listpack of LISTPACK_EMPTY_BYTES. */
void listpack_init(uint8_t *lp);
/* Are these bytes, from whatever source, a listpack that every function here
 * may be given? Reads each byte at most a few times and none outside. */
bool listpack_validate(struct slice bytes);

static inline uint32_t listpack_bytes(const uint8_t *lp)
{
    uint32_t n;
    memcpy(&n, lp, sizeof n);
    return n;
}

/* Where an appended element would come to lie; not an element's position. */
static inline uint32_t listpack_end(const uint8_t *lp)
{
    return listpack_bytes(lp) - 1;
}

/* Elements; walks through the listpack from 65,535 elements on. */
size_t listpack_count(const uint8_t *lp);

static inline bool listpack_is_empty(const uint8_t *lp)
{
    return listpack_bytes(lp) == LISTPACK_EMPTY_BYTES;
}

/* Positions; LISTPACK_NONE: there is none. */
static inline uint32_t listpack_first(const uint8_t *lp)
{
    return listpack_is_empty(lp) ? (uint32_t)LISTPACK_NONE
                                 : (uint32_t)LISTPACK_HEADER_BYTES;
}
uint32_t listpack_last(const uint8_t *lp);
uint32_t listpack_next(const uint8_t *lp, uint32_t pos);
uint32_t listpack_prev(const uint8_t *lp, uint32_t pos);
/* From the front (0 is the first), or from the back (-1 is the last). */
uint32_t listpack_seek(const uint8_t *lp, int64_t index);

struct listpack_value listpack_get(const uint8_t *lp, uint32_t pos);
/* The element as text; an integer's is written to `scratch`, of
 * LISTPACK_SCRATCH_BYTES. Valid as long as both stay as they are. */
struct slice listpack_text(const uint8_t *lp, uint32_t pos, char *scratch);
struct slice listpack_value_text(struct listpack_value v, char *scratch);
/* Looks at the element at `from` (LISTPACK_NONE finds nothing), then passes
 * over `skip` elements, and so on: the first whose text is `text`. */
uint32_t listpack_find(const uint8_t *lp, uint32_t from, struct slice text,
                       uint32_t skip);
/* The same without skipping, to the back or to the front; *passed: how many there
 * are before it, or in all. */
uint32_t listpack_search(const uint8_t *lp, uint32_t from, struct slice text,
                         bool is_backward, uint64_t *passed);

/* A change: at `at`, `remove_count` elements go (so many must be there) and
 * `items` come. Items must not lie inside the listpack. */
struct listpack_splice {
    uint32_t at; /* an element's position or listpack_end */
    size_t remove_count;
    const struct slice *items;
    size_t item_count;
};

/* Bytes the listpack will have; 0: more than the format can hold. */
size_t listpack_splice_bytes(const uint8_t *lp,
                             const struct listpack_splice *s);
/* Carries it out; `bytes` is what listpack_splice_bytes said, and `lp` has room
 * for that many (and for those it has). The first new element, or what follows
 * the removed ones, lies at s->at afterwards. */
void listpack_splice(uint8_t *lp, size_t bytes,
                     const struct listpack_splice *s);

/* The usual changes. */
static inline struct listpack_splice
listpack_appending(const uint8_t *lp, const struct slice *items, size_t count)
{
    return (struct listpack_splice){listpack_end(lp), 0, items, count};
}

static inline struct listpack_splice
listpack_inserting(uint32_t before, const struct slice *items, size_t count)
{
    uint32_t at = before == LISTPACK_NONE ? LISTPACK_HEADER_BYTES : before;
    return (struct listpack_splice){at, 0, items, count};
}

static inline struct listpack_splice
listpack_prepending(const struct slice *items, size_t count)
{
    return listpack_inserting(LISTPACK_NONE, items, count);
}

static inline struct listpack_splice
listpack_inserting_after(const uint8_t *lp, uint32_t pos,
                         const struct slice *items, size_t count)
{
    uint32_t next = listpack_next(lp, pos);
    next = next == LISTPACK_NONE ? listpack_end(lp) : next;
    return (struct listpack_splice){next, 0, items, count};
}

static inline struct listpack_splice
listpack_replacing(uint32_t pos, const struct slice *item)
{
    return (struct listpack_splice){pos, 1, item, 1};
}

static inline struct listpack_splice listpack_deleting(uint32_t pos,
                                                       size_t count)
{
    return (struct listpack_splice){pos, count, NULL, 0};
}

/* Removing only: the bytes it has afterwards. */
static inline size_t listpack_delete(uint8_t *lp, uint32_t pos, size_t count)
{
    struct listpack_splice s = listpack_deleting(pos, count);
    size_t bytes = listpack_splice_bytes(lp, &s);
    listpack_splice(lp, bytes, &s);
    return bytes;
}

/* The entries from one position (or the end) up to another, as they lie there;
 * for copying between listpacks. */
static inline struct slice listpack_entries(const uint8_t *lp, uint32_t from,
                                            uint32_t to)
{
    return slice_of(lp + from, to - from);
}
/* Puts `count` such entries, not of this listpack, at `at`; there is room. */
void listpack_insert_entries(uint8_t *lp, uint32_t at, struct slice entries,
                             size_t count);

#endif
