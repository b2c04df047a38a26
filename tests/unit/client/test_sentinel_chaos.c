/* A sentinel in a town in which chance rules, and when memory runs out. */
#include <stdlib.h>
#include <string.h>

#include "tests.h"
#include "town.h"

enum { MOMENTS = 4000, HEALING_MS = 20000 };

static void upset(struct town *t, struct random *r)
{
    struct town_house *house = &t->houses[random_below(r, 6)];
    switch (random_below(r, 8)) {
    case 0: town_kill(t, house->port); break;
    case 1: town_cut(t, house->port); break;
    case 2: house->is_silent = true; break;
    case 3: house->is_down = false; break;
    case 4: house->is_silent = false; break;
    case 5:
        town_move(t, FIRST + (int)random_below(r, 3), random_below(r, 2) == 0);
        break;
    case 6:
        /* One that is behind, or has its own opinion. */
        house = town_at(t, TOWN_SENTINEL + (int)random_below(r, 3));
        house->master = FIRST + (int)random_below(r, 3);
        house->epoch = (int)random_below(r, (uint64_t)town_epoch(t) + 1);
        break;
    default:
        house->flags = house->flags == NULL || house->flags[1] != '_'
                           ? "s_down,slave"
                           : "slave";
        break;
    }
}

static void heal(struct town *t, int master)
{
    int epoch = town_epoch(t);
    for (size_t i = 0; i < t->house_count; i++) {
        struct town_house *house = &t->houses[i];
        house->is_down = false;
        house->is_silent = false;
        house->master = master;
        house->epoch = epoch;
        house->flags = "slave";
        house->role = house->port == master ? "master" : "slave";
        house->replicas[0] = master == FIRST ? SECOND : FIRST;
        house->replicas[1] = master == THIRD ? SECOND : THIRD;
    }
}

static void it_finds_its_way_through_anything(void **state)
{
    struct town *t = town_create();
    struct random r;
    (void)state;
    size_t sent = 0;
    random_init(&r, 3);
    t->options.replicas = 2;
    t->options.refresh_ms = 5000;
    t->server.command_timeout_ms = 500;
    t->server.stall_timeout_ms = 1000;
    t->server.connect_timeout_ms = 1000;
    town_begin(t);
    for (int i = 0; i < MOMENTS; i++) {
        upset(t, &r);
        if (random_below(&r, 3) > 0) {
            town_send(t, (uint32_t)random_below(&r, 2), "GET k");
            sent++;
        }
        town_pass_ms(t, (int64_t)random_below(&r, 60));
        if (i % 200 == 199) {
            int master = FIRST + (int)random_below(&r, 3);
            heal(t, master);
            town_pass_ms(t, HEALING_MS);
            assert_int_equal(t->callbacks, sent);
            (void)town_log(t);
            town_send(t, 0, "GET k");
            sent++;
            town_turn(t);
            const char *log = town_log(t);
            assert_non_null(strstr(log, "GET k"));
            assert_int_equal(atoi(log + strlen("ok:")), master);
            assert_int_equal(town_replica_ports(t) + master,
                             FIRST + SECOND + THIRD);
        }
    }
    engram_sentinel_destroy(&t->s);
    assert_int_equal(t->callbacks, sent);
    town_end(&t);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    size_t whole = 0;
    for (int64_t n = 0; whole < 3; n++) {
        struct town *t = town_create();
        assert_true(n < 200);
        t->env.fail_after = n;
        t->options.replicas = 1;
        if (town_create_sentinel(t) == ENGRAM_OK) {
            assert_int_equal(engram_sentinel_open(t->s), ENGRAM_OK);
            town_pass_ms(t, 200);
            /* It comes back. */
            t->s->account.fail_after = -1;
            t->s->guide->account.fail_after = -1;
            t->s->master.conn->account.fail_after = -1;
            t->s->replicas[0].conn->account.fail_after = -1;
            whole += engram_conn_is_ready(engram_sentinel_conn(t->s)) != 0;
            town_pass_ms(t, 20000);
            town_expect_master(t, "ok:7000 GET k");
            assert_int_not_equal(town_replica_port(t, 0), 0);
        }
        town_end(&t);
    }
    for (int n = 0; n < 3; n++) {
        struct town *t = town_create();
        t->options.replicas = 1;
        t->refused_attachments = n;
        assert_int_equal(town_create_sentinel(t), ENGRAM_NOMEM);
        town_end(&t);
    }
}

int test_sentinel_chaos_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_its_way_through_anything),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("sentinel-chaos", tests, NULL, NULL);
}
