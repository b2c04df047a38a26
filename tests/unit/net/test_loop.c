/* Tests of the loop's conns and listeners. The peers are blocking sockets on
 * threads of their own, or written to before the loop runs. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "test_net.h"

enum { PEER_BYTES = 2 * 1024 * 1024 };

/* A server's side of one conn. */
struct peer {
    struct world *world;
    struct conn *conn;
    uint64_t received, sent;
    int ends, error, closes;
};

static void make_pair(int *server, int *client)
{
    int fds[2];
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    *server = fds[0];
    *client = fds[1];
}

static void peer_open(struct peer *p, struct world *w, int fd)
{
    *p = (struct peer){.world = w};
    p->conn = conn_open(w->loop, fd, p);
    assert_non_null(p->conn);
    conn_init_out(p->conn, &w->pool);
}

static int port_of(int listener)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    return ntohs(addr.sin_port);
}

static int connect_to(int port)
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
static void peer_data(void *arg, struct slice data)
{
    struct peer *p = arg;
    assert_int_equal(p->ends, 0);
    assert_int_equal(p->closes, 0);
    p->received += data.len;
}

static void peer_end(void *arg, int error)
{
    struct peer *p = arg;
    assert_int_equal(p->ends, 0);
    p->ends++;
    p->error = error;
}

static void peer_sent(void *arg, size_t bytes)
{
    struct peer *p = arg;
    assert_int_equal(p->closes, 0);
    p->sent += bytes;
}

static void peer_closed(void *arg)
{
    struct peer *p = arg;
    assert_int_equal(p->closes, 0);
    p->closes++;
}

/* ---- echo ---- */

enum { ECHO_PEERS = 6 };

struct echo {
    struct peer peers[ECHO_PEERS];
    int fds[ECHO_PEERS];
    struct thread *threads[ECHO_PEERS];
    int opened, closed;
};

static void echo_data(void *arg, struct slice data)
{
    struct peer *p = arg;
    peer_data(p, data);
    chain_append(conn_out(p->conn), data.data, data.len);
    conn_flush(p->conn);
}

static void echo_end(void *arg, int error)
{
    struct peer *p = arg;
    peer_end(p, error);
    assert_int_equal(error, 0);
    conn_close(p->conn, true);
}

static void echo_closed(void *arg)
{
    struct peer *p = arg;
    struct echo *e = p->world->test;
    peer_closed(p);
    if (++e->closed == ECHO_PEERS) {
        loop_stop(p->world->loop);
    }
}

static void echo_accept(void *arg, int fd)
{
    struct world *w = arg;
    struct echo *e = w->test;
    assert_true(e->opened < ECHO_PEERS);
    peer_open(&e->peers[e->opened++], w, fd);
}

static size_t at_most(uint64_t have, uint64_t limit)
{
    return (size_t)(have < limit ? have : limit);
}

/* Sends PEER_BYTES of noise in pieces of all sizes and reads them back. */
static void echo_client(void *arg)
{
    int fd = *(int *)arg;
    struct random out, back, sizes;
    random_init(&out, (uint64_t)fd);
    random_init(&back, (uint64_t)fd);
    random_init(&sizes, 7);
    uint64_t sent = 0, got = 0;
    static _Thread_local uint8_t block[65536];
    while (got < PEER_BYTES) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        pfd.events |= sent < PEER_BYTES ? POLLOUT : 0;
        assert_true(poll(&pfd, 1, 30000) > 0);
        if ((pfd.revents & POLLOUT) != 0) {
            size_t n = 1 + random_below(&sizes, 1u << random_below(&sizes, 17));
            n = at_most(n, at_most(PEER_BYTES - sent, sizeof block));
            for (size_t i = 0; i < n; i++) {
                block[i] = (uint8_t)random_next(&out);
            }
            size_t done = 0;
            /* The server takes everything, so a blocking send is safe. */
            while (done < n) {
                ssize_t rc = send(fd, block + done, n - done, MSG_NOSIGNAL);
                assert_true(rc > 0);
                done += (size_t)rc;
            }
            sent += n;
        }
        if ((pfd.revents & POLLIN) != 0) {
            ssize_t rc = recv(fd, block, 1 + random_below(&sizes, sizeof block),
                              0);
            assert_true(rc > 0);
            for (ssize_t i = 0; i < rc; i++) {
                assert_int_equal(block[i], (uint8_t)random_next(&back));
            }
            got += (uint64_t)rc;
        }
    }
    shutdown(fd, SHUT_WR);
    uint8_t end;
    assert_int_equal(recv(fd, &end, 1, 0), 0);
    close(fd);
}

static const struct loop_handlers echo_handlers = {
    .on_data = echo_data,
    .on_end = echo_end,
    .on_sent = peer_sent,
    .on_closed = echo_closed,
    .on_accept = echo_accept,
};

static void echo_run(struct world *w, struct echo *e)
{
    for (int i = 0; i < ECHO_PEERS; i++) {
        assert_int_equal(
            thread_start("client", echo_client, &e->fds[i], &e->threads[i]),
            ST_OK);
    }
    loop_run(w->loop);
    for (int i = 0; i < ECHO_PEERS; i++) {
        thread_join(&e->threads[i]);
        assert_int_equal(e->peers[i].received, PEER_BYTES);
        assert_int_equal(e->peers[i].sent, PEER_BYTES);
        assert_int_equal(e->peers[i].ends, 1);
        assert_int_equal(e->peers[i].closes, 1);
    }
}

static void echo_over_pairs(void **state)
{
    struct world w;
    struct echo e = {.opened = ECHO_PEERS};
    world_open(&w, state, 16, &echo_handlers);
    w.test = &e;
    for (int i = 0; i < ECHO_PEERS; i++) {
        int server;
        make_pair(&server, &e.fds[i]);
        peer_open(&e.peers[i], &w, server);
    }
    echo_run(&w, &e);
    world_close(&w);
}

static void echo_over_tcp(void **state)
{
    struct world w;
    struct echo e = {0};
    int fd, err;
    world_open(&w, state, 64, &echo_handlers);
    w.test = &e;
    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 511, &fd, &err), ST_OK);
    struct listener *li = listener_open(w.loop, fd, &w);
    assert_non_null(li);
    int port = port_of(fd);
    for (int i = 0; i < ECHO_PEERS; i++) {
        e.fds[i] = connect_to(port);
    }
    echo_run(&w, &e);
    listener_close(&li);
    assert_null(li);
    world_close(&w);
}

/* With two buffers for six conns the ring runs dry all the time. */
static void echo_with_few_buffers(void **state)
{
    struct world w;
    struct echo e = {.opened = ECHO_PEERS};
    world_open(&w, state, 2, &echo_handlers);
    w.test = &e;
    for (int i = 0; i < ECHO_PEERS; i++) {
        int server;
        make_pair(&server, &e.fds[i]);
        peer_open(&e.peers[i], &w, server);
    }
    echo_run(&w, &e);
    world_close(&w);
}

/* ---- big chains, slow readers ---- */

enum { PINS = 40, PIN_BYTES = 200 * 1000, SMALL_BYTES = 1000 };

struct big {
    struct peer peer;
    struct thread *reader;
    int fd;
    int releases;
    int sleep_us;
    uint64_t read_bytes;
    uint8_t *pinned;
};

static uint8_t big_byte(uint64_t at)
{
    return (uint8_t)((at % 251) ^ (at >> 13));
}

static void big_release(void *arg)
{
    struct big *b = arg;
    b->releases++;
}

/* Reads to the end, each byte checked. */
static void big_reader(void *arg)
{
    struct big *b = arg;
    static _Thread_local uint8_t block[100000];
    for (unsigned turn = 0;; turn++) {
        ssize_t rc = recv(b->fd, block, sizeof block, 0);
        assert_true(rc >= 0);
        if (rc == 0) {
            break;
        }
        for (ssize_t i = 0; i < rc; i++) {
            assert_int_equal(block[i], big_byte(b->read_bytes));
            b->read_bytes++;
        }
        if (turn % 16 == 0) {
            usleep((useconds_t)b->sleep_us);
        }
    }
    close(b->fd);
}

static void big_closed(void *arg)
{
    struct peer *p = arg;
    peer_closed(p);
    loop_stop(p->world->loop);
}

static uint64_t big_fill(struct big *b)
{
    uint64_t at = 0;
    struct chain *out = conn_out(b->peer.conn);
    for (int i = 0; i < PINS; i++) {
        uint8_t *pin = b->pinned + (size_t)i * PIN_BYTES;
        for (size_t k = 0; k < PIN_BYTES; k++) {
            pin[k] = big_byte(at++);
        }
        chain_pin(out, pin, PIN_BYTES, big_release, b);
        uint8_t small[SMALL_BYTES];
        for (size_t k = 0; k < SMALL_BYTES; k++) {
            small[k] = big_byte(at++);
        }
        chain_append(out, small, sizeof small);
    }
    return at;
}

static void big_chain(void **state, int sleep_us, bool is_tcp)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_sent = peer_sent,
                              .on_closed = big_closed,
                              .on_accept = NULL};
    struct world w;
    struct big b = {.sleep_us = sleep_us};
    world_open(&w, state, 16, &h);
    b.pinned = malloc((size_t)PINS * PIN_BYTES);
    int server;
    if (is_tcp) {
        int fd, err;
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 5, &fd, &err),
                         ST_OK);
        b.fd = connect_to(port_of(fd));
        server = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
        close(fd);
    } else {
        make_pair(&server, &b.fd);
    }
    peer_open(&b.peer, &w, server);
    uint64_t total = big_fill(&b);
    conn_flush(b.peer.conn);
    conn_close(b.peer.conn, true);
    assert_int_equal(thread_start("reader", big_reader, &b, &b.reader), ST_OK);
    loop_run(w.loop);
    thread_join(&b.reader);
    assert_int_equal(b.read_bytes, total);
    assert_int_equal(b.peer.sent, total);
    assert_int_equal(b.releases, PINS);
    assert_int_equal(b.peer.closes, 1);
    free(b.pinned);
    world_close(&w);
}

static void big_chain_fast(void **state)
{
    big_chain(state, 0, false);
}

static void big_chain_slow_reader(void **state)
{
    big_chain(state, 1000, true);
}

/* The reader never reads; a plain close gives everything back. */
static void close_drops_what_is_unsent(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_sent = peer_sent,
                              .on_closed = big_closed};
    for (int after_flush = 0; after_flush < 2; after_flush++) {
        struct world w;
        struct big b = {0};
        world_open(&w, state, 16, &h);
        b.pinned = malloc((size_t)PINS * PIN_BYTES);
        int server;
        make_pair(&server, &b.fd);
        peer_open(&b.peer, &w, server);
        big_fill(&b);
        conn_flush(b.peer.conn);
        if (after_flush) {
            conn_close(b.peer.conn, true);
        }
        struct timer t;
        timer_init(&t, (void (*)(void *))loop_stop, w.loop);
        for (int i = 0; i < 1000 && b.peer.sent == 0; i++) {
            assert_int_equal(timer_start(w.loop, &t, 5000), ST_OK);
            loop_run(w.loop);
        }
        assert_int_equal(b.peer.closes, 0);
        assert_true(b.peer.sent > 0);
        conn_close(b.peer.conn, false);
        conn_close(b.peer.conn, false);
        assert_int_equal(b.peer.closes, 0);
        loop_run(w.loop);
        assert_int_equal(b.peer.closes, 1);
        assert_int_equal(b.releases, PINS);
        close(b.fd);
        free(b.pinned);
        world_close(&w);
    }
}

/* ---- pause and resume ---- */

struct flow {
    struct peer peer;
    struct timer timer;
    struct thread *writer;
    int fd;
    uint64_t paused_bytes; /* received while paused */
    bool is_paused;
};

static void flow_writer(void *arg)
{
    struct flow *f = arg;
    static _Thread_local uint8_t block[10000];
    uint64_t sent = 0;
    while (sent < PEER_BYTES) {
        size_t n = at_most(PEER_BYTES - sent, sizeof block);
        ssize_t rc = send(f->fd, block, n, MSG_NOSIGNAL);
        assert_true(rc > 0);
        sent += (uint64_t)rc;
    }
    close(f->fd);
}

static void flow_resume(void *arg)
{
    struct flow *f = arg;
    f->is_paused = false;
    /* Every order of the two must come out as the last call says. */
    conn_resume(f->peer.conn);
    conn_pause(f->peer.conn);
    conn_resume(f->peer.conn);
}

static void flow_data(void *arg, struct slice data)
{
    struct flow *f = arg;
    peer_data(&f->peer, data);
    if (f->is_paused) {
        f->paused_bytes += data.len;
        return;
    }
    conn_pause(f->peer.conn);
    conn_resume(f->peer.conn);
    conn_pause(f->peer.conn);
    f->is_paused = true;
    assert_int_equal(timer_start(f->peer.world->loop, &f->timer, 500), ST_OK);
}

static void flow_end(void *arg, int error)
{
    struct flow *f = arg;
    peer_end(&f->peer, error);
    conn_close(f->peer.conn, false);
}

static void pause_and_resume(void **state)
{
    struct loop_handlers h = {.on_data = flow_data,
                              .on_end = flow_end,
                              .on_closed = big_closed};
    struct world w;
    struct flow f = {0};
    world_open(&w, state, 16, &h);
    int server;
    make_pair(&server, &f.fd);
    peer_open(&f.peer, &w, server);
    timer_init(&f.timer, flow_resume, &f);
    assert_int_equal(thread_start("writer", flow_writer, &f, &f.writer), ST_OK);
    loop_run(w.loop);
    thread_join(&f.writer);
    assert_int_equal(f.peer.received, PEER_BYTES);
    assert_int_equal(f.peer.ends, 1);
    timer_stop(w.loop, &f.timer);
    world_close(&w);
}

static void paused_conn_receives_nothing(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_closed = peer_closed};
    struct world w;
    struct peer p;
    world_open(&w, state, 16, &h);
    int server, client;
    make_pair(&server, &client);
    peer_open(&p, &w, server);
    conn_pause(p.conn);
    struct timer t;
    timer_init(&t, (void (*)(void *))loop_stop, w.loop);
    assert_int_equal(timer_start(w.loop, &t, 5000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(write(client, "hello", 5), 5);
    assert_int_equal(timer_start(w.loop, &t, 5000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(p.received, 0);
    conn_resume(p.conn);
    assert_int_equal(timer_start(w.loop, &t, 5000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(p.received, 5);
    close(client);
    world_close(&w);
    assert_int_equal(p.closes, 1);
}

/* ---- close from each callback ---- */

enum close_place {
    CLOSE_IN_DATA,
    CLOSE_IN_SENT,
    CLOSE_IN_END,
    CLOSE_IN_TURN,
    CLOSE_IN_TIMER,
    CLOSE_OTHER_IN_DATA,
    CLOSE_OTHER_IN_SENT,
    CLOSE_PLACES
};

struct closing {
    struct world *world;
    enum close_place place;
    bool after_flush;
    struct peer a, b;
    struct timer timer;
};

static struct closing *closing_of(struct peer *p)
{
    return p->world->test;
}

static void closing_close(struct closing *x, struct peer *p)
{
    if (p->conn != NULL) {
        struct conn *c = p->conn;
        p->conn = NULL;
        conn_close(c, x->after_flush);
        conn_close(c, x->after_flush);
    }
}

static void closing_data(void *arg, struct slice data)
{
    struct peer *p = arg;
    struct closing *x = closing_of(p);
    peer_data(p, data);
    if (p->conn == NULL) {
        return;
    }
    chain_append(conn_out(p->conn), data.data, data.len);
    conn_flush(p->conn);
    if (x->place == CLOSE_IN_DATA) {
        closing_close(x, p);
    } else if (x->place == CLOSE_OTHER_IN_DATA) {
        closing_close(x, p == &x->a ? &x->b : &x->a);
    }
}

static void closing_sent(void *arg, size_t bytes)
{
    struct peer *p = arg;
    struct closing *x = closing_of(p);
    peer_sent(p, bytes);
    if (x->place == CLOSE_IN_SENT) {
        closing_close(x, p);
    } else if (x->place == CLOSE_OTHER_IN_SENT) {
        closing_close(x, p == &x->a ? &x->b : &x->a);
    }
}

static void closing_end(void *arg, int error)
{
    struct peer *p = arg;
    peer_end(p, error);
    closing_close(closing_of(p), p);
}

static void closing_closed(void *arg)
{
    struct peer *p = arg;
    struct closing *x = closing_of(p);
    peer_closed(p);
    if (x->a.closes + x->b.closes == 2) {
        loop_stop(p->world->loop);
    }
}

static void closing_turn(void *arg)
{
    struct world *w = arg;
    struct closing *x = w->test;
    if (x->place == CLOSE_IN_TURN && x->a.received > 0) {
        closing_close(x, &x->a);
        closing_close(x, &x->b);
    }
}

static void closing_timer(void *arg)
{
    struct closing *x = arg;
    closing_close(x, &x->a);
    closing_close(x, &x->b);
}

static void close_in_place(void **state, enum close_place place,
                           bool after_flush)
{
    struct loop_handlers h = {.on_data = closing_data,
                              .on_end = closing_end,
                              .on_sent = closing_sent,
                              .on_closed = closing_closed,
                              .on_turn = closing_turn};
    struct world w;
    struct closing x = {
        .world = &w, .place = place, .after_flush = after_flush};
    world_open(&w, state, 16, &h);
    w.test = &x;
    int server, client_a, client_b;
    make_pair(&server, &client_a);
    peer_open(&x.a, &w, server);
    make_pair(&server, &client_b);
    peer_open(&x.b, &w, server);
    timer_init(&x.timer, closing_timer, &x);
    static const char noise[50000];
    assert_true(write(client_a, noise, sizeof noise) > 0);
    assert_true(write(client_b, noise, sizeof noise) > 0);
    if (place == CLOSE_IN_END) {
        shutdown(client_a, SHUT_WR);
        shutdown(client_b, SHUT_WR);
    }
    /* Ends every run: who has not closed by then does now. */
    assert_int_equal(timer_start(w.loop, &x.timer, 5000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(x.a.closes, 1);
    assert_int_equal(x.b.closes, 1);
    close(client_a);
    close(client_b);
    world_close(&w);
}

static void close_in_every_callback(void **state)
{
    for (int place = 0; place < CLOSE_PLACES; place++) {
        close_in_place(state, (enum close_place)place, false);
        close_in_place(state, (enum close_place)place, true);
    }
}

static void reset_by(int fd)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(fd);
}

/* A reset ends a conn once, whether it is idle or in the midst of sending. */
static void peer_resets(void **state)
{
    for (int is_sending = 0; is_sending < 2; is_sending++) {
        struct loop_handlers h = {.on_data = peer_data,
                                  .on_end = flow_end,
                                  .on_sent = peer_sent,
                                  .on_closed = big_closed};
        struct world w;
        struct peer p;
        world_open(&w, state, 16, &h);
        int fd, err;
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 5, &fd, &err),
                         ST_OK);
        int client = connect_to(port_of(fd));
        peer_open(&p, &w, accept4(fd, NULL, NULL, SOCK_NONBLOCK));
        if (is_sending) {
            static const char noise[100000];
            for (int i = 0; i < 100; i++) {
                chain_append(conn_out(p.conn), noise, sizeof noise);
            }
            conn_flush(p.conn);
            struct timer t;
            timer_init(&t, (void (*)(void *))loop_stop, w.loop);
            assert_int_equal(timer_start(w.loop, &t, 10000), ST_OK);
            loop_run(w.loop);
            assert_int_equal(p.ends, 0);
        }
        reset_by(client);
        loop_run(w.loop);
        assert_int_equal(p.ends, 1);
        assert_true(p.error == ECONNRESET || p.error == EPIPE);
        assert_int_equal(p.closes, 1);
        close(fd);
        world_close(&w);
    }
}

/* ---- many conns ---- */

enum { MANY = 1000, MANY_BYTES = 300 };

struct many {
    struct peer peers[MANY];
    int clients[MANY];
    int done, closed;
};

static void many_data(void *arg, struct slice data)
{
    struct peer *p = arg;
    struct many *m = p->world->test;
    echo_data(p, data);
    if (p->received == MANY_BYTES) {
        m->done++;
    }
}

static void many_sent(void *arg, size_t bytes)
{
    struct peer *p = arg;
    peer_sent(p, bytes);
    if (p->sent == MANY_BYTES) {
        conn_close(p->conn, true);
    }
}

static void many_closed(void *arg)
{
    struct peer *p = arg;
    struct many *m = p->world->test;
    peer_closed(p);
    if (++m->closed == MANY) {
        loop_stop(p->world->loop);
    }
}

static void many_conns(void **state)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit wide = limit;
    wide.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &wide);
    if (wide.rlim_cur < 2 * MANY + 100) {
        skip();
    }
    struct loop_handlers h = {.on_data = many_data,
                              .on_end = peer_end,
                              .on_sent = many_sent,
                              .on_closed = many_closed};
    struct world w;
    struct many *m = calloc(1, sizeof *m);
    world_open(&w, state, 64, &h);
    w.test = m;
    char text[MANY_BYTES];
    for (int i = 0; i < MANY; i++) {
        int server;
        make_pair(&server, &m->clients[i]);
        peer_open(&m->peers[i], &w, server);
        memset(text, 'a' + i % 26, sizeof text);
        assert_int_equal(write(m->clients[i], text, sizeof text), MANY_BYTES);
    }
    loop_run(w.loop);
    assert_int_equal(m->done, MANY);
    for (int i = 0; i < MANY; i++) {
        char back[MANY_BYTES + 1];
        memset(text, 'a' + i % 26, sizeof text);
        assert_int_equal(recv(m->clients[i], back, sizeof back, MSG_WAITALL),
                         MANY_BYTES);
        assert_memory_equal(back, text, MANY_BYTES);
        close(m->clients[i]);
    }
    world_close(&w);
    free(m);
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Far more conns than receive buffers, all with something to say at once. */

enum { CROWD = 5000, CROWD_ROUNDS = 3 };

struct crowd {
    struct peer peers[CROWD];
    int clients[CROWD];
    int count, rounds;
    uint64_t received;
    bool is_late;
};

static void crowd_speak(struct crowd *x)
{
    for (int i = 0; i < x->count; i++) {
        assert_int_equal(write(x->clients[i], "hello", 5), 5);
    }
}

static void crowd_data(void *arg, struct slice data)
{
    struct peer *p = arg;
    struct crowd *x = p->world->test;
    peer_data(p, data);
    x->received += data.len;
}

static void crowd_turn(void *arg)
{
    struct world *w = arg;
    struct crowd *x = w->test;
    if (x->received == (uint64_t)x->count * 5 * (uint64_t)(x->rounds + 1)) {
        if (++x->rounds == CROWD_ROUNDS) {
            loop_stop(w->loop);
        } else {
            crowd_speak(x);
        }
    }
}

static void crowd_late(void *arg)
{
    struct world *w = arg;
    ((struct crowd *)w->test)->is_late = true;
    loop_stop(w->loop);
}

static void crowd_served_by(void **state, uint32_t buffers)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit wide = limit;
    wide.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &wide);
    struct loop_handlers h = {.on_data = crowd_data,
                              .on_end = peer_end,
                              .on_closed = peer_closed,
                              .on_turn = crowd_turn};
    struct world w;
    struct crowd *x = calloc(1, sizeof *x);
    world_open(&w, state, buffers, &h);
    w.test = x;
    /* Of the buffers only those are charged that may have been touched. */
    assert_true(mem_used(&w.account) < 1024 * 1024);
    x->count = (int)at_most((wide.rlim_cur - 100) / 2, CROWD);
    for (int i = 0; i < x->count; i++) {
        int server;
        make_pair(&server, &x->clients[i]);
        peer_open(&x->peers[i], &w, server);
    }
    crowd_speak(x);
    struct timer late;
    timer_init(&late, crowd_late, &w);
    assert_int_equal(timer_start(w.loop, &late, 20 * 1000 * 1000), ST_OK);
    loop_run(w.loop);
    assert_false(x->is_late);
    for (int i = 0; i < x->count; i++) {
        assert_int_equal(x->peers[i].received, 5 * CROWD_ROUNDS);
        close(x->clients[i]);
    }
    world_close(&w);
    free(x);
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void crowd_is_served(void **state)
{
    crowd_served_by(state, 256);
}

/* Newer kernels hand over some twenty conns a wait, so that it takes few
 * buffers for the ring to run dry. */
static void crowd_with_few_buffers(void **state)
{
    crowd_served_by(state, 8);
}

/* A conn is closed by another's on_closed, with a send just queued and nothing
 * to receive: what it sent must not reach the next owner of the number. */

struct number {
    struct peer first, second;
    int stray[2];
    bool is_armed;
};

static void number_turn(void *arg)
{
    struct world *w = arg;
    struct number *x = w->test;
    if (x->is_armed && x->second.conn != NULL) {
        x->is_armed = false;
        chain_append(conn_out(x->second.conn), "mine", 4);
        conn_flush(x->second.conn);
        conn_close(x->first.conn, false);
    }
}

static void number_timer(void *arg)
{
    struct world *w = arg;
    struct number *x = w->test;
    x->is_armed = true;
}

static void number_closed(void *arg)
{
    struct peer *p = arg;
    struct number *x = p->world->test;
    peer_closed(p);
    if (p == &x->second) {
        loop_stop(p->world->loop);
        return;
    }
    conn_close(x->second.conn, false);
    make_pair(&x->stray[0], &x->stray[1]);
}

static void unsent_bytes_miss_the_next_owner(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_closed = number_closed,
                              .on_turn = number_turn};
    struct world w;
    struct number x = {0};
    int fds[2], clients[2];
    world_open(&w, state, 8, &h);
    w.test = &x;
    make_pair(&fds[0], &clients[0]);
    make_pair(&fds[1], &clients[1]);
    peer_open(&x.first, &w, fds[0]);
    peer_open(&x.second, &w, fds[1]);
    conn_pause(x.first.conn);
    conn_pause(x.second.conn);
    struct timer t;
    timer_init(&t, number_timer, &w);
    assert_int_equal(timer_start(w.loop, &t, 10000), ST_OK);
    loop_run(w.loop);
    char text[8];
    assert_int_equal(recv(clients[1], text, sizeof text, MSG_DONTWAIT), 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(recv(x.stray[i], text, sizeof text, MSG_DONTWAIT),
                         -1);
    }
    for (int i = 0; i < 2; i++) {
        close(x.stray[i]);
        close(clients[i]);
    }
    world_close(&w);
}

/* Data is valid until on_turn has returned. */
struct keeper {
    struct peer peer;
    struct slice kept[64];
    int count;
    uint64_t checked;
};

static void keeper_data(void *arg, struct slice data)
{
    struct keeper *k = arg;
    peer_data(&k->peer, data);
    assert_true(k->count < 64);
    k->kept[k->count++] = data;
}

static void keeper_turn(void *arg)
{
    struct world *w = arg;
    struct keeper *k = w->test;
    for (int i = 0; i < k->count; i++) {
        for (size_t b = 0; b < k->kept[i].len; b++) {
            assert_int_equal(k->kept[i].data[b], big_byte(k->checked));
            k->checked++;
        }
    }
    k->count = 0;
}

static void data_stays_until_the_turn_ends(void **state)
{
    struct loop_handlers h = {.on_data = keeper_data,
                              .on_end = flow_end,
                              .on_closed = big_closed,
                              .on_turn = keeper_turn};
    struct world w;
    struct keeper k = {0};
    world_open(&w, state, 4, &h);
    w.test = &k;
    int server, client, room = 1024 * 1024;
    make_pair(&server, &client);
    setsockopt(client, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    peer_open(&k.peer, &w, server);
    uint64_t total = 0;
    for (;;) {
        uint8_t block[5000];
        for (size_t i = 0; i < sizeof block; i++) {
            block[i] = big_byte(total + i);
        }
        ssize_t rc = send(client, block, sizeof block, MSG_DONTWAIT);
        if (rc <= 0) {
            break;
        }
        total += (uint64_t)rc;
    }
    assert_true(total > 100000);
    close(client);
    loop_run(w.loop);
    assert_int_equal(k.checked, total);
    world_close(&w);
}

/* ---- listeners ---- */

struct doorman {
    struct world *world;
    int fds[128];
    int accepted, errors, last_error;
    struct timer timer;
};

static void doorman_accept(void *arg, int fd)
{
    struct doorman *d = arg;
    assert_true(d->accepted < 128);
    d->fds[d->accepted++] = fd;
}

static void doorman_error(void *arg, int error)
{
    struct doorman *d = arg;
    d->errors++;
    d->last_error = error;
}

static void accept_without_descriptors(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_accept = doorman_accept,
                              .on_accept_error = doorman_error};
    struct world w;
    struct doorman d = {.world = &w};
    world_open(&w, state, 16, &h);
    int fd, err, clients[10];
    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 50, &fd, &err), ST_OK);
    struct listener *li = listener_open(w.loop, fd, &d);
    for (int i = 0; i < 10; i++) {
        clients[i] = connect_to(port_of(fd));
    }
    /* Three descriptors are left: the limit counts from the lowest free. */
    int lowest = dup(0);
    close(lowest);
    struct rlimit limit, narrow;
    getrlimit(RLIMIT_NOFILE, &limit);
    narrow = limit;
    narrow.rlim_cur = (rlim_t)lowest + 3;
    setrlimit(RLIMIT_NOFILE, &narrow);
    timer_init(&d.timer, (void (*)(void *))loop_stop, w.loop);
    assert_int_equal(timer_start(w.loop, &d.timer, 150 * 1000), ST_OK);
    loop_run(w.loop);
    assert_true(d.accepted < 10);
    assert_true(d.errors >= 1);
    assert_true(d.errors <= 3);
    assert_int_equal(d.last_error, EMFILE);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(timer_start(w.loop, &d.timer, 250 * 1000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(d.accepted, 10);
    for (int i = 0; i < 10; i++) {
        assert_true((fcntl(d.fds[i], F_GETFL) & O_NONBLOCK) != 0);
        close(d.fds[i]);
        close(clients[i]);
    }
    listener_close(&li);
    world_close(&w);
}

static void listener_closes_while_open(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_accept = doorman_accept};
    struct world w;
    struct doorman d = {.world = &w};
    world_open(&w, state, 16, &h);
    timer_init(&d.timer, (void (*)(void *))loop_stop, w.loop);
    for (int round = 0; round < 3; round++) {
        int fd, err;
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 50, &fd, &err),
                         ST_OK);
        int port = port_of(fd);
        struct listener *li = listener_open(w.loop, fd, &d);
        assert_non_null(li);
        if (round == 1) {
            assert_int_equal(timer_start(w.loop, &d.timer, 2000), ST_OK);
            loop_run(w.loop);
        }
        int client = connect_to(port);
        listener_close(&li);
        assert_int_equal(timer_start(w.loop, &d.timer, 2000), ST_OK);
        if (round != 2) {
            loop_run(w.loop);
        }
        assert_int_equal(d.accepted, 0);
        close(client);
    }
    timer_stop(w.loop, &d.timer);
    world_close(&w);
}

/* Every conn hears on_closed when the loop goes, busy or not. */
static void destroy_closes_all(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_closed = peer_closed,
                              .on_accept = doorman_accept};
    for (int runs = 0; runs < 2; runs++) {
        struct world w;
        struct peer p[20];
        int clients[20];
        world_open(&w, state, 16, &h);
        static const char noise[100000];
        for (int i = 0; i < 20; i++) {
            int server;
            make_pair(&server, &clients[i]);
            peer_open(&p[i], &w, server);
            for (int k = 0; k < i; k++) {
                chain_append(conn_out(p[i].conn), noise, sizeof noise);
            }
            conn_flush(p[i].conn);
        }
        int fd, err;
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 50, &fd, &err),
                         ST_OK);
        assert_non_null(listener_open(w.loop, fd, &w));
        if (runs) {
            struct timer t;
            timer_init(&t, (void (*)(void *))loop_stop, w.loop);
            assert_int_equal(timer_start(w.loop, &t, 5000), ST_OK);
            loop_run(w.loop);
        }
        world_close(&w);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(p[i].closes, 1);
            close(clients[i]);
        }
    }
}

static void allocation_failures(void **state)
{
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_closed = peer_closed};
    struct world w;
    int64_t step = 0;
    for (;; step++) {
        mem_account_init(&w.account);
        w.account.fail_after = step;
        struct loop_options o = {.engine = *(enum loop_engine *)*state,
                                 .buffer_count = 8,
                                 .account = &w.account};
        enum status st = loop_create(&o, &h, &w, &w.loop);
        w.account.fail_after = -1;
        if (st == ST_OK) {
            break;
        }
        assert_int_equal(st, ST_NOMEM);
        assert_int_equal(mem_used(&w.account), 0);
    }
    assert_true(step >= 2);
    int server, client;
    make_pair(&server, &client);
    w.account.fail_after = 0;
    assert_null(conn_open(w.loop, server, &w));
    assert_null(listener_open(w.loop, server, &w));
    struct timer t;
    timer_init(&t, (void (*)(void *))loop_stop, w.loop);
    assert_int_equal(timer_start(w.loop, &t, 1), ST_NOMEM);
    w.account.fail_after = -1;
    close(server);
    close(client);
    loop_destroy(&w.loop);
    assert_int_equal(mem_used(&w.account), 0);
}

int run_loop_tests(enum loop_engine engine)
{
#define WITH_ENGINE(test) cmocka_unit_test_prestate(test, &engine)
    const struct CMUnitTest tests[] = {
        WITH_ENGINE(echo_over_pairs),
        WITH_ENGINE(echo_over_tcp),
        WITH_ENGINE(echo_with_few_buffers),
        WITH_ENGINE(big_chain_fast),
        WITH_ENGINE(big_chain_slow_reader),
        WITH_ENGINE(close_drops_what_is_unsent),
        WITH_ENGINE(pause_and_resume),
        WITH_ENGINE(paused_conn_receives_nothing),
        WITH_ENGINE(close_in_every_callback),
        WITH_ENGINE(peer_resets),
        WITH_ENGINE(many_conns),
        WITH_ENGINE(crowd_is_served),
        WITH_ENGINE(crowd_with_few_buffers),
        WITH_ENGINE(unsent_bytes_miss_the_next_owner),
        WITH_ENGINE(data_stays_until_the_turn_ends),
        WITH_ENGINE(accept_without_descriptors),
        WITH_ENGINE(listener_closes_while_open),
        WITH_ENGINE(destroy_closes_all),
        WITH_ENGINE(allocation_failures),
    };
    return cmocka_run_group_tests_name(
        engine == LOOP_URING ? "loop io_uring" : "loop epoll", tests, NULL,
        NULL);
}
