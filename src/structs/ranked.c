/* ranked: making and freeing cells; ranked.h has the layout. */
#include "structs/ranked.h"

#include <assert.h>
#include <math.h>

static size_t cell_bytes(size_t member_len)
{
    size_t prefix = member_len < RANKED_LONG ? 1 : 1 + sizeof(uint32_t);

    return sizeof(struct ranked) + prefix + member_len;
}

struct ranked *ranked_create(struct slab_heap *heap, struct mem_account *a,
                             double score, struct slice member)
{
    size_t bytes = cell_bytes(member.len);
    struct ranked *r = bytes <= SLAB_CELL_MAX ? slab_alloc(heap, bytes)
                                              : mem_alloc(a, bytes);
    uint32_t len = (uint32_t)member.len;
    uint8_t *to;

    assert(!isnan(score));
    assert(member.len <= UINT32_MAX);
    if (r == NULL) {
        return NULL;
    }
    r->score = score;
    to = r->body + 1;
    if (member.len < RANKED_LONG) {
        r->body[0] = (uint8_t)member.len;
    } else {
        r->body[0] = RANKED_LONG;
        memcpy(to, &len, sizeof(len));
        to += sizeof(len);
    }
    if (member.len > 0) {
        memcpy(to, member.data, member.len);
    }
    return r;
}

static size_t asked_bytes(const struct ranked *r)
{
    return cell_bytes(ranked_member(r).len);
}

void ranked_destroy(struct ranked **r, struct slab_heap *heap,
                    struct mem_account *a)
{
    struct ranked *dead = *r;

    *r = NULL;
    if (dead == NULL) {
        return;
    }
    if (asked_bytes(dead) <= SLAB_CELL_MAX) {
        slab_free(heap, dead);
    } else {
        mem_free(a, dead);
    }
}

size_t ranked_bytes(const struct ranked *r)
{
    size_t bytes = asked_bytes(r);

    return bytes <= SLAB_CELL_MAX ? slab_class_bytes(bytes) : mem_usable(r);
}

struct ranked *ranked_copy_out(const struct ranked *r, struct slab_heap *heap)
{
    size_t bytes = asked_bytes(r);
    struct ranked *copy;

    if (bytes > SLAB_CELL_MAX || !slab_is_source(heap, r)) {
        return NULL;
    }
    copy = slab_alloc(heap, bytes);
    if (copy != NULL) {
        memcpy(copy, r, bytes);
    }
    return copy;
}
