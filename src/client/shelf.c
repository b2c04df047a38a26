/* shelf: blocks of BLOCK_BYTES, and a block of its own for a large piece. */
#include "client/shelf.h"

#include <assert.h>

enum {
    BLOCK_BYTES = 64 * 1024,
    ALIGN_BYTES = 16,
    LARGE_BYTES = 8 * 1024, /* more would leave too much of a block unused */
};

struct shelf_block {
    struct shelf_block *next; /* while it is spare */
    size_t bytes;             /* with this header */
    size_t used;              /* cut off, the header's included */
    size_t piece_count;
};

static size_t rounded(size_t bytes)
{
    return (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
}

void shelf_init(struct shelf *s, struct mem_account *account)
{
    *s = (struct shelf){ .account = account };
}

static struct shelf_block *add_block(struct shelf *s, size_t bytes)
{
    struct shelf_block *b = mem_map(s->account, bytes);
    if (b != NULL) {
        *b = (struct shelf_block){ .bytes = bytes, .used = rounded(sizeof *b) };
    }
    return b;
}

static void drop_block(struct shelf *s, struct shelf_block *b)
{
    mem_unmap(s->account, b, b->bytes);
}

/* Has `current` room for so much? False: out of memory. */
static bool make_room(struct shelf *s, size_t bytes)
{
    if (s->current != NULL && s->current->bytes - s->current->used >= bytes) {
        return true;
    }
    struct shelf_block *b = s->spare;
    if (b != NULL) {
        s->spare = b->next;
    } else {
        b = add_block(s, BLOCK_BYTES);
    }
    if (b == NULL) {
        return false;
    }
    assert(s->current == NULL || s->current->piece_count > 0);
    s->current = b;
    return true;
}

void *shelf_alloc(struct shelf *s, size_t bytes, struct shelf_block **block)
{
    struct shelf_block *b;
    bytes = rounded(bytes);
    if (bytes > LARGE_BYTES) {
        b = add_block(s, rounded(sizeof *b) + bytes);
    } else {
        b = make_room(s, bytes) ? s->current : NULL;
    }
    if (b == NULL) {
        return NULL;
    }
    void *piece = (uint8_t *)b + b->used;
    b->used += bytes;
    b->piece_count++;
    *block = b;
    return piece;
}

void shelf_free(struct shelf *s, struct shelf_block *b)
{
    assert(b->piece_count > 0);
    if (--b->piece_count > 0) {
        return;
    }
    if (b == s->current) {
        b->used = rounded(sizeof *b);
    } else if (b->bytes == BLOCK_BYTES) {
        b->used = rounded(sizeof *b);
        b->next = s->spare;
        s->spare = b;
    } else {
        drop_block(s, b);
    }
}

void shelf_trim(struct shelf *s)
{
    while (s->spare != NULL) {
        struct shelf_block *b = s->spare;
        s->spare = b->next;
        drop_block(s, b);
    }
    if (s->current != NULL && s->current->piece_count == 0) {
        drop_block(s, s->current);
        s->current = NULL;
    }
}
