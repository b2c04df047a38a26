/* hash: SipHash-1-3, one compression round a word and three at the end: the
 * variant that Rust, Python and Ruby use for their hash tables. Words are read
 * little-endian on every machine, so a hash is the same everywhere. */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

static inline uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static inline uint64_t read_word(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t w)
{
    s->v3 ^= w;
    sip_round(s);
    s->v0 ^= w;
}

/* The `n` < 8 bytes at `p` as the low bytes of a word, without reading past
 * them: two overlapping reads where there are four or more, three single bytes
 * otherwise. */
static inline uint64_t read_tail(const uint8_t *p, size_t n)
{
    if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, p, sizeof low);
        memcpy(&high, p + n - 4, sizeof high);
        return (uint64_t)le32toh(low) |
               (uint64_t)le32toh(high) << (8 * (n - 4));
    }
    if (n == 0) {
        return 0;
    }
    return (uint64_t)p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) |
           (uint64_t)p[n - 1] << (8 * (n - 1));
}

uint64_t hash_keyed(const struct hash_seed *seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    struct sip s = {
        .v0 = seed->k0 ^ 0x736f6d6570736575U,
        .v1 = seed->k1 ^ 0x646f72616e646f6dU,
        .v2 = seed->k0 ^ 0x6c7967656e657261U,
        .v3 = seed->k1 ^ 0x7465646279746573U,
    };
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8) {
        sip_word(&s, read_word(p));
    }
    sip_word(&s, (uint64_t)len << 56 | read_tail(p, left));
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
