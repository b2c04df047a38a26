/* generic_priv: what the files of the generic family show one another. */
#ifndef ENGRAM_COMMANDS_GENERIC_PRIV_H
#define ENGRAM_COMMANDS_GENERIC_PRIV_H

#include "exec/cmd.h"

/* expire.c */
void expire_run(struct cmd_ctx *c);
void pexpire_run(struct cmd_ctx *c);
void expireat_run(struct cmd_ctx *c);
void pexpireat_run(struct cmd_ctx *c);
void ttl_run(struct cmd_ctx *c);
void pttl_run(struct cmd_ctx *c);
void expiretime_run(struct cmd_ctx *c);
void pexpiretime_run(struct cmd_ctx *c);
void persist_run(struct cmd_ctx *c);

/* object.c */
extern const struct cmd_spec object_subcommands[];

/* scan.c */
extern const struct cmd_walk scan_walk;
void scan_run(struct cmd_ctx *c);
void keys_run(struct cmd_ctx *c);
void randomkey_run(struct cmd_ctx *c);

/* sort.c */
void sort_run(struct cmd_ctx *c);
void sort_ro_run(struct cmd_ctx *c);

#endif
