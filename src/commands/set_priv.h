/* set_priv: what the files of the set family share. */
#ifndef ENGRAM_COMMANDS_SET_PRIV_H
#define ENGRAM_COMMANDS_SET_PRIV_H

#include "exec/cmd.h"

/* A set_visit_fn: replies the member; `reply` is a struct reply. */
bool set_reply_member(void *reply, struct slice member);

/* set_algebra.c */
cmd_run_fn set_sdiff_run, set_sdiffstore_run, set_sinter_run,
    set_sinterstore_run, set_sintercard_run, set_sunion_run,
    set_sunionstore_run;

#endif
