/* tour: its way, from worker to worker and home. */
#include "server/tour.h"

#include <assert.h>

#include "base/clock.h"
#include "server/worker.h"

enum { TOUR_SLICE_US = 200 }; /* what a turn may be held up by it */

static void receive(void *worker, struct message *m);

static bool can_start(const struct cmd_ctx *c, const struct tour_kind *kind)
{
    const struct server *s = c->host;
    return ctx_may_hold(c) || (s->worker_count == 1 && !kind->is_by_mail);
}

void *tour_create(struct cmd_ctx *c, const struct tour_kind *kind, size_t bytes)
{
    struct server *s = c->host;
    struct tour *t;
    assert(bytes >= sizeof *t);
    if (!can_start(c, kind)) {
        reply_errorf(c->reply, "ERR '%s' asks all workers and is not allowed "
                               "inside a transaction",
                     c->cmd->full_name);
        return NULL;
    }
    t = mem_alloc_zeroed(&s->account, bytes);
    if (t == NULL) {
        ctx_error_status(c, ST_NOMEM);
        return NULL;
    }
    t->link.run = receive;
    t->kind = kind;
    t->server = s;
    t->asker = connection_of(c->session);
    t->asker_id = c->session->id;
    t->home = t->at = c->session->worker;
    t->left = s->worker_count;
    return t;
}

void tour_destroy(struct tour *t)
{
    if (t->kind->forget != NULL) {
        t->kind->forget(t);
    }
    mem_free(&t->server->account, t);
}

static void enter(struct tour *t, struct worker *w)
{
    t->is_inside = true;
    if (t->kind->arrive != NULL) {
        t->kind->arrive(t, w);
    }
    connections_enter(w, &t->cursor);
}

/* Looks at sessions for `budget_us`; true: there are no more here. */
static bool look_around(struct tour *t, struct worker *w, int64_t budget_us)
{
    uint64_t end = clock_ticks()
                   + (uint64_t)((double)budget_us * w->server->ticks_per_us);
    while (t->kind->look != NULL && !t->is_over && t->cursor.next != NULL) {
        struct connection *c = t->cursor.next;
        if (clock_ticks() > end) {
            return false;
        }
        t->cursor.next = c->next;
        if (!connection_is_going(c)) {
            t->is_over = !t->kind->look(t, c);
        }
    }
    return true;
}

/* Where it goes after a slice; the last step is back to its home. */
static void go_on(struct tour *t, struct worker *w, bool is_done)
{
    if (is_done) {
        connections_leave(w, &t->cursor);
        t->is_inside = false;
        t->left--;
        t->at = t->left == 0 ? t->home
                             : (t->at + 1) % t->server->worker_count;
    }
    worker_post(t->server, t->at, &t->link);
}

static void come_home(struct tour *t, struct worker *w)
{
    struct connection *c = t->asker;
    if (c != NULL) {
        c->tour = NULL;
        if (!connection_is_going(c)) {
            t->kind->answer(t, c);
        }
        exec_release(w->exec, &c->session);
        connection_make_ready(c);
    }
    tour_destroy(t);
}

static void receive(void *worker, struct message *m)
{
    struct worker *w = worker;
    struct tour *t = (struct tour *)(void *)m;
    if (w->is_stopping) {
        if (t->is_inside) {
            connections_leave(w, &t->cursor);
        }
        tour_destroy(t);
        return;
    }
    if (t->left == 0) {
        come_home(t, w);
        return;
    }
    if (!t->is_inside) {
        enter(t, w);
    }
    go_on(t, w, look_around(t, w, TOUR_SLICE_US));
}

void tour_start(struct cmd_ctx *c, struct tour *t)
{
    struct connection *asker = t->asker;
    struct worker *w = asker->worker;
    bool may_hold = ctx_may_hold(c);
    if (t->kind->is_by_mail) {
        asker->tour = t;
        ctx_hold(c);
        worker_post(t->server, t->home, &t->link);
        return;
    }
    enter(t, w);
    bool is_done = look_around(t, w, may_hold ? TOUR_SLICE_US : INT32_MAX);
    if (is_done && t->server->worker_count == 1) {
        connections_leave(w, &t->cursor);
        t->kind->answer(t, asker);
        tour_destroy(t);
        return;
    }
    assert(may_hold);
    asker->tour = t;
    ctx_hold(c);
    go_on(t, w, is_done);
}
