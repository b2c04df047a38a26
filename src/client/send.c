/* send: taking commands, and calling them back when it has come to nothing.
 *
 * A send either takes all of a command or leaves no trace: the limits are looked
 * at first, the request is had from its pool, and the chain is rolled back if
 * memory runs out half way. */
#include "client/conn_priv.h"

#include <assert.h>

enum { SHARED_COPY_MAX = 1024 };

static const struct engram_how usual_how = { 0, 0, NULL };

size_t conn_queued_bytes(const struct engram_conn *c)
{
    return c->out.bytes + c->kept_bytes;
}

/* ---- before it is taken ---- */

bool conn_has_room(const struct engram_conn *c, size_t commands, size_t bytes)
{
    return c->waiting.count + c->others_in_flight + commands <=
               c->options.max_in_flight &&
           conn_queued_bytes(c) + c->others_queued + bytes <=
               c->options.max_queued_bytes;
}

static enum engram_status refuse(struct engram_conn *c, size_t bytes)
{
    c->is_refusing = true;
    c->refused_bytes = bytes;
    c->counters.would_block++;
    return ENGRAM_WOULD_BLOCK;
}

static enum engram_status check(struct engram_conn *c, size_t bytes,
                                enum request_kind kind,
                                const struct engram_how *how)
{
    if (c->state == LINK_CLOSED || c->is_finishing || c->is_destroyed) {
        return ENGRAM_CLOSED;
    }
    if (request_is_subscription(kind) && how->on_event != NULL) {
        return ENGRAM_INVALID;
    }
    if (c->is_shared &&
        (kind != REQUEST_PLAIN || (how->flags & ENGRAM_BLOCKING))) {
        return ENGRAM_INVALID;
    }
    if (bytes > c->options.max_queued_bytes) {
        return ENGRAM_TOO_BIG;
    }
    return conn_has_room(c, 1, bytes) ? ENGRAM_OK : refuse(c, bytes);
}

static int64_t deadline_of(struct engram_conn *c, const struct engram_how *how)
{
    int ms = how->timeout_ms;
    if (ms == 0 && !(how->flags & ENGRAM_BLOCKING)) {
        ms = c->options.command_timeout_ms;
    }
    if (ms <= 0) {
        return REQUEST_NO_DEADLINE;
    }
    conn_refresh_now(c);
    return c->now_us + (int64_t)ms * 1000;
}

/* ---- taking it ---- */

/* What the kind and number of arguments say of the reply. */
static uint32_t confirmations_of(enum request_kind kind, size_t argc)
{
    return request_is_subscription(kind) ? (uint32_t)(argc - 1) : 0;
}

/* What is known of the connection's state once this has been sent. */
static void follow_state(struct engram_conn *c, enum request_kind kind)
{
    switch (kind) {
    case REQUEST_MULTI: c->is_in_multi = true; break;
    case REQUEST_WATCH: c->is_watching = true; break;
    case REQUEST_UNWATCH: c->is_watching = false; break;
    case REQUEST_TRANSACTION_END:
        c->is_in_multi = false;
        c->is_watching = false;
        break;
    case REQUEST_RESET:
        c->is_in_multi = false;
        c->is_watching = false;
        /* Not authenticated any more, in database 0. */
        c->is_altered = true;
        break;
    case REQUEST_STATE: c->is_altered = true; break;
    default: break;
    }
}

static void count_taken(struct engram_conn *c)
{
    struct engram_counters *n = &c->counters;
    size_t queued = conn_queued_bytes(c);
    size_t in_flight = c->waiting.count;
    n->commands++;
    if (queued > c->peak_queued) {
        c->peak_queued = queued;
        n->queued_bytes_peak =
            queued > n->queued_bytes_peak ? queued : n->queued_bytes_peak;
    }
    if (in_flight > c->peak_in_flight) {
        c->peak_in_flight = in_flight;
        n->in_flight_peak =
            in_flight > n->in_flight_peak ? in_flight : n->in_flight_peak;
    }
}

/* From how many queued bytes on a send writes at once: many, so that the kernel
 * is called seldom, but before the limit is reached. */
static size_t flush_bytes(const struct engram_conn *c)
{
    size_t half = c->options.max_queued_bytes / 2;
    return half < FLUSH_BYTES_MAX ? half : FLUSH_BYTES_MAX;
}

/* The bytes are in the chain: `r` joins the line. */
static void take(struct engram_conn *c, struct request *r,
                 const struct engram_how *how, size_t bytes)
{
    bool was_idle = c->waiting.count == 0;
    bool was_quiet = c->out.bytes == bytes;
    r->on_event = how->on_event;
    r->is_blocking = (how->flags & ENGRAM_BLOCKING) != 0;
    r->deadline_us = deadline_of(c, how);
    r->begin = c->queued_end;
    c->queued_end += bytes;
    r->end = c->queued_end;
    follow_state(c, (enum request_kind)r->kind);
    request_push(&c->waiting, r);
    count_taken(c);
    if (was_idle) {
        conn_refresh_now(c);
        c->last_progress_us = c->now_us;
        timers_want_shrink(c);
    }
    if (r->deadline_us != REQUEST_NO_DEADLINE) {
        timers_note_deadline(c, r->deadline_us);
    }
    if (c->state == LINK_READY && c->out.bytes >= flush_bytes(c) &&
        !c->is_unwritable && c->write_failure == ENGRAM_OK) {
        (void)link_write(c);
        conn_update_wish(c);
    } else if (was_quiet || was_idle || r->deadline_us != REQUEST_NO_DEADLINE) {
        conn_update_wish(c);
    }
}

static bool is_to_be_kept(const struct engram_conn *c,
                          const struct engram_how *how, enum request_kind kind)
{
    return (how->flags & ENGRAM_IDEMPOTENT) && c->options.reconnect &&
           !c->is_in_multi && kind <= REQUEST_STATE;
}

/* Takes *cmd on ENGRAM_OK only. */
static enum engram_status send_whole(struct engram_conn *c, struct request *r,
                                     const struct engram_how *how,
                                     struct engram_command *cmd)
{
    size_t bytes = cmd->bytes;
    bool is_kept = is_to_be_kept(c, how, (enum request_kind)r->kind);
    bool is_put = is_kept ? command_pin(cmd, &c->out)
                          : command_write(cmd, &c->out);
    if (!is_put) {
        return ENGRAM_NOMEM;
    }
    if (is_kept) {
        command_keep(cmd);
        r->kept = cmd;
    } else {
        command_release(cmd);
    }
    take(c, r, how, bytes);
    return ENGRAM_OK;
}

enum engram_status conn_send_source(struct engram_conn *c,
                                    const struct engram_how *how,
                                    engram_reply_fn *on_reply, void *arg,
                                    const struct encode_source *s)
{
    struct encode_size size;
    how = how == NULL ? &usual_how : how;
    bool is_line = (how->flags & ENGRAM_INLINE) != 0;
    if (is_line != s->is_inline || !encode_measure(s, &size)) {
        return ENGRAM_INVALID;
    }
    enum request_kind kind = request_kind_of(size.name, size.name_len);
    enum engram_status st = check(c, size.bytes, kind, how);
    if (st != ENGRAM_OK) {
        return st;
    }
    struct request *r = request_acquire(&c->requests);
    if (r == NULL) {
        return ENGRAM_NOMEM;
    }
    r->on_reply = on_reply;
    r->arg = arg;
    r->kind = (uint8_t)kind;
    r->confirmations = confirmations_of(kind, size.argc);
    if (is_to_be_kept(c, how, kind)) {
        struct engram_command *cmd =
            command_create_whole(&c->account, &c->kept_bytes, &c->shelf, s,
                                 &size);
        st = cmd == NULL ? ENGRAM_NOMEM : send_whole(c, r, how, cmd);
        if (st != ENGRAM_OK && cmd != NULL) {
            command_release(cmd);
        }
    } else {
        struct chain_mark mark = chain_mark(&c->out);
        encode_to_chain(s, &size, &c->out);
        if (c->out.failed) {
            chain_rollback(&c->out, mark);
            st = ENGRAM_NOMEM;
        } else {
            take(c, r, how, size.bytes);
        }
    }
    if (st != ENGRAM_OK) {
        request_release(&c->requests, r);
    }
    return st;
}

enum engram_status engram_send_va(struct engram_conn *c,
                                  const struct engram_how *how,
                                  engram_reply_fn *on_reply, void *arg,
                                  const char *format, va_list values)
{
    struct format f;
    format_init(&f, format, values);
    struct encode_source s = { .format = &f };
    enum engram_status st = conn_send_source(c, how, on_reply, arg, &s);
    format_deinit(&f);
    return st;
}

enum engram_status engram_send(struct engram_conn *c,
                               const struct engram_how *how,
                               engram_reply_fn *on_reply, void *arg,
                               const char *format, ...)
{
    va_list values;
    va_start(values, format);
    enum engram_status st =
        engram_send_va(c, how, on_reply, arg, format, values);
    va_end(values);
    return st;
}

enum engram_status engram_send_argv(struct engram_conn *c,
                                    const struct engram_how *how,
                                    engram_reply_fn *on_reply, void *arg,
                                    size_t argc, const char *const *argv,
                                    const size_t *lens)
{
    if (argc == 0) {
        return ENGRAM_INVALID;
    }
    struct encode_source s = { .argc = argc, .argv = argv, .lens = lens };
    s.is_inline = how != NULL && (how->flags & ENGRAM_INLINE);
    return conn_send_source(c, how, on_reply, arg, &s);
}

struct engram_command *engram_command_create(struct engram_conn *c)
{
    return command_create(&c->account, &c->kept_bytes);
}

enum engram_status engram_send_command(struct engram_conn *c,
                                       const struct engram_how *how,
                                       engram_reply_fn *on_reply, void *arg,
                                       struct engram_command **cmd)
{
    how = how == NULL ? &usual_how : how;
    if ((*cmd)->argc == 0 || (*cmd)->account != &c->account ||
        (how->flags & ENGRAM_INLINE)) {
        return ENGRAM_INVALID;
    }
    command_seal(*cmd);
    enum request_kind kind = request_kind_of((*cmd)->name, (*cmd)->name_len);
    enum engram_status st = check(c, (*cmd)->bytes, kind, how);
    if (st != ENGRAM_OK) {
        return st;
    }
    struct request *r = request_acquire(&c->requests);
    if (r == NULL) {
        return ENGRAM_NOMEM;
    }
    r->on_reply = on_reply;
    r->arg = arg;
    r->kind = (uint8_t)kind;
    r->confirmations = confirmations_of(kind, (*cmd)->argc);
    st = send_whole(c, r, how, *cmd);
    if (st == ENGRAM_OK) {
        *cmd = NULL;
    } else {
        request_release(&c->requests, r);
    }
    return st;
}

/* ---- commands that somebody else keeps ---- */

static void release_unused(struct engram_conn *c, struct request *r)
{
    if (r != NULL) {
        request_release(&c->requests, r);
    }
}

/* Small ones are copied: a pin costs more than that. */
static void put_shared(struct engram_conn *c, struct engram_command *cmd)
{
    if (cmd->borrowed_count > 0 || cmd->bytes > SHARED_COPY_MAX) {
        c->out.failed = !command_pin(cmd, &c->out) || c->out.failed;
        return;
    }
    chain_append(&c->out, cmd->header, cmd->header_len);
    chain_append(&c->out, cmd->own, cmd->own_len);
}

enum engram_status conn_send_shared(struct engram_conn *c,
                                    const struct engram_how *how,
                                    engram_reply_fn *on_reply, void *arg,
                                    struct engram_command *cmd, bool is_asking)
{
    static const char asking_text[] = "*1\r\n$6\r\nASKING\r\n";
    if (c->state != LINK_READY || c->is_finishing || c->is_destroyed) {
        return ENGRAM_CLOSED;
    }
    struct request *r = request_acquire(&c->requests);
    struct request *asking = is_asking ? request_acquire(&c->requests) : NULL;
    struct chain_mark mark = chain_mark(&c->out);
    bool ok = r != NULL && (asking != NULL || !is_asking);
    if (ok && is_asking) {
        chain_append(&c->out, asking_text, sizeof asking_text - 1);
    }
    if (ok) {
        put_shared(c, cmd);
        ok = !c->out.failed;
    }
    if (!ok) {
        chain_rollback(&c->out, mark);
        release_unused(c, r);
        release_unused(c, asking);
        return ENGRAM_NOMEM;
    }
    if (is_asking) {
        struct engram_how plain = { .timeout_ms = -1 };
        take(c, asking, &plain, sizeof asking_text - 1);
    }
    r->on_reply = on_reply;
    r->arg = arg;
    take(c, r, how, cmd->bytes);
    if (is_asking) {
        conn_update_wish(c);
    }
    return ENGRAM_OK;
}

/* ---- calling back ---- */

static void count_outcome(struct engram_conn *c, enum engram_status st)
{
    switch (st) {
    case ENGRAM_OK: c->counters.replies++; break;
    case ENGRAM_TIMEOUT: c->counters.timeouts++; break;
    default: c->counters.lost++; break;
    }
}

void request_finish(struct engram_conn *c, struct request *r,
                    enum engram_status st, const struct engram_reply *reply)
{
    engram_reply_fn *on_reply = r->on_reply;
    void *arg = r->arg;
    bool is_abandoned = r->is_abandoned;
    if (r->kept != NULL) {
        command_unkeep(r->kept);
        command_release(r->kept);
        r->kept = NULL;
    }
    request_release(&c->requests, r);
    if (!is_abandoned) {
        count_outcome(c, st);
        if (on_reply != NULL) {
            on_reply(c, st, reply, arg);
        }
    }
}

void conn_fail_requests(struct engram_conn *c)
{
    struct request *r;
    while ((r = request_pop(&c->failing)) != NULL) {
        request_finish(c, r, (enum engram_status)r->failure, NULL);
    }
}

/* Half of each limit, so that it is not told for every single command; and
 * enough for the command that was refused. */
static bool has_room(const struct engram_conn *c)
{
    size_t max = c->options.max_queued_bytes;
    size_t want = c->refused_bytes > max / 2 ? c->refused_bytes : max / 2;
    return conn_queued_bytes(c) <= max - want &&
           c->waiting.count <= c->options.max_in_flight / 2;
}

void conn_tell_drained(struct engram_conn *c)
{
    if (!c->is_refusing || c->state == LINK_CLOSED || !has_room(c)) {
        return;
    }
    c->is_refusing = false;
    if (c->options.on_drained != NULL && !c->is_finishing) {
        c->options.on_drained(c, c->options.arg);
    }
}
