/* number: text to numbers and back, strictly: no blanks, no plus sign, no
 * leading zeros, no overflow; the same texts Redis takes for integers. */
#ifndef ENGRAM_BASE_NUMBER_H
#define ENGRAM_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    NUMBER_INT64_TEXT_MAX = 20,   /* "-9223372036854775808", no NUL */
    NUMBER_DOUBLE_TEXT_MAX = 32,  /* no NUL */
    NUMBER_LDOUBLE_TEXT_MAX = 5120 /* human long double, as INCRBYFLOAT */
};

/* Only the canonical form: number_format_int64(out) gives back `text`. */
bool number_parse_int64(struct slice text, int64_t *out);
bool number_parse_uint64(struct slice text, uint64_t *out);
/* Any strtod text that fills the slice: inf, -inf, 1e3, 0x1p3 included; not
 * nan, not empty, no blanks around. False as well on overflow (1e400), on
 * underflow to nothing (1e-400), and from NUMBER_LDOUBLE_TEXT_MAX bytes on. */
bool number_parse_double(struct slice text, double *out);
/* As C's strtod reads: blanks before the number, nothing at all (0), and whatever
 * follows a zero byte are taken; not NaN. *in_range: it is no larger and, 0 apart,
 * no smaller than a normal double can say. */
bool number_parse_loosely(struct slice text, double *out, bool *in_range);
bool number_parse_long_double(struct slice text, long double *out);
/* "100", "1k" 1000, "1kb" 1024, m mb g gb (any case); memory sizes. */
bool number_parse_bytes(struct slice text, uint64_t *out);

/* Each returns the length written; `out` has room for the maximum above, all of
 * which may be written to. */
size_t number_format_int64(char *out, int64_t v);
size_t number_format_uint64(char *out, uint64_t v);
/* The fewest digits that read back the same: "0.1", "1e+21", "1e-7"; whole
 * numbers up to 2^62 in full; "-0"; "inf", "-inf", "nan". */
size_t number_format_double(char *out, double v);
/* INCRBYFLOAT's: %.17Lf with trailing zeros (and then the point) removed. */
size_t number_format_long_double(char *out, size_t cap, long double v);
/* "1.05M" as INFO's *_human fields; NUL-terminated, cap >= 32. */
void number_format_human(char *out, size_t cap, uint64_t bytes);

#endif
