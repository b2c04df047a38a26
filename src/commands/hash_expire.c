/* hash_expire: deadlines of fields: HEXPIRE and its kin, HTTL and its kin,
 * HPERSIST, HGETEX; and HGETDEL. HSETEX is in hash_setex.c.
 *
 * Whatever form the client used, the log and the replicas see absolute times in
 * milliseconds and only the fields that were changed; a field whose time has
 * passed already is removed, and they see that. */
#include "base/number.h"
#include "commands/hash_options.h"
#include "commands/hash_priv.h"

#define NOT_POSITIVE "ERR Number of fields must be a positive integer"

/* What a field is answered with. */
enum {
    FIELD_NONE = -2,
    FIELD_FOREVER = -1, /* has no deadline */
    FIELD_REFUSED = 0,  /* the condition does not hold */
    FIELD_DONE = 1,
    FIELD_GONE = 2,     /* its time has passed */
};

/* ---- changing fields, and telling of it ---- */

/* A command's changes to some fields of one hash. */
struct change_fields {
    struct cmd_ctx *c;
    struct keyspace_edit edit;
    struct slice *argv; /* of the effect: HEAD slices, then the fields */
    uint32_t changed, removed;
    enum status st;
};

enum { HEAD = 5 }; /* HPEXPIREAT key time FIELDS n */

/* False: replied. edit.entry may be NULL: no such key. */
static bool open_fields(struct change_fields *x, struct cmd_ctx *c,
                        uint32_t count)
{
    *x = (struct change_fields){.c = c, .st = ST_OK};
    x->argv = ctx_scratch(c, (HEAD + (size_t)count) * sizeof *x->argv);
    return x->argv != NULL
           && ctx_edit_open(c, &c->keys[0], TYPE_HASH, false, &x->edit);
}

static void note_changed(struct change_fields *x, struct slice field)
{
    x->argv[HEAD + x->changed++] = field;
}

/* The field gets the deadline, which may have passed, or HASH_FOREVER. What
 * became of it. */
static int set_deadline(struct change_fields *x, struct slice field,
                        int64_t deadline_ms)
{
    struct cmd_ctx *c = x->c;
    if (deadline_ms <= c->now_ms) {
        struct slice argv[] = {SLICE_LIT("HDEL"), c->keys[0].name, field};
        ctx_propagate(c, 3, argv);
        (void)hash_remove(x->edit.memory, &x->edit.entry, field);
        x->removed++;
        return FIELD_GONE;
    }
    x->st = hash_set_deadline(x->edit.memory, &x->edit.entry, field,
                              deadline_ms, c->now_ms);
    if (x->st == ST_OK) {
        note_changed(x, field);
    }
    return FIELD_DONE;
}

/* Tells of the changes; after that the reply may be written. False: out of
 * memory, replied. */
static bool close_fields(struct change_fields *x, int64_t deadline_ms)
{
    char time[NUMBER_INT64_TEXT_MAX + 1], n[NUMBER_INT64_TEXT_MAX + 1];
    struct cmd_ctx *c = x->c;
    const struct key *k = &c->keys[0];
    bool persists = deadline_ms == HASH_FOREVER;
    if (x->changed > 0) {
        struct slice *argv = x->argv + (persists ? 1 : 0);
        uint32_t i = 0;
        argv[i++] = persists ? SLICE_LIT("HPERSIST") : SLICE_LIT("HPEXPIREAT");
        argv[i++] = k->name;
        if (!persists) {
            argv[i++] = slice_of(time, number_format_int64(time, deadline_ms));
        }
        argv[i++] = SLICE_LIT("FIELDS");
        argv[i++] = slice_of(n, number_format_int64(n, x->changed));
        ctx_propagate(c, i + x->changed, argv);
        ctx_changed(c, k, EVENT_HASH, persists ? "hpersist" : "hexpire");
    }
    if (x->removed > 0) {
        ctx_changed(c, k, EVENT_HASH, "hexpired");
    }
    return hash_edit_close(c, &x->edit, x->st);
}

static void reply_ints(struct cmd_ctx *c, const int8_t *results, uint32_t n)
{
    reply_array(c->reply, n);
    for (uint32_t i = 0; i < n; i++) {
        reply_int(c->reply, results[i]);
    }
}

/* ---- HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HPERSIST ---- */

enum condition { ALWAYS, NX, XX, GT, LT };

/* A field without a deadline lasts for ever: nothing is greater. */
static bool condition_holds(enum condition when, int64_t old_ms, int64_t new_ms)
{
    switch (when) {
    case NX:
        return old_ms == HASH_FOREVER;
    case XX:
        return old_ms != HASH_FOREVER;
    case GT:
        return new_ms > old_ms;
    case LT:
        return new_ms < old_ms;
    default:
        return true;
    }
}

static enum condition parse_condition(const struct cmd_ctx *c, uint32_t i)
{
    static const char *const words[] = {[NX] = "nx", [XX] = "xx", [GT] = "gt",
                                        [LT] = "lt"};
    for (enum condition w = NX; w <= LT; w++) {
        if (ctx_arg_is(c, i, words[w])) {
            return w;
        }
    }
    return ALWAYS;
}

/* All fields get the deadline if `when` holds for them; replies. */
static void change_all(struct cmd_ctx *c, const struct hash_fields *fields,
                       enum condition when, int64_t deadline_ms)
{
    struct change_fields x;
    int8_t *results = ctx_scratch(c, fields->count);
    if (results == NULL || !open_fields(&x, c, fields->count)) {
        return;
    }
    for (uint32_t i = 0; x.st == ST_OK && i < fields->count; i++) {
        char scratch[HASH_SCRATCH_BYTES];
        struct slice field = c->argv[fields->first + i];
        struct hash_item item;
        int result = FIELD_NONE;
        if (hash_edit_find_live(c, &x.edit, field, scratch, &item)) {
            bool persists = deadline_ms == HASH_FOREVER;
            bool is_idle = persists && item.deadline_ms == HASH_FOREVER;
            result = is_idle ? FIELD_FOREVER
                     : condition_holds(when, item.deadline_ms, deadline_ms)
                         ? set_deadline(&x, field, deadline_ms)
                         : FIELD_REFUSED;
        }
        results[i] = (int8_t)result;
    }
    if (close_fields(&x, deadline_ms)) {
        reply_ints(c, results, fields->count);
    }
}

static void expire(struct cmd_ctx *c, bool is_ms, bool is_absolute)
{
    struct hash_fields fields;
    int64_t deadline_ms;
    enum condition when = parse_condition(c, 3);
    if (hash_parse_deadline(c, 2, is_ms, is_absolute, &deadline_ms)
        && hash_parse_fields(c, when == ALWAYS ? 3 : 4,
                             "ERR Parameter `numFields` should be greater "
                             "than 0", &fields)) {
        change_all(c, &fields, when, deadline_ms);
    }
}

void hash_hexpire_run(struct cmd_ctx *c)
{
    expire(c, false, false);
}

void hash_hpexpire_run(struct cmd_ctx *c)
{
    expire(c, true, false);
}

void hash_hexpireat_run(struct cmd_ctx *c)
{
    expire(c, false, true);
}

void hash_hpexpireat_run(struct cmd_ctx *c)
{
    expire(c, true, true);
}

void hash_hpersist_run(struct cmd_ctx *c)
{
    struct hash_fields fields;
    if (hash_parse_fields(c, 2, NOT_POSITIVE, &fields)) {
        change_all(c, &fields, ALWAYS, HASH_FOREVER);
    }
}

/* ---- HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME ---- */

static void tell_deadlines(struct cmd_ctx *c, bool is_ms, bool is_absolute)
{
    const struct entry *e;
    struct hash_fields fields;
    if (!hash_parse_fields(c, 2, NOT_POSITIVE, &fields) || !hash_read(c, &e)) {
        return;
    }
    reply_array(c->reply, fields.count);
    for (uint32_t i = 0; i < fields.count; i++) {
        char scratch[HASH_SCRATCH_BYTES];
        struct hash_item item;
        int64_t ms = FIELD_NONE;
        if (e != NULL
            && hash_find(e, c->argv[fields.first + i], scratch, &item)
            && hash_is_live(c, &item)) {
            ms = item.deadline_ms == HASH_FOREVER ? FIELD_FOREVER
                 : is_absolute ? item.deadline_ms
                               : item.deadline_ms - c->now_ms;
        }
        /* Seconds: what begins counts. */
        reply_int(c->reply, is_ms || ms < 0 ? ms : (ms + 999) / 1000);
    }
}

void hash_httl_run(struct cmd_ctx *c)
{
    tell_deadlines(c, false, false);
}

void hash_hpttl_run(struct cmd_ctx *c)
{
    tell_deadlines(c, true, false);
}

void hash_hexpiretime_run(struct cmd_ctx *c)
{
    tell_deadlines(c, false, true);
}

void hash_hpexpiretime_run(struct cmd_ctx *c)
{
    tell_deadlines(c, true, true);
}

/* ---- HGETDEL, HGETEX ---- */

/* Replies the value; false: no such field. */
static bool reply_found(struct cmd_ctx *c, struct keyspace_edit *edit,
                        struct slice field)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item item;
    bool is_there = hash_edit_find_live(c, edit, field, scratch, &item);
    if (is_there) {
        hash_reply_value(c->reply, &item);
    } else {
        reply_null(c->reply);
    }
    return is_there;
}

void hash_hgetdel_run(struct cmd_ctx *c)
{
    struct hash_fields fields;
    struct change_fields x;
    if (!hash_parse_fields(c, 2, NOT_POSITIVE, &fields)
        || !open_fields(&x, c, fields.count)) {
        return;
    }
    reply_array(c->reply, fields.count);
    for (uint32_t i = 0; i < fields.count; i++) {
        struct slice field = c->argv[fields.first + i];
        if (reply_found(c, &x.edit, field)) {
            (void)hash_remove(x.edit.memory, &x.edit.entry, field);
            note_changed(&x, field);
        }
    }
    if (x.changed > 0) {
        struct slice *argv = x.argv + HEAD - 2;
        argv[0] = SLICE_LIT("HDEL");
        argv[1] = c->keys[0].name;
        ctx_propagate(c, 2 + x.changed, argv);
        ctx_changed(c, &c->keys[0], EVENT_HASH, "hdel");
    }
    ctx_edit_close(c, &c->keys[0], &x.edit);
}

/* HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS n field ... */
static bool parse_getex(struct cmd_ctx *c, struct hash_fields *fields,
                        enum hash_expiry *expiry, int64_t *deadline_ms)
{
    uint32_t i = 2;
    *expiry = EXPIRY_NONE;
    *deadline_ms = HASH_FOREVER;
    for (; i < c->argc && !ctx_arg_is(c, i, "fields"); i++) {
        bool persists = ctx_arg_is(c, i, "persist");
        enum hash_expiry before = *expiry;
        enum hash_option o = persists ? OPTION_TAKEN
                                      : hash_parse_expiry(c, &i, deadline_ms);
        if (o == OPTION_WRONG) {
            return false;
        }
        if (o == OPTION_OTHER) {
            break;
        }
        *expiry = persists ? EXPIRY_PERSIST : EXPIRY_SET;
        if (before != EXPIRY_NONE) {
            reply_error(c->reply, "ERR Only one of EX, PX, EXAT, PXAT or "
                                  "PERSIST arguments can be specified");
            return false;
        }
    }
    return hash_parse_fields(c, i, NOT_POSITIVE, fields);
}

/* The deadline, for those fields for which it is a change. */
static void set_deadlines(struct change_fields *x,
                          const struct hash_fields *fields, int64_t deadline_ms)
{
    struct cmd_ctx *c = x->c;
    for (uint32_t i = 0; x->st == ST_OK && i < fields->count; i++) {
        char scratch[HASH_SCRATCH_BYTES];
        struct slice field = c->argv[fields->first + i];
        struct hash_item item;
        if (hash_edit_find_live(c, &x->edit, field, scratch, &item)
            && (deadline_ms != HASH_FOREVER
                || item.deadline_ms != HASH_FOREVER)) {
            (void)set_deadline(x, field, deadline_ms);
        }
    }
}

/* What may fail comes before the reply, what removes the values after it. */
void hash_hgetex_run(struct cmd_ctx *c)
{
    struct hash_fields fields;
    struct change_fields x;
    enum hash_expiry expiry;
    int64_t deadline_ms;
    if (!parse_getex(c, &fields, &expiry, &deadline_ms)
        || !open_fields(&x, c, fields.count)) {
        return;
    }
    bool is_past = deadline_ms <= c->now_ms;
    if (expiry != EXPIRY_NONE && !is_past) {
        set_deadlines(&x, &fields, deadline_ms);
    }
    if (x.st == ST_OK) {
        reply_array(c->reply, fields.count);
        for (uint32_t i = 0; i < fields.count; i++) {
            (void)reply_found(c, &x.edit, c->argv[fields.first + i]);
        }
    }
    if (is_past) {
        set_deadlines(&x, &fields, deadline_ms);
    }
    (void)close_fields(&x, deadline_ms);
}
