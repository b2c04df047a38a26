/* string: the string value of an entry: a small integer, or flat bytes. */
#ifndef ENGRAM_TYPES_STRING_H
#define ENGRAM_TYPES_STRING_H

#include "types/flat.h"

enum {
    STRING_SCRATCH_BYTES = 24, /* room for any integer's text */
    STRING_PIN_BYTES = 16 * 1024, /* replies pin values from this size on */
};

/* The value's bytes; an integer is written to `scratch`. Valid until the next
 * write to the keyspace (or, integers, as long as scratch). */
struct slice string_bytes(const struct entry *e, char *scratch);
size_t string_len(const struct entry *e);
/* Is it an integer, in whatever encoding? */
bool string_get_int(const struct entry *e, int64_t *out);
/* The blob to pin, NULL if the value is not one or too small to bother. */
struct blob *string_blob_to_pin(const struct entry *e);

/* Makes an entry; `deadline_ms` 0: none. *out is the caller's. */
STATUS_CHECKED enum status string_create(const struct entry_memory *m,
                                         struct slice key, struct slice value,
                                         int64_t deadline_ms,
                                         struct entry **out);
STATUS_CHECKED enum status string_create_int(const struct entry_memory *m,
                                             struct slice key, int64_t value,
                                             int64_t deadline_ms,
                                             struct entry **out);
/* Overwrites in place if the new value fits the entry's memory and layout (a
 * string, same deadline presence); false: make a new one. */
bool string_overwrite(struct entry *e, const struct entry_memory *m,
                      struct slice value, int64_t deadline_ms);
bool string_overwrite_int(struct entry *e, const struct entry_memory *m,
                          int64_t value);
/* Makes the value bytes that may be written, `len` long (never shorter than it
 * was; new bytes zero); *entry is replaced when it had to move: the caller puts
 * the new one in the table (the old one is gone). */
STATUS_CHECKED enum status string_edit(const struct entry_memory *m,
                                       struct entry **e, size_t len,
                                       uint8_t **bytes);
/* The entry with (deadline_ms > 0) or without (0) a deadline, moved if its
 * layout changes; *e is replaced as above. */
STATUS_CHECKED enum status entry_set_deadline(const struct entry_memory *m,
                                              struct entry **e,
                                              int64_t deadline_ms);

#endif
