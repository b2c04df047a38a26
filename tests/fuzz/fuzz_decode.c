/* fuzz_decode: any bytes as a stream of requests. Holds the decoder to three
 * promises: nothing outside the bytes is read (each piece stands in memory of
 * its exact size), decode_whole agrees with decode_request, and wherever the
 * stream is cut the same requests and the same error come out.
 *
 * Input: one byte of options, then the stream. Options: bit 0 unauthenticated,
 * bit 1 small limits, the rest seeds the cuts. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "resp/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WHOLE_ARGS_MAX = 16, CUT_ROUNDS = 3 };

/* What came out, as bytes that can be compared. */
struct record {
    uint8_t *bytes;
    size_t len, cap;
};

static void record_put(struct record *r, const void *data, size_t len)
{
    if (r->cap - r->len < len) {
        r->cap = (r->len + len) * 2 + 64;
        r->bytes = realloc(r->bytes, r->cap);
        assert(r->bytes != NULL);
    }
    if (len > 0) {
        memcpy(r->bytes + r->len, data, len);
    }
    r->len += len;
}

static void record_args(struct record *r, const struct slice *argv,
                        uint32_t argc)
{
    record_put(r, &argc, sizeof argc);
    for (uint32_t i = 0; i < argc; i++) {
        record_put(r, &argv[i].len, sizeof argv[i].len);
        record_put(r, argv[i].data, argv[i].len);
    }
}

static uint8_t *copy_exactly(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    assert(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

/* At the start of a request: does the fast path say what the other said? */
static void check_whole(const uint8_t *at, size_t len,
                        const struct decode_limits *limits,
                        enum decode_result result,
                        const struct decode_args *args, size_t used)
{
    struct slice argv[WHOLE_ARGS_MAX];
    size_t whole_used = 0;
    uint32_t argc = decode_whole(slice_of(at, len), limits, argv,
                                 WHOLE_ARGS_MAX, &whole_used);
    if (argc == 0) {
        return;
    }
    assert(result == DECODE_REQUEST);
    assert(argc == args->argc);
    assert(whole_used == used);
    for (uint32_t i = 0; i < argc; i++) {
        assert(argv[i].data == args->argv[i].data);
        assert(argv[i].len == args->argv[i].len);
    }
}

/* Decodes the stream, a random number of bytes more at a time (r == NULL: all
 * at once), into `out`. */
static void decode_stream(const uint8_t *data, size_t size,
                          const struct decode_limits *limits, struct random *r,
                          struct record *out)
{
    struct mem_account account;
    struct decode_args args;
    struct decode_state state = { 0 };
    mem_account_init(&account);
    decode_args_init(&args, &account);
    size_t start = 0;
    size_t have = r == NULL ? size : 0;
    bool is_fresh = true;
    enum decode_result result = DECODE_NOTHING;
    while (result != DECODE_ERROR) {
        size_t used;
        const char *error;
        uint8_t *copy = copy_exactly(data + start, have - start);
        result = decode_request(&state, slice_of(copy, have - start), limits,
                                &args, &used, &error);
        assert(result != DECODE_NOMEM);
        assert(used <= have - start);
        assert((used == 0) ==
               (result == DECODE_MORE || result == DECODE_ERROR));
        if (is_fresh) {
            check_whole(copy, have - start, limits, result, &args, used);
        }
        if (result == DECODE_REQUEST) {
            record_args(out, args.argv, args.argc);
        } else if (result == DECODE_ERROR) {
            record_put(out, error, strlen(error));
        }
        free(copy);
        start += used;
        is_fresh = result != DECODE_MORE;
        if (!is_fresh) {
            if (have == size) {
                break;
            }
            have += 1 + random_below(r, random_below(r, size - have) + 1);
        }
    }
    record_put(out, &start, sizeof start);
    decode_state_deinit(&state, &account);
    decode_args_deinit(&args);
    assert(mem_used(&account) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct decode_limits limits = {
        .bulk_bytes_max = data[0] & 2 ? 100 : 512 * 1024 * 1024,
        .args_max = data[0] & 2 ? 5 : 1024 * 1024,
        .inline_bytes_max = data[0] & 2 ? DECODE_INLINE_BYTES_MIN : 64 * 1024,
        .is_unauthenticated = data[0] & 1,
    };
    struct random r;
    random_init(&r, data[0]);
    struct record whole = { 0 };
    decode_stream(data + 1, size - 1, &limits, NULL, &whole);
    for (int round = 0; round < CUT_ROUNDS; round++) {
        struct record cut = { 0 };
        decode_stream(data + 1, size - 1, &limits, &r, &cut);
        assert(cut.len == whole.len);
        assert(memcmp(cut.bytes, whole.bytes, cut.len) == 0);
        free(cut.bytes);
    }
    free(whole.bytes);
    return 0;
}
