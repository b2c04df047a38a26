/* request: what waits for a reply. Nodes stand in one list at a time; moving one
 * from list to list needs no memory, so that the path of failure cannot fail. */
#ifndef ENGRAM_CLIENT_REQUEST_H
#define ENGRAM_CLIENT_REQUEST_H

#include <engram/engram.h>

#include "base/nodes.h"
#include "client/command.h"

/* What a command does to the connection it is said on. */
enum request_kind {
    REQUEST_PLAIN,
    REQUEST_STATE, /* SELECT, CLIENT and others that may leave traces */
    REQUEST_WATCH,
    REQUEST_UNWATCH,
    REQUEST_MULTI,
    REQUEST_TRANSACTION_END, /* EXEC, DISCARD */
    REQUEST_RESET,
    REQUEST_MONITOR,
    /* The subscribing ones and then, in the same order, their opposites. */
    REQUEST_SUBSCRIBE,
    REQUEST_PSUBSCRIBE,
    REQUEST_SSUBSCRIBE,
    REQUEST_UNSUBSCRIBE,
    REQUEST_PUNSUBSCRIBE,
    REQUEST_SUNSUBSCRIBE,
};

enum { REQUEST_NO_DEADLINE = -1 };

struct request {
    struct request *next;
    engram_reply_fn *on_reply;
    engram_event_fn *on_event;
    void *arg;
    int64_t deadline_us; /* REQUEST_NO_DEADLINE */
    /* Where its bytes begin and end in the stream of all bytes ever queued on
     * this connection's chain. */
    uint64_t begin, end;
    /* What is sent again, if the connection breaks; NULL: it is not. */
    struct engram_command *kept;
    uint32_t confirmations; /* still to come; 0: not known yet, see
                               subscription.c */
    uint8_t kind;
    bool is_blocking;
    bool is_abandoned; /* has been called back; its reply is dropped */
    uint8_t failure;   /* the status it is called back with from `failing` */
};

struct request_list {
    struct request *head, *tail;
    size_t count;
};

void request_push(struct request_list *l, struct request *r);
/* NULL: the list is empty. */
struct request *request_pop(struct request_list *l);

/* Of a pool of nodes of sizeof(struct request). NULL: out of memory. The node is
 * cleared. */
struct request *request_acquire(struct node_pool *p);
void request_release(struct node_pool *p, struct request *r);

/* Case does not matter. */
enum request_kind request_kind_of(const char *name, size_t len);

#endif
