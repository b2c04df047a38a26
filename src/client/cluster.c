/* cluster: making, opening, closing, destroying, and what can be asked. */
#include "client/cluster_priv.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "client/sized.h"

enum {
    SEEDS_MAX = 256,
    CONNECT_MS = 5000, /* whom to ask next must not wait for ever */
    /* A map of 16384 ranges of a node and five replicas takes no more. */
    MAP_BYTES_MAX = 64 * 1024 * 1024,
};

void engram_cluster_options_init_sized(struct engram_cluster_options *o,
                                       size_t size)
{
    const struct engram_cluster_options defaults = {
        .size = size,
        .read_from = ENGRAM_READ_MASTER,
        .redirections_max = 5,
        .retries_max = 16,
        .refresh_min_ms = 1000,
        .max_queued_bytes = 64 * 1024 * 1024,
        .max_in_flight = 65536,
    };
    sized_fill(o, size, &defaults, sizeof defaults);
}

static bool read_options(struct engram_cluster_options *to,
                         const struct engram_cluster_options *from)
{
    engram_cluster_options_init(to);
    if (!sized_take(to, sizeof *to, from, from->size)) {
        return false;
    }
    to->size = sizeof *to;
    return to->seeds != NULL && to->seed_count >= 1 &&
           to->seed_count <= SEEDS_MAX && to->hooks.attach != NULL &&
           to->hooks.detach != NULL && to->read_from >= ENGRAM_READ_MASTER &&
           to->read_from <= ENGRAM_READ_REPLICA && to->redirections_max >= 0 &&
           to->redirections_max < UINT16_MAX && to->retries_max >= 0 &&
           to->retries_max < UINT16_MAX && to->refresh_min_ms >= 0 &&
           to->max_queued_bytes >= 1 && to->max_in_flight >= 1;
}

/* What a connection is to be like, without where to. */
static bool read_conn_options(struct engram_options *to,
                              const struct engram_options *from)
{
    return conn_copy_options(to, from) && to->db == 0;
}

/* ---- seeds ---- */

static enum engram_status add_seed(struct engram_cluster *k, const char *url,
                                   const struct engram_options *like)
{
    struct engram_options o = *like;
    struct target t;
    o.url = url;
    enum engram_status st = target_init(&t, &k->account, &o);
    if (st != ENGRAM_OK) {
        return st;
    }
    if (t.path != NULL || t.db != 0 || t.port == 0 ||
        strlen(t.host) > TOPOLOGY_HOST_BYTES_MAX) {
        st = ENGRAM_INVALID;
    } else {
        k->seeds[k->seed_count].host = t.host;
        k->seeds[k->seed_count].port = (uint16_t)t.port;
        k->seed_count++;
        t.host = NULL;
    }
    target_deinit(&t);
    return st;
}

static enum engram_status create_control(struct engram_cluster *k,
                                         const char *url,
                                         const struct engram_options *like)
{
    struct engram_options o = *like;
    enum engram_status st = ENGRAM_OK;
    o.url = url;
    o.reconnect = 0;
    if (o.connect_timeout_ms == 0) {
        o.connect_timeout_ms = CONNECT_MS;
    }
    o.on_connected = NULL;
    o.on_disconnected = NULL;
    o.on_push = NULL;
    o.on_drained = NULL;
    if (o.max_reply_bytes > MAP_BYTES_MAX) {
        o.max_reply_bytes = MAP_BYTES_MAX;
    }
    k->control = conn_create_in(&o, &k->env.conn, &st);
    if (k->control == NULL) {
        return st;
    }
    conn_keep_tls(k->control);
    k->control->tap =
        (struct conn_tap){ .is_sole = true,
                           .on_ready = cluster_refresh_on_ready,
                           .on_ended = cluster_refresh_on_ended,
                           .arg = k };
    st = k->options.hooks.attach(k->control, k->options.hooks.loop);
    if (st != ENGRAM_OK) {
        engram_conn_destroy(&k->control);
    }
    return st;
}

static enum engram_status read_seeds(struct engram_cluster *k,
                                     const char *const *seeds, size_t count,
                                     const struct engram_options *like)
{
    k->seeds = mem_alloc_zeroed(&k->account, count * sizeof k->seeds[0]);
    enum engram_status st = k->seeds == NULL ? ENGRAM_NOMEM : ENGRAM_OK;
    for (size_t i = 0; i < count && st == ENGRAM_OK; i++) {
        char *url = seeds[i] == NULL ? NULL : target_seed_url(&k->account, seeds[i]);
        if (url == NULL) {
            return seeds[i] == NULL ? ENGRAM_INVALID : ENGRAM_NOMEM;
        }
        st = add_seed(k, url, like);
        if (st == ENGRAM_OK && i == 0) {
            st = create_control(k, url, like);
        }
        mem_free(&k->account, url);
    }
    return st;
}

/* ---- making and freeing ---- */

static void free_body(struct engram_cluster *k)
{
    struct cluster_request *r;
    assert(k->in_flight == 0 && k->queued_bytes == 0);
    assert(k->node_count == 0 && k->gone == NULL);
    while ((r = k->free) != NULL) {
        k->free = r->next;
        mem_free(&k->account, r);
    }
    for (size_t i = 0; i < k->seed_count; i++) {
        mem_free(&k->account, k->seeds[i].host);
    }
    mem_free(&k->account, k->seeds);
    mem_free(&k->account, k->nodes);
    /* What is left is the cluster itself. */
    assert(mem_used(&k->account) == mem_usable(k));
    struct mem_account end;
    mem_account_init(&end);
    mem_hand_over(&k->account, &end, k);
    mem_free(&end, k);
}

static struct engram_cluster *alloc_body(int64_t fail_after)
{
    struct mem_account start;
    mem_account_init(&start);
    start.fail_after = fail_after;
    struct engram_cluster *k = mem_alloc_zeroed(&start, sizeof *k);
    if (k != NULL) {
        mem_account_init(&k->account);
        mem_hand_over(&start, &k->account, k);
        k->account.fail_after = start.fail_after;
    }
    return k;
}

struct engram_cluster *
cluster_create_in(const struct engram_cluster_options *o,
                  const struct cluster_env *env, enum engram_status *st)
{
    struct engram_cluster_options options;
    struct engram_options like;
    if (!read_options(&options, o) || !read_conn_options(&like, options.conn)) {
        *st = ENGRAM_INVALID;
        return NULL;
    }
    struct engram_cluster *k = alloc_body(env->fail_after);
    if (k == NULL) {
        *st = ENGRAM_NOMEM;
        return NULL;
    }
    k->options = options;
    k->env = *env;
    random_init(&k->random, env->conn.seed);
    k->attempts_max = like.attempts_max;
    like.attempts_max = 0;
    k->next_deadline_us = REQUEST_NO_DEADLINE;
    memset(k->owners, 0xff, sizeof k->owners);
    *st = read_seeds(k, options.seeds, options.seed_count, &like);
    if (*st != ENGRAM_OK) {
        if (k->control != NULL) {
            options.hooks.detach(k->control, options.hooks.loop);
            engram_conn_destroy(&k->control);
        }
        free_body(k);
        return NULL;
    }
    k->options.seeds = NULL;
    k->options.conn = NULL;
    k->conn_options = like;
    return k;
}

static int64_t real_now_us(void *arg)
{
    (void)arg;
    return clock_monotonic_us();
}

struct engram_cluster *
engram_cluster_create(const struct engram_cluster_options *o,
                      enum engram_status *st)
{
    struct cluster_env env = { .conn = { .now_us = real_now_us,
                                         .fail_after = -1 },
                               .fail_after = -1 };
    enum engram_status unasked;
    if (random_secret(&env.conn.seed, sizeof env.conn.seed) != ST_OK) {
        env.conn.seed = (uint64_t)clock_monotonic_us();
    }
    return cluster_create_in(o, &env, st == NULL ? &unasked : st);
}

/* ---- entering and leaving ---- */

void cluster_enter(struct engram_cluster *k)
{
    k->depth++;
}

void cluster_leave(struct engram_cluster *k)
{
    assert(k->depth > 0);
    if (k->depth == 1) {
        cluster_fail_requests(k);
        cluster_tell_drained(k);
    }
    k->depth--;
    if (k->depth > 0) {
        return;
    }
    cluster_free_gone(k);
    if (k->is_destroyed) {
        free_body(k);
    }
}

static void fail_all(struct engram_cluster *k, struct cluster_list *l,
                     enum engram_status why)
{
    while (l->head != NULL) {
        cluster_fail(k, l->head, why);
    }
}

void cluster_end(struct engram_cluster *k, enum engram_status why)
{
    cluster_enter(k);
    k->is_open = false;
    k->is_ending = true;
    k->ending_why = why;
    k->has_map = false;
    k->is_refusing = false;
    k->ends++;
    k->next_deadline_us = REQUEST_NO_DEADLINE;
    k->refresh = (struct cluster_refresh){ .is_running = false };
    conn_set_alarm(k->control, REQUEST_NO_DEADLINE, NULL, NULL);
    engram_conn_close(k->control);
    fail_all(k, &k->parked, why);
    for (uint16_t i = 0; i < k->node_cap; i++) {
        if (k->nodes[i] != NULL) {
            fail_all(k, &k->nodes[i]->queue, why);
        }
    }
    memset(k->owners, 0xff, sizeof k->owners);
    cluster_drop_nodes(k);
    cluster_fail_requests(k);
    k->is_ending = false;
    cluster_leave(k);
}

enum engram_status engram_cluster_open(struct engram_cluster *k)
{
    if (k->is_open || k->is_ending || k->is_destroyed) {
        return ENGRAM_INVALID;
    }
    k->is_open = true;
    cluster_refresh_now(k);
    cluster_refresh_begin(k);
    return ENGRAM_OK;
}

void engram_cluster_close(struct engram_cluster *k)
{
    if (k->is_open) {
        cluster_end(k, ENGRAM_CANCELLED);
    }
}

void engram_cluster_destroy(struct engram_cluster **cluster)
{
    struct engram_cluster *k = *cluster;
    *cluster = NULL;
    if (k == NULL) {
        return;
    }
    assert(!k->is_destroyed);
    cluster_enter(k);
    k->is_destroyed = true;
    engram_cluster_close(k);
    k->options.hooks.detach(k->control, k->options.hooks.loop);
    engram_conn_destroy(&k->control);
    cluster_leave(k);
}

/* ---- questions ---- */

void cluster_set_error(struct engram_cluster *k, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(k->error, sizeof k->error, format, values);
    va_end(values);
}

int engram_cluster_is_ready(const struct engram_cluster *k)
{
    return k->has_map;
}

const char *engram_cluster_error(const struct engram_cluster *k)
{
    return k->error;
}

void *engram_cluster_arg(const struct engram_cluster *k)
{
    return k->options.arg;
}

int engram_cluster_slot(const void *key, size_t len)
{
    return slots_of_key(slice_of(key, len));
}

static uint64_t memory_of(const struct engram_cluster *k)
{
    uint64_t bytes = mem_used(&k->account) + mem_used(&k->control->account);
    for (uint16_t i = 0; i < k->node_cap; i++) {
        bytes +=
            k->nodes[i] == NULL ? 0 : mem_used(&k->nodes[i]->conn->account);
    }
    for (const struct cluster_node *n = k->leaving; n != NULL; n = n->next) {
        bytes += mem_used(&n->conn->account);
    }
    return bytes;
}

void engram_cluster_counters(const struct engram_cluster *k,
                             struct engram_cluster_counters *out, size_t size)
{
    struct engram_cluster_counters now = k->counters;
    now.memory_bytes = memory_of(k);
    now.queued_bytes = k->queued_bytes;
    now.in_flight = k->in_flight;
    now.nodes = k->node_count;
    sized_fill(out, size, &now, sizeof now);
}
