/* connection: a session with its socket: bytes in, requests out of them, replies
 * on their way. Threads: its worker. */
#ifndef ENGRAM_SERVER_CONNECTION_H
#define ENGRAM_SERVER_CONNECTION_H

#include "server/server_priv.h"

/* Input that has come and was not yet taken as requests. While it fits, it is
 * the loop's own receive buffer, borrowed to the end of the turn. */
struct input {
    struct slice borrowed; /* used when `len` is 0 */
    uint8_t *bytes;        /* owned; NULL: none */
    size_t start, len, cap; /* bytes[start .. start + len) */
};

struct connection {
    struct session session; /* first: the session is the connection */
    struct worker *worker;
    struct conn *net;
    struct input in;
    struct decode_state decode;
    struct connection *prev, *next; /* all of the worker's */
    struct connection *ready_next;
    bool is_ready;  /* in the ready list */
    bool is_ended;  /* the peer will send no more */
    bool is_closing;
    bool is_unix;
    bool has_logged_in; /* ever, or there was no password to show */
    struct timer block_timer;  /* HOLD_KEYS: ends the wait */
    int64_t block_deadline_ms; /* unix; 0: none */
    /* monotonic */
    int64_t over_soft_since_ms; /* output above the soft limit; 0: it is not */
    int64_t closing_since_ms;   /* or since a byte has left after that */
};

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
/* Runs all that is ready on the worker, and queues the replies. */
void connections_run_ready(struct worker *w);
/* Ten times a second: idle sessions, limits over time. `now_ms` is monotonic. */
void connections_cron(struct worker *w, int64_t now_ms);
/* Has this session what an option of that kind asks for? */
bool session_is_permitted(const struct session *s, enum option_permit permit);
/* Bytes this session's buffers hold. */
size_t connection_bytes(const struct connection *c);

#endif
