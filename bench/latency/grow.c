/* grow: a keyspace from nothing to many keys, by SETs of new keys from a few
 * connections, each sending the next when the last is answered. Between two
 * steps nothing is under way, and the server's memory is read: a step is so
 * short that a jump of used_memory over one is in effect that of one insert.
 * Then all but every hundredth key are deleted, and the memory is read again
 * after a while. */
#include "events.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "histogram.h"
#include "waits.h"

enum { CONNECTIONS = 4, KEEP_EVERY = 100, SETTLE_S = 10, REPLY_BYTES = 5 };

struct connection {
    struct client *client;
    uint64_t sent_ns; /* 0: nothing is under way */
    size_t reply_bytes;
};

struct memory {
    double used, resident;
};

struct grow {
    const struct event_options *options;
    struct client *control;
    struct connection connections[CONNECTIONS];
    struct waits waits;
    struct histogram raw, net;
    uint64_t issued, answered;
    uint64_t slowest_at; /* the key whose SET was the slowest, net */
    struct memory before, peak, grown;
    double jump;
    uint64_t jump_at;
};

static struct memory read_memory(struct grow *g)
{
    return (struct memory){
        .used = client_info(g->control, "memory", "used_memory"),
        .resident = resident_bytes(g->options->server_pid),
    };
}

static void send_next(struct grow *g, struct connection *c, uint64_t end)
{
    char out[COMMAND_BYTES_MAX];
    if (g->issued == end) {
        return;
    }
    size_t len = put_set(out, g->issued++, g->options->value_bytes);
    c->reply_bytes = 0;
    c->sent_ns = clock_now_ns();
    client_send(c->client, out, len);
}

static void count_answer(struct grow *g, struct connection *c)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t net_ns = waits_net_capped(&g->waits, c->sent_ns, now_ns);
    if (net_ns > g->net.max_ns) {
        g->slowest_at = g->answered;
    }
    histogram_add(&g->raw, now_ns - c->sent_ns);
    histogram_add(&g->net, net_ns);
    g->answered++;
    c->sent_ns = 0;
}

/* Takes what has come; whether the reply is whole. */
static bool take_answer(struct connection *c)
{
    char in[REPLY_BYTES];
    ssize_t got = recv(client_fd(c->client), in, REPLY_BYTES - c->reply_bytes,
                       MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (got <= 0 || (c->reply_bytes == 0 && in[0] != '+')) {
        fail("a SET was not answered +OK");
    }
    c->reply_bytes += (size_t)got;
    return c->reply_bytes == REPLY_BYTES;
}

/* SETs until `end` keys are there, and nothing is under way. */
static void step(struct grow *g, uint64_t end)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        send_next(g, &g->connections[i], end);
    }
    while (g->answered < end) {
        for (size_t i = 0; i < CONNECTIONS; i++) {
            struct connection *c = &g->connections[i];
            if (c->sent_ns > 0 && take_answer(c)) {
                count_answer(g, c);
                send_next(g, c, end);
            }
        }
    }
}

static void grow_all(struct grow *g)
{
    uint64_t keys = g->options->keys, stride = g->options->step_keys;
    struct memory last = g->before;
    while (g->answered < keys) {
        uint64_t left = keys - g->answered;
        step(g, g->answered + (left < stride ? left : stride));
        struct memory now = read_memory(g);
        if (now.used - last.used > g->jump) {
            g->jump = now.used - last.used;
            g->jump_at = g->answered;
        }
        g->peak.used = now.used > g->peak.used ? now.used : g->peak.used;
        g->peak.resident = now.resident > g->peak.resident ? now.resident
                                                           : g->peak.resident;
        last = now;
    }
}

static size_t delete_most(void *arg, char *out, uint64_t number)
{
    (void)arg;
    return number % KEEP_EVERY == 0 ? 0 : put_del(out, number);
}

static double share_back(double before, double grown, double now)
{
    return grown > before ? 100 * (grown - now) / (grown - before) : 0;
}

static void print_growth(const struct grow *g, double seconds)
{
    double keys = (double)g->options->keys;
    double used = g->grown.used - g->before.used;
    histogram_print(&g->raw, "set");
    histogram_print(&g->net, "set_net");
    printf("slowest_at=%" PRIu64 "\nsets_a_second=%.0f\n", g->slowest_at,
           keys / seconds);
    if (g->grown.used < 0) {
        return;
    }
    printf("jump_bytes=%.0f\njump_at=%" PRIu64 "\n", g->jump, g->jump_at);
    /* What the step's own keys would have taken is no jump. */
    printf("jump_net_bytes=%.0f\n",
           g->jump - used / keys * (double)g->options->step_keys);
    printf("peak_over_final=%.4f\n", g->peak.used / g->grown.used);
    printf("peak_over_final_rss=%.4f\n", g->peak.resident / g->grown.resident);
    printf("bytes_a_key=%.1f\nbytes_a_key_rss=%.1f\n", used / keys,
           (g->grown.resident - g->before.resident) / keys);
}

static void shrink(struct grow *g)
{
    client_batches(g->control, 0, g->options->keys, delete_most, NULL);
    struct memory at_once = read_memory(g);
    sleep(SETTLE_S);
    struct memory now = read_memory(g);
    printf("keys_left=%ld\n", client_ask(g->control, "DBSIZE"));
    printf("used_back_at_once_percent=%.1f\n",
           share_back(g->before.used, g->grown.used, at_once.used));
    printf("used_back_percent=%.1f\n",
           share_back(g->before.used, g->grown.used, now.used));
    printf("rss_back_percent=%.1f\n",
           share_back(g->before.resident, g->grown.resident, now.resident));
}

void event_grow(const struct event_options *options)
{
    struct grow *g = calloc(1, sizeof *g);
    assert(g != NULL);
    g->options = options;
    g->control = client_open(options->port);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        g->connections[i].client = client_open(options->port);
    }
    waits_open(&g->waits, options->server_pid, g->control);
    g->before = read_memory(g);
    uint64_t begin_ns = clock_now_ns();
    grow_all(g);
    g->grown = read_memory(g);
    print_growth(g, (double)(clock_now_ns() - begin_ns) / 1e9);
    if (g->grown.used >= 0) {
        shrink(g);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        client_close(&g->connections[i].client);
    }
    client_close(&g->control);
    waits_close(&g->waits);
    free(g);
}
