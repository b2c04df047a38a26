/* arena: small pieces are cut from blocks of SMALL_BLOCK_BYTES; a piece of more
 * than LARGE_PIECE_BYTES has a block of its own, so that it can grow by realloc
 * instead of leaving its old self behind. */
#include "client/arena.h"

#include <assert.h>
#include <string.h>

enum {
    SMALL_BLOCK_BYTES = 4096,
    LARGE_PIECE_BYTES = 1024,
    ALIGN_BYTES = 16,
};

struct arena_block {
    struct arena_block *prev, *next;
    size_t bytes; /* with this header */
    size_t used;  /* small: bytes cut off, the header's included */
    _Alignas(ALIGN_BYTES) uint8_t data[];
};

static size_t rounded(size_t bytes)
{
    return (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
}

void arena_init(struct arena *a, struct mem_account *account, size_t bytes_max)
{
    *a = (struct arena){ .account = account, .bytes_max = bytes_max };
}

static void free_blocks(struct arena *a, struct arena_block *b)
{
    while (b != NULL) {
        struct arena_block *next = b->next;
        mem_free(a->account, b);
        b = next;
    }
}

void arena_reset(struct arena *a, bool keep)
{
    free_blocks(a, a->large);
    a->large = NULL;
    a->used_bytes = 0;
    if (!keep || a->small == NULL) {
        free_blocks(a, a->small);
        a->small = NULL;
        return;
    }
    free_blocks(a, a->small->next);
    a->small->next = NULL;
    a->small->used = sizeof *a->small;
    a->used_bytes = a->small->bytes;
}

static bool is_over(const struct arena *a, size_t more)
{
    return more > a->bytes_max || a->used_bytes > a->bytes_max - more;
}

static enum status add_block(struct arena *a, size_t bytes,
                             struct arena_block **list)
{
    if (is_over(a, bytes)) {
        return ST_RANGE;
    }
    struct arena_block *b = mem_alloc(a->account, bytes);
    if (b == NULL) {
        return ST_NOMEM;
    }
    *b = (struct arena_block){ .next = *list,
                               .bytes = bytes,
                               .used = sizeof *b };
    if (*list != NULL) {
        (*list)->prev = b;
    }
    *list = b;
    a->used_bytes += bytes;
    return ST_OK;
}

enum status arena_alloc(struct arena *a, size_t bytes, void **out)
{
    if (bytes > LARGE_PIECE_BYTES) {
        if (bytes > PTRDIFF_MAX / 2) {
            return ST_RANGE;
        }
        enum status st =
            add_block(a, bytes + sizeof(struct arena_block), &a->large);
        if (st == ST_OK) {
            *out = a->large->data;
        }
        return st;
    }
    bytes = rounded(bytes);
    if (a->small == NULL || a->small->bytes - a->small->used < bytes) {
        enum status st = add_block(a, SMALL_BLOCK_BYTES, &a->small);
        if (st != ST_OK) {
            return st;
        }
    }
    *out = (uint8_t *)a->small + a->small->used;
    a->small->used += bytes;
    return ST_OK;
}

/* `piece` has a block of its own. */
static enum status grow_large(struct arena *a, void **piece, size_t bytes)
{
    struct arena_block *b =
        (struct arena_block *)((uint8_t *)*piece - sizeof *b);
    if (bytes > PTRDIFF_MAX / 2) {
        return ST_RANGE;
    }
    size_t old_bytes = b->bytes;
    bytes += sizeof *b;
    if (is_over(a, bytes - old_bytes)) {
        return ST_RANGE;
    }
    struct arena_block *moved = mem_realloc(a->account, b, bytes);
    if (moved == NULL) {
        return ST_NOMEM;
    }
    moved->bytes = bytes;
    a->used_bytes += bytes - old_bytes;
    if (moved->prev == NULL) {
        a->large = moved;
    } else {
        moved->prev->next = moved;
    }
    if (moved->next != NULL) {
        moved->next->prev = moved;
    }
    *piece = moved->data;
    return ST_OK;
}

enum status arena_grow(struct arena *a, void **piece, size_t old_bytes,
                       size_t bytes)
{
    assert(bytes >= old_bytes);
    if (old_bytes > LARGE_PIECE_BYTES) {
        return grow_large(a, piece, bytes);
    }
    void *grown;
    enum status st = arena_alloc(a, bytes, &grown);
    if (st == ST_OK) {
        if (old_bytes > 0) {
            memcpy(grown, *piece, old_bytes);
        }
        *piece = grown;
    }
    return st;
}
