/* slots: which of a cluster's 16384 slots a key lies in: CRC16 (XMODEM's) of the
 * key or, where it holds a "{tag}" that is not empty, of the first such tag. */
#ifndef ENGRAM_CLIENT_SLOTS_H
#define ENGRAM_CLIENT_SLOTS_H

#include "base/slice.h"

enum { SLOTS_COUNT = 16384, SLOT_NONE = UINT16_MAX };

uint16_t slots_crc16(struct slice bytes);
/* Below SLOTS_COUNT. */
uint16_t slots_of_key(struct slice key);

#endif
