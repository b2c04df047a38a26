/* chain: bytes on their way out, as a list of chunks that are freed as the
 * kernel takes them. Small writes are copied into chunks of CHUNK_BYTES drawn
 * from the worker's pool; a large value is not copied but pinned: the chain
 * borrows its bytes and calls `release` when they have left.
 *
 * Bytes already in the chain never move: a chunk handed to the kernel stays
 * where it is while more is appended behind it.
 *
 * Threads: pool and chains belong to one worker. */
#ifndef ENGRAM_BASE_CHAIN_H
#define ENGRAM_BASE_CHAIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "base/nodes.h"
#include "base/slice.h"
#include "base/status.h"

enum {
    CHUNK_BYTES = 16 * 1024, /* whole chunk, its header included */
    CHUNK_POOL_MAX = 64,     /* free chunks kept by a pool that has no owner to
                                trim it */
};

typedef void chain_release_fn(void *arg);

struct chunk {
    struct chunk *next;
    const uint8_t *data; /* == bytes, or the pinned bytes */
    uint32_t len;        /* bytes filled; pinned: see pinned_len */
    uint32_t cap;        /* 0: pinned */
    size_t pinned_len;
    chain_release_fn *release;
    void *release_arg;
    uint8_t bytes[];
};

struct chunk_pool {
    struct mem_account *account;
    struct chunk *free_chunks;
    uint32_t free_count, free_max;
    bool is_mapped;
    struct node_pool pins; /* where chunks are mapped: those of pinned bytes */
    /* Lent by chain_reserve when it fails; nobody reads it. */
    uint8_t scratch[CHUNK_BYTES / 2];
};

/* Why a chain takes no more; its owner must close. */
enum chain_failure {
    CHAIN_SOUND,
    CHAIN_NO_MEMORY,
    CHAIN_TOO_LONG,
};

struct chain {
    struct chunk_pool *pool;
    struct chunk *head, *tail;
    size_t head_sent; /* bytes of head already taken */
    size_t bytes;     /* still to be sent */
    uint8_t failed;   /* enum chain_failure */
    /* From so many bytes on it wants no more chunks, but fails. Any thread may
     * change the number; 0, and no number, is no limit. */
    const _Atomic(uint64_t) *bytes_max;
};

void chunk_pool_init(struct chunk_pool *pool, struct mem_account *a);
/* Chunks are mapped (see mem_map) and kept until the owner trims the pool, but for
 * the small ones behind a pin. */
void chunk_pool_init_mapped(struct chunk_pool *pool, struct mem_account *a);
void chunk_pool_deinit(struct chunk_pool *pool);
/* Gives back free chunks until at most `keep` are left. */
void chunk_pool_trim(struct chunk_pool *pool, uint32_t keep);

void chain_init(struct chain *c, struct chunk_pool *pool);
/* Frees all chunks, releases all pins. */
void chain_deinit(struct chain *c);
/* 0: no limit. */
uint64_t chain_bytes_max(const struct chain *c);

/* Room for `n` contiguous bytes (n <= CHUNK_BYTES / 2), to be followed by
 * chain_commit of what was really written. Never NULL: when it fails it
 * sets `failed` and lends a scratch area whose bytes are dropped. */
static inline uint8_t *chain_reserve(struct chain *c, size_t n);
static inline void chain_commit(struct chain *c, size_t n);

/* What fits behind the last byte without another chunk. */
static inline size_t chain_room(const struct chain *c)
{
    return c->tail == NULL ? 0 : c->tail->cap - c->tail->len;
}

/* Copies any number of bytes. */
void chain_append(struct chain *c, const void *data, size_t len);
/* Borrows `len` bytes until `release(arg)` is called, which happens exactly
 * once, also when this fails for memory. */
void chain_pin(struct chain *c, const void *data, size_t len,
               chain_release_fn *release, void *arg);
/* Moves everything in `from` to the end of `to` (same pool). */
void chain_splice(struct chain *to, struct chain *from);

/* Where the chain ends now; chain_rollback takes off what has been appended or
 * pinned since, and the failure that came of it. Nothing may have been consumed
 * or spliced meanwhile. */
struct chain_mark {
    struct chunk *tail;
    uint32_t len;
    size_t bytes;
};
static inline struct chain_mark chain_mark(const struct chain *c);
void chain_rollback(struct chain *c, struct chain_mark mark);

/* Fills at most `max` vectors with the bytes still to be sent; how many. */
int chain_vectors(const struct chain *c, struct iovec *out, int max);
/* `n` bytes have left (n <= bytes). An empty chain keeps no chunk. */
void chain_consume(struct chain *c, size_t n);

uint8_t *chain_reserve_slow(struct chain *c, size_t n);

static inline uint8_t *chain_reserve(struct chain *c, size_t n)
{
    struct chunk *t = c->tail;
    if (__builtin_expect(t != NULL && t->cap - t->len >= n && t->cap != 0, 1)) {
        return t->bytes + t->len;
    }
    return chain_reserve_slow(c, n);
}

static inline void chain_commit(struct chain *c, size_t n)
{
    if (__builtin_expect(c->failed, 0)) {
        return;
    }
    c->tail->len += (uint32_t)n;
    c->bytes += n;
}

static inline struct chain_mark chain_mark(const struct chain *c)
{
    return (struct chain_mark){
        .tail = c->tail,
        .len = c->tail == NULL ? 0 : c->tail->len,
        .bytes = c->bytes,
    };
}

#endif
