/* zset: the sorted set of an entry: a listpack of member, score pairs while
 * small, else a table and a ranking of the same cells (flat.h, value.h).
 *
 * Elements are in the order of their scores, those of one score in the order of
 * their members' bytes. A rank counts from 0, from the least. A score is not
 * NaN; the packed form does not keep the sign of zero. */
#ifndef ENGRAM_TYPES_ZSET_H
#define ENGRAM_TYPES_ZSET_H

#include "base/random.h"
#include "structs/ranking.h"
#include "types/value.h"

enum { ZSET_SCRATCH_BYTES = 24 }; /* room for any integer's text */

/* Where a member is, or that it is not there. Good until the next write. */
struct zset_at {
    bool is_found;
    double score;        /* if it is found */
    uint32_t position;   /* packed: the member's */
    struct ranked *cell; /* big */
    uint64_t hash;       /* big */
};

void zset_find(const struct entry *e, struct slice member, struct zset_at *at);
bool zset_score(const struct entry *e, struct slice member, double *score);
/* Adds the member, or gives it another score; `at` is what zset_find said of it.
 * *e may be replaced. ST_NOMEM: the set is as it was. */
STATUS_CHECKED enum status zset_put(const struct entry_memory *m,
                                    const struct value_limits *l,
                                    struct entry **e, struct slice member,
                                    double score, const struct zset_at *at);
/* Before `count` members are put: a packed set becomes big at once if it may not
 * have so many, even if some are alike or in it already. Clients see the form. */
STATUS_CHECKED enum status zset_expect(const struct entry_memory *m,
                                       const struct value_limits *l,
                                       struct entry **e, size_t count);
/* False: it was not there. *e may be replaced. */
bool zset_remove(const struct entry_memory *m, struct entry **e,
                 struct slice member);

/* ---- ranks ---- */

/* Elements before the cut: the rank of what follows it. */
size_t zset_count_before(const struct entry *e, const struct ranking_cut *cut);
/* False: no such member. */
bool zset_rank(const struct entry *e, struct slice member, size_t *rank,
               double *score);
/* The ranks from *low up to *high, without that, of members between two cuts,
 * whose scores do not count. Where the members are not in order because their
 * scores differ, they are those that follow each other from the first that is
 * behind `from`, or, downward, from the last that is before `to`. */
void zset_find_names(const struct entry *e, const struct ranking_cut *from,
                     const struct ranking_cut *to, bool is_downward,
                     size_t *low, size_t *high);

/* ---- walking ---- */

/* False: no more, please. The member is valid until the visit returns; the set
 * must not be changed meanwhile. */
typedef bool zset_visit_fn(void *self, struct slice member, double score);
/* `count` elements (so many there are), from rank `first` up, or down. */
void zset_visit(const struct entry *e, size_t first, size_t count,
                bool is_downward, zset_visit_fn *visit, void *self);
/* Removes `count` elements from rank `first` up. *e may be replaced. When they
 * are many, *removed is a value that nothing leads to any more, to be freed by
 * its destroy_some; else NULL. */
void zset_remove_ranks(const struct entry_memory *m, struct entry **e,
                       size_t first, size_t count, struct value **removed);
/* As table_scan: a bucket's elements; all of a small set, whose cursor is 0. The
 * visit's answer is not looked at. */
uint64_t zset_scan(const struct entry *e, uint64_t cursor, zset_visit_fn *visit,
                   void *self);
/* Each element is equally likely; the set is not empty. Valid until the set is
 * changed, an integer's text as long as `scratch`. */
struct slice zset_random(const struct entry *e, struct random *r,
                         char scratch[ZSET_SCRATCH_BYTES], double *score);

#endif
