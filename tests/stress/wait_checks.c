/* wait_checks: nobody who waits is forgotten, and who no longer waits is not
 * served. */
#include <stdio.h>
#include <string.h>

#include "stress.h"

/* ---- a token in a ring: each waits without a limit for the one before ---- */

enum { RING = 5, PATIENCE_MS = 10000 };

static void ring_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    if (l) {
        link_ask(l, &r, "RPUSH ring:0 token");
    }
    link_close(&l);
}

/* All that makes a list may end somebody's waiting. How many replies. */
static unsigned ring_pass(struct link *l, struct dice *d, unsigned from)
{
    unsigned to = (from + 1) % RING;
    switch (dice_roll(d, 6)) {
    case 0: link_add(l, "RPUSH ring:%u token", to); return 1;
    case 1: link_add(l, "LPUSH ring:%u token", to); return 1;
    case 2:
        link_add(l, "MULTI");
        link_add(l, "RPUSH ring:%u token", to);
        link_add(l, "SET ring:note:%u x", from);
        link_add(l, "EXEC");
        return 6;
    case 3:
        link_add(l, "RPUSH ring:own:%u token", from);
        link_add(l, "RENAME ring:own:%u ring:%u", from, to);
        return 2;
    case 4:
        link_add(l, "RPUSH ring:own:%u token", from);
        link_add(l, "SORT ring:own:%u ALPHA STORE ring:%u", from, to);
        link_add(l, "DEL ring:own:%u", from);
        return 3;
    default:
        link_add(l, "RPUSH ring:own:%u token", from);
        link_add(l, "LMOVE ring:own:%u ring:%u LEFT RIGHT", from, to);
        return 2;
    }
}

static bool ring_read(struct link *l, unsigned count)
{
    struct reply r;
    for (; count > 0; count--) {
        if (!link_read(l, &r)) {
            return false;
        }
    }
    return true;
}

static bool ring_wait(struct check *c, struct link *l, struct dice *d,
                      unsigned place)
{
    struct reply r;
    switch (dice_roll(d, 3)) {
    case 0:
        return link_ask(l, &r, "BLPOP ring:none ring:%u 0", place)
               && r.number == 2 && ring_read(l, 2);
    case 1:
        return link_ask(l, &r, "BLMPOP 0 1 ring:%u RIGHT COUNT 5", place)
               && ring_read(l, 3);
    default:
        if (!link_ask(l, &r, "BRPOP ring:%u 0", place) || !ring_read(l, 1)
            || !link_read(l, &r)) {
            return false;
        }
        if (strcmp(r.text, "token") != 0) {
            check_fail(c, "got %.40s", r.text);
        }
        return true;
    }
}

/* Who finds that it is over passes the token on, so that the next does too. */
static void ring_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(2300 + thread);
    struct link *l = link_open(c);
    for (bool is_over = false; l && !is_over;) {
        if (dice_roll(&dice, 4) == 0) {
            struct reply r;
            if (!link_ask(l, &r, "BLMOVE ring:%u ring:%u LEFT RIGHT 0", thread,
                          (thread + 1) % RING)) {
                break;
            }
            is_over = check_is_over(c);
        } else {
            if (!ring_wait(c, l, &dice, thread)) {
                break;
            }
            is_over = check_is_over(c);
            unsigned replies = ring_pass(l, &dice, thread);
            if (!link_flush(l) || !ring_read(l, replies)) {
                break;
            }
        }
        check_step(c);
    }
    link_close(&l);
}

static void ring_verify(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    long long count = 0;
    for (unsigned i = 0; l && i < RING; i++) {
        count += link_ask(l, &r, "LLEN ring:%u", i) ? r.number : 0;
    }
    if (count != 1) {
        check_fail(c, "%lld tokens at the end", count);
    }
    link_close(&l);
}

/* ---- who was killed, unblocked, or has had enough takes nothing ---- */

static bool list_says(struct link *l, long long id, const char *what, bool says)
{
    struct reply r;
    for (unsigned i = 0; i < PATIENCE_MS; i++) {
        if (!link_ask(l, &r, "CLIENT LIST ID %lld", id)) {
            return false;
        }
        if ((strstr(r.text, what) != NULL) == says) {
            return true;
        }
        sleep_ms(1);
    }
    return false;
}

/* A session that is only paused is shown like one that waits, but there is
 * nothing to unblock yet. */
static bool unblock(struct link *admin, long long id)
{
    struct reply r;
    for (unsigned i = 0; i < PATIENCE_MS; i++) {
        if (!link_ask(admin, &r, "CLIENT UNBLOCK %lld ERROR", id)) {
            return false;
        }
        if (r.number == 1) {
            return true;
        }
        sleep_ms(1);
    }
    return false;
}

enum leave { LEAVE_KILLED, LEAVE_CLOSES, LEAVE_UNBLOCKED, LEAVE_WAYS };

/* True once the victim no longer waits, as far as anybody can know. */
static bool end_waiting(struct link *admin, struct link **victim, long long id,
                        enum leave how)
{
    struct reply r;
    switch (how) {
    case LEAVE_KILLED:
        return link_ask(admin, &r, "CLIENT KILL ID %lld", id) && r.number == 1;
    case LEAVE_UNBLOCKED: return unblock(admin, id);
    default: link_close(victim); return list_says(admin, id, "id=", false);
    }
}

static bool leaver_turn(struct check *c, struct link *admin,
                        struct link **victim, unsigned thread, enum leave how)
{
    static const char *const ends[] = {"killed", "gone", "unblocked"};
    struct reply r;
    link_forgive(*victim);
    if (!link_ask(*victim, &r, "CLIENT ID")) {
        return false;
    }
    long long id = r.number;
    link_add(*victim, "BLPOP left:%u 0", thread);
    if (!link_flush(*victim) || !list_says(admin, id, " flags=b ", true)) {
        check_fail(c, "CLIENT LIST does not show that it waits");
        return false;
    }
    if (!end_waiting(admin, victim, id, how)) {
        check_fail(c, "one was not %s", ends[how]);
        return false;
    }
    link_add(admin, "RPUSH left:%u x", thread);
    if (!link_ask(admin, &r, "LPOP left:%u", thread) || r.number != 1
        || !link_read(admin, &r)) {
        return false;
    }
    if (r.is_null) {
        check_fail(c, "one who was %s took an element", ends[how]);
    }
    return true;
}

static void leavers_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(2400 + thread);
    struct link *admin = link_open(c);
    unsigned way_count = host_is_peer(c->host) ? LEAVE_UNBLOCKED : LEAVE_WAYS;
    while (admin && !check_is_over(c)) {
        struct link *victim = link_open(c);
        bool goes_on = victim
                       && leaver_turn(c, admin, &victim, thread,
                                      (enum leave)dice_roll(&dice, way_count));
        link_close(&victim);
        if (!goes_on) {
            break;
        }
        check_step(c);
    }
    link_close(&admin);
}

const struct check_spec wait_checks[] = {
    {.name = "a token is passed around by who waits for it",
     .thread_count = RING,
     .prepare = ring_prepare,
     .run = ring_run,
     .verify = ring_verify},
    {.name = "who no longer waits takes nothing",
     .thread_count = 2,
     .run = leavers_run},
    {0},
};
