/* tls_context: the options of TLS, as OpenSSL takes them, and its errors in
 * words. */
#ifndef ENGRAM_CLIENT_TLS_CONTEXT_H
#define ENGRAM_CLIENT_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "client/target.h"

/* Reads the files that the options name. NULL: `text` says why. */
SSL_CTX *tls_context_create(const struct target_tls *o, char *text, size_t cap);
/* Whom the server must be; false: out of memory, or no name at all. */
bool tls_context_set_name(SSL *ssl, char *name);

/* The first error in the thread's queue, which is empty afterwards. */
void tls_take_error(char *text, size_t cap);

#endif
