/* target: where a connection goes and how it presents itself, checked and
 * copied from the options. */
#ifndef ENGRAM_CLIENT_TARGET_H
#define ENGRAM_CLIENT_TARGET_H

#include <engram/engram.h>

#include "base/mem.h"

struct target_tls {
    bool is_on, is_verified;
    /* Each NULL where it is not given. */
    char *ca_file;
    char *ca_dir;
    char *cert_file;
    char *key_file; /* not NULL where cert_file is not */
    char *ciphers;
    char *ciphersuites;
    char *server_name;
};

struct target {
    struct mem_account *account;
    /* Each NULL where it is not given. */
    char *path;
    char *host;
    char *user;
    char *password;
    char *client_name;
    int port;
    int db;
    int fd; /* -1: none */
    uint32_t moves; /* another each time the address changes */
    struct target_tls tls;
};

/* INVALID, NOMEM: nothing is kept. */
enum engram_status target_init(struct target *t, struct mem_account *account,
                               const struct engram_options *o);
/* The options that it was made from; the strings are the target's. */
void target_recall(const struct target *t, struct engram_options *o);
/* What names one of several servers, "host", "host:port" or a URL, as a URL that
 * is freed with mem_free. NULL: out of memory. */
char *target_seed_url(struct mem_account *account, const char *seed);
/* As engram_conn_set_address. */
enum engram_status target_move(struct target *t, const char *host, int port);
/* Overwrites the password. Does not close the fd. */
void target_deinit(struct target *t);
/* Whom TLS must find there: the name that is given, else the host; NULL: neither
 * is there. */
char *target_server_name(const struct target *t);
/* "127.0.0.1:6379", "/run/engram.sock", "fd 5"; NUL-terminated, cut at `cap`. */
void target_name(const struct target *t, char *out, size_t cap);

#endif
