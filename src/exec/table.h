/* table: the commands by name. Built once from the families' rows; looking a
 * name up is one hash, one comparison. Read-only once made and renamed: any
 * thread. */
#ifndef ENGRAM_EXEC_TABLE_H
#define ENGRAM_EXEC_TABLE_H

#include "base/mem.h"
#include "base/status.h"
#include "exec/cmd.h"
#include "exec/docs.h"

struct cmd_table;

/* A command as the table holds it. Subcommands follow their container. */
struct cmd {
    const struct cmd_spec *spec;
    const struct cmd_docs *docs; /* empty where there are none */
    const char *group;           /* of the docs, or of the container's */
    const struct cmd *parent;    /* a subcommand's container; else NULL */
    const struct cmd *subs;      /* the container's first subcommand */
    uint32_t sub_count;
    uint32_t index;              /* dense: 0 .. cmd_table_total - 1 */
    uint32_t key_at;             /* of KEYS_AT; else 0 */
    uint32_t flags, categories;  /* with what flags and docs imply */
    char full_name[48];          /* "get", "client|list" */
};

/* `families` ends with NULL; each family ends with a row without name. NULL:
 * out of memory. Two rows of one name are a bug (assert). */
struct cmd_table *cmd_table_create(struct mem_account *a,
                                   const struct cmd_spec *const *families);
/* Joins what the groups tell of commands to their rows, by full name; the docs
 * of a command that has no row are left alone. The docs' keys decide whether a
 * command shows CMD_MOVABLE_KEYS. Before other threads see the table. */
void cmd_table_join_docs(struct cmd_table *t,
                         const struct cmd_docs_group *groups);
/* From now on the command answers to `to` only, or, where that is empty, to no
 * name; its row and what is told of it stay. Before the table is shared.
 * ST_NOT_FOUND: there is no `from`; ST_INVALID: `to` is taken. */
STATUS_CHECKED enum status cmd_table_rename(struct cmd_table *t,
                                            struct slice from, struct slice to);
void cmd_table_destroy(struct cmd_table **t);

/* Any case; NULL: no such command. Containers are found, not their subs. */
const struct cmd *cmd_table_find(const struct cmd_table *t, struct slice name);
/* The subcommand; NULL: none of that name. */
const struct cmd *cmd_find_sub(const struct cmd *container, struct slice name);
/* Top-level commands, by name's order: 0 .. count - 1. */
uint32_t cmd_table_count(const struct cmd_table *t);
const struct cmd *cmd_table_at(const struct cmd_table *t, uint32_t i);
/* All, subcommands included, by index. */
uint32_t cmd_table_total(const struct cmd_table *t);
const struct cmd *cmd_table_by_index(const struct cmd_table *t, uint32_t i);

/* By full name: "get", "client|list", any case; NULL: there is none. */
const struct cmd *cmd_table_find_full(const struct cmd_table *t,
                                      struct slice name);

/* The keys of a request as its spec finds them: their number, and, where `out`
 * is not NULL, their argv indexes. < 0: the arguments make no sense (numkeys
 * not a number, beyond argc). Arity has been checked. */
int64_t cmd_find_keys(const struct cmd_spec *spec, const struct slice *argv,
                      uint32_t argc, uint32_t *out);
bool cmd_arity_ok(const struct cmd_spec *spec, uint32_t argc);

#endif
