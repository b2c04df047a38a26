/* entry: memory and layout of entries; the picture is in entry.h.
 *
 * Invariant: an entry from the heap lies in slab_class_bytes(its own bytes), so
 * the room behind it is known without a look at the heap's page. */
#include "types/entry.h"

#include "types/entry_priv.h"
#include "types/home.h"
#include "types/string.h"

enum { DESTROY_BUDGET = 4096 };

size_t entry_head_bytes(size_t key_len, bool has_deadline, bool has_pointer)
{
    size_t n = sizeof(struct entry) + key_len;
    n += has_deadline ? 8 : 0;
    n += has_pointer ? 8 : 0;
    n += key_len > ENTRY_KEY_SHORT_MAX ? 4 : 0;
    return n;
}

struct entry *entry_build(const struct entry_memory *m, struct slice key,
                          enum value_type type, enum value_encoding enc,
                          int64_t deadline_ms, size_t bytes)
{
    bool in_slab = bytes <= SLAB_CELL_MAX;
    struct entry *e = in_slab ? slab_alloc(m->heap, bytes)
                              : mem_alloc(m->account, bytes);
    if (e == NULL) {
        return NULL;
    }
    *e = (struct entry){.type = (uint8_t)(type & 15),
                        .encoding = (uint8_t)(enc & 15)};
    e->flags = in_slab ? 0 : ENTRY_UNSLABBED;
    uint8_t *p = (uint8_t *)(e + 1);
    if (deadline_ms > 0) {
        e->flags |= ENTRY_HAS_DEADLINE;
        memcpy(p, &deadline_ms, sizeof deadline_ms);
        p += sizeof deadline_ms;
    }
    p += enc >= ENC_BLOB ? sizeof(void *) : 0;
    if (key.len > ENTRY_KEY_SHORT_MAX) {
        uint32_t len = (uint32_t)key.len;
        assert(key.len <= UINT32_MAX);
        e->flags |= ENTRY_LONG_KEY;
        e->key_len = ENTRY_KEY_SHORT_MAX + 1;
        memcpy(p, &len, sizeof len);
        p += sizeof len;
    } else {
        e->key_len = (uint16_t)key.len;
    }
    if (key.len > 0) {
        memcpy(p, key.data, key.len);
    }
    return e;
}

void *entry_pointer_at(struct entry *e)
{
    assert(e->encoding >= ENC_BLOB);
    return (uint8_t *)(e + 1) + (entry_has_deadline(e) ? 8 : 0);
}

size_t entry_shell_bytes(const struct entry *e)
{
    struct slice key = entry_key(e);
    size_t head = entry_head_bytes(key.len, entry_has_deadline(e),
                                   e->encoding >= ENC_BLOB);
    switch (e->encoding) {
    case ENC_INT8:
    case ENC_INT16:
    case ENC_INT32:
    case ENC_INT64:
        return head + ((size_t)1 << e->encoding);
    case ENC_EMBED:
        return head + flat_embedded_bytes(flat_bytes(e).len);
    default:
        return head;
    }
}

void entry_free_shell(struct entry *e, const struct entry_memory *m)
{
    if (e->flags & ENTRY_UNSLABBED) {
        mem_free(m->account, e);
    } else {
        slab_free(m->heap, e);
    }
}

void entry_destroy(struct entry *e, const struct entry_memory *m)
{
    if (e->encoding == ENC_BLOB) {
        blob_drop(entry_pointer(e), m);
    } else if (e->encoding == ENC_BIG) {
        struct value *v = entry_value(e);
        while (!value_destroy_some(&v, m, DESTROY_BUDGET)) {
        }
    }
    entry_free_shell(e, m);
}

size_t entry_bytes(const struct entry *e, const struct entry_memory *m)
{
    size_t n = (e->flags & ENTRY_UNSLABBED) ? mem_usable(e)
                                            : slab_cell_bytes(m->heap, e);
    if (e->encoding == ENC_BLOB) {
        n += mem_usable(entry_pointer(e));
    } else if (e->encoding == ENC_BIG) {
        const struct value *v = entry_value(e);
        n += v->ops->bytes(v, m);
    }
    return n;
}

struct entry *entry_move(struct entry *e, const struct entry_memory *m)
{
    assert((e->flags & ENTRY_UNSLABBED) == 0);
    size_t bytes = entry_shell_bytes(e);
    struct entry *to = slab_alloc(m->heap, bytes);
    if (to == NULL) {
        return NULL;
    }
    memcpy(to, e, bytes);
    slab_free(m->heap, e);
    return to;
}

void entry_inherit(struct entry *to, const struct entry *from)
{
    const uint8_t kept = ENTRY_INDEXED | ENTRY_PARITY | ENTRY_EPOCH;
    to->flags = (uint8_t)((to->flags & ~kept) | (from->flags & kept));
    to->access_clock = from->access_clock;
    to->hits = from->hits;
}

/* Moves `e` into a layout with or without a deadline. */
static struct entry *relayout(const struct entry_memory *m, struct entry *e,
                              int64_t deadline_ms)
{
    size_t old_bytes = entry_shell_bytes(e);
    size_t bytes = deadline_ms > 0 ? old_bytes + 8 : old_bytes - 8;
    struct slice key = entry_key(e);
    struct entry *to = entry_build(m, key, e->type, e->encoding, deadline_ms,
                                   bytes);
    if (to == NULL) {
        return NULL;
    }
    entry_inherit(to, e);
    to->flags |= (uint8_t)(e->flags & ENTRY_OF_VALUE);
    if (e->encoding >= ENC_BLOB) {
        memcpy(entry_pointer_at(to), entry_pointer_at(e), sizeof(void *));
    } else {
        const uint8_t *value = entry_embedded(e);
        size_t len = old_bytes - (size_t)(value - (const uint8_t *)e);
        struct slice to_key = entry_key(to);
        memcpy((uint8_t *)to + (to_key.data - (uint8_t *)to) + to_key.len,
               value, len);
    }
    entry_free_shell(e, m);
    return to;
}

/* What the new entry is to point at: the same, or a copy; NULL: out of memory. */
static void *transfer_pointer(struct entry *from,
                              const struct entry_memory *from_m,
                              const struct entry_memory *m, bool take)
{
    if (from->encoding == ENC_BLOB) {
        struct blob *b = entry_pointer(from);
        return take ? b : blob_copy(b, m);
    }
    struct value *v = entry_value(from);
    bool stays = from_m->heap == m->heap
                 || (take && v->home != NULL && home_settle(v->home));
    return take && stays ? v : v->ops->copy(v, m);
}

static enum status transfer_flat(struct entry *from,
                                 const struct entry_memory *m,
                                 struct slice key, int64_t deadline_ms,
                                 struct entry **out)
{
    struct slice old = flat_bytes(from);
    uint8_t *bytes;
    enum status st = flat_create(m, key, from->type, old.len, deadline_ms, out,
                                 &bytes);
    if (st == ST_OK && old.len > 0) {
        memcpy(bytes, old.data, old.len);
    }
    return st;
}

static enum status transfer_behind(struct entry *from,
                                   const struct entry_memory *from_m,
                                   const struct entry_memory *m,
                                   struct slice key, int64_t deadline_ms,
                                   bool take, struct entry **out)
{
    size_t bytes = entry_head_bytes(key.len, deadline_ms > 0, true);
    struct entry *e = entry_build(m, key, from->type, from->encoding,
                                  deadline_ms, bytes);
    if (e == NULL) {
        return ST_NOMEM;
    }
    void *p = transfer_pointer(from, from_m, m, take);
    if (p == NULL) {
        entry_free_shell(e, m);
        return ST_NOMEM;
    }
    memcpy(entry_pointer_at(e), &p, sizeof p);
    *out = e;
    return ST_OK;
}

enum status entry_transfer(struct entry *from,
                           const struct entry_memory *from_m,
                           const struct entry_memory *m, struct slice key,
                           bool take, struct entry **out)
{
    int64_t deadline_ms = entry_has_deadline(from) ? entry_deadline_ms(from) : 0;
    enum status st;
    if (from->encoding >= ENC_BLOB) {
        st = transfer_behind(from, from_m, m, key, deadline_ms, take, out);
    } else if (from->encoding == ENC_EMBED) {
        st = transfer_flat(from, m, key, deadline_ms, out);
    } else {
        int64_t number = 0;
        bool is_int = string_get_int(from, &number);
        assert(is_int);
        (void)is_int;
        st = string_create_int(m, key, number, deadline_ms, out);
    }
    if (st == ST_OK) {
        (*out)->flags |= (uint8_t)(from->flags & ENTRY_OF_VALUE);
        (*out)->hits = from->hits;
        (*out)->access_clock = from->access_clock;
    }
    return st;
}

static bool is_shared(const struct entry *a, const struct entry *b)
{
    return a->encoding >= ENC_BLOB && b->encoding >= ENC_BLOB
           && entry_pointer(a) == entry_pointer(b);
}

struct value *entry_transfer_done(struct entry *from, const struct entry *made,
                                  const struct entry_memory *from_m,
                                  const struct entry_memory *m)
{
    struct value *left = NULL;
    if (from->encoding == ENC_BLOB && from_m->account != m->account) {
        mem_hand_over(from_m->account, m->account, entry_pointer(from));
    } else if (from->encoding == ENC_BIG && !is_shared(from, made)) {
        left = entry_value(from);
    } else if (from->encoding == ENC_BIG && from_m->account != m->account) {
        home_hand_over(entry_value(from)->home, m->account);
    }
    entry_free_shell(from, from_m);
    return left;
}

void entry_transfer_undo(struct entry *made, const struct entry *from,
                         const struct entry_memory *m)
{
    if (is_shared(made, from)) {
        entry_free_shell(made, m);
    } else {
        entry_destroy(made, m);
    }
}

enum status entry_set_deadline(const struct entry_memory *m, struct entry **e,
                               int64_t deadline_ms)
{
    assert(deadline_ms >= 0);
    if (entry_has_deadline(*e) != (deadline_ms > 0)) {
        struct entry *to = relayout(m, *e, deadline_ms);
        if (to == NULL) {
            return ST_NOMEM;
        }
        *e = to;
    } else if (deadline_ms > 0) {
        *entry_deadline_at(*e) = deadline_ms;
    }
    return ST_OK;
}

const char *value_type_name(enum value_type t)
{
#define VALUE_TYPE_NAME(name, text) [TYPE_##name] = text,
    static const char *const names[] = {VALUE_TYPE_MAP(VALUE_TYPE_NAME)};
#undef VALUE_TYPE_NAME
    assert(t < VALUE_TYPE_COUNT);
    return names[t];
}

const char *entry_encoding_name(const struct entry *e)
{
    enum { EMBSTR_MAX = 44 }; /* what the field's clients expect */
    if (e->encoding == ENC_BIG) {
        return entry_value(e)->ops->encoding;
    }
    if (e->type == TYPE_HASH) {
        return (e->flags & ENTRY_DEADLINES) ? "listpackex" : "listpack";
    }
    if (e->type != TYPE_STRING) {
        return (e->flags & ENTRY_INTS) ? "intset" : "listpack";
    }
    if (e->encoding <= ENC_INT64) {
        return "int";
    }
    bool is_short = string_len(e) <= EMBSTR_MAX;
    return is_short && !(e->flags & ENTRY_EDITED) ? "embstr" : "raw";
}
