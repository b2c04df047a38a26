/* entry: a key with what hangs on it, in one allocation.
 *
 * Layout:  header (8) | [deadline, ms (8)] | [value pointer (8)]
 *          | [long key length (4)] | key | [embedded value]
 * A value is embedded while the whole entry fits a slab cell; else the pointer
 * leads to it. Each optional part is there when its flag or encoding says so.
 *
 * Threads: owned by its shard.  Memory: a cell of the keyspace's heap, or, for
 * long keys, of mem_alloc; entry_destroy knows which. Nothing counts references
 * to an entry: its table slot is the only one, so a move is one store. */
#ifndef ENGRAM_TYPES_ENTRY_H
#define ENGRAM_TYPES_ENTRY_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/slice.h"
#include "base/status.h"

/* Order and names as TYPE answers them. */
#define VALUE_TYPE_MAP(X) \
    X(STRING, "string") X(LIST, "list") X(SET, "set") X(ZSET, "zset") \
    X(HASH, "hash") X(STREAM, "stream")
#define VALUE_TYPE_ENUM(name, text) TYPE_##name,
enum value_type { VALUE_TYPE_MAP(VALUE_TYPE_ENUM) VALUE_TYPE_COUNT };
#undef VALUE_TYPE_ENUM

enum value_encoding {
    ENC_INT8, ENC_INT16, ENC_INT32, ENC_INT64, /* embedded, little-endian */
    ENC_EMBED, /* length (1 or 2 bytes), bytes */
    ENC_BLOB,  /* pointer to a struct blob */
    ENC_BIG,   /* pointer to a struct value */
};

enum entry_flag {
    ENTRY_HAS_DEADLINE = 1 << 0,
    ENTRY_LONG_KEY = 1 << 1, /* key_len is 0xffff; the real one is in the body */
    ENTRY_INDEXED = 1 << 2,  /* a record on the expiry wheel fires no later than
                                the deadline */
    ENTRY_PARITY = 1 << 3,   /* the expiry sweep that last saw it */
    ENTRY_EPOCH = 1 << 4,    /* the snapshot that last saved it */
    ENTRY_EDITED = 1 << 5,   /* a string changed in place: encoding "raw" */
    ENTRY_UNSLABBED = 1 << 6, /* from mem_alloc */
    ENTRY_INTS = 1 << 7,     /* a set whose flat bytes are an intset */
    ENTRY_DEADLINES = 1 << 7, /* a hash whose flat bytes have room for
                                deadlines (hash_packed.c) */
    /* what the flags say of the value, not of the key or the memory */
    ENTRY_OF_VALUE = ENTRY_EDITED | ENTRY_INTS | ENTRY_DEADLINES,
};

enum { ENTRY_KEY_SHORT_MAX = 0xfffe };

struct value;

struct entry {
    uint8_t type : 4;
    uint8_t encoding : 4;
    uint8_t flags;
    uint16_t key_len;
    uint32_t access_clock : 24; /* seconds, wraps after 194 days */
    uint32_t hits : 8;
};
static_assert(sizeof(struct entry) == 8, "the header is one word");

/* Where an entry's memory comes from and is charged. */
struct entry_memory {
    struct slab_heap *heap;
    struct mem_account *account;
    const struct hash_seed *seed; /* of tables in values */
};

static inline bool entry_has_deadline(const struct entry *e)
{
    return (e->flags & ENTRY_HAS_DEADLINE) != 0;
}

static inline int64_t *entry_deadline_at(struct entry *e)
{
    assert(entry_has_deadline(e));
    return (int64_t *)(void *)(e + 1);
}

/* Unix milliseconds; INT64_MAX: none. */
static inline int64_t entry_deadline_ms(const struct entry *e)
{
    int64_t ms;
    if (!entry_has_deadline(e)) {
        return INT64_MAX;
    }
    memcpy(&ms, e + 1, sizeof ms);
    return ms;
}

static inline size_t entry_body_offset(const struct entry *e)
{
    size_t at = sizeof *e;
    at += (e->flags & ENTRY_HAS_DEADLINE) ? 8 : 0;
    at += (e->encoding >= ENC_BLOB) ? 8 : 0;
    return at;
}

static inline struct slice entry_key(const struct entry *e)
{
    const uint8_t *p = (const uint8_t *)e + entry_body_offset(e);
    if (__builtin_expect((e->flags & ENTRY_LONG_KEY) != 0, 0)) {
        uint32_t len;
        memcpy(&len, p, sizeof len);
        return slice_of(p + sizeof len, len);
    }
    return slice_of(p, e->key_len);
}

static inline bool entry_key_equals(const struct entry *e, struct slice key)
{
    return slice_equal(entry_key(e), key);
}

/* The embedded value's first byte: right after the key. */
static inline const uint8_t *entry_embedded(const struct entry *e)
{
    struct slice k = entry_key(e);
    return k.data + k.len;
}

/* The value pointer of an entry whose encoding is not embedded. */
static inline void *entry_pointer(const struct entry *e)
{
    void *p;
    assert(e->encoding >= ENC_BLOB);
    memcpy(&p, (const uint8_t *)e + sizeof *e
                   + (entry_has_deadline(e) ? 8 : 0), sizeof p);
    return p;
}

/* Bytes this entry takes, its value included (INFO's and MEMORY USAGE's). */
size_t entry_bytes(const struct entry *e, const struct entry_memory *m);
/* Frees the entry and its value. */
void entry_destroy(struct entry *e, const struct entry_memory *m);
/* Frees the entry but not its value, which is somebody else's now. */
void entry_free_shell(struct entry *e, const struct entry_memory *m);
/* A copy at another address for compaction (the old one is freed without its
 * value); NULL: out of memory, nothing changed. */
struct entry *entry_move(struct entry *e, const struct entry_memory *m);
/* A new entry under `key` with the value of `from`. With `take` a value behind a
 * pointer that may stay where it is (a blob; a big value of the same heap or
 * with a home of its own) is
 * shared by both until entry_transfer_done or _undo says which one stays;
 * else it is copied. `from_m` is the memory of `from`. Deadline, clock and flags of the value are kept,
 * those of the expiry index not. */
STATUS_CHECKED enum status entry_transfer(struct entry *from,
                                          const struct entry_memory *from_m,
                                          const struct entry_memory *m,
                                          struct slice key, bool take,
                                          struct entry **out);
/* The new one stays: `from` is freed, its value now charged to `m`. A big value
 * that had to be copied is returned, to be destroyed; else NULL. */
struct value *entry_transfer_done(struct entry *from, const struct entry *made,
                                  const struct entry_memory *from_m,
                                  const struct entry_memory *m);
/* The old one stays: `made` is freed, with its value unless the two share it
 * (a value may be made anew even for `take`, since another key leaves it other
 * room). */
void entry_transfer_undo(struct entry *made, const struct entry *from,
                         const struct entry_memory *m);
/* Does it own memory outside the slab heap? */
static inline bool entry_is_external(const struct entry *e)
{
    return e->encoding >= ENC_BLOB || (e->flags & ENTRY_UNSLABBED) != 0;
}
const char *value_type_name(enum value_type t);
/* OBJECT ENCODING's word: "int", "embstr", "raw", "listpack" ... */
const char *entry_encoding_name(const struct entry *e);

#endif
