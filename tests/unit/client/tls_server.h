/* tls_server: the other end of a TLS connection, in the same thread, which does
 * what the test wants of it. It listens on 127.0.0.1 and has one client at a
 * time; bytes pass between socket and OpenSSL by hand, as few at a time as is
 * asked for. */
#ifndef ENGRAM_TESTS_UNIT_CLIENT_TLS_SERVER_H
#define ENGRAM_TESTS_UNIT_CLIENT_TLS_SERVER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct tls_server {
    /* Change these at will. */
    bool is_deaf;        /* reads nothing */
    bool is_mute;        /* sends nothing */
    bool is_silent;      /* does not answer requests */
    bool is_plain;       /* answers whatever comes in plain text */
    size_t bytes_at_once; /* through the socket, each way; 0: no limit */

    int listener, fd; /* fd -1: nobody is connected */
    int port;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    int accepted;
    bool was_resumed;    /* the last handshake */
    bool is_ended;       /* the client has said goodbye */
    size_t requests;     /* bytes '*' that came */
    size_t bytes_heard;  /* of requests, decrypted */
    char client_name[64]; /* SNI; "" */
};

/* A certificate, and its key, as files in a folder of the tests' own. */
struct tls_files {
    char folder[64], cert[96], key[96];
};
/* `names` as in "DNS:localhost,IP:127.0.0.1"; valid from now for `days`, which
 * may have passed. `passphrase` encrypts the key; NULL: it is not. */
void tls_files_create(struct tls_files *f, const char *names, int days,
                      const char *passphrase);
void tls_files_destroy(struct tls_files *f);

void tls_server_start(struct tls_server *s, const struct tls_files *f);
/* Does what can be done without waiting; true: something was done. */
bool tls_server_turn(struct tls_server *s);
/* Encrypts, to be sent with the next turns. */
void tls_server_say(struct tls_server *s, const void *data, size_t len);
/* Closes the client's socket, saying goodbye (close_notify) or not. */
void tls_server_hang_up(struct tls_server *s, bool is_polite);
void tls_server_stop(struct tls_server *s);

#endif
