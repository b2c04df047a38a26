/* bitfield: BITFIELD and BITFIELD_RO: integers of 1 to 64 bits anywhere in a
 * string.
 *
 * All operations are parsed before the first runs, so that a mistake in the
 * last one changes nothing. Values are computed in 128 bits: every sum and
 * every bound fits, and overflow is a comparison. */
#include "base/number.h"
#include "commands/bitmap_priv.h"
#include "commands/bits.h"

enum field_kind { FIELD_GET, FIELD_SET, FIELD_INCRBY };
enum field_overflow { OVERFLOW_WRAP, OVERFLOW_SAT, OVERFLOW_FAIL };

struct field_op {
    uint64_t at;   /* first bit */
    int64_t value; /* SET, INCRBY */
    uint8_t kind;
    uint8_t overflow;
    uint8_t width;
    bool is_signed;
};

struct field_ops {
    struct field_op *ops;
    uint32_t count;
    size_t write_bytes; /* the string must be this long; 0: nothing writes */
};

/* "i8", "u63" */
static bool type_parse(struct slice text, struct field_op *op)
{
    int64_t width;
    if (text.len < 2 || (text.data[0] != 'i' && text.data[0] != 'u')) {
        return false;
    }
    op->is_signed = text.data[0] == 'i';
    if (!number_parse_int64(slice_of(text.data + 1, text.len - 1), &width)
        || width < 1 || width > (op->is_signed ? 64 : 63)) {
        return false;
    }
    op->width = (uint8_t)width;
    return true;
}

/* "100", or "#5": the fifth field of this width. */
static bool offset_parse(const struct cmd_ctx *c, struct slice text,
                         struct field_op *op)
{
    bool is_index = text.len > 0 && text.data[0] == '#';
    int64_t at;
    if (is_index) {
        text = slice_of(text.data + 1, text.len - 1);
    }
    if (!number_parse_int64(text, &at)
        || (is_index && __builtin_mul_overflow(at, op->width, &at))
        || !bit_offset_is_ok(c, at)) {
        return false;
    }
    op->at = (uint64_t)at;
    return true;
}

static bool overflow_parse(struct cmd_ctx *c, uint32_t i, uint8_t *overflow)
{
    if (ctx_arg_is(c, i, "wrap")) {
        *overflow = OVERFLOW_WRAP;
    } else if (ctx_arg_is(c, i, "sat")) {
        *overflow = OVERFLOW_SAT;
    } else if (ctx_arg_is(c, i, "fail")) {
        *overflow = OVERFLOW_FAIL;
    } else {
        reply_error(c->reply, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* The word at argv[i] and how many arguments it takes with it; 0: none such. */
static uint32_t kind_parse(const struct cmd_ctx *c, uint32_t i, uint8_t *kind)
{
    if (ctx_arg_is(c, i, "get")) {
        *kind = FIELD_GET;
        return 3;
    }
    if (ctx_arg_is(c, i, "set")) {
        *kind = FIELD_SET;
        return 4;
    }
    if (ctx_arg_is(c, i, "incrby")) {
        *kind = FIELD_INCRBY;
        return 4;
    }
    return 0;
}

/* One operation whose word is at argv[i]; false: replied. */
static bool op_parse(struct cmd_ctx *c, uint32_t i, struct field_op *op)
{
    if (!type_parse(c->argv[i + 1], op)) {
        reply_error(c->reply,
                    "ERR Invalid bitfield type. Use something like i16 u8. "
                    "Note that u64 is not supported but i64 is.");
        return false;
    }
    if (!offset_parse(c, c->argv[i + 2], op)) {
        reply_error(c->reply, BIT_OFFSET_TEXT);
        return false;
    }
    return op->kind == FIELD_GET || ctx_arg_int(c, i + 3, &op->value);
}

static bool ops_parse(struct cmd_ctx *c, struct field_ops *all)
{
    uint8_t overflow = OVERFLOW_WRAP;
    uint32_t i = 2;
    /* No operation has fewer than three words. */
    all->ops = ctx_scratch(c, (c->argc / 3 + 1) * sizeof *all->ops);
    if (!all->ops) {
        return false;
    }
    while (i < c->argc) {
        struct field_op op = {.overflow = overflow};
        if (ctx_arg_is(c, i, "overflow") && i + 1 < c->argc) {
            if (!overflow_parse(c, i + 1, &overflow)) {
                return false;
            }
            i += 2;
            continue;
        }
        uint32_t words = kind_parse(c, i, &op.kind);
        if (words == 0 || words > c->argc - i) {
            ctx_error_syntax(c);
            return false;
        }
        if (!op_parse(c, i, &op)) {
            return false;
        }
        size_t needs = (op.at + op.width + 7) / 8;
        if (op.kind != FIELD_GET && needs > all->write_bytes) {
            all->write_bytes = needs;
        }
        all->ops[all->count++] = op;
        i += words;
    }
    return true;
}

static __int128 field_max(const struct field_op *op)
{
    return ((__int128)1 << (op->width - op->is_signed)) - 1;
}

static __int128 field_min(const struct field_op *op)
{
    return op->is_signed ? -((__int128)1 << (op->width - 1)) : 0;
}

/* The field's bits as the number they stand for. */
static int64_t field_value(const struct field_op *op, uint64_t bits)
{
    uint64_t sign = (uint64_t)1 << (op->width - 1);
    if (op->is_signed) {
        /* Wraps as it should: two's complement extended. */
        return (int64_t)((bits ^ sign) - sign);
    }
    return (int64_t)bits;
}

/* What the field becomes; false: it would overflow, and must not. */
static bool field_next(const struct field_op *op, int64_t old, uint64_t *bits)
{
    __int128 v;
    if (op->kind == FIELD_INCRBY) {
        v = (__int128)old + op->value;
    } else {
        /* For an unsigned field a negative value is a huge one. */
        v = op->is_signed ? (__int128)op->value
                          : (__int128)(uint64_t)op->value;
    }
    bool is_over = v > field_max(op), is_under = v < field_min(op);
    if ((is_over || is_under) && op->overflow == OVERFLOW_FAIL) {
        return false;
    }
    if ((is_over || is_under) && op->overflow == OVERFLOW_SAT) {
        v = is_over ? field_max(op) : field_min(op);
    }
    *bits = (uint64_t)v & (UINT64_MAX >> (64 - op->width));
    return true;
}

/* Runs one writing operation and replies; true: it changed something. */
static bool op_write(struct cmd_ctx *c, const struct field_op *op,
                     uint8_t *bytes, size_t len)
{
    uint64_t was = bits_read(bytes, len, op->at, op->width);
    uint64_t now;
    if (!field_next(op, field_value(op, was), &now)) {
        reply_null(c->reply);
        return false;
    }
    bits_write(bytes, op->at, op->width, now);
    reply_int(c->reply,
              field_value(op, op->kind == FIELD_INCRBY ? now : was));
    return was != now;
}

static void ops_read(struct cmd_ctx *c, const struct field_ops *all)
{
    char text[STRING_SCRATCH_BYTES];
    struct slice value = {NULL, 0};
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    if (e) {
        value = string_bytes(e, text);
    }
    reply_array(c->reply, all->count);
    for (uint32_t i = 0; i < all->count; i++) {
        const struct field_op *op = &all->ops[i];
        uint64_t bits = bits_read(value.data, value.len, op->at, op->width);
        reply_int(c->reply, field_value(op, bits));
    }
}

static void ops_write(struct cmd_ctx *c, const struct field_ops *all)
{
    const struct key *k = &c->keys[0];
    struct entry *e = ctx_peek(c, k);
    uint8_t *bytes;
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    size_t len = e ? string_len(e) : 0;
    /* Growing is a change, even by an operation that then fails. */
    bool is_changed = all->write_bytes > len;
    len = is_changed ? all->write_bytes : len;
    if (!ctx_edit_string(c, k, len, &bytes)) {
        return;
    }
    reply_array(c->reply, all->count);
    for (uint32_t i = 0; i < all->count; i++) {
        const struct field_op *op = &all->ops[i];
        if (op->kind == FIELD_GET) {
            uint64_t bits = bits_read(bytes, len, op->at, op->width);
            reply_int(c->reply, field_value(op, bits));
        } else {
            is_changed |= op_write(c, op, bytes, len);
        }
    }
    if (is_changed) {
        ctx_changed(c, k, EVENT_STRING, "setbit");
    }
}

void bitmap_bitfield_run(struct cmd_ctx *c)
{
    struct field_ops all = {0};
    if (!ops_parse(c, &all)) {
        return;
    }
    if (all.write_bytes > 0) {
        ops_write(c, &all);
    } else {
        ops_read(c, &all);
    }
}

void bitmap_bitfield_ro_run(struct cmd_ctx *c)
{
    struct field_ops all = {0};
    if (!ops_parse(c, &all)) {
        return;
    }
    if (all.write_bytes > 0) {
        reply_error(c->reply,
                    "ERR BITFIELD_RO only supports the GET subcommand");
        return;
    }
    ops_read(c, &all);
}
