/* redirect: see redirect.h. */
#include "client/redirect.h"

#include "base/number.h"
#include "client/slots.h"

enum { HOST_BYTES_MAX = 255 };

/* Takes the word before the first blank off. */
static struct slice take_word(struct slice *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->data[len] != ' ') {
        len++;
    }
    struct slice word = slice_of(rest->data, len);
    size_t skip = len < rest->len ? len + 1 : len;
    *rest = slice_of(rest->data + skip, rest->len - skip);
    return word;
}

/* "host:port"; an IPv6 address has colons of its own. A host of "?" is one that
 * the node does not know by the kind of name it prefers. */
static bool parse_endpoint(struct slice text, struct redirect *r)
{
    uint64_t port;
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 || colon - 1 > HOST_BYTES_MAX ||
        !number_parse_uint64(
            slice_of(text.data + colon, text.len - colon), &port) ||
        port == 0 || port > UINT16_MAX) {
        return false;
    }
    r->host = slice_of(text.data, colon - 1);
    r->port = (uint16_t)port;
    return !slice_equal(r->host, SLICE_LIT("?")) &&
           (r->host.len == 0 || memchr(r->host.data, '\0', r->host.len) == NULL);
}

static struct redirect parse_elsewhere(enum redirect_kind kind,
                                       struct slice rest)
{
    struct redirect r = { .kind = kind };
    uint64_t slot;
    struct slice number = take_word(&rest);
    if (!number_parse_uint64(number, &slot) || slot >= SLOTS_COUNT) {
        return (struct redirect){ .kind = REDIRECT_NONE };
    }
    r.slot = (uint16_t)slot;
    if (!parse_endpoint(take_word(&rest), &r)) {
        /* Another node serves it, and the map will say which. */
        return (struct redirect){ .kind = REDIRECT_AWAY };
    }
    return r;
}

/* An error that a script met says so in its end, and the script may have done
 * something before. */
static bool is_from_script(struct slice text)
{
    static const struct slice mark = SLICE_LIT(" script: ");
    return text.len > mark.len &&
           memmem(text.data, text.len, mark.data, mark.len) != NULL;
}

struct redirect redirect_parse(struct slice error)
{
    static const struct {
        struct slice word;
        enum redirect_kind kind;
    } known[] = {
        { SLICE_LIT("MOVED"), REDIRECT_MOVED },
        { SLICE_LIT("ASK"), REDIRECT_ASK },
        { SLICE_LIT("TRYAGAIN"), REDIRECT_LATER },
        { SLICE_LIT("CLUSTERDOWN"), REDIRECT_AWAY },
        { SLICE_LIT("LOADING"), REDIRECT_AWAY },
        { SLICE_LIT("READONLY"), REDIRECT_AWAY },
        { SLICE_LIT("MASTERDOWN"), REDIRECT_AWAY },
    };
    struct redirect none = { .kind = REDIRECT_NONE };
    struct slice rest = error;
    struct slice word = take_word(&rest);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!slice_equal(word, known[i].word)) {
            continue;
        }
        if (is_from_script(rest)) {
            return none;
        }
        bool names_node = known[i].kind == REDIRECT_MOVED ||
                          known[i].kind == REDIRECT_ASK;
        none.kind = known[i].kind;
        return names_node ? parse_elsewhere(known[i].kind, rest) : none;
    }
    return none;
}
