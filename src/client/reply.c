/* reply: what can be asked of a finished tree, and the copy that outlives it. */
#include <assert.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/tree.h"

enum { PREFIX_BYTES = 4, DOUBLE_TEXT_BYTES = 512 };

static bool has_items(const struct engram_reply *r)
{
    return r->type >= ENGRAM_TYPE_ARRAY;
}

static bool has_text(const struct engram_reply *r)
{
    return !has_items(r) && r->type != ENGRAM_TYPE_INTEGER &&
           r->type != ENGRAM_TYPE_BOOL && r->type != ENGRAM_TYPE_NULL;
}

enum engram_type engram_reply_type(const struct engram_reply *r)
{
    return (enum engram_type)r->type;
}

int engram_reply_is_error(const struct engram_reply *r)
{
    return r->type == ENGRAM_TYPE_ERROR;
}

const char *engram_reply_text(const struct engram_reply *r, size_t *len)
{
    size_t skip = r->type == ENGRAM_TYPE_VERBATIM ? PREFIX_BYTES : 0;
    bool is_text = has_text(r);
    if (len != NULL) {
        *len = is_text ? r->len - skip : 0;
    }
    return is_text ? r->text + skip : "";
}

int64_t engram_reply_integer(const struct engram_reply *r)
{
    bool is_integer =
        r->type == ENGRAM_TYPE_INTEGER || r->type == ENGRAM_TYPE_BOOL;
    return is_integer ? r->integer : 0;
}

/* strtod wants the point of the process's locale. */
static double parse_double(const char *text, size_t len)
{
    const char *point = localeconv()->decimal_point;
    size_t point_len = strlen(point);
    char copy[DOUBLE_TEXT_BYTES];
    const char *dot = strchr(text, '.');
    if (dot == NULL || strcmp(point, ".") == 0 ||
        len + point_len >= sizeof copy) {
        return strtod(text, NULL);
    }
    size_t before = (size_t)(dot - text);
    memcpy(copy, text, before);
    memcpy(copy + before, point, point_len);
    memcpy(copy + before + point_len, dot + 1, len - before);
    return strtod(copy, NULL);
}

double engram_reply_double(const struct engram_reply *r)
{
    if (r->type == ENGRAM_TYPE_DOUBLE) {
        return parse_double(r->text, r->len);
    }
    return (double)engram_reply_integer(r);
}

const char *engram_reply_format(const struct engram_reply *r)
{
    return r->type == ENGRAM_TYPE_VERBATIM ? r->text : "";
}

size_t engram_reply_count(const struct engram_reply *r)
{
    return has_items(r) ? r->len : 0;
}

const struct engram_reply *engram_reply_at(const struct engram_reply *r,
                                           size_t i)
{
    return i < engram_reply_count(r) ? &r->items[i] : NULL;
}

const struct engram_reply *engram_reply_lookup(const struct engram_reply *r,
                                               const char *key)
{
    size_t key_len = strlen(key);
    size_t count = engram_reply_count(r);
    for (size_t i = 0; i + 1 < count; i += 2) {
        size_t len;
        const char *text = engram_reply_text(&r->items[i], &len);
        if (has_text(&r->items[i]) && len == key_len &&
            memcmp(text, key, len) == 0) {
            return &r->items[i + 1];
        }
    }
    return NULL;
}

/* ---- copies ---- */

/* Without recursion: the path from the root is no longer than the decoder lets
 * replies nest. */
struct reply_size reply_measure(const struct engram_reply *root)
{
    struct {
        const struct engram_reply *at;
        size_t left;
    } path[DECODE_REPLY_DEPTH_MAX + 1];
    struct reply_size m = { 0, 0 };
    size_t depth = 0;
    path[0].at = root;
    path[0].left = 1;
    for (;;) {
        while (path[depth].left == 0) {
            if (depth == 0) {
                return m;
            }
            depth--;
        }
        const struct engram_reply *r = path[depth].at++;
        path[depth].left--;
        m.nodes++;
        m.text_bytes += has_text(r) ? r->len + 1 : 0;
        if (has_items(r) && r->len > 0) {
            depth++;
            assert(depth <= DECODE_REPLY_DEPTH_MAX);
            path[depth].at = r->items;
            path[depth].left = r->len;
        }
    }
}

/* All nodes, breadth first, and behind them all texts. A copied node points to
 * its original's children until its turn comes. */
const struct engram_reply *reply_copy_to(void *memory,
                                         const struct engram_reply *r,
                                         struct reply_size size)
{
    struct engram_reply *nodes = memory;
    char *text = (char *)(nodes + size.nodes);
    struct engram_reply *end = nodes + 1;
    nodes[0] = *r;
    for (struct engram_reply *n = nodes; n < end; n++) {
        if (has_text(n)) {
            memcpy(text, n->text, n->len);
            text[n->len] = '\0';
            n->text = text;
            text += n->len + 1;
        } else if (has_items(n) && n->len > 0) {
            memcpy(end, n->items, n->len * sizeof *end);
            n->items = end;
            end += n->len;
        }
    }
    assert(end == nodes + size.nodes);
    return nodes;
}

struct engram_reply *engram_reply_copy(const struct engram_reply *r)
{
    struct reply_size size = reply_measure(r);
    struct mem_account account;
    mem_account_init(&account);
    void *memory = mem_alloc(&account, reply_size_bytes(size));
    if (memory == NULL) {
        return NULL;
    }
    mem_disown(&account, memory);
    (void)reply_copy_to(memory, r, size);
    return memory;
}

void engram_reply_destroy(struct engram_reply **r)
{
    if (*r != NULL) {
        mem_free_disowned(*r);
        *r = NULL;
    }
}
