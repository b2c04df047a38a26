/* sample: few of many, so that none comes twice. */
#include "commands/sample.h"

#include "types/set.h"

struct entry *sample_few(struct cmd_ctx *c, uint64_t count,
                         sample_draw_fn *draw, void *self)
{
    const struct entry_memory *m = ctx_memory(c, &c->keys[0]);
    struct entry *drawn = NULL;
    if (m == NULL) {
        return NULL;
    }
    enum status st = value_create_empty(m, slice_of(NULL, 0), TYPE_SET, 0,
                                        &drawn);
    if (st != ST_OK) {
        ctx_error_status(c, st);
        return NULL;
    }
    while (st == ST_OK && value_count(drawn) < count) {
        bool added;
        st = set_add(m, ctx_limits(c), &drawn, draw(self), &added);
    }
    if (st != ST_OK) {
        ctx_error_status(c, st);
        entry_destroy(drawn, m);
        return NULL;
    }
    return drawn;
}
