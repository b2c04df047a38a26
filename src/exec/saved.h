/* saved: requests that outlive their batch, because their session is on hold or
 * they wait for EXEC: a copy in one allocation, and queues of them.
 * Threads: the session's worker. */
#ifndef ENGRAM_EXEC_SAVED_H
#define ENGRAM_EXEC_SAVED_H

#include "base/mem.h"
#include "base/slice.h"
#include "exec/session.h"

struct saved_request {
    struct saved_request *next;
    const struct cmd *cmd; /* as it was looked up; may be NULL */
    uint32_t argc;
    size_t bytes; /* of the whole block */
    struct slice argv[]; /* their bytes follow */
};

/* A copy, with argc >= 1; NULL: out of memory. */
struct saved_request *saved_create(struct mem_account *a,
                                   const struct slice *argv, uint32_t argc);
/* Takes `r`: behind the others, or before them. */
void saved_push(struct saved_queue *q, struct saved_request *r);
void saved_push_front(struct saved_queue *q, struct saved_request *r);
/* NULL: empty. The caller's, to be freed by mem_free. */
struct saved_request *saved_pop(struct saved_queue *q);
/* Frees them all. */
void saved_clear(struct saved_queue *q, struct mem_account *a);

#endif
