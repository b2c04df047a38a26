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

static void bucket_prefetch_entries(const struct bucket *b)
{
    for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
        __builtin_prefetch(slot_entry(b->slots[__builtin_ctz(m)]));
    }
}

size_t table_segment_drop_chunk(struct table *t, struct segment *s,
                                table_visit_fn *visit, void *self)
{
    unsigned chunk = (s->bucket_count - 1u) / CHUNK_BUCKETS;
    unsigned size = table_segment_chunk_buckets(s->bucket_count, chunk);
    struct bucket *buckets = s->chunks[chunk];
    size_t visited = 0;

    for (unsigned i = 0; visit != NULL && i < size; i++) {
        const struct bucket *b = &buckets[i];

        if (i + 1 < size) {
            bucket_prefetch_entries(&buckets[i + 1]);
        }
        for (unsigned m = b->flags & BUCKET_PRESENT; m != 0; m &= m - 1) {
            visit(self, slot_entry(b->slots[__builtin_ctz(m)]));
            visited++;
        }
    }
    s->bucket_count = (uint16_t)(s->bucket_count - size);
    table_cell_free(t, buckets, size * sizeof(struct bucket));
    return visited;
}

void table_segment_gather(const struct segment *s, struct batch *out)
{
    unsigned count = out->count;

    for (unsigned i = 0; i < s->bucket_count; i++) {
        const struct bucket *b = segment_bucket(s, i);

        assert(count <= SEGMENT_ENTRIES_MAX);
        /* Without branches: nobody could predict them. */
#pragma GCC unroll 7
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
    table_census_count(t->census, s, -1);
    chunks_free(t, s->chunks, old_buckets, buckets);
    if (header != s) {
        table_cell_free(t, s, segment_bytes(s->chunk_capacity));
        table_directory_put(t, hash, header->depth, header);
    }
    segment_reset(t, header, hash, chunks, buckets);
    table_segment_fill(header, &batch, 0, batch.count);
    table_census_count(t->census, header, 1);
    return true;
}

/* --- removal ------------------------------------------------------------ */

#if defined(__SSE2__)
/* The low halves of four slots. */
static inline __m128i low_words(const uint64_t *slots)
{
    const __m128i *at = (const __m128i *)(const void *)slots;
    __m128 first = _mm_castsi128_ps(_mm_load_si128(at));
    __m128 second = _mm_castsi128_ps(_mm_load_si128(at + 1));

    return _mm_castps_si128(
        _mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0)));
}

/* stored_fraction() of four, extended by sign, or they could not be packed. */
static inline __m128i fractions(__m128i slots, __m128i tags, __m128i shift)
{
    __m128i hash = _mm_srli_epi32(_mm_slli_epi32(slots, 32 - SLOT_HASH_BITS),
                                  32 - STORED_BITS);
    __m128i fraction = _mm_srl_epi32(_mm_or_si128(hash, tags), shift);

    return _mm_srai_epi32(_mm_slli_epi32(fraction, 32 - FRACTION_BITS),
                          32 - FRACTION_BITS);
}
#endif

/* A bit for each entry that lies at least `past` >= 1 buckets after its home. */
static inline uint32_t bucket_displaced(const struct segment *s,
                                        const struct bucket *b, uint32_t index,
                                        uint32_t past)
{
#if defined(__SSE2__)
    /* Seven at a time, and the tags in an eighth place that does not count.
     * One by one, removals from a full table take 170 instructions more. */
    const __m128i zero = _mm_setzero_si128();
    __m128i buckets = _mm_set1_epi16((short)s->bucket_count);
    __m128i shift = _mm_cvtsi32_si128(DEPTH_SPAN + s->base - s->depth);
    __m128i tags = _mm_unpacklo_epi8(
        _mm_loadl_epi64((const __m128i *)(const void *)b->tags), zero);
    __m128i low = fractions(low_words(b->slots),
                            _mm_unpacklo_epi16(tags, zero), shift);
    __m128i high = fractions(low_words(b->slots + 4),
                             _mm_unpackhi_epi16(tags, zero), shift);
    __m128i homes = _mm_mulhi_epu16(_mm_packs_epi32(low, high), buckets);
    __m128i distance = _mm_sub_epi16(_mm_set1_epi16((short)index), homes);
    __m128i round = _mm_and_si128(_mm_srai_epi16(distance, 15), buckets);
    __m128i far = _mm_cmpgt_epi16(_mm_add_epi16(distance, round),
                                  _mm_set1_epi16((short)(past - 1)));

    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(far, zero)) & b->flags
           & BUCKET_PRESENT;
#else
    uint32_t far = 0;

    for (unsigned slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
        uint32_t home = stored_home(s, bucket_stored(b, slot));

        far |= (uint32_t)(segment_distance(s, home, index) >= past) << slot;
    }
    return far & b->flags;
#endif
}

/* Sets anew the overflow bits of the `count` buckets before `index`, given that
 * no entry lies past `index` that should be in it or before. */
static void repair_overflow(struct segment *s, uint32_t index, uint32_t count)
{
    uint32_t reach = 0;

    for (; count > 0; count--) {
        struct bucket *b = segment_bucket(s, index);

        /* No distance is as great as the number of buckets. */
        while (bucket_displaced(s, b, index, reach + 1) != 0) {
            reach++;
        }
        index = segment_previous(s, index);
        b = segment_bucket(s, index);
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
        uint32_t displaced;
        uint32_t past = 0;

        /* The bit says that there is one, so this ends. */
        do {
            index = segment_next(s, index);
            past++;
            b = segment_bucket(s, index);
            displaced = bucket_displaced(s, b, index, past);
            assert(past < s->bucket_count);
        } while (displaced == 0);

        unsigned found = (unsigned)__builtin_ctz(displaced);

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
