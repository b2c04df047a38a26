/* What COMMAND tells of the group scripting. */
#include "manual/manual_priv.h"

const struct cmd_docs scripting_docs[] = {
    {
        .name = "eval", .since = "2.6.0",
        .summary = "Runs a script.",
        .complexity = "By script",
        .keys = SPECS(
            COUNTED(2, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE,
                .notes = "What becomes of the keys is not known.")),
        .args = ARGS(
            STRING("script"), INTEGER("numkeys"), KEY("key", OPT_MANY),
            STRING("arg", OPT_MANY)),
    },
    {
        .name = "eval_ro", .since = "7.0.0",
        .summary = "Runs a script that may not write.",
        .complexity = "By script",
        .keys = SPECS(
            COUNTED(2, 1, KEY_RO | KEY_ACCESS,
                .notes = "What becomes of the keys is not known.")),
        .args = ARGS(
            STRING("script"), INTEGER("numkeys"), KEY("key", OPT_MANY),
            STRING("arg", OPT_MANY)),
    },
    {
        .name = "evalsha", .since = "2.6.0",
        .summary = "Runs a cached script, named by its digest.",
        .complexity = "By script",
        .keys = SPECS(COUNTED(2, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .args = ARGS(
            STRING("sha1"), INTEGER("numkeys"), KEY("key", OPT_MANY),
            STRING("arg", OPT_MANY)),
    },
    {
        .name = "evalsha_ro", .since = "7.0.0",
        .summary = "Runs a cached script that may not write, named by its "
                   "digest.",
        .complexity = "By script",
        .keys = SPECS(COUNTED(2, 1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            STRING("sha1"), INTEGER("numkeys"), KEY("key", OPT_MANY),
            STRING("arg", OPT_MANY)),
    },
    {
        .name = "fcall", .since = "7.0.0",
        .summary = "Calls a function.",
        .complexity = "By function",
        .keys = SPECS(
            COUNTED(2, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE,
                .notes = "What becomes of the keys is not known.")),
        .args = ARGS(
            STRING("function"), INTEGER("numkeys"), KEY("key", OPT_MANY),
            STRING("arg", OPT_MANY)),
    },
    {
        .name = "fcall_ro", .since = "7.0.0",
        .summary = "Calls a function that may not write.",
        .complexity = "By function",
        .keys = SPECS(
            COUNTED(2, 1, KEY_RO | KEY_ACCESS,
                .notes = "What becomes of the keys is not known.")),
        .args = ARGS(
            STRING("function"), INTEGER("numkeys"), KEY("key", OPT_MANY),
            STRING("arg", OPT_MANY)),
    },
    {
        .name = "function", .since = "7.0.0",
        .summary = "Commands about libraries of functions.",
        .complexity = "By subcommand",
    },
    {
        .name = "function|delete", .since = "7.0.0",
        .summary = "Removes a library.",
        .complexity = "O(1)",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .args = ARGS(STRING("library-name")),
    },
    {
        .name = "function|dump", .since = "7.0.0",
        .summary = "Answers with all libraries in serialised form.",
        .complexity = "O(N), N the functions",
    },
    {
        .name = "function|flush", .since = "7.0.0",
        .summary = "Removes all libraries.",
        .complexity = "O(N), N the functions",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .args = ARGS(
            ONEOF("flush-type", ARGS(
                TOKEN("async", "ASYNC"), TOKEN("sync", "SYNC")), OPT)),
    },
    {
        .name = "function|help", .since = "7.0.0",
        .summary = "Lists what FUNCTION can do.",
        .complexity = "O(1)",
    },
    {
        .name = "function|kill", .since = "7.0.0",
        .summary = "Stops the function that is running.",
        .complexity = "O(1)",
        .tips = "request_policy:all_shards response_policy:one_succeeded",
    },
    {
        .name = "function|list", .since = "7.0.0",
        .summary = "Describes the libraries and their functions.",
        .complexity = "O(N), N the functions",
        .tips = "nondeterministic_output_order",
        .args = ARGS(
            STRING("library-name-pattern", .token = "LIBRARYNAME", OPT),
            TOKEN("withcode", "WITHCODE", OPT)),
    },
    {
        .name = "function|load", .since = "7.0.0",
        .summary = "Makes a library from source text.",
        .complexity = "O(1), compilation aside",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .args = ARGS(TOKEN("replace", "REPLACE", OPT), STRING("function-code")),
    },
    {
        .name = "function|restore", .since = "7.0.0",
        .summary = "Makes libraries from what FUNCTION DUMP answered.",
        .complexity = "O(N), N the functions restored",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .args = ARGS(
            STRING("serialized-value"),
            ONEOF("policy", ARGS(
                TOKEN("flush", "FLUSH"), TOKEN("append", "APPEND"),
                TOKEN("replace", "REPLACE")), OPT)),
    },
    {
        .name = "function|stats", .since = "7.0.0",
        .summary = "Tells which function is running, and of the engines.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output request_policy:all_shards "
                "response_policy:special",
    },
    {
        .name = "script", .since = "2.6.0",
        .summary = "Commands about the cache of scripts.",
        .complexity = "By subcommand",
    },
    {
        .name = "script|debug", .since = "3.2.0",
        .summary = "Chooses how scripts are debugged.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("mode", ARGS(
                TOKEN("yes", "YES"), TOKEN("sync", "SYNC"),
                TOKEN("no", "NO")))),
    },
    {
        .name = "script|exists", .since = "2.6.0",
        .summary = "Tells which scripts are cached.",
        .complexity = "O(N), N the scripts asked for",
        .tips = "request_policy:all_shards response_policy:agg_logical_and",
        .args = ARGS(STRING("sha1", MANY)),
    },
    {
        .name = "script|flush", .since = "2.6.0",
        .summary = "Empties the cache of scripts.",
        .complexity = "O(N), N the scripts",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .history = HISTORY({"6.2.0", "Takes ASYNC and SYNC."}),
        .args = ARGS(
            ONEOF("flush-type", ARGS(
                TOKEN("async", "ASYNC"), TOKEN("sync", "SYNC")), OPT,
                .since = "6.2.0")),
    },
    {
        .name = "script|help", .since = "5.0.0",
        .summary = "Lists what SCRIPT can do.",
        .complexity = "O(1)",
    },
    {
        .name = "script|kill", .since = "2.6.0",
        .summary = "Stops the script that is running.",
        .complexity = "O(1)",
        .tips = "request_policy:all_shards response_policy:one_succeeded",
    },
    {
        .name = "script|load", .since = "2.6.0",
        .summary = "Caches a script and answers with its digest.",
        .complexity = "O(N), N the length of the script",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .args = ARGS(STRING("script")),
    },
    {
        .name = "script|show", .since = "8.0.0",
        .summary = "Answers with the text of a cached script.",
        .complexity = "O(1)",
        .args = ARGS(STRING("sha1")),
    },
    {.name = NULL},
};
