/* cluster_refresh: asking for the map.
 *
 * A round asks one node after the other until one answers: some of those known
 * now, from one left to chance on, then the seeds. There is at most one round at a
 * time, they keep refresh_min_ms apart, and each begins up to half of that later,
 * since whatever made this client ask has made others ask too. The map that comes
 * replaces the old one as a whole, or not at all.
 *
 * The control connection does it, which is there for nothing else: it lives as
 * long as the question. */
#include "client/cluster_priv.h"

#include <assert.h>

enum {
    NODES_ASKED_MAX = 3, /* of those known, in a round */
    ANSWER_MS = 5000,    /* unless connecting may take longer */
};

/* ---- when ---- */

static void want_at(struct engram_cluster *k, int64_t at_us)
{
    k->refresh.is_wanted = true;
    k->refresh.at_us = at_us;
    cluster_wake(k, at_us);
}

void cluster_refresh_begin(struct engram_cluster *k)
{
    k->refresh = (struct cluster_refresh){ .ended_us = REQUEST_NO_DEADLINE };
    want_at(k, k->now_us);
}

void cluster_refresh_want(struct engram_cluster *k)
{
    struct cluster_refresh *f = &k->refresh;
    if (!k->is_open || f->is_wanted || f->is_running) {
        return;
    }
    cluster_refresh_now(k);
    int64_t gap_us = (int64_t)k->options.refresh_min_ms * 1000;
    int64_t at = k->now_us;
    if (f->ended_us != REQUEST_NO_DEADLINE && f->ended_us + gap_us > at) {
        at = f->ended_us + gap_us;
    }
    want_at(k, at + (int64_t)random_below(&k->random,
                                          (uint64_t)gap_us / 2 + 1));
}

void engram_cluster_refresh(struct engram_cluster *k)
{
    cluster_refresh_want(k);
}

/* ---- what becomes of it ---- */

static void end_round(struct engram_cluster *k)
{
    k->refresh.is_running = false;
    k->refresh.ended_us = k->now_us;
}

/* Nobody has answered. */
static void fail_round(struct engram_cluster *k)
{
    struct cluster_refresh *f = &k->refresh;
    uint32_t max = k->attempts_max;
    int retry_ms = -1;
    enum engram_status why = f->why;
    end_round(k);
    f->failures++;
    if (max != 0 && f->failures >= max) {
        cluster_end(k, ENGRAM_NOT_SENT);
    } else {
        int64_t us = cluster_backoff_us(k, k->conn_options.backoff_min_ms,
                                        k->conn_options.backoff_max_ms,
                                        f->failures - 1);
        want_at(k, k->now_us + us);
        retry_ms = (int)(us / 1000);
    }
    if (k->options.on_error != NULL && !k->is_destroyed) {
        k->options.on_error(k, why, retry_ms, k->options.arg);
    }
}

/* The next one is asked with the loop's next turn. */
static void fail_attempt(struct engram_cluster *k, enum engram_status why)
{
    engram_conn_close(k->control);
    k->counters.refresh_failures++;
    k->refresh.why = why;
    want_at(k, k->now_us);
}

/* ---- the new map ---- */

/* The places of the map's nodes; those that are new are made. */
static enum engram_status find_places(struct engram_cluster *k,
                                      const struct topology *t,
                                      uint16_t *places)
{
    for (uint16_t i = 0; i < t->count; i++) {
        struct cluster_node *n;
        enum engram_status st = cluster_need_node(
            k, slice_of_text(t->nodes[i].host), t->nodes[i].port, &n);
        if (st != ENGRAM_OK) {
            return st;
        }
        places[i] = n->place;
    }
    return ENGRAM_OK;
}

static void assign_roles(struct engram_cluster *k, const struct topology *t,
                         const uint16_t *places)
{
    for (uint16_t i = 0; i < k->node_cap; i++) {
        struct cluster_node *n = k->nodes[i];
        if (n != NULL) {
            n->is_mapped = false;
            n->master = CLUSTER_NO_NODE;
            n->first_replica = CLUSTER_NO_NODE;
            n->next_replica = CLUSTER_NO_NODE;
        }
    }
    for (uint16_t i = 0; i < t->count; i++) {
        struct cluster_node *n = k->nodes[places[i]];
        n->is_mapped = true;
        if (t->nodes[i].master != TOPOLOGY_NO_NODE) {
            n->master = places[t->nodes[i].master];
            n->next_replica = k->nodes[n->master]->first_replica;
            k->nodes[n->master]->first_replica = n->place;
        }
    }
    for (size_t slot = 0; slot < SLOTS_COUNT; slot++) {
        uint16_t owner = t->owners[slot];
        k->owners[slot] =
            owner == TOPOLOGY_NO_NODE ? CLUSTER_NO_NODE : places[owner];
    }
}

/* Whatever waits goes where the map says. */
static void settle_requests(struct engram_cluster *k)
{
    bool is_waiting = false;
    for (uint16_t i = 0; i < k->node_cap; i++) {
        if (k->nodes[i] != NULL && !k->nodes[i]->is_mapped) {
            cluster_remove_node(k->nodes[i]);
        }
    }
    for (uint16_t i = 0; i < k->node_cap; i++) {
        if (k->nodes[i] != NULL) {
            cluster_reroute_queue(k->nodes[i]);
        }
    }
    cluster_resume_parked(k, REQUEST_NO_DEADLINE);
    for (uint16_t i = 0; i < k->node_cap && !is_waiting; i++) {
        const struct cluster_node *n = k->nodes[i];
        is_waiting = n != NULL && n->queue.head != NULL &&
                     cluster_node_is_failing(n);
    }
    /* Its successor is not known yet. */
    if (is_waiting) {
        cluster_refresh_want(k);
    }
}

static enum engram_status apply(struct engram_cluster *k,
                                const struct engram_reply *reply)
{
    uint16_t places[TOPOLOGY_NODES_MAX];
    const char *why = "CLUSTER SLOTS: out of memory";
    struct topology *t = mem_alloc(&k->account, sizeof *t);
    enum engram_status st =
        t == NULL ? ENGRAM_NOMEM
                  : topology_init(t, &k->account, reply,
                                  k->control->target.host, &why);
    if (st == ENGRAM_OK) {
        st = find_places(k, t, places);
        if (st == ENGRAM_OK) {
            assign_roles(k, t, places);
        } else {
            why = engram_status_text(st);
        }
        topology_deinit(t);
    }
    mem_free(&k->account, t);
    if (st != ENGRAM_OK) {
        cluster_set_error(k, "%s:%d: %s", k->control->target.host,
                          k->control->target.port, why);
    }
    return st;
}

static void succeed(struct engram_cluster *k)
{
    bool is_first = !k->has_map;
    engram_conn_close(k->control);
    end_round(k);
    k->refresh.failures = 0;
    k->has_map = true;
    settle_requests(k);
    if (is_first && k->options.on_ready != NULL) {
        k->options.on_ready(k, k->options.arg);
    }
}

/* ---- asking ---- */

static void on_map(struct engram_conn *c, enum engram_status st,
                   const struct engram_reply *reply, void *arg)
{
    struct engram_cluster *k = arg;
    /* LOST and NOT_SENT: the connection's end is told too. */
    if (!k->refresh.is_running || st == ENGRAM_LOST || st == ENGRAM_NOT_SENT) {
        return;
    }
    cluster_enter(k);
    cluster_refresh_now(k);
    if (st == ENGRAM_OK && engram_reply_is_error(reply)) {
        cluster_set_error(k, "%s:%d: %.300s", c->target.host, c->target.port,
                          engram_reply_text(reply, NULL));
        st = ENGRAM_UNSUPPORTED;
    } else if (st == ENGRAM_OK) {
        st = apply(k, reply);
    } else {
        cluster_set_error(k, "%s:%d: CLUSTER SLOTS: %s", c->target.host,
                          c->target.port, engram_status_text(st));
    }
    if (st == ENGRAM_OK) {
        succeed(k);
    } else {
        fail_attempt(k, st);
    }
    cluster_leave(k);
}

void cluster_refresh_on_ready(struct engram_conn *c, void *arg)
{
    struct engram_cluster *k = arg;
    int ms = k->conn_options.connect_timeout_ms;
    const struct engram_how how = { .timeout_ms = ms > ANSWER_MS ? ms
                                                                 : ANSWER_MS };
    enum engram_status st = engram_send(c, &how, on_map, k, "CLUSTER SLOTS");
    if (st != ENGRAM_OK) {
        cluster_enter(k);
        cluster_set_error(k, "%s:%d: %s", c->target.host, c->target.port,
                          engram_status_text(st));
        fail_attempt(k, st);
        cluster_leave(k);
    }
}

void cluster_refresh_on_ended(struct engram_conn *c, enum engram_status why,
                              int retry_ms, void *arg)
{
    struct engram_cluster *k = arg;
    (void)retry_ms;
    if (k->refresh.is_running) {
        cluster_enter(k);
        cluster_refresh_now(k);
        cluster_set_error(k, "%s", c->error);
        fail_attempt(k, why);
        cluster_leave(k);
    }
}

/* The next node in the ring that does not fail; NULL: none. */
static struct cluster_node *next_node(struct engram_cluster *k)
{
    for (uint16_t i = 0; i < k->node_cap; i++) {
        k->refresh.cursor = (uint16_t)((k->refresh.cursor + 1) % k->node_cap);
        struct cluster_node *n = k->nodes[k->refresh.cursor];
        if (n != NULL && !cluster_node_is_failing(n)) {
            return n;
        }
    }
    return NULL;
}

/* Whom to ask; false: all have been asked. */
static bool next_address(struct engram_cluster *k, const char **host, int *port)
{
    uint32_t at = k->refresh.attempt++;
    uint32_t asked = k->node_count < NODES_ASKED_MAX ? k->node_count
                                                     : NODES_ASKED_MAX;
    struct cluster_node *n = at < asked ? next_node(k) : NULL;
    if (n != NULL) {
        *host = n->conn->target.host;
        *port = n->conn->target.port;
        return true;
    }
    if (at < asked) {
        k->refresh.attempt = asked + 1;
        at = asked;
    }
    if (at - asked >= k->seed_count) {
        return false;
    }
    *host = k->seeds[at - asked].host;
    *port = k->seeds[at - asked].port;
    return true;
}

void cluster_refresh_run(struct engram_cluster *k)
{
    struct cluster_refresh *f = &k->refresh;
    const char *host;
    int port;
    f->is_wanted = false;
    if (!f->is_running) {
        f->is_running = true;
        f->attempt = 0;
        f->cursor = k->node_cap == 0 ? 0
                                     : (uint16_t)random_below(&k->random,
                                                              k->node_cap);
    }
    if (!next_address(k, &host, &port)) {
        fail_round(k);
        return;
    }
    k->counters.refreshes++;
    enum engram_status st = engram_conn_set_address(k->control, host, port);
    if (st == ENGRAM_OK) {
        st = engram_conn_open(k->control);
    }
    if (st != ENGRAM_OK) {
        cluster_set_error(k, "%s:%d: %s", host, port, engram_status_text(st));
        fail_attempt(k, st);
    }
}
