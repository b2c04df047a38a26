/* fake_server: a thread that answers every PING of every connection, and at a
 * certain one does what the script says. */
#ifndef BENCH_FAKE_SERVER_H
#define BENCH_FAKE_SERVER_H

#include <pthread.h>
#include <stdint.h>

enum fake_deed {
    FAKE_ANSWERS, /* nothing out of the ordinary */
    FAKE_PAUSES,  /* answers nobody for pause_ms */
    FAKE_FAILS,   /* answers with an error */
    FAKE_LEAVES   /* closes all connections */
};

struct fake_server {
    enum fake_deed deed;
    uint64_t at; /* the PING, from 0 */
    int pause_ms;
    /* Filled by fake_start. */
    int port;
    int listener, stop[2];
    pthread_t thread;
    uint64_t pings; /* read it after fake_stop */
};

void fake_start(struct fake_server *f);
void fake_stop(struct fake_server *f);

#endif
