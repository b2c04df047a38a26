/* keys: the table and the walk over a command's arguments.
 *
 * The table lists the exceptions: commands whose keys are not just the first
 * argument, or which have none. Others have their key there. Where
 * several keys can be told cheaply, all are looked at, so that a command that no
 * node can execute is not sent. */
#include "client/keys.h"

#include "base/number.h"

enum kind {
    KIND_RANGE,   /* keys from `first` by `step` up to `last` */
    KIND_COUNTED, /* their number stands at `first`, they behind it */
    KIND_STORE,   /* as COUNTED, and the target is argument 1 */
    KIND_STREAMS, /* behind the word STREAMS, the first half */
    KIND_MIGRATE, /* argument 3 or, where that is empty, behind KEYS */
    KIND_NONE,
    KIND_STATEFUL,
};

/* Argument 0 is the name. `last` counts from the end where it is negative: -1 is
 * the last argument. A `last` that is not there (OBJECT HELP): no key. */
struct row {
    const char *name;
    uint8_t kind;
    uint8_t first;
    int8_t last;
    uint8_t step;
};

#define ALL(name)             { name, KIND_RANGE, 1, -1, 1 }
#define BUT_LAST(name)        { name, KIND_RANGE, 1, -2, 1 }
#define PAIR(name)            { name, KIND_RANGE, 1, 2, 1 }
#define SECOND(name)          { name, KIND_RANGE, 2, 2, 1 }
#define COUNTED(name, at)     { name, KIND_COUNTED, at, 0, 1 }
#define STORE(name)           { name, KIND_STORE, 2, 0, 1 }
#define OTHER(name, which)    { name, which, 0, 0, 1 }
#define NO_KEY(name)          OTHER(name, KIND_NONE)
#define STATEFUL(name)        OTHER(name, KIND_STATEFUL)

/* In the order of strcmp. */
static const struct row rows[] = {
    NO_KEY("acl"),
    STATEFUL("asking"),
    STATEFUL("auth"),
    NO_KEY("bgrewriteaof"),
    NO_KEY("bgsave"),
    { "bitop", KIND_RANGE, 2, -1, 1 },
    PAIR("blmove"),
    COUNTED("blmpop", 2),
    BUT_LAST("blpop"),
    BUT_LAST("brpop"),
    PAIR("brpoplpush"),
    COUNTED("bzmpop", 2),
    BUT_LAST("bzpopmax"),
    BUT_LAST("bzpopmin"),
    NO_KEY("client"),
    NO_KEY("cluster"),
    NO_KEY("command"),
    NO_KEY("config"),
    PAIR("copy"),
    NO_KEY("dbsize"),
    NO_KEY("debug"),
    ALL("del"),
    STATEFUL("discard"),
    NO_KEY("echo"),
    COUNTED("eval", 2),
    COUNTED("eval_ro", 2),
    COUNTED("evalsha", 2),
    COUNTED("evalsha_ro", 2),
    STATEFUL("exec"),
    ALL("exists"),
    NO_KEY("failover"),
    COUNTED("fcall", 2),
    COUNTED("fcall_ro", 2),
    NO_KEY("flushall"),
    NO_KEY("flushdb"),
    NO_KEY("function"),
    PAIR("geosearchstore"),
    STATEFUL("hello"),
    NO_KEY("info"),
    NO_KEY("keys"),
    NO_KEY("lastsave"),
    NO_KEY("latency"),
    PAIR("lcs"),
    PAIR("lmove"),
    COUNTED("lmpop", 1),
    NO_KEY("lolwut"),
    SECOND("memory"),
    ALL("mget"),
    OTHER("migrate", KIND_MIGRATE),
    NO_KEY("module"),
    STATEFUL("monitor"),
    { "mset", KIND_RANGE, 1, -1, 2 },
    { "msetnx", KIND_RANGE, 1, -1, 2 },
    STATEFUL("multi"),
    SECOND("object"),
    ALL("pfcount"),
    ALL("pfmerge"),
    NO_KEY("ping"),
    STATEFUL("psubscribe"),
    STATEFUL("psync"),
    NO_KEY("publish"),
    NO_KEY("pubsub"),
    STATEFUL("punsubscribe"),
    STATEFUL("quit"),
    NO_KEY("randomkey"),
    STATEFUL("readonly"),
    STATEFUL("readwrite"),
    PAIR("rename"),
    PAIR("renamenx"),
    NO_KEY("replicaof"),
    STATEFUL("reset"),
    NO_KEY("role"),
    PAIR("rpoplpush"),
    NO_KEY("save"),
    NO_KEY("scan"),
    NO_KEY("script"),
    ALL("sdiff"),
    ALL("sdiffstore"),
    STATEFUL("select"),
    NO_KEY("shutdown"),
    ALL("sinter"),
    COUNTED("sintercard", 1),
    ALL("sinterstore"),
    NO_KEY("slaveof"),
    NO_KEY("slowlog"),
    PAIR("smove"),
    STATEFUL("ssubscribe"),
    STATEFUL("subscribe"),
    ALL("sunion"),
    ALL("sunionstore"),
    STATEFUL("sunsubscribe"),
    NO_KEY("swapdb"),
    STATEFUL("sync"),
    NO_KEY("time"),
    ALL("touch"),
    ALL("unlink"),
    STATEFUL("unsubscribe"),
    STATEFUL("unwatch"),
    NO_KEY("wait"),
    NO_KEY("waitaof"),
    STATEFUL("watch"),
    SECOND("xgroup"),
    SECOND("xinfo"),
    OTHER("xread", KIND_STREAMS),
    OTHER("xreadgroup", KIND_STREAMS),
    COUNTED("zdiff", 1),
    STORE("zdiffstore"),
    COUNTED("zinter", 1),
    COUNTED("zintercard", 1),
    STORE("zinterstore"),
    COUNTED("zmpop", 1),
    PAIR("zrangestore"),
    COUNTED("zunion", 1),
    STORE("zunionstore"),
};

/* As strcmp of the folded name and the row's. */
static int compare_name(struct slice name, const char *row)
{
    for (size_t i = 0; i < name.len; i++) {
        int c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
        int difference = c - (uint8_t)row[i];
        if (difference != 0) {
            return difference;
        }
    }
    return row[name.len] == '\0' ? 0 : -1;
}

static const struct row *row_of(struct slice name)
{
    size_t low = 0, high = sizeof rows / sizeof rows[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(name, rows[middle].name);
        if (order == 0) {
            return &rows[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* ---- slots, gathered ---- */

static enum keys_found add_key(struct slice key, uint16_t *slot)
{
    uint16_t its = slots_of_key(key);
    if (*slot != SLOT_NONE && *slot != its) {
        return KEYS_SEVERAL_SLOTS;
    }
    *slot = its;
    return KEYS_ONE_SLOT;
}

/* Argument numbers first, first + step ... last; `walk` stands before argument
 * `at`, and all of them are there. */
static enum keys_found add_range(struct command_walk *walk, size_t at,
                                 size_t first, size_t last, size_t step,
                                 uint16_t *slot)
{
    struct slice arg;
    for (; at <= last && command_walk_next(walk, &arg); at++) {
        if (at >= first && (at - first) % step == 0 &&
            add_key(arg, slot) == KEYS_SEVERAL_SLOTS) {
            return KEYS_SEVERAL_SLOTS;
        }
    }
    return *slot == SLOT_NONE ? KEYS_NONE : KEYS_ONE_SLOT;
}

/* Leaves the walk before argument `to`. */
static void skip_to(struct command_walk *walk, size_t at, size_t to)
{
    struct slice arg;
    while (at < to && command_walk_next(walk, &arg)) {
        at++;
    }
}

static enum keys_found find_range(const struct row *row, size_t argc,
                                  struct command_walk *walk, uint16_t *slot)
{
    int64_t last = row->last >= 0 ? row->last : (int64_t)argc + row->last;
    if (last < row->first || last >= (int64_t)argc) {
        return KEYS_NONE;
    }
    return add_range(walk, 1, row->first, (size_t)last, row->step, slot);
}

static enum keys_found find_counted(const struct row *row, size_t argc,
                                    struct command_walk *walk, uint16_t *slot)
{
    struct slice arg;
    uint64_t count;
    size_t at = row->first;
    skip_to(walk, 1, at);
    if (!command_walk_next(walk, &arg) || !number_parse_uint64(arg, &count) ||
        count == 0 || count >= argc - at) {
        return *slot == SLOT_NONE ? KEYS_NONE : KEYS_ONE_SLOT;
    }
    return add_range(walk, at + 1, at + 1, at + (size_t)count, 1, slot);
}

static enum keys_found find_stored(const struct row *row, size_t argc,
                                   struct command_walk *walk, uint16_t *slot)
{
    struct command_walk ahead = *walk;
    struct slice target;
    if (command_walk_next(&ahead, &target)) {
        (void)add_key(target, slot);
    }
    return find_counted(row, argc, walk, slot);
}

/* Leaves the walk behind the word; 0: it is not there. */
static size_t find_word(struct command_walk *walk, const char *word)
{
    struct slice arg;
    for (size_t at = 1; command_walk_next(walk, &arg); at++) {
        if (slice_equal_nocase(arg, word)) {
            return at;
        }
    }
    return 0;
}

static enum keys_found find_streams(size_t argc, struct command_walk *walk,
                                    uint16_t *slot)
{
    size_t word = find_word(walk, "streams");
    size_t count = word == 0 ? 0 : (argc - word - 1) / 2;
    if (count == 0) {
        return KEYS_NONE;
    }
    return add_range(walk, word + 1, word + 1, word + count, 1, slot);
}

static enum keys_found find_migrated(size_t argc, struct command_walk *walk,
                                     uint16_t *slot)
{
    struct command_walk ahead = *walk;
    struct slice key;
    skip_to(&ahead, 1, 3);
    if (!command_walk_next(&ahead, &key)) {
        return KEYS_NONE;
    }
    if (key.len > 0) {
        return add_key(key, slot);
    }
    size_t word = find_word(walk, "keys");
    if (word == 0 || word + 1 >= argc) {
        return KEYS_NONE;
    }
    return add_range(walk, word + 1, word + 1, argc - 1, 1, slot);
}

enum keys_found keys_find(const struct engram_command *cmd, uint16_t *slot)
{
    static const struct row usual = { "", KIND_RANGE, 1, 1, 1 };
    struct command_walk walk;
    struct slice name;
    command_walk_init(&walk, cmd);
    *slot = SLOT_NONE;
    if (!command_walk_next(&walk, &name)) {
        return KEYS_NONE;
    }
    const struct row *row = row_of(name);
    row = row == NULL ? &usual : row;
    switch ((enum kind)row->kind) {
    case KIND_RANGE: return find_range(row, cmd->argc, &walk, slot);
    case KIND_COUNTED: return find_counted(row, cmd->argc, &walk, slot);
    case KIND_STORE: return find_stored(row, cmd->argc, &walk, slot);
    case KIND_STREAMS: return find_streams(cmd->argc, &walk, slot);
    case KIND_MIGRATE: return find_migrated(cmd->argc, &walk, slot);
    case KIND_NONE: return KEYS_NONE;
    case KIND_STATEFUL: return KEYS_STATEFUL;
    }
    return KEYS_NONE;
}
