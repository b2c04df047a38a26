/* arena: memory that is taken piece by piece and given back all at once, for the
 * tree of one reply. It has a limit. */
#ifndef ENGRAM_CLIENT_ARENA_H
#define ENGRAM_CLIENT_ARENA_H

#include "base/mem.h"
#include "base/status.h"

struct arena_block;

struct arena {
    struct mem_account *account;
    struct arena_block *small; /* pieces are cut from the first of these */
    struct arena_block *large; /* each is one piece */
    size_t used_bytes;         /* of all blocks */
    size_t bytes_max;
};

void arena_init(struct arena *a, struct mem_account *account, size_t bytes_max);
/* Gives everything back but one small block, if `keep`. */
void arena_reset(struct arena *a, bool keep);

/* Aligned for any type. ST_NOMEM; ST_RANGE: over the limit. */
STATUS_CHECKED enum status arena_alloc(struct arena *a, size_t bytes,
                                       void **out);
/* Makes a piece of `old_bytes` larger; it may move. On an error it is as it
 * was. */
STATUS_CHECKED enum status arena_grow(struct arena *a, void **piece,
                                      size_t old_bytes, size_t bytes);

#endif
