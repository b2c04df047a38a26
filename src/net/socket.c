/* socket: making and describing sockets. Name resolution may block, so it is
 * for start and configuration only. */
#include "net/socket.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCKET_ADDRESS_TRIES_MAX = 64 };

/* The listening socket, or -1 and errno. */
static int listen_at(const struct addrinfo *ai, int backlog, bool is_shared)
{
    int fd = socket(ai->ai_family,
                    ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    ai->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    socket_share_port(fd, is_shared);
    if (ai->ai_family == AF_INET6) {
        /* "*" and "::*" are two sockets, each its own family. */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
        listen(fd, backlog) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int resolve_error(int rc)
{
    switch (rc) {
    case EAI_SYSTEM:
        return errno;
    case EAI_MEMORY:
        return ENOMEM;
    case EAI_AGAIN:
        return EAGAIN;
    default:
        return EADDRNOTAVAIL;
    }
}

void socket_share_port(int fd, bool is_shared)
{
    int on = is_shared;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

void socket_stop_listening(int fd)
{
    shutdown(fd, SHUT_RD);
}

enum status socket_listen_tcp(const char *host, int port, int backlog,
                              bool is_shared, int *fd, int *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (strcmp(host, "*") == 0) {
        hints.ai_family = AF_INET;
        host = NULL;
    } else if (strcmp(host, "::*") == 0) {
        hints.ai_family = AF_INET6;
        host = NULL;
    }
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0) {
        *err = resolve_error(rc);
        return ST_IO;
    }
    *fd = -1;
    *err = EADDRNOTAVAIL;
    int tries = 0;
    for (const struct addrinfo *ai = found;
         ai != NULL && *fd < 0 && tries < SOCKET_ADDRESS_TRIES_MAX;
         ai = ai->ai_next, tries++) {
        *fd = listen_at(ai, backlog, is_shared);
        if (*fd < 0) {
            *err = errno;
        }
    }
    freeaddrinfo(found);
    return *fd >= 0 ? ST_OK : ST_IO;
}

/* Bind, mode, listen: 0 or errno. */
static int listen_at_path(int fd, const struct sockaddr_un *addr, unsigned mode,
                          int backlog)
{
    if (bind(fd, (const struct sockaddr *)addr, sizeof *addr) != 0) {
        return errno;
    }
    if ((mode != 0 && chmod(addr->sun_path, mode) != 0) ||
        listen(fd, backlog) != 0) {
        int error = errno;
        unlink(addr->sun_path);
        return error;
    }
    return 0;
}

enum status socket_listen_unix(const char *path, unsigned mode, int backlog,
                               int *fd, int *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path) {
        *err = ENAMETOOLONG;
        return ST_IO;
    }
    strcpy(addr.sun_path, path);
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) {
        unlink(path);
    }
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
        *err = errno;
        return ST_IO;
    }
    *err = listen_at_path(made, &addr, mode, backlog);
    if (*err != 0) {
        close(made);
        return ST_IO;
    }
    *fd = made;
    return ST_OK;
}

void socket_set_nodelay(int fd)
{
    /* Fails on Unix sockets, which have no delay. */
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void socket_set_keepalive(int fd, int seconds)
{
    int is_on = seconds > 0;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &is_on, sizeof is_on);
    if (!is_on) {
        return;
    }
    /* Three probes a third of the time apart, so that a dead peer is known
     * after twice the time. */
    int apart = seconds / 3 > 0 ? seconds / 3 : 1;
    int probes = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &apart, sizeof apart);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *len);

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

bool socket_peer_is_local(int fd)
{
    union any_address addr = {0};
    socklen_t len = sizeof addr.storage;
    if (getpeername(fd, &addr.any, &len) != 0) {
        return false;
    }
    if (addr.any.sa_family == AF_INET) {
        return ntohl(addr.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (addr.any.sa_family == AF_INET6) {
        const struct in6_addr *v6 = &addr.v6.sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6)
               || (IN6_IS_ADDR_V4MAPPED(v6)
                   && v6->s6_addr[12] == IN_LOOPBACKNET);
    }
    return addr.any.sa_family == AF_UNIX;
}

/* True: `addr` is a Unix socket's. */
static bool describe(name_fn *name, int fd, char *out, size_t cap)
{
    union any_address addr = {0};
    socklen_t len = sizeof addr.storage;
    char text[INET6_ADDRSTRLEN];
    out[0] = '\0';
    if (name(fd, &addr.any, &len) != 0) {
        snprintf(out, cap, "?:0");
        return false;
    }
    if (addr.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &addr.v4.sin_addr, text, sizeof text);
        snprintf(out, cap, "%s:%u", text, ntohs(addr.v4.sin_port));
    } else if (addr.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &addr.v6.sin6_addr, text, sizeof text);
        snprintf(out, cap, "[%s]:%u", text, ntohs(addr.v6.sin6_port));
    } else if (addr.any.sa_family == AF_UNIX) {
        snprintf(out, cap, "%.*s:0", (int)sizeof addr.local.sun_path,
                 addr.local.sun_path);
        return true;
    }
    return false;
}

void socket_peer_name(int fd, char *out, size_t cap)
{
    assert(cap > 0);
    /* A Unix socket's peer has no name of its own; the listener's path is
     * what people know it by. */
    if (describe(getpeername, fd, out, cap) && out[0] == ':') {
        describe(getsockname, fd, out, cap);
    }
}

void socket_local_name(int fd, char *out, size_t cap)
{
    assert(cap > 0);
    describe(getsockname, fd, out, cap);
}
