/* value: what all collections have in common. A small one is flat (flat.h): the
 * bytes of a listpack or an intset. A big one is a structure of its own that
 * begins with a struct value, to which the entry points (ENC_BIG).
 *
 * The functions of a type (list.h, set.h, hash.h, zset.h) take the entry's
 * address and may replace the entry, as flat_resize does. They see neither
 * deadlines nor databases.
 *
 * Threads: the shard's.  Memory: the heap and account of the keyspace, so a value
 * that goes to another keyspace is copied there. */
#ifndef ENGRAM_TYPES_VALUE_H
#define ENGRAM_TYPES_VALUE_H

#include "types/flat.h"

struct value;

struct value_ops {
    const char *encoding; /* OBJECT ENCODING's word */
    size_t (*count)(const struct value *v); /* elements */
    /* As value_due_ms; only of hashes, no other elements have deadlines. */
    int64_t (*due_ms)(const struct value *v);
    /* All of its memory. */
    size_t (*bytes)(const struct value *v, const struct entry_memory *m);
    /* Frees about `budget` elements; true: it is gone, and *v NULL. Nothing else
     * may be done with it once this has begun. */
    bool (*destroy_some)(struct value **v, const struct entry_memory *m,
                         size_t budget);
    /* Does it hold memory outside the heap? If not, it may be dropped together
     * with the heap, without a walk. */
    bool (*is_external)(const struct value *v);
    /* A copy whose memory is `to`'s; NULL: out of memory. */
    struct value *(*copy)(const struct value *v, const struct entry_memory *to);
    /* Invariants; slow; asserts. */
    void (*check)(const struct value *v, const struct entry_memory *m);
};

struct value {
    const struct value_ops *ops;
    struct value *next; /* its keyspace's, once it is to be freed */
};

/* Where packed forms end; directives of the same names. Relaxed: read by any
 * worker, written by CONFIG SET. */
struct value_limits {
    _Atomic(int64_t) hash_entries_max, hash_value_max;
    _Atomic(int64_t) set_intset_max, set_listpack_max, set_value_max;
    _Atomic(int64_t) zset_entries_max, zset_value_max;
    _Atomic(int64_t) list_listpack_size; /* < 0: -1 .. -5, a size class */
};
void value_limits_init(struct value_limits *l); /* the documented defaults */

static inline struct value *entry_value(const struct entry *e)
{
    assert(e->encoding == ENC_BIG);
    return entry_pointer(e);
}

/* Elements of a collection. */
size_t value_count(const struct entry *e);
/* No element has a deadline before this; INT64_MAX: none has one at all. */
int64_t value_due_ms(const struct entry *e);
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
