/* connection: from received bytes to added requests, and back.
 *
 * Bytes are decoded where they lie: in the loop's receive buffer as a rule, in a
 * buffer of the connection's own once a request arrives in pieces. Arguments
 * point into them, so neither moves until the batch has run.
 *
 * Each turn the ready connections take turns, at most REQUESTS_A_ROUND each, so
 * that one with a long pipeline does not hold the others up; the
 * dispatcher gets their requests mixed and overlaps their cache misses. */
#include "server/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rare.h"
#include "net/socket.h"
#include "server/monitor.h"
#include "server/output_limit.h"
#include "server/pause.h"
#include "server/tour.h"
#include "server/worker.h"

enum {
    REQUESTS_A_ROUND = EXEC_BATCH_MAX,
    INLINE_BYTES_MAX = 64 * 1024,
    CLOSING_MS_MAX = 10 * 1000, /* without a byte of the last replies leaving */
    NAME_BYTES_MAX = 256,
    LOOKS_MIN = 64,         /* sessions that one call of connections_cron sees */
    LOOKS_DIV = 5,          /* or this part of all, if that is more */
    LOOK_PAUSE_MS = 100,    /* between two calls */
    LOOK_MS = 500,          /* who is watched is looked at this often */
    INPUT_IDLE_MS_MAX = 2000, /* buffers of idle ones are cut to their need */
};

/* A timer's longest, a year; connections_cron sees to what is left then. */
#define BLOCK_MS_MAX ((int64_t)365 * 24 * 3600 * 1000)

/* ---- what is told of it ---- */

/* Most sessions are never listed, so their names are found when asked for. */
static bool find_names(struct connection *c)
{
    char peer[NAME_BYTES_MAX], local[NAME_BYTES_MAX];
    int fd = conn_fd(c->net);
    if (c->names != NULL) {
        return true;
    }
    socket_peer_name(fd, peer, sizeof peer);
    socket_local_name(fd, local, sizeof local);
    size_t peer_bytes = strlen(peer) + 1, local_bytes = strlen(local) + 1;
    c->names = mem_alloc(&c->worker->account, peer_bytes + local_bytes);
    if (c->names == NULL) {
        return false;
    }
    memcpy(c->names, peer, peer_bytes);
    memcpy(c->names + peer_bytes, local, local_bytes);
    return true;
}

const char *connection_peer(struct connection *c)
{
    return find_names(c) ? c->names : "?:0";
}

const char *connection_local(struct connection *c)
{
    return find_names(c) ? c->names + strlen(c->names) + 1 : "?:0";
}

size_t connection_bytes(const struct connection *c)
{
    return sizeof *c + c->in.cap + conn_out(c->net)->bytes;
}

enum client_class connection_class(const struct connection *c)
{
    (void)c; /* replicas and subscribers have yet to come */
    return CLIENT_CLASS_NORMAL;
}

bool session_is_permitted(const struct session *s, enum option_permit permit)
{
    /* The session is the connection's first member. */
    const struct connection *c = (const struct connection *)(const void *)s;
    return permit == PERMIT_YES
           || (permit == PERMIT_LOCAL && socket_peer_is_local(conn_fd(c->net)));
}

/* ---- waiting for a key ---- */

static void on_block_timer(void *arg)
{
    struct connection *c = arg;
    (void)exec_unblock(c->worker->exec, &c->session, UNBLOCK_TIMEOUT);
}

void connection_on_block(void *server, struct session *s, int64_t deadline_ms)
{
    struct connection *c = connection_of(s);
    (void)server;
    c->is_blocked = true;
    c->block_deadline_ms = deadline_ms;
    counter_add(&c->worker->stats.blocked, 1);
    if (deadline_ms > 0) {
        counter_add(&c->worker->stats.blocked_with_deadline, 1);
        int64_t ms = deadline_ms - loop_wall_ms(c->worker->loop);
        ms = ms < BLOCK_MS_MAX ? ms : BLOCK_MS_MAX;
        /* Without memory for a timer connections_cron ends the wait. */
        enum status st = timer_start(c->worker->loop, &c->block_timer,
                                     (ms > 0 ? ms : 0) * 1000);
        (void)st;
    }
}

static void end_block(struct connection *c)
{
    struct worker_stats *st = &c->worker->stats;
    if (c->is_blocked) {
        timer_stop(c->worker->loop, &c->block_timer);
        counter_add(&st->blocked, (uint64_t)-1);
        counter_add(&st->blocked_with_deadline,
                    c->block_deadline_ms > 0 ? (uint64_t)-1 : 0);
        c->is_blocked = false;
        c->block_deadline_ms = 0;
    }
}

void connection_on_release(void *server, struct session *s)
{
    struct connection *c = connection_of(s);
    (void)server;
    end_block(c);
    connection_make_ready(c);
}

static void check_block_deadline(struct connection *c)
{
    if (c->block_deadline_ms > 0
        && loop_wall_ms(c->worker->loop) >= c->block_deadline_ms) {
        on_block_timer(c);
    }
}

/* ---- opening and closing ---- */

/* Ages and idle times are of the clock that nobody sets. */
static int64_t turn_ms(const struct worker *w)
{
    return loop_now_us(w->loop) / 1000;
}

static void close_connection(struct connection *c, bool after_flush)
{
    if (!c->is_closing) {
        c->closing_since_ms = turn_ms(c->worker);
        worker_look_within(c->worker, LOOK_MS * 1000);
    }
    c->is_closing = true;
    /* What is pushed from now on is for others. */
    exec_session_leave(c->worker->exec, &c->session);
    conn_close(c->net, after_flush);
}

void connection_kill(struct connection *c)
{
    c->is_killed = true;
    c->session.close_after_reply = true; /* what a batch has of it is skipped */
    connection_make_ready(c);
}

/* ---- the worker's list ---- */

void connections_enter(struct worker *w, struct connection_cursor *cur)
{
    cur->next = w->connections;
    cur->others = w->cursors;
    w->cursors = cur;
}

void connections_leave(struct worker *w, struct connection_cursor *cur)
{
    struct connection_cursor **at = &w->cursors;
    while (*at != cur) {
        at = &(*at)->others;
    }
    *at = cur->others;
}

static void list_add(struct worker *w, struct connection *c)
{
    c->prev = w->connections_last;
    if (c->prev != NULL) {
        c->prev->next = c;
    } else {
        w->connections = c;
    }
    w->connections_last = c;
}

static void list_remove(struct worker *w, struct connection *c)
{
    for (struct connection_cursor *i = w->cursors; i != NULL; i = i->others) {
        if (i->next == c) {
            i->next = c->next;
        }
    }
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        w->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    } else {
        w->connections_last = c->prev;
    }
}

void connection_reject(struct worker *w, int fd, const char *text)
{
    counter_add(&w->stats.connections_rejected, 1);
    ssize_t n = send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n; /* the peer is turned away whether or not it hears why */
    close(fd);
}

static void set_up_socket(struct connection *c, int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    c->is_unix = getsockname(fd, (struct sockaddr *)&addr, &len) == 0
                 && addr.ss_family == AF_UNIX;
    if (!c->is_unix) {
        struct server *s = c->worker->server;
        socket_set_nodelay(fd);
        socket_set_keepalive(fd, (int)atomic_load_explicit(
                                     &s->keepalive_s, memory_order_relaxed));
    }
}

static void init_session(struct worker *w, struct connection *c)
{
    struct session *s = &c->session;
    s->id = 1 + atomic_fetch_add_explicit(&w->server->session_count, 1,
                                          memory_order_relaxed);
    s->worker = w->index;
    s->reply.out = conn_out(c->net);
    s->reply.protocol = 2;
    s->is_authenticated = !atomic_load_explicit(
        &w->server->exec_shared.needs_auth, memory_order_relaxed);
    s->created_ms = s->last_active_ms = turn_ms(w);
}

void connection_accept(struct worker *w, int fd)
{
    struct connection *c = mem_alloc_zeroed(&w->account, sizeof *c);
    if (c == NULL) {
        counter_add(&w->closed_count, 1);
        close(fd);
        return;
    }
    c->worker = w;
    set_up_socket(c, fd);
    c->net = conn_open(w->loop, fd, c);
    if (c->net == NULL) {
        mem_free(&w->account, c);
        counter_add(&w->closed_count, 1);
        close(fd);
        return;
    }
    conn_init_out(c->net, &w->chunks);
    output_limit_init(c);
    timer_init(&c->block_timer, on_block_timer, c);
    init_session(w, c);
    list_add(w, c);
    worker_look_within(w, LOOK_MS * 1000);
    counter_add(&w->stats.sessions, 1);
    counter_add(&w->stats.connections_received, 1);
}

void connection_on_closed(void *arg)
{
    struct connection *c = arg;
    struct worker *w = c->worker;
    assert(!c->is_ready);
    list_remove(w, c);
    monitor_remove(c);
    pause_forget(c);
    /* When the server stops, the tour may be another thread's to free. */
    if (c->tour != NULL && !w->is_stopping) {
        c->tour->asker = NULL;
    }
    end_block(c);
    exec_session_end(w->exec, &c->session);
    decode_state_deinit(&c->decode, &w->account);
    mem_free(&w->account, c->in.bytes);
    mem_free(&w->account, c->names);
    mem_free(&w->account, c->session.name);
    mem_free(&w->account, c->session.lib_name);
    mem_free(&w->account, c->session.lib_version);
    mem_free(&w->account, c);
    counter_add(&w->stats.sessions, (uint64_t)-1);
    counter_add(&w->closed_count, 1);
}

/* ---- what the loop tells ---- */

void connection_make_ready(struct connection *c)
{
    struct worker *w = c->worker;
    if (!c->is_ready) {
        c->is_ready = true;
        c->ready_next = NULL;
        *w->ready_tail = c;
        w->ready_tail = &c->ready_next;
    }
    /* It may be in the list and have had its chance: a wait that began and ended
     * in this turn. */
    w->has_more_ready = true;
}

static bool own_input(struct connection *c, struct slice data)
{
    bool is_owned = input_own(&c->in, &c->worker->account, data,
                              c->decode.want_bytes);
    if (!is_owned) {
        output_limit_log_no_memory(c, "its request");
    }
    return is_owned;
}

void connection_on_data(void *arg, struct slice data)
{
    struct connection *c = arg;
    struct worker *w = c->worker;
    counter_add(&w->stats.bytes_in, data.len);
    counter_add(&w->stats.reads, 1);
    c->bytes_in += data.len;
    if (c->is_closing) {
        return;
    }
    c->session.last_active_ms = turn_ms(w);
    if (c->in.len == 0 && c->in.borrowed.len == 0) {
        c->in.borrowed = data;
    } else {
        struct slice before = c->in.borrowed;
        c->in.borrowed = slice_of(NULL, 0);
        if (!own_input(c, before) || !own_input(c, data)) {
            close_connection(c, false);
            return;
        }
    }
    connection_make_ready(c);
}

void connection_on_end(void *arg, int error)
{
    struct connection *c = arg;
    (void)error;
    c->is_ended = true;
    /* What came before the end is still run and answered. */
    connection_make_ready(c);
}

void connection_on_sent(void *arg, size_t bytes)
{
    struct connection *c = arg;
    counter_add(&c->worker->stats.bytes_out, bytes);
    counter_add(&c->worker->stats.writes, 1);
    c->bytes_out += bytes;
    c->session.last_active_ms = turn_ms(c->worker);
    c->closing_since_ms = c->session.last_active_ms; /* counts while closing */
}

static RARE void judge_output(struct connection *c)
{
    if (!c->is_closing && output_limit_is_over(c)) {
        close_connection(c, false);
    }
}

/* ---- requests ---- */

static void protocol_error(struct connection *c, const char *text)
{
    exec_run(c->worker->exec); /* replies of earlier requests come first */
    if (c->session.close_after_reply) {
        return; /* one of them has said the last word */
    }
    c->session.reply.is_muted = false;
    reply_errorf(&c->session.reply, "ERR %s", text);
    c->session.close_after_reply = true;
}

/* Has it still to show a password? */
static bool is_stranger(const struct connection *c)
{
    return !c->session.is_authenticated
           && atomic_load_explicit(&c->worker->server->exec_shared.needs_auth,
                                   memory_order_relaxed);
}

static void limits_of(const struct connection *c, struct decode_limits *l)
{
    const struct server *s = c->worker->server;
    uint64_t bytes_max = atomic_load_explicit(&s->exec_shared.string_bytes_max,
                                              memory_order_relaxed);
    *l = (struct decode_limits){
        /* An argument may be a key, whose length has 32 bits. */
        .bulk_bytes_max = bytes_max < UINT32_MAX ? (int64_t)bytes_max
                                                 : UINT32_MAX,
        .args_max = INT32_MAX,
        .inline_bytes_max = INLINE_BYTES_MAX,
        .is_unauthenticated = is_stranger(c),
    };
}

/* Decodes one request off the fast path; false: nothing more for now. */
static bool take_slowly(struct connection *c, const struct decode_limits *limits)
{
    struct worker *w = c->worker;
    const char *error = NULL;
    size_t used = 0;
    if (limits->is_unauthenticated && !exec_is_empty(w->exec)) {
        exec_run(w->exec); /* an AUTH among them lifts the limits */
        return true;
    }
    w->args.argc = 0;
    enum decode_result result = decode_request(&c->decode, input_slice(&c->in),
                                               limits, &w->args, &used, &error);
    switch (result) {
    case DECODE_MORE:
        return false;
    case DECODE_ERROR:
        protocol_error(c, error);
        return false;
    case DECODE_NOMEM:
        output_limit_log_no_memory(c, "its request");
        close_connection(c, false);
        return false;
    default:
        break;
    }
    if (result == DECODE_REQUEST) {
        if (exec_is_full(w->exec)) {
            exec_run(w->exec);
        }
        exec_add(w->exec, &c->session, w->args.argv, w->args.argc);
        exec_run(w->exec); /* the arguments' array is used again */
    }
    input_consume(&c->in, used);
    return true;
}

/* Runs what was set aside while the session was on hold, one at a time, since
 * any of it may put the session on hold again. */
static void run_set_aside(struct connection *c)
{
    struct exec *x = c->worker->exec;
    if (c->session.set_aside.head != NULL) {
        exec_run(x);
    }
    while (c->session.hold == HOLD_NONE && exec_add_set_aside(x, &c->session)) {
        exec_run(x);
    }
}

static bool takes_no_more(const struct connection *c)
{
    return c->session.close_after_reply || c->is_closing
           || c->session.hold != HOLD_NONE;
}

/* Adds at most REQUESTS_A_ROUND requests; true: there may be more. */
static bool take_requests(struct connection *c)
{
    struct exec *x = c->worker->exec;
    struct decode_limits limits;
    if (__builtin_expect(c->session.hold != HOLD_NONE, 0)) {
        return false;
    }
    if (__builtin_expect(c->session.set_aside.head != NULL, 0)) {
        run_set_aside(c);
    }
    c->has_logged_in |= !is_stranger(c);
    if (conn_out(c->net)->bytes > CHUNK_BYTES) {
        judge_output(c); /* of the rounds before this */
    }
    bool has_run = true; /* which may have changed what holds for the session */
    for (int i = 0; i < REQUESTS_A_ROUND; i++) {
        uint32_t room, argc = 0;
        size_t used;
        struct slice *argv = exec_room(x, &room);
        if (room == 0) {
            exec_run(x);
            argv = exec_room(x, &room);
            has_run = true;
        }
        if (has_run) {
            if (takes_no_more(c)) {
                return false;
            }
            limits_of(c, &limits);
            has_run = false;
        }
        struct slice input = input_slice(&c->in);
        if (input.len == 0) {
            return false;
        }
        if (c->decode.consumed == 0) {
            argc = decode_whole(input, &limits, argv, room, &used);
        }
        if (argc == 0) {
            if (!take_slowly(c, &limits)) {
                return false;
            }
            has_run = true;
            continue;
        }
        exec_add(x, &c->session, argv, argc);
        input_consume(&c->in, used);
    }
    /* Nobody will hear what is asked behind a reply that has failed. */
    c->session.close_after_reply |= conn_out(c->net)->failed != CHAIN_SOUND;
    return true;
}

/* After the last batch: what was borrowed goes back to the loop now. */
static void keep_rest(struct connection *c)
{
    struct worker *w = c->worker;
    struct slice rest = c->in.borrowed;
    c->in.borrowed = slice_of(NULL, 0);
    if (rest.len > 0 && !c->is_closing && !own_input(c, rest)) {
        close_connection(c, false);
    }
    input_trim(&c->in, &w->account);
    if (c->in.len > atomic_load_explicit(&w->server->query_buffer_limit,
                                         memory_order_relaxed)) {
        log_write(w->server->log, LOG_WARNING,
                  "Closing a session that reached max query buffer length "
                  "(%zu bytes)", c->in.len);
        counter_add(&w->stats.query_buffer_disconnects, 1);
        close_connection(c, false);
    }
}

/* ---- replies ---- */

static void log_http(struct connection *c)
{
    log_write(c->worker->server->log, LOG_WARNING,
              "Possible SECURITY ATTACK detected: %s sends POST or Host: as a "
              "browser does, likely an attempt at Cross Protocol Scripting. "
              "Connection aborted.",
              connection_peer(c));
}

static void finish_turn(struct connection *c)
{
    struct chain *out = conn_out(c->net);
    c->is_ready = false;
    keep_rest(c);
    if (c->is_closing) {
        return;
    }
    if (__builtin_expect(c->is_killed, 0)) {
        close_connection(c, false);
        return;
    }
    if (__builtin_expect(c->session.hold == HOLD_PAUSE, 0)) {
        pause_note(c);
    }
    if (__builtin_expect(out->bytes > CHUNK_BYTES || out->failed, 0)) {
        judge_output(c);
        if (c->is_closing) {
            return;
        }
    }
    /* The last command of one who has said all may still be answered. */
    bool is_waiting = c->session.hold == HOLD_ANSWER;
    if (c->session.close_after_reply || (c->is_ended && !is_waiting)) {
        if (c->session.is_http) {
            log_http(c);
        }
        close_connection(c, true);
        return;
    }
    if (out->bytes > 0) {
        conn_flush(c->net);
    }
}

void connections_run_ready(struct worker *w)
{
    bool more = w->ready != NULL;
    while (more || w->has_more_ready) {
        more = false;
        w->has_more_ready = false; /* a wait may end while requests run */
        for (struct connection *c = w->ready; c != NULL; c = c->ready_next) {
            more |= take_requests(c);
        }
        exec_run(w->exec);
    }
    struct connection *c = w->ready;
    w->ready = NULL;
    w->ready_tail = &w->ready;
    while (c != NULL) {
        struct connection *next = c->ready_next;
        finish_turn(c);
        c = next;
    }
}

/* ---- now and then ---- */

/* Is it one that `timeout` ends when it is idle? */
static bool may_time_out(const struct connection *c, int64_t timeout_ms)
{
    return timeout_ms > 0 && c->session.hold == HOLD_NONE
           && !c->session.is_monitor;
}

/* Publishes them; when to do so again. */
static int64_t publish_peaks(struct worker *w)
{
    const struct peaks *p = &w->peaks;
    counter_set(&w->stats.recent_max_input, peaks_input(p));
    counter_set(&w->stats.recent_max_output, peaks_output(p));
    return peaks_are_even(p) ? INT64_MAX : (p->second + 1) * 1000;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When look_after has something to do; INT64_MAX: not before something has come
 * for the session, or it has done something. */
static int64_t next_look(const struct connection *c, int64_t now_ms,
                         int64_t timeout_ms)
{
    int64_t ms = INT64_MAX, active_ms = c->session.last_active_ms;
    if (c->is_closing) {
        return c->closing_since_ms + CLOSING_MS_MAX + 1;
    }
    if (c->block_deadline_ms > 0) {
        ms = now_ms + earlier(BLOCK_MS_MAX, c->block_deadline_ms
                                                - loop_wall_ms(c->worker->loop));
    }
    if (conn_out(c->net)->bytes > CHUNK_BYTES) {
        ms = earlier(ms, now_ms + LOOK_MS);
    }
    if (may_time_out(c, timeout_ms)) {
        ms = earlier(ms, active_ms + timeout_ms + 1);
    }
    if (input_room(&c->in) > 0) {
        ms = earlier(ms, active_ms + INPUT_IDLE_MS_MAX + 1);
    }
    return ms;
}

static void look_after(struct connection *c, int64_t now_ms, int64_t timeout_ms)
{
    struct worker *w = c->worker;
    int64_t idle_ms = now_ms - c->session.last_active_ms;
    if (c->is_closing) {
        if (now_ms - c->closing_since_ms > CLOSING_MS_MAX) {
            conn_close(c->net, false);
        }
        return;
    }
    check_block_deadline(c);
    if (conn_out(c->net)->bytes > CHUNK_BYTES) {
        judge_output(c);
    }
    if (!c->is_closing && may_time_out(c, timeout_ms)
        && idle_ms > timeout_ms) {
        log_write(w->server->log, LOG_VERBOSE, "Closing idle client");
        close_connection(c, false);
        return;
    }
    if (idle_ms > INPUT_IDLE_MS_MAX && input_room(&c->in) > 0) {
        input_shrink(&c->in, &w->account);
    }
    peaks_note(&w->peaks, c->in.cap, conn_out(c->net)->bytes);
}

/* Looks at the next ones; true: all have been seen. */
static bool look_at_some(struct worker *w, int64_t now_ms)
{
    int64_t timeout_ms = (int64_t)atomic_load_explicit(
        &w->server->timeout_s, memory_order_relaxed) * 1000;
    uint64_t count = counter_get(&w->stats.sessions) / LOOKS_DIV + 1;
    struct connection_cursor *cur = &w->cron_cursor;
    if (cur->next == NULL) {
        connections_leave(w, cur);
        connections_enter(w, cur);
        w->look_ms = INT64_MAX;
    }
    count = count > LOOKS_MIN ? count : LOOKS_MIN;
    for (; count > 0 && cur->next != NULL; count--) {
        struct connection *c = cur->next;
        cur->next = c->next;
        look_after(c, now_ms, timeout_ms);
        w->look_ms = earlier(w->look_ms, next_look(c, now_ms, timeout_ms));
    }
    return cur->next == NULL;
}

int64_t connections_cron(struct worker *w, int64_t now_ms)
{
    peaks_turn(&w->peaks, now_ms / 1000);
    bool is_round_over = look_at_some(w, now_ms);
    int64_t peaks_ms = publish_peaks(w);
    int64_t next_ms = now_ms + LOOK_PAUSE_MS;
    if (is_round_over) {
        next_ms = earlier(w->look_ms, peaks_ms);
    }
    pause_look(w);
    output_limit_cron(w, now_ms);
    if (w->paused != NULL || w->output_ends.untold > 0) {
        next_ms = earlier(next_ms, now_ms + LOOK_MS);
    }
    if (next_ms == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t after_ms = next_ms - now_ms;
    return (after_ms > LOOK_PAUSE_MS ? after_ms : LOOK_PAUSE_MS) * 1000;
}
