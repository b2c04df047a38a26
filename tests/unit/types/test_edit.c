/* Tests of editing in place, of values pinned by replies, of deadlines and of
 * moving entries. */
#include <pthread.h>
#include <stdlib.h>

#include "world.h"

enum { MODEL_MAX = 64 * 1024 };

/* An entry and the bytes it should have. */
struct edited {
    struct world *w;
    struct entry *e;
    struct slice key;
    uint8_t *bytes;
    size_t len;
    int64_t deadline_ms;
};

static void edited_init(struct edited *t, struct world *w, struct slice value,
                        int64_t deadline_ms)
{
    *t = (struct edited){.w = w, .key = SLICE_LIT("edited"),
                         .len = value.len, .deadline_ms = deadline_ms};
    t->bytes = calloc(1, MODEL_MAX);
    memcpy(t->bytes, value.data, value.len);
    t->e = make(w, t->key, value, deadline_ms);
    t->e->hits = 9;
    t->e->access_clock = 12345;
    t->e->flags |= ENTRY_INDEXED | ENTRY_PARITY;
}

static void edited_deinit(struct edited *t)
{
    entry_destroy(t->e, t->w->m);
    free(t->bytes);
}

/* Edits to `len`, checks what is there, and writes the last byte. */
static void edit(struct edited *t, size_t len)
{
    uint8_t *bytes;
    assert_int_equal(string_edit(t->w->m, &t->e, len, &bytes), ST_OK);
    t->len = len > t->len ? len : t->len;
    if (t->len > 0) {
        assert_memory_equal(bytes, t->bytes, t->len);
        t->bytes[t->len - 1] = bytes[t->len - 1] = '!';
    }
    check_entry(t->e, t->w->m, t->key, slice_of(t->bytes, t->len),
                t->deadline_ms);
    assert_int_equal(t->e->hits, 9);
    assert_int_equal(t->e->access_clock, 12345);
    assert_int_equal(t->e->flags & (ENTRY_INDEXED | ENTRY_PARITY),
                     ENTRY_INDEXED | ENTRY_PARITY);
    assert_string_equal(entry_encoding_name(t->e), "raw");
}

static void check_growth(struct world *w, struct slice start,
                         int64_t deadline_ms)
{
    const size_t lens[] = {0, 1, 5, 126, 127, 128, 129, 500, 990, 1000, 1008,
                           1010, 1024, 1025, 2038, 2048, 2049, 3000,
                           3001, 20000, 100, 50000};
    struct edited t;
    edited_init(&t, w, start, deadline_ms);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        edit(&t, lens[i]);
    }
    edited_deinit(&t);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        edited_init(&t, w, start, deadline_ms);
        edit(&t, lens[i]);
        edited_deinit(&t);
    }
}

static void test_growth(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[4000];
    world_init(&w);
    for (int64_t due = 0; due < 8; due += 7) {
        check_growth(&w, SLICE_LIT(""), due);
        check_growth(&w, SLICE_LIT("-128"), due);
        check_growth(&w, SLICE_LIT("1234567890123456789"), due);
        check_growth(&w, SLICE_LIT("bytes"), due);
        check_growth(&w, pattern(buffer, 128), due);
        check_growth(&w, pattern(buffer, 4000), due);
    }
    world_deinit(&w);
}

/* As many bytes as there are: nothing moves, nothing is allocated. */
static void test_same_length_stays(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[2500], *bytes;
    world_init(&w);
    for (size_t len = 5; len <= sizeof buffer; len += 399) {
        struct slice value = pattern(buffer, len);
        struct entry *e = make(&w, SLICE_LIT("k"), value, 0), *was = e;
        w.m->account->fail_after = 0;
        assert_int_equal(string_edit(w.m, &e, 0, &bytes), ST_OK);
        assert_int_equal(string_edit(w.m, &e, len, &bytes), ST_OK);
        w.m->account->fail_after = -1;
        assert_ptr_equal(e, was);
        assert_memory_equal(bytes, buffer, len);
        check_entry(e, w.m, SLICE_LIT("k"), value, 0);
        entry_destroy(e, w.m);
    }
    world_deinit(&w);
}

/* Appending byte by byte moves a blob a few times only. */
static void test_growth_is_amortized(void **state)
{
    (void)state;
    struct world w;
    uint8_t *bytes;
    unsigned moves = 0;
    const void *was = NULL;
    world_init(&w);
    struct entry *e = make(&w, SLICE_LIT("k"), SLICE_LIT(""), 0);
    for (size_t len = 1; len <= 1 << 20; len++) {
        assert_int_equal(string_edit(w.m, &e, len, &bytes), ST_OK);
        const void *is = e->encoding == ENC_BLOB ? entry_pointer(e) : NULL;
        moves += is != was;
        was = is;
    }
    assert_true(moves < 20);
    entry_destroy(e, w.m);
    world_deinit(&w);
}

/* ---- pins ---- */

static void *unpin_on_thread(void *blob)
{
    blob_unpin(blob);
    return NULL;
}

/* The pin goes on another thread, as with a reply that is sent late. */
static void unpin_elsewhere(struct blob *b)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, unpin_on_thread, b), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_small_values_are_not_pinned(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[STRING_PIN_BYTES];
    world_init(&w);
    const struct {
        size_t len;
        bool pins;
    } cases[] = {{3, false}, {2000, false}, {STRING_PIN_BYTES - 1, false},
                 {STRING_PIN_BYTES, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct entry *e = make(&w, SLICE_LIT("k"),
                               pattern(buffer, cases[i].len), 0);
        assert_int_equal(string_blob_to_pin(e) != NULL, cases[i].pins);
        entry_destroy(e, w.m);
    }
    world_deinit(&w);
}

/* Editing leaves the pinned bytes alone; the account has only the new ones. */
static void test_edit_copies_what_is_pinned(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[20000], *bytes;
    world_init(&w);
    for (size_t len = 0; len <= 40000; len += 20000) {
        struct slice value = pattern(buffer, sizeof buffer);
        struct entry *e = make(&w, SLICE_LIT("k"), value, 0);
        struct blob *b = string_blob_to_pin(e);
        assert_non_null(b);
        blob_pin(b);
        assert_int_equal(string_edit(w.m, &e, len, &bytes), ST_OK);
        assert_ptr_not_equal(entry_pointer(e), b);
        assert_memory_equal(bytes, buffer, sizeof buffer);
        memset(bytes, 'Z', sizeof buffer);
        assert_memory_equal(b->bytes, buffer, sizeof buffer);
        assert_int_equal(entry_bytes(e, w.m),
                         mem_used(w.m->account) - w.empty_bytes[0]);
        /* The copy is nobody else's: no third one is made. */
        uint8_t *again;
        assert_int_equal(string_edit(w.m, &e, len, &again), ST_OK);
        assert_ptr_equal(again, bytes);
        unpin_elsewhere(b);
        entry_destroy(e, w.m);
    }
    world_deinit(&w);
}

static void test_pinned_bytes_outlive_the_entry(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[30000];
    world_init(&w);
    struct slice value = pattern(buffer, sizeof buffer);
    struct entry *e = make(&w, SLICE_LIT("k"), value, 0);
    struct blob *b = string_blob_to_pin(e);
    blob_pin(b);
    blob_pin(b);
    entry_destroy(e, w.m);
    world_check_empty(&w); /* off the account at once */
    unpin_elsewhere(b);
    assert_int_equal(b->len, sizeof buffer);
    assert_memory_equal(b->bytes, buffer, sizeof buffer);
    unpin_elsewhere(b);
    world_deinit(&w);
}

/* A pin that went before the entry leaves no trace. */
static void test_pin_that_goes_first(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[30000], *bytes;
    world_init(&w);
    struct entry *e = make(&w, SLICE_LIT("k"), pattern(buffer, 30000), 0);
    struct blob *b = string_blob_to_pin(e);
    blob_pin(b);
    unpin_elsewhere(b);
    assert_int_equal(string_edit(w.m, &e, 0, &bytes), ST_OK);
    assert_ptr_equal(entry_pointer(e), b);
    entry_destroy(e, w.m);
    world_deinit(&w);
}

/* ---- deadlines, moves ---- */

static void test_deadline_comes_and_goes(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[2500];
    const size_t lens[] = {0, 1, 120, 127, 128, 900, 990, 1000, 1005, 2030,
                           2500};
    struct slice key = SLICE_LIT("a key of some length");
    world_init(&w);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct slice value = pattern(buffer, lens[i]);
        struct entry *e = make(&w, key, value, 0);
        e->flags |= ENTRY_EDITED | ENTRY_EPOCH;
        e->hits = 3;
        for (int64_t due = 5; due >= 0; due--) {
            assert_int_equal(entry_set_deadline(w.m, &e, due), ST_OK);
            check_entry(e, w.m, key, value, due);
            assert_int_equal(e->hits, 3);
            assert_int_equal(e->flags & (ENTRY_EDITED | ENTRY_EPOCH),
                             ENTRY_EDITED | ENTRY_EPOCH);
        }
        entry_destroy(e, w.m);
    }
    world_deinit(&w);
}

static void test_move(void **state)
{
    (void)state;
    struct world w;
    uint8_t buffer[2500];
    const size_t lens[] = {0, 1, 127, 128, 990, 2030, 2500};
    world_init(&w);
    for (size_t i = 0; i < 2 * sizeof lens / sizeof lens[0]; i++) {
        struct slice value = pattern(buffer, lens[i / 2]);
        int64_t due = i % 2 ? 77 : 0;
        struct entry *e = make(&w, SLICE_LIT("moved"), value, due);
        e->hits = 200;
        e->flags |= ENTRY_INDEXED;
        uint8_t flags = e->flags;
        struct entry *to = entry_move(e, w.m);
        assert_non_null(to);
        check_entry(to, w.m, SLICE_LIT("moved"), value, due);
        assert_int_equal(to->hits, 200);
        assert_int_equal(to->flags, flags);
        entry_destroy(to, w.m);
    }
    world_deinit(&w);
}

int test_edit_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_same_length_stays),
        cmocka_unit_test(test_growth_is_amortized),
        cmocka_unit_test(test_small_values_are_not_pinned),
        cmocka_unit_test(test_edit_copies_what_is_pinned),
        cmocka_unit_test(test_pinned_bytes_outlive_the_entry),
        cmocka_unit_test(test_pin_that_goes_first),
        cmocka_unit_test(test_deadline_comes_and_goes),
        cmocka_unit_test(test_move),
    };
    return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}
