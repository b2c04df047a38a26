/* latency_cmds: LATENCY, over the latency monitor and over the latencies that
 * each worker's dispatcher counts by command. */
#include <stdio.h>

#include "server/info_priv.h"
#include "server/latency.h"

static struct latency_monitor *monitor_of(const struct cmd_ctx *c)
{
    return &((struct server *)c->host)->latency;
}

/* ---- HISTORY, LATEST, RESET ---- */

static void latency_history_run(struct cmd_ctx *c)
{
    enum latency_event event = latency_event_find(c->argv[2]);
    struct latency_history h = {.count = 0};
    if (event < LATENCY_EVENT_COUNT) {
        latency_read(monitor_of(c), event, &h);
    }
    reply_array(c->reply, h.count);
    for (uint32_t i = 0; i < h.count; i++) {
        const struct latency_sample *at = latency_at(&h, i);
        reply_array(c->reply, 2);
        reply_int(c->reply, at->time_s);
        reply_int(c->reply, at->ms);
    }
}

static void latency_latest_run(struct cmd_ctx *c)
{
    struct reply_deferred deferred;
    int64_t count = 0;
    reply_deferred_begin(c->reply, &deferred);
    for (int i = 0; i < LATENCY_EVENT_COUNT; i++) {
        enum latency_event event = (enum latency_event)i;
        struct latency_history h;
        latency_read(monitor_of(c), event, &h);
        if (h.count == 0) {
            continue;
        }
        const struct latency_sample *last = latency_at(&h, h.count - 1);
        count++;
        reply_array(c->reply, 4);
        reply_bulk_text(c->reply, latency_event_name(event));
        reply_int(c->reply, last->time_s);
        reply_int(c->reply, last->ms);
        reply_int(c->reply, h.max_ms);
    }
    reply_deferred_array(c->reply, &deferred, count);
}

static void latency_reset_run(struct cmd_ctx *c)
{
    int64_t count = 0;
    for (int i = 0; c->argc == 2 && i < LATENCY_EVENT_COUNT; i++) {
        count += latency_reset(monitor_of(c), (enum latency_event)i);
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        enum latency_event event = latency_event_find(c->argv[i]);
        count += event < LATENCY_EVENT_COUNT
                 && latency_reset(monitor_of(c), event);
    }
    reply_int(c->reply, count);
}

/* ---- GRAPH ---- */

enum { GRAPH_ROWS = 4, GRAPH_AGE_CHARS = 8 };

/* How long ago, in the largest unit that fits: "5s", "3m", "2h", "9d". */
static void format_age(char out[GRAPH_AGE_CHARS], int64_t s)
{
    s = s < 0 ? 0 : s;
    int64_t n = s < 60 ? s : s < 3600 ? s / 60 : s < 86400 ? s / 3600
                                                           : s / 86400;
    char unit = s < 60 ? 's' : s < 3600 ? 'm' : s < 86400 ? 'h' : 'd';
    snprintf(out, GRAPH_AGE_CHARS, "%u%c", (unsigned)(n < 99999 ? n : 99999),
             unit);
}

/* A column's character in a row, 0 the lowest; `level`: 0 .. GRAPH_ROWS. */
static char graph_cell(int level, int row)
{
    if (level == 0) {
        return row == 0 ? '_' : ' ';
    }
    return row >= level ? ' ' : row == level - 1 ? '#' : '|';
}

static void draw_graph(struct text *t, const struct latency_history *h,
                       const struct latency_summary *sum, int64_t now_s)
{
    uint32_t span = sum->max_ms > sum->min_ms ? sum->max_ms - sum->min_ms : 1;
    for (int row = GRAPH_ROWS - 1; row >= 0; row--) {
        for (uint32_t i = 0; i < h->count; i++) {
            uint64_t above = latency_at(h, i)->ms - sum->min_ms;
            int level = (int)(above * GRAPH_ROWS / span);
            text_add(t, "%c", graph_cell(level, row));
        }
        text_add(t, "\n");
    }
    text_add(t, "\n");
    /* Beneath each column its age, top down. */
    for (int row = 0; row < GRAPH_AGE_CHARS; row++) {
        bool is_over = true;
        for (uint32_t i = 0; i < h->count; i++) {
            char age[GRAPH_AGE_CHARS] = {0};
            format_age(age, now_s - latency_at(h, i)->time_s);
            is_over &= (int)strlen(age) <= row;
            text_add(t, "%c", (int)strlen(age) > row ? age[row] : ' ');
        }
        text_add(t, "\n");
        if (is_over) {
            break;
        }
    }
}

static void reply_text(struct cmd_ctx *c, struct text *t)
{
    if (t->failed) {
        ctx_error_status(c, ST_NOMEM);
    } else {
        reply_verbatim(c->reply, "txt", text_slice(t));
    }
    text_deinit(t);
}

static void latency_graph_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    enum latency_event event = latency_event_find(c->argv[2]);
    struct latency_history h = {.count = 0};
    struct latency_summary sum;
    struct text t = {.account = &s->account};
    if (event < LATENCY_EVENT_COUNT) {
        latency_read(monitor_of(c), event, &h);
    }
    if (h.count == 0) {
        size_t len = c->argv[2].len < 128 ? c->argv[2].len : 128;
        reply_errorf(c->reply, "ERR No samples available for event '%.*s'",
                     (int)len, (const char *)c->argv[2].data);
        return;
    }
    latency_summarize(&h, &sum);
    text_add(&t, "%s - high %u ms, low %u ms (all time high %u ms)\n",
             latency_event_name(event), sum.max_ms, sum.min_ms, h.max_ms);
    text_add(&t, "----------------------------------------"
                 "----------------------------------------\n");
    draw_graph(&t, &h, &sum, c->now_ms / 1000);
    reply_text(c, &t);
}

/* ---- DOCTOR ---- */

static void latency_doctor_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    struct text t = {.account = &s->account};
    int found = 0;
    for (int i = 0; i < LATENCY_EVENT_COUNT; i++) {
        enum latency_event event = (enum latency_event)i;
        struct latency_history h;
        struct latency_summary sum;
        latency_read(monitor_of(c), event, &h);
        if (h.count == 0) {
            continue;
        }
        latency_summarize(&h, &sum);
        text_add(&t, "%d. %s: %u samples, %.0f ms on average (mean deviation "
                     "%.0f ms), one every %.1f s, the worst ever %u ms.\n"
                     "   %s\n",
                 ++found, latency_event_name(event), h.count, sum.average_ms,
                 sum.deviation_ms, sum.period_s, h.max_ms,
                 latency_event_advice(event));
    }
    if (found == 0) {
        bool is_on = atomic_load_explicit(&monitor_of(c)->threshold_us,
                                          memory_order_relaxed) > 0;
        text_add(&t, is_on ? "Nothing has passed latency-monitor-threshold "
                             "so far.\n"
                           : "The latency monitor is off: CONFIG SET "
                             "latency-monitor-threshold <milliseconds> turns "
                             "it on.\n");
    }
    reply_text(c, &t);
}

/* ---- HISTOGRAM ---- */

enum {
    HISTOGRAM_FIRST_NS = 1024, /* each column counts twice as far */
    HISTOGRAM_COLUMNS_MAX = 32,
};

/* A column's end in microseconds as the peers write it: with a value of two
 * significant digits standing for the whole range it rounds to. */
static int64_t column_us(int column)
{
    uint64_t ns = (uint64_t)HISTOGRAM_FIRST_NS << column;
    return (int64_t)((ns + ns / 128 - 1) / 1000);
}

/* Running totals, at the columns where they grow. */
static void reply_histogram(struct reply *r, const uint64_t *counts,
                            uint64_t total)
{
    struct {
        int64_t us, count;
    } columns[HISTOGRAM_COLUMNS_MAX];
    int used = 0;
    uint32_t bucket = 0;
    uint64_t seen = 0;
    for (int i = 0; i < HISTOGRAM_COLUMNS_MAX && seen < total; i++) {
        uint64_t before = seen, end = (uint64_t)HISTOGRAM_FIRST_NS << i;
        bool is_last = i == HISTOGRAM_COLUMNS_MAX - 1;
        while (bucket < LATENCY_BUCKETS
               && (is_last || latency_bucket_ns(bucket) < end)) {
            seen += counts[bucket++];
        }
        if (seen > before) {
            columns[used].us = column_us(i);
            columns[used++].count = (int64_t)seen;
        }
    }
    reply_map(r, 2);
    reply_bulk_text(r, "calls");
    reply_int(r, (int64_t)total);
    reply_bulk_text(r, "histogram_usec");
    reply_map(r, used);
    for (int i = 0; i < used; i++) {
        reply_int(r, columns[i].us);
        reply_int(r, columns[i].count);
    }
}

/* One command, or the subcommands of a container; how many were shown. */
static int64_t show_histograms(struct cmd_ctx *c, const struct cmd *cmd)
{
    const struct server *s = c->host;
    uint64_t counts[LATENCY_BUCKETS];
    int64_t shown = 0;
    for (uint32_t i = 0; i <= cmd->sub_count; i++) {
        const struct cmd *of = i == 0 ? cmd : &cmd->subs[i - 1];
        uint64_t total = command_latencies_read(s, of->index, counts);
        if (total > 0) {
            reply_bulk_text(c->reply, of->full_name);
            reply_histogram(c->reply, counts, total);
            shown++;
        }
    }
    return shown;
}

/* "get", "client", "client|id"; NULL: there is none. */
static const struct cmd *find_named(const struct server *s, struct slice name)
{
    const uint8_t *bar = name.len == 0 ? NULL : memchr(name.data, '|',
                                                       name.len);
    if (bar == NULL) {
        return cmd_table_find(s->commands, name);
    }
    size_t len = (size_t)(bar - name.data);
    const struct cmd *cmd = cmd_table_find(s->commands,
                                           slice_of(name.data, len));
    return cmd == NULL ? NULL
                       : cmd_find_sub(cmd, slice_of(bar + 1,
                                                    name.len - len - 1));
}

static void latency_histogram_run(struct cmd_ctx *c)
{
    const struct server *s = c->host;
    struct reply_deferred deferred;
    int64_t shown = 0;
    reply_deferred_begin(c->reply, &deferred);
    for (uint32_t i = 0; c->argc == 2 && i < cmd_table_count(s->commands);
         i++) {
        shown += show_histograms(c, cmd_table_at(s->commands, i));
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        const struct cmd *cmd = find_named(s, c->argv[i]);
        shown += cmd == NULL ? 0 : show_histograms(c, cmd);
    }
    reply_deferred_map(c->reply, &deferred, shown);
}

/* ---- the rows ---- */

static void latency_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DOCTOR",
        "    Explain the latency events that were noted.",
        "GRAPH <event>",
        "    Draw the samples of an event.",
        "HISTOGRAM [<command> ...]",
        "    Show how often commands took how long: all, or those named.",
        "HISTORY <event>",
        "    Show an event's samples: time and milliseconds.",
        "LATEST",
        "    Show of each event the last sample and the worst.",
        "RESET [<event> ...]",
        "    Forget the samples of all events, or of those named.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

enum { LATENCY_FLAGS = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE };

static const struct cmd_spec latency_subcommands[] = {
    {.name = "doctor", .arity = 2, .flags = LATENCY_FLAGS,
     .run = latency_doctor_run},
    {.name = "graph", .arity = 3, .flags = LATENCY_FLAGS,
     .run = latency_graph_run},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .run = latency_help_run},
    {.name = "histogram", .arity = -2, .flags = LATENCY_FLAGS,
     .run = latency_histogram_run},
    {.name = "history", .arity = 3, .flags = LATENCY_FLAGS,
     .run = latency_history_run},
    {.name = "latest", .arity = 2, .flags = LATENCY_FLAGS,
     .run = latency_latest_run},
    {.name = "reset", .arity = -2, .flags = LATENCY_FLAGS,
     .run = latency_reset_run},
    {.name = NULL},
};

const struct cmd_spec latency_cmds[] = {
    {.name = "latency", .arity = -2, .subcommands = latency_subcommands},
    {.name = NULL},
};
