/* pause: CLIENT PAUSE: sessions whose requests are set aside until it is over,
 * and their waking. What is paused stands in exec_shared, which exec reads at
 * each batch; who is held is known to each worker.
 * Threads: a connection's worker, except where it says so. */
#ifndef ENGRAM_SERVER_PAUSE_H
#define ENGRAM_SERVER_PAUSE_H

#include "server/connection.h"

void pause_init(struct worker *w);
void pause_deinit(struct worker *w); /* its loop still there */

/* Any worker. Pauses until `until_ms` (unix), or as long as a pause that is
 * already on; with `is_all` everything, else what may write; what an earlier
 * pause has stopped stays stopped. */
void pause_begin(struct server *s, int64_t until_ms, bool is_all);
/* Any worker. Ends it; those held go on, on their workers. */
void pause_end(struct server *s);

/* This session has just been held. */
void pause_note(struct connection *c);
/* It goes. */
void pause_forget(struct connection *c);
/* Wakes those held if the pause is over, by CLIENT UNPAUSE, by a clock that was
 * set or, where memory for a timer was missing, by time. */
void pause_look(struct worker *w);

/* CLIENT PAUSE, CLIENT UNPAUSE. */
void client_pause_run(struct cmd_ctx *c);
void client_unpause_run(struct cmd_ctx *c);

#endif
