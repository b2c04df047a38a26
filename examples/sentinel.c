/* sentinel: a connection that follows a master watched over by Redis Sentinel.
 * The program writes without end; have the master fail over (SENTINEL FAILOVER
 * NAME), and it goes on at the new one. After so many moves it reads what it
 * has written from a replica and ends.
 *
 *   sentinel NAME MOVES SENTINEL... */
#include <stdio.h>
#include <stdlib.h>

#include <engram/sentinel.h>

enum { REPLICA_TIMEOUT_MS = 3000 };

struct program {
    struct engram_loop *loop;
    struct engram_sentinel *sentinel;
    int moves_left;
    long long written;
    int ok;
};

static void on_read(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct program *p = arg;
    (void)c;
    printf("a replica has: %s\n", st == ENGRAM_OK
                                      ? engram_reply_text(reply, NULL)
                                      : engram_status_text(st));
    engram_loop_stop(p->loop);
}

static void read_from_replica(struct program *p)
{
    const struct engram_how how = { .timeout_ms = REPLICA_TIMEOUT_MS };
    printf("written: %lld\n", p->written);
    p->ok = engram_send(engram_sentinel_replica_conn(p->sentinel, 0), &how,
                        on_read, p, "GET sentinel:n") == ENGRAM_OK;
    if (!p->ok) {
        engram_loop_stop(p->loop);
    }
}

static void write_next(struct program *p);

/* An idempotent command is sent again wherever the master is then. */
static void on_written(struct engram_conn *c, enum engram_status st,
                       const struct engram_reply *reply, void *arg)
{
    struct program *p = arg;
    (void)c;
    if (st != ENGRAM_OK || engram_reply_is_error(reply)) {
        /* A master that has just become a replica says READONLY. */
        p->written--;
    }
    if (p->moves_left < 0) {
        read_from_replica(p);
    } else if (st != ENGRAM_CANCELLED) {
        write_next(p);
    }
}

static void write_next(struct program *p)
{
    const struct engram_how again = { .flags = ENGRAM_IDEMPOTENT };
    p->written++;
    if (engram_send(engram_sentinel_conn(p->sentinel), &again, on_written, p,
                    "SET sentinel:n %lld", p->written) != ENGRAM_OK) {
        engram_loop_stop(p->loop);
    }
}

static void on_master(struct engram_sentinel *s, const char *host, int port,
                      void *arg)
{
    struct program *p = arg;
    (void)s;
    p->moves_left--;
    printf("the master is at %s:%d\n", host, port);
    fflush(stdout);
}

static void on_error(struct engram_sentinel *s, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct program *p = arg;
    (void)retry_ms;
    fprintf(stderr, "%s\n", engram_sentinel_error(s));
    if (why == ENGRAM_RESOLVE) {
        engram_loop_stop(p->loop);
    }
}

int main(int argc, char **argv)
{
    struct program p = { .loop = engram_loop_create() };
    struct engram_sentinel_options o;
    enum engram_status st = ENGRAM_NOMEM;
    if (argc < 4 || p.loop == NULL) {
        fprintf(stderr, "sentinel NAME MOVES SENTINEL...\n");
        return 2;
    }
    engram_sentinel_options_init(&o);
    o.master_name = argv[1];
    o.seeds = (const char *const *)(argv + 3);
    o.seed_count = (size_t)(argc - 3);
    o.hooks = engram_loop_hooks(p.loop);
    o.replicas = 1;
    o.on_master = on_master;
    o.on_error = on_error;
    o.arg = &p;
    p.moves_left = atoi(argv[2]);
    p.sentinel = engram_sentinel_create(&o, &st);
    if (p.sentinel == NULL) {
        fprintf(stderr, "sentinel: %s\n", engram_status_text(st));
    } else if (engram_sentinel_open(p.sentinel) == ENGRAM_OK) {
        write_next(&p);
        (void)engram_loop_run(p.loop);
    }
    engram_sentinel_destroy(&p.sentinel);
    engram_loop_destroy(&p.loop);
    return p.ok ? 0 : 1;
}
