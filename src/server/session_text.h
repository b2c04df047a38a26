/* session_text: the texts a session keeps: its name, its library.
 * Threads: the session's worker. */
#ifndef ENGRAM_SERVER_SESSION_TEXT_H
#define ENGRAM_SERVER_SESSION_TEXT_H

#include "exec/cmd.h"

/* Is it fit to stand in a line of CLIENT LIST? Else replied; `what` as the error
 * names it. */
bool session_text_check(struct cmd_ctx *c, struct slice what,
                        struct slice value);
/* Keeps a copy of `value` in *at, a field of the command's session; an empty
 * text is none (NULL). False: replied. */
bool session_text_set(struct cmd_ctx *c, char **at, struct slice value);

#endif
