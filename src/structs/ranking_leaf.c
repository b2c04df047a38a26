/* ranking_leaf: the slots of one leaf and their tags.
 *
 * A pointer to a cell needs 44 bits, so 20 are left for a tag: the cell's place
 * in a frame, TAG_MAX + 1 steps of 2^shift images each from `low` on. So a
 * search reads the leaf's own lines and only cells whose tags agree. The frame
 * is laid with the leaf's range in its middle sixteenth, so that what comes
 * later mostly falls inside. What does not moves the frame and may widen its
 * step: both need only the tags, since the steps of any two frames are aligned.
 * Only making the step finer needs the cells, and is worth it when the leaf's
 * range has shrunk by four splits or so. */
#include "structs/ranking_priv.h"

enum {
    SPAN_LAID = 1 << 16,  /* what the range fills of a new frame, at most */
    SPAN_BLUNT = 1 << 12, /* below that, a finer frame is looked for */
};

struct frame {
    uint64_t low;
    unsigned shift;
};

/* The finest frame of at least that shift in which low..high have margins. */
static struct frame frame_around(uint64_t low, uint64_t high, unsigned shift)
{
    const uint64_t margin = (TAG_MAX + 1 - SPAN_LAID) / 2;
    uint64_t unit;

    while ((high >> shift) - (low >> shift) >= SPAN_LAID) {
        shift++;
    }
    unit = low >> shift;
    return (struct frame){unit > margin ? unit - margin : 0, shift};
}

static bool frame_holds(const struct leaf *f, uint64_t image)
{
    uint64_t unit = image >> f->shift;

    return unit >= f->low && unit - f->low <= TAG_MAX;
}

/* The least image that a slot of that tag can have. */
static uint64_t image_low(const struct leaf *f, unsigned at)
{
    return (f->low + slot_tag(f->slots[at])) << f->shift;
}

static uint64_t image_high(const struct leaf *f, unsigned at)
{
    return ((f->low + slot_tag(f->slots[at]) + 1) << f->shift) - 1;
}

/* A slot of `src` as `dst`, whose step is no finer, has it. */
static inline uint64_t slot_in(const struct leaf *dst, const struct leaf *src,
                               uint64_t slot)
{
    uint64_t unit = (src->low + slot_tag(slot)) >> (dst->shift - src->shift);

    assert(unit >= dst->low);
    assert(unit - dst->low <= TAG_MAX);
    return slot_make(unit - dst->low, slot_cell(slot));
}

/* Widens and moves the frame so that it holds low..high and what it held. */
static void reframe(struct leaf *f, uint64_t low, uint64_t high, unsigned shift)
{
    struct leaf old = {.low = f->low, .shift = f->shift};
    struct frame frame;

    if (f->count > 0) {
        uint64_t first = image_low(f, 0), last = image_high(f, f->count - 1u);

        low = first < low ? first : low;
        high = last > high ? last : high;
        shift = f->shift > shift ? f->shift : shift;
    }
    frame = frame_around(low, high, shift);
    f->low = frame.low;
    f->shift = (uint8_t)frame.shift;
    for (unsigned i = 0; i < f->count; i++) {
        f->slots[i] = slot_in(f, &old, f->slots[i]);
    }
}

/* --- searching ------------------------------------------------------------ */

bool ranking_is_before(const struct ranked *r, const struct key *k)
{
    uint64_t image = cell_image(r);
    int order;

    if (image != k->image) {
        return image < k->image;
    }
    if (k->side == CUT_BEFORE_SCORE || k->side == CUT_AFTER_SCORE) {
        return k->side == CUT_AFTER_SCORE;
    }
    order = slice_compare(ranked_member(r), k->member);
    return order < 0 || (order == 0 && k->side == CUT_AFTER_MEMBER);
}

/* Among slots of one tag only the cells know. The two that may be compared next
 * are fetched together with the one that is compared now. */
static unsigned cut_in_run(const struct leaf *f, unsigned from, unsigned to,
                           const struct key *k)
{
    while (from < to) {
        unsigned n = to - from, middle = from + n / 2;

        if (n > 2) {
            __builtin_prefetch(slot_cell(f->slots[from + n / 4]));
            __builtin_prefetch(slot_cell(f->slots[middle + 1 + (n - 1) / 4]));
        }
        if (ranking_is_before(slot_cell(f->slots[middle]), k)) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

unsigned ranking_leaf_cut(const struct leaf *f, const struct key *k)
{
    uint64_t unit = k->image >> f->shift, tag = unit - f->low;
    unsigned from, to;

    if (unit < f->low) {
        return 0;
    }
    if (tag > TAG_MAX) {
        return f->count;
    }
    from = lower_bound(f->slots, f->count, slot_make(tag, NULL));
    to = from;
    while (to < f->count && slot_tag(f->slots[to]) == tag) {
        to++;
    }
    if (f->shift == 0 && k->side == CUT_BEFORE_SCORE) {
        return from;
    }
    if (f->shift == 0 && k->side == CUT_AFTER_SCORE) {
        return to;
    }
    return cut_in_run(f, from, to, k);
}

unsigned ranking_leaf_find(const struct leaf *f, uint64_t image,
                           const struct ranked *r)
{
    uint64_t slot;
    unsigned at;

    assert(frame_holds(f, image));
    slot = slot_make((image >> f->shift) - f->low, r);
    at = lower_bound(f->slots, f->count, slot & ~(uint64_t)0 << POINTER_BITS);
    while (at < f->count && f->slots[at] != slot) {
        at++;
    }
    assert(at < f->count);
    return at;
}

/* --- changing ------------------------------------------------------------- */

void ranking_leaf_insert(struct leaf *f, unsigned at, struct ranked *r)
{
    uint64_t image = cell_image(r);

    assert(f->count < LEAF_SLOTS);
    assert(at <= f->count);
    assert(((uintptr_t)r & 7) == 0);
    assert((uintptr_t)r >> (POINTER_BITS + 3) == 0);
    if (f->count == 0 || !frame_holds(f, image)) {
        reframe(f, image, image, 0);
    }
    memmove(f->slots + at + 1, f->slots + at,
            (f->count - at) * sizeof(f->slots[0]));
    f->slots[at] = slot_make((image >> f->shift) - f->low, r);
    f->count++;
}

void ranking_leaf_remove(struct leaf *f, unsigned at, unsigned count)
{
    assert(at + count <= f->count);
    memmove(f->slots + at, f->slots + at + count,
            (f->count - at - count) * sizeof(f->slots[0]));
    f->count = (uint16_t)(f->count - count);
}

void ranking_leaf_move(struct leaf *dst, unsigned dst_at, struct leaf *src,
                       unsigned src_at, unsigned count)
{
    assert(count > 0);
    assert(dst->count + count <= LEAF_SLOTS);

    uint64_t low = image_low(src, src_at);
    uint64_t high = image_high(src, src_at + count - 1);

    if (dst->count == 0) {
        dst->low = src->low;
        dst->shift = src->shift;
    } else if (dst->shift < src->shift || !frame_holds(dst, low)
               || !frame_holds(dst, high)) {
        reframe(dst, low, high, src->shift);
    }
    memmove(dst->slots + dst_at + count, dst->slots + dst_at,
            (dst->count - dst_at) * sizeof(dst->slots[0]));
    for (unsigned i = 0; i < count; i++) {
        dst->slots[dst_at + i] = slot_in(dst, src, src->slots[src_at + i]);
    }
    dst->count = (uint16_t)(dst->count + count);
    ranking_leaf_remove(src, src_at, count);
}

void ranking_leaf_sharpen(struct leaf *f)
{
    unsigned last = f->count - 1u;
    uint64_t high;
    struct frame frame;

    if (f->count < 2 || f->shift == 0
        || slot_tag(f->slots[last]) - slot_tag(f->slots[0]) >= SPAN_BLUNT) {
        return;
    }
    high = cell_image(slot_cell(f->slots[last]));
    frame = frame_around(cell_image(slot_cell(f->slots[0])), high, 0);
    if (frame.shift >= f->shift) {
        return;
    }
    for (unsigned i = 0; i < f->count; i++) {
        __builtin_prefetch(slot_cell(f->slots[i]));
    }
    f->low = frame.low;
    f->shift = (uint8_t)frame.shift;
    for (unsigned i = 0; i < f->count; i++) {
        struct ranked *r = slot_cell(f->slots[i]);

        f->slots[i] = slot_make((cell_image(r) >> f->shift) - f->low, r);
    }
}
