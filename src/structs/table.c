/* table: hash -> pointer, in small bounded steps.
 *
 * The top 40 bits of the hash, the position, order everything.
 *
 *   directory  a tree of nodes of up to 128 words, by hash prefix
 *   segment    all entries of one prefix: up to 240 buckets, about 1,000
 *              entries, in up to 15 chunks of 1 KB
 *   bucket     a cache line: 7 slots of 8 bytes, 7 tags of 1, presence bits and
 *              an overflow bit
 *   slot, tag  the pointer (44 bits, for it is 8-byte aligned and below 2^47)
 *              and 28 bits of the position: 20 in the slot, 8 in the tag
 *
 * Home bucket: the 16 bits after the segment's prefix, scaled to the number of
 * buckets. That is monotone, so bucket order is hash order, whatever the number
 * of buckets: hence cursors that survive any change. Probing is linear over
 * buckets, round the end of the segment; overflow bits end a search early and
 * are kept exact by removal.
 *
 * A segment grows by a chunk when it is about 7/8 full. All that is needed to
 * place an entry anew is in its slot and tag, so no entry is touched. Where one
 * would have more than 128 to 240 buckets, the limit varying by segment, it
 * splits in two with as many buckets as each needs. It gives buckets back below
 * 7/10, and merges with its buddy when both fill half of what the limit allows.
 * Thresholds vary by segment because a good hash fills all of them alike: else
 * they would grow in step, and memory would move in waves.
 *
 * The 28 stored bits begin at the top (base 0). From depth 13 on too few are
 * left to tell entries apart and the split that goes there reads the hashes
 * again and stores the last 28 bits of the position (base 12). That is as deep
 * as 5 M entries; it happens once to a segment, and the way back needs no look
 * at the entries, since the bits in front are the segment's prefix.
 *
 * Bounds: no step moves more than 1,680 slots or copies more than a node of
 * 1 KB. Depth ends at 24: more than 1,680 entries that share 24 bits cannot be
 * held, and the insert says ST_RANGE. With a keyed hash that needs more entries
 * than any memory holds.
 *
 * Files: table_segment.c, table_directory.c, table_shape.c (when what grows),
 * table_walk.c (scan, random choice, compaction, checks). */
#include "structs/table_priv.h"

struct table *table_create(struct slab_heap *heap, table_hash_fn *hash,
                           void *hash_self)
{
    struct table *t = slab_alloc(heap, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }
    *t = (struct table){
        .heap = heap,
        .used_bytes = slab_class_bytes(sizeof(*t)),
        .hash = hash,
        .hash_self = hash_self,
    };
    return t;
}

void table_destroy(struct table **t)
{
    struct table *dead = *t;

    *t = NULL;
    if (dead == NULL) {
        return;
    }
    (void)table_destroy_some(&dead, SIZE_MAX, NULL, NULL);
    assert(dead == NULL);
}

bool table_destroy_some(struct table **t, size_t budget, table_visit_fn *visit,
                        void *self)
{
    struct table *dead = *t;

    for (size_t done = 0; done < budget;) {
        size_t step = table_directory_drop(dead, visit, self);

        if (step == 0) {
            table_census_close(dead);
            assert(dead->used_bytes == slab_class_bytes(sizeof(*dead)));
            slab_free(dead->heap, dead);
            *t = NULL;
            return true;
        }
        done += step;
    }
    return false;
}

void table_set_home(struct table *t, struct slab_heap *heap, void *hash_self)
{
    t->heap = heap;
    t->hash_self = hash_self;
}

struct table *table_compact_handle(struct table *t)
{
    if (!slab_is_source(t->heap, t)) {
        return t;
    }

    struct table *copy = slab_alloc(t->heap, sizeof(*copy));

    if (copy == NULL) {
        return t;
    }
    *copy = *t;
    slab_free(t->heap, t);
    return copy;
}

size_t table_count(const struct table *t)
{
    return t->entry_count;
}

size_t table_bytes(const struct table *t)
{
    return t->used_bytes;
}

/* --- looking up ----------------------------------------------------------- */

void table_prefetch_bucket(const struct table *t, uint64_t hash)
{
    const struct segment *s = table_locate(t, hash);

    if (s != NULL && s->bucket_count > 0) {
        __builtin_prefetch(segment_bucket(s, hash_home(s, hash)));
    }
}

void table_prefetch_entry(const struct table *t, uint64_t hash)
{
    const struct segment *s = table_locate(t, hash);

    if (s == NULL || s->bucket_count == 0) {
        return;
    }

    uint32_t home = hash_home(s, hash);
    uint32_t stored = hash_stored(hash, s->base);
    const struct bucket *b = segment_bucket(s, home);
    uint32_t matches = bucket_match(b, (uint8_t)stored);
    unsigned slot = bucket_pick(b, &matches, stored >> TAG_BITS);

    if (slot < SLOTS_PER_BUCKET) {
        const char *entry = slot_entry(b->slots[slot]);

        __builtin_prefetch(entry);
        /* A short key often ends in the next line. */
        __builtin_prefetch(entry + ENTRY_HEAD_BYTES);
    } else if (b->flags & BUCKET_OVERFLOWED) {
        __builtin_prefetch(segment_bucket(s, segment_next(s, home)));
    }
}

/* Goes on from at->matches of the bucket at->bucket. */
static inline void *find_on(struct table_at *at, const struct segment *s,
                            uint32_t stored, uint32_t home)
{
    struct bucket *b = at->bucket;
    uint32_t index = at->bucket_index;
    uint32_t matches = at->matches;

    while (true) {
        unsigned slot = bucket_pick(b, &matches, stored >> TAG_BITS);

        if (slot < SLOTS_PER_BUCKET) {
            at->bucket = b;
            at->bucket_index = index;
            at->slot = slot;
            at->matches = matches;
            return slot_entry(b->slots[slot]);
        }
        if ((b->flags & BUCKET_OVERFLOWED) == 0) {
            return NULL;
        }
        index = segment_next(s, index);
        if (index == home) {
            return NULL; /* Each bucket is full. */
        }
        b = segment_bucket(s, index);
        matches = bucket_match(b, (uint8_t)stored);
    }
}

void *table_find_first(struct table *t, uint64_t hash, struct table_at *at)
{
    struct segment *s = table_locate(t, hash);

    if (s == NULL || s->bucket_count == 0) {
        return NULL;
    }

    uint32_t home = hash_home(s, hash);
    uint32_t stored = hash_stored(hash, s->base);
    struct bucket *b = segment_bucket(s, home);

    at->table = t;
    at->segment = s;
    at->hash = hash;
    at->bucket = b;
    at->bucket_index = home;
    at->matches = bucket_match(b, (uint8_t)stored);
    return find_on(at, s, stored, home);
}

void *table_find_next(struct table_at *at)
{
    const struct segment *s = at->segment;

    return find_on(at, s, hash_stored(at->hash, s->base),
                   hash_home(s, at->hash));
}

void *table_find_position(struct table *t, uint64_t position,
                          struct table_at *at)
{
    return table_find_first(t, position << (64 - TABLE_POSITION_BITS), at);
}

/* --- changing -------------------------------------------------------------- */

enum status table_insert(struct table *t, uint64_t hash, void *entry)
{
    struct segment *s = table_locate(t, hash);

    assert(entry != NULL);
    assert((uintptr_t)entry % 8 == 0);
    assert((uintptr_t)entry >> 47 == 0);
    if (s == NULL || s->entry_count >= s->grow_at) {
        enum status why;

        s = table_make_room(t, hash, &why);
        if (s == NULL) {
            return why;
        }
    }

    uint32_t stored = hash_stored(hash, s->base);

    segment_place(s, hash_home(s, hash), slot_make(entry, stored),
                  (uint8_t)stored);
    s->entry_count++;
    t->entry_count++;
    return ST_OK;
}

void table_replace(const struct table_at *at, void *entry)
{
    struct bucket *b = at->bucket;
    const struct segment *s = at->segment;

    assert(entry != NULL);
    assert((uintptr_t)entry % 8 == 0);
    assert((uintptr_t)entry >> 47 == 0);
    b->slots[at->slot] = slot_make(entry, hash_stored(at->hash, s->base));
}

void table_remove(struct table_at *at)
{
    struct table *t = at->table;
    struct segment *s = at->segment;

    table_segment_erase(s, hash_home(s, at->hash), at->bucket_index, at->slot);
    t->entry_count--;
    if (segment_is_sparse(s)) {
        table_shrink(t, at->hash);
    }
}
