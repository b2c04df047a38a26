/* number: strict parsing and the exact texts that Redis prints.
 *
 * Doubles are printed with the digits that they need (number_double.c), whole
 * numbers up to WHOLE_MAX with all of theirs, as integers. Doubles of at most 15 digits and a power of
 * ten of at most 22 are read by one exact multiplication or division (W. D.
 * Clinger, "How to read floating point numbers accurately", 1990); all others
 * go through strtod. The process keeps the "C" locale, so the point is '.'. */
#include "base/number_priv.h"

#include <assert.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXACT_DIGITS_MAX = 15,
    EXACT_POWER_MAX = 22,
    UINT64_DIGITS_MAX = 20,
    EIGHT_DIGITS_END = 100000000,
};

static const double WHOLE_MAX = 4611686018427387904.0; /* 2^62 */

bool number_parse_uint64(struct slice text, uint64_t *out)
{
    if (text.len == 0 || text.len > UINT64_DIGITS_MAX ||
        (text.data[0] == '0' && text.len > 1)) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        if (i == UINT64_DIGITS_MAX - 1 &&
            (v > UINT64_MAX / 10 || v * 10 > UINT64_MAX - digit)) {
            return false;
        }
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool number_parse_int64(struct slice text, int64_t *out)
{
    if (text.len == 0 || text.len > NUMBER_INT64_TEXT_MAX) {
        return false;
    }
    uint64_t magnitude;
    bool is_negative = text.data[0] == '-';
    if (is_negative) {
        text = slice_of(text.data + 1, text.len - 1);
    }
    if (!number_parse_uint64(text, &magnitude)) {
        return false;
    }
    if (is_negative) {
        if (magnitude == 0 || magnitude > (uint64_t)INT64_MAX + 1) {
            return false;
        }
        *out = (int64_t)(0 - magnitude);
        return true;
    }
    if (magnitude > INT64_MAX) {
        return false;
    }
    *out = (int64_t)magnitude;
    return true;
}

/* "-123.45": the common texts, without strtod. */
static bool parse_short_decimal(struct slice text, double *out)
{
    static const double powers[EXACT_POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    size_t i = text.len > 0 && text.data[0] == '-';
    bool is_negative = i == 1;
    if (text.len - i > EXACT_DIGITS_MAX + 1) {
        return false;
    }
    int64_t digits = 0;
    int digit_count = 0;
    int fraction_count = 0;
    bool has_point = false;
    for (; i < text.len; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        if (digit <= 9) {
            digits = digits * 10 + (int64_t)digit;
            digit_count++;
            fraction_count += has_point;
        } else if (text.data[i] == '.' && !has_point) {
            has_point = true;
        } else {
            return false;
        }
    }
    if (digit_count == 0 || digit_count > EXACT_DIGITS_MAX) {
        return false;
    }
    double v = (double)digits / powers[fraction_count];
    *out = is_negative ? -v : v;
    return true;
}

/* A NUL-terminated copy for strtod; false: too long or begins with a blank,
 * which strtod would skip. */
static bool copy_text(struct slice text, char *buffer, size_t cap)
{
    if (text.len == 0 || text.len >= cap || isspace(text.data[0])) {
        return false;
    }
    memcpy(buffer, text.data, text.len);
    buffer[text.len] = '\0';
    return true;
}

bool number_parse_double(struct slice text, double *out)
{
    if (parse_short_decimal(text, out)) {
        return true;
    }
    char buffer[NUMBER_LDOUBLE_TEXT_MAX];
    if (!copy_text(text, buffer, sizeof buffer)) {
        return false;
    }
    char *end;
    errno = 0;
    double v = strtod(buffer, &end);
    if (end != buffer + text.len || isnan(v)) {
        return false;
    }
    if (errno == ERANGE && (isinf(v) || v == 0)) {
        return false;
    }
    *out = v;
    return true;
}

bool number_parse_loosely(struct slice text, double *out, bool *in_range)
{
    *in_range = true;
    if (parse_short_decimal(text, out)) {
        return true;
    }
    char copy[512], *end;
    size_t len = text.len > 0 ? strnlen((const char *)text.data, text.len) : 0;
    if (len >= sizeof copy) {
        return false;
    }
    if (len > 0) {
        memcpy(copy, text.data, len);
    }
    copy[len] = 0;
    errno = 0;
    *out = strtod(copy, &end);
    *in_range = errno != ERANGE;
    return *end == 0 && !isnan(*out);
}

bool number_parse_long_double(struct slice text, long double *out)
{
    char buffer[NUMBER_LDOUBLE_TEXT_MAX];
    if (!copy_text(text, buffer, sizeof buffer)) {
        return false;
    }
    char *end;
    errno = 0;
    long double v = strtold(buffer, &end);
    if (end != buffer + text.len || isnan(v)) {
        return false;
    }
    if (errno == ERANGE && (isinf(v) || v == 0)) {
        return false;
    }
    *out = v;
    return true;
}

bool number_parse_bytes(struct slice text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {
        { "", 1 },           { "b", 1 },
        { "k", 1000 },       { "kb", 1 << 10 },
        { "m", 1000000 },    { "mb", 1 << 20 },
        { "g", 1000000000 }, { "gb", 1 << 30 },
    };
    uint64_t v = 0;
    size_t i = 0;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        uint64_t digit = text.data[i] - (unsigned)'0';
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, digit, &v)) {
            return false;
        }
    }
    if (i == 0) {
        return false;
    }
    struct slice unit = slice_of(text.data + i, text.len - i);
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        if (slice_equal_nocase(unit, units[u].name)) {
            return !__builtin_mul_overflow(v, units[u].factor, out);
        }
    }
    return false;
}

/* The eight digits of `v` < 10^8, as values, the first in the lowest byte: two
 * fours in one word, then four pairs, then all, each step for all at once.
 * 10486 >> 20 divides what is below 10^4 by 100, and 103 >> 10 what is below 100
 * by 10. */
static inline uint64_t eight_digits(uint64_t v)
{
    uint64_t high = (uint32_t)v / 10000;
    uint64_t fours = high | (v - high * 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007fu;
    uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000fu;
    return tens | (pairs - tens * 10) << 8;
}

static inline void put_digits(char *out, uint64_t digits)
{
    digits = htole64(digits | 0x3030303030303030u);
    memcpy(out, &digits, sizeof digits);
}

size_t number_format_uint64(char *out, uint64_t v)
{
    uint64_t eights[2]; /* behind the first digits, the last eight first */
    unsigned count = 0;
    while (__builtin_expect(v >= EIGHT_DIGITS_END, 0)) {
        eights[count++] = v % EIGHT_DIGITS_END;
        v /= EIGHT_DIGITS_END;
    }
    uint64_t digits = eight_digits(v);
    /* Without the zeros in front; the last digit stays, whatever it is. */
    unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ull << 56) / 8;
    put_digits(out, digits >> 8 * zeros);
    size_t len = 8 - zeros;
    for (; count > 0; len += 8) {
        put_digits(out + len, eight_digits(eights[--count]));
    }
    return len;
}

size_t number_format_int64(char *out, int64_t v)
{
    if (v >= 0) {
        return number_format_uint64(out, (uint64_t)v);
    }
    out[0] = '-';
    return 1 + number_format_uint64(out + 1, 0 - (uint64_t)v);
}

/* Copies a literal; its length. */
static size_t put_text(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len);
    return len;
}

size_t number_format_double(char *out, double v)
{
    if (isnan(v)) {
        return put_text(out, "nan");
    }
    if (isinf(v)) {
        return put_text(out, v > 0 ? "inf" : "-inf");
    }
    if (v == 0) {
        return put_text(out, signbit(v) ? "-0" : "0");
    }
    if (fabs(v) <= WHOLE_MAX && v == (double)(int64_t)v) {
        return number_format_int64(out, (int64_t)v);
    }
    bool is_negative = v < 0;
    out[0] = '-';
    return is_negative + number_put_shortest(out + is_negative, fabs(v));
}

size_t number_format_long_double(char *out, size_t cap, long double v)
{
    assert(cap >= NUMBER_LDOUBLE_TEXT_MAX);
    if (isnan(v)) {
        return put_text(out, "nan");
    }
    if (isinf(v)) {
        return put_text(out, v > 0 ? "inf" : "-inf");
    }
    int printed = snprintf(out, cap, "%.17Lf", v);
    assert(printed > 0);
    assert((size_t)printed < cap);
    /* There is always a point, so this stops there at the latest. */
    size_t len = (size_t)printed;
    while (out[len - 1] == '0') {
        len--;
    }
    if (out[len - 1] == '.') {
        len--;
    }
    if (len == 2 && out[0] == '-' && out[1] == '0') {
        out[0] = '0';
        return 1;
    }
    return len;
}

void number_format_human(char *out, size_t cap, uint64_t bytes)
{
    static const char units[] = "KMGTP";
    if (bytes < 1024) {
        (void)snprintf(out, cap, "%lluB", (unsigned long long)bytes);
        return;
    }
    double v = (double)bytes / 1024;
    size_t unit = 0;
    while (v >= 1024 && unit + 2 < sizeof units) {
        v /= 1024;
        unit++;
    }
    (void)snprintf(out, cap, "%.2f%c", v, units[unit]);
}
