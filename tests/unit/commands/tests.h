/* The groups of this folder's tests; each returns how many tests failed. */
#ifndef ENGRAM_TESTS_UNIT_COMMANDS_TESTS_H
#define ENGRAM_TESTS_UNIT_COMMANDS_TESTS_H

#include "script.h"

int test_string_run(void);
int test_bitmap_run(void);
int test_generic_run(void);
int test_keyspace_run(void);
int test_hash_run(void);
int test_failure_run(void);
int test_random_run(void);
int test_zset_run(void);
int test_sort_run(void);
int test_sample_run(void);

#endif
