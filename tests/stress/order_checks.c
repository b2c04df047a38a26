/* order_checks: each session's replies come in the order of its commands, reflect
 * its own writes, and hold what was written. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

/* ---- pipelines on keys of one's own, against a model ---- */

enum {
    OWN_KEYS = 40,
    OWN_BATCH_MAX = 120,
    OWN_VALUE_MAX = 400,
    EXPECT_BYTES_MAX = OWN_VALUE_MAX + 32,
};

enum expect_kind { EXPECT_TEXT, EXPECT_NUMBER, EXPECT_NULL };

struct expect {
    enum expect_kind kind;
    long long number;
    char text[EXPECT_BYTES_MAX];
};

struct own {
    struct link *link;
    unsigned thread;
    struct dice dice;
    unsigned serial;
    char values[OWN_KEYS][OWN_VALUE_MAX + 1]; /* "": no such key */
    struct expect expected[OWN_BATCH_MAX];
};

static void expect_value(struct expect *e, const char *value)
{
    e->kind = value[0] ? EXPECT_TEXT : EXPECT_NULL;
    snprintf(e->text, sizeof(e->text), "%s", value);
}

static void expect_number(struct expect *e, long long number)
{
    e->kind = EXPECT_NUMBER;
    e->number = number;
}

static void own_append(struct own *o, unsigned key, struct expect *e)
{
    char *value = o->values[key];
    if (strlen(value) + 24 > OWN_VALUE_MAX) {
        link_add(o->link, "DEL own:%u:%u", o->thread, key);
        expect_number(e, value[0] != '\0');
        value[0] = '\0';
        return;
    }
    char part[24];
    snprintf(part, sizeof(part), "[%u]", o->serial);
    strcat(value, part);
    link_add(o->link, "APPEND own:%u:%u %s", o->thread, key, part);
    expect_number(e, (long long)strlen(value));
}

/* One random command, its reply foretold. */
static void own_command(struct own *o, struct expect *e)
{
    unsigned key = dice_roll(&o->dice, OWN_KEYS);
    char *value = o->values[key];
    o->serial++;
    switch (dice_roll(&o->dice, 7)) {
    case 0:
        link_add(o->link, "GET own:%u:%u", o->thread, key);
        expect_value(e, value);
        break;
    case 1:
        link_add(o->link, "SET own:%u:%u %u:%u", o->thread, key, key,
                 o->serial);
        snprintf(value, OWN_VALUE_MAX, "%u:%u", key, o->serial);
        expect_value(e, "OK");
        break;
    case 2: own_append(o, key, e); break;
    case 3:
        link_add(o->link, "STRLEN own:%u:%u", o->thread, key);
        expect_number(e, (long long)strlen(value));
        break;
    case 4:
        link_add(o->link, "GETSET own:%u:%u new%u", o->thread, key, o->serial);
        expect_value(e, value);
        snprintf(value, OWN_VALUE_MAX, "new%u", o->serial);
        break;
    case 5:
        link_add(o->link, "DEL own:%u:%u", o->thread, key);
        expect_number(e, value[0] != '\0');
        value[0] = '\0';
        break;
    default:
        link_add(o->link, "ECHO %u", o->serial);
        snprintf(e->text, sizeof(e->text), "%u", o->serial);
        e->kind = EXPECT_TEXT;
        break;
    }
}

static bool is_as_expected(const struct reply *r, const struct expect *e)
{
    switch (e->kind) {
    case EXPECT_NUMBER: return r->type == ':' && r->number == e->number;
    case EXPECT_NULL: return r->is_null;
    default:
        return !r->is_null && r->text && r->type != '-'
               && strcmp(r->text, e->text) == 0;
    }
}

static bool own_batch(struct check *c, struct own *o)
{
    struct reply r;
    unsigned count = 1 + dice_roll(&o->dice, OWN_BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        own_command(o, &o->expected[i]);
    }
    if (!link_flush(o->link)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!link_read(o->link, &r)) {
            return false;
        }
        const struct expect *e = &o->expected[i];
        if (!is_as_expected(&r, e)) {
            check_fail(c, "reply %u of %u: %c%.60s, not %s%lld", i, count,
                       r.type, r.text ? r.text : "(null)",
                       e->kind == EXPECT_NUMBER ? "" : e->text, e->number);
            return false;
        }
        check_step(c);
    }
    return true;
}

static void own_run(struct check *c, unsigned thread)
{
    struct own *o = calloc(1, sizeof(*o));
    assert(o);
    o->link = link_open(c);
    o->thread = thread;
    o->dice = dice_make(1000 + thread);
    while (o->link && !check_is_over(c) && own_batch(c, o)) {
        /* again */
    }
    link_close(&o->link);
    free(o);
}

/* ---- large values, overwritten while they are sent ---- */

enum { LARGE_KEYS = 4, LARGE_BYTES_MAX = 600000, LARGE_WRITERS = 2 };

static size_t large_len(char letter)
{
    return 1000 + (size_t)(letter - 'a') * (LARGE_BYTES_MAX / 26);
}

static void large_write(struct check *c, struct link *l, struct dice *dice)
{
    char *bytes = malloc(LARGE_BYTES_MAX);
    assert(bytes);
    while (!check_is_over(c)) {
        unsigned key = dice_roll(dice, LARGE_KEYS);
        if (dice_roll(dice, 8) == 0) {
            long long count;
            link_add(l, "DEL large:%u", key);
            if (!link_flush(l) || !link_read_number(l, &count)) {
                break;
            }
            continue;
        }
        char letter = (char)('a' + dice_roll(dice, 26));
        memset(bytes, letter, large_len(letter));
        link_add_value(l, bytes, large_len(letter), "SET large:%u", key);
        if (!link_flush(l) || !link_expect_ok(l)) {
            break;
        }
        check_step(c);
    }
    free(bytes);
}

static bool large_is_whole(const struct reply *r)
{
    char letter = r->text[0];
    if (letter < 'a' || letter > 'z' || r->len != large_len(letter)) {
        return false;
    }
    /* All bytes are the same when each equals the one before it. */
    return memcmp(r->text, r->text + 1, r->len - 1) == 0;
}

static void large_read(struct check *c, struct link *l, struct dice *dice)
{
    enum { AT_ONCE = 6 };
    struct reply r;
    while (!check_is_over(c)) {
        for (unsigned i = 0; i < AT_ONCE; i++) {
            link_add(l, "GET large:%u", dice_roll(dice, LARGE_KEYS));
        }
        if (!link_flush(l)) {
            return;
        }
        for (unsigned i = 0; i < AT_ONCE; i++) {
            if (!link_read(l, &r)) {
                return;
            }
            if (!r.is_null && !large_is_whole(&r)) {
                check_fail(c, "%zu bytes of '%c' are not whole", r.len,
                           r.text[0]);
            }
            check_step(c);
        }
    }
}

static void large_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(1100 + thread);
    struct link *l = link_open(c);
    if (l && thread < LARGE_WRITERS) {
        large_write(c, l, &dice);
    } else if (l) {
        large_read(c, l, &dice);
    }
    link_close(&l);
}

/* ---- requests in pieces, across packets ---- */

static void pieces_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(1200 + thread);
    struct link *l = link_open(c);
    struct reply r;
    unsigned serial = 0;
    while (l && !check_is_over(c)) {
        char request[128];
        char text[16];
        snprintf(text, sizeof(text), "%08u", serial++);
        int len = snprintf(request, sizeof(request),
                           "*2\r\n$4\r\nECHO\r\n$8\r\n%s\r\n"
                           "*2\r\n$4\r\nINCR\r\n$8\r\npieces:%u\r\n",
                           text, thread % 10);
        for (int at = 0; at < len;) {
            int size = 1 + (int)dice_roll(&dice, 30);
            size = size > len - at ? len - at : size;
            link_add_bytes(l, request + at, (size_t)size);
            if (!link_flush(l)) {
                link_close(&l);
                return;
            }
            at += size;
        }
        long long count;
        if (!link_read(l, &r)) {
            break;
        }
        if (r.is_null || strcmp(r.text, text) != 0) {
            check_fail(c, "echo of %s is %.40s", text,
                       r.text ? r.text : "null");
        }
        if (!link_read_number(l, &count)) {
            break;
        }
        if (count != serial) {
            check_fail(c, "count %lld, not %u", count, serial);
        }
        check_step(c);
    }
    link_close(&l);
}

/* ---- CLIENT REPLY: what is silenced stays silent, what is not comes ---- */

static void silence_run(struct check *c, unsigned thread)
{
    struct dice dice = dice_make(1300 + thread);
    struct link *l = link_open(c);
    struct reply r;
    unsigned serial = 0;
    long long count = 0;
    while (l && !check_is_over(c)) {
        unsigned silent = dice_roll(&dice, 30);
        bool is_skip = dice_roll(&dice, 2);
        if (!is_skip) {
            link_add(l, "CLIENT REPLY OFF");
        }
        for (unsigned i = 0; i < silent; i++) {
            if (is_skip) {
                link_add(l, "CLIENT REPLY SKIP");
            }
            link_add(l, "INCR silent:%u", thread);
        }
        if (!is_skip) {
            link_add(l, "CLIENT REPLY ON");
        }
        link_add(l, "INCR silent:%u", thread);
        link_add(l, "ECHO %u", ++serial);
        if (!link_flush(l) || (!is_skip && !link_expect_ok(l))) {
            break;
        }
        long long before = count;
        if (!link_read_number(l, &count) || !link_read(l, &r)) {
            break;
        }
        if (count != before + silent + 1 || reply_as_number(&r) != serial) {
            check_fail(c, "count %lld after %lld and %u silent", count, before,
                       silent);
            break;
        }
        check_step(c);
    }
    link_close(&l);
}

const struct check_spec order_checks[] = {
    {.name = "a session sees its own writes, in order",
     .thread_count = 3,
     .run = own_run},
    {.name = "large values are whole while they are overwritten",
     .thread_count = 4,
     .run = large_run},
    {.name = "requests in pieces are answered in order",
     .thread_count = 2,
     .run = pieces_run},
    {.name = "CLIENT REPLY silences what it says",
     .thread_count = 2,
     .run = silence_run},
    {0},
};
