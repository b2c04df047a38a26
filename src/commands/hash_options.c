/* hash_options: parsing FIELDS and times. */
#include "commands/hash_options.h"

#include "base/number.h"

bool hash_parse_fields(struct cmd_ctx *c, uint32_t at, const char *not_positive,
                       struct hash_fields *out)
{
    int64_t n;
    if (at + 1 >= c->argc || !ctx_arg_is(c, at, "fields")) {
        reply_error(c->reply, "ERR Mandatory argument FIELDS is missing or not "
                              "at the right position");
        return false;
    }
    if (!number_parse_int64(c->argv[at + 1], &n) || n <= 0) {
        reply_error(c->reply, not_positive);
        return false;
    }
    *out = (struct hash_fields){at + 2, c->argc - (at + 2)};
    if (n != out->count) {
        reply_error(c->reply, "ERR The `numfields` parameter must match the "
                              "number of arguments");
        return false;
    }
    return true;
}

bool hash_parse_deadline(struct cmd_ctx *c, uint32_t i, bool is_ms,
                         bool is_absolute, int64_t *out_ms)
{
    int64_t v;
    if (!ctx_arg_int(c, i, &v)) {
        return false;
    }
    if (v < 0) {
        reply_error(c->reply, "ERR invalid expire time, must be >= 0");
        return false;
    }
    bool is_wrong = !is_ms && __builtin_mul_overflow(v, (int64_t)1000, &v);
    is_wrong |= !is_absolute && __builtin_add_overflow(v, c->now_ms, &v);
    if (is_wrong || v > FIELD_DEADLINE_MAX) {
        reply_errorf(c->reply, "ERR invalid expire time in '%s' command",
                     c->spec->name);
        return false;
    }
    *out_ms = v;
    return true;
}

enum hash_option hash_parse_expiry(struct cmd_ctx *c, uint32_t *i,
                                   int64_t *deadline_ms)
{
    static const struct {
        const char *word;
        bool is_ms, is_absolute;
    } forms[] = {
        {"ex", false, false}, {"px", true, false}, {"exat", false, true},
        {"pxat", true, true},
    };
    for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
        if (!ctx_arg_is(c, *i, forms[n].word)) {
            continue;
        }
        if (*i + 1 >= c->argc) {
            ctx_error_syntax(c);
            return OPTION_WRONG;
        }
        ++*i;
        return hash_parse_deadline(c, *i, forms[n].is_ms, forms[n].is_absolute,
                                   deadline_ms)
                   ? OPTION_TAKEN : OPTION_WRONG;
    }
    return OPTION_OTHER;
}
