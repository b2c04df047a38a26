/* Tests of client/format and client/encode: a format or an array into a
 * request. */
#include "client/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

struct encoded {
    char text[4096];
    struct encode_size size;
    bool is_valid;
};

static void encode(struct encoded *e, const struct encode_source *s)
{
    e->is_valid = encode_measure(s, &e->size);
    if (e->is_valid) {
        assert_true(e->size.bytes < sizeof e->text);
        encode_to_memory(s, &e->size, (uint8_t *)e->text);
        e->text[e->size.bytes] = '\0';
    }
}

static struct encoded format_it(const char *format, ...)
{
    struct encoded e;
    struct format f;
    va_list values;
    va_start(values, format);
    format_init(&f, format, values);
    va_end(values);
    struct encode_source s = { .format = &f };
    encode(&e, &s);
    format_deinit(&f);
    return e;
}

#define expect(request, ...)                              \
    do {                                                  \
        struct encoded got = format_it(__VA_ARGS__);      \
        assert_true(got.is_valid);                        \
        assert_string_equal(got.text, request);           \
    } while (0)
#define expect_invalid(...) assert_false(format_it(__VA_ARGS__).is_valid)

static void words_are_arguments(void **state)
{
    (void)state;
    expect("*1\r\n$4\r\nPING\r\n", "PING");
    expect("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "  GET\t k \n");
    expect_invalid("");
    expect_invalid("   ");
}

static void values_are_put_in(void **state)
{
    (void)state;
    expect("*3\r\n$3\r\nSET\r\n$5\r\nk:a b\r\n$3\r\nx\r\n\r\n",
           "SET k:%s %b", "a b", "x\r\n", (size_t)3);
    expect("*2\r\n$3\r\nGET\r\n$0\r\n\r\n", "GET %s", "");
    expect("*2\r\n$3\r\nGET\r\n$0\r\n\r\n", "GET %b", NULL, (size_t)0);
    expect("*2\r\n$1\r\na\r\n$5\r\n1%2%c\r\n", "a %d%%%s%%%c", 1, "2", 'c');
    expect("*1\r\n$6\r\n%s%d%b\r\n", "%s", "%s%d%b");
}

static void numbers_have_their_lengths(void **state)
{
    (void)state;
    expect("*3\r\n$2\r\n-1\r\n$20\r\n-9223372036854775808\r\n$3\r\n-42\r\n",
           "%d %lld %ld", -1, (long long)INT64_MIN, -42L);
    expect("*4\r\n$20\r\n18446744073709551615\r\n$1\r\n5\r\n$3\r\n255\r\n"
           "$2\r\nff\r\n",
           "%llu %zu %hhu %x", (unsigned long long)UINT64_MAX, (size_t)5, 511,
           255);
    expect("*3\r\n$3\r\n1.5\r\n$4\r\n0.25\r\n$5\r\n00042\r\n", "%g %.2f %05d",
           1.5, 0.25, 42);
    expect("*2\r\n$3\r\ninf\r\n$1\r\n7\r\n", "%f %lld", (double)INFINITY, 7LL);
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    expect_invalid("GET %");
    expect_invalid("GET %y");
    expect_invalid("GET %n", NULL);
    expect_invalid("GET %p", NULL);
    expect_invalid("GET %*d", 1, 2);
    expect_invalid("GET %1000d", 1);
    expect_invalid("GET %s", NULL);
    expect_invalid("GET %b", NULL, (size_t)1);
    expect_invalid("GET %-5s", "x");
    expect_invalid("GET %ls", "x");
}

static void arrays_are_encoded(void **state)
{
    (void)state;
    struct encoded e;
    const char *argv[] = { "SET", "k", "a\0b" };
    const size_t lens[] = { 3, 1, 3 };
    struct encode_source s = { .argc = 3, .argv = argv, .lens = lens };
    encode(&e, &s);
    assert_true(e.is_valid);
    assert_memory_equal(e.text,
                        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\0b\r\n", 29);
    assert_int_equal(e.size.name_len, 3);
    s.lens = NULL;
    encode(&e, &s);
    assert_string_equal(e.text, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\na\r\n");
}

/* A chain is filled chunk by chunk, with the same bytes. */
static void a_large_command_fills_chunks(void **state)
{
    (void)state;
    enum { LEN = 100000 };
    struct mem_account account;
    struct chunk_pool *pool = malloc(sizeof *pool);
    struct chain chain;
    mem_account_init(&account);
    chunk_pool_init(pool, &account);
    chain_init(&chain, pool);
    char *value = malloc(LEN);
    memset(value, 'x', LEN);
    const char *argv[] = { "SET", value };
    const size_t lens[] = { 3, LEN };
    struct encode_source s = { .argc = 2, .argv = argv, .lens = lens };
    struct encode_size size;
    assert_true(encode_measure(&s, &size));
    encode_to_chain(&s, &size, &chain);
    assert_int_equal(chain.bytes, size.bytes);
    uint8_t *whole = malloc(size.bytes);
    encode_to_memory(&s, &size, whole);
    struct iovec v[16];
    int count = chain_vectors(&chain, v, 16);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        assert_memory_equal(v[i].iov_base, whole + at, v[i].iov_len);
        at += v[i].iov_len;
    }
    assert_int_equal(at, size.bytes);
    chain_deinit(&chain);
    chunk_pool_deinit(pool);
    free(pool);
    free(whole);
    free(value);
}

int test_format_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_arguments),
        cmocka_unit_test(values_are_put_in),
        cmocka_unit_test(numbers_have_their_lengths),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(arrays_are_encoded),
        cmocka_unit_test(a_large_command_fills_chunks),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
