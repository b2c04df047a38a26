/* pause: who is held, a timer a worker for the end, mail for an earlier one.
 *
 * CLIENT PAUSE answers when every worker has heard of it (a tour), so that no
 * write is executed after the answer. */
#include "server/pause.h"

#include <assert.h>

#include "base/clock.h"
#include "base/number.h"
#include "server/tour.h"
#include "server/worker.h"

static int64_t paused_until(const struct server *s)
{
    return atomic_load_explicit(&s->exec_shared.pause_until_ms,
                                memory_order_relaxed);
}

/* ---- those who are held ---- */

static void list_remove(struct worker *w, struct connection *c)
{
    if (c->paused_prev != NULL) {
        c->paused_prev->paused_next = c->paused_next;
    } else {
        w->paused = c->paused_next;
    }
    if (c->paused_next != NULL) {
        c->paused_next->paused_prev = c->paused_prev;
    }
    c->paused_prev = c->paused_next = NULL;
    c->is_paused = false;
    counter_add(&w->stats.blocked, (uint64_t)-1);
}

void pause_forget(struct connection *c)
{
    if (c->is_paused) {
        list_remove(c->worker, c);
    }
}

static void start_timer(struct worker *w)
{
    int64_t ms = paused_until(w->server) - loop_wall_ms(w->loop);
    if (ms < 0) {
        ms = 0;
    }
    timer_stop(w->loop, &w->pause_timer);
    /* Without memory for it, connections_cron notices the end. */
    enum status st = timer_start(w->loop, &w->pause_timer,
                                 ms > INT32_MAX ? INT32_MAX : ms * 1000);
    (void)st;
}

void pause_note(struct connection *c)
{
    struct worker *w = c->worker;
    if (c->is_paused) {
        return;
    }
    c->is_paused = true;
    c->paused_prev = NULL;
    c->paused_next = w->paused;
    if (w->paused != NULL) {
        w->paused->paused_prev = c;
    }
    w->paused = c;
    counter_add(&w->stats.blocked, 1);
    start_timer(w);
}

/* If it is not over, it is looked at again when it should be. */
void pause_look(struct worker *w)
{
    if (w->paused == NULL) {
        return;
    }
    if (loop_wall_ms(w->loop) < paused_until(w->server)) {
        start_timer(w);
        return;
    }
    while (w->paused != NULL) {
        struct connection *c = w->paused;
        list_remove(w, c);
        exec_release(w->exec, &c->session);
        connection_make_ready(c);
    }
}

static void on_timer(void *arg)
{
    pause_look(arg);
}

void pause_init(struct worker *w)
{
    timer_init(&w->pause_timer, on_timer, w);
}

void pause_deinit(struct worker *w)
{
    timer_stop(w->loop, &w->pause_timer);
}

/* ---- the state ---- */

void pause_begin(struct server *s, int64_t until_ms, bool is_all)
{
    struct exec_shared *sh = &s->exec_shared;
    lock_acquire(&s->config_lock);
    int64_t old_ms = paused_until(s);
    if (old_ms > clock_wall_us() / 1000) {
        is_all |= atomic_load_explicit(&sh->pause_is_all, memory_order_relaxed);
        until_ms = until_ms > old_ms ? until_ms : old_ms;
    }
    atomic_store_explicit(&sh->pause_is_all, is_all, memory_order_relaxed);
    atomic_store_explicit(&sh->pause_until_ms, until_ms, memory_order_relaxed);
    lock_release(&s->config_lock);
}

void pause_end(struct server *s)
{
    lock_acquire(&s->config_lock);
    atomic_store_explicit(&s->exec_shared.pause_until_ms, 0,
                          memory_order_relaxed);
    lock_release(&s->config_lock);
    /* What was due meanwhile may go, too. */
    workers_notify(s, NOTICE_PAUSE | NOTICE_DUE);
}

/* ---- commands ---- */

static void answer_ok(struct tour *t, struct connection *asker)
{
    (void)t;
    reply_ok(&asker->session.reply);
}

/* A worker that a tour visits is between two batches, and reads the state at the
 * next one. */
static const struct tour_kind announcement = {.answer = answer_ok};

static bool parse_pause(struct cmd_ctx *c, int64_t *until_ms, bool *is_all)
{
    int64_t ms;
    *is_all = true;
    if (c->argc > 3) {
        if (ctx_arg_is(c, 3, "write")) {
            *is_all = false;
        } else if (!ctx_arg_is(c, 3, "all")) {
            reply_error(c->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
            return false;
        }
    }
    if (!number_parse_int64(c->argv[2], &ms)) {
        reply_error(c->reply, "ERR timeout is not an integer or out of range");
        return false;
    }
    if (ms < 0) {
        reply_error(c->reply, "ERR timeout is negative");
        return false;
    }
    if (__builtin_add_overflow(ms, clock_wall_us() / 1000, until_ms)) {
        reply_error(c->reply, "ERR timeout is out of range");
        return false;
    }
    return true;
}

void client_pause_run(struct cmd_ctx *c)
{
    struct server *s = c->host;
    int64_t until_ms;
    bool is_all;
    if (!parse_pause(c, &until_ms, &is_all)) {
        return;
    }
    if (s->worker_count == 1 || !ctx_may_hold(c)) {
        pause_begin(s, until_ms, is_all);
        exec_read_shared(c->exec);
        reply_ok(c->reply);
        return;
    }
    struct tour *t = tour_create(c, &announcement, sizeof *t);
    if (t == NULL) {
        return;
    }
    pause_begin(s, until_ms, is_all);
    exec_read_shared(c->exec);
    tour_start(c, t);
}

void client_unpause_run(struct cmd_ctx *c)
{
    pause_end(c->host);
    exec_read_shared(c->exec);
    reply_ok(c->reply);
}
