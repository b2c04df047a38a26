/* bits: strings as arrays of bits, pure. Bit 0 is the highest bit of byte 0.
 * Eight bytes at a time. */
#ifndef ENGRAM_COMMANDS_BITS_H
#define ENGRAM_COMMANDS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set bits in [start, end), which lies within the bytes. */
uint64_t bits_count(const uint8_t *bytes, uint64_t start, uint64_t end);
/* The first bit of [start, end) that equals `bit`; -1: none. */
int64_t bits_find(const uint8_t *bytes, uint64_t start, uint64_t end, bool bit);

/* `width` (1 to 64) bits from bit `at` on, as an unsigned number; bytes from
 * `len` on read as zero. */
uint64_t bits_read(const uint8_t *bytes, size_t len, uint64_t at,
                   uint32_t width);
/* The lowest `width` bits of `value` become the bits from `at` on, all of which
 * lie within the bytes. */
void bits_write(uint8_t *bytes, uint64_t at, uint32_t width, uint64_t value);

#endif
