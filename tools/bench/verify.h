/* verify: values that can be recognised. A key's value, its length included, is
 * a function of the key's number and the run's seed, so that every thread knows
 * what any other has written, and what an earlier run has left is told apart. */
#ifndef BENCH_VERIFY_H
#define BENCH_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/sizes.h"

struct verify {
    const struct sizes *sizes;
    uint64_t seed;
};

size_t verify_size(const struct verify *v, uint64_t key);
/* Writes verify_size() bytes. */
void verify_fill(const struct verify *v, uint64_t key, char *out);
/* Is `text` the value of `key`? If not, `why` says how it differs. */
bool verify_check(const struct verify *v, uint64_t key, const char *text,
                  size_t len, char *why, size_t why_size);

#endif
