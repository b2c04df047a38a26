/* Tests of the cluster's client under everything at once: slots that move and are
 * asked for, servers that break, fall silent and come back, deadlines, limits and
 * memory that runs out. Whatever happens, each command that was taken is called
 * back once, no memory is left over, and no server executes one twice that may
 * not be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "tests.h"

/* ---- memory ---- */

enum { STEPS_MAX = 2000 };

struct tally {
    size_t taken, borrowed, released;
};

static void count_release(void *arg)
{
    ((struct tally *)arg)->released++;
}

static void send_one(struct net *n, struct tally *t, uint32_t flags,
                     const char *format)
{
    const struct engram_cluster_how how = { .flags = flags };
    size_t before = n->k->queued_bytes;
    enum engram_status st =
        engram_cluster_send(n->k, &how, net_on_reply, n, format);
    if (st == ENGRAM_OK) {
        t->taken++;
    } else {
        assert_true(st == ENGRAM_NOMEM || st == ENGRAM_CLOSED);
        assert_int_equal(n->k->queued_bytes, before);
    }
}

static void send_built(struct net *n, struct tally *t)
{
    struct engram_command *cmd = engram_cluster_command_create(n->k);
    if (cmd == NULL) {
        return;
    }
    if (engram_command_add(cmd, "SET", 3) == ENGRAM_OK &&
        engram_command_add(cmd, "k0", 2) == ENGRAM_OK &&
        engram_command_add_borrowed(cmd, "value", 5, count_release, t) ==
            ENGRAM_OK) {
        t->borrowed++;
        t->taken += engram_cluster_send_command(n->k, NULL, net_on_reply, n,
                                                &cmd) == ENGRAM_OK;
    }
    engram_command_destroy(&cmd);
}

/* A bit of everything; at the end all has been said. */
static void play(struct net *n, struct tally *t)
{
    if (engram_cluster_open(n->k) != ENGRAM_OK) {
        return;
    }
    send_one(n, t, 0, "GET k1");
    net_pass_ms(n, 6000);
    send_one(n, t, 0, "GET k1");
    send_one(n, t, ENGRAM_READ, "GET k2");
    send_built(n, t);
    net_turn(n);
    uint16_t slot = slots_of_key(SLICE_LIT("k1"));
    n->owners[slot] = !n->owners[slot];
    send_one(n, t, 0, "GET k1");
    net_turn(n);
    n->migrating[slot] = !n->owners[slot];
    send_one(n, t, 0, "GET k1");
    net_turn(n);
    n->servers[1].is_silent = true;
    for (int i = 0; i < 4; i++) {
        send_one(n, t, ENGRAM_IDEMPOTENT, i % 2 == 0 ? "GET k3" : "GET k4");
    }
    net_turn(n);
    net_cut(n, 1);
    n->servers[1].is_silent = false;
    net_pass_ms(n, 10000);
}

/* With `fail_after` allocations that succeed in the cluster's account, or in each
 * connection's. True: that was enough. */
static bool survives(int64_t fail_after, bool is_conn)
{
    struct net *n = net_create(2, 4);
    struct tally t = { 0, 0, 0 };
    bool is_whole = false;
    n->options.read_from = ENGRAM_READ_PREFER_REPLICA;
    n->conn_options.client_name = "me";
    if (is_conn) {
        n->env.conn.fail_after = fail_after;
    } else {
        n->env.fail_after = fail_after;
    }
    if (net_create_cluster(n) == ENGRAM_OK) {
        play(n, &t);
        is_whole = strstr(n->log, "nomem") == NULL && t.taken == 10 &&
                   n->errors == 0 && n->k->counters.refresh_failures == 0;
        if (is_whole && !is_conn) {
            is_whole = n->k->account.fail_after > 0;
        }
        engram_cluster_destroy(&n->k);
        assert_int_equal(n->callbacks, t.taken);
    }
    net_end(&n);
    assert_int_equal(t.released, t.borrowed);
    return is_whole;
}

static void survives_all(bool is_conn, int64_t least)
{
    int64_t n = 0;
    while (!survives(n, is_conn)) {
        n++;
        assert_true(n < STEPS_MAX);
    }
    assert_true(n >= least);
}

static void memory_may_run_out_in_the_cluster(void **state)
{
    (void)state;
    survives_all(false, 20);
}

static void memory_may_run_out_in_connections(void **state)
{
    (void)state;
    survives_all(true, 4);
}

static void a_loop_may_refuse_connections(void **state)
{
    (void)state;
    for (int refused = 1; refused < 6; refused++) {
        struct net *n = net_create(2, 4);
        struct tally t = { 0, 0, 0 };
        n->refused_attachments = refused;
        while (net_create_cluster(n) != ENGRAM_OK) {
        }
        play(n, &t);
        engram_cluster_destroy(&n->k);
        assert_int_equal(n->callbacks, t.taken);
        net_end(&n);
    }
}

/* ---- chaos ---- */

enum { RUN = 64 /* slots that move together */ };
enum { ROUNDS = 20, STEPS = 300, COMMANDS_MAX = STEPS * 8 };

/* What has become of command number i. */
struct fate {
    struct chaos *chaos;
    uint8_t callbacks;
    bool is_idempotent, is_answered;
    enum engram_status status;
};

struct chaos {
    struct net *n;
    struct random random;
    struct fate fates[COMMANDS_MAX];
    uint8_t executions[COMMANDS_MAX];
    size_t taken;
};

static bool chance(struct chaos *c, uint64_t one_in)
{
    return random_below(&c->random, one_in) == 0;
}

static void send_some(struct chaos *c);

static void on_fate(struct engram_cluster *k, enum engram_status st,
                    const struct engram_reply *reply, void *arg)
{
    struct fate *f = arg;
    assert_true((st == ENGRAM_OK) == (reply != NULL));
    assert_int_equal(f->callbacks, 0);
    f->callbacks++;
    f->status = st;
    f->is_answered = reply != NULL && !engram_reply_is_error(reply);
    if (st == ENGRAM_CANCELLED) {
        return;
    }
    if (chance(f->chaos, 300)) {
        engram_cluster_close(k);
    } else if (chance(f->chaos, 20)) {
        send_some(f->chaos);
    }
}

static void send_some(struct chaos *c)
{
    for (uint64_t i = random_below(&c->random, 4);
         i > 0 && c->taken < COMMANDS_MAX; i--) {
        const struct engram_cluster_how how = {
            .flags = (chance(c, 2) ? ENGRAM_IDEMPOTENT : 0u) |
                     (chance(c, 3) ? ENGRAM_READ : 0u),
            .timeout_ms = chance(c, 4) ? 50 : 0,
            .node = chance(c, 30) ? "h:7001" : NULL,
        };
        struct fate *f = &c->fates[c->taken];
        *f = (struct fate){ .chaos = c,
                            .is_idempotent = how.flags & ENGRAM_IDEMPOTENT };
        enum engram_status st =
            engram_cluster_send(c->n->k, &how, on_fate, f, "SET k%d %zu",
                                (int)random_below(&c->random, 40), c->taken);
        c->taken += st == ENGRAM_OK;
    }
}

static void disturb(struct chaos *c)
{
    static const char *const maps[] = {
        NULL,
        NULL,
        "*0\r\n",
        "-ERR no\r\n",
        "*1\r\n*3\r\n:0\r\n:9000\r\n*2\r\n$1\r\nh\r\n:9999\r\n",
        "*1\r\n*4\r\n:5\r\n:16383\r\n*2\r\n$0\r\n\r\n:7003\r\n"
        "*2\r\n$1\r\nh\r\n:7000\r\n",
    };
    static const char *const answers[] = {
        "-TRYAGAIN later\r\n", "-CLUSTERDOWN no\r\n", "-MOVED 7 h:7001\r\n",
        "-ASK 9 h:7000\r\n",   "-MOVED 7 h:9999\r\n", "-LOADING yes\r\n",
        "-READONLY no\r\n",    "-MOVED 7 ?:1\r\n",    "what\r\n",
        "-MOVED 7 :7001\r\n",
    };
    struct net *n = c->n;
    int server = (int)random_below(&c->random, (uint64_t)n->server_count);
    struct net_server *s = &n->servers[server];
    switch (random_below(&c->random, 9)) {
    case 0: net_kill(n, server); break;
    case 1: s->is_down = false; break;
    case 2: s->is_silent = !s->is_silent && chance(c, 3); break;
    case 3: net_cut(n, server); break;
    case 7:
        n->map = maps[random_below(&c->random, sizeof maps / sizeof maps[0])];
        break;
    case 4:
        s->answer = answers[random_below(&c->random,
                                         sizeof answers / sizeof answers[0])];
        s->answers_left = (int)random_below(&c->random, 5);
        break;
    case 5:
    case 6:
        for (int i = 0; i < SLOTS_COUNT; i += RUN) {
            int16_t owner = (int16_t)random_below(&c->random, 3);
            bool is_moved = chance(c, 4);
            for (int j = i; j < i + RUN && is_moved; j++) {
                n->owners[j] = owner;
            }
        }
        break;
    default:
        for (int i = 0; i < SLOTS_COUNT; i++) {
            n->migrating[i] = (int16_t)((int)random_below(&c->random, 6) - 3);
            n->migrating[i] =
                n->migrating[i] == n->owners[i] ? -1 : n->migrating[i];
        }
        break;
    }
}

static void run_round(uint64_t seed)
{
    struct chaos *c = calloc(1, sizeof *c);
    c->n = net_create(3, 5);
    random_init(&c->random, seed);
    c->n->env.conn.seed = seed;
    c->n->executions = c->executions;
    c->n->options.read_from = (enum engram_read_from)(seed % 3);
    c->n->options.max_in_flight = 100;
    c->n->conn_options.stall_timeout_ms = 500;
    assert_int_equal(net_create_cluster(c->n), ENGRAM_OK);
    (void)engram_cluster_open(c->n->k);
    for (int step = 0; step < STEPS; step++) {
        if (chance(c, 3)) {
            send_some(c);
        }
        if (chance(c, 10)) {
            disturb(c);
        }
        net_pass_ms(c->n, (int64_t)random_below(&c->random, 30));
        (void)engram_cluster_open(c->n->k);
    }
    /* Peace: all that is left is answered, or told that it cannot be. */
    for (int i = 0; i < c->n->server_count; i++) {
        c->n->servers[i].is_down = false;
        c->n->servers[i].is_silent = false;
        c->n->servers[i].answer = NULL;
    }
    c->n->map = NULL;
    (void)engram_cluster_open(c->n->k);
    net_pass_ms(c->n, 40000);
    struct engram_cluster_counters end = net_counters(c->n);
    assert_int_equal(end.in_flight, 0);
    assert_int_equal(end.queued_bytes, 0);
    assert_int_equal(end.replies + end.timeouts + end.lost, c->taken);
    for (size_t i = 0; i < c->taken; i++) {
        const struct fate *f = &c->fates[i];
        assert_int_equal(f->callbacks, 1);
        assert_true(f->is_idempotent || c->executions[i] <= 1);
        assert_true(!f->is_answered || c->executions[i] >= 1);
        assert_true(f->status != ENGRAM_NOT_SENT || c->executions[i] == 0);
    }
    net_end(&c->n);
    free(c);
}

static void everything_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        run_round(seed);
    }
}

int test_cluster_chaos_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_in_the_cluster),
        cmocka_unit_test(memory_may_run_out_in_connections),
        cmocka_unit_test(a_loop_may_refuse_connections),
        cmocka_unit_test(everything_at_once),
    };
    return cmocka_run_group_tests_name("cluster chaos", tests, NULL, NULL);
}
