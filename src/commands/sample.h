/* sample: choosing by chance, for SRANDMEMBER and its kin. */
#ifndef ENGRAM_COMMANDS_SAMPLE_H
#define ENGRAM_COMMANDS_SAMPLE_H

#include "exec/cmd.h"

/* Selection sampling: each subset of `wanted` is equally likely, in one walk
 * through all `left` elements. */
struct sample {
    struct random *random;
    uint64_t left, wanted;
};

/* Of the walk's next element: is it among the chosen? */
static inline bool sample_takes(struct sample *s)
{
    bool is_taken = random_below(s->random, s->left) < s->wanted;
    s->left--;
    s->wanted -= is_taken;
    return is_taken;
}

/* One name by chance; valid until the next call. */
typedef struct slice sample_draw_fn(void *self);
/* `count` different names out of many more, drawn one by one, as a set without
 * a key; it is the caller's, made of ctx_memory(c, &c->keys[0]). NULL: replied. */
struct entry *sample_few(struct cmd_ctx *c, uint64_t count,
                         sample_draw_fn *draw, void *self);

/* Argument 2, a count, and argument 3, if there is one: `word`, which asks for
 * pairs. False: replied. */
bool sample_parse(struct cmd_ctx *c, const char *word, int64_t *count,
                  bool *is_paired);

/* Elements that may come again are asked for in any number, and the reply is made
 * whole before it is sent. So where the session's output has no limit, the reply
 * has this one. */
#define SAMPLE_REPLY_BYTES_MAX ((uint64_t)1 << 30)
/* Before the first of `count` bulks that may repeat: how many bytes the session's
 * output may reach. False: nobody is to see them, or they can only be too many,
 * and the reply has failed at once. */
bool sample_repeat(struct cmd_ctx *c, uint64_t count, uint64_t *bytes_max);
/* Before each: false, the reply has failed, and its session will be closed. */
static inline bool sample_goes_on(struct cmd_ctx *c, uint64_t bytes_max)
{
    struct chain *out = c->reply->out;
    if (__builtin_expect(out->bytes >= bytes_max, 0)) {
        out->failed = CHAIN_TOO_LONG;
    }
    return !out->failed;
}

/* From this share on it is quicker to go through all. */
static inline bool sample_is_few(uint64_t count, uint64_t of)
{
    return count <= of / 8;
}

#endif
