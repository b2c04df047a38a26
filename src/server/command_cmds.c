/* command_cmds: COMMAND, over the command table. Everything it says of a
 * command comes from the command's row and its article in the manual; nothing is
 * kept a second time here. */
#include "server/command_reply.h"
#include "server/server_priv.h"

static const struct cmd_table *table_of(const struct cmd_ctx *c)
{
    const struct server *s = c->host;
    return s->commands;
}

/* ---- COMMAND, COMMAND INFO, COMMAND DOCS ---- */

static void command_run(struct cmd_ctx *c)
{
    const struct cmd_table *t = table_of(c);
    reply_array(c->reply, cmd_table_count(t));
    for (uint32_t i = 0; i < cmd_table_count(t); i++) {
        command_reply_info(c->reply, cmd_table_at(t, i));
    }
}

static void command_info_run(struct cmd_ctx *c)
{
    if (c->argc == 2) {
        command_run(c);
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct cmd *cmd = cmd_table_find_full(table_of(c), c->argv[i]);
        if (cmd != NULL) {
            command_reply_info(c->reply, cmd);
        } else {
            reply_null(c->reply);
        }
    }
}

static void command_docs_run(struct cmd_ctx *c)
{
    const struct cmd_table *t = table_of(c);
    struct reply_deferred d;
    int64_t count = 0;
    if (c->argc == 2) {
        reply_map(c->reply, cmd_table_count(t));
        for (uint32_t i = 0; i < cmd_table_count(t); i++) {
            command_reply_docs(c->reply, cmd_table_at(t, i));
        }
        return;
    }
    reply_deferred_begin(c->reply, &d);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct cmd *cmd = cmd_table_find_full(t, c->argv[i]);
        if (cmd != NULL) {
            command_reply_docs(c->reply, cmd);
            count++;
        }
    }
    reply_deferred_map(c->reply, &d, count);
}

/* ---- COMMAND LIST ---- */

enum list_by { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

static uint32_t category_named(struct slice name)
{
#define CATEGORY_TEXT(name, text) text,
    static const char *const texts[] = {CMD_CATEGORY_MAP(CATEGORY_TEXT)};
#undef CATEGORY_TEXT
    for (int i = 0; i < CAT_COUNT; i++) {
        if (slice_equal_nocase(name, texts[i])) {
            return 1u << i;
        }
    }
    return 0;
}

static bool is_listed(const struct cmd *cmd, enum list_by by,
                      struct slice pattern, uint32_t category)
{
    switch (by) {
    case LIST_MODULE:
        return false; /* there are none */
    case LIST_CATEGORY:
        return (cmd->categories & category) != 0;
    case LIST_PATTERN:
        return slice_match_glob(pattern, slice_of_text(cmd->full_name), true);
    default:
        return true;
    }
}

static bool parse_list(struct cmd_ctx *c, enum list_by *by)
{
    *by = LIST_ALL;
    if (c->argc == 2) {
        return true;
    }
    if (c->argc == 5 && ctx_arg_is(c, 2, "filterby")) {
        if (ctx_arg_is(c, 3, "module")) {
            *by = LIST_MODULE;
        } else if (ctx_arg_is(c, 3, "aclcat")) {
            *by = LIST_CATEGORY;
        } else if (ctx_arg_is(c, 3, "pattern")) {
            *by = LIST_PATTERN;
        }
    }
    if (*by == LIST_ALL) {
        ctx_error_syntax(c);
        return false;
    }
    return true;
}

static void command_list_run(struct cmd_ctx *c)
{
    const struct cmd_table *t = table_of(c);
    struct slice pattern = c->argc == 5 ? c->argv[4] : SLICE_LIT("");
    struct reply_deferred d;
    enum list_by by;
    int64_t count = 0;
    if (!parse_list(c, &by)) {
        return;
    }
    reply_deferred_begin(c->reply, &d);
    for (uint32_t i = 0; i < cmd_table_total(t); i++) {
        const struct cmd *cmd = cmd_table_by_index(t, i);
        if (is_listed(cmd, by, pattern, category_named(pattern))) {
            reply_bulk_text(c->reply, cmd->full_name);
            count++;
        }
    }
    reply_deferred_set(c->reply, &d, count);
}

/* ---- COMMAND COUNT, GETKEYS, GETKEYSANDFLAGS, HELP ---- */

static void command_count_run(struct cmd_ctx *c)
{
    reply_int(c->reply, cmd_table_count(table_of(c)));
}

/* The command of argv[2] ..; replies its error. */
static const struct cmd *find_request(struct cmd_ctx *c)
{
    const struct cmd *cmd = cmd_table_find(table_of(c), c->argv[2]);
    if (cmd != NULL && cmd->sub_count > 0 && c->argc > 3) {
        cmd = cmd_find_sub(cmd, c->argv[3]);
    }
    if (cmd == NULL) {
        reply_error(c->reply, "ERR Invalid command specified");
        return NULL;
    }
    if (!cmd_docs_has_keys(cmd->docs)) {
        reply_error(c->reply, "ERR The command has no key arguments");
        return NULL;
    }
    if (!cmd_arity_ok(cmd->spec, c->argc - 2)) {
        reply_error(c->reply,
                    "ERR Invalid number of arguments specified for command");
        return NULL;
    }
    return cmd;
}

/* The keys among argv[2] ..; their number, or -1: replied. */
static int64_t find_request_keys(struct cmd_ctx *c, const struct cmd *cmd,
                                 struct cmd_found_key **out)
{
    const struct slice *argv = c->argv + 2;
    uint32_t argc = c->argc - 2;
    int64_t count = cmd_docs_find_keys(cmd->docs, argv, argc, NULL);
    if (count <= 0) {
        /* A script does as well without. */
        if (cmd->flags & CMD_NO_MANDATORY_KEYS) {
            return 0;
        }
        reply_error(c->reply, "ERR Invalid arguments specified for command");
        return -1;
    }
    *out = ctx_scratch(c, (size_t)count * sizeof **out);
    if (*out == NULL) {
        return -1;
    }
    return cmd_docs_find_keys(cmd->docs, argv, argc, *out);
}

static void get_keys(struct cmd_ctx *c, bool has_flags)
{
    const struct cmd *cmd = find_request(c);
    struct cmd_found_key *keys = NULL;
    int64_t count = cmd == NULL ? -1 : find_request_keys(c, cmd, &keys);
    if (count < 0) {
        return;
    }
    reply_array(c->reply, count);
    for (int64_t i = 0; i < count; i++) {
        if (has_flags) {
            reply_array(c->reply, 2);
        }
        reply_bulk(c->reply, c->argv[2 + keys[i].at]);
        if (has_flags) {
            command_reply_key_flags(c->reply, keys[i].flags);
        }
    }
}

static void command_getkeys_run(struct cmd_ctx *c)
{
    get_keys(c, false);
}

static void command_getkeysandflags_run(struct cmd_ctx *c)
{
    get_keys(c, true);
}

static void command_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)",
        "    Describe every command.",
        "COUNT",
        "    Say how many commands there are.",
        "DOCS [<command> ...]",
        "    Say what commands are for.",
        "GETKEYS <command> <arg> ...",
        "    Say which arguments are keys.",
        "GETKEYSANDFLAGS <command> <arg> ...",
        "    The same, and what is done with them.",
        "INFO [<command> ...]",
        "    Describe commands.",
        "LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <glob>)]",
        "    Name commands.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

enum { COMMAND_FLAGS = CMD_LOADING | CMD_STALE };

static const struct cmd_spec command_subcommands[] = {
    {.name = "count", .arity = 2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_count_run},
    {.name = "docs", .arity = -2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_docs_run},
    {.name = "getkeys", .arity = -3, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_getkeys_run},
    {.name = "getkeysandflags", .arity = -3, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_getkeysandflags_run},
    {.name = "help", .arity = 2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_help_run},
    {.name = "info", .arity = -2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_info_run},
    {.name = "list", .arity = -2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_list_run},
    {.name = NULL},
};

const struct cmd_spec command_cmds[] = {
    {.name = "command", .arity = -1, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_run,
     .subcommands = command_subcommands},
    {.name = NULL},
};
