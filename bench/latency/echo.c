/* echo: see echo.h. It understands commands as arrays of bulks only, and keeps
 * its place in a command between two reads. */
#include "echo.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

enum { SESSIONS_MAX = 1024, READ_BYTES = 64 * 1024, EVENTS = 64, BACKLOG = 64 };

struct session {
    char kind;         /* of the line being read: '*' or '$' */
    size_t number;     /* in that line, so far */
    size_t args_left;  /* of the command */
    size_t skip_bytes; /* left of an argument and its line end */
};

struct echo {
    int epoll_fd;
    struct session sessions[SESSIONS_MAX]; /* by descriptor */
    char in[READ_BYTES];
    char out[READ_BYTES * 2];
};

/* Takes one byte of a line; the argument's end is handled by the caller. */
static void take(struct session *s, char byte)
{
    if (byte == '*' || byte == '$') {
        s->kind = byte;
        s->number = 0;
    } else if (byte >= '0' && byte <= '9') {
        s->number = s->number * 10 + (size_t)(byte - '0');
    } else if (byte == '\n' && s->kind == '*') {
        s->args_left = s->number;
    } else if (byte == '\n') {
        s->skip_bytes = s->number + 2;
    }
}

/* How many commands end in the bytes. */
static size_t commands_in(struct session *s, const char *bytes, size_t len)
{
    size_t ended = 0;
    for (size_t i = 0; i < len; i++) {
        if (s->skip_bytes == 0) {
            take(s, bytes[i]);
            continue;
        }
        size_t step = s->skip_bytes < len - i ? s->skip_bytes : len - i;
        s->skip_bytes -= step;
        i += step - 1;
        if (s->skip_bytes == 0 && --s->args_left == 0) {
            ended++;
        }
    }
    return ended;
}

static void answer(struct echo *e, int fd)
{
    ssize_t got = read(fd, e->in, sizeof e->in);
    if (got <= 0) {
        close(fd);
        return;
    }
    size_t count = commands_in(&e->sessions[fd], e->in, (size_t)got), len = 0;
    for (; count > 0 && len + 5 <= sizeof e->out; count--, len += 5) {
        memcpy(e->out + len, "+OK\r\n", 5);
    }
    if (len > 0 && send(fd, e->out, len, MSG_NOSIGNAL) != (ssize_t)len) {
        close(fd);
    }
}

static void watch(struct echo *e, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("echo: %s", strerror(errno));
    }
}

static void accept_session(struct echo *e, int listen_fd)
{
    int yes = 1, fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || fd >= SESSIONS_MAX) {
        fail("echo: cannot accept");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    e->sessions[fd] = (struct session){.kind = '*'};
    watch(e, fd);
}

static int listen_at(int port)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0
        || listen(fd, BACKLOG) != 0) {
        fail("echo: port %d: %s", port, strerror(errno));
    }
    return fd;
}

void echo_run(int port)
{
    struct echo *e = calloc(1, sizeof *e);
    assert(e != NULL);
    e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int listen_fd = listen_at(port);
    watch(e, listen_fd);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(e->epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listen_fd) {
                accept_session(e, listen_fd);
            } else {
                answer(e, events[i].data.fd);
            }
        }
    }
}
