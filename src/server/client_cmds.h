/* client_cmds: CLIENT, in several files: its table (client_cmds.c), LIST and INFO
 * (client_list.c), KILL and UNBLOCK (client_kill.c), PAUSE (pause.c). */
#ifndef ENGRAM_SERVER_CLIENT_CMDS_H
#define ENGRAM_SERVER_CLIENT_CMDS_H

#include "exec/cmd.h"

void client_list_run(struct cmd_ctx *c);
void client_info_run(struct cmd_ctx *c);
void client_kill_run(struct cmd_ctx *c);
void client_unblock_run(struct cmd_ctx *c);

#endif
