/* Tests of timers, waking, background work and sockets. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "test_net.h"

static void no_data(void *arg, struct slice data)
{
    (void)arg;
    (void)data;
    fail();
}

static void no_end(void *arg, int error)
{
    (void)arg;
    (void)error;
    fail();
}

/* ---- timers ---- */

enum { TIMERS = 500 };

struct alarm {
    struct timer timer;
    struct alarms *all;
    int64_t due_us;
    int fired;
    bool is_stopped;
};

struct alarms {
    struct world *world;
    struct alarm alarm[TIMERS];
    int expected, fired;
    int64_t last_due_us;
};

static void alarm_fire(void *arg)
{
    struct alarm *a = arg;
    struct alarms *all = a->all;
    assert_false(a->is_stopped);
    assert_true(a->due_us >= all->last_due_us);
    assert_true(loop_now_us(all->world->loop) >= a->due_us);
    all->last_due_us = a->due_us;
    a->fired++;
    if (++all->fired == all->expected) {
        loop_stop(all->world->loop);
    }
}

static void timers_fire_in_order(void **state)
{
    struct loop_handlers h = {.on_data = no_data, .on_end = no_end};
    struct world w;
    static struct alarms all;
    all = (struct alarms){.world = &w, .expected = TIMERS};
    world_open(&w, state, 8, &h);
    struct random r;
    random_init(&r, 1);
    for (int i = 0; i < TIMERS; i++) {
        struct alarm *a = &all.alarm[i];
        a->all = &all;
        timer_init(&a->timer, alarm_fire, a);
        for (int again = 0; again < 1 + i % 3; again++) {
            int64_t after = (int64_t)random_below(&r, 50000);
            assert_int_equal(timer_start(w.loop, &a->timer, after), ST_OK);
            a->due_us = a->timer.due_us;
        }
    }
    for (int i = 0; i < TIMERS; i += 5) {
        timer_stop(w.loop, &all.alarm[i].timer);
        timer_stop(w.loop, &all.alarm[i].timer);
        all.alarm[i].is_stopped = true;
        all.expected--;
    }
    loop_run(w.loop);
    for (int i = 0; i < TIMERS; i++) {
        assert_int_equal(all.alarm[i].fired, i % 5 != 0);
    }
    world_close(&w);
}

struct repeater {
    struct world *world;
    struct timer timer;
    int fired, turns;
};

static void repeater_fire(void *arg)
{
    struct repeater *r = arg;
    if (++r->fired == 10) {
        loop_stop(r->world->loop);
        return;
    }
    assert_int_equal(timer_start(r->world->loop, &r->timer, 0), ST_OK);
}

static void repeater_turn(void *arg)
{
    struct world *w = arg;
    ((struct repeater *)w->test)->turns++;
}

/* Started again from its own callback, a timer fires once a turn. */
static void timer_restarts_itself(void **state)
{
    struct loop_handlers h = {
        .on_data = no_data, .on_end = no_end, .on_turn = repeater_turn};
    struct world w;
    struct repeater r = {.world = &w};
    world_open(&w, state, 8, &h);
    w.test = &r;
    timer_init(&r.timer, repeater_fire, &r);
    assert_int_equal(timer_start(w.loop, &r.timer, 0), ST_OK);
    loop_run(w.loop);
    assert_int_equal(r.fired, 10);
    assert_true(r.turns >= 10);
    world_close(&w);
}

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

static void timer_is_punctual(void **state)
{
    struct loop_handlers h = {.on_data = no_data, .on_end = no_end};
    struct world w;
    world_open(&w, state, 8, &h);
    struct timer t;
    timer_init(&t, stop_loop, w.loop);
    assert_int_equal(timer_start(w.loop, &t, 30000), ST_OK);
    int64_t before = loop_now_us(w.loop);
    loop_run(w.loop);
    int64_t took = clock_monotonic_us() - before;
    assert_true(took >= 30000);
    assert_true(took < 1000000);
    int64_t off_ms = loop_wall_ms(w.loop) - clock_wall_us() / 1000;
    assert_true(off_ms <= 1);
    assert_true(off_ms >= -1000);
    world_close(&w);
}

/* ---- waking ---- */

enum { WAKES = 20000 };

struct waking {
    struct world *world;
    _Atomic(int) asked; /* release by the wakers, acquire by the loop */
    int seen_turns;
};

static void waker(void *arg)
{
    struct waking *k = arg;
    for (int i = 0; i < WAKES; i++) {
        atomic_fetch_add(&k->asked, 1);
        loop_wake(k->world->loop);
    }
}

static void waking_turn(void *arg)
{
    struct world *w = arg;
    struct waking *k = w->test;
    k->seen_turns++;
    if (atomic_load(&k->asked) == 2 * WAKES) {
        loop_stop(w->loop);
    }
}

/* No wake is lost: the loop has no other reason to turn. */
static void wake_from_threads(void **state)
{
    struct loop_handlers h = {
        .on_data = no_data, .on_end = no_end, .on_turn = waking_turn};
    struct world w;
    struct waking k = {.world = &w};
    world_open(&w, state, 8, &h);
    w.test = &k;
    struct thread *threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(thread_start("waker", waker, &k, &threads[i]), ST_OK);
    }
    loop_run(w.loop);
    for (int i = 0; i < 2; i++) {
        thread_join(&threads[i]);
    }
    assert_true(k.seen_turns > 0);
    world_close(&w);
}

/* One wake at a time, so that each finds the loop asleep. */
static void ping_waker(void *arg)
{
    struct waking *k = arg;
    for (int i = 0; i < 2 * WAKES / 100; i++) {
        usleep(50);
        atomic_fetch_add(&k->asked, 100);
        loop_wake(k->world->loop);
    }
}

static void wake_when_asleep(void **state)
{
    struct loop_handlers h = {
        .on_data = no_data, .on_end = no_end, .on_turn = waking_turn};
    struct world w;
    struct waking k = {.world = &w};
    world_open(&w, state, 8, &h);
    w.test = &k;
    struct thread *t;
    assert_int_equal(thread_start("waker", ping_waker, &k, &t), ST_OK);
    loop_run(w.loop);
    thread_join(&t);
    world_close(&w);
}

/* ---- a loop made here, run there, destroyed here ---- */

static void run_elsewhere(void *arg)
{
    struct world *w = arg;
    loop_run(w->loop);
}

static void open_conn_data(void *arg, struct slice data)
{
    struct world *w = arg;
    assert_int_equal(data.len, 2);
    loop_stop(w->loop);
}

static void closed_elsewhere(void *arg)
{
    struct world *w = arg;
    w->test = NULL;
}

static void loop_moves_to_its_thread(void **state)
{
    struct loop_handlers h = {.on_data = open_conn_data,
                              .on_end = no_end,
                              .on_closed = closed_elsewhere};
    struct world w;
    world_open(&w, state, 8, &h);
    w.test = &w;
    int fds[2];
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_non_null(conn_open(w.loop, fds[0], &w));
    struct thread *t;
    assert_int_equal(thread_start("loop", run_elsewhere, &w, &t), ST_OK);
    assert_int_equal(write(fds[1], "hi", 2), 2);
    thread_join(&t);
    world_close(&w);
    assert_null(w.test);
    close(fds[1]);
}

/* ---- background ---- */

struct cadence {
    struct world *world;
    int64_t answers[6];
    int64_t called_us[6];
    int calls;
};

static int64_t cadence_background(void *arg)
{
    struct world *w = arg;
    struct cadence *c = w->test;
    if (c->calls == 6) {
        loop_stop(w->loop);
        return INT64_MAX;
    }
    c->called_us[c->calls] = loop_now_us(w->loop);
    return c->answers[c->calls++];
}

static void background_cadence(void **state)
{
    struct loop_handlers h = {.on_data = no_data,
                              .on_end = no_end,
                              .on_background = cadence_background};
    struct world w;
    struct cadence c = {.world = &w, .answers = {0, 0, 5000, 300, 20000, 0}};
    world_open(&w, state, 8, &h);
    w.test = &c;
    loop_run(w.loop);
    assert_int_equal(c.calls, 6);
    for (int i = 0; i < 5; i++) {
        assert_true(c.called_us[i + 1] - c.called_us[i] >= c.answers[i]);
    }
    assert_true(c.called_us[2] - c.called_us[0] < 5000000);
    world_close(&w);
}

static int64_t idle_background(void *arg)
{
    struct world *w = arg;
    ++*(int *)w->test;
    return INT64_MAX;
}

static void no_timer(void *arg)
{
    (void)arg;
}

/* "Nothing to do" does not make the loop turn. */
static void background_idles(void **state)
{
    struct loop_handlers h = {.on_data = no_data,
                              .on_end = no_end,
                              .on_background = idle_background};
    struct world w;
    int calls = 0;
    world_open(&w, state, 8, &h);
    w.test = &calls;
    struct timer t;
    timer_init(&t, stop_loop, w.loop);
    assert_int_equal(timer_start(w.loop, &t, 30000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(calls, 1); /* in the first turn */
    world_close(&w);
}

static void ask_for_background(void *arg)
{
    struct world *w = arg;
    int calls = *(int *)w->test;
    loop_background_soon(w->loop);
    assert_int_equal(*(int *)w->test, calls); /* not under the callback */
}

/* Until it is asked for, and then once. */
static void background_soon(void **state)
{
    struct loop_handlers h = {.on_data = no_data,
                              .on_end = no_end,
                              .on_background = idle_background};
    struct world w;
    int calls = 0;
    world_open(&w, state, 8, &h);
    w.test = &calls;
    struct timer ask, nothing, stop;
    timer_init(&ask, ask_for_background, &w);
    timer_init(&nothing, no_timer, &w);
    timer_init(&stop, stop_loop, w.loop);
    assert_int_equal(timer_start(w.loop, &ask, 5000), ST_OK);
    assert_int_equal(timer_start(w.loop, &nothing, 10000), ST_OK);
    assert_int_equal(timer_start(w.loop, &stop, 15000), ST_OK);
    loop_run(w.loop);
    assert_int_equal(calls, 2);
    world_close(&w);
}

/* ---- sockets ---- */

static void socket_names(void **state)
{
    (void)state;
    int fd, err;
    char name[128];
    assert_int_equal(socket_listen_tcp("127.0.0.1", 0, 5, false, &fd, &err), ST_OK);
    socket_local_name(fd, name, sizeof name);
    assert_int_equal(strncmp(name, "127.0.0.1:", 10), 0);
    int port = atoi(name + 10);
    assert_true(port > 0);
    socket_set_nodelay(fd);
    socket_set_keepalive(fd, 300);
    socket_set_keepalive(fd, 1);
    socket_set_keepalive(fd, 0);
    int second;
    assert_int_equal(socket_listen_tcp("127.0.0.1", port, 5, false, &second, &err),
                     ST_IO);
    assert_int_equal(err, EADDRINUSE);
    socket_peer_name(fd, name, sizeof name);
    assert_string_equal(name, "?:0");
    close(fd);
    assert_int_equal(socket_listen_tcp("*", 0, 5, false, &fd, &err), ST_OK);
    socket_local_name(fd, name, sizeof name);
    assert_int_equal(strncmp(name, "0.0.0.0:", 8), 0);
    close(fd);
    if (socket_listen_tcp("::1", 0, 5, false, &fd, &err) == ST_OK) {
        socket_local_name(fd, name, sizeof name);
        assert_int_equal(strncmp(name, "[::1]:", 6), 0);
        close(fd);
    }
    assert_int_equal(socket_listen_tcp("192.0.2.1", 0, 5, false, &fd, &err), ST_IO);
    assert_int_equal(socket_listen_tcp("no such host", 0, 5, false, &fd, &err),
                     ST_IO);
}

static void socket_unix(void **state)
{
    (void)state;
    char path[64], name[128], expected[80];
    snprintf(path, sizeof path, "/tmp/unit-net-%d.sock", (int)getpid());
    int fd, err;
    for (int again = 0; again < 2; again++) { /* over a stale file, too */
        assert_int_equal(socket_listen_unix(path, 0600, 5, &fd, &err), ST_OK);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        close(fd);
    }
    assert_int_equal(socket_listen_unix(path, 0, 5, &fd, &err), ST_OK);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, path);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof addr), 0);
    int server = accept(fd, NULL, NULL);
    snprintf(expected, sizeof expected, "%s:0", path);
    socket_peer_name(server, name, sizeof name);
    assert_string_equal(name, expected);
    socket_local_name(server, name, sizeof name);
    assert_string_equal(name, expected);
    close(client);
    close(server);
    close(fd);
    unlink(path);
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(socket_listen_unix(longest, 0, 5, &fd, &err), ST_IO);
    assert_int_equal(err, ENAMETOOLONG);
    assert_int_equal(socket_listen_unix("/nowhere/x", 0, 5, &fd, &err), ST_IO);
}

static void engine_is_named(void **state)
{
    struct loop_handlers h = {.on_data = no_data, .on_end = no_end};
    struct world w;
    world_open(&w, state, 8, &h);
    enum loop_engine engine = *(enum loop_engine *)*state;
    assert_string_equal(loop_engine_name(w.loop),
                        engine == LOOP_URING ? "io_uring" : "epoll");
    world_close(&w);
    enum loop_engine any = LOOP_AUTO;
    void *any_state = &any;
    world_open(&w, &any_state, 8, &h);
    world_close(&w);
}

int run_timer_socket_tests(enum loop_engine engine)
{
#define WITH_ENGINE(test) cmocka_unit_test_prestate(test, &engine)
    const struct CMUnitTest tests[] = {
        WITH_ENGINE(timers_fire_in_order),
        WITH_ENGINE(timer_restarts_itself),
        WITH_ENGINE(timer_is_punctual),
        WITH_ENGINE(wake_from_threads),
        WITH_ENGINE(wake_when_asleep),
        WITH_ENGINE(loop_moves_to_its_thread),
        WITH_ENGINE(background_cadence),
        WITH_ENGINE(background_idles),
        WITH_ENGINE(background_soon),
        WITH_ENGINE(socket_names),
        WITH_ENGINE(socket_unix),
        WITH_ENGINE(engine_is_named),
    };
    return cmocka_run_group_tests_name(
        engine == LOOP_URING ? "timers io_uring" : "timers epoll", tests, NULL,
        NULL);
}
