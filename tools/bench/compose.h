/* compose: the next request of a plan, put together in place. */
#ifndef BENCH_COMPOSE_H
#define BENCH_COMPOSE_H

#include <stdint.h>

#include "bench/cluster.h"
#include "bench/keys.h"
#include "bench/plan.h"
#include "bench/random.h"
#include "bench/verify.h"

struct composer {
    const struct plan *plan;
    const struct cluster *cluster; /* NULL: none */
    struct command commands[PLAN_COMMANDS_MAX];
    struct keys keys;
    struct stream stream;
    struct verify verify; /* its sizes are those of all values */
    char *value;          /* room for the largest */
};

struct composed {
    const struct command *command;
    uint64_t key;  /* the first number put in; 0: none */
    bool is_write; /* the second command of two, or the only one */
};

/* Streams of different `number`s differ. Borrows what it is given. */
void composer_init(struct composer *c, const struct plan *plan,
                   const struct options *o, const struct cluster *cluster,
                   uint64_t seed, uint64_t number);
void composer_deinit(struct composer *c);
/* `turn` counts the requests of all composers; `node` is where it goes to. The
 * command is valid until the next call. */
struct composed composer_next(struct composer *c, uint64_t turn, size_t node);

#endif
