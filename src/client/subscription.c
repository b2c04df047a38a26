/* subscription: which replies are messages, and which request a confirmation
 * answers.
 *
 * RESP3 marks them as pushes. RESP2 sends arrays that can only be told by where
 * they come (a connection that is subscribed to something, or about to be) and
 * their first word; there, no other command that is allowed answers with such a
 * word. MONITOR's lines are status replies in both, told by their form.
 *
 * SUBSCRIBE a b is confirmed once for each channel, UNSUBSCRIBE without channels
 * once for each that there is, or once if there is none. Confirmations keep the
 * order of all replies, so they are counted on the oldest request. */
#include "client/conn_priv.h"

#include <string.h>

enum { FAMILIES = 3, STAMP_DECIMALS = 6 };

static bool is_text(const struct engram_reply *r, const char *text)
{
    size_t len;
    const char *got = engram_reply_text(r, &len);
    return len == strlen(text) && memcmp(got, text, len) == 0;
}

static bool is_message(const struct engram_reply *first)
{
    return is_text(first, "message") || is_text(first, "pmessage") ||
           is_text(first, "smessage");
}

static int64_t *count_of(struct subscriptions *s, enum request_kind kind)
{
    switch ((kind - REQUEST_SUBSCRIBE) % FAMILIES) {
    case 0: return &s->channels;
    case 1: return &s->patterns;
    default: return &s->shard_channels;
    }
}

/* The third element says how many channels and patterns there are together, or
 * how many shard channels. */
static void update_count(struct subscriptions *s, enum request_kind kind,
                         const struct engram_reply *r)
{
    const struct engram_reply *third = engram_reply_at(r, 2);
    if (third == NULL) {
        return;
    }
    int64_t *count = count_of(s, kind);
    int64_t others = count == &s->channels   ? s->patterns
                     : count == &s->patterns ? s->channels
                                             : 0;
    int64_t now = engram_reply_integer(third) - others;
    *count = now < 0 ? 0 : now;
}

/* Does the confirmation complete the oldest request? */
static bool confirm(struct engram_conn *c, enum request_kind kind,
                    const struct engram_reply *r)
{
    struct request *head = c->waiting.head;
    int64_t before = *count_of(&c->subscriptions, kind);
    update_count(&c->subscriptions, kind, r);
    if (head == NULL || head->kind != kind || head->begin >= c->taken) {
        return false;
    }
    if (head->confirmations == 0) {
        head->confirmations = before > 0 ? (uint32_t)before : 1;
    }
    head->confirmations--;
    return head->confirmations == 0;
}

/* 1700000000.123456 [0 127.0.0.1:50000] "get" "k" */
static bool is_monitor_line(const struct engram_reply *r)
{
    const char *text = engram_reply_text(r, NULL);
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '.') {
        return false;
    }
    text += digits + 1;
    return strspn(text, "0123456789") == STAMP_DECIMALS &&
           strncmp(text + STAMP_DECIMALS, " [", 2) == 0;
}

bool subscription_is_mixed(const struct engram_conn *c)
{
    const struct subscriptions *s = &c->subscriptions;
    const struct request *head = c->waiting.head;
    return s->is_monitoring ||
           (c->protocol == 2 &&
            (s->channels + s->patterns + s->shard_channels > 0 ||
             (head != NULL &&
              request_is_subscription((enum request_kind)head->kind))));
}

bool subscription_takes(struct engram_conn *c, const struct engram_reply *r,
                        bool *answered)
{
    enum engram_type type = engram_reply_type(r);
    if (type == ENGRAM_TYPE_STATUS) {
        return c->subscriptions.is_monitoring && is_monitor_line(r);
    }
    bool is_push = type == ENGRAM_TYPE_PUSH;
    if (!is_push && (type != ENGRAM_TYPE_ARRAY || !subscription_is_mixed(c))) {
        return false;
    }
    const struct engram_reply *first = engram_reply_at(r, 0);
    if (first == NULL) {
        return is_push;
    }
    size_t len;
    const char *word = engram_reply_text(first, &len);
    enum request_kind kind = request_kind_of(word, len);
    if (request_is_subscription(kind)) {
        *answered = confirm(c, kind, r);
        return true;
    }
    return is_push || is_message(first);
}

void subscription_note(struct engram_conn *c, const struct request *r,
                       const struct engram_reply *reply)
{
    if (engram_reply_type(reply) != ENGRAM_TYPE_STATUS) {
        return;
    }
    if (r->kind == REQUEST_MONITOR && is_text(reply, "OK")) {
        c->subscriptions.is_monitoring = true;
    } else if (r->kind == REQUEST_RESET && is_text(reply, "RESET")) {
        c->subscriptions = (struct subscriptions){ 0 };
        c->protocol = 2;
    }
}
