/* sentinel_server: a connection that goes where the sentinels say. When its
 * link ends it is held until they have been asked, and then goes no earlier
 * than its own backoff has it; only the news of a move makes it go at once. */
#include <assert.h>

#include "client/sentinel_priv.h"

/* ---- what the connection tells ---- */

static void on_ready(struct engram_conn *c, void *arg)
{
    struct sentinel_server *server = arg;
    (void)c;
    server->is_ready = true;
}

static void hold(struct sentinel_server *server)
{
    server->is_held = true;
    link_wait_until(server->conn, REQUEST_NO_DEADLINE);
}

/* A link that stood: the sentinels may know more by now. One that could not be
 * made: they may know more when its time has come. */
static void on_ended(struct engram_conn *c, enum engram_status why,
                     int retry_ms, void *arg)
{
    struct sentinel_server *server = arg;
    struct engram_sentinel *s = server->sentinel;
    bool was_ready = server->is_ready;
    (void)why;
    server->is_ready = false;
    if (server->is_moving || retry_ms < 0 || !s->is_open) {
        return;
    }
    server->retry_at_us = c->now_us + (int64_t)retry_ms * 1000;
    if (s->rounds_failed == 0) {
        hold(server);
    }
    if (server == &s->master && was_ready) {
        s->surveyed = 0;
    }
    sentinel_guide_ask(s, was_ready ? c->now_us : server->retry_at_us,
                       server == &s->master && !was_ready ? ASK_NEXT
                                                          : ASK_SAME);
}

static const struct conn_tap server_tap = {
    .on_ready = on_ready,
    .on_ended = on_ended,
};

/* ---- life ---- */

enum engram_status sentinel_server_create(struct engram_sentinel *s,
                                          struct sentinel_server *server,
                                          const struct engram_options *o,
                                          const char *role)
{
    enum engram_status st = ENGRAM_OK;
    server->sentinel = s;
    server->conn = sentinel_create_conn(s, o, &server_tap, server, &st);
    if (server->conn == NULL) {
        return st;
    }
    server->conn->role = role;
    if (server == &s->master) {
        conn_keep_tls(server->conn);
    } else {
        conn_share_tls(server->conn, s->master.conn);
    }
    return st;
}

void sentinel_server_destroy(struct sentinel_server *server)
{
    if (server->conn != NULL) {
        const struct engram_hooks *hooks = &server->sentinel->options.hooks;
        server->conn->tap = (struct conn_tap){ .arg = NULL };
        hooks->detach(server->conn, hooks->loop);
        engram_conn_destroy(&server->conn);
    }
}

void sentinel_server_open(struct sentinel_server *server)
{
    server->is_ready = false;
    server->retry_at_us = 0;
    (void)engram_conn_open(server->conn);
    hold(server);
}

/* ---- leading ---- */

static void go(struct sentinel_server *server, int64_t at_us)
{
    server->is_held = false;
    link_wait_until(server->conn, at_us);
}

/* The link that there is, if any, is the wrong one. */
static void leave(struct sentinel_server *server, const char *why)
{
    struct engram_conn *c = server->conn;
    if (c->state <= LINK_WAITING) {
        return;
    }
    server->is_moving = true;
    conn_set_error(c, "%s", why);
    link_leave(c, ENGRAM_DISCONNECTED);
    server->is_moving = false;
}

void sentinel_server_lead(struct sentinel_server *server,
                          const struct address *to, bool is_urgent)
{
    struct engram_sentinel *s = server->sentinel;
    if (to == NULL) {
        server->at.port = 0;
        leave(server, "there is no replica for it");
        if (!s->is_destroyed && s->is_open) {
            hold(server);
        }
        return;
    }
    if (!address_equal(&server->at, to)) {
        if (engram_conn_set_address(server->conn, to->host, to->port) !=
            ENGRAM_OK) {
            sentinel_guide_ask(s, sentinel_now_us(s) + SENTINEL_RETRY_US,
                               ASK_SAME);
            return;
        }
        server->at = *to;
        leave(server, "the server has moved");
        if (s->is_destroyed) {
            return;
        }
    }
    if (is_urgent) {
        server->conn->failures = 0;
        server->retry_at_us = 0;
    }
    go(server, server->retry_at_us);
}

void sentinel_servers_let_go(struct engram_sentinel *s)
{
    if (s->master.is_held && s->master.at.port != 0) {
        go(&s->master, s->master.retry_at_us);
    }
    for (uint32_t i = 0; i < s->options.replicas; i++) {
        struct sentinel_server *server = &s->replicas[i];
        if (server->is_held && server->at.port != 0) {
            go(server, server->retry_at_us);
        }
    }
}

bool sentinel_has_idle_replica(const struct engram_sentinel *s)
{
    for (uint32_t i = 0; i < s->options.replicas; i++) {
        if (s->replicas[i].at.port == 0) {
            return true;
        }
    }
    return false;
}
