/* decode_reply: replies out of bytes, RESP2 and RESP3, as a sequence of events.
 * The other way round from decode.h: for who has asked and reads the answer.
 *
 * Pure: no sockets, no allocation, bounded state. A value is one event; a long
 * text comes in the pieces in which its bytes arrive; an aggregate is an event
 * when it opens and one when it closes. So nothing is kept but a stack of
 * counts, and a reply may be larger than memory.
 *
 * Attributes (RESP3) precede a value and are no value themselves: they neither
 * count as an element nor end a reply. Streamed types ("$?") are refused; no
 * server sends them. */
#ifndef ENGRAM_RESP_DECODE_REPLY_H
#define ENGRAM_RESP_DECODE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { DECODE_REPLY_DEPTH_MAX = 128 };

enum reply_kind {
    REPLY_STATUS,
    REPLY_ERROR,      /* a line, or a blob: the event tells */
    REPLY_STRING,
    REPLY_VERBATIM,   /* the text begins with three bytes and a colon */
    REPLY_INTEGER,
    REPLY_DOUBLE,     /* the text is one; not yet a number, since reading it
                         depends on the process's locale */
    REPLY_BIGNUM,
    REPLY_BOOL,
    REPLY_NULL,
    REPLY_ARRAY,
    REPLY_SET,
    REPLY_MAP,
    REPLY_PUSH,
    REPLY_ATTRIBUTE,
};

enum reply_event_kind {
    REPLY_VALUE, /* text: of lines; number: INTEGER, BOOL */
    REPLY_TEXT,  /* text: a piece; number: the length of all of it */
    REPLY_OPEN,  /* number: the elements to come, twice the pairs of a map */
    REPLY_CLOSE,
};

struct reply_event {
    enum reply_event_kind event;
    enum reply_kind kind;
    struct slice text; /* lives as long as the input */
    int64_t number;
    uint32_t depth; /* of the value, 0 the reply itself; a CLOSE has its OPEN's */
    bool is_first;  /* TEXT: the first piece */
    bool is_last;   /* TEXT: the last piece; it may be empty */
    bool ends_reply;
};

struct decode_reply_limits {
    uint32_t line_bytes_max; /* of a line, its end not counted */
    uint32_t depth_max;      /* 1: no aggregates; <= DECODE_REPLY_DEPTH_MAX */
    int64_t text_bytes_max;
    int64_t elements_max; /* of one aggregate; pairs of a map count twice */
};

/* All zero: at the start of a reply. */
struct decode_reply_state {
    size_t scanned;    /* bytes of the input searched for a line's end */
    int64_t text_left; /* bytes of a text still to come */
    int64_t text_bytes;
    enum reply_kind text_kind;
    bool is_in_text, is_text_begun;
    uint32_t depth; /* aggregates that are open */
    int64_t left[DECODE_REPLY_DEPTH_MAX]; /* elements still to begin */
    uint8_t kinds[DECODE_REPLY_DEPTH_MAX];
};

enum decode_reply_result {
    DECODE_REPLY_EVENT, /* *used bytes are done with, maybe none (a CLOSE) */
    DECODE_REPLY_MORE,  /* *used is 0; call again with these bytes and more */
    DECODE_REPLY_ERROR, /* *error says why; the state is of no use any more */
};

/* The next event. `input` begins where the last event's bytes ended, or with
 * the same bytes as before after MORE (they may have moved). After MORE at most
 * line_bytes_max + 2 bytes of input are left over, so a small buffer will do. */
enum decode_reply_result
decode_reply(struct decode_reply_state *s, struct slice input,
             const struct decode_reply_limits *limits, struct reply_event *out,
             size_t *used, const char **error);

/* Is the state between two replies? (Not so after a lone attribute's bytes.) */
static inline bool decode_reply_is_idle(const struct decode_reply_state *s)
{
    return s->depth == 0 && !s->is_in_text;
}

/* Is the kind one that OPEN and CLOSE come with? */
static inline bool reply_kind_is_aggregate(enum reply_kind kind)
{
    return kind >= REPLY_ARRAY;
}

#endif
