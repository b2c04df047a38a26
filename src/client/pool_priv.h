/* pool_priv: the pool's body and what its files ask of each other.
 *
 *   pool.c         making, opening, closing; what the loop brings
 *   pool_member.c  connections: made, closed, counted
 *   pool_send.c    which of them takes a command
 *   pool_take.c    who gets one for himself
 *
 * The anchor is a connection that is never opened: it knows what the others are
 * to be like, and rings the pool's alarm. Connections tell the pool of their
 * life by their taps.
 *
 * Whoever calls back stands between pool_enter and pool_leave; a pool that is
 * destroyed meanwhile is freed by the outermost pool_leave. Nothing is done out
 * of a send but to pick, make or refuse a connection. */
#ifndef ENGRAM_CLIENT_POOL_PRIV_H
#define ENGRAM_CLIENT_POOL_PRIV_H

#include <engram/pool.h>

#include "client/conn_priv.h"

enum { POOL_CONNECTIONS_MAX = 1024 };

struct pool_member {
    struct engram_pool *pool;
    struct engram_conn *conn;
    bool is_taken;
    int64_t used_at_us;   /* last, to send something or to be given back */
    int64_t reopen_at_us; /* where it is closed */
};

/* Somebody who wants a connection. */
struct pool_waiter {
    struct pool_waiter *next;
    engram_pool_taken_fn *on_taken;
    void *arg;
    int64_t deadline_us; /* REQUEST_NO_DEADLINE; never before an earlier one's */
    enum engram_status failure; /* why he gets none, from `failing` */
};

struct pool_waiters {
    struct pool_waiter *head, *tail;
};

struct engram_pool {
    struct mem_account account;
    struct engram_pool_options options; /* conn: NULL, see anchor */
    struct conn_env env;
    struct random random;
    struct engram_conn *anchor;

    struct pool_member **members; /* room for connections_max */
    uint32_t member_count;
    /* Gets no more commands, so that the first who waits can have it; NULL. */
    struct pool_member *reserved;
    struct pool_waiters waiters, failing;
    uint32_t waiting; /* in `waiters` */

    bool is_open, is_destroyed;
    uint32_t depth;   /* of callbacks */
    uint64_t session; /* another each time it is opened or closed */
    bool is_refusing; /* a send was refused; on_drained is owed */
    size_t refused_bytes;
    size_t kept_bytes; /* commands that are put together ask for one */

    char error[ERROR_TEXT_BYTES];
    struct engram_pool_counters counters; /* of members that are gone, too */
};

/* ---- pool.c ---- */
struct engram_pool *pool_create_in(const struct engram_pool_options *o,
                                   const struct conn_env *env,
                                   enum engram_status *st);
int64_t pool_now_us(const struct engram_pool *p);
void pool_enter(struct engram_pool *p);
/* The pool may be gone afterwards. */
void pool_leave(struct engram_pool *p);
/* The alarm rings at `at_us`, or earlier. */
void pool_wake(struct engram_pool *p, int64_t at_us);

/* ---- pool_member.c ---- */
/* Makes a connection and opens it. NULL: *st is NOMEM, or what the hook said. */
struct pool_member *pool_add(struct engram_pool *p, enum engram_status *st);
/* Takes it off the loop and destroys it; calls back what waits on it. */
void member_end(struct pool_member *m);
/* Adds what it has done, for a total of all. */
void member_count_past(const struct pool_member *m,
                       struct engram_pool_counters *to);
/* Ready, not taken, and with nothing in flight? */
bool member_is_free(const struct pool_member *m);
/* Could another be made, and is it worth while? Not after one has given up. */
bool pool_may_grow(const struct engram_pool *p);
/* The limits are the pool's, or the connection's own. */
void member_set_shared(struct pool_member *m, bool is_shared);
/* Closes who is not needed, opens who has given up; the time of the next. */
int64_t pool_tend(struct engram_pool *p, int64_t now_us);

/* ---- pool_send.c ---- */
/* Calls on_drained if it is owed and there is room. */
void pool_tell_drained(struct engram_pool *p);

/* ---- pool_take.c ---- */
/* Sees to it that a connection comes free, if somebody waits for one. Calls
 * nobody back. */
void pool_prepare(struct engram_pool *p);
/* Hands over what is free to those who wait. */
void pool_serve(struct engram_pool *p);
/* Those whose time has come. */
void pool_expire(struct engram_pool *p, int64_t now_us);
void pool_fail_waiters(struct engram_pool *p, enum engram_status why);

#endif
