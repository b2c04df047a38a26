/* What COMMAND tells of the group cluster. */
#include "manual/manual_priv.h"

const struct cmd_docs cluster_docs[] = {
    {
        .name = "asking", .since = "3.0.0",
        .summary = "Has the next command run in a slot that is on the move.",
        .complexity = "O(1)",
    },
    {
        .name = "cluster", .since = "3.0.0",
        .summary = "Commands about the cluster.",
        .complexity = "By subcommand",
    },
    {
        .name = "cluster|addslots", .since = "3.0.0",
        .summary = "Gives this node hash slots.",
        .complexity = "O(N), N the slots",
        .args = ARGS(INTEGER("slot", MANY)),
    },
    {
        .name = "cluster|addslotsrange", .since = "7.0.0",
        .summary = "Gives this node ranges of hash slots.",
        .complexity = "O(N), N the slots",
        .args = ARGS(
            BLOCK("range", ARGS(INTEGER("start-slot"), INTEGER("end-slot")),
                MANY)),
    },
    {
        .name = "cluster|bumpepoch", .since = "3.0.0",
        .summary = "Raises the epoch of the cluster.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
    },
    {
        .name = "cluster|count-failure-reports", .since = "3.0.0",
        .summary = "Counts the nodes that hold a node for failed.",
        .complexity = "O(N), N the reports",
        .tips = "nondeterministic_output",
        .args = ARGS(STRING("node-id")),
    },
    {
        .name = "cluster|countkeysinslot", .since = "3.0.0",
        .summary = "Counts the keys of a slot.",
        .complexity = "O(1)",
        .args = ARGS(INTEGER("slot")),
    },
    {
        .name = "cluster|delslots", .since = "3.0.0",
        .summary = "Takes hash slots from this node.",
        .complexity = "O(N), N the slots",
        .args = ARGS(INTEGER("slot", MANY)),
    },
    {
        .name = "cluster|delslotsrange", .since = "7.0.0",
        .summary = "Takes ranges of hash slots from this node.",
        .complexity = "O(N), N the slots",
        .args = ARGS(
            BLOCK("range", ARGS(INTEGER("start-slot"), INTEGER("end-slot")),
                MANY)),
    },
    {
        .name = "cluster|failover", .since = "3.0.0",
        .summary = "Has this replica take the place of its primary.",
        .complexity = "O(1)",
        .args = ARGS(
            ONEOF("options", ARGS(
                TOKEN("force", "FORCE"), TOKEN("takeover", "TAKEOVER")), OPT)),
    },
    {
        .name = "cluster|flushslots", .since = "3.0.0",
        .summary = "Takes all hash slots from this node.",
        .complexity = "O(1)",
    },
    {
        .name = "cluster|forget", .since = "3.0.0",
        .summary = "Strikes a node from the table of nodes.",
        .complexity = "O(1)",
        .args = ARGS(STRING("node-id")),
    },
    {
        .name = "cluster|getkeysinslot", .since = "3.0.0",
        .summary = "Names keys of a slot.",
        .complexity = "O(N), N the keys asked for",
        .tips = "nondeterministic_output",
        .args = ARGS(INTEGER("slot"), INTEGER("count")),
    },
    {
        .name = "cluster|help", .since = "5.0.0",
        .summary = "Lists what CLUSTER can do.",
        .complexity = "O(1)",
    },
    {
        .name = "cluster|info", .since = "3.0.0",
        .summary = "Describes the state of the cluster.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
    },
    {
        .name = "cluster|keyslot", .since = "3.0.0",
        .summary = "Tells the slot of a key.",
        .complexity = "O(N), N the bytes of the key",
        .args = ARGS(STRING("key")),
    },
    {
        .name = "cluster|links", .since = "7.0.0",
        .summary = "Describes the connections to other nodes.",
        .complexity = "O(N), N the nodes",
        .tips = "nondeterministic_output",
    },
    {
        .name = "cluster|meet", .since = "3.0.0",
        .summary = "Makes two nodes know each other.",
        .complexity = "O(1)",
        .history = HISTORY({"4.0.0", "The port of the cluster bus."}),
        .args = ARGS(
            STRING("ip"), INTEGER("port"),
            INTEGER("cluster-bus-port", OPT, .since = "4.0.0")),
    },
    {
        .name = "cluster|myid", .since = "3.0.0",
        .summary = "Tells the name of this node.",
        .complexity = "O(1)",
    },
    {
        .name = "cluster|myshardid", .since = "7.2.0",
        .summary = "Tells the name of this node's shard.",
        .complexity = "O(1)",
        .tips = "nondeterministic_output",
    },
    {
        .name = "cluster|nodes", .since = "3.0.0",
        .summary = "Describes all nodes.",
        .complexity = "O(N), N the nodes",
        .tips = "nondeterministic_output",
    },
    {
        .name = "cluster|replicas", .since = "5.0.0",
        .summary = "Describes the replicas of a node.",
        .complexity = "O(N), N the replicas",
        .tips = "nondeterministic_output",
        .args = ARGS(STRING("node-id")),
    },
    {
        .name = "cluster|replicate", .since = "3.0.0",
        .summary = "Makes this node the replica of another one.",
        .complexity = "O(1)",
        .args = ARGS(STRING("node-id")),
    },
    {
        .name = "cluster|reset", .since = "3.0.0",
        .summary = "Makes this node as new.",
        .complexity = "O(N), N the nodes; and a FLUSHALL, in some cases",
        .args = ARGS(
            ONEOF("reset-type", ARGS(
                TOKEN("hard", "HARD"), TOKEN("soft", "SOFT")), OPT)),
    },
    {
        .name = "cluster|saveconfig", .since = "3.0.0",
        .summary = "Writes the table of nodes to disk.",
        .complexity = "O(1)",
    },
    {
        .name = "cluster|set-config-epoch", .since = "3.0.0",
        .summary = "Gives a new node its epoch.",
        .complexity = "O(1)",
        .args = ARGS(INTEGER("config-epoch")),
    },
    {
        .name = "cluster|setslot", .since = "3.0.0",
        .summary = "Says whose a slot is, or that it is on the move.",
        .complexity = "O(1)",
        .history = HISTORY({"8.0.0", "Takes TIMEOUT."}),
        .args = ARGS(
            INTEGER("slot"),
            ONEOF("subcommand", ARGS(
                STRING("importing", .token = "IMPORTING",
                    .display_text = "node-id"),
                STRING("migrating", .token = "MIGRATING",
                    .display_text = "node-id"),
                STRING("node", .token = "NODE", .display_text = "node-id"),
                TOKEN("stable", "STABLE"))),
            INTEGER("timeout", .token = "TIMEOUT", OPT, .since = "8.0.0")),
    },
    {
        .name = "cluster|shards", .since = "7.0.0",
        .summary = "Describes the shards, with their slots and nodes.",
        .complexity = "O(N), N the nodes",
        .tips = "nondeterministic_output",
    },
    {
        .name = "cluster|slaves", .since = "3.0.0",
        .summary = "An older name of CLUSTER REPLICAS.",
        .complexity = "O(N), N the replicas",
        .tips = "nondeterministic_output",
        .replaced_by = "`CLUSTER REPLICAS`",
        .deprecated_since = "5.0.0",
        .args = ARGS(STRING("node-id")),
    },
    {
        .name = "cluster|slot-stats", .since = "8.0.0",
        .summary = "Answers with figures about slots.",
        .complexity = "O(N), N the slots; O(N*log(N)) with ORDERBY",
        .tips = "nondeterministic_output request_policy:all_shards",
        .args = ARGS(
            ONEOF("filter", ARGS(
                BLOCK("slotsrange", ARGS(
                    INTEGER("start-slot"), INTEGER("end-slot")),
                    .token = "SLOTSRANGE"),
                BLOCK("orderby", ARGS(
                    STRING("metric"), INTEGER("limit", .token = "LIMIT", OPT),
                    ONEOF("order", ARGS(
                        TOKEN("asc", "ASC"), TOKEN("desc", "DESC")), OPT)),
                    .token = "ORDERBY")))),
    },
    {
        .name = "cluster|slots", .since = "3.0.0",
        .summary = "Tells which node has which slots.",
        .complexity = "O(N), N the nodes",
        .tips = "nondeterministic_output",
        .history = HISTORY({"4.0.0", "Names of nodes."},
            {"7.0.0", "More about their addresses."}),
    },
    {
        .name = "readonly", .since = "3.0.0",
        .summary = "Lets the connection read from a replica in a cluster.",
        .complexity = "O(1)",
    },
    {
        .name = "readwrite", .since = "3.0.0",
        .summary = "Ends what READONLY has allowed.",
        .complexity = "O(1)",
    },
    {.name = NULL},
};
