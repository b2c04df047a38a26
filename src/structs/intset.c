/* intset: see intset.h. Values are loaded as they lie, so the machine must be
 * little-endian. */
#include "structs/intset.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the format's integers are loaded as they lie");

static uint32_t width_of(int64_t v)
{
    if (v >= INT16_MIN && v <= INT16_MAX) {
        return 2;
    }
    return v >= INT32_MIN && v <= INT32_MAX ? 4 : 8;
}

static inline int64_t load(const uint8_t *set, uint32_t width, uint32_t index)
{
    const uint8_t *p = set + INTSET_HEADER_BYTES + (size_t)width * index;
    int16_t v16;
    int32_t v32;
    int64_t v64;
    switch (width) {
    case 2:
        memcpy(&v16, p, sizeof v16);
        return v16;
    case 4:
        memcpy(&v32, p, sizeof v32);
        return v32;
    default:
        assert(width == 8);
        memcpy(&v64, p, sizeof v64);
        return v64;
    }
}

/* The low bytes of two's complement are the value in fewer bytes. */
static inline void store(uint8_t *set, uint32_t width, uint32_t index,
                         int64_t v)
{
    memcpy(set + INTSET_HEADER_BYTES + (size_t)width * index, &v, width);
}

static void header_set(uint8_t *set, uint32_t width, uint32_t count)
{
    memcpy(set, &width, sizeof width);
    memcpy(set + 4, &count, sizeof count);
}

void intset_init(uint8_t *set)
{
    header_set(set, 2, 0);
}

bool intset_validate(struct slice bytes)
{
    if (bytes.len < INTSET_HEADER_BYTES) {
        return false;
    }
    uint32_t width = intset_width(bytes.data);
    uint32_t count = intset_count(bytes.data);
    if ((width != 2 && width != 4 && width != 8) ||
        intset_bytes(bytes.data) != bytes.len) {
        return false;
    }
    for (uint32_t i = 1; i < count; i++) {
        if (load(bytes.data, width, i - 1) >= load(bytes.data, width, i)) {
            return false;
        }
    }
    return true;
}

int64_t intset_get(const uint8_t *set, uint32_t index)
{
    assert(index < intset_count(set));
    return load(set, intset_width(set), index);
}

bool intset_find(const uint8_t *set, int64_t v, uint32_t *rank)
{
    uint32_t width = intset_width(set);
    uint32_t low = 0;
    uint32_t high = intset_count(set);
    bool is_found = false;
    /* Often it is a new greatest one. */
    if (high > 0 && load(set, width, high - 1) < v) {
        low = high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t at = load(set, width, middle);
        if (at == v) {
            low = middle;
            is_found = true;
            break;
        }
        if (at < v) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (rank != NULL) {
        *rank = low;
    }
    return is_found;
}

size_t intset_insert_bytes(const uint8_t *set, int64_t v)
{
    uint32_t width = intset_width(set);
    uint32_t needed = width_of(v);
    if (needed <= width && intset_find(set, v, NULL)) {
        return intset_bytes(set);
    }
    width = needed > width ? needed : width;
    return INTSET_HEADER_BYTES + ((size_t)intset_count(set) + 1) * width;
}

/* `v` fits only a greater width, so it is the new least or greatest. */
static void insert_wider(uint8_t *set, int64_t v)
{
    uint32_t old_width = intset_width(set);
    uint32_t width = width_of(v);
    uint32_t count = intset_count(set);
    uint32_t shift = v < 0 ? 1 : 0;
    for (uint32_t i = count; i-- > 0;) {
        store(set, width, i + shift, load(set, old_width, i));
    }
    store(set, width, v < 0 ? 0 : count, v);
    header_set(set, width, count + 1);
}

bool intset_insert(uint8_t *set, int64_t v)
{
    uint32_t width = intset_width(set);
    uint32_t count = intset_count(set);
    uint32_t rank;
    if (width_of(v) > width) {
        assert(count < UINT32_MAX);
        insert_wider(set, v);
        return true;
    }
    if (intset_find(set, v, &rank)) {
        return false;
    }
    assert(count < UINT32_MAX);
    uint8_t *at = set + INTSET_HEADER_BYTES + (size_t)rank * width;
    memmove(at + width, at, (size_t)(count - rank) * width);
    store(set, width, rank, v);
    header_set(set, width, count + 1);
    return true;
}

bool intset_remove(uint8_t *set, int64_t v)
{
    uint32_t rank;
    if (!intset_find(set, v, &rank)) {
        return false;
    }
    intset_remove_range(set, rank, 1);
    return true;
}

void intset_remove_range(uint8_t *set, uint32_t index, uint32_t count)
{
    uint32_t width = intset_width(set);
    uint32_t total = intset_count(set);
    assert(index <= total);
    assert(count <= total - index);
    uint8_t *at = set + INTSET_HEADER_BYTES + (size_t)index * width;
    memmove(at, at + (size_t)count * width,
            (size_t)(total - index - count) * width);
    header_set(set, width, total - count);
}
