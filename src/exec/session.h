/* session: what executing commands knows of one connection. The server embeds
 * it in its connection; exec and the commands see only this.
 * Threads: owned by one worker. */
#ifndef ENGRAM_EXEC_SESSION_H
#define ENGRAM_EXEC_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/chain.h"
#include "resp/reply.h"

struct cmd;
struct saved_request;
struct transaction;
struct waiter;
struct watch;

enum { SESSION_NAME_MAX = 256 };

/* Why nothing more of a session runs for now. */
enum session_hold {
    HOLD_NONE,
    HOLD_ANSWER, /* its command is answered later: other workers are asked */
    HOLD_PAUSE,  /* CLIENT PAUSE: its request was set aside */
    HOLD_KEYS,   /* it waits for a key to have something */
};

/* Requests with memory of their own, oldest first. */
struct saved_queue {
    struct saved_request *head, *tail;
    uint32_t count;
};

struct session {
    uint64_t id;
    uint32_t worker;
    uint32_t database;
    struct reply reply; /* its chain is the connection's output */
    bool is_authenticated;
    bool close_after_reply; /* QUIT, protocol errors */
    bool is_http;           /* spoke HTTP: a cross-protocol attack */
    bool is_monitor;        /* MONITOR: it may not touch keys */
    bool reply_off;         /* CLIENT REPLY OFF */
    uint8_t reply_skip;     /* 2: skip the next one; 1: this one */
    char *name;             /* CLIENT SETNAME; NULL: none; owned */
    char *lib_name, *lib_version; /* CLIENT SETINFO; owned */
    uint8_t hold; /* enum session_hold; exec_release ends it */
    bool no_touch; /* CLIENT NO-TOUCH: reading does not count as use */
    struct saved_queue set_aside; /* what came behind, to run when released */
    struct waiter *waiter;        /* HOLD_KEYS: what it waits for */
    struct transaction *transaction; /* NULL: no MULTI */
    struct watch *watches;           /* WATCH: keys it has an eye on */
    /* One of them has changed; any worker, under the key's shard. */
    _Atomic(bool) is_watch_dirty;
    const struct cmd *last_command; /* NULL: none yet */
    uint64_t command_count;
    int64_t created_ms, last_active_ms; /* monotonic */
};

#endif
