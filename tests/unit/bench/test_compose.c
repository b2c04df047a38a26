/* Tests of the plans and of what is sent for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <engram/cluster.h>

#include "bench/compose.h"
#include "bench/memory.h"
#include "tests.h"

enum { LINE_BYTES = 1024, PLANS_MAX = 32 };

struct fixture {
    struct options o;
    struct plan *plans;
    size_t count;
    struct cluster cluster;
};

static void begin(struct fixture *f, const char *tests, int64_t key_range)
{
    *f = (struct fixture){.o = {.tests = tests, .key_range = key_range}};
    sizes_init_fixed(&f->o.sizes, 3);
}

static void plan(struct fixture *f)
{
    f->plans = plans_create(&f->o, stderr, &f->count);
}

static void end(struct fixture *f)
{
    plans_destroy(&f->plans, f->count);
}

/* The next request, its arguments separated by blanks. */
static struct composed next_line(struct composer *c, uint64_t turn, char *line)
{
    struct composed next = composer_next(c, turn, 0);
    size_t n = 0;
    for (size_t i = 0; i < next.command->argc; i++) {
        n += (size_t)snprintf(line + n, LINE_BYTES - n, "%s%.*s",
                              i == 0 ? "" : " ", (int)next.command->lens[i],
                              next.command->argv[i]);
    }
    return next;
}

static void line_of(struct fixture *f, size_t i, uint64_t turn, char *line)
{
    struct composer c;
    composer_init(&c, &f->plans[i], &f->o, f->o.is_cluster ? &f->cluster : NULL,
                  1, 0);
    (void)next_line(&c, turn, line);
    composer_deinit(&c);
}

/* `?` in the pattern stands for any byte. */
static void is_like(const char *line, const char *pattern)
{
    bool is = strlen(line) == strlen(pattern);
    for (size_t i = 0; is && pattern[i] != '\0'; i++) {
        is = pattern[i] == '?' || pattern[i] == line[i];
    }
    if (!is) {
        fail_msg("\"%s\" is not like \"%s\"", line, pattern);
    }
}

static void all_tests_without_random_keys(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"PING_INLINE", "PING"},
        {"PING_MBULK", "PING"},
        {"SET", "SET key:__rand_int__ ???"},
        {"GET", "GET key:__rand_int__"},
        {"INCR", "INCR counter:__rand_int__"},
        {"LPUSH", "LPUSH mylist ???"},
        {"RPUSH", "RPUSH mylist ???"},
        {"LPOP", "LPOP mylist"},
        {"RPOP", "RPOP mylist"},
        {"SADD", "SADD myset element:__rand_int__"},
        {"HSET", "HSET myhash element:__rand_int__ ???"},
        {"SPOP", "SPOP myset"},
        {"ZADD", "ZADD myzset 0 element:__rand_int__"},
        {"ZPOPMIN", "ZPOPMIN myzset"},
        {"LPUSH (needed to benchmark LRANGE)", "LPUSH mylist ???"},
        {"LRANGE_100 (first 100 elements)", "LRANGE mylist 0 99"},
        {"LRANGE_300 (first 300 elements)", "LRANGE mylist 0 299"},
        {"LRANGE_500 (first 500 elements)", "LRANGE mylist 0 499"},
        {"LRANGE_600 (first 600 elements)", "LRANGE mylist 0 599"},
        {"MSET (10 keys)",
         "MSET key:__rand_int__ ??? key:__rand_int__ ??? key:__rand_int__ ??? "
         "key:__rand_int__ ??? key:__rand_int__ ??? key:__rand_int__ ??? "
         "key:__rand_int__ ??? key:__rand_int__ ??? key:__rand_int__ ??? "
         "key:__rand_int__ ???"},
        {"XADD", "XADD mystream * myfield ???"},
    };
    struct fixture f;
    begin(&f, NULL, 0);
    plan(&f);
    assert_int_equal(f.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < f.count; i++) {
        char line[LINE_BYTES];
        line_of(&f, i, 0, line);
        assert_string_equal(f.plans[i].title, expected[i][0]);
        is_like(line, expected[i][1]);
    }
    end(&f);
}

static void tests_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *tests;
        const char *titles; /* their first words */
    } cases[] = {
        {"set", "SET"},
        {"SET,Get", "SET GET"},
        {"get,set", "SET GET"},
        {"ping", "PING_INLINE PING_MBULK"},
        {"ping_mbulk", "PING_MBULK"},
        {"mset", "MSET"},
        {"lrange_300", "LPUSH LRANGE_300"},
        {"lrange", "LPUSH LRANGE_100 LRANGE_300 LRANGE_500 LRANGE_600"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        char titles[LINE_BYTES] = "";
        begin(&f, cases[i].tests, 0);
        plan(&f);
        for (size_t k = 0; k < f.count; k++) {
            size_t n = strlen(titles);
            (void)snprintf(
                titles + n, sizeof titles - n, "%s%.*s", k == 0 ? "" : " ",
                (int)strcspn(f.plans[k].title, " "), f.plans[k].title);
        }
        assert_string_equal(titles, cases[i].titles);
        end(&f);
    }
}

static void an_unknown_test_is_named(void **state)
{
    (void)state;
    struct fixture f;
    char *said;
    size_t size;
    FILE *err = open_memstream(&said, &size);
    begin(&f, "set,nosuch,get,", 0);
    f.plans = plans_create(&f.o, err, &f.count);
    fclose(err);
    assert_int_equal(f.count, 2);
    assert_string_equal(said,
                        "engram-benchmark: -t: there is no test nosuch\n");
    free(said);
    end(&f);
}

static void random_keys_are_twelve_digits(void **state)
{
    (void)state;
    struct fixture f;
    char line[LINE_BYTES];
    begin(&f, "set,zadd,mset", 10);
    f.o.key_order = KEYS_SEQUENTIAL;
    plan(&f);
    line_of(&f, 0, 13, line);
    is_like(line, "SET key:000000000003 ???");
    /* The score is a number of its own. */
    line_of(&f, 1, 2, line);
    is_like(line, "ZADD myzset 000000000004 element:000000000005");
    line_of(&f, 2, 1, line);
    is_like(
        line,
        "MSET key:000000000000 ??? key:000000000001 ??? key:000000000002 "
        "??? key:000000000003 ??? key:000000000004 ??? key:000000000005 ??? "
        "key:000000000006 ??? key:000000000007 ??? key:000000000008 ??? "
        "key:000000000009 ???");
    end(&f);
}

static void a_command_of_ones_own(void **state)
{
    (void)state;
    struct fixture f;
    char line[LINE_BYTES];
    const char *argv[] = {"set", "a__rand_int__b{tag}",
                          "__rand_int____rand_int__", "__value__"};
    begin(&f, NULL, 5);
    f.o.key_order = KEYS_SEQUENTIAL;
    f.o.argc = 4;
    f.o.argv = (char **)(uintptr_t)argv;
    plan(&f);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.plans[0].title, "set a__rand_int__b{tag} "
                                          "__rand_int____rand_int__ __value__");
    line_of(&f, 0, 0, line);
    assert_string_equal(line,
                        "set a000000000000b{tag} 000000000001000000000002 "
                        "__value__");
    end(&f);
}

static void keys_of_a_cluster_go_to_their_node(void **state)
{
    (void)state;
    struct fixture f;
    char line[LINE_BYTES];
    uint16_t slots[] = {5, 12182};
    struct node node = {.slot_count = 2, .slots = slots};
    begin(&f, "mset,lpush", 10);
    f.o.is_cluster = true;
    cluster_make_tags(f.cluster.tags);
    f.cluster.nodes = &node;
    f.cluster.node_count = 1;
    plan(&f);
    for (size_t i = 0; i < f.count; i++) {
        struct composer c;
        bool seen[2] = {false, false};
        composer_init(&c, &f.plans[i], &f.o, &f.cluster, 1, 0);
        for (uint64_t turn = 0; turn < 50; turn++) {
            struct composed next = next_line(&c, turn, line);
            int slot = 0;
            for (size_t k = 1; k < next.command->argc; k += 2) {
                slot = engram_cluster_slot(next.command->argv[k],
                                           next.command->lens[k]);
                assert_true(slot == 5 || slot == 12182);
                assert_int_equal(slot,
                                 engram_cluster_slot(next.command->argv[1],
                                                     next.command->lens[1]));
            }
            seen[slot != 5] = true;
        }
        assert_true(seen[0]);
        assert_true(seen[1]);
        composer_deinit(&c);
    }
    line_of(&f, 0, 0, line);
    is_like(line, "LPUSH mylist:{???} ???");
    end(&f);
}

static void a_mix_has_its_ratio(void **state)
{
    (void)state;
    enum { DRAWS = 10000 };
    struct fixture f;
    struct composer c;
    size_t writes = 0;
    begin(&f, NULL, 100);
    f.o.reads = 3;
    f.o.writes = 1;
    plan(&f);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.plans[0].title, "MIXED (GET:SET 3:1)");
    composer_init(&c, &f.plans[0], &f.o, NULL, 1, 0);
    for (uint64_t turn = 0; turn < DRAWS; turn++) {
        struct composed next = composer_next(&c, turn, 0);
        assert_int_equal(next.command->argc, next.is_write ? 3 : 2);
        writes += next.is_write;
    }
    /* Five standard deviations. */
    assert_in_range(writes, 2500 - 217, 2500 + 217);
    composer_deinit(&c);
    end(&f);
}

static void verified_values_are_their_keys(void **state)
{
    (void)state;
    struct fixture f;
    char why[64];
    begin(&f, NULL, 20);
    f.o.has_verify = true;
    assert_true(sizes_parse(&f.o.sizes, "1-50"));
    plan(&f);
    assert_int_equal(f.count, 3);
    assert_int_equal(f.plans[0].requests, 20);
    assert_int_equal(f.plans[1].requests, 0);
    assert_int_equal(f.plans[2].requests, 20);
    /* Another thread, another stream: the same values. */
    struct composer writer, reader;
    composer_init(&writer, &f.plans[0], &f.o, NULL, 9, 0);
    composer_init(&reader, &f.plans[2], &f.o, NULL, 9, 5);
    for (uint64_t turn = 0; turn < 20; turn++) {
        struct composed w = composer_next(&writer, turn, 0);
        assert_true(w.is_write);
        assert_int_equal(w.key, turn);
        assert_true(verify_check(&reader.verify, w.key, w.command->argv[2],
                                 w.command->lens[2], why, sizeof why));
        assert_false(composer_next(&reader, turn, 0).is_write);
    }
    composer_deinit(&writer);
    composer_deinit(&reader);
    end(&f);
}

int test_compose_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tests_without_random_keys),
        cmocka_unit_test(tests_by_name),
        cmocka_unit_test(an_unknown_test_is_named),
        cmocka_unit_test(random_keys_are_twelve_digits),
        cmocka_unit_test(a_command_of_ones_own),
        cmocka_unit_test(keys_of_a_cluster_go_to_their_node),
        cmocka_unit_test(a_mix_has_its_ratio),
        cmocka_unit_test(verified_values_are_their_keys),
    };
    return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
