/* fake_server: poll over all connections. It knows one request, PING as
 * redis-benchmark sends it, and finds its ends by the last byte. */
#include "fake_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests.h"

enum { CONNS_MAX = 64, FIXED = 2 };

struct crowd {
    struct fake_server *f;
    struct pollfd polled[FIXED + CONNS_MAX];
    nfds_t count;
};

static void leave(struct crowd *c)
{
    while (c->count > FIXED) {
        close(c->polled[--c->count].fd);
    }
}

static void answer(struct crowd *c, int fd)
{
    struct fake_server *f = c->f;
    const char *reply = "+PONG\r\n";
    if (f->pings++ == f->at) {
        switch (f->deed) {
        case FAKE_ANSWERS: break;
        case FAKE_PAUSES: (void)poll(NULL, 0, f->pause_ms); break;
        case FAKE_FAILS: reply = "-ERR scripted\r\n"; break;
        case FAKE_LEAVES: leave(c); return;
        }
    }
    (void)!send(fd, reply, strlen(reply), MSG_NOSIGNAL);
}

static void serve(struct crowd *c, nfds_t i)
{
    char text[4096];
    int fd = c->polled[i].fd;
    ssize_t n = recv(fd, text, sizeof text, 0);
    if (n <= 0) {
        close(fd);
        c->polled[i] = c->polled[--c->count];
        return;
    }
    for (ssize_t k = 0; k < n && c->count > FIXED; k++) {
        if (text[k] == 'G') {
            answer(c, fd);
        }
    }
}

static void *run(void *arg)
{
    struct fake_server *f = arg;
    struct crowd c = {.f = f, .count = FIXED};
    c.polled[0] = (struct pollfd){.fd = f->stop[0], .events = POLLIN};
    c.polled[1] = (struct pollfd){.fd = f->listener, .events = POLLIN};
    while (poll(c.polled, c.count, -1) >= 0 && c.polled[0].revents == 0) {
        /* Backwards, since one that leaves is replaced by the last. */
        for (nfds_t i = c.count; i-- > FIXED;) {
            if (i < c.count && c.polled[i].revents != 0) {
                serve(&c, i);
            }
        }
        if (c.polled[1].revents != 0 && c.count < FIXED + CONNS_MAX) {
            int fd = accept(f->listener, NULL, NULL);
            c.polled[c.count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    leave(&c);
    return NULL;
}

void fake_start(struct fake_server *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    f->pings = 0;
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->listener >= 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(f->listener, CONNS_MAX), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&at, &len), 0);
    f->port = ntohs(at.sin_port);
    assert_int_equal(pipe(f->stop), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

void fake_stop(struct fake_server *f)
{
    assert_int_equal(write(f->stop[1], "", 1), 1);
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    close(f->listener);
    close(f->stop[0]);
    close(f->stop[1]);
}
