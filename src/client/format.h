/* format: a printf-like text into the pieces of a command's arguments. Blanks in
 * the format separate arguments; what is put in does not.
 *
 * A walk may be copied and repeated: the encoder walks once to measure and once
 * to write, so that no argument is held in between. */
#ifndef ENGRAM_CLIENT_FORMAT_H
#define ENGRAM_CLIENT_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { FORMAT_NUMBER_BYTES = 400 /* "%f" of the largest double and then some */ };

struct format {
    const char *at;
    va_list values;
    bool is_in_arg;
    char number[FORMAT_NUMBER_BYTES];
};

enum format_step {
    FORMAT_PIECE,   /* *piece belongs to the current argument */
    FORMAT_ARG_END, /* the current argument has ended */
    FORMAT_END,
    FORMAT_INVALID, /* an unknown conversion, or a NULL string */
};

void format_init(struct format *f, const char *format, va_list values);
void format_copy(struct format *to, const struct format *from);
void format_deinit(struct format *f);
/* A piece lives until the next step, or as long as the value it was given. */
enum format_step format_next(struct format *f, struct slice *piece);

#endif
