/* encode: arguments as a request of the protocol, in two steps: measure, then
 * write exactly that many bytes, to a chain or to memory. */
#ifndef ENGRAM_CLIENT_ENCODE_H
#define ENGRAM_CLIENT_ENCODE_H

#include "base/chain.h"
#include "client/format.h"

enum {
    ENCODE_ARGS_MAX = 1024 * 1024,
    ENCODE_NAME_BYTES = 16,
    ENCODE_LENS_MAX = 8,
    ENCODE_HEADER_BYTES = 24, /* at most, of "*12\r\n" and "$12\r\n" */
};

/* The bytes of all arguments are not known to be in memory at once, so what is
 * to be encoded is either an array or a format. */
struct encode_source {
    size_t argc;
    const char *const *argv; /* NULL: `format` */
    const size_t *lens;      /* NULL: the arguments are NUL-terminated */
    struct format *format;   /* at its start; it is walked on copies */
    bool is_inline;          /* a line of words; only of argv */
};

struct encode_size {
    size_t argc;
    size_t bytes;
    /* The beginning of the first argument, name_len the whole of it if it is
     * less than ENCODE_NAME_BYTES. */
    char name[ENCODE_NAME_BYTES];
    size_t name_len;
    /* Of a format's first arguments, so that writing need not look ahead. */
    size_t lens[ENCODE_LENS_MAX];
};

/* False: no arguments, too many, too long, or the format is invalid. */
bool encode_measure(const struct encode_source *s, struct encode_size *out);
/* `size` is what was measured. A chain may fail for memory (chain->failed). */
void encode_to_chain(const struct encode_source *s,
                     const struct encode_size *size, struct chain *out);
void encode_to_memory(const struct encode_source *s,
                      const struct encode_size *size, uint8_t *out);

/* "*12\r\n", or '$'; the bytes written. */
size_t encode_header(uint8_t *out, char type, size_t n);
/* The bytes of "$3\r\nabc\r\n" for an argument of `len` bytes. */
size_t encode_arg_bytes(size_t len);

#endif
