/* move_checks: values that change their place, key or database are neither lost
 * nor doubled, and nobody sees them on the way. */
#include <stdio.h>
#include <string.h>

#include "stress.h"

/* ---- tokens through GETSET, and through GETDEL and SETNX ---- */

enum { SLOTS = 12, TOKENS = 6, HOLDERS = 3 };

struct tokens {
    /* 1 while a thread holds the token, else 0 */
    atomic_int held[TOKENS + SLOTS + HOLDERS + 1];
};

static void token_take(struct check *c, long long token)
{
    struct tokens *s = c->state;
    if (token < 0 || token > TOKENS + SLOTS + HOLDERS) {
        check_fail(c, "no such token: %lld", token);
    } else if (atomic_exchange(&s->held[token], 1) != 0) {
        check_fail(c, "token %lld is held twice", token);
    }
}

static void token_give(struct check *c, long long token)
{
    struct tokens *s = c->state;
    atomic_store(&s->held[token], 0);
}

/* Every token from 0 to `count` is in one slot or in one hand. */
static void tokens_verify(struct check *c, const char *prefix, unsigned slots,
                          unsigned count)
{
    struct tokens *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < slots; i++) {
        if (link_ask(l, &r, "GET %s:%u", prefix, i) && !r.is_null) {
            token_take(c, reply_as_number(&r));
        }
    }
    for (unsigned i = 0; l && i < count; i++) {
        if (!atomic_load(&s->held[i])) {
            check_fail(c, "token %u is lost", i);
        }
    }
    link_close(&l);
}

static void swap_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < SLOTS; i++) {
        link_ask(l, &r, "SET swap:%u %u", i, i);
    }
    link_close(&l);
}

/* Holds one token and changes it for another, again and again. */
static void swap_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(500 + thread);
    struct link *l = link_open(c);
    struct reply r;
    long long mine = SLOTS + thread;
    token_take(c, mine);
    while (l && !check_is_over(c)) {
        unsigned slot = dice_roll(&dice, SLOTS);
        token_give(c, mine);
        bool is_old = dice_roll(&dice, 2);
        if (!(is_old ? link_ask(l, &r, "GETSET swap:%u %lld", slot, mine)
                     : link_ask(l, &r, "SET swap:%u %lld GET", slot, mine))) {
            break;
        }
        mine = reply_as_number(&r);
        token_take(c, mine);
        check_step(c);
    }
    link_close(&l);
}

static void swap_verify(struct check *c)
{
    tokens_verify(c, "swap", SLOTS, SLOTS + HOLDERS);
}

static void bag_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < TOKENS; i++) {
        link_ask(l, &r, "SET bag:%u %u", i, i);
    }
    link_close(&l);
}

/* Puts the token into an empty slot; false when the connection is lost. */
static bool bag_put(struct check *c, struct link *l, struct dice *dice,
                    long long token)
{
    struct reply r;
    for (;;) {
        /* Once it is in a slot, another may take it before we hear of it. */
        token_give(c, token);
        if (!link_ask(l, &r, "SETNX bag:%u %lld", dice_roll(dice, SLOTS),
                      token)) {
            return false;
        }
        if (r.number == 1) {
            return true;
        }
        token_take(c, token);
    }
}

static void bag_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(600 + thread);
    struct link *l = link_open(c);
    struct reply r;
    while (l && !check_is_over(c)) {
        if (!link_ask(l, &r, "GETDEL bag:%u", dice_roll(&dice, SLOTS))) {
            break;
        }
        check_step(c);
        if (r.is_null) {
            continue;
        }
        long long token = reply_as_number(&r);
        token_take(c, token);
        if (!bag_put(c, l, &dice, token)) {
            break;
        }
    }
    link_close(&l);
}

static void bag_verify(struct check *c)
{
    tokens_verify(c, "bag", SLOTS, TOKENS);
}

/* ---- RENAMENX between shards, watched by MGET ---- */

#define SEATS \
    "seat:0 seat:1 seat:2 seat:3 seat:4 seat:5 seat:6 seat:7 seat:8 seat:9"
enum { SEAT_COUNT = 10, GUESTS = 5, MOVERS = 3 };

static void seats_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < GUESTS; i++) {
        link_ask(l, &r, "SET seat:%u %u", i, i);
    }
    link_close(&l);
}

static void seats_move(struct check *c, struct link *l, struct dice *dice)
{
    struct reply r;
    /* "no such key" is what an empty seat says. */
    link_forgive(l);
    while (!check_is_over(c)) {
        unsigned from = dice_roll(dice, SEAT_COUNT);
        unsigned to = dice_roll(dice, SEAT_COUNT);
        if (!link_ask(l, &r, "RENAMENX seat:%u seat:%u", from, to)) {
            check_fail(c, "connection lost");
            return;
        }
        check_step(c);
    }
}

static bool seats_look(struct check *c, struct link *l)
{
    struct reply r;
    unsigned seen[GUESTS] = {0};
    if (!link_ask(l, &r, "MGET " SEATS)) {
        return false;
    }
    for (unsigned i = 0; i < SEAT_COUNT; i++) {
        if (!link_read(l, &r)) {
            return false;
        }
        long long guest = reply_as_number(&r);
        if (guest >= 0 && guest < GUESTS) {
            seen[guest]++;
        }
    }
    for (unsigned i = 0; i < GUESTS; i++) {
        if (seen[i] != 1) {
            check_fail(c, "guest %u is on %u seats", i, seen[i]);
        }
    }
    check_step(c);
    return true;
}

static void seats_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(700 + thread);
    struct link *l = link_open(c);
    if (l && thread < MOVERS) {
        seats_move(c, l, &dice);
    } else if (l) {
        while (!check_is_over(c) && seats_look(c, l)) {
            /* again */
        }
    }
    link_close(&l);
}

static void seats_verify(struct check *c)
{
    struct link *l = link_open(c);
    if (l) {
        seats_look(c, l);
    }
    link_close(&l);
}

/* ---- COPY follows its source ---- */

/* The source only grows, so the copy is never ahead of it, and never behind what
 * this session has read of it before the copy was made. */
static void copy_run(struct check *c, unsigned thread)
{
    struct link *l = link_open(c);
    struct reply r;
    long long made, source, copy, before;
    while (l && !check_is_over(c)) {
        link_add(l, "INCR origin");
        link_add(l, "COPY origin copy:%u REPLACE", thread);
        link_add(l, "MGET origin copy:%u", thread);
        if (!link_flush(l) || !link_read_number(l, &before)
            || !link_read_number(l, &made) || !link_read(l, &r)
            || !link_read(l, &r)) {
            break;
        }
        source = reply_as_number(&r);
        if (!link_read(l, &r)) {
            break;
        }
        copy = reply_as_number(&r);
        if (made != 1 || copy < before || copy > source) {
            check_fail(c, "made %lld: %lld <= copy %lld <= %lld", made, before,
                       copy, source);
        }
        check_step(c);
    }
    link_close(&l);
}

/* ---- SWAPDB: a database is one or the other ---- */

enum { DB_A = 10, DB_B = 11, DB_FLUSHED = 12, MARKS = 6 };
#define MARK_KEYS "mark:1 mark:2 mark:3 mark:4 mark:5 mark:6"

static void swapdb_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned db = DB_A; l && db <= DB_B; db++) {
        link_ask(l, &r, "SELECT %u", db);
        link_ask(l, &r,
                 "MSET mark:1 %u mark:2 %u mark:3 %u mark:4 %u mark:5 %u "
                 "mark:6 %u",
                 db, db, db, db, db, db);
    }
    link_close(&l);
}

static bool marks_look(struct check *c, struct link *l)
{
    struct reply r;
    long long first = -2;
    if (!link_ask(l, &r, "MGET " MARK_KEYS)) {
        return false;
    }
    for (unsigned i = 0; i < MARKS; i++) {
        if (!link_read(l, &r)) {
            return false;
        }
        long long mark = reply_as_number(&r);
        first = first == -2 ? mark : first;
        if (mark != first || mark < DB_A || mark > DB_B) {
            check_fail(c, "mark %u is %lld, the first %lld", i, mark, first);
        }
    }
    check_step(c);
    return true;
}

static void swapdb_run(struct check *c, unsigned thread)
{
    struct link *l = link_open(c);
    struct reply r;
    if (!l || !link_ask(l, &r, "SELECT %u", DB_A + thread % 2)) {
        link_close(&l);
        return;
    }
    if (thread == 0) {
        while (!check_is_over(c) && link_ask(l, &r, "SWAPDB 10 11")) {
            check_step(c);
            sleep_ms(1);
        }
    } else {
        while (!check_is_over(c) && marks_look(c, l)) {
            /* again */
        }
    }
    link_close(&l);
}

/* ---- FLUSHDB: all or nothing, and only its own database ---- */

static void flushdb_write(struct check *c, struct link *l, struct dice *dice)
{
    while (!check_is_over(c)) {
        if (dice_roll(dice, 4) == 0) {
            link_add(l, "FLUSHDB %s", dice_roll(dice, 2) ? "ASYNC" : "SYNC");
        } else {
            link_add(l, "MSET mark:1 x mark:2 x mark:3 x mark:4 x mark:5 x "
                        "mark:6 x");
        }
        if (!link_flush(l) || !link_expect_ok(l)) {
            return;
        }
        check_step(c);
    }
}

static void flushdb_read(struct check *c, struct link *l)
{
    struct reply r;
    while (!check_is_over(c) && link_ask(l, &r, "EXISTS " MARK_KEYS)) {
        if (r.number != 0 && r.number != MARKS) {
            check_fail(c, "saw %lld of %d", r.number, MARKS);
        }
        if (!link_ask(l, &r, "DBSIZE")) {
            return;
        }
        if (r.number < 0 || r.number > MARKS) {
            check_fail(c, "DBSIZE %lld", r.number);
        }
        check_step(c);
    }
}

static void flushdb_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(800 + thread);
    struct link *l = link_open(c);
    struct reply r;
    if (l && link_ask(l, &r, "SELECT %d", DB_FLUSHED)) {
        if (thread < 2) {
            flushdb_write(c, l, &dice);
        } else {
            flushdb_read(c, l);
        }
    }
    link_close(&l);
}

const struct check_spec move_checks[] = {
    {.name = "GETSET loses and doubles no token",
     .thread_count = HOLDERS,
     .state_bytes = sizeof(struct tokens),
     .prepare = swap_prepare,
     .run = swap_run,
     .verify = swap_verify},
    {.name = "GETDEL and SETNX lose and double no token",
     .thread_count = HOLDERS,
     .state_bytes = sizeof(struct tokens),
     .prepare = bag_prepare,
     .run = bag_run,
     .verify = bag_verify},
    {.name = "RENAMENX moves in one step",
     .thread_count = 4,
     .prepare = seats_prepare,
     .run = seats_run,
     .verify = seats_verify},
    {.name = "COPY follows its source", .thread_count = 2, .run = copy_run},
    {.name = "SWAPDB swaps in one step",
     .thread_count = 3,
     .prepare = swapdb_prepare,
     .run = swapdb_run},
    {.name = "FLUSHDB flushes in one step",
     .thread_count = 3,
     .run = flushdb_run},
    {0},
};
