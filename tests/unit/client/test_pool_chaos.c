/* Tests of client/pool by chance: everything at any time, with connections that
 * break, and with each allocation failing in turn. Callbacks are counted. */
#include "pool_stage.h"

#include <stdlib.h>
#include <string.h>

#include "tests.h"

enum {
    STEPS = 6000,
    HELD_MAX = 8,
    IN_FLIGHT_MAX = 200,
    FAILURES_MAX = 400,
};

struct chaos {
    struct pool_stage s;
    struct random r;
    size_t sent, answered, lost;
    size_t asked, taken, refused;
    struct engram_conn *held[HELD_MAX];
    size_t held_count;
    size_t closed, destroyed;
};

/* One for each callback in the air: called twice, it would be free already. */
struct ticket {
    struct chaos *x;
};

static struct ticket *create_ticket(struct chaos *x)
{
    struct ticket *t = malloc(sizeof *t);
    t->x = x;
    return t;
}

static void send_shared(struct chaos *x);

/* The pool, and what was taken from it, is gone. */
static void destroy(struct chaos *x)
{
    x->held_count = 0;
    x->destroyed++;
    engram_pool_destroy(&x->s.pool);
    x->held_count = 0;
}

static void on_reply(struct engram_conn *c, enum engram_status st,
                     const struct engram_reply *reply, void *arg)
{
    struct chaos *x = ((struct ticket *)arg)->x;
    free(arg);
    (void)c;
    assert_true((st == ENGRAM_OK) == (reply != NULL));
    *(st == ENGRAM_OK ? &x->answered : &x->lost) += 1;
    switch (random_below(&x->r, 1000)) {
    case 0:
        if (x->s.pool != NULL) {
            x->closed++;
            engram_pool_close(x->s.pool);
        }
        break;
    case 1:
        if (x->s.pool != NULL) {
            destroy(x);
        }
        break;
    case 2: send_shared(x); break;
    default: break;
    }
}

static void send_shared(struct chaos *x)
{
    static const char value[3000];
    struct engram_how how = { .flags = (uint32_t)random_below(&x->r, 2),
                              .timeout_ms = (int)random_below(&x->r, 60) };
    if (x->s.pool == NULL) {
        return;
    }
    struct ticket *t = create_ticket(x);
    enum engram_status st =
        engram_pool_send(x->s.pool, &how, on_reply, t, "SET k %b", value,
                         (size_t)random_below(&x->r, sizeof value));
    if (st == ENGRAM_OK) {
        x->sent++;
    } else {
        assert_true(st == ENGRAM_WOULD_BLOCK || st == ENGRAM_CLOSED ||
                    st == ENGRAM_NOMEM);
        free(t);
    }
}

static void send_own(struct chaos *x, struct engram_conn *c)
{
    static const char *const words[] = { "GET k",    "MULTI", "EXEC",
                                         "WATCH k", "GET k", "SELECT 1" };
    struct ticket *t = create_ticket(x);
    if (engram_send(c, NULL, on_reply, t, words[random_below(&x->r, 6)]) ==
        ENGRAM_OK) {
        x->sent++;
    } else {
        free(t);
    }
}

static void on_taken(struct engram_pool *pool, enum engram_status st,
                     struct engram_conn *c, void *arg)
{
    struct chaos *x = ((struct ticket *)arg)->x;
    free(arg);
    if (st != ENGRAM_OK) {
        assert_null(c);
        x->refused++;
        return;
    }
    x->taken++;
    assert_int_equal(c->waiting.count, 0);
    assert_false(c->is_in_multi || c->is_watching || c->is_altered);
    if (x->held_count == HELD_MAX || random_below(&x->r, 4) == 0) {
        assert_int_equal(engram_pool_give(pool, c), ENGRAM_OK);
    } else {
        x->held[x->held_count++] = c;
        send_own(x, c);
    }
}

static void take(struct chaos *x)
{
    struct ticket *t = create_ticket(x);
    enum engram_status st = engram_pool_take(x->s.pool, on_taken, t);
    if (st == ENGRAM_OK) {
        x->asked++;
    } else {
        free(t);
    }
}

static void use_held(struct chaos *x)
{
    if (x->held_count == 0) {
        return;
    }
    size_t i = random_below(&x->r, x->held_count);
    struct engram_conn *c = x->held[i];
    if (random_below(&x->r, 2) == 0) {
        send_own(x, c);
        return;
    }
    x->held[i] = x->held[--x->held_count];
    assert_int_equal(engram_pool_give(x->s.pool, c), ENGRAM_OK);
}

static void play_servers(struct chaos *x)
{
    for (size_t i = 0; i < POOL_STAGE_LINKS; i++) {
        struct pool_stage_link *link = &x->s.links[i];
        if (link->client_fd < 0 || random_below(&x->r, 3) == 0) {
            continue;
        }
        (void)pool_stage_answer(link, random_below(&x->r, 20));
        if (random_below(&x->r, 60) == 0) {
            pool_stage_hang_up(&x->s, link);
            return;
        }
    }
}

/* What must hold between turns. */
static void check(const struct pool_stage *s)
{
    const struct engram_pool *p = s->pool;
    struct engram_pool_counters n;
    engram_pool_counters(p, &n, sizeof n);
    assert_true(n.connections <= s->options.connections_max);
    assert_int_equal(n.connections, s->conn_count - 1);
    assert_true(n.memory_bytes < 4 * 1024 * 1024);
    size_t in_flight = 0;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < p->member_count; i++) {
        const struct pool_member *m = p->members[i];
        in_flight += m->is_taken ? 0 : m->conn->waiting.count;
        assert_int_equal(m->conn->is_shared, !m->is_taken);
    }
    assert_true(in_flight <= IN_FLIGHT_MAX);
    for (const struct pool_waiter *w = p->waiters.head; w != NULL;
         w = w->next) {
        waiting++;
    }
    assert_int_equal(waiting, p->waiting);
    assert_null(p->failing.head);
    assert_true(p->reserved == NULL || !p->reserved->is_taken);
}

static void one_step(struct chaos *x)
{
    if (x->s.pool == NULL) {
        assert_int_equal(pool_stage_create(&x->s), ENGRAM_OK);
    }
    if (x->held_count == 0 || x->s.pool->is_open) {
        (void)engram_pool_open(x->s.pool);
    }
    x->s.refusals = random_below(&x->r, 10) == 0;
    for (uint64_t n = random_below(&x->r, 30); n > 0; n--) {
        send_shared(x);
    }
    for (uint64_t n = random_below(&x->r, 3); n > 0; n--) {
        take(x);
    }
    use_held(x);
    pool_stage_turn(&x->s);
    play_servers(x);
    pool_stage_pass_ms(&x->s, (int64_t)random_below(&x->r, 20));
    if (x->s.pool != NULL) {
        check(&x->s);
    }
}

static void init(struct chaos *x, uint64_t seed)
{
    memset(x, 0, sizeof *x);
    random_init(&x->r, seed);
    pool_stage_init(&x->s);
    x->s.options.connections_max = 6;
    x->s.options.busy_at = 4;
    x->s.options.max_in_flight = IN_FLIGHT_MAX;
    x->s.options.max_queued_bytes = 200000;
    x->s.options.idle_timeout_ms = 100;
    x->s.options.take_timeout_ms = 50;
    x->s.options.on_drained = NULL;
    x->s.conn.backoff_min_ms = 1;
    x->s.conn.backoff_max_ms = 20;
    x->s.conn.attempts_max = 2;
}

static void end(struct chaos *x)
{
    if (x->s.pool != NULL) {
        destroy(x);
    }
    pool_stage_end(&x->s);
    assert_int_equal(x->answered + x->lost, x->sent);
    assert_int_equal(x->taken + x->refused, x->asked);
}

static void nothing_is_lost_in_the_turmoil(void **state)
{
    (void)state;
    struct chaos *x = malloc(sizeof *x);
    init(x, 5);
    for (int i = 0; i < STEPS; i++) {
        one_step(x);
    }
    end(x);
    /* It has been through everything. */
    assert_true(x->answered > 10000);
    assert_true(x->lost > 1000);
    assert_true(x->taken > 1000);
    assert_true(x->refused > 100);
    assert_true(x->closed > 10);
    assert_true(x->destroyed > 10);
    free(x);
}

/* The pool's allocations fail, or those of each connection. */
static void memory_may_run_out(void **state)
{
    (void)state;
    struct chaos *x = malloc(sizeof *x);
    for (int of_conns = 0; of_conns < 2; of_conns++) {
        bool is_through = false;
        for (int64_t n = 0; !is_through; n++) {
            assert_true(n < FAILURES_MAX);
            init(x, 3);
            x->s.attach_failures = n % 3 == 1;
            *(of_conns ? &x->s.conn_fail_after : &x->s.pool_fail_after) = n;
            for (int i = 0; i < 20; i++) {
                enum engram_status st =
                    x->s.pool == NULL ? pool_stage_create(&x->s) : ENGRAM_OK;
                if (st != ENGRAM_OK) {
                    assert_int_equal(st, ENGRAM_NOMEM);
                    break;
                }
                one_step(x);
            }
            is_through = x->s.pool != NULL &&
                         (of_conns ? x->answered > 50
                                   : x->s.pool->account.fail_after > 0);
            end(x);
        }
    }
    free(x);
}

int test_pool_chaos_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_in_the_turmoil),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests_name("pool chaos", tests, NULL, NULL);
}
