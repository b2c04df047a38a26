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

static inline uint64_t slice_load(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    memcpy(&v, p, bytes);
    return v;
}

enum { SLICE_SHORT_MAX = 16 };

/* Names, keys and members are short as a rule: those are two reads of each, which
 * may overlap, and no call. False for longer ones, whether or not they are
 * equal. */
static inline bool slice_equal_short(struct slice a, struct slice b)
{
    const uint8_t *p = a.data, *q = b.data;
    size_t n = a.len;
    if (n != b.len || n > SLICE_SHORT_MAX) {
        return false;
    }
    if (n >= 8) {
        return ((slice_load(p, 8) ^ slice_load(q, 8))
                | (slice_load(p + n - 8, 8) ^ slice_load(q + n - 8, 8))) == 0;
    }
    if (n >= 4) {
        return ((slice_load(p, 4) ^ slice_load(q, 4))
                | (slice_load(p + n - 4, 4) ^ slice_load(q + n - 4, 4))) == 0;
    }
    return n == 0 || ((p[0] ^ q[0]) | (p[n / 2] ^ q[n / 2])
                      | (p[n - 1] ^ q[n - 1])) == 0;
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return slice_equal_short(a, b)
           || (a.len > SLICE_SHORT_MAX && a.len == b.len
               && memcmp(a.data, b.data, a.len) == 0);
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
