/* Tests of what stands before a command: the refusals and their exact texts. */
#include "fakes.h"
#include "tests.h"

static const struct house_options options = {.families = fake_families};

static const struct {
    const char *line, *reply;
} refused[] = {
    {"nosuch", "-ERR unknown command 'nosuch', with args beginning with: |"},
    {"nosuch a 'b c'",
     "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b c' |"},
    {"NoSuch ''",
     "-ERR unknown command 'NoSuch', with args beginning with: '' |"},
    {"''", "-ERR unknown command '', with args beginning with: |"},
    {"bad\\x0d\\x0aname",
     "-ERR unknown command 'bad  name', with args beginning with: |"},
    {"noop 1", "-ERR wrong number of arguments for 'noop' command|"},
    {"PUT a", "-ERR wrong number of arguments for 'put' command|"},
    {"put a b c", "-ERR wrong number of arguments for 'put' command|"},
    {"bump", "-ERR wrong number of arguments for 'bump' command|"},
    {"box", "-ERR wrong number of arguments for 'box' command|"},
    {"box what", "-ERR unknown subcommand 'what'. Try BOX HELP.|"},
    {"BOX What more", "-ERR unknown subcommand 'What'. Try BOX HELP.|"},
};

enum { REFUSED_COUNT = sizeof refused / sizeof refused[0] };

static void test_refusals(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        house_expect(&h, 0, refused[i].line, refused[i].reply);
    }
    house_expect_effects(&h, "");
    assert_int_equal(counter_get(&exec_stats(h.execs[0])->error_total),
                     REFUSED_COUNT);
    assert_int_equal(h.seats[0].session.command_count, 0);
    assert_null(h.seats[0].session.last_command);
    house_deinit(&h);
}

/* These names hold the bar that elsewhere stands for CR LF. */
static void test_refusals_of_subcommands(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_add(&h, 0, "box one 1");
    house_add(&h, 0, "box keyed");
    house_run(&h);
    assert_string_equal(
        (const char *)house_take(&h, 0).data,
        "-ERR wrong number of arguments for 'box|one' command\r\n"
        "-ERR wrong number of arguments for 'box|keyed' command\r\n");
    house_expect(&h, 0, "box one", "+OK|");
    house_expect(&h, 0, "Box KEYED k", "*1|$1|k|");
    house_deinit(&h);
}

/* What a client sends comes back shortened. */
static void test_long_unknown_command(void **state)
{
    (void)state;
    struct house h;
    static char line[5000];
    house_init(&h, &options);
    memset(line, 'x', 1000);
    line[1000] = ' ';
    memset(line + 1001, 'y', 3000);
    house_add(&h, 0, line);
    house_add(&h, 0, "nosuch a b c d e f g h i j k l m n o p q r s t u v w x y "
                     "z a b c d e f g h i j k l m n o p q r s t u v w x y z");
    memcpy(line, "box ", 4);
    house_add(&h, 0, line);
    house_run(&h);
    struct slice got = house_take(&h, 0);
    assert_true(got.len < 1000);
    unsigned lines = 0;
    for (size_t i = 0; i < got.len; i++) {
        lines += got.data[i] == '\n';
    }
    assert_int_equal(lines, 3);
    house_deinit(&h);
}

static void test_authentication_comes_first(void **state)
{
    (void)state;
    struct house h;
    static const char noauth[] = "-NOAUTH Authentication required.|";
    house_init(&h, &options);
    atomic_store(&h.shared.needs_auth, true);
    h.seats[0].session.is_authenticated = false;
    house_expect(&h, 0, "noop", noauth);
    house_expect(&h, 0, "nosuch", noauth);
    house_expect(&h, 0, "put a", noauth);
    house_expect(&h, 0, "box nosuch", noauth);
    house_expect(&h, 1, "noop", "+OK|");
    house_expect(&h, 0, "leave 1",
                 "-ERR wrong number of arguments for 'leave' command|");
    house_expect(&h, 0, "leave", "+OK|");
    house_deinit(&h);
}

/* When the password is taken away, those who never showed it may go on, until
 * there is one again. */
static void test_password_taken_away(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    atomic_store(&h.shared.needs_auth, true);
    h.seats[0].session.is_authenticated = false;
    house_expect(&h, 0, "noop", "-NOAUTH Authentication required.|");
    atomic_store(&h.shared.needs_auth, false);
    house_expect(&h, 0, "noop", "+OK|");
    atomic_store(&h.shared.needs_auth, true);
    house_expect(&h, 0, "noop", "-NOAUTH Authentication required.|");
    house_deinit(&h);
}

static void test_monitor_keeps_off_keys(void **state)
{
    (void)state;
    struct house h;
    static const char refused_text[] =
        "-ERR Replica can't interact with the keyspace|";
    house_init(&h, &options);
    h.seats[0].session.is_monitor = true;
    house_expect(&h, 0, "put a 1", refused_text);
    house_expect(&h, 0, "fetch a", refused_text);
    house_expect(&h, 0, "noop", "+OK|");
    house_expect(&h, 1, "put a 1", "+OK|");
    house_deinit(&h);
}

static void test_full_memory(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "put a 1", "+OK|");
    atomic_store(&h.shared.is_memory_full, true);
    house_expect(&h, 0, "put a 2", "-OOM command not allowed when used memory "
                                   "> 'maxmemory'.|");
    house_expect(&h, 0, "fetch a", "$1|1|");
    house_expect(&h, 0, "bump a", ":2|"); /* not refused for memory */
    house_expect(&h, 0, "put a",
                 "-ERR wrong number of arguments for 'put' command|");
    atomic_store(&h.shared.is_memory_full, false);
    house_expect(&h, 0, "put a 2", "+OK|");
    house_deinit(&h);
}

/* A browser that was made to speak to us hears nothing, nor does what follows
 * in its request run. */
static void test_http_is_cut_off(void **state)
{
    (void)state;
    struct house h;
    static const char *const words[] = {"POST / HTTP/1.1", "Host: here",
                                        "host: x"};
    for (size_t i = 0; i < 3; i++) {
        house_init(&h, &options);
        house_add(&h, 0, words[i]);
        house_add(&h, 0, "put a 1");
        house_run(&h);
        house_expect_reply(&h, 0, "");
        assert_true(h.seats[0].session.is_http);
        assert_true(h.seats[0].session.close_after_reply);
        house_expect(&h, 1, "fetch a", "$-1|");
        house_deinit(&h);
    }
}

static void test_nothing_runs_after_leaving(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_add(&h, 0, "put a 1");
    house_add(&h, 0, "leave");
    house_add(&h, 0, "put a 2");
    house_add(&h, 1, "fetch a");
    house_run(&h);
    house_expect_reply(&h, 0, "+OK|+OK|");
    house_expect_reply(&h, 1, "$1|1|");
    house_deinit(&h);
}

int test_checks_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_of_subcommands),
        cmocka_unit_test(test_long_unknown_command),
        cmocka_unit_test(test_authentication_comes_first),
        cmocka_unit_test(test_password_taken_away),
        cmocka_unit_test(test_monitor_keeps_off_keys),
        cmocka_unit_test(test_full_memory),
        cmocka_unit_test(test_http_is_cut_off),
        cmocka_unit_test(test_nothing_runs_after_leaving),
    };
    return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
