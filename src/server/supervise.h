/* supervise: telling who started us how we are: systemd, by a datagram, and
 * upstart, by stopping until it says go on. Threads: any. */
#ifndef ENGRAM_SERVER_SUPERVISE_H
#define ENGRAM_SERVER_SUPERVISE_H

#include "base/log.h"

/* In the order of the option's words, but that none comes last there too. */
enum supervisor {
    SUPERVISOR_UPSTART, SUPERVISOR_SYSTEMD, SUPERVISOR_AUTO, SUPERVISOR_NONE,
};

/* Who it is, of what the option says: `auto` looks at the environment, and none
 * it is where the environment knows of no such supervisor. */
enum supervisor supervise_find(enum supervisor asked);
/* "no", "upstart", "systemd": INFO's process_supervised. */
const char *supervise_name(enum supervisor s);

/* Connections are accepted from now on. */
void supervise_ready(enum supervisor s, struct log *log);
/* We are about to end. */
void supervise_stopping(enum supervisor s, struct log *log);

#endif
