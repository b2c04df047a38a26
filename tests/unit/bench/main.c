/* All groups of the benchmark's tests, one after the other. */
#include "tests.h"

int main(void)
{
    int failed = 0;
    failed += test_options_run();
    failed += test_keys_run();
    failed += test_sizes_run();
    failed += test_verify_run();
    failed += test_histogram_run();
    failed += test_cluster_run();
    failed += test_compose_run();
    failed += test_race_run();
    return failed == 0 ? 0 : 1;
}
