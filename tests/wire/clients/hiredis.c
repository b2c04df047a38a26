/* hiredis: the C library against a server: client-hiredis PORT PASSWORD.
 *
 * Prints "restart" and waits for a line where the test is to start the server
 * again; prints "ok" at the end. */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { PIPELINE_COUNT = 2000, BIG_BYTES = 8 << 20, TIMEOUT_S = 30 };

static void fail(const char *what, const redisContext *c, const redisReply *r)
{
    printf("failed: %s: %s %s\n", what, c ? c->errstr : "",
           r && r->str ? r->str : "");
    exit(1);
}

static redisContext *connect_to(int port)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", port, timeout);
    if (!c || c->err || redisSetTimeout(c, timeout) != REDIS_OK) {
        fail("connect", c, NULL);
    }
    return c;
}

/* Sends a command, which must be answered by this type and, if there is one,
 * this text or number. */
static void expect(redisContext *c, int type, const char *text, long long n,
                   const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    redisReply *r = redisvCommand(c, format, ap);
    va_end(ap);
    if (!r || r->type != type || (text && strncmp(r->str, text, strlen(text)))
        || (type == REDIS_REPLY_INTEGER && r->integer != n)) {
        fail(format, c, r);
    }
    freeReplyObject(r);
}

static void check_login(redisContext *c, const char *password)
{
    expect(c, REDIS_REPLY_ERROR, "NOAUTH", 0, "GET k");
    expect(c, REDIS_REPLY_ERROR, "WRONGPASS", 0, "AUTH wrong");
    expect(c, REDIS_REPLY_STATUS, "OK", 0, "AUTH %s", password);
    expect(c, REDIS_REPLY_STATUS, "OK", 0, "SELECT 3");
}

static void check_families(redisContext *c)
{
    const char *binary = "a\0b\r\n";
    expect(c, REDIS_REPLY_STATUS, "OK", 0, "SET k %b", binary, (size_t)5);
    expect(c, REDIS_REPLY_INTEGER, NULL, 5, "STRLEN k");
    expect(c, REDIS_REPLY_INTEGER, NULL, 41, "INCRBY n 41");
    expect(c, REDIS_REPLY_INTEGER, NULL, 0, "SETBIT b 7 1");
    expect(c, REDIS_REPLY_INTEGER, NULL, 1, "BITCOUNT b");
    expect(c, REDIS_REPLY_INTEGER, NULL, 1, "EXPIRE k 100");
    expect(c, REDIS_REPLY_NIL, NULL, 0, "GET nothing");
    expect(c, REDIS_REPLY_ERROR, "ERR value is not an integer", 0, "INCR k");
    redisReply *r = redisCommand(c, "MGET n nothing");
    if (!r || r->type != REDIS_REPLY_ARRAY || r->elements != 2
        || strcmp(r->element[0]->str, "41") != 0
        || r->element[1]->type != REDIS_REPLY_NIL) {
        fail("MGET", c, r);
    }
    freeReplyObject(r);
}

static void check_pipeline(redisContext *c)
{
    for (int i = 0; i < PIPELINE_COUNT; i++) {
        if (redisAppendCommand(c, "SET p:%d %d", i, i) != REDIS_OK
            || redisAppendCommand(c, "INCR p:%d", i) != REDIS_OK) {
            fail("append", c, NULL);
        }
    }
    for (int i = 0; i < 2 * PIPELINE_COUNT; i++) {
        redisReply *r;
        if (redisGetReply(c, (void **)&r) != REDIS_OK) {
            fail("a pipeline's reply", c, NULL);
        }
        bool ok = i % 2 ? r->type == REDIS_REPLY_INTEGER
                              && r->integer == i / 2 + 1
                        : r->type == REDIS_REPLY_STATUS;
        if (!ok) {
            fail("a pipeline's order", c, r);
        }
        freeReplyObject(r);
    }
}

static void check_big_value(redisContext *c)
{
    char *big = malloc(BIG_BYTES);
    if (!big) {
        fail("malloc", c, NULL);
    }
    memset(big, 'x', BIG_BYTES);
    expect(c, REDIS_REPLY_STATUS, "OK", 0, "SET big %b", big,
           (size_t)BIG_BYTES);
    redisReply *r = redisCommand(c, "GET big");
    if (!r || r->type != REDIS_REPLY_STRING || (size_t)r->len != BIG_BYTES
        || memcmp(r->str, big, BIG_BYTES) != 0) {
        fail("the big value", c, NULL);
    }
    freeReplyObject(r);
    free(big);
}

static void check_restart(redisContext *c, const char *password)
{
    char line[16];
    printf("restart\n");
    (void)fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) {
        fail("the test's word", c, NULL);
    }
    if (redisCommand(c, "PING") != NULL) {
        fail("a lost connection was not noticed", c, NULL);
    }
    if (redisReconnect(c) != REDIS_OK) {
        fail("reconnect", c, NULL);
    }
    check_login(c, password);
    expect(c, REDIS_REPLY_STATUS, "OK", 0, "SET after 1");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    redisContext *c = connect_to(atoi(argv[1]));
    check_login(c, argv[2]);
    check_families(c);
    check_pipeline(c);
    check_big_value(c);
    check_restart(c, argv[2]);
    redisFree(c);
    printf("ok\n");
    return 0;
}
