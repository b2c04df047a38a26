/* keyspace: one database's part of one shard: lookup, writing, deadlines.
 *
 * Deadlines: an entry that is ever due (keyspace_due_ms), because it or one of its
 * elements has a deadline, is ENTRY_INDEXED when some record on the wheel fires
 * no later than that. A later deadline needs no new record (the old one,
 * when it fires, sinks to the new time); an earlier one does. Records that
 * nothing answers to are dropped when they fire, or by a sweep.
 *
 * Order of work in every write: what can fail for memory comes first, so that a
 * failure leaves the key as it was.
 *
 * Threads: the shard's lock.  Memory: the keyspace's own heap and account. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/store_priv.h"

enum {
    DESTROYED_AT_ONCE = 128, /* elements of a big value */
    HOME_PERIOD = 64,        /* edits between looks at how big a value is */
};

static uint64_t hash_of_entry(void *self, const void *entry)
{
    const struct keyspace *ks = self;
    struct slice key = entry_key(entry);
    return hash_keyed(&ks->store->seed, key.data, key.len);
}

struct keyspace *keyspace_create(struct store *s, uint32_t shard,
                                 uint32_t database)
{
    struct keyspace *ks = mem_alloc_zeroed(&s->account, sizeof *ks);
    if (ks == NULL) {
        return NULL;
    }
    ks->store = s;
    ks->shard = shard;
    ks->database = database;
    mem_account_init(&ks->account);
    ks->heap = slab_heap_create(s->pages, &ks->account);
    if (ks->heap == NULL) {
        goto free_keyspace;
    }
    ks->table = table_create(ks->heap, hash_of_entry, ks);
    if (ks->table == NULL) {
        goto destroy_heap;
    }
    ks->memory = (struct entry_memory){ks->heap, &ks->account, &s->seed};
    return ks;
destroy_heap:
    slab_heap_destroy(&ks->heap);
free_keyspace:
    mem_free(&s->account, ks);
    return NULL;
}

/* ---- lookup ---- */

RARE static struct entry *find_afresh(struct keyspace *ks, const struct key *k)
{
    struct entry *e = table_find_first(ks->table, k->hash, &ks->at);
    while (e != NULL && !entry_key_equals(e, k->name)) {
        e = table_find_next(&ks->at);
    }
    ks->found = e;
    ks->found_name = k->name.data;
    return e;
}

static inline bool is_found(const struct keyspace *ks, uint64_t hash)
{
    return ks->found != NULL && ks->at.hash == hash;
}

/* The entry; its place is ks->at. A command looks its key up to read it and then
 * again to write it, and the next command often has the same key: the first
 * answer is still there, until it is forgotten by whatever moves entries. */
static inline struct entry *find(struct keyspace *ks, const struct key *k)
{
    if (is_found(ks, k->hash)
        && (ks->found_name == k->name.data
            || entry_key_equals(ks->found, k->name))) {
        ks->found_name = k->name.data;
        return ks->found;
    }
    return find_afresh(ks, k);
}

void keyspace_forget_found(struct keyspace *ks)
{
    ks->found = NULL;
}

void keyspace_prefetch_bucket(const struct keyspace *ks, uint64_t hash)
{
    if (ks != NULL && !is_found(ks, hash)) {
        table_prefetch_bucket(ks->table, hash);
    }
}

void keyspace_prefetch_entry(const struct keyspace *ks, uint64_t hash)
{
    if (ks != NULL && !is_found(ks, hash)) {
        table_prefetch_entry(ks->table, hash);
    }
}

struct entry *keyspace_find(struct keyspace *ks, const struct key *k)
{
    return ks == NULL ? NULL : find(ks, k);
}

struct entry *keyspace_find_live(struct keyspace *ks, const struct key *k,
                                 int64_t now_ms)
{
    struct entry *e = keyspace_find(ks, k);
    return e != NULL && entry_deadline_ms(e) > now_ms ? e : NULL;
}

void keyspace_touch(struct keyspace *ks, struct entry *e)
{
    uint32_t clock = atomic_load_explicit(&ks->store->clock,
                                          memory_order_relaxed);
    if (__builtin_expect(atomic_load_explicit(&ks->store->counts_frequency,
                                              memory_order_relaxed), 0)) {
        keyspace_count_use(ks, e);
        return; /* so that the common way needs no frame */
    }
    /* Written only when it changed: a read must not dirty the line. */
    if (e->access_clock != clock) {
        e->access_clock = clock & 0xffffff;
    }
}

/* ---- counters and the expiry index ---- */

static void count_deadline(struct keyspace *ks, const struct entry *e, int sign)
{
    if (!entry_has_deadline(e)) {
        return;
    }
    int64_t ms = entry_deadline_ms(e) - ks->store->start_ms;
    ms = ms < 0 ? 0 : ms;
    ms = ms < DEADLINE_COUNTED_MS ? ms : DEADLINE_COUNTED_MS;
    counter_add(&ks->deadline_count, (uint64_t)(int64_t)sign);
    counter_add(&ks->deadline_sum_ms, (uint64_t)(sign * ms));
}

static void count_entry(struct keyspace *ks, const struct entry *e, int sign)
{
    count_deadline(ks, e, sign);
    if (value_due_ms(e) != INT64_MAX) {
        counter_add(&ks->due_count, (uint64_t)(int64_t)sign);
    }
    if (entry_is_external(e)) {
        ks->external_count += (size_t)(ptrdiff_t)sign;
    }
}

/* Makes sure that a record fires no later than `due_ms` for the key; `e` is its
 * entry now (NULL: new), which has been due at `old_ms` until now. *flags: what
 * the entry is to have. */
RARE static enum status index_due(struct keyspace *ks, const struct entry *e,
                                  int64_t old_ms, uint64_t hash, int64_t due_ms,
                                  uint8_t *flags)
{
    *flags = (uint8_t)(ENTRY_INDEXED | ks->parity);
    if (e != NULL && (e->flags & ENTRY_INDEXED) && old_ms <= due_ms) {
        *flags = (uint8_t)(ENTRY_INDEXED | (e->flags & ENTRY_PARITY));
        return ST_OK;
    }
    if (ks->expiry == NULL) {
        int64_t now_ms = atomic_load_explicit(&ks->store->now_ms,
                                              memory_order_relaxed);
        ks->expiry = expiry_create(&ks->account, now_ms);
        if (ks->expiry == NULL) {
            return ST_NOMEM;
        }
    }
    enum status st = expiry_add(ks->expiry, due_ms, table_position(hash));
    if (st == ST_OK) {
        keyspace_note_due(ks, due_ms);
    }
    return st;
}

/* The same for an entry of which only its own deadline is to change; 0 or
 * INT64_MAX: it has none. */
static inline enum status index_deadline(struct keyspace *ks,
                                         const struct entry *e, uint64_t hash,
                                         int64_t deadline_ms, uint8_t *flags)
{
    if (deadline_ms <= 0 || deadline_ms == INT64_MAX) {
        *flags = 0;
        return ST_OK;
    }
    int64_t old_ms = e != NULL ? keyspace_due_ms(e) : INT64_MAX;
    return index_due(ks, e, old_ms, hash, deadline_ms, flags);
}

static void set_index_flags(struct entry *e, uint8_t flags)
{
    e->flags = (uint8_t)((e->flags & ~(ENTRY_INDEXED | ENTRY_PARITY)) | flags);
}

/* ---- writing ---- */

static void count_doomed(struct keyspace *ks, int change)
{
    struct shard *sh = &ks->store->shards[ks->shard];
    uint32_t n = atomic_load_explicit(&sh->doomed_count, memory_order_relaxed);
    atomic_store_explicit(&sh->doomed_count, n + (uint32_t)change,
                          memory_order_relaxed);
}

void keyspace_doom(struct keyspace *ks, struct value *v)
{
    if (value_destroy_some(&v, &ks->memory, DESTROYED_AT_ONCE)) {
        return;
    }
    v->next = ks->doomed;
    ks->doomed = v;
    count_doomed(ks, 1);
}

/* Frees an entry that is out of the table. */
static void destroy_entry(struct keyspace *ks, struct entry *e)
{
    if (e->encoding == ENC_BIG) {
        keyspace_doom(ks, entry_value(e));
        entry_free_shell(e, &ks->memory);
    } else {
        entry_destroy(e, &ks->memory);
    }
}

static enum status add_entry(struct keyspace *ks, const struct key *k,
                             struct entry *e)
{
    assert(!ks->is_edited);
    e->access_clock = atomic_load_explicit(&ks->store->clock,
                                           memory_order_relaxed) & 0xffffff;
    keyspace_forget_found(ks);
    enum status st = table_insert(ks->table, k->hash, e);
    if (st == ST_OK) {
        counter_add(&ks->key_count, 1);
        count_entry(ks, e, 1);
    }
    return st;
}

/* As add_entry, for an entry that nobody else knows: freed on failure. */
static enum status add_own_entry(struct keyspace *ks, const struct key *k,
                                 struct entry *e)
{
    e->hits = FREQUENCY_INITIAL;
    enum status st = add_entry(ks, k, e);
    if (st != ST_OK) {
        destroy_entry(ks, e);
    }
    return st;
}

/* `to` takes the place that find gave. */
static void put_at(struct keyspace *ks, struct entry *to)
{
    assert(ks->found != NULL);
    table_replace(&ks->at, to);
    ks->found = to;
}

/* `to` takes the place of `e`, which find gave and which is destroyed. */
static void put_over(struct keyspace *ks, struct entry *e, struct entry *to)
{
    count_entry(ks, e, -1);
    count_entry(ks, to, 1);
    put_at(ks, to);
    destroy_entry(ks, e);
}

/* Puts an entry just made for `k` where find gave `e` (NULL: nothing). Takes
 * `to`. */
static enum status put_made(struct keyspace *ks, const struct key *k,
                            struct entry *e, struct entry *to,
                            uint8_t index_flags)
{
    set_index_flags(to, index_flags);
    if (e == NULL) {
        return add_own_entry(ks, k, to);
    }
    to->hits = e->hits;
    to->access_clock = e->access_clock;
    keyspace_touch(ks, to);
    put_over(ks, e, to);
    return ST_OK;
}

static int64_t kept_deadline(const struct entry *e, int64_t deadline_ms)
{
    if (deadline_ms != DEADLINE_KEEP) {
        return deadline_ms;
    }
    return e != NULL && entry_has_deadline(e) ? entry_deadline_ms(e) : 0;
}

enum status keyspace_set_string(struct keyspace *ks, const struct key *k,
                                struct slice value, int64_t deadline_ms)
{
    struct entry *e = find(ks, k), *to;
    uint8_t flags;
    deadline_ms = kept_deadline(e, deadline_ms);
    enum status st = index_deadline(ks, e, k->hash, deadline_ms, &flags);
    if (st != ST_OK) {
        return st;
    }
    if (e != NULL) {
        count_deadline(ks, e, -1);
        if (string_overwrite(e, &ks->memory, value, deadline_ms)) {
            count_deadline(ks, e, 1);
            set_index_flags(e, flags);
            keyspace_touch(ks, e);
            return ST_OK;
        }
        count_deadline(ks, e, 1);
    }
    st = string_create(&ks->memory, k->name, value, deadline_ms, &to);
    return st == ST_OK ? put_made(ks, k, e, to, flags) : st;
}

enum status keyspace_set_int(struct keyspace *ks, const struct key *k,
                             int64_t value, int64_t deadline_ms)
{
    struct entry *e = find(ks, k), *to;
    uint8_t flags;
    bool keeps = deadline_ms == DEADLINE_KEEP;
    deadline_ms = kept_deadline(e, deadline_ms);
    if (e != NULL && keeps && string_overwrite_int(e, &ks->memory, value)) {
        keyspace_touch(ks, e);
        return ST_OK;
    }
    enum status st = index_deadline(ks, e, k->hash, deadline_ms, &flags);
    if (st == ST_OK) {
        st = string_create_int(&ks->memory, k->name, value, deadline_ms, &to);
    }
    return st == ST_OK ? put_made(ks, k, e, to, flags) : st;
}

enum status keyspace_edit_string(struct keyspace *ks, const struct key *k,
                                 size_t len, uint8_t **bytes)
{
    struct entry *e = find(ks, k);
    bool is_new = e == NULL;
    if (is_new) {
        enum status st = keyspace_set_string(ks, k, slice_of(NULL, 0),
                                             DEADLINE_NONE);
        if (st != ST_OK) {
            return st;
        }
        e = find(ks, k);
    }
    struct entry *to = e;
    bool was_external = entry_is_external(e);
    enum status st = string_edit(&ks->memory, &to, len, bytes);
    if (st != ST_OK) {
        if (is_new) {
            keyspace_remove_at(ks, &ks->at, e);
        }
        return st;
    }
    ks->external_count += (size_t)entry_is_external(to) - (size_t)was_external;
    if (to != e) {
        put_at(ks, to);
    }
    keyspace_touch(ks, to);
    return ST_OK;
}

enum status keyspace_set_deadline(struct keyspace *ks, const struct key *k,
                                  int64_t deadline_ms)
{
    struct entry *e = ks == NULL ? NULL : find(ks, k);
    if (e == NULL) {
        return ST_NOT_FOUND;
    }
    uint8_t flags;
    int64_t due_ms = value_due_ms(e);
    due_ms = deadline_ms > 0 && deadline_ms < due_ms ? deadline_ms : due_ms;
    enum status st = index_deadline(ks, e, k->hash, due_ms, &flags);
    if (st != ST_OK) {
        return st;
    }
    struct entry *to = e;
    count_entry(ks, e, -1);
    st = entry_set_deadline(&ks->memory, &to, deadline_ms);
    count_entry(ks, to, 1);
    if (st != ST_OK) {
        return st;
    }
    set_index_flags(to, flags);
    if (to != e) {
        put_at(ks, to);
    }
    return ST_OK;
}

/* ---- collections ---- */

/* A value that has grown large enough gets a home. Without memory for one it
 * goes on without. */
RARE static void consider_home(struct keyspace *ks, struct entry *e)
{
    if (home_is_due(entry_value(e), &ks->memory)
        && home_give(&ks->memory, e) == ST_OK) {
        home_list_put(&ks->homes, entry_value(e)->home);
    }
}

enum status keyspace_put(struct keyspace *ks, const struct key *k,
                         struct entry *e)
{
    uint8_t flags;
    enum status st = index_deadline(ks, NULL, k->hash, keyspace_due_ms(e),
                                    &flags);
    if (st != ST_OK) {
        destroy_entry(ks, e);
        return st;
    }
    if (e->encoding == ENC_BIG) {
        consider_home(ks, e);
    }
    return put_made(ks, k, find(ks, k), e, flags);
}

const struct entry_memory *keyspace_memory(const struct keyspace *ks)
{
    return &ks->memory;
}

void keyspace_edit_begin(struct keyspace *ks, struct entry *e,
                         struct keyspace_edit *edit)
{
    assert(e == ks->found);
    keyspace_edit_begin_at(ks, &ks->at, e, edit);
}

/* Takes out of the count what index_edited puts back. */
RARE static void note_due(struct keyspace_edit *edit)
{
    int64_t inner_ms = value_due_ms(edit->entry);
    int64_t own_ms = entry_deadline_ms(edit->entry);
    edit->due_ms = own_ms < inner_ms ? own_ms : inner_ms;
    counter_add(&edit->ks->due_count, inner_ms != INT64_MAX ? UINT64_MAX : 0);
}

void keyspace_edit_begin_at(struct keyspace *ks, const struct table_at *at,
                            struct entry *e, struct keyspace_edit *edit)
{
    assert(!ks->is_edited);
    ks->is_edited = true;
    ks->external_count -= entry_is_external(e);
    /* One by one: a whole struct would be made elsewhere first, and copied. */
    edit->entry = edit->before = e;
    edit->memory = &ks->memory;
    edit->is_new = false;
    edit->ks = ks;
    edit->at = *at;
    if (e->type == TYPE_HASH) { /* only its elements have deadlines */
        note_due(edit);
    }
}

/* The fields of the hash that was edited may have got deadlines. Where no record
 * can be made for want of memory what is due is hidden, and goes later. */
RARE static void index_edited(const struct keyspace_edit *edit)
{
    struct entry *e = edit->entry;
    uint8_t flags;
    if (value_due_ms(e) == INT64_MAX) {
        return;
    }
    counter_add(&edit->ks->due_count, 1);
    if (index_due(edit->ks, e, edit->due_ms, edit->at.hash, keyspace_due_ms(e),
                  &flags) != ST_OK) {
        flags = 0;
    }
    set_index_flags(e, flags);
}

enum status keyspace_edit_begin_new(struct keyspace *ks, const struct key *k,
                                    enum value_type type,
                                    struct keyspace_edit *edit)
{
    struct entry *e;
    assert(find(ks, k) == NULL);
    enum status st = value_create_empty(&ks->memory, k->name, type,
                                        DEADLINE_NONE, &e);
    if (st == ST_OK) {
        st = add_own_entry(ks, k, e);
    }
    if (st == ST_OK) {
        keyspace_edit_begin(ks, find(ks, k), edit);
        edit->is_new = true;
    }
    return st;
}

/* Its home is up to date, or it gets one. */
static void finish_big(struct keyspace *ks, struct entry *e)
{
    struct value_home *h = entry_value(e)->home;
    if (h != NULL) {
        home_sync(h);
        if (!h->is_listed) {
            home_list_put(&ks->homes, h);
        }
    } else if (++ks->edit_count % HOME_PERIOD == 0) {
        consider_home(ks, e);
    }
}

bool keyspace_edit_end(struct keyspace_edit *edit)
{
    struct keyspace *ks = edit->ks;
    struct entry *e = edit->entry;
    assert(ks->is_edited);
    ks->is_edited = false;
    if (e->encoding == ENC_BIG) {
        finish_big(ks, e);
    }
    ks->external_count += entry_is_external(e);
    if (e->type == TYPE_HASH) {
        index_edited(edit);
    }
    if (e != edit->before) {
        table_replace(&edit->at, e);
        ks->found = ks->found == edit->before ? e : NULL;
    }
    if (value_count(e) > 0) {
        return false;
    }
    keyspace_remove_at(ks, &edit->at, e);
    return true;
}

void keyspace_edit_discard(struct keyspace_edit *edit, struct value *v)
{
    keyspace_doom(edit->ks, v);
}

void keyspace_remove_at(struct keyspace *ks, struct table_at *at,
                        struct entry *e)
{
    count_entry(ks, e, -1);
    counter_add(&ks->key_count, (uint64_t)-1);
    keyspace_forget_found(ks);
    assert(!ks->is_edited);
    table_remove(at);
    destroy_entry(ks, e);
}

bool keyspace_delete(struct keyspace *ks, const struct key *k)
{
    struct entry *e = ks == NULL ? NULL : find(ks, k);
    if (e == NULL) {
        return false;
    }
    keyspace_remove_at(ks, &ks->at, e);
    return true;
}

void keyspace_expire_at(struct keyspace *ks, struct table_at *at,
                        struct entry *e)
{
    struct store *s = ks->store;
    struct slice argv[2] = {SLICE_LIT("DEL"), entry_key(e)};
    struct change c = {ks->database, 2, argv};
    if (s->sink.put != NULL) {
        s->sink.put(s->sink.self, &c);
    }
    if (s->events.raise != NULL) {
        s->events.raise(s->events.self, ks->database, "expired", argv[1]);
    }
    counter_add(&s->shards[ks->shard].expired, 1);
    keyspace_remove_at(ks, at, e);
}

void keyspace_expire(struct keyspace *ks, const struct key *k)
{
    struct entry *e = find(ks, k);
    if (e != NULL) {
        counter_add(&ks->store->shards[ks->shard].expired_lazily, 1);
        keyspace_expire_at(ks, &ks->at, e);
    }
}

/* Puts `to` under `k`, over what is there. */
static enum status put(struct keyspace *ks, const struct key *k,
                       struct entry *to)
{
    struct entry *e = find(ks, k);
    if (e == NULL) {
        return add_entry(ks, k, to);
    }
    put_over(ks, e, to);
    return ST_OK;
}

/* What was cut from the value goes along with its home. */
static void doomed_follow(struct keyspace *from, struct keyspace *to,
                          const struct value_home *h)
{
    struct value **at = &from->doomed;
    while (*at != NULL) {
        struct value *v = *at;
        if (v->home != h) {
            at = &v->next;
            continue;
        }
        *at = v->next;
        v->next = to->doomed;
        to->doomed = v;
        count_doomed(from, -1);
        count_doomed(to, 1);
    }
}

/* The value of `e` has come with its home from another keyspace, if it has any. */
static void welcome(struct keyspace *from, struct keyspace *to,
                    struct entry *e)
{
    struct value_home *h = e->encoding == ENC_BIG ? entry_value(e)->home : NULL;
    if (h != NULL && from != to) {
        home_list_remove(h);
        home_list_put(&to->homes, h);
        doomed_follow(from, to, h);
    } else if (e->encoding == ENC_BIG) {
        consider_home(to, e);
    }
}

static enum status transfer(struct keyspace *from_ks, const struct key *from,
                            struct keyspace *to_ks, const struct key *to,
                            bool take)
{
    struct entry *e = find(from_ks, from), *made;
    assert(e != NULL);
    assert(from_ks != to_ks || !slice_equal(from->name, to->name));
    uint8_t flags;
    /* A record of its own: positions differ, so none can be shared. */
    enum status st = index_deadline(to_ks, NULL, to->hash, keyspace_due_ms(e),
                                    &flags);
    if (st == ST_OK) {
        st = entry_transfer(e, &from_ks->memory, &to_ks->memory, to->name, take,
                            &made);
    }
    if (st != ST_OK) {
        return st;
    }
    set_index_flags(made, flags);
    st = put(to_ks, to, made);
    if (st != ST_OK) {
        entry_transfer_undo(made, e, &to_ks->memory);
        return st;
    }
    if (take) {
        e = find(from_ks, from);
        count_entry(from_ks, e, -1);
        counter_add(&from_ks->key_count, (uint64_t)-1);
        keyspace_forget_found(from_ks);
        table_remove(&from_ks->at);
        struct value *left = entry_transfer_done(e, made, &from_ks->memory,
                                                 &to_ks->memory);
        if (left != NULL) {
            keyspace_doom(from_ks, left);
        }
    }
    welcome(from_ks, to_ks, made);
    return ST_OK;
}

enum status keyspace_rename(struct keyspace *from_ks, const struct key *from,
                            struct keyspace *to_ks, const struct key *to)
{
    return transfer(from_ks, from, to_ks, to, true);
}

enum status keyspace_copy(struct keyspace *from_ks, const struct key *from,
                          struct keyspace *to_ks, const struct key *to)
{
    return transfer(from_ks, from, to_ks, to, false);
}

/* ---- walking ---- */

struct entry *keyspace_random(struct keyspace *ks, struct random *r)
{
    return ks == NULL ? NULL : table_random(ks->table, r, NULL);
}

struct visit {
    keyspace_visit_fn *fn;
    void *self;
};

static void visit_entry(void *self, void *entry)
{
    struct visit *v = self;
    v->fn(v->self, entry);
}

uint64_t keyspace_scan(const struct keyspace *ks, uint64_t cursor,
                       keyspace_visit_fn *visit, void *self)
{
    struct visit v = {visit, self};
    return ks == NULL ? 0 : table_scan(ks->table, cursor, visit_entry, &v);
}

/* ---- size ---- */

size_t keyspace_count(const struct keyspace *ks)
{
    return ks == NULL ? 0 : (size_t)counter_get(&ks->key_count);
}

size_t keyspace_deadline_count(const struct keyspace *ks)
{
    return ks == NULL ? 0 : (size_t)counter_get(&ks->deadline_count);
}

size_t keyspace_due_count(const struct keyspace *ks)
{
    return ks == NULL ? 0 : (size_t)counter_get(&ks->due_count);
}

size_t keyspace_bytes(const struct keyspace *ks)
{
    return ks == NULL ? 0 : mem_used(&ks->account);
}

struct mem_account *keyspace_account(struct keyspace *ks)
{
    return &ks->account;
}

size_t keyspace_entry_bytes(const struct keyspace *ks, const struct entry *e)
{
    return entry_bytes(e, &ks->memory);
}
