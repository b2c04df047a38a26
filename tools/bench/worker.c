/* worker: connects, waits for the others, and then keeps its connections busy.
 *
 * Requests are claimed from the race's count, a pipeline's worth at a time, so
 * that all threads end together. Without --rps a connection whose replies have
 * come claims and sends at once. With it, the count is also the clock: request i
 * is due at start + i/rps. The worker claims the next ones ahead, waits until
 * they are due and one of its connections is free, and measures from when they
 * were due: while the server hangs, requests become due all the same, and what
 * they wait is in the result (it would be left out if the clock stood still with
 * the server, the "coordinated omission"). From when they were really sent is
 * kept as the service time. */
#include "bench/worker.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/compose.h"
#include "bench/loop.h"
#include "bench/memory.h"

enum {
    STAMPS_SHARED = 16, /* replies of one read that share a look at the clock */
    LOOK_UP_NS = 100000000, /* how long it may sleep without a look around */
};

/* A request under way. */
struct flight {
    uint64_t key;
    bool is_read;
};

struct client {
    struct engine *engine;
    struct engram_conn *conn;
    size_t node;
    uint64_t first; /* the number of the oldest request under way */
    size_t sent, answered;
    int64_t due_ns, sent_ns;
    struct flight *flights; /* as many as the pipeline is long */
};

/* The worker while its thread runs. Requests are sent between the loop's turns
 * and not from the callbacks, so that a round of replies leads to a round of
 * requests: the server finds them together, and both sides wake less often. */
struct engine {
    struct worker *worker;
    struct race *race;
    struct composer composer;
    struct loop loop;
    struct client *clients;
    size_t busy; /* connections that wait for replies */
    bool has_begun, has_failed;
    /* The clock as of the last look. */
    int64_t now_ns;
    unsigned stamped; /* replies since */
    const struct engram_conn *stamped_for;
    /* --rps: claimed but not sent. */
    uint64_t ahead_first;
    size_t ahead_count;
    int64_t ahead_due_ns;
    struct client **idle; /* whoever waits for nothing: a ring, oldest first */
    size_t idle_head, idle_count;
};

/* ---- failing ---- */

__attribute__((format(printf, 2, 3))) static void fail(struct engine *e,
                                                       const char *format, ...)
{
    atomic_store_explicit(&e->race->is_over, true, memory_order_relaxed);
    if (e->has_failed) {
        return;
    }
    e->has_failed = true;
    va_list values;
    va_start(values, format);
    (void)vsnprintf(e->worker->failure, sizeof e->worker->failure, format,
                    values);
    va_end(values);
}

static bool is_stopped(const struct engine *e)
{
    return e->has_failed
           || atomic_load_explicit(&e->race->is_over, memory_order_relaxed);
}

static const char *behind(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* A connection is gone: why, in the words people know. */
static void fail_link(struct engine *e, const char *text,
                      enum engram_status why)
{
    const char *said = behind(text, "server: ");
    said = said == NULL ? behind(text, "greeting: ") : said;
    const char *place = behind(text, "connect ");
    place = place == NULL ? behind(text, "resolve ") : place;
    if (said != NULL) {
        fail(e, "Error from server: %s", said);
    } else if (place != NULL) {
        fail(e, "Could not connect to server at %s", place);
    } else if (why == ENGRAM_DISCONNECTED) {
        fail(e, "Error: Server closed the connection");
    } else {
        fail(e, "Error: %s", *text != '\0' ? text : engram_status_text(why));
    }
}

/* ---- sending ---- */

static void on_reply(struct engram_conn *conn, enum engram_status st,
                     const struct engram_reply *reply, void *arg);

/* Up to a pipeline's worth of requests that nobody else sends; 0: none left. */
static size_t claim(struct engine *e, uint64_t *first)
{
    struct race *r = e->race;
    size_t want = (size_t)r->options->pipeline;
    *first = atomic_fetch_add_explicit(&r->claimed, want, memory_order_relaxed);
    if (*first >= r->limit) {
        return 0;
    }
    return r->limit - *first < want ? (size_t)(r->limit - *first) : want;
}

static void send_batch(struct client *c, size_t count)
{
    static const struct engram_how as_line = {.flags = ENGRAM_INLINE};
    struct engine *e = c->engine;
    c->sent = count;
    c->answered = 0;
    c->sent_ns = e->now_ns;
    e->busy++;
    for (size_t i = 0; i < count; i++) {
        struct composed next = composer_next(&e->composer, c->first + i,
                                             c->node);
        const struct command *cmd = next.command;
        c->flights[i] = (struct flight){next.key, !next.is_write};
        enum engram_status st = engram_send_argv(
            c->conn, cmd->is_inline ? &as_line : NULL, on_reply, c, cmd->argc,
            (const char *const *)cmd->argv, cmd->lens);
        if (st != ENGRAM_OK) {
            fail(e, "Error: %s", engram_status_text(st));
            return;
        }
    }
    engram_conn_flush(c->conn);
}

/* --rps: looks further ahead on the race's clock. */
static void look_ahead(struct engine *e)
{
    const struct race *r = e->race;
    e->ahead_count = claim(e, &e->ahead_first);
    e->ahead_due_ns =
        r->start_ns + (int64_t)((double)e->ahead_first * 1e9 / (double)r->rps);
    if (e->ahead_due_ns >= r->end_ns) {
        e->ahead_count = 0;
    }
}

static void set_idle(struct engine *e, struct client *c)
{
    size_t at = (e->idle_head + e->idle_count++) % e->worker->client_count;
    e->idle[at] = c;
}

static struct client *take_idle(struct engine *e)
{
    struct client *c = e->idle[e->idle_head];
    e->idle_head = (e->idle_head + 1) % e->worker->client_count;
    e->idle_count--;
    return c;
}

/* --rps: sends what is due, as far as connections are free. */
static void send_due(struct engine *e)
{
    while (e->ahead_count > 0 && e->idle_count > 0 && !e->has_failed) {
        e->now_ns = loop_now_ns();
        if (e->ahead_due_ns > e->now_ns) {
            return;
        }
        struct client *c = take_idle(e);
        c->first = e->ahead_first;
        c->due_ns = e->ahead_due_ns;
        send_batch(c, e->ahead_count);
        look_ahead(e);
    }
}

/* -k 0: a connection that has been used makes place for another. */
static void reopen(struct client *c)
{
    c->sent = 0;
    c->engine->busy++;
    engram_conn_close(c->conn);
    (void)engram_conn_open(c->conn);
}

static bool is_over(const struct engine *e)
{
    const struct race *r = e->race;
    return e->now_ns >= r->end_ns
           || atomic_load_explicit(&r->claimed, memory_order_relaxed)
                  >= r->limit;
}

/* Without --rps: whoever is free sends, until there is nothing left. */
static void send_all(struct engine *e)
{
    while (e->idle_count > 0 && !e->has_failed) {
        struct client *c = take_idle(e);
        e->now_ns = loop_now_ns();
        if (is_over(e)) {
            continue;
        }
        if (e->race->options->keep_alive == 0 && c->sent > 0) {
            reopen(c);
            continue;
        }
        size_t count = claim(e, &c->first);
        if (count > 0) {
            send_batch(c, count);
        }
    }
}

/* ---- replies ---- */

/* The clock is looked at once for the replies of a read, unless they are large
 * or many: then the later ones have come later. */
static void stamp(struct engine *e, const struct engram_conn *conn,
                  const struct engram_reply *reply)
{
    if (e->stamped_for != conn || e->stamped == STAMPS_SHARED
        || engram_reply_type(reply) == ENGRAM_TYPE_ARRAY) {
        e->now_ns = loop_now_ns();
        e->stamped = 0;
        e->stamped_for = conn;
    }
    e->stamped++;
}

static void publish(struct worker *w, size_t count, int64_t latency_ns)
{
    /* This thread alone writes them. */
    atomic_store_explicit(
        &w->done, atomic_load_explicit(&w->done, memory_order_relaxed) + count,
        memory_order_relaxed);
    atomic_store_explicit(
        &w->latency_ns,
        atomic_load_explicit(&w->latency_ns, memory_order_relaxed)
            + (uint64_t)latency_ns * count,
        memory_order_relaxed);
}

static void check_value(struct engine *e, const struct flight *f,
                        const struct engram_reply *reply)
{
    struct tally *t = &e->worker->tally;
    char why[FAILURE_BYTES / 2] = "it is not there";
    size_t len;
    const char *text = engram_reply_text(reply, &len);
    if (engram_reply_type(reply) == ENGRAM_TYPE_STRING
        && verify_check(&e->composer.verify, f->key, text, len, why,
                        sizeof why)) {
        return;
    }
    if (t->wrong++ == 0) {
        (void)snprintf(t->wrong_text, sizeof t->wrong_text, "key:%012llu: %s",
                       (unsigned long long)f->key, why);
    }
}

static void count_reply(struct client *c, const struct engram_reply *reply)
{
    struct engine *e = c->engine;
    struct tally *t = &e->worker->tally;
    const struct flight *f = &c->flights[c->answered];
    t->requests++;
    if (e->race->rps > 0) {
        histogram_add(&t->latency, (uint64_t)(e->now_ns - c->due_ns));
        histogram_add(&t->service, (uint64_t)(e->now_ns - c->sent_ns));
    } else {
        histogram_add(&t->latency, (uint64_t)(e->now_ns - c->sent_ns));
    }
    if (f->is_read) {
        t->reads++;
        t->misses += engram_reply_type(reply) == ENGRAM_TYPE_NULL;
        if (e->race->plan->is_verified) {
            check_value(e, f, reply);
        }
    }
}

static void end_batch(struct client *c)
{
    struct engine *e = c->engine;
    e->busy--;
    publish(e->worker, c->sent,
            e->now_ns - (e->race->rps > 0 ? c->due_ns : c->sent_ns));
    e->worker->tally.last_ns = e->now_ns;
    set_idle(e, c);
}

static void on_reply(struct engram_conn *conn, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct client *c = arg;
    struct engine *e = c->engine;
    if (st != ENGRAM_OK || e->has_failed) {
        return; /* on_disconnected says why, or it is over */
    }
    if (engram_reply_is_error(reply)) {
        const char *text = engram_reply_text(reply, NULL);
        e->worker->is_unknown_command = behind(text, "ERR unknown command")
                                        != NULL;
        fail(e, "Error from server: %s", text);
        return;
    }
    stamp(e, conn, reply);
    count_reply(c, reply);
    if (++c->answered == c->sent) {
        end_batch(c);
    }
}

/* ---- connections ---- */

static void on_setup(struct engram_conn *conn, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct client *c = arg;
    (void)conn;
    if (st == ENGRAM_OK && engram_reply_is_error(reply)) {
        fail(c->engine, "Error from server: %s",
             engram_reply_text(reply, NULL));
    }
}

/* What goes before the first request. */
static void set_up(struct client *c, const char *command)
{
    enum engram_status st = engram_send(c->conn, NULL, on_setup, c, command);
    if (st != ENGRAM_OK) {
        fail(c->engine, "Error: %s", engram_status_text(st));
    }
}

static void on_connected(struct engram_conn *conn, void *arg)
{
    struct client *c = arg;
    struct engine *e = c->engine;
    const struct cluster *cluster = e->race->cluster;
    (void)conn;
    if (e->race->options->has_tracking) {
        set_up(c, "CLIENT TRACKING ON");
    }
    if (cluster != NULL && cluster->nodes[c->node].is_replica) {
        set_up(c, "READONLY");
    }
    set_idle(e, c);
    if (e->has_begun) {
        e->busy--; /* of reopen */
        return;
    }
    atomic_fetch_add_explicit(&e->worker->ready_count, 1, memory_order_relaxed);
}

static void on_disconnected(struct engram_conn *conn, enum engram_status why,
                            int retry_ms, void *arg)
{
    struct client *c = arg;
    (void)retry_ms;
    fail_link(c->engine, engram_conn_error(conn), why);
}

static bool open_client(struct engine *e, size_t i)
{
    struct client *c = &e->clients[i];
    struct engram_options link = *e->race->link;
    enum engram_status st = ENGRAM_OK;
    size_t pipeline = (size_t)e->race->options->pipeline;
    *c = (struct client){.engine = e};
    c->flights = memory_zeroed(pipeline, sizeof c->flights[0]);
    if (e->race->cluster != NULL) {
        c->node = (e->worker->client_first + i) % e->race->cluster->node_count;
    }
    link.on_connected = on_connected;
    link.on_disconnected = on_disconnected;
    link.arg = c;
    c->conn = engram_conn_create(&link, &st);
    if (c->conn != NULL && e->race->cluster != NULL) {
        const struct node *n = &e->race->cluster->nodes[c->node];
        st = engram_conn_set_address(c->conn, n->host, n->port);
    }
    if (c->conn == NULL || st != ENGRAM_OK) {
        fail(e, "Error: %s", engram_status_text(st));
        return false;
    }
    loop_add(&e->loop, c->conn);
    (void)engram_conn_open(c->conn);
    return true;
}

static void turn(struct engine *e, int64_t until_ns)
{
    int64_t look_up_ns = loop_now_ns() + LOOK_UP_NS;
    e->stamped_for = NULL;
    if (!loop_turn(&e->loop, until_ns < look_up_ns ? until_ns : look_up_ns)) {
        fail(e, "Error: epoll failed");
    }
}

static void connect_all(struct engine *e)
{
    struct worker *w = e->worker;
    for (size_t i = 0; i < w->client_count; i++) {
        if (!open_client(e, i)) {
            return;
        }
    }
    while (atomic_load_explicit(&w->ready_count, memory_order_relaxed)
               < w->client_count
           && !is_stopped(e)) {
        turn(e, LOOP_NEVER);
    }
}

/* ---- the thread ---- */

static void race_closed(struct engine *e)
{
    send_all(e);
    while (e->busy > 0 && !is_stopped(e)) {
        turn(e, LOOP_NEVER);
        send_all(e);
    }
}

static void race_paced(struct engine *e)
{
    look_ahead(e);
    while ((e->ahead_count > 0 || e->busy > 0) && !is_stopped(e)) {
        bool may_send = e->ahead_count > 0 && e->idle_count > 0;
        turn(e, may_send ? e->ahead_due_ns : LOOP_NEVER);
        send_due(e);
    }
}

static void run(struct engine *e)
{
    if (!e->has_failed) {
        connect_all(e);
    }
    (void)pthread_barrier_wait(&e->race->begin);
    (void)pthread_barrier_wait(&e->race->begin);
    e->has_begun = true;
    if (e->race->plan == NULL) {
        while (!is_stopped(e)) {
            turn(e, LOOP_NEVER);
        }
    } else if (e->race->rps > 0) {
        race_paced(e);
    } else {
        race_closed(e);
    }
}

static void tally_init(struct tally *t, int64_t precision)
{
    int digits = precision == 0 ? 3 : (int)precision;
    histogram_init(&t->latency, digits);
    histogram_init(&t->service, digits);
}

static void tear_down(struct engine *e)
{
    for (size_t i = 0; i < e->worker->client_count; i++) {
        engram_conn_destroy(&e->clients[i].conn);
        free(e->clients[i].flights);
    }
    loop_deinit(&e->loop);
    free(e->clients);
    free(e->idle);
    if (e->race->plan != NULL) {
        composer_deinit(&e->composer);
    }
}

void *worker_run(void *arg)
{
    struct worker *w = arg;
    struct engine e = {.worker = w, .race = w->race};
    tally_init(&w->tally, w->race->options->precision);
    e.clients = memory_zeroed(w->client_count, sizeof e.clients[0]);
    e.idle = memory_zeroed(w->client_count, sizeof(struct client *));
    if (w->race->plan != NULL) {
        composer_init(&e.composer, w->race->plan, w->race->options,
                      w->race->cluster, w->race->seed, w->number);
    }
    /* Else the kernel wakes it up to 50 us late, to save power. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    if (!loop_init(&e.loop, w->client_count)) {
        fail(&e, "Error: no epoll");
    }
    run(&e);
    tear_down(&e);
    pthread_mutex_lock(&w->race->lock);
    w->race->running--;
    pthread_cond_signal(&w->race->ended);
    pthread_mutex_unlock(&w->race->lock);
    return NULL;
}
