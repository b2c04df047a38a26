/* receive: bytes to replies, replies to requests.
 *
 * Bytes are read into a buffer on the stack and decoded there; only the
 * beginning of a line whose end has not come is kept (`rest`). A reply is built
 * as a tree, handed on in events, or dropped, as the oldest request wants it.
 *
 * After every callback the link may be another one, or none: `epoch` tells, and
 * the bytes at hand are then forgotten. */
#include "client/conn_priv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
    READ_BYTES = 16 * 1024,
    READ_ROUNDS_MAX = 16, /* then others have their turn */
    REST_KEPT_BYTES = 4096,
};

enum reply_mode { MODE_TREE, MODE_EVENTS, MODE_DROP };

void receive_reset(struct engram_conn *c)
{
    c->decoder = (struct decode_reply_state){ 0 };
    c->is_in_reply = false;
    c->rest_len = 0;
    if (!c->is_delivering) {
        tree_reset(&c->tree, false);
    }
}

static void break_protocol(struct engram_conn *c, const char *why)
{
    conn_set_error(c, "protocol: %s", why);
    link_break(c, ENGRAM_PROTOCOL);
}

/* ---- a whole reply ---- */

/* The oldest request has its answer. */
static void answer(struct engram_conn *c, const struct engram_reply *reply)
{
    struct request *r = request_pop(&c->waiting);
    subscription_note(c, r, reply);
    request_finish(c, r, ENGRAM_OK, reply);
}

/* Nobody has asked. A server that says why it hangs up does so. */
static void refuse_reply(struct engram_conn *c,
                         const struct engram_reply *reply)
{
    if (engram_reply_is_error(reply)) {
        conn_set_error(c, "server: %.200s", engram_reply_text(reply, NULL));
        link_break(c, ENGRAM_DISCONNECTED);
    } else {
        break_protocol(c, "a reply that nobody asked for");
    }
}

static void tell_push(struct engram_conn *c, const struct engram_reply *reply)
{
    c->counters.pushes++;
    if (c->tap.on_push != NULL && c->tap.on_push(c, reply, c->tap.arg)) {
        return;
    }
    if (c->options.on_push != NULL) {
        c->options.on_push(c, reply, c->options.arg);
    }
}

static void deliver(struct engram_conn *c, const struct engram_reply *reply)
{
    bool answered = false;
    if (subscription_takes(c, reply, &answered)) {
        uint64_t epoch = c->epoch;
        tell_push(c, reply);
        if (answered && c->epoch == epoch && c->waiting.head != NULL) {
            answer(c, reply);
        }
    } else if (c->state == LINK_GREETING) {
        greeting_on_reply(c, reply);
    } else if (c->waiting.head == NULL || c->waiting.head->begin >= c->taken) {
        refuse_reply(c, reply);
    } else {
        answer(c, reply);
    }
}

/* ---- events ---- */

static void begin_reply(struct engram_conn *c, const struct reply_event *e)
{
    const struct request *head = c->waiting.head;
    c->is_in_reply = true;
    c->reply_mode = MODE_TREE;
    if (c->state != LINK_READY || head == NULL || head->begin >= c->taken ||
        e->kind == REPLY_PUSH ||
        request_is_subscription((enum request_kind)head->kind) ||
        subscription_is_mixed(c)) {
        return;
    }
    if (head->is_abandoned) {
        c->reply_mode = MODE_DROP;
    } else if (head->on_event != NULL) {
        c->reply_mode = MODE_EVENTS;
    }
}

static enum engram_type type_of(enum reply_kind kind)
{
    static const uint8_t types[] = {
        ENGRAM_TYPE_STATUS,  ENGRAM_TYPE_ERROR,  ENGRAM_TYPE_STRING,
        ENGRAM_TYPE_VERBATIM, ENGRAM_TYPE_INTEGER, ENGRAM_TYPE_DOUBLE,
        ENGRAM_TYPE_BIGNUM,  ENGRAM_TYPE_BOOL,   ENGRAM_TYPE_NULL,
        ENGRAM_TYPE_ARRAY,   ENGRAM_TYPE_SET,    ENGRAM_TYPE_MAP,
        ENGRAM_TYPE_PUSH,    ENGRAM_TYPE_ATTRIBUTE,
    };
    return (enum engram_type)types[kind];
}

static void tell_event(struct engram_conn *c, const struct reply_event *e)
{
    const struct request *head = c->waiting.head;
    /* Its deadline may pass in the midst of its reply. */
    if (head == NULL || head->is_abandoned) {
        return;
    }
    struct engram_event told = {
        .kind = (enum engram_event_kind)e->event,
        .type = type_of(e->kind),
        .text = e->text.data == NULL ? "" : (const char *)e->text.data,
        .len = e->text.len,
        .number = e->number,
        .is_last = e->is_last,
        .depth = e->depth,
    };
    head->on_event(c, &told, head->arg);
}

static void on_event(struct engram_conn *c, const struct reply_event *e)
{
    static const struct engram_reply streamed = { .type = ENGRAM_TYPE_NULL };
    uint64_t epoch = c->epoch;
    if (!c->is_in_reply) {
        begin_reply(c, e);
    }
    enum status st = ST_OK;
    if (c->reply_mode == MODE_TREE) {
        st = tree_add(&c->tree, e);
    } else if (c->reply_mode == MODE_EVENTS) {
        tell_event(c, e);
    }
    if (st != ST_OK) {
        if (st == ST_NOMEM) {
            conn_set_error(c, "reply: out of memory");
            link_break(c, ENGRAM_NOMEM);
        } else {
            break_protocol(c, "a reply is larger than max_reply_bytes");
        }
        return;
    }
    if (!e->ends_reply || c->epoch != epoch) {
        return;
    }
    c->is_in_reply = false;
    if (c->reply_mode != MODE_TREE) {
        answer(c, &streamed);
        return;
    }
    c->is_delivering = true;
    deliver(c, &c->tree.root);
    c->is_delivering = false;
    tree_reset(&c->tree, c->waiting.count > 0);
}

/* Decodes what it can; the bytes used, or all if the link has ended. */
static size_t decode_all(struct engram_conn *c, struct slice input)
{
    uint64_t epoch = c->epoch;
    size_t at = 0;
    for (;;) {
        struct reply_event e;
        size_t used;
        const char *error = NULL;
        switch (decode_reply(&c->decoder,
                             slice_of(input.data + at, input.len - at),
                             &c->limits, &e, &used, &error)) {
        case DECODE_REPLY_MORE: return at;
        case DECODE_REPLY_ERROR: break_protocol(c, error); return input.len;
        case DECODE_REPLY_EVENT: break;
        }
        at += used;
        on_event(c, &e);
        if (c->epoch != epoch) {
            return input.len;
        }
    }
}

/* ---- bytes ---- */

/* Keeps what the decoder has left over. False: the link has ended. */
static bool keep_rest(struct engram_conn *c, struct slice rest)
{
    if (rest.len > c->rest_cap) {
        uint8_t *grown = mem_realloc(&c->account, c->rest, rest.len);
        if (grown == NULL) {
            conn_set_error(c, "receive: out of memory");
            link_break(c, ENGRAM_NOMEM);
            return false;
        }
        c->rest = grown;
        c->rest_cap = rest.len;
    }
    if (rest.len > 0) {
        memmove(c->rest, rest.data, rest.len);
    } else if (c->rest_cap > REST_KEPT_BYTES) {
        mem_free(&c->account, c->rest);
        c->rest = NULL;
        c->rest_cap = 0;
    }
    c->rest_len = rest.len;
    return true;
}

/* `fresh` bytes have been read behind the room for a small rest in `buffer`. */
static bool decode_fresh(struct engram_conn *c, uint8_t *buffer, size_t n)
{
    uint64_t epoch = c->epoch;
    struct slice input = slice_of(buffer + REST_KEPT_BYTES, n);
    if (c->rest_len > 0 && c->rest_len <= REST_KEPT_BYTES) {
        memcpy(buffer + REST_KEPT_BYTES - c->rest_len, c->rest, c->rest_len);
        input = slice_of(buffer + REST_KEPT_BYTES - c->rest_len,
                         c->rest_len + n);
    } else if (c->rest_len > 0) {
        /* A long line: rare, so it may cost a copy for each read. */
        size_t len = c->rest_len + n;
        uint8_t *grown = mem_realloc(&c->account, c->rest, len);
        if (grown == NULL) {
            conn_set_error(c, "receive: out of memory");
            link_break(c, ENGRAM_NOMEM);
            return false;
        }
        c->rest = grown;
        c->rest_cap = len;
        memcpy(c->rest + c->rest_len, buffer + REST_KEPT_BYTES, n);
        input = slice_of(c->rest, len);
    }
    size_t used = decode_all(c, input);
    if (c->epoch != epoch) {
        return false;
    }
    return keep_rest(c, slice_of(input.data + used, input.len - used));
}

void conn_receive(struct engram_conn *c)
{
    uint8_t buffer[REST_KEPT_BYTES + READ_BYTES];
    for (int round = 0; round < READ_ROUNDS_MAX; round++) {
        ssize_t n = c->transport.ops->read(&c->transport,
                                           buffer + REST_KEPT_BYTES, READ_BYTES);
        if (n < 0) {
            int err = c->transport.err;
            if (err != EAGAIN && err != EWOULDBLOCK) {
                char text[ERROR_TEXT_BYTES / 2];
                conn_set_error(c, "read: %s",
                               c->transport.text != NULL
                                   ? c->transport.text
                                   : strerror_r(err, text, sizeof text));
                link_break(c, ENGRAM_IO);
            }
            return;
        }
        if (n == 0) {
            conn_set_error(c, "the server closed the connection");
            link_break(c, ENGRAM_DISCONNECTED);
            return;
        }
        c->counters.bytes_in += (uint64_t)n;
        c->last_progress_us = c->now_us;
        if (!decode_fresh(c, buffer, (size_t)n) ||
            (n < READ_BYTES && !c->transport.has_input)) {
            return;
        }
    }
}
