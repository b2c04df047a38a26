/* set_algebra: union, intersection and difference of sets, replied, stored or
 * counted.
 *
 * Intersection walks the smallest set and asks the others. Difference asks the
 * others about each member of the first, or takes theirs away from a copy of
 * it, whichever looks at fewer members. A result that is to be stored is made in
 * the memory of its key; one that is replied needs memory only where a member
 * might come twice. */
#include "types/set.h"

#include "base/number.h"
#include "commands/commands.h"
#include "commands/set_priv.h"

/* The sets a command reads: those that are there. */
struct operands {
    const struct entry **sets; /* NULL: no such key */
    const struct key *keys;
    uint32_t count;
};

/* False: replied. */
static bool read_operands(struct cmd_ctx *c, uint32_t first_key,
                          struct operands *o)
{
    o->count = c->key_count - first_key;
    o->keys = c->keys + first_key;
    o->sets = ctx_scratch(c, (o->count + 1) * sizeof *o->sets);
    if (o->sets == NULL) {
        return false;
    }
    /* Two passes: what has expired is deleted first, which may move entries. */
    for (uint32_t i = 0; i < o->count; i++) {
        if (!ctx_check_type(c, ctx_read(c, &o->keys[i]), TYPE_SET)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < o->count; i++) {
        o->sets[i] = ctx_peek(c, &o->keys[i]);
    }
    return true;
}

static size_t size_of(const struct entry *e)
{
    return e == NULL ? 0 : value_count(e);
}

/* A result in the making. */
struct result {
    struct cmd_ctx *c;
    const struct entry_memory *m;
    struct entry *made; /* NULL: members are replied at once */
    const struct operands *o;
    uint32_t except;    /* operand that is being walked */
    int64_t count, limit; /* SINTERCARD's */
    enum status st;
};

static bool is_in(const struct result *r, uint32_t i, struct slice member)
{
    const struct entry *e = r->o->sets[i];
    return e != NULL && set_contains(e, member);
}

static bool take(struct result *r, struct slice member)
{
    bool added;
    r->count++;
    if (r->made != NULL) {
        r->st = set_add(r->m, ctx_limits(r->c), &r->made, member, &added);
    } else if (r->limit < 0) {
        reply_bulk(r->c->reply, member);
    }
    return r->st == ST_OK && r->count != r->limit;
}

/* ---- the operations: each a walk ---- */

static bool take_if_in_all(void *self, struct slice member)
{
    struct result *r = self;
    for (uint32_t i = 0; i < r->o->count; i++) {
        if (i != r->except && !is_in(r, i, member)) {
            return true;
        }
    }
    return take(r, member);
}

static void intersect(struct result *r)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < r->o->count; i++) {
        if (size_of(r->o->sets[i]) < size_of(r->o->sets[least])) {
            least = i;
        }
    }
    r->except = least;
    if (r->o->sets[least] != NULL) {
        set_visit(r->o->sets[least], take_if_in_all, r);
    }
}

static bool take_any(void *self, struct slice member)
{
    return take(self, member);
}

static void unite(struct result *r)
{
    for (uint32_t i = 0; i < r->o->count && r->st == ST_OK; i++) {
        if (r->o->sets[i] != NULL) {
            set_visit(r->o->sets[i], take_any, r);
        }
    }
}

static bool take_if_in_no_other(void *self, struct slice member)
{
    struct result *r = self;
    for (uint32_t i = 1; i < r->o->count; i++) {
        if (is_in(r, i, member)) {
            return true;
        }
    }
    return take(r, member);
}

static bool take_away(void *self, struct slice member)
{
    struct result *r = self;
    (void)set_remove(r->m, &r->made, member);
    return value_count(r->made) > 0;
}

static void subtract(struct result *r)
{
    const struct operands *o = r->o;
    size_t asked = 0, taken = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        asked += o->sets[i] != NULL ? size_of(o->sets[0]) : 0;
        taken += size_of(o->sets[i]);
    }
    if (o->sets[0] == NULL) {
        return;
    }
    /* Asking costs half of what adding and taking away does. */
    if (r->made == NULL || asked / 2 <= taken) {
        set_visit(o->sets[0], take_if_in_no_other, r);
        return;
    }
    set_visit(o->sets[0], take_any, r);
    for (uint32_t i = 1; i < o->count && r->st == ST_OK; i++) {
        if (o->sets[i] != NULL) {
            set_visit(o->sets[i], take_away, r);
        }
    }
}

/* ---- replying ---- */

static void reply_walk(struct cmd_ctx *c, void (*operation)(struct result *r))
{
    struct operands o;
    struct reply_deferred d;
    if (!read_operands(c, 0, &o)) {
        return;
    }
    struct result r = {.c = c, .o = &o, .limit = -1};
    reply_deferred_begin(c->reply, &d);
    operation(&r);
    reply_deferred_set(c->reply, &d, r.count);
}

void set_sinter_run(struct cmd_ctx *c)
{
    reply_walk(c, intersect);
}

void set_sdiff_run(struct cmd_ctx *c)
{
    reply_walk(c, subtract);
}

/* Makes the result as a set under `key`'s name; NULL: replied. */
static struct entry *make(struct cmd_ctx *c, const struct key *key,
                          const struct operands *o,
                          void (*operation)(struct result *r))
{
    struct result r = {.c = c, .o = o, .limit = -1, .m = ctx_memory(c, key)};
    if (r.m == NULL) {
        return NULL;
    }
    r.st = value_create_empty(r.m, key->name, TYPE_SET, 0, &r.made);
    if (r.st != ST_OK) {
        ctx_error_status(c, r.st);
        return NULL;
    }
    operation(&r);
    if (r.st != ST_OK) {
        entry_destroy(r.made, r.m);
        ctx_error_status(c, r.st);
        return NULL;
    }
    return r.made;
}

void set_sunion_run(struct cmd_ctx *c)
{
    struct operands o;
    if (!read_operands(c, 0, &o)) {
        return;
    }
    struct entry *all = make(c, &c->keys[0], &o, unite);
    if (all != NULL) {
        reply_set(c->reply, (int64_t)value_count(all));
        set_visit(all, set_reply_member, c->reply);
        entry_destroy(all, ctx_memory(c, &c->keys[0]));
    }
}

/* ---- storing ---- */

static void store_result(struct cmd_ctx *c, const char *event,
                         void (*operation)(struct result *r))
{
    const struct key *to = &c->keys[0];
    struct operands o;
    if (!read_operands(c, 1, &o)) {
        return;
    }
    struct entry *made = make(c, to, &o, operation);
    if (made != NULL) {
        ctx_store_result(c, to, made, EVENT_SET, event);
    }
}

void set_sinterstore_run(struct cmd_ctx *c)
{
    store_result(c, "sinterstore", intersect);
}

void set_sunionstore_run(struct cmd_ctx *c)
{
    store_result(c, "sunionstore", unite);
}

void set_sdiffstore_run(struct cmd_ctx *c)
{
    store_result(c, "sdiffstore", subtract);
}

/* ---- SINTERCARD ---- */

static bool parse_intercard(struct cmd_ctx *c, int64_t *limit)
{
    int64_t numkeys;
    *limit = 0;
    if (!number_parse_int64(c->argv[1], &numkeys) || numkeys < 1) {
        reply_error(c->reply, "ERR numkeys should be greater than 0");
        return false;
    }
    if (numkeys > (int64_t)c->argc - 2) {
        reply_error(c->reply, "ERR Number of keys can't be greater than number "
                              "of args");
        return false;
    }
    for (uint32_t i = 2 + (uint32_t)numkeys; i < c->argc; i += 2) {
        if (!ctx_arg_is(c, i, "limit") || i + 1 == c->argc) {
            ctx_error_syntax(c);
            return false;
        }
        if (!number_parse_int64(c->argv[i + 1], limit) || *limit < 0) {
            reply_error(c->reply, "ERR LIMIT can't be negative");
            return false;
        }
    }
    return true;
}

void set_sintercard_run(struct cmd_ctx *c)
{
    struct operands o;
    int64_t limit;
    if (!parse_intercard(c, &limit) || !read_operands(c, 0, &o)) {
        return;
    }
    /* A limit that is never reached counts all, and nothing is replied. */
    struct result r = {.c = c, .o = &o, .limit = limit > 0 ? limit : INT64_MAX};
    intersect(&r);
    reply_int(c->reply, r.count);
}
