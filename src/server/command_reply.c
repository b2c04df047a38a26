/* command_reply: the replies of COMMAND INFO and COMMAND DOCS, whose shapes
 * clients and their generators rely on: which fields there are, their order, and
 * in RESP3 what is a set and what a map. */
#include "server/command_reply.h"

#include <assert.h>
#include <string.h>

enum {
    INFO_FIELDS = 10,
    ARG_DEPTH_MAX = 8, /* of arguments within arguments */
};

static void reply_pair_int(struct reply *r, const char *name, int64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, value);
}

/* Nothing where there is no value. */
static void reply_pair_text(struct reply *r, const char *name,
                            const char *value)
{
    if (value != NULL) {
        reply_bulk_text(r, name);
        reply_bulk_text(r, value);
    }
}

/* The texts of the bits that are set. */
static void reply_bits(struct reply *r, uint32_t bits,
                       const char *const *texts, int count)
{
    bits &= (1u << count) - 1;
    reply_set(r, __builtin_popcount(bits));
    for (int i = 0; i < count; i++) {
        if (bits & (1u << i)) {
            reply_simple(r, texts[i]);
        }
    }
}

#define TEXT(name, text) text,

/* ---- COMMAND INFO: keys ---- */

void command_reply_key_flags(struct reply *r, uint16_t flags)
{
    static const char *const texts[] = {KEY_FLAG_MAP(TEXT)};
    reply_bits(r, flags, texts, KEY_FLAG_COUNT);
}

static void reply_begin_search(struct reply *r, const struct cmd_key_spec *s)
{
    static const char *const types[] = {"index", "keyword", "unknown"};
    reply_bulk_text(r, "begin_search");
    reply_map(r, 2);
    reply_pair_text(r, "type", types[s->begin]);
    reply_bulk_text(r, "spec");
    if (s->begin == KEY_BEGIN_INDEX) {
        reply_map(r, 1);
        reply_pair_int(r, "index", s->index);
    } else if (s->begin == KEY_BEGIN_KEYWORD) {
        reply_map(r, 2);
        reply_pair_text(r, "keyword", s->keyword);
        reply_pair_int(r, "startfrom", s->index);
    } else {
        reply_map(r, 0);
    }
}

static void reply_find_keys(struct reply *r, const struct cmd_key_spec *s)
{
    static const char *const types[] = {"range", "keynum", "unknown"};
    reply_bulk_text(r, "find_keys");
    reply_map(r, 2);
    reply_pair_text(r, "type", types[s->find]);
    reply_bulk_text(r, "spec");
    if (s->find == KEY_FIND_RANGE) {
        reply_map(r, 3);
        reply_pair_int(r, "lastkey", s->last);
        reply_pair_int(r, "keystep", s->step);
        reply_pair_int(r, "limit", s->limit);
    } else if (s->find == KEY_FIND_COUNT) {
        reply_map(r, 3);
        reply_pair_int(r, "keynumidx", 0);
        reply_pair_int(r, "firstkey", 1);
        reply_pair_int(r, "keystep", s->step);
    } else {
        reply_map(r, 0);
    }
}

static void reply_key_specs(struct reply *r, const struct cmd_key_spec *specs)
{
    int64_t count = 0;
    while (specs != NULL && specs[count].flags != 0) {
        count++;
    }
    reply_set(r, count);
    for (const struct cmd_key_spec *s = specs; count > 0; s++, count--) {
        reply_map(r, s->notes != NULL ? 4 : 3);
        reply_pair_text(r, "notes", s->notes);
        reply_bulk_text(r, "flags");
        command_reply_key_flags(r, s->flags);
        reply_begin_search(r, s);
        reply_find_keys(r, s);
    }
}

/* ---- COMMAND INFO ---- */

static void reply_flags(struct reply *r, uint32_t flags)
{
    static const char *const texts[] = {CMD_FLAG_MAP(TEXT)};
    reply_bits(r, flags, texts, CMD_FLAG_COUNT);
}

static void reply_categories(struct reply *r, uint32_t categories)
{
#define CATEGORY_TEXT(name, text) "@" text,
    static const char *const texts[] = {CMD_CATEGORY_MAP(CATEGORY_TEXT)};
#undef CATEGORY_TEXT
    reply_bits(r, categories, texts, CAT_COUNT);
}

/* Words with a blank between them, as a set. */
static void reply_words(struct reply *r, const char *words)
{
    int64_t count = words != NULL;
    for (const char *p = words; p != NULL && *p != 0; p++) {
        count += *p == ' ';
    }
    reply_set(r, count);
    for (; count > 0; count--) {
        size_t len = strcspn(words, " ");
        reply_bulk(r, slice_of(words, len));
        words += len + 1;
    }
}

/* All fields but the subcommands. */
static void reply_info_head(struct reply *r, const struct cmd *cmd)
{
    struct cmd_key_range keys = cmd_docs_key_range(cmd->docs);
    reply_array(r, INFO_FIELDS);
    reply_bulk_text(r, cmd->full_name);
    reply_int(r, cmd->spec->arity);
    reply_flags(r, cmd->flags);
    reply_int(r, keys.first);
    reply_int(r, keys.last);
    reply_int(r, keys.step);
    reply_categories(r, cmd->categories);
    reply_words(r, cmd->docs->tips);
    reply_key_specs(r, cmd->docs->keys);
}

void command_reply_info(struct reply *r, const struct cmd *cmd)
{
    reply_info_head(r, cmd);
    reply_set(r, cmd->sub_count);
    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        reply_info_head(r, &cmd->subs[i]);
        reply_set(r, 0);
    }
}

/* ---- COMMAND DOCS: arguments ---- */

static void reply_arg_flags(struct reply *r, uint8_t flags)
{
    static const char *const texts[] = {
        "optional", "multiple", "multiple_token",
    };
    reply_bulk_text(r, "flags");
    reply_bits(r, flags, texts, 3);
}

/* All of an argument but those within it. */
static void reply_arg_head(struct reply *r, const struct cmd_arg *a)
{
    static const char *const types[] = {ARG_TYPE_MAP(TEXT)};
    bool is_leaf = a->args == NULL;
    reply_map(r, 3 + (a->key_spec > 0) + (a->token != NULL)
                     + (a->summary != NULL) + (a->since != NULL)
                     + (a->deprecated_since != NULL) + (a->flags != 0));
    reply_pair_text(r, "name", a->name);
    reply_pair_text(r, "type", types[a->type]);
    if (is_leaf) {
        reply_pair_text(r, "display_text", a->display_text != NULL
                                               ? a->display_text : a->name);
    }
    if (a->key_spec > 0) {
        reply_pair_int(r, "key_spec_index", a->key_spec - 1);
    }
    reply_pair_text(r, "token", a->token);
    reply_pair_text(r, "summary", a->summary);
    reply_pair_text(r, "since", a->since);
    reply_pair_text(r, "deprecated_since", a->deprecated_since);
    if (a->flags != 0) {
        reply_arg_flags(r, a->flags);
    }
}

static void reply_arg_list(struct reply *r, const struct cmd_arg *args)
{
    int64_t count = 0;
    while (args[count].name != NULL) {
        count++;
    }
    reply_bulk_text(r, "arguments");
    reply_array(r, count);
}

/* Depth first: what is within an argument is the last of its fields. */
static void reply_args(struct reply *r, const struct cmd_arg *args)
{
    const struct cmd_arg *next[ARG_DEPTH_MAX] = {args};
    int depth = 1;
    reply_arg_list(r, args);
    while (depth > 0) {
        const struct cmd_arg *a = next[depth - 1]++;
        if (a->name == NULL) {
            depth--;
            continue;
        }
        reply_arg_head(r, a);
        if (a->args != NULL) {
            assert(depth < ARG_DEPTH_MAX);
            reply_arg_list(r, a->args);
            next[depth++] = a->args;
        }
    }
}

/* ---- COMMAND DOCS ---- */

static void reply_doc_flags(struct reply *r, const struct cmd_docs *d)
{
    bool is_deprecated = d->deprecated_since != NULL;
    reply_bulk_text(r, "doc_flags");
    reply_set(r, is_deprecated + d->is_internal);
    if (is_deprecated) {
        reply_simple(r, "deprecated");
    }
    if (d->is_internal) {
        reply_simple(r, "syscmd");
    }
}

static void reply_history(struct reply *r, const struct cmd_history *history)
{
    int64_t count = 0;
    while (history[count].since != NULL) {
        count++;
    }
    reply_bulk_text(r, "history");
    reply_set(r, count);
    for (; count > 0; history++, count--) {
        reply_array(r, 2);
        reply_bulk_text(r, history->since);
        reply_bulk_text(r, history->change);
    }
}

/* All but the subcommands. */
static void reply_docs_head(struct reply *r, const struct cmd *cmd)
{
    const struct cmd_docs *d = cmd->docs;
    bool has_flags = d->deprecated_since != NULL || d->is_internal;
    reply_bulk_text(r, cmd->full_name);
    reply_map(r, 3 + (d->complexity != NULL) + has_flags
                     + (d->deprecated_since != NULL) + (d->replaced_by != NULL)
                     + (d->history != NULL) + (d->args != NULL)
                     + (cmd->sub_count > 0));
    reply_pair_text(r, "summary", d->summary);
    reply_pair_text(r, "since", d->since);
    reply_pair_text(r, "group", cmd->group);
    reply_pair_text(r, "complexity", d->complexity);
    if (has_flags) {
        reply_doc_flags(r, d);
    }
    reply_pair_text(r, "deprecated_since", d->deprecated_since);
    reply_pair_text(r, "replaced_by", d->replaced_by);
    if (d->history != NULL) {
        reply_history(r, d->history);
    }
    if (d->args != NULL) {
        reply_args(r, d->args);
    }
}

void command_reply_docs(struct reply *r, const struct cmd *cmd)
{
    reply_docs_head(r, cmd);
    if (cmd->sub_count == 0) {
        return;
    }
    reply_bulk_text(r, "subcommands");
    reply_map(r, cmd->sub_count);
    for (uint32_t i = 0; i < cmd->sub_count; i++) {
        reply_docs_head(r, &cmd->subs[i]);
    }
}
