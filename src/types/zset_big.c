/* zset_big: each element is one cell (ranked.h), to which both the table and the
 * ranking point.
 *
 * Parts:     a long range is cut out of the ranking at once, and its cells leave
 *            the table while they are freed in the background. Until then the
 *            table has cells that the set has not: zset_big_has tells which.
 * Invariant: the table holds the cells of the ranking and of the parts.
 * Memory:    cells, table and ranking are the heap's, cells over SLAB_CELL_MAX
 *            the account's. Their bytes are counted as they come and go, so
 *            that asking for them needs no walk. */
#include "types/zset_big.h"

#include "types/home.h"

enum {
    COMPACT_BUCKETS = 8,
    /* A walk goes through the ranking first, which moves the cells, then
     * through the table's own memory. */
    COMPACT_TABLE = 62, /* bit of a cursor: it is the table's */
    PART_MIN = 1024, /* fewer elements are removed one by one */
};
static_assert((int)PART_MIN >= (int)RANKING_PART_MIN, "a part can be cut out");

/* A range that was cut out, to be freed. It lies in the set's home. */
struct zset_part {
    struct value head; /* first */
    struct zset_big *whole; /* NULL: it is gone, and its table too */
    struct zset_part *next; /* of the same whole */
    struct ranking *cells;
    double score_min, score_max; /* of the cells, when it was cut out */
    bool is_external; /* may some be outside the heap? */
};

/* ---- cells ---- */

static uint64_t hash_cell(void *self, const void *cell)
{
    return zset_big_hash(self, ranked_member(cell));
}

/* Is it outside the heap? */
static bool is_outside(const struct ranked *r)
{
    size_t prefix = r->body[0] == RANKED_LONG ? 1 + sizeof(uint32_t) : 1;
    return sizeof *r + prefix + ranked_member(r).len > SLAB_CELL_MAX;
}

/* ---- the three changes ---- */

bool zset_big_has(const struct zset_big *z, const struct ranked *r)
{
    for (const struct zset_part *p = z->parts; p != NULL; p = p->next) {
        if (r->score >= p->score_min && r->score <= p->score_max
            && ranking_find(p->cells, r->score, ranked_member(r)) == r) {
            return false;
        }
    }
    return true;
}

struct ranked *zset_big_find(const struct zset_big *z, uint64_t hash,
                             struct slice member, struct table_at *at)
{
    struct ranked *r = table_find_first(z->by_member, hash, at);
    while (r != NULL && (!slice_equal(ranked_member(r), member)
                         || !zset_big_has(z, r))) {
        r = table_find_next(at);
    }
    return r;
}

enum status zset_big_add(struct zset_big *z, const struct entry_memory *m,
                         uint64_t hash, struct slice member, double score,
                         bool is_last)
{
    m = value_memory(&z->head, m);
    struct ranked *r = ranked_create(m->heap, m->account, score, member);
    if (r == NULL) {
        return ST_NOMEM;
    }
    enum status st = is_last ? ranking_append(z->by_score, r)
                             : ranking_insert(z->by_score, r);
    if (st != ST_OK) {
        goto destroy_cell;
    }
    st = table_insert(z->by_member, hash, r);
    if (st != ST_OK) {
        goto leave_ranking;
    }
    z->cell_bytes += ranked_bytes(r);
    z->outside_bytes += is_outside(r) ? ranked_bytes(r) : 0;
    return ST_OK;
leave_ranking:
    ranking_remove(z->by_score, r);
destroy_cell:
    ranked_destroy(&r, m->heap, m->account);
    return st;
}

/* The cell is in neither table nor ranking any more. */
static void drop_cell(struct zset_big *z, const struct entry_memory *m,
                      struct ranked *r)
{
    m = value_memory(&z->head, m);
    z->cell_bytes -= ranked_bytes(r);
    z->outside_bytes -= is_outside(r) ? ranked_bytes(r) : 0;
    ranked_destroy(&r, m->heap, m->account);
}

bool zset_big_remove(struct zset_big *z, const struct entry_memory *m,
                     struct slice member)
{
    struct table_at at;
    struct ranked *r = zset_big_find(z, zset_big_hash(z, member), member, &at);
    if (r == NULL) {
        return false;
    }
    ranking_remove(z->by_score, r);
    table_remove(&at);
    drop_cell(z, m, r);
    return true;
}

struct one {
    struct zset_big *z;
    const struct entry_memory *m;
};

/* The ranking has let go of the cell. */
static void take_cell(void *self, struct ranked *r)
{
    struct one *t = self;
    struct table_at at;
    uint64_t hash = zset_big_hash(t->z, ranked_member(r));
    const struct ranked *found = table_find_first(t->z->by_member, hash, &at);
    while (found != r) {
        assert(found != NULL);
        found = table_find_next(&at);
    }
    table_remove(&at);
    drop_cell(t->z, t->m, r);
}

/* ---- parts ---- */

static struct zset_part *part_of(const struct value *v)
{
    return (struct zset_part *)(void *)(uintptr_t)v;
}

static void free_cell(void *self, struct ranked *r)
{
    const struct one *x = self;
    ranked_destroy(&r, x->m->heap, x->m->account);
}

static void forget_part(struct zset_part *p)
{
    struct zset_part **at = &p->whole->parts;
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
}

static bool part_destroy_some(struct value **v, const struct entry_memory *m,
                              size_t budget)
{
    struct zset_part *p = part_of(*v);
    struct zset_big *z = p->whole;
    struct one x = {z, m};
    if (ranking_destroy_part(z != NULL ? z->by_score : NULL, &p->cells, budget,
                             z != NULL ? take_cell : free_cell, &x)) {
        return false;
    }
    if (z != NULL) {
        forget_part(p);
    }
    slab_free(m->heap, p);
    *v = NULL;
    return true;
}

static bool part_is_external(const struct value *v)
{
    return part_of(v)->is_external;
}

static const struct value_ops part_ops = {
    .destroy_some = part_destroy_some, .is_external = part_is_external,
};

/* NULL: it is not worth it, or there is no memory for it. */
static struct value *cut_out(struct zset_big *z, size_t first, size_t count)
{
    struct value_home *h = z->head.home;
    if (h == NULL || count < PART_MIN || count == zset_big_count(z)) {
        return NULL;
    }
    struct zset_part *p = slab_alloc(h->memory.heap, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    *p = (struct zset_part){
        .head = {.ops = &part_ops}, .whole = z, .next = z->parts,
        .score_min = ranking_at_rank(z->by_score, first)->score,
        .score_max = ranking_at_rank(z->by_score, first + count - 1)->score,
        .is_external = z->outside_bytes > 0};
    p->cells = ranking_cut_out(z->by_score, first, count);
    if (p->cells == NULL) {
        slab_free(h->memory.heap, p);
        return NULL;
    }
    home_join(h, &p->head);
    z->parts = p;
    return &p->head;
}

struct value *zset_big_remove_ranks(struct zset_big *z,
                                    const struct entry_memory *m, size_t first,
                                    size_t count)
{
    struct one t = {z, m};
    struct value *part = cut_out(z, first, count);
    while (part == NULL && count > 0) {
        size_t taken = ranking_take(z->by_score, first, count, take_cell, &t);
        assert(taken > 0);
        count -= taken;
    }
    return part;
}

/* ---- value_ops ---- */

static const struct zset_big *of(const struct value *v)
{
    return (const struct zset_big *)(const void *)v;
}

static size_t big_count(const struct value *v)
{
    return zset_big_count(of(v));
}

static size_t big_bytes(const struct value *v, const struct entry_memory *m)
{
    const struct zset_big *z = of(v);
    (void)m;
    return z->cell_bytes + table_bytes(z->by_member)
           + ranking_bytes(z->by_score) + slab_class_bytes(sizeof *z);
}

static void destroy_cell(void *self, struct ranked *r)
{
    const struct one *x = self;
    x->z->outside_bytes -= is_outside(r) ? ranked_bytes(r) : 0;
    ranked_destroy(&r, x->m->heap, x->m->account);
}

/* The cells first, by the ranking, then the table, whose slots nobody looks at
 * again. */
static bool big_destroy_some(struct value **v, const struct entry_memory *m,
                             size_t budget)
{
    struct zset_big *z = (struct zset_big *)(void *)*v;
    struct one x = {z, m};
    while (z->parts != NULL) {
        struct zset_part *p = z->parts;
        forget_part(p);
        p->whole = NULL;
    }
    if (z->by_score != NULL
        && ranking_destroy_some(&z->by_score, budget, destroy_cell, &x)) {
        return false;
    }
    if (!table_destroy_some(&z->by_member, budget, NULL, NULL)) {
        return false;
    }
    slab_free(m->heap, z);
    *v = NULL;
    return true;
}

static bool big_is_external(const struct value *v)
{
    return of(v)->outside_bytes > 0;
}

static size_t big_outside_bytes(const struct value *v)
{
    return of(v)->outside_bytes;
}

static struct value *big_settle(struct value *v, const struct entry_memory *to)
{
    struct zset_big *z = (struct zset_big *)(void *)v;
    assert(z->parts == NULL); /* they have a home, and so has the set */
    struct zset_big *moved = slab_alloc(to->heap, sizeof *moved);
    if (moved == NULL) {
        return NULL;
    }
    *moved = *z;
    table_set_home(moved->by_member, to->heap, moved);
    ranking_set_home(moved->by_score, to->heap);
    slab_free(to->heap, z);
    return &moved->head;
}

static struct ranked *move_cell(void *self, struct ranked *r)
{
    const struct one *x = self;
    struct ranked *to = is_outside(r) ? NULL : ranked_copy_out(r, x->m->heap);
    struct table_at at;
    if (to == NULL) {
        return NULL;
    }
    uint64_t hash = zset_big_hash(x->z, ranked_member(r));
    const struct ranked *found = table_find_first(x->z->by_member, hash, &at);
    while (found != r) {
        assert(found != NULL);
        found = table_find_next(&at);
    }
    table_replace(&at, to);
    ranked_destroy(&r, x->m->heap, x->m->account);
    return to;
}

static void *leave_cell(void *self, void *cell)
{
    (void)self;
    (void)cell;
    return NULL;
}

static uint64_t compact_ranking(struct zset_big *z,
                                const struct entry_memory *m, uint64_t cursor)
{
    struct one x = {z, m};
    if (cursor == 0) {
        z->by_member = table_compact_handle(z->by_member);
        z->by_score = ranking_compact_handle(z->by_score);
    }
    cursor = ranking_compact(z->by_score, cursor, move_cell, &x);
    return cursor != 0 ? cursor : (uint64_t)1 << COMPACT_TABLE;
}

static uint64_t big_compact(struct value *v, const struct entry_memory *m,
                            uint64_t cursor)
{
    struct zset_big *z = (struct zset_big *)(void *)v;
    const uint64_t of_table = (uint64_t)1 << COMPACT_TABLE;
    if ((cursor & of_table) == 0) {
        return compact_ranking(z, m, cursor);
    }
    cursor &= ~of_table;
    for (int i = 0; i < COMPACT_BUCKETS; i++) {
        cursor = table_compact(z->by_member, cursor, leave_cell, NULL);
        if (cursor == 0) {
            return 0;
        }
    }
    return cursor | of_table;
}

static struct value *big_copy(const struct value *v,
                              const struct entry_memory *to)
{
    const struct zset_big *from = of(v);
    struct zset_big *z = zset_big_create(to);
    struct ranking_cursor c;
    const struct ranked *r;
    enum status st = ST_OK;
    if (z == NULL) {
        return NULL;
    }
    ranking_seek_rank(from->by_score, 0, &c);
    while (st == ST_OK && (r = ranking_next(&c)) != NULL) {
        struct slice member = ranked_member(r);
        st = zset_big_add(z, to, zset_big_hash(z, member), member, r->score,
                          true);
    }
    if (st != ST_OK) {
        zset_big_destroy(z, to);
        return NULL;
    }
    return &z->head;
}

static void big_check(const struct value *v, const struct entry_memory *m)
{
    const struct zset_big *z = of(v);
    struct ranking_cursor c;
    const struct ranked *r;
    size_t bytes = 0, outside = 0;
    (void)m;
    for (const struct zset_part *p = z->parts; p != NULL; p = p->next) {
        assert(p->whole == z);
    }
    table_check(z->by_member);
    ranking_check(z->by_score);
    assert(z->parts != NULL
           || table_count(z->by_member) == ranking_count(z->by_score));
    ranking_seek_rank(z->by_score, 0, &c);
    while ((r = ranking_next(&c)) != NULL) {
        struct table_at at;
        struct slice member = ranked_member(r);
        const struct ranked *found = zset_big_find(z, zset_big_hash(z, member),
                                                   member, &at);
        assert(found == r);
        (void)found;
        bytes += ranked_bytes(r);
        outside += is_outside(r) ? ranked_bytes(r) : 0;
    }
    assert(z->parts != NULL ? bytes <= z->cell_bytes
                            : bytes == z->cell_bytes);
    assert(z->parts != NULL || outside == z->outside_bytes);
}

static const struct value_ops big_ops = {
    .encoding = "skiplist", .count = big_count, .bytes = big_bytes,
    .destroy_some = big_destroy_some, .is_external = big_is_external,
    .outside_bytes = big_outside_bytes, .settle = big_settle,
    .compact = big_compact, .copy = big_copy, .check = big_check,
};

struct zset_big *zset_big_create(const struct entry_memory *m)
{
    struct zset_big *z = slab_alloc(m->heap, sizeof *z);
    if (z == NULL) {
        return NULL;
    }
    *z = (struct zset_big){.head = {.ops = &big_ops}, .seed = m->seed};
    z->by_member = table_create(m->heap, hash_cell, z);
    if (z->by_member == NULL) {
        goto free_struct;
    }
    z->by_score = ranking_create(m->heap);
    if (z->by_score == NULL) {
        goto destroy_table;
    }
    return z;
destroy_table:
    table_destroy(&z->by_member);
free_struct:
    slab_free(m->heap, z);
    return NULL;
}

void zset_big_destroy(struct zset_big *z, const struct entry_memory *m)
{
    struct value *v = &z->head;
    while (!big_destroy_some(&v, m, SIZE_MAX)) {
    }
}
