/* proc_title: the process's name, as ps and top show it.
 * Threads: set under config_lock. */
#ifndef ENGRAM_SERVER_PROC_TITLE_H
#define ENGRAM_SERVER_PROC_TITLE_H

#include <stddef.h>

#include "base/mem.h"
#include "server/options.h"

struct proc_title {
    struct mem_account *account;
    char *area; /* what the kernel shows; NULL: the title cannot be set */
    size_t bytes;
    /* How the program was called, and copies of the environment's strings. Never
     * freed: libc may have handed them out. */
    char *name, *environment;
};

/* Takes over the memory of the arguments and the environment: `argv` must have
 * been read by then, and environ refers to copies afterwards. Before there are
 * threads. */
void proc_title_init(struct proc_title *t, struct mem_account *account,
                     int argc, char **argv);
/* What proc-title-template says, unless set-proc-title is no. */
void proc_title_set(struct proc_title *t, const struct options *o);

#endif
