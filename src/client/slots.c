/* slots: see slots.h. The sum is done a byte at a time without a table, which is
 * enough for keys: x^16 + x^12 + x^5 + 1 lets a byte's share be written as three
 * shifts. */
#include "client/slots.h"

uint16_t slots_crc16(struct slice bytes)
{
    uint16_t sum = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned x = (sum >> 8) ^ bytes.data[i];
        x ^= x >> 4;
        sum = (uint16_t)((unsigned)sum << 8 ^ x << 12 ^ x << 5 ^ x);
    }
    return sum;
}

/* What of the key is summed. */
static struct slice tag_of(struct slice key)
{
    const uint8_t *open = key.len == 0 ? NULL : memchr(key.data, '{', key.len);
    if (open == NULL) {
        return key;
    }
    size_t begin = (size_t)(open - key.data) + 1;
    const uint8_t *close =
        begin == key.len ? NULL : memchr(open + 1, '}', key.len - begin);
    if (close == NULL || close == open + 1) {
        return key;
    }
    return slice_of(open + 1, (size_t)(close - open - 1));
}

uint16_t slots_of_key(struct slice key)
{
    return slots_crc16(tag_of(key)) % SLOTS_COUNT;
}
