/* command_cmds: COMMAND, over the command table. Everything it says of a
 * command comes from the command's row; nothing is kept a second time here. */
#include "server/server_priv.h"

static const struct cmd_table *table_of(const struct cmd_ctx *c)
{
    const struct server *s = c->host;
    return s->commands;
}

/* ---- names to commands ---- */

/* "get", "client|list"; NULL: there is none. */
static const struct cmd *find(const struct cmd_table *t, struct slice name)
{
    const uint8_t *bar = name.len > 0 ? memchr(name.data, '|', name.len) : NULL;
    const struct cmd *parent;
    size_t head;
    if (bar == NULL) {
        return cmd_table_find(t, name);
    }
    head = (size_t)(bar - name.data);
    parent = cmd_table_find(t, slice_of(name.data, head));
    if (parent == NULL || parent->sub_count == 0) {
        return NULL;
    }
    return cmd_find_sub(parent, slice_of(bar + 1, name.len - head - 1));
}

/* ---- COMMAND INFO ---- */

static void reply_flags(struct reply *r, uint32_t flags)
{
#define FLAG_TEXT(name, text) text,
    static const char *const texts[] = {CMD_FLAG_MAP(FLAG_TEXT)};
#undef FLAG_TEXT
    uint32_t shown = flags & ((1u << CMD_FLAG_COUNT) - 1);
    reply_set(r, __builtin_popcount(shown));
    for (int i = 0; i < CMD_FLAG_COUNT; i++) {
        if (shown & (1u << i)) {
            reply_simple(r, texts[i]);
        }
    }
}

#define CATEGORY_TEXT(name, text) "@" text,
static const char *const category_texts[] = {CMD_CATEGORY_MAP(CATEGORY_TEXT)};
#undef CATEGORY_TEXT

static void reply_categories(struct reply *r, uint32_t categories)
{
    reply_set(r, __builtin_popcount(categories));
    for (int i = 0; i < CAT_COUNT; i++) {
        if (categories & (1u << i)) {
            reply_simple(r, category_texts[i]);
        }
    }
}

static void reply_pair_int(struct reply *r, const char *name, int64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, value);
}

static void reply_pair_text(struct reply *r, const char *name,
                            const char *value)
{
    reply_bulk_text(r, name);
    reply_bulk_text(r, value);
}

static void reply_find_keys(struct reply *r, const struct cmd_keys *k)
{
    int last = k->last > 0 ? k->last - k->first : k->last;
    reply_bulk_text(r, "find_keys");
    reply_map(r, 2);
    if (k->kind == KEYS_KIND_COUNTED) {
        reply_pair_text(r, "type", "keynum");
        reply_bulk_text(r, "spec");
        reply_map(r, 3);
        reply_pair_int(r, "keynumidx", 0);
        reply_pair_int(r, "firstkey", 1);
        reply_pair_int(r, "keystep", k->step);
        return;
    }
    reply_pair_text(r, "type", "range");
    reply_bulk_text(r, "spec");
    reply_map(r, 3);
    reply_pair_int(r, "lastkey", last);
    reply_pair_int(r, "keystep", k->step);
    reply_pair_int(r, "limit", 0);
}

/* One key specification, or none. */
static void reply_key_specs(struct reply *r, const struct cmd *cmd)
{
    const struct cmd_keys *k = &cmd->spec->keys;
    bool is_write = (cmd->flags & CMD_WRITE) != 0;
    if (k->kind == KEYS_KIND_NONE) {
        reply_array(r, 0);
        return;
    }
    reply_array(r, 1);
    reply_map(r, 3);
    reply_bulk_text(r, "flags");
    reply_set(r, 2);
    reply_simple(r, is_write ? "RW" : "RO");
    reply_simple(r, is_write ? "update" : "access");
    reply_bulk_text(r, "begin_search");
    reply_map(r, 2);
    reply_pair_text(r, "type", "index");
    reply_bulk_text(r, "spec");
    reply_map(r, 1);
    reply_pair_int(r, "index", k->first);
    reply_find_keys(r, k);
}

enum { INFO_FIELDS = 10 };

/* All fields of a command but its subcommands. */
static void reply_info_head(struct reply *r, const struct cmd *cmd)
{
    const struct cmd_keys *k = &cmd->spec->keys;
    bool is_range = k->kind == KEYS_KIND_RANGE;
    reply_array(r, INFO_FIELDS);
    reply_bulk_text(r, cmd->full_name);
    reply_int(r, cmd->spec->arity);
    reply_flags(r, cmd->flags);
    reply_int(r, is_range ? k->first : 0);
    reply_int(r, is_range ? k->last : 0);
    reply_int(r, is_range ? k->step : 0);
    reply_categories(r, cmd->categories);
    reply_array(r, 0); /* tips */
    reply_key_specs(r, cmd);
}

static void reply_info(struct reply *r, const struct cmd *cmd)
{
    if (cmd == NULL) {
        reply_null(r);
        return;
    }
    reply_info_head(r, cmd);
    reply_array(r, cmd->sub_count);
    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        reply_info_head(r, &cmd->subs[i]);
        reply_array(r, 0);
    }
}

static void reply_info_all(struct cmd_ctx *c)
{
    const struct cmd_table *t = table_of(c);
    reply_array(c->reply, cmd_table_count(t));
    for (uint32_t i = 0; i < cmd_table_count(t); i++) {
        reply_info(c->reply, cmd_table_at(t, i));
    }
}

static void command_info_run(struct cmd_ctx *c)
{
    if (c->argc == 2) {
        reply_info_all(c);
        return;
    }
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        reply_info(c->reply, find(table_of(c), c->argv[i]));
    }
}

/* ---- COMMAND DOCS ---- */

/* Redis's groups are its families; the categories that name one, in the order
 * in which they decide. */
static const char *group_of(const struct cmd *cmd)
{
    static const struct { uint32_t category; const char *group; } groups[] = {
        {CAT_BITMAP, "bitmap"}, {CAT_GEO, "geo"},
        {CAT_HYPERLOGLOG, "hyperloglog"}, {CAT_STRING, "string"},
        {CAT_LIST, "list"}, {CAT_SET, "set"}, {CAT_SORTEDSET, "sorted-set"},
        {CAT_HASH, "hash"}, {CAT_STREAM, "stream"}, {CAT_PUBSUB, "pubsub"},
        {CAT_TRANSACTION, "transactions"}, {CAT_SCRIPTING, "scripting"},
        {CAT_CONNECTION, "connection"},
    };
    static const char *const server_names[] = {
        "dbsize", "flushall", "flushdb", "swapdb",
    };
    uint32_t categories = cmd->categories;
    if (cmd->sub_count > 0) {
        categories |= cmd->subs[0].categories;
    }
    for (size_t i = 0; i < sizeof server_names / sizeof server_names[0]; i++) {
        if (strcmp(cmd->full_name, server_names[i]) == 0) {
            return "server";
        }
    }
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (categories & groups[i].category) {
            return groups[i].group;
        }
    }
    return (categories & CAT_KEYSPACE) ? "generic" : "server";
}

static void reply_docs_head(struct reply *r, const struct cmd *cmd,
                            uint32_t pairs)
{
    const char *summary = cmd->spec->summary, *since = cmd->spec->since;
    reply_bulk_text(r, cmd->full_name);
    reply_map(r, pairs);
    reply_pair_text(r, "summary", summary != NULL ? summary : "");
    reply_pair_text(r, "since", since != NULL ? since : "1.0.0");
    reply_pair_text(r, "group", group_of(cmd));
}

static void reply_docs(struct reply *r, const struct cmd *cmd)
{
    if (cmd->sub_count == 0) {
        reply_docs_head(r, cmd, 3);
        return;
    }
    reply_docs_head(r, cmd, 4);
    reply_bulk_text(r, "subcommands");
    reply_map(r, cmd->sub_count);
    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        reply_docs_head(r, &cmd->subs[i], 3);
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
            reply_docs(c->reply, cmd_table_at(t, i));
        }
        return;
    }
    reply_deferred_begin(c->reply, &d);
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct cmd *cmd = find(t, c->argv[i]);
        if (cmd != NULL) {
            reply_docs(c->reply, cmd);
            count++;
        }
    }
    reply_deferred_map(c->reply, &d, count);
}

/* ---- COMMAND LIST ---- */

enum list_by { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

static uint32_t category_named(struct slice name)
{
    for (int i = 0; i < CAT_COUNT; i++) {
        if (slice_equal_nocase(name, category_texts[i] + 1)) {
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

static void command_run(struct cmd_ctx *c)
{
    reply_info_all(c);
}

static void command_count_run(struct cmd_ctx *c)
{
    reply_int(c->reply, cmd_table_count(table_of(c)));
}

/* The command of argv[2] ..; replies its error. */
static const struct cmd *find_request(struct cmd_ctx *c)
{
    const struct cmd *cmd = cmd_table_find(table_of(c), c->argv[2]);
    if (cmd != NULL && cmd->sub_count > 0) {
        cmd = c->argc > 3 ? cmd_find_sub(cmd, c->argv[3]) : NULL;
    }
    if (cmd == NULL) {
        reply_error(c->reply, "ERR Invalid command specified");
        return NULL;
    }
    if (cmd->spec->keys.kind == KEYS_KIND_NONE) {
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

/* The keys' places among argv[2] ..; their number, or -1: replied. */
static int64_t find_request_keys(struct cmd_ctx *c, const struct cmd *cmd,
                                 uint32_t **out)
{
    const struct slice *argv = c->argv + 2;
    uint32_t argc = c->argc - 2;
    int64_t count = cmd_find_keys(cmd->spec, argv, argc, NULL);
    if (count < 0) {
        reply_error(c->reply, "ERR Invalid arguments specified for command");
        return -1;
    }
    *out = ctx_scratch(c, ((size_t)count + 1) * sizeof **out);
    if (*out == NULL) {
        return -1;
    }
    return cmd_find_keys(cmd->spec, argv, argc, *out);
}

static void get_keys(struct cmd_ctx *c, bool has_flags)
{
    const struct cmd *cmd = find_request(c);
    uint32_t *at;
    int64_t count = cmd == NULL ? -1 : find_request_keys(c, cmd, &at);
    if (count < 0) {
        return;
    }
    reply_array(c->reply, count);
    for (int64_t i = 0; i < count; i++) {
        bool is_write = (cmd->flags & CMD_WRITE) != 0;
        if (has_flags) {
            reply_array(c->reply, 2);
        }
        reply_bulk(c->reply, c->argv[2 + at[i]]);
        if (has_flags) {
            reply_set(c->reply, 2);
            reply_simple(c->reply, is_write ? "RW" : "RO");
            reply_simple(c->reply, is_write ? "update" : "access");
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
     .categories = CAT_CONNECTION, .run = command_count_run,
     .since = "2.8.13", .summary = "How many commands there are."},
    {.name = "docs", .arity = -2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_docs_run,
     .since = "7.0.0", .summary = "What commands are for."},
    {.name = "getkeys", .arity = -3, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_getkeys_run,
     .since = "2.8.13", .summary = "The keys of a command."},
    {.name = "getkeysandflags", .arity = -3, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_getkeysandflags_run,
     .since = "7.0.0", .summary = "The keys of a command, and their use."},
    {.name = "help", .arity = 2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_help_run,
     .since = "5.0.0", .summary = "What COMMAND can do."},
    {.name = "info", .arity = -2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_info_run,
     .since = "2.8.13", .summary = "Describes commands."},
    {.name = "list", .arity = -2, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_list_run,
     .since = "7.0.0", .summary = "Names commands."},
    {.name = NULL},
};

const struct cmd_spec command_cmds[] = {
    {.name = "command", .arity = -1, .flags = COMMAND_FLAGS,
     .categories = CAT_CONNECTION, .run = command_run,
     .subcommands = command_subcommands, .since = "2.8.13",
     .summary = "About the server's commands."},
    {.name = NULL},
};
