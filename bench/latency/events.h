/* events: what hurts the other sessions of such servers. Each prints its figures
 * as lines of name=value; latencies called net are less the time that server
 * and load waited for a processor. */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct event_options {
    int port, server_pid;
    uint64_t keys;
    size_t value_bytes;
    uint64_t step_keys; /* grow: SETs between two readings of the memory */
    const char *kind;   /* big: the collection's type */
};

/* From nothing to `keys` keys, then 99 % of them deleted. A server without INFO
 * gets the SETs only. */
void event_grow(const struct event_options *o);

/* `keys` keys fall due within one second, beside a probe. */
void event_expire(const struct event_options *o);

/* FLUSHALL SYNC of `keys` keys, then FLUSHALL ASYNC, beside a probe. */
void event_flush(const struct event_options *o);

/* One collection of `keys` elements: its commands, moves and ends, beside a
 * probe. */
void event_big(const struct event_options *o);

#endif
