/* What the net tests share: a world with one loop on the test's own thread. */
#ifndef ENGRAM_TEST_NET_H
#define ENGRAM_TEST_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loop.h"
#include "net/socket.h"
#include "sync/thread.h"

struct world {
    struct mem_account account;
    struct chunk_pool pool;
    struct loop *loop;
    void *test; /* the test's own */
};

/* Makes the loop that the test's initial state names; the handlers' loop_arg is
 * the world. */
void world_open(struct world *w, void **state, uint32_t buffers,
                const struct loop_handlers *h);
/* Asserts that everything was given back. */
void world_close(struct world *w);

int run_loop_tests(enum loop_engine engine);
int run_timer_socket_tests(enum loop_engine engine);

#endif
