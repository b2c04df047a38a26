/* All groups of base's tests, one after the other. */
#include "tests.h"

int main(void)
{
    int failed = 0;
    failed += test_slice_run();
    failed += test_number_run();
    failed += test_mem_run();
    failed += test_chain_run();
    failed += test_chance_run();
    failed += test_log_run();
    failed += test_nodes_run();
    failed += test_pages_run();
    failed += test_slab_run();
    return failed == 0 ? 0 : 1;
}
