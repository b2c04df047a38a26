/* tls_context: the options of TLS, as OpenSSL takes them, kept for connections
 * that have the same; and OpenSSL's errors in words. */
#ifndef ENGRAM_CLIENT_TLS_CONTEXT_H
#define ENGRAM_CLIENT_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "client/target.h"

/* What the options' files said, for as long as they stay as they are. All who
 * share it have the same options and are used by one thread at a time. */
struct tls_context;
/* Reads nothing yet. NULL: out of memory. */
struct tls_context *tls_context_create(void);
/* For another who shares it. */
struct tls_context *tls_context_acquire(struct tls_context *shared);
/* The last one frees it. *shared may be NULL. */
void tls_context_release(struct tls_context **shared);

/* As the files are now: they are read if somebody has changed them, or nobody has
 * read them, or `shared` is NULL. NULL: `text` says why. SSL_CTX_free. */
SSL_CTX *tls_context_load(struct tls_context *shared,
                          const struct target_tls *o, char *text, size_t cap);
/* Whom the server must be; false: out of memory, or no name at all. */
bool tls_context_set_name(SSL *ssl, char *name);

/* The first error in the thread's queue, which is empty afterwards. */
void tls_take_error(char *text, size_t cap);

#endif
