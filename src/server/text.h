/* text: a growing text, for answers that are written line by line. What fails
 * for memory is remembered, so that only the end has to look. */
#ifndef ENGRAM_SERVER_TEXT_H
#define ENGRAM_SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/slice.h"

enum { TEXT_PIECE_MAX = 4096 + 256 }; /* a path and its name */

/* Begins as {.account = ...}. */
struct text {
    struct mem_account *account;
    char *bytes;
    size_t used, cap;
    bool failed;
};

/* At most TEXT_PIECE_MAX bytes a call; the rest is cut off. */
void text_add(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Any number of bytes. */
void text_add_slice(struct text *t, struct slice s);
/* In double quotes, what needs it escaped: config_split_line reads it back. */
void text_add_quoted(struct text *t, struct slice word);
static inline struct slice text_slice(const struct text *t)
{
    return slice_of(t->bytes, t->used);
}
void text_deinit(struct text *t);

#endif
