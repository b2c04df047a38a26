/* option_values: a text into a value, a value as a text: a pair of functions a
 * type, and the checks of texts that must be something particular.
 *
 * Nothing here touches the system or the values of other options. */
#include <arpa/inet.h>
#include <assert.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "server/options.h"

/* ---- numbers and words ---- */

enum {
    HZ_MIN = 1, HZ_MAX = 500,
    WATCHDOG_MS_MIN = 200,
    SAVE_AND_NOSAVE = 1 | 2, /* of shutdown_words' bits */
    ADDRESSES_MAX = 16,
    OOM_SCORE_MAX = 2000,
    HOST_NAME_MAX_BYTES = 256,
    LOCALE_NAME_MAX_BYTES = 256,
    EVENT_CLASSES_MAX = 16,
    PERCENTILE_TEXT_MAX = 12, /* "100.000000", NUL */
};

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
    *(bool *)options_field(o, row) = is_yes;
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

/* Some numbers are brought into their bounds instead of being refused. */
static int64_t settled(const struct option *row, int64_t n)
{
    if (row->offset == offsetof(struct options, hz)) {
        return n < HZ_MIN ? HZ_MIN : n > HZ_MAX ? HZ_MAX : n;
    }
    if (row->offset == offsetof(struct options, watchdog_period)) {
        return n > 0 && n < WATCHDOG_MS_MIN ? WATCHDOG_MS_MIN : n;
    }
    return n;
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
    *(int64_t *)options_field(o, row) = settled(row, n);
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

/* "5%": kept as -5, "0%" as 0. */
static bool set_percent(struct options *o, const struct option *row,
                        struct slice v, char *err, size_t cap)
{
    int64_t n;
    if (!number_parse_int64(slice_of(v.data, v.len - 1), &n) || n < 0) {
        return fail(err, cap, "argument must be a memory or percent value");
    }
    if (n > 100) {
        return fail(err, cap, "percentage argument must be less or equal to 100");
    }
    *(int64_t *)options_field(o, row) = -n;
    return true;
}

static bool set_bytes(struct options *o, const struct option *row,
                      struct slice v, char *err, size_t cap)
{
    bool may_be_percent = (row->flags & OPTION_PERCENT) != 0;
    uint64_t n;
    if (may_be_percent && v.len > 0 && v.data[v.len - 1] == '%') {
        return set_percent(o, row, v, err, cap);
    }
    if (!number_parse_bytes(v, &n)) {
        return fail(err, cap, may_be_percent
                                  ? "argument must be a memory or percent value"
                                  : "argument must be a memory value");
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
    if ((row->flags & OPTION_BITS) && value >= 0
        && (value & SAVE_AND_NOSAVE) == SAVE_AND_NOSAVE) {
        return fail(err, cap, "shutdown options SAVE and NOSAVE can't be used "
                              "simultaneously");
    }
    if (value >= 0) {
        *(int *)options_field(o, row) = value;
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

/* ---- texts ---- */

static bool check_file(const char *what, const char *kind, struct slice v,
                       char *err, size_t cap)
{
    if (v.len == 0) {
        return fail(err, cap, "%s can't be empty", what);
    }
    if (memchr(v.data, '/', v.len) != NULL) {
        return fail(err, cap, "%s can't be a path, just a %s", what, kind);
    }
    return true;
}

static bool is_host_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
}

static bool check_host(struct slice v, char *err, size_t cap)
{
    if (v.len >= HOST_NAME_MAX_BYTES) {
        return fail(err, cap, "Hostnames must be less than %d characters",
                    HOST_NAME_MAX_BYTES);
    }
    for (size_t i = 0; i < v.len; i++) {
        if (!is_host_byte(v.data[i])) {
            return fail(err, cap, "Hostnames may only contain alphanumeric "
                                  "characters, hyphens or dots");
        }
    }
    return true;
}

/* It is sent in messages between nodes, between blanks and commas. */
static bool check_node(struct slice v, char *err, size_t cap)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.data[i] <= ' ' || v.data[i] > '~'
            || strchr("!#$%&()*+:;<>?@[]^{|}~\"',=/`\\", v.data[i]) != NULL) {
            return fail(err, cap, "Announced human node name contained invalid "
                                  "character");
        }
    }
    return true;
}

static bool check_ip(int family, struct slice v, char *err, size_t cap)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (v.len == 0) {
        return true;
    }
    if (v.len < sizeof text) {
        memcpy(text, v.data, v.len);
        text[v.len] = '\0';
        if (inet_pton(family, text, address) == 1) {
            return true;
        }
    }
    return fail(err, cap, family == AF_INET ? "Invalid IPv4 address"
                                            : "Invalid IPv6 address");
}

static bool check_locale(struct slice v, char *err, size_t cap)
{
    char name[LOCALE_NAME_MAX_BYTES];
    locale_t locale = (locale_t)0;
    if (v.len < sizeof name) {
        memcpy(name, v.data, v.len);
        name[v.len] = '\0';
        locale = newlocale(LC_COLLATE_MASK, name, (locale_t)0);
    }
    if (locale == (locale_t)0) {
        return fail(err, cap, "Invalid locale name");
    }
    freelocale(locale);
    return true;
}

/* Braces hold one of the known names, and not everything is blank. */
static bool check_title(struct slice v, char *err, size_t cap)
{
    static const char *const names[] = {
        "{title}", "{listen-addr}", "{server-mode}", "{port}", "{tls-port}",
        "{unixsocket}", "{config-file}",
    };
    static const char wrong[] = "template format is invalid or contains "
                                "unknown variables";
    bool has_text = false;
    for (size_t i = 0; i < v.len;) {
        size_t len = 1;
        if (v.data[i] == '{') {
            len = 0;
            for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
                size_t n = strlen(names[k]);
                if (n <= v.len - i && memcmp(v.data + i, names[k], n) == 0) {
                    len = n;
                }
            }
        }
        if (len == 0) {
            return fail(err, cap, "%s", wrong);
        }
        has_text = has_text || v.data[i] != ' ';
        i += len;
    }
    return has_text ? true : fail(err, cap, "%s", wrong);
}

/* The classes of notify-keyspace-events: first those that `A` stands for. */
static const char event_all[] = "g$lshzxetd";
static const char event_other[] = "nKEm";

static bool check_events(struct slice v, char *err, size_t cap)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.data[i] != 'A' && strchr(event_all, v.data[i]) == NULL
            && strchr(event_other, v.data[i]) == NULL) {
            return fail(err, cap, "Invalid event class character. Use "
                                  "'Ag$lshzxeKEtmdn'.");
        }
    }
    return true;
}

/* The one spelling of a set of classes; `out` has room for all of them. */
static struct slice events_spelled(struct slice v, char *out)
{
    size_t len = 0, count = 0;
    bool has_all = v.len > 0 && memchr(v.data, 'A', v.len) != NULL;
    for (const char *c = event_all; *c != 0; c++) {
        if (v.len > 0 && memchr(v.data, *c, v.len) != NULL) {
            out[len++] = *c;
            count++;
        }
    }
    has_all = has_all || count == sizeof event_all - 1;
    if (has_all) {
        out[0] = 'A';
        len = 1;
    }
    for (const char *c = event_other; *c != 0; c++) {
        /* New-key events are not told apart from `A` where that stands. */
        if (v.len > 0 && memchr(v.data, *c, v.len) != NULL
            && !(*c == 'n' && has_all)) {
            out[len++] = *c;
        }
    }
    return slice_of(out, len);
}

static bool check_text(const struct option *row, struct slice v, char *err,
                       size_t cap)
{
    switch (row->kind) {
    case TEXT_DIRECTORY:
        return v.len > 0 ? true : fail(err, cap, "%s can't be empty", row->name);
    case TEXT_FILE:
        return check_file(row->name, "filename", v, err, cap);
    case TEXT_DIRNAME:
        return check_file(row->name, "dirname", v, err, cap);
    case TEXT_EVENTS:
        return check_events(v, err, cap);
    case TEXT_TITLE:
        return check_title(v, err, cap);
    case TEXT_LOCALE:
        return check_locale(v, err, cap);
    case TEXT_IPV4:
        return check_ip(AF_INET, v, err, cap);
    case TEXT_IPV6:
        return check_ip(AF_INET6, v, err, cap);
    case TEXT_HOST:
        return check_host(v, err, cap);
    case TEXT_NODE:
        return check_node(v, err, cap);
    default:
        return true;
    }
}

static bool set_string(struct options *o, const struct option *row,
                       struct slice v, char *err, size_t cap)
{
    char events[EVENT_CLASSES_MAX];
    if (v.len > OPTION_TEXT_MAX
        || (row->kind != TEXT_BINARY && memchr(v.data, 0, v.len) != NULL)) {
        return fail(err, cap, "argument is too long or holds a NUL byte");
    }
    if (!check_text(row, v, err, cap)) {
        return false;
    }
    if (row->kind == TEXT_EVENTS) {
        v = events_spelled(v, events);
    }
    if (!options_set_text(o, row, v)) {
        return fail(err, cap, "out of memory");
    }
    return true;
}

/* ---- lists ---- */

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

static bool check_percentile(struct slice word, char *err, size_t cap)
{
    double p;
    if (!number_parse_double(word, &p)) {
        return fail(err, cap,
                    "Invalid latency-tracking-info-percentiles parameters");
    }
    if (!(p >= 0.0 && p <= 100.0)) {
        return fail(err, cap, "latency-tracking-info-percentiles parameters "
                              "should sit between [0.0,100.0]");
    }
    return true;
}

static bool check_score(struct slice word, char *err, size_t cap)
{
    int64_t n;
    if (!number_parse_int64(word, &n) || n < -OOM_SCORE_MAX
        || n > OOM_SCORE_MAX) {
        return fail(err, cap, "Invalid oom-score-adj-values, elements must be "
                              "between -%d and %d.", OOM_SCORE_MAX,
                    OOM_SCORE_MAX);
    }
    return true;
}

/* A host and a port, or nothing, which "no one" says too. */
static bool check_primary(struct slice words[2], int count, char *err,
                          size_t cap)
{
    int64_t port;
    if (count == 0) {
        return true;
    }
    if (count != 2) {
        return fail(err, cap, "wrong number of arguments");
    }
    if (slice_equal_nocase(words[0], "no")
        && slice_equal_nocase(words[1], "one")) {
        return true;
    }
    if (!number_parse_int64(words[1], &port) || port < 0 || port > 65535) {
        return fail(err, cap, "Invalid primary port");
    }
    return true;
}

static bool check_words(const struct option *row, struct slice v, char *err,
                        size_t cap)
{
    struct slice word, first[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    int count = 0;
    for (struct slice rest = v; next_word(&rest, &word); count++) {
        if ((row->kind == WORDS_PERCENTILES
             && !check_percentile(word, err, cap))
            || (row->kind == WORDS_SCORES && !check_score(word, err, cap))) {
            return false;
        }
        if (count < 3) {
            first[count] = word;
        }
    }
    switch (row->kind) {
    case WORDS_SAVE:
        return check_save(v, err, cap);
    case WORDS_ADDRESSES:
        return check_addresses(v, err, cap);
    case WORDS_SCORES:
        return count == 3 ? true : fail(err, cap, "wrong number of arguments");
    case WORDS_PRIMARY:
        return check_primary(first, count, err, cap);
    case WORDS_NONE:
        return count == 0 ? true : fail(err, cap, "No RDMA building support.");
    default:
        return true;
    }
}

/* Percentiles are kept with six digits at most, as they are shown. */
static size_t write_word(const struct option *row, struct slice word,
                         char *out)
{
    double p;
    if (row->kind == WORDS_PERCENTILES && number_parse_double(word, &p)) {
        int len = snprintf(out, PERCENTILE_TEXT_MAX, "%.6f", p);
        while (out[len - 1] == '0') {
            len--;
        }
        return (size_t)(out[len - 1] == '.' ? len - 1 : len);
    }
    memcpy(out, word.data, word.len);
    return word.len;
}

static bool set_list(struct options *o, const struct option *row,
                     struct slice v, char *err, size_t cap)
{
    struct slice rest = v, word;
    size_t used = 0, room = v.len + 1;
    char *text;
    bool is_set;

    if (v.len > OPTION_TEXT_MAX || memchr(v.data, 0, v.len) != NULL) {
        return fail(err, cap, "argument is too long or holds a NUL byte");
    }
    if (!check_words(row, v, err, cap)) {
        return false;
    }
    if (row->kind == WORDS_PRIMARY && slice_equal_nocase(v, "no one")) {
        rest = SLICE_LIT("");
    }
    if (row->kind == WORDS_PERCENTILES) {
        room = (v.len / 2 + 1) * PERCENTILE_TEXT_MAX + 1;
    }
    text = mem_alloc(o->account, room);
    if (text == NULL) {
        return fail(err, cap, "out of memory");
    }
    while (next_word(&rest, &word)) {
        if (used > 0) {
            text[used++] = ' ';
        }
        used += write_word(row, word, text + used);
    }
    is_set = options_set_text(o, row, slice_of(text, used));
    mem_free(o->account, text);
    return is_set ? true : fail(err, cap, "out of memory");
}

/* ---- client-output-buffer-limit ---- */

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
    while (next_word(&rest, &word[0])) {
        struct output_limit l;
        int class;
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
    memcpy(options_field(o, row), limits, sizeof limits);
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
    assert(row->type != OPTION_LINES);
    if (value.data == NULL) {
        value = SLICE_LIT("");
    }
    return setters[row->type](o, row, value, err, cap);
}

bool options_set(struct options *o, struct slice name, struct slice value,
                 char *err, size_t cap)
{
    const struct option *row = option_find(name);
    if (row == NULL || row->type == OPTION_LINES) {
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

static size_t show_text(struct slice text, char *out, size_t cap)
{
    size_t len = text.len < cap ? text.len : cap - (cap > 0);
    memcpy(out, text.data, len);
    if (cap > 0) {
        out[len] = '\0';
    }
    return text.len;
}

size_t options_get_row(const struct options *o, const struct option *row,
                       char *out, size_t cap)
{
    const void *field = options_field_read(o, row);
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
    case OPTION_LINES:
        return show_text(option_text(*(char *const *)field), out, cap);
    case OPTION_LIMITS:
        return show_limits(o, out, cap);
    default:
        if ((row->flags & OPTION_PERCENT) && *(const int64_t *)field < 0) {
            return (size_t)snprintf(out, cap, "%lld%%",
                                    (long long)-*(const int64_t *)field);
        }
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
