/* transport: how bytes get to the server and back. An interface, so that tests
 * hand in a scripted one and TLS stands behind the same calls.
 *
 * Life: open, again whenever `fd` is ready for `wants`, until it is DONE; then
 * next until it does not fail (or `has_more` says that no address is left), then
 * advance whenever the socket is ready for `wants`, until DONE; then read and
 * write; drop closes the socket, close ends everything. What close leaves for
 * the next open, forget frees; it comes last.
 * `fd` is what is to be watched, -1 where there is nothing. */
#ifndef ENGRAM_CLIENT_TRANSPORT_H
#define ENGRAM_CLIENT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "client/lookup.h"
#include "client/target.h"

struct tls_context;

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_AGAIN,  /* when `fd` is ready for `wants` */
    TRANSPORT_FAILED, /* `err` is the errno; `text` says more */
};

struct transport {
    const struct transport_ops *ops;
    /* Set by the owner. */
    const struct target *target;
    int keepalive_s;
    lookup_find_fn *find; /* NULL: getaddrinfo */
    struct tls_context *tls; /* shared with others; NULL: with nobody */
    /* The implementation's; the owner reads the first six. */
    int fd;
    int err;
    /* What `err` does not say, or in the midst of what it is connecting; NULL:
     * nothing. */
    const char *text;
    /* While connecting: ENGRAM_READABLE, ENGRAM_WRITABLE. Later, what is not
     * the usual: READABLE: a write waits for it; WRITABLE: a read does. */
    unsigned wants;
    bool has_more;  /* another address can be tried */
    bool has_input; /* a read would bring something, whatever the socket says */
    void *state, *cursor;
    struct lookup *lookup; /* of the host's name; it may outlive close */
};

struct transport_ops {
    /* Finds the addresses. FAILED: *why is RESOLVE, CONNECT or NOMEM. Whoever
     * calls it again has stopped watching `fd`, which may be closed. */
    enum transport_result (*open)(struct transport *t, enum engram_status *why);
    /* Begins to connect to the next address. */
    enum transport_result (*next)(struct transport *t);
    enum transport_result (*advance)(struct transport *t);
    /* As read(2) and writev(2), but with `err` for errno; never SIGPIPE. */
    ssize_t (*read)(struct transport *t, void *out, size_t len);
    ssize_t (*write)(struct transport *t, const struct iovec *v, int count);
    void (*drop)(struct transport *t);
    void (*close)(struct transport *t);
    void (*forget)(struct transport *t);
};

/* TCP, Unix sockets, and a socket that was handed in. */
extern const struct transport_ops transport_plain;
/* These, encrypted. */
extern const struct transport_ops transport_tls;

#endif
