/* sort: SORT and SORT_RO, of a list, a set or a sorted set.
 *
 * The elements are copied first, since looking up the keys that BY and GET make
 * of them deletes those that have expired, which may move what lies near. A heap
 * gives them in order: all of N are put into it, and only the M that are wanted
 * are taken out, O(N + M log N), in place.
 *
 * Elements of equal weight are ordered by their bytes, so that the outcome does
 * not depend on the order in which a set is walked: STORE has the same effect
 * wherever the command is run again.
 *
 * Locks: the names that patterns make are known only here, so all shards are
 * held. So they are where no pattern asks for it: a second row or plan for that
 * case would not pay, since sorting takes longer than waiting for the others.
 * Memory: the batch's scratch: an item and a copy for each element. */
#include <assert.h>

#include "base/number.h"
#include "commands/commands.h"
#include "commands/generic_priv.h"
#include "types/hash.h"
#include "types/list.h"
#include "types/set.h"
#include "types/zset.h"

enum { ARENA_BYTES = 64 * 1024 };

/* BY or GET: an element in place of the star makes the name of a key. */
struct pattern {
    struct slice before, after; /* the star */
    struct slice field;         /* of a hash; empty: the key is a string */
    bool is_element;            /* "#" */
    bool has_star;              /* without one it names nothing */
};

struct item {
    struct slice text;
    union {
        double score;
        struct slice word; /* ALPHA BY; data NULL: no such key */
    } by;
};

struct sort {
    struct cmd_ctx *c;
    bool is_descending, is_alpha, is_native, has_store;
    bool has_by; /* with a star */
    int64_t offset, limit; /* limit < 0: none */
    struct pattern by, *gets;
    uint32_t get_count;
    struct item *items;
    size_t count, cap;
    size_t text_max; /* longest element */
    uint8_t *arena;
    size_t arena_left;
    uint8_t *name; /* room for the name of a key */
};

/* ---- options ---- */

static struct pattern parse_pattern(struct slice text)
{
    struct pattern p = {.is_element = slice_equal(text, SLICE_LIT("#"))};
    const uint8_t *star = text.len == 0 ? NULL
                                        : memchr(text.data, '*', text.len);
    if (star == NULL) {
        return p;
    }
    const uint8_t *end = text.data + text.len;
    p.has_star = true;
    p.before = slice_of(text.data, (size_t)(star - text.data));
    p.after = slice_of(star + 1, (size_t)(end - star) - 1);
    /* An arrow with nothing behind it is part of the name. */
    for (const uint8_t *at = star + 1; end - at > 2; at++) {
        if (at[0] == '-' && at[1] == '>') {
            p.after.len = (size_t)(at - p.after.data);
            p.field = slice_of(at + 2, (size_t)(end - at) - 2);
            break;
        }
    }
    return p;
}

/* The option at argv[i] and what belongs to it: how many arguments; 0: replied. */
static uint32_t parse_option(struct sort *s, uint32_t i, bool may_store)
{
    struct cmd_ctx *c = s->c;
    uint32_t left = c->argc - i - 1;
    if (ctx_arg_is(c, i, "asc") || ctx_arg_is(c, i, "desc")) {
        s->is_descending = ctx_arg_is(c, i, "desc");
        return 1;
    }
    if (ctx_arg_is(c, i, "alpha")) {
        s->is_alpha = true;
        return 1;
    }
    if (left >= 2 && ctx_arg_is(c, i, "limit")) {
        return ctx_arg_int(c, i + 1, &s->offset)
               && ctx_arg_int(c, i + 2, &s->limit) ? 3 : 0;
    }
    if (left >= 1 && may_store && ctx_arg_is(c, i, "store")) {
        s->has_store = true;
        return 2;
    }
    if (left >= 1 && ctx_arg_is(c, i, "by")) {
        s->by = parse_pattern(c->argv[i + 1]);
        s->has_by = s->by.has_star;
        s->is_native = !s->has_by;
        return 2;
    }
    if (left >= 1 && ctx_arg_is(c, i, "get")) {
        s->gets[s->get_count++] = parse_pattern(c->argv[i + 1]);
        return 2;
    }
    ctx_error_syntax(c);
    return 0;
}

static bool parse(struct sort *s, bool may_store)
{
    s->gets = ctx_scratch(s->c, (s->c->argc / 2 + 1) * sizeof *s->gets);
    if (s->gets == NULL) {
        return false;
    }
    for (uint32_t i = 2, n; i < s->c->argc; i += n) {
        n = parse_option(s, i, may_store);
        if (n == 0) {
            return false;
        }
    }
    return true;
}

/* What of `count` elements LIMIT asks for. */
static void clip(const struct sort *s, size_t count, size_t *first, size_t *n)
{
    uint64_t offset = s->offset < 0 ? 0 : (uint64_t)s->offset;
    *first = offset < count ? (size_t)offset : count;
    *n = count - *first;
    if (s->limit >= 0 && (uint64_t)s->limit < *n) {
        *n = (size_t)s->limit;
    }
}

/* ---- loading ---- */

/* A copy to the end of the batch; data NULL: replied. */
static struct slice keep(struct sort *s, struct slice text)
{
    if (text.len > s->arena_left) {
        size_t bytes = text.len > ARENA_BYTES ? text.len : ARENA_BYTES;
        s->arena = ctx_scratch(s->c, bytes);
        if (s->arena == NULL) {
            s->arena_left = 0;
            return slice_of(NULL, 0);
        }
        s->arena_left = bytes;
    }
    static const uint8_t nothing[1];
    if (text.len == 0) {
        return slice_of(nothing, 0);
    }
    uint8_t *to = s->arena;
    memcpy(to, text.data, text.len);
    s->arena += text.len;
    s->arena_left -= text.len;
    return slice_of(to, text.len);
}

static bool add(struct sort *s, struct slice text)
{
    assert(s->count < s->cap);
    struct slice kept = keep(s, text);
    if (kept.data == NULL) {
        return false;
    }
    s->text_max = text.len > s->text_max ? text.len : s->text_max;
    s->items[s->count++] = (struct item){.text = kept};
    return true;
}

static bool load_list(struct sort *s, const struct entry *e, size_t first)
{
    char scratch[LIST_SCRATCH_BYTES];
    struct list_at at;
    bool is_turned = s->is_native && s->is_descending;
    bool more = list_seek(e, is_turned ? -1 - (int64_t)first : (int64_t)first,
                          &at);
    while (more && s->count < s->cap) {
        if (!add(s, list_text(&at, scratch))) {
            return false;
        }
        more = list_step(&at, is_turned ? LIST_HEAD : LIST_TAIL);
    }
    return true;
}

/* A walk of a set: what is still to be passed over. */
struct set_load {
    struct sort *s;
    size_t skip;
    bool failed;
};

static bool load_member(void *self, struct slice member)
{
    struct set_load *l = self;
    if (l->skip > 0) {
        l->skip--;
        return true;
    }
    if (l->s->count == l->s->cap) {
        return false;
    }
    l->failed = !add(l->s, member);
    return !l->failed;
}

static bool load_scored(void *self, struct slice member, double score)
{
    (void)score;
    return load_member(self, member);
}

/* Elements [first, first + n) as the value has them; false: replied. */
static bool load(struct sort *s, const struct entry *e, size_t first, size_t n)
{
    struct set_load l = {s, 0, false};
    s->cap = n;
    s->items = ctx_scratch(s->c, (n + 1) * sizeof *s->items);
    if (s->items == NULL) {
        return false;
    }
    if (n == 0) {
        return true;
    }
    if (e->type == TYPE_LIST) {
        return load_list(s, e, first);
    }
    if (e->type == TYPE_SET) {
        l.skip = first;
        set_visit(e, load_member, &l);
    } else {
        size_t rank = s->is_native && s->is_descending
            ? value_count(e) - 1 - first : first;
        zset_visit(e, rank, n, s->is_native && s->is_descending, load_scored,
                   &l);
    }
    return !l.failed;
}

/* ---- looking up ---- */

static bool make_name_room(struct sort *s)
{
    size_t most = s->by.before.len + s->by.after.len;
    for (uint32_t i = 0; i < s->get_count; i++) {
        size_t len = s->gets[i].before.len + s->gets[i].after.len;
        most = len > most ? len : most;
    }
    s->name = ctx_scratch(s->c, most + s->text_max + 1);
    return s->name != NULL;
}

static uint8_t *append(uint8_t *to, struct slice text)
{
    if (text.len > 0) {
        memcpy(to, text.data, text.len);
    }
    return to + text.len;
}

static bool field_of(const struct entry *e, struct slice field, int64_t now_ms,
                     char *scratch, struct slice *out)
{
    struct hash_item item;
    if (!hash_find(e, field, scratch, &item) || item.deadline_ms <= now_ms) {
        return false;
    }
    *out = item.value;
    return true;
}

/* What the pattern names for this element; false: nothing. Valid until the next
 * look-up, an integer's text as long as `scratch`. */
static bool look_up(struct sort *s, const struct pattern *p,
                    struct slice element, char scratch[HASH_SCRATCH_BYTES],
                    struct slice *out)
{
    if (p->is_element) {
        *out = element;
        return true;
    }
    if (!p->has_star) {
        return false;
    }
    uint8_t *end = append(append(append(s->name, p->before), element),
                          p->after);
    struct key k = store_key(s->c->store,
                             slice_of(s->name, (size_t)(end - s->name)));
    const struct entry *e = ctx_read(s->c, &k);
    if (e == NULL) {
        return false;
    }
    if (p->field.len > 0) {
        return e->type == TYPE_HASH
               && field_of(e, p->field, s->c->now_ms, scratch, out);
    }
    if (e->type != TYPE_STRING) {
        return false;
    }
    *out = string_bytes(e, scratch);
    return true;
}

/* ---- weights ---- */

static bool parse_weight(struct slice text, double *out)
{
    bool in_range;
    return number_parse_loosely(text, out, &in_range) && in_range;
}

/* False: replied. */
static bool weigh(struct sort *s, struct item *i)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct slice value = i->text;
    bool is_there = !s->has_by
                    || look_up(s, &s->by, i->text, scratch, &value);
    if (s->is_alpha) {
        i->by.word = is_there && s->has_by ? keep(s, value)
                                           : slice_of(NULL, 0);
        return !is_there || !s->has_by || i->by.word.data != NULL;
    }
    i->by.score = 0;
    if (is_there && !parse_weight(value, &i->by.score)) {
        reply_error(s->c->reply,
                    "ERR One or more scores can't be converted into double");
        return false;
    }
    return true;
}

static int compare_words(struct slice a, struct slice b)
{
    if (a.data == NULL || b.data == NULL) {
        return (a.data != NULL) - (b.data != NULL);
    }
    return slice_compare(a, b);
}

static bool is_before(const struct sort *s, const struct item *a,
                      const struct item *b)
{
    int order = 0;
    if (!s->is_alpha) {
        order = (a->by.score > b->by.score) - (a->by.score < b->by.score);
    } else if (s->has_by) {
        order = compare_words(a->by.word, b->by.word);
    }
    if (order == 0) {
        order = slice_compare(a->text, b->text);
    }
    return s->is_descending ? order > 0 : order < 0;
}

/* ---- the heap: no child is before its parent ---- */

static void sift(const struct sort *s, size_t at, size_t count)
{
    struct item moved = s->items[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count
            && is_before(s, &s->items[child + 1], &s->items[child])) {
            child++;
        }
        if (!is_before(s, &s->items[child], &moved)) {
            break;
        }
        s->items[at] = s->items[child];
        at = child;
    }
    s->items[at] = moved;
}

/* Takes `n` out, in order: the first to the end of the array, and so on. */
static void order(struct sort *s, size_t n)
{
    for (size_t i = s->count / 2; i > 0; i--) {
        sift(s, i - 1, s->count);
    }
    for (size_t i = 0; i < n; i++) {
        size_t last = s->count - 1 - i;
        struct item first = s->items[0];
        s->items[0] = s->items[last];
        sift(s, 0, last);
        s->items[last] = first;
    }
}

/* ---- answering ---- */

/* The outcome: `n` items, the first at items[first], the next behind it or, where
 * a heap has given them, before it. */
struct outcome {
    size_t first, n;
    bool is_backward;
};

static const struct item *item_at(const struct sort *s,
                                  const struct outcome *o, size_t i)
{
    return &s->items[o->is_backward ? o->first - i : o->first + i];
}

static void answer(struct sort *s, const struct outcome *o)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct reply *r = s->c->reply;
    size_t each = s->get_count > 0 ? s->get_count : 1;
    reply_array(r, (int64_t)(o->n * each));
    for (size_t i = 0; i < o->n && !r->out->failed; i++) {
        struct slice element = item_at(s, o, i)->text, value;
        if (s->get_count == 0) {
            reply_bulk(r, element);
        }
        for (uint32_t g = 0; g < s->get_count; g++) {
            if (look_up(s, &s->gets[g], element, scratch, &value)) {
                reply_bulk(r, value);
            } else {
                reply_null(r);
            }
        }
    }
}

/* Pushes what one element gives; what is not there is an empty text. */
static enum status push(struct sort *s, const struct entry_memory *m,
                        struct entry **list, struct slice element)
{
    char scratch[HASH_SCRATCH_BYTES];
    const struct value_limits *l = ctx_limits(s->c);
    enum status st = ST_OK;
    if (s->get_count == 0) {
        ctx_note_growth(s->c, element.len);
        return list_push(m, l, list, LIST_TAIL, &element, 1);
    }
    for (uint32_t g = 0; st == ST_OK && g < s->get_count; g++) {
        struct slice value = slice_of(NULL, 0);
        (void)look_up(s, &s->gets[g], element, scratch, &value);
        ctx_note_growth(s->c, value.len);
        st = list_push(m, l, list, LIST_TAIL, &value, 1);
    }
    return st;
}

static void put_list(struct sort *s, const struct outcome *o)
{
    struct cmd_ctx *c = s->c;
    const struct key *to = &c->keys[1];
    const struct entry_memory *m = ctx_memory(c, to);
    struct entry *list;
    if (m == NULL) {
        return;
    }
    enum status st = value_create_empty(m, to->name, TYPE_LIST, 0, &list);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return;
    }
    for (size_t i = 0; st == ST_OK && i < o->n; i++) {
        st = push(s, m, &list, item_at(s, o, i)->text);
    }
    if (st != ST_OK) {
        entry_destroy(list, m);
        ctx_error_status(c, st);
        return;
    }
    int64_t count = (int64_t)value_count(list);
    if (ctx_put(c, to, list)) {
        ctx_changed(c, to, EVENT_LIST, "sortstore");
        reply_int(c->reply, count);
    }
}

static void finish(struct sort *s, const struct outcome *o)
{
    struct cmd_ctx *c = s->c;
    if (!s->has_store) {
        answer(s, o);
        return;
    }
    if (o->n > 0) {
        put_list(s, o);
        return;
    }
    if (ctx_delete(c, &c->keys[1])) {
        ctx_changed(c, &c->keys[1], EVENT_GENERIC, "del");
    }
    reply_int(c->reply, 0);
}

/* ---- the commands ---- */

static void sort_entry(struct sort *s, const struct entry *e)
{
    struct outcome o = {0};
    size_t count = e == NULL ? 0 : value_count(e), first;
    clip(s, count, &first, &o.n);
    if (s->is_native) {
        if (load(s, e, first, o.n) && make_name_room(s)) {
            finish(s, &o);
        }
        return;
    }
    if (!load(s, e, 0, count) || !make_name_room(s)) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (!weigh(s, &s->items[i])) {
            return;
        }
    }
    order(s, o.n > 0 ? first + o.n : 0);
    o.first = s->count - 1 - first;
    o.is_backward = true;
    finish(s, &o);
}

static void run(struct cmd_ctx *c, bool may_store)
{
    struct sort s = {.c = c, .limit = -1};
    if (!parse(&s, may_store)) {
        return;
    }
    const struct entry *e = ctx_read(c, &c->keys[0]);
    if (e != NULL && e->type != TYPE_LIST && e->type != TYPE_SET
        && !ctx_check_type(c, e, TYPE_ZSET)) {
        return;
    }
    if (s.is_native && s.has_store && e != NULL && e->type == TYPE_SET) {
        /* A set has no order of its own that another server would share. */
        s.is_native = false;
        s.is_alpha = true;
    }
    sort_entry(&s, e);
}

void sort_run(struct cmd_ctx *c)
{
    run(c, true);
}

void sort_ro_run(struct cmd_ctx *c)
{
    run(c, false);
}
