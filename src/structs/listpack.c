/* listpack: walking, searching, and the one way to change: the splice. The
 * layout is in listpack.h, that of an entry in listpack_priv.h. */
#include "structs/listpack.h"

#include "structs/listpack_priv.h"

enum { COUNT_UNKNOWN = UINT16_MAX };

static uint16_t header_count(const uint8_t *lp)
{
    uint16_t n;
    memcpy(&n, lp + 4, sizeof n);
    return n;
}

static void header_set(uint8_t *lp, size_t bytes, size_t count)
{
    uint32_t bytes32 = (uint32_t)bytes;
    uint16_t count16 = count < COUNT_UNKNOWN ? (uint16_t)count : COUNT_UNKNOWN;
    assert(bytes <= LISTPACK_BYTES_MAX);
    memcpy(lp, &bytes32, sizeof bytes32);
    memcpy(lp + 4, &count16, sizeof count16);
}

void listpack_init(uint8_t *lp)
{
    header_set(lp, LISTPACK_EMPTY_BYTES, 0);
    lp[LISTPACK_HEADER_BYTES] = PACK_END;
}

/* --- validation --- */

/* Bytes of the entry at `p`, which has `room` bytes before the end marker; 0:
 * it is not one. */
static uint64_t entry_validate(const uint8_t *p, size_t room)
{
    static const uint8_t head_bytes[] = {5, 3, 4, 5, 9}; /* from PACK_TEXT32 */
    uint8_t kind = p[0];
    if (kind > PACK_INT64) {
        return 0;
    }
    size_t head = kind >= PACK_TEXT32  ? head_bytes[kind - PACK_TEXT32]
                  : kind >= PACK_INT13 ? 2
                                       : 1;
    if (room < head) {
        return 0;
    }
    uint64_t body = pack_body_bytes(p);
    uint64_t bytes = body + pack_back_bytes(body);
    if (bytes > room) {
        return 0;
    }
    uint8_t back[PACK_BACK_MAX];
    uint32_t back_bytes = pack_write_back(back, body);
    return memcmp(p + body, back, back_bytes) == 0 ? bytes : 0;
}

bool listpack_validate(struct slice bytes)
{
    if (bytes.len < LISTPACK_EMPTY_BYTES || bytes.len > LISTPACK_BYTES_MAX ||
        listpack_bytes(bytes.data) != bytes.len ||
        bytes.data[bytes.len - 1] != PACK_END) {
        return false;
    }
    size_t count = 0;
    const uint8_t *p = bytes.data + LISTPACK_HEADER_BYTES;
    const uint8_t *end = bytes.data + bytes.len - 1;
    while (p < end) {
        uint64_t entry = entry_validate(p, (size_t)(end - p));
        if (entry == 0) {
            return false;
        }
        p += entry;
        count++;
    }
    uint16_t said = header_count(bytes.data);
    return said == COUNT_UNKNOWN || said == count;
}

/* --- walking --- */

size_t listpack_count(const uint8_t *lp)
{
    size_t count = header_count(lp);
    if (count != COUNT_UNKNOWN) {
        return count;
    }
    const uint8_t *end = lp + listpack_end(lp);
    const uint8_t *p = lp + LISTPACK_HEADER_BYTES;
    for (count = 0; p < end; count++) {
        p += pack_bytes(p);
    }
    return count;
}

uint32_t listpack_last(const uint8_t *lp)
{
    if (listpack_is_empty(lp)) {
        return LISTPACK_NONE;
    }
    return (uint32_t)(pack_before(lp + listpack_end(lp)) - lp);
}

uint32_t listpack_next(const uint8_t *lp, uint32_t pos)
{
    assert(pos >= LISTPACK_HEADER_BYTES);
    assert(pos < listpack_end(lp));
    uint32_t next = pos + (uint32_t)pack_bytes(lp + pos);
    return next < listpack_end(lp) ? next : (uint32_t)LISTPACK_NONE;
}

uint32_t listpack_prev(const uint8_t *lp, uint32_t pos)
{
    assert(pos >= LISTPACK_HEADER_BYTES);
    assert(pos < listpack_bytes(lp));
    if (pos == LISTPACK_HEADER_BYTES) {
        return LISTPACK_NONE;
    }
    return (uint32_t)(pack_before(lp + pos) - lp);
}

static uint32_t seek_forward(const uint8_t *lp, uint64_t steps)
{
    const uint8_t *p = lp + LISTPACK_HEADER_BYTES;
    const uint8_t *end = lp + listpack_end(lp);
    for (; steps > 0 && p < end; steps--) {
        p += pack_bytes(p);
    }
    return p < end ? (uint32_t)(p - lp) : (uint32_t)LISTPACK_NONE;
}

static uint32_t seek_backward(const uint8_t *lp, uint64_t steps)
{
    const uint8_t *start = lp + LISTPACK_HEADER_BYTES;
    const uint8_t *p = lp + listpack_end(lp);
    for (steps++; steps > 0 && p > start; steps--) {
        p = pack_before(p);
    }
    return steps == 0 ? (uint32_t)(p - lp) : (uint32_t)LISTPACK_NONE;
}

/* Starts from the nearer end if the count is known. */
uint32_t listpack_seek(const uint8_t *lp, int64_t index)
{
    size_t count = header_count(lp);
    bool is_backward = index < 0;
    uint64_t steps = is_backward ? (uint64_t)(-(index + 1)) : (uint64_t)index;
    if (count != COUNT_UNKNOWN) {
        if (steps >= count) {
            return LISTPACK_NONE;
        }
        if (steps > count / 2) {
            steps = count - 1 - steps;
            is_backward = !is_backward;
        }
    }
    return is_backward ? seek_backward(lp, steps) : seek_forward(lp, steps);
}

/* --- reading --- */

struct listpack_value listpack_get(const uint8_t *lp, uint32_t pos)
{
    assert(pos >= LISTPACK_HEADER_BYTES);
    assert(pos < listpack_end(lp));
    return pack_get(lp + pos);
}

struct slice listpack_value_text(struct listpack_value v, char *scratch)
{
    static_assert(LISTPACK_SCRATCH_BYTES >= (int)NUMBER_INT64_TEXT_MAX,
                  "an integer's text fits");
    if (v.text.data != NULL) {
        return v.text;
    }
    return slice_of(scratch, number_format_int64(scratch, v.integer));
}

struct slice listpack_text(const uint8_t *lp, uint32_t pos, char *scratch)
{
    return listpack_value_text(listpack_get(lp, pos), scratch);
}

uint32_t listpack_find(const uint8_t *lp, uint32_t from, struct slice text,
                       uint32_t skip)
{
    if (from == LISTPACK_NONE) {
        return LISTPACK_NONE;
    }
    struct pack_needle n = pack_needle_of(text);
    uint64_t passed;
    const uint8_t *p = pack_find(lp + from, lp + listpack_end(lp), &n, skip,
                                 &passed);
    return p == NULL ? (uint32_t)LISTPACK_NONE : (uint32_t)(p - lp);
}

uint32_t listpack_search(const uint8_t *lp, uint32_t from, struct slice text,
                         bool is_backward, uint64_t *passed)
{
    struct pack_needle n = pack_needle_of(text);
    assert(from >= LISTPACK_HEADER_BYTES);
    assert(from < listpack_end(lp));
    const uint8_t *p = is_backward
        ? pack_find_back(lp + LISTPACK_HEADER_BYTES, lp + from, &n, passed)
        : pack_find(lp + from, lp + listpack_end(lp), &n, 0, passed);
    return p == NULL ? (uint32_t)LISTPACK_NONE : (uint32_t)(p - lp);
}

/* --- changing --- */

static size_t range_bytes(const uint8_t *lp, uint32_t at, size_t count)
{
    const uint8_t *p = lp + at;
    const uint8_t *end = lp + listpack_end(lp);
    for (size_t i = 0; i < count; i++) {
        assert(p < end);
        p += pack_bytes(p);
    }
    return (size_t)(p - (lp + at));
}

size_t listpack_splice_bytes(const uint8_t *lp,
                             const struct listpack_splice *s)
{
    size_t bytes = listpack_bytes(lp) - range_bytes(lp, s->at, s->remove_count);
    for (size_t i = 0; i < s->item_count; i++) {
        if (s->items[i].len > LISTPACK_BYTES_MAX) {
            return 0;
        }
        bytes += pack_item_of(s->items[i]).bytes;
        if (bytes > LISTPACK_BYTES_MAX) {
            return 0;
        }
    }
    return bytes;
}

/* Opens or closes the gap: `gone` bytes at `at` become bytes - old + gone. */
static void resize_gap(uint8_t *lp, size_t bytes, uint32_t at, size_t gone,
                       ptrdiff_t count_change)
{
    size_t old_bytes = listpack_bytes(lp);
    size_t count = header_count(lp);
    assert(at >= LISTPACK_HEADER_BYTES);
    assert(at + gone < old_bytes);
    assert(bytes + gone >= old_bytes);
    if (bytes != old_bytes) {
        size_t rest = old_bytes - at - gone;
        memmove(lp + (bytes - rest), lp + at + gone, rest);
    }
    /* A count that is not known stays so: finding it out is a walk. */
    header_set(lp, bytes, count == COUNT_UNKNOWN
                              ? (size_t)COUNT_UNKNOWN
                              : count + (size_t)count_change);
}

void listpack_splice(uint8_t *lp, size_t bytes,
                     const struct listpack_splice *s)
{
    size_t gone = range_bytes(lp, s->at, s->remove_count);
    size_t coming = bytes + gone - listpack_bytes(lp);
    resize_gap(lp, bytes, s->at, gone,
               (ptrdiff_t)(s->item_count - s->remove_count));
    uint8_t *p = lp + s->at;
    for (size_t i = 0; i < s->item_count; i++) {
        struct pack_item item = pack_item_of(s->items[i]);
        p = pack_write(p, &item);
    }
    assert(p == lp + s->at + coming);
}

void listpack_insert_entries(uint8_t *lp, uint32_t at, struct slice entries,
                             size_t count)
{
    resize_gap(lp, listpack_bytes(lp) + entries.len, at, 0, (ptrdiff_t)count);
    if (entries.len > 0) {
        memcpy(lp + at, entries.data, entries.len);
    }
}
