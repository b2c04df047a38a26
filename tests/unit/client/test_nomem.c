/* Tests of memory running out: the same short play again and again, each time
 * with one allocation more that succeeds. Nothing leaks, every command taken is
 * called back once, and a send that is refused leaves no byte. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage.h"
#include "tests.h"

enum { STEPS_MAX = 300 };

struct play {
    struct stage s;
    size_t taken;
    size_t released, borrowed;
};

static void release(void *arg)
{
    ((struct play *)arg)->released++;
}

static void send_one(struct play *p, uint32_t flags, const char *format)
{
    if (p->s.c == NULL) {
        return;
    }
    struct engram_how how = { .flags = flags };
    size_t before = conn_queued_bytes(p->s.c);
    enum engram_status st =
        engram_send(p->s.c, &how, stage_on_reply, &p->s, format);
    if (st == ENGRAM_OK) {
        p->taken++;
    } else {
        assert_true(st == ENGRAM_NOMEM || st == ENGRAM_CLOSED);
        assert_int_equal(conn_queued_bytes(p->s.c), before);
    }
}

/* Small arguments are copied, the large one is pinned. */
static void send_built(struct play *p)
{
    static const char large[2000] = "x";
    struct engram_command *cmd = engram_command_create(p->s.c);
    if (cmd == NULL) {
        return;
    }
    enum engram_status st = engram_command_add(cmd, "ECHO", 4);
    if (st == ENGRAM_OK &&
        engram_command_add_borrowed(cmd, "hello", 5, release, p) == ENGRAM_OK) {
        p->borrowed++;
        st = engram_command_add_borrowed(cmd, large, sizeof large, release, p);
        p->borrowed += st == ENGRAM_OK;
        size_t before = conn_queued_bytes(p->s.c);
        st = engram_send_command(p->s.c, NULL, stage_on_reply, &p->s, &cmd);
        p->taken += st == ENGRAM_OK;
        assert_true(st == ENGRAM_OK ||
                    conn_queued_bytes(p->s.c) == before);
    }
    engram_command_destroy(&cmd);
}

/* The server's part is said only to a link that is there. */
static void say(struct play *p, const char *text)
{
    if (p->s.server_fd >= 0 && p->s.c->transport.fd >= 0) {
        (void)stage_hear(&p->s);
    }
    if (p->s.server_fd >= 0 && p->s.c->transport.fd >= 0) {
        stage_say(&p->s, text);
    }
    if (p->s.server_fd >= 0 && p->s.c->transport.fd < 0) {
        close(p->s.server_fd);
        p->s.server_fd = -1;
    }
}

static void play(struct play *p)
{
    if (engram_conn_open(p->s.c) != ENGRAM_OK) {
        return;
    }
    stage_turn(&p->s);
    say(p, "%1\r\n+proto\r\n:3\r\n");
    send_one(p, 0, "GET a");
    send_one(p, ENGRAM_IDEMPOTENT, "GET b");
    send_built(p);
    say(p, "*2\r\n$3\r\nabc\r\n*1\r\n:1\r\n+O");
    say(p, "K\r\n$30\r\n0123456789");
    say(p, "01234567890123456789\r\n");
    send_one(p, ENGRAM_IDEMPOTENT, "GET c");
    if (p->s.server_fd >= 0) {
        (void)stage_hear(&p->s);
    }
    if (p->s.server_fd >= 0) {
        stage_hang_up(&p->s);
    }
    stage_pass_ms(&p->s, 10000);
    say(p, "%1\r\n+proto\r\n:3\r\n");
    say(p, "+again\r\n");
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    struct play *p = malloc(sizeof *p);
    bool is_whole = false;
    int64_t n = 0;
    for (; !is_whole; n++) {
        assert_true(n < STEPS_MAX);
        *p = (struct play){ .taken = 0 };
        stage_init(&p->s);
        p->s.options.protocol = 3;
        p->s.options.client_name = "me";
        p->s.fail_after = n;
        if (stage_create_conn(&p->s) != ENGRAM_OK) {
            continue;
        }
        play(p);
        is_whole = p->s.c->account.fail_after > 0;
        engram_conn_destroy(&p->s.c);
        stage_end(&p->s);
        assert_int_equal(p->s.callbacks, p->taken);
        assert_int_equal(p->released, p->borrowed);
        if (is_whole) {
            assert_non_null(strstr(p->s.log, "ok:[abc [1]] ok:OK ok:0123"));
            assert_non_null(strstr(p->s.log, "ok:again"));
        }
    }
    assert_true(n > 15);
    free(p);
}

int test_nomem_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("nomem", tests, NULL, NULL);
}
