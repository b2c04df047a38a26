/* worker: a thread with a loop, its sessions and its dispatcher. */
#ifndef ENGRAM_SERVER_WORKER_H
#define ENGRAM_SERVER_WORKER_H

#include "server/server_priv.h"

/* Makes worker `index` of `s`, not yet running. False: `err` says why. */
bool worker_init(struct worker *w, struct server *s, uint32_t index,
                 enum loop_engine engine, char *err, size_t cap);
void worker_deinit(struct worker *w);
/* Runs the loop on the calling thread until worker_stop. */
void worker_run(void *worker);
/* Any thread: `m` is run on that worker's, before the requests of its next turn
 * (or, when the server stops, at its end: is_stopping is set then). */
void worker_post(struct server *s, uint32_t worker, struct message *m);
/* Why a worker that may be asleep is to look again. Bits. */
enum notice {
    NOTICE_DUE = 1,   /* at the deadlines of its shards' keys */
    NOTICE_TIDY = 2,  /* whether its shards want to be tidied */
    NOTICE_LOOK = 4,  /* at its sessions */
    NOTICE_PAUSE = 8, /* whether CLIENT PAUSE is over */
    NOTICE_ALL = 15,
};
/* Any thread; in its next turn, which comes soon. Notices of a kind that meet
 * become one. */
void worker_notify(struct worker *w, uint32_t notices);
void workers_notify(struct server *s, uint32_t notices);
/* Its sessions are to be looked at (connections_cron) no later than that; the
 * worker's thread. */
void worker_look_within(struct worker *w, int64_t us);
/* Any thread: stop soon. */
void worker_stop(struct worker *w);
/* Begins to accept on a listening socket (worker 0, before it runs or on its
 * thread), which is taken on success; ceases to, and closes it. */
bool worker_listen(struct worker *w, int fd);
void worker_stop_listening(struct worker *w, int fd);

#endif
