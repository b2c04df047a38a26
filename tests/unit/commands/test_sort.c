/* Scripts of SORT: each option, each type, and what STORE leaves behind. */
#include "tests.h"

#define BAD_SCORE "-ERR One or more scores can't be converted into double|"

static const struct step plain_steps[] = {
    {"RPUSH l 3 1 2 10", ":4|", "RPUSH l 3 1 2 10", "lrpush l"},
    {"SORT l", "*4|$1|1|$1|2|$1|3|$2|10|"},
    {"SORT_RO l desc", "*4|$2|10|$1|3|$1|2|$1|1|"},
    {"SORT l ALPHA", "*4|$1|1|$2|10|$1|2|$1|3|"},
    {"SORT l LIMIT 1 2", "*2|$1|2|$1|3|"},
    {"SORT l LIMIT -5 1", "*1|$1|1|"},
    {"SORT l LIMIT 3 9223372036854775807", "*1|$2|10|"},
    {"SORT l LIMIT 4 1", "*0|"},
    {"SORT l BY nosort", "*4|$1|3|$1|1|$1|2|$2|10|"},
    {"SORT l BY nosort DESC LIMIT 1 2", "*2|$1|2|$1|1|"},
    {"SADD s c a b", ":3|", "SADD s c a b", "ssadd s"},
    {"SORT s", BAD_SCORE},
    {"SORT s ALPHA DESC", "*3|$1|c|$1|b|$1|a|"},
    {"ZADD z 1 a 5 b 2 c", ":3|", "ZADD z 1 a 5 b 2 c", "zzadd z"},
    {"SORT z BY nosort", "*3|$1|a|$1|c|$1|b|"},
    {"SORT z BY nosort DESC LIMIT 1 2", "*2|$1|c|$1|a|"},
    {"SORT nokey", "*0|"},
    {"SET str x", OK, "SET str x", "$set str"},
    {"SORT str", "-WRONGTYPE Operation against a key holding the wrong kind "
                 "of value|"},
    {"SORT str LIMIT 1", SYNTAX},
    {"SORT str LIMIT 1 x", NOT_INT},
    {"SORT_RO l STORE d", SYNTAX},
    {"SORT l BY", SYNTAX},
};

static const struct step pattern_steps[] = {
    {"RPUSH l 1 2 3", ":3|", "RPUSH l 1 2 3", "lrpush l"},
    {"MSET w1 30 w2 20 n1 one n3 three", OK,
     "MSET w1 30 w2 20 n1 one n3 three", "$set w1; $set w2; $set n1; $set n3"},
    {"HSET h1 f 9 g x", ":2|", "HSET h1 f 9 g x", "hhset h1"},
    {"SORT l BY w*", "*3|$1|3|$1|2|$1|1|"},
    {"SORT l BY w* GET # GET n* LIMIT 1 2",
     "*4|$1|2|$-1|$1|1|$3|one|"},
    {"SORT l BY n* ALPHA DESC", "*3|$1|3|$1|1|$1|2|"},
    {"SORT l BY h*->f DESC GET h*->g", "*3|$1|x|$-1|$-1|"},
    {"SORT l BY h*->f LIMIT 0 1", "*1|$1|2|"},
    {"SORT l GET const LIMIT 0 1", "*1|$-1|"},
    {"SORT l BY n*", BAD_SCORE},
    {"SORT l BY w* GET n* STORE d", ":3|", "SORT l BY w* GET n* STORE d",
     "lsortstore d"},
    {"LRANGE d 0 -1", "*3|$5|three|$0||$3|one|"},
    {"SORT nokey STORE d", ":0|", "SORT nokey STORE d", "gdel d"},
    {"SORT nokey STORE d", ":0|"},
    {"SADD s c a b", ":3|", "SADD s c a b", "ssadd s"},
    {"SORT s BY nosort STORE d", ":3|", "SORT s BY nosort STORE d",
     "lsortstore d"},
    {"LRANGE d 0 -1", "*3|$1|a|$1|b|$1|c|"},
};

SCRIPT_TEST(plain)
SCRIPT_TEST(pattern)

int test_sort_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_pattern),
    };
    return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
