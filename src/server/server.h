/* server: the composition root's handle: everything a process of Engram is.
 * Two of them fit in one process. */
#ifndef ENGRAM_SERVER_SERVER_H
#define ENGRAM_SERVER_SERVER_H

#include "base/status.h"
#include "server/options.h"

struct proc_title;
struct server;

/* Takes a copy of `o`. On failure says why in `err`. */
STATUS_CHECKED enum status server_create(const struct options *o,
                                         const char *config_path,
                                         struct server **out, char *err,
                                         size_t err_cap);
/* `t` shows what the server serves from now on; it must outlive the server. */
void server_set_title(struct server *s, struct proc_title *t);
/* Runs until server_stop; the calling thread is worker 0. False: it could not
 * start, and has logged why. */
bool server_run(struct server *s);
/* Any thread; once is enough. `why` is logged. */
void server_stop(struct server *s, const char *why);
void server_destroy(struct server **s);

#endif
