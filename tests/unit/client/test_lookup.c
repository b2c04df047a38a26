/* Tests of client/lookup through connections: names that are looked up while the
 * loop goes on. The names are found by a function of the tests', on the thread
 * that getaddrinfo would have; it waits until it is let go. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/conn_priv.h"
#include "tests.h"

enum { PATIENCE_MS = 30000, TURN_MS = 20 };

/* What the threads share; a global, since getaddrinfo has no argument for it. */
static struct {
    sem_t begun, may_end;
    int code; /* of the next answers */
    _Atomic(int) calls;
    _Atomic(int) ended;
} finder;

static int find(const char *host, const char *port,
                const struct addrinfo *hints, struct addrinfo **found)
{
    struct addrinfo digits = *hints;
    digits.ai_flags |= AI_NUMERICHOST;
    assert_string_not_equal(host, "127.0.0.1");
    finder.calls++;
    sem_post(&finder.begun);
    sem_wait(&finder.may_end);
    int code = finder.code != 0
                   ? finder.code
                   : getaddrinfo("127.0.0.1", port, &digits, found);
    finder.ended++;
    return code;
}

struct play {
    struct engram_options options;
    struct engram_loop *loop;
    struct engram_conn *c;
    int listener;
    int connected, ended;
    enum engram_status why, last;
    int replies;
    pthread_t thread;
};

static void on_connected(struct engram_conn *c, void *arg)
{
    struct play *p = arg;
    (void)c;
    assert_true(pthread_equal(p->thread, pthread_self()));
    p->connected++;
}

static void on_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms, void *arg)
{
    struct play *p = arg;
    (void)c;
    (void)retry_ms;
    assert_true(pthread_equal(p->thread, pthread_self()));
    p->ended++;
    p->why = why;
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    (void)c;
    (void)reply;
    p->last = st;
    p->replies++;
}

static int listen_somewhere(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static int setup(void **state)
{
    struct play *p = calloc(1, sizeof *p);
    memset(&finder, 0, sizeof finder);
    sem_init(&finder.begun, 0, 0);
    sem_init(&finder.may_end, 0, 0);
    p->thread = pthread_self();
    engram_options_init(&p->options);
    p->listener = listen_somewhere(&p->options.port);
    p->options.host = "somewhere.test";
    p->options.protocol = 2;
    p->options.backoff_min_ms = 1;
    p->options.backoff_max_ms = 1;
    p->options.on_connected = on_connected;
    p->options.on_disconnected = on_disconnected;
    p->options.arg = p;
    p->loop = engram_loop_create();
    *state = p;
    return 0;
}

static void begin(struct play *p)
{
    enum engram_status st;
    struct conn_env env = conn_real_env();
    env.find = find;
    p->c = conn_create_in(&p->options, &env, &st);
    assert_non_null(p->c);
    assert_int_equal(engram_loop_add(p->loop, p->c), ENGRAM_OK);
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
    assert_int_equal(engram_send(p->c, NULL, on_reply, p, "PING"), ENGRAM_OK);
}

#define until(p, condition)                                                  \
    do {                                                                     \
        int64_t late = clock_monotonic_us() + PATIENCE_MS * INT64_C(1000);   \
        while (!(condition)) {                                               \
            assert_int_equal(engram_loop_turn((p)->loop, TURN_MS),           \
                             ENGRAM_OK);                                     \
            assert_true(clock_monotonic_us() < late);                        \
        }                                                                    \
    } while (0)

/* All threads have an answer; a turn lets them end. */
static int teardown(void **state)
{
    struct play *p = *state;
    engram_conn_destroy(&p->c);
    engram_loop_destroy(&p->loop);
    close(p->listener);
    for (int i = finder.ended; i < finder.calls; i++) {
        sem_post(&finder.may_end);
    }
    while (finder.ended < finder.calls) {
        sched_yield();
    }
    free(p);
    return 0;
}

/* Turns until the thread asks, and some more: nothing else happens. */
static void until_asked(struct play *p, int calls)
{
    until(p, finder.calls == calls);
    sem_wait(&finder.begun);
    assert_int_equal(p->c->state, LINK_RESOLVING);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(engram_loop_turn(p->loop, 1), ENGRAM_OK);
    }
    assert_int_equal(p->connected + p->replies, 0);
}

static void the_loop_goes_on_meanwhile(void **state)
{
    struct play *p = *state;
    begin(p);
    until_asked(p, 1);
    sem_post(&finder.may_end);
    until(p, p->connected == 1);
    assert_int_equal(p->ended, 0);
    assert_null(p->c->transport.lookup);
}

static void a_name_without_an_address_is_told(void **state)
{
    struct play *p = *state;
    finder.code = EAI_NONAME;
    p->options.reconnect = 0;
    begin(p);
    until_asked(p, 1);
    sem_post(&finder.may_end);
    until(p, p->ended == 1);
    assert_int_equal(p->why, ENGRAM_RESOLVE);
    assert_int_equal(p->last, ENGRAM_NOT_SENT);
    char expected[128];
    snprintf(expected, sizeof expected, "resolve somewhere.test:%d: %s",
             p->options.port, gai_strerror(EAI_NONAME));
    assert_string_equal(engram_conn_error(p->c), expected);
}

static void it_is_closed_meanwhile(void **state)
{
    struct play *p = *state;
    begin(p);
    until_asked(p, 1);
    engram_conn_close(p->c);
    assert_int_equal(p->last, ENGRAM_CANCELLED);
    sem_post(&finder.may_end);
    until(p, finder.ended == 1);
    assert_int_equal(engram_loop_turn(p->loop, TURN_MS), ENGRAM_OK);
    assert_int_equal(p->connected + p->ended, 0);
    /* What was found then is not used now. */
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
    until(p, finder.calls == 2);
    sem_post(&finder.may_end);
    until(p, p->connected == 1);
}

static void it_is_destroyed_meanwhile(void **state)
{
    struct play *p = *state;
    begin(p);
    until_asked(p, 1);
    engram_conn_destroy(&p->c);
    assert_int_equal(p->last, ENGRAM_CANCELLED);
    sem_post(&finder.may_end);
    until(p, finder.ended == 1);
}

/* The thread is slower than connect_timeout_ms: attempts follow each other, and
 * share it. */
static void another_attempt_joins_it(void **state)
{
    struct play *p = *state;
    char expected[128];
    p->options.connect_timeout_ms = 5;
    begin(p);
    until(p, p->ended >= 3);
    assert_int_equal(p->why, ENGRAM_RESOLVE);
    snprintf(expected, sizeof expected,
             "resolve somewhere.test:%d: no answer after 5 ms",
             p->options.port);
    assert_string_equal(engram_conn_error(p->c), expected);
    assert_int_equal(finder.calls, 1);
    until(p, p->c->state == LINK_RESOLVING);
    p->c->connect_deadline_us = REQUEST_NO_DEADLINE;
    sem_post(&finder.may_end);
    until(p, p->connected == 1);
    assert_int_equal(finder.calls, 1);
}

static void led_elsewhere_it_is_left(void **state)
{
    struct play *p = *state;
    begin(p);
    until_asked(p, 1);
    assert_int_equal(engram_conn_set_address(p->c, "elsewhere.test",
                                             p->options.port), ENGRAM_OK);
    engram_conn_close(p->c);
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
    until(p, finder.calls == 2);
    /* Digits need no thread. */
    assert_int_equal(engram_conn_set_address(p->c, "127.0.0.1",
                                             p->options.port), ENGRAM_OK);
    engram_conn_close(p->c);
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
    until(p, p->connected == 1);
    assert_int_equal(finder.calls, 2);
    int fd = p->c->transport.fd;
    engram_conn_close(p->c);
    assert_int_equal(close(fd), -1);
}

static void tls_waits_for_it_too(void **state)
{
    struct play *p = *state;
    p->options.tls = 1;
    p->options.tls_verify = 0;
    begin(p);
    until_asked(p, 1);
    sem_post(&finder.may_end);
    until(p, p->c->state == LINK_CONNECTING);
    until(p, p->c->transport.fd >= 0 && p->c->transport.lookup == NULL);
    int fd = accept(p->listener, NULL, NULL);
    assert_true(fd >= 0);
    close(fd);
    until(p, p->ended >= 1);
    assert_int_equal(p->why, ENGRAM_CONNECT);
    sem_post(&finder.may_end);
}

static void what_is_wanting_is_told(void **state)
{
    struct play *p = *state;
    struct rlimit before, none;
    p->options.reconnect = 0;
    begin(p);
    p->c->account.fail_after = 0;
    until(p, p->ended == 1);
    assert_int_equal(p->why, ENGRAM_NOMEM);
    p->c->account.fail_after = -1;
    /* No eventfd can be had. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    engram_conn_on_timer(p->c);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(p->ended, 2);
    assert_int_equal(p->why, ENGRAM_RESOLVE);
    assert_non_null(strstr(engram_conn_error(p->c), strerror(EMFILE)));
    assert_int_equal(finder.calls, 0);
}

/* The real one. */
static void localhost_has_an_address(void **state)
{
    struct play *p = *state;
    p->options.host = "localhost";
    p->c = engram_conn_create(&p->options, NULL);
    assert_int_equal(engram_loop_add(p->loop, p->c), ENGRAM_OK);
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
    until(p, p->connected == 1);
}

#define LOOKUP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int test_lookup_run(void)
{
    const struct CMUnitTest tests[] = {
        LOOKUP_TEST(the_loop_goes_on_meanwhile),
        LOOKUP_TEST(a_name_without_an_address_is_told),
        LOOKUP_TEST(it_is_closed_meanwhile),
        LOOKUP_TEST(it_is_destroyed_meanwhile),
        LOOKUP_TEST(another_attempt_joins_it),
        LOOKUP_TEST(led_elsewhere_it_is_left),
        LOOKUP_TEST(tls_waits_for_it_too),
        LOOKUP_TEST(what_is_wanting_is_told),
        LOOKUP_TEST(localhost_has_an_address),
    };
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
