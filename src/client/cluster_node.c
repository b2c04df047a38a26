/* cluster_node: the nodes and their connections.
 *
 * A node's connection is opened with the first command for it and then stays; it
 * tries again by itself when it breaks. Commands are handed to it only while it is
 * ready, so that those that wait can still go to another node. A node that the
 * map does not name any more takes nothing new and ends when it has answered. */
#include "client/cluster_priv.h"

#include <assert.h>
#include <stdio.h>

#include "base/number.h"

enum { NODES_MIN = 8 };

struct cluster_node *cluster_node_at(struct engram_cluster *k, uint16_t place)
{
    return place < k->node_cap ? k->nodes[place] : NULL;
}

bool cluster_node_is_failing(const struct cluster_node *n)
{
    return n->conn->state != LINK_READY && n->conn->failures > 0;
}

struct cluster_node *cluster_find_node(struct engram_cluster *k,
                                       struct slice host, uint16_t port)
{
    for (uint16_t i = 0; i < k->node_cap; i++) {
        struct cluster_node *n = k->nodes[i];
        if (n != NULL && n->conn->target.port == port &&
            slice_equal(slice_of_text(n->conn->target.host), host)) {
            return n;
        }
    }
    return NULL;
}

/* ---- what its connection tells ---- */

static void bury(struct cluster_node *n);

static void on_ready(struct engram_conn *c, void *arg)
{
    struct cluster_node *n = arg;
    struct engram_cluster *k = n->cluster;
    cluster_enter(k);
    /* A replica answers reads only after this; to a master it means nothing.
     * Where there is no memory for it, reads are redirected. */
    if (k->options.read_from != ENGRAM_READ_MASTER) {
        (void)engram_send(c, NULL, NULL, NULL, "READONLY");
    }
    cluster_send_queue(n);
    cluster_leave(k);
}

static void on_ended(struct engram_conn *c, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct cluster_node *n = arg;
    struct engram_cluster *k = n->cluster;
    (void)why;
    (void)retry_ms;
    cluster_enter(k);
    if (n->is_leaving) {
        bury(n);
    } else {
        cluster_set_error(k, "%s", c->error);
        cluster_refresh_want(k);
        cluster_reroute_queue(n);
    }
    cluster_leave(k);
}

/* ---- coming ---- */

struct engram_options cluster_conn_options(const struct engram_cluster *k)
{
    struct engram_options o = k->conn_options;
    target_recall(&k->control->target, &o);
    return o;
}

/* A free place for it. */
static bool make_room(struct engram_cluster *k, uint16_t *place)
{
    for (uint16_t i = 0; i < k->node_cap; i++) {
        if (k->nodes[i] == NULL) {
            *place = i;
            return true;
        }
    }
    uint16_t cap = k->node_cap == 0 ? NODES_MIN : (uint16_t)(k->node_cap * 2);
    struct cluster_node **grown =
        mem_realloc(&k->account, k->nodes, cap * sizeof grown[0]);
    if (grown == NULL) {
        return false;
    }
    memset(grown + k->node_cap, 0, (cap - k->node_cap) * sizeof grown[0]);
    *place = k->node_cap;
    k->nodes = grown;
    k->node_cap = cap;
    return true;
}

static enum engram_status connect_node(struct cluster_node *n,
                                       struct slice host, uint16_t port)
{
    struct engram_cluster *k = n->cluster;
    char text[TOPOLOGY_HOST_BYTES_MAX + 1];
    struct engram_options o = cluster_conn_options(k);
    struct conn_env env = k->env.conn;
    enum engram_status st = ENGRAM_OK;
    assert(host.len > 0 && host.len < sizeof text);
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    o.host = text;
    o.port = port;
    env.seed = random_next(&k->random);
    n->conn = conn_create_in(&o, &env, &st);
    if (n->conn == NULL) {
        return st;
    }
    n->conn->tap = (struct conn_tap){ .is_sole = true,
                                      .on_ready = on_ready,
                                      .on_ended = on_ended,
                                      .arg = n };
    conn_share_tls(n->conn, k->control);
    st = k->options.hooks.attach(n->conn, k->options.hooks.loop);
    if (st != ENGRAM_OK) {
        engram_conn_destroy(&n->conn);
    }
    return st;
}

enum engram_status cluster_need_node(struct engram_cluster *k,
                                     struct slice host, uint16_t port,
                                     struct cluster_node **out)
{
    *out = cluster_find_node(k, host, port);
    if (*out != NULL) {
        return ENGRAM_OK;
    }
    if (k->node_count == CLUSTER_NODES_MAX) {
        return ENGRAM_WOULD_BLOCK;
    }
    uint16_t place;
    struct cluster_node *n =
        make_room(k, &place) ? mem_alloc_zeroed(&k->account, sizeof *n) : NULL;
    if (n == NULL) {
        return ENGRAM_NOMEM;
    }
    n->cluster = k;
    n->place = place;
    n->master = CLUSTER_NO_NODE;
    n->first_replica = CLUSTER_NO_NODE;
    n->next_replica = CLUSTER_NO_NODE;
    enum engram_status st = connect_node(n, host, port);
    if (st != ENGRAM_OK) {
        mem_free(&k->account, n);
        return st;
    }
    k->nodes[place] = n;
    k->node_count++;
    *out = n;
    return ENGRAM_OK;
}

/* ---- going ---- */

/* Its connection ends at once; its memory goes with the outermost
 * cluster_leave. */
static void bury(struct cluster_node *n)
{
    struct engram_cluster *k = n->cluster;
    for (struct cluster_node **at = &k->leaving; *at != NULL;
         at = &(*at)->next) {
        if (*at == n) {
            *at = n->next;
            break;
        }
    }
    n->next = k->gone;
    k->gone = n;
    k->options.hooks.detach(n->conn, k->options.hooks.loop);
    engram_conn_destroy(&n->conn);
}

void cluster_remove_node(struct cluster_node *n)
{
    struct engram_cluster *k = n->cluster;
    k->nodes[n->place] = NULL;
    k->node_count--;
    n->is_leaving = true;
    cluster_reroute_queue(n);
    n->next = k->leaving;
    k->leaving = n;
    if (engram_conn_is_closed(n->conn)) {
        bury(n);
    } else {
        engram_conn_finish(n->conn);
    }
}

void cluster_drop_nodes(struct engram_cluster *k)
{
    struct cluster_node *n;
    for (uint16_t i = 0; i < k->node_cap; i++) {
        n = k->nodes[i];
        if (n != NULL) {
            k->nodes[i] = NULL;
            k->node_count--;
            bury(n);
        }
    }
    while ((n = k->leaving) != NULL) {
        bury(n);
    }
}

void cluster_free_gone(struct engram_cluster *k)
{
    struct cluster_node *n;
    while ((n = k->gone) != NULL) {
        k->gone = n->next;
        assert(n->queue.head == NULL);
        mem_free(&k->account, n);
    }
}

/* ---- for the program ---- */

struct cluster_node *cluster_find_named(struct engram_cluster *k,
                                        struct slice name)
{
    uint64_t port;
    size_t colon = name.len;
    while (colon > 0 && name.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 ||
        !number_parse_uint64(slice_of(name.data + colon, name.len - colon),
                             &port) ||
        port > UINT16_MAX) {
        return NULL;
    }
    return cluster_find_node(k, slice_of(name.data, colon - 1),
                             (uint16_t)port);
}

size_t engram_cluster_each(struct engram_cluster *k, engram_cluster_node_fn *fn,
                           void *arg)
{
    uint16_t slots[CLUSTER_NODES_MAX] = { 0 };
    size_t count = 0;
    for (size_t slot = 0; slot < SLOTS_COUNT; slot++) {
        if (k->owners[slot] != CLUSTER_NO_NODE) {
            slots[k->owners[slot]]++;
        }
    }
    for (uint16_t i = 0; i < k->node_cap; i++) {
        const struct cluster_node *n = k->nodes[i];
        if (n == NULL || !n->is_mapped) {
            continue;
        }
        char name[TOPOLOGY_HOST_BYTES_MAX + sizeof ":65535"];
        (void)snprintf(name, sizeof name, "%s:%d", n->conn->target.host,
                       n->conn->target.port);
        const struct engram_cluster_node told = {
            .size = sizeof told,
            .name = name,
            .host = n->conn->target.host,
            .port = n->conn->target.port,
            .is_master = n->master == CLUSTER_NO_NODE,
            .is_ready = engram_conn_is_ready(n->conn),
            .slot_count = slots[i],
        };
        fn(k, &told, arg);
        count++;
    }
    return count;
}

struct engram_conn *engram_cluster_conn(struct engram_cluster *k,
                                        const void *key, size_t len)
{
    struct cluster_node *n =
        cluster_node_at(k, k->owners[slots_of_key(slice_of(key, len))]);
    if (n == NULL || !k->is_open) {
        return NULL;
    }
    if (engram_conn_is_closed(n->conn)) {
        (void)engram_conn_open(n->conn);
    }
    return n->conn;
}
