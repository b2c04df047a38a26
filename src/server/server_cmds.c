/* server_cmds: SHUTDOWN, and ROLE, of a server that is nobody's replica. */
#include "server/server_priv.h"

static void shutdown_run(struct cmd_ctx *c)
{
    bool nosave = false, save = false, now = false, force = false, abort = false;
    for (uint32_t i = 1; i < c->argc; i++) {
        nosave |= ctx_arg_is(c, i, "nosave");
        save |= ctx_arg_is(c, i, "save");
        now |= ctx_arg_is(c, i, "now");
        force |= ctx_arg_is(c, i, "force");
        abort |= ctx_arg_is(c, i, "abort");
        if (!ctx_arg_is(c, i, "nosave") && !ctx_arg_is(c, i, "save")
            && !ctx_arg_is(c, i, "now") && !ctx_arg_is(c, i, "force")
            && !ctx_arg_is(c, i, "abort")) {
            ctx_error_syntax(c);
            return;
        }
    }
    if ((nosave && save) || (abort && (nosave || save || now || force))) {
        ctx_error_syntax(c);
        return;
    }
    if (abort) {
        reply_error(c->reply, "ERR No shutdown in progress.");
        return;
    }
    if (save) {
        reply_error(c->reply, "ERR Errors trying to SHUTDOWN. Check logs.");
        return;
    }
    struct server *s = c->host;
    c->session->close_after_reply = true; /* its answer is the closing */
    server_stop(s, "User requested shutdown...");
}

static void role_run(struct cmd_ctx *c)
{
    reply_array(c->reply, 3);
    reply_bulk_text(c->reply, "master");
    reply_int(c->reply, 0);
    reply_array(c->reply, 0);
}

const struct cmd_spec server_cmds[] = {
    { .name = "shutdown", .arity = -1,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE
               | CMD_NO_MULTI | CMD_ALLOW_BUSY,
      .run = shutdown_run },
    { .name = "role", .arity = 1,
      .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST,
      .categories = CAT_ADMIN | CAT_DANGEROUS, .run = role_run },
    { .name = NULL },
};
