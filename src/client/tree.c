/* tree: building. What is read from the finished tree is in reply.c. */
#include "client/tree.h"

#include <assert.h>
#include <string.h>

enum {
    ITEMS_TRUSTED_MAX = 1024, /* announced, and made room for at once */
    TEXT_TRUSTED_MAX = 16 * 1024,
    FRAMES_MIN = 4,
};

/* The kinds are the types, in another order. */
static enum engram_type type_of(enum reply_kind kind)
{
    static const uint8_t types[] = {
        [REPLY_STATUS] = ENGRAM_TYPE_STATUS,
        [REPLY_ERROR] = ENGRAM_TYPE_ERROR,
        [REPLY_STRING] = ENGRAM_TYPE_STRING,
        [REPLY_VERBATIM] = ENGRAM_TYPE_VERBATIM,
        [REPLY_INTEGER] = ENGRAM_TYPE_INTEGER,
        [REPLY_DOUBLE] = ENGRAM_TYPE_DOUBLE,
        [REPLY_BIGNUM] = ENGRAM_TYPE_BIGNUM,
        [REPLY_BOOL] = ENGRAM_TYPE_BOOL,
        [REPLY_NULL] = ENGRAM_TYPE_NULL,
        [REPLY_ARRAY] = ENGRAM_TYPE_ARRAY,
        [REPLY_SET] = ENGRAM_TYPE_SET,
        [REPLY_MAP] = ENGRAM_TYPE_MAP,
        [REPLY_PUSH] = ENGRAM_TYPE_PUSH,
        [REPLY_ATTRIBUTE] = ENGRAM_TYPE_ATTRIBUTE,
    };
    return (enum engram_type)types[kind];
}

void tree_init(struct tree *t, struct mem_account *account, size_t bytes_max)
{
    *t = (struct tree){ .depth = 0 };
    arena_init(&t->arena, account, bytes_max);
}

void tree_reset(struct tree *t, bool keep)
{
    if (t->arena.small != NULL || t->arena.large != NULL) {
        arena_reset(&t->arena, keep);
    }
    t->depth = 0;
    t->text = NULL;
    t->is_in_attribute = false;
}

void tree_deinit(struct tree *t)
{
    tree_reset(t, false);
    mem_free(t->arena.account, t->frames);
    t->frames = NULL;
    t->frames_cap = 0;
}

/* Room for one more element in the innermost open aggregate. */
static enum status make_room(struct tree *t, struct tree_frame *f)
{
    if (f->self.len < f->cap) {
        return ST_OK;
    }
    size_t cap = f->cap == 0 ? ITEMS_TRUSTED_MAX : f->cap * 2;
    cap = cap < f->announced ? cap : f->announced;
    assert(cap > f->self.len);
    void *items = f->self.items;
    enum status st = arena_grow(&t->arena, &items, f->cap * sizeof f->self,
                                cap * sizeof f->self);
    if (st == ST_OK) {
        f->self.items = items;
        f->cap = cap;
    }
    return st;
}

/* A value is whole: it goes where the stack stands. */
static enum status put_value(struct tree *t, struct engram_reply value)
{
    if (t->depth == 0) {
        t->root = value;
        return ST_OK;
    }
    struct tree_frame *f = &t->frames[t->depth - 1];
    enum status st = make_room(t, f);
    if (st == ST_OK) {
        f->self.items[f->self.len++] = value;
    }
    return st;
}

static enum status open_frame(struct tree *t, const struct reply_event *e)
{
    if (t->depth == t->frames_cap) {
        uint32_t cap = t->frames_cap == 0 ? FRAMES_MIN : t->frames_cap * 2;
        struct tree_frame *frames = mem_realloc(t->arena.account, t->frames,
                                                cap * sizeof frames[0]);
        if (frames == NULL) {
            return ST_NOMEM;
        }
        t->frames = frames;
        t->frames_cap = cap;
    }
    struct tree_frame *f = &t->frames[t->depth++];
    *f = (struct tree_frame){ .self = { .type = (uint8_t)type_of(e->kind) },
                              .announced = (size_t)e->number };
    return ST_OK;
}

static enum status close_frame(struct tree *t)
{
    assert(t->depth > 0);
    t->depth--;
    return put_value(t, t->frames[t->depth].self);
}

static enum status copy_text(struct tree *t, struct slice from,
                             const char **out)
{
    void *copy;
    enum status st = arena_alloc(&t->arena, from.len + 1, &copy);
    if (st == ST_OK) {
        memcpy(copy, from.data, from.len);
        ((char *)copy)[from.len] = '\0';
        *out = copy;
    }
    return st;
}

/* The text as a NUL-terminated string: in place, if nothing outlives the input,
 * else copied. */
static enum status keep_text(struct tree *t, const struct reply_event *e,
                             const char **out)
{
    if (e->depth > 0) {
        return copy_text(t, e->text, out);
    }
    /* The input is the connection's own buffer, so it may be written to. */
    uint8_t *text = (uint8_t *)(uintptr_t)e->text.data;
    text[e->text.len] = '\0';
    *out = (const char *)text;
    return ST_OK;
}

/* A piece of a text that does not come whole. */
static enum status add_piece(struct tree *t, const struct reply_event *e)
{
    if (e->is_first) {
        t->text = NULL;
        t->text_len = 0;
        t->text_cap = 0;
    }
    size_t all = (size_t)e->number + 1;
    size_t wanted = t->text_len + e->text.len + 1;
    if (t->text == NULL || wanted > t->text_cap) {
        size_t cap = t->text_cap * 2;
        cap = cap < TEXT_TRUSTED_MAX ? TEXT_TRUSTED_MAX : cap;
        cap = cap < wanted ? wanted : cap;
        cap = cap < all ? cap : all;
        void *text = t->text;
        enum status st = arena_grow(&t->arena, &text, t->text_cap, cap);
        if (st != ST_OK) {
            return st;
        }
        t->text = text;
        t->text_cap = cap;
    }
    if (e->text.len > 0) {
        memcpy(t->text + t->text_len, e->text.data, e->text.len);
    }
    t->text_len += e->text.len;
    return ST_OK;
}

/* The colon behind a verbatim text's form becomes its end. */
static void end_form(struct engram_reply *value)
{
    if (value->type == ENGRAM_TYPE_VERBATIM) {
        assert(value->len >= 4);
        ((char *)(uintptr_t)value->text)[3] = '\0';
    }
}

static enum status add_text(struct tree *t, const struct reply_event *e)
{
    struct engram_reply value = { .type = (uint8_t)type_of(e->kind) };
    enum status st;
    if (e->is_first && e->is_last) {
        value.len = e->text.len;
        st = keep_text(t, e, &value.text);
        if (st == ST_OK) {
            end_form(&value);
            st = put_value(t, value);
        }
        return st;
    }
    st = add_piece(t, e);
    if (st != ST_OK || !e->is_last) {
        return st;
    }
    t->text[t->text_len] = '\0';
    value.len = t->text_len;
    value.text = t->text;
    t->text = NULL;
    end_form(&value);
    return put_value(t, value);
}

static enum status add_scalar(struct tree *t, const struct reply_event *e)
{
    struct engram_reply value = { .type = (uint8_t)type_of(e->kind) };
    if (e->kind == REPLY_INTEGER || e->kind == REPLY_BOOL) {
        value.integer = e->number;
        return put_value(t, value);
    }
    if (e->kind == REPLY_NULL) {
        return put_value(t, value);
    }
    value.len = e->text.len;
    enum status st = keep_text(t, e, &value.text);
    return st == ST_OK ? put_value(t, value) : st;
}

/* Is the event part of an attribute? */
static bool skip_attribute(struct tree *t, const struct reply_event *e)
{
    if (t->is_in_attribute) {
        t->is_in_attribute =
            e->event != REPLY_CLOSE || e->depth != t->attribute_depth;
        return true;
    }
    if (e->event == REPLY_OPEN && e->kind == REPLY_ATTRIBUTE) {
        t->is_in_attribute = true;
        t->attribute_depth = e->depth;
        return true;
    }
    return false;
}

enum status tree_add(struct tree *t, const struct reply_event *e)
{
    if (skip_attribute(t, e)) {
        return ST_OK;
    }
    switch (e->event) {
    case REPLY_VALUE: return add_scalar(t, e);
    case REPLY_TEXT: return add_text(t, e);
    case REPLY_OPEN: return open_frame(t, e);
    case REPLY_CLOSE: return close_frame(t);
    }
    assert(!"an event of no kind");
    return ST_INVALID;
}
