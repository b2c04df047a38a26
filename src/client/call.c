/* call: one command and its reply, waited for. An attempt to connect that fails
 * ends the call, since who waits wants to know. */
#include "client/conn_priv.h"

struct call {
    bool is_done;
    enum engram_status status;
    struct engram_reply *reply;
};

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct call *call = arg;
    (void)c;
    call->is_done = true;
    call->status = st;
    if (st == ENGRAM_OK) {
        call->reply = engram_reply_copy(reply);
        call->status = call->reply == NULL ? ENGRAM_NOMEM : ENGRAM_OK;
    }
}

/* Would it wait for what comes of other connections? */
static bool is_out_of_reach(const struct engram_conn *c)
{
    return c->role != NULL && c->state != LINK_READY;
}

/* Waits until the link is ready. */
static enum engram_status wait_ready(struct engram_conn *c)
{
    if (is_out_of_reach(c)) {
        return ENGRAM_INVALID;
    }
    if (c->state == LINK_CLOSED) {
        enum engram_status st = engram_conn_open(c);
        if (st != ENGRAM_OK) {
            return st;
        }
    }
    uint64_t epoch = c->epoch;
    while (c->state != LINK_READY) {
        enum engram_status st = conn_wait(c);
        if (st != ENGRAM_OK) {
            return st;
        }
        if (c->epoch != epoch && c->state != LINK_READY) {
            return c->last_why;
        }
    }
    return ENGRAM_OK;
}

static struct engram_reply *run(struct engram_conn *c, enum engram_status *st,
                                const struct encode_source *s)
{
    struct call call = { false, ENGRAM_OK, NULL };
    *st = c->callback_depth > 0 ? ENGRAM_INVALID : wait_ready(c);
    if (*st != ENGRAM_OK) {
        return NULL;
    }
    do {
        *st = conn_send_source(c, NULL, on_reply, &call, s);
        if (*st == ENGRAM_WOULD_BLOCK) {
            enum engram_status waited = conn_wait(c);
            if (waited == ENGRAM_OK && is_out_of_reach(c)) {
                waited = ENGRAM_INVALID;
            }
            if (waited != ENGRAM_OK) {
                *st = waited;
                return NULL;
            }
        }
    } while (*st == ENGRAM_WOULD_BLOCK);
    if (*st != ENGRAM_OK) {
        return NULL;
    }
    while (!call.is_done) {
        enum engram_status waited = conn_wait(c);
        if (waited != ENGRAM_OK) {
            /* poll has failed: nothing can be waited for, so the request must
             * not keep a pointer to this frame. */
            engram_conn_close(c);
            call.status = waited;
        }
    }
    *st = call.status;
    return call.reply;
}

struct engram_reply *engram_call(struct engram_conn *c, enum engram_status *st,
                                 const char *format, ...)
{
    enum engram_status unasked;
    struct format f;
    va_list values;
    va_start(values, format);
    format_init(&f, format, values);
    va_end(values);
    struct encode_source s = { .format = &f };
    struct engram_reply *r = run(c, st == NULL ? &unasked : st, &s);
    format_deinit(&f);
    return r;
}

struct engram_reply *engram_call_argv(struct engram_conn *c,
                                      enum engram_status *st, size_t argc,
                                      const char *const *argv,
                                      const size_t *lens)
{
    enum engram_status unasked;
    st = st == NULL ? &unasked : st;
    if (argc == 0) {
        *st = ENGRAM_INVALID;
        return NULL;
    }
    struct encode_source s = { .argc = argc, .argv = argv, .lens = lens };
    return run(c, st, &s);
}
