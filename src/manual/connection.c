/* What COMMAND tells of the group connection. */
#include "manual/manual_priv.h"

const struct cmd_docs connection_docs[] = {
    {
        .name = "auth", .since = "1.0.0",
        .summary = "Proves to the server who the client is.",
        .complexity = "O(N), N the passwords of the user",
        .history = HISTORY(
            {"6.0.0", "A user name may go before the password."}),
        .args = ARGS(
            STRING("username", OPT, .since = "6.0.0"), STRING("password")),
    },
    {
        .name = "client", .since = "2.4.0",
        .summary = "Commands about connections.",
        .complexity = "By subcommand",
    },
    {
        .name = "client|caching", .since = "6.0.0",
        .summary = "Says whether the keys of the next command are to be "
                   "tracked.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("mode", ARGS(TOKEN("yes", "YES"), TOKEN("no", "NO")))),
    },
    {
        .name = "client|capa", .since = "8.0.0",
        .summary = "Says what a client is able to handle.",
        .complexity = "O(1)",
        .args = ARGS(STRING("capability", MANY)),
    },
    {
        .name = "client|getname", .since = "2.6.9",
        .summary = "Answers with the connection's name.",
        .complexity = "O(1)",
    },
    {
        .name = "client|getredir", .since = "6.0.0",
        .summary = "Tells which connection gets the invalidation messages of "
                   "this one.",
        .complexity = "O(1)",
    },
    {
        .name = "client|help", .since = "5.0.0",
        .summary = "Lists what CLIENT can do.",
        .complexity = "O(1)",
    },
    {
        .name = "client|id", .since = "5.0.0",
        .summary = "Answers with the connection's number.",
        .complexity = "O(1)",
    },
    {
        .name = "client|import-source", .since = "8.1.0",
        .summary = "Marks the connection as the source of an import.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("enabled", ARGS(TOKEN("on", "ON"), TOKEN("off", "OFF")))),
    },
    {
        .name = "client|info", .since = "6.2.0",
        .summary = "Describes this connection.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
    },
    {
        .name = "client|kill", .since = "2.4.0",
        .summary = "Closes connections chosen by address, number, type, user "
                   "or age.",
        .complexity = "O(N), N the connections",
        .history = HISTORY({"2.8.12", "Takes filters of a name and a value."},
            {"2.8.12", "Takes ID."}, {"3.2.0", "TYPE knows `master`."},
            {"5.0.0", "TYPE says `replica` and still takes `slave`."},
            {"6.2.0", "Takes LADDR."}, {"8.0.0", "Takes MAXAGE."},
            {"8.0.0", "TYPE says `primary` and still takes `master`."},
            {"8.1.0", "Takes several numbers after ID."}),
        .args = ARGS(
            ONEOF("filter", ARGS(
                STRING("old-format", .display_text = "ip:port",
                    .deprecated_since = "2.8.12"),
                ONEOF("new-format", ARGS(
                    INTEGER("client-id", .token = "ID", OPT_MANY,
                        .since = "2.8.12"),
                    ONEOF("client-type", ARGS(
                        TOKEN("normal", "NORMAL"),
                        TOKEN("master", "MASTER", .since = "3.2.0"),
                        TOKEN("primary", "PRIMARY", .since = "8.0.0"),
                        TOKEN("slave", "SLAVE"),
                        TOKEN("replica", "REPLICA", .since = "5.0.0"),
                        TOKEN("pubsub", "PUBSUB")), .token = "TYPE", OPT,
                        .since = "2.8.12"),
                    STRING("username", .token = "USER", OPT),
                    STRING("addr", .token = "ADDR", .display_text = "ip:port",
                        OPT),
                    STRING("laddr", .token = "LADDR", .display_text = "ip:port",
                        OPT, .since = "6.2.0"),
                    ONEOF("skipme", ARGS(
                        TOKEN("yes", "YES"), TOKEN("no", "NO")),
                        .token = "SKIPME", OPT),
                    INTEGER("maxage", .token = "MAXAGE", OPT,
                        .since = "8.0.0")), MANY)))),
    },
    {
        .name = "client|list", .since = "2.4.0",
        .summary = "Describes all connections, or those that filters choose.",
        .complexity = "O(N), N the connections",
        .tips = "nondeterministic_output",
        .history = HISTORY({"2.8.12", "Shows the `id` of a connection."},
            {"5.0.0", "Takes TYPE."}, {"6.0.0", "Shows `user`."},
            {"6.2.0", "Shows `argv-mem`, `tot-mem`, `laddr`, `redir`."},
            {"7.0.0", "Shows `resp`, `multi-mem`, `rbs` and `rbp`."},
            {"7.0.3", "Shows `ssub`."},
            {"8.0.0", "TYPE says `primary` and still takes `master`."},
            {"8.1.0", "Takes USER, ADDR, LADDR, SKIPME and MAXAGE."}),
        .args = ARGS(
            ONEOF("client-type", ARGS(
                TOKEN("normal", "NORMAL"), TOKEN("master", "MASTER"),
                TOKEN("replica", "REPLICA"), TOKEN("pubsub", "PUBSUB")),
                .token = "TYPE", OPT, .since = "5.0.0"),
            INTEGER("client-id", .token = "ID", OPT_MANY, .since = "6.2.0"),
            STRING("username", .token = "USER", OPT, .since = "8.1.0"),
            STRING("addr", .token = "ADDR", .display_text = "ip:port", OPT,
                .since = "8.1.0"),
            STRING("laddr", .token = "LADDR", .display_text = "ip:port", OPT,
                .since = "8.1.0"),
            ONEOF("skipme", ARGS(TOKEN("yes", "YES"), TOKEN("no", "NO")),
                .token = "SKIPME", OPT, .since = "8.1.0"),
            INTEGER("maxage", .token = "MAXAGE", OPT, .since = "8.1.0")),
    },
    {
        .name = "client|no-evict", .since = "7.0.0",
        .summary = "Exempts the connection from being closed for lack of "
                   "memory.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("enabled", ARGS(TOKEN("on", "ON"), TOKEN("off", "OFF")))),
    },
    {
        .name = "client|no-touch", .since = "7.2.0",
        .summary = "Has this connection's commands leave the access times of "
                   "keys alone.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("enabled", ARGS(TOKEN("on", "ON"), TOKEN("off", "OFF")))),
    },
    {
        .name = "client|pause", .since = "3.0.0",
        .summary = "Makes all clients wait, or those that write.",
        .complexity = "O(1)",
        .history = HISTORY({"6.2.0", "Takes the mode: WRITE or ALL."}),
        .args = ARGS(
            INTEGER("timeout"),
            ONEOF("mode", ARGS(TOKEN("write", "WRITE"), TOKEN("all", "ALL")),
                OPT, .since = "6.2.0")),
    },
    {
        .name = "client|reply", .since = "3.2.0",
        .summary = "Turns replies on, off, or off for the next command.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("action", ARGS(
                TOKEN("on", "ON"), TOKEN("off", "OFF"),
                TOKEN("skip", "SKIP")))),
    },
    {
        .name = "client|setinfo", .since = "7.2.0",
        .summary = "Notes which client library is at the other end.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .args = ARGS(
            ONEOF("attr", ARGS(
                STRING("libname", .token = "LIB-NAME"),
                STRING("libver", .token = "LIB-VER")))),
    },
    {
        .name = "client|setname", .since = "2.6.9",
        .summary = "Gives the connection a name.",
        .complexity = "O(1)",
        .tips = "request_policy:all_nodes response_policy:all_succeeded",
        .args = ARGS(STRING("connection-name")),
    },
    {
        .name = "client|tracking", .since = "6.0.0",
        .summary = "Has the server tell the client of changes to keys that it "
                   "has read.",
        .complexity = "O(1) without options",
        .args = ARGS(
            ONEOF("status", ARGS(TOKEN("on", "ON"), TOKEN("off", "OFF"))),
            INTEGER("client-id", .token = "REDIRECT", OPT),
            STRING("prefix", .token = "PREFIX",
                .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN),
            TOKEN("bcast", "BCAST", OPT), TOKEN("optin", "OPTIN", OPT),
            TOKEN("optout", "OPTOUT", OPT), TOKEN("noloop", "NOLOOP", OPT)),
    },
    {
        .name = "client|trackinginfo", .since = "6.2.0",
        .summary = "Tells how the connection's keys are tracked.",
        .complexity = "O(1)",
    },
    {
        .name = "client|unblock", .since = "5.0.0",
        .summary = "Ends another connection's waiting.",
        .complexity = "O(log(N)), N the connections",
        .args = ARGS(
            INTEGER("client-id"),
            ONEOF("unblock-type", ARGS(
                TOKEN("timeout", "TIMEOUT"), TOKEN("error", "ERROR")), OPT)),
    },
    {
        .name = "client|unpause", .since = "6.2.0",
        .summary = "Lets clients that CLIENT PAUSE holds go on.",
        .complexity = "O(N), N the clients held",
    },
    {
        .name = "echo", .since = "1.0.0",
        .summary = "Answers with its argument.",
        .complexity = "O(1)",
        .args = ARGS(STRING("message")),
    },
    {
        .name = "hello", .since = "6.0.0",
        .summary = "Chooses the protocol, and may authenticate and name the "
                   "connection.",
        .complexity = "O(1)",
        .history = HISTORY(
            {"8.1.0", "Shows `availability_zone`, if configured."},
            {"6.2.0", "Without a version it only describes the connection."}),
        .args = ARGS(
            BLOCK("arguments", ARGS(
                INTEGER("protover"),
                BLOCK("auth", ARGS(STRING("username"), STRING("password")),
                    .token = "AUTH", OPT),
                STRING("clientname", .token = "SETNAME", OPT)), OPT)),
    },
    {
        .name = "ping", .since = "1.0.0",
        .summary = "Shows that the server answers.",
        .complexity = "O(1)",
        .tips = "request_policy:all_shards response_policy:all_succeeded",
        .args = ARGS(STRING("message", OPT)),
    },
    {
        .name = "quit", .since = "1.0.0",
        .summary = "Has the server close the connection.",
        .complexity = "O(1)",
        .replaced_by = "closing the connection",
        .deprecated_since = "7.2.0",
    },
    {
        .name = "reset", .since = "6.2.0",
        .summary = "Puts the connection back to what it was when new.",
        .complexity = "O(1)",
    },
    {
        .name = "select", .since = "1.0.0",
        .summary = "Chooses the connection's database.",
        .complexity = "O(1)",
        .args = ARGS(INTEGER("index")),
    },
    {.name = NULL},
};
