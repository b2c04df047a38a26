/* Tests of client/transport_tls, over real sockets and with the real clock: what
 * holds a handshake up, whom it trusts, and bytes in every portion. After each
 * test OpenSSL's queue of errors is empty. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "client/conn_priv.h"
#include "client/tls_context.h"
#include "tests.h"
#include "tls_server.h"

enum { PATIENCE_MS = 30000, BLOB_BYTES = 3 * 1024 * 1024 };

struct play {
    struct tls_files files;
    struct tls_server server;
    struct engram_options options; /* change before begin */
    struct engram_conn *c;
    size_t answered, failed;
    enum engram_status last;
    int connected, ended;
    enum engram_status why;
    char error[256];
};

static void on_connected(struct engram_conn *c, void *arg)
{
    (void)c;
    ((struct play *)arg)->connected++;
}

static void on_disconnected(struct engram_conn *c, enum engram_status why,
                            int retry_ms, void *arg)
{
    struct play *p = arg;
    (void)retry_ms;
    p->ended++;
    p->why = why;
    snprintf(p->error, sizeof p->error, "%s", engram_conn_error(c));
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct play *p = arg;
    (void)c;
    (void)reply;
    p->last = st;
    *(st == ENGRAM_OK ? &p->answered : &p->failed) += 1;
}

static void init_for(struct play *p, const char *names, int days)
{
    *p = (struct play){ .c = NULL };
    tls_files_create(&p->files, names, days, NULL);
    tls_server_start(&p->server, &p->files);
    engram_options_init(&p->options);
    p->options.host = "127.0.0.1";
    p->options.port = p->server.port;
    p->options.protocol = 2;
    p->options.tls = 1;
    p->options.tls_ca_file = p->files.cert;
    p->options.backoff_min_ms = 1;
    p->options.backoff_max_ms = 2;
    p->options.on_connected = on_connected;
    p->options.on_disconnected = on_disconnected;
    p->options.arg = p;
}

static void init(struct play *p)
{
    init_for(p, "DNS:localhost,IP:127.0.0.1", 10);
}

static void begin(struct play *p)
{
    p->c = engram_conn_create(&p->options, NULL);
    assert_non_null(p->c);
    assert_int_equal(engram_conn_open(p->c), ENGRAM_OK);
}

static void end(struct play *p)
{
    engram_conn_destroy(&p->c);
    assert_true(ERR_peek_error() == 0);
    tls_server_stop(&p->server);
    tls_files_destroy(&p->files);
}

/* One turn of both; the client's is what a loop would do, and no more. */
static void turn(struct play *p)
{
    bool is_busy = tls_server_turn(&p->server);
    struct engram_wish w = engram_conn_wish(p->c);
    struct pollfd one = { .fd = w.fd };
    one.events = (short)((w.events & ENGRAM_READABLE ? POLLIN : 0) |
                         (w.events & ENGRAM_WRITABLE ? POLLOUT : 0));
    int64_t now_ms = clock_monotonic_us() / 1000;
    bool is_due = w.wake_at_ms >= 0 && w.wake_at_ms <= now_ms;
    assert_true(poll(&one, 1, is_busy || is_due ? 0 : 1) >= 0);
    unsigned events =
        (one.revents & (POLLIN | POLLERR | POLLHUP) ? ENGRAM_READABLE : 0u) |
        (one.revents & POLLOUT ? ENGRAM_WRITABLE : 0u);
    if (events != 0) {
        engram_conn_on_ready(p->c, events);
    } else if (is_due) {
        engram_conn_on_timer(p->c);
    }
    assert_true(ERR_peek_error() == 0);
}

#define until(p, condition)                                                  \
    do {                                                                     \
        int64_t late = clock_monotonic_us() + PATIENCE_MS * INT64_C(1000);   \
        while (!(condition)) {                                               \
            turn(p);                                                         \
            assert_true(clock_monotonic_us() < late);                        \
        }                                                                    \
    } while (0)

static void ping(struct play *p)
{
    assert_int_equal(engram_send(p->c, NULL, on_reply, p, "PING"), ENGRAM_OK);
}

static void expect_answer(struct play *p)
{
    size_t before = p->answered;
    ping(p);
    until(p, p->answered > before || p->ended > 0);
    assert_string_equal(p->error, "");
    assert_int_equal(p->failed, 0);
}

/* The first attempt fails with `text` in what is said of it. */
static void expect_refusal(struct play *p, const char *text)
{
    p->options.reconnect = 0;
    begin(p);
    ping(p);
    until(p, p->ended > 0);
    assert_int_equal(p->why, ENGRAM_CONNECT);
    assert_int_equal(p->answered, 0);
    assert_int_equal(p->failed, 1);
    if (strstr(p->error, text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, p->error);
    }
    end(p);
}

/* ---- whom it trusts ---- */

static void who_proves_himself_is_answered(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    begin(&p);
    expect_answer(&p);
    assert_string_equal(p.server.client_name, "");
    end(&p);
    init(&p);
    p.options.host = "localhost";
    begin(&p);
    expect_answer(&p);
    assert_string_equal(p.server.client_name, "localhost");
    end(&p);
}

static void another_name_may_be_asked_for(void **state)
{
    (void)state;
    struct play p;
    init_for(&p, "DNS:*.example.org", 10);
    p.options.tls_server_name = "a.example.org";
    begin(&p);
    expect_answer(&p);
    assert_string_equal(p.server.client_name, "a.example.org");
    end(&p);
    init_for(&p, "DNS:*.example.org", 10);
    p.options.tls_server_name = "a.b.example.org";
    expect_refusal(&p, "the server's certificate: hostname mismatch");
}

static void who_is_somebody_else_is_refused(void **state)
{
    (void)state;
    struct play p;
    init_for(&p, "DNS:localhost", 10);
    expect_refusal(&p, "the server's certificate: IP address mismatch");
    init_for(&p, "DNS:localhost,IP:127.0.0.1", -1);
    expect_refusal(&p, "the server's certificate: certificate has expired");
    init(&p);
    p.options.tls_ca_file = NULL;
    expect_refusal(&p, "the server's certificate: self-signed certificate");
}

static void anybody_will_do_where_that_is_wanted(void **state)
{
    (void)state;
    struct play p;
    init_for(&p, "DNS:elsewhere", -1);
    p.options.tls_ca_file = NULL;
    p.options.tls_verify = 0;
    begin(&p);
    expect_answer(&p);
    end(&p);
}

static void the_client_proves_itself_too(void **state)
{
    (void)state;
    struct play p;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        init(&p);
        SSL_CTX_set_max_proto_version(p.server.ctx, version);
        SSL_CTX_set_verify(p.server.ctx,
                           SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           NULL);
        assert_int_equal(SSL_CTX_load_verify_locations(
                             p.server.ctx, p.files.cert, NULL), 1);
        p.options.tls_cert_file = p.files.cert;
        p.options.tls_key_file = p.files.key;
        begin(&p);
        expect_answer(&p);
        engram_conn_destroy(&p.c);
        /* And without it is turned away, in TLS 1.3 after its handshake. */
        p.options.tls_cert_file = NULL;
        p.options.tls_key_file = NULL;
        p.options.reconnect = 0;
        begin(&p);
        ping(&p);
        until(&p, p.ended > 0);
        assert_non_null(strstr(p.error, version == TLS1_3_VERSION
                                            ? "certificate required"
                                            : "alert handshake failure"));
        end(&p);
    }
}

static void a_socket_may_be_handed_in(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)p.server.port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    p.options.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        connect(p.options.fd, (struct sockaddr *)&at, sizeof at), 0);
    p.options.tls_server_name = "localhost";
    begin(&p);
    expect_answer(&p);
    end(&p);
}

static void one_that_cannot_be_used_is_closed_too(void **state)
{
    (void)state;
    struct play p;
    int fds[2];
    char byte;
    init(&p);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
        0);
    p.options.fd = fds[0];
    p.options.tls_server_name = "localhost";
    p.options.tls_ca_file = "/nonexistent/ca.pem";
    begin(&p);
    until(&p, p.ended > 0);
    end(&p);
    /* The other end has noticed. */
    assert_int_equal(read(fds[1], &byte, 1), 0);
    close(fds[1]);
}

/* ---- what cannot be used ---- */

static void files_that_do_not_do_are_named(void **state)
{
    (void)state;
    struct play p;
    struct tls_files other;
    init(&p);
    p.options.tls_ca_file = "/nonexistent/ca.pem";
    expect_refusal(&p, "trusted certificates /nonexistent/ca.pem: No such");
    init(&p);
    p.options.tls_cert_file = "/nonexistent/cert.pem";
    expect_refusal(&p, "certificate /nonexistent/cert.pem: No such file");
    tls_files_create(&other, "DNS:x", 10, NULL);
    init(&p);
    p.options.tls_cert_file = p.files.cert;
    p.options.tls_key_file = other.key;
    expect_refusal(&p, "key.pem: key values mismatch");
    tls_files_destroy(&other);
    /* Nobody is asked for its passphrase. */
    tls_files_create(&other, "DNS:x", 10, "secret");
    init(&p);
    p.options.tls_cert_file = other.cert;
    p.options.tls_key_file = other.key;
    expect_refusal(&p, "private key /tmp/");
    tls_files_destroy(&other);
    init(&p);
    p.options.tls_ciphers = "NONSENSE";
    expect_refusal(&p, "ciphers NONSENSE: no cipher match");
    init(&p);
    p.options.tls_ciphersuites = "NONSENSE";
    expect_refusal(&p, "ciphersuites NONSENSE:");
}

static void old_versions_are_refused(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    SSL_CTX_set_security_level(p.server.ctx, 0);
    SSL_CTX_set_min_proto_version(p.server.ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(p.server.ctx, TLS1_1_VERSION);
    expect_refusal(&p, "protocol version");
}

static void a_server_without_tls_is_noticed(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    p.server.is_plain = true;
    expect_refusal(&p, "what the server says is not TLS");
}

static void a_handshake_that_stalls_ends(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    p.server.is_mute = true;
    p.options.connect_timeout_ms = 50;
    expect_refusal(&p, "no answer after 50 ms in the TLS handshake");
    init(&p);
    p.options.reconnect = 0;
    p.server.is_mute = true;
    begin(&p);
    ping(&p);
    until(&p, BIO_pending(p.server.out) > 0);
    tls_server_hang_up(&p.server, false);
    until(&p, p.ended > 0);
    assert_int_equal(p.why, ENGRAM_CONNECT);
    assert_non_null(strstr(p.error, "without ending the TLS handshake"));
    end(&p);
}

/* ---- how it ends ---- */

static void ends_are_told_apart(void **state)
{
    (void)state;
    struct play p;
    for (int is_polite = 0; is_polite < 2; is_polite++) {
        init(&p);
        p.options.reconnect = 0;
        begin(&p);
        expect_answer(&p);
        /* The last words come before the end does. */
        p.server.is_silent = true;
        ping(&p);
        until(&p, p.server.requests == 2);
        tls_server_say(&p.server, "+OK\r\n", 5);
        tls_server_hang_up(&p.server, is_polite);
        until(&p, p.ended > 0);
        assert_int_equal(p.answered, 2);
        assert_int_equal(p.why, is_polite ? ENGRAM_DISCONNECTED : ENGRAM_IO);
        assert_string_equal(
            p.error, is_polite ? "the server closed the connection"
                               : "read: the server closed the connection "
                                 "without ending TLS");
        end(&p);
    }
}

static void the_client_says_goodbye(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    begin(&p);
    expect_answer(&p);
    engram_conn_close(p.c);
    until(&p, p.server.is_ended);
    assert_true(SSL_get_shutdown(p.server.ssl) & SSL_RECEIVED_SHUTDOWN);
    end(&p);
}

static void a_garbled_record_ends_it(void **state)
{
    (void)state;
    static const unsigned char garbled[] = { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5,
                                             6,  7, 8, 9, 10, 11, 12, 13, 14,
                                             15, 16, 17, 18, 19, 20 };
    struct play p;
    init(&p);
    p.options.reconnect = 0;
    begin(&p);
    expect_answer(&p);
    BIO_write(p.server.out, garbled, sizeof garbled);
    until(&p, p.ended > 0);
    assert_int_equal(p.why, ENGRAM_IO);
    assert_non_null(strstr(p.error, "bad record mac"));
    end(&p);
}

static void sessions_are_resumed(void **state)
{
    (void)state;
    struct play p;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        init(&p);
        SSL_CTX_set_max_proto_version(p.server.ctx, version);
        begin(&p);
        for (int i = 1; i <= 3; i++) {
            expect_answer(&p);
            assert_int_equal(p.server.accepted, i);
            assert_int_equal(p.server.was_resumed, i > 1);
            /* What has broken off would not be resumed. */
            tls_server_hang_up(&p.server, true);
            until(&p, p.ended > 0);
            p.ended = 0;
            p.error[0] = '\0';
        }
        until(&p, p.connected == 4);
        /* Another address may be another server. */
        assert_int_equal(engram_conn_set_address(p.c, "localhost",
                                                 p.server.port),
                         ENGRAM_OK);
        tls_server_hang_up(&p.server, true);
        until(&p, p.connected == 5);
        assert_false(p.server.was_resumed);
        end(&p);
    }
}

/* ---- files that are read once ---- */

static SSL_CTX *load(struct tls_context *shared, const struct target_tls *o)
{
    char text[192] = "";
    SSL_CTX *ctx = tls_context_load(shared, o, text, sizeof text);
    assert_true((ctx == NULL) == (text[0] != '\0'));
    assert_true(ERR_peek_error() == 0);
    /* The one that is shared has an owner more. */
    SSL_CTX_free(shared != NULL ? ctx : NULL);
    return ctx;
}

static void replace(const char *with, const char *path)
{
    char text[256];
    snprintf(text, sizeof text, "%s.old", path);
    assert_int_equal(rename(path, text), 0);
    assert_int_equal(link(with, path), 0);
    assert_int_equal(unlink(text), 0);
}

static void what_was_read_serves_until_a_file_changes(void **state)
{
    (void)state;
    struct tls_files mine, other;
    tls_files_create(&mine, "DNS:x", 10, NULL);
    tls_files_create(&other, "DNS:x", 10, NULL);
    struct target_tls o = { .is_on = true, .is_verified = true,
                            .ca_file = mine.cert, .cert_file = mine.cert,
                            .key_file = mine.key };
    struct tls_context *shared = tls_context_create();
    struct tls_context *too = tls_context_acquire(shared);
    SSL_CTX *first = load(shared, &o);
    assert_non_null(first);
    assert_ptr_equal(load(too, &o), first);
    (void)SSL_CTX_up_ref(first);
    /* Half of it has been renewed; then all. */
    replace(other.key, mine.key);
    assert_null(load(shared, &o));
    replace(other.cert, mine.cert);
    SSL_CTX *second = load(shared, &o);
    assert_non_null(second);
    assert_ptr_not_equal(second, first);
    tls_context_release(&shared);
    assert_ptr_equal(load(too, &o), second);
    tls_context_release(&too);
    tls_context_release(&too);
    SSL_CTX_free(first);
    tls_files_destroy(&mine);
    tls_files_destroy(&other);
}

/* Until it is told otherwise, a connection makes its own. */
static void connections_share_what_is_kept(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    struct engram_conn *keeper = engram_conn_create(&p.options, NULL);
    conn_keep_tls(keeper);
    for (int i = 0; i < 2; i++) {
        p.c = engram_conn_create(&p.options, NULL);
        assert_null(p.c->transport.tls);
        conn_share_tls(p.c, keeper);
        assert_non_null(p.c->transport.tls);
        assert_int_equal(engram_conn_open(p.c), ENGRAM_OK);
        expect_answer(&p);
        /* Whom to trust is still known when it comes back. */
        tls_server_hang_up(&p.server, false);
        until(&p, p.ended > 0);
        p.ended = 0;
        p.error[0] = '\0';
        expect_answer(&p);
        engram_conn_destroy(&p.c);
    }
    /* The server has another certificate, and is trusted once that is known. */
    struct tls_files other;
    tls_files_create(&other, "IP:127.0.0.1", 10, NULL);
    assert_int_equal(SSL_CTX_use_certificate_file(p.server.ctx, other.cert,
                                                  SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(p.server.ctx, other.key,
                                                 SSL_FILETYPE_PEM), 1);
    p.c = engram_conn_create(&p.options, NULL);
    conn_share_tls(p.c, keeper);
    assert_int_equal(engram_conn_open(p.c), ENGRAM_OK);
    until(&p, p.ended > 0);
    assert_non_null(strstr(p.error, "self-signed certificate"));
    p.ended = 0;
    p.error[0] = '\0';
    replace(other.cert, p.files.cert);
    until(&p, p.connected == 5);
    tls_files_destroy(&other);
    engram_conn_destroy(&keeper);
    end(&p);
}

/* ---- bytes ---- */

static void reply_is_a_blob(struct engram_conn *c, enum engram_status st,
                            const struct engram_reply *reply, void *arg)
{
    size_t len;
    assert_int_equal(st, ENGRAM_OK);
    const char *text = engram_reply_text(reply, &len);
    assert_int_equal(len, BLOB_BYTES);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal((unsigned char)text[i], i % 251);
    }
    on_reply(c, st, reply, arg);
}

static char *create_blob(void)
{
    static const char head[] = "$3145728\r\n";
    char *blob = malloc(BLOB_BYTES + sizeof head + 1);
    memcpy(blob, head, sizeof head - 1);
    for (size_t i = 0; i < BLOB_BYTES; i++) {
        blob[sizeof head - 1 + i] = (char)(i % 251);
    }
    memcpy(blob + sizeof head - 1 + BLOB_BYTES, "\r\n", 2);
    return blob;
}

/* Much is in OpenSSL while nothing is in the socket. */
static void what_is_decrypted_needs_no_waking(void **state)
{
    (void)state;
    struct play p;
    char *blob = create_blob();
    init(&p);
    p.server.is_silent = true;
    begin(&p);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(engram_send(p.c, NULL, i == 1 ? reply_is_a_blob
                                                       : on_reply,
                                     &p, "PING"),
                         ENGRAM_OK);
    }
    until(&p, p.server.requests == 3);
    tls_server_say(&p.server, "+OK\r\n", 5);
    tls_server_say(&p.server, blob, BLOB_BYTES + 12);
    tls_server_say(&p.server, "+OK\r\n", 5);
    until(&p, p.answered == 3 || p.ended > 0);
    assert_int_equal(p.answered, 3);
    free(blob);
    end(&p);
}

static void release(void *arg)
{
    ++*(size_t *)arg;
}

/* A server that reads slowly, in portions that cut records anywhere. */
static void large_requests_go_through(void **state)
{
    (void)state;
    enum { ROUNDS = 40 };
    struct play p;
    size_t released = 0, bytes = 0;
    char *blob = calloc(1, BLOB_BYTES);
    init(&p);
    p.server.is_deaf = true;
    begin(&p);
    for (int i = 0; i < ROUNDS; i++) {
        struct engram_command *cmd = engram_command_create(p.c);
        size_t len = i % 4 == 0 ? 300000 : (size_t)(i * 997 % 40000);
        assert_int_equal(engram_command_add(cmd, "PING", 4), ENGRAM_OK);
        assert_int_equal(engram_command_add_borrowed(cmd, blob, len, release,
                                                     &released),
                         ENGRAM_OK);
        assert_int_equal(engram_send_command(p.c, NULL, on_reply, &p, &cmd),
                         ENGRAM_OK);
        ping(&p);
    }
    bytes = conn_queued_bytes(p.c);
    p.server.is_deaf = false;
    until(&p, p.connected == 1);
    p.server.is_deaf = true;
    for (int i = 0; i < 50; i++) {
        turn(&p);
    }
    assert_true(conn_queued_bytes(p.c) > 0);
    p.server.is_deaf = false;
    p.server.bytes_at_once = 10007;
    until(&p, p.answered == 2 * ROUNDS || p.ended > 0);
    assert_string_equal(p.error, "");
    assert_int_equal(p.server.bytes_heard, bytes);
    assert_int_equal(released, ROUNDS);
    free(blob);
    end(&p);
}

static void a_few_bytes_at_a_time_will_do(void **state)
{
    (void)state;
    struct play p;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        init(&p);
        SSL_CTX_set_max_proto_version(p.server.ctx, version);
        p.server.bytes_at_once = 7;
        begin(&p);
        for (int i = 0; i < 20; i++) {
            ping(&p);
        }
        until(&p, p.answered == 20 || p.ended > 0);
        assert_string_equal(p.error, "");
        end(&p);
    }
}

static void keys_are_renewed(void **state)
{
    (void)state;
    struct play p;
    init(&p);
    begin(&p);
    for (int i = 0; i < 5; i++) {
        expect_answer(&p);
        assert_int_equal(SSL_key_update(p.server.ssl,
                                        SSL_KEY_UPDATE_REQUESTED),
                         1);
        assert_int_equal(SSL_do_handshake(p.server.ssl), 1);
    }
    expect_answer(&p);
    end(&p);
}

/* ---- all at once ---- */

static void links_that_break_anywhere_lose_nothing(void **state)
{
    (void)state;
    enum { STEPS = 4000 };
    struct play p;
    struct random r;
    size_t taken = 0;
    random_init(&r, 11);
    init(&p);
    p.options.max_in_flight = 100;
    p.options.connect_timeout_ms = 200;
    begin(&p);
    for (int i = 0; i < STEPS; i++) {
        struct engram_how how = { .flags = (uint32_t)random_below(&r, 2) };
        for (uint64_t n = random_below(&r, 5); n > 0; n--) {
            taken += engram_send(p.c, &how, on_reply, &p, "PING") == ENGRAM_OK;
        }
        p.server.bytes_at_once = random_below(&r, 3) == 0 ? 100 : 0;
        p.server.is_silent = random_below(&r, 8) == 0;
        turn(&p);
        if (p.server.fd >= 0 && random_below(&r, 25) == 0) {
            tls_server_hang_up(&p.server, random_below(&r, 2) == 0);
        }
        struct engram_counters n;
        engram_conn_counters(p.c, &n, sizeof n);
        assert_true(n.memory_bytes < 128 * 1024);
    }
    engram_conn_close(p.c);
    assert_int_equal(p.answered + p.failed, taken);
    assert_true(p.connected > 50);
    assert_true(p.answered > 500);
    end(&p);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    enum { STEPS_MAX = 60 };
    int64_t n = 0;
    bool is_through = false;
    for (; !is_through; n++) {
        struct play p;
        assert_true(n < STEPS_MAX);
        init(&p);
        p.options.reconnect = 0;
        p.c = engram_conn_create(&p.options, NULL);
        assert_non_null(p.c);
        p.c->account.fail_after = n;
        assert_int_equal(engram_conn_open(p.c), ENGRAM_OK);
        enum engram_status st = engram_send(p.c, NULL, on_reply, &p, "PING");
        until(&p, p.answered > 0 || p.ended > 0);
        is_through = st == ENGRAM_OK && p.answered == 1;
        if (p.ended > 0) {
            assert_int_equal(p.why, ENGRAM_NOMEM);
        }
        end(&p);
    }
    assert_true(n > 2);
}

int test_tls_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_proves_himself_is_answered),
        cmocka_unit_test(another_name_may_be_asked_for),
        cmocka_unit_test(who_is_somebody_else_is_refused),
        cmocka_unit_test(anybody_will_do_where_that_is_wanted),
        cmocka_unit_test(the_client_proves_itself_too),
        cmocka_unit_test(a_socket_may_be_handed_in),
        cmocka_unit_test(one_that_cannot_be_used_is_closed_too),
        cmocka_unit_test(files_that_do_not_do_are_named),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(a_server_without_tls_is_noticed),
        cmocka_unit_test(a_handshake_that_stalls_ends),
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(the_client_says_goodbye),
        cmocka_unit_test(a_garbled_record_ends_it),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(what_was_read_serves_until_a_file_changes),
        cmocka_unit_test(connections_share_what_is_kept),
        cmocka_unit_test(what_is_decrypted_needs_no_waking),
        cmocka_unit_test(large_requests_go_through),
        cmocka_unit_test(a_few_bytes_at_a_time_will_do),
        cmocka_unit_test(keys_are_renewed),
        cmocka_unit_test(links_that_break_anywhere_lose_nothing),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
