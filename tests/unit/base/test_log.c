/* Tests of base/log: the line's form, levels, rotation, and strangers' text. */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    assert_int_equal(strlen(strchr(f->text, '\n') + 1), 1024);
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
        LOG_TEST(a_moved_file_is_opened_anew),
        cmocka_unit_test(there_may_be_no_log),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
