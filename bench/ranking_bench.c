/* ranking_bench: what a big sorted set costs, ns an operation, by size.
 *
 *     ranking_bench [ELEMENTS...]     default: 1000 100000 1000000 10000000
 *
 * Members are 14 bytes, their cells 24. One line each for scores that come at
 * random, ascending, and all alike (so that members decide). All but the walks
 * go in an order without locality. `zadd` makes the cell and enters it into the
 * table and the ranking; `insert` and `delete` are the ranking's share of that
 * alone, measured on a second ranking of the same cells. `rescore` gives a new
 * random score. Bytes an element: the ranking's, and those of table, ranking
 * and cell together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "structs/ranking.h"
#include "structs/table.h"
#include "section.h"

enum { LOOKUPS = 1000000, MEMBER_BYTES = 14 };

enum order { ORDER_RANDOM, ORDER_ASCENDING, ORDER_EQUAL, ORDERS };

struct bench {
    struct mem_account account;
    struct pages *pages;
    struct slab_heap *heap;
    struct table *table;
    struct ranking *ranking, *twin;
    struct ranked **cells;
    size_t count;
    enum order order;
    uint64_t random;
    struct section section;
    size_t lookups;
};

static void die(const char *what)
{
    fprintf(stderr, "ranking_bench: %s\n", what);
    exit(1);
}

static uint64_t mix(uint64_t x)
{
    x = (x + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t member_hash(struct slice m)
{
    uint64_t a, b;

    memcpy(&a, m.data, sizeof(a));
    memcpy(&b, m.data + m.len - sizeof(b), sizeof(b));
    return mix(a ^ mix(b));
}

static uint64_t cell_hash(void *self, const void *r)
{
    (void)self;
    return member_hash(ranked_member(r));
}

static size_t any(struct bench *b)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (b->random >> 30) % b->count;
}

static double score_of(const struct bench *b, size_t i)
{
    switch (b->order) {
    case ORDER_RANDOM: return (double)mix(i) * 0x1p-64;
    case ORDER_ASCENDING: return 1.7e12 + (double)i;
    default: return 0;
    }
}

static double bench_zadd(struct bench *b)
{
    char text[32];
    section_begin(&b->section);
    for (size_t i = 0; i < b->count; i++) {
        size_t name = b->order == ORDER_EQUAL ? mix(i) % 10000000000 : i;

        memcpy(text, "mem:0000000000", MEMBER_BYTES);
        for (char *p = text + MEMBER_BYTES; name > 0; name /= 10) {
            *--p = (char)('0' + name % 10);
        }

        struct slice member = slice_of(text, MEMBER_BYTES);
        uint64_t hash = member_hash(member);
        struct table_at at;
        struct ranked *r = table_find_first(b->table, hash, &at);

        while (r != NULL && !slice_equal(ranked_member(r), member)) {
            r = table_find_next(&at);
        }
        if (r != NULL) {
            memcpy(text, "twice", 5);
            hash = member_hash(member);
        }
        r = ranked_create(b->heap, &b->account, score_of(b, i), member);
        if (r == NULL || table_insert(b->table, hash, r) != ST_OK
            || ranking_insert(b->ranking, r) != ST_OK) {
            die("zadd");
        }
        b->cells[i] = r;
    }
    return section_end(&b->section, "zadd", b->count);
}

static double bench_insert(struct bench *b)
{
    section_begin(&b->section);
    for (size_t i = 0; i < b->count; i++) {
        if (ranking_insert(b->twin, b->cells[i]) != ST_OK) {
            die("insert");
        }
    }
    return section_end(&b->section, "insert", b->count);
}

/* What reading the sought cell costs by itself: part of the columns find, rank
 * and rescore, but not of a command whose table has just read the cell. */
static double bench_touch(struct bench *b)
{
    section_begin(&b->section);
    double sum = 0;

    for (size_t i = 0; i < b->lookups; i++) {
        struct ranked *r = b->cells[any(b)];

        sum += r->score;
        b->random += r->body[0] == 0; /* the next waits for it */
    }
    if (sum < 0) {
        die("touch");
    }
    return section_end(&b->section, "touch", b->lookups);
}

static double bench_find(struct bench *b)
{
    section_begin(&b->section);
    for (size_t i = 0; i < b->lookups; i++) {
        struct ranked *r = b->cells[any(b)];

        if (ranking_find(b->ranking, r->score, ranked_member(r)) != r) {
            die("find");
        }
    }
    return section_end(&b->section, "find", b->lookups);
}

static double bench_rank(struct bench *b)
{
    size_t sum = 0;

    section_begin(&b->section);
    for (size_t i = 0; i < b->lookups; i++) {
        sum += ranking_rank(b->ranking, b->cells[any(b)]);
    }
    if (sum == 0) {
        die("rank");
    }
    return section_end(&b->section, "rank", b->lookups);
}

static double bench_at_rank(struct bench *b)
{
    section_begin(&b->section);
    for (size_t i = 0; i < b->lookups; i++) {
        if (ranking_at_rank(b->ranking, any(b)) == NULL) {
            die("at rank");
        }
    }
    return section_end(&b->section, "nth", b->lookups);
}

/* Reads each cell's score and a byte of its member. */
static double bench_walk(struct bench *b, bool is_back)
{
    struct ranking_cursor c;
    double sum = 0;
    size_t count = 0;

    section_begin(&b->section);
    ranking_seek_rank(b->ranking, is_back ? b->count : 0, &c);
    while (true) {
        struct ranked *r = is_back ? ranking_prev(&c) : ranking_next(&c);

        if (r == NULL) {
            break;
        }
        sum += r->score + r->body[5];
        count++;
    }
    if (count != b->count || sum == 0) {
        die("walk");
    }
    return section_end(&b->section, is_back ? "back" : "walk", b->count);
}

static double bench_rescore(struct bench *b)
{
    section_begin(&b->section);
    for (size_t i = 0; i < b->lookups; i++) {
        struct ranked *r = b->cells[any(b)];

        if (ranking_rescore(b->ranking, r, (double)any(b)) != ST_OK) {
            die("rescore");
        }
    }
    return section_end(&b->section, "rescore", b->lookups);
}

/* In another order than they came. */
static double bench_delete(struct bench *b)
{
    for (size_t i = b->count; i > 1; i--) {
        size_t k = mix(i) % i;
        struct ranked *r = b->cells[k];

        b->cells[k] = b->cells[i - 1];
        b->cells[i - 1] = r;
    }

    section_begin(&b->section);
    for (size_t i = 0; i < b->count; i++) {
        ranking_remove(b->twin, b->cells[i]);
    }
    if (ranking_count(b->twin) != 0) {
        die("delete");
    }
    return section_end(&b->section, "delete", b->count);
}

static void bench_size(struct bench *b, size_t count, enum order order)
{
    static const char *const names[] = {"random", "ascending", "equal"};
    struct mem_account before;

    section_of(&b->section, "ranking %zu %s", count, names[order]);
    b->count = count;
    b->order = order;
    b->cells = malloc(count * sizeof(struct ranked *));
    b->heap = slab_heap_create(b->pages, &b->account);
    if (b->cells == NULL || b->heap == NULL) {
        die("no memory");
    }
    before = b->account;
    b->table = table_create(b->heap, cell_hash, NULL);
    b->ranking = ranking_create(b->heap);
    b->twin = ranking_create(b->heap);
    if (b->table == NULL || b->ranking == NULL || b->twin == NULL) {
        die("no memory");
    }

    double zadd = bench_zadd(b);
    double tree = (double)ranking_bytes(b->ranking) / (double)count;
    double all = (double)(mem_used(&b->account) - mem_used(&before))
                 / (double)count;
    double insert = bench_insert(b);
    double touch = bench_touch(b);
    double find = bench_find(b);
    double rank = bench_rank(b);
    double at_rank = bench_at_rank(b);
    double walk = bench_walk(b, false);
    double back = bench_walk(b, true);
    double removal = bench_delete(b);
    double rescore = bench_rescore(b);

    printf("%9zu %-9s %7.1f %7.1f %7.1f %7.1f %6.1f %7.1f %7.1f %6.1f %6.1f"
           " %6.1f %6.2f %6.2f\n",
           count, names[order], zadd, insert, removal, rescore, touch,
           find, rank, at_rank, walk, back, tree, all);
    fflush(stdout);
    slab_heap_destroy(&b->heap);
    free(b->cells);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1000, 100000, 1000000, 10000000};
    struct pages_options o = {.use_huge_pages = true};
    struct bench b = {.section = section_init(),
                      .lookups = section_count(LOOKUPS)};

    mem_account_init(&b.account);
    b.pages = pages_create(&o);
    if (b.pages == NULL) {
        die("no address space");
    }
    printf(" elements scores       zadd  insert  delete rescore  touch    find"
           "    rank    nth   walk   back  bytes    all\n");
    for (int i = 0; i < (argc > 1 ? argc - 1 : 4); i++) {
        size_t count = argc > 1 ? strtoull(argv[i + 1], NULL, 10) : sizes[i];

        for (unsigned order = 0; order < ORDERS; order++) {
            bench_size(&b, count, (enum order)order);
        }
    }
    pages_destroy(&b.pages);
    return 0;
}
