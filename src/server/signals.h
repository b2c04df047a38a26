/* signals: what the main thread does: it waits for signals while the server runs
 * on other threads. */
#ifndef ENGRAM_SERVER_SIGNALS_H
#define ENGRAM_SERVER_SIGNALS_H

struct server;

/* Before any thread is made: which signals are waited for, which ignored. */
void signals_prepare(void);
/* Runs the server until it is told to end; what to exit with. */
int signals_serve(struct server *s);

#endif
