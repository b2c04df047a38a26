/* Tests of client/request: nodes come from blocks, and blocks go back. */
#include "client/request.h"

#include "base/random.h"
#include "tests.h"

enum { NODES = 1000 };

static void blocks_go_back(void **state)
{
    (void)state;
    struct mem_account account;
    struct request_pool pool;
    static struct request *nodes[NODES];
    mem_account_init(&account);
    request_pool_init(&pool, &account);
    for (int i = 0; i < NODES; i++) {
        nodes[i] = request_acquire(&pool);
        assert_non_null(nodes[i]);
        assert_int_equal(nodes[i]->deadline_us, REQUEST_NO_DEADLINE);
        nodes[i]->begin = (uint64_t)i;
    }
    size_t full = mem_used(&account);
    assert_true(full < NODES * sizeof(struct request) * 12 / 10);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(nodes[i]->begin, i);
        if (i != NODES / 2) {
            request_release(&pool, nodes[i]);
        }
    }
    assert_int_equal(mem_used(&account), full);
    /* One node in use keeps its own block and no other. */
    assert_true(request_pool_has_spare(&pool, 0));
    request_pool_trim(&pool, 0);
    assert_true(mem_used(&account) > 0);
    assert_true(mem_used(&account) <= 4096);
    request_release(&pool, nodes[NODES / 2]);
    request_pool_trim(&pool, 0);
    assert_int_equal(mem_used(&account), 0);
    assert_int_equal(pool.free_count, 0);
    assert_false(request_pool_has_spare(&pool, 0));
}

static void what_is_to_be_kept_is_kept(void **state)
{
    (void)state;
    struct mem_account account;
    struct request_pool pool;
    static struct request *nodes[NODES];
    mem_account_init(&account);
    request_pool_init(&pool, &account);
    for (int i = 0; i < NODES; i++) {
        nodes[i] = request_acquire(&pool);
    }
    for (int i = 0; i < NODES; i++) {
        request_release(&pool, nodes[i]);
    }
    request_pool_trim(&pool, 100);
    assert_in_range(pool.free_count, 100, 200);
    assert_false(request_pool_has_spare(&pool, 100));
    /* These can be had when memory is out. */
    account.fail_after = 0;
    size_t kept = pool.free_count;
    for (size_t i = 0; i < kept; i++) {
        nodes[i] = request_acquire(&pool);
        assert_non_null(nodes[i]);
    }
    assert_null(request_acquire(&pool));
    for (size_t i = 0; i < kept; i++) {
        request_release(&pool, nodes[i]);
    }
    request_pool_trim(&pool, 0);
    assert_int_equal(mem_used(&account), 0);
}

/* Whatever order nodes come and go in, none is handed out twice. */
static void nodes_are_handed_out_once(void **state)
{
    (void)state;
    struct mem_account account;
    struct request_pool pool;
    struct random r;
    static struct request *nodes[NODES];
    mem_account_init(&account);
    request_pool_init(&pool, &account);
    random_init(&r, 7);
    for (int i = 0; i < 100 * NODES; i++) {
        size_t at = random_below(&r, NODES);
        if (nodes[at] == NULL) {
            nodes[at] = request_acquire(&pool);
            assert_null(nodes[at]->arg);
            nodes[at]->arg = &nodes[at];
        } else {
            assert_ptr_equal(nodes[at]->arg, &nodes[at]);
            request_release(&pool, nodes[at]);
            nodes[at] = NULL;
        }
        if (random_below(&r, 50) == 0) {
            request_pool_trim(&pool, random_below(&r, 200));
        }
    }
    for (int i = 0; i < NODES; i++) {
        if (nodes[i] != NULL) {
            request_release(&pool, nodes[i]);
        }
    }
    request_pool_trim(&pool, 0);
    assert_int_equal(mem_used(&account), 0);
}

int test_request_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_back),
        cmocka_unit_test(what_is_to_be_kept_is_kept),
        cmocka_unit_test(nodes_are_handed_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
