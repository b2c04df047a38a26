/* Tests of base/nodes: nodes come from blocks, and blocks go back. */
#include "base/nodes.h"

#include "base/random.h"
#include "tests.h"

enum { NODES = 1000 };

struct node {
    uint64_t number;
    void *arg;
    uint64_t more[5];
};

static void blocks_go_back(void **state)
{
    (void)state;
    struct mem_account account;
    struct node_pool pool;
    static struct node *nodes[NODES];
    mem_account_init(&account);
    node_pool_init(&pool, &account, sizeof(struct node));
    for (int i = 0; i < NODES; i++) {
        nodes[i] = node_acquire(&pool);
        assert_non_null(nodes[i]);
        nodes[i]->number = (uint64_t)i;
    }
    size_t full = mem_used(&account);
    assert_true(full < NODES * sizeof(struct node) * 12 / 10);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(nodes[i]->number, i);
        if (i != NODES / 2) {
            node_release(&pool, nodes[i]);
        }
    }
    assert_int_equal(mem_used(&account), full);
    /* One node in use keeps its own block and no other. */
    assert_true(node_pool_has_spare(&pool, 0));
    node_pool_trim(&pool, 0);
    assert_true(mem_used(&account) > 0);
    assert_true(mem_used(&account) <= 4096);
    node_release(&pool, nodes[NODES / 2]);
    node_pool_trim(&pool, 0);
    assert_int_equal(mem_used(&account), 0);
    assert_int_equal(pool.free_count, 0);
    assert_false(node_pool_has_spare(&pool, 0));
}

static void what_is_to_be_kept_is_kept(void **state)
{
    (void)state;
    struct mem_account account;
    struct node_pool pool;
    static struct node *nodes[NODES];
    mem_account_init(&account);
    node_pool_init(&pool, &account, sizeof(struct node));
    for (int i = 0; i < NODES; i++) {
        nodes[i] = node_acquire(&pool);
    }
    for (int i = 0; i < NODES; i++) {
        node_release(&pool, nodes[i]);
    }
    node_pool_trim(&pool, 100);
    assert_in_range(pool.free_count, 100, 200);
    assert_false(node_pool_has_spare(&pool, 100));
    /* These can be had when memory is out. */
    account.fail_after = 0;
    size_t kept = pool.free_count;
    for (size_t i = 0; i < kept; i++) {
        nodes[i] = node_acquire(&pool);
        assert_non_null(nodes[i]);
    }
    assert_null(node_acquire(&pool));
    for (size_t i = 0; i < kept; i++) {
        node_release(&pool, nodes[i]);
    }
    node_pool_trim(&pool, 0);
    assert_int_equal(mem_used(&account), 0);
}

/* Whatever order nodes come and go in, none is handed out twice. */
static void nodes_are_handed_out_once(void **state)
{
    (void)state;
    struct mem_account account;
    struct node_pool pool;
    struct random r;
    static struct node *nodes[NODES];
    mem_account_init(&account);
    node_pool_init(&pool, &account, sizeof(struct node));
    random_init(&r, 7);
    for (int i = 0; i < 100 * NODES; i++) {
        size_t at = random_below(&r, NODES);
        if (nodes[at] == NULL) {
            nodes[at] = node_acquire(&pool);
            assert_int_equal((uintptr_t)nodes[at] % 8, 0);
            nodes[at]->arg = &nodes[at];
        } else {
            assert_ptr_equal(nodes[at]->arg, &nodes[at]);
            node_release(&pool, nodes[at]);
            nodes[at] = NULL;
        }
        if (random_below(&r, 50) == 0) {
            node_pool_trim(&pool, random_below(&r, 200));
        }
    }
    for (int i = 0; i < NODES; i++) {
        if (nodes[i] != NULL) {
            node_release(&pool, nodes[i]);
        }
    }
    node_pool_trim(&pool, 0);
    assert_int_equal(mem_used(&account), 0);
}

int test_nodes_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_back),
        cmocka_unit_test(what_is_to_be_kept_is_kept),
        cmocka_unit_test(nodes_are_handed_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
