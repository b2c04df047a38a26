/* cluster_send: taking commands, and calling them back.
 *
 * A command is encoded once, into a block (struct engram_command) that its
 * request keeps until the end; connections pin it or, where it is small, copy it.
 * A send takes all of it or leaves no trace. */
#include "client/cluster_priv.h"

#include <assert.h>

#include "client/keys.h"

static const struct engram_cluster_how usual_how = { .node = NULL };

/* ---- lists ---- */

void cluster_push(struct cluster_list *l, struct cluster_request *r)
{
    assert(r->in == NULL);
    r->in = l;
    r->next = NULL;
    r->prev = l->tail;
    if (l->tail == NULL) {
        l->head = r;
    } else {
        l->tail->next = r;
    }
    l->tail = r;
}

void cluster_unlink(struct cluster_request *r)
{
    struct cluster_list *l = r->in;
    if (l == NULL) {
        return;
    }
    if (r->prev == NULL) {
        l->head = r->next;
    } else {
        r->prev->next = r->next;
    }
    if (r->next == NULL) {
        l->tail = r->prev;
    } else {
        r->next->prev = r->prev;
    }
    r->in = NULL;
}

static struct cluster_request *acquire(struct engram_cluster *k)
{
    struct cluster_request *r = k->free;
    if (r != NULL) {
        k->free = r->next;
        k->free_count--;
    } else {
        r = mem_alloc(&k->account, sizeof *r);
        if (r == NULL) {
            return NULL;
        }
    }
    *r = (struct cluster_request){ .cluster = k,
                                   .slot = SLOT_NONE,
                                   .deadline_us = REQUEST_NO_DEADLINE,
                                   .retry_at_us = REQUEST_NO_DEADLINE };
    return r;
}

static void release(struct cluster_request *r)
{
    struct engram_cluster *k = r->cluster;
    if (k->free_count >= CLUSTER_POOL_MAX || k->is_destroyed) {
        mem_free(&k->account, r);
        return;
    }
    r->next = k->free;
    k->free = r;
    k->free_count++;
}

/* ---- before it is taken ---- */

static enum engram_status refuse(struct engram_cluster *k, size_t bytes)
{
    k->is_refusing = true;
    k->refused_bytes = bytes;
    k->counters.would_block++;
    return ENGRAM_WOULD_BLOCK;
}

static enum engram_status check(struct engram_cluster *k, size_t bytes)
{
    if (!k->is_open || k->is_destroyed) {
        return ENGRAM_CLOSED;
    }
    if (bytes > k->options.max_queued_bytes) {
        return ENGRAM_TOO_BIG;
    }
    if (k->in_flight >= k->options.max_in_flight ||
        k->queued_bytes > k->options.max_queued_bytes - bytes) {
        return refuse(k, bytes);
    }
    return ENGRAM_OK;
}

/* Where it is for, as far as that does not depend on the map. */
static enum engram_status aim(struct engram_cluster *k,
                              const struct engram_cluster_how *how,
                              struct cluster_request *r)
{
    switch (keys_find(r->cmd, &r->slot)) {
    case KEYS_STATEFUL:
        cluster_set_error(k, "the command changes its connection, see "
                             "engram_cluster_conn");
        return ENGRAM_INVALID;
    case KEYS_SEVERAL_SLOTS:
        if (how->key == NULL && how->node == NULL) {
            cluster_set_error(k, "CROSSSLOT: the keys lie in different slots");
            return ENGRAM_INVALID;
        }
        break;
    case KEYS_NONE: r->slot = SLOT_NONE; break;
    case KEYS_ONE_SLOT: break;
    }
    if (how->node != NULL) {
        struct slice name = slice_of_text(how->node);
        r->node = cluster_find_named(k, name);
        r->is_bound = true;
        if (r->node == NULL) {
            cluster_set_error(k, "there is no node %.200s", how->node);
            return ENGRAM_INVALID;
        }
    } else if (how->key != NULL) {
        r->slot = slots_of_key(slice_of(how->key, how->key_len));
    }
    return ENGRAM_OK;
}

static int64_t deadline_of(struct engram_cluster *k,
                           const struct engram_cluster_how *how)
{
    int ms = how->timeout_ms;
    if (ms == 0 && !(how->flags & ENGRAM_BLOCKING)) {
        ms = k->control->options.command_timeout_ms;
    }
    if (ms <= 0) {
        return REQUEST_NO_DEADLINE;
    }
    cluster_refresh_now(k);
    return k->now_us + (int64_t)ms * 1000;
}

/* ---- taking it ---- */

static void note_deadline(struct engram_cluster *k, int64_t deadline_us)
{
    if (deadline_us == REQUEST_NO_DEADLINE) {
        return;
    }
    if (k->next_deadline_us == REQUEST_NO_DEADLINE ||
        deadline_us < k->next_deadline_us) {
        k->next_deadline_us = deadline_us;
    }
    cluster_wake(k, deadline_us);
}

/* Takes the caller's reference of `cmd` on ENGRAM_OK only. The limits have been
 * looked at. */
static enum engram_status take(struct engram_cluster *k,
                               const struct engram_cluster_how *how,
                               engram_cluster_reply_fn *on_reply, void *arg,
                               struct engram_command *cmd)
{
    struct cluster_request *r = acquire(k);
    if (r == NULL) {
        return ENGRAM_NOMEM;
    }
    r->cmd = cmd;
    r->on_reply = on_reply;
    r->on_event = how->on_event;
    r->arg = arg;
    r->is_blocking = (how->flags & ENGRAM_BLOCKING) != 0;
    r->is_idempotent = (how->flags & ENGRAM_IDEMPOTENT) != 0;
    r->is_read = (how->flags & ENGRAM_READ) != 0;
    r->deadline_us = deadline_of(k, how);
    enum engram_status st = aim(k, how, r);
    if (st == ENGRAM_OK) {
        st = cluster_route(k, r);
    }
    if (st != ENGRAM_OK) {
        release(r);
        return st;
    }
    k->in_flight++;
    k->queued_bytes += cmd->bytes;
    k->counters.commands++;
    note_deadline(k, r->deadline_us);
    return ENGRAM_OK;
}

static enum engram_status send_source(struct engram_cluster *k,
                                      const struct engram_cluster_how *how,
                                      engram_cluster_reply_fn *on_reply,
                                      void *arg, const struct encode_source *s)
{
    struct encode_size size;
    how = how == NULL ? &usual_how : how;
    if (!encode_measure(s, &size)) {
        cluster_set_error(k, "the command or its format is malformed");
        return ENGRAM_INVALID;
    }
    enum engram_status st = check(k, size.bytes);
    if (st != ENGRAM_OK) {
        return st;
    }
    struct engram_command *cmd =
        command_create_whole(&k->account, &k->kept_bytes, NULL, s, &size);
    if (cmd == NULL) {
        return ENGRAM_NOMEM;
    }
    st = take(k, how, on_reply, arg, cmd);
    if (st != ENGRAM_OK) {
        command_release(cmd);
    }
    return st;
}

enum engram_status engram_cluster_send_va(struct engram_cluster *k,
                                          const struct engram_cluster_how *how,
                                          engram_cluster_reply_fn *on_reply,
                                          void *arg, const char *format,
                                          va_list values)
{
    struct format f;
    format_init(&f, format, values);
    struct encode_source s = { .format = &f };
    enum engram_status st = send_source(k, how, on_reply, arg, &s);
    format_deinit(&f);
    return st;
}

enum engram_status engram_cluster_send(struct engram_cluster *k,
                                       const struct engram_cluster_how *how,
                                       engram_cluster_reply_fn *on_reply,
                                       void *arg, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    enum engram_status st =
        engram_cluster_send_va(k, how, on_reply, arg, format, values);
    va_end(values);
    return st;
}

enum engram_status
engram_cluster_send_argv(struct engram_cluster *k,
                         const struct engram_cluster_how *how,
                         engram_cluster_reply_fn *on_reply, void *arg,
                         size_t argc, const char *const *argv,
                         const size_t *lens)
{
    if (argc == 0) {
        return ENGRAM_INVALID;
    }
    struct encode_source s = { .argc = argc, .argv = argv, .lens = lens };
    return send_source(k, how, on_reply, arg, &s);
}

struct engram_command *engram_cluster_command_create(struct engram_cluster *k)
{
    return command_create(&k->account, &k->kept_bytes);
}

enum engram_status
engram_cluster_send_command(struct engram_cluster *k,
                            const struct engram_cluster_how *how,
                            engram_cluster_reply_fn *on_reply, void *arg,
                            struct engram_command **cmd)
{
    how = how == NULL ? &usual_how : how;
    if ((*cmd)->argc == 0 || (*cmd)->account != &k->account) {
        return ENGRAM_INVALID;
    }
    command_seal(*cmd);
    enum engram_status st = check(k, (*cmd)->bytes);
    if (st == ENGRAM_OK) {
        st = take(k, how, on_reply, arg, *cmd);
    }
    if (st == ENGRAM_OK) {
        *cmd = NULL;
    }
    return st;
}

/* ---- calling back ---- */

void cluster_fail(struct engram_cluster *k, struct cluster_request *r,
                  enum engram_status why)
{
    cluster_unlink(r);
    r->failure = (uint8_t)why;
    cluster_push(&k->failing, r);
}

static void count_outcome(struct engram_cluster *k, enum engram_status st)
{
    switch (st) {
    case ENGRAM_OK: k->counters.replies++; break;
    case ENGRAM_TIMEOUT: k->counters.timeouts++; break;
    default: k->counters.lost++; break;
    }
}

void cluster_finish(struct cluster_request *r, enum engram_status st,
                    const struct engram_reply *reply)
{
    struct engram_cluster *k = r->cluster;
    engram_cluster_reply_fn *on_reply = r->on_reply;
    void *arg = r->arg;
    bool is_abandoned = r->is_abandoned;
    cluster_unlink(r);
    k->in_flight--;
    k->queued_bytes -= r->cmd->bytes;
    command_release(r->cmd);
    release(r);
    if (!is_abandoned) {
        count_outcome(k, st);
        if (on_reply != NULL) {
            on_reply(k, st, reply, arg);
        }
    }
}

void cluster_fail_requests(struct engram_cluster *k)
{
    struct cluster_request *r;
    while ((r = k->failing.head) != NULL) {
        cluster_finish(r, (enum engram_status)r->failure, NULL);
    }
}

/* As a connection has it (send.c): half of each limit, and enough for the command
 * that was refused. */
static bool has_room(const struct engram_cluster *k)
{
    size_t max = k->options.max_queued_bytes;
    size_t want = k->refused_bytes > max / 2 ? k->refused_bytes : max / 2;
    return k->queued_bytes <= max - want &&
           k->in_flight <= k->options.max_in_flight / 2;
}

void cluster_tell_drained(struct engram_cluster *k)
{
    if (!k->is_refusing || !k->is_open || !has_room(k)) {
        return;
    }
    k->is_refusing = false;
    if (k->options.on_drained != NULL) {
        k->options.on_drained(k, k->options.arg);
    }
}
