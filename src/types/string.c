/* string: choosing an encoding, overwriting in place, editing.
 *
 * Embedded bytes are preceded by their length: one byte below 128, else two
 * (high bit set, high part first). Integers take 1, 2, 4 or 8 bytes. Anything
 * that would make the entry larger than a slab cell is a blob. */
#include "types/string.h"

#include "base/number.h"
#include "types/entry_priv.h"

enum {
    LEN1_MAX = 127,
    BLOB_GROW_LINEAR = 1024 * 1024, /* growth doubles up to here */
};

/* How a value is to be stored. */
struct form {
    enum value_encoding enc;
    int64_t number;
    size_t value_bytes; /* embedded bytes, prefix included; 0: blob */
};

static struct form form_of_int(int64_t v)
{
    struct form f = {.number = v};
    if (v == (int8_t)v) {
        f.enc = ENC_INT8;
    } else if (v == (int16_t)v) {
        f.enc = ENC_INT16;
    } else if (v == (int32_t)v) {
        f.enc = ENC_INT32;
    } else {
        f.enc = ENC_INT64;
    }
    f.value_bytes = (size_t)1 << f.enc;
    return f;
}

static size_t embedded_bytes(size_t len)
{
    return len + (len <= LEN1_MAX ? 1 : 2);
}

static struct form form_of_bytes(struct slice value, size_t head)
{
    int64_t number;
    if (value.len <= NUMBER_INT64_TEXT_MAX && value.len > 0
        && (value.data[0] <= '9') && number_parse_int64(value, &number)) {
        return form_of_int(number);
    }
    if (head + embedded_bytes(value.len) <= SLAB_CELL_MAX) {
        return (struct form){.enc = ENC_EMBED,
                             .value_bytes = embedded_bytes(value.len)};
    }
    return (struct form){.enc = ENC_BLOB};
}

static uint8_t *value_at(struct entry *e)
{
    struct slice key = entry_key(e);
    return (uint8_t *)e + (key.data - (const uint8_t *)e) + key.len;
}

static void write_int(uint8_t *p, const struct form *f)
{
    switch (f->enc) {
    case ENC_INT8: {
        int8_t v = (int8_t)f->number;
        memcpy(p, &v, sizeof v);
        break;
    }
    case ENC_INT16: {
        int16_t v = (int16_t)f->number;
        memcpy(p, &v, sizeof v);
        break;
    }
    case ENC_INT32: {
        int32_t v = (int32_t)f->number;
        memcpy(p, &v, sizeof v);
        break;
    }
    default:
        memcpy(p, &f->number, sizeof f->number);
        break;
    }
}

/* Writes the length prefix; where the bytes themselves go. */
static uint8_t *write_len(uint8_t *p, size_t len)
{
    if (len <= LEN1_MAX) {
        p[0] = (uint8_t)len;
        return p + 1;
    }
    p[0] = (uint8_t)(0x80 | (len >> 8));
    p[1] = (uint8_t)len;
    return p + 2;
}

static struct slice read_embedded(const uint8_t *p)
{
    if ((p[0] & 0x80) == 0) {
        return slice_of(p + 1, p[0]);
    }
    return slice_of(p + 2, ((size_t)(p[0] & 0x7f) << 8) | p[1]);
}

static int64_t read_int(const struct entry *e)
{
    const uint8_t *p = entry_embedded(e);
    switch (e->encoding) {
    case ENC_INT8: {
        int8_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    case ENC_INT16: {
        int16_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    case ENC_INT32: {
        int32_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    default: {
        int64_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    }
}

struct slice string_bytes(const struct entry *e, char *scratch)
{
    assert(e->type == TYPE_STRING);
    if (e->encoding == ENC_EMBED) {
        return read_embedded(entry_embedded(e));
    }
    if (e->encoding == ENC_BLOB) {
        const struct blob *b = entry_pointer(e);
        return slice_of(b->bytes, b->len);
    }
    return slice_of(scratch, number_format_int64(scratch, read_int(e)));
}

size_t string_len(const struct entry *e)
{
    char scratch[STRING_SCRATCH_BYTES];
    return string_bytes(e, scratch).len;
}

bool string_get_int(const struct entry *e, int64_t *out)
{
    assert(e->type == TYPE_STRING);
    if (e->encoding <= ENC_INT64) {
        *out = read_int(e);
        return true;
    }
    return number_parse_int64(string_bytes(e, NULL), out);
}

/* ---- blobs ---- */

static struct blob *blob_create(const struct entry_memory *m, size_t len,
                                size_t cap)
{
    struct blob *b = mem_alloc(m->account, sizeof *b + cap);
    if (b != NULL) {
        atomic_init(&b->refs, 1);
        b->len = len;
        b->cap = cap;
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

struct blob *string_blob_to_pin(const struct entry *e)
{
    if (e->encoding != ENC_BLOB) {
        return NULL;
    }
    struct blob *b = entry_pointer(e);
    return b->len >= STRING_PIN_BYTES ? b : NULL;
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

static enum status create(const struct entry_memory *m, struct slice key,
                          const struct form *f, struct slice value,
                          int64_t deadline_ms, struct entry **out)
{
    struct blob *b = NULL;
    if (f->enc == ENC_BLOB) {
        b = blob_create(m, value.len, value.len);
        if (b == NULL) {
            return ST_NOMEM;
        }
    }
    size_t head = entry_head_bytes(key.len, deadline_ms > 0, b != NULL);
    struct entry *e = entry_build(m, key, TYPE_STRING, f->enc, deadline_ms,
                                  head + f->value_bytes);
    if (e == NULL) {
        mem_free(m->account, b);
        return ST_NOMEM;
    }
    if (b != NULL) {
        memcpy(b->bytes, value.data, value.len);
        memcpy(entry_pointer_at(e), &b, sizeof b);
    } else if (f->enc == ENC_EMBED) {
        uint8_t *p = write_len(value_at(e), value.len);
        if (value.len > 0) {
            memcpy(p, value.data, value.len);
        }
    } else {
        write_int(value_at(e), f);
    }
    *out = e;
    return ST_OK;
}

enum status string_create(const struct entry_memory *m, struct slice key,
                          struct slice value, int64_t deadline_ms,
                          struct entry **out)
{
    size_t head = entry_head_bytes(key.len, deadline_ms > 0, false);
    struct form f = form_of_bytes(value, head);
    return create(m, key, &f, value, deadline_ms, out);
}

enum status string_create_int(const struct entry_memory *m, struct slice key,
                              int64_t value, int64_t deadline_ms,
                              struct entry **out)
{
    struct form f = form_of_int(value);
    return create(m, key, &f, slice_of(NULL, 0), deadline_ms, out);
}

/* ---- overwriting ---- */

/* Does a value of this form fit exactly the class the entry lies in? */
static bool fits_in_place(const struct entry *e, size_t head,
                          const struct form *f)
{
    if (e->type != TYPE_STRING || e->encoding == ENC_BLOB
        || f->enc == ENC_BLOB || (e->flags & ENTRY_UNSLABBED)) {
        return false;
    }
    size_t old_bytes = entry_shell_bytes(e);
    size_t new_bytes = head + f->value_bytes;
    return new_bytes <= SLAB_CELL_MAX
           && slab_class_bytes(new_bytes) == slab_class_bytes(old_bytes);
}

static void overwrite(struct entry *e, const struct form *f, struct slice value)
{
    e->encoding = (uint8_t)(f->enc & 15);
    e->flags &= (uint8_t)~ENTRY_EDITED;
    if (f->enc == ENC_EMBED) {
        uint8_t *p = write_len(value_at(e), value.len);
        if (value.len > 0) {
            memcpy(p, value.data, value.len);
        }
    } else {
        write_int(value_at(e), f);
    }
}

bool string_overwrite(struct entry *e, const struct entry_memory *m,
                      struct slice value, int64_t deadline_ms)
{
    (void)m;
    if (entry_has_deadline(e) != (deadline_ms > 0)) {
        return false;
    }
    size_t head = entry_head_bytes(entry_key(e).len, deadline_ms > 0, false);
    struct form f = form_of_bytes(value, head);
    if (!fits_in_place(e, head, &f)) {
        return false;
    }
    overwrite(e, &f, value);
    if (deadline_ms > 0) {
        *entry_deadline_at(e) = deadline_ms;
    }
    return true;
}

bool string_overwrite_int(struct entry *e, const struct entry_memory *m,
                          int64_t value)
{
    (void)m;
    size_t head = entry_head_bytes(entry_key(e).len, entry_has_deadline(e),
                                   false);
    struct form f = form_of_int(value);
    if (!fits_in_place(e, head, &f)) {
        return false;
    }
    overwrite(e, &f, slice_of(NULL, 0));
    return true;
}

/* ---- editing ---- */

/* Room for a blob that has grown to `len` once and may again. */
static size_t grown_cap(size_t len)
{
    return len < BLOB_GROW_LINEAR ? len * 2 : len + BLOB_GROW_LINEAR;
}

static enum status edit_blob(const struct entry_memory *m, struct entry *e,
                             size_t len, uint8_t **bytes)
{
    struct blob *b = entry_pointer(e);
    size_t want = len > b->len ? len : b->len;
    /* acquire: pairs with blob_unpin, so its reader is done before we write */
    bool is_pinned = atomic_load_explicit(&b->refs, memory_order_acquire) > 1;
    if (is_pinned || want > b->cap) {
        size_t cap = want > b->cap ? grown_cap(want) : b->cap;
        struct blob *to = is_pinned
            ? blob_create(m, b->len, cap)
            : mem_realloc(m->account, b, sizeof *b + cap);
        if (to == NULL) {
            return ST_NOMEM;
        }
        if (is_pinned) {
            memcpy(to->bytes, b->bytes, b->len);
            blob_drop(b, m);
        }
        to->cap = cap;
        b = to;
        memcpy(entry_pointer_at(e), &b, sizeof b);
    }
    memset(b->bytes + b->len, 0, want - b->len);
    b->len = want;
    *bytes = b->bytes;
    return ST_OK;
}

/* From embedded to a blob, or to a larger embedded entry. */
static enum status edit_rebuild(const struct entry_memory *m, struct entry **e,
                                struct slice old, size_t len, uint8_t **bytes)
{
    int64_t deadline_ms = entry_has_deadline(*e) ? entry_deadline_ms(*e) : 0;
    struct slice key = entry_key(*e);
    size_t head = entry_head_bytes(key.len, deadline_ms > 0, false);
    struct entry *to;
    uint8_t *p;
    if (head + embedded_bytes(len) <= SLAB_CELL_MAX) {
        to = entry_build(m, key, TYPE_STRING, ENC_EMBED, deadline_ms,
                         head + embedded_bytes(len));
        if (to == NULL) {
            return ST_NOMEM;
        }
        p = write_len(value_at(to), len);
    } else {
        struct blob *b = blob_create(m, len, grown_cap(len));
        if (b == NULL) {
            return ST_NOMEM;
        }
        to = entry_build(m, key, TYPE_STRING, ENC_BLOB, deadline_ms, head + 8);
        if (to == NULL) {
            mem_free(m->account, b);
            return ST_NOMEM;
        }
        memcpy(entry_pointer_at(to), &b, sizeof b);
        p = b->bytes;
    }
    if (old.len > 0) {
        memcpy(p, old.data, old.len);
    }
    memset(p + old.len, 0, len - old.len);
    entry_inherit(to, *e);
    entry_free_shell(*e, m);
    *e = to;
    *bytes = p;
    return ST_OK;
}

enum status string_edit(const struct entry_memory *m, struct entry **entry,
                        size_t len, uint8_t **bytes)
{
    struct entry *e = *entry;
    enum status st = ST_OK;
    assert(e->type == TYPE_STRING);
    if (e->encoding == ENC_BLOB) {
        st = edit_blob(m, e, len, bytes);
    } else {
        char scratch[STRING_SCRATCH_BYTES];
        struct slice old = string_bytes(e, scratch);
        size_t want = len > old.len ? len : old.len;
        if (e->encoding == ENC_EMBED && want == old.len) {
            uint8_t *p = value_at(e);
            *bytes = p + (old.data - p);
        } else {
            st = edit_rebuild(m, entry, old, want, bytes);
        }
    }
    if (st == ST_OK) {
        (*entry)->flags |= ENTRY_EDITED;
    }
    return st;
}
