/* set: three forms, and the steps from one to the next. No step leads back: a
 * set that was large once is likely to be so again.
 *
 * Big:       a table of cells (cell_table.h); a cell is a member's length
 *            (1 byte, or 255 and 4 bytes) and its bytes.
 * Invariant: the packed forms are within the limits that held when they were
 *            last added to; a packed form's own header says how long it is, the
 *            bytes behind it may be more when memory for a smaller cell lacked. */
#include "types/set.h"

#include "base/number.h"
#include "structs/intset.h"
#include "structs/listpack.h"
#include "types/cell_table.h"
#include "types/home.h"

enum { LEN_LONG = 255 };

/* ---- cells ---- */

static size_t bytes_for(size_t len)
{
    return len + (len < LEN_LONG ? 1 : 5);
}

static struct slice cell_member(const uint8_t *cell)
{
    uint32_t len;
    if (cell[0] < LEN_LONG) {
        return slice_of(cell + 1, cell[0]);
    }
    memcpy(&len, cell + 1, sizeof len);
    return slice_of(cell + 5, len);
}

static size_t cell_bytes(const uint8_t *cell)
{
    return bytes_for(cell_member(cell).len);
}

static uint8_t *cell_create(const struct entry_memory *m, struct slice member)
{
    uint8_t *cell = cell_alloc(m, bytes_for(member.len));
    if (cell == NULL) {
        return NULL;
    }
    uint8_t *p = cell + 1;
    if (member.len < LEN_LONG) {
        cell[0] = (uint8_t)member.len;
    } else {
        uint32_t len = (uint32_t)member.len;
        cell[0] = LEN_LONG;
        memcpy(p, &len, sizeof len);
        p += sizeof len;
    }
    if (member.len > 0) {
        memcpy(p, member.data, member.len);
    }
    return cell;
}

static void cell_destroy(uint8_t *cell, const struct entry_memory *m)
{
    cell_free(m, cell, cell_bytes(cell));
}

static struct cell_size cell_size(const uint8_t *cell)
{
    return cell_size_of(cell, cell_bytes(cell));
}

/* ---- the table ---- */

static struct cell_table *big_of(const struct entry *e)
{
    return cell_table_of(entry_value(e));
}

static uint8_t *big_find(const struct cell_table *t, uint64_t hash,
                         struct slice member, struct table_at *at)
{
    return cell_table_find(t, hash, member, cell_member, at);
}

static enum status big_add(struct cell_table *t, const struct entry_memory *m,
                           struct slice member, bool *added)
{
    struct table_at at;
    uint64_t hash = cell_table_hash(t, member);
    *added = false;
    if (big_find(t, hash, member, &at) != NULL) {
        return ST_OK;
    }
    uint8_t *cell = cell_create(value_memory(&t->head, m), member);
    if (cell == NULL) {
        return ST_NOMEM;
    }
    enum status st = cell_table_add(t, m, hash, cell);
    *added = st == ST_OK;
    return st;
}

static bool big_remove(struct cell_table *t, const struct entry_memory *m,
                       struct slice member)
{
    struct table_at at;
    uint8_t *cell = big_find(t, cell_table_hash(t, member), member, &at);
    if (cell == NULL) {
        return false;
    }
    cell_table_remove(t, m, &at, cell);
    return true;
}

static struct value *big_copy(const struct value *v,
                              const struct entry_memory *to);

static const struct cell_ops big_ops = {
    .value = {
        .encoding = "hashtable", .count = cell_table_count,
        .bytes = cell_table_bytes, .destroy_some = cell_table_destroy_some,
        .is_external = cell_table_is_external,
        .outside_bytes = cell_table_outside_bytes,
        .settle = cell_table_settle, .compact = cell_table_compact,
        .copy = big_copy, .check = cell_table_check,
    },
    .struct_bytes = sizeof(struct cell_table), .name = cell_member,
    .bytes = cell_bytes, .size = cell_size, .destroy = cell_destroy,
};

/* Members on their way into a table. */
struct adder {
    struct cell_table *to;
    const struct entry_memory *m;
    enum status st;
};

static bool add_visited(void *self, struct slice member)
{
    struct adder *a = self;
    bool added;
    a->st = big_add(a->to, a->m, member, &added);
    return a->st == ST_OK;
}

static void add_cell(void *self, void *cell)
{
    struct adder *a = self;
    if (a->st == ST_OK) {
        (void)add_visited(a, cell_member(cell));
    }
}

static struct value *big_copy(const struct value *v,
                              const struct entry_memory *to)
{
    struct adder a = {cell_table_create(to, &big_ops), to, ST_OK};
    if (a.to == NULL) {
        return NULL;
    }
    cell_table_each(cell_table_of(v), add_cell, &a);
    if (a.st != ST_OK) {
        cell_table_destroy(a.to, to);
        return NULL;
    }
    return &a.to->head;
}

/* ---- packed forms ---- */

static bool visit_ints(const uint8_t *ints, set_visit_fn *visit, void *self)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    for (uint32_t i = 0; i < intset_count(ints); i++) {
        size_t len = number_format_int64(text, intset_get(ints, i));
        if (!visit(self, slice_of(text, len))) {
            return false;
        }
    }
    return true;
}

static bool visit_listpack(const uint8_t *lp, set_visit_fn *visit, void *self)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    for (uint32_t at = listpack_first(lp); at != LISTPACK_NONE;
         at = listpack_next(lp, at)) {
        if (!visit(self, listpack_text(lp, at, scratch))) {
            return false;
        }
    }
    return true;
}

static enum status to_big(const struct entry_memory *m, struct entry **e)
{
    struct adder a = {cell_table_create(m, &big_ops), m, ST_OK};
    if (a.to == NULL) {
        return ST_NOMEM;
    }
    set_visit(*e, add_visited, &a);
    if (a.st == ST_OK) {
        a.st = value_make_big(m, e, &a.to->head);
    }
    if (a.st != ST_OK) {
        cell_table_destroy(a.to, m);
    }
    return a.st;
}

/* An intset as a listpack of as many bytes at most. */
static enum status to_listpack(const struct entry_memory *m, struct entry **e)
{
    enum { ELEMENT_BYTES_MAX = 11 };
    uint32_t count = intset_count(flat_bytes(*e).data);
    size_t room = LISTPACK_EMPTY_BYTES + (size_t)count * ELEMENT_BYTES_MAX;
    struct entry *to;
    uint8_t *lp;
    int64_t deadline_ms = entry_has_deadline(*e) ? entry_deadline_ms(*e) : 0;
    enum status st = flat_create(m, entry_key(*e), TYPE_SET, room, deadline_ms,
                                 &to, &lp);
    if (st != ST_OK) {
        return st;
    }
    listpack_init(lp);
    for (uint32_t i = 0; i < count; i++) {
        char text[NUMBER_INT64_TEXT_MAX + 1];
        const uint8_t *ints = flat_bytes(*e).data;
        struct slice item = slice_of(
            text, number_format_int64(text, intset_get(ints, i)));
        struct listpack_splice s = listpack_appending(lp, &item, 1);
        listpack_splice(lp, listpack_splice_bytes(lp, &s), &s);
    }
    value_replace(m, e, to);
    return ST_OK;
}

static int64_t limit(const _Atomic(int64_t) *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static enum status add_int(const struct entry_memory *m,
                           const struct value_limits *l, struct entry **e,
                           int64_t v, bool *added)
{
    const uint8_t *ints = flat_bytes(*e).data;
    uint8_t *to;
    *added = false;
    if (intset_find(ints, v, NULL)) {
        return ST_OK;
    }
    if (intset_count(ints) >= limit(&l->set_intset_max)) {
        enum status st = to_big(m, e);
        char text[NUMBER_INT64_TEXT_MAX + 1];
        size_t len = number_format_int64(text, v);
        return st == ST_OK ? big_add(big_of(*e), m, slice_of(text, len), added)
                           : st;
    }
    enum status st = flat_resize(m, e, intset_insert_bytes(ints, v), &to);
    if (st == ST_OK) {
        *added = intset_insert(to, v);
    }
    return st;
}

static enum status add_packed(const struct entry_memory *m, struct entry **e,
                              struct slice member)
{
    const uint8_t *lp = flat_bytes(*e).data;
    struct listpack_splice s = listpack_appending(lp, &member, 1);
    size_t bytes = listpack_splice_bytes(lp, &s);
    uint8_t *to;
    if (bytes == 0) {
        return ST_RANGE;
    }
    enum status st = flat_resize(m, e, bytes, &to);
    if (st == ST_OK) {
        listpack_splice(to, bytes, &s);
    }
    return st;
}

/* Does a listpack of `count` members take this one too? */
static bool fits_listpack(const struct value_limits *l, size_t count,
                          struct slice member)
{
    return (int64_t)count < limit(&l->set_listpack_max)
           && (int64_t)member.len <= limit(&l->set_value_max);
}

/* ---- the set ---- */

bool set_contains(const struct entry *e, struct slice member)
{
    int64_t v;
    if (e->encoding == ENC_BIG) {
        const struct cell_table *t = big_of(e);
        struct table_at at;
        return big_find(t, cell_table_hash(t, member), member, &at) != NULL;
    }
    const uint8_t *flat = flat_bytes(e).data;
    if (e->flags & ENTRY_INTS) {
        return number_parse_int64(member, &v) && intset_find(flat, v, NULL);
    }
    return listpack_find(flat, listpack_first(flat), member, 0)
           != LISTPACK_NONE;
}

enum status set_add(const struct entry_memory *m, const struct value_limits *l,
                    struct entry **e, struct slice member, bool *added)
{
    int64_t v;
    enum status st = ST_OK;
    *added = false;
    if ((*e)->encoding == ENC_BIG) {
        return big_add(big_of(*e), m, member, added);
    }
    size_t count = value_count(*e);
    if ((*e)->flags & ENTRY_INTS) {
        /* Where no intset is wanted a set of numbers begins as a listpack. */
        bool may_be_ints = count > 0 || limit(&l->set_intset_max) > 0;
        if (may_be_ints && number_parse_int64(member, &v)) {
            return add_int(m, l, e, v, added);
        }
        st = fits_listpack(l, count, member) ? to_listpack(m, e) : to_big(m, e);
    } else if (set_contains(*e, member)) {
        return ST_OK;
    } else if (!fits_listpack(l, count, member)) {
        st = to_big(m, e);
    }
    if (st != ST_OK) {
        return st;
    }
    if ((*e)->encoding == ENC_BIG) {
        return big_add(big_of(*e), m, member, added);
    }
    st = add_packed(m, e, member);
    *added = st == ST_OK;
    return st;
}

enum status set_expect(const struct entry_memory *m,
                       const struct value_limits *l, struct entry **e,
                       const struct slice *members, size_t count)
{
    int64_t v;
    if ((*e)->encoding == ENC_BIG) {
        return ST_OK;
    }
    bool is_empty = value_count(*e) == 0;
    bool is_ints = ((*e)->flags & ENTRY_INTS) != 0;
    bool fits_ints = (int64_t)count <= limit(&l->set_intset_max);
    if (is_ints && is_empty) { /* the first member decides what it will be */
        is_ints = fits_ints && number_parse_int64(members[0], &v);
    }
    bool fits = is_ints ? fits_ints
                        : (int64_t)count <= limit(&l->set_listpack_max);
    return fits ? ST_OK : to_big(m, e);
}

bool set_remove(const struct entry_memory *m, struct entry **e,
                struct slice member)
{
    size_t bytes;
    int64_t v;
    if ((*e)->encoding == ENC_BIG) {
        return big_remove(big_of(*e), m, member);
    }
    /* Flat bytes may be written at their own length. */
    uint8_t *flat = flat_writable(*e);
    if ((*e)->flags & ENTRY_INTS) {
        if (!number_parse_int64(member, &v) || !intset_remove(flat, v)) {
            return false;
        }
        bytes = intset_bytes(flat);
    } else {
        uint32_t at = listpack_find(flat, listpack_first(flat), member, 0);
        if (at == LISTPACK_NONE) {
            return false;
        }
        bytes = listpack_delete(flat, at, 1);
    }
    flat_shrink(m, e, bytes);
    return true;
}

struct visitor {
    set_visit_fn *visit;
    void *self;
    bool is_over;
};

static void visit_cell(void *self, void *cell)
{
    struct visitor *v = self;
    v->is_over = v->is_over || !v->visit(v->self, cell_member(cell));
}

void set_visit(const struct entry *e, set_visit_fn *visit, void *self)
{
    if (e->encoding == ENC_BIG) {
        const struct table *t = big_of(e)->table;
        struct visitor v = {visit, self, false};
        uint64_t cursor = 0;
        do {
            cursor = table_scan(t, cursor, visit_cell, &v);
        } while (cursor != 0 && !v.is_over);
        return;
    }
    const uint8_t *flat = flat_bytes(e).data;
    (void)((e->flags & ENTRY_INTS) ? visit_ints(flat, visit, self)
                                   : visit_listpack(flat, visit, self));
}

static void scan_cell(void *self, void *cell)
{
    struct visitor *v = self;
    (void)v->visit(v->self, cell_member(cell));
}

uint64_t set_scan(const struct entry *e, uint64_t cursor, set_visit_fn *visit,
                  void *self)
{
    struct visitor v = {visit, self, false};
    if (e->encoding == ENC_BIG) {
        return table_scan(big_of(e)->table, cursor, scan_cell, &v);
    }
    set_visit(e, visit, self);
    return 0;
}

struct slice set_random(const struct entry *e, struct random *r,
                        char scratch[SET_SCRATCH_BYTES])
{
    if (e->encoding == ENC_BIG) {
        return cell_member(table_random(big_of(e)->table, r, NULL));
    }
    const uint8_t *flat = flat_bytes(e).data;
    uint32_t i = (uint32_t)random_below(r, value_count(e));
    if (e->flags & ENTRY_INTS) {
        return slice_of(scratch,
                        number_format_int64(scratch, intset_get(flat, i)));
    }
    return listpack_text(flat, listpack_seek(flat, i), scratch);
}

void set_take_random(const struct entry_memory *m, struct entry **e,
                     struct random *r, set_visit_fn *visit, void *self)
{
    char scratch[SET_SCRATCH_BYTES];
    if ((*e)->encoding == ENC_BIG) {
        struct cell_table *t = big_of(*e);
        struct table_at at;
        uint8_t *cell = table_random(t->table, r, &at);
        (void)visit(self, cell_member(cell));
        cell_table_remove(t, m, &at, cell);
        return;
    }
    struct slice member = set_random(*e, r, scratch);
    (void)visit(self, member);
    (void)set_remove(m, e, member);
}
