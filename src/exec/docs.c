/* docs: finding keys by their specifications, for COMMAND GETKEYS. A dispatcher
 * finds them by the row (find_keys.c); a test holds the two against each other.
 *
 * A specification says where to begin (an index, or behind a keyword) and how
 * to go on from there: a range, a count, or in ways that have no words. */
#include "exec/docs.h"

#include "base/number.h"

static bool is_end(const struct cmd_key_spec *s)
{
    return s == NULL || s->flags == 0;
}

bool cmd_docs_has_keys(const struct cmd_docs *d)
{
    for (const struct cmd_key_spec *s = d->keys; !is_end(s); s++) {
        if (!(s->flags & KEY_NOT_KEY)) {
            return true;
        }
    }
    return false;
}

/* ---- one specification ---- */

/* Behind the keyword; 0: it is not there, or nothing is behind it. */
static int64_t find_keyword(const struct cmd_key_spec *s,
                            const struct slice *argv, uint32_t argc)
{
    int64_t step = s->index >= 0 ? 1 : -1;
    int64_t i = s->index >= 0 ? s->index : (int64_t)argc + s->index;
    for (; i > 0 && i < (int64_t)argc - 1; i += step) {
        if (slice_equal_nocase(argv[i], s->keyword)) {
            return i + 1;
        }
    }
    return 0;
}

/* The places of the keys: `first`, and so on in steps to `last`. */
struct places {
    int64_t first, last, step;
};

static struct places find_range(const struct cmd_key_spec *s, int64_t first,
                                uint32_t argc)
{
    int64_t end = argc;
    if (s->limit > 1) {
        end = first + ((int64_t)argc - first) / s->limit;
    }
    return (struct places){
        first, s->last + (s->last >= 0 ? first : end), s->step,
    };
}

/* A count that is none gives places beyond the arguments. */
static struct places find_counted(const struct cmd_key_spec *s, int64_t at,
                                  const struct slice *argv, uint32_t argc)
{
    int64_t count = argc;
    if (at < (int64_t)argc
        && (!number_parse_int64(argv[at], &count) || count < 0
            || count > (int64_t)argc)) {
        count = argc;
    }
    return (struct places){at + 1, at + 1 + (count - 1) * s->step, s->step};
}

static struct places find_places(const struct cmd_key_spec *s,
                                 const struct slice *argv, uint32_t argc)
{
    const struct places none = {1, 0, 1};
    int64_t at = s->begin == KEY_BEGIN_INDEX ? s->index : 0;
    if (s->find_begin != NULL) {
        at = s->find_begin(argv, argc);
    } else if (s->begin == KEY_BEGIN_KEYWORD) {
        at = find_keyword(s, argv, argc);
    }
    if (at == 0) {
        return none;
    }
    if (s->find == KEY_FIND_UNKNOWN) {
        return (struct places){at, at, 1};
    }
    return s->find == KEY_FIND_COUNT ? find_counted(s, at, argv, argc)
                                     : find_range(s, at, argc);
}

/* ---- all of them ---- */

int64_t cmd_docs_find_keys(const struct cmd_docs *d, const struct slice *argv,
                           uint32_t argc, struct cmd_found_key *out)
{
    int64_t total = 0;
    for (const struct cmd_key_spec *s = d->keys; !is_end(s); s++) {
        if (s->flags & KEY_NOT_KEY) {
            continue;
        }
        uint16_t flags = s->flags & (uint16_t)~KEY_INCOMPLETE;
        if (s->find_flags != NULL) {
            flags = s->find_flags(argv, argc);
        }
        struct places p = find_places(s, argv, argc);
        if (p.last >= (int64_t)argc) {
            return -1;
        }
        for (int64_t i = p.first; i <= p.last; i += p.step, total++) {
            if (out != NULL) {
                out[total] = (struct cmd_found_key){(uint32_t)i, flags};
            }
        }
    }
    return total;
}

/* ---- for old clients ---- */

static bool is_fixed(const struct cmd_key_spec *s)
{
    return s->begin == KEY_BEGIN_INDEX && s->find == KEY_FIND_RANGE;
}

struct cmd_key_range cmd_docs_key_range(const struct cmd_docs *d)
{
    struct cmd_key_range r = {0};
    const struct cmd_key_spec *s = d->keys;
    if (is_end(s) || !is_fixed(s)) {
        return r;
    }
    r = (struct cmd_key_range){
        s->index, s->last >= 0 ? s->index + s->last : s->last, s->step,
    };
    /* What goes on where this one ends is one range with it. */
    for (s++; !is_end(s) && is_fixed(s) && r.last == s->index - 1; s++) {
        r.last = s->last >= 0 ? s->index + s->last : s->last;
    }
    return r;
}

bool cmd_docs_has_movable_keys(const struct cmd_docs *d)
{
    for (const struct cmd_key_spec *s = d->keys; !is_end(s); s++) {
        if (!is_fixed(s)) {
            return true;
        }
    }
    return false;
}
