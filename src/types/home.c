/* home: see home.h. The struct itself is the outer account's, so that it goes
 * along with the charge. */
#include "types/home.h"

enum {
    DRAIN_SHARE = 16,      /* elements that a page counts for */
    SPARSE_DIV = 4,        /* compacts when over 1/4 of the pages is unused */
    SPARSE_PAGES_MIN = 32, /* and they are at least so many */
};

/* ---- what stands for a value that is freed by its pages ---- */

static bool tomb_destroy_some(struct value **v, const struct entry_memory *m,
                              size_t budget)
{
    struct value_home *h = (*v)->home;
    (void)m;
    if (slab_heap_drain(h->memory.heap, budget / DRAIN_SHARE + 1)) {
        return false;
    }
    *v = NULL;
    return true;
}

static bool tomb_is_external(const struct value *v)
{
    (void)v;
    return true;
}

static const struct value_ops tomb_ops = {
    .destroy_some = tomb_destroy_some, .is_external = tomb_is_external,
};

bool value_destroy_some(struct value **v, const struct entry_memory *m,
                        size_t budget)
{
    struct value_home *h = (*v)->home;
    if (h == NULL) {
        return (*v)->ops->destroy_some(v, m, budget);
    }
    if (h->value == *v) {
        h->value = NULL;
        home_list_remove(h);
    }
    if (h->user_count == 1 && slab_heap_foreign_bytes(h->memory.heap) == 0
        && !(*v)->ops->is_external(*v)) {
        h->tomb = (struct value){.ops = &tomb_ops, .home = h};
        *v = &h->tomb;
    }
    bool is_gone = (*v)->ops->destroy_some(v, &h->memory, budget);
    home_sync(h);
    if (is_gone) {
        home_leave(h);
    }
    return is_gone;
}

/* ---- coming and going ---- */

bool home_is_due(const struct value *v, const struct entry_memory *m)
{
    return v->home == NULL && v->ops->settle != NULL
           && v->ops->bytes(v, m) >= HOME_BYTES;
}

enum status home_give(const struct entry_memory *m, struct entry *e)
{
    struct value *v = entry_value(e);
    size_t bytes = v->ops->bytes(v, m), outside = v->ops->outside_bytes(v);
    struct value_home *h = mem_alloc_zeroed(m->account, sizeof *h);
    if (h == NULL) {
        return ST_NOMEM;
    }
    mem_account_init(&h->account);
    h->outer = m->account;
    h->user_count = 1;
    h->memory = *m;
    h->memory.account = &h->account;
    h->memory.heap = slab_heap_create_like(m->heap, &h->account);
    if (h->memory.heap == NULL) {
        goto free_home;
    }
    slab_heap_adopt(h->memory.heap, bytes - outside);
    v = v->ops->settle(v, &h->memory);
    if (v == NULL) {
        goto destroy_heap;
    }
    /* `outer` has paid for what is outside all the time. */
    mem_charge(&h->account, (ptrdiff_t)outside);
    h->charged = outside;
    v->home = h;
    h->value = v;
    entry_set_value(e, v);
    home_sync(h);
    return ST_OK;
destroy_heap:
    slab_heap_adopt(h->memory.heap, outside - bytes);
    slab_heap_destroy(&h->memory.heap);
free_home:
    mem_free(m->account, h);
    return ST_NOMEM;
}

void home_sync(struct value_home *h)
{
    size_t used = mem_used(&h->account);
    mem_charge(h->outer, (ptrdiff_t)(used - h->charged));
    h->charged = used;
}

void home_join(struct value_home *h, struct value *v)
{
    v->home = h;
    h->user_count++;
}

void home_leave(struct value_home *h)
{
    assert(h->user_count > 0);
    if (--h->user_count > 0) {
        /* What has gone may have left sparse pages. */
        if (h->value != NULL && h->list != NULL) {
            home_list_put(h->list, h);
        }
        return;
    }
    home_list_remove(h);
    slab_heap_destroy(&h->memory.heap);
    assert(mem_used(&h->account) == 0);
    home_sync(h);
    mem_free(h->outer, h);
}

/* ---- the list ---- */

void home_list_put(struct home_list *l, struct value_home *h)
{
    if (h->is_listed) {
        return;
    }
    h->list = l;
    h->is_listed = true;
    h->prev = NULL;
    h->next = l->first;
    if (l->first != NULL) {
        l->first->prev = h;
    }
    l->first = h;
}

void home_list_remove(struct value_home *h)
{
    if (!h->is_listed) {
        return;
    }
    if (h->prev != NULL) {
        h->prev->next = h->next;
    } else {
        h->list->first = h->next;
    }
    if (h->next != NULL) {
        h->next->prev = h->prev;
    }
    h->is_listed = false;
}

/* ---- tidying ---- */

/* Is there anything to walk for? */
static bool begin_walk(struct value_home *h)
{
    struct slab_heap *heap = h->memory.heap;
    struct slab_stats st;
    slab_stats_read(heap, &st);
    bool is_sparse = st.page_bytes >= (size_t)SPARSE_PAGES_MIN * PAGE_BYTES
                     && st.page_bytes - st.cell_bytes
                            >= st.page_bytes / SPARSE_DIV;
    h->left_bytes = slab_heap_foreign_bytes(heap);
    if (h->left_bytes == 0
        && (!is_sparse || slab_begin_compaction(heap) == 0)) {
        return false;
    }
    h->is_walking = true;
    h->cursor = 0;
    return true;
}

bool home_tidy(struct value_home *h)
{
    if (h->value == NULL || (!h->is_walking && !begin_walk(h))) {
        return false;
    }
    h->cursor = h->value->ops->compact(h->value, &h->memory, h->cursor);
    home_sync(h);
    if (h->cursor != 0) {
        return true;
    }
    slab_end_compaction(h->memory.heap);
    h->is_walking = false;
    /* Having brought something over, it looks whether there is more to do; a
     * compaction is not repeated. */
    return slab_heap_foreign_bytes(h->memory.heap) < h->left_bytes;
}

bool home_settle(struct value_home *h)
{
    while (slab_heap_foreign_bytes(h->memory.heap) > 0) {
        if (!home_tidy(h)) {
            return slab_heap_foreign_bytes(h->memory.heap) == 0;
        }
    }
    return true;
}

void home_hand_over(struct value_home *h, struct mem_account *outer)
{
    assert(slab_heap_foreign_bytes(h->memory.heap) == 0);
    home_sync(h);
    mem_charge(h->outer, -(ptrdiff_t)h->charged);
    mem_charge(outer, (ptrdiff_t)h->charged);
    mem_hand_over(h->outer, outer, h);
    h->outer = outer;
}

void home_check(const struct value_home *h, const struct mem_account *outer)
{
    if (h == NULL) {
        return;
    }
    slab_check(h->memory.heap);
    assert(h->outer == outer);
    assert(h->charged == mem_used(&h->account));
    assert(h->user_count > 0);
    assert(h->value == NULL || h->value->home == h);
}
