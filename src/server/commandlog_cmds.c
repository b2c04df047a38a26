/* commandlog_cmds: COMMANDLOG, and SLOWLOG, which is its slow kind under the
 * older name. */
#include "base/number.h"
#include "server/commandlog.h"
#include "server/server_priv.h"

enum { SLOWLOG_GET_INITIAL = 10 };

static struct commandlog *log_of(const struct cmd_ctx *c)
{
    return &((struct server *)c->host)->commandlog;
}

static bool parse_kind(struct cmd_ctx *c, uint32_t i, enum commandlog_kind *out)
{
    static const char *const words[COMMANDLOG_KINDS] = {
        [COMMANDLOG_SLOW] = "slow",
        [COMMANDLOG_REQUEST] = "large-request",
        [COMMANDLOG_REPLY] = "large-reply",
    };
    for (int k = 0; k < COMMANDLOG_KINDS; k++) {
        if (ctx_arg_is(c, i, words[k])) {
            *out = (enum commandlog_kind)k;
            return true;
        }
    }
    reply_error(c->reply, "ERR type should be one of the following: slow, "
                          "large-request, large-reply");
    return false;
}

/* -1 is all of them. */
static bool parse_count(struct cmd_ctx *c, uint32_t i, uint64_t *out)
{
    int64_t count;
    if (!number_parse_int64(c->argv[i], &count) || count < -1) {
        reply_error(c->reply,
                    "ERR count should be greater than or equal to -1");
        return false;
    }
    *out = (uint64_t)count;
    return true;
}

/* ---- COMMANDLOG ---- */

static void commandlog_get_run(struct cmd_ctx *c)
{
    enum commandlog_kind kind;
    uint64_t max;
    if (parse_count(c, 2, &max) && parse_kind(c, 3, &kind)) {
        commandlog_reply(log_of(c), kind, max, c->reply);
    }
}

static void commandlog_len_run(struct cmd_ctx *c)
{
    enum commandlog_kind kind;
    if (parse_kind(c, 2, &kind)) {
        reply_int(c->reply, (int64_t)commandlog_len(log_of(c), kind));
    }
}

static void commandlog_reset_run(struct cmd_ctx *c)
{
    enum commandlog_kind kind;
    if (parse_kind(c, 2, &kind)) {
        commandlog_reset(log_of(c), kind);
        reply_ok(c->reply);
    }
}

static void commandlog_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "COMMANDLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET <count> <type>",
        "    Show the newest <count> entries (-1: all) of a type: slow,",
        "    large-request or large-reply. An entry is an id, a Unix time,",
        "    microseconds or bytes, the arguments, address and name of the",
        "    session.",
        "LEN <type>",
        "    Say how many entries there are.",
        "RESET <type>",
        "    Forget the entries.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

/* ---- SLOWLOG ---- */

static void slowlog_get_run(struct cmd_ctx *c)
{
    uint64_t max = SLOWLOG_GET_INITIAL;
    if (c->argc > 3) {
        reply_error(c->reply, "ERR unknown subcommand or wrong number of "
                              "arguments for 'get'. Try SLOWLOG HELP.");
        return;
    }
    if (c->argc == 2 || parse_count(c, 2, &max)) {
        commandlog_reply(log_of(c), COMMANDLOG_SLOW, max, c->reply);
    }
}

static void slowlog_len_run(struct cmd_ctx *c)
{
    reply_int(c->reply, (int64_t)commandlog_len(log_of(c), COMMANDLOG_SLOW));
}

static void slowlog_reset_run(struct cmd_ctx *c)
{
    commandlog_reset(log_of(c), COMMANDLOG_SLOW);
    reply_ok(c->reply);
}

static void slowlog_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET [<count>]",
        "    Show the newest <count> slow commands (10; -1: all): an id, a",
        "    Unix time, microseconds, the arguments, address and name of the",
        "    session.",
        "LEN",
        "    Say how many entries there are.",
        "RESET",
        "    Forget the entries.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

/* ---- the rows ---- */

enum { LOG_FLAGS = CMD_ADMIN | CMD_LOADING | CMD_STALE };

static const struct cmd_spec commandlog_subcommands[] = {
    {.name = "get", .arity = 4, .flags = LOG_FLAGS, .run = commandlog_get_run},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .run = commandlog_help_run},
    {.name = "len", .arity = 3, .flags = LOG_FLAGS, .run = commandlog_len_run},
    {.name = "reset", .arity = 3, .flags = LOG_FLAGS,
     .run = commandlog_reset_run},
    {.name = NULL},
};

static const struct cmd_spec slowlog_subcommands[] = {
    {.name = "get", .arity = -2, .flags = LOG_FLAGS, .run = slowlog_get_run},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .run = slowlog_help_run},
    {.name = "len", .arity = 2, .flags = LOG_FLAGS, .run = slowlog_len_run},
    {.name = "reset", .arity = 2, .flags = LOG_FLAGS, .run = slowlog_reset_run},
    {.name = NULL},
};

const struct cmd_spec commandlog_cmds[] = {
    {.name = "commandlog", .arity = -2,
     .subcommands = commandlog_subcommands},
    {.name = "slowlog", .arity = -2, .subcommands = slowlog_subcommands},
    {.name = NULL},
};
