/* stage: a connection, a server that says what the test wants, and a clock that
 * stands still. Client and server share a socketpair, a new one for each attempt
 * to connect; the transport between can refuse, or take a few bytes at a time. */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_STAGE_H
#define ENGRAM_TESTS_UNIT_CLIENT_STAGE_H

#include "client/conn_priv.h"

enum { STAGE_TEXT_BYTES = 64 * 1024 };

struct stage {
    struct engram_conn *c;
    struct engram_options options; /* change before stage_create_conn */
    int64_t now_us;
    int64_t fail_after; /* of the connection's memory; -1 */

    /* The transport. */
    int server_fd;         /* -1: nobody is connected */
    int refusals;          /* attempts still to be refused; -1: all */
    int silent_addresses;  /* to be tried in vain before the server's */
    bool is_slow;          /* connecting takes a turn */
    size_t write_bytes_max; /* 0: no limit */
    int writes_left;       /* then EAGAIN; -1: no limit */
    uint32_t attempts;
    bool is_write_crossed; /* a write waits until something has been read */
    bool is_read_crossed;  /* reads wait while there are no writes_left */

    /* What the callbacks wrote down: "ok:OK lost:2 connected ..." */
    char log[STAGE_TEXT_BYTES];
    size_t log_len;
    char said[STAGE_TEXT_BYTES]; /* what the server has read */
    size_t callbacks;            /* of commands */
};

/* The options are the defaults, but RESP2, so that there is no greeting. */
void stage_init(struct stage *s);
enum engram_status stage_create_conn(struct stage *s);
/* Creates, opens and turns until it is ready. */
void stage_begin(struct stage *s);
/* Destroys what there is and checks that every socket is closed. */
void stage_end(struct stage *s);

/* Turns the connection until it has nothing to do at this time. */
void stage_turn(struct stage *s);
void stage_pass_ms(struct stage *s, int64_t ms); /* and turns */

void stage_say(struct stage *s, const char *text); /* and turns */
void stage_say_bytes(struct stage *s, const void *data, size_t len);
/* What has come since the last call, CRLF shown as "|". */
const char *stage_hear(struct stage *s);
void stage_hang_up(struct stage *s); /* and turns */

/* What has been logged since the last call. */
const char *stage_log(struct stage *s);
void stage_note(struct stage *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Logs "STATUS:reply"; `arg` is the stage. */
void stage_on_reply(struct engram_conn *c, enum engram_status st,
                    const struct engram_reply *reply, void *arg);
/* The reply as text: "OK", "(error) ERR", "[a 1 [b]]", "{k v}". */
void stage_show_reply(const struct engram_reply *r, char *out, size_t cap);
/* Sends words; ENGRAM_OK is expected. */
void stage_send(struct stage *s, const char *format);

#endif
