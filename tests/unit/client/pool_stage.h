/* pool_stage: a pool on a loop of the test's own, servers that are ends of
 * socketpairs, one for each connection, and a clock that stands still. */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_POOL_STAGE_H
#define ENGRAM_TESTS_UNIT_CLIENT_POOL_STAGE_H

#include "client/pool_priv.h"

enum { POOL_STAGE_LINKS = 64, POOL_STAGE_TEXT_BYTES = 8192 };

struct pool_stage {
    struct engram_pool *pool;
    struct engram_pool_options options; /* change before pool_stage_begin */
    struct engram_options conn;         /* of options.conn; RESP2 */
    int64_t now_us;
    int64_t pool_fail_after, conn_fail_after; /* -1 */

    int refusals;       /* attempts still to be refused; -1: all */
    int attach_failures; /* likewise, of the hook */
    uint32_t attempts;

    /* Those on the loop. */
    struct engram_conn *conns[POOL_STAGE_LINKS];
    size_t conn_count;
    struct pool_stage_link {
        int client_fd, server_fd; /* -1: not in use */
    } links[POOL_STAGE_LINKS];

    char log[POOL_STAGE_TEXT_BYTES]; /* what callbacks wrote down */
};

/* The options are the defaults. */
void pool_stage_init(struct pool_stage *s);
enum engram_status pool_stage_create(struct pool_stage *s);
/* Creates, opens and turns. */
void pool_stage_begin(struct pool_stage *s);
/* Destroys, and checks that nothing is left on the loop or connected. */
void pool_stage_end(struct pool_stage *s);

/* Until nothing is to be done at this time. */
void pool_stage_turn(struct pool_stage *s);
void pool_stage_pass_ms(struct pool_stage *s, int64_t ms); /* and turns */

/* The link of the connection, which must have one. */
struct pool_stage_link *pool_stage_link_of(struct pool_stage *s,
                                           const struct engram_conn *c);
/* Answers what has come on this link so far, +OK each, at most `max`; how many.
 * Does not turn. */
size_t pool_stage_answer(struct pool_stage_link *link, size_t max);
/* On all links, and turns, until no more comes. */
void pool_stage_answer_all(struct pool_stage *s);
void pool_stage_hang_up(struct pool_stage *s, struct pool_stage_link *link);

/* What has been written down since the last call, without its last blank. */
const char *pool_stage_log(struct pool_stage *s, char *out, size_t cap);
void pool_stage_note(struct pool_stage *s, const char *text);

#endif
