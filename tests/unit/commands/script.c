/* script: plays request lines and compares replies, effects and events; a second
 * house runs every effect and must end with the same keys. */
#include "script.h"

#include <stdlib.h>

#include "commands/commands.h"

void script_house_init(struct house *h, struct house *replica, uint32_t workers)
{
    static const struct cmd_spec *const families[] = {
        string_cmds, bitmap_cmds, generic_cmds, keyspace_cmds, connection_cmds,
        transaction_cmds, set_cmds, list_cmds, zset_cmds, hash_cmds,
        NULL,
    };
    struct house_options o = {
        .families = families, .worker_count = workers,
        .shard_count = workers > 1 ? 8 : 1,
    };
    house_init(h, &o);
    o = (struct house_options){.families = families, .is_silent = true};
    house_init(replica, &o);
    h->replica = replica;
}

void script_house_deinit(struct house *h, struct house *replica)
{
    house_check(h);
    house_expect_equal(h, replica);
    house_deinit(h);
    house_deinit(replica);
}

static void run_step(struct house *h, const struct step *s)
{
    if (s->line[0] == '@') {
        house_wait(h, strtol(s->line + 1, NULL, 10));
        return;
    }
    house_expect(h, 0, s->line, s->reply);
    house_expect_effects(h, s->effects != NULL ? s->effects : "");
    house_expect_events(h, s->events != NULL ? s->events : "");
}

void script_play(struct house *h, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run_step(h, &steps[i]);
    }
}

void script_run(const struct step *steps, size_t count)
{
    for (uint32_t workers = 1; workers <= 2; workers++) {
        struct house h, replica;
        script_house_init(&h, &replica, workers);
        script_play(&h, steps, count);
        script_house_deinit(&h, &replica);
    }
}
