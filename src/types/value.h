/* value: what all collections have in common. A small one is flat (flat.h): the
 * bytes of a listpack or an intset. A big one is a structure of its own that
 * begins with a struct value, to which the entry points (ENC_BIG).
 *
 * The functions of a type (list.h, set.h, hash.h, zset.h) take the entry's
 * address and may replace the entry, as flat_resize does. They see neither
 * deadlines nor databases.
 *
 * Threads: the shard's.  Memory: the heap and account of the keyspace, so a value
 * that goes to another keyspace is copied there; a very big value has both of
 * its own (home.h) and is handed over. */
#ifndef ENGRAM_TYPES_VALUE_H
#define ENGRAM_TYPES_VALUE_H

#include "types/flat.h"

struct value;
struct value_home;

struct value_ops {
    const char *encoding; /* OBJECT ENCODING's word */
    size_t (*count)(const struct value *v); /* elements */
    /* All of its memory; O(1). */
    size_t (*bytes)(const struct value *v, const struct entry_memory *m);
    /* Frees about `budget` elements; true: it is gone, and *v NULL. Nothing else
     * may be done with it once this has begun. For value_destroy_some. */
    bool (*destroy_some)(struct value **v, const struct entry_memory *m,
                         size_t budget);
    /* Does it hold memory outside the heap? If not, it may be dropped together
     * with the heap, without a walk. */
    bool (*is_external)(const struct value *v);
    /* Bytes of the memory outside the heap. */
    size_t (*outside_bytes)(const struct value *v);
    /* Moves the struct into `to`, where all that is allocated for it will come
     * from; the cells it has are adopted (base/slab.h). NULL: out of memory,
     * nothing changed. */
    struct value *(*settle)(struct value *v, const struct entry_memory *to);
    /* Moves what lies in source pages of the heap (`m` is what the value itself
     * uses), some dozens of elements from `cursor` on (0 to begin); the next
     * cursor, 0 at the end. What finds no memory stays. */
    uint64_t (*compact)(struct value *v, const struct entry_memory *m,
                        uint64_t cursor);
    /* A copy whose memory is `to`'s; NULL: out of memory. */
    struct value *(*copy)(const struct value *v, const struct entry_memory *to);
    /* Invariants; slow; asserts. */
    void (*check)(const struct value *v, const struct entry_memory *m);
};

struct value {
    const struct value_ops *ops;
    struct value *next; /* its keyspace's, once it is to be freed */
    struct value_home *home; /* NULL: it lies in the keyspace's heap */
    /* Of the walk that tidies its keyspace, while it has no home: where it
     * stands, and the number of the last one that came through. */
    uint64_t tidy_cursor;
    uint64_t tidy_round;
};

/* Where packed forms end; directives of the same names. Relaxed: read by any
 * worker, written by CONFIG SET. */
struct value_limits {
    _Atomic(int64_t) hash_entries_max, hash_value_max;
    _Atomic(int64_t) set_intset_max, set_listpack_max, set_value_max;
    _Atomic(int64_t) zset_entries_max, zset_value_max;
    _Atomic(int64_t) list_listpack_size; /* < 0: -1 .. -5, a size class */
    _Atomic(int64_t) list_compress_depth;
};
void value_limits_init(struct value_limits *l); /* the documented defaults */

static inline struct value *entry_value(const struct entry *e)
{
    assert(e->encoding == ENC_BIG);
    return entry_pointer(e);
}

/* Frees about `budget` elements; true: it is gone, and *v NULL. Else *v may have
 * become another; only this may be done with it from now on. */
bool value_destroy_some(struct value **v, const struct entry_memory *m,
                        size_t budget);

/* The value has moved. */
void entry_set_value(struct entry *e, struct value *v);

size_t value_flat_count(const struct entry *e);
/* Elements of a collection. */
static inline size_t value_count(const struct entry *e)
{
    if (e->encoding == ENC_BIG) {
        const struct value *v = entry_value(e);
        return v->ops->count(v);
    }
    return value_flat_count(e);
}

int64_t value_hash_due_ms(const struct entry *e);
/* No element has a deadline before this; INT64_MAX: none has one at all. */
static inline int64_t value_due_ms(const struct entry *e)
{
    return e->type == TYPE_HASH ? value_hash_due_ms(e) : INT64_MAX;
}
/* An empty collection of `type` in its packed form. */
STATUS_CHECKED enum status value_create_empty(const struct entry_memory *m,
                                              struct slice key,
                                              enum value_type type,
                                              int64_t deadline_ms,
                                              struct entry **out);
/* The entry gets `v` in place of its flat bytes; *e is replaced. Takes `v` on
 * ST_OK. */
STATUS_CHECKED enum status value_make_big(const struct entry_memory *m,
                                          struct entry **e, struct value *v);
/* `to`, made for the same key with the same deadline, takes the place of *e,
 * which is destroyed. */
void value_replace(const struct entry_memory *m, struct entry **e,
                   struct entry *to);
/* The entry gets `len` flat bytes, to be written at *bytes, in place of its big
 * value, which is the caller's again; *e is replaced. */
STATUS_CHECKED enum status value_make_flat(const struct entry_memory *m,
                                           struct entry **e, size_t len,
                                           uint8_t **bytes);

#endif
