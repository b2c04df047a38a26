/* entry_priv: building entries, for the files of this folder. */
#ifndef ENGRAM_TYPES_ENTRY_PRIV_H
#define ENGRAM_TYPES_ENTRY_PRIV_H

#include "types/entry.h"

/* Bytes of everything before the embedded value. */
size_t entry_head_bytes(size_t key_len, bool has_deadline, bool has_pointer);

/* An entry of `bytes` in all with header, deadline and key filled in, hits and
 * flags fresh; the value is left to the caller. NULL: out of memory. */
struct entry *entry_build(const struct entry_memory *m, struct slice key,
                          enum value_type type, enum value_encoding enc,
                          int64_t deadline_ms, size_t bytes);
/* Bytes of the entry itself, without what its pointer leads to. */
size_t entry_shell_bytes(const struct entry *e);
/* Where the value pointer is kept. */
void *entry_pointer_at(struct entry *e);
/* Carries over what belongs to the key rather than the value: access clock,
 * hits, and the flags of expiry and snapshot. */
void entry_inherit(struct entry *to, const struct entry *from);

/* flat.c: a flat value's length prefix and place in the entry. */
size_t flat_embedded_bytes(size_t len);
uint8_t *flat_embedded_at(struct entry *e);
/* Writes the length; where the bytes themselves go. */
uint8_t *flat_write_len(uint8_t *p, size_t len);

struct blob;
/* `len` bytes, not cleared, with room for `cap`; NULL: out of memory. */
struct blob *blob_create(const struct entry_memory *m, size_t len, size_t cap);
/* The entry lets go of its blob. */
void blob_drop(struct blob *b, const struct entry_memory *m);
/* A blob of its own with the same bytes; NULL: out of memory. */
struct blob *blob_copy(const struct blob *b, const struct entry_memory *m);

#endif
