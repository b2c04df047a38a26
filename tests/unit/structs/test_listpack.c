/* Tests of structs/listpack against an array of texts, in memory of the exact
 * size so that a sanitizer sees each step outside; and of its bytes against
 * the published format. */
#include "structs/listpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

int test_listpack_run(void);

enum { MODEL_MAX = 300, STEPS = 4000, ITEMS_MAX = 4 };

struct model {
    uint8_t *lp;
    struct slice items[MODEL_MAX];
    size_t count;
    struct random random;
};

static struct slice copy_of(struct slice s)
{
    uint8_t *data = malloc(s.len + 1);
    assert_non_null(data);
    if (s.len > 0) {
        memcpy(data, s.data, s.len);
    }
    return slice_of(data, s.len);
}

static uint8_t *lp_new(void)
{
    uint8_t *lp = malloc(LISTPACK_EMPTY_BYTES);
    assert_non_null(lp);
    listpack_init(lp);
    return lp;
}

/* As a caller does it: room before, given back afterwards. */
static uint8_t *lp_splice(uint8_t *lp, struct listpack_splice s)
{
    size_t before = listpack_bytes(lp);
    size_t after = listpack_splice_bytes(lp, &s);
    assert_true(after >= LISTPACK_EMPTY_BYTES);
    if (after > before) {
        lp = realloc(lp, after);
    }
    listpack_splice(lp, after, &s);
    if (after < before) {
        lp = realloc(lp, after);
    }
    assert_non_null(lp);
    assert_int_equal(listpack_bytes(lp), after);
    return lp;
}

static uint8_t *lp_append(uint8_t *lp, struct slice item)
{
    return lp_splice(lp, listpack_appending(lp, &item, 1));
}

/* Found where it is looked for first, either way. */
static bool equals(const uint8_t *lp, uint32_t pos, struct slice text)
{
    uint64_t passed = 1, passed_back = 1;
    bool is_on = listpack_search(lp, pos, text, false, &passed) == pos;
    bool is_back = listpack_search(lp, pos, text, true, &passed_back) == pos;
    assert_int_equal(is_on, is_back);
    assert_true(!is_on || (passed == 0 && passed_back == 0));
    return is_on;
}

static void model_check(const struct model *m)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    const uint8_t *lp = m->lp;
    assert_true(listpack_validate(slice_of(lp, listpack_bytes(lp))));
    assert_int_equal(listpack_count(lp), m->count);
    uint32_t pos = listpack_first(lp);
    uint32_t last = LISTPACK_NONE;
    for (size_t i = 0; i < m->count; i++) {
        assert_int_not_equal(pos, LISTPACK_NONE);
        assert_int_equal(listpack_prev(lp, pos), last);
        assert_true(slice_equal(listpack_text(lp, pos, scratch), m->items[i]));
        assert_true(equals(lp, pos, m->items[i]));
        last = pos;
        pos = listpack_next(lp, pos);
    }
    assert_int_equal(pos, LISTPACK_NONE);
    assert_int_equal(listpack_last(lp), last);
}

static void model_check_seek(const struct model *m)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    int64_t n = (int64_t)m->count;
    assert_int_equal(listpack_seek(m->lp, n), LISTPACK_NONE);
    assert_int_equal(listpack_seek(m->lp, -n - 1), LISTPACK_NONE);
    assert_int_equal(listpack_seek(m->lp, INT64_MIN), LISTPACK_NONE);
    assert_int_equal(listpack_seek(m->lp, INT64_MAX), LISTPACK_NONE);
    for (int64_t i = 0; i < n; i++) {
        uint32_t pos = listpack_seek(m->lp, i);
        assert_int_equal(listpack_seek(m->lp, i - n), pos);
        assert_true(slice_equal(listpack_text(m->lp, pos, scratch),
                                m->items[i]));
    }
}

static void model_check_find(struct model *m, struct slice text)
{
    uint32_t skip = (uint32_t)random_below(&m->random, 3);
    size_t i = 0;
    while (i < m->count && !slice_equal(m->items[i], text)) {
        i += skip + 1;
    }
    uint32_t want = i < m->count ? listpack_seek(m->lp, (int64_t)i)
                                 : (uint32_t)LISTPACK_NONE;
    assert_int_equal(listpack_find(m->lp, listpack_first(m->lp), text, skip),
                     want);
}

/* From any element on, either way. */
static void model_check_search(struct model *m, struct slice text)
{
    if (m->count == 0) {
        return;
    }
    size_t from = (size_t)random_below(&m->random, m->count);
    bool is_backward = random_below(&m->random, 2) == 0;
    size_t i = from;
    while (i < m->count && !slice_equal(m->items[i], text)) {
        i += is_backward ? SIZE_MAX : 1;
    }
    uint32_t want = i < m->count ? listpack_seek(m->lp, (int64_t)i)
                                 : (uint32_t)LISTPACK_NONE;
    size_t last = i < m->count ? i : is_backward ? SIZE_MAX : m->count;
    uint64_t passed;
    assert_int_equal(listpack_search(m->lp,
                                     listpack_seek(m->lp, (int64_t)from), text,
                                     is_backward, &passed), want);
    assert_int_equal(passed, is_backward ? from - last : last - from);
}

/* Lengths and integers around each limit of the format. */
static struct slice random_item(struct random *r)
{
    static const size_t lens[] = {0, 1, 5, 12, 62, 63, 64, 125, 126, 300,
                                  4094, 4095, 4096};
    static const int bits[] = {2, 7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 62};
    static uint8_t text[5000];
    if (random_below(r, 2) == 0) {
        int64_t v = INT64_C(1) << bits[random_below(r, 12)];
        v += (int64_t)random_below(r, 5) - 2;
        v = random_below(r, 2) == 0 ? v : -v;
        return slice_of(text, (size_t)sprintf((char *)text, "%lld",
                                              (long long)v));
    }
    size_t len = lens[random_below(r, random_below(r, 8) == 0 ? 13 : 9)];
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)("0-a"[random_below(r, 3)]);
    }
    return slice_of(text, len);
}

static void model_splice(struct model *m, size_t index, size_t gone,
                         size_t coming)
{
    struct slice items[ITEMS_MAX];
    for (size_t i = 0; i < coming; i++) {
        items[i] = copy_of(random_item(&m->random));
    }
    uint32_t at = index == m->count ? listpack_end(m->lp)
                                    : listpack_seek(m->lp, (int64_t)index);
    m->lp = lp_splice(m->lp, (struct listpack_splice){at, gone, items, coming});
    for (size_t i = index; i < index + gone; i++) {
        free((void *)(uintptr_t)m->items[i].data);
    }
    memmove(m->items + index + coming, m->items + index + gone,
            (m->count - index - gone) * sizeof *items);
    memcpy(m->items + index, items, coming * sizeof *items);
    m->count += coming - gone;
}

static void test_model(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof *m);
    random_init(&m->random, 7);
    m->lp = lp_new();
    for (int step = 0; step < STEPS; step++) {
        size_t index = random_below(&m->random, m->count + 1);
        size_t gone = random_below(&m->random, m->count - index + 1);
        if (random_below(&m->random, 40) != 0) {
            gone = gone < 3 ? gone : random_below(&m->random, 4);
        }
        size_t coming = random_below(&m->random, ITEMS_MAX + 1);
        if (m->count - gone + coming <= MODEL_MAX) {
            model_splice(m, index, gone, coming);
        }
        model_check(m);
        if (step % 50 == 0) {
            model_check_seek(m);
        }
        model_check_find(m, random_item(&m->random));
        model_check_search(m, random_item(&m->random));
        if (m->count > 0) {
            model_check_find(m, m->items[random_below(&m->random, m->count)]);
            model_check_search(m, m->items[random_below(&m->random, m->count)]);
        }
    }
    model_splice(m, 0, m->count, 0);
    model_check(m);
    free(m->lp);
    free(m);
}

static void check_bytes(struct slice item, const char *want, size_t len)
{
    uint8_t *lp = lp_append(lp_new(), item);
    assert_int_equal(listpack_bytes(lp), LISTPACK_EMPTY_BYTES + len);
    assert_memory_equal(lp + LISTPACK_HEADER_BYTES, want, len);
    assert_int_equal(lp[LISTPACK_HEADER_BYTES + len], 0xff);
    free(lp);
}

#define CHECK_BYTES(text, want) \
    check_bytes(SLICE_LIT(text), want, sizeof(want) - 1)

/* Written out by hand from the published description. */
static void test_format(void **state)
{
    (void)state;
    CHECK_BYTES("0", "\x00\x01");
    CHECK_BYTES("127", "\x7f\x01");
    CHECK_BYTES("128", "\xc0\x80\x02");
    CHECK_BYTES("-1", "\xdf\xff\x02");
    CHECK_BYTES("4095", "\xcf\xff\x02");
    CHECK_BYTES("-4096", "\xd0\x00\x02");
    CHECK_BYTES("4096", "\xf1\x00\x10\x03");
    CHECK_BYTES("-32768", "\xf1\x00\x80\x03");
    CHECK_BYTES("32768", "\xf2\x00\x80\x00\x04");
    CHECK_BYTES("-8388608", "\xf2\x00\x00\x80\x04");
    CHECK_BYTES("8388608", "\xf3\x00\x00\x80\x00\x05");
    CHECK_BYTES("-2147483648", "\xf3\x00\x00\x00\x80\x05");
    CHECK_BYTES("2147483648", "\xf4\x00\x00\x00\x80\0\0\0\0\x09");
    CHECK_BYTES("-9223372036854775808", "\xf4\0\0\0\0\0\0\0\x80\x09");
    CHECK_BYTES("9223372036854775808", "\x93" "9223372036854775808\x14");
    CHECK_BYTES("", "\x80\x01");
    CHECK_BYTES("abc", "\x83" "abc\x04");
    CHECK_BYTES("007", "\x83" "007\x04");
    CHECK_BYTES("-0", "\x82-0\x03");
}

/* Text lengths at which the bytes of the back length change, and what they are
 * (recorded from dumps of a server that writes the format). */
static void test_back_lengths(void **state)
{
    static const struct {
        size_t len, head, back_len;
        const char *back;
    } rows[] = {
        {63, 1, 1, "\x40"},           {64, 2, 1, "\x42"},
        {125, 2, 1, "\x7f"},          {126, 2, 2, "\x01\x80"},
        {4095, 2, 2, "\x20\x81"},     {4096, 5, 2, "\x20\x85"},
        {16377, 5, 2, "\x7f\xfe"},    {16378, 5, 3, "\x00\xff\xff"},
        {16379, 5, 3, "\x01\x80\x80"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *text = malloc(rows[i].len);
        memset(text, 'x', rows[i].len);
        uint8_t *lp = lp_append(lp_new(), slice_of(text, rows[i].len));
        size_t body = rows[i].head + rows[i].len;
        assert_int_equal(listpack_bytes(lp),
                         LISTPACK_EMPTY_BYTES + body + rows[i].back_len);
        assert_memory_equal(lp + LISTPACK_HEADER_BYTES + body, rows[i].back,
                            rows[i].back_len);
        assert_int_equal(listpack_last(lp), LISTPACK_HEADER_BYTES);
        free(lp);
        free(text);
    }
}

static void test_convenience(void **state)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    struct slice b = SLICE_LIT("b");
    struct slice ends[] = {SLICE_LIT("a"), SLICE_LIT("10")};
    (void)state;
    uint8_t *lp = lp_new();
    assert_int_equal(listpack_first(lp), LISTPACK_NONE);
    assert_int_equal(listpack_last(lp), LISTPACK_NONE);
    assert_int_equal(listpack_find(lp, listpack_first(lp), b, 0),
                     LISTPACK_NONE);
    lp = lp_splice(lp, listpack_prepending(&ends[1], 1));
    lp = lp_splice(lp, listpack_prepending(&ends[0], 1));
    uint32_t a = listpack_first(lp);
    lp = lp_splice(lp, listpack_inserting_after(lp, a, &b, 1));
    lp = lp_splice(lp, listpack_inserting_after(lp, listpack_last(lp), &b, 1));
    lp = lp_splice(lp, listpack_replacing(a, &b));
    assert_int_equal(listpack_count(lp), 4);
    assert_true(slice_equal(listpack_text(lp, a, scratch), b));
    uint32_t ten = listpack_find(lp, a, ends[1], 1);
    assert_int_equal(ten, listpack_seek(lp, 2));
    assert_null(listpack_get(lp, ten).text.data);
    assert_int_equal(listpack_get(lp, ten).integer, 10);
    assert_int_equal(listpack_delete(lp, a, 3), LISTPACK_EMPTY_BYTES + 3);
    assert_true(slice_equal(listpack_text(lp, a, scratch), b));
    free(lp);
}

/* The middle of one listpack goes into the middle of another. */
static void test_entries(void **state)
{
    char text[16];
    (void)state;
    uint8_t *from = lp_new();
    uint8_t *to = lp_new();
    for (int i = 0; i < 10; i++) {
        struct slice s = slice_of(text, (size_t)sprintf(text, "x%d", i));
        from = lp_append(from, s);
        to = lp_append(to, s);
    }
    struct slice entries = listpack_entries(from, listpack_seek(from, 3),
                                            listpack_seek(from, 7));
    to = realloc(to, listpack_bytes(to) + entries.len);
    listpack_insert_entries(to, listpack_seek(to, 9), entries, 4);
    assert_int_equal(listpack_count(to), 14);
    assert_true(listpack_validate(slice_of(to, listpack_bytes(to))));
    assert_true(equals(to, listpack_seek(to, 8), SLICE_LIT("x8")));
    assert_true(equals(to, listpack_seek(to, 9), SLICE_LIT("x3")));
    assert_true(equals(to, listpack_seek(to, -2), SLICE_LIT("x6")));
    assert_true(equals(to, listpack_seek(to, -1), SLICE_LIT("x9")));
    free(from);
    free(to);
}

/* From 65,535 elements on the header no longer says how many. */
static void test_count_unknown(void **state)
{
    enum { MANY = 70000 };
    (void)state;
    struct slice *items = malloc(MANY * sizeof *items);
    for (size_t i = 0; i < MANY; i++) {
        items[i] = i % 2 == 0 ? SLICE_LIT("5") : SLICE_LIT("odd");
    }
    uint8_t *lp = lp_new();
    lp = lp_splice(lp, listpack_appending(lp, items, 65534));
    assert_memory_not_equal(lp + 4, "\xff\xff", 2);
    lp = lp_splice(lp, listpack_appending(lp, items, 1));
    assert_memory_equal(lp + 4, "\xff\xff", 2);
    assert_int_equal(listpack_count(lp), 65535);
    lp = lp_splice(lp, listpack_appending(lp, items, MANY - 65535));
    assert_int_equal(listpack_count(lp), MANY);
    assert_true(listpack_validate(slice_of(lp, listpack_bytes(lp))));
    assert_int_equal(listpack_seek(lp, MANY), LISTPACK_NONE);
    assert_int_equal(listpack_seek(lp, -MANY - 1), LISTPACK_NONE);
    assert_int_equal(listpack_seek(lp, -MANY), LISTPACK_HEADER_BYTES);
    assert_int_equal(listpack_seek(lp, MANY - 1), listpack_last(lp));
    lp = realloc(lp, listpack_delete(lp, listpack_first(lp), MANY - 3));
    assert_int_equal(listpack_count(lp), 3);
    free(lp);
    free(items);
}

static void test_too_big(void **state)
{
    static const uint8_t byte = 'x';
    struct slice half = slice_of(&byte, (size_t)1 << 31);
    struct slice items[] = {half, half};
    (void)state;
    uint8_t *lp = lp_new();
    struct listpack_splice s = listpack_appending(lp, items, 1);
    assert_int_equal(listpack_splice_bytes(lp, &s),
                     LISTPACK_EMPTY_BYTES + 5 + half.len + 5);
    s = listpack_appending(lp, items, 2);
    assert_int_equal(listpack_splice_bytes(lp, &s), 0);
    items[0].len = SIZE_MAX / 2;
    s = listpack_appending(lp, items, 1);
    assert_int_equal(listpack_splice_bytes(lp, &s), 0);
    free(lp);
}

/* Others may have stored an integer's text as text, or in a wider form. */
static void test_foreign_forms(void **state)
{
    static const uint8_t bytes[] = "\x13\0\0\0\x03\0\x82" "12\x03"
                                   "\xf1\x0c\0\x03\xe0\x01x\x03\xff";
    (void)state;
    assert_true(listpack_validate(slice_of(bytes, sizeof bytes - 1)));
    struct slice twelve = SLICE_LIT("12");
    uint32_t first = listpack_find(bytes, 6, twelve, 0);
    assert_int_equal(first, 6);
    uint32_t second = listpack_find(bytes, listpack_next(bytes, first), twelve,
                                    0);
    assert_int_equal(second, 10);
    assert_int_equal(listpack_find(bytes, second, SLICE_LIT("x"), 0), 14);
}

static bool is_valid(const char *bytes, size_t len)
{
    uint8_t *copy = malloc(len);
    memcpy(copy, bytes, len);
    bool valid = listpack_validate(slice_of(copy, len));
    free(copy);
    return valid;
}

#define IS_VALID(bytes) is_valid(bytes, sizeof(bytes) - 1)

static void test_validate(void **state)
{
    (void)state;
    assert_true(IS_VALID("\x07\0\0\0\0\0\xff"));
    assert_true(IS_VALID("\x09\0\0\0\x01\0\x05\x01\xff"));
    assert_true(IS_VALID("\x09\0\0\0\xff\xff\x05\x01\xff"));
    assert_false(IS_VALID("\x06\0\0\0\0\0"));
    assert_false(IS_VALID("\x08\0\0\0\0\0\xff"));
    assert_false(IS_VALID("\x08\0\0\0\0\0\xff\xff"));
    assert_false(IS_VALID("\x07\0\0\0\0\0\x00"));
    assert_false(IS_VALID("\x07\0\0\0\x01\0\xff"));
    assert_false(IS_VALID("\x09\0\0\0\x02\0\x05\x01\xff"));
    assert_false(IS_VALID("\x09\0\0\0\x01\0\x05\x02\xff"));
    assert_false(IS_VALID("\x09\0\0\0\x01\0\x81\x02\xff"));
    assert_false(IS_VALID("\x09\0\0\0\x01\0\xf5\x01\xff"));
    assert_false(IS_VALID("\x09\0\0\0\x01\0\xf0\x01\xff"));
    assert_false(IS_VALID("\x0d\0\0\0\x01\0\xf0\xff\xff\xff\xff\x05\xff"));
    assert_false(IS_VALID("\x08\0\0\0\x01\0\xf4\xff"));
    assert_false(IS_VALID("\x08\0\0\0\x01\0\xef\xff"));
}

/* Each bit flipped and each length cut: valid or not, nothing is read outside,
 * and what is valid can be walked. */
static void test_damage(void **state)
{
    struct random r;
    (void)state;
    random_init(&r, 3);
    uint8_t *lp = lp_new();
    for (int i = 0; i < 60; i++) {
        struct slice item = random_item(&r);
        item.len = item.len < 130 ? item.len : 130;
        lp = lp_append(lp, item);
    }
    size_t bytes = listpack_bytes(lp);
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        lp[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (listpack_validate(slice_of(lp, bytes))) {
            size_t seen = 0;
            for (uint32_t pos = listpack_first(lp); pos != LISTPACK_NONE;
                 pos = listpack_next(lp, pos)) {
                seen++;
            }
            assert_int_equal(seen, 60);
        }
        lp[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < bytes; len++) {
        assert_false(is_valid((const char *)lp, len));
    }
    free(lp);
}

int test_listpack_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_back_lengths),
        cmocka_unit_test(test_convenience),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_count_unknown),
        cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_foreign_forms),
        cmocka_unit_test(test_validate),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests_name("listpack", tests, NULL, NULL);
}
