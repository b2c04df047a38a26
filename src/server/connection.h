/* connection: a session with its socket: bytes in, requests out of them, replies
 * on their way. Threads: its worker. */
#ifndef ENGRAM_SERVER_CONNECTION_H
#define ENGRAM_SERVER_CONNECTION_H

#include "server/input.h"
#include "server/server_priv.h"

struct tour;

struct connection {
    struct session session; /* first: the session is the connection */
    struct worker *worker;
    struct conn *net;
    struct input in;
    struct decode_state decode;
    struct connection *prev, *next; /* all of the worker's, oldest first */
    struct connection *ready_next;
    struct connection *monitor_prev, *monitor_next; /* session.is_monitor */
    struct connection *paused_prev, *paused_next;   /* is_paused */
    struct tour *tour; /* that it waits for; NULL: none */
    bool is_ready;  /* in the ready list */
    bool is_ended;  /* the peer will send no more */
    bool is_closing;
    bool is_killed; /* to be closed at the end of the turn */
    bool is_blocked; /* waits for a key */
    bool is_paused; /* noted for the end of CLIENT PAUSE */
    bool is_unix;
    bool has_logged_in; /* ever, or there was no password to show */
    struct timer block_timer;  /* HOLD_KEYS: ends the wait */
    int64_t block_deadline_ms; /* unix; 0: none */
    bool no_evict, is_import_source, can_redirect; /* CLIENT NO-EVICT ... */
    uint64_t bytes_in, bytes_out;
    char *names; /* peer's and own, each NUL-terminated; NULL: not asked yet */
    /* monotonic */
    int64_t over_soft_since_ms; /* output above the soft limit; 0: it is not */
    int64_t closing_since_ms;   /* or since a byte has left after that */
};

/* Is it as good as gone? */
static inline bool connection_is_going(const struct connection *c)
{
    return c->is_closing || c->is_killed;
}

/* The session is the connection's first member. */
static inline struct connection *connection_of(struct session *s)
{
    return (struct connection *)(void *)s;
}

/* Takes fd. */
void connection_accept(struct worker *w, int fd);
/* Takes fd: says why and closes it. */
void connection_reject(struct worker *w, int fd, const char *text);

/* The loop's callbacks. */
void connection_on_data(void *arg, struct slice data);
void connection_on_end(void *arg, int error);
void connection_on_sent(void *arg, size_t bytes);
void connection_on_closed(void *arg);

/* exec's hooks: a session waits for a key, and does no longer. */
void connection_on_block(void *server, struct session *s, int64_t deadline_ms);
void connection_on_release(void *server, struct session *s);
/* Its input, or what was set aside, is looked at this turn, and its replies go
 * out. Its worker's thread, before or in connections_run_ready. */
void connection_make_ready(struct connection *c);
/* Ends it with this turn, unanswered; may be called from within a batch. */
void connection_kill(struct connection *c);

/* Walking through a worker's connections while others come and go: `next` is the
 * one to be looked at next, to be moved on before that; NULL: the end. */
void connections_enter(struct worker *w, struct connection_cursor *cur);
void connections_leave(struct worker *w, struct connection_cursor *cur);

/* Runs all that is ready on the worker, and queues the replies. */
void connections_run_ready(struct worker *w);
/* Idle sessions, limits over time, buffers' sizes: looks at all sessions or,
 * where they are many, at some. After how many microseconds to be called again;
 * INT64_MAX: none of them wants it before something comes. `now_ms` is
 * monotonic. */
int64_t connections_cron(struct worker *w, int64_t now_ms);
/* The class of client-output-buffer-limit it is in. */
enum client_class connection_class(const struct connection *c);
/* Has this session what an option of that kind asks for? */
bool session_is_permitted(const struct session *s, enum option_permit permit);
/* Bytes this session's buffers hold. */
size_t connection_bytes(const struct connection *c);
/* "127.0.0.1:50000", "/path:0": the peer's address and our own, which the system
 * is asked for once; "?:0" when memory is out. */
const char *connection_peer(struct connection *c);
const char *connection_local(struct connection *c);

#endif
