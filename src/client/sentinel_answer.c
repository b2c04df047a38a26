/* sentinel_answer: the questions, their answers, and what is heard between
 * them.
 *
 * In RESP3 the guide listens first and then asks, so that no move falls between
 * an answer and the listening. In RESP2 it can only be the other way round. */
#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "client/sentinel_priv.h"

enum {
    SWITCH_WORDS = 5, /* name, old host, old port, host, port */
    EVENT_DELAY_US = 100 * 1000, /* events come in swarms */
};

/* ---- pieces of answers ---- */

static bool parse_port(struct slice text, int64_t *port)
{
    return number_parse_int64(text, port);
}

static struct slice text_of(const struct engram_reply *r)
{
    size_t len = 0;
    const char *text = r == NULL ? "" : engram_reply_text(r, &len);
    return slice_of(text, len);
}

/* From texts; false: they are no address. */
static bool read_address(struct address *a, struct slice host,
                         struct slice port)
{
    int64_t number;
    char text[SENTINEL_HOST_BYTES];
    if (host.len >= sizeof text || !parse_port(port, &number)) {
        return false;
    }
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return address_set(a, text, number);
}

/* One of those that SENTINEL SENTINELS and REPLICAS list. */
static bool read_listed(struct address *a, const struct engram_reply *r)
{
    return read_address(a, text_of(engram_reply_lookup(r, "ip")),
                        text_of(engram_reply_lookup(r, "port")));
}

/* ---- the master ---- */

static void name_master(struct engram_sentinel *s, const struct address *a,
                        bool is_urgent)
{
    bool is_new = !address_equal(&s->master.at, a);
    sentinel_server_lead(&s->master, a, is_urgent);
    if (!is_new || s->is_destroyed || !address_equal(&s->master.at, a)) {
        return;
    }
    s->counters.moves++;
    if (s->options.on_master != NULL) {
        s->options.on_master(s, a->host, a->port, s->options.arg);
    }
}

/* An answer may be older than the news that has led to the master at hand,
 * which has said itself that it is one. It is left when a second answer agrees
 * with the first; where there is but one sentinel, with the first. */
static bool is_mere_rumour(struct engram_sentinel *s, const struct address *a)
{
    if (address_equal(&s->master.at, a) ||
        !engram_conn_is_ready(s->master.conn) || s->sentinel_count == 1 ||
        address_equal(&s->rumour, a)) {
        s->rumour.port = 0;
        return false;
    }
    int64_t delay_us = s->rumour.port == 0 ? 0 : EVENT_DELAY_US;
    s->rumour = *a;
    s->is_doubted = true;
    sentinel_guide_ask(s, sentinel_now_us(s) + delay_us);
    return true;
}

static void take_master(struct engram_sentinel *s, const struct engram_reply *r)
{
    struct address a;
    if (engram_reply_is_error(r)) {
        sentinel_set_error(s, "%s", engram_reply_text(r, NULL));
        sentinel_guide_fail(s, ENGRAM_RESOLVE);
    } else if (engram_reply_type(r) == ENGRAM_TYPE_NULL) {
        sentinel_set_error(s, "it knows no master named %s", s->master_name);
        sentinel_guide_fail(s, ENGRAM_RESOLVE);
    } else if (!read_address(&a, text_of(engram_reply_at(r, 0)),
                             text_of(engram_reply_at(r, 1)))) {
        sentinel_set_error(s, "its answer is no address");
        sentinel_guide_fail(s, ENGRAM_PROTOCOL);
    } else {
        sentinel_guide_succeed(s);
        if (!is_mere_rumour(s, &a)) {
            name_master(s, &a, false);
        }
    }
}

/* ---- sentinels ---- */

static bool is_known(const struct engram_sentinel *s, const struct address *a)
{
    for (size_t i = 0; i < s->sentinel_count; i++) {
        if (address_equal(&s->sentinels[i], a)) {
            return true;
        }
    }
    return false;
}

static void learn(struct engram_sentinel *s, const struct address *a)
{
    if (s->sentinel_count < SENTINELS_MAX && !is_known(s, a)) {
        s->sentinels[s->sentinel_count++] = *a;
    }
}

/* The seeds, the one that speaks, and those that it names. */
static void take_sentinels(struct engram_sentinel *s,
                           const struct engram_reply *r)
{
    struct address speaker = s->sentinels[s->current];
    s->sentinel_count = s->seed_count;
    learn(s, &speaker);
    for (size_t i = 0; i < engram_reply_count(r); i++) {
        struct address a;
        if (read_listed(&a, engram_reply_at(r, i))) {
            learn(s, &a);
        }
    }
    for (size_t i = 0; i < s->sentinel_count; i++) {
        if (address_equal(&s->sentinels[i], &speaker)) {
            s->current = i;
        }
    }
}

/* ---- replicas ---- */

struct listed {
    struct address at[SENTINEL_LISTED_MAX];
    bool is_taken[SENTINEL_LISTED_MAX];
    size_t count;
};

static bool holds_word(struct slice text, const char *word)
{
    return memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* Is it up, and following its master? */
static bool is_good(const struct engram_reply *r)
{
    struct slice flags = text_of(engram_reply_lookup(r, "flags"));
    struct slice link = text_of(engram_reply_lookup(r, "master-link-status"));
    return !holds_word(flags, "_down") && !holds_word(flags, "disconnected") &&
           slice_equal(link, SLICE_LIT("ok"));
}

static void list_replicas(struct listed *l, const struct engram_reply *r)
{
    l->count = 0;
    for (size_t i = 0;
         i < engram_reply_count(r) && l->count < SENTINEL_LISTED_MAX; i++) {
        const struct engram_reply *one = engram_reply_at(r, i);
        if (is_good(one) && read_listed(&l->at[l->count], one)) {
            l->is_taken[l->count++] = false;
        }
    }
}

static const struct address *take_listed(struct listed *l, size_t i)
{
    l->is_taken[i] = true;
    return &l->at[i];
}

/* Where the connection is already; NULL: it is at none of them. */
static const struct address *find_same(struct listed *l,
                                       const struct address *at)
{
    for (size_t i = 0; i < l->count; i++) {
        if (address_equal(&l->at[i], at) && !l->is_taken[i]) {
            return take_listed(l, i);
        }
    }
    return NULL;
}

/* Any that is left, by chance, so that clients spread. */
static const struct address *find_other(struct engram_sentinel *s,
                                        struct listed *l)
{
    size_t start =
        l->count == 0 ? 0 : (size_t)random_below(&s->random, l->count);
    for (size_t i = 0; i < l->count; i++) {
        size_t at = (start + i) % l->count;
        if (!l->is_taken[at]) {
            return take_listed(l, at);
        }
    }
    return NULL;
}

/* First those that can stay where they are. */
static void take_replicas(struct engram_sentinel *s,
                          const struct engram_reply *r)
{
    struct listed l;
    const struct address *to[SENTINEL_REPLICAS_MAX];
    if (engram_reply_is_error(r)) {
        sentinel_servers_let_go(s);
        return;
    }
    list_replicas(&l, r);
    for (uint32_t i = 0; i < s->options.replicas; i++) {
        to[i] = find_same(&l, &s->replicas[i].at);
    }
    for (uint32_t i = 0; i < s->options.replicas && !s->is_destroyed; i++) {
        to[i] = to[i] != NULL ? to[i] : find_other(s, &l);
        sentinel_server_lead(&s->replicas[i], to[i], false);
    }
}

/* ---- questions ---- */

/* Asks again some time after the last answer. */
static void count_answer(struct engram_sentinel *s)
{
    assert(s->questions > 0);
    if (--s->questions == 0) {
        int64_t wait_us = sentinel_has_idle_replica(s)
                              ? SENTINEL_RETRY_US
                              : (int64_t)s->options.refresh_ms * 1000;
        sentinel_guide_ask(s, sentinel_now_us(s) + wait_us);
    }
}

typedef void take_fn(struct engram_sentinel *s, const struct engram_reply *r);

/* What has no reply has ended with its link, which is told elsewhere. */
static void take(struct engram_sentinel *s, enum engram_status st,
                 const struct engram_reply *reply, take_fn *fn)
{
    if (st != ENGRAM_OK) {
        return;
    }
    sentinel_enter(s);
    uint64_t failures = s->counters.failures;
    fn(s, reply);
    if (s->counters.failures == failures && s->is_open && !s->is_destroyed &&
        s->questions > 0) {
        count_answer(s);
    }
    sentinel_leave(s);
}

static void on_master(struct engram_conn *c, enum engram_status st,
                      const struct engram_reply *reply, void *arg)
{
    (void)c;
    take(arg, st, reply, take_master);
}

static void on_sentinels(struct engram_conn *c, enum engram_status st,
                         const struct engram_reply *reply, void *arg)
{
    (void)c;
    take(arg, st, reply, take_sentinels);
}

static void on_replicas(struct engram_conn *c, enum engram_status st,
                        const struct engram_reply *reply, void *arg)
{
    (void)c;
    take(arg, st, reply, take_replicas);
}

static enum engram_status ask(struct engram_sentinel *s, const char *what,
                              engram_reply_fn *on_reply)
{
    enum engram_status st = engram_send(s->guide, NULL, on_reply, s,
                                        "SENTINEL %s %s", what,
                                        s->master_name);
    s->questions += st == ENGRAM_OK;
    return st;
}

static enum engram_status listen(struct engram_sentinel *s)
{
    s->is_listening = true;
    return engram_send(s->guide, NULL, NULL, NULL,
                       s->options.replicas == 0
                           ? "SUBSCRIBE +switch-master"
                           : "SUBSCRIBE +switch-master +slave +sdown -sdown");
}

enum engram_status sentinel_question(struct engram_sentinel *s)
{
    bool is_late = engram_conn_protocol(s->guide) < 3;
    enum engram_status st = ENGRAM_OK;
    if (!s->is_listening && !is_late) {
        st = listen(s);
    }
    if (st == ENGRAM_OK) {
        st = ask(s, "GET-MASTER-ADDR-BY-NAME", on_master);
    }
    if (st == ENGRAM_OK) {
        st = ask(s, "SENTINELS", on_sentinels);
    }
    if (st == ENGRAM_OK && s->options.replicas > 0) {
        st = ask(s, "REPLICAS", on_replicas);
    }
    if (st == ENGRAM_OK && is_late) {
        st = listen(s);
    }
    return st;
}

/* ---- events ---- */

/* "mymaster 10.0.0.1 6379 10.0.0.2 6379" */
static void hear_switch(struct engram_sentinel *s, struct slice text)
{
    struct slice words[SWITCH_WORDS];
    size_t n = 0;
    while (n < SWITCH_WORDS) {
        const uint8_t *blank =
            text.len == 0 ? NULL : memchr(text.data, ' ', text.len);
        size_t len = blank == NULL ? text.len : (size_t)(blank - text.data);
        words[n++] = slice_of(text.data, len);
        if (blank == NULL) {
            break;
        }
        text = slice_of(blank + 1, text.len - len - 1);
    }
    struct address a;
    if (n == SWITCH_WORDS &&
        slice_equal(words[0], slice_of_text(s->master_name)) &&
        read_address(&a, words[3], words[4])) {
        s->is_doubted = false;
        s->rumour.port = 0;
        name_master(s, &a, true);
    }
}

void sentinel_hear(struct engram_sentinel *s, const struct engram_reply *push)
{
    struct slice channel = text_of(engram_reply_at(push, 1));
    if (!slice_equal(text_of(engram_reply_at(push, 0)), SLICE_LIT("message"))) {
        return;
    }
    if (slice_equal(channel, SLICE_LIT("+switch-master"))) {
        hear_switch(s, text_of(engram_reply_at(push, 2)));
    }
    if (!s->is_destroyed && s->is_open) {
        /* The lists are another now. */
        sentinel_guide_ask(s, sentinel_now_us(s) + EVENT_DELAY_US +
                                  (int64_t)random_below(&s->random,
                                                        EVENT_DELAY_US));
    }
}
