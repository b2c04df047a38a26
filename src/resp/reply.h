/* reply: the encoder, RESP2 and RESP3. Writes into a chain. Where RESP2 lacks a
 * type the RESP2 form that Redis sends is written (map: flat array, double:
 * bulk, null: $-1, boolean: :0/:1, set: array, verbatim: bulk). */
#ifndef ENGRAM_RESP_REPLY_H
#define ENGRAM_RESP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/chain.h"
#include "base/slice.h"

struct reply {
    struct chain *out;
    uint8_t protocol;     /* 2 or 3 */
    bool is_muted;        /* CLIENT REPLY OFF/SKIP: everything is dropped */
    uint32_t error_count; /* errors written since the owner last cleared it */
    struct slice last_error; /* its code ("ERR", "WRONGTYPE"): static or short-
                                lived, to be counted at once; see reply.c */
    char error_code[32];
};

void reply_ok(struct reply *r);                       /* +OK */
void reply_simple(struct reply *r, const char *text); /* +text */
void reply_int(struct reply *r, int64_t v);
void reply_bulk(struct reply *r, struct slice s);
void reply_bulk_text(struct reply *r, const char *text);
void reply_bulk_int(struct reply *r, int64_t v); /* $2 42 */
/* A bulk whose bytes are borrowed until `release(arg)`; for large values. */
void reply_bulk_pinned(struct reply *r, struct slice s,
                       chain_release_fn *release, void *arg);
void reply_null(struct reply *r);       /* $-1 or _ */
void reply_null_array(struct reply *r); /* *-1 or _ */
void reply_bool(struct reply *r, bool v);
void reply_double(struct reply *r, double v);
void reply_array(struct reply *r, int64_t n);
void reply_map(struct reply *r, int64_t pairs);
void reply_set(struct reply *r, int64_t n);
void reply_push(struct reply *r, int64_t n);
/* Of the reply that follows; RESP3 only. */
void reply_attribute(struct reply *r, int64_t pairs);
/* `ext` is three letters: "txt", "mkd". */
void reply_verbatim(struct reply *r, const char *ext, struct slice s);
/* The same of `len` bytes that the caller appends to r->out itself, between the
 * two. False: muted, nothing is to be appended, nor ended. */
bool reply_verbatim_begin(struct reply *r, const char *ext, size_t len);
void reply_verbatim_end(struct reply *r);
void reply_big_number(struct reply *r, struct slice digits);

/* "-" text CRLF. Text begins with its code ("ERR ...", "WRONGTYPE ..."). CR and
 * LF inside become blanks. */
void reply_error(struct reply *r, const char *text);
void reply_errorf(struct reply *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void reply_error_slice(struct reply *r, struct slice text);

/* An array (map, set) whose length is known only at its end: elements are
 * written to a chain of their own and the header put before it.
 *     struct reply_deferred d;
 *     reply_deferred_begin(r, &d);
 *     ... replies ...
 *     reply_deferred_array(r, &d, n);   (or _map, _set)          */
struct reply_deferred {
    struct chain *outer;
    struct chain inner;
};
void reply_deferred_begin(struct reply *r, struct reply_deferred *d);
void reply_deferred_array(struct reply *r, struct reply_deferred *d, int64_t n);
void reply_deferred_map(struct reply *r, struct reply_deferred *d, int64_t n);
void reply_deferred_set(struct reply *r, struct reply_deferred *d, int64_t n);

#endif
