/* worker: what happens in a turn of a worker's loop, and the mail between
 * workers. Worker 0 accepts; a new session goes, by mail, to the worker that
 * has fewest, and stays there for its life.
 *
 * A worker sleeps until something concerns it: a socket, mail, a key that is due,
 * tidying that is left to do, a session that is to be looked at. Only worker 0
 * wakes by the clock, `hz` times a second, and tells the others what they could
 * not know (notices): so a server that idles has the turns of one loop, however
 * many workers it has. */
#include "server/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/socket.h"
#include "server/connection.h"
#include "server/monitor.h"
#include "server/observe.h"
#include "server/pause.h"

enum {
    LOOK_US = 500 * 1000, /* after something has come, sessions are looked at */
    BACKGROUND_SLICE_US = 100, /* what others may have to wait for it */
    RECEIVE_BUFFERS = 256,       /* x LOOP_BUFFER_BYTES */
};

/* A socket on its way to its worker. */
struct socket_message {
    struct message link; /* first */
    int fd;
};

static void on_turn(void *arg);

/* ---- mail ---- */

static void wake(void *arg)
{
    loop_wake(arg);
}

static void read_mail(struct worker *w)
{
    struct message *m = mailbox_take(&w->mailbox);
    while (m != NULL) {
        struct message *next = m->next;
        m->run(w, m);
        m = next;
    }
}

void worker_post(struct server *s, uint32_t worker, struct message *m)
{
    mailbox_send(&s->workers[worker].mailbox, m);
}

void worker_notify(struct worker *w, uint32_t notices)
{
    /* release: what the notice is about comes before it. The sender that finds
     * none there already posts them. */
    if (atomic_fetch_or_explicit(&w->notices, notices, memory_order_acq_rel)
        == 0) {
        mailbox_send(&w->mailbox, &w->notice);
    }
}

void workers_notify(struct server *s, uint32_t notices)
{
    for (uint32_t i = 0; i < s->worker_count; i++) {
        worker_notify(&s->workers[i], notices);
    }
}

static void on_notice(void *worker, struct message *m)
{
    struct worker *w = worker;
    (void)m;
    uint32_t n = atomic_exchange_explicit(&w->notices, 0,
                                          memory_order_acq_rel);
    if (w->is_stopping) {
        return;
    }
    if (n & NOTICE_TIDY) {
        exec_want_tidy(w->exec);
    }
    if (n & (NOTICE_DUE | NOTICE_TIDY)) {
        loop_background_soon(w->loop);
    }
    if (n & NOTICE_LOOK) {
        worker_look_within(w, 0);
    }
    if (n & NOTICE_PAUSE) {
        pause_look(w);
    }
}

static void receive_socket(void *worker, struct message *m)
{
    struct worker *w = worker;
    struct socket_message *socket = (struct socket_message *)(void *)m;
    if (w->is_stopping) {
        close(socket->fd);
    } else {
        connection_accept(w, socket->fd);
    }
    mem_free(&w->server->account, socket);
}

/* ---- accepting ---- */

static struct worker *least_busy(struct server *s)
{
    /* Where the search begins moves on, so that equals take turns. */
    uint32_t start = s->accept_next++;
    struct worker *best = NULL;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        struct worker *w = &s->workers[(start + i) % s->worker_count];
        if (best == NULL || w->assigned_count - counter_get(&w->closed_count)
                < best->assigned_count - counter_get(&best->closed_count)) {
            best = w;
        }
    }
    return best;
}

/* Open ones and those on their way to their worker. Worker 0 only. */
static uint64_t open_sessions(const struct server *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        const struct worker *w = &s->workers[i];
        n += w->assigned_count - counter_get(&w->closed_count);
    }
    return n;
}

/* Why this peer is turned away; NULL: it is not. */
static const char *reason_to_reject(const struct server *s, int fd)
{
    if (open_sessions(s) >= atomic_load_explicit(&s->max_clients,
                                                 memory_order_relaxed)) {
        return "-ERR max number of clients reached\r\n";
    }
    if (atomic_load_explicit(&s->is_protected, memory_order_relaxed)
        && !socket_peer_is_local(fd)) {
        return "-DENIED This server is in protected mode: it has no password, "
               "so it takes connections from its own machine only. From there, "
               "set a password (requirepass), or allow everyone who can reach "
               "the port with CONFIG SET protected-mode no; both can be set in "
               "the configuration file too.\r\n";
    }
    return NULL;
}

static void on_accept(void *arg, int fd)
{
    struct worker *w = arg;
    const char *reason = reason_to_reject(w->server, fd);
    if (reason != NULL) {
        connection_reject(w, fd, reason);
        return;
    }
    struct worker *to = least_busy(w->server);
    to->assigned_count++;
    if (to == w) {
        connection_accept(w, fd);
        return;
    }
    struct socket_message *m = mem_alloc(&w->server->account, sizeof *m);
    if (m == NULL) {
        close(fd);
        to->assigned_count--;
        return;
    }
    m->fd = fd;
    m->link.run = receive_socket;
    worker_post(w->server, to->index, &m->link);
}

static void on_accept_error(void *arg, int error)
{
    struct worker *w = arg;
    log_write(w->server->log, LOG_WARNING, "Accepting client connection: %s",
              strerror(error));
}

bool worker_listen(struct worker *w, int fd)
{
    struct server *s = w->server;
    if (s->listener_count == LISTENERS_MAX) {
        return false;
    }
    struct listener *l = listener_open(w->loop, fd, w);
    if (l == NULL) {
        return false;
    }
    s->listeners[s->listener_count].listener = l;
    s->listeners[s->listener_count++].fd = fd;
    return true;
}

void worker_stop_listening(struct worker *w, int fd)
{
    struct server *s = w->server;
    for (uint32_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].fd == fd) {
            listener_close(&s->listeners[i].listener);
            s->listeners[i] = s->listeners[--s->listener_count];
            return;
        }
    }
}

/* ---- the turn ---- */

static void raise_to(struct counter *max, uint64_t v)
{
    if (v > counter_get(max)) {
        counter_set(max, v);
    }
}

static void note_latency(struct worker *w, enum latency_event event,
                         uint64_t ticks)
{
    struct server *s = w->server;
    uint64_t us = (uint64_t)((double)ticks / s->ticks_per_us);
    if (latency_wants(&s->latency, us)) {
        latency_note(&s->latency, event, us, loop_wall_ms(w->loop) / 1000);
    }
}

static void count_turn(struct worker *w, uint64_t ticks, uint64_t commands)
{
    counter_add(&w->stats.turn_ticks, ticks);
    raise_to(&w->stats.turn_ticks_max, ticks);
    raise_to(&w->stats.turn_commands_max, commands);
    note_latency(w, LATENCY_LOOP_TURN, ticks);
}

static void on_turn(void *arg)
{
    struct worker *w = arg;
    const struct counter *commands = &exec_stats(w->exec)->command_total;
    uint64_t begin = clock_ticks(), commands_before = counter_get(commands);
    counter_add(&w->stats.turns, 1);
    exec_set_now(w->exec, loop_wall_ms(w->loop), loop_now_us(w->loop));
    read_mail(w);
    do {
        if (w->ready != NULL) {
            worker_look_within(w, LOOK_US);
        }
        connections_run_ready(w);
        monitor_flush(w); /* makes those who are shown something ready */
    } while (w->ready != NULL);
    count_turn(w, clock_ticks() - begin,
               counter_get(commands) - commands_before);
    if (atomic_load_explicit(&w->server->is_stopping, memory_order_acquire)) {
        w->is_stopping = true;
        loop_stop(w->loop);
    }
}

/* What a slice took of the processor is asked for at its end only if it may have
 * been more than any before: it was no more than what the clock shows. */
static void note_slice(struct worker *w, uint64_t ticks, int64_t cpu_begin_us)
{
    struct worker_stats *st = &w->stats;
    uint64_t us = (uint64_t)((double)ticks / w->server->ticks_per_us);
    raise_to(&st->background_us_max, us);
    if (us > counter_get(&st->background_cpu_us_max)) {
        uint64_t cpu_us = (uint64_t)(clock_thread_us() - cpu_begin_us);
        raise_to(&st->background_cpu_us_max, cpu_us < us ? cpu_us : us);
    }
}

static int64_t on_background(void *arg)
{
    struct worker *w = arg;
    int64_t cpu_begin_us = clock_thread_us();
    uint64_t begin = clock_ticks();
    int64_t wait_us = exec_background(w->exec, BACKGROUND_SLICE_US);
    uint64_t ticks = clock_ticks() - begin;
    note_slice(w, ticks, cpu_begin_us);
    counter_add(&w->stats.background_ticks, ticks);
    counter_add(&w->stats.turn_ticks, ticks);
    note_latency(w, LATENCY_EXPIRE_CYCLE, ticks);
    return wait_us;
}

/* ---- by the clock ---- */

static bool is_cron_paused(const struct worker *w)
{
    return atomic_load_explicit(&w->server->is_cron_paused,
                                memory_order_relaxed);
}

/* Neither timer ever leaves the heap for longer than its own call, so there is
 * room for it. */
static void restart(struct worker *w, struct timer *t, int64_t after_us)
{
    enum status st = timer_start(w->loop, t, after_us);
    assert(st == ST_OK);
    (void)st;
}

void worker_look_within(struct worker *w, int64_t us)
{
    if (w->cron.due_us - loop_now_us(w->loop) > us) {
        restart(w, &w->cron, us);
    }
}

static void count_cron(struct worker *w, uint64_t begin)
{
    uint64_t ticks = clock_ticks() - begin;
    counter_add(&w->stats.cron_ticks, ticks);
    counter_add(&w->stats.turn_ticks, ticks);
    note_latency(w, LATENCY_CRON, ticks);
}

/* The sessions of this worker. */
static void on_cron(void *arg)
{
    struct worker *w = arg;
    uint64_t begin = clock_ticks();
    int64_t after_us = LOOK_US;
    w->account.fail_after = -1; /* DEBUG FAIL-ALLOCATIONS is over */
    if (!is_cron_paused(w)) {
        after_us = connections_cron(w, loop_now_us(w->loop) / 1000);
    }
    count_cron(w, begin);
    restart(w, &w->cron, after_us);
}

/* The whole server: worker 0. */
static void on_tick(void *arg)
{
    struct worker *w = arg;
    uint64_t begin = clock_ticks();
    if (!is_cron_paused(w)) {
        server_cron(w->server);
    }
    count_cron(w, begin);
    restart(w, &w->tick,
            1000000 / atomic_load_explicit(&w->server->hz,
                                           memory_order_relaxed));
}

static bool start_timers(struct worker *w)
{
    timer_init(&w->cron, on_cron, w);
    timer_init(&w->tick, on_tick, w);
    return timer_start(w->loop, &w->cron, INT64_MAX) == ST_OK
           && (w->index > 0 || timer_start(w->loop, &w->tick, 0) == ST_OK);
}

/* ---- life ---- */

static void post(void *server, uint32_t worker, struct message *m)
{
    worker_post(server, worker, m);
}

static struct exec *create_exec(struct worker *w, uint64_t seed)
{
    struct server *s = w->server;
    struct exec_options o = {
        .store = s->store, .commands = s->commands, .gate = s->gate,
        .shared = &s->exec_shared, .interests = s->interests,
        .on_block = connection_on_block, .on_release = connection_on_release,
        .on_monitor = monitor_note, .post = post, .worker = w->index,
        .worker_count = s->worker_count, .account = &w->account,
        .sink = s->sink, .host = s, .random_seed = seed,
        .ticks_per_us = s->ticks_per_us, .memory_check = server_memory_check,
        .on_call = observe_call,
    };
    return exec_create(&o);
}

bool worker_init(struct worker *w, struct server *s, uint32_t index,
                 enum loop_engine engine, char *err, size_t cap)
{
    static const struct loop_handlers handlers = {
        .on_data = connection_on_data, .on_end = connection_on_end,
        .on_sent = connection_on_sent, .on_closed = connection_on_closed,
        .on_accept = on_accept, .on_accept_error = on_accept_error,
        .on_turn = on_turn, .on_background = on_background,
    };
    w->server = s;
    w->index = index;
    w->ready_tail = &w->ready;
    mem_account_init(&w->account);
    chunk_pool_init(&w->chunks, &w->account);
    decode_args_init(&w->args, &w->account);
    struct loop_options o = {engine, RECEIVE_BUFFERS, &w->account};
    enum status st = loop_create(&o, &handlers, w, &w->loop);
    if (st != ST_OK) {
        snprintf(err, cap, "event loop of worker %u: %s", index,
                 status_text(st));
        return false;
    }
    mailbox_init(&w->mailbox, wake, w->loop);
    w->notice.run = on_notice;
    monitor_init(w);
    pause_init(w);
    connections_enter(w, &w->cron_cursor);
    uint64_t seed;
    if (random_secret(&seed, sizeof seed) != ST_OK) {
        seed = (uint64_t)loop_now_us(w->loop) + index;
    }
    w->exec = create_exec(w, seed);
    if (w->exec == NULL || !start_timers(w)) {
        snprintf(err, cap, "worker %u: out of memory", index);
        return false;
    }
    return true;
}

static void close_loop(struct worker *w)
{
    struct server *s = w->server;
    w->is_stopping = true;
    read_mail(w);
    while (w->index == 0 && s->listener_count > 0) {
        listener_close(&s->listeners[--s->listener_count].listener);
    }
    timer_stop(w->loop, &w->cron);
    timer_stop(w->loop, &w->tick);
    pause_deinit(w);
    loop_destroy(&w->loop);
}

void worker_deinit(struct worker *w)
{
    if (w->server == NULL) {
        return; /* was never made */
    }
    if (w->loop != NULL) {
        close_loop(w); /* it never ran */
    }
    exec_destroy(&w->exec);
    monitor_deinit(w);
    decode_args_deinit(&w->args);
    chunk_pool_deinit(&w->chunks);
}

/* A loop is closed on the thread it ran on: its ring knows no other. Nobody may
 * wake it any more by then: the others have ended theirs, and whoever stopped
 * the server has let go of stop_lock. */
void worker_run(void *worker)
{
    struct worker *w = worker;
    struct server *s = w->server;
    char name[CRASH_NAME_MAX];
    snprintf(name, sizeof name, "worker-%u", w->index);
    crash_thread_begin(&w->trace, &s->crash, name, w->exec);
    loop_run(w->loop);
    if (!atomic_load_explicit(&s->is_half_started, memory_order_acquire)) {
        barrier_wait(&s->loops_ended);
    }
    lock_acquire(&s->stop_lock);
    lock_release(&s->stop_lock);
    close_loop(w);
    crash_thread_end(&w->trace);
}

void worker_stop(struct worker *w)
{
    loop_wake(w->loop);
}
