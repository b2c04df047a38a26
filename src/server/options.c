/* options: the table made into rows, and one pair of functions a type: read a
 * text into the struct, show the struct as a text. Nothing here touches the
 * system; what a changed option means is the server's business. */
#include "server/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

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
static const char *const fsync_words[] = {"always", "everysec", "no", NULL};
static const char *const supervised_words[] = {
    "no", "upstart", "systemd", "auto", NULL,
};
static const char *const diskless_words[] = {
    "disabled", "on-empty-db", "swapdb", NULL,
};
static const char *const channel_words[] = {
    "resetchannels", "allchannels", NULL,
};
static const char *const propagation_words[] = {
    "ignore", "panic", "panic-on-replicas", NULL,
};
static const char *const shutdown_words[] = {
    "default", "save", "nosave", "now", "force", NULL,
};
static const char *const sanitize_words[] = {"no", "yes", "clients", NULL};

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
#define ROW_STRING(field, text, other, first, set) \
    {.name = text, .alias = other, .type = OPTION_STRING, .flags = set, \
     AT(field), .initial_text = first},
#define ROW_LIST(field, text, other, first, kind, set) \
    {.name = text, .alias = other, .type = OPTION_LIST, .flags = set, \
     AT(field), .initial_text = first, .list_kind = kind},

static const struct option rows[] = {
    OPTION_BOOL_MAP(ROW_BOOL)
    OPTION_INT_MAP(ROW_INT)
    OPTION_BYTES_MAP(ROW_BYTES)
    OPTION_ENUM_MAP(ROW_ENUM)
    OPTION_STRING_MAP(ROW_STRING)
    OPTION_LIST_MAP(ROW_LIST)
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

static bool is_text(const struct option *row)
{
    return row->type == OPTION_STRING || row->type == OPTION_LIST;
}

/* ---- the fields behind a row ---- */

static void *field_at(struct options *o, const struct option *row)
{
    return (char *)o + row->offset;
}

static const void *field_read(const struct options *o, const struct option *row)
{
    return (const char *)o + row->offset;
}

static char *text_copy(struct mem_account *a, const void *bytes, size_t len)
{
    char *t = mem_alloc(a, len + 1);
    if (t == NULL) {
        return NULL;
    }
    if (len > 0) {
        memcpy(t, bytes, len);
    }
    t[len] = '\0';
    return t;
}

static bool text_set(struct options *o, char **at, const void *bytes,
                     size_t len)
{
    char *t = text_copy(o->account, bytes, len);
    if (t == NULL) {
        return false;
    }
    mem_free(o->account, *at);
    *at = t;
    return true;
}

enum status options_init_defaults(struct options *o,
                                  struct mem_account *account)
{
    memset(o, 0, sizeof *o);
    o->account = account;
    memcpy(o->output_limits, initial_limits, sizeof initial_limits);
    if (!text_set(o, &o->config_path, "", 0)) {
        goto no_memory;
    }
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = &rows[i];
        void *field = field_at(o, row);
        if (is_text(row)) {
            const char *t = row->initial_text;
            if (!text_set(o, field, t, strlen(t))) {
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
            char **at = field_at(o, &rows[i]);
            mem_free(o->account, *at);
            *at = NULL;
        }
    }
    mem_free(o->account, o->config_path);
    o->config_path = NULL;
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
            *(char **)field_at(to, &rows[i]) = NULL;
        }
    }
    if (!text_set(to, &to->config_path, from->config_path,
                  strlen(from->config_path))) {
        goto no_memory;
    }
    for (size_t i = 0; i < option_count(); i++) {
        if (is_text(&rows[i])) {
            const char *t = *(char *const *)field_read(from, &rows[i]);
            if (!text_set(to, field_at(to, &rows[i]), t, strlen(t))) {
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
    memcpy(kept, field_at(a, row), bytes);
    memcpy(field_at(a, row), field_at(b, row), bytes);
    memcpy(field_at(b, row), kept, bytes);
}

/* ---- reading values ---- */

static bool fail(char *err, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(char *err, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err, cap, format, args);
    va_end(args);
    return false;
}

static bool set_bool(struct options *o, const struct option *row,
                     struct slice v, char *err, size_t cap)
{
    bool is_yes = slice_equal_nocase(v, "yes");
    if (!is_yes && !slice_equal_nocase(v, "no")) {
        return fail(err, cap, "argument must be 'yes' or 'no'");
    }
    if (is_yes && (row->flags & OPTION_ONLY_NO)) {
        return fail(err, cap, "only 'no' is supported by this version");
    }
    *(bool *)field_at(o, row) = is_yes;
    return true;
}

static bool parse_octal(struct slice v, int64_t *out)
{
    int64_t n = 0;
    if (v.len == 0 || v.len > 8) {
        return false;
    }
    for (size_t i = 0; i < v.len; i++) {
        if (v.data[i] < '0' || v.data[i] > '7') {
            return false;
        }
        n = n * 8 + (v.data[i] - '0');
    }
    *out = n;
    return true;
}

static bool set_number(struct options *o, const struct option *row, int64_t n,
                       char *err, size_t cap)
{
    if (n < row->min || n > row->max) {
        return fail(err, cap, "argument must be between %lld and %lld inclusive",
                    (long long)row->min, (long long)row->max);
    }
    if ((row->flags & OPTION_POWER_OF_TWO) && (n & (n - 1)) != 0) {
        return fail(err, cap, "argument must be 0 or a power of two");
    }
    *(int64_t *)field_at(o, row) = n;
    return true;
}

static bool set_int(struct options *o, const struct option *row, struct slice v,
                    char *err, size_t cap)
{
    int64_t n;
    if (row->flags & OPTION_OCTAL) {
        if (!parse_octal(v, &n)) {
            return fail(err, cap, "argument couldn't be parsed as an octal "
                                  "number");
        }
        if (n < row->min || n > row->max) {
            return fail(err, cap,
                        "argument must be between %llo and %llo inclusive",
                        (unsigned long long)row->min,
                        (unsigned long long)row->max);
        }
    } else if (!number_parse_int64(v, &n)) {
        return fail(err, cap, "argument couldn't be parsed into an integer");
    }
    return set_number(o, row, n, err, cap);
}

static bool set_bytes(struct options *o, const struct option *row,
                      struct slice v, char *err, size_t cap)
{
    uint64_t n;
    if (!number_parse_bytes(v, &n)) {
        return fail(err, cap, "argument must be a memory value");
    }
    if (n > INT64_MAX) {
        return fail(err, cap, "argument must be between %lld and %lld inclusive",
                    (long long)row->min, (long long)row->max);
    }
    return set_number(o, row, (int64_t)n, err, cap);
}

/* Takes the next word of `v` off its front; false: there is none. */
static bool next_word(struct slice *v, struct slice *word)
{
    while (v->len > 0 && *v->data == ' ') {
        *v = slice_of(v->data + 1, v->len - 1);
    }
    *word = slice_of(v->data, 0);
    while (v->len > 0 && *v->data != ' ') {
        word->len++;
        *v = slice_of(v->data + 1, v->len - 1);
    }
    return word->len > 0;
}

/* The word's place in the row's list, or -1. */
static int enum_index(const struct option *row, struct slice word)
{
    for (int i = 0; row->words[i] != NULL; i++) {
        if (slice_equal_nocase(word, row->words[i])) {
            return i;
        }
    }
    return -1;
}

/* What the words of an OPTION_BITS row say together, or -1. */
static int enum_bits(const struct option *row, struct slice v)
{
    struct slice word;
    int bits = -1;
    while (next_word(&v, &word)) {
        int i = enum_index(row, word);
        if (i < 0) {
            return -1;
        }
        bits = (bits < 0 ? 0 : bits) | (i > 0 ? 1 << (i - 1) : 0);
    }
    return bits;
}

static bool set_enum(struct options *o, const struct option *row,
                     struct slice v, char *err, size_t cap)
{
    size_t used;
    int value = row->flags & OPTION_BITS ? enum_bits(row, v)
                                         : enum_index(row, v);
    if (value >= 0) {
        *(int *)field_at(o, row) = value;
        return true;
    }
    fail(err, cap, "argument(s) must be one of the following:");
    for (int i = 0; row->words[i] != NULL; i++) {
        used = strlen(err);
        (void)snprintf(err + used, cap - used, "%s %s", i == 0 ? "" : ",",
                       row->words[i]);
    }
    return false;
}

static bool set_string(struct options *o, const struct option *row,
                       struct slice v, char *err, size_t cap)
{
    if (v.len > OPTION_TEXT_MAX || memchr(v.data, 0, v.len) != NULL) {
        return fail(err, cap, "argument is too long or holds a NUL byte");
    }
    if (!text_set(o, field_at(o, row), v.data, v.len)) {
        return fail(err, cap, "out of memory");
    }
    return true;
}

static bool check_save(struct slice v, char *err, size_t cap)
{
    struct slice word;
    uint32_t count = 0;
    int64_t n;
    while (next_word(&v, &word)) {
        int64_t least = count % 2 == 0 ? 1 : 0;
        if (!number_parse_int64(word, &n) || n < least || n > INT32_MAX) {
            return fail(err, cap, "Invalid save parameters");
        }
        count++;
    }
    return count % 2 == 0 ? true : fail(err, cap, "Invalid save parameters");
}

enum { ADDRESSES_MAX = 16 };

static bool check_addresses(struct slice v, char *err, size_t cap)
{
    struct slice word;
    uint32_t count = 0;
    while (next_word(&v, &word)) {
        count++;
    }
    if (count > ADDRESSES_MAX) {
        return fail(err, cap, "Too many bind addresses specified.");
    }
    return true;
}

static bool set_list(struct options *o, const struct option *row,
                     struct slice v, char *err, size_t cap)
{
    struct slice rest = v, word;
    char **at = field_at(o, row);
    size_t used = 0;
    char *text;

    if (v.len > OPTION_TEXT_MAX || memchr(v.data, 0, v.len) != NULL) {
        return fail(err, cap, "argument is too long or holds a NUL byte");
    }
    if ((row->list_kind == WORDS_SAVE && !check_save(v, err, cap))
        || (row->list_kind == WORDS_ADDRESSES
            && !check_addresses(v, err, cap))) {
        return false;
    }
    text = mem_alloc(o->account, v.len + 1);
    if (text == NULL) {
        return fail(err, cap, "out of memory");
    }
    while (next_word(&rest, &word)) {
        if (used > 0) {
            text[used++] = ' ';
        }
        memcpy(text + used, word.data, word.len);
        used += word.len;
    }
    text[used] = '\0';
    mem_free(o->account, *at);
    *at = text;
    return true;
}

static int client_class_of(struct slice word)
{
    static const struct { const char *name; int class; } names[] = {
        {"normal", CLIENT_CLASS_NORMAL}, {"slave", CLIENT_CLASS_REPLICA},
        {"replica", CLIENT_CLASS_REPLICA}, {"pubsub", CLIENT_CLASS_PUBSUB},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal_nocase(word, names[i].name)) {
            return names[i].class;
        }
    }
    return -1;
}

/* Groups of class, hard, soft, seconds; classes not named stay. */
static bool set_limits(struct options *o, const struct option *row,
                       struct slice v, char *err, size_t cap)
{
    struct output_limit limits[CLIENT_CLASS_COUNT];
    struct slice rest = v, word[4];

    memcpy(limits, o->output_limits, sizeof limits);
    for (bool is_first = true;; is_first = false) {
        struct output_limit l;
        int class;
        if (!next_word(&rest, &word[0]) && !is_first) {
            break;
        }
        if (!next_word(&rest, &word[1]) || !next_word(&rest, &word[2])
            || !next_word(&rest, &word[3])) {
            return fail(err, cap, "Wrong number of arguments in buffer limit "
                                  "configuration.");
        }
        class = client_class_of(word[0]);
        if (class < 0) {
            return fail(err, cap, "Invalid client class specified in buffer "
                                  "limit configuration.");
        }
        if (!number_parse_bytes(word[1], &l.hard_bytes)
            || !number_parse_bytes(word[2], &l.soft_bytes)
            || !number_parse_int64(word[3], &l.soft_seconds)
            || l.soft_seconds < 0) {
            return fail(err, cap, "Error in hard, soft or soft_seconds setting "
                                  "in buffer limit configuration.");
        }
        limits[class] = l;
    }
    memcpy(field_at(o, row), limits, sizeof limits);
    return true;
}

bool options_set_row(struct options *o, const struct option *row,
                     struct slice value, char *err, size_t cap)
{
    typedef bool set_fn(struct options *, const struct option *, struct slice,
                        char *, size_t);
    static set_fn *const setters[] = {
        [OPTION_BOOL] = set_bool, [OPTION_INT] = set_int,
        [OPTION_BYTES] = set_bytes, [OPTION_ENUM] = set_enum,
        [OPTION_STRING] = set_string, [OPTION_LIST] = set_list,
        [OPTION_LIMITS] = set_limits,
    };
    assert(cap > 0);
    if (value.data == NULL) {
        value = SLICE_LIT("");
    }
    return setters[row->type](o, row, value, err, cap);
}

bool options_set(struct options *o, struct slice name, struct slice value,
                 char *err, size_t cap)
{
    const struct option *row = option_find(name);
    if (row == NULL) {
        return fail(err, cap, "Bad directive or wrong number of arguments");
    }
    return options_set_row(o, row, value, err, cap);
}

/* ---- showing values ---- */

static size_t show_limits(const struct options *o, char *out, size_t cap)
{
    const struct output_limit *l = o->output_limits;
    return (size_t)snprintf(
        out, cap,
        "normal %llu %llu %lld slave %llu %llu %lld pubsub %llu %llu %lld",
        (unsigned long long)l[0].hard_bytes,
        (unsigned long long)l[0].soft_bytes, (long long)l[0].soft_seconds,
        (unsigned long long)l[1].hard_bytes,
        (unsigned long long)l[1].soft_bytes, (long long)l[1].soft_seconds,
        (unsigned long long)l[2].hard_bytes,
        (unsigned long long)l[2].soft_bytes, (long long)l[2].soft_seconds);
}

static size_t show_bits(const struct option *row, int bits, char *out,
                        size_t cap)
{
    size_t used = 0;
    if (bits == 0) {
        return (size_t)snprintf(out, cap, "%s", row->words[0]);
    }
    for (int i = 1; row->words[i] != NULL; i++) {
        if (bits & 1 << (i - 1)) {
            used += (size_t)snprintf(used < cap ? out + used : NULL,
                                     used < cap ? cap - used : 0, "%s%s",
                                     used > 0 ? " " : "", row->words[i]);
        }
    }
    return used;
}

size_t options_get_row(const struct options *o, const struct option *row,
                       char *out, size_t cap)
{
    const void *field = field_read(o, row);
    const char *text;
    switch (row->type) {
    case OPTION_BOOL:
        text = *(const bool *)field ? "yes" : "no";
        break;
    case OPTION_ENUM:
        if (row->flags & OPTION_BITS) {
            return show_bits(row, *(const int *)field, out, cap);
        }
        text = row->words[*(const int *)field];
        break;
    case OPTION_STRING:
    case OPTION_LIST:
        text = *(char *const *)field;
        break;
    case OPTION_LIMITS:
        return show_limits(o, out, cap);
    default:
        if (row->flags & OPTION_OCTAL) {
            return (size_t)snprintf(
                out, cap, "%llo",
                (unsigned long long)*(const int64_t *)field);
        }
        return (size_t)snprintf(out, cap, "%lld",
                                (long long)*(const int64_t *)field);
    }
    return (size_t)snprintf(out, cap, "%s", text);
}
