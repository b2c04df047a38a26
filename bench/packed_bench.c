/* packed_bench: what listpack, intset and quicklist cost, ns an operation.
 *
 *     packed_bench [lists]     the list sizes; default: 100 10000 1000000
 *
 * Listpack: elements of 12 bytes ("item:0000123", or nothing but integers).
 * `append` grows it from nothing; `walk` is a step of a whole walk with each
 * element looked at; `miss` and `replace` are of the whole operation.
 * Quicklist: pushes and pops one element a call, at either end; `seek`,
 * `insert` and `delete` at random places; `find` and `walk` an element; `free`
 * an element, in slices of 16 chunks, beside the longest slice. Bytes an
 * element are all memory of the list, less the text. `trim` takes the middle
 * half out at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "base/random.h"
#include "structs/intset.h"
#include "structs/quicklist.h"
#include "section.h"

enum { OPERATIONS = 2000000, LISTPACK_ROOM = 1 << 20 };

struct bench {
    struct mem_account account;
    struct pages *pages;
    struct quicklist_memory memory;
    struct random random;
    struct section section;
    size_t operations;
    uint32_t depth; /* of the lists, as list-compress-depth */
    uint64_t sum; /* what was read, so that reading is not left out */
};

static void die(const char *what)
{
    fprintf(stderr, "packed_bench: %s\n", what);
    exit(1);
}

/* A text of `len` bytes, at least 12, or an integer (0). */
static struct slice text_of(char *out, size_t len, uint64_t i)
{
    if (len == 0) {
        return slice_of(out, (size_t)sprintf(out, "%llu",
                                             (unsigned long long)i));
    }
    memset(out, 'x', len);
    for (size_t at = len; at > 0 && i > 0; i /= 10) {
        out[--at] = (char)('0' + i % 10);
    }
    return slice_of(out, len);
}

/* --- listpack --- */

static double listpack_append(struct bench *b, uint8_t *lp, size_t count,
                              size_t len)
{
    size_t rounds = b->operations / count;
    char texts[1024][24];
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        listpack_init(lp);
        for (size_t i = 0; i < count; i++) {
            struct slice text = r == 0 ? text_of(texts[i], len, i)
                                       : slice_of_text(texts[i]);
            if (r == 0) {
                texts[i][text.len] = '\0';
            }
            struct listpack_splice s = listpack_appending(lp, &text, 1);
            listpack_splice(lp, listpack_splice_bytes(lp, &s), &s);
        }
    }
    return section_end(&b->section, "append", rounds * count);
}

static double listpack_walk(struct bench *b, const uint8_t *lp, size_t count)
{
    size_t rounds = b->operations / count;
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        uint32_t pos = listpack_first(lp);
        while (pos != LISTPACK_NONE) {
            struct listpack_value v = listpack_get(lp, pos);
            b->sum += v.text.len + (uint64_t)v.integer;
            pos = listpack_next(lp, pos);
        }
    }
    return section_end(&b->section, "walk", rounds * count);
}

/* `skip`: 0 for all, 1 for each second element, as a hash does it. */
static double listpack_miss(struct bench *b, const uint8_t *lp, size_t count,
                            size_t len, uint32_t skip)
{
    char absent[24];
    size_t rounds = b->operations / count * 4;
    struct slice text = text_of(absent, len, 999999);
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        b->sum += listpack_find(lp, listpack_first(lp), text, skip);
    }
    return section_end(&b->section, skip == 0 ? "miss" : "miss/2", rounds);
}

static double listpack_replace(struct bench *b, uint8_t *lp, size_t count)
{
    size_t rounds = b->operations / 4;
    struct slice texts[] = {SLICE_LIT("thirteen chars"), SLICE_LIT("twelve char")};
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        uint32_t pos = listpack_seek(lp, (int64_t)(r % count));
        struct listpack_splice s = listpack_replacing(pos, &texts[r & 1]);
        listpack_splice(lp, listpack_splice_bytes(lp, &s), &s);
    }
    return section_end(&b->section, "replace", rounds);
}

static void bench_listpacks(struct bench *b)
{
    static const size_t counts[] = {8, 32, 128, 512};
    uint8_t *lp = malloc(LISTPACK_ROOM);
    if (lp == NULL) {
        die("no memory");
    }
    printf("listpack\n elements   text  append    walk    miss  miss/2"
           " replace\n");
    for (size_t i = 0; i < 8; i++) {
        size_t count = counts[i / 2];
        size_t len = i % 2 == 0 ? 12 : 0;
        section_of(&b->section, "listpack %zu x %s", count,
                   len == 0 ? "int" : "12");
        double append = listpack_append(b, lp, count, len);
        double walk = listpack_walk(b, lp, count);
        double miss = listpack_miss(b, lp, count, len, 0);
        double half = listpack_miss(b, lp, count, len, 1);
        printf("%9zu %6s %7.1f %7.2f %7.1f %7.1f %7.1f\n", count,
               len == 0 ? "int" : "12", append, walk, miss, half,
               listpack_replace(b, lp, count));
    }
    free(lp);
}

/* --- intset --- */

static void bench_intset(struct bench *b, uint8_t *set, uint32_t count)
{
    size_t rounds = b->operations / count + 1;
    size_t finds = b->operations;
    section_of(&b->section, "intset %u", count);
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        intset_init(set);
        for (uint32_t i = 0; i < count; i++) {
            int64_t v = (int64_t)((i * UINT64_C(40503)) & 0x7fff);
            b->sum += intset_insert_bytes(set, v);
            b->sum += intset_insert(set, v);
        }
    }
    double insert = section_end(&b->section, "insert", rounds * count);
    section_begin(&b->section);
    for (size_t i = 0; i < finds; i++) {
        int64_t v = (int64_t)((i * UINT64_C(40503)) & 0x7fff);
        b->sum += intset_find(set, v, NULL);
    }
    double find = section_end(&b->section, "find", finds);
    printf("%9u %7.1f %7.1f\n", count, insert, find);
}

/* --- quicklist --- */

static void quicklist_fill(struct bench *b, struct quicklist *q, size_t count,
                           size_t len, enum quicklist_end end)
{
    char texts[64][128];
    struct slice slices[64];
    for (size_t i = 0; i < 64; i++) {
        slices[i] = text_of(texts[i], len, 1000 + i);
    }
    for (size_t i = 0; i < count; i++) {
        if (quicklist_push(q, &b->memory, end, &slices[i & 63], 1) != ST_OK) {
            die("no memory");
        }
    }
}

static struct quicklist *list_new(struct bench *b)
{
    struct quicklist *q = quicklist_create(&b->memory, -2, b->depth);
    if (q == NULL) {
        die("no memory");
    }
    return q;
}

/* Pushes and pops at one end, of as many lists of one size as are enough. */
static void bench_end(struct bench *b, size_t count, size_t len,
                      enum quicklist_end end, double *push, double *pop)
{
    bool is_head = end == QUICKLIST_HEAD;
    size_t rounds = b->operations / count + 1;
    struct quicklist **lists = malloc(rounds * sizeof(struct quicklist *));
    if (lists == NULL) {
        die("no memory");
    }
    for (size_t r = 0; r < rounds; r++) {
        lists[r] = list_new(b);
    }
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        quicklist_fill(b, lists[r], count, len, end);
    }
    *push = section_end(&b->section, is_head ? "push head" : "push tail",
                        rounds * count);
    section_begin(&b->section);
    for (size_t i = 0; i < rounds * count; i++) {
        quicklist_pop(lists[i / count], &b->memory, end);
    }
    *pop = section_end(&b->section, is_head ? "pop head" : "pop tail",
                       rounds * count);
    for (size_t r = 0; r < rounds; r++) {
        quicklist_destroy(&lists[r], &b->memory);
    }
    free(lists);
}

static double bench_seek(struct bench *b, const struct quicklist *q,
                         size_t operations)
{
    uint64_t count = quicklist_count(q);
    section_begin(&b->section);
    for (size_t i = 0; i < operations; i++) {
        struct quicklist_at at;
        if (quicklist_seek(q, (int64_t)random_below(&b->random, count), &at)) {
            b->sum += quicklist_get(&at).text.len;
        }
    }
    return section_end(&b->section, "seek", operations);
}

static double bench_insert(struct bench *b, struct quicklist *q,
                           size_t operations)
{
    struct slice text = SLICE_LIT("a new element");
    section_begin(&b->section);
    for (size_t i = 0; i < operations; i++) {
        struct quicklist_at at;
        uint64_t index = random_below(&b->random, quicklist_count(q));
        if (!quicklist_seek(q, (int64_t)index, &at) ||
            quicklist_insert(q, &b->memory, &at, true, text) != ST_OK) {
            die("no memory");
        }
    }
    return section_end(&b->section, "insert", operations);
}

static double bench_delete(struct bench *b, struct quicklist *q,
                           size_t operations)
{
    section_begin(&b->section);
    for (size_t i = 0; i < operations; i++) {
        uint64_t index = random_below(&b->random, quicklist_count(q));
        if (quicklist_delete(q, &b->memory, index, 1, NULL) != ST_OK) {
            die("no memory");
        }
    }
    return section_end(&b->section, "delete", operations);
}

static double bench_walk(struct bench *b, const struct quicklist *q)
{
    struct quicklist_at at;
    size_t rounds = b->operations / quicklist_count(q) + 1;
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        bool is_there = quicklist_seek(q, 0, &at);
        while (is_there) {
            b->sum += quicklist_get(&at).text.len;
            is_there = quicklist_next(q, &at);
        }
    }
    return section_end(&b->section, "walk", rounds * quicklist_count(q));
}

static double bench_find(struct bench *b, const struct quicklist *q, size_t len)
{
    struct quicklist_at at;
    char absent[128];
    struct slice text = text_of(absent, len, 9);
    size_t rounds = b->operations / quicklist_count(q) + 1;
    section_begin(&b->section);
    for (size_t r = 0; r < rounds; r++) {
        if (quicklist_seek(q, 0, &at)) {
            b->sum += quicklist_find(q, &at, text, QUICKLIST_TAIL,
                                     UINT64_MAX);
        }
    }
    return section_end(&b->section, "find", rounds * quicklist_count(q));
}

/* The middle half at once, in microseconds; freeing it is not counted. */
static double bench_trim_us(struct bench *b, struct quicklist *q)
{
    struct quicklist *removed;
    uint64_t count = quicklist_count(q);
    section_begin(&b->section);
    enum status st = quicklist_delete(q, &b->memory, count / 4, count / 2,
                                      &removed);
    double us = section_end(&b->section, "trim", 1) / 1000;
    if (st != ST_OK) {
        die("no memory");
    }
    if (removed != NULL) {
        quicklist_destroy(&removed, &b->memory);
    }
    return us;
}

static double bench_free(struct bench *b, struct quicklist *q, double *worst_us)
{
    uint64_t count = quicklist_count(q);
    bool has_more = true;
    *worst_us = 0;
    section_begin(&b->section);
    while (has_more) {
        uint64_t start = clock_ticks();
        has_more = quicklist_destroy_some(&q, &b->memory, 16);
        double us = (double)(clock_ticks() - start) / b->section.ticks_per_us;
        *worst_us = us > *worst_us ? us : *worst_us;
    }
    return section_end(&b->section, "free", count);
}

static void bench_list(struct bench *b, size_t count, size_t len)
{
    double push[2];
    double pop[2];
    double worst_us;
    size_t operations = count < 1000 ? count : section_count(200000);
    if (b->depth == 0) {
        section_of(&b->section, "quicklist %zu x %zu", count, len);
    } else {
        operations = operations / 20 + 1; /* each packs and unpacks a chunk */
        section_of(&b->section, "quicklist %zu x %zu depth %u", count, len,
                   b->depth);
    }
    bench_end(b, count, len, QUICKLIST_TAIL, &push[0], &pop[0]);
    bench_end(b, count, len, QUICKLIST_HEAD, &push[1], &pop[1]);
    struct quicklist *q = list_new(b);
    quicklist_fill(b, q, count, len, QUICKLIST_TAIL);
    double bytes = (double)quicklist_bytes(q) / (double)count - (double)len;
    double walk = bench_walk(b, q);
    double find = bench_find(b, q, len);
    double seek = bench_seek(b, q, operations);
    double insert = bench_insert(b, q, operations);
    double removal = bench_delete(b, q, operations);
    double freed = bench_free(b, q, &worst_us);
    q = list_new(b);
    quicklist_fill(b, q, count, len, QUICKLIST_HEAD);
    double trim_us = bench_trim_us(b, q);
    quicklist_destroy(&q, &b->memory);
    printf("%9zu %4zu %2u %6.1f %6.1f %6.1f %6.1f %6.2f %6.2f %7.0f %7.0f %7.0f"
           " %6.2f %9.1f %7.2f %9.1f\n", count, len, b->depth, push[0], push[1], pop[0],
           pop[1], walk, find, seek, insert, removal, freed, worst_us, bytes, trim_us);
    fflush(stdout);
}

static void bench_lists(struct bench *b, size_t count)
{
    static const size_t lens[] = {8, 12, 64};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        bench_list(b, count, lens[i]);
    }
    if (count >= 10000) {
        b->depth = 1;
        bench_list(b, count, 64);
        b->depth = 0;
    }
}

int main(int argc, char **argv)
{
    struct pages_options o = {.use_huge_pages = true};
    struct bench b = {.section = section_init(),
                      .operations = section_count(OPERATIONS)};
    mem_account_init(&b.account);
    random_init(&b.random, 1);
    b.pages = pages_create(&o);
    b.memory.account = &b.account;
    b.memory.heap = b.pages == NULL ? NULL
                                    : slab_heap_create(b.pages, &b.account);
    uint8_t *set = malloc(INTSET_HEADER_BYTES + 32768 * 8);
    if (b.memory.heap == NULL || set == NULL) {
        die("no memory");
    }
    bench_listpacks(&b);
    printf("intset\n elements  insert    find\n");
    for (uint32_t count = 8; count <= 32768; count *= 8) {
        bench_intset(&b, set, count);
    }
    free(set);
    printf("quicklist   depth push tail   head  pop t  pop h   walk   find    seek"
           "  insert  delete   free  worst us  bytes+   trim us\n");
    for (int i = 1; i < argc; i++) {
        bench_lists(&b, strtoull(argv[i], NULL, 10));
    }
    if (argc == 1) {
        bench_lists(&b, 100);
        bench_lists(&b, 10000);
        bench_lists(&b, 1000000);
    }
    fprintf(stderr, "%llx\n", (unsigned long long)b.sum);
    slab_heap_destroy(&b.memory.heap);
    pages_destroy(&b.pages);
    return 0;
}
