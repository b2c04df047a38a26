/* chain: the slow paths, and what walks the list.
 *
 * Layout: a chunk is a header and its bytes in one allocation of CHUNK_BYTES,
 * kept by the pool when it is free. Behind a pinned value a small chunk stands
 * instead, since what follows is often just CRLF and the next value's header;
 * a pipeline of pinned values would otherwise hold a whole chunk for each.
 *
 * When memory is out, or a limit reached, the chain is marked failed and
 * swallows what it is given: writers need no check, the owner looks once and
 * closes. The limit is looked at where a chunk is wanted, so that it costs small
 * writes nothing. */
#include "base/chain.h"

#include <assert.h>
#include <string.h>

enum { SMALL_CHUNK_BYTES = 512 };

static_assert(CHUNK_BYTES - sizeof(struct chunk) >= CHUNK_BYTES / 2,
              "a chunk holds the largest reservation");

void chunk_pool_init(struct chunk_pool *pool, struct mem_account *a)
{
    pool->account = a;
    pool->free_chunks = NULL;
    pool->free_count = 0;
    pool->free_max = CHUNK_POOL_MAX;
    pool->is_mapped = false;
}

void chunk_pool_init_mapped(struct chunk_pool *pool, struct mem_account *a)
{
    chunk_pool_init(pool, a);
    pool->free_max = UINT32_MAX;
    pool->is_mapped = true;
    node_pool_init(&pool->pins, a, sizeof(struct chunk));
}

static inline bool is_whole(const struct chunk *c)
{
    return c->cap == CHUNK_BYTES - sizeof *c;
}

static void chunk_free(struct chunk_pool *pool, struct chunk *c)
{
    if (pool->is_mapped && is_whole(c)) {
        mem_unmap(pool->account, c, CHUNK_BYTES);
    } else if (pool->is_mapped && c->cap == 0) {
        node_release(&pool->pins, c);
    } else {
        mem_free(pool->account, c);
    }
}

void chunk_pool_trim(struct chunk_pool *pool, uint32_t keep)
{
    while (pool->free_count > keep) {
        struct chunk *c = pool->free_chunks;
        pool->free_chunks = c->next;
        pool->free_count--;
        chunk_free(pool, c);
    }
    if (pool->is_mapped) {
        node_pool_trim(&pool->pins, 0);
    }
}

void chunk_pool_deinit(struct chunk_pool *pool)
{
    chunk_pool_trim(pool, 0);
    assert(pool->free_chunks == NULL);
}

static struct chunk *chunk_acquire(struct chunk_pool *pool, size_t chunk_bytes)
{
    struct chunk *c = pool->free_chunks;
    if (chunk_bytes == CHUNK_BYTES && c != NULL) {
        pool->free_chunks = c->next;
        pool->free_count--;
    } else {
        c = pool->is_mapped && chunk_bytes == CHUNK_BYTES
                ? mem_map(pool->account, chunk_bytes)
                : mem_alloc(pool->account, chunk_bytes);
        if (c == NULL) {
            return NULL;
        }
        c->cap = (uint32_t)(chunk_bytes - sizeof *c);
        c->data = c->bytes;
    }
    c->next = NULL;
    c->len = 0;
    return c;
}

static void chunk_release(struct chunk_pool *pool, struct chunk *c)
{
    if (c->cap == 0) {
        c->release(c->release_arg);
    }
    if (is_whole(c) && pool->free_count < pool->free_max) {
        c->next = pool->free_chunks;
        pool->free_chunks = c;
        pool->free_count++;
        return;
    }
    chunk_free(pool, c);
}

static inline size_t chunk_len(const struct chunk *c)
{
    return c->cap == 0 ? c->pinned_len : c->len;
}

static void push_chunk(struct chain *c, struct chunk *k)
{
    if (c->tail == NULL) {
        c->head = k;
    } else {
        c->tail->next = k;
    }
    c->tail = k;
}

static void pop_chunk(struct chain *c)
{
    struct chunk *k = c->head;
    c->head = k->next;
    c->head_sent = 0;
    if (c->head == NULL) {
        c->tail = NULL;
    }
    chunk_release(c->pool, k);
}

uint64_t chain_bytes_max(const struct chain *c)
{
    return c->bytes_max == NULL
               ? 0 : atomic_load_explicit(c->bytes_max, memory_order_relaxed);
}

static bool is_at_limit(const struct chain *c)
{
    uint64_t bytes_max = chain_bytes_max(c);
    return bytes_max > 0 && c->bytes >= bytes_max;
}

/* A fresh chunk for at least `n` bytes at the tail; false: it has failed. */
static bool grow(struct chain *c, size_t n)
{
    if (c->tail != NULL && is_at_limit(c)) {
        c->failed = CHAIN_TOO_LONG;
        return false;
    }
    bool is_after_pin = c->tail != NULL && c->tail->cap == 0;
    bool is_small = is_after_pin && n <= SMALL_CHUNK_BYTES / 4;
    struct chunk *k =
        chunk_acquire(c->pool, is_small ? SMALL_CHUNK_BYTES : CHUNK_BYTES);
    if (k == NULL) {
        c->failed = CHAIN_NO_MEMORY;
        return false;
    }
    push_chunk(c, k);
    return true;
}

void chain_init(struct chain *c, struct chunk_pool *pool)
{
    *c = (struct chain){ .pool = pool };
}

void chain_deinit(struct chain *c)
{
    while (c->head != NULL) {
        pop_chunk(c);
    }
    c->bytes = 0;
}

uint8_t *chain_reserve_slow(struct chain *c, size_t n)
{
    assert(n <= CHUNK_BYTES / 2);
    if (c->failed || !grow(c, n)) {
        return c->pool->scratch;
    }
    return c->tail->bytes;
}

void chain_append(struct chain *c, const void *data, size_t len)
{
    const uint8_t *from = data;
    while (len > 0 && !c->failed) {
        struct chunk *t = c->tail;
        size_t room = t == NULL || t->cap == 0 ? 0 : t->cap - t->len;
        if (room == 0) {
            (void)grow(c, len);
            continue;
        }
        size_t part = len < room ? len : room;
        memcpy(t->bytes + t->len, from, part);
        t->len += (uint32_t)part;
        c->bytes += part;
        from += part;
        len -= part;
    }
}

void chain_pin(struct chain *c, const void *data, size_t len,
               chain_release_fn *release, void *arg)
{
    assert(release != NULL);
    struct chunk *k = NULL;
    if (!c->failed && len > 0) {
        k = c->pool->is_mapped ? node_acquire(&c->pool->pins)
                               : mem_alloc(c->pool->account, sizeof *k);
        c->failed = k == NULL ? CHAIN_NO_MEMORY : CHAIN_SOUND;
    }
    if (k == NULL) {
        release(arg);
        return;
    }
    *k = (struct chunk){ .data = data,
                         .pinned_len = len,
                         .release = release,
                         .release_arg = arg };
    push_chunk(c, k);
    c->bytes += len;
}

/* Is it better to copy than to link? A deferred array of a few elements would
 * otherwise bring a whole chunk for some dozen bytes. */
static bool is_worth_copying(const struct chain *c)
{
    return c->head != NULL && c->head == c->tail && c->head->cap != 0 &&
           c->bytes <= CHUNK_BYTES / 4;
}

void chain_splice(struct chain *to, struct chain *from)
{
    assert(to->pool == from->pool);
    assert(to != from);
    assert(from->head_sent == 0);
    if (!to->failed) {
        to->failed = from->failed;
    }
    if (to->failed || is_worth_copying(from)) {
        if (from->head != NULL) {
            chain_append(to, from->head->data, chunk_len(from->head));
        }
        chain_deinit(from);
    } else if (from->head != NULL) {
        push_chunk(to, from->head);
        to->tail = from->tail;
        to->bytes += from->bytes;
    }
    *from = (struct chain){ .pool = from->pool };
}

void chain_rollback(struct chain *c, struct chain_mark mark)
{
    struct chunk *k = mark.tail == NULL ? c->head : mark.tail->next;
    if (mark.tail == NULL) {
        c->head = NULL;
    } else {
        mark.tail->next = NULL;
        mark.tail->len = mark.len;
    }
    c->tail = mark.tail;
    c->bytes = mark.bytes;
    c->failed = CHAIN_SOUND;
    while (k != NULL) {
        struct chunk *next = k->next;
        chunk_release(c->pool, k);
        k = next;
    }
}

int chain_vectors(const struct chain *c, struct iovec *out, int max)
{
    int count = 0;
    size_t skip = c->head_sent;
    const struct chunk *k = c->head;
    for (; k != NULL && count < max; k = k->next) {
        size_t len = chunk_len(k) - skip;
        if (len > 0) {
            /* iovec serves reading too, so its pointer is not const. */
            out[count].iov_base = (void *)(uintptr_t)(k->data + skip);
            out[count].iov_len = len;
            count++;
        }
        skip = 0;
    }
    return count;
}

void chain_consume(struct chain *c, size_t n)
{
    assert(n <= c->bytes);
    c->bytes -= n;
    while (c->head != NULL) {
        size_t left = chunk_len(c->head) - c->head_sent;
        if (n < left) {
            c->head_sent += n;
            return;
        }
        n -= left;
        pop_chunk(c);
    }
    assert(n == 0);
    assert(c->bytes == 0);
}
