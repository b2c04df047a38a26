/* client-bench: what a pipelined command costs the client, in libengram and in
 * hiredis's async API, each over a poll loop of its own. DEPTH commands are kept
 * in flight: each reply sends the next.
 *
 *   client-bench engram|hiredis PORT COMMANDS DEPTH VALUE_BYTES
 *                [set|get [argv|format|built]]
 *
 * SETs or GETs of VALUE_BYTES, handed over as an array, through a format, or
 * built with the value borrowed (libengram only). Prints name=value lines: the
 * commands a second and the client's processor time a command. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <engram/engram.h>

#ifdef HAS_HIREDIS
#include "hiredis_loop.h"
#endif

enum {
    KEYS_MAX = 10000,
    KEY_BYTES = 16,
    STORED_BYTES_MAX = 64 * 1024 * 1024, /* in the server */
};

enum form { FORM_ARGV, FORM_FORMAT, FORM_BUILT };

struct job {
    long wanted, sent, answered, depth;
    bool is_get;
    enum form form;
    size_t key_count;
    char *value;
    size_t value_bytes;
    /* The command to come. */
    const char *argv[3];
    size_t lens[3];
    char keys[KEYS_MAX][KEY_BYTES];
    struct engram_conn *conn;
#ifdef HAS_HIREDIS
    struct hiredis_loop hiredis;
#endif
};

_Noreturn static void give_up(const char *why)
{
    fprintf(stderr, "client-bench: %s\n", why);
    exit(1);
}

/* False: all have been sent. */
static bool prepare_next(struct job *job)
{
    if (job->sent == job->wanted) {
        return false;
    }
    job->argv[1] = job->keys[(size_t)job->sent % job->key_count];
    job->lens[1] = KEY_BYTES - 1;
    job->sent++;
    return true;
}

/* ---- libengram ---- */

static void engram_on_reply(struct engram_conn *c, enum engram_status st,
                            const struct engram_reply *r, void *arg);

static void never_released(void *arg)
{
    (void)arg;
}

static enum engram_status send_built(struct job *job)
{
    struct engram_command *cmd = engram_command_create(job->conn);
    enum engram_status st = cmd == NULL ? ENGRAM_NOMEM : ENGRAM_OK;
    for (int i = 0; i < 2 && st == ENGRAM_OK; i++) {
        st = engram_command_add(cmd, job->argv[i], job->lens[i]);
    }
    if (st == ENGRAM_OK && !job->is_get) {
        st = engram_command_add_borrowed(cmd, job->value, job->value_bytes,
                                         never_released, NULL);
    }
    if (st == ENGRAM_OK) {
        st = engram_send_command(job->conn, NULL, engram_on_reply, job, &cmd);
    }
    engram_command_destroy(&cmd);
    return st;
}

static enum engram_status send_form(struct job *job)
{
    switch (job->form) {
    case FORM_ARGV:
        return engram_send_argv(job->conn, NULL, engram_on_reply, job,
                                job->is_get ? 2 : 3, job->argv, job->lens);
    case FORM_FORMAT:
        return job->is_get
                   ? engram_send(job->conn, NULL, engram_on_reply, job,
                                 "GET %b", job->argv[1], job->lens[1])
                   : engram_send(job->conn, NULL, engram_on_reply, job,
                                 "SET %b %b", job->argv[1], job->lens[1],
                                 job->argv[2], job->lens[2]);
    case FORM_BUILT: return send_built(job);
    }
    return ENGRAM_INVALID;
}

static void engram_next(struct job *job)
{
    if (prepare_next(job)) {
        enum engram_status st = send_form(job);
        if (st != ENGRAM_OK) {
            give_up(engram_status_text(st));
        }
    }
}

static void engram_on_reply(struct engram_conn *c, enum engram_status st,
                            const struct engram_reply *r, void *arg)
{
    struct job *job = arg;
    (void)c;
    if (st != ENGRAM_OK || engram_reply_is_error(r)) {
        give_up(engram_status_text(st));
    }
    job->answered++;
    engram_next(job);
}

static void run_engram(struct job *job, int port)
{
    struct engram_options o;
    engram_options_init(&o);
    o.port = port;
    o.protocol = 2;
    o.reconnect = 0;
    o.max_in_flight = (uint32_t)job->depth + 1;
    o.max_queued_bytes = (size_t)1 << 30;
    struct engram_loop *loop = engram_loop_create();
    job->conn = engram_conn_create(&o, NULL);
    if (loop == NULL || job->conn == NULL ||
        engram_loop_add(loop, job->conn) != ENGRAM_OK ||
        engram_conn_open(job->conn) != ENGRAM_OK) {
        give_up("out of memory");
    }
    for (long i = 0; i < job->depth; i++) {
        engram_next(job);
    }
    while (job->answered < job->wanted) {
        if (engram_conn_is_closed(job->conn) ||
            engram_loop_turn(loop, -1) != ENGRAM_OK) {
            give_up(engram_conn_error(job->conn));
        }
    }
    engram_conn_destroy(&job->conn);
    engram_loop_destroy(&loop);
}

/* ---- hiredis ---- */

#ifdef HAS_HIREDIS
static void hiredis_next(struct job *job);

static void hiredis_on_reply(redisAsyncContext *c, void *reply, void *arg)
{
    struct job *job = arg;
    (void)c;
    if (reply == NULL || ((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
        give_up("an error, or no reply");
    }
    job->answered++;
    hiredis_next(job);
}

static void hiredis_next(struct job *job)
{
    redisAsyncContext *c = job->hiredis.context;
    int done;
    if (!prepare_next(job)) {
        return;
    }
    if (job->form == FORM_ARGV) {
        done = redisAsyncCommandArgv(c, hiredis_on_reply, job,
                                     job->is_get ? 2 : 3, job->argv, job->lens);
    } else if (job->is_get) {
        done = redisAsyncCommand(c, hiredis_on_reply, job, "GET %b",
                                 job->argv[1], job->lens[1]);
    } else {
        done = redisAsyncCommand(c, hiredis_on_reply, job, "SET %b %b",
                                 job->argv[1], job->lens[1], job->argv[2],
                                 job->lens[2]);
    }
    if (done != REDIS_OK) {
        give_up("hiredis takes no more");
    }
}

static void run_hiredis(struct job *job, int port)
{
    if (job->form == FORM_BUILT) {
        give_up("hiredis builds no commands");
    }
    hiredis_loop_open(&job->hiredis, port);
    for (long i = 0; i < job->depth; i++) {
        hiredis_next(job);
    }
    while (job->answered < job->wanted) {
        hiredis_loop_turn(&job->hiredis, -1);
    }
    redisAsyncFree(job->hiredis.context);
}
#endif

/* ---- the run ---- */

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void prepare(struct job *job, int argc, char **argv)
{
    job->wanted = atol(argv[3]);
    job->depth = atol(argv[4]);
    job->value_bytes = strtoul(argv[5], NULL, 10);
    job->is_get = argc > 6 && strcmp(argv[6], "get") == 0;
    const char *form = argc > 7 ? argv[7] : "argv";
    job->form = strcmp(form, "format") == 0  ? FORM_FORMAT
                : strcmp(form, "built") == 0 ? FORM_BUILT
                                             : FORM_ARGV;
    job->value = malloc(job->value_bytes + 1);
    if (job->value == NULL) {
        give_up("out of memory");
    }
    memset(job->value, 'x', job->value_bytes);
    job->key_count = STORED_BYTES_MAX / (job->value_bytes + 1);
    job->key_count = job->key_count < KEYS_MAX ? job->key_count : KEYS_MAX;
    for (size_t i = 0; i < KEYS_MAX; i++) {
        snprintf(job->keys[i], KEY_BYTES, "key:%011zu", i);
    }
    job->argv[0] = job->is_get ? "GET" : "SET";
    job->lens[0] = 3;
    job->argv[2] = job->value;
    job->lens[2] = job->value_bytes;
}

int main(int argc, char **argv)
{
    static struct job job;
    if (argc < 6) {
        fprintf(stderr, "usage: client-bench engram|hiredis PORT COMMANDS DEPTH "
                        "VALUE_BYTES [set|get [argv|format|built]]\n");
        return 2;
    }
    prepare(&job, argc, argv);
    /* What loading the libraries took is not the commands'. */
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double from = now_s();
    if (strcmp(argv[1], "engram") == 0) {
        run_engram(&job, atoi(argv[2]));
#ifdef HAS_HIREDIS
    } else if (strcmp(argv[1], "hiredis") == 0) {
        run_hiredis(&job, atoi(argv[2]));
#endif
    } else {
        give_up("this library is not built in");
    }
    double wall = now_s() - from;
    getrusage(RUSAGE_SELF, &after);
    double user = seconds_of(after.ru_utime) - seconds_of(before.ru_utime);
    double system = seconds_of(after.ru_stime) - seconds_of(before.ru_stime);
    printf("commands_per_s=%.0f\nuser_us=%.4f\nsystem_us=%.4f\n",
           (double)job.wanted / wall, user * 1e6 / (double)job.wanted,
           system * 1e6 / (double)job.wanted);
    free(job.value);
    return 0;
}
