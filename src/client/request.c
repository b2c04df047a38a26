/* request: lists, the pool, and the names that matter to the client. */
#include "client/request.h"

#include <assert.h>

#include "base/slice.h"

void request_push(struct request_list *l, struct request *r)
{
    r->next = NULL;
    if (l->tail == NULL) {
        l->head = r;
    } else {
        l->tail->next = r;
    }
    l->tail = r;
    l->count++;
}

struct request *request_pop(struct request_list *l)
{
    struct request *r = l->head;
    if (r == NULL) {
        assert(l->count == 0);
        return NULL;
    }
    l->head = r->next;
    if (l->head == NULL) {
        l->tail = NULL;
    }
    l->count--;
    return r;
}

struct request *request_acquire(struct node_pool *p)
{
    struct request *r = node_acquire(p);
    if (r != NULL) {
        *r = (struct request){ .deadline_us = REQUEST_NO_DEADLINE };
    }
    return r;
}

void request_release(struct node_pool *p, struct request *r)
{
    assert(r->kept == NULL);
    node_release(p, r);
}

enum request_kind request_kind_of(const char *name, size_t len)
{
    /* The short ones first. */
    static const struct {
        const char *name;
        uint8_t len;
        uint8_t kind;
    } known[] = {
#define KNOWN(name, kind) { name, sizeof name - 1, kind }
        KNOWN("exec", REQUEST_TRANSACTION_END),
        KNOWN("auth", REQUEST_STATE),
        KNOWN("quit", REQUEST_STATE),
        KNOWN("multi", REQUEST_MULTI),
        KNOWN("watch", REQUEST_WATCH),
        KNOWN("reset", REQUEST_RESET),
        KNOWN("hello", REQUEST_STATE),
        KNOWN("client", REQUEST_STATE),
        KNOWN("select", REQUEST_STATE),
        KNOWN("discard", REQUEST_TRANSACTION_END),
        KNOWN("unwatch", REQUEST_UNWATCH),
        KNOWN("monitor", REQUEST_MONITOR),
        KNOWN("readonly", REQUEST_STATE),
        KNOWN("subscribe", REQUEST_SUBSCRIBE),
        KNOWN("readwrite", REQUEST_STATE),
        KNOWN("psubscribe", REQUEST_PSUBSCRIBE),
        KNOWN("ssubscribe", REQUEST_SSUBSCRIBE),
        KNOWN("unsubscribe", REQUEST_UNSUBSCRIBE),
        KNOWN("punsubscribe", REQUEST_PUNSUBSCRIBE),
        KNOWN("sunsubscribe", REQUEST_SUNSUBSCRIBE),
#undef KNOWN
    };
    /* None of them has fewer letters; GET and SET need not be looked for. */
    if (len < sizeof "exec" - 1 || len > sizeof "punsubscribe" - 1) {
        return REQUEST_PLAIN;
    }
    for (size_t i = 0;
         i < sizeof known / sizeof known[0] && known[i].len <= len; i++) {
        if (known[i].len == len &&
            slice_equal_nocase(slice_of(name, len), known[i].name)) {
            return (enum request_kind)known[i].kind;
        }
    }
    return REQUEST_PLAIN;
}
