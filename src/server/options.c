/* options: the table made into rows; the struct that holds their values.
 *
 * What text stands for which value is told by option_values.c; what a changed
 * option means is the server's business. */
#include "server/options.h"

#include <assert.h>
#include <string.h>

/* The order of each list is the order of the values in options.h. */
static const char *const engine_words[] = {"auto", "io_uring", "epoll", NULL};
static const char *const policy_words[] = {
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
    "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction", NULL,
};
static const char *const level_words[] = {
    "debug", "verbose", "notice", "warning", "nothing", NULL,
};
static const char *const permit_words[] = {"no", "yes", "local", NULL};
static const char *const fsync_words[] = {"everysec", "always", "no", NULL};
static const char *const supervised_words[] = {
    "upstart", "systemd", "auto", "no", NULL,
};
static const char *const diskless_words[] = {
    "disabled", "on-empty-db", "swapdb", "flush-before-load", NULL,
};
static const char *const channel_words[] = {
    "allchannels", "resetchannels", NULL,
};
static const char *const propagation_words[] = {
    "ignore", "panic", "panic-on-replicas", NULL,
};
static const char *const shutdown_words[] = {
    "default", "save", "nosave", "now", "force", NULL,
};
static const char *const sanitize_words[] = {"no", "yes", "clients", NULL};
static const char *const oom_words[] = {
    "no", "yes", "relative", "absolute", NULL,
};
static const char *const log_format_words[] = {"legacy", "logfmt", NULL};
static const char *const timestamp_words[] = {
    "legacy", "iso8601", "milliseconds", NULL,
};
static const char *const facility_words[] = {
    "user", "local0", "local1", "local2", "local3", "local4", "local5",
    "local6", "local7", NULL,
};
static const char *const endpoint_words[] = {
    "ip", "hostname", "unknown-endpoint", NULL,
};
static const char *const auth_words[] = {"no", "yes", "optional", NULL};

static const char *const reasons[REASON_COUNT] = {
    [REASON_LATER] = "not served yet",
    [REASON_NEEDLESS] = "nothing here needs it",
    [REASON_FORK] = "this server does not fork",
    [REASON_DISK] = "nothing is written to disk yet",
    [REASON_REPLICATION] = "replication is not there yet",
    [REASON_CLUSTER] = "cluster mode is not there yet",
    [REASON_TLS] = "TLS is not built in",
    [REASON_RDMA] = "RDMA is not built in",
    [REASON_SCRIPTS] = "scripts are not there yet",
};

#define AT(field) .offset = offsetof(struct options, field)
#define ROW_BOOL(field, text, other, first, set) \
    {.name = text, .alias = other, .type = OPTION_BOOL, .flags = set, \
     AT(field), .initial = first},
#define ROW_INT(field, text, other, first, least, most, set) \
    {.name = text, .alias = other, .type = OPTION_INT, .flags = set, \
     AT(field), .initial = first, .min = least, .max = most},
#define ROW_BYTES(field, text, other, first, least, most, set) \
    {.name = text, .alias = other, .type = OPTION_BYTES, .flags = set, \
     AT(field), .initial = first, .min = least, .max = most},
#define ROW_ENUM(field, text, other, list, first, set) \
    {.name = text, .alias = other, .type = OPTION_ENUM, .flags = set, \
     AT(field), .initial = first, .words = list},
#define ROW_STRING(field, text, other, first, is, set) \
    {.name = text, .alias = other, .type = OPTION_STRING, .flags = set, \
     AT(field), .initial_text = first, .kind = is},
#define ROW_LIST(field, text, other, first, is, set) \
    {.name = text, .alias = other, .type = OPTION_LIST, .flags = set, \
     AT(field), .initial_text = first, .kind = is},
#define ROW_LINES(field, text, set) \
    {.name = text, .type = OPTION_LINES, \
     .flags = OPTION_IMMUTABLE | OPTION_HIDDEN | (set), \
     AT(field), .initial_text = ""},

static const struct option rows[] = {
    OPTION_BOOL_MAP(ROW_BOOL)
    OPTION_INT_MAP(ROW_INT)
    OPTION_BYTES_MAP(ROW_BYTES)
    OPTION_ENUM_MAP(ROW_ENUM)
    OPTION_STRING_MAP(ROW_STRING)
    OPTION_LIST_MAP(ROW_LIST)
    OPTION_LINES_MAP(ROW_LINES)
    {.name = "client-output-buffer-limit", .type = OPTION_LIMITS,
     AT(output_limits)},
};

static const struct output_limit initial_limits[CLIENT_CLASS_COUNT] = {
    [CLIENT_CLASS_REPLICA] = {256u << 20, 64u << 20, 60},
    [CLIENT_CLASS_PUBSUB] = {32u << 20, 8u << 20, 60},
};

size_t option_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const struct option *option_at(size_t i)
{
    assert(i < option_count());
    return &rows[i];
}

const struct option *option_find(struct slice name)
{
    for (size_t i = 0; i < option_count(); i++) {
        if (slice_equal_nocase(name, rows[i].name)
            || (rows[i].alias != NULL
                && slice_equal_nocase(name, rows[i].alias))) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *option_reason_text(const struct option *row)
{
    assert(row->flags & OPTION_INERT);
    return reasons[row->flags >> OPTION_REASON];
}

static bool is_text(const struct option *row)
{
    return row->type == OPTION_STRING || row->type == OPTION_LIST
           || row->type == OPTION_LINES;
}

/* ---- the fields behind a row ---- */

void *options_field(struct options *o, const struct option *row)
{
    return (char *)o + row->offset;
}

const void *options_field_read(const struct options *o,
                               const struct option *row)
{
    return (const char *)o + row->offset;
}

/* A field points to its text; how long it is stands before it. */
struct text_cell {
    size_t len;
    char text[];
};

static const struct text_cell *cell_of(const char *text)
{
    return (const struct text_cell *)(const void *)(
        text - offsetof(struct text_cell, text));
}

static void text_destroy(struct mem_account *a, char **at)
{
    if (*at != NULL) {
        mem_free(a, *at - offsetof(struct text_cell, text));
    }
    *at = NULL;
}

static bool text_set(struct options *o, char **at, struct slice bytes)
{
    struct text_cell *c = mem_alloc(o->account, sizeof *c + bytes.len + 1);
    if (c == NULL) {
        return false;
    }
    c->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(c->text, bytes.data, bytes.len);
    }
    c->text[bytes.len] = '\0';
    text_destroy(o->account, at);
    *at = c->text;
    return true;
}

struct slice option_text(const char *field)
{
    return slice_of(field, cell_of(field)->len);
}

bool options_set_text(struct options *o, const struct option *row,
                      struct slice bytes)
{
    assert(is_text(row));
    return text_set(o, options_field(o, row), bytes);
}

bool options_set_config_path(struct options *o, const char *path)
{
    return text_set(o, &o->config_path, slice_of_text(path));
}

enum status options_init_defaults(struct options *o,
                                  struct mem_account *account)
{
    memset(o, 0, sizeof *o);
    o->account = account;
    memcpy(o->output_limits, initial_limits, sizeof initial_limits);
    if (!text_set(o, &o->config_path, SLICE_LIT(""))) {
        goto no_memory;
    }
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = &rows[i];
        void *field = options_field(o, row);
        if (is_text(row)) {
            if (!text_set(o, field, slice_of_text(row->initial_text))) {
                goto no_memory;
            }
        } else if (row->type == OPTION_BOOL) {
            *(bool *)field = row->initial != 0;
        } else if (row->type == OPTION_ENUM) {
            *(int *)field = (int)row->initial;
        } else if (row->type != OPTION_LIMITS) {
            *(int64_t *)field = row->initial;
        }
    }
    return ST_OK;

no_memory:
    options_deinit(o);
    return ST_NOMEM;
}

void options_deinit(struct options *o)
{
    for (size_t i = 0; i < option_count(); i++) {
        if (is_text(&rows[i])) {
            text_destroy(o->account, options_field(o, &rows[i]));
        }
    }
    text_destroy(o->account, &o->config_path);
}

enum status options_copy(struct options *to, const struct options *from,
                         struct mem_account *account)
{
    *to = *from;
    to->account = account;
    /* What deinit would free must be ours, or nothing, before anything can
     * fail. */
    to->config_path = NULL;
    for (size_t i = 0; i < option_count(); i++) {
        if (is_text(&rows[i])) {
            *(char **)options_field(to, &rows[i]) = NULL;
        }
    }
    if (!text_set(to, &to->config_path, option_text(from->config_path))) {
        goto no_memory;
    }
    for (size_t i = 0; i < option_count(); i++) {
        if (is_text(&rows[i])) {
            const char *t = *(char *const *)options_field_read(from, &rows[i]);
            if (!text_set(to, options_field(to, &rows[i]), option_text(t))) {
                goto no_memory;
            }
        }
    }
    return ST_OK;

no_memory:
    options_deinit(to);
    return ST_NOMEM;
}

static size_t field_bytes(const struct option *row)
{
    switch (row->type) {
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_ENUM:
        return sizeof(int);
    case OPTION_STRING:
    case OPTION_LIST:
    case OPTION_LINES:
        return sizeof(char *);
    case OPTION_LIMITS:
        return sizeof initial_limits;
    default:
        return sizeof(int64_t);
    }
}

void options_exchange_row(struct options *a, struct options *b,
                          const struct option *row)
{
    char kept[sizeof initial_limits];
    size_t bytes = field_bytes(row);
    assert(a->account == b->account);
    assert(bytes <= sizeof kept);
    memcpy(kept, options_field(a, row), bytes);
    memcpy(options_field(a, row), options_field(b, row), bytes);
    memcpy(options_field(b, row), kept, bytes);
}

bool options_are_equal(const struct options *a, const struct options *b,
                       const struct option *row)
{
    const void *x = options_field_read(a, row);
    const void *y = options_field_read(b, row);
    return is_text(row)
               ? slice_equal(option_text(*(char *const *)x),
                             option_text(*(char *const *)y))
               : memcmp(x, y, field_bytes(row)) == 0;
}

bool options_is_default(const struct options *o, const struct option *row)
{
    const void *field = options_field_read(o, row);
    switch (row->type) {
    case OPTION_BOOL:
        return *(const bool *)field == (row->initial != 0);
    case OPTION_ENUM:
        return *(const int *)field == row->initial;
    case OPTION_STRING:
    case OPTION_LIST:
    case OPTION_LINES:
        return slice_equal(option_text(*(char *const *)field),
                           slice_of_text(row->initial_text));
    case OPTION_LIMITS:
        return memcmp(field, initial_limits, sizeof initial_limits) == 0;
    default:
        return *(const int64_t *)field == row->initial;
    }
}
