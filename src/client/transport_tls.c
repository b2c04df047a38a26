/* transport_tls: TLS by OpenSSL, over the sockets of transport_plain.
 *
 * OpenSSL reads and writes through a BIO of ours that calls transport_plain,
 * since its own would raise SIGPIPE. Life of a link:
 *
 *   open: addresses, SSL_CTX -> next: socket -> advance: SSL, handshake -> data
 *
 * Reading fills what it is given from as many records as there are. What OpenSSL
 * has read from the socket beyond that would not wake a loop, so `has_input`
 * says that it is there; likewise an end that was met behind some bytes is told
 * by the next read.
 *
 * Writing makes a record of at most 16 KiB a call; small pieces are put together
 * on the stack. A record that the kernel does not take whole stays in OpenSSL,
 * and the same bytes must be offered again: the chain they come from keeps them
 * at its head, and `offered` how many they were.
 *
 * The session outlives the link and is offered with the next handshake.
 * OpenSSL's error queue is the thread's: it is emptied before each call that may
 * fail and left empty. */
#include "client/transport.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "client/tls_context.h"

enum { RECORD_BYTES = 16 * 1024, TEXT_BYTES = 192 };

enum ending { ENDING_NONE, ENDING_CLOSED, ENDING_FAILED };

struct tls {
    struct transport plain;
    BIO_METHOD *method;
    SSL_CTX *ctx;         /* from open to close */
    SSL *ssl;             /* from the socket's being connected to drop */
    SSL_SESSION *session; /* for the next handshake; NULL: none */
    uint32_t moves;       /* the target's, when the session was had */
    bool is_shaken;       /* the handshake is done */
    bool is_eof;          /* the socket has no more */
    uint8_t ending;       /* enum ending, of what can be read */
    int ending_err;
    size_t offered; /* bytes of a record that is to be written again; 0 */
    char text[TEXT_BYTES];
};

static enum transport_result failed(struct transport *t)
{
    struct tls *s = t->state;
    t->err = s->plain.err;
    t->text = s->text;
    return TRANSPORT_FAILED;
}

/* ---- the socket, as OpenSSL sees it ---- */

static int bio_read(BIO *bio, char *out, int len)
{
    struct tls *s = BIO_get_data(bio);
    ssize_t n = transport_plain.read(&s->plain, out, (size_t)len);
    BIO_clear_retry_flags(bio);
    if (n < 0 && (s->plain.err == EAGAIN || s->plain.err == EWOULDBLOCK)) {
        BIO_set_retry_read(bio);
    }
    s->is_eof = s->is_eof || n == 0;
    return (int)n;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct tls *s = BIO_get_data(bio);
    /* It is only read. */
    struct iovec v = { (void *)(uintptr_t)data, (size_t)len };
    ssize_t n = transport_plain.write(&s->plain, &v, 1);
    BIO_clear_retry_flags(bio);
    if (n < 0 && (s->plain.err == EAGAIN || s->plain.err == EWOULDBLOCK)) {
        BIO_set_retry_write(bio);
    }
    return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *arg)
{
    (void)bio;
    (void)number;
    (void)arg;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *create_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "engram");
    if (m != NULL) {
        BIO_meth_set_read(m, bio_read);
        BIO_meth_set_write(m, bio_write);
        BIO_meth_set_ctrl(m, bio_ctrl);
    }
    return m;
}

/* ---- what has failed ---- */

static void describe_verification(struct tls *s, long result)
{
    (void)snprintf(s->text, sizeof s->text, "the server's certificate: %s",
                   X509_verify_cert_error_string(result));
}

/* Into `text`; the queue is emptied. */
static void describe(struct tls *s)
{
    unsigned long code = ERR_peek_error();
    bool is_ours = ERR_GET_LIB(code) == ERR_LIB_SSL;
    int reason = ERR_GET_REASON(code);
    if (is_ours && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        describe_verification(s, SSL_get_verify_result(s->ssl));
    } else if (is_ours && reason == SSL_R_WRONG_VERSION_NUMBER) {
        (void)snprintf(s->text, sizeof s->text,
                       "what the server says is not TLS");
    } else if (s->is_eof) {
        (void)snprintf(s->text, sizeof s->text, "the server closed the "
                       "connection without ending %s",
                       s->is_shaken ? "TLS" : "the TLS handshake");
    } else if (code == 0 && s->plain.err != 0) {
        char buffer[64];
        (void)snprintf(s->text, sizeof s->text, "%s",
                       strerror_r(s->plain.err, buffer, sizeof buffer));
    } else {
        tls_take_error(s->text, sizeof s->text);
    }
    ERR_clear_error();
}

/* ---- connecting ---- */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *s = SSL_get_app_data(ssl);
    SSL_SESSION_free(s->session);
    s->session = session;
    s->moves = s->plain.target->moves;
    return 1; /* it is ours now */
}

static struct tls *acquire_state(struct transport *t)
{
    struct tls *s = t->state;
    if (s == NULL) {
        s = mem_alloc_zeroed(t->target->account, sizeof *s);
        t->state = s;
        if (s != NULL) {
            s->plain = (struct transport){ .ops = &transport_plain,
                                           .target = t->target,
                                           .keepalive_s = t->keepalive_s,
                                           .find = t->find,
                                           .fd = -1 };
        }
    }
    return s;
}

/* What the sockets' part says of itself. */
static void mirror(struct transport *t)
{
    struct tls *s = t->state;
    t->fd = s->plain.fd;
    t->err = s->plain.err;
    t->text = s->plain.text;
    t->wants = s->plain.wants;
    t->has_more = s->plain.has_more;
}

static enum transport_result tls_open(struct transport *t,
                                      enum engram_status *why)
{
    struct tls *s = acquire_state(t);
    if (s != NULL && s->method == NULL) {
        s->method = create_method();
    }
    if (s == NULL || s->method == NULL) {
        *why = ENGRAM_NOMEM;
        t->text = engram_status_text(ENGRAM_NOMEM);
        return TRANSPORT_FAILED;
    }
    enum transport_result r = transport_plain.open(&s->plain, why);
    mirror(t);
    if (r != TRANSPORT_DONE) {
        return r;
    }
    s->ctx = tls_context_load(t->tls, &t->target->tls, s->text,
                              sizeof s->text);
    if (s->ctx == NULL) {
        *why = ENGRAM_CONNECT;
        return failed(t);
    }
    (void)SSL_CTX_set_session_cache_mode(
        s->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(s->ctx, keep_session);
    return TRANSPORT_DONE;
}

/* Whom to trust has been settled; a bundle of authorities takes a megabyte or
 * more. */
static void forget_authorities(SSL_CTX *ctx)
{
    X509_STORE *nobody = X509_STORE_new();
    if (nobody != NULL) {
        SSL_CTX_set_cert_store(ctx, nobody);
    }
}

static enum transport_result shake(struct transport *t)
{
    struct tls *s = t->state;
    t->text = " in the TLS handshake";
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_NONE: break;
    case SSL_ERROR_WANT_READ:
        t->wants = ENGRAM_READABLE;
        return TRANSPORT_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        t->wants = ENGRAM_WRITABLE;
        return TRANSPORT_AGAIN;
    default: describe(s); return failed(t);
    }
    s->is_shaken = true;
    t->text = NULL;
    t->wants = 0;
    t->has_input = SSL_has_pending(s->ssl) == 1;
    if (t->tls == NULL) {
        forget_authorities(s->ctx);
    }
    return TRANSPORT_DONE;
}

/* Who resumes is not verified again, so that another server must not. TLS 1.3
 * wants a session offered once and sends others. One that cannot be offered
 * just is not. */
static void offer_session(struct transport *t)
{
    struct tls *s = t->state;
    bool is_same = s->moves == t->target->moves;
    if (s->session == NULL) {
        return;
    }
    if (is_same) {
        (void)SSL_set_session(s->ssl, s->session);
    }
    if (!is_same ||
        SSL_SESSION_get_protocol_version(s->session) == TLS1_3_VERSION) {
        SSL_SESSION_free(s->session);
        s->session = NULL;
    }
}

/* The socket is connected. */
static enum transport_result begin(struct transport *t)
{
    struct tls *s = t->state;
    char *name = target_server_name(t->target);
    BIO *bio = BIO_new(s->method);
    s->ssl = bio == NULL ? NULL : SSL_new(s->ctx);
    if (s->ssl == NULL) {
        BIO_free(bio);
        describe(s);
        return failed(t);
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_app_data(s->ssl, s);
    SSL_set_connect_state(s->ssl);
    if (name != NULL && !tls_context_set_name(s->ssl, name)) {
        describe(s);
        return failed(t);
    }
    offer_session(t);
    return shake(t);
}

/* What the sockets' part has come to. */
static enum transport_result follow(struct transport *t,
                                    enum transport_result r)
{
    mirror(t);
    return r == TRANSPORT_DONE ? begin(t) : r;
}

static enum transport_result tls_next(struct transport *t)
{
    struct tls *s = t->state;
    return follow(t, transport_plain.next(&s->plain));
}

static enum transport_result tls_advance(struct transport *t)
{
    struct tls *s = t->state;
    return s->ssl != NULL ? shake(t)
                          : follow(t, transport_plain.advance(&s->plain));
}

/* ---- bytes ---- */

/* Reading has stopped for another reason than that `out` is full. */
static void note_stop(struct transport *t, int result)
{
    struct tls *s = t->state;
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ: break;
    case SSL_ERROR_WANT_WRITE: t->wants |= ENGRAM_WRITABLE; break;
    case SSL_ERROR_ZERO_RETURN: s->ending = ENDING_CLOSED; break;
    default:
        s->ending = ENDING_FAILED;
        s->ending_err = s->is_eof ? ECONNRESET : s->plain.err;
        describe(s);
        break;
    }
}

static ssize_t tls_read(struct transport *t, void *out, size_t len)
{
    struct tls *s = t->state;
    size_t got = 0;
    int result = 1;
    t->wants &= ~(unsigned)ENGRAM_WRITABLE;
    while (got < len && result == 1 && s->ending == ENDING_NONE) {
        size_t n = 0;
        ERR_clear_error();
        result = SSL_read_ex(s->ssl, (char *)out + got, len - got, &n);
        got += n;
        if (result != 1) {
            note_stop(t, result);
        }
    }
    t->has_input = got > 0 && (s->ending != ENDING_NONE ||
                               (got == len && SSL_has_pending(s->ssl) == 1));
    if (got > 0) {
        return (ssize_t)got;
    }
    if (s->ending == ENDING_CLOSED) {
        return 0;
    }
    t->err = EAGAIN;
    if (s->ending == ENDING_FAILED) {
        t->err = s->ending_err;
        t->text = s->text;
    }
    return -1;
}

/* The bytes of the next record: where they are, if the first piece is enough, or
 * put together in `room`. */
static const void *gather(const struct iovec *v, int count, size_t max,
                          uint8_t *room, size_t *len)
{
    if (v[0].iov_len >= max || count == 1) {
        *len = v[0].iov_len < max ? v[0].iov_len : max;
        return v[0].iov_base;
    }
    size_t n = 0;
    for (int i = 0; i < count && n < max; i++) {
        size_t part = v[i].iov_len < max - n ? v[i].iov_len : max - n;
        memcpy(room + n, v[i].iov_base, part);
        n += part;
    }
    *len = n;
    return room;
}

static ssize_t tls_write(struct transport *t, const struct iovec *v, int count)
{
    struct tls *s = t->state;
    uint8_t room[RECORD_BYTES];
    size_t len, n = 0;
    const void *data = gather(v, count, s->offered > 0 ? s->offered
                                                       : RECORD_BYTES,
                              room, &len);
    assert(s->offered == 0 || len == s->offered);
    t->wants &= ~(unsigned)ENGRAM_READABLE;
    ERR_clear_error();
    int result = SSL_write_ex(s->ssl, data, len, &n);
    if (result == 1) {
        s->offered = 0;
        return (ssize_t)n;
    }
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ: t->wants |= ENGRAM_READABLE; break;
    case SSL_ERROR_WANT_WRITE: break;
    default: describe(s); (void)failed(t); return -1;
    }
    s->offered = len;
    t->err = EAGAIN;
    return -1;
}

/* ---- ending ---- */

static void tls_drop(struct transport *t)
{
    struct tls *s = t->state;
    if (s == NULL) {
        return;
    }
    if (s->ssl != NULL) {
        /* Says goodbye if the kernel takes it at once, and waits for nothing. */
        if (s->is_shaken && s->ending != ENDING_FAILED) {
            (void)SSL_shutdown(s->ssl);
        }
        SSL_free(s->ssl);
        ERR_clear_error();
        s->ssl = NULL;
    }
    transport_plain.drop(&s->plain);
    s->is_shaken = false;
    s->is_eof = false;
    s->ending = ENDING_NONE;
    s->offered = 0;
    t->fd = -1;
    t->wants = 0;
    t->text = NULL;
    t->has_input = false;
}

static void tls_close(struct transport *t)
{
    struct tls *s = t->state;
    if (s == NULL) {
        return;
    }
    tls_drop(t);
    transport_plain.close(&s->plain);
    SSL_CTX_free(s->ctx);
    s->ctx = NULL;
    t->has_more = false;
}

static void tls_forget(struct transport *t)
{
    struct tls *s = t->state;
    if (s != NULL) {
        transport_plain.forget(&s->plain);
        SSL_SESSION_free(s->session);
        BIO_meth_free(s->method);
        mem_free(t->target->account, s);
        t->state = NULL;
    }
}

const struct transport_ops transport_tls = {
    .open = tls_open,
    .next = tls_next,
    .advance = tls_advance,
    .read = tls_read,
    .write = tls_write,
    .drop = tls_drop,
    .close = tls_close,
    .forget = tls_forget,
};
