/* hash_priv: what the hash commands share. */
#ifndef ENGRAM_COMMANDS_HASH_PRIV_H
#define ENGRAM_COMMANDS_HASH_PRIV_H

#include "exec/cmd.h"
#include "types/hash.h"

/* The hash at the first key, to be read: false if a wrong type was replied;
 * NULL: no such key. */
bool hash_read(struct cmd_ctx *c, const struct entry **e);

static inline bool hash_is_live(const struct cmd_ctx *c,
                                const struct hash_item *item)
{
    return item->deadline_ms > c->now_ms;
}

/* May any of its fields be due, and so be hidden? */
static inline bool hash_hides_any(const struct cmd_ctx *c,
                                  const struct entry *e)
{
    return value_due_ms(e) <= c->now_ms;
}

/* The field that is to be seen; *e may be NULL. As hash_find, but one that is due
 * goes, and *e is what is left then. */
bool hash_find_live(struct cmd_ctx *c, const struct entry **e,
                    struct slice field, char *scratch, struct hash_item *out);
/* The same in a hash that is open for change (or not: edit->entry is NULL). */
bool hash_edit_find_live(struct cmd_ctx *c, struct keyspace_edit *edit,
                         struct slice field, char *scratch,
                         struct hash_item *out);
/* Closes it and, where the status says so, replies the error: false. */
bool hash_edit_close(struct cmd_ctx *c, struct keyspace_edit *edit,
                     enum status st);
/* How many fields are to be seen. */
uint64_t hash_live_count(const struct cmd_ctx *c, const struct entry *e);
void hash_reply_value(struct reply *r, const struct hash_item *item);

void hash_hincrby_run(struct cmd_ctx *c);
void hash_hincrbyfloat_run(struct cmd_ctx *c);
void hash_hrandfield_run(struct cmd_ctx *c);
void hash_hexpire_run(struct cmd_ctx *c);
void hash_hpexpire_run(struct cmd_ctx *c);
void hash_hexpireat_run(struct cmd_ctx *c);
void hash_hpexpireat_run(struct cmd_ctx *c);
void hash_httl_run(struct cmd_ctx *c);
void hash_hpttl_run(struct cmd_ctx *c);
void hash_hexpiretime_run(struct cmd_ctx *c);
void hash_hpexpiretime_run(struct cmd_ctx *c);
void hash_hpersist_run(struct cmd_ctx *c);
void hash_hgetdel_run(struct cmd_ctx *c);
void hash_hgetex_run(struct cmd_ctx *c);
void hash_hsetex_run(struct cmd_ctx *c);

#endif
