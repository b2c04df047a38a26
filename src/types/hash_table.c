/* hash_table: the big form of a hash: a table (cell_table.h) of cells
 * (hash_cell.h), and an index of deadlines once a field has one.
 *
 * Index:     up to FEW_MAX fields there is none: `due_ms` says when to go through
 *            all of them. From then on a wheel has the table positions of the
 *            fields that have a deadline, as a keyspace has those of its keys
 *            (structs/expiry.h): a later deadline needs no new record, records
 *            that nothing answers to are dropped when they fire. Where they
 *            outnumber the live ones, a sweep goes along with each record that
 *            is added.
 * Invariant: `due_ms` or the wheel's next time is no later than any deadline
 *            (but for fields whose record was lost for want of memory).
 * Memory:    blobs and the wheel are the account's. */
#include "structs/expiry.h"
#include "types/hash_cell.h"
#include "types/hash_priv.h"
#include "types/home.h"

enum {
    FEW_MAX = 64,
    SWEEP_SLACK = 64, /* stale records that are always tolerated */
    SWEEP_STEP = 8,   /* records swept with each that is added */
    EXPIRE_BATCH = 64,
};

struct hash_table {
    struct cell_table cells; /* first */
    struct expiry *wheel; /* NULL: there is none */
    int64_t due_ms;       /* while there is no wheel */
    int64_t now_ms;       /* as last told */
    size_t deadline_count;
    uint8_t parity; /* CELL_PARITY of the current sweep, or 0 */
};

static struct hash_table *of(const struct value *v)
{
    return (struct hash_table *)(uintptr_t)v;
}

struct hash_table *hash_table_of(const struct entry *e)
{
    return of(entry_value(e));
}

struct value *hash_table_value(struct hash_table *t)
{
    return &t->cells.head;
}

static uint64_t hash_field(const struct hash_table *t, struct slice field)
{
    return cell_table_hash(&t->cells, field);
}

static uint8_t *find(const struct hash_table *t, uint64_t hash,
                     struct slice field, struct table_at *at)
{
    return cell_table_find(&t->cells, hash, field, hash_cell_field, at);
}

static size_t deadlines_of(const uint8_t *cell)
{
    return (cell[0] & CELL_DEADLINE) != 0;
}

/* ---- the index of deadlines ---- */

int64_t hash_table_due_ms(const struct hash_table *t)
{
    return t->wheel != NULL ? expiry_next_ms(t->wheel) : t->due_ms;
}

static uint64_t position_of(const struct hash_table *t, const uint8_t *cell)
{
    return table_position(hash_field(t, hash_cell_field(cell)));
}

/* Puts a record for the cell where its deadline is. For lack of memory it is
 * lost: the field stays, unseen, until it is written or its hash goes. */
static void file_again(struct hash_table *t, uint8_t *cell, uint64_t position)
{
    cell[0] = (uint8_t)((cell[0] & ~CELL_PARITY) | CELL_INDEXED | t->parity);
    if (expiry_add(t->wheel, hash_cell_deadline_ms(cell), position) != ST_OK) {
        cell[0] &= (uint8_t)~CELL_INDEXED;
    }
}

/* The sweep has come to a record: keeps the first for each cell. */
static void sweep_record(struct hash_table *t, uint64_t position)
{
    const uint8_t want = CELL_DEADLINE | CELL_INDEXED;
    struct table_at at;
    uint8_t *cell = table_find_position(t->cells.table, position, &at);
    for (; cell != NULL; cell = table_find_next(&at)) {
        if ((cell[0] & want) == want && (cell[0] & CELL_PARITY) != t->parity
            && position_of(t, cell) == position) {
            file_again(t, cell, position);
            return;
        }
    }
}

static void sweep_step(struct hash_table *t)
{
    uint64_t records[SWEEP_STEP];
    if (!expiry_is_sweeping(t->wheel)) {
        if (expiry_count(t->wheel) <= 2 * t->deadline_count + SWEEP_SLACK
            || !expiry_sweep_begin(t->wheel)) {
            return;
        }
        t->parity ^= CELL_PARITY;
    }
    size_t n = expiry_sweep_take(t->wheel, records, SWEEP_STEP);
    for (size_t i = 0; i < n; i++) {
        sweep_record(t, records[i]);
    }
}

struct filer {
    struct hash_table *t;
    enum status st;
};

static void file_cell(void *self, void *cell)
{
    struct filer *f = self;
    uint8_t *c = cell;
    if ((c[0] & CELL_DEADLINE) == 0 || f->st != ST_OK) {
        return;
    }
    f->st = expiry_add(f->t->wheel, hash_cell_deadline_ms(c),
                       position_of(f->t, c));
    c[0] = (uint8_t)((c[0] & ~CELL_PARITY) | CELL_INDEXED | f->t->parity);
}

/* Makes the wheel if it is time to. */
static enum status make_wheel(struct hash_table *t,
                              const struct entry_memory *m)
{
    struct filer f = {t, ST_OK};
    if (t->wheel != NULL || t->due_ms == HASH_FOREVER
        || table_count(t->cells.table) < FEW_MAX) {
        return ST_OK;
    }
    t->wheel = expiry_create(value_memory(&t->cells.head, m)->account, t->now_ms);
    if (t->wheel == NULL) {
        return ST_NOMEM;
    }
    if (t->deadline_count > 0) { /* then there are few cells as well */
        cell_table_each(&t->cells, file_cell, &f);
    }
    if (f.st != ST_OK) {
        expiry_destroy(&t->wheel);
    }
    return f.st;
}

/* Something will be looked at no later than `deadline_ms`; `cell` is what the
 * field has now (NULL: nothing). *flags: what its cell is to have. */
static enum status index_deadline(struct hash_table *t,
                                  const struct entry_memory *m,
                                  const uint8_t *cell, uint64_t hash,
                                  int64_t deadline_ms, uint8_t *flags)
{
    *flags = 0;
    if (deadline_ms == HASH_FOREVER) {
        return ST_OK;
    }
    if (t->wheel == NULL) {
        t->due_ms = deadline_ms < t->due_ms ? deadline_ms : t->due_ms;
        enum status st = make_wheel(t, m);
        if (st != ST_OK || t->wheel == NULL) {
            return st;
        }
    }
    if (cell != NULL && (cell[0] & CELL_INDEXED)
        && hash_cell_deadline_ms(cell) <= deadline_ms) {
        *flags = cell[0] & CELL_OF_INDEX;
        return ST_OK;
    }
    *flags = (uint8_t)(CELL_INDEXED | t->parity);
    return expiry_add(t->wheel, deadline_ms, table_position(hash));
}

/* The last deadline has gone: so does the index. */
static void drop_idle_index(struct hash_table *t)
{
    if (t->deadline_count == 0) {
        t->due_ms = HASH_FOREVER;
        if (t->wheel != NULL) {
            expiry_destroy(&t->wheel);
        }
    }
}

static void tidy_index(struct hash_table *t)
{
    if (t->wheel != NULL) {
        sweep_step(t);
    }
    drop_idle_index(t);
}

/* ---- reading ---- */

bool hash_table_find(const struct hash_table *t, struct slice field,
                     struct hash_item *out)
{
    struct table_at at;
    const uint8_t *cell = find(t, hash_field(t, field), field, &at);
    if (cell != NULL) {
        *out = hash_cell_item(cell);
    }
    return cell != NULL;
}

struct visitor {
    hash_visit_fn *visit;
    void *self;
};

static void visit_cell(void *self, void *cell)
{
    struct visitor *v = self;
    struct hash_item item = hash_cell_item(cell);
    v->visit(v->self, &item);
}

uint64_t hash_table_scan(const struct hash_table *t, uint64_t cursor,
                         hash_visit_fn *visit, void *self)
{
    struct visitor v = {visit, self};
    return table_scan(t->cells.table, cursor, visit_cell, &v);
}

void hash_table_random(const struct hash_table *t, struct random *r,
                       struct hash_item *out)
{
    *out = hash_cell_item(table_random(t->cells.table, r, NULL));
}

/* ---- changing ---- */

/* A new cell takes the place of `old` (NULL: none). Takes item->blob if that is
 * what `old` has. */
static enum status put_cell(struct hash_table *t, const struct entry_memory *m,
                            uint64_t hash, const struct hash_item *item,
                            uint8_t flags, uint8_t *old,
                            const struct table_at *at)
{
    const struct entry_memory *own = value_memory(&t->cells.head, m);
    uint8_t *cell;
    enum status st = hash_cell_create(own, item, flags, &cell);
    if (st != ST_OK) {
        return st;
    }
    size_t deadlines = deadlines_of(cell);
    if (old == NULL) {
        st = cell_table_add(&t->cells, m, hash, cell);
        t->deadline_count += st == ST_OK ? deadlines : 0;
        return st;
    }
    t->deadline_count += deadlines - deadlines_of(old);
    cell_table_account(&t->cells, old, -1);
    cell_table_account(&t->cells, cell, 1);
    table_replace(at, cell);
    if (item->blob != NULL) {
        hash_cell_free_shell(old, own);
    } else {
        hash_cell_destroy(old, own);
    }
    return ST_OK;
}

enum status hash_table_set(struct hash_table *t, const struct entry_memory *m,
                           const struct hash_item *item, int64_t now_ms,
                           bool *added)
{
    struct table_at at;
    struct hash_item made = *item;
    uint64_t hash = hash_field(t, item->field);
    uint8_t *cell = find(t, hash, item->field, &at);
    uint8_t flags;
    made.blob = NULL;
    t->now_ms = now_ms;
    *added = false;
    if (made.deadline_ms == HASH_KEEP_DEADLINE) {
        made.deadline_ms = cell != NULL ? hash_cell_deadline_ms(cell)
                                        : HASH_FOREVER;
    }
    enum status st = index_deadline(t, m, cell, hash, made.deadline_ms, &flags);
    if (st == ST_OK) {
        st = make_wheel(t, m);
    }
    if (st != ST_OK) {
        return st;
    }
    bool is_done = false;
    if (cell != NULL) {
        size_t before = deadlines_of(cell);
        is_done = hash_cell_overwrite(cell, &made, flags);
        t->deadline_count += deadlines_of(cell) - before;
    }
    if (!is_done) {
        st = put_cell(t, m, hash, &made, flags, cell, &at);
        *added = st == ST_OK && cell == NULL;
    }
    tidy_index(t);
    return st;
}

enum status hash_table_set_deadline(struct hash_table *t,
                                    const struct entry_memory *m,
                                    struct slice field, int64_t deadline_ms,
                                    int64_t now_ms)
{
    struct table_at at;
    uint64_t hash = hash_field(t, field);
    uint8_t *cell = find(t, hash, field, &at);
    uint8_t flags;
    assert(cell != NULL);
    t->now_ms = now_ms;
    enum status st = index_deadline(t, m, cell, hash, deadline_ms, &flags);
    if (st != ST_OK) {
        return st;
    }
    if ((cell[0] & CELL_DEADLINE) && deadline_ms != HASH_FOREVER) {
        memcpy(hash_cell_deadline_at(cell), &deadline_ms, sizeof deadline_ms);
        cell[0] = (uint8_t)((cell[0] & ~CELL_OF_INDEX) | flags);
    } else if ((cell[0] & CELL_DEADLINE) || deadline_ms != HASH_FOREVER) {
        struct hash_item item = hash_cell_item(cell);
        item.deadline_ms = deadline_ms;
        st = put_cell(t, m, hash, &item, flags, cell, &at);
    }
    tidy_index(t);
    return st;
}

static void remove_at(struct hash_table *t, const struct entry_memory *m,
                      struct table_at *at, uint8_t *cell)
{
    t->deadline_count -= deadlines_of(cell);
    cell_table_remove(&t->cells, m, at, cell);
}

bool hash_table_remove(struct hash_table *t, const struct entry_memory *m,
                       struct slice field)
{
    struct table_at at;
    uint8_t *cell = find(t, hash_field(t, field), field, &at);
    if (cell == NULL) {
        return false;
    }
    remove_at(t, m, &at, cell);
    drop_idle_index(t);
    return true;
}

/* ---- expiry ---- */

struct expirer {
    struct hash_table *t;
    const struct entry_memory *m;
    int64_t now_ms;
    hash_visit_fn *visit;
    void *self;
    size_t count;
};

static void expire_cell(struct expirer *x, struct table_at *at, uint8_t *cell)
{
    struct hash_item item = hash_cell_item(cell);
    x->visit(x->self, &item);
    remove_at(x->t, x->m, at, cell);
    x->count++;
}

/* One record has fired: what is due there goes, what is not is filed again. */
static void fire(struct expirer *x, uint64_t position)
{
    struct table_at at;
    struct hash_table *t = x->t;
    uint8_t *cell = table_find_position(t->cells.table, position, &at);
    while (cell != NULL) {
        if (hash_cell_deadline_ms(cell) <= x->now_ms) {
            expire_cell(x, &at, cell);
            cell = table_find_position(t->cells.table, position, &at);
            continue;
        }
        if ((cell[0] & CELL_DEADLINE) && position_of(t, cell) == position) {
            file_again(t, cell, position);
            return;
        }
        cell = table_find_next(&at);
    }
}

/* Of few fields: those that are due, and when the next one is. */
struct few {
    uint8_t *due[FEW_MAX];
    size_t count;
    int64_t now_ms, next_ms;
};

static void look_at_cell(void *self, void *cell)
{
    struct few *f = self;
    int64_t ms = hash_cell_deadline_ms(cell);
    if (ms <= f->now_ms && f->count < FEW_MAX) {
        f->due[f->count++] = cell;
    } else {
        f->next_ms = ms < f->next_ms ? ms : f->next_ms;
    }
}

static void expire_few(struct expirer *x, size_t max)
{
    struct few f = {.now_ms = x->now_ms, .next_ms = HASH_FOREVER};
    struct hash_table *t = x->t;
    cell_table_each(&t->cells, look_at_cell, &f);
    size_t n = f.count < max ? f.count : max;
    for (size_t i = 0; i < n; i++) {
        struct table_at at;
        struct slice field = hash_cell_field(f.due[i]);
        uint8_t *cell = find(t, hash_field(t, field), field, &at);
        assert(cell == f.due[i]);
        expire_cell(x, &at, cell);
    }
    t->due_ms = n < f.count ? x->now_ms : f.next_ms;
}

size_t hash_table_expire(struct hash_table *t, const struct entry_memory *m,
                         int64_t now_ms, size_t max, hash_visit_fn *visit,
                         void *self)
{
    struct expirer x = {t, m, now_ms, visit, self, 0};
    uint64_t records[EXPIRE_BATCH];
    t->now_ms = now_ms;
    if (t->wheel == NULL) {
        expire_few(&x, max);
    } else {
        max = max < EXPIRE_BATCH ? max : EXPIRE_BATCH;
        size_t n = expiry_take(t->wheel, now_ms, records, max);
        for (size_t i = 0; i < n; i++) {
            table_prefetch_bucket(t->cells.table,
                                  records[i] << (64 - TABLE_POSITION_BITS));
        }
        for (size_t i = 0; i < n; i++) {
            fire(&x, records[i]);
        }
    }
    drop_idle_index(t);
    return x.count;
}

/* ---- value_ops ---- */

static size_t bytes(const struct value *v, const struct entry_memory *m)
{
    const struct hash_table *t = of(v);
    return cell_table_bytes(v, m)
           + (t->wheel != NULL ? expiry_bytes(t->wheel) : 0);
}

static bool destroy_some(struct value **v, const struct entry_memory *m,
                         size_t budget)
{
    struct hash_table *t = of(*v);
    if (t->wheel != NULL && !expiry_destroy_some(&t->wheel, budget)) {
        return false;
    }
    return cell_table_destroy_some(v, m, budget);
}

static bool is_external(const struct value *v)
{
    return cell_table_is_external(v) || of(v)->wheel != NULL;
}

static size_t outside_bytes(const struct value *v)
{
    const struct hash_table *t = of(v);
    return cell_table_outside_bytes(v)
           + (t->wheel != NULL ? expiry_bytes(t->wheel) : 0);
}

static struct value *settle(struct value *v, const struct entry_memory *to)
{
    struct value *moved = cell_table_settle(v, to);
    if (moved != NULL && of(moved)->wheel != NULL) {
        expiry_set_account(of(moved)->wheel, to->account);
    }
    return moved;
}

static struct value *copy(const struct value *v, const struct entry_memory *to);

struct checker {
    const struct hash_table *t;
    size_t deadlines;
};

static void check_cell(void *self, void *cell)
{
    struct checker *c = self;
    const uint8_t *p = cell;
    c->deadlines += deadlines_of(p);
    if (c->t->wheel == NULL) {
        assert(hash_cell_deadline_ms(p) >= c->t->due_ms);
        assert((p[0] & CELL_INDEXED) == 0);
    } else if (p[0] & CELL_INDEXED) {
        assert(hash_cell_deadline_ms(p) >= expiry_next_ms(c->t->wheel));
    }
}

static void check(const struct value *v, const struct entry_memory *m)
{
    const struct hash_table *t = of(v);
    struct checker c = {.t = t};
    cell_table_check(v, m);
    cell_table_each(&t->cells, check_cell, &c);
    assert(c.deadlines == t->deadline_count);
    if (t->wheel != NULL) {
        expiry_check(t->wheel);
    }
}

static const struct cell_ops ops = {
    .value = {
        .encoding = "hashtable", .count = cell_table_count, .bytes = bytes,
        .destroy_some = destroy_some, .is_external = is_external,
        .outside_bytes = outside_bytes, .settle = settle,
        .compact = cell_table_compact, .copy = copy, .check = check,
    },
    .struct_bytes = sizeof(struct hash_table), .name = hash_cell_field,
    .bytes = hash_cell_bytes, .size = hash_cell_size,
    .destroy = hash_cell_destroy,
};

struct hash_table *hash_table_create(const struct entry_memory *m)
{
    struct cell_table *cells = cell_table_create(m, &ops);
    if (cells == NULL) {
        return NULL;
    }
    struct hash_table *t = of(&cells->head);
    t->due_ms = HASH_FOREVER;
    return t;
}

void hash_table_destroy(struct hash_table *t, const struct entry_memory *m)
{
    cell_table_destroy(&t->cells, m);
}

struct copier {
    struct hash_table *to;
    const struct entry_memory *m;
    int64_t now_ms;
    enum status st;
};

static void copy_cell(void *self, void *cell)
{
    struct copier *c = self;
    struct hash_item item = hash_cell_item(cell);
    bool added;
    if (c->st == ST_OK) {
        c->st = hash_table_set(c->to, c->m, &item, c->now_ms, &added);
    }
}

static struct value *copy(const struct value *v, const struct entry_memory *to)
{
    const struct hash_table *from = of(v);
    struct copier c = {hash_table_create(to), to, from->now_ms, ST_OK};
    if (c.to == NULL) {
        return NULL;
    }
    cell_table_each(&from->cells, copy_cell, &c);
    if (c.st != ST_OK) {
        hash_table_destroy(c.to, to);
        return NULL;
    }
    return &c.to->cells.head;
}
