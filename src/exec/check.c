/* check: whether a call may run, and what it is answered if not: unknown, wrong
 * number of arguments, not authenticated, no memory, paused. */
#include <stdio.h>

#include "exec/exec_priv.h"

static void reply_unknown(struct reply *r, const struct call *call)
{
    char text[512];
    int name_len = call->argv[0].len > 128 ? 128 : (int)call->argv[0].len;
    int n = snprintf(text, sizeof text,
                     "ERR unknown command '%.*s', with args beginning with: ",
                     name_len, (const char *)call->argv[0].data);
    int end = n + 128;
    for (uint32_t i = 1; i < call->argc && n < end; i++) {
        int room = end - n;
        int len = call->argv[i].len > (size_t)room ? room
                                                   : (int)call->argv[i].len;
        n += snprintf(text + n, sizeof text - (size_t)n, "'%.*s' ", len,
                      (const char *)call->argv[i].data);
    }
    reply_error(r, text);
}

static void reply_unknown_sub(struct reply *r, const struct call *call)
{
    char upper[48];
    size_t i = 0;
    for (const char *p = call->cmd->spec->name; *p != 0 && i < 47; p++) {
        upper[i++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    }
    upper[i] = 0;
    int len = call->argv[1].len > 128 ? 128 : (int)call->argv[1].len;
    reply_errorf(r, "ERR unknown subcommand '%.*s'. Try %s HELP.", len,
                 (const char *)call->argv[1].data, upper);
}

static void reply_problem(struct reply *r, const struct call *call)
{
    switch (call->problem) {
    case PROBLEM_UNKNOWN:
        reply_unknown(r, call);
        break;
    case PROBLEM_UNKNOWN_SUB:
        reply_unknown_sub(r, call);
        break;
    case PROBLEM_ARITY:
        reply_errorf(r, "%s wrong number of arguments for '%s' command",
                     call->cmd->flags & CMD_RUNS_QUEUE
                         ? "EXECABORT Transaction discarded because of:"
                         : "ERR",
                     call->cmd->full_name);
        break;
    default:
        reply_error(r, "OOM out of memory: the command was not carried out");
        break;
    }
}

/* Has CLIENT PAUSE stopped this command? */
static bool is_paused(const struct exec *x, const struct call *call)
{
    uint32_t flags = call->cmd->flags;
    if (flags & CMD_RUNS_QUEUE) {
        flags |= transaction_flags(call->session);
    }
    return x->wall_ms < x->pause_until_ms
           && !(flags & CMD_NOT_PAUSED)
           && (atomic_load_explicit(&x->o.shared->pause_is_all,
                                    memory_order_relaxed)
               || (flags & (CMD_WRITE | CMD_MAY_REPLICATE)));
}

/* Whether memory is full is looked at again when this worker may have added as
 * much as was left, or the limit is another. */
void exec_check_memory(struct exec *x)
{
    uint32_t serial = atomic_load_explicit(&x->o.shared->limit_serial,
                                           memory_order_relaxed);
    if (__builtin_expect(x->memory_left >= 0 && serial == x->limit_serial, 1)
        || x->o.memory_check == NULL) {
        return;
    }
    x->limit_serial = serial;
    x->is_memory_stale = false;
    x->memory_left = x->o.memory_check(x->o.host);
}

bool exec_is_memory_full(struct exec *x)
{
    if (__builtin_expect(x->is_memory_stale, 0)) {
        exec_check_memory(x);
    }
    return atomic_load_explicit(&x->o.shared->is_memory_full,
                                memory_order_relaxed);
}

bool exec_has_memory(struct exec *x, struct reply *r)
{
    if (exec_is_memory_full(x)) {
        reply_error(r, "OOM command not allowed when used memory > "
                       "'maxmemory'.");
        return false;
    }
    return true;
}

/* False: it may not run, and has been answered. */
bool exec_may_run(struct exec *x, struct reply *r, const struct call *call)
{
    uint32_t flags = call->cmd == NULL ? 0 : call->cmd->flags;
    if (__builtin_expect(call->problem == PROBLEM_HTTP, 0)) {
        /* A browser was made to send us commands: not a word more with it. */
        call->session->is_http = true;
        call->session->close_after_reply = true;
        return false;
    }
    if (!call->session->is_authenticated && !(flags & CMD_NO_AUTH)
        && atomic_load_explicit(&x->o.shared->needs_auth,
                                memory_order_relaxed)) {
        reply_error(r, "NOAUTH Authentication required.");
        return false;
    }
    if (__builtin_expect(call->problem != PROBLEM_NONE, 0)) {
        reply_problem(r, call);
        if (flags & CMD_RUNS_QUEUE) {
            /* An EXEC that cannot be understood ends its transaction. */
            struct cmd_ctx c = exec_ctx_of(x, call);
            transaction_reset(&c);
        }
        return false;
    }
    if (__builtin_expect((flags & CMD_NO_MULTI)
                         && call->session->transaction != NULL, 0)) {
        reply_error(r, "ERR Command not allowed inside a transaction");
        return false;
    }
    if (__builtin_expect(call->session->is_monitor, 0)
        && (flags & (CMD_WRITE | CMD_READONLY))) {
        reply_error(r, "ERR Replica can't interact with the keyspace");
        return false;
    }
    if ((flags & CMD_DENYOOM) && !exec_has_memory(x, r)) {
        return false;
    }
    if (__builtin_expect(x->pause_until_ms != 0, 0) && is_paused(x, call)) {
        call->session->hold = HOLD_PAUSE;
        exec_set_aside(x, call, true);
        return false;
    }
    return true;
}

