/* fuzz_listpack: any bytes as a listpack. What validates must be walkable both
 * ways without a read outside (the bytes stand in memory of their exact size),
 * must be found again, and must survive a change. */
#include <assert.h>
#include <stdlib.h>

#include "structs/listpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each element's text is found at or before it. */
static size_t walk_forward(const uint8_t *lp)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    size_t count = 0;
    for (uint32_t pos = listpack_first(lp); pos != LISTPACK_NONE;
         pos = listpack_next(lp, pos)) {
        struct slice text = listpack_text(lp, pos, scratch);
        uint32_t found = listpack_find(lp, listpack_first(lp), text, 0);
        assert(found != LISTPACK_NONE);
        assert(found <= pos);
        uint64_t passed;
        assert(listpack_search(lp, pos, text, true, &passed) == pos);
        count++;
    }
    return count;
}

static size_t walk_backward(const uint8_t *lp)
{
    size_t count = 0;
    for (uint32_t pos = listpack_last(lp); pos != LISTPACK_NONE;
         pos = listpack_prev(lp, pos)) {
        count++;
    }
    return count;
}

/* Replaces an element that the input chose, or appends to an empty one. */
static void change(const uint8_t *lp, size_t count, uint8_t choice)
{
    struct slice item = SLICE_LIT("a new element");
    struct listpack_splice s =
        count == 0 ? listpack_appending(lp, &item, 1)
                   : listpack_replacing(listpack_seek(lp, choice % count),
                                        &item);
    size_t bytes = listpack_splice_bytes(lp, &s);
    size_t before = listpack_bytes(lp);
    uint8_t *copy = malloc(bytes > before ? bytes : before);
    assert(copy != NULL);
    memcpy(copy, lp, before);
    listpack_splice(copy, bytes, &s);
    assert(listpack_validate(slice_of(copy, bytes)));
    assert(listpack_count(copy) == (count == 0 ? 1 : count));
    uint64_t passed;
    assert(listpack_search(copy, s.at, item, false, &passed) == s.at);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *lp = malloc(size == 0 ? 1 : size);
    assert(lp != NULL);
    if (size > 0) {
        memcpy(lp, data, size);
    }
    if (listpack_validate(slice_of(lp, size))) {
        size_t count = listpack_count(lp);
        assert(walk_forward(lp) == count);
        assert(walk_backward(lp) == count);
        change(lp, count, lp[size / 2]);
    }
    free(lp);
    return 0;
}
