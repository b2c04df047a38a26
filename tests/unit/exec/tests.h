/* The groups of this folder's tests; each returns how many tests failed. */
#ifndef ENGRAM_TESTS_UNIT_EXEC_TESTS_H
#define ENGRAM_TESTS_UNIT_EXEC_TESTS_H

#include "house.h"

int test_table_run(void);
int test_docs_run(void);
int test_checks_run(void);
int test_batch_run(void);
int test_stats_run(void);
int test_locks_run(void);
int test_threads_run(void);
int test_background_run(void);
int test_failure_run(void);
int test_hold_run(void);
int test_transaction_run(void);
int test_wait_run(void);
int test_coins_run(void);

#endif
