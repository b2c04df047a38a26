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

/* A server's side of one conn. */
struct peer {
    struct world *world;
    struct conn *conn;
    uint64_t received, sent;
    int ends, error, closes;
};

/* A non-blocking socket for the server, a blocking one for the test. */
void make_pair(int *server, int *client);
void peer_open(struct peer *p, struct world *w, int fd);
int port_of(int listener);
int connect_to(int port);
/* A counting peer's handlers: they see everything and do nothing. */
void peer_data(void *arg, struct slice data);
void peer_end(void *arg, int error);
void peer_sent(void *arg, size_t bytes);
void peer_closed(void *arg);
/* Sends back what has come. */
void peer_echo(void *arg, struct slice data);
/* And ends the loop. */
void peer_closed_stops(void *arg);
/* The byte at a place of a stream that both sides know. */
uint8_t pattern_byte(uint64_t at);
size_t at_most(uint64_t have, uint64_t limit);

int run_loop_tests(enum loop_engine engine);
int run_crowd_tests(enum loop_engine engine);
int run_timer_socket_tests(enum loop_engine engine);

#endif
