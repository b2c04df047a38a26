/* main: the tests of src/types, one group a file. */
#include "tests.h"

int main(void)
{
    int failed = test_encoding_run();
    failed += test_edit_run();
    failed += test_transfer_run();
    failed += test_failure_run();
    failed += test_model_run();
    failed += test_zset_run();
    failed += test_zset_part_run();
    failed += test_hash_run();
    failed += test_list_run();
    failed += test_set_run();
    failed += test_home_run();
    return failed > 0;
}
