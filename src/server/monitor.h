/* monitor: MONITOR: sessions that are shown every command of every worker.
 *
 * A worker writes what it executes into its feed, text as it is sent. At the end
 * of its turn the feed goes to its own monitors and, by mail, to the workers that
 * have some. A worker whose mail is not read in time loses its monitors, a
 * monitor that does not read is closed by the limits of its output.
 * Threads: a worker's own, except where it says so. */
#ifndef ENGRAM_SERVER_MONITOR_H
#define ENGRAM_SERVER_MONITOR_H

#include "server/connection.h"

/* What waits for a monitor at most, where no limit of its class is lower. */
enum { MONITOR_OUT_MAX = 256 * 1024 * 1024 };

struct monitor_feed;

void monitor_init(struct worker *w);
void monitor_deinit(struct worker *w);
/* exec's on_monitor: notes a command that has run. */
void monitor_note(void *server, struct session *s, const struct cmd *cmd,
                  const struct slice *argv, uint32_t argc);
/* Shows what was noted; at the end of a turn. */
void monitor_flush(struct worker *w);
/* It is a monitor no longer, if it was one: RESET, or it goes. */
void monitor_remove(struct connection *c);

extern const struct cmd_spec monitor_cmds[];

#endif
