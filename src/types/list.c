/* list: two forms and the steps between them.
 *
 * Memory: a quicklist's chunks and nodes are the heap's or the account's, as the
 * quicklist sees fit; all lists are walked when a database is dropped. */
#include "types/list.h"

#include "base/rare.h"
#include "structs/listpack.h"
#include "types/home.h"

struct list_big {
    struct value head; /* first */
    struct quicklist *q;
};

enum {
    DESTROYED_CHUNK = 128, /* elements that a chunk counts for */
    COMPACT_CHUNKS = 8,
};

static struct list_big *big_of(const struct entry *e)
{
    return (struct list_big *)(void *)entry_value(e);
}

static struct quicklist_memory memory_of(const struct entry_memory *m)
{
    return (struct quicklist_memory){m->heap, m->account};
}

static struct quicklist_memory memory_of_big(const struct list_big *b,
                                             const struct entry_memory *m)
{
    return memory_of(value_memory(&b->head, m));
}

/* ---- value_ops ---- */

static const struct list_big *as_list(const struct value *v)
{
    return (const struct list_big *)(const void *)v;
}

static size_t big_count(const struct value *v)
{
    return (size_t)quicklist_count(as_list(v)->q);
}

static size_t big_bytes(const struct value *v, const struct entry_memory *m)
{
    (void)m;
    return quicklist_bytes(as_list(v)->q)
           + slab_class_bytes(sizeof(struct list_big));
}

static bool big_destroy_some(struct value **v, const struct entry_memory *m,
                             size_t budget)
{
    struct list_big *b = (struct list_big *)(void *)*v;
    struct quicklist_memory qm = memory_of(m);
    if (quicklist_destroy_some(&b->q, &qm, budget / DESTROYED_CHUNK + 1)) {
        return false;
    }
    slab_free(m->heap, b);
    *v = NULL;
    return true;
}

static bool big_is_external(const struct value *v)
{
    (void)v;
    return true; /* chunks are larger than cells as a rule */
}

static size_t big_outside_bytes(const struct value *v)
{
    return quicklist_outside_bytes(as_list(v)->q);
}

static struct value *big_settle(struct value *v, const struct entry_memory *to)
{
    struct list_big *b = (struct list_big *)(void *)v;
    struct list_big *moved = slab_alloc(to->heap, sizeof *moved);
    if (moved == NULL) {
        return NULL;
    }
    *moved = *b;
    slab_free(to->heap, b);
    return &moved->head;
}

static uint64_t big_compact(struct value *v, const struct entry_memory *m,
                            uint64_t cursor)
{
    struct list_big *b = (struct list_big *)(void *)v;
    struct quicklist_memory qm = memory_of(m);
    if (cursor == 0) {
        b->q = quicklist_compact_handle(b->q, &qm);
    }
    return quicklist_compact(b->q, &qm, cursor, COMPACT_CHUNKS);
}

static struct value *big_copy(const struct value *v,
                              const struct entry_memory *to);

static void big_check(const struct value *v, const struct entry_memory *m)
{
    struct quicklist_memory qm = memory_of(value_memory(v, m));
    quicklist_check(as_list(v)->q, &qm);
}

static const struct value_ops big_ops = {
    .encoding = "quicklist", .count = big_count, .bytes = big_bytes,
    .destroy_some = big_destroy_some, .is_external = big_is_external,
    .outside_bytes = big_outside_bytes, .settle = big_settle,
    .compact = big_compact, .copy = big_copy, .check = big_check,
};

/* Takes `q`, if it succeeds; NULL: out of memory. */
static struct value *wrap(const struct entry_memory *m, struct quicklist *q)
{
    struct list_big *b = slab_alloc(m->heap, sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    *b = (struct list_big){.head = {.ops = &big_ops}, .q = q};
    return &b->head;
}

/* The same for a part of the list `v`. */
static struct value *wrap_beside(const struct value *v,
                                 const struct entry_memory *m,
                                 struct quicklist *q)
{
    struct value *part = wrap(value_memory(v, m), q);
    if (part != NULL && v->home != NULL) {
        home_join(v->home, part);
    }
    return part;
}

static struct value *big_copy(const struct value *v,
                              const struct entry_memory *to)
{
    const struct quicklist *from = as_list(v)->q;
    struct quicklist_memory qm = memory_of(to);
    struct quicklist *q = quicklist_create_like(&qm, from);
    struct quicklist_at at;
    bool more = q != NULL && quicklist_seek(from, 0, &at);
    enum status st = q != NULL ? ST_OK : ST_NOMEM;
    while (more && st == ST_OK) {
        char scratch[LIST_SCRATCH_BYTES];
        struct slice item = quicklist_text(&at, scratch);
        st = quicklist_push(q, &qm, QUICKLIST_TAIL, &item, 1);
        more = quicklist_next(from, &at);
    }
    struct value *made = st == ST_OK ? wrap(to, q) : NULL;
    if (made == NULL && q != NULL) {
        quicklist_destroy(&q, &qm);
    }
    return made;
}

/* ---- the step up, the step down ---- */

/* As the directive has it: a size class, or a number of elements. */
struct size_limit {
    size_t bytes, count;
};

static struct size_limit limit_of(const struct value_limits *l)
{
    enum { BYTES_OF_COUNTED = 8192 };
    int64_t n = atomic_load_explicit(&l->list_listpack_size,
                                     memory_order_relaxed);
    if (n >= 0) {
        return (struct size_limit){BYTES_OF_COUNTED, n > 0 ? (size_t)n : 1};
    }
    int64_t level = n < -5 ? 5 : -n;
    return (struct size_limit){(size_t)2048 << level, SIZE_MAX};
}

static struct quicklist *quicklist_for(const struct quicklist_memory *qm,
                                       const struct value_limits *l)
{
    int64_t limit = atomic_load_explicit(&l->list_listpack_size,
                                         memory_order_relaxed);
    int64_t depth = atomic_load_explicit(&l->list_compress_depth,
                                         memory_order_relaxed);
    return quicklist_create(qm, (int)limit, (uint32_t)depth);
}

static enum status to_big(const struct entry_memory *m,
                          const struct value_limits *l, struct entry **e)
{
    struct quicklist_memory qm = memory_of(m);
    struct quicklist *q = quicklist_for(&qm, l);
    if (q == NULL) {
        return ST_NOMEM;
    }
    enum status st = quicklist_append_listpack(q, &qm, flat_bytes(*e).data);
    struct value *v = st == ST_OK ? wrap(m, q) : NULL;
    if (v == NULL) {
        quicklist_destroy(&q, &qm);
        return ST_NOMEM;
    }
    st = value_make_big(m, e, v);
    if (st != ST_OK) {
        while (!big_destroy_some(&v, m, SIZE_MAX)) {
        }
    }
    return st;
}

static RARE void make_flat(const struct entry_memory *m,
                           struct size_limit limit, struct entry **e)
{
    struct value *v = entry_value(*e);
    struct quicklist *q = big_of(*e)->q;
    uint8_t *lp;
    if (quicklist_bytes(q) > limit.bytes) {
        return;
    }
    size_t bytes = quicklist_listpack_bytes(q, limit.bytes / 2);
    if (bytes == 0 || value_make_flat(m, e, bytes, &lp) != ST_OK) {
        return;
    }
    quicklist_write_listpack(q, lp);
    while (!value_destroy_some(&v, m, SIZE_MAX)) {
    }
}

/* After a removal: a listpack again, if it takes half of what it might. Without
 * memory for it the list stays as it is. An element takes no less than two
 * bytes, so that few lists need be measured, which asks the allocator. */
static inline void try_flat(const struct entry_memory *m,
                            const struct value_limits *l, struct entry **e)
{
    struct size_limit limit = limit_of(l);
    uint64_t count = quicklist_count(big_of(*e)->q);
    if (count <= limit.bytes / 4 && count <= limit.count / 2) {
        make_flat(m, limit, e);
    }
}

/* Makes a flat one big if, with these items, it would be too long. */
static enum status prepare_flat(const struct entry_memory *m,
                                const struct value_limits *l, struct entry **e,
                                const struct slice *items, size_t count)
{
    struct size_limit limit = limit_of(l);
    const uint8_t *lp = flat_bytes(*e).data;
    size_t bytes = listpack_bytes(lp);
    for (size_t i = 0; i < count && bytes <= limit.bytes; i++) {
        bytes += items[i].len;
    }
    bool fits = bytes <= limit.bytes
                && listpack_count(lp) + count <= limit.count;
    return fits ? ST_OK : to_big(m, l, e);
}

static inline enum status prepare(const struct entry_memory *m,
                                  const struct value_limits *l,
                                  struct entry **e, const struct slice *items,
                                  size_t count)
{
    return (*e)->encoding == ENC_BIG ? ST_OK
                                     : prepare_flat(m, l, e, items, count);
}

/* Room is made before, and given back after. */
static enum status splice(const struct entry_memory *m, struct entry **e,
                          const struct listpack_splice *s)
{
    struct slice old = flat_bytes(*e);
    size_t bytes = listpack_splice_bytes(old.data, s);
    uint8_t *lp;
    assert(bytes > 0);
    if (bytes <= old.len) {
        listpack_splice(flat_writable(*e), bytes, s);
        flat_shrink(m, e, bytes);
        return ST_OK;
    }
    enum status st = flat_resize(m, e, bytes, &lp);
    if (st == ST_OK) {
        listpack_splice(lp, bytes, s);
    }
    return st;
}

/* ---- the ends ---- */

static enum status push_flat(const struct entry_memory *m, struct entry **e,
                             enum list_end end, const struct slice *items,
                             size_t count)
{
    enum { TURNED_MAX = 64 };
    struct slice turned[TURNED_MAX];
    enum status st = ST_OK;
    if (end == LIST_TAIL) {
        struct listpack_splice s = listpack_appending(flat_bytes(*e).data,
                                                      items, count);
        return splice(m, e, &s);
    }
    /* Each is put before the one before it. */
    for (size_t done = 0; st == ST_OK && done < count;) {
        size_t n = count - done < TURNED_MAX ? count - done : TURNED_MAX;
        for (size_t i = 0; i < n; i++) {
            turned[i] = items[done + n - 1 - i];
        }
        struct listpack_splice s = listpack_prepending(turned, n);
        st = splice(m, e, &s);
        if (st != ST_OK && done > 0) {
            flat_shrink(m, e, listpack_delete(
                flat_writable(*e), LISTPACK_HEADER_BYTES, done));
        }
        done += n;
    }
    return st;
}

enum status list_push(const struct entry_memory *m,
                      const struct value_limits *l, struct entry **e,
                      enum list_end end, const struct slice *items,
                      size_t count)
{
    enum status st = prepare(m, l, e, items, count);
    if (st != ST_OK) {
        return st;
    }
    if ((*e)->encoding != ENC_BIG) {
        return push_flat(m, e, end, items, count);
    }
    struct list_big *b = big_of(*e);
    struct quicklist_memory qm = memory_of_big(b, m);
    return quicklist_push(b->q, &qm,
                          end == LIST_HEAD ? QUICKLIST_HEAD : QUICKLIST_TAIL,
                          items, count);
}

struct slice list_end_text(const struct entry *e, enum list_end end,
                           char scratch[LIST_SCRATCH_BYTES])
{
    if (e->encoding == ENC_BIG) {
        struct quicklist_at at;
        bool there = quicklist_seek(big_of(e)->q, end == LIST_HEAD ? 0 : -1,
                                    &at);
        assert(there);
        (void)there;
        return quicklist_text(&at, scratch);
    }
    const uint8_t *lp = flat_bytes(e).data;
    return listpack_text(lp, end == LIST_HEAD ? listpack_first(lp)
                                              : listpack_last(lp), scratch);
}

void list_pop(const struct entry_memory *m, const struct value_limits *l,
              struct entry **e, enum list_end end)
{
    if ((*e)->encoding != ENC_BIG) {
        uint8_t *lp = flat_writable(*e);
        uint32_t pos = end == LIST_HEAD ? listpack_first(lp)
                                        : listpack_last(lp);
        flat_shrink(m, e, listpack_delete(lp, pos, 1));
        return;
    }
    struct list_big *b = big_of(*e);
    struct quicklist_memory qm = memory_of_big(b, m);
    quicklist_pop(b->q, &qm, end == LIST_HEAD ? QUICKLIST_HEAD
                                              : QUICKLIST_TAIL);
    if (quicklist_count(b->q) > 0) {
        try_flat(m, l, e);
    }
}

/* ---- places ---- */

bool list_seek(const struct entry *e, int64_t index, struct list_at *at)
{
    uint64_t count = value_count(e);
    if (index < 0 ? (uint64_t)-(index + 1) >= count
                  : (uint64_t)index >= count) {
        return false;
    }
    *at = (struct list_at){.list = e};
    at->index = index < 0 ? count - (uint64_t)-index : (uint64_t)index;
    if (e->encoding == ENC_BIG) {
        return quicklist_seek(big_of(e)->q, index, &at->big);
    }
    at->pos = listpack_seek(flat_bytes(e).data, index);
    return at->pos != LISTPACK_NONE;
}

bool list_step(struct list_at *at, enum list_end towards)
{
    const struct entry *e = at->list;
    at->index += towards == LIST_TAIL ? 1 : (uint64_t)-1;
    if (e->encoding == ENC_BIG) {
        const struct quicklist *q = big_of(e)->q;
        return towards == LIST_TAIL ? quicklist_next(q, &at->big)
                                    : quicklist_prev(q, &at->big);
    }
    const uint8_t *lp = flat_bytes(e).data;
    at->pos = towards == LIST_TAIL ? listpack_next(lp, at->pos)
                                   : listpack_prev(lp, at->pos);
    return at->pos != LISTPACK_NONE;
}

struct slice list_text(const struct list_at *at,
                       char scratch[LIST_SCRATCH_BYTES])
{
    if (at->list->encoding == ENC_BIG) {
        return quicklist_text(&at->big, scratch);
    }
    return listpack_text(flat_bytes(at->list).data, at->pos, scratch);
}

bool list_find(struct list_at *at, struct slice text, enum list_end towards,
               uint64_t max)
{
    if (at->list->encoding == ENC_BIG) {
        bool found = quicklist_find(
            big_of(at->list)->q, &at->big, text,
            towards == LIST_TAIL ? QUICKLIST_TAIL : QUICKLIST_HEAD, max);
        at->index = found ? at->big.index : at->index;
        return found;
    }
    uint64_t passed;
    at->pos = listpack_search(flat_bytes(at->list).data, at->pos, text,
                              towards == LIST_HEAD, &passed);
    at->index = towards == LIST_TAIL ? at->index + passed : at->index - passed;
    return at->pos != LISTPACK_NONE;
}

bool list_figures_read(const struct entry *e, struct quicklist_figures *out)
{
    if (e->encoding != ENC_BIG) {
        return false;
    }
    quicklist_figures_read(big_of(e)->q, out);
    return true;
}

/* ---- changes ---- */

/* The same place, after the list may have become big. */
static bool seek_again(const struct entry *e, struct list_at *at)
{
    return at->list == e || list_seek(e, (int64_t)at->index, at);
}

enum status list_insert(const struct entry_memory *m,
                        const struct value_limits *l, struct entry **e,
                        struct list_at *at, bool is_after, struct slice item)
{
    enum status st = prepare(m, l, e, &item, 1);
    if (st != ST_OK) {
        return st;
    }
    bool there = seek_again(*e, at);
    assert(there);
    (void)there;
    if ((*e)->encoding == ENC_BIG) {
        struct list_big *b = big_of(*e);
        struct quicklist_memory qm = memory_of_big(b, m);
        return quicklist_insert(b->q, &qm, &at->big, is_after, item);
    }
    struct listpack_splice s =
        is_after ? listpack_inserting_after(flat_bytes(*e).data, at->pos,
                                            &item, 1)
                 : listpack_inserting(at->pos, &item, 1);
    return splice(m, e, &s);
}

enum status list_replace(const struct entry_memory *m,
                         const struct value_limits *l, struct entry **e,
                         struct list_at *at, struct slice item)
{
    enum status st = prepare(m, l, e, &item, 1);
    if (st != ST_OK) {
        return st;
    }
    bool there = seek_again(*e, at);
    assert(there);
    (void)there;
    if ((*e)->encoding == ENC_BIG) {
        struct list_big *b = big_of(*e);
        struct quicklist_memory qm = memory_of_big(b, m);
        st = quicklist_replace(b->q, &qm, &at->big, item);
        if (st == ST_OK) {
            try_flat(m, l, e);
        }
        return st;
    }
    struct listpack_splice s = listpack_replacing(at->pos, &item);
    return splice(m, e, &s);
}

void list_delete(const struct entry_memory *m, const struct value_limits *l,
                 struct entry **e, uint64_t index, uint64_t count,
                 struct value **removed)
{
    uint64_t have = value_count(*e);
    *removed = NULL;
    if (index >= have || count == 0) {
        return;
    }
    count = count < have - index ? count : have - index;
    if (count == 1 && (index == 0 || index == have - 1)) {
        list_pop(m, l, e, index == 0 ? LIST_HEAD : LIST_TAIL);
        return;
    }
    if ((*e)->encoding != ENC_BIG) {
        uint8_t *lp = flat_writable(*e);
        bool is_near = index <= have / 2; /* to the front */
        uint32_t pos = listpack_seek(lp, is_near ? (int64_t)index
                                                 : -(int64_t)(have - index));
        flat_shrink(m, e, listpack_delete(lp, pos, count));
        return;
    }
    struct list_big *b = big_of(*e);
    struct quicklist_memory qm = memory_of_big(b, m);
    struct quicklist *q = b->q, *out = NULL;
    enum status st = quicklist_delete(q, &qm, index, count, &out);
    assert(st == ST_OK); /* see list.h */
    if (out != NULL) {
        *removed = wrap_beside(&b->head, m, out);
        if (*removed == NULL) {
            quicklist_destroy(&out, &qm);
        }
    }
    if (have > count) {
        try_flat(m, l, e);
    }
}

static uint64_t remove_equal_flat(struct entry *e, struct slice text,
                                  uint64_t max, enum list_end towards)
{
    uint8_t *lp = flat_writable(e);
    uint64_t n = 0;
    uint32_t pos = towards == LIST_TAIL ? listpack_first(lp)
                                        : listpack_last(lp);
    while (pos != LISTPACK_NONE && n < max) {
        uint64_t passed;
        pos = listpack_search(lp, pos, text, towards == LIST_HEAD, &passed);
        if (pos == LISTPACK_NONE) {
            break;
        }
        uint32_t before = towards == LIST_TAIL ? pos : listpack_prev(lp, pos);
        (void)listpack_delete(lp, pos, 1);
        n++;
        bool at_end = towards == LIST_TAIL && before == listpack_end(lp);
        pos = at_end ? (uint32_t)LISTPACK_NONE : before;
    }
    return n;
}

enum status list_remove_equal(const struct entry_memory *m,
                              const struct value_limits *l, struct entry **e,
                              struct slice text, uint64_t max,
                              enum list_end towards, uint64_t *gone)
{
    *gone = 0;
    if ((*e)->encoding != ENC_BIG) {
        *gone = remove_equal_flat(*e, text, max, towards);
        if (*gone > 0) {
            flat_shrink(m, e, listpack_bytes(flat_bytes(*e).data));
        }
        return ST_OK;
    }
    struct list_big *b = big_of(*e);
    struct quicklist_memory qm = memory_of_big(b, m);
    enum status st = quicklist_remove_equal(
        b->q, &qm, text, towards == LIST_TAIL ? QUICKLIST_TAIL : QUICKLIST_HEAD,
        max, gone);
    if (*gone > 0 && quicklist_count(b->q) > 0) {
        try_flat(m, l, e);
    }
    return st;
}
