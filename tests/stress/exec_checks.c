/* exec_checks: transactions are indivisible, across shards too, and those that
 * watch are carried out only if nothing changed.
 *
 * Every transaction adds one to both keys of a pair, so that both are equal for
 * whoever reads both at once, and in the end count the transactions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

enum { PAIRS = 4, WATCHERS = 3, ADDERS = 2, READERS = 2, QUITTERS = 1 };

struct pairs {
    atomic_llong done[PAIRS];  /* transactions whose EXEC was answered */
    atomic_llong doubt[PAIRS]; /* sent by who left before the answer */
};

static void pairs_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < PAIRS; i++) {
        link_ask(l, &r, "MSET left:%u:pair 0 right:%u:pair 0", i, i);
    }
    link_close(&l);
}

/* The replies of MULTI and of `queued` commands. */
static bool read_queued(struct check *c, struct link *l, unsigned queued)
{
    struct reply r;
    if (!link_expect_ok(l)) {
        return false;
    }
    for (; queued > 0; queued--) {
        if (!link_read(l, &r)) {
            return false;
        }
        if (r.type != '+' || strcmp(r.text, "QUEUED") != 0) {
            check_fail(c, "not queued: %c%.80s", r.type, r.text);
            return false;
        }
    }
    return true;
}

/* Two values, integers or strings, that must be equal. */
static bool read_equal(struct check *c, struct link *l, const char *what,
                       long long *value)
{
    struct reply r;
    long long values[2];
    for (unsigned i = 0; i < 2; i++) {
        if (!link_read(l, &r)) {
            return false;
        }
        values[i] = reply_as_number(&r);
    }
    if (values[0] != values[1]) {
        check_fail(c, "%s: %lld and %lld", what, values[0], values[1]);
    }
    *value = values[0];
    return true;
}

/* Reads, computes, and writes if nobody else has: no addition is lost. */
static bool watcher_turn(struct check *c, struct link *l, struct dice *d)
{
    struct pairs *s = c->state;
    unsigned pair = dice_roll(d, PAIRS);
    struct reply r;
    long long value;
    link_add(l, "WATCH left:%u:pair right:%u:pair", pair, pair);
    link_add(l, "GET left:%u:pair", pair);
    if (!link_flush(l) || !link_expect_ok(l) || !link_read(l, &r)) {
        return false;
    }
    value = reply_as_number(&r) + 1;
    link_add(l, "MULTI");
    link_add(l, "SET right:%u:pair %lld", pair, value);
    link_add(l, "SET left:%u:pair %lld", pair, value);
    link_add(l, "MGET left:%u:pair right:%u:pair", pair, pair);
    if (dice_roll(d, 20) == 0) {
        link_add(l, "DISCARD");
        return link_flush(l) && read_queued(c, l, 3) && link_expect_ok(l);
    }
    link_add(l, "EXEC");
    if (!link_flush(l) || !read_queued(c, l, 3) || !link_read(l, &r)) {
        return false;
    }
    if (r.is_null) {
        return true;
    }
    atomic_fetch_add(&s->done[pair], 1);
    if (r.number != 3 || !link_expect_ok(l) || !link_expect_ok(l)
        || !link_read(l, &r)) {
        check_fail(c, "EXEC has %lld replies", r.number);
        return false;
    }
    long long seen;
    if (!read_equal(c, l, "MGET in EXEC", &seen)) {
        return false;
    }
    if (seen != value) {
        check_fail(c, "wrote %lld, read %lld", value, seen);
    }
    return true;
}

static void adder_send(struct link *l, unsigned pair)
{
    link_add(l, "MULTI");
    link_add(l, "INCR left:%u:pair", pair);
    link_add(l, "INCRBY right:%u:pair 1", pair);
    link_add(l, "EXEC");
}

/* Several transactions in one pipeline. */
static bool adder_turn(struct check *c, struct link *l, struct dice *d)
{
    enum { BATCH = 4 };
    struct pairs *s = c->state;
    unsigned chosen[BATCH];
    struct reply r;
    long long value;
    for (unsigned i = 0; i < BATCH; i++) {
        chosen[i] = dice_roll(d, PAIRS);
        adder_send(l, chosen[i]);
    }
    if (!link_flush(l)) {
        return false;
    }
    for (unsigned i = 0; i < BATCH; i++) {
        if (!read_queued(c, l, 2) || !link_read(l, &r)) {
            return false;
        }
        if (r.number != 2) {
            check_fail(c, "EXEC has %lld replies", r.number);
            return false;
        }
        long long values[2];
        if (!link_read_number(l, &values[0])
            || !link_read_number(l, &values[1])) {
            return false;
        }
        value = values[0] - values[1];
        if (value != 0) {
            check_fail(c, "INCR gave %lld and %lld", values[0], values[1]);
        }
        atomic_fetch_add(&s->done[chosen[i]], 1);
    }
    return true;
}

static bool reader_turn(struct check *c, struct link *l, struct dice *d)
{
    unsigned pair = dice_roll(d, PAIRS);
    struct reply r;
    long long value;
    if (dice_roll(d, 4) == 0) {
        return link_ask(l, &r, "MGET right:%u:pair left:%u:pair", pair, pair)
               && read_equal(c, l, "MGET", &value);
    }
    link_add(l, "MULTI");
    link_add(l, "GET left:%u:pair", pair);
    link_add(l, "GET right:%u:pair", pair);
    link_add(l, "EXEC");
    if (!link_flush(l) || !read_queued(c, l, 2) || !link_read(l, &r)) {
        return false;
    }
    if (r.is_null) {
        check_fail(c, "EXEC is null, though nothing was watched");
        return true;
    }
    return read_equal(c, l, "EXEC", &value);
}

/* Leaves before EXEC, which must do nothing, or before its answer. */
static bool quitter_turn(struct check *c, struct dice *d)
{
    struct pairs *s = c->state;
    struct link *l = link_open(c);
    if (!l) {
        return false;
    }
    unsigned pair = dice_roll(d, PAIRS);
    if (dice_roll(d, 2)) {
        adder_send(l, pair);
        atomic_fetch_add(&s->doubt[pair], 1);
    } else {
        link_add(l, "WATCH left:%u:pair", pair);
        link_add(l, "MULTI");
        link_add(l, "INCR left:%u:pair", pair);
    }
    link_flush(l);
    link_close(&l);
    return true;
}

static void pairs_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(2500 + thread);
    struct link *l = link_open(c);
    for (bool goes_on = l; goes_on && !check_is_over(c); check_step(c)) {
        if (thread < WATCHERS) {
            goes_on = watcher_turn(c, l, &dice);
        } else if (thread < WATCHERS + ADDERS) {
            goes_on = adder_turn(c, l, &dice);
        } else if (thread < WATCHERS + ADDERS + READERS) {
            goes_on = reader_turn(c, l, &dice);
        } else {
            goes_on = quitter_turn(c, &dice);
            sleep_ms(1);
        }
    }
    link_close(&l);
}

static void pairs_verify(struct check *c)
{
    struct pairs *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < PAIRS; i++) {
        long long value;
        if (!link_ask(l, &r, "MGET left:%u:pair right:%u:pair", i, i)
            || !read_equal(c, l, "in the end", &value)) {
            break;
        }
        long long least = atomic_load(&s->done[i]);
        long long most = least + atomic_load(&s->doubt[i]);
        if (value < least || value > most) {
            check_fail(c, "%lld to %lld transactions, but the count is %lld",
                       least, most, value);
        }
    }
    link_close(&l);
}

const struct check_spec exec_checks[] = {
    {.name = "EXEC is one, and only if nothing watched has changed",
     .thread_count = WATCHERS + ADDERS + READERS + QUITTERS,
     .state_bytes = sizeof(struct pairs),
     .prepare = pairs_prepare,
     .run = pairs_run,
     .verify = pairs_verify},
    {0},
};
