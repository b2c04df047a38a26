/* keys: which of `range` keys comes next.
 *
 *   uniform    each as likely
 *   zipf       key k in proportion to 1/(k+1)^theta: a few are hot
 *   sequential one after the other, over and over */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include <stdint.h>

#include "bench/random.h"

enum key_order { KEYS_UNIFORM, KEYS_ZIPF, KEYS_SEQUENTIAL };

struct keys {
    enum key_order order;
    uint64_t range;
    double theta;
    /* Of zipf, see keys.c. */
    double area_first, area_all, squeeze;
};

/* `range` > 0; `theta` > 0, and only looked at for KEYS_ZIPF. */
void keys_init(struct keys *k, enum key_order order, uint64_t range,
               double theta);
/* `turn` counts the keys of all threads; only KEYS_SEQUENTIAL looks at it, and
 * the others only at `s`. */
uint64_t keys_next(const struct keys *k, struct stream *s, uint64_t turn);

#endif
