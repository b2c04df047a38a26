/* world: pages, a heap and an account for entries to live in, and the check that
 * nothing is left of them at the end. */
#include "world.h"

#include "base/number.h"

static const struct hash_seed seed = {3, 4};

void world_init(struct world *w)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 28};
    memset(w, 0, sizeof *w);
    w->pages = pages_create(&o);
    assert_non_null(w->pages);
    for (int i = 0; i < HEAPS; i++) {
        struct entry_memory *m = &w->memories[i];
        m->seed = &seed;
        mem_account_init(&w->accounts[i]);
        m->account = &w->accounts[i];
        m->heap = slab_heap_create(w->pages, m->account);
        assert_non_null(m->heap);
        w->empty_bytes[i] = mem_used(m->account);
    }
    w->m = &w->memories[0];
}

void world_check_empty(const struct world *w)
{
    for (int i = 0; i < HEAPS; i++) {
        struct slab_stats st;
        slab_check(w->memories[i].heap);
        slab_stats_read(w->memories[i].heap, &st);
        assert_int_equal(st.cell_bytes, 0);
        assert_int_equal(mem_used(&w->accounts[i]), w->empty_bytes[i]);
    }
}

void world_deinit(struct world *w)
{
    struct pages_stats st;
    world_check_empty(w);
    for (int i = 0; i < HEAPS; i++) {
        slab_heap_destroy(&w->memories[i].heap);
        assert_int_equal(mem_used(&w->accounts[i]), 0);
    }
    pages_stats_read(w->pages, &st);
    assert_int_equal(st.used_bytes, 0);
    pages_destroy(&w->pages);
}

struct slice pattern(uint8_t *buffer, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buffer[i] = (uint8_t)('a' + (i * i + i / 256) % 26);
    }
    return slice_of(buffer, len);
}

struct entry *make(struct world *w, struct slice key, struct slice value,
                   int64_t deadline_ms)
{
    struct entry *e = NULL;
    assert_int_equal(string_create(w->m, key, value, deadline_ms, &e), ST_OK);
    assert_non_null(e);
    return e;
}

static void check_slice(struct slice got, struct slice want)
{
    assert_int_equal(got.len, want.len);
    if (want.len > 0) {
        assert_memory_equal(got.data, want.data, want.len);
    }
}

void check_entry(const struct entry *e, const struct entry_memory *m,
                 struct slice key, struct slice value, int64_t deadline_ms)
{
    char scratch[STRING_SCRATCH_BYTES];
    int64_t number = 0, want = 0;
    size_t bytes;
    assert_int_equal(e->type, TYPE_STRING);
    check_slice(entry_key(e), key);
    assert_true(entry_key_equals(e, key));
    check_slice(string_bytes(e, scratch), value);
    assert_int_equal(string_len(e), value.len);
    assert_int_equal(entry_has_deadline(e), deadline_ms > 0);
    assert_int_equal(entry_deadline_ms(e),
                     deadline_ms > 0 ? deadline_ms : INT64_MAX);
    assert_int_equal(string_get_int(e, &number),
                     number_parse_int64(value, &want));
    assert_int_equal(number, want);
    if (e->flags & ENTRY_UNSLABBED) {
        assert_true(entry_shell_bytes(e) > SLAB_CELL_MAX);
        bytes = mem_usable(e);
    } else {
        bytes = slab_cell_bytes(m->heap, e);
        assert_int_equal(bytes, slab_class_bytes(entry_shell_bytes(e)));
    }
    bytes += e->encoding == ENC_BLOB ? mem_usable(entry_pointer(e)) : 0;
    assert_int_equal(entry_bytes(e, m), bytes);
    assert_int_equal(entry_is_external(e), e->encoding == ENC_BLOB
                                           || (e->flags & ENTRY_UNSLABBED));
}
