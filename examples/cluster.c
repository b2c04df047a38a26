/* cluster: commands that find their nodes. The program counts in a number of keys,
 * as fast as the cluster answers, while slots may move and nodes may change their
 * roles; then it waits for the replicas and adds up what they hold.
 *
 *   cluster [SEED [COUNT [KEYS]]] */
#include <stdio.h>
#include <stdlib.h>

#include <engram/cluster.h>

struct work {
    struct engram_loop *loop;
    long wanted, keys;
    long sent, answered, failed;
    long waited_for; /* replies still to come, in the second half */
    long long sum;
};

static void note_failure(struct engram_cluster *k, enum engram_status st,
                         const struct engram_reply *reply)
{
    (void)k;
    fprintf(stderr, "cluster: %s\n",
            st == ENGRAM_OK ? engram_reply_text(reply, NULL)
                            : engram_status_text(st));
}

/* ---- counting ---- */

static void send_more(struct engram_cluster *k, void *arg);

static void on_count(struct engram_cluster *k, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct work *w = arg;
    if (st == ENGRAM_OK && !engram_reply_is_error(reply)) {
        w->answered++;
    } else {
        w->failed++;
        note_failure(k, st, reply);
    }
    if (w->answered + w->failed == w->wanted) {
        engram_loop_stop(w->loop);
    }
}

/* Until a limit is reached; then on_drained goes on. */
static void send_more(struct engram_cluster *k, void *arg)
{
    struct work *w = arg;
    while (w->sent < w->wanted) {
        enum engram_status st =
            engram_cluster_send(k, NULL, on_count, w, "INCR cluster:%ld",
                                w->sent % w->keys);
        if (st == ENGRAM_WOULD_BLOCK) {
            return;
        }
        w->sent++;
        if (st != ENGRAM_OK) {
            w->failed++;
            fprintf(stderr, "cluster: %s\n", engram_status_text(st));
        }
    }
}

static void on_error(struct engram_cluster *k, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct work *w = arg;
    (void)why;
    fprintf(stderr, "cluster: %s\n", engram_cluster_error(k));
    if (retry_ms < 0) {
        engram_loop_stop(w->loop);
    }
}

/* ---- adding up ---- */

static void on_value(struct engram_cluster *k, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct work *w = arg;
    if (st != ENGRAM_OK || engram_reply_is_error(reply)) {
        note_failure(k, st, reply);
    } else {
        w->sum += atoll(engram_reply_text(reply, NULL));
    }
    if (--w->waited_for == 0) {
        engram_loop_stop(w->loop);
    }
}

static void on_waited(struct engram_cluster *k, enum engram_status st,
                      const struct engram_reply *reply, void *arg)
{
    struct work *w = arg;
    (void)k;
    (void)st;
    (void)reply;
    if (--w->waited_for == 0) {
        engram_loop_stop(w->loop);
    }
}

/* WAIT has no key: it is for each master. */
static void wait_for_replicas(struct engram_cluster *k,
                              const struct engram_cluster_node *node, void *arg)
{
    struct work *w = arg;
    const struct engram_cluster_how how = { .flags = ENGRAM_BLOCKING,
                                            .node = node->name };
    printf("%s %s, %d slots\n", node->name,
           node->is_master ? "master" : "replica", node->slot_count);
    if (node->is_master && engram_cluster_send(k, &how, on_waited, w,
                                               "WAIT 1 1000") == ENGRAM_OK) {
        w->waited_for++;
    }
}

static void add_up(struct engram_cluster *k, struct work *w)
{
    const struct engram_cluster_how how = { .flags = ENGRAM_READ |
                                                     ENGRAM_IDEMPOTENT };
    engram_cluster_each(k, wait_for_replicas, w);
    if (w->waited_for > 0) {
        engram_loop_run(w->loop);
    }
    for (long i = 0; i < w->keys; i++) {
        if (engram_cluster_send(k, &how, on_value, w, "GET cluster:%ld", i) ==
            ENGRAM_OK) {
            w->waited_for++;
        }
    }
    if (w->waited_for > 0) {
        engram_loop_run(w->loop);
    }
}

static void report(const struct engram_cluster *k, const struct work *w)
{
    struct engram_cluster_counters n;
    engram_cluster_counters(k, &n, sizeof n);
    printf("answered %ld, failed %ld, sum %lld\n", w->answered, w->failed,
           w->sum);
    printf("moved %llu, asked %llu, retried %llu, resent %llu, maps %llu\n",
           (unsigned long long)n.moved, (unsigned long long)n.asked,
           (unsigned long long)n.retried, (unsigned long long)n.resent,
           (unsigned long long)n.refreshes);
}

int main(int argc, char **argv)
{
    const char *seed = argc > 1 ? argv[1] : "127.0.0.1:6379";
    struct work w = { .wanted = argc > 2 ? atol(argv[2]) : 100000,
                      .keys = argc > 3 ? atol(argv[3]) : 1000 };
    struct engram_cluster_options o;
    struct engram_cluster *k = NULL;
    struct engram_options conn;
    enum engram_status st = ENGRAM_NOMEM;
    w.loop = engram_loop_create();
    engram_options_init(&conn);
    conn.attempts_max = 6;
    engram_cluster_options_init(&o);
    o.seeds = &seed;
    o.seed_count = 1;
    o.conn = &conn;
    o.read_from = ENGRAM_READ_PREFER_REPLICA;
    o.max_in_flight = 1000;
    o.on_ready = send_more;
    o.on_error = on_error;
    o.on_drained = send_more;
    o.arg = &w;
    if (w.loop != NULL) {
        o.hooks = engram_loop_hooks(w.loop);
        k = engram_cluster_create(&o, &st);
    }
    if (k == NULL || w.keys < 1) {
        fprintf(stderr, "cluster: %s\n", engram_status_text(st));
        engram_loop_destroy(&w.loop);
        return 1;
    }
    engram_cluster_open(k);
    engram_loop_run(w.loop);
    if (engram_cluster_is_ready(k)) {
        add_up(k, &w);
        report(k, &w);
    }
    engram_cluster_destroy(&k);
    engram_loop_destroy(&w.loop);
    return w.wanted > 0 && w.answered == w.wanted ? 0 : 1;
}
