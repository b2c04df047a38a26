/* table_priv: the table's layout and its hot path, for table*.c alone. table.c
 * explains the design. */
#ifndef ENGRAM_STRUCTS_TABLE_PRIV_H
#define ENGRAM_STRUCTS_TABLE_PRIV_H

#include <assert.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "structs/table.h"

enum {
    SLOTS_PER_BUCKET = 7,
    CHUNK_BUCKETS = 16,
    CHUNKS_MAX = 15,
    BUCKETS_MAX = CHUNK_BUCKETS * CHUNKS_MAX,
    SEGMENT_ENTRIES_MAX = BUCKETS_MAX * SLOTS_PER_BUCKET,

    /* Hash bits kept of each entry: 20 in the slot, 8 in the tag. */
    TAG_BITS = 8,
    SLOT_HASH_BITS = 20,
    STORED_BITS = SLOT_HASH_BITS + TAG_BITS,
    /* Bits after the segment's depth that choose the home bucket. */
    FRACTION_BITS = 16,
    /* The stored bits begin here once the depth has eaten those before. */
    BASE_HIGH = TABLE_POSITION_BITS - STORED_BITS,
    /* How far the depth may run into the stored bits. */
    DEPTH_SPAN = STORED_BITS - FRACTION_BITS,
    DEPTH_MAX = BASE_HIGH + DEPTH_SPAN,

    NODE_BITS_MAX = 7,
    NODE_LEVELS_MAX = (DEPTH_MAX + NODE_BITS_MAX - 1) / NODE_BITS_MAX,

    /* Of an entry, what is fetched at least. */
    ENTRY_HEAD_BYTES = 40,

    BUCKET_PRESENT = 0x7f, /* a bit for each slot */
    BUCKET_OVERFLOWED = 0x80,
};

struct bucket {
    uint64_t slots[SLOTS_PER_BUCKET]; /* pointer >> 3 | 20 hash bits */
    uint8_t tags[SLOTS_PER_BUCKET];   /* the next 8 hash bits */
    uint8_t flags;
};

static_assert(sizeof(struct bucket) == 64, "a bucket is one cache line");
static_assert(sizeof(struct bucket) * CHUNK_BUCKETS <= SLAB_CELL_MAX,
              "a full chunk is a cell");
static_assert(DEPTH_MAX + FRACTION_BITS <= TABLE_POSITION_BITS,
              "a bucket's first position is a whole number");

/* 8 bytes and the chunk pointers: 128 bytes at most, two cache lines. */
struct segment {
    uint16_t bucket_count;
    uint16_t entry_count;
    uint16_t grow_at; /* entries at which it wants more buckets */
    uint8_t depth;    /* hash bits that all its entries share */
    uint8_t base : 4, chunk_capacity : 4;
    struct bucket *chunks[];
};

static_assert(sizeof(struct segment) == 8, "15 chunks fit two lines");

/* How many segments there are of each breadth, to a power of two; only while
 * there is more than one. A segment's breadth is the number of buckets that a
 * table of nothing but its like would have. With a good hash all are much the
 * same. table_random must know the greatest. */
enum { BREADTHS = 32 };

struct census {
    uint32_t present; /* a bit for each that is not 0 */
    uint32_t segments[BREADTHS];
};

static_assert((uint64_t)BUCKETS_MAX << DEPTH_MAX < (uint64_t)1 << BREADTHS,
              "every breadth is counted");

struct table {
    /* 0, a segment, or a node of pointers with its width in bits (1 to 7) in
     * the three low bits. */
    uintptr_t root;
    size_t entry_count;
    struct slab_heap *heap;
    size_t used_bytes;
    table_hash_fn *hash;
    void *hash_self;
    struct census *census;
};

/* All entries of a segment while it is rebuilt; lives on the stack, 15 KB. One
 * more than there can be: gathering writes before it knows what counts. */
struct batch {
    unsigned count;
    uint64_t slots[SEGMENT_ENTRIES_MAX + 1];
    uint8_t tags[SEGMENT_ENTRIES_MAX + 1];
};

/* --- entries and their bits ------------------------------------------- */

static inline unsigned word_bits(uintptr_t word)
{
    return (unsigned)(word & 7);
}

static inline uintptr_t *word_node(uintptr_t word)
{
    return (uintptr_t *)(word & ~(uintptr_t)7);
}

/* The hash bits a segment with this base keeps of an entry. */
static inline uint32_t hash_stored(uint64_t hash, unsigned base)
{
    return (uint32_t)(hash << base >> (64 - STORED_BITS));
}

static inline uint64_t slot_make(const void *entry, uint32_t stored)
{
    return (uint64_t)(uintptr_t)entry << (SLOT_HASH_BITS - 3)
           | stored >> TAG_BITS;
}

static inline void *slot_entry(uint64_t slot)
{
    return (void *)(uintptr_t)(slot >> SLOT_HASH_BITS << 3);
}

static inline uint32_t slot_stored(uint64_t slot, uint8_t tag)
{
    return (uint32_t)(slot & ((1u << SLOT_HASH_BITS) - 1)) << TAG_BITS | tag;
}

/* The bits after the depth. The two functions agree, because the bits are the
 * same ones; bucket order is hash order, because the scaling is monotone. */
static inline uint32_t hash_fraction(uint64_t hash, unsigned depth)
{
    return (uint32_t)(hash << depth >> (64 - FRACTION_BITS));
}

static inline uint32_t stored_fraction(const struct segment *s, uint32_t stored)
{
    unsigned eaten = (unsigned)s->depth - s->base;

    return stored >> (DEPTH_SPAN - eaten) & ((1u << FRACTION_BITS) - 1);
}

static inline uint32_t fraction_home(const struct segment *s, uint32_t fraction)
{
    return fraction * s->bucket_count >> FRACTION_BITS;
}

static inline uint32_t hash_home(const struct segment *s, uint64_t hash)
{
    return fraction_home(s, hash_fraction(hash, s->depth));
}

static inline uint32_t stored_home(const struct segment *s, uint32_t stored)
{
    return fraction_home(s, stored_fraction(s, stored));
}

/* --- segments and buckets --------------------------------------------- */

/* NULL: the table is empty. */
static inline struct segment *table_locate(const struct table *t, uint64_t hash)
{
    uintptr_t word = t->root;
    unsigned bits;

    while ((bits = word_bits(word)) != 0) {
        word = word_node(word)[hash >> (64 - bits)];
        hash <<= bits;
    }
    return (struct segment *)word;
}

static inline struct bucket *segment_bucket(const struct segment *s,
                                            uint32_t index)
{
    return &s->chunks[index / CHUNK_BUCKETS][index % CHUNK_BUCKETS];
}

static inline uint32_t segment_next(const struct segment *s, uint32_t index)
{
    return index + 1 == s->bucket_count ? 0 : index + 1;
}

static inline uint32_t segment_previous(const struct segment *s, uint32_t index)
{
    return index == 0 ? s->bucket_count - 1u : index - 1;
}

/* How many buckets `index` lies after `home`, round the end. */
static inline uint32_t segment_distance(const struct segment *s, uint32_t home,
                                        uint32_t index)
{
    return index >= home ? index - home : index + s->bucket_count - home;
}

/* Below 7/10, or 5/8 where a step is larger: it should give buckets back. */
static inline bool segment_is_sparse(const struct segment *s)
{
    unsigned slots = s->bucket_count * (unsigned)SLOTS_PER_BUCKET;

    if (s->bucket_count < 4 * CHUNK_BUCKETS) {
        return s->entry_count == 0
               || (s->bucket_count > 1 && s->entry_count * 8u < slots * 5);
    }
    return s->entry_count * 10u < slots * 7;
}

static inline size_t segment_bytes(unsigned chunk_capacity)
{
    return sizeof(struct segment) + chunk_capacity * sizeof(struct bucket *);
}

/* A bit for each slot that is taken and has this tag. */
static inline uint32_t bucket_match(const struct bucket *b, uint8_t tag)
{
#if defined(__SSE2__)
    __m128i meta = _mm_loadl_epi64((const __m128i *)(const void *)b->tags);
    __m128i equal = _mm_cmpeq_epi8(meta, _mm_set1_epi8((char)tag));

    return (uint32_t)_mm_movemask_epi8(equal) & b->flags & BUCKET_PRESENT;
#else
    uint32_t equal = 0;

    for (unsigned i = 0; i < SLOTS_PER_BUCKET; i++) {
        equal |= (uint32_t)(b->tags[i] == tag) << i;
    }
    return equal & b->flags;
#endif
}

/* The first slot among `matches` whose 20 hash bits agree too, and takes it and
 * those before it off; SLOTS_PER_BUCKET if none. */
static inline unsigned bucket_pick(const struct bucket *b, uint32_t *matches,
                                   uint32_t slot_hash)
{
    while (*matches != 0) {
        unsigned i = (unsigned)__builtin_ctz(*matches);

        *matches &= *matches - 1;
        if ((b->slots[i] & ((1u << SLOT_HASH_BITS) - 1)) == slot_hash) {
            return i;
        }
    }
    return SLOTS_PER_BUCKET;
}

static inline uint32_t bucket_stored(const struct bucket *b, unsigned slot)
{
    return slot_stored(b->slots[slot], b->tags[slot]);
}

/* Puts an entry into the first free slot from its home on. There is one. */
static inline void segment_place(struct segment *s, uint32_t home,
                                 uint64_t slot, uint8_t tag)
{
    struct bucket *b = segment_bucket(s, home);
    uint32_t index = home;

    while ((b->flags & BUCKET_PRESENT) == BUCKET_PRESENT) {
        b->flags |= BUCKET_OVERFLOWED;
        index = segment_next(s, index);
        b = segment_bucket(s, index);
    }

    unsigned i = (unsigned)__builtin_ctz(~(unsigned)b->flags);

    b->slots[i] = slot;
    b->tags[i] = tag;
    b->flags = (uint8_t)(b->flags | 1u << i);
}

/* --- table_segment.c: memory and sizes of segments -------------------- */

/* Cells that count towards table_bytes. */
void *table_cell_alloc(struct table *t, size_t bytes);
void table_cell_free(struct table *t, void *cell, size_t bytes);

/* Buckets in chunk `chunk` of a segment of `buckets`. */
unsigned table_segment_chunk_buckets(unsigned buckets, unsigned chunk);
/* The next size above, and the smallest size that `entries` do not fill;
 * BUCKETS_MAX is the largest. */
unsigned table_segment_size_above(unsigned buckets);
unsigned table_segment_size_for(const struct table *t, uint64_t hash,
                                unsigned depth, unsigned entries);
/* Entries above which a segment of that size wants more buckets. It varies by
 * segment, so that the segments of a table do not grow in step. */
unsigned table_segment_grow_at(const struct table *t, uint64_t hash,
                               unsigned depth, unsigned buckets);
/* Buckets above which a segment splits; varies likewise. */
unsigned table_segment_split_above(const struct table *t, uint64_t hash,
                                   unsigned depth);

/* `buckets` may be 0. `hash` is any hash of the segment. NULL: out of memory. */
struct segment *table_segment_create(struct table *t, uint64_t hash,
                                     unsigned depth, unsigned base,
                                     unsigned buckets);
void table_segment_destroy(struct table *t, struct segment *s);
/* Frees its last chunk, after a visit of the entries there unless `visit` is
 * NULL; how many they were. The segment is good for nothing else then. */
size_t table_segment_drop_chunk(struct table *t, struct segment *s,
                                table_visit_fn *visit, void *self);
void table_segment_gather(const struct segment *s, struct batch *out);
/* Adds `count` entries from `first` on to a segment with room for them. */
void table_segment_fill(struct segment *s, const struct batch *in,
                        unsigned first, unsigned count);
/* Gives it `buckets` buckets, room for all its entries. Its header may move.
 * False: out of memory, nothing changed. */
bool table_segment_resize(struct table *t, struct segment *s, uint64_t hash,
                          unsigned buckets);
/* Takes one entry's slot out and pulls those displaced past it back. */
void table_segment_erase(struct segment *s, uint32_t home, uint32_t index,
                         unsigned slot);
/* Moves the chunk of bucket `index`, or the header, out of a source page. */
void table_segment_compact_chunk(struct table *t, struct segment *s,
                                 uint32_t index);
struct segment *table_segment_compact_header(struct table *t, struct segment *s,
                                             uint64_t hash);

/* --- table_directory.c: which segment has which hashes ---------------- */

/* Makes the pointers of the segment of `depth` with `hash` go to `s`. */
void table_directory_put(struct table *t, uint64_t hash, unsigned depth,
                         struct segment *s);
/* Makes sure that the two halves of that segment can be told apart. False: out
 * of memory. */
bool table_directory_deepen(struct table *t, uint64_t hash, unsigned depth);
/* Puts `s` of `depth` in the place of the two segments one deeper, and narrows
 * what is wider than needed. */
void table_directory_join(struct table *t, uint64_t hash, unsigned depth,
                          struct segment *s);
/* Destroys a part of what lies first: a chunk, after a visit of its entries (see
 * table_destroy_some), a segment without chunks or an empty node. How many
 * cells and entries it was; 0: nothing is left. */
size_t table_directory_drop(struct table *t, table_visit_fn *visit, void *self);
/* Moves the nodes on the way to `hash` that lie in source pages. */
void table_directory_compact(struct table *t, uint64_t hash);
/* Asserts the shape of all nodes; the bytes they take. */
size_t table_directory_check(const struct table *t);

bool table_census_open(struct table *t);
void table_census_close(struct table *t);
/* `s` has come (1) or goes (-1); a census of NULL is not taken. */
void table_census_count(struct census *c, const struct segment *s, int sign);
void table_census_compact(struct table *t);

/* --- table_shape.c: growing, splitting, merging ------------------------ */

/* The segment for `hash`, with a free slot; else NULL and why. */
struct segment *table_make_room(struct table *t, uint64_t hash,
                                enum status *why);
/* Called when the segment for `hash` has become too empty. */
void table_shrink(struct table *t, uint64_t hash);

#endif
