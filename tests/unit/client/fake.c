/* fake: see fake.h. */
#include "fake.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests.h"

enum transport_result fake_open(struct transport *t, enum engram_status *why)
{
    (void)why;
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

/* "*2\r\n" or "$3\r\n" at *at; -1: it has not come whole. */
static long read_number(const char *in, size_t len, size_t *at)
{
    const char *end = *at < len ? memchr(in + *at, '\n', len - *at) : NULL;
    if (end == NULL) {
        return -1;
    }
    long value = strtol(in + *at + 1, NULL, 10);
    *at = (size_t)(end - in) + 1;
    return value;
}

size_t fake_read_command(const char *in, size_t len, struct slice *words,
                         size_t words_max, size_t *count)
{
    size_t at = 0;
    long announced = read_number(in, len, &at);
    if (announced < 0) {
        return 0;
    }
    assert_in_range(announced, 1, words_max);
    for (*count = 0; *count < (size_t)announced; ++*count) {
        long word_len = read_number(in, len, &at);
        if (word_len < 0 || len - at < (size_t)word_len + 2) {
            return 0;
        }
        words[*count] = slice_of(in + at, (size_t)word_len);
        at += (size_t)word_len + 2;
    }
    return at;
}
