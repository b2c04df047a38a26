/* main: the tests of src/commands, one group a file. */
#include "tests.h"

int main(void)
{
    int failed = test_string_run();
    failed += test_bitmap_run();
    failed += test_generic_run();
    failed += test_keyspace_run();
    failed += test_hash_run();
    failed += test_failure_run();
    failed += test_random_run();
    failed += test_zset_run();
    failed += test_sort_run();
    failed += test_sample_run();
    return failed > 0;
}
