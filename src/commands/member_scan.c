/* member_scan: options and reply of SSCAN, HSCAN, ZSCAN. */
#include "commands/member_scan.h"

#include "base/number.h"

enum { COUNT_INITIAL = 10 };

void scan_reply_empty(struct reply *r)
{
    reply_array(r, 2);
    reply_bulk_text(r, "0");
    reply_array(r, 0);
}

void scan_reply_end(struct reply *r, struct reply_deferred *d, uint64_t cursor,
                    int64_t written)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    size_t len = number_format_uint64(text, cursor);
    /* The cursor stands before the elements, which wait in a chain of their
     * own. */
    struct chain *inner = r->out;
    r->out = d->outer;
    reply_array(r, 2);
    reply_bulk(r, slice_of(text, len));
    r->out = inner;
    reply_deferred_array(r, d, written);
}

static bool parse_count(struct cmd_ctx *c, uint32_t i, struct member_scan *s)
{
    int64_t count;
    if (!ctx_arg_int(c, i, &count)) {
        return false;
    }
    if (count < 1) {
        ctx_error_syntax(c);
        return false;
    }
    /* As many as any collection has. */
    s->count = count > INT64_MAX / 16 ? INT64_MAX / 16 : (uint64_t)count;
    return true;
}

static bool parse_options(struct cmd_ctx *c, const char *bare_word,
                          struct member_scan *s)
{
    for (uint32_t i = 3; i < c->argc; i++) {
        bool has_value = i + 1 < c->argc;
        if (has_value && ctx_arg_is(c, i, "count")) {
            if (!parse_count(c, ++i, s)) {
                return false;
            }
        } else if (has_value && ctx_arg_is(c, i, "match")) {
            s->pattern = c->argv[++i];
        } else if (bare_word != NULL && ctx_arg_is(c, i, bare_word)) {
            s->is_bare = true;
        } else {
            ctx_error_syntax(c);
            return false;
        }
    }
    if (slice_equal(s->pattern, SLICE_LIT("*"))) {
        s->pattern = slice_of(NULL, 0);
    }
    return true;
}

const struct entry *member_scan_open(struct cmd_ctx *c, enum value_type type,
                                     const char *bare_word,
                                     struct member_scan *s)
{
    *s = (struct member_scan){.count = COUNT_INITIAL};
    if (!number_parse_uint64(c->argv[2], &s->cursor)) {
        reply_error(c->reply, "ERR invalid cursor");
        return NULL;
    }
    const struct entry *e = ctx_read(c, &c->keys[0]);
    if (e == NULL) {
        scan_reply_empty(c->reply);
        return NULL;
    }
    bool is_right = ctx_check_type(c, e, type);
    return is_right && parse_options(c, bare_word, s) ? e : NULL;
}

void member_scan_begin(struct cmd_ctx *c, struct member_scan *s)
{
    reply_deferred_begin(c->reply, &s->deferred);
}

void member_scan_end(struct cmd_ctx *c, struct member_scan *s)
{
    scan_reply_end(c->reply, &s->deferred, s->cursor, s->written);
}
