/* observe: a command is reported when it passes the least of all limits; which
 * of them it passed is found out here. */
#include "server/observe.h"

#include "base/clock.h"
#include "net/socket.h"
#include "server/connection.h"
#include "server/redact.h"

enum { ADDRESS_MAX = 128 };

/* ---- limits ---- */

static uint64_t limit_of(int64_t option)
{
    return option < 0 ? UINT64_MAX : (uint64_t)option;
}

/* For the dispatcher 0 means never. */
static void store_min(_Atomic(uint64_t) *at, uint64_t min)
{
    atomic_store_explicit(at, min == UINT64_MAX ? 0 : min,
                          memory_order_relaxed);
}

void observe_apply_options(struct server *s)
{
    const struct options *o = &s->options;
    struct commandlog *l = &s->commandlog;
    uint64_t us = limit_of(o->commandlog_execution_slower_than);
    uint64_t request = limit_of(o->commandlog_request_larger_than);
    uint64_t reply = limit_of(o->commandlog_reply_larger_than);
    commandlog_set_limits(l, COMMANDLOG_SLOW,
                          o->commandlog_execution_slower_than,
                          (uint64_t)o->commandlog_slow_execution_max_len);
    commandlog_set_limits(l, COMMANDLOG_REQUEST,
                          o->commandlog_request_larger_than,
                          (uint64_t)o->commandlog_large_request_max_len);
    commandlog_set_limits(l, COMMANDLOG_REPLY, o->commandlog_reply_larger_than,
                          (uint64_t)o->commandlog_large_reply_max_len);
    latency_set_threshold(&s->latency, o->latency_monitor_threshold);
    if (us == 0 || request == 0 || reply == 0) {
        request = 1; /* no request is empty: every one is reported */
    }
    if (o->latency_monitor_threshold > 0) {
        uint64_t latency_us = (uint64_t)atomic_load_explicit(
            &s->latency.threshold_us, memory_order_relaxed);
        us = latency_us < us ? latency_us : us;
    }
    store_min(&s->exec_shared.report_us_min, us);
    store_min(&s->exec_shared.report_request_bytes_min, request);
    store_min(&s->exec_shared.report_reply_bytes_min, reply);
    atomic_store_explicit(&s->exec_shared.skips_latencies,
                          !o->latency_tracking, memory_order_relaxed);
}

/* ---- calls ---- */

static bool is_secret(const void *report, uint32_t i)
{
    const struct call_report *r = report;
    return redact_is_secret(r->cmd, r->argv, r->argc, i);
}

static void note_in_logs(struct server *s, const struct call_report *r,
                         int64_t now_s)
{
    const uint64_t values[COMMANDLOG_KINDS] = {
        [COMMANDLOG_SLOW] = r->duration_us,
        [COMMANDLOG_REQUEST] = r->request_bytes,
        [COMMANDLOG_REPLY] = r->reply_bytes,
    };
    char address[ADDRESS_MAX] = "";
    /* The session is the connection's first member. */
    const struct connection *of =
        (const struct connection *)(const void *)r->session;
    struct commandlog_call call = {
        .argv = r->argv, .argc = r->argc, .secret = is_secret, .secret_arg = r,
        .address = address, .time_s = now_s,
        .name = r->session->name == NULL ? "" : r->session->name,
    };
    for (int i = 0; i < COMMANDLOG_KINDS; i++) {
        enum commandlog_kind kind = (enum commandlog_kind)i;
        if (!commandlog_wants(&s->commandlog, kind, values[i])) {
            continue;
        }
        if (address[0] == '\0') {
            socket_peer_name(conn_fd(of->net), address, sizeof address);
        }
        commandlog_add(&s->commandlog, kind, values[i], &call);
    }
}

void observe_call(void *server, const struct call_report *r)
{
    struct server *s = server;
    int64_t now_s = clock_wall_us() / 1000000;
    if (latency_wants(&s->latency, r->duration_us)) {
        latency_note(&s->latency,
                     (r->cmd->flags & CMD_FAST) ? LATENCY_FAST_COMMAND
                                                : LATENCY_COMMAND,
                     r->duration_us, now_s);
    }
    if (!(r->cmd->flags & CMD_SKIP_SLOWLOG)) {
        note_in_logs(s, r, now_s);
    }
}
