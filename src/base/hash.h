/* hash: SipHash-1-3 (Aumasson, Bernstein, https://www.aumasson.jp/siphash),
 * keyed with a secret drawn once a process, so that nobody who does not
 * know it can make keys collide. */
#ifndef ENGRAM_BASE_HASH_H
#define ENGRAM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_seed {
    uint64_t k0, k1;
};

uint64_t hash_keyed(const struct hash_seed *seed, const void *data, size_t len);

#endif
