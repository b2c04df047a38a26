/* random: numbers of one stream, the same for the same seed (splitmix64). */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

struct stream {
    uint64_t state;
};

/* The scrambled 64 bits of `x`; nearby numbers have nothing in common. */
static inline uint64_t stream_scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* `number` tells streams of one seed apart. */
static inline void stream_init(struct stream *s, uint64_t seed, uint64_t number)
{
    s->state = stream_scramble(seed) ^ stream_scramble(number + 1);
}

static inline uint64_t stream_next(struct stream *s)
{
    s->state += 0x9e3779b97f4a7c15U;
    return stream_scramble(s->state);
}

/* 0 to n-1, each as likely but for less than n in 2^64; `n` > 0. */
static inline uint64_t stream_below(struct stream *s, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)stream_next(s) * n) >> 64);
}

/* 0 to less than 1. */
static inline double stream_unit(struct stream *s)
{
    return (double)(stream_next(s) >> 11) * 0x1p-53;
}

#endif
