/* Random steps on many entries against plain buffers, while memory fails now
 * and then. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "world.h"

enum { PLACES = 40, STEPS = 150000, VALUE_MAX = 24000, PINS = 8 };

struct place {
    struct entry *e; /* NULL: nothing there */
    char key[80];
    size_t len;
    int64_t deadline_ms;
    uint8_t bytes[VALUE_MAX];
};

/* A value held as a reply would, and what it was then. */
struct pin {
    struct blob *blob;
    uint8_t *copy;
};

struct model {
    struct world w;
    struct random random;
    struct place *places;
    struct pin pins[PINS];
};

static size_t below(struct model *m, size_t n)
{
    return (size_t)random_below(&m->random, n);
}

static void check_place(const struct model *m, const struct place *p)
{
    if (p->e != NULL) {
        check_entry(p->e, m->w.m, slice_of_text(p->key),
                    slice_of(p->bytes, p->len), p->deadline_ms);
    }
}

static size_t random_value(struct model *m, uint8_t *out)
{
    if (below(m, 3) == 0) {
        int64_t v = (int64_t)random_next(&m->random) >> below(m, 64);
        return (size_t)snprintf((char *)out, 32, "%lld", (long long)v);
    }
    const size_t max[] = {20, 150, 1100, VALUE_MAX};
    size_t len = below(m, max[below(m, 50) == 0 ? 3 : below(m, 3)]);
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)random_next(&m->random);
    }
    return len;
}

static int64_t random_deadline(struct model *m)
{
    return below(m, 2) ? 1 + (int64_t)below(m, 1000000) : 0;
}

static void step_set(struct model *m, struct place *p)
{
    static uint8_t bytes[VALUE_MAX];
    struct entry *made;
    size_t len = random_value(m, bytes);
    struct slice value = slice_of(bytes, len);
    int64_t due = random_deadline(m);
    if (p->e == NULL || !string_overwrite(p->e, m->w.m, value, due)) {
        if (string_create(m->w.m, slice_of_text(p->key), value, due, &made)
            != ST_OK) {
            return;
        }
        if (p->e != NULL) {
            entry_destroy(p->e, m->w.m);
        }
        p->e = made;
    }
    memcpy(p->bytes, bytes, len);
    p->len = len;
    p->deadline_ms = due;
}

static void step_edit(struct model *m, struct place *p)
{
    uint8_t *bytes;
    size_t len = below(m, below(m, 30) == 0 ? VALUE_MAX : p->len + 50);
    len = len < VALUE_MAX ? len : VALUE_MAX;
    if (string_edit(m->w.m, &p->e, len, &bytes) != ST_OK) {
        return;
    }
    if (len > p->len) {
        memset(p->bytes + p->len, 0, len - p->len);
        p->len = len;
    }
    for (int i = 0; p->len > 0 && i < 3; i++) {
        size_t at = below(m, p->len);
        p->bytes[at] = bytes[at] = (uint8_t)('0' + below(m, 12));
    }
}

static void step_set_int(struct model *m, struct place *p)
{
    int64_t v = (int64_t)random_next(&m->random) >> below(m, 64);
    if (string_overwrite_int(p->e, m->w.m, v)) {
        p->len = (size_t)snprintf((char *)p->bytes, 32, "%lld", (long long)v);
    }
}

static void step_transfer(struct model *m, struct place *from)
{
    struct place *to = &m->places[below(m, PLACES)];
    struct entry *made;
    bool take = below(m, 2), undo = below(m, 3) == 0;
    if (to == from
        || entry_transfer(from->e, m->w.m, m->w.m, slice_of_text(to->key), take, &made)
               != ST_OK) {
        return;
    }
    if (undo) {
        entry_transfer_undo(made, from->e, m->w.m);
        return;
    }
    if (to->e != NULL) {
        entry_destroy(to->e, m->w.m);
    }
    to->e = made;
    to->len = from->len;
    to->deadline_ms = from->deadline_ms;
    memcpy(to->bytes, from->bytes, from->len);
    if (take) {
        assert_null(entry_transfer_done(from->e, made, m->w.m, m->w.m));
        from->e = NULL;
    }
}

static void unpin(struct pin *p)
{
    if (p->blob != NULL) {
        assert_memory_equal(p->blob->bytes, p->copy, p->blob->len);
        blob_unpin(p->blob);
        free(p->copy);
    }
    *p = (struct pin){0};
}

static void step_pin(struct model *m, struct place *place)
{
    struct pin *p = &m->pins[below(m, PINS)];
    unpin(p);
    p->blob = string_blob_to_pin(place->e);
    if (p->blob != NULL) {
        blob_pin(p->blob);
        p->copy = malloc(p->blob->len);
        memcpy(p->copy, p->blob->bytes, p->blob->len);
    }
}

static void step_move(struct model *m, struct place *p)
{
    if ((p->e->flags & ENTRY_UNSLABBED) == 0) {
        struct entry *to = entry_move(p->e, m->w.m);
        p->e = to != NULL ? to : p->e;
    }
}

static void step_deadline(struct model *m, struct place *p)
{
    int64_t due = random_deadline(m);
    if (entry_set_deadline(m->w.m, &p->e, due) == ST_OK) {
        p->deadline_ms = due;
    }
}

static void step(struct model *m, struct place *p)
{
    size_t kind = p->e == NULL ? 0 : below(m, 10);
    switch (kind) {
    case 0:
    case 1:
        step_set(m, p);
        break;
    case 2:
    case 3:
    case 4:
        step_edit(m, p);
        break;
    case 5:
        step_set_int(m, p);
        break;
    case 6:
        step_deadline(m, p);
        break;
    case 7:
        step_transfer(m, p);
        break;
    case 8:
        step_move(m, p);
        break;
    default:
        step_pin(m, p);
        break;
    }
}

static void model_init(struct model *m)
{
    memset(m, 0, sizeof *m);
    world_init(&m->w);
    random_init(&m->random, 7);
    m->places = calloc(PLACES, sizeof *m->places);
    for (unsigned i = 0; i < PLACES; i++) {
        snprintf(m->places[i].key, sizeof m->places[i].key, "%0*u",
                 (int)(2 + i * 2 % 70), i);
    }
}

static void model_deinit(struct model *m)
{
    for (int i = 0; i < PLACES; i++) {
        check_place(m, &m->places[i]);
        if (m->places[i].e != NULL) {
            entry_destroy(m->places[i].e, m->w.m);
        }
    }
    world_check_empty(&m->w);
    for (int i = 0; i < PINS; i++) {
        unpin(&m->pins[i]);
    }
    free(m->places);
    world_deinit(&m->w);
}

static void test_model(void **state)
{
    (void)state;
    struct model m;
    model_init(&m);
    for (unsigned n = 0; n < STEPS; n++) {
        struct place *p = &m.places[below(&m, PLACES)];
        m.w.m->account->fail_after = n % 5 == 0 ? (int64_t)below(&m, 3) : -1;
        step(&m, p);
        m.w.m->account->fail_after = -1;
        check_place(&m, p);
        if (n % 10000 == 0) {
            slab_check(m.w.m->heap);
        }
    }
    model_deinit(&m);
}

int test_model_run(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
