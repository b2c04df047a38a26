/* input: bytes that have come on a connection and were not yet taken as requests.
 * While they fit they lie in the loop's own receive buffer, borrowed to the end
 * of the turn; the rest of a request that has not come whole is copied.
 * Threads: the connection's worker. Memory: the account that is given. */
#ifndef ENGRAM_SERVER_INPUT_H
#define ENGRAM_SERVER_INPUT_H

#include "base/mem.h"
#include "base/slice.h"

struct input {
    struct slice borrowed;  /* used when `len` is 0 */
    uint8_t *bytes;         /* owned; NULL: none */
    size_t start, len, cap; /* bytes[start .. start + len) */
};

static inline struct slice input_slice(const struct input *in)
{
    return in->len > 0 ? slice_of(in->bytes + in->start, in->len)
                       : in->borrowed;
}

static inline void input_consume(struct input *in, size_t n)
{
    if (in->len > 0) {
        in->start += n;
        in->len -= n;
        return;
    }
    in->borrowed.data += n;
    in->borrowed.len -= n;
}

/* Copies `data` behind what is owned. `want_bytes`: how much a request in pieces
 * is known to need in all; 0: not known. False: out of memory. */
bool input_own(struct input *in, struct mem_account *a, struct slice data,
               size_t want_bytes);
/* Frees a large buffer that is empty. */
void input_trim(struct input *in, struct mem_account *a);
/* Keeps no room beyond what it holds. */
void input_shrink(struct input *in, struct mem_account *a);

static inline size_t input_room(const struct input *in)
{
    return in->cap - in->start - in->len;
}

#endif
