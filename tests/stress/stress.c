/* stress: the program: for each I/O engine a server with four workers, and for a
 * bounded time all checks at once against it.
 *
 *     stress [--seconds N] [--engine NAME] [SERVER]
 *
 * The server comes from the argument, or ENGRAM_SERVER, or the build under
 * ThreadSanitizer. A check counts as one; so do the server's being alive at the
 * end, its clean end on SIGTERM under load, and the silence of the sanitizer. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

enum {
    SECONDS = 40,
    WORKERS = 4,
    CHECKS_MAX = 40,
    THREADS_MAX = 100,
    FAILURES_SHOWN_MAX = 5,
    FLOOD_THREADS = 4,
};

static const char *const default_server = "build/tsan/src/server/engram-server";

static const struct check_spec *const all_checks[] = {
    atomic_checks,  move_checks,  order_checks, chaos_checks,
    session_checks, queue_checks, wait_checks,  exec_checks};

struct score {
    unsigned passed, failed;
};

struct job {
    struct check *check;
    unsigned thread;
    pthread_t id;
};

struct round {
    struct host *host;
    const char *label;
    struct check checks[CHECKS_MAX];
    unsigned check_count;
    struct job jobs[THREADS_MAX];
    unsigned job_count;
};

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

struct dice dice_make(unsigned seed)
{
    return (struct dice){.state = 0x9e3779b97f4a7c15u * (seed + 1)};
}

unsigned dice_roll(struct dice *d, unsigned limit)
{
    assert(limit > 0);
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (unsigned)((d->state >> 32) % limit);
}

void check_fail(struct check *c, const char *format, ...)
{
    unsigned before = atomic_fetch_add_explicit(&c->failure_count, 1,
                                                memory_order_relaxed);
    if (before >= FAILURES_SHOWN_MAX) {
        return;
    }
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", c->spec->name, text);
}

bool check_is_over(struct check *c)
{
    return now_ms() >= c->end_ms
           || atomic_load_explicit(&c->failure_count, memory_order_relaxed)
                  > FAILURES_SHOWN_MAX;
}

void check_step(struct check *c)
{
    atomic_fetch_add_explicit(&c->step_count, 1, memory_order_relaxed);
}

static void *run_job(void *arg)
{
    struct job *j = arg;
    j->check->spec->run(j->check, j->thread);
    return NULL;
}

static void round_add(struct round *r, const struct check_spec *spec)
{
    assert(r->check_count < CHECKS_MAX);
    struct check *c = &r->checks[r->check_count++];
    *c = (struct check){.spec = spec, .host = r->host};
    c->state = calloc(1, spec->state_bytes + 1);
    assert(c->state);
    c->end_ms = INT64_MAX;
    if (spec->prepare) {
        spec->prepare(c);
    }
}

static void round_start(struct round *r, int64_t end_ms)
{
    for (unsigned i = 0; i < r->check_count; i++) {
        struct check *c = &r->checks[i];
        c->end_ms = end_ms;
        for (unsigned t = 0; t < c->spec->thread_count; t++) {
            assert(r->job_count < THREADS_MAX);
            struct job *j = &r->jobs[r->job_count++];
            *j = (struct job){.check = c, .thread = t};
            int failed = pthread_create(&j->id, NULL, run_job, j);
            assert(!failed);
        }
    }
}

static void round_join(struct round *r)
{
    for (unsigned i = 0; i < r->job_count; i++) {
        pthread_join(r->jobs[i].id, NULL);
    }
}

static void round_verify(struct round *r, struct score *score)
{
    for (unsigned i = 0; i < r->check_count; i++) {
        struct check *c = &r->checks[i];
        c->end_ms = INT64_MAX;
        if (c->spec->verify) {
            c->spec->verify(c);
        }
        if (atomic_load(&c->step_count) == 0) {
            check_fail(c, "not one step was made");
        }
        unsigned failures = atomic_load(&c->failure_count);
        printf("%s %s: %s (%llu steps)\n", failures ? "FAILED" : "ok", r->label,
               c->spec->name, (unsigned long long)atomic_load(&c->step_count));
        score->passed += failures == 0;
        score->failed += failures != 0;
    }
}

static void claim(struct round *r, struct score *score, bool holds,
                  const char *what)
{
    printf("%s %s: %s\n", holds ? "ok" : "FAILED", r->label, what);
    score->passed += holds;
    score->failed += !holds;
}

/* ---- the end under load ---- */

static void flood_run(struct check *c, unsigned thread)
{
    struct link *l = link_open(c);
    struct reply reply;
    if (!l) {
        return;
    }
    link_forgive(l);
    for (bool is_up = true; is_up;) {
        for (int i = 0; i < 50; i++) {
            link_add(l, "MSET f%u:%d x g%d y", thread, i, i);
        }
        is_up = link_flush(l);
        for (int i = 0; i < 50 && is_up; i++) {
            is_up = link_read(l, &reply);
        }
        check_step(c);
    }
    link_close(&l);
}

static const struct check_spec flood = {
    .name = "flood", .thread_count = FLOOD_THREADS, .run = flood_run};

static void round_end(struct round *r, struct score *score)
{
    claim(r, score, host_is_alive(r->host), "the server is alive");
    struct check load = {.spec = &flood, .host = r->host, .end_ms = INT64_MAX};
    struct job jobs[FLOOD_THREADS];
    for (unsigned i = 0; i < FLOOD_THREADS; i++) {
        jobs[i] = (struct job){.check = &load, .thread = i};
        int failed = pthread_create(&jobs[i].id, NULL, run_job, &jobs[i]);
        assert(!failed);
    }
    int64_t patience = now_ms() + 10000;
    while (atomic_load(&load.step_count) < 20 && now_ms() < patience) {
        sleep_ms(10);
    }
    claim(r, score, host_end(r->host), "it ends with 0 on SIGTERM, under load");
    for (unsigned i = 0; i < FLOOD_THREADS; i++) {
        pthread_join(jobs[i].id, NULL);
    }
    claim(r, score, host_log_is_clean(r->host), "it reports nothing wrong");
}

static void run_round(const char *server, const char *engine, unsigned seconds,
                      struct score *score)
{
    struct round *r = calloc(1, sizeof(*r));
    assert(r);
    r->label = engine ? engine : "peer";
    r->host = host_start(server, engine, WORKERS);
    if (!r->host) {
        score->failed++;
        free(r);
        return;
    }
    for (size_t i = 0; i < sizeof(all_checks) / sizeof(all_checks[0]); i++) {
        for (const struct check_spec *s = all_checks[i]; s->name; s++) {
            round_add(r, s);
        }
    }
    round_start(r, now_ms() + (int64_t)seconds * 1000);
    round_join(r);
    round_verify(r, score);
    round_end(r, score);
    for (unsigned i = 0; i < r->check_count; i++) {
        free(r->checks[i].state);
    }
    host_destroy(&r->host);
    free(r);
}

/* Whether the kernel lets us make a ring. */
static bool has_io_uring(void)
{
    char params[120] = {0};
    long fd = syscall(SYS_io_uring_setup, 4, params);
    if (fd >= 0) {
        close((int)fd);
    }
    return fd >= 0;
}

int main(int argc, char **argv)
{
    const char *server = getenv("ENGRAM_SERVER");
    const char *engine = NULL;
    unsigned seconds = SECONDS;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            seconds = (unsigned)atoi(argv[++i]);
        } else if (strcmp(argv[i], "--engine") == 0 && i + 1 < argc) {
            engine = argv[++i];
        } else {
            server = argv[i];
        }
    }
    server = server ? server : default_server;
    struct score score = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strstr(server, "redis-server") || strstr(server, "valkey-server")) {
        run_round(server, NULL, seconds, &score);
    } else if (engine) {
        run_round(server, engine, seconds, &score);
    } else if (has_io_uring()) {
        run_round(server, "io_uring", seconds / 2, &score);
        run_round(server, "epoll", seconds / 2, &score);
    } else {
        run_round(server, "epoll", seconds, &score);
    }
    printf("%u passed, %u failed\n", score.passed, score.failed);
    return score.failed ? 1 : 0;
}
