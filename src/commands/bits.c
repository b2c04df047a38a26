/* bits: counting, finding, reading and writing bits in strings.
 * See bits.h for the order of bits. */
#include <assert.h>
#include <string.h>

#include "commands/bits.h"

static uint64_t word_load(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static uint64_t bytes_count_plain(const uint8_t *p, size_t len)
{
    uint64_t count = 0;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        count += (uint64_t)__builtin_popcountll(word_load(p + i));
    }
    for (; i < len; i++) {
        count += (uint64_t)__builtin_popcount(p[i]);
    }
    return count;
}

#if defined(__x86_64__)
/* The same code, compiled to the instruction; four sums, because each of them
 * waits for its own last step. */
__attribute__((target("popcnt"))) static uint64_t bytes_count_popcnt(
    const uint8_t *p, size_t len)
{
    uint64_t count[4] = {0};
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        for (size_t k = 0; k < 4; k++) {
            uint64_t w = word_load(p + i + 8 * k);
            count[k] += (uint64_t)__builtin_popcountll(w);
        }
    }
    for (; i < len; i++) {
        count[0] += (uint64_t)__builtin_popcount(p[i]);
    }
    return count[0] + count[1] + count[2] + count[3];
}
#endif

static uint64_t bytes_count(const uint8_t *p, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt")) {
        return bytes_count_popcnt(p, len);
    }
#endif
    return bytes_count_plain(p, len);
}

/* The bits of its byte from bit `at` on. */
static uint8_t mask_from(uint64_t at)
{
    return (uint8_t)(0xff >> (at & 7));
}

uint64_t bits_count(const uint8_t *bytes, uint64_t start, uint64_t end)
{
    assert(start <= end);
    if (start == end) {
        return 0;
    }
    size_t first = start / 8, past = (end + 7) / 8;
    uint64_t count = bytes_count(bytes + first, past - first);
    uint8_t before = (uint8_t)(bytes[first] & ~mask_from(start));
    count -= (uint64_t)__builtin_popcount(before);
    if (end & 7) {
        uint8_t after = bytes[past - 1] & mask_from(end);
        count -= (uint64_t)__builtin_popcount(after);
    }
    return count;
}

int64_t bits_find(const uint8_t *bytes, uint64_t start, uint64_t end, bool bit)
{
    /* Flipped so that what is sought is always a one. */
    const uint8_t flip = bit ? 0 : 0xff;
    const uint64_t dull = bit ? 0 : UINT64_MAX;
    size_t at = start / 8, past = (end + 7) / 8;
    if (start >= end) {
        return -1;
    }
    uint8_t byte = (bytes[at] ^ flip) & mask_from(start);
    while (byte == 0) {
        at++;
        while (at + 8 <= past && word_load(bytes + at) == dull) {
            at += 8;
        }
        if (at >= past) {
            return -1;
        }
        byte = bytes[at] ^ flip;
    }
    uint64_t found = (uint64_t)at * 8 + (uint64_t)__builtin_clz(byte) - 24;
    return (found < end) ? (int64_t)found : -1;
}

uint64_t bits_read(const uint8_t *bytes, size_t len, uint64_t at,
                   uint32_t width)
{
    /* 64 bits at any position touch at most nine bytes. */
    unsigned __int128 window = 0;
    size_t first = at / 8;
    uint32_t skip = (uint32_t)(at & 7);
    uint32_t touched = (skip + width + 7) / 8;
    assert(width >= 1 && width <= 64);
    for (uint32_t i = 0; i < touched; i++) {
        uint8_t byte = (first + i < len) ? bytes[first + i] : 0;
        window = window << 8 | byte;
    }
    window >>= touched * 8 - skip - width;
    return (uint64_t)window & (UINT64_MAX >> (64 - width));
}

void bits_write(uint8_t *bytes, uint64_t at, uint32_t width, uint64_t value)
{
    size_t first = at / 8;
    uint32_t skip = (uint32_t)(at & 7);
    uint32_t touched = (skip + width + 7) / 8;
    uint32_t shift = touched * 8 - skip - width;
    assert(width >= 1 && width <= 64);
    unsigned __int128 mask = (UINT64_MAX >> (64 - width));
    unsigned __int128 placed = (value & mask) << shift;
    mask <<= shift;
    for (uint32_t i = 0; i < touched; i++) {
        uint32_t down = (touched - 1 - i) * 8;
        uint8_t kept = (uint8_t)(bytes[first + i] & ~(uint8_t)(mask >> down));
        bytes[first + i] = kept | (uint8_t)(placed >> down);
    }
}
