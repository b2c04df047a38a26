/* Tests of base/hash, base/random and base/clock. */
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "tests.h"

/* From the reference implementation, key zero: the bytes 0, 1, 2, ... n - 1.
 * Python's hash() of such bytes under PYTHONHASHSEED=0 agrees. */
static void hash_matches_the_reference(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        { 0, 0xd1fba762150c532c },  { 1, 0x68a914128e01e473 },
        { 3, 0x4d4c9a4a8ef6e0ad },  { 7, 0x2f098ab0c751325a },
        { 8, 0xead411e67ebe2eea },  { 9, 0x75927f9d95124362 },
        { 15, 0xf30eb725bb91c9ea }, { 16, 0x8972188433a5c5b7 },
        { 31, 0x169739443111d49b }, { 64, 0x75e05fd5bbc870c6 },
        { 100, 0x1c6a66e1506e7908 },
    };
    struct hash_seed seed = { 0, 0 };
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        assert_true(hash_keyed(&seed, bytes, vectors[i].len) ==
                    vectors[i].hash);
    }
}

static uint64_t turn(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static void slow_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13);
    v[1] ^= v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16);
    v[3] ^= v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21);
    v[3] ^= v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17);
    v[1] ^= v[2];
    v[2] = turn(v[2], 32);
}

/* SipHash-1-3 as the paper writes it, byte by byte. */
static uint64_t slow_hash(const struct hash_seed *s, const uint8_t *p, size_t n)
{
    uint64_t v[4] = { s->k0 ^ 0x736f6d6570736575, s->k1 ^ 0x646f72616e646f6d,
                      s->k0 ^ 0x6c7967656e657261, s->k1 ^ 0x7465646279746573 };
    for (size_t at = 0; at <= n; at += 8) {
        uint64_t m = 0;
        for (size_t i = 0; i < 8 && at + i < n; i++) {
            m |= (uint64_t)p[at + i] << (8 * i);
        }
        if (at + 8 > n) {
            m |= (uint64_t)(n & 0xff) << 56;
        }
        v[3] ^= m;
        slow_round(v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    slow_round(v);
    slow_round(v);
    slow_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void hash_matches_a_slow_one(void **state)
{
    (void)state;
    struct random r;
    random_init(&r, 6);
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)random_next(&r);
    }
    for (size_t len = 0; len < sizeof bytes - 8; len++) {
        struct hash_seed seed = { random_next(&r), random_next(&r) };
        const uint8_t *p = bytes + random_below(&r, 8);
        assert_true(hash_keyed(&seed, p, len) == slow_hash(&seed, p, len));
    }
}

static void generators_repeat_with_their_seed(void **state)
{
    (void)state;
    struct random a, b, c;
    random_init(&a, 0);
    random_init(&b, 0);
    random_init(&c, 1);
    assert_true(random_next(&a) == random_next(&b));
    assert_true(random_next(&a) != random_next(&c));
}

static void below_is_even(void **state)
{
    (void)state;
    enum { BINS = 7, DRAWS = 70000 };
    struct random r;
    random_init(&r, 7);
    unsigned bins[BINS] = { 0 };
    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = random_below(&r, BINS);
        assert_true(v < BINS);
        bins[v]++;
    }
    for (int i = 0; i < BINS; i++) {
        assert_in_range(bins[i], DRAWS / BINS - 500, DRAWS / BINS + 500);
    }
    assert_int_equal(random_below(&r, 1), 0);
    /* A bound that would be biased most by a modulo. */
    uint64_t bound = UINT64_MAX / 3 * 2, low = 0;
    for (int i = 0; i < DRAWS; i++) {
        low += random_below(&r, bound) < bound / 2;
    }
    assert_in_range(low, DRAWS / 2 - 1000, DRAWS / 2 + 1000);
}

static void secrets_differ(void **state)
{
    (void)state;
    uint8_t a[300] = { 0 }, b[300] = { 0 };
    assert_int_equal(random_secret(a, sizeof a), ST_OK);
    assert_int_equal(random_secret(b, sizeof b), ST_OK);
    assert_memory_not_equal(a, b, sizeof a);
    char hex[101];
    memset(hex, '#', sizeof hex);
    assert_int_equal(random_secret_hex(hex, 100), ST_OK);
    assert_int_equal(hex[100], '#');
    hex[100] = '\0';
    assert_int_equal(strspn(hex, "0123456789abcdef"), 100);
}

static void clocks_run(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us();
    double rate = clock_ticks_per_us();
    assert_true(rate > 1);
    assert_true(clock_monotonic_us() >= before + 5000);
    /* 2020 */
    assert_true(clock_wall_us() > 1577836800LL * 1000000);
}

int test_chance_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_matches_the_reference),
        cmocka_unit_test(hash_matches_a_slow_one),
        cmocka_unit_test(generators_repeat_with_their_seed),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(secrets_differ),
        cmocka_unit_test(clocks_run),
    };
    return cmocka_run_group_tests_name("chance", tests, NULL, NULL);
}
