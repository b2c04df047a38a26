/* bitmap_priv: what the files of the bitmap family share. */
#ifndef ENGRAM_COMMANDS_BITMAP_PRIV_H
#define ENGRAM_COMMANDS_BITMAP_PRIV_H

#include "commands/commands.h"

#define BIT_OFFSET_TEXT "ERR bit offset is not an integer or out of range"

/* A bit's position: 0 to the last bit a string may have. */
static inline bool bit_offset_is_ok(const struct cmd_ctx *c, int64_t offset)
{
    return offset >= 0 && (uint64_t)offset < (uint64_t)ctx_string_max(c) * 8;
}

/* bitop.c */
cmd_run_fn bitmap_bitop_run;
/* bitfield.c */
cmd_run_fn bitmap_bitfield_run, bitmap_bitfield_ro_run;

#endif
