/* housekeeper: work that needs no shard and must not disturb a worker: small
 * slices, at the least priority, with a rest after each.
 *
 * Freed pages are not returned at once, nor all of them: a page that is free for
 * a moment is used again, and returning pages of an extent that is being filled
 * costs its huge page and makes the worker touch what was touched before.
 * Trimming begins when little else was to do for a while and much is free.
 *
 * It sleeps until there is something for it: a spare extent was taken, a database
 * was flushed, the watchdog was set, or the server's tick sees that much is
 * free. */
#include "server/housekeeper.h"

#include <sys/resource.h>

#include "base/clock.h"
#include "server/server_priv.h"
#include "server/watchdog.h"

enum {
    NICE_MAX = 19,
    BUSY_WAIT_MS = 1,
    WATCH_WAIT_MS = 20,
    RECLAIM_SLICE_US = 200,
    TRIM_SLICE_BYTES = EXTENT_BYTES,
    TRIM_REST_MS = 200, /* free pages rest that long */
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

void housekeeper_tick(struct server *s)
{
    if (is_much_free(s)) {
        signal_event_set(&s->housekeeper_wake);
    }
}

/* Returns some of what has been free for long enough; true: there is more.
 * *since_us: when much of it was first seen to be free, 0 if it is not. */
static bool trim(struct server *s, int64_t now_us, int64_t *since_us)
{
    if (!is_much_free(s)) {
        *since_us = 0;
    } else if (*since_us == 0) {
        *since_us = now_us;
    } else if (now_us - *since_us >= TRIM_REST_MS * 1000) {
        if (pages_trim(s->pages, TRIM_SLICE_BYTES) > 0) {
            return true;
        }
        *since_us = now_us;
    }
    return false;
}

void housekeeper_run(void *server)
{
    struct server *s = server;
    int64_t free_since_us = 0;
    crash_thread_begin(&s->housekeeper_trace, &s->crash, "housekeeper", NULL);
    lower_priority(s);
    while (!atomic_load_explicit(&s->is_stopping, memory_order_relaxed)) {
        int64_t now_us = clock_monotonic_us();
        watchdog_look(s, now_us);
        bool is_busy = pages_prefault(s->pages);
        is_busy |= store_reclaim(s->store, RECLAIM_SLICE_US);
        if (is_busy) {
            free_since_us = 0;
        } else {
            is_busy = trim(s, now_us, &free_since_us);
        }
        signal_event_wait(&s->housekeeper_wake,
                          is_busy              ? BUSY_WAIT_MS
                          : s->is_watched      ? WATCH_WAIT_MS
                          : free_since_us != 0 ? TRIM_REST_MS
                                               : -1);
    }
    crash_thread_end(&s->housekeeper_trace);
}
