/* Tests of how values are stored: the encoding of every boundary value, long
 * keys, and overwriting in place exactly when the cell's class is the same. */
#include <stdlib.h>

#include "world.h"

static const int64_t DUE_MS = 1700000000123;

static const struct {
    const char *text;
    enum value_encoding enc;
} stored[] = {
    {"0", ENC_INT8}, {"-1", ENC_INT8}, {"127", ENC_INT8}, {"-128", ENC_INT8},
    {"128", ENC_INT16}, {"-129", ENC_INT16}, {"32767", ENC_INT16},
    {"-32768", ENC_INT16}, {"32768", ENC_INT32}, {"-32769", ENC_INT32},
    {"2147483647", ENC_INT32}, {"-2147483648", ENC_INT32},
    {"2147483648", ENC_INT64}, {"-2147483649", ENC_INT64},
    {"9223372036854775807", ENC_INT64}, {"-9223372036854775808", ENC_INT64},
    {"9223372036854775808", ENC_EMBED}, {"-9223372036854775809", ENC_EMBED},
    {"", ENC_EMBED}, {"-", ENC_EMBED}, {"-0", ENC_EMBED}, {"+1", ENC_EMBED},
    {"01", ENC_EMBED}, {" 1", ENC_EMBED}, {"1 ", ENC_EMBED},
    {"1.0", ENC_EMBED}, {"1e3", ENC_EMBED}, {"abc", ENC_EMBED},
    {"18446744073709551616000000000000000000000", ENC_EMBED},
};

enum { STORED_COUNT = sizeof stored / sizeof stored[0] };

static void check_stored(struct world *w, size_t i, struct slice key,
                         int64_t deadline_ms)
{
    struct slice value = slice_of_text(stored[i].text);
    struct entry *e = make(w, key, value, deadline_ms);
    assert_int_equal(e->encoding, stored[i].enc);
    assert_string_equal(entry_encoding_name(e),
                        stored[i].enc == ENC_EMBED ? "embstr" : "int");
    check_entry(e, w->m, key, value, deadline_ms);
    entry_destroy(e, w->m);
}

static void test_each_encoding(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[300];
    const size_t key_lens[] = {0, 1, 7, 8, 255, 300};
    world_init(&w);
    for (size_t i = 0; i < STORED_COUNT; i++) {
        for (size_t k = 0; k < 6; k++) {
            struct slice key = pattern(buffer, key_lens[k]);
            check_stored(&w, i, key, 0);
            check_stored(&w, i, key, 1);
            check_stored(&w, i, key, DUE_MS);
        }
        world_check_empty(&w);
    }
    world_deinit(&w);
}

static void test_integers_by_number(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < STORED_COUNT && stored[i].enc <= ENC_INT64; i++) {
        struct entry *e;
        int64_t v = strtoll(stored[i].text, NULL, 10);
        assert_int_equal(string_create_int(w.m, SLICE_LIT("n"), v, DUE_MS, &e),
                         ST_OK);
        assert_int_equal(e->encoding, stored[i].enc);
        check_entry(e, w.m, SLICE_LIT("n"), slice_of_text(stored[i].text),
                    DUE_MS);
        entry_destroy(e, w.m);
    }
    world_deinit(&w);
}

/* Every length around the ends of the one-byte prefix and of the cell. */
static void check_lengths(struct world *w, size_t key_len, int64_t deadline_ms)
{
    uint8_t key_buffer[64], buffer[SLAB_CELL_MAX + 100];
    struct slice key = pattern(key_buffer, key_len);
    size_t head = entry_head_bytes(key_len, deadline_ms > 0, false);
    size_t embed_max = SLAB_CELL_MAX - head - 2;
    for (size_t len = 0; len < sizeof buffer;
         len += len == 140 ? embed_max - 240 : 1) {
        struct slice value = pattern(buffer, len);
        struct entry *e = make(w, key, value, deadline_ms);
        size_t prefix = len < 128 ? 1 : 2;
        if (len <= embed_max) {
            assert_int_equal(e->encoding, ENC_EMBED);
            assert_int_equal(entry_shell_bytes(e), head + prefix + len);
        } else {
            assert_int_equal(e->encoding, ENC_BLOB);
            assert_int_equal(entry_shell_bytes(e), head + 8);
        }
        assert_string_equal(entry_encoding_name(e),
                            len <= 44 ? "embstr" : "raw");
        check_entry(e, w->m, key, value, deadline_ms);
        entry_destroy(e, w->m);
    }
}

static void test_each_length(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    check_lengths(&w, 0, 0);
    check_lengths(&w, 5, DUE_MS);
    check_lengths(&w, 61, 0);
    world_deinit(&w);
}

/* Keys around the edge of the cell and of the short key length. */
static void test_long_keys(void **state)
{
    (void)state;
    struct world w;
    const size_t lens[] = {2000, 2037, 2038, 2039, 2040, 2048, 5000, 65533,
                           65534, 65535, 65536, 200000};
    const char *const values[] = {"", "7", "1234567890123", "some words"};
    uint8_t *buffer = malloc(200000);
    world_init(&w);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct slice key = pattern(buffer, lens[i]);
        for (size_t v = 0; v < 4; v++) {
            struct slice value = slice_of_text(values[v]);
            struct entry *e = make(&w, key, value, v % 2 ? DUE_MS : 0);
            assert_int_equal((e->flags & ENTRY_LONG_KEY) != 0,
                             lens[i] > ENTRY_KEY_SHORT_MAX);
            check_entry(e, w.m, key, value, v % 2 ? DUE_MS : 0);
            assert_int_equal(entry_set_deadline(w.m, &e, 0), ST_OK);
            check_entry(e, w.m, key, value, 0);
            assert_int_equal(entry_set_deadline(w.m, &e, 99), ST_OK);
            check_entry(e, w.m, key, value, 99);
            entry_destroy(e, w.m);
        }
    }
    world_deinit(&w);
    free(buffer);
}

/* ---- overwriting ---- */

static void check_overwrite(struct world *w, struct slice from, struct slice to,
                            int64_t from_ms, int64_t to_ms)
{
    struct slice key = SLICE_LIT("a key");
    struct entry *e = make(w, key, from, from_ms);
    struct entry *fresh = make(w, key, to, to_ms);
    bool same = e->encoding != ENC_BLOB && fresh->encoding != ENC_BLOB
                && (from_ms > 0) == (to_ms > 0)
                && slab_cell_bytes(w->m->heap, e)
                       == slab_cell_bytes(w->m->heap, fresh);
    e->flags |= ENTRY_EDITED;
    e->hits = 77;
    assert_int_equal(string_overwrite(e, w->m, to, to_ms), same);
    if (same) {
        check_entry(e, w->m, key, to, to_ms);
        assert_int_equal(e->encoding, fresh->encoding);
        assert_int_equal(e->flags & ENTRY_EDITED, 0);
    } else {
        check_entry(e, w->m, key, from, from_ms);
        assert_int_not_equal(e->flags & ENTRY_EDITED, 0);
    }
    assert_int_equal(e->hits, 77);
    entry_destroy(e, w->m);
    entry_destroy(fresh, w->m);
}

static void test_overwrites_within_the_class(void **state)
{
    (void)state;
    struct world w;
    uint8_t from_buffer[2100], to_buffer[2100];
    static const size_t lens[] = {0, 1, 2, 3, 9, 10, 11, 17, 40, 120, 126, 127,
                                  128, 129, 130, 136, 300, 310, 900, 990, 1007,
                                  1008, 1009, 1010, 2030, 2032, 2040, 2100};
    enum { LENS = sizeof lens / sizeof lens[0] };
    world_init(&w);
    for (size_t i = 0; i < LENS * LENS; i++) {
        struct slice from = pattern(from_buffer, lens[i / LENS]);
        struct slice to = pattern(to_buffer, lens[i % LENS]);
        check_overwrite(&w, from, to, 0, 0);
        check_overwrite(&w, from, to, 5, DUE_MS);
        check_overwrite(&w, from, to, 0, 5);
        check_overwrite(&w, from, to, 5, 0);
    }
    for (size_t i = 0; i < STORED_COUNT * STORED_COUNT; i++) {
        check_overwrite(&w, slice_of_text(stored[i / STORED_COUNT].text),
                        slice_of_text(stored[i % STORED_COUNT].text), 0, 0);
    }
    world_deinit(&w);
}

static void test_overwrites_with_integers(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    struct entry *e = make(&w, SLICE_LIT("n"), SLICE_LIT("x"), DUE_MS);
    struct entry *twin = make(&w, SLICE_LIT("n"), SLICE_LIT("x"), DUE_MS);
    assert_true(string_overwrite_int(e, w.m, -128));
    check_entry(e, w.m, SLICE_LIT("n"), SLICE_LIT("-128"), DUE_MS);
    /* From 8 + 8 + 1 + 1 bytes to 8 + 8 + 1 + 8: another class. */
    assert_false(string_overwrite_int(e, w.m, INT64_MIN));
    check_entry(e, w.m, SLICE_LIT("n"), SLICE_LIT("-128"), DUE_MS);
    check_entry(twin, w.m, SLICE_LIT("n"), SLICE_LIT("x"), DUE_MS);
    entry_destroy(e, w.m);
    entry_destroy(twin, w.m);
    world_deinit(&w);
}

/* What lies outside the heap is never written over. */
static void test_never_overwrites_outside(void **state)
{
    (void)state;
    struct world w;
    uint8_t key_buffer[2 * SLAB_CELL_MAX], buffer[2 * SLAB_CELL_MAX];
    world_init(&w);
    struct slice key = pattern(key_buffer, sizeof key_buffer);
    struct slice big = pattern(buffer, sizeof buffer);
    struct entry *number = make(&w, key, SLICE_LIT("1"), 0);
    struct entry *blob = make(&w, SLICE_LIT("k"), big, 0);
    /* One as wide fits wherever the entry lies. */
    assert_true(string_overwrite(number, w.m, SLICE_LIT("2"), 0));
    assert_true(string_overwrite_int(number, w.m, 1));
    assert_false(string_overwrite(number, w.m, SLICE_LIT("300"), 0));
    assert_false(string_overwrite_int(number, w.m, 300));
    assert_false(string_overwrite(blob, w.m, big, 0));
    assert_false(string_overwrite(blob, w.m, SLICE_LIT("2"), 0));
    assert_false(string_overwrite_int(blob, w.m, 2));
    check_entry(number, w.m, key, SLICE_LIT("1"), 0);
    check_entry(blob, w.m, SLICE_LIT("k"), big, 0);
    entry_destroy(number, w.m);
    entry_destroy(blob, w.m);
    world_deinit(&w);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(value_type_name(TYPE_STRING), "string");
    assert_string_equal(value_type_name(TYPE_STREAM), "stream");
}

int test_encoding_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_encoding),
        cmocka_unit_test(test_integers_by_number),
        cmocka_unit_test(test_each_length),
        cmocka_unit_test(test_long_keys),
        cmocka_unit_test(test_overwrites_within_the_class),
        cmocka_unit_test(test_overwrites_with_integers),
        cmocka_unit_test(test_never_overwrites_outside),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
