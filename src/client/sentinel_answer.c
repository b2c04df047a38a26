/* sentinel_answer: the questions, their answers, and what is heard between
 * them.
 *
 * In RESP3 the guide listens first and then asks, so that no move falls between
 * an answer and the listening. In RESP2 it can only be the other way round.
 *
 * Sentinels number the editions of a master's address (config-epoch), each
 * failover has a greater one, and a sentinel that is cut off keeps its old one.
 * The first answer leads the connection, so that one sentinel that answers is
 * enough; then all others are asked too, one after the other, and whoever has a
 * newer edition leads it away. So it is when it is opened and when the link to
 * the master has ended; later one more is asked every refresh_ms. An older
 * edition than the one that is known is never followed. */
#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "client/sentinel_priv.h"

enum {
    EVENT_DELAY_US = 100 * 1000, /* events come in swarms */
};

/* ---- pieces of answers ---- */

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
    if (host.len >= sizeof text || !number_parse_int64(port, &number)) {
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

static void name_master(struct engram_sentinel *s, const struct address *a)
{
    bool is_new = !address_equal(&s->master.at, a);
    bool is_urgent = s->is_urgent;
    s->is_urgent = false;
    sentinel_server_lead(&s->master, a, is_urgent);
    if (!is_new || s->is_destroyed || !address_equal(&s->master.at, a)) {
        return;
    }
    s->counters.moves++;
    if (s->options.on_master != NULL) {
        s->options.on_master(s, a->host, a->port, s->options.arg);
    }
}

/* Who cannot tell has an old one. */
static void take_epoch(struct engram_sentinel *s, const struct engram_reply *r)
{
    if (!number_parse_int64(text_of(engram_reply_lookup(r, "config-epoch")),
                            &s->told_epoch)) {
        s->told_epoch = 0;
    }
}

/* A sentinel that was cut off names the master that there was. It is not
 * believed, and the others are asked, unless all of them, one after the other,
 * say what is older than what we know: somebody has set them up anew. */
static bool is_outdated(struct engram_sentinel *s)
{
    bool is_older = s->told_epoch < s->epoch;
    if (is_older && ++s->outdated < s->sentinel_count) {
        sentinel_guide_ask(s, sentinel_now_us(s), ASK_NEXT);
        return true;
    }
    bool is_undecided = is_older && s->is_one_missing;
    s->outdated = 0;
    s->is_one_missing = false;
    if (is_undecided) {
        sentinel_servers_let_go(s);
        return true;
    }
    s->epoch = s->told_epoch;
    return false;
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
        if (!is_outdated(s)) {
            name_master(s, &a);
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

static bool is_named(const struct engram_reply *r, const struct address *a)
{
    for (size_t i = 0; i < engram_reply_count(r); i++) {
        struct address named;
        if (read_listed(&named, engram_reply_at(r, i)) &&
            address_equal(&named, a)) {
            return true;
        }
    }
    return false;
}

/* The seeds, the one that speaks, and those that it names; who was known keeps
 * his place, so that all get their turn. */
static void take_sentinels(struct engram_sentinel *s,
                           const struct engram_reply *r)
{
    struct address speaker = s->sentinels[s->current];
    size_t kept = s->seed_count;
    for (size_t i = s->seed_count; i < s->sentinel_count; i++) {
        const struct address *a = &s->sentinels[i];
        if (address_equal(a, &speaker) || is_named(r, a)) {
            s->sentinels[kept++] = *a;
        }
    }
    s->sentinel_count = kept;
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
    if (s->told_epoch < s->epoch) {
        return;
    }
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

/* Asks another some time after the last answer; in a survey at once. */
static void count_answer(struct engram_sentinel *s)
{
    assert(s->questions > 0);
    if (--s->questions == 0) {
        int64_t wait_us = (int64_t)s->options.refresh_ms * 1000;
        if (++s->surveyed < s->sentinel_count) {
            wait_us = 0;
        } else if (sentinel_has_idle_replica(s)) {
            wait_us = SENTINEL_RETRY_US;
        }
        sentinel_guide_ask(s, sentinel_now_us(s) + wait_us, ASK_NEXT);
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

static void on_epoch(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    (void)c;
    take(arg, st, reply, take_epoch);
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
    /* In this order: the address may be newer than the epoch, never older. Not
     * the address that MASTER tells, which a sentinel in the midst of a failover
     * changes last of all. */
    if (st == ENGRAM_OK) {
        st = ask(s, "MASTER", on_epoch);
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

/* "mymaster 10.0.0.1 6379 10.0.0.2 6379". Where it says is not believed as such,
 * since it has no epoch: who says so is asked. */
static bool is_ours(const struct engram_sentinel *s, struct slice text)
{
    size_t len = strlen(s->master_name);
    return text.len > len && text.data[len] == ' ' &&
           memcmp(text.data, s->master_name, len) == 0;
}

void sentinel_hear(struct engram_sentinel *s, const struct engram_reply *push)
{
    int64_t now_us = sentinel_now_us(s);
    if (!slice_equal(text_of(engram_reply_at(push, 0)), SLICE_LIT("message"))) {
        return;
    }
    if (slice_equal(text_of(engram_reply_at(push, 1)),
                    SLICE_LIT("+switch-master"))) {
        if (is_ours(s, text_of(engram_reply_at(push, 2)))) {
            s->is_urgent = true;
            sentinel_guide_ask(s, now_us, ASK_SAME);
        }
        return;
    }
    /* The lists are another now. */
    sentinel_guide_ask(s,
                       now_us + EVENT_DELAY_US +
                           (int64_t)random_below(&s->random, EVENT_DELAY_US),
                       ASK_SAME);
}
