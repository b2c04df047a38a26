/* Four workers add coins to purses, take them, wait for them, hand them on, and
 * give waiting up, all at once: in the end no coin is lost or doubled and nobody
 * is forgotten. Two accounts that transactions keep equal are seen equal by
 * all. */
#include <stdio.h>

#include "fakes.h"
#include "sync/thread.h"
#include "tests.h"

enum { WORKERS = 4, SHARDS = 8, TURNS = 6000, PATIENCE = 20 };

struct player {
    struct house *h;
    uint32_t seat;
    struct barrier *start;
    struct random random;
    uint64_t added, taken, broken, waits;
    int held_turns;
};

static struct session *session_of(struct player *p)
{
    return &p->h->seats[p->seat].session;
}

static void add(struct player *p, const char *words[], uint32_t argc)
{
    struct slice argv[8];
    for (uint32_t i = 0; i < argc; i++) {
        argv[i] = slice_of_text(words[i]);
    }
    struct exec *x = p->h->execs[p->seat];
    exec_add(x, session_of(p), argv, argc);
    exec_run(x);
}

/* Every answer: "$..." to TAKE is a coin, "*2 :n :n" to EXEC must be equal. */
static void read_answers(struct player *p)
{
    struct chain *c = &p->h->seats[p->seat].chain;
    char text[4096];
    size_t len = 0;
    for (const struct chunk *k = c->head; k != NULL; k = k->next) {
        assert_true(len + k->len < sizeof text);
        memcpy(text + len, k->data, k->len);
        len += k->len;
    }
    text[len] = 0;
    /* Of the first chunk a part may have been taken; it never has been here. */
    assert_int_equal(c->head_sent, 0);
    chain_consume(c, c->bytes);
    for (const char *at = strstr(text, "$5"); at != NULL;
         at = strstr(at + 2, "$5")) {
        p->taken++;
    }
    const char *sums = strstr(text, "*2\r\n:");
    if (sums != NULL) {
        long a = 0, b = 0;
        p->broken += sscanf(sums, "*2\r\n:%ld\r\n:%ld\r\n", &a, &b) != 2
                     || a != b;
    }
    p->broken += strstr(text, "-") != NULL && strstr(text, "$-1") == NULL
                 && strstr(text, "*-1") == NULL;
}

static const char *purse(struct player *p)
{
    static const char *const names[] = {"pursa", "pursb", "pursc", "pursd"};
    return names[random_below(&p->random, 4)];
}

static void play(struct player *p)
{
    const char *take[] = {"take", "0", purse(p), purse(p)};
    const char *hand[] = {"hand", "0", purse(p), purse(p)};
    const char *give[] = {"add", purse(p), "1"};
    const char *multi[] = {"multi"}, *exec[] = {"exec"};
    const char *left[] = {"bump", "left"}, *right[] = {"bump", "right"};
    const char *watch[] = {"watch", "left", "right"};
    switch (random_below(&p->random, 8)) {
    case 0:
    case 1:
    case 2:
        add(p, take, 4);
        break;
    case 3:
        add(p, hand, 4);
        break;
    case 4:
        add(p, watch, 3);
        add(p, multi, 1);
        add(p, left, 2);
        add(p, right, 2);
        add(p, exec, 1);
        break;
    default:
        p->added++;
        add(p, give, 3);
        break;
    }
}

static void run(void *arg)
{
    struct player *p = arg;
    struct exec *x = p->h->execs[p->seat];
    barrier_wait(p->start);
    for (int i = 0; i < TURNS; i++) {
        house_read_mail(p->h, p->seat);
        if (session_of(p)->hold == HOLD_NONE) {
            p->held_turns = 0;
            play(p);
            p->waits += session_of(p)->hold == HOLD_KEYS;
        } else if (++p->held_turns > PATIENCE) {
            (void)exec_unblock(x, session_of(p), UNBLOCK_TIMEOUT);
        }
        read_answers(p);
    }
    (void)exec_unblock(x, session_of(p), UNBLOCK_TIMEOUT);
    read_answers(p);
}

static uint64_t coins_left(struct house *h)
{
    uint64_t left = 0;
    static const char *const names[] = {"pursa", "pursb", "pursc", "pursd"};
    for (int i = 0; i < 4; i++) {
        int64_t v = 0;
        struct entry *e = house_find(h, 0, names[i]);
        left += e != NULL && string_get_int(e, &v) ? (uint64_t)v : 0;
    }
    return left;
}

static void test_no_coin_is_lost(void **state)
{
    (void)state;
    struct house h;
    struct player players[WORKERS];
    struct thread *threads[WORKERS];
    struct barrier start;
    const struct house_options o = {
        .families = fake_families, .shard_count = SHARDS,
        .worker_count = WORKERS, .is_silent = true,
    };
    uint64_t added = 0, taken = 0, waits = 0;
    house_init(&h, &o);
    barrier_init(&start, WORKERS);
    for (uint32_t i = 0; i < WORKERS; i++) {
        players[i] = (struct player){.h = &h, .seat = i, .start = &start};
        random_init(&players[i].random, i + 1);
        assert_int_equal(thread_start("player", run, &players[i], &threads[i]),
                         ST_OK);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        thread_join(&threads[i]);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        house_read_mail(&h, i); /* answers that were still on their way */
        read_answers(&players[i]);
        assert_int_equal(h.seats[i].session.hold, HOLD_NONE);
        assert_int_equal(players[i].broken, 0);
        added += players[i].added;
        taken += players[i].taken;
        waits += players[i].waits;
    }
    assert_true(waits > 0);
    assert_int_equal(added, taken + coins_left(&h));
    for (uint32_t i = 0; i < SHARDS; i++) {
        assert_false(interests_any(h.interests, i));
    }
    house_check(&h);
    house_deinit(&h);
}

int test_coins_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_coin_is_lost),
    };
    return cmocka_run_group_tests_name("coins", tests, NULL, NULL);
}
