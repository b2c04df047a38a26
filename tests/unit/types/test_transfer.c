/* Tests of giving a value to another key, in the same account or another: taken
 * or copied, done or undone. */
#include "world.h"

/* One way a transfer can go. */
struct course {
    size_t from_key_len, to_key_len, value_len;
    int64_t deadline_ms;
    bool take, undo, same_account;
};

static uint8_t from_buffer[70000], to_buffer[70000], value_buffer[40000];

static void go(struct world *w, const struct course *c)
{
    struct entry_memory *to_m = &w->memories[c->same_account ? 0 : 1];
    struct slice from_key = pattern(from_buffer, c->from_key_len);
    struct slice to_key = pattern(to_buffer, c->to_key_len);
    struct slice value = pattern(value_buffer, c->value_len);
    if (c->value_len == 3) {
        value = SLICE_LIT("-42"); /* an integer among the bytes */
    }
    struct entry *from = make(w, from_key, value, c->deadline_ms), *to;
    from->hits = 50;
    from->access_clock = 999;
    from->flags |= ENTRY_INDEXED | ENTRY_PARITY;
    assert_int_equal(entry_transfer(from, w->m, to_m, to_key, c->take, &to), ST_OK);
    check_entry(to, to_m, to_key, value, c->deadline_ms);
    assert_int_equal(to->hits, 50);
    assert_int_equal(to->access_clock, 999);
    assert_int_equal(to->flags & (ENTRY_INDEXED | ENTRY_PARITY), 0);
    check_entry(from, w->m, from_key, value, c->deadline_ms);
    if (c->undo) {
        entry_transfer_undo(to, from, to_m);
        check_entry(from, w->m, from_key, value, c->deadline_ms);
        entry_destroy(from, w->m);
    } else if (c->take) {
        assert_null(entry_transfer_done(from, to, w->m, to_m));
        check_entry(to, to_m, to_key, value, c->deadline_ms);
        entry_destroy(to, to_m);
    } else {
        entry_destroy(from, w->m);
        check_entry(to, to_m, to_key, value, c->deadline_ms);
        entry_destroy(to, to_m);
    }
    world_check_empty(w);
}

static void test_every_course(void **state)
{
    (void)state;
    struct world w;
    const size_t key_lens[] = {0, 3, 200, 1010, 1030, 66000};
    const size_t value_lens[] = {0, 3, 100, 128, 900, 1000, 20000};
    world_init(&w);
    for (unsigned i = 0; i < 6 * 6 * 7 * 16; i++) {
        struct course c = {
            .take = i & 1, .undo = i & 2, .same_account = i & 4,
            .deadline_ms = i & 8 ? 123456789 : 0,
            .from_key_len = key_lens[i / 16 % 6],
            .to_key_len = key_lens[i / 96 % 6],
            .value_len = value_lens[i / 576],
        };
        go(&w, &c);
    }
    world_deinit(&w);
}

/* A pinned value changes hands and accounts, and its pin still holds it. */
static void test_pinned_value_changes_hands(void **state)
{
    (void)state;
    struct world w;
    struct slice value = pattern(value_buffer, 20000);
    world_init(&w);
    struct entry *from = make(&w, SLICE_LIT("from"), value, 0), *to;
    struct blob *b = string_blob_to_pin(from);
    blob_pin(b);
    assert_int_equal(entry_transfer(from, w.m, &w.memories[1], SLICE_LIT("to"), true,
                                    &to), ST_OK);
    assert_ptr_equal(entry_pointer(to), b);
    assert_null(entry_transfer_done(from, to, w.m, &w.memories[1]));
    assert_int_equal(mem_used(&w.accounts[0]), w.empty_bytes[0]);
    entry_destroy(to, &w.memories[1]);
    world_check_empty(&w);
    assert_memory_equal(b->bytes, value.data, value.len);
    blob_unpin(b);
    world_deinit(&w);
}

/* A string edited in place keeps its word under another name. */
static void test_edited_stays_raw(void **state)
{
    (void)state;
    struct world w;
    uint8_t *bytes;
    world_init(&w);
    struct entry *from = make(&w, SLICE_LIT("from"), SLICE_LIT("abc"), 0), *to;
    assert_int_equal(string_edit(w.m, &from, 3, &bytes), ST_OK);
    assert_int_equal(entry_transfer(from, w.m, w.m, SLICE_LIT("to"), false, &to),
                     ST_OK);
    assert_string_equal(entry_encoding_name(from), "raw");
    assert_string_equal(entry_encoding_name(to), "raw");
    entry_destroy(from, w.m);
    entry_destroy(to, w.m);
    world_deinit(&w);
}

int test_transfer_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_course),
        cmocka_unit_test(test_pinned_value_changes_hands),
        cmocka_unit_test(test_edited_stays_raw),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
