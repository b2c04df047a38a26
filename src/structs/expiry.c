/* expiry: see expiry.h for the contract.
 *
 * Layout:    six levels of 256 slots; a slot of level l spans 256^l ms, so the
 *            lowest tick is 1 ms and the top reaches year 10889. A slot is a
 *            list of chunks, newest first, whose sizes double from 32 bytes to
 *            4 KB: one record in a slot costs 32 bytes, many cost 5 each. A
 *            level's slots are allocated when its first record comes and go
 *            when the wheel is empty.
 * Time:      `time_ms` is how far the wheel has turned. A record for deadline d
 *            goes to the level of the highest byte in which d and time_ms
 *            differ. So all slots in use at a level lie ahead of time_ms, those
 *            of a lower level come before those of any higher, and the next
 *            slot is the first bit of the lowest level in use.
 * Due:       a slot is due when its span begins. Its chunks move to `due`
 *            as they are; the owner, who alone knows the deadlines, adds back
 *            the records that are early, which sinks them.
 * Two wheels: adds go to the active one. A sweep swaps it for the empty other,
 *            so that what was there when the sweep began is exactly the other's
 *            content, while the due slots of both are served. The same swap is
 *            how a clock set back is digested: the wheel's time cannot turn
 *            back under records, so all of them come out to be added anew.
 * Threads:   one at a time.   Memory: charged to the account, none while empty
 *            but struct expiry itself. */
#include "structs/expiry.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    LEVELS = 6,
    LEVEL_BITS = 8,
    LEVEL_SLOTS = 1 << LEVEL_BITS,
    OCCUPIED_WORDS = LEVEL_SLOTS / 64,
    RECORD_BYTES = 5,
    CHUNK_BYTES_MIN = 32,
    CHUNK_BYTES_MAX = 4096,
    /* A clock that goes back by less than this is waited for. */
    STEP_BACK_MS_MAX = 1000,
};

#define POSITION_LIMIT ((uint64_t)1 << 40)
/* Times on the wheel; a later deadline is added again when this one comes. */
#define DEADLINE_MAX (((uint64_t)1 << (LEVELS * LEVEL_BITS)) - 1)
/* Half of it, so that there is always a slot ahead of the clock. */
#define NOW_MAX (DEADLINE_MAX / 2)

struct records {
    struct records *next;
    uint16_t count, cap;
    uint8_t bytes[]; /* positions, low byte first; taken from the end */
};

struct level {
    uint64_t occupied[OCCUPIED_WORDS];
    struct records *slots[LEVEL_SLOTS];
};

struct wheel {
    uint64_t time_ms;
    size_t count;
    struct records *due;
    /* The slot a sweep is working on, and when it would have been due. */
    struct records *loose;
    uint64_t loose_ms;
    struct level *levels[LEVELS];
};

enum sweep_state {
    SWEEP_NONE,
    SWEEP_RUNNING, /* the other wheel's content is what is to be visited */
    SWEEP_DRAINED, /* all visited, which the owner is yet to be told */
};

struct expiry {
    struct mem_account *account;
    size_t bytes; /* in the allocator's measure */
    uint64_t now_ms; /* as last told */
    struct wheel wheels[2];
    uint8_t active;
    uint8_t sweep;
    bool is_late;     /* records may lie behind the active wheel's time */
    bool is_flushing; /* the other wheel's records come out whatever the time */
};

struct slot_place {
    unsigned level, index;
    uint64_t start_ms;
};

static struct wheel *active_wheel(struct expiry *e)
{
    return &e->wheels[e->active];
}

static struct wheel *other_wheel(struct expiry *e)
{
    return &e->wheels[1 - e->active];
}

static uint64_t clamp_ms(int64_t ms, uint64_t max)
{
    if (ms < 0) {
        return 0;
    }
    return (uint64_t)ms < max ? (uint64_t)ms : max;
}

/* --- chunks of records --- */

static size_t records_bytes(uint16_t cap)
{
    return offsetof(struct records, bytes) + (size_t)cap * RECORD_BYTES;
}

/* Puts an empty chunk, twice as large as the last, at the head of a list. */
static enum status records_grow(struct expiry *e, struct records **list)
{
    size_t bytes = CHUNK_BYTES_MIN;
    size_t last_bytes = *list != NULL ? records_bytes((*list)->cap) : 0;
    while (bytes < CHUNK_BYTES_MAX && bytes / 2 < last_bytes) {
        bytes *= 2;
    }
    struct records *r = mem_alloc(e->account, bytes);
    if (r == NULL) {
        return ST_NOMEM;
    }
    r->next = *list;
    r->count = 0;
    r->cap = (uint16_t)((bytes - offsetof(struct records, bytes)) /
                        RECORD_BYTES);
    e->bytes += mem_usable(r);
    *list = r;
    return ST_OK;
}

static void records_drop_first(struct expiry *e, struct records **list)
{
    struct records *r = *list;
    *list = r->next;
    e->bytes -= mem_usable(r);
    mem_free(e->account, r);
}

static enum status records_push(struct expiry *e, struct records **list,
                                uint64_t position)
{
    if (*list == NULL || (*list)->count == (*list)->cap) {
        enum status st = records_grow(e, list);
        if (st != ST_OK) {
            return st;
        }
    }
    struct records *r = *list;
    uint8_t *at = r->bytes + (size_t)r->count * RECORD_BYTES;
    uint32_t low = (uint32_t)position;
    memcpy(at, &low, sizeof(low));
    at[4] = (uint8_t)(position >> 32);
    r->count++;
    return ST_OK;
}

/* Moves at most `max` records from the list to `out`. */
static size_t records_pop(struct expiry *e, struct records **list,
                          uint64_t *out, size_t max)
{
    size_t n = 0;
    while (n < max && *list != NULL) {
        struct records *r = *list;
        size_t keep = r->count > max - n ? r->count - (max - n) : 0;
        const uint8_t *at = r->bytes + keep * RECORD_BYTES;
        for (size_t i = keep; i < r->count; i++, at += RECORD_BYTES) {
            uint32_t low;
            memcpy(&low, at, sizeof(low));
            out[n++] = low | (uint64_t)at[4] << 32;
        }
        r->count = (uint16_t)keep;
        if (keep == 0) {
            records_drop_first(e, list);
        }
    }
    return n;
}

/* --- one wheel --- */

static void levels_free(struct expiry *e, struct wheel *w)
{
    for (unsigned l = 0; l < LEVELS; l++) {
        if (w->levels[l] != NULL) {
            e->bytes -= mem_usable(w->levels[l]);
            mem_free(e->account, w->levels[l]);
            w->levels[l] = NULL;
        }
    }
}

static bool level_is_empty(const struct level *level)
{
    return (level->occupied[0] | level->occupied[1] | level->occupied[2] |
            level->occupied[3]) == 0;
}

/* The slot that comes next; false: no slot is in use. */
static bool wheel_next_slot(const struct wheel *w, struct slot_place *out)
{
    for (unsigned l = 0; l < LEVELS; l++) {
        const struct level *level = w->levels[l];
        if (level == NULL || level_is_empty(level)) {
            continue;
        }
        unsigned word = 0;
        while (level->occupied[word] == 0) {
            word++;
        }
        unsigned shift = l * LEVEL_BITS;
        uint64_t span_mask = ((uint64_t)1 << (shift + LEVEL_BITS)) - 1;
        out->level = l;
        out->index = word * 64 +
                     (unsigned)__builtin_ctzll(level->occupied[word]);
        out->start_ms = (w->time_ms & ~span_mask) |
                        (uint64_t)out->index << shift;
        return true;
    }
    return false;
}

static struct records *wheel_detach(struct wheel *w, struct slot_place place)
{
    struct level *level = w->levels[place.level];
    struct records *list = level->slots[place.index];
    level->slots[place.index] = NULL;
    level->occupied[place.index / 64] &= ~((uint64_t)1 << (place.index % 64));
    return list;
}

/* Fills `due`, which is empty, with the next slot if its time has come. */
static bool wheel_ripen(struct wheel *w, uint64_t now_ms)
{
    struct slot_place place;
    assert(w->due == NULL);
    if (w->loose != NULL && w->loose_ms <= now_ms) {
        w->due = w->loose;
        w->loose = NULL;
        return true;
    }
    if (wheel_next_slot(w, &place) && place.start_ms <= now_ms) {
        w->time_ms = place.start_ms;
        w->due = wheel_detach(w, place);
        return true;
    }
    if (now_ms > w->time_ms) {
        w->time_ms = now_ms;
    }
    return false;
}

static size_t wheel_take_due(struct expiry *e, struct wheel *w, uint64_t *out,
                             size_t max)
{
    size_t n = 0;
    while (n < max && (w->due != NULL || wheel_ripen(w, e->now_ms))) {
        n += records_pop(e, &w->due, out + n, max - n);
    }
    w->count -= n;
    if (w->count == 0) {
        levels_free(e, w);
    }
    return n;
}

static size_t wheel_take_any(struct expiry *e, struct wheel *w, uint64_t *out,
                             size_t max)
{
    struct slot_place place;
    size_t n = records_pop(e, &w->due, out, max);
    while (n < max && n < w->count) {
        if (w->loose == NULL) {
            bool found = wheel_next_slot(w, &place);
            assert(found);
            w->loose = wheel_detach(w, place);
            w->loose_ms = place.start_ms;
        }
        n += records_pop(e, &w->loose, out + n, max - n);
    }
    w->count -= n;
    if (w->count == 0) {
        levels_free(e, w);
    }
    return n;
}

static enum status wheel_add_to_slot(struct expiry *e, struct wheel *w,
                                     uint64_t deadline_ms, uint64_t position)
{
    unsigned highest_bit =
        63 - (unsigned)__builtin_clzll(deadline_ms ^ w->time_ms);
    unsigned l = highest_bit / LEVEL_BITS;
    unsigned index = (unsigned)(deadline_ms >> (l * LEVEL_BITS)) %
                     LEVEL_SLOTS;
    assert(deadline_ms > w->time_ms);
    assert(l < LEVELS);
    bool is_new_level = w->levels[l] == NULL;
    if (is_new_level) {
        w->levels[l] = mem_alloc_zeroed(e->account, sizeof(struct level));
        if (w->levels[l] == NULL) {
            return ST_NOMEM;
        }
        e->bytes += mem_usable(w->levels[l]);
    }
    enum status st = records_push(e, &w->levels[l]->slots[index], position);
    if (st == ST_OK) {
        w->levels[l]->occupied[index / 64] |= (uint64_t)1 << (index % 64);
    } else if (is_new_level) {
        e->bytes -= mem_usable(w->levels[l]);
        mem_free(e->account, w->levels[l]);
        w->levels[l] = NULL;
    }
    return st;
}

/* --- the index --- */

struct expiry *expiry_create(struct mem_account *a, int64_t now_ms)
{
    struct expiry *e = mem_alloc_zeroed(a, sizeof(*e));
    if (e == NULL) {
        return NULL;
    }
    e->account = a;
    e->bytes = mem_usable(e);
    e->now_ms = clamp_ms(now_ms, NOW_MAX);
    e->wheels[0].time_ms = e->now_ms;
    e->wheels[1].time_ms = e->now_ms;
    return e;
}

void expiry_destroy(struct expiry **e)
{
    if (*e != NULL) {
        (void)expiry_destroy_some(e, SIZE_MAX);
        assert(*e == NULL);
    }
}

/* Frees one chunk of records; false: there are none. */
static bool wheel_drop_chunk(struct expiry *e, struct wheel *w)
{
    struct slot_place place;
    if (w->due == NULL && wheel_next_slot(w, &place)) {
        w->due = wheel_detach(w, place);
    }
    if (w->due == NULL && w->loose == NULL) {
        return false;
    }
    records_drop_first(e, w->due != NULL ? &w->due : &w->loose);
    return true;
}

bool expiry_destroy_some(struct expiry **e, size_t budget)
{
    struct expiry *dead = *e;
    for (size_t i = 0; i < budget; i++) {
        if (!wheel_drop_chunk(dead, &dead->wheels[0])
            && !wheel_drop_chunk(dead, &dead->wheels[1])) {
            levels_free(dead, &dead->wheels[0]);
            levels_free(dead, &dead->wheels[1]);
            assert(dead->bytes == mem_usable(dead));
            mem_free(dead->account, dead);
            *e = NULL;
            return true;
        }
    }
    return false;
}

enum status expiry_add(struct expiry *e, int64_t deadline_ms, uint64_t position)
{
    assert(position < POSITION_LIMIT);
    struct wheel *w = active_wheel(e);
    uint64_t deadline = clamp_ms(deadline_ms, DEADLINE_MAX);
    enum status st;
    if (deadline <= w->time_ms && deadline > e->now_ms) {
        /* The clock went back. Were this record due, the owner would be given
         * it and add it again without end. */
        deadline = w->time_ms + 1;
    }
    if (deadline <= w->time_ms) {
        st = records_push(e, &w->due, position);
    } else {
        st = wheel_add_to_slot(e, w, deadline, position);
    }
    w->count += st == ST_OK;
    return st;
}

/* The other wheel is empty: it becomes the active one, and its time `ms`. */
static void wheels_swap(struct expiry *e, uint64_t ms)
{
    assert(other_wheel(e)->count == 0);
    e->active = 1 - e->active;
    active_wheel(e)->time_ms = ms;
}

/* The clock was set back by more than the wheel can wait for. */
static void step_back(struct expiry *e)
{
    e->is_late = false;
    if (active_wheel(e)->count == 0) {
        active_wheel(e)->time_ms = e->now_ms;
        return;
    }
    if (other_wheel(e)->count == 0) {
        wheels_swap(e, e->now_ms);
    } else {
        /* A sweep, or an earlier step, still needs the other wheel: hurry it,
         * and come back here at a later call. */
        e->is_late = true;
    }
    e->is_flushing = true;
}

static bool must_step_back(const struct expiry *e)
{
    uint64_t ahead_from = e->now_ms + (e->is_late ? 0 : STEP_BACK_MS_MAX);
    return e->wheels[e->active].time_ms > ahead_from;
}

static void other_wheel_drained(struct expiry *e)
{
    e->is_flushing = false;
    if (e->sweep == SWEEP_RUNNING) {
        e->sweep = SWEEP_DRAINED;
    }
}

size_t expiry_take(struct expiry *e, int64_t now_ms, uint64_t *out, size_t max)
{
    e->now_ms = clamp_ms(now_ms, NOW_MAX);
    if (must_step_back(e)) {
        step_back(e);
    }
    size_t n = wheel_take_due(e, active_wheel(e), out, max);
    struct wheel *other = other_wheel(e);
    if (other->count == 0) {
        return n;
    }
    if (e->is_flushing) {
        n += wheel_take_any(e, other, out + n, max - n);
    } else {
        n += wheel_take_due(e, other, out + n, max - n);
    }
    if (other->count == 0) {
        other_wheel_drained(e);
    }
    return n;
}

static uint64_t wheel_next_ms(const struct wheel *w)
{
    struct slot_place place;
    uint64_t next = UINT64_MAX;
    if (w->due != NULL) {
        return 0;
    }
    if (wheel_next_slot(w, &place)) {
        next = place.start_ms;
    }
    if (w->loose != NULL && w->loose_ms < next) {
        next = w->loose_ms;
    }
    return next;
}

int64_t expiry_next_ms(const struct expiry *e)
{
    if (e->is_flushing) {
        return 0;
    }
    uint64_t a = wheel_next_ms(&e->wheels[0]);
    uint64_t b = wheel_next_ms(&e->wheels[1]);
    uint64_t next = a < b ? a : b;
    return next == UINT64_MAX ? INT64_MAX : (int64_t)next;
}

size_t expiry_count(const struct expiry *e)
{
    return e->wheels[0].count + e->wheels[1].count;
}

size_t expiry_bytes(const struct expiry *e)
{
    return e->bytes;
}

void expiry_set_account(struct expiry *e, struct mem_account *a)
{
    e->account = a;
}

/* --- the sweep --- */

bool expiry_sweep_begin(struct expiry *e)
{
    assert(e->sweep == SWEEP_NONE);
    if (other_wheel(e)->count > 0) {
        return false;
    }
    wheels_swap(e, active_wheel(e)->time_ms);
    e->sweep = other_wheel(e)->count > 0 ? SWEEP_RUNNING : SWEEP_DRAINED;
    return true;
}

bool expiry_is_sweeping(const struct expiry *e)
{
    return e->sweep != SWEEP_NONE;
}

size_t expiry_sweep_take(struct expiry *e, uint64_t *out, size_t max)
{
    if (e->sweep != SWEEP_RUNNING) {
        e->sweep = SWEEP_NONE;
        return 0;
    }
    size_t n = wheel_take_any(e, other_wheel(e), out, max);
    if (other_wheel(e)->count == 0) {
        other_wheel_drained(e);
    }
    return n;
}

/* --- checks --- */

static size_t check_list(const struct records *list, size_t *bytes)
{
    size_t count = 0;
    for (const struct records *r = list; r != NULL; r = r->next) {
        assert(r->count > 0);
        assert(r->count <= r->cap);
        assert(records_bytes(r->cap) <= CHUNK_BYTES_MAX);
        *bytes += mem_usable(r);
        count += r->count;
    }
    return count;
}

static void check_wheel(const struct wheel *w, size_t *bytes)
{
    size_t count = check_list(w->due, bytes) + check_list(w->loose, bytes);
    for (unsigned l = 0; l < LEVELS; l++) {
        const struct level *level = w->levels[l];
        if (level == NULL) {
            continue;
        }
        *bytes += mem_usable(level);
        unsigned turned =
            (unsigned)(w->time_ms >> (l * LEVEL_BITS)) % LEVEL_SLOTS;
        for (unsigned i = 0; i < LEVEL_SLOTS; i++) {
            bool is_occupied = level->occupied[i / 64] >> (i % 64) & 1;
            assert(is_occupied == (level->slots[i] != NULL));
            assert(!is_occupied || i > turned);
            count += check_list(level->slots[i], bytes);
        }
    }
    assert(count == w->count);
}

void expiry_check(const struct expiry *e)
{
    size_t bytes = mem_usable(e);
    check_wheel(&e->wheels[0], &bytes);
    check_wheel(&e->wheels[1], &bytes);
    assert(bytes == e->bytes);
    assert(!e->is_flushing || e->wheels[1 - e->active].count > 0);
    assert(e->sweep == SWEEP_RUNNING || e->is_flushing ||
           e->wheels[1 - e->active].count == 0);
}
