/* monitor: lines as MONITOR shows them:
 *
 *     +1700000000.123456 [0 127.0.0.1:50000] "set" "key" "value\n"
 *
 * A feed is one growing text. Its parts for other workers are copies: each is
 * freed by who got it. What is on its way to a worker is counted there, and
 * bounded: beyond MAIL_BYTES_MAX its monitors are given up, since the worker is
 * too busy for them.
 *
 * Threads: the list of monitors and the feed are their worker's; monitor_count
 * and the bytes on their way are anybody's. */
#include "server/monitor.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "server/redact.h"
#include "server/worker.h"

enum {
    FEED_BYTES_MIN = 4096,
    FEED_KEEP_MAX = 64 * 1024,  /* a larger one is freed when it is shown */
    FEED_SHOW_BYTES = 256 * 1024, /* shown before the turn is over */
    ARG_BYTES_MAX = 8 * 1024 * 1024, /* of an argument; the rest is counted */
    ARG_TAIL_MAX = 128, /* quotes, what is said of the rest, the line's end */
    LINE_BYTES_MAX = 64 * 1024 * 1024, /* then no more arguments are shown */
    LINE_HEAD_MAX = 320,        /* time, database, address */
    MAIL_BYTES_MAX = 64 * 1024 * 1024,
};

struct monitor_feed {
    char *text;
    size_t len, cap;
    bool has_failed; /* a line was lost for want of memory */
};

struct monitor_mail {
    struct message link; /* first */
    size_t len;
    char text[];
};

void monitor_init(struct worker *w)
{
    w->feed = NULL;
    atomic_store_explicit(&w->monitor_mail_bytes, 0, memory_order_relaxed);
}

void monitor_deinit(struct worker *w)
{
    if (w->feed != NULL) {
        mem_free(&w->account, w->feed->text);
        mem_free(&w->account, w->feed);
        w->feed = NULL;
    }
}

/* ---- who is a monitor ---- */

static void add(struct connection *c)
{
    struct worker *w = c->worker;
    assert(!c->session.is_monitor);
    c->session.is_monitor = true;
    c->monitor_prev = NULL;
    c->monitor_next = w->monitors;
    if (w->monitors != NULL) {
        w->monitors->monitor_prev = c;
    }
    w->monitors = c;
    atomic_fetch_add_explicit(&w->monitor_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&w->server->exec_shared.monitor_count, 1,
                              memory_order_relaxed);
}

void monitor_remove(struct connection *c)
{
    struct worker *w = c->worker;
    if (!c->session.is_monitor) {
        return;
    }
    c->session.is_monitor = false;
    if (c->monitor_prev != NULL) {
        c->monitor_prev->monitor_next = c->monitor_next;
    } else {
        w->monitors = c->monitor_next;
    }
    if (c->monitor_next != NULL) {
        c->monitor_next->monitor_prev = c->monitor_prev;
    }
    atomic_fetch_sub_explicit(&w->monitor_count, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&w->server->exec_shared.monitor_count, 1,
                              memory_order_relaxed);
}

/* ---- writing lines ---- */

static bool reserve(struct worker *w, struct monitor_feed *f, size_t more)
{
    size_t cap = f->cap < FEED_BYTES_MIN ? FEED_BYTES_MIN : f->cap;
    while (cap - f->len < more) {
        cap *= 2;
    }
    if (cap == f->cap) {
        return true;
    }
    char *text = mem_realloc(&w->account, f->text, cap);
    if (text == NULL) {
        return false;
    }
    f->text = text;
    f->cap = cap;
    return true;
}

/* `"` bytes `"`, what does not print escaped; room for 4 bytes each, and 2. */
static size_t quote(char *out, struct slice s)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "\nn\rr\tt\aa\bb\"\"\\\\";
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        uint8_t b = s.data[i];
        const char *known = b != 0 ? strchr(letters, b) : NULL;
        if (known != NULL && (known - letters) % 2 == 0) {
            *at++ = '\\';
            *at++ = known[1];
        } else if (b >= ' ' && b <= '~') {
            *at++ = (char)b;
        } else {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[b >> 4];
            *at++ = hex[b & 15];
        }
    }
    *at++ = '"';
    return (size_t)(at - out);
}

static bool add_arg(struct worker *w, struct monitor_feed *f, struct slice arg)
{
    size_t rest = arg.len > ARG_BYTES_MAX ? arg.len - ARG_BYTES_MAX : 0;
    arg.len -= rest;
    if (!reserve(w, f, 4 * arg.len + ARG_TAIL_MAX)) {
        return false;
    }
    f->text[f->len++] = ' ';
    f->len += quote(f->text + f->len, arg);
    if (rest > 0) {
        f->len += (size_t)sprintf(f->text + f->len, "... (%zu more bytes)",
                                  rest);
    }
    return true;
}

/* "127.0.0.1:50000", "unix:/path" */
static void name_of(struct connection *c, char *out, size_t cap)
{
    snprintf(out, cap, "%s%s", c->is_unix ? "unix:" : "", connection_peer(c));
    char *colon = strrchr(out, ':');
    if (c->is_unix && colon != NULL) {
        *colon = '\0'; /* a path has no port */
    }
}

static bool add_line(struct worker *w, struct monitor_feed *f,
                     struct connection *c, const struct cmd *cmd,
                     const struct slice *argv, uint32_t argc)
{
    char name[LINE_HEAD_MAX - 64];
    int64_t now_us = clock_wall_us();
    size_t start = f->len;
    if (!reserve(w, f, LINE_HEAD_MAX)) {
        return false;
    }
    name_of(c, name, sizeof name);
    f->len += (size_t)snprintf(f->text + f->len, LINE_HEAD_MAX,
                               "+%lld.%06lld [%u %s]",
                               (long long)(now_us / 1000000),
                               (long long)(now_us % 1000000),
                               c->session.database, name);
    for (uint32_t i = 0; i < argc; i++) {
        struct slice arg = redact_is_secret(cmd, argv, argc, i)
                               ? SLICE_LIT(REDACTED_TEXT) : argv[i];
        if (!add_arg(w, f, arg)) {
            f->len = start;
            return false;
        }
        if (f->len - start > LINE_BYTES_MAX && i + 1 < argc) {
            f->len += (size_t)sprintf(f->text + f->len,
                                      " ... (%u more arguments)", argc - i - 1);
            break;
        }
    }
    f->text[f->len++] = '\r';
    f->text[f->len++] = '\n';
    return true;
}

/* Commands of administrators are nobody else's business. */
void monitor_note(void *server, struct session *s, const struct cmd *cmd,
                  const struct slice *argv, uint32_t argc)
{
    struct connection *c = connection_of(s);
    struct worker *w = c->worker;
    struct monitor_feed *f = w->feed;
    (void)server;
    if (cmd->flags & CMD_ADMIN) {
        return;
    }
    if (f == NULL) {
        f = w->feed = mem_alloc_zeroed(&w->account, sizeof *f);
        if (f == NULL) {
            return;
        }
    }
    f->has_failed |= !add_line(w, f, c, cmd, argv, argc);
    if (f->len > FEED_SHOW_BYTES) {
        monitor_flush(w);
    }
}

/* ---- showing them ---- */

/* To this worker's own. */
static void show(struct worker *w, const char *text, size_t len)
{
    for (struct connection *c = w->monitors; c != NULL; c = c->monitor_next) {
        if (!connection_is_going(c) && !c->session.reply_off) {
            chain_append(conn_out(c->net), text, len);
            connection_make_ready(c);
        }
    }
}

static void give_up(struct worker *w)
{
    for (struct connection *c = w->monitors; c != NULL; c = c->monitor_next) {
        if (!connection_is_going(c)) {
            log_write(w->server->log, LOG_WARNING,
                      "Session %llu closed: MONITOR cannot keep up",
                      (unsigned long long)c->session.id);
            connection_kill(c);
        }
    }
}

static void receive(void *worker, struct message *m)
{
    struct worker *w = worker;
    struct monitor_mail *mail = (struct monitor_mail *)(void *)m;
    if (!w->is_stopping) {
        /* First: this mail may be from after the one that was lost. */
        if (atomic_exchange_explicit(&w->has_lost_mail, false,
                                     memory_order_relaxed)) {
            give_up(w);
        }
        show(w, mail->text, mail->len);
    }
    atomic_fetch_sub_explicit(&w->monitor_mail_bytes, mail->len,
                              memory_order_relaxed);
    mem_free(&w->server->account, mail);
}

static void send_to(struct server *s, struct worker *to, const char *text,
                    size_t len)
{
    uint64_t under_way = atomic_load_explicit(&to->monitor_mail_bytes,
                                              memory_order_relaxed);
    struct monitor_mail *mail = NULL;
    if (under_way + len <= MAIL_BYTES_MAX) {
        mail = mem_alloc(&s->account, sizeof *mail + len);
    }
    if (mail == NULL) {
        /* The next to arrive makes it look. */
        atomic_store_explicit(&to->has_lost_mail, true, memory_order_relaxed);
        return;
    }
    mail->link.run = receive;
    mail->len = len;
    memcpy(mail->text, text, len);
    atomic_fetch_add_explicit(&to->monitor_mail_bytes, len,
                              memory_order_relaxed);
    worker_post(s, to->index, &mail->link);
}

void monitor_flush(struct worker *w)
{
    struct server *s = w->server;
    struct monitor_feed *f = w->feed;
    if (f == NULL || (f->len == 0 && !f->has_failed)) {
        return;
    }
    for (uint32_t i = 0; f->len > 0 && i < s->worker_count; i++) {
        struct worker *to = &s->workers[i];
        if (to == w) {
            show(w, f->text, f->len);
        } else if (atomic_load_explicit(&to->monitor_count,
                                        memory_order_relaxed) > 0) {
            send_to(s, to, f->text, f->len);
        }
    }
    if (f->has_failed) {
        log_write(s->log, LOG_WARNING, "MONITOR: lines were lost for want of "
                                       "memory");
        f->has_failed = false;
    }
    f->len = 0;
    if (f->cap > FEED_KEEP_MAX) {
        mem_free(&w->account, f->text);
        f->text = NULL;
        f->cap = 0;
    }
}

/* ---- the command ---- */

static void monitor_run(struct cmd_ctx *c)
{
    if (c->session->is_monitor) {
        return; /* unanswered, as clients know it */
    }
    if (!ctx_may_hold(c)) {
        reply_error(c->reply,
                    "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    add(connection_of(c->session));
    exec_read_shared(c->exec);
    reply_ok(c->reply);
}

const struct cmd_spec monitor_cmds[] = {
    {.name = "monitor", .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .run = monitor_run},
    {.name = NULL},
};
