/* random: a seeded generator (xoshiro256++, https://prng.di.unimi.it) for what
 * need not be secret, and the system's for what must be. */
#ifndef ENGRAM_BASE_RANDOM_H
#define ENGRAM_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct random {
    uint64_t s[4];
};

void random_init(struct random *r, uint64_t seed);
uint64_t random_next(struct random *r);
/* Uniform in [0, bound), bound > 0; no modulo bias. */
uint64_t random_below(struct random *r, uint64_t bound);
/* Bytes that nobody can guess, from the system. */
STATUS_CHECKED enum status random_secret(void *out, size_t len);
/* `len` lower-case hex digits (no NUL) of secret randomness. */
STATUS_CHECKED enum status random_secret_hex(char *out, size_t len);

#endif
