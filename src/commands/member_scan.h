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

/* The reply of any scan: the cursor, known at the end, and behind it the `written`
 * elements that were replied since reply_deferred_begin. */
void scan_reply_end(struct reply *r, struct reply_deferred *d, uint64_t cursor,
                    int64_t written);
/* The same where there is nothing to scan. */
void scan_reply_empty(struct reply *r);

/* The collection at the first key, which must be of `type`, after the cursor at
 * argv[2] has been read and before the options behind it are, which is the order
 * in which errors count. `bare_word` ("NOVALUES", "NOSCORES") may be NULL.
 * NULL: replied. */
const struct entry *member_scan_open(struct cmd_ctx *c, enum value_type type,
                                     const char *bare_word,
                                     struct member_scan *s);
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
