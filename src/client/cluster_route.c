/* cluster_route: which node a command is for, and what its reply says about
 * that. Nothing here calls the program but for the command's own reply: what
 * fails is called back in cluster_leave. */
#include "client/cluster_priv.h"

#include <assert.h>

enum {
    DELAY_MIN_MS = 10, /* before a command is asked again, doubled up to */
    DELAY_MAX_MS = 500,
    /* Delays end at multiples of this, so that many share an alarm. */
    DELAY_GRID_US = 10 * 1000,
};

/* ---- which node ---- */

/* For commands without a key: masters in turn, others only if they must. NULL:
 * there is no node. */
static struct cluster_node *any_node(struct engram_cluster *k)
{
    struct cluster_node *second_best = NULL;
    for (uint16_t i = 0; i < k->node_cap; i++) {
        uint16_t place = (uint16_t)((k->any_turn + i) % k->node_cap);
        struct cluster_node *n = k->nodes[place];
        if (n == NULL) {
            continue;
        }
        if (n->is_mapped && n->master == CLUSTER_NO_NODE &&
            !cluster_node_is_failing(n)) {
            k->any_turn = (uint16_t)(place + 1);
            return n;
        }
        second_best = n;
    }
    return second_best;
}

/* The replicas that can be reached in turn; else what read_from says. */
static struct cluster_node *replica_of(struct engram_cluster *k,
                                       struct cluster_node *master)
{
    struct cluster_node *n = cluster_node_at(k, master->first_replica);
    struct cluster_node *first = n;
    uint16_t count = 0;
    for (; n != NULL; n = cluster_node_at(k, n->next_replica)) {
        count = (uint16_t)(count + !cluster_node_is_failing(n));
    }
    if (count == 0) {
        bool is_patient = k->options.read_from == ENGRAM_READ_REPLICA;
        return is_patient && first != NULL ? first : master;
    }
    uint16_t skip = (uint16_t)(master->turn++ % count);
    for (n = first; n != NULL; n = cluster_node_at(k, n->next_replica)) {
        if (!cluster_node_is_failing(n) && skip-- == 0) {
            return n;
        }
    }
    return master;
}

static bool wants_replica(const struct engram_cluster *k,
                          const struct cluster_request *r)
{
    return r->is_read && k->options.read_from != ENGRAM_READ_MASTER &&
           r->redirections == 0 &&
           (r->tries == 0 || k->options.read_from == ENGRAM_READ_REPLICA);
}

static struct cluster_node *choose(struct engram_cluster *k,
                                   const struct cluster_request *r)
{
    struct cluster_node *owner =
        r->slot == SLOT_NONE ? NULL : cluster_node_at(k, k->owners[r->slot]);
    if (owner == NULL) {
        /* If nobody serves the slot, any node will say so. */
        return any_node(k);
    }
    return wants_replica(k, r) ? replica_of(k, owner) : owner;
}

/* ---- sending ---- */

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg);
static void on_event(struct engram_conn *c, const struct engram_event *e,
                     void *arg);

/* Its connection takes it, or it is in no list. */
static enum engram_status send_now(struct cluster_request *r)
{
    const struct engram_how how = {
        .flags = r->is_blocking ? ENGRAM_BLOCKING : 0,
        .timeout_ms = -1,
        .on_event = r->on_event == NULL ? NULL : on_event,
    };
    enum engram_status st = conn_send_shared(r->node->conn, &how, on_reply, r,
                                             r->cmd, r->is_asking);
    if (st == ENGRAM_OK) {
        r->is_sent = true;
        cluster_push(&r->cluster->sent, r);
    }
    return st;
}

/* NOMEM: it is in no list. */
static enum engram_status dispatch(struct cluster_request *r,
                                   struct cluster_node *n)
{
    r->node = n;
    if (engram_conn_is_ready(n->conn)) {
        enum engram_status st = send_now(r);
        if (st != ENGRAM_CLOSED) {
            return st;
        }
    }
    cluster_push(&n->queue, r);
    if (engram_conn_is_closed(n->conn)) {
        (void)engram_conn_open(n->conn);
    }
    return ENGRAM_OK;
}

static void park(struct engram_cluster *k, struct cluster_request *r,
                 int64_t delay_us)
{
    r->node = NULL;
    r->retry_at_us = REQUEST_NO_DEADLINE;
    if (delay_us >= 0) {
        int64_t at = k->now_us + delay_us + DELAY_GRID_US;
        r->retry_at_us = at - at % DELAY_GRID_US;
        cluster_wake(k, r->retry_at_us);
    }
    cluster_push(&k->parked, r);
}

enum engram_status cluster_route(struct engram_cluster *k,
                                 struct cluster_request *r)
{
    r->is_asking = false;
    if (r->is_bound) {
        return dispatch(r, r->node);
    }
    struct cluster_node *n = k->has_map ? choose(k, r) : NULL;
    if (n == NULL) {
        park(k, r, -1);
        return ENGRAM_OK;
    }
    return dispatch(r, n);
}

void cluster_route_again(struct engram_cluster *k, struct cluster_request *r)
{
    cluster_unlink(r);
    enum engram_status st = cluster_route(k, r);
    if (st != ENGRAM_OK) {
        cluster_fail(k, r, st);
    }
}

void cluster_send_queue(struct cluster_node *n)
{
    struct cluster_request *r;
    while ((r = n->queue.head) != NULL && engram_conn_is_ready(n->conn)) {
        cluster_unlink(r);
        enum engram_status st = send_now(r);
        if (st != ENGRAM_OK) {
            cluster_fail(n->cluster, r, st);
        }
    }
}

void cluster_reroute_queue(struct cluster_node *n)
{
    struct engram_cluster *k = n->cluster;
    struct cluster_list waiting = { NULL, NULL };
    struct cluster_request *r;
    bool is_lost = n->is_leaving || cluster_node_is_failing(n);
    while ((r = n->queue.head) != NULL) {
        cluster_unlink(r);
        cluster_push(&waiting, r);
    }
    while ((r = waiting.head) != NULL) {
        if (r->is_bound && n->is_leaving) {
            cluster_fail(k, r, ENGRAM_NOT_SENT);
        } else if (r->is_bound || (r->is_asking && !is_lost)) {
            cluster_unlink(r);
            cluster_push(&n->queue, r);
        } else {
            cluster_route_again(k, r);
        }
    }
}

/* ---- redirections ---- */

/* To the node that the reply on `c` names. False: that is its reply then. */
static bool follow_to_node(struct engram_cluster *k, struct cluster_request *r,
                           const struct redirect *to,
                           const struct engram_conn *c)
{
    struct slice host =
        to->host.len > 0 ? to->host : slice_of_text(c->target.host);
    struct cluster_node *n = NULL;
    if (r->redirections >= k->options.redirections_max) {
        return false;
    }
    enum engram_status st = ENGRAM_WOULD_BLOCK;
    if (cluster_find_node(k, host, to->port) != NULL ||
        k->node_count < TOPOLOGY_NODES_MAX) {
        st = cluster_need_node(k, host, to->port, &n);
    }
    if (st == ENGRAM_WOULD_BLOCK) {
        return false;
    }
    r->redirections++;
    r->is_asking = to->kind == REDIRECT_ASK;
    k->counters.asked += to->kind == REDIRECT_ASK;
    if (to->kind == REDIRECT_MOVED) {
        k->counters.moved++;
        cluster_refresh_want(k);
    }
    if (st == ENGRAM_OK && to->kind == REDIRECT_MOVED) {
        k->owners[to->slot] = n->place;
        n->master = CLUSTER_NO_NODE;
    }
    if (st == ENGRAM_OK) {
        st = dispatch(r, n);
    }
    if (st != ENGRAM_OK) {
        cluster_fail(k, r, st);
    }
    return true;
}

/* Has it had all the tries that it gets? With a deadline it ends with that. */
static bool is_tired(const struct engram_cluster *k,
                     const struct cluster_request *r)
{
    return r->deadline_us == REQUEST_NO_DEADLINE &&
           r->tries >= k->options.retries_max;
}

static bool follow_in_a_while(struct engram_cluster *k,
                              struct cluster_request *r,
                              const struct redirect *to)
{
    if (is_tired(k, r)) {
        return false;
    }
    cluster_refresh_now(k);
    if (to->kind == REDIRECT_AWAY) {
        cluster_refresh_want(k);
    }
    k->counters.retried++;
    park(k, r,
         cluster_backoff_us(k, DELAY_MIN_MS, DELAY_MAX_MS, r->tries));
    r->tries = (uint16_t)(r->tries + (r->tries < UINT16_MAX));
    r->redirections = 0;
    return true;
}

/* True: it has been sent, or will be. */
static bool follow(struct engram_cluster *k, struct cluster_request *r,
                   struct slice error, const struct engram_conn *c)
{
    if (r->is_bound || !k->is_open) {
        return false;
    }
    struct redirect to = redirect_parse(error);
    switch (to.kind) {
    case REDIRECT_NONE: break;
    case REDIRECT_MOVED:
    case REDIRECT_ASK: return follow_to_node(k, r, &to, c);
    case REDIRECT_LATER:
    case REDIRECT_AWAY: return follow_in_a_while(k, r, &to);
    }
    return false;
}

/* ---- replies ---- */

/* A redirection is not the program's, so it must not begin to see one. */
static void on_event(struct engram_conn *c, const struct engram_event *e,
                     void *arg)
{
    struct cluster_request *r = arg;
    struct engram_cluster *k = r->cluster;
    if (r->is_abandoned) {
        return;
    }
    if (e->depth == 0 && e->kind == ENGRAM_EVENT_VALUE &&
        e->type == ENGRAM_TYPE_ERROR && e->len <= sizeof k->event_error &&
        redirect_parse(slice_of(e->text, e->len)).kind != REDIRECT_NONE) {
        memcpy(k->event_error, e->text, e->len);
        k->event_error_len = e->len;
        return;
    }
    cluster_enter(k);
    r->on_event(c, e, r->arg);
    cluster_leave(k);
}

/* What on_event has kept back comes after all. False: the cluster was closed
 * meanwhile, and the command with it. */
static bool tell_error(struct engram_conn *c, struct cluster_request *r,
                       struct slice error)
{
    struct engram_cluster *k = r->cluster;
    uint64_t ends = k->ends;
    struct engram_event e = {
        .kind = ENGRAM_EVENT_VALUE,
        .type = ENGRAM_TYPE_ERROR,
        .text = (const char *)error.data,
        .len = error.len,
    };
    r->failure = ENGRAM_CANCELLED;
    cluster_push(&k->failing, r);
    r->on_event(c, &e, r->arg);
    return k->ends == ends;
}

static void answer(struct engram_cluster *k, struct cluster_request *r,
                   struct engram_conn *c, const struct engram_reply *reply)
{
    struct slice streamed = slice_of(k->event_error, k->event_error_len);
    struct slice error = streamed;
    k->event_error_len = 0;
    if (engram_reply_is_error(reply)) {
        size_t len;
        const char *text = engram_reply_text(reply, &len);
        error = slice_of(text, len);
    }
    if (error.len > 0 && follow(k, r, error, c)) {
        return;
    }
    if (streamed.len > 0 && !tell_error(c, r, streamed)) {
        return;
    }
    cluster_finish(r, ENGRAM_OK, reply);
}

/* The connection has ended. */
static void lose(struct engram_cluster *k, struct cluster_request *r,
                 enum engram_status st)
{
    if (!k->is_open) {
        cluster_finish(r, k->ending_why == ENGRAM_CANCELLED ? ENGRAM_CANCELLED
                                                            : ENGRAM_LOST,
                       NULL);
        return;
    }
    bool is_again = st == ENGRAM_NOT_SENT ||
                    (st == ENGRAM_LOST && r->is_idempotent && !is_tired(k, r));
    if (!is_again || (r->is_bound && r->node->is_leaving)) {
        cluster_finish(r, st, NULL);
        return;
    }
    r->tries = (uint16_t)(r->tries + (r->tries < UINT16_MAX));
    r->redirections = 0;
    k->counters.resent++;
    cluster_route_again(k, r);
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct cluster_request *r = arg;
    struct engram_cluster *k = r->cluster;
    cluster_enter(k);
    cluster_unlink(r);
    r->is_sent = false;
    if (r->is_abandoned) {
        k->event_error_len = 0;
        cluster_finish(r, st, NULL);
    } else if (st == ENGRAM_OK) {
        answer(k, r, c, reply);
    } else {
        lose(k, r, st);
    }
    cluster_leave(k);
}
