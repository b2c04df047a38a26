/* listpack_priv: one entry of a listpack; for listpack.c and the quicklist,
 * whose chunks hold the same entries.
 *
 * Kinds, by the first byte:
 *   0vvvvvvv                      0..127
 *   10llllll text                 up to 63 bytes
 *   110vvvvv v                    13 bits, signed, high bits first
 *   1110llll l text               up to 4,095 bytes, high bits first
 *   0xf0 llll text                32-bit length, little-endian
 *   0xf1..0xf4 v                  16, 24, 32, 64 bits, little-endian
 *   0xff                          the end
 * Behind that stands how many bytes it was (the back length): 7 bits a byte,
 * the lowest last, and the top bit set in each byte but the first, so that it
 * is read from its end. The limits below are one less than the bits would
 * allow from two bytes on: so the servers that share this format write it. */
#ifndef ENGRAM_STRUCTS_LISTPACK_PRIV_H
#define ENGRAM_STRUCTS_LISTPACK_PRIV_H

#include <assert.h>

#include "base/number.h"
#include "structs/listpack.h"

enum {
    PACK_TEXT6 = 0x80,
    PACK_INT13 = 0xc0,
    PACK_TEXT12 = 0xe0,
    PACK_TEXT32 = 0xf0,
    PACK_INT16 = 0xf1,
    PACK_INT24 = 0xf2,
    PACK_INT32 = 0xf3,
    PACK_INT64 = 0xf4,
    PACK_END = 0xff,
    PACK_TEXT6_MAX = 63,
    PACK_TEXT12_MAX = 4095,
    PACK_HEAD_MAX = 9,
    PACK_BACK_MAX = 5,
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the format's integers are loaded as they lie");

/* --- reading --- */

static inline uint32_t pack_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Bytes of the back length that says `len`. */
static inline uint32_t pack_back_bytes(uint64_t len)
{
    if (len <= 127) {
        return 1;
    }
    return len < (1 << 14) - 1   ? 2
           : len < (1 << 21) - 1 ? 3
           : len < (1 << 28) - 1 ? 4
                                 : 5;
}

/* Bytes of an entry without its back length. */
static inline uint64_t pack_body_bytes(const uint8_t *p)
{
    uint8_t kind = p[0];
    if (kind < PACK_TEXT6) {
        return 1;
    }
    if (kind < PACK_INT13) {
        return 1 + (uint64_t)(kind & 63);
    }
    if (kind < PACK_TEXT12) {
        return 2;
    }
    if (kind < PACK_TEXT32) {
        return 2 + ((uint64_t)(kind & 15) << 8 | p[1]);
    }
    if (kind == PACK_TEXT32) {
        return 5 + (uint64_t)pack_load32(p + 1);
    }
    assert(kind <= PACK_INT64);
    return kind == PACK_INT64 ? 9 : 2 + (uint64_t)(kind - PACK_TEXT32);
}

/* All bytes of the entry at `p`. */
static inline uint64_t pack_bytes(const uint8_t *p)
{
    uint64_t body = pack_body_bytes(p);
    return body + pack_back_bytes(body);
}

/* The start of the entry that ends before `end`. */
static inline const uint8_t *pack_before(const uint8_t *end)
{
    const uint8_t *p = end - 1;
    uint64_t body = *p & 127;
    unsigned shift = 7;
    while ((*p & 128) != 0) {
        p--;
        body |= (uint64_t)(*p & 127) << shift;
        shift += 7;
    }
    return p - body;
}

/* The text, or data NULL and *integer. */
static inline struct listpack_value pack_get(const uint8_t *p)
{
    uint8_t kind = p[0];
    if (kind < PACK_TEXT6) {
        return (struct listpack_value){.integer = kind};
    }
    if (kind < PACK_INT13) {
        return (struct listpack_value){slice_of(p + 1, kind & 63), 0};
    }
    if (kind < PACK_TEXT12) {
        uint32_t v = (uint32_t)(kind & 31) << 8 | p[1];
        return (struct listpack_value){.integer = (int32_t)(v << 19) >> 19};
    }
    if (kind < PACK_TEXT32) {
        size_t len = (size_t)(kind & 15) << 8 | p[1];
        return (struct listpack_value){slice_of(p + 2, len), 0};
    }
    struct listpack_value out = {.integer = 0};
    switch (kind) {
    case PACK_TEXT32:
        out.text = slice_of(p + 5, pack_load32(p + 1));
        break;
    case PACK_INT16:
        out.integer = (int16_t)(p[1] | p[2] << 8);
        break;
    case PACK_INT24: {
        uint32_t v = (uint32_t)p[1] | (uint32_t)p[2] << 8;
        v |= (uint32_t)p[3] << 16;
        out.integer = (int32_t)(v << 8) >> 8;
        break;
    }
    case PACK_INT32:
        out.integer = (int32_t)pack_load32(p + 1);
        break;
    default:
        assert(kind == PACK_INT64);
        memcpy(&out.integer, p + 1, sizeof out.integer);
    }
    return out;
}

/* A text to look for, classified once. */
struct pack_needle {
    struct slice text;
    int64_t integer;
    bool is_integer;
    /* The first byte of a short entry that may equal it; 0xff: none. */
    uint8_t kind7; /* an integer of 7 bits */
    uint8_t kind6; /* a text of up to 63 bytes */
};

static inline struct pack_needle pack_needle_of(struct slice text)
{
    struct pack_needle n = {.text = text};
    n.is_integer = number_parse_int64(text, &n.integer);
    bool is_int7 = n.is_integer && n.integer >= 0 && n.integer < PACK_TEXT6;
    n.kind7 = is_int7 ? (uint8_t)n.integer : (uint8_t)PACK_END;
    n.kind6 = text.len <= PACK_TEXT6_MAX ? (uint8_t)(PACK_TEXT6 | text.len)
                                         : (uint8_t)PACK_END;
    return n;
}

/* The last bytes differ more often than the first. Same length. */
static inline bool pack_text_equals(const uint8_t *p, struct slice text)
{
    enum { WORD = sizeof(uint64_t) };
    if (text.len >= WORD) {
        size_t before = text.len - WORD;
        uint64_t a;
        uint64_t b;
        memcpy(&a, p + before, WORD);
        memcpy(&b, text.data + before, WORD);
        return a == b && memcmp(p, text.data, before) == 0;
    }
    return text.len == 0 || (p[text.len - 1] == text.data[text.len - 1] &&
                             memcmp(p, text.data, text.len - 1) == 0);
}

/* Texts that are integers occur too, in listpacks that others have made. */
static inline bool pack_equals(const uint8_t *p, const struct pack_needle *n)
{
    if (p[0] < PACK_TEXT6) {
        return p[0] == n->kind7;
    }
    if (p[0] < PACK_INT13) {
        return p[0] == n->kind6 && pack_text_equals(p + 1, n->text);
    }
    struct listpack_value v = pack_get(p);
    if (v.text.data == NULL) {
        return v.integer == n->integer && n->is_integer;
    }
    return v.text.len == n->text.len && pack_text_equals(v.text.data, n->text);
}

/* Looks at the entry at `p`, then passes over `skip`, and so on up to `end`;
 * where it is found, or NULL. *passed: entries before it, or all.
 * Entries of the needle's own kind are stepped over by its length, not by what
 * their first byte says: the processor need not wait for that byte to arrive. */
static inline const uint8_t *pack_find(const uint8_t *p, const uint8_t *end,
                                       const struct pack_needle *needle,
                                       uint32_t skip, uint64_t *passed)
{
    const struct pack_needle n = *needle;
    const size_t bytes6 = n.text.len + 2;
    uint64_t count = 0;
    uint32_t to_skip = 0;
    for (; p < end; count++) {
        bool is_looked_at = to_skip == 0;
        to_skip = is_looked_at ? skip : to_skip - 1;
        if (p[0] < PACK_TEXT6) {
            if (p[0] == n.kind7 && is_looked_at) {
                break;
            }
            p += 2;
        } else if (p[0] == n.kind6) {
            if (is_looked_at && pack_text_equals(p + 1, n.text)) {
                break;
            }
            p += bytes6;
        } else {
            if (is_looked_at && pack_equals(p, &n)) {
                break;
            }
            p += pack_bytes(p);
        }
    }
    *passed = count;
    return p < end ? p : NULL;
}

/* Looks at the entry at `p`, then at those before it, down to `first`; where it
 * is found, or NULL. *passed: entries behind it, or all. */
static inline const uint8_t *pack_find_back(const uint8_t *first,
                                            const uint8_t *p,
                                            const struct pack_needle *needle,
                                            uint64_t *passed)
{
    const struct pack_needle n = *needle;
    uint64_t count = 0;
    bool is_found = pack_equals(p, &n);
    while (!is_found && p > first) {
        p = pack_before(p);
        count++;
        is_found = pack_equals(p, &n);
    }
    *passed = count + !is_found;
    return is_found ? p : NULL;
}

/* --- writing --- */

/* An element ready to be written. */
struct pack_item {
    struct slice text; /* len 0 for an integer: all of it is in `head` */
    uint64_t bytes;    /* of the whole entry */
    uint8_t head[PACK_HEAD_MAX];
    uint8_t head_bytes;
};

static inline uint8_t pack_integer(int64_t v, uint8_t *head)
{
    uint64_t bits = (uint64_t)v;
    if (v >= 0 && v <= 127) {
        head[0] = (uint8_t)v;
        return 1;
    }
    if (v >= -4096 && v <= 4095) {
        head[0] = (uint8_t)(PACK_INT13 | (bits >> 8 & 31));
        head[1] = (uint8_t)bits;
        return 2;
    }
    memcpy(head + 1, &bits, sizeof bits);
    if (v >= INT16_MIN && v <= INT16_MAX) {
        head[0] = PACK_INT16;
        return 3;
    }
    if (v >= -(1 << 23) && v < 1 << 23) {
        head[0] = PACK_INT24;
        return 4;
    }
    if (v >= INT32_MIN && v <= INT32_MAX) {
        head[0] = PACK_INT32;
        return 5;
    }
    head[0] = PACK_INT64;
    return 9;
}

static inline uint8_t pack_text_head(size_t len, uint8_t *head)
{
    if (len <= PACK_TEXT6_MAX) {
        head[0] = (uint8_t)(PACK_TEXT6 | len);
        return 1;
    }
    if (len <= PACK_TEXT12_MAX) {
        head[0] = (uint8_t)(PACK_TEXT12 | len >> 8);
        head[1] = (uint8_t)len;
        return 2;
    }
    uint32_t len32 = (uint32_t)len;
    assert(len <= UINT32_MAX);
    head[0] = PACK_TEXT32;
    memcpy(head + 1, &len32, sizeof len32);
    return 5;
}

/* Borrows `text`. */
static inline struct pack_item pack_item_of(struct slice text)
{
    struct pack_item item;
    int64_t v;
    item.text = text;
    if (text.len <= NUMBER_INT64_TEXT_MAX && number_parse_int64(text, &v)) {
        item.text.len = 0;
        item.head_bytes = pack_integer(v, item.head);
    } else {
        item.head_bytes = pack_text_head(text.len, item.head);
    }
    uint64_t body = item.head_bytes + (uint64_t)item.text.len;
    item.bytes = body + pack_back_bytes(body);
    return item;
}

/* Writes the back length for `body`, PACK_BACK_MAX bytes at most; its bytes. */
static inline uint32_t pack_write_back(uint8_t *p, uint64_t body)
{
    if (body <= 127) {
        p[0] = (uint8_t)body;
        return 1;
    }
    uint32_t n = pack_back_bytes(body);
    for (uint32_t i = n; i-- > 0; body >>= 7) {
        p[i] = (uint8_t)((body & 127) | (i > 0 ? 128 : 0));
    }
    return n;
}

/* item->bytes bytes; the byte behind them. */
static inline uint8_t *pack_write(uint8_t *p, const struct pack_item *item)
{
    uint8_t *start = p;
    for (unsigned i = 0; i < item->head_bytes; i++) {
        *p++ = item->head[i];
    }
    if (item->text.len > 0) {
        memcpy(p, item->text.data, item->text.len);
        p += item->text.len;
    }
    p += pack_write_back(p, (uint64_t)(p - start));
    assert((uint64_t)(p - start) == item->bytes);
    return p;
}

#endif
