/* hash_priv: the two forms of a hash, for hash.c. */
#ifndef ENGRAM_TYPES_HASH_PRIV_H
#define ENGRAM_TYPES_HASH_PRIV_H

#include "types/hash.h"

/* ---- packed (hash_packed.c): flat bytes ---- */

size_t hash_packed_count(const struct entry *e);
int64_t hash_packed_due_ms(const struct entry *e);
bool hash_packed_find(const struct entry *e, struct slice field, char *scratch,
                      struct hash_item *out);
/* As hash_set; ST_RANGE: more than the form can hold. */
STATUS_CHECKED enum status hash_packed_set(const struct entry_memory *m,
                                           struct entry **e,
                                           const struct hash_item *item,
                                           bool *added);
bool hash_packed_remove(const struct entry_memory *m, struct entry **e,
                        struct slice field);
STATUS_CHECKED enum status
hash_packed_set_deadline(const struct entry_memory *m, struct entry **e,
                         struct slice field, int64_t deadline_ms);
bool hash_packed_visit(const struct entry *e, hash_visit_fn *visit, void *self);
/* The field number `index`. */
void hash_packed_at(const struct entry *e, size_t index, char *scratch,
                    struct hash_item *out);
size_t hash_packed_expire(const struct entry_memory *m, struct entry **e,
                          int64_t now_ms, size_t max, hash_visit_fn *visit,
                          void *self);

/* ---- big (hash_table.c) ---- */

struct hash_table;

struct hash_table *hash_table_of(const struct entry *e);
/* NULL: out of memory. */
struct hash_table *hash_table_create(const struct entry_memory *m);
void hash_table_destroy(struct hash_table *t, const struct entry_memory *m);
struct value *hash_table_value(struct hash_table *t);
int64_t hash_table_due_ms(const struct hash_table *t);
bool hash_table_find(const struct hash_table *t, struct slice field,
                     struct hash_item *out);
STATUS_CHECKED enum status hash_table_set(struct hash_table *t,
                                          const struct entry_memory *m,
                                          const struct hash_item *item,
                                          int64_t now_ms, bool *added);
bool hash_table_remove(struct hash_table *t, const struct entry_memory *m,
                       struct slice field);
STATUS_CHECKED enum status
hash_table_set_deadline(struct hash_table *t, const struct entry_memory *m,
                        struct slice field, int64_t deadline_ms,
                        int64_t now_ms);
uint64_t hash_table_scan(const struct hash_table *t, uint64_t cursor,
                         hash_visit_fn *visit, void *self);
void hash_table_random(const struct hash_table *t, struct random *r,
                       struct hash_item *out);
size_t hash_table_expire(struct hash_table *t, const struct entry_memory *m,
                         int64_t now_ms, size_t max, hash_visit_fn *visit,
                         void *self);

#endif
