/* keys: where the keys of a command stand, as far as a cluster's client must
 * know: most commands have one, their first argument; a table names the others. */
#ifndef ENGRAM_CLIENT_KEYS_H
#define ENGRAM_CLIENT_KEYS_H

#include "client/command.h"
#include "client/slots.h"

enum keys_found {
    KEYS_ONE_SLOT, /* *slot is set */
    /* It has none, or it is malformed and any server will say so. */
    KEYS_NONE,
    KEYS_SEVERAL_SLOTS,
    /* It changes the connection that it is said on (MULTI, SUBSCRIBE, SELECT),
     * which a cluster's client has no single one of. */
    KEYS_STATEFUL,
};

/* `cmd` is sealed, or was created whole. */
enum keys_found keys_find(const struct engram_command *cmd, uint16_t *slot);

#endif
