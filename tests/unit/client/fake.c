/* fake: see fake.h. */
#include "fake.h"

#include <poll.h>
#include <sys/socket.h>

#include "tests.h"

enum transport_result fake_open(struct transport *t, enum engram_status *why,
                                const char **text)
{
    (void)why;
    (void)text;
    t->has_more = true;
    return TRANSPORT_DONE;
}

enum transport_result fake_advance(struct transport *t)
{
    (void)t;
    return TRANSPORT_DONE;
}

ssize_t fake_read(struct transport *t, void *out, size_t len)
{
    return transport_plain.read(t, out, len);
}

ssize_t fake_write(struct transport *t, const struct iovec *v, int count)
{
    return transport_plain.write(t, v, count);
}

void fake_drop(struct transport *t)
{
    transport_plain.drop(t);
}

void fake_forget(struct transport *t)
{
    (void)t;
}

int fake_connect(struct transport *t)
{
    int fds[2];
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
        0);
    t->fd = fds[0];
    t->wants = ENGRAM_WRITABLE;
    return fds[1];
}

bool fake_turn(struct engram_conn *c, int64_t now_us, bool is_full)
{
    struct engram_wish w = engram_conn_wish(c);
    struct pollfd p = { .fd = w.fd };
    p.events = (short)((w.events & ENGRAM_READABLE ? POLLIN : 0) |
                       (w.events & ENGRAM_WRITABLE ? POLLOUT : 0));
    assert_true(poll(&p, 1, 0) >= 0);
    unsigned events =
        (p.revents & (POLLIN | POLLERR | POLLHUP) ? ENGRAM_READABLE : 0u) |
        (p.revents & POLLOUT && !is_full ? ENGRAM_WRITABLE : 0u);
    if (events != 0) {
        engram_conn_on_ready(c, events);
        return true;
    }
    if (w.wake_at_ms >= 0 && w.wake_at_ms * 1000 <= now_us) {
        engram_conn_on_timer(c);
        return true;
    }
    return false;
}
