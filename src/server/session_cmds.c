/* session_cmds: commands about the connection that need what only the server
 * knows: the password (AUTH, HELLO), the worker whose account owns a session's
 * texts (CLIENT), the state a new session begins in (RESET).
 *
 * Threads: a session is its worker's, and so is everything here, but for the
 * password, which is read under config_lock. */
#include <stdio.h>

#include "base/number.h"
#include "exec/transaction.h"
#include "net/socket.h"
#include "server/connection.h"
#include "server/server_priv.h"
#include "server/version.h"

static struct server *server_of(const struct cmd_ctx *c)
{
    return c->host;
}

/* The session is the connection's first member. */
static struct connection *connection_of(const struct cmd_ctx *c)
{
    return (struct connection *)(void *)c->session;
}

static struct mem_account *account_of(const struct cmd_ctx *c)
{
    return &connection_of(c)->worker->account;
}

/* ---- the password ---- */

/* Takes as long for a wrong one as for the right one. `want` is not empty. */
static bool equal_in_constant_time(struct slice given, const char *want)
{
    size_t len = strlen(want);
    uint8_t differ = given.len != len;
    for (size_t i = 0; i < given.len; i++) {
        differ |= (uint8_t)(given.data[i] ^ (uint8_t)want[i % len]);
    }
    return differ == 0;
}

enum password { PASSWORD_NONE_SET, PASSWORD_RIGHT, PASSWORD_WRONG };

static enum password check_password(struct server *s, struct slice given)
{
    enum password result = PASSWORD_NONE_SET;
    lock_acquire(&s->config_lock);
    if (s->options.requirepass[0] != '\0') {
        result = equal_in_constant_time(given, s->options.requirepass)
                     ? PASSWORD_RIGHT : PASSWORD_WRONG;
    }
    lock_release(&s->config_lock);
    return result;
}

static bool log_in(struct cmd_ctx *c, struct slice user, struct slice password)
{
    bool is_known = slice_equal(user, SLICE_LIT("default"));
    if (!is_known
        || check_password(server_of(c), password) == PASSWORD_WRONG) {
        reply_error(c->reply, "WRONGPASS invalid username-password pair or "
                              "user is disabled.");
        return false;
    }
    c->session->is_authenticated = true;
    return true;
}

static void auth_run(struct cmd_ctx *c)
{
    struct slice user = SLICE_LIT("default");
    if (c->argc > 3) {
        ctx_error_syntax(c);
        return;
    }
    if (c->argc == 2
        && check_password(server_of(c), c->argv[1]) == PASSWORD_NONE_SET) {
        reply_error(c->reply,
                    "ERR AUTH <password> called without any password "
                    "configured for the default user. Are you sure your "
                    "configuration is correct?");
        return;
    }
    if (c->argc == 3) {
        user = c->argv[1];
    }
    if (log_in(c, user, c->argv[c->argc - 1])) {
        reply_ok(c->reply);
    }
}

/* ---- texts of a session ---- */

static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '!' || s.data[i] > '~') {
            return false;
        }
    }
    return true;
}

/* An empty text is none. Replies its error. */
static bool set_text(struct cmd_ctx *c, char **at, struct slice value)
{
    struct mem_account *a = account_of(c);
    char *text = NULL;
    if (value.len > 0) {
        text = mem_alloc(a, value.len + 1);
        if (text == NULL) {
            ctx_error_status(c, ST_NOMEM);
            return false;
        }
        memcpy(text, value.data, value.len);
        text[value.len] = '\0';
    }
    mem_free(a, *at);
    *at = text;
    return true;
}

static bool check_text(struct cmd_ctx *c, const char *what, struct slice value)
{
    if (!is_plain(value)) {
        reply_errorf(c->reply, "ERR %s cannot contain spaces, newlines or "
                               "special characters.", what);
        return false;
    }
    if (value.len > SESSION_NAME_MAX) {
        reply_errorf(c->reply, "ERR %s is too long", what);
        return false;
    }
    return true;
}

/* ---- HELLO, RESET ---- */

struct hello {
    int64_t protocol;
    struct slice user, password, name;
    bool has_auth, has_name;
};

static bool parse_hello(struct cmd_ctx *c, struct hello *h)
{
    *h = (struct hello){.protocol = c->reply->protocol};
    if (c->argc >= 2) {
        if (!number_parse_int64(c->argv[1], &h->protocol)) {
            reply_error(c->reply, "ERR Protocol version is not an integer or "
                                  "out of range");
            return false;
        }
        if (h->protocol < 2 || h->protocol > 3) {
            reply_error(c->reply, "NOPROTO unsupported protocol version");
            return false;
        }
    }
    for (uint32_t i = 2; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "auth") && c->argc - i > 2) {
            h->user = c->argv[i + 1];
            h->password = c->argv[i + 2];
            h->has_auth = true;
            i += 2;
        } else if (ctx_arg_is(c, i, "setname") && c->argc - i > 1) {
            h->name = c->argv[i + 1];
            h->has_name = true;
            i += 1;
        } else {
            size_t len = c->argv[i].len < 128 ? c->argv[i].len : 128;
            reply_errorf(c->reply, "ERR Syntax error in HELLO option '%.*s'",
                         (int)len, (const char *)c->argv[i].data);
            return false;
        }
    }
    return !h->has_name || check_text(c, "Client names", h->name);
}

static void reply_hello(struct cmd_ctx *c)
{
    struct reply *r = c->reply;
    reply_map(r, 7);
    reply_bulk_text(r, "server");
    reply_bulk_text(r, "redis");
    reply_bulk_text(r, "version");
    reply_bulk_text(r, SERVER_REDIS_VERSION);
    reply_bulk_text(r, "proto");
    reply_int(r, r->protocol);
    reply_bulk_text(r, "id");
    reply_int(r, (int64_t)c->session->id);
    reply_bulk_text(r, "mode");
    reply_bulk_text(r, "standalone");
    reply_bulk_text(r, "role");
    reply_bulk_text(r, "master");
    reply_bulk_text(r, "modules");
    reply_array(r, 0);
}

static void hello_run(struct cmd_ctx *c)
{
    struct hello h;
    if (!parse_hello(c, &h)) {
        return;
    }
    if (h.has_auth && !log_in(c, h.user, h.password)) {
        return;
    }
    if (!c->session->is_authenticated) {
        reply_error(c->reply,
                    "NOAUTH HELLO must be called with the client already "
                    "authenticated, otherwise the HELLO <proto> AUTH <user> "
                    "<pass> option can be used to authenticate the client and "
                    "select the RESP protocol version at the same time");
        return;
    }
    if (h.has_name && !set_text(c, &c->session->name, h.name)) {
        return;
    }
    c->reply->protocol = (uint8_t)h.protocol;
    reply_hello(c);
}

static void reset_run(struct cmd_ctx *c)
{
    struct session *s = c->session;
    transaction_reset(c);
    s->database = 0;
    s->reply_off = false;
    s->reply_skip = 0;
    s->is_authenticated = !atomic_load_explicit(
        &server_of(c)->exec_shared.needs_auth, memory_order_relaxed);
    c->reply->protocol = 2;
    c->reply->is_muted = false;
    (void)set_text(c, &s->name, SLICE_LIT(""));
    reply_simple(c->reply, "RESET");
}

/* ---- CLIENT ---- */

static void client_id_run(struct cmd_ctx *c)
{
    reply_int(c->reply, (int64_t)c->session->id);
}

static void client_getname_run(struct cmd_ctx *c)
{
    if (c->session->name == NULL) {
        reply_null(c->reply);
        return;
    }
    reply_bulk_text(c->reply, c->session->name);
}

static void client_setname_run(struct cmd_ctx *c)
{
    if (check_text(c, "Client names", c->argv[2])
        && set_text(c, &c->session->name, c->argv[2])) {
        reply_ok(c->reply);
    }
}

static void client_setinfo_run(struct cmd_ctx *c)
{
    char **at;
    const char *what;
    if (ctx_arg_is(c, 2, "lib-name")) {
        at = &c->session->lib_name;
        what = "lib-name";
    } else if (ctx_arg_is(c, 2, "lib-ver")) {
        at = &c->session->lib_version;
        what = "lib-ver";
    } else {
        size_t len = c->argv[2].len < 128 ? c->argv[2].len : 128;
        reply_errorf(c->reply, "ERR Unrecognized option '%.*s'", (int)len,
                     (const char *)c->argv[2].data);
        return;
    }
    if (check_text(c, what, c->argv[3]) && set_text(c, at, c->argv[3])) {
        reply_ok(c->reply);
    }
}

/* OFF and SKIP have no reply of their own: that is what they are for. */
static void client_reply_run(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (ctx_arg_is(c, 2, "on")) {
        s->reply_off = false;
        s->reply_skip = 0;
        c->reply->is_muted = false;
        reply_ok(c->reply);
    } else if (ctx_arg_is(c, 2, "off")) {
        s->reply_off = true;
    } else if (ctx_arg_is(c, 2, "skip")) {
        /* One is taken off when this command is done with. */
        s->reply_skip = s->reply_off ? 0 : 2;
    } else {
        ctx_error_syntax(c);
    }
}

static void client_toggle_run(struct cmd_ctx *c)
{
    if (ctx_arg_is(c, 2, "on") || ctx_arg_is(c, 2, "off")) {
        reply_ok(c->reply);
        return;
    }
    ctx_error_syntax(c);
}

/* A line: three texts of SESSION_NAME_MAX, two addresses, numbers. */
enum { CLIENT_LINE_MAX = 2048, CLIENT_ADDRESS_MAX = 256 };

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static const char *command_name(const struct cmd *cmd)
{
    return cmd != NULL ? cmd->full_name : "NULL";
}

/* The line CLIENT LIST shows of a session; the length put into `out`. */
static size_t describe(const struct connection *of,
                       char *out, size_t cap)
{
    const struct session *s = &of->session;
    char peer[CLIENT_ADDRESS_MAX], local[CLIENT_ADDRESS_MAX];
    int fd = conn_fd(of->net);
    int64_t now_ms = loop_now_us(of->worker->loop) / 1000;
    socket_peer_name(fd, peer, sizeof peer);
    socket_local_name(fd, local, sizeof local);
    int n = snprintf(
        out, cap,
        "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s "
        "db=%u sub=0 psub=0 ssub=0 multi=-1 qbuf=%zu qbuf-free=%zu argv-mem=0 "
        "multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=%zu tot-mem=%zu events=r "
        "cmd=%s user=default redir=-1 resp=%u lib-name=%s lib-ver=%s\n",
        (unsigned long long)s->id, peer, local, fd, text_or_empty(s->name),
        (long long)(now_ms - s->created_ms) / 1000,
        (long long)(now_ms - s->last_active_ms) / 1000,
        of->is_unix ? "U" : "N", s->database, of->in.len,
        of->in.cap - of->in.start - of->in.len, conn_out(of->net)->bytes,
        connection_bytes(of), command_name(s->last_command),
        s->reply.protocol, text_or_empty(s->lib_name),
        text_or_empty(s->lib_version));
    assert(n > 0);
    return (size_t)n < cap ? (size_t)n : cap - 1;
}

static void client_info_run(struct cmd_ctx *c)
{
    char line[CLIENT_LINE_MAX];
    size_t len = describe(connection_of(c), line, sizeof line);
    reply_verbatim(c->reply, "txt", slice_of(line, len));
}

/* What CLIENT LIST was asked for. */
struct list_filter {
    bool is_all, is_none;
    uint32_t ids_from; /* argv index of the first number; 0: none */
};

static bool parse_list_type(struct cmd_ctx *c, struct list_filter *f)
{
    static const char *const types[] = {
        "normal", "master", "replica", "slave", "pubsub",
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (ctx_arg_is(c, 3, types[i])) {
            f->is_all = i == 0;
            f->is_none = i != 0;
            return true;
        }
    }
    reply_errorf(c->reply, "ERR Unknown client type '%.*s'",
                 (int)(c->argv[3].len < 128 ? c->argv[3].len : 128),
                 (const char *)c->argv[3].data);
    return false;
}

static bool parse_list(struct cmd_ctx *c, struct list_filter *f)
{
    *f = (struct list_filter){.is_all = c->argc == 2};
    if (f->is_all) {
        return true;
    }
    if (c->argc == 4 && ctx_arg_is(c, 2, "type")) {
        return parse_list_type(c, f);
    }
    if (c->argc < 4 || !ctx_arg_is(c, 2, "id")) {
        ctx_error_syntax(c);
        return false;
    }
    for (uint32_t i = 3; i < c->argc; i++) {
        int64_t id;
        if (!number_parse_int64(c->argv[i], &id) || id < 1) {
            reply_error(c->reply, "ERR Invalid client ID");
            return false;
        }
    }
    f->ids_from = 3;
    return true;
}

static bool is_listed(const struct cmd_ctx *c, const struct list_filter *f,
                      uint64_t id)
{
    for (uint32_t i = f->ids_from; !f->is_all && i > 0 && i < c->argc; i++) {
        int64_t asked;
        if (number_parse_int64(c->argv[i], &asked) && (uint64_t)asked == id) {
            return true;
        }
    }
    return f->is_all;
}

/* The sessions of this worker, so all of them when there is one; those of
 * others belong to their threads. */
static void client_list_run(struct cmd_ctx *c)
{
    struct worker *w = connection_of(c)->worker;
    struct list_filter filter;
    size_t cap = 0, used = 0;
    char *text;
    if (!parse_list(c, &filter)) {
        return;
    }
    for (struct connection *i = w->connections; i != NULL; i = i->next) {
        cap += CLIENT_LINE_MAX;
    }
    text = ctx_scratch(c, cap);
    if (text == NULL) {
        return;
    }
    for (struct connection *i = w->connections; i != NULL; i = i->next) {
        if (!filter.is_none && is_listed(c, &filter, i->session.id)) {
            used += describe(i, text + used, CLIENT_LINE_MAX);
        }
    }
    reply_verbatim(c->reply, "txt", slice_of(text, used));
}

static void client_help_run(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GETNAME",
        "    Say the name of this connection.",
        "ID",
        "    Say the number of this connection.",
        "INFO",
        "    Describe this connection.",
        "LIST [TYPE <type> | ID <id> ...]",
        "    Describe the connections of this worker.",
        "NO-EVICT (ON|OFF)",
        "    Accepted: connections are not evicted.",
        "NO-TOUCH (ON|OFF)",
        "    Accepted: reading goes on to count as use.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether this connection is answered.",
        "SETINFO (LIB-NAME|LIB-VER) <value>",
        "    Note which library the client uses.",
        "SETNAME <name>",
        "    Name this connection.",
        "HELP",
        "    Print this help.",
    };
    ctx_reply_help(c, lines, sizeof lines / sizeof lines[0]);
}

enum { ANYTIME = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE };

static const struct cmd_spec client_subcommands[] = {
    {.name = "getname", .arity = 2, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_getname_run,
     .since = "2.6.9", .summary = "The connection's name."},
    {.name = "help", .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .categories = CAT_CONNECTION, .run = client_help_run,
     .since = "5.0.0", .summary = "What CLIENT can do."},
    {.name = "id", .arity = 2, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_id_run, .since = "5.0.0",
     .summary = "The connection's number."},
    {.name = "info", .arity = 2, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_info_run, .since = "6.2.0",
     .summary = "Describes the connection."},
    {.name = "list", .arity = -2, .flags = ANYTIME | CMD_ADMIN,
     .categories = CAT_CONNECTION, .run = client_list_run, .since = "2.4.0",
     .summary = "Describes connections."},
    {.name = "no-evict", .arity = 3, .flags = ANYTIME | CMD_ADMIN,
     .categories = CAT_CONNECTION, .run = client_toggle_run,
     .since = "7.0.0", .summary = "Whether the connection may be evicted."},
    {.name = "no-touch", .arity = 3, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_toggle_run,
     .since = "7.2.0", .summary = "Whether reading counts as use."},
    {.name = "reply", .arity = 3, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_reply_run,
     .since = "3.2.0", .summary = "Whether the connection is answered."},
    {.name = "setinfo", .arity = 4, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_setinfo_run,
     .since = "7.2.0", .summary = "Notes the client's library."},
    {.name = "setname", .arity = 3, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = client_setname_run,
     .since = "2.6.9", .summary = "Names the connection."},
    {.name = NULL},
};

const struct cmd_spec session_cmds[] = {
    {.name = "auth", .arity = -2,
     .flags = ANYTIME | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY
              | CMD_SECRET,
     .categories = CAT_CONNECTION, .run = auth_run, .since = "1.0.0",
     .summary = "Shows the server the password."},
    {.name = "client", .arity = -2, .subcommands = client_subcommands,
     .since = "2.4.0", .summary = "About connections."},
    {.name = "hello", .arity = -1,
     .flags = ANYTIME | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY
              | CMD_SECRET,
     .categories = CAT_CONNECTION, .run = hello_run, .since = "6.0.0",
     .summary = "Chooses the protocol, and logs in."},
    {.name = "reset", .arity = 1,
     .flags = ANYTIME | CMD_FAST | CMD_NO_AUTH | CMD_NOT_QUEUED
              | CMD_ALLOW_BUSY,
     .categories = CAT_CONNECTION, .run = reset_run, .since = "6.2.0",
     .summary = "Makes the connection as new."},
    {.name = NULL},
};
