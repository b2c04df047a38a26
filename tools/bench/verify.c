/* verify: eight bytes at a time, each a hash of seed, key and place. */
#include "bench/verify.h"

#include <stdio.h>
#include <string.h>

#include "bench/random.h"

static uint64_t start_of(const struct verify *v, uint64_t key)
{
    return stream_scramble(v->seed ^ stream_scramble(key + 1));
}

/* Eight printable bytes: six bits of the hash in each. */
static uint64_t word_at(uint64_t start, size_t i)
{
    uint64_t bits = stream_scramble(start + i);
    return (bits & 0x3f3f3f3f3f3f3f3fU) + 0x3030303030303030U;
}

size_t verify_size(const struct verify *v, uint64_t key)
{
    return sizes_pick(v->sizes, start_of(v, key));
}

void verify_fill(const struct verify *v, uint64_t key, char *out)
{
    uint64_t start = start_of(v, key);
    size_t size = sizes_pick(v->sizes, start);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = word_at(start, i);
        size_t left = size - i;
        memcpy(out + i, &word, left < sizeof word ? left : sizeof word);
    }
}

/* The first place where they differ; `size`: there is none. */
static size_t first_difference(uint64_t start, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = word_at(start, i);
        size_t left = size - i < sizeof word ? size - i : sizeof word;
        if (memcmp(text + i, &word, left) != 0) {
            const char *expected = (const char *)&word;
            size_t k = 0;
            while (text[i + k] == expected[k]) {
                k++;
            }
            return i + k;
        }
    }
    return size;
}

bool verify_check(const struct verify *v, uint64_t key, const char *text,
                  size_t len, char *why, size_t why_size)
{
    uint64_t start = start_of(v, key);
    size_t size = sizes_pick(v->sizes, start);
    if (len != size) {
        (void)snprintf(why, why_size, "%zu bytes were written, %zu were read",
                       size, len);
        return false;
    }
    size_t at = first_difference(start, text, size);
    if (at < size) {
        (void)snprintf(
            why, why_size,
            "another value than was written, from byte %zu of %zu on", at,
            size);
        return false;
    }
    return true;
}
