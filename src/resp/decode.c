/* decode: requests out of bytes.
 *
 * Two readers of one grammar. decode_whole is the hot path: one pass, no state,
 * and whatever is unusual (split, inline, wrong, huge) it leaves to the other.
 * decode_request remembers in decode_state where it stands: which arguments it
 * has seen, as offsets since the bytes may move, and how far the line it is in
 * has been searched, so every byte is looked at once however it arrives.
 *
 * What a stranger can make this allocate is proportional to what was sent: the
 * announced number of arguments reserves nothing.
 *
 * Kept from Redis: a header line ends at CR and the byte after it is not looked
 * at; so are the two bytes behind a bulk. The search for a line's end stops at a
 * NUL, so that such a line never ends and is refused when it is too long. */
#include "resp/decode.h"

#include <assert.h>
#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum {
    ARGS_CAP_MIN = 16,
    INLINE_CAP_MIN = 1024,
    /* Larger ones are given back with the next request. */
    ARGS_KEPT_MAX = 4096,
    SPANS_KEPT_MAX = 64,
    /* Lengths of more digits are left to decode_request. */
    FAST_DIGITS_MAX = 9,
};

void decode_args_init(struct decode_args *a, struct mem_account *account)
{
    *a = (struct decode_args){ .account = account };
}

void decode_args_deinit(struct decode_args *a)
{
    mem_free(a->account, a->argv);
    mem_free(a->account, a->inline_bytes);
    *a = (struct decode_args){ .account = a->account };
}

void decode_state_deinit(struct decode_state *s, struct mem_account *account)
{
    mem_free(account, s->arg_spans);
    *s = (struct decode_state){ 0 };
}

/* Back to the start of a request. */
static void state_reset(struct decode_state *s, struct mem_account *account)
{
    struct decode_state fresh = { .arg_spans = s->arg_spans,
                                  .arg_spans_cap = s->arg_spans_cap };
    if (s->arg_spans_cap > SPANS_KEPT_MAX) {
        mem_free(account, s->arg_spans);
        fresh.arg_spans = NULL;
        fresh.arg_spans_cap = 0;
    }
    *s = fresh;
}

/* One huge request must not cost its memory for good. */
static void args_shrink(struct decode_args *a)
{
    size_t bytes = ARGS_KEPT_MAX * sizeof a->argv[0];
    struct slice *argv = mem_realloc(a->account, a->argv, bytes);
    if (argv != NULL) {
        a->argv = argv;
        a->cap = ARGS_KEPT_MAX;
    }
}

/* Room for `count` arguments; false: out of memory. */
static bool args_make_room(struct decode_args *a, uint32_t count)
{
    if (count <= a->cap) {
        if (a->cap > ARGS_KEPT_MAX && count <= ARGS_KEPT_MAX) {
            args_shrink(a);
        }
        return true;
    }
    uint64_t cap = a->cap < ARGS_CAP_MIN ? ARGS_CAP_MIN : a->cap;
    while (cap < count) {
        cap *= 2;
    }
    cap = cap > UINT32_MAX ? UINT32_MAX : cap;
    struct slice *argv =
        mem_realloc(a->account, a->argv, cap * sizeof a->argv[0]);
    if (argv == NULL) {
        return false;
    }
    a->argv = argv;
    a->cap = (uint32_t)cap;
    return true;
}

/* ---- the fast path ---- */

/* A length in canonical digits and its CRLF at `p`; the byte behind them, or
 * NULL: not whole, or not plain. */
static inline const uint8_t *read_length(const uint8_t *p, const uint8_t *end,
                                         uint32_t *out)
{
    if (end - p < 3) {
        return NULL;
    }
    uint32_t v = *p - (unsigned)'0';
    if (v > 9) {
        return NULL;
    }
    p++;
    const uint8_t *stop = p + FAST_DIGITS_MAX - 1;
    if (stop > end - 2) {
        stop = end - 2;
    }
    while (p < stop) {
        uint32_t digit = *p - (unsigned)'0';
        if (digit > 9) {
            break;
        }
        if (v == 0) {
            return NULL;
        }
        v = v * 10 + digit;
        p++;
    }
    if (p[0] != '\r' || p[1] != '\n') {
        return NULL;
    }
    *out = v;
    return p + 2;
}

static inline uint32_t read_four(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return le32toh(word);
}

/* A header, `mark` included, at `p`: the byte behind it, or NULL: not whole, or not
 * plain. Nearly all have one digit or two. */
static inline const uint8_t *read_header_fast(const uint8_t *p,
                                              const uint8_t *end, uint8_t mark,
                                              uint32_t *out)
{
    const uint32_t crlf = (uint32_t)('\n' << 8 | '\r') << 16;
    if (end - p < 5) {
        return NULL;
    }
    uint32_t word = read_four(p), high = p[1] - (unsigned)'0';
    if ((word & 0xffff00ffu) == (crlf | mark) && high <= 9) {
        *out = high;
        return p + 4;
    }
    uint32_t low = p[2] - (unsigned)'0';
    if (p[0] == mark && high - 1 <= 8 && low <= 9
        && (read_four(p + 1) & 0xffff0000u) == crlf) {
        *out = high * 10 + low;
        return p + 5;
    }
    return p[0] == mark ? read_length(p + 1, end, out) : NULL;
}

static inline int64_t bulk_limit(const struct decode_limits *limits)
{
    int64_t max = limits->bulk_bytes_max;
    if (limits->is_unauthenticated && max > DECODE_UNAUTHENTICATED_BULK_MAX) {
        max = DECODE_UNAUTHENTICATED_BULK_MAX;
    }
    return max;
}

static inline int64_t args_limit(const struct decode_limits *limits)
{
    int64_t max = limits->args_max;
    if (limits->is_unauthenticated && max > DECODE_UNAUTHENTICATED_ARGS_MAX) {
        max = DECODE_UNAUTHENTICATED_ARGS_MAX;
    }
    return max;
}

uint32_t decode_whole(struct slice input, const struct decode_limits *limits,
                      struct slice *argv, uint32_t max, size_t *used)
{
    const uint8_t *end = input.data + input.len;
    int64_t bulk_max = bulk_limit(limits);
    uint32_t count;
    const uint8_t *p = read_header_fast(input.data, end, '*', &count);
    if (p == NULL || count > max || count > args_limit(limits)) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t len;
        p = read_header_fast(p, end, '$', &len);
        if (p == NULL || len > bulk_max || (size_t)(end - p) < (size_t)len + 2) {
            return 0;
        }
        argv[i] = slice_of(p, len);
        p += len + 2;
    }
    *used = (size_t)(p - input.data);
    return count;
}

/* ---- arrays of bulks, in pieces ---- */

enum line_result { LINE_FOUND, LINE_MORE, LINE_TOO_LONG };

/* Looks for `mark` from offset `start` on, going on where the last search
 * stopped. Only a mark within `max` bytes and one counts, and before any NUL. */
static enum line_result find_mark(struct decode_state *s, struct slice input,
                                  size_t start, size_t max, int mark,
                                  size_t *mark_at)
{
    size_t from = s->scanned > start ? s->scanned : start;
    size_t stop = input.len - start > max ? start + max + 1 : input.len;
    const uint8_t *found = NULL;
    if (from < stop) {
        const uint8_t *nul = memchr(input.data + from, '\0', stop - from);
        stop = nul != NULL ? (size_t)(nul - input.data) : stop;
        found = memchr(input.data + from, mark, stop - from);
    }
    if (found != NULL) {
        *mark_at = (size_t)(found - input.data);
        s->scanned = *mark_at;
        return LINE_FOUND;
    }
    s->scanned = stop;
    return input.len - start > max ? LINE_TOO_LONG : LINE_MORE;
}

/* The header line at s->consumed, its mark byte included, its CR not; it counts
 * as found once the byte behind the CR has come too. */
static enum line_result read_header(struct decode_state *s, struct slice input,
                                    const struct decode_limits *limits,
                                    struct slice *line)
{
    size_t cr;
    enum line_result r = find_mark(s, input, s->consumed,
                                   limits->inline_bytes_max, '\r', &cr);
    if (r != LINE_FOUND) {
        return r;
    }
    if (input.len - cr < 2) {
        return LINE_MORE;
    }
    *line = slice_of(input.data + s->consumed, cr - s->consumed);
    return LINE_FOUND;
}

/* The number behind the header's first byte. */
static bool header_number(struct slice line, int64_t *out)
{
    return number_parse_int64(slice_of(line.data + 1, line.len - 1), out);
}

static enum decode_result read_count(struct decode_state *s, struct slice input,
                                     const struct decode_limits *limits,
                                     int64_t *count, const char **error)
{
    struct slice line = slice_of(NULL, 0);
    enum line_result r = read_header(s, input, limits, &line);
    if (r == LINE_MORE) {
        return DECODE_MORE;
    }
    if (r != LINE_FOUND) {
        *error = "Protocol error: too big mbulk count string";
        return DECODE_ERROR;
    }
    if (!header_number(line, count) || *count > limits->args_max) {
        *error = "Protocol error: invalid multibulk length";
        return DECODE_ERROR;
    }
    if (*count > args_limit(limits)) {
        *error = "Protocol error: unauthenticated multibulk length";
        return DECODE_ERROR;
    }
    s->consumed += line.len + 2;
    return DECODE_REQUEST;
}

static const char *expected_dollar(struct decode_args *args, uint8_t got)
{
    (void)snprintf(args->error_text, sizeof args->error_text,
                   "Protocol error: expected '$', got '%c'", got);
    return args->error_text;
}

static enum decode_result read_bulk_header(struct decode_state *s,
                                           struct slice input,
                                           const struct decode_limits *limits,
                                           struct decode_args *args,
                                           const char **error)
{
    struct slice line = slice_of(NULL, 0);
    enum line_result r = read_header(s, input, limits, &line);
    if (r == LINE_MORE) {
        return DECODE_MORE;
    }
    if (r != LINE_FOUND) {
        *error = "Protocol error: too big bulk count string";
        return DECODE_ERROR;
    }
    if (line.len == 0 || line.data[0] != '$') {
        *error = expected_dollar(args, line.len == 0 ? '\r' : line.data[0]);
        return DECODE_ERROR;
    }
    int64_t len;
    if (!header_number(line, &len) || len < 0 || len > limits->bulk_bytes_max) {
        *error = "Protocol error: invalid bulk length";
        return DECODE_ERROR;
    }
    if (len > bulk_limit(limits)) {
        *error = "Protocol error: unauthenticated bulk length";
        return DECODE_ERROR;
    }
    s->consumed += line.len + 2;
    s->bulk_bytes = len;
    return DECODE_REQUEST;
}

static bool push_span(struct decode_state *s, struct mem_account *account)
{
    if (s->args_found == s->arg_spans_cap) {
        size_t cap = s->arg_spans_cap == 0 ? ARGS_CAP_MIN : s->arg_spans_cap * 2;
        size_t *spans =
            mem_realloc(account, s->arg_spans, cap * 2 * sizeof spans[0]);
        if (spans == NULL) {
            return false;
        }
        s->arg_spans = spans;
        s->arg_spans_cap = cap;
    }
    s->arg_spans[s->args_found * 2] = s->consumed;
    s->arg_spans[s->args_found * 2 + 1] = (size_t)s->bulk_bytes;
    s->args_found++;
    return true;
}

/* All arguments from args_found on that have arrived; DECODE_REQUEST: all. */
static enum decode_result read_bulks(struct decode_state *s, struct slice input,
                                     const struct decode_limits *limits,
                                     struct decode_args *args,
                                     const char **error)
{
    while (s->args_found < (uint32_t)s->args_expected) {
        if (s->bulk_bytes < 0) {
            enum decode_result r =
                read_bulk_header(s, input, limits, args, error);
            if (r != DECODE_REQUEST) {
                return r;
            }
        }
        size_t end = s->consumed + (size_t)s->bulk_bytes + 2;
        if (input.len < end) {
            s->want_bytes = end;
            return DECODE_MORE;
        }
        if (!push_span(s, args->account)) {
            return DECODE_NOMEM;
        }
        s->consumed = end;
        s->bulk_bytes = -1;
    }
    return DECODE_REQUEST;
}

static enum decode_result decode_array(struct decode_state *s,
                                       struct slice input,
                                       const struct decode_limits *limits,
                                       struct decode_args *args, size_t *used,
                                       const char **error)
{
    enum decode_result r;
    if (s->args_expected == 0) {
        int64_t count;
        r = read_count(s, input, limits, &count, error);
        if (r != DECODE_REQUEST) {
            return r;
        }
        if (count <= 0) {
            *used = s->consumed;
            state_reset(s, args->account);
            return DECODE_NOTHING;
        }
        s->args_expected = (int32_t)count;
        s->bulk_bytes = -1;
    }
    r = read_bulks(s, input, limits, args, error);
    if (r != DECODE_REQUEST) {
        return r;
    }
    if (!args_make_room(args, s->args_found)) {
        return DECODE_NOMEM;
    }
    for (uint32_t i = 0; i < s->args_found; i++) {
        args->argv[i] = slice_of(input.data + s->arg_spans[i * 2],
                                 s->arg_spans[i * 2 + 1]);
    }
    args->argc = s->args_found;
    *used = s->consumed;
    state_reset(s, args->account);
    return DECODE_REQUEST;
}

/* ---- inline lines ---- */

/* Where the splitter reads and writes. Unescaping never lengthens, so the
 * output needs no more room than the line. */
struct cursor {
    const uint8_t *p, *end;
    uint8_t *out;
};

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t unescape(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* At a backslash inside double quotes, with a byte behind it. */
static void copy_escape(struct cursor *c)
{
    if (c->end - c->p >= 4 && c->p[1] == 'x') {
        int high = hex_digit(c->p[2]);
        int low = hex_digit(c->p[3]);
        if (high >= 0 && low >= 0) {
            *c->out++ = (uint8_t)(high * 16 + low);
            c->p += 4;
            return;
        }
    }
    *c->out++ = unescape(c->p[1]);
    c->p += 2;
}

/* Behind an opening quote; false: it is not closed, or not followed by a blank
 * or the end. */
static bool copy_quoted(struct cursor *c, uint8_t quote)
{
    while (c->p < c->end) {
        bool has_next = c->end - c->p >= 2;
        if (*c->p == quote) {
            c->p++;
            return c->p == c->end || isspace(*c->p);
        }
        if (*c->p == '\\' && has_next && quote == '"') {
            copy_escape(c);
        } else if (*c->p == '\\' && has_next && c->p[1] == '\'') {
            *c->out++ = '\'';
            c->p += 2;
        } else {
            *c->out++ = *c->p++;
        }
    }
    return false;
}

/* One argument, up to a blank or the end; false: unbalanced quotes. */
static bool copy_argument(struct cursor *c)
{
    while (c->p < c->end && !isspace(*c->p)) {
        if (*c->p == '"' || *c->p == '\'') {
            return copy_quoted(c, *c->p++);
        }
        *c->out++ = *c->p++;
    }
    return true;
}

/* Afterwards there is an area, even for an empty line. */
static bool inline_make_room(struct decode_args *a, size_t bytes)
{
    if (bytes <= a->inline_cap && a->inline_bytes != NULL) {
        return true;
    }
    size_t cap = bytes < INLINE_CAP_MIN ? INLINE_CAP_MIN : bytes;
    uint8_t *p = mem_alloc(a->account, cap);
    if (p == NULL) {
        return false;
    }
    mem_free(a->account, a->inline_bytes);
    a->inline_bytes = p;
    a->inline_cap = cap;
    return true;
}

static enum decode_result split_line(struct slice line,
                                     struct decode_args *args,
                                     const struct decode_limits *limits,
                                     const char **error)
{
    if (!inline_make_room(args, line.len)) {
        return DECODE_NOMEM;
    }
    struct cursor c = { line.data, line.data + line.len, args->inline_bytes };
    uint32_t count = 0;
    for (;;) {
        while (c.p < c.end && isspace(*c.p)) {
            c.p++;
        }
        if (c.p == c.end) {
            break;
        }
        uint8_t *start = c.out;
        if (!copy_argument(&c)) {
            *error = "Protocol error: unbalanced quotes in request";
            return DECODE_ERROR;
        }
        if (count >= (uint32_t)limits->args_max) {
            *error = "Protocol error: invalid multibulk length";
            return DECODE_ERROR;
        }
        if (!args_make_room(args, count + 1)) {
            return DECODE_NOMEM;
        }
        args->argv[count] = slice_of(start, (size_t)(c.out - start));
        count++;
    }
    assert(c.out <= args->inline_bytes + args->inline_cap);
    args->argc = count;
    return count > 0 ? DECODE_REQUEST : DECODE_NOTHING;
}

static enum decode_result decode_inline(struct decode_state *s,
                                        struct slice input,
                                        const struct decode_limits *limits,
                                        struct decode_args *args, size_t *used,
                                        const char **error)
{
    size_t newline;
    enum line_result line =
        find_mark(s, input, 0, limits->inline_bytes_max, '\n', &newline);
    if (line == LINE_MORE) {
        return DECODE_MORE;
    }
    if (line == LINE_TOO_LONG) {
        *error = "Protocol error: too big inline request";
        return DECODE_ERROR;
    }
    enum decode_result r =
        split_line(slice_of(input.data, newline), args, limits, error);
    if (r == DECODE_REQUEST || r == DECODE_NOTHING) {
        *used = newline + 1;
        state_reset(s, args->account);
    }
    return r;
}

enum decode_result decode_request(struct decode_state *s, struct slice input,
                                  const struct decode_limits *limits,
                                  struct decode_args *args, size_t *used,
                                  const char **error)
{
    assert(limits->inline_bytes_max >= DECODE_INLINE_BYTES_MIN);
    assert(s->consumed <= input.len);
    args->argc = 0;
    *used = 0;
    *error = NULL;
    if (input.len == 0) {
        return DECODE_MORE;
    }
    if (input.data[0] == '*') {
        return decode_array(s, input, limits, args, used, error);
    }
    return decode_inline(s, input, limits, args, used, error);
}
