/* output_limit: when a session is ended for its output: more waits than
 * client-output-buffer-limit allows, or its reply could not be made. Each end is
 * a line in the log, but of many in a second only the first ones are.
 * Threads: the connection's worker. */
#ifndef ENGRAM_SERVER_OUTPUT_LIMIT_H
#define ENGRAM_SERVER_OUTPUT_LIMIT_H

#include "server/connection.h"

/* From now on a reply that is being made ends where its session's hard limit
 * is. */
void output_limit_init(struct connection *c);
/* To be asked where the chain has failed or more than a chunk waits. True: it is
 * to be closed, unanswered; that is logged and counted. */
bool output_limit_is_over(struct connection *c);
/* Logs that the session ends for want of memory for `what`. */
void output_limit_log_no_memory(struct connection *c, const char *what);
/* Now and then: logs how many ends had no line of their own. */
void output_limit_cron(struct worker *w, int64_t now_ms);

#endif
