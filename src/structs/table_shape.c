/* table_shape: when a segment grows, splits, shrinks and merges. Each step
 * rebuilds one segment or two through a batch on the stack: microseconds. See
 * table.c for the design. */
#include "structs/table_priv.h"

enum {
    /* Segments merge when their entries would fill at most this share of the
     * buckets at which the result would split. */
    MERGE_NUMERATOR = 1,
    MERGE_DENOMINATOR = 2,
    /* How many entries ahead hashes are read. */
    PREFETCH_AHEAD = 16,
};

/* Rewrites the batch, all of segments of `depth` with `hash` and base `from`,
 * for base `to`. */
static void batch_rebase(const struct table *t, struct batch *batch,
                         uint64_t hash, unsigned from, unsigned to)
{
    if (from == to) {
        return;
    }
    for (unsigned i = 0; i < batch->count; i++) {
        void *entry = slot_entry(batch->slots[i]);
        uint64_t full;

        if (to < from) {
            /* The bits in front are those of every entry here. */
            full = slot_stored(batch->slots[i], batch->tags[i]);
            full = hash >> (64 - from) << (64 - from)
                   | full << (64 - STORED_BITS) >> from;
        } else {
            if (i + PREFETCH_AHEAD < batch->count) {
                __builtin_prefetch(
                    slot_entry(batch->slots[i + PREFETCH_AHEAD]));
            }
            full = t->hash(t->hash_self, entry);
        }
        batch->slots[i] = slot_make(entry, hash_stored(full, to));
        batch->tags[i] = (uint8_t)hash_stored(full, to);
    }
}

/* Puts those with the bit after `depth` set last; how many have it clear. */
static unsigned batch_partition(struct batch *batch, unsigned depth,
                                unsigned base)
{
    uint32_t bit = 1u << (STORED_BITS - 1 - (depth - base));
    unsigned low = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        uint64_t slot = batch->slots[i];
        uint8_t tag = batch->tags[i];

        if ((slot_stored(slot, tag) & bit) == 0) {
            batch->slots[i] = batch->slots[low];
            batch->tags[i] = batch->tags[low];
            batch->slots[low] = slot;
            batch->tags[low] = tag;
            low++;
        }
    }
    return low;
}

static uint64_t depth_bit(unsigned depth)
{
    return (uint64_t)1 << (64 - depth);
}

/* Two segments in the place of `s`, or false: out of memory, nothing changed
 * that anyone could see. */
static bool segment_split(struct table *t, struct segment *s, uint64_t hash)
{
    struct batch batch;
    unsigned depth = s->depth + 1u;
    unsigned base = depth - s->base > DEPTH_SPAN ? BASE_HIGH : s->base;
    uint64_t low_hash = hash & ~depth_bit(depth);
    uint64_t high_hash = hash | depth_bit(depth);

    batch.count = 0;
    table_segment_gather(s, &batch);
    if (base != s->base) {
        batch_rebase(t, &batch, hash, s->base, base);
    }

    unsigned low_count = batch_partition(&batch, s->depth, base);
    unsigned high_count = batch.count - low_count;
    struct segment *low = table_segment_create(
        t, low_hash, depth, base,
        table_segment_size_for(t, low_hash, depth, low_count));
    struct segment *high = table_segment_create(
        t, high_hash, depth, base,
        table_segment_size_for(t, high_hash, depth, high_count));

    if (low == NULL || high == NULL || !table_census_open(t)
        || !table_directory_deepen(t, hash, s->depth)) {
        goto undo;
    }
    table_segment_fill(low, &batch, 0, low_count);
    table_segment_fill(high, &batch, low_count, high_count);
    table_directory_put(t, low_hash, depth, low);
    table_directory_put(t, high_hash, depth, high);
    table_census_count(t->census, s, -1);
    table_census_count(t->census, low, 1);
    table_census_count(t->census, high, 1);
    table_segment_destroy(t, s);
    return true;

undo:
    if (s->depth == 0) {
        table_census_close(t);
    }
    if (high != NULL) {
        table_segment_destroy(t, high);
    }
    if (low != NULL) {
        table_segment_destroy(t, low);
    }
    return false;
}

/* More room for the segment of `hash`; false: it stays as it is. */
static bool segment_relieve(struct table *t, struct segment *s, uint64_t hash)
{
    unsigned more = table_segment_size_above(s->bucket_count);
    unsigned limit = table_segment_split_above(t, hash, s->depth);

    if (more > limit && s->depth < DEPTH_MAX && segment_split(t, s, hash)) {
        return true;
    }
    /* Where no memory is left to split, there may be some for a chunk. */
    return more <= BUCKETS_MAX && table_segment_resize(t, s, hash, more);
}

struct segment *table_make_room(struct table *t, uint64_t hash,
                                enum status *why)
{
    while (true) {
        struct segment *s = table_locate(t, hash);

        if (s == NULL) {
            s = table_segment_create(t, hash, 0, 0, 1);
            t->root = (uintptr_t)s;
            *why = ST_NOMEM;
            return s;
        }

        bool at_end = s->depth == DEPTH_MAX && s->bucket_count == BUCKETS_MAX;
        bool relieved = segment_relieve(t, s, hash);

        s = table_locate(t, hash);
        if (s->entry_count < s->bucket_count * SLOTS_PER_BUCKET) {
            return s;
        }
        if (!relieved) {
            *why = at_end ? ST_RANGE : ST_NOMEM;
            return NULL;
        }
    }
}

/* The segment that differs from that of `hash` in the last bit of the depth, if
 * it has not split. */
static struct segment *segment_buddy(const struct table *t,
                                     const struct segment *s, uint64_t hash)
{
    if (s->depth == 0) {
        return NULL;
    }

    struct segment *buddy = table_locate(t, hash ^ depth_bit(s->depth));

    return buddy->depth == s->depth ? buddy : NULL;
}

/* One segment in the place of two; NULL if there is no memory. */
static struct segment *segment_merge(struct table *t, struct segment *s,
                                     struct segment *buddy, uint64_t hash)
{
    struct batch batch;
    unsigned depth = s->depth - 1u;
    /* Going down to 0 needs no look at the entries. */
    unsigned base = depth < BASE_HIGH || buddy->base == 0 ? 0 : s->base;
    unsigned count = (unsigned)s->entry_count + buddy->entry_count;
    struct segment *merged = table_segment_create(
        t, hash, depth, base, table_segment_size_for(t, hash, depth, count));

    if (merged == NULL) {
        return NULL;
    }
    batch.count = 0;
    table_segment_gather(s, &batch);
    batch_rebase(t, &batch, hash, s->base, base);
    table_segment_fill(merged, &batch, 0, batch.count);
    batch.count = 0;
    table_segment_gather(buddy, &batch);
    batch_rebase(t, &batch, hash ^ depth_bit(s->depth), buddy->base, base);
    table_segment_fill(merged, &batch, 0, batch.count);

    table_directory_join(t, hash, depth, merged);
    table_census_count(t->census, s, -1);
    table_census_count(t->census, buddy, -1);
    table_census_count(t->census, merged, 1);
    table_segment_destroy(t, s);
    table_segment_destroy(t, buddy);
    if (depth == 0) {
        table_census_close(t);
    }
    return merged;
}

void table_shrink(struct table *t, uint64_t hash)
{
    struct segment *s = table_locate(t, hash);
    struct segment *buddy;

    /* The depth bounds it, and two that merge are small. */
    while ((buddy = segment_buddy(t, s, hash)) != NULL) {
        unsigned count = (unsigned)s->entry_count + buddy->entry_count;
        unsigned most = table_segment_split_above(t, hash, s->depth - 1u)
                        * SLOTS_PER_BUCKET * MERGE_NUMERATOR
                        / MERGE_DENOMINATOR;

        if (count > most) {
            break;
        }

        struct segment *merged = segment_merge(t, s, buddy, hash);

        if (merged == NULL) {
            break;
        }
        s = merged;
    }
    if (t->entry_count == 0 && s->depth == 0) {
        table_segment_destroy(t, s);
        t->root = 0;
        return;
    }

    /* About four fifths full, so that it neither grows nor shrinks soon. */
    unsigned most = s->entry_count + s->entry_count / 10u;
    unsigned buckets = table_segment_size_for(
        t, hash, s->depth, s->entry_count == 0 ? 0 : most + 2);

    if (buckets < s->bucket_count) {
        /* Without memory it stays as large as it is. */
        (void)table_segment_resize(t, s, hash, buckets);
    }
}
