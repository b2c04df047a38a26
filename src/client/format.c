/* format: the conversions.
 *
 * Numbers go through snprintf with a conversion built from what was understood,
 * never with the caller's text. The point of a double is '.', whatever the
 * process's locale has. */
#include "client/format.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

enum {
    SPEC_BYTES = 32,
    WIDTH_DIGITS_MAX = 2, /* so that a number fits its buffer */
};

/* One conversion as it was written. */
struct spec {
    char text[SPEC_BYTES]; /* "%-08.3", the start of a conversion for snprintf */
    size_t len;
    int length; /* hh -2, h -1, none 0, l 1, ll 2, j 3, z 4, t 5 */
    char conversion;
};

void format_init(struct format *f, const char *format, va_list values)
{
    f->at = format;
    f->is_in_arg = false;
    va_copy(f->values, values);
}

void format_copy(struct format *to, const struct format *from)
{
    to->at = from->at;
    to->is_in_arg = from->is_in_arg;
    /* A va_list that is const may be an array of const, which va_copy does
     * not take. */
    va_copy(to->values, ((struct format *)(uintptr_t)from)->values);
}

void format_deinit(struct format *f)
{
    va_end(f->values);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool read_digits(struct format *f, struct spec *s)
{
    size_t digits = 0;
    while (*f->at >= '0' && *f->at <= '9') {
        if (++digits > WIDTH_DIGITS_MAX) {
            return false;
        }
        s->text[s->len++] = *f->at++;
    }
    return true;
}

static int read_length(struct format *f)
{
    switch (*f->at) {
    case 'h':
        f->at++;
        if (*f->at == 'h') {
            f->at++;
            return -2;
        }
        return -1;
    case 'l':
        f->at++;
        if (*f->at == 'l') {
            f->at++;
            return 2;
        }
        return 1;
    case 'j': f->at++; return 3;
    case 'z': f->at++; return 4;
    case 't': f->at++; return 5;
    default: return 0;
    }
}

/* What stands behind the '%'. */
static bool read_spec(struct format *f, struct spec *s)
{
    s->text[0] = '%';
    s->len = 1;
    size_t flags = 0;
    while (*f->at != '\0' && strchr("-+ #0", *f->at) != NULL) {
        if (++flags > 5) {
            return false;
        }
        s->text[s->len++] = *f->at++;
    }
    if (!read_digits(f, s)) {
        return false;
    }
    if (*f->at == '.') {
        s->text[s->len++] = *f->at++;
        if (!read_digits(f, s)) {
            return false;
        }
    }
    s->length = read_length(f);
    s->conversion = *f->at;
    if (s->conversion != '\0') {
        f->at++;
    }
    return true;
}

static int64_t next_signed(struct format *f, int length)
{
    switch (length) {
    case -2: return (signed char)va_arg(f->values, int);
    case -1: return (short)va_arg(f->values, int);
    case 1: return va_arg(f->values, long);
    case 2: return va_arg(f->values, long long);
    case 3: return va_arg(f->values, intmax_t);
    case 4: return va_arg(f->values, ssize_t);
    case 5: return va_arg(f->values, ptrdiff_t);
    default: return va_arg(f->values, int);
    }
}

static uint64_t next_unsigned(struct format *f, int length)
{
    switch (length) {
    case -2: return (unsigned char)va_arg(f->values, unsigned);
    case -1: return (unsigned short)va_arg(f->values, unsigned);
    case 1: return va_arg(f->values, unsigned long);
    case 2: return va_arg(f->values, unsigned long long);
    case 3: return va_arg(f->values, uintmax_t);
    case 4: return va_arg(f->values, size_t);
    case 5: return (uint64_t)va_arg(f->values, ptrdiff_t);
    default: return va_arg(f->values, unsigned);
    }
}

/* Puts '.' where the locale has put its own point. */
static void fix_point(char *text, size_t *len)
{
    const char *point = localeconv()->decimal_point;
    size_t point_len = strlen(point);
    char *at = point_len == 0 ? NULL : strstr(text, point);
    if (at != NULL && strcmp(point, ".") != 0) {
        *at = '.';
        memmove(at + 1, at + point_len, *len - (size_t)(at - text) - point_len + 1);
        *len -= point_len - 1;
    }
}

/* The conversion's text comes from read_spec and is a number's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static bool convert_number(struct format *f, struct spec *s,
                           struct slice *piece)
{
    int n = -1;
    bool is_double = strchr("feEgGF", s->conversion) != NULL;
    if (!is_double) {
        s->text[s->len++] = 'j';
    }
    s->text[s->len++] = s->conversion;
    s->text[s->len] = '\0';
    if (is_double) {
        if (s->length != 0 && s->length != 1) {
            return false;
        }
        n = snprintf(f->number, sizeof f->number, s->text,
                     va_arg(f->values, double));
    } else if (s->conversion == 'd' || s->conversion == 'i') {
        n = snprintf(f->number, sizeof f->number, s->text,
                     (intmax_t)next_signed(f, s->length));
    } else {
        n = snprintf(f->number, sizeof f->number, s->text,
                     (uintmax_t)next_unsigned(f, s->length));
    }
    if (n < 0 || (size_t)n >= sizeof f->number) {
        return false;
    }
    size_t len = (size_t)n;
    if (is_double) {
        fix_point(f->number, &len);
    }
    *piece = slice_of(f->number, len);
    return true;
}
#pragma GCC diagnostic pop

static bool convert(struct format *f, struct slice *piece)
{
    const char *data;
    switch (*f->at) {
    case '%':
        f->at++;
        *piece = slice_of("%", 1);
        return true;
    case 'c':
        f->at++;
        f->number[0] = (char)va_arg(f->values, int);
        *piece = slice_of(f->number, 1);
        return true;
    case 's':
        f->at++;
        data = va_arg(f->values, const char *);
        *piece = slice_of(data, data == NULL ? 0 : strlen(data));
        return data != NULL;
    case 'b':
        f->at++;
        data = va_arg(f->values, const void *);
        *piece = slice_of(data, va_arg(f->values, size_t));
        return data != NULL || piece->len == 0;
    default: break;
    }
    /* Only numbers have flags, width or length. */
    struct spec s;
    return read_spec(f, &s) && s.conversion != '\0' &&
           strchr("diuxXofFeEgG", s.conversion) != NULL &&
           convert_number(f, &s, piece);
}

enum format_step format_next(struct format *f, struct slice *piece)
{
    if (!f->is_in_arg) {
        while (is_blank(*f->at)) {
            f->at++;
        }
        if (*f->at == '\0') {
            return FORMAT_END;
        }
        f->is_in_arg = true;
    }
    if (*f->at == '\0' || is_blank(*f->at)) {
        f->is_in_arg = false;
        return FORMAT_ARG_END;
    }
    if (*f->at == '%') {
        f->at++;
        return convert(f, piece) ? FORMAT_PIECE : FORMAT_INVALID;
    }
    const char *from = f->at;
    while (*f->at != '\0' && *f->at != '%' && !is_blank(*f->at)) {
        f->at++;
    }
    *piece = slice_of(from, (size_t)(f->at - from));
    return FORMAT_PIECE;
}
