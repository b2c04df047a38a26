/* Random changes of a set against an array of flags, in its three forms, while
 * memory fails now and then; fair draws; scans of a set that changes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "types/set.h"
#include "world.h"

enum { MEMBERS = 900, STEPS = 15000, LONG_BYTES = 3000 };

/* Which texts a round draws its members from. */
enum flavour { INTS, TEXTS, MIXED, FLAVOURS };

struct model {
    struct world w;
    struct random random;
    struct value_limits limits;
    struct entry *e;
    enum flavour flavour;
    bool is_in[MEMBERS];
    size_t count;
    int64_t deadline_ms;
    unsigned visits[MEMBERS];
    size_t taken; /* note_taken's */
    bool is_bad;
    size_t forms[3]; /* steps that ended as intset, listpack, table */
};

static uint8_t member_buffer[LONG_BYTES];

static size_t below(struct model *m, size_t n)
{
    return (size_t)random_below(&m->random, n);
}

/* The text of a member, good until the next call. */
static struct slice member(const struct model *m, size_t i)
{
    char *text = (char *)member_buffer;
    bool is_int = m->flavour == INTS || (m->flavour == MIXED && i % 3 > 0);
    if (is_int) {
        int64_t v = i % 5 == 0 ? (int64_t)i << 50 : (int64_t)i - 400;
        int len = snprintf(text, 32, "%lld", (long long)v);
        return slice_of(text, (size_t)len);
    }
    size_t len = i % 97 == 0 ? LONG_BYTES - i : i % 31 == 0 ? 250 + i / 31
                                                            : i % 60 + 4;
    memset(text, 'x', len);
    return slice_of(text, (size_t)snprintf(text, 8, "%zu_", i) > len ? 5 : len);
}

static size_t index_of(const struct model *m, struct slice s)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (slice_equal(s, member(m, i))) {
            return i;
        }
    }
    return MEMBERS;
}

/* ---- checks ---- */

static bool count_visit(void *self, struct slice s)
{
    struct model *m = self;
    size_t i = index_of(m, s);
    m->is_bad |= i == MEMBERS || !m->is_in[i];
    if (i < MEMBERS) {
        m->visits[i]++;
    }
    return true;
}

static void check_members(struct model *m)
{
    memset(m->visits, 0, sizeof m->visits);
    set_visit(m->e, count_visit, m);
    assert_false(m->is_bad);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(m->visits[i], m->is_in[i]);
        assert_int_equal(set_contains(m->e, member(m, i)), m->is_in[i]);
    }
}

static void check_set(struct model *m)
{
    const struct entry *e = m->e;
    assert_int_equal(e->type, TYPE_SET);
    assert_true(slice_equal(entry_key(e), SLICE_LIT("a set")));
    assert_int_equal(entry_deadline_ms(e),
                     m->deadline_ms > 0 ? m->deadline_ms : INT64_MAX);
    assert_int_equal(value_count(e), m->count);
    if (e->encoding == ENC_BIG) {
        const struct value *v = entry_value(e);
        v->ops->check(v, m->w.m);
        m->forms[2]++;
    } else {
        m->forms[(e->flags & ENTRY_INTS) ? 0 : 1]++;
    }
    assert_int_equal(entry_bytes(e, m->w.m),
                     mem_used(m->w.m->account) - m->w.empty_bytes[0]);
}

/* ---- steps ---- */

static void set_is_in(struct model *m, size_t i, bool is_in)
{
    m->count += is_in && !m->is_in[i];
    m->count -= !is_in && m->is_in[i];
    m->is_in[i] = is_in;
}

static void step_add(struct model *m)
{
    bool added;
    size_t i = below(m, below(m, 2) ? MEMBERS : 60);
    enum status st = set_add(m->w.m, &m->limits, &m->e, member(m, i), &added);
    if (st == ST_OK) {
        assert_int_equal(added, !m->is_in[i]);
        set_is_in(m, i, true);
    } else {
        assert_int_equal(st, ST_NOMEM);
        assert_false(added);
    }
}

static void step_remove(struct model *m)
{
    size_t i = below(m, below(m, 2) ? MEMBERS : 60);
    assert_int_equal(set_remove(m->w.m, &m->e, member(m, i)), m->is_in[i]);
    set_is_in(m, i, false);
}

/* Still in the set, whose member it is. */
static bool note_taken(void *self, struct slice s)
{
    struct model *m = self;
    m->taken = index_of(m, s);
    return true;
}

static void step_pop(struct model *m)
{
    if (m->count == 0) {
        return;
    }
    m->taken = MEMBERS;
    set_take_random(m->w.m, &m->e, &m->random, note_taken, m);
    assert_true(m->taken < MEMBERS);
    assert_true(m->is_in[m->taken]);
    set_is_in(m, m->taken, false);
}

static void step_limits(struct model *m)
{
    const int64_t counts[] = {0, 1, 16, 128, 512, 5000};
    atomic_store(&m->limits.set_intset_max, counts[below(m, 6)]);
    atomic_store(&m->limits.set_listpack_max, counts[below(m, 6)]);
    atomic_store(&m->limits.set_value_max, counts[below(m, 6)]);
}

static void step_expect(struct model *m)
{
    struct slice member = below(m, 2) ? SLICE_LIT("a") : SLICE_LIT("1");
    bool was_ints = (m->e->flags & ENTRY_INTS) != 0;
    size_t have = value_count(m->e), count = below(m, 600);
    if (set_expect(m->w.m, &m->limits, &m->e, &member, count) != ST_OK
        || m->e->encoding == ENC_BIG) {
        return;
    }
    bool is_ints = was_ints && (have > 0 || member.data[0] == '1');
    assert_true((is_ints && (int64_t)count <= m->limits.set_intset_max)
                || ((!is_ints || have == 0)
                    && (int64_t)count <= m->limits.set_listpack_max));
}

static void step_deadline(struct model *m)
{
    int64_t due = below(m, 2) ? 1 + (int64_t)below(m, 1000) : 0;
    if (entry_set_deadline(m->w.m, &m->e, due) == ST_OK) {
        m->deadline_ms = due;
    }
}

/* The copy takes the set's place, and the first one is destroyed. */
static void step_copy(struct model *m)
{
    struct entry *to;
    if (entry_transfer(m->e, m->w.m, m->w.m, SLICE_LIT("a set"), false, &to)
        == ST_OK) {
        entry_destroy(m->e, m->w.m);
        m->e = to;
    }
}

static void step_check(struct model *m)
{
    check_members(m);
}

static void make_empty(struct model *m)
{
    assert_int_equal(value_create_empty(m->w.m, SLICE_LIT("a set"), TYPE_SET,
                                        0, &m->e), ST_OK);
    memset(m->is_in, 0, sizeof m->is_in);
    m->count = 0;
    m->deadline_ms = 0;
}

static void model_init(struct model *m, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    world_init(&m->w);
    random_init(&m->random, seed);
    value_limits_init(&m->limits);
    make_empty(m);
}

static void model_deinit(struct model *m)
{
    entry_destroy(m->e, m->w.m);
    world_deinit(&m->w);
}

typedef void step_fn(struct model *m);

/* How often the form that was least seen was seen. */
static size_t seldom(const struct model *m)
{
    size_t least = m->forms[0];
    for (size_t i = 1; i < 3; i++) {
        least = m->forms[i] < least ? m->forms[i] : least;
    }
    return least;
}

static void test_random_changes(void **state)
{
    (void)state;
    static step_fn *const steps[] = {
        step_add, step_add, step_add, step_add, step_remove, step_pop,
        step_deadline, step_copy, step_remove, step_pop, step_remove,
    };
    struct model m;
    model_init(&m, 5);
    /* Which allocations fail differs from run to run, and with it the forms. */
    for (size_t n = 0; n < STEPS || (n < 4 * STEPS && seldom(&m) < STEPS / 20);
         n++) {
        if (n % 500 == 0) { /* sets only become bigger: begin anew */
            entry_destroy(m.e, m.w.m);
            world_check_empty(&m.w);
            make_empty(&m);
            step_limits(&m);
            m.flavour = n / 500 % FLAVOURS;
        }
        size_t kind = n % 500 < 350 ? below(&m, 8) : 4 + below(&m, 7);
        m.w.m->account->fail_after = n % 4 == 0 ? (int64_t)below(&m, 5) : -1;
        if (n % 125 == 100) { /* seldom, since it makes sets big */
            step_expect(&m);
        }
        steps[kind](&m);
        m.w.m->account->fail_after = -1;
        check_set(&m);
        if (n % 100 == 99) {
            step_check(&m);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(m.forms[i], STEPS / 20, 4 * STEPS);
    }
    model_deinit(&m);
}

/* ---- draws ---- */

static void fill(struct model *m, size_t from, size_t to)
{
    bool added;
    for (size_t i = from; i < to; i++) {
        assert_int_equal(set_add(m->w.m, &m->limits, &m->e, member(m, i),
                                 &added), ST_OK);
        set_is_in(m, i, true);
    }
}

/* Chi squared with n - 1 degrees of freedom: its mean is n - 1, its deviation
 * sqrt(2 (n - 1)); six of them away would be one chance in a million or so. */
static void check_fair(struct model *m, size_t n)
{
    enum { DRAWS_EACH = 200 };
    char scratch[SET_SCRATCH_BYTES];
    double sum = 0;
    memset(m->visits, 0, sizeof m->visits);
    for (size_t i = 0; i < n * DRAWS_EACH; i++) {
        (void)count_visit(m, set_random(m->e, &m->random, scratch));
    }
    assert_false(m->is_bad);
    for (size_t i = 0; i < n; i++) {
        double off = (double)m->visits[i] - DRAWS_EACH;
        sum += off * off / DRAWS_EACH;
    }
    double mean = (double)n - 1, far = sum - mean;
    assert_true(far * far < 36 * 2 * mean);
}

static void test_draws_are_fair(void **state)
{
    (void)state;
    const size_t sizes[] = {2, 60, 100};
    for (int flavour = INTS; flavour <= TEXTS; flavour++) {
        for (size_t i = 0; i < 3; i++) {
            struct model m;
            model_init(&m, 99);
            m.flavour = (enum flavour)flavour;
            atomic_store(&m.limits.set_intset_max, 60);
            atomic_store(&m.limits.set_value_max, 10000);
            atomic_store(&m.limits.set_listpack_max, 60);
            fill(&m, 0, sizes[i]);
            assert_int_equal(m.e->encoding == ENC_BIG, sizes[i] > 60);
            check_fair(&m, sizes[i]);
            model_deinit(&m);
        }
    }
}

/* ---- scans ---- */

/* What is there from the beginning to the end is visited, whatever comes and
 * goes meanwhile; what never was there is not. */
static void test_scan_of_a_changing_set(void **state)
{
    (void)state;
    enum { STAYS = 300 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model m;
        uint64_t cursor = 0;
        model_init(&m, seed);
        m.flavour = TEXTS;
        fill(&m, 0, STAYS);
        size_t grown = seed % 2 ? STAYS : MEMBERS; /* it grows, or shrinks */
        fill(&m, STAYS, grown);
        do {
            cursor = set_scan(m.e, cursor, count_visit, &m);
            for (size_t i = 0; i < 40; i++) {
                size_t other = STAYS + below(&m, MEMBERS - STAYS);
                if (seed % 2 == 0) {
                    (void)set_remove(m.w.m, &m.e, member(&m, other));
                    set_is_in(&m, other, false);
                } else {
                    fill(&m, other, other + 1);
                }
            }
        } while (cursor != 0);
        assert_false(m.is_bad);
        for (size_t i = 0; i < STAYS; i++) {
            assert_true(m.visits[i] > 0);
        }
        model_deinit(&m);
    }
}

int test_set_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_draws_are_fair),
        cmocka_unit_test(test_scan_of_a_changing_set),
    };
    return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
