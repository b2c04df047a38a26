/* flat: a value that is a run of bytes: a string, or a small collection in its
 * packed form. The bytes lie in the entry itself (ENC_EMBED) while the whole
 * fits a slab cell, else in a blob (ENC_BLOB).
 *
 * A blob's bytes may be pinned by replies on their way out; whoever wants to
 * change a pinned blob changes a copy. */
#ifndef ENGRAM_TYPES_FLAT_H
#define ENGRAM_TYPES_FLAT_H

#include <stdatomic.h>

#include "types/entry.h"

struct blob {
    /* 1 for the entry, 1 for each reply that has it pinned; any worker */
    _Atomic(uint32_t) refs;
    size_t len, cap;
    uint8_t bytes[];
};

static inline bool entry_is_flat(const struct entry *e)
{
    return e->encoding == ENC_EMBED || e->encoding == ENC_BLOB;
}

/* The bytes; valid until the next write to the keyspace. They may be written in
 * place only after flat_edit (or flat_resize) has given them. */
static inline struct slice flat_bytes(const struct entry *e)
{
    if (e->encoding == ENC_BLOB) {
        const struct blob *b = entry_pointer(e);
        return slice_of(b->bytes, b->len);
    }
    assert(e->encoding == ENC_EMBED);
    const uint8_t *p = entry_embedded(e);
    if ((p[0] & 0x80) == 0) {
        return slice_of(p + 1, p[0]);
    }
    return slice_of(p + 2, ((size_t)(p[0] & 0x7f) << 8) | p[1]);
}

/* Makes an entry with `len` bytes, not cleared; *out is the caller's. The bytes
 * are written through *bytes before anything else is done. */
STATUS_CHECKED enum status flat_create(const struct entry_memory *m,
                                       struct slice key, enum value_type type,
                                       size_t len, int64_t deadline_ms,
                                       struct entry **out, uint8_t **bytes);
/* Makes the value `len` bytes long, for writing at *bytes; as many as fit are
 * kept, new ones are not cleared. *e is replaced when it had to move: the old
 * one is gone, and the caller puts the new one in its place. */
STATUS_CHECKED enum status flat_resize(const struct entry_memory *m,
                                       struct entry **e, size_t len,
                                       uint8_t **bytes);

/* The bytes of a collection, to be changed without changing their number. */
uint8_t *flat_writable(struct entry *e);
/* Gives back what is beyond `len`. Where that would need memory which is not to
 * be had the bytes stay. */
void flat_shrink(const struct entry_memory *m, struct entry **e, size_t len);

void blob_pin(struct blob *b);
/* chain_release_fn: drops a pin, on any thread. */
void blob_unpin(void *blob);

#endif
