/* string_range: parts of a string: APPEND, GETRANGE (and SUBSTR), SETRANGE,
 * STRLEN. Growing is amortized by the value's own spare room. */
#include "commands/range.h"
#include "commands/string_priv.h"

void string_append_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct slice more = c->argv[2];
    struct entry *e = ctx_peek(c, k);
    size_t len;
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    len = e ? string_len(e) : 0;
    if (len > ctx_string_max(c) || more.len > ctx_string_max(c) - len) {
        reply_error(c->reply, STRING_TOO_LONG_TEXT);
        return;
    }
    if (!e) {
        if (!ctx_set_string(c, k, more, DEADLINE_NONE)) {
            return;
        }
    } else {
        uint8_t *bytes;
        if (!ctx_edit_string(c, k, len + more.len, &bytes)) {
            return;
        }
        if (more.len > 0) {
            memcpy(bytes + len, more.data, more.len);
        }
    }
    ctx_changed(c, k, EVENT_STRING, "append");
    reply_int(c->reply, (int64_t)(len + more.len));
}

void string_strlen_run(struct cmd_ctx *c)
{
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (ctx_check_type(c, e, TYPE_STRING)) {
        reply_int(c->reply, e ? (int64_t)string_len(e) : 0);
    }
}

void string_getrange_run(struct cmd_ctx *c)
{
    char text[STRING_SCRATCH_BYTES];
    struct slice value = {NULL, 0};
    int64_t start, end;
    if (!ctx_arg_int(c, 2, &start) || !ctx_arg_int(c, 3, &end)) {
        return;
    }
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    if (e) {
        value = string_bytes(e, text);
    }
    if (range_is_backwards(start, end)
        || !range_clamp(&start, &end, (int64_t)value.len)) {
        reply_bulk(c->reply, slice_of("", 0));
        return;
    }
    value = slice_of(value.data + start, (size_t)(end - start + 1));
    struct blob *b = string_blob_to_pin(e);
    if (b && value.len >= STRING_PIN_BYTES) {
        blob_pin(b);
        reply_bulk_pinned(c->reply, value, blob_unpin, b);
    } else {
        reply_bulk(c->reply, value);
    }
}

void string_setrange_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct slice part = c->argv[3];
    uint8_t *bytes;
    int64_t offset;
    size_t len;
    if (!ctx_arg_int(c, 2, &offset)) {
        return;
    }
    if (offset < 0) {
        reply_error(c->reply, "ERR offset is out of range");
        return;
    }
    struct entry *e = ctx_peek(c, k);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    len = e ? string_len(e) : 0;
    if (part.len == 0) {
        reply_int(c->reply, (int64_t)len);
        return;
    }
    if (part.len > ctx_string_max(c)
        || (uint64_t)offset > ctx_string_max(c) - part.len) {
        reply_error(c->reply, STRING_TOO_LONG_TEXT);
        return;
    }
    size_t needed = (size_t)offset + part.len;
    len = (needed > len) ? needed : len;
    if (!ctx_edit_string(c, k, len, &bytes)) {
        return;
    }
    memcpy(bytes + offset, part.data, part.len);
    ctx_changed(c, k, EVENT_STRING, "setrange");
    reply_int(c->reply, (int64_t)len);
}
