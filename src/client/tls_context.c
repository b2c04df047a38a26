/* tls_context: from options to an SSL_CTX.
 *
 * One is made for each attempt to connect, so that renewed certificates count
 * from the next connection on, and none is shared, so that connections of
 * different threads share nothing. */
#include "client/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

void tls_take_error(char *text, size_t cap)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    if (reason != NULL) {
        (void)snprintf(text, cap, "%s", reason);
    } else if (ERR_SYSTEM_ERROR(code)) {
        char buffer[64];
        (void)snprintf(text, cap, "%s",
                       strerror_r(ERR_GET_REASON(code), buffer, sizeof buffer));
    } else {
        (void)snprintf(text, cap, "error %lx of OpenSSL", code);
    }
}

/* OpenSSL would ask on the terminal. */
static int refuse_passphrase(char *out, int cap, int is_writing, void *arg)
{
    (void)out;
    (void)cap;
    (void)is_writing;
    (void)arg;
    return -1;
}

static int trust(SSL_CTX *ctx, const struct target_tls *o)
{
    if (o->ca_file == NULL && o->ca_dir == NULL) {
        return SSL_CTX_set_default_verify_paths(ctx);
    }
    return SSL_CTX_load_verify_locations(ctx, o->ca_file, o->ca_dir);
}

/* What the options ask for, one after the other; NULL: done, else what has
 * failed, and *value is what the program gave for it. */
static const char *apply(SSL_CTX *ctx, const struct target_tls *o,
                         const char **value)
{
    *value = o->ca_file != NULL ? o->ca_file : o->ca_dir;
    if (o->is_verified && trust(ctx, o) != 1) {
        return "trusted certificates";
    }
    *value = o->cert_file;
    if (o->cert_file != NULL &&
        SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1) {
        return "certificate";
    }
    *value = o->key_file;
    if (o->key_file != NULL &&
        (SSL_CTX_use_PrivateKey_file(ctx, o->key_file, SSL_FILETYPE_PEM) != 1 ||
         SSL_CTX_check_private_key(ctx) != 1)) {
        return "private key";
    }
    *value = o->ciphers;
    if (o->ciphers != NULL && SSL_CTX_set_cipher_list(ctx, o->ciphers) != 1) {
        return "ciphers";
    }
    *value = o->ciphersuites;
    if (o->ciphersuites != NULL &&
        SSL_CTX_set_ciphersuites(ctx, o->ciphersuites) != 1) {
        return "ciphersuites";
    }
    return NULL;
}

SSL_CTX *tls_context_create(const struct target_tls *o, char *text, size_t cap)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL ||
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        tls_take_error(text, cap);
        SSL_CTX_free(ctx);
        return NULL;
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
    /* A record's head and body in one system call. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_verify(
        ctx, o->is_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, refuse_passphrase);
    const char *value;
    const char *failed = apply(ctx, o, &value);
    if (failed != NULL) {
        char reason[128];
        tls_take_error(reason, sizeof reason);
        (void)snprintf(text, cap, "%s %s: %s", failed,
                       value == NULL ? "of the system" : value, reason);
        SSL_CTX_free(ctx);
        return NULL;
    }
    /* A default directory that is not there leaves an error without failing. */
    ERR_clear_error();
    return ctx;
}

bool tls_context_set_name(SSL *ssl, char *name)
{
    /* An address is looked for among the certificate's addresses, and is
     * nothing to be told. */
    bool is_set =
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    if (!is_set) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        is_set = SSL_set_tlsext_host_name(ssl, name) == 1 &&
                 SSL_set1_host(ssl, name) == 1;
    }
    return is_set;
}
