/* cluster_timer: the cluster's alarm, which rings on the control connection.
 *
 * Deadlines are kept as a connection keeps its own (timers.c): the earliest is
 * known, or one that was the earliest; when it passes, all are looked at once. */
#include "client/cluster_priv.h"

#include <assert.h>

void cluster_refresh_now(struct engram_cluster *k)
{
    k->now_us = k->env.conn.now_us(k->env.conn.arg);
}

int64_t cluster_backoff_us(struct engram_cluster *k, int min_ms, int max_ms,
                           uint32_t failures)
{
    int64_t ms = min_ms;
    for (uint32_t i = 0; i < failures && ms < max_ms; i++) {
        ms *= 2;
    }
    int64_t us = (ms < max_ms ? ms : max_ms) * 1000;
    return us - (int64_t)random_below(&k->random, (uint64_t)us / 2 + 1);
}

static bool is_due(const struct engram_cluster *k, int64_t at_us)
{
    return at_us != REQUEST_NO_DEADLINE && at_us <= k->now_us;
}

/* ---- deadlines ---- */

/* Takes what has expired off its list; callbacks come later, as they may change
 * the lists. */
static void gather_expired(struct engram_cluster *k, struct cluster_list *from,
                           struct cluster_list *expired)
{
    struct cluster_request *next;
    for (struct cluster_request *r = from->head; r != NULL; r = next) {
        next = r->next;
        if (r->deadline_us == REQUEST_NO_DEADLINE || r->is_abandoned) {
            continue;
        }
        if (is_due(k, r->deadline_us)) {
            cluster_unlink(r);
            cluster_push(expired, r);
        } else if (k->next_deadline_us == REQUEST_NO_DEADLINE ||
                   r->deadline_us < k->next_deadline_us) {
            k->next_deadline_us = r->deadline_us;
        }
    }
}

/* A connection that has the command will call back: until then it counts. */
static void abandon(struct engram_cluster *k, struct cluster_request *r)
{
    r->is_abandoned = true;
    cluster_push(&k->sent, r);
    k->counters.timeouts++;
    if (r->on_reply != NULL) {
        r->on_reply(k, ENGRAM_TIMEOUT, NULL, r->arg);
    }
}

static void expire(struct engram_cluster *k)
{
    struct cluster_list expired = { NULL, NULL };
    k->next_deadline_us = REQUEST_NO_DEADLINE;
    gather_expired(k, &k->sent, &expired);
    gather_expired(k, &k->parked, &expired);
    for (uint16_t i = 0; i < k->node_cap; i++) {
        if (k->nodes[i] != NULL) {
            gather_expired(k, &k->nodes[i]->queue, &expired);
        }
    }
    struct cluster_request *r;
    while ((r = expired.head) != NULL) {
        cluster_unlink(r);
        if (r->is_sent) {
            abandon(k, r);
        } else {
            cluster_finish(r, ENGRAM_TIMEOUT, NULL);
        }
    }
}

/* ---- delays ---- */

void cluster_resume_parked(struct engram_cluster *k, int64_t until_us)
{
    bool is_for_map = until_us == REQUEST_NO_DEADLINE;
    struct cluster_list due = { NULL, NULL };
    struct cluster_request *next, *r;
    for (r = k->parked.head; r != NULL; r = next) {
        next = r->next;
        bool waits_for_map = r->retry_at_us == REQUEST_NO_DEADLINE;
        if (is_for_map ? waits_for_map
                       : !waits_for_map && r->retry_at_us <= until_us) {
            cluster_unlink(r);
            cluster_push(&due, r);
        }
    }
    while ((r = due.head) != NULL) {
        cluster_route_again(k, r);
    }
}

/* ---- the alarm ---- */

static void on_alarm(struct engram_conn *c, void *arg);

static void set_alarm(struct engram_cluster *k)
{
    int64_t at = k->next_deadline_us;
    for (const struct cluster_request *r = k->parked.head; r != NULL;
         r = r->next) {
        if (r->retry_at_us != REQUEST_NO_DEADLINE &&
            (at == REQUEST_NO_DEADLINE || r->retry_at_us < at)) {
            at = r->retry_at_us;
        }
    }
    if (at != REQUEST_NO_DEADLINE) {
        cluster_wake(k, at);
    }
    if (k->refresh.is_wanted) {
        cluster_wake(k, k->refresh.at_us);
    }
}

static void on_alarm(struct engram_conn *c, void *arg)
{
    struct engram_cluster *k = arg;
    (void)c;
    cluster_enter(k);
    cluster_refresh_now(k);
    if (is_due(k, k->next_deadline_us)) {
        expire(k);
    }
    if (k->is_open) {
        cluster_resume_parked(k, k->now_us);
    }
    if (k->is_open && k->refresh.is_wanted && is_due(k, k->refresh.at_us)) {
        cluster_refresh_run(k);
    }
    if (k->is_open) {
        set_alarm(k);
    }
    cluster_leave(k);
}

void cluster_wake(struct engram_cluster *k, int64_t at_us)
{
    const struct conn_alarm *alarm = &k->control->alarm;
    if (alarm->at_us == REQUEST_NO_DEADLINE || at_us < alarm->at_us) {
        conn_set_alarm(k->control, at_us, on_alarm, k);
    }
}
