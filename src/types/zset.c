/* zset: two forms, and the step from the one to the other. No step leads back: a
 * set that was large once is likely to be so again.
 *
 * Packed:    a listpack of member, score, member, score ..., in order; a score
 *            is the shortest text that reads back the same, so that a whole
 *            number is an integer of the listpack.
 * Big:       zset_big.h.
 * Invariant: the packed form is within the limits that held when it was last
 *            added to; its own header says how long it is, the bytes behind it
 *            may be more when memory for a smaller cell lacked. */
#include "types/zset.h"

#include <math.h>

#include "base/number.h"
#include "structs/listpack.h"
#include "types/zset_big.h"

static_assert((int)ZSET_SCRATCH_BYTES == (int)LISTPACK_SCRATCH_BYTES,
              "an element's text is a listpack's");

/* ---- the packed form ---- */

static const uint8_t *packed(const struct entry *e)
{
    return flat_bytes(e).data;
}

static double packed_score(const uint8_t *lp, uint32_t member)
{
    struct listpack_value v = listpack_get(lp, listpack_next(lp, member));
    double score;
    if (v.text.data == NULL) {
        return (double)v.integer;
    }
    bool is_number = number_parse_double(v.text, &score);
    assert(is_number);
    (void)is_number;
    return score;
}

/* The member behind this one's score. */
static uint32_t packed_next(const uint8_t *lp, uint32_t member)
{
    return listpack_next(lp, listpack_next(lp, member));
}

static uint32_t packed_prev(const uint8_t *lp, uint32_t member)
{
    uint32_t score = listpack_prev(lp, member);
    return score == LISTPACK_NONE ? score : listpack_prev(lp, score);
}

static bool is_before(const uint8_t *lp, uint32_t member,
                      const struct ranking_cut *cut)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    double score = packed_score(lp, member);
    if (score < cut->score || score > cut->score) {
        return score < cut->score;
    }
    if (cut->side == CUT_BEFORE_SCORE || cut->side == CUT_AFTER_SCORE) {
        return cut->side == CUT_AFTER_SCORE;
    }
    int order = slice_compare(listpack_text(lp, member, scratch), cut->member);
    return cut->side == CUT_BEFORE_MEMBER ? order < 0 : order <= 0;
}

/* The position of what follows the cut, and its rank. */
static uint32_t packed_seek(const uint8_t *lp, const struct ranking_cut *cut,
                            size_t *rank)
{
    uint32_t at = listpack_first(lp);
    *rank = 0;
    while (at != LISTPACK_NONE && is_before(lp, at, cut)) {
        at = packed_next(lp, at);
        ++*rank;
    }
    return at;
}

/* A change of a packed set: a pair goes, a pair comes, or both. Whether there is
 * room for the result is seen to before anything is changed. */
static enum status packed_put(const struct entry_memory *m, struct entry **e,
                              struct slice member, double score,
                              const struct zset_at *at)
{
    const uint8_t *lp = packed(*e);
    char text[NUMBER_DOUBLE_TEXT_MAX];
    struct slice pair[2] = {member};
    struct ranking_cut cut = {score, member, CUT_BEFORE_MEMBER};
    size_t rank, old_bytes = listpack_bytes(lp), bytes;
    uint8_t *to;
    score += 0.0; /* -0.0 + 0.0 is 0.0 */
    pair[1] = slice_of(text, number_format_double(text, score));
    struct listpack_splice gone = listpack_deleting(at->position, 2);
    struct listpack_splice come = listpack_appending(lp, pair, 2);
    bytes = listpack_splice_bytes(lp, &come);
    if (bytes == 0) {
        return ST_RANGE;
    }
    bytes -= at->is_found ? old_bytes - listpack_splice_bytes(lp, &gone) : 0;
    if (bytes > old_bytes) {
        enum status st = flat_resize(m, e, bytes, &to);
        if (st != ST_OK) {
            return st;
        }
    } else {
        to = flat_writable(*e);
    }
    if (at->is_found) {
        (void)listpack_delete(to, at->position, 2);
    }
    come.at = packed_seek(to, &cut, &rank);
    come.at = come.at == LISTPACK_NONE ? listpack_end(to) : come.at;
    listpack_splice(to, bytes, &come);
    if (bytes < old_bytes) {
        flat_shrink(m, e, bytes);
    }
    return ST_OK;
}

static void packed_remove(const struct entry_memory *m, struct entry **e,
                          uint32_t at, size_t count)
{
    flat_shrink(m, e, listpack_delete(flat_writable(*e), at, count * 2));
}

/* ---- from packed to big ---- */

static enum status to_big(const struct entry_memory *m, struct entry **e)
{
    const uint8_t *lp = packed(*e);
    struct zset_big *z = zset_big_create(m);
    enum status st = ST_OK;
    if (z == NULL) {
        return ST_NOMEM;
    }
    for (uint32_t at = listpack_first(lp); st == ST_OK && at != LISTPACK_NONE;
         at = packed_next(lp, at)) {
        char scratch[LISTPACK_SCRATCH_BYTES];
        struct slice member = listpack_text(lp, at, scratch);
        st = zset_big_add(z, m, zset_big_hash(z, member), member,
                          packed_score(lp, at), true);
    }
    if (st == ST_OK) {
        st = value_make_big(m, e, &z->head);
    }
    if (st != ST_OK) {
        zset_big_destroy(z, m);
    }
    return st;
}

/* Does the packed set take one more, which is this one? */
static bool fits_packed(const struct value_limits *l, const struct entry *e,
                        struct slice member)
{
    int64_t entries = atomic_load_explicit(&l->zset_entries_max,
                                           memory_order_relaxed);
    int64_t value = atomic_load_explicit(&l->zset_value_max,
                                         memory_order_relaxed);
    return (int64_t)value_count(e) < entries && (int64_t)member.len <= value;
}

/* ---- one element ---- */

void zset_find(const struct entry *e, struct slice member, struct zset_at *at)
{
    *at = (struct zset_at){0};
    if (e->encoding == ENC_BIG) {
        const struct zset_big *z = zset_big_of(e);
        struct table_at slot;
        at->hash = zset_big_hash(z, member);
        at->cell = zset_big_find(z, at->hash, member, &slot);
        at->is_found = at->cell != NULL;
        at->score = at->is_found ? at->cell->score : 0;
        return;
    }
    const uint8_t *lp = packed(e);
    at->position = listpack_find(lp, listpack_first(lp), member, 1);
    at->is_found = at->position != LISTPACK_NONE;
    at->score = at->is_found ? packed_score(lp, at->position) : 0;
}

bool zset_score(const struct entry *e, struct slice member, double *score)
{
    struct zset_at at;
    zset_find(e, member, &at);
    *score = at.score;
    return at.is_found;
}

enum status zset_put(const struct entry_memory *m, const struct value_limits *l,
                     struct entry **e, struct slice member, double score,
                     const struct zset_at *at)
{
    uint64_t hash = at->hash;
    assert(!isnan(score));
    if ((*e)->encoding != ENC_BIG) {
        if (at->is_found || fits_packed(l, *e, member)) {
            return packed_put(m, e, member, score, at);
        }
        enum status st = to_big(m, e);
        if (st != ST_OK) {
            return st;
        }
        hash = zset_big_hash(zset_big_of(*e), member);
    }
    struct zset_big *z = zset_big_of(*e);
    return at->is_found ? ranking_rescore(z->by_score, at->cell, score)
                        : zset_big_add(z, m, hash, member, score, false);
}

enum status zset_expect(const struct entry_memory *m,
                        const struct value_limits *l, struct entry **e,
                        size_t count)
{
    int64_t max = atomic_load_explicit(&l->zset_entries_max,
                                       memory_order_relaxed);
    return (int64_t)count > max && (*e)->encoding != ENC_BIG ? to_big(m, e)
                                                             : ST_OK;
}

bool zset_remove(const struct entry_memory *m, struct entry **e,
                 struct slice member)
{
    if ((*e)->encoding == ENC_BIG) {
        return zset_big_remove(zset_big_of(*e), m, member);
    }
    const uint8_t *lp = packed(*e);
    uint32_t at = listpack_find(lp, listpack_first(lp), member, 1);
    if (at == LISTPACK_NONE) {
        return false;
    }
    packed_remove(m, e, at, 1);
    return true;
}

/* ---- ranks ---- */

size_t zset_count_before(const struct entry *e, const struct ranking_cut *cut)
{
    size_t rank;
    if (e->encoding == ENC_BIG) {
        return ranking_count_before(zset_big_of(e)->by_score, cut);
    }
    (void)packed_seek(packed(e), cut, &rank);
    return rank;
}

bool zset_rank(const struct entry *e, struct slice member, size_t *rank,
               double *score)
{
    struct zset_at at;
    zset_find(e, member, &at);
    if (!at.is_found) {
        return false;
    }
    *score = at.score;
    if (e->encoding == ENC_BIG) {
        *rank = ranking_rank(zset_big_of(e)->by_score, at.cell);
        return true;
    }
    const uint8_t *lp = packed(e);
    *rank = 0;
    for (uint32_t p = listpack_first(lp); p != at.position;
         p = packed_next(lp, p)) {
        ++*rank;
    }
    return true;
}

/* Does the member come before the cut, whatever the scores? */
static bool is_named_before(struct slice member, const struct ranking_cut *cut)
{
    if (cut->side == CUT_BEFORE_SCORE || cut->side == CUT_AFTER_SCORE) {
        return cut->side == CUT_AFTER_SCORE;
    }
    int order = slice_compare(member, cut->member);
    return cut->side == CUT_BEFORE_MEMBER ? order < 0 : order <= 0;
}

/* From `rank` up: the first that is not before the cut. */
static size_t names_up(const uint8_t *lp, size_t rank,
                       const struct ranking_cut *cut)
{
    uint32_t at = listpack_seek(lp, (int64_t)rank * 2);
    char scratch[LISTPACK_SCRATCH_BYTES];
    while (at != LISTPACK_NONE
           && is_named_before(listpack_text(lp, at, scratch), cut)) {
        at = packed_next(lp, at);
        rank++;
    }
    return rank;
}

/* From `rank` down: what stands behind the last that is before the cut. */
static size_t names_down(const uint8_t *lp, size_t rank,
                         const struct ranking_cut *cut)
{
    uint32_t at = rank > 0 ? listpack_seek(lp, (int64_t)(rank - 1) * 2)
                           : (uint32_t)LISTPACK_NONE;
    char scratch[LISTPACK_SCRATCH_BYTES];
    while (at != LISTPACK_NONE
           && !is_named_before(listpack_text(lp, at, scratch), cut)) {
        at = packed_prev(lp, at);
        rank--;
    }
    return rank;
}

/* As if the members were in order. Where all scores are the same they are, and
 * the ranking knows the place; else halves are asked about. */
static size_t names_big(const struct ranking *g, const struct ranking_cut *cut)
{
    size_t low = 0, high = ranking_count(g);
    double least = ranking_at_rank(g, 0)->score;
    if (least == ranking_at_rank(g, high - 1)->score) {
        struct ranking_cut exact = *cut;
        bool is_end = cut->side == CUT_BEFORE_SCORE
                      || cut->side == CUT_AFTER_SCORE;
        exact.score = is_end ? cut->score : least;
        return ranking_count_before(g, &exact);
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_named_before(ranked_member(ranking_at_rank(g, middle)), cut)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void zset_find_names(const struct entry *e, const struct ranking_cut *from,
                     const struct ranking_cut *to, bool is_downward,
                     size_t *low, size_t *high)
{
    size_t count = value_count(e);
    *low = *high = 0;
    assert(count > 0);
    if (e->encoding == ENC_BIG) {
        *low = names_big(zset_big_of(e)->by_score, from);
        *high = names_big(zset_big_of(e)->by_score, to);
        return;
    }
    const uint8_t *lp = packed(e);
    char scratch[LISTPACK_SCRATCH_BYTES];
    uint32_t last = listpack_seek(lp, -2);
    if (is_named_before(listpack_text(lp, last, scratch), from)
        || names_up(lp, 0, to) == 0) {
        return;
    }
    if (is_downward) {
        *high = names_down(lp, count, to);
        *low = names_down(lp, *high, from);
    } else {
        *low = names_up(lp, 0, from);
        *high = names_up(lp, *low, to);
    }
}

/* ---- walking ---- */

static void visit_big(const struct zset_big *z, size_t first, size_t count,
                      bool is_downward, zset_visit_fn *visit, void *self)
{
    struct ranking_cursor c;
    bool wants_more = true;
    ranking_seek_rank(z->by_score, is_downward ? first + 1 : first, &c);
    for (size_t i = 0; i < count && wants_more; i++) {
        const struct ranked *r = is_downward ? ranking_prev(&c)
                                             : ranking_next(&c);
        assert(r != NULL);
        wants_more = visit(self, ranked_member(r), r->score);
    }
}

void zset_visit(const struct entry *e, size_t first, size_t count,
                bool is_downward, zset_visit_fn *visit, void *self)
{
    bool wants_more = true;
    if (count == 0) {
        return;
    }
    if (e->encoding == ENC_BIG) {
        visit_big(zset_big_of(e), first, count, is_downward, visit, self);
        return;
    }
    const uint8_t *lp = packed(e);
    uint32_t at = listpack_seek(lp, (int64_t)first * 2);
    for (size_t i = 0; i < count && wants_more; i++) {
        char scratch[LISTPACK_SCRATCH_BYTES];
        assert(at != LISTPACK_NONE);
        wants_more = visit(self, listpack_text(lp, at, scratch),
                           packed_score(lp, at));
        at = is_downward ? packed_prev(lp, at) : packed_next(lp, at);
    }
}

void zset_remove_ranks(const struct entry_memory *m, struct entry **e,
                       size_t first, size_t count, struct value **removed)
{
    *removed = NULL;
    if (count == 0) {
        return;
    }
    if ((*e)->encoding == ENC_BIG) {
        *removed = zset_big_remove_ranks(zset_big_of(*e), m, first, count);
        return;
    }
    packed_remove(m, e, listpack_seek(packed(*e), (int64_t)first * 2), count);
}

struct visitor {
    const struct zset_big *z;
    zset_visit_fn *visit;
    void *self;
};

static void scan_cell(void *self, void *cell)
{
    const struct visitor *v = self;
    const struct ranked *r = cell;
    if (zset_big_has(v->z, r)) {
        (void)v->visit(v->self, ranked_member(r), r->score);
    }
}

uint64_t zset_scan(const struct entry *e, uint64_t cursor, zset_visit_fn *visit,
                   void *self)
{
    if (e->encoding == ENC_BIG) {
        struct visitor v = {zset_big_of(e), visit, self};
        return table_scan(v.z->by_member, cursor, scan_cell, &v);
    }
    zset_visit(e, 0, value_count(e), false, visit, self);
    return 0;
}

struct slice zset_random(const struct entry *e, struct random *r,
                         char scratch[ZSET_SCRATCH_BYTES], double *score)
{
    if (e->encoding == ENC_BIG) {
        const struct zset_big *z = zset_big_of(e);
        const struct ranked *cell =
            z->parts == NULL
                ? table_random(z->by_member, r, NULL)
                : ranking_at_rank(z->by_score,
                                  random_below(r, zset_big_count(z)));
        *score = cell->score;
        return ranked_member(cell);
    }
    const uint8_t *lp = packed(e);
    int64_t i = (int64_t)random_below(r, value_count(e));
    uint32_t at = listpack_seek(lp, i * 2);
    *score = packed_score(lp, at);
    return listpack_text(lp, at, scratch);
}
