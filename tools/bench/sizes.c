/* sizes: parsed from left to right, picked by weight and then within the range. */
#include "bench/sizes.h"

#include <assert.h>

#include "bench/random.h"

enum { WEIGHT_MAX = 1000000000 };

/* A decimal number of at most `max` at **at, which it is moved behind. */
static bool take_number(const char **at, uint64_t max, uint64_t *out)
{
    const char *p = *at;
    uint64_t n = 0;
    while (*p >= '0' && *p <= '9') {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > max) {
            return false;
        }
        p++;
    }
    bool is_any = p != *at;
    *at = p;
    *out = n;
    return is_any;
}

static bool take_share(const char **at, struct sizes *z)
{
    uint64_t min, max, weight = 1;
    if (z->count == SIZES_MAX || !take_number(at, VALUE_BYTES_MAX, &min)) {
        return false;
    }
    max = min;
    if (**at == '-') {
        ++*at;
        if (!take_number(at, VALUE_BYTES_MAX, &max) || max < min) {
            return false;
        }
    }
    if (**at == ':') {
        ++*at;
        if (!take_number(at, WEIGHT_MAX, &weight) || weight == 0) {
            return false;
        }
    }
    uint64_t before = z->count == 0 ? 0 : z->shares[z->count - 1].up_to;
    z->shares[z->count++] = (struct size_share){(size_t)min, (size_t)max,
                                                before + weight};
    return true;
}

bool sizes_parse(struct sizes *z, const char *text)
{
    z->count = 0;
    for (;;) {
        if (!take_share(&text, z)) {
            return false;
        }
        if (*text == '\0') {
            return true;
        }
        if (*text++ != ',') {
            return false;
        }
    }
}

void sizes_init_fixed(struct sizes *z, size_t bytes)
{
    *z = (struct sizes){.count = 1, .shares = {{bytes, bytes, 1}}};
}

size_t sizes_pick(const struct sizes *z, uint64_t bits)
{
    assert(z->count > 0);
    struct stream s = {bits};
    uint64_t at = stream_below(&s, z->shares[z->count - 1].up_to);
    const struct size_share *share = z->shares;
    while (at >= share->up_to) {
        share++;
    }
    return share->min
           + (size_t)stream_below(&s, (uint64_t)(share->max - share->min) + 1);
}

size_t sizes_largest(const struct sizes *z)
{
    size_t most = 0;
    for (size_t i = 0; i < z->count; i++) {
        most = z->shares[i].max > most ? z->shares[i].max : most;
    }
    return most;
}
