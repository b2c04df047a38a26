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

/* A range: first, last, primary (host, port, id), replicas. */
static bool take_range(struct cluster *c, const struct engram_reply *range,
                       const char *asked_host)
{
    const struct engram_reply *primary = engram_reply_at(range, 2);
    if (primary == NULL || engram_reply_count(primary) < 3) {
        return false;
    }
    int64_t first = engram_reply_integer(engram_reply_at(range, 0));
    int64_t last = engram_reply_integer(engram_reply_at(range, 1));
    int64_t port = engram_reply_integer(engram_reply_at(primary, 1));
    const char *host = engram_reply_text(engram_reply_at(primary, 0), NULL);
    if (first < 0 || first > last || last >= CLUSTER_SLOTS || port < 1
        || port > UINT16_MAX) {
        return false;
    }
    struct node *n = node_of(
        c, *host == '\0' ? asked_host : host, (int)port,
        engram_reply_text(engram_reply_at(primary, 2), NULL));
    for (int64_t s = first; s <= last && n->slot_count < CLUSTER_SLOTS; s++) {
        n->slots[n->slot_count++] = (uint16_t)s;
    }
    return true;
}

static bool take_slots(struct cluster *c, const struct engram_reply *reply,
                       const char *asked_host, char *why, size_t why_size)
{
    if (engram_reply_is_error(reply)) {
        (void)snprintf(why, why_size, "Error from server: %s",
                       engram_reply_text(reply, NULL));
        return false;
    }
    for (size_t i = 0; i < engram_reply_count(reply); i++) {
        if (!take_range(c, engram_reply_at(reply, i), asked_host)) {
            (void)snprintf(why, why_size, "Error: CLUSTER SLOTS is malformed");
            return false;
        }
    }
    if (c->node_count == 0) {
        (void)snprintf(why, why_size, "Error: the cluster has no slots");
        return false;
    }
    return true;
}

bool cluster_find(struct cluster *c, const struct engram_options *link,
                  char *why, size_t why_size)
{
    enum engram_status st = ENGRAM_OK;
    bool ok = false;
    *c = (struct cluster){.node_count = 0};
    cluster_make_tags(c->tags);
    struct engram_conn *conn = engram_conn_create(link, &st);
    struct engram_reply *reply = conn == NULL
                                     ? NULL
                                     : engram_call(conn, &st, "CLUSTER SLOTS");
    if (reply != NULL) {
        ok = take_slots(c, reply, link->host, why, why_size);
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
    fprintf(out, "Cluster has %zu primary nodes:\n\n", c->node_count);
    for (size_t i = 0; i < c->node_count; i++) {
        fprintf(out, "Node %zu(Primary): %s %s:%d\n", i, c->nodes[i].id,
                c->nodes[i].host, c->nodes[i].port);
    }
    fprintf(out, "\n");
}
