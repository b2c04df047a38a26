/* reply: the encoder. Small replies are one reservation, filled and committed;
 * long texts go through chain_append, which fills what is left of a chunk.
 *
 * Errors are counted where they are written, muted or not, since the commands
 * that made them did fail: `last_error` is the first word of the latest, and
 * lies in the reply itself (error_code). */
#include "resp/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum {
    HEADER_BYTES_MAX = 1 + NUMBER_INT64_TEXT_MAX + 2,
    /* A bulk up to this size is one reservation; above, what a reservation
     * would leave unused at the end of a chunk is worth filling. */
    WHOLE_BULK_MAX = 2048,
    ERROR_FORMAT_BYTES_MAX = 2048,
    TEXT_STEP_BYTES = 4096,
};

/* Lengths and counts are short nearly always. */
static inline uint8_t *put_number(uint8_t *p, uint64_t v)
{
    if (v < 10) {
        *p = (uint8_t)('0' + v);
        return p + 1;
    }
    if (v < 100) {
        p[0] = (uint8_t)('0' + v / 10);
        p[1] = (uint8_t)('0' + v % 10);
        return p + 2;
    }
    return p + number_format_uint64((char *)p, v);
}

static inline uint8_t *put_crlf(uint8_t *p)
{
    memcpy(p, "\r\n", 2);
    return p + 2;
}

/* mark, number, CRLF */
static inline uint8_t *put_header(uint8_t *p, char mark, uint64_t v)
{
    *p = (uint8_t)mark;
    return put_crlf(put_number(p + 1, v));
}

static inline void write_header(struct reply *r, char mark, uint64_t v)
{
    if (__builtin_expect(r->is_muted, 0)) {
        return;
    }
    uint8_t *start = chain_reserve(r->out, HEADER_BYTES_MAX);
    chain_commit(r->out, (size_t)(put_header(start, mark, v) - start));
}

/* At most HEADER_BYTES_MAX constant bytes. */
static inline void write_constant(struct reply *r, const char *text, size_t len)
{
    if (__builtin_expect(r->is_muted, 0)) {
        return;
    }
    memcpy(chain_reserve(r->out, HEADER_BYTES_MAX), text, len);
    chain_commit(r->out, len);
}

#define WRITE_LITERAL(r, text) write_constant(r, text, sizeof(text) - 1)

/* The text of a one-line reply: CR and LF become blanks. */
static void write_line_text(struct reply *r, struct slice text)
{
    size_t done = 0;
    while (done < text.len) {
        size_t part = text.len - done;
        part = part < TEXT_STEP_BYTES ? part : TEXT_STEP_BYTES;
        uint8_t *p = chain_reserve(r->out, part);
        for (size_t i = 0; i < part; i++) {
            uint8_t c = text.data[done + i];
            p[i] = c == '\r' || c == '\n' ? ' ' : c;
        }
        chain_commit(r->out, part);
        done += part;
    }
}

static void write_line(struct reply *r, char mark, struct slice text)
{
    if (r->is_muted) {
        return;
    }
    write_constant(r, &mark, 1);
    write_line_text(r, text);
    WRITE_LITERAL(r, "\r\n");
}

void reply_ok(struct reply *r)
{
    WRITE_LITERAL(r, "+OK\r\n");
}

void reply_simple(struct reply *r, const char *text)
{
    write_line(r, '+', slice_of_text(text));
}

void reply_int(struct reply *r, int64_t v)
{
    if (__builtin_expect(r->is_muted, 0)) {
        return;
    }
    uint8_t *start = chain_reserve(r->out, HEADER_BYTES_MAX);
    uint8_t *p = start;
    *p++ = ':';
    uint64_t magnitude = (uint64_t)v;
    if (v < 0) {
        *p++ = '-';
        magnitude = 0 - magnitude;
    }
    p = put_crlf(put_number(p, magnitude));
    chain_commit(r->out, (size_t)(p - start));
}

static void write_long_bulk(struct reply *r, struct slice s)
{
    write_header(r, '$', s.len);
    chain_append(r->out, s.data, s.len);
    WRITE_LITERAL(r, "\r\n");
}

void reply_bulk(struct reply *r, struct slice s)
{
    if (__builtin_expect(r->is_muted, 0)) {
        return;
    }
    if (__builtin_expect(s.len > WHOLE_BULK_MAX, 0)) {
        write_long_bulk(r, s);
        return;
    }
    uint8_t *start = chain_reserve(r->out, HEADER_BYTES_MAX + s.len + 2);
    uint8_t *p = put_header(start, '$', s.len);
    if (s.len > 0) {
        memcpy(p, s.data, s.len);
    }
    p = put_crlf(p + s.len);
    chain_commit(r->out, (size_t)(p - start));
}

void reply_bulk_text(struct reply *r, const char *text)
{
    reply_bulk(r, slice_of_text(text));
}

void reply_bulk_int(struct reply *r, int64_t v)
{
    char text[NUMBER_INT64_TEXT_MAX];
    reply_bulk(r, slice_of(text, number_format_int64(text, v)));
}

void reply_bulk_pinned(struct reply *r, struct slice s,
                       chain_release_fn *release, void *arg)
{
    if (r->is_muted) {
        release(arg);
        return;
    }
    write_header(r, '$', s.len);
    chain_pin(r->out, s.data, s.len, release, arg);
    WRITE_LITERAL(r, "\r\n");
}

void reply_null(struct reply *r)
{
    if (r->protocol >= 3) {
        WRITE_LITERAL(r, "_\r\n");
    } else {
        WRITE_LITERAL(r, "$-1\r\n");
    }
}

void reply_null_array(struct reply *r)
{
    if (r->protocol >= 3) {
        WRITE_LITERAL(r, "_\r\n");
    } else {
        WRITE_LITERAL(r, "*-1\r\n");
    }
}

void reply_bool(struct reply *r, bool v)
{
    if (r->protocol >= 3) {
        write_constant(r, v ? "#t\r\n" : "#f\r\n", 4);
    } else {
        write_constant(r, v ? ":1\r\n" : ":0\r\n", 4);
    }
}

void reply_double(struct reply *r, double v)
{
    char text[NUMBER_DOUBLE_TEXT_MAX];
    struct slice s = slice_of(text, number_format_double(text, v));
    if (r->protocol >= 3) {
        write_line(r, ',', s);
    } else {
        reply_bulk(r, s);
    }
}

/* The header of an aggregate, as the protocol knows it. */
static void write_aggregate(struct reply *r, char mark3, int64_t n)
{
    assert(n >= 0);
    write_header(r, r->protocol >= 3 ? mark3 : '*', (uint64_t)n);
}

void reply_array(struct reply *r, int64_t n)
{
    write_aggregate(r, '*', n);
}

void reply_map(struct reply *r, int64_t pairs)
{
    assert(pairs <= INT64_MAX / 2);
    write_aggregate(r, '%', r->protocol >= 3 ? pairs : pairs * 2);
}

void reply_set(struct reply *r, int64_t n)
{
    write_aggregate(r, '~', n);
}

void reply_push(struct reply *r, int64_t n)
{
    write_aggregate(r, '>', n);
}

void reply_attribute(struct reply *r, int64_t pairs)
{
    assert(r->protocol >= 3);
    write_aggregate(r, '|', pairs);
}

bool reply_verbatim_begin(struct reply *r, const char *ext, size_t len)
{
    assert(strlen(ext) == 3);
    if (r->is_muted) {
        return false;
    }
    if (r->protocol < 3) {
        write_header(r, '$', (uint64_t)len);
        return true;
    }
    write_header(r, '=', (uint64_t)len + 4);
    chain_append(r->out, ext, 3);
    chain_append(r->out, ":", 1);
    return true;
}

void reply_verbatim_end(struct reply *r)
{
    WRITE_LITERAL(r, "\r\n");
}

void reply_verbatim(struct reply *r, const char *ext, struct slice s)
{
    if (reply_verbatim_begin(r, ext, s.len)) {
        chain_append(r->out, s.data, s.len);
        reply_verbatim_end(r);
    }
}

void reply_big_number(struct reply *r, struct slice digits)
{
    if (r->protocol >= 3) {
        write_line(r, '(', digits);
    } else {
        reply_bulk(r, digits);
    }
}

/* Line ends at the text's end are dropped, those inside become blanks. */
static struct slice trim_line_end(struct slice text)
{
    while (text.len > 0 && (text.data[text.len - 1] == '\r' ||
                            text.data[text.len - 1] == '\n')) {
        text.len--;
    }
    return text;
}

static void count_error(struct reply *r, struct slice text)
{
    size_t len = 0;
    while (len < text.len && len < sizeof r->error_code - 1 &&
           text.data[len] > ' ') {
        r->error_code[len] = (char)text.data[len];
        len++;
    }
    r->error_code[len] = '\0';
    r->last_error = slice_of(r->error_code, len);
    r->error_count++;
}

void reply_error_slice(struct reply *r, struct slice text)
{
    text = trim_line_end(text);
    count_error(r, text);
    write_line(r, '-', text);
}

void reply_error(struct reply *r, const char *text)
{
    reply_error_slice(r, slice_of_text(text));
}

void reply_errorf(struct reply *r, const char *format, ...)
{
    char text[ERROR_FORMAT_BYTES_MAX];
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    assert(len >= 0);
    size_t kept = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    reply_error_slice(r, slice_of(text, kept));
}

void reply_deferred_begin(struct reply *r, struct reply_deferred *d)
{
    d->outer = r->out;
    chain_init(&d->inner, r->out->pool);
    d->inner.bytes_max = r->out->bytes_max;
    r->out = &d->inner;
}

/* Back to the outer chain, where the header is to be written now. */
static void resume_outer(struct reply *r, struct reply_deferred *d)
{
    assert(r->out == &d->inner);
    r->out = d->outer;
}

void reply_deferred_array(struct reply *r, struct reply_deferred *d, int64_t n)
{
    resume_outer(r, d);
    reply_array(r, n);
    chain_splice(r->out, &d->inner);
}

void reply_deferred_map(struct reply *r, struct reply_deferred *d, int64_t n)
{
    resume_outer(r, d);
    reply_map(r, n);
    chain_splice(r->out, &d->inner);
}

void reply_deferred_set(struct reply *r, struct reply_deferred *d, int64_t n)
{
    resume_outer(r, d);
    reply_set(r, n);
    chain_splice(r->out, &d->inner);
}
