/* client_cmds: CLIENT's table, and what it asks of the session itself. */
#include "server/client_cmds.h"

#include "server/connection.h"
#include "server/pause.h"
#include "server/session_text.h"

static void client_id_run(struct cmd_ctx *c)
{
    reply_int(c->reply, (int64_t)c->session->id);
}

static void client_getname_run(struct cmd_ctx *c)
{
    if (c->session->name == NULL) {
        reply_null(c->reply);
        return;
    }
    reply_bulk_text(c->reply, c->session->name);
}

static void client_setname_run(struct cmd_ctx *c)
{
    if (session_text_check(c, SLICE_LIT("Client names"), c->argv[2])
        && session_text_set(c, &c->session->name, c->argv[2])) {
        reply_ok(c->reply);
    }
}

static void client_setinfo_run(struct cmd_ctx *c)
{
    char **at;
    if (ctx_arg_is(c, 2, "lib-name")) {
        at = &c->session->lib_name;
    } else if (ctx_arg_is(c, 2, "lib-ver")) {
        at = &c->session->lib_version;
    } else {
        size_t len = c->argv[2].len < 128 ? c->argv[2].len : 128;
        reply_errorf(c->reply, "ERR Unrecognized option '%.*s'", (int)len,
                     (const char *)c->argv[2].data);
        return;
    }
    if (session_text_check(c, c->argv[2], c->argv[3])
        && session_text_set(c, at, c->argv[3])) {
        reply_ok(c->reply);
    }
}

/* OFF and SKIP have no reply of their own: that is what they are for. */
static void client_reply_run(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (ctx_arg_is(c, 2, "on")) {
        s->reply_off = false;
        s->reply_skip = 0;
        c->reply->is_muted = false;
        reply_ok(c->reply);
    } else if (ctx_arg_is(c, 2, "off")) {
        s->reply_off = true;
    } else if (ctx_arg_is(c, 2, "skip")) {
        /* One is taken off when this command is done with. */
        s->reply_skip = s->reply_off ? 0 : 2;
    } else {
        ctx_error_syntax(c);
    }
}

/* ---- ON and OFF ---- */

static bool parse_toggle(struct cmd_ctx *c, bool *on)
{
    *on = ctx_arg_is(c, 2, "on");
    if (!*on && !ctx_arg_is(c, 2, "off")) {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

static void client_no_evict_run(struct cmd_ctx *c)
{
    bool on;
    if (parse_toggle(c, &on)) {
        connection_of(c->session)->no_evict = on;
        reply_ok(c->reply);
    }
}

static void client_no_touch_run(struct cmd_ctx *c)
{
    bool on;
    if (parse_toggle(c, &on)) {
        c->session->no_touch = on;
        reply_ok(c->reply);
    }
}

/* There is no import mode to be a source in. */
static void client_import_source_run(struct cmd_ctx *c)
{
    if (!ctx_arg_is(c, 2, "off")) {
        reply_error(c->reply, "ERR Server is not in import mode");
        return;
    }
    reply_ok(c->reply);
}

/* What is not known is not of concern. */
static void client_capa_run(struct cmd_ctx *c)
{
    for (uint32_t i = 2; i < c->argc; i++) {
        connection_of(c->session)->can_redirect |= ctx_arg_is(c, i, "redirect");
    }
    reply_ok(c->reply);
}

/* ---- tracking, which is not there yet ---- */

static void client_tracking_run(struct cmd_ctx *c)
{
    bool on;
    if (!parse_toggle(c, &on)) {
        return;
    }
    for (uint32_t i = 3; i < c->argc; i++) {
        bool has_value = ctx_arg_is(c, i, "redirect")
                         || ctx_arg_is(c, i, "prefix");
        if (has_value ? i + 1 == c->argc
                      : !ctx_arg_is(c, i, "bcast") && !ctx_arg_is(c, i, "optin")
                            && !ctx_arg_is(c, i, "optout")
                            && !ctx_arg_is(c, i, "noloop")) {
            ctx_error_syntax(c);
            return;
        }
        i += has_value;
    }
    if (on) {
        reply_error(c->reply, "ERR client tracking is not supported");
        return;
    }
    reply_ok(c->reply);
}

static void client_trackinginfo_run(struct cmd_ctx *c)
{
    struct reply *r = c->reply;
    reply_map(r, 3);
    reply_bulk_text(r, "flags");
    reply_set(r, 1);
    reply_bulk_text(r, "off");
    reply_bulk_text(r, "redirect");
    reply_int(r, -1);
    reply_bulk_text(r, "prefixes");
    reply_array(r, 0);
}

static void client_caching_run(struct cmd_ctx *c)
{
    reply_error(c->reply, "ERR CLIENT CACHING can be called only when the "
                          "client is in tracking mode with OPTIN or OPTOUT "
                          "mode enabled");
}

static void client_getredir_run(struct cmd_ctx *c)
{
    reply_int(c->reply, -1);
}

/* ---- the table ---- */

static void client_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CACHING (YES|NO)",
        "    Refused: there is no tracking.",
        "CAPA <capability> [<capability> ...]",
        "    Note what this client can do: REDIRECT.",
        "GETNAME",
        "    Say the name of this connection.",
        "GETREDIR",
        "    Say -1: there is no tracking.",
        "ID",
        "    Say the number of this connection.",
        "IMPORT-SOURCE (ON|OFF)",
        "    Mark this connection as a source, in import mode.",
        "INFO",
        "    Describe this connection.",
        "KILL <ip:port>",
        "    Close the connection from this address.",
        "KILL <option> <value> [<option> <value> ...]",
        "    Close all connections that fit, and say how many: the options",
        "    of LIST. SKIPME is yes unless it is given.",
        "LIST [<option> <value> ...]",
        "    Describe the connections that fit:",
        "    ADDR <ip:port>, LADDR <ip:port>: the peer's or our own address",
        "    ID <id> [<id> ...]: these numbers",
        "    MAXAGE <seconds>: connections at least as old",
        "    SKIPME (YES|NO): all but this one",
        "    TYPE (NORMAL|PRIMARY|REPLICA|PUBSUB)",
        "    USER <name>",
        "    LIST and KILL ask all workers: with several they are refused",
        "    inside a transaction, and so is UNBLOCK in any.",
        "NO-EVICT (ON|OFF)",
        "    Keep this connection when memory is short.",
        "NO-TOUCH (ON|OFF)",
        "    Whether reading by this connection counts as use of a key.",
        "PAUSE <milliseconds> [WRITE|ALL]",
        "    Hold all requests, or those that may write, for a time.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether this connection is answered.",
        "SETINFO (LIB-NAME|LIB-VER) <value>",
        "    Note which library the client uses.",
        "SETNAME <name>",
        "    Name this connection.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    OFF only: there is no tracking.",
        "TRACKINGINFO",
        "    Say how this connection tracks keys.",
        "UNBLOCK <id> [TIMEOUT|ERROR]",
        "    End a connection's wait for a key.",
        "UNPAUSE",
        "    End CLIENT PAUSE; not held by it.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

enum {
    ANYTIME = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
    ADMIN = ANYTIME | CMD_ADMIN,
};

#define CLIENT_SUB(name_, arity_, flags_, run_) \
    {.name = (name_), .arity = (arity_), .flags = (flags_), \
     .categories = CAT_CONNECTION, .run = (run_)}

static const struct cmd_spec client_subcommands[] = {
    CLIENT_SUB("caching", 3, ANYTIME, client_caching_run),
    CLIENT_SUB("capa", -3, ANYTIME, client_capa_run),
    CLIENT_SUB("getname", 2, ANYTIME, client_getname_run),
    CLIENT_SUB("getredir", 2, ANYTIME, client_getredir_run),
    CLIENT_SUB("help", 2, CMD_LOADING | CMD_STALE, client_help_run),
    CLIENT_SUB("id", 2, ANYTIME, client_id_run),
    CLIENT_SUB("import-source", 3, ANYTIME, client_import_source_run),
    CLIENT_SUB("info", 2, ANYTIME, client_info_run),
    CLIENT_SUB("kill", -3, ADMIN, client_kill_run),
    CLIENT_SUB("list", -2, ADMIN, client_list_run),
    CLIENT_SUB("no-evict", 3, ADMIN, client_no_evict_run),
    CLIENT_SUB("no-touch", 3, ANYTIME, client_no_touch_run),
    CLIENT_SUB("pause", -3, ADMIN, client_pause_run),
    CLIENT_SUB("reply", 3, ANYTIME, client_reply_run),
    CLIENT_SUB("setinfo", 4, ANYTIME, client_setinfo_run),
    CLIENT_SUB("setname", 3, ANYTIME, client_setname_run),
    CLIENT_SUB("tracking", -3, ANYTIME, client_tracking_run),
    CLIENT_SUB("trackinginfo", 2, ANYTIME, client_trackinginfo_run),
    CLIENT_SUB("unblock", -3, ADMIN, client_unblock_run),
    CLIENT_SUB("unpause", 2, ADMIN | CMD_NOT_PAUSED,
               client_unpause_run),
    {.name = NULL},
};

#undef CLIENT_SUB

const struct cmd_spec client_cmds[] = {
    {.name = "client", .arity = -2, .subcommands = client_subcommands},
    {.name = NULL},
};
