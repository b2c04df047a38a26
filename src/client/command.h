/* command: a request with a life of its own, put together by the caller or made
 * because it may have to be sent again. Its bytes are pinned in the chain and not
 * copied, but for small parts of one that is sent only once.
 *
 * References: one of whoever holds it (the caller, later its request if it is
 * kept), and one for each part that is pinned in a chain. */
#ifndef ENGRAM_CLIENT_COMMAND_H
#define ENGRAM_CLIENT_COMMAND_H

#include <engram/engram.h>

#include "base/chain.h"
#include "client/encode.h"
#include "client/shelf.h"

/* An argument of the caller's memory; in front of it go the command's own bytes
 * up to `own_end`. */
struct command_borrowed {
    size_t own_end;
    struct slice data;
    engram_release_fn *release;
    void *release_arg;
};

struct engram_command {
    struct mem_account *account;
    /* Bytes of kept commands that stand in no chain; see command_keep. */
    size_t *kept_bytes;
    uint32_t refs;
    uint32_t pins; /* of the refs, those of chains */
    bool is_kept;
    size_t argc;
    size_t bytes; /* of the arguments; with the header once it is sealed */
    uint8_t *own;
    size_t own_len, own_cap;
    struct command_borrowed *borrowed;
    size_t borrowed_count, borrowed_cap;
    uint8_t header[ENCODE_HEADER_BYTES];
    size_t header_len; /* 0: not sealed, or the header is in `own` */
    char name[ENCODE_NAME_BYTES];
    size_t name_len;
    /* Where it lies, `own` right behind it; NULL: it is allocated. */
    struct shelf *shelf;
    struct shelf_block *block;
};

/* NULL: out of memory. */
struct engram_command *command_create(struct mem_account *account,
                                      size_t *kept_bytes);
/* The whole request in one block, of the shelf where there is one (it has the
 * same account). */
struct engram_command *command_create_whole(struct mem_account *account,
                                            size_t *kept_bytes,
                                            struct shelf *shelf,
                                            const struct encode_source *s,
                                            const struct encode_size *size);
void command_release(struct engram_command *cmd);
/* From now on its memory is this account's. Only the caller holds it. */
void command_move(struct engram_command *cmd, struct mem_account *account,
                  size_t *kept_bytes);

/* No argument is added any more: writes the header, if there is none. */
void command_seal(struct engram_command *cmd);
/* False: out of memory, and nothing is pinned (the chain is as it was). */
bool command_pin(struct engram_command *cmd, struct chain *out);
/* As command_pin, for one that is not kept: what is small is copied. */
bool command_write(struct engram_command *cmd, struct chain *out);

/* From now on (until command_unkeep) the bytes are held for sending again:
 * whenever they stand in no chain they are counted in *kept_bytes, in a chain
 * its own count has them. */
void command_keep(struct engram_command *cmd);
void command_unkeep(struct engram_command *cmd);

/* The arguments of a command that is sealed or was created whole, one after the
 * other. */
struct command_walk {
    const struct engram_command *cmd;
    size_t at;       /* in `own` */
    size_t borrowed; /* of these, passed */
};
void command_walk_init(struct command_walk *w,
                       const struct engram_command *cmd);
/* False: there is none left. *arg lives as long as the command. */
bool command_walk_next(struct command_walk *w, struct slice *arg);

#endif
