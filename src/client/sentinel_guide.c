/* sentinel_guide: the connection to one sentinel, which asks and listens.
 *
 *   closed --connect_at--> connecting --> ready --ask_at--> asking --> ready
 *      ^                        |           |                  |
 *      +--------- fail ---------+-----------+------------------+
 *
 * A sentinel that fails is left for the next one, at once until all have been
 * asked in vain; then after a backoff, and meanwhile the servers' connections
 * try where they were last. One that answers is kept, but for when its answer
 * proves wrong (is_doubted). RESP2 lets nothing be asked on a connection that
 * listens, so there it is made anew for each question. */
#include <stdarg.h>
#include <stdio.h>

#include "client/sentinel_priv.h"

static void on_alarm(struct engram_conn *c, void *arg);

/* When there is something to do next; while questions are under way, their
 * answers say. */
static void set_alarm(struct engram_sentinel *s)
{
    int64_t at = REQUEST_NO_DEADLINE;
    if (s->is_open && engram_conn_is_closed(s->guide)) {
        at = s->connect_at_us;
    } else if (engram_conn_is_ready(s->guide) && s->questions == 0) {
        at = s->ask_at_us;
    }
    conn_set_alarm(s->guide, at, on_alarm, s);
}

void sentinel_set_error(struct engram_sentinel *s, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    char name[ERROR_TEXT_BYTES / 2];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    target_name(&s->guide->target, name, sizeof name);
    (void)snprintf(s->error, sizeof s->error, "sentinel %.100s: %.140s", name,
                   text);
}

/* ---- whom to ask ---- */

static void go_next(struct engram_sentinel *s)
{
    s->current = (s->current + 1) % s->sentinel_count;
}

static void close_guide(struct engram_sentinel *s)
{
    s->is_listening = false;
    engram_conn_close(s->guide);
    s->questions = 0;
}

static void connect_guide(struct engram_sentinel *s)
{
    const struct address *to = &s->sentinels[s->current];
    s->connect_at_us = REQUEST_NO_DEADLINE;
    if (engram_conn_set_address(s->guide, to->host, to->port) != ENGRAM_OK ||
        engram_conn_open(s->guide) != ENGRAM_OK) {
        sentinel_set_error(s, "%s", engram_status_text(ENGRAM_NOMEM));
        sentinel_guide_fail(s, ENGRAM_NOMEM);
    }
}

void sentinel_guide_fail(struct engram_sentinel *s, enum engram_status why)
{
    int delay_ms = 0;
    s->surveyed++;
    if (s->outdated > 0) {
        s->outdated++;
        s->is_one_missing = true;
    }
    close_guide(s);
    go_next(s);
    s->counters.failures++;
    if (++s->failed >= s->sentinel_count) {
        delay_ms = link_backoff_ms(s->guide, s->rounds_failed);
        s->failed = 0;
        s->rounds_failed++;
        sentinel_servers_let_go(s);
    }
    s->connect_at_us = sentinel_now_us(s) + (int64_t)delay_ms * 1000;
    set_alarm(s);
    if (s->options.on_error != NULL) {
        s->options.on_error(s, why, delay_ms, s->options.arg);
    }
}

void sentinel_guide_succeed(struct engram_sentinel *s)
{
    s->failed = 0;
    s->rounds_failed = 0;
    s->counters.answers++;
}

/* ---- asking ---- */

static void ask(struct engram_sentinel *s)
{
    bool is_deaf = s->is_listening && engram_conn_protocol(s->guide) < 3;
    bool is_next = s->is_next_asked && s->sentinel_count > 1;
    s->is_next_asked = false;
    if (is_next) {
        go_next(s);
    }
    if (is_next || is_deaf) {
        close_guide(s);
        connect_guide(s);
        return;
    }
    s->ask_at_us = REQUEST_NO_DEADLINE;
    enum engram_status st = sentinel_question(s);
    if (st != ENGRAM_OK) {
        sentinel_set_error(s, "%s", engram_status_text(st));
        sentinel_guide_fail(s, st);
    }
}

void sentinel_guide_ask(struct engram_sentinel *s, int64_t at_us,
                        enum sentinel_whom whom)
{
    /* Who has news is asked before another is. */
    if (s->ask_at_us == REQUEST_NO_DEADLINE || at_us < s->ask_at_us ||
        (at_us == s->ask_at_us && whom == ASK_SAME)) {
        s->ask_at_us = at_us;
        s->is_next_asked = whom == ASK_NEXT;
    }
    set_alarm(s);
}

static void on_alarm(struct engram_conn *c, void *arg)
{
    struct engram_sentinel *s = arg;
    (void)c;
    sentinel_enter(s);
    if (engram_conn_is_closed(s->guide)) {
        connect_guide(s);
    } else {
        ask(s);
    }
    sentinel_leave(s);
}

/* ---- what the connection tells ---- */

static void on_ready(struct engram_conn *c, void *arg)
{
    struct engram_sentinel *s = arg;
    (void)c;
    sentinel_enter(s);
    s->is_next_asked = false;
    ask(s);
    sentinel_leave(s);
}

static void on_ended(struct engram_conn *c, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct engram_sentinel *s = arg;
    (void)retry_ms;
    sentinel_enter(s);
    sentinel_set_error(s, "%s", engram_conn_error(c));
    sentinel_guide_fail(s, why);
    sentinel_leave(s);
}

static bool on_push(struct engram_conn *c, const struct engram_reply *push,
                    void *arg)
{
    struct engram_sentinel *s = arg;
    (void)c;
    sentinel_enter(s);
    sentinel_hear(s, push);
    sentinel_leave(s);
    return true;
}

const struct conn_tap sentinel_guide_tap = {
    .is_sole = true,
    .on_ready = on_ready,
    .on_ended = on_ended,
    .on_push = on_push,
};

/* ---- life ---- */

void sentinel_guide_start(struct engram_sentinel *s)
{
    s->failed = 0;
    s->rounds_failed = 0;
    s->is_next_asked = false;
    s->is_urgent = false;
    s->surveyed = 0;
    s->outdated = 0;
    s->is_one_missing = false;
    s->ask_at_us = REQUEST_NO_DEADLINE;
    s->connect_at_us = sentinel_now_us(s);
    set_alarm(s);
}

void sentinel_guide_stop(struct engram_sentinel *s)
{
    close_guide(s);
    set_alarm(s);
}
