/* target: options and URLs.
 *
 * A URL is taken apart by hand, from left to right, strictly: what is not
 * understood is refused, since a misread host or password is worse than none.
 *   redis://[user[:password]@]host[:port][/db]    rediss:// with TLS
 *   unix://[user[:password]@]/path[?db=N]
 * Parts may hold %XX for any byte but NUL. A password may be given alone, as
 * ":password@"; "name@" is a user without one, and refused. */
#include "client/target.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/slice.h"

enum {
    PORT_DEFAULT = 6379,
    PORT_MAX = 65535,
    DB_MAX = 1 << 20,
};

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A NUL-terminated copy with %XX resolved, into *out (which is replaced). */
static enum engram_status copy_unescaped(struct target *t, struct slice text,
                                         char **out)
{
    char *copy = mem_alloc(t->account, text.len + 1);
    if (copy == NULL) {
        return ENGRAM_NOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        int byte = text.data[i];
        if (byte == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(text.data[i + 2]);
            byte = low < 0 ? 0 : high * 16 + low;
            i += 2;
        }
        if (byte == 0) {
            mem_free(t->account, copy);
            return ENGRAM_INVALID;
        }
        copy[n++] = (char)byte;
    }
    copy[n] = '\0';
    mem_free(t->account, *out);
    *out = copy;
    return ENGRAM_OK;
}

static enum engram_status copy_text(struct target *t, const char *text,
                                    char **out)
{
    if (text == NULL) {
        return ENGRAM_OK;
    }
    size_t len = strlen(text);
    char *copy = mem_alloc(t->account, len + 1);
    if (copy == NULL) {
        return ENGRAM_NOMEM;
    }
    memcpy(copy, text, len + 1);
    mem_free(t->account, *out);
    *out = copy;
    return ENGRAM_OK;
}

static bool parse_below(struct slice text, int max, int *out)
{
    int64_t v;
    if (!number_parse_int64(text, &v) || v < 0 || v > max) {
        return false;
    }
    *out = (int)v;
    return true;
}

/* The part of *rest before the first `mark`, which is taken off with it; false:
 * there is no mark. */
static bool cut(struct slice *rest, int mark, struct slice *before)
{
    const uint8_t *at =
        rest->len == 0 ? NULL : memchr(rest->data, mark, rest->len);
    if (at == NULL) {
        return false;
    }
    size_t len = (size_t)(at - rest->data);
    *before = slice_of(rest->data, len);
    *rest = slice_of(at + 1, rest->len - len - 1);
    return true;
}

static bool strip(struct slice *rest, const char *prefix)
{
    size_t len = strlen(prefix);
    if (rest->len < len || memcmp(rest->data, prefix, len) != 0) {
        return false;
    }
    *rest = slice_of(rest->data + len, rest->len - len);
    return true;
}

/* "user:password@", where there is one before the host or path. */
static enum engram_status take_credentials(struct target *t, struct slice *rest)
{
    struct slice user, both;
    if (!cut(rest, '@', &both)) {
        return ENGRAM_OK;
    }
    bool has_password = cut(&both, ':', &user);
    if (!has_password) {
        user = both;
    }
    if (user.len > 0) {
        enum engram_status st = copy_unescaped(t, user, &t->user);
        if (st != ENGRAM_OK) {
            return st;
        }
    }
    return has_password ? copy_unescaped(t, both, &t->password) : ENGRAM_OK;
}

static enum engram_status take_host(struct target *t, struct slice rest)
{
    struct slice authority, host, db;
    if (cut(&rest, '/', &authority)) {
        db = rest;
    } else {
        authority = rest;
        db = slice_of("", 0);
    }
    if (db.len > 0 && !parse_below(db, DB_MAX, &t->db)) {
        return ENGRAM_INVALID;
    }
    /* "[::1]:6379" */
    bool is_bracketed = strip(&authority, "[");
    if (is_bracketed) {
        if (!cut(&authority, ']', &host) ||
            (authority.len > 0 && !strip(&authority, ":"))) {
            return ENGRAM_INVALID;
        }
    } else if (!cut(&authority, ':', &host)) {
        host = authority;
        authority = slice_of("", 0);
    }
    if (authority.len > 0 && !parse_below(authority, PORT_MAX, &t->port)) {
        return ENGRAM_INVALID;
    }
    return host.len == 0 ? ENGRAM_OK : copy_unescaped(t, host, &t->host);
}

static enum engram_status take_path(struct target *t, struct slice rest)
{
    struct slice path;
    if (cut(&rest, '?', &path)) {
        if (!strip(&rest, "db=") || !parse_below(rest, DB_MAX, &t->db)) {
            return ENGRAM_INVALID;
        }
    } else {
        path = rest;
    }
    return path.len < 2 || path.data[0] != '/'
               ? ENGRAM_INVALID
               : copy_unescaped(t, path, &t->path);
}

static enum engram_status take_url(struct target *t, const char *url)
{
    struct slice rest = slice_of_text(url);
    bool is_path = strip(&rest, "unix://");
    bool is_encrypted = !is_path && strip(&rest, "rediss://");
    if (!is_path && !is_encrypted && !strip(&rest, "redis://")) {
        return ENGRAM_INVALID;
    }
    t->tls.is_on = t->tls.is_on || is_encrypted;
    enum engram_status st = take_credentials(t, &rest);
    if (st != ENGRAM_OK) {
        return st;
    }
    return is_path ? take_path(t, rest) : take_host(t, rest);
}

/* After the host is known. */
static enum engram_status take_tls(struct target *t,
                                   const struct engram_options *o)
{
    struct target_tls *tls = &t->tls;
    const char *key = o->tls_key_file != NULL ? o->tls_key_file
                                              : o->tls_cert_file;
    const struct {
        const char *text;
        char **copy;
    } taken[] = {
        { o->tls_ca_file, &tls->ca_file },
        { o->tls_ca_dir, &tls->ca_dir },
        { o->tls_cert_file, &tls->cert_file },
        { key, &tls->key_file },
        { o->tls_ciphers, &tls->ciphers },
        { o->tls_ciphersuites, &tls->ciphersuites },
        { o->tls_server_name, &tls->server_name },
    };
    if (!tls->is_on) {
        return ENGRAM_OK;
    }
    if ((key != NULL && o->tls_cert_file == NULL) ||
        (target_server_name(t) == NULL && o->tls_server_name == NULL &&
         tls->is_verified)) {
        return ENGRAM_INVALID;
    }
    enum engram_status st = ENGRAM_OK;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0] && st == ENGRAM_OK;
         i++) {
        st = copy_text(t, taken[i].text, taken[i].copy);
    }
    return st;
}

static enum engram_status take_options(struct target *t,
                                       const struct engram_options *o)
{
    enum engram_status st = copy_text(t, o->user, &t->user);
    if (st == ENGRAM_OK) {
        st = copy_text(t, o->password, &t->password);
    }
    if (st == ENGRAM_OK) {
        st = copy_text(t, o->client_name, &t->client_name);
    }
    if (st != ENGRAM_OK || t->fd >= 0) {
        return st;
    }
    if (o->unix_path != NULL) {
        return copy_text(t, o->unix_path, &t->path);
    }
    if (o->url != NULL) {
        st = take_url(t, o->url);
    } else {
        st = copy_text(t, o->host, &t->host);
    }
    if (st == ENGRAM_OK && t->host == NULL && t->path == NULL) {
        st = copy_text(t, "127.0.0.1", &t->host);
    }
    return st;
}

enum engram_status target_init(struct target *t, struct mem_account *account,
                               const struct engram_options *o)
{
    *t = (struct target){
        .account = account,
        .port = o->port == 0 ? PORT_DEFAULT : o->port,
        .db = o->db,
        .fd = o->fd,
        .tls = { .is_on = o->tls != 0, .is_verified = o->tls_verify != 0 },
    };
    if (t->port < 0 || t->port > PORT_MAX || t->db < 0) {
        return ENGRAM_INVALID;
    }
    enum engram_status st = take_options(t, o);
    /* A user's name alone cannot authenticate. */
    if (st == ENGRAM_OK && t->user != NULL && t->password == NULL) {
        st = ENGRAM_INVALID;
    }
    if (st == ENGRAM_OK) {
        st = take_tls(t, o);
    }
    if (st != ENGRAM_OK) {
        target_deinit(t);
    }
    return st;
}

void target_recall(const struct target *t, struct engram_options *o)
{
    o->fd = t->fd;
    o->unix_path = t->path;
    o->url = NULL;
    o->host = t->host;
    o->port = t->port;
    o->user = t->user;
    o->password = t->password;
    o->client_name = t->client_name;
    o->db = t->db;
    o->tls = t->tls.is_on;
    o->tls_verify = t->tls.is_verified;
    o->tls_ca_file = t->tls.ca_file;
    o->tls_ca_dir = t->tls.ca_dir;
    o->tls_cert_file = t->tls.cert_file;
    o->tls_key_file = t->tls.key_file;
    o->tls_ciphers = t->tls.ciphers;
    o->tls_ciphersuites = t->tls.ciphersuites;
    o->tls_server_name = t->tls.server_name;
}

char *target_seed_url(struct mem_account *account, const char *seed)
{
    const char *scheme = strstr(seed, "://") == NULL ? "redis://" : "";
    size_t cap = strlen(scheme) + strlen(seed) + 1;
    char *url = mem_alloc(account, cap);
    if (url != NULL) {
        (void)snprintf(url, cap, "%s%s", scheme, seed);
    }
    return url;
}

enum engram_status target_move(struct target *t, const char *host, int port)
{
    if (t->fd >= 0 || t->path != NULL || host == NULL || host[0] == '\0' ||
        port < 1 || port > PORT_MAX) {
        return ENGRAM_INVALID;
    }
    enum engram_status st = copy_text(t, host, &t->host);
    if (st == ENGRAM_OK) {
        t->port = port;
        t->moves++;
    }
    return st;
}

void target_deinit(struct target *t)
{
    if (t->password != NULL) {
        explicit_bzero(t->password, strlen(t->password));
    }
    mem_free(t->account, t->path);
    mem_free(t->account, t->host);
    mem_free(t->account, t->user);
    mem_free(t->account, t->password);
    mem_free(t->account, t->client_name);
    mem_free(t->account, t->tls.ca_file);
    mem_free(t->account, t->tls.ca_dir);
    mem_free(t->account, t->tls.cert_file);
    mem_free(t->account, t->tls.key_file);
    mem_free(t->account, t->tls.ciphers);
    mem_free(t->account, t->tls.ciphersuites);
    mem_free(t->account, t->tls.server_name);
    *t = (struct target){ .account = t->account, .fd = -1 };
}

char *target_server_name(const struct target *t)
{
    return t->tls.server_name != NULL ? t->tls.server_name : t->host;
}

void target_name(const struct target *t, char *out, size_t cap)
{
    if (t->fd >= 0) {
        (void)snprintf(out, cap, "fd %d", t->fd);
    } else if (t->path != NULL) {
        (void)snprintf(out, cap, "%s", t->path);
    } else {
        bool is_v6 = strchr(t->host, ':') != NULL;
        (void)snprintf(out, cap, is_v6 ? "[%s]:%d" : "%s:%d", t->host, t->port);
    }
}
