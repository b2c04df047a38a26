/* digest: 160 bits that stand for content: equal for equal content, whatever the
 * order in which it was written and however many shards and workers hold it. For
 * tests to compare datasets; not for secrets. */
#ifndef ENGRAM_SERVER_DIGEST_H
#define ENGRAM_SERVER_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "types/entry.h"

enum { DIGEST_WORDS = 3, DIGEST_TEXT_LEN = 40 };

struct digest {
    uint64_t words[DIGEST_WORDS]; /* the last one's upper half is not shown */
};

/* Mixes bytes in, in order: a then b is not b then a, nor ab. */
void digest_mix(struct digest *d, struct slice bytes);
/* Adds what is in no order: members of a set, keys of a database. */
void digest_add(struct digest *d, const struct digest *member);
/* Lower-case hex with a NUL. Nothing added is zeros. */
void digest_format(const struct digest *d, char out[DIGEST_TEXT_LEN + 1]);

/* Mixes a value in: its type, its content, not how it is stored. False: values
 * of that type are not known here. */
bool digest_mix_value(struct digest *d, const struct entry *e);

#endif
