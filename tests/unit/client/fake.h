/* fake: what the stages have in common: transports whose other end is a socket
 * of the test's, a turn of a loop, and commands as a server reads them. */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_FAKE_H
#define ENGRAM_TESTS_UNIT_CLIENT_FAKE_H

#include "client/conn_priv.h"

/* Parts of a transport: there is one address, and connecting takes a turn. */
enum transport_result fake_open(struct transport *t, enum engram_status *why);
enum transport_result fake_advance(struct transport *t);
ssize_t fake_read(struct transport *t, void *out, size_t len);
ssize_t fake_write(struct transport *t, const struct iovec *v, int count);
void fake_drop(struct transport *t);
void fake_forget(struct transport *t);

/* Connects the transport with a socket that is returned. */
int fake_connect(struct transport *t);

/* What a loop does at this time. True: there was something; the connection may be
 * gone. `is_full`: its socket takes nothing. */
bool fake_turn(struct engram_conn *c, int64_t now_us, bool is_full);

/* The first command of the bytes, which are followed by a NUL. How many it
 * takes; 0: it has not come whole. */
size_t fake_read_command(const char *in, size_t len, struct slice *words,
                         size_t words_max, size_t *count);

#endif
