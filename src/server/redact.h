/* redact: which arguments of a command nobody may read in a log: passwords and
 * what belongs to them. */
#ifndef ENGRAM_SERVER_REDACT_H
#define ENGRAM_SERVER_REDACT_H

#include "exec/table.h"

#define REDACTED_TEXT "(redacted)"

/* Is argv[i] to be shown as REDACTED_TEXT? */
bool redact_is_secret(const struct cmd *cmd, const struct slice *argv,
                      uint32_t argc, uint32_t i);

#endif
