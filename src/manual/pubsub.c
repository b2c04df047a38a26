/* What COMMAND tells of the group pubsub. */
#include "manual/manual_priv.h"

const struct cmd_docs pubsub_docs[] = {
    {
        .name = "psubscribe", .since = "2.0.0",
        .summary = "Subscribes to the channels that match patterns.",
        .complexity = "O(N), N the patterns",
        .args = ARGS(PATTERN("pattern", MANY)),
    },
    {
        .name = "publish", .since = "2.0.0",
        .summary = "Sends a message to a channel.",
        .complexity = "O(N+M), N the channel's subscribers and M the patterns "
                      "of all clients",
        .args = ARGS(STRING("channel"), STRING("message")),
    },
    {
        .name = "pubsub", .since = "2.8.0",
        .summary = "Commands about channels and their subscribers.",
        .complexity = "By subcommand",
    },
    {
        .name = "pubsub|channels", .since = "2.8.0",
        .summary = "Names the channels that have subscribers.",
        .complexity = "O(N), N the channels",
        .args = ARGS(PATTERN("pattern", OPT)),
    },
    {
        .name = "pubsub|help", .since = "6.2.0",
        .summary = "Lists what PUBSUB can do.",
        .complexity = "O(1)",
    },
    {
        .name = "pubsub|numpat", .since = "2.8.0",
        .summary = "Counts the patterns that are subscribed to.",
        .complexity = "O(1)",
    },
    {
        .name = "pubsub|numsub", .since = "2.8.0",
        .summary = "Counts the subscribers of channels.",
        .complexity = "O(N), N the channels asked for",
        .args = ARGS(STRING("channel", OPT_MANY)),
    },
    {
        .name = "pubsub|shardchannels", .since = "7.0.0",
        .summary = "Names the shard channels that have subscribers.",
        .complexity = "O(N), N the shard channels",
        .args = ARGS(PATTERN("pattern", OPT)),
    },
    {
        .name = "pubsub|shardnumsub", .since = "7.0.0",
        .summary = "Counts the subscribers of shard channels.",
        .complexity = "O(N), N the shard channels asked for",
        .args = ARGS(STRING("shardchannel", OPT_MANY)),
    },
    {
        .name = "punsubscribe", .since = "2.0.0",
        .summary = "Ends subscriptions to patterns.",
        .complexity = "O(N), N the patterns",
        .args = ARGS(PATTERN("pattern", OPT_MANY)),
    },
    {
        .name = "spublish", .since = "7.0.0",
        .summary = "Sends a message to a shard channel.",
        .complexity = "O(N), N the channel's subscribers",
        .keys = SPECS(AT(1, KEY_NOT_KEY)),
        .args = ARGS(STRING("shardchannel"), STRING("message")),
    },
    {
        .name = "ssubscribe", .since = "7.0.0",
        .summary = "Subscribes to shard channels.",
        .complexity = "O(N), N the channels",
        .keys = SPECS(RANGE(1, -1, 1, KEY_NOT_KEY)),
        .args = ARGS(STRING("shardchannel", MANY)),
    },
    {
        .name = "subscribe", .since = "2.0.0",
        .summary = "Subscribes to channels.",
        .complexity = "O(N), N the channels",
        .args = ARGS(STRING("channel", MANY)),
    },
    {
        .name = "sunsubscribe", .since = "7.0.0",
        .summary = "Ends subscriptions to shard channels.",
        .complexity = "O(N), N the channels",
        .keys = SPECS(RANGE(1, -1, 1, KEY_NOT_KEY)),
        .args = ARGS(STRING("shardchannel", OPT_MANY)),
    },
    {
        .name = "unsubscribe", .since = "2.0.0",
        .summary = "Ends subscriptions to channels.",
        .complexity = "O(N), N the channels",
        .args = ARGS(STRING("channel", OPT_MANY)),
    },
    {.name = NULL},
};
