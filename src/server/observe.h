/* observe: what the dispatcher tells of single commands, and who wants to hear
 * it: the command logs and the latency monitor. */
#ifndef ENGRAM_SERVER_OBSERVE_H
#define ENGRAM_SERVER_OBSERVE_H

#include "server/server_priv.h"

/* Sets the limits, and what the dispatcher has to report for them. */
void observe_apply_options(struct server *s);
/* exec's on_call. */
void observe_call(void *server, const struct call_report *r);

#endif
