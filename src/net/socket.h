/* socket: making and describing sockets. */
#ifndef ENGRAM_NET_SOCKET_H
#define ENGRAM_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Bound, listening, non-blocking, close-on-exec. `host`: an IPv4 or IPv6
 * address or a name, "*" all IPv4, "::*" all IPv6. `is_shared`: with sockets of
 * this user that share the port too. *err: errno on ST_IO. */
STATUS_CHECKED enum status socket_listen_tcp(const char *host, int port,
                                             int backlog, bool is_shared,
                                             int *fd, int *err);
/* Whether another socket may listen on the same port from now on. */
void socket_share_port(int fd, bool is_shared);
/* Lets go of those who wait to be accepted, and of the port for other sockets,
 * whatever thread's listener it is; accepting fails until that is closed. */
void socket_stop_listening(int fd);
/* Replaces a stale socket file; mode 0: as umask leaves it. */
STATUS_CHECKED enum status socket_listen_unix(const char *path, unsigned mode,
                                              int backlog, int *fd, int *err);
void socket_set_nodelay(int fd);
/* seconds 0: off */
void socket_set_keepalive(int fd, int seconds);
/* Is the peer on this machine: loopback or a Unix socket? */
bool socket_peer_is_local(int fd);
/* "127.0.0.1:6379", "[::1]:6379", "/path:0"; NUL-terminated. */
void socket_peer_name(int fd, char *out, size_t cap);
void socket_local_name(int fd, char *out, size_t cap);

#endif
