/* Scripts of the generic family and of deadlines. */
#include "tests.h"

static const struct step del_steps[] = {
    {"MSET a 1 b 2 c 3", OK, "MSET a 1 b 2 c 3", "$set a; $set b; $set c"},
    {"EXISTS a b x a", ":3|"},
    {"TOUCH a x", ":1|"},
    {"TYPE a", "+string|"},
    {"TYPE x", "+none|"},
    {"DEL a x a b", ":2|", "DEL a x a b", "gdel a; gdel b"},
    {"DEL a b", ":0|"},
    {"UNLINK c", ":1|", "UNLINK c", "gdel c"},
    {"DBSIZE", ":0|"},
};
SCRIPT_TEST(del)

static const struct step rename_steps[] = {
    {"RENAME a b", "-ERR no such key|"},
    {"SET a 1 EX 9", OK, "SET a 1 PXAT 1009000", "$set a; gexpire a"},
    {"RENAME a a", OK},
    {"RENAMENX a a", ":0|"},
    {"RENAME a b", OK, "RENAME a b", "grename_from a; grename_to b"},
    {"TTL b", ":9|"},
    {"SET c 3", OK, "SET c 3", "$set c"},
    {"RENAMENX b c", ":0|"},
    {"RENAMENX b d", ":1|", "RENAMENX b d", "grename_from b; grename_to d"},
    {"RENAME c d", OK, "RENAME c d", "grename_from c; grename_to d"},
    {"GET d", "$1|3|"},
    {"TTL d", ":-1|"},
    {"SET e 1 PX 5", OK, "SET e 1 PXAT 1000005", "$set e; gexpire e"},
    {"@5", NULL},
    {"RENAMENX d e", ":1|", "DEL e; RENAMENX d e",
     "xexpired e; grename_from d; grename_to e"},
};
SCRIPT_TEST(rename)

static const struct step copy_steps[] = {
    {"COPY a b", ":0|"},
    {"SET a 1 PX 700", OK, "SET a 1 PXAT 1000700", "$set a; gexpire a"},
    {"COPY a b", ":1|", "COPY a b", "gcopy_to b"},
    {"PTTL b", ":700|"},
    {"SET a 2", OK, "SET a 2", "$set a"},
    {"COPY a b", ":0|"},
    {"COPY a b REPLACE", ":1|", "COPY a b REPLACE", "gcopy_to b"},
    {"TTL b", ":-1|"},
    {"COPY a a", "-ERR source and destination objects are the same|"},
    {"COPY a a DB 2", ":1|", "COPY a a DB 2", "2:gcopy_to a"},
    {"COPY a c DB 4", "-ERR DB index is out of range|"},
    {"COPY a c DB", SYNTAX},
    {"COPY a c what", SYNTAX},
    {"MOVE a 2", ":0|"},
    {"MOVE b 2", ":1|", "MOVE b 2", "gmove_from b; 2:gmove_to b"},
    {"MOVE b 2", ":0|"},
    {"MOVE a 0", "-ERR source and destination objects are the same|"},
    {"MOVE a 9", "-ERR DB index is out of range|"},
    {"MOVE a x", NOT_INT},
    {"SELECT 2", OK},
    {"GET b", "$1|2|"},
    {"DEL b", ":1|", "2:DEL b", "2:gdel b"},
    {"COPY a n DB 0", ":1|", "2:COPY a n DB 0", "gcopy_to n"},
};
SCRIPT_TEST(copy)

static const struct step expire_steps[] = {
    {"EXPIRE a 10", ":0|"},
    {"SET a 1", OK, "SET a 1", "$set a"},
    {"EXPIRE a 10", ":1|", "PEXPIREAT a 1010000", "gexpire a"},
    {"PEXPIRE a 10", ":1|", "PEXPIREAT a 1000010", "gexpire a"},
    {"EXPIREAT a 1020", ":1|", "PEXPIREAT a 1020000", "gexpire a"},
    {"PEXPIREAT a 1020001", ":1|", "PEXPIREAT a 1020001", "gexpire a"},
    {"EXPIRETIME a", ":1020|"},
    {"PEXPIRETIME a", ":1020001|"},
    {"TTL a", ":20|"},
    {"EXPIRE a 5 NX", ":0|"},
    {"EXPIRE a 5 GT", ":0|"},
    {"EXPIRE a 50 LT", ":0|"},
    {"PEXPIREAT a 1020001 GT", ":0|"},
    {"PEXPIREAT a 1020001 LT", ":0|"},
    {"EXPIRE a 50 gt xx", ":1|", "PEXPIREAT a 1050000", "gexpire a"},
    {"EXPIRE a 40 LT", ":1|", "PEXPIREAT a 1040000", "gexpire a"},
    {"EXPIRE a 1 NX XX", "-ERR NX and XX, GT or LT options at the same time "
                         "are not compatible|"},
    {"EXPIRE a 1 GT LT", "-ERR GT and LT options at the same time are not "
                         "compatible|"},
    {"EXPIRE a 1 what", "-ERR Unsupported option what|"},
    {"EXPIRE a x", NOT_INT},
    {"EXPIRE a 9223372036854775807",
     "-ERR invalid expire time in 'expire' command|"},
    {"EXPIRE a -9223372036854775807",
     "-ERR invalid expire time in 'expire' command|"},
    {"PERSIST a", ":1|", "PERSIST a", "gpersist a"},
    {"PERSIST a", ":0|"},
    {"EXPIRE a 5 XX", ":0|"},
    {"EXPIRE a 5 GT", ":0|"},
    {"EXPIRE a 5 LT", ":1|", "PEXPIREAT a 1005000", "gexpire a"},
    {"EXPIRE a 0", ":1|", "DEL a", "gdel a"},
    {"TTL a", ":-2|"},
    {"SET a 1", OK, "SET a 1", "$set a"},
    {"PEXPIREAT a -1", ":1|", "DEL a", "gdel a"},
    {"SET a 1 PX 1499", OK, "SET a 1 PXAT 1001499", "$set a; gexpire a"},
    {"TTL a", ":1|"},
    {"PTTL a", ":1499|"},
    {"@1499", NULL},
    {"PTTL a", ":-2|", "DEL a", "xexpired a"},
    {"PERSIST a", ":0|"},
};
SCRIPT_TEST(expire)

static const struct step object_steps[] = {
    {"OBJECT ENCODING a", NIL},
    {"SET a 1", OK, "SET a 1", "$set a"},
    {"OBJECT ENCODING a", "$3|int|"},
    {"OBJECT REFCOUNT a", ":1|"},
    {"OBJECT IDLETIME a", ":0|"},
    {"@5000", NULL},
    {"OBJECT IDLETIME a", ":5|"},
    {"GET a", "$1|1|"},
    {"OBJECT IDLETIME a", ":0|"},
    {"SET a 12345678901234567890123456789012345678901234", OK,
     "SET a 12345678901234567890123456789012345678901234", "$set a"},
    {"OBJECT ENCODING a", "$6|embstr|"},
    {"APPEND a 5", ":45|", "APPEND a 5", "$append a"},
    {"OBJECT ENCODING a", "$3|raw|"},
    {"OBJECT WHAT a", "-ERR unknown subcommand 'WHAT'. Try OBJECT HELP.|"},
    {"RANDOMKEY", "$1|a|"},
    {"KEYS *", "*1|$1|a|"},
    {"KEYS b*", "*0|"},
    {"SCAN 0 COUNT 1000", "*2|$1|0|*1|$1|a|"},
    {"SCAN 0 COUNT 1000 MATCH b*", "*2|$1|0|*0|"},
    {"SCAN 0 COUNT 1000 TYPE list", "*2|$1|0|*0|"},
    {"SCAN 0 COUNT 0", SYNTAX},
    {"SCAN x", "-ERR invalid cursor|"},
    {"SCAN 18446744073709551615", "*2|$1|0|*0|"},
};
SCRIPT_TEST(object)

int test_generic_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_del),
        cmocka_unit_test(test_rename),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_expire),
        cmocka_unit_test(test_object),
    };
    return cmocka_run_group_tests_name("generic", tests, NULL, NULL);
}
