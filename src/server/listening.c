/* listening: see listening.h.
 *
 * A new address may be another spelling of an old one ("*" and 127.0.0.1 at the
 * same port), which the system would refuse while the old socket listens. The two
 * share the port until the change is committed. Then the old ones stop listening
 * at once, so that whoever connects from then on meets a new one, and worker 0
 * closes them a moment later. */
#include "server/listening.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "net/socket.h"
#include "server/server_priv.h"
#include "server/worker.h"

enum { GROUP_TEXT_MAX = 64 * 1024 }; /* an entry of the system's groups */

struct listening_change {
    struct message link; /* first */
    struct listening next;
    int opened[LISTEN_ADDRESSES_MAX], opened_count;
    int old[LISTEN_ADDRESSES_MAX], old_count; /* to be closed */
};

/* ---- addresses ---- */

/* What an address word says: host without its dash. */
struct host {
    char name[LISTEN_HOST_MAX];
    bool is_optional; /* where the machine has no such address, go on */
};

static struct host host_of(struct slice word)
{
    struct host h = {.is_optional = word.len > 0 && word.data[0] == '-'};
    size_t skip = h.is_optional ? 1 : 0;
    (void)snprintf(h.name, sizeof h.name, "%.*s", (int)(word.len - skip),
                   (const char *)word.data + skip);
    return h;
}

static struct listen_address *find(struct listening *l, const char *host,
                                   int port)
{
    for (int i = 0; i < l->count; i++) {
        if (l->at[i].port == port && strcmp(l->at[i].host, host) == 0) {
            return &l->at[i];
        }
    }
    return NULL;
}

static void add(struct listening *l, const char *host, int port, int fd)
{
    struct listen_address *a = &l->at[l->count++];
    assert(l->count <= LISTEN_ADDRESSES_MAX);
    (void)snprintf(a->host, sizeof a->host, "%s", host);
    a->port = port;
    a->fd = fd;
}

/* ---- a change ---- */

static void share_old_ports(const struct listening_change *c, bool is_shared)
{
    for (int i = 0; i < c->old_count; i++) {
        socket_share_port(c->old[i], is_shared);
    }
}

/* The new socket, or -1 and *error. */
static int open_address(struct listening_change *c, const char *host, int port,
                        int backlog, int *error)
{
    int fd = -1;
    enum status st = socket_listen_tcp(host, port, backlog, false, &fd, error);
    if (st != ST_OK && *error == EADDRINUSE && c->old_count > 0) {
        share_old_ports(c, true);
        st = socket_listen_tcp(host, port, backlog, true, &fd, error);
        share_old_ports(c, false);
        if (st == ST_OK) {
            socket_share_port(fd, false);
        }
    }
    return st == ST_OK ? fd : -1;
}

/* One word of `bind`: kept, opened or passed over. */
static bool take_word(struct listening_change *c, struct slice word, int port,
                      int backlog, char *err, size_t cap)
{
    struct host h = host_of(word);
    int fd, error = 0;
    if (find(&c->next, h.name, port) != NULL) {
        return true;
    }
    fd = open_address(c, h.name, port, backlog, &error);
    if (fd < 0) {
        bool is_absent = error == EADDRNOTAVAIL || error == EAFNOSUPPORT
                         || error == EPROTONOSUPPORT;
        if (h.is_optional && is_absent) {
            return true;
        }
        (void)snprintf(err, cap, "Failed listening on port %d (%s): %s", port,
                       h.name, strerror(error));
        return false;
    }
    c->opened[c->opened_count++] = fd;
    add(&c->next, h.name, port, fd);
    return true;
}

/* What stays goes to c->next, what does not to c->old. */
static void part_old(struct server *s, struct listening_change *c,
                     const struct slice *words, int count, int port)
{
    for (int k = 0; k < s->listening.count; k++) {
        const struct listen_address *a = &s->listening.at[k];
        bool stays = false;
        for (int i = 0; i < count && a->port == port; i++) {
            stays = stays || strcmp(host_of(words[i]).name, a->host) == 0;
        }
        if (stays) {
            add(&c->next, a->host, a->port, a->fd);
        } else {
            c->old[c->old_count++] = a->fd;
        }
    }
}

bool listening_prepare(struct server *s, const struct options *to,
                       struct listening_change **out, char *err, size_t cap)
{
    struct listening_change *c = mem_alloc_zeroed(&s->account, sizeof *c);
    struct slice words[LISTEN_ADDRESSES_MAX], line = slice_of_text(to->bind);
    uint8_t *scratch = mem_alloc(&s->account, line.len + 1);
    int port = (int)to->port, count = 0;
    bool ok = c != NULL && scratch != NULL;
    *out = NULL;
    (void)snprintf(err, cap, "out of memory");
    if (ok && port != 0) {
        count = config_split_line(line, scratch, words, LISTEN_ADDRESSES_MAX);
        ok = count >= 0;
        (void)snprintf(err, cap, "bad addresses: bind \"%.200s\"", to->bind);
    }
    if (ok) {
        part_old(s, c, words, count, port);
    }
    for (int i = 0; ok && i < count; i++) {
        ok = take_word(c, words[i], port, (int)to->tcp_backlog, err, cap);
    }
    if (ok && count > 0 && c->next.count == 0) {
        (void)snprintf(err, cap, "no address to listen on: bind \"%.200s\"",
                       to->bind);
        ok = false;
    }
    mem_free(&s->account, scratch);
    if (!ok) {
        listening_abandon(s, &c);
        return false;
    }
    *out = c;
    return true;
}

void listening_abandon(struct server *s, struct listening_change **change)
{
    struct listening_change *c = *change;
    for (int i = 0; c != NULL && i < c->opened_count; i++) {
        close(c->opened[i]);
    }
    mem_free(&s->account, c);
    *change = NULL;
}

/* Worker 0's part. Old ones first, to have room for the new ones. */
static void switch_listeners(struct worker *w, const struct listening_change *c)
{
    for (int i = 0; i < c->old_count && !w->is_stopping; i++) {
        worker_stop_listening(w, c->old[i]);
    }
    for (int i = 0; i < c->opened_count; i++) {
        if (w->is_stopping || !worker_listen(w, c->opened[i])) {
            close(c->opened[i]);
            log_write(w->server->log, LOG_WARNING,
                      "A new address is not listened on: %s",
                      w->is_stopping ? "the server ends" : "out of memory");
        }
    }
}

static void receive_change(void *worker, struct message *m)
{
    struct worker *w = worker;
    struct listening_change *c = (struct listening_change *)(void *)m;
    switch_listeners(w, c);
    mem_free(&w->server->account, c);
}

void listening_commit(struct server *s, struct listening_change **change)
{
    struct listening_change *c = *change;
    *change = NULL;
    if (c == NULL) {
        return;
    }
    s->listening = c->next;
    for (int i = 0; i < c->old_count; i++) {
        socket_stop_listening(c->old[i]);
    }
    c->link.run = receive_change;
    worker_post(s, 0, &c->link);
}

/* ---- the start ---- */

/* By name or number; 0 or errno. */
static int give_to_group(const char *path, const char *group)
{
    char scratch[GROUP_TEXT_MAX];
    struct group entry, *found = NULL;
    int64_t id;
    if (number_parse_int64(slice_of_text(group), &id) && id >= 0
        && id < UINT32_MAX) {
        return chown(path, (uid_t)-1, (gid_t)id) == 0 ? 0 : errno;
    }
    int error = getgrnam_r(group, &entry, scratch, sizeof scratch, &found);
    if (error != 0 || found == NULL) {
        return error != 0 ? error : EINVAL;
    }
    return chown(path, (uid_t)-1, found->gr_gid) == 0 ? 0 : errno;
}

static bool listen_unix(struct server *s, char *err, size_t cap)
{
    const struct options *o = &s->options;
    int fd, error = 0;
    if (o->unixsocket[0] == 0) {
        return true;
    }
    enum status st = socket_listen_unix(o->unixsocket,
                                        (unsigned)o->unixsocketperm,
                                        (int)o->tcp_backlog, &fd, &error);
    if (st != ST_OK) {
        (void)snprintf(err, cap, "Failed opening Unix socket %s: %s",
                       o->unixsocket,
                       st == ST_IO ? strerror(error) : status_text(st));
        return false;
    }
    s->has_unix_socket = true;
    error = o->unixsocketgroup[0] == 0
                ? 0 : give_to_group(o->unixsocket, o->unixsocketgroup);
    if (error != 0) {
        close(fd);
        (void)snprintf(err, cap, "Failed giving Unix socket %s to group %s: %s",
                       o->unixsocket, o->unixsocketgroup, strerror(error));
        return false;
    }
    if (!worker_listen(&s->workers[0], fd)) {
        close(fd);
        (void)snprintf(err, cap, "out of memory");
        return false;
    }
    return true;
}

bool listening_start(struct server *s, char *err, size_t cap)
{
    struct listening_change *c;
    if (!listening_prepare(s, &s->options, &c, err, cap)) {
        return false;
    }
    for (int i = 0; i < c->opened_count; i++) {
        if (!worker_listen(&s->workers[0], c->opened[i])) {
            /* Those before it are the loop's already. */
            for (int k = i; k < c->opened_count; k++) {
                close(c->opened[k]);
            }
            c->opened_count = 0;
            listening_abandon(s, &c);
            (void)snprintf(err, cap, "out of memory");
            return false;
        }
    }
    s->listening = c->next;
    mem_free(&s->account, c);
    return listen_unix(s, err, cap);
}
