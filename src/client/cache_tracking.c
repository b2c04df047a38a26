/* cache_tracking: what makes a cache true. CLIENT TRACKING is said on every new
 * link, behind what waited for it; what was sent before is not kept. The link
 * is looked at (cache_follow_link) before anything is found or kept, since
 * callbacks come between its end and the tap's word of it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "client/cache_priv.h"

/* ---- forgetting ---- */

void cache_forget_all(struct engram_cache *cache)
{
    cache->generation++;
    cache_store_clear(&cache->store);
}

void cache_forget_key(struct engram_cache *cache, struct slice key)
{
    uint64_t hash = hash_keyed(&cache->seed, key.data, key.len);
    cache_store_drop_key(&cache->store, key, hash);
    struct hash_node *n = hash_index_first(&cache->asks, hash);
    for (; n != NULL; n = hash_index_next(n)) {
        struct ask *ask = HASH_INDEX_ITEM(n, struct ask, by_key);
        ask->is_stale = ask->is_stale || slice_equal(ask->command.key, key);
    }
}

void cache_follow_link(struct engram_cache *cache)
{
    struct engram_conn *c = cache->conn;
    bool is_same = cache->epoch == c->epoch &&
                   (cache->tracking == TRACKING_NONE || c->protocol == 3);
    if (!is_same) {
        cache_forget_all(cache);
        if (cache->tracking != TRACKING_NONE && cache->options.check_ms > 0) {
            conn_set_alarm(c, REQUEST_NO_DEADLINE, NULL, NULL);
        }
        cache->tracking = TRACKING_NONE;
        cache->epoch = c->epoch;
    }
}

/* ---- tracking ---- */

void cache_leave_flight(struct engram_cache *cache)
{
    assert(cache->in_flight > 0);
    cache->in_flight--;
    if (cache->is_destroyed && cache->in_flight == 0) {
        struct mem_account *account = &cache->conn->account;
        hash_index_deinit(&cache->asks);
        mem_free(account, cache->words);
        mem_free(account, cache);
    }
}

static void on_tracking(struct engram_conn *c, enum engram_status st,
                        const struct engram_reply *reply, void *arg)
{
    struct engram_cache *cache = arg;
    (void)c;
    if (!cache->is_destroyed) {
        cache_follow_link(cache);
        if (st == ENGRAM_OK && !engram_reply_is_error(reply)) {
            cache->tracking = TRACKING_ON;
        } else if (st == ENGRAM_OK) {
            cache->tracking = TRACKING_REFUSED;
            (void)snprintf(cache->error, sizeof cache->error, "%s",
                           engram_reply_text(reply, NULL));
        }
    }
    cache_leave_flight(cache);
}

static void on_alarm(struct engram_conn *c, void *arg);

static void set_alarm(struct engram_cache *cache, int64_t from_us)
{
    if (cache->options.check_ms > 0) {
        conn_set_alarm(cache->conn,
                       from_us + (int64_t)cache->options.check_ms * 1000,
                       on_alarm, cache);
    }
}

/* Nothing has come for a while: whether the server still is there shows when it
 * is asked. */
static void on_alarm(struct engram_conn *c, void *arg)
{
    struct engram_cache *cache = arg;
    int64_t quiet_us = c->now_us - c->last_progress_us;
    if (quiet_us < (int64_t)cache->options.check_ms * 1000) {
        set_alarm(cache, c->last_progress_us);
        return;
    }
    /* Where commands wait, they do as well. */
    if (c->waiting.count == 0) {
        (void)engram_send(c, NULL, NULL, NULL, "PING");
    }
    set_alarm(cache, c->now_us);
}

void cache_begin_tracking(struct engram_cache *cache)
{
    static const struct engram_how patient = { .timeout_ms = -1 };
    struct engram_conn *c = cache->conn;
    if (cache->tracking != TRACKING_NONE || c->state != LINK_READY ||
        c->protocol != 3) {
        return;
    }
    cache->error[0] = '\0';
    if (engram_send_argv(c, &patient, on_tracking, cache, cache->word_count,
                         cache->words, NULL) == ENGRAM_OK) {
        cache->tracking = TRACKING_ASKED;
        cache->in_flight++;
        set_alarm(cache, c->now_us);
    }
}

/* ---- the tap ---- */

static void on_ready(struct engram_conn *c, void *arg)
{
    struct engram_cache *cache = arg;
    struct conn_tap below = cache->below;
    cache_follow_link(cache);
    cache_begin_tracking(cache);
    if (below.on_ready != NULL) {
        below.on_ready(c, below.arg);
    }
}

static void on_ended(struct engram_conn *c, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct engram_cache *cache = arg;
    struct conn_tap below = cache->below;
    cache_follow_link(cache);
    if (below.on_ended != NULL) {
        below.on_ended(c, why, retry_ms, below.arg);
    }
}

/* [invalidate [key ...]]; no array: all keys. */
static void note_push(struct engram_cache *cache,
                      const struct engram_reply *push)
{
    const struct engram_reply *kind = engram_reply_at(push, 0);
    const struct engram_reply *keys = engram_reply_at(push, 1);
    if (keys == NULL ||
        strcmp(engram_reply_text(kind, NULL), "invalidate") != 0) {
        return;
    }
    if (engram_reply_type(keys) == ENGRAM_TYPE_NULL) {
        cache_forget_all(cache);
    }
    for (size_t i = 0; i < engram_reply_count(keys); i++) {
        size_t len;
        const char *key = engram_reply_text(engram_reply_at(keys, i), &len);
        cache_forget_key(cache, slice_of(key, len));
    }
}

static bool on_push(struct engram_conn *c, const struct engram_reply *push,
                    void *arg)
{
    struct engram_cache *cache = arg;
    struct conn_tap below = cache->below;
    cache_follow_link(cache);
    note_push(cache, push);
    return below.on_push != NULL && below.on_push(c, push, below.arg);
}

/* Closing is told nowhere else. */
static void on_settled(struct engram_conn *c, void *arg)
{
    struct engram_cache *cache = arg;
    struct conn_tap below = cache->below;
    cache_follow_link(cache);
    if (below.on_settled != NULL) {
        below.on_settled(c, below.arg);
    }
}

const struct conn_tap cache_tap = {
    .is_sole = true,
    .on_ready = on_ready,
    .on_ended = on_ended,
    .on_push = on_push,
    .on_settled = on_settled,
};
