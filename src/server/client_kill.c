/* client_kill: CLIENT KILL and CLIENT UNBLOCK, wherever the sessions live. */
#include <string.h>

#include "base/number.h"
#include "server/client_cmds.h"
#include "server/client_filter.h"
#include "server/tour.h"

/* ---- KILL ---- */

struct kill_tour {
    struct tour tour; /* first */
    struct client_filter filter;
    bool is_old_form;
    bool kills_asker;
    uint64_t count;
};

static bool kill_look(struct tour *t, struct connection *c)
{
    struct kill_tour *k = (struct kill_tour *)(void *)t;
    int64_t now_ms = loop_now_us(c->worker->loop) / 1000;
    if (!client_filter_fits(&k->filter, c, now_ms)) {
        return true;
    }
    k->count++;
    if (c->session.id == t->asker_id) {
        k->kills_asker = true; /* once it is answered */
    } else {
        connection_kill(c);
        if (t->kind->is_by_mail) {
            /* What is pushed once this is answered is for others. */
            exec_session_leave(c->worker->exec, &c->session);
        }
    }
    return !k->is_old_form;
}

static void kill_answer(struct tour *t, struct connection *asker)
{
    struct kill_tour *k = (struct kill_tour *)(void *)t;
    struct reply *r = &asker->session.reply;
    if (!k->is_old_form) {
        reply_int(r, (int64_t)k->count);
    } else if (k->count == 0) {
        reply_error(r, "ERR No such client");
    } else {
        reply_ok(r);
    }
    if (k->kills_asker) {
        asker->session.close_after_reply = true;
    }
}

static void kill_forget(struct tour *t)
{
    struct kill_tour *k = (struct kill_tour *)(void *)t;
    client_filter_deinit(&k->filter);
}

/* "KILL addr:port" is KILL ADDR addr:port SKIPME no, of one session. */
static bool parse_old_form(struct cmd_ctx *c, struct kill_tour *k)
{
    struct slice args[] = {
        c->argv[0], c->argv[1], SLICE_LIT("addr"), c->argv[2],
    };
    struct cmd_ctx as_new = *c;
    as_new.argv = args;
    as_new.argc = 4;
    k->is_old_form = true;
    return client_filter_parse(&as_new, 2, false, &k->filter);
}

void client_kill_run(struct cmd_ctx *c)
{
    static const struct tour_kind by_mail = {
        .look = kill_look, .answer = kill_answer, .forget = kill_forget,
        .is_by_mail = true,
    };
    static const struct tour_kind at_once = {
        .look = kill_look, .answer = kill_answer, .forget = kill_forget,
    };
    /* Waits are not ended within a batch; within EXEC there is no other way. */
    const struct tour_kind *kind = ctx_may_hold(c) ? &by_mail : &at_once;
    struct kill_tour *k = tour_create(c, kind, sizeof *k);
    if (k == NULL) {
        return;
    }
    bool is_ok = c->argc == 3 ? parse_old_form(c, k)
                              : client_filter_parse(c, 2, true, &k->filter);
    if (!is_ok) {
        tour_destroy(&k->tour);
        return;
    }
    tour_start(c, &k->tour);
}

/* ---- UNBLOCK ---- */

struct unblock_tour {
    struct tour tour; /* first */
    uint64_t id;
    enum unblock how;
    bool is_done;
};

static bool unblock_look(struct tour *t, struct connection *c)
{
    struct unblock_tour *u = (struct unblock_tour *)(void *)t;
    if (c->session.id != u->id) {
        return true;
    }
    u->is_done = exec_unblock(c->worker->exec, &c->session, u->how);
    return false;
}

static void unblock_answer(struct tour *t, struct connection *asker)
{
    const struct unblock_tour *u = (const struct unblock_tour *)(void *)t;
    reply_int(&asker->session.reply, u->is_done);
}

void client_unblock_run(struct cmd_ctx *c)
{
    static const struct tour_kind kind = {
        .look = unblock_look, .answer = unblock_answer, .is_by_mail = true,
    };
    enum unblock how = UNBLOCK_TIMEOUT;
    int64_t id;
    if (c->argc == 4 && ctx_arg_is(c, 3, "error")) {
        how = UNBLOCK_ERROR;
    } else if (c->argc == 4 && !ctx_arg_is(c, 3, "timeout")) {
        reply_error(c->reply,
                    "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
        return;
    }
    if (!ctx_arg_int(c, 2, &id)) {
        return;
    }
    struct unblock_tour *u = tour_create(c, &kind, sizeof *u);
    if (u == NULL) {
        return;
    }
    u->id = (uint64_t)id;
    u->how = how;
    tour_start(c, &u->tour);
}
