/* compose: digits, tags and values into a copy of the plan's commands. */
#include "bench/compose.h"

#include <stdlib.h>
#include <string.h>

#include "bench/memory.h"

void composer_init(struct composer *c, const struct plan *plan,
                   const struct options *o, const struct cluster *cluster,
                   uint64_t seed, uint64_t number)
{
    *c = (struct composer){
        .plan = plan, .cluster = cluster, .verify = {&o->sizes, seed}};
    for (size_t i = 0; i < plan->command_count; i++) {
        command_copy(&c->commands[i], &plan->commands[i]);
    }
    keys_init(&c->keys, plan->key_order,
              o->key_range > 0 ? (uint64_t)o->key_range : 1, o->theta);
    stream_init(&c->stream, seed, number);
    c->value = memory_zeroed(sizes_largest(&o->sizes) + 1, 1);
    for (size_t i = 0; i < sizes_largest(&o->sizes); i++) {
        c->value[i] = (char)('0' + stream_below(&c->stream, 64));
    }
}

void composer_deinit(struct composer *c)
{
    for (size_t i = 0; i < PLAN_COMMANDS_MAX; i++) {
        command_deinit(&c->commands[i]);
    }
    free(c->value);
}

static void put_digits(char *out, uint64_t n)
{
    for (int i = KEY_DIGITS - 1; i >= 0; i--) {
        out[i] = (char)('0' + n % 10);
        n /= 10;
    }
}

static void put_tags(struct composer *c, struct command *cmd, size_t node)
{
    if (cmd->tag_count == 0) {
        return;
    }
    const struct node *n = &c->cluster->nodes[node];
    uint16_t slot = n->slots[stream_below(&c->stream, n->slot_count)];
    for (size_t i = 0; i < cmd->tag_count; i++) {
        memcpy(cmd->argv[cmd->tags[i].arg] + cmd->tags[i].at,
               c->cluster->tags[slot], TAG_BYTES);
    }
}

static void put_values(struct composer *c, struct command *cmd, uint64_t key)
{
    for (size_t i = 0; i < cmd->value_count; i++) {
        size_t arg = cmd->values[i];
        cmd->argv[arg] = c->value;
        if (c->plan->is_verified) {
            cmd->lens[arg] = verify_size(&c->verify, key);
            verify_fill(&c->verify, key, c->value);
        } else if (c->verify.sizes->count > 1
                   || c->verify.sizes->shares[0].min
                          != c->verify.sizes->shares[0].max) {
            cmd->lens[arg] = sizes_pick(c->verify.sizes,
                                        stream_next(&c->stream));
        } else {
            cmd->lens[arg] = c->verify.sizes->shares[0].min;
        }
    }
}

struct composed composer_next(struct composer *c, uint64_t turn, size_t node)
{
    struct composed out = {.is_write = true};
    size_t which = 0;
    if (c->plan->command_count > 1) {
        const int64_t *w = c->plan->weights;
        uint64_t all = (uint64_t)(w[PLAN_READ] + w[PLAN_WRITE]);
        out.is_write = stream_below(&c->stream, all) >= (uint64_t)w[PLAN_READ];
        which = out.is_write ? PLAN_WRITE : PLAN_READ;
    }
    struct command *cmd = &c->commands[which];
    for (size_t i = 0; i < cmd->digits_count; i++) {
        uint64_t n = keys_next(&c->keys, &c->stream,
                               turn * cmd->digits_count + i);
        put_digits(cmd->argv[cmd->digits[i].arg] + cmd->digits[i].at, n);
        out.key = i == 0 ? n : out.key;
    }
    put_tags(c, cmd, node);
    put_values(c, cmd, out.key);
    out.command = cmd;
    return out;
}
