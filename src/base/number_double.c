/* number_double: the fewest digits that read back as the same double.
 *
 * Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with
 * Integers" (2010), the algorithm called Grisu2. The double and the two points
 * half way to its neighbours are scaled by a power of ten from a table, so that
 * the digits can be read off 64-bit integers; digits are made until what is
 * left fits between these points. The power is rounded, so the points are drawn
 * in by one unit on either side: what comes out always reads back, and in about
 * one case of a thousand has a digit more than is needed. Redis and Valkey print
 * by the same algorithm, so these cases come out alike.
 *
 * Layout of the text: plain where that is not much longer than the digits, else
 * with an exponent ("100000", "0.00001", "1e-7", "1e+21"). */
#include <assert.h>
#include <float.h>
#include <stdlib.h>

#include "base/number_priv.h"

/* f * 2^e */
struct wide {
    uint64_t f;
    int e;
};

/* digits * 10^power */
struct decimal {
    char digits[NUMBER_DIGITS_MAX];
    int len;
    int power;
};

enum {
    POWER_FIRST = -348,
    POWER_STEP = 8,
    /* A scaled number lies in [2^SCALED_MIN, 2^SCALED_MAX) units of 2^64:
     * its whole part fits 32 bits. */
    SCALED_MIN = -60,
    SCALED_MAX = -32,
    FRACTION_BITS = DBL_MANT_DIG - 1,
    EXPONENT_BIAS = DBL_MAX_EXP - 1 + FRACTION_BITS,
    /* How much longer than its digits a plain text may be. */
    PLAIN_ZEROS_MAX = 7,
    PLAIN_POINT_MAX = 4,
};

/* 10^(POWER_FIRST + i * POWER_STEP), rounded to 64 bits */
static const struct wide powers[] = {
    {0xfa8fd5a0081c0288, -1220}, {0xbaaee17fa23ebf76, -1193},
    {0x8b16fb203055ac76, -1166}, {0xcf42894a5dce35ea, -1140},
    {0x9a6bb0aa55653b2d, -1113}, {0xe61acf033d1a45df, -1087},
    {0xab70fe17c79ac6ca, -1060}, {0xff77b1fcbebcdc4f, -1034},
    {0xbe5691ef416bd60c, -1007}, {0x8dd01fad907ffc3c, -980},
    {0xd3515c2831559a83, -954}, {0x9d71ac8fada6c9b5, -927},
    {0xea9c227723ee8bcb, -901}, {0xaecc49914078536d, -874},
    {0x823c12795db6ce57, -847}, {0xc21094364dfb5637, -821},
    {0x9096ea6f3848984f, -794}, {0xd77485cb25823ac7, -768},
    {0xa086cfcd97bf97f4, -741}, {0xef340a98172aace5, -715},
    {0xb23867fb2a35b28e, -688}, {0x84c8d4dfd2c63f3b, -661},
    {0xc5dd44271ad3cdba, -635}, {0x936b9fcebb25c996, -608},
    {0xdbac6c247d62a584, -582}, {0xa3ab66580d5fdaf6, -555},
    {0xf3e2f893dec3f126, -529}, {0xb5b5ada8aaff80b8, -502},
    {0x87625f056c7c4a8b, -475}, {0xc9bcff6034c13053, -449},
    {0x964e858c91ba2655, -422}, {0xdff9772470297ebd, -396},
    {0xa6dfbd9fb8e5b88f, -369}, {0xf8a95fcf88747d94, -343},
    {0xb94470938fa89bcf, -316}, {0x8a08f0f8bf0f156b, -289},
    {0xcdb02555653131b6, -263}, {0x993fe2c6d07b7fac, -236},
    {0xe45c10c42a2b3b06, -210}, {0xaa242499697392d3, -183},
    {0xfd87b5f28300ca0e, -157}, {0xbce5086492111aeb, -130},
    {0x8cbccc096f5088cc, -103}, {0xd1b71758e219652c, -77},
    {0x9c40000000000000, -50}, {0xe8d4a51000000000, -24},
    {0xad78ebc5ac620000, 3}, {0x813f3978f8940984, 30},
    {0xc097ce7bc90715b3, 56}, {0x8f7e32ce7bea5c70, 83},
    {0xd5d238a4abe98068, 109}, {0x9f4f2726179a2245, 136},
    {0xed63a231d4c4fb27, 162}, {0xb0de65388cc8ada8, 189},
    {0x83c7088e1aab65db, 216}, {0xc45d1df942711d9a, 242},
    {0x924d692ca61be758, 269}, {0xda01ee641a708dea, 295},
    {0xa26da3999aef774a, 322}, {0xf209787bb47d6b85, 348},
    {0xb454e4a179dd1877, 375}, {0x865b86925b9bc5c2, 402},
    {0xc83553c5c8965d3d, 428}, {0x952ab45cfa97a0b3, 455},
    {0xde469fbd99a05fe3, 481}, {0xa59bc234db398c25, 508},
    {0xf6c69a72a3989f5c, 534}, {0xb7dcbf5354e9bece, 561},
    {0x88fcf317f22241e2, 588}, {0xcc20ce9bd35c78a5, 614},
    {0x98165af37b2153df, 641}, {0xe2a0b5dc971f303a, 667},
    {0xa8d9d1535ce3b396, 694}, {0xfb9b7cd9a4a7443c, 720},
    {0xbb764c4ca7a44410, 747}, {0x8bab8eefb6409c1a, 774},
    {0xd01fef10a657842c, 800}, {0x9b10a4e5e9913129, 827},
    {0xe7109bfba19c0c9d, 853}, {0xac2820d9623bf429, 880},
    {0x80444b5e7aa7cf85, 907}, {0xbf21e44003acdd2d, 933},
    {0x8e679c2f5e44ff8f, 960}, {0xd433179d9c8cb841, 986},
    {0x9e19db92b4e31ba9, 1013}, {0xeb96bf6ebadf77d9, 1039},
    {0xaf87023b9bf0ee6b, 1066},
};

static struct wide normalized(struct wide w)
{
    int shift = __builtin_clzll(w.f);
    return (struct wide){w.f << shift, w.e - shift};
}

static struct wide product(struct wide a, struct wide b)
{
    unsigned __int128 p = (unsigned __int128)a.f * b.f;
    p += (uint64_t)1 << 63;
    return (struct wide){(uint64_t)(p >> 64), a.e + b.e + 64};
}

/* The power that brings a number of this binary exponent into the range where
 * digits are made; *power is minus its exponent. */
static struct wide scale_for(int e, int *power)
{
    /* 1233 / 4096 is a little under log10(2); the search ends the rest. */
    int guess = ((SCALED_MIN - (e + 64)) * 1233 / 4096 - POWER_FIRST)
                / POWER_STEP;
    int last = (int)(sizeof powers / sizeof powers[0]) - 1;
    int i = guess < 0 ? 0 : guess > last ? last : guess;
    while (i < last && e + powers[i].e + 64 < SCALED_MIN) {
        i++;
    }
    while (i > 0 && e + powers[i].e + 64 > SCALED_MAX) {
        i--;
    }
    *power = -(POWER_FIRST + i * POWER_STEP);
    return powers[i];
}

/* Lowers the last digit while that brings the number nearer to the double and
 * leaves it between the points. */
static void round_last(struct decimal *d, uint64_t delta, uint64_t rest,
                       uint64_t unit, uint64_t distance)
{
    while (rest < distance && delta - rest >= unit
           && (rest + unit < distance
               || distance - rest > rest + unit - distance)) {
        d->digits[d->len - 1]--;
        rest += unit;
    }
}

/* The digits of `high`, as few as stay within `delta` under it, near `high` less
 * `distance`. */
static void make_digits(struct decimal *d, struct wide high, uint64_t delta,
                        uint64_t distance)
{
    uint64_t one = (uint64_t)1 << -high.e;
    uint64_t whole = high.f >> -high.e;
    uint64_t fraction = high.f & (one - 1);
    uint64_t unit = 1000000000;
    for (int left = 10; left > 0; left--, unit /= 10) {
        uint64_t digit = whole / unit;
        if (digit > 0 || d->len > 0) {
            d->digits[d->len++] = (char)('0' + digit);
        }
        whole -= digit * unit;
        uint64_t rest = (whole << -high.e) + fraction;
        if (rest <= delta) {
            d->power += left - 1;
            round_last(d, delta, rest, unit << -high.e, distance);
            return;
        }
    }
    unit = 1;
    for (;;) {
        fraction *= 10;
        delta *= 10;
        unit *= 10;
        d->power--;
        uint64_t digit = fraction >> -high.e;
        if (digit > 0 || d->len > 0) {
            assert(d->len < NUMBER_DIGITS_MAX);
            d->digits[d->len++] = (char)('0' + digit);
        }
        fraction &= one - 1;
        if (fraction < delta) {
            round_last(d, delta, fraction, one, distance * unit);
            return;
        }
    }
}

static struct decimal to_decimal(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint64_t hidden = (uint64_t)1 << FRACTION_BITS;
    uint64_t f = bits & (hidden - 1);
    int e = (int)(bits >> FRACTION_BITS & 0x7ff);
    bool is_edge = f == 0 && e > 1; /* the neighbour below is nearer */
    f |= e > 0 ? hidden : 0;
    e = (e > 0 ? e : 1) - EXPONENT_BIAS;

    struct wide high = normalized((struct wide){2 * f + 1, e - 1});
    struct wide low = is_edge ? (struct wide){4 * f - 1, e - 2}
                              : (struct wide){2 * f - 1, e - 1};
    low.f <<= low.e - high.e;
    low.e = high.e;

    struct decimal d = {.len = 0};
    struct wide scale = scale_for(high.e, &d.power);
    struct wide middle = product(normalized((struct wide){f, e}), scale);
    high = product(high, scale);
    low = product(low, scale);
    high.f--;
    low.f++;
    make_digits(&d, high, high.f - low.f, high.f - middle.f);
    return d;
}

static size_t put_zeros(char *out, int count)
{
    memset(out, '0', (size_t)count);
    return (size_t)count;
}

static size_t put_exponent(char *out, const struct decimal *d)
{
    int exponent = d->power + d->len - 1;
    size_t n = 0;
    out[n++] = d->digits[0];
    if (d->len > 1) {
        out[n++] = '.';
        memcpy(out + n, d->digits + 1, (size_t)d->len - 1);
        n += (size_t)d->len - 1;
    }
    out[n++] = 'e';
    out[n++] = exponent < 0 ? '-' : '+';
    return n + number_format_uint64(out + n, (uint64_t)abs(exponent));
}

size_t number_put_shortest(char *out, double v)
{
    assert(v > 0);
    assert(v <= DBL_MAX);
    struct decimal d = to_decimal(v);
    int exponent = abs(d.power + d.len - 1);
    int whole = d.len + d.power; /* digits before the point */
    size_t n = 0;
    if (d.power >= 0 && exponent < d.len + PLAIN_ZEROS_MAX) {
        memcpy(out, d.digits, (size_t)d.len);
        return (size_t)d.len + put_zeros(out + d.len, d.power);
    }
    if (d.power >= 0
        || (d.power <= -PLAIN_ZEROS_MAX && exponent >= PLAIN_POINT_MAX)) {
        return put_exponent(out, &d);
    }
    if (whole <= 0) {
        out[n++] = '0';
        out[n++] = '.';
        n += put_zeros(out + n, -whole);
        whole = 0;
    } else {
        memcpy(out, d.digits, (size_t)whole);
        n = (size_t)whole;
        out[n++] = '.';
    }
    memcpy(out + n, d.digits + whole, (size_t)(d.len - whole));
    return n + (size_t)(d.len - whole);
}
