/* decode_reply: one call, one event.
 *
 * Every value begins with a line: a type byte, text, CRLF. A line is taken whole
 * or not at all; how far it has been searched is remembered, so that every byte
 * is looked at once. Texts behind a "$" line are handed on as they come.
 *
 * The stack holds, for each open aggregate, how many elements have still to
 * begin. An element is counted off when it begins, not when it ends: then an
 * attribute, which counts for nothing, needs no second bookkeeping, and an
 * aggregate closes when none is left and nothing is open above it. */
#include "resp/decode_reply.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"

enum { CRLF_BYTES = 2, VERBATIM_PREFIX_BYTES = 4 };

static enum decode_reply_result fail(const char **error, const char *why)
{
    *error = why;
    return DECODE_REPLY_ERROR;
}

/* A value has begun where the stack stands. */
static void count_off(struct decode_reply_state *s, enum reply_kind kind)
{
    if (s->depth > 0 && kind != REPLY_ATTRIBUTE) {
        assert(s->left[s->depth - 1] > 0);
        s->left[s->depth - 1]--;
    }
}

static enum decode_reply_result close_aggregate(struct decode_reply_state *s,
                                                struct reply_event *out)
{
    s->depth--;
    enum reply_kind kind = (enum reply_kind)s->kinds[s->depth];
    *out = (struct reply_event){
        .event = REPLY_CLOSE,
        .kind = kind,
        .depth = s->depth,
        .ends_reply = s->depth == 0 && kind != REPLY_ATTRIBUTE,
    };
    return DECODE_REPLY_EVENT;
}

/* A piece of a text: what has come of it, or, with the CRLF behind it, the
 * last. */
static enum decode_reply_result read_text(struct decode_reply_state *s,
                                          struct slice input,
                                          struct reply_event *out,
                                          size_t *used, const char **error)
{
    bool is_whole = input.len >= CRLF_BYTES &&
                    (int64_t)(input.len - CRLF_BYTES) >= s->text_left;
    size_t take = is_whole || (int64_t)input.len > s->text_left
                      ? (size_t)s->text_left
                      : input.len;
    if (!is_whole && take == 0) {
        return DECODE_REPLY_MORE;
    }
    if (is_whole &&
        (input.data[take] != '\r' || input.data[take + 1] != '\n')) {
        return fail(error, "a text is not followed by CRLF");
    }
    *out = (struct reply_event){
        .event = REPLY_TEXT,
        .kind = s->text_kind,
        .text = slice_of(input.data, take),
        .number = s->text_bytes,
        .depth = s->depth,
        .is_first = !s->is_text_begun,
        .is_last = is_whole,
        .ends_reply = is_whole && s->depth == 0,
    };
    s->text_left -= (int64_t)take;
    s->is_text_begun = true;
    s->is_in_text = !is_whole;
    *used = take + (is_whole ? CRLF_BYTES : 0);
    return DECODE_REPLY_EVENT;
}

/* The line at the start of `input`, CRLF not included. */
static enum decode_reply_result find_line(struct decode_reply_state *s,
                                          struct slice input, uint32_t max,
                                          struct slice *line,
                                          const char **error)
{
    size_t reach = (size_t)max + CRLF_BYTES;
    size_t stop = input.len < reach ? input.len : reach;
    const uint8_t *lf = NULL;
    if (s->scanned < stop) {
        lf = memchr(input.data + s->scanned, '\n', stop - s->scanned);
    }
    if (lf == NULL) {
        s->scanned = stop;
        return stop == reach ? fail(error, "a line is too long")
                             : DECODE_REPLY_MORE;
    }
    s->scanned = 0;
    size_t len = (size_t)(lf - input.data);
    if (len < 2 || lf[-1] != '\r') {
        return fail(error, "a line does not end in CRLF, or is empty");
    }
    *line = slice_of(input.data, len - 1);
    return DECODE_REPLY_EVENT;
}

/* ",1.5", ",-3e7", ",inf", ",nan" */
static bool is_double(struct slice text)
{
    if (slice_equal_nocase(text, "inf") || slice_equal_nocase(text, "-inf") ||
        slice_equal_nocase(text, "nan") || slice_equal_nocase(text, "-nan")) {
        return true;
    }
    size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t digits = 0;
    bool has_point = false;
    for (; i < text.len; i++) {
        uint8_t b = text.data[i];
        if (b == '.' && !has_point) {
            has_point = true;
        } else if (b >= '0' && b <= '9') {
            digits++;
        } else {
            break;
        }
    }
    if (digits == 0 || i == text.len) {
        return digits > 0;
    }
    if (text.data[i] != 'e' && text.data[i] != 'E') {
        return false;
    }
    i++;
    i += i < text.len && (text.data[i] == '-' || text.data[i] == '+');
    size_t from = i;
    while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9') {
        i++;
    }
    return i == text.len && i > from;
}

static bool is_bignum(struct slice text)
{
    size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t from = i;
    while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9') {
        i++;
    }
    return i == text.len && i > from;
}

static bool parse_integer(struct slice text, int64_t *out)
{
    if (text.len > 1 && text.data[0] == '+') {
        text = slice_of(text.data + 1, text.len - 1);
    }
    return number_parse_int64(text, out);
}

static enum decode_reply_result open_text(struct decode_reply_state *s,
                                          enum reply_kind kind, int64_t len,
                                          const struct decode_reply_limits *l,
                                          const char **error)
{
    if (len > l->text_bytes_max) {
        return fail(error, "a text is larger than the limit");
    }
    if (kind == REPLY_VERBATIM && len < VERBATIM_PREFIX_BYTES) {
        return fail(error, "a verbatim text has no prefix");
    }
    count_off(s, kind);
    s->is_in_text = true;
    s->is_text_begun = false;
    s->text_kind = kind;
    s->text_left = len;
    s->text_bytes = len;
    return DECODE_REPLY_EVENT;
}

static enum decode_reply_result open_aggregate(
    struct decode_reply_state *s, enum reply_kind kind, int64_t count,
    const struct decode_reply_limits *l, struct reply_event *out,
    const char **error)
{
    assert(l->depth_max <= DECODE_REPLY_DEPTH_MAX);
    bool is_paired = kind == REPLY_MAP || kind == REPLY_ATTRIBUTE;
    if (count > l->elements_max / (is_paired ? 2 : 1)) {
        return fail(error, "an aggregate is larger than the limit");
    }
    if (s->depth + 1 >= l->depth_max) {
        return fail(error, "a reply is nested too deep");
    }
    if (kind == REPLY_PUSH && s->depth > 0) {
        return fail(error, "a push inside of a reply");
    }
    count_off(s, kind);
    *out = (struct reply_event){
        .event = REPLY_OPEN,
        .kind = kind,
        .number = is_paired ? count * 2 : count,
        .depth = s->depth,
    };
    s->left[s->depth] = out->number;
    s->kinds[s->depth] = (uint8_t)kind;
    s->depth++;
    return DECODE_REPLY_EVENT;
}

static enum decode_reply_result put_value(struct decode_reply_state *s,
                                          enum reply_kind kind,
                                          struct slice text, int64_t number,
                                          struct reply_event *out)
{
    count_off(s, kind);
    *out = (struct reply_event){
        .event = REPLY_VALUE,
        .kind = kind,
        .text = text,
        .number = number,
        .depth = s->depth,
        .ends_reply = s->depth == 0,
    };
    return DECODE_REPLY_EVENT;
}

/* What stands behind the type byte: a line of its own, the length of a text, or
 * the count of an aggregate? */
enum shape { SHAPE_NONE, SHAPE_LINE, SHAPE_TEXT, SHAPE_AGGREGATE };

static enum shape shape_of(uint8_t type, enum reply_kind *kind)
{
    switch (type) {
    case '+': *kind = REPLY_STATUS; return SHAPE_LINE;
    case '-': *kind = REPLY_ERROR; return SHAPE_LINE;
    case ':': *kind = REPLY_INTEGER; return SHAPE_LINE;
    case ',': *kind = REPLY_DOUBLE; return SHAPE_LINE;
    case '(': *kind = REPLY_BIGNUM; return SHAPE_LINE;
    case '#': *kind = REPLY_BOOL; return SHAPE_LINE;
    case '_': *kind = REPLY_NULL; return SHAPE_LINE;
    case '$': *kind = REPLY_STRING; return SHAPE_TEXT;
    case '!': *kind = REPLY_ERROR; return SHAPE_TEXT;
    case '=': *kind = REPLY_VERBATIM; return SHAPE_TEXT;
    case '*': *kind = REPLY_ARRAY; return SHAPE_AGGREGATE;
    case '~': *kind = REPLY_SET; return SHAPE_AGGREGATE;
    case '%': *kind = REPLY_MAP; return SHAPE_AGGREGATE;
    case '>': *kind = REPLY_PUSH; return SHAPE_AGGREGATE;
    case '|': *kind = REPLY_ATTRIBUTE; return SHAPE_AGGREGATE;
    default: return SHAPE_NONE;
    }
}

/* Does the line say what its type wants? */
static const char *check_line(enum reply_kind kind, struct slice rest,
                              int64_t *number)
{
    switch (kind) {
    case REPLY_INTEGER:
        return parse_integer(rest, number) ? NULL : "an integer is malformed";
    case REPLY_DOUBLE:
        return is_double(rest) ? NULL : "a double is malformed";
    case REPLY_BIGNUM:
        return is_bignum(rest) ? NULL : "a big number is malformed";
    case REPLY_BOOL:
        *number = rest.len == 1 && rest.data[0] == 't';
        return *number == 1 || (rest.len == 1 && rest.data[0] == 'f')
                   ? NULL
                   : "a boolean is malformed";
    case REPLY_NULL: return rest.len == 0 ? NULL : "a null is malformed";
    default: return NULL;
    }
}

enum decode_reply_result
decode_reply(struct decode_reply_state *s, struct slice input,
             const struct decode_reply_limits *limits, struct reply_event *out,
             size_t *used, const char **error)
{
    *used = 0;
    if (s->is_in_text) {
        return read_text(s, input, out, used, error);
    }
    if (s->depth > 0 && s->left[s->depth - 1] == 0) {
        return close_aggregate(s, out);
    }
    if (input.len == 0) {
        return DECODE_REPLY_MORE;
    }
    /* Before the line is whole: nonsense is refused at its first byte. */
    enum reply_kind kind = REPLY_NULL;
    enum shape shape = shape_of(input.data[0], &kind);
    if (shape == SHAPE_NONE) {
        return fail(error, "a type byte is unknown");
    }
    struct slice line;
    enum decode_reply_result r =
        find_line(s, input, limits->line_bytes_max, &line, error);
    if (r != DECODE_REPLY_EVENT) {
        return r;
    }
    struct slice rest = slice_of(line.data + 1, line.len - 1);
    int64_t number = 0;
    *used = line.len + CRLF_BYTES;
    if (shape == SHAPE_LINE) {
        const char *why = check_line(kind, rest, &number);
        return why != NULL ? fail(error, why)
                           : put_value(s, kind, rest, number, out);
    }
    if (!parse_integer(rest, &number)) {
        return fail(error, "a length is malformed");
    }
    if (number == -1 && (kind == REPLY_STRING || kind == REPLY_ARRAY)) {
        return put_value(s, REPLY_NULL, slice_of(rest.data, 0), 0, out);
    }
    if (number < 0) {
        return fail(error, "a length is negative");
    }
    if (shape == SHAPE_AGGREGATE) {
        return open_aggregate(s, kind, number, limits, out, error);
    }
    r = open_text(s, kind, number, limits, error);
    if (r != DECODE_REPLY_EVENT) {
        return r;
    }
    size_t header = *used;
    r = read_text(s, slice_of(input.data + header, input.len - header), out,
                  used, error);
    if (r == DECODE_REPLY_MORE) {
        /* Nothing of the text yet: the header alone is an empty piece. */
        *out = (struct reply_event){
            .event = REPLY_TEXT, .kind = kind,
            .text = slice_of(input.data + header, 0), .number = number,
            .depth = s->depth, .is_first = true,
        };
        s->is_text_begun = true;
        *used = header;
        return DECODE_REPLY_EVENT;
    }
    *used += header;
    return r;
}
