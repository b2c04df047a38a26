/* slice: comparison, and the glob.
 *
 * The glob never recurses. Only the last star can still be given another byte:
 * if the part of the pattern behind it fails to match here, giving bytes back
 * to an earlier star cannot help either, since the last one could then have
 * swallowed the difference. So one resume point is enough, every position
 * of the text tries the rest of the pattern at most once, and each star is met
 * once. So nothing here asks for GLOB_STARS_MAX: it is what clients know from
 * servers whose matchers do go back. */
#include "base/slice.h"

#include <assert.h>

enum { GLOB_STARS_MAX = 1000 }; /* that have something behind them */

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static inline uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool slice_equal_nocase(struct slice a, const char *text)
{
    for (size_t i = 0; i < a.len; i++) {
        if (text[i] == '\0' || fold(a.data[i]) != fold((uint8_t)text[i])) {
            return false;
        }
    }
    return text[a.len] == '\0';
}

/* Is `c` in the range between `low` and `high`, given in either order? */
static bool is_between(uint8_t c, uint8_t low, uint8_t high, bool nocase)
{
    if (low > high) {
        uint8_t swapped = low;
        low = high;
        high = swapped;
    }
    if (nocase) {
        low = fold(low);
        high = fold(high);
        c = fold(c);
    }
    return c >= low && c <= high;
}

/* `at` is the index behind '['; returns the index behind the class. A class
 * that is not closed ends with the pattern. */
static size_t match_class(struct slice pattern, size_t at, uint8_t c,
                          bool nocase, bool *is_match)
{
    bool found = false;
    bool is_negated = at < pattern.len && pattern.data[at] == '^';
    at += is_negated;
    while (at < pattern.len && pattern.data[at] != ']') {
        uint8_t low = pattern.data[at];
        uint8_t high = low;
        if (low == '\\' && at + 1 < pattern.len) {
            at++;
            low = high = pattern.data[at];
        } else if (at + 2 < pattern.len && pattern.data[at + 1] == '-') {
            at += 2;
            high = pattern.data[at];
        }
        found |= is_between(c, low, high, nocase);
        at++;
    }
    *is_match = found != is_negated;
    return at < pattern.len ? at + 1 : at;
}

/* Matches the one element of the pattern at `at` (not a star) against `c`;
 * returns the index behind the element. */
static size_t match_one(struct slice pattern, size_t at, uint8_t c, bool nocase,
                        bool *is_match)
{
    uint8_t p = pattern.data[at];
    if (p == '?') {
        *is_match = true;
        return at + 1;
    }
    if (p == '[') {
        return match_class(pattern, at + 1, c, nocase, is_match);
    }
    if (p == '\\' && at + 1 < pattern.len) {
        at++;
        p = pattern.data[at];
    }
    *is_match = nocase ? fold(p) == fold(c) : p == c;
    return at + 1;
}

/* Stars side by side are one. The index behind them. */
static size_t skip_stars(struct slice pattern, size_t at)
{
    while (at < pattern.len && pattern.data[at] == '*') {
        at++;
    }
    assert(at <= pattern.len);
    return at;
}

bool slice_match_glob(struct slice pattern, struct slice text, bool nocase)
{
    uint32_t star_count = 0;
    size_t star_pattern = 0; /* behind the last star */
    size_t star_text = 0;    /* where that star's run ends so far */
    size_t p = 0;
    size_t t = 0;
    if (text.len == 0) {
        return pattern.len == 0;
    }
    while (t < text.len) {
        bool is_match = false;
        if (p < pattern.len && pattern.data[p] == '*') {
            p = skip_stars(pattern, p);
            if (p == pattern.len) {
                return true;
            }
            star_count++;
            if (star_count > GLOB_STARS_MAX) {
                return false;
            }
            star_pattern = p;
            star_text = t;
            continue;
        }
        if (p < pattern.len) {
            p = match_one(pattern, p, text.data[t], nocase, &is_match);
        }
        if (is_match) {
            t++;
        } else if (star_count > 0) {
            p = star_pattern;
            star_text++;
            t = star_text;
        } else {
            return false;
        }
    }
    return skip_stars(pattern, p) == pattern.len;
}
