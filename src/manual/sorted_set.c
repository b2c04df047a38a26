/* What COMMAND tells of the group sorted-set. */
#include "manual/manual_priv.h"

const struct cmd_docs sorted_set_docs[] = {
    {
        .name = "bzmpop", .since = "7.0.0",
        .summary = "Takes members of lowest or highest score from the first "
                   "sorted set that has any; waits for some.",
        .complexity = "O(K)+O(M*log(N)), K the keys, N the members of the "
                      "sorted set, M those returned",
        .keys = SPECS(COUNTED(2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(
            DOUBLE("timeout"), INTEGER("numkeys"), KEY("key", MANY),
            ONEOF("where", ARGS(TOKEN("min", "MIN"), TOKEN("max", "MAX"))),
            INTEGER("count", .token = "COUNT", OPT)),
    },
    {
        .name = "bzpopmax", .since = "5.0.0",
        .summary = "Takes the member of highest score from the first sorted "
                   "set that has one; waits for one.",
        .complexity = "O(log(N)), N the members",
        .history = HISTORY({"6.0.0", "The timeout may have a fraction."}),
        .keys = SPECS(RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key", MANY), DOUBLE("timeout")),
    },
    {
        .name = "bzpopmin", .since = "5.0.0",
        .summary = "Takes the member of lowest score from the first sorted "
                   "set that has one; waits for one.",
        .complexity = "O(log(N)), N the members",
        .history = HISTORY({"6.0.0", "The timeout may have a fraction."}),
        .keys = SPECS(RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key", MANY), DOUBLE("timeout")),
    },
    {
        .name = "zadd", .since = "1.2.0",
        .summary = "Adds members to a sorted set, or changes their scores.",
        .complexity = "O(log(N)) for each member, N the members of the sorted "
                      "set",
        .history = HISTORY({"2.4.0", "Takes several members."},
            {"3.0.2", "Takes XX, NX, CH and INCR."},
            {"6.2.0", "Takes GT and LT."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            ONEOF("condition", ARGS(TOKEN("nx", "NX"), TOKEN("xx", "XX")), OPT,
                .since = "3.0.2"),
            ONEOF("comparison", ARGS(TOKEN("gt", "GT"), TOKEN("lt", "LT")), OPT,
                .since = "6.2.0"),
            TOKEN("change", "CH", OPT, .since = "3.0.2"),
            TOKEN("increment", "INCR", OPT, .since = "3.0.2"),
            BLOCK("data", ARGS(DOUBLE("score"), STRING("member")), MANY)),
    },
    {
        .name = "zcard", .since = "1.2.0",
        .summary = "Counts the members of a sorted set.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "zcount", .since = "2.0.0",
        .summary = "Counts the members with scores from one to another.",
        .complexity = "O(log(N)), N the members",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), DOUBLE("min"), DOUBLE("max")),
    },
    {
        .name = "zdiff", .since = "6.2.0",
        .summary = "Answers with the members of the first sorted set that no "
                   "other has.",
        .complexity = "O(L+(N-K)*log(N)), L the members of all, N those of "
                      "the first, K those returned",
        .keys = SPECS(COUNTED(1, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            INTEGER("numkeys"), KEY("key", MANY),
            TOKEN("withscores", "WITHSCORES", OPT)),
    },
    {
        .name = "zdiffstore", .since = "6.2.0",
        .summary = "Stores the members of the first sorted set that no other "
                   "has.",
        .complexity = "O(L+(N-K)*log(N)), L the members of all, N those of "
                      "the first, K those stored",
        .keys = SPECS(AT(1, KEY_OW | KEY_UPDATE),
            COUNTED(2, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("destination"), INTEGER("numkeys"), KEY_OF(2, "key", MANY)),
    },
    {
        .name = "zincrby", .since = "1.2.0",
        .summary = "Adds a given amount to the score of a member.",
        .complexity = "O(log(N)), N the members",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .args = ARGS(KEY("key"), INTEGER("increment"), STRING("member")),
    },
    {
        .name = "zinter", .since = "6.2.0",
        .summary = "Answers with the members that all sorted sets have.",
        .complexity = "O(N*K)+O(M*log(M)), N the members of the smallest, K "
                      "the sorted sets, M the members returned",
        .keys = SPECS(COUNTED(1, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            INTEGER("numkeys"), KEY("key", MANY),
            INTEGER("weight", .token = "WEIGHTS", OPT_MANY),
            ONEOF("aggregate", ARGS(
                TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX")),
                .token = "AGGREGATE", OPT),
            TOKEN("withscores", "WITHSCORES", OPT)),
    },
    {
        .name = "zintercard", .since = "7.0.0",
        .summary = "Counts the members that all sorted sets have.",
        .complexity = "O(N*K), N the members of the smallest, K the sorted "
                      "sets",
        .keys = SPECS(COUNTED(1, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            INTEGER("numkeys"), KEY("key", MANY),
            INTEGER("limit", .token = "LIMIT", OPT)),
    },
    {
        .name = "zinterstore", .since = "2.0.0",
        .summary = "Stores the members that all sorted sets have.",
        .complexity = "O(N*K)+O(M*log(M)), N the members of the smallest, K "
                      "the sorted sets, M the members stored",
        .keys = SPECS(AT(1, KEY_OW | KEY_UPDATE),
            COUNTED(2, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("destination"), INTEGER("numkeys"), KEY_OF(2, "key", MANY),
            INTEGER("weight", .token = "WEIGHTS", OPT_MANY),
            ONEOF("aggregate", ARGS(
                TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX")),
                .token = "AGGREGATE", OPT)),
    },
    {
        .name = "zlexcount", .since = "2.8.9",
        .summary = "Counts the members from one name to another.",
        .complexity = "O(log(N)), N the members",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("min"), STRING("max")),
    },
    {
        .name = "zmpop", .since = "7.0.0",
        .summary = "Takes members of lowest or highest score from the first "
                   "sorted set that has any.",
        .complexity = "O(K)+O(M*log(N)), K the keys, N the members of the "
                      "sorted set, M those returned",
        .keys = SPECS(COUNTED(1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(
            INTEGER("numkeys"), KEY("key", MANY),
            ONEOF("where", ARGS(TOKEN("min", "MIN"), TOKEN("max", "MAX"))),
            INTEGER("count", .token = "COUNT", OPT)),
    },
    {
        .name = "zmscore", .since = "6.2.0",
        .summary = "Answers with the scores of members.",
        .complexity = "O(N), N the members asked for",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("member", MANY)),
    },
    {
        .name = "zpopmax", .since = "5.0.0",
        .summary = "Takes the members of highest score.",
        .complexity = "O(log(N)*M), N the members, M those returned",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("count", OPT)),
    },
    {
        .name = "zpopmin", .since = "5.0.0",
        .summary = "Takes the members of lowest score.",
        .complexity = "O(log(N)*M), N the members, M those returned",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("count", OPT)),
    },
    {
        .name = "zrandmember", .since = "6.2.0",
        .summary = "Answers with members chosen by chance.",
        .complexity = "O(N), N the members returned",
        .tips = "nondeterministic_output",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("options", ARGS(
                INTEGER("count"), TOKEN("withscores", "WITHSCORES", OPT)),
                OPT)),
    },
    {
        .name = "zrange", .since = "1.2.0",
        .summary = "Answers with members by rank, by score or by name.",
        .complexity = "O(log(N)+M), N the members, M those returned",
        .history = HISTORY({"6.2.0", "Takes REV, BYSCORE, BYLEX and LIMIT."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("start"), STRING("stop"),
            ONEOF("sortby", ARGS(
                TOKEN("byscore", "BYSCORE"), TOKEN("bylex", "BYLEX")), OPT,
                .since = "6.2.0"),
            TOKEN("rev", "REV", OPT, .since = "6.2.0"),
            BLOCK("limit", ARGS(INTEGER("offset"), INTEGER("count")),
                .token = "LIMIT", OPT, .since = "6.2.0"),
            TOKEN("withscores", "WITHSCORES", OPT)),
    },
    {
        .name = "zrangebylex", .since = "2.8.9",
        .summary = "Answers with the members from one name to another.",
        .complexity = "O(log(N)+M), N the members, M those returned",
        .replaced_by = "`ZRANGE`, `BYLEX`",
        .deprecated_since = "6.2.0",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("min"), STRING("max"),
            BLOCK("limit", ARGS(INTEGER("offset"), INTEGER("count")),
                .token = "LIMIT", OPT)),
    },
    {
        .name = "zrangebyscore", .since = "1.0.5",
        .summary = "Answers with the members with scores from one to another.",
        .complexity = "O(log(N)+M), N the members, M those returned",
        .replaced_by = "`ZRANGE`, `BYSCORE`",
        .deprecated_since = "6.2.0",
        .history = HISTORY({"2.0.0", "Takes WITHSCORES."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), DOUBLE("min"), DOUBLE("max"),
            TOKEN("withscores", "WITHSCORES", OPT, .since = "2.0.0"),
            BLOCK("limit", ARGS(INTEGER("offset"), INTEGER("count")),
                .token = "LIMIT", OPT)),
    },
    {
        .name = "zrangestore", .since = "6.2.0",
        .summary = "Stores members chosen by rank, by score or by name.",
        .complexity = "O(log(N)+M), N the members, M those stored",
        .keys = SPECS(AT(1, KEY_OW | KEY_UPDATE), AT(2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("dst"), KEY_OF(2, "src"), STRING("min"), STRING("max"),
            ONEOF("sortby", ARGS(
                TOKEN("byscore", "BYSCORE"), TOKEN("bylex", "BYLEX")), OPT),
            TOKEN("rev", "REV", OPT),
            BLOCK("limit", ARGS(INTEGER("offset"), INTEGER("count")),
                .token = "LIMIT", OPT)),
    },
    {
        .name = "zrank", .since = "2.0.0",
        .summary = "Tells the rank of a member, the lowest score first.",
        .complexity = "O(log(N)), N the members",
        .history = HISTORY({"7.2.0", "Takes WITHSCORE."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("member"), TOKEN("withscore", "WITHSCORE", OPT)),
    },
    {
        .name = "zrem", .since = "1.2.0",
        .summary = "Removes members from a sorted set, and it with its last "
                   "one.",
        .complexity = "O(M*log(N)), N the members, M those to remove",
        .history = HISTORY({"2.4.0", "Takes several members."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), STRING("member", MANY)),
    },
    {
        .name = "zremrangebylex", .since = "2.8.9",
        .summary = "Removes the members from one name to another.",
        .complexity = "O(log(N)+M), N the members, M those removed",
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), STRING("min"), STRING("max")),
    },
    {
        .name = "zremrangebyrank", .since = "2.0.0",
        .summary = "Removes the members from one rank to another.",
        .complexity = "O(log(N)+M), N the members, M those removed",
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("start"), INTEGER("stop")),
    },
    {
        .name = "zremrangebyscore", .since = "1.2.0",
        .summary = "Removes the members with scores from one to another.",
        .complexity = "O(log(N)+M), N the members, M those removed",
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), DOUBLE("min"), DOUBLE("max")),
    },
    {
        .name = "zrevrange", .since = "1.2.0",
        .summary = "Answers with members by rank, the highest score first.",
        .complexity = "O(log(N)+M), N the members, M those returned",
        .replaced_by = "`ZRANGE`, `REV`",
        .deprecated_since = "6.2.0",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), INTEGER("start"), INTEGER("stop"),
            TOKEN("withscores", "WITHSCORES", OPT)),
    },
    {
        .name = "zrevrangebylex", .since = "2.8.9",
        .summary = "Answers with the members from one name down to another.",
        .complexity = "O(log(N)+M), N the members, M those returned",
        .replaced_by = "`ZRANGE`, `REV` and `BYLEX`",
        .deprecated_since = "6.2.0",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("max"), STRING("min"),
            BLOCK("limit", ARGS(INTEGER("offset"), INTEGER("count")),
                .token = "LIMIT", OPT)),
    },
    {
        .name = "zrevrangebyscore", .since = "2.2.0",
        .summary = "Answers with the members with scores from one down to "
                   "another.",
        .complexity = "O(log(N)+M), N the members, M those returned",
        .replaced_by = "`ZRANGE`, `REV` and `BYSCORE`",
        .deprecated_since = "6.2.0",
        .history = HISTORY(
            {"2.1.6", "Either end may be left out of the range."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), DOUBLE("max"), DOUBLE("min"),
            TOKEN("withscores", "WITHSCORES", OPT),
            BLOCK("limit", ARGS(INTEGER("offset"), INTEGER("count")),
                .token = "LIMIT", OPT)),
    },
    {
        .name = "zrevrank", .since = "2.0.0",
        .summary = "Tells the rank of a member, the highest score first.",
        .complexity = "O(log(N)), N the members",
        .history = HISTORY({"7.2.0", "Takes WITHSCORE."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("member"), TOKEN("withscore", "WITHSCORE", OPT)),
    },
    {
        .name = "zscan", .since = "2.8.0",
        .summary = "Answers with the members of a sorted set and their "
                   "scores, some with each call.",
        .complexity = "O(1) for a call, O(N) for all of them, N the members",
        .tips = "nondeterministic_output",
        .history = HISTORY({"8.0.0", "Takes NOSCORES."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), INTEGER("cursor"),
            PATTERN("pattern", .token = "MATCH", OPT),
            INTEGER("count", .token = "COUNT", OPT),
            TOKEN("noscores", "NOSCORES", OPT)),
    },
    {
        .name = "zscore", .since = "1.2.0",
        .summary = "Answers with the score of a member.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("member")),
    },
    {
        .name = "zunion", .since = "6.2.0",
        .summary = "Answers with the members that any of the sorted sets has.",
        .complexity = "O(N)+O(M*log(M)), N the members of all, M those "
                      "returned",
        .keys = SPECS(COUNTED(1, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            INTEGER("numkeys"), KEY("key", MANY),
            INTEGER("weight", .token = "WEIGHTS", OPT_MANY),
            ONEOF("aggregate", ARGS(
                TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX")),
                .token = "AGGREGATE", OPT),
            TOKEN("withscores", "WITHSCORES", OPT)),
    },
    {
        .name = "zunionstore", .since = "2.0.0",
        .summary = "Stores the members that any of the sorted sets has.",
        .complexity = "O(N)+O(M*log(M)), N the members of all, M those stored",
        .keys = SPECS(AT(1, KEY_OW | KEY_UPDATE),
            COUNTED(2, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("destination"), INTEGER("numkeys"), KEY_OF(2, "key", MANY),
            INTEGER("weight", .token = "WEIGHTS", OPT_MANY),
            ONEOF("aggregate", ARGS(
                TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX")),
                .token = "AGGREGATE", OPT)),
    },
    {.name = NULL},
};
