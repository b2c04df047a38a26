/* hiredis_loop: hiredis's asynchronous context over poll(2), so that it runs on
 * the same kind of loop as libengram's own. */
#ifndef BENCH_CLIENT_HIREDIS_LOOP_H
#define BENCH_CLIENT_HIREDIS_LOOP_H

#include <stdbool.h>

#include <hiredis/async.h>

struct hiredis_loop {
    redisAsyncContext *context;
    bool wants_read, wants_write;
};

/* Ends the process where there is no connection. `l` must stay in its place. */
void hiredis_loop_open(struct hiredis_loop *l, int port);
/* Waits for at most `timeout_ms` (< 0: as long as it takes) and handles what
 * has come. */
void hiredis_loop_turn(struct hiredis_loop *l, int timeout_ms);

#endif
