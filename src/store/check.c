/* check: what always holds of a keyspace: its entries are what its counters,
 * its table and its last look-up say. For tests; slow. */
#include <assert.h>

#include "store/store_priv.h"

struct tally {
    struct keyspace *ks;
    size_t keys, deadlines, dues, externals, entry_bytes;
};

static void tally_entry(void *self, void *entry)
{
    struct tally *t = self;
    const struct entry *e = entry;
    struct key k = store_key(t->ks->store, entry_key(e));
    assert(keyspace_find(t->ks, &k) == e);
    assert(store_shard_of(t->ks->store, k.hash) == t->ks->shard);
    t->keys++;
    t->deadlines += entry_has_deadline(e);
    t->dues += value_due_ms(e) != INT64_MAX;
    t->externals += entry_is_external(e);
    t->entry_bytes += entry_bytes(e, &t->ks->memory);
    if (e->encoding == ENC_BIG) {
        const struct value *v = entry_value(e);
        v->ops->check(v, &t->ks->memory);
        home_check(v->home, &t->ks->account);
    }
}

/* What is remembered of the last look-up is what a fresh one gives. */
static void check_found(struct keyspace *ks)
{
    if (ks->found == NULL) {
        return;
    }
    struct table_at at;
    struct slice key = entry_key(ks->found);
    uint64_t hash = store_key(ks->store, key).hash;
    const struct entry *e = table_find_first(ks->table, hash, &at);
    while (e != NULL && e != ks->found) {
        e = table_find_next(&at);
    }
    assert(e == ks->found);
    assert(ks->at.hash == hash);
    assert(ks->at.bucket == at.bucket);
    assert(ks->at.slot == at.slot);
}

void keyspace_check(struct keyspace *ks)
{
    struct tally t = {.ks = ks};
    uint64_t cursor = 0;
    check_found(ks);
    table_check(ks->table);
    slab_check(ks->heap);
    do {
        cursor = table_scan(ks->table, cursor, tally_entry, &t);
    } while (cursor != 0);
    assert(t.keys == keyspace_count(ks));
    assert(t.keys == table_count(ks->table));
    assert(t.deadlines == keyspace_deadline_count(ks));
    assert(t.externals == ks->external_count);
    assert(t.dues == keyspace_due_count(ks));
    assert(t.entry_bytes <= mem_used(&ks->account));
    for (const struct value_home *h = ks->homes.first; h != NULL; h = h->next) {
        assert(h->list == &ks->homes);
        home_check(h, &ks->account);
    }
    if (ks->expiry != NULL) {
        expiry_check(ks->expiry);
        assert(expiry_count(ks->expiry) >= t.deadlines);
    }
}
