/* Tests of one conn at a time: bytes both ways, chains, pausing, closing. The
 * peers are blocking sockets on threads of their own, or written to before the
 * loop runs. */
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

/* ---- echo ---- */

enum { ECHO_PEERS = 6 };

struct echo {
    struct peer peers[ECHO_PEERS];
    int fds[ECHO_PEERS];
    struct thread *threads[ECHO_PEERS];
    int opened, closed;
};

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
    .on_data = peer_echo,
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
    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 511, false, &fd, &err), ST_OK);
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
            assert_int_equal(block[i], pattern_byte(b->read_bytes));
            b->read_bytes++;
        }
        if (turn % 16 == 0) {
            usleep((useconds_t)b->sleep_us);
        }
    }
    close(b->fd);
}

static uint64_t big_fill(struct big *b)
{
    uint64_t at = 0;
    struct chain *out = conn_out(b->peer.conn);
    for (int i = 0; i < PINS; i++) {
        uint8_t *pin = b->pinned + (size_t)i * PIN_BYTES;
        for (size_t k = 0; k < PIN_BYTES; k++) {
            pin[k] = pattern_byte(at++);
        }
        chain_pin(out, pin, PIN_BYTES, big_release, b);
        uint8_t small[SMALL_BYTES];
        for (size_t k = 0; k < SMALL_BYTES; k++) {
            small[k] = pattern_byte(at++);
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
                              .on_closed = peer_closed_stops,
                              .on_accept = NULL};
    struct world w;
    struct big b = {.sleep_us = sleep_us};
    world_open(&w, state, 16, &h);
    b.pinned = malloc((size_t)PINS * PIN_BYTES);
    int server;
    if (is_tcp) {
        int fd, err;
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 5, false, &fd, &err),
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
                              .on_closed = peer_closed_stops};
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

/* Chunks that were wanted for a long reply do not outlive a peer that has not
 * taken it. */
static void close_gives_chunks_back(void **state)
{
    static uint8_t bytes[CHUNK_BYTES * 30];
    struct loop_handlers h = {.on_data = peer_data,
                              .on_end = peer_end,
                              .on_closed = peer_closed_stops};
    struct world w;
    struct peer p;
    int server, client;
    world_open(&w, state, 16, &h);
    make_pair(&server, &client);
    peer_open(&p, &w, server);
    size_t before = mem_used(&w.account);
    chain_append(conn_out(p.conn), bytes, sizeof bytes);
    assert_true(mem_used(&w.account) > before + sizeof bytes);
    conn_close(p.conn, false);
    loop_run(w.loop);
    assert_int_equal(p.closes, 1);
    assert_int_equal(w.pool.free_count, 1);
    assert_true(mem_used(&w.account) < before + 2 * CHUNK_BYTES);
    close(client);
    world_close(&w);
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
                              .on_closed = peer_closed_stops};
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
                                  .on_closed = peer_closed_stops};
        struct world w;
        struct peer p;
        world_open(&w, state, 16, &h);
        int fd, err;
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 5, false, &fd, &err),
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
        WITH_ENGINE(close_gives_chunks_back),
        WITH_ENGINE(pause_and_resume),
        WITH_ENGINE(paused_conn_receives_nothing),
        WITH_ENGINE(close_in_every_callback),
        WITH_ENGINE(peer_resets),
    };
    return cmocka_run_group_tests_name(
        engine == LOOP_URING ? "loop io_uring" : "loop epoll", tests, NULL,
        NULL);
}
