/* What COMMAND tells of the group stream. */
#include "manual/manual_priv.h"

const struct cmd_docs stream_docs[] = {
    {
        .name = "xack", .since = "5.0.0",
        .summary = "Tells a group that messages have been dealt with.",
        .complexity = "O(1) for each message",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(KEY("key"), STRING("group"), STRING("id", MANY)),
    },
    {
        .name = "xadd", .since = "5.0.0",
        .summary = "Adds an entry to a stream, and may remove old ones.",
        .complexity = "O(1), and O(N) for trimming, N the entries removed",
        .tips = "nondeterministic_output",
        .history = HISTORY({"6.2.0", "Takes NOMKSTREAM, MINID and LIMIT."},
            {"7.0.0", "Takes identifiers of the form `<ms>-*`."}),
        .keys = SPECS(
            AT(1, KEY_RW | KEY_UPDATE,
                .notes = "Adding may also trim the stream.")),
        .args = ARGS(
            KEY("key"),
            TOKEN("nomkstream", "NOMKSTREAM", OPT, .since = "6.2.0"),
            BLOCK("trim", ARGS(
                ONEOF("strategy", ARGS(
                    TOKEN("maxlen", "MAXLEN"),
                    TOKEN("minid", "MINID", .since = "6.2.0"))),
                ONEOF("operator", ARGS(
                    TOKEN("equal", "="), TOKEN("approximately", "~")), OPT),
                STRING("threshold"),
                INTEGER("count", .token = "LIMIT", OPT, .since = "6.2.0")),
                OPT),
            ONEOF("id-selector", ARGS(TOKEN("auto-id", "*"), STRING("id"))),
            BLOCK("data", ARGS(STRING("field"), STRING("value")), MANY)),
    },
    {
        .name = "xautoclaim", .since = "6.2.0",
        .summary = "Gives a consumer the messages that others have kept for "
                   "long.",
        .complexity = "O(1) if COUNT is small",
        .tips = "nondeterministic_output",
        .history = HISTORY(
            {"7.0.0", "The reply tells which entries were deleted."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(
            KEY("key"), STRING("group"), STRING("consumer"),
            STRING("min-idle-time"), STRING("start"),
            INTEGER("count", .token = "COUNT", OPT),
            TOKEN("justid", "JUSTID", OPT)),
    },
    {
        .name = "xclaim", .since = "5.0.0",
        .summary = "Gives a consumer messages that others keep.",
        .complexity = "O(log(N)), N the messages pending in the group",
        .tips = "nondeterministic_output",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), STRING("group"), STRING("consumer"),
            STRING("min-idle-time"), STRING("id", MANY),
            INTEGER("ms", .token = "IDLE", OPT),
            UNIX_TIME("unix-time-milliseconds", .token = "TIME", OPT),
            INTEGER("count", .token = "RETRYCOUNT", OPT),
            TOKEN("force", "FORCE", OPT), TOKEN("justid", "JUSTID", OPT),
            STRING("lastid", .token = "LASTID", OPT)),
    },
    {
        .name = "xdel", .since = "5.0.0",
        .summary = "Removes entries from a stream.",
        .complexity = "O(1) for each entry",
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), STRING("id", MANY)),
    },
    {
        .name = "xgroup", .since = "5.0.0",
        .summary = "Commands about groups of consumers.",
        .complexity = "By subcommand",
    },
    {
        .name = "xgroup|create", .since = "5.0.0",
        .summary = "Makes a group.",
        .complexity = "O(1)",
        .history = HISTORY({"7.0.0", "Takes ENTRIESREAD."}),
        .keys = SPECS(AT(2, KEY_RW | KEY_INSERT)),
        .args = ARGS(
            KEY("key"), STRING("group"),
            ONEOF("id-selector", ARGS(STRING("id"), TOKEN("new-id", "$"))),
            TOKEN("mkstream", "MKSTREAM", OPT),
            INTEGER("entriesread", .token = "ENTRIESREAD",
                .display_text = "entries-read", OPT)),
    },
    {
        .name = "xgroup|createconsumer", .since = "6.2.0",
        .summary = "Makes a consumer in a group.",
        .complexity = "O(1)",
        .keys = SPECS(AT(2, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("group"), STRING("consumer")),
    },
    {
        .name = "xgroup|delconsumer", .since = "5.0.0",
        .summary = "Removes a consumer from a group.",
        .complexity = "O(1)",
        .keys = SPECS(AT(2, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), STRING("group"), STRING("consumer")),
    },
    {
        .name = "xgroup|destroy", .since = "5.0.0",
        .summary = "Removes a group.",
        .complexity = "O(N), N the messages pending in the group",
        .keys = SPECS(AT(2, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), STRING("group")),
    },
    {
        .name = "xgroup|help", .since = "5.0.0",
        .summary = "Lists what XGROUP can do.",
        .complexity = "O(1)",
    },
    {
        .name = "xgroup|setid", .since = "5.0.0",
        .summary = "Chooses the last entry that a group has been given.",
        .complexity = "O(1)",
        .history = HISTORY({"7.0.0", "Takes ENTRIESREAD."}),
        .keys = SPECS(AT(2, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), STRING("group"),
            ONEOF("id-selector", ARGS(STRING("id"), TOKEN("new-id", "$"))),
            INTEGER("entriesread", .token = "ENTRIESREAD",
                .display_text = "entries-read", OPT)),
    },
    {
        .name = "xinfo", .since = "5.0.0",
        .summary = "Commands about streams and their groups.",
        .complexity = "By subcommand",
    },
    {
        .name = "xinfo|consumers", .since = "5.0.0",
        .summary = "Describes the consumers of a group.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
        .history = HISTORY(
            {"7.2.0", "Shows `inactive`; `idle` has another meaning."}),
        .keys = SPECS(AT(2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("group")),
    },
    {
        .name = "xinfo|groups", .since = "5.0.0",
        .summary = "Describes the groups of a stream.",
        .complexity = "O(1)",
        .history = HISTORY({"7.0.0", "Shows `entries-read` and `lag`."}),
        .keys = SPECS(AT(2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "xinfo|help", .since = "5.0.0",
        .summary = "Lists what XINFO can do.",
        .complexity = "O(1)",
    },
    {
        .name = "xinfo|stream", .since = "5.0.0",
        .summary = "Describes a stream.",
        .complexity = "O(1)",
        .history = HISTORY({"6.0.0", "Takes FULL."},
            {"7.0.0", "Shows more of what was added, deleted and read."},
            {"7.2.0", "Shows `active-time`; `seen-time` has another meaning."}),
        .keys = SPECS(AT(2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            BLOCK("full-block", ARGS(
                TOKEN("full", "FULL"), INTEGER("count", .token = "COUNT", OPT)),
                OPT)),
    },
    {
        .name = "xlen", .since = "5.0.0",
        .summary = "Counts the entries of a stream.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "xpending", .since = "5.0.0",
        .summary = "Tells which messages of a group are not yet dealt with.",
        .complexity = "O(N), N the entries returned; O(M) with IDLE, M the "
                      "entries looked at",
        .tips = "nondeterministic_output",
        .history = HISTORY(
            {"6.2.0", "Takes IDLE, and ranges without their ends."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("group"),
            BLOCK("filters", ARGS(
                INTEGER("min-idle-time", .token = "IDLE", OPT,
                    .since = "6.2.0"),
                STRING("start"), STRING("end"), INTEGER("count"),
                STRING("consumer", OPT)), OPT)),
    },
    {
        .name = "xrange", .since = "5.0.0",
        .summary = "Answers with the entries from one identifier to another.",
        .complexity = "O(N), N the entries returned",
        .history = HISTORY({"6.2.0", "Takes ranges without their ends."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("start"), STRING("end"),
            INTEGER("count", .token = "COUNT", OPT)),
    },
    {
        .name = "xread", .since = "5.0.0",
        .summary = "Answers with the entries of streams behind given ones; "
                   "may wait for some.",
        .keys = SPECS(BEHIND("STREAMS", 1, -1, 2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            INTEGER("count", .token = "COUNT", OPT),
            INTEGER("milliseconds", .token = "BLOCK", OPT),
            BLOCK("streams", ARGS(KEY("key", MANY), STRING("id", MANY)),
                .token = "STREAMS")),
    },
    {
        .name = "xreadgroup", .since = "5.0.0",
        .summary = "Gives a consumer entries of streams that its group has "
                   "not been given; may wait for some.",
        .complexity = "O(M) for each stream, M the entries returned",
        .keys = SPECS(BEHIND("STREAMS", 4, -1, 2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            BLOCK("group-block", ARGS(STRING("group"), STRING("consumer")),
                .token = "GROUP"),
            INTEGER("count", .token = "COUNT", OPT),
            INTEGER("milliseconds", .token = "BLOCK", OPT),
            TOKEN("noack", "NOACK", OPT),
            BLOCK("streams", ARGS(KEY("key", MANY), STRING("id", MANY)),
                .token = "STREAMS")),
    },
    {
        .name = "xrevrange", .since = "5.0.0",
        .summary = "Answers with the entries from one identifier down to "
                   "another.",
        .complexity = "O(N), N the entries returned",
        .history = HISTORY({"6.2.0", "Takes ranges without their ends."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("end"), STRING("start"),
            INTEGER("count", .token = "COUNT", OPT)),
    },
    {
        .name = "xsetid", .since = "5.0.0",
        .summary = "Chooses the last identifier of a stream.",
        .complexity = "O(1)",
        .history = HISTORY({"7.0.0", "Takes ENTRIESADDED and MAXDELETEDID."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), STRING("last-id"),
            INTEGER("entries-added", .token = "ENTRIESADDED", OPT,
                .since = "7.0.0"),
            STRING("max-deleted-id", .token = "MAXDELETEDID", OPT,
                .since = "7.0.0")),
    },
    {
        .name = "xtrim", .since = "5.0.0",
        .summary = "Removes old entries from a stream.",
        .complexity = "O(N), N the entries removed",
        .tips = "nondeterministic_output",
        .history = HISTORY({"6.2.0", "Takes MINID and LIMIT."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(
            KEY("key"),
            BLOCK("trim", ARGS(
                ONEOF("strategy", ARGS(
                    TOKEN("maxlen", "MAXLEN"),
                    TOKEN("minid", "MINID", .since = "6.2.0"))),
                ONEOF("operator", ARGS(
                    TOKEN("equal", "="), TOKEN("approximately", "~")), OPT),
                STRING("threshold"),
                INTEGER("count", .token = "LIMIT", OPT, .since = "6.2.0")))),
    },
    {.name = NULL},
};
