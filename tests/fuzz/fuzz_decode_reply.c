/* fuzz_decode_reply: any bytes as a stream of replies. Holds the decoder to
 * this: nothing outside the bytes is read (each piece stands in memory of its
 * exact size), what it asks to keep is bounded by the longest line, events nest
 * and count as announced, and wherever the stream is cut the same values and
 * the same error come out.
 *
 * Input: one byte of options, then the stream. Options: bit 0 small limits, the
 * rest seeds the cuts. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "resp/decode_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUT_ROUNDS = 3 };

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

/* What a reader of events may rely on. */
struct watcher {
    int64_t left[DECODE_REPLY_DEPTH_MAX];
    bool is_attribute[DECODE_REPLY_DEPTH_MAX];
    uint32_t depth;
    int64_t text_left;
    bool is_in_text;
};

static void value_begins(struct watcher *w, const struct reply_event *e)
{
    assert(e->depth == w->depth);
    assert(!w->is_in_text);
    if (w->depth > 0 && e->kind != REPLY_ATTRIBUTE) {
        assert(w->left[w->depth - 1] > 0);
        w->left[w->depth - 1]--;
    }
}

static void watch(struct watcher *w, const struct reply_event *e)
{
    switch (e->event) {
    case REPLY_VALUE: value_begins(w, e); break;
    case REPLY_TEXT:
        if (e->is_first) {
            value_begins(w, e);
            w->text_left = e->number;
            w->is_in_text = true;
        }
        assert(w->is_in_text);
        assert((int64_t)e->text.len <= w->text_left);
        w->text_left -= (int64_t)e->text.len;
        assert(!e->is_last || w->text_left == 0);
        w->is_in_text = !e->is_last;
        break;
    case REPLY_OPEN:
        value_begins(w, e);
        assert(w->depth < DECODE_REPLY_DEPTH_MAX);
        w->left[w->depth] = e->number;
        w->is_attribute[w->depth] = e->kind == REPLY_ATTRIBUTE;
        w->depth++;
        break;
    case REPLY_CLOSE:
        assert(w->depth > 0);
        w->depth--;
        assert(w->left[w->depth] == 0);
        assert(e->depth == w->depth);
        assert(w->is_attribute[w->depth] == (e->kind == REPLY_ATTRIBUTE));
        break;
    }
    if (e->ends_reply) {
        assert(w->depth == 0);
        assert(!w->is_in_text);
    }
}

/* A text is written down when it is whole: one that turns out to be wrong may
 * have shown more of itself where the input came in pieces. */
static void record_event(struct record *out, struct record *text,
                         const struct reply_event *e)
{
    record_put(text, e->text.data, e->text.len);
    if (e->event != REPLY_TEXT || e->is_last) {
        record_put(out, &e->event, sizeof e->event);
        record_put(out, &e->kind, sizeof e->kind);
        record_put(out, &e->number, sizeof e->number);
        record_put(out, &e->depth, sizeof e->depth);
        record_put(out, text->bytes, text->len);
        text->len = 0;
    }
}

static void decode_stream(const uint8_t *data, size_t size,
                          const struct decode_reply_limits *limits,
                          struct random *r, struct record *out)
{
    struct decode_reply_state state = { 0 };
    struct watcher w = { .depth = 0 };
    struct record text = { 0 };
    size_t start = 0;
    size_t have = r == NULL ? size : 0;
    bool is_over = false;
    while (!is_over) {
        struct reply_event e;
        size_t used;
        const char *error = NULL;
        size_t len = have - start;
        uint8_t *copy = malloc(len == 0 ? 1 : len);
        assert(copy != NULL);
        if (len > 0) {
            memcpy(copy, data + start, len);
        }
        enum decode_reply_result result = decode_reply(
            &state, slice_of(copy, len), limits, &e, &used, &error);
        if (result == DECODE_REPLY_EVENT) {
            assert(used <= len);
            watch(&w, &e);
            record_event(out, &text, &e);
            start += used;
        }
        free(copy);
        if (result == DECODE_REPLY_ERROR) {
            record_put(out, error, strlen(error));
            is_over = true;
        }
        if (result == DECODE_REPLY_MORE) {
            assert(len <= (size_t)limits->line_bytes_max + 2);
            is_over = have == size;
            if (!is_over) {
                have += 1 + random_below(r, random_below(r, size - have) + 1);
                have = have < size ? have : size;
            }
        }
    }
    free(text.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    bool is_small = data[0] & 1;
    struct decode_reply_limits limits = {
        .line_bytes_max = is_small ? 16 : 64 * 1024,
        .depth_max = is_small ? 4 : DECODE_REPLY_DEPTH_MAX,
        .text_bytes_max = is_small ? 20 : 512 * 1024 * 1024,
        .elements_max = is_small ? 6 : INT32_MAX,
    };
    struct random r;
    random_init(&r, data[0]);
    struct record whole = { 0 };
    decode_stream(data + 1, size - 1, &limits, NULL, &whole);
    for (int round = 0; round < CUT_ROUNDS; round++) {
        struct record cut = { 0 };
        decode_stream(data + 1, size - 1, &limits, &r, &cut);
        assert(cut.len == whole.len);
        assert(cut.len == 0 || memcmp(cut.bytes, whole.bytes, cut.len) == 0);
        free(cut.bytes);
    }
    free(whole.bytes);
    return 0;
}
