/* keyspace: commands on whole databases, and the time. */
#include "commands/commands.h"

#include "base/clock.h"
#include "base/number.h"

/* ---- FLUSHDB, FLUSHALL ---- */

/* Both words mean the same: databases are set aside at once and freed in the
 * background, so that nobody waits for either. */
static bool parse_flush(struct cmd_ctx *c)
{
    if (c->argc == 1
        || (c->argc == 2
            && (ctx_arg_is(c, 1, "sync") || ctx_arg_is(c, 1, "async")))) {
        return true;
    }
    ctx_error_syntax(c);
    return false;
}

static void flushdb_run(struct cmd_ctx *c)
{
    if (!parse_flush(c)) {
        return;
    }
    ctx_flushing(c, c->database);
    c->changes += (uint32_t)store_flush(c->store, c->database);
    ctx_propagate(c, c->argc, c->argv);
    reply_ok(c->reply);
}

static void flushall_run(struct cmd_ctx *c)
{
    if (!parse_flush(c)) {
        return;
    }
    ctx_flushing(c, store_database_count(c->store));
    c->changes += (uint32_t)store_flush(c->store,
                                        store_database_count(c->store)) + 1;
    ctx_propagate(c, c->argc, c->argv);
    reply_ok(c->reply);
}

/* ---- SWAPDB, DBSIZE ---- */

static bool parse_index(struct cmd_ctx *c, uint32_t i, const char *error,
                        int64_t *out)
{
    if (!number_parse_int64(c->argv[i], out) || *out < INT32_MIN
        || *out > INT32_MAX) {
        reply_error(c->reply, error);
        return false;
    }
    return true;
}

static void swapdb_run(struct cmd_ctx *c)
{
    int64_t a, b, count = store_database_count(c->store);
    if (!parse_index(c, 1, "ERR invalid first DB index", &a)
        || !parse_index(c, 2, "ERR invalid second DB index", &b)) {
        return;
    }
    if (a < 0 || a >= count || b < 0 || b >= count) {
        reply_error(c->reply, "ERR DB index is out of range");
        return;
    }
    if (a != b) {
        store_swap(c->store, (uint32_t)a, (uint32_t)b);
        ctx_swapped(c, (uint32_t)a, (uint32_t)b);
    }
    ctx_propagate(c, c->argc, c->argv);
    reply_ok(c->reply);
}

static void dbsize_run(struct cmd_ctx *c)
{
    reply_int(c->reply,
              (int64_t)store_database_size(c->store, c->database));
}

/* ---- TIME ---- */

static void time_run(struct cmd_ctx *c)
{
    int64_t us = clock_wall_us();
    reply_array(c->reply, 2);
    reply_bulk_int(c->reply, us / 1000000);
    reply_bulk_int(c->reply, us % 1000000);
}

const struct cmd_spec keyspace_cmds[] = {
    {.name = "dbsize", .arity = 1, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_KEYSPACE, .run = dbsize_run},
    {.name = "flushall", .arity = -1, .flags = CMD_WRITE | CMD_ALL_SHARDS,
     .categories = CAT_KEYSPACE | CAT_DANGEROUS, .run = flushall_run},
    {.name = "flushdb", .arity = -1, .flags = CMD_WRITE | CMD_ALL_SHARDS,
     .categories = CAT_KEYSPACE | CAT_DANGEROUS, .run = flushdb_run},
    {.name = "swapdb", .arity = 3,
     .flags = CMD_WRITE | CMD_FAST | CMD_ALL_SHARDS,
     .categories = CAT_KEYSPACE | CAT_DANGEROUS, .run = swapdb_run},
    {.name = "time", .arity = 1,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST, .run = time_run},
    {.name = NULL},
};
