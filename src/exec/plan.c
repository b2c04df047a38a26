/* plan: which shards a request needs, locked in ascending order (their lock
 * order), so that no two requests can wait for each other. */
#include "exec/exec_priv.h"

static void make_few(struct plan *p, const struct store *s,
                     const struct key *keys, uint32_t key_count)
{
    for (uint32_t i = 0; i < key_count; i++) {
        uint16_t shard = (uint16_t)store_shard_of(s, keys[i].hash);
        uint32_t at = p->count;
        while (at > 0 && p->few[at - 1] > shard) {
            at--;
        }
        if (at > 0 && p->few[at - 1] == shard) {
            continue;
        }
        memmove(&p->few[at + 1], &p->few[at],
                (p->count - at) * sizeof p->few[0]);
        p->few[at] = shard;
        p->count++;
    }
}

void plan_make(struct plan *p, const struct store *s, const struct key *keys,
               uint32_t key_count)
{
    p->count = 0;
    p->many = NULL;
    if (key_count <= sizeof p->few / sizeof p->few[0]) {
        make_few(p, s, keys, key_count);
        return;
    }
    p->many = p->bits;
    memset(p->bits, 0, sizeof p->bits);
    for (uint32_t i = 0; i < key_count; i++) {
        uint32_t shard = store_shard_of(s, keys[i].hash);
        p->bits[shard / 64] |= (uint64_t)1 << (shard % 64);
    }
}

/* Calls `fn` for the plan's locks, ascending. */
static void for_each(const struct plan *p, struct store *s,
                     void (*fn)(struct lock *l))
{
    if (p->many == NULL) {
        for (uint32_t i = 0; i < p->count; i++) {
            fn(store_lock(s, p->few[i]));
        }
        return;
    }
    for (uint32_t w = 0; w < PLAN_SHARDS_MAX / 64; w++) {
        for (uint64_t left = p->bits[w]; left != 0; left &= left - 1) {
            fn(store_lock(s, w * 64 + (uint32_t)__builtin_ctzll(left)));
        }
    }
}

static void acquire(struct lock *l)
{
    lock_acquire(l);
}

static void release(struct lock *l)
{
    lock_release(l);
}

void plan_acquire(const struct plan *p, struct store *s)
{
    for_each(p, s, acquire);
}

void plan_release(const struct plan *p, struct store *s)
{
    for_each(p, s, release);
}
