/* What COMMAND tells of the group list. */
#include "manual/manual_priv.h"

const struct cmd_docs list_docs[] = {
    {
        .name = "blmove", .since = "6.2.0",
        .summary = "Moves an end element of one list to an end of another; "
                   "waits for one.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE),
            AT(2, KEY_RW | KEY_INSERT)),
        .args = ARGS(
            KEY("source"), KEY_OF(2, "destination"),
            ONEOF("wherefrom", ARGS(
                TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
            ONEOF("whereto", ARGS(
                TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
            DOUBLE("timeout")),
    },
    {
        .name = "blmpop", .since = "7.0.0",
        .summary = "Takes elements from an end of the first list that has "
                   "any; waits for some.",
        .complexity = "O(N+M), N the keys and M the elements returned",
        .keys = SPECS(COUNTED(2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(
            DOUBLE("timeout"), INTEGER("numkeys"), KEY("key", MANY),
            ONEOF("where", ARGS(
                TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
            INTEGER("count", .token = "COUNT", OPT)),
    },
    {
        .name = "blpop", .since = "2.0.0",
        .summary = "Takes the first element of the first list that has one; "
                   "waits for one.",
        .complexity = "O(N), N the keys",
        .history = HISTORY({"6.0.0", "The timeout may have a fraction."}),
        .keys = SPECS(RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key", MANY), DOUBLE("timeout")),
    },
    {
        .name = "brpop", .since = "2.0.0",
        .summary = "Takes the last element of the first list that has one; "
                   "waits for one.",
        .complexity = "O(N), N the keys",
        .history = HISTORY({"6.0.0", "The timeout may have a fraction."}),
        .keys = SPECS(RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key", MANY), DOUBLE("timeout")),
    },
    {
        .name = "brpoplpush", .since = "2.2.0",
        .summary = "Moves the last element of one list to the front of "
                   "another; waits for one.",
        .complexity = "O(1)",
        .replaced_by = "`BLMOVE`, `RIGHT` and `LEFT`",
        .deprecated_since = "6.2.0",
        .history = HISTORY({"6.0.0", "The timeout may have a fraction."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE),
            AT(2, KEY_RW | KEY_INSERT)),
        .args = ARGS(
            KEY("source"), KEY_OF(2, "destination"), DOUBLE("timeout")),
    },
    {
        .name = "lindex", .since = "1.0.0",
        .summary = "Answers with the element at a position.",
        .complexity = "O(N), N the elements passed over; O(1) at the ends",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), INTEGER("index")),
    },
    {
        .name = "linsert", .since = "2.2.0",
        .summary = "Puts an element before or behind another one.",
        .complexity = "O(N), N the elements passed over",
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(
            KEY("key"),
            ONEOF("where", ARGS(
                TOKEN("before", "BEFORE"), TOKEN("after", "AFTER"))),
            STRING("pivot"), STRING("element")),
    },
    {
        .name = "llen", .since = "1.0.0",
        .summary = "Counts the elements of a list.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO)),
        .args = ARGS(KEY("key")),
    },
    {
        .name = "lmove", .since = "6.2.0",
        .summary = "Moves an end element of one list to an end of another.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE),
            AT(2, KEY_RW | KEY_INSERT)),
        .args = ARGS(
            KEY("source"), KEY_OF(2, "destination"),
            ONEOF("wherefrom", ARGS(
                TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
            ONEOF("whereto", ARGS(
                TOKEN("left", "LEFT"), TOKEN("right", "RIGHT")))),
    },
    {
        .name = "lmpop", .since = "7.0.0",
        .summary = "Takes elements from an end of the first list that has any.",
        .complexity = "O(N+M), N the keys and M the elements returned",
        .keys = SPECS(COUNTED(1, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(
            INTEGER("numkeys"), KEY("key", MANY),
            ONEOF("where", ARGS(
                TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
            INTEGER("count", .token = "COUNT", OPT)),
    },
    {
        .name = "lpop", .since = "1.0.0",
        .summary = "Takes elements from the front of a list.",
        .complexity = "O(N), N the elements returned",
        .history = HISTORY({"6.2.0", "Takes a count."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("count", OPT, .since = "6.2.0")),
    },
    {
        .name = "lpos", .since = "6.0.6",
        .summary = "Finds the positions of an element.",
        .complexity = "O(N), N the elements looked at",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("element"),
            INTEGER("rank", .token = "RANK", OPT),
            INTEGER("num-matches", .token = "COUNT", OPT),
            INTEGER("len", .token = "MAXLEN", OPT)),
    },
    {
        .name = "lpush", .since = "1.0.0",
        .summary = "Puts elements in front of a list, which is made if there "
                   "is none.",
        .complexity = "O(N), N the elements",
        .history = HISTORY({"2.4.0", "Takes several elements."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("element", MANY)),
    },
    {
        .name = "lpushx", .since = "2.2.0",
        .summary = "Puts elements in front of a list, if there is one.",
        .complexity = "O(N), N the elements",
        .history = HISTORY({"4.0.0", "Takes several elements."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("element", MANY)),
    },
    {
        .name = "lrange", .since = "1.0.0",
        .summary = "Answers with the elements from one position to another.",
        .complexity = "O(S+N), S the elements from the nearer end to the "
                      "first, N those returned",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), INTEGER("start"), INTEGER("stop")),
    },
    {
        .name = "lrem", .since = "1.0.0",
        .summary = "Removes elements that are equal to a given one.",
        .complexity = "O(N+M), N the elements of the list and M those removed",
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("count"), STRING("element")),
    },
    {
        .name = "lset", .since = "1.0.0",
        .summary = "Replaces the element at a position.",
        .complexity = "O(N), N the elements of the list; O(1) at the ends",
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(KEY("key"), INTEGER("index"), STRING("element")),
    },
    {
        .name = "ltrim", .since = "1.0.0",
        .summary = "Keeps the elements from one position to another and "
                   "removes the others.",
        .complexity = "O(N), N the elements removed",
        .keys = SPECS(AT(1, KEY_RW | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("start"), INTEGER("stop")),
    },
    {
        .name = "rpop", .since = "1.0.0",
        .summary = "Takes elements from the end of a list.",
        .complexity = "O(N), N the elements returned",
        .history = HISTORY({"6.2.0", "Takes a count."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .args = ARGS(KEY("key"), INTEGER("count", OPT, .since = "6.2.0")),
    },
    {
        .name = "rpoplpush", .since = "1.2.0",
        .summary = "Moves the last element of one list to the front of "
                   "another.",
        .complexity = "O(1)",
        .replaced_by = "`LMOVE`, `RIGHT` and `LEFT`",
        .deprecated_since = "6.2.0",
        .keys = SPECS(AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE),
            AT(2, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("source"), KEY_OF(2, "destination")),
    },
    {
        .name = "rpush", .since = "1.0.0",
        .summary = "Puts elements at the end of a list, which is made if "
                   "there is none.",
        .complexity = "O(N), N the elements",
        .history = HISTORY({"2.4.0", "Takes several elements."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("element", MANY)),
    },
    {
        .name = "rpushx", .since = "2.2.0",
        .summary = "Puts elements at the end of a list, if there is one.",
        .complexity = "O(N), N the elements",
        .history = HISTORY({"4.0.0", "Takes several elements."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_INSERT)),
        .args = ARGS(KEY("key"), STRING("element", MANY)),
    },
    {.name = NULL},
};
