/* pool: many commands through a few connections, and transactions beside them on
 * connections of their own. Each transaction adds one to a key as GET and SET,
 * and is begun anew if another was faster: WATCH tells.
 *
 *   pool [URL [TRANSACTIONS]] */
#include <stdio.h>
#include <stdlib.h>

#include <engram/pool.h>

struct play {
    struct engram_pool *pool;
    long wanted;    /* transactions */
    long open;      /* of these, and other commands, not done */
    long conflicts; /* transactions that had to be begun anew */
    long sum;
    int failed;
};

static void on_last(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    (void)c;
    p->sum = st == ENGRAM_OK ? atol(engram_reply_text(reply, NULL)) : -1;
    engram_pool_close(p->pool);
}

static void done(struct play *p)
{
    if (--p->open == 0 &&
        (p->failed || engram_pool_send(p->pool, NULL, on_last, p,
                                       "GET pool:n") != ENGRAM_OK)) {
        engram_pool_close(p->pool);
    }
}

static void fail(struct play *p, const char *what)
{
    if (!p->failed) {
        fprintf(stderr, "pool: %s; %s\n", what, engram_pool_error(p->pool));
    }
    p->failed = 1;
    done(p);
}

static void begin(struct play *p);

/* The end of a transaction, come what may: the connection is given back. */
static void on_exec(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    engram_pool_give(p->pool, c);
    if (st != ENGRAM_OK || engram_reply_is_error(reply)) {
        fail(p, engram_status_text(st));
        return;
    }
    if (engram_reply_type(reply) == ENGRAM_TYPE_NULL) {
        p->conflicts++;
        begin(p);
    }
    done(p);
}

static void on_get(struct engram_conn *c, enum engram_status st,
                   const struct engram_reply *reply, void *arg)
{
    long n = st == ENGRAM_OK ? atol(engram_reply_text(reply, NULL)) : 0;
    /* Where GET failed, MULTI does too, or EXEC answers with an error. */
    if (st != ENGRAM_OK ||
        engram_send(c, NULL, NULL, NULL, "MULTI") != ENGRAM_OK ||
        engram_send(c, NULL, NULL, NULL, "SET pool:n %ld", n + 1) !=
            ENGRAM_OK ||
        engram_send(c, NULL, on_exec, arg, "EXEC") != ENGRAM_OK) {
        on_exec(c, ENGRAM_NOT_SENT, NULL, arg);
    }
}

static void on_taken(struct engram_pool *pool, enum engram_status st,
                     struct engram_conn *c, void *arg)
{
    (void)pool;
    if (st != ENGRAM_OK) {
        fail(arg, engram_status_text(st));
    } else if (engram_send(c, NULL, NULL, NULL, "WATCH pool:n") != ENGRAM_OK ||
               engram_send(c, NULL, on_get, arg, "GET pool:n") != ENGRAM_OK) {
        on_exec(c, ENGRAM_NOT_SENT, NULL, arg);
    }
}

static void begin(struct play *p)
{
    p->open++;
    enum engram_status st = engram_pool_take(p->pool, on_taken, p);
    if (st != ENGRAM_OK) {
        fail(p, engram_status_text(st));
    }
}

static void on_incr(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    (void)c;
    (void)reply;
    if (st != ENGRAM_OK) {
        fail(arg, engram_status_text(st));
    } else {
        done(arg);
    }
}

/* The counter stands at 0: all at once. */
static void on_reset(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    for (long i = 0; st == ENGRAM_OK && i < p->wanted; i++) {
        begin(p);
        p->open++;
        enum engram_status sent = engram_pool_send(p->pool, NULL, on_incr, p,
                                                   "INCR pool:other");
        if (sent != ENGRAM_OK) {
            fail(p, engram_status_text(sent));
        }
    }
    on_incr(c, st, reply, p);
}

int main(int argc, char **argv)
{
    struct play p = { .wanted = argc > 2 ? atol(argv[2]) : 100, .open = 1 };
    struct engram_options conn;
    struct engram_pool_options o;
    struct engram_loop *loop = engram_loop_create();
    engram_options_init(&conn);
    conn.url = argc > 1 ? argv[1] : "redis://127.0.0.1:6379";
    conn.command_timeout_ms = 3000;
    engram_pool_options_init(&o);
    o.conn = &conn;
    o.hooks = engram_loop_hooks(loop);
    o.connections_max = 4;
    o.take_timeout_ms = 20000;
    p.pool = loop == NULL ? NULL : engram_pool_create(&o, NULL);
    if (p.pool != NULL && engram_pool_open(p.pool) == ENGRAM_OK &&
        engram_pool_send(p.pool, NULL, on_reset, &p, "SET pool:n 0") ==
            ENGRAM_OK) {
        struct engram_pool_counters k;
        engram_loop_run(loop);
        engram_pool_counters(p.pool, &k, sizeof k);
        printf("counted %ld of %ld\n", p.sum, p.wanted);
        printf("%ld begun anew; %llu connections, taken %llu times\n",
               p.conflicts, (unsigned long long)k.made,
               (unsigned long long)k.takes);
    }
    engram_pool_destroy(&p.pool);
    engram_loop_destroy(&loop);
    return p.sum == p.wanted && !p.failed ? 0 : 1;
}
