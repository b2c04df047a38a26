/* background: what a shard does by itself, in slices: deleting keys when they
 * are due, sweeping stale records off the wheel, compacting the heap.
 *
 * A slice looks at its clock after every small batch and stops when its time is
 * up; where it stood is a cursor (a hash position) or the wheel itself, never a
 * pointer, so anything may happen to the keyspace between two slices.
 *
 * Threads: the shard's lock. */
#include "base/clock.h"
#include "store/store_priv.h"

enum {
    DOOMED_BATCH = 64,       /* elements between looks at the clock */
    EXPIRE_BATCH = 64,       /* records looked up together */
    FIELD_BATCH = 16,        /* fields that a record removes at most */
    COMPACT_BATCH = 16,      /* buckets between looks at the clock */
    COMPACT_PAGES_MIN = 4,   /* smaller heaps are not worth the walk */
    COMPACT_WASTE_DIV = 4,   /* begins when over 1/4 of the pages is unused */
    SWEEP_SLACK = 4096,      /* stale records that are always tolerated */
};

void keyspace_note_due(struct keyspace *ks, int64_t deadline_ms)
{
    struct shard *sh = &ks->store->shards[ks->shard];
    const struct store_events *events = &ks->store->events;
    if (__builtin_expect(deadline_ms >= atomic_load_explicit(
                             &sh->next_due_ms, memory_order_relaxed), 1)) {
        return;
    }
    atomic_store_explicit(&sh->next_due_ms, deadline_ms, memory_order_relaxed);
    if (events->due_sooner != NULL) {
        events->due_sooner(events->self, ks->shard);
    }
}

int64_t store_next_due_ms(const struct store *s, uint32_t shard)
{
    if (atomic_load_explicit(&s->is_expire_paused, memory_order_relaxed)) {
        return INT64_MAX;
    }
    return atomic_load_explicit(&s->shards[shard].next_due_ms,
                                memory_order_relaxed);
}

void store_set_active_expire(struct store *s, bool on)
{
    atomic_store_explicit(&s->is_expire_paused, !on, memory_order_relaxed);
}

static bool is_over(const struct store_turn *turn)
{
    return clock_monotonic_us() >= turn->deadline_us;
}

static uint64_t hash_at(uint64_t position)
{
    return position << (64 - TABLE_POSITION_BITS);
}

static bool owns_position(const struct keyspace *ks, const struct entry *e,
                          uint64_t position)
{
    return table_position(store_hash(ks->store, entry_key(e))) == position;
}

/* Puts a record for the entry back where it is due. For lack of memory
 * the record is lost: the key then goes when it is next looked at. */
static void file_again(struct keyspace *ks, struct entry *e, uint64_t position)
{
    e->flags = (uint8_t)((e->flags & ~ENTRY_PARITY) | ENTRY_INDEXED
                         | ks->parity);
    if (expiry_add(ks->expiry, keyspace_due_ms(e), position) != ST_OK) {
        e->flags &= (uint8_t)~ENTRY_INDEXED;
    }
}

/* Takes off some of the hash's fields that are due; the entry then, NULL: it has
 * gone with its last field. */
static struct entry *expire_fields(struct keyspace *ks,
                                   const struct table_at *at, struct entry *e,
                                   int64_t now_ms)
{
    struct keyspace_edit edit;
    keyspace_edit_begin_at(ks, at, e, &edit);
    (void)keyspace_edit_expire(&edit, now_ms, FIELD_BATCH);
    return keyspace_edit_end_expired(&edit) ? NULL : edit.entry;
}

/* One record has fired: deletes what is due there; what is not due yet is filed
 * again. */
static void fire(struct keyspace *ks, uint64_t position, int64_t now_ms)
{
    struct table_at at;
    struct entry *e = table_find_position(ks->table, position, &at);
    while (e != NULL) {
        int64_t deadline_ms = entry_deadline_ms(e);
        if (deadline_ms <= now_ms) {
            struct shard *sh = &ks->store->shards[ks->shard];
            if ((uint64_t)(now_ms - deadline_ms)
                > counter_get(&sh->lag_ms_max)) {
                counter_set(&sh->lag_ms_max, (uint64_t)(now_ms - deadline_ms));
            }
            keyspace_expire_at(ks, &at, e);
            e = table_find_position(ks->table, position, &at);
            continue;
        }
        if (keyspace_due_ms(e) != INT64_MAX && owns_position(ks, e, position)) {
            if (value_due_ms(e) <= now_ms) {
                e = expire_fields(ks, &at, e, now_ms);
            }
            if (e != NULL && keyspace_due_ms(e) != INT64_MAX) {
                file_again(ks, e, position);
            }
            return;
        }
        e = table_find_next(&at);
    }
}

/* The sweep has come to a record: keeps the first for each entry. */
static void sweep_record(struct keyspace *ks, uint64_t position)
{
    struct table_at at;
    struct entry *e = table_find_position(ks->table, position, &at);
    for (; e != NULL; e = table_find_next(&at)) {
        if (keyspace_due_ms(e) != INT64_MAX && (e->flags & ENTRY_INDEXED)
            && (e->flags & ENTRY_PARITY) != ks->parity
            && owns_position(ks, e, position)) {
            file_again(ks, e, position);
            return;
        }
    }
}

static void prefetch_records(const struct keyspace *ks, const uint64_t *records,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        table_prefetch_bucket(ks->table, hash_at(records[i]));
    }
    for (size_t i = 0; i < count; i++) {
        table_prefetch_entry(ks->table, hash_at(records[i]));
    }
}

/* True: more is due now. */
static bool expire_keyspace(struct keyspace *ks, const struct store_turn *turn)
{
    uint64_t records[EXPIRE_BATCH];
    for (;;) {
        size_t n = expiry_take(ks->expiry, turn->now_ms, records, EXPIRE_BATCH);
        if (n == 0) {
            return false;
        }
        prefetch_records(ks, records, n);
        for (size_t i = 0; i < n; i++) {
            fire(ks, records[i], turn->now_ms);
        }
        if (is_over(turn)) {
            return expiry_next_ms(ks->expiry) <= turn->now_ms;
        }
    }
}

bool store_expire_due(struct store *s, uint32_t shard,
                      const struct store_turn *turn)
{
    struct shard *sh = &s->shards[shard];
    int64_t next_ms = INT64_MAX;
    bool more = false;
    if (atomic_load_explicit(&s->is_expire_paused, memory_order_relaxed)) {
        return false;
    }
    for (uint32_t db = 0; db < s->database_count; db++) {
        struct keyspace *ks = store_keyspace(s, shard, db);
        if (ks == NULL || ks->expiry == NULL) {
            continue;
        }
        if (!more && expiry_next_ms(ks->expiry) <= turn->now_ms) {
            more = expire_keyspace(ks, turn);
        }
        int64_t ms = expiry_next_ms(ks->expiry);
        next_ms = ms < next_ms ? ms : next_ms;
    }
    atomic_store_explicit(&sh->next_due_ms, next_ms, memory_order_relaxed);
    return more;
}

/* ---- values that nobody has any more ---- */

/* True: not finished. */
static bool free_doomed(struct keyspace *ks, const struct store_turn *turn)
{
    struct shard *sh = &ks->store->shards[ks->shard];
    while (ks->doomed != NULL) {
        struct value *v = ks->doomed, *next = v->next;
        if (value_destroy_some(&v, &ks->memory, DOOMED_BATCH)) {
            ks->doomed = next;
            uint32_t n = atomic_load_explicit(&sh->doomed_count,
                                              memory_order_relaxed);
            atomic_store_explicit(&sh->doomed_count, n - 1,
                                  memory_order_relaxed);
        } else {
            v->next = next;
            ks->doomed = v;
        }
        if (is_over(turn)) {
            return ks->doomed != NULL;
        }
    }
    return false;
}

bool store_has_doomed(const struct store *s, uint32_t shard)
{
    return atomic_load_explicit(&s->shards[shard].doomed_count,
                                memory_order_relaxed) > 0;
}

bool store_free_doomed(struct store *s, uint32_t shard,
                       const struct store_turn *turn)
{
    uint32_t db = 0;
    struct shard *sh = &s->shards[shard];
    while (db < s->database_count
           && atomic_load_explicit(&sh->doomed_count, memory_order_relaxed)
                  > 0) {
        struct keyspace *ks = store_keyspace(s, shard, db++);
        if (ks != NULL && free_doomed(ks, turn)) {
            return true;
        }
    }
    return false;
}

/* ---- tidying ---- */

static bool sweep_slice(struct keyspace *ks, const struct store_turn *turn)
{
    struct expiry *x = ks->expiry;
    uint64_t records[EXPIRE_BATCH];
    if (x == NULL) {
        return false;
    }
    if (!expiry_is_sweeping(x)) {
        size_t live = keyspace_deadline_count(ks) + keyspace_due_count(ks);
        if (expiry_count(x) <= 2 * live + SWEEP_SLACK) {
            return false;
        }
        if (!expiry_sweep_begin(x)) {
            return false; /* not now: the clock went back */
        }
        ks->parity ^= ENTRY_PARITY;
        counter_add(&ks->store->shards[ks->shard].sweeps, 1);
    }
    do {
        size_t n = expiry_sweep_take(x, records, EXPIRE_BATCH);
        if (n == 0) {
            keyspace_note_due(ks, expiry_next_ms(x));
            return false;
        }
        prefetch_records(ks, records, n);
        for (size_t i = 0; i < n; i++) {
            sweep_record(ks, records[i]);
        }
    } while (!is_over(turn));
    return true;
}

/* A step through a big value that lies in this heap too. */
static void compact_value(struct keyspace *ks, struct entry *e)
{
    struct value *v = entry_value(e), *moved = NULL;
    if (v->home != NULL || v->ops->compact == NULL
        || v->tidy_round == ks->compact_round) {
        return;
    }
    if (slab_is_source(ks->heap, v)) {
        moved = v->ops->settle(v, &ks->memory);
    }
    if (moved != NULL) {
        entry_set_value(e, moved);
        v = moved;
    }
    v->tidy_cursor = v->ops->compact(v, &ks->memory, v->tidy_cursor);
    if (v->tidy_cursor == 0) {
        v->tidy_round = ks->compact_round;
    } else {
        ks->is_value_unfinished = true;
    }
}

static void *move_entry(void *self, void *entry)
{
    struct keyspace *ks = self;
    struct entry *e = entry;
    if (e->encoding == ENC_BIG) {
        compact_value(ks, e);
    }
    if ((e->flags & ENTRY_UNSLABBED) || !slab_is_source(ks->heap, e)) {
        return NULL;
    }
    struct entry *to = entry_move(e, &ks->memory);
    if (to != NULL) {
        counter_add(&ks->store->shards[ks->shard].moved, 1);
    }
    return to;
}

static size_t heap_bytes(const struct keyspace *ks)
{
    struct slab_stats st;
    slab_stats_read(ks->heap, &st);
    return st.page_bytes;
}

static bool compact_slice(struct keyspace *ks, const struct store_turn *turn)
{
    if (!ks->is_compacting) {
        struct slab_stats st;
        slab_stats_read(ks->heap, &st);
        size_t waste = st.page_bytes - st.cell_bytes;
        if (st.page_bytes < (size_t)COMPACT_PAGES_MIN * PAGE_BYTES
            || waste < st.page_bytes / COMPACT_WASTE_DIV
            || slab_begin_compaction(ks->heap) == 0) {
            return false;
        }
        ks->is_compacting = true;
        ks->compact_from_bytes = st.page_bytes;
        ks->compact_cursor = 0;
        ks->compact_round++;
    }
    keyspace_forget_found(ks);
    do {
        for (int i = 0; i < COMPACT_BATCH; i++) {
            uint64_t next = table_compact(ks->table, ks->compact_cursor,
                                          move_entry, ks);
            if (ks->is_value_unfinished) {
                ks->is_value_unfinished = false; /* the bucket once more */
                break;
            }
            ks->compact_cursor = next;
            if (next == 0) {
                slab_end_compaction(ks->heap);
                ks->is_compacting = false;
                /* One that has saved something may be followed by another. */
                return heap_bytes(ks) < ks->compact_from_bytes;
            }
        }
    } while (!is_over(turn));
    return true;
}

/* True: not finished. */
static bool homes_slice(struct keyspace *ks, const struct store_turn *turn)
{
    while (ks->homes.first != NULL) {
        struct value_home *h = ks->homes.first;
        if (!home_tidy(h)) {
            home_list_remove(h);
        }
        if (is_over(turn)) {
            return ks->homes.first != NULL;
        }
    }
    return false;
}

bool store_tidy(struct store *s, uint32_t shard, const struct store_turn *turn)
{
    for (uint32_t db = 0; db < s->database_count; db++) {
        struct keyspace *ks = store_keyspace(s, shard, db);
        if (ks == NULL) {
            continue;
        }
        if (sweep_slice(ks, turn) || homes_slice(ks, turn)
            || compact_slice(ks, turn)) {
            return true;
        }
    }
    return false;
}
