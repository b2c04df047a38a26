/* random: xoshiro256++ seeded through splitmix64 (as its authors advise, so
 * that any seed, zero included, gives a good state), and getrandom(2). */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

static uint64_t splitmix_next(uint64_t *x)
{
    *x += 0x9e3779b97f4a7c15U;
    uint64_t z = *x;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void random_init(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        r->s[i] = splitmix_next(&seed);
    }
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's method: the high half of a 128-bit product is the answer, and only
 * the low halves below 2^64 mod bound are drawn again. */
uint64_t random_below(struct random *r, uint64_t bound)
{
    assert(bound > 0);
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)random_next(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t floor = (0 - bound) % bound;
        while ((uint64_t)product < floor) {
            product = (uint128)random_next(r) * bound;
        }
    }
    return (uint64_t)(product >> 64);
}

enum status random_secret(void *out, size_t len)
{
    uint8_t *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ST_IO;
        }
        p += n;
        len -= (size_t)n;
    }
    return ST_OK;
}

enum status random_secret_hex(char *out, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[64];
    size_t done = 0;
    while (done < len) {
        size_t part = len - done < sizeof bytes ? len - done : sizeof bytes;
        enum status st = random_secret(bytes, part);
        if (st != ST_OK) {
            return st;
        }
        for (size_t i = 0; i < part; i++) {
            out[done + i] = digits[bytes[i] & 15];
        }
        done += part;
    }
    return ST_OK;
}
