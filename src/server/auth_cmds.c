/* auth_cmds: AUTH, HELLO, RESET: who a session is, and how it speaks.
 *
 * Threads: a session is its worker's; the password is read under config_lock. */
#include <string.h>

#include "base/number.h"
#include "exec/transaction.h"
#include "server/connection.h"
#include "server/monitor.h"
#include "server/session_text.h"
#include "server/version.h"

static struct server *server_of(const struct cmd_ctx *c)
{
    return c->host;
}

/* ---- the password ---- */

/* Takes as long for a wrong one as for the right one. `want` is not empty. */
static bool equal_in_constant_time(struct slice given, struct slice want)
{
    uint8_t differ = given.len != want.len;
    for (size_t i = 0; i < given.len; i++) {
        differ |= (uint8_t)(given.data[i] ^ want.data[i % want.len]);
    }
    return differ == 0;
}

enum password { PASSWORD_NONE_SET, PASSWORD_RIGHT, PASSWORD_WRONG };

static enum password check_password(struct server *s, struct slice given)
{
    enum password result = PASSWORD_NONE_SET;
    lock_acquire(&s->config_lock);
    struct slice want = option_text(s->options.requirepass);
    if (want.len > 0) {
        result = equal_in_constant_time(given, want) ? PASSWORD_RIGHT
                                                     : PASSWORD_WRONG;
    }
    lock_release(&s->config_lock);
    return result;
}

/* For who looks after the server: somebody may be trying passwords. */
static void note_denied(const struct cmd_ctx *c)
{
    struct connection *conn = connection_of(c->session);
    counter_add(&conn->worker->stats.auth_denied, 1);
    log_write(server_of(c)->log, LOG_VERBOSE,
              "Session %llu from %s was refused: wrong user or password",
              (unsigned long long)c->session->id, connection_peer(conn));
}

static bool log_in(struct cmd_ctx *c, struct slice user, struct slice password)
{
    bool is_known = slice_equal(user, SLICE_LIT("default"));
    if (!is_known
        || check_password(server_of(c), password) == PASSWORD_WRONG) {
        note_denied(c);
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
    return !h->has_name
           || session_text_check(c, SLICE_LIT("Client names"), h->name);
}

static void reply_hello(struct cmd_ctx *c)
{
    struct reply *r = c->reply;
    struct server *s = server_of(c);
    lock_acquire(&s->config_lock);
    bool has_zone = s->options.availability_zone[0] != '\0';
    reply_map(r, has_zone ? 8 : 7);
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
    if (has_zone) {
        reply_bulk_text(r, "availability_zone");
        reply_bulk_text(r, s->options.availability_zone);
    }
    lock_release(&s->config_lock);
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
    if (!c->session->is_authenticated
        && atomic_load_explicit(&server_of(c)->exec_shared.needs_auth,
                                memory_order_relaxed)) {
        reply_error(c->reply,
                    "NOAUTH HELLO must be called with the client already "
                    "authenticated, otherwise the HELLO <proto> AUTH <user> "
                    "<pass> option can be used to authenticate the client and "
                    "select the RESP protocol version at the same time");
        return;
    }
    if (h.has_name && !session_text_set(c, &c->session->name, h.name)) {
        return;
    }
    c->reply->protocol = (uint8_t)h.protocol;
    reply_hello(c);
}

static void reset_run(struct cmd_ctx *c)
{
    struct session *s = c->session;
    struct connection *conn = connection_of(s);
    transaction_reset(c);
    monitor_remove(conn);
    conn->no_evict = conn->is_import_source = conn->can_redirect = false;
    s->no_touch = false;
    s->database = 0;
    s->reply_off = false;
    s->reply_skip = 0;
    s->is_authenticated = !atomic_load_explicit(
        &server_of(c)->exec_shared.needs_auth, memory_order_relaxed);
    c->reply->protocol = 2;
    c->reply->is_muted = false;
    (void)session_text_set(c, &s->name, SLICE_LIT(""));
    reply_simple(c->reply, "RESET");
}

enum {
    ANYTIME = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH
              | CMD_ALLOW_BUSY,
};

const struct cmd_spec auth_cmds[] = {
    {.name = "auth", .arity = -2, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = auth_run},
    {.name = "hello", .arity = -1, .flags = ANYTIME,
     .categories = CAT_CONNECTION, .run = hello_run},
    {.name = "reset", .arity = 1, .flags = ANYTIME | CMD_NOT_QUEUED,
     .categories = CAT_CONNECTION, .run = reset_run},
    {.name = NULL},
};
