/* Hashes: what each command answers, propagates and raises. */
#include <stdio.h>

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

/* The house's clock begins at 1,000,000 ms. */
static const struct step expire_steps[] = {
    {"HSET h a 1 b 2 c 3", ":3|", "HSET h a 1 b 2 c 3", "hhset h"},
    {"HEXPIRE h 10 FIELDS 2 a nope", "*2|:1|:-2|",
     "HPEXPIREAT h 1010000 FIELDS 1 a", "hhexpire h"},
    {"HEXPIRE h 10 NX FIELDS 1 a", "*1|:0|"},
    {"HEXPIRE h 10 XX FIELDS 1 b", "*1|:0|"},
    {"HEXPIRE h 5 GT FIELDS 2 a b", "*2|:0|:0|"},
    {"HPEXPIRE h 20 LT FIELDS 2 a b", "*2|:1|:1|",
     "HPEXPIREAT h 1000020 FIELDS 2 a b", "hhexpire h"},
    {"HTTL h FIELDS 3 a c nope", "*3|:1|:-1|:-2|"},
    {"HPTTL h FIELDS 1 a", "*1|:20|"},
    {"HEXPIRETIME h FIELDS 1 a", "*1|:1001|"},
    {"HPEXPIRETIME h FIELDS 1 a", "*1|:1000020|"},
    {"HPERSIST h FIELDS 3 b c nope", "*3|:1|:-1|:-2|",
     "HPERSIST h FIELDS 1 b", "hhpersist h"},
    {"HPEXPIREAT h 999999 FIELDS 2 b nope", "*2|:2|:-2|", "HDEL h b",
     "hhexpired h"},
    {"@25", NULL},
    {"HGET h a", NIL, "HDEL h a", "hhexpired h"},
    {"HLEN h", ":1|"},
    {"HPEXPIRE h 10 FIELDS 1 c", "*1|:1|",
     "HPEXPIREAT h 1000035 FIELDS 1 c", "hhexpire h"},
    {"@20", NULL},
    {"HGETALL h", "*0|"},
    {"HSET h c 4", ":1|", "HDEL h c; HSET h c 4", "hhexpired h; hhset h"},
    {"HTTL h FIELDS 1 c", "*1|:-1|"},
    {"HEXPIREAT h 0 FIELDS 1 c", "*1|:2|", "HDEL h c", "hhexpired h; gdel h"},
    {"HTTL h FIELDS 2 a b", "*2|:-2|:-2|"},
    {"HEXPIRE h 5 FIELDS 1 a", "*1|:-2|"},
    {"HPERSIST h FIELDS 1 a", "*1|:-2|"},
};
SCRIPT_TEST(expire)

static const struct step words_steps[] = {
    {"HEXPIRE h x FIELDS 1 a", NOT_INT},
    {"HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0|"},
    {"HEXPIRE h 70368744178 FIELDS 1 a",
     "-ERR invalid expire time in 'hexpire' command|"},
    {"HEXPIRE h 1 ZZ FIELDS 1 a", "-ERR Mandatory argument FIELDS is missing "
                                  "or not at the right position|"},
    {"HEXPIRE h 1 FIELDS 0 a",
     "-ERR Parameter `numFields` should be greater than 0|"},
    {"HTTL h FIELDS 0 a", "-ERR Number of fields must be a positive integer|"},
    {"HTTL h FIELDS 2 a", "-ERR The `numfields` parameter must match the "
                          "number of arguments|"},
    {"HGETEX h EX 1 PX 1 FIELDS 1 a", "-ERR Only one of EX, PX, EXAT, PXAT or "
                                      "PERSIST arguments can be specified|"},
    {"HSETEX h FNX FXX FIELDS 1 a b",
     "-ERR Only one of FXX or FNX arguments can be specified|"},
    {"HSETEX h KEEPTTL EX 1 FIELDS 1 a b",
     "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be "
     "specified|"},
    {"HSETEX h what FIELDS 1 a b", "-ERR unknown argument|"},
    {"HSETEX h FIELDS x a b 1", "-ERR invalid number of fields|"},
    {"HSETEX h FIELDS 2 a b c",
     "-ERR wrong number of arguments for 'hsetex' command|"},
};
SCRIPT_TEST(words)

static const struct step extended_steps[] = {
    {"HSETEX h FXX FIELDS 1 a 1", ":0|"},
    {"HSETEX h XX FIELDS 1 a 1", ":0|"},
    {"HSETEX h FNX PX 50 FIELDS 2 a 1 b 2", ":1|",
     "HSETEX h PXAT 1000050 FIELDS 2 a 1 b 2", "hhset h; hhexpire h"},
    {"HSETEX h NX FIELDS 1 c 1", ":0|"},
    {"HSETEX h FNX FIELDS 2 c 1 a 1", ":0|"},
    {"HSETEX h KEEPTTL FIELDS 1 a 5", ":1|", "HSETEX h KEEPTTL FIELDS 1 a 5",
     "hhset h"},
    {"HINCRBY h a 1", ":6|", "HINCRBY h a 1", "hhincrby h"},
    {"HINCRBYFLOAT h a 0.5", BULK(3, "6.5"),
     "HSETEX h KEEPTTL FIELDS 1 a 6.5", "hhincrbyfloat h"},
    {"HPTTL h FIELDS 2 a b", "*2|:50|:50|"},
    {"HSET h b 3", ":0|", "HSET h b 3", "hhset h"},
    {"HTTL h FIELDS 1 b", "*1|:-1|"},
    {"HGETEX h FIELDS 2 a nope", "*2|" BULK(3, "6.5") NIL},
    {"HGETEX h PERSIST FIELDS 2 a b", "*2|" BULK(3, "6.5") BULK(1, "3"),
     "HPERSIST h FIELDS 1 a", "hhpersist h"},
    {"HGETEX h PX 5 FIELDS 2 a nope", "*2|" BULK(3, "6.5") NIL,
     "HPEXPIREAT h 1000005 FIELDS 1 a", "hhexpire h"},
    {"HGETEX h PXAT 1 FIELDS 1 a", "*1|" BULK(3, "6.5"), "HDEL h a",
     "hhexpired h"},
    {"HGETDEL h FIELDS 2 b nope", "*2|" BULK(1, "3") NIL, "HDEL h b",
     "hhdel h; gdel h"},
    {"HSETEX h PXAT 1 FIELDS 1 a 1", ":1|"},
    {"EXISTS h", ":0|"},
    {"HGETEX h EX 5 FIELDS 2 a b", "*2|" NIL NIL},
    {"HGETDEL h FIELDS 1 a", "*1|" NIL},
};
SCRIPT_TEST(extended)

static const struct step kept_steps[] = {
    {"HSETEX h PX 50 FIELDS 1 a 1", ":1|",
     "HSETEX h PXAT 1000050 FIELDS 1 a 1", "hhset h; hhexpire h"},
    {"HSET h b 2", ":1|", "HSET h b 2", "hhset h"},
    {"COPY h copy", ":1|", "COPY h copy", "gcopy_to copy"},
    {"RENAME h other", OK, "RENAME h other", "grename_from h; grename_to other"},
    {"HPTTL other FIELDS 2 a b", "*2|:50|:-1|"},
    {"HPTTL copy FIELDS 2 a b", "*2|:50|:-1|"},
    {"OBJECT ENCODING other", BULK(10, "listpackex")},
    {"PEXPIRE other 20", ":1|", "PEXPIREAT other 1000020", "gexpire other"},
    {"PERSIST other", ":1|", "PERSIST other", "gpersist other"},
    {"HPTTL other FIELDS 1 a", "*1|:50|"},
    {"@60", NULL},
    {"HKEYS copy", "*1|" BULK(1, "b")},
    {"HRANDFIELD copy 5", "*1|" BULK(1, "b"), "HDEL copy a", "hhexpired copy"},
    {"HEXISTS other a", ":0|", "HDEL other a", "hhexpired other"},
};
SCRIPT_TEST(kept)

/* What is due goes by itself: exactly once, told as it goes. */
static void test_active(void **state)
{
    (void)state;
    for (uint32_t workers = 1; workers <= 2; workers++) {
        struct house h, replica;
        char line[64];
        script_house_init(&h, &replica, workers);
        for (int i = 0; i < 1500; i++) {
            snprintf(line, sizeof line, "HSETEX h PX %d FIELDS 1 f%d %d",
                     50 + i % 20, i, i);
            house_expect(&h, 0, line, ":1|");
        }
        house_expect(&h, 0, "HSETEX small PX 60 FIELDS 2 a 1 b 2", ":1|");
        house_expect(&h, 0, "HSETEX stays PX 60 FIELDS 1 a 1", ":1|");
        house_expect(&h, 0, "HSET stays b 1", ":1|");
        house_check(&h);
        house_wait(&h, 55);
        for (uint32_t w = 0; w < workers; w++) {
            for (int i = 0; i < 100; i++) {
                exec_background(h.execs[w], 1000000);
            }
        }
        house_expect(&h, 0, "HLEN h", ":1050|");
        house_check(&h);
        house_wait(&h, 20);
        for (uint32_t w = 0; w < workers; w++) {
            for (int i = 0; i < 100; i++) {
                exec_background(h.execs[w], 1000000);
            }
        }
        house_expect(&h, 0, "EXISTS h small stays", ":1|");
        house_expect(&h, 0, "HGETALL stays", "*2|$1|b|$1|1|");
        script_house_deinit(&h, &replica);
    }
}

int test_hash_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_extended),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_active),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
