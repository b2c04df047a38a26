/* manual_priv: the words the manual is written in, and its groups. Every list
 * is closed by its macro. Behind what a macro names, fields of the struct may
 * follow: STRING("value", OPT, .since = "7.0.0"). */
#ifndef ENGRAM_MANUAL_MANUAL_PRIV_H
#define ENGRAM_MANUAL_MANUAL_PRIV_H

#include "manual/manual.h"

/* ---- arguments ---- */

#define ARGS(...) (const struct cmd_arg[]){__VA_ARGS__, {.name = NULL}}

#define STRING(...) {.type = ARG_TYPE_STRING, .name = __VA_ARGS__}
#define INTEGER(...) {.type = ARG_TYPE_INTEGER, .name = __VA_ARGS__}
#define DOUBLE(...) {.type = ARG_TYPE_DOUBLE, .name = __VA_ARGS__}
#define PATTERN(...) {.type = ARG_TYPE_PATTERN, .name = __VA_ARGS__}
#define UNIX_TIME(...) {.type = ARG_TYPE_UNIX_TIME, .name = __VA_ARGS__}
/* A key that the first specification finds, or specification n (from 1). */
#define KEY(...) {.type = ARG_TYPE_KEY, .key_spec = 1, .name = __VA_ARGS__}
#define KEY_OF(n, ...) \
    {.type = ARG_TYPE_KEY, .key_spec = (n), .name = __VA_ARGS__}
/* TOKEN("nx", "NX"): a word that stands for itself. */
#define TOKEN(word, ...) \
    {.type = ARG_TYPE_TOKEN, .name = (word), .token = __VA_ARGS__}
/* ONEOF("name", ARGS(...)): one of these; BLOCK: all of them, in order. */
#define ONEOF(word, ...) \
    {.type = ARG_TYPE_ONEOF, .name = (word), .args = __VA_ARGS__}
#define BLOCK(word, ...) \
    {.type = ARG_TYPE_BLOCK, .name = (word), .args = __VA_ARGS__}

#define OPT .flags = ARG_OPTIONAL
#define MANY .flags = ARG_MULTIPLE
#define OPT_MANY .flags = ARG_OPTIONAL | ARG_MULTIPLE

/* ---- keys; the last argument but fields is enum key_flag ---- */

#define SPECS(...) (const struct cmd_key_spec[]){__VA_ARGS__, {.flags = 0}}

/* One key, at argv[i]. */
#define AT(i, ...) {.index = (i), .step = 1, .flags = __VA_ARGS__}
/* From argv[i] to `to`, which counts from i or, < 0, from the end. */
#define RANGE(i, to, by, ...) \
    {.index = (i), .last = (to), .step = (by), .flags = __VA_ARGS__}
/* Their number at argv[i], the keys behind it, `by` apart. */
#define COUNTED(i, by, ...) \
    {.find = KEY_FIND_COUNT, .index = (i), .step = (by), .flags = __VA_ARGS__}
/* As RANGE, behind a word that is searched from argv[from]; `part` 2: the first
 * half of them. */
#define BEHIND(word, from, to, part, ...) \
    {.begin = KEY_BEGIN_KEYWORD, .keyword = (word), .index = (from), \
     .last = (to), .limit = (part), .step = 1, .flags = __VA_ARGS__}
/* In ways that clients cannot be told of. */
#define UNKNOWN(...) \
    {.begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN, \
     .flags = __VA_ARGS__}

/* ---- history: {"7.0.0", "What is new."} ---- */

#define HISTORY(...) (const struct cmd_history[]){__VA_ARGS__, {.since = NULL}}

/* ---- the groups, a file each ---- */

extern const struct cmd_docs string_docs[];
extern const struct cmd_docs bitmap_docs[];
extern const struct cmd_docs generic_docs[];
extern const struct cmd_docs connection_docs[];
extern const struct cmd_docs server_docs[];
extern const struct cmd_docs list_docs[];
extern const struct cmd_docs hash_docs[];
extern const struct cmd_docs set_docs[];
extern const struct cmd_docs sorted_set_docs[];
extern const struct cmd_docs transactions_docs[];
extern const struct cmd_docs pubsub_docs[];
extern const struct cmd_docs scripting_docs[];
extern const struct cmd_docs stream_docs[];
extern const struct cmd_docs geo_docs[];
extern const struct cmd_docs hyperloglog_docs[];
extern const struct cmd_docs cluster_docs[];

/* ---- key_use.c: which keys, and for what, where options decide ---- */

uint16_t set_flags(const struct slice *argv, uint32_t argc);
uint16_t bitfield_flags(const struct slice *argv, uint32_t argc);
uint32_t sort_destination(const struct slice *argv, uint32_t argc);
uint32_t migrate_key(const struct slice *argv, uint32_t argc);
uint32_t migrate_list(const struct slice *argv, uint32_t argc);

#endif
