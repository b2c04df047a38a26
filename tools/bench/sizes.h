/* sizes: how many bytes the next value has.
 *
 *   100            always 100
 *   10-1000        10 to 1000, each as likely
 *   8:90,4096:10   of 100 values 90 have 8 bytes and 10 have 4096; the sizes
 *                  may be ranges */
#ifndef BENCH_SIZES_H
#define BENCH_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIZES_MAX = 16, VALUE_BYTES_MAX = 1 << 30 };

struct sizes {
    size_t count;
    struct size_share {
        size_t min, max;
        uint64_t up_to; /* the weights of this share and those before it */
    } shares[SIZES_MAX];
};

/* False: `text` is none of the above, or too large. */
bool sizes_parse(struct sizes *z, const char *text);
void sizes_init_fixed(struct sizes *z, size_t bytes);
/* The size that 64 random bits stand for. */
size_t sizes_pick(const struct sizes *z, uint64_t bits);
size_t sizes_largest(const struct sizes *z);

#endif
