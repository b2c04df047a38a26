/* The sockets and the counting peer that the loop's tests share. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_net.h"

void make_pair(int *server, int *client)
{
    int fds[2];
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    *server = fds[0];
    *client = fds[1];
}

void peer_open(struct peer *p, struct world *w, int fd)
{
    *p = (struct peer){.world = w};
    p->conn = conn_open(w->loop, fd, p);
    assert_non_null(p->conn);
    conn_init_out(p->conn, &w->pool);
}

int port_of(int listener)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

int connect_to(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

/* A counting peer: sees everything, does nothing. */
void peer_data(void *arg, struct slice data)
{
    struct peer *p = arg;
    assert_int_equal(p->ends, 0);
    assert_int_equal(p->closes, 0);
    p->received += data.len;
}

void peer_end(void *arg, int error)
{
    struct peer *p = arg;
    assert_int_equal(p->ends, 0);
    p->ends++;
    p->error = error;
}

void peer_sent(void *arg, size_t bytes)
{
    struct peer *p = arg;
    assert_int_equal(p->closes, 0);
    p->sent += bytes;
}

void peer_closed(void *arg)
{
    struct peer *p = arg;
    assert_int_equal(p->closes, 0);
    p->closes++;
}

void peer_echo(void *arg, struct slice data)
{
    struct peer *p = arg;
    peer_data(p, data);
    chain_append(conn_out(p->conn), data.data, data.len);
    conn_flush(p->conn);
}

void peer_closed_stops(void *arg)
{
    struct peer *p = arg;
    peer_closed(p);
    loop_stop(p->world->loop);
}

uint8_t pattern_byte(uint64_t at)
{
    return (uint8_t)((at % 251) ^ (at >> 13));
}

size_t at_most(uint64_t have, uint64_t limit)
{
    return (size_t)(have < limit ? have : limit);
}
