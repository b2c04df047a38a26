/* reclaim: freeing keyspaces that were flushed. They are out of the matrix, so
 * nobody else knows them, and the reclaiming thread needs no shard's lock. The
 * heap goes back page by page, without a look at the entries in it or at the
 * table, whose memory is the heap's too; only values outside the heap must be
 * found and freed one by one.
 *
 * Threads: flush hands over under reclaim_lock; one thread reclaims. */
#include "base/clock.h"
#include "store/store_priv.h"

enum {
    RECLAIM_BUCKETS = 64, /* between looks at the clock */
    RECLAIM_PAGES = 16,
    RECLAIM_ELEMENTS = 256,
    RECLAIM_RECORD_CHUNKS = 256,
};

/* What it has to free is no longer its shard's business. */
static void uncount_doomed(struct store *s, const struct keyspace *ks)
{
    struct shard *sh = &s->shards[ks->shard];
    uint32_t n = atomic_load_explicit(&sh->doomed_count, memory_order_relaxed);
    for (const struct value *v = ks->doomed; v != NULL; v = v->next) {
        n--;
    }
    atomic_store_explicit(&sh->doomed_count, n, memory_order_relaxed);
}

void store_set_aside(struct store *s, struct keyspace *ks)
{
    uncount_doomed(s, ks);
    atomic_fetch_add_explicit(&s->reclaim_keys, keyspace_count(ks),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&s->reclaim_bytes, mem_used(&ks->account),
                              memory_order_relaxed);
    lock_acquire(&s->reclaim_lock);
    ks->reclaim_next = NULL;
    if (s->reclaim_head == NULL) {
        s->reclaim_head = ks;
    } else {
        s->reclaim_tail->reclaim_next = ks;
    }
    s->reclaim_tail = ks;
    lock_release(&s->reclaim_lock);
    if (s->events.set_aside != NULL) {
        s->events.set_aside(s->events.self);
    }
}

static struct keyspace *take_one(struct store *s)
{
    lock_acquire(&s->reclaim_lock);
    struct keyspace *ks = s->reclaim_head;
    if (ks != NULL) {
        s->reclaim_head = ks->reclaim_next;
    }
    lock_release(&s->reclaim_lock);
    return ks;
}

static void free_external(void *self, void *entry)
{
    struct keyspace *ks = self;
    struct entry *e = entry;
    if (!entry_is_external(e)) {
        return;
    }
    if (e->encoding != ENC_BIG) {
        entry_destroy(e, &ks->memory);
        return;
    }
    struct value *v = entry_value(e);
    if (v->home != NULL || v->ops->is_external(v)) {
        v->next = ks->doomed;
        ks->doomed = v;
    }
    if (e->flags & ENTRY_UNSLABBED) {
        entry_free_shell(e, &ks->memory);
    }
}

/* Frees some of a value that has memory outside the heap. */
static void free_doomed(struct keyspace *ks)
{
    struct value *v = ks->doomed, *next = v->next;
    if ((v->home == NULL && !v->ops->is_external(v))
        || value_destroy_some(&v, &ks->memory, RECLAIM_ELEMENTS)) {
        ks->doomed = next;
    } else {
        v->next = next;
        ks->doomed = v;
    }
}

/* One small step of freeing `ks`; false: nothing but the heap's shell is left. */
static bool reclaim_step(struct keyspace *ks)
{
    if (ks->doomed != NULL) {
        free_doomed(ks);
        return true;
    }
    if (ks->external_count > 0 && !ks->reclaim_externals_done) {
        for (int i = 0; i < RECLAIM_BUCKETS; i++) {
            ks->reclaim_cursor = table_scan(ks->table, ks->reclaim_cursor,
                                            free_external, ks);
            if (ks->reclaim_cursor == 0) {
                ks->reclaim_externals_done = true;
                break;
            }
        }
        return true;
    }
    if (ks->expiry != NULL) {
        (void)expiry_destroy_some(&ks->expiry, RECLAIM_RECORD_CHUNKS);
        return true;
    }
    return slab_heap_drain(ks->heap, RECLAIM_PAGES);
}

static void note_freed(struct store *s, struct keyspace *ks, size_t before)
{
    size_t after = mem_used(&ks->account);
    atomic_fetch_sub_explicit(&s->reclaim_bytes, before - after,
                              memory_order_relaxed);
}

bool store_reclaim(struct store *s, int64_t budget_us)
{
    int64_t start_us = clock_monotonic_us();
    do {
        if (s->reclaim_current == NULL) {
            s->reclaim_current = take_one(s);
            if (s->reclaim_current == NULL) {
                return false;
            }
        }
        struct keyspace *ks = s->reclaim_current;
        size_t before = mem_used(&ks->account);
        bool more = reclaim_step(ks);
        note_freed(s, ks, before);
        if (!more) {
            atomic_fetch_sub_explicit(&s->reclaim_keys, keyspace_count(ks),
                                      memory_order_relaxed);
            before = mem_used(&ks->account);
            slab_heap_destroy(&ks->heap);
            note_freed(s, ks, before);
            mem_free(&s->account, ks);
            s->reclaim_current = NULL;
        }
    } while (clock_monotonic_us() - start_us < budget_us);
    return true;
}

size_t store_reclaim_pending(const struct store *s)
{
    return atomic_load_explicit(&s->reclaim_keys, memory_order_relaxed);
}
