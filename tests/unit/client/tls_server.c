/* tls_server: see tls_server.h. */
#include "tls_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests.h"

enum { PIECE_BYTES = 32 * 1024, DAY_SECONDS = 24 * 3600 };

/* ---- certificates ---- */

static X509 *create_cert(EVP_PKEY *key, const char *names, int days)
{
    X509 *cert = X509_new();
    long begins = days < 0 ? 2L * days * DAY_SECONDS : -DAY_SECONDS;
    assert_int_equal(X509_set_version(cert, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), begins);
    X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY_SECONDS);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    assert_int_equal(X509_set_issuer_name(cert, name), 1);
    X509_EXTENSION *san =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    assert_non_null(san);
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

void tls_files_create(struct tls_files *f, const char *names, int days,
                      const char *passphrase)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/engram-tls-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->cert, sizeof f->cert, "%s/cert.pem", f->folder);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *cert = create_cert(key, names, days);
    FILE *out = fopen(f->cert, "w");
    assert_int_equal(PEM_write_X509(out, cert), 1);
    fclose(out);
    out = fopen(f->key, "w");
    assert_int_equal(
        PEM_write_PrivateKey(out, key,
                             passphrase == NULL ? NULL : EVP_aes_128_cbc(),
                             (const unsigned char *)passphrase,
                             passphrase == NULL ? 0 : (int)strlen(passphrase),
                             NULL, NULL),
        1);
    fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void tls_files_destroy(struct tls_files *f)
{
    unlink(f->cert);
    unlink(f->key);
    rmdir(f->folder);
}

/* ---- the server ---- */

static int note_name(SSL *ssl, int *alert, void *arg)
{
    struct tls_server *s = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    snprintf(s->client_name, sizeof s->client_name, "%s",
             name == NULL ? "" : name);
    return SSL_TLSEXT_ERR_OK;
}

void tls_server_start(struct tls_server *s, const struct tls_files *f)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    *s = (struct tls_server){ .fd = -1 };
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_file(s->ctx, f->cert,
                                                  SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->ctx, f->key,
                                                 SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"t", 1);
    SSL_CTX_set_tlsext_servername_callback(s->ctx, note_name);
    SSL_CTX_set_tlsext_servername_arg(s->ctx, s);
}

static void drop(struct tls_server *s)
{
    if (s->fd >= 0) {
        SSL_free(s->ssl);
        close(s->fd);
        s->ssl = NULL;
        s->fd = -1;
    }
}

static bool admit(struct tls_server *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    drop(s);
    s->fd = fd;
    s->accepted++;
    s->is_ended = false;
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    s->ssl = SSL_new(s->ctx);
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_accept_state(s->ssl);
    return true;
}

static size_t at_once(const struct tls_server *s)
{
    return s->bytes_at_once > 0 ? s->bytes_at_once : PIECE_BYTES;
}

static bool hear(struct tls_server *s)
{
    char piece[PIECE_BYTES];
    ssize_t n = s->is_deaf ? -1 : recv(s->fd, piece, at_once(s), 0);
    if (n <= 0) {
        s->is_ended = s->is_ended || n == 0;
        return false;
    }
    if (s->is_plain) {
        static const char no[] = "-ERR I speak no TLS\r\n";
        (void)!send(s->fd, no, sizeof no - 1, MSG_NOSIGNAL);
        return true;
    }
    assert_int_equal(BIO_write(s->in, piece, (int)n), n);
    return true;
}

/* A request is "*1\r\n$4\r\nPING\r\n", or has no other star in it. */
static void answer(struct tls_server *s)
{
    char piece[PIECE_BYTES];
    int n;
    while ((n = SSL_read(s->ssl, piece, sizeof piece)) > 0) {
        s->bytes_heard += (size_t)n;
        for (int i = 0; i < n; i++) {
            if (piece[i] != '*') {
                continue;
            }
            s->requests++;
            if (!s->is_silent) {
                assert_int_equal(SSL_write(s->ssl, "+OK\r\n", 5), 5);
            }
        }
    }
    s->is_ended = s->is_ended ||
                  SSL_get_error(s->ssl, n) == SSL_ERROR_ZERO_RETURN;
}

static bool speak(struct tls_server *s)
{
    char *data;
    long len = BIO_get_mem_data(s->out, &data);
    size_t part = (size_t)len < at_once(s) ? (size_t)len : at_once(s);
    if (len == 0 || s->is_mute) {
        return false;
    }
    ssize_t n = send(s->fd, data, part, MSG_NOSIGNAL);
    if (n < 0) {
        return false;
    }
    char sent[PIECE_BYTES];
    assert_int_equal(BIO_read(s->out, sent, (int)n), n);
    return true;
}

bool tls_server_turn(struct tls_server *s)
{
    bool is_busy = admit(s);
    if (s->fd < 0) {
        return is_busy;
    }
    is_busy = hear(s) || is_busy;
    if (!s->is_plain) {
        if (!SSL_is_init_finished(s->ssl)) {
            (void)SSL_do_handshake(s->ssl);
            s->was_resumed = SSL_session_reused(s->ssl) == 1;
        }
        if (SSL_is_init_finished(s->ssl)) {
            answer(s);
        }
        is_busy = speak(s) || is_busy;
    }
    ERR_clear_error();
    return is_busy;
}

void tls_server_say(struct tls_server *s, const void *data, size_t len)
{
    assert_int_equal(SSL_write(s->ssl, data, (int)len), (int)len);
}

void tls_server_hang_up(struct tls_server *s, bool is_polite)
{
    if (is_polite) {
        (void)SSL_shutdown(s->ssl);
    }
    while (speak(s)) {
    }
    ERR_clear_error();
    drop(s);
}

void tls_server_stop(struct tls_server *s)
{
    drop(s);
    close(s->listener);
    SSL_CTX_free(s->ctx);
    ERR_clear_error();
}
