/* topology: see topology.h. An element of the reply is
 *   [first slot, last slot, master, replica ...]
 * and a node is
 *   [host or nil, port, id, [name, value ...]]
 * where the host is what clients should use: "" or nil stand for the host that
 * was asked, "?" for a name that is not known, in place of which the last part
 * may have the address. */
#include "client/topology.h"

#include <assert.h>

enum { NODES_MIN = 16, PLACES = 4096 /* a power of two, > 2 * nodes */ };

/* Nodes by host and port, while the reply is read. */
struct index {
    uint16_t places[PLACES];
};

static size_t place_of(const struct index *index, const struct topology *t,
                       struct slice host, uint16_t port)
{
    static_assert(PLACES > 2 * TOPOLOGY_NODES_MAX, "a place is always free");
    size_t at = (slots_crc16(host) ^ port * 40503u) % PLACES;
    for (;; at = (at + 1) % PLACES) {
        uint16_t n = index->places[at];
        if (n == TOPOLOGY_NO_NODE ||
            (t->nodes[n].port == port &&
             slice_equal(slice_of_text(t->nodes[n].host), host))) {
            return at;
        }
    }
}

static bool make_room(struct topology *t)
{
    if (t->count < t->cap) {
        return true;
    }
    uint16_t cap = t->cap == 0 ? NODES_MIN : (uint16_t)(t->cap * 2);
    struct topology_node *grown =
        mem_realloc(t->account, t->nodes, cap * sizeof grown[0]);
    if (grown == NULL) {
        return false;
    }
    t->nodes = grown;
    t->cap = cap;
    return true;
}

static enum engram_status add_node(struct topology *t, struct slice host,
                                   uint16_t port)
{
    char *copy = make_room(t) ? mem_alloc(t->account, host.len + 1) : NULL;
    if (copy == NULL) {
        return ENGRAM_NOMEM;
    }
    memcpy(copy, host.data, host.len);
    copy[host.len] = '\0';
    t->nodes[t->count++] = (struct topology_node){
        .host = copy, .port = port, .master = TOPOLOGY_NO_NODE
    };
    return ENGRAM_OK;
}

static struct slice text_of(const struct engram_reply *r)
{
    size_t len;
    const char *text = engram_reply_text(r, &len);
    return slice_of(text, len);
}

/* The host to connect to; no bytes: it makes no sense. */
static struct slice host_of(const struct engram_reply *node,
                            struct slice asked_host)
{
    const struct engram_reply *host = engram_reply_at(node, 0);
    struct slice text = text_of(host);
    if (slice_equal(text, SLICE_LIT("?"))) {
        const struct engram_reply *more = engram_reply_at(node, 3);
        const struct engram_reply *ip =
            more == NULL ? NULL : engram_reply_lookup(more, "ip");
        text = ip == NULL ? slice_of("", 0) : text_of(ip);
    }
    if (text.len == 0) {
        return asked_host;
    }
    bool is_sane = text.len <= TOPOLOGY_HOST_BYTES_MAX &&
                   memchr(text.data, '\0', text.len) == NULL;
    return is_sane ? text : slice_of("", 0);
}

/* *out: its place; NO_NODE: it has no port, so that nobody can connect. */
static enum engram_status find_node(struct topology *t, struct index *index,
                                    const struct engram_reply *node,
                                    struct slice asked_host, uint16_t *out)
{
    *out = TOPOLOGY_NO_NODE;
    if (engram_reply_count(node) < 2 ||
        engram_reply_type(engram_reply_at(node, 1)) != ENGRAM_TYPE_INTEGER) {
        return ENGRAM_PROTOCOL;
    }
    int64_t port = engram_reply_integer(engram_reply_at(node, 1));
    struct slice host = host_of(node, asked_host);
    if (port < 0 || port > UINT16_MAX || host.len == 0) {
        return ENGRAM_PROTOCOL;
    }
    if (port == 0) {
        return ENGRAM_OK;
    }
    size_t place = place_of(index, t, host, (uint16_t)port);
    if (index->places[place] == TOPOLOGY_NO_NODE) {
        if (t->count == TOPOLOGY_NODES_MAX) {
            return ENGRAM_PROTOCOL;
        }
        enum engram_status st = add_node(t, host, (uint16_t)port);
        if (st != ENGRAM_OK) {
            return st;
        }
        index->places[place] = (uint16_t)(t->count - 1);
    }
    *out = index->places[place];
    return ENGRAM_OK;
}

static enum engram_status read_range(struct topology *t, struct index *index,
                                     const struct engram_reply *range,
                                     struct slice asked_host)
{
    size_t count = engram_reply_count(range);
    if (count < 3 ||
        engram_reply_type(engram_reply_at(range, 0)) != ENGRAM_TYPE_INTEGER ||
        engram_reply_type(engram_reply_at(range, 1)) != ENGRAM_TYPE_INTEGER) {
        return ENGRAM_PROTOCOL;
    }
    int64_t first = engram_reply_integer(engram_reply_at(range, 0));
    int64_t last = engram_reply_integer(engram_reply_at(range, 1));
    if (first < 0 || last < first || last >= SLOTS_COUNT) {
        return ENGRAM_PROTOCOL;
    }
    uint16_t master = TOPOLOGY_NO_NODE;
    for (size_t i = 2; i < count; i++) {
        uint16_t node;
        enum engram_status st = find_node(t, index, engram_reply_at(range, i),
                                          asked_host, &node);
        if (st != ENGRAM_OK) {
            return st;
        }
        if (i == 2) {
            master = node;
        } else if (node != TOPOLOGY_NO_NODE && node != master) {
            t->nodes[node].master = master;
        }
    }
    for (int64_t slot = first; slot <= last; slot++) {
        t->owners[slot] = master;
    }
    return ENGRAM_OK;
}

/* Who serves a slot is a master, whatever else was said. False: nobody does. */
static bool settle_roles(struct topology *t)
{
    bool is_served = false;
    for (size_t slot = 0; slot < SLOTS_COUNT; slot++) {
        if (t->owners[slot] != TOPOLOGY_NO_NODE) {
            t->nodes[t->owners[slot]].master = TOPOLOGY_NO_NODE;
            is_served = true;
        }
    }
    return is_served;
}

enum engram_status topology_init(struct topology *t,
                                 struct mem_account *account,
                                 const struct engram_reply *reply,
                                 const char *asked_host, const char **why)
{
    struct index index;
    memset(&index, 0xff, sizeof index);
    *t = (struct topology){ .account = account };
    memset(t->owners, 0xff, sizeof t->owners);
    enum engram_status st = ENGRAM_OK;
    *why = "CLUSTER SLOTS: the reply makes no sense";
    if (engram_reply_type(reply) != ENGRAM_TYPE_ARRAY) {
        return ENGRAM_PROTOCOL;
    }
    size_t count = engram_reply_count(reply);
    if (count > SLOTS_COUNT) {
        return ENGRAM_PROTOCOL;
    }
    for (size_t i = 0; i < count && st == ENGRAM_OK; i++) {
        st = read_range(t, &index, engram_reply_at(reply, i),
                        slice_of_text(asked_host));
    }
    if (st == ENGRAM_OK && !settle_roles(t)) {
        *why = "CLUSTER SLOTS: no slot is served";
        st = ENGRAM_PROTOCOL;
    }
    if (st != ENGRAM_OK) {
        topology_deinit(t);
    }
    return st;
}

void topology_deinit(struct topology *t)
{
    for (size_t i = 0; i < t->count; i++) {
        mem_free(t->account, t->nodes[i].host);
    }
    mem_free(t->account, t->nodes);
    t->nodes = NULL;
    t->count = 0;
    t->cap = 0;
}
