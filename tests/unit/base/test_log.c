/* Tests of base/log: the line's form, levels, rotation, and strangers' text. */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests.h"

struct fixture {
    char dir[32];
    char path[64];
    char text[8192];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/engram-log-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof f->path, "%s/log", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static const char *read_file(struct fixture *f)
{
    FILE *file = fopen(f->path, "r");
    assert_non_null(file);
    size_t n = fread(f->text, 1, sizeof f->text - 1, file);
    fclose(file);
    f->text[n] = '\0';
    return f->text;
}

static void lines_have_redis_form(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_NOTICE);
    assert_non_null(l);
    log_write(l, LOG_VERBOSE, "hidden");
    log_write(l, LOG_NOTICE, "ready %d", 7);
    log_set_level(l, LOG_DEBUG);
    log_write(l, LOG_DEBUG, "seen");
    log_write(l, LOG_NOTHING, "never");
    log_close(&l);
    assert_null(l);
    int pid, day, year, hour, minute, second, ms;
    char month[8], mark, word[16];
    int fields = sscanf(read_file(f), "%d:M %d %3s %d %d:%d:%d.%d %c %15s",
                        &pid, &day, month, &year, &hour, &minute, &second, &ms,
                        &mark, word);
    assert_int_equal(fields, 10);
    assert_int_equal(pid, getpid());
    assert_int_equal(mark, '*');
    assert_string_equal(word, "ready");
    assert_non_null(strstr(f->text, " * ready 7\n"));
    assert_non_null(strstr(f->text, " . seen\n"));
    assert_null(strstr(f->text, "hidden"));
    assert_null(strstr(f->text, "never"));
}

static void nobody_can_forge_a_line(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_DEBUG);
    log_write(l, LOG_WARNING, "%s", "a\r\n1:M forged\x1b[2J\x7f");
    char *longer = malloc(5000);
    memset(longer, 'x', 4999);
    longer[4999] = '\0';
    log_write(l, LOG_WARNING, "%s", longer);
    free(longer);
    log_close(&l);
    assert_non_null(strstr(read_file(f), " # a  1:M forged [2J \n"));
    assert_int_equal(strlen(strchr(f->text, '\n') + 1), 1022);
}

/* The one line of the file, which is emptied. */
static const char *last_line(struct fixture *f)
{
    read_file(f);
    assert_int_equal(truncate(f->path, 0), 0);
    return f->text;
}

static void lines_of_pairs_cannot_be_forged(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_DEBUG);
    int pid, year;
    char text[128], want[128];
    log_set_form(l, LOG_FORMAT_LOGFMT, LOG_TIME_LEGACY);
    log_write(l, LOG_WARNING, "a\" level=debug\n\\");
    assert_int_equal(sscanf(last_line(f), "pid=%d role=primary timestamp=\""
                            "%*d %*3s %d %*d:%*d:%*d.%*d\" %127[^\n]",
                            &pid, &year, text), 3);
    assert_int_equal(pid, getpid());
    assert_string_equal(text, "level=warning message=\"a' level=debug \\\"");
    for (int i = LOG_DEBUG; i < LOG_NOTHING; i++) {
        static const char *const words[] = {"debug", "info", "notice",
                                            "warning"};
        log_write(l, (enum log_level)i, "x");
        (void)snprintf(want, sizeof want, "\" level=%s message=\"x\"\n",
                       words[i]);
        assert_non_null(strstr(last_line(f), want));
    }
    char *longer = malloc(5000);
    memset(longer, 'x', 4999);
    longer[4999] = '\0';
    log_write(l, LOG_WARNING, "%s", longer);
    free(longer);
    assert_int_equal(strlen(last_line(f)), 1023);
    assert_string_equal(f->text + 1020, "x\"\n");
    log_close(&l);
}

static void times_have_their_forms(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_DEBUG);
    int n[7], pid, zone_hours, zone_minutes;
    long long ms;
    char sign;
    time_t before = time(NULL);
    log_set_form(l, LOG_FORMAT_LEGACY, LOG_TIME_MILLISECONDS);
    log_write(l, LOG_NOTICE, "x");
    assert_int_equal(sscanf(last_line(f), "%d:M %lld * x", &pid, &ms), 2);
    assert_in_range(ms / 1000, before, time(NULL));
    setenv("TZ", "XYZ3:30", 1); /* west of Greenwich */
    tzset();
    log_set_form(l, LOG_FORMAT_LEGACY, LOG_TIME_ISO8601);
    log_write(l, LOG_NOTICE, "x");
    unsetenv("TZ");
    tzset();
    assert_int_equal(sscanf(last_line(f), "%d:M %4d-%2d-%2dT%2d:%2d:%2d.%3d%c"
                            "%2d:%2d * x", &pid, &n[0], &n[1], &n[2], &n[3],
                            &n[4], &n[5], &n[6], &sign, &zone_hours,
                            &zone_minutes), 11);
    assert_int_equal(sign, '-');
    assert_int_equal(zone_hours, 3);
    assert_int_equal(zone_minutes, 30);
    struct tm west = {.tm_year = n[0] - 1900, .tm_mon = n[1] - 1,
                      .tm_mday = n[2], .tm_hour = n[3], .tm_min = n[4],
                      .tm_sec = n[5]};
    assert_in_range(timegm(&west) + 3 * 3600 + 30 * 60, before, time(NULL));
    log_close(&l);
}

static void raw_bytes_are_not_touched(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_NOTHING);
    int fd = log_fd(l);
    log_write_raw(l, "=== \x01\n", 6);
    assert_string_equal(read_file(f), "=== \x01\n");
    /* The number stays when the file is opened anew. */
    unlink(f->path);
    log_set_level(l, LOG_DEBUG);
    log_write(l, LOG_DEBUG, "anew");
    assert_int_equal(log_fd(l), fd);
    log_write_raw(l, "raw\n", 4);
    assert_non_null(strstr(read_file(f), "anew\nraw\n"));
    log_close(&l);
    assert_int_equal(log_fd(NULL), STDERR_FILENO);
}

static void user_data_is_hidden_unless_told_otherwise(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_NOTHING);
    assert_true(log_hides_user_data(NULL));
    assert_true(log_hides_user_data(l));
    log_set_hide_user_data(l, false);
    assert_false(log_hides_user_data(l));
    log_close(&l);
}

/* Nobody may listen: what can be seen is that the file still has the line. */
static void syslog_comes_beside_the_file(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_DEBUG);
    log_use_syslog(l, "engram-test", 8);
    log_write(l, LOG_DEBUG, "both");
    assert_non_null(strstr(read_file(f), " . both\n"));
    log_close(&l);
}

static void a_moved_file_is_opened_anew(void **state)
{
    struct fixture *f = *state;
    struct log *l = log_open(f->path, LOG_DEBUG);
    log_write(l, LOG_NOTICE, "first");
    unlink(f->path);
    errno = ENOENT;
    log_write(l, LOG_NOTICE, "second %m");
    assert_int_equal(errno, ENOENT);
    log_close(&l);
    assert_null(strstr(read_file(f), "first"));
    assert_non_null(strstr(f->text, "second No such file"));
}

static void there_may_be_no_log(void **state)
{
    (void)state;
    struct log *none = NULL;
    log_write(none, LOG_WARNING, "swallowed");
    log_set_level(none, LOG_DEBUG);
    log_close(&none);
    assert_null(log_open("/nonexistent/dir/log", LOG_DEBUG));
    assert_int_equal(errno, ENOENT);
    struct log *out = log_open("", LOG_WARNING);
    assert_non_null(out);
    log_close(&out);
}

int test_log_run(void)
{
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOG_TEST(lines_have_redis_form),
        LOG_TEST(nobody_can_forge_a_line),
        LOG_TEST(lines_of_pairs_cannot_be_forged),
        LOG_TEST(times_have_their_forms),
        LOG_TEST(raw_bytes_are_not_touched),
        LOG_TEST(user_data_is_hidden_unless_told_otherwise),
        LOG_TEST(syslog_comes_beside_the_file),
        LOG_TEST(a_moved_file_is_opened_anew),
        cmocka_unit_test(there_may_be_no_log),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
