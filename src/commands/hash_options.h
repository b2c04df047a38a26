/* hash_options: the words that the commands on fields' deadlines share. Each
 * function replies what is wrong and returns false. */
#ifndef ENGRAM_COMMANDS_HASH_OPTIONS_H
#define ENGRAM_COMMANDS_HASH_OPTIONS_H

#include "exec/cmd.h"

/* Later ones are refused: the year 4199. */
#define FIELD_DEADLINE_MAX ((int64_t)1 << 46)

/* Fields (or, `step` 2, fields and values) from argv[first] on. */
struct hash_fields {
    uint32_t first, count;
};

/* FIELDS, a number and so many fields, from argv[at] to the end; `not_positive`
 * is said of the number. */
bool hash_parse_fields(struct cmd_ctx *c, uint32_t at, const char *not_positive,
                       struct hash_fields *out);
/* A time in argv[i], from now or (absolute) unix, as unix ms; past ones too. */
bool hash_parse_deadline(struct cmd_ctx *c, uint32_t i, bool is_ms,
                         bool is_absolute, int64_t *out_ms);

enum hash_expiry {
    EXPIRY_NONE, /* said nothing of it */
    EXPIRY_SET, EXPIRY_PERSIST, EXPIRY_KEEP,
};

/* Is argv[*i] EX, PX, EXAT or PXAT? Then the time behind it is read and *i moved
 * there. */
enum hash_option { OPTION_OTHER, OPTION_TAKEN, OPTION_WRONG };
enum hash_option hash_parse_expiry(struct cmd_ctx *c, uint32_t *i,
                                   int64_t *deadline_ms);

#endif
