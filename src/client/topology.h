/* topology: what CLUSTER SLOTS says, read and checked: nodes, and which of them
 * serves each slot. The reply is not trusted: all that is made of it is bounded,
 * and one that makes no sense is refused as a whole. */
#ifndef ENGRAM_CLIENT_TOPOLOGY_H
#define ENGRAM_CLIENT_TOPOLOGY_H

#include <engram/engram.h>

#include "base/mem.h"
#include "client/slots.h"

enum {
    TOPOLOGY_NODES_MAX = 1024,
    TOPOLOGY_HOST_BYTES_MAX = 255,
    TOPOLOGY_NO_NODE = UINT16_MAX,
};

struct topology_node {
    char *host;
    uint16_t port;
    uint16_t master; /* whose replica it is; NO_NODE: it is a master */
};

struct topology {
    struct mem_account *account;
    struct topology_node *nodes;
    uint16_t count, cap;
    uint16_t owners[SLOTS_COUNT]; /* a node's place; NO_NODE */
};

/* `asked_host` stands for hosts that the reply leaves out. NOMEM; PROTOCOL: it
 * makes no sense, and *why is a static text. Nothing is kept then. */
enum engram_status topology_init(struct topology *t,
                                 struct mem_account *account,
                                 const struct engram_reply *reply,
                                 const char *asked_host, const char **why);
void topology_deinit(struct topology *t);

#endif
