/* cluster_priv: the cluster's body and what its files ask of each other.
 *
 *   cluster_send.c     takes commands, calls them back
 *   cluster_route.c    which node; replies that are redirections
 *   cluster_node.c     nodes and their connections
 *   cluster_refresh.c  the map: whom to ask, what becomes of the answer
 *   cluster_timer.c    deadlines, delays
 *
 * Each command (struct cluster_request) stands in one list at a time:
 *
 *   node->queue   until its node's connection is ready
 *   k->sent       its connection has it and will call back
 *   k->parked     until its time, or until there is a map
 *   k->failing    about to be called back with `failure`
 *
 * Connections call in between cluster_enter and cluster_leave. What the program
 * does in a callback may end nodes and the cluster itself: their memory goes
 * back in the outermost cluster_leave. */
#ifndef ENGRAM_CLIENT_CLUSTER_PRIV_H
#define ENGRAM_CLIENT_CLUSTER_PRIV_H

#include <engram/cluster.h>

#include "client/conn_priv.h"
#include "client/redirect.h"
#include "client/topology.h"

enum {
    /* The map's, and those that redirections have named since. */
    CLUSTER_NODES_MAX = 2 * TOPOLOGY_NODES_MAX,
    CLUSTER_NO_NODE = TOPOLOGY_NO_NODE,
    CLUSTER_ERROR_BYTES = 512,
    CLUSTER_POOL_MAX = 1024, /* requests kept for the next ones */
};

/* The world, as tests replace it. */
struct cluster_env {
    struct conn_env conn; /* each connection gets its own seed */
    int64_t fail_after;   /* of the cluster's account; conn has the others' */
};

struct cluster_request;

struct cluster_list {
    struct cluster_request *head, *tail;
};

struct cluster_request {
    struct cluster_request *next, *prev;
    struct cluster_list *in;
    struct engram_cluster *cluster;
    struct cluster_node *node; /* in `queue` of, or sent to; also if it is bound */
    struct engram_command *cmd;
    engram_cluster_reply_fn *on_reply;
    engram_event_fn *on_event;
    void *arg;
    int64_t deadline_us;
    int64_t retry_at_us; /* parked; NO_DEADLINE: until there is a map */
    uint16_t slot;       /* SLOT_NONE: any node will do */
    uint16_t tries;      /* since it was sent first, delays between */
    uint16_t redirections; /* since the last delay */
    bool is_asking;
    bool is_bound; /* to `node`, by the program */
    bool is_sent;
    bool is_abandoned; /* has been called back; its reply is dropped */
    bool is_blocking, is_idempotent, is_read;
    uint8_t failure;
};

struct cluster_node {
    struct engram_cluster *cluster;
    struct engram_conn *conn;
    uint16_t place; /* in `nodes` */
    uint16_t master; /* whose replica it is; NO_NODE: none's */
    uint16_t first_replica, next_replica;
    uint16_t turn;  /* of the replicas */
    bool is_mapped; /* the last map named it */
    bool is_leaving;
    struct cluster_list queue;
    struct cluster_node *next; /* of those that leave, or have left */
};

struct cluster_seed {
    char *host;
    uint16_t port;
};

/* How the map is asked for. */
struct cluster_refresh {
    bool is_wanted; /* at `at_us` */
    bool is_running;
    int64_t at_us;
    int64_t ended_us;  /* the last one; NO_DEADLINE */
    uint32_t attempt;  /* of the round */
    uint32_t failures; /* rounds in a row */
    uint16_t cursor;   /* the node asked last */
    enum engram_status why; /* the last attempt has failed */
};

struct engram_cluster {
    struct mem_account account;
    struct engram_cluster_options options; /* seeds, conn: NULL */
    struct cluster_env env;
    struct random random;
    /* Asks for the map, has the alarm, and knows what all connections are to be
     * like. Never NULL. */
    struct engram_conn *control;
    struct engram_options conn_options; /* its strings are control's */
    uint32_t attempts_max;
    struct cluster_seed *seeds;
    size_t seed_count;
    int64_t now_us;

    bool is_open, has_map, is_destroyed;
    bool is_ending;
    enum engram_status ending_why;
    uint64_t ends;  /* another each time it has been closed */
    uint32_t depth; /* of callbacks */

    struct cluster_node **nodes; /* NULL where one has left */
    uint16_t node_count, node_cap;
    uint16_t any_turn; /* of commands without a key */
    uint16_t owners[SLOTS_COUNT];
    struct cluster_node *leaving, *gone;
    struct cluster_refresh refresh;

    struct cluster_list sent, parked, failing;
    struct cluster_request *free; /* linked by `next` */
    size_t free_count;
    size_t in_flight, queued_bytes;
    size_t kept_bytes; /* of no use here; commands ask for one */
    bool is_refusing;  /* a send was refused; on_drained is owed */
    size_t refused_bytes;
    int64_t next_deadline_us; /* no request's is earlier; NO_DEADLINE */

    /* The redirection that came where a reply was wanted in pieces. */
    char event_error[CLUSTER_ERROR_BYTES];
    size_t event_error_len;

    char error[CLUSTER_ERROR_BYTES];
    struct engram_cluster_counters counters;
};

/* ---- cluster.c ---- */
struct engram_cluster *
cluster_create_in(const struct engram_cluster_options *o,
                  const struct cluster_env *env, enum engram_status *st);
void cluster_enter(struct engram_cluster *k);
/* The cluster may be gone afterwards. */
void cluster_leave(struct engram_cluster *k);
/* Ends everything; what waits is called back with `why`. */
void cluster_end(struct engram_cluster *k, enum engram_status why);
void cluster_set_error(struct engram_cluster *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- cluster_send.c ---- */
void cluster_push(struct cluster_list *l, struct cluster_request *r);
void cluster_unlink(struct cluster_request *r);
/* To be called back with `why` in cluster_leave. */
void cluster_fail(struct engram_cluster *k, struct cluster_request *r,
                  enum engram_status why);
/* Frees the request after its one callback. */
void cluster_finish(struct cluster_request *r, enum engram_status st,
                    const struct engram_reply *reply);
void cluster_fail_requests(struct engram_cluster *k);
void cluster_tell_drained(struct engram_cluster *k);

/* ---- cluster_route.c ---- */
/* Sends it to where it belongs, or lets it wait there. NOMEM: it is in no list. */
enum engram_status cluster_route(struct engram_cluster *k,
                                 struct cluster_request *r);
/* As cluster_route; it fails where there is no memory. It is taken off its
 * list. */
void cluster_route_again(struct engram_cluster *k, struct cluster_request *r);
/* Routes anew what waits for this node's connection. */
void cluster_reroute_queue(struct cluster_node *n);
/* The connection is ready: sends what waits for it. */
void cluster_send_queue(struct cluster_node *n);

/* ---- cluster_node.c ---- */
/* NULL: none. */
struct cluster_node *cluster_find_node(struct engram_cluster *k,
                                       struct slice host, uint16_t port);
/* "host:port"; NULL: none. */
struct cluster_node *cluster_find_named(struct engram_cluster *k,
                                        struct slice name);
/* Finds it or makes it; it is not connected. NOMEM; WOULD_BLOCK: there are too
 * many. */
enum engram_status cluster_need_node(struct engram_cluster *k,
                                     struct slice host, uint16_t port,
                                     struct cluster_node **out);
struct cluster_node *cluster_node_at(struct engram_cluster *k, uint16_t place);
/* The last attempt to connect has failed, and none has succeeded since. */
bool cluster_node_is_failing(const struct cluster_node *n);
/* What waits for it is routed anew; its connection ends when all that was sent
 * is answered. */
void cluster_remove_node(struct cluster_node *n);
/* At once. Its connection calls back what was sent. */
void cluster_drop_nodes(struct engram_cluster *k);
void cluster_free_gone(struct engram_cluster *k);
/* What the connections of this cluster are like, with strings that live as long
 * as it does; where to is missing. */
struct engram_options cluster_conn_options(const struct engram_cluster *k);

/* ---- cluster_refresh.c ---- */
void cluster_refresh_want(struct engram_cluster *k);
/* At once: the first time. */
void cluster_refresh_begin(struct engram_cluster *k);
/* `control` has said what becomes of its connection. */
void cluster_refresh_on_ready(struct engram_conn *c, void *arg);
void cluster_refresh_on_ended(struct engram_conn *c, enum engram_status why,
                              int retry_ms, void *arg);
void cluster_refresh_run(struct engram_cluster *k);

/* ---- cluster_timer.c ---- */
void cluster_refresh_now(struct engram_cluster *k);
/* `min_ms` doubled with each failure up to `max_ms`, less a random part. */
int64_t cluster_backoff_us(struct engram_cluster *k, int min_ms, int max_ms,
                           uint32_t failures);
/* Routes anew what is parked until `until_us` or earlier; NO_DEADLINE: what waits
 * for a map. */
void cluster_resume_parked(struct engram_cluster *k, int64_t until_us);
/* The alarm rings at `at_us`, or earlier. */
void cluster_wake(struct engram_cluster *k, int64_t at_us);

#endif
