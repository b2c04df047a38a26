/* tests: cmocka, and the groups of the benchmark's tests. */
#ifndef BENCH_TESTS_H
#define BENCH_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_cluster_run(void);
int test_compose_run(void);
int test_histogram_run(void);
int test_keys_run(void);
int test_options_run(void);
int test_race_run(void);
int test_sizes_run(void);
int test_verify_run(void);

#endif
