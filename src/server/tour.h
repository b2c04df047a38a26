/* tour: a question to all workers. A session belongs to its worker, so whoever
 * wants something of many sessions (CLIENT LIST, CLIENT KILL), or wants every
 * worker to have heard of something (CLIENT PAUSE), sends one message that
 * visits them in turn, beginning at home, and comes back with what it has
 * gathered; meanwhile the session that asked is on hold. With one worker and few
 * sessions it is over before the command returns.
 *
 * A visit to a worker with many sessions is done in slices of TOUR_SLICE_US; in
 * between its turns go on.
 *
 * Threads: a tour is at one worker at a time and belongs to it then; `asker` is
 * its home's only. Memory: the server's account, since it is taken and freed by
 * different threads. */
#ifndef ENGRAM_SERVER_TOUR_H
#define ENGRAM_SERVER_TOUR_H

#include "server/connection.h"

struct tour;

/* What makes one tour different from another. */
struct tour_kind {
    /* Once at each worker, before its sessions; may be NULL. */
    void (*arrive)(struct tour *t, struct worker *w);
    /* Once for each session, oldest first at each worker; may be NULL. False:
     * no more are asked for, here or elsewhere. */
    bool (*look)(struct tour *t, struct connection *c);
    /* Back home: replies. */
    void (*answer)(struct tour *t, struct connection *asker);
    /* Frees what the kind has added, not the tour; may be NULL. */
    void (*forget)(struct tour *t);
    /* It does what must not be done within a batch, so it begins by mail. */
    bool is_by_mail;
};

/* The first member of each kind's own structure. */
struct tour {
    struct message link; /* first */
    const struct tour_kind *kind;
    struct server *server;
    struct connection *asker; /* NULL: it has gone */
    uint64_t asker_id;
    struct connection_cursor cursor;
    uint32_t home, at, left; /* workers: its own, the present one, still to go */
    bool is_inside;          /* has arrived at the present one */
    bool is_over;            /* look() has had enough */
};

/* A tour of `bytes` in all, zero but for its beginning, for this command's
 * session. NULL: replied; out of memory, or inside EXEC, where no command
 * may wait, with several workers (or by mail). */
void *tour_create(struct cmd_ctx *c, const struct tour_kind *kind,
                  size_t bytes);
/* Takes `t`. Replies now, or puts the session on hold and replies later. */
void tour_start(struct cmd_ctx *c, struct tour *t);
/* Takes `t`, which has not been started. */
void tour_destroy(struct tour *t);

#endif
