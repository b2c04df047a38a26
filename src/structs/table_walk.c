/* table_walk: going through a table: cursors, a fair random choice, compaction,
 * figures and checks. See table.c for the design. */
#include "structs/table_priv.h"

enum {
    /* Refused draws before table_random settles for an unfair one. With the
     * hashes it is made for, a draw in 1 to 3 is taken. */
    RANDOM_DRAWS_MAX = 4096,
};

static const uint64_t position_end = (uint64_t)1 << TABLE_POSITION_BITS;

/* A home bucket in the course of a walk. */
struct stop {
    struct segment *segment;
    uint64_t hash; /* any of the segment */
    uint64_t cursor, next;
    uint32_t home; /* valid if the segment has buckets */
};

/* The stop at `cursor`, and where the next one begins, 0 at the end. */
static struct stop stop_at(const struct table *t, uint64_t cursor)
{
    uint64_t hash = cursor << (64 - TABLE_POSITION_BITS);
    struct segment *s = table_locate(t, hash);
    struct stop stop = {.segment = s, .hash = hash, .cursor = cursor};

    if (s == NULL) {
        return stop;
    }

    unsigned below = TABLE_POSITION_BITS - (unsigned)s->depth;
    uint64_t first = cursor >> below << below;

    if (s->bucket_count > 0) {
        stop.home = hash_home(s, hash);
    }
    if (stop.home + 1 < s->bucket_count) {
        /* The least fraction whose home is the next bucket. */
        uint64_t fraction = (((uint64_t)stop.home + 1) << FRACTION_BITS)
                            + s->bucket_count - 1;

        fraction /= s->bucket_count;
        stop.next = first + (fraction << (below - FRACTION_BITS));
    } else {
        stop.next = first + ((uint64_t)1 << below);
        stop.next = stop.next == position_end ? 0 : stop.next;
    }
    return stop;
}

/* Does the entry lie at the cursor or after it? The cursor may have been made
 * when the stored bits were finer than now; then the entry's hash decides. */
static bool stop_has(const struct table *t, const struct stop *stop,
                     const struct bucket *b, unsigned slot)
{
    const struct segment *s = stop->segment;
    uint32_t stored = bucket_stored(b, slot);

    if (stored_home(s, stored) != stop->home) {
        return false;
    }

    uint32_t at = hash_stored(stop->hash, s->base);
    unsigned unknown = BASE_HIGH - (unsigned)s->base;
    uint64_t rest = stop->cursor & (((uint64_t)1 << unknown) - 1);

    if (stored != at || rest == 0) {
        return stored >= at;
    }

    uint64_t hash = t->hash(t->hash_self, slot_entry(b->slots[slot]));

    return table_position(hash) >= stop->cursor;
}

static void stop_visit(const struct table *t, const struct stop *stop,
                       table_visit_fn *visit, table_move_fn *move, void *self)
{
    const struct segment *s = stop->segment;
    uint32_t index = stop->home;
    struct bucket *b;

    do {
        b = segment_bucket(s, index);
        for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
            unsigned slot = (unsigned)__builtin_ctz(m);

            if (!stop_has(t, stop, b, slot)) {
                continue;
            }
            if (visit != NULL) {
                visit(self, slot_entry(b->slots[slot]));
                continue;
            }

            void *moved = move(self, slot_entry(b->slots[slot]));

            if (moved != NULL) {
                b->slots[slot] = slot_make(moved, bucket_stored(b, slot));
            }
        }
        index = segment_next(s, index);
    } while (b->flags & BUCKET_OVERFLOWED && index != stop->home);
}

/* The entries that the next call will visit. */
static void stop_prefetch(const struct segment *s, uint32_t index)
{
    if (index >= s->bucket_count) {
        return;
    }

    const struct bucket *b = segment_bucket(s, index);

    for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
        __builtin_prefetch(slot_entry(b->slots[__builtin_ctz(m)]));
    }
}

uint64_t table_scan(const struct table *t, uint64_t cursor,
                    table_visit_fn *visit, void *self)
{
    if (cursor >= position_end || t->entry_count == 0) {
        return 0;
    }

    struct stop stop = stop_at(t, cursor);

    if (stop.segment->bucket_count > 0) {
        stop_prefetch(stop.segment, stop.home + 1);
        stop_visit(t, &stop, visit, NULL, self);
    }
    return stop.next;
}

uint64_t table_compact(struct table *t, uint64_t cursor, table_move_fn *move,
                       void *self)
{
    if (cursor >= position_end || t->root == 0) {
        return 0;
    }

    struct stop stop = stop_at(t, cursor);

    if (stop.home == 0) {
        table_directory_compact(t, stop.hash);
        stop.segment = table_segment_compact_header(t, stop.segment, stop.hash);
        table_census_compact(t);
    }
    if (stop.segment->bucket_count > 0) {
        table_segment_compact_chunk(t, stop.segment, stop.home);
        stop_prefetch(stop.segment, stop.home + 1);
        stop_visit(t, &stop, NULL, move, self);
    }
    return stop.next;
}

/* --- random choice --------------------------------------------------------- */

/* No segment's breadth is above it. */
static uint64_t breadth_max(const struct table *t)
{
    const struct segment *only = (const struct segment *)t->root;

    if (t->census == NULL) {
        return only->bucket_count;
    }
    return (uint64_t)1 << (BREADTHS - __builtin_clz(t->census->present));
}

static void *choose(struct table *t, struct segment *s, uint64_t hash,
                    uint32_t index, unsigned slot, struct table_at *at)
{
    struct bucket *b = segment_bucket(s, index);

    if (at != NULL) {
        unsigned base = s->base;
        uint64_t stored = bucket_stored(b, slot);
        uint64_t prefix = base == 0 ? 0 : hash >> (64 - base) << (64 - base);

        at->table = t;
        at->bucket = b;
        at->segment = s;
        at->hash = prefix | stored << (64 - STORED_BITS) >> base;
        at->bucket_index = index;
        at->slot = slot;
        at->matches = 0;
    }
    return slot_entry(b->slots[slot]);
}

/* The first entry from a random bucket on: always finds one. */
static void *choose_unfairly(struct table *t, struct random *r,
                             struct table_at *at)
{
    uint64_t cursor = random_next(r) >> (64 - TABLE_POSITION_BITS);

    while (true) {
        struct stop stop = stop_at(t, cursor);

        if (stop.segment->bucket_count > 0) {
            const struct bucket *b = segment_bucket(stop.segment, stop.home);

            if ((b->flags & BUCKET_PRESENT) != 0) {
                unsigned slot = (unsigned)__builtin_ctz(b->flags);

                return choose(t, stop.segment, stop.hash, stop.home, slot, at);
            }
        }
        cursor = stop.next;
    }
}

/* Draws places until one has an entry. A segment of depth d is drawn with
 * probability 2^-d, so there the place is among as many buckets as make up the
 * greatest breadth, whether it has so many or not. */
void *table_random(struct table *t, struct random *r, struct table_at *at)
{
    if (t->entry_count == 0) {
        return NULL;
    }

    uint64_t breadth = breadth_max(t);

    for (unsigned draw = 0; draw < RANDOM_DRAWS_MAX; draw++) {
        uint64_t hash = random_next(r);
        struct segment *s = table_locate(t, hash);
        uint64_t place = (hash & UINT32_MAX) * (breadth >> s->depth);
        uint32_t index = (uint32_t)(place >> 32);
        unsigned slot =
            (unsigned)((place & UINT32_MAX) * SLOTS_PER_BUCKET >> 32);

        if (index < s->bucket_count
            && segment_bucket(s, index)->flags & 1u << slot) {
            return choose(t, s, hash, index, slot, at);
        }
    }
    return choose_unfairly(t, r, at);
}

static_assert(DEPTH_MAX <= 32, "what chooses a segment does not choose in it");

/* --- figures and checks ----------------------------------------------------- */

/* Goes to the segment at *cursor, and the cursor past it, 0 at the end. */
static struct segment *next_segment(const struct table *t, uint64_t *cursor)
{
    struct segment *s = table_locate(t, *cursor << (64 - TABLE_POSITION_BITS));

    if (s == NULL) {
        *cursor = 0;
        return NULL;
    }
    *cursor += (uint64_t)1 << (TABLE_POSITION_BITS - s->depth);
    *cursor = *cursor == position_end ? 0 : *cursor;
    return s;
}

static size_t count_displaced(const struct segment *s)
{
    size_t displaced = 0;

    for (uint32_t i = 0; i < s->bucket_count; i++) {
        const struct bucket *b = segment_bucket(s, i);

        for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
            uint32_t stored = bucket_stored(b, (unsigned)__builtin_ctz(m));

            displaced += stored_home(s, stored) != i;
        }
    }
    return displaced;
}

void table_stats_read(const struct table *t, struct table_stats *out)
{
    uint64_t cursor = 0;

    *out = (struct table_stats){0};
    do {
        const struct segment *s = next_segment(t, &cursor);

        if (s != NULL) {
            out->entry_count += s->entry_count;
            out->segment_count++;
            out->bucket_count += s->bucket_count;
            out->slot_count += (size_t)s->bucket_count * SLOTS_PER_BUCKET;
            out->displaced += count_displaced(s);
            out->depth_max = s->depth > out->depth_max ? s->depth
                                                       : out->depth_max;
        }
    } while (cursor != 0);
}

/* Overflow bits exactly where an entry passed, and every such bucket full. */
static void check_overflow(const struct segment *s)
{
    bool passed[BUCKETS_MAX] = {false};

    for (uint32_t i = 0; i < s->bucket_count; i++) {
        const struct bucket *b = segment_bucket(s, i);

        for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
            uint32_t home = stored_home(
                s, bucket_stored(b, (unsigned)__builtin_ctz(m)));

            for (; home != i; home = segment_next(s, home)) {
                passed[home] = true;
            }
        }
    }
    for (uint32_t i = 0; i < s->bucket_count; i++) {
        unsigned flags = segment_bucket(s, i)->flags;

        assert(((flags & BUCKET_OVERFLOWED) != 0) == passed[i]);
        assert(!passed[i] || (flags & BUCKET_PRESENT) == BUCKET_PRESENT);
    }
}

/* The stored bits are those of the entries' hashes. */
static void check_entries(const struct table *t, const struct segment *s,
                          uint64_t prefix_hash)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < s->bucket_count; i++) {
        const struct bucket *b = segment_bucket(s, i);

        for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
            unsigned slot = (unsigned)__builtin_ctz(m);
            void *entry = slot_entry(b->slots[slot]);
            uint64_t hash = t->hash(t->hash_self, entry);

            assert(bucket_stored(b, slot) == hash_stored(hash, s->base));
            assert(s->depth == 0
                   || (hash ^ prefix_hash) >> (64 - s->depth) == 0);
            assert(stored_home(s, bucket_stored(b, slot))
                   == hash_home(s, hash));
            count++;
        }
    }
    assert(count == s->entry_count);
}

static size_t check_segment(const struct table *t, const struct segment *s,
                            uint64_t prefix_hash)
{
    size_t bytes = slab_class_bytes(segment_bytes(s->chunk_capacity));

    assert(s->depth <= DEPTH_MAX);
    assert(s->base == 0 || s->base == BASE_HIGH);
    assert(s->base <= s->depth);
    assert(s->depth - s->base <= DEPTH_SPAN);
    assert(s->bucket_count <= BUCKETS_MAX);
    assert(s->bucket_count <= s->chunk_capacity * CHUNK_BUCKETS);
    assert(s->entry_count <= s->bucket_count * SLOTS_PER_BUCKET);
    for (unsigned i = 0; i < CHUNKS_MAX; i++) {
        unsigned size = table_segment_chunk_buckets(s->bucket_count, i);

        bytes += size == 0 ? 0 : slab_class_bytes(size * sizeof(struct bucket));
    }
    check_entries(t, s, prefix_hash);
    check_overflow(s);
    return bytes;
}

void table_check(const struct table *t)
{
    struct census census = {0};
    size_t bytes = slab_class_bytes(sizeof(*t)) + table_directory_check(t);
    size_t count = 0;
    uint64_t cursor = 0;

    do {
        uint64_t prefix_hash = cursor << (64 - TABLE_POSITION_BITS);
        const struct segment *s = next_segment(t, &cursor);

        if (s != NULL) {
            bytes += check_segment(t, s, prefix_hash);
            count += s->entry_count;
            table_census_count(&census, s, 1);
        }
    } while (cursor != 0);

    if (t->census != NULL) {
        bytes += slab_class_bytes(sizeof(census));
        assert(memcmp(&census, t->census, sizeof(census)) == 0);
    } else {
        assert(word_bits(t->root) == 0);
    }
    assert(count == t->entry_count);
    assert(bytes == t->used_bytes);
}
