/* saved: one block holds the slices and, behind them, the bytes. */
#include "exec/saved.h"

#include <assert.h>
#include <string.h>

struct saved_request *saved_create(struct mem_account *a,
                                   const struct slice *argv, uint32_t argc)
{
    struct saved_request *r;
    size_t bytes = sizeof *r + argc * sizeof r->argv[0];
    assert(argc > 0);
    for (uint32_t i = 0; i < argc; i++) {
        bytes += argv[i].len;
    }
    r = mem_alloc(a, bytes);
    if (r == NULL) {
        return NULL;
    }
    *r = (struct saved_request){.argc = argc, .bytes = bytes};
    uint8_t *at = (uint8_t *)&r->argv[argc];
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].len > 0) {
            memcpy(at, argv[i].data, argv[i].len);
        }
        r->argv[i] = slice_of(at, argv[i].len);
        at += argv[i].len;
    }
    return r;
}

void saved_push(struct saved_queue *q, struct saved_request *r)
{
    r->next = NULL;
    if (q->tail == NULL) {
        q->head = r;
    } else {
        q->tail->next = r;
    }
    q->tail = r;
    q->count++;
}

void saved_push_front(struct saved_queue *q, struct saved_request *r)
{
    r->next = q->head;
    q->head = r;
    if (q->tail == NULL) {
        q->tail = r;
    }
    q->count++;
}

struct saved_request *saved_pop(struct saved_queue *q)
{
    struct saved_request *r = q->head;
    if (r == NULL) {
        return NULL;
    }
    q->head = r->next;
    if (q->head == NULL) {
        q->tail = NULL;
    }
    q->count--;
    return r;
}

void saved_clear(struct saved_queue *q, struct mem_account *a)
{
    struct saved_request *r;
    while ((r = saved_pop(q)) != NULL) {
        mem_free(a, r);
    }
}
