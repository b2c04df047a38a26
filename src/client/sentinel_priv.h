/* sentinel_priv: a sentinel's body and what its files ask of each other.
 *
 *   sentinel.c         making, opening, closing, destroying
 *   sentinel_guide.c   the connection to one sentinel: whom to ask, and when
 *   sentinel_answer.c  what sentinels say
 *   sentinel_server.c  the connections that are led: master and replicas
 *
 * The guide asks, and leads the servers' connections where the answers say.
 * These wait (is_held) from the end of a link until there is an answer.
 *
 * Connections call in between sentinel_enter and sentinel_leave. What the
 * program does in a callback may end all of it: the memory goes back in the
 * outermost sentinel_leave. */
#ifndef ENGRAM_CLIENT_SENTINEL_PRIV_H
#define ENGRAM_CLIENT_SENTINEL_PRIV_H

#include <engram/sentinel.h>

#include "client/conn_priv.h"

enum {
    SENTINEL_SEEDS_MAX = 16,
    SENTINELS_MAX = 32, /* seeds, and those that are learned */
    SENTINEL_REPLICAS_MAX = 16,
    SENTINEL_LISTED_MAX = 64, /* replicas of an answer that are looked at */
    SENTINEL_HOST_BYTES = 256,
    SENTINEL_RETRY_US = 1000 * 1000, /* where something is missing still */
};

struct address {
    char host[SENTINEL_HOST_BYTES];
    int port; /* 0: none */
};

enum sentinel_whom { ASK_SAME, ASK_NEXT };

/* A connection that is led. */
struct sentinel_server {
    struct engram_sentinel *sentinel;
    struct engram_conn *conn;
    struct address at;
    bool is_ready;
    bool is_held;        /* until there is an answer */
    bool is_moving;      /* it is being sent elsewhere */
    int64_t retry_at_us; /* not before, be there an answer */
};

struct engram_sentinel {
    struct mem_account account;
    struct engram_sentinel_options options; /* texts and options: NULL */
    struct conn_env env;                    /* of its connections */
    struct random random;
    char *master_name;
    bool is_open, is_destroyed;
    uint32_t depth; /* of callbacks */

    /* The guide, at sentinels[current] or on its way there. It has the
     * alarm. */
    struct engram_conn *guide;
    struct address sentinels[SENTINELS_MAX]; /* first the seeds */
    size_t seed_count, sentinel_count;
    size_t current;
    size_t failed;          /* sentinels in a row */
    uint32_t rounds_failed; /* rounds of all sentinels, in a row */
    bool is_listening;      /* has subscribed */
    size_t questions;       /* whose answers are waited for */
    int64_t ask_at_us;      /* ask again; NO_DEADLINE: not yet known */
    bool is_next_asked;     /* then another one, not the same */
    size_t surveyed;        /* sentinels, since it was opened or lost its master */

    /* Which edition of the master's address is believed (config-epoch), and which
     * one the sentinel at hand has. Since one had an older one: how many have
     * been asked, and whether one of them could not be. */
    int64_t epoch, told_epoch;
    size_t outdated;
    bool is_one_missing;
    bool is_urgent; /* the master has moved, whereto is being asked */
    int64_t connect_at_us;  /* to the next one; NO_DEADLINE: it is under way */

    struct sentinel_server master;
    struct sentinel_server replicas[SENTINEL_REPLICAS_MAX];

    char error[ERROR_TEXT_BYTES];
    struct engram_sentinel_counters counters;
};

/* ---- sentinel.c ---- */
struct engram_sentinel *
sentinel_create_in(const struct engram_sentinel_options *o,
                   const struct conn_env *env, enum engram_status *st);
/* On the program's loop, which sees it with its tap. NULL: *st says why. */
struct engram_conn *sentinel_create_conn(struct engram_sentinel *s,
                                         const struct engram_options *o,
                                         const struct conn_tap *tap, void *arg,
                                         enum engram_status *st);
void sentinel_enter(struct engram_sentinel *s);
/* It may be gone afterwards. */
void sentinel_leave(struct engram_sentinel *s);
int64_t sentinel_now_us(const struct engram_sentinel *s);
bool address_equal(const struct address *a, const struct address *b);
/* False: the host is too long or empty, or the port is none. */
bool address_set(struct address *a, const char *host, int64_t port);

/* ---- sentinel_guide.c ---- */
extern const struct conn_tap sentinel_guide_tap; /* but for its arg */
void sentinel_guide_start(struct engram_sentinel *s);
void sentinel_guide_stop(struct engram_sentinel *s);
/* Asks at that time, or earlier if that is wanted already: the sentinel at hand,
 * or another. */
void sentinel_guide_ask(struct engram_sentinel *s, int64_t at_us,
                        enum sentinel_whom whom);
/* The sentinel at hand is of no use; error text set before. */
void sentinel_guide_fail(struct engram_sentinel *s, enum engram_status why);
/* It has named the master. */
void sentinel_guide_succeed(struct engram_sentinel *s);
/* "sentinel 10.0.0.1:26379: ..." */
void sentinel_set_error(struct engram_sentinel *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- sentinel_answer.c ---- */
/* Sends the questions. */
enum engram_status sentinel_question(struct engram_sentinel *s);
enum engram_status sentinel_listen(struct engram_sentinel *s);
void sentinel_hear(struct engram_sentinel *s, const struct engram_reply *push);

/* ---- sentinel_server.c ---- */
enum engram_status sentinel_server_create(struct engram_sentinel *s,
                                          struct sentinel_server *server,
                                          const struct engram_options *o,
                                          const char *role);
void sentinel_server_destroy(struct sentinel_server *server);
void sentinel_server_open(struct sentinel_server *server);
/* It belongs there. If it is there, or on its way, nothing happens; else it
 * goes, at once if `is_urgent`. NULL: it belongs nowhere, and waits. */
void sentinel_server_lead(struct sentinel_server *server,
                          const struct address *to, bool is_urgent);
/* Lets those that are held go where they were last. */
void sentinel_servers_let_go(struct engram_sentinel *s);
bool sentinel_has_idle_replica(const struct engram_sentinel *s);

#endif
