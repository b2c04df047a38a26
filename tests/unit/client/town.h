/* town: sentinels and the servers they watch, in this process, with a clock
 * that stands still. Each does what the test has set it to; nothing is elected.
 *
 * Whoever listens at port P is at "h:P". Servers answer every command with
 * their port and the command ("7001 GET k"). */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_TOWN_H
#define ENGRAM_TESTS_UNIT_CLIENT_TOWN_H

#include "client/sentinel_priv.h"

enum {
    TOWN_HOUSES_MAX = 12,
    TOWN_LINKS_MAX = 48,
    TOWN_TEXT_BYTES = 64 * 1024,
    TOWN_WORDS_MAX = 12,
    TOWN_LISTED_MAX = 4,
    TOWN_SENTINEL = 26379, /* the first one's port; the next is one more */
    TOWN_SERVER = 7000,
};

enum { FIRST = TOWN_SERVER, SECOND = TOWN_SERVER + 1, THIRD = TOWN_SERVER + 2 };

struct town_link {
    int fd; /* -1: none */
    int port;
    bool is_listening;
    char in[TOWN_TEXT_BYTES];
    size_t in_len;
};

struct town_house {
    int port;
    bool is_down, is_silent;
    const char *answer; /* protocol, to SENTINEL; NULL: what it believes */
    int master;         /* as it believes; 0: it knows none of that name */
    int epoch;          /* of that belief */
    int sentinels[TOWN_LISTED_MAX]; /* the others; 0: no more */
    int replicas[TOWN_LISTED_MAX];  /* 0: no more */
    const char *flags;  /* of all replicas */
    const char *role;   /* a server's; NULL: ROLE is refused */
    uint32_t links, subscriptions; /* so far */
};

struct town {
    struct engram_sentinel *s;
    struct engram_sentinel_options options;
    struct engram_options server, sentinel; /* pointed at by these */
    struct conn_env env;
    int64_t now_us;
    struct town_house houses[TOWN_HOUSES_MAX];
    size_t house_count;
    struct town_link links[TOWN_LINKS_MAX];
    struct engram_conn *conns[TOWN_LINKS_MAX]; /* on the program's loop */
    int attached;
    int refused_attachments; /* after so many; -1: none */
    char log[TOWN_TEXT_BYTES];
    size_t log_len;
    size_t callbacks;
};

/* Three sentinels that name the first of three servers, the others being its
 * replicas. The first sentinel is the seed. Never NULL. */
struct town *town_create(void);
enum engram_status town_create_sentinel(struct town *t);
/* Creates, opens, and turns until nobody has anything to do. */
void town_begin(struct town *t);
/* Destroys what there is; nothing is left attached or open. */
void town_end(struct town **t);

struct town_house *town_at(struct town *t, int port);
void town_turn(struct town *t);
void town_pass_ms(struct town *t, int64_t ms); /* in small steps, and turns */
/* Its links break. */
void town_cut(struct town *t, int port);
/* The same, and it refuses new ones. */
void town_kill(struct town *t, int port);
/* All sentinels name another master, with a new epoch. `is_told`: and say so,
 * those that somebody listens to. */
void town_move(struct town *t, int port, bool is_told);
/* The newest that a sentinel has. */
int town_epoch(const struct town *t);
/* To all who listen. */
void town_publish(struct town *t, const char *channel, const char *text);

/* What has been logged since the last call. */
const char *town_log(struct town *t);
void town_note(struct town *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends words to the master; ENGRAM_OK is expected. */
void town_send(struct town *t, uint32_t flags, const char *format);
/* Asks the master for "GET k" and compares what has been logged since. */
void town_expect_master(struct town *t, const char *answer);
/* Of replica `i`'s connection; 0: it is not ready. */
int town_replica_port(const struct town *t, size_t i);
int town_replica_ports(const struct town *t); /* their sum */
/* Logs "ok:reply" and the like; `arg` is the town. */
void town_on_reply(struct engram_conn *c, enum engram_status st,
                   const struct engram_reply *reply, void *arg);

#endif
