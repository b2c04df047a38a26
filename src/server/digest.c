/* digest: three keyed hashes with fixed keys, chained: each step hashes what was
 * there before together with the hash of the new bytes. */
#include "server/digest.h"

#include <stdio.h>

#include "base/hash.h"
#include "types/hash.h"
#include "types/list.h"
#include "types/set.h"
#include "types/string.h"
#include "types/zset.h"

static const struct hash_seed seeds[DIGEST_WORDS] = {
    {0x0706050403020100, 0x0f0e0d0c0b0a0908},
    {0x1716151413121110, 0x1f1e1d1c1b1a1918},
    {0x2726252423222120, 0x2f2e2d2c2b2a2928},
};

void digest_mix(struct digest *d, struct slice bytes)
{
    for (int i = 0; i < DIGEST_WORDS; i++) {
        const uint64_t step[] = {d->words[i], bytes.len,
                                 hash_keyed(&seeds[i], bytes.data, bytes.len)};
        d->words[i] = hash_keyed(&seeds[i], step, sizeof step);
    }
}

void digest_add(struct digest *d, const struct digest *member)
{
    for (int i = 0; i < DIGEST_WORDS; i++) {
        d->words[i] += member->words[i];
    }
}

void digest_format(const struct digest *d, char out[DIGEST_TEXT_LEN + 1])
{
    snprintf(out, DIGEST_TEXT_LEN + 1, "%016llx%016llx%08x",
             (unsigned long long)d->words[0], (unsigned long long)d->words[1],
             (unsigned)(d->words[2] & UINT32_MAX));
}

/* ---- values ---- */

static void mix_string(struct digest *d, const struct entry *e)
{
    char scratch[STRING_SCRATCH_BYTES];
    digest_mix(d, string_bytes(e, scratch));
}

static bool add_member(void *sum, struct slice member)
{
    struct digest d = {{0}};
    digest_mix(&d, member);
    digest_add(sum, &d);
    return true;
}

static void mix_set(struct digest *d, const struct entry *e)
{
    struct digest sum = {{0}};
    set_visit(e, add_member, &sum);
    digest_mix(d, slice_of(sum.words, sizeof sum.words));
}

static void mix_list(struct digest *d, const struct entry *e)
{
    char scratch[LIST_SCRATCH_BYTES];
    struct list_at at;
    for (bool more = list_seek(e, 0, &at); more;
         more = list_step(&at, LIST_TAIL)) {
        digest_mix(d, list_text(&at, scratch));
    }
}

static bool mix_element(void *digest, struct slice member, double score)
{
    digest_mix(digest, member);
    digest_mix(digest, slice_of(&score, sizeof score));
    return true;
}

/* Rank is an order of content: no need to add up. */
static void mix_zset(struct digest *d, const struct entry *e)
{
    zset_visit(e, 0, value_count(e), false, mix_element, d);
}

static bool add_item(void *sum, const struct hash_item *item)
{
    struct digest d = {{0}};
    digest_mix(&d, item->field);
    digest_mix(&d, item->value);
    digest_mix(&d, slice_of(&item->deadline_ms, sizeof item->deadline_ms));
    digest_add(sum, &d);
    return true;
}

static void mix_hash(struct digest *d, const struct entry *e)
{
    struct digest sum = {{0}};
    hash_visit(e, add_item, &sum);
    digest_mix(d, slice_of(sum.words, sizeof sum.words));
}

/* How each type is mixed in. */
static void (*const mix_by_type[VALUE_TYPE_COUNT])(struct digest *d,
                                                   const struct entry *e) = {
    [TYPE_STRING] = mix_string,
    [TYPE_LIST] = mix_list,
    [TYPE_SET] = mix_set,
    [TYPE_ZSET] = mix_zset,
    [TYPE_HASH] = mix_hash,
};

bool digest_mix_value(struct digest *d, const struct entry *e)
{
    if (mix_by_type[e->type] == NULL) {
        return false;
    }
    digest_mix(d, slice_of_text(value_type_name((enum value_type)e->type)));
    mix_by_type[e->type](d, e);
    return true;
}
