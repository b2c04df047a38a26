/* debug_crash: the subcommands of DEBUG that end the process or write to its
 * log, for tests of the report and of supervisors. */
#ifndef ENGRAM_SERVER_DEBUG_CRASH_H
#define ENGRAM_SERVER_DEBUG_CRASH_H

struct cmd_ctx;

void debug_segfault(struct cmd_ctx *c);
void debug_panic(struct cmd_ctx *c);
void debug_assert(struct cmd_ctx *c);
void debug_log(struct cmd_ctx *c);
void debug_restart(struct cmd_ctx *c);

#endif
