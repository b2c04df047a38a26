/* transport_plain: sockets without encryption.
 *
 * A host's addresses are tried one after the other. `state` is their list,
 * `cursor` the one to be tried next. A name is looked up by a thread (lookup.c):
 * until it is done, `fd` is what tells so. A look-up that the link does not
 * outlast is left to go on, and the next attempt joins it. */
#include "client/transport.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PROBES_MAX = 3 };

static enum transport_result failed(struct transport *t, int err)
{
    t->err = err;
    return TRANSPORT_FAILED;
}

static void set_options(int fd, bool is_tcp, int keepalive_s)
{
    int one = 1;
    if (!is_tcp) {
        return;
    }
    /* Each is a wish; a connection without it works too. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (keepalive_s > 0) {
        int probes = PROBES_MAX;
        int between = keepalive_s / PROBES_MAX > 0 ? keepalive_s / PROBES_MAX : 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keepalive_s,
                         sizeof keepalive_s);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between,
                         sizeof between);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    }
}

/* ---- finding the addresses ---- */

static enum transport_result take_addresses(struct transport *t, int code,
                                            struct addrinfo *found,
                                            enum engram_status *why)
{
    if (code != 0) {
        *why = ENGRAM_RESOLVE;
        t->text = gai_strerror(code);
        return failed(t, 0);
    }
    assert(t->lookup == NULL);
    t->state = found;
    t->cursor = found;
    t->has_more = true;
    return TRANSPORT_DONE;
}

/* One that is done was so before this attempt: names may have moved since. */
static bool can_join(const struct lookup *l, const struct target *to)
{
    return l != NULL && !lookup_is_done(l) &&
           lookup_is_for(l, to->host, to->port);
}

static enum transport_result begin_lookup(struct transport *t,
                                          enum engram_status *why)
{
    const struct target *to = t->target;
    if (t->lookup == NULL) {
        t->lookup = lookup_start(to->account, t->find, to->host, to->port);
    }
    if (t->lookup == NULL) {
        *why = errno == ENOMEM ? ENGRAM_NOMEM : ENGRAM_RESOLVE;
        return failed(t, errno);
    }
    t->fd = lookup_fd(t->lookup);
    t->wants = ENGRAM_READABLE;
    return TRANSPORT_AGAIN;
}

static enum transport_result go_on_with_lookup(struct transport *t,
                                               enum engram_status *why)
{
    struct addrinfo *found;
    if (!lookup_is_done(t->lookup)) {
        return TRANSPORT_AGAIN;
    }
    int code = lookup_take(t->lookup, &found);
    lookup_stop(&t->lookup);
    t->fd = -1;
    t->wants = 0;
    return take_addresses(t, code, found, why);
}

static enum transport_result plain_open(struct transport *t,
                                        enum engram_status *why)
{
    struct addrinfo *found;
    if (t->target->fd >= 0 || t->target->path != NULL) {
        t->has_more = true;
        return TRANSPORT_DONE;
    }
    if (t->fd >= 0) {
        return go_on_with_lookup(t, why);
    }
    if (!can_join(t->lookup, t->target)) {
        lookup_stop(&t->lookup);
    }
    int code = lookup_digits(t->target->host, t->target->port, &found);
    return code == EAI_NONAME ? begin_lookup(t, why)
                              : take_addresses(t, code, found, why);
}

/* ---- connecting ---- */

static enum transport_result connect_to(struct transport *t, int family,
                                        const struct sockaddr *addr,
                                        socklen_t len)
{
    t->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->fd < 0) {
        return failed(t, errno);
    }
    set_options(t->fd, family != AF_UNIX, t->keepalive_s);
    if (connect(t->fd, addr, len) == 0) {
        return TRANSPORT_DONE;
    }
    if (errno == EINPROGRESS || errno == EINTR) {
        t->wants = ENGRAM_WRITABLE;
        return TRANSPORT_AGAIN;
    }
    return failed(t, errno);
}

static enum transport_result connect_unix(struct transport *t)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    size_t len = strlen(t->target->path);
    if (len >= sizeof addr.sun_path) {
        return failed(t, ENAMETOOLONG);
    }
    memcpy(addr.sun_path, t->target->path, len + 1);
    /* sockaddr is what all addresses are cast to. */
    return connect_to(t, AF_UNIX, (const struct sockaddr *)&addr, sizeof addr);
}

static enum transport_result adopt(struct transport *t)
{
    int flags = fcntl(t->target->fd, F_GETFL);
    if (flags < 0 || fcntl(t->target->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return failed(t, errno);
    }
    t->fd = t->target->fd;
    return TRANSPORT_DONE;
}

static enum transport_result plain_next(struct transport *t)
{
    t->has_more = false;
    if (t->target->fd >= 0) {
        return adopt(t);
    }
    if (t->target->path != NULL) {
        return connect_unix(t);
    }
    struct addrinfo *at = t->cursor;
    t->cursor = at->ai_next;
    t->has_more = at->ai_next != NULL;
    return connect_to(t, at->ai_family, at->ai_addr, at->ai_addrlen);
}

static enum transport_result plain_advance(struct transport *t)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0) {
        return failed(t, errno);
    }
    if (err != 0) {
        return failed(t, err);
    }
    /* Woken for nothing? Only a connected socket has a peer. */
    struct sockaddr_storage peer;
    len = sizeof peer;
    if (getpeername(t->fd, (struct sockaddr *)&peer, &len) < 0) {
        return errno == ENOTCONN ? TRANSPORT_AGAIN : failed(t, errno);
    }
    return TRANSPORT_DONE;
}

static ssize_t plain_read(struct transport *t, void *out, size_t len)
{
    ssize_t n;
    do {
        n = recv(t->fd, out, len, 0);
    } while (n < 0 && errno == EINTR);
    t->err = n < 0 ? errno : 0;
    return n;
}

static ssize_t plain_write(struct transport *t, const struct iovec *v,
                           int count)
{
    /* sendmsg only reads the vectors; its type says otherwise. */
    struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)v,
                              .msg_iovlen = (size_t)count };
    ssize_t n;
    do {
        n = sendmsg(t->fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    t->err = n < 0 ? errno : 0;
    return n;
}

static void plain_drop(struct transport *t)
{
    /* A look-up's goes with it. */
    if (t->fd >= 0 && t->lookup == NULL) {
        close(t->fd);
    }
    t->fd = -1;
    t->wants = 0;
    t->text = NULL;
}

static void plain_close(struct transport *t)
{
    plain_drop(t);
    if (t->state != NULL) {
        freeaddrinfo(t->state);
    }
    t->state = NULL;
    t->cursor = NULL;
    t->has_more = false;
}

static void plain_forget(struct transport *t)
{
    lookup_stop(&t->lookup);
}

const struct transport_ops transport_plain = {
    .open = plain_open,
    .next = plain_next,
    .advance = plain_advance,
    .read = plain_read,
    .write = plain_write,
    .drop = plain_drop,
    .close = plain_close,
    .forget = plain_forget,
};
