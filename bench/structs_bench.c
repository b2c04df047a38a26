/* structs_bench: what the table costs, ns an operation, by size.
 *
 *     structs_bench [ENTRIES...]     default: 1000 100000 1000000 4000000
 *
 * Entries are 48-byte slab cells with a key that a hit compares; keys are
 * looked up in random order. `batch` is a find in groups of 16: all buckets
 * prefetched, then all entries, then looked up. `insert` and `remove` are
 * means; the three columns after them the 99th percentile of inserts, 9,999th
 * of 10,000 and the worst (what the machine adds, such as interrupts and first
 * touches of fresh pages, included). Bytes an entry: the table's alone, least,
 * mean and greatest over the last doubling. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pages.h"
#include "structs/table.h"
#include "section.h"

enum { BATCH = 16, LOOKUPS = 1000000, RANDOMS = 200000 };

struct entry {
    uint64_t hash;
    uint64_t key;
    uint64_t visits;
    uint64_t value[3];
};

struct bench {
    struct mem_account account;
    struct pages *pages;
    struct slab_heap *heap;
    struct table *table;
    size_t entry_count;
    struct section section;
    size_t lookups, randoms;
    uint32_t *insert_ticks;
    double bytes_min, bytes_sum, bytes_max;
    size_t bytes_points;
};

static uint64_t key_hash(uint64_t key)
{
    key = (key + 1) * 0x9e3779b97f4a7c15u;
    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
    key = (key ^ key >> 27) * 0x94d049bb133111ebu;
    return key ^ key >> 31;
}

static uint64_t entry_hash(void *self, const void *e)
{
    (void)self;
    return ((const struct entry *)e)->hash;
}

static void die(const char *what)
{
    fprintf(stderr, "structs_bench: %s\n", what);
    exit(1);
}

static void note_bytes(struct bench *b, size_t count)
{
    double each = (double)table_bytes(b->table) / (double)count;

    if (b->bytes_points == 0 || each < b->bytes_min) {
        b->bytes_min = each;
    }
    b->bytes_max = each > b->bytes_max ? each : b->bytes_max;
    b->bytes_sum += each;
    b->bytes_points++;
}

/* The table's share only: the entries are made before. */
static double bench_insert(struct bench *b, struct entry **entries)
{
    size_t half = b->entry_count / 2, note_every = half / 128 + 1;
    uint64_t total = 0;

    section_begin(&b->section);
    for (size_t i = 0; i < b->entry_count; i++) {
        uint64_t start = clock_ticks();

        if (table_insert(b->table, entries[i]->hash, entries[i]) != ST_OK) {
            die("insert failed");
        }

        uint64_t ticks = clock_ticks() - start;

        total += ticks;
        b->insert_ticks[i] = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
        if (i >= half && (i - half) % note_every == 0) {
            note_bytes(b, i + 1);
        }
    }
    (void)section_end(&b->section, "insert", b->entry_count);
    return (double)total / b->section.ticks_per_us * 1000
           / (double)b->entry_count;
}

static struct entry *find(struct bench *b, uint64_t key, uint64_t hash)
{
    struct table_at at;
    struct entry *e = table_find_first(b->table, hash, &at);

    while (e != NULL && e->key != key) {
        e = table_find_next(&at);
    }
    return e;
}

/* Keys from `first` on, `count` of them, in an order without locality. */
static double bench_find(struct bench *b, uint64_t first, bool is_hit)
{
    uint64_t state = 12345;
    size_t found = 0;

    section_begin(&b->section);
    for (size_t i = 0; i < b->lookups; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;

        uint64_t key = first + (state >> 33) % b->entry_count;

        found += find(b, key, key_hash(key)) != NULL;
    }
    if (found != (is_hit ? b->lookups : 0)) {
        die("find is wrong");
    }
    return section_end(&b->section, is_hit ? "hit" : "miss", b->lookups);
}

static double bench_batch(struct bench *b, uint64_t first, bool is_hit)
{
    uint64_t state = 54321;
    size_t found = 0;

    section_begin(&b->section);
    for (size_t i = 0; i < b->lookups / BATCH; i++) {
        uint64_t keys[BATCH], hashes[BATCH];

        for (size_t k = 0; k < BATCH; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            keys[k] = first + (state >> 33) % b->entry_count;
            hashes[k] = key_hash(keys[k]);
            table_prefetch_bucket(b->table, hashes[k]);
        }
        for (size_t k = 0; k < BATCH; k++) {
            table_prefetch_entry(b->table, hashes[k]);
        }
        for (size_t k = 0; k < BATCH; k++) {
            found += find(b, keys[k], hashes[k]) != NULL;
        }
    }
    if (found != (is_hit ? b->lookups / BATCH * BATCH : 0)) {
        die("batch is wrong");
    }
    return section_end(&b->section, is_hit ? "batch hit" : "batch miss",
                       b->lookups / BATCH * BATCH);
}

static void count_visit(void *self, void *e)
{
    *(size_t *)self += ((struct entry *)e)->visits == 0;
}

static double bench_scan(struct bench *b)
{
    uint64_t cursor = 0;
    size_t visited = 0;

    section_begin(&b->section);
    do {
        cursor = table_scan(b->table, cursor, count_visit, &visited);
    } while (cursor != 0);
    if (visited != b->entry_count) {
        die("scan is wrong");
    }
    return section_end(&b->section, "scan", visited);
}

static double bench_random(struct bench *b)
{
    struct random r;

    random_init(&r, 1);
    section_begin(&b->section);
    for (size_t i = 0; i < b->randoms; i++) {
        if (table_random(b->table, &r, NULL) == NULL) {
            die("random is wrong");
        }
    }
    return section_end(&b->section, "random", b->randoms);
}

static double bench_remove(struct bench *b)
{
    section_begin(&b->section);
    for (size_t i = 0; i < b->entry_count; i++) {
        struct table_at at;
        struct entry *e = table_find_first(b->table, key_hash(i), &at);

        while (e != NULL && e->key != i) {
            e = table_find_next(&at);
        }
        if (e == NULL) {
            die("remove is wrong");
        }
        table_remove(&at);
    }
    return section_end(&b->section, "remove", b->entry_count);
}

static int compare_ticks(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static double insert_us(const struct bench *b, size_t in_10000)
{
    size_t i = (b->entry_count - 1) * in_10000 / 10000;

    return b->insert_ticks[i] / b->section.ticks_per_us;
}

static void bench_size(struct bench *b, size_t entry_count)
{
    struct entry **entries = malloc(entry_count * sizeof(*entries));

    section_of(&b->section, "table %zu", entry_count);
    b->entry_count = entry_count;
    b->bytes_points = 0;
    b->bytes_max = b->bytes_sum = 0;
    b->insert_ticks = malloc(entry_count * sizeof(*b->insert_ticks));
    b->heap = slab_heap_create(b->pages, &b->account);
    if (entries == NULL || b->insert_ticks == NULL || b->heap == NULL) {
        die("no memory");
    }
    b->table = table_create(b->heap, entry_hash, NULL);
    for (size_t i = 0; i < entry_count; i++) {
        entries[i] = slab_alloc(b->heap, sizeof(struct entry));
        if (b->table == NULL || entries[i] == NULL) {
            die("no memory");
        }
        *entries[i] = (struct entry){.hash = key_hash(i), .key = i};
    }

    double insert = bench_insert(b, entries);
    double hit = bench_find(b, 0, true);
    double miss = bench_find(b, entry_count, false);
    double batch_hit = bench_batch(b, 0, true);
    double batch_miss = bench_batch(b, entry_count, false);
    double scan = bench_scan(b);
    double random = bench_random(b);
    double removal = bench_remove(b);
    struct table_stats stats;

    qsort(b->insert_ticks, entry_count, sizeof(*b->insert_ticks),
          compare_ticks);
    table_stats_read(b->table, &stats);
    printf("%9zu %7.1f %7.1f %6.2f %6.2f %6.1f %6.1f %6.1f %6.1f %6.1f %6.1f"
           " %7.1f %6.2f %6.2f %6.2f\n",
           entry_count, insert, removal, insert_us(b, 9900), insert_us(b, 9999),
           insert_us(b, 10000), hit, miss, batch_hit, batch_miss, scan, random,
           b->bytes_min, b->bytes_sum / (double)b->bytes_points, b->bytes_max);
    fflush(stdout);
    table_destroy(&b->table);
    slab_heap_destroy(&b->heap);
    free(b->insert_ticks);
    free(entries);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1000, 100000, 1000000, 4000000};
    struct pages_options o = {.use_huge_pages = true};
    struct bench b = {.section = section_init(),
                      .lookups = section_count(LOOKUPS),
                      .randoms = section_count(RANDOMS)};

    mem_account_init(&b.account);
    b.pages = pages_create(&o);
    if (b.pages == NULL) {
        die("no address space");
    }
    printf("                      ns  insert, microseconds     find, ns    "
           " batch, ns                        bytes an entry\n"
           "  entries  insert  remove    99%%  99.99%%   max    hit   miss"
           "    hit   miss   scan  random    min   mean    max\n");
    if (argc > 1) {
        for (int i = 1; i < argc; i++) {
            bench_size(&b, strtoull(argv[i], NULL, 10));
        }
    } else {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            bench_size(&b, sizes[i]);
        }
    }
    pages_destroy(&b.pages);
    return 0;
}
