/* fields: hash fields that are due. What a hash loses is told as it goes, so that
 * the log and the replicas never have to look at a clock. */
#include "store/store_priv.h"
#include "types/hash.h"

static bool tell_gone(void *self, const struct hash_item *item)
{
    const struct keyspace_edit *edit = self;
    const struct keyspace *ks = edit->ks;
    const struct store *s = ks->store;
    struct slice argv[3] = {SLICE_LIT("HDEL"), entry_key(edit->entry),
                            item->field};
    struct change c = {ks->database, 3, argv};
    if (s->sink.put != NULL) {
        s->sink.put(s->sink.self, &c);
    }
    return true;
}

static void raise_event(const struct keyspace_edit *edit, const char *event,
                        struct slice key)
{
    const struct store *s = edit->ks->store;
    if (s->events.raise != NULL) {
        s->events.raise(s->events.self, edit->ks->database, event, key);
    }
}

static void note_expired(const struct keyspace_edit *edit, size_t count)
{
    struct keyspace *ks = edit->ks;
    if (count > 0) {
        counter_add(&ks->store->shards[ks->shard].expired_fields, count);
        raise_event(edit, "hexpired", entry_key(edit->entry));
    }
}

void keyspace_edit_expire_field(struct keyspace_edit *edit, struct slice field)
{
    struct hash_item item = {.field = field};
    tell_gone(edit, &item);
    (void)hash_remove(edit->memory, &edit->entry, field);
    note_expired(edit, 1);
}

size_t keyspace_edit_expire(struct keyspace_edit *edit, int64_t now_ms,
                            size_t max)
{
    size_t count = hash_expire(edit->memory, &edit->entry, now_ms, max,
                               tell_gone, edit);
    note_expired(edit, count);
    return count;
}

bool keyspace_edit_end_expired(struct keyspace_edit *edit)
{
    if (value_count(edit->entry) == 0) {
        raise_event(edit, "del", entry_key(edit->entry));
    }
    return keyspace_edit_end(edit);
}
