/* tls_context: from options to an SSL_CTX.
 *
 * To read a bundle of all the world's authorities takes some 40 ms, so the
 * connections of a pool, a cluster or a sentinel share what one has read. Before
 * each attempt to connect the files are looked at (stat), and are read anew if
 * one is not the one it was: renewed certificates count from the next connection
 * on. A directory changes when a file is put into it or taken away; what OpenSSL
 * has read from it is not looked at again until then.
 *
 * A connection of its own makes a context for each attempt, since a bundle that
 * nobody else uses would cost it more than a megabyte. Connections of different
 * threads share nothing. */
#include "client/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 4 };

/* Which file it is, and which edition; all zero: there is none. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct tls_context {
    uint32_t owners;
    SSL_CTX *ctx; /* NULL: nothing has been read */
    struct stamp stamps[FILES_MAX]; /* when it was */
};

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

static SSL_CTX *create_ctx(const struct target_tls *o, char *text, size_t cap)
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

/* ---- sharing ---- */

struct tls_context *tls_context_create(void)
{
    struct tls_context *shared = OPENSSL_zalloc(sizeof *shared);
    if (shared != NULL) {
        shared->owners = 1;
    }
    return shared;
}

struct tls_context *tls_context_acquire(struct tls_context *shared)
{
    shared->owners++;
    return shared;
}

void tls_context_release(struct tls_context **pointer)
{
    struct tls_context *shared = *pointer;
    *pointer = NULL;
    if (shared != NULL && --shared->owners == 0) {
        SSL_CTX_free(shared->ctx);
        OPENSSL_free(shared);
    }
}

static struct stamp stamp_of(const char *path)
{
    struct stat now;
    struct stamp stamp = { 0 };
    if (path != NULL && stat(path, &now) == 0) {
        stamp.device = now.st_dev;
        stamp.inode = now.st_ino;
        stamp.size = now.st_size;
        stamp.changed = now.st_mtim;
    }
    return stamp;
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Where OpenSSL finds whom the system trusts. */
static const char *path_of_system(const char *variable, const char *otherwise)
{
    const char *path = secure_getenv(variable);
    return path != NULL ? path : otherwise;
}

static void take_stamps(const struct target_tls *o, struct stamp *stamps)
{
    const char *file = o->ca_file;
    const char *dir = o->ca_dir;
    if (file == NULL && dir == NULL) {
        file = path_of_system(X509_get_default_cert_file_env(),
                              X509_get_default_cert_file());
        dir = path_of_system(X509_get_default_cert_dir_env(),
                             X509_get_default_cert_dir());
    }
    stamps[0] = stamp_of(file);
    stamps[1] = stamp_of(dir);
    stamps[2] = stamp_of(o->cert_file);
    stamps[3] = stamp_of(o->key_file);
}

SSL_CTX *tls_context_load(struct tls_context *shared,
                          const struct target_tls *o, char *text, size_t cap)
{
    if (shared == NULL) {
        return create_ctx(o, text, cap);
    }
    /* Before they are read: what changes meanwhile is read again. */
    struct stamp now[FILES_MAX];
    bool is_same = shared->ctx != NULL;
    take_stamps(o, now);
    for (int i = 0; i < FILES_MAX; i++) {
        is_same = is_same && stamp_equal(&now[i], &shared->stamps[i]);
    }
    if (!is_same) {
        SSL_CTX_free(shared->ctx);
        shared->ctx = create_ctx(o, text, cap);
        memcpy(shared->stamps, now, sizeof now);
    }
    if (shared->ctx != NULL) {
        (void)SSL_CTX_up_ref(shared->ctx);
    }
    return shared->ctx;
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
