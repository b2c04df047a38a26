/* All groups of client's tests, one after the other. */
#include "tests.h"

int main(void)
{
    int failed = 0;
    failed += test_format_run();
    failed += test_target_run();
    failed += test_tree_run();
    failed += test_cluster_parts_run();
    failed += test_cluster_run();
    failed += test_cluster_use_run();
    failed += test_cluster_chaos_run();
    failed += test_send_run();
    failed += test_shelf_run();
    failed += test_link_run();
    failed += test_push_run();
    failed += test_cache_store_run();
    failed += test_cache_run();
    failed += test_cache_race_run();
    failed += test_sentinel_run();
    failed += test_sentinel_chaos_run();
    failed += test_chaos_run();
    failed += test_nomem_run();
    failed += test_lookup_run();
    failed += test_loop_run();
    failed += test_tls_run();
    failed += test_pool_run();
    failed += test_pool_chaos_run();
    return failed == 0 ? 0 : 1;
}
