/* string_number: strings that are numbers. Integers keep the deadline and, in
 * the usual case, are changed in place; decimals are computed in long double
 * and go to the log as their result, so that every machine that replays it has
 * the same digits. */
#include <math.h>

#include "base/number.h"
#include "commands/string_priv.h"

static void increment(struct cmd_ctx *c, int64_t by)
{
    const struct key *k = &c->keys[0];
    struct entry *e = ctx_peek(c, k);
    int64_t value = 0;
    if (!ctx_check_type(c, e, TYPE_STRING)) {
        return;
    }
    if (e && !string_get_int(e, &value)) {
        reply_error(c->reply, "ERR value is not an integer or out of range");
        return;
    }
    if (__builtin_add_overflow(value, by, &value)) {
        reply_error(c->reply, "ERR increment or decrement would overflow");
        return;
    }
    if (ctx_set_int(c, k, value, DEADLINE_KEEP)) {
        ctx_changed(c, k, EVENT_STRING, "incrby");
        reply_int(c->reply, value);
    }
}

void string_incr_run(struct cmd_ctx *c)
{
    increment(c, 1);
}

void string_decr_run(struct cmd_ctx *c)
{
    increment(c, -1);
}

void string_incrby_run(struct cmd_ctx *c)
{
    int64_t by;
    if (ctx_arg_int(c, 2, &by)) {
        increment(c, by);
    }
}

void string_decrby_run(struct cmd_ctx *c)
{
    int64_t by;
    if (!ctx_arg_int(c, 2, &by)) {
        return;
    }
    if (by == INT64_MIN) {
        reply_error(c->reply, "ERR decrement would overflow");
        return;
    }
    increment(c, -by);
}

/* The sum of the value and the increment; false: replied. */
static bool float_sum(struct cmd_ctx *c, const struct entry *e,
                      long double *sum)
{
    char text[STRING_SCRATCH_BYTES];
    long double value = 0, by = 0;
    if ((e && !number_parse_long_double(string_bytes(e, text), &value))
        || !number_parse_long_double(c->argv[2], &by)) {
        reply_error(c->reply, "ERR value is not a valid float");
        return false;
    }
    *sum = value + by;
    if (isnan(*sum) || isinf(*sum)) {
        reply_error(c->reply, "ERR increment would produce NaN or Infinity");
        return false;
    }
    return true;
}

void string_incrbyfloat_run(struct cmd_ctx *c)
{
    const struct key *k = &c->keys[0];
    struct entry *e = ctx_peek(c, k);
    char text[NUMBER_LDOUBLE_TEXT_MAX];
    long double sum;
    if (!ctx_check_type(c, e, TYPE_STRING) || !float_sum(c, e, &sum)) {
        return;
    }
    struct slice value =
        slice_of(text, number_format_long_double(text, sizeof text, sum));
    struct slice argv[] = {SLICE_LIT("SET"), k->name, value,
                           SLICE_LIT("KEEPTTL")};
    if (ctx_set_string(c, k, value, DEADLINE_KEEP)) {
        ctx_propagate(c, 4, argv);
        ctx_changed(c, k, EVENT_STRING, "incrbyfloat");
        reply_bulk(c->reply, value);
    }
}
