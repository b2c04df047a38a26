/* Tests of what a report of a crash is made of: server/report, server/symbols,
 * server/crash in a process of its own, and server/proc_title's template. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/crash.h"
#include "server/proc_title.h"
#include "server/report.h"
#include "server/symbols.h"

struct fixture {
    char path[32];
    struct log *log;
    char text[64 * 1024];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->path, "/tmp/engram-crash-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    f->log = log_open(f->path, LOG_DEBUG);
    assert_non_null(f->log);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    log_close(&f->log);
    unlink(f->path);
    free(f);
    return 0;
}

static const char *read_log(struct fixture *f)
{
    int fd = open(f->path, O_RDONLY);
    ssize_t n = read(fd, f->text, sizeof f->text - 1);
    close(fd);
    assert_true(n >= 0);
    f->text[n] = '\0';
    return f->text;
}

static void pieces_are_written_as_they_should(void **state)
{
    struct fixture *f = *state;
    struct report r;
    report_init(&r, f->log);
    report_number(&r, 0);
    report_text(&r, " ");
    report_number(&r, INT64_MIN);
    report_text(&r, " ");
    report_number(&r, INT64_MAX);
    report_text(&r, " ");
    report_hex(&r, 0, 1);
    report_text(&r, " ");
    report_hex(&r, UINT64_MAX, 1);
    report_text(&r, " ");
    report_hex(&r, 0xab, 4);
    report_text(&r, " ");
    report_quoted(&r, SLICE_LIT("a\"\\\n\x80z"), 5);
    report_flush(&r);
    assert_string_equal(read_log(f), "0 -9223372036854775808 "
                        "9223372036854775807 0 ffffffffffffffff 00ab "
                        "\"a\\\"\\\\\\x0a\\x80\"... (6 bytes)");
}

static void a_report_may_be_longer_than_its_buffer(void **state)
{
    struct fixture *f = *state;
    struct report r;
    report_init(&r, f->log);
    for (int i = 0; i < 10 * REPORT_BYTES_MAX; i++) {
        report_text(&r, i % 10 == 9 ? "\n" : "x");
    }
    report_flush(&r);
    assert_int_equal(strlen(read_log(f)), 10 * REPORT_BYTES_MAX);
}

static void symbols_know_static_functions(void **state)
{
    struct symbols s;
    uintptr_t into, in_file;
    char local;
    (void)state;
    symbols_open(&s);
    const char *name = symbols_find(&s, (const void *)(uintptr_t)read_log,
                                    &into, &in_file);
    assert_non_null(name);
    assert_true(strncmp(name, "read_log", 8) == 0);
    assert_int_equal(into, 0);
    assert_true(in_file > 0);
    assert_null(symbols_find(&s, &local, &into, &in_file));
    assert_null(symbols_find(&s, NULL, &into, &in_file));
    symbols_close(&s);
    assert_null(symbols_find(&s, (const void *)(uintptr_t)read_log, &into,
                             &in_file));
}

/* Ends by `signal`, raised by itself on a thread that has told of itself. */
static void die_of(struct fixture *f, int signal)
{
    static struct crash crash;
    static struct crash_thread thread;
    crash_init(&crash, f->log);
    crash_install();
    crash_set_enabled(true);
    crash_thread_begin(&thread, &crash, "tester", NULL);
    raise(signal);
    _exit(0);
}

static void each_fault_ends_the_process_with_a_report(void **state)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char want[64];
        int status;
        assert_int_equal(truncate(f->path, 0), 0);
        pid_t child = fork();
        if (child == 0) {
            die_of(f, faults[i]);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), faults[i]);
        (void)snprintf(want, sizeof want, "crashed by signal: %d,", faults[i]);
        assert_non_null(strstr(read_log(f), want));
        assert_non_null(strstr(f->text, " tester *\n"));
        assert_non_null(strstr(f->text, "1/1 expected stacktraces."));
        assert_non_null(strstr(f->text, "BUG REPORT END"));
    }
}

static void stacks_are_shown_without_harm(void **state)
{
    struct fixture *f = *state;
    struct crash crash;
    struct crash_thread thread = {0};
    crash_init(&crash, f->log);
    crash_install();
    crash_thread_begin(&thread, &crash, "tester", NULL);
    crash_log_stacks(&crash, "because");
    crash_thread_end(&thread);
    assert_non_null(strstr(read_log(f), "because\n"));
    assert_non_null(strstr(f->text, " tester\n"));
    assert_non_null(strstr(f->text, "1/1 expected stacktraces."));
    /* Nobody is left. */
    crash_log_stacks(&crash, "again");
    assert_non_null(strstr(read_log(f), "0/0 expected stacktraces."));
}

/* The title, in memory that stands for the kernel's. */
static const char *expanded(struct options *o, char *area, size_t bytes)
{
    char name[] = "prog";
    struct proc_title t = {.area = area, .bytes = bytes, .name = name};
    memset(area, 'o', bytes - 1);
    area[bytes - 1] = '\0';
    proc_title_set(&t, o);
    return area;
}

static void set(struct options *o, const char *name, const char *value)
{
    char err[OPTION_ERROR_MAX];
    assert_true(options_set(o, slice_of_text(name), slice_of_text(value), err,
                            sizeof err));
}

static void titles_follow_the_template(void **state)
{
    struct mem_account account;
    struct options o;
    char area[64];
    (void)state;
    mem_account_init(&account);
    assert_int_equal(options_init_defaults(&o, &account), ST_OK);
    assert_string_equal(expanded(&o, area, sizeof area), "prog *:6379");
    set(&o, "bind", "-::1 10.0.0.1");
    assert_string_equal(expanded(&o, area, sizeof area), "prog [::1]:6379");
    set(&o, "port", "0");
    set(&o, "unixsocket", "/s");
    assert_string_equal(expanded(&o, area, sizeof area), "prog /s");
    set(&o, "proc-title-template", "{port}:{tls-port}:{unixsocket}:"
        "{server-mode}:{config-file} x");
    assert_string_equal(expanded(&o, area, sizeof area), "0:0:/s::- x");
    /* What there is no room for is cut. */
    assert_string_equal(expanded(&o, area, 6), "0:0:/");
    assert_string_equal(expanded(&o, area, 1), "");
    set(&o, "set-proc-title", "no");
    assert_string_equal(expanded(&o, area, 4), "ooo");
    options_deinit(&o);
    assert_int_equal(mem_used(&account), 0);
}

int main(void)
{
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOG_TEST(pieces_are_written_as_they_should),
        LOG_TEST(a_report_may_be_longer_than_its_buffer),
        cmocka_unit_test(symbols_know_static_functions),
        LOG_TEST(each_fault_ends_the_process_with_a_report),
        LOG_TEST(stacks_are_shown_without_harm),
        cmocka_unit_test(titles_follow_the_template),
    };
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
