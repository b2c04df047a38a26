/* pipeline: a million commands through a queue of one megabyte. When the queue
 * is full the program stops sending and goes on in on_drained, so its memory is
 * the same for a thousand commands and for a billion.
 *
 *   pipeline [URL [COMMANDS]] */
#include <stdio.h>
#include <stdlib.h>

#include <engram/engram.h>

struct job {
    long wanted, sent, answered, failed;
};

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct job *job = arg;
    (void)c;
    job->answered++;
    job->failed += st != ENGRAM_OK || engram_reply_is_error(reply);
}

/* Sends until everything is sent or the queue is full. */
static void send_more(struct engram_conn *c, void *arg)
{
    struct job *job = arg;
    while (job->sent < job->wanted) {
        enum engram_status st =
            engram_send(c, NULL, on_reply, job, "SET key:%ld value:%ld",
                        job->sent % 1000, job->sent);
        if (st == ENGRAM_WOULD_BLOCK) {
            return; /* on_drained comes back to this */
        }
        if (st != ENGRAM_OK) {
            fprintf(stderr, "pipeline: %s\n", engram_status_text(st));
            exit(1);
        }
        job->sent++;
    }
    engram_conn_finish(c);
}

int main(int argc, char **argv)
{
    struct job job = { .wanted = argc > 2 ? atol(argv[2]) : 1000000 };
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    o.max_queued_bytes = 1024 * 1024;
    o.max_in_flight = 10000;
    o.reconnect = 0;
    o.on_connected = send_more;
    o.on_drained = send_more;
    o.arg = &job;

    struct engram_conn *c = engram_conn_create(&o, NULL);
    struct engram_loop *loop = engram_loop_create();
    if (c == NULL || loop == NULL || engram_loop_add(loop, c) != ENGRAM_OK ||
        engram_conn_open(c) != ENGRAM_OK ||
        engram_loop_run(loop) != ENGRAM_OK) {
        fprintf(stderr, "pipeline: cannot begin\n");
        return 1;
    }
    struct engram_counters n;
    engram_conn_counters(c, &n, sizeof n);
    printf("answered %ld, failed %ld, waited for room %llu times, "
           "at most %llu bytes and %llu commands queued\n",
           job.answered, job.failed, (unsigned long long)n.would_block,
           (unsigned long long)n.queued_bytes_peak,
           (unsigned long long)n.in_flight_peak);
    if (job.answered != job.wanted) {
        fprintf(stderr, "pipeline: %s\n", engram_conn_error(c));
    }
    engram_conn_destroy(&c);
    engram_loop_destroy(&loop);
    return job.answered == job.wanted && job.failed == 0 ? 0 : 1;
}
