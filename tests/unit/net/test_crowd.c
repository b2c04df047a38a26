/* Tests of many conns at once, of listeners, and of a loop's own end. */
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
    peer_echo(p, data);
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

static void keeper_end(void *arg, int error)
{
    struct keeper *k = arg;
    peer_end(&k->peer, error);
    conn_close(k->peer.conn, false);
}

static void keeper_turn(void *arg)
{
    struct world *w = arg;
    struct keeper *k = w->test;
    for (int i = 0; i < k->count; i++) {
        for (size_t b = 0; b < k->kept[i].len; b++) {
            assert_int_equal(k->kept[i].data[b], pattern_byte(k->checked));
            k->checked++;
        }
    }
    k->count = 0;
}

static void data_stays_until_the_turn_ends(void **state)
{
    struct loop_handlers h = {.on_data = keeper_data,
                              .on_end = keeper_end,
                              .on_closed = peer_closed_stops,
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
            block[i] = pattern_byte(total + i);
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
    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 50, false, &fd, &err), ST_OK);
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
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 50, false, &fd, &err),
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
        assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 50, false, &fd, &err),
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

int run_crowd_tests(enum loop_engine engine)
{
#define WITH_ENGINE(test) cmocka_unit_test_prestate(test, &engine)
    const struct CMUnitTest tests[] = {
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
        engine == LOOP_URING ? "crowd io_uring" : "crowd epoll", tests, NULL,
        NULL);
}
