/* number_priv: what number.c has of number_double.c. */
#ifndef ENGRAM_BASE_NUMBER_PRIV_H
#define ENGRAM_BASE_NUMBER_PRIV_H

#include "base/number.h"

enum { NUMBER_DIGITS_MAX = 18 };

/* Prints a positive finite double in at most NUMBER_DOUBLE_TEXT_MAX - 1 bytes;
 * the length. */
size_t number_put_shortest(char *out, double v);

#endif
