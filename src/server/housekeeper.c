/* housekeeper: work that needs no shard and must not disturb a worker: small
 * slices, at the least priority, with a rest after each.
 *
 * Freed pages are not returned at once, nor all of them: a page that is free for
 * a moment is used again, and returning pages of an extent that is being filled
 * costs its huge page and makes the worker touch what was touched before.
 * Trimming begins when little else was to do for a while and much is free. */
#include "server/housekeeper.h"

#include <sys/resource.h>

#include "base/clock.h"
#include "server/server_priv.h"
#include "server/watchdog.h"

enum {
    NICE_MAX = 19,
    BUSY_WAIT_MS = 1,
    IDLE_WAIT_MS = 20,
    RECLAIM_SLICE_US = 200,
    TRIM_SLICE_BYTES = EXTENT_BYTES,
    TRIM_PERIOD_ROUNDS = 10, /* of idle waits: free pages rest that long */
    TRIM_KEEP_DIV = 8,       /* of what is used, this part may be free */
    TRIM_KEEP_BYTES = 4 * EXTENT_BYTES, /* and this much: the spare ones */
};

/* Least, but not idle: beside a busy worker on its processor an idle thread
 * never gets to touch pages in time, and then the worker has to. */
static void lower_priority(struct server *s)
{
    /* On Linux this is the calling thread's own. */
    if (setpriority(PRIO_PROCESS, 0, NICE_MAX) != 0) {
        log_write(s->log, LOG_VERBOSE, "The housekeeper runs at normal "
                                       "priority");
    }
}

static bool is_much_free(struct server *s)
{
    struct pages_stats st;
    pages_stats_read(s->pages, &st);
    return st.resident_bytes > st.used_bytes + st.used_bytes / TRIM_KEEP_DIV
                                   + TRIM_KEEP_BYTES;
}

void housekeeper_run(void *server)
{
    struct server *s = server;
    unsigned rounds = 0;
    crash_thread_begin(&s->housekeeper_trace, &s->crash, "housekeeper", NULL);
    lower_priority(s);
    while (!atomic_load_explicit(&s->is_stopping, memory_order_relaxed)) {
        watchdog_look(s, clock_monotonic_us());
        bool busy = pages_prefault(s->pages);
        busy |= store_reclaim(s->store, RECLAIM_SLICE_US);
        if (!busy && ++rounds >= TRIM_PERIOD_ROUNDS) {
            if (is_much_free(s)
                && pages_trim(s->pages, TRIM_SLICE_BYTES) > 0) {
                busy = true;
            } else {
                rounds = 0;
            }
        }
        signal_event_wait(&s->housekeeper_wake,
                          busy ? BUSY_WAIT_MS : IDLE_WAIT_MS);
    }
    crash_thread_end(&s->housekeeper_trace);
}
