/* value: counts, empty ones, and the step between flat and big. */
#include "types/value.h"

#include "structs/intset.h"
#include "structs/listpack.h"
#include "types/entry_priv.h"
#include "types/hash_priv.h"

void value_limits_init(struct value_limits *l)
{
    static const int64_t initial[] = {512, 64, 512, 128, 64, 128, 64, -2,
                                      0};
    _Atomic(int64_t) *const at[] = {
        &l->hash_entries_max, &l->hash_value_max, &l->set_intset_max,
        &l->set_listpack_max, &l->set_value_max, &l->zset_entries_max,
        &l->zset_value_max, &l->list_listpack_size, &l->list_compress_depth,
    };
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        atomic_init(at[i], initial[i]);
    }
}

size_t value_flat_count(const struct entry *e)
{
    assert(e->type != TYPE_STRING);
    if (e->type == TYPE_HASH) {
        return hash_packed_count(e);
    }
    struct slice flat = flat_bytes(e);
    if (e->flags & ENTRY_INTS) {
        return intset_count(flat.data);
    }
    size_t n = listpack_count(flat.data);
    return e->type == TYPE_ZSET ? n / 2 : n;
}

int64_t value_hash_due_ms(const struct entry *e)
{
    return e->encoding == ENC_BIG ? hash_table_due_ms(hash_table_of(e))
                                  : hash_packed_due_ms(e);
}

enum status value_create_empty(const struct entry_memory *m, struct slice key,
                               enum value_type type, int64_t deadline_ms,
                               struct entry **out)
{
    bool is_ints = type == TYPE_SET;
    size_t len = is_ints ? INTSET_HEADER_BYTES : LISTPACK_EMPTY_BYTES;
    uint8_t *bytes;
    enum status st = flat_create(m, key, type, len, deadline_ms, out, &bytes);
    if (st != ST_OK) {
        return st;
    }
    if (is_ints) {
        (*out)->flags |= ENTRY_INTS;
        intset_init(bytes);
    } else {
        listpack_init(bytes);
    }
    return ST_OK;
}

void entry_set_value(struct entry *e, struct value *v)
{
    assert(e->encoding == ENC_BIG);
    memcpy(entry_pointer_at(e), &v, sizeof v);
}

static int64_t deadline_of(const struct entry *e)
{
    return entry_has_deadline(e) ? entry_deadline_ms(e) : 0;
}

enum status value_make_big(const struct entry_memory *m, struct entry **e,
                           struct value *v)
{
    struct entry *from = *e;
    struct slice key = entry_key(from);
    int64_t deadline_ms = deadline_of(from);
    size_t bytes = entry_head_bytes(key.len, deadline_ms > 0, true);
    assert(entry_is_flat(from));
    struct entry *to = entry_build(m, key, from->type, ENC_BIG, deadline_ms,
                                   bytes);
    if (to == NULL) {
        return ST_NOMEM;
    }
    entry_set_value(to, v);
    value_replace(m, e, to);
    return ST_OK;
}

void value_replace(const struct entry_memory *m, struct entry **e,
                   struct entry *to)
{
    assert(entry_is_flat(*e));
    entry_inherit(to, *e);
    entry_destroy(*e, m);
    *e = to;
}

enum status value_make_flat(const struct entry_memory *m, struct entry **e,
                            size_t len, uint8_t **bytes)
{
    struct entry *from = *e, *to;
    assert(from->encoding == ENC_BIG);
    enum status st = flat_create(m, entry_key(from), from->type, len,
                                 deadline_of(from), &to, bytes);
    if (st != ST_OK) {
        return st;
    }
    entry_inherit(to, from);
    entry_free_shell(from, m);
    *e = to;
    return ST_OK;
}
