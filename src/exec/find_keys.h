/* find_keys: finders for rows whose keys no pattern tells (KEYS_FOUND). Each is
 * a cmd_find_keys_fn; the arity has been checked. */
#ifndef ENGRAM_EXEC_FIND_KEYS_H
#define ENGRAM_EXEC_FIND_KEYS_H

#include "exec/cmd.h"

/* SORT: the key and, where there is a STORE, the destination. */
cmd_find_keys_fn find_keys_sort;
/* XREAD and XREADGROUP: the first half of what follows STREAMS. */
cmd_find_keys_fn find_keys_xread;
/* The key and, where there is a STORE or STOREDIST, the destination. */
cmd_find_keys_fn find_keys_georadius;
cmd_find_keys_fn find_keys_georadiusbymember;

#endif
