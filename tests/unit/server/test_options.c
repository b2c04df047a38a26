/* Options: every wrong value by type, the file's grammar, the command line, and
 * memory that runs out at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/options.h"

struct fixture {
    struct mem_account account;
    struct options options;
    char err[OPTION_ERROR_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    mem_account_init(&f->account);
    assert_int_equal(options_init_defaults(&f->options, &f->account), ST_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    options_deinit(&f->options);
    assert_int_equal(mem_used(&f->account), 0);
    free(f);
    return 0;
}

static bool set(struct fixture *f, const char *name, const char *value)
{
    f->err[0] = '\0';
    return options_set(&f->options, slice_of_text(name), slice_of_text(value),
                       f->err, sizeof f->err);
}

static const char *get(struct fixture *f, const char *name)
{
    static char text[4096];
    const struct option *row = option_find(slice_of_text(name));
    assert_non_null(row);
    (void)options_get_row(&f->options, row, text, sizeof text);
    return text;
}

static bool load(struct fixture *f, const char *text)
{
    f->err[0] = '\0';
    return options_load_text(&f->options, slice_of_text(text), "test.conf",
                             f->err, sizeof f->err);
}

/* ---- the table ---- */

static void test_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        assert_ptr_equal(option_find(slice_of_text(row->name)), row);
        if (row->alias != NULL) {
            assert_ptr_equal(option_find(slice_of_text(row->alias)), row);
        }
    }
    assert_null(option_find(SLICE_LIT("")));
    assert_null(option_find(SLICE_LIT("nosuch")));
    assert_non_null(option_find(SLICE_LIT("MaxMemory")));
}

/* What an option shows can be set again and shows the same. */
static void test_defaults_round_trip(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        char before[4096], after[1024];
        if (row->type == OPTION_LINES) {
            continue;
        }
        (void)options_get_row(&f->options, row, before, sizeof before);
        assert_true(options_is_default(&f->options, row));
        if (!options_set_row(&f->options, row, slice_of_text(before), f->err,
                             sizeof f->err)) {
            fail_msg("%s '%s': %s", row->name, before, f->err);
        }
        (void)options_get_row(&f->options, row, after, sizeof after);
        assert_string_equal(before, after);
    }
}

/* ---- wrong values ---- */

static void refuse(struct fixture *f, const char *name, const char *value,
                   const char *why)
{
    char before[4096];
    snprintf(before, sizeof before, "%s", get(f, name));
    if (set(f, name, value)) {
        fail_msg("%s took '%s'", name, value);
    }
    if (strstr(f->err, why) == NULL) {
        fail_msg("%s '%s': %s", name, value, f->err);
    }
    assert_string_equal(get(f, name), before);
}

static const struct { const char *name, *value, *why; } wrong_values[] = {
    {"activedefrag", "", "'yes' or 'no'"},
    {"activedefrag", "1", "'yes' or 'no'"},
    {"activedefrag", "yes ", "'yes' or 'no'"},
    {"appendonly", "yes", "only 'no'"},
    {"port", "", "parsed into an integer"},
    {"port", "abc", "parsed into an integer"},
    {"port", " 1", "parsed into an integer"},
    {"port", "1 ", "parsed into an integer"},
    {"port", "+1", "parsed into an integer"},
    {"port", "01", "parsed into an integer"},
    {"port", "0x10", "parsed into an integer"},
    {"port", "1.0", "parsed into an integer"},
    {"port", "99999999999999999999", "parsed into an integer"},
    {"port", "-1", "between 0 and 65535 inclusive"},
    {"port", "65536", "between 0 and 65535 inclusive"},
    {"maxclients", "0", "between 1 and 4294967295 inclusive"},
    {"maxclients", "4294967296", "between 1 and 4294967295 inclusive"},
    {"tls-port", "6380", "between 0 and 0 inclusive"},
    {"maxmemory-clients", "", "memory or percent value"},
    {"maxmemory-clients", "%", "memory or percent value"},
    {"maxmemory-clients", "x%", "memory or percent value"},
    {"maxmemory-clients", "-5%", "memory or percent value"},
    {"maxmemory-clients", "-5", "memory or percent value"},
    {"maxmemory-clients", "101%", "percentage argument must be less or "
                                  "equal to 100"},
    {"shutdown-on-sigterm", "", "default, save, nosave, now, force"},
    {"shutdown-on-sigterm", "now x", "default, save, nosave, now, force"},
    {"shutdown-on-sigint", "save nosave", "can't be used simultaneously"},
    {"appendfsync", "never", ": everysec, always, no"},
    {"supervised", "x", ": upstart, systemd, auto, no"},
    {"dir", "", "dir can't be empty"},
    {"dbfilename", "", "dbfilename can't be empty"},
    {"dbfilename", "a/b", "can't be a path, just a filename"},
    {"appenddirname", "a/b", "can't be a path, just a dirname"},
    {"notify-keyspace-events", "q", "'Ag$lshzxeKEtmdn'."},
    {"proc-title-template", "", "unknown variables"},
    {"proc-title-template", "  ", "unknown variables"},
    {"proc-title-template", "{bad}", "unknown variables"},
    {"proc-title-template", "a {title", "unknown variables"},
    {"locale-collate", "xx_YY", "Invalid locale name"},
    {"cluster-announce-client-ipv4", "1.2.3", "Invalid IPv4 address"},
    {"cluster-announce-client-ipv4", "1111111111111111111111111111111111111"
     "111111111111111111111111111111", "Invalid IPv4 address"},
    {"cluster-announce-client-ipv6", "1.2.3.4", "Invalid IPv6 address"},
    {"cluster-announce-hostname", "a b", "alphanumeric characters"},
    {"cluster-announce-human-nodename", "a b!", "invalid character"},
    {"latency-tracking-info-percentiles", "50 x", "Invalid latency"},
    {"latency-tracking-info-percentiles", "101", "[0.0,100.0]"},
    {"latency-tracking-info-percentiles", "-1", "[0.0,100.0]"},
    {"latency-tracking-info-percentiles", "nan", "latency-tracking"},
    {"oom-score-adj-values", "", "wrong number of arguments"},
    {"oom-score-adj-values", "1 2", "wrong number of arguments"},
    {"oom-score-adj-values", "1 2 3 4", "wrong number of arguments"},
    {"oom-score-adj-values", "1 2 x", "between -2000 and 2000."},
    {"oom-score-adj-values", "1 2 2001", "between -2000 and 2000."},
    {"replicaof", "h", "wrong number of arguments"},
    {"replicaof", "h x", "Invalid primary port"},
    {"replicaof", "h 65536", "Invalid primary port"},
    {"rdma-bind", "x", "No RDMA building support."},
    {"shards", "3", "power of two"},
    {"shards", "8192", "between 0 and 4096"},
    {"unixsocketperm", "999", "octal"},
    {"unixsocketperm", "", "octal"},
    {"unixsocketperm", "1000", "between 0 and 777 inclusive"},
    {"maxmemory", "", "memory value"},
    {"maxmemory", "abc", "memory value"},
    {"maxmemory", "-1", "memory value"},
    {"maxmemory", "1tb", "memory value"},
    {"maxmemory", "1 gb", "memory value"},
    {"maxmemory", "9999999999999gb", ""},
    {"proto-max-bulk-len", "1", "between 1048576 and"},
    {"io-engine", "", "auto, io_uring, epoll"},
    {"io-engine", "kqueue", "auto, io_uring, epoll"},
    {"maxmemory-policy", "lru", "volatile-lru, volatile-lfu,"},
    {"save", "60", "Invalid save parameters"},
    {"save", "0 1", "Invalid save parameters"},
    {"save", "1 -1", "Invalid save parameters"},
    {"save", "x y", "Invalid save parameters"},
    {"save", "1 2 3", "Invalid save parameters"},
    {"bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "Too many"},
    {"client-output-buffer-limit", "normal 1 2", "Wrong number"},
    {"client-output-buffer-limit", "normal 1 2 3 pubsub", "Wrong number"},
    {"client-output-buffer-limit", "master 1 2 3", "Invalid client class"},
    {"client-output-buffer-limit", "normal a 2 3", "Error in hard"},
    {"client-output-buffer-limit", "normal 1 b 3", "Error in hard"},
    {"client-output-buffer-limit", "normal 1 2 -3", "Error in hard"},
    {"client-output-buffer-limit", "normal 1 2 c", "Error in hard"},
};

static void test_wrong_values(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong_values / sizeof wrong_values[0];
         i++) {
        refuse(f, wrong_values[i].name, wrong_values[i].value,
               wrong_values[i].why);
    }
    assert_false(set(f, "nosuch", "1"));
}

/* Every option of a type refuses what is not of that type. */
static void test_wrong_by_type(void **state)
{
    static const char *const junk[] = {"", "\xff", "no way", "1e400", "nan"};
    struct fixture *f = *state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        /* No class of clients at all is a good list of limits. */
        size_t j = row->type == OPTION_LIMITS ? 1 : 0;
        if (row->type == OPTION_STRING || row->type == OPTION_LIST
            || row->type == OPTION_LINES) {
            continue;
        }
        for (; j < sizeof junk / sizeof junk[0]; j++) {
            refuse(f, row->name, junk[j], "");
        }
    }
}

static void test_text_bounds(void **state)
{
    struct fixture *f = *state;
    struct slice with_nul = slice_of("a\0b", 3);
    char *big = calloc(1, OPTION_TEXT_MAX + 2);
    memset(big, 'x', OPTION_TEXT_MAX + 1);
    assert_false(set(f, "requirepass", big));
    assert_false(set(f, "bind", big));
    big[OPTION_TEXT_MAX] = '\0';
    assert_true(set(f, "requirepass", big));
    assert_false(options_set(&f->options, SLICE_LIT("pidfile"), with_nul,
                             f->err, sizeof f->err));
    assert_false(options_set(&f->options, SLICE_LIT("bind"), with_nul, f->err,
                             sizeof f->err));
    free(big);
}

static void test_password_with_nul(void **state)
{
    struct fixture *f = *state;
    const struct option *row = option_find(SLICE_LIT("requirepass"));
    struct options copy;
    char shown[8];
    assert_true(load(f, "requirepass \"a\\x00b\"\n"));
    assert_true(slice_equal(option_text(f->options.requirepass),
                            slice_of("a\0b", 3)));
    assert_int_equal(options_get_row(&f->options, row, shown, sizeof shown), 3);
    assert_memory_equal(shown, "a\0b", 4);
    assert_int_equal(options_get_row(&f->options, row, shown, 3), 3);
    assert_memory_equal(shown, "a\0", 3);
    assert_int_equal(options_copy(&copy, &f->options, f->options.account),
                     ST_OK);
    assert_true(options_are_equal(&copy, &f->options, row));
    assert_true(options_set(&copy, SLICE_LIT("requirepass"), SLICE_LIT("a"),
                            f->err, sizeof f->err));
    assert_false(options_are_equal(&copy, &f->options, row));
    options_deinit(&copy);
}

static void test_right_values(void **state)
{
    struct fixture *f = *state;
    assert_true(set(f, "maxmemory", "1gb"));
    assert_int_equal(f->options.maxmemory, 1 << 30);
    assert_true(set(f, "maxmemory", "1K"));
    assert_int_equal(f->options.maxmemory, 1000);
    assert_true(set(f, "unixsocketperm", "770"));
    assert_int_equal(f->options.unixsocketperm, 0770);
    assert_string_equal(get(f, "unixsocketperm"), "770");
    assert_true(set(f, "Maxmemory-Policy", "ALLKEYS-LRU"));
    assert_int_equal(f->options.maxmemory_policy, POLICY_ALLKEYS_LRU);
    assert_true(set(f, "client-output-buffer-limit",
                    "pubsub 1mb 512kb 30 slave 0 0 0"));
    assert_string_equal(get(f, "client-output-buffer-limit"),
                        "normal 0 0 0 slave 0 0 0 pubsub 1048576 524288 30");
    assert_true(set(f, "slave-priority", "7"));
    assert_int_equal(f->options.replica_priority, 7);
    assert_true(set(f, "hz", "0"));
    assert_int_equal(f->options.hz, 1);
    assert_true(set(f, "hz", "1000"));
    assert_int_equal(f->options.hz, 500);
    assert_true(set(f, "watchdog-period", "5"));
    assert_int_equal(f->options.watchdog_period, 200);
    assert_true(set(f, "watchdog-period", "0"));
    assert_int_equal(f->options.watchdog_period, 0);
    assert_true(set(f, "client-output-buffer-limit", ""));
    assert_true(set(f, "save", ""));
    assert_string_equal(f->options.save, "");
    assert_true(set(f, "bind", "  127.0.0.1   ::1 "));
    assert_string_equal(f->options.bind, "127.0.0.1 ::1");
}

/* What is shown is one spelling of what was given. */
static void test_shown_otherwise(void **state)
{
    static const struct { const char *name, *value, *shown; } pairs[] = {
        {"maxmemory-clients", "5%", "5%"},
        {"maxmemory-clients", "0%", "0"},
        {"maxmemory-clients", "1mb", "1048576"},
        {"shutdown-on-sigterm", "force nosave", "nosave force"},
        {"shutdown-on-sigterm", "default now", "now"},
        {"shutdown-on-sigterm", "default", "default"},
        {"notify-keyspace-events", "KEA", "AKE"},
        {"notify-keyspace-events", "g$lshzxetd", "A"},
        {"notify-keyspace-events", "Kgm", "gKm"},
        {"notify-keyspace-events", "nEg$lKdm", "g$ldnKEm"},
        {"notify-keyspace-events", "KEAn", "AKE"},
        {"notify-keyspace-events", "AKgEgAAmm$$lshzxetdKEmAAAAAAA", "AKEm"},
        {"notify-keyspace-events", "", ""},
        {"latency-tracking-info-percentiles", "", ""},
        {"latency-tracking-info-percentiles", "0 100 50.10", "0 100 50.1"},
        {"latency-tracking-info-percentiles", "50.123456789 9",
         "50.123457 9"},
        {"replicaof", "h 1", "h 1"},
        {"replicaof", "No One", ""},
        {"slaveof", "h 2", "h 2"},
        {"proc-title-template", "{port} x", "{port} x"},
        {"locale-collate", "C", "C"},
        {"cluster-announce-client-ipv4", "1.2.3.4", "1.2.3.4"},
        {"cluster-announce-client-ipv6", "::1", "::1"},
        {"oom-score-adj-values", " 1  2 -3", "1 2 -3"},
        {"rdma-bind", "", ""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!set(f, pairs[i].name, pairs[i].value)) {
            fail_msg("%s '%s': %s", pairs[i].name, pairs[i].value, f->err);
        }
        assert_string_equal(get(f, pairs[i].name), pairs[i].shown);
    }
}

/* Every inert option says why. */
static void test_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *row = option_at(i);
        if (row->flags & OPTION_INERT) {
            assert_true(strlen(option_reason_text(row)) > 8);
        }
    }
}

/* ---- lines ---- */

static void split_is(const char *line, int want, ...)
{
    uint8_t scratch[512];
    struct slice words[8];
    va_list args;
    int count = config_split_line(slice_of_text(line), scratch, words, 8);
    assert_int_equal(count, want);
    va_start(args, want);
    for (int i = 0; i < count; i++) {
        const char *word = va_arg(args, const char *);
        assert_int_equal(words[i].len, strlen(word));
        assert_memory_equal(words[i].data, word, words[i].len);
    }
    va_end(args);
}

static void test_split(void **state)
{
    (void)state;
    split_is("", 0);
    split_is("  \t ", 0);
    split_is("a b  c\t", 3, "a", "b", "c");
    split_is("save \"\"", 2, "save", "");
    split_is("''", 1, "");
    split_is("a \"b c\" 'd e'", 3, "a", "b c", "d e");
    split_is("\"\\n\\r\\t\\b\\a\\x41\\\"\\\\\\q\"", 1, "\n\r\t\b\aA\"\\q");
    split_is("\"\\xzz\"", 1, "xzz");
    split_is("'it\\'s \\n'", 1, "it's \\n");
    split_is("a#b", 1, "a#b");
    split_is("\"a\"b", -1);
    split_is("\"a", -1);
    split_is("'a", -1);
    split_is("\"a\\\"", -1);
    split_is("\"", -1);
    split_is("\"\\", -1);
    split_is("1 2 3 4 5 6 7 8 9", -1);
}

static void test_file(void **state)
{
    struct fixture *f = *state;
    assert_true(load(f, "# a comment\n\n  port 7000  \r\n\tmaxmemory 1mb\n"
                        "requirepass \"a b\"\n"
                        "client-output-buffer-limit normal 1 2 3\n"
                        "client-output-buffer-limit replica 4 5 6\n"
                        "bind 127.0.0.1 ::1"));
    assert_int_equal(f->options.port, 7000);
    assert_int_equal(f->options.maxmemory, 1 << 20);
    assert_string_equal(f->options.requirepass, "a b");
    assert_string_equal(f->options.bind, "127.0.0.1 ::1");
    assert_string_equal(get(f, "client-output-buffer-limit"),
                        "normal 1 2 3 slave 4 5 6 pubsub 33554432 8388608 60");
}

static void test_save_lines(void **state)
{
    struct fixture *f = *state;
    assert_true(load(f, "save 900 1\nsave 300 10\n"));
    assert_string_equal(f->options.save, "900 1 300 10");
    assert_true(load(f, "save \"\"\nsave 60 1000 30 5\n"));
    assert_string_equal(f->options.save, "60 1000 30 5");
    assert_true(load(f, "save 900 1\nsave\n"));
    assert_string_equal(f->options.save, "");
    assert_true(load(f, "bind\nlatency-tracking-info-percentiles\n"
                        "client-output-buffer-limit\n"));
    assert_string_equal(f->options.bind, "");
    assert_false(load(f, "save 60\n"));
    assert_false(load(f, "save 60 1 2\n"));
}

static void test_file_errors(void **state)
{
    static const struct { const char *text, *line, *why; } wrong[] = {
        {"\nfoo bar\n", "at line 2", "Bad directive"},
        {"port\n", "at line 1", "wrong number of arguments"},
        {"port 1 2\n", "at line 1", "wrong number of arguments"},
        {"port abc\n", "'port abc'", "parsed into an integer"},
        {"port \"1\n", "at line 1", "Unbalanced quotes"},
        {"include\n", "at line 1", "wrong number of arguments"},
        {"include ''\n", "at line 1", "bad path"},
        {"maxmemory\n", "at line 1", "wrong number of arguments"},
        {"replicaof\n", "at line 1", "wrong number of arguments"},
        {"oom-score-adj-values\n", "at line 1", "wrong number of arguments"},
        {"shutdown-on-sigint\n", "at line 1", "must be one of"},
        {"loadmodule x.so 1\n", "at line 1", "modules are not supported"},
        {"rename-command get\n", "at line 1", "Bad directive"},
        {"rename-command a b c\n", "at line 1", "Bad directive"},
        {"user\n", "at line 1", "Bad directive"},
        {"include /nonexistent/x\n", "at line 1", "can't open"},
        {"include /\n", "at line 1", "can't open"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(load(f, wrong[i].text));
        assert_non_null(strstr(f->err, "*** FATAL CONFIG FILE ERROR"));
        assert_non_null(strstr(f->err, "'test.conf'"));
        if (strstr(f->err, wrong[i].line) == NULL
            || strstr(f->err, wrong[i].why) == NULL) {
            fail_msg("%s -> %s", wrong[i].text, f->err);
        }
    }
}

static void test_secret_is_not_told(void **state)
{
    struct fixture *f = *state;
    assert_false(load(f, "requirepass hunter2 x\n"));
    assert_null(strstr(f->err, "hunter2"));
    assert_non_null(strstr(f->err, ">>> 'requirepass'"));
    assert_false(load(f, "user \"bob hunter2\n"));
    assert_null(strstr(f->err, "hunter2"));
}

/* Lines of these add up, and their words can be told apart again. */
static void test_repeated_lines(void **state)
{
    struct fixture *f = *state;
    assert_true(load(f, "rename-command flushdb badger\n"
                        "RENAME-COMMAND flushall \"\"\n"
                        "user bob on \"~a b\" '>\\x\"y'\n"));
    assert_string_equal(f->options.renames, "\"flushdb\" \"badger\"\n"
                                            "\"flushall\" \"\"\n");
    assert_string_equal(f->options.users,
                        "\"bob\" \"on\" \"~a b\" \">\\\\x\\\"y\"\n");
    assert_false(set(f, "user", "x"));
    assert_non_null(strstr(f->err, "Bad directive"));
}

static void test_nul_in_a_line(void **state)
{
    static const char text[] = "port 1\nport 2\0 3\n";
    struct fixture *f = *state;
    assert_false(options_load_text(&f->options,
                                   slice_of(text, sizeof text - 1), "t",
                                   f->err, sizeof f->err));
    assert_non_null(strstr(f->err, "NUL"));
    assert_non_null(strstr(f->err, "at line 2"));
    assert_int_equal(f->options.port, 1);
}

static void test_long_line(void **state)
{
    struct fixture *f = *state;
    size_t len = CONFIG_LINE_MAX + 1;
    uint8_t *text = malloc(len);
    memset(text, 'a', len);
    assert_false(options_load_text(&f->options, slice_of(text, len), "t",
                                   f->err, sizeof f->err));
    assert_non_null(strstr(f->err, "line is too long"));
    free(text);
}

/* ---- files and arguments ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_includes(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/engram-options-XXXXXX";
    char a[64], b[64], text[256];
    assert_non_null(mkdtemp(dir));
    snprintf(a, sizeof a, "%s/a.conf", dir);
    snprintf(b, sizeof b, "%s/b.conf", dir);
    snprintf(text, sizeof text, "port 1\ninclude %s\nport 3\n", b);
    write_file(a, text);
    write_file(b, "port 2\nmaxmemory 5\n");
    assert_true(options_load_file(&f->options, a, f->err, sizeof f->err));
    assert_int_equal(f->options.port, 3);
    assert_int_equal(f->options.maxmemory, 5);
    write_file(b, "\nport x\n");
    assert_false(options_load_file(&f->options, a, f->err, sizeof f->err));
    assert_non_null(strstr(f->err, b));
    assert_non_null(strstr(f->err, "at line 2"));
    snprintf(text, sizeof text, "include %s\n", a);
    write_file(a, text);
    assert_false(options_load_file(&f->options, a, f->err, sizeof f->err));
    assert_non_null(strstr(f->err, "too deeply"));
    assert_false(options_load_file(&f->options, dir, f->err, sizeof f->err));
    unlink(a);
    unlink(b);
    rmdir(dir);
}

/* Patterns are read in order of names, those that match nothing do no harm, and
 * files that multiply come to an end. */
static void test_include_patterns(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/engram-options-XXXXXX";
    char path[64], text[128];
    assert_non_null(mkdtemp(dir));
    for (int i = 3; i >= 1; i--) {
        snprintf(path, sizeof path, "%s/%d.conf", dir, i);
        snprintf(text, sizeof text, "port %d\nsave %d %d", i, i, i);
        write_file(path, text);
    }
    snprintf(text, sizeof text, "include %s/nosuch*\ninclude %s/?.conf\n"
                                "timeout 9\n", dir, dir);
    assert_true(load(f, text));
    assert_int_equal(f->options.port, 3);
    assert_int_equal(f->options.timeout, 9);
    assert_string_equal(f->options.save, "1 1 2 2 3 3");
    for (int i = 1; i <= 3; i++) {
        snprintf(path, sizeof path, "%s/%d.conf", dir, i);
        snprintf(text, sizeof text, "include %s/[12].conf\n", dir);
        write_file(path, i < 3 ? text : "");
    }
    assert_false(load(f, text));
    assert_non_null(strstr(f->err, "too deeply"));
    for (int i = 1; i <= 3; i++) {
        snprintf(path, sizeof path, "%s/%d.conf", dir, i);
        unlink(path);
    }
    rmdir(dir);
}

static bool args(struct fixture *f, int argc, const char *const *argv)
{
    char *copy[16];
    for (int i = 0; i < argc; i++) {
        copy[i] = strdup(argv[i]);
    }
    bool ok = options_load_args(&f->options, argc, copy, f->err,
                                sizeof f->err);
    for (int i = 0; i < argc; i++) {
        free(copy[i]);
    }
    return ok;
}

static void test_arguments(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/engram-options-XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    write_file(path, "port 1\ntimeout 5\n");
    assert_true(args(f, 8, (const char *const[]){
        path, "--port", "7777", "--save", "", "--bind", "a", "b"}));
    assert_int_equal(f->options.port, 7777);
    assert_int_equal(f->options.timeout, 5);
    assert_string_equal(f->options.save, "");
    assert_string_equal(f->options.bind, "a b");
    assert_string_equal(f->options.config_path, path);
    unlink(path);
    assert_true(args(f, 5, (const char *const[]){
        "--save", "60", "1", "--save", "30 2"}));
    assert_true(args(f, 2, (const char *const[]){"--repl-timeout", "5"}));
    assert_true(args(f, 2, (const char *const[]){
        "--list-max-listpack-size", "-3"}));
    assert_int_equal(f->options.list_listpack_size, -3);
    assert_true(args(f, 0, NULL));
}

/* What follows a name is its value, whatever it looks like. */
static void test_arguments_with_dashes(void **state)
{
    struct fixture *f = *state;
    assert_true(args(f, 2, (const char *const[]){
        "--maxmemory 700mb", "--maxmemory-policy volatile-lru"}));
    assert_int_equal(f->options.maxmemory, 700 << 20);
    assert_int_equal(f->options.maxmemory_policy, POLICY_VOLATILE_LRU);
    assert_true(args(f, 4, (const char *const[]){
        "--proc-title-template", "--my--title", "--loglevel", "verbose"}));
    assert_string_equal(f->options.proc_title, "--my--title");
    assert_int_equal(f->options.loglevel, 1);
    assert_true(args(f, 2, (const char *const[]){
        "--proc-title-template --other", "--loglevel debug"}));
    assert_string_equal(f->options.proc_title, "--other");
    assert_true(args(f, 3, (const char *const[]){
        "--save", "--loglevel", "verbose"}));
    assert_string_equal(f->options.save, "");
    assert_true(args(f, 6, (const char *const[]){
        "--save", "5", "5", "--save", "--hz", "7"}));
    assert_string_equal(f->options.save, "");
    assert_true(args(f, 3, (const char *const[]){"--hz", "20", "--save"}));
    assert_true(args(f, 6, (const char *const[]){
        "--shutdown-on-sigint", "nosave", "force", "now",
        "--shutdown-on-sigterm", "nosave force"}));
    assert_string_equal(get(f, "shutdown-on-sigint"), "nosave now force");
    assert_string_equal(get(f, "shutdown-on-sigterm"), "nosave force");
}

static void test_wrong_arguments(void **state)
{
    static const struct { const char *argv[5], *shown, *why; } wrong[] = {
        {{"--port"}, "'port'", "wrong number of arguments"},
        {{"--nosuch", "1"}, "'nosuch \"1\"'", "Bad directive"},
        {{"--port", "1", "2"}, "'port \"1\" \"2\"'", "wrong number"},
        {{"--port", ""}, "'port \"\"'", "parsed into an integer"},
        {{"--port", "--loglevel", "verbose"},
         "'port \"--loglevel\" \"verbose\"'", "wrong number of arguments"},
        {{"--port", "--bla", "--loglevel", "verbose"}, "'port \"--bla\"'",
         "parsed into an integer"},
        {{"--logfile", "--my--file", "--loglevel", "--bla"},
         "'loglevel \"--bla\"'", "must be one of"},
        {{"--shutdown-on-sigint"}, "'shutdown-on-sigint'", "must be one of"},
        {{"--replicaof", "--h", "abc"}, "'replicaof \"--h\" \"abc\"'",
         "Invalid primary port"},
        {{"--replicaof", "--h", "--abc"}, "'replicaof \"--h\"'",
         "wrong number of arguments"},
        {{"--port=1"}, "'port=1'", "Bad directive"},
        {{"/nonexistent/x.conf"}, "'/nonexistent/x.conf'", "can't open"},
        {{"-port"}, "'-port'", "can't open"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int argc = 0;
        while (argc < 5 && wrong[i].argv[argc] != NULL) {
            argc++;
        }
        assert_false(args(f, argc, wrong[i].argv));
        if (strstr(f->err, wrong[i].shown) == NULL
            || strstr(f->err, wrong[i].why) == NULL) {
            fail_msg("%s: %s", wrong[i].argv[0], f->err);
        }
    }
}

/* ---- memory ---- */

static void test_copy(void **state)
{
    struct fixture *f = *state;
    struct mem_account other;
    struct options copy;
    mem_account_init(&other);
    assert_true(set(f, "requirepass", "secret"));
    for (int64_t n = 0;; n++) {
        enum status st;
        other.fail_after = n;
        st = options_copy(&copy, &f->options, &other);
        other.fail_after = -1;
        if (st == ST_OK) {
            break;
        }
        assert_int_equal(st, ST_NOMEM);
        assert_int_equal(mem_used(&other), 0);
    }
    assert_string_equal(copy.requirepass, "secret");
    assert_ptr_not_equal(copy.requirepass, f->options.requirepass);
    options_deinit(&copy);
    assert_int_equal(mem_used(&other), 0);
}

/* After every row is exchanged, each has become the other. */
static void test_exchange(void **state)
{
    struct fixture *f = *state;
    struct options other;
    assert_int_equal(options_copy(&other, &f->options, &f->account), ST_OK);
    assert_true(set(f, "requirepass", "secret"));
    assert_true(set(f, "port", "1"));
    assert_true(set(f, "activedefrag", "yes"));
    assert_true(set(f, "loglevel", "debug"));
    assert_true(set(f, "client-output-buffer-limit", "normal 1 2 3"));
    for (size_t i = 0; i < option_count(); i++) {
        options_exchange_row(&f->options, &other, option_at(i));
    }
    assert_string_equal(other.requirepass, "secret");
    assert_string_equal(f->options.requirepass, "");
    assert_int_equal(other.port, 1);
    assert_int_equal(f->options.port, 6379);
    assert_true(other.activedefrag);
    assert_false(f->options.activedefrag);
    assert_int_equal(other.loglevel, 0);
    assert_int_equal(other.output_limits[0].soft_seconds, 3);
    assert_int_equal(f->options.output_limits[0].soft_seconds, 0);
    options_deinit(&other);
}

static void test_no_memory_anywhere(void **state)
{
    static const char text[] = "save 60 1\nbind 127.0.0.1\nrequirepass x\n"
                               "latency-tracking-info-percentiles 1 2\n"
                               "rename-command a b\nrename-command c d\n";
    (void)state;
    for (int64_t n = 0;; n++) {
        struct mem_account account;
        struct options o;
        char err[OPTION_ERROR_MAX];
        bool ok = false;
        mem_account_init(&account);
        account.fail_after = n;
        if (options_init_defaults(&o, &account) == ST_OK) {
            ok = options_load_text(&o, slice_of_text(text), "t", err,
                                   sizeof err);
            assert_true(ok || strstr(err, "out of memory") != NULL);
            options_deinit(&o);
        }
        assert_int_equal(mem_used(&account), 0);
        if (ok) {
            return;
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_names_are_unique), TEST(test_defaults_round_trip),
        TEST(test_wrong_values), TEST(test_wrong_by_type),
        TEST(test_text_bounds), TEST(test_password_with_nul),
        TEST(test_right_values),
        TEST(test_shown_otherwise), TEST(test_reasons), TEST(test_split),
        TEST(test_file), TEST(test_save_lines), TEST(test_file_errors),
        TEST(test_secret_is_not_told), TEST(test_long_line),
        TEST(test_repeated_lines), TEST(test_nul_in_a_line),
        TEST(test_includes), TEST(test_include_patterns),
        TEST(test_arguments), TEST(test_arguments_with_dashes),
        TEST(test_wrong_arguments), TEST(test_copy), TEST(test_exchange),
        TEST(test_no_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
