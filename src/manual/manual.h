/* manual: what COMMAND tells of every command: summaries, arguments, key
 * specifications, hints for clients. Handed to cmd_table_join_docs by whoever
 * composes the server. */
#ifndef ENGRAM_MANUAL_MANUAL_H
#define ENGRAM_MANUAL_MANUAL_H

#include "exec/docs.h"

extern const struct cmd_docs_group manual_groups[];

#endif
