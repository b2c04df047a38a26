/* What COMMAND tells of the group server. */
#include "manual/manual_priv.h"

const struct cmd_docs server_docs[] = {
    {
        .name = "acl", .since = "6.0.0",
        .summary = "Commands about users and what they may do.",
        .complexity = "By subcommand",
    },
    {
        .name = "acl|cat", .since = "6.0.0",
        .summary = "Names the categories of commands, or the commands of one.",
        .complexity = "O(1), as there is a fixed number",
        .args = ARGS(STRING("category", OPT)),
    },
    {
        .name = "acl|deluser", .since = "6.0.0",
        .summary = "Removes users and closes their connections.",
        .complexity = "O(1) amortised",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .args = ARGS(STRING("username", MANY)),
    },
    {
        .name = "acl|dryrun", .since = "7.0.0",
        .summary = "Tells whether a user might run a command, without running "
                   "it.",
        .complexity = "O(1)",
        .args = ARGS(
            STRING("username"), STRING("command"), STRING("arg", OPT_MANY)),
    },
    {
        .name = "acl|genpass", .since = "6.0.0",
        .summary = "Makes up a password that is hard to guess.",
        .complexity = "O(1)",
        .args = ARGS(INTEGER("bits", OPT)),
    },
    {
        .name = "acl|getuser", .since = "6.0.0",
        .summary = "Describes a user's rules.",
        .complexity = "O(N), N the user's rules",
        .history = HISTORY({"6.2.0", "Knows of channels."},
            {"7.0.0", "Shows selectors, and patterns in another form."}),
        .args = ARGS(STRING("username")),
    },
    {
        .name = "acl|help", .since = "6.0.0",
        .summary = "Lists what ACL can do.",
        .complexity = "O(1)",
    },
    {
        .name = "acl|list", .since = "6.0.0",
        .summary = "Answers with all users as lines of an ACL file.",
        .complexity = "O(N), N the users",
    },
    {
        .name = "acl|load", .since = "6.0.0",
        .summary = "Reads the users afresh from the ACL file.",
        .complexity = "O(N), N the users",
    },
    {
        .name = "acl|log", .since = "6.0.0",
        .summary = "Answers with what was refused of late.",
        .complexity = "O(N), N the entries shown",
        .history = HISTORY(
            {"7.2.0", "Shows the number and the times of an entry."}),
        .args = ARGS(
            ONEOF("operation", ARGS(INTEGER("count"), TOKEN("reset", "RESET")),
                OPT)),
    },
    {
        .name = "acl|save", .since = "6.0.0",
        .summary = "Writes the users to the ACL file.",
        .complexity = "O(N), N the users",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
    },
    {
        .name = "acl|setuser", .since = "6.0.0",
        .summary = "Makes a user or changes one's rules.",
        .complexity = "O(N), N the rules",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .history = HISTORY({"6.2.0", "Knows of channels."},
            {"7.0.0", "Knows of selectors, and of rights to read or write."}),
        .args = ARGS(STRING("username"), STRING("rule", OPT_MANY)),
    },
    {
        .name = "acl|users", .since = "6.0.0",
        .summary = "Names all users.",
        .complexity = "O(N), N the users",
    },
    {
        .name = "acl|whoami", .since = "6.0.0",
        .summary = "Names the user of this connection.",
        .complexity = "O(1)",
    },
    {
        .name = "bgrewriteaof", .since = "1.0.0",
        .summary = "Writes the append-only file anew, in the background.",
        .complexity = "O(1)",
    },
    {
        .name = "bgsave", .since = "1.0.0",
        .summary = "Saves all databases to disk, in the background.",
        .complexity = "O(1)",
        .history = HISTORY({"3.2.2", "Takes SCHEDULE."},
            {"8.1.0", "Takes CANCEL."}),
        .args = ARGS(
            ONEOF("operation", ARGS(
                TOKEN("schedule", "SCHEDULE", .since = "3.2.2"),
                TOKEN("cancel", "CANCEL", .since = "8.1.0")), OPT)),
    },
    {
        .name = "command", .since = "2.8.13",
        .summary = "Describes all commands.",
        .complexity = "O(N), N the commands",
        .tips = "nondeterministic_output_order",
    },
    {
        .name = "commandlog", .since = "8.1.0",
        .summary = "Commands about the log of slow commands and large ones.",
        .complexity = "By subcommand",
    },
    {
        .name = "commandlog|get", .since = "8.1.0",
        .summary = "Answers with entries of the log.",
        .complexity = "O(N), N the entries returned",
        .tips = "request_policy:all_nodes nondeterministic_output",
        .args = ARGS(
            INTEGER("count"),
            ONEOF("type", ARGS(
                STRING("slow"), STRING("large-request"),
                STRING("large-reply")))),
    },
    {
        .name = "commandlog|help", .since = "8.1.0",
        .summary = "Lists what COMMANDLOG can do.",
        .complexity = "O(1)",
    },
    {
        .name = "commandlog|len", .since = "8.1.0",
        .summary = "Counts the entries of the log.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:agg_sum "
                "nondeterministic_output",
        .args = ARGS(
            ONEOF("type", ARGS(
                STRING("slow"), STRING("large-request"),
                STRING("large-reply")))),
    },
    {
        .name = "commandlog|reset", .since = "8.1.0",
        .summary = "Empties the log.",
        .complexity = "O(N), N the entries",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .args = ARGS(
            ONEOF("type", ARGS(
                STRING("slow"), STRING("large-request"),
                STRING("large-reply")))),
    },
    {
        .name = "command|count", .since = "2.8.13",
        .summary = "Counts the commands.",
        .complexity = "O(1)",
    },
    {
        .name = "command|docs", .since = "7.0.0",
        .summary = "Tells what commands are for and what arguments they take.",
        .complexity = "O(N), N the commands asked for",
        .tips = "nondeterministic_output_order",
        .args = ARGS(STRING("command-name", OPT_MANY)),
    },
    {
        .name = "command|getkeys", .since = "2.8.13",
        .summary = "Tells which arguments of a command are keys.",
        .complexity = "O(N), N the arguments",
        .args = ARGS(STRING("command"), STRING("arg", OPT_MANY)),
    },
    {
        .name = "command|getkeysandflags", .since = "7.0.0",
        .summary = "Tells which arguments of a command are keys, and how it "
                   "uses them.",
        .complexity = "O(N), N the arguments",
        .args = ARGS(STRING("command"), STRING("arg", OPT_MANY)),
    },
    {
        .name = "command|help", .since = "5.0.0",
        .summary = "Lists what COMMAND can do.",
        .complexity = "O(1)",
    },
    {
        .name = "command|info", .since = "2.8.13",
        .summary = "Describes commands.",
        .complexity = "O(N), N the commands asked for",
        .tips = "nondeterministic_output_order",
        .history = HISTORY(
            {"7.0.0", "Describes all commands if none is named."}),
        .args = ARGS(STRING("command-name", OPT_MANY)),
    },
    {
        .name = "command|list", .since = "7.0.0",
        .summary = "Names the commands, or those that a filter chooses.",
        .complexity = "O(N), N the commands",
        .tips = "nondeterministic_output_order",
        .args = ARGS(
            ONEOF("filterby", ARGS(
                STRING("module-name", .token = "MODULE"),
                STRING("category", .token = "ACLCAT"),
                PATTERN("pattern", .token = "PATTERN")), .token = "FILTERBY",
                OPT)),
    },
    {
        .name = "config", .since = "2.0.0",
        .summary = "Commands about the server's options.",
        .complexity = "By subcommand",
    },
    {
        .name = "config|get", .since = "2.0.0",
        .summary = "Answers with the values of options.",
        .complexity = "O(N), N the options asked for",
        .history = HISTORY({"7.0.0", "Takes several patterns."}),
        .args = ARGS(STRING("parameter", MANY)),
    },
    {
        .name = "config|help", .since = "5.0.0",
        .summary = "Lists what CONFIG can do.",
        .complexity = "O(1)",
    },
    {
        .name = "config|resetstat", .since = "2.0.0",
        .summary = "Puts the counters that INFO shows back to zero.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
    },
    {
        .name = "config|rewrite", .since = "2.8.0",
        .summary = "Writes the options in force to the configuration file.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
    },
    {
        .name = "config|set", .since = "2.0.0",
        .summary = "Changes options while the server runs.",
        .complexity = "O(N), N the options",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .history = HISTORY({"7.0.0", "Takes several options."}),
        .args = ARGS(
            BLOCK("data", ARGS(STRING("parameter"), STRING("value")), MANY)),
    },
    {
        .name = "dbsize", .since = "1.0.0",
        .summary = "Counts the keys of the database.",
        .complexity = "O(1)",
        .tips = "request_policy:all_shards response_policy:agg_sum",
    },
    {
        .name = "debug", .since = "1.0.0",
        .summary = "Commands for testing the server.",
        .complexity = "By subcommand",
        .is_internal = true,
    },
    {
        .name = "failover", .since = "6.2.0",
        .summary = "Has a replica change places with this server.",
        .complexity = "O(1)",
        .args = ARGS(
            BLOCK("target", ARGS(
                STRING("host"), INTEGER("port"), TOKEN("force", "FORCE", OPT)),
                .token = "TO", OPT),
            TOKEN("abort", "ABORT", OPT),
            INTEGER("milliseconds", .token = "TIMEOUT", OPT)),
    },
    {
        .name = "flushall", .since = "1.0.0",
        .summary = "Removes all keys of all databases.",
        .complexity = "O(N), N the keys",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .history = HISTORY({"4.0.0", "Takes ASYNC."}, {"6.2.0", "Takes SYNC."}),
        .args = ARGS(
            ONEOF("flush-type", ARGS(
                TOKEN("async", "ASYNC", .since = "4.0.0"),
                TOKEN("sync", "SYNC", .since = "6.2.0")), OPT)),
    },
    {
        .name = "flushdb", .since = "1.0.0",
        .summary = "Removes all keys of the database.",
        .complexity = "O(N), N the keys",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .history = HISTORY({"4.0.0", "Takes ASYNC."}, {"6.2.0", "Takes SYNC."}),
        .args = ARGS(
            ONEOF("flush-type", ARGS(
                TOKEN("async", "ASYNC", .since = "4.0.0"),
                TOKEN("sync", "SYNC", .since = "6.2.0")), OPT)),
    },
    {
        .name = "info", .since = "1.0.0",
        .summary = "Answers with facts and figures about the server.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_shards "
                "response_policy:special",
        .history = HISTORY({"7.0.0", "Takes several sections."}),
        .args = ARGS(STRING("section", OPT_MANY)),
    },
    {
        .name = "lastsave", .since = "1.0.0",
        .summary = "Tells when the databases were last saved.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
    },
    {
        .name = "latency", .since = "2.8.13",
        .summary = "Commands about delays that were noticed.",
        .complexity = "By subcommand",
    },
    {
        .name = "latency|doctor", .since = "2.8.13",
        .summary = "Explains the delays in words.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_nodes "
                "response_policy:special",
    },
    {
        .name = "latency|graph", .since = "2.8.13",
        .summary = "Draws the delays of one kind.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_nodes "
                "response_policy:special",
        .args = ARGS(STRING("event")),
    },
    {
        .name = "latency|help", .since = "2.8.13",
        .summary = "Lists what LATENCY can do.",
        .complexity = "O(1)",
    },
    {
        .name = "latency|histogram", .since = "7.0.0",
        .summary = "Answers with the distribution of commands' run times.",
        .complexity = "O(N), N the commands",
        .tips = "nondeterministic_output request_policy:all_nodes "
                "response_policy:special",
        .args = ARGS(STRING("command", OPT_MANY)),
    },
    {
        .name = "latency|history", .since = "2.8.13",
        .summary = "Answers with the times and lengths of one kind of delay.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_nodes "
                "response_policy:special",
        .args = ARGS(STRING("event")),
    },
    {
        .name = "latency|latest", .since = "2.8.13",
        .summary = "Answers with the last delay of each kind.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_nodes "
                "response_policy:special",
    },
    {
        .name = "latency|reset", .since = "2.8.13",
        .summary = "Forgets delays.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:agg_sum",
        .args = ARGS(STRING("event", OPT_MANY)),
    },
    {
        .name = "lolwut", .since = "5.0.0",
        .summary = "Draws a picture and tells the server's version.",
        .args = ARGS(INTEGER("version", OPT, .token = "VERSION")),
    },
    {
        .name = "memory", .since = "4.0.0",
        .summary = "Commands about memory.",
        .complexity = "By subcommand",
    },
    {
        .name = "memory|doctor", .since = "4.0.0",
        .summary = "Explains in words what is wrong with the use of memory.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_shards "
                "response_policy:special",
    },
    {
        .name = "memory|help", .since = "4.0.0",
        .summary = "Lists what MEMORY can do.",
        .complexity = "O(1)",
    },
    {
        .name = "memory|malloc-stats", .since = "4.0.0",
        .summary = "Answers with what the allocator tells.",
        .complexity = "By how much is allocated",
        .tips = "nondeterministic_output request_policy:all_shards "
                "response_policy:special",
    },
    {
        .name = "memory|purge", .since = "4.0.0",
        .summary = "Has the allocator give memory back.",
        .complexity = "By how much is allocated",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
    },
    {
        .name = "memory|stats", .since = "4.0.0",
        .summary = "Tells what the memory is used for.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_shards "
                "response_policy:special",
    },
    {
        .name = "memory|usage", .since = "4.0.0",
        .summary = "Estimates the memory of a key with its value.",
        .complexity = "O(N), N the samples",
        .keys = SPECS(AT(2, KEY_RO)),
        .args = ARGS(KEY("key"), INTEGER("count", .token = "SAMPLES", OPT)),
    },
    {
        .name = "monitor", .since = "1.0.0",
        .summary = "Shows all commands that the server receives.",
    },
    {
        .name = "psync", .since = "2.8.0",
        .summary = "Begins to send a replica what has changed; between "
                   "servers.",
        .args = ARGS(STRING("replicationid"), INTEGER("offset")),
    },
    {
        .name = "replconf", .since = "3.0.0",
        .summary = "Tells a primary of its replica; between servers.",
        .complexity = "O(1)",
        .is_internal = true,
    },
    {
        .name = "replicaof", .since = "5.0.0",
        .summary = "Makes this server a replica of another one, or a primary.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("args", ARGS(
                BLOCK("host-port", ARGS(STRING("host"), INTEGER("port"))),
                BLOCK("no-one", ARGS(
                    TOKEN("no", "NO"), TOKEN("one", "ONE")))))),
    },
    {
        .name = "restore-asking", .since = "3.0.0",
        .summary = "RESTORE, in a slot that is on the move; between servers.",
        .complexity = "O(N*M), N the elements and M their mean size; "
                      "O(N*M*log(N)) for sorted sets",
        .is_internal = true,
        .history = HISTORY({"3.0.0", "Takes REPLACE."},
            {"5.0.0", "Takes ABSTTL."}, {"5.0.0", "Takes IDLETIME and FREQ."}),
        .keys = SPECS(AT(1, KEY_OW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), INTEGER("ttl"), STRING("serialized-value"),
            TOKEN("replace", "REPLACE", OPT, .since = "3.0.0"),
            TOKEN("absttl", "ABSTTL", OPT, .since = "5.0.0"),
            INTEGER("seconds", .token = "IDLETIME", OPT, .since = "5.0.0"),
            INTEGER("frequency", .token = "FREQ", OPT, .since = "5.0.0")),
    },
    {
        .name = "role", .since = "2.8.12",
        .summary = "Tells whether this server is a primary or a replica.",
        .complexity = "O(1)",
    },
    {
        .name = "save", .since = "1.0.0",
        .summary = "Saves all databases to disk, and does nothing else "
                   "meanwhile.",
        .complexity = "O(N), N the keys",
    },
    {
        .name = "shutdown", .since = "1.0.0",
        .summary = "Stops the server, after saving where it is to save.",
        .complexity = "O(N) when it saves, N the keys",
        .history = HISTORY({"7.0.0", "Takes NOW, FORCE and ABORT."}),
        .args = ARGS(
            ONEOF("abort-selector", ARGS(
                BLOCK("save-selector-block", ARGS(
                    ONEOF("save-selector", ARGS(
                        TOKEN("nosave", "NOSAVE"), TOKEN("save", "SAVE")), OPT),
                    TOKEN("now", "NOW", OPT, .since = "7.0.0"),
                    TOKEN("force", "FORCE", OPT, .since = "7.0.0"))),
                TOKEN("abort", "ABORT", .since = "7.0.0")), OPT)),
    },
    {
        .name = "slaveof", .since = "1.0.0",
        .summary = "An older name of REPLICAOF.",
        .complexity = "O(1)",
        .replaced_by = "`REPLICAOF`",
        .deprecated_since = "5.0.0",
        .args = ARGS(
            ONEOF("args", ARGS(
                BLOCK("host-port", ARGS(STRING("host"), INTEGER("port"))),
                BLOCK("no-one", ARGS(
                    TOKEN("no", "NO"), TOKEN("one", "ONE")))))),
    },
    {
        .name = "slowlog", .since = "2.2.12",
        .summary = "Commands about the log of slow commands.",
        .complexity = "By subcommand",
        .replaced_by = "`COMMANDLOG`",
        .deprecated_since = "8.1.0",
    },
    {
        .name = "slowlog|get", .since = "2.2.12",
        .summary = "Answers with entries of the log.",
        .complexity = "O(N), N the entries returned",
        .tips = "request_policy:all_nodes nondeterministic_output",
        .replaced_by = "`COMMANDLOG GET`, `SLOW`",
        .deprecated_since = "8.1.0",
        .history = HISTORY({"4.0.0", "Shows the client's address and name."}),
        .args = ARGS(INTEGER("count", OPT)),
    },
    {
        .name = "slowlog|help", .since = "6.2.0",
        .summary = "Lists what SLOWLOG can do.",
        .complexity = "O(1)",
        .replaced_by = "`COMMANDLOG HELP`",
        .deprecated_since = "8.1.0",
    },
    {
        .name = "slowlog|len", .since = "2.2.12",
        .summary = "Counts the entries of the log.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:agg_sum "
                "nondeterministic_output",
        .replaced_by = "`COMMANDLOG LEN`, `SLOW`",
        .deprecated_since = "8.1.0",
    },
    {
        .name = "slowlog|reset", .since = "2.2.12",
        .summary = "Empties the log.",
        .complexity = "O(N), N the entries",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .replaced_by = "`COMMANDLOG RESET`, `SLOW`",
        .deprecated_since = "8.1.0",
    },
    {
        .name = "swapdb", .since = "4.0.0",
        .summary = "Exchanges the contents of two databases.",
        .complexity = "O(N), N the clients that watch keys of them or wait "
                      "for some",
        .args = ARGS(INTEGER("index1"), INTEGER("index2")),
    },
    {
        .name = "sync", .since = "1.0.0",
        .summary = "Begins to send a replica all data; between servers.",
    },
    {
        .name = "time", .since = "2.6.0",
        .summary = "Tells the server's time.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
    },
    {.name = NULL},
};
