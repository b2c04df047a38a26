/* registers: a thread's registers as a signal handler finds them; the only place
 * that knows the processor. Threads: any. */
#ifndef ENGRAM_SERVER_REGISTERS_H
#define ENGRAM_SERVER_REGISTERS_H

#include <stdbool.h>
#include <ucontext.h>

#include "server/report.h"

/* Where the thread was; NULL: a processor we do not know. */
void *registers_pc(const ucontext_t *at);
/* All of them, and with `stack` the words at the stack's end, which may hold
 * anything that a client has sent. */
void registers_write(struct report *r, const ucontext_t *at, bool stack);

#endif
