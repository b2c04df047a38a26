/* commandlog: commands that took long, came large or were answered large: the
 * newest of each kind, up to a number, for COMMANDLOG and SLOWLOG to show.
 *
 * Threads: any worker adds and reads; a lock (LEAF) guards the lists. Limits are
 * atomics, written when options change.
 * Memory: the account given; an entry for which there is none is not kept. */
#ifndef ENGRAM_SERVER_COMMANDLOG_H
#define ENGRAM_SERVER_COMMANDLOG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/slice.h"
#include "resp/reply.h"
#include "sync/lock.h"

enum commandlog_kind {
    COMMANDLOG_SLOW, COMMANDLOG_REQUEST, COMMANDLOG_REPLY, COMMANDLOG_KINDS,
};

enum {
    COMMANDLOG_ARGS_MAX = 32,      /* kept of a command, a remark included */
    COMMANDLOG_ARG_BYTES_MAX = 128, /* of each */
};

struct commandlog_entry;

struct commandlog_list {
    struct commandlog_entry *newest, *oldest;
    uint64_t count, next_id;
    _Atomic(int64_t) limit;       /* us or bytes; < 0: off */
    _Atomic(uint64_t) entries_max;
};

struct commandlog {
    struct lock lock;
    struct mem_account *account;
    struct commandlog_list lists[COMMANDLOG_KINDS];
};

/* What is noted of a command. Borrowed. Where secret(arg, i) is true, argv[i]
 * is replaced. */
struct commandlog_call {
    const struct slice *argv;
    uint32_t argc;
    bool (*secret)(const void *arg, uint32_t i);
    const void *secret_arg;
    const char *address, *name; /* the session's */
    int64_t time_s;             /* unix */
};

/* Everything off. */
void commandlog_init(struct commandlog *l, struct mem_account *account);
void commandlog_deinit(struct commandlog *l);
void commandlog_set_limits(struct commandlog *l, enum commandlog_kind kind,
                           int64_t limit, uint64_t entries_max);
/* Is a command with that value (us, bytes) to be noted? */
bool commandlog_wants(const struct commandlog *l, enum commandlog_kind kind,
                      uint64_t value);
void commandlog_add(struct commandlog *l, enum commandlog_kind kind,
                    uint64_t value, const struct commandlog_call *call);
uint64_t commandlog_len(struct commandlog *l, enum commandlog_kind kind);
void commandlog_reset(struct commandlog *l, enum commandlog_kind kind);
/* Replies the newest `max` entries as an array, newest first. */
void commandlog_reply(struct commandlog *l, enum commandlog_kind kind,
                      uint64_t max, struct reply *r);

#endif
