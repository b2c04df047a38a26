/* Tests of slots and tags. */
#include <stdlib.h>
#include <string.h>

#include "bench/cluster.h"
#include "bench/memory.h"
#include "tests.h"

static unsigned slot(const char *key)
{
    return cluster_slot(key, strlen(key));
}

/* What CLUSTER KEYSLOT answers. */
static void slots_are_the_servers(void **state)
{
    (void)state;
    assert_int_equal(slot("123456789"), 12739);
    assert_int_equal(slot("foo"), 12182);
    assert_int_equal(slot(""), 0);
    assert_int_equal(slot("a{foo}b"), 12182);
    assert_int_equal(slot("{foo}{bar}"), 12182);
    assert_int_equal(slot("{}foo"), slot("{}foo"));
    assert_int_not_equal(slot("{}foo"), slot(""));
    assert_int_not_equal(slot("{foo"), slot("foo"));
}

static void every_slot_has_a_tag(void **state)
{
    (void)state;
    char(*tags)[TAG_BYTES] = memory_zeroed(CLUSTER_SLOTS, sizeof *tags);
    cluster_make_tags(tags);
    for (unsigned i = 0; i < CLUSTER_SLOTS; i++) {
        char key[] = "key:{...}:1";
        memcpy(key + 5, tags[i], TAG_BYTES);
        assert_int_equal(slot(key), i);
    }
    free(tags);
}

int test_cluster_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_the_servers),
        cmocka_unit_test(every_slot_has_a_tag),
    };
    return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
