/* request: lists, the pool, and the names that matter to the client. */
#include "client/request.h"

#include <assert.h>

#include "base/slice.h"

/* A block is aligned to its size, so that a node's address tells its block. */
enum { BLOCK_BYTES = 4096 };

struct request_block {
    struct request_block *prev, *next; /* while it has free nodes */
    struct request *free;
    size_t used_count;
    struct request nodes[];
};

enum {
    BLOCK_NODES = (BLOCK_BYTES - sizeof(struct request_block)) /
                  sizeof(struct request),
};

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

static struct request_block *block_of(const struct request *r)
{
    return (struct request_block *)((uintptr_t)r & ~(uintptr_t)(BLOCK_BYTES - 1));
}

static void link_block(struct request_pool *p, struct request_block *b)
{
    b->prev = NULL;
    b->next = p->open;
    if (b->next != NULL) {
        b->next->prev = b;
    }
    p->open = b;
}

static void unlink_block(struct request_pool *p, struct request_block *b)
{
    if (b->prev == NULL) {
        p->open = b->next;
    } else {
        b->prev->next = b->next;
    }
    if (b->next != NULL) {
        b->next->prev = b->prev;
    }
}

/* NULL: out of memory. */
static struct request_block *add_block(struct request_pool *p)
{
    struct request_block *b = mem_map(p->account, BLOCK_BYTES);
    if (b == NULL) {
        return NULL;
    }
    assert(b == block_of(b->nodes));
    for (size_t i = BLOCK_NODES; i > 0; i--) {
        b->nodes[i - 1].next = b->free;
        b->free = &b->nodes[i - 1];
    }
    p->free_count += BLOCK_NODES;
    link_block(p, b);
    return b;
}

struct request *request_acquire(struct request_pool *p)
{
    struct request_block *b = p->open != NULL ? p->open : add_block(p);
    if (b == NULL) {
        return NULL;
    }
    struct request *r = b->free;
    b->free = r->next;
    b->used_count++;
    p->free_count--;
    if (b->free == NULL) {
        unlink_block(p, b);
    }
    *r = (struct request){ .deadline_us = REQUEST_NO_DEADLINE };
    return r;
}

void request_release(struct request_pool *p, struct request *r)
{
    assert(r->kept == NULL);
    struct request_block *b = block_of(r);
    if (b->free == NULL) {
        link_block(p, b);
    }
    r->next = b->free;
    b->free = r;
    b->used_count--;
    p->free_count++;
}

bool request_pool_has_spare(const struct request_pool *p, size_t keep)
{
    return p->free_count >= keep + BLOCK_NODES;
}

void request_pool_trim(struct request_pool *p, size_t keep)
{
    struct request_block *b = p->open;
    while (b != NULL && request_pool_has_spare(p, keep)) {
        struct request_block *next = b->next;
        if (b->used_count == 0) {
            unlink_block(p, b);
            p->free_count -= BLOCK_NODES;
            mem_unmap(p->account, b, BLOCK_BYTES);
        }
        b = next;
    }
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
