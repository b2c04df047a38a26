/* The groups of this folder's tests; each returns how many tests failed. */
#ifndef ENGRAM_TESTS_UNIT_TYPES_TESTS_H
#define ENGRAM_TESTS_UNIT_TYPES_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

int test_encoding_run(void);
int test_edit_run(void);
int test_transfer_run(void);
int test_failure_run(void);
int test_model_run(void);
int test_zset_run(void);
int test_zset_part_run(void);
int test_hash_run(void);
int test_list_run(void);
int test_set_run(void);
int test_home_run(void);

#endif
