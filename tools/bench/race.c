/* race: starts the workers, shows how far they are, and adds up. */
#include "bench/race.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/loop.h"
#include "bench/memory.h"

#define PROGRESS_NS INT64_C(250000000)
#define NS_PER_S 1e9

enum { LINE_BYTES = 256 };

struct gauge {
    FILE *to; /* NULL: nothing is shown */
    const char *title;
    int width; /* of the last line */
    int64_t since_ns;
    uint64_t done, latency_ns; /* as of then */
};

double outcome_rps(const struct outcome *out)
{
    return out->seconds > 0 ? (double)out->tally.requests / out->seconds : 0;
}

void outcome_deinit(struct outcome *out)
{
    histogram_deinit(&out->tally.latency);
    histogram_deinit(&out->tally.service);
}

/* ---- while it runs ---- */

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void sum(const struct worker *workers, size_t count, uint64_t *done,
                uint64_t *latency_ns, uint64_t *ready)
{
    *done = *latency_ns = *ready = 0;
    for (size_t i = 0; i < count; i++) {
        *done += atomic_load_explicit(&workers[i].done, memory_order_relaxed);
        *latency_ns += atomic_load_explicit(&workers[i].latency_ns,
                                            memory_order_relaxed);
        *ready += atomic_load_explicit(&workers[i].ready_count,
                                       memory_order_relaxed);
    }
}

static void show(struct gauge *g, const struct race *race,
                 const struct worker *workers, size_t count)
{
    uint64_t done, latency_ns, ready;
    if (g->to == NULL) {
        return;
    }
    sum(workers, count, &done, &latency_ns, &ready);
    if (race->plan == NULL) {
        fprintf(g->to, "clients: %llu\r", (unsigned long long)ready);
        fflush(g->to);
        return;
    }
    char line[LINE_BYTES];
    int64_t now_ns = loop_now_ns();
    double lately = (double)(done - g->done);
    int n = snprintf(
        line, sizeof line,
        "%.128s: rps=%.1f (overall: %.1f) avg_msec=%.3f (overall: %.3f)",
        g->title, ratio(lately * NS_PER_S, (double)(now_ns - g->since_ns)),
        ratio((double)done * NS_PER_S, (double)(now_ns - race->start_ns)),
        ratio((double)(latency_ns - g->latency_ns) / 1e6, lately),
        ratio((double)latency_ns / 1e6, (double)done));
    fprintf(g->to, "%*s\r%s\r", g->width, "", line);
    fflush(g->to);
    *g = (struct gauge){g->to, g->title, n, now_ns, done, latency_ns};
}

static void erase(struct gauge *g)
{
    if (g->to != NULL && g->width > 0) {
        fprintf(g->to, "%*s\r", g->width, "");
        fflush(g->to);
    }
}

static struct timespec after_ns(int64_t ns)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    ns += at.tv_nsec;
    at.tv_sec += (time_t)(ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    return at;
}

static void watch_workers(struct race *race, struct gauge *g,
                          const struct worker *workers, size_t count)
{
    pthread_mutex_lock(&race->lock);
    struct timespec next = after_ns(PROGRESS_NS);
    while (race->running > 0) {
        if (pthread_cond_timedwait(&race->ended, &race->lock, &next)
            == ETIMEDOUT) {
            show(g, race, workers, count);
            next = after_ns(PROGRESS_NS);
        }
    }
    pthread_mutex_unlock(&race->lock);
}

/* ---- beginning and end ---- */

static void race_init(struct race *race, size_t threads)
{
    pthread_condattr_t by_monotonic;
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&race->ended, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
    pthread_mutex_init(&race->lock, NULL);
    pthread_barrier_init(&race->begin, NULL, (unsigned)threads + 1);
    race->running = threads;
}

static void race_deinit(struct race *race)
{
    pthread_barrier_destroy(&race->begin);
    pthread_cond_destroy(&race->ended);
    pthread_mutex_destroy(&race->lock);
}

static void start_workers(struct race *race, struct worker *workers,
                          size_t count)
{
    size_t clients = (size_t)race->options->clients, first = 0;
    for (size_t i = 0; i < count; i++) {
        struct worker *w = &workers[i];
        w->race = race;
        w->number = i;
        w->client_first = first;
        w->client_count = clients / count + (i < clients % count);
        first += w->client_count;
        int err = pthread_create(&w->thread, NULL, worker_run, w);
        if (err != 0) {
            fprintf(stderr, "engram-benchmark: thread %zu: %s\n", i,
                    strerror(err));
            /* The others wait for it at the gate for ever. */
            _Exit(EXIT_FAILURE);
        }
    }
}

static void add_up(struct outcome *out, const struct race *race,
                   struct worker *workers, size_t count)
{
    int64_t last_ns = race->start_ns;
    for (size_t i = 0; i < count; i++) {
        struct worker *w = &workers[i];
        struct tally *t = &w->tally, *all = &out->tally;
        histogram_merge(&all->latency, &t->latency);
        histogram_merge(&all->service, &t->service);
        all->requests += t->requests;
        all->reads += t->reads;
        all->misses += t->misses;
        if (all->wrong == 0) {
            memcpy(all->wrong_text, t->wrong_text, sizeof t->wrong_text);
        }
        all->wrong += t->wrong;
        last_ns = t->last_ns > last_ns ? t->last_ns : last_ns;
        if (out->failure[0] == '\0') {
            memcpy(out->failure, w->failure, sizeof w->failure);
            out->is_unknown_command = w->is_unknown_command;
        }
        histogram_deinit(&t->latency);
        histogram_deinit(&t->service);
    }
    out->seconds = (double)(last_ns - race->start_ns) / NS_PER_S;
}

static void run(struct race *race, FILE *progress, struct outcome *out)
{
    const struct options *o = race->options;
    size_t count = (size_t)(o->threads < o->clients ? o->threads : o->clients);
    int digits = o->precision == 0 ? 3 : (int)o->precision;
    struct worker *workers = memory_zeroed(count, sizeof workers[0]);
    histogram_init(&out->tally.latency, digits);
    histogram_init(&out->tally.service, digits);
    race_init(race, count);
    start_workers(race, workers, count);
    (void)pthread_barrier_wait(&race->begin);
    race->start_ns = loop_now_ns();
    race->end_ns = INT64_MAX;
    if (o->duration_s > 0 && race->plan != NULL && race->plan->requests == 0) {
        race->end_ns = race->start_ns + o->duration_s * 1000000000;
    }
    struct gauge gauge = {
        .to = progress, .title = out->title, .since_ns = race->start_ns};
    (void)pthread_barrier_wait(&race->begin);
    watch_workers(race, &gauge, workers, count);
    erase(&gauge);
    for (size_t i = 0; i < count; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
    add_up(out, race, workers, count);
    race_deinit(race);
    free(workers);
}

void race_run(const struct options *o, const struct server *server,
              const struct plan *plan, uint64_t seed, FILE *progress,
              struct outcome *out)
{
    struct race race = {.options = o,
                        .link = &server->link,
                        .cluster = server->cluster,
                        .plan = plan,
                        .seed = seed};
    *out = (struct outcome){.title = plan->title};
    /* What stands around a measurement is not slowed down. */
    race.rps = plan->requests > 0 ? 0 : o->rps;
    race.limit = plan->requests > 0  ? plan->requests
                 : o->duration_s > 0 ? INT64_MAX
                                     : (uint64_t)o->requests;
    run(&race, progress, out);
}

void race_idle(const struct options *o, const struct server *server,
               FILE *progress, struct outcome *out)
{
    struct race race = {
        .options = o, .link = &server->link, .cluster = server->cluster};
    *out = (struct outcome){.title = "idle"};
    run(&race, progress, out);
}
