/* net_floor: what the event loop itself costs. A server that finds the ends of
 * RESP commands and answers +OK to each, and nothing else; its CPU time a
 * command is the floor under the real server's on this loop.
 *
 * net_floor PORT [io_uring|epoll] */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop.h"
#include "net/socket.h"

enum { SESSION_BYTES = 256 * 1024, BUFFERS = 256, TICK_US = 100 * 1000 };

struct floor {
    struct loop *loop;
    struct mem_account account;
    struct chunk_pool pool;
    struct timer tick; /* as a server has one */
};

struct session {
    struct floor *floor;
    struct conn *conn;
    size_t len; /* of a command that has come in part */
    uint8_t part[SESSION_BYTES];
};

/* The number after `p`, up to the line's end. */
static size_t number_at(const uint8_t *p)
{
    size_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (size_t)(*p - '0');
    }
    return n;
}

static const uint8_t *line_end(const uint8_t *p, const uint8_t *end)
{
    return p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
}

/* The end of the command at `p`, NULL if it has not all come. */
static const uint8_t *command_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *nl = line_end(p, end);
    if (nl == NULL || *p != '*') {
        return nl == NULL ? NULL : nl + 1;
    }
    size_t args = number_at(p + 1);
    p = nl + 1;
    for (size_t i = 0; i < args; i++) {
        nl = line_end(p, end);
        if (nl == NULL || number_at(p + 1) + 2 > (size_t)(end - nl - 1)) {
            return NULL;
        }
        p = nl + 1 + number_at(p + 1) + 2;
    }
    return p;
}

/* Answers the whole commands in data; how many bytes they took. */
static size_t answer(struct session *s, const uint8_t *data, size_t len)
{
    const uint8_t *p = data, *next;
    struct chain *out = conn_out(s->conn);
    while (p < data + len && (next = command_end(p, data + len)) != NULL) {
        memcpy(chain_reserve(out, 5), "+OK\r\n", 5);
        chain_commit(out, 5);
        p = next;
    }
    return (size_t)(p - data);
}

static void on_data(void *arg, struct slice data)
{
    struct session *s = arg;
    if (s->len > 0) {
        if (data.len > SESSION_BYTES - s->len) {
            conn_close(s->conn, false);
            return;
        }
        memcpy(s->part + s->len, data.data, data.len);
        data = slice_of(s->part, s->len + data.len);
    }
    size_t used = answer(s, data.data, data.len);
    s->len = data.len - used;
    if (s->len > 0) {
        assert(s->len <= SESSION_BYTES);
        memmove(s->part, data.data + used, s->len);
    }
    conn_flush(s->conn);
}

static void on_end(void *arg, int error)
{
    struct session *s = arg;
    (void)error;
    conn_close(s->conn, false);
}

static void on_closed(void *arg)
{
    free(arg);
}

static void on_accept(void *arg, int fd)
{
    struct floor *f = arg;
    socket_set_nodelay(fd);
    struct session *s = malloc(sizeof *s);
    assert(s != NULL);
    s->floor = f;
    s->len = 0;
    s->conn = conn_open(f->loop, fd, s);
    assert(s->conn != NULL);
    conn_init_out(s->conn, &f->pool);
}

static void tick(void *arg)
{
    struct floor *f = arg;
    enum status st = timer_start(f->loop, &f->tick, TICK_US);
    assert(st == ST_OK);
    (void)st;
}

int main(int argc, char **argv)
{
    struct floor f;
    struct loop_handlers h = {.on_data = on_data,
                              .on_end = on_end,
                              .on_closed = on_closed,
                              .on_accept = on_accept};
    mem_account_init(&f.account);
    chunk_pool_init(&f.pool, &f.account);
    struct loop_options o = {.engine = LOOP_AUTO,
                             .buffer_count = BUFFERS,
                             .account = &f.account};
    if (argc > 2) {
        o.engine = strcmp(argv[2], "epoll") == 0 ? LOOP_EPOLL : LOOP_URING;
    }
    int fd, err;
    if (argc < 2 ||
        socket_listen_tcp("127.0.0.1", atoi(argv[1]), 511, false, &fd, &err) !=
            ST_OK ||
        loop_create(&o, &h, &f, &f.loop) != ST_OK ||
        listener_open(f.loop, fd, &f) == NULL) {
        fprintf(stderr, "usage: net_floor PORT [io_uring|epoll]\n");
        return 1;
    }
    fprintf(stderr, "net_floor: %s\n", loop_engine_name(f.loop));
    timer_init(&f.tick, tick, &f);
    tick(&f);
    loop_run(f.loop);
    return 0;
}
