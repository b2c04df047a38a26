/* queue_checks: elements of lists, each with a number of its own, pass from
 * pushers to takers who wait, are unblocked, and are killed. Each number is
 * taken once, or is still in a list at the end.
 *
 * A taker that loses its connection before it read a reply cannot know whether
 * the command was carried out: as many elements as that command may take (none,
 * where it moves them to another list) may be missing, and no more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

enum {
    QUEUES = 6,
    ELEMENTS_MAX = 1 << 21,
    OUTSTANDING_MAX = 3000,
    PUSHERS = 2,
    TAKERS = 6,
    COMMAND_BYTES_MAX = 128,
    DRAIN_MS_MAX = 20000,
};

struct queues {
    atomic_uint next;     /* the number of the next element */
    atomic_uint taken;    /* how many were */
    atomic_uint lost_max; /* how many may have been taken by who is gone */
    atomic_llong id[TAKERS];
    atomic_uchar seen[ELEMENTS_MAX];
};

/* ---- pushers ---- */

static unsigned pusher_number(struct queues *s)
{
    return atomic_fetch_add(&s->next, 1);
}

/* How many replies it will have. */
static unsigned push_command(struct queues *s, struct link *l, struct dice *d)
{
    unsigned key = dice_roll(d, QUEUES);
    unsigned a, b;
    switch (dice_roll(d, 4)) {
    case 0: link_add(l, "RPUSH queue:%u %u", key, pusher_number(s)); return 1;
    case 1: link_add(l, "LPUSH queue:%u %u", key, pusher_number(s)); return 1;
    case 2:
        a = pusher_number(s);
        b = pusher_number(s);
        link_add(l, "RPUSH queue:%u %u %u %u", key, a, b, pusher_number(s));
        return 1;
    default:
        link_add(l, "MULTI");
        link_add(l, "RPUSH queue:%u %u", key, pusher_number(s));
        link_add(l, "LPUSH queue:%u %u", dice_roll(d, QUEUES),
                 pusher_number(s));
        link_add(l, "EXEC");
        return 6;
    }
}

static void push_until_over(struct check *c, unsigned thread)
{
    struct queues *s = c->state;
    struct dice dice = dice_make(2000 + thread);
    struct link *l = link_open(c);
    struct reply r;
    while (l && !check_is_over(c)) {
        unsigned next = atomic_load(&s->next);
        if (next > ELEMENTS_MAX - 100
            || next > OUTSTANDING_MAX + atomic_load(&s->taken)
                          + atomic_load(&s->lost_max)) {
            sleep_ms(1);
            continue;
        }
        unsigned replies = push_command(s, l, &dice);
        if (!link_flush(l)) {
            break;
        }
        while (replies > 0 && link_read(l, &r)) {
            replies--;
        }
        if (replies > 0) {
            break;
        }
        check_step(c);
    }
    link_close(&l);
}

/* ---- takers ---- */

struct taker {
    struct check *check;
    struct link *link;
    struct dice dice;
    unsigned at_risk; /* elements that the reply under way may hold */
};

static void taker_note(struct taker *t, const struct reply *r)
{
    struct queues *s = t->check->state;
    long long number = reply_as_number(r);
    if (r->type != '$' || number < 0 || number >= atomic_load(&s->next)) {
        check_fail(t->check, "took what nobody pushed: %c%.40s", r->type,
                   r->text ? r->text : "");
        return;
    }
    t->at_risk -= t->at_risk > 0;
    atomic_fetch_add(&s->taken, 1);
    if (atomic_fetch_add(&s->seen[number], 1) != 0) {
        check_fail(t->check, "%lld was taken twice", number);
    }
}

static bool take_elements(struct taker *t, long long count)
{
    struct reply r;
    for (; count > 0; count--) {
        if (!link_read(t->link, &r)) {
            return false;
        }
        taker_note(t, &r);
    }
    return true;
}

/* What stands behind the head of a reply. */
enum shape {
    SHAPE_ONE,   /* the element itself */
    SHAPE_MANY,  /* an array of them */
    SHAPE_PAIR,  /* the key and the element */
    SHAPE_NAMED, /* the key and an array */
    SHAPE_MOVED, /* nothing was taken */
};

/* '@' stands for the number of a queue, '#' for a digit that is not 0. */
static const struct way {
    const char *command;
    enum shape shape;
    unsigned take_max;
} ways[] = {
    {"BLPOP queue:@ queue:@ 0.0#", SHAPE_PAIR, 1},
    {"BRPOP queue:@ queue:@ queue:@ 0.00#", SHAPE_PAIR, 1},
    {"BLMPOP 0.0# 2 queue:@ queue:@ LEFT COUNT 3", SHAPE_NAMED, 3},
    {"LMPOP 2 queue:@ queue:@ RIGHT COUNT 2", SHAPE_NAMED, 2},
    {"LPOP queue:@", SHAPE_ONE, 1},
    {"RPOP queue:@ 2", SHAPE_MANY, 2},
    {"BLMOVE queue:@ queue:@ LEFT RIGHT 0.0#", SHAPE_MOVED, 0},
    {"BRPOPLPUSH queue:@ queue:@ 0.00#", SHAPE_MOVED, 0},
    {"LMOVE queue:@ queue:@ RIGHT LEFT", SHAPE_MOVED, 0},
    {"RENAMENX queue:@ queue:@", SHAPE_MOVED, 0},
};

static const struct way *taker_send(struct taker *t)
{
    const struct way *w =
        &ways[dice_roll(&t->dice, sizeof(ways) / sizeof(ways[0]))];
    char text[COMMAND_BYTES_MAX];
    snprintf(text, sizeof(text), "%s", w->command);
    for (char *at = text; *at; at++) {
        if (*at == '@') {
            *at = (char)('0' + dice_roll(&t->dice, QUEUES));
        } else if (*at == '#') {
            *at = (char)('1' + dice_roll(&t->dice, 9));
        }
    }
    link_add(t->link, "%s", text);
    t->at_risk = w->take_max;
    return link_flush(t->link) ? w : NULL;
}

static bool error_is_due(const struct reply *r)
{
    return strncmp(r->text, "UNBLOCKED ", 10) == 0
           || strcmp(r->text, "ERR no such key") == 0;
}

static bool taker_read(struct taker *t, const struct way *w)
{
    struct reply r;
    if (!link_read(t->link, &r)) {
        return false;
    }
    if (r.type == '-' && !error_is_due(&r)) {
        check_fail(t->check, "%s: %.100s", w->command, r.text);
    }
    if (r.is_null || r.type == '-' || w->shape == SHAPE_MOVED) {
        return true;
    }
    switch (w->shape) {
    case SHAPE_ONE: taker_note(t, &r); return true;
    case SHAPE_MANY: return take_elements(t, r.number);
    case SHAPE_PAIR: return link_read(t->link, &r) && take_elements(t, 1);
    case SHAPE_NAMED:
        return link_read(t->link, &r) && link_read(t->link, &r)
               && take_elements(t, r.number);
    default: return true;
    }
}

/* Takes the first element only if it still is the one that it saw. */
static bool take_watched(struct taker *t)
{
    struct reply r;
    unsigned key = dice_roll(&t->dice, QUEUES);
    link_add(t->link, "WATCH queue:%u", key);
    if (!link_ask(t->link, &r, "LINDEX queue:%u 0", key)
        || !link_read(t->link, &r)) {
        return false;
    }
    long long first = reply_as_number(&r);
    if (first < 0) {
        return link_ask(t->link, &r, "UNWATCH");
    }
    link_add(t->link, "MULTI");
    link_add(t->link, "LPOP queue:%u", key);
    link_add(t->link, "EXEC");
    t->at_risk = 1;
    if (!link_flush(t->link) || !link_read(t->link, &r)
        || !link_read(t->link, &r) || !link_read(t->link, &r)) {
        return false;
    }
    if (r.is_null) {
        return true;
    }
    if (r.type != '*' || !link_read(t->link, &r)) {
        return false;
    }
    if (reply_as_number(&r) != first) {
        check_fail(t->check, "saw %lld, took %lld", first, reply_as_number(&r));
    }
    taker_note(t, &r);
    return true;
}

static bool taker_step(struct taker *t, bool *leaves)
{
    if (dice_roll(&t->dice, 8) == 0) {
        return take_watched(t);
    }
    const struct way *w = taker_send(t);
    *leaves = dice_roll(&t->dice, 300) == 0;
    return w && !*leaves && taker_read(t, w);
}

/* Until it is killed, or leaves without waiting for a reply. */
static void taker_live(struct check *c, unsigned place, struct taker *t)
{
    struct queues *s = c->state;
    struct reply r;
    t->link = link_open(c);
    if (!t->link) {
        return;
    }
    link_forgive(t->link);
    if (link_ask(t->link, &r, "CLIENT ID")) {
        atomic_store(&s->id[place], r.number);
    }
    bool leaves = false;
    t->at_risk = 0;
    while (!check_is_over(c) && taker_step(t, &leaves)) {
        t->at_risk = 0;
        check_step(c);
    }
    atomic_fetch_add(&s->lost_max, t->at_risk);
    link_close(&t->link);
}

/* ---- who ends their waiting ---- */

static void disturb_until_over(struct check *c)
{
    static const char *const commands[] = {
        "CLIENT KILL ID %lld", "CLIENT UNBLOCK %lld",
        "CLIENT UNBLOCK %lld ERROR", "CLIENT UNBLOCK %lld TIMEOUT"};
    struct queues *s = c->state;
    struct dice dice = dice_make(2100);
    struct link *l = link_open(c);
    struct reply r;
    while (l && !check_is_over(c)) {
        long long id = atomic_load(&s->id[dice_roll(&dice, TAKERS)]);
        unsigned which = dice_roll(&dice, host_is_peer(c->host) ? 1 : 4);
        char text[COMMAND_BYTES_MAX];
        snprintf(text, sizeof(text), commands[which], id);
        sleep_ms(1 + dice_roll(&dice, 5));
        if (id != 0 && !link_ask(l, &r, "%s", text)) {
            break;
        }
        if (id != 0 && (r.type != ':' || r.number < 0 || r.number > 1)) {
            check_fail(c, "%s: %c%.80s", text, r.type, r.text);
        }
    }
    link_close(&l);
}

static void queues_run(struct check *c, unsigned thread)
{
    if (thread < PUSHERS) {
        push_until_over(c, thread);
        return;
    }
    if (thread == PUSHERS + TAKERS) {
        disturb_until_over(c);
        return;
    }
    struct taker t = {.check = c, .dice = dice_make(2200 + thread)};
    while (!check_is_over(c)) {
        taker_live(c, thread - PUSHERS, &t);
    }
}

/* ---- what is left ---- */

/* A connection that was just closed may still wait a little. */
static void verify_nobody_waits(struct check *c, struct link *l)
{
    int64_t end = now_ms() + DRAIN_MS_MAX;
    struct reply r;
    do {
        if (!link_ask(l, &r, "INFO clients")) {
            return;
        }
        if (strstr(r.text, "blocked_clients:0\r")) {
            return;
        }
        sleep_ms(20);
    } while (now_ms() < end);
    const char *line = strstr(r.text, "blocked_clients:");
    check_fail(c, "%.20s", line ? line : "no blocked_clients");
}

static void queues_verify(struct check *c)
{
    struct queues *s = c->state;
    struct link *l = link_open(c);
    struct taker t = {.check = c, .link = l};
    struct reply r;
    if (!l) {
        return;
    }
    verify_nobody_waits(c, l);
    for (unsigned i = 0; i < QUEUES; i++) {
        if (!link_ask(l, &r, "LRANGE queue:%u 0 -1", i)
            || !take_elements(&t, r.number)) {
            break;
        }
    }
    unsigned pushed = atomic_load(&s->next), lost = 0;
    for (unsigned i = 0; i < pushed; i++) {
        lost += atomic_load(&s->seen[i]) == 0;
    }
    if (lost > atomic_load(&s->lost_max)) {
        check_fail(c, "%u of %u elements are lost; %u may be", lost, pushed,
                   atomic_load(&s->lost_max));
    }
    link_close(&l);
}

const struct check_spec queue_checks[] = {
    {.name = "an element of a list is taken once",
     .thread_count = PUSHERS + TAKERS + 1,
     .state_bytes = sizeof(struct queues),
     .run = queues_run,
     .verify = queues_verify},
    {0},
};
