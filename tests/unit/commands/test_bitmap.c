/* Scripts of the bitmap family. */
#include "tests.h"

#define BIT_OFFSET "-ERR bit offset is not an integer or out of range|"

static const struct step bit_steps[] = {
    {"SETBIT b 7 1", ":0|", "SETBIT b 7 1", "$setbit b"},
    {"SETBIT b 7 1", ":1|"},
    {"SETBIT b 100 0", ":0|", "SETBIT b 100 0", "$setbit b"},
    {"STRLEN b", ":13|"},
    {"SETBIT b 7 0", ":1|", "SETBIT b 7 0", "$setbit b"},
    {"GETBIT b 7", ":0|"},
    {"GETBIT b 4000000", ":0|"},
    {"GETBIT nothing 0", ":0|"},
    {"SETBIT b -1 1", BIT_OFFSET},
    {"SETBIT b 8388608 1", BIT_OFFSET},
    {"SETBIT b x 1", BIT_OFFSET},
    {"GETBIT b x", BIT_OFFSET},
    {"SETBIT b 1 2", "-ERR bit is not an integer or out of range|"},
    {"SET n 1", OK, "SET n 1", "$set n"},
    {"SETBIT n 6 1", ":0|", "SETBIT n 6 1", "$setbit n"},
    {"GET n", "$1|3|"},
    {"INCR n", ":4|", "INCR n", "$incrby n"},
};
SCRIPT_TEST(bit)

static const struct step count_steps[] = {
    {"SET s foobar", OK, "SET s foobar", "$set s"},
    {"BITCOUNT s", ":26|"},
    {"BITCOUNT s 0 0", ":4|"},
    {"BITCOUNT s 1 1", ":6|"},
    {"BITCOUNT s 5 30 BIT", ":17|"},
    {"BITCOUNT s 5 2", ":0|"},
    {"BITCOUNT s 0", ":26|"},
    {"BITCOUNT s 5", ":4|"},
    {"BITCOUNT s 0 1 WORD", SYNTAX},
    {"BITCOUNT nothing", ":0|"},
    {"SET p '\\xff\\xf0\\x00'", OK, "SET p \\xff\\xf0\\x00", "$set p"},
    {"BITPOS p 0", ":12|"},
    {"BITPOS p 1 2", ":-1|"},
    {"BITPOS p 0 0 0", ":-1|"},
    {"BITPOS p 1 8 -1 BIT", ":8|"},
    {"BITPOS p 2", "-ERR The bit argument must be 1 or 0.|"},
    {"BITPOS nothing 0", ":0|"},
    {"BITPOS nothing 1", ":-1|"},
};
SCRIPT_TEST(count)

static const struct step bitop_steps[] = {
    {"MSET x abc y ab z 1", OK, "MSET x abc y ab z 1",
     "$set x; $set y; $set z"},
    {"BITOP AND d x y", ":3|", "BITOP AND d x y", "$set d"},
    {"GET d", "$3|ab\\x00|"},
    {"bitop xor d x y", ":3|", "bitop xor d x y", "$set d"},
    {"GET d", "$3|\\x00\\x00c|"},
    {"BITOP NOT d z", ":1|", "BITOP NOT d z", "$set d"},
    {"GET d", "$1|\\xce|"},
    {"BITOP OR x x z", ":3|", "BITOP OR x x z", "$set x"},
    {"GET x", "$3|qbc|"},
    {"BITOP DIFF d x y", ":3|", "BITOP DIFF d x y", "$set d"},
    {"BITOP ONE d x y z", ":3|", "BITOP ONE d x y z", "$set d"},
    {"BITOP AND d nothing none", ":0|", "BITOP AND d nothing none", "gdel d"},
    {"BITOP AND d nothing none", ":0|"},
    {"SET d 1 PX 5", OK, "SET d 1 PXAT 1000005", "$set d; gexpire d"},
    {"BITOP OR d d y", ":2|", "BITOP OR d d y", "$set d"},
    {"TTL d", ":-1|"},
    {"BITOP NOT d x y",
     "-ERR BITOP NOT must be called with a single source key.|"},
    {"BITOP DIFF d x",
     "-ERR BITOP DIFF must be called with multiple source keys.|"},
    {"BITOP WHAT d x", SYNTAX},
};
SCRIPT_TEST(bitop)

static const struct step field_steps[] = {
    {"BITFIELD f SET u8 0 200 GET u8 0", "*2|:0|:200|",
     "BITFIELD f SET u8 0 200 GET u8 0", "$setbit f"},
    {"BITFIELD f SET u8 0 200", "*1|:200|"},
    {"BITFIELD f INCRBY u8 0 100", "*1|:44|", "BITFIELD f INCRBY u8 0 100",
     "$setbit f"},
    {"BITFIELD f OVERFLOW SAT INCRBY i8 #1 127 INCRBY i8 #1 5", "*2|:127|:127|",
     "BITFIELD f OVERFLOW SAT INCRBY i8 #1 127 INCRBY i8 #1 5", "$setbit f"},
    {"BITFIELD f OVERFLOW FAIL INCRBY i8 #1 1", "*1|$-1|"},
    {"BITFIELD f GET i4 0 GET u4 4", "*2|:2|:12|"},
    {"BITFIELD f", "*0|"},
    {"BITFIELD_RO f GET u16 0", "*1|:11391|"},
    {"BITFIELD_RO f SET u8 0 1",
     "-ERR BITFIELD_RO only supports the GET subcommand|"},
    {"BITFIELD f SET u8 8388608 1", BIT_OFFSET},
    {"BITFIELD f SET u8 8388607 0", "*1|:0|",
     "BITFIELD f SET u8 8388607 0", "$setbit f"},
    {"BITFIELD f GET u64 0",
     "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is "
     "not supported but i64 is.|"},
    {"BITFIELD f OVERFLOW WHAT",
     "-ERR Invalid OVERFLOW type specified|"},
    {"BITFIELD f SET u8 0", SYNTAX},
    {"BITFIELD nothing GET u8 0", "*1|:0|"},
    {"EXISTS nothing", ":0|"},
};
SCRIPT_TEST(field)

int test_bitmap_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bit),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_bitop),
        cmocka_unit_test(test_field),
    };
    return cmocka_run_group_tests_name("bitmap", tests, NULL, NULL);
}
