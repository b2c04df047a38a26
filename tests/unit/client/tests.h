/* The groups of this folder's tests; each returns how many tests failed. */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_TESTS_H
#define ENGRAM_TESTS_UNIT_CLIENT_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_cluster_parts_run(void);
int test_cluster_run(void);
int test_cluster_use_run(void);
int test_cluster_chaos_run(void);
int test_format_run(void);
int test_target_run(void);
int test_tree_run(void);
int test_send_run(void);
int test_shelf_run(void);
int test_link_run(void);
int test_push_run(void);
int test_cache_store_run(void);
int test_cache_run(void);
int test_cache_race_run(void);
int test_sentinel_run(void);
int test_sentinel_chaos_run(void);
int test_chaos_run(void);
int test_nomem_run(void);
int test_lookup_run(void);
int test_loop_run(void);
int test_tls_run(void);
int test_pool_run(void);
int test_pool_chaos_run(void);

#endif
