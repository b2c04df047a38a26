/* slice: a borrowed run of bytes. It owns nothing; whoever hands one out says
 * how long it stays valid. Bytes may be anything, NUL included. */
#ifndef ENGRAM_BASE_SLICE_H
#define ENGRAM_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t len;
};

/* A slice of a string literal, without its NUL. */
#define SLICE_LIT(text) \
    ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){(const uint8_t *)data, len};
}

/* `text` is NUL-terminated. */
static inline struct slice slice_of_text(const char *text)
{
    return slice_of(text, strlen(text));
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Like memcmp over the common length, then the shorter is less. */
int slice_compare(struct slice a, struct slice b);

/* ASCII case folded; `text` is NUL-terminated. */
bool slice_equal_nocase(struct slice a, const char *text);

/* Redis's glob: * ? [a-z] [^x] \x. Only the empty pattern takes the empty text:
 * not even a star does. Nothing matches once more than 1000 stars must be tried;
 * those side by side count as one, those at the end as none. Time is bounded: at
 * most pattern.len * text.len steps; no recursion. */
bool slice_match_glob(struct slice pattern, struct slice text, bool nocase);

#endif
