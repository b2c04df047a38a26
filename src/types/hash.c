/* hash: which form a hash has, and the step from the packed one to the big one.
 * No step leads back: a hash that was large once is likely to be so again. */
#include "types/hash.h"

#include "types/hash_priv.h"

static bool is_big(const struct entry *e)
{
    return e->encoding == ENC_BIG;
}

static int64_t limit(const _Atomic(int64_t) *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

/* Items on their way into a table. */
struct adder {
    struct hash_table *to;
    const struct entry_memory *m;
    int64_t now_ms;
    enum status st;
};

static bool add_item(void *self, const struct hash_item *item)
{
    struct adder *a = self;
    bool added;
    a->st = hash_table_set(a->to, a->m, item, a->now_ms, &added);
    return a->st == ST_OK;
}

static enum status make_big(const struct entry_memory *m, struct entry **e,
                            int64_t now_ms)
{
    struct adder a = {hash_table_create(m), m, now_ms, ST_OK};
    if (a.to == NULL) {
        return ST_NOMEM;
    }
    hash_visit(*e, add_item, &a);
    if (a.st == ST_OK) {
        a.st = value_make_big(m, e, hash_table_value(a.to));
    }
    if (a.st != ST_OK) {
        hash_table_destroy(a.to, m);
    }
    return a.st;
}

bool hash_find(const struct entry *e, struct slice field, char *scratch,
               struct hash_item *out)
{
    return is_big(e) ? hash_table_find(hash_table_of(e), field, out)
                     : hash_packed_find(e, field, scratch, out);
}

enum status hash_set(const struct entry_memory *m, const struct value_limits *l,
                     struct entry **e, const struct hash_item *item,
                     int64_t now_ms, bool *added)
{
    int64_t value_max = limit(&l->hash_value_max);
    enum status st = ST_OK;
    *added = false;
    if (!is_big(*e)) {
        bool is_short = (int64_t)item->field.len <= value_max
                        && (int64_t)item->value.len <= value_max;
        st = is_short ? hash_packed_set(m, e, item, added) : ST_RANGE;
        if (st == ST_OK && *added
            && (int64_t)hash_packed_count(*e) > limit(&l->hash_entries_max)) {
            st = make_big(m, e, now_ms);
            if (st != ST_OK) {
                (void)hash_packed_remove(m, e, item->field);
                *added = false;
            }
            return st;
        }
        if (st != ST_RANGE) {
            return st;
        }
        st = make_big(m, e, now_ms);
    }
    return st == ST_OK
        ? hash_table_set(hash_table_of(*e), m, item, now_ms, added) : st;
}

enum status hash_expect(const struct entry_memory *m,
                        const struct value_limits *l, struct entry **e,
                        size_t count, int64_t now_ms)
{
    bool is_many = (int64_t)count > limit(&l->hash_entries_max);
    return is_many && !is_big(*e) ? make_big(m, e, now_ms) : ST_OK;
}

bool hash_remove(const struct entry_memory *m, struct entry **e,
                 struct slice field)
{
    return is_big(*e) ? hash_table_remove(hash_table_of(*e), m, field)
                      : hash_packed_remove(m, e, field);
}

enum status hash_set_deadline(const struct entry_memory *m, struct entry **e,
                              struct slice field, int64_t deadline_ms,
                              int64_t now_ms)
{
    return is_big(*e)
        ? hash_table_set_deadline(hash_table_of(*e), m, field, deadline_ms,
                                  now_ms)
        : hash_packed_set_deadline(m, e, field, deadline_ms);
}

/* ---- walking ---- */

struct walker {
    hash_visit_fn *visit;
    void *self;
    bool is_over;
};

static bool walk_item(void *self, const struct hash_item *item)
{
    struct walker *w = self;
    w->is_over = w->is_over || !w->visit(w->self, item);
    return !w->is_over;
}

void hash_visit(const struct entry *e, hash_visit_fn *visit, void *self)
{
    if (is_big(e)) {
        struct walker w = {visit, self, false};
        uint64_t cursor = 0;
        do {
            cursor = hash_table_scan(hash_table_of(e), cursor, walk_item, &w);
        } while (cursor != 0 && !w.is_over);
        return;
    }
    hash_packed_visit(e, visit, self);
}

uint64_t hash_scan(const struct entry *e, uint64_t cursor, hash_visit_fn *visit,
                   void *self)
{
    if (is_big(e)) {
        return hash_table_scan(hash_table_of(e), cursor, visit, self);
    }
    hash_packed_visit(e, visit, self);
    return 0;
}

void hash_random(const struct entry *e, struct random *r, char *scratch,
                 struct hash_item *out)
{
    if (is_big(e)) {
        hash_table_random(hash_table_of(e), r, out);
    } else {
        hash_packed_at(e, random_below(r, hash_packed_count(e)), scratch, out);
    }
}

size_t hash_expire(const struct entry_memory *m, struct entry **e,
                   int64_t now_ms, size_t max, hash_visit_fn *visit,
                   void *self)
{
    return is_big(*e)
        ? hash_table_expire(hash_table_of(*e), m, now_ms, max, visit, self)
        : hash_packed_expire(m, e, now_ms, max, visit, self);
}
