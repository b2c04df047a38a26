/* The sorted-set family: replies, effects, events. */
#include <stdio.h>
#include <stdlib.h>

#include "tests.h"

#define WRONGTYPE \
    "-WRONGTYPE Operation against a key holding the wrong kind of value|"
#define ZADD5 "ZADD z 1 a 2 b 3 c 4 d 5 e"

static const struct step add_steps[] = {
    {"ZADD z 1 a 2 b", ":2|", "ZADD z 1 a 2 b", "zzadd z"},
    {"ZADD z 1 a", ":0|", NULL, NULL},
    {"ZADD z 3 a 4 c", ":1|", "ZADD z 3 a 4 c", "zzadd z"},
    {"ZADD z CH 5 a 6 d", ":2|", "ZADD z CH 5 a 6 d", "zzadd z"},
    {"ZADD z NX 9 a 1.5 e", ":1|", "ZADD z NX 9 a 1.5 e", "zzadd z"},
    {"ZADD z XX CH 7 a 7 f", ":1|", "ZADD z XX CH 7 a 7 f", "zzadd z"},
    {"ZADD z GT CH 6 a 1 g", ":1|", "ZADD z GT CH 6 a 1 g", "zzadd z"},
    {"ZADD z LT CH 6 a 8 g", ":1|", "ZADD z LT CH 6 a 8 g", "zzadd z"},
    {"ZADD z INCR 0.5 e", "$1|2|", "ZADD z INCR 0.5 e", "zzincr z"},
    {"ZADD z NX INCR 1 e", NIL, NULL, NULL},
    {"ZADD z GT INCR -1 e", NIL, NULL, NULL},
    {"ZINCRBY z 0 e", "$1|2|", NULL, NULL},
    {"ZINCRBY z -3 e", "$2|-1|", "ZINCRBY z -3 e", "zzincr z"},
    {"ZINCRBY new 0.1 m", "$3|0.1|", "ZINCRBY new 0.1 m", "zzincr new"},
    {"ZADD none XX 1 a", ":0|", NULL, NULL},
    {"ZADD none XX INCR 1 a", NIL, NULL, NULL},
    {"EXISTS none", ":0|", NULL, NULL},
    {"ZADD z inf i", ":1|", "ZADD z inf i", "zzadd z"},
    {"ZINCRBY z -inf i", "-ERR resulting score is not a number (NaN)|", NULL,
     NULL},
    {"ZADD z NX XX 1 a",
     "-ERR XX and NX options at the same time are not compatible|", NULL, NULL},
    {"ZADD z GT LT 1 a", "-ERR GT, LT, and/or NX options at the same time are "
                         "not compatible|", NULL, NULL},
    {"ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single "
                            "increment-element pair|", NULL, NULL},
    {"ZADD z 1 a 2", SYNTAX, NULL, NULL},
    {"ZADD z 1 a nan b", "-ERR value is not a valid float|", NULL, NULL},
    {"SET s x", OK, "SET s x", "$set s"},
    {"ZADD s 1 a", WRONGTYPE, NULL, NULL},
    {"ZINCRBY s x a", "-ERR value is not a valid float|", NULL, NULL},
    {"ZREM z a nobody", ":1|", "ZREM z a nobody", "zzrem z"},
    {"ZREM new m", ":1|", "ZREM new m", "zzrem new; gdel new"},
    {"ZREM new m", ":0|", NULL, NULL},
    {"ZCARD z", ":6|", NULL, NULL},
    {"ZMSCORE z d nobody e", "*3|$1|6|$-1|$2|-1|", NULL, NULL},
    {"ZSCORE z d", "$1|6|", NULL, NULL},
    {"ZRANK z e", ":0|", NULL, NULL},
    {"ZREVRANK z e WITHSCORE", "*2|:5|$2|-1|", NULL, NULL},
    {"ZRANK z nobody WITHSCORE", "*-1|", NULL, NULL},
    {"ZRANK z nobody", NIL, NULL, NULL},
    {"ZRANK z e FOO", SYNTAX, NULL, NULL},
    {"ZSCAN z 0 MATCH d", "*2|$1|0|*2|$1|d|$1|6|", NULL, NULL},
    {"ZSCAN z 0 MATCH d NOSCORES", "*2|$1|0|*1|$1|d|", NULL, NULL},
    {"OBJECT ENCODING z", "$8|listpack|", NULL, NULL},
};

static const struct step range_steps[] = {
    {ZADD5, ":5|", ZADD5, "zzadd z"},
    {"ZRANGE z 1 2", "*2|$1|b|$1|c|", NULL, NULL},
    {"ZRANGE z -2 -1 WITHSCORES", "*4|$1|d|$1|4|$1|e|$1|5|", NULL, NULL},
    {"ZRANGE z 0 -9", "*0|", NULL, NULL},
    {"ZRANGE z 0 1 REV", "*2|$1|e|$1|d|", NULL, NULL},
    {"ZREVRANGE z 0 1", "*2|$1|e|$1|d|", NULL, NULL},
    {"ZRANGE z (1 3 BYSCORE", "*2|$1|b|$1|c|", NULL, NULL},
    {"ZRANGE z 3 (1 BYSCORE REV LIMIT 1 5", "*1|$1|b|", NULL, NULL},
    {"ZRANGEBYSCORE z -inf +inf LIMIT 1 2", "*2|$1|b|$1|c|", NULL, NULL},
    {"ZRANGEBYSCORE z 2 (4 WITHSCORES LIMIT 0 -1",
     "*4|$1|b|$1|2|$1|c|$1|3|", NULL, NULL},
    {"ZREVRANGEBYSCORE z (4 2", "*2|$1|c|$1|b|", NULL, NULL},
    {"ZRANGEBYSCORE z 1 5 LIMIT -1 2", "*0|", NULL, NULL},
    {"ZRANGEBYLEX z [b (d", "*2|$1|b|$1|c|", NULL, NULL},
    {"ZREVRANGEBYLEX z + (c LIMIT 0 1", "*1|$1|e|", NULL, NULL},
    {"ZRANGE z - (b BYLEX", "*1|$1|a|", NULL, NULL},
    {"ZRANGEBYLEX z + -", "*0|", NULL, NULL},
    {"ZCOUNT z (1 (5", ":3|", NULL, NULL},
    {"ZCOUNT none 1 2", ":0|", NULL, NULL},
    {"ZLEXCOUNT z - +", ":5|", NULL, NULL},
    {"ZCOUNT z a 1", "-ERR min or max is not a float|", NULL, NULL},
    {"ZLEXCOUNT z a +", "-ERR min or max not valid string range item|", NULL,
     NULL},
    {"ZRANGE z 0 1 LIMIT 0 1",
     "-ERR syntax error, LIMIT is only supported in combination with either "
     "BYSCORE or BYLEX|", NULL, NULL},
    {"ZRANGE z - + BYLEX WITHSCORES",
     "-ERR syntax error, WITHSCORES not supported in combination with BYLEX|",
     NULL, NULL},
    {"ZRANGE z 0 1 REV REV", SYNTAX, NULL, NULL},
    {"ZREVRANGE z 0 1 REV", SYNTAX, NULL, NULL},
    {"ZRANGE z a 1", NOT_INT, NULL, NULL},
    {"ZRANGESTORE d z 1 2", ":2|", "ZRANGESTORE d z 1 2", "zzrangestore d"},
    {"ZRANGE d 0 -1 WITHSCORES", "*4|$1|b|$1|2|$1|c|$1|3|", NULL, NULL},
    {"ZRANGESTORE d z (5 9 BYSCORE", ":0|", "ZRANGESTORE d z (5 9 BYSCORE",
     "gdel d"},
    {"ZRANGESTORE d none 0 1", ":0|", NULL, NULL},
    {"ZRANGESTORE d z 0 1 WITHSCORES", SYNTAX, NULL, NULL},
    {"ZRANGESTORE z z 0 -2", ":4|", "ZRANGESTORE z z 0 -2", "zzrangestore z"},
    {"ZREMRANGEBYSCORE z 1 (2", ":1|", "ZREMRANGEBYSCORE z 1 (2",
     "zzremrangebyscore z"},
    {"ZREMRANGEBYRANK z -1 -1", ":1|", "ZREMRANGEBYRANK z -1 -1",
     "zzremrangebyrank z"},
    {"ZREMRANGEBYRANK z 5 9", ":0|", NULL, NULL},
    {"ZREMRANGEBYLEX z [b [b", ":1|", "ZREMRANGEBYLEX z [b [b",
     "zzremrangebylex z"},
    {"ZREMRANGEBYSCORE z -inf +inf", ":1|", "ZREMRANGEBYSCORE z -inf +inf",
     "zzremrangebyscore z; gdel z"},
    {"ZREMRANGEBYRANK z 0 -1", ":0|", NULL, NULL},
};

static const struct step pop_steps[] = {
    {ZADD5, ":5|", ZADD5, "zzadd z"},
    {"ZPOPMIN z", "*2|$1|a|$1|1|", "ZPOPMIN z", "zzpopmin z"},
    {"ZPOPMAX z 2", "*4|$1|e|$1|5|$1|d|$1|4|", "ZPOPMAX z 2", "zzpopmax z"},
    {"ZPOPMIN z 0", "*0|", NULL, NULL},
    {"ZPOPMIN z -1", "-ERR value is out of range, must be positive|", NULL,
     NULL},
    {"ZPOPMIN none", "*0|", NULL, NULL},
    {"ZMPOP 2 none z MAX", "*2|$1|z|*1|*2|$1|c|$1|3|", "ZPOPMAX z 1",
     "zzpopmax z"},
    {"ZMPOP 1 z MIN COUNT 9", "*2|$1|z|*1|*2|$1|b|$1|2|", "ZPOPMIN z 1",
     "zzpopmin z; gdel z"},
    {"ZMPOP 1 z MIN", "*-1|", NULL, NULL},
    {"ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0|", NULL, NULL},
    {"ZMPOP 2 z MIN", SYNTAX, NULL, NULL},
    {"ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0|", NULL,
     NULL},
    {"ZMPOP 1 z MIN COUNT 1 COUNT 1", SYNTAX, NULL, NULL},
    {ZADD5, ":5|", ZADD5, "zzadd z"},
    {"BZPOPMIN none z 0", "*3|$1|z|$1|a|$1|1|", "ZPOPMIN z", "zzpopmin z"},
    {"BZPOPMAX z 1.5", "*3|$1|z|$1|e|$1|5|", "ZPOPMAX z", "zzpopmax z"},
    {"BZMPOP 1 1 z MIN COUNT 2",
     "*2|$1|z|*2|*2|$1|b|$1|2|*2|$1|c|$1|3|", "ZPOPMIN z 2", "zzpopmin z"},
    {"BZPOPMIN z x", "-ERR timeout is not a float or out of range|", NULL,
     NULL},
    {"BZMPOP -1 1 z MIN", "-ERR timeout is negative|", NULL, NULL},
    {"SET s x", OK, "SET s x", "$set s"},
    {"BZPOPMIN s z 0", WRONGTYPE, NULL, NULL},
    {"ZMPOP 2 none s MIN", WRONGTYPE, NULL, NULL},
};

static const struct step algebra_steps[] = {
    {"ZADD a 1 x 2 y", ":2|", "ZADD a 1 x 2 y", "zzadd a"},
    {"ZADD b 10 y 20 z", ":2|", "ZADD b 10 y 20 z", "zzadd b"},
    {"SADD s x z", ":2|", "SADD s x z", "ssadd s"},
    {"ZUNION 2 a b WITHSCORES", "*6|$1|x|$1|1|$1|y|$2|12|$1|z|$2|20|", NULL,
     NULL},
    {"ZUNION 3 a none s WEIGHTS 2 1 3 AGGREGATE MAX WITHSCORES",
     "*6|$1|x|$1|3|$1|z|$1|3|$1|y|$1|4|", NULL, NULL},
    {"ZINTER 2 a b", "*1|$1|y|", NULL, NULL},
    {"ZINTER 2 a s AGGREGATE MIN WITHSCORES", "*2|$1|x|$1|1|", NULL, NULL},
    {"ZINTER 2 a none", "*0|", NULL, NULL},
    {"ZDIFF 2 a b WITHSCORES", "*2|$1|x|$1|1|", NULL, NULL},
    {"ZDIFF 1 none", "*0|", NULL, NULL},
    {"ZINTERCARD 2 a a", ":2|", NULL, NULL},
    {"ZINTERCARD 2 a a LIMIT 1", ":1|", NULL, NULL},
    {"ZINTERCARD 2 a a LIMIT -1", "-ERR LIMIT can't be negative|", NULL, NULL},
    {"ZUNIONSTORE d 2 a b WEIGHTS inf 0", ":3|",
     "ZUNIONSTORE d 2 a b WEIGHTS inf 0", "zzunionstore d"},
    {"ZRANGE d 0 -1 WITHSCORES", "*6|$1|z|$1|0|$1|x|$3|inf|$1|y|$3|inf|", NULL,
     NULL},
    {"ZADD e -inf x", ":1|", "ZADD e -inf x", "zzadd e"},
    {"ZINTERSTORE d 2 d e", ":1|", "ZINTERSTORE d 2 d e", "zzinterstore d"},
    {"ZSCORE d x", "$1|0|", NULL, NULL},
    {"ZDIFFSTORE d 2 a b", ":1|", "ZDIFFSTORE d 2 a b", "zzdiffstore d"},
    {"ZDIFFSTORE d 2 a a", ":0|", "ZDIFFSTORE d 2 a a", "gdel d"},
    {"ZDIFFSTORE d 2 a a", ":0|", NULL, NULL},
    {"ZUNION 0 a", "-ERR at least 1 input key is needed for 'zunion' command|",
     NULL, NULL},
    {"ZUNION x a", NOT_INT, NULL, NULL},
    {"ZUNION 2 a", SYNTAX, NULL, NULL},
    {"ZUNION 1 a WEIGHTS x", "-ERR weight value is not a float|", NULL, NULL},
    {"ZUNION 2 a b WEIGHTS 1", SYNTAX, NULL, NULL},
    {"ZDIFF 1 a WEIGHTS 1", SYNTAX, NULL, NULL},
    {"ZUNIONSTORE d 1 a WITHSCORES", SYNTAX, NULL, NULL},
    {"SET str x", OK, "SET str x", "$set str"},
    {"ZUNION 2 a str FOO", WRONGTYPE, NULL, NULL},
};

static const struct step resp3_steps[] = {
    {ZADD5, ":5|", ZADD5, "zzadd z"},
    {"ZRANGE z 0 1", "*2|$1|a|$1|b|", NULL, NULL},
    {"ZRANGE z 0 1 WITHSCORES", "*2|*2|$1|a|,1|*2|$1|b|,2|", NULL, NULL},
    {"ZSCORE z a", ",1|", NULL, NULL},
    {"ZMSCORE z a x", "*2|,1|_|", NULL, NULL},
    {"ZADD z INCR 0.25 a", ",1.25|", "ZADD z INCR 0.25 a", "zzincr z"},
    {"ZRANK z a WITHSCORE", "*2|:0|,1.25|", NULL, NULL},
    {"ZRANK z x WITHSCORE", "_|", NULL, NULL},
    {"ZUNION 1 z WITHSCORES", "*5|*2|$1|a|,1.25|*2|$1|b|,2|*2|$1|c|,3|"
                              "*2|$1|d|,4|*2|$1|e|,5|", NULL, NULL},
    {"ZSCAN z 0 MATCH a", "*2|$1|0|*2|$1|a|$4|1.25|", NULL, NULL},
    {"ZPOPMIN z", "*2|$1|a|,1.25|", "ZPOPMIN z", "zzpopmin z"},
    {"ZPOPMIN z 1", "*1|*2|$1|b|,2|", "ZPOPMIN z 1", "zzpopmin z"},
    {"ZMPOP 1 z MIN", "*2|$1|z|*1|*2|$1|c|,3|", "ZPOPMIN z 1", "zzpopmin z"},
    {"BZPOPMAX z 0", "*3|$1|z|$1|e|,5|", "ZPOPMAX z", "zzpopmax z"},
    {"ZMPOP 1 none MIN", "_|", NULL, NULL},
};

SCRIPT_TEST(add)
SCRIPT_TEST(range)
SCRIPT_TEST(pop)
SCRIPT_TEST(algebra)

/* The same with every set large from its first element on. */
static void large_sets_answer_alike(void **state)
{
    static const struct {
        const struct step *steps;
        size_t count;
    } scripts[] = {
        {range_steps, sizeof range_steps / sizeof *range_steps},
        {pop_steps, sizeof pop_steps / sizeof *pop_steps},
        {algebra_steps, sizeof algebra_steps / sizeof *algebra_steps},
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct house h, replica;
        script_house_init(&h, &replica, 1);
        atomic_store(&store_limits(h.store)->zset_entries_max, 0);
        script_play(&h, scripts[i].steps, scripts[i].count);
        script_house_deinit(&h, &replica);
    }
}

static void resp3_nests_pairs(void **state)
{
    struct house h, replica;
    (void)state;
    script_house_init(&h, &replica, 1);
    h.seats[0].session.reply.protocol = 3;
    script_play(&h, resp3_steps, sizeof resp3_steps / sizeof *resp3_steps);
    script_house_deinit(&h, &replica);
}

/* Draws are of members that are there; distinct ones come once. */
static void draws_are_members(void **state)
{
    struct house h, replica;
    (void)state;
    script_house_init(&h, &replica, 1);
    house_expect(&h, 0, "ZADD one 1 a", ":1|");
    house_expect(&h, 0, "ZRANDMEMBER one", "$1|a|");
    house_expect(&h, 0, "ZRANDMEMBER one 5", "*1|$1|a|");
    house_expect(&h, 0, "ZRANDMEMBER one -2 WITHSCORES",
                 "*4|$1|a|$1|1|$1|a|$1|1|");
    house_expect(&h, 0, "ZRANDMEMBER one 0", "*0|");
    house_expect(&h, 0, "ZRANDMEMBER none", NIL);
    house_expect(&h, 0, "ZRANDMEMBER none 3", "*0|");
    house_expect(&h, 0, "ZRANDMEMBER one x", NOT_INT);
    house_expect(&h, 0, "ZRANDMEMBER one 1 FOO", SYNTAX);
    atomic_store(&store_limits(h.store)->zset_entries_max, 0);
    for (int i = 100; i < 300; i++) {
        char line[64];
        sprintf(line, "ZADD many %d m%d", i, i);
        house_expect(&h, 0, line, ":1|");
    }
    for (int count = 1; count < 210; count += 19) {
        char line[64];
        bool seen[200] = {false};
        size_t want = count < 200 ? (size_t)count : 200;
        sprintf(line, "ZRANDMEMBER many %d", count);
        house_add(&h, 0, line);
        house_run(&h);
        struct slice got = house_take(&h, 0);
        const char *p = strchr((const char *)got.data, '\n') + 1;
        for (size_t i = 0; i < want; i++, p += sizeof "$4\r\nm100\r\n" - 1) {
            int n = (int)strtol(p + sizeof "$4\r\nm" - 1, NULL, 10) - 100;
            assert_in_range(n, 0, 199);
            assert_false(seen[n]);
            seen[n] = true;
        }
        assert_true((const uint8_t *)p == got.data + got.len);
    }
    script_house_deinit(&h, &replica);
}

/* Those who wait are served in the order of their coming. */
static void waiters_are_served(void **state)
{
    struct house h, replica;
    (void)state;
    script_house_init(&h, &replica, 2);
    house_add(&h, 1, "BZPOPMIN q z 0");
    house_run(&h);
    house_add(&h, 2, "BZMPOP 0 1 z MAX COUNT 5");
    house_run(&h);
    house_expect(&h, 0, "ZADD z 1 a 2 b 3 c", ":3|");
    house_read_mail(&h, 0);
    house_read_mail(&h, 1);
    house_expect_reply(&h, 1, "*3|$1|z|$1|a|$1|1|");
    house_expect_reply(&h, 2, "*2|$1|z|*2|*2|$1|c|$1|3|*2|$1|b|$1|2|");
    house_expect_effects(&h, "ZADD z 1 a 2 b 3 c; ZPOPMIN z; ZPOPMAX z 2");
    house_expect(&h, 0, "EXISTS z", ":0|");
    script_house_deinit(&h, &replica);
}

int test_zset_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_pop),
        cmocka_unit_test(test_algebra),
        cmocka_unit_test(large_sets_answer_alike),
        cmocka_unit_test(resp3_nests_pairs),
        cmocka_unit_test(draws_are_members),
        cmocka_unit_test(waiters_are_served),
    };
    return cmocka_run_group_tests_name("zset", tests, NULL, NULL);
}
