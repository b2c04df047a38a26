/* Tests of the tags. */
#include <stdlib.h>
#include <string.h>

#include <engram/cluster.h>

#include "bench/cluster.h"
#include "bench/memory.h"
#include "tests.h"

static void every_slot_has_a_tag(void **state)
{
    (void)state;
    char(*tags)[TAG_BYTES] = memory_zeroed(CLUSTER_SLOTS, sizeof *tags);
    cluster_make_tags(tags);
    for (unsigned i = 0; i < CLUSTER_SLOTS; i++) {
        char key[] = "key:{...}:1";
        memcpy(key + 5, tags[i], TAG_BYTES);
        assert_int_equal(engram_cluster_slot(key, sizeof key - 1), i);
    }
    free(tags);
}

int test_cluster_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_has_a_tag),
    };
    return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
