/* sample: few of many, so that none comes twice; how many. */
#include "commands/sample.h"

#include "types/set.h"

struct entry *sample_few(struct cmd_ctx *c, uint64_t count,
                         sample_draw_fn *draw, void *self)
{
    const struct entry_memory *m = ctx_memory(c, &c->keys[0]);
    struct entry *drawn = NULL;
    if (m == NULL) {
        return NULL;
    }
    enum status st = value_create_empty(m, slice_of(NULL, 0), TYPE_SET, 0,
                                        &drawn);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return NULL;
    }
    while (st == ST_OK && value_count(drawn) < count) {
        bool added;
        st = set_add(m, ctx_limits(c), &drawn, draw(self), &added);
    }
    if (st != ST_OK) {
        ctx_error_status(c, st);
        entry_destroy(drawn, m);
        return NULL;
    }
    return drawn;
}

bool sample_parse(struct cmd_ctx *c, const char *word, int64_t *count,
                  bool *is_paired)
{
    if (!ctx_arg_int_in(c, 2, -INT64_MAX, INT64_MAX, count)) {
        return false;
    }
    *is_paired = c->argc == 4 && ctx_arg_is(c, 3, word);
    if (c->argc > 3 && !*is_paired) {
        ctx_error_syntax(c);
        return false;
    }
    if (*is_paired && (*count < -(INT64_MAX / 2) || *count > INT64_MAX / 2)) {
        reply_error(c->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

bool sample_repeat(struct cmd_ctx *c, uint64_t count, uint64_t *bytes_max)
{
    struct chain *out = c->reply->out;
    if (c->reply->is_muted || out->failed) {
        return false;
    }
    *bytes_max = chain_bytes_max(out);
    if (*bytes_max == 0) {
        *bytes_max = out->bytes + SAMPLE_REPLY_BYTES_MAX;
    }
    /* A reply that is bound to fail does not hold the worker until it does. */
    if (out->bytes >= *bytes_max
        || count > (*bytes_max - out->bytes) / strlen("$0\r\n\r\n")) {
        out->failed = CHAIN_TOO_LONG;
        return false;
    }
    return true;
}
