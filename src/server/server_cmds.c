/* server_cmds: SHUTDOWN, and what of DEBUG is served. */
#include <time.h>

#include "server/connection.h"
#include "server/debug_crash.h"
#include "server/server_priv.h"

enum { DEBUG_SLEEP_MAX_S = 24 * 3600 };

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

static bool debug_is_allowed(struct cmd_ctx *c)
{
    struct server *s = c->host;
    if (session_is_permitted(c->session,
                             (enum option_permit)
                                 s->options.enable_debug_command)) {
        return true;
    }
    reply_error(c->reply, "ERR DEBUG command not allowed. If the "
                "enable-debug-command option is set to \"local\", you can run "
                "it from a local connection, otherwise you need to set this "
                "option in the configuration file, and then restart the "
                "server.");
    return false;
}

static void debug_sleep(struct cmd_ctx *c)
{
    double seconds;
    if (!ctx_arg_double(c, 2, &seconds)) {
        return;
    }
    /* So that what is not a number is none as well. */
    seconds = seconds > 0 ? seconds : 0;
    seconds = seconds < DEBUG_SLEEP_MAX_S ? seconds : DEBUG_SLEEP_MAX_S;
    struct timespec ts = {(time_t)seconds,
                          (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&ts, NULL);
    reply_ok(c->reply);
}

static void debug_set_active_expire(struct cmd_ctx *c)
{
    int64_t on;
    if (ctx_arg_int(c, 2, &on)) {
        store_set_active_expire(c->store, on != 0);
        reply_ok(c->reply);
    }
}

/* Walks every shard and asserts its invariants: slow, for tests. */
static void debug_check(struct cmd_ctx *c)
{
    for (uint32_t i = 0; i < store_shard_count(c->store); i++) {
        for (uint32_t db = 0; db < store_database_count(c->store); db++) {
            struct keyspace *ks = store_keyspace(c->store, i, db);
            if (ks != NULL) {
                keyspace_check(ks);
            }
        }
    }
    reply_ok(c->reply);
}

static void debug_rewrite(struct cmd_ctx *c)
{
    config_rewrite_file(c, true);
}

static const struct debug_row {
    const char *name;
    uint32_t argc; /* with DEBUG and the name; 0: any */
    void (*run)(struct cmd_ctx *c);
} debug_rows[] = {
    {"assert", 0, debug_assert},
    {"check", 2, debug_check},
    {"config-rewrite-force-all", 2, debug_rewrite},
    {"crash-and-recover", 0, debug_restart},
    {"log", 3, debug_log},
    {"panic", 0, debug_panic},
    {"restart", 0, debug_restart},
    {"segfault", 0, debug_segfault},
    {"set-active-expire", 3, debug_set_active_expire},
    {"sleep", 3, debug_sleep},
};

static void debug_run(struct cmd_ctx *c)
{
    if (!debug_is_allowed(c)) {
        return;
    }
    for (size_t i = 0; i < sizeof debug_rows / sizeof debug_rows[0]; i++) {
        const struct debug_row *row = &debug_rows[i];
        if ((row->argc == 0 || row->argc == c->argc)
            && ctx_arg_is(c, 1, row->name)) {
            row->run(c);
            return;
        }
    }
    reply_errorf(c->reply, "ERR unknown subcommand or wrong number of "
                 "arguments for '%.*s'. Try DEBUG HELP.",
                 (int)(c->argv[1].len > 128 ? 128 : c->argv[1].len),
                 (const char *)c->argv[1].data);
}

const struct cmd_spec server_cmds[] = {
    { .name = "shutdown", .arity = -1,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE
               | CMD_NO_MULTI | CMD_ALLOW_BUSY,
      .run = shutdown_run, .since = "1.0.0",
      .summary = "Ends the server." },
    { .name = "debug", .arity = -2,
      .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE
               | CMD_ALL_SHARDS,
      .run = debug_run, .since = "1.0.0",
      .summary = "Means of testing the server." },
    { .name = NULL },
};
