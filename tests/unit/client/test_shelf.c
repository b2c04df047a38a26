/* Tests of client/shelf: blocks go back once their last piece has. */
#include "client/shelf.h"

#include <string.h>

#include "base/random.h"
#include "tests.h"

enum { PIECES = 1000, BYTES_MAX = 12000 };

struct piece {
    uint8_t *at;
    struct shelf_block *block;
    size_t bytes;
};

static struct piece had(struct shelf *s, size_t bytes, uint8_t mark)
{
    struct piece p = { .bytes = bytes };
    p.at = shelf_alloc(s, bytes, &p.block);
    assert_non_null(p.at);
    assert_int_equal((uintptr_t)p.at % 16, 0);
    memset(p.at, mark, bytes);
    return p;
}

static void put_back(struct shelf *s, const struct piece *p, uint8_t mark)
{
    for (size_t i = 0; i < p->bytes; i++) {
        assert_int_equal(p->at[i], mark);
    }
    shelf_free(s, p->block);
}

/* A line of pieces that moves on, some of which stay longer. */
static void pieces_come_and_go(void **state)
{
    (void)state;
    struct mem_account account;
    struct shelf s;
    struct random r;
    static struct piece pieces[PIECES];
    mem_account_init(&account);
    shelf_init(&s, &account);
    random_init(&r, 3);
    for (size_t i = 0; i < 20 * PIECES; i++) {
        struct piece *p = &pieces[i % PIECES];
        if (p->at != NULL && random_below(&r, 20) == 0) {
            continue;
        }
        if (p->at != NULL) {
            put_back(&s, p, (uint8_t)(i % PIECES));
        }
        size_t max = random_below(&r, 50) == 0 ? BYTES_MAX : 300;
        *p = had(&s, 1 + random_below(&r, max), (uint8_t)(i % PIECES));
    }
    size_t full = mem_used(&account);
    for (size_t i = 0; i < PIECES; i++) {
        put_back(&s, &pieces[i], (uint8_t)i);
    }
    assert_true(mem_used(&account) <= full);
    shelf_trim(&s);
    assert_int_equal(mem_used(&account), 0);
}

static void memory_follows_what_is_had(void **state)
{
    (void)state;
    struct mem_account account;
    struct shelf s;
    static struct piece pieces[PIECES];
    mem_account_init(&account);
    shelf_init(&s, &account);
    account.fail_after = 0;
    assert_null(shelf_alloc(&s, 100, &pieces[0].block));
    assert_null(shelf_alloc(&s, 100000, &pieces[0].block));
    account.fail_after = -1;
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = had(&s, 1000, 1);
    }
    size_t full = mem_used(&account);
    for (size_t i = 0; i < PIECES - 1; i++) {
        put_back(&s, &pieces[i], 1);
    }
    shelf_trim(&s);
    assert_true(mem_used(&account) <= full / 10);
    put_back(&s, &pieces[PIECES - 1], 1);
    shelf_trim(&s);
    assert_int_equal(mem_used(&account), 0);
}

int test_shelf_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_and_go),
        cmocka_unit_test(memory_follows_what_is_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
