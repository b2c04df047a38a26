/* atomic_checks: commands are indivisible, those on several shards too.
 * Each claims its keys by a prefix of its own, in database 0. */
#include <stdio.h>
#include <string.h>

#include "stress.h"

/* ---- counters: every value is handed out once ---- */

enum { COUNTERS = 5, COUNTER_MAX = 1 << 20, COUNTER_BATCH = 20 };

struct counters {
    atomic_uchar seen[COUNTERS][COUNTER_MAX];
};

static void counter_note(struct check *c, unsigned counter, long long value)
{
    struct counters *s = c->state;
    if (value < 1 || value >= COUNTER_MAX) {
        check_fail(c, "counter %u gave %lld", counter, value);
    } else if (atomic_fetch_add(&s->seen[counter][value], 1) != 0) {
        check_fail(c, "counter %u gave %lld twice", counter, value);
    }
}

static void counters_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(thread);
    struct link *l = link_open(c);
    long long last[COUNTERS] = {0}, value;
    while (l && !check_is_over(c)) {
        unsigned chosen[COUNTER_BATCH];
        unsigned count = 1 + dice_roll(&dice, COUNTER_BATCH);
        for (unsigned i = 0; i < count; i++) {
            chosen[i] = dice_roll(&dice, COUNTERS);
            link_add(l, "INCR counter:%u", chosen[i]);
        }
        if (!link_flush(l)) {
            break;
        }
        for (unsigned i = 0; i < count; i++) {
            if (!link_read_number(l, &value)) {
                link_close(&l);
                return;
            }
            if (value <= last[chosen[i]]) {
                check_fail(c, "%lld after %lld", value, last[chosen[i]]);
            }
            last[chosen[i]] = value;
            counter_note(c, chosen[i], value);
            check_step(c);
        }
    }
    link_close(&l);
}

static void counters_verify(struct check *c)
{
    struct counters *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < COUNTERS; i++) {
        if (!link_ask(l, &r, "GET counter:%u", i)) {
            break;
        }
        long long final = reply_as_number(&r);
        for (long long v = 1; v <= final && v < COUNTER_MAX; v++) {
            if (!atomic_load(&s->seen[i][v])) {
                check_fail(c, "counter %u never gave %lld of %lld", i, v,
                           final);
                break;
            }
        }
        if (final + 1 < COUNTER_MAX && atomic_load(&s->seen[i][final + 1])) {
            check_fail(c, "counter %u fell back to %lld", i, final);
        }
    }
    link_close(&l);
}

/* ---- sums: no addition is lost ---- */

enum { SUMS = 4 };

struct sums {
    atomic_llong total[SUMS];
};

static void sums_run(struct check *c, unsigned thread)
{
    static const char *const commands[] = {"INCRBY", "DECRBY", "INCR", "DECR"};
    struct sums *s = c->state;
    struct dice dice = dice_make(100 + thread);
    struct link *l = link_open(c);
    struct reply r;
    while (l && !check_is_over(c)) {
        unsigned key = dice_roll(&dice, SUMS);
        unsigned kind = dice_roll(&dice, 4);
        long long step = kind < 2 ? (long long)dice_roll(&dice, 1000) : 1;
        char amount[16] = "";
        if (kind < 2) {
            snprintf(amount, sizeof(amount), "%lld", step);
        }
        if (!link_ask(l, &r, "%s sum:%u %s", commands[kind], key, amount)) {
            break;
        }
        atomic_fetch_add(&s->total[key], kind % 2 ? -step : step);
        check_step(c);
    }
    link_close(&l);
}

static void sums_verify(struct check *c)
{
    struct sums *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < SUMS; i++) {
        long long want = atomic_load(&s->total[i]);
        if (link_ask(l, &r, "INCRBY sum:%u 0", i) && r.number != want) {
            check_fail(c, "sum %u is %lld, not %lld", i, r.number, want);
        }
    }
    link_close(&l);
}

/* ---- APPEND: each record once and whole ---- */

enum {
    RECORD_BYTES = 16,
    LOGS = 3,
    LOG_RECORDS_MAX = 60000,
    APPENDERS = 3,
    APPEND_BATCH = 10,
};

/* The reply is the length after the append, so it names the record's place. */
static void append_batch(struct check *c, struct link *l, unsigned thread,
                         unsigned key, unsigned *serial)
{
    char records[APPEND_BATCH][RECORD_BYTES + 1];
    struct reply r;
    for (unsigned i = 0; i < APPEND_BATCH; i++) {
        snprintf(records[i], sizeof(records[i]), "<%02u:%011u>", thread,
                 (*serial)++);
        link_add(l, "APPEND log:%u %s", key, records[i]);
    }
    long long length = 0;
    if (!link_flush(l)) {
        return;
    }
    for (unsigned i = 0; i < APPEND_BATCH; i++) {
        if (!link_read_number(l, &length)) {
            return;
        }
        if (length % RECORD_BYTES) {
            check_fail(c, "length %lld is no whole number of records", length);
        }
        check_step(c);
    }
    if (link_ask(l, &r, "GETRANGE log:%u %lld %lld", key, length - RECORD_BYTES,
                 length - 1)
        && (r.is_null || strcmp(r.text, records[APPEND_BATCH - 1]) != 0)) {
        check_fail(c, "at %lld is %.40s, not %s", length,
                   r.text ? r.text : "nothing", records[APPEND_BATCH - 1]);
    }
}

static void append_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(200 + thread);
    struct link *l = link_open(c);
    unsigned serials[LOGS] = {0};
    while (l && !check_is_over(c)) {
        unsigned key = dice_roll(&dice, LOGS);
        if (serials[key] > LOG_RECORDS_MAX / APPENDERS) {
            sleep_ms(10);
            continue;
        }
        append_batch(c, l, thread, key, &serials[key]);
    }
    link_close(&l);
}

/* The records of each thread stand in the order in which it sent them. */
static void append_verify_log(struct check *c, const struct reply *r)
{
    unsigned next[APPENDERS] = {0};
    for (size_t at = 0; at + RECORD_BYTES <= r->len; at += RECORD_BYTES) {
        unsigned thread, serial;
        if (sscanf(r->text + at, "<%2u:%11u>", &thread, &serial) != 2
            || thread >= APPENDERS || r->text[at + RECORD_BYTES - 1] != '>') {
            check_fail(c, "at %zu is %.16s", at, r->text + at);
            return;
        }
        if (serial != next[thread]) {
            check_fail(c, "of thread %u %u stands where %u is due", thread,
                       serial, next[thread]);
            return;
        }
        next[thread]++;
    }
}

static void append_verify(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < LOGS; i++) {
        if (link_ask(l, &r, "GET log:%u", i) && !r.is_null) {
            append_verify_log(c, &r);
        }
    }
    link_close(&l);
}

/* ---- MSET and MGET: all or nothing, across shards ---- */

#define STAMP_KEYS \
    "stamp:a stamp:b stamp:c stamp:d stamp:e stamp:f stamp:g stamp:h"
enum { STAMP_COUNT = 8, STAMP_WRITERS = 2 };

static void stamp_write(struct check *c, struct link *l, unsigned thread)
{
    for (unsigned n = 1; !check_is_over(c); n++) {
        unsigned s = n * STAMP_WRITERS + thread;
        /* In another order than the readers': the plan must sort. */
        link_add(l,
                 "MSET stamp:h %u stamp:a %u stamp:g %u stamp:b %u stamp:f %u "
                 "stamp:c %u stamp:e %u stamp:d %u",
                 s, s, s, s, s, s, s, s);
        if (!link_flush(l) || !link_expect_ok(l)) {
            return;
        }
        check_step(c);
    }
}

static void stamp_read(struct check *c, struct link *l)
{
    struct reply r;
    while (!check_is_over(c) && link_ask(l, &r, "MGET " STAMP_KEYS)) {
        long long first = 0;
        for (unsigned i = 0; i < STAMP_COUNT; i++) {
            if (!link_read(l, &r)) {
                return;
            }
            long long value = reply_as_number(&r);
            first = i == 0 ? value : first;
            if (value != first) {
                check_fail(c, "key %u has %lld, the first %lld", i, value,
                           first);
            }
        }
        check_step(c);
    }
}

static void stamp_run(struct check *c, unsigned thread)
{
    struct link *l = link_open(c);
    if (l && thread < STAMP_WRITERS) {
        stamp_write(c, l, thread);
    } else if (l) {
        stamp_read(c, l);
    }
    link_close(&l);
}

/* ---- DEL, UNLINK, MSETNX, EXISTS of many: all or nothing ---- */

#define GROUP_KEYS "group:1 group:2 group:3 group:4 group:5 group:6"
enum { GROUP_COUNT = 6, GROUP_WRITERS = 2 };

static void group_write(struct check *c, struct link *l, struct dice *dice)
{
    long long count;
    while (!check_is_over(c)) {
        link_add(l, "%s " GROUP_KEYS, dice_roll(dice, 2) ? "DEL" : "UNLINK");
        link_add(l, "MSETNX group:1 x group:2 x group:3 x group:4 x group:5 x "
                    "group:6 x");
        if (!link_flush(l) || !link_read_number(l, &count)) {
            return;
        }
        if (count != 0 && count != GROUP_COUNT) {
            check_fail(c, "deleted %lld of %d", count, GROUP_COUNT);
        }
        if (!link_read_number(l, &count)) {
            return;
        }
        check_step(c);
    }
}

static void group_read(struct check *c, struct link *l, struct dice *dice)
{
    struct reply r;
    while (!check_is_over(c)
           && link_ask(l, &r, "%s " GROUP_KEYS,
                       dice_roll(dice, 2) ? "EXISTS" : "TOUCH")) {
        if (r.number != 0 && r.number != GROUP_COUNT) {
            check_fail(c, "saw %lld of %d", r.number, GROUP_COUNT);
        }
        check_step(c);
    }
}

static void group_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(300 + thread);
    struct link *l = link_open(c);
    if (l && thread < GROUP_WRITERS) {
        group_write(c, l, &dice);
    } else if (l) {
        group_read(c, l, &dice);
    }
    link_close(&l);
}

/* ---- SET NX as a lock around a read and a write ---- */

struct lock_state {
    atomic_llong acquired;
    atomic_int holders;
};

static bool lock_work(struct check *c, struct link *l, unsigned thread,
                      unsigned turn)
{
    struct lock_state *s = c->state;
    struct reply r;
    if (atomic_fetch_add(&s->holders, 1) != 0) {
        check_fail(c, "two hold the lock");
    }
    if (!link_ask(l, &r, "GET guarded")) {
        return false;
    }
    long long value = r.is_null ? 0 : reply_as_number(&r);
    if (!link_ask(l, &r, "SET guarded %lld", value + 1)) {
        return false;
    }
    atomic_fetch_add(&s->acquired, 1);
    atomic_fetch_sub(&s->holders, 1);
    char mine[32];
    snprintf(mine, sizeof(mine), "%u:%u", thread, turn);
    if (!link_ask(l, &r, "GETDEL lock")) {
        return false;
    }
    if (r.is_null || strcmp(r.text, mine) != 0) {
        check_fail(c, "held by %s, not %s", r.is_null ? "none" : r.text, mine);
    }
    check_step(c);
    return true;
}

static void lock_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(400 + thread);
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned turn = 0; l && !check_is_over(c); turn++) {
        bool is_mine;
        if (dice_roll(&dice, 2)) {
            if (!link_ask(l, &r, "SET lock %u:%u NX", thread, turn)) {
                break;
            }
            is_mine = r.type == '+';
        } else {
            if (!link_ask(l, &r, "SETNX lock %u:%u", thread, turn)) {
                break;
            }
            is_mine = r.number == 1;
        }
        if (is_mine && !lock_work(c, l, thread, turn)) {
            break;
        }
    }
    link_close(&l);
}

static void lock_verify(struct check *c)
{
    struct lock_state *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    if (l && link_ask(l, &r, "GET guarded")
        && reply_as_number(&r) != atomic_load(&s->acquired)) {
        check_fail(c, "%lld after %lld turns", reply_as_number(&r),
                   (long long)atomic_load(&s->acquired));
    }
    link_close(&l);
}

const struct check_spec atomic_checks[] = {
    {.name = "INCR hands out every value once",
     .thread_count = 4,
     .state_bytes = sizeof(struct counters),
     .run = counters_run,
     .verify = counters_verify},
    {.name = "no addition is lost",
     .thread_count = 3,
     .state_bytes = sizeof(struct sums),
     .run = sums_run,
     .verify = sums_verify},
    {.name = "APPEND keeps records whole and in order",
     .thread_count = APPENDERS,
     .run = append_run,
     .verify = append_verify},
    {.name = "MGET sees one MSET, not two",
     .thread_count = 4,
     .run = stamp_run},
    {.name = "DEL, MSETNX and EXISTS of many are one",
     .thread_count = 4,
     .run = group_run},
    {.name = "SET NX is a lock",
     .thread_count = 3,
     .state_bytes = sizeof(struct lock_state),
     .run = lock_run,
     .verify = lock_verify},
    {0},
};
