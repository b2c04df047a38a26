/* The groups of this folder's tests; each returns how many tests failed. */
#ifndef ENGRAM_TESTS_UNIT_BASE_TESTS_H
#define ENGRAM_TESTS_UNIT_BASE_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_slice_run(void);
int test_number_run(void);
int test_mem_run(void);
int test_chain_run(void);
int test_chance_run(void);
int test_log_run(void);
int test_nodes_run(void);
int test_pages_run(void);
int test_slab_run(void);

#endif
