/* What COMMAND tells of the group hash. */
#include "manual/manual_priv.h"

const struct cmd_docs hash_docs[] = {
    {
        .name = "hdel", .since = "2.0.0",
        .summary = "Removes fields from a hash, and the hash with its last "
                   "one.",
        .complexity = "O(N), N the fields",
        .history = HISTORY({"2.4.0", "Takes several fields."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), STRING("field", MANY)),
    },
    {
        .name = "hexists", .since = "2.0.0",
        .summary = "Tells whether a hash has a field.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO)),
        .args = ARGS(KEY("key"), STRING("field")),
    },
    {
        .name = "hexpire", .since = "7.4.0",
        .summary = "Lets fields of a hash expire after some seconds.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), INTEGER("seconds"),
            ONEOF("condition", ARGS(
                TOKEN("nx", "NX"), TOKEN("xx", "XX"), TOKEN("gt", "GT"),
                TOKEN("lt", "LT")), OPT),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hexpireat", .since = "7.4.0",
        .summary = "Lets fields of a hash expire at a time in seconds.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), UNIX_TIME("unix-time-seconds"),
            ONEOF("condition", ARGS(
                TOKEN("nx", "NX"), TOKEN("xx", "XX"), TOKEN("gt", "GT"),
                TOKEN("lt", "LT")), OPT),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hexpiretime", .since = "7.4.0",
        .summary = "Tells at which second fields of a hash expire.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hget", .since = "2.0.0",
        .summary = "Answers with the value of a field.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("field")),
    },
    {
        .name = "hgetall", .since = "2.0.0",
        .summary = "Answers with all fields of a hash and their values.",
        .complexity = "O(N), N the fields of the hash",
        .tips = "nondeterministic_output_order",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "hgetdel", .since = "8.0.0",
        .summary = "Answers with the values of fields and removes the fields.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(
            KEY("key"),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hgetex", .since = "8.0.0",
        .summary = "Answers with the values of fields and sets or clears "
                   "their expiry.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            ONEOF("expiration", ARGS(
                INTEGER("seconds", .token = "EX"),
                INTEGER("milliseconds", .token = "PX"),
                UNIX_TIME("unix-time-seconds", .token = "EXAT"),
                UNIX_TIME("unix-time-milliseconds", .token = "PXAT"),
                TOKEN("persist", "PERSIST")), OPT),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hincrby", .since = "2.0.0",
        .summary = "Adds a given amount to the number in a field.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .args = ARGS(KEY("key"), STRING("field"), INTEGER("increment")),
    },
    {
        .name = "hincrbyfloat", .since = "2.6.0",
        .summary = "Adds a decimal fraction to the number in a field.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .args = ARGS(KEY("key"), STRING("field"), DOUBLE("increment")),
    },
    {
        .name = "hkeys", .since = "2.0.0",
        .summary = "Answers with the names of all fields of a hash.",
        .complexity = "O(N), N the fields of the hash",
        .tips = "nondeterministic_output_order",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "hlen", .since = "2.0.0",
        .summary = "Counts the fields of a hash.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "hmget", .since = "2.0.0",
        .summary = "Answers with the values of several fields.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("field", MANY)),
    },
    {
        .name = "hmset", .since = "2.0.0",
        .summary = "Sets several fields of a hash.",
        .complexity = "O(N), N the fields",
        .replaced_by = "`HSET`",
        .deprecated_since = "4.0.0",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            BLOCK("data", ARGS(STRING("field"), STRING("value")), MANY)),
    },
    {
        .name = "hpersist", .since = "7.4.0",
        .summary = "Takes the expiry from fields of a hash.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hpexpire", .since = "7.4.0",
        .summary = "Lets fields of a hash expire after some milliseconds.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), INTEGER("milliseconds"),
            ONEOF("condition", ARGS(
                TOKEN("nx", "NX"), TOKEN("xx", "XX"), TOKEN("gt", "GT"),
                TOKEN("lt", "LT")), OPT),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hpexpireat", .since = "7.4.0",
        .summary = "Lets fields of a hash expire at a time in milliseconds.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), UNIX_TIME("unix-time-milliseconds"),
            ONEOF("condition", ARGS(
                TOKEN("nx", "NX"), TOKEN("xx", "XX"), TOKEN("gt", "GT"),
                TOKEN("lt", "LT")), OPT),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hpexpiretime", .since = "7.4.0",
        .summary = "Tells at which millisecond fields of a hash expire.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hpttl", .since = "7.4.0",
        .summary = "Tells in how many milliseconds fields of a hash expire.",
        .complexity = "O(N), N the fields",
        .tips = "nondeterministic_output",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hrandfield", .since = "6.2.0",
        .summary = "Answers with fields of a hash chosen by chance.",
        .complexity = "O(N), N the fields returned",
        .tips = "nondeterministic_output",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("options", ARGS(
                INTEGER("count"), TOKEN("withvalues", "WITHVALUES", OPT)),
                OPT)),
    },
    {
        .name = "hscan", .since = "2.8.0",
        .summary = "Answers with the fields of a hash, some with each call.",
        .complexity = "O(1) for a call, O(N) for all of them, N the fields",
        .tips = "nondeterministic_output",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), INTEGER("cursor"),
            PATTERN("pattern", .token = "MATCH", OPT),
            INTEGER("count", .token = "COUNT", OPT),
            TOKEN("novalues", "NOVALUES", OPT)),
    },
    {
        .name = "hset", .since = "2.0.0",
        .summary = "Sets fields of a hash, which is made if there is none.",
        .complexity = "O(N), N the fields",
        .history = HISTORY({"4.0.0", "Takes several fields."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            BLOCK("data", ARGS(STRING("field"), STRING("value")), MANY)),
    },
    {
        .name = "hsetex", .since = "8.0.0",
        .summary = "Sets fields of a hash and their expiry, on conditions.",
        .complexity = "O(N), N the fields",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            ONEOF("condition", ARGS(TOKEN("fnx", "FNX"), TOKEN("fxx", "FXX")),
                OPT),
            ONEOF("expiration", ARGS(
                INTEGER("seconds", .token = "EX"),
                INTEGER("milliseconds", .token = "PX"),
                UNIX_TIME("unix-time-seconds", .token = "EXAT"),
                UNIX_TIME("unix-time-milliseconds", .token = "PXAT"),
                TOKEN("keepttl", "KEEPTTL")), OPT),
            BLOCK("fields", ARGS(
                INTEGER("numfields"),
                BLOCK("data", ARGS(STRING("field"), STRING("value")), MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hsetnx", .since = "2.0.0",
        .summary = "Sets a field of a hash if there is none of that name.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("field"), STRING("value")),
    },
    {
        .name = "hstrlen", .since = "3.2.0",
        .summary = "Tells how long the value of a field is.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO)),
        .args = ARGS(KEY("key"), STRING("field")),
    },
    {
        .name = "httl", .since = "7.4.0",
        .summary = "Tells in how many seconds fields of a hash expire.",
        .complexity = "O(N), N the fields",
        .tips = "nondeterministic_output",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("fields", ARGS(INTEGER("numfields"), STRING("field", MANY)),
                .token = "FIELDS")),
    },
    {
        .name = "hvals", .since = "2.0.0",
        .summary = "Answers with the values of all fields of a hash.",
        .complexity = "O(N), N the fields of the hash",
        .tips = "nondeterministic_output_order",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key")),
    },
    {.name = NULL},
};
