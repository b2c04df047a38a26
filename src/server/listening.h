/* listening: the sockets on which the server waits for clients, at the start and
 * when CONFIG SET changes `port` or `bind`.
 *
 * A change is prepared on whatever worker it is asked for, where everything that
 * can fail happens: names are resolved, sockets bound. Committing it tells worker
 * 0, whose loop accepts. Old sockets keep waiting until then, so that a change
 * that fails has changed nothing, and addresses that stay are not touched. */
#ifndef ENGRAM_SERVER_LISTENING_H
#define ENGRAM_SERVER_LISTENING_H

#include <stdbool.h>
#include <stddef.h>

struct options;
struct server;
struct listening_change;

enum { LISTEN_ADDRESSES_MAX = 16, LISTEN_HOST_MAX = 256 };

/* The TCP addresses that are listened on. Under config_lock. */
struct listening {
    struct listen_address {
        char host[LISTEN_HOST_MAX];
        int port, fd; /* fd: worker 0's listener owns it */
    } at[LISTEN_ADDRESSES_MAX];
    int count;
};

/* Before worker 0 runs: every address of the options, and the Unix socket.
 * False: `err` says why. */
bool listening_start(struct server *s, char *err, size_t cap);

/* Opens what the addresses of `to` need. False: nothing has changed, `err` says
 * why. Under config_lock, as are the next two. */
bool listening_prepare(struct server *s, const struct options *to,
                       struct listening_change **out, char *err, size_t cap);
/* Each takes *change; NULL is nothing. */
void listening_commit(struct server *s, struct listening_change **change);
void listening_abandon(struct server *s, struct listening_change **change);

#endif
