/* chaos_checks: sessions that come and go as they please, keys that fall due,
 * an administrator who looks at everything; nobody else may notice. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stress.h"

/* ---- connections that come and go ---- */

static void leave_with_reset(struct link *l)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(link_socket(l), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

static bool guest_is_closed(struct link *l)
{
    struct reply r;
    for (unsigned i = 0; i < 1000; i++) {
        if (!link_read(l, &r)) {
            return true;
        }
    }
    return false;
}

/* Half a request, or several commands whose replies nobody reads. */
static void guest_leaves_early(struct link *l, struct dice *dice)
{
    static const char half[] = "*3\r\n$3\r\nSET\r\n$5\r\nguest\r\n$100\r\nabc";
    for (unsigned i = dice_roll(dice, 300); i > 0; i--) {
        link_add(l, "SET guest:%u %u", dice_roll(dice, 100), i);
        link_add(l, "GET guest:%u", dice_roll(dice, 100));
    }
    link_add_bytes(l, half, 1 + dice_roll(dice, sizeof(half) - 1));
    link_flush(l);
    if (dice_roll(dice, 2)) {
        leave_with_reset(l);
    }
}

/* What is no protocol, or says goodbye: the server must close. */
static void guest_is_shown_out(struct check *c, struct link *l,
                               struct dice *dice)
{
    static const char *const lines[] = {
        "*x\r\n",          "*1\r\n$-5\r\n",       "*1\r\nPING\r\n",
        "GET \"a\r\n",     "POST / HTTP/1.1\r\n", "*1\r\n$4\r\nQUIT\r\n",
        "QUIT\r\nPING\r\n"};
    const char *line = lines[dice_roll(dice, sizeof(lines) / sizeof(lines[0]))];
    for (unsigned i = dice_roll(dice, 20); i > 0; i--) {
        link_add(l, "INCR guest:n");
    }
    link_add_bytes(l, line, strlen(line));
    if (link_flush(l) && !guest_is_closed(l)) {
        check_fail(c, "not closed after %s", line);
    }
}

static void guests_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(1400 + thread);
    struct reply r;
    while (!check_is_over(c)) {
        struct link *l = link_open(c);
        if (!l) {
            return;
        }
        link_forgive(l);
        switch (dice_roll(&dice, 4)) {
        case 0: break;
        case 1: guest_leaves_early(l, &dice); break;
        case 2: guest_is_shown_out(c, l, &dice); break;
        default:
            if (!link_ask(l, &r, "ECHO hello") || !r.text
                || strcmp(r.text, "hello") != 0) {
                check_fail(c, "a guest was not greeted");
            }
            break;
        }
        link_close(&l);
        check_step(c);
    }
}

/* ---- connections cut off: what was acknowledged was done, nothing twice ---- */

enum { VICTIMS = 2, VICTIM_BATCH = 10, VICTIM_LIFE_MAX = 60 };

struct kills {
    atomic_bool is_kill_known;
    atomic_llong id[VICTIMS]; /* of the victim's connection; 0: none */
    atomic_llong sent[VICTIMS], acknowledged[VICTIMS];
};

/* Without CLIENT KILL the victims are cut off by themselves alone. */
static void kills_prepare(struct check *c)
{
    struct kills *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    if (l) {
        link_forgive(l);
        bool is_answered = link_ask(l, &r, "CLIENT KILL ID 999999999");
        atomic_store(&s->is_kill_known, is_answered && r.type == ':');
    }
    link_close(&l);
}

/* Counts until it is killed, or cuts its connection off with replies unread. */
static void victim_live(struct check *c, unsigned thread, struct dice *dice)
{
    struct kills *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    if (!l) {
        return;
    }
    link_forgive(l);
    if (!link_ask(l, &r, "CLIENT ID") || r.type != ':') {
        check_fail(c, "no CLIENT ID");
    }
    atomic_store(&s->id[thread], r.number);
    unsigned life = 1 + dice_roll(dice, VICTIM_LIFE_MAX);
    for (bool is_up = true; is_up && !check_is_over(c); life--) {
        for (unsigned i = 0; i < VICTIM_BATCH; i++) {
            link_add(l, "INCR victim:%u", thread);
        }
        atomic_fetch_add(&s->sent[thread], VICTIM_BATCH);
        is_up = link_flush(l);
        if (life == 0) {
            leave_with_reset(l);
            break;
        }
        for (unsigned i = 0; i < VICTIM_BATCH && is_up; i++) {
            is_up = link_read(l, &r);
            atomic_fetch_add(&s->acknowledged[thread], is_up);
        }
        check_step(c);
    }
    link_close(&l);
}

static void killer_live(struct check *c)
{
    struct kills *s = c->state;
    struct dice dice = dice_make(1500);
    struct link *l = link_open(c);
    struct reply r;
    if (!l) {
        return;
    }
    while (!check_is_over(c) && atomic_load(&s->is_kill_known)) {
        unsigned victim = dice_roll(&dice, VICTIMS);
        long long id = atomic_exchange(&s->id[victim], 0);
        if (id == 0) {
            sleep_ms(1);
            continue;
        }
        sleep_ms(dice_roll(&dice, 10));
        /* 0: it has gone by itself. */
        if (!link_ask(l, &r, "CLIENT KILL ID %lld", id)) {
            break;
        }
        if (r.number < 0 || r.number > 1) {
            check_fail(c, "killed %lld", r.number);
        }
    }
    link_close(&l);
}

static void kills_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(1450 + thread);
    if (thread == VICTIMS) {
        killer_live(c);
        return;
    }
    while (!check_is_over(c)) {
        victim_live(c, thread, &dice);
    }
}

static void kills_verify(struct check *c)
{
    struct kills *s = c->state;
    struct link *l = link_open(c);
    struct reply r;
    for (unsigned i = 0; l && i < VICTIMS; i++) {
        if (!link_ask(l, &r, "INCRBY victim:%u 0", i)) {
            break;
        }
        long long least = atomic_load(&s->acknowledged[i]);
        long long most = atomic_load(&s->sent[i]);
        if (r.number < least || r.number > most) {
            check_fail(c, "%lld acknowledged, %lld sent, but the count is %lld",
                       least, most, r.number);
        }
    }
    link_close(&l);
}

/* ---- short deadlines ---- */

enum { DB_DUE = 13, DUE_KEYS = 300, DUE_MS_MAX = 40 };

static void due_command(struct link *l, struct dice *dice)
{
    unsigned key = dice_roll(dice, DUE_KEYS);
    unsigned ms = 1 + dice_roll(dice, DUE_MS_MAX);
    switch (dice_roll(dice, 8)) {
    case 0: link_add(l, "SET due:%u %u PX %u", key, key, ms); break;
    case 1: link_add(l, "PSETEX due:%u %u %u", key, ms, key); break;
    case 2: link_add(l, "PEXPIRE due:%u %u", key, ms); break;
    case 3: link_add(l, "GETEX due:%u PX %u", key, ms); break;
    case 4: link_add(l, "GET due:%u", key); break;
    case 5: link_add(l, "PTTL due:%u", key); break;
    case 6: link_add(l, "GETDEL due:%u", key); break;
    default: link_add(l, "SET due:%u %u PX %u NX", key, key, ms); break;
    }
}

/* A key that was set with a deadline is there before it and gone after it. */
static bool due_probe(struct check *c, struct link *l, unsigned thread)
{
    enum { MS = 5 };
    struct reply r;
    if (!link_ask(l, &r, "SET probe:%u x PX %d", thread, MS)) {
        return false;
    }
    int64_t answered = now_ms();
    sleep_ms(MS + 2);
    if (!link_ask(l, &r, "GET probe:%u", thread)) {
        return false;
    }
    if (!r.is_null && now_ms() > answered + MS) {
        check_fail(c, "seen after its time");
    }
    return true;
}

static void due_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(1600 + thread);
    struct link *l = link_open(c);
    struct reply r;
    if (!l || !link_ask(l, &r, "SELECT %d", DB_DUE)) {
        link_close(&l);
        return;
    }
    while (!check_is_over(c)) {
        unsigned count = 1 + dice_roll(&dice, 60);
        for (unsigned i = 0; i < count; i++) {
            due_command(l, &dice);
        }
        if (!link_flush(l)) {
            break;
        }
        unsigned read_count = 0;
        while (read_count < count && link_read(l, &r)) {
            read_count++;
            check_step(c);
        }
        if (read_count < count || !due_probe(c, l, thread)) {
            break;
        }
    }
    link_close(&l);
}

/* Nothing of it may be left soon after, though nobody looks at the keys. */
static void due_verify(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    if (!l || !link_ask(l, &r, "SELECT %d", DB_DUE)) {
        link_close(&l);
        return;
    }
    int64_t end = now_ms() + 15000;
    long long left = -1;
    while (left != 0 && now_ms() < end && link_ask(l, &r, "DBSIZE")) {
        left = r.number;
        sleep_ms(20);
    }
    if (left != 0) {
        check_fail(c, "%lld keys are still there", left);
    }
    link_close(&l);
}

/* ---- SCAN while the keyspace grows and shrinks ---- */

enum { DB_SCANNED = 14, STAY_KEYS = 1000, COME_KEYS = 4000, BATCH = 100 };

static void scan_fill(struct link *l, const char *command, const char *prefix,
                      unsigned count, const char *value)
{
    struct reply r;
    for (unsigned i = 0; i < count; i += BATCH) {
        for (unsigned k = i; k < i + BATCH; k++) {
            link_add(l, "%s %s:%u %s", command, prefix, k, value);
        }
        if (!link_flush(l)) {
            return;
        }
        for (unsigned k = 0; k < BATCH; k++) {
            if (!link_read(l, &r)) {
                return;
            }
        }
    }
}

static void scan_prepare(struct check *c)
{
    struct link *l = link_open(c);
    struct reply r;
    if (l && link_ask(l, &r, "SELECT %d", DB_SCANNED)) {
        scan_fill(l, "SET", "stay", STAY_KEYS, "x");
    }
    link_close(&l);
}

/* One step; the cursor is moved on. */
static bool scan_step(struct check *c, struct link *l, char *cursor, size_t cap,
                      bool *seen)
{
    struct reply r;
    if (!link_ask(l, &r, "SCAN %s COUNT 50", cursor) || r.number != 2
        || !link_read(l, &r)) {
        return false;
    }
    snprintf(cursor, cap, "%s", r.text);
    if (!link_read(l, &r)) {
        return false;
    }
    for (long long left = r.number; left > 0; left--) {
        unsigned key;
        if (!link_read(l, &r)) {
            return false;
        }
        if (sscanf(r.text, "stay:%u", &key) == 1 && key < STAY_KEYS) {
            seen[key] = true;
        } else if (strncmp(r.text, "come:", 5) != 0) {
            check_fail(c, "a key that never was: %.40s", r.text);
        }
    }
    return true;
}

static void scan_watch(struct check *c, struct link *l)
{
    while (!check_is_over(c)) {
        bool seen[STAY_KEYS] = {false};
        char cursor[32] = "0";
        do {
            if (!scan_step(c, l, cursor, sizeof(cursor), seen)) {
                return;
            }
        } while (strcmp(cursor, "0") != 0 && !check_is_over(c));
        for (unsigned i = 0; i < STAY_KEYS && strcmp(cursor, "0") == 0; i++) {
            if (!seen[i]) {
                check_fail(c, "stay:%u was not returned", i);
                break;
            }
        }
        check_step(c);
    }
}

static void scan_run(struct check *c, unsigned thread)
{
    struct link *l = link_open(c);
    struct reply r;
    if (l && link_ask(l, &r, "SELECT %d", DB_SCANNED)) {
        if (thread == 0) {
            while (!check_is_over(c)) {
                scan_fill(l, "SET", "come", COME_KEYS, "x");
                scan_fill(l, "DEL", "come", COME_KEYS, "");
            }
        } else {
            scan_watch(c, l);
        }
    }
    link_close(&l);
}

/* ---- the administrator ---- */

static void admin_run(struct check *c, unsigned thread)
{
    static const char *const commands[] = {"INFO",
                                           "INFO memory",
                                           "INFO keyspace",
                                           "INFO stats",
                                           "CLIENT LIST",
                                           "CLIENT INFO",
                                           "DBSIZE",
                                           "RANDOMKEY",
                                           "CONFIG SET timeout 0",
                                           "CONFIG SET timeout 1000",
                                           "CONFIG SET maxclients 5000",
                                           "CONFIG RESETSTAT",
                                           "COMMAND COUNT",
                                           "TYPE counter:0",
                                           "TTL counter:0",
                                           "CLIENT SETNAME admin",
                                           "PING"};
    struct dice dice = dice_make(1700 + thread);
    struct link *l = link_open(c);
    struct reply r;
    while (l && !check_is_over(c)) {
        unsigned which = dice_roll(&dice,
                                   sizeof(commands) / sizeof(commands[0]));
        if (!link_ask(l, &r, "%s", commands[which])) {
            break;
        }
        check_step(c);
        sleep_ms(2);
    }
    link_close(&l);
}

const struct check_spec chaos_checks[] = {
    {.name = "guests come and go", .thread_count = 3, .run = guests_run},
    {.name = "a connection cut off undoes and doubles nothing",
     .thread_count = VICTIMS + 1,
     .state_bytes = sizeof(struct kills),
     .prepare = kills_prepare,
     .run = kills_run,
     .verify = kills_verify},
    {.name = "short deadlines are kept",
     .thread_count = 2,
     .run = due_run,
     .verify = due_verify},
    {.name = "SCAN misses nothing that stays",
     .thread_count = 3,
     .prepare = scan_prepare,
     .run = scan_run},
    {.name = "the administrator looks at everything",
     .thread_count = 1,
     .run = admin_run},
    {0},
};
