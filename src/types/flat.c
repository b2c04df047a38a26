/* flat: embedded bytes and blobs.
 *
 * Embedded bytes are preceded by their length: one byte below 128, else two
 * (high bit set, high part first). What would make the entry larger than a slab
 * cell is a blob. Strings that grow get room to grow further, since they are
 * usually appended to; collections take what the allocator's size class gives
 * anyway and no more, since there are many of them. */
#include "types/flat.h"

#include "types/entry_priv.h"

enum {
    LEN1_MAX = 127,
    BLOB_GROW_LINEAR = 1024 * 1024, /* a string's room doubles up to here */
};

/* ---- embedded ---- */

size_t flat_embedded_bytes(size_t len)
{
    return len + (len <= LEN1_MAX ? 1 : 2);
}

/* Where the embedded value begins. */
uint8_t *flat_embedded_at(struct entry *e)
{
    struct slice key = entry_key(e);
    return (uint8_t *)e + (key.data - (const uint8_t *)e) + key.len;
}

uint8_t *flat_write_len(uint8_t *p, size_t len)
{
    if (len <= LEN1_MAX) {
        p[0] = (uint8_t)len;
        return p + 1;
    }
    p[0] = (uint8_t)(0x80 | (len >> 8));
    p[1] = (uint8_t)len;
    return p + 2;
}

/* ---- blobs ---- */

struct blob *blob_create(const struct entry_memory *m, size_t len, size_t cap)
{
    struct blob *b = mem_alloc(m->account, sizeof *b + cap);
    if (b != NULL) {
        atomic_init(&b->refs, 1);
        b->len = len;
        b->cap = mem_usable(b) - sizeof *b;
    }
    return b;
}

struct blob *blob_copy(const struct blob *b, const struct entry_memory *m)
{
    struct blob *to = blob_create(m, b->len, b->len);
    if (to != NULL) {
        memcpy(to->bytes, b->bytes, b->len);
    }
    return to;
}

void blob_pin(struct blob *b)
{
    /* relaxed: the pinner holds the shard, so the blob cannot go meanwhile */
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

void blob_unpin(void *blob)
{
    struct blob *b = blob;
    /* acq_rel: whoever frees sees every other holder done with the bytes */
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
        mem_free_disowned(b);
    }
}

/* Drops the entry's hold on its blob; one that replies still send is taken off
 * the account now and freed when the last of them is done. */
void blob_drop(struct blob *b, const struct entry_memory *m)
{
    /* acquire: pairs with the release of the other holders in blob_unpin */
    if (atomic_load_explicit(&b->refs, memory_order_acquire) == 1) {
        mem_free(m->account, b);
        return;
    }
    mem_disown(m->account, b);
    blob_unpin(b);
}

/* ---- making ---- */

/* `cap`: the room a blob is to have. */
static enum status create(const struct entry_memory *m, struct slice key,
                          enum value_type type, size_t len, size_t cap,
                          int64_t deadline_ms, struct entry **out,
                          uint8_t **bytes)
{
    size_t head = entry_head_bytes(key.len, deadline_ms > 0, false);
    struct blob *b = NULL;
    struct entry *e;
    if (head + flat_embedded_bytes(len) <= SLAB_CELL_MAX) {
        e = entry_build(m, key, type, ENC_EMBED, deadline_ms,
                        head + flat_embedded_bytes(len));
        if (e == NULL) {
            return ST_NOMEM;
        }
        *bytes = flat_write_len(flat_embedded_at(e), len);
        *out = e;
        return ST_OK;
    }
    b = blob_create(m, len, cap);
    if (b == NULL) {
        return ST_NOMEM;
    }
    e = entry_build(m, key, type, ENC_BLOB, deadline_ms, head + sizeof b);
    if (e == NULL) {
        mem_free(m->account, b);
        return ST_NOMEM;
    }
    memcpy(entry_pointer_at(e), &b, sizeof b);
    *bytes = b->bytes;
    *out = e;
    return ST_OK;
}

enum status flat_create(const struct entry_memory *m, struct slice key,
                        enum value_type type, size_t len, int64_t deadline_ms,
                        struct entry **out, uint8_t **bytes)
{
    return create(m, key, type, len, len, deadline_ms, out, bytes);
}

/* ---- resizing ---- */

/* Room for a value that has grown to `len` once and may again. */
static size_t grown_cap(const struct entry *e, size_t len)
{
    if (e->type != TYPE_STRING) {
        return len;
    }
    return len < BLOB_GROW_LINEAR ? len * 2 : len + BLOB_GROW_LINEAR;
}

static enum status resize_blob(const struct entry_memory *m, struct entry *e,
                               size_t len, uint8_t **bytes)
{
    struct blob *b = entry_pointer(e);
    /* acquire: pairs with blob_unpin, so its reader is done before we write */
    bool is_pinned = atomic_load_explicit(&b->refs, memory_order_acquire) > 1;
    bool is_roomy = e->type != TYPE_STRING && len < b->cap / 2;
    if (is_pinned || len > b->cap || is_roomy) {
        size_t cap = len > b->cap ? grown_cap(e, len) : b->cap;
        cap = is_roomy ? len : cap;
        struct blob *to = is_pinned
            ? blob_create(m, b->len, cap)
            : mem_realloc(m->account, b, sizeof *b + cap);
        if (to == NULL) {
            return ST_NOMEM;
        }
        if (is_pinned) {
            memcpy(to->bytes, b->bytes, b->len < len ? b->len : len);
            blob_drop(b, m);
        }
        b = to;
        b->cap = mem_usable(b) - sizeof *b;
        memcpy(entry_pointer_at(e), &b, sizeof b);
    }
    b->len = len;
    *bytes = b->bytes;
    return ST_OK;
}

/* Another cell, or from a cell to a blob, or back. */
static enum status rebuild(const struct entry_memory *m, struct entry **e,
                           size_t len, uint8_t **bytes)
{
    struct slice old = flat_bytes(*e);
    int64_t deadline_ms = entry_has_deadline(*e) ? entry_deadline_ms(*e) : 0;
    struct entry *to;
    enum status st = create(m, entry_key(*e), (*e)->type, len,
                            grown_cap(*e, len), deadline_ms, &to, bytes);
    if (st != ST_OK) {
        return st;
    }
    size_t kept = old.len < len ? old.len : len;
    if (kept > 0) {
        memcpy(*bytes, old.data, kept);
    }
    entry_inherit(to, *e);
    to->flags |= (uint8_t)((*e)->flags & ENTRY_OF_VALUE);
    if ((*e)->encoding == ENC_BLOB) {
        blob_drop(entry_pointer(*e), m);
    }
    entry_free_shell(*e, m);
    *e = to;
    return ST_OK;
}

enum status flat_resize(const struct entry_memory *m, struct entry **entry,
                        size_t len, uint8_t **bytes)
{
    struct entry *e = *entry;
    size_t key_len = entry_key(e).len;
    size_t head = entry_head_bytes(key_len, entry_has_deadline(e), false);
    size_t want = head + flat_embedded_bytes(len);
    if (e->encoding == ENC_BLOB) {
        /* A string that was long once is not moved back into the entry. */
        return e->type == TYPE_STRING || want > SLAB_CELL_MAX / 2
                   ? resize_blob(m, e, len, bytes)
                   : rebuild(m, entry, len, bytes);
    }
    size_t old_len = flat_bytes(e).len;
    bool same_cell = want <= SLAB_CELL_MAX && !(e->flags & ENTRY_UNSLABBED)
        && flat_embedded_bytes(len) - len
               == flat_embedded_bytes(old_len) - old_len
        && slab_class_bytes(want) == slab_class_bytes(entry_shell_bytes(e));
    if (!same_cell && len != old_len) {
        return rebuild(m, entry, len, bytes);
    }
    *bytes = flat_write_len(flat_embedded_at(e), len);
    return ST_OK;
}

uint8_t *flat_writable(struct entry *e)
{
    struct slice bytes = flat_bytes(e);
    assert(e->type != TYPE_STRING); /* whose blob may be pinned */
    if (e->encoding == ENC_BLOB) {
        struct blob *b = entry_pointer(e);
        return b->bytes;
    }
    uint8_t *at = flat_embedded_at(e);
    return at + (bytes.data - at);
}

void flat_shrink(const struct entry_memory *m, struct entry **e, size_t len)
{
    uint8_t *bytes;
    assert(len <= flat_bytes(*e).len);
    if (flat_resize(m, e, len, &bytes) != ST_OK) {
        return; /* the collection's own header says where it ends */
    }
}
