/* timer: a binary heap of intrusive timers. The heap holds the due time beside
 * the pointer, so that sifting does not touch the timers' own cache lines
 * except to note their place.
 *
 * A timer fires at most once a turn: it is due at the earliest a microsecond
 * after the turn in which it was started. */
#include "net/loop_priv.h"

enum { TIMER_NONE = -1, TIMER_HEAP_START = 64 };

void timer_heap_init(struct timer_heap *h, struct mem_account *a)
{
    *h = (struct timer_heap){.account = a};
}

void timer_heap_deinit(struct timer_heap *h)
{
    mem_free(h->account, h->slots);
    *h = (struct timer_heap){.account = h->account};
}

int64_t timer_heap_next_due(const struct timer_heap *h)
{
    return h->count > 0 ? h->slots[0].due_us : INT64_MAX;
}

static void place(struct timer_heap *h, uint32_t at, struct timer_slot slot)
{
    h->slots[at] = slot;
    slot.timer->heap_index = at;
}

/* Puts `slot` where it belongs on the way from the hole `at` to the root. */
static void sift_up(struct timer_heap *h, uint32_t at, struct timer_slot slot)
{
    while (at > 0 && h->slots[(at - 1) / 2].due_us > slot.due_us) {
        place(h, at, h->slots[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(h, at, slot);
}

/* Puts `slot` where it belongs below the hole `at`. */
static void sift_down(struct timer_heap *h, uint32_t at, struct timer_slot slot)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= h->count) {
            break;
        }
        if (child + 1 < h->count &&
            h->slots[child + 1].due_us < h->slots[child].due_us) {
            child++;
        }
        if (h->slots[child].due_us >= slot.due_us) {
            break;
        }
        place(h, at, h->slots[child]);
        at = child;
    }
    place(h, at, slot);
}

static void heap_remove(struct timer_heap *h, uint32_t at)
{
    assert(at < h->count);
    h->slots[at].timer->heap_index = (uint32_t)TIMER_NONE;
    h->count--;
    if (at == h->count) {
        return;
    }
    struct timer_slot last = h->slots[h->count];
    if (at > 0 && h->slots[(at - 1) / 2].due_us > last.due_us) {
        sift_up(h, at, last);
    } else {
        sift_down(h, at, last);
    }
}

static bool heap_has_room(struct timer_heap *h)
{
    if (h->count < h->capacity) {
        return true;
    }
    uint32_t capacity = h->capacity > 0 ? 2 * h->capacity : TIMER_HEAP_START;
    struct timer_slot *slots =
        mem_realloc(h->account, h->slots, capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    h->slots = slots;
    h->capacity = capacity;
    return true;
}

void timer_heap_fire(struct timer_heap *h, int64_t now_us)
{
    while (h->count > 0 && h->slots[0].due_us <= now_us) {
        struct timer *t = h->slots[0].timer;
        heap_remove(h, 0);
        t->fire(t->arg);
    }
}

void timer_init(struct timer *t, void (*fire)(void *arg), void *arg)
{
    *t = (struct timer){
        .fire = fire, .arg = arg, .heap_index = (uint32_t)TIMER_NONE};
}

enum status timer_start(struct loop *l, struct timer *t, int64_t after_us)
{
    struct timer_heap *h = &l->timers;
    timer_stop(l, t);
    if (!heap_has_room(h)) {
        return ST_NOMEM;
    }
    if (after_us < 1) {
        after_us = 1;
    }
    t->due_us = after_us > INT64_MAX - l->now_us ? INT64_MAX
                                                 : l->now_us + after_us;
    sift_up(h, h->count++, (struct timer_slot){t->due_us, t});
    return ST_OK;
}

void timer_stop(struct loop *l, struct timer *t)
{
    if (t->heap_index == (uint32_t)TIMER_NONE) {
        return;
    }
    assert(l->timers.slots[t->heap_index].timer == t);
    heap_remove(&l->timers, t->heap_index);
}
