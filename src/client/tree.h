/* tree: a reply as a tree, built from the decoder's events.
 *
 * Elements lie side by side in arrays, so that the i-th is found at once. An
 * array is made for as many as were announced only where these are few, and
 * else grows with what comes. Attributes are left out. */
#ifndef ENGRAM_CLIENT_TREE_H
#define ENGRAM_CLIENT_TREE_H

#include <engram/engram.h>

#include "client/arena.h"
#include "resp/decode_reply.h"

struct engram_reply {
    uint8_t type; /* enum engram_type */
    size_t len;   /* of the text, or elements */
    union {
        int64_t integer;
        const char *text; /* VERBATIM: its prefix included */
        struct engram_reply *items;
    };
};

/* An aggregate that has not closed. */
struct tree_frame {
    struct engram_reply self;
    size_t cap;
    size_t announced;
};

struct tree {
    struct arena arena;
    struct tree_frame *frames;
    uint32_t frames_cap;
    uint32_t depth;
    char *text; /* one that has come in part */
    size_t text_len, text_cap;
    bool is_in_attribute;
    uint32_t attribute_depth;
    struct engram_reply root; /* whole, once an event has ended the reply */
};

void tree_init(struct tree *t, struct mem_account *account, size_t bytes_max);
void tree_deinit(struct tree *t);
/* For the next reply. `keep`: a little memory, for small replies. */
void tree_reset(struct tree *t, bool keep);
/* Text of a reply that is one value and came whole is not copied: it lives as
 * long as the event's, whose bytes are followed by a CR which becomes a NUL.
 * ST_NOMEM; ST_RANGE: the reply is over the limit. */
STATUS_CHECKED enum status tree_add(struct tree *t,
                                    const struct reply_event *e);

/* ---- copies; see reply.c ---- */

struct reply_size {
    size_t nodes, text_bytes;
};
struct reply_size reply_measure(const struct engram_reply *r);
static inline size_t reply_size_bytes(struct reply_size s)
{
    return s.nodes * sizeof(struct engram_reply) + s.text_bytes;
}
/* A copy in as many bytes of `memory`, aligned for a node, at whose start it
 * stands. */
const struct engram_reply *reply_copy_to(void *memory,
                                         const struct engram_reply *r,
                                         struct reply_size size);

#endif
