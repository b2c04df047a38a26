/* Tests of the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/options.h"
#include "tests.h"

enum { ARGS_MAX = 32 };

/* Parses a line of words; what it wrote is in *said, to be freed. */
static enum options_outcome parse(struct options *o, const char *line,
                                  char **said)
{
    /* Options borrow from the words, so these outlive the test. */
    static char text[1024];
    static char *argv[ARGS_MAX + 1];
    int argc = 1;
    size_t size;
    FILE *out = open_memstream(said, &size);
    argv[0] = text;
    (void)snprintf(text, sizeof text, "engram-benchmark %s", line);
    for (char *p = strchr(text, ' '); p != NULL; p = strchr(p, ' ')) {
        *p++ = '\0';
        if (*p != '\0') {
            assert_true(argc < ARGS_MAX);
            argv[argc++] = p;
        }
    }
    enum options_outcome outcome = options_parse(o, argc, argv, out, out);
    fclose(out);
    return outcome;
}

static void runs(struct options *o, const char *line)
{
    char *said = NULL;
    assert_int_equal(parse(o, line, &said), OPTIONS_RUN);
    assert_string_equal(said, "");
    free(said);
}

static void is_refused(const char *line, const char *why)
{
    struct options o;
    char *said = NULL;
    assert_int_equal(parse(&o, line, &said), OPTIONS_REFUSED);
    if (strstr(said, why) == NULL) {
        fail_msg("\"%s\" was refused with: %s", line, said);
    }
    free(said);
}

static void the_defaults(void **state)
{
    (void)state;
    struct options o;
    runs(&o, "");
    assert_string_equal(o.host, "127.0.0.1");
    assert_int_equal(o.port, 6379);
    assert_int_equal(o.clients, 50);
    assert_int_equal(o.requests, 100000);
    assert_int_equal(o.threads, 1);
    assert_int_equal(o.pipeline, 1);
    assert_int_equal(o.keep_alive, 1);
    assert_int_equal(o.key_range, 0);
    assert_int_equal(o.seed, -1);
    assert_int_equal(sizes_largest(&o.sizes), 3);
    assert_int_equal(o.argc, 0);
}

static void options_of_redis_benchmark(void **state)
{
    (void)state;
    struct options o;
    runs(&o, "-h h -p 7 -s /s -a pw --user u -c 3 -n 9 -d 0 --dbnum 4");
    assert_string_equal(o.host, "h");
    assert_int_equal(o.port, 7);
    assert_string_equal(o.unix_path, "/s");
    assert_string_equal(o.user, "u");
    assert_string_equal(o.password, "pw");
    assert_int_equal(o.clients, 3);
    assert_int_equal(o.requests, 9);
    assert_int_equal(sizes_largest(&o.sizes), 0);
    assert_int_equal(o.db, 4);
    runs(&o, "-3 --threads 2 --cluster --enable-tracking -k 0 -r 5 -P 8 -q");
    assert_true(o.is_resp3);
    assert_int_equal(o.threads, 2);
    assert_true(o.is_cluster);
    assert_true(o.has_tracking);
    assert_int_equal(o.keep_alive, 0);
    assert_int_equal(o.key_range, 5);
    assert_int_equal(o.pipeline, 8);
    assert_true(o.is_quiet);
    runs(&o, "--precision 2 --csv -l -t set,get -I --seed 42 -u redis://x");
    assert_int_equal(o.precision, 2);
    assert_true(o.is_csv);
    assert_true(o.is_endless);
    assert_string_equal(o.tests, "set,get");
    assert_true(o.is_idle);
    assert_int_equal(o.seed, 42);
    assert_string_equal(o.url, "redis://x");
    runs(&o, "--tls --sni n --cacert a --cacertdir d --insecure --cert c");
    assert_true(o.has_tls);
    assert_true(o.is_insecure);
    assert_string_equal(o.sni, "n");
    assert_string_equal(o.ca_file, "a");
    assert_string_equal(o.ca_dir, "d");
    assert_string_equal(o.cert, "c");
    runs(&o, "--cluster --rfr no");
    assert_int_equal(o.readers, CLUSTER_PRIMARIES);
    runs(&o, "--cluster --rfr all");
    assert_int_equal(o.readers, CLUSTER_ALL);
    runs(&o, "--key k --tls-ciphers x --tls-ciphersuites y");
    assert_string_equal(o.key, "k");
    assert_string_equal(o.ciphers, "x");
    assert_string_equal(o.ciphersuites, "y");
}

static void options_of_our_own(void **state)
{
    (void)state;
    struct options o;
    runs(&o, "--rps 500 --ratio 9:1 -r 10 --key-dist zipf:1.2 --duration 2");
    assert_int_equal(o.rps, 500);
    assert_int_equal(o.reads, 9);
    assert_int_equal(o.writes, 1);
    assert_int_equal(o.key_order, KEYS_ZIPF);
    assert_true(o.theta > 1.19);
    assert_true(o.theta < 1.21);
    assert_int_equal(o.duration_s, 2);
    runs(&o, "-r 10 --key-dist zipf");
    assert_true(o.theta > 0.98);
    assert_true(o.theta < 1);
    runs(&o, "-r 10 --key-dist seq --verify --value-size 1-5,9:2");
    assert_int_equal(o.key_order, KEYS_SEQUENTIAL);
    assert_true(o.has_verify);
    assert_int_equal(sizes_largest(&o.sizes), 9);
    runs(&o, "--json - --compare h:1 --no-progress");
    assert_string_equal(o.json_path, "-");
    assert_string_equal(o.compare, "h:1");
    assert_true(o.is_silent_meanwhile);
}

static void a_command_ends_the_options(void **state)
{
    (void)state;
    struct options o;
    runs(&o, "-q -x set key -n 5");
    assert_true(o.takes_stdin);
    assert_int_equal(o.argc, 4);
    assert_string_equal(o.argv[0], "set");
    assert_string_equal(o.argv[2], "-n");
    assert_int_equal(o.requests, 100000);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    is_refused("--foo", "Invalid option \"--foo\"");
    is_refused("-n", "Invalid option \"-n\" or option argument missing");
    is_refused("-n abc", "-n: not a number");
    is_refused("-n 5x", "-n: not a number");
    is_refused("-n 99999999999999999999", "-n: not a number");
    is_refused("-n 0", "-n: must be 1 to");
    is_refused("-p 65536", "-p: must be 1 to 65535");
    is_refused("-c -1", "-c: must be");
    is_refused("-k 2", "-k: must be");
    is_refused("-r 1000000000001", "-r: must be");
    is_refused("--key-dist zopf", "--key-dist: neither");
    is_refused("--key-dist zipf:", "--key-dist: neither");
    is_refused("--key-dist zipf:0", "--key-dist: neither");
    is_refused("--key-dist zipf:nan", "--key-dist: neither");
    is_refused("--key-dist zipfx", "--key-dist: neither");
    is_refused("--ratio 1", "--ratio: not");
    is_refused("--ratio 0:0", "--ratio: not");
    is_refused("--ratio -1:2", "--ratio: not");
    is_refused("--ratio 1:-2", "--ratio: not");
    is_refused("--ratio 1:2x", "--ratio: not");
    is_refused("--value-size 9-1", "--value-size: neither");
    is_refused("--rfr some", "--rfr: neither");
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    is_refused("-x", "-x needs");
    is_refused("--ratio 1:1 get x", "--ratio and --verify");
    is_refused("--verify -r 5 -t set", "-t does not go");
    is_refused("--verify", "--verify needs -r");
    is_refused("--key-dist zipf", "--key-dist needs -r");
    is_refused("--rps 5 -k 0", "--rps does not go");
    is_refused("--compare h:1 -I", "--compare does not go");
    is_refused("--compare h:1 --cluster", "--compare does not go");
    is_refused("--verify -r 5 --cluster", "--verify does not go");
    is_refused("--user u", "--user needs -a");
}

static void help_and_version(void **state)
{
    (void)state;
    struct options o;
    char *said = NULL;
    assert_int_equal(parse(&o, "-q --help", &said), OPTIONS_DONE);
    assert_non_null(strstr(said, "Usage: engram-benchmark [OPTIONS]"));
    assert_non_null(strstr(said, "\n --tls-ciphersuites <list>"));
    for (const char *p = said; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        assert_true(len <= 100);
        p += len + 1;
    }
    free(said);
    assert_int_equal(parse(&o, "--version", &said), OPTIONS_DONE);
    assert_memory_equal(said, "engram-benchmark 0.", 19);
    free(said);
}

int test_options_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults),
        cmocka_unit_test(options_of_redis_benchmark),
        cmocka_unit_test(options_of_our_own),
        cmocka_unit_test(a_command_ends_the_options),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(help_and_version),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
