/* ranking: the members of a big sorted set in order, a counted B+tree of
 * references to ranked cells. It orders by score, then by the member's bytes;
 * no two of its cells are equal in both. It never owns the cells.
 *
 * A place between two elements is a `cut`: every bound of every range is one,
 * and so a range is the elements between two cuts. ranking.c explains the
 * layout.
 *
 * Threads: owned by one shard, no locks. Memory: nodes come from `heap`, and
 * are charged to its account. A ranking without elements holds no node. */
#ifndef ENGRAM_STRUCTS_RANKING_H
#define ENGRAM_STRUCTS_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slab.h"
#include "base/slice.h"
#include "base/status.h"
#include "structs/ranked.h"

struct ranking;

/* Borrows heap, which outlives the ranking; NULL: out of memory. */
struct ranking *ranking_create(struct slab_heap *heap);

typedef void ranking_visit_fn(void *self, struct ranked *r);

/* Frees the ranking's own memory; the cells stay the caller's. */
void ranking_destroy(struct ranking **g);
/* The same in slices: takes out about `max` elements (a leaf more at most) and
 * calls `visit`, unless NULL, for each, which may free it. True: there are
 * more; after the first call only this and ranking_destroy may be called.
 * False: *g is gone and NULL. */
bool ranking_destroy_some(struct ranking **g, size_t max,
                          ranking_visit_fn *visit, void *self);

size_t ranking_count(const struct ranking *g);
/* Bytes of the nodes and of the struct itself. */
size_t ranking_bytes(const struct ranking *g);

/* --- writing ---------------------------------------------------------------
 * On ST_NOMEM nothing has changed. */

/* The cell stays the caller's and must stay where it is, its score too, until
 * it is removed; no equal one is in. */
STATUS_CHECKED enum status ranking_insert(struct ranking *g, struct ranked *r);
/* As ranking_insert for a cell beyond the last one (or before the first): finds
 * its place without looking, and leaves full leaves behind. For loading what is
 * sorted. */
STATUS_CHECKED enum status ranking_append(struct ranking *g, struct ranked *r);
STATUS_CHECKED enum status ranking_prepend(struct ranking *g, struct ranked *r);
/* The cell is in; afterwards the caller may free it. Never fails. */
void ranking_remove(struct ranking *g, struct ranked *r);
/* Gives a cell that is in another score, and its place. */
STATUS_CHECKED enum status ranking_rescore(struct ranking *g, struct ranked *r,
                                           double score);
/* `new` is a copy of `old`, which is in, and takes its place. `old` must still
 * be readable. */
void ranking_replace(struct ranking *g, struct ranked *old, struct ranked *new);
/* Takes out elements beginning with the one of rank `first`, and calls `visit`
 * for each in order, which may free it but not use the ranking: at most `max`,
 * and of one leaf only, so each call is a short step. How many; 0: there is
 * none of that rank. */
size_t ranking_take(struct ranking *g, size_t first, size_t max,
                    ranking_visit_fn *visit, void *self);

/* At least so many elements are cut out at once. */
enum { RANKING_PART_MIN = 256 };
/* Takes `count` elements from rank `first` on, not all there are, out as a
 * ranking of their own, in O(log n). Only ranking_find and ranking_count may be
 * asked of it, and ranking_destroy_part frees it; until then `g` counts its
 * nodes' bytes. NULL: out of memory, nothing has changed. */
struct ranking *ranking_cut_out(struct ranking *g, size_t first, size_t count);
/* As ranking_destroy_some, of what was cut out of `g`; NULL: which is gone. What
 * has not been visited can still be found. */
bool ranking_destroy_part(struct ranking *g, struct ranking **part, size_t max,
                          ranking_visit_fn *visit, void *self);

/* --- places --------------------------------------------------------------- */

enum ranking_side {
    CUT_BEFORE_SCORE,  /* before all of that score: where `min` or `(max` is */
    CUT_AFTER_SCORE,   /* behind all of that score: `max`, `(min` */
    CUT_BEFORE_MEMBER, /* in that score, before that member: `[min`, `(max` */
    CUT_AFTER_MEMBER,  /* `[max`, `(min` */
};

struct ranking_cut {
    double score;        /* infinities are as any other; not NaN */
    struct slice member; /* for the last two sides */
    enum ranking_side side;
};

/* Elements before the cut: the rank of what follows it. */
size_t ranking_count_before(const struct ranking *g,
                            const struct ranking_cut *cut);
/* The rank, from 0, of a cell that is in. */
size_t ranking_rank(const struct ranking *g, const struct ranked *r);
/* The element of that rank; NULL: there are not so many. */
struct ranked *ranking_at_rank(const struct ranking *g, size_t rank);
/* The element equal in both; NULL: none. */
struct ranked *ranking_find(const struct ranking *g, double score,
                            struct slice member);

/* Fetches the cache lines of the leaf that `cut` leads to, so that the misses
 * of several commands overlap. Reads the upper nodes, which tend to be cached.
 */
void ranking_prefetch(const struct ranking *g, const struct ranking_cut *cut);

/* --- walking ---------------------------------------------------------------
 * A cursor stands between two elements, or at an end. It is valid until the
 * next write. */

enum { RANKING_LEVELS_MAX = 16 };

struct ranking_step {
    void *node;
    size_t index;
};

struct ranking_cursor {
    const struct ranking *ranking;
    struct ranking_step steps[RANKING_LEVELS_MAX]; /* from the leaf up */
};

void ranking_seek(const struct ranking *g, const struct ranking_cut *cut,
                  struct ranking_cursor *c);
/* With `rank` elements before it; rank <= ranking_count. */
void ranking_seek_rank(const struct ranking *g, size_t rank,
                       struct ranking_cursor *c);
/* The element behind the cursor, which then stands behind that; NULL: none. */
struct ranked *ranking_next(struct ranking_cursor *c);
/* The element before the cursor, which then stands before that; NULL: none. */
struct ranked *ranking_prev(struct ranking_cursor *c);

/* --- compaction ----------------------------------------------------------- */

/* Where the caller has moved the cell (it has told its table, and may have
 * freed the old one), or NULL: as it was. Must not use the ranking. */
typedef struct ranked *ranking_move_fn(void *self, struct ranked *r);
/* Asks `move` for each cell of the leaf that holds rank `cursor`, and moves
 * that leaf and its ancestors if they lie in source pages of the heap. Returns
 * the next cursor, 0 when the end is reached. What is written between two calls
 * may shift a few elements past the cursor unseen. */
size_t ranking_compact(struct ranking *g, size_t cursor, ranking_move_fn *move,
                       void *self);
/* The ranking's memory is `heap`'s from now on, which has adopted what it has. */
void ranking_set_home(struct ranking *g, struct slab_heap *heap);
/* Moves the struct itself out of a source page: where it is now. */
struct ranking *ranking_compact_handle(struct ranking *g);

/* --- figures and checks --------------------------------------------------- */

struct ranking_stats {
    size_t element_count, leaf_count, inner_count;
    size_t slot_count; /* element_count / slot_count is the load */
    unsigned levels;
};
void ranking_stats_read(const struct ranking *g, struct ranking_stats *out);

/* Every invariant, slow; asserts. For tests. */
void ranking_check(const struct ranking *g);

#endif
