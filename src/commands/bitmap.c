/* bitmap: single bits and ranges of them: SETBIT, GETBIT, BITCOUNT, BITPOS, and
 * the family's rows. */
#include "base/number.h"
#include "commands/bitmap_priv.h"
#include "commands/bits.h"
#include "commands/range.h"

/* A range of BITCOUNT or BITPOS, as written. */
struct bit_range {
    int64_t start, end;
    bool is_bits; /* else bytes */
};

static bool offset_parse(struct cmd_ctx *c, uint32_t i, uint64_t *offset)
{
    int64_t v;
    if (!number_parse_int64(c->argv[i], &v) || !bit_offset_is_ok(c, v)) {
        reply_error(c->reply, BIT_OFFSET_TEXT);
        return false;
    }
    *offset = (uint64_t)v;
    return true;
}

static void setbit_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    uint64_t offset;
    int64_t bit;
    uint8_t *bytes;
    if (!offset_parse(c, 2, &offset)) {
        return;
    }
    if (!number_parse_int64(c->argv[3], &bit) || (bit & ~(int64_t)1)) {
        reply_error(c->reply, "ERR bit is not an integer or out of range");
        return;
    }
    struct entry *e = ctx_peek(c, k);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    size_t old_len = e ? string_len(e) : 0;
    size_t len = offset / 8 + 1;
    bool is_grown = !e || len > old_len;
    if (!ctx_edit_string(c, k, is_grown ? len : old_len, &bytes)) {
        return;
    }
    uint64_t old = bits_read(bytes, len, offset, 1);
    bits_write(bytes, offset, 1, (uint64_t)bit);
    /* A bit set to what it was is no news to anyone. */
    if (is_grown || old != (uint64_t)bit) {
        ctx_changed(c, k, EVENT_STRING, "setbit");
    }
    reply_int(c->reply, (int64_t)old);
}

static void getbit_run(struct cmd_ctx *c)
{
    char text[STRING_SCRATCH_BYTES];
    uint64_t offset;
    if (!offset_parse(c, 2, &offset)) {
        return;
    }
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    struct slice value = e ? string_bytes(e, text) : slice_of(text, 0);
    reply_int(c->reply,
              (int64_t)bits_read(value.data, value.len, offset, 1));
}

/* [start [end [BYTE|BIT]]] from argv[from] on. False: replied. */
static bool range_parse(struct cmd_ctx *c, uint32_t from, struct bit_range *r)
{
    *r = (struct bit_range){.start = 0, .end = -1};
    if (c->argc > from + 3) {
        ctx_error_syntax(c);
        return false;
    }
    if (c->argc > from && !ctx_arg_int(c, from, &r->start)) {
        return false;
    }
    if (c->argc > from + 2) {
        r->is_bits = ctx_arg_is(c, from + 2, "bit");
        if (!r->is_bits && !ctx_arg_is(c, from + 2, "byte")) {
            ctx_error_syntax(c);
            return false;
        }
    }
    return c->argc <= from + 1 || ctx_arg_int(c, from + 1, &r->end);
}

/* The bits [*start, *end) that the range means in a value of `len` bytes;
 * false: none. */
static bool range_resolve(const struct bit_range *r, size_t len,
                          uint64_t *start, uint64_t *end)
{
    int64_t first = r->start, last = r->end;
    int64_t unit = r->is_bits ? 1 : 8;
    if (!range_clamp(&first, &last, (int64_t)len * 8 / unit)) {
        return false;
    }
    *start = (uint64_t)(first * unit);
    *end = (uint64_t)((last + 1) * unit);
    return true;
}

static void bitcount_run(struct cmd_ctx *c)
{
    char text[STRING_SCRATCH_BYTES];
    struct bit_range r;
    uint64_t start, end, count = 0;
    if (!range_parse(c, 2, &r)) {
        return;
    }
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    struct slice value = e ? string_bytes(e, text) : slice_of(text, 0);
    if (!range_is_backwards(r.start, r.end)
        && range_resolve(&r, value.len, &start, &end)) {
        count = bits_count(value.data, start, end);
    }
    reply_int(c->reply, (int64_t)count);
}

/* The value is thought of as going on with zeros for ever, unless an end was
 * given: then a missing zero is -1. */
static int64_t bitpos_find(const struct cmd_ctx *c, struct slice value,
                           const struct bit_range *r, bool bit)
{
    uint64_t start, end;
    int64_t found;
    if (!range_resolve(r, value.len, &start, &end)) {
        return -1;
    }
    found = bits_find(value.data, start, end, bit);
    if (found < 0 && !bit && c->argc <= 4) {
        return (int64_t)value.len * 8;
    }
    return found;
}

static void bitpos_run(struct cmd_ctx *c)
{
    char text[STRING_SCRATCH_BYTES];
    struct bit_range r;
    int64_t bit;
    if (!ctx_arg_int(c, 2, &bit)) {
        return;
    }
    if (bit & ~(int64_t)1) {
        reply_error(c->reply, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (!range_parse(c, 3, &r)) {
        return;
    }
    struct entry *e = ctx_read(c, &c->keys[0]);
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    if (!e) {
        reply_int(c->reply, bit ? -1 : 0);
        return;
    }
    reply_int(c->reply, bitpos_find(c, string_bytes(e, text), &r, bit == 1));
}

#define WRITES (CMD_WRITE | CMD_DENYOOM)
#define ROW(word, args, bits, where, fn) \
    { .name = word, .arity = args, .flags = bits, .categories = CAT_BITMAP, \
      .keys = where, .run = fn }

const struct cmd_spec bitmap_cmds[] = {
    ROW("bitcount", -2, CMD_READONLY, KEYS_AT(1), bitcount_run),
    ROW("bitfield", -2, WRITES, KEYS_AT(1), bitmap_bitfield_run),
    ROW("bitfield_ro", -2, CMD_READONLY | CMD_FAST, KEYS_AT(1),
        bitmap_bitfield_ro_run),
    ROW("bitop", -4, WRITES, KEYS_RANGE(2, -1, 1), bitmap_bitop_run),
    ROW("bitpos", -3, CMD_READONLY, KEYS_AT(1), bitpos_run),
    ROW("getbit", 3, CMD_READONLY | CMD_FAST, KEYS_AT(1), getbit_run),
    ROW("setbit", 4, WRITES, KEYS_AT(1), setbit_run),
    {.name = NULL},
};
