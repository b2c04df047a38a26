/* probe: see probe.h. Only the ends of the replies matter; they are found by a
 * scanner that keeps its place between two reads. */
#include "probe.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "client.h"

/* A wait is cut to this, so that the end is noticed. */
enum { WAIT_NS_MAX = 5 * 1000 * 1000, TIMER_SLACK_NS = 1000 };

struct scanner {
    char line[32];
    size_t line_bytes;
    size_t skip_bytes; /* left of a bulk's body and its line end */
};

/* Takes one byte; whether a reply ends with it. */
static bool scan(struct scanner *s, char byte)
{
    if (s->skip_bytes > 0) {
        return --s->skip_bytes == 0;
    }
    if (byte != '\n') {
        if (s->line_bytes < sizeof s->line - 1) {
            s->line[s->line_bytes++] = byte;
        }
        return false;
    }
    s->line[s->line_bytes] = '\0';
    s->line_bytes = 0;
    if (s->line[0] == '-') {
        fail("the probe was replied %s", s->line);
    }
    if (s->line[0] == '$' && s->line[1] != '-') {
        s->skip_bytes = strtoul(s->line + 1, NULL, 10) + 2;
        return false;
    }
    return true;
}

static void count_answer(struct probe *p, uint64_t now_ns)
{
    enum probe_window window = atomic_load_explicit(&p->window,
                                                    memory_order_relaxed);
    uint64_t due_ns = p->due_ns[p->answered++ % PROBE_OUTSTANDING_MAX];
    assert(p->answered <= p->sent);
    histogram_add(&p->raw[window], now_ns - due_ns);
    histogram_add(&p->net[window], waits_net(&p->waits, due_ns, now_ns));
}

static void read_answers(struct probe *p, int fd, struct scanner *s)
{
    char in[16 * 1024];
    ssize_t got = recv(fd, in, sizeof in, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        fail("the probe's connection ended");
    }
    uint64_t now_ns = clock_now_ns();
    for (ssize_t i = 0; i < got; i++) {
        if (scan(s, in[i])) {
            count_answer(p, now_ns);
        }
    }
}

/* Sends the GETs that are due by now; when the next one is. */
static uint64_t send_due(struct probe *p, struct client *c, uint64_t next_ns)
{
    char out[COMMAND_BYTES_MAX];
    uint64_t now_ns = clock_now_ns();
    while (next_ns <= now_ns && p->sent - p->answered < PROBE_OUTSTANDING_MAX) {
        /* A stride without a common factor visits every key. */
        uint64_t key = p->sent * 617 % PROBE_KEYS;
        client_send(c, out, put_get(out, key));
        p->due_ns[p->sent++ % PROBE_OUTSTANDING_MAX] = next_ns;
        next_ns += 1000000000u / PROBE_RATE;
    }
    return next_ns;
}

static void wait_until(int fd, uint64_t until_ns)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    struct timespec t = {.tv_nsec = left_ns < WAIT_NS_MAX ? (long)left_ns
                                                          : WAIT_NS_MAX};
    ppoll(&poll_fd, 1, &t, NULL);
}

static void *run(void *arg)
{
    struct probe *p = arg;
    struct client *c = client_open(p->port);
    struct scanner s = {.line_bytes = 0};
    int fd = client_fd(c);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    waits_open(&p->waits, p->server_pid, c);
    uint64_t next_ns = clock_now_ns();
    for (;;) {
        bool is_stopping = atomic_load_explicit(&p->is_stopping,
                                                memory_order_relaxed);
        if (is_stopping && p->answered == p->sent) {
            break;
        }
        next_ns = is_stopping ? UINT64_MAX : send_due(p, c, next_ns);
        wait_until(fd, next_ns);
        read_answers(p, fd, &s);
    }
    waits_close(&p->waits);
    client_close(&c);
    return NULL;
}

struct probe *probe_start(int port, int server_pid)
{
    struct probe *p = calloc(1, sizeof *p);
    assert(p != NULL);
    p->port = port;
    p->server_pid = server_pid;
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        fail("cannot start the probe's thread");
    }
    return p;
}

void probe_set_window(struct probe *p, enum probe_window window)
{
    atomic_store_explicit(&p->window, window, memory_order_relaxed);
}

void probe_stop(struct probe *p)
{
    atomic_store_explicit(&p->is_stopping, 1, memory_order_relaxed);
    pthread_join(p->thread, NULL);
}

void probe_print(const struct probe *p)
{
    histogram_print(&p->raw[PROBE_BEFORE], "before");
    histogram_print(&p->net[PROBE_BEFORE], "before_net");
    histogram_print(&p->raw[PROBE_DURING], "during");
    histogram_print(&p->net[PROBE_DURING], "during_net");
}

void probe_destroy(struct probe **p)
{
    free(*p);
    *p = NULL;
}
