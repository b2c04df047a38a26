/* Tests of breaking at random moments: ten thousand links, each ended by server,
 * client or clock in the midst of something. Every command taken is called back
 * once, and no byte stays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "stage.h"
#include "tests.h"

enum { LINKS = 10000, IN_FLIGHT_MAX = 64, QUEUED_MAX = 64 * 1024 };

struct play {
    struct stage s;
    struct random r;
    size_t taken, called; /* commands */
    size_t borrowed, released;
    size_t by_status[ENGRAM_STATUS_COUNT];
};

/* One for each command in the air: called twice, it would be free already. */
struct ticket {
    struct play *p;
    bool is_open;
};

static void send_some(struct play *p, uint64_t max);

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct ticket *t = arg;
    struct play *p = t->p;
    assert_true(t->is_open);
    t->is_open = false;
    free(t);
    p->called++;
    p->by_status[st]++;
    assert_true((st == ENGRAM_OK) == (reply != NULL));
    switch (random_below(&p->r, 200)) {
    case 0: engram_conn_close(c); break;
    case 1: engram_conn_destroy(&p->s.c); break;
    case 2: send_some(p, 3); break;
    default: break;
    }
}

static void release(void *arg)
{
    ((struct play *)arg)->released++;
}

static enum engram_status send_built(struct play *p,
                                     const struct engram_how *how,
                                     struct ticket *t)
{
    static const char value[5000] = "x";
    struct engram_command *cmd = engram_command_create(p->s.c);
    assert_int_equal(engram_command_add(cmd, "ECHO", 4), ENGRAM_OK);
    assert_int_equal(engram_command_add_borrowed(
                         cmd, value, 1 + random_below(&p->r, sizeof value),
                         release, p),
                     ENGRAM_OK);
    p->borrowed++;
    enum engram_status st =
        engram_send_command(p->s.c, how, on_reply, t, &cmd);
    engram_command_destroy(&cmd);
    return st;
}

static void send_some(struct play *p, uint64_t max)
{
    static const char value[3000] = "x";
    for (uint64_t n = random_below(&p->r, max + 1); n > 0 && p->s.c != NULL;
         n--) {
        struct engram_how how = {
            .flags = (uint32_t)random_below(&p->r, 4),
            .timeout_ms = (int)random_below(&p->r, 40),
        };
        struct ticket *t = malloc(sizeof *t);
        *t = (struct ticket){ p, true };
        enum engram_status st =
            random_below(&p->r, 4) == 0
                ? send_built(p, &how, t)
                : engram_send(p->s.c, &how, on_reply, t, "SET k%d %b", (int)n,
                              value, (size_t)random_below(&p->r, 3000));
        if (st == ENGRAM_OK) {
            p->taken++;
        } else {
            assert_true(st == ENGRAM_WOULD_BLOCK || st == ENGRAM_CLOSED);
            free(t);
        }
    }
}

/* The server reads a little and answers with a little of anything. */
static void play_server(struct play *p)
{
    static const char *const words[] = {
        "+OK\r\n", "+OK\r\n", "+OK\r\n", "$3\r\nabc\r\n",
        "*2\r\n:1\r\n$2\r\nxy\r\n", ":12\r\n", "-ERR no\r\n", "$-1\r\n",
        ">2\r\n+message\r\n+x\r\n", "%1\r\n+a\r\n,1.5\r\n", "*3\r\n:1\r\n",
        "$100\r\nabc", "+half", "!!",
    };
    char heard[8192];
    if (p->s.server_fd < 0) {
        return;
    }
    (void)!recv(p->s.server_fd, heard, random_below(&p->r, sizeof heard), 0);
    for (uint64_t n = random_below(&p->r, 6); n > 0; n--) {
        /* The last ones end a link, so they are seldom. */
        size_t i = random_below(&p->r, random_below(&p->r, 20) == 0 ? 14 : 10);
        (void)!send(p->s.server_fd, words[i], strlen(words[i]), MSG_NOSIGNAL);
    }
    if (random_below(&p->r, 4) == 0) {
        if (random_below(&p->r, 3) == 0) {
            shutdown(p->s.server_fd, SHUT_WR);
        }
        close(p->s.server_fd);
        p->s.server_fd = -1;
    }
}

/* The client has dropped the link: so does the server. */
static void follow(struct play *p)
{
    bool is_linked = p->s.c != NULL && p->s.c->transport.fd >= 0;
    if (!is_linked && p->s.server_fd >= 0) {
        close(p->s.server_fd);
        p->s.server_fd = -1;
    }
}

static void one_step(struct play *p)
{
    if (p->s.c == NULL) {
        assert_int_equal(stage_create_conn(&p->s), ENGRAM_OK);
    }
    (void)engram_conn_open(p->s.c);
    p->s.refusals = random_below(&p->r, 8) == 0;
    p->s.is_slow = random_below(&p->r, 2) == 0;
    p->s.write_bytes_max = random_below(&p->r, 3) == 0 ? 100 : 0;
    p->s.writes_left = (int)random_below(&p->r, 10) - 1;
    send_some(p, 20);
    play_server(p);
    p->s.now_us += (int64_t)random_below(&p->r, 30) * 1000;
    struct engram_wish w = engram_conn_wish(p->s.c);
    if (w.fd >= 0) {
        engram_conn_on_ready(p->s.c, w.events);
    }
    if (p->s.c != NULL) {
        engram_conn_on_timer(p->s.c);
    }
    follow(p);
    if (p->s.c != NULL) {
        struct engram_counters n;
        engram_conn_counters(p->s.c, &n, sizeof n);
        assert_true(n.in_flight <= IN_FLIGHT_MAX);
        assert_true(n.queued_bytes <= QUEUED_MAX + 8192);
        assert_true(n.memory_bytes < 512 * 1024);
    }
}

static void ten_thousand_links_leak_nothing(void **state)
{
    (void)state;
    struct play *p = calloc(1, sizeof *p);
    stage_init(&p->s);
    random_init(&p->r, 7);
    p->s.options.max_in_flight = IN_FLIGHT_MAX;
    p->s.options.max_queued_bytes = QUEUED_MAX;
    p->s.options.backoff_min_ms = 1;
    p->s.options.backoff_max_ms = 20;
    p->s.options.stall_timeout_ms = 50;
    p->s.options.on_connected = NULL;
    p->s.options.on_disconnected = NULL;
    p->s.options.on_push = NULL;
    p->s.options.on_drained = NULL;
    while (p->s.attempts < LINKS) {
        one_step(p);
    }
    engram_conn_destroy(&p->s.c);
    follow(p);
    assert_int_equal(p->called, p->taken);
    assert_int_equal(p->released, p->borrowed);
    /* It has been through everything. */
    assert_true(p->by_status[ENGRAM_OK] > 1000);
    assert_true(p->by_status[ENGRAM_LOST] > 1000);
    assert_true(p->by_status[ENGRAM_NOT_SENT] > 1000);
    assert_true(p->by_status[ENGRAM_TIMEOUT] > 1000);
    assert_true(p->by_status[ENGRAM_CANCELLED] > 1000);
    free(p);
}

int test_chaos_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_links_leak_nothing),
    };
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
