/* redirect: the errors by which a cluster's node says that a command was not
 * executed and what to do about it. */
#ifndef ENGRAM_CLIENT_REDIRECT_H
#define ENGRAM_CLIENT_REDIRECT_H

#include "base/slice.h"

enum redirect_kind {
    REDIRECT_NONE,  /* an answer like any other */
    REDIRECT_MOVED, /* the slot is there from now on */
    REDIRECT_ASK,   /* this once, behind ASKING */
    REDIRECT_LATER, /* here, in a while: TRYAGAIN */
    REDIRECT_AWAY,  /* in a while, wherever the slot is then: CLUSTERDOWN, a node
                       that loads, or that is a replica by now */
};

struct redirect {
    enum redirect_kind kind;
    uint16_t slot;     /* MOVED, ASK */
    struct slice host; /* of these, in the error's text; empty: the host that
                          said so */
    uint16_t port;
};

/* `error` is the whole text of an error reply. One that is malformed is NONE. */
struct redirect redirect_parse(struct slice error);

#endif
