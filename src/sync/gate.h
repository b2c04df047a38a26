/* gate: many pass, or one has the whole house. Every worker passes through its
 * own cache line (one exchange a batch of commands, no sharing); who needs all
 * shards closes the gate and waits until each worker has left.
 *
 * Worker side: gate_enter ... gate_leave around a batch; never blocks inside
 * for long. Closing side: from a worker that is NOT inside, or any thread.
 * Several closers queue on the gate's lock. */
#ifndef ENGRAM_SYNC_GATE_H
#define ENGRAM_SYNC_GATE_H

#include <stdint.h>

struct gate;

/* `slots`: the number of workers. NULL: out of memory. */
struct gate *gate_create(unsigned slots);
void gate_destroy(struct gate **g);

void gate_enter(struct gate *g, unsigned slot);
void gate_leave(struct gate *g, unsigned slot);

/* Waits for everyone inside to leave and keeps them out. */
void gate_close(struct gate *g);
void gate_open(struct gate *g);

#endif
