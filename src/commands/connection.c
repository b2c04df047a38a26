/* connection: PING, ECHO, SELECT, QUIT: what a connection asks that concerns
 * no key and no secret. AUTH, HELLO, RESET and CLIENT need what only the server
 * knows and live there. */
#include "commands/commands.h"

static void ping_run(struct cmd_ctx *c)
{
    if (c->argc > 2) {
        reply_error(c->reply,
                    "ERR wrong number of arguments for 'ping' command");
        return;
    }
    if (c->argc == 2) {
        reply_bulk(c->reply, c->argv[1]);
        return;
    }
    reply_simple(c->reply, "PONG");
}

static void echo_run(struct cmd_ctx *c)
{
    reply_bulk(c->reply, c->argv[1]);
}

static void select_run(struct cmd_ctx *c)
{
    if (ctx_arg_database(c, 1, &c->session->database)) {
        reply_ok(c->reply);
    }
}

static void quit_run(struct cmd_ctx *c)
{
    reply_ok(c->reply);
    c->session->close_after_reply = true;
}

const struct cmd_spec connection_cmds[] = {
    {.name = "echo", .arity = 2,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .categories = CAT_CONNECTION, .run = echo_run},
    {.name = "ping", .arity = -1, .flags = CMD_FAST,
     .categories = CAT_CONNECTION, .run = ping_run},
    {.name = "quit", .arity = -1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH
              | CMD_NOT_QUEUED | CMD_ALLOW_BUSY,
     .categories = CAT_CONNECTION, .run = quit_run},
    {.name = "select", .arity = 2,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .categories = CAT_CONNECTION, .run = select_run},
    {.name = NULL},
};
