/* watchdog: notices a worker whose turn does not end, and shows where it is.
 * Threads: the housekeeper. */
#ifndef ENGRAM_SERVER_WATCHDOG_H
#define ENGRAM_SERVER_WATCHDOG_H

#include <stdint.h>

struct server;

/* Some times within every watchdog-period. `now_us` is monotonic. */
void watchdog_look(struct server *s, int64_t now_us);

#endif
