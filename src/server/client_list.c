/* client_list: the line that CLIENT LIST and CLIENT INFO show of a session, and
 * the tour that gathers lines.
 *
 * Lines are written into blocks of one size, which the reply borrows: a long list
 * is neither copied nor ever needs one large piece of memory.
 *
 * Some fields are about buffers that this server has not: a session has no
 * reply buffer of its own (rbs, rbp: what the first chunk on its way out holds
 * and has held), and its client's tracking is never redirected (redir). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "exec/transaction.h"
#include "server/client_cmds.h"
#include "server/client_filter.h"
#include "server/tour.h"

enum {
    LINE_MAX_BYTES = 2560, /* texts of SESSION_NAME_MAX, two addresses, numbers */
    FLAGS_MAX = 16,
    BLOCK_BYTES = 16 * 1024, /* its header included */
};

/* ---- a line ---- */

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void flags_of(const struct connection *c, char out[FLAGS_MAX])
{
    const struct session *s = &c->session;
    bool is_held = s->hold == HOLD_PAUSE || s->hold == HOLD_KEYS;
    const struct {
        bool is_set;
        char letter;
    } flags[] = {
        {s->is_monitor, 'O'},
        {transaction_queued(s) >= 0, 'x'},
        {is_held, 'b'},
        {atomic_load_explicit(&s->is_watch_dirty, memory_order_relaxed), 'd'},
        {s->close_after_reply && !c->is_killed, 'c'},
        {c->is_killed, 'A'},
        {c->is_unix, 'U'},
        {c->no_evict, 'e'},
        {s->no_touch, 'T'},
        {c->is_import_source, 'I'},
    };
    size_t n = 0;
    static_assert(sizeof flags / sizeof flags[0] < FLAGS_MAX, "room for all");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].is_set) {
            out[n++] = flags[i].letter;
        }
    }
    if (n == 0) {
        out[n++] = 'N';
    }
    out[n] = '\0';
}

/* What waits to be sent: in its first chunk, and behind that. */
struct output_figures {
    size_t first_bytes, rest_bytes, rest_chunks;
};

static struct output_figures figures_of(const struct chain *out)
{
    struct output_figures f = {.first_bytes = out->bytes};
    if (out->bytes > CHUNK_BYTES) {
        f.first_bytes = CHUNK_BYTES;
        f.rest_bytes = out->bytes - CHUNK_BYTES;
        f.rest_chunks = (f.rest_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    }
    return f;
}

/* `argument_bytes` of the command that is running, for the session that runs it.
 * The length of the line put into `out`. */
static size_t describe(struct connection *of, size_t argument_bytes,
                       char *out, size_t cap)
{
    const struct session *s = &of->session;
    char flags[FLAGS_MAX];
    int64_t now_ms = loop_now_us(of->worker->loop) / 1000;
    struct output_figures o = figures_of(conn_out(of->net));
    flags_of(of, flags);
    int n = snprintf(
        out, cap,
        "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s "
        "db=%u sub=0 psub=0 ssub=0 multi=%lld watch=%u qbuf=%zu qbuf-free=%zu "
        "argv-mem=%zu multi-mem=%zu rbs=%zu rbp=%zu obl=%zu oll=%zu omem=%zu "
        "tot-mem=%zu events=%s cmd=%s user=default redir=-1 resp=%u "
        "lib-name=%s lib-ver=%s tot-net-in=%llu tot-net-out=%llu "
        "tot-cmds=%llu\n",
        (unsigned long long)s->id, connection_peer(of), connection_local(of),
        conn_fd(of->net), text_or_empty(s->name),
        (long long)(now_ms - s->created_ms) / 1000,
        (long long)(now_ms - s->last_active_ms) / 1000, flags, s->database,
        (long long)transaction_queued(s), transaction_watched(s),
        of->in.len, input_room(&of->in), argument_bytes,
        transaction_bytes(s), o.first_bytes, o.first_bytes, o.first_bytes,
        o.rest_chunks, o.rest_bytes,
        connection_bytes(of) + argument_bytes + transaction_bytes(s),
        o.rest_bytes > 0 ? "rw" : "r",
        s->last_command != NULL ? s->last_command->full_name : "NULL",
        s->reply.protocol, text_or_empty(s->lib_name),
        text_or_empty(s->lib_version), (unsigned long long)of->bytes_in,
        (unsigned long long)of->bytes_out,
        (unsigned long long)s->command_count);
    assert(n > 0);
    return (size_t)n < cap ? (size_t)n : cap - 1;
}

static size_t argument_bytes_of(const struct cmd_ctx *c)
{
    size_t n = 0;
    for (uint32_t i = 0; i < c->argc; i++) {
        n += c->argv[i].len;
    }
    return n;
}

void client_info_run(struct cmd_ctx *c)
{
    char line[LINE_MAX_BYTES];
    size_t len = describe(connection_of(c->session), argument_bytes_of(c), line,
                          sizeof line);
    reply_verbatim(c->reply, "txt", slice_of(line, len));
}

/* ---- the list ---- */

struct block {
    struct block *next;
    struct mem_account *account;
    size_t len;
    char bytes[];
};

enum { BLOCK_ROOM = BLOCK_BYTES - sizeof(struct block) };

struct list_tour {
    struct tour tour; /* first */
    struct client_filter filter;
    size_t argument_bytes; /* the asker's */
    struct block *first, *last;
    size_t bytes;
    bool has_failed; /* memory was out */
};

static void block_destroy(void *block)
{
    struct block *b = block;
    mem_free(b->account, b);
}

static struct block *room_for_line(struct list_tour *l)
{
    struct block *b = l->last;
    if (b != NULL && BLOCK_ROOM - b->len >= LINE_MAX_BYTES) {
        return b;
    }
    struct mem_account *a = &l->tour.server->account;
    b = mem_alloc(a, BLOCK_BYTES);
    if (b == NULL) {
        return NULL;
    }
    *b = (struct block){.account = a};
    if (l->last != NULL) {
        l->last->next = b;
    } else {
        l->first = b;
    }
    l->last = b;
    return b;
}

static bool look(struct tour *t, struct connection *c)
{
    struct list_tour *l = (struct list_tour *)(void *)t;
    int64_t now_ms = loop_now_us(c->worker->loop) / 1000;
    if (!client_filter_fits(&l->filter, c, now_ms)) {
        return true;
    }
    struct block *b = room_for_line(l);
    if (b == NULL) {
        l->has_failed = true;
        return false;
    }
    bool is_asker = c->session.id == t->asker_id;
    size_t n = describe(c, is_asker ? l->argument_bytes : 0, b->bytes + b->len,
                        LINE_MAX_BYTES);
    b->len += n;
    l->bytes += n;
    return true;
}

/* The blocks go to the reply. */
static void answer(struct tour *t, struct connection *asker)
{
    struct list_tour *l = (struct list_tour *)(void *)t;
    struct reply *r = &asker->session.reply;
    if (l->has_failed) {
        reply_error(r, "OOM out of memory: the command was not carried out");
        return;
    }
    if (!reply_verbatim_begin(r, "txt", l->bytes)) {
        return;
    }
    struct block *b = l->first;
    l->first = l->last = NULL;
    while (b != NULL) {
        struct block *next = b->next;
        if (b->len <= CHUNK_BYTES / 4) {
            chain_append(r->out, b->bytes, b->len);
            block_destroy(b);
        } else {
            chain_pin(r->out, b->bytes, b->len, block_destroy, b);
        }
        b = next;
    }
    reply_verbatim_end(r);
}

static void forget(struct tour *t)
{
    struct list_tour *l = (struct list_tour *)(void *)t;
    while (l->first != NULL) {
        struct block *b = l->first;
        l->first = b->next;
        block_destroy(b);
    }
    client_filter_deinit(&l->filter);
}

void client_list_run(struct cmd_ctx *c)
{
    static const struct tour_kind kind = {
        .look = look, .answer = answer, .forget = forget,
    };
    struct list_tour *l = tour_create(c, &kind, sizeof *l);
    if (l == NULL) {
        return;
    }
    if (!client_filter_parse(c, 2, false, &l->filter)) {
        tour_destroy(&l->tour);
        return;
    }
    l->argument_bytes = argument_bytes_of(c);
    tour_start(c, &l->tour);
}
