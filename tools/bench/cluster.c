/* cluster: CLUSTER SLOTS, read once. Slots that move meanwhile end the test with
 * the server's own words. */
#include "bench/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <engram/cluster.h>

#include "bench/memory.h"

/* ---- tags ---- */

/* Of the words of three letters there are enough for all slots; the later ones
 * overwrite the earlier. */
void cluster_make_tags(char tags[CLUSTER_SLOTS][TAG_BYTES])
{
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    enum { LETTERS = sizeof letters - 1 };
    for (unsigned i = 0; i < LETTERS * LETTERS * LETTERS; i++) {
        char tag[TAG_BYTES] = {letters[i % LETTERS],
                               letters[i / LETTERS % LETTERS],
                               letters[i / LETTERS / LETTERS]};
        memcpy(tags[engram_cluster_slot(tag, sizeof tag)], tag, sizeof tag);
    }
}

/* ---- asking ---- */

static struct node *node_of(struct cluster *c, const char *host, int port,
                            const char *id)
{
    for (size_t i = 0; i < c->node_count; i++) {
        if (c->nodes[i].port == port && strcmp(c->nodes[i].host, host) == 0) {
            return &c->nodes[i];
        }
    }
    c->nodes = memory_grow(c->nodes, c->node_count + 1, sizeof c->nodes[0]);
    struct node *n = &c->nodes[c->node_count++];
    *n = (struct node){
        .host = memory_text(host, strlen(host)),
        .port = port,
        .id = memory_text(id, strlen(id)),
        .slots = memory_zeroed(CLUSTER_SLOTS, sizeof n->slots[0]),
    };
    return n;
}

struct asking {
    struct cluster *cluster;
    enum cluster_readers readers;
    const char *host; /* a node that does not know its own is where we asked */
};

/* Host, port, id; it has the slots from `first` to `last`. */
static bool take_node(const struct asking *a, const struct engram_reply *r,
                      bool is_replica, int64_t first, int64_t last)
{
    if (r == NULL || engram_reply_count(r) < 3) {
        return false;
    }
    const char *host = engram_reply_text(engram_reply_at(r, 0), NULL);
    int64_t port = engram_reply_integer(engram_reply_at(r, 1));
    if (port < 1 || port > UINT16_MAX) {
        return false;
    }
    struct node *n = node_of(a->cluster, *host == '\0' ? a->host : host,
                             (int)port,
                             engram_reply_text(engram_reply_at(r, 2), NULL));
    n->is_replica = is_replica;
    for (int64_t s = first; s <= last && n->slot_count < CLUSTER_SLOTS; s++) {
        n->slots[n->slot_count++] = (uint16_t)s;
    }
    return true;
}

/* A range: first slot, last slot, the primary, its replicas. */
static bool take_range(const struct asking *a, const struct engram_reply *range)
{
    enum { PRIMARY = 2 };
    size_t count = engram_reply_count(range);
    int64_t first = engram_reply_integer(engram_reply_at(range, 0));
    int64_t last = engram_reply_integer(engram_reply_at(range, 1));
    if (count <= PRIMARY || first < 0 || first > last
        || last >= CLUSTER_SLOTS) {
        return false;
    }
    for (size_t i = PRIMARY; i < count; i++) {
        bool is_replica = i > PRIMARY;
        bool is_wanted = a->readers == CLUSTER_ALL
                         || is_replica == (a->readers == CLUSTER_REPLICAS);
        if (is_wanted
            && !take_node(a, engram_reply_at(range, i), is_replica, first,
                          last)) {
            return false;
        }
    }
    return true;
}

static bool take_slots(const struct asking *a, const struct engram_reply *reply,
                       char *why, size_t why_size)
{
    if (engram_reply_is_error(reply)) {
        (void)snprintf(why, why_size, "Error from server: %s",
                       engram_reply_text(reply, NULL));
        return false;
    }
    for (size_t i = 0; i < engram_reply_count(reply); i++) {
        if (!take_range(a, engram_reply_at(reply, i))) {
            (void)snprintf(why, why_size, "Error: CLUSTER SLOTS is malformed");
            return false;
        }
    }
    if (a->cluster->node_count == 0) {
        (void)snprintf(why, why_size, "Error: the cluster has no such nodes");
        return false;
    }
    return true;
}

bool cluster_find(struct cluster *c, const struct engram_options *link,
                  enum cluster_readers readers, char *why, size_t why_size)
{
    const struct asking asking = {c, readers, link->host};
    enum engram_status st = ENGRAM_OK;
    bool ok = false;
    *c = (struct cluster){.node_count = 0};
    cluster_make_tags(c->tags);
    struct engram_conn *conn = engram_conn_create(link, &st);
    struct engram_reply *reply = conn == NULL
                                     ? NULL
                                     : engram_call(conn, &st, "CLUSTER SLOTS");
    if (reply != NULL) {
        ok = take_slots(&asking, reply, why, why_size);
    } else {
        (void)snprintf(why, why_size, "Error: %s",
                       conn == NULL ? engram_status_text(st)
                                    : engram_conn_error(conn));
    }
    engram_reply_destroy(&reply);
    engram_conn_destroy(&conn);
    return ok;
}

void cluster_deinit(struct cluster *c)
{
    for (size_t i = 0; i < c->node_count; i++) {
        free(c->nodes[i].host);
        free(c->nodes[i].id);
        free(c->nodes[i].slots);
    }
    free(c->nodes);
    c->nodes = NULL;
    c->node_count = 0;
}

void cluster_print(const struct cluster *c, FILE *out)
{
    size_t replicas = 0;
    for (size_t i = 0; i < c->node_count; i++) {
        replicas += c->nodes[i].is_replica;
    }
    fprintf(out, "Cluster has %zu %snodes:\n\n", c->node_count,
            replicas == 0               ? "primary "
            : replicas == c->node_count ? "replica "
                                        : "");
    for (size_t i = 0; i < c->node_count; i++) {
        const struct node *n = &c->nodes[i];
        fprintf(out, "Node %zu(%s): %s %s:%d\n", i,
                n->is_replica ? "Replica" : "Primary", n->id, n->host, n->port);
    }
    fprintf(out, "\n");
}
