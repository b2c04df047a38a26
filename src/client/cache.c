/* cache: replies kept beside a connection: what the program calls.
 *
 * A reply may be kept if its command was sent behind CLIENT TRACKING on the
 * same link, which the server has granted, and if since it was sent nothing has
 * said that its key changed. For that an ask, a command on its way, stands in
 * an index by its key, where an invalidation marks it, and has the number of
 * the cache's generation, which changes whenever everything is forgotten. A
 * server whose threads let a push overtake a reply does no harm.
 *
 * Memory: entries on the store's account, all else on the connection's. A cache
 * that is destroyed while asks are on their way is freed with the last. */
#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "client/cache_priv.h"
#include "client/encode.h"
#include "client/sized.h"

enum {
    MAX_BYTES_MIN = 4096,
    LOOKUP_STACK_BYTES = 512,
    TRACKING_WORDS_MAX = 6, /* CLIENT TRACKING ON, and one for each flag */
    CACHING_BYTES =
        sizeof "*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n",
    FLAGS_ALL =
        ENGRAM_CACHE_BROADCAST | ENGRAM_CACHE_OPT_IN | ENGRAM_CACHE_NO_LOOP,
};

/* ---- making one ---- */

void engram_cache_options_init_sized(struct engram_cache_options *o,
                                     size_t size)
{
    const struct engram_cache_options defaults = {
        .size = size,
        .max_bytes = 64 * 1024 * 1024,
        .check_ms = 10000,
    };
    sized_fill(o, size, &defaults, sizeof defaults);
}

static bool read_options(struct engram_cache_options *to,
                         const struct engram_cache_options *from)
{
    engram_cache_options_init(to);
    if (from == NULL) {
        return true;
    }
    if (!sized_take(to, sizeof *to, from, from->size)) {
        return false;
    }
    bool is_broadcast = to->flags & ENGRAM_CACHE_BROADCAST;
    return (to->flags & ~(uint32_t)FLAGS_ALL) == 0 &&
           !(is_broadcast && (to->flags & ENGRAM_CACHE_OPT_IN)) &&
           (is_broadcast || to->prefix_count == 0) &&
           (to->prefix_count == 0 || to->prefixes != NULL) &&
           to->max_bytes >= MAX_BYTES_MIN && to->max_age_ms >= 0 &&
           to->check_ms >= 0;
}

/* The pointers to the words, then the prefixes' texts. */
static bool make_words(struct engram_cache *cache)
{
    const struct engram_cache_options *o = &cache->options;
    size_t bytes = (TRACKING_WORDS_MAX + 2 * o->prefix_count) *
                   sizeof cache->words[0];
    size_t texts_at = bytes;
    for (size_t i = 0; i < o->prefix_count; i++) {
        bytes += strlen(o->prefixes[i]) + 1;
    }
    cache->words = mem_alloc(&cache->conn->account, bytes);
    if (cache->words == NULL) {
        return false;
    }
    size_t n = 0;
    cache->words[n++] = "CLIENT";
    cache->words[n++] = "TRACKING";
    cache->words[n++] = "ON";
    if (o->flags & ENGRAM_CACHE_BROADCAST) {
        cache->words[n++] = "BCAST";
    }
    if (o->flags & ENGRAM_CACHE_OPT_IN) {
        cache->words[n++] = "OPTIN";
    }
    if (o->flags & ENGRAM_CACHE_NO_LOOP) {
        cache->words[n++] = "NOLOOP";
    }
    cache->first_prefix = n + 1;
    char *text = (char *)cache->words + texts_at;
    for (size_t i = 0; i < o->prefix_count; i++) {
        size_t len = strlen(o->prefixes[i]);
        memcpy(text, o->prefixes[i], len + 1);
        cache->words[n++] = "PREFIX";
        cache->words[n++] = text;
        text += len + 1;
    }
    cache->word_count = n;
    return true;
}

static enum engram_status init_body(struct engram_cache *cache,
                                    struct engram_conn *c)
{
    const struct engram_cache_options *o = &cache->options;
    struct cache_limits limits = {
        .bytes_max = o->max_bytes,
        .entries_max = o->max_entries,
        .age_us_max = (int64_t)o->max_age_ms * 1000,
    };
    cache->conn = c;
    cache->epoch = c->epoch;
    cache->seed.k0 = random_next(&c->random);
    cache->seed.k1 = random_next(&c->random);
    mem_account_init(&cache->store.account);
    cache->store.account.fail_after = c->env.fail_after;
    if (!make_words(cache)) {
        return ENGRAM_NOMEM;
    }
    if (hash_index_init(&cache->asks, &c->account) != ST_OK) {
        goto free_words;
    }
    if (cache_store_init(&cache->store, &limits) != ST_OK) {
        goto deinit_asks;
    }
    return ENGRAM_OK;

deinit_asks:
    hash_index_deinit(&cache->asks);
free_words:
    mem_free(&c->account, cache->words);
    return ENGRAM_NOMEM;
}

struct engram_cache *
engram_cache_create(struct engram_conn *c,
                    const struct engram_cache_options *o,
                    enum engram_status *st)
{
    enum engram_status unasked;
    struct engram_cache_options options;
    st = st == NULL ? &unasked : st;
    if (!read_options(&options, o) || c->tap.is_sole) {
        *st = ENGRAM_INVALID;
        return NULL;
    }
    struct engram_cache *cache = mem_alloc_zeroed(&c->account, sizeof *cache);
    if (cache == NULL) {
        *st = ENGRAM_NOMEM;
        return NULL;
    }
    cache->options = options;
    *st = init_body(cache, c);
    if (*st != ENGRAM_OK) {
        mem_free(&c->account, cache);
        return NULL;
    }
    cache->below = c->tap;
    c->tap = cache_tap;
    c->tap.arg = cache;
    cache_begin_tracking(cache);
    return cache;
}

void engram_cache_destroy(struct engram_cache **pointer)
{
    struct engram_cache *cache = *pointer;
    *pointer = NULL;
    if (cache == NULL) {
        return;
    }
    struct engram_conn *c = cache->conn;
    assert(c->tap.arg == cache);
    c->tap = cache->below;
    if (cache->options.check_ms > 0) {
        conn_set_alarm(c, REQUEST_NO_DEADLINE, NULL, NULL);
    }
    cache_store_deinit(&cache->store);
    cache->is_destroyed = true;
    cache->in_flight++;
    cache_leave_flight(cache);
}

/* ---- looking ---- */

/* The clock is looked at only where somebody's age counts. */
static void refresh_age(struct engram_cache *cache)
{
    if (cache->options.max_age_ms > 0) {
        conn_refresh_now(cache->conn);
    }
}

static const struct engram_reply *find(struct engram_cache *cache,
                                       const struct encode_source *s,
                                       const struct encode_size *size,
                                       uint8_t *buffer)
{
    struct engram_conn *c = cache->conn;
    encode_to_memory(s, size, buffer);
    refresh_age(cache);
    return cache_store_find(&cache->store, slice_of(buffer, size->bytes),
                            hash_keyed(&cache->seed, buffer, size->bytes),
                            c->now_us);
}

static const struct engram_reply *look_up(struct engram_cache *cache,
                                          const struct encode_source *s)
{
    struct encode_size size;
    uint8_t small[LOOKUP_STACK_BYTES];
    cache_follow_link(cache);
    if (cache->tracking != TRACKING_ON || !encode_measure(s, &size)) {
        cache->store.counts.misses++;
        return NULL;
    }
    if (size.bytes <= sizeof small) {
        return find(cache, s, &size, small);
    }
    struct mem_account *account = &cache->conn->account;
    uint8_t *large = mem_alloc(account, size.bytes);
    if (large == NULL) {
        cache->store.counts.misses++;
        return NULL;
    }
    const struct engram_reply *r = find(cache, s, &size, large);
    mem_free(account, large);
    return r;
}

const struct engram_reply *engram_cache_lookup(struct engram_cache *cache,
                                               const char *format, ...)
{
    struct format f;
    va_list values;
    va_start(values, format);
    format_init(&f, format, values);
    va_end(values);
    struct encode_source s = { .format = &f };
    const struct engram_reply *r = look_up(cache, &s);
    format_deinit(&f);
    return r;
}

const struct engram_reply *
engram_cache_lookup_argv(struct engram_cache *cache, size_t argc,
                         const char *const *argv, const size_t *lens)
{
    struct encode_source s = { .argc = argc, .argv = argv, .lens = lens };
    return look_up(cache, &s);
}

/* ---- asking ---- */

static_assert(sizeof(struct ask) == offsetof(struct ask, bytes),
              "writing the struct leaves the bytes alone");

static void ask_destroy(struct ask *ask)
{
    struct engram_cache *cache = ask->cache;
    mem_free(&cache->conn->account, ask);
    cache_leave_flight(cache);
}

static void keep(struct engram_cache *cache, const struct ask *ask,
                 enum engram_status st, const struct engram_reply *reply)
{
    if (st != ENGRAM_OK || cache->tracking != TRACKING_ON ||
        engram_reply_is_error(reply)) {
        return;
    }
    if (ask->is_stale || ask->generation != cache->generation) {
        cache->raced++;
        return;
    }
    cache_store_put(&cache->store, &ask->command, reply, ask->sent_us);
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct ask *ask = arg;
    struct engram_cache *cache = ask->cache;
    engram_reply_fn *told = ask->on_reply;
    void *told_arg = ask->arg;
    hash_index_remove(&cache->asks, &ask->by_key);
    c->kept_bytes -= ask->command.bytes.len;
    if (!cache->is_destroyed) {
        cache_follow_link(cache);
        keep(cache, ask, st, reply);
    }
    ask_destroy(ask);
    if (told != NULL) {
        told(c, st, reply, told_arg);
    }
}

/* Argument `at` of an encoded request. */
static struct slice argument_of(struct slice request, size_t at)
{
    const uint8_t *line = request.data;
    const uint8_t *end = request.data + request.len;
    for (;;) {
        int64_t len = 0;
        const uint8_t *cr = memchr(line, '\r', (size_t)(end - line));
        line = cr + 2;
        const uint8_t *next = memchr(line, '\r', (size_t)(end - line));
        bool is_number = number_parse_int64(
            slice_of(line + 1, (size_t)(next - line - 1)), &len);
        assert(is_number);
        (void)is_number;
        if (at-- == 0) {
            return slice_of(next + 2, (size_t)len);
        }
        line = next + 2 + len;
    }
}

/* NULL: out of memory. */
static struct ask *ask_create(struct engram_cache *cache,
                              const struct encode_source *s,
                              const struct encode_size *size, size_t key_at)
{
    struct ask *ask =
        mem_alloc(&cache->conn->account, sizeof *ask + size->bytes);
    if (ask == NULL) {
        return NULL;
    }
    encode_to_memory(s, size, ask->bytes);
    struct slice bytes = slice_of(ask->bytes, size->bytes);
    struct slice key = argument_of(bytes, key_at);
    refresh_age(cache);
    *ask = (struct ask){
        .cache = cache,
        .generation = cache->generation,
        .sent_us = cache->conn->now_us,
        .command = {
            .bytes = bytes,
            .hash = hash_keyed(&cache->seed, bytes.data, bytes.len),
            .key = key,
            .key_hash = hash_keyed(&cache->seed, key.data, key.len),
        },
    };
    cache->in_flight++;
    return ask;
}

/* Will the server say when the key changes? */
static bool is_covered(const struct engram_cache *cache, struct slice key)
{
    if (cache->options.prefix_count == 0) {
        return true;
    }
    for (size_t i = cache->first_prefix; i < cache->word_count; i += 2) {
        size_t len = strlen(cache->words[i]);
        if (key.len >= len && memcmp(key.data, cache->words[i], len) == 0) {
            return true;
        }
    }
    return false;
}

/* Says that the next command's key is to be tracked. False: there is no room
 * for both. */
static bool opt_in(struct engram_cache *cache, size_t bytes)
{
    struct engram_conn *c = cache->conn;
    if (!(cache->options.flags & ENGRAM_CACHE_OPT_IN)) {
        return true;
    }
    return conn_has_room(c, 2, bytes + CACHING_BYTES) &&
           engram_send(c, NULL, NULL, NULL, "CLIENT CACHING YES") == ENGRAM_OK;
}

/* Could the reply of a command that is sent now be kept? */
static bool may_keep(struct engram_cache *cache, const struct engram_how *how)
{
    cache_begin_tracking(cache);
    return (cache->tracking == TRACKING_ASKED ||
            cache->tracking == TRACKING_ON) &&
           !cache->conn->is_in_multi && (how == NULL || how->on_event == NULL);
}

static enum engram_status send_source(struct engram_cache *cache, size_t key_at,
                                      const struct engram_how *how,
                                      engram_reply_fn *told, void *told_arg,
                                      const struct encode_source *s)
{
    struct engram_conn *c = cache->conn;
    struct encode_size size;
    key_at = key_at == 0 ? 1 : key_at;
    if (!encode_measure(s, &size) || key_at >= size.argc) {
        return ENGRAM_INVALID;
    }
    cache_follow_link(cache);
    if (!may_keep(cache, how)) {
        return conn_send_source(c, how, told, told_arg, s);
    }
    struct ask *ask = ask_create(cache, s, &size, key_at);
    if (ask == NULL) {
        return ENGRAM_NOMEM;
    }
    if (!is_covered(cache, ask->command.key) || !opt_in(cache, size.bytes)) {
        ask_destroy(ask);
        return conn_send_source(c, how, told, told_arg, s);
    }
    ask->on_reply = told;
    ask->arg = told_arg;
    enum engram_status st = conn_send_source(c, how, on_reply, ask, s);
    if (st != ENGRAM_OK) {
        ask_destroy(ask);
        return st;
    }
    /* The copy counts as the connection's while it waits, so that its limit
     * bounds it. */
    c->kept_bytes += size.bytes;
    hash_index_add(&cache->asks, &ask->by_key, ask->command.key_hash);
    return ENGRAM_OK;
}

enum engram_status engram_cache_send(struct engram_cache *cache, size_t key_at,
                                     const struct engram_how *how,
                                     engram_reply_fn *told, void *told_arg,
                                     const char *format, ...)
{
    struct format f;
    va_list values;
    va_start(values, format);
    format_init(&f, format, values);
    va_end(values);
    struct encode_source s = { .format = &f };
    enum engram_status st =
        send_source(cache, key_at, how, told, told_arg, &s);
    format_deinit(&f);
    return st;
}

enum engram_status engram_cache_send_argv(struct engram_cache *cache,
                                          size_t key_at,
                                          const struct engram_how *how,
                                          engram_reply_fn *told, void *told_arg,
                                          size_t argc, const char *const *argv,
                                          const size_t *lens)
{
    struct encode_source s = { .argc = argc, .argv = argv, .lens = lens };
    return send_source(cache, key_at, how, told, told_arg, &s);
}

/* ---- the rest of what the program calls ---- */

int engram_cache_is_active(const struct engram_cache *cache)
{
    return cache->tracking == TRACKING_ON &&
           cache->epoch == cache->conn->epoch && cache->conn->protocol == 3;
}

const char *engram_cache_error(const struct engram_cache *cache)
{
    return cache->error;
}

void engram_cache_forget(struct engram_cache *cache, const void *key,
                         size_t len)
{
    cache_forget_key(cache, slice_of(key, len));
}

void engram_cache_clear(struct engram_cache *cache)
{
    cache_forget_all(cache);
}

void engram_cache_counters(const struct engram_cache *cache,
                           struct engram_cache_counters *out, size_t size)
{
    const struct cache_counts *n = &cache->store.counts;
    struct engram_cache_counters now = {
        .bytes = mem_used(&cache->store.account),
        .entries = cache->store.by_command.count,
        .hits = n->hits,
        .misses = n->misses,
        .stored = n->stored,
        .evicted = n->evicted,
        .expired = n->expired,
        .invalidated = n->invalidated,
        .raced = cache->raced,
    };
    sized_fill(out, size, &now, sizeof now);
}
