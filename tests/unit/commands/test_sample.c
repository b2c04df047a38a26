/* Draws by chance: which counts the three commands take, and the bound of a
 * reply in which elements may come again. */
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
    {"SRANDMEMBER s -9223372036854775807", TOO_MANY},
    {"HRANDFIELD h -9223372036854775807", TOO_MANY},
    {"ZRANDMEMBER z -9223372036854775807", TOO_MANY},
    {"HRANDFIELD h -4611686018427387903 WITHVALUES", TOO_MANY},
    {"ZRANDMEMBER z -4611686018427387903 WITHSCORES", TOO_MANY},
};
SCRIPT_TEST(count)

/* What the reply held before does not count. */
static void replies_are_bounded(void **state)
{
    const size_t before = 100;
    struct chain out = {.bytes = before + SAMPLE_REPLY_BYTES_MAX};
    struct reply reply = {.out = &out};
    struct cmd_ctx c = {.reply = &reply};
    (void)state;
    assert_true(sample_goes_on(&c, before));
    assert_false(out.failed);
    out.bytes++;
    assert_false(sample_goes_on(&c, before));
    assert_true(out.failed);
}

int test_sample_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(replies_are_bounded),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
