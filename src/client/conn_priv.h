/* conn_priv: the connection's body and what its files ask of each other.
 *
 *   send.c     takes commands         ->  out (chain), waiting (requests)
 *   link.c     states; writes; breaks ->  transport
 *   receive.c  bytes to replies       ->  callbacks
 *   timers.c   deadlines, the wish
 *
 * Whoever calls back stands between conn_enter and conn_leave, and after each
 * callback trusts nothing but the connection itself (which stays until the
 * outermost conn_leave) and looks at `epoch` before going on. */
#ifndef ENGRAM_CLIENT_CONN_PRIV_H
#define ENGRAM_CLIENT_CONN_PRIV_H

#include <engram/engram.h>

#include "base/chain.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/request.h"
#include "client/target.h"
#include "client/transport.h"
#include "client/tree.h"
#include "resp/decode_reply.h"

enum {
    ERROR_TEXT_BYTES = 256,
    FLUSH_BYTES_MAX = 512 * 1024,
    SHRINK_MS = 1000,        /* how long memory of a burst is kept */
    POOL_CHUNKS_MIN = 1,     /* what a quiet connection keeps */
    POOL_REQUESTS_MIN = 16,
};

enum link_state {
    LINK_CLOSED,
    LINK_WAITING, /* for its time to try again */
    LINK_RESOLVING, /* the host's name */
    LINK_CONNECTING,
    LINK_GREETING,
    LINK_READY,
};

/* The world, as tests replace it. */
struct conn_env {
    const struct transport_ops *transport; /* NULL: as the options want it */
    int64_t (*now_us)(void *arg);
    void *arg;         /* of now_us; and transport->state at first */
    lookup_find_fn *find; /* NULL: getaddrinfo */
    uint64_t seed;     /* of the jitter */
    int64_t fail_after; /* the account's, see base/mem.h */
};

struct subscriptions {
    int64_t channels, patterns, shard_channels;
    bool is_monitoring;
};

/* What stands on a connection (a cache, a pool) sees of it before the program
 * does. Each may be NULL. All are callbacks: everything may be done in them. */
struct conn_tap {
    bool is_sole; /* no cache may stand on it too */
    void (*on_ready)(struct engram_conn *c, void *arg);
    void (*on_ended)(struct engram_conn *c, enum engram_status why,
                     int retry_ms, void *arg);
    /* True: the push is not for the program. */
    bool (*on_push)(struct engram_conn *c, const struct engram_reply *push,
                    void *arg);
    /* The loop has been here, and all that came of it has been told. */
    void (*on_settled)(struct engram_conn *c, void *arg);
    void *arg;
};

typedef void conn_alarm_fn(struct engram_conn *c, void *arg);
struct conn_alarm {
    int64_t at_us; /* REQUEST_NO_DEADLINE: none */
    conn_alarm_fn *fn;
    void *arg;
};

struct engram_loop;

struct engram_conn {
    struct mem_account account;
    struct engram_options options; /* its strings are NULL, see target */
    struct target target;
    struct conn_env env;
    struct random random;
    int64_t now_us; /* as of the last entry from the loop, or a later send */

    /* The link. */
    enum link_state state;
    struct transport transport;
    uint64_t epoch; /* of the link; another after each end of one */
    uint32_t failures; /* in a row */
    int64_t ready_since_us;
    int64_t connect_deadline_us, retry_at_us;
    int64_t address_deadline_us; /* while connecting, to try the next one */
    bool is_adopted;  /* the handed-in socket has been used */
    bool is_finishing;
    bool is_destroyed;
    uint32_t callback_depth;
    enum engram_status last_why; /* of the last end of a link */
    enum engram_status write_failure; /* noticed while sending, dealt with at
                                         the next turn */
    char error[ERROR_TEXT_BYTES];

    /* Greeting. */
    uint8_t greeting_step;
    int protocol;
    /* What ROLE must say before any command is sent; NULL: it is not asked.
     * Such a connection is led by somebody who waits on other connections, so
     * that waiting on it alone (engram_call) may be for ever. */
    const char *role;

    /* Out. `first` is the greeting, `out` the commands. */
    struct chunk_pool pool;
    struct chain first, out;
    size_t kept_bytes;       /* see command_keep */
    uint64_t queued_end;     /* bytes ever put into `out` */
    uint64_t taken;          /* of these, taken by the kernel or dropped */
    bool is_unwritable;      /* the kernel took less than it was given */
    struct node_pool requests;
    struct shelf shelf; /* of commands that are kept */
    struct request_list waiting, failing;
    uint64_t line; /* another each time `waiting` is emptied by force */
    bool is_in_multi;
    bool is_watching; /* WATCH has been sent, and nothing that ends it */
    bool is_altered;  /* SELECT, CLIENT and the like; as long as the link */
    /* Used by several who do not know of each other: commands that change the
     * connection, or hold it up, are refused. */
    bool is_shared;
    size_t others_queued, others_in_flight; /* count against the limits too */
    bool is_refusing;     /* a send was refused; on_drained is owed */
    size_t refused_bytes; /* how large it was */

    /* In. */
    struct decode_reply_state decoder;
    struct decode_reply_limits limits;
    struct tree tree;
    uint8_t *rest; /* the beginning of a line whose end has not come */
    size_t rest_len, rest_cap;
    uint8_t reply_mode; /* enum reply_mode, of the reply being read */
    bool is_in_reply;
    bool is_delivering; /* a callback is looking at the tree */
    struct subscriptions subscriptions;
    int64_t last_progress_us; /* bytes came, or commands began to wait */

    /* Timers. */
    int64_t next_deadline_us; /* no command's is earlier; NO_DEADLINE: none */
    int64_t shrink_at_us;
    size_t peak_in_flight, peak_queued; /* since the last shrinking */

    struct conn_tap tap;
    struct conn_alarm alarm;

    engram_wish_fn *on_wish;
    void *loop;
    struct engram_wish told;     /* what the loop was told last */
    struct engram_loop *home;    /* the loop of our own it is in */

    struct engram_counters counters;
};

/* ---- conn.c ---- */
struct conn_env conn_real_env(void);
/* What connections are to be like, without where to; `from` NULL: the defaults.
 * The strings are the caller's. False: it is invalid. */
bool conn_copy_options(struct engram_options *to,
                       const struct engram_options *from);
struct engram_conn *conn_create_in(const struct engram_options *o,
                                   const struct conn_env *env,
                                   enum engram_status *st);
/* Keeps what it reads of TLS's files for its next attempts, and for those who
 * share it. Without memory to remember by, it does not. */
void conn_keep_tls(struct engram_conn *c);
/* `c` uses what `with` keeps. They have the same options of TLS. */
void conn_share_tls(struct engram_conn *c, const struct engram_conn *with);
/* What it was made with; the strings are the connection's. */
struct engram_options conn_recall_options(const struct engram_conn *c);
void conn_enter(struct engram_conn *c);
/* The connection may be gone afterwards. */
void conn_leave(struct engram_conn *c);
void conn_refresh_now(struct engram_conn *c);
/* The tap and the program, in this order. */
void conn_tell_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms);
void conn_set_error(struct engram_conn *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- link.c ---- */
void link_open(struct engram_conn *c);
/* What is watched while resolving is ready. */
void link_resolve(struct engram_conn *c);
/* The socket is ready while connecting. */
void link_advance(struct engram_conn *c);
/* The address at hand has had its time, and there is another. */
void link_try_next(struct engram_conn *c);
/* The greeting is done. */
void link_become_ready(struct engram_conn *c);
/* The link ends for `why`; error text set before. Tries again if it may. */
void link_break(struct engram_conn *c, enum engram_status why);
/* The same, from outside of its own callbacks; it may be gone afterwards. */
void link_leave(struct engram_conn *c, enum engram_status why);
/* One that waits for its time to try again does so at `at_us`;
 * REQUEST_NO_DEADLINE: when this is called again. */
void link_wait_until(struct engram_conn *c, int64_t at_us);
/* How long to wait after so many failures in a row; up to half is left to
 * chance. */
int link_backoff_ms(struct engram_conn *c, uint32_t failures);
/* Ends for good; all that waits is called back with `why`. */
void link_close(struct engram_conn *c, enum engram_status why);
/* Writes what it can. False: it failed; write_failure and error are set, to be
 * dealt with where callbacks are allowed. */
bool link_write(struct engram_conn *c);

/* ---- greeting.c ---- */
void greeting_begin(struct engram_conn *c);
void greeting_on_reply(struct engram_conn *c, const struct engram_reply *r);

/* ---- send.c ---- */
size_t conn_queued_bytes(const struct engram_conn *c);
/* Would its limits let so much be sent? */
bool conn_has_room(const struct engram_conn *c, size_t commands, size_t bytes);
/* As engram_send. */
enum engram_status conn_send_source(struct engram_conn *c,
                                    const struct engram_how *how,
                                    engram_reply_fn *on_reply, void *arg,
                                    const struct encode_source *s);
/* As engram_send_command, but the caller keeps `cmd`, which must be sealed or
 * whole, until the callback; the connection must be ready (else CLOSED), and its
 * limits are not asked. `is_asking`: right behind ASKING. */
enum engram_status conn_send_shared(struct engram_conn *c,
                                    const struct engram_how *how,
                                    engram_reply_fn *on_reply, void *arg,
                                    struct engram_command *cmd, bool is_asking);
/* Frees the request after its one callback. */
void request_finish(struct engram_conn *c, struct request *r,
                    enum engram_status st, const struct engram_reply *reply);
/* Calls back all in `failing`. */
void conn_fail_requests(struct engram_conn *c);
/* Calls on_drained if it is owed and there is room. */
void conn_tell_drained(struct engram_conn *c);

/* ---- receive.c ---- */
/* Reads what there is, up to a bound. */
void conn_receive(struct engram_conn *c);
void receive_reset(struct engram_conn *c);

/* ---- subscription.c ---- */
/* A reply that is complete; is it one that nobody asked for, in so many words?
 * *answered: it is also the last confirmation that `head` waits for. */
bool subscription_takes(struct engram_conn *c, const struct engram_reply *r,
                        bool *answered);
/* Could an array be a message, as RESP2 has them? */
bool subscription_is_mixed(const struct engram_conn *c);
/* `r` has been answered with `reply`. */
void subscription_note(struct engram_conn *c, const struct request *r,
                       const struct engram_reply *reply);
static inline bool request_is_subscription(enum request_kind kind)
{
    return kind >= REQUEST_SUBSCRIBE;
}

/* ---- timers.c ---- */
void timers_run(struct engram_conn *c);
void timers_note_deadline(struct engram_conn *c, int64_t deadline_us);
/* There is something to shrink, in a while. */
void timers_want_shrink(struct engram_conn *c);
/* Calls `fn` once, from the loop, when the connection's clock (now_us) has
 * reached `at_us`, whatever the link's state. One that is set replaces the one
 * before; REQUEST_NO_DEADLINE: none. It belongs to whose tap it is: `arg` is
 * the tap's too. */
void conn_set_alarm(struct engram_conn *c, int64_t at_us, conn_alarm_fn *fn,
                    void *arg);
/* Tells the loop, if the wish has changed. */
void conn_update_wish(struct engram_conn *c);
/* The wish of one without a socket, before it is closed. */
void conn_forget_fd(struct engram_conn *c);

/* ---- loop.c ---- */
void loop_remove(struct engram_loop *loop, struct engram_conn *c);
/* A turn of this connection alone. */
enum engram_status conn_wait(struct engram_conn *c);

#endif
