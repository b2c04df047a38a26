/* hash_packed: a small hash in a listpack.
 *
 * Layout:    field, value, field, value ... or, from the first deadline on
 *            (ENTRY_DEADLINES): bound, field, value, deadline, field, value,
 *            deadline ... A deadline is 0 where there is none.
 * Invariant: no deadline is earlier than the bound, which is HASH_FOREVER if
 *            there is none at all; a deadline that goes leaves it as it is.
 *            No step leads back to pairs.
 *            The listpack's header says how long it is; the bytes behind may be
 *            more when memory for a smaller cell lacked. */
#include "base/number.h"
#include "structs/listpack.h"
#include "types/hash_priv.h"

static bool has_deadlines(const struct entry *e)
{
    return (e->flags & ENTRY_DEADLINES) != 0;
}

static uint32_t first_field(const struct entry *e, const uint8_t *lp)
{
    uint32_t pos = listpack_first(lp);
    return has_deadlines(e) ? listpack_next(lp, pos) : pos;
}

static uint32_t find_field(const struct entry *e, struct slice field)
{
    const uint8_t *lp = flat_bytes(e).data;
    return listpack_find(lp, first_field(e, lp), field,
                         has_deadlines(e) ? 2 : 1);
}

static struct slice integer_text(char *scratch, int64_t v)
{
    return slice_of(scratch, number_format_int64(scratch, v));
}

/* As it is stored. */
static int64_t stored_deadline(int64_t deadline_ms)
{
    return deadline_ms == HASH_FOREVER ? 0 : deadline_ms;
}

/* The deadline at `pos`. */
static int64_t read_deadline(const uint8_t *lp, uint32_t pos)
{
    int64_t ms = listpack_get(lp, pos).integer;
    return ms == 0 ? HASH_FOREVER : ms;
}

/* The item whose field is at `pos`; where the next one begins. */
static uint32_t read_item(const struct entry *e, uint32_t pos, char *scratch,
                          struct hash_item *out)
{
    const uint8_t *lp = flat_bytes(e).data;
    uint32_t value = listpack_next(lp, pos);
    uint32_t next = listpack_next(lp, value);
    *out = (struct hash_item){
        .field = listpack_text(lp, pos, scratch),
        .value = listpack_text(lp, value, scratch + LISTPACK_SCRATCH_BYTES),
        .deadline_ms = HASH_FOREVER,
    };
    if (has_deadlines(e)) {
        out->deadline_ms = read_deadline(lp, next);
        next = listpack_next(lp, next);
    }
    return next;
}

size_t hash_packed_count(const struct entry *e)
{
    size_t n = listpack_count(flat_bytes(e).data);
    return has_deadlines(e) ? n / 3 : n / 2;
}

int64_t hash_packed_due_ms(const struct entry *e)
{
    if (!has_deadlines(e)) {
        return HASH_FOREVER;
    }
    const uint8_t *lp = flat_bytes(e).data;
    return listpack_get(lp, listpack_first(lp)).integer;
}

bool hash_packed_find(const struct entry *e, struct slice field, char *scratch,
                      struct hash_item *out)
{
    uint32_t pos = find_field(e, field);
    if (pos == LISTPACK_NONE) {
        return false;
    }
    read_item(e, pos, scratch, out);
    return true;
}

void hash_packed_at(const struct entry *e, size_t index, char *scratch,
                    struct hash_item *out)
{
    const uint8_t *lp = flat_bytes(e).data;
    size_t element = has_deadlines(e) ? 1 + 3 * index : 2 * index;
    read_item(e, listpack_seek(lp, (int64_t)element), scratch, out);
}

bool hash_packed_visit(const struct entry *e, hash_visit_fn *visit, void *self)
{
    char scratch[HASH_SCRATCH_BYTES];
    uint32_t pos = first_field(e, flat_bytes(e).data);
    while (pos != LISTPACK_NONE) {
        struct hash_item item;
        pos = read_item(e, pos, scratch, &item);
        if (!visit(self, &item)) {
            return false;
        }
    }
    return true;
}

/* ---- changing ---- */

static enum status splice(const struct entry_memory *m, struct entry **e,
                          const struct listpack_splice *s)
{
    const uint8_t *lp = flat_bytes(*e).data;
    size_t bytes = listpack_splice_bytes(lp, s);
    size_t have = listpack_bytes(lp);
    uint8_t *to;
    if (bytes == 0) {
        return ST_RANGE;
    }
    if (bytes <= have) {
        listpack_splice(flat_writable(*e), bytes, s);
        flat_shrink(m, e, bytes);
        return ST_OK;
    }
    enum status st = flat_resize(m, e, bytes, &to);
    if (st == ST_OK) {
        listpack_splice(to, bytes, s);
    }
    return st;
}

static enum status replace_int(const struct entry_memory *m, struct entry **e,
                               uint32_t pos, int64_t v)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    struct slice item = integer_text(text, v);
    struct listpack_splice s = listpack_replacing(pos, &item);
    return splice(m, e, &s);
}

/* Pairs become triples without deadlines. */
static enum status make_triples(const struct entry_memory *m, struct entry **e)
{
    enum { BOUND_BYTES_MAX = 11, NONE_BYTES = 2 };
    const uint8_t *lp = flat_bytes(*e).data;
    size_t room = listpack_bytes(lp) + BOUND_BYTES_MAX
                  + hash_packed_count(*e) * NONE_BYTES;
    int64_t deadline_ms = entry_has_deadline(*e) ? entry_deadline_ms(*e) : 0;
    char text[NUMBER_INT64_TEXT_MAX + 1];
    struct slice bound = integer_text(text, HASH_FOREVER);
    struct slice none = SLICE_LIT("0");
    struct entry *to;
    uint8_t *made;
    enum status st = flat_create(m, entry_key(*e), TYPE_HASH, room, deadline_ms,
                                 &to, &made);
    if (st != ST_OK) {
        return st;
    }
    listpack_init(made);
    struct listpack_splice s = listpack_appending(made, &bound, 1);
    listpack_splice(made, listpack_splice_bytes(made, &s), &s);
    for (uint32_t pos = listpack_first(lp); pos != LISTPACK_NONE;) {
        uint32_t next = listpack_next(lp, listpack_next(lp, pos));
        uint32_t end = next == LISTPACK_NONE ? listpack_end(lp) : next;
        listpack_insert_entries(made, listpack_end(made),
                                listpack_entries(lp, pos, end), 2);
        s = listpack_appending(made, &none, 1);
        listpack_splice(made, listpack_splice_bytes(made, &s), &s);
        pos = next;
    }
    value_replace(m, e, to);
    (*e)->flags |= ENTRY_DEADLINES;
    return ST_OK;
}

/* A deadline is about to come in: the bound is no later. */
static enum status lower_bound(const struct entry_memory *m, struct entry **e,
                               int64_t deadline_ms)
{
    enum status st = ST_OK;
    if (deadline_ms == HASH_FOREVER) {
        return ST_OK;
    }
    if (!has_deadlines(*e)) {
        st = make_triples(m, e);
    }
    if (st == ST_OK && deadline_ms < hash_packed_due_ms(*e)) {
        st = replace_int(m, e, listpack_first(flat_bytes(*e).data),
                         deadline_ms);
    }
    return st;
}

static enum status append(const struct entry_memory *m, struct entry **e,
                          const struct hash_item *item)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    struct slice items[3] = {item->field, item->value};
    items[2] = integer_text(text, stored_deadline(item->deadline_ms));
    struct listpack_splice s = listpack_appending(
        flat_bytes(*e).data, items, has_deadlines(*e) ? 3 : 2);
    return splice(m, e, &s);
}

/* Value and deadline of the field at `pos` in one go. */
static enum status replace(const struct entry_memory *m, struct entry **e,
                           uint32_t pos, const struct hash_item *item)
{
    char text[NUMBER_INT64_TEXT_MAX + 1];
    const uint8_t *lp = flat_bytes(*e).data;
    bool is_kept = item->deadline_ms == HASH_KEEP_DEADLINE
                   || !has_deadlines(*e);
    struct slice items[2] = {item->value};
    items[1] = integer_text(text, stored_deadline(item->deadline_ms));
    size_t n = is_kept ? 1 : 2;
    struct listpack_splice s = {listpack_next(lp, pos), n, items, n};
    return splice(m, e, &s);
}

enum status hash_packed_set(const struct entry_memory *m, struct entry **e,
                            const struct hash_item *item, bool *added)
{
    struct hash_item made = *item;
    enum status st = ST_OK;
    if (item->deadline_ms != HASH_KEEP_DEADLINE) {
        st = lower_bound(m, e, item->deadline_ms);
    }
    uint32_t pos = find_field(*e, item->field);
    *added = false;
    if (st != ST_OK) {
        return st;
    }
    if (pos != LISTPACK_NONE) {
        return replace(m, e, pos, item);
    }
    if (made.deadline_ms == HASH_KEEP_DEADLINE) {
        made.deadline_ms = HASH_FOREVER;
    }
    st = append(m, e, &made);
    *added = st == ST_OK;
    return st;
}

enum status hash_packed_set_deadline(const struct entry_memory *m,
                                     struct entry **e, struct slice field,
                                     int64_t deadline_ms)
{
    enum status st = lower_bound(m, e, deadline_ms);
    if (st != ST_OK || !has_deadlines(*e)) {
        return st;
    }
    uint32_t pos = find_field(*e, field);
    const uint8_t *lp = flat_bytes(*e).data;
    assert(pos != LISTPACK_NONE);
    pos = listpack_next(lp, listpack_next(lp, pos));
    return replace_int(m, e, pos, stored_deadline(deadline_ms));
}

bool hash_packed_remove(const struct entry_memory *m, struct entry **e,
                        struct slice field)
{
    uint32_t pos = find_field(*e, field);
    if (pos == LISTPACK_NONE) {
        return false;
    }
    /* Flat bytes may be written at their own length. */
    uint8_t *lp = flat_writable(*e);
    flat_shrink(m, e, listpack_delete(lp, pos, has_deadlines(*e) ? 3 : 2));
    return true;
}

/* Goes through all: there are few. */
size_t hash_packed_expire(const struct entry_memory *m, struct entry **e,
                          int64_t now_ms, size_t max, hash_visit_fn *visit,
                          void *self)
{
    char scratch[HASH_SCRATCH_BYTES];
    int64_t bound_ms = HASH_FOREVER;
    size_t count = 0;
    uint32_t pos = first_field(*e, flat_bytes(*e).data);
    while (pos != LISTPACK_NONE) {
        struct hash_item item;
        uint32_t next = read_item(*e, pos, scratch, &item);
        if (item.deadline_ms > now_ms || count == max) {
            bound_ms = item.deadline_ms < bound_ms ? item.deadline_ms : bound_ms;
            pos = next;
            continue;
        }
        visit(self, &item);
        listpack_delete(flat_writable(*e), pos, 3);
        pos = next == LISTPACK_NONE ? next : pos;
        count++;
    }
    flat_shrink(m, e, listpack_bytes(flat_bytes(*e).data));
    if (bound_ms > hash_packed_due_ms(*e)
        && replace_int(m, e, listpack_first(flat_bytes(*e).data), bound_ms)
               != ST_OK) {
        return count; /* the bound stays too low, which costs another look */
    }
    return count;
}
