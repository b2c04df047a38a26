/* Failing memory: each command is tried with one more allocation granted each
 * time, until it succeeds. Whatever it answers, the data are sound, and a
 * replica that was told the effects has the same. */
#include <stdio.h>
#include <stdlib.h>

#include "tests.h"

enum { TRIES_MAX = 300 };

/* All that commands allocate from, of one worker. */
static void grant(struct house *h, int64_t allocations)
{
    for (uint32_t d = 0; d < HOUSE_DATABASES; d++) {
        struct keyspace *ks = store_keyspace(h->store, 0, d);
        if (ks != NULL) {
            keyspace_account(ks)->fail_after = allocations;
        }
    }
    store_account(h->store)->fail_after = allocations;
    h->accounts[0].fail_after = allocations;
}

/* Longer than packed sorted sets take. */
#define LONG_MEMBER \
    "a member that is longer than sixty-four bytes and therefore not packed"

/* A string of 3000 and one of 30000 bytes, with and without deadlines. */
static void fill(struct house *h)
{
    house_expect(h, 0, "SETRANGE big 2999 x", ":3000|");
    house_expect(h, 0, "SETRANGE huge 29999 x", ":30000|");
    house_expect(h, 0, "MSET a 1 b two c 3 e 'not a number'", OK);
    house_expect(h, 0, "PEXPIRE b 5000", ":1|");
    house_expect(h, 0, "SETRANGE d 800 x", ":801|");
    house_expect(h, 0, "PEXPIRE d 5000", ":1|");
    house_expect(h, 0, "ZADD z 1 a 2 b", ":2|");
    house_expect(h, 0, "ZADD zbig 1 '" LONG_MEMBER "' 2 b", ":2|");
    for (int i = 0; i < 60; i++) {
        char line[32];
        sprintf(line, "ZADD zbig %d m%d", i, i);
        house_expect(h, 0, line, ":1|");
    }
    house_expect(h, 0, "HSET hash f 1 g two", ":2|");
}

/* True: it went well. */
static bool try_once(const char *line, int64_t allocations)
{
    struct house h, replica;
    script_house_init(&h, &replica, 1);
    fill(&h);
    house_add(&h, 0, line);
    grant(&h, allocations);
    house_run(&h);
    grant(&h, -1);
    struct slice reply = house_take(&h, 0);
    bool is_done = reply.data[0] != '-';
    assert_true(is_done || slice_equal(reply, slice_of_text(
        "-OOM out of memory: the command was not carried out\r\n")));
    house_expect_equal(&h, &replica);
    /* A key that never came to be is not said to have gone. */
    assert_true(is_done || h.events.bytes == NULL
                || strstr(h.events.bytes, "gdel new") == NULL);
    /* The house works on as if nothing had been. */
    house_expect(&h, 0, "MSET a 1 b 2 c 3 d 4 new 5", OK);
    script_house_deinit(&h, &replica);
    return is_done;
}

static const char *const lines[] = {
    "SET a 'more than a number'",
    "SET a 2 EX 100",
    "SET new 1 PX 100 GET",
    "SET big x GET",
    "GETSET d 1",
    "GETEX a EX 100",
    "GETEX b PERSIST",
    "APPEND a x",
    "APPEND big x",
    "APPEND new x",
    "SETRANGE a 5000 x",
    "SETRANGE new 10 x",
    "SETBIT a 10000 1",
    "SETBIT new 1 0",
    "BITFIELD a SET u8 #100 1 GET u8 0",
    "BITOP OR new a b c big",
    "BITOP NOT d a",
    "BITOP OR d a d",
    "BITOP XOR b b huge",
    "INCR new",
    "INCRBY a 4000000000000",
    "INCRBYFLOAT a 0.123456789",
    "MSET a 'a long value, longer than one' b 'x y' new 1 newer 2 big 3",
    "MSETNX new 1 newer 2 newest 3",
    "MSETEX 4 a 'a long value' b 2 new 1 newer 2 EX 9",
    "MSETEX 2 a 1 b 'quite another value' KEEPTTL",
    "RENAME a new",
    "RENAME d new",
    "RENAME huge a",
    "RENAMENX b newer",
    "MOVE d 1",
    "MOVE big 2",
    "COPY a new",
    "COPY d big REPLACE",
    "COPY huge new",
    "COPY b b DB 1",
    "EXPIRE a 100",
    "EXPIRE big 100",
    "PERSIST d",
    "LCS b e",
    "SCAN 0",
    "SADD new 1 2 x y 3",
    "ZADD z 3 c",
    "ZADD z 3 a 4 e 5 f",
    "ZADD z 3 '" LONG_MEMBER "' 4 y",
    "ZADD zbig 2 a 2 x",
    "ZADD new 1 a",
    "ZINCRBY zbig 1.5 m40",
    "ZREM z a",
    "ZPOPMIN zbig 3",
    "ZREMRANGEBYRANK z 0 0",
    "ZUNION 2 z zbig",
    "ZUNIONSTORE new 2 z zbig",
    "ZINTERSTORE z 2 z zbig",
    "ZRANGESTORE new zbig 0 9",
    "ZRANDMEMBER zbig 2",
    "COPY zbig new",
    "COPY zbig z REPLACE",
    "RENAME zbig new",
    "HSET hash f 12345678 new 1",
    "HSET new f 1 g 2",
    "HSETNX new f 1",
    "HINCRBY hash f 400000000000",
    "HINCRBYFLOAT hash f 0.5",
    ("HSET hash f 'a value that is far too long for a listpack, by the limits"
     " that hold, since it is longer'"),
    "HDEL hash f",
    "HEXPIRE hash 10 FIELDS 2 f g",
    "HPEXPIREAT hash 1 FIELDS 1 f",
    "HSETEX hash PX 10 FIELDS 2 f 1 new 2",
    "HSETEX new EX 10 FIELDS 2 f 1 g 2",
    "HGETEX hash EX 10 FIELDS 2 f g",
    "HGETDEL hash FIELDS 1 f",
    "COPY hash new",
    "RENAME hash new",
};

static void test_every_allocation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int64_t n = 0;
        while (!try_once(lines[i], n)) {
            n++;
            assert_true(n < TRIES_MAX);
        }
    }
}

int test_failure_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
