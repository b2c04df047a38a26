/* list_priv: what the files of the list family share. */
#ifndef ENGRAM_COMMANDS_LIST_PRIV_H
#define ENGRAM_COMMANDS_LIST_PRIV_H

#include "commands/commands.h"
#include "types/list.h"

/* "LEFT" or "RIGHT" at argv[i]; else a syntax error is replied. */
bool list_arg_end(struct cmd_ctx *c, uint32_t i, enum list_end *end);
/* A count that must not be negative at argv[i]; replies its error. */
bool list_arg_count(struct cmd_ctx *c, uint32_t i, int64_t *count);

/* Removes `count` (at least one) elements from an end of the list at `k`, which
 * has so many, and raises the events. */
void list_drop(struct cmd_ctx *c, const struct key *k, enum list_end end,
               uint64_t count);
/* Replies `count` elements, as an array, beginning with the end's. */
void list_reply_end(struct cmd_ctx *c, const struct entry *e,
                    enum list_end end, uint64_t count);
/* Propagates LPOP or RPOP of so many. */
void list_propagate_pop(struct cmd_ctx *c, const struct key *k,
                        enum list_end end, uint64_t count);

/* list_move.c */
cmd_run_fn list_lmove_run, list_rpoplpush_run, list_lmpop_run, list_blpop_run,
    list_brpop_run, list_blmove_run, list_brpoplpush_run, list_blmpop_run;

#endif
