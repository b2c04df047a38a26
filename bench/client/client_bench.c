/* client-bench: what a pipelined SET costs the client, in libengram and in
 * hiredis's async API, each over a poll loop of its own. A number of commands is
 * kept in flight: each reply sends the next.
 *
 *   client-bench engram|hiredis PORT [COMMANDS [DEPTH [VALUE_BYTES]]]
 *
 * Prints commands a second, the client's processor time a command, and the most
 * memory it had. hiredis is left out where it is not installed. */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <engram/engram.h>

#ifdef HAS_HIREDIS
#include <hiredis/async.h>
#endif

struct job {
    long wanted, sent, answered;
    const char *argv[3];
    size_t lens[3];
    char key[32];
    struct engram_conn *conn;
#ifdef HAS_HIREDIS
    redisAsyncContext *redis;
    bool wants_read, wants_write;
#endif
};

static void next_key(struct job *job)
{
    job->lens[1] =
        (size_t)snprintf(job->key, sizeof job->key, "key:%ld", job->sent % 100000);
    job->sent++;
}

static void engram_next(struct job *job);

static void engram_on_reply(struct engram_conn *c, enum engram_status st,
                            const struct engram_reply *r, void *arg)
{
    struct job *job = arg;
    (void)c;
    if (st != ENGRAM_OK || engram_reply_is_error(r)) {
        fprintf(stderr, "client-bench: %s\n", engram_status_text(st));
        exit(1);
    }
    job->answered++;
    engram_next(job);
}

static void engram_next(struct job *job)
{
    if (job->sent < job->wanted) {
        next_key(job);
        if (engram_send_argv(job->conn, NULL, engram_on_reply, job, 3,
                             job->argv, job->lens) != ENGRAM_OK) {
            exit(1);
        }
    }
}

static void run_engram(struct job *job, int port, long depth)
{
    struct engram_options o;
    engram_options_init(&o);
    o.port = port;
    o.protocol = 2;
    o.reconnect = 0;
    o.max_in_flight = (uint32_t)depth + 1;
    o.max_queued_bytes = (size_t)1 << 30;
    struct engram_loop *loop = engram_loop_create();
    job->conn = engram_conn_create(&o, NULL);
    if (job->conn == NULL || engram_loop_add(loop, job->conn) != ENGRAM_OK ||
        engram_conn_open(job->conn) != ENGRAM_OK) {
        exit(1);
    }
    for (long i = 0; i < depth; i++) {
        engram_next(job);
    }
    while (job->answered < job->wanted) {
        if (engram_conn_is_closed(job->conn) ||
            engram_loop_turn(loop, -1) != ENGRAM_OK) {
            fprintf(stderr, "client-bench: %s\n", engram_conn_error(job->conn));
            exit(1);
        }
    }
    engram_conn_destroy(&job->conn);
    engram_loop_destroy(&loop);
}

#ifdef HAS_HIREDIS
static void hiredis_next(struct job *job);

static void hiredis_on_reply(redisAsyncContext *c, void *reply, void *arg)
{
    struct job *job = arg;
    (void)c;
    if (reply == NULL || ((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
        exit(1);
    }
    job->answered++;
    hiredis_next(job);
}

static void hiredis_next(struct job *job)
{
    if (job->sent < job->wanted) {
        next_key(job);
        redisAsyncCommandArgv(job->redis, hiredis_on_reply, job, 3, job->argv,
                              job->lens);
    }
}

static void want_read(void *arg)
{
    ((struct job *)arg)->wants_read = true;
}

static void want_no_read(void *arg)
{
    ((struct job *)arg)->wants_read = false;
}

static void want_write(void *arg)
{
    ((struct job *)arg)->wants_write = true;
}

static void want_no_write(void *arg)
{
    ((struct job *)arg)->wants_write = false;
}

static void run_hiredis(struct job *job, int port, long depth)
{
    job->redis = redisAsyncConnect("127.0.0.1", port);
    job->redis->ev.data = job;
    job->redis->ev.addRead = want_read;
    job->redis->ev.delRead = want_no_read;
    job->redis->ev.addWrite = want_write;
    job->redis->ev.delWrite = want_no_write;
    want_write(job);
    for (long i = 0; i < depth; i++) {
        hiredis_next(job);
    }
    while (job->answered < job->wanted) {
        struct pollfd p = { .fd = job->redis->c.fd };
        p.events = (short)((job->wants_read ? POLLIN : 0) |
                           (job->wants_write ? POLLOUT : 0));
        if (poll(&p, 1, -1) < 0) {
            exit(1);
        }
        if (p.revents & (POLLIN | POLLERR | POLLHUP)) {
            redisAsyncHandleRead(job->redis);
        }
        if (p.revents & POLLOUT) {
            redisAsyncHandleWrite(job->redis);
        }
    }
    redisAsyncDisconnect(job->redis);
}
#endif

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: client-bench engram|hiredis PORT [COMMANDS "
                        "[DEPTH [VALUE_BYTES]]]\n");
        return 2;
    }
    struct job job = { .wanted = argc > 3 ? atol(argv[3]) : 1000000 };
    long depth = argc > 4 ? atol(argv[4]) : 100;
    size_t value_bytes = argc > 5 ? (size_t)atol(argv[5]) : 64;
    char *value = calloc(1, value_bytes + 1);
    if (value == NULL) {
        return 1;
    }
    memset(value, 'x', value_bytes);
    job.argv[0] = "SET";
    job.lens[0] = 3;
    job.argv[1] = job.key;
    job.argv[2] = value;
    job.lens[2] = value_bytes;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (strcmp(argv[1], "engram") == 0) {
        run_engram(&job, atoi(argv[2]), depth);
#ifdef HAS_HIREDIS
    } else if (strcmp(argv[1], "hiredis") == 0) {
        run_hiredis(&job, atoi(argv[2]), depth);
#endif
    } else {
        fprintf(stderr, "client-bench: %s is not built in\n", argv[1]);
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double wall = (double)(to.tv_sec - from.tv_sec) +
                  (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%-8s depth %ld: %.0f commands/s, %.3f us user + %.3f us system a "
           "command, %ld KB at most\n",
           argv[1], depth, (double)job.wanted / wall,
           seconds_of(used.ru_utime) * 1e6 / (double)job.wanted,
           seconds_of(used.ru_stime) * 1e6 / (double)job.wanted,
           used.ru_maxrss);
    free(value);
    return 0;
}
