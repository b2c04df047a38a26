/* docs: what COMMAND tells of a command beyond its row: what it is for, its
 * arguments, how it uses its keys. Only data, joined to the rows by name when
 * the table is made; nothing here decides how a request is executed. */
#ifndef ENGRAM_EXEC_DOCS_H
#define ENGRAM_EXEC_DOCS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* ---- arguments ---- */

#define ARG_TYPE_MAP(X) \
    X(STRING, "string") X(INTEGER, "integer") X(DOUBLE, "double") \
    X(KEY, "key") X(PATTERN, "pattern") X(UNIX_TIME, "unix-time") \
    X(TOKEN, "pure-token") X(ONEOF, "oneof") X(BLOCK, "block")
#define ARG_TYPE_ENUM(name, text) ARG_TYPE_##name,
enum arg_type { ARG_TYPE_MAP(ARG_TYPE_ENUM) };
#undef ARG_TYPE_ENUM

enum arg_flag {
    ARG_OPTIONAL = 1 << 0,
    ARG_MULTIPLE = 1 << 1,
    ARG_MULTIPLE_TOKEN = 1 << 2, /* the token is repeated too */
};

struct cmd_arg {
    const char *name;
    enum arg_type type;
    const char *token;        /* NULL: none */
    const char *display_text; /* NULL: the name */
    const char *summary;      /* NULL: none, as for nearly all */
    const char *since, *deprecated_since;
    uint8_t flags;            /* enum arg_flag */
    uint8_t key_spec;         /* number of the key's specification, from 1 */
    const struct cmd_arg *args; /* ONEOF, BLOCK: of what; ends without a name */
};

/* ---- keys ---- */

#define KEY_FLAG_MAP(X) \
    X(RO, "RO") X(RW, "RW") X(OW, "OW") X(RM, "RM") X(ACCESS, "access") \
    X(UPDATE, "update") X(INSERT, "insert") X(DELETE, "delete") \
    X(NOT_KEY, "not_key") X(INCOMPLETE, "incomplete") \
    X(VARIABLE_FLAGS, "variable_flags")
#define KEY_FLAG_BIT(name, text) KEY_BIT_##name,
enum key_flag_bit { KEY_FLAG_MAP(KEY_FLAG_BIT) KEY_FLAG_COUNT };
#undef KEY_FLAG_BIT
#define KEY_FLAG_VALUE(name, text) KEY_##name = 1u << KEY_BIT_##name,
enum key_flag { KEY_FLAG_MAP(KEY_FLAG_VALUE) };
#undef KEY_FLAG_VALUE

enum key_begin { KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD, KEY_BEGIN_UNKNOWN };
enum key_find { KEY_FIND_RANGE, KEY_FIND_COUNT, KEY_FIND_UNKNOWN };

/* Where keys stand and what is done with them, in the words of COMMAND INFO. */
struct cmd_key_spec {
    uint16_t flags; /* enum key_flag; none: the list of specifications ends */
    uint8_t begin, find;
    int16_t index;       /* BEGIN_INDEX: in argv. BEGIN_KEYWORD: behind the
                            keyword, searched from here (< 0: backwards) */
    const char *keyword;
    int16_t last, limit; /* RANGE: the last, from the first or, < 0, the end;
                            limit 2: only the first half of them */
    int16_t step;        /* RANGE, COUNT */
    const char *notes;
    /* Where the words above do not tell all: where the keys begin; 0: there are
     * none, argc: the arguments make no sense. */
    uint32_t (*find_begin)(const struct slice *argv, uint32_t argc);
    /* VARIABLE_FLAGS: those of this request. */
    uint16_t (*find_flags)(const struct slice *argv, uint32_t argc);
};

/* ---- commands ---- */

struct cmd_history {
    const char *since; /* NULL: the list ends */
    const char *change;
};

struct cmd_docs {
    const char *name; /* in full: "get", "client|list"; NULL: the list ends */
    const char *summary;
    const char *since;
    const char *complexity;
    const char *tips; /* words, a blank between them; NULL: none */
    const char *replaced_by, *deprecated_since;
    bool is_internal; /* for the servers' use among themselves */
    const struct cmd_history *history;
    const struct cmd_key_spec *keys;
    const struct cmd_arg *args;
};

/* The commands of one group, as COMMAND DOCS names it. A list of groups ends
 * without a name. */
struct cmd_docs_group {
    const char *name;
    const struct cmd_docs *docs;
};

/* A key found by the specifications. */
struct cmd_found_key {
    uint32_t at; /* in argv */
    uint16_t flags;
};

/* Whether there may be keys at all. */
bool cmd_docs_has_keys(const struct cmd_docs *d);
/* The keys of a request, in the order of the specifications: their number, and,
 * where `out` is not NULL, they themselves. < 0: the arguments make no sense.
 * The arity has been checked. */
int64_t cmd_docs_find_keys(const struct cmd_docs *d, const struct slice *argv,
                           uint32_t argc, struct cmd_found_key *out);

/* What old clients know of keys: first, last (< 0 from the end) and step of
 * those that stand in steps from the first specification on; else zeros. */
struct cmd_key_range {
    int first, last, step;
};
struct cmd_key_range cmd_docs_key_range(const struct cmd_docs *d);
/* Whether that range is not all of the keys. */
bool cmd_docs_has_movable_keys(const struct cmd_docs *d);

#endif
