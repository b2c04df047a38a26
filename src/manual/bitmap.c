/* What COMMAND tells of the group bitmap. */
#include "manual/manual_priv.h"

const struct cmd_docs bitmap_docs[] = {
    {
        .name = "bitcount", .since = "2.6.0",
        .summary = "Counts the set bits of a string or of a part of it.",
        .complexity = "O(N), N the bytes looked at",
        .history = HISTORY(
            {"7.0.0", "BYTE and BIT choose the unit of the range."},
            {"8.0.0", "The end may be left out: the last byte then."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("range", ARGS(
                INTEGER("start"),
                BLOCK("end-unit-block", ARGS(
                    INTEGER("end"),
                    ONEOF("unit", ARGS(
                        TOKEN("byte", "BYTE"), TOKEN("bit", "BIT")), OPT,
                        .since = "7.0.0")), OPT)), OPT)),
    },
    {
        .name = "bitfield", .since = "3.2.0",
        .summary = "Reads and writes integers of any width inside a string.",
        .complexity = "O(1) for each operation",
        .keys = SPECS(
            AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
                .notes = "By its operations it reads or writes.",
                .find_flags = bitfield_flags)),
        .args = ARGS(
            KEY("key"),
            ONEOF("operation", ARGS(
                BLOCK("get-block", ARGS(STRING("encoding"), INTEGER("offset")),
                    .token = "GET"),
                BLOCK("write", ARGS(
                    ONEOF("overflow-block", ARGS(
                        TOKEN("wrap", "WRAP"), TOKEN("sat", "SAT"),
                        TOKEN("fail", "FAIL")), .token = "OVERFLOW", OPT),
                    ONEOF("write-operation", ARGS(
                        BLOCK("set-block", ARGS(
                            STRING("encoding"), INTEGER("offset"),
                            INTEGER("value")), .token = "SET"),
                        BLOCK("incrby-block", ARGS(
                            STRING("encoding"), INTEGER("offset"),
                            INTEGER("increment")), .token = "INCRBY")))))),
                OPT_MANY)),
    },
    {
        .name = "bitfield_ro", .since = "6.0.0",
        .summary = "Reads integers of any width inside a string.",
        .complexity = "O(1) for each operation",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("get-block", ARGS(STRING("encoding"), INTEGER("offset")),
                .token = "GET",
                .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN)),
    },
    {
        .name = "bitop", .since = "2.6.0",
        .summary = "Combines the bits of strings and stores the outcome.",
        .complexity = "O(N), N the length of the longest string",
        .history = HISTORY({"8.2.0", "Takes DIFF, DIFF1, ANDOR and ONE."}),
        .keys = SPECS(AT(2, KEY_OW | KEY_UPDATE),
            RANGE(3, -1, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            ONEOF("operation", ARGS(
                TOKEN("and", "AND"), TOKEN("or", "OR"), TOKEN("xor", "XOR"),
                TOKEN("not", "NOT"),
                TOKEN("diff", "DIFF", .since = "8.2.0"),
                TOKEN("diff1", "DIFF1", .since = "8.2.0"),
                TOKEN("andor", "ANDOR", .since = "8.2.0"),
                TOKEN("one", "ONE", .since = "8.2.0"))),
            KEY("destkey"), KEY_OF(2, "key", MANY)),
    },
    {
        .name = "bitpos", .since = "2.8.7",
        .summary = "Finds the first bit of a string that is set, or clear.",
        .complexity = "O(N), N the bytes looked at",
        .history = HISTORY(
            {"7.0.0", "BYTE and BIT choose the unit of the range."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), INTEGER("bit"),
            BLOCK("range", ARGS(
                INTEGER("start"),
                BLOCK("end-unit-block", ARGS(
                    INTEGER("end"),
                    ONEOF("unit", ARGS(
                        TOKEN("byte", "BYTE"), TOKEN("bit", "BIT")), OPT,
                        .since = "7.0.0")), OPT)), OPT)),
    },
    {
        .name = "getbit", .since = "2.2.0",
        .summary = "Tells one bit of a string.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), INTEGER("offset")),
    },
    {
        .name = "setbit", .since = "2.2.0",
        .summary = "Sets or clears one bit of a string and answers with its "
                   "former value.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .args = ARGS(KEY("key"), INTEGER("offset"), INTEGER("value")),
    },
    {.name = NULL},
};
