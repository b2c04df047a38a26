/* object: OBJECT, which looks at keys without using them. */
#include "commands/generic_priv.h"

static void object_encoding_run(struct cmd_ctx *c)
{
    const struct entry *e = ctx_peek(c, &c->keys[0]);
    if (e == NULL) {
        reply_null(c->reply);
        return;
    }
    reply_bulk_text(c->reply, entry_encoding_name(e));
}

static void object_freq_run(struct cmd_ctx *c)
{
    const struct entry *e = ctx_peek(c, &c->keys[0]);
    if (e == NULL) {
        reply_null(c->reply);
        return;
    }
    if (!store_counts_frequency(c->store)) {
        reply_error(c->reply, "ERR An LFU maxmemory policy is not selected, "
                    "access frequency not tracked. Please note that when "
                    "switching between policies at runtime LRU and LFU data "
                    "will take some time to adjust.");
        return;
    }
    const struct keyspace *ks = ctx_keyspace(c, c->database, &c->keys[0]);
    reply_int(c->reply, keyspace_frequency(ks, e));
}

static void object_idletime_run(struct cmd_ctx *c)
{
    const struct entry *e = ctx_peek(c, &c->keys[0]);
    if (e == NULL) {
        reply_null(c->reply);
        return;
    }
    if (store_counts_frequency(c->store)) {
        reply_error(c->reply, "ERR An LFU maxmemory policy is selected, idle "
                    "time not tracked. Please note that when switching between "
                    "policies at runtime LRU and LFU data will take some time "
                    "to adjust.");
        return;
    }
    int64_t idle = (c->now_ms / 1000 - e->access_clock) & 0xffffff;
    /* The store's clock may be a moment ahead of this batch's time, and setting
     * the wall clock back makes no key old. */
    reply_int(c->reply, idle > 0x7fffff ? 0 : idle);
}

/* Values have one owner. */
static void object_refcount_run(struct cmd_ctx *c)
{
    if (ctx_peek(c, &c->keys[0]) == NULL) {
        reply_null(c->reply);
        return;
    }
    reply_int(c->reply, 1);
}

static void object_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Say how the value of the key is stored.",
        "FREQ <key>",
        "    Say how often the key was used of late, on a logarithmic scale.",
        "IDLETIME <key>",
        "    Say how many seconds ago the key was last used.",
        "REFCOUNT <key>",
        "    Say how many references there are to the value: always 1.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

const struct cmd_spec object_subcommands[] = {
    {.name = "encoding", .arity = 3, .flags = CMD_READONLY,
     .categories = CAT_KEYSPACE, .keys = KEYS_AT(2),
     .run = object_encoding_run},
    {.name = "freq", .arity = 3, .flags = CMD_READONLY,
     .categories = CAT_KEYSPACE, .keys = KEYS_AT(2),
     .run = object_freq_run},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .categories = CAT_KEYSPACE, .run = object_help_run},
    {.name = "idletime", .arity = 3, .flags = CMD_READONLY,
     .categories = CAT_KEYSPACE, .keys = KEYS_AT(2),
     .run = object_idletime_run},
    {.name = "refcount", .arity = 3, .flags = CMD_READONLY,
     .categories = CAT_KEYSPACE, .keys = KEYS_AT(2),
     .run = object_refcount_run},
    {.name = NULL},
};
