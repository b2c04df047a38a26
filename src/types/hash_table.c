/* hash_table: the big form of a hash: a table of cells (hash_cell.h), and an
 * index of deadlines once a field has one.
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
 * Memory:    table and cells are the heap's; blobs, the wheel and cells over
 *            SLAB_CELL_MAX the account's. */
#include "structs/expiry.h"
#include "structs/table.h"
#include "types/hash_cell.h"
#include "types/hash_priv.h"
#include "types/home.h"

enum {
    FEW_MAX = 64,
    SWEEP_SLACK = 64, /* stale records that are always tolerated */
    SWEEP_STEP = 8,   /* records swept with each that is added */
    EXPIRE_BATCH = 64,
    COMPACT_BUCKETS = 8,
};

struct hash_table {
    struct value head; /* first */
    struct table *table;
    const struct hash_seed *seed;
    struct expiry *wheel; /* NULL: there is none */
    int64_t due_ms;       /* while there is no wheel */
    int64_t now_ms;       /* as last told */
    size_t deadline_count;
    size_t cell_bytes;    /* of all cells, in the allocator's measure */
    size_t outside_bytes; /* what of it is not the heap's */
    uint8_t parity; /* CELL_PARITY of the current sweep, or 0 */
};

struct hash_table *hash_table_of(const struct entry *e)
{
    return (struct hash_table *)(void *)entry_value(e);
}

struct value *hash_table_value(struct hash_table *t)
{
    return &t->head;
}

static uint64_t hash_field(const struct hash_table *t, struct slice field)
{
    return hash_keyed(t->seed, field.data, field.len);
}

static uint64_t hash_cell(void *self, const void *cell)
{
    return hash_field(self, hash_cell_field(cell));
}

static uint8_t *find(const struct hash_table *t, uint64_t hash,
                     struct slice field, struct table_at *at)
{
    uint8_t *cell = table_find_first(t->table, hash, at);
    while (cell != NULL && !slice_equal(hash_cell_field(cell), field)) {
        cell = table_find_next(at);
    }
    return cell;
}

static void count_cell(struct hash_table *t, const uint8_t *cell, int sign)
{
    size_t one = (size_t)(ptrdiff_t)sign;
    t->deadline_count += (cell[0] & CELL_DEADLINE) ? one : 0;
    struct hash_cell_size size = hash_cell_size(cell);
    t->cell_bytes += (size.heap_bytes + size.outside_bytes) * one;
    t->outside_bytes += size.outside_bytes * one;
}

static void each_cell(const struct table *t, table_visit_fn *visit, void *self)
{
    uint64_t cursor = 0;
    do {
        cursor = table_scan(t, cursor, visit, self);
    } while (cursor != 0);
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
    uint8_t *cell = table_find_position(t->table, position, &at);
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
        || table_count(t->table) < FEW_MAX) {
        return ST_OK;
    }
    t->wheel = expiry_create(value_memory(&t->head, m)->account, t->now_ms);
    if (t->wheel == NULL) {
        return ST_NOMEM;
    }
    if (t->deadline_count > 0) { /* then there are few cells as well */
        each_cell(t->table, file_cell, &f);
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
    return table_scan(t->table, cursor, visit_cell, &v);
}

void hash_table_random(const struct hash_table *t, struct random *r,
                       struct hash_item *out)
{
    *out = hash_cell_item(table_random(t->table, r, NULL));
}

/* ---- changing ---- */

/* A new cell takes the place of `old` (NULL: none). Takes item->blob if that is
 * what `old` has. */
static enum status put_cell(struct hash_table *t, const struct entry_memory *m,
                            uint64_t hash, const struct hash_item *item,
                            uint8_t flags, uint8_t *old,
                            const struct table_at *at)
{
    uint8_t *cell;
    m = value_memory(&t->head, m);
    enum status st = hash_cell_create(m, item, flags, &cell);
    if (st != ST_OK) {
        return st;
    }
    if (old == NULL) {
        st = table_insert(t->table, hash, cell);
        if (st != ST_OK) {
            hash_cell_free(cell, m);
            return st;
        }
    } else {
        count_cell(t, old, -1);
        table_replace(at, cell);
        if (item->blob != NULL) {
            hash_cell_free_shell(old, m);
        } else {
            hash_cell_free(old, m);
        }
    }
    count_cell(t, cell, 1);
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
        size_t before = (cell[0] & CELL_DEADLINE) != 0;
        is_done = hash_cell_overwrite(cell, &made, flags);
        t->deadline_count += ((cell[0] & CELL_DEADLINE) != 0) - before;
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
    table_remove(at);
    count_cell(t, cell, -1);
    hash_cell_free(cell, value_memory(&t->head, m));
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
    uint8_t *cell = table_find_position(t->table, position, &at);
    while (cell != NULL) {
        if (hash_cell_deadline_ms(cell) <= x->now_ms) {
            expire_cell(x, &at, cell);
            cell = table_find_position(t->table, position, &at);
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
    each_cell(t->table, look_at_cell, &f);
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
            table_prefetch_bucket(t->table,
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

static size_t count(const struct value *v)
{
    const struct hash_table *t = (const struct hash_table *)(const void *)v;
    return table_count(t->table);
}

static size_t bytes(const struct value *v, const struct entry_memory *m)
{
    const struct hash_table *t = (const struct hash_table *)(const void *)v;
    (void)m;
    return t->cell_bytes + table_bytes(t->table)
           + (t->wheel != NULL ? expiry_bytes(t->wheel) : 0)
           + slab_class_bytes(sizeof *t);
}

struct destroyer {
    struct hash_table *t;
    const struct entry_memory *m;
};

static void destroy_cell(void *self, void *cell)
{
    struct destroyer *d = self;
    d->t->outside_bytes -= hash_cell_size(cell).outside_bytes;
    hash_cell_free(cell, d->m);
}

static bool destroy_some(struct value **v, const struct entry_memory *m,
                         size_t budget)
{
    struct hash_table *t = (struct hash_table *)(void *)*v;
    struct destroyer d = {t, m};
    if (t->wheel != NULL && !expiry_destroy_some(&t->wheel, budget)) {
        return false;
    }
    if (!table_destroy_some(&t->table, budget, destroy_cell, &d)) {
        return false;
    }
    slab_free(m->heap, t);
    *v = NULL;
    return true;
}

static bool is_external(const struct value *v)
{
    const struct hash_table *t = (const struct hash_table *)(const void *)v;
    return t->outside_bytes > 0 || t->wheel != NULL;
}

static size_t outside_bytes(const struct value *v)
{
    const struct hash_table *t = (const struct hash_table *)(const void *)v;
    return t->outside_bytes
           + (t->wheel != NULL ? expiry_bytes(t->wheel) : 0);
}

static struct value *settle(struct value *v, const struct entry_memory *to)
{
    struct hash_table *t = (struct hash_table *)(void *)v;
    struct hash_table *moved = slab_alloc(to->heap, sizeof *moved);
    if (moved == NULL) {
        return NULL;
    }
    *moved = *t;
    table_set_home(moved->table, to->heap, moved);
    if (moved->wheel != NULL) {
        expiry_set_account(moved->wheel, to->account);
    }
    slab_free(to->heap, t);
    return &moved->head;
}

static void *move_cell(void *self, void *cell)
{
    return hash_cell_move(cell, self);
}

static uint64_t compact(struct value *v, const struct entry_memory *m,
                        uint64_t cursor)
{
    struct hash_table *t = (struct hash_table *)(void *)v;
    struct entry_memory own = *m;
    if (cursor == 0) {
        t->table = table_compact_handle(t->table);
    }
    for (int i = 0; i < COMPACT_BUCKETS; i++) {
        cursor = table_compact(t->table, cursor, move_cell, &own);
        if (cursor == 0) {
            break;
        }
    }
    return cursor;
}

static struct value *copy(const struct value *v, const struct entry_memory *to);

struct checker {
    const struct hash_table *t;
    size_t deadlines, cell_bytes, outside_bytes;
};

static void check_cell(void *self, void *cell)
{
    struct checker *c = self;
    struct table_at at;
    struct slice field = hash_cell_field(cell);
    const uint8_t *found = find(c->t, hash_field(c->t, field), field, &at);
    assert(found == cell);
    c->deadlines += (found[0] & CELL_DEADLINE) != 0;
    struct hash_cell_size size = hash_cell_size(found);
    c->cell_bytes += size.heap_bytes + size.outside_bytes;
    c->outside_bytes += size.outside_bytes;
    if (c->t->wheel == NULL) {
        assert(hash_cell_deadline_ms(found) >= c->t->due_ms);
        assert((found[0] & CELL_INDEXED) == 0);
    } else if (found[0] & CELL_INDEXED) {
        assert(hash_cell_deadline_ms(found) >= expiry_next_ms(c->t->wheel));
    }
}

static void check(const struct value *v, const struct entry_memory *m)
{
    const struct hash_table *t = (const struct hash_table *)(const void *)v;
    struct checker c = {.t = t};
    (void)m;
    table_check(t->table);
    each_cell(t->table, check_cell, &c);
    assert(c.deadlines == t->deadline_count);
    assert(c.cell_bytes == t->cell_bytes);
    assert(c.outside_bytes == t->outside_bytes);
    if (t->wheel != NULL) {
        expiry_check(t->wheel);
    }
}

static const struct value_ops ops = {
    .encoding = "hashtable", .count = count, .bytes = bytes,
    .destroy_some = destroy_some, .is_external = is_external,
    .outside_bytes = outside_bytes, .settle = settle, .compact = compact,
    .copy = copy, .check = check,
};

struct hash_table *hash_table_create(const struct entry_memory *m)
{
    struct hash_table *t = slab_alloc(m->heap, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    *t = (struct hash_table){.head = {.ops = &ops}, .seed = m->seed,
                             .due_ms = HASH_FOREVER};
    t->table = table_create(m->heap, hash_cell, t);
    if (t->table == NULL) {
        slab_free(m->heap, t);
        return NULL;
    }
    return t;
}

void hash_table_destroy(struct hash_table *t, const struct entry_memory *m)
{
    struct value *v = &t->head;
    while (!destroy_some(&v, m, SIZE_MAX)) {
    }
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
    const struct hash_table *from = (const struct hash_table *)(const void *)v;
    struct copier c = {hash_table_create(to), to, from->now_ms, ST_OK};
    if (c.to == NULL) {
        return NULL;
    }
    each_cell(from->table, copy_cell, &c);
    if (c.st != ST_OK) {
        hash_table_destroy(c.to, to);
        return NULL;
    }
    return &c.to->head;
}
