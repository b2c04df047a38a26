/* Hashes: what each command answers, propagates and raises. */
#include "tests.h"

#define WRONGTYPE \
    "-WRONGTYPE Operation against a key holding the wrong kind of value|"
#define BULK(len, text) "$" #len "|" text "|"

static const struct step basic_steps[] = {
    {"HSET h", "-ERR wrong number of arguments for 'hset' command|"},
    {"HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command|"},
    {"HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command|"},
    {"HSET h a 1 b two", ":2|", "HSET h a 1 b two", "hhset h"},
    {"HSET h a 2 c 3 c 4", ":1|", "HSET h a 2 c 3 c 4", "hhset h"},
    {"HMSET h a 1", OK, "HMSET h a 1", "hhset h"},
    {"HSETNX h a 9", ":0|"},
    {"HSETNX h d 9", ":1|", "HSETNX h d 9", "hhset h"},
    {"HLEN h", ":4|"},
    {"HGET h a", BULK(1, "1")},
    {"HGET h nope", NIL},
    {"HMGET h b nope c", "*3|" BULK(3, "two") NIL BULK(1, "4")},
    {"HGETALL h", "*8|" BULK(1, "a") BULK(1, "1") BULK(1, "b") BULK(3, "two")
                  BULK(1, "c") BULK(1, "4") BULK(1, "d") BULK(1, "9")},
    {"HKEYS h", "*4|" BULK(1, "a") BULK(1, "b") BULK(1, "c") BULK(1, "d")},
    {"HVALS h", "*4|" BULK(1, "1") BULK(3, "two") BULK(1, "4") BULK(1, "9")},
    {"HSTRLEN h b", ":3|"},
    {"HSTRLEN h nope", ":0|"},
    {"HEXISTS h b", ":1|"},
    {"HEXISTS h nope", ":0|"},
    {"HDEL h nope", ":0|"},
    {"HDEL h a a b nope", ":2|", "HDEL h a a b nope", "hhdel h"},
    {"HDEL h c d", ":2|", "HDEL h c d", "hhdel h; gdel h"},
    {"EXISTS h", ":0|"},
    {"HDEL h c", ":0|"},
    {"HGETALL h", "*0|"},
    {"HVALS h", "*0|"},
    {"HLEN h", ":0|"},
    {"HMGET h a b", "*2|" NIL NIL},
};
SCRIPT_TEST(basic)

static const struct step number_steps[] = {
    {"HSET h text abc real 1.5", ":2|", "HSET h text abc real 1.5", "hhset h"},
    {"HINCRBY h text x", NOT_INT},
    {"HINCRBY h text 1", "-ERR hash value is not an integer|"},
    {"HINCRBYFLOAT h text 1", "-ERR hash value is not a float|"},
    {"HINCRBYFLOAT h text inf", "-ERR value is NaN or Infinity|"},
    {"HINCRBYFLOAT h text x", "-ERR value is not a valid float|"},
    {"HINCRBY h n 5", ":5|", "HINCRBY h n 5", "hhincrby h"},
    {"HINCRBY h n -7", ":-2|", "HINCRBY h n -7", "hhincrby h"},
    {"HINCRBYFLOAT h real 1.25", BULK(4, "2.75"), "HSET h real 2.75",
     "hhincrbyfloat h"},
    {"HSET h n 9223372036854775807", ":0|", "HSET h n 9223372036854775807",
     "hhset h"},
    {"HINCRBY h n 1", "-ERR increment or decrement would overflow|"},
    {"HINCRBY new n x", NOT_INT},
    {"HINCRBYFLOAT new n x", "-ERR value is not a valid float|"},
    {"EXISTS new", ":0|"},
    {"HINCRBY new n 1", ":1|", "HINCRBY new n 1", "hhincrby new"},
};
SCRIPT_TEST(number)

static const struct step wrong_steps[] = {
    {"SET s x", OK, "SET s x", "$set s"},
    {"HSET s a 1", WRONGTYPE},
    {"HSETNX s a 1", WRONGTYPE},
    {"HGET s a", WRONGTYPE},
    {"HDEL s a", WRONGTYPE},
    {"HINCRBY s a 1", WRONGTYPE},
    {"HINCRBYFLOAT s a 1", WRONGTYPE},
    {"HSCAN s 0", WRONGTYPE},
    {"HRANDFIELD s", WRONGTYPE},
    {"HRANDFIELD s x", NOT_INT},
    {"HRANDFIELD s 1 values", SYNTAX},
    {"HRANDFIELD s 1 withvalues 2", SYNTAX},
    {"HRANDFIELD s -9223372036854775807 withvalues",
     "-ERR value is out of range|"},
    {"HSCAN s x", "-ERR invalid cursor|"},
    {"HSCAN nope 0 what", "*2|" BULK(1, "0") "*0|"},
    {"HRANDFIELD nope", NIL},
    {"HRANDFIELD nope 5", "*0|"},
};
SCRIPT_TEST(wrong)

static const struct step random_steps[] = {
    {"HSET h a 1", ":1|", "HSET h a 1", "hhset h"},
    {"HRANDFIELD h", BULK(1, "a")},
    {"HRANDFIELD h 0", "*0|"},
    {"HRANDFIELD h 5", "*1|" BULK(1, "a")},
    {"HRANDFIELD h 5 WITHVALUES", "*2|" BULK(1, "a") BULK(1, "1")},
    {"HRANDFIELD h -2 WITHVALUES",
     "*4|" BULK(1, "a") BULK(1, "1") BULK(1, "a") BULK(1, "1")},
    {"HSCAN h 0", "*2|" BULK(1, "0") "*2|" BULK(1, "a") BULK(1, "1")},
    {"HSCAN h 0 NOVALUES", "*2|" BULK(1, "0") "*1|" BULK(1, "a")},
    {"HSCAN h 0 MATCH b*", "*2|" BULK(1, "0") "*0|"},
    {"HSCAN h 0 COUNT 0", SYNTAX},
};
SCRIPT_TEST(random)

int test_hash_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
