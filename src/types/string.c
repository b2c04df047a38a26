/* string: choosing an encoding, overwriting in place, editing. Integers take 1,
 * 2, 4 or 8 bytes behind the key; other strings are flat (flat.h). */
#include "types/string.h"

#include "base/number.h"
#include "types/entry_priv.h"

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

static struct form form_of_bytes(struct slice value, size_t head)
{
    int64_t number;
    if (value.len <= NUMBER_INT64_TEXT_MAX && value.len > 0
        && (value.data[0] <= '9') && number_parse_int64(value, &number)) {
        return form_of_int(number);
    }
    if (head + flat_embedded_bytes(value.len) <= SLAB_CELL_MAX) {
        return (struct form){.enc = ENC_EMBED,
                             .value_bytes = flat_embedded_bytes(value.len)};
    }
    return (struct form){.enc = ENC_BLOB};
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
    if (entry_is_flat(e)) {
        return flat_bytes(e);
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

struct blob *string_blob_to_pin(const struct entry *e)
{
    if (e->encoding != ENC_BLOB) {
        return NULL;
    }
    struct blob *b = entry_pointer(e);
    return b->len >= STRING_PIN_BYTES ? b : NULL;
}

/* ---- making ---- */

static enum status create_int(const struct entry_memory *m, struct slice key,
                              const struct form *f, int64_t deadline_ms,
                              struct entry **out)
{
    size_t head = entry_head_bytes(key.len, deadline_ms > 0, false);
    struct entry *e = entry_build(m, key, TYPE_STRING, f->enc, deadline_ms,
                                  head + f->value_bytes);
    if (e == NULL) {
        return ST_NOMEM;
    }
    write_int(flat_embedded_at(e), f);
    *out = e;
    return ST_OK;
}

enum status string_create(const struct entry_memory *m, struct slice key,
                          struct slice value, int64_t deadline_ms,
                          struct entry **out)
{
    size_t head = entry_head_bytes(key.len, deadline_ms > 0, false);
    struct form f = form_of_bytes(value, head);
    uint8_t *bytes;
    if (f.enc <= ENC_INT64) {
        return create_int(m, key, &f, deadline_ms, out);
    }
    enum status st = flat_create(m, key, TYPE_STRING, value.len, deadline_ms,
                                 out, &bytes);
    if (st == ST_OK && value.len > 0) {
        memcpy(bytes, value.data, value.len);
    }
    return st;
}

enum status string_create_int(const struct entry_memory *m, struct slice key,
                              int64_t value, int64_t deadline_ms,
                              struct entry **out)
{
    struct form f = form_of_int(value);
    return create_int(m, key, &f, deadline_ms, out);
}

/* ---- overwriting ---- */

/* Has the entry a value of this form and length already? The usual case. */
static inline bool has_form(const struct entry *e, const struct form *f,
                            size_t len)
{
    return e->type == TYPE_STRING && e->encoding == f->enc
           && (f->enc <= ENC_INT64
               || (f->enc == ENC_EMBED && flat_bytes(e).len == len));
}

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
        uint8_t *p = flat_write_len(flat_embedded_at(e), value.len);
        if (value.len > 0) {
            memcpy(p, value.data, value.len);
        }
    } else {
        write_int(flat_embedded_at(e), f);
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
    if (!has_form(e, &f, value.len) && !fits_in_place(e, head, &f)) {
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
    struct form f = form_of_int(value);
    if (!has_form(e, &f, 0)) {
        size_t head = entry_head_bytes(entry_key(e).len, entry_has_deadline(e),
                                       false);
        if (!fits_in_place(e, head, &f)) {
            return false;
        }
    }
    overwrite(e, &f, slice_of(NULL, 0));
    return true;
}

/* ---- editing ---- */

/* An integer becomes text. */
static enum status edit_int(const struct entry_memory *m, struct entry **e,
                            size_t len, uint8_t **bytes)
{
    char scratch[STRING_SCRATCH_BYTES];
    struct slice old = string_bytes(*e, scratch);
    int64_t deadline_ms = entry_has_deadline(*e) ? entry_deadline_ms(*e) : 0;
    struct entry *to;
    enum status st = flat_create(m, entry_key(*e), TYPE_STRING, len,
                                 deadline_ms, &to, bytes);
    if (st != ST_OK) {
        return st;
    }
    memcpy(*bytes, old.data, old.len);
    entry_inherit(to, *e);
    entry_free_shell(*e, m);
    *e = to;
    return ST_OK;
}

enum status string_edit(const struct entry_memory *m, struct entry **entry,
                        size_t len, uint8_t **bytes)
{
    assert((*entry)->type == TYPE_STRING);
    size_t old_len = string_len(*entry);
    size_t want = len > old_len ? len : old_len;
    enum status st = entry_is_flat(*entry)
                         ? flat_resize(m, entry, want, bytes)
                         : edit_int(m, entry, want, bytes);
    if (st == ST_OK) {
        memset(*bytes + old_len, 0, want - old_len);
        (*entry)->flags |= ENTRY_EDITED;
    }
    return st;
}
