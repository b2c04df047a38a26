/* table_directory: which segment has which hashes. A tree of nodes; a node of
 * b bits (1 to 7) is an array of 2^b words, each a segment or, where all 7 bits
 * are used up, a narrower node. A node doubles and halves as segments below it
 * split and merge, so no step copies more than 1 KB, and four levels do for the
 * largest table. A segment of `depth` fills all words that begin with its
 * prefix; all lie in one node. */
#include "structs/table_priv.h"

/* Where a segment's words lie: the node, the word that holds the node, and the
 * hash bits used up before it. */
struct place {
    uintptr_t *link;
    uintptr_t *node;
    unsigned used, bits;
};

static size_t node_bytes(unsigned bits)
{
    return sizeof(uintptr_t) << bits;
}

static unsigned node_index(const struct place *p, uint64_t hash)
{
    return (unsigned)(hash << p->used >> (64 - p->bits));
}

/* The node with the words of the segment of `depth` > 0. */
static struct place find_place(struct table *t, uint64_t hash, unsigned depth)
{
    struct place p = {.link = &t->root};

    assert(depth > 0);
    while (true) {
        p.bits = word_bits(*p.link);
        p.node = word_node(*p.link);
        assert(p.bits > 0);
        if (depth <= p.used + p.bits) {
            return p;
        }
        p.link = &p.node[node_index(&p, hash)];
        p.used += p.bits;
    }
}

static void place_fill(const struct place *p, uint64_t hash, unsigned depth,
                       struct segment *s)
{
    unsigned count = 1u << (p->used + p->bits - depth);
    unsigned first = node_index(p, hash) & ~(count - 1);

    for (unsigned i = 0; i < count; i++) {
        p->node[first + i] = (uintptr_t)s;
    }
}

void table_directory_put(struct table *t, uint64_t hash, unsigned depth,
                         struct segment *s)
{
    if (depth == 0) {
        assert(word_bits(t->root) == 0);
        t->root = (uintptr_t)s;
        return;
    }

    struct place p = find_place(t, hash, depth);

    place_fill(&p, hash, depth, s);
}

/* A node of one bit in the place of a word, with that word twice. */
static bool word_to_node(struct table *t, uintptr_t *word)
{
    uintptr_t *node = table_cell_alloc(t, node_bytes(1));

    if (node == NULL) {
        return false;
    }
    node[0] = *word;
    node[1] = *word;
    *word = (uintptr_t)node | 1;
    return true;
}

bool table_directory_deepen(struct table *t, uint64_t hash, unsigned depth)
{
    if (depth == 0) {
        return word_to_node(t, &t->root);
    }

    struct place p = find_place(t, hash, depth);

    if (depth < p.used + p.bits) {
        return true;
    }
    if (p.bits == NODE_BITS_MAX) {
        return word_to_node(t, &p.node[node_index(&p, hash)]);
    }

    uintptr_t *wide = table_cell_alloc(t, node_bytes(p.bits + 1));

    if (wide == NULL) {
        return false;
    }
    for (unsigned i = 0; i < 2u << p.bits; i++) {
        wide[i] = p.node[i / 2];
    }
    *p.link = (uintptr_t)wide | (p.bits + 1);
    table_cell_free(t, p.node, node_bytes(p.bits));
    return true;
}

/* Halves the node if each pair of words is one; true if it did. */
static bool place_narrow(struct table *t, struct place *p)
{
    unsigned half = 1u << (p->bits - 1);

    for (unsigned i = 0; i < half; i++) {
        if (p->node[2 * i] != p->node[2 * i + 1]) {
            return false;
        }
    }

    uintptr_t *narrow = table_cell_alloc(t, node_bytes(p->bits - 1));

    if (narrow == NULL) {
        return false; /* The next join tries again. */
    }
    for (unsigned i = 0; i < half; i++) {
        narrow[i] = p->node[2 * i];
    }
    table_cell_free(t, p->node, node_bytes(p->bits));
    p->node = narrow;
    p->bits--;
    *p->link = (uintptr_t)narrow | p->bits;
    return true;
}

void table_directory_join(struct table *t, uint64_t hash, unsigned depth,
                          struct segment *s)
{
    struct place p = find_place(t, hash, depth + 1);

    if (depth == p.used) {
        /* The two were all there was in the node. */
        *p.link = (uintptr_t)s;
        table_cell_free(t, p.node, node_bytes(p.bits));
        return;
    }
    place_fill(&p, hash, depth, s);
    while (place_narrow(t, &p)) {
        continue;
    }
}

/* --- the end of it -------------------------------------------------------- */

/* Goes down to the first segment, or to a node before it of which nothing is
 * left: the word that holds it. *words: how many words it fills. */
static uintptr_t *find_first(struct table *t, unsigned *words)
{
    uintptr_t *word = &t->root;
    unsigned used = 0;
    unsigned bits;

    *words = 1;
    while ((bits = word_bits(*word)) != 0) {
        uintptr_t *node = word_node(*word);
        unsigned i = 0;

        while (i < 1u << bits && node[i] == 0) {
            i++;
        }
        if (i == 1u << bits) {
            *words = 1;
            return word;
        }
        word = &node[i];
        used += bits;
        if (word_bits(*word) == 0) {
            *words = 1u << (used - ((struct segment *)*word)->depth);
        }
    }
    return word;
}

size_t table_directory_drop(struct table *t, table_visit_fn *visit, void *self)
{
    unsigned words;
    uintptr_t *word = find_first(t, &words);
    struct segment *s = (struct segment *)*word;

    if (*word == 0) {
        return 0;
    }
    if (word_bits(*word) != 0) {
        table_cell_free(t, word_node(*word), node_bytes(word_bits(*word)));
        *word = 0;
        return 1;
    }
    if (s->bucket_count > 0) {
        return 1 + table_segment_drop_chunk(t, s, visit, self);
    }
    table_segment_destroy(t, s);
    memset(word, 0, words * sizeof(*word));
    return 1;
}

/* --- all of it ------------------------------------------------------------ */

/* A way from the root down, for visits of every node. */
struct climb {
    struct {
        uintptr_t *node;
        unsigned bits, next, used;
    } levels[NODE_LEVELS_MAX];
    unsigned level_count;
};

static void climb_push(struct climb *c, uintptr_t word, unsigned used)
{
    assert(c->level_count < NODE_LEVELS_MAX);
    c->levels[c->level_count].node = word_node(word);
    c->levels[c->level_count].bits = word_bits(word);
    c->levels[c->level_count].next = 0;
    c->levels[c->level_count].used = used;
    c->level_count++;
}

/* The words of one segment, from `first` on, are all of its words. */
static void check_words(const uintptr_t *node, unsigned first, unsigned count)
{
    const struct segment *s = (const struct segment *)node[first];

    assert(s != NULL);
    assert((first & (count - 1)) == 0);
    for (unsigned i = 0; i < count; i++) {
        assert(node[first + i] == (uintptr_t)s);
    }
}

size_t table_directory_check(const struct table *t)
{
    struct climb c = {.level_count = 0};
    size_t bytes = 0;

    if (word_bits(t->root) != 0) {
        climb_push(&c, t->root, 0);
    }
    while (c.level_count > 0) {
        unsigned top = c.level_count - 1;
        unsigned bits = c.levels[top].bits;
        unsigned below = c.levels[top].used + bits;
        unsigned next = c.levels[top].next;
        const uintptr_t *node = c.levels[top].node;

        if (next == 1u << bits) {
            bytes += slab_class_bytes(node_bytes(bits));
            c.level_count--;
        } else if (word_bits(node[next]) != 0) {
            assert(bits == NODE_BITS_MAX);
            c.levels[top].next++;
            climb_push(&c, node[next], below);
        } else {
            const struct segment *s = (const struct segment *)node[next];

            assert(s->depth > c.levels[top].used && s->depth <= below);
            check_words(node, next, 1u << (below - s->depth));
            c.levels[top].next += 1u << (below - s->depth);
        }
    }
    return bytes;
}

void table_directory_compact(struct table *t, uint64_t hash)
{
    struct place p = {.link = &t->root};

    while ((p.bits = word_bits(*p.link)) != 0) {
        p.node = word_node(*p.link);
        if (slab_is_source(t->heap, p.node)) {
            uintptr_t *copy = table_cell_alloc(t, node_bytes(p.bits));

            if (copy == NULL) {
                return;
            }
            memcpy(copy, p.node, node_bytes(p.bits));
            *p.link = (uintptr_t)copy | p.bits;
            table_cell_free(t, p.node, node_bytes(p.bits));
            p.node = copy;
        }
        p.link = &p.node[node_index(&p, hash)];
        p.used += p.bits;
    }
}

/* --- the census ---------------------------------------------------------- */

bool table_census_open(struct table *t)
{
    if (t->census != NULL) {
        return true;
    }
    t->census = table_cell_alloc(t, sizeof(struct census));
    if (t->census == NULL) {
        return false;
    }
    memset(t->census, 0, sizeof(struct census));
    table_census_count(t->census, (struct segment *)t->root, 1);
    return true;
}

void table_census_close(struct table *t)
{
    if (t->census != NULL) {
        table_cell_free(t, t->census, sizeof(struct census));
        t->census = NULL;
    }
}

void table_census_count(struct census *c, const struct segment *s, int sign)
{
    if (c == NULL || s->bucket_count == 0) {
        return;
    }

    uint32_t breadth = (uint32_t)s->bucket_count << s->depth;
    unsigned power = BREADTHS - 1 - (unsigned)__builtin_clz(breadth);

    assert(sign > 0 || c->segments[power] > 0);
    c->segments[power] += (uint32_t)sign;
    c->present &= ~((uint32_t)1 << power);
    c->present |= (uint32_t)(c->segments[power] > 0) << power;
}

void table_census_compact(struct table *t)
{
    if (t->census == NULL || !slab_is_source(t->heap, t->census)) {
        return;
    }

    struct census *copy = table_cell_alloc(t, sizeof(*copy));

    if (copy != NULL) {
        *copy = *t->census;
        table_cell_free(t, t->census, sizeof(*copy));
        t->census = copy;
    }
}
