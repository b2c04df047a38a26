/* What COMMAND tells of the group hyperloglog. */
#include "manual/manual_priv.h"

const struct cmd_docs hyperloglog_docs[] = {
    {
        .name = "pfadd", .since = "2.8.9",
        .summary = "Adds elements to a HyperLogLog, which is made if there is "
                   "none.",
        .complexity = "O(1) for each element",
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("element", OPT_MANY)),
    },
    {
        .name = "pfcount", .since = "2.8.9",
        .summary = "Estimates how many different elements HyperLogLogs have "
                   "seen.",
        .complexity = "O(1) for one key, O(N) for N keys",
        .keys = SPECS(
            RANGE(1, -1, 1, KEY_RW | KEY_ACCESS,
                .notes = "Counting may change how the key is kept.")),
        .args = ARGS(KEY("key", MANY)),
    },
    {
        .name = "pfmerge", .since = "2.8.9",
        .summary = "Unites HyperLogLogs in one.",
        .complexity = "O(N), N the keys",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_INSERT),
            RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("destkey"), KEY_OF(2, "sourcekey", OPT_MANY)),
    },
    {.name = NULL},
};
