/* transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH; what they do is the
 * dispatcher's (exec/transaction.h). */
#include "exec/transaction.h"

#include "commands/commands.h"

enum {
    ANYTIME = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST
              | CMD_NOT_QUEUED | CMD_ALLOW_BUSY,
};

const struct cmd_spec transaction_cmds[] = {
    {.name = "multi", .arity = 1, .flags = ANYTIME | CMD_NO_MULTI,
     .categories = CAT_TRANSACTION, .run = transaction_multi},
    {.name = "exec", .arity = 1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG
              | CMD_NOT_QUEUED | CMD_RUNS_QUEUE,
     .categories = CAT_TRANSACTION, .run = transaction_exec},
    {.name = "discard", .arity = 1, .flags = ANYTIME,
     .categories = CAT_TRANSACTION, .run = transaction_discard},
    {.name = "watch", .arity = -2, .flags = ANYTIME | CMD_NO_MULTI,
     .categories = CAT_TRANSACTION, .keys = KEYS_RANGE(1, -1, 1),
     .run = transaction_watch},
    {.name = "unwatch", .arity = 1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST
              | CMD_ALLOW_BUSY,
     .categories = CAT_TRANSACTION, .run = transaction_unwatch},
    {.name = NULL},
};
