/* input: a buffer that grows by doubling, or at once to what a long argument will
 * need, if that is not much more than has come: a peer's word alone takes no
 * memory. */
#include "server/input.h"

#include <string.h>

enum {
    BYTES_MIN = 1024,
    KEEP_MAX = 32 * 1024, /* a larger buffer is freed when empty */
};

/* Room for `more` bytes behind what is owned; false: out of memory. */
static bool make_room(struct input *in, struct mem_account *a, size_t more,
                      size_t want)
{
    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->len);
        in->start = 0;
    }
    size_t need = in->len + more;
    if (need <= in->cap) {
        return true;
    }
    size_t cap = in->cap * 2 > need ? in->cap * 2 : need;
    cap = cap < BYTES_MIN ? BYTES_MIN : cap;
    cap = want > need && want < 4 * cap ? want : cap;
    uint8_t *p = mem_realloc(a, in->bytes, cap);
    if (p == NULL) {
        return false;
    }
    in->bytes = p;
    in->cap = cap;
    return true;
}

bool input_own(struct input *in, struct mem_account *a, struct slice data,
               size_t want_bytes)
{
    if (data.len == 0) {
        return true;
    }
    if (!make_room(in, a, data.len, want_bytes)) {
        return false;
    }
    memcpy(in->bytes + in->len, data.data, data.len);
    in->len += data.len;
    return true;
}

void input_trim(struct input *in, struct mem_account *a)
{
    if (in->len == 0) {
        in->start = 0;
        if (in->cap > KEEP_MAX) {
            mem_free(a, in->bytes);
            in->bytes = NULL;
            in->cap = 0;
        }
    }
}

void input_shrink(struct input *in, struct mem_account *a)
{
    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->len);
        in->start = 0;
    }
    if (in->len == 0) {
        mem_free(a, in->bytes);
        in->bytes = NULL;
        in->cap = 0;
        return;
    }
    uint8_t *p = mem_realloc(a, in->bytes, in->len);
    if (p != NULL) {
        in->bytes = p;
        in->cap = in->len;
    }
}
