/* watchdog: a worker whose count of turns has stood still for longer than the
 * period, and who did not sleep, is in a command that takes too long, waits for
 * one that is, or is stuck. Each is named once, until it moves; all stacks are
 * shown with the first, and again only after nobody was late. */
#include "server/watchdog.h"

#include "server/server_priv.h"

/* A loop is there as long as stop_lock is held and nobody has stopped the server. */
static bool is_asleep(struct worker *w)
{
    struct server *s = w->server;
    lock_acquire(&s->stop_lock);
    bool is = !atomic_load_explicit(&s->is_stopping, memory_order_relaxed)
              && loop_is_asleep(w->loop);
    lock_release(&s->stop_lock);
    return is;
}

/* Is it late? */
static bool look_at(struct worker *w, int64_t now_us, int64_t period_us)
{
    struct worker_watch *at = &w->watch;
    uint64_t turns = counter_get(&w->stats.turns);
    if (turns != at->turns || is_asleep(w)) {
        *at = (struct worker_watch){.turns = turns, .since_us = now_us};
    }
    bool is_late = now_us - at->since_us > period_us;
    if (is_late && !at->is_named) {
        log_write(w->server->log, LOG_WARNING, "WATCHDOG TIMER EXPIRED: worker "
                  "%u has been busy with one turn for %lld ms", w->index,
                  (long long)(now_us - at->since_us) / 1000);
    }
    at->is_named = is_late;
    return is_late;
}

void watchdog_look(struct server *s, int64_t now_us)
{
    int64_t period_us = atomic_load_explicit(&s->watchdog_us,
                                             memory_order_relaxed);
    bool is_new = period_us > 0 && !s->is_watched, is_any_late = false;
    s->is_watched = period_us > 0;
    for (uint32_t i = 0; s->is_watched && i < s->worker_count; i++) {
        if (is_new) {
            s->workers[i].watch.since_us = now_us;
        }
        is_any_late |= look_at(&s->workers[i], now_us, period_us);
    }
    if (is_any_late && !s->is_stall_shown) {
        crash_log_stacks(&s->crash, "The watchdog asks where all threads are");
    }
    s->is_stall_shown = is_any_late;
}
