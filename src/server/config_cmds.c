/* config_cmds: CONFIG over the option table.
 *
 * SET works on a copy of the options: every pair must be good before the copy's
 * values take the place of the old ones, so that a bad pair changes nothing. All
 * is done under config_lock; what the hot paths read is published afterwards.
 * RESETSTAT holds every shard: no other worker is in the middle of a command
 * whose counters are being set back. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "server/connection.h"
#include "server/listening.h"
#include "server/process.h"
#include "server/server_priv.h"
#include "server/worker.h"

static struct server *server_of(const struct cmd_ctx *c)
{
    return c->host;
}

/* ---- CONFIG GET ---- */

static bool has_wildcard(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (memchr("*?[", pattern.data[i], 3) != NULL) {
            return true;
        }
    }
    return false;
}

/* The name as the reply shall have it: as it was asked for, where one of the
 * arguments is the name itself; empty: nobody asks. Patterns do not find hidden
 * ones. */
static struct slice asked_name(const struct cmd_ctx *c,
                               const struct option *row, const char *name)
{
    struct slice found = slice_of(NULL, 0);
    if (name == NULL || row->type == OPTION_LINES) {
        return found;
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        if (!has_wildcard(c->argv[i])) {
            if (slice_equal_nocase(c->argv[i], name)) {
                return c->argv[i];
            }
        } else if (!(row->flags & OPTION_HIDDEN)
                   && slice_match_glob(c->argv[i], slice_of_text(name), true)) {
            found = slice_of_text(name);
        }
    }
    return found;
}

/* False: nobody asked for this name. */
static bool reply_if_asked(struct cmd_ctx *c, const struct option *row,
                           const char *name, char *text, size_t cap)
{
    const struct options *o = &server_of(c)->options;
    struct slice shown = asked_name(c, row, name);
    size_t len;
    if (shown.len == 0) {
        return false;
    }
    len = options_get_row(o, row, text, cap);
    reply_bulk(c->reply, shown);
    /* Where the process is counts, not the words that led there. */
    if (row->kind == TEXT_DIRECTORY && getcwd(text, cap) != NULL) {
        len = strlen(text);
    }
    reply_bulk(c->reply, slice_of(text, len < cap ? len : cap - 1));
    return true;
}

static void config_get_run(struct cmd_ctx *c)
{
    struct server *s = server_of(c);
    struct reply_deferred d;
    int64_t count = 0;
    size_t cap = OPTION_TEXT_MAX + 1;
    char *text = ctx_scratch(c, cap);

    if (text == NULL) {
        return;
    }
    reply_deferred_begin(c->reply, &d);
    lock_acquire(&s->config_lock);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        count += reply_if_asked(c, row, row->name, text, cap) ? 1 : 0;
        count += reply_if_asked(c, row, row->alias, text, cap) ? 1 : 0;
    }
    lock_release(&s->config_lock);
    reply_deferred_map(c->reply, &d, count);
}

/* ---- CONFIG SET ---- */

/* NULL: CONFIG does not know it. */
static const struct option *settable(struct slice name)
{
    const struct option *row = option_find(name);
    return row != NULL && row->type != OPTION_LINES ? row : NULL;
}

/* The row's name or its alias, whichever was typed. */
static const char *typed_name(const struct option *row, struct slice typed)
{
    return slice_equal_nocase(typed, row->name) ? row->name : row->alias;
}

static void reply_set_error(struct cmd_ctx *c, const char *name,
                            const char *why)
{
    reply_errorf(c->reply,
                 "ERR CONFIG SET failed (possibly related to argument '%s') - "
                 "%s", name, why);
}

static const char immutable[] = "can't set immutable config";

static bool is_named_before(const struct cmd_ctx *c, uint32_t at,
                            const char *name)
{
    for (uint32_t i = 2; i < at; i += 2) {
        if (slice_equal_nocase(c->argv[i], name)) {
            return true;
        }
    }
    return false;
}

/* Names only: whether every one may be set. Replies its error. */
static bool check_names(struct cmd_ctx *c)
{
    const struct options *o = &server_of(c)->options;
    for (uint32_t i = 2; i < c->argc; i += 2) {
        const struct option *row = settable(c->argv[i]);
        const char *name;
        if (row == NULL) {
            size_t len = c->argv[i].len < 128 ? c->argv[i].len : 128;
            reply_errorf(c->reply, "ERR Unknown option or number of arguments "
                                   "for CONFIG SET - '%.*s'",
                         (int)len, (const char *)c->argv[i].data);
            return false;
        }
        name = typed_name(row, c->argv[i]);
        if ((row->flags & OPTION_IMMUTABLE) && !(row->flags & OPTION_OWN)) {
            reply_set_error(c, name, immutable);
            return false;
        }
        if ((row->flags & OPTION_PROTECTED)
            && !session_is_permitted(c->session,
                                     (enum option_permit)
                                         o->enable_protected_configs)) {
            reply_set_error(c, name, "can't set protected config");
            return false;
        }
        if (is_named_before(c, i, name)) {
            reply_set_error(c, name, "duplicate parameter");
            return false;
        }
    }
    return true;
}

static bool set_values(struct cmd_ctx *c, struct options *o)
{
    char why[OPTION_ERROR_MAX];
    for (uint32_t i = 2; i < c->argc; i += 2) {
        const struct option *row = settable(c->argv[i]);
        if (!options_set_row(o, row, c->argv[i + 1], why, sizeof why)) {
            reply_set_error(c, typed_name(row, c->argv[i]), why);
            return false;
        }
        if ((row->flags & OPTION_IMMUTABLE)
            && !options_are_equal(o, &server_of(c)->options, row)) {
            reply_set_error(c, row->name, immutable);
            return false;
        }
    }
    return true;
}

/* Room for as many sessions, asked of the system. */
static bool reserve_descriptors(struct cmd_ctx *c, const struct options *from,
                                const struct options *to)
{
    char why[OPTION_ERROR_MAX];
    int64_t max;
    if (to->maxclients <= from->maxclients) {
        return true;
    }
    max = process_sessions_max(to->maxclients);
    if (max == to->maxclients) {
        return true;
    }
    snprintf(why, sizeof why,
             "The operating system is not able to handle the specified number "
             "of clients, try with %lld", (long long)max);
    reply_set_error(c, "maxclients", why);
    return false;
}

static bool is_named(const struct cmd_ctx *c, const char *name)
{
    return is_named_before(c, c->argc, name);
}

static bool change_addresses(struct cmd_ctx *c, const struct options *to,
                             struct listening_change **change)
{
    char why[OPTION_ERROR_MAX];
    struct server *s = server_of(c);
    *change = NULL;
    if ((!is_named(c, "port") && !is_named(c, "bind"))
        || listening_prepare(s, to, change, why, sizeof why)) {
        return true;
    }
    log_write(s->log, LOG_WARNING, "%s", why);
    if (is_named(c, "port")) {
        reply_set_error(c, "port",
                        "Unable to listen on this port. Check server logs.");
    } else {
        reply_set_error(c, "bind", "Failed to bind to specified addresses.");
    }
    return false;
}

/* The last of the effects that can fail, so that it need not be undone. */
static bool enter_directory(struct cmd_ctx *c, const struct options *from,
                            const struct options *to)
{
    if (strcmp(from->dir, to->dir) == 0 || to->dir[0] == '\0') {
        return true;
    }
    if (chdir(to->dir) == 0) {
        return true;
    }
    reply_set_error(c, "dir", strerror(errno));
    return false;
}

/* Not when nothing of it is changed: others may set the score too. */
static bool adjust_score(struct cmd_ctx *c, const struct options *from,
                         const struct options *to)
{
    struct server *s = server_of(c);
    bool is_mode = from->oom_score_adj != to->oom_score_adj;
    if ((!is_mode && strcmp(from->oom_score_values, to->oom_score_values) == 0)
        || oom_apply(&s->oom, to, OOM_PRIMARY, s->log)) {
        return true;
    }
    reply_set_error(c, is_mode ? "oom-score-adj" : "oom-score-adj-values",
                    "Failed to set current oom_score_adj. Check server logs.");
    return false;
}

static bool adjust_process(struct cmd_ctx *c, const struct options *from,
                           const struct options *to)
{
    struct server *s = server_of(c);
    if (!adjust_score(c, from, to)) {
        return false;
    }
    if (!enter_directory(c, from, to)) {
        (void)oom_apply(&s->oom, from, OOM_PRIMARY, s->log);
        return false;
    }
    return true;
}

static bool exchange_options(struct cmd_ctx *c)
{
    struct server *s = server_of(c);
    struct listening_change *addresses = NULL;
    struct options next;
    if (!check_names(c)) {
        return false;
    }
    if (options_copy(&next, &s->options, s->options.account) != ST_OK) {
        ctx_error_status(c, ST_NOMEM);
        return false;
    }
    if (!set_values(c, &next) || !reserve_descriptors(c, &s->options, &next)
        || !change_addresses(c, &next, &addresses)
        || !adjust_process(c, &s->options, &next)) {
        listening_abandon(s, &addresses);
        options_deinit(&next);
        return false;
    }
    listening_commit(s, &addresses);
    /* Options that were not named are not written: those that never change
     * are read without the lock. */
    for (uint32_t i = 2; i < c->argc; i += 2) {
        const struct option *row = option_find(c->argv[i]);
        if (row->flags & OPTION_IMMUTABLE) {
            continue;
        }
        const char *other = slice_equal_nocase(c->argv[i], row->name)
                                ? row->alias : row->name;
        /* By both of its names: exchanged once. */
        if (other == NULL || !is_named_before(c, i, other)) {
            options_exchange_row(&s->options, &next, row);
        }
    }
    options_deinit(&next);
    return true;
}

static void config_set_run(struct cmd_ctx *c)
{
    struct server *s = server_of(c);
    bool is_done;
    if (c->argc % 2 != 0) {
        ctx_error_syntax(c);
        return;
    }
    lock_acquire(&s->config_lock);
    is_done = exchange_options(c);
    if (is_done) {
        server_apply_options(s);
        workers_notify(s, NOTICE_LOOK); /* the new limits are for sleepers too */
        crash_set_enabled(s->options.crash_log_enabled);
        proc_title_set(s->title, &s->options);
    }
    lock_release(&s->config_lock);
    if (is_done) {
        reply_ok(c->reply);
    }
}

/* ---- CONFIG RESETSTAT, REWRITE, HELP ---- */

static void reset_worker(struct worker *w)
{
    struct worker_stats *st = &w->stats;
    counter_set(&st->connections_received, 0);
    counter_set(&st->connections_rejected, 0);
    counter_set(&st->bytes_in, 0);
    counter_set(&st->bytes_out, 0);
    counter_set(&st->reads, 0);
    counter_set(&st->writes, 0);
    counter_set(&st->query_buffer_disconnects, 0);
    counter_set(&st->output_buffer_disconnects, 0);
    counter_set(&st->turns, 0);
    counter_set(&st->turn_ticks, 0);
    counter_set(&st->turn_ticks_max, 0);
    counter_set(&st->turn_commands_max, 0);
    counter_set(&st->cron_ticks, 0);
    counter_set(&st->background_ticks, 0);
    counter_set(&st->background_us_max, 0);
    counter_set(&st->background_cpu_us_max, 0);
    exec_stats_reset(w->exec);
}

static void config_resetstat_run(struct cmd_ctx *c)
{
    struct server *s = server_of(c);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        reset_worker(&s->workers[i]);
    }
    store_stats_reset(c->store);
    server_reset_peak(s);
    reply_ok(c->reply);
}

/* The file is made from a copy: the disk may take its time, and others need the
 * options meanwhile. */
void config_rewrite_file(struct cmd_ctx *c, bool all)
{
    struct server *s = server_of(c);
    struct options now;
    enum status st;
    lock_acquire(&s->config_lock);
    st = options_copy(&now, &s->options, s->options.account);
    lock_release(&s->config_lock);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    if (now.config_path[0] == '\0') {
        reply_error(c->reply, "ERR The server is running without a config file");
    } else if (!config_rewrite(&now, all)) {
        int error = errno;
        log_write(s->log, LOG_WARNING, "CONFIG REWRITE failed: %s",
                  strerror(error));
        reply_errorf(c->reply, "ERR Rewriting config file: %s",
                     strerror(error));
    } else {
        log_write(s->log, LOG_NOTICE, "CONFIG REWRITE executed with success.");
        reply_ok(c->reply);
    }
    options_deinit(&now);
}

static void config_rewrite_run(struct cmd_ctx *c)
{
    config_rewrite_file(c, false);
}

static void config_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET <pattern> [<pattern> ...]",
        "    Show the options whose names match a pattern.",
        "SET <option> <value> [<option> <value> ...]",
        "    Change options: all of them, or none.",
        "RESETSTAT",
        "    Set back the counters that INFO shows.",
        "REWRITE",
        "    Write the options to the config file.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

enum { CONFIG_FLAGS = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE };

static const struct cmd_spec config_subcommands[] = {
    {.name = "get", .arity = -3, .flags = CONFIG_FLAGS, .run = config_get_run},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .run = config_help_run},
    {.name = "resetstat", .arity = 2, .flags = CONFIG_FLAGS | CMD_ALL_SHARDS,
     .run = config_resetstat_run},
    {.name = "rewrite", .arity = 2, .flags = CONFIG_FLAGS,
     .run = config_rewrite_run},
    {.name = "set", .arity = -4, .flags = CONFIG_FLAGS, .run = config_set_run},
    {.name = NULL},
};

const struct cmd_spec config_cmds[] = {
    {.name = "config", .arity = -2, .subcommands = config_subcommands},
    {.name = NULL},
};
