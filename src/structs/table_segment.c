/* table_segment: one segment of a table: its sizes, its memory, and the entries
 * inside. See table.c for the design.
 *
 * Overflow bits are exact: bucket b has its bit set if and only if an entry
 * whose home is b or before lies after b (going round the end). So a search
 * ends at the first bucket without one, and after any number of removals a miss
 * costs what it would cost in a segment built afresh. */
#include "structs/table_priv.h"

/* Of 64 bits, all of which depend on every bit of `x` (the finalizer of
 * splitmix64, https://prng.di.unimi.it/splitmix64.c). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* What tells a segment from the others of this table and of other tables. */
static uint64_t segment_variation(const struct table *t, uint64_t hash,
                                  unsigned depth)
{
    uint64_t prefix = depth == 0 ? 0 : hash >> (64 - depth);

    return mix((uint64_t)(uintptr_t)t ^ mix(prefix << 8 | depth));
}

void *table_cell_alloc(struct table *t, size_t bytes)
{
    void *cell = slab_alloc(t->heap, bytes);

    if (cell != NULL) {
        t->used_bytes += slab_class_bytes(bytes);
    }
    return cell;
}

void table_cell_free(struct table *t, void *cell, size_t bytes)
{
    t->used_bytes -= slab_class_bytes(bytes);
    slab_free(t->heap, cell);
}

/* --- sizes -------------------------------------------------------------- */

unsigned table_segment_chunk_buckets(unsigned buckets, unsigned chunk)
{
    unsigned first = chunk * CHUNK_BUCKETS;

    if (buckets <= first) {
        return 0;
    }
    return buckets - first < CHUNK_BUCKETS ? buckets - first : CHUNK_BUCKETS;
}

/* Steps of an eighth to a sixteenth where there are many entries; below that,
 * sizes that the slab has classes for. */
unsigned table_segment_size_above(unsigned buckets)
{
    if (buckets < 4) {
        return buckets + 1;
    }
    if (buckets < 8) {
        return buckets + 2;
    }
    if (buckets < 64) {
        return buckets + 4;
    }
    return buckets + (buckets < 128 ? 8 : 16);
}

unsigned table_segment_grow_at(const struct table *t, uint64_t hash,
                               unsigned depth, unsigned buckets)
{
    unsigned full = buckets * SLOTS_PER_BUCKET;

    if (buckets < 2) {
        return full;
    }
    if (buckets < CHUNK_BUCKETS) {
        return full - full / 8;
    }

    /* 7/8 on average, half a step more or less. */
    unsigned step = (table_segment_size_above(buckets) - buckets) * 6;
    unsigned some = (unsigned)(segment_variation(t, hash, depth) & 0xff);

    return full - full / 8 - step / 2 + step * some / 256;
}

unsigned table_segment_size_for(const struct table *t, uint64_t hash,
                                unsigned depth, unsigned entries)
{
    unsigned buckets = 0;

    while (buckets < BUCKETS_MAX
           && table_segment_grow_at(t, hash, depth, buckets) < entries) {
        buckets = table_segment_size_above(buckets);
    }
    return buckets;
}

unsigned table_segment_split_above(const struct table *t, uint64_t hash,
                                   unsigned depth)
{
    unsigned some = (unsigned)(segment_variation(t, hash, depth) >> 8 & 0xff)
                    * CHUNKS_MAX;

    /* One of 8 to 15 chunks. */
    return BUCKETS_MAX - some / (2 * 256) * CHUNK_BUCKETS;
}

/* --- memory ------------------------------------------------------------- */

/* Header capacities are few, so that headers seldom move. */
static unsigned capacity_for(unsigned buckets)
{
    if (buckets <= CHUNK_BUCKETS) {
        return 1;
    }
    return buckets <= 7 * CHUNK_BUCKETS ? 7 : CHUNKS_MAX;
}

/* Replaces in `chunks` those whose size differs between the two sizes by new
 * ones. False: out of memory, and none is left allocated. */
static bool chunks_alloc(struct table *t, struct bucket **chunks,
                         unsigned old_buckets, unsigned new_buckets)
{
    unsigned i;

    for (i = 0; i < CHUNKS_MAX; i++) {
        unsigned size = table_segment_chunk_buckets(new_buckets, i);

        if (size == 0 || size == table_segment_chunk_buckets(old_buckets, i)) {
            continue;
        }
        chunks[i] = table_cell_alloc(t, size * sizeof(struct bucket));
        if (chunks[i] == NULL) {
            break;
        }
        assert((uintptr_t)chunks[i] % sizeof(struct bucket) == 0);
    }
    if (i == CHUNKS_MAX) {
        return true;
    }
    while (i > 0) {
        unsigned size = table_segment_chunk_buckets(new_buckets, --i);

        if (size != 0 && size != table_segment_chunk_buckets(old_buckets, i)) {
            table_cell_free(t, chunks[i], size * sizeof(struct bucket));
        }
    }
    return false;
}

/* Frees those chunks of `old_buckets` whose size differs in `new_buckets`. */
static void chunks_free(struct table *t, struct bucket **chunks,
                        unsigned old_buckets, unsigned new_buckets)
{
    for (unsigned i = 0; i < CHUNKS_MAX; i++) {
        unsigned size = table_segment_chunk_buckets(old_buckets, i);

        if (size != 0 && size != table_segment_chunk_buckets(new_buckets, i)) {
            table_cell_free(t, chunks[i], size * sizeof(struct bucket));
        }
    }
}

static struct segment *header_alloc(struct table *t, unsigned capacity)
{
    struct segment *s = table_cell_alloc(t, segment_bytes(capacity));

    if (s != NULL) {
        s->chunk_capacity = (uint8_t)(capacity & 0xf);
    }
    return s;
}

/* Empty buckets, `buckets` of them, in the chunks given. */
static void segment_reset(struct table *t, struct segment *s, uint64_t hash,
                          struct bucket *const *chunks, unsigned buckets)
{
    s->bucket_count = (uint16_t)buckets;
    s->entry_count = 0;
    s->grow_at = (uint16_t)table_segment_grow_at(t, hash, s->depth, buckets);
    for (unsigned i = 0; i * CHUNK_BUCKETS < buckets; i++) {
        unsigned size = table_segment_chunk_buckets(buckets, i);

        s->chunks[i] = chunks[i];
        for (unsigned b = 0; b < size; b++) {
            chunks[i][b].flags = 0;
        }
    }
}

struct segment *table_segment_create(struct table *t, uint64_t hash,
                                     unsigned depth, unsigned base,
                                     unsigned buckets)
{
    struct bucket *chunks[CHUNKS_MAX];
    struct segment *s = header_alloc(t, capacity_for(buckets));

    if (s == NULL) {
        return NULL;
    }
    if (!chunks_alloc(t, chunks, 0, buckets)) {
        table_cell_free(t, s, segment_bytes(s->chunk_capacity));
        return NULL;
    }
    s->depth = (uint8_t)depth;
    s->base = (uint8_t)(base & 0xf);
    segment_reset(t, s, hash, chunks, buckets);
    return s;
}

void table_segment_destroy(struct table *t, struct segment *s)
{
    chunks_free(t, s->chunks, s->bucket_count, 0);
    table_cell_free(t, s, segment_bytes(s->chunk_capacity));
}

void table_segment_gather(const struct segment *s, struct batch *out)
{
    unsigned count = out->count;

    for (unsigned i = 0; i < s->bucket_count; i++) {
        const struct bucket *b = segment_bucket(s, i);

        assert(count <= SEGMENT_ENTRIES_MAX);
        /* Without branches: nobody could predict them. */
        for (unsigned slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
            out->slots[count] = b->slots[slot];
            out->tags[count] = b->tags[slot];
            count += (unsigned)b->flags >> slot & 1;
        }
    }
    assert(count <= SEGMENT_ENTRIES_MAX);
    out->count = count;
}

void table_segment_fill(struct segment *s, const struct batch *in,
                        unsigned first, unsigned count)
{
    /* A copy that no store to a bucket can alias: it stays in registers. */
    const struct segment shape = *s;

    assert(s->entry_count + count
           <= s->bucket_count * (unsigned)SLOTS_PER_BUCKET);
    for (unsigned i = first; i < first + count; i++) {
        uint32_t stored = slot_stored(in->slots[i], in->tags[i]);

        segment_place(s, stored_home(&shape, stored), in->slots[i],
                      in->tags[i]);
    }
    s->entry_count = (uint16_t)(s->entry_count + count);
}

bool table_segment_resize(struct table *t, struct segment *s, uint64_t hash,
                          unsigned buckets)
{
    struct batch batch;
    struct bucket *chunks[CHUNKS_MAX];
    struct segment *header = s;
    unsigned old_buckets = s->bucket_count;
    unsigned capacity = capacity_for(buckets);

    for (unsigned i = 0; i * CHUNK_BUCKETS < old_buckets; i++) {
        chunks[i] = s->chunks[i];
    }
    if (!chunks_alloc(t, chunks, old_buckets, buckets)) {
        return false;
    }
    if (capacity != s->chunk_capacity) {
        header = header_alloc(t, capacity);
        if (header == NULL) {
            chunks_free(t, chunks, buckets, old_buckets);
            return false;
        }
        header->depth = s->depth;
        header->base = s->base;
    }

    batch.count = 0;
    table_segment_gather(s, &batch);
    chunks_free(t, s->chunks, old_buckets, buckets);
    if (header != s) {
        table_cell_free(t, s, segment_bytes(s->chunk_capacity));
        table_directory_put(t, hash, header->depth, header);
    }
    segment_reset(t, header, hash, chunks, buckets);
    table_segment_fill(header, &batch, 0, batch.count);
    return true;
}

/* --- removal ------------------------------------------------------------ */

/* Finds in `b` an entry that lies at least `past` buckets after its home. */
static unsigned bucket_find_displaced(const struct segment *s,
                                      const struct bucket *b, uint32_t index,
                                      uint32_t past)
{
    for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
        unsigned slot = (unsigned)__builtin_ctz(m);
        uint32_t home = stored_home(s, bucket_stored(b, slot));

        if (segment_distance(s, home, index) >= past) {
            return slot;
        }
    }
    return SLOTS_PER_BUCKET;
}

/* The greatest distance of an entry in `b` from its home. */
static uint32_t bucket_reach(const struct segment *s, const struct bucket *b,
                             uint32_t index)
{
    uint32_t reach = 0;

    for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
        unsigned slot = (unsigned)__builtin_ctz(m);
        uint32_t home = stored_home(s, bucket_stored(b, slot));
        uint32_t distance = segment_distance(s, home, index);

        reach = distance > reach ? distance : reach;
    }
    return reach;
}

/* Sets anew the overflow bits of the `count` buckets before `index`, given that
 * no entry lies past `index` that should be in it or before. */
static void repair_overflow(struct segment *s, uint32_t index, uint32_t count)
{
    uint32_t reach = 0;

    for (; count > 0; count--) {
        uint32_t own = bucket_reach(s, segment_bucket(s, index), index);

        reach = own > reach ? own : reach;
        index = segment_previous(s, index);

        struct bucket *b = segment_bucket(s, index);

        b->flags &= BUCKET_PRESENT;
        if (reach > 0) {
            b->flags |= BUCKET_OVERFLOWED;
            reach--;
        }
    }
}

void table_segment_erase(struct segment *s, uint32_t home, uint32_t index,
                         unsigned slot)
{
    struct bucket *hole = segment_bucket(s, index);
    uint32_t walked = segment_distance(s, home, index);

    s->entry_count--;
    while (hole->flags & BUCKET_OVERFLOWED) {
        struct bucket *b;
        unsigned found;
        uint32_t past = 0;

        /* The bit says that there is one, so this ends. */
        do {
            index = segment_next(s, index);
            past++;
            b = segment_bucket(s, index);
            found = bucket_find_displaced(s, b, index, past);
            assert(past < s->bucket_count);
        } while (found == SLOTS_PER_BUCKET);

        hole->slots[slot] = b->slots[found];
        hole->tags[slot] = b->tags[found];
        walked += past;
        hole = b;
        slot = found;
    }
    hole->flags = (uint8_t)(hole->flags & ~(1u << slot));
    repair_overflow(s, index,
                    walked < s->bucket_count ? walked : s->bucket_count - 1u);
}

/* --- compaction ---------------------------------------------------------- */

void table_segment_compact_chunk(struct table *t, struct segment *s,
                                 uint32_t index)
{
    unsigned chunk = index / CHUNK_BUCKETS;
    size_t bytes = table_segment_chunk_buckets(s->bucket_count, chunk)
                   * sizeof(struct bucket);
    struct bucket *old = s->chunks[chunk];

    if (!slab_is_source(t->heap, old)) {
        return;
    }

    struct bucket *copy = table_cell_alloc(t, bytes);

    if (copy != NULL) {
        memcpy(copy, old, bytes);
        s->chunks[chunk] = copy;
        table_cell_free(t, old, bytes);
    }
}

struct segment *table_segment_compact_header(struct table *t, struct segment *s,
                                             uint64_t hash)
{
    if (!slab_is_source(t->heap, s)) {
        return s;
    }

    size_t bytes = segment_bytes(s->chunk_capacity);
    struct segment *copy = table_cell_alloc(t, bytes);

    if (copy == NULL) {
        return s;
    }
    memcpy(copy, s, bytes);
    table_directory_put(t, hash, s->depth, copy);
    table_cell_free(t, s, bytes);
    return copy;
}
