/* string_options: the options that SET, GETEX and MSETEX share, and the effects
 * of setting a string, which depend on them.
 *
 * An option may be repeated (the last one counts); what contradicts an earlier
 * one is a syntax error. Relative expire times leave here as absolute ones:
 * replicas and the log must not add the time a change took to reach them. */
#include "base/number.h"
#include "commands/string_priv.h"

struct option_word {
    const char *word;
    uint32_t option;
    uint32_t excludes;
    bool has_value;
};

#define EXCLUDED_BY_EXPIRE(self) \
    ((OPTION_EXPIRES & ~(self)) | OPTION_KEEPTTL | OPTION_PERSIST)

static const struct option_word option_words[] = {
    {"nx", OPTION_NX, OPTION_XX | OPTION_IFEQ, false},
    {"xx", OPTION_XX, OPTION_NX | OPTION_IFEQ, false},
    {"ifeq", OPTION_IFEQ, OPTION_NX | OPTION_XX | OPTION_IFEQ, true},
    {"get", OPTION_GET, 0, false},
    {"keepttl", OPTION_KEEPTTL, OPTION_EXPIRES | OPTION_PERSIST, false},
    {"persist", OPTION_PERSIST, OPTION_EXPIRES | OPTION_KEEPTTL, false},
    {"ex", OPTION_EX, EXCLUDED_BY_EXPIRE(OPTION_EX), true},
    {"px", OPTION_PX, EXCLUDED_BY_EXPIRE(OPTION_PX), true},
    {"exat", OPTION_EXAT, EXCLUDED_BY_EXPIRE(OPTION_EXAT), true},
    {"pxat", OPTION_PXAT, EXCLUDED_BY_EXPIRE(OPTION_PXAT), true},
};

static const struct option_word *option_find(const struct cmd_ctx *c,
                                             uint32_t i)
{
    size_t count = sizeof option_words / sizeof option_words[0];
    for (size_t w = 0; w < count; w++) {
        if (ctx_arg_is(c, i, option_words[w].word)) {
            return &option_words[w];
        }
    }
    return NULL;
}

bool string_options_parse(struct cmd_ctx *c, uint32_t from, uint32_t allowed,
                          struct string_options *o)
{
    *o = (struct string_options){0};
    for (uint32_t i = from; i < c->argc; i++) {
        const struct option_word *w = option_find(c, i);
        if (!w || !(w->option & allowed) || (w->excludes & o->given)
            || (w->has_value && i + 1 == c->argc)) {
            ctx_error_syntax(c);
            return false;
        }
        o->given |= w->option;
        if (w->has_value) {
            i++;
            if (w->option == OPTION_IFEQ) {
                o->compare_at = i;
            } else {
                o->expire_at = i;
            }
        }
    }
    return true;
}

bool string_options_deadline(struct cmd_ctx *c, const struct string_options *o,
                             int64_t *deadline_ms)
{
    if (o->given & OPTION_EXPIRES) {
        bool is_ms = (o->given & (OPTION_PX | OPTION_PXAT)) != 0;
        bool is_absolute = (o->given & (OPTION_EXAT | OPTION_PXAT)) != 0;
        return ctx_arg_deadline(c, o->expire_at, is_ms, is_absolute, false,
                                deadline_ms);
    }
    *deadline_ms = (o->given & OPTION_KEEPTTL) ? DEADLINE_KEEP : DEADLINE_NONE;
    return true;
}

void string_delete(struct cmd_ctx *c, const struct key *k)
{
    struct slice argv[] = {SLICE_LIT("DEL"), k->name};
    if (ctx_delete(c, k)) {
        ctx_propagate(c, 2, argv);
        ctx_changed(c, k, EVENT_GENERIC, "del");
    }
}

bool string_put_past(struct cmd_ctx *c, const struct key *k)
{
    bool had_key = ctx_peek(c, k) != NULL;
    ctx_notify(c, k, EVENT_STRING, "set");
    ctx_notify(c, k, EVENT_GENERIC, "expire");
    if (had_key) {
        string_delete(c, k);
    } else {
        ctx_notify(c, k, EVENT_GENERIC, "del");
    }
    return had_key;
}

uint32_t string_append_deadline(struct slice *argv, uint32_t argc,
                                int64_t deadline_ms,
                                char text[NUMBER_INT64_TEXT_MAX])
{
    if (deadline_ms == DEADLINE_KEEP) {
        argv[argc++] = SLICE_LIT("KEEPTTL");
    } else if (deadline_ms != DEADLINE_NONE) {
        argv[argc++] = SLICE_LIT("PXAT");
        argv[argc++] = slice_of(text, number_format_int64(text, deadline_ms));
    }
    return argc;
}

void string_propagate_set(struct cmd_ctx *c, const struct key *k,
                          struct slice value, int64_t deadline_ms)
{
    char text[NUMBER_INT64_TEXT_MAX];
    struct slice argv[5] = {SLICE_LIT("SET"), k->name, value};
    uint32_t argc = 3;
    argc = string_append_deadline(argv, argc, deadline_ms, text);
    ctx_propagate(c, argc, argv);
}

bool string_put(struct cmd_ctx *c, const struct key *k, struct slice value,
                int64_t deadline_ms)
{
    if (string_is_past(c, deadline_ms)) {
        if (!string_put_past(c, k)) {
            ctx_propagate(c, 0, NULL);
        }
        return true;
    }
    if (!ctx_set_string(c, k, value, deadline_ms)) {
        return false;
    }
    /* Three words (SETNX, GETSET) say no more than their effect. */
    if (deadline_ms != DEADLINE_NONE || c->argc > 3) {
        string_propagate_set(c, k, value, deadline_ms);
    }
    ctx_changed(c, k, EVENT_STRING, "set");
    if (deadline_ms > 0) {
        ctx_notify(c, k, EVENT_GENERIC, "expire");
    }
    return true;
}
