/* hello: the shortest use. Each call waits for its reply, as a script would.
 *
 *   hello [URL]        redis://[user:password@]host[:port][/db] */
#include <stdio.h>

#include <engram/engram.h>

int main(int argc, char **argv)
{
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";

    enum engram_status st;
    struct engram_conn *c = engram_conn_create(&o, &st);
    if (c == NULL) {
        fprintf(stderr, "hello: %s\n", engram_status_text(st));
        return 1;
    }

    /* A value may hold blanks: only those in the format separate. */
    struct engram_reply *r =
        engram_call(c, &st, "SET greeting %s", "hello, world");
    engram_reply_destroy(&r);
    if (st == ENGRAM_OK) {
        r = engram_call(c, &st, "GET greeting");
    }
    if (st != ENGRAM_OK) {
        fprintf(stderr, "hello: %s (%s)\n", engram_status_text(st),
                engram_conn_error(c));
        engram_conn_destroy(&c);
        return 1;
    }
    printf("%s\n", engram_reply_text(r, NULL));
    engram_reply_destroy(&r);
    engram_conn_destroy(&c);
    return 0;
}
