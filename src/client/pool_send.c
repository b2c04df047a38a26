/* pool_send: which connection takes a command.
 *
 * All are looked at for each command: how much they hold must be added up for
 * the limits anyway, and there are few. */
#include "client/pool_priv.h"

/* What is found by looking at all that are not taken. */
struct survey {
    struct pool_member *best; /* the ready one with the least to do; else one
                                 that is about to be; NULL: none */
    bool is_all_ready;
    size_t queued, in_flight;
};

static bool is_better(const struct engram_conn *c,
                      const struct engram_conn *than)
{
    bool is_ready = c->state == LINK_READY;
    if (is_ready != (than->state == LINK_READY)) {
        return is_ready;
    }
    return c->waiting.count < than->waiting.count;
}

static struct survey look(const struct engram_pool *p)
{
    struct survey s = { .is_all_ready = true };
    for (uint32_t i = 0; i < p->member_count; i++) {
        struct pool_member *m = p->members[i];
        if (m->is_taken) {
            continue;
        }
        s.queued += conn_queued_bytes(m->conn);
        s.in_flight += m->conn->waiting.count;
        s.is_all_ready = s.is_all_ready && m->conn->state == LINK_READY;
        if (m == p->reserved || m->conn->state == LINK_CLOSED) {
            continue;
        }
        if (s.best == NULL || is_better(m->conn, s.best->conn)) {
            s.best = m;
        }
    }
    return s;
}

/* Finds who takes the next command, and tells it of the others. */
static enum engram_status pick(struct engram_pool *p, struct pool_member **out)
{
    if (!p->is_open) {
        return ENGRAM_CLOSED;
    }
    struct survey s = look(p);
    bool is_busy = s.best == NULL ||
                   (s.is_all_ready &&
                    s.best->conn->waiting.count >= p->options.busy_at);
    if (is_busy && pool_may_grow(p)) {
        enum engram_status st;
        struct pool_member *made = pool_add(p, &st);
        if (s.best == NULL && made == NULL) {
            return st;
        }
        s.best = s.best == NULL ? made : s.best;
    }
    if (s.best == NULL) {
        p->is_refusing = true;
        p->refused_bytes = 0;
        p->counters.would_block++;
        return ENGRAM_WOULD_BLOCK;
    }
    struct engram_conn *c = s.best->conn;
    c->others_queued = s.queued - conn_queued_bytes(c);
    c->others_in_flight = s.in_flight - c->waiting.count;
    *out = s.best;
    return ENGRAM_OK;
}

/* What has come of sending on `m`. */
static enum engram_status note(struct pool_member *m, enum engram_status st)
{
    struct engram_pool *p = m->pool;
    if (st == ENGRAM_OK) {
        m->used_at_us = m->conn->now_us;
    } else if (st == ENGRAM_WOULD_BLOCK) {
        /* It is the pool that owes the call. */
        m->conn->is_refusing = false;
        p->is_refusing = true;
        p->refused_bytes = m->conn->refused_bytes;
    }
    return st;
}

enum engram_status engram_pool_send_va(struct engram_pool *p,
                                       const struct engram_how *how,
                                       engram_reply_fn *on_reply, void *arg,
                                       const char *format, va_list values)
{
    struct pool_member *m;
    enum engram_status st = pick(p, &m);
    return st != ENGRAM_OK ? st
                           : note(m, engram_send_va(m->conn, how, on_reply, arg,
                                                    format, values));
}

enum engram_status engram_pool_send(struct engram_pool *p,
                                    const struct engram_how *how,
                                    engram_reply_fn *on_reply, void *arg,
                                    const char *format, ...)
{
    va_list values;
    va_start(values, format);
    enum engram_status st =
        engram_pool_send_va(p, how, on_reply, arg, format, values);
    va_end(values);
    return st;
}

enum engram_status engram_pool_send_argv(struct engram_pool *p,
                                         const struct engram_how *how,
                                         engram_reply_fn *on_reply, void *arg,
                                         size_t argc, const char *const *argv,
                                         const size_t *lens)
{
    struct pool_member *m;
    enum engram_status st = pick(p, &m);
    return st != ENGRAM_OK
               ? st
               : note(m, engram_send_argv(m->conn, how, on_reply, arg, argc,
                                          argv, lens));
}

struct engram_command *engram_pool_command_create(struct engram_pool *p)
{
    return command_create(&p->account, &p->kept_bytes);
}

enum engram_status engram_pool_send_command(struct engram_pool *p,
                                            const struct engram_how *how,
                                            engram_reply_fn *on_reply,
                                            void *arg,
                                            struct engram_command **cmd)
{
    struct pool_member *m;
    if ((*cmd)->account != &p->account) {
        return ENGRAM_INVALID;
    }
    enum engram_status st = pick(p, &m);
    if (st != ENGRAM_OK) {
        return st;
    }
    command_move(*cmd, &m->conn->account, &m->conn->kept_bytes);
    st = note(m, engram_send_command(m->conn, how, on_reply, arg, cmd));
    if (*cmd != NULL) {
        command_move(*cmd, &p->account, &p->kept_bytes);
    }
    return st;
}

/* ---- after a refusal ---- */

/* As a connection has it: half of each limit, and enough for what was refused;
 * and somebody to give it to. */
static bool has_room(const struct engram_pool *p)
{
    struct survey s = look(p);
    size_t max = p->options.max_queued_bytes;
    size_t want = p->refused_bytes > max / 2 ? p->refused_bytes : max / 2;
    return (s.best != NULL || pool_may_grow(p)) && s.queued <= max - want &&
           s.in_flight <= p->options.max_in_flight / 2;
}

void pool_tell_drained(struct engram_pool *p)
{
    if (p->is_refusing && p->is_open && has_room(p)) {
        p->is_refusing = false;
        if (p->options.on_drained != NULL) {
            p->options.on_drained(p, p->options.arg);
        }
    }
}
