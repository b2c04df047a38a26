/* transaction: MULTI to EXEC, and WATCH.
 *
 * Requests between them are kept as copies. EXEC's lock plan is the union of
 * their keys and of the keys that are watched; under it the watches are judged
 * and the requests run, so that nothing comes between.
 *
 * Threads: a session's worker; its dirty mark is set by any, under the shard of
 * the key that is watched. */
#ifndef ENGRAM_EXEC_TRANSACTION_H
#define ENGRAM_EXEC_TRANSACTION_H

#include "exec/cmd.h"

struct transaction;

void transaction_multi(struct cmd_ctx *c);
/* EXEC, which finds its own lock plan (CMD_RUNS_QUEUE). */
void transaction_exec(struct cmd_ctx *c);
void transaction_discard(struct cmd_ctx *c);
void transaction_watch(struct cmd_ctx *c); /* c->keys */
void transaction_unwatch(struct cmd_ctx *c);

/* For CLIENT LIST: requests queued, -1 without MULTI; keys watched; bytes. */
int64_t transaction_queued(const struct session *s);
uint32_t transaction_watched(const struct session *s);
size_t transaction_bytes(const struct session *s);
/* Forgets queue and watches, from a command that holds nothing (RESET). */
void transaction_reset(struct cmd_ctx *c);
/* The same when no batch is running: the session ends. */
void transaction_forget(struct exec *x, struct session *s);

#endif
