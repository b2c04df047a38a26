/* link: names, URIs and the options of TLS. What a server owns is its name,
 * its host and its URI, whose scheme may have been replaced. */
#include "bench/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory.h"

enum { NAME_BYTES_MAX = 300, PORT_MAX = 65535 };

static void init_common(struct server *s, const struct options *o)
{
    *s = (struct server){.cluster = NULL};
    struct engram_options *l = &s->link;
    engram_options_init(l);
    l->host = memory_text(o->host, strlen(o->host));
    l->port = (int)o->port;
    l->user = o->user;
    l->password = o->password;
    l->db = (int)o->db;
    l->protocol = o->is_resp3 ? 3 : 2;
    l->reconnect = 0;
    /* The pipeline is the limit. */
    l->max_queued_bytes = PTRDIFF_MAX;
    l->max_in_flight = UINT32_MAX;
    l->tls = o->has_tls;
    l->tls_ca_file = o->ca_file;
    l->tls_ca_dir = o->ca_dir;
    l->tls_cert_file = o->cert;
    l->tls_key_file = o->key;
    l->tls_ciphers = o->ciphers;
    l->tls_ciphersuites = o->ciphersuites;
    l->tls_server_name = o->sni;
    l->tls_verify = !o->is_insecure;
}

/* libengram knows redis:// and rediss://. */
static char *with_known_scheme(const char *url)
{
    static const char *const known[][2] = {
        {"valkey://", "redis://"},
        {"valkeys://", "rediss://"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t len = strlen(known[i][0]);
        if (strncmp(url, known[i][0], len) == 0) {
            size_t size = strlen(url) + strlen(known[i][1]) + 1;
            char *out = memory_zeroed(size, 1);
            (void)snprintf(out, size, "%s%s", known[i][1], url + len);
            return out;
        }
    }
    return memory_text(url, strlen(url));
}

static char *name_of(const struct server *s)
{
    char name[NAME_BYTES_MAX];
    if (s->link.unix_path != NULL) {
        (void)snprintf(name, sizeof name, "%s", s->link.unix_path);
    } else if (s->link.url != NULL) {
        /* Without the password. */
        const char *at = strrchr(s->link.url, '@');
        const char *host = strstr(s->link.url, "://");
        host = at != NULL ? at + 1 : host != NULL ? host + 3 : s->link.url;
        (void)snprintf(name, sizeof name, "%s", host);
    } else {
        (void)snprintf(name, sizeof name, "%s:%d", s->link.host, s->link.port);
    }
    return memory_text(name, strlen(name));
}

void link_init(struct server *s, const struct options *o)
{
    init_common(s, o);
    s->link.unix_path = o->unix_path;
    s->link.url = o->url == NULL ? NULL : with_known_scheme(o->url);
    s->name = name_of(s);
}

bool link_init_compared(struct server *s, const struct options *o)
{
    const char *to = o->compare;
    init_common(s, o);
    if (to[0] == '/') {
        s->link.unix_path = to;
    } else if (strstr(to, "://") != NULL) {
        s->link.url = with_known_scheme(to);
    } else {
        const char *colon = strrchr(to, ':');
        char *end = NULL;
        long port = colon == NULL ? 0 : strtol(colon + 1, &end, 10);
        if (port < 1 || port > PORT_MAX || *end != '\0' || colon == to) {
            return false;
        }
        size_t len = (size_t)(colon - to);
        bool is_bracketed = len > 2 && to[0] == '[' && to[len - 1] == ']';
        free((char *)(uintptr_t)s->link.host);
        s->link.host = is_bracketed ? memory_text(to + 1, len - 2)
                                    : memory_text(to, len);
        s->link.port = (int)port;
    }
    s->name = name_of(s);
    return true;
}

void link_deinit(struct server *s)
{
    /* The library's options only borrow. */
    free((char *)(uintptr_t)s->link.host);
    free((char *)(uintptr_t)s->link.url);
    free((char *)(uintptr_t)s->name);
}
