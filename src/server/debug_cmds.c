/* debug_cmds: DEBUG: a table of subcommands, each a means of testing the server.
 * All of it runs with every shard held. What the peers' tests set that has no
 * meaning here is accepted where what they assert stays true; else the answer is
 * an error that says so. */
#include <stdio.h>
#include <time.h>

#include "base/number.h"
#include "server/connection.h"
#include "server/debug_crash.h"
#include "server/debug_priv.h"
#include "server/tour.h"
#include "server/worker.h"

enum { DEBUG_SLEEP_MAX_S = 24 * 3600, FAIL_US_MAX = 100 * 1000 };

static void debug_unknown(struct cmd_ctx *c)
{
    reply_errorf(c->reply, "ERR unknown subcommand or wrong number of "
                 "arguments for '%.*s'. Try DEBUG HELP.",
                 (int)(c->argv[1].len > 128 ? 128 : c->argv[1].len),
                 (const char *)c->argv[1].data);
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

/* As the peers read a switch: what is not a number is off. */
static bool is_on(const struct cmd_ctx *c, uint32_t i)
{
    int64_t v;
    return number_parse_int64(c->argv[i], &v) && v != 0;
}

static void debug_set_active_expire(struct cmd_ctx *c)
{
    store_set_active_expire(c->store, is_on(c, 2));
    workers_notify(c->host, NOTICE_DUE);
    reply_ok(c->reply);
}

static void debug_pause_cron(struct cmd_ctx *c)
{
    struct server *s = c->host;
    atomic_store_explicit(&s->is_cron_paused, is_on(c, 2),
                          memory_order_relaxed);
    reply_ok(c->reply);
}

/* ---- memory that fails ---- */

struct fail_tour {
    struct tour tour; /* first */
    int64_t after;
};

static void fail_here(struct tour *t, struct worker *w)
{
    w->account.fail_after = ((struct fail_tour *)(void *)t)->after;
    worker_look_within(w, FAIL_US_MAX);
}

static void fail_answer(struct tour *t, struct connection *asker)
{
    (void)t;
    reply_ok(&asker->session.reply);
}

static const struct tour_kind fail_kind = {
    .arrive = fail_here,
    .answer = fail_answer,
};

/* Each worker's cron ends it, which is no further away than FAIL_US_MAX. */
static void debug_fail_allocations(struct cmd_ctx *c)
{
    int64_t after;
    struct fail_tour *t;
    if (!ctx_arg_int_in(c, 2, 0, INT64_MAX, &after)) {
        return;
    }
    t = tour_create(c, &fail_kind, sizeof *t);
    if (t != NULL) {
        t->after = after;
        tour_start(c, &t->tour);
    }
}

static void debug_change_repl_id(struct cmd_ctx *c)
{
    struct server *s = c->host;
    if (random_secret_hex(s->replication_id, RUN_ID_LEN) == ST_OK) {
        reply_ok(c->reply);
    } else {
        reply_error(c->reply, "ERR no randomness from the system");
    }
}

static void debug_error(struct cmd_ctx *c)
{
    reply_error_slice(c->reply, c->argv[2]);
}

static void debug_structsize(struct cmd_ctx *c)
{
    char text[256];
    snprintf(text, sizeof text,
             "bits:%zu entry:%zu slot:8 connection:%zu session:%zu worker:%zu "
             "cmd_ctx:%zu ",
             sizeof(void *) * 8, sizeof(struct entry),
             sizeof(struct connection), sizeof(struct session),
             sizeof(struct worker), sizeof(struct cmd_ctx));
    reply_simple(c->reply, text);
}

/* The allocator's numbers are read, and not changed. */
static void debug_mallctl(struct cmd_ctx *c)
{
    char name[128];
    int64_t value;
    snprintf(name, sizeof name, "%.*s",
             (int)(c->argv[2].len < 127 ? c->argv[2].len : 127),
             (const char *)c->argv[2].data);
    if (mem_tuning_read(name, &value)) {
        reply_int(c->reply, value);
    } else {
        reply_error(c->reply, "ERR No such file or directory");
    }
}

/* Random patterns against random texts; whoever is still there has passed. */
static void debug_stringmatch(struct cmd_ctx *c)
{
    enum { ROUNDS = 100 * 1000, PATTERN_MAX = 32, TEXT_MAX = 64 };
    static const char signs[] = "*?[]-^\\abc";
    uint8_t pattern[PATTERN_MAX], text[TEXT_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        size_t pattern_len = random_below(c->random, PATTERN_MAX);
        size_t text_len = random_below(c->random, TEXT_MAX);
        for (size_t i = 0; i < pattern_len; i++) {
            pattern[i] = (uint8_t)signs[random_below(c->random,
                                                     sizeof signs - 1)];
        }
        for (size_t i = 0; i < text_len; i++) {
            text[i] = (uint8_t)('a' + random_below(c->random, 3));
        }
        (void)slice_match_glob(slice_of(pattern, pattern_len),
                               slice_of(text, text_len), false);
    }
    reply_simple(c->reply, "Apparently the server did not crash: test passed");
}

/* How lists, tables and reply buffers are kept is not tunable here, and nothing
 * that a test asserts of them depends on it. */
static void debug_nothing(struct cmd_ctx *c)
{
    reply_ok(c->reply);
}

static void debug_packed_threshold(struct cmd_ctx *c)
{
    uint64_t bytes;
    if (!number_parse_bytes(c->argv[2], &bytes) || bytes > UINT32_MAX) {
        reply_error(c->reply, "ERR argument must be a memory value bigger than "
                              "1 and smaller than 4gb");
        return;
    }
    reply_ok(c->reply);
}

static void debug_replybuffer(struct cmd_ctx *c)
{
    if (ctx_arg_is(c, 2, "resizing") || ctx_arg_is(c, 2, "peak-reset-time")) {
        reply_ok(c->reply);
        return;
    }
    debug_unknown(c);
}

static void debug_no_persistence(struct cmd_ctx *c)
{
    reply_error(c->reply, "ERR there is no persistence to reload from yet");
}

static void debug_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ASSERT | PANIC | SEGFAULT",
        "    End the process as a bug would.",
        "CHANGE-REPL-ID",
        "    Draw a new replication id.",
        "CHECK",
        "    Assert the invariants of all that is stored: slow.",
        "CONFIG-REWRITE-FORCE-ALL",
        "    As CONFIG REWRITE, every option written.",
        "CRASH-AND-RECOVER | RESTART [<milliseconds>]",
        "    End the process and start it anew.",
        "DICT-RESIZING <0|1>",
        "    Accepted: tables resize in steps that are too small to matter.",
        "DIGEST",
        "    Show a digest of all databases: equal for equal content.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Show digests of values.",
        "ERROR <text>",
        "    Reply the text as an error.",
        "FAIL-ALLOCATIONS <after>",
        "    After so many more, let sessions' allocations fail for up to 100 ms.",
        "HTSTATS <database> [full]",
        "    Show figures of a database's tables.",
        "HTSTATS-KEY <key> [full]",
        "    The same of a value that is a table.",
        "LISTPACK | QUICKLIST <key>",
        "    Say how large a packed value is.",
        "LOG <text>",
        "    Write a line to the log.",
        "MALLCTL <name>",
        "    Show one of the allocator's numbers.",
        "OBJECT <key> [fast]",
        "    Show how a key is stored.",
        "PAUSE-CRON <0|1>",
        "    Stop the periodic work.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Make string keys <prefix>:<number> (key:0 ...), told to no replica.",
        "PROTOCOL <type>",
        "    Reply a sample: string integer double bignum null array set map",
        "    attrib push verbatim true false.",
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "    Accepted: large elements are kept apart at a size of their own.",
        "REPLYBUFFER PEAK-RESET-TIME|RESIZING <value>",
        "    Accepted: replies are kept in chunks that need no resizing.",
        "SDSLEN <key>",
        "    Show the lengths of a key and its string.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Stop deleting what is due before somebody looks.",
        "SET-DISABLE-DENY-SCRIPTS <0|1>",
        "    Accepted: there are no scripts.",
        "SLEEP <seconds>",
        "    Hold all workers up.",
        "STRINGMATCH-TEST",
        "    Try random glob patterns.",
        "STRUCTSIZE",
        "    Show the sizes of structures.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}


static void debug_rewrite(struct cmd_ctx *c)
{
    config_rewrite_file(c, true);
}

static const struct debug_row {
    const char *name;
    uint32_t argc_min, argc_max; /* with DEBUG and the name */
    void (*run)(struct cmd_ctx *c);
} debug_rows[] = {
    {"assert", 2, UINT32_MAX, debug_assert},
    {"change-repl-id", 2, 2, debug_change_repl_id},
    {"check", 2, 2, debug_check},
    {"config-rewrite-force-all", 2, 2, debug_rewrite},
    {"crash-and-recover", 2, UINT32_MAX, debug_restart},
    {"dict-resizing", 3, 3, debug_nothing},
    {"digest", 2, 2, debug_digest},
    {"digest-value", 3, UINT32_MAX, debug_digest_value},
    {"error", 3, 3, debug_error},
    {"fail-allocations", 3, 3, debug_fail_allocations},
    {"help", 2, 2, debug_help},
    {"htstats", 3, 4, debug_htstats},
    {"htstats-key", 3, 4, debug_htstats_key},
    {"listpack", 3, 3, debug_listpack},
    {"loadaof", 2, 2, debug_no_persistence},
    {"log", 3, 3, debug_log},
    {"mallctl", 3, 3, debug_mallctl},
    {"object", 3, 4, debug_object},
    {"panic", 2, UINT32_MAX, debug_panic},
    {"pause-cron", 3, 3, debug_pause_cron},
    {"populate", 3, 5, debug_populate},
    {"protocol", 3, 3, debug_protocol},
    {"quicklist", 3, 4, debug_quicklist},
    {"quicklist-packed-threshold", 3, 3, debug_packed_threshold},
    {"reload", 2, UINT32_MAX, debug_no_persistence},
    {"replybuffer", 4, 4, debug_replybuffer},
    {"restart", 2, UINT32_MAX, debug_restart},
    {"sdslen", 3, 3, debug_sdslen},
    {"segfault", 2, UINT32_MAX, debug_segfault},
    {"set-active-expire", 3, 3, debug_set_active_expire},
    {"set-disable-deny-scripts", 3, 3, debug_nothing},
    {"sleep", 3, 3, debug_sleep},
    {"stringmatch-test", 2, 2, debug_stringmatch},
    {"structsize", 2, 2, debug_structsize},
};

static void debug_run(struct cmd_ctx *c)
{
    if (!debug_is_allowed(c)) {
        return;
    }
    for (size_t i = 0; i < sizeof debug_rows / sizeof debug_rows[0]; i++) {
        const struct debug_row *row = &debug_rows[i];
        if (c->argc >= row->argc_min && c->argc <= row->argc_max
            && ctx_arg_is(c, 1, row->name)) {
            row->run(c);
            return;
        }
    }
    debug_unknown(c);
}

const struct cmd_spec debug_cmds[] = {
    {.name = "debug", .arity = -2,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE
              | CMD_ALL_SHARDS,
     .run = debug_run},
    {.name = NULL},
};
