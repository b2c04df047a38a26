/* lcs: the longest common subsequence of two strings.
 *
 * The classic table, row by row, with only one row of lengths kept. The way
 * back through the table needs one bit a cell: "is the length above (one
 * character of the outer string less) to be preferred to the one on the left?"
 * That is a 32nd of a table of lengths; the limit on the strings is still that
 * of a whole table, as clients know it, and bounds the time as well.
 *
 * Among subsequences of equal length the answer is the one that drops
 * characters of the second string first on the way back from the ends. The
 * shorter string is the inner one, so that the row is short; where that swaps
 * the two, equality decides for the other side. */
#include "commands/string_priv.h"

struct lcs_options {
    bool has_len, has_idx, has_match_len;
    int64_t match_len_min;
};

struct lcs {
    struct slice outer, inner;
    bool is_swapped; /* outer is the second string */
    uint32_t *row;   /* lengths, inner.len + 1 of them */
    uint64_t *above; /* bits, outer.len * inner.len; NULL: only the length */
    uint32_t len;
};

/* A run of characters in common, by first positions. */
struct lcs_run {
    size_t outer_at, inner_at, len;
};

static bool options_parse(struct cmd_ctx *c, struct lcs_options *o)
{
    *o = (struct lcs_options){0};
    for (uint32_t i = 3; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "len")) {
            o->has_len = true;
        } else if (ctx_arg_is(c, i, "idx")) {
            o->has_idx = true;
        } else if (ctx_arg_is(c, i, "withmatchlen")) {
            o->has_match_len = true;
        } else if (ctx_arg_is(c, i, "minmatchlen") && i + 1 < c->argc) {
            i++;
            if (!ctx_arg_int(c, i, &o->match_len_min)) {
                return false;
            }
        } else {
            ctx_error_syntax(c);
            return false;
        }
    }
    if (o->has_len && o->has_idx) {
        reply_error(c->reply, "ERR If you want both the length and indexes, "
                              "please just use IDX.");
        return false;
    }
    return true;
}

/* Within limits? False: replied. */
static bool check_sizes(struct cmd_ctx *c, struct slice a, struct slice b)
{
    if (a.len >= UINT32_MAX - 1 || b.len >= UINT32_MAX - 1) {
        reply_error(c->reply, "ERR String too long for LCS");
        return false;
    }
    /* Both factors fit 32 bits: the product cannot overflow. */
    if ((uint64_t)(a.len + 1) * (b.len + 1)
        > ctx_string_max(c) / sizeof(uint32_t)) {
        reply_error(c->reply, "ERR Insufficient memory, transient memory for "
                              "LCS exceeds proto-max-bulk-len");
        return false;
    }
    return true;
}

static void bit_set(uint64_t *bits, size_t i)
{
    bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static bool bit_get(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64)) & 1;
}

/* Fills the row of outer character `at`. */
static void fill_row(struct lcs *l, size_t at)
{
    uint8_t ch = l->outer.data[at];
    size_t cell = at * l->inner.len;
    uint32_t diagonal = 0, left = 0;
    for (size_t j = 0; j < l->inner.len; j++) {
        uint32_t up = l->row[j + 1];
        bool is_up = l->is_swapped ? up >= left : up > left;
        if (is_up && l->above) {
            bit_set(l->above, cell + j);
        }
        left = (l->inner.data[j] == ch) ? diagonal + 1 : (is_up ? up : left);
        l->row[j + 1] = left;
        diagonal = up;
    }
}

/* Computes the length and, if asked, the way back. False: replied. */
static bool lcs_compute(struct cmd_ctx *c, struct lcs *l, bool needs_way)
{
    size_t row_bytes = (l->inner.len + 1) * sizeof *l->row;
    size_t cells = l->outer.len * l->inner.len;
    if (cells == 0) {
        return true;
    }
    l->row = ctx_scratch(c, row_bytes);
    if (!l->row) {
        return false;
    }
    memset(l->row, 0, row_bytes);
    if (needs_way) {
        size_t bits_bytes = (cells + 63) / 64 * sizeof *l->above;
        l->above = ctx_scratch(c, bits_bytes);
        if (!l->above) {
            return false;
        }
        memset(l->above, 0, bits_bytes);
    }
    for (size_t i = 0; i < l->outer.len; i++) {
        fill_row(l, i);
    }
    l->len = l->row[l->inner.len];
    return true;
}

/* Walks back from [*i, *j) (both exclusive ends) to the next run in common;
 * false: there is none. */
static bool lcs_next_run(const struct lcs *l, size_t *i, size_t *j,
                         struct lcs_run *run)
{
    run->len = 0;
    while (*i > 0 && *j > 0) {
        if (l->outer.data[*i - 1] == l->inner.data[*j - 1]) {
            (*i)--;
            (*j)--;
            run->len++;
            continue;
        }
        if (run->len > 0) {
            break;
        }
        if (bit_get(l->above, (*i - 1) * l->inner.len + (*j - 1))) {
            (*i)--;
        } else {
            (*j)--;
        }
    }
    run->outer_at = *i;
    run->inner_at = *j;
    return run->len > 0;
}

static void reply_subsequence(struct cmd_ctx *c, const struct lcs *l)
{
    size_t i = l->outer.len, j = l->inner.len, at = l->len;
    struct lcs_run run;
    uint8_t *text;
    if (l->len == 0) {
        reply_bulk(c->reply, slice_of("", 0));
        return;
    }
    text = ctx_scratch(c, l->len);
    if (!text) {
        return;
    }
    while (lcs_next_run(l, &i, &j, &run)) {
        assert(run.len <= at);
        at -= run.len;
        memcpy(text + at, l->outer.data + run.outer_at, run.len);
    }
    assert(at == 0);
    reply_bulk(c->reply, slice_of(text, l->len));
}

static void reply_span(struct reply *r, size_t at, size_t len)
{
    reply_array(r, 2);
    reply_int(r, (int64_t)at);
    reply_int(r, (int64_t)(at + len - 1));
}

static void reply_indexes(struct cmd_ctx *c, const struct lcs *l,
                          const struct lcs_options *o)
{
    size_t i = l->outer.len, j = l->inner.len;
    struct reply_deferred d;
    struct lcs_run run;
    int64_t count = 0;
    reply_map(c->reply, 2);
    reply_bulk_text(c->reply, "matches");
    reply_deferred_begin(c->reply, &d);
    while (l->len > 0 && lcs_next_run(l, &i, &j, &run)) {
        size_t first = l->is_swapped ? run.inner_at : run.outer_at;
        size_t second = l->is_swapped ? run.outer_at : run.inner_at;
        if ((int64_t)run.len < o->match_len_min) {
            continue;
        }
        reply_array(c->reply, o->has_match_len ? 3 : 2);
        reply_span(c->reply, first, run.len);
        reply_span(c->reply, second, run.len);
        if (o->has_match_len) {
            reply_int(c->reply, (int64_t)run.len);
        }
        count++;
    }
    reply_deferred_array(c->reply, &d, count);
    reply_bulk_text(c->reply, "len");
    reply_int(c->reply, l->len);
}

/* The two values; false: one of them is not a string (replied). Both keys are
 * read before either value is looked at: reading may delete an expired key. */
static bool read_values(struct cmd_ctx *c, char text[2][STRING_SCRATCH_BYTES],
                        struct slice value[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        struct entry *e = ctx_read(c, &c->keys[i]);
        if (e && e->type != TYPE_STRING) {
            reply_error(c->reply,
                        "ERR The specified keys must contain string values");
            return false;
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct entry *e = ctx_peek(c, &c->keys[i]);
        value[i] = e ? string_bytes(e, text[i]) : slice_of("", 0);
    }
    return true;
}

void string_lcs_run(struct cmd_ctx *c)
{
    char text[2][STRING_SCRATCH_BYTES];
    struct slice value[2];
    struct lcs_options o;
    assert(c->key_count == 2);
    if (!read_values(c, text, value) || !options_parse(c, &o)
        || !check_sizes(c, value[0], value[1])) {
        return;
    }
    bool is_swapped = value[0].len < value[1].len;
    struct lcs l = {.outer = value[is_swapped ? 1 : 0],
                    .inner = value[is_swapped ? 0 : 1],
                    .is_swapped = is_swapped};
    if (!lcs_compute(c, &l, !o.has_len)) {
        return;
    }
    if (o.has_idx) {
        reply_indexes(c, &l, &o);
    } else if (o.has_len) {
        reply_int(c->reply, l.len);
    } else {
        reply_subsequence(c, &l);
    }
}
