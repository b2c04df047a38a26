/* command_reply: how COMMAND describes one command. */
#ifndef ENGRAM_SERVER_COMMAND_REPLY_H
#define ENGRAM_SERVER_COMMAND_REPLY_H

#include "exec/table.h"
#include "resp/reply.h"

/* The ten fields of COMMAND INFO, with those of subcommands. */
void command_reply_info(struct reply *r, const struct cmd *cmd);
/* A pair of COMMAND DOCS: the name, and what there is to tell. */
void command_reply_docs(struct reply *r, const struct cmd *cmd);
/* enum key_flag, as a set. */
void command_reply_key_flags(struct reply *r, uint16_t flags);

#endif
