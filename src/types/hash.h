/* hash: the hash value of an entry: a listpack while small, else a table of cells
 * (flat.h, value.h). Each field may have a deadline.
 *
 * Nothing here looks at a clock: a field whose deadline has passed is found,
 * visited and counted like any other until hash_remove or hash_expire takes it
 * away. Those who answer clients hide it.
 *
 * Text that is the canonical form of a 64-bit integer may be kept as an integer
 * and reads back the same. */
#ifndef ENGRAM_TYPES_HASH_H
#define ENGRAM_TYPES_HASH_H

#include "base/random.h"
#include "types/value.h"

enum { HASH_SCRATCH_BYTES = 48 }; /* room for two integers' texts */

/* Deadlines: unix ms, from 1 to HASH_DEADLINE_MAX, or one of these. */
#define HASH_FOREVER INT64_MAX
#define HASH_DEADLINE_MAX (INT64_MAX - 1)
enum { HASH_KEEP_DEADLINE = -1 }; /* given to hash_set: as it was */

struct hash_item {
    struct slice field, value;
    int64_t deadline_ms;
    struct blob *blob; /* holds the value, if that is large; else NULL */
};

/* Valid until the hash is changed, integers' texts as long as `scratch`, of
 * HASH_SCRATCH_BYTES. False: no such field. */
bool hash_find(const struct entry *e, struct slice field, char *scratch,
               struct hash_item *out);
/* Sets a field (item->blob is not looked at). *e may be replaced, also where
 * nothing was added. ST_NOMEM: the hash is as it was. ST_RANGE: too long. The
 * item must not lie in the hash. */
STATUS_CHECKED enum status hash_set(const struct entry_memory *m,
                                    const struct value_limits *l,
                                    struct entry **e,
                                    const struct hash_item *item,
                                    int64_t now_ms, bool *added);
/* Before `count` items are set: a packed hash becomes big at once if it may not
 * have so many, even if some are alike or in it already. Clients see the form. */
STATUS_CHECKED enum status hash_expect(const struct entry_memory *m,
                                       const struct value_limits *l,
                                       struct entry **e, size_t count,
                                       int64_t now_ms);
/* False: it was not there. *e may be replaced. `field` may lie in the hash. */
bool hash_remove(const struct entry_memory *m, struct entry **e,
                 struct slice field);
/* The field, which is there, gets that deadline or HASH_FOREVER. */
STATUS_CHECKED enum status hash_set_deadline(const struct entry_memory *m,
                                             struct entry **e,
                                             struct slice field,
                                             int64_t deadline_ms,
                                             int64_t now_ms);

/* False: no more, please. The item is valid until the visit returns; the hash
 * must not be changed meanwhile. */
typedef bool hash_visit_fn(void *self, const struct hash_item *item);
void hash_visit(const struct entry *e, hash_visit_fn *visit, void *self);
/* As table_scan: a bucket's items; all of a small hash, whose cursor is 0. The
 * visit's answer is not looked at. */
uint64_t hash_scan(const struct entry *e, uint64_t cursor, hash_visit_fn *visit,
                   void *self);
/* Each field is equally likely; the hash is not empty. Valid as hash_find's. */
void hash_random(const struct entry *e, struct random *r, char *scratch,
                 struct hash_item *out);

/* Removes fields that are due, after showing each to `visit`, whose answer is
 * not looked at; works on `max` of them at most. There may be more while
 * value_due_ms(*e) <= now_ms. How many went. */
size_t hash_expire(const struct entry_memory *m, struct entry **e,
                   int64_t now_ms, size_t max, hash_visit_fn *visit,
                   void *self);

#endif
