/* What COMMAND tells of the group transactions. */
#include "manual/manual_priv.h"

const struct cmd_docs transactions_docs[] = {
    {
        .name = "discard", .since = "2.0.0",
        .summary = "Drops the commands queued since MULTI.",
        .complexity = "O(N), N the commands queued",
    },
    {
        .name = "exec", .since = "1.2.0",
        .summary = "Runs the commands queued since MULTI.",
        .complexity = "By the commands",
    },
    {
        .name = "multi", .since = "1.2.0",
        .summary = "Has the commands that follow queued until EXEC.",
        .complexity = "O(1)",
    },
    {
        .name = "unwatch", .since = "2.2.0",
        .summary = "Forgets the keys watched by WATCH.",
        .complexity = "O(1)",
    },
    {
        .name = "watch", .since = "2.2.0",
        .summary = "Has EXEC do nothing if one of these keys is changed "
                   "before.",
        .complexity = "O(1) for each key",
        .keys = SPECS(RANGE(1, -1, 1, KEY_RO)),
        .args = ARGS(KEY("key", MANY)),
    },
    {.name = NULL},
};
