/* housekeeper: work that needs no shard and must not disturb a worker: small
 * slices, at idle priority, with a rest after each.
 *
 * Freed pages are not returned at once: a page that is free for a moment is
 * used again. Trimming begins when nothing was set aside for a while. */
#include "server/housekeeper.h"

#include <sched.h>

#include "server/server_priv.h"

enum {
    BUSY_WAIT_MS = 1,
    IDLE_WAIT_MS = 20,
    RECLAIM_SLICE_US = 500,
    TRIM_SLICE_BYTES = 4 * EXTENT_BYTES,
    TRIM_PERIOD_ROUNDS = 10, /* of idle waits: free pages rest that long */
};

static void lower_priority(struct server *s)
{
    struct sched_param param = {0};
    /* Of the calling thread only. */
    if (sched_setscheduler(0, SCHED_IDLE, &param) != 0) {
        log_write(s->log, LOG_VERBOSE, "The housekeeper runs at normal "
                                       "priority: no SCHED_IDLE here");
    }
}

void housekeeper_run(void *server)
{
    struct server *s = server;
    unsigned rounds = 0;
    lower_priority(s);
    while (!atomic_load_explicit(&s->is_stopping, memory_order_relaxed)) {
        bool busy = pages_prefault(s->pages);
        busy |= store_reclaim(s->store, RECLAIM_SLICE_US);
        if (!busy && ++rounds >= TRIM_PERIOD_ROUNDS) {
            if (pages_trim(s->pages, TRIM_SLICE_BYTES) > 0) {
                busy = true;
            } else {
                rounds = 0;
            }
        }
        signal_event_wait(&s->housekeeper_wake,
                          busy ? BUSY_WAIT_MS : IDLE_WAIT_MS);
    }
}
