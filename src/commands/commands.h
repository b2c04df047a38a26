/* commands: the rows of the data families, one array a file family, each
 * ending with name == NULL. Whoever composes the server hands them to the
 * command table; nothing else here is for others. */
#ifndef ENGRAM_COMMANDS_COMMANDS_H
#define ENGRAM_COMMANDS_COMMANDS_H

#include "exec/cmd.h"

extern const struct cmd_spec string_cmds[];
extern const struct cmd_spec bitmap_cmds[];
extern const struct cmd_spec generic_cmds[];
extern const struct cmd_spec connection_cmds[];
extern const struct cmd_spec keyspace_cmds[];
extern const struct cmd_spec transaction_cmds[];
extern const struct cmd_spec set_cmds[];
extern const struct cmd_spec list_cmds[];
extern const struct cmd_spec zset_cmds[];
extern const struct cmd_spec hash_cmds[];

/* Said of a string that would be longer than ctx_string_max. */
#define STRING_TOO_LONG_TEXT \
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)"

#endif
