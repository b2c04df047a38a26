/* Draws by chance: which counts the three commands take, and where a reply ends
 * in which elements may come again. */
#include <stdio.h>

#include "commands/sample.h"
#include "tests.h"

#define RANGE \
    "-ERR value is out of range, value must between -9223372036854775807 " \
    "and 9223372036854775807|"
#define TOO_MANY "-ERR value is out of range|"

static const struct step count_steps[] = {
    {"SADD s a", ":1|", "SADD s a", "ssadd s"},
    {"HSET h a 1", ":1|", "HSET h a 1", "hhset h"},
    {"ZADD z 1 a", ":1|", "ZADD z 1 a", "zzadd z"},
    {"SRANDMEMBER none -9223372036854775808", RANGE},
    {"HRANDFIELD none -9223372036854775808", RANGE},
    {"ZRANDMEMBER none -9223372036854775808", RANGE},
    {"SRANDMEMBER none -9223372036854775807", "*0|"},
    {"HRANDFIELD none -9223372036854775807", "*0|"},
    {"ZRANDMEMBER none -9223372036854775807", "*0|"},
    {"SRANDMEMBER s 9223372036854775807", "*1|$1|a|"},
    {"HRANDFIELD h 9223372036854775807", "*1|$1|a|"},
    {"ZRANDMEMBER z 9223372036854775807", "*1|$1|a|"},
    {"HRANDFIELD none -4611686018427387904 WITHVALUES", TOO_MANY},
    {"HRANDFIELD none 4611686018427387904 WITHVALUES", TOO_MANY},
    {"HRANDFIELD none -4611686018427387903 WITHVALUES", "*0|"},
    {"HRANDFIELD h 4611686018427387903 WITHVALUES", "*2|$1|a|$1|1|"},
    {"ZRANDMEMBER none -4611686018427387904 WITHSCORES", TOO_MANY},
    {"ZRANDMEMBER none 4611686018427387904 WITHSCORES", TOO_MANY},
    {"ZRANDMEMBER none -4611686018427387903 WITHSCORES", "*0|"},
    {"ZRANDMEMBER z 4611686018427387903 WITHSCORES", "*2|$1|a|$1|1|"},
};
SCRIPT_TEST(count)

static const char *const fill[] = {
    "SADD s a", "HSET h a 1", "ZADD z 1 a", "SADD many 1 2 3 4 5 6 7 8 9 b",
};
static const char *const repeats[] = {
    "SRANDMEMBER s -", "SRANDMEMBER many -", "HRANDFIELD h -",
    "ZRANDMEMBER z -",
};
enum { COMMANDS = sizeof repeats / sizeof *repeats };
#define LIMIT ((uint64_t)100000)

static void sample_house_init(struct house *h, struct house *replica)
{
    script_house_init(h, replica, 1);
    for (size_t i = 0; i < sizeof fill / sizeof *fill; i++) {
        house_add(h, 0, fill[i]);
    }
    house_run(h);
    (void)house_take(h, 0);
}

/* Runs it; what its reply has failed with and how long it became, after which the
 * seat's output is as it was. */
static uint8_t run_line(struct house *h, const char *line, size_t *bytes)
{
    struct chain *out = &h->seats[0].chain;
    house_add(h, 0, line);
    house_run(h);
    uint8_t failed = out->failed;
    *bytes = out->bytes;
    const _Atomic(uint64_t) *bytes_max = out->bytes_max;
    chain_deinit(out);
    chain_init(out, &h->seats[0].pool);
    out->bytes_max = bytes_max;
    return failed;
}

static uint8_t run_repeats(struct house *h, const char *command,
                           uint64_t count, size_t *bytes)
{
    char line[128];
    snprintf(line, sizeof line, "%s%llu", command, (unsigned long long)count);
    return run_line(h, line, bytes);
}

/* 7 bytes an element: those that fit, those that turn out not to, and those of
 * which that is known beforehand. */
static void replies_end_at_the_limit(void **state)
{
    static const _Atomic(uint64_t) bytes_max = LIMIT;
    struct house h, replica;
    size_t bytes;
    (void)state;
    sample_house_init(&h, &replica);
    h.seats[0].chain.bytes_max = &bytes_max;
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(run_repeats(&h, repeats[i], LIMIT / 8, &bytes),
                         CHAIN_SOUND);
        assert_in_range(bytes, LIMIT / 8 * 7, LIMIT);
        assert_int_equal(run_repeats(&h, repeats[i], LIMIT / 6 - 100, &bytes),
                         CHAIN_TOO_LONG);
        assert_in_range(bytes, LIMIT - CHUNK_BYTES, LIMIT + 64);
        assert_int_equal(run_repeats(&h, repeats[i], LIMIT / 6 + 1, &bytes),
                         CHAIN_TOO_LONG);
        assert_int_equal(bytes, 0);
        assert_int_equal(run_repeats(&h, repeats[i], INT64_MAX, &bytes),
                         CHAIN_TOO_LONG);
        assert_int_equal(bytes, 0);
    }
    script_house_deinit(&h, &replica);
}

/* Without a limit there is one all the same. */
static void replies_have_a_limit_of_their_own(void **state)
{
    struct house h, replica;
    size_t bytes;
    (void)state;
    sample_house_init(&h, &replica);
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(run_repeats(&h, repeats[i], LIMIT, &bytes),
                         CHAIN_SOUND);
        assert_in_range(bytes, LIMIT * 7, LIMIT * 7 + 64);
        assert_int_equal(run_repeats(&h, repeats[i],
                                     SAMPLE_REPLY_BYTES_MAX / 6 + 1, &bytes),
                         CHAIN_TOO_LONG);
        assert_int_equal(bytes, 0);
    }
    script_house_deinit(&h, &replica);
}

/* Nobody is to see them, so none are made. */
static void muted_replies_end_at_once(void **state)
{
    struct house h, replica;
    size_t bytes;
    (void)state;
    sample_house_init(&h, &replica);
    h.seats[0].session.reply_off = true;
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(run_repeats(&h, repeats[i], INT64_MAX, &bytes),
                         CHAIN_SOUND);
        assert_int_equal(bytes, 0);
    }
    h.seats[0].session.reply_off = false;
    house_expect(&h, 0, "SRANDMEMBER s", "$1|a|");
    script_house_deinit(&h, &replica);
}

/* The rest of a transaction runs, though nobody will hear of it. */
static void transactions_run_on(void **state)
{
    static const _Atomic(uint64_t) bytes_max = LIMIT;
    struct house h, replica;
    size_t bytes;
    (void)state;
    sample_house_init(&h, &replica);
    h.seats[0].chain.bytes_max = &bytes_max;
    for (int i = 0; i < COMMANDS; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s16000", repeats[i]);
        house_expect(&h, 0, "MULTI", OK);
        house_expect(&h, 0, "SADD before 1", "+QUEUED|");
        house_expect(&h, 0, line, "+QUEUED|");
        house_expect(&h, 0, line, "+QUEUED|");
        house_expect(&h, 0, "SADD behind 1", "+QUEUED|");
        assert_int_equal(run_line(&h, "EXEC", &bytes), CHAIN_TOO_LONG);
        assert_true(bytes <= LIMIT + 64);
        house_expect(&h, 0, "DEL before behind", ":2|");
    }
    script_house_deinit(&h, &replica);
}

int test_sample_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(replies_end_at_the_limit),
        cmocka_unit_test(replies_have_a_limit_of_their_own),
        cmocka_unit_test(muted_replies_end_at_once),
        cmocka_unit_test(transactions_run_on),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
