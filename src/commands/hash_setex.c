/* hash_setex: HSETEX. The log and the replicas see no conditions, since they have
 * been looked at, and times in unix milliseconds. */
#include "base/number.h"
#include "commands/hash_options.h"
#include "commands/hash_priv.h"

/* What must hold of the key, or of every field. */
enum existence { EXISTS_ANY, EXISTS_NOT, EXISTS_ALREADY };

struct setex {
    struct hash_fields fields; /* count: pairs */
    enum existence of_key, of_fields;
    enum hash_expiry expiry;
    int64_t deadline_ms; /* as hash_set takes it */
};

static enum existence parse_existence(const struct cmd_ctx *c, uint32_t i,
                                      const char *not_word, const char *word)
{
    return ctx_arg_is(c, i, not_word) ? EXISTS_NOT
           : ctx_arg_is(c, i, word)   ? EXISTS_ALREADY
                                      : EXISTS_ANY;
}

/* True: argv[i] was about that; *problem if it must not be said twice. */
static bool take_existence(enum existence found, enum existence *out,
                           const char *twice, const char **problem)
{
    if (found == EXISTS_ANY) {
        return false;
    }
    *problem = *out != EXISTS_ANY ? twice : NULL;
    *out = found;
    return true;
}

/* An option at argv[*i]; false: replied. */
static bool parse_option(struct cmd_ctx *c, uint32_t *i, struct setex *x)
{
    const char *problem = NULL;
    if (take_existence(parse_existence(c, *i, "fnx", "fxx"), &x->of_fields,
                       "ERR Only one of FXX or FNX arguments can be specified",
                       &problem)
        || take_existence(parse_existence(c, *i, "nx", "xx"), &x->of_key,
                          "ERR Only one of NX or XX arguments can be specified",
                          &problem)) {
        if (problem != NULL) {
            reply_error(c->reply, problem);
        }
        return problem == NULL;
    }
    bool keeps = ctx_arg_is(c, *i, "keepttl");
    enum hash_option o = keeps ? OPTION_TAKEN
                               : hash_parse_expiry(c, i, &x->deadline_ms);
    if (o == OPTION_OTHER) {
        reply_error(c->reply, "ERR unknown argument");
    }
    if (o != OPTION_TAKEN) {
        return false;
    }
    if (x->expiry != EXPIRY_NONE) {
        reply_error(c->reply, "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL "
                              "arguments can be specified");
        return false;
    }
    x->expiry = keeps ? EXPIRY_KEEP : EXPIRY_SET;
    if (keeps) {
        x->deadline_ms = HASH_KEEP_DEADLINE;
    }
    return true;
}

static bool parse_setex(struct cmd_ctx *c, struct setex *x)
{
    uint32_t i = 2;
    int64_t n;
    *x = (struct setex){.deadline_ms = HASH_FOREVER};
    for (; i < c->argc && !ctx_arg_is(c, i, "fields"); i++) {
        if (!parse_option(c, &i, x)) {
            return false;
        }
    }
    if (i + 1 < c->argc
        && (!number_parse_int64(c->argv[i + 1], &n) || n <= 0)) {
        reply_error(c->reply, "ERR invalid number of fields");
        return false;
    }
    if (i + 1 >= c->argc || (c->argc - (i + 2)) % 2 != 0
        || n != (c->argc - (i + 2)) / 2) {
        reply_error(c->reply,
                    "ERR wrong number of arguments for 'hsetex' command");
        return false;
    }
    x->fields = (struct hash_fields){i + 2, (uint32_t)n};
    return true;
}

static struct slice field_of(const struct cmd_ctx *c, const struct setex *x,
                             uint32_t i)
{
    return c->argv[x->fields.first + 2 * i];
}

/* Fields that are due go on the way. */
static bool condition_holds(struct cmd_ctx *c, const struct setex *x,
                            struct keyspace_edit *edit)
{
    bool holds = true;
    for (uint32_t i = 0; i < x->fields.count; i++) {
        char scratch[HASH_SCRATCH_BYTES];
        struct hash_item item;
        bool is_there = hash_edit_find_live(c, edit, field_of(c, x, i), scratch,
                                            &item);
        holds = holds
                && (x->of_fields == EXISTS_ANY
                    || is_there == (x->of_fields == EXISTS_ALREADY));
    }
    return holds;
}

/* The first `count` pairs have been set. */
static void tell_set(struct cmd_ctx *c, const struct setex *x,
                     struct slice *argv, uint32_t count)
{
    char time[NUMBER_INT64_TEXT_MAX + 1], n[NUMBER_INT64_TEXT_MAX + 1];
    uint32_t argc = 0;
    if (count == 0) {
        return;
    }
    argv[argc++] = SLICE_LIT("HSETEX");
    argv[argc++] = c->keys[0].name;
    if (x->expiry == EXPIRY_KEEP) {
        argv[argc++] = SLICE_LIT("KEEPTTL");
    } else if (x->expiry == EXPIRY_SET) {
        argv[argc++] = SLICE_LIT("PXAT");
        argv[argc++] =
            slice_of(time, number_format_int64(time, x->deadline_ms));
    }
    argv[argc++] = SLICE_LIT("FIELDS");
    argv[argc++] = slice_of(n, number_format_int64(n, count));
    for (uint32_t i = 0; i < 2 * count; i++) {
        argv[argc++] = c->argv[x->fields.first + i];
    }
    ctx_propagate(c, argc, argv);
    ctx_changed(c, &c->keys[0], EVENT_HASH, "hset");
    if (x->expiry == EXPIRY_SET) {
        ctx_notify(c, &c->keys[0], EVENT_HASH, "hexpire");
    }
}

static void set_all(struct cmd_ctx *c, const struct setex *x,
                    struct slice *argv, struct keyspace_edit *edit)
{
    enum status st = ST_OK;
    uint32_t i = 0;
    for (; i < x->fields.count; i++) {
        struct hash_item item = {field_of(c, x, i),
                                 c->argv[x->fields.first + 2 * i + 1],
                                 x->deadline_ms, NULL};
        bool added;
        st = hash_set(edit->memory, ctx_limits(c), &edit->entry, &item,
                      c->now_ms, &added);
        if (st != ST_OK) {
            break; /* what was set before stays */
        }
    }
    tell_set(c, x, argv, i);
    if (hash_edit_close(c, edit, st)) {
        reply_int(c->reply, 1);
    }
}

/* Set to a time that has passed: they go, or do not come. */
static void remove_all(struct cmd_ctx *c, const struct setex *x,
                       struct keyspace_edit *edit)
{
    bool is_changed = false;
    for (uint32_t i = 0; i < x->fields.count; i++) {
        struct slice argv[] = {SLICE_LIT("HDEL"), c->keys[0].name,
                               field_of(c, x, i)};
        if (hash_remove(edit->memory, &edit->entry, argv[2])) {
            ctx_propagate(c, 3, argv);
            is_changed = true;
        }
    }
    if (is_changed) {
        ctx_changed(c, &c->keys[0], EVENT_HASH, "hexpired");
    }
}

void hash_hsetex_run(struct cmd_ctx *c)
{
    enum { HEAD_MAX = 6 };
    struct setex x;
    struct keyspace_edit edit;
    if (!parse_setex(c, &x)) {
        return;
    }
    struct slice *argv = ctx_scratch(
        c, (HEAD_MAX + 2 * (size_t)x.fields.count) * sizeof *argv);
    if (argv == NULL
        || !ctx_edit_open(c, &c->keys[0], TYPE_HASH, false, &edit)) {
        return;
    }
    bool is_past = x.expiry == EXPIRY_SET && x.deadline_ms <= c->now_ms;
    bool is_there = edit.entry != NULL;
    bool key_fits = x.of_key == EXISTS_ANY
                    || is_there == (x.of_key == EXISTS_ALREADY);
    if (!key_fits || !condition_holds(c, &x, &edit)) {
        ctx_edit_close(c, &c->keys[0], &edit);
        reply_int(c->reply, 0);
        return;
    }
    if (is_past) {
        if (is_there) {
            remove_all(c, &x, &edit);
        }
        ctx_edit_close(c, &c->keys[0], &edit);
        reply_int(c->reply, 1);
        return;
    }
    if (is_there || ctx_edit_open(c, &c->keys[0], TYPE_HASH, true, &edit)) {
        set_all(c, &x, argv, &edit);
    }
}
