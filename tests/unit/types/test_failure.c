/* Tests of failing memory: whichever allocation of an operation fails, the
 * entry is as it was and no byte is lost. */
#include "world.h"

struct trial {
    struct world w;
    struct entry *e;
    struct slice key, value;
    int64_t deadline_ms;
};

/* Does it; what was made is put right again by the operation itself, so that
 * only the entry is left. */
typedef enum status operation_fn(struct trial *t);

static uint8_t key_buffer[70000], value_buffer[40000];

static enum status create_op(struct trial *t)
{
    struct entry *e;
    enum status st = string_create(t->w.m, t->key, t->value, t->deadline_ms,
                                   &e);
    if (st == ST_OK) {
        entry_destroy(e, t->w.m);
    }
    return st;
}

static enum status create_int_op(struct trial *t)
{
    struct entry *e;
    enum status st = string_create_int(t->w.m, t->key, 12345, 0, &e);
    if (st == ST_OK) {
        entry_destroy(e, t->w.m);
    }
    return st;
}

static enum status edit_to(struct trial *t, size_t len)
{
    uint8_t *bytes;
    return string_edit(t->w.m, &t->e, len, &bytes);
}

static enum status grow_a_little_op(struct trial *t)
{
    return edit_to(t, t->value.len + 1);
}

static enum status grow_much_op(struct trial *t)
{
    return edit_to(t, t->value.len + 60000);
}

static enum status edit_pinned_op(struct trial *t)
{
    struct blob *b = string_blob_to_pin(t->e);
    if (b == NULL) {
        return edit_to(t, 0);
    }
    blob_pin(b);
    enum status st = edit_to(t, 0);
    blob_unpin(b);
    return st;
}

static enum status deadline_op(struct trial *t)
{
    int64_t other = t->deadline_ms > 0 ? 0 : 4711;
    enum status st = entry_set_deadline(t->w.m, &t->e, other);
    if (st == ST_OK) {
        t->deadline_ms = other;
    }
    return st;
}

static enum status move_op(struct trial *t)
{
    if (t->e->flags & ENTRY_UNSLABBED) {
        return ST_OK;
    }
    struct entry *to = entry_move(t->e, t->w.m);
    if (to == NULL) {
        return ST_NOMEM;
    }
    t->e = to;
    return ST_OK;
}

static enum status copy_op(struct trial *t)
{
    struct entry *to;
    enum status st = entry_transfer(t->e, t->w.m, t->w.m, SLICE_LIT("copy"), false,
                                    &to);
    if (st == ST_OK) {
        entry_destroy(to, t->w.m);
    }
    return st;
}

static enum status take_op(struct trial *t)
{
    struct entry *to;
    struct slice key = slice_of(key_buffer, 1050);
    enum status st = entry_transfer(t->e, t->w.m, t->w.m, key, true, &to);
    if (st == ST_OK) {
        entry_transfer_undo(to, t->e, t->w.m);
    }
    return st;
}

static void check_unharmed(struct trial *t, size_t used)
{
    check_entry(t->e, t->w.m, t->key, t->value, t->deadline_ms);
    assert_int_equal(mem_used(t->w.m->account), used);
}

/* One more allocation succeeds at each try, until the operation does. */
static void try_until_done(struct trial *t, operation_fn *op)
{
    size_t used = mem_used(t->w.m->account);
    enum status st = ST_NOMEM;
    for (int n = 0; st != ST_OK; n++) {
        assert_true(n < 10);
        t->w.m->account->fail_after = n;
        st = op(t);
        t->w.m->account->fail_after = -1;
        if (st != ST_OK) {
            assert_int_equal(st, ST_NOMEM);
            check_unharmed(t, used);
        }
    }
}

static void run_trials(operation_fn *op)
{
    const size_t key_lens[] = {1, 1030, 66000};
    const size_t value_lens[] = {0, 2, 120, 127, 990, 1000, 20000};
    struct trial t;
    world_init(&t.w);
    for (unsigned i = 0; i < 3 * 7 * 2; i++) {
        t.key = pattern(key_buffer, key_lens[i % 3]);
        t.value = pattern(value_buffer, value_lens[i / 6]);
        if (t.value.len == 2) {
            t.value = SLICE_LIT("42");
        }
        t.deadline_ms = i / 3 % 2 ? 99 : 0;
        t.e = make(&t.w, t.key, t.value, t.deadline_ms);
        try_until_done(&t, op);
        entry_destroy(t.e, t.w.m);
        world_check_empty(&t.w);
    }
    world_deinit(&t.w);
}

#define FAILURE_TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        run_trials(name##_op); \
    }

FAILURE_TEST(create)
FAILURE_TEST(create_int)
FAILURE_TEST(grow_a_little)
FAILURE_TEST(grow_much)
FAILURE_TEST(edit_pinned)
FAILURE_TEST(deadline)
FAILURE_TEST(move)
FAILURE_TEST(copy)
FAILURE_TEST(take)

int test_failure_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_create_int),
        cmocka_unit_test(test_grow_a_little),
        cmocka_unit_test(test_grow_much),
        cmocka_unit_test(test_edit_pinned),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
