/* oom: how willingly the kernel kills this process when memory is out.
 * Threads: under config_lock. */
#ifndef ENGRAM_SERVER_OOM_H
#define ENGRAM_SERVER_OOM_H

#include <stdbool.h>

#include "base/log.h"
#include "server/options.h"

/* In the order of oom-score-adj-values. */
enum oom_role { OOM_PRIMARY, OOM_REPLICA, OOM_CHILD, OOM_ROLE_COUNT };

struct oom {
    bool is_active;
    int before; /* the score when it was made active: what "no" goes back to */
};

/* Does what the options say. False: the system refused, it is logged, and all
 * is as it was. */
bool oom_apply(struct oom *m, const struct options *o, enum oom_role role,
               struct log *log);

#endif
