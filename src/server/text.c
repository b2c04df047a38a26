/* text: doubles as it fills up. */
#include "server/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MIN = 8192 };

static bool reserve(struct text *t, size_t n)
{
    size_t cap = t->cap == 0 ? TEXT_BYTES_MIN : t->cap;
    if (t->failed) {
        return false;
    }
    while (cap - t->used < n) {
        cap *= 2;
    }
    if (cap == t->cap) {
        return true;
    }
    char *bytes = mem_realloc(t->account, t->bytes, cap);
    if (bytes == NULL) {
        t->failed = true;
        return false;
    }
    t->bytes = bytes;
    t->cap = cap;
    return true;
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args;
    if (!reserve(t, TEXT_PIECE_MAX)) {
        return;
    }
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->used, TEXT_PIECE_MAX, format, args);
    va_end(args);
    assert(n >= 0);
    t->used += n < TEXT_PIECE_MAX ? (size_t)n : TEXT_PIECE_MAX - 1;
}

void text_add_slice(struct text *t, struct slice s)
{
    if (s.len > 0 && reserve(t, s.len)) {
        memcpy(t->bytes + t->used, s.data, s.len);
        t->used += s.len;
    }
}

void text_add_quoted(struct text *t, struct slice word)
{
    static const char from[] = "\n\r\t\b\a\"\\", to[] = "nrtba\"\\";
    text_add_slice(t, SLICE_LIT("\""));
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.data[i];
        const char *at = c == 0 ? NULL : strchr(from, c);
        char escape[5];
        if (at != NULL) {
            escape[0] = '\\';
            escape[1] = to[at - from];
            text_add_slice(t, slice_of(escape, 2));
        } else if (c < ' ' || c > '~') {
            (void)snprintf(escape, sizeof escape, "\\x%02x", c);
            text_add_slice(t, slice_of(escape, 4));
        } else {
            text_add_slice(t, slice_of(&word.data[i], 1));
        }
    }
    text_add_slice(t, SLICE_LIT("\""));
}

void text_deinit(struct text *t)
{
    mem_free(t->account, t->bytes);
    *t = (struct text){.account = t->account};
}
