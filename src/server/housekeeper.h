/* housekeeper: the thread beside the workers: touches pages ahead of need, gives
 * free ones back, frees what was flushed. */
#ifndef ENGRAM_SERVER_HOUSEKEEPER_H
#define ENGRAM_SERVER_HOUSEKEEPER_H

struct server;

/* Runs until the server stops; `server` is a struct server. */
void housekeeper_run(void *server);
/* Worker 0's, once a tick: wakes it if much is free. */
void housekeeper_tick(struct server *s);

#endif
