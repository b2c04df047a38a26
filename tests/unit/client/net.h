/* net: a cluster of servers in this process, and a clock that stands still. The
 * servers share one truth about the slots; a test changes it, and says what the
 * servers should answer instead of what they would.
 *
 * Server i is at "h:7000+i". It answers a command whose first argument is a key
 * with its own number and the command ("1 GET k"), if it serves the slot. */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_NET_H
#define ENGRAM_TESTS_UNIT_CLIENT_NET_H

#include "client/cluster_priv.h"

enum {
    NET_SERVERS_MAX = 8,
    NET_LINKS_MAX = 64,
    NET_CONNS_MAX = 64,
    NET_TEXT_BYTES = 256 * 1024,
    NET_PORT = 7000,
    NET_ARGS_MAX = 8,
};

/* A connection, as a server has it. */
struct net_link {
    int fd; /* -1: none */
    int server;
    bool is_asking, is_readonly;
    char *in;
    size_t in_len, in_cap;
    char *out;
    size_t out_len, out_cap;
};

struct net_server {
    bool is_down, is_silent;
    int master; /* -1: it is one */
    uint32_t connections, commands, maps, asked; /* so far */
    uint32_t reads_refused;
    const char *answer; /* protocol, in place of its own; not to the map */
    int answers_left;   /* of these; -1: all */
};

struct net {
    struct engram_cluster *k;
    struct engram_cluster_options options;
    struct engram_options conn_options;
    struct cluster_env env;
    int64_t now_us;
    int server_count;
    struct net_server servers[NET_SERVERS_MAX];
    int16_t owners[SLOTS_COUNT]; /* -1: nobody */
    int16_t migrating[SLOTS_COUNT]; /* the owner asks for this one; -1 */
    const char *map; /* protocol, in place of the truth */
    /* How often the command whose third argument is the place was executed. */
    uint8_t *executions;
    bool hides_hosts;

    struct engram_conn *conns[NET_CONNS_MAX]; /* on the program's loop */
    int attached;
    int refused_attachments; /* still to come */
    struct net_link links[NET_LINKS_MAX];

    char log[NET_TEXT_BYTES];
    size_t log_len;
    size_t callbacks;
    size_t errors, readies, drains;
    enum engram_status last_why;
    int last_retry_ms;
};

/* `masters` servers that share the slots evenly; of `servers`, the rest are their
 * replicas in turn. Server 0 is the seed. NULL-free; net_end frees it. */
struct net *net_create(int masters, int servers);
enum engram_status net_create_cluster(struct net *n);
/* Creates, opens, and turns until it has a map. */
void net_begin(struct net *n);
/* Destroys what there is; nothing is left attached or open. */
void net_end(struct net **n);

/* Until nobody has anything to do at this time. */
void net_turn(struct net *n);
void net_pass_ms(struct net *n, int64_t ms); /* in small steps, and turns */
/* Its connections break; it refuses new ones until it is set up again. */
void net_kill(struct net *n, int server);
/* Breaks the connections that stand. */
void net_cut(struct net *n, int server);

/* Logs "ok:reply " and the like; `arg` is the net. */
void net_on_reply(struct engram_cluster *k, enum engram_status st,
                  const struct engram_reply *reply, void *arg);
/* What has been logged since the last call. */
const char *net_log(struct net *n);
void net_note(struct net *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends words; ENGRAM_OK is expected. */
void net_send(struct net *n, const struct engram_cluster_how *how,
              const char *format, ...);
/* Turns, and compares what has been logged since the last call. */
void net_expect(struct net *n, const char *log);
int net_slot_of(const char *key);
void net_move_slot(struct net *n, const char *key, int to);
/* A key of a slot that this server owns; "k0", "k1" ... */
const char *net_key_of(const struct net *n, int server);
struct engram_cluster_counters net_counters(const struct net *n);

#endif
