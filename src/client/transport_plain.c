/* transport_plain: sockets without encryption.
 *
 * A host's addresses are tried one after the other. They come from getaddrinfo,
 * which blocks where the host is a name; the library has no thread to let it
 * block in. `state` is the list, `cursor` the address to be tried next. */
#include "client/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PROBES_MAX = 3, PORT_TEXT_BYTES = 8 };

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

static enum transport_result plain_open(struct transport *t,
                                        enum engram_status *why,
                                        const char **text)
{
    t->has_more = true;
    if (t->target->fd >= 0 || t->target->path != NULL) {
        return TRANSPORT_DONE;
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char port[PORT_TEXT_BYTES];
    (void)snprintf(port, sizeof port, "%d", t->target->port);
    int code = getaddrinfo(t->target->host, port, &hints, &found);
    if (code != 0) {
        *why = ENGRAM_RESOLVE;
        *text = gai_strerror(code);
        return failed(t, 0);
    }
    t->state = found;
    t->cursor = found;
    return TRANSPORT_DONE;
}

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
    if (t->fd >= 0) {
        close(t->fd);
        t->fd = -1;
    }
    t->wants = 0;
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

/* close has left nothing. */
static void plain_forget(struct transport *t)
{
    (void)t;
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
