/* Tests of the poll loop and of engram_call, over real sockets: a server in a
 * thread that answers every request with OK. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <engram/engram.h>

#include "stage.h"
#include "tests.h"

/* Answers every request with +OK; ends when the client does. */
static void *serve(void *arg)
{
    int fd = *(int *)arg;
    char text[4096];
    ssize_t n;
    while ((n = recv(fd, text, sizeof text, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] == '*') {
                (void)!send(fd, "+OK\r\n", 5, MSG_NOSIGNAL);
            }
        }
    }
    close(fd);
    return NULL;
}

struct served {
    pthread_t thread;
    int server_fd;
    struct engram_options options;
};

static void begin(struct served *v)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    v->server_fd = fds[1];
    engram_options_init(&v->options);
    v->options.fd = fds[0];
    v->options.protocol = 2;
    assert_int_equal(pthread_create(&v->thread, NULL, serve, &v->server_fd), 0);
}

static void count(struct engram_conn *c, enum engram_status st,
                  const struct engram_reply *r, void *arg)
{
    (void)c;
    assert_int_equal(st, ENGRAM_OK);
    assert_string_equal(engram_reply_text(r, NULL), "OK");
    ++*(size_t *)arg;
}

static void a_loop_serves_several(void **state)
{
    (void)state;
    enum { CONNS = 20, COMMANDS = 200 };
    struct served v[CONNS];
    struct engram_conn *c[CONNS];
    struct engram_loop *loop = engram_loop_create();
    size_t answered = 0;
    for (int i = 0; i < CONNS; i++) {
        begin(&v[i]);
        c[i] = engram_conn_create(&v[i].options, NULL);
        assert_non_null(c[i]);
        assert_int_equal(engram_loop_add(loop, c[i]), ENGRAM_OK);
        assert_int_equal(engram_loop_add(loop, c[i]), ENGRAM_INVALID);
        assert_int_equal(engram_conn_open(c[i]), ENGRAM_OK);
        for (int k = 0; k < COMMANDS; k++) {
            assert_int_equal(engram_send(c[i], NULL, count, &answered, "PING"),
                             ENGRAM_OK);
        }
        engram_conn_finish(c[i]);
    }
    assert_int_equal(engram_loop_run(loop), ENGRAM_OK);
    assert_int_equal(answered, CONNS * COMMANDS);
    for (int i = 0; i < CONNS; i++) {
        engram_conn_destroy(&c[i]);
        pthread_join(v[i].thread, NULL);
    }
    engram_loop_destroy(&loop);
}

static void a_call_waits(void **state)
{
    (void)state;
    struct served v;
    enum engram_status st;
    size_t answered = 0;
    begin(&v);
    struct engram_conn *c = engram_conn_create(&v.options, &st);
    struct engram_reply *r = engram_call(c, &st, "SET k %d", 1);
    assert_int_equal(st, ENGRAM_OK);
    assert_string_equal(engram_reply_text(r, NULL), "OK");
    engram_reply_destroy(&r);
    assert_int_equal(engram_send(c, NULL, count, &answered, "PING"), ENGRAM_OK);
    const char *argv[] = { "GET", "k" };
    r = engram_call_argv(c, &st, 2, argv, NULL);
    assert_int_equal(answered, 1);
    engram_reply_destroy(&r);
    assert_null(engram_call(c, &st, "%y"));
    assert_int_equal(st, ENGRAM_INVALID);
    engram_conn_destroy(&c);
    pthread_join(v.thread, NULL);
}

static void a_call_tells_that_nobody_is_there(void **state)
{
    (void)state;
    struct engram_options o;
    enum engram_status st;
    engram_options_init(&o);
    o.unix_path = "/nonexistent/engram.sock";
    struct engram_conn *c = engram_conn_create(&o, &st);
    assert_null(engram_call(c, &st, "PING"));
    assert_int_equal(st, ENGRAM_CONNECT);
    assert_string_equal(
        engram_conn_error(c),
        "connect /nonexistent/engram.sock: No such file or directory");
    engram_conn_destroy(&c);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct engram_options o;
    enum engram_status st;
    engram_options_init(&o);
    o.max_in_flight = 0;
    assert_null(engram_conn_create(&o, &st));
    assert_int_equal(st, ENGRAM_INVALID);
    /* A program that was built before there was TLS. */
    engram_options_init(&o);
    o.size = offsetof(struct engram_options, tls);
    o.tls_verify = 0;
    o.url = "rediss://h";
    struct engram_conn *c = engram_conn_create(&o, &st);
    assert_true(c->target.tls.is_on);
    assert_true(c->target.tls.is_verified);
    engram_conn_destroy(&c);
    engram_options_init(&o);
    o.url = "http://h";
    assert_null(engram_conn_create(&o, &st));
    assert_int_equal(st, ENGRAM_INVALID);
    for (int i = 0; i < ENGRAM_STATUS_COUNT; i++) {
        assert_true(strlen(engram_status_text((enum engram_status)i)) > 1);
    }
}

int test_loop_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_serves_several),
        cmocka_unit_test(a_call_waits),
        cmocka_unit_test(a_call_tells_that_nobody_is_there),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
