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

void request_pool_init(struct request_pool *p, struct mem_account *account)
{
    *p = (struct request_pool){ .account = account };
}

struct request *request_acquire(struct request_pool *p)
{
    struct request *r = p->free;
    if (r != NULL) {
        p->free = r->next;
        p->free_count--;
    } else {
        r = mem_alloc(p->account, sizeof *r);
        if (r == NULL) {
            return NULL;
        }
    }
    *r = (struct request){ .deadline_us = REQUEST_NO_DEADLINE };
    return r;
}

void request_release(struct request_pool *p, struct request *r)
{
    assert(r->kept == NULL);
    r->next = p->free;
    p->free = r;
    p->free_count++;
}

void request_pool_trim(struct request_pool *p, size_t keep)
{
    while (p->free_count > keep) {
        struct request *r = p->free;
        p->free = r->next;
        p->free_count--;
        mem_free(p->account, r);
    }
}

enum request_kind request_kind_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum request_kind kind;
    } known[] = {
        { "multi", REQUEST_MULTI },
        { "exec", REQUEST_TRANSACTION_END },
        { "discard", REQUEST_TRANSACTION_END },
        { "reset", REQUEST_RESET },
        { "monitor", REQUEST_MONITOR },
        { "subscribe", REQUEST_SUBSCRIBE },
        { "psubscribe", REQUEST_PSUBSCRIBE },
        { "ssubscribe", REQUEST_SSUBSCRIBE },
        { "unsubscribe", REQUEST_UNSUBSCRIBE },
        { "punsubscribe", REQUEST_PUNSUBSCRIBE },
        { "sunsubscribe", REQUEST_SUNSUBSCRIBE },
    };
    /* None of them has fewer letters; GET and SET need not be looked for. */
    if (len < sizeof "exec" - 1 || len > sizeof "punsubscribe" - 1) {
        return REQUEST_PLAIN;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (slice_equal_nocase(slice_of(name, len), known[i].name)) {
            return known[i].kind;
        }
    }
    return REQUEST_PLAIN;
}
