/* engram-benchmark: measures servers that speak the Redis protocol, with
 * redis-benchmark's options, tests and output, and more (docs/benchmark.md). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/cluster.h"
#include "bench/json.h"
#include "bench/link.h"
#include "bench/report.h"

struct bench {
    struct options options;
    uint64_t seed;
    struct server servers[2]; /* the second is --compare's */
    struct settings settings[2];
    size_t server_count;
    struct cluster cluster;
    struct plan *plans;
    size_t plan_count;
    FILE *json_file; /* NULL: no JSON */
    struct json json;
    FILE *out;      /* NULL: --json - is alone on standard output */
    FILE *progress; /* NULL: none is shown */
};

/* ---- before the first test ---- */

static void ask_setting(struct engram_conn *c, const char *name, char *out,
                        size_t size)
{
    struct engram_reply *r = engram_call(c, NULL, "CONFIG GET %s", name);
    const struct engram_reply *value = r == NULL ? NULL
                                                 : engram_reply_lookup(r, name);
    if (value != NULL) {
        (void)snprintf(out, size, "%s", engram_reply_text(value, NULL));
    }
    engram_reply_destroy(&r);
}

/* For the heads of the long report; a server that does not tell is measured all
 * the same. */
static void ask_settings(struct bench *b, size_t i)
{
    struct engram_conn *c = engram_conn_create(&b->servers[i].link, NULL);
    if (c != NULL) {
        ask_setting(c, "save", b->settings[i].save, sizeof b->settings[i].save);
        ask_setting(c, "appendonly", b->settings[i].appendonly,
                    sizeof b->settings[i].appendonly);
    }
    engram_conn_destroy(&c);
}

static bool find_cluster(struct bench *b)
{
    char why[FAILURE_BYTES];
    if (!cluster_find(&b->cluster, &b->servers[0].link, b->options.readers, why,
                      sizeof why)) {
        fprintf(stderr, "%s\nFailed to fetch cluster configuration from %s\n",
                why, b->servers[0].name);
        return false;
    }
    b->servers[0].cluster = &b->cluster;
    if (b->out != NULL && !b->options.is_csv) {
        cluster_print(&b->cluster, b->out);
    }
    return true;
}

static bool open_json(struct bench *b)
{
    const char *path = b->options.json_path;
    if (path == NULL) {
        return true;
    }
    if (strcmp(path, "-") == 0) {
        b->json_file = stdout;
        b->out = NULL;
        b->progress = NULL;
    } else {
        b->json_file = fopen(path, "w");
    }
    if (b->json_file == NULL) {
        fprintf(stderr, "engram-benchmark: --json: %s: %s\n", path,
                strerror(errno));
        return false;
    }
    json_begin(&b->json, b->json_file, &b->options, b->seed);
    return true;
}

static bool close_json(struct bench *b)
{
    if (b->json_file == NULL) {
        return true;
    }
    json_end(&b->json);
    if (fclose(b->json_file) == 0) {
        return true;
    }
    fprintf(stderr, "engram-benchmark: --json: %s\n", strerror(errno));
    return false;
}

/* -c may be more than what a process has by default. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool prepare(struct bench *b)
{
    const struct options *o = &b->options;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    b->seed = o->seed >= 0
                  ? (uint64_t)o->seed
                  : (uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec;
    allow_many_files();
    b->out = stdout;
    b->progress = o->is_csv || o->is_silent_meanwhile ? NULL : stdout;
    link_init(&b->servers[0], o);
    b->server_count = 1;
    if (o->compare != NULL) {
        b->server_count = 2;
        if (!link_init_compared(&b->servers[1], o)) {
            fprintf(stderr, "engram-benchmark: --compare: neither host:port "
                            "nor a path nor a URI\n");
            return false;
        }
    }
    if (!open_json(b) || (o->is_cluster && !find_cluster(b))) {
        return false;
    }
    for (size_t i = 0; i < b->server_count; i++) {
        if (b->out != NULL && !o->is_quiet && !o->is_csv && !o->is_idle) {
            ask_settings(b, i);
        }
    }
    if (o->keep_alive == 0) {
        fprintf(stderr,
                "WARNING: a connection for each request: the system may "
                "run out of ports, see net.ipv4.tcp_tw_reuse\n");
    }
    return true;
}

/* ---- tests ---- */

enum verdict { VERDICT_GO_ON, VERDICT_SKIPPED, VERDICT_FAILED };

static enum verdict race_on(struct bench *b, size_t i, const struct plan *plan,
                            struct outcome *r)
{
    const struct options *o = &b->options;
    race_run(o, &b->servers[i], plan, b->seed, b->progress, r);
    if (r->is_unknown_command && o->argc == 0 && o->tests == NULL) {
        /* Older servers lack some of the usual tests' commands. */
        if (b->out != NULL && !o->is_csv) {
            fprintf(b->out,
                    "%s: left out, the server does not know the "
                    "command\n",
                    plan->title);
        }
        return VERDICT_SKIPPED;
    }
    if (r->failure[0] != '\0') {
        fprintf(stderr, "%s\n", r->failure);
        return VERDICT_FAILED;
    }
    if (b->out != NULL) {
        report_outcome(o, &b->servers[i], &b->settings[i], r, b->out);
    }
    if (b->json_file != NULL) {
        json_outcome(&b->json, &b->servers[i], o, r);
    }
    return report_verified(r, stderr) ? VERDICT_GO_ON : VERDICT_FAILED;
}

static enum verdict run_plan(struct bench *b, const struct plan *plan)
{
    struct outcome r[2];
    enum verdict verdict = race_on(b, 0, plan, &r[0]);
    if (verdict == VERDICT_GO_ON && b->server_count == 2) {
        verdict = race_on(b, 1, plan, &r[1]);
        if (verdict == VERDICT_GO_ON && b->out != NULL) {
            report_ratios(&b->options, &b->servers[0], &r[0], &b->servers[1],
                          &r[1], b->out);
        }
        outcome_deinit(&r[1]);
    }
    outcome_deinit(&r[0]);
    return verdict;
}

static bool run_all(struct bench *b)
{
    const struct options *o = &b->options;
    if (o->is_csv && b->out != NULL) {
        report_csv_header(o, b->out);
    }
    do {
        for (size_t i = 0; i < b->plan_count; i++) {
            if (run_plan(b, &b->plans[i]) == VERDICT_FAILED) {
                return false;
            }
        }
        if (b->out != NULL && !o->is_csv && o->argc == 0) {
            fprintf(b->out, "\n");
        }
    } while (o->is_endless);
    return true;
}

static bool wait_idly(struct bench *b)
{
    struct outcome r;
    printf("Creating %lld idle connections and waiting forever (Ctrl+C when "
           "done)\n",
           (long long)b->options.clients);
    fflush(stdout);
    race_idle(&b->options, &b->servers[0], b->progress, &r);
    fprintf(stderr, "%s\n", r.failure);
    outcome_deinit(&r);
    return false;
}

int main(int argc, char **argv)
{
    struct bench b = {.server_count = 0};
    switch (options_parse(&b.options, argc, argv, stdout, stderr)) {
    case OPTIONS_DONE: return EXIT_SUCCESS;
    case OPTIONS_REFUSED: return EXIT_FAILURE;
    case OPTIONS_RUN: break;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    bool ok = prepare(&b);
    if (ok && b.options.is_idle) {
        ok = wait_idly(&b);
    } else if (ok) {
        b.plans = plans_create(&b.options, stderr, &b.plan_count);
        ok = run_all(&b);
    }
    ok = close_json(&b) && ok;
    plans_destroy(&b.plans, b.plan_count);
    for (size_t i = 0; i < b.server_count; i++) {
        link_deinit(&b.servers[i]);
    }
    cluster_deinit(&b.cluster);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
