/* loop: epoll under one worker's connections. It differs from engram_loop in
 * what a load generator is after: many connections of which few are ready cost
 * nothing, and it wakes at a nanosecond, because --rps must.
 *
 * A turn tells the kernel only what has changed; a connection that is flushed
 * where something is sent on it costs a receive and a send a round. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engram/engram.h>

#define LOOP_NEVER INT64_MAX

struct watch {
    struct loop *loop;
    struct engram_conn *conn;
    int fd; /* as the kernel knows it; -1: it does not */
    unsigned events;
    bool is_changed; /* stands in loop->changed */
};

struct loop {
    int fd;
    size_t count, cap;
    struct watch *watches;
    struct watch **changed; /* whose wish may have changed; room for all */
    size_t changed_count;
    int64_t wake_at_ms; /* no connection wants to be woken before */
};

/* Room for `cap` connections. False: the system refuses, see errno. */
bool loop_init(struct loop *l, size_t cap);
void loop_deinit(struct loop *l);
/* Before it is opened; it must be destroyed before the loop is. */
void loop_add(struct loop *l, struct engram_conn *c);
/* Waits until something is ready, a connection's time has come, or
 * CLOCK_MONOTONIC is at `until_ns`, and handles it. False: epoll failed. */
bool loop_turn(struct loop *l, int64_t until_ns);

/* CLOCK_MONOTONIC. */
int64_t loop_now_ns(void);

#endif
