/* cell_table: what big sets and hashes have in common; see the header. */
#include "types/cell_table.h"

#include "types/home.h"

enum { COMPACT_BUCKETS = 8 };

static const struct cell_ops *ops_of(const struct cell_table *t)
{
    return (const struct cell_ops *)(const void *)t->head.ops;
}

/* ---- cells ---- */

void *cell_alloc(const struct entry_memory *m, size_t bytes)
{
    return bytes <= SLAB_CELL_MAX ? slab_alloc(m->heap, bytes)
                                  : mem_alloc(m->account, bytes);
}

void cell_free(const struct entry_memory *m, void *cell, size_t bytes)
{
    if (bytes <= SLAB_CELL_MAX) {
        slab_free(m->heap, cell);
    } else {
        mem_free(m->account, cell);
    }
}

struct cell_size cell_size_of(const void *cell, size_t bytes)
{
    struct cell_size size = {0, 0};
    if (bytes <= SLAB_CELL_MAX) {
        size.heap_bytes = slab_class_bytes(bytes);
    } else {
        size.outside_bytes = mem_usable(cell);
    }
    return size;
}

/* ---- the table ---- */

static uint64_t hash_cell(void *self, const void *cell)
{
    const struct cell_table *t = self;
    return cell_table_hash(t, ops_of(t)->name(cell));
}

struct cell_table *cell_table_create(const struct entry_memory *m,
                                     const struct cell_ops *ops)
{
    struct cell_table *t = slab_alloc(m->heap, ops->struct_bytes);
    if (t == NULL) {
        return NULL;
    }
    memset(t, 0, ops->struct_bytes);
    t->head.ops = &ops->value;
    t->seed = m->seed;
    t->table = table_create(m->heap, hash_cell, t);
    if (t->table == NULL) {
        slab_free(m->heap, t);
        return NULL;
    }
    return t;
}

void cell_table_destroy(struct cell_table *t, const struct entry_memory *m)
{
    struct value *v = &t->head;
    while (!v->ops->destroy_some(&v, m, SIZE_MAX)) {
    }
}

void cell_table_account(struct cell_table *t, const uint8_t *cell, int sign)
{
    struct cell_size size = ops_of(t)->size(cell);
    size_t one = (size_t)(ptrdiff_t)sign;
    t->cell_bytes += (size.heap_bytes + size.outside_bytes) * one;
    t->outside_bytes += size.outside_bytes * one;
}

enum status cell_table_add(struct cell_table *t, const struct entry_memory *m,
                           uint64_t hash, uint8_t *cell)
{
    enum status st = table_insert(t->table, hash, cell);
    if (st != ST_OK) {
        ops_of(t)->destroy(cell, value_memory(&t->head, m));
        return st;
    }
    cell_table_account(t, cell, 1);
    return ST_OK;
}

void cell_table_remove(struct cell_table *t, const struct entry_memory *m,
                       struct table_at *at, uint8_t *cell)
{
    table_remove(at);
    cell_table_account(t, cell, -1);
    ops_of(t)->destroy(cell, value_memory(&t->head, m));
}

void cell_table_each(const struct cell_table *t, table_visit_fn *visit,
                     void *self)
{
    uint64_t cursor = 0;
    do {
        cursor = table_scan(t->table, cursor, visit, self);
    } while (cursor != 0);
}

/* ---- value_ops ---- */

size_t cell_table_count(const struct value *v)
{
    return table_count(cell_table_of(v)->table);
}

size_t cell_table_bytes(const struct value *v, const struct entry_memory *m)
{
    const struct cell_table *t = cell_table_of(v);
    (void)m;
    return t->cell_bytes + table_bytes(t->table)
           + slab_class_bytes(ops_of(t)->struct_bytes);
}

struct destroyer {
    struct cell_table *t;
    const struct entry_memory *m;
};

static void destroy_cell(void *self, void *cell)
{
    struct destroyer *d = self;
    const struct cell_ops *ops = ops_of(d->t);
    d->t->outside_bytes -= ops->size(cell).outside_bytes;
    ops->destroy(cell, d->m);
}

bool cell_table_destroy_some(struct value **v, const struct entry_memory *m,
                             size_t budget)
{
    struct cell_table *t = cell_table_of(*v);
    struct destroyer d = {t, m};
    if (!table_destroy_some(&t->table, budget, destroy_cell, &d)) {
        return false;
    }
    slab_free(m->heap, t);
    *v = NULL;
    return true;
}

bool cell_table_is_external(const struct value *v)
{
    return cell_table_of(v)->outside_bytes > 0;
}

size_t cell_table_outside_bytes(const struct value *v)
{
    return cell_table_of(v)->outside_bytes;
}

struct value *cell_table_settle(struct value *v, const struct entry_memory *to)
{
    struct cell_table *t = cell_table_of(v);
    size_t bytes = ops_of(t)->struct_bytes;
    struct cell_table *moved = slab_alloc(to->heap, bytes);
    if (moved == NULL) {
        return NULL;
    }
    memcpy(moved, t, bytes);
    table_set_home(moved->table, to->heap, moved);
    slab_free(to->heap, t);
    return &moved->head;
}

struct mover {
    const struct entry_memory *m;
    const struct cell_ops *ops;
};

static void *move_cell(void *self, void *cell)
{
    const struct mover *x = self;
    size_t bytes = x->ops->bytes(cell);
    if (bytes > SLAB_CELL_MAX || !slab_is_source(x->m->heap, cell)) {
        return NULL;
    }
    void *to = slab_alloc(x->m->heap, bytes);
    if (to != NULL) {
        memcpy(to, cell, bytes);
        slab_free(x->m->heap, cell);
    }
    return to;
}

uint64_t cell_table_compact(struct value *v, const struct entry_memory *m,
                            uint64_t cursor)
{
    struct cell_table *t = cell_table_of(v);
    struct mover x = {m, ops_of(t)};
    if (cursor == 0) {
        t->table = table_compact_handle(t->table);
    }
    for (int i = 0; i < COMPACT_BUCKETS; i++) {
        cursor = table_compact(t->table, cursor, move_cell, &x);
        if (cursor == 0) {
            break;
        }
    }
    return cursor;
}

struct checker {
    const struct cell_table *t;
    size_t cell_bytes, outside_bytes;
};

static void check_cell(void *self, void *cell)
{
    struct checker *c = self;
    const struct cell_ops *ops = ops_of(c->t);
    struct table_at at;
    struct slice name = ops->name(cell);
    const uint8_t *found = cell_table_find(
        c->t, cell_table_hash(c->t, name), name, ops->name, &at);
    assert(found == cell);
    struct cell_size size = ops->size(found);
    c->cell_bytes += size.heap_bytes + size.outside_bytes;
    c->outside_bytes += size.outside_bytes;
}

void cell_table_check(const struct value *v, const struct entry_memory *m)
{
    const struct cell_table *t = cell_table_of(v);
    struct checker c = {.t = t};
    (void)m;
    table_check(t->table);
    cell_table_each(t, check_cell, &c);
    assert(c.cell_bytes == t->cell_bytes);
    assert(c.outside_bytes == t->outside_bytes);
}
