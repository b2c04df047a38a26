/* string_priv: what the files of the string family share. */
#ifndef ENGRAM_COMMANDS_STRING_PRIV_H
#define ENGRAM_COMMANDS_STRING_PRIV_H

#include "base/number.h"
#include "commands/commands.h"

/* The options of SET, GETEX and MSETEX. */
enum string_option {
    OPTION_NX = 1 << 0,
    OPTION_XX = 1 << 1,
    OPTION_IFEQ = 1 << 2,
    OPTION_GET = 1 << 3,
    OPTION_KEEPTTL = 1 << 4,
    OPTION_PERSIST = 1 << 5,
    OPTION_EX = 1 << 6,
    OPTION_PX = 1 << 7,
    OPTION_EXAT = 1 << 8,
    OPTION_PXAT = 1 << 9,
    OPTION_EXPIRES = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT,
};

struct string_options {
    uint32_t given;      /* enum string_option */
    uint32_t expire_at;  /* argv index of the expire time; 0: none */
    uint32_t compare_at; /* argv index of IFEQ's value; 0: none */
};

/* Reads the options from argv[from] to the end; `allowed` is a set of enum
 * string_option. False: the syntax error is replied. */
bool string_options_parse(struct cmd_ctx *c, uint32_t from, uint32_t allowed,
                          struct string_options *o);
/* The deadline the options ask for: unix ms, DEADLINE_KEEP or DEADLINE_NONE.
 * False: the error is replied. */
bool string_options_deadline(struct cmd_ctx *c, const struct string_options *o,
                             int64_t *deadline_ms);

/* A deadline that was asked for and has already passed. */
static inline bool string_is_past(const struct cmd_ctx *c, int64_t deadline_ms)
{
    return deadline_ms > 0 && deadline_ms <= c->now_ms;
}

/* Sets the key, raises its events and propagates the effect; a deadline in the
 * past leaves no key. False: the error is replied. */
bool string_put(struct cmd_ctx *c, const struct key *k, struct slice value,
                int64_t deadline_ms);
/* The effect of setting alone: SET key value, and PXAT or KEEPTTL. */
void string_propagate_set(struct cmd_ctx *c, const struct key *k,
                          struct slice value, int64_t deadline_ms);
/* What setting with a deadline in the past amounts to. True: there was a key,
 * and its DEL was propagated. */
bool string_put_past(struct cmd_ctx *c, const struct key *k);
/* Deletes an existing key, with its event; propagates DEL. */
void string_delete(struct cmd_ctx *c, const struct key *k);

/* string_multi.c */
cmd_run_fn string_mget_run, string_mset_run, string_msetnx_run,
    string_msetex_run;
/* string_number.c */
cmd_run_fn string_incr_run, string_decr_run, string_incrby_run,
    string_decrby_run, string_incrbyfloat_run;
/* string_range.c */
cmd_run_fn string_append_run, string_getrange_run, string_setrange_run,
    string_strlen_run;
/* lcs.c */
cmd_run_fn string_lcs_run;

/* Appends what a SET or MSETEX says of this deadline (nothing, KEEPTTL, or PXAT
 * with its text in `text`, which must live as long as argv); the new argc. */
uint32_t string_append_deadline(struct slice *argv, uint32_t argc,
                                int64_t deadline_ms,
                                char text[NUMBER_INT64_TEXT_MAX]);

#endif
