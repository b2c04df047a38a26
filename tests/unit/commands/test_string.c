/* Scripts of the string family. The clock stands at HOUSE_NOW_MS, 1000000. */
#include "tests.h"

static const struct step set_steps[] = {
    {"GET a", NIL},
    {"SET a 1", OK, "SET a 1", "$set a"},
    {"GET a", "$1|1|"},
    {"set a 2 EX 10", OK, "SET a 2 PXAT 1010000", "$set a; gexpire a"},
    {"PTTL a", ":10000|"},
    {"SET a 3 px 500 GET", "$1|2|", "SET a 3 PXAT 1000500",
     "$set a; gexpire a"},
    {"SET a 4 KEEPTTL", OK, "SET a 4 KEEPTTL", "$set a"},
    {"PTTL a", ":500|"},
    {"SET a 5 EXAT 2000", OK, "SET a 5 PXAT 2000000", "$set a; gexpire a"},
    {"PEXPIRETIME a", ":2000000|"},
    {"SET a 6", OK, "SET a 6", "$set a"},
    {"TTL a", ":-1|"},
    {"SET a 5 PXAT 999999", OK, "DEL a", "$set a; gexpire a; gdel a"},
    {"GET a", NIL},
    {"SET a 5 PXAT 999999", OK, NULL, "$set a; gexpire a; gdel a"},
    {"SET a 'a value' GET", NIL, "SET a a value", "$set a"},
    {"SET a 5 PXAT 1 GET", "$7|a value|", "DEL a",
     "$set a; gexpire a; gdel a"},
    {"SET a ''", OK, "SET a ", "$set a"},
    {"GET a", "$0||"},
    {"SET '' x", OK, "SET  x", "$set "},
    {"GET ''", "$1|x|"},
};
SCRIPT_TEST(set)

static const struct step set_error_steps[] = {
    {"SET a", "-ERR wrong number of arguments for 'set' command|"},
    {"SET a 1 EX 0", "-ERR invalid expire time in 'set' command|"},
    {"SET a 1 PX -1", "-ERR invalid expire time in 'set' command|"},
    {"SET a 1 EXAT 0", "-ERR invalid expire time in 'set' command|"},
    {"SET a 1 EX 9223372036854775807",
     "-ERR invalid expire time in 'set' command|"},
    {"SET a 1 EX 9223372036854775",
     "-ERR invalid expire time in 'set' command|"},
    {"SET a 1 PX 9223372036854775807",
     "-ERR invalid expire time in 'set' command|"},
    {"SET a 1 EX x", NOT_INT},
    {"SET a 1 EX 1.5", NOT_INT},
    {"SET a 1 EX", SYNTAX},
    {"SET a 1 EX 1 PX 1", SYNTAX},
    {"SET a 1 NX XX", SYNTAX},
    {"SET a 1 KEEPTTL EX 1", SYNTAX},
    {"SET a 1 EX 1 KEEPTTL", SYNTAX},
    {"SET a 1 PERSIST", SYNTAX},
    {"SET a 1 IFEQ", SYNTAX},
    {"SET a 1 IFEQ 1 NX", SYNTAX},
    {"SET a 1 what", SYNTAX},
    {"SETEX a 0 v", "-ERR invalid expire time in 'setex' command|"},
    {"PSETEX a -5 v", "-ERR invalid expire time in 'psetex' command|"},
    {"SETEX a x v", NOT_INT},
    {"EXISTS a", ":0|"},
};
SCRIPT_TEST(set_error)

static const struct step condition_steps[] = {
    {"SET a 1 XX", NIL},
    {"SET a 1 NX", OK, "SET a 1", "$set a"},
    {"SET a 2 NX", NIL},
    {"SET a 2 NX GET", "$1|1|"},
    {"SET a 2 XX", OK, "SET a 2", "$set a"},
    {"SET a 3 IFEQ 1", NIL},
    {"SET a 3 IFEQ 2", OK, "SET a 3", "$set a"},
    {"SET a 9 IFEQ 1 GET", "$1|3|"},
    {"SET n 9 IFEQ 1", NIL},
    {"SET n 9 NX EX 1 GET", NIL, "SET n 9 PXAT 1001000", "$set n; gexpire n"},
    {"SETNX a 1", ":0|"},
    {"SETNX b 1", ":1|", "SETNX b 1", "$set b"},
    {"DELIFEQ a 2", ":0|"},
    {"DELIFEQ a 3", ":1|", "DEL a", "gdel a"},
    {"DELIFEQ a 3", ":0|"},
};
SCRIPT_TEST(condition)

static const struct step get_and_change_steps[] = {
    {"SETEX b 5 v", OK, "SET b v PXAT 1005000", "$set b; gexpire b"},
    {"GETSET b w", "$1|v|", "GETSET b w", "$set b"},
    {"TTL b", ":-1|"},
    {"GETSET c x", NIL, "GETSET c x", "$set c"},
    {"GETDEL b", "$1|w|", "DEL b", "gdel b"},
    {"GETDEL b", NIL},
    {"PSETEX a 7 one", OK, "SET a one PXAT 1000007", "$set a; gexpire a"},
    {"GETEX a", "$3|one|"},
    {"GETEX a EX 5", "$3|one|", "PEXPIREAT a 1005000", "gexpire a"},
    {"GETEX a PX 5", "$3|one|", "PEXPIREAT a 1000005", "gexpire a"},
    {"GETEX a EXAT 1002", "$3|one|", "PEXPIREAT a 1002000", "gexpire a"},
    {"GETEX a PERSIST", "$3|one|", "PERSIST a", "gpersist a"},
    {"GETEX a PERSIST", "$3|one|"},
    {"GETEX a KEEPTTL", SYNTAX},
    {"GETEX a EX 0", "-ERR invalid expire time in 'getex' command|"},
    {"GETEX a PXAT 1", "$3|one|", "DEL a", "gdel a"},
    {"GETEX a EX 5", NIL},
};
SCRIPT_TEST(get_and_change)

static const struct step several_steps[] = {
    {"MSET a 1 b 2", OK, "MSET a 1 b 2", "$set a; $set b"},
    {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command|"},
    {"MSET a", "-ERR wrong number of arguments for 'mset' command|"},
    {"MGET a b c a", "*4|$1|1|$1|2|$-1|$1|1|"},
    {"MSETNX a 9 c 3", ":0|"},
    {"MSETNX c 3 d 4 c 5", ":1|", "MSETNX c 3 d 4 c 5",
     "$set c; $set d; $set c"},
    {"GET c", "$1|5|"},
    {"MSETNX c", "-ERR wrong number of arguments for 'msetnx' command|"},
    {"MSETEX 2 a 1 b 2 EX 10", ":1|", "MSETEX 2 a 1 b 2 PXAT 1010000",
     "$set a; gexpire a; $set b; gexpire b"},
    {"MSETEX 2 a 5 z 6 NX", ":0|"},
    {"MSETEX 2 a 5 z 6 XX", ":0|"},
    {"MSETEX 2 a 5 b 6 XX", ":1|", "MSETEX 2 a 5 b 6", "$set a; $set b"},
    {"MSETEX 1 a 7 PX 50", ":1|", "MSETEX 1 a 7 PXAT 1000050",
     "$set a; gexpire a"},
    {"MSETEX 1 a 8 KEEPTTL", ":1|", "MSETEX 1 a 8 KEEPTTL", "$set a"},
    {"PTTL a", ":50|"},
    {"MSETEX 2 a 1 z 2 PXAT 5", ":1|", "DEL a",
     "$set a; gexpire a; gdel a; $set z; gexpire z; gdel z"},
    {"MSETEX 2 a 1 z 2 PXAT 5", ":1|", NULL,
     "$set a; gexpire a; gdel a; $set z; gexpire z; gdel z"},
    {"MSETEX 0 a 1", "-ERR invalid numkeys value|"},
    {"MSETEX x a 1", "-ERR invalid numkeys value|"},
    {"MSETEX 2147483648 a 1", "-ERR invalid numkeys value|"},
    {"MSETEX 2 a 1 b", "-ERR wrong number of key-value pairs|"},
    {"MSETEX 3 a 1 b 2", "-ERR wrong number of key-value pairs|"},
    {"MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command|"},
    {"MSETEX 1 a 1 what", SYNTAX},
};
SCRIPT_TEST(several)

static const struct step number_steps[] = {
    {"INCR n", ":1|", "INCR n", "$incrby n"},
    {"INCRBY n 41", ":42|", "INCRBY n 41", "$incrby n"},
    {"DECR n", ":41|", "DECR n", "$incrby n"},
    {"DECRBY n 31", ":10|", "DECRBY n 31", "$incrby n"},
    {"EXPIRE n 100", ":1|", "PEXPIREAT n 1100000", "gexpire n"},
    {"INCR n", ":11|", "INCR n", "$incrby n"},
    {"INCRBYFLOAT n 0.5", "$4|11.5|", "SET n 11.5 KEEPTTL", "$incrbyfloat n"},
    {"INCRBYFLOAT n -1.5e0", "$2|10|", "SET n 10 KEEPTTL", "$incrbyfloat n"},
    {"TTL n", ":100|"},
    {"DECRBY n -9223372036854775808", "-ERR decrement would overflow|"},
    {"INCRBY n 9223372036854775807",
     "-ERR increment or decrement would overflow|"},
    {"INCRBY n x", NOT_INT},
    {"INCRBY n 9223372036854775808", NOT_INT},
    {"INCRBYFLOAT n x", "-ERR value is not a valid float|"},
    {"SET t text", OK, "SET t text", "$set t"},
    {"INCR t", NOT_INT},
    {"INCRBYFLOAT t 1", "-ERR value is not a valid float|"},
    {"INCRBYFLOAT f 3.0e3", "$4|3000|", "SET f 3000 KEEPTTL",
     "$incrbyfloat f"},
    {"@100001", NULL},
    {"INCR n", ":1|", "DEL n; INCR n", "xexpired n; $incrby n"},
};
SCRIPT_TEST(number)

static const struct step range_steps[] = {
    {"APPEND a x", ":1|", "APPEND a x", "$append a"},
    {"APPEND a 'yz 1'", ":5|", "APPEND a yz 1", "$append a"},
    {"APPEND a ''", ":5|", "APPEND a ", "$append a"},
    {"GET a", "$5|xyz 1|"},
    {"OBJECT ENCODING a", "$3|raw|"},
    {"SET n 12", OK, "SET n 12", "$set n"},
    {"APPEND n 3", ":3|", "APPEND n 3", "$append n"},
    {"INCR n", ":124|", "INCR n", "$incrby n"},
    {"GETRANGE a 0 -1", "$5|xyz 1|"},
    {"GETRANGE a 1 2", "$2|yz|"},
    {"SUBSTR a -2 -1", "$2| 1|"},
    {"GETRANGE a -1 -3", "$0||"},
    {"GETRANGE a 3 1000", "$2| 1|"},
    {"GETRANGE a 5 5", "$0||"},
    {"GETRANGE nothing 0 -1", "$0||"},
    {"GETRANGE a x 1", NOT_INT},
    {"GETRANGE n 0 1", "$2|12|"},
    {"SETRANGE s 0 ''", ":0|"},
    {"EXISTS s", ":0|"},
    {"SETRANGE s 3 x", ":4|", "SETRANGE s 3 x", "$setrange s"},
    {"GET s", "$4|\\x00\\x00\\x00x|"},
    {"SETRANGE s 0 abcdefg", ":7|", "SETRANGE s 0 abcdefg", "$setrange s"},
    {"SETRANGE s 1 ''", ":7|"},
    {"SETRANGE s -1 x", "-ERR offset is out of range|"},
    {"SETRANGE s 1048576 x", "-ERR string exceeds maximum allowed size "
                             "(proto-max-bulk-len)|"},
    {"SETRANGE s 9223372036854775807 x",
     "-ERR string exceeds maximum allowed size (proto-max-bulk-len)|"},
    {"STRLEN s", ":7|"},
    {"STRLEN n", ":3|"},
    {"STRLEN nothing", ":0|"},
};
SCRIPT_TEST(range)

static const struct step lcs_steps[] = {
    {"MSET a ohmytext b mynewtext", OK, "MSET a ohmytext b mynewtext",
     "$set a; $set b"},
    {"LCS a b", "$6|mytext|"},
    {"LCS a b LEN", ":6|"},
    {"LCS a b IDX", "*4|$7|matches|*2|*2|*2|:4|:7|*2|:5|:8|*2|*2|:2|:3|"
                    "*2|:0|:1|$3|len|:6|"},
    {"LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
     "*4|$7|matches|*1|*3|*2|:4|:7|*2|:5|:8|:4|$3|len|:6|"},
    {"LCS a nothing", "$0||"},
    {"LCS a b LEN IDX", "-ERR If you want both the length and indexes, please "
                        "just use IDX.|"},
    {"LCS a b WHAT", SYNTAX},
};
SCRIPT_TEST(lcs)

static const struct step expired_steps[] = {
    {"SET a 1 PX 10", OK, "SET a 1 PXAT 1000010", "$set a; gexpire a"},
    {"SET b 1 PX 10", OK, "SET b 1 PXAT 1000010", "$set b; gexpire b"},
    {"SET c 1 PX 10", OK, "SET c 1 PXAT 1000010", "$set c; gexpire c"},
    {"SET d 1 PX 10", OK, "SET d 1 PXAT 1000010", "$set d; gexpire d"},
    {"SET e 1 PX 10", OK, "SET e 1 PXAT 1000010", "$set e; gexpire e"},
    {"@10", NULL},
    {"GET a", NIL, "DEL a", "xexpired a"},
    {"APPEND b x", ":1|", "DEL b; APPEND b x", "xexpired b; $append b"},
    {"SET c 2 KEEPTTL", OK, "DEL c; SET c 2 KEEPTTL", "xexpired c; $set c"},
    {"TTL c", ":-1|"},
    {"SET d 2", OK, "SET d 2", "$set d"},
    {"SETRANGE e 1 x", ":2|", "DEL e; SETRANGE e 1 x",
     "xexpired e; $setrange e"},
};
SCRIPT_TEST(expired)

int test_string_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_set_error),
        cmocka_unit_test(test_condition),
        cmocka_unit_test(test_get_and_change),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_lcs),
        cmocka_unit_test(test_expired),
    };
    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}
