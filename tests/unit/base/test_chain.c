/* Tests of base/chain: what goes in comes out in order, pins are released once,
 * nothing leaks when memory runs out at any step. */
#include "base/chain.h"

#include <stdlib.h>

#include "base/random.h"
#include "tests.h"

enum { MODEL_BYTES_MAX = 1 << 20 };

struct fixture {
    struct mem_account account;
    struct chunk_pool pool;
    struct chain chain;
    int pins, releases;
};

static void count_release(void *arg)
{
    ++*(int *)arg;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    mem_account_init(&f->account);
    chunk_pool_init(&f->pool, &f->account);
    chain_init(&f->chain, &f->pool);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    chain_deinit(&f->chain);
    chunk_pool_deinit(&f->pool);
    assert_int_equal(mem_used(&f->account), 0);
    assert_int_equal(f->pins, f->releases);
    free(f);
    return 0;
}

/* Compares at most 8 vectors with `expected` and consumes `n` bytes of them. */
static void expect_front(struct chain *c, const uint8_t *expected, size_t len,
                         size_t n)
{
    struct iovec v[8];
    int count = chain_vectors(c, v, 8);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        assert_true(v[i].iov_len > 0);
        assert_true(at + v[i].iov_len <= len);
        assert_memory_equal(v[i].iov_base, expected + at, v[i].iov_len);
        at += v[i].iov_len;
    }
    chain_consume(c, n < at ? n : at);
}

static void reserve(struct chain *c, const uint8_t *data, size_t len)
{
    uint8_t *p = chain_reserve(c, len + 10);
    memcpy(p, data, len);
    chain_commit(c, len);
}

static void bytes_come_out_in_order(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[MODEL_BYTES_MAX];
    struct random r;
    random_init(&r, 5);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)random_next(&r);
    }
    size_t in = 0, out = 0;
    while (out < sizeof bytes) {
        size_t len = random_next(&r) >> (48 + random_below(&r, 16));
        len = len > sizeof bytes - in ? sizeof bytes - in : len;
        switch (random_below(&r, 4)) {
        case 0:
            chain_append(&f->chain, bytes + in, len);
            break;
        case 1:
            chain_pin(&f->chain, bytes + in, len, count_release, &f->releases);
            f->pins++;
            break;
        case 2:
            len = len > CHUNK_BYTES / 2 - 10 ? CHUNK_BYTES / 2 - 10 : len;
            reserve(&f->chain, bytes + in, len);
            break;
        default:
            len = 0;
            expect_front(&f->chain, bytes + out, in - out,
                         random_next(&r) >> (46 + random_below(&r, 18)));
            break;
        }
        in += len;
        out = in - f->chain.bytes;
        if (in == sizeof bytes) {
            expect_front(&f->chain, bytes + out, in - out, SIZE_MAX);
            out = in - f->chain.bytes;
        }
    }
    assert_null(f->chain.head);
    assert_false(f->chain.failed);
}

static void bytes_do_not_move(void **state)
{
    struct fixture *f = *state;
    struct iovec before[2], after[2];
    chain_append(&f->chain, "abc", 3);
    assert_int_equal(chain_vectors(&f->chain, before, 2), 1);
    for (int i = 0; i < 10000; i++) {
        chain_append(&f->chain, "0123456789", 10);
    }
    chain_consume(&f->chain, 1);
    assert_int_equal(chain_vectors(&f->chain, after, 2), 2);
    assert_ptr_equal((char *)before[0].iov_base + 1, after[0].iov_base);
    assert_int_equal(f->chain.bytes, 100002);
}

static void an_empty_chain_keeps_nothing(void **state)
{
    struct fixture *f = *state;
    struct iovec v[1];
    assert_int_equal(chain_vectors(&f->chain, v, 1), 0);
    (void)chain_reserve(&f->chain, 100);
    chain_commit(&f->chain, 0);
    assert_int_equal(chain_vectors(&f->chain, v, 1), 0);
    chain_consume(&f->chain, 0);
    assert_null(f->chain.head);
    chain_pin(&f->chain, "", 0, count_release, &f->releases);
    f->pins++;
    assert_int_equal(f->releases, 1);
    assert_int_equal(f->chain.bytes, 0);
}

/* One that holds as many chunks as there are in flight, not all there ever
 * were. */
static void the_pool_is_bounded(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[4 * CHUNK_POOL_MAX * CHUNK_BYTES];
    chain_append(&f->chain, bytes, sizeof bytes);
    chain_consume(&f->chain, sizeof bytes);
    assert_int_equal(f->pool.free_count, CHUNK_POOL_MAX);
    size_t used = mem_used(&f->account);
    chain_append(&f->chain, bytes, sizeof bytes / 8);
    assert_int_equal(mem_used(&f->account), used);
}

static void pinned_pipelines_hold_little(void **state)
{
    struct fixture *f = *state;
    static uint8_t value[65536];
    for (int i = 0; i < 100; i++) {
        reserve(&f->chain, (const uint8_t *)"\r\n$65536\r\n", 10);
        chain_pin(&f->chain, value, sizeof value, count_release, &f->releases);
        f->pins++;
    }
    assert_true(mem_used(&f->account) < 100 * 1024);
    assert_int_equal(f->chain.bytes, 100 * (sizeof value + 10));
}

static void splice_keeps_the_order(void **state)
{
    struct fixture *f = *state;
    struct chain small, large, empty, pinned;
    chain_init(&small, &f->pool);
    chain_init(&large, &f->pool);
    chain_init(&empty, &f->pool);
    chain_init(&pinned, &f->pool);
    static uint8_t model[3 + 5 + 20000 + 4 + 1];
    memset(model, 'x', sizeof model);
    memcpy(model, "abcdefgh", 8);
    memcpy(model + 8 + 20000, "pins!", 5);
    chain_append(&f->chain, model, 3);
    chain_append(&small, model + 3, 5);
    chain_append(&large, model + 8, 20000);
    chain_pin(&pinned, model + 20008, 4, count_release, &f->releases);
    f->pins++;
    (void)chain_reserve(&empty, 8);
    chain_splice(&f->chain, &small);
    assert_ptr_equal(f->chain.head, f->chain.tail);
    chain_splice(&f->chain, &empty);
    chain_splice(&f->chain, &large);
    chain_splice(&f->chain, &pinned);
    chain_append(&f->chain, model + 20012, 1);
    assert_null(small.head);
    assert_null(large.tail);
    assert_int_equal(large.bytes, 0);
    assert_int_equal(f->chain.bytes, sizeof model);
    while (f->chain.bytes > 0) {
        expect_front(&f->chain, model + sizeof model - f->chain.bytes,
                     f->chain.bytes, 7000);
    }
}

/* A life of a chain with every kind of write; true: it did not fail. */
static bool live(struct fixture *f)
{
    static uint8_t bytes[3 * CHUNK_BYTES];
    struct chain inner;
    chain_init(&f->chain, &f->pool);
    chain_init(&inner, &f->pool);
    reserve(&f->chain, bytes, 100);
    chain_append(&f->chain, bytes, sizeof bytes);
    chain_pin(&f->chain, bytes, 5000, count_release, &f->releases);
    f->pins++;
    reserve(&f->chain, bytes, 100);
    reserve(&f->chain, bytes, CHUNK_BYTES / 2 - 10);
    chain_append(&inner, bytes, sizeof bytes / 2);
    chain_pin(&inner, bytes, 6000, count_release, &f->releases);
    f->pins++;
    chain_splice(&f->chain, &inner);
    bool is_whole = !f->chain.failed;
    if (is_whole) {
        chain_consume(&f->chain, f->chain.bytes - 10);
    }
    chain_deinit(&f->chain);
    chain_deinit(&inner);
    return is_whole;
}

static void memory_may_run_out_anywhere(void **state)
{
    struct fixture *f = *state;
    int64_t step = 0;
    bool is_whole = false;
    for (; !is_whole; step++) {
        chunk_pool_deinit(&f->pool);
        assert_int_equal(mem_used(&f->account), 0);
        f->account.fail_after = step;
        is_whole = live(f);
        assert_int_equal(f->chain.failed,
                         is_whole ? CHAIN_SOUND : CHAIN_NO_MEMORY);
        assert_int_equal(f->pins, f->releases);
        assert_true(step < 100);
    }
    assert_true(step > 5);
    f->account.fail_after = -1;
    chain_init(&f->chain, &f->pool);
}

/* Whatever stood at the end, what came after the mark goes, its pins too. */
static void rollback_cuts_off_what_came_since(void **state)
{
    struct fixture *f = *state;
    static uint8_t large[CHUNK_BYTES * 3];
    for (int before = 0; before < 3; before++) {
        if (before >= 1) {
            chain_append(&f->chain, "abc", 3);
        }
        if (before == 2) {
            f->pins++;
            chain_pin(&f->chain, "def", 3, count_release, &f->releases);
        }
        size_t bytes = f->chain.bytes;
        struct chain_mark mark = chain_mark(&f->chain);
        chain_append(&f->chain, large, sizeof large);
        f->pins++;
        chain_pin(&f->chain, large, 5, count_release, &f->releases);
        f->account.fail_after = 0;
        chain_append(&f->chain, large, sizeof large);
        assert_true(f->chain.failed);
        f->account.fail_after = -1;
        chain_rollback(&f->chain, mark);
        assert_false(f->chain.failed);
        assert_int_equal(f->chain.bytes, bytes);
        chain_append(&f->chain, "ghi", 3);
        expect_front(&f->chain,
                     (const uint8_t *)(before == 2   ? "abcdefghi"
                                       : before == 1 ? "abcghi"
                                                     : "ghi"),
                     bytes + 3, bytes + 3);
        assert_int_equal(f->chain.bytes, 0);
    }
}

/* A limit is looked at where a chunk is wanted: what is over it is swallowed, and
 * what was there stays. */
static void a_limit_ends_the_writing(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[CHUNK_BYTES * 5];
    _Atomic(uint64_t) bytes_max = CHUNK_BYTES * 5 / 2;
    assert_int_equal(chain_bytes_max(&f->chain), 0);
    f->chain.bytes_max = &bytes_max;
    assert_int_equal(chain_bytes_max(&f->chain), CHUNK_BYTES * 5 / 2);
    chain_append(&f->chain, bytes, sizeof bytes);
    assert_int_equal(f->chain.failed, CHAIN_TOO_LONG);
    assert_in_range(f->chain.bytes, CHUNK_BYTES * 5 / 2, CHUNK_BYTES * 3);
    size_t reached = f->chain.bytes;
    reserve(&f->chain, bytes, 100);
    f->pins++;
    chain_pin(&f->chain, bytes, 100, count_release, &f->releases);
    assert_int_equal(f->chain.bytes, reached);
}

/* What a reader has taken does not count; the number may change, even to no
 * limit. */
static void a_limit_is_of_what_waits(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[CHUNK_BYTES * 2];
    _Atomic(uint64_t) bytes_max = sizeof bytes;
    f->chain.bytes_max = &bytes_max;
    for (int i = 0; i < 10; i++) {
        chain_append(&f->chain, bytes, sizeof bytes - 1);
        chain_consume(&f->chain, sizeof bytes - 1);
    }
    atomic_store(&bytes_max, 0);
    chain_append(&f->chain, bytes, sizeof bytes);
    chain_append(&f->chain, bytes, sizeof bytes);
    assert_int_equal(f->chain.failed, CHAIN_SOUND);
    atomic_store(&bytes_max, 1);
    chain_append(&f->chain, bytes, sizeof bytes);
    assert_int_equal(f->chain.failed, CHAIN_TOO_LONG);
}

/* The first failure of two chains is the one that both had. */
static void splicing_keeps_the_reason(void **state)
{
    struct fixture *f = *state;
    struct chain inner;
    chain_init(&inner, &f->pool);
    inner.failed = CHAIN_TOO_LONG;
    chain_splice(&f->chain, &inner);
    assert_int_equal(f->chain.failed, CHAIN_TOO_LONG);
    inner.failed = CHAIN_NO_MEMORY;
    chain_splice(&f->chain, &inner);
    assert_int_equal(f->chain.failed, CHAIN_TOO_LONG);
}

static void the_pool_can_be_trimmed(void **state)
{
    struct fixture *f = *state;
    static uint8_t large[CHUNK_BYTES * 10];
    chain_append(&f->chain, large, sizeof large);
    chain_consume(&f->chain, sizeof large);
    assert_true(f->pool.free_count >= 10);
    chunk_pool_trim(&f->pool, 2);
    assert_int_equal(f->pool.free_count, 2);
    assert_true(mem_used(&f->account) < 3 * CHUNK_BYTES);
    chunk_pool_trim(&f->pool, 5);
    assert_int_equal(f->pool.free_count, 2);
}

/* Where the owner trims, a burst's chunks wait for that, however many. */
static void a_mapped_pool_keeps_all_chunks(void **state)
{
    struct fixture *f = *state;
    enum { CHUNKS = CHUNK_POOL_MAX + 10 };
    static uint8_t large[CHUNK_BYTES * CHUNKS];
    chunk_pool_init_mapped(&f->pool, &f->account);
    chain_append(&f->chain, large, sizeof large);
    chain_pin(&f->chain, "pin", 3, count_release, &f->releases);
    f->pins++;
    chain_append(&f->chain, "small", 5);
    chain_consume(&f->chain, f->chain.bytes);
    assert_true(f->pool.free_count > CHUNKS);
    size_t chunks = (size_t)f->pool.free_count * CHUNK_BYTES;
    assert_in_range(mem_used(&f->account), chunks, chunks + 4096);
    chunk_pool_trim(&f->pool, 1);
    assert_int_equal(mem_used(&f->account), CHUNK_BYTES);
    f->account.fail_after = 0;
    chain_append(&f->chain, large, sizeof large);
    assert_true(f->chain.failed);
}

static void the_room_is_what_fits(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(chain_room(&f->chain), 0);
    chain_append(&f->chain, "abc", 3);
    struct chunk *tail = f->chain.tail;
    static uint8_t large[CHUNK_BYTES];
    chain_append(&f->chain, large, chain_room(&f->chain));
    assert_int_equal(chain_room(&f->chain), 0);
    assert_ptr_equal(f->chain.tail, tail);
    chain_pin(&f->chain, "pin", 3, count_release, &f->releases);
    f->pins++;
    assert_int_equal(chain_room(&f->chain), 0);
}

int test_chain_run(void)
{
#define CHAIN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CHAIN_TEST(bytes_come_out_in_order),
        CHAIN_TEST(a_mapped_pool_keeps_all_chunks),
        CHAIN_TEST(the_room_is_what_fits),
        CHAIN_TEST(bytes_do_not_move),
        CHAIN_TEST(an_empty_chain_keeps_nothing),
        CHAIN_TEST(the_pool_is_bounded),
        CHAIN_TEST(pinned_pipelines_hold_little),
        CHAIN_TEST(splice_keeps_the_order),
        CHAIN_TEST(rollback_cuts_off_what_came_since),
        CHAIN_TEST(a_limit_ends_the_writing),
        CHAIN_TEST(a_limit_is_of_what_waits),
        CHAIN_TEST(splicing_keeps_the_reason),
        CHAIN_TEST(the_pool_can_be_trimmed),
        CHAIN_TEST(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
