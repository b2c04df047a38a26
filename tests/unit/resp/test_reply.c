/* Tests of resp/reply: each kind of reply in both protocols, byte for byte. */
#include "resp/reply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

enum { SHOWN_BYTES_MAX = 1 << 18 };

struct fixture {
    struct mem_account account;
    struct chunk_pool pool;
    struct chain chain;
    struct reply reply;
    int releases;
    char shown[SHOWN_BYTES_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    mem_account_init(&f->account);
    chunk_pool_init(&f->pool, &f->account);
    chain_init(&f->chain, &f->pool);
    f->reply = (struct reply){ .out = &f->chain, .protocol = 2 };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    chain_deinit(&f->chain);
    chunk_pool_deinit(&f->pool);
    assert_int_equal(mem_used(&f->account), 0);
    free(f);
    return 0;
}

/* Takes all there is out of the chain. */
static const char *take(struct fixture *f)
{
    size_t at = 0;
    while (f->chain.bytes > 0) {
        struct iovec v[4];
        int count = chain_vectors(&f->chain, v, 4);
        assert_true(count > 0);
        for (int i = 0; i < count; i++) {
            assert_true(at + v[i].iov_len < sizeof f->shown);
            memcpy(f->shown + at, v[i].iov_base, v[i].iov_len);
            at += v[i].iov_len;
            chain_consume(&f->chain, v[i].iov_len);
        }
    }
    f->shown[at] = '\0';
    return f->shown;
}

/* Writes with `call` under both protocols. */
#define EXPECT_BOTH(f, call, resp2, resp3)     \
    do {                                       \
        struct reply *r = &(f)->reply;         \
        r->protocol = 2;                       \
        call;                                  \
        assert_string_equal(take(f), resp2);   \
        r->protocol = 3;                       \
        call;                                  \
        assert_string_equal(take(f), resp3);   \
    } while (0)
#define EXPECT(f, call, both) EXPECT_BOTH(f, call, both, both)

static void scalars(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, reply_ok(r), "+OK\r\n");
    EXPECT(f, reply_simple(r, "PONG"), "+PONG\r\n");
    EXPECT(f, reply_simple(r, "a\r\nb"), "+a  b\r\n");
    EXPECT(f, reply_simple(r, ""), "+\r\n");
    EXPECT(f, reply_int(r, 0), ":0\r\n");
    EXPECT(f, reply_int(r, 7), ":7\r\n");
    EXPECT(f, reply_int(r, -7), ":-7\r\n");
    EXPECT(f, reply_int(r, 42), ":42\r\n");
    EXPECT(f, reply_int(r, 100), ":100\r\n");
    EXPECT(f, reply_int(r, INT64_MAX), ":9223372036854775807\r\n");
    EXPECT(f, reply_int(r, INT64_MIN), ":-9223372036854775808\r\n");
    EXPECT(f, reply_bulk_int(r, -12), "$3\r\n-12\r\n");
    EXPECT_BOTH(f, reply_null(r), "$-1\r\n", "_\r\n");
    EXPECT_BOTH(f, reply_null_array(r), "*-1\r\n", "_\r\n");
    EXPECT_BOTH(f, reply_bool(r, true), ":1\r\n", "#t\r\n");
    EXPECT_BOTH(f, reply_bool(r, false), ":0\r\n", "#f\r\n");
    EXPECT_BOTH(f, reply_double(r, 0.5), "$3\r\n0.5\r\n", ",0.5\r\n");
    EXPECT_BOTH(f, reply_double(r, -3), "$2\r\n-3\r\n", ",-3\r\n");
    EXPECT_BOTH(f, reply_double(r, -INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    EXPECT_BOTH(f, reply_big_number(r, SLICE_LIT("123")), "$3\r\n123\r\n",
                "(123\r\n");
}

static void bulks(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, reply_bulk(r, slice_of(NULL, 0)), "$0\r\n\r\n");
    EXPECT(f, reply_bulk(r, SLICE_LIT("a")), "$1\r\na\r\n");
    EXPECT(f, reply_bulk_text(r, "0123456789"), "$10\r\n0123456789\r\n");
    EXPECT_BOTH(f, reply_verbatim(r, "txt", SLICE_LIT("hi\r\n")),
                "$4\r\nhi\r\n\r\n", "=8\r\ntxt:hi\r\n\r\n");
}

/* Lengths around every limit inside the encoder and the chunks. */
static void bulks_of_all_lengths(void **state)
{
    struct fixture *f = *state;
    static const size_t lengths[] = { 9,    10,    99,    100,   999,   1000,
                                      2047, 2048,  2049,  8191,  8192,  9999,
                                      10000, 16335, 16336, 16384, 70000 };
    static char value[70000];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int round = 0; round < 3; round++) {
            size_t len = lengths[i];
            char head[32];
            int n = snprintf(head, sizeof head, "$%zu\r\n", len);
            reply_bulk(&f->reply, slice_of(value, len));
            reply_bulk(&f->reply, slice_of(value, len));
            const char *shown = take(f);
            size_t each = (size_t)n + len + 2;
            assert_int_equal(strlen(shown), each * 2);
            for (size_t at = 0; at < each * 2; at += each) {
                assert_memory_equal(shown + at, head, n);
                assert_memory_equal(shown + at + n, value, len);
                assert_memory_equal(shown + at + each - 2, "\r\n", 2);
            }
        }
    }
}

static void aggregates(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, reply_array(r, 0), "*0\r\n");
    EXPECT(f, reply_array(r, 1234567), "*1234567\r\n");
    EXPECT_BOTH(f, reply_map(r, 5), "*10\r\n", "%5\r\n");
    EXPECT_BOTH(f, reply_set(r, 5), "*5\r\n", "~5\r\n");
    EXPECT_BOTH(f, reply_push(r, 3), "*3\r\n", ">3\r\n");
}

static void errors_are_counted_by_code(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, reply_error(r, "ERR no such key"), "-ERR no such key\r\n");
    assert_int_equal(f->reply.error_count, 2);
    assert_true(slice_equal(f->reply.last_error, SLICE_LIT("ERR")));
    EXPECT(f, reply_errorf(r, "WRONGTYPE %s\r\n%d", "x", 7),
           "-WRONGTYPE x  7\r\n");
    assert_string_equal(f->reply.error_code, "WRONGTYPE");
    EXPECT(f, reply_error(r, "NOCODE\r\n"), "-NOCODE\r\n");
    assert_string_equal(f->reply.error_code, "NOCODE");
    EXPECT(f, reply_error_slice(r, SLICE_LIT("A\nB\r\n\n")), "-A B\r\n");
    assert_string_equal(f->reply.error_code, "A");
    EXPECT(f, reply_error(r, ""), "-\r\n");
    assert_int_equal(f->reply.last_error.len, 0);
    assert_int_equal(f->reply.error_count, 10);
}

static void long_errors(void **state)
{
    struct fixture *f = *state;
    static char text[100000];
    memset(text, 'E', sizeof text);
    reply_error_slice(&f->reply, slice_of(text, sizeof text));
    assert_int_equal(f->reply.last_error.len, sizeof f->reply.error_code - 1);
    const char *shown = take(f);
    assert_int_equal(strlen(shown), sizeof text + 3);
    assert_memory_equal(shown + 1, text, sizeof text);
    reply_errorf(&f->reply, "ERR %.*s", 50000, text);
    shown = take(f);
    assert_true(strlen(shown) > 2000);
    assert_string_equal(shown + strlen(shown) - 3, "E\r\n");
}

static void count_release(void *arg)
{
    ++*(int *)arg;
}

static void pinned_values(void **state)
{
    struct fixture *f = *state;
    EXPECT(f,
           reply_bulk_pinned(r, SLICE_LIT("large"), count_release,
                             &f->releases),
           "$5\r\nlarge\r\n");
    assert_int_equal(f->releases, 2);
}

static void write_everything(struct fixture *f)
{
    struct reply *r = &f->reply;
    struct reply_deferred d;
    static char large[20000];
    reply_ok(r);
    reply_simple(r, "x");
    reply_int(r, 5);
    reply_bulk_text(r, "x");
    reply_bulk(r, slice_of(large, sizeof large));
    reply_bulk_pinned(r, SLICE_LIT("large"), count_release, &f->releases);
    reply_null(r);
    reply_null_array(r);
    reply_bool(r, true);
    reply_double(r, 0.5);
    reply_verbatim(r, "txt", SLICE_LIT("x"));
    reply_big_number(r, SLICE_LIT("1"));
    reply_error(r, "ERR x");
    reply_deferred_begin(r, &d);
    reply_bulk(r, slice_of(large, sizeof large));
    reply_bulk_pinned(r, SLICE_LIT("large"), count_release, &f->releases);
    reply_deferred_set(r, &d, 2);
}

static void muted_replies_leave_nothing(void **state)
{
    struct fixture *f = *state;
    f->reply.is_muted = true;
    for (f->reply.protocol = 2; f->reply.protocol <= 3; f->reply.protocol++) {
        write_everything(f);
    }
    assert_int_equal(f->chain.bytes, 0);
    assert_null(f->chain.head);
    assert_int_equal(f->releases, 4);
    assert_int_equal(f->reply.error_count, 2);
}

static void deferred_aggregates(void **state)
{
    struct fixture *f = *state;
    struct reply_deferred outer, inner;
    EXPECT_BOTH(f,
                {
                    reply_int(r, 1);
                    reply_deferred_begin(r, &outer);
                    reply_int(r, 2);
                    reply_deferred_begin(r, &inner);
                    reply_int(r, 3);
                    reply_int(r, 4);
                    reply_deferred_map(r, &inner, 1);
                    reply_deferred_array(r, &outer, 2);
                    reply_int(r, 5);
                },
                ":1\r\n*2\r\n:2\r\n*2\r\n:3\r\n:4\r\n:5\r\n",
                ":1\r\n*2\r\n:2\r\n%1\r\n:3\r\n:4\r\n:5\r\n");
    EXPECT_BOTH(f,
                {
                    reply_deferred_begin(r, &outer);
                    reply_deferred_set(r, &outer, 0);
                },
                "*0\r\n", "~0\r\n");
}

static void deferred_and_long(void **state)
{
    struct fixture *f = *state;
    struct reply_deferred d;
    enum { ELEMENTS = 10000 };
    reply_deferred_begin(&f->reply, &d);
    for (int i = 0; i < ELEMENTS; i++) {
        reply_bulk_text(&f->reply, "0123");
    }
    reply_deferred_array(&f->reply, &d, ELEMENTS);
    const char *shown = take(f);
    assert_int_equal(strlen(shown), 8 + ELEMENTS * 10);
    assert_memory_equal(shown, "*10000\r\n$4\r\n0123\r\n", 18);
}

/* The outer chain's limit holds for what is deferred too. */
static void deferred_and_limited(void **state)
{
    struct fixture *f = *state;
    struct reply_deferred d;
    static const _Atomic(uint64_t) bytes_max = 2 * CHUNK_BYTES;
    f->chain.bytes_max = &bytes_max;
    reply_deferred_begin(&f->reply, &d);
    for (int i = 0; i < 10000; i++) {
        reply_bulk_text(&f->reply, "0123");
    }
    assert_in_range(f->reply.out->bytes, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES);
    reply_deferred_array(&f->reply, &d, 10000);
    assert_int_equal(f->chain.failed, CHAIN_TOO_LONG);
    chain_deinit(&f->chain);
    chain_init(&f->chain, &f->pool);
}

/* Nothing is allocated for a small reply once the pool has a chunk. */
static void small_replies_allocate_nothing(void **state)
{
    struct fixture *f = *state;
    reply_ok(&f->reply);
    (void)take(f);
    f->account.fail_after = 0;
    for (int i = 0; i < 1000; i++) {
        reply_bulk_text(&f->reply, "0123456789");
        reply_int(&f->reply, i);
        (void)take(f);
    }
    assert_false(f->chain.failed);
    f->account.fail_after = -1;
}

static void memory_may_run_out_anywhere(void **state)
{
    struct fixture *f = *state;
    bool has_failed = true;
    for (int64_t step = 0; has_failed; step++) {
        chunk_pool_deinit(&f->pool);
        f->account.fail_after = step;
        f->releases = 0;
        write_everything(f);
        has_failed = f->chain.failed;
        chain_deinit(&f->chain);
        chain_init(&f->chain, &f->pool);
        assert_int_equal(f->releases, 2);
        assert_true(step < 50);
    }
    f->account.fail_after = -1;
}

int test_reply_run(void)
{
#define REPLY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        REPLY_TEST(scalars),
        REPLY_TEST(bulks),
        REPLY_TEST(bulks_of_all_lengths),
        REPLY_TEST(aggregates),
        REPLY_TEST(errors_are_counted_by_code),
        REPLY_TEST(long_errors),
        REPLY_TEST(pinned_values),
        REPLY_TEST(muted_replies_leave_nothing),
        REPLY_TEST(deferred_aggregates),
        REPLY_TEST(deferred_and_long),
        REPLY_TEST(deferred_and_limited),
        REPLY_TEST(small_replies_allocate_nothing),
        REPLY_TEST(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
