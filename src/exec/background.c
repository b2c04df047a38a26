/* background: the work of the shards that a worker owns, between its turns: first
 * keys that are due, since somebody waits for them to be gone, then tidying, now
 * and then. Each slice holds one shard and looks at the clock; where it stopped,
 * the next one goes on.
 *
 * Nothing is polled. The next call is when the next key is due, and tidying goes
 * once through the shards after something has changed in them; a worker of
 * whose shards neither is true sleeps. */
#include "base/clock.h"
#include "exec/exec_priv.h"

enum {
    TIDY_PERIOD_US = 100 * 1000, /* at least, between two rounds */
    TIDY_PAUSE_US = 500,         /* between slices of an unfinished tidying */
};

/* Runs one shard's slice under its lock; true: there is more. */
static bool shard_slice(struct exec *x, uint32_t shard,
                        bool (*slice)(struct store *, uint32_t,
                                      const struct store_turn *),
                        const struct store_turn *turn)
{
    struct store *s = x->o.store;
    if (x->o.gate != NULL) {
        lock_acquire(store_lock(s, shard));
    }
    bool more = slice(s, shard, turn);
    if (x->o.gate != NULL) {
        lock_release(store_lock(s, shard));
    }
    return more;
}

/* True: more is due now. *next_ms: the earliest later time to look. */
static bool expire(struct exec *x, const struct store_turn *turn,
                   int64_t *next_ms)
{
    struct store *s = x->o.store;
    int64_t paused_ms = atomic_load_explicit(&x->o.shared->pause_until_ms,
                                             memory_order_relaxed);
    if (turn->now_ms < paused_ms) {
        *next_ms = paused_ms; /* what is due stays until CLIENT PAUSE is over */
        return false;
    }
    for (uint32_t i = x->o.worker; i < store_shard_count(s);
         i += x->o.worker_count) {
        if (store_next_due_ms(s, i) <= turn->now_ms) {
            x->wants_tidy = true;
            if (shard_slice(x, i, store_expire_due, turn)
                || clock_monotonic_us() >= turn->deadline_us) {
                return true;
            }
        }
        int64_t ms = store_next_due_ms(s, i);
        *next_ms = ms < *next_ms ? ms : *next_ms;
    }
    return false;
}

/* True: there is more. */
static bool free_doomed(struct exec *x, const struct store_turn *turn)
{
    struct store *s = x->o.store;
    for (uint32_t i = x->o.worker; i < store_shard_count(s);
         i += x->o.worker_count) {
        if (store_has_doomed(s, i)) {
            x->wants_tidy = true;
            if (shard_slice(x, i, store_free_doomed, turn)) {
                return true;
            }
        }
    }
    return false;
}

/* True: stopped in the middle, for want of time. */
static bool tidy(struct exec *x, const struct store_turn *turn)
{
    uint32_t count = store_shard_count(x->o.store);
    while (x->tidy_shard < count) {
        if (shard_slice(x, x->tidy_shard, store_tidy, turn)) {
            return true;
        }
        x->tidy_shard += x->o.worker_count;
        if (clock_monotonic_us() >= turn->deadline_us) {
            return x->tidy_shard < count;
        }
    }
    return false;
}

/* After how many microseconds to look whether more is to be tidied. */
static int64_t run_tidy(struct exec *x, const struct store_turn *turn)
{
    if (!x->is_tidying && !x->wants_tidy) {
        return INT64_MAX;
    }
    if (!x->is_tidying) {
        if (x->monotonic_us < x->tidy_next_us) {
            return x->tidy_next_us - x->monotonic_us;
        }
        x->wants_tidy = false;
        x->tidy_shard = x->o.worker;
    }
    x->is_tidying = tidy(x, turn);
    if (x->is_tidying) {
        return TIDY_PAUSE_US;
    }
    x->tidy_next_us = x->monotonic_us + TIDY_PERIOD_US;
    return x->wants_tidy ? TIDY_PERIOD_US : INT64_MAX;
}

static int64_t run_background(struct exec *x, const struct store_turn *turn)
{
    int64_t next_ms = INT64_MAX, due_us = INT64_MAX;
    if (expire(x, turn, &next_ms) || free_doomed(x, turn)) {
        return 0;
    }
    if (next_ms - turn->now_ms < INT64_MAX / 1000) {
        due_us = next_ms > turn->now_ms ? (next_ms - turn->now_ms) * 1000 : 0;
    }
    int64_t tidy_us = run_tidy(x, turn);
    return due_us < tidy_us ? due_us : tidy_us;
}

void exec_want_tidy(struct exec *x)
{
    x->wants_tidy = true;
}

int64_t exec_background(struct exec *x, int64_t budget_us)
{
    struct store_turn turn = {x->wall_ms, clock_monotonic_us() + budget_us};
    if (x->o.gate != NULL) {
        gate_enter(x->o.gate, x->o.worker);
    }
    int64_t wait_us = run_background(x, &turn);
    if (x->o.gate != NULL) {
        gate_leave(x->o.gate, x->o.worker);
    }
    return wait_us;
}
