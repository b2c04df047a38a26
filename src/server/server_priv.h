/* server_priv: the server's inside, for the files of this folder. */
#ifndef ENGRAM_SERVER_SERVER_PRIV_H
#define ENGRAM_SERVER_SERVER_PRIV_H

#include <stdatomic.h>

#include "base/chain.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pages.h"
#include "exec/exec.h"
#include "net/loop.h"
#include "resp/decode.h"
#include "server/commandlog.h"
#include "server/crash.h"
#include "server/latency.h"
#include "server/listening.h"
#include "server/oom.h"
#include "server/peaks.h"
#include "server/proc_title.h"
#include "server/rates.h"
#include "server/server.h"
#include "server/supervise.h"
#include "store/store.h"
#include "sync/gate.h"
#include "sync/lock.h"
#include "sync/mailbox.h"
#include "sync/thread.h"

enum { RUN_ID_LEN = 40 };

/* Written by its worker, read by any. */
struct worker_stats {
    struct counter sessions;             /* open now */
    struct counter connections_received; /* ever */
    struct counter connections_rejected; /* worker 0 */
    struct counter bytes_in, bytes_out;
    struct counter reads, writes;
    struct counter query_buffer_disconnects, output_buffer_disconnects;
    /* Waiting now, for a key or for the end of CLIENT PAUSE; of them, those
     * who wait until a time. */
    struct counter blocked, blocked_with_deadline;
    struct counter auth_denied; /* wrong passwords, ever */
    /* Largest of any session in the last seconds. */
    struct counter recent_max_input, recent_max_output;
    struct counter turns;
    struct counter turn_ticks, turn_ticks_max, turn_commands_max;
    struct counter cron_ticks, background_ticks; /* parts of turn_ticks */
    /* The longest slice of background work, by the clock; the one that had the
     * processor for longest, which may be another. */
    struct counter background_us_max, background_cpu_us_max;
};

/* What the watchdog knows of a worker; the housekeeper's. */
struct worker_watch {
    uint64_t turns;
    int64_t since_us; /* when they were found to have become that many */
    bool is_named;    /* in the log, as late */
};

struct connection;

/* A place in a worker's list of connections that stays good while they come and
 * go. */
struct connection_cursor {
    struct connection *next;          /* NULL: at the end */
    struct connection_cursor *others; /* the worker's, in use */
};

/* Sessions that ended for their output, as far as the log is concerned. */
struct output_ends {
    int64_t second; /* monotonic */
    uint32_t told;  /* in it, also those that then had no line */
    uint64_t untold;
};

struct worker {
    struct server *server;
    uint32_t index;
    struct loop *loop;
    struct exec *exec;
    struct mailbox mailbox;
    struct thread *thread; /* NULL for worker 0 */
    struct mem_account account; /* sessions, buffers */
    struct chunk_pool chunks;
    struct decode_args args; /* scratch for requests off the fast path */
    struct connection *connections; /* doubly linked, oldest first */
    struct connection *connections_last;
    struct connection_cursor *cursors;
    struct connection_cursor cron_cursor;
    int64_t look_ms; /* the earliest that a session of this round wants */
    struct peaks peaks;
    struct output_ends output_ends;
    struct connection *paused; /* their requests wait for CLIENT PAUSE's end */
    struct timer pause_timer;
    struct connection *monitors;      /* sessions that MONITOR */
    struct monitor_feed *feed;        /* what all of them are to see of this turn */
    /* Any thread's: monitors here, feeds on their way here, and that some were
     * not sent. */
    _Atomic(uint32_t) monitor_count;
    _Atomic(uint64_t) monitor_mail_bytes;
    _Atomic(bool) has_lost_mail;
    struct connection *ready;       /* have input to run, this turn */
    struct connection **ready_tail;
    bool has_more_ready; /* since the list was last gone through */
    struct timer cron; /* looks at sessions; due INT64_MAX: none wants it */
    struct timer tick; /* worker 0: server_cron */
    struct message notice;      /* in the mailbox while notices is not 0 */
    _Atomic(uint32_t) notices;  /* enum notice; any thread */
    struct worker_stats stats;
    uint64_t assigned_count;     /* worker 0: sessions given to this one */
    struct counter closed_count; /* of those, over; written by this one */
    bool is_stopping;
    struct crash_thread trace;
    struct worker_watch watch;
};

/* TCP addresses and the Unix socket. */
enum { LISTENERS_MAX = LISTEN_ADDRESSES_MAX + 1 };

/* struct output_limit, for all workers to read. */
struct shared_output_limit {
    _Atomic(uint64_t) hard_bytes, soft_bytes, soft_seconds;
};

struct server {
    struct options options; /* written under config_lock */
    struct lock config_lock;
    char *config_path; /* absolute; NULL: none */
    struct log *log;
    struct mem_account account; /* shared: whatever is nobody else's */
    struct pages *pages;
    struct store *store;
    struct cmd_table *commands;
    struct gate *gate; /* NULL: one worker, one shard */
    struct exec_shared exec_shared;
    struct interests *interests;
    struct change_sink sink; /* nobody listens yet: put is NULL */
    struct worker *workers;
    uint32_t worker_count;
    struct listening listening; /* under config_lock */
    struct { struct listener *listener; int fd; } listeners[LISTENERS_MAX];
    uint32_t listener_count;    /* both worker 0's */
    /* Files that go when the server does. */
    bool has_unix_socket, has_pidfile;
    struct thread *housekeeper; /* pre-faults, trims, reclaims */
    struct signal_event housekeeper_wake; /* set: look now */
    struct oom oom; /* under config_lock, as what follows */
    struct proc_title *title; /* NULL: the process keeps its name */
    enum supervisor supervisor; /* who started us */
    struct crash crash;
    struct crash_thread main_trace, housekeeper_trace;
    _Atomic(int64_t) watchdog_us; /* watchdog-period; 0: off */
    bool is_watched, is_stall_shown; /* housekeeper */
    char run_id[RUN_ID_LEN + 1], replication_id[RUN_ID_LEN + 1];
    int64_t start_wall_ms;
    double ticks_per_us;
    const char *io_engine; /* "io_uring" or "epoll", as chosen */
    _Atomic(bool) is_stopping;
    _Atomic(bool) is_cron_paused; /* DEBUG PAUSE-CRON */
    struct lock stop_lock;       /* held while workers are being woken */
    struct barrier loops_ended;  /* no loop is closed before all have ended */
    _Atomic(bool) is_half_started; /* not all threads came up: do not wait */
    _Atomic(uint64_t) session_count; /* ever: the newest one's id */
    uint32_t accept_next;            /* worker 0: where its search begins */
    _Atomic(uint64_t) max_clients;   /* copies of options read on hot paths */
    _Atomic(bool) is_protected;      /* strangers are turned away */
    _Atomic(uint64_t) memory_limit;
    _Atomic(uint64_t) query_buffer_limit;
    struct shared_output_limit output_limits[CLIENT_CLASS_COUNT];
    _Atomic(uint32_t) timeout_s, keepalive_s, hz;
    _Atomic(uint64_t) used_memory_peak; /* raised by whoever sums */
    struct commandlog commandlog;
    struct latency_monitor latency;
    struct rates rates;              /* sampled by worker 0 */
    int64_t sampled_us;              /* and when, by its clock */
    uint64_t changes_seen;           /* worker 0: what others were told of */
    int64_t wall_offset_ms;          /* worker 0: wall clock less monotonic */
    /* used memory when ready, and what of it the workers' accounts hold */
    size_t startup_bytes, startup_clients_bytes;
};

/* Every account summed: what INFO calls used_memory; raises the peak. From a
 * worker inside the gate. */
size_t server_used_memory(struct server *s);
uint64_t server_used_memory_peak(const struct server *s);
void server_reset_peak(struct server *s); /* to what is used now */
/* exec's memory_check: looks at maxmemory anew; how many bytes one worker may
 * add before it must be asked again. */
int64_t server_memory_check(void *server);
/* Notes the totals that INFO shows as rates; worker 0. (info.c) */
void info_sample(struct server *s);
/* All sections, into the log, where they are part of a report. (info.c) */
void info_report(struct server *s);
/* `hz` times a second, on worker 0: memory against its limit, peak, rates; tells
 * the workers, who may be asleep, of keys that have changed and of a wall clock
 * that was set. */
void server_cron(struct server *s);
/* Copies options to where the hot paths read them; after CONFIG SET. */
void server_apply_options(struct server *s);

/* Writes the config file anew and replies; `all`: a line for every option.
 * (config_cmds.c) */
void config_rewrite_file(struct cmd_ctx *c, bool all);

/* Rows of the administrative commands, each ends without name. */
extern const struct cmd_spec config_cmds[];   /* config_cmds.c */
extern const struct cmd_spec info_cmds[];     /* info.c: INFO */
extern const struct cmd_spec commandlog_cmds[]; /* COMMANDLOG, SLOWLOG */
extern const struct cmd_spec debug_cmds[];    /* debug_cmds.c: DEBUG */
extern const struct cmd_spec memory_cmds[];   /* memory_cmds.c: MEMORY */
extern const struct cmd_spec lolwut_cmds[];   /* lolwut.c: LOLWUT */
extern const struct cmd_spec latency_cmds[];  /* latency_cmds.c: LATENCY */
extern const struct cmd_spec command_cmds[];  /* command_cmds.c: COMMAND */
extern const struct cmd_spec auth_cmds[];     /* auth_cmds.c: AUTH, HELLO, RESET */
extern const struct cmd_spec client_cmds[];   /* client_cmds.c: CLIENT */
extern const struct cmd_spec server_cmds[];   /* server_cmds.c: SHUTDOWN, ROLE */
/* All rows there are, those of src/commands too; ends with NULL. */
extern const struct cmd_spec *const server_families[]; /* server.c */

#endif
