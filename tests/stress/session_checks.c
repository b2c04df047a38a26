/* session_checks: what touches the sessions of all workers at once: CLIENT PAUSE,
 * after whose answer nothing is written, and MONITOR, to whom every session is
 * shown in its order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

/* ---- pauses ---- */

enum { PAUSE_MS = 60, PAUSE_SURE_MS = 50, PAUSED_BATCH = 20 };

/* While the pause surely lasts a counter that others drive stands still. */
static bool pause_once(struct check *c, struct link *l, bool is_ended_early)
{
    struct reply r;
    int64_t began = now_ms();
    if (!link_ask(l, &r, "CLIENT PAUSE %d WRITE", PAUSE_MS)
        || !link_ask(l, &r, "GET paused")) {
        return false;
    }
    long long first = reply_as_number(&r);
    sleep_ms(5);
    if (!link_ask(l, &r, "GET paused")) {
        return false;
    }
    if (now_ms() - began < PAUSE_SURE_MS && reply_as_number(&r) != first) {
        check_fail(c, "%lld became %lld in a pause", first,
                   reply_as_number(&r));
    }
    return !is_ended_early || link_ask(l, &r, "CLIENT UNPAUSE");
}

static void pauser_live(struct check *c)
{
    struct dice dice = dice_make(2100);
    struct link *l = link_open(c);
    while (l && !check_is_over(c) && pause_once(c, l, dice_roll(&dice, 2))) {
        check_step(c);
        sleep_ms(PAUSE_MS + dice_roll(&dice, 60));
    }
    link_close(&l);
}

static void pauses_run(struct check *c, unsigned thread)
{
    struct link *l;
    struct reply r;
    if (thread == 0) {
        pauser_live(c);
        return;
    }
    l = link_open(c);
    for (bool is_up = l != NULL; is_up && !check_is_over(c);) {
        for (unsigned i = 0; i < PAUSED_BATCH; i++) {
            link_add(l, "INCR paused");
        }
        is_up = link_flush(l);
        long long last = 0;
        for (unsigned i = 0; i < PAUSED_BATCH && is_up; i++) {
            is_up = link_read(l, &r);
            if (is_up && r.number <= last) {
                check_fail(c, "%lld after %lld", r.number, last);
            }
            last = r.number;
            check_step(c);
        }
    }
    link_close(&l);
}

/* ---- monitors ---- */

enum { SHOWN_WRITERS = 2, SHOWN_LINES_MAX = 3000 };

/* Lines of one writer are numbered; they may begin anywhere, and then none is
 * missing. */
static void monitor_watch(struct check *c, struct link *l, struct dice *dice)
{
    long long next[SHOWN_WRITERS] = {0};
    struct reply r;
    for (unsigned n = dice_roll(dice, SHOWN_LINES_MAX); n > 0; n--) {
        unsigned writer;
        long long number;
        if (check_is_over(c) || !link_read(l, &r)) {
            return;
        }
        const char *at = r.type == '+' ? strstr(r.text, "\"shown:") : NULL;
        if (!at || sscanf(at, "\"shown:%u:%lld\"", &writer, &number) != 2
            || writer >= SHOWN_WRITERS) {
            continue;
        }
        if (next[writer] != 0 && number != next[writer]) {
            check_fail(c, "writer %u: %lld was shown, not %lld", writer, number,
                       next[writer]);
        }
        next[writer] = number + 1;
        check_step(c);
    }
}

static void monitor_live(struct check *c, struct dice *dice)
{
    struct link *l = link_open(c);
    struct reply r;
    if (!l) {
        return;
    }
    link_forgive(l); /* it may be too slow for the server's taste */
    if (!link_ask(l, &r, "MONITOR") || r.type != '+') {
        check_fail(c, "MONITOR was refused");
    }
    if (dice_roll(dice, 8)) {
        monitor_watch(c, l, dice);
    }
    link_close(&l);
}

static void monitors_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(2200 + thread);
    if (thread >= SHOWN_WRITERS) {
        while (!check_is_over(c)) {
            monitor_live(c, &dice);
        }
        return;
    }
    struct link *l = link_open(c);
    struct reply r;
    for (long long n = 1; l && !check_is_over(c); n++) {
        if (!link_ask(l, &r, "ECHO shown:%u:%lld", thread, n)) {
            break;
        }
    }
    link_close(&l);
}

const struct check_spec session_checks[] = {
    {.name = "pauses", .thread_count = 3, .run = pauses_run},
    {.name = "monitors", .thread_count = SHOWN_WRITERS + 2,
     .run = monitors_run},
    {.name = NULL},
};
