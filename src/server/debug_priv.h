/* debug_priv: the subcommands of DEBUG that look at the data, for the table in
 * debug_cmds.c. All run with every shard held. */
#ifndef ENGRAM_SERVER_DEBUG_PRIV_H
#define ENGRAM_SERVER_DEBUG_PRIV_H

#include "server/server_priv.h"

/* debug_data.c */
void debug_object(struct cmd_ctx *c);
void debug_sdslen(struct cmd_ctx *c);
void debug_listpack(struct cmd_ctx *c);
void debug_quicklist(struct cmd_ctx *c);
void debug_populate(struct cmd_ctx *c);
void debug_htstats(struct cmd_ctx *c);
void debug_htstats_key(struct cmd_ctx *c);
void debug_digest(struct cmd_ctx *c);
void debug_digest_value(struct cmd_ctx *c);
void debug_check(struct cmd_ctx *c);
/* debug_protocol.c */
void debug_protocol(struct cmd_ctx *c);

#endif
