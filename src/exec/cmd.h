/* cmd: what a command is (a row and a short function) and all that its function
 * may use. The dispatcher has done the rest when run() is called: arity, rights,
 * state of the server, the keys found and hashed, their shards held.
 *
 * A command function parses, acts on values, replies: exactly one reply on
 * every path. It never sees a lock, a socket or another session. */
#ifndef ENGRAM_EXEC_CMD_H
#define ENGRAM_EXEC_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"
#include "exec/session.h"
#include "resp/reply.h"
#include "store/store.h"

struct exec;
struct cmd_ctx;

/* Flags as COMMAND shows them (the table maps bit to name), then ours. */
#define CMD_FLAG_MAP(X) \
    X(WRITE, "write") X(READONLY, "readonly") X(DENYOOM, "denyoom") \
    X(ADMIN, "admin") X(PUBSUB, "pubsub") X(NOSCRIPT, "noscript") \
    X(BLOCKING, "blocking") X(LOADING, "loading") X(STALE, "stale") \
    X(SKIP_MONITOR, "skip_monitor") X(SKIP_SLOWLOG, "skip_commandlog") \
    X(ASKING, "asking") X(FAST, "fast") X(NO_AUTH, "no_auth") \
    X(NO_MULTI, "no_multi") X(MOVABLE_KEYS, "movablekeys") \
    X(NO_ASYNC_LOADING, "no_async_loading") X(ALLOW_BUSY, "allow_busy") \
    X(NO_MANDATORY_KEYS, "no_mandatory_keys")
#define CMD_FLAG_BIT(name, text) CMD_BIT_##name,
enum cmd_flag_bit { CMD_FLAG_MAP(CMD_FLAG_BIT) CMD_FLAG_COUNT };
#undef CMD_FLAG_BIT
/* Ours, in bits behind those. */
enum cmd_own_flag_bit {
    CMD_BIT_ALL_SHARDS = CMD_FLAG_COUNT, /* runs with every shard held */
    CMD_BIT_NOT_PAUSED,    /* runs even while CLIENT PAUSE stops everything */
    CMD_BIT_MAY_REPLICATE, /* its effect goes to replicas, though it changes no
                              key */
    CMD_BIT_NOT_QUEUED,    /* runs at once between MULTI and EXEC, instead of
                              being queued */
    CMD_BIT_RUNS_QUEUE,    /* EXEC itself */
    CMD_BIT_WALKS,         /* the table's: it has a struct cmd_walk */
};
#define CMD_FLAG_VALUE(name, text) CMD_##name = 1u << CMD_BIT_##name,
enum cmd_flag {
    CMD_FLAG_MAP(CMD_FLAG_VALUE)
    CMD_ALL_SHARDS = 1u << CMD_BIT_ALL_SHARDS,
    CMD_NOT_PAUSED = 1u << CMD_BIT_NOT_PAUSED,
    CMD_MAY_REPLICATE = 1u << CMD_BIT_MAY_REPLICATE,
    CMD_NOT_QUEUED = 1u << CMD_BIT_NOT_QUEUED,
    CMD_RUNS_QUEUE = 1u << CMD_BIT_RUNS_QUEUE,
    CMD_WALKS = 1u << CMD_BIT_WALKS,
};
#undef CMD_FLAG_VALUE

/* Access-control categories, as ACL CAT and COMMAND INFO show them. */
#define CMD_CATEGORY_MAP(X) \
    X(KEYSPACE, "keyspace") X(READ, "read") X(WRITE, "write") X(SET, "set") \
    X(SORTEDSET, "sortedset") X(LIST, "list") X(HASH, "hash") \
    X(STRING, "string") X(BITMAP, "bitmap") X(HYPERLOGLOG, "hyperloglog") \
    X(GEO, "geo") X(STREAM, "stream") X(PUBSUB, "pubsub") X(ADMIN, "admin") \
    X(FAST, "fast") X(SLOW, "slow") X(BLOCKING, "blocking") \
    X(DANGEROUS, "dangerous") X(CONNECTION, "connection") \
    X(TRANSACTION, "transaction") X(SCRIPTING, "scripting")
#define CMD_CATEGORY_BIT(name, text) CAT_BIT_##name,
enum cmd_category_bit { CMD_CATEGORY_MAP(CMD_CATEGORY_BIT) CAT_COUNT };
#undef CMD_CATEGORY_BIT
#define CMD_CATEGORY_VALUE(name, text) CAT_##name = 1u << CAT_BIT_##name,
enum cmd_category { CMD_CATEGORY_MAP(CMD_CATEGORY_VALUE) };
#undef CMD_CATEGORY_VALUE

/* Where the keys stand. */
enum cmd_keys_kind {
    KEYS_KIND_NONE, KEYS_KIND_RANGE, KEYS_KIND_COUNTED, KEYS_KIND_DEST_COUNTED,
    KEYS_KIND_FOUND,
};
struct cmd_keys {
    uint8_t kind;
    int16_t first; /* RANGE: argv index; COUNTED: index of the number of keys */
    int16_t last;  /* RANGE: < 0 counts from the end (-1 the last) */
    int16_t step;  /* between keys */
};
#define KEYS_NONE ((struct cmd_keys){0})
#define KEYS_AT(i) ((struct cmd_keys){KEYS_KIND_RANGE, (i), (i), 1})
#define KEYS_RANGE(first, last, step) \
    ((struct cmd_keys){KEYS_KIND_RANGE, (first), (last), (step)})
/* Number of keys at argv[i], the keys right behind it, `step` apart. */
#define KEYS_COUNTED(i, step) \
    ((struct cmd_keys){KEYS_KIND_COUNTED, (i), 0, (step)})
/* A key at argv[i], which comes first; behind it a number, then that many. */
#define KEYS_DEST_COUNTED(i) \
    ((struct cmd_keys){KEYS_KIND_DEST_COUNTED, (i) + 1, 0, 1})
/* By the row's find_keys. */
#define KEYS_FOUND ((struct cmd_keys){.kind = KEYS_KIND_FOUND})

/* Finds the keys where no pattern does: as cmd_find_keys (table.h), and with
 * the same answer for the same arguments. Some are in find_keys.h. */
typedef int64_t cmd_find_keys_fn(const struct slice *argv, uint32_t argc,
                                 uint32_t *out);

typedef void cmd_run_fn(struct cmd_ctx *c);


/* A command that goes through the shards one after another (SCAN): run() is
 * called first with none held and says at which shard to begin (ctx_walk_from)
 * or replies itself; walk() is called with each shard held, in ascending order,
 * until it returns false or the shards are at an end; then end() replies. */
struct cmd_walk {
    bool (*step)(struct cmd_ctx *c, uint32_t shard);
    void (*end)(struct cmd_ctx *c);
};

struct cmd_spec {
    const char *name; /* lower case; a subcommand's own word */
    int16_t arity;    /* name included; < 0: at least -arity; subcommands count
                         both words */
    uint32_t flags;   /* enum cmd_flag */
    uint32_t categories; /* enum cmd_category beyond those that flags imply */
    struct cmd_keys keys;
    cmd_find_keys_fn *find_keys; /* KEYS_FOUND only */
    cmd_run_fn *run; /* NULL for a container: the dispatcher picks the sub */
    const struct cmd_walk *walk;
    const struct cmd_spec *subcommands; /* ends with name == NULL */
};

struct cmd_ctx {
    const struct cmd_spec *spec;
    const struct cmd *cmd; /* its place in the table */
    struct exec *exec;
    struct session *session;
    struct reply *reply;
    struct store *store;
    void *host; /* the server, for commands that live in src/server */
    const struct slice *argv;
    uint32_t argc;
    uint32_t database;
    const struct key *keys; /* as the spec finds them, in order */
    uint32_t key_count;
    int64_t now_ms; /* unix; the same for a whole batch */
    struct random *random;
    /* the dispatcher's */
    uint32_t changes;
    bool is_propagated;
    int64_t walk_shard; /* -1: no walk */
    void *walk_state;   /* the command's own between run, step and end */
    bool is_in_transaction;
    struct waiter *retry; /* on behalf of a session that waits for a key */
    bool is_blocked;      /* ctx_block has been called, with success */
};

/* ---- keys and values ---- */

/* For reading: NULL when missing or expired (the expired are deleted); counts
 * the hit or miss, notes the access. Valid until the next write. */
struct entry *ctx_read(struct cmd_ctx *c, const struct key *k);
/* Counts as ctx_read does, and notes the access whatever the session has asked
 * for (CLIENT NO-TOUCH). False: no such key. */
bool ctx_touch(struct cmd_ctx *c, const struct key *k);
/* As ctx_read, with no hit counted and no access noted (TTL, OBJECT, EXISTS-like
 * peeks use it). */
struct entry *ctx_peek(struct cmd_ctx *c, const struct key *k);
/* True if `e` is NULL or of the type; else replies WRONGTYPE and says false. */
bool ctx_check_type(struct cmd_ctx *c, const struct entry *e,
                    enum value_type type);
/* The longest string a command may make (proto-max-bulk-len). */
size_t ctx_string_max(const struct cmd_ctx *c);
/* In the session's database; for another one use ctx_keyspace. The status of a
 * failed write is already replied (-OOM ...): return at once on false. */
bool ctx_set_string(struct cmd_ctx *c, const struct key *k, struct slice value,
                    int64_t deadline_ms);
bool ctx_set_int(struct cmd_ctx *c, const struct key *k, int64_t value,
                 int64_t deadline_ms);
bool ctx_edit_string(struct cmd_ctx *c, const struct key *k, size_t len,
                     uint8_t **bytes);
bool ctx_set_deadline(struct cmd_ctx *c, const struct key *k,
                      int64_t deadline_ms);
bool ctx_delete(struct cmd_ctx *c, const struct key *k); /* false: no such key */
/* The keyspace a key lives in, of any database; NULL: nothing there. */
struct keyspace *ctx_keyspace(struct cmd_ctx *c, uint32_t database,
                              const struct key *k);
/* Made if absent; NULL: replied. */
struct keyspace *ctx_keyspace_make(struct cmd_ctx *c, uint32_t database,
                                   const struct key *k);
/* Opens the collection at `k` for change, after what has expired there is gone.
 * Where there is none, an empty one is made if `make`; else edit->entry is NULL
 * and nothing is open. False: replied (wrong type, no memory). The rules of
 * struct keyspace_edit hold until it is closed; reply after that. */
bool ctx_edit_open(struct cmd_ctx *c, const struct key *k, enum value_type type,
                   bool make, struct keyspace_edit *edit);
/* Closes what is open. A key whose collection has become empty is gone: true,
 * and its "del" event has been raised. So is a new one that has stayed empty, but
 * nobody has ever seen it: false, and no event. */
bool ctx_edit_close(struct cmd_ctx *c, const struct key *k,
                    struct keyspace_edit *edit);
/* Fields of the hash at `k` go that are due: this one, or (NULL) some of all.
 * The entry as it is then; NULL: it has gone with its last field. While CLIENT
 * PAUSE lasts they stay, to be hidden. */
struct entry *ctx_expire_fields(struct cmd_ctx *c, const struct key *k,
                                const struct slice *field);
/* Puts an entry, made by a type's functions with ctx_memory, at `k`, over what is
 * there. Takes it. False: replied. */
bool ctx_put(struct cmd_ctx *c, const struct key *k, struct entry *e);
/* What values stored under `k` are made of; NULL: replied. */
const struct entry_memory *ctx_memory(struct cmd_ctx *c, const struct key *k);
/* Where packed forms end. */
const struct value_limits *ctx_limits(const struct cmd_ctx *c);
/* Tells the memory limit of bytes that the arguments do not show. */
void ctx_note_growth(struct cmd_ctx *c, size_t bytes);
/* Replies the lines of a HELP. */
void ctx_reply_help(struct cmd_ctx *c, const char *const *lines, size_t count);
/* Replies the entry's string value (pinned when it is large). */
void ctx_reply_string(struct cmd_ctx *c, const struct entry *e);

/* ---- effects ---- */

/* Classes of keyspace events, by Redis's letters. */
enum event_class {
    EVENT_GENERIC = 'g', EVENT_STRING = '$', EVENT_LIST = 'l',
    EVENT_SET = 's', EVENT_HASH = 'h', EVENT_ZSET = 'z', EVENT_STREAM = 't',
    EVENT_EXPIRED = 'x',
    EVENT_EVICTED = 'e', EVENT_NEW = 'n',
};
/* This key was changed: counts as a change (the command goes to the sink as it
 * stands, unless ctx_propagate said otherwise) and raises the keyspace event. */
void ctx_changed(struct cmd_ctx *c, const struct key *k, enum event_class cls,
                 const char *event);
/* How a ...STORE command ends: `made` is put at `k`, or, if it is empty, nothing
 * is left there; the event is raised and the count replied. Takes `made`. */
void ctx_store_result(struct cmd_ctx *c, const struct key *k,
                      struct entry *made, enum event_class cls,
                      const char *event);
/* An event without a change. */
void ctx_notify(struct cmd_ctx *c, const struct key *k, enum event_class cls,
                const char *event);
/* Hands this to the sink in place of the command itself; may be called several
 * times. argc 0: nothing at all is propagated. */
void ctx_propagate(struct cmd_ctx *c, uint32_t argc, const struct slice *argv);

/* ---- arguments: each replies its error and returns false ---- */

/* "ERR value is not an integer or out of range" */
bool ctx_arg_int(struct cmd_ctx *c, uint32_t i, int64_t *out);
/* As above, and within [min, max], else "ERR value is out of range, value must
 * between MIN and MAX" */
bool ctx_arg_int_in(struct cmd_ctx *c, uint32_t i, int64_t min, int64_t max,
                    int64_t *out);
/* The number of a database there is, else "ERR DB index is out of range" */
bool ctx_arg_database(struct cmd_ctx *c, uint32_t i, uint32_t *out);
/* "ERR value is not a valid float" */
bool ctx_arg_double(struct cmd_ctx *c, uint32_t i, double *out);
bool ctx_arg_is(const struct cmd_ctx *c, uint32_t i, const char *word);
/* A relative or absolute expire time in seconds or ms made absolute unix ms;
 * "ERR invalid expire time in 'name' command" when <= 0 (unless `allow_past`)
 * or overflowing; not an integer: as ctx_arg_int. */
bool ctx_arg_deadline(struct cmd_ctx *c, uint32_t i, bool is_ms,
                      bool is_absolute, bool allow_past, int64_t *out_ms);

void ctx_error_syntax(struct cmd_ctx *c); /* "ERR syntax error" */
void ctx_error_status(struct cmd_ctx *c, enum status st);

/* ---- answering later ---- */

/* Nothing to take: the session waits until one of the first `count` keys of
 * c->keys holds a value of `type`, and the command is run again then, on its
 * behalf, by whoever changed that key. `deadline_ms` (unix; 0: for ever) ends it
 * with a null array. False: it may not wait (inside EXEC), the
 * command replies as it does when time is up. True: return without a reply. */
bool ctx_block(struct cmd_ctx *c, enum value_type type, uint32_t count,
               int64_t deadline_ms);
/* "ERR timeout is not a float or out of range", "ERR timeout is negative"; 0:
 * for ever. */
bool ctx_arg_timeout(struct cmd_ctx *c, uint32_t i, int64_t *deadline_ms);
/* Keys of a whole database are about to be flushed, or have been swapped with
 * another's (`database_count`: of all): their watchers and waiters are told. All
 * shards held. */
void ctx_flushing(struct cmd_ctx *c, uint32_t database);
void ctx_swapped(struct cmd_ctx *c, uint32_t a, uint32_t b);

/* May this command put its answer off? Not inside EXEC. */
bool ctx_may_hold(const struct cmd_ctx *c);
/* The session is on hold: it is answered later, by whoever calls exec_release
 * when the answer is written. The command returns without a reply. */
void ctx_hold(struct cmd_ctx *c);

/* ---- walking the shards ---- */
void ctx_walk_from(struct cmd_ctx *c, uint32_t shard, void *state);
/* Memory that lives until the reply of this command is written; NULL: replied. */
void *ctx_scratch(struct cmd_ctx *c, size_t bytes);

#endif
