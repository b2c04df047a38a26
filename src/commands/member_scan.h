/* member_scan: what SSCAN, HSCAN and ZSCAN share: their options, and a reply
 * whose cursor is known only when the elements have been written. */
#ifndef ENGRAM_COMMANDS_MEMBER_SCAN_H
#define ENGRAM_COMMANDS_MEMBER_SCAN_H

#include "exec/cmd.h"

struct member_scan {
    uint64_t cursor;
    uint64_t count;
    struct slice pattern; /* data NULL: any */
    bool is_bare;         /* the option `bare_word` was given */
    struct reply_deferred deferred;
    int64_t written;      /* elements, by the caller */
    uint64_t seen;        /* elements looked at, by the caller */
};

/* Reads the cursor at argv[2] and the options behind it; `bare_word` ("NOVALUES",
 * "NOSCORES") may be NULL. False: replied. */
bool member_scan_parse(struct cmd_ctx *c, const char *bare_word,
                       struct member_scan *s);
/* The reply where there is no key. */
void member_scan_reply_empty(struct cmd_ctx *c);
/* Between them the caller replies the elements, counting them. */
void member_scan_begin(struct cmd_ctx *c, struct member_scan *s);
void member_scan_end(struct cmd_ctx *c, struct member_scan *s);

static inline bool member_scan_wants(const struct member_scan *s,
                                     struct slice member)
{
    return s->pattern.data == NULL
           || slice_match_glob(s->pattern, member, false);
}

/* Has enough been looked at for one call? `buckets` so far. */
static inline bool member_scan_is_enough(const struct member_scan *s,
                                         uint64_t buckets)
{
    return s->seen >= s->count || buckets >= s->count * 10;
}

#endif
