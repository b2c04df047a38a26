/* tls: an encrypted connection, to a server whose certificate is verified: by
 * default against whom the system trusts, and for the host in the URL.
 *
 *   tls URL [CA-FILE [CERTIFICATE KEY]]
 *
 * The last two are the client's own, for servers that want to know who comes. */
#include <stdio.h>

#include <engram/engram.h>

int main(int argc, char **argv)
{
    enum engram_status st;
    struct engram_options o;
    engram_options_init(&o);
    o.url = argc > 1 ? argv[1] : "rediss://localhost:6379";
    o.tls_ca_file = argc > 2 ? argv[2] : NULL;
    o.tls_cert_file = argc > 4 ? argv[3] : NULL;
    o.tls_key_file = argc > 4 ? argv[4] : NULL;
    o.tls_ciphersuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    struct engram_conn *c = engram_conn_create(&o, &st);
    struct engram_reply *r =
        c == NULL ? NULL : engram_call(c, &st, "ECHO %s", "nobody else hears");
    if (r != NULL) {
        printf("%s\n", engram_reply_text(r, NULL));
    } else {
        /* "connect localhost:6379: the server's certificate: ..." */
        fprintf(stderr, "tls: %s\n",
                c == NULL ? engram_status_text(st) : engram_conn_error(c));
    }
    int status = r == NULL;
    engram_reply_destroy(&r);
    engram_conn_destroy(&c);
    return status;
}
