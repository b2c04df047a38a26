/* options: what the server can be told, in one table (option_table.h) that the
 * config file, the command line and CONFIG all read.
 *
 * struct options is plain data: numbers, and texts that it owns. CONFIG SET
 * works on a copy and hands it over whole, so that a bad pair changes nothing.
 * Threads: the struct has one owner; what workers read while it may change is
 * published by the server, not read from here. Memory: the account given to
 * options_init_defaults. */
#ifndef ENGRAM_SERVER_OPTIONS_H
#define ENGRAM_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/status.h"

enum option_type {
    OPTION_BOOL, OPTION_INT, OPTION_BYTES, OPTION_ENUM, OPTION_STRING,
    OPTION_LIST,   /* several words, one text */
    OPTION_LIMITS, /* client-output-buffer-limit */
    OPTION_LINES,  /* a directive that may repeat; CONFIG does not know it */
};

enum option_flag {
    OPTION_IMMUTABLE = 1 << 0, /* not by CONFIG SET */
    OPTION_HIDDEN = 1 << 1,    /* CONFIG GET shows it by its exact name only */
    OPTION_INERT = 1 << 2,     /* accepted, changes nothing */
    OPTION_SECRET = 1 << 3,    /* never logged */
    OPTION_OCTAL = 1 << 4,
    OPTION_POWER_OF_TWO = 1 << 5, /* or 0 */
    OPTION_ONLY_NO = 1 << 6,      /* what "yes" asks for is not there yet */
    OPTION_PROTECTED = 1 << 7, /* CONFIG SET needs enable-protected-configs */
    OPTION_REPEATS = 1 << 8,   /* in a file, later lines add to the first */
    OPTION_BITS = 1 << 9, /* of an ENUM: several words, a bit for each but the
                           * first, which stands for none */
    OPTION_PERCENT = 1 << 10, /* of BYTES: "5%" too, kept as -5 */
    OPTION_OWN = 1 << 11, /* Redis has none of this name. If IMMUTABLE, CONFIG SET
                           * may still set it to what it is: who sets all that
                           * CONFIG GET shows need not know this server. */
    OPTION_REASON = 24,       /* the reason's first bit, beside INERT */
};

enum option_reason {
    REASON_LATER, REASON_NEEDLESS, REASON_FORK, REASON_DISK,
    REASON_REPLICATION, REASON_CLUSTER, REASON_TLS, REASON_RDMA,
    REASON_SCRIPTS, REASON_COUNT,
};

/* What a text must be, beside being a text. */
enum option_kind {
    TEXT_ANY, TEXT_BINARY, /* may hold NUL bytes */
    TEXT_DIRECTORY, TEXT_FILE, TEXT_DIRNAME, TEXT_EVENTS, TEXT_TITLE,
    TEXT_LOCALE, TEXT_IPV4, TEXT_IPV6, TEXT_HOST, TEXT_NODE,
    WORDS_ADDRESSES, WORDS_SAVE, WORDS_PERCENTILES, WORDS_SCORES,
    WORDS_PRIMARY, WORDS_NONE,
};

/* Names in policy_words' order. */
enum maxmemory_policy {
    POLICY_VOLATILE_LRU, POLICY_VOLATILE_LFU, POLICY_VOLATILE_RANDOM,
    POLICY_VOLATILE_TTL, POLICY_ALLKEYS_LRU, POLICY_ALLKEYS_LFU,
    POLICY_ALLKEYS_RANDOM, POLICY_NOEVICTION,
};
enum option_permit { PERMIT_NO, PERMIT_YES, PERMIT_LOCAL };

/* Classes of client-output-buffer-limit. */
enum client_class {
    CLIENT_CLASS_NORMAL, CLIENT_CLASS_REPLICA, CLIENT_CLASS_PUBSUB,
    CLIENT_CLASS_COUNT,
};
struct output_limit {
    uint64_t hard_bytes, soft_bytes; /* 0: none */
    int64_t soft_seconds;
};

#include "server/option_table.h"

struct options {
#define OPTION_FIELD_BOOL(field, ...) bool field;
#define OPTION_FIELD_NUMBER(field, ...) int64_t field;
#define OPTION_FIELD_ENUM(field, ...) int field;
/* never NULL; owned */
#define OPTION_FIELD_TEXT(field, ...) char *field;
    OPTION_BOOL_MAP(OPTION_FIELD_BOOL)
    OPTION_INT_MAP(OPTION_FIELD_NUMBER)
    OPTION_BYTES_MAP(OPTION_FIELD_NUMBER)
    OPTION_ENUM_MAP(OPTION_FIELD_ENUM)
    OPTION_STRING_MAP(OPTION_FIELD_TEXT)
    OPTION_LIST_MAP(OPTION_FIELD_TEXT)
    OPTION_LINES_MAP(OPTION_FIELD_TEXT)
#undef OPTION_FIELD_BOOL
#undef OPTION_FIELD_NUMBER
#undef OPTION_FIELD_ENUM
#undef OPTION_FIELD_TEXT
    struct output_limit output_limits[CLIENT_CLASS_COUNT];
    char *config_path; /* absolute; "": no file was read; owned */
    bool save_is_set;  /* the first `save` line replaces the initial value */
    struct mem_account *account;
};

/* One row of the table. Immutable, lives for ever. */
struct option {
    const char *name, *alias; /* alias may be NULL */
    enum option_type type;
    uint32_t flags;
    size_t offset; /* into struct options */
    int64_t initial, min, max;
    const char *initial_text;
    const char *const *words; /* ENUM: ends with NULL; the value is the index */
    enum option_kind kind;    /* STRING, LIST */
};

enum {
    OPTION_ERROR_MAX = 512, /* room an `err` argument should have */
    OPTION_TEXT_MAX = 64 * 1024, /* longest value of any option */
};

size_t option_count(void);
const struct option *option_at(size_t i); /* i < option_count() */
/* By name or alias, any case; NULL: there is none. */
const struct option *option_find(struct slice name);

/* Why an INERT option changes nothing. */
const char *option_reason_text(const struct option *row);

/* ST_NOMEM: nothing is owned. */
STATUS_CHECKED enum status options_init_defaults(struct options *o,
                                                 struct mem_account *account);
void options_deinit(struct options *o);
/* A copy with texts of its own, charged to `account`. */
STATUS_CHECKED enum status options_copy(struct options *to,
                                        const struct options *from,
                                        struct mem_account *account);

/* Exchanges one option's values; both on the same account. */
void options_exchange_row(struct options *a, struct options *b,
                          const struct option *row);
bool options_are_equal(const struct options *a, const struct options *b,
                       const struct option *row);
bool options_is_default(const struct options *o, const struct option *row);

/* ---- option_values.c ---- */

/* False: nothing changed and `err` says why, in Redis's words. Immutable ones
 * are set too: that they may not change any more is CONFIG SET's rule. */
bool options_set(struct options *o, struct slice name, struct slice value,
                 char *err, size_t cap);
bool options_set_row(struct options *o, const struct option *row,
                     struct slice value, char *err, size_t cap);
/* The value as CONFIG GET shows it, NUL-terminated and cut to cap; its whole
 * length. */
size_t options_get_row(const struct options *o, const struct option *row,
                       char *out, size_t cap);
/* Makes the row's text field `bytes`; for who has checked them. False: out of
 * memory. */
bool options_set_text(struct options *o, const struct option *row,
                      struct slice bytes);
bool options_set_config_path(struct options *o, const char *path);
/* The whole text that a field of struct options points to. */
struct slice option_text(const char *field);
void *options_field(struct options *o, const struct option *row);
const void *options_field_read(const struct options *o,
                               const struct option *row);

/* ---- config_file.c ---- */

enum {
    CONFIG_LINE_MAX = 1024 * 1024,
    CONFIG_WORDS_MAX = 1024,
    CONFIG_INCLUDE_DEPTH_MAX = 16,
    CONFIG_INCLUDES_MAX = 1000, /* files in all */
    CONFIG_FILE_MAX = 16 * 1024 * 1024,
};

/* Splits a line into words as redis.conf has it: blanks part words, "..." takes
 * \n \r \t \b \a \xHH \" \\, '...' takes \'. Words lie in `scratch` (at least
 * line.len bytes). The number of words, or -1: unbalanced quotes or too many. */
int config_split_line(struct slice line, uint8_t *scratch,
                      struct slice *words, int words_max);
/* Reads a file's text; `name` is for messages, includes are followed (relative
 * to the working directory, patterns allowed). False: `err` is the whole message
 * to print, "*** FATAL CONFIG FILE ERROR ..." with file and line. */
bool options_load_text(struct options *o, struct slice text, const char *name,
                       char *err, size_t cap);
bool options_load_file(struct options *o, const char *path, char *err,
                       size_t cap);
/* The command line after the program's name: an optional file ("-": standard
 * input), then --name value ... The file is read first, then standard input
 * where the last word is "-". */
bool options_load_args(struct options *o, int argc, char *const *argv,
                       char *err, size_t cap);

/* ---- config_rewrite.c ---- */

/* The config file at o->config_path anew, with the values in `o`: its comments
 * and order are kept, its lines get the values of now, what differs from its
 * initial value and has no line follows at the end. `all`: every option gets a
 * line. The file is replaced whole or not at all; false: errno. */
bool config_rewrite(const struct options *o, bool all);

#endif
