/* hash_random: HRANDFIELD. */
#include "commands/hash_priv.h"
#include "commands/sample.h"
#include "types/set.h"

enum { DRAWS_MAX = 16 }; /* until a field is found that may be seen */

struct chooser {
    struct cmd_ctx *c;
    const struct entry *from;
    struct sample sample;
    bool has_values;
};

static void reply_item(const struct chooser *x, const struct hash_item *item)
{
    struct reply *r = x->c->reply;
    if (x->has_values && r->protocol > 2) {
        reply_array(r, 2);
    }
    reply_bulk(r, item->field);
    if (x->has_values) {
        hash_reply_value(r, item);
    }
}

static void reply_count(const struct chooser *x, uint64_t count)
{
    bool is_flat = x->has_values && x->c->reply->protocol == 2;
    reply_array(x->c->reply, (int64_t)(is_flat ? count * 2 : count));
}

static bool reply_chosen(void *self, const struct hash_item *item)
{
    struct chooser *x = self;
    if (hash_is_live(x->c, item) && sample_takes(&x->sample)) {
        reply_item(x, item);
    }
    return x->sample.wanted > 0;
}

/* One walk that replies `count` of the `of` fields to be seen. */
static void reply_by_walk(struct chooser *x, uint64_t count, uint64_t of)
{
    x->sample = (struct sample){x->c->random, of, count};
    if (count > 0) {
        hash_visit(x->from, reply_chosen, x);
    }
}

/* Replies one of the `of` fields to be seen. */
static void reply_one(struct chooser *x, uint64_t of)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item item;
    for (int i = 0; i < DRAWS_MAX; i++) {
        hash_random(x->from, x->c->random, scratch, &item);
        if (hash_is_live(x->c, &item)) {
            reply_item(x, &item);
            return;
        }
    }
    reply_by_walk(x, 1, of);
}

static void reply_repeating(struct chooser *x, uint64_t count, uint64_t of)
{
    struct cmd_ctx *c = x->c;
    uint64_t bytes_max;
    if (!sample_repeat(c, count, &bytes_max)) {
        return;
    }
    reply_count(x, count);
    for (uint64_t i = 0; i < count && sample_goes_on(c, bytes_max); i++) {
        reply_one(x, of);
    }
}

struct drawing {
    const struct chooser *x;
    char scratch[HASH_SCRATCH_BYTES];
};

static struct slice draw(void *self)
{
    struct drawing *d = self;
    struct hash_item item;
    hash_random(d->x->from, d->x->c->random, d->scratch, &item);
    return item.field;
}

static bool reply_drawn(void *self, struct slice field)
{
    const struct chooser *x = self;
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item item;
    bool is_there = hash_find(x->from, field, scratch, &item);
    assert(is_there);
    (void)is_there;
    reply_item(x, &item);
    return true;
}

static void reply_few(struct chooser *x, uint64_t count)
{
    struct drawing d = {.x = x};
    struct entry *drawn = sample_few(x->c, count, draw, &d);
    if (drawn != NULL) {
        reply_count(x, count);
        set_visit(drawn, reply_drawn, x);
        entry_destroy(drawn, ctx_memory(x->c, &x->c->keys[0]));
    }
}

static void reply_several(struct chooser *x, int64_t count)
{
    struct cmd_ctx *c = x->c;
    uint64_t have = x->from != NULL && count != 0
        ? hash_live_count(c, x->from) : 0;
    if (have == 0) {
        reply_array(c->reply, 0);
        return;
    }
    if (count < 0) {
        reply_repeating(x, (uint64_t)-count, have);
        return;
    }
    uint64_t n = (uint64_t)count < have ? (uint64_t)count : have;
    if (x->from->encoding == ENC_BIG && sample_is_few(n, have)
        && !hash_hides_any(c, x->from)) {
        reply_few(x, n);
        return;
    }
    reply_count(x, n);
    reply_by_walk(x, n, have);
}

void hash_hrandfield_run(struct cmd_ctx *c)
{
    struct chooser x = {.c = c};
    int64_t count;
    if ((c->argc > 2
         && !sample_parse(c, "withvalues", &count, &x.has_values))
        || !hash_read(c, &x.from)) {
        return;
    }
    if (x.from != NULL && hash_hides_any(c, x.from)) {
        x.from = ctx_expire_fields(c, &c->keys[0], NULL);
    }
    if (c->argc > 2) {
        reply_several(&x, count);
        return;
    }
    uint64_t have = x.from != NULL ? hash_live_count(c, x.from) : 0;
    if (have == 0) {
        reply_null(c->reply);
    } else {
        reply_one(&x, have);
    }
}
