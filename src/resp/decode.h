/* decode: requests out of bytes, in place. Arguments are slices of the input;
 * nothing is copied. Pure: no sockets, no allocation beyond the caller's
 * argument array.
 *
 * Both forms of request: arrays of bulk strings, and inline lines with Redis's
 * quoting ("\xff\n" and 'it\'s'), which need a scratch copy for escapes. */
#ifndef ENGRAM_RESP_DECODE_H
#define ENGRAM_RESP_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/slice.h"

enum {
    DECODE_INLINE_BYTES_MIN = 64,
    DECODE_ERROR_TEXT_MAX = 48,
    DECODE_UNAUTHENTICATED_ARGS_MAX = 10,
    DECODE_UNAUTHENTICATED_BULK_MAX = 16 * 1024,
};

struct decode_limits {
    int64_t bulk_bytes_max;   /* proto-max-bulk-len */
    int32_t args_max;         /* 1024*1024 */
    /* 64 KB: inline requests, and header lines; at least
     * DECODE_INLINE_BYTES_MIN. A line whose end is not among this many bytes
     * and one is refused, however the bytes arrive. */
    uint32_t inline_bytes_max;
    /* Not yet authenticated: at most 10 arguments of at most 16 KB. */
    bool is_unauthenticated;
};

/* Where a request stands that has not arrived whole, so that a long one is not
 * read again from its start. All zero: at the start of a request. */
struct decode_state {
    int32_t args_expected; /* 0: the header has not been read */
    uint32_t args_found;
    size_t consumed;    /* bytes of this request already understood */
    size_t scanned;     /* bytes searched so far for the end of a line */
    int64_t bulk_bytes; /* the bulk being waited for, -1 none known */
    size_t want_bytes;  /* hint: the request needs at least this many in all */
    size_t *arg_spans;  /* growing array of (offset, length) pairs found so far,
                           offsets from the request's first byte */
    size_t arg_spans_cap;
};

/* Arguments, owned by the caller's scratch. */
struct decode_args {
    struct slice *argv; /* grows as needed */
    uint32_t argc, cap;
    uint8_t *inline_bytes; /* where inline arguments are unescaped */
    size_t inline_cap;
    struct mem_account *account;
    char error_text[DECODE_ERROR_TEXT_MAX]; /* an error that quotes a byte */
};

enum decode_result {
    DECODE_REQUEST, /* one request in args; *used bytes are done with */
    DECODE_NOTHING, /* an empty line or *0 or *-1: *used bytes, no request */
    DECODE_MORE,    /* needs more bytes; *used is 0; `state` remembers */
    DECODE_ERROR,   /* *error is the reply's text ("Protocol error: ..."), valid
                       as long as `args`; the connection must be closed */
    DECODE_NOMEM,   /* nothing is lost: may be called again, as after MORE */
};

void decode_args_init(struct decode_args *a, struct mem_account *account);
void decode_args_deinit(struct decode_args *a);
void decode_state_deinit(struct decode_state *s, struct mem_account *account);

/* Fills args->argv from index 0 on; args->argc says how many. `input` starts at the
 * request's first byte, also when called again after DECODE_MORE with the same
 * bytes and some more (they may have moved). The slices live as long as
 * `input` (inline requests: until the next inline decode on the same args). */
enum decode_result decode_request(struct decode_state *s, struct slice input,
                                  const struct decode_limits *limits,
                                  struct decode_args *args, size_t *used,
                                  const char **error);

/* The fast path, whole requests of at most `max` arguments only; the number of
 * arguments, or 0: take decode_request (which will say why). Only for a
 * connection whose decode_state is at the start of a request. Where it answers,
 * decode_request would have answered the same. */
uint32_t decode_whole(struct slice input, const struct decode_limits *limits,
                      struct slice *argv, uint32_t max, size_t *used);

#endif
