/* hash_number: fields that are numbers. Decimals are computed in long double and
 * go to the log as their result, so that every machine that replays it has the
 * same digits. */
#include <math.h>

#include "base/number.h"
#include "commands/hash_priv.h"

/* The field's new value; its deadline stays. False: replied. */
static bool set_number(struct cmd_ctx *c, struct keyspace_edit *edit,
                       struct slice text, const char *event)
{
    struct hash_item item = {c->argv[2], text, HASH_KEEP_DEADLINE, NULL};
    bool added;
    enum status st = hash_set(edit->memory, ctx_limits(c), &edit->entry, &item,
                              c->now_ms, &added);
    if (!hash_edit_close(c, edit, st)) {
        return false;
    }
    ctx_changed(c, &c->keys[0], EVENT_HASH, event);
    return true;
}

void hash_hincrby_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    struct hash_item old;
    char scratch[HASH_SCRATCH_BYTES], text[NUMBER_INT64_TEXT_MAX + 1];
    const char *problem = NULL;
    int64_t by, value = 0;
    if (!ctx_arg_int(c, 3, &by)
        || !ctx_edit_open(c, &c->keys[0], TYPE_HASH, true, &edit)) {
        return;
    }
    if (hash_edit_find_live(c, &edit, c->argv[2], scratch, &old)
        && !number_parse_int64(old.value, &value)) {
        problem = "ERR hash value is not an integer";
    } else if (__builtin_add_overflow(value, by, &value)) {
        problem = "ERR increment or decrement would overflow";
    }
    if (problem != NULL) {
        ctx_edit_close(c, &c->keys[0], &edit);
        reply_error(c->reply, problem);
        return;
    }
    size_t len = number_format_int64(text, value);
    if (set_number(c, &edit, slice_of(text, len), "hincrby")) {
        reply_int(c->reply, value);
    }
}

/* What the log gets: the result, which leaves the field's deadline alone. */
static void propagate_sum(struct cmd_ctx *c, struct slice sum,
                          bool has_deadline)
{
    struct slice plain[] = {SLICE_LIT("HSET"), c->keys[0].name, c->argv[2],
                            sum};
    struct slice keeping[] = {SLICE_LIT("HSETEX"), c->keys[0].name,
                              SLICE_LIT("KEEPTTL"), SLICE_LIT("FIELDS"),
                              SLICE_LIT("1"), c->argv[2], sum};
    ctx_propagate(c, has_deadline ? 7 : 4, has_deadline ? keeping : plain);
}

void hash_hincrbyfloat_run(struct cmd_ctx *c)
{
    struct keyspace_edit edit;
    struct hash_item old;
    char scratch[HASH_SCRATCH_BYTES], text[NUMBER_LDOUBLE_TEXT_MAX];
    const char *problem = NULL;
    bool has_deadline = false;
    long double by, value = 0;
    if (!number_parse_long_double(c->argv[3], &by)) {
        reply_error(c->reply, "ERR value is not a valid float");
        return;
    }
    if (isnan(by) || isinf(by)) {
        reply_error(c->reply, "ERR value is NaN or Infinity");
        return;
    }
    if (!ctx_edit_open(c, &c->keys[0], TYPE_HASH, true, &edit)) {
        return;
    }
    bool is_there = hash_edit_find_live(c, &edit, c->argv[2], scratch, &old);
    if (is_there && !number_parse_long_double(old.value, &value)) {
        problem = "ERR hash value is not a float";
    } else {
        has_deadline = is_there && old.deadline_ms != HASH_FOREVER;
        value += by;
        if (isnan(value) || isinf(value)) {
            problem = "ERR increment would produce NaN or Infinity";
        }
    }
    if (problem != NULL) {
        ctx_edit_close(c, &c->keys[0], &edit);
        reply_error(c->reply, problem);
        return;
    }
    struct slice sum =
        slice_of(text, number_format_long_double(text, sizeof text, value));
    if (set_number(c, &edit, sum, "hincrbyfloat")) {
        propagate_sum(c, sum, has_deadline);
        reply_bulk(c->reply, sum);
    }
}
