/* set: the set value of an entry: an intset or a listpack while small, else a
 * table of members (flat.h, value.h).
 *
 * A member is bytes; one that is the canonical text of a 64-bit integer may be
 * kept as an integer and reads back the same. */
#ifndef ENGRAM_TYPES_SET_H
#define ENGRAM_TYPES_SET_H

#include "base/random.h"
#include "types/value.h"

enum { SET_SCRATCH_BYTES = 24 }; /* room for any integer's text */

bool set_contains(const struct entry *e, struct slice member);
/* *e may be replaced, also where nothing was added. ST_NOMEM: the set is as it
 * was. */
STATUS_CHECKED enum status set_add(const struct entry_memory *m,
                                   const struct value_limits *l,
                                   struct entry **e, struct slice member,
                                   bool *added);
/* Before these are added: a packed set becomes big at once if it may not have so
 * many, even if some are alike or in it already. Clients see the form. */
STATUS_CHECKED enum status set_expect(const struct entry_memory *m,
                                      const struct value_limits *l,
                                      struct entry **e,
                                      const struct slice *members,
                                      size_t count);
/* False: it was not there. *e may be replaced. `member` may lie in the set. */
bool set_remove(const struct entry_memory *m, struct entry **e,
                struct slice member);

/* False: no more, please. The member is valid until the visit returns; the set
 * must not be changed meanwhile. */
typedef bool set_visit_fn(void *self, struct slice member);
void set_visit(const struct entry *e, set_visit_fn *visit, void *self);
/* As table_scan: a bucket's members; all of a small set, whose cursor is 0. The
 * visit's answer is not looked at. */
uint64_t set_scan(const struct entry *e, uint64_t cursor, set_visit_fn *visit,
                  void *self);
/* Each member is equally likely; the set is not empty. Valid until the set is
 * changed, an integer's text as long as `scratch`. */
struct slice set_random(const struct entry *e, struct random *r,
                        char scratch[SET_SCRATCH_BYTES]);
/* Such a member goes, once it has been visited; the answer is not looked at. *e
 * may be replaced. */
void set_take_random(const struct entry_memory *m, struct entry **e,
                     struct random *r, set_visit_fn *visit, void *self);

#endif
