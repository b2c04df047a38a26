/* encode: a walk over the source that writes through `struct out`. Most commands
 * fit the chain's last chunk and are written straight into it. Others go through
 * chain_append, which leaves no chunk half empty: what is queued has a limit, so
 * the memory that it takes must not be much more. */
#include "client/encode.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

/* Where bytes go: memory that has room, or else a chain. */
struct out {
    uint8_t *at;
    struct chain *chain;
};

static inline void put(struct out *o, const void *data, size_t len)
{
    if (o->at == NULL) {
        chain_append(o->chain, data, len);
    } else if (len > 0) {
        memcpy(o->at, data, len);
        o->at += len;
    }
}

static size_t digits_of(size_t n)
{
    size_t digits = 1;
    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return digits;
}

size_t encode_header(uint8_t *out, char type, size_t n)
{
    size_t digits = digits_of(n);
    out[0] = (uint8_t)type;
    for (size_t i = digits; i > 0; i--) {
        out[i] = (uint8_t)('0' + n % 10);
        n /= 10;
    }
    out[digits + 1] = '\r';
    out[digits + 2] = '\n';
    return digits + 3;
}

size_t encode_arg_bytes(size_t len)
{
    return 1 + digits_of(len) + 2 + len + 2;
}

static inline void put_header(struct out *o, char type, size_t n)
{
    if (o->at != NULL) {
        o->at += encode_header(o->at, type, n);
    } else {
        uint8_t text[ENCODE_HEADER_BYTES];
        chain_append(o->chain, text, encode_header(text, type, n));
    }
}

static inline size_t length_of(const struct encode_source *s, size_t i)
{
    return s->lens != NULL ? s->lens[i] : strlen(s->argv[i]);
}

static void note_name(struct encode_size *out, const void *data, size_t len)
{
    size_t room = ENCODE_NAME_BYTES - out->name_len;
    len = len < room ? len : room;
    if (len > 0) {
        memcpy(out->name + out->name_len, data, len);
    }
    out->name_len += len;
}

static bool add_arg(struct encode_size *out, size_t len)
{
    if (out->argc == ENCODE_ARGS_MAX || len > PTRDIFF_MAX / 4 ||
        out->bytes > PTRDIFF_MAX / 4) {
        return false;
    }
    out->argc++;
    out->bytes += encode_arg_bytes(len);
    return true;
}

static bool measure_format(struct format *f, struct encode_size *out)
{
    struct slice piece;
    size_t len = 0;
    for (;;) {
        switch (format_next(f, &piece)) {
        case FORMAT_PIECE:
            if (out->argc == 0) {
                note_name(out, piece.data, piece.len);
            }
            if (piece.len > PTRDIFF_MAX / 4 - len) {
                return false;
            }
            len += piece.len;
            break;
        case FORMAT_ARG_END:
            if (out->argc < ENCODE_LENS_MAX) {
                out->lens[out->argc] = len;
            }
            if (!add_arg(out, len)) {
                return false;
            }
            len = 0;
            break;
        case FORMAT_END: return true;
        case FORMAT_INVALID: return false;
        }
    }
}

/* What a server takes for one word, whatever stands beside it. */
static bool is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == 0x7f || c == '"' || c == '\'' || c == '\\') {
            return false;
        }
    }
    return len > 0;
}

static bool measure_inline(const struct encode_source *s,
                           struct encode_size *out)
{
    for (size_t i = 0; i < s->argc; i++) {
        size_t len = length_of(s, i);
        /* '*' is how requests of the other form begin. */
        if (!is_word(s->argv[i], len) || (i == 0 && s->argv[0][0] == '*') ||
            !add_arg(out, len)) {
            return false;
        }
        /* The word and what separates it from the next. */
        out->bytes -= encode_arg_bytes(len) - (len + 1);
    }
    note_name(out, s->argv[0], length_of(s, 0));
    out->bytes++;
    return true;
}

bool encode_measure(const struct encode_source *s, struct encode_size *out)
{
    out->argc = 0;
    out->bytes = 0;
    out->name_len = 0;
    if (s->is_inline) {
        return s->argv != NULL && s->argc > 0 && measure_inline(s, out);
    }
    bool ok = true;
    if (s->argv == NULL) {
        struct format walk;
        format_copy(&walk, s->format);
        ok = measure_format(&walk, out);
        format_deinit(&walk);
    } else {
        for (size_t i = 0; i < s->argc && ok; i++) {
            size_t len = length_of(s, i);
            ok = add_arg(out, len);
            if (i == 0) {
                note_name(out, s->argv[0], len);
            }
        }
    }
    out->bytes += 1 + digits_of(out->argc) + 2;
    return ok && out->argc > 0;
}

/* The length of the argument that `f` stands before. */
static size_t next_arg_len(const struct format *f)
{
    struct format ahead;
    struct slice piece;
    size_t len = 0;
    format_copy(&ahead, f);
    while (format_next(&ahead, &piece) == FORMAT_PIECE) {
        len += piece.len;
    }
    format_deinit(&ahead);
    return len;
}

static void write_format(const struct format *from,
                         const struct encode_size *size, struct out *o)
{
    struct format f;
    struct slice piece;
    format_copy(&f, from);
    for (size_t i = 0; i < size->argc; i++) {
        put_header(o, '$',
                   i < ENCODE_LENS_MAX ? size->lens[i] : next_arg_len(&f));
        while (format_next(&f, &piece) == FORMAT_PIECE) {
            put(o, piece.data, piece.len);
        }
        put(o, "\r\n", 2);
    }
    format_deinit(&f);
}

static void write_inline(const struct encode_source *s, struct out *o)
{
    for (size_t i = 0; i < s->argc; i++) {
        put(o, " ", i > 0);
        put(o, s->argv[i], length_of(s, i));
    }
    put(o, "\r\n", 2);
}

static void write_all(const struct encode_source *s,
                      const struct encode_size *size, struct out *o)
{
    if (s->is_inline) {
        write_inline(s, o);
        return;
    }
    put_header(o, '*', size->argc);
    if (s->argv == NULL) {
        write_format(s->format, size, o);
        return;
    }
    for (size_t i = 0; i < s->argc; i++) {
        size_t len = length_of(s, i);
        put_header(o, '$', len);
        put(o, s->argv[i], len);
        put(o, "\r\n", 2);
    }
}

void encode_to_memory(const struct encode_source *s,
                      const struct encode_size *size, uint8_t *out)
{
    struct out o = { .at = out };
    write_all(s, size, &o);
    assert((size_t)(o.at - out) == size->bytes);
}

void encode_to_chain(const struct encode_source *s,
                     const struct encode_size *size, struct chain *out)
{
    bool is_first = out->tail == NULL && size->bytes <= CHUNK_BYTES / 2;
    if (!is_first && size->bytes > chain_room(out)) {
        struct out o = { .chain = out };
        write_all(s, size, &o);
        return;
    }
    encode_to_memory(s, size, chain_reserve(out, size->bytes));
    chain_commit(out, size->bytes);
}
