/* cache_store: entries in two indexes and one queue.
 *
 * Entry:    one allocation: header | reply's nodes and texts | command's bytes
 * Queue:    in the order of arrival. Eviction is SIEVE (Zhang et al., NSDI
 *           2024): a hand goes from the oldest to the newest, spares what has
 *           been found since it last came by, and takes the first that has
 *           not. A find only sets a mark; nothing moves.
 * Age:      the same for all, so the oldest are the first to be too old.
 * Memory:   all of it is charged to the store's own account, which is what
 *           bytes_max bounds. */
#include "client/cache_store.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { EXPIRE_STEPS_MAX = 4 };

struct cache_entry {
    struct hash_node by_command, by_key;
    struct cache_entry *newer, *older;
    int64_t since_us;
    const struct engram_reply *reply;
    const uint8_t *command;
    uint32_t command_len;
    uint32_t key_at, key_len; /* in the command */
    bool is_visited;
    max_align_t memory[];
};
static_assert(sizeof(struct cache_entry) ==
                  offsetof(struct cache_entry, memory),
              "writing the struct leaves the memory alone");

enum status cache_store_init(struct cache_store *s,
                             const struct cache_limits *limits)
{
    s->limits = *limits;
    s->counts = (struct cache_counts){ 0 };
    s->newest = NULL;
    s->oldest = NULL;
    s->hand = NULL;
    enum status st = hash_index_init(&s->by_command, &s->account);
    if (st != ST_OK) {
        return st;
    }
    st = hash_index_init(&s->by_key, &s->account);
    if (st != ST_OK) {
        hash_index_deinit(&s->by_command);
    }
    return st;
}

void cache_store_deinit(struct cache_store *s)
{
    cache_store_clear(s);
    hash_index_deinit(&s->by_command);
    hash_index_deinit(&s->by_key);
}

/* ---- entries ---- */

static struct slice command_of(const struct cache_entry *e)
{
    return slice_of(e->command, e->command_len);
}

static struct slice key_of(const struct cache_entry *e)
{
    return slice_of(e->command + e->key_at, e->key_len);
}

static void add(struct cache_store *s, struct cache_entry *e,
                const struct cache_command *cmd)
{
    hash_index_add(&s->by_command, &e->by_command, cmd->hash);
    hash_index_add(&s->by_key, &e->by_key, cmd->key_hash);
    e->newer = NULL;
    e->older = s->newest;
    if (s->newest != NULL) {
        s->newest->newer = e;
    } else {
        s->oldest = e;
    }
    s->newest = e;
}

static void drop(struct cache_store *s, struct cache_entry *e)
{
    hash_index_remove(&s->by_command, &e->by_command);
    hash_index_remove(&s->by_key, &e->by_key);
    if (s->hand == e) {
        s->hand = e->newer;
    }
    if (e->newer != NULL) {
        e->newer->older = e->older;
    } else {
        s->newest = e->older;
    }
    if (e->older != NULL) {
        e->older->newer = e->newer;
    } else {
        s->oldest = e->newer;
    }
    mem_free(&s->account, e);
}

static struct cache_entry *find(const struct cache_store *s,
                                struct slice bytes, uint64_t hash)
{
    struct hash_node *n = hash_index_first(&s->by_command, hash);
    for (; n != NULL; n = hash_index_next(n)) {
        struct cache_entry *e =
            HASH_INDEX_ITEM(n, struct cache_entry, by_command);
        if (slice_equal(command_of(e), bytes)) {
            return e;
        }
    }
    return NULL;
}

/* ---- limits ---- */

static bool is_too_old(const struct cache_store *s, const struct cache_entry *e,
                       int64_t now_us)
{
    return s->limits.age_us_max > 0 &&
           now_us - e->since_us >= s->limits.age_us_max;
}

/* A few with each new one: what is not asked for any more need not wait for
 * the limit. */
static void expire_some(struct cache_store *s, int64_t now_us)
{
    for (int i = 0; i < EXPIRE_STEPS_MAX && s->oldest != NULL &&
                    is_too_old(s, s->oldest, now_us);
         i++) {
        drop(s, s->oldest);
        s->counts.expired++;
    }
}

static void evict_one(struct cache_store *s)
{
    struct cache_entry *e = s->hand != NULL ? s->hand : s->oldest;
    while (e->is_visited) {
        e->is_visited = false;
        e = e->newer != NULL ? e->newer : s->oldest;
    }
    s->hand = e;
    drop(s, e);
    s->counts.evicted++;
}

/* False: there is nothing left that could make room. */
static bool make_room(struct cache_store *s, size_t bytes, size_t entries)
{
    size_t max = s->limits.entries_max;
    while (mem_used(&s->account) + bytes > s->limits.bytes_max ||
           (max > 0 && s->by_command.count + entries > max)) {
        if (s->oldest == NULL) {
            return false;
        }
        evict_one(s);
    }
    return true;
}

/* ---- what others call ---- */

const struct engram_reply *cache_store_find(struct cache_store *s,
                                            struct slice bytes, uint64_t hash,
                                            int64_t now_us)
{
    struct cache_entry *e = find(s, bytes, hash);
    if (e != NULL && is_too_old(s, e, now_us)) {
        drop(s, e);
        s->counts.expired++;
        e = NULL;
    }
    if (e == NULL) {
        s->counts.misses++;
        return NULL;
    }
    s->counts.hits++;
    e->is_visited = true;
    return e->reply;
}

/* NULL: it does not fit, or there is no memory. */
static struct cache_entry *make_entry(struct cache_store *s,
                                      const struct cache_command *cmd,
                                      const struct engram_reply *reply)
{
    struct reply_size size = reply_measure(reply);
    size_t reply_bytes = reply_size_bytes(size);
    if (cmd->bytes.len > UINT32_MAX ||
        reply_bytes > s->limits.bytes_max / CACHE_SHARE_MAX) {
        return NULL;
    }
    size_t bytes = sizeof(struct cache_entry) + reply_bytes + cmd->bytes.len;
    if (bytes > s->limits.bytes_max / CACHE_SHARE_MAX ||
        !make_room(s, bytes, 1)) {
        return NULL;
    }
    struct cache_entry *e = mem_alloc(&s->account, bytes);
    if (e == NULL) {
        return NULL;
    }
    uint8_t *command = (uint8_t *)e->memory + reply_bytes;
    memcpy(command, cmd->bytes.data, cmd->bytes.len);
    *e = (struct cache_entry){
        .reply = reply_copy_to(e->memory, reply, size),
        .command = command,
        .command_len = (uint32_t)cmd->bytes.len,
        .key_at = (uint32_t)(cmd->key.data - cmd->bytes.data),
        .key_len = (uint32_t)cmd->key.len,
    };
    return e;
}

void cache_store_put(struct cache_store *s, const struct cache_command *cmd,
                     const struct engram_reply *reply, int64_t since_us)
{
    struct cache_entry *old = find(s, cmd->bytes, cmd->hash);
    if (old != NULL) {
        drop(s, old);
    }
    expire_some(s, since_us);
    struct cache_entry *e = make_entry(s, cmd, reply);
    if (e == NULL) {
        return;
    }
    e->since_us = since_us;
    add(s, e, cmd);
    s->counts.stored++;
    /* The allocator has given more than it was asked for, or the tables have
     * grown. */
    (void)make_room(s, 0, 0);
}

void cache_store_drop_key(struct cache_store *s, struct slice key,
                          uint64_t key_hash)
{
    struct hash_node *next;
    struct hash_node *n = hash_index_first(&s->by_key, key_hash);
    for (; n != NULL; n = next) {
        struct cache_entry *e = HASH_INDEX_ITEM(n, struct cache_entry, by_key);
        next = hash_index_next(n);
        if (slice_equal(key_of(e), key)) {
            drop(s, e);
            s->counts.invalidated++;
        }
    }
}

void cache_store_clear(struct cache_store *s)
{
    while (s->oldest != NULL) {
        drop(s, s->oldest);
        s->counts.invalidated++;
    }
}

void cache_store_check(const struct cache_store *s)
{
    size_t count = 0;
    bool has_hand = s->hand == NULL;
    const struct cache_entry *older = NULL;
    hash_index_check(&s->by_command);
    hash_index_check(&s->by_key);
    for (const struct cache_entry *e = s->oldest; e != NULL; e = e->newer) {
        assert(e->older == older);
        assert(find(s, command_of(e), e->by_command.hash) == e);
        assert(older == NULL || older->since_us <= e->since_us);
        has_hand = has_hand || e == s->hand;
        older = e;
        count++;
    }
    assert(s->newest == older);
    assert(has_hand);
    assert(count == s->by_command.count);
    assert(count == s->by_key.count);
    assert(mem_used(&s->account) <= s->limits.bytes_max);
    assert(s->limits.entries_max == 0 || count <= s->limits.entries_max);
}
