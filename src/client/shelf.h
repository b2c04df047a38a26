/* shelf: pieces that are freed in about the order in which they were had, as
 * commands are answered. They are cut one behind the other from mapped blocks,
 * and a block is free when its last piece is: so a burst's memory can go back to
 * the system, which as pieces of the process's heap it seldom does. */
#ifndef ENGRAM_CLIENT_SHELF_H
#define ENGRAM_CLIENT_SHELF_H

#include "base/mem.h"

struct shelf_block;

struct shelf {
    struct mem_account *account;
    struct shelf_block *current; /* where the next piece is cut; may be NULL */
    struct shelf_block *spare;   /* free ones */
};

void shelf_init(struct shelf *s, struct mem_account *account);
/* Aligned to 16; *block is to be remembered. NULL: out of memory. */
void *shelf_alloc(struct shelf *s, size_t bytes, struct shelf_block **block);
/* A piece of this block. */
void shelf_free(struct shelf *s, struct shelf_block *block);
/* Gives back all blocks without pieces. */
void shelf_trim(struct shelf *s);

#endif
