/* engram: an asynchronous client for servers that speak the Redis protocol,
 * whose memory has a limit.
 *
 * A connection (struct engram_conn) sends commands, many at a time, and calls
 * back with each reply. It has no global state and no thread; an event loop
 * tells it when its socket is ready: the small one below (engram_loop), one of
 * the adapters in engram/adapters, or any other through engram_conn_attach.
 *
 * Memory. A command's bytes are copied once, into chunks that are freed as the
 * kernel takes them. Two limits bound what waits: bytes (max_queued_bytes) and
 * commands (max_in_flight). Over a limit a send returns ENGRAM_WOULD_BLOCK and
 * changes nothing; on_drained is called when there is room again.
 *
 * Callbacks. What engram_send* takes calls back exactly once, with a reply or
 * with the reason why there is none, whatever happens. Callbacks come out of
 * engram_conn_on_ready, engram_conn_on_timer, engram_conn_close and
 * engram_conn_destroy (or what calls them: a loop, engram_call), never
 * out of engram_send*. In a callback everything may be called, destroying the
 * connection included, but for engram_call and running a loop.
 *
 * Threads. A connection or loop is used by one thread at a time. Different ones
 * share nothing. While a host's name is being looked up, that is done by a
 * thread that knows nothing of the program, calls nothing of it, takes none of
 * its signals and ends with the answer.
 *
 * Strings that are handed in are copied where they are needed for longer than
 * the call, unless a contract says "borrows". */
#ifndef ENGRAM_ENGRAM_H
#define ENGRAM_ENGRAM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(ENGRAM_BUILDING)
#define ENGRAM_API __attribute__((visibility("default")))
#else
#define ENGRAM_API
#endif

/* ---- what can happen ---- */

#define ENGRAM_STATUS_MAP(X)                                                 \
    X(OK, "ok")                                                              \
    /* From sending; nothing was taken. */                                   \
    X(WOULD_BLOCK, "a limit is reached; wait for on_drained")                \
    X(TOO_BIG, "the command is larger than max_queued_bytes")                \
    X(INVALID, "invalid argument")                                           \
    X(CLOSED, "the connection is closed")                                    \
    X(UNSUPPORTED, "not supported")                                          \
    X(NOMEM, "out of memory")                                                \
    /* Why a command got no reply. */                                        \
    X(TIMEOUT, "no reply within the time given")                             \
    X(NOT_SENT, "the connection broke before the command was sent")          \
    X(LOST, "the connection broke before the reply came; the server may "    \
            "have executed the command")                                     \
    X(CANCELLED, "the connection was closed by the program")                 \
    /* Why a connection ended. */                                            \
    X(RESOLVE, "the host's name has no address")                             \
    X(CONNECT, "the connection was refused or could not be made")            \
    X(HANDSHAKE, "the server refused HELLO, AUTH or SELECT")                 \
    X(DISCONNECTED, "the server closed the connection")                      \
    X(IO, "input/output error")                                              \
    X(PROTOCOL, "the server's reply is malformed or larger than the limits")

#define ENGRAM_STATUS_ENUM(name, text) ENGRAM_##name,
enum engram_status { ENGRAM_STATUS_MAP(ENGRAM_STATUS_ENUM) ENGRAM_STATUS_COUNT };
#undef ENGRAM_STATUS_ENUM

/* Static text, never NULL. */
ENGRAM_API const char *engram_status_text(enum engram_status st);

/* "0.1.0", of the library that runs. */
ENGRAM_API const char *engram_version(void);

/* ---- replies ---- */

enum engram_type {
    ENGRAM_TYPE_STATUS,   /* text: "OK" */
    ENGRAM_TYPE_ERROR,    /* text: "ERR unknown command ..." */
    ENGRAM_TYPE_STRING,   /* text: any bytes */
    ENGRAM_TYPE_VERBATIM, /* text without its prefix, see engram_reply_format */
    ENGRAM_TYPE_INTEGER,
    ENGRAM_TYPE_DOUBLE, /* also text, as the server wrote it */
    ENGRAM_TYPE_BIGNUM, /* text: decimal digits */
    ENGRAM_TYPE_BOOL,
    ENGRAM_TYPE_NULL,
    ENGRAM_TYPE_ARRAY,
    ENGRAM_TYPE_SET,
    ENGRAM_TYPE_MAP,      /* elements are key, value, key, value ... */
    ENGRAM_TYPE_PUSH,     /* only given to on_push */
    ENGRAM_TYPE_ATTRIBUTE /* only in streamed replies; trees leave it out */
};

/* A reply, or an element of one. What a callback is given lives until the
 * callback returns; engram_reply_copy keeps it. */
struct engram_reply;

ENGRAM_API enum engram_type engram_reply_type(const struct engram_reply *r);
/* Is it of type ENGRAM_TYPE_ERROR? */
ENGRAM_API int engram_reply_is_error(const struct engram_reply *r);
/* The bytes, *len of them, followed by a NUL that is not counted; `len` may be
 * NULL. Types without text: "", 0. Never NULL. */
ENGRAM_API const char *engram_reply_text(const struct engram_reply *r,
                                         size_t *len);
/* INTEGER and BOOL (0 or 1); 0 for all others. */
ENGRAM_API int64_t engram_reply_integer(const struct engram_reply *r);
/* DOUBLE and INTEGER; 0 for all others. May be infinite or not a number. */
ENGRAM_API double engram_reply_double(const struct engram_reply *r);
/* VERBATIM: "txt", "mkd"; else "". */
ENGRAM_API const char *engram_reply_format(const struct engram_reply *r);
/* ARRAY, SET, PUSH: the elements; MAP: twice the pairs; else 0. */
ENGRAM_API size_t engram_reply_count(const struct engram_reply *r);
/* NULL where `i` is not less than the count. */
ENGRAM_API const struct engram_reply *
engram_reply_at(const struct engram_reply *r, size_t i);
/* MAP (and an ARRAY of pairs, as RESP2 has it): the value behind the first key
 * that is this text; NULL: there is none. */
ENGRAM_API const struct engram_reply *
engram_reply_lookup(const struct engram_reply *r, const char *key);

/* A copy that lives until it is destroyed, independent of the connection.
 * NULL: out of memory. */
ENGRAM_API struct engram_reply *
engram_reply_copy(const struct engram_reply *r);
/* Only what engram_reply_copy or engram_call returned; *r may be NULL. */
ENGRAM_API void engram_reply_destroy(struct engram_reply **r);

/* ---- connections ---- */

struct engram_conn;

/* Connected, greeted and ready, the first time or again. */
typedef void engram_connected_fn(struct engram_conn *c, void *arg);
/* A connection, or an attempt at one, has ended; engram_conn_error says more.
 * The commands concerned have been called back. `retry_ms` < 0: for good,
 * the connection is closed; else it tries again after that time. */
typedef void engram_disconnected_fn(struct engram_conn *c,
                                    enum engram_status why, int retry_ms,
                                    void *arg);
/* What came without being asked for: RESP3 pushes; messages and confirmations
 * of subscriptions in RESP2 too (an ARRAY then); MONITOR's lines (a STATUS). */
typedef void engram_push_fn(struct engram_conn *c,
                            const struct engram_reply *push, void *arg);
/* There is room again after ENGRAM_WOULD_BLOCK. */
typedef void engram_drained_fn(struct engram_conn *c, void *arg);

struct engram_options {
    size_t size; /* set by engram_options_init */

    /* Where to. The first of fd, unix_path, url, host that is given. */
    int fd; /* a connected stream socket; taken. -1: none. Cannot reconnect. */
    const char *unix_path;
    /* redis://[user[:password]@]host[:port][/db], redis://:password@host,
     * unix:///path[?db=N]; %XX is a byte. rediss:// is redis:// with TLS.
     * It sets user, password and db below where it names them, and tls. */
    const char *url;
    /* A name or an address; default "127.0.0.1". A name is looked up for each
     * attempt, by a thread (getaddrinfo). */
    const char *host;
    int port;         /* default 6379 */

    /* Who, and how to begin. */
    const char *user; /* NULL: "default", where there is a password */
    const char *password;
    const char *client_name;
    int db;
    int protocol; /* 3 (default): HELLO 3, or RESP2 where that is unknown; 2 */

    /* Milliseconds; 0: no limit. */
    /* 5000; one attempt, from looking the name up to the greeting. A host's addresses are tried in
     * turn, each for half of what is left of it. */
    int connect_timeout_ms;
    int command_timeout_ms; /* 0 */
    /* A connection on which commands wait and no byte has come for so long
     * is dropped. Not while a command sent with ENGRAM_BLOCKING is the oldest. */
    int stall_timeout_ms; /* 30000 */
    int keepalive_s;      /* 60; seconds; TCP's probes */

    /* What is kept at most. */
    size_t max_queued_bytes;  /* 16 MiB */
    uint32_t max_in_flight;   /* 65536 commands not yet answered */
    size_t max_reply_bytes;   /* 1 GiB, what one reply takes in memory */
    uint32_t max_reply_depth; /* 32, at most 128 */

    /* After a connection ends, another is tried after backoff_min_ms, doubled
     * with each failure up to backoff_max_ms; up to half of each is left to
     * chance, so that many clients do not come back at once. */
    int reconnect;          /* 1: yes (default), 0: no */
    int backoff_min_ms;     /* 50 */
    int backoff_max_ms;     /* 5000 */
    uint32_t attempts_max;  /* failures in a row before it gives up; 0: never */

    /* Any may be NULL. */
    engram_connected_fn *on_connected;
    engram_disconnected_fn *on_disconnected;
    engram_push_fn *on_push;
    engram_drained_fn *on_drained;
    void *arg; /* given to these */

    /* TLS 1.2 or newer. What is NULL is not given. Files are PEM; for each
     * attempt to connect they are read anew, but for those that the connections
     * of a pool, a cluster or a sentinel share: these if they have changed. */
    int tls;                 /* 0; 1: encrypt; a rediss:// URL sets it */
    const char *tls_ca_file; /* whom to trust; neither file nor directory: */
    const char *tls_ca_dir;  /* whom the system trusts */
    const char *tls_cert_file; /* the client's, and those that lead up to it */
    const char *tls_key_file;  /* NULL: it is in tls_cert_file; unencrypted */
    const char *tls_ciphers;      /* of TLS 1.2, as OpenSSL writes them */
    const char *tls_ciphersuites; /* of TLS 1.3 */
    /* The name or address that the server's certificate must be for; a name is
     * also told to the server (SNI). NULL: the host; an fd or a Unix socket
     * has none, so that there it must be given, or tls_verify be 0. */
    const char *tls_server_name;
    int tls_verify; /* 1: the certificate must hold; 0: anybody's will do */
};

/* The defaults. */
#define engram_options_init(o) engram_options_init_sized((o), sizeof *(o))
ENGRAM_API void engram_options_init_sized(struct engram_options *o,
                                          size_t size);

/* Does not connect yet. NULL: *st says why (`st` may be NULL). */
ENGRAM_API struct engram_conn *
engram_conn_create(const struct engram_options *o, enum engram_status *st);
/* Closes, calls back what waits with ENGRAM_CANCELLED, detaches from the loop
 * and frees; *c becomes NULL and may be NULL. */
ENGRAM_API void engram_conn_destroy(struct engram_conn **c);

/* Begins to connect; whatever comes of it is told by the callbacks. Attach a
 * loop before or after. ENGRAM_INVALID: it is open. */
ENGRAM_API enum engram_status engram_conn_open(struct engram_conn *c);
/* At once; what waits is called back with ENGRAM_CANCELLED. Does not call
 * on_disconnected. May be opened again. */
ENGRAM_API void engram_conn_close(struct engram_conn *c);
/* Takes no more commands and closes when all are answered; then
 * on_disconnected is called with ENGRAM_OK. */
ENGRAM_API void engram_conn_finish(struct engram_conn *c);

/* Where the next attempt to connect goes: to another host and port, with all
 * else as it was. A connection that stands is left alone; close and open it, or
 * wait until it breaks. INVALID: a port out of range, or a connection made for
 * `fd` or a Unix socket. NOMEM: it still goes where it went. */
ENGRAM_API enum engram_status engram_conn_set_address(struct engram_conn *c,
                                                      const char *host,
                                                      int port);

/* Connected and greeted? */
ENGRAM_API int engram_conn_is_ready(const struct engram_conn *c);
ENGRAM_API int engram_conn_is_closed(const struct engram_conn *c);
/* 3 or 2; what was agreed on. */
ENGRAM_API int engram_conn_protocol(const struct engram_conn *c);
/* Why the last connection ended, for people: "connect 127.0.0.1:6379:
 * Connection refused". Valid until the next call; "" at first. */
ENGRAM_API const char *engram_conn_error(const struct engram_conn *c);
/* The `arg` of the options. */
ENGRAM_API void *engram_conn_arg(const struct engram_conn *c);

struct engram_counters {
    /* Now. */
    uint64_t memory_bytes; /* all that this connection holds */
    uint64_t queued_bytes; /* commands' bytes not taken by the kernel, or kept
                              to be sent again */
    uint64_t in_flight;    /* commands not called back or not yet answered */
    /* The most there has been of each. */
    uint64_t queued_bytes_peak;
    uint64_t in_flight_peak;
    /* Since it was created. */
    uint64_t commands;    /* taken by engram_send* */
    uint64_t replies;     /* of which answered */
    uint64_t timeouts;    /* of which called back with ENGRAM_TIMEOUT */
    uint64_t lost;        /* of which LOST, NOT_SENT or CANCELLED */
    uint64_t resent;      /* sent again after a reconnection */
    uint64_t would_block; /* sends refused by a limit */
    uint64_t pushes;
    uint64_t connections; /* times it became ready */
    uint64_t bytes_out;
    uint64_t bytes_in;
};
/* Fills the first `size` bytes, or fewer if the library knows fewer. */
ENGRAM_API void engram_conn_counters(const struct engram_conn *c,
                                     struct engram_counters *out, size_t size);

/* ---- sending ---- */

/* `st` ENGRAM_OK: `reply` is the reply, which may be of type ERROR. Else
 * `reply` is NULL and `st` says why there is none. */
typedef void engram_reply_fn(struct engram_conn *c, enum engram_status st,
                             const struct engram_reply *reply, void *arg);

/* A reply in pieces, as it arrives, for replies too large to be held. */
enum engram_event_kind {
    ENGRAM_EVENT_VALUE, /* a whole value without text, or with a short one */
    ENGRAM_EVENT_TEXT,  /* a piece of a STRING, VERBATIM or blob ERROR */
    ENGRAM_EVENT_OPEN,  /* an ARRAY, SET, MAP, PUSH or ATTRIBUTE begins */
    ENGRAM_EVENT_CLOSE  /* and ends */
};
struct engram_event {
    enum engram_event_kind kind;
    enum engram_type type;
    const char *text; /* VALUE, TEXT; no NUL behind it; lives as long as the
                         call */
    size_t len;
    int64_t number; /* INTEGER, BOOL; OPEN: the elements to come (MAP: twice
                       the pairs); TEXT: the bytes in all */
    int is_last;    /* TEXT: the last piece (it may be empty) */
    uint32_t depth; /* 0: the reply itself */
};
typedef void engram_event_fn(struct engram_conn *c,
                             const struct engram_event *e, void *arg);

enum engram_flag {
    /* The command may be sent again if the connection breaks before its reply
     * has come: executing it twice does no harm, and it does not depend on what
     * else was said on the connection (no MULTI, WATCH, SELECT before it). Its
     * bytes are kept, and count as queued, until the reply. */
    ENGRAM_IDEMPOTENT = 1,
    /* BLPOP, XREAD BLOCK, WAIT: no deadline but one that is given with it, and
     * no stall while it is the oldest. */
    ENGRAM_BLOCKING = 2,
    /* As a line of words, as a person would type it; only with
     * engram_send_argv, and only where every argument is a word: no blank,
     * quote, backslash or control character. ENGRAM_INVALID otherwise. */
    ENGRAM_INLINE = 4,
    /* It only reads, so that a replica may answer it, where engram/cluster.h has
     * been told that it may. Elsewhere it means nothing. */
    ENGRAM_READ = 8
};

/* How a command is sent; all zero is the usual way, and so is NULL. */
struct engram_how {
    uint32_t flags;
    int timeout_ms; /* 0: command_timeout_ms; < 0: none */
    /* Gets the reply in pieces; then on_reply is called with ENGRAM_OK and
     * a reply of type NULL. After a failure it may have got a part, and if the
     * command is sent again it starts anew at depth 0. */
    engram_event_fn *on_event;
};

/* All of these: ENGRAM_OK: taken, `on_reply` (which may be NULL) will be called
 * exactly once. ENGRAM_WOULD_BLOCK, TOO_BIG, INVALID, CLOSED, NOMEM: not taken,
 * never called. May be called before the connection is ready; the command
 * then waits for it, if need be through failed attempts, until its deadline.
 *
 * When a ready connection breaks, every command on it is called back with
 * ENGRAM_LOST, or ENGRAM_NOT_SENT if none of its bytes had left, but for
 * those marked ENGRAM_IDEMPOTENT: these are sent again, in their order.
 *
 * A command whose deadline passes is called back with ENGRAM_TIMEOUT. It goes on
 * counting as in flight until its reply comes, which is dropped, or the
 * connection ends.
 *
 * SUBSCRIBE and its kin are called back with their last confirmation; all of
 * them go to on_push too. CLIENT REPLY OFF and SKIP must not be sent. */

/* Arguments are separated by blanks in `format`; values that are put in may hold
 * anything, blanks too, and do not separate. %s a NUL-terminated string, %b a
 * const void * and a size_t, %c, %d %i %u %x %X %o with hh h l ll j z t, %f %e %g
 * (double) with flags, width and precision as in printf, %%. */
ENGRAM_API enum engram_status engram_send(struct engram_conn *c,
                                          const struct engram_how *how,
                                          engram_reply_fn *on_reply, void *arg,
                                          const char *format, ...);
ENGRAM_API enum engram_status
engram_send_va(struct engram_conn *c, const struct engram_how *how,
               engram_reply_fn *on_reply, void *arg, const char *format,
               va_list values);
/* `lens` NULL: the arguments are NUL-terminated. */
ENGRAM_API enum engram_status
engram_send_argv(struct engram_conn *c, const struct engram_how *how,
                 engram_reply_fn *on_reply, void *arg, size_t argc,
                 const char *const *argv, const size_t *lens);

/* A command that is put together argument by argument and may borrow large
 * ones instead of copying them. */
struct engram_command;
typedef void engram_release_fn(void *arg);

/* It belongs to the connection's memory: destroy or send it before the
 * connection is destroyed. NULL: out of memory. */
ENGRAM_API struct engram_command *
engram_command_create(struct engram_conn *c);
ENGRAM_API void engram_command_destroy(struct engram_command **cmd);
ENGRAM_API enum engram_status engram_command_add(struct engram_command *cmd,
                                                 const void *data, size_t len);
ENGRAM_API enum engram_status
engram_command_add_integer(struct engram_command *cmd, int64_t value);
/* Borrows `data` until `release(release_arg)`, which is called exactly once:
 * when the bytes have left (ENGRAM_IDEMPOTENT: when the reply has come, or the
 * command has failed) or, few as they are, have been copied, or when the command
 * is destroyed. On an error it is not borrowed. It may be called from
 * engram_send* and must not call back. */
ENGRAM_API enum engram_status
engram_command_add_borrowed(struct engram_command *cmd, const void *data,
                            size_t len, engram_release_fn *release,
                            void *release_arg);
/* Takes *cmd and nulls it on ENGRAM_OK only. */
ENGRAM_API enum engram_status
engram_send_command(struct engram_conn *c, const struct engram_how *how,
                    engram_reply_fn *on_reply, void *arg,
                    struct engram_command **cmd);

/* Writes what is queued as far as the kernel takes it now. Not needed: the loop
 * does it; it spares a foreign loop a turn after a batch of sends. */
ENGRAM_API void engram_conn_flush(struct engram_conn *c);

/* ---- event loops ---- */

enum { ENGRAM_READABLE = 1, ENGRAM_WRITABLE = 2 };

/* What the connection waits for. */
struct engram_wish {
    int fd;            /* -1: none now; not always a socket */
    unsigned events;   /* ENGRAM_READABLE, ENGRAM_WRITABLE */
    int64_t wake_at_ms; /* CLOCK_MONOTONIC; -1: no timer */
};
/* Called when the wish may have changed. It must only take note, and call none
 * of the connection's functions but engram_conn_wish. Before a socket is closed
 * it is called with a wish whose fd is -1. */
typedef void engram_wish_fn(struct engram_conn *c, void *loop);

/* From now on `on_wish` is called with `loop`, once immediately; NULL detaches
 * (it is not called for that, but it is with fd -1 before a destruction). */
ENGRAM_API void engram_conn_attach(struct engram_conn *c,
                                   engram_wish_fn *on_wish, void *loop);
ENGRAM_API struct engram_wish engram_conn_wish(const struct engram_conn *c);
/* The `loop` it is attached with; NULL: it is not, or is in an engram_loop. */
ENGRAM_API void *engram_conn_loop(const struct engram_conn *c);
/* The loop's part: what was wished for has come about. Too often is harmless.
 * After these the connection may be gone, if a callback destroyed it. */
ENGRAM_API void engram_conn_on_ready(struct engram_conn *c, unsigned events);
ENGRAM_API void engram_conn_on_timer(struct engram_conn *c);

/* A small loop over poll(2), for programs that have none. */
struct engram_loop;
ENGRAM_API struct engram_loop *engram_loop_create(void); /* NULL: no memory */
/* Its connections are detached, not destroyed. */
ENGRAM_API void engram_loop_destroy(struct engram_loop **loop);
/* A connection leaves when it is destroyed. */
ENGRAM_API enum engram_status engram_loop_add(struct engram_loop *loop,
                                              struct engram_conn *c);
/* Waits for at most `timeout_ms` (< 0: as long as it takes) and handles what
 * has come. ENGRAM_IO: poll failed. */
ENGRAM_API enum engram_status engram_loop_turn(struct engram_loop *loop,
                                               int timeout_ms);
/* Turns until engram_loop_stop, or until no connection is open. */
ENGRAM_API enum engram_status engram_loop_run(struct engram_loop *loop);
ENGRAM_API void engram_loop_stop(struct engram_loop *loop);

/* How those who make connections by themselves put them on the program's loop:
 * engram_loop_hooks, engram_libuv_hooks, engram_libevent_hooks, or one's own.
 * They are not callbacks: the connection, and what made it, are let alone. */
struct engram_hooks {
    /* ENGRAM_OK: `c` is on the loop now. */
    enum engram_status (*attach)(struct engram_conn *c, void *loop);
    /* Before `c` is destroyed, be it in a callback of its own. */
    void (*detach)(struct engram_conn *c, void *loop);
    void *loop;
};
ENGRAM_API struct engram_hooks engram_loop_hooks(struct engram_loop *loop);

/* ---- waiting for one reply ---- */

/* For scripts and tools: opens the connection if it is closed, sends, and
 * waits on this connection alone. NULL: *st says why. Other callbacks of
 * the connection are called meanwhile. Not in a callback (ENGRAM_INVALID).
 * Destroy the reply. */
ENGRAM_API struct engram_reply *engram_call(struct engram_conn *c,
                                            enum engram_status *st,
                                            const char *format, ...);
ENGRAM_API struct engram_reply *
engram_call_argv(struct engram_conn *c, enum engram_status *st, size_t argc,
                 const char *const *argv, const size_t *lens);

#ifdef __cplusplus
}
#endif

#endif
