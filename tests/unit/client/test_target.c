/* Tests of client/target: options and URLs. */
#include "client/target.h"

#include <stdio.h>
#include <string.h>

#include "tests.h"

/* "host port user password db path tls", a dash for what is not there. */
static const char *read_url(const char *url, enum engram_status *st)
{
    static char text[256];
    struct mem_account account;
    struct engram_options o;
    struct target t;
    mem_account_init(&account);
    engram_options_init(&o);
    o.url = url;
    *st = target_init(&t, &account, &o);
    text[0] = '\0';
    if (*st == ENGRAM_OK) {
        snprintf(text, sizeof text, "%s %d %s %s %d %s%s",
                 t.host == NULL ? "-" : t.host, t.port,
                 t.user == NULL ? "-" : t.user,
                 t.password == NULL ? "-" : t.password, t.db,
                 t.path == NULL ? "-" : t.path, t.tls.is_on ? " tls" : "");
        target_deinit(&t);
    }
    assert_int_equal(mem_used(&account), 0);
    return text;
}

static void expect(const char *url, const char *expected)
{
    enum engram_status st;
    const char *got = read_url(url, &st);
    assert_int_equal(st, ENGRAM_OK);
    assert_string_equal(got, expected);
}

static void expect_status(const char *url, enum engram_status expected)
{
    enum engram_status st;
    (void)read_url(url, &st);
    assert_int_equal(st, expected);
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    expect("redis://example.org", "example.org 6379 - - 0 -");
    expect("redis://example.org:7000/3", "example.org 7000 - - 3 -");
    expect("redis://me:secret@h:1/2", "h 1 me secret 2 -");
    expect("redis://:secret@h", "h 6379 - secret 0 -");
    expect("redis://me:p%40ss%3a%2F@h", "h 6379 me p@ss:/ 0 -");
    expect("redis://[::1]:7000", "::1 7000 - - 0 -");
    expect("redis://[::1]", "::1 6379 - - 0 -");
    expect("rediss://me:pw@h:1/2", "h 1 me pw 2 - tls");
    expect("redis://", "127.0.0.1 6379 - - 0 -");
    expect("redis:///5", "127.0.0.1 6379 - - 5 -");
    expect("unix:///run/x.sock?db=4", "- 6379 - - 4 /run/x.sock");
    expect("unix://:pw@/run/x%20y", "- 6379 - pw 0 /run/x y");
}

static void wrong_urls_are_refused(void **state)
{
    (void)state;
    expect_status("http://h", ENGRAM_INVALID);
    expect_status("redis:/h", ENGRAM_INVALID);
    expect_status("redis://h:port", ENGRAM_INVALID);
    expect_status("redis://h:65536", ENGRAM_INVALID);
    expect_status("redis://h/db", ENGRAM_INVALID);
    expect_status("redis://h/-1", ENGRAM_INVALID);
    expect_status("redis://:a%zz@h", ENGRAM_INVALID);
    expect_status("redis://:a%4@h", ENGRAM_INVALID);
    expect_status("redis://:a%00b@h", ENGRAM_INVALID);
    expect_status("redis://me@h", ENGRAM_INVALID);
    expect_status("redis://[::1", ENGRAM_INVALID);
    expect_status("redis://[::1]x", ENGRAM_INVALID);
    expect_status("unix://run/x", ENGRAM_INVALID);
    expect_status("unix:///run/x?dp=1", ENGRAM_INVALID);
}

static enum engram_status read_tls(struct engram_options *o, const char *name)
{
    struct mem_account account;
    struct target t;
    mem_account_init(&account);
    enum engram_status st = target_init(&t, &account, o);
    if (st == ENGRAM_OK) {
        const char *got = target_server_name(&t);
        assert_string_equal(got == NULL ? "" : got, name);
        assert_true(t.tls.key_file == NULL ||
                    strcmp(t.tls.key_file, t.tls.cert_file) == 0);
    }
    target_deinit(&t);
    assert_int_equal(mem_used(&account), 0);
    return st;
}

static void what_tls_needs_is_there(void **state)
{
    (void)state;
    struct engram_options o;
    engram_options_init(&o);
    o.tls = 1;
    assert_int_equal(read_tls(&o, "127.0.0.1"), ENGRAM_OK);
    o.host = "example.org";
    o.tls_cert_file = "client.pem";
    assert_int_equal(read_tls(&o, "example.org"), ENGRAM_OK);
    o.tls_server_name = "other.org";
    assert_int_equal(read_tls(&o, "other.org"), ENGRAM_OK);
    o.tls_cert_file = NULL;
    o.tls_key_file = "key.pem";
    assert_int_equal(read_tls(&o, ""), ENGRAM_INVALID);
    engram_options_init(&o);
    o.tls = 1;
    o.unix_path = "/run/x.sock";
    assert_int_equal(read_tls(&o, ""), ENGRAM_INVALID);
    o.tls_verify = 0;
    assert_int_equal(read_tls(&o, ""), ENGRAM_OK);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct engram_options o;
    engram_options_init(&o);
    o.url = "rediss://me:secret@h:1/2";
    o.client_name = "name";
    o.tls_ca_file = "ca.pem";
    o.tls_cert_file = "client.pem";
    enum engram_status st = ENGRAM_NOMEM;
    for (int64_t n = 0; st != ENGRAM_OK; n++) {
        struct mem_account account;
        struct target t;
        mem_account_init(&account);
        account.fail_after = n;
        st = target_init(&t, &account, &o);
        assert_true(st == ENGRAM_OK || st == ENGRAM_NOMEM);
        target_deinit(&t);
        assert_int_equal(mem_used(&account), 0);
        assert_true(n < 20);
    }
}

int test_target_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(wrong_urls_are_refused),
        cmocka_unit_test(what_tls_needs_is_there),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
