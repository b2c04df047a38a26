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

/* The field that is to be seen; `e` may be NULL. As hash_find. */
bool hash_find_live(const struct cmd_ctx *c, const struct entry *e,
                    struct slice field, char *scratch, struct hash_item *out);
/* How many fields are to be seen. */
uint64_t hash_live_count(const struct cmd_ctx *c, const struct entry *e);
void hash_reply_value(struct reply *r, const struct hash_item *item);

void hash_hincrby_run(struct cmd_ctx *c);
void hash_hincrbyfloat_run(struct cmd_ctx *c);
void hash_hrandfield_run(struct cmd_ctx *c);

#endif
