/* main: the tests of src/exec, one group a file. */
#include "tests.h"

int main(void)
{
    int failed = test_table_run();
    failed += test_docs_run();
    failed += test_checks_run();
    failed += test_batch_run();
    failed += test_stats_run();
    failed += test_locks_run();
    failed += test_threads_run();
    failed += test_background_run();
    failed += test_failure_run();
    failed += test_hold_run();
    failed += test_transaction_run();
    failed += test_wait_run();
    failed += test_coins_run();
    return failed > 0;
}
