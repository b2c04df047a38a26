/* cell_table: a big value that is a table of cells, each found by its name: what
 * big sets and hashes have in common. What is in a cell its owner knows; the
 * first of it is a struct value, behind which the owner may have more.
 *
 * Memory: table and cells are the heap's, cells over SLAB_CELL_MAX the
 * account's. Their bytes are counted as they come and go. */
#ifndef ENGRAM_TYPES_CELL_TABLE_H
#define ENGRAM_TYPES_CELL_TABLE_H

#include "structs/table.h"
#include "types/value.h"

/* In the allocator's measure. */
struct cell_size {
    size_t heap_bytes, outside_bytes;
};

/* The owner's value_ops, and what it tells of its cells. */
struct cell_ops {
    struct value_ops value; /* first */
    size_t struct_bytes; /* of the whole that begins with a cell_table */
    struct slice (*name)(const uint8_t *cell);
    /* As cell_alloc was asked for. */
    size_t (*bytes)(const uint8_t *cell);
    struct cell_size (*size)(const uint8_t *cell);
    void (*destroy)(uint8_t *cell, const struct entry_memory *m);
};

struct cell_table {
    struct value head; /* first */
    struct table *table;
    const struct hash_seed *seed;
    size_t cell_bytes;    /* of all cells, in the allocator's measure */
    size_t outside_bytes; /* what of it is not the heap's */
};

static inline struct cell_table *cell_table_of(const struct value *v)
{
    return (struct cell_table *)(uintptr_t)v;
}

/* ---- cells ---- */

/* NULL: out of memory. */
void *cell_alloc(const struct entry_memory *m, size_t bytes);
void cell_free(const struct entry_memory *m, void *cell, size_t bytes);
struct cell_size cell_size_of(const void *cell, size_t bytes);

/* ---- the table ---- */

/* All of the struct but the table is 0; NULL: out of memory. */
struct cell_table *cell_table_create(const struct entry_memory *m,
                                     const struct cell_ops *ops);
void cell_table_destroy(struct cell_table *t, const struct entry_memory *m);

static inline uint64_t cell_table_hash(const struct cell_table *t,
                                       struct slice name)
{
    return hash_keyed(t->seed, name.data, name.len);
}

/* NULL: not there. `name_of` is the ops' own, said again to be inlined. */
static inline uint8_t *
cell_table_find(const struct cell_table *t, uint64_t hash, struct slice name,
                struct slice (*name_of)(const uint8_t *cell),
                struct table_at *at)
{
    uint8_t *cell = table_find_first(t->table, hash, at);
    while (cell != NULL && !slice_equal(name_of(cell), name)) {
        cell = table_find_next(at);
    }
    return cell;
}

/* A cell of a name that is not in yet; it is taken, and destroyed where there is
 * no memory. */
STATUS_CHECKED enum status cell_table_add(struct cell_table *t,
                                          const struct entry_memory *m,
                                          uint64_t hash, uint8_t *cell);
/* The cell at `at` goes. */
void cell_table_remove(struct cell_table *t, const struct entry_memory *m,
                       struct table_at *at, uint8_t *cell);
/* The cell has come (1), or goes or changes (-1). */
void cell_table_account(struct cell_table *t, const uint8_t *cell, int sign);
void cell_table_each(const struct cell_table *t, table_visit_fn *visit,
                     void *self);

/* ---- value_ops, as they are or as a part of the owner's ---- */

size_t cell_table_count(const struct value *v);
size_t cell_table_bytes(const struct value *v, const struct entry_memory *m);
bool cell_table_destroy_some(struct value **v, const struct entry_memory *m,
                             size_t budget);
bool cell_table_is_external(const struct value *v);
size_t cell_table_outside_bytes(const struct value *v);
struct value *cell_table_settle(struct value *v, const struct entry_memory *to);
uint64_t cell_table_compact(struct value *v, const struct entry_memory *m,
                            uint64_t cursor);
void cell_table_check(const struct value *v, const struct entry_memory *m);

#endif
